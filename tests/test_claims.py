"""The reverse metric: a number that a definition makes is recognised as made by it, and what it leaves out is named."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bought
from detente import engine, intake
from detente.metrics import ad_money, claims, client_base, lifetime, qualification, totals
from detente.metrics.claims import Facts
from detente.terms import Economics

ROOT = Path(__file__).resolve().parents[1]
LADDER = Facts(
    spend=100, spend_vat=20, staff=50, gross=480, returned=30, vat=75, goods=150, delivery=25, contract=600,
    all_gross=900, all_contract=1000, received=950, new_share=0.4,
)  # fmt: skip
MILLION = Facts(spend=1_000_000, gross=2_200_000, new_share=0.3)
COMPANY_A = Facts(start=200, lost=50, came=80, revenue=1_000_000, margin=0.3, spend=40_000, new=80)


def value(table: pd.DataFrame, ident: str) -> float:
    return table.set_index("id").loc[ident, "value"]


def found(table: pd.DataFrame) -> list[str]:
    return table.loc[table["matches"], "id"].tolist()


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


# --- the totals ---
PURCHASES = [
    {"client": "p1", "deal": "1", "bought_at": "2026-05-06", "amount": 1000, "vat": 100, "goods": 300, "delivery": 50,
     "margin": 550, "margin_from": "costs", "channel": "Ads"},
    {"client": "p2", "deal": "2", "bought_at": "2026-05-09", "amount": 400, "gross": 500, "returned": 100, "goods": 150,
     "margin": 250, "margin_from": "costs", "channel": "Ads"},
    {"client": "p1", "deal": "4", "bought_at": "2026-06-01", "amount": 600.5, "goods": 200.5, "margin": 400,
     "margin_from": "costs", "channel": "Ads"},
    {"client": "p5", "deal": "5", "bought_at": "2026-06-02", "amount": 70, "channel": "Friends"},
    {"client": "p9", "bought_at": "2026-01-02", "amount": 99},
]  # fmt: skip
JOURNEYS = [
    {"lead_id": "1", "client": "p1", "created_at": "2026-05-01", "outcome": "won", "amount": 1200, "paid": 1000,
     "vat": 100, "margin": 550, "channel": "Ads", "verdict": "target"},
    {"lead_id": "2", "client": "p2", "created_at": "2026-05-02", "outcome": "won", "amount": 500, "paid": 500,
     "returned": 100, "margin": 250, "channel": "Ads", "verdict": "target"},
    {"lead_id": "3", "client": "p3", "created_at": "2026-05-03", "outcome": "lost", "channel": "Ads"},
    {"lead_id": "4", "client": "p1", "created_at": "2026-05-30", "outcome": "won", "amount": 600, "paid": 600.5,
     "margin": 400, "channel": "Ads", "returning": True},
    {"lead_id": "5", "client": "p5", "created_at": "2026-06-01", "outcome": "won", "amount": 80, "paid": 70,
     "channel": "Friends"},
]  # fmt: skip
SINCE, UNTIL = dt.date(2026, 5, 1), dt.date(2026, 6, 30)


def gathered(order: int = 1, journeys=None, purchases=None, spend=None, **stated) -> dict:
    journeys = bought.inquiries((journeys or JOURNEYS)[::order])
    purchases = bought.purchases((purchases or PURCHASES)[::order])
    spend = (
        spend
        if spend is not None
        else bought.spend([("2026-05-02", "Ads", 240), ("2026-06-03", "Ads", 60.4)])
    )
    terms = Economics(**stated)
    ads = ad_money.of(purchases, journeys, spend, terms)
    return totals.gather(journeys, purchases, spend, terms, SINCE, UNTIL, ads)


def test_totals_equal_the_sources_to_the_kopeck() -> None:
    made = gathered(staff={"people": 1000})
    assert made["all_gross"] == Decimal("2170.50")
    assert made["received"] == sum(Decimal(str(x)) for x in (1000, 500, 600.5, 70))
    assert (made["gross"], made["returned"], made["vat"]) == (Decimal("2100.50"), 100, 100)
    assert (made["goods"], made["delivery"]) == (Decimal("650.50"), 50)
    assert (made["contract"], made["all_contract"]) == (2300, 2380)
    assert made["spend"] == Decimal("300.40")
    assert made["staff"] == 2000
    assert (made["leads"], made["target"], made["won"], made["paying"], made["new"]) == (5, 2, 4, 3, 3)
    assert made["new_share"] == 1, "p1 came again, and it is advertising that won him"
    assert made["check"] == pytest.approx(2169.5 / 5)
    assert made["orders"] == 5 / 4


def test_the_full_romi_of_the_totals_is_the_contribution_of_new_clients_over_the_advertising() -> None:
    table = claims.romi(None, Facts(**gathered()))
    assert table.set_index("full").loc[True, "value"] == pytest.approx(1200 / 300.4 - 1)
    old = [row | {"returning": row["client"] == "p2"} for row in JOURNEYS]
    facts = Facts(**gathered(journeys=old))
    assert facts.new_share == pytest.approx(950 / 1200)
    full = claims.romi(None, facts).set_index("full").loc[True]
    assert (full["who"], full["value"]) == ("new", pytest.approx(950 / 300.4 - 1))


def test_without_costs_the_part_of_new_clients_is_that_of_revenue() -> None:
    old = [row | {"returning": row["client"] == "p2"} for row in JOURNEYS]
    bare = [row | {"margin": None, "margin_from": None} for row in PURCHASES]
    made = gathered(journeys=old, purchases=bare)
    assert made["new_share"] == pytest.approx((900 + 600.5) / (900 + 600.5 + 400))
    assert made["margin"] is None


def test_a_margin_is_a_part_of_the_same_revenue_that_it_multiplies() -> None:
    """Two clients paid 1200 each, 200 of it tax; 500 is left of each: by margin a client is worth 500."""
    rows = [{"client": who, "deal": who, "bought_at": "2026-05-06", "amount": 1200, "vat": 200, "goods": 500,
             "margin": 500, "margin_from": "costs", "channel": "Ads"} for who in ("p1", "p2")]  # fmt: skip
    spend = bought.table([{"channel": "Ads", "date_from": SINCE, "cost": 240, "vat": 40}], SPENT)
    facts = Facts(**gathered(purchases=rows, spend=spend))
    assert facts.margin == pytest.approx(500 / 1200)
    known = replace(facts, start=2, lost=1, came=1, revenue=2400, staff=60, new=2)
    table = claims.ltv(None, known)
    assert value(table, "orders.revenue.none") == 1200
    assert value(table, "orders.margin.none") == pytest.approx(500)
    assert value(table, "matched.margin.none") == pytest.approx(1000)
    # what a client costs is with its tax where the revenue is, and without where the margin is
    assert value(table, "orders.revenue.ads") == pytest.approx(1200 - 120)
    assert value(table, "orders.margin.ads") == pytest.approx(500 - 100)
    assert value(table, "orders.revenue.full") == pytest.approx(1200 - 150)
    assert value(table, "orders.margin.full") == pytest.approx(500 - 130)


def test_a_price_per_client_without_its_tax_gets_the_tax_of_the_spend_beside_it() -> None:
    class Cost:
        status, spend, staff, new = "ok", 1000, 0, 10

    known = totals.with_clients(Facts(spend=240, spend_vat=40), cost=Cost())
    assert (known.spend, known.spend_vat) == (pytest.approx(1200), pytest.approx(200))
    assert totals.with_clients(Facts(spend=240), cost=Cost()).spend == 1000


SPENT = {
    "date_from": pa.date32(), "channel": pa.string(), "cost": bought.MONEY, "vat": bought.MONEY,
}  # fmt: skip


def test_totals_do_not_depend_on_the_order_of_rows() -> None:
    assert gathered() == gathered(-1)


def test_totals_without_payments_or_spend_say_so_and_nothing_else() -> None:
    bare = bought.inquiries(JOURNEYS).drop("paid", "returned", "vat", "margin", "returning")
    made = totals.gather(bare, None, None, Economics(), SINCE, UNTIL)
    assert made["spend"] is None
    assert made["all_gross"] is None
    assert made["all_contract"] == 2380
    assert claims.romi(1.0, Facts(**made)).empty
    assert claims.ltv(1.0, Facts(**made)).empty


def test_salaries_come_from_the_costs_export_and_never_a_second_time_from_the_audit() -> None:
    costs = bought.table(
        [{"period": day, "kind": kind, "amount": amount} for day, kind, amount in (
            (dt.date(2026, 5, 31), "marketing", 70), (dt.date(2026, 6, 1), "sales", 30.5),
            (dt.date(2026, 6, 1), "advertising", 999), (dt.date(2026, 7, 1), "sales", 500))],
        {"period": pa.date32(), "kind": pa.string(), "amount": bought.MONEY},
    )  # fmt: skip
    terms = Economics(staff={"people": 1000})
    made = totals.gather(bought.inquiries(JOURNEYS), None, None, terms, SINCE, UNTIL, None, costs)
    assert made["staff"] == Decimal("100.50")
    none = totals.gather(
        bought.inquiries(JOURNEYS), None, None, terms, SINCE, UNTIL, None, costs.filter(costs.kind == "x")
    )
    assert none["staff"] == 2000


def test_counts_of_paid_channels_stand_beside_those_of_all() -> None:
    made = gathered()
    assert [made[f"ad_{name}"] for name in ("leads", "target", "won", "paying", "new")] == [4, 2, 3, 2, 2]
    assert found(claims.cac(75.1, Facts(**made))) == ["ads.won", "ads.ad_leads"]


@pytest.mark.parametrize(
    ("since", "until", "months"), [("2026-01-01", "2026-12-31", 12), ("2026-02-15", "2026-02-28", 0.5),
                                   ("2025-12-17", "2026-01-31", 15 / 31 + 1)],
)  # fmt: skip
def test_months_are_counted_by_their_days(since, until, months) -> None:
    assert totals.months(dt.date.fromisoformat(since), dt.date.fromisoformat(until)) == pytest.approx(months)


@pytest.mark.skipif(
    not (ROOT.parent / "shared/data/school_crm/deals.xlsx").is_file(),
    reason="shared data not found: ../shared/data/school_crm/deals.xlsx",
)
def test_both_boasts_of_the_school_are_told_apart_cash_and_contract() -> None:
    tables, _ = intake.load(ROOT / "tests" / "school_crm" / "audit.yml")
    terms = tables.audit.economics
    ads = ad_money.of(tables.purchases, tables.all_journeys, tables.spend, terms)
    made = totals.gather(
        tables.journeys, tables.purchases, tables.spend, terms, tables.since, tables.until, ads
    )
    assert (made["all_field_paid"], made["all_contract"]) == (978_651, 6_327_301)
    cash, contract = (claims.romi(said, Facts(**made)) for said in (5.545, 41.316))
    assert found(cash) == ["all_field_paid.nothing.all.ads.net"]
    assert found(contract)[0] == "all_contract.nothing.all.ads.net"
    assert dict(contract.iloc[0]["left_out"])["unpaid"] == 6_327_301 - 978_651
    assert dict(contract.iloc[0]["left_out"])["goods"] is None


@pytest.fixture(scope="module")
def sample():
    """The sample company, its claims, and its facts as the notebooks gather them."""
    tables, _ = intake.load(ROOT / "data" / "sample" / "audit.yml")
    terms = tables.audit.economics
    ads = ad_money.of(tables.purchases, tables.all_journeys, tables.spend, terms)
    judged = qualification.judge(tables.journeys, tables.audit.criteria)
    sums = (judged, tables.purchases, tables.spend, terms, tables.since, tables.until, ads, tables.costs)
    return tables, terms.claimed, Facts(**totals.gather(*sums))


def test_the_planted_claims_of_the_sample_are_seen_for_what_they_are(sample) -> None:
    tables, claimed, facts = sample
    romi, cac = claims.romi(claimed.romi, facts), claims.cac(claimed.cac, facts)
    assert (romi.iloc[0]["id"], romi.iloc[0]["exact"]) == ("contract.nothing.all.ads.net", True)
    assert (cac.iloc[0]["id"], cac.iloc[0]["exact"]) == ("ads.ad_target", True)
    base = client_base.base(tables.purchases, tables.as_of, tables.audit.economics.model)
    snapshot = lifetime.snapshot(base.start, base.lost, base.new + base.returned, base.revenue)
    ltv = claims.ltv(claimed.ltv, totals.with_clients(facts, snapshot))
    assert (ltv.iloc[0]["id"], ltv.iloc[0]["exact"]) == ("seed.revenue.none", True)


def test_totals_of_the_sample_equal_its_sources_to_the_kopeck(sample) -> None:
    tables, _, facts = sample
    inside = engine.frame(tables.journeys.aggregate(paid=tables.journeys.paid.sum()))["paid"][0]
    assert facts.all_gross == inside
    assert facts.spend == engine.frame(tables.spend.aggregate(cost=tables.spend["cost"].sum()))["cost"][0]
