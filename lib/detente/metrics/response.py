"""How soon each segment is called: within an hour, by the end of the next day, and after how many hours.

A call counts from the inquiry on: what was said before it belongs to an earlier one. Any attempt counts, talk or not.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

HOUR = 60  # minutes
FINE = 48 * HOUR  # minutes kept one by one; later ones by the hour
SETTLED = 2  # days after which "by the end of the next day" is decided
NEVER = -1  # the minute of a lead that nobody has called


@dataclass(frozen=True)
class Response:
    """First calls per segment.

    table  : index segment (NaN last): leads; young (less than SETTLED days old at `as_of`: not decided yet); undated
             (created on a day without a time: left out); judged = leads - young - undated, the DENOMINATOR of
             both shares; hour, hour_share, hour_low, hour_high: called within an hour; day, day_share, day_low,
             day_high: called by the end of the next day; never: not called so far; median: hours to the first call
             of those who were called. Wilson intervals at `level`.
    status : "ok"; "no_calls" (no call log); "no_times" (nothing but days is recorded of inquiries or calls).
    """

    table: pd.DataFrame
    level: float
    status: str

    @property
    def medians(self) -> dict[str, float]:
        """Hours to the first call by segment, where anybody was called."""
        known = self.table[self.table.index.notna()]["median"].dropna() if len(self.table) else {}
        return {str(name): float(value) for name, value in known.items()}


def response(journeys: ibis.Table, calls: ibis.Table | None, as_of: dt.date, level: float = 0.95) -> Response:
    """First calls to the counted leads of the period, by the deal that a call names, else by its person."""
    if calls is None:
        return Response(pd.DataFrame(), level, "no_calls")
    timed = engine.frame(
        calls.aggregate(n=calls.count(where=calls["started_at"] != calls["started_at"].truncate("D")))
    )
    if not int(timed["n"].iloc[0]):
        return Response(pd.DataFrame(), level, "no_times")
    counts = _counted(journeys, calls, as_of)
    table = _table(counts, level)
    return Response(table, level, "ok" if table["judged"].sum() else "no_times")


def _counted(journeys: ibis.Table, calls: ibis.Table, as_of: dt.date) -> pd.DataFrame:
    """Leads per segment, state, minute of the first call, and whether it came by the end of the next day."""
    import ibis

    leads = journeys.select("lead_id", "person", "segment", "created_at", whole="created_date_only")
    named = calls.select(_deal="lead_id", _at="started_at")
    tied = leads.left_join(
        named, (leads["lead_id"] == named["_deal"]) & (named["_at"] >= leads["created_at"])
    )
    first = tied.group_by("lead_id").aggregate(_named=tied["_at"].min())
    loose = calls.filter(calls["lead_id"].isnull() & calls["person"].notnull())
    loose = loose.select(_who="person", _at="started_at")
    people = leads.left_join(
        loose, (leads["person"] == loose["_who"]) & (loose["_at"] >= leads["created_at"])
    )
    other = people.group_by("lead_id").aggregate(_loose=people["_at"].min())
    found = leads.inner_join(first, "lead_id").inner_join(other, "lead_id")
    at = ibis.least(found["_named"], found["_loose"])
    at = ibis.coalesce(at, found["_named"], found["_loose"])
    minutes = ((at.epoch_seconds() - found["created_at"].epoch_seconds()) / 60).floor().cast("int64")
    coarse = ibis.ifelse(
        minutes < FINE, minutes, (minutes.cast("float64") / HOUR).floor().cast("int64") * HOUR
    )
    born = found["created_at"].date()
    state = ibis.cases(
        (found["whole"].fill_null(False), "undated"),
        (born > ibis.literal(as_of - dt.timedelta(days=SETTLED)), "young"),
        else_="judged",
    )
    soon = (at.date().epoch_seconds() - born.epoch_seconds() < SETTLED * 86400).fill_null(False)
    keys = {
        "segment": found["segment"].cast("string"),
        "state": state,
        "minute": coarse.fill_null(NEVER),
        "soon": soon,
    }
    return engine.frame(found.group_by(**keys).aggregate(leads=found.count()))


def _table(counts: pd.DataFrame, level: float) -> pd.DataFrame:
    judged, minute, n = counts["state"] == "judged", counts["minute"], counts["leads"]
    called = judged & (minute != NEVER)
    parts = {name: n.where(counts["state"] == name, 0) for name in ("young", "undated", "judged")}
    parts |= {
        "leads": n, "hour": n.where(called & (minute < HOUR), 0), "day": n.where(called & counts["soon"], 0),
        "never": n.where(judged & (minute == NEVER), 0),
    }  # fmt: skip
    sums = counts.assign(**parts).groupby("segment", dropna=False)[list(parts)].sum().astype("int64")
    table = sums.sort_index(na_position="last")
    for name in ("hour", "day"):
        low, high = intervals.wilson(table[name], table["judged"], level)
        share = table[name] / table["judged"].where(table["judged"] > 0)
        table = table.assign(**{f"{name}_share": share, f"{name}_low": low, f"{name}_high": high})
    medians = {name: _median(part) for name, part in counts[called].groupby("segment", dropna=False)}
    return table.assign(median=[medians.get(name, math.nan) for name in table.index], level=level)


def _median(part: pd.DataFrame) -> float:
    """Hours by which half of those who were called had been called."""
    part = part.groupby("minute")["leads"].sum().sort_index()
    half = part.cumsum() >= part.sum() / 2
    return float(part.index[int(np.argmax(half))]) / HOUR


@dataclass(frozen=True)
class Faster:
    """One segment against all others, by the share called within an hour, or by the end of the next day.

    difference = share - rest, with Newcombe's interval; differs : the interval excludes 0, |difference| >= material
    and both sides have min_group judged leads. status : "ok", or "cannot_tell" (too few on one side).
    """

    segment: str
    by: str
    hits: int
    judged: int
    share: float
    rest_hits: int
    rest_judged: int
    rest: float
    difference: float
    low: float
    high: float
    level: float
    differs: bool
    status: str


def against_rest(
    found: Response, segment: str, by: str = "hour", min_group: int = 30, material: float = 0.05
) -> Faster:
    """Is this segment called sooner or later than the others? by : "hour" or "day"."""
    table, nan = found.table, math.nan
    if found.status != "ok" or segment not in table.index:
        return Faster(segment, by, 0, 0, nan, 0, 0, nan, nan, nan, nan, found.level, False, "cannot_tell")
    own = table.loc[segment]
    rest = table[(table.index != segment) & table.index.notna()]
    hits, judged = int(own[by]), int(own["judged"])
    other, others = int(rest[by].sum()), int(rest["judged"].sum())
    low, high = intervals.newcombe(hits, judged, other, others, found.level)
    share, against = (hits / judged if judged else nan), (other / others if others else nan)
    enough = min(judged, others) >= min_group
    sure = enough and (low > 0 or high < 0) and abs(share - against) >= material - 1e-12
    return Faster(
        segment, by, hits, judged, share, other, others, against, share - against, low, high, found.level, sure,
        "ok" if enough else "cannot_tell",
    )  # fmt: skip
