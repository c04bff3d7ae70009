"""A real marketplace, published: what its sellers sold, per origin, and what is not said of the rest.

Advertising is not exported, payments name no deal, and a segment is noted of those who signed alone. The data lies
beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import published

AUDIT = Path(__file__).parent / "olist_money" / "audit.yml"
pytestmark = pytest.mark.skipif(
    not (published.SHARED / "olist_funnel" / "order_items.csv.gz").is_file(),
    reason="shared data not found: ../shared/data/olist_funnel/order_items.csv.gz",
)
# origin: leads, won, sellers with sales, price of their items
ORIGINS = {
    "organic_search": (2296, 271, 113, 207023.45), "paid_search": (1586, 195, 101, 155277.05),
    "social": (1350, 75, 31, 43477.99), "unknown": (1099, 179, 81, 213742.70),
    "direct_traffic": (499, 56, 31, 21903.90), "email": (493, 15, 6, 8484.99), "referral": (284, 24, 9, 17887.15),
    "other": (150, 4, 2, 6888.65), "display": (118, 6, 2, 923.00), "other_publicities": (65, 3, 0, 0),
    "not stated": (60, 14, 4, 1242.60),
}  # fmt: skip


@pytest.fixture(scope="module")
def olist(tmp_path_factory) -> Path:
    pages = [option for name in ("09", "10") for option in ("--notebook", name)]
    return published.run(AUDIT, tmp_path_factory.mktemp("olist"), *pages)


def test_an_origin_has_the_leads_the_sellers_and_the_revenue_of_the_reference(olist) -> None:
    table = published.table(olist, "09_unit_economics_channels")
    names = ["Leads", "Deals", "Paid", "Revenue"]
    assert {name: tuple(table.loc[name, names]) for name in ORIGINS} == ORIGINS
    assert round(table["Revenue"].sum(), 2) == 13_591_643.70  # with the money of nobody known
    assert len(table) == len(ORIGINS) + 1


def test_money_of_nobody_known_is_what_the_won_sellers_did_not_sell(olist) -> None:
    found = published.findings(olist)["unit_unmatched"]
    assert found["value"] == pytest.approx(13_591_643.70 - 676_851.48)


def test_without_spend_no_price_is_told_and_no_column_is_empty(olist) -> None:
    page = published.text(olist, "09_unit_economics.html")
    assert "CAC" not in page
    table = published.table(olist, "09_unit_economics_channel_costs")
    assert not table.isna().all().any()


def test_a_deal_won_before_its_first_contact_is_no_returning_client(olist) -> None:
    found = published.findings(olist)["unit_returning"]
    assert found["headline"] == "No deals of returning clients"


def test_departments_are_not_compared_where_97_percent_of_the_money_has_no_segment(olist) -> None:
    found = published.findings(olist)["focus_money_spend"]
    assert found["status"] == "cannot_tell"
    assert "97.1%" in found["fact"].replace("\u00a0", "")
    page = published.text(olist, "10_segment_focus.html")
    assert "watches" not in page.split("What each segment")[0].split("1.")[0]  # no headline of eight leads
