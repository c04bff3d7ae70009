"""The totals that a claim is held against equal their sources, whatever the order of rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import bought
from claimed import found, value
from detente import engine, intake
from detente.metrics import ad_money, claims, client_base, lifetime, qualification, totals
from detente.metrics.claims import Facts
from detente.terms import Economics

ROOT = Path(__file__).resolve().parents[1]


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
