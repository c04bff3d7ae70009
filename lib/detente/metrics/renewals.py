"""Who would have foretold how long subscribers stay: each rule sees the first renewals of a cohort, the rest judge.

The same question as `foretold` asks of repeat purchase, for contracts: client-periods in place of money.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd


def pooled(cohorts: Sequence[Sequence[int]], ahead: int) -> tuple[list[int], int]:
    """All cohorts old enough to be learned from and judged, summed: survivors after 0 … 2 x ahead renewals, and ahead.

    cohorts : survivors of each month of arrival, after 0, 1, 2, … renewals to the last full month. The same cohorts
    stand in every sum, so that a young one cannot make the old ages look worse. Without a cohort that old: [], 0.
    """
    long = 2 * ahead + 1
    old = [one[:long] for one in cohorts if len(one) >= long]
    return ([int(sum(ages)) for ages in zip(*old, strict=True)], ahead) if ahead > 0 and old else ([], 0)


def follow(
    survivors: Sequence[int], train: int, fit: Callable[[Sequence[int]], Any],
    survival: Callable[[Any, np.ndarray], np.ndarray],
) -> pd.DataFrame:  # fmt: skip
    """`compare` with a model fitted to the renewals that the rules see too; its refusal as its status.

    fit : survivors -> an object with converged and reason, such as `ltv.fit_sbg`; survival : of such an object.
    Returns the columns of `compare` and `predictor`; empty where there is nothing to judge.
    """
    alive = list(survivors)
    if not 1 <= train < len(alive) - 1 or not alive[train - 1] > 0:
        columns = ["predictor", "predicted", "actual", "error", "rank", "status", "cut", "horizon"]
        return pd.DataFrame(columns=columns)
    fitted = fit(alive[: train + 1])
    table = compare(alive, train, (lambda t: survival(fitted, t)) if fitted.converged else None)
    if not fitted.converged:
        table.loc["sbg", "status"] = fitted.reason
    return table.reset_index()


def compare(
    survivors: Sequence[float], train: int, survival: Callable[[np.ndarray], np.ndarray] | None = None
) -> pd.DataFrame:
    """Client-periods after renewal `train` of one cohort of subscribers, foretold from renewals 0 … train.

    survivors : clients alive after 0, 1, 2, … renewals, all that is known; those behind `train` are the judge.
    survival : share alive after t renewals by a model fitted to survivors[: train + 1], such as `ltv.sbg_survival`.
    Returns index predictor, columns predicted, actual (client-periods, all clients of the cohort together), error
    (predicted / actual - 1), rank (1 = smallest |error|), status ("ok", "no_model", "short_history", "no_actual"), cut
    (= train) and horizon (renewals foretold):
        first_churn       the churn of the first period for ever, from the size of the cohort at its start
        pooled_churn      all lost / all client-periods, from the start; pooled_from_last: from those alive at `train`
        last_churn        the churn of the last period, from those alive at `train`
        power             ln alive is a straight line of ln age, ages 1 … train, by least squares
        sbg               alive at `train` × survival(t) / survival(train)
    Raises ValueError where there is no period to learn from, or none to judge by.
    """
    alive = np.asarray(survivors, float)
    if not 1 <= train < len(alive) - 1 or not alive[train - 1] > 0:
        raise ValueError(
            "a cohort needs a renewal to learn from, clients to be renewed, and one renewal to judge by"
        )
    ahead = np.arange(train + 1, len(alive))
    pooled = (alive[0] - alive[train]) / alive[:train].sum()
    last = alive[train] * (alive[train] / alive[train - 1]) ** (ahead - train)
    found = {
        "first_churn": alive[0] * (alive[1] / alive[0]) ** ahead,
        "pooled_churn": alive[0] * (1 - pooled) ** ahead,
        "pooled_from_last": alive[train] * (1 - pooled) ** (ahead - train),
        "last_churn": last,
        "power": _power(alive[1 : train + 1], ahead),
        "sbg": _modelled(survival, alive[train], train, ahead),
    }
    rows = {name: {"predicted": float(np.sum(path))} for name, path in found.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("predictor")
    missing = np.where(table.index == "sbg", "no_model", "short_history")
    table["status"] = np.where(table["predicted"].notna(), "ok", missing)
    table = _judged(table, float(alive[ahead].sum()))
    return table.assign(cut=train, horizon=len(ahead))


def _power(alive: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """alive : at ages 1, 2, …; ages with nobody left cannot lie on a power curve."""
    there = alive > 0
    if there.sum() < 2:
        return math.nan * ahead
    slope, level = np.polyfit(np.log(1 + np.flatnonzero(there)), np.log(alive[there]), 1)
    return np.exp(level + slope * np.log(ahead))


def _modelled(
    survival: Callable[[np.ndarray], np.ndarray] | None, there: float, train: int, ahead: np.ndarray
) -> np.ndarray:
    if survival is None:
        return math.nan * ahead
    shares = np.asarray(survival(np.append(train, ahead)), float)
    return there * shares[1:] / shares[0]


def _judged(table: pd.DataFrame, actual: float) -> pd.DataFrame:
    if not actual > 0:
        table.loc[table["status"] == "ok", "status"] = "no_actual"
    error = table["predicted"] / actual - 1 if actual > 0 else math.nan * table["predicted"]
    table = table.assign(actual=actual, error=error, rank=error.abs().round(12).rank(method="min"))
    return table[["predicted", "actual", "error", "rank", "status"]]
