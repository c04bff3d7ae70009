"""What the page on focus says in both languages: the same numbers, questions instead of blame, gaps said aloud."""

from __future__ import annotations

import re
from dataclasses import replace
from inspect import isfunction

import pytest

from detente import intake
from detente.intake import Tables
from detente.metrics import effort, focus, response, trials
from detente.present import report as page
from detente.present.findings import ASK, Finding
from focused import Company, Part, aligned, playground
from hand_made import Memory, _run

NOTEBOOK = "10_segment_focus"
IDS = {
    "focus_money_spend",
    "focus_money_time",
    "focus_between",
    "focus_order",
    "focus_response",
    "focus_experiments",
}
BLAME = re.compile(r"вин[ао]\b|плох|лентя|обвин|разорван|fault|blame|\bbad\b|\bpoor\b|lazy", re.I)
SCRIPT = "<script>alert('x')</script>"


def without(company: Company, **changes) -> Company:
    return replace(company, **changes)


def unknown() -> Company:
    made = playground()
    made.parts[None] = Part([400000.0] * 30, leads=40, minutes=20)
    return made


def trial() -> Company:
    made = playground()
    made.parts["new"] = Part([100.0] * 3, leads=40, minutes=3, channel="Quiz")
    return without(
        made, experiments=[{"name": SCRIPT, "channels": ["Quiz"]}], spend=made.spend | {"Quiz": 500.0}
    )


def crowd() -> Company:
    parts = {f"Сегмент с длинным именем {at}": Part([100.0 * (at + 1)] * 3, leads=30 - at, minutes=1, after=at + 0.5)
             for at in range(12)}  # fmt: skip
    return Company(parts, spend={"Ads": 1000.0})


CASES = {
    "torn apart": playground(),
    "aligned": aligned(),
    "attention": Company({"a": Part([700.0] * 60, leads=50, minutes=1), "b": Part([300.0] * 60, leads=50, minutes=1)},
                         spend={"Ads": 100.0}),
    "few clients": Company({"a": Part([100.0, 300.0, 50.0], leads=5, minutes=1),
                            "b": Part([50.0, 60.0, 40.0], leads=5, minutes=1)}, spend={"Ads": 100.0}),
    "two clients": Company({"a": Part([100.0], leads=5, minutes=1), "b": Part([900.0], leads=5, minutes=1)}),
    "one giant": Company({"a": Part([90000.0] + [10.0] * 40, leads=5, minutes=1),
                          "b": Part([10.0] * 40, leads=5, minutes=1)}, spend={"Ads": 100.0}),
    "no segments": Company({None: Part([1.0], leads=9)}),
    "one segment": Company({"a": Part([1.0], leads=9, minutes=1)}),
    "no money": without(playground(), paying=False),
    "money of won deals": without(playground(), basis="won"),
    "no spend": without(playground(), spend={}),
    "no calls": without(playground(), calling=False),
    "only leads": Company({"a": Part(leads=3), "b": Part(leads=2)}, paying=False, calling=False),
    "much without a segment": unknown(),
    "an experiment": trial(),
    "a loss": Company({"a": Part([100.0] * 9, leads=5, minutes=2), "b": Part([90.0] * 9, leads=5, margin=-0.2)},
                      spend={"Ads": 50.0}),
    "twelve segments": crowd(),
    "hostile names": Company({SCRIPT: Part([9.0] * 40, leads=40, minutes=1, after=3),
                              "{name}": Part([1.0] * 40, leads=90, minutes=1), "=cmd()": Part([1.0] * 40, leads=30),
                              "не указано": Part([1.0], leads=1)}, spend={"Ads": 50.0, SCRIPT: 3.0}),
}  # fmt: skip


class Told:
    """What the cells of the notebook said over a company's tables."""

    def __init__(self, tables: Tables, language: str, monkeypatch, output: str = ""):
        bundles: list[dict] = []
        monkeypatch.setattr(intake, "load", lambda *arguments: (tables, tables.loss))
        monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
        if not output:
            monkeypatch.setattr(page.pieces, "png", lambda figure, words: b"")
        names = _run(NOTEBOOK, {"language": language, "output": output})
        self.findings: dict[str, Finding] = {item.id: item for item in names["report"].findings}
        self.plain = "\n".join(bundle.get("text/plain", "") for bundle in bundles).replace("\u00a0", " ")
        html = "\n".join(b.get("text/html", "") + b.get(page.MIME, {}).get("html", "") for b in bundles)
        self.html = html.replace("\u00a0", " ")


def told(case: str, folder, monkeypatch, language: str = "ru", output: str = "") -> Told:
    return Told(CASES[case].tables(folder), language, monkeypatch, output)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_languages_say_the_same_and_blame_nobody(case: str, tmp_path, monkeypatch) -> None:
    tables, memory, both = CASES[case].tables(tmp_path), Memory(), {}
    for module in (effort, focus, response, trials):
        for name, function in list(vars(module).items()):
            if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                monkeypatch.setattr(module, name, memory.kept(function))
    for language in ("ru", "en"):
        both[language] = Told(tables, language, monkeypatch)
        memory.replays = True
    ru, en = (both[language].findings for language in ("ru", "en"))
    assert list(ru) == list(en)
    assert set(ru) <= IDS
    for ident, item in ru.items():
        facts = ("value", "unit", "low", "high", "n", "ask", "status")
        assert [repr(getattr(item, x)) for x in facts] == [repr(getattr(en[ident], x)) for x in facts]
        assert item.ask in ASK
        assert item.decision
    for said in both.values():
        assert not BLAME.search(said.plain)
        assert "nan" not in said.plain.lower().replace("finance", "")
        assert SCRIPT not in said.html


def test_the_playground_page_names_who_pays_and_who_gets_the_work(tmp_path, monkeypatch) -> None:
    made = told("torn apart", tmp_path, monkeypatch)
    assert made.plain.startswith("Сегмент «dealers» даёт 82 % денег и получает 5 % рекламы")
    assert "перенести 85 % (83–87 %) рекламы: 850 000 ₽ из 1 000 000 ₽" in made.plain
    assert "67 часов из 100 за период" in made.plain
    assert "по времени звонков стоит на 3\u2011м месте из 3" in made.plain
    assert made.findings["focus_response"].headline.endswith("звонят позже остальных")
    assert made.findings["focus_money_spend"].ask == "marketing"
    assert "Средний заказ сегмента «dealers» — 500 000 ₽, сегмента «private» — 31 250 ₽" in made.html


def test_an_aligned_company_is_asked_nothing(tmp_path, monkeypatch) -> None:
    made = told("aligned", tmp_path, monkeypatch)
    money = [made.findings[name] for name in ("focus_money_spend", "focus_money_time", "focus_between")]
    assert [item.question for item in money] == ["", "", ""]
    assert money[1].value == 0
    assert made.plain.startswith("Отделы работают на те же сегменты")


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("few clients", "cannot_tell"), ("two clients", "cannot_tell"), ("no segments", "not_available"),
        ("one segment", "not_available"), ("no money", "not_available"), ("only leads", "not_available"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_said_with_what_is_needed(
    case: str, status: str, tmp_path, monkeypatch
) -> None:
    made = told(case, tmp_path, monkeypatch)
    assert made.findings["focus_money_spend"].status == status
    assert made.findings["focus_money_spend"].fact


@pytest.mark.parametrize(("case", "words"), [
    ("money of won deals", "за деньги приняты суммы выигранных сделок"),
    ("much without a segment", "сегмент не указан: доли посчитаны по остальным"),
    ("one giant", "Один клиент принёс 99,1 % денег"),
    ("a loss", "По марже сегмент «b» в минусе: −162 ₽"),
    ("no spend", "заявок: 850 из 1 000 заявок"),
    ("no calls", "Нет журнала звонков"),
    ("an experiment", "40 заявок (3,8 % всех), 500 ₽ рекламы"),
    ("twelve segments", "по шкале от минус единицы"),
])  # fmt: skip
def test_a_caution_stands_where_it_belongs(case: str, words: str, tmp_path, monkeypatch) -> None:
    assert words in told(case, tmp_path, monkeypatch).html


@pytest.mark.parametrize("case", ["torn apart", "twelve segments", "an experiment"])
def test_the_page_is_drawn_and_each_column_of_its_table_sums_up(case: str, tmp_path, monkeypatch) -> None:
    made = told(case, tmp_path, monkeypatch, "en", str(tmp_path / "out"))
    assert made.html.count('<figure class="chart">') >= 1
    table = (
        (tmp_path / "out" / "tables" / f"{NOTEBOOK}_amounts.csv").read_text(encoding="utf-8-sig").splitlines()
    )
    heads, *rows = (line.split(",") for line in table)
    for at, head in enumerate(heads[1:], start=1):
        sums = [float(row[at]) for row in rows]
        assert sum(sums[:-1]) == pytest.approx(sums[-1]), head


def test_an_order_turned_round_over_many_segments_is_said_to_be(tmp_path, monkeypatch) -> None:
    found = told("twelve segments", tmp_path, monkeypatch).findings["focus_order"]
    assert found.headline == "Порядок работы обратный порядку денег"


def test_small_segments_stand_together_in_the_picture_and_fill_their_row(tmp_path, monkeypatch) -> None:
    made = told("twelve segments", tmp_path, monkeypatch, output=str(tmp_path / "out"))
    assert "прочие (5)" in made.html
