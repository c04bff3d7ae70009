"""From a lead to what its seller sold: revenue per origin as published, to the cent.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import published
from detente import intake
from detente.metrics import cash, contrast, doubles, repeat

AUDIT = Path(__file__).parent / "olist_money" / "audit.yml"
pytestmark = pytest.mark.skipif(
    not (published.SHARED / "olist_funnel" / "order_items.csv.gz").is_file(),
    reason="shared data not found: ../shared/data/olist_funnel/order_items.csv.gz",
)
# origin: sellers with sales, price of their items
ORIGINS = {
    "organic_search": (113, "207023.45"), "paid_search": (101, "155277.05"), "social": (31, "43477.99"),
    "unknown": (81, "213742.70"), "direct_traffic": (31, "21903.90"), "email": (6, "8484.99"),
    "referral": (9, "17887.15"), "other": (2, "6888.65"), "display": (2, "923.00"), None: (4, "1242.60"),
}  # fmt: skip
WON, ALL = Decimal("676851.48"), Decimal("13591643.70")


@pytest.fixture(scope="module")
def tables():
    return intake.load(AUDIT)[0]


@pytest.fixture(scope="module")
def origins(tables) -> pd.DataFrame:
    return repeat.channels(tables.purchases, tables.as_of)


def test_revenue_per_origin_is_the_reference_to_the_cent(origins) -> None:
    known = origins[~origins["nobody"]]
    found = {
        None if pd.isna(name) else name: (int(row["clients"]), row["amount"])
        for name, row in zip(known.index, known.to_dict("records"), strict=True)
    }
    assert found == {name: (sellers, Decimal(price)) for name, (sellers, price) in ORIGINS.items()}


def test_won_sellers_are_380_and_the_rest_is_of_unknown_clients(origins) -> None:
    known, nobody = origins[~origins["nobody"]], origins[origins["nobody"]].iloc[0]
    assert known["clients"].sum() == 380
    assert known["amount"].sum() == WON
    assert (nobody["clients"], nobody["amount"]) == (3095 - 380, ALL - WON)


def test_items_name_no_deal_so_no_deal_is_called_paid(tables) -> None:
    found = cash.match(tables.all_journeys, tables.purchases)
    assert found.money["net"].to_dict() | {"client": 0, "unknown": 0} == dict.fromkeys(cash.MONEY, 0)
    assert (found.money.loc["client", "net"], found.money.loc["unknown", "net"]) == (WON, ALL - WON)
    assert found.named == 0
    assert found.deals["deals"].sum() == 842
    assert found.deals.loc["unpaid", "deals"] == 842
    assert found.deals.loc["unpaid", ["hinted", "hint"]].tolist() == [380, WON]


def test_the_origin_that_is_called_unknown_is_not_the_one_that_is_empty(origins) -> None:
    assert origins.loc["unknown", "clients"] == 81
    assert origins.index.isna().sum() == 2  # not stated, and clients that nobody knows


def test_no_origin_is_named_where_most_sellers_come_back_anyway(origins) -> None:
    rest = contrast.against_rest(origins[~origins["nobody"]])
    assert rest["compared"].max() == 9
    assert not rest["named"].any()


def test_equal_items_of_a_seller_are_no_doubled_payments(tables) -> None:
    assert doubles.payments(tables.payments).rows == 0
