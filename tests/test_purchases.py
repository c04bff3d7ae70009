"""Payments become purchases: nothing is lost, whose money it is, what it cost, and who had bought before."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from small_audit import Company, frame

D = Decimal
DEALS = (
    "id,created,stage,closed,sum,source,kind,who\n"
    "1,2024-01-05 10:00,Won,2024-01-20,1000,ads,shop,p1\n"
    "2,2024-01-06 10:00,Lost,2024-01-21,,mail,shop,p2\n"
    "3,2024-03-01 10:00,Won,2024-03-05,500,mail,shop,p1\n"
    "4,2024-03-02 10:00,Won,2024-03-09,700,ads,builder,\n"
    "5,2024-03-03 10:00,New,,,ads,shop,p5\n"
)
MAPPED = {
    "closed_at": "closed", "amount": "sum", "channel": "source", "segment": "kind", "person": "who",
}  # fmt: skip
PAID = {"payment_id": "no", "lead_id": "deal", "person": "who", "kind": "kind"}
PAYMENTS = (
    "no,paid,sum,kind,deal,who\n"
    "a,2024-01-20,600,in,1,\n"  # two parts and a return of one deal
    "b,2024-01-25,400,in,1,\n"
    "c,2024-02-10,150,refund,1,\n"
    "d,2024-02-20,80,in,,p1\n"  # twice on one day without a deal: one purchase of that client
    "e,2024-02-20,20,in,,p1\n"
    "f,2024-03-06,500,in,3,\n"
    "g,2024-03-09,700,in,4,\n"
    "h,2024-03-10,33,in,,\n"  # nobody knows whose
    "i,2024-03-11,44,in,99,p2\n"  # a deal that is not in the CRM, of a client who is
)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = Company(tmp_path).source("deals", DEALS, MAPPED)
    return made.source("payments", PAYMENTS, PAID).state(as_of="2024-03-31", thresholds={"duplicate_days": 0})


def bought(company: Company) -> pd.DataFrame:
    return frame(company.load()[0].purchases)


def rows_of(company: Company) -> list[int]:
    """The CRM row of each purchase's inquiry, 0 where there is none."""
    tables, _ = company.load()
    row_of = frame(tables.all_journeys).set_index("lead_id")["row"]
    return frame(tables.purchases)["lead_id"].map(row_of).fillna(0).astype(int).tolist()


def test_parts_and_returns_of_a_deal_are_one_purchase(company: Company) -> None:
    first = bought(company).iloc[0]
    assert (first["gross"], first["returned"], first["amount"]) == (D(1000), D(150), D(850))
    assert str(first["bought_at"]) == "2024-01-20 00:00:00"


def test_every_purchase_has_its_inquiry_or_none(company: Company) -> None:
    assert rows_of(company) == [2, 2, 4, 5, 0, 3]  # p1's phone order lies with his first won deal


def test_money_that_nobody_knows_keeps_a_row_of_its_own(company: Company) -> None:
    found = bought(company)
    unknown = found[found["matched"].isna()]
    assert unknown["amount"].tolist() == [D(33)]
    assert unknown["client"].isna().all()
    assert found["matched"].fillna("").tolist() == ["deal", "client", "deal", "deal", "", "client"]


def test_orders_are_counted_per_client_in_time(company: Company) -> None:
    found = bought(company)
    first = found[found["client"] == found["client"][0]]
    assert first["order_no"].tolist() == [1, 2, 3]
    assert first["cohort"].unique().tolist() == ["2024-01"]
    assert first["origin"].unique().tolist() == ["ads"]
    assert first["channel"].tolist() == [
        "ads",
        "ads",
        "mail",
    ]


def test_inquiries_carry_their_money_and_who_had_bought_before(company: Company) -> None:
    found = company.journeys()
    assert found["paid"].tolist() == [D(1100), D(44), D(500), D(700), D(0)]
    assert found["returned"].tolist() == [D(150), D(0), D(0), D(0), D(0)]
    assert found["purchases"].tolist() == [2, 1, 1, 1, 0]
    assert found["returning"].tolist() == [False, False, True, False, False]


def test_a_deal_is_never_an_earlier_purchase_of_its_own_client(tmp_path: Path) -> None:
    """Three deals of three people: closed by the day alone, closed days before it was entered, closed later."""
    deals = (
        "id,created,stage,closed,sum,who\n"
        "1,2024-01-05 10:00,Won,2024-01-05,100,p1\n"
        "2,2024-01-10 10:00,Won,2024-01-02,100,p2\n"
        "3,2024-02-05 10:00,Won,2024-02-06,100,p2\n"  # this one did buy before
        "4,2024-02-05 10:00,Won,2024-02-07,100,p3\n"
    )
    made = Company(tmp_path).source("deals", deals, {"closed_at": "closed", "amount": "sum", "person": "who"})
    made = made.state(as_of="2024-03-31", thresholds={"duplicate_days": 0})
    assert made.journeys()["returning"].tolist() == [False, False, True, False]
    paid = "paid,sum,deal\n2024-01-04,100,1\n2024-01-02,100,2\n2024-02-06,100,3\n2024-02-04,100,4\n"
    made = made.source("payments", paid, {"lead_id": "deal"})
    assert made.journeys()["returning"].tolist() == [False, False, True, False]


def test_a_deal_of_nobody_known_is_a_client_of_its_own(company: Company) -> None:
    found = company.journeys()
    assert found["client"].nunique() == 4
    assert (found["client"] == found["lead_id"]).tolist() == [False, False, False, True, False]


def test_who_paid_for_a_deal_of_nobody_is_its_client(company: Company) -> None:
    more = "j,2024-03-12,50,in,4,p7\nk,2024-03-20,60,in,,p7\n"  # the deal names nobody; the same payer orders again
    company.source("payments", PAYMENTS + more, PAID)
    found = bought(company)
    builder = found[found["segment"] == "builder"]
    assert builder["amount"].tolist() == [D(750), D(60)]
    assert builder["order_no"].tolist() == [1, 2]
    journeys = company.journeys()
    assert journeys.loc[3, "client"] == builder["client"].iloc[0]


def test_costs_that_name_the_deal_make_its_margin(company: Company) -> None:
    costs = (
        "month,article,sum,deal\n2024-01-01,Wood,300,1\n2024-02-01,Truck,50,1\n2024-01-01,Rent,90,\n"
        "2024-01-01,Paint,10,3\n2024-01-01,Paint,7,77\n"
    )
    company.source("costs", costs).state(
        costs={"goods": ["Wood", "paint"], "delivery": ["Truck"]}, economics={"margin": 0.5, "delivery": 0.1}
    )
    found = bought(company)
    assert found["margin"].tolist() == [D(500), D(40), D(490), D(280), D("13.20"), D("17.60")]
    assert found["margin_from"].tolist() == ["costs", "stated", "costs", "stated", "stated", "stated"]
    tables, log = company.load()
    kinds = frame(tables.costs).sort_values("row")["kind"].tolist()
    assert kinds == ["goods", "delivery", "other", "goods", "goods"]
    noted = {(item.reason, item.rows) for item in log.losses if item.source == "costs"}
    assert noted == {("unmapped_cost", 1), ("unmatched_cost", 1)}


def test_a_margin_may_differ_by_segment(company: Company) -> None:
    company.state(economics={"margin": 0.5, "margins": {"builder": 0.1}})
    found = bought(company)
    assert found.loc[found["segment"] == "builder", "margin"].tolist() == [D(70)]


def test_without_costs_and_a_stated_margin_there_is_none(company: Company) -> None:
    assert bought(company)["margin"].isna().all()


def test_vat_is_taken_off_only_where_a_rate_and_the_source_say_so(company: Company) -> None:
    company.sources["payments"]["vat"] = "included"
    assert bought(company)["vat"].sum() == 0
    company.state(economics={"vat": 0.25, "margin": 0.5})
    found = bought(company)
    assert found["vat"].tolist() == [D(170), D(20), D(100), D(140), D("6.60"), D("8.80")]
    assert found["margin"].iloc[0] == D(340)  # half of 850 - 170


def test_without_payments_the_crm_stands_in_and_says_so(company: Company) -> None:
    del company.sources["payments"]
    found = bought(company)
    assert found["amount"].tolist() == [D(1000), D(500), D(700)]
    assert set(found["basis"]) == {"won"}
    company.state(fields={"paid": "sum"})
    assert set(bought(company)["basis"]) == {"paid_field"}


def test_without_any_money_there_are_no_purchases(tmp_path: Path) -> None:
    tables, _ = Company(tmp_path).load()
    assert tables.purchases is None
    assert frame(tables.journeys)["paid"].isna().all()


def test_invoices_come_home_to_their_deals(company: Company) -> None:
    company.source("invoices", "no,issued,due,sum,deal\nx,2024-01-18,2024-02-18,1000,1\ny,2024-01-18,,5,66\n")
    tables, log = company.load()
    assert company.journeys()["invoiced"].tolist() == [D(1000), D(0), D(0), D(0), D(0)]
    assert [(i.reason, i.rows) for i in log.losses if i.source == "invoices"] == [("unmatched_invoice", 1)]
    assert frame(tables.invoices)["due_at"].notna().sum() == 1


def test_a_cancelled_invoice_is_set_aside(company: Company) -> None:
    company.source(
        "invoices", "issued,sum,deal,state\n2024-01-18,1000,1,Оплачен\n2024-01-19,700,1,Отменён\n",
        {"status": "state"},
    )  # fmt: skip
    tables, log = company.load()
    assert frame(tables.invoices)["amount"].tolist() == [D(1000)]
    assert [(i.action, i.reason, i.amount) for i in log.losses if i.source == "invoices"] == [
        ("quarantined", "cancelled", D(700))
    ]


def test_a_claimed_incrementality_needs_its_test(company: Company) -> None:
    from detente.audit import AuditError

    with pytest.raises(AuditError, match="incremental_from"):
        company.state(economics={"incremental": 0.4}).load()


money_rows = st.lists(
    st.tuples(
        st.integers(1, 90), st.integers(-50_000, 90_000).filter(bool), st.sampled_from(["", "1", "3", "99"]),
        st.sampled_from(["", "p1", "p2", "p9"]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=money_rows)
def test_purchases_sum_to_the_payments_whatever_comes(company: Company, rows: list[tuple]) -> None:
    lines = [
        f"n{place},{pd.Timestamp('2024-01-01') + pd.Timedelta(days=day):%Y-%m-%d},{kopecks / 100:.2f},in,{deal},{who}"
        for place, (day, kopecks, deal, who) in enumerate(rows)
    ]
    company.source("payments", "\n".join(["no,paid,sum,kind,deal,who", *lines]) + "\n", PAID)
    found = bought(company)
    total = sum(D(kopecks) for _, kopecks, *_ in rows) / 100
    assert found["amount"].sum() == total
    assert (found["gross"] - found["returned"] == found["amount"]).all()
    placed = found[found["lead_id"].notna()]["gross"].sum()
    assert company.journeys()["paid"].sum() == placed
    counted = found[found["order_no"].notna()].groupby("client")["order_no"]
    assert all(sorted(orders) == list(range(1, len(orders) + 1)) for _, orders in counted)
