"""Money of dirty exports, of deals, of advertising and of payments: none is summed twice, guessed or lost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from detente.schema import DataError
from small_audit import HEAD, deals, frame


def test_money_that_cannot_be_read_is_emptied_flagged_and_counts_as_nothing(company):
    lines = ("1,2024-02-01,New,100", "2,2024-02-01,New,a lot", "3,2024-02-01,New,50")
    deals(company, *lines, head=f"{HEAD},sum", columns={"amount": "sum"})
    found = company.journeys()
    assert found["amount"].isna().tolist() == [False, True, False]
    assert found["flags"][1] == "bad_money:amount"
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_kept) == (Decimal(150), Decimal(150))


def test_thirds_of_a_kopeck_are_rounded_and_told(company):
    deals(
        company,
        "1,2024-02-01,New,0.125",
        "2,2024-02-01,New,1.5",
        head=f"{HEAD},sum",
        columns={"amount": "sum"},
    )
    assert [str(value) for value in company.journeys()["amount"]] == ["0.12", "1.50"]
    assert ("deals", "fixed", "rounded_money", 1, (2,)) in company.losses()


def test_an_unclear_comma_asks_for_the_decimal_mark(company):
    deals(company, '1,2024-02-01,New,"1,500"', head=f"{HEAD},sum", columns={"amount": "sum"})
    with pytest.raises(DataError, match=r"sources\.deals\.decimal"):
        company.load()


def test_other_currencies_are_never_summed(company):
    lines = (
        "1,2024-02-01,New,100,Российский рубль",
        "2,2024-02-01,New,200,USD",
        "3,2024-02-01,New,$ 5,",
        "4,2024-02-01,New,,USD",
    )
    deals(company, *lines, head=f"{HEAD},sum,money", columns={"amount": "sum", "currency": "money"})
    assert company.journeys()["row"].tolist() == [2, 5]
    assert ("deals", "quarantined", "other_currency", 2, (3, 4)) in company.losses()
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_quarantined) == (Decimal(100), Decimal(0))


def test_a_negative_deal_is_quarantined(company):
    lines = ("1,2024-02-01,New,100", "2,2024-02-01,New,−50")
    deals(company, *lines, head=f"{HEAD},sum", columns={"amount": "sum"})
    assert ("deals", "quarantined", "negative_amount", 1, (3,)) in company.losses()
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_kept, count.amount_quarantined) == (
        Decimal(50),
        Decimal(100),
        Decimal(-50),
    )


def test_won_deals_without_a_believable_amount_are_flagged(company):
    lines = [
        f"{number},2024-02-01,Won,{amount}" for number, amount in enumerate(["0", "", "1", "111111", "1500"])
    ]
    deals(company, *lines, head=f"{HEAD},sum", columns={"amount": "sum"})
    flags = ["no_amount_on_won:amount"] * 2 + ["placeholder_amount:amount"] * 2 + [""]
    assert company.journeys()["flags"].fillna("").tolist() == flags


def test_repeated_costs_stay_and_repeated_nothings_go(company):
    company.source(
        "spend", "day,cost\n2024-01-06,10\n2024-01-06,10\n2024-01-06,0\n2024-01-06,0\n2024-01-07,-3\n"
    )
    found = frame(company.load()[0].spend).sort_values("row")
    assert [str(value) for value in found["cost"]] == ["10.00", "10.00", "0.00", "-3.00"]
    assert ("spend", "dropped", "exact_duplicate", 1, (5,)) in company.losses()
    assert ("spend", "flagged", "repeated_row", 1, (3,)) in company.losses()
    assert ("spend", "flagged", "negative_spend", 1, (6,)) in company.losses()


def test_a_day_is_its_own_end_where_no_end_is_given(company):
    company.source("spend", "day,cost\n2024-01-06,10\n")
    found = frame(company.load()[0].spend)
    assert found["date_to"].tolist() == found["date_from"].tolist()


@pytest.mark.parametrize(
    "lines",
    [
        "2024-01-06,2024-01-06,,30\n2024-01-06,2024-01-06,A,10\n2024-01-06,2024-01-06,B,20\n",
        "2024-01-06,2024-01-07,A,30\n2024-01-06,2024-01-06,A,10\n2024-01-07,2024-01-07,A,20\n",
    ],
)
def test_totals_beside_their_parts_are_refused_by_row_number(company, lines):
    company.source("spend", f"day,end,camp,cost\n{lines}", columns={"date_to": "end", "campaign": "camp"})
    with pytest.raises(DataError, match=r"totals stand beside their parts \(rows 2\)"):
        company.load()


def test_a_cost_without_campaign_beside_others_is_no_total(company):
    company.source(
        "spend",
        "day,camp,cost\n2024-01-06,,7\n2024-01-06,A,10\n2024-01-06,B,20\n",
        columns={"campaign": "camp"},
    )
    assert len(frame(company.load()[0].spend)) == 3


@pytest.mark.parametrize(
    ("csv", "columns"),
    [
        ("day,cost\n" + "2024-01-06,12340000\n2024-01-07,990000\n" * 10, {}),
        (
            "day,cost,clicks\n" + "".join(f"2024-01-0{day},1500{day}7000,3\n" for day in range(1, 7)),
            {"clicks": "clicks"},
        ),
    ],
)
def test_costs_that_look_like_millionths_are_asked_about(company, csv, columns):
    company.source("spend", csv, columns)
    with pytest.raises(DataError, match="sources.spend.unit"):
        company.load()
    company.source("spend", csv, columns, unit="micros")
    assert frame(company.load()[0].spend)["cost"].max() < Decimal(200)


def test_the_currency_in_a_heading_counts(company):
    company.state(currency="EUR")
    company.source("spend", "day,Cost (USD)\n2024-01-06,7\n", columns={"cost": "Cost (USD)"})
    assert ("spend", "quarantined", "other_currency", 1, (2,)) in company.losses()


def test_a_refund_is_negative_once_however_it_is_written(company):
    csv = "paid,sum,type\n2024-01-06,100,payment\n2024-01-07,-30,\n"
    csv += "2024-01-08,30,Возврат\n2024-01-09,-20,refund\n"
    company.source("payments", csv, columns={"kind": "type"})
    found = frame(company.load()[0].payments).sort_values("row")
    assert [str(value) for value in found["amount"]] == ["100.00", "-30.00", "-30.00", "-20.00"]
    count = company.load()[1].sources[-1]
    assert (count.amount_read, count.amount_kept) == (Decimal(20), Decimal(20))


def test_offsets_of_advances_and_failed_payments_are_no_money(company):
    csv = "paid,sum,type\n2024-01-06,100,payment\n2024-01-07,100,зачет аванса\n2024-01-08,50,Failed\n"
    company.source("payments", csv, columns={"kind": "type"})
    assert len(frame(company.load()[0].payments)) == 1
    assert ("payments", "dropped", "advance_offset", 1, (3,)) in company.losses()
    assert ("payments", "quarantined", "not_paid", 1, (4,)) in company.losses()


def test_payments_of_unknown_deals_stay_flagged(company):
    deals(company, "1,2024-01-01,New,89161234567", head=f"{HEAD},tel", columns={"phone": "tel"})
    csv = "paid,sum,deal,tel\n2024-01-06,100,1,\n2024-01-07,50,99,\n2024-01-08,70,,8 916 123-45-67\n"
    company.source("payments", csv, columns={"lead_id": "deal", "phone": "tel"})
    found = frame(company.load()[0].payments).sort_values("row")
    assert found["flags"].fillna("").tolist() == ["", "unmatched_payment", ""]
    assert found["person"].notna().tolist() == [False, False, True]


def test_a_payment_without_money_is_quarantined(company):
    company.source("payments", "paid,sum\n2024-01-06,100\n2024-01-06,free\n2024-01-06,\n2024-01-07,5\n")
    assert ("payments", "quarantined", "bad_money", 1, (3,)) in company.losses()
    assert ("payments", "quarantined", "no_amount", 1, (4,)) in company.losses()


def test_two_equal_payments_without_ids_are_two_payments(company):
    company.source("payments", "paid,sum\n2024-01-06,100\n2024-01-06,100\n")
    assert len(frame(company.load()[0].payments)) == 2
    company.source(
        "payments", "no,paid,sum\n7,2024-01-06,100\n7,2024-01-06,100\n", columns={"payment_id": "no"}
    )
    assert len(frame(company.load()[0].payments)) == 1
