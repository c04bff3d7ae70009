"""What notebook 05 says of full, thin, one-sided and hostile data, in both languages."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import dataclass, field
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest

import lost_deals
import view_checks
from detente import intake
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import nontarget, overuse, reason_quality, reasons, rescue
from detente.present import report as page
from detente.present.wording import Words
from detente.schema import LossLog, SourceCount
from hand_made import Memory
from lost_deals import losses, won
from view_checks import SCRIPT

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "05_drop_off_reasons.ipynb"
GROUPS = [
    {"id": "not_ours", "reasons": ["Не наш"], "owner": "marketing", "non_target": True,
     "ru": "Не наш", "en": "Not ours"},
    {"id": "phone", "reasons": ["Неверный номер"], "owner": "marketing", "claims": "wrong_number",
     "ru": "Неверный номер", "en": "Wrong number"},
    {"id": "price", "reasons": ["Дорого"], "owner": "price", "claims": "price", "ru": "Дорого", "en": "Expensive"},
    {"id": "slow", "reasons": ["Долго"], "owner": "sales", "ru": "Долго отвечали", "en": "We were slow"},
    {"id": "silent", "reasons": ["Не отвечает"], "owner": "sales", "no_reason": True, "claims": "no_answer",
     "ru": "Не отвечает", "en": "Silent"},
]  # fmt: skip
FUNNEL = {"stages": ["New", {"name": "Offer", "quoted": True}, "Deal"], "won": "Won", "lost": "Lost"}
AS_OF = dt.date(2026, 6, 30)
FULL = [
    *losses(80, "Неверный номер", channel="Quiz", phone_valid=False, manager="#02"),
    *losses(60, "Не наш", amount=900.0), *losses(20, "Дорого", furthest=1),
    *losses(20, "Дорого", furthest=2, amount=50.0),
    *losses(40, "Долго", furthest=2, manager="#02"), *losses(5, "Долго", furthest=3),
    *losses(40, "Не отвечает", manager="#02"), *losses(20), *losses(12, "Другое"), *losses(6, "далеко ехать нам"),
    *losses(2, "ехать нам далеко"), *losses(15, furthest=None, reason="Дорого"), *losses(25, "Дорого", age_days=5),
    *won(40, 1_000.0, manager="#02"), *won(20, 3_000.0, loss_reason="Дорого"), *losses(9, "Дорого", outcome="open"),
]  # fmt: skip
CALLS = [("L220", None, dt.datetime(2026, 3, 4), 200), ("L225", None, dt.datetime(2026, 3, 4), 5)]
NAMES = [
    SCRIPT,
    "{x} %s {0:count}",
    "=cmd()",
    "rest",
    "не указано",
    "price",
    "x" * 300,
    "\u202egnp.exe",
    "$a_1$",
]


@dataclass
class Made:
    leads: list[dict[str, Any]]
    calls: list[tuple] | None = None
    groups: list[dict] = field(default_factory=lambda: GROUPS)
    funnel: dict = field(default_factory=lambda: FUNNEL)
    thresholds: dict[str, float] = field(default_factory=dict)

    def tables(self, folder: Path) -> Tables:
        (folder / "audit.yml").write_text("hand made", encoding="utf-8")
        keys = {"sources": {"deals": {"file": "deals.csv"}}, "funnel": self.funnel, "reasons": self.groups}
        audit = Audit.model_validate(
            {
                "client": "Hand Made",
                "as_of": AS_OF,
                "thresholds": self.thresholds,
                "path": folder / "audit.yml",
                **keys,
            }
        )
        every = lost_deals.journeys(self.leads, audit.reasons)
        loss = LossLog(
            (SourceCount("deals", "deals.csv", "ab" * 32, len(self.leads), len(self.leads), 0, 0),), ()
        )
        calls = None if self.calls is None else lost_deals.calls(*self.calls)
        return Tables(audit, AS_OF, dt.date(2026, 3, 2), AS_OF, every, every, loss, calls=calls)


CASES = {
    "everything": Made(FULL, CALLS),
    "no calls, no stages": Made([row | {"furthest": None if row["outcome"] == "lost" else 3} for row in FULL]),
    "no amounts": Made([row | {"amount": None} for row in FULL], CALLS),
    "no sales": Made([row for row in FULL if row["outcome"] != "won"], CALLS),
    "one sale": Made([*[row for row in FULL if row["outcome"] != "won"], *won(1, 500.0)], CALLS),
    "no reason at all": Made([row | {"loss_reason": None} for row in FULL], CALLS),
    "hardly a reason": Made([*losses(70), *losses(30, "Долго"), *won(10)], CALLS),
    "reasons that say nothing": Made([*losses(70, "Другое"), *losses(30, "Не отвечает"), *won(10)], CALLS),
    "no losses": Made(won(40), CALLS),
    "young losses only": Made([*losses(40, "Дорого", age_days=3), *won(40)]),
    "one loss": Made(losses(1, "Дорого")),
    "six losses": Made([*losses(6, "Долго"), *won(2)]),
    "no names": Made([row | {"manager": None, "channel": None, "segment": None} for row in FULL], CALLS),
    "no groups": Made(FULL, CALLS, groups=[]),
    "one reason, every loss says why": Made([*losses(60, "Долго"), *losses(40, "Долго", furthest=2), *won(50)]),
    "no stage of the price": Made(FULL, CALLS, funnel={**FUNNEL, "stages": ["New", "Offer", "Deal"]}),
    "two reasons of one name": Made(
        [*losses(30, "Дешевле у других"), *losses(30, "Дорого"), *losses(30, "Долго", furthest=2), *won(20, 100.0)],
        groups=[{"id": "dear", "reasons": ["Дешевле у других"], "owner": "price", "ru": "Дорого", "en": "Дорого"},
                {"id": "slow", "reasons": ["Долго"], "owner": "sales", "ru": "Дорого", "en": "Дорого"}],
    ),
    "many reasons": Made(
        [row for n in range(12, 30) for row in losses(n, f"причина {n}", furthest=n % 3 + 1, channel=f"c{n % 4}")],
    ),
    "hostile names": Made(
        [row for n in NAMES for row in losses(20, n, channel=n, manager=n, segment=n, furthest=2)]
        + losses(200, SCRIPT, channel="{bad}", manager=SCRIPT) + won(40), CALLS, groups=[],
    ),
}  # fmt: skip
DRAWN = {"everything", "one loss", "hostile names"}


@dataclass
class Told:
    findings: list
    plain: str
    html: str

    def by_id(self) -> dict[str, Any]:
        return {item.id: item for item in self.findings}


def tell(made: Made, language: str, folder: Path, monkeypatch, *, drawn: bool = False) -> Told:
    """Run the cells of the notebook over hand-made leads, without a kernel."""
    return run(made.tables(folder), language, folder, monkeypatch, drawn)


def tell_both(made: Made, folder: Path, monkeypatch, drawn: bool) -> dict[str, Told]:
    """The same in both languages; the second time the metrics give what they gave the first."""
    tables, memory = made.tables(folder), Memory()
    for module in (nontarget, overuse, reason_quality, reasons, rescue):
        for name, function in list(vars(module).items()):
            if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                monkeypatch.setattr(module, name, memory.kept(function))
    said = {"en": run(tables, "en", folder, monkeypatch, drawn)}
    memory.replays = True
    return said | {"ru": run(tables, "ru", folder, monkeypatch, False)}


def run(tables: Tables, language: str, folder: Path, monkeypatch, drawn: bool) -> Told:
    bundles = []
    monkeypatch.setattr(intake, "load", lambda *arguments: (tables, tables.loss))
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    if not drawn:
        monkeypatch.setattr(page.pieces, "png", lambda figure, words: b"")
    names: dict[str, Any] = {}
    for item in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if item["cell_type"] == "code":
            exec(compile("".join(item["source"]), NOTEBOOK.name, "exec"), names)
            if "parameters" in item["metadata"].get("tags", []):
                names |= {"language": language, "output": str(folder) if drawn else ""}
    texts = [bundle.get("text/html", "") + bundle.get(page.MIME, {}).get("html", "") for bundle in bundles]
    plain = "\n".join(bundle.get("text/plain", "") for bundle in bundles)
    return Told(names["report"].findings, plain, "\n".join(texts))


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[tuple[str, str], Told]:
    found = {}
    for case, made in CASES.items():
        with pytest.MonkeyPatch.context() as patch:
            both = tell_both(made, tmp_path_factory.mktemp("told"), patch, case in DRAWN)
        found |= {(case, language): said for language, said in both.items()}
    return found


@pytest.fixture(params=CASES)
def case(request, told) -> dict[str, Told]:
    return {language: told[request.param, language] for language in ("en", "ru")}


# --- any data ---


def test_every_finding_has_a_status_somebody_to_ask_and_a_sentence(case) -> None:
    for said in case.values():
        view_checks.whole(said.findings)
        assert said.findings[0].id == "reason_filled"
        assert len(said.findings) <= 15


def test_both_languages_give_the_same_ids_and_numbers(case) -> None:
    view_checks.same(case["en"].findings, case["ru"].findings)


def test_no_hole_stands_in_a_sentence(case) -> None:
    for said in case.values():
        view_checks.filled(said.plain, said.findings, [*NAMES, "{bad}"])


def test_the_number_of_a_finding_is_the_one_in_its_sentence(case) -> None:
    for language, said in case.items():
        view_checks.number_said(said.findings, language)


def test_the_base_of_a_share_is_said_with_it(case) -> None:
    for said in case.values():
        view_checks.base_said(said.findings)


# --- what is said ---
def test_the_head_of_the_page_names_the_place_whose_question_it_is_and_the_trust(told) -> None:
    lines = told["everything", "ru"].plain.split("\n")
    item = told["everything", "ru"].by_id()["rescue_worth"]
    assert "«New»" in lines[0]
    assert "«Неверный номер»" in lines[0]
    assert Words("ru").money(item.value) in lines[0]
    assert "Чей это вопрос: маркетинг" in lines[1]
    assert "не объясняют" in "\n".join(lines[1:5])
    assert item.ask == "marketing"


def test_bad_phones_are_the_most_frequent_reason_and_a_question_for_marketing(told) -> None:
    found = told["everything", "en"].by_id()
    assert "Wrong number" in found["reason_stage"].headline
    assert (
        found["reason_owner"].ask
        == found["reason_stage"].ask
        == found["reason_wrong_number"].ask
        == "marketing"
    )
    assert "not for the skill of selling" in found["reason_owner"].fact


def test_money_of_a_fix_is_a_ceiling_and_says_so(told) -> None:
    for language, ceiling in (("ru", "верхняя граница"), ("en", "ceiling")):
        found = told["everything", language].by_id()
        assert ceiling in found["rescue_worth"].fact
        assert ceiling in found["rescue_together"].fact


def test_few_sales_give_no_interval_and_it_is_said(told) -> None:
    item = told["one sale", "en"].by_id()["rescue_worth"]
    assert item.status == "ok"
    assert math.isnan(item.low)
    assert "too few sales" in item.fact


def test_losses_without_reasons_are_the_finding(told) -> None:
    item = told["hardly a reason", "en"].by_id()["reason_filled"]
    assert (item.value, item.n) == (0.3, 100)
    assert "that is the first finding" in item.headline
    assert told["hardly a reason", "en"].plain.startswith("70% of losses have no reason written")


@pytest.mark.parametrize(
    ("case_name", "ids"),
    [
        ("no reason at all", {"reason_filled"}),
        ("no losses", {"reason_filled"}),
        ("no calls, no stages", {"reason_stage", "reason_no_answer", "reason_price", "rescue_worth"}),
        ("no names", {"reason_channel", "reason_segment"}),
        ("no stage of the price", {"reason_price"}),
    ],
)
def test_a_section_without_its_data_says_what_is_missing(told, case_name, ids) -> None:
    found = told[case_name, "en"].by_id()
    assert {name for name in ids if found[name].status == "not_available"} == ids


@pytest.mark.parametrize("case_name", ["no reason at all", "no losses", "young losses only"])
def test_without_reasons_to_count_no_section_repeats_that_there_are_none(told, case_name) -> None:
    found = told[case_name, "en"].by_id()
    assert not {"reason_top", "reason_stage", "reason_owner", "reason_channel", "reason_overuse"} & set(found)


def test_with_everything_there_is_a_section_for_each_question(told) -> None:
    assert len(told["everything", "en"].findings) == 15


def test_without_amounts_or_sales_the_money_cannot_be_told(told) -> None:
    for name in ("no amounts", "no sales"):
        assert told[name, "en"].by_id()["rescue_worth"].status == "cannot_tell", name


def test_bounds_are_drawn_only_where_many_losses_say_nothing(told) -> None:
    loud, clear = told["everything", "en"].by_id(), told["one reason, every loss says why", "en"].by_id()
    assert "somewhere in" in loud["reason_top"].fact
    assert "somewhere in" not in clear["reason_top"].fact
    assert clear["reason_top"].value == 1


def test_young_losses_are_counted_and_left_out_of_the_rest(told) -> None:
    note = Words("en").t("reasons.filled.young", ripe=30, young=25, counted=320)
    assert note in told["everything", "en"].html
    assert told["young losses only", "en"].by_id()["reason_filled"].n == 40


def test_a_manager_who_overuses_a_reason_is_a_question_not_a_verdict(told) -> None:
    for language in ("ru", "en"):
        item = told["everything", language].by_id()["reason_overuse"]
        assert item.status == "ok"
        assert item.question.endswith("?")
        assert ("звонки" if language == "ru" else "calls") in item.fact


def test_spellings_are_proposed_and_the_numbers_stay_apart(told) -> None:
    said = told["everything", "en"]
    assert "<td>ехать нам далеко</td><td>2</td><td>далеко ехать нам</td>" in said.html
    assert "<td>далеко ехать нам</td>" in said.html
    assert "Another spelling almost for sure: 1" in said.by_id()["reason_spelling"].fact


def test_names_from_the_data_never_become_markup_or_placeholders(told) -> None:
    view_checks.escaped(told["hostile names", "en"].html)
    assert "{x} %s {0:count}" in told["hostile names", "en"].html


def test_our_own_reading_of_a_text_is_marked(told) -> None:
    assert Words("en").t("reasons.said.ours") in told["everything", "en"].html
    assert Words("en").t("reasons.silence.ours") in told["everything", "en"].html


def test_the_stated_thresholds_are_the_ones_in_the_words(tmp_path, monkeypatch) -> None:
    stated = {"level": 0.9, "fix_share": 0.3, "rescued": 0.6, "attempts": 5, "talk_seconds": 30}
    found = tell(Made(FULL, CALLS, thresholds=stated), "en", tmp_path, monkeypatch).by_id()
    assert "holds 30% of them, and 60% as many" in found["rescue_worth"].fact
    assert "90% interval" in found["rescue_worth"].fact
    assert "95%" not in "".join(item.fact for item in found.values())
    assert "30 seconds" in found["reason_no_answer"].fact
    assert "fewer than 5" in found["reason_no_answer"].fact


def test_two_reasons_of_one_name_are_told_apart(told) -> None:
    html = told["two reasons of one name", "ru"].html
    for written in ("Дорого (dear)", "Дорого (slow)", "«Дорого»"):
        assert f"<td>{written}</td>" in html


def test_what_a_table_has_no_row_for_is_one_row_with_its_count(told) -> None:
    said = told["many reasons", "en"]
    assert "8 more reasons" in said.html  # of all losses: 18 reasons, ten of them rows
    assert "10 more reasons" in said.html  # of each stage: eight rows
