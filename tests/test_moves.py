"""Moves back, stages passed over, the archive, the month's end, pockets, the twelve requirements: counted by hand."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from detente import engine
from detente.audit import Funnel
from detente.metrics import moves, pockets, requirements, rhythm
from small_audit import Company
from walked import AS_OF, FUNNEL, START, Deal, deals, journeys, log

DAY = dt.timedelta(days=1)


def history(made: list[Deal]):
    return moves.history(log(made), journeys(made), FUNNEL)


def kinds(made: list[Deal]) -> list[str]:
    frame = engine.frame(history(made)).sort_values(["lead_id", "at", "order"])
    return frame["kind"].tolist()


# --- moves ---
def test_every_entry_to_another_stage_is_one_of_seven_kinds() -> None:
    assert kinds([Deal("A B A C L B W A")]) == [
        "created", "forward", "backward", "forward", "lost", "returned", "won", "reopened",
    ]  # fmt: skip


def test_a_repeated_entry_to_the_same_stage_is_no_move() -> None:
    assert kinds([Deal("A A B B W")]) == ["created", "forward", "won"]


def test_a_stage_that_the_funnel_does_not_name_is_passed_over() -> None:
    assert kinds([Deal("A X B")]) == ["created", "forward"]


def test_without_a_stage_log_there_is_nothing_to_say_and_no_error() -> None:
    table = journeys(deals(3, "A B")).drop("entered_1", "entered_2", "entered_3")
    assert moves.history(None, table, FUNNEL) is None
    assert moves.backward(None, table, FUNNEL) is None
    assert moves.skipped(table, FUNNEL) is None
    assert moves.returns(None, table, FUNNEL) is None
    assert moves.archive(None, FUNNEL) is None
    assert rhythm.month_end(None, AS_OF) is None
    assert rhythm.heaps(None) is None


def test_moves_back_and_returns_add_up_to_what_intake_counted(tmp_path) -> None:
    company = Company(tmp_path).source(
        "deals",
        "id,created,stage\n1,2024-01-01 09:00,Won\n2,2024-01-01 09:00,Talk\n3,2024-01-01 09:00,Lost\n",
    )
    company.source(
        "stages",
        "deal,time,stage,before\n"
        "1,2024-01-02 10:00,Talk,New\n1,2024-01-03 10:00,New,Talk\n1,2024-01-04 10:00,Won,New\n"
        "2,2024-01-02 10:00,Offer,New\n2,2024-01-03 10:00,Lost,Offer\n2,2024-01-04 10:00,Talk,Lost\n"
        "3,2024-01-02 10:00,Lost,New\n",
        {"from_stage": "before"},
    )
    tables, _ = company.load()
    found = engine.frame(moves.history(tables.stages, tables.journeys, tables.audit.funnel))
    ours = found["kind"].isin(["backward", "returned", "reopened"]).sum()
    assert ours == engine.frame(tables.journeys)["backward"].sum() == 2
    assert (found["kind"] != "created").sum() == engine.frame(tables.journeys)["moves"].sum() == 7
    assert (found["kind"] == "created").sum() == 3  # each deal was born in New, which the log only mentions


def test_the_unit_of_a_move_back_is_the_deal() -> None:
    made = [Deal("A B A B A B W"), *deals(9, "A B W")]
    found = moves.backward(history(made), journeys(made), FUNNEL)
    assert (found.moves, found.deals, found.leads) == (2, 1, 10)
    assert found.share == 0.1
    assert found.pairs.to_dict("records") == [{"before": 2, "order": 1, "moves": 2, "deals": 1}]


def test_counting_every_entry_distorts_the_conversion_that_counting_deals_keeps() -> None:
    made = [*deals(6, "A B A B C L"), *deals(4, "A B L")]
    found = moves.backward(history(made), journeys(made), FUNNEL).conversion.set_index("order")
    assert found.loc[2, ["entries", "exits", "entered", "passed"]].tolist() == [16, 6, 10, 6]
    assert found.loc[2, "naive"] == 6 / 16
    assert found.loc[2, "share"] == 0.6


def test_without_a_second_entry_both_conversions_are_the_same() -> None:
    made = [*deals(5, "A B C W"), *deals(3, "A C L"), *deals(2, "A B")]
    found = moves.backward(history(made), journeys(made), FUNNEL).conversion
    assert found["naive"].tolist() == found["share"].tolist()
    assert found["distortion"].abs().max() == 0


def managers(back: dict[str, int], of: int = 40):
    made = []
    for name, hits in back.items():
        made += deals(hits, "A B A B L", name) + deals(of - hits, "A B L", name)
    return moves.backward(history(made), journeys(made), FUNNEL).managers


def test_a_manager_who_moves_back_far_more_deals_is_named_and_the_others_are_not() -> None:
    found = managers({"#01": 16, "#02": 2, "#03": 2})
    assert found.index[found["named"] & (found["difference"] > 0)].tolist() == ["#01"]
    row = found.loc["#01"]
    assert (row["back_deals"], row["deals"], row["share"], row["rest_share"]) == (16, 40, 0.4, 4 / 80)


def test_nobody_is_named_on_few_deals_however_many_went_back() -> None:
    assert not managers({"#01": 10, "#02": 0, "#03": 0}, of=12)["named"].any()


def test_nobody_is_named_for_a_difference_too_small_to_talk_about() -> None:
    assert not managers({"#01": 40, "#02": 20}, of=1000)["named"].any()  # 4 against 2 percent


def test_equal_managers_are_named_in_few_worlds() -> None:
    """Ten managers of 40 deals with one common share: at most one world in ten may point at anybody."""
    chance, pointed = np.random.default_rng(7), 0
    for _ in range(400):
        counts = pd.DataFrame({"hits": chance.binomial(40, 0.2, 10), "deals": 40})
        pointed += moves.against_rest(counts, "hits", "deals")["named"].any()
    assert pointed <= 40


def test_a_manager_who_is_not_stated_is_never_named() -> None:
    made = deals(20, "A B A B L", None) + deals(20, "A B L", None) + deals(60, "A B L", "#01")
    stages = log(made)
    found = moves.backward(moves.history(stages, journeys(made), FUNNEL), journeys(made), FUNNEL).managers
    assert not found.loc[found.index.isna(), "named"].any()


def test_a_log_that_names_nobody_takes_the_manager_of_the_deal() -> None:
    made = deals(2, "A B", None)
    owned = journeys([Deal(deal.path, "#07", deal.start) for deal in made])
    found = engine.frame(moves.history(log(made), owned, FUNNEL))
    assert found.loc[found["kind"] == "forward", "manager"].tolist() == ["#07", "#07"]


def test_skipped_stages_are_counted_among_deals_that_went_beyond_them() -> None:
    made = [*deals(3, "A C L"), *deals(5, "A B C L"), *deals(2, "A B L"), *deals(1, "A W"), *deals(4, "A L")]
    found = moves.skipped(journeys(made), FUNNEL)
    assert found.stages["beyond"].tolist() == [11, 9, 1]
    assert found.stages["skipped"].tolist() == [0, 4, 1]
    assert (found.deals, found.leads) == (4, 11)


def test_a_return_from_the_archive_is_legal_only_to_the_same_or_a_later_stage_with_the_earlier_ones_done() -> (
    None
):
    made = [
        Deal("A B L B W"),  # legal: the stage it left
        Deal("A B L C W"),  # legal: the next one
        Deal("A B L A"),  # earlier
        Deal("A L C"),  # bare: B was never entered
        Deal("A L C", more={"evidence_2": "done"}),  # legal: B has evidence
        Deal("L B"),  # unclear: the stage it left is not in the log
    ]
    made = [Deal(deal.path, more={"evidence_2": None} | deal.more) for deal in made]
    found = moves.returns(history(made), journeys(made), FUNNEL).loc["returned"]
    assert found.to_dict() == {"moves": 6, "deals": 6, "legal": 3, "earlier": 1, "bare": 1, "unclear": 1}


def test_coming_back_out_of_won_is_told_apart() -> None:
    made = [Deal("A B C W C W")]
    found = moves.returns(history(made), journeys(made), FUNNEL)
    assert found["moves"].to_dict() == {"returned": 0, "reopened": 1}


def test_the_archive_is_counted_from_the_stage_that_a_deal_left() -> None:
    made = [Deal("A B C A L"), *deals(2, "A B L"), *deals(1, "A B C W")]
    found = moves.archive(history(made), FUNNEL).set_index("order")
    assert found["deals"].tolist() == [4, 4, 2]
    assert found["archived"].tolist() == [1, 2, 0]


def test_evidence_is_asked_only_of_deals_that_passed_the_stage() -> None:
    made = [
        *deals(3, "A B C", evidence_1="x", evidence_3=None), *deals(2, "A B", evidence_1=None, evidence_3=None),
        *deals(4, "A", evidence_1=None, evidence_3=None), Deal("A B C W", more={"evidence_1": "x", "evidence_3": "x"}),
    ]  # fmt: skip
    found = moves.evidence(journeys(made), FUNNEL)
    assert found["recorded"].tolist() == [True, False, True]
    assert found["passed"].tolist() == [6, 0, 1]
    assert found["filled"].tolist() == [4, 0, 1]
    assert found["missing"].tolist() == [2, 0, 0]


def test_the_order_of_rows_changes_nothing() -> None:
    made = [*deals(4, "A B A B L", "#01"), *deals(5, "A C W", "#02"), *deals(3, "A B C", "#03")]
    stages, table = engine.frame(log(made)), engine.frame(journeys(made))
    told = []
    for seed in (1, 2):
        shuffled = [engine.table(part.sample(frac=1, random_state=seed)) for part in (stages, table)]
        moved = moves.history(*shuffled, FUNNEL)
        back = moves.backward(moved, shuffled[1], FUNNEL)
        told.append([back.pairs, back.managers, back.conversion, moves.archive(moved, FUNNEL)])
    for one, other in zip(*told, strict=True):
        pd.testing.assert_frame_equal(one, other)


# --- the month's end ---
def spread(days: list[dt.date], each: int, manager: str) -> list[Deal]:
    """`each` deals that enter B on each day, hours apart."""
    born = dt.datetime(2025, 12, 31, 9)
    return [
        Deal(
            "A B", manager, times=[born, dt.datetime.combine(day, dt.time(8)) + dt.timedelta(minutes=11 * at)]
        )
        for day in days
        for at in range(each)
    ]


def calendar(first: str, last: str) -> list[dt.date]:
    return [day.date() for day in pd.date_range(first, last)]


def test_moves_spread_evenly_are_what_the_weekdays_expect() -> None:
    found = rhythm.month_end(history(spread(calendar("2026-01-01", "2026-06-30"), 2, "#01")), AS_OF)
    assert found.moves == 362
    assert found.last == 36  # three days in each of six months, two moves each
    assert math.isclose(found.expected, 36 / 362)
    assert not found.heaped
    assert not found.managers["named"].any()


def test_a_manager_who_moves_deals_on_the_last_days_is_named_and_a_steady_one_is_not() -> None:
    every = calendar("2026-01-01", "2026-06-30")
    last = [day for day in every if (day + 3 * DAY).month != day.month]
    made = spread(every, 1, "#01") + spread(every, 1, "#02") + spread(last, 4, "#02")
    found = rhythm.month_end(history(made), AS_OF)
    assert found.managers.index[found.managers["named"]].tolist() == ["#02"]
    row = found.managers.loc["#02"]
    assert (row["last"], row["moves"], row["above"], row["months"]) == (18 + 72, 181 + 72, 6, 6)


def test_one_month_with_a_heap_is_no_habit() -> None:
    every = calendar("2026-01-01", "2026-06-30")
    found = rhythm.month_end(
        history(spread(every, 1, "#01") + spread(calendar("2026-03-29", "2026-03-31"), 40, "#01")), AS_OF
    )
    assert found.low > found.expected
    assert not found.heaped
    assert not found.managers["named"].any()


def test_moves_on_workdays_alone_are_expected_by_their_weekdays() -> None:
    """All moves on Fridays: of 26 Fridays the month's last three days hold as many as the calendar says."""
    fridays = [day for day in calendar("2026-01-01", "2026-06-30") if day.weekday() == 4]
    last = [day for day in fridays if (day + 3 * DAY).month != day.month]
    found = rhythm.month_end(history(spread(fridays, 3, "#01")), AS_OF)
    assert math.isclose(found.expected, len(last) / len(fridays))
    assert found.last == 3 * len(last)


def test_few_moves_say_nothing_about_the_months_end() -> None:
    assert rhythm.month_end(history(deals(5, "A B W")), AS_OF).status == "few"


def test_the_calendar_sums_to_all_moves_onward() -> None:
    found = rhythm.month_end(history(spread(calendar("2026-01-01", "2026-06-30"), 2, "#01")), AS_OF)
    assert found.calendar["moves"].sum() == found.moves
    assert math.isclose(found.calendar["expected"].sum(), found.moves)


def test_many_deals_of_one_manager_within_minutes_are_a_heap_and_a_slow_row_is_not() -> None:
    at = dt.datetime(2026, 3, 31, 18)

    def moved(minutes: float, number: int, manager: str) -> Deal:
        return Deal("A B", manager, times=[START, at + dt.timedelta(minutes=minutes * number, seconds=1)])

    made = [moved(1, number, "#01") for number in range(6)] + [moved(5, number, "#02") for number in range(6)]
    found = rhythm.heaps(history(made))
    assert found.heaps[["manager", "deals", "minutes"]].to_numpy().tolist() == [["#01", 6, 5.0]]
    assert (found.heaped, found.moves) == (6, 12)


def test_four_deals_are_no_heap_and_two_managers_make_none_together() -> None:
    at = dt.datetime(2026, 3, 31, 18)
    made = [
        Deal("A B", manager, times=[START, at + dt.timedelta(seconds=20 * number)])
        for manager in ("#01", "#02") for number in range(1, 5)
    ]  # fmt: skip
    assert rhythm.heaps(history(made)).heaped == 0


def test_a_log_of_days_without_a_clock_shows_no_heap() -> None:
    made = [Deal("A B", times=[dt.datetime(2026, 3, 2), dt.datetime(2026, 3, 3)]) for _ in range(9)]
    assert rhythm.heaps(history(made)).status == "no_clock"


def test_the_move_is_held_against_the_day_of_the_fact() -> None:
    facts = [START + DAY - dt.timedelta(hours=3), START, START + 3 * DAY, None]  # moved on START + 1 day
    made = [Deal("A B", more={"fact_at_1": fact}) for fact in facts] + [Deal("A", more={"fact_at_1": START})]
    [row] = rhythm.lag(journeys(made), FUNNEL).to_dict("records")
    assert {name: row[name] for name in ("order", "passed", "timed", "early", "same_day", "late", "median")} == {
        "order": 1, "passed": 4, "timed": 3, "early": 1, "same_day": 1, "late": 1, "median": 0,
    }  # fmt: skip


def test_without_days_of_facts_there_is_no_lag() -> None:
    assert rhythm.lag(journeys(deals(3, "A B")), FUNNEL).empty


# --- pockets ---
EVENING = dt.datetime(2026, 6, 30, 12)


def tasks(rows: list[tuple[str, str | None, str | None]]):
    """(deal, due, completed); every task was written in January, so that it is no activity of late."""
    frame = pd.DataFrame(rows, columns=["lead_id", "due_at", "completed_at"])
    frame["lead_id"] = frame["lead_id"].astype("str")
    frame["created_at"] = "2026-01-05"
    for name in ("due_at", "completed_at", "created_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return engine.table(frame)


def called(deal: str):
    """One call the day before the export."""
    at = pd.Series([pd.Timestamp("2026-06-29 10:00")]).astype("datetime64[us]")
    return engine.table(pd.DataFrame({"lead_id": [deal], "started_at": at}))


def silent(days: int, path: str = "A") -> Deal:
    """An open deal whose last move was so many days before the evening of the export."""
    count = len(path.split())
    return Deal(path, times=[EVENING - DAY * (days + count - 1 - place) for place in range(count)])


def standing(made: list[Deal], todo, **keys):
    # forty deals that moved on after four days of silence, once each: the usual silence is 4 days
    walked = [Deal("A W", times=[START + dt.timedelta(minutes=at), START + 4 * DAY + dt.timedelta(minutes=at)])
              for at in range(40)]  # fmt: skip
    every = made + walked
    return pockets.pockets(journeys(every), FUNNEL, AS_OF, moved=history(every), tasks=todo, **keys)


def test_the_usual_silence_is_read_from_moves_onward() -> None:
    found = standing([silent(1)], tasks([("L0", "2026-07-01", None)]))
    assert (found.quiet_days, found.steps) == (4, 40)


def test_an_old_deal_with_a_live_task_is_never_called_quiet() -> None:
    """R10: time in the funnel is not limited."""
    made = [silent(100), silent(100), silent(100), silent(2)]
    found = standing(
        made, tasks([("L0", "2026-07-05", None), ("L1", "2026-06-01", None), ("L3", "2026-07-01", None)])
    )
    assert (found.open, found.live, found.overdue, found.no_task) == (4, 2, 1, 1)
    assert (found.quiet, found.excused) == (
        2,
        1,
    )  # the overdue one and the one without a task; the live one is excused


def test_age_alone_flags_nothing_where_something_happened_lately() -> None:
    old = Deal("A B", times=[dt.datetime(2025, 1, 1), EVENING - DAY])
    assert standing([old], tasks([])).quiet == 0


def test_half_and_twice_the_usual_silence_are_shown_beside_it() -> None:
    found = standing([silent(3), silent(6), silent(20)], tasks([]))
    assert (found.quiet_half, found.quiet, found.quiet_double) == (3, 2, 1)


def test_a_task_due_today_is_live_and_one_without_a_day_too() -> None:
    found = standing([silent(1), silent(1)], tasks([("L0", "2026-06-30", None), ("L1", None, None)]))
    assert found.live == 2


def test_a_finished_task_is_no_next_step_but_a_trace_of_work() -> None:
    found = standing([silent(50)], tasks([("L0", "2026-06-29", "2026-06-29")]))
    assert (found.no_task, found.quiet) == (1, 0)


def test_a_call_breaks_the_silence() -> None:
    assert standing([silent(50)], tasks([]), calls=called("L0")).quiet == 0


def test_an_open_deal_without_a_task_and_a_move_is_idle_even_after_a_call() -> None:
    """R9 asks for moves and tasks; a call moves nothing."""
    assert standing([silent(50)], tasks([]), calls=called("L0")).idle == 1


def test_a_deal_stands_where_it_is_now_and_not_where_it_once_was() -> None:
    found = standing([silent(50, "A B C A")], tasks([])).stages
    assert found[["order", "open", "quiet"]].to_numpy().tolist() == [[1, 1, 1]]


def test_without_tasks_no_deal_is_said_to_lack_one() -> None:
    assert standing([silent(50)], None).status == "no_tasks"


def test_without_a_history_no_silence_is_usual() -> None:
    found = pockets.pockets(journeys([silent(50)]), FUNNEL, AS_OF, tasks=tasks([]))
    assert (found.status, found.quiet, found.no_task) == ("no_quiet", 0, 1)


def test_no_open_deal_is_no_error() -> None:
    found = standing([], tasks([("L0", "2026-06-01", None)]))
    assert (found.open, found.quiet, found.money) == (0, 0, 0)
    assert math.isnan(found.share)


# --- the twelve requirements ---
CLEAN = pd.DataFrame({"order": [1, 2, 3, 4], "code": "ok", "rule": "", "severity": "ok"})
FOUR = Funnel(stages=["A", "B", "C", "D"], won="W", lost="L")


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
