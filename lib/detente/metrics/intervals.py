"""Intervals of shares and of their differences, and the number of leads that a comparison needs.

Numbers in, numbers out. Every share of the reports gets its interval here and nowhere else.
"""

from __future__ import annotations

import math

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
