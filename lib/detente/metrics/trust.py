"""Which way of foretelling revenue can be trusted here: the errors of all of them over several cuts of the past."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

LIMIT = 0.3  # a way that misses by more than this on average is trusted by nobody


@dataclass(frozen=True)
class Trust:
    """The ways of foretelling, best first, and whether the best of them is good enough.

    rows : one per way: predictor, status, folds (cuts at which it gave a number), typical (mean of |error|), worst
    (the error farthest from 0), and of the latest cut predicted, actual, error = predicted / actual - 1.
    best : the way with the smallest typical error among those that gave a number at every cut; "" without one.
    near : others whose typical error is within `material` of it: as good, as far as so few cuts can tell.
    kept : the cuts judged by, latest first; skipped : how many were not, since too few purchases came after them.
    status : "ok"; "none" (best misses by more than LIMIT); "no_forecast" (no way gave a number); "no_money" (nothing
    came after any cut); "few_orders" (too few purchases after each cut: orders after `cut`, where they were most);
    "short" (no cut).
    """

    status: str
    rows: pd.DataFrame
    folds: int = 0
    horizon: int = 0
    cut: dt.date | None = None
    best: str = ""
    typical: float = math.nan
    near: tuple[str, ...] = ()
    kept: tuple[dt.date, ...] = ()
    skipped: int = 0
    orders: int = 0


def guarded(forecast: Callable[..., tuple[float, str]], **guards: float) -> Callable[..., tuple[float, str]]:
    """A forecast with the guards of an audit, for whoever calls it without knowing of them."""
    return partial(forecast, **guards)


def trust(rolled: pd.DataFrame, material: float = 0.05, limit: float = LIMIT, least: int = 0) -> Trust:
    """The judgement over all cuts with `least` purchases after them.

    rolled : predictor, predicted, actual, error, status, cut, horizon, and orders (after the cut) where `least` is
    asked for; latest cut first.
    """
    if rolled.empty:
        return Trust("short", pd.DataFrame())
    cuts = rolled["cut"].nunique()
    if least and (rolled["actual"] > 0).any():
        most = rolled.sort_values(["orders", "cut"], ascending=False).iloc[0]
        rolled = rolled[rolled["orders"] >= least]
        if rolled.empty:
            few = {"horizon": int(most["horizon"]), "cut": most["cut"], "orders": int(most["orders"])}
            return Trust("few_orders", pd.DataFrame(), skipped=cuts, **few)
    order = list(dict.fromkeys(rolled["predictor"]))
    rows = pd.DataFrame([_row(name, rolled[rolled["predictor"] == name]) for name in order])
    cut, folds = max(rolled["cut"]), rolled["cut"].nunique()
    # a way that answered at some cuts only is not held against those that did at all of them
    rows = rows.assign(part=rows["folds"] < folds).sort_values(
        ["part", "typical"], kind="stable", na_position="last"
    )
    rows = rows.drop(columns="part").reset_index(drop=True)
    kept = tuple(sorted(set(rolled["cut"]), reverse=True))
    known = {"folds": folds, "horizon": int(rolled["horizon"].iloc[0]), "cut": cut, "kept": kept}
    known["skipped"] = cuts - folds
    every = rows[rows["folds"] == folds]
    if every.empty or math.isnan(every["typical"].iloc[0]):
        nothing = not (rolled["actual"] > 0).any()
        return Trust("no_money" if nothing else "no_forecast", rows, **known)
    best = every.iloc[0]
    near = every.iloc[1:][every["typical"].iloc[1:] <= best["typical"] + material]
    status = "ok" if best["typical"] <= limit else "none"
    return Trust(status, rows, **known, best=best["predictor"], typical=float(best["typical"]),
                 near=tuple(near["predictor"]))  # fmt: skip


def _row(name: str, cuts: pd.DataFrame) -> dict:
    """One way over all cuts; its numbers and its status are those of the latest."""
    cuts = cuts.sort_values("cut", ascending=False)
    last, told = cuts.iloc[0], cuts[cuts["status"] == "ok"]["error"].astype(float)
    return {
        "predictor": name, "status": last["status"], "folds": len(told), "typical": float(told.abs().mean()),
        "worst": float(told.loc[told.abs().idxmax()]) if len(told) else math.nan, "predicted": last["predicted"],
        "actual": last["actual"], "error": last["error"],
    }  # fmt: skip
