"""What notebook 06 says of funnels made by hand: good things first, nobody named on noise, nothing empty."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from inspect import isfunction
from pathlib import Path

import pandas as pd
import pytest

import view_checks
from detente import engine, intake
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import habits, moves, pockets, requirements, rhythm, stage_names, task_words
from detente.present import report as page
from detente.present.findings import Finding
from detente.schema import LossLog, SourceCount
from hand_made import Memory
from view_checks import SCRIPT
from walked import AS_OF, START, Deal, deals, journeys, log

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "06_funnel_design.ipynb"
LATE = dt.datetime(2026, 6, 29, 9)
BLAME = re.compile(
    r"виноват|плохо работа|не справ|лен(ь|ив)|халтур|саботаж|fault|blame|lazy|fail(s|ed) to", re.I
)


@dataclass
class Made:
    """One company: its deals, and which exports it has beside them."""

    deals: list[Deal]
    stages: bool = True
    tasks: list[tuple] | None = None  # deal, title, due, completed, manager
    calls: list[tuple] | None = None  # deal, seconds, manager
    names: tuple[str, ...] = ("A", "B", "C")
    facts: tuple[str | None, ...] = (None, None, None)
    thresholds: dict = field(default_factory=dict)

    def tables(self, folder: Path) -> Tables:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        stages = [{"name": name, "fact": fact} for name, fact in zip(self.names, self.facts, strict=True)]
        audit = Audit.model_validate({
            "client": "Hand Made", "sources": {"deals": {"file": "deals.csv"}}, "as_of": AS_OF, "path": path,
            "funnel": {"stages": stages, "won": "W", "lost": "L"}, "thresholds": self.thresholds,
        })  # fmt: skip
        count = SourceCount("deals", "deals.csv", "ab" * 32, len(self.deals), len(self.deals), 0, 0)
        table, moved = self._renamed(journeys(self.deals)), self._renamed(log(self.deals))
        if not self.stages:
            table = table.drop("entered_1", "entered_2", "entered_3").mutate(has_history=False)
        return Tables(
            audit, AS_OF, START.date(), AS_OF, table, table, LossLog((count,), ()),
            stages=moved if self.stages else None, tasks=self._tasks(), calls=self._calls(),
        )  # fmt: skip

    def _renamed(self, table):
        import ibis

        known = dict(zip("ABC", self.names, strict=True))
        return table.mutate(
            stage=ibis.cases(*((table.stage == old, new) for old, new in known.items()), else_=table.stage)
        )

    def _tasks(self):
        if self.tasks is None:
            return None
        frame = pd.DataFrame(self.tasks, columns=["lead_id", "title", "due_at", "completed_at", "manager"])
        frame["created_at"] = pd.Timestamp("2026-03-02")
        return _typed(frame, ("due_at", "completed_at", "created_at"))

    def _calls(self):
        if self.calls is None:
            return None
        frame = pd.DataFrame(self.calls, columns=["lead_id", "duration_s", "manager"])
        frame["started_at"], frame["row"] = pd.Timestamp("2026-03-02 12:00"), range(len(frame))
        return _typed(frame, ("started_at",))


def _typed(frame: pd.DataFrame, times: tuple[str, ...]):
    for name in frame:
        if name in times:
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
        elif name in ("lead_id", "title", "manager"):
            frame[name] = frame[name].astype("str")
    return engine.table(frame)


@dataclass
class Told:
    findings: dict[str, Finding]
    plain: str
    html: str


def tell(made: Made, language: str, folder: Path, monkeypatch, *, drawn: bool = False) -> Told:
    """Run the cells of the committed notebook over a company made by hand."""
    tables, bundles, names = made.tables(folder), [], {}
    monkeypatch.setattr(intake, "load", lambda *arguments: (tables, tables.loss))
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    if not drawn:
        monkeypatch.setattr(page.pieces, "png", lambda figure, words: b"")
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
            if "parameters" in cell["metadata"].get("tags", []):
                names |= {"language": language, "output": str(folder) if drawn else ""}
    html = "\n".join(b.get("text/html", "") + b.get(page.MIME, {}).get("html", "") for b in bundles)
    return Told(
        {item.id: item for item in names["report"].findings},
        "\n".join(b["text/plain"] for b in bundles),
        html,
    )


FIELDS = {"evidence_1": "x", "fact_at_1": START, "field_deadline": LATE, "field_contacts": 2.0, "field_hours": 5.0,
          "field_first_amount": 120.0}  # fmt: skip
BARE = dict.fromkeys(FIELDS)


def rich() -> Made:
    """Every export and every field; #02 moves deals back."""
    made = [
        *deals(30, "A B C W", "#01", **FIELDS), *deals(30, "A B L", "#01", **BARE),
        *deals(12, "A B A B L", "#02", **FIELDS),
        *deals(28, "A C L", "#02", **BARE), *deals(10, "A B", "#01", **FIELDS),
    ]  # fmt: skip
    tasks = [(f"L{at}", "созвон", "2026-07-05", None, "#02") for at in range(100, 106)]
    tasks += [
        (f"L{at}", "Договориться о дате встречи", "2026-03-05", "2026-03-05", "#01") for at in range(40)
    ]
    calls = [(f"L{at}", 20.0 if at % 2 else 300.0, "#01") for at in range(60)] + [("L1", 5.0, "#02")] * 50
    return Made(made, tasks=tasks, calls=calls)


CASES = {
    "everything": rich(),
    "deals alone": Made(deals(40, "A B L"), stages=False),
    "one deal": Made([Deal("A")]),
    "three deals": Made([Deal("A B W"), Deal("A L"), Deal("A C")], tasks=[]),
    "clean": Made(
        deals(60, "A B C W") + deals(60, "A L") + deals(40, "A B L") + deals(40, "A B C L"),
        names=("Договариваюсь о первой встрече", "Согласовываю ТЗ", "Подписываю договор"),
        facts=("встреча проведена", "ТЗ согласовано", "договор подписан"),
    ),
    "no names of managers": Made(deals(40, "A B A L", None), calls=[(None, 9.0, None)] * 3,
                                 tasks=[("L1", None, None, None, None)]),
    "returns of every kind": Made([Deal("A B L B"), Deal("A B L A"), Deal("A L C"), Deal("L A"), Deal("A W A")] * 10),
    "open deals only": Made(deals(40, "A"), tasks=[("L0", "x", None, None, "#01")]),
    "hostile": Made(
        deals(40, "A B A B L", SCRIPT) + deals(40, "A B L", "{x:count}") + deals(9, "A", SCRIPT),
        names=(SCRIPT, "{y} %s", "$a_1$"), tasks=[(f"L{at}", SCRIPT, None, None, SCRIPT) for at in range(80, 89)],
        calls=[("L0", 90.0, SCRIPT)] * 3,
    ),
    "days without a clock": Made([
        Deal("A B L", times=[dt.datetime(2026, 3, day) for day in (2, 3, 4)]) for _ in range(40)
    ]),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids=str)
def both(request, tmp_path_factory) -> dict[str, Told]:
    """What a case says in both languages; the second time the metrics give what they gave the first."""
    folder, memory = tmp_path_factory.mktemp("made"), Memory()
    with pytest.MonkeyPatch.context() as patch:
        for module in (habits, moves, pockets, requirements, rhythm, stage_names, task_words):
            for name, function in list(vars(module).items()):
                if (
                    isfunction(function)
                    and function.__module__ == module.__name__
                    and not name.startswith("_")
                ):
                    patch.setattr(module, name, memory.kept(function))
        told = {"ru": tell(CASES[request.param], "ru", folder, patch)}
        memory.replays = True
        return told | {"en": tell(CASES[request.param], "en", folder, patch)}


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict:
    """The richest case with pictures and pages: Told per language, and the folder it was written to."""
    folder = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch:
        told = {language: tell(rich(), language, folder, patch, drawn=True) for language in ("en", "ru")}
    return told | {"folder": folder}


def test_both_languages_find_the_same_numbers(both) -> None:
    view_checks.same(both["ru"].findings.values(), both["en"].findings.values())


def test_every_finding_is_whole_asks_somebody_and_blames_nobody(both) -> None:
    for told in both.values():
        view_checks.whole(told.findings.values(), numbered=["design_month_end"])
        for item in told.findings.values():
            assert not BLAME.search(" ".join([item.headline, item.fact, item.question])), item.id


def test_nothing_unsaid_slips_into_a_sentence(both) -> None:
    for told in both.values():
        view_checks.filled(told.plain, told.findings.values(), ["{x:count}", "{y}"])
        assert "None" not in told.plain


def test_the_base_of_a_share_is_said_with_it(both) -> None:
    for told in both.values():
        view_checks.base_said(told.findings.values())


def test_russian_is_written_without_latin_words(both) -> None:
    said = " ".join(f"{item.headline} {item.fact} {item.question}" for item in both["ru"].findings.values())
    for name in (SCRIPT, "{y} %s", "$a_1$", "{x:count}", "audit.yml", "sources.stages", "amoCRM", "CRM"):
        said = said.replace(name, "")
    assert set(re.findall(r"[A-Za-z]+", said)) <= {"A", "B", "C", "W", "L", "x"}, said


def test_what_comes_from_data_is_escaped(tmp_path, monkeypatch) -> None:
    view_checks.escaped(tell(CASES["hostile"], "ru", tmp_path, monkeypatch, drawn=True).html)


def test_the_verdict_says_what_is_good_before_what_to_add(everything) -> None:
    for language, good, add in (("ru", "Что хорошо", "Что добавить"), ("en", "What is good", "What to add")):
        plain = everything[language].plain
        assert 0 < plain.index(good) < plain.index(add)


def test_the_table_of_requirements_holds_all_twelve_with_the_kept_ones_first(everything) -> None:
    [table] = re.findall(r"<table><caption>The twelve.*?</table>", everything["en"].html)
    rows = re.findall(r"<tr><td>(\d+)\. .*?</td><td>(.*?)</td>", table)
    assert sorted(int(number) for number, _ in rows) == list(range(1, 13))
    order = ["met", "could be better", "not met", "cannot tell yet", "not visible"]
    states = [order.index(state) for _, state in rows]
    assert states == sorted(states)


def test_the_manager_who_moves_deals_back_is_named_and_asked_about(everything) -> None:
    item = everything["en"].findings["design_backward"]
    assert "Manager 02: 12 of 40 deals (30%)" in item.fact
    assert item.question.startswith("Manager 02:")
    assert item.n == 110


def test_a_manager_with_few_deals_is_named_nowhere(tmp_path, monkeypatch) -> None:
    made = Made(deals(12, "A B A B L", "#02") + deals(200, "A B L", "#01"))
    item = tell(made, "en", tmp_path, monkeypatch).findings["design_backward"]
    assert "Manager" not in item.headline + item.question
    assert "Manager 0" not in item.fact


def test_the_export_of_deals_alone_gets_one_card_and_one_list_and_no_empty_sections(
    tmp_path, monkeypatch
) -> None:
    told = tell(CASES["deals alone"], "en", tmp_path, monkeypatch)
    assert [item.id for item in told.findings.values() if item.status == "not_available"] == [
        "design_history"
    ]
    assert set(told.findings) == {"design_requirements", "design_names", "design_history", "habits_budget"}
    assert "fields.deadline" in told.html
    assert "fields.contacts" in told.html


def test_a_clean_funnel_hears_no_reproach(tmp_path, monkeypatch) -> None:
    told = tell(CASES["clean"], "en", tmp_path, monkeypatch)
    assert told.findings["design_names"].headline == "All stage names are clear"
    assert told.findings["design_backward"].question == ""
    assert told.findings["design_skipped"].question == ""


def test_one_deal_is_too_little_for_anything_but_the_dictionary(tmp_path, monkeypatch) -> None:
    told = tell(CASES["one deal"], "en", tmp_path, monkeypatch)
    assert told.findings["design_month_end"].status == "cannot_tell"
    assert told.findings["design_skipped"].status == "cannot_tell"


def test_returns_from_the_archive_are_told_apart_from_moves_back(tmp_path, monkeypatch) -> None:
    told = tell(CASES["returns of every kind"], "en", tmp_path, monkeypatch)
    assert told.findings["design_backward"].value == 0
    assert "returns out of the archive: 40" in told.html


def test_the_pictures_and_tables_of_the_page_are_written(everything) -> None:
    folder, told = everything["folder"], everything["ru"]
    written = {
        path.name.removeprefix("06_funnel_design_").split(".")[0] for path in (folder / "tables").iterdir()
    }
    wanted = "requirements names backward conversion skipped standing lag effort tasks tasks_managers minutes_manager"
    assert {*wanted.split(), "listen", "unseen"} <= written
    assert told.html.count("<svg") >= 2 * 4


def test_the_stage_where_deals_wait_without_a_task_is_called_a_pocket_and_others_are_not(
    tmp_path, monkeypatch
) -> None:
    made = deals(40, "A B") + deals(40, "A")
    todo = [(f"L{at}", "x", "2026-07-05", None, "#01") for at in range(30, 80)]
    item = tell(Made(made, tasks=todo), "en", tmp_path, monkeypatch).findings["design_standing"]
    assert "“B”" in item.headline
    assert "30 of 40 open deals have no next task (75%), on all other stages together 0%" in item.fact
