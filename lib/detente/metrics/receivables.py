"""Who owes: won deals less the money that names them, by age. Prices given back and overpayments stand apart."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

BUCKETS = ("not_due", "d30", "d60", "d90", "older")  # the last: more than 90 days, or no day to count from
EDGES = (30, 60, 90)
EXACT = "decimal(38, 2)"


@dataclass(frozen=True)
class Receivables:
    """What is owed on `as_of`.

    ages     : index bucket (BUCKETS: the day of payment is ahead, 0-30, 31-60, 61-90 days ago, more), columns deals,
               owed (Decimal), share of owed
    deals, owed           deals that owe, and how much; ages add up to owed, deals of several invoices may stand in
                          several ages
    overdue, overdue_deals   owed less what is not due yet
    over, over_deals      paid above what was due and not given back: the client's money, not the company's
    due, paid, returned   of all won deals. Identity: due - (paid - returned) = owed - over + cancelled + given_back
    cancelled             due on deals whose money was given back in full: nobody owes it
    given_back            money returned of a price that was due
    hint                  of `owed`, money of the same clients that names no deal: it may have come already
    invoiced              whether invoices say what is due; else the CRM's amounts do
    oldest                days since the oldest owed day of payment, 0 if none
    dated                 of `owed`, what an invoice states a day of payment for. Only that can be called overdue:
                          the rest is, had it been payable at once
    """

    ages: pd.DataFrame
    deals: int
    owed: Decimal
    overdue: Decimal
    overdue_deals: int
    over: Decimal
    over_deals: int
    due: Decimal
    paid: Decimal
    returned: Decimal
    cancelled: Decimal
    given_back: Decimal
    hint: Decimal
    invoiced: bool
    oldest: int
    dated: Decimal


def receivables(
    all_journeys: ibis.Table, purchases: ibis.Table | None, invoices: ibis.Table | None, as_of: dt.date
) -> Receivables | None:
    """Won deals of the period (tests apart), each with what is due and what came for it by its number.

    invoices : without those entered twice. Due: the deal's invoices where it has any, else its amount in the CRM.
    Age: from the day by which an invoice is to be paid, else the day it was issued, else the day the deal was won;
    only a stated day of payment can lie ahead.
    Money pays the invoices of a deal in the order of these days, so what is owed lies on its last ones.
    None where no money is exported.
    """
    if purchases is None:
        return None
    parts = _parts(all_journeys, purchases, invoices)
    deals = _deals(parts)
    whole = engine.frame(deals.aggregate(**_sums(deals))).iloc[0]
    ages = _ages(parts, as_of)
    money = {name: _exact(whole[name]) for name in whole.index if name not in ("deals", "over_deals")}
    overdue = money["owed"] - ages.loc["not_due", "owed"]
    late, oldest = _late(parts, as_of)
    stated = engine.frame(parts.aggregate(owed=parts["owed"].sum(where=parts["stated"])))["owed"].iloc[0]
    return Receivables(
        ages=ages, deals=int(whole["deals"]), over_deals=int(whole["over_deals"]), overdue=overdue,
        overdue_deals=late, invoiced=invoices is not None, oldest=oldest, dated=_exact(stated), **money,
    )  # fmt: skip


def _parts(journeys: ibis.Table, purchases: ibis.Table, invoices: ibis.Table | None) -> ibis.Table:
    """A row per invoice of a won deal, or per deal without one: lead_id, due (money), day, stated, paid and returned of
    the deal, hint, owed on this row, and `dropped`: what would be owed, had all money not gone back."""
    import ibis

    test = journeys["is_test"].fill_null(False) if "is_test" in journeys.columns else ibis.literal(False)
    won = journeys.filter((journeys["outcome"] == "won") & ~test)
    won = won.select("lead_id", _closed=won["closed_at"].cast("date"), _amount=won["amount"].fill_null(0))
    named = purchases.filter(purchases["deal"].notnull())
    named = named.group_by(_deal="deal").aggregate(
        paid=named["gross"].sum(), returned=named["returned"].sum()
    )
    loose = purchases.filter(purchases["deal"].isnull() & purchases["lead_id"].notnull())
    loose = loose.group_by(_lead="lead_id").aggregate(hint=loose["amount"].sum())
    won = won.left_join(named, won["lead_id"] == named["_deal"]).drop("_deal")
    won = won.left_join(loose, won["lead_id"] == loose["_lead"]).drop("_lead")
    if invoices is None:
        table = won.mutate(
            due=won["_amount"], day=won["_closed"], stated=ibis.literal(False), number=ibis.literal("")
        )
    else:
        billed = invoices.filter(invoices["lead_id"].notnull() & (invoices["amount"] > 0))
        payable = billed["due_at"].cast("date") if "due_at" in billed.columns else ibis.null("date")
        day = ibis.coalesce(payable, billed["issued_at"].cast("date"))
        billed = billed.select(
            _lead="lead_id", _due="amount", _day=day, _stated=payable.notnull(), _number=billed["invoice_id"]
        )
        table = won.left_join(billed, won["lead_id"] == billed["_lead"])
        table = table.mutate(
            due=ibis.coalesce(table["_due"], table["_amount"]), day=ibis.coalesce(table["_day"], table["_closed"]),
            stated=table["_stated"].fill_null(False), number=table["_number"].fill_null(""),
        )  # fmt: skip
    nothing = {name: table[name].fill_null(0).cast(EXACT) for name in ("due", "paid", "returned", "hint")}
    return _owed(table.mutate(**nothing))


def _owed(table: ibis.Table) -> ibis.Table:
    """Money pays the rows of a deal in the order of their days."""
    import ibis

    order = ibis.cumulative_window(
        group_by=table["lead_id"], order_by=[table["day"], table["number"], table["due"]]
    )
    table = table.mutate(_up_to=table["due"].sum().over(order))
    left = ibis.least(
        ibis.greatest(table["_up_to"] - table["paid"], ibis.literal(0).cast(EXACT)), table["due"]
    )
    back = (table["returned"] > 0) & (table["returned"] >= table["paid"])
    zero = ibis.literal(0).cast(EXACT)
    return table.mutate(
        owed=ibis.ifelse(back, zero, left).cast(EXACT), dropped=ibis.ifelse(back, left, zero).cast(EXACT)
    )


def _deals(parts: ibis.Table) -> ibis.Table:
    """One row per won deal."""
    import ibis

    table = parts.group_by("lead_id").aggregate(
        due=parts["due"].sum(), owed=parts["owed"].sum(), cancelled=parts["dropped"].sum(),
        paid=parts["paid"].max(), returned=parts["returned"].max(), hint=parts["hint"].max(),
    )  # fmt: skip
    zero = ibis.literal(0).cast(EXACT)
    spare = ibis.greatest(table["paid"] - table["due"], zero)
    return table.mutate(
        over=ibis.greatest(spare - table["returned"], zero).cast(EXACT),
        given_back=ibis.greatest(table["returned"] - spare, zero).cast(EXACT),
        hint=ibis.least(ibis.greatest(table["hint"], zero), table["owed"]).cast(EXACT),
    )


def _sums(deals: ibis.Table) -> dict:
    names = ("due", "paid", "returned", "owed", "over", "cancelled", "given_back", "hint")
    counts = {
        name: deals.count(where=deals[of] > 0) for name, of in (("deals", "owed"), ("over_deals", "over"))
    }
    return counts | {name: deals[name].cast(EXACT).sum() for name in names}


def _ages(parts: ibis.Table, as_of: dt.date) -> pd.DataFrame:
    import ibis

    days = _days(parts, as_of)
    bucket = ibis.cases(
        (parts["day"].isnull(), "older"), (parts["stated"] & (days < 0), "not_due"), (days <= EDGES[0], "d30"),
        (days <= EDGES[1], "d60"), (days <= EDGES[2], "d90"), else_="older",
    )  # fmt: skip
    owing = parts.mutate(bucket=bucket).filter(parts["owed"] > 0)
    found = owing.group_by("bucket").aggregate(deals=owing["lead_id"].nunique(), owed=owing["owed"].sum())
    table = engine.frame(found).set_index("bucket").reindex(list(BUCKETS))
    table["deals"] = table["deals"].fillna(0).astype("int64")
    table["owed"] = pd.Series([_exact(value) for value in table["owed"]], table.index, dtype=object)
    owed = table["owed"].astype(float)
    return table.assign(share=owed / (owed.sum() or float("nan")))


def _days(parts: ibis.Table, as_of: dt.date):
    """Days from the day of payment to `as_of`: below 0 it lies ahead."""
    evening = (as_of - dt.date(1970, 1, 1)).days
    return evening - parts["day"].cast("timestamp").epoch_seconds() // 86_400


def _late(parts: ibis.Table, as_of: dt.date) -> tuple[int, int]:
    """Deals that owe something whose day has come, and the age of the oldest."""
    days = _days(parts, as_of)
    waits = (parts["stated"] & (days < 0)).fill_null(False)
    late = parts.mutate(days=days).filter((parts["owed"] > 0) & ~waits)
    found = engine.frame(late.aggregate(deals=late["lead_id"].nunique(), oldest=late["days"].max())).iloc[0]
    return int(found["deals"]), 0 if pd.isna(found["oldest"]) else int(found["oldest"])


def _exact(value: object) -> Decimal:
    return Decimal(0) if pd.isna(value) else Decimal(value)  # type: ignore[call-overload, arg-type]
