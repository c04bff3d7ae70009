"""The twelve requirements to a funnel: each is kept, broken, in doubt or not visible, as the moves say."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from detente.metrics import moves, pockets, requirements, rhythm
from walked import AS_OF, DAY, FUNNEL, START, Deal, deals, history, journeys, tasks

CLEAN = pd.DataFrame({"order": [1, 2, 3, 4], "code": "ok", "rule": "", "severity": "ok"})


def rules(made: list[Deal], todo=None, names: pd.DataFrame = CLEAN, stages: int = 4) -> pd.DataFrame:
    moved, table = history(made), journeys(made)
    seen = requirements.Seen(
        names, moves.evidence(table, FUNNEL), pockets.pockets(table, FUNNEL, AS_OF, moved=moved, tasks=todo),
        moves.backward(moved, table, FUNNEL), moves.skipped(table, FUNNEL), moves.archive(moved, FUNNEL),
        rhythm.month_end(moved, AS_OF), rhythm.heaps(moved), rhythm.lag(table, FUNNEL),
    )  # fmt: skip
    return requirements.requirements(seen, stages).set_index("rule")


def test_there_is_one_row_for_each_of_the_twelve_in_their_order() -> None:
    found = rules(deals(40, "A B C W"))
    assert found.index.tolist() == [f"R{number}" for number in range(1, 13)]
    assert set(found["status"]) <= set(requirements.STATUSES)


def test_an_export_of_deals_alone_leaves_seven_requirements_unseen_and_breaks_none_of_them() -> None:
    table = journeys(deals(40, "A B"))
    seen = requirements.Seen(CLEAN, moves.evidence(table, FUNNEL), pockets.pockets(table, FUNNEL, AS_OF))
    found = requirements.requirements(seen, 4).set_index("rule")["status"]
    assert found.index[found == "not_available"].tolist() == ["R2", "R5", "R6", "R9", "R10", "R11", "R12"]


@pytest.mark.parametrize(("stages", "short", "long"), [(3, "broken", "met"), (4, "met", "met"), (7, "met", "met"),
                                                       (8, "met", "broken")])  # fmt: skip
def test_a_funnel_has_four_to_seven_stages(stages: int, short: str, long: str) -> None:
    found = rules(deals(40, "A B C W"), stages=stages)
    assert (found.loc["R3", "status"], found.loc["R4", "status"]) == (short, long)


def test_moves_back_break_r6_only_where_they_are_many() -> None:
    few = rules(deals(2, "A B A B C W") + deals(198, "A B C W")).loc["R6"]
    many = rules(deals(40, "A B A B C W") + deals(160, "A B C W")).loc["R6"]
    assert (few["status"], few["hits"], few["trials"]) == ("met", 2, 200)
    assert (many["status"], many["hits"]) == ("broken", 40)


def test_too_few_deals_leave_r5_and_r6_open() -> None:
    found = rules(deals(10, "A C A W"))
    assert (found.loc["R5", "status"], found.loc["R6", "status"]) == ("cannot_tell", "cannot_tell")


def test_a_stage_that_nobody_leaves_for_the_archive_is_worth_a_look() -> None:
    found = rules(deals(40, "A B C W") + deals(40, "A L") + deals(40, "A B L")).loc["R11"]
    assert (found["status"], found["code"], found["hits"]) == ("warning", "closed", 1)


def test_open_deals_without_a_task_break_r12() -> None:
    made = [Deal("A", start=START + dt.timedelta(minutes=7 * at)) for at in range(40)]
    found = rules(made, tasks([(f"L{at}", "2026-07-05", None) for at in range(20)])).loc["R12"]
    assert (found["status"], found["hits"], found["trials"]) == ("broken", 20, 40)


@pytest.mark.parametrize(("code", "rule", "severity", "broken"), [
    ("pocket", "R7", "error", {"R7": "broken"}),
    ("status", "R8", "error", {"R7": "broken", "R8": "broken"}),
    ("status_with_goal", "R8", "warning", {"R7": "warning", "R8": "warning"}),
    ("no_goal", "R1", "error", {"R1": "broken", "R7": "broken"}),
    ("verb_form", "R7", "warning", {"R7": "warning"}),
    ("homoglyph", "", "warning", {}),
])  # fmt: skip
def test_a_name_counts_against_the_rules_it_does_not_keep(code, rule, severity, broken) -> None:
    names = CLEAN.assign(code=[code, *["ok"] * 3], rule=[rule, *[""] * 3], severity=[severity, *["ok"] * 3])
    found = rules(deals(40, "A B C W"), names=names)["status"]
    wanted = {"R7": "met", "R8": "met"} | broken
    assert {name: found[name] for name in wanted} == wanted


def test_missing_evidence_breaks_r1_with_its_count() -> None:
    made = deals(30, "A B", evidence_1="x") + deals(20, "A B", evidence_1=None)
    found = rules(made).loc["R1"]
    assert (found["status"], found["code"], found["hits"], found["trials"]) == ("broken", "evidence", 20, 50)


def test_moves_before_the_fact_break_r2() -> None:
    made = deals(40, "A B", fact_at_1=START + 30 * DAY) + deals(40, "A B", fact_at_1=START)
    found = rules(made).loc["R2"]
    assert (found["status"], found["code"], found["hits"], found["trials"]) == ("broken", "early", 40, 80)
