"""Won in the CRM, invoiced, paid, returned: the three papers held against each other, to the kopeck.

Two questions, each answered without a remainder. What became of every won deal? Where does every rouble of the bank
belong? Both classes partition what they sort, so that the classes add up to the source. Payments and invoices that
look entered twice are the subject of `doubles`: such a payment counts here, it is in the bank until somebody takes it
out; such an invoice is left out by the caller (`doubles.once`), nobody owes it twice.
Where no money is exported (None), there is nothing to match: None.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

# What became of a won deal; the first that fits. `due` is its amount in the CRM.
DEALS = (
    "unpaid",  # no money, and none that was returned
    "returned_full",  # all that was paid went back
    "full",  # paid less returned is the amount to the kopeck, and so is the invoice where there is one
    "returned_part",  # a part went back, whatever is left
    "no_amount",  # paid, and the CRM has no amount to hold that against
    "differs",  # nothing went back, paid what the CRM or the invoice says, and these two differ
    "part",  # less than the amount
    "over",  # more than the amount
)
# Whose money a purchase is; every one has exactly one.
MONEY = (
    "won",  # of a deal won in the period
    "open",  # of a deal that the CRM calls open,
    "lost",  # lost,
    "excluded",  # no deal at all,
    "test",  # or a test
    "outside",  # of a deal created outside the period
    "client",  # a known client, no deal is named
    "unknown",  # nobody knows whose
)
INVOICES = ("won", "open", "lost", "excluded", "test", "outside", "unknown")
EXACT = "decimal(38, 2)"
ROWS = 5_000  # of a list; a longer one holds the largest


@dataclass(frozen=True)
class Matched:
    """The match, in Decimal throughout.

    deals    : index class (DEALS), columns deals, priced = how many of them have an amount in the CRM, won, invoiced,
               paid, returned, difference = won - (paid - returned); recent = how many of them closed less than
               `ripe_days` before as_of, recent_difference; hinted = how many of the unpaid ones have money of the same
               client that names no deal, hint = that money
    money    : index class (MONEY), columns purchases, paid, returned, net. Sum of net = the bank, all times
    invoices : index class (INVOICES), columns rows, amount; None where no invoices are exported
    basis    : "payments", "paid_field", "won" (see `tables.purchases`), or "" without any purchase
    """

    deals: pd.DataFrame
    money: pd.DataFrame
    invoices: pd.DataFrame | None
    basis: str

    @property
    def won(self) -> Decimal:
        """The amounts of won deals in the CRM."""
        return self.deals["won"].sum()

    @property
    def net(self) -> Decimal:
        """Paid less returned on won deals that have an amount: what `ratio` holds against `won`."""
        priced = self.deals.drop(index="no_amount")
        return priced["paid"].sum() - priced["returned"].sum()

    @property
    def ratio(self) -> float:
        """net / won, DENOMINATOR: the amounts of won deals; NaN where they are 0."""
        return float(self.net / self.won) if self.won else math.nan

    @property
    def bank(self) -> Decimal:
        """All money of all classes: the source's total."""
        return self.money["net"].sum()

    @property
    def named(self) -> int:
        """How many purchases name a deal; where none does, no deal can be called unpaid."""
        return int(self.money["purchases"].drop(index=["client", "unknown"]).sum())

    @property
    def stray(self) -> pd.DataFrame:
        """The classes of money that no won deal explains; deals of another period are no riddle."""
        return self.money.drop(index=["won", "outside"])


def match(
    all_journeys: ibis.Table, purchases: ibis.Table | None, invoices: ibis.Table | None = None,
    as_of: dt.date | None = None, ripe_days: int = 30,
) -> Matched | None:  # fmt: skip
    """Every won deal and every purchase in one class.

    all_journeys : lead_id, outcome, amount, closed_at, row, file, and is_test where known. Tests are no deals.
    purchases    : as intake makes them, of all times. invoices : lead_id, amount.
    Money counts for a deal only where the payment names it; a client's money without a deal's number stays apart.
    """
    if purchases is None:
        return None
    deals = _won(all_journeys, purchases, invoices)
    young = dt.datetime.combine(as_of or dt.date(9998, 1, 1), dt.time()) - dt.timedelta(days=ripe_days - 1)
    return Matched(
        deals=_deal_classes(deals, young),
        money=_money_classes(_placed(purchases, all_journeys)),
        invoices=None if invoices is None else _invoice_classes(invoices, all_journeys),
        basis=_basis(purchases),
    )


def _basis(purchases: ibis.Table) -> str:
    found = engine.frame(purchases.select("basis").distinct())["basis"].dropna()
    return str(found.iloc[0]) if len(found) else ""


def _state(journeys: ibis.Table) -> ibis.Table:
    """lead_id and state: the outcome, or test."""
    import ibis

    test = journeys["is_test"].fill_null(False) if "is_test" in journeys.columns else ibis.literal(False)
    return journeys.select(_lead="lead_id", state=ibis.ifelse(test, "test", journeys["outcome"]))


# --- deals ---
def _won(journeys: ibis.Table, purchases: ibis.Table, invoices: ibis.Table | None) -> ibis.Table:
    """One row per won deal: lead_id, file, row, closed_at, won, invoiced (NULL without an invoice), paid, returned,
    hint, and its class in `list`."""
    import ibis

    test = journeys["is_test"].fill_null(False) if "is_test" in journeys.columns else ibis.literal(False)
    won = journeys.filter((journeys["outcome"] == "won") & ~test)
    known = {name: won[name] for name in ("row", "file") if name in won.columns}
    won = won.select("lead_id", "closed_at", won=won["amount"].fill_null(0), **known)
    named = purchases.filter(purchases["deal"].notnull())
    named = named.group_by(_deal="deal").aggregate(
        paid=named["gross"].sum(), returned=named["returned"].sum()
    )
    loose = purchases.filter(purchases["deal"].isnull() & purchases["lead_id"].notnull())
    loose = loose.group_by(_lead="lead_id").aggregate(hint=loose["amount"].sum())
    won = won.left_join(named, won["lead_id"] == named["_deal"]).drop("_deal")
    won = won.left_join(loose, won["lead_id"] == loose["_lead"]).drop("_lead")
    if invoices is None:
        won = won.mutate(invoiced=ibis.null(EXACT))
    else:
        issued = invoices.filter(invoices["lead_id"].notnull())
        issued = issued.group_by(_lead="lead_id").aggregate(invoiced=issued["amount"].sum())
        won = won.left_join(issued, won["lead_id"] == issued["_lead"]).drop("_lead")
    nothing = {name: won[name].fill_null(0).cast(EXACT) for name in ("won", "paid", "returned", "hint")}
    won = won.mutate(**nothing, invoiced=won["invoiced"].cast(EXACT))
    return won.mutate(list=_deal_class(won))


def _deal_class(won: ibis.Table):
    import ibis

    paid, back, due = won["paid"], won["returned"], won["won"]
    billed = ibis.coalesce(won["invoiced"], due)
    return ibis.cases(
        ((paid <= 0) & (back <= 0), "unpaid"),
        (back >= paid, "returned_full"),
        (due <= 0, ibis.ifelse(back > 0, "returned_part", "no_amount")),
        ((paid - back == due) & (billed == due), "full"),
        (back > 0, "returned_part"),
        ((paid == due) | (paid == billed), "differs"),
        (paid < due, "part"),
        else_="over",
    )


def _deal_classes(deals: ibis.Table, young: dt.datetime) -> pd.DataFrame:
    import ibis

    recent = (deals["closed_at"] >= ibis.timestamp(str(young))).fill_null(False)
    hinted = (deals["list"] == "unpaid") & (deals["hint"] > 0)
    gap = deals["won"] - deals["paid"] + deals["returned"]
    sums = {name: deals[name].sum() for name in ("won", "invoiced", "paid", "returned")}
    table = engine.frame(
        deals.group_by(**{"class": deals["list"]}).aggregate(
            deals=deals.count(), priced=deals.count(where=deals["won"] > 0), **sums, difference=gap.sum(),
            recent=deals.count(where=recent),
            recent_difference=gap.sum(where=recent), hinted=deals.count(where=hinted),
            hint=deals["hint"].sum(where=hinted),
        )
    )  # fmt: skip
    return _every(table, DEALS, ("deals", "priced", "recent", "hinted"))


# --- money ---
def _placed(purchases: ibis.Table, journeys: ibis.Table) -> ibis.Table:
    """Purchases with the class of their money in `list`."""
    import ibis

    state = _state(journeys)
    found = purchases.left_join(state, purchases["deal"] == state["_lead"]).drop("_lead")
    matched = found["matched"].notnull()
    loose = ibis.ifelse(matched, "client", "unknown")
    place = ibis.ifelse(
        found["deal"].notnull(), ibis.coalesce(found["state"], ibis.literal("outside")), loose
    )
    return found.mutate(list=place)


def _money_classes(placed: ibis.Table) -> pd.DataFrame:
    table = engine.frame(
        placed.group_by(**{"class": placed["list"]}).aggregate(
            purchases=placed.count(), paid=placed["gross"].cast(EXACT).sum(),
            returned=placed["returned"].cast(EXACT).sum(), net=placed["amount"].cast(EXACT).sum(),
        )
    )  # fmt: skip
    return _every(table, MONEY, ("purchases",))


def _billed(invoices: ibis.Table, journeys: ibis.Table) -> ibis.Table:
    """Invoices with their class in `list`. One that names no deal, or a deal that nobody knows, is unknown; whether
    a deal of another period is meant cannot be told, so `outside` stays empty here unless the flag says otherwise."""
    import ibis

    state = _state(journeys)
    found = invoices.left_join(state, invoices["lead_id"] == state["_lead"]).drop("_lead")
    flags = found["flags"] if "flags" in found.columns else ibis.literal("unmatched_invoice")
    stray = found["lead_id"].isnull() | flags.fill_null("").contains("unmatched_invoice")
    place = ibis.coalesce(found["state"], ibis.ifelse(stray, "unknown", "outside"))
    return found.mutate(list=place)


def _invoice_classes(invoices: ibis.Table, journeys: ibis.Table) -> pd.DataFrame:
    billed = _billed(invoices, journeys)
    table = engine.frame(
        billed.group_by(**{"class": billed["list"]}).aggregate(
            rows=billed.count(), amount=billed["amount"].cast(EXACT).sum()
        )
    )
    return _every(table, INVOICES, ("rows",))


def _every(table: pd.DataFrame, classes: tuple[str, ...], counts: tuple[str, ...]) -> pd.DataFrame:
    """All classes in their order, absent ones with 0; money as Decimal."""
    table = table.set_index("class").reindex(list(classes))
    for name in table:
        if name in counts:
            table[name] = table[name].fillna(0).astype("int64")
        else:
            cells = [Decimal(0) if pd.isna(value) else Decimal(value) for value in table[name]]
            table[name] = pd.Series(cells, table.index, dtype=object)
    return table


# --- rows for whoever clears it up ---
QUIET = ("deal_full", "money_won", "money_outside", "invoice_won", "invoice_outside")  # nothing to clear up


def rows(
    all_journeys: ibis.Table, purchases: ibis.Table | None, payments: ibis.Table | None = None,
    invoices: ibis.Table | None = None, most: int = ROWS,
) -> pd.DataFrame | None:  # fmt: skip
    """What has to be cleared up, row by row: for the consultant, never for the page.

    Returns list, lead_id (pseudonymous; NaN where nobody knows), day, due (a deal's amount in the CRM), amount (a
    deal's money less returns; else the row's own), file, row, and `of` = how many rows the whole list has. list is
    "deal_" + DEALS, "money_" + MONEY, "invoice_" + INVOICES, without QUIET. A list holds at most `most` rows: those of
    the most money. Money is listed by payments; without them by purchases.
    """
    if purchases is None:
        return None
    deals = _won(all_journeys, purchases, invoices)
    deals = deals.mutate(amount=deals["paid"] - deals["returned"])
    found = [_listed(deals, "deal_", "closed_at", "won")]
    if payments is None:
        found.append(_listed(_placed(purchases, all_journeys), "money_", "bought_at"))
    else:
        found.append(_listed(_paid(payments, purchases, all_journeys), "money_", "paid_at"))
    if invoices is not None:
        found.append(_listed(_billed(invoices, all_journeys), "invoice_", "issued_at"))
    return pd.concat([_largest(table, most) for table in found], ignore_index=True)


def _paid(payments: ibis.Table, purchases: ibis.Table, journeys: ibis.Table) -> ibis.Table:
    """Payments with the class of the purchase that each is part of, in `list`."""
    import ibis

    deals = purchases.filter(purchases["deal"].notnull()).select(_deal="deal").distinct()
    clients = purchases.filter(purchases["matched"] == "client").select(_client="client").distinct()
    state = _state(journeys)
    found = payments.left_join(deals, payments["lead_id"] == deals["_deal"])
    found = found.left_join(clients, found["person"] == clients["_client"])
    found = found.left_join(state, found["_deal"] == state["_lead"]).drop("_lead")
    loose = ibis.ifelse(found["_client"].notnull(), "client", "unknown")
    place = ibis.ifelse(
        found["_deal"].notnull(), ibis.coalesce(found["state"], ibis.literal("outside")), loose
    )
    return found.mutate(list=place)


def _listed(table: ibis.Table, kind: str, day: str, due: str = "") -> ibis.Table:
    """A table of rows in the columns of a list."""
    import ibis

    file = table["file"] if "file" in table.columns else ibis.null("string")
    row = table["row"] if "row" in table.columns else ibis.null("int64")
    listed = table.select(
        list=ibis.literal(kind) + table["list"], lead_id=table["lead_id"].cast("string"), day=table[day].cast("date"),
        due=(table[due] if due else ibis.null(EXACT)).cast(EXACT), amount=table["amount"].cast(EXACT),
        file=file.cast("string"), row=row.cast("int64"),
    )  # fmt: skip
    return listed.filter(~listed["list"].isin(QUIET))


def _largest(table: ibis.Table, most: int) -> pd.DataFrame:
    """The rows of the most money of each list, in order."""
    import ibis

    money = ibis.coalesce(table["due"], table["amount"]).abs()
    places = [table["file"], table["row"], table["lead_id"], table["day"], table["amount"]]
    order = ibis.window(group_by=table["list"], order_by=[money.desc(), *places])
    table = table.mutate(_rank=ibis.row_number().over(order), of=table.count().over(group_by=table["list"]))
    found = engine.frame(table.filter(table["_rank"] < most))
    return found.sort_values(["list", "_rank"], ignore_index=True).drop(columns="_rank")
