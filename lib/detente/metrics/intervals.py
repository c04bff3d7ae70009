"""Intervals of shares and of their differences, tests, and the number of leads that a comparison needs.

Numbers in, numbers out. Every share of the reports gets its interval here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special  # its stats and optimize take half a second to import: only where they are used

Limits = tuple[np.ndarray, np.ndarray] | tuple[float, float]


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Limits:
    """Score interval of the share successes / trials.

    successes, trials : counts, scalars or arrays of one shape; 0 <= successes <= trials.
    level             : confidence, 0..1, two-sided.

    Returns (low, high) inside 0..1: floats for scalars, else arrays. No trials give (nan, nan).
    Raises ValueError for impossible counts or level.
    Source: Wilson (1927), JASA 22(158), 209-212: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    hits, total = _counts(successes, trials)
    z = _quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = hits / total
        middle = share + z**2 / (2 * total)
        reach = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
        scale = 1 + z**2 / total
        low, high = (middle - reach) / scale, (middle + reach) / scale
    return _limits(low, high, hits, total)


def clopper_pearson(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Limits:
    """Exact interval of the share successes / trials: covers at least `level`, for contractual disputes.

    Arguments, result and errors as in `wilson`.
    Source: Clopper and Pearson (1934), Biometrika 26, 404-413, by beta quantiles.
    """
    from scipy import stats

    hits, total = _counts(successes, trials)
    _quantile(level)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = stats.beta.ppf(tail, hits, total - hits + 1)
        high = stats.beta.ppf(1 - tail, hits + 1, total - hits)
    return _limits(low, high, hits, total)


def poisson(events: ArrayLike, level: float = 0.95) -> Limits:
    """Exact interval of the expected number of events, from the number that was seen.

    events : counts >= 0, scalar or array. Returns (low, high), low 0 where none was seen; arrays for arrays.
    Source: Garwood (1936), Biometrika 28, 437-442: quantiles of gamma(events) and gamma(events + 1).
    """
    seen = np.asarray(events, float)
    _quantile(level)
    tail = (1 - level) / 2
    low = np.where(seen > 0, special.gammaincinv(np.maximum(seen, 1), tail), 0.0)
    high = special.gammaincinv(seen + 1, 1 - tail)
    return (float(low), float(high)) if seen.ndim == 0 else (low, high)


def newcombe(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> Limits:
    """Interval of the difference x1/n1 - x2/n2 of two independent shares.

    Counts as in `wilson`. Returns (low, high) inside -1..1; (nan, nan) where a group has no trials.
    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10 (hybrid of two Wilson intervals,
    no continuity correction).
    """
    low1, high1 = (np.asarray(limit) for limit in wilson(x1, n1, level))
    low2, high2 = (np.asarray(limit) for limit in wilson(x2, n2, level))
    (hits1, total1), (hits2, total2) = _counts(x1, n1), _counts(x2, n2)
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2 = hits1 / total1, hits2 / total2
    low = p1 - p2 - np.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + np.hypot(high1 - p1, p2 - low2)
    return (float(low), float(high)) if low.ndim == 0 else (low, high)


def square_and_add(one: Sequence[float], two: Sequence[float]) -> tuple[float, float]:
    """Interval of the difference of two independent estimates, each given as (value, low, high).

    Source: Zou and Donner (2008), Statistics in Medicine 27, 1693-1702 (MOVER); with Wilson limits it is `newcombe`.
    """
    (value1, low1, high1), (value2, low2, high2) = one, two
    gap = value1 - value2
    low, high = math.hypot(value1 - low1, high2 - value2), math.hypot(high1 - value1, value2 - low2)
    return gap - low, gap + high


def greenwood(ended: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    """d / (Y(Y - d)) per age, 0 where all at risk ended: the terms of Greenwood's sum (1926)."""
    return np.where(at_risk > ended, ended / (at_risk * np.maximum(at_risk - ended, 1.0)), 0.0)


def curve_error(
    share: np.ndarray, before: np.ndarray, hits: np.ndarray, ended: np.ndarray, at_risk: np.ndarray
) -> np.ndarray:
    """Standard error per age of F_k, the share ended by one of several causes; at_risk is float.

    before = S just before each age, hits = ends by that cause, ended = by any cause.
    Source: Marubini and Valsecchi (1995), with ties: Var F_k(t) = Σ (F(t) - F_j)²·d/(Y(Y-d)) + Σ S²·d_k(Y-d_k)/Y³
    - 2Σ (F(t) - F_j)·S·d_k/Y², written as a square in F(t) so that one pass over the ages is enough.
    """
    ends, pull = greenwood(ended, at_risk), before * hits / at_risk**2
    own = before * pull * (1 - hits / at_risk)
    sums = (ends, ends * share + pull, ends * share**2 + 2 * pull * share + own)
    square, twice, once = (np.cumsum(part) for part in sums)
    return np.sqrt(np.maximum(share**2 * square - 2 * share * twice + once, 0))


def log_log(
    share: np.ndarray, error: np.ndarray, high_of_none: ArrayLike, low_of_all: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share estimated by a curve, with its standard error: share^exp(± z·error / (share ln share)).

    Where the share is 0 or 1 no such interval exists: the limits stated by the caller are taken.
    Source: Kalbfleisch and Prentice (1980) for survival, Pintilie (2006) for competing risks.
    """
    inside, none = (share > 1e-12) & (share < 1 - 1e-12), share <= 1e-12
    middle = np.where(inside, share, 0.5)
    reach = _quantile(level) * error / (middle * -np.log(middle))
    low, high = middle ** np.exp(reach), middle ** np.exp(-reach)
    low = np.where(inside, low, np.where(none, 0.0, low_of_all))
    return low, np.where(inside, high, np.where(none, high_of_none, 1.0))


def with_share(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The columns that every non-target share travels with.

    counts : columns leads, target, non_target, unknown; one row per group or rule.

    Returns a copy with the columns
        known      int    target + non_target, the DENOMINATOR of `share`
        share      float  non_target / known, NaN where nothing is known
        low, high  float  Wilson interval of `share`
        level      float
        bound_low  float  non_target / leads: every unknown lead counted as target
        bound_high float  (non_target + unknown) / leads: every unknown lead counted as non-target
    Unknown leads stay out of the headline: counted as target they flatter marketing, as non-target sales.
    Source of the bounds: Manski (1989), worst cases of missing outcomes.
    """
    known = counts["target"] + counts["non_target"]
    low, high = wilson(counts["non_target"], known, level)
    leads = counts["leads"].where(counts["leads"] > 0)
    return counts.assign(
        known=known,
        share=counts["non_target"] / known.where(known > 0),
        low=low,
        high=high,
        level=level,
        bound_low=counts["non_target"] / leads,
        bound_high=(counts["non_target"] + counts["unknown"]) / leads,
    )


def leads_needed(p0: float, p1: float, level: float = 0.95, power: float = 0.8) -> int:
    """Leads per arm after which a change of a share from p0 to p1 is seen with probability `power`.

    Returns whole leads, rounded up. Raises ValueError for equal shares: no number of leads tells them apart.
    Source: normal approximation of two proportions, ((z·sqrt(2p̄q̄) + z_power·sqrt(p0q0 + p1q1)) / (p1 - p0))².
    """
    if p0 == p1:
        raise ValueError("the two shares are equal: no number of leads tells them apart")
    return math.ceil(_needed(p0, p1, level, power) - 1e-9)


def detectable(p0: float, leads: int, level: float = 0.95, power: float = 0.8) -> float:
    """The smallest share above p0 that `leads` per arm would show with probability `power`; NaN if none is.

    The inverse of `leads_needed`.
    """
    if not 0 <= p0 < 1 or leads < 1 or _needed(p0, 1.0, level, power) > leads:
        return math.nan
    from scipy import optimize

    nearest = p0 + (1 - p0) * 1e-9
    return float(optimize.brentq(lambda p1: _needed(p0, p1, level, power) - leads, nearest, 1.0))


def holm(p: ArrayLike) -> np.ndarray:
    """p-values corrected for having looked at all of them; NaN stays NaN and counts for nothing.

    Source: Holm (1979), step-down: the k-th smallest of m times m - k + 1, never falling, at most 1.
    """
    given = np.asarray(p, float)
    order = np.argsort(given)  # NaN last
    found = int((~np.isnan(given)).sum())
    steps = np.full(len(given), np.nan)
    steps[order[:found]] = np.minimum(
        np.maximum.accumulate(given[order[:found]] * np.arange(found, 0, -1)), 1
    )
    return steps


@dataclass(frozen=True)
class Alike:
    """Test of one common distribution over groups.

    method : "chi2", "fisher" (two groups, two outcomes), "monte_carlo", or "none" (fewer than two groups).
    statistic : Pearson's, with df; p by the method named. groups, outcomes : compared, those without a lead left out.
    smallest  : the smallest expected count. strength : Cramér's V, 0..1.
    """

    statistic: float
    df: int
    p: float
    method: str
    groups: int
    outcomes: int
    smallest: float
    strength: float


def alike(table: ArrayLike, seed: int = 0, draws: int = 9999) -> Alike:
    """Do groups differ at all? Groups x outcomes counts; rows and columns without a count are left out.

    Pearson's chi-square; where an expected count is below 5, Fisher's exact test for a 2 x 2 table, else `draws`
    tables with the margins fixed (seed stated), p = (1 + tables at least as extreme) / (1 + draws).
    A single outcome is no difference: p = 1. The order of rows moves nothing.
    """
    cells = np.asarray(table, "int64")
    cells = cells[cells.sum(axis=1) > 0][:, cells.sum(axis=0) > 0]
    cells = cells[np.lexsort(cells.T)] if cells.size else cells
    groups, outcomes = cells.shape
    if groups < 2:
        return Alike(math.nan, 0, math.nan, "none", groups, outcomes, math.nan, math.nan)
    rows, columns, all_leads = cells.sum(axis=1), cells.sum(axis=0), cells.sum()
    expected = np.outer(rows, columns) / all_leads
    df, smallest = (groups - 1) * (outcomes - 1), float(expected.min())
    if outcomes < 2:
        return Alike(0.0, 0, 1.0, "chi2", groups, outcomes, smallest, 0.0)
    statistic = float(((cells - expected) ** 2 / expected).sum())
    if smallest >= 5:
        method, p = "chi2", float(special.chdtrc(df, statistic))
    elif cells.shape == (2, 2):
        from scipy import stats

        method, p = "fisher", float(stats.fisher_exact(cells).pvalue)
    else:
        method, p = "monte_carlo", _drawn_p(cells, expected, statistic, seed, draws)
    strength = math.sqrt(statistic / (all_leads * (min(cells.shape) - 1)))
    return Alike(statistic, df, p, method, groups, outcomes, smallest, strength)


def _drawn_p(cells: np.ndarray, expected: np.ndarray, statistic: float, seed: int, draws: int) -> float:
    from scipy import stats

    tables = stats.random_table(cells.sum(axis=1), cells.sum(axis=0), seed=seed).rvs(draws)
    drawn = ((tables - expected) ** 2 / expected).sum(axis=(1, 2))
    return (1 + int((drawn >= statistic * (1 - 1e-9)).sum())) / (1 + draws)


LATE = 0.3  # filled so much more often for leads that were won: filled because they were won


def filled_by_outcome(hits: ArrayLike, trials: ArrayLike, stated: ArrayLike) -> bool:
    """Whether groups are stated mostly for leads that were won, so that a share of wins by group means nothing.

    hits, trials, stated (a flag) per group, the groups that are not stated among them. True where the share of stated
    leads among won ones is more than LATE above that among the others.
    """
    won, all_leads, known = np.asarray(hits, float), np.asarray(trials, float), np.asarray(stated, bool)
    other = all_leads - won
    if not (won.sum() and other.sum()):
        return False
    return bool(won[known].sum() / won.sum() - other[known].sum() / other.sum() > LATE)


class LogRank(NamedTuple):
    chi2: float
    df: int
    p: float


def log_rank(ended: np.ndarray, at_risk: np.ndarray) -> LogRank:
    """Do groups end at one pace? Counts per group (rows) and age (columns); a column has ends in some group.

    df = groups with expected ends - 1; where that is 0, chi2 and p are NaN.
    Source: Mantel (1966), Peto and Peto (1972): O - E per group with its hypergeometric variance matrix.
    """
    ends, whole = ended.sum(axis=0), at_risk.sum(axis=0)
    part, weight = at_risk / whole, ends * (whole - ends) / np.maximum(whole - 1.0, 1.0)
    expected = (part * ends).sum(axis=1)
    df = max(int((expected > 0).sum()) - 1, 0)
    if not df:
        return LogRank(math.nan, df, math.nan)
    variance = np.diag((part * weight).sum(axis=1)) - (part * weight) @ part.T
    gap = ended.sum(axis=1) - expected
    chi2 = float(gap @ np.linalg.pinv(variance, hermitian=True) @ gap)
    return LogRank(chi2, df, float(special.chdtrc(df, chi2)))


def beta_prior(successes: ArrayLike, trials: ArrayLike) -> tuple[float, float] | None:
    """What the shares of groups have in common, as a beta prior (a, b): (x + a) / (n + a + b) is a group's estimate.

    None where the likelihood is highest with (nearly) all groups alike, so that no difference shows. Nearly: a prior
    that outweighs all leads together would make a group surer than the pool is.
    Source: beta-binomial empirical Bayes, maximum of sum of ln B(a+x, b+n-x) - ln B(a, b).
    """
    hits, total = _counts(successes, trials)
    if not 0 < hits.sum() < total.sum():
        return None
    from scipy import optimize

    middle, heaviest = special.logit(hits.sum() / total.sum()), math.log(total.sum())
    bounds, fine = [(middle - 8, middle + 8), (-5.0, heaviest)], {"ftol": 1e-15, "gtol": 1e-9}
    starts = [(middle, weight) for weight in (0.0, heaviest / 2, heaviest - 0.1)]
    fits = [
        optimize.minimize(_unlikely, start, (hits, total), "L-BFGS-B", True, bounds=bounds, options=fine)
        for start in starts
    ]
    a, b, weight = _beta(min(fits, key=lambda fit: fit.fun).x)
    return (a, b) if math.log(weight) < heaviest - 0.05 else None


def _beta(place: np.ndarray) -> tuple[float, float, float]:
    """a, b and a + b from (logit of the mean, logarithm of the weight a + b)."""
    mean, weight = float(special.expit(place[0])), math.exp(place[1])
    return weight * mean, weight * (1 - mean), weight


def _unlikely(place: np.ndarray, hits: np.ndarray, total: np.ndarray) -> tuple[float, np.ndarray]:
    """Minus the log-likelihood of the beta-binomial, and its gradient over `place`."""
    a, b, weight = _beta(place)
    gain = (special.betaln(a + hits, b + total - hits) - special.betaln(a, b)).sum()
    both = special.psi(weight) - special.psi(weight + total)
    by_a = (special.psi(a + hits) - special.psi(a) + both).sum()
    by_b = (special.psi(b + total - hits) - special.psi(b) + both).sum()
    return -float(gain), -np.array([a * b / weight * (by_a - by_b), a * by_a + b * by_b])


def _needed(p0: float, p1: float, level: float, power: float) -> float:
    if not (0 <= p0 <= 1 and 0 <= p1 <= 1 and 0 < power < 1):
        raise ValueError("shares lie in 0..1 and power strictly between 0 and 1")
    middle = (p0 + p1) / 2
    noise = _quantile(level) * math.sqrt(2 * middle * (1 - middle))
    noise += special.ndtri(power) * math.sqrt(p0 * (1 - p0) + p1 * (1 - p1))
    return float((noise / (p1 - p0)) ** 2)


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies strictly between 0 and 1, not at {level}")
    return float(special.ndtri((1 + level) / 2))


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    hits, total = np.broadcast_arrays(np.asarray(successes, float), np.asarray(trials, float))
    if (hits < 0).any() or (hits > total).any():
        raise ValueError("counts must hold 0 <= successes <= trials")
    return hits, total


def _limits(low: np.ndarray, high: np.ndarray, hits: np.ndarray, total: np.ndarray) -> Limits:
    """Ends that are exactly 0 or 1 where the share is, and nan where there is nothing to divide by."""
    low = np.where(hits == 0, 0.0, np.clip(low, 0, 1))
    high = np.where(hits == total, 1.0, np.clip(high, 0, 1))
    low, high = np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan)
    return (float(low), float(high)) if low.ndim == 0 else (low, high)
