"""The ladder on whole exports: the sample against what its maker planted, a real CRM against figures counted apart."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from detente import engine, intake
from detente.metrics import ad_money, attribution, romi

ROOT = Path(__file__).resolve().parents[1]
SCHOOL = ROOT.parent / "shared" / "data" / "school_crm" / "deals.xlsx"
real = pytest.mark.skipif(
    not SCHOOL.is_file(), reason="shared data not found: ../shared/data/school_crm/deals.xlsx"
)


def load(path: Path):
    tables = intake.load(path)[0]
    return tables, ad_money.of(tables.purchases, tables.all_journeys, tables.spend, tables.audit.economics)


@pytest.fixture(scope="module")
def sample():
    return load(ROOT / "data" / "sample" / "audit.yml")


@pytest.fixture(scope="module")
def school():
    return load(ROOT / "tests" / "school_crm" / "audit.yml")


@pytest.fixture(scope="module")
def planted() -> dict:
    return json.loads((ROOT / "data" / "sample" / "truth.json").read_text(encoding="utf-8"))["romi"]


def kopecks(money: Decimal) -> int:
    return int(money * 100)


def test_the_ladder_of_the_sample_is_what_was_planted(sample, planted) -> None:
    _, money = sample
    assert sorted(money.paid) == sorted(planted["channels"])
    for name in ("gross", "returned"):
        assert kopecks(money.total(name)) == planted[name], name
    assert (
        abs(kopecks(money.total("vat")) - planted["vat"]) <= 5
    )  # a half of a kopeck per payment, either way
    assert kopecks(money.total("contribution")) == planted["margin"]
    spent = money.total("spend") + money.total("spend_vat")
    assert kopecks(spent) == planted["spend"]
    assert abs(kopecks(money.total("spend")) - planted["spend_without_vat"]) <= 500  # rounded row by row


def test_costs_of_the_sample_are_all_known_and_each_channel_has_its_own(sample, planted) -> None:
    _, money = sample
    assert money.known == 1
    assert money.total("assumed") == 0
    for name, own in planted["by_channel"].items():
        row = money.channels.loc[name]
        assert [kopecks(row[key]) for key in ("gross", "returned")] == [own["gross"], own["returned"]]
        assert kopecks(row["contribution"]) == own["margin"]


def test_repeat_purchases_of_the_clients_it_won_stay_with_the_sample_s_advertising(sample, planted) -> None:
    """Nobody of the advertised channels had bought before: the bound is all that they left."""
    _, money = sample
    earned = romi.earned(money.channels, money.costed)
    assert kopecks(money.total("new")) == planted["margin"]
    assert kopecks(money.total("new") - money.total("first")) == planted["of_it_repeat_purchases_margin"]
    assert (earned.end, earned.upper) == ("at_most", 1)
    assert "anyway" not in set(earned.steps["step"])
    spend = planted["spend_without_vat"]
    bound = (planted["margin"] - spend) / spend
    first = (planted["margin"] - planted["of_it_repeat_purchases_margin"] - spend) / spend
    assert (bound, first) == pytest.approx((-0.386, -0.617), abs=5e-4)
    assert earned.at("at_most", "romi") == pytest.approx(bound, abs=5e-5)
    alone = earned.scenarios.set_index("source")["romi"]
    assert (alone["upper"], alone["first"]) == pytest.approx((bound, first), abs=5e-5)
    assert earned.boasted == pytest.approx(planted["boasted"], abs=5e-5)


def test_every_payment_of_the_sample_has_a_place(sample) -> None:
    tables, money = sample
    paid = engine.frame(tables.payments.aggregate(total=tables.payments.amount.sum()))["total"].iloc[0]
    assert sum(money.places["amount"]) == paid
    credit = attribution.credit(tables.purchases, tables.all_journeys)
    assert credit.fact + credit.outside == paid


@real
def test_cash_and_contract_give_two_romis_from_the_same_advertising(school) -> None:
    """Both without margin: neither is a profit."""
    tables, money = school
    assert money.basis == "paid_field"
    assert sum(money.places["gross"]) == 978_651
    assert sum(money.places["contract"]) == 6_327_301
    assert money.total("spend") == Decimal("149523.45")
    assert money.company() == pytest.approx(5.545, abs=5e-4)
    assert money.company("contract") == pytest.approx(41.316, abs=5e-4)
    assert not money.costed
    earned = romi.earned(money.channels, money.costed)
    assert earned.end == "revenue_left"
    assert earned.boasted < money.company()  # channels without advertising are no result of it


@real
def test_channels_of_a_real_export_have_a_range_over_the_rules_and_one_total(school) -> None:
    tables, money = school
    credit = attribution.credit(tables.purchases, tables.all_journeys)
    assert {name: sum(credit.table[name]) for name in attribution.MODELS} == dict.fromkeys(
        attribution.MODELS, Decimal("978651.00")
    )
    assert credit.share > 0.05
    worth = attribution.worth(credit, money.channels["spend"])
    assert worth.loc["Webinar", "high"] > 3 * worth.loc["Webinar", "low"] > 0
    assert worth.loc["Radio", "sign"] == "loss"
