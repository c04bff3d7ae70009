"""The reverse metric: a number that a definition makes is recognised as made by it, and what it leaves out is named."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimed import found, value
from detente.metrics import claims, totals
from detente.metrics.claims import Facts

ROOT = Path(__file__).resolve().parents[1]
LADDER = Facts(
    spend=100, spend_vat=20, staff=50, gross=480, returned=30, vat=75, goods=150, delivery=25, contract=600,
    all_gross=900, all_contract=1000, received=950, new_share=0.4,
)  # fmt: skip
MILLION = Facts(spend=1_000_000, gross=2_200_000, new_share=0.3)
COMPANY_A = Facts(start=200, lost=50, came=80, revenue=1_000_000, margin=0.3, spend=40_000, new=80)


# --- ROMI ---
def test_each_definition_is_its_revenue_less_its_steps_over_its_costs() -> None:
    table = claims.romi(None, LADDER)
    assert value(table, "gross.nothing.all.ads.net") == pytest.approx(480 / 100 - 1)
    assert value(table, "gross.nothing.all.ads.ratio") == pytest.approx(4.8)
    assert value(table, "net.vat.all.ads.net") == pytest.approx((450 - 75) / 100 - 1)
    assert value(table, "net.goods.all.ads_net.net") == pytest.approx((450 - 75 - 150) / 80 - 1)
    assert value(table, "net.delivery.new.full.net") == pytest.approx((450 - 250) * 0.4 / (80 + 50) - 1)
    assert value(table, "contract.nothing.all.full.net") == pytest.approx(600 / 130 - 1)
    assert value(table, "received.nothing.all.ads.net") == pytest.approx(8.5)


def test_the_definition_that_leaves_out_least_ends_where_the_ladder_does() -> None:
    full = claims.romi(None, LADDER).set_index("full").loc[True]
    assert full["id"] == "net.delivery.new.ads_net.net"
    assert full["value"] == pytest.approx((480 - 30 - 75 - 150 - 25) * 0.4 / 80 - 1)
    assert full["left_out"] == (("staff", 50.0),)
    tested = claims.romi(None, replace(LADDER, incremental=0.25))
    assert tested.set_index("full").loc[True, "id"] == "net.delivery.tested.ads_net.net"


def test_what_a_definition_leaves_out_is_told_in_money() -> None:
    left = claims.romi(None, LADDER).set_index("id")["left_out"]
    assert dict(left["gross.nothing.all.ads.ratio"]) == {
        "returned": 30, "vat": 75, "goods": 150, "delivery": 25, "anyway": pytest.approx(200 * 0.6), "staff": 50,
        "spend": 100,
    }  # fmt: skip
    assert dict(left["contract.nothing.new.full.net"])["unpaid"] == 120
    assert dict(left["received.nothing.all.ads.net"])["others"] == 950 - 480
    assert dict(left["all_contract.nothing.all.ads.net"])["unpaid"] == 100
    assert dict(left["all_contract.nothing.all.ads.net"])["others"] == 420


def test_what_is_left_out_leads_from_the_boast_down_to_what_is_left() -> None:
    table = claims.romi(None, LADDER).set_index("id")
    for boast, revenue in (("gross.nothing.all.ads.net", 480), ("contract.nothing.all.ads.net", 600),
                           ("all_contract.nothing.all.ads.net", 1000), ("net.vat.all.ads.net", 375)):  # fmt: skip
        left = dict(table.loc[boast, "left_out"])
        down = revenue - sum(money for name, money in left.items() if name != "staff")
        assert down / 80 - 1 == pytest.approx(table.loc["net.delivery.new.ads_net.net", "value"]), boast


def test_a_cost_that_nobody_exported_is_left_out_without_a_number_and_never_taken_for_nothing() -> None:
    left = dict(claims.romi(None, Facts(spend=100, gross=300)).iloc[0]["left_out"])
    assert left == dict.fromkeys(["returned", "vat", "goods", "delivery", "anyway", "staff"])
    known = dict(
        claims.romi(None, Facts(spend=100, gross=300, returned=0, goods=0, staff=0)).iloc[0]["left_out"]
    )
    assert set(known) == {"vat", "delivery", "anyway"}


def test_won_amounts_are_not_told_a_second_time_as_payments() -> None:
    won = Facts(
        spend=100, gross=500, contract=500, all_gross=700, all_contract=700, received=800, basis="won"
    )
    table = claims.romi(None, won)
    assert set(table["base"]) == {"contract", "all_contract"}
    assert dict(table.set_index("id").loc["contract.nothing.all.ads.net", "left_out"])["unpaid"] is None


def test_the_boast_of_the_worked_case_is_revenue_over_advertising_and_ends_in_a_loss() -> None:
    boast = Facts(spend=100_000, gross=300_000, returned=90_000, goods=189_000)
    table = claims.romi(2.0, boast)
    assert table.iloc[0]["id"] == "gross.nothing.all.ads.net"
    assert {"returned", "goods"} <= set(dict(table.iloc[0]["left_out"]))
    assert table.set_index("full").loc[True, "value"] == pytest.approx(-0.79)


def test_a_loss_of_300_thousand_needs_one_of_three_other_facts_and_none_of_them_is_the_stated_one() -> None:
    table = claims.needed(-0.3, MILLION).set_index("unknown")
    assert table["value"].round(6).to_dict() == {
        "incremental": 0.318182, "revenue": 2_333_333.333333, "margin_all": 0.318182
    }  # fmt: skip
    assert 1 - table.loc["incremental", "value"] == pytest.approx(0.6818, abs=5e-5)
    assert table.loc["revenue", "romi"] == pytest.approx(1.3333, abs=5e-5)
    assert "margin" not in table.index, "106 % of the revenue cannot be left"
    assert value(claims.romi(None, MILLION), "gross.nothing.new.ads.net") == pytest.approx(-0.34)


def test_what_is_needed_makes_the_claim_true_when_it_is_put_in() -> None:
    facts = replace(LADDER, spend_vat=None)
    kept = 480 - 30 - 75
    for row in claims.needed(0.2, facts).itertuples():
        share = row.value if row.unknown == "incremental" else 1.0 if row.unknown == "margin_all" else 0.4
        margin = row.value if row.unknown.startswith("margin") else 1 - 150 / kept
        left = (kept * margin - 25) * (row.value / 480 if row.unknown == "revenue" else 1) * share
        assert left / 100 - 1 == pytest.approx(0.2), row.unknown
    assert claims.needed(None, facts).empty
    assert claims.needed(0.2, Facts(gross=5)).empty


@pytest.mark.parametrize(
    ("claimed", "rounding", "hit"), [(3.8, None, True), (3.87, None, True), (3.9, None, False), (4.0, None, False),
                                     (4.0, 0.5, True), (3.7, None, False)],
)  # fmt: skip
def test_a_claim_is_met_within_its_rounding_or_two_percent(claimed, rounding, hit) -> None:
    table = claims.romi(claimed, Facts(spend=100, gross=480), rounding)
    assert ("gross.nothing.all.ads.net" in found(table)) is hit


def test_a_number_said_to_the_kopeck_prefers_the_definition_that_gives_it_to_the_kopeck() -> None:
    table = claims.ltv(18_604.65, COMPANY_A)
    assert table["exact"].tolist().count(True) == 1
    assert table.iloc[0]["id"] == "seed.revenue.none"


money = st.integers(1, 10**9).map(lambda kopecks: kopecks / 100)
share = st.floats(0.01, 0.99)
facts = st.builds(
    Facts, spend=money, spend_vat=st.none() | money, staff=st.none() | money, gross=st.none() | money,
    returned=st.none() | money, vat=st.none() | money, goods=st.none() | money, delivery=st.none() | money,
    contract=st.none() | money, all_gross=st.none() | money, all_contract=st.none() | money,
    all_field_paid=st.none() | money, received=st.none() | money, new_share=st.none() | share,
    incremental=st.none() | share, leads=st.integers(0, 9999), target=st.integers(0, 9999), won=st.integers(0, 999),
    paying=st.integers(0, 999), new=st.integers(0, 999), start=st.integers(1, 9999), lost=st.integers(0, 999),
    came=st.integers(0, 999), revenue=money, life=st.none() | money, margin=st.none() | share, check=money,
    orders=share, orders_year=share, years=share, cohorts=st.just(((3, 10.0, 4.0), (12, 30.0, None))),
    basis=st.sampled_from(["payments", "paid_field", "won"]),
)  # fmt: skip


def said(number: float) -> float:
    """As a person says it: to three significant digits."""
    return float(f"{number:.3g}")


@given(facts=facts, data=st.data())
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("metric", [claims.romi, claims.ltv, claims.cac])
def test_a_boast_made_by_a_definition_lists_that_definition(metric, facts, data) -> None:
    plain = metric(None, facts)
    if plain.empty:
        return
    assert not plain["matches"].any()
    assert plain["id"].is_unique
    assert plain["full"].sum() <= 1
    row = plain.iloc[data.draw(st.integers(0, len(plain) - 1))]
    table = metric(said(row["value"]), facts)
    assert row["id"] in found(table)
    first = table["matches"].tolist()
    assert first == sorted(first, reverse=True), "what does not match stands below what does"


@given(facts=facts)
@settings(max_examples=20, deadline=None)
def test_a_definition_that_leaves_more_out_never_knows_less_than_it_takes(facts) -> None:
    for row in claims.romi(None, facts).itertuples():
        assert not set(row.taken) & set(dict(row.left_out))


# --- LTV and CAC ---
def test_the_seed_formula_and_the_matched_one_are_told_apart() -> None:
    assert found(claims.ltv(20_000, COMPANY_A)) == ["matched.revenue.none"]
    assert found(claims.ltv(18_604.65, COMPANY_A))[0] == "seed.revenue.none"
    assert value(claims.ltv(None, COMPANY_A), "seed.margin.ads") == pytest.approx(
        18_604.65 * 0.3 - 500, abs=5e-3
    )
    assert value(claims.ltv(None, COMPANY_A), "arpu.revenue.none") == pytest.approx(4651.163, abs=5e-4)


def test_cohorts_and_checks_are_definitions_too() -> None:
    ages = pd.DataFrame({"value": [10.0, 14.0, 17.0, 19.0], "enough": [True, True, True, False]})
    known = totals.with_clients(
        Facts(check=100, orders=2.5, orders_year=3.0, years=2.0), None, ages, ages / 2
    )
    table = claims.ltv(None, known)
    assert known.cohorts == ((3, 17.0, 8.5),)
    assert value(table, "cohort_3.revenue.none") == 17
    assert value(table, "cohort_3.margin.none") == 8.5
    assert value(table, "orders.revenue.none") == 250
    assert value(table, "years.revenue.none") == 600
    assert table.set_index("full").loc[True, "formula"] == "cohort_3"


def test_a_base_hands_its_counts_over() -> None:
    class Base:
        start, lost, new, revenue, margin = 100, 30, 130, 300_000, 0.5

    known = totals.with_clients(Facts(), Base(), life=4)
    assert value(claims.ltv(None, known), "seed.revenue.none") == pytest.approx(6666.67, abs=5e-3)
    assert value(claims.ltv(None, known), "life.revenue.none") == 8000
    assert value(claims.ltv(None, known), "matched.margin.none") == 5000


def test_nobody_lost_gives_no_infinite_value() -> None:
    table = claims.ltv(None, replace(COMPANY_A, lost=0))
    assert set(table["formula"]) == {"arpu"}
    assert all(math.isfinite(one) for one in table["value"])


def test_a_cac_that_is_a_cpl_is_recognised() -> None:
    before = Facts(spend=50_000, leads=100, won=10, paying=10, new=9, staff=40_000)
    table = claims.cac(500, before)
    assert found(table) == ["ads.leads"]
    assert table.iloc[0]["n"] == 100
    assert found(claims.cac(5_000, before)) == ["ads.paying", "ads.won"]
    assert table.set_index("full").loc[True, "value"] == pytest.approx(50_000 / 9)
    assert ("staff", 40_000.0) in table.set_index("full").loc[True, "left_out"]


def test_the_row_order_of_facts_moves_nothing_and_nothing_to_divide_by_gives_no_row() -> None:
    assert claims.cac(500, Facts(spend=50_000, leads=0, won=0)).empty
    assert claims.romi(1.2, Facts(gross=5)).empty
    assert claims.romi(1.2, Facts(spend=0, gross=5)).empty
    assert claims.ltv(1.2, Facts()).empty
