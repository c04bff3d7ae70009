"""Budgets, deadlines, contacts, hours and minutes, counted by hand."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from detente import engine
from detente.metrics import habits
from walked import AS_OF, FUNNEL, START, Deal, deals, journeys, log

DAY = dt.timedelta(days=1)


# --- budget ---
def test_the_budget_is_asked_of_each_deal_once_at_its_furthest_stage() -> None:
    made = [*deals(3, "A L"), *deals(1, "A L", amount=0.0), *deals(2, "A B", amount=None), Deal("A B C W")]
    found = habits.budget(journeys(made), FUNNEL)
    assert found["deals"].tolist() == [4, 2, 1]
    assert found["filled"].tolist() == [3, 0, 1]
    assert found["open"].tolist() == [0, 2, 0]
    assert found.loc[0, "share"] == 0.75
    # Wilson for 3 of 4, by the published formula
    assert found.loc[0, "low"] == pytest.approx(0.3006, abs=5e-5)


def test_a_lost_deal_of_unknown_stage_is_in_no_row_of_the_budget() -> None:
    made = [*deals(2, "A L"), Deal("A L", more={"furthest": None})]
    table = journeys(made)
    assert habits.budget(table, FUNNEL)["deals"].sum() == 2


def test_the_median_ratio_has_the_interval_of_the_sign_test() -> None:
    """Ratios 1/100, 2/100 .. 1: of 99 values the 40th and 60th bound the median at 95 percent."""
    ratios = np.arange(1, 100) / 50
    made = [Deal("A", more={"amount": ratio * 1000, "field_first_amount": 1000.0}) for ratio in ratios]
    found = habits.drift(journeys(made))
    assert (found.deals, found.status, found.source) == (99, "ok", "field")
    assert found.ratio == pytest.approx(ratios[49], rel=1e-3)
    assert [found.low, found.high] == pytest.approx([ratios[39], ratios[59]], rel=1e-3)
    assert stats.binom.cdf(39, 99, 0.5) <= 0.025 < stats.binom.cdf(40, 99, 0.5)
    assert (found.grew, found.same, found.fell) == (49, 1, 49)


def test_amounts_of_zero_are_no_budget() -> None:
    made = [
        Deal("A", more={"amount": 0.0, "field_first_amount": 9.0}),
        Deal("A", more={"field_first_amount": 0.0}),
    ]
    assert habits.drift(journeys(made)).deals == 0


def test_without_a_first_budget_the_stage_log_gives_it() -> None:
    made = [Deal("A B", more={"amount": 80.0}) for _ in range(40)]
    stages = log(made).mutate(amount=lambda t: (t.stage == "A").ifelse(100.0, 80.0))
    found = habits.drift(journeys(made), stages)
    assert (found.source, found.fell, found.deals) == ("moves", 40, 40)
    assert found.ratio == pytest.approx(0.8, rel=1e-3)


def test_neither_a_field_nor_amounts_in_the_log_is_no_drift() -> None:
    made = deals(3, "A B")
    assert habits.drift(journeys(made), log(made)).status == "no_first"
    assert habits.drift(journeys(made)).status == "no_first"


# --- with and without ---
def dated(yes_won: int, yes: int, no_won: int, no: int) -> list[Deal]:
    day = dt.datetime(2026, 4, 1)
    return [
        *deals(yes_won, "A B C W", field_deadline=day), *deals(yes - yes_won, "A B L", field_deadline=day),
        *deals(no_won, "A B C W", field_deadline=None), *deals(no - no_won, "A B L", field_deadline=None),
    ]  # fmt: skip


def test_newcombes_own_example_is_the_interval_of_the_difference() -> None:
    """56 of 70 against 48 of 80: 0.2, interval 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    found = habits.deadline(journeys(dated(56, 70, 48, 80)), AS_OF)
    assert (found.yes, found.yes_won, found.no, found.no_won) == (70, 56, 80, 48)
    assert [found.difference, found.diff_low, found.diff_high] == pytest.approx(
        [0.2, 0.0524, 0.3339], abs=5e-5
    )


def test_deals_that_ended_on_the_first_stage_are_not_asked_for_a_deadline() -> None:
    made = dated(3, 5, 2, 5) + deals(7, "A L", field_deadline=None)
    assert habits.deadline(journeys(made), AS_OF).deals == 10


def test_young_deals_are_not_compared_but_counted() -> None:
    young = [Deal(deal.path, start=dt.datetime(2026, 6, 25), more=deal.more) for deal in dated(1, 4, 1, 4)]
    found = habits.deadline(journeys(dated(3, 5, 2, 5) + young), AS_OF)
    assert (found.deals, found.having) == (18, 9)
    assert (found.yes, found.no, found.status) == (5, 5, "few")


def test_a_deadline_that_has_passed_counts_for_open_deals_only() -> None:
    days = [dt.datetime(2026, 6, 29), dt.datetime(2026, 6, 30), dt.datetime(2026, 7, 9)]
    made = [Deal("A B", more={"field_deadline": day}) for day in days]
    made += [Deal("A B L", more={"field_deadline": days[0]})]
    found = habits.deadline(journeys(made), AS_OF)
    assert (found.open, found.passed) == (3, 1)  # due on the day of the export is not yet passed


def test_several_contacts_are_two_or_more_and_an_unknown_number_is_no_answer() -> None:
    made = [Deal("A B L", more={"field_contacts": number}) for number in (1.0, 1.0, 2.0, 7.0, None, 0.0)]
    made += [Deal("A B C W", more={"field_contacts": 3.0})]
    found = habits.contacts(journeys(made))
    assert (found.deals, found.having) == (5, 3)
    assert found.table[["contacts", "deals", "won"]].to_numpy().tolist() == [
        [1, 2, 0],
        [2, 1, 0],
        [3, 1, 1],
        [4, 1, 0],
    ]


def test_fields_that_are_not_exported_are_none_and_no_error() -> None:
    table = journeys(deals(3, "A B"))
    assert habits.deadline(table, AS_OF).status == habits.contacts(table).status == "none"
    assert habits.effort(table).empty


def test_hours_are_summed_by_how_the_deal_ended() -> None:
    made = [
        Deal("A L", more={"field_hours": 40.0}), Deal("A L", more={"field_hours": None}),
        Deal("A W", more={"field_hours": 2.0, "amount": 90.0}), Deal("A", more={"field_hours": 3.0}),
    ]  # fmt: skip
    found = habits.effort(journeys(made))
    assert found["outcome"].tolist() == ["won", "lost", "open"]
    assert found["hours"].tolist() == [2, 40, 3]
    assert found["deals"].tolist() == [1, 1, 1]


# --- minutes ---
CALLS = ["lead_id", "started_at", "duration_s", "manager", "row"]


def calls(rows: list[tuple]):
    frame = pd.DataFrame(rows, columns=CALLS[: len(rows[0])])
    frame["row"] = frame.get("row", pd.Series(range(len(frame))))
    frame["started_at"] = pd.to_datetime(frame["started_at"]).astype("datetime64[us]")
    for name in ("lead_id", "manager"):
        frame[name] = frame[name].astype("str")
    return engine.table(frame)


def test_minutes_and_calls_rank_managers_apart() -> None:
    made = [Deal("A B", "#09")]
    rows = [("L0", START, 20.0, "#01") for _ in range(9)] + [("L0", START, 600.0, "#02") for _ in range(3)]
    found = habits.talk(habits.joined(calls(rows), journeys(made), 3), "manager", talk_seconds=60)
    assert found[["deals", "mute"]].to_numpy().tolist() == [
        [1, 0],
        [1, 1],
    ]  # nine short calls on one deal are one
    assert found.index.tolist() == ["#02", "#01"]
    assert found["minutes"].tolist() == [30.0, 3.0]
    assert found["calls_rank"].tolist() == [2, 1]
    assert found["short"].tolist() == [0, 9]


def test_a_call_belongs_to_the_stage_in_which_it_was_made() -> None:
    made = [Deal("A B C")]  # one day apart, from START
    rows = [("L0", START + DAY * at, 60.0, "#01") for at in (-1, 0, 1, 9)]
    found = engine.frame(habits.joined(calls(rows), journeys(made), 3)).sort_values("at")
    assert found["order"].isna().tolist() == [True, False, False, False]
    assert found["order"].dropna().tolist() == [1, 2, 3]


def test_a_call_without_a_manager_is_the_deals_and_one_without_a_deal_still_counts() -> None:
    rows = [("L0", START, 60.0, None), ("nobody", START, 120.0, "#02")]
    found = habits.talk(habits.joined(calls(rows), journeys([Deal("A", "#09")]), 3), "manager")
    assert found["minutes"].to_dict() == {"#02": 2.0, "#09": 1.0}


def test_a_call_of_unknown_length_is_no_short_call() -> None:
    rows = [("L0", START, math.nan, "#01"), ("L0", START, 0.0, "#01")]
    found = habits.talk(habits.joined(calls(rows), journeys([Deal("A")]), 3), "manager")
    assert (found.loc["#01", "calls"], found.loc["#01", "short"]) == (1, 1)


def many(order: int = 0):
    rows = [
        ("L0", START + dt.timedelta(minutes=at), 30.0 + at, manager, at)
        for manager in ("#01", "#02") for at in range(90)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=CALLS).sample(frac=1, random_state=order)
    return habits.joined(calls(frame.to_numpy().tolist()), journeys([Deal("A")]), 3)


def test_the_list_to_listen_to_is_the_same_for_the_same_seed_and_any_order_of_rows() -> None:
    pd.testing.assert_frame_equal(habits.to_listen(many(1), seed=4), habits.to_listen(many(2), seed=4))
    assert not habits.to_listen(many(1), seed=4).equals(habits.to_listen(many(1), seed=5))


def test_every_manager_has_as_many_conversations_on_the_list_and_none_is_short() -> None:
    found = habits.to_listen(many(), talk_seconds=60, each=3)
    assert found["manager"].tolist() == ["#01"] * 3 + ["#02"] * 3
    assert (found["seconds"] >= 60).all()
    assert not found.duplicated(["manager", "at"]).any()


def test_each_conversation_is_as_likely_to_be_on_the_list() -> None:
    """60 conversations of one manager, 3 drawn: over 120 seeds each comes up 6 times on average."""
    talks = engine.table(engine.frame(many().filter(lambda t: t.manager == "#01")))
    drawn = pd.concat([habits.to_listen(talks, seed=seed) for seed in range(120)])
    counts = drawn["at"].value_counts()
    assert len(drawn) == 360
    assert len(counts) >= 55
    assert counts.max() <= 16  # mean 6; 16 or more of 120 at 1/20 is beyond 1 in 2 000


def test_the_list_holds_nothing_personal() -> None:
    assert habits.to_listen(many()).columns.tolist() == ["manager", "at", "seconds", "order", "outcome"]


def test_without_calls_there_are_no_minutes_and_no_list() -> None:
    assert habits.joined(None, journeys([Deal("A")]), 3) is None
    assert habits.talk(None, "manager") is None
    assert habits.to_listen(None) is None


def test_no_long_call_leaves_the_list_empty() -> None:
    talks = habits.joined(calls([("L0", START, 5.0, "#01")]), journeys([Deal("A")]), 3)
    assert habits.to_listen(talks).empty


# --- the rest ---
def test_titles_of_tasks_are_counted_once_each() -> None:
    titles = pd.Series(["call", "call", None, "meet"]).astype("str")
    assert habits.wordings(engine.table(pd.DataFrame({"title": titles}))) == {"call": 2, "meet": 1, None: 1}
    assert habits.wordings(None) == {}


def test_what_the_export_lacks_is_listed_once_each_and_what_it_holds_is_not() -> None:
    bare = journeys(deals(3, "A B", amount=0.0))
    assert habits.missing(bare, None, None, None) == [
        "stages", "tasks", "calls", "evidence", "fact_at", "amount", "first_amount", "deadline", "contacts", "roles",
        "hours",
    ]  # fmt: skip
    full = {"evidence_1": "x", "fact_at_2": START, "field_first_amount": 1.0, "field_deadline": START,
            "field_contacts": 1.0, "field_roles": 1.0, "field_hours": 1.0}  # fmt: skip
    made = deals(3, "A B", **full)
    assert habits.missing(journeys(made), log(made), log(made), log(made)) == []
