"""The money that was planted in the sample is in its exports, to the kopeck: exports in, tables out.

The expected numbers come from data/sample/truth.json, which the generator counts in its own world. Findings of the
money notebooks are tested with their metrics; here is what can be counted in the tables directly.
"""

import datetime as dt
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from detente import engine, intake
from detente.audit import Audit

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
MONEY = ("gross", "returned", "amount", "goods", "delivery", "service")
AS_OF = dt.date(2026, 6, 30)
QUARTER = dt.datetime(2026, 4, 1)


@pytest.fixture(scope="module")
def truth():
    return json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tables():
    return intake.load(SAMPLE / "audit.yml")[0]


@pytest.fixture(scope="module")
def bought(tables):
    """Purchases of known clients, whole money."""
    found = engine.frame(tables.purchases)
    return found[found["client"].notna()]


@pytest.fixture(scope="module")
def won(tables):
    leads = tables.journeys
    return engine.frame(leads.filter(leads.outcome == "won"))


@pytest.fixture(scope="module")
def paid(tables):
    """Payments that name a deal, one row each."""
    found = engine.frame(tables.payments)
    return found[found["lead_id"].notna()]


@pytest.fixture(scope="module")
def invoices(tables):
    return engine.frame(tables.invoices)


@pytest.fixture(scope="module")
def costs(tables):
    return engine.frame(tables.costs)


def kopecks(amounts):
    """The sum of exact amounts in whole kopecks."""
    total = sum((Decimal(str(x)) for x in amounts if x is not None and x == x), Decimal(0)) * 100
    assert total == int(total)
    return int(total)


def by(frame, column, amount):
    return {name: kopecks(part[amount]) for name, part in frame.groupby(column)}


# --- the bank ---
def test_purchases_hold_all_money_of_the_bank_and_nobodys_is_nobodys(tables, truth):
    found = engine.frame(tables.purchases)
    assert kopecks(found["amount"]) == truth["payments"]["net_kopecks"]
    lost = found[found["client"].isna()]
    assert len(lost) == truth["payments"]["of_nobody"] == 4
    assert kopecks(lost["amount"]) == truth["money"]["reconciled"]["of_nobody_kopecks"]
    assert lost["order_no"].isna().all()


def test_purchases_are_as_many_as_happened_and_sum_to_the_kopeck(bought, truth):
    stated = truth["money"]["purchases"]
    assert len(bought) == stated["rows"]
    assert bought["deal"].notna().sum() == stated["by_deal"]
    assert (bought["gross"] == 0).sum() == stated["returns_alone"] == 3
    assert {name: kopecks(bought[name]) for name in ("gross", "returned", "amount")} == {
        name: stated[name] for name in ("gross", "returned", "amount")
    }
    assert abs(kopecks(bought["vat"]) - stated["vat"]) <= len(bought)  # halves of a kopeck, row by row


def test_won_deals_that_nobody_paid_are_as_many_as_stated(won, truth):
    stated = truth["money"]["reconciled"]
    never = won[won["paid"] == 0]
    assert len(won) == stated["won"]
    assert (len(never), kopecks(never["amount"])) == (stated["never_paid"], stated["never_paid_kopecks"])
    assert stated["planted_unpaid"] == 7
    assert (never["closed_at"] >= dt.datetime(2026, 6, 30)).sum() == stated["won_on_the_last_day"] == 1


def test_part_paid_overpaid_and_returned_deals_are_as_many_as_stated(won, bought, truth):
    stated = truth["money"]["reconciled"]
    deals = bought[bought["deal"].notna()].set_index("deal")
    asked = won.set_index("lead_id")["amount"].loc[lambda of: of.index.isin(deals.index)]
    gross, back = deals["gross"].reindex(asked.index), deals["returned"].reindex(asked.index)
    left = asked - gross
    assert ((left > 0).sum(), (left < 0).sum(), (left == 0).sum()) == tuple(
        stated[name] for name in ("paid_less", "paid_more", "paid_in_full")
    )
    assert (back == gross).sum() == stated["returned_in_full"] == 2
    assert ((back > 0) & (back < gross)).sum() == stated["returned_in_part"]


def test_deals_paid_without_a_win_are_the_ones_that_the_court_knows(tables, bought, truth):
    leads = engine.frame(tables.all_journeys.select("lead_id", "outcome")).set_index("lead_id")["outcome"]
    deals = bought[bought["deal"].notna()]
    odd = deals[deals["deal"].map(leads) != "won"]
    stated = truth["money"]["reconciled"]
    assert (len(odd), kopecks(odd["gross"])) == (
        stated["paid_without_a_win"],
        stated["paid_without_a_win_kopecks"],
    )
    again = bought[bought["order_no"] > 1]
    assert not set(again["client"]) & set(odd["client"])  # only clients that won buy again


def test_three_payments_stand_twice_under_different_numbers(paid, truth):
    rows = Counter(zip(paid["lead_id"], paid["paid_at"], paid["amount"], strict=True))
    twice = [key for key, count in rows.items() if count > 1]
    stated = truth["money"]["reconciled"]
    assert len(twice) == stated["doubled_payments"] == 3
    assert kopecks(amount for _, _, amount in twice) == stated["doubled_kopecks"]
    assert paid["payment_id"].is_unique


def test_a_larger_company_has_as_many_payments_as_asked_for(tmp_path):
    command = [sys.executable, str(SAMPLE / "make_sample.py"), "--leads", "4000", "--payments", "30000"]
    subprocess.run([*command, "--output", str(tmp_path)], check=True, capture_output=True, timeout=120)
    rows = {
        name: pq.read_metadata(tmp_path / f"{name}.parquet").num_rows for name in ("payments", "invoices")
    }
    facts = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert rows == {"payments": 30_000, "invoices": facts["money"]["invoices"]["rows"]}
    assert facts["payments"]["of_nobody"] == 4
    assert Audit.read(tmp_path / "audit.yml").sources.costs[0].file == ["costs.parquet"]


def test_more_payments_are_for_a_larger_company_only():
    command = [sys.executable, str(SAMPLE / "make_sample.py"), "--payments", "5000"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2


# --- invoices ---
def test_invoices_are_doubled_missing_late_and_below_the_deal_as_often_as_stated(invoices, won, truth):
    stated = truth["money"]["invoices"]
    assert (len(invoices), kopecks(invoices["amount"])) == (stated["rows"], stated["kopecks"])
    assert invoices["invoice_id"].is_unique
    once = invoices.drop_duplicates(["lead_id", "amount", "issued_at"]).set_index("lead_id")
    assert once.index.is_unique
    assert (len(once), len(invoices) - len(once)) == (stated["deals"], stated["doubled"])
    invoiced = once[["issued_at", "amount"]].rename(columns={"amount": "invoiced"})
    deals = won.set_index("lead_id").drop(columns="invoiced").join(invoiced)
    lag = deals["issued_at"].dt.normalize() - deals["closed_at"].dt.normalize()
    assert (lag >= dt.timedelta(days=10)).sum() == stated["late"] == 5
    known = deals[deals["issued_at"].notna()]
    less = known["amount"] - known["invoiced"]
    assert ((less > 0).sum(), kopecks(less)) == (stated["below_the_deal"], stated["discounts_kopecks"])
    projects = deals[deals["segment"] != "Частные лица"]
    assert projects["issued_at"].isna().sum() == stated["won_projects_without"] == 4


def test_receivables_are_as_old_as_stated(invoices, bought, truth):
    stated = truth["money"]["receivables"]
    once = invoices.drop_duplicates("lead_id").copy()
    gross = bought[bought["deal"].notna()].set_index("deal")["gross"]
    once["left"] = once["amount"] - once["lead_id"].map(gross).fillna(Decimal(0))
    once["late"] = once["due_at"].map(lambda due: (AS_OF - due.date()).days)
    still = once[once["left"] > 0]
    bounds = {"not_due": (-999, -1), "0-30": (0, 30), "31-60": (31, 60), "61-90": (61, 90), "90+": (91, 999)}
    for name, (low, high) in bounds.items():
        part = still[still["late"].between(low, high)]
        assert {"deals": len(part), "kopecks": kopecks(part["left"])} == stated["ages"][name], name
    assert kopecks(still["left"]) == stated["kopecks"]
    assert (
        stated["if_doubled_were_due"]["kopecks"] > stated["kopecks"] + 100_000_000
    )  # what a naive sum would owe


# --- costs ---
def test_costs_sum_to_the_kopeck_by_kind_and_one_article_is_nobodys(costs, truth):
    stated = truth["money"]["costs"]
    assert len(costs) == stated["rows"]
    assert by(costs, "article", "amount") == stated["articles"]
    assert by(costs, "kind", "amount") == stated["kinds"]
    assert by(costs[costs["lead_id"].notna()], "kind", "amount") == stated["tied"]
    assert set(costs.loc[costs["kind"] == "other", "article"]) == set(stated["unmapped"])


def test_advertising_in_the_books_is_the_spend_without_its_vat(tables, costs):
    booked = kopecks(costs.loc[costs["kind"] == "advertising", "amount"])
    spent = engine.frame(tables.spend.aggregate(cost=tables.spend.cost.sum(), vat=tables.spend.vat.sum()))
    net = kopecks(spent["cost"]) - kopecks(spent["vat"])
    assert abs(booked - net) < 500  # kopecks of rounding, row by row there and month by month here


def test_costs_of_deals_reach_their_purchases_but_for_two_deals_that_nobody_paid(bought, costs, truth):
    stated = truth["money"]["costs"]
    missing = set(costs["lead_id"].dropna()) - set(bought["deal"].dropna())
    assert len(missing) == stated["of_deals_that_nobody_paid"]["deals"] == 2
    for name in ("goods", "delivery", "service"):
        gone = costs[costs["lead_id"].isin(missing) & (costs["kind"] == name)]
        assert kopecks(bought[name]) + kopecks(gone["amount"]) == stated["tied"][name], name


# --- segments ---
def test_segments_leave_the_stated_margin(bought, truth):
    for name, stated in truth["money"]["by_segment"].items():
        part = bought[bought["segment"] == name]
        assert (kopecks(part["gross"]), kopecks(part["amount"])) == (stated["gross"], stated["amount"]), name
        assert abs(kopecks(part["margin"]) - stated["margin"]) <= 3 * len(part), name
        own = part[part["margin_from"] == "costs"]
        net = float(sum(own["amount"] - own["vat"]))
        assert 1 - float(sum(own["goods"])) / net == pytest.approx(stated["margin_of_deals"], abs=1e-4)
        assert stated["margin_of_deals"] == pytest.approx(stated["drawn_margin"], abs=0.04)


def test_the_segment_with_most_leads_earns_least(truth):
    parts, leads = truth["money"]["by_segment"], truth["focus"]["leads"]
    most = max(leads, key=leads.get)
    assert most == "Частные лица" == min(parts, key=lambda name: parts[name]["left_of_deals"])
    assert parts[most]["margin"] < 0 < parts["Дилеры"]["margin"]


def test_orders_by_phone_take_the_margin_of_the_price_list(bought, tables):
    phoned = bought[bought["deal"].isna()]
    assert set(phoned["margin_from"]) == {"stated"}
    assert phoned["goods"].isna().all()
    rate = tables.audit.economics.margins["Дилеры"] - tables.audit.economics.delivery
    dealers = phoned[phoned["segment"] == "Дилеры"]
    net = float(sum(dealers["amount"] - dealers["vat"]))
    assert float(sum(dealers["margin"])) / net == pytest.approx(rate, abs=1e-4)


def test_departments_work_for_other_segments_than_the_money_comes_from(tables, bought, truth):
    stated = truth["focus"]
    leads = engine.frame(tables.journeys.group_by("segment").aggregate(leads=tables.journeys.count()))
    assert dict(zip(leads["segment"], leads["leads"], strict=True)) == stated["leads"]
    assert by(bought, "segment", "amount") == stated["revenue"]
    of = tables.journeys.select("lead_id", "segment")
    tasks = engine.frame(
        tables.tasks.inner_join(of, "lead_id").group_by("segment").aggregate(n=lambda t: t.count())
    )
    assert dict(zip(tasks["segment"], tasks["n"], strict=True)) == stated["tasks"]
    revenue, minutes = (
        {name: part / sum(stated[of].values()) for name, part in stated[of].items()}
        for of in ("revenue", "minutes")
    )
    apart = sum(abs(revenue[name] - minutes[name]) for name in revenue) / 2
    assert apart == pytest.approx(stated["apart"]["revenue - minutes"], abs=1e-4)
    assert stated["apart"]["revenue - spend"] > 0.8


def test_minutes_of_talk_fall_on_segments_as_stated(tables, truth):
    calls = engine.frame(tables.calls.select("lead_id", "person", "duration_s"))
    leads = engine.frame(tables.journeys.select("lead_id", "person", "segment"))
    of_lead = leads.set_index("lead_id")["segment"]
    of_person = leads.dropna(subset="person").drop_duplicates("person").set_index("person")["segment"]
    segment = calls["lead_id"].map(of_lead).fillna(calls["person"].map(of_person))
    minutes = (calls["duration_s"].groupby(segment).sum() / 60).round(2).to_dict()
    assert minutes == pytest.approx(truth["focus"]["minutes"], abs=0.01)


# --- clients ---
def test_clients_come_back_by_channel_as_often_as_stated(bought, truth):
    orders = bought[bought["order_no"].notna()]
    for name, stated in truth["clients"]["by_channel"].items():
        part = orders[orders["channel"].fillna("(empty)") == name].groupby("client").size()
        assert (len(part), (part > 1).sum()) == (stated["clients"], stated["bought_again"]), name
    channels = truth["clients"]["by_channel"]
    assert channels["Рекомендации"]["bought_again"] * 3 > channels["Рекомендации"]["clients"]
    assert channels["VK Реклама"]["clients"] > 10
    assert channels["VK Реклама"]["bought_again"] == 0


def test_nearly_half_of_the_last_quarters_revenue_is_of_returning_clients(bought, truth):
    stated = truth["clients"]["returning"]
    last = bought[bought["bought_at"] >= QUARTER]
    assert kopecks(last["amount"]) == stated["amount"]
    assert kopecks(last.loc[last["order_no"] != 1, "amount"]) == stated["repeat_purchases"]
    assert kopecks(last.loc[last["first_at"] < QUARTER, "amount"]) == stated["clients_of_before"]
    assert 0.4 < stated["share_of_repeat"] < 0.5


def test_the_seed_formula_says_another_ltv_than_matched_periods_and_than_what_followed(bought, truth):
    days = bought.loc[bought["order_no"].notna(), ["client", "bought_at"]].drop_duplicates()
    days = days.sort_values(["client", "bought_at"])
    after, later = dt.datetime(2026, 7, 1), days.groupby("client")["bought_at"].shift(-1)
    for name in ("last_quarter", "last_quarter_by_usual_pause"):
        stated = truth["ltv"][name]
        ends = days["bought_at"] + pd.Timedelta(days=stated["lost_after_days"])
        silent = later.isna() | (later > ends)
        assert (silent & (ends >= QUARTER) & (ends < after)).sum() == stated["lost"]
        there = [
            days[(days["bought_at"] < day) & (ends >= day)]["client"].nunique() for day in (QUARTER, after)
        ]
        assert there == [stated["start"], stated["end"]]
        seed = stated["amount"] / (sum(there) / 2) * there[0] / stated["lost"]
        assert seed == pytest.approx(stated["seed"], abs=1)
        assert there[1] == there[0] - stated["lost"] + stated["new"] + stated["came_back"]
        assert there[1] > 1.25 * there[0]  # the base grows
        assert stated["matched"] > 1.1 * stated["seed"] > 5 * truth["ltv"]["followed"]["per_client"]


def test_nine_of_ten_pauses_are_as_long_as_stated(bought, truth):
    days = bought[bought["order_no"].notna()].sort_values(["client", "bought_at"])
    pauses = sorted(days.groupby("client")["bought_at"].diff().dropna().dt.days)
    usual = truth["ltv"]["last_quarter_by_usual_pause"]["lost_after_days"]
    assert (
        sum(pause <= usual for pause in pauses) >= 0.9 * len(pauses) > sum(pause < usual for pause in pauses)
    )


def test_what_followed_the_first_of_april_is_as_stated(bought, truth):
    stated = truth["ltv"]["followed"]
    old = bought[(bought["order_no"] == 1) & (bought["first_at"] < QUARTER)]
    later = bought[(bought["bought_at"] >= QUARTER) & (bought["first_at"] < QUARTER)]
    assert len(old) == stated["clients"]
    assert (
        kopecks(later["amount"])
        == stated["amount"]
        == sum(part["amount"] for part in stated["cohorts"].values())
    )


# --- advertising ---
def test_the_ladder_of_advertised_channels_goes_from_a_boast_to_a_loss(bought, tables, truth):
    stated = truth["romi"]
    part = bought[bought["channel"].isin(stated["channels"])]
    assert {name: kopecks(part[name]) for name in ("gross", "returned")} == {
        name: stated[name] for name in ("gross", "returned")
    }
    assert abs(kopecks(part["margin"]) - stated["margin"]) <= 3 * len(part)
    spent = kopecks(engine.frame(tables.spend.aggregate(cost=tables.spend.cost.sum()))["cost"])
    assert (
        spent
        == stated["spend"]
        == sum(sum(part.values()) for name, part in truth["spend"].items() if name in stated["channels"])
    )
    assert stated["gross"] / spent - 1 == pytest.approx(stated["boasted"], abs=1e-4)
    assert stated["boasted"] > 3
    bare = kopecks(engine.frame(tables.spend.aggregate(vat=tables.spend.vat.sum()))["vat"])
    left = stated["margin"] / (spent - bare) - 1
    assert left == pytest.approx(stated["net"], abs=1e-4)
    assert stated["net_of_first_purchases"] < left < 0


def test_what_the_company_claims_is_another_number_than_its_name_says(tables, won, truth):
    stated, claimed = truth["claimed"], tables.audit.economics.claimed
    assert claimed.model_dump() == stated["stated"]
    part = won[won["channel"].isin(stated["scope_of_romi_and_cac"])]
    assert (len(part), kopecks(part["amount"])) == (stated["cac"]["won"], stated["romi"]["contract"])
    for name in ("romi", "ltv", "cac"):
        assert getattr(claimed, name) == pytest.approx(stated[name]["exact"], rel=0.005), name
    assert stated["cac"]["spend_per_client"] > 5 * claimed.cac


def test_avitos_leads_get_cheaper_and_its_target_leads_dearer(tables, truth):
    stated = truth["cheaper"]["Авито"]
    edges = [dt.datetime(2025, 7, 1) + dt.timedelta(days=days) for days in stated["days"]]
    leads = engine.frame(tables.journeys.filter(tables.journeys.channel == "Авито"))
    spent = engine.frame(tables.spend.filter(tables.spend.channel == "Авито"))
    begun = pd.to_datetime(spent["date_from"])
    for place, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
        part = leads[(leads["created_at"] >= start) & (leads["created_at"] < stop)]
        assert (len(part), (part["outcome"] == "won").sum()) == (stated["leads"][place], stated["won"][place])
        cost = spent.loc[(begun >= start) & (begun < stop), "cost"]
        assert kopecks(cost) == stated["spend"][place]
    assert stated["cpl_ratio"] < 0.9
    assert stated["target_cost_ratio"] > 1.1
    assert stated["p_target"] < 0.1 < stated["p_won"]  # that clients got dearer is not proven
    assert truth["cheaper"]["too_early"]["Авито"]["p_won"] < 0.1  # the youngest leads would have "proven" it
