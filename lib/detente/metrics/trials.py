"""Declared experiments beside the base business: what they take of its leads, money and time; whether it suffers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.terms import Experiment

TAKEN = ("leads", "minutes", "tasks", "spend", "revenue", "margin")


def taken(profile: Any) -> pd.DataFrame:
    """What each experiment took and brought, and its part of the whole (base and experiments together).

    profile : `effort.profile`. Index experiment, columns of TAKEN that are known, and <name>_share (DENOMINATOR: base
    with what has no segment, and all experiments).
    """
    table = profile.trials[[name for name in TAKEN if name in profile.trials]].astype(float)
    for name in list(table):
        whole = float(profile.amounts[name].astype(float).sum()) + float(table[name].sum())
        table[f"{name}_share"] = table[name] / whole if whole else math.nan
    return table


@dataclass(frozen=True)
class Conversion:
    """Did the base sell worse since the experiments began? Ripe leads outside of them, before and since.

    began : the day of the first lead of an experiment. won / leads on both sides; difference = since - before with
    Newcombe's interval. status : "ok"; "cannot_tell" (fewer than min_group ripe base leads on a side); "none" (no
    experiment has a lead).
    """

    began: dt.date | None
    before: int
    before_won: int
    since: int
    since_won: int
    difference: float
    low: float
    high: float
    level: float
    differs: bool
    status: str


def conversion(
    journeys: ibis.Table, experiments: Sequence[Experiment], ripe_days: int = 30, level: float = 0.95,
    min_group: int = 30, material: float = 0.05,
) -> Conversion:  # fmt: skip
    """The conversion of base leads of at least `ripe_days`, before and since the first lead of any experiment."""
    nothing = Conversion(None, 0, 0, 0, 0, math.nan, math.nan, math.nan, level, False, "none")
    if not experiments:
        return nothing
    keyed = journeys.mutate(_trial=reduce(or_, [_within(journeys, item) for item in experiments]))
    first = engine.frame(keyed.filter(keyed["_trial"]).aggregate(began=keyed["created_at"].min()))[
        "began"
    ].iloc[0]
    if pd.isna(first):
        return nothing
    rest = keyed.filter(~keyed["_trial"] & (keyed["age_days"] >= ripe_days))
    day = first.date()
    counts = rest.group_by(since=rest["created_at"].date() >= day).aggregate(
        leads=rest.count(), won=rest.count(where=rest["outcome"] == "won")
    )
    sides = engine.frame(counts).set_index("since").reindex([False, True]).fillna(0).astype("int64")
    (before, before_won), (since, since_won) = sides[["leads", "won"]].to_numpy().tolist()
    enough = min(before, since) >= min_group
    low, high = intervals.newcombe(since_won, since, before_won, before, level)
    difference = since_won / since - before_won / before if before and since else math.nan
    sure = enough and (low > 0 or high < 0) and abs(difference) >= material - 1e-12
    return Conversion(day, before, before_won, since, since_won, difference, low, high, level, sure,
                "ok" if enough else "cannot_tell")  # fmt: skip


def _within(table: ibis.Table, item: Experiment) -> ibis.Value:
    named = {"channel": item.channels, "campaign": item.campaigns, "segment": item.segments}
    found = [table[name].isin(list(values)).fill_null(False) for name, values in named.items() if values]
    return reduce(or_, found)
