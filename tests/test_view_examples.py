"""The worked example stands beside the client's data only where both show the same trap."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from detente.metrics import examples_ltv, examples_romi
from detente.metrics.claims import Facts
from detente.present import report as page
from detente.present import view_examples as view
from detente.present.report import Report
from hand_made import Made, leads


@pytest.fixture(params=["ru", "en"])
def report(request, tmp_path, monkeypatch):
    tables = Made(leads(1)).tables(tmp_path)
    report = Report("12_romi_pitfalls", tables, tables.loss, request.param)
    report.shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: report.shown.append(bundle["text/html"]))
    return report


def base(start, lost, new, revenue=300_000.0):
    return SimpleNamespace(start=start, lost=lost, new=new, revenue=revenue)


@pytest.mark.parametrize(("counts", "off"), [((80, 20, 60), "20"), ((120, 60, 20), "20")])
def test_a_moving_base_is_shown_with_its_own_error(report, counts, off) -> None:
    trap = examples_ltv.trap_ltv(base(*counts))
    made = view.ltv(report, trap, examples_ltv.beside(trap, base(*counts)))
    report.show(made)
    assert off in made.note
    assert made.table.bold.tolist() == [False, True]
    assert len(report.shown) == 1
    assert report.findings == [], "a lesson is no finding"


def test_a_steady_base_shows_no_lesson(report) -> None:
    report.show(view.ltv(report, "", examples_ltv.beside("", base(100, 10, 10))))
    report.show(view.romi(report, {}))
    assert report.shown == []


def test_each_trap_has_its_own_words_and_table(report) -> None:
    facts = Facts(spend=100, gross=150, returned=15, goods=30, delivery=25, new_share=0.4, leads=50, new=5)
    traps = ["goods", *examples_romi.trap_romi(facts, 2.0)]
    assert set(traps) == set(view.COLUMNS) - {"growing_base", "falling_base"}
    for trap in traps:
        made = view.romi(report, examples_romi.beside([trap], facts, 2.0))
        report.show(made)
        assert made.note
        assert [table.name for table in made.tables] == [f"example_{trap}"]
        assert made.tables[0].frame.shape[0] == 2
        assert not made.tables[0].frame.isna().any().any()
    assert len(set(report.shown)) == len(traps)


def test_more_than_three_lessons_are_too_many(report) -> None:
    facts = Facts(spend=100, gross=150, returned=15, goods=30, delivery=25, new_share=0.4, leads=50, new=5)
    made = view.romi(report, examples_romi.beside(examples_romi.trap_romi(facts, 2.0), facts, 2.0))
    assert len(made.tables) == 3
