"""Purchases and inquiries made by hand, as `intake` would hand them over: for tests of the money metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

MONEY = pa.decimal128(18, 2)
PURCHASE = {
    "client": pa.string(), "deal": pa.string(), "lead_id": pa.string(), "matched": pa.string(),
    "bought_at": pa.timestamp("us"), "month": pa.string(), "gross": MONEY, "returned": MONEY, "amount": MONEY,
    "vat": MONEY, "goods": MONEY, "delivery": MONEY, "service": MONEY, "margin": MONEY,
    "margin_from": pa.string(), "order_no": pa.int64(), "first_at": pa.timestamp("us"), "cohort": pa.string(),
    "channel": pa.string(), "campaign": pa.string(), "segment": pa.string(), "product": pa.string(),
    "manager": pa.string(), "origin": pa.string(), "counted": pa.bool_(), "basis": pa.string(),
}  # fmt: skip
INQUIRY = {
    "lead_id": pa.string(), "client": pa.string(), "person": pa.string(), "created_at": pa.timestamp("us"),
    "month": pa.string(), "age_days": pa.int64(), "outcome": pa.string(), "closed_at": pa.timestamp("us"),
    "amount": MONEY, "channel": pa.string(), "campaign": pa.string(), "segment": pa.string(),
    "product": pa.string(), "manager": pa.string(), "furthest": pa.int64(), "verdict": pa.string(),
    "paid": MONEY, "returned": MONEY, "vat": MONEY, "margin": MONEY, "goods": MONEY, "delivery": MONEY,
    "service": MONEY, "purchases": pa.int64(), "first_paid_at": pa.timestamp("us"), "invoiced": MONEY,
    "returning": pa.bool_(), "counted": pa.bool_(),
}  # fmt: skip
AS_OF = dt.date(2026, 6, 30)


def money(value: float | str | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


def table(rows: Iterable[Mapping[str, Any]], kinds: Mapping[str, pa.DataType]) -> ibis.Table:
    """Rows as a table of exactly these columns; what a row does not state is NULL."""
    rows = list(rows)
    cells = {
        name: pa.array([money(x) if kind == MONEY else x for x in (row.get(name) for row in rows)], kind)
        for name, kind in kinds.items()
    }
    return ibis.memtable(pa.table(cells))


def purchases(rows: Iterable[Mapping[str, Any]], margin: float | None = None) -> ibis.Table:
    """Purchases from rows of at least client, bought_at (YYYY-MM-DD) and amount; the rest follows from them.

    A negative amount is a pure refund. margin : share of the amount, where a row states no margin itself.
    """
    made = [_purchase(row, margin) for row in rows]
    made.sort(key=lambda row: (row["bought_at"], str(row.get("client")), str(row.get("deal"))))
    first: dict[str, dt.datetime] = {}
    orders: dict[str, int] = {}
    for row in made:
        if (who := row.get("client")) is None:
            continue
        row["first_at"] = first.setdefault(who, row["bought_at"])
        row["cohort"] = f"{row['first_at']:%Y-%m}"
        if row["gross"] > 0:
            orders[who] = orders.get(who, 0) + 1
            row["order_no"] = orders[who]
    return table(made, PURCHASE)


def _purchase(row: Mapping[str, Any], margin: float | None) -> dict[str, Any]:
    amount = money(row["amount"])
    at = dt.datetime.fromisoformat(row["bought_at"])
    made = {
        "deal": None, "lead_id": row.get("deal"), "matched": "deal" if row.get("deal") else "client",
        "month": f"{at:%Y-%m}", "gross": max(amount, Decimal(0)), "returned": max(-amount, Decimal(0)),
        "vat": 0, "counted": True, "basis": "payments", "origin": row.get("channel"),
    }  # fmt: skip
    if row["client"] is None:
        made["matched"] = None
    if margin is not None:
        made |= {"margin": float(amount) * margin, "margin_from": "stated"}
    return {**made, **row, "bought_at": at, "amount": amount}


def inquiries(rows: Iterable[Mapping[str, Any]]) -> ibis.Table:
    """Counted inquiries from rows of at least lead_id and created_at (YYYY-MM-DD); nothing paid unless stated."""
    return table([_inquiry(row) for row in rows], INQUIRY)


def _inquiry(row: Mapping[str, Any]) -> dict[str, Any]:
    at = dt.datetime.fromisoformat(row["created_at"])
    closed = row.get("closed_at")
    nothing = dict.fromkeys(("paid", "returned", "vat", "purchases"), 0)
    made = {
        "client": row["lead_id"], "person": row["lead_id"], "month": f"{at:%Y-%m}", "outcome": "open",
        "age_days": (AS_OF - at.date()).days, "returning": False, "counted": True, "verdict": "unknown",
        **nothing,
    }  # fmt: skip
    return {
        **made,
        **row,
        "created_at": at,
        "closed_at": dt.datetime.fromisoformat(closed) if closed else None,
    }


def spend(rows: Iterable[tuple[str, str | None, float]]) -> ibis.Table:
    """Costs from (day YYYY-MM-DD, channel, cost)."""
    kinds = {
        "date_from": pa.date32(), "date_to": pa.date32(), "channel": pa.string(), "campaign": pa.string(),
        "cost": MONEY, "vat": MONEY, "impressions": pa.int64(), "clicks": pa.int64(),
    }  # fmt: skip
    made = [
        {"date_from": dt.date.fromisoformat(day), "date_to": dt.date.fromisoformat(day), "channel": channel,
         "cost": cost, "vat": 0}
        for day, channel, cost in rows
    ]  # fmt: skip
    return table(made, kinds)


def frame(result: ibis.Table) -> pd.DataFrame:
    return result.execute()
