"""What the next rouble of advertising brings: not the average rouble, but what moved when the budget moved.

Weeks (or months) of spend beside the money of the inquiries of that week, all at one age. Natural demand moves both:
with less than two years of weeks a season cannot be told from advertising, and the result says so.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

CHANGE = 0.1  # spend that moved by less than this part of its mean has not moved
DRAWS = 2000
FAILED = 0.05  # more resamples without any change of the budget: no interval
YEAR = {"week": 52, "month": 12}


def periods(
    purchases: ibis.Table | None, inquiries: ibis.Table, spend: ibis.Table | None, as_of: dt.date, days: int,
    period: Literal["week", "month"] = "week", value: str = "net", fill: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Spend per channel and week, and what the inquiries of that week brought within `days` of each.

    value : "gross", "net" (amount less VAT) or "margin"; a purchase without a margin counts as fill x net.
    Channels that cost money at any time only. A row of spend over several days is laid evenly on them.

    Returns channel, start (Monday, or the first of the month), spend, money, leads (floats and int), ripe (every
    inquiry of the week is `days` old, and the week lies whole within the spend). Each channel has every week.
    """
    columns = ["channel", "start", "spend", "money", "leads", "ripe"]
    if purchases is None or spend is None:
        return pd.DataFrame(columns=columns)
    cost = _laid_out(spend, period)
    paid = cost.groupby("channel")["spend"].sum()
    paid = sorted(paid.index[paid > 0])
    if not paid:
        return pd.DataFrame(columns=columns)
    came, leads = _came(purchases, inquiries, days, period, value, fill), _leads(inquiries, period)
    first, last = cost["day"].min(), cost["day"].max()
    starts = sorted({_start(day.date(), period) for day in pd.date_range(first, last)})
    keys = pd.MultiIndex.from_product([paid, starts], names=["channel", "start"])
    table = pd.DataFrame({
        "spend": cost.groupby(["channel", "start"])["spend"].sum().reindex(keys).fillna(0.0),
        "money": came.set_index(["channel", "start"])["money"].reindex(keys).fillna(0.0),
        "leads": leads.set_index(["channel", "start"])["leads"].reindex(keys).fillna(0).astype("int64"),
    })  # fmt: skip
    ends = {start: _end(start, period) for start in starts}
    whole = {start: first <= start and ends[start] <= last for start in starts}
    old = {start: ends[start] + dt.timedelta(days=days) <= as_of for start in starts}
    table = table.reset_index()
    return table.assign(ripe=[whole[start] and old[start] for start in table["start"]])[columns]


def _start(day: dt.date, period: str) -> dt.date:
    return day - dt.timedelta(days=day.weekday()) if period == "week" else day.replace(day=1)


def _end(start: dt.date, period: str) -> dt.date:
    if period == "week":
        return start + dt.timedelta(days=6)
    return (start + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def _laid_out(spend: ibis.Table, period: str) -> pd.DataFrame:
    """Spend per channel and day; a row over several days is laid evenly on them."""
    table = spend.filter(spend.channel.notnull())
    ends = table.date_to.cast("date") if "date_to" in spend.columns else table.date_from.cast("date")
    cost = table["cost"].cast("float64")
    if "vat" in spend.columns:
        cost = cost - table["vat"].cast("float64").fill_null(0.0)
    picked = table.select("channel", since=table.date_from.cast("date"), until=ends, cost=cost)
    sums = engine.frame(picked.group_by("channel", "since", "until").aggregate(cost=picked.cost.sum()))
    rows = []
    for row in sums.itertuples(index=False):
        since = pd.Timestamp(row.since)
        until = since if pd.isna(row.until) else max(pd.Timestamp(row.until), since)
        days = pd.date_range(since, until)
        rows += [
            (row.channel, day.date(), _start(day.date(), period), float(row.cost) / len(days)) for day in days
        ]
    return pd.DataFrame(rows, columns=["channel", "day", "start", "spend"])


def _starts(moment: ibis.expr.types.TimestampValue, period: str) -> ibis.expr.types.DateValue:
    return moment.truncate("W" if period == "week" else "M").cast("date")


def _came(
    purchases: ibis.Table,
    inquiries: ibis.Table,
    days: int,
    period: str,
    value: str,
    fill: float | None,
) -> pd.DataFrame:
    known = inquiries.select(owner="lead_id", begun="created_at", place="channel")
    bought = purchases.inner_join(known, purchases.lead_id == known.owner)
    age = (bought.bought_at.epoch_seconds() - bought.begun.epoch_seconds()).cast("float64") / 86400
    net = bought.amount.cast("float64") - bought.vat.cast("float64").fill_null(0.0)
    money = net
    if value == "gross":
        money = bought.gross.cast("float64")
    elif value == "margin":
        money = bought.margin.cast("float64")
        money = money.fill_null(net * fill) if fill is not None else money.fill_null(0.0)
    picked = bought.select(channel=bought.place, start=_starts(bought.begun, period), age=age, money=money)
    near = picked.filter(picked.age <= days)
    return _dated(engine.frame(near.group_by("channel", "start").aggregate(money=near.money.sum())))


def _leads(inquiries: ibis.Table, period: str) -> pd.DataFrame:
    picked = inquiries.select("channel", start=_starts(inquiries.created_at, period))
    return _dated(engine.frame(picked.group_by("channel", "start").aggregate(leads=picked.count())))


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    """Named channels only, with days as days."""
    table = table[table["channel"].notna()]
    return table.assign(start=[pd.Timestamp(day).date() for day in table["start"]])


@dataclass(frozen=True)
class Marginal:
    """What a change of the budget by one rouble moved.

    status  : "ok"; "cannot_tell" (fewer than `needed` changes); "unstable" (resamples without a change).
    slope   : money per rouble of change (sum of the changes of money, each with the sign of its change of spend, over
              the sum of the changes of spend); low, high by a block bootstrap over periods, failed its share without.
    changes : how often the spend moved by at least CHANGE of its mean; needed, missing = how many more.
    periods : ripe ones used. lag : 1, each with the one before; a year where two years are watched, so that the season
              drops out (`seasons` then). average : money per rouble on the whole.
    """

    status: str
    slope: float
    low: float
    high: float
    level: float
    changes: int
    needed: int
    periods: int
    lag: int
    seasons: bool
    average: float
    failed: float

    @property
    def missing(self) -> int:
        return max(self.needed - self.changes, 0)


def per_rouble(
    periods: pd.DataFrame, needed: int = 8, level: float = 0.95, seed: int = 0, period: str = "week",
    draws: int = DRAWS,
) -> Marginal:  # fmt: skip
    """The marginal money of all channels given together. Source of the bootstrap: Künsch (1989), Ann. Statist. 17,
    1217-1241 (moving blocks over consecutive differences, of length n^(1/3))."""
    sums = (
        periods[periods["ripe"].astype(bool)]
        .groupby("start")[["spend", "money"]]
        .sum()
        .astype(float)
        .sort_index()
    )
    spend, money = sums["spend"].to_numpy(), sums["money"].to_numpy()
    year = YEAR[period]
    lag = year if len(spend) >= 2 * year else 1
    moved, brought = spend[lag:] - spend[:-lag], money[lag:] - money[:-lag]
    counts = np.abs(moved) >= CHANGE * spend.mean() if len(spend) and spend.mean() > 0 else np.zeros(0, bool)
    changes = int(counts.sum())
    average = float(money.sum() / spend.sum()) if spend.sum() > 0 else math.nan
    fixed = {"changes": changes, "needed": needed, "periods": len(spend), "lag": lag, "seasons": lag > 1,
             "average": average, "level": level}  # fmt: skip
    if changes < needed:
        return Marginal("cannot_tell", math.nan, math.nan, math.nan, failed=math.nan, **fixed)
    low, high, failed = _interval(moved, brought, counts, level, seed, draws)
    status = "ok" if failed <= FAILED else "unstable"
    return Marginal(status, _slope(moved, brought, counts), low, high, failed=failed, **fixed)


def _slope(moved: np.ndarray, brought: np.ndarray, counts: np.ndarray) -> float:
    """Money per rouble over the changes: each weighs as much as the budget moved."""
    weight = np.abs(moved[counts]).sum()
    return float((np.sign(moved[counts]) * brought[counts]).sum() / weight) if weight > 0 else math.nan


def _interval(
    moved: np.ndarray, brought: np.ndarray, counts: np.ndarray, level: float, seed: int, draws: int
) -> tuple[float, float, float]:
    n = len(moved)
    size = max(1, round(n ** (1 / 3)))
    starts = np.random.default_rng(seed).integers(0, n - size + 1, size=(draws, -(-n // size)))
    picks = (starts[:, :, None] + np.arange(size)).reshape(draws, -1)[:, :n]
    found = np.array([_slope(moved[pick], brought[pick], counts[pick]) for pick in picks])
    failed = float(np.isnan(found).mean())
    if failed > FAILED:
        return math.nan, math.nan, failed
    tail = (1 - level) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return float(low), float(high), failed


def each(
    periods: pd.DataFrame, needed: int = 8, level: float = 0.95, seed: int = 0, period: str = "week",
    channels: Sequence[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The same per channel, most spend first: channel, spend, money, and the fields of `Marginal`."""
    names = periods.groupby("channel")["spend"].sum().sort_index().sort_values(ascending=False, kind="stable")
    rows = []
    for channel, spent in names.items():
        if channels is not None and channel not in channels:
            continue
        mine = periods[periods["channel"] == channel]
        found = per_rouble(mine, needed, level, seed, period)
        rows.append({"channel": channel, "spent": float(spent), **vars(found), "missing": found.missing})
    fields = ["channel", "spent", *Marginal.__dataclass_fields__, "missing"]
    return pd.DataFrame(rows, columns=fields)
