"""Money by the month in which it moved, the months between a win and its money, and what each product leaves."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bought
from detente.metrics import ad_days, cash_months, cash_products
from test_cash import buy, payments, won

SINCE, UNTIL, AS_OF = dt.date(2026, 1, 10), dt.date(2026, 4, 20), dt.date(2026, 4, 20)
COST = {
    "period": pa.date32(), "article": pa.string(), "kind": pa.string(), "amount": bought.MONEY, "vat": bought.MONEY,
    "lead_id": pa.string(), "product": pa.string(), "channel": pa.string(), "segment": pa.string(), "row": pa.int64(),
}  # fmt: skip


def costs(*rows: dict):
    made = [
        {"vat": 0, "kind": "goods", **row, "period": dt.date.fromisoformat(row["period"])} for row in rows
    ]
    return bought.table(made, COST)


BANK = payments(
    {"lead_id": "a", "amount": 100, "paid_at": "2025-12-31"}, {"lead_id": "a", "amount": 200, "paid_at": "2026-01-05"},
    {"lead_id": "b", "amount": 300, "paid_at": "2026-03-31"}, {"lead_id": "b", "amount": -50, "paid_at": "2026-04-01"},
)  # fmt: skip


def by_month(bank=BANK, booked=None, spent=None, purchases=()):
    daily = ad_days.daily(spent, UNTIL)
    return cash_months.by_month(bank, bought.purchases(purchases), booked, daily, SINCE, UNTIL, AS_OF)


def test_money_stands_in_the_month_in_which_it_moved_and_a_month_without_any_is_seen() -> None:
    table = by_month()
    assert table.index.tolist() == ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04"]
    assert table["gross"].tolist() == [100, 200, 0, 300, 0]
    assert table["returned"].tolist() == [0, 0, 0, 0, 50]
    assert table["inside"].tolist() == [False, True, True, True, True]
    assert table["whole"].tolist() == [True, True, True, True, False]


def test_without_costs_there_is_revenue_and_no_result() -> None:
    table = by_month(spent=bought.spend([("2026-02-01", "ads", 70)]))
    assert table[["costs", "result", "goods", "advertising"]].isna().all().all()
    found = cash_months.sums(table)
    assert (found.revenue, found.booked, found.outside, found.worst) == (450, 0, 100, "")
    assert math.isnan(found.margin)


BOOKED = costs(
    {"period": "2026-01-31", "amount": 120, "vat": 20}, {"period": "2026-01-31", "kind": "overhead", "amount": 50},
    {"period": "2026-01-31", "kind": "advertising", "amount": 33},
    {"period": "2026-03-31", "kind": "sales", "amount": 400},
    {"period": "2026-02-28", "kind": "advertising", "amount": 44},
)  # fmt: skip


def test_costs_are_without_vat_and_advertising_is_counted_once() -> None:
    table = by_month(booked=BOOKED, spent=bought.spend([("2026-01-15", "ads", 30), ("2026-02-02", None, 5)]))
    january = table.loc["2026-01"]
    assert (january["goods"], january["overhead"], january["advertising"], january["books"]) == (
        100,
        50,
        30,
        33,
    )
    assert (january["costs"], january["result"]) == (180, 20)
    assert table.loc["2026-03", "result"] == -100


def test_advertising_comes_from_the_books_where_no_export_has_it() -> None:
    table = by_month(booked=BOOKED)
    assert table.loc["2026-01", "advertising"] == 33
    assert table.loc["2026-01", "costs"] == 183


def test_spend_of_several_days_is_spread_over_their_months() -> None:
    rows = [
        ("2026-01-30", "2026-02-08", 100),
        ("2026-04-19", "2026-05-08", 20),
    ]  # the last runs on after the period
    spent = bought.spend([(first, "ads", cost) for first, _, cost in rows])
    last = ibis.cases(
        *((spent.date_from == ibis.date(first), ibis.date(end)) for first, end, _ in rows),
        else_=spent.date_to,
    )
    table = by_month(booked=BOOKED, spent=spent.mutate(date_to=last))
    assert table.loc[["2026-01", "2026-02", "2026-04"], "advertising"].tolist() == [20, 80, 20]


def test_a_month_without_a_booked_cost_has_no_result() -> None:
    table = by_month(booked=BOOKED)
    assert table["result"].notna().tolist() == [False, True, False, True, False]
    found = cash_months.sums(table)
    assert (found.months, found.booked, found.revenue_booked, found.result) == (4, 2, 500, 500 - 183 - 400)
    assert (found.below, found.worst) == (1, "2026-03")
    assert found.margin == pytest.approx(-83 / 500)
    assert (found.revenue, found.books) == (450, 77)


def test_vat_in_the_money_is_no_revenue() -> None:
    kinds = {
        "paid_at": pa.timestamp("us"),
        "amount": bought.MONEY,
        "vat": bought.MONEY,
        "lead_id": pa.string(),
    }
    rows = [{"paid_at": dt.datetime(2026, 2, 1), "amount": 120, "vat": 20}]
    table = by_month(bought.table(rows, kinds))
    assert table.loc["2026-02", ["gross", "vat", "revenue"]].tolist() == [120, 20, 100]


def test_purchases_stand_in_for_payments() -> None:
    bank = [buy("a", 80, bought_at="2026-02-03"), buy("b", -10, bought_at="2026-03-03")]
    table = by_month(None, purchases=bank)
    assert table["gross"].tolist() == [80, 0]
    assert table["returned"].tolist() == [0, 10]


def test_nothing_at_all_is_an_empty_table() -> None:
    table = by_month(None)
    assert table.empty
    assert cash_months.sums(table).months == 0


DAYS = st.dates(dt.date(2025, 10, 1), dt.date(2026, 7, 1)).map(str)
KOPECKS = st.integers(-50_000, 90_000).map(lambda n: Decimal(n) / 100)


@given(st.lists(st.tuples(DAYS, KOPECKS, st.sampled_from(["a", "b", "c", None])), max_size=12))
@settings(max_examples=20, deadline=None)
def test_months_and_the_shift_keep_every_kopeck(rows) -> None:
    bank = payments(*({"paid_at": day, "amount": amount, "lead_id": name} for day, amount, name in rows))
    table = by_month(bank)
    assert sum(table["gross"]) - sum(table["returned"]) == sum(amount for _, amount, _ in rows)
    sums = cash_months.sums(table)
    assert sums.gross - sums.returned + sums.outside == sum(amount for _, amount, _ in rows)
    found = cash_months.shift(bought.inquiries([won("a", 1, "2026-01-31"), won("b", 1, "2026-03-01")]), bank)
    tied = [amount for _, amount, name in rows if name in ("a", "b")]
    assert sum(found.matrix["gross"]) - sum(found.matrix["returned"]) == sum(tied)
    assert found.earlier + found.same + found.later == found.gross == sum(x for x in tied if x > 0)


# --- from the win to the money ---
def test_money_keeps_the_month_of_its_win_and_its_own() -> None:
    journeys = bought.inquiries([
        won("a", 300, "2026-01-31"), won("b", 300, "2026-03-31"), won("c", 9, None),
        {"lead_id": "o", "created_at": "2026-01-01"},
    ])  # fmt: skip
    bank = payments(
        {"lead_id": "a", "amount": 100, "paid_at": "2026-01-31 08:00"},
        {"lead_id": "a", "amount": 200, "paid_at": "2026-02-01"},
        {"lead_id": "b", "amount": 300, "paid_at": "2026-02-28"},
        {"lead_id": "b", "amount": -40, "paid_at": "2026-05-01"},
        {"lead_id": "o", "amount": 7}, {"lead_id": "c", "amount": 9},
    )  # fmt: skip
    found = cash_months.shift(journeys, bank)
    cells = {(row.won, row.paid): (row.gross, row.returned) for row in found.matrix.itertuples()}
    assert cells == {
        ("2026-01", "2026-01"): (100, 0), ("2026-01", "2026-02"): (200, 0),
        ("2026-03", "2026-02"): (300, 0), ("2026-03", "2026-05"): (0, 40),
    }  # fmt: skip
    assert (found.earlier, found.same, found.later, found.gross) == (300, 100, 200, 600)
    assert found.later_share == pytest.approx(1 / 3)
    assert (found.deals, found.days) == (2, -15.5)  # the day itself and 31 days ahead


def test_the_median_wait_of_an_even_number_lies_between_two() -> None:
    deals = [won(f"d{n}", 1, "2026-01-01") for n in range(4)]
    days = ("2026-01-01", "2026-01-03", "2026-01-09", "2026-03-01")
    bank = payments(*({"lead_id": f"d{n}", "amount": 1, "paid_at": day} for n, day in enumerate(days)))
    assert cash_months.shift(bought.inquiries(deals), bank).days == 5


def test_no_money_has_no_shift() -> None:
    found = cash_months.shift(bought.inquiries([won("a", 1)]), payments())
    assert (found.gross, found.deals) == (0, 0)
    assert math.isnan(found.later_share)


# --- products ---
def product(
    name: str | None, amount: float, goods: float | None = None, day: str = "2026-02-01", **more
) -> dict:
    tied = {} if goods is None else {"goods": goods, "margin": amount - goods, "margin_from": "costs"}
    return {"client": "c", "deal": "d", "bought_at": day, "amount": amount, "product": name, **tied, **more}


def products(rows, booked=None):
    return cash_products.by_product(bought.purchases(rows), booked, SINCE, UNTIL)


def test_the_margin_stands_on_the_purchases_that_have_costs() -> None:
    rows = [product("Swing", 100, 40), product("Swing", 300), product("Slide", 50), product(None, 20, 5)]
    table = products(rows)
    assert table.index[:2].tolist() == ["Swing", "Slide"]
    assert pd.isna(table.index[2])
    swing = table.loc["Swing"]
    assert (swing["revenue"], swing["covered"], swing["coverage"], swing["tied"]) == (400, 100, 0.25, 40)
    assert (swing["profit"], swing["margin"], swing["source"], swing["few"]) == (60, 0.6, "costs", True)
    slide = table.loc["Slide"]
    assert slide["source"] == ""
    assert math.isnan(slide["margin"])
    assert slide["profit"] is None


def test_costs_that_name_the_product_cover_all_of_it() -> None:
    booked = costs(
        {"period": "2026-02-01", "product": "Swing", "amount": 60, "vat": 10},
        {"period": "2026-02-01", "product": "Swing", "amount": 500, "lead_id": "d"},
        {"period": "2026-02-01", "product": "Swing", "kind": "overhead", "amount": 900},
        {"period": "2025-02-01", "product": "Swing", "amount": 700},
        {"period": "2026-02-01", "product": "Ghost", "amount": 8}, {"period": "2026-02-01", "amount": 13},
    )  # fmt: skip
    table = products([product("Swing", 200, 30), product("Swing", 200)], booked)
    swing = table.loc["Swing"]
    assert (swing["tied"], swing["own"], swing["coverage"], swing["profit"]) == (30, 50, 1.0, 320)
    assert swing["margin"] == pytest.approx(0.8)
    assert table.loc["Ghost", ["purchases", "revenue", "own", "profit"]].tolist() == [0, 0, 8, -8]
    assert cash_products.unassigned(booked, SINCE, UNTIL) == 13


def test_returns_and_vat_are_no_revenue_of_a_product() -> None:
    row = products([product("Swing", 100, 30, gross=150, returned=50, vat=20)]).loc["Swing"]
    assert (row["gross"], row["returned"], row["revenue"], row["profit"]) == (150, 50, 80, 50)


def test_a_stated_margin_is_told_as_one() -> None:
    table = products([product("Swing", 200, margin=80, margin_from="stated")])
    assert table.loc["Swing", ["source", "margin", "coverage"]].tolist() == ["stated", 0.4, 1.0]


def test_purchases_outside_the_period_and_costs_of_none_stay_out() -> None:
    assert products([product("Swing", 200, day="2025-01-01")]).empty
    assert cash_products.unassigned(None, SINCE, UNTIL) == 0


def test_products_together_leave_what_those_with_costs_leave() -> None:
    rows = [product("Loss", 10, 40) for _ in range(5)] + [product("Gain", 100, 40), product("Unknown", 50)]
    whole = cash_products.all_products(products(rows))
    assert (whole.revenue, whole.covered, whole.profit) == (200, 150, -90)
    assert (whole.coverage, whole.margin, whole.source, whole.purchases) == (0.75, -0.6, "costs", 7)
    assert whole.losing == 1


def test_the_months_of_wins_hold_all_money_that_followed() -> None:
    journeys = bought.inquiries([won("a", 1, "2026-01-31"), won("b", 1, "2026-02-03")])
    bank = payments(
        {"lead_id": "a", "amount": 10, "paid_at": "2026-02-01"},
        {"lead_id": "a", "amount": 30, "paid_at": "2026-01-31"},
        {"lead_id": "b", "amount": 5, "paid_at": "2026-01-01"}, {"lead_id": "b", "amount": -5, "paid_at": "2026-02-09"},
    )  # fmt: skip
    months = cash_months.shift(journeys, bank).months
    assert months.loc["2026-01", ["earlier", "same", "later", "gross"]].tolist() == [0, 30, 10, 40]
    assert months.loc["2026-02", ["earlier", "same", "later", "returned"]].tolist() == [5, 0, 0, 5]
    assert months["later_share"].tolist() == [0.25, 0.0]
