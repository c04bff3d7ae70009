"""Which manager, department or channel wins more of its leads, without naming anybody on noise.

`cells` walks the leads once; everything else works on its small table. A group is named only where the groups differ at
all, its own difference survives the correction for having looked at many, and the difference is worth a talk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

MIN_GROUPS = 5  # fewer groups do not show how far groups spread
MIN_REST = 3  # groups that stay together as the rest when others have been named
OUTER = 0.998  # the outer limits of a funnel plot; the inner ones stand at the level


def fair_age(journeys: ibis.Table, ripe_days: int) -> int:
    """The age at which groups are compared: ripe_days, or the median age of all leads where fewer than half are ripe.

    Where sales take most of a year, waiting for ripe leads would leave nobody to compare; `cells` with `within` then
    asks what was won by an age that half of the leads have reached.
    """
    known = journeys.filter(journeys.age_days.notnull())
    counted = engine.frame(known.group_by("age_days").aggregate(leads=known.count())).sort_values("age_days")
    older = counted["leads"][::-1].cumsum()[::-1]  # leads of at least this age
    common = counted["age_days"][2 * older >= counted["leads"].sum()]
    return ripe_days if common.empty else min(ripe_days, int(common.max()))


def cells(
    journeys: ibis.Table, by: str, strata: Sequence[str] = (), ripe_days: int = 0, within: bool = False
) -> pd.DataFrame:
    """Wins of ripe leads per group, or per group and stratum; a group that is not stated (NULL) is a row of its own.

    journeys : needs outcome, age_days, `by` and `strata`. ripe_days : younger leads had no time to be won and stay
               out of trials, so that youth is not taken for weakness: pass the age at which lead to sale has settled.
    within   : count only wins of the first ripe_days (needs created_at and closed_at), so that old leads have no
               more time than young ones.

    Returns, in the order of names with NULL last, the columns
        trials  leads of at least ripe_days, the DENOMINATOR of a share; hits : how many of them were won
        open    of trials, those not yet decided; young : younger leads, in none of the other counts
    Without strata the index is `by`; with strata `by` and each stratum are the first columns, one row per cell.
    """
    names = [by, *strata]
    ripe = journeys.age_days >= ripe_days
    won = journeys.outcome == "won"
    if within:
        day = {
            name: journeys[name].truncate("D").epoch_seconds() // 86_400
            for name in ("created_at", "closed_at")
        }
        won = won & (day["closed_at"] - day["created_at"] <= ripe_days).fill_null(False)
    # A column that is NULL throughout has no type of its own.
    grouped = journeys.group_by(**{name: journeys[name].cast("string") for name in names})
    found = engine.frame(
        grouped.aggregate(
            trials=journeys.count(where=ripe),
            hits=journeys.count(where=ripe & won),
            open=journeys.count(where=ripe & (journeys.outcome == "open")),
            leads=journeys.count(),
        )
    )
    found["young"] = found.pop("leads") - found["trials"]
    found = found.sort_values(names, kind="stable", na_position="last", ignore_index=True)
    return found if strata else found.set_index(by)


def guard(
    table: pd.DataFrame, level: float = 0.95, min_group: int = 30, material: float = 0.05, seed: int = 0
) -> pd.DataFrame:
    """Everything a league table may say about each group, best estimate first; groups without a lead are left out.

    table : index the group, columns trials and hits (others are kept), as `cells` returns without strata.

    Returns the columns of `against_rest` (share, low, high, difference, named, needed, …), of `limits`, and
        estimate          the share drawn towards the common one: for ranks and colours, never for a verdict
        eb_low, eb_high   its beta quantiles; NaN where not separable: then only low and high are honest
        separable         False where fewer than MIN_GROUPS groups, or no difference between groups shows: then
                          estimate is the raw share
    Equal estimates stand by trials, then by name. Source of estimate: `intervals.beta_prior`.
    """
    table = limits(against_rest(table, level, min_group, material, seed), level)
    hits, trials = table["hits"], table["trials"]
    stated = table[table.index.notna()]
    prior = intervals.beta_prior(stated["hits"], stated["trials"]) if len(stated) >= MIN_GROUPS else None
    a, b = prior or (math.nan, math.nan)
    table["separable"] = prior is not None
    table["estimate"] = (hits + a) / (trials + a + b) if prior else table["share"]
    table["eb_low"], table["eb_high"] = (_beta(q, hits + a, trials - hits + b) for q in _tails(level))
    table = table.sort_index(kind="stable", na_position="last")
    return table.sort_values(["estimate", "trials"], ascending=False, kind="stable")


def _beta(q: float, a: pd.Series, b: pd.Series) -> pd.Series:
    from scipy import special

    return pd.Series(special.betaincinv(a.astype(float), b.astype(float), q), a.index)


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def limits(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The lines of a funnel plot: between which shares a group of this size lies by chance alone.

    table : as in `guard`. Adds whole (hits / trials of all stated groups), limit_low and limit_high (binomial quantiles
    around whole at the level, divided by trials), outer_low and outer_high (the same at OUTER).
    Source: Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202.
    """
    from scipy import stats

    stated = table[table.index.notna()]
    whole = stated["hits"].sum() / stated["trials"].sum() if stated["trials"].sum() else math.nan
    found, trials = table.assign(whole=whole), table["trials"].to_numpy(float)
    for name, at in (("limit", level), ("outer", OUTER)):
        for side, q in zip(("low", "high"), _tails(at), strict=True):
            found[f"{name}_{side}"] = stats.binom.ppf(q, trials, whole) / trials
    return found


def against_rest(
    table: pd.DataFrame, level: float = 0.95, min_group: int = 30, material: float = 0.05, seed: int = 0
) -> pd.DataFrame:
    """Each group against all other stated groups together; leads without a group are nobody's rest.

    table : as in `guard`. Returns groups with a lead, in the order of `table`, its columns and
        share, low, high, level        hits / trials with Wilson's interval
        rest_hits, rest_trials, rest_share        all other stated groups together
        difference, diff_low, diff_high   share - rest_share with Newcombe's interval; above 0 wins more than the rest
        excess       difference x trials: wins more, or fewer, than at the share of the rest
        compared     K, how many groups were compared: stated ones with min_group leads or more
        p_alike      p of `intervals.alike` over the groups compared (seeded): do they differ, taken together?
        p, p_adjusted   Fisher's exact test, two-sided; Holm's correction over the K groups. NaN if not compared
        named        whether the report may name the group: it was compared, p_adjusted < 1 - level, the interval of
                     the difference excludes 0, |difference| >= material, the rest has min_group leads, and all of
                     it holds too where surer named groups are taken out of the rest (while MIN_REST are left in
                     it): one star must not make everybody else look weak
        late         groups are stated mostly for leads that were won (`intervals.filled_by_outcome`): nothing is
                     compared then
        needed       leads more, in the group and in the rest alike, to tell a true difference of the size seen from
                     chance at level 1 - (1 - level) / K, power 80 %; 0 for named groups, NaN for equal shares

    Holm's first step is itself a test that all groups are alike, and one that sees a single group that differs more
    often than chi-square does; so p_alike is told, and not asked a second time.
    """
    found = table[table["trials"] > 0].copy()
    found["share"] = found["hits"] / found["trials"]
    found["low"], found["high"] = intervals.wilson(found["hits"], found["trials"], level)
    stated = pd.Series(found.index.notna(), found.index)
    late = intervals.filled_by_outcome(found["hits"], found["trials"], stated)
    chosen = stated & (found["trials"] >= min_group) & (not late)
    chosen &= chosen.sum() > 1
    found = _rest(found, stated, level)
    found["excess"] = found["difference"] * found["trials"]
    found["compared"], found["level"], found["late"] = int(chosen.sum()), level, late
    found["p_alike"] = intervals.alike(_both(found[chosen]), seed).p
    found["p"] = pd.Series(_fisher(found[chosen]), found.index[chosen.to_numpy()], dtype=float)
    found["p_adjusted"] = intervals.holm(found["p"])
    differs = _differs(found, min_group, material).where(found["p_adjusted"] < 1 - level, 0)
    found["named"] = _in_turn(found, differs, chosen, level, min_group, material)
    return found.assign(needed=_needed(found, level))


_REST = ["rest_hits", "rest_trials", "rest_share", "difference", "diff_low", "diff_high"]


def _rest(found: pd.DataFrame, crowd: pd.Series, level: float) -> pd.DataFrame:
    """Every group against the others of the crowd."""
    own = found[["hits", "trials"]].where(crowd, 0)
    rest_hits, rest = (own[name].sum() - own[name] for name in ("hits", "trials"))
    low, high = intervals.newcombe(found["hits"], found["trials"], rest_hits, rest, level)
    rest_share = rest_hits / rest.where(rest > 0)
    columns = (rest_hits, rest, rest_share, found["share"] - rest_share, low, high)
    return found.assign(**dict(zip(_REST, columns, strict=True)))


def _differs(found: pd.DataFrame, min_group: int, material: float) -> pd.Series:
    """-1 or 1 where the difference to the rest is no noise and large enough to talk about, else 0."""
    sure = (found["diff_low"] > 0) | (found["diff_high"] < 0)
    # 9/30 - 3/30 is below 0.2 in floating point, and is 0.2
    worth = (found["difference"].abs() >= material - 1e-12) & (found["rest_trials"] >= min_group)
    return np.sign(found["difference"]).where(sure & worth, 0)


def _in_turn(
    found: pd.DataFrame, differs: pd.Series, chosen: pd.Series, level: float, min_group: int, material: float
) -> pd.Series:
    """Name the surest first; the others must differ in the same direction from a rest without the named ones."""
    named = pd.Series(False, found.index)
    stated = pd.Series(found.index.notna(), found.index)
    for p in sorted(found.loc[differs != 0, "p"].unique()):  # groups of one p stand or fall together
        now = (differs != 0) & (found["p"] == p)
        if named.any() and (chosen & ~named & ~now).sum() >= MIN_REST:
            again = _rest(found, stated & ~named, level)[now]
            still = np.array(_fisher(again)) * (chosen & ~named).sum() < 1 - level
            now[now] = still & (_differs(again, min_group, material) == differs[now])
        named |= now
    return named


def _both(table: pd.DataFrame) -> np.ndarray:
    """Groups x (won, not won)."""
    return np.column_stack([table["hits"], table["trials"] - table["hits"]])


def _fisher(found: pd.DataFrame) -> list[float]:
    from scipy import stats

    columns = zip(*(found[name] for name in ("hits", "trials", "rest_hits", "rest_trials")), strict=True)
    return [float(stats.fisher_exact([[x, n - x], [y, m - y]]).pvalue) for x, n, y, m in columns]


def _needed(found: pd.DataFrame, level: float) -> list[float]:
    """See `against_rest`. The level is Bonferroni's: what the first step of Holm will ask."""
    strict = 1 - (1 - level) / max(int(found["compared"].max()), 1) if len(found) else level
    return [
        0.0 if named else _more(share, other, min(trials, rest), strict)
        for named, share, other, trials, rest in zip(
            found["named"],
            found["share"],
            found["rest_share"],
            found["trials"],
            found["rest_trials"],
            strict=True,
        )
    ]


def _more(share: float, other: float, have: int, level: float) -> float:
    if math.isnan(other) or share == other:
        return math.nan
    return float(max(intervals.leads_needed(other, share, level) - have, 0))
