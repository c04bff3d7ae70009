"""Payments and invoices that look entered twice: one deal (or client), one day, one amount, several numbers.

Suspects, no verdict: a client may really have paid the same sum twice. Rows that name neither a deal nor a client are
nobody's double; nor are equal rows of one client that have no numbers, such as the items of one order. Where a source
is not exported (None), there is nothing to suspect: None.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

EXACT = "decimal(38, 2)"
ROWS = 5_000  # of a list; a longer one holds the largest


@dataclass(frozen=True)
class Doubles:
    """Rows that look entered twice. groups: how many payments (or invoices) were repeated; rows: repeats beyond the
    first; amount: their money, Decimal: what there would be too much if every suspect is one. looked: rows that could
    be held against one another (see the head of this module); where there is none, nothing can be said of doubles."""

    groups: int
    rows: int
    amount: Decimal
    looked: int


def payments(table: ibis.Table | None) -> Doubles | None:
    """Doubled payments; the day is that of the payment."""
    return None if table is None else _doubles(_marked(table, "paid_at", "payment_id"))


def invoices(table: ibis.Table | None) -> Doubles | None:
    """Doubled invoices; the day is that of issue."""
    return None if table is None else _doubles(_marked(table, "issued_at", "invoice_id"))


def once(table: ibis.Table | None) -> ibis.Table | None:
    """Invoices without the repeats: nobody owes one invoice twice. Columns as given."""
    if table is None:
        return None
    marked = _marked(table, "issued_at", "invoice_id")
    return marked.filter(marked["_place"] == 0).select(*table.columns)


def rows(paid: ibis.Table | None, billed: ibis.Table | None = None, most: int = ROWS) -> pd.DataFrame | None:
    """The suspects row by row, the first of each and its repeats, as `cash.rows` lists what does not match.

    Returns list ("doubled_payment", "doubled_invoice"), lead_id, day, due (None), amount, file, row, of. At most `most`
    rows of each list, the largest amounts.
    """
    given = {
        "doubled_payment": (paid, "paid_at", "payment_id"), "doubled_invoice": (billed, "issued_at", "invoice_id"),
    }  # fmt: skip
    found = [
        _rows(_marked(table, day, number), name, most)
        for name, (table, day, number) in given.items()
        if table is not None
    ]
    return pd.concat(found, ignore_index=True) if found else None


def _marked(table: ibis.Table, day: str, number: str) -> ibis.Table:
    """Every row with its place among rows that look the same (from 0) and how many there are; 0 and 1 for rows that
    name nobody and for money that went back."""
    import ibis

    who = ibis.coalesce(
        ibis.literal("deal ") + table["lead_id"].cast("string"),
        ibis.literal("client ") + table["person"].cast("string"),
    )
    told = table["lead_id"].notnull() | (table["person"].notnull() & table[number].notnull())
    known = (told & (table["amount"] > 0)).fill_null(False)
    table = table.mutate(_who=who, _day=table[day].cast("date"), _known=known)
    alike = [table["_known"], table["_who"], table["_day"], table["amount"]]
    order = ibis.window(group_by=alike, order_by=[table["file"], table["row"]])
    place, size = ibis.row_number().over(order), table.count().over(ibis.window(group_by=alike))
    return table.mutate(
        _place=ibis.ifelse(table["_known"], place, 0), _size=ibis.ifelse(table["_known"], size, 1)
    )


def _doubles(marked: ibis.Table) -> Doubles:
    again = marked["_place"] > 0
    found = engine.frame(
        marked.aggregate(
            groups=marked.count(where=~again & (marked["_size"] > 1)), rows=marked.count(where=again),
            looked=marked.count(where=marked["_known"]),
            amount=marked["amount"].cast(EXACT).sum(where=again),
        )
    ).iloc[0]  # fmt: skip
    amount = Decimal(0) if pd.isna(found["amount"]) else Decimal(found["amount"])
    return Doubles(int(found["groups"]), int(found["rows"]), amount, int(found["looked"]))


def _rows(marked: ibis.Table, name: str, most: int) -> pd.DataFrame:
    import ibis

    again = marked.filter(marked["_size"] > 1)
    amount = again["amount"].cast(EXACT)
    listed = again.select(
        list=ibis.literal(name), lead_id=again["lead_id"].cast("string"), day="_day", due=ibis.null(EXACT),
        amount=amount, file=again["file"].cast("string"), row=again["row"].cast("int64"), _who="_who",
    )  # fmt: skip
    listed = listed.mutate(of=listed.count().over(ibis.window()))
    order = [listed["amount"].desc(), listed["_who"], listed["day"], listed["file"], listed["row"]]
    return engine.frame(listed.order_by(order).limit(most)).drop(columns="_who")
