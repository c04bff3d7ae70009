"""The cash that was planted in the sample is found: unpaid, doubled, returned, owed, by month and by channel.

The expected numbers come from data/sample/truth.json, which the generator counts in its own world.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from detente import intake
from detente.metrics import ad_days, cash, cash_months, contrast, doubles, repeat
from detente.metrics.receivables import receivables

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def money(kopecks: int) -> Decimal:
    return Decimal(kopecks) / 100


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tables():
    return intake.load(SAMPLE / "audit.yml")[0]


@pytest.fixture(scope="module")
def matched(tables) -> cash.Matched:
    billed = doubles.once(tables.invoices)
    return cash.match(tables.all_journeys, tables.purchases, billed, tables.as_of, ripe_days=1)


def test_won_deals_that_nobody_paid_are_found_exactly(matched, truth) -> None:
    told, row = truth["money"]["reconciled"], matched.deals.loc["unpaid"]
    assert (row["deals"], row["won"]) == (told["never_paid"], money(told["never_paid_kopecks"]))
    assert row["recent"] == told["won_on_the_last_day"]
    assert row["deals"] - row["recent"] == told["planted_unpaid"] == 7
    assert (matched.deals["deals"].sum(), matched.won) == (told["won"], money(told["won_kopecks"]))


def test_payments_that_stand_twice_are_found_exactly(tables, truth) -> None:
    told, found = truth["money"]["reconciled"], doubles.payments(tables.payments)
    assert found.rows == found.groups == told["doubled_payments"] == 3
    assert found.amount == money(told["doubled_kopecks"])


def test_returns_of_all_the_money_and_of_half_of_it_are_found_exactly(matched, truth) -> None:
    told, deals = truth["money"]["reconciled"], matched.deals["deals"]
    assert deals["returned_full"] == told["returned_in_full"] == 2
    assert deals["returned_part"] == told["returned_in_part"]


def test_paid_in_full_in_part_and_above_are_told_apart(matched, truth) -> None:
    told, deals = truth["money"]["reconciled"], matched.deals["deals"]
    assert deals[["full", "returned_full", "returned_part"]].sum() == told["paid_in_full"]
    assert deals["differs"] == told["of_them_by_discount"] == truth["money"]["invoices"]["below_the_deal"]
    assert deals["part"] == told["paid_less"] - told["of_them_by_discount"]
    assert deals["over"] == told["paid_more"]
    assert -matched.deals.loc["over", "difference"] == money(told["doubled_kopecks"])


def test_money_of_deals_that_were_not_won_and_of_nobody_is_found(matched, truth) -> None:
    told, bank = truth["money"]["reconciled"], matched.money
    assert bank.loc["lost", "purchases"] + bank.loc["open", "purchases"] == told["paid_without_a_win"]
    assert bank.loc[["lost", "open"], "net"].sum() == money(told["paid_without_a_win_kopecks"])
    assert bank.loc["unknown", ["purchases", "net"]].tolist() == [
        told["of_nobody"],
        money(told["of_nobody_kopecks"]),
    ]


def test_the_classes_add_up_to_the_bank(matched, truth, tables) -> None:
    assert matched.bank == money(truth["payments"]["net_kopecks"])
    for by in ("segment", "month", "channel", "product", None):
        found = repeat.returns(tables.purchases, by)
        assert found["gross"].sum() - found["returned"].sum() == matched.bank


def test_invoices_that_stand_twice_are_owed_once(tables, truth) -> None:
    told, found = truth["money"]["invoices"], doubles.invoices(tables.invoices)
    assert found.rows == told["doubled"]
    assert found.amount == money(told["kopecks"] - told["kopecks_of_different_ones"])
    every = receivables(tables.all_journeys, tables.purchases, tables.invoices, tables.as_of)
    once = receivables(tables.all_journeys, tables.purchases, doubles.once(tables.invoices), tables.as_of)
    if_due = truth["money"]["receivables"]["if_doubled_were_due"]
    assert (every.deals, every.owed) == (if_due["deals"], money(if_due["kopecks"]))
    assert every.owed - once.owed == found.amount


def test_debts_stand_in_their_ages(tables, truth) -> None:
    told = truth["money"]["receivables"]
    invoiced = tables.all_journeys.filter(tables.all_journeys.invoiced > 0)
    found = receivables(invoiced, tables.purchases, doubles.once(tables.invoices), tables.as_of)
    assert (found.deals, found.owed) == (told["deals"], money(told["kopecks"]))
    names = dict(zip(told["ages"], found.ages.index, strict=True))
    for age, expected in told["ages"].items():
        row = found.ages.loc[names[age]]
        assert (row["deals"], row["owed"]) == (expected["deals"], money(expected["kopecks"])), age


def test_months_hold_what_came_went_back_and_was_spent(tables, truth) -> None:
    told = pd.DataFrame(truth["money"]["months"]).set_index("month")
    found = cash_months.by_month(
        tables.payments,
        tables.purchases,
        tables.costs,
        ad_days.daily(tables.spend, tables.until),
        tables.since,
        tables.until,
        tables.as_of,
    )
    assert found.index.tolist() == told.index.tolist()
    assert found["whole"].all()
    for name, key in {"gross": "received", "returned": "returned"}.items():
        assert found[name].tolist() == [money(value) for value in told[key]], name
    kopecks = found["payments"] * Decimal(
        "0.01"
    )  # VAT is rounded payment by payment, on either side by its own rule
    assert ((found["vat"] - [money(value) for value in told["vat"]]).abs() <= kopecks).all()
    booked = found["costs"] - found["advertising"]
    assert booked.tolist() == [money(value) for value in told["costs_without_advertising"]]
    assert sum(found["books"]) == money(truth["money"]["costs"]["articles"]["Реклама"])


def test_money_keeps_the_month_of_its_win(tables, matched) -> None:
    found = cash_months.shift(tables.all_journeys, tables.payments)
    assert found.gross - sum(found.matrix["returned"]) == matched.money.loc["won", "net"]
    assert found.earlier == 0
    assert 0 < found.later_share < 1


def test_channels_hold_the_money_of_the_clients_they_brought(tables, truth) -> None:
    told = truth["clients"]["by_channel"]
    table = repeat.channels(tables.purchases, tables.as_of)
    known = table[~table["nobody"]]
    names = ["(empty)" if pd.isna(name) else name for name in known.index]
    assert dict(zip(names, known["amount"], strict=True)) == {
        name: money(row["amount"]) for name, row in told.items()
    }
    for name, row in zip(names, known.itertuples(), strict=True):
        assert abs(row.margin - money(told[name]["margin"])) <= row.purchases * Decimal("0.01")
    rest = contrast.against_rest(known)
    assert rest.index[rest["named"] & (rest["difference"] > 0)].tolist() == ["Рекомендации"]
