"""Who writes a loss reason more often than colleagues do on the same kind of leads: a habit, or a fact to hear out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

LEAST = 5  # a reason written fewer times is nothing to name
FALSE_ALARMS = 0.1  # Benjamini and Hochberg: the share of flags allowed to be chance
KEYS = ["reason", "group", "text", "said", "owner"]


def overuse(
    cells: pd.DataFrame, level: float = 0.95, min_group: int = 30, ratio: float = 1.5
) -> pd.DataFrame:
    """Reasons that one manager writes more often than colleagues do on losses of the same stage and segment.

    cells : with the column manager; segment where there is one. One row per manager and reason (EMPTY among them),
    largest excess first, columns
        manager, KEYS, observed, expected, ratio (observed / expected; NaN where nobody else ever writes it)
        low, high    exact Poisson limits of observed, over expected
        losses       of the manager in strata where colleagues have losses too; left_out = in the other strata
        p            one-sided mid-P of observed or more; q by Benjamini and Hochberg over all rows; compared
        named        observed >= LEAST, ratio reached, q <= FALSE_ALARMS, losses >= min_group
    expected = sum over strata of the manager's losses x the share of the reason among the colleagues' losses there.
    """
    strata = ["stage", *(["segment"] if "segment" in cells else [])]
    known = cells[cells["manager"].notna()]
    table = known.groupby([*strata, "manager", "reason"], dropna=False, as_index=False)["lost"].sum()
    table = _expected(table, strata)
    if table.empty:
        return table.assign(named=False)
    names = known.drop_duplicates("reason")[KEYS]
    table = table.merge(names, on="reason")
    hits, mean = table["observed"].to_numpy(float), table["expected"].to_numpy(float)
    table["ratio"] = table["observed"] / table["expected"].where(table["expected"] > 0)
    table["low"], table["high"] = _poisson(hits, mean, level)
    table["p"] = mid_p(hits, mean)
    table["q"] = benjamini_hochberg(table["p"])
    often = (hits >= LEAST) & (hits >= ratio * mean - 1e-9) & (table["losses"] >= min_group)
    table["named"], table["compared"] = often & (table["q"] <= FALSE_ALARMS), len(table)
    table["excess"] = table["observed"] - table["expected"]
    return table.sort_values(
        ["named", "excess", "manager", "reason"], ascending=[False, False, True, True], ignore_index=True
    )


def _expected(table: pd.DataFrame, strata: list[str]) -> pd.DataFrame:
    """observed, expected, losses, left_out per manager and reason, from counts per stratum, manager and reason."""
    stratum = table.groupby(strata, dropna=False).ngroup()
    counts = table.assign(stratum=stratum).pivot_table(
        index=["stratum", "manager"], columns="reason", values="lost", aggfunc="sum", fill_value=0
    )
    own = counts.sum(axis=1)
    others = counts.groupby(level="stratum").transform("sum") - counts
    rest = others.sum(axis=1)
    if not (rest > 0).any():  # no two managers ever lost a lead of the same kind
        return pd.DataFrame(
            columns=["manager", "reason", "observed", "expected", "losses", "left_out", "excess"]
        )
    shared = counts[rest > 0]
    expected = others[rest > 0].div(rest[rest > 0], axis=0).mul(own[rest > 0], axis=0)
    found = shared.groupby(level="manager").sum().stack().rename("observed").to_frame()
    found["expected"] = expected.groupby(level="manager").sum().stack()
    found = found.reset_index()
    losses, every = own[rest > 0].groupby(level="manager").sum(), own.groupby(level="manager").sum()
    found["losses"] = found["manager"].map(losses)
    found["left_out"] = found["manager"].map(every) - found["losses"]
    return found[(found["observed"] > 0) | (found["expected"] > 0)].astype({"observed": "int64"})


def mid_p(hits: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """P(X > hits) + P(X = hits) / 2 of a Poisson; nothing expected and something seen is no chance."""
    from scipy import stats

    return stats.poisson.sf(hits, mean) + stats.poisson.pmf(hits, mean) / 2


def _poisson(hits: np.ndarray, mean: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Garwood's exact limits of a Poisson count, divided by what was expected."""
    from scipy import stats

    tail, least = (1 - level) / 2, np.where(mean > 0, mean, np.nan)
    low = np.where(hits > 0, stats.chi2.ppf(tail, 2 * np.maximum(hits, 1)) / 2, 0)
    return low / least, stats.chi2.ppf(1 - tail, 2 * hits + 2) / 2 / least


def benjamini_hochberg(p: Sequence[float]) -> np.ndarray:
    """q-values: the k-th smallest of m p-values times m / k, never falling from above. Benjamini, Hochberg (1995)."""
    given = np.asarray(p, float)
    order = np.argsort(given, kind="stable")[::-1]
    scaled = given[order] * len(given) / np.arange(len(given), 0, -1)
    found = np.empty(len(given))
    found[order] = np.minimum(np.minimum.accumulate(scaled), 1)
    return found


def adjusted(cells: pd.DataFrame) -> bool:
    """Whether the losses have anything to be compared within: a known stage, or a segment, of more than one kind."""
    kinds = [cells[name].dropna().nunique() for name in ("stage", "segment") if name in cells]
    return any(found > 1 for found in kinds)
