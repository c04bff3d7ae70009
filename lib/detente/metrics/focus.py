"""Do all departments work for the same segment: how far the shares of money, marketing and sales lie apart.

Works on the small tables of `effort.profile`. A share is of what has a segment; a loss counts as a share of 0, for a
segment that loses money deserves no work for its sake.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

MONEY = ("revenue", "margin")
DRAWS = 2000
FEW = 5  # fewer clients have no interval, fewer segments no test of their order
DEPARTMENTS = {  # whose work each resource shows
    "revenue": "money", "margin": "money", "spend": "marketing", "leads": "marketing", "minutes": "sales",
    "tasks": "sales", "open": "sales",
}  # fmt: skip
EXACT = 8  # segments up to which all orders are tried
DARK = 0.5  # more of the money or of the work has no segment: shares of the rest say nothing of the whole


def dissimilarity(p: Mapping | ArrayLike, q: Mapping | ArrayLike) -> float:
    """The share that would have to be moved for q to equal p: half the sum of |p - q|, 0 (same) to 1.

    p, q : shares over the same segments, as mappings (a segment missing in one is 0) or in the same order. Raises
    ValueError where one does not sum to 1 within 1e-9, holds a negative share, or the lengths differ.
    Source: Duncan and Duncan (1955), American Sociological Review 20, 210-217; the total variation distance.
    """
    one, other = _aligned(p, q)
    return float(np.abs(one - other).sum() / 2)


def jsd(p: Mapping | ArrayLike, q: Mapping | ArrayLike) -> float:
    """The Jensen-Shannon divergence of two vectors of shares in bits, 0 (same) to 1; a share of 0 adds nothing.

    Arguments and errors as in `dissimilarity`. Source: Lin (1991), IEEE Trans. Inf. Theory 37, 145-151.
    """
    one, other = _aligned(p, q)
    middle = (one + other) / 2
    return float(sum(_bits(part, middle) for part in (one, other)) / 2)


def _bits(part: np.ndarray, whole: np.ndarray) -> float:
    used = part > 0
    return float((part[used] * np.log2(part[used] / whole[used])).sum())


def _aligned(p: Mapping | ArrayLike, q: Mapping | ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(p, Mapping) and isinstance(q, Mapping):
        names = sorted({*p, *q}, key=str)
        p, q = ([each.get(name, 0.0) for name in names] for each in (p, q))
    one, other = (np.asarray(each, float) for each in (p, q))
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError("two vectors of shares are compared over the same segments, in the same order")
    for each in (one, other):
        if not abs(each.sum() - 1) <= 1e-9 or (each < 0).any():
            raise ValueError(f"shares must be 0 or more and sum to 1, not to {each.sum():.6g}")
    return one, other


def parted(whole: float, into: tuple[float, float]) -> tuple[float, float]:
    """What one of the parts is worth, from least to most, where a whole has from into[0] to into[1] parts; or how many
    checks of a size between the two make up the whole. ValueError unless 0 < into[0] <= into[1].
    """
    few, many = into
    if not 0 < few <= many:
        raise ValueError("a whole is parted into a number above 0, the smaller one first")
    return whole / many, whole / few


def checks(profile: Any) -> pd.DataFrame:
    """The average order per segment (index; as in `effort.profile`): revenue (after returns, without VAT), orders,
    check = revenue / orders (NaN without orders)."""
    if "revenue" not in profile.amounts:
        return pd.DataFrame(columns=["revenue", "orders", "check"], dtype=float)
    table = profile.amounts[profile.amounts.index.notna()][["revenue", "orders"]].astype(float)
    return table.assign(check=table["revenue"] / table["orders"].where(table["orders"] > 0))


# --- two departments ---
@dataclass(frozen=True)
class Apart:
    """How far one resource lies from another over the segments that are known.

    value   : dissimilarity of their shares. low, high : its interval at `level` over clients, where `one` is money of
              at least FEW clients; the work is what was done and is taken as it is. divergence : `jsd`, in bits.
    verdict : "match" (below `match`), "torn" (above `torn`, the low end too), "attention" between; "" where there is
              nothing to compare.
    status  : "ok"; "cannot_tell": the interval holds a border and there are fewer than min_group clients, or nothing
              is known of one of them; or dark.
    n       : clients behind `one`, if it is money. rows : per segment (index), p and q (shares of one and other), index
              (p / q; NaN where q is 0), n (leads), most p first.
    total   : the known sum of `other`, moved = value x total: what would have to go to other segments.
    unknown, other_unknown : the part of one and other that has no segment.
    largest : the share of the known money that the largest client brought; without : value without his money; flips :
              whether that changes the verdict. NaN and False where `one` is no money.
    """

    one: str
    other: str
    value: float
    low: float
    high: float
    level: float
    divergence: float
    verdict: str
    status: str
    n: int
    rows: pd.DataFrame
    total: float
    moved: float
    unknown: float
    other_unknown: float
    largest: float
    without: float
    flips: bool
    dark: bool = False  # more than DARK of one of the two has no segment


def apart(
    profile: Any, one: str, other: str, match: float = 0.15, torn: float = 0.35, level: float = 0.95,
    min_group: int = 30, seed: int = 0,
) -> Apart:  # fmt: skip
    """How far `other` lies from `one`: columns of `effort.profile`, or departments, which stand for the first of theirs
    that is known.

    Interval: percentiles of DRAWS Poisson bootstraps over clients (Hanley and MacGibbon 2006), `seed` fixes them. A
    distance of drawn shares is on average too large, so that the low end lies at least as far from it as the high one.
    """
    one, other = _resource(profile, one), _resource(profile, other)
    drawn = _drawn(profile.clients, one, seed) if one in MONEY else None
    return _compared(profile, one, other, (match, torn), level, min_group, drawn)


def _compared(
    profile: Any, one: str, other: str, borders: tuple[float, float], level: float, min_group: int,
    drawn: pd.DataFrame | None,
) -> Apart:  # fmt: skip
    p, q = profile.shares(one), profile.shares(other)
    nothing = math.nan
    if not p or not q:
        rows = pd.DataFrame(columns=["p", "q", "index"], dtype=float)
        return Apart(one, other, nothing, nothing, nothing, level, nothing, "", "cannot_tell", 0, rows, nothing,
                     nothing, nothing, nothing, nothing, nothing, False)  # fmt: skip
    value, money = dissimilarity(p, q), one in MONEY
    low, high = (nothing, nothing) if drawn is None else _interval(drawn, q, value, level)
    verdict = verdict_of(value, *borders)
    spans = money and not verdict_of(low, *borders) == verdict == verdict_of(high, *borders)
    said = "attention" if verdict == "torn" and low <= borders[1] else verdict
    n = profile.buyers if money else 0
    largest, without = _without_largest(profile, one, q) if money else (nothing, nothing)
    total, leads = _known(profile.amounts[other]), profile.amounts["leads"]
    rows = _rows(p, q)
    rows = rows.assign(n=[int(leads.get(name, 0)) for name in rows.index])
    dark = max(profile.unknown(one), profile.unknown(other)) > DARK
    return Apart(
        one, other, value, low, high, level, jsd(p, q), said,
        "cannot_tell" if dark or (spans and n < min_group) else "ok", n, rows, total, value * total,
        profile.unknown(one), profile.unknown(other), largest, without,
        money and without == without and verdict_of(without, *borders) != verdict, dark,
    )  # fmt: skip


def _resource(profile: Any, name: str) -> str:
    """The resource of this name; of a department the first that is known, else its first."""
    own = [resource for resource, department in DEPARTMENTS.items() if department == name]
    return next((resource for resource in own if profile.shares(resource)), own[0]) if own else name


def verdict_of(value: float, match: float, torn: float) -> str:
    """Which side of the two borders a dissimilarity lies on; "" for NaN."""
    if math.isnan(value):
        return ""
    return "match" if value < match else "torn" if value > torn else "attention"


def pairs(
    profile: Any, match: float = 0.15, torn: float = 0.35, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Every resource of one department against every resource of another: one, other, value, low, high, divergence,
    verdict, in the order of the departments."""
    names = [name for name in DEPARTMENTS if profile.shares(name)]
    drawn = {name: _drawn(profile.clients, name, seed) for name in names if name in MONEY}
    found = [
        _compared(profile, one, other, (match, torn), level, 0, drawn.get(one))
        for at, one in enumerate(names)
        for other in names[at + 1 :]
        if DEPARTMENTS[one] != DEPARTMENTS[other]
    ]
    keys = ["one", "other", "value", "low", "high", "divergence", "verdict"]
    return pd.DataFrame([[getattr(item, key) for key in keys] for item in found], columns=keys)


def _rows(p: dict[str, float], q: dict[str, float]) -> pd.DataFrame:
    names = sorted({*p, *q}, key=lambda name: (-p.get(name, 0.0), str(name)))
    rows = pd.DataFrame({"p": [p.get(name, 0.0) for name in names], "q": [q.get(name, 0.0) for name in names]},
                        index=pd.Index(names, name="segment"))  # fmt: skip
    return rows.assign(index=rows["p"] / rows["q"].where(rows["q"] > 0))


def _known(sums: pd.Series) -> float:
    return float(sums[sums.index.notna()].astype(float).clip(lower=0).sum())


def _drawn(clients: pd.DataFrame, money: str, seed: int) -> pd.DataFrame | None:
    """Shares of segments (columns) with clients weighted anew, one row per draw; None for fewer than FEW clients."""
    known = clients[clients["segment"].notna()]
    cells = known.pivot_table(index="bucket", columns="segment", values=money, aggfunc="sum", fill_value=0.0)
    cells = cells.sort_index()
    if len(cells) < FEW:
        return None
    weights = np.random.default_rng(seed).poisson(1.0, size=(DRAWS, len(cells)))
    sums = np.clip(weights @ cells.to_numpy(float), 0, None)
    sums = sums[sums.sum(axis=1) > 0]
    return pd.DataFrame(sums / sums.sum(axis=1, keepdims=True), columns=cells.columns) if len(sums) else None


def _interval(drawn: pd.DataFrame, q: dict[str, float], value: float, level: float) -> tuple[float, float]:
    """Percentiles of the dissimilarity of drawn shares from q, which stays as it is; they hold `value`."""
    other = np.array([q.get(str(name), 0.0) for name in drawn.columns])
    missing = sum(share for name, share in q.items() if name not in set(drawn.columns))
    values = (np.abs(drawn.to_numpy() - other).sum(axis=1) + missing) / 2
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    low, high = min(float(low), value), max(float(high), value)
    return max(min(low, 2 * value - high), 0.0), high


def _without_largest(profile: Any, money: str, q: dict[str, float]) -> tuple[float, float]:
    """The part of the known money that the largest client brought, and the dissimilarity without it."""
    sums = profile.amounts[money]
    sums = sums[sums.index.notna()].astype(float)
    his = profile.largest[money].reindex(sums.index).fillna(0.0).astype(float)
    rest, whole = (sums - his).clip(lower=0), _known(sums)
    if not rest.sum() > 0 or not whole:
        return (float(his.sum() / whole) if whole else math.nan), math.nan
    p = {str(name): float(value) for name, value in (rest / rest.sum()).items()}
    return float(his.sum() / whole), dissimilarity(p, q)


# --- order of effort against order of money ---
@dataclass(frozen=True)
class Order:
    """Whom the money comes from first, and for whom most is done (S-10).

    rows : per segment (index), money and effort (shares), money_rank and effort_rank (1 = most; equal shares share a
           rank), touch_rank (1 = called first; NaN where not known), in the order of money.
    top  : the segment that brings most; ahead : segments that bring materially less and take materially more, most
           first. rho, p : Spearman's rank correlation and its two-sided p; NaN below FEW segments, too few for a test.
    status : "ok"; "cannot_tell" where one of the two is not known, or more than DARK of it has no segment.
    """

    money: str
    effort: str
    rows: pd.DataFrame
    top: str
    ahead: tuple[str, ...]
    rho: float
    p: float
    status: str


def order(
    profile: Any, money: str, effort: str, touch: Mapping[str, float] | None = None, material: float = 0.05
) -> Order:
    """Rank of segments by effort against their rank by money. touch : median hours to the first call by segment."""
    money, effort = _resource(profile, money), _resource(profile, effort)
    p, q = profile.shares(money), profile.shares(effort)
    if not p or not q or max(profile.unknown(money), profile.unknown(effort)) > DARK:
        return Order(money, effort, pd.DataFrame(), "", (), math.nan, math.nan, "cannot_tell")
    rows = _rows(p, q).rename(columns={"p": "money", "q": "effort"}).drop(columns="index")
    touched = pd.Series({name: float(value) for name, value in (touch or {}).items()}, dtype=float)
    rows = rows.assign(
        money_rank=_rank(rows["money"]), effort_rank=_rank(rows["effort"]),
        touch_rank=touched.reindex(rows.index).round(2).rank(method="min"),
    )  # fmt: skip
    first = rows.iloc[0]
    less = (first["money"] - rows["money"] >= material - 1e-12) & (
        rows["effort"] - first["effort"] >= material - 1e-12
    )
    ahead = rows[less].sort_values("effort", ascending=False, kind="stable").index
    rho, chance = _spearman(rows["money"], rows["effort"]) if len(rows) >= FEW else (math.nan, math.nan)
    return Order(money, effort, rows, str(rows.index[0]), tuple(ahead), rho, chance, "ok")


def _rank(shares: pd.Series) -> pd.Series:
    return shares.round(9).rank(ascending=False, method="min").astype("int64")


def _spearman(one: pd.Series, other: pd.Series) -> tuple[float, float]:
    """Rank correlation, and how often chance alone gives one as far from 0: all orders up to EXACT, else Student's t.

    Source: Spearman (1904), American Journal of Psychology 15, 72-101.
    """
    first, second = (part.round(9).rank().to_numpy(float) for part in (one, other))
    first, second = (ranks - ranks.mean() for ranks in (first, second))
    scale = math.sqrt(float((first**2).sum() * (second**2).sum()))
    if not scale:
        return math.nan, math.nan
    rho = float(first @ second) / scale
    if len(first) > EXACT:
        from scipy import stats

        return rho, float(stats.spearmanr(first, second).pvalue)
    every = np.array(list(permutations(second))) @ first / scale
    return rho, float((np.abs(every) >= abs(rho) - 1e-9).mean())
