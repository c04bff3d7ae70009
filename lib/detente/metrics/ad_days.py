"""Advertising spend per day, to the kopeck: what is exported per week or month is spread over its days.

Months, halves of a period and leads that are old enough all ask for the spend of a stretch of days.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine, schema

if TYPE_CHECKING:
    import ibis


def daily(spend: ibis.Table | None, until: dt.date, by: str = "channel") -> pd.DataFrame | None:
    """Spend per group and day; what is exported for a week or a month is spread over its days, to the kopeck.

    until : the last day of the period; a row that runs on ends here. None where no spend is exported.

    Returns columns group (text or NaN), day (date), month (YYYY-MM), cost and net (Decimal, net = cost less the VAT
    in it), impressions, clicks (float, NaN where not exported). Days of one row get equal parts, and the first days
    the kopecks that are left. Raises schema.DataError for spend in several currencies.
    """
    if spend is None:
        return None
    _one_currency(spend)
    nothing = {name: None for name in ("vat", "impressions", "clicks") if name not in spend.columns}
    spend = spend.mutate(**{name: _null() for name in nothing})
    kopecks = {
        name: (spend[name].cast("decimal(38,2)").sum().fill_null(0) * 100).cast("int64")
        for name in ("cost", "vat")
    }
    seen = {name: spend[name].cast("int64").sum() for name in ("impressions", "clicks")}
    group, end = spend[by].cast("string"), spend.date_to.cast("date")
    rows = spend.group_by(group=group, start=spend.date_from.cast("date"), end=end).aggregate(
        **kopecks, **seen
    )
    return _spread(engine.frame(rows), until)


def _null():
    import ibis

    return ibis.null("decimal(18,2)")


def _one_currency(spend: ibis.Table) -> None:
    if "currency" not in spend.columns:
        return
    found = engine.frame(spend.filter(spend.currency.notnull()).select("currency").distinct())
    if len(found) > 1:
        names = ", ".join(sorted(found["currency"]))
        raise schema.DataError(
            f"spend is in several currencies ({names})", column="currency", fix="Convert it first."
        )


def _spread(rows: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """Rows of several days as rows of one day."""
    rows = rows.sort_values(["group", "start", "end"], na_position="last", ignore_index=True)
    start, end = (pd.to_datetime(rows[name]) for name in ("start", "end"))
    last = end.fillna(start).clip(upper=pd.Timestamp(until))
    days = ((last - start).dt.days + 1).clip(lower=1).to_numpy("int64")
    place = np.repeat(np.arange(len(rows)), days)
    order = np.arange(len(place)) - np.repeat(np.cumsum(days) - days, days)
    day = start.to_numpy()[place] + order.astype("timedelta64[D]")
    found = pd.DataFrame({"group": rows["group"].to_numpy()[place], "day": day})
    parts = {
        name: _parts(rows[name], days, place, order) for name in ("cost", "vat", "impressions", "clicks")
    }
    vat = np.nan_to_num(parts["vat"])
    return found.assign(
        month=found["day"].dt.strftime("%Y-%m"), day=found["day"].dt.date, cost=_roubles(parts["cost"]),
        net=_roubles(parts["cost"] - vat), impressions=parts["impressions"], clicks=parts["clicks"],
    )  # fmt: skip


def _parts(whole: pd.Series, days: np.ndarray, place: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Equal whole parts of each row; NaN where the row has none. Floats hold whole numbers up to 9e15 exactly."""
    total = whole.astype(float).to_numpy()
    base = np.floor(total / days)
    left = total - base * days
    return base[place] + (order < left[place])


def _roubles(kopecks: np.ndarray) -> list[Decimal]:
    return [Decimal(int(value)).scaleb(-2) for value in kopecks]
