"""Money by month, and the months between a win and its money: accounting, no estimate.

Months are those in which money moved, whatever the month of the deal. Costs are taken without VAT, as the revenue is.
Where no money is exported (None), there is nothing to tell: None.
"""

from __future__ import annotations

import calendar
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

KINDS = ("goods", "delivery", "service", "marketing", "sales", "overhead", "other")  # advertising beside
EXACT = "decimal(38, 2)"


# --- revenue and costs ---
def by_month(
    payments: ibis.Table | None, purchases: ibis.Table | None, costs: ibis.Table | None, spent: pd.DataFrame | None,
    since: dt.date, until: dt.date, as_of: dt.date,
) -> pd.DataFrame | None:  # fmt: skip
    """Revenue by the month of the payment, and costs by kind; all in Decimal.

    spent : spend per day, as `ad_days.daily` spreads it; None where no advertising is exported.

    Returns index month (YYYY-MM, every month from the first to the last with money), columns
        payments                        how many (purchases, where they stand in)
        gross, returned, vat, revenue   money in, money back (positive), VAT in it, gross - returned - vat
        KINDS, advertising              costs without VAT. advertising is that of the advertising exports where there
                                        are any, else of the books; None where no costs are exported
        costs, result                   their sum, and revenue - costs; None in a month without a single booked cost:
                                        such a month looks rich only because accounting is late
        books                           what the books call advertising; never added
        inside, whole                   the month meets since..until; and it was over on `as_of`
    gross - returned summed over all rows is the source's total. Without payments, purchases stand in for them.
    """
    if purchases is None:
        return None
    table = (
        _money_in(payments, purchases).join(_booked(costs), how="outer").join(_advertised(spent), how="outer")
    )
    table = table.reindex(_range(table.index))
    table["payments"] = table["payments"].fillna(0).astype("int64")
    exact = [name for name in table if name not in ("rows", "payments")]
    for name in exact:
        cells = [Decimal(0) if pd.isna(value) else Decimal(value) for value in table[name]]
        table[name] = pd.Series(cells, table.index, dtype=object)
    booked = table.pop("rows").fillna(0) > 0
    table["books"] = table.pop("advertising")
    table["advertising"] = table.pop("spent") if spent is not None else table["books"]
    table["revenue"] = table["gross"] - table["returned"] - table["vat"]
    table["costs"] = reduce(add, (table[name] for name in (*KINDS, "advertising")))
    table["result"] = table["revenue"] - table["costs"]
    table[["costs", "result"]] = table[["costs", "result"]].astype(object).where(booked, None)
    if costs is None:
        table = table.assign(**dict.fromkeys((*KINDS, "advertising", "books"), None))
    first, last = f"{since:%Y-%m}", f"{until:%Y-%m}"
    inside = pd.Series([first <= name <= last for name in table.index], table.index, dtype=bool)
    return table.assign(inside=inside, whole=[_end(name) <= as_of for name in table.index])


def _money_in(payments: ibis.Table | None, purchases: ibis.Table) -> pd.DataFrame:
    if payments is None:
        table = purchases
        sums = {name: table[name].cast(EXACT).sum() for name in ("gross", "returned", "vat")}
        return engine.frame(table.group_by("month").aggregate(payments=table.count(), **sums)).set_index(
            "month"
        )
    amount = payments["amount"].cast(EXACT)
    vat = payments["vat"].cast(EXACT).sum() if "vat" in payments.columns else (amount * 0).sum()
    month = payments["paid_at"].strftime("%Y-%m")
    found = payments.group_by(month=month).aggregate(
        payments=payments.count(),
        gross=amount.sum(where=amount > 0),
        returned=(-amount).sum(where=amount < 0),
        vat=vat,
    )
    return engine.frame(found).set_index("month")


def _booked(costs: ibis.Table | None) -> pd.DataFrame:
    """Costs by kind and month, without VAT."""
    names = (*KINDS, "advertising")
    if costs is None:
        return pd.DataFrame(
            {name: pd.Series(dtype=object) for name in (*names, "rows")}, pd.Index([], name="month")
        )
    net = _net(costs, "amount")
    month = costs["period"].cast("date").strftime("%Y-%m")
    sums = {name: net.sum(where=costs["kind"] == name) for name in names}
    found = costs.group_by(month=month).aggregate(
        **sums, rows=costs.count(where=costs["kind"] != "advertising")
    )
    return engine.frame(found).set_index("month")


def _advertised(spent: pd.DataFrame | None) -> pd.DataFrame:
    """Advertising without VAT by month."""
    if spent is None or spent.empty:
        return pd.DataFrame({"spent": pd.Series(dtype=object)}, pd.Index([], name="month"))
    sums = {month: _sum(spent["net"].loc[places]) for month, places in spent.groupby("month").groups.items()}
    return pd.DataFrame({"spent": pd.Series(sums, dtype=object)}).rename_axis("month")


def _net(table: ibis.Table, column: str):
    """An amount without its VAT."""
    amount = table[column].cast(EXACT)
    return amount - table["vat"].cast(EXACT).fill_null(0) if "vat" in table.columns else amount


def _range(months: pd.Index) -> pd.Index:
    """Every month from the first to the last, so that one without money is seen as one."""
    known = sorted(name for name in months if isinstance(name, str))
    if not known:
        return pd.Index([], name="month")
    names = pd.period_range(known[0], known[-1], freq="M").strftime("%Y-%m")
    return pd.Index(names, name="month")


def _end(month: str) -> dt.date:
    year, number = int(month[:4]), int(month[5:7])
    return dt.date(year, number, calendar.monthrange(year, number)[1])


@dataclass(frozen=True)
class Sums:
    """The months of the period together. gross, returned, vat, revenue: of all of them.

    booked   how many months are over and have costs; revenue_booked, costs, result: of those alone; margin = result /
             revenue_booked (NaN without revenue). below: how many of them spent more than they took in; worst: the
             month of the lowest result
    advertising, books   advertising by its exports and by accounting, over the months of the period
    outside  gross - returned of months outside the period
    """

    months: int
    gross: Decimal
    returned: Decimal
    vat: Decimal
    revenue: Decimal
    booked: int
    revenue_booked: Decimal
    costs: Decimal
    result: Decimal
    margin: float
    below: int
    worst: str
    advertising: Decimal
    books: Decimal
    outside: Decimal


def sums(months: pd.DataFrame | None) -> Sums | None:
    """months : as `by_month` returns."""
    if months is None:
        return None
    inside, outside = months[months["inside"]], months[~months["inside"]]
    told = inside[inside["whole"] & inside["result"].notna()]
    revenue, result = _sum(told["revenue"]), _sum(told["result"])
    worst = told["result"].astype(float).idxmin() if len(told) else ""
    return Sums(
        months=len(inside), gross=_sum(inside["gross"]), returned=_sum(inside["returned"]), vat=_sum(inside["vat"]),
        revenue=_sum(inside["revenue"]), booked=len(told), revenue_booked=revenue, costs=_sum(told["costs"]),
        result=result, margin=float(result / revenue) if revenue > 0 else math.nan,
        below=int(sum(value < 0 for value in told["result"])), worst=str(worst),
        advertising=_sum(inside["advertising"].dropna()), books=_sum(inside["books"].dropna()),
        outside=_sum(outside["gross"]) - _sum(outside["returned"]),
    )  # fmt: skip


def _sum(values: pd.Series) -> Decimal:
    return sum(values, Decimal(0))


# --- from the month of the win to the month of the money ---
@dataclass(frozen=True)
class Shift:
    """When the money of won deals came. DENOMINATOR of the shares: gross, all payments of these deals.

    matrix   columns won (month of the win), paid (month of the payment), gross, returned; Decimal
    months   index won; columns earlier, same, later, gross, returned (Decimal), later_share = later / gross
    earlier, same, later   money in before, in, and after the month of the win; they add up to gross
    deals    won deals with a payment and a day of the win; days: median of their first payment less the win
    """

    matrix: pd.DataFrame
    months: pd.DataFrame
    gross: Decimal
    earlier: Decimal
    same: Decimal
    later: Decimal
    later_share: float
    deals: int
    days: float


def shift(all_journeys: ibis.Table, payments: ibis.Table | None) -> Shift | None:
    """The months between a win and its money, over won deals of the period that a payment names."""
    if payments is None:
        return None
    journeys = all_journeys
    won = journeys.filter((journeys["outcome"] == "won") & journeys["closed_at"].notnull())
    won = won.select(_deal="lead_id", _won="closed_at")
    named = payments.inner_join(won, payments["lead_id"] == won["_deal"])
    amount = named["amount"].cast(EXACT)
    months = {"won": named["_won"].strftime("%Y-%m"), "paid": named["paid_at"].strftime("%Y-%m")}
    matrix = engine.frame(
        named.group_by(**months).aggregate(
            gross=amount.sum(where=amount > 0), returned=(-amount).sum(where=amount < 0)
        )
    )
    for name in ("gross", "returned"):
        matrix[name] = pd.Series(
            [Decimal(0) if pd.isna(x) else Decimal(x) for x in matrix[name]], dtype=object
        )
    matrix = matrix.sort_values(["won", "paid"], ignore_index=True)
    months = _by_won(matrix)
    gross, later = _sum(months["gross"]), _sum(months["later"])
    deals, days = _wait(named)
    share = float(later / gross) if gross else math.nan
    return Shift(
        matrix, months, gross, _sum(months["earlier"]), _sum(months["same"]), later, share, deals, days
    )


def _by_won(matrix: pd.DataFrame) -> pd.DataFrame:
    """The matrix by month of the win: money in before, in, and after it."""
    when = {"earlier": matrix["paid"] < matrix["won"], "same": matrix["paid"] == matrix["won"],
            "later": matrix["paid"] > matrix["won"]}  # fmt: skip
    zero = Decimal(0)
    parts = {name: matrix["gross"].where(mask, zero) for name, mask in when.items()}
    parts |= {name: matrix[name] for name in ("gross", "returned")}
    rows = [
        {"won": won, **{name: _sum(part[places]) for name, part in parts.items()}}
        for won, places in sorted(matrix.groupby("won").groups.items())
    ]
    table = pd.DataFrame(rows, columns=["won", *parts]).set_index("won")
    gross = table["gross"].astype(float)
    return table.assign(later_share=table["later"].astype(float) / gross.where(gross > 0))


def _wait(named: ibis.Table) -> tuple[int, float]:
    """Deals with a payment, and the median of whole days from the win to the first."""
    inward = named.filter(named["amount"] > 0)
    first = inward.group_by("_deal", "_won").aggregate(first=inward["paid_at"].min())
    day = (
        first["first"].date().cast("timestamp").epoch_seconds()
        - first["_won"].date().cast("timestamp").epoch_seconds()
    )
    counted = first.mutate(days=day // 86_400)
    counts = engine.frame(counted.group_by("days").aggregate(n=counted.count())).sort_values("days")
    deals = int(counts["n"].sum())
    if not deals:
        return 0, math.nan
    up_to = counts["n"].cumsum()
    ends = [int(counts.loc[up_to >= place, "days"].iloc[0]) for place in ((deals + 1) // 2, deals // 2 + 1)]
    return deals, sum(ends) / 2
