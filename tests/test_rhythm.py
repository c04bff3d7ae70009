"""Moves at the month's end, heaps of moves, and the lag behind the fact: counted by hand."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd

from detente.metrics import rhythm
from walked import AS_OF, DAY, FUNNEL, START, Deal, deals, history, journeys


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
