"""Do marketing, sales and the criteria agree on which leads are ours, and which criterion causes the dispute?

Agreement alone does not say who is wrong. Kappa falls when one verdict is rare although people agree as often
as before, so observed agreement, kappa, AC1, the raw table and the direction of disagreement go together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Criterion, Label

DRAWS = 2000
FAILED_DRAWS = 0.05  # more undefined resamples than this, and there is no interval


def observed(table: ArrayLike) -> float:
    """Share of items on which two raters agree: diagonal / all. NaN for an empty table.

    table : K x K counts, rows the first rater, columns the second.
    """
    cells = _square(table)
    return float(np.trace(cells) / cells.sum()) if cells.sum() else math.nan


def cohen_kappa(table: ArrayLike) -> float:
    """Agreement of two raters beyond chance, (po - pe) / (1 - pe), pe = sum of products of the margins.

    table : K x K counts. NaN for an empty table, or where both raters use one category only (pe = 1).
    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46.
    """
    cells = _square(table)
    if not cells.sum():
        return math.nan
    share = cells / cells.sum()
    return _beyond_chance(float(np.trace(share)), float(share.sum(axis=1) @ share.sum(axis=0)))


def gwet_ac1(table: ArrayLike) -> float:
    """Agreement beyond chance that keeps its value where one category is rare.

    (po - pe) / (1 - pe) with pe = sum of pi(1 - pi) / (K - 1), pi = mean of the two margins.
    table : K x K counts, K >= 2. NaN for an empty table.
    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48.
    """
    cells = _square(table)
    if not cells.sum():
        return math.nan
    share = cells / cells.sum()
    middle = (share.sum(axis=1) + share.sum(axis=0)) / 2
    chance = float((middle * (1 - middle)).sum() / (len(cells) - 1))
    return _beyond_chance(float(np.trace(share)), chance)


def fleiss_kappa(counts: ArrayLike) -> float:
    """Agreement of the same number of raters on each item beyond chance.

    counts : items x categories, how many raters chose the category; every row sums to the same number >= 2.
    NaN without items or where one category only is used. Raises ValueError for unequal row sums.
    Source: Fleiss (1971), Psychological Bulletin 76, 378-382.
    """
    cells = np.asarray(counts, float)
    if not cells.size:
        return math.nan
    raters = cells.sum(axis=1)
    if (raters != raters[0]).any() or raters[0] < 2:
        raise ValueError("every item needs the same number of raters, at least two")
    agreed = ((cells**2).sum(axis=1) - raters[0]) / (raters[0] * (raters[0] - 1))
    return _beyond_chance(float(agreed.mean()), float(((cells.sum(axis=0) / cells.sum()) ** 2).sum()))


def mcnemar(b: int, c: int) -> float:
    """Exact two-sided p that the two kinds of disagreement are equally likely; 1.0 without disagreement.

    b, c : items on which only the first, only the second rater said yes. Source: McNemar (1947), exact form.
    """
    return float(stats.binomtest(min(b, c), b + c, 0.5).pvalue) if b + c else 1.0


def resampled(
    table: ArrayLike, statistic: Callable[[np.ndarray], float], level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a statistic of a K x K table: DRAWS multinomial tables of the same size.

    (nan, nan) for an empty table, or where more than FAILED_DRAWS of the resamples leave it undefined.
    """
    cells = _square(table)
    if not cells.sum():
        return math.nan, math.nan
    drawn = np.random.default_rng(seed).multinomial(int(cells.sum()), cells.ravel() / cells.sum(), size=DRAWS)
    values = np.array([statistic(draw.reshape(cells.shape)) for draw in drawn])
    if np.isnan(values).mean() > FAILED_DRAWS:
        return math.nan, math.nan
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Agreement:
    """How far two rules agree on the same leads.

    n : leads on which both have a verdict, the DENOMINATOR of everything below; missing : all other leads.
    both_target + only_first + only_second + both_non_target = n; only_first: only the first says target.
    b = only_first, c = only_second, p by exact McNemar; direction: which one says target more often ("first",
    "second" or "neither"), a statement only where p is small.
    first_share, second_share : share of n that each calls non-target.
    """

    first: str
    second: str
    n: int
    missing: int
    both_target: int
    only_first: int
    only_second: int
    both_non_target: int
    observed: float
    observed_low: float
    observed_high: float
    kappa: float
    kappa_low: float
    kappa_high: float
    ac1: float
    ac1_low: float
    ac1_high: float
    b: int
    c: int
    p: float
    direction: str
    first_share: float
    second_share: float
    level: float


def agreement_of(judged: ibis.Table, first: str, second: str, level: float = 0.95) -> Agreement:
    """Do two rules call the same leads target? `first`, `second`: label ids, or "criteria".

    judged : as `qualification.judge` returns. Fields and DENOMINATOR: see `Agreement`.
    Between the criteria and a label that was made from them, agreement is perfect by construction.
    """
    one, two = (judged[_column(name)] for name in (first, second))
    cells = {
        f"{a}.{b}": judged.count(where=(one == a) & (two == b))
        for a in ("target", "non_target")
        for b in ("target", "non_target")
    }
    row = engine.frame(judged.aggregate(leads=judged.count(), **cells)).iloc[0]
    both, only_first, only_second, neither = (int(row[name]) for name in cells)
    table = np.array([[both, only_first], [only_second, neither]])
    n = int(table.sum())
    low, high = intervals.wilson(both + neither, n, level)
    (kappa_low, kappa_high), (ac1_low, ac1_high) = (
        resampled(table, f, level) for f in (cohen_kappa, gwet_ac1)
    )
    return Agreement(
        first=first,
        second=second,
        n=n,
        missing=int(row["leads"]) - n,
        both_target=both,
        only_first=only_first,
        only_second=only_second,
        both_non_target=neither,
        observed=observed(table),
        observed_low=low,
        observed_high=high,
        kappa=cohen_kappa(table),
        kappa_low=kappa_low,
        kappa_high=kappa_high,
        ac1=gwet_ac1(table),
        ac1_low=ac1_low,
        ac1_high=ac1_high,
        b=only_first,
        c=only_second,
        p=mcnemar(only_first, only_second),
        direction="first"
        if only_first > only_second
        else "second"
        if only_second > only_first
        else "neither",
        first_share=(only_second + neither) / n if n else math.nan,
        second_share=(only_first + neither) / n if n else math.nan,
        level=level,
    )


def all_pairs(judged: ibis.Table, labels: Sequence[Label], level: float = 0.95) -> list[Agreement]:
    """Every pair of rules, marketing against sales first, then other labels, then the criteria.

    Pairs where no lead has both verdicts are left out. See `agreement_of`.
    """
    order = {"marketing": 0, "sales": 1, "other": 2}
    chosen = sorted(labels, key=lambda label: order[label.by])
    between = [(one, two) for place, one in enumerate(chosen) for two in chosen[place + 1 :]]
    between.sort(key=lambda pair: {pair[0].by, pair[1].by} != {"marketing", "sales"})
    names = [(one.id, two.id) for one, two in between] + [(label.id, "criteria") for label in chosen]
    found = [agreement_of(judged, one, two, level) for one, two in names]
    return [pair for pair in found if pair.n]


def against_criteria(judged: ibis.Table, labels: Sequence[Label], level: float = 0.95) -> pd.DataFrame:
    """Which label errs, and on which side, with the criteria as the measure?

    Returns one row per label: label, by, known (label and criteria both have a verdict), missing (others),
        sensitivity  found / non_target: of leads that fail the criteria, those the label calls non-target
        specificity  accepted / target: of leads that pass all criteria, those the label calls target
    each with its _low and _high (Wilson) and both counts, and level. NaN where the DENOMINATOR is 0.
    """
    rows = [
        {"label": label.id, "by": label.by} | _against(judged, judged[_column(label.id)], level)
        for label in labels
    ]
    return pd.DataFrame(rows, columns=_AGAINST)


_AGAINST = [
    *("label", "by", "known", "missing", "found", "non_target"),
    *("sensitivity", "sensitivity_low", "sensitivity_high"),
    *("accepted", "target", "specificity", "specificity_low", "specificity_high", "level"),
]


def dispute(judged: ibis.Table, criteria: Sequence[Criterion], label: Label | str) -> pd.DataFrame:
    """Which criterion makes a label and the criteria disagree? Most reconciling first, then the stated order.

    Disputed leads: both have a verdict and the two differ. Returns one row per criterion:
        criterion, compared (leads where both have a verdict), disputed (the same in every row)
        clear       disputed leads that fail no criterion: the label alone rejects them (the same in every row)
        fails       disputed leads that fail this criterion
        sole        disputed leads that fail this criterion and no other
        reconciled  disputed leads where the label equals the verdict of the other criteria without this one
        failing, passing                  compared leads that fail, that pass this criterion
        failing_disputed, passing_disputed   how many of those are disputed
        rate_failing, rate_passing, difference   disputed / failing, disputed / passing, and their difference
    """
    columns = [
        *("criterion", "compared", "disputed", "clear", "fails", "sole", "reconciled", "failing", "passing"),
        *("failing_disputed", "passing_disputed", "rate_failing", "rate_passing", "difference"),
    ]
    if not criteria:
        return pd.DataFrame(columns=columns)
    row = engine.frame(_dispute_counts(judged, criteria, label if isinstance(label, str) else label.id)).iloc[
        0
    ]
    names = ("fails", "sole", "reconciled", "failing", "passing", "passing_disputed")
    table = pd.DataFrame(
        [
            {"criterion": item.id} | {name: int(row[f"{name}_{order}"]) for name in names}
            for order, item in enumerate(criteria)
        ]
    ).assign(**{name: int(row[name]) for name in ("compared", "disputed", "clear")})
    table["failing_disputed"] = table["fails"]
    for side in ("failing", "passing"):
        table[f"rate_{side}"] = table[f"{side}_disputed"] / table[side].where(table[side] > 0)
    table["difference"] = table["rate_failing"] - table["rate_passing"]
    return table.sort_values("reconciled", ascending=False, kind="stable", ignore_index=True)[columns]


def _square(table: ArrayLike) -> np.ndarray:
    cells = np.asarray(table, float)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or len(cells) < 2 or (cells < 0).any():
        raise ValueError("agreement of two raters needs a square table of counts, two categories or more")
    return cells


def _beyond_chance(seen: float, chance: float) -> float:
    return (seen - chance) / (1 - chance) if chance < 1 - 1e-12 else math.nan


def _column(rule: str) -> str:
    return "verdict" if rule == "criteria" else f"says_{rule}"


def _against(judged: ibis.Table, says: ibis.Column, level: float) -> dict[str, float]:
    hit, clear, said = judged.verdict == "non_target", judged.verdict == "target", says != "unknown"
    counts = judged.aggregate(
        leads=judged.count(),
        found=judged.count(where=hit & (says == "non_target")),
        non_target=judged.count(where=hit & said),
        accepted=judged.count(where=clear & (says == "target")),
        target=judged.count(where=clear & said),
    )
    row = {name: int(value) for name, value in engine.frame(counts).iloc[0].items()}
    known = row["non_target"] + row["target"]
    result: dict[str, float] = row | {"known": known, "missing": row["leads"] - known, "level": level}
    for name, part, base in (("sensitivity", "found", "non_target"), ("specificity", "accepted", "target")):
        result[name] = row[part] / row[base] if row[base] else math.nan
        result[f"{name}_low"], result[f"{name}_high"] = intervals.wilson(row[part], row[base], level)
    return result


def _dispute_counts(judged: ibis.Table, criteria: Sequence[Criterion], label: str) -> ibis.Table:
    """Everything `dispute` needs in one pass; columns carry the order of the criterion."""
    import ibis

    says = judged[f"says_{label}"]
    checks = [judged[f"check_{item.id}"] for item in criteria]
    compared = (says != "unknown") & (judged.verdict != "unknown")
    disputed = compared & (says != judged.verdict)
    counts = {
        "compared": judged.count(where=compared),
        "disputed": judged.count(where=disputed),
        "clear": judged.count(where=disputed & (judged.failed == 0)),
    }
    for order, check in enumerate(checks):
        others = [other for place, other in enumerate(checks) if place != order]
        fail, passed = check == "fail", check == "pass"
        other_fails = judged.failed - ibis.ifelse(fail, 1, 0)
        others_pass = reduce(and_, (other == "pass" for other in others), ibis.literal(bool(others)))
        without = ibis.cases((other_fails > 0, "non_target"), (others_pass, "target"), else_="unknown")
        counts |= {
            f"fails_{order}": judged.count(where=disputed & fail),
            f"sole_{order}": judged.count(where=disputed & fail & (judged.failed == 1)),
            f"reconciled_{order}": judged.count(where=disputed & (says == without)),
            f"failing_{order}": judged.count(where=compared & fail),
            f"passing_{order}": judged.count(where=compared & passed),
            f"passing_disputed_{order}": judged.count(where=disputed & passed),
        }
    return judged.aggregate(**counts)
