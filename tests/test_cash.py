"""Won, invoiced, paid, returned: every deal and every rouble in one class, counted by hand and by chance."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bought
from detente.metrics import cash, doubles

DAY = dt.date(2026, 6, 30)
PAYMENT = {
    "payment_id": pa.string(), "paid_at": pa.timestamp("us"), "amount": bought.MONEY, "kind": pa.string(),
    "lead_id": pa.string(), "person": pa.string(), "product": pa.string(), "row": pa.int64(), "file": pa.string(),
    "flags": pa.string(),
}  # fmt: skip
INVOICE = {
    "invoice_id": pa.string(), "issued_at": pa.date32(), "due_at": pa.date32(), "amount": bought.MONEY,
    "lead_id": pa.string(), "person": pa.string(), "row": pa.int64(), "file": pa.string(), "flags": pa.string(),
}  # fmt: skip


def won(name: str, amount: float | None, day: str = "2026-05-01", **more) -> dict:
    return {
        "lead_id": name, "created_at": "2026-04-01", "outcome": "won", "closed_at": day, "amount": amount, **more,
    }  # fmt: skip


def buy(deal: str | None, amount: float, client: str | None = "", **more) -> dict:
    """A purchase: of a deal, of a client (lead_id), or of nobody."""
    client = deal if client == "" else client
    matched = "deal" if deal else "client" if more.get("lead_id") else None
    return {
        "client": client,
        "deal": deal,
        "bought_at": "2026-05-02",
        "amount": amount,
        "matched": matched,
        **more,
    }


def payments(*rows: dict):
    made = [
        {"payment_id": f"p{n}", "kind": "in", "row": n + 2, "file": "pay.csv", "flags": "", **row,
         "paid_at": dt.datetime.fromisoformat(row.get("paid_at", "2026-05-02"))}
        for n, row in enumerate(rows)
    ]  # fmt: skip
    return bought.table(made, PAYMENT)


def invoices(*rows: dict):
    made = [
        {"invoice_id": f"i{n}", "row": n + 2, "file": "inv.csv", "flags": "", **row,
         "issued_at": dt.date.fromisoformat(row.get("issued_at", "2026-05-01")),
         "due_at": dt.date.fromisoformat(row["due_at"]) if row.get("due_at") else None}
        for n, row in enumerate(rows)
    ]  # fmt: skip
    return bought.table(made, INVOICE)


CASES = {  # class -> (won, invoiced, paid, returned)
    "full": (100, 100, 100, 0),
    "part": (100, 100, 60, 0),
    "over": (100, 100, 130, 0),
    "unpaid": (100, 100, 0, 0),
    "returned_part": (100, 100, 100, 30),
    "returned_full": (100, 100, 100, 100),
    "differs": (100, 90, 90, 0),
    "no_amount": (None, None, 50, 0),
}


@pytest.fixture(scope="module")
def matched() -> cash.Matched:
    deals = [won(name, case[0]) for name, case in CASES.items()]
    bank = [
        buy(name, paid - back, gross=paid, returned=back)
        for name, (_, _, paid, back) in CASES.items()
        if paid or back
    ]
    billed = [{"lead_id": name, "amount": case[1]} for name, case in CASES.items() if case[1]]
    return cash.match(bought.inquiries(deals), bought.purchases(bank), invoices(*billed), DAY)


def test_each_case_lands_in_the_class_that_it_was_made_for(matched) -> None:
    assert matched.deals["deals"].to_dict() == dict.fromkeys(cash.DEALS, 1)
    for name, (amount, billed, paid, back) in CASES.items():
        row = matched.deals.loc[name]
        assert (row["won"], row["invoiced"], row["paid"], row["returned"]) == (
            amount or 0,
            billed or 0,
            paid,
            back,
        )
        assert row["difference"] == (amount or 0) - paid + back


def test_the_ratio_leaves_out_money_of_deals_without_an_amount(matched) -> None:
    assert matched.won == 700
    assert matched.net == 100 + 60 + 130 + 0 + 70 + 0 + 90
    assert matched.ratio == pytest.approx(450 / 700)
    assert matched.bank == 500


def test_a_double_that_was_returned_is_a_deal_paid_in_full() -> None:
    bank = bought.purchases([buy("a", 100, gross=200, returned=100)])
    found = cash.match(bought.inquiries([won("a", 100)]), bank)
    assert found.deals.loc["full", "deals"] == 1


def test_paid_as_the_crm_says_but_not_as_invoiced_differs() -> None:
    bank = bought.purchases([buy("a", 100), buy("b", 100)])
    billed = invoices({"lead_id": "a", "amount": 120}, {"lead_id": "b", "amount": 100})
    found = cash.match(bought.inquiries([won("a", 100), won("b", 100)]), bank, billed)
    assert found.deals.loc[["differs", "full"], "deals"].tolist() == [1, 1]


def test_a_return_is_a_return_whatever_the_invoice_says() -> None:
    bank = bought.purchases([buy("a", 100, gross=130, returned=30), buy("b", 100, gross=130, returned=30)])
    billed = invoices({"lead_id": "a", "amount": 120}, {"lead_id": "b", "amount": 130})
    found = cash.match(bought.inquiries([won("a", 100), won("b", 100)]), bank, billed)
    assert found.deals.loc[["returned_part", "differs"], "deals"].tolist() == [2, 0]


def test_deals_with_an_amount_in_the_crm_are_counted_apart() -> None:
    deals = [won("a", 100), won("b", None), won("c", 0), won("d", 7)]
    found = cash.match(bought.inquiries(deals), bought.purchases([buy("d", 7)]))
    assert found.deals.loc["unpaid", ["deals", "priced"]].tolist() == [3, 1]
    assert found.deals.loc["full", "priced"] == 1


def test_a_refund_without_a_payment_is_no_unpaid_deal() -> None:
    bank = bought.purchases([buy("a", -40)])
    found = cash.match(bought.inquiries([won("a", 100)]), bank)
    assert found.deals.loc["returned_full", "difference"] == 140


def test_a_kopeck_less_is_not_in_full() -> None:
    bank = bought.purchases([buy("a", 99.99), buy("b", 100.01)])
    found = cash.match(bought.inquiries([won("a", 100), won("b", 100)]), bank)
    assert found.deals.loc[["part", "over"], "difference"].tolist() == [Decimal("0.01"), Decimal("-0.01")]


MIXED = [
    won("w", 100), won("empty", 70), {"lead_id": "o", "created_at": "2026-05-01"},
    {"lead_id": "l", "created_at": "2026-05-01", "outcome": "lost"},
]  # fmt: skip
BANK = [
    buy("w", 100), buy("o", 10), buy("l", 20), buy("past", 40), buy(None, 7, "anna", lead_id="empty"),
    buy(None, 3, None), buy(None, 5, "stranger"),
]  # fmt: skip


def test_every_rouble_of_the_bank_has_one_place() -> None:
    found = cash.match(bought.inquiries(MIXED), bought.purchases(BANK))
    assert found.money["net"].to_dict() == {
        "won": 100, "open": 10, "lost": 20, "excluded": 0, "test": 0, "outside": 40, "client": 7, "unknown": 8,
    }  # fmt: skip
    assert found.bank == 185
    assert found.stray["net"].sum() == 45
    assert found.named == 4


def test_money_of_the_client_without_a_deal_number_is_a_hint_and_no_payment() -> None:
    found = cash.match(bought.inquiries(MIXED), bought.purchases(BANK))
    row = found.deals.loc["unpaid"]
    assert (row["deals"], row["paid"], row["hinted"], row["hint"]) == (1, 0, 1, 7)


def test_deals_won_a_moment_ago_are_told_apart() -> None:
    deals = [won("old", 100, "2026-05-31"), won("new", 50, "2026-06-01"), won("today", 20, "2026-06-30")]
    row = cash.match(bought.inquiries(deals), bought.purchases([]), None, DAY, 30).deals.loc["unpaid"]
    assert (row["deals"], row["recent"], row["recent_difference"]) == (3, 2, 70)


def test_without_a_purchase_there_is_no_basis_and_nothing_is_paid() -> None:
    found = cash.match(bought.inquiries([won("a", 100)]), bought.purchases([]))
    assert (found.basis, found.bank, found.ratio) == ("", 0, 0.0)
    assert math.isnan(cash.match(bought.inquiries([]), bought.purchases([])).ratio)


def test_a_test_lead_is_no_won_deal_but_its_money_is_seen() -> None:
    kinds = bought.INQUIRY | {"is_test": pa.bool_()}
    made = {**won("t", 100), "created_at": dt.datetime(2026, 4, 1), "closed_at": None, "is_test": True}
    found = cash.match(bought.table([made], kinds), bought.purchases([buy("t", 1)]))
    assert found.deals["deals"].sum() == 0
    assert found.money.loc["test", "net"] == 1


def test_invoices_without_a_deal_and_of_another_period_are_told_apart() -> None:
    billed = invoices(
        {"lead_id": "w", "amount": 100}, {"lead_id": None, "amount": 9},
        {"lead_id": "nobody", "amount": 8, "flags": "unmatched_invoice"}, {"lead_id": "past", "amount": 7},
    )  # fmt: skip
    found = cash.match(bought.inquiries(MIXED), bought.purchases(BANK), billed).invoices
    assert found["amount"].to_dict() == {
        "won": 100, "open": 0, "lost": 0, "excluded": 0, "test": 0, "outside": 7, "unknown": 17,
    }  # fmt: skip
    assert found["rows"].sum() == 4


# --- doubles ---
def test_doubles_are_of_one_deal_one_day_and_one_amount() -> None:
    bank = payments(
        {"lead_id": "a", "amount": 100}, {"lead_id": "a", "amount": 100}, {"lead_id": "a", "amount": 100},
        {"lead_id": "b", "amount": 100}, {"lead_id": "b", "amount": 100, "paid_at": "2026-05-03"},
        {"lead_id": "c", "amount": 100}, {"lead_id": "c", "amount": 99},
        {"lead_id": None, "person": "anna", "amount": 5}, {"lead_id": None, "person": "anna", "amount": 5},
    )  # fmt: skip
    assert doubles.payments(bank) == doubles.Doubles(groups=2, rows=3, amount=Decimal(205), looked=9)


def test_equal_sums_of_nobody_and_refunds_are_no_doubles() -> None:
    bank = payments(
        {"amount": 100}, {"amount": 100}, {"lead_id": "a", "amount": -5}, {"lead_id": "a", "amount": -5}
    )
    assert doubles.payments(bank) == doubles.Doubles(0, 0, Decimal(0), looked=0)


def test_equal_rows_of_a_client_without_numbers_are_items_of_an_order() -> None:
    bank = payments(
        {"person": "anna", "amount": 5, "payment_id": None}, {"person": "anna", "amount": 5, "payment_id": None},
        {"lead_id": "a", "amount": 5, "payment_id": None}, {"lead_id": "a", "amount": 5, "payment_id": None},
    )  # fmt: skip
    assert doubles.payments(bank) == doubles.Doubles(1, 1, Decimal(5), looked=2)


def test_a_second_time_of_the_same_day_is_a_double() -> None:
    bank = payments(
        {"lead_id": "a", "amount": 9, "paid_at": "2026-05-02 09:00"},
        {"lead_id": "a", "amount": 9, "paid_at": "2026-05-02 18:00"},
    )
    assert doubles.payments(bank).rows == 1


def test_doubled_invoices_are_found_by_day_of_issue() -> None:
    billed = invoices(
        {"lead_id": "a", "amount": 5}, {"lead_id": "a", "amount": 5},
        {"lead_id": "b", "amount": 5}, {"lead_id": "b", "amount": 5, "issued_at": "2026-06-01"},
    )  # fmt: skip
    assert doubles.invoices(billed) == doubles.Doubles(1, 1, Decimal(5), looked=4)


def test_an_invoice_that_stands_twice_is_owed_once_and_nothing_else_is_lost() -> None:
    billed = invoices(
        {"lead_id": "a", "amount": 5}, {"lead_id": "a", "amount": 5}, {"lead_id": "a", "amount": 6},
        {"amount": 7}, {"amount": 7}, {"lead_id": "b", "amount": -1}, {"lead_id": "b", "amount": -1},
    )  # fmt: skip
    kept = bought.frame(doubles.once(billed))
    assert sorted(kept["row"]) == [2, 4, 5, 6, 7, 8]
    assert list(kept) == list(INVOICE)
    assert doubles.once(None) is None


def test_suspects_are_listed_with_their_first_row() -> None:
    bank = payments(
        {"lead_id": "a", "amount": 50}, {"lead_id": "a", "amount": 50}, {"lead_id": "b", "amount": 90},
        {"lead_id": "b", "amount": 90}, {"lead_id": "c", "amount": 999},
    )  # fmt: skip
    found = doubles.rows(bank, invoices())
    assert found["row"].tolist() == [4, 5, 2, 3]  # the larger first
    assert found["of"].tolist() == [4, 4, 4, 4]
    assert doubles.rows(bank, most=1)["row"].tolist() == [4]
    assert doubles.rows(None) is None


# --- rows ---
def listed(bank=None, **options):
    journeys = bought.inquiries(MIXED)
    return cash.rows(journeys, bought.purchases(BANK), bank, **options)


def test_rows_hold_what_is_to_be_cleared_up_and_where_it_stands() -> None:
    bank = payments(
        {"lead_id": "w", "amount": 50}, {"lead_id": "w", "amount": 50}, {"lead_id": "o", "amount": 10},
        {"lead_id": "past", "amount": 40}, {"lead_id": "mistyped", "person": "anna", "amount": 7},
        {"amount": 3}, {"person": "stranger", "amount": 5},
    )  # fmt: skip
    found = listed(bank).set_index(["list", "row"])
    assert found.loc[("money_open", 4), ["lead_id", "amount", "file"]].tolist() == ["o", 10, "pay.csv"]
    assert found.loc["money_client"].index.tolist() == [6]
    assert found.loc["money_unknown"].index.tolist() == [8, 7]  # the larger first
    assert "money_outside" not in found.index
    assert "money_won" not in found.index


def test_rows_of_deals_give_what_is_due_and_what_came() -> None:
    found = listed().set_index("list")
    assert found.loc["deal_unpaid", ["lead_id", "due", "amount"]].tolist() == ["empty", 70, 0]
    assert "deal_full" not in found.index


def test_a_long_list_keeps_the_largest_and_says_how_many_there_are() -> None:
    bank = payments(*({"amount": n} for n in range(1, 8)))
    found = listed(bank, most=3)
    unknown = found[found["list"] == "money_unknown"]
    assert unknown["amount"].tolist() == [7, 6, 5]
    assert unknown["of"].tolist() == [7, 7, 7]


# --- by chance ---
AMOUNTS = st.integers(-3, 4).map(lambda n: n * 25)
DEALS_BY_CHANCE = st.lists(
    st.tuples(
        st.sampled_from(["won", "won", "open", "lost"]),
        st.sampled_from([None, 0, 50, 100]),
        AMOUNTS,
        st.booleans(),
    ),
    max_size=8,
)
MONEY_BY_CHANCE = st.lists(st.tuples(st.sampled_from(["d0", "d1", "d9", None]), AMOUNTS), max_size=8)


@given(DEALS_BY_CHANCE, MONEY_BY_CHANCE)
@settings(max_examples=25, deadline=None)
def test_deals_and_money_are_conserved_whatever_happened(deals, loose) -> None:
    made = [
        {"lead_id": f"d{n}", "created_at": "2026-04-01", "outcome": outcome, "amount": amount}
        for n, (outcome, amount, _, _) in enumerate(deals)
    ]
    bank = [buy(f"d{n}", paid) for n, (_, _, paid, _) in enumerate(deals) if paid]
    bank += [buy(None, paid, name, lead_id=name if name == "d0" else None) for name, paid in loose]
    billed = [{"lead_id": f"d{n}", "amount": 50} for n, (*_, bill) in enumerate(deals) if bill]
    found = cash.match(bought.inquiries(made), bought.purchases(bank), invoices(*billed))
    sold = [row for row in made if row["outcome"] == "won"]
    assert found.deals["deals"].sum() == len(sold)
    assert found.won == sum(row["amount"] or 0 for row in sold)
    assert found.bank == sum(row["amount"] for row in bank)
    assert found.money["purchases"].sum() == len(bank)
    deals_net = found.deals["paid"].sum() - found.deals["returned"].sum()
    assert found.money.loc["won", "net"] == deals_net
    assert found.invoices["amount"].sum() == 50 * len(billed)
    assert found.deals["difference"].sum() == found.won - deals_net
