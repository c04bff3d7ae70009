"""What leads cost: money to the kopeck, and no cost where there is none."""

import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente import engine, schema
from detente.metrics import acquisition

KINDS = {
    "target": ("target", "open"),
    "won": ("target", "won"),
    "bad": ("non_target", "lost"),
    "dark": ("unknown", "open"),
}


def leads(*groups):
    """Groups of (channel, kind, how many)."""
    rows = [(channel, *KINDS[kind]) for channel, kind, count in groups for _ in range(count)]
    frame = pd.DataFrame(rows, columns=["channel", "verdict", "outcome"]).astype(object)
    return engine.table(frame) if rows else engine.table(frame.astype("str"))


def spend(*rows, currency="RUB"):
    frame = pd.DataFrame(rows, columns=["channel", "cost"])
    return engine.table(frame.assign(cost=[Decimal(cost) for cost in frame["cost"]], currency=currency))


def bought(money, *groups, level=0.95):
    return acquisition.acquisition(money, leads(*groups), level)


def test_a_channel_costs_per_lead_per_target_lead_and_per_client():
    row = bought(
        spend(("vk", "600.10"), ("vk", "399.90")), ("vk", "bad", 4), ("vk", "target", 4), ("vk", "won", 2)
    ).loc["vk"]
    assert (row["spend"], row["spend_state"]) == (Decimal("1000.00"), "spend")
    assert (row["leads"], row["target"], row["non_target"], row["won"]) == (10, 6, 4, 2)
    assert (row["cpl"], row["cac"], row["wasted"]) == pytest.approx((100, 500, 400))
    assert row["cost_per_target"] == pytest.approx(1000 / 6)
    assert row["cost_per_target_low"] < 1000 / 6 < row["cost_per_target_high"]
    assert row["wasted_low"] < 400 < row["wasted_high"]
    assert math.isnan(row["cac_above"])
    assert row["conversion"] == 0.2
    assert row["conversion_low"] < 0.2 < row["conversion_high"]


def test_unknown_leads_are_taken_as_the_known_ones_in_the_cost_of_a_target_lead():
    row = bought(spend(("vk", "1000")), ("vk", "bad", 2), ("vk", "target", 2), ("vk", "dark", 6)).loc["vk"]
    assert (row["cpl"], row["cost_per_target"], row["wasted"]) == pytest.approx((100, 200, 500))


@pytest.mark.parametrize(
    ("count", "clients", "cac", "low", "high"), [(100, 10, 5000, 2868, 9053), (167, 2, 25000, 7027, 90993)]
)
def test_cac_has_the_reference_limits(count, clients, cac, low, high):
    row = bought(spend(("ads", "50000")), ("ads", "won", clients), ("ads", "bad", count - clients)).loc["ads"]
    assert (row["cac"], row["cac_low"], row["cac_high"]) == pytest.approx((cac, low, high), rel=2e-4)


def test_without_clients_there_is_a_floor_of_cac_and_no_cac():
    row = bought(spend(("ads", "2000")), ("ads", "target", 20)).loc["ads"]
    assert row[["cac", "cac_low", "cac_high"]].isna().all()
    assert row["cac_above"] == pytest.approx(2000 / (20 * 0.16843), rel=1e-4)  # 0 of 20: at most .1684


def test_without_target_leads_there_is_a_floor_of_their_cost():
    row = bought(spend(("ads", "2000")), ("ads", "bad", 20)).loc["ads"]
    assert row[["cost_per_target", "cost_per_target_high"]].isna().all()
    assert row["cost_per_target_low"] == pytest.approx(100 / 0.1611, rel=1e-3)


def test_nothing_spent_is_no_cost_of_zero():
    table = bought(
        spend(("ads", "10"), ("zero", "0")), ("ads", "bad", 1), ("seo", "won", 3), ("zero", "won", 1)
    )
    for channel in ("seo", "zero"):
        assert table.loc[channel, "spend_state"] == "no_spend"
        assert table.loc[channel, ["cpl", "cac", "cost_per_target", "wasted"]].isna().all()


def test_spend_without_leads_and_leads_without_spend_are_rows_of_their_own():
    table = bought(
        spend(("radio", "300.00"), (None, "7.77"), ("ads", "1")), ("ads", "bad", 1), (None, "dark", 2)
    )
    assert table.loc["radio", ["leads", "spend_state"]].tolist() == [0, "spend_without_leads"]
    unnamed = table[table.index.isna()].iloc[0]
    assert unnamed[["leads", "spend", "spend_state"]].tolist() == [
        2,
        Decimal("7.77"),
        "spend_without_channel",
    ]
    assert math.isnan(unnamed["cpl"])
    assert len(table) == 3


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.decimals(-(10**6), 10**9, places=2)), min_size=1
    ),
    st.lists(
        st.tuples(st.sampled_from(["b", "c", "d", None]), st.sampled_from(sorted(KINDS)), st.integers(1, 9)),
        min_size=1,
    ),
)
def test_totals_equal_the_sources_to_the_kopeck(rows, groups):
    table = bought(spend(*rows), *groups)
    assert sum(table["spend"], Decimal(0)) == sum((cost for _, cost in rows), Decimal(0))
    assert table["leads"].sum() == sum(count for *_, count in groups)
    assert table["won"].sum() == sum(count for _, kind, count in groups if kind == "won")
    result = acquisition.wasted(table)
    assert result.spend == result.assigned + result.unassigned


def test_spend_in_two_currencies_is_refused():
    money = spend(("a", "1")).union(spend(("a", "1"), currency="EUR"))
    with pytest.raises(schema.DataError, match="EUR, RUB"):
        bought(money, ("a", "bad", 1))


SPLIT = [("a", "bad", 30), ("a", "target", 70), ("b", "bad", 60), ("b", "target", 20), ("b", "dark", 20)]


def test_wasted_money_adds_up_channels_and_keeps_unassigned_money_apart():
    table = bought(
        spend(("a", "1000"), ("b", "400"), ("radio", "50"), (None, "9.99")), *SPLIT, ("seo", "bad", 5)
    )
    found = acquisition.wasted(table)
    assert found.total == pytest.approx(1000 * 0.3 + 400 * 0.75)
    assert (found.bound_low, found.bound_high) == pytest.approx((300 + 400 * 0.6, 300 + 400 * 0.8))
    assert (found.spend, found.assigned, found.unassigned) == (
        Decimal("1459.99"),
        Decimal(1400),
        Decimal("59.99"),
    )
    assert (found.channels, found.share) == (2, pytest.approx(600 / 1400))
    assert found.low < 600 < found.high
    # normal approximation: sd² = 1000² x .3 x .7/100 + 400² x .75 x .25/80
    reach = 1.96 * math.sqrt(1000**2 * 0.21 / 100 + 400**2 * 0.1875 / 80)
    assert (found.low, found.high) == pytest.approx((600 - reach, 600 + reach), abs=8)


def test_a_channel_without_any_verdict_is_unassigned_and_widens_the_bounds():
    table = bought(spend(("a", "1000"), ("new", "500")), *SPLIT[:2], ("new", "dark", 10))
    found = acquisition.wasted(table)
    assert (found.total, found.unassigned) == (pytest.approx(300), Decimal(500))
    assert (found.bound_low, found.bound_high) == pytest.approx((300, 800))


def test_draws_are_repeatable_and_do_not_depend_on_the_order_of_rows():
    table = bought(spend(("a", "1000"), ("b", "400")), *SPLIT)
    assert acquisition.wasted(table) == acquisition.wasted(table[::-1])
    assert acquisition.wasted(table, seed=1).low != acquisition.wasted(table, seed=2).low
    narrow = acquisition.wasted(table, level=0.8)
    assert narrow.high - narrow.low < acquisition.wasted(table).high - acquisition.wasted(table).low


def test_no_spend_wastes_nothing_that_could_be_stated():
    found = acquisition.wasted(bought(spend(("a", "0")), ("a", "bad", 3)))
    assert math.isnan(found.total)
    assert math.isnan(found.low)
    assert found.spend == found.unassigned == Decimal(0)
