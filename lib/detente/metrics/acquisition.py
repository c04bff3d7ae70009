"""What a lead, a target lead and a client cost per channel, and the money spent on non-target leads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine, schema
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis


def acquisition(spend: ibis.Table | None, journeys_judged: ibis.Table, level: float = 0.95) -> pd.DataFrame:
    """Spend and leads per channel in one table; totals equal the sources to the kopeck.

    spend : rows with channel and cost (money), None where none is exported: every cost is undefined then;
            a channel that occurs on one side only has a row of its own.

    Returns index channel (NULL last), dearest first, columns
        leads, target, non_target, unknown, and the columns of `intervals.with_share`
        won                     leads with outcome won
        conversion, conversion_low, conversion_high   won / leads, Wilson; unripe leads hold it down
        spend                   Decimal, exact
        spend_state             "spend", "no_spend" (0 or below), "spend_without_leads", or, for money that no
                                channel name connects with leads, "spend_without_channel"
        cpl                     spend / leads
        cost_per_target         cpl / (1 - share): unknown leads are taken as the known ones; it equals
                                spend / target where no verdict is unknown; NaN without target leads
        cost_per_target_low, cost_per_target_high   at the limits of share; NaN where there is none
        cac, cac_low, cac_high  spend / won, and at the Wilson limits of won / leads; NaN without wins
        cac_above               without wins only: spend / (leads x the upper Clopper-Pearson limit)
        wasted, wasted_low, wasted_high   spend x share and x its limits: an upper bound of the saving
    All ratios are NaN unless spend_state is "spend". Raises schema.DataError for spend in several currencies.
    """
    table = _join(_spent(spend), _brought(journeys_judged))
    table = intervals.with_share(table, level).assign(spend_state=_state)
    return _costs(table, level).sort_values(["spend", "leads"], ascending=False, kind="stable")


def _spent(spend: ibis.Table | None) -> pd.DataFrame:
    if spend is None:
        return pd.DataFrame(
            {"spend": pd.Series(dtype=object)}, index=pd.Index([], dtype="str", name="channel")
        )
    if "currency" in spend.columns:
        found = engine.frame(spend.filter(spend.currency.notnull()).select("currency").distinct())
        if len(found) > 1:
            names = ", ".join(sorted(found["currency"]))
            raise schema.DataError(
                f"spend is in several currencies ({names})", column="currency", fix="Convert it first."
            )
    cost = spend["cost"].cast("decimal(18,2)")
    channel = spend.channel.cast("string")  # a column that is NULL throughout has no type of its own
    spent = engine.frame(spend.group_by(channel=channel).aggregate(spend=cost.sum()))
    return spent.set_index("channel")


def _brought(judged: ibis.Table) -> pd.DataFrame:
    verdicts = {name: judged.count(where=judged.verdict == name) for name in schema.VERDICTS}
    won = judged.count(where=judged.outcome == "won")
    grouped = judged.group_by(channel=judged.channel.cast("string"))
    brought = engine.frame(grouped.aggregate(leads=judged.count(), won=won, **verdicts))
    return brought.set_index("channel")


def _join(spent: pd.DataFrame, brought: pd.DataFrame) -> pd.DataFrame:
    """One row per channel of either side; a missing channel (NULL) is one row."""
    names = spent.index.append(brought.index)
    names = names[~names.isna()].unique().sort_values().append(names[names.isna()][:1]).rename("channel")
    table = brought.reindex(names).fillna(0).astype("int64")
    money = [value if isinstance(value, Decimal) else Decimal(0) for value in spent["spend"].reindex(names)]
    return table.assign(spend=pd.Series(money, index=names, dtype=object))


def _state(table: pd.DataFrame) -> np.ndarray:
    paid = np.array([value > 0 for value in table["spend"]], bool)
    return np.select(
        [~paid, table.index.isna(), table["leads"] == 0],
        ["no_spend", "spend_without_channel", "spend_without_leads"],
        "spend",
    )


def _costs(table: pd.DataFrame, level: float) -> pd.DataFrame:
    spend = table["spend"].astype(float).where(table["spend_state"] == "spend")
    leads, won = table["leads"].where(table["leads"] > 0), table["won"].where(table["won"] > 0)
    cpl = spend / leads
    worst, best = (
        pd.Series(limit, table.index) for limit in intervals.wilson(table["won"], table["leads"], level)
    )
    _, ceiling = intervals.clopper_pearson(table["won"], table["leads"], level)
    return table.assign(
        conversion=table["won"] / leads,
        conversion_low=worst,
        conversion_high=best,
        cpl=cpl,
        cost_per_target=cpl / (1 - table["share"]).where(table["target"] > 0),
        cost_per_target_low=cpl / (1 - table["low"]),
        cost_per_target_high=cpl / (1 - table["high"]).where(table["target"] > 0),
        cac=spend / won,
        cac_low=(cpl / best).where(won.notna()),
        cac_high=(cpl / worst.where(worst > 0)).where(won.notna()),
        cac_above=(cpl / ceiling).where(won.isna()),
        wasted=spend * table["share"],
        wasted_low=spend * table["low"],
        wasted_high=spend * table["high"],
    )


@dataclass(frozen=True)
class Wasted:
    """Money spent on leads that were not ours: an upper bound of the saving, since marginal is not average.

    total      : sum over channels of spend x share, over `assigned` money; share = non_target / known.
    low, high  : interval of total.
    bound_low, bound_high : sums of spend x bound, unknown leads counted both ways; they also hold
                 channels where no lead is judged, which total cannot.
    spend      : all spend = assigned + unassigned. unassigned: no channel, no leads, or no judged leads.
    share      : total / assigned. channels: how many stand in total.
    """

    total: float
    low: float
    high: float
    bound_low: float
    bound_high: float
    share: float
    spend: Decimal
    assigned: Decimal
    unassigned: Decimal
    channels: int
    level: float


def wasted(acquisition: pd.DataFrame, level: float = 0.95, seed: int = 0, draws: int = 4000) -> Wasted:
    """The money that went to non-target leads over all channels, with its interval.

    acquisition : as `acquisition` returns. Interval: `draws` draws of each channel's share from Beta(x + 1/2,
    n - x + 1/2) (Jeffreys), summed over channels, percentiles; `seed` fixes them.
    """
    table = acquisition.sort_index(na_position="last")  # the order of rows must not move the draws
    paid = table[table["spend_state"] == "spend"]
    judged = paid[paid["known"] > 0]
    money, hits, known = (judged[name].to_numpy(float) for name in ("spend", "non_target", "known"))
    drawn = (
        np.random.default_rng(seed).beta(hits + 0.5, known - hits + 0.5, size=(draws, len(judged))) @ money
    )
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if len(judged) else (math.nan, math.nan)
    total = float(money @ (hits / known)) if len(judged) else math.nan
    bounds = [float((paid["spend"].astype(float) * paid[name]).sum()) for name in ("bound_low", "bound_high")]
    spend, assigned = (sum(part["spend"], Decimal(0)) for part in (table, judged))
    return Wasted(
        total, float(low), float(high), *bounds, total / float(assigned) if len(judged) else math.nan,
        spend, assigned, spend - assigned, len(judged), level,
    )  # fmt: skip
