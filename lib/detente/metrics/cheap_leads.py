"""Cheaper leads, dearer clients: CPL against CAC, before and after, at equal age.

A price per lead may fall because the leads are worse. CAC = CPL / (share of leads that buy), so that a CPL tells
nothing of a CAC while that share moves. Two halves of the period are compared, with wins counted within the same
number of days from each lead's creation: else the older half would win more for being older.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

DAY = 86_400


# --- two periods of anything ---
@dataclass(frozen=True)
class Side:
    """Money spent in one window, the leads it brought, and how many of them were won at the same age."""

    spend: float
    leads: int
    won: int


@dataclass(frozen=True)
class Compared:
    """Before against after. ln_cac = ln_cpl - ln_conversion, exactly: the identity behind the trick.

    cpl, cac, conversion : (before, after), NaN where nothing is to divide by. cac_limits : exact Poisson limits of
    each; conversion_limits : Wilson. cac_above : without wins, spend / upper Clopper-Pearson expectation.
    ratio, low, high : CAC after / before with its exact interval. p two-sided, p_dearer one-sided.
    difference : conversion after - before, with Newcombe's interval; fisher : exact p of the two conversions.
    break_even : the conversion after at which CAC would be that of before; wins_needed = break_even x leads.
    """

    cpl: tuple[float, float]
    cac: tuple[float, float]
    cac_limits: tuple[tuple[float, float], tuple[float, float]]
    cac_above: tuple[float, float]
    conversion: tuple[float, float]
    conversion_limits: tuple[tuple[float, float], tuple[float, float]]
    ln_cac: float
    ln_cpl: float
    ln_conversion: float
    ratio: float
    low: float
    high: float
    p: float
    p_dearer: float
    difference: float
    difference_low: float
    difference_high: float
    fisher: float
    break_even: float
    wins_needed: float
    level: float


def compare(before: Side, after: Side, level: float = 0.95) -> Compared:
    """What became of the price of a lead and of a client.

    Source: identity CAC = CPL / conversion; wins after, given all wins, are binomial with share
    spend_after / spend_both if a rouble wins alike (Przyborowski and Wilenski 1940).
    """
    from scipy import stats

    sides = (before, after)
    cpl, cac = (tuple(_over(side.spend, getattr(side, name)) for side in sides) for name in ("leads", "won"))
    rates = tuple(_over(side.won, side.leads) for side in sides)
    ratio, low, high, p, p_dearer = rise(before.won, after.won, before.spend, after.spend, level)
    odds = [[side.won, side.leads - side.won] for side in sides]
    gap = intervals.newcombe(after.won, after.leads, before.won, before.leads, level)
    even = _over(cpl[1], cac[0])
    return Compared(
        cpl, cac, tuple(_limits(side, level) for side in sides), tuple(_above(side, level) for side in sides),
        rates, tuple(intervals.wilson(side.won, side.leads, level) for side in sides),
        _log(cac[1], cac[0]), _log(cpl[1], cpl[0]), _log(rates[1], rates[0]), ratio, low, high, p, p_dearer,
        rates[1] - rates[0], *gap, float(stats.fisher_exact(odds).pvalue), even, even * after.leads, level,
    )  # fmt: skip


def _over(one: float, two: float) -> float:
    return one / two if two > 0 else math.nan


def _log(one: float, two: float) -> float:
    return math.log(one / two) if one > 0 and two > 0 else math.nan


def _limits(side: Side, level: float) -> tuple[float, float]:
    fewest, most = intervals.poisson(side.won, level)
    return (side.spend / most, side.spend / fewest) if side.won else (math.nan, math.nan)


def _above(side: Side, level: float) -> float:
    if side.won or not side.leads:
        return math.nan
    return side.spend / (side.leads * intervals.clopper_pearson(0, side.leads, level)[1])


def rise(
    won0: int, won1: int, spend0: float, spend1: float, level: float = 0.95
) -> tuple[float, float, float, float, float]:
    """Cost per win after / before: (ratio, low, high, two-sided p, one-sided p of having risen); NaN: undefined."""
    both = int(won0 + won1)
    if not both or spend0 <= 0 or spend1 <= 0:
        return (math.nan,) * 5
    from scipy import stats

    part, scale = spend1 / (spend0 + spend1), spend1 / spend0
    least, most = intervals.clopper_pearson(won1, both, level)
    ratio = scale * won0 / won1 if won0 and won1 else math.nan
    low, high = (scale * (1 - share) / share if share > 0 else math.nan for share in (most, least))
    p = float(stats.binomtest(int(won1), both, part).pvalue)
    return ratio, low, high, p, float(special.bdtr(int(won1), both, part))


# --- the two halves of a period ---
@dataclass(frozen=True)
class Windows:
    """Two stretches of equal length, one after the other, whose leads are all old enough.

    before, after : (first day, last day). days : of each. age : wins are counted within so many days of creation.
    table : one row per channel (index, NaN: not stated), with for each window (0 before, 1 after)
        spend (Decimal), leads, known (with a verdict), target, won, returning (wins of clients who had bought
        before), undated (won, but nobody knows when: in no count)
    """

    before: tuple[dt.date, dt.date]
    after: tuple[dt.date, dt.date]
    days: int
    age: int
    table: pd.DataFrame

    @property
    def undated(self) -> int:
        """Wins of both windows that are in no count, because nobody knows when they came."""
        return int(self.table[["undated0", "undated1"]].to_numpy().sum())


NAMES = ("leads", "known", "target", "won", "returning", "undated")


def judging_age(
    judged: ibis.Table, since: dt.date, as_of: dt.date, ripe_days: int = 30, part: float = 0.8
) -> int:
    """At which age leads are compared: by then `part` of all wins have come; at most a third of the time since.

    Any age is fair, it is the same for both windows; a later one counts more wins and fewer leads.
    """
    won = judged.filter((judged.outcome == "won") & judged.closed_at.notnull())
    counts = engine.frame(won.group_by(days=_days_to_win(won)).aggregate(won=won.count())).sort_values("days")
    longest = max(ripe_days, (as_of - since).days // 3)
    if counts.empty:
        return ripe_days
    reached = counts["won"].cumsum() >= part * counts["won"].sum()
    return int(min(max(counts["days"][reached].iloc[0], ripe_days), longest))


def _days_to_win(judged: ibis.Table):
    """Whole days from the day of the creation to the day of the win."""
    apart = judged.closed_at.truncate("D").epoch_seconds() - judged.created_at.truncate("D").epoch_seconds()
    return (apart // DAY).cast("int64")


def windows(
    judged: ibis.Table, spent: pd.DataFrame | None, since: dt.date, until: dt.date, as_of: dt.date,
    age: int = 30, by: str = "channel",
) -> Windows:  # fmt: skip
    """The leads of the period that are at least `age` days old, in two halves of equal length.

    spent : as `ad_days.daily` returns, by the same column. An odd first day is left out. The youngest lead is just
    `age` days old, so that wins later than this after the creation count in neither half.
    """
    last = min(until, as_of - dt.timedelta(days=age))
    days = max(((last - since).days + 1) // 2, 0)
    middle = last - dt.timedelta(days=days)
    after = (middle + dt.timedelta(days=1), last)
    before = (middle - dt.timedelta(days=days - 1), middle)
    led = _won_in(judged, before, after, age, by)
    money = {f"spend{at}": _spent(spent, window) for at, window in enumerate((before, after))}
    names = sorted({name for part in (led, *money.values()) for name in part.index if isinstance(name, str)})
    index = pd.Index([*names, None], dtype=object, name=by)
    table = led.reindex(index).fillna(0).astype("int64")
    for name, sums in money.items():
        table[name] = pd.Series([sums.get(key, Decimal(0)) for key in index], index, dtype=object)
    spends = table[["spend0", "spend1"]].map(bool).any(axis=1)
    table = table[spends | (table[["leads0", "leads1"]].sum(axis=1) > 0)]
    return Windows(before, after, days, age, table)


def _won_in(judged: ibis.Table, before: tuple, after: tuple, age: int, by: str) -> pd.DataFrame:
    import ibis

    day = judged.created_at.truncate("D")
    won = judged.outcome == "won"
    in_time = won & (_days_to_win(judged) <= age).fill_null(False)
    counts = {
        "leads": ibis.literal(True), "known": judged.verdict != "unknown", "target": judged.verdict == "target",
        "won": in_time, "returning": in_time & judged.returning.fill_null(False),
        "undated": won & judged.closed_at.isnull(),
    }  # fmt: skip
    inside = [(day >= ibis.timestamp(str(a))) & (day <= ibis.timestamp(str(b))) for a, b in (before, after)]
    cells = {
        f"{name}{at}": judged.count(where=inside[at] & mask) for name, mask in counts.items() for at in (0, 1)
    }
    found = engine.frame(judged.group_by(name=judged[by].cast("string")).aggregate(**cells))
    found.index = pd.Index([x if isinstance(x, str) else None for x in found.pop("name")], dtype=object)
    return found


def _spent(spent: pd.DataFrame | None, window: tuple[dt.date, dt.date]) -> pd.Series:
    if spent is None:
        return pd.Series(dtype=object)
    rows = spent[(spent["day"] >= window[0]) & (spent["day"] <= window[1])]
    key = [name if isinstance(name, str) else None for name in rows["group"]]
    sums: dict[str | None, Decimal] = {}
    for name, cost in zip(key, rows["cost"], strict=True):
        sums[name] = sums.get(name, Decimal(0)) + cost
    return pd.Series(sums, dtype=object)


# --- who pays more per client for cheaper leads ---
def detect(
    windows: Windows, cheaper: float = 0.10, few_wins: int = 5, trick_p: float = 0.10, level: float = 0.95
) -> pd.DataFrame:
    """Which channels got cheaper leads and dearer clients. One row per channel with spend and leads in both windows.

    Returns index channel and leads0, leads1, won0, won1, spend0, spend1, cpl0, cpl1, cpl_ratio, conversion0 and 1,
    rarer (conversion before / after), cac0, cac1, ratio, low, high (CAC after / before, exact limits), break_even (the
    conversion after at which CAC would not have moved), target_cost0 and 1 (cpl / share of targets among leads with a
    verdict) and target_ratio, p_dearer (one-sided; wins without a date are counted as won in the later window, so that
    they cannot accuse), p_target (the same test on target leads), both with Holm's correction over the rows that
    can be judged: p_dearer_holm, p_target_holm; judged: how many rows; flag
        "swap"       CPL fell by `cheaper` or more, CAC rose, corrected p_dearer < trick_p, few_wins in each window
        "hidden"     CPL fell so, and a target lead became dearer, corrected p_target < trick_p
        "too_early"  fewer than few_wins in a window
        "none"       nothing of this kind shows
    """
    table = windows.table
    rows = table[table[["spend0", "spend1"]].astype(float).min(axis=1) > 0]
    rows = rows[(rows[["leads0", "leads1"]].min(axis=1) > 0) & rows.index.notna()]
    found = [_one(row, level) for row in rows.to_dict("records")]
    found = pd.DataFrame(found, rows.index, columns=_ONE).join(
        rows[[f"{n}{at}" for n in NAMES for at in (0, 1)]]
    )
    enough = found[["won0", "won1"]].min(axis=1) >= few_wins
    for name, mask in (("p_dearer", enough), ("p_target", found["target0"] + found["target1"] > 0)):
        found[f"{name}_holm"] = intervals.holm(found[name].where(mask))
    fell = found["cpl_ratio"] <= 1 - cheaper + 1e-12
    swap = fell & enough & (found["ratio"] > 1) & (found["p_dearer_holm"] < trick_p)
    dearer_target = found["target_cost1"] > found["target_cost0"]
    hidden = fell & dearer_target & (found["p_target_holm"] < trick_p)
    found["flag"] = np.select([swap, hidden, ~enough], ["swap", "hidden", "too_early"], "none")
    rarer = found["conversion0"] / found["conversion1"].where(found["conversion1"] > 0)
    dearer = found["target_cost1"] / found["target_cost0"]
    even = found["cpl1"] / found["cac0"]
    found = found.assign(judged=int(enough.sum()), rarer=rarer, break_even=even, target_ratio=dearer)
    order = found.assign(
        rank=found["flag"].map({"swap": 0, "hidden": 1, "none": 2, "too_early": 3}), more=-found["spend1"]
    )
    return found.loc[order.sort_values(["rank", "more"], kind="stable").index]


_ONE = (
    "spend0", "spend1", "cpl0", "cpl1", "cpl_ratio", "conversion0", "conversion1", "cac0", "cac1", "ratio", "low",
    "high", "p_dearer", "target_cost0", "target_cost1", "p_target",
)  # fmt: skip


def _one(row: dict, level: float) -> list[float]:
    spend = [float(row["spend0"]), float(row["spend1"])]
    cpl, cac, rate = (
        [_over(a, b) for a, b in zip(one, two, strict=True)]
        for one, two in (
            (spend, _pair(row, "leads")), (spend, _pair(row, "won")), (_pair(row, "won"), _pair(row, "leads"))
        )
    )  # fmt: skip
    ratio, low, high, *_ = rise(*_pair(row, "won"), *spend, level)
    late = row["won1"] + row["undated0"] + row["undated1"]
    p_dearer = rise(row["won0"], late, *spend, level)[4]
    known = [_over(a, b) for a, b in zip(_pair(row, "known"), _pair(row, "leads"), strict=True)]
    judged_spend = [money * part for money, part in zip(spend, known, strict=True)]
    target = [_over(a, b) for a, b in zip(judged_spend, _pair(row, "target"), strict=True)]
    p_target = rise(*_pair(row, "target"), *judged_spend, level)[4]
    return [*spend, *cpl, _over(cpl[1], cpl[0]), *rate, *cac, ratio, low, high, p_dearer, *target, p_target]


def _pair(row: dict, name: str) -> list[int]:
    return [row[f"{name}0"], row[f"{name}1"]]


# --- a cost per client that is one per lead ---
def really_a_cpl(
    claimed_cac: float | None, spend: float, leads: int, target: int = 0, won: int = 0, *, clients: int = 0,
    new: int = 0, full: float = 0.0, tolerance: float = 0.02,
) -> pd.DataFrame:  # fmt: skip
    """What the stated CAC is: the same money over each denominator. `full`: all costs of winning clients.

    Returns rows name ("leads", "target", "won", "clients", "new", "full" = full / won, "full_new"), money, count,
    value (money / count, NaN without any), off (claimed / value - 1), same: |off| <= tolerance, as a stated number is
    rounded. Denominators that are not known (0) are left out, except leads and won.
    """
    kinds = [("leads", spend, leads), ("target", spend, target), ("won", spend, won), ("clients", spend, clients),
             ("new", spend, new), ("full", full, won), ("full_new", full, new)]  # fmt: skip
    rows = [kind for kind in kinds if kind[0] in ("leads", "won") or (kind[2] and kind[1])]
    table = pd.DataFrame(rows, columns=["name", "money", "count"])
    value = table["money"].where(table["money"] > 0) / table["count"].where(table["count"] > 0)
    off = (claimed_cac or math.nan) / value - 1
    return table.assign(value=value, off=off, same=off.abs() <= tolerance)


def denominators(
    claimed_cac: float | None,
    paid: pd.DataFrame,
    whole: pd.DataFrame,
    full: float = 0.0,
    tolerance: float = 0.02,
) -> pd.DataFrame:
    """`really_a_cpl` of the channels with spend ("paid") and of all leads ("all"), in a column scope before it.

    paid, whole : one row each of `economics` (none: no such rows); `full` belongs to the whole.
    """
    found = []
    for scope, table in (("paid", paid), ("all", whole)):
        for row in table.head(1).to_dict("records"):
            counts = {
                "clients": row["clients"],
                "new": row["new_clients"],
                "full": full if scope == "all" else 0.0,
            }
            one = really_a_cpl(
                claimed_cac,
                float(row["spend"]),
                row["leads"],
                row["target"],
                row["won"],
                **counts,
                tolerance=tolerance,
            )
            found.append(one.assign(scope=scope))
    table = pd.concat(found, ignore_index=True) if found else really_a_cpl(None, 0, 0).assign(scope="all")
    return table[["scope", *[name for name in table if name != "scope"]]]
