"""Which groups bring leads that are not ours, and do they differ at all.

`counts` walks the leads once; everything else works on its small table, so its cost does not grow with rows.
Column `channel` below stands for any column of the journeys.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from detente import engine, schema
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Criterion

MIN_GROUPS = 5  # fewer groups do not show how far groups spread


def counts(judged: ibis.Table, by: str) -> pd.DataFrame:
    """Verdicts per group, in the order of the group's name; a group that is not stated (NULL) comes last.

    Returns index `by`, columns leads, target, non_target, unknown, known (= target + non_target).
    """
    verdicts = {name: judged.count(where=judged.verdict == name) for name in schema.VERDICTS}
    grouped = engine.frame(judged.group_by(by).aggregate(leads=judged.count(), **verdicts))
    grouped["known"] = grouped["target"] + grouped["non_target"]
    return grouped.set_index(by).sort_index(kind="stable", na_position="last")


def share_by(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The share of non-target leads per group, worst first; groups where nothing is known come last.

    counts : as `counts` returns. Adds share (DENOMINATOR: known), low, high, level, bound_low, bound_high;
    see `intervals.with_share`. Equal shares stand by known leads, then by name.
    """
    shares = intervals.with_share(counts, level).sort_index(kind="stable", na_position="last")
    return shares.sort_values(["share", "known"], ascending=False, kind="stable", na_position="last")


@dataclass(frozen=True)
class Homogeneity:
    """Do the groups differ at all?

    method : "chi2", "fisher" (two groups), "monte_carlo", or "none" (one group).
    groups compared, left_out = groups without a known verdict; smallest = smallest expected count.
    statistic is Pearson's chi-square with df = groups - 1; p by the method named.
    """

    statistic: float
    df: int
    p: float
    method: str
    groups: int
    left_out: int
    smallest: float


def homogeneity(counts: pd.DataFrame, seed: int = 0) -> Homogeneity:
    """Test of one common non-target share over groups with known leads.

    The test is `intervals.alike`: Pearson's chi-square, or an exact or drawn one where expected counts are small.
    """
    table = counts.loc[counts["known"] > 0, ["non_target", "known"]].to_numpy("int64")
    test = intervals.alike(np.column_stack([table[:, 0], table[:, 1] - table[:, 0]]), seed)
    groups = len(table)
    return Homogeneity(
        test.statistic, max(groups - 1, 0), test.p, test.method, groups, len(counts) - groups, test.smallest
    )


def against_rest(
    counts: pd.DataFrame, level: float = 0.95, min_group: int = 30, material: float = 0.05
) -> pd.DataFrame:
    """Each group against all other groups together, largest difference first.

    Returns index as `counts`, groups with known leads only, and the columns
        leads, known, non_target, share   of the group (DENOMINATOR: known)
        rest_known, rest_share            of all other groups together
        difference, low, high, level      share - rest_share with Newcombe's interval
        excess       difference x known: leads more, or fewer, than at the rest's share
        p, p_holm    Fisher's exact test, and Holm's correction over all groups compared
        compared     how many groups were compared
        named        whether the report may name the group: homogeneity is refused first, Holm p < 1 - level,
                     the interval excludes 0, |difference| >= material, and both the group and the rest have
                     min_group known leads
    `difference` > 0 means more non-target leads than elsewhere; groups are named on both sides.
    """
    table = counts.loc[counts["known"] > 0, ["leads", "known", "non_target"]].copy()
    hits, known = table["non_target"], table["known"]
    rest_hits, rest_known = hits.sum() - hits, known.sum() - known
    low, high = intervals.newcombe(hits, known, rest_hits, rest_known, level)
    p = np.array([_fisher(*row) for row in zip(hits, known, rest_hits, rest_known, strict=True)], float)
    share, rest_share = hits / known, rest_hits / rest_known.where(rest_known > 0)
    table = table.assign(
        share=share,
        rest_known=rest_known,
        rest_share=rest_share,
        difference=share - rest_share,
        excess=(share - rest_share) * known,
        low=low,
        high=high,
        p=p,
        p_holm=intervals.holm(p),
        compared=len(table) if len(table) > 1 else 0,
        level=level,
    )
    sure = (table["p_holm"] < 1 - level) & ((table["low"] > 0) | (table["high"] < 0))
    enough = (table[["known", "rest_known"]] >= min_group).all(axis=1) & (homogeneity(counts).p < 1 - level)
    # 9/30 - 3/30 is below 0.2 in floating point, and is 0.2
    table["named"] = sure & enough & (table["difference"].abs() >= material - 1e-12)
    table = table.sort_index(kind="stable", na_position="last")
    return table.sort_values("difference", ascending=False, kind="stable", na_position="last")


def _fisher(hits: int, known: int, rest_hits: int, rest_known: int) -> float:
    if not rest_known:
        return math.nan
    return float(stats.fisher_exact([[hits, known - hits], [rest_hits, rest_known - rest_hits]]).pvalue)


def shrunk(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Shares drawn towards what the groups have in common, so that no small group leads by luck: for ranks.

    Returns `share_by` and the columns
        estimate           (non_target + a) / (known + a + b); the raw share where groups are not separable
        eb_low, eb_high    beta quantiles of the estimate; NaN where not separable: use low, high
        rank, raw_rank     1 = worst, by estimate and by raw share
        whole              the share of all groups together, the same in every row
        prior_a, prior_b   beta prior by maximum likelihood, NaN where not separable
        status             "ok", "few_groups" (fewer than MIN_GROUPS known groups), or "one_share" (no
                           difference between groups shows: the prior would outweigh all leads)
        separable          status is "ok"
    Sorted by rank. Source: beta-binomial empirical Bayes, sum of ln B(a+x, b+n-x) - ln B(a, b).
    """
    table = share_by(counts, level)
    hits, known = table["non_target"], table["known"]
    judged = known > 0
    fitted = intervals.beta_prior(hits[judged], known[judged])
    status = "few_groups" if judged.sum() < MIN_GROUPS else "ok" if fitted else "one_share"
    a, b = fitted if status == "ok" and fitted else (math.nan, math.nan)
    tail = (1 - level) / 2
    estimate = ((hits + a) / (known + a + b)).where(judged) if status == "ok" else table["share"]
    eb_low, eb_high = (
        pd.Series(stats.beta.ppf(q, hits + a, known - hits + b), table.index).where(judged)
        for q in (tail, 1 - tail)
    )
    table = table.assign(estimate=estimate, eb_low=eb_low, eb_high=eb_high, prior_a=a, prior_b=b)
    table["rank"], table["raw_rank"] = (
        table[name].rank(ascending=False, method="min") for name in ("estimate", "share")
    )
    whole = hits.sum() / known.sum() if known.sum() else math.nan
    table = table.assign(separable=status == "ok", status=status, whole=whole)
    return table.sort_values("estimate", ascending=False, kind="stable", na_position="last")


@dataclass(frozen=True)
class Trend:
    """Does the non-target share drift over months? status: "ok", or "cannot_tell" (too few months).

    months with known leads, needed = the fewest allowed; z and two-sided p by Cochran-Armitage;
    slope = change of the share per month (0..1 scale) with a normal interval; first, last = the months.
    left_out = months without a known verdict, or leads without a month.
    """

    status: str
    months: int
    needed: int
    z: float
    p: float
    slope: float
    low: float
    high: float
    level: float
    first: str
    last: str
    left_out: int


def trend(counts_by_month: pd.DataFrame, min_months: int = 6, level: float = 0.95) -> Trend:
    """The drift of the share of non-target leads (DENOMINATOR: known) over months written YYYY-MM.

    counts_by_month : `counts(judged, "month")`, ripe months only: the caller leaves young ones out.
    """
    known = counts_by_month[(counts_by_month["known"] > 0) & counts_by_month.index.notna()].sort_index()
    left_out, names = len(counts_by_month) - len(known), [str(name) for name in known.index]
    ends = {"first": names[0], "last": names[-1]} if names else {"first": "", "last": ""}
    fixed = {"months": len(known), "needed": min_months, "level": level, "left_out": left_out} | ends
    if len(known) < max(min_months, 2):
        return Trend(
            status="cannot_tell", z=math.nan, p=math.nan, slope=math.nan, low=math.nan, high=math.nan, **fixed
        )
    order = [int(name[:4]) * 12 + int(name[5:7]) for name in names]  # a missing month keeps its place
    z, p, slope, error = cochran_armitage(known["non_target"], known["known"], order)
    reach = stats.norm.ppf((1 + level) / 2) * error
    return Trend(status="ok", z=z, p=p, slope=slope, low=slope - reach, high=slope + reach, **fixed)


def cochran_armitage(
    successes: Sequence[int], trials: Sequence[int], scores: Sequence[float]
) -> tuple[float, ...]:
    """Test of a linear trend of shares over scores: (z, two-sided p, slope per score, its standard error).

    z = sum x(t - mean t) / sqrt(p(1-p) sum n(t - mean t)²), mean t weighted by trials. With no variation
    at all (every share 0 or every share 1) z = 0 and p = 1. Source: Armitage (1955), Biometrics 11, 375-386.
    """
    hits, total, score = (np.asarray(values, float) for values in (successes, trials, scores))
    pool, centred = hits.sum() / total.sum(), score - np.average(score, weights=total)
    spread = float((total * centred**2).sum())
    if pool in (0, 1) or spread == 0:
        return 0.0, 1.0, 0.0, 0.0
    drift, noise = float((hits * centred).sum()), math.sqrt(pool * (1 - pool) * spread)
    z = drift / noise
    return z, float(2 * stats.norm.sf(abs(z))), drift / spread, noise / spread


def by_criterion_and(judged: ibis.Table, by: str, criteria: Sequence[Criterion]) -> pd.DataFrame:
    """Criterion by group: who fails what?

    Returns one row per criterion (stated order) and group (by name, NULL last): criterion, group, leads,
    fails, known (passes or fails, the DENOMINATOR of share), share (NaN if none). Pivot it for a picture.
    """
    columns = ["criterion", "group", "leads", "fails", "known", "share"]
    if not criteria:
        return pd.DataFrame(columns=columns)
    cells = {}
    for item in criteria:
        check = judged[f"check_{item.id}"]
        cells |= {f"fails.{item.id}": judged.count(where=check == "fail")}
        cells |= {f"known.{item.id}": judged.count(where=check != "unknown")}
    grouped = engine.frame(judged.group_by(by).aggregate(leads=judged.count(), **cells))
    grouped = grouped.sort_values(by, kind="stable", na_position="last")
    parts = [
        pd.DataFrame({
            "criterion": item.id, "group": grouped[by], "leads": grouped["leads"],
            "fails": grouped[f"fails.{item.id}"], "known": grouped[f"known.{item.id}"],
        })
        for item in criteria
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    return table.assign(share=table["fails"] / table["known"].where(table["known"] > 0))[columns]
