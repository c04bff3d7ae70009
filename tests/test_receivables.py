"""Who owes, since when, and what nobody owes: counted by hand, and never a kopeck lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

import bought
from detente.metrics.receivables import BUCKETS, receivables
from test_cash import buy, invoices, won

DAY = dt.date(2026, 6, 30)


def owed(deals, bank=(), billed=None):
    invoiced = None if billed is None else invoices(*billed)
    return receivables(bought.inquiries(deals), bought.purchases(bank), invoiced, DAY)


def test_ages_begin_on_the_day_after_the_edge() -> None:
    days = {"2026-06-30": "d30", "2026-05-31": "d30", "2026-05-30": "d60", "2026-05-01": "d60", "2026-04-30": "d90",
            "2026-04-01": "d90", "2026-03-31": "older"}  # fmt: skip
    found = owed([won(f"d{n}", 10, day) for n, day in enumerate(days)])
    assert found.ages["deals"].to_dict() == {"not_due": 0, "d30": 2, "d60": 2, "d90": 2, "older": 1}
    assert found.ages["owed"].sum() == found.owed == found.overdue == 70
    assert (found.deals, found.overdue_deals, found.oldest) == (7, 7, 91)
    assert found.dated == 0


def test_only_a_stated_day_of_payment_lies_ahead() -> None:
    billed = [
        {"lead_id": "a", "amount": 10, "issued_at": "2026-06-01", "due_at": "2026-07-01"},
        {"lead_id": "b", "amount": 20, "issued_at": "2026-06-01", "due_at": "2026-06-30"},
        {"lead_id": "c", "amount": 40, "issued_at": "2026-06-01"},
    ]
    found = owed([won(name, 10) for name in "abc"], [], billed)
    assert found.ages["owed"].to_dict() == {"not_due": 10, "d30": 60, "d60": 0, "d90": 0, "older": 0}
    assert (found.overdue, found.overdue_deals, found.deals) == (60, 2, 3)
    assert found.dated == 30


def test_what_is_due_is_the_invoice_and_else_the_amount_of_the_deal() -> None:
    billed = [{"lead_id": "a", "amount": 90, "issued_at": "2026-06-20"}]
    found = owed([won("a", 100), won("b", 50, "2026-06-25")], [], billed)
    assert (found.due, found.owed, found.invoiced) == (140, 140, True)


def test_money_pays_the_oldest_invoice_first() -> None:
    billed = [
        {"lead_id": "a", "amount": 60, "due_at": "2026-02-01"}, {"lead_id": "a", "amount": 40, "due_at": "2026-06-20"},
    ]  # fmt: skip
    found = owed([won("a", 100)], [buy("a", 70)], billed)
    assert found.ages["owed"].to_dict() == {"not_due": 0, "d30": 30, "d60": 0, "d90": 0, "older": 0}
    assert found.oldest == 10


def test_a_deal_of_two_owed_invoices_stands_in_two_ages_and_is_one_deal() -> None:
    billed = [
        {"lead_id": "a", "amount": 60, "due_at": "2026-02-01"}, {"lead_id": "a", "amount": 40, "due_at": "2026-07-20"},
    ]  # fmt: skip
    found = owed([won("a", 100)], [buy("a", 10)], billed)
    assert found.ages.loc[["older", "not_due"], "owed"].tolist() == [50, 40]
    assert (found.deals, found.overdue_deals) == (1, 1)


def test_overpaid_money_does_not_settle_what_another_client_owes() -> None:
    found = owed([won("a", 100), won("b", 100)], [buy("a", 130), buy("b", 80)])
    assert (found.owed, found.over, found.deals, found.over_deals) == (20, 30, 1, 1)


def test_nobody_owes_a_deal_whose_money_went_back() -> None:
    found = owed([won("a", 100)], [buy("a", 0, gross=60, returned=60)])
    assert (found.owed, found.cancelled, found.given_back) == (0, 40, 60)
    assert found.ages["owed"].sum() == 0


def test_a_price_given_back_is_not_owed_again() -> None:
    found = owed([won("a", 100)], [buy("a", 70, gross=100, returned=30)])
    assert (found.owed, found.given_back, found.over) == (0, 30, 0)


def test_a_double_given_back_is_no_overpayment() -> None:
    found = owed([won("a", 100)], [buy("a", 100, gross=200, returned=100)])
    assert (found.over, found.given_back, found.owed) == (0, 0, 0)


def test_money_of_the_client_without_a_number_is_told_up_to_what_is_owed() -> None:
    found = owed([won("a", 100), won("b", 50)], [buy(None, 300, "anna", lead_id="a"), buy("b", 50)])
    assert (found.owed, found.hint) == (100, 100)


def test_a_deal_without_a_day_is_old_and_open_deals_owe_nothing() -> None:
    deals = [won("a", 10, None), {"lead_id": "o", "created_at": "2026-05-01", "amount": 99}]
    found = owed(deals)
    assert found.ages.loc["older", "owed"] == found.owed == 10


def test_nothing_owed_has_no_shares() -> None:
    found = owed([won("a", 10)], [buy("a", 10)])
    assert found.owed == 0
    assert found.ages["share"].isna().all()
    assert found.ages.index.tolist() == list(BUCKETS)


STEPS = st.integers(0, 6).map(lambda n: n * 10)
DEALS = st.lists(
    st.tuples(STEPS, STEPS, STEPS, st.lists(st.tuples(STEPS, st.integers(1, 9)), max_size=3)), max_size=6
)


@given(DEALS)
@settings(max_examples=25, deadline=None)
def test_what_is_due_and_did_not_come_is_accounted_for(deals) -> None:
    made = [won(f"d{n}", amount) for n, (amount, *_) in enumerate(deals)]
    bank = [
        buy(f"d{n}", paid - back, gross=paid, returned=back)
        for n, (_, paid, back, _) in enumerate(deals)
        if paid or back
    ]
    billed = [
        {"lead_id": f"d{n}", "amount": amount, "due_at": f"2026-0{month}-15"}
        for n, (*_, parts) in enumerate(deals)
        for amount, month in parts
    ]
    found = owed(made, bank, billed)
    net = found.paid - found.returned
    assert found.due - net == found.owed - found.over + found.cancelled + found.given_back
    assert found.ages["owed"].sum() == found.owed
    assert net == sum(Decimal(row["amount"]) for row in bank)
    assert min(found.owed, found.over, found.cancelled, found.given_back, found.overdue) >= 0
