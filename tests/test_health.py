"""Can the export be trusted: counts by hand, gaps that show, and each reason to refuse a decision."""

import datetime as dt
import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente import engine
from detente.metrics import health
from detente.schema import LossLog, SourceCount

LEAD = {
    "created_at": "2024-03-04 10:00",
    "closed_at": None,
    "outcome": "open",
    "amount": None,
    "manager": "#01",
    "segment": "b2b",
    "channel": "vk",
    "person": "p",
    "has_history": True,
    "loss_reason": None,
    "attr_need": "yes",
}


def journeys(*rows, **columns):
    frame = pd.DataFrame([LEAD | row for row in rows]).assign(**columns)
    for name in ("created_at", "closed_at"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601").astype("datetime64[us]")
    for name in ("manager", "segment", "channel", "person", "loss_reason"):
        frame[name] = frame[name].astype("str")
    return engine.table(frame.assign(amount=frame["amount"].astype(float)))


WON, LOST = {"outcome": "won", "amount": 5.0}, {"outcome": "lost", "loss_reason": "дорого"}


def test_fill_counts_cells_and_a_column_that_is_not_there_is_empty():
    table = journeys({}, {"channel": None}, {"channel": None, "manager": None}, {"channel": None})
    found = health.fill(table, ["manager", "budget", "channel", "person"], 0.9)
    assert found["column"].tolist() == ["budget", "channel", "manager", "person"]
    assert found["filled"].tolist() == [0, 1, 3, 4]
    assert found["share"].tolist() == [0, 0.25, 0.75, 1]
    assert found["present"].tolist() == [False, True, True, True]
    assert (found["low"] <= found["share"]).all()
    assert set(found["level"]) == {0.9}


def test_fill_of_no_leads_has_no_share():
    table = journeys({})
    assert math.isnan(health.fill(table.filter(table.channel == "no"), ["channel"])["share"].iloc[0])


def test_lost_rows_are_those_in_no_table_over_all_files():
    files = [SourceCount("deals", "a.csv", "", 90, 80, 4, 6), SourceCount("spend", "b.csv", "", 10, 10, 0, 0)]
    found = health.lost(LossLog(tuple(files), ()), 0.9)
    assert (found.files, found.read, found.kept, found.lost, found.share) == (2, 100, 90, 10, 0.1)
    assert found.low < 0.1 < found.high
    assert math.isnan(health.lost(LossLog((), ())).share)


def test_freshness_counts_days_to_the_export_and_leads_from_the_future():
    table = journeys(
        {"created_at": "2024-03-01", "closed_at": "2024-03-02 15:00"},
        {"created_at": "2024-03-10 23:59"},
        {"created_at": "2024-03-12 00:00", "closed_at": "2024-12-11"},
    )
    found = health.freshness(table, dt.date(2024, 3, 11))
    assert (found.first_lead, found.last_lead) == (dt.date(2024, 3, 1), dt.date(2024, 3, 10))
    assert (found.last_close, found.lead_age, found.close_age) == (dt.date(2024, 3, 2), 1, 9)
    assert found.future == 1


def test_freshness_of_nothing_is_none():
    found = health.freshness(journeys({"created_at": None}), dt.date(2024, 3, 11))
    assert (found.last_lead, found.last_close, found.future) == (None, None, 0)
    assert math.isnan(found.lead_age)


def test_an_empty_week_between_two_full_ones_is_a_gap():
    days = ["2024-03-04 00:00", "2024-03-10 23:59", "2024-03-11", "2024-03-25", None]
    found = health.weeks(journeys(*[{"created_at": day} for day in days]))
    assert found["week"].dt.strftime("%m-%d").tolist() == ["03-04", "03-11", "03-18", "03-25"]
    assert found["leads"].tolist() == [2, 1, 0, 1]
    assert found["gap"].tolist() == [False, False, True, False]
    assert found["whole"].tolist() == [False, True, True, False]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.datetimes(dt.datetime(2023, 11, 1), dt.datetime(2024, 3, 1)), min_size=1, max_size=30))
def test_weeks_hold_every_lead_and_start_on_mondays(moments):
    found = health.weeks(journeys(*[{"created_at": moment.isoformat()} for moment in moments]))
    assert found["leads"].sum() == len(moments)
    assert set(found["week"].dt.day_of_week) == {0}
    assert (found["week"].diff().dropna() == pd.Timedelta(days=7)).all()


def test_weeks_of_nothing_are_empty():
    assert health.weeks(journeys({"created_at": None})).empty


def test_the_effect_of_tests_and_duplicates_on_the_headline_is_stated():
    rows = (
        [("target", "")] * 3
        + [("non_target", "")]
        + [("non_target", "test")] * 2
        + [("target", "double")] * 4
    )
    rows += [("non_target", "test double"), ("non_target", "excluded")]
    frame = pd.DataFrame(rows, columns=["verdict", "kind"])
    frame["is_test"], frame["is_duplicate"] = (
        frame["kind"].str.contains("test"),
        frame["kind"].str.contains("double"),
    )
    frame["outcome"] = frame["kind"].where(frame["kind"] == "excluded", "open")
    frame["counted"] = frame["kind"] == ""
    table = health.counted_effect(engine.table(frame), 0.9).set_index("base")
    assert table["leads"].to_dict() == {"counted": 4, "with_tests": 6, "with_duplicates": 8, "all": 12}
    assert table["added"].tolist() == [0, 2, 4, 8]
    assert table["share"].tolist() == pytest.approx([1 / 4, 3 / 6, 1 / 8, 5 / 12])
    assert table["change"].tolist() == pytest.approx([0, 1 / 4, -1 / 8, 1 / 6])


@pytest.mark.parametrize(
    ("tables", "rows", "level", "missing"),
    [
        ({"deals"}, [{}, LOST], "", "revenue"),
        ({"deals", "payments"}, [{}, LOST], "L0", "outcomes"),
        ({"deals"}, [WON, LOST | {"manager": None}, {"manager": None}], "L1", "managers"),
        ({"deals"}, [WON, LOST], "L2", "stage_history"),
        ({"deals", "stages"}, [WON | {"has_history": False}, LOST], "L2", "stage_history"),
        ({"deals", "stages"}, [WON | {"segment": None}, LOST], "L3", "segments"),
        ({"deals", "stages"}, [WON, LOST], "L4", ""),
    ],
)
def test_the_ladder_stops_at_the_first_thing_that_is_missing(tables, rows, level, missing):
    found = health.digitisation(tables, journeys(*rows))
    assert (found.level, found.missing) == (level, missing)
    assert found.blocked_at == ("" if level == "L4" else f"L{int(level[1:] or -1) + 1}" if level else "L0")
    assert found.steps["level"].tolist() == list(health.LEVELS)


def spend(*rows):
    return engine.table(
        pd.DataFrame([(name, Decimal(cost)) for name, cost in rows], columns=["channel", "cost"])
    )


EVERYTHING = {"deals", "stages", "spend", "payments"}


def test_good_data_is_good_for_every_decision():
    found = health.decisions(journeys(WON, LOST), EVERYTHING, spend(("vk", "60"), ("radio", "40")))
    assert list(found) == ["non_target_by_channel", "drop_off_reasons", "stage_conversion", "cost", "ltv"]
    assert {item.reason for item in found.values()} == {"ok"}
    assert (found["cost"].have, found["cost"].need) == pytest.approx((0.6, 0.6))


@pytest.mark.parametrize(
    ("decision", "reason", "rows", "tables", "money"),
    [
        ("non_target_by_channel", "few_channels", [LOST, {"channel": None}], EVERYTHING, [("vk", "1")]),
        (
            "drop_off_reasons",
            "few_reasons",
            [LOST, *[LOST | {"loss_reason": None}] * 2],
            EVERYTHING,
            [("vk", "1")],
        ),
        ("drop_off_reasons", "no_losses", [WON], EVERYTHING, [("vk", "1")]),
        ("stage_conversion", "no_stages", [WON, LOST], {"deals", "payments"}, [("vk", "1")]),
        ("stage_conversion", "little_history", [WON, {"has_history": False}], EVERYTHING, [("vk", "1")]),
        ("cost", "spend_without_leads", [WON], EVERYTHING, [("vk", "59"), ("radio", "41")]),
        ("cost", "no_spend", [WON], EVERYTHING, [("vk", "0")]),
        ("cost", "no_spend", [WON], EVERYTHING, None),
        ("ltv", "no_payments", [WON], {"deals", "stages"}, [("vk", "1")]),
        ("ltv", "few_persons", [WON, {"person": None}], EVERYTHING, [("vk", "1")]),
    ],
)
def test_a_refused_decision_says_why(decision, reason, rows, tables, money):
    found = health.decisions(journeys(*rows), tables, spend(*money) if money else None)[decision]
    assert (found.good, found.reason) == (False, reason)
    assert found.have < found.need


def test_without_criteria_no_share_can_be_told_however_well_channels_are_filled_in():
    found = health.decisions(journeys(WON, LOST).drop("attr_need"), EVERYTHING)["non_target_by_channel"]
    assert (found.good, found.reason) == (False, "no_criteria")


def test_half_of_the_losses_with_a_reason_is_enough():
    found = health.decisions(journeys(LOST, LOST | {"loss_reason": None}), EVERYTHING)["drop_off_reasons"]
    assert (found.good, found.have) == (True, 0.5)
    assert not health.decisions(journeys(LOST, {"outcome": "lost"}), EVERYTHING, reason_share=0.6)[
        "drop_off_reasons"
    ].good


def test_no_leads_are_good_for_nothing():
    table = journeys({})
    found = health.decisions(table.filter(table.channel == "none"), EVERYTHING, spend(("vk", "1")))
    assert {(item.good, item.reason) for item in found.values()} == {(False, "no_leads")}
