"""Ids of dirty exports: which rows are one deal, which of them stays, and how leads and deals become one inquiry."""

from __future__ import annotations

from decimal import Decimal

import pytest

from detente.schema import DataError
from small_audit import HEAD, deals, frame


def test_what_spreadsheets_put_around_ids_does_not_part_deals_from_their_history(company):
    deals(company, "15.0,2024-01-01,New", "'0007,2024-01-01,New", "[12] Ann,2024-01-01,New")
    company.source(
        "stages", "deal,time,stage\n15,2024-01-02,Talk\n0007,2024-01-02,Talk\n12,2024-01-02,Talk\n"
    )
    assert company.journeys()["furthest"].tolist() == [2, 2, 2]


def test_ids_that_lost_their_digits_are_refused(company):
    deals(company, "1.23E+10,2024-01-01,New", "1.24E+10,2024-01-01,New")
    with pytest.raises(DataError, match="ID lost precision"):
        company.load()


def test_an_exact_repeat_is_dropped_and_counted(company):
    deals(company, "1,2024-01-01,New", "2,2024-01-02,New", "1,2024-01-01,New")
    assert len(company.journeys()) == 2
    assert ("deals", "dropped", "exact_duplicate", 1, (4,)) in company.losses()


def test_of_conflicting_rows_the_one_modified_last_stays(company):
    head = f"{HEAD},changed"
    lines = ("1,2024-01-01,Talk,2024-02-02", "1,2024-01-01,New,2024-01-02")
    deals(company, *lines, head=head, columns={"modified_at": "changed"})
    assert company.journeys()["stage"].tolist() == ["Talk"]
    assert ("deals", "dropped", "same_id", 1, (3,)) in company.losses()


def test_without_a_time_of_change_the_last_row_stays(company):
    deals(company, "1,2024-01-01,Talk", "1,2024-01-01,Offer")
    assert company.journeys()["stage"].tolist() == ["Offer"]


def test_of_overlapping_monthly_files_the_later_one_counts(company):
    deals(company, "1,2024-01-01,New", "2,2024-01-02,New")
    company.also("deals", f"{HEAD}\n2,2024-01-02,Won\n3,2024-02-01,New\n", "february.csv")
    tables, log = company.load()
    found = frame(tables.all_journeys).sort_values("created_at")
    assert found["stage"].tolist() == ["New", "Won", "New"]
    assert [(item.file, item.kept, item.dropped) for item in log.sources] == [
        ("deals.csv", 1, 1),
        ("february.csv", 2, 0),
    ]


def test_a_row_without_an_id_is_dropped(company):
    deals(company, "1,2024-01-01,New", ",2024-01-01,New", "-,2024-01-03,Talk")
    assert len(company.journeys()) == 1
    assert ("deals", "dropped", "no_id", 2, (3, 4)) in company.losses()


PRODUCTS = ("1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,50,Chair", "2,2024-01-02,Won,70,Desk")
PRODUCT_HEAD = f"{HEAD},sum,item"
PRODUCT_COLUMNS = {"amount": "sum", "product": "item"}


@pytest.mark.parametrize(
    ("rule", "amounts", "dropped"), [("sum", ["150.00", "70.00"], "0"), ("repeat", ["100.00", "70.00"], "50")]
)
def test_a_deal_on_several_product_rows_counts_once(company, rule, amounts, dropped):
    deals(company, *PRODUCTS, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS, product_rows=rule)
    assert [str(value) for value in company.journeys()["amount"]] == amounts
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_dropped, count.dropped) == (Decimal(220), Decimal(dropped), 1)


def test_lines_with_amounts_of_their_own_are_summed_unasked(company):
    deals(company, *PRODUCTS, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS)
    assert [str(value) for value in company.journeys()["amount"]] == ["150.00", "70.00"]


def test_two_equal_lines_of_one_deal_are_both_money(company):
    lines = ("1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,50,Chair")
    deals(company, *lines, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS, product_rows="sum")
    assert [str(value) for value in company.journeys()["amount"]] == ["250.00"]


def test_product_rows_with_one_amount_are_asked_about(company):
    lines = ("1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,100,Chair")
    deals(company, *lines, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS)
    with pytest.raises(DataError, match="sources.deals.product_rows"):
        company.load()


def test_leads_and_deals_become_one_inquiry_and_neither_is_lost(company):
    deals(company, "5,2024-01-05 10:00,Won", "6,2024-01-06 10:00,Talk", "7,2024-01-07 10:00,New")
    csv = "id,created,became,from\n5,2024-01-01 09:00,6,Ads\n2,2024-01-02 09:00,5,Mail\n"
    csv += "3,2024-01-03 09:00,,Ads\n4,2024-01-04 09:00,5,Late\n8,2024-01-04 09:00,77,\n"
    company.source("leads", csv, columns={"deal_id": "became", "channel": "from"})
    tables, log = company.load()
    found = frame(tables.all_journeys).sort_values(["created_at", "file"]).fillna("")
    rows = list(
        zip(
            found["created_at"].dt.day,
            found["stage"],
            found["channel"],
            found["file"],
            found["flags"],
            strict=True,
        )
    )
    assert rows == [
        (1, "Talk", "Ads", "deals.csv", ""),
        (2, "Won", "Mail", "deals.csv", ""),
        (3, "New", "Ads", "leads.csv", ""),
        (4, "New", "Late", "leads.csv", "shared_deal:deal_id"),
        (4, "New", "", "leads.csv", "unmatched_deal:deal_id"),
        (7, "New", "", "deals.csv", ""),
    ]
    assert all(item.conserved for item in log.sources)


def test_leads_with_the_ids_of_deals_need_no_other_key(company):
    deals(company, "1,2024-01-05,Won")
    company.source(
        "leads", "id,created,stage\n1,2024-01-01,x\n2,2024-01-02,Lost\n", columns={"stage": "stage"}
    )
    found = frame(company.load()[0].all_journeys).sort_values("created_at")
    assert found["outcome"].tolist() == ["won", "lost"]
