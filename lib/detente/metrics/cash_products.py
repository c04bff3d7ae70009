"""What each product leaves: revenue against the costs that name its deals or itself. Accounting, no estimate.

Costs are taken without VAT, as the revenue is. Where no money is exported (None), there is nothing to tell: None.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

TIED = ("goods", "delivery", "service")  # costs that a purchase may have of its own
EXACT = "decimal(38, 2)"
FEW = 5  # purchases; the margin of fewer is not told in percent


def by_product(
    purchases: ibis.Table | None,
    costs: ibis.Table | None,
    since: dt.date,
    until: dt.date,
    by: str = "product",
) -> pd.DataFrame | None:
    """Revenue of each product against the costs that name its deals or itself, over purchases made in since..until.

    Returns index `by` (NULL last), most revenue first, columns
        purchases                 with money in
        gross, returned, vat, revenue   Decimal, exact; revenue = gross - returned - vat
        tied                      goods, delivery, service of costs that name the deals of the covered purchases
        own                       the same kinds of costs that name the product and no deal
        covered                   revenue that costs stand against: all of it where `own` > 0, else that of purchases
                                  with goods tied. coverage = covered / revenue (NaN without revenue)
        profit, margin            covered less its costs, and that / covered; NaN where nothing is covered. Where no
                                  cost covers anything, from the margin that audit.yml states; source is then "stated"
        source                    "costs", "stated" or "" (nothing is known)
        few                       fewer than FEW purchases: no percent is told
    Costs of goods that name neither a deal nor a product stand in no row: see `unassigned`.
    """
    if purchases is None:
        return None
    bought = _within(purchases, "bought_at", since, until)
    sums = {name: bought[name].cast(EXACT).sum() for name in ("gross", "returned", "vat")}
    tied = reduce(add, (bought[name].cast(EXACT).fill_null(0) for name in TIED))
    net = bought["amount"].cast(EXACT) - bought["vat"].cast(EXACT).fill_null(0)
    known, stated = bought["margin_from"] == "costs", bought["margin_from"] == "stated"
    table = engine.frame(
        bought.group_by(**{by: bought[by].cast("string")}).aggregate(
            purchases=bought.count(where=bought["gross"] > 0), **sums, tied=tied.sum(),
            beside=tied.sum(where=known), known=bought.count(where=known),
            covered=net.sum(where=known), stated=net.sum(where=stated),
            left=bought["margin"].cast(EXACT).sum(where=stated),
        )
    ).set_index(by)  # fmt: skip
    table = table.join(_own(costs, since, until, by), how="outer")
    table["purchases"] = table["purchases"].fillna(0).astype("int64")
    for name in table.columns.drop("purchases"):
        cells = [Decimal(0) if pd.isna(value) else Decimal(value) for value in table[name]]
        table[name] = pd.Series(cells, table.index, dtype=object)
    return _margins(table).sort_index(kind="stable", na_position="last").sort_values(
        "revenue", ascending=False, kind="stable"
    )  # fmt: skip


def _own(costs: ibis.Table | None, since: dt.date, until: dt.date, by: str) -> pd.DataFrame:
    if costs is None or by not in costs.columns:
        return pd.DataFrame({"own": pd.Series(dtype=object)}, pd.Index([], name=by, dtype="str"))
    costs = _within(costs, "period", since, until)
    named = costs.filter(costs["lead_id"].isnull() & costs[by].notnull() & costs["kind"].isin(TIED))
    found = named.group_by(**{by: named[by].cast("string")}).aggregate(own=_net(named, "amount").sum())
    return engine.frame(found).set_index(by)


def _margins(table: pd.DataFrame) -> pd.DataFrame:
    table["revenue"] = table["gross"] - table["returned"] - table["vat"]
    whole = pd.Series([value > 0 for value in table["own"]], table.index, dtype=bool)
    told = pd.Series([value > 0 for value in table["stated"]], table.index, dtype=bool)
    table["covered"] = table["covered"].where(~whole, table["revenue"])
    table["tied"] = table["tied"].where(whole, table["beside"])
    costed = whole | (table["known"].astype(float) > 0)
    told &= ~costed
    table["covered"] = table["covered"].where(~told, table["stated"])
    profit = (table["covered"] - table["tied"] - table["own"]).where(~told, table["left"])
    source = pd.Series("", table.index).mask(told, "stated").mask(costed, "costs")
    covered, revenue = table["covered"].astype(float), table["revenue"].astype(float)
    return table.assign(
        profit=profit.where(source != "", None), source=source, few=table["purchases"] < FEW,
        coverage=covered / revenue.where(revenue > 0),
        margin=profit.astype(float) / covered.where((covered > 0) & (source != "")),
    ).drop(columns=["stated", "left", "beside", "known"])  # fmt: skip


@dataclass(frozen=True)
class Products:
    """All products together. coverage = covered / revenue; margin = profit / covered, of what has costs (or, without
    any, a stated margin: source). losing: products of FEW purchases or more whose covered revenue is below its costs.
    """

    revenue: Decimal
    covered: Decimal
    profit: Decimal
    coverage: float
    margin: float
    source: str
    purchases: int
    losing: int


def all_products(table: pd.DataFrame | None) -> Products | None:
    """table : as `by_product` returns. Where some products have costs, those with a stated margin are left out."""
    if table is None:
        return None
    source = next((name for name in ("costs", "stated") if (table["source"] == name).any()), "")
    told = table[table["source"] == source] if source else table.iloc[:0]
    revenue, covered, profit = _sum(table["revenue"]), _sum(told["covered"]), _sum(told["profit"])
    losing = sum(value < 0 for value in told.loc[~told["few"], "profit"])
    return Products(
        revenue=revenue, covered=covered, profit=profit, source=source, purchases=int(table["purchases"].sum()),
        coverage=float(covered / revenue) if revenue > 0 else math.nan,
        margin=float(profit / covered) if covered > 0 else math.nan, losing=int(losing),
    )  # fmt: skip


def unassigned(costs: ibis.Table | None, since: dt.date, until: dt.date) -> Decimal:
    """Costs of goods, delivery and service that name neither a deal nor a product, without VAT."""
    if costs is None:
        return Decimal(0)
    costs = _within(costs, "period", since, until)
    loose = costs.filter(costs["lead_id"].isnull() & costs["product"].isnull() & costs["kind"].isin(TIED))
    total = engine.frame(loose.aggregate(total=_net(loose, "amount").sum()))["total"].iloc[0]
    return Decimal(0) if pd.isna(total) else Decimal(total)


def _within(table: ibis.Table, column: str, since: dt.date, until: dt.date) -> ibis.Table:
    import ibis

    day = table[column].cast("date")
    return table.filter((day >= ibis.date(str(since))) & (day <= ibis.date(str(until))))


def _net(table: ibis.Table, column: str):
    """An amount without its VAT."""
    amount = table[column].cast(EXACT)
    return amount - table["vat"].cast(EXACT).fill_null(0) if "vat" in table.columns else amount


def _sum(values: pd.Series) -> Decimal:
    return sum(values, Decimal(0))
