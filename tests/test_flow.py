"""Stage to stage by hand: who entered, passed, was lost or stays, how long it took, and what is not known."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from detente import engine
from detente.metrics import flow, incidence, intervals
from small_audit import Company

AS_OF = dt.date(2024, 2, 1)
STAGES = [SimpleNamespace(name=name) for name in ("New", "Talk", "Offer")]
TIMES = ("created_at", "closed_at", "entered_1", "entered_2", "entered_3")
LEAD = {
    "created_at": "2024-01-01 09:00", "outcome": "open", "closed_at": None, "created_date_only": False,
    "closed_date_only": None, "furthest": 1, "has_history": True, "amount": None, "stage": "New", "channel": "Ads",
    "entered_1": "2024-01-01 10:00", "entered_2": None, "entered_3": None,
}  # fmt: skip
SIX = [
    # 0 skips Talk and is won; 1 is lost in Talk; 2 still stands in Talk; 3 stands in Offer, without history;
    # 4 was lost nobody knows where; 5 was lost in New within the day
    {"outcome": "won", "furthest": 3, "amount": 100, "entered_3": "2024-01-03 10:00", "closed_at": "2024-01-05 10:00"},
    {"outcome": "lost", "furthest": 2, "amount": 50, "entered_2": "2024-01-02 10:00", "closed_at": "2024-01-07 10:00"},
    {"furthest": 2, "stage": "Talk", "entered_2": "2024-01-02 12:00", "channel": None},
    {"furthest": 3, "stage": "Offer", "amount": 30, "entered_1": None, "has_history": False},
    {"outcome": "lost", "furthest": None, "amount": 20, "entered_1": None, "has_history": False,
     "closed_at": "2024-01-09 08:00"},
    {"outcome": "lost", "closed_at": "2024-01-01 15:00"},
]  # fmt: skip


def journeys(leads: list[dict], **differs):
    frame = pd.DataFrame([{**LEAD, **differs, **lead} for lead in leads])
    for name in TIMES:
        frame[name] = pd.to_datetime(frame[name], format="mixed")
    for name in ("amount", "furthest"):
        frame[name] = frame[name].astype("float64")
    for name in ("created_date_only", "closed_date_only", "has_history"):
        frame[name] = frame[name].astype("boolean")
    for name in ("outcome", "stage", "channel"):
        frame[name] = frame[name].astype("str")
    return engine.table(frame).cast({"amount": "decimal(18, 2)", "furthest": "int64"})


@pytest.fixture(scope="module")
def six():
    return journeys(SIX)


def rows(frame: pd.DataFrame, *names: str) -> list[tuple]:
    return list(frame[list(names)].itertuples(index=False, name=None))


def test_who_entered_a_stage_passed_it_was_lost_or_is_still_there(six) -> None:
    table = flow.steps(six, STAGES)
    found = rows(table, "order", "stage", "entered", "passed", "lost", "open")
    assert found == [(1, "New", 5, 4, 1, 0), (2, "Talk", 4, 2, 1, 1), (3, "Offer", 2, 1, 0, 1)]


def test_money_follows_the_leads_and_those_without_a_budget_are_told(six) -> None:
    table = flow.steps(six, STAGES)
    names = (
        "amount_entered",
        "amount_passed",
        "amount_lost",
        "amount_open",
        "with_amount",
        "with_amount_lost",
    )
    assert rows(table, *names) == [(180, 180, 0, 0, 3, 0), (180, 130, 50, 0, 3, 1), (130, 100, 0, 30, 2, 0)]
    assert all(isinstance(value, Decimal) for value in table["amount_entered"])


def test_both_naive_shares_carry_their_intervals(six) -> None:
    talk = flow.steps(six, STAGES, 0.9).iloc[1]
    assert (talk["naive"], talk["closed"], talk["level"]) == (2 / 4, 2 / 3, 0.9)
    assert (talk["naive_low"], talk["naive_high"]) == intervals.wilson(2, 4, 0.9)
    assert (talk["closed_low"], talk["closed_high"]) == intervals.wilson(2, 3, 0.9)


def test_a_stage_that_nobody_reached_has_no_share() -> None:
    table = flow.steps(journeys([{}, {}]), STAGES)
    assert table["entered"].tolist() == [2, 0, 0]
    assert table[["naive", "naive_low"]].iloc[1:].isna().all(axis=None)
    assert np.isnan(table["closed"].iloc[0])  # both are still open
    assert table["amount_open"].tolist() == [0, 0, 0]


def test_a_funnel_of_one_stage_is_passed_by_winning() -> None:
    leads = [{"outcome": "won"}, {"outcome": "lost"}, {}, {}]
    table = flow.steps(journeys(leads), STAGES[:1])
    assert rows(table, "entered", "passed", "lost", "open") == [(4, 1, 1, 2)]


def test_lead_to_sale_counts_every_lead_also_those_lost_nobody_knows_where(six) -> None:
    found = flow.total(six)
    assert (found.leads, found.won, found.lost, found.open) == (6, 1, 3, 2)
    assert (found.naive, found.closed, found.with_amount) == (1 / 6, 1 / 4, 1)
    assert (found.amount_won, found.amount_lost, found.amount_open) == (100, 70, 30)


def test_what_the_counts_leave_out_is_counted(six) -> None:
    found = flow.gaps(six)
    assert (found.leads, found.history, found.lost, found.unknown_lost, found.amount_unknown) == (
        6,
        4,
        3,
        1,
        20,
    )
    assert (found.unknown_open, found.undated_won, found.undated_lost, found.reversed) == (0, 0, 0, 0)
    odd = [
        {"furthest": None}, {"outcome": "won"}, {"outcome": "lost"}, {"outcome": "lost"},
        {"outcome": "lost", "closed_at": "2023-12-31 23:00"},
    ]  # fmt: skip
    found = flow.gaps(journeys(odd))
    assert (found.unknown_open, found.undated_won, found.undated_lost, found.reversed) == (1, 1, 2, 1)


def test_leads_by_age_in_whole_days_and_how_they_ended(six) -> None:
    # 97 hours are 4 days; open since 1 January on the evening of 1 February: 31
    table = flow.ages(six, AS_OF)
    assert rows(table, "age", "cause", "leads") == [(0, 2, 1), (4, 1, 1), (6, 2, 1), (7, 2, 1), (31, 0, 2)]
    assert list(table) == ["age", "cause", "leads"]


def test_leads_by_age_and_group_keep_the_group_that_is_not_stated(six) -> None:
    table = flow.ages(six, AS_OF, "channel")
    assert table.groupby("group", dropna=False)["leads"].sum().tolist() == [5, 1]
    assert pd.isna(table["group"]).sum() == 1


def test_a_closed_lead_without_a_day_of_closing_has_no_age() -> None:
    table = flow.ages(journeys([{"outcome": "won"}, {"outcome": "lost"}, {}]), AS_OF)
    assert rows(table, "age", "cause", "leads") == [(31, 0, 1)]


def test_a_closing_without_a_time_of_day_is_counted_by_days_and_never_negative() -> None:
    leads = [
        {
            "outcome": "won",
            "closed_at": "2024-01-04",
            "closed_date_only": True,
        },  # 2.6 days by the clock, 3 by days
        {"outcome": "lost", "closed_at": "2024-01-01", "closed_date_only": True},
        {"outcome": "lost", "closed_at": "2023-12-30 08:00"},
    ]
    table = flow.ages(journeys(leads), AS_OF)
    assert rows(table, "age", "cause", "leads") == [(0, 2, 2), (3, 1, 1)]


def test_time_in_a_stage_ends_with_the_first_later_stage(six) -> None:
    table = flow.sojourns(six, AS_OF, STAGES)
    # New: 0 leaves for Offer after 2 days, 1 and 2 for Talk after 24 and 26 hours, 5 is lost on the day.
    # Talk: 0 skips it, 1 is lost after 5 days, 2 is there for 30. Offer: 0 is won after 2 days. 3 has no times.
    assert rows(table, "order", "age", "cause", "leads") == [
        (1, 0, 2, 1), (1, 1, 1, 2), (1, 2, 1, 1), (2, 0, 1, 1), (2, 5, 2, 1), (2, 30, 0, 1), (3, 2, 1, 1),
    ]  # fmt: skip
    assert table["stage"].tolist()[-1] == "Offer"


def test_a_lead_that_came_back_to_an_earlier_stage_left_it_at_once() -> None:
    back = {"furthest": 3, "entered_2": "2024-01-20", "entered_3": "2024-01-05"}
    table = flow.sojourns(journeys([back]), AS_OF, STAGES)
    assert rows(table, "order", "age", "cause") == [(1, 3, 1), (2, 0, 1), (3, 27, 0)]


def test_an_export_without_history_has_no_time_in_a_stage(tmp_path) -> None:
    tables, _ = Company(tmp_path).load()
    stages = tables.audit.funnel.stages
    assert not flow.has_history(tables.journeys)
    assert flow.sojourns(tables.journeys, tables.as_of, stages).empty
    assert flow.sojourns(tables.journeys, tables.as_of, stages, "channel").columns.tolist() == [
        "order", "stage", "group", "age", "cause", "leads",
    ]  # fmt: skip


def test_a_snapshot_tells_where_open_deals_stand_and_no_more(six) -> None:
    table = flow.snapshot(six, STAGES)
    assert rows(table, "order", "stage", "open", "with_amount", "amount") == [
        (1, "New", 0, 0, 0), (2, "Talk", 1, 0, 0), (3, "Offer", 1, 1, 30),
    ]  # fmt: skip


def test_days_between_two_points_are_exact_and_only_of_those_that_have_both(six) -> None:
    table = flow.durations(six, [(1, 3), (1, 2), ("created", "lost"), ("created", "won"), (2, 3)])
    assert table["n"].tolist() == [1, 2, 3, 1, 0]
    assert table["median"].tolist()[:4] == pytest.approx([2, 25 / 24, 145 / 24, 97 / 24])
    assert table["mean"].tolist()[:3] == pytest.approx([2, 25 / 24, (145 + 6 + 191) / 72])
    assert np.isnan(table["mean"].iloc[4])
    with pytest.raises(ValueError, match="no such point"):
        flow.durations(six, [("start", "won")])


def test_a_duration_that_runs_backwards_is_counted() -> None:
    table = flow.durations(journeys([{"entered_2": "2024-01-01 08:00", "furthest": 2}]), [(1, 2)])
    assert rows(table, "n", "negative") == [(1, 1)]


OLD = [{"created_at": "2023-12-01"}] * 3 + [{"created_at": "2024-01-08"}] * 2
CLOSED = {"created_at": "2024-01-10 09:00", "outcome": "won", "closed_at": "2024-01-10 12:00"}


def test_an_export_that_begins_in_mid_life_counts_its_old_leads_from_its_first_closing() -> None:
    leads = journeys([*OLD, CLOSED])
    found = flow.gaps(leads)
    assert (found.first_close, found.late_leads, found.late) == (dt.date(2024, 1, 10), 5, True)
    table = flow.ages(leads, AS_OF)
    # 40 and 2 days lived before 10 January are days at which nobody could have seen them close
    assert rows(table, "entry", "age", "cause", "leads")[:2] == [(1, 24, 0, 2), (39, 62, 0, 3)]
    assert rows(table[table["entry"].isna()], "age", "cause", "leads") == [(0, 1, 1)]


def test_a_few_leads_older_than_the_first_closing_are_no_late_entry() -> None:
    few = journeys([{"created_at": "2024-01-08"}, *[CLOSED] * 60])
    assert not flow.gaps(few).late
    assert "entry" not in flow.ages(few, AS_OF)
    slow = journeys([CLOSED | {"created_at": "2024-01-02"}] * 3 + [{"created_at": "2024-01-04"}] * 9)
    assert not flow.gaps(
        slow
    ).late  # all began before the first closing, none is older than a lead that closes
    none = journeys([{}])
    assert (flow.gaps(none).first_close, flow.gaps(none).late) == (None, False)


def test_late_entry_gives_the_share_that_an_export_from_mid_life_hides() -> None:
    """One lead in four is won, after 30 days on average; deals closed before day 200 are not in the export."""
    rng, leads, first = np.random.default_rng(3), [], pd.Timestamp("2023-01-01")
    for _ in range(9000):
        born, won = float(rng.uniform(0, 240)), bool(rng.random() < 0.25)
        end = born + float(rng.exponential(30 if won else 20))
        if end < 200:
            continue
        closed = {
            "closed_at": (first + pd.Timedelta(days=end)).round("s"),
            "outcome": "won" if won else "lost",
        }
        leads.append(
            {"created_at": (first + pd.Timedelta(days=born)).round("s")} | (closed if end < 240 else {})
        )
    counts = flow.ages(journeys(leads), (first + pd.Timedelta(days=239)).date())
    truth = 0.25 * (1 - np.exp(-31 / 30))  # up to the end of day 30 of life
    told = incidence.at(incidence.curve(counts), 30)
    assert told.low < truth < told.high
    hidden = incidence.at(incidence.curve(counts.drop(columns="entry")), 30)
    assert not hidden.low < truth < hidden.high


def test_only_leads_that_entered_a_stage_long_enough_ago_are_compared(six) -> None:
    # all entered on 1 to 3 January; on the evening of 3 January the youngest are 0 days at their stage
    ripe = {1: 1.0, 2: 1.0, 3: float("nan")}
    counts = flow.sojourns(six, dt.date(2024, 1, 3), STAGES, "channel", ripe)
    assert counts.groupby("order")["leads"].sum().to_dict() == {1: 4, 2: 2}
    found = flow.passed(counts, ripe, 0.9)
    # New: of 0, 1, 5 (Ads) and 2 (no channel) only 1 and 2 passed within a day; Talk: neither 1 nor 2 did
    assert rows(found, "order", "trials", "hits") == [(1, 3, 1), (1, 1, 1), (2, 1, 0), (2, 1, 0)]
    assert (found["own_low"].iloc[0], found["own_high"].iloc[0]) == intervals.wilson(1, 3, 0.9)
    assert flow.passed(flow.sojourns(six, AS_OF, STAGES, "channel", {}), {}).empty


def test_a_funnel_of_many_stages_stays_a_small_question() -> None:
    """Twenty stages, all entered in a day and a half: nothing grows with the number of stages but the rows."""
    stages = [SimpleNamespace(name=f"S{step}") for step in range(1, 21)]
    times = {
        f"entered_{step}": pd.Timestamp("2024-01-01") + pd.Timedelta(hours=36 * step) for step in range(1, 21)
    }
    lead = {"outcome": "won", "furthest": 20, "closed_at": "2024-02-01 12:00"} | times
    frame = engine.frame(journeys([lead, lead])).assign(**times)
    counts = flow.sojourns(engine.table(frame), dt.date(2024, 3, 1), stages)
    assert rows(counts, "age", "cause", "leads") == [(1, 1, 2)] * 20
    assert len(str(engine.connection().compile(flow._clocks(engine.table(frame), 20, None)[0]))) < 20_000


def test_excluded_deals_are_counted_nowhere() -> None:
    both = journeys([{}, {"outcome": "excluded"}])
    assert flow.total(both).leads == flow.gaps(both).leads == flow.ages(both, AS_OF)["leads"].sum() == 1
    assert flow.sojourns(both, AS_OF, STAGES)["leads"].sum() == flow.steps(both, STAGES)["entered"].sum() == 1


def test_the_order_of_rows_changes_nothing(six) -> None:
    turned = journeys(SIX[::-1])
    for metric in (
        lambda table: flow.steps(table, STAGES),
        lambda table: flow.snapshot(table, STAGES),
        lambda table: flow.ages(table, AS_OF, "channel"),
        lambda table: flow.sojourns(table, AS_OF, STAGES, "channel"),
        lambda table: flow.durations(table, [(1, 2), (1, "won")]),
    ):
        pd.testing.assert_frame_equal(metric(turned), metric(six))
    assert flow.total(turned) == flow.total(six)
    assert flow.gaps(turned) == flow.gaps(six)


def test_every_lead_of_a_stage_is_in_its_times_or_in_what_is_not_known() -> None:
    """Random journeys: entries of a stage = its counts by age + leads whose times there nobody wrote down."""
    rng = np.random.default_rng(7)
    leads = [{"outcome": "lost", "closed_at": "2023-12-31 10:00", "has_history": False, "entered_1": None}]
    for _ in range(300):
        reached, outcome = int(rng.integers(1, 4)), str(rng.choice(["open", "won", "lost"]))
        start, known = (
            pd.Timestamp("2024-01-01") + pd.Timedelta(hours=int(rng.integers(0, 200))),
            rng.random() < 0.9,
        )
        reached = 3 if outcome == "won" else reached
        times = {
            f"entered_{k}": start + pd.Timedelta(hours=30 * k) if known and rng.random() < 0.9 else None
            for k in range(1, reached + 1)
        }
        closed = None if outcome == "open" else start + pd.Timedelta(hours=int(rng.integers(100, 400)))
        leads.append({"outcome": outcome, "furthest": reached, "has_history": bool(known), "created_at": start,
                      "entered_1": None, "closed_at": closed, **times})  # fmt: skip
    table = journeys(leads)
    steps, counted = flow.steps(table, STAGES), flow.sojourns(table, AS_OF, STAGES)
    timed = counted.groupby("order")["leads"].sum()
    assert (timed.to_numpy() <= steps["entered"].to_numpy()).all()
    for order, step in enumerate(STAGES, 1):
        expected = sum(_timed(lead, order) for lead in leads)
        assert timed[order] == expected, step.name
        won = counted[(counted["order"] == order) & (counted["cause"] == 1)]["leads"].sum()
        assert won <= steps["passed"].iloc[order - 1]
    assert (counted["age"] >= 0).all()


def _timed(lead: dict, order: int) -> bool:
    """Whether a lead's times at a stage are known: where it came in, and where it went."""
    if not lead["has_history"] or lead["furthest"] < order:
        return False
    later = [lead.get(f"entered_{k}") for k in range(order + 1, 4)]
    later += [lead["closed_at"]] if lead["outcome"] == "won" else []
    start = [lead.get(f"entered_{order}"), *later]
    passed = lead["furthest"] > order or lead["outcome"] == "won"
    gone = any(moment is not None for moment in later) if passed else True
    return gone and any(moment is not None for moment in start)
