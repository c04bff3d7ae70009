"""How many leads are won by which age, when many of them are still open.

A lead ends once: won (cause 1), lost (cause 2), or in another way (3, …); cause 0 is open, seen so far up to its
age. Everything works on `counts`, a small table of whole days, so its cost does not grow with leads:

    age     days of life, >= 0: at the end of a lead that ended, at the extract for an open one
    cause   0, 1, 2, …
    leads   how many such leads
    entry   optional: the age after which they came under observation (the export begins in the middle of their
            life). Empty or absent: from birth, so that even a lead won on its first day was at risk
    group   only for the functions that compare: a month, a channel, a manager

At risk at age t are the leads with entry < t <= age: events come before the end of observation on the same day. A
lead with entry = age never was at risk and takes no part. Rows may stand in any order, and repeat.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from detente.metrics import intervals

NEAR = 1e-12  # two shares this close are one share
SETTLED = 0.75  # maturity later than this part of the horizon: wins may well go on behind it


# --- curves ---
def aalen_johansen(
    duration: ArrayLike, cause: ArrayLike, entry: ArrayLike | None = None, level: float = 0.95
) -> pd.DataFrame:
    """`curve` of single leads: one element per lead, cause 0 = open."""
    return curve(_counted(duration, cause, entry), level)


def kaplan_meier(
    duration: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, level: float = 0.95
) -> pd.DataFrame:
    """`survival` of single leads: one element per lead, event 0 or False = open."""
    return survival(_counted(duration, event, entry), level)


def curve(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The shares of leads that were won, lost and still open by each age (Aalen-Johansen).

    DENOMINATOR of every share: all leads from birth; an open one counts for as long as it was seen.
    Returns one row per age at which a lead ended or was seen last, index `age`:
        at_risk                   leads under observation at that age, before its events
        events_1, events_2, …     leads that ended on that day, per cause; causes 1 and 2 are always there
        censored                  open leads of exactly that age
        survival                  share still open after that day; survival + f_1 + f_2 + … = 1 (asserted)
        f_k, se_k, low_k, high_k  share ended by cause k up to that age, its standard error and interval
    and level. Between two rows the shares are those of the first. ValueError: negative or missing ages, entry > age.
    SOURCE: F_k(t) = Σ S(t-)·d_k/Y with ties as they are; Greenwood-type variance (Marubini and Valsecchi 1995);
    interval `intervals.log_log`. Where F is 0: high is Wilson's for 0 of the leads whose fate up to that age is
    known. Where F is 1: low is 1 - high of `survival`.
    """
    ages, at_risk, ended = _steps(counts)
    risk, total = at_risk.astype(float), ended[:, 1:].sum(axis=1)
    after = np.cumprod(1 - total / risk)
    before = np.append(1.0, after)[:-1]
    past = at_risk + np.cumsum(total) - total  # still observed, or ended before
    none_yet, rest = intervals.wilson(0 * past, past, level)[1], 1 - _survival_ends(after, risk, level)[1]
    events, shares = {f"events_{cause}": hits for cause, hits in enumerate(ended.T) if cause}, {}
    for cause, hits in enumerate(ended.T[1:], 1):
        share = np.cumsum(before * hits / risk)
        error = intervals.curve_error(share, before, hits, total, risk)
        low, high = intervals.log_log(share, error, none_yet, rest, level)
        shares |= {f"f_{cause}": share, f"se_{cause}": error, f"low_{cause}": low, f"high_{cause}": high}
    table = {"at_risk": at_risk} | events | {"censored": ended[:, 0], "survival": after} | shares
    made = after + sum(share for name, share in shares.items() if name.startswith("f_"))
    assert np.allclose(made, 1, rtol=0, atol=1e-9), "open, won and lost leads do not make up all leads"
    return pd.DataFrame(table, ages).assign(level=level)


def survival(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The share of leads to which nothing has happened up to each age (Kaplan-Meier), as for time in a stage.

    Every cause but 0 is the event. DENOMINATOR: all leads, as in `curve`.
    Returns index `age`, columns at_risk, events, censored, survival, se, low, high, level.
    SOURCE: Kaplan and Meier (1958); Greenwood (1926); interval `intervals.log_log`. Where S is 1: low by Wilson for
    0 events of those at risk; where S is 0: high is S before × Wilson's for 0 of those at risk.
    """
    ages, at_risk, ended = _steps(counts)
    events, risk = ended[:, 1:].sum(axis=1), at_risk.astype(float)
    share = np.cumprod(1 - events / risk)
    error = share * np.sqrt(np.cumsum(intervals.greenwood(events, risk)))
    table = pd.DataFrame({"at_risk": at_risk, "events": events, "censored": ended[:, 0]}, ages)
    table = table.assign(survival=share, se=error)
    low, high = _survival_limits(table, level)
    return table.assign(low=low, high=high, level=level)


def by_group(counts: pd.DataFrame, level: float = 0.95) -> dict[Hashable, pd.DataFrame]:
    """`curve` of each group, in the order of the group's name; a group that is not stated comes last."""
    return {name: curve(rows, level) for name, rows in _groups(counts).items()}


# --- numbers read from a curve ---
@dataclass(frozen=True)
class Estimate:
    """The share ended by a cause up to an age. DENOMINATOR: all leads, as in `curve`.

    leads took part in the curve; events of the cause up to `age`; at_risk leads were still observed at that age.
    status: "ok"; "not_observed": no lead was seen that far, and some are open (numbers are NaN); "emptied" (late
    entry only): those at risk had all ended before others came in, so these count nothing.
    """

    share: float
    low: float
    high: float
    se: float
    age: float
    at_risk: int
    events: int
    leads: int
    level: float
    status: str


def at(curve: pd.DataFrame, age: float, cause: int = 1) -> Estimate:
    """The share ended by `cause` up to `age` days, that day included, read from `curve`.

    Past the last row it is known only where nobody is left open. at_risk between two rows is that of the next.
    """
    past, later = curve[curve.index <= age], curve[curve.index >= age]
    risk, leads = int(later["at_risk"].iloc[0]) if len(later) else 0, _took_part(curve)
    level = float(curve["level"].iloc[0]) if len(curve) else math.nan
    shown = {"age": age, "at_risk": risk, "events": int(past[f"events_{cause}"].sum()), "leads": leads}
    gone = bool(len(past)) and past["survival"].iloc[-1] == 0
    if not leads or not (risk or gone):
        return Estimate(*[math.nan] * 4, **shown, level=level, status="not_observed")
    if not len(past):
        return Estimate(0.0, *intervals.wilson(0, risk, level), 0.0, **shown, level=level, status="ok")
    status = "emptied" if gone and (curve["survival"] == 0).sum() > 1 else "ok"
    numbers = (float(past[f"{name}_{cause}"].iloc[-1]) for name in ("f", "low", "high", "se"))
    return Estimate(*numbers, **shown, level=level, status=status)


@dataclass(frozen=True)
class Median:
    """The age at which half of the leads have had the event; NaN and reached False where that is not so yet.

    high is NaN where the upper limit of S never falls to 1/2. n leads took part, `events` had the event.
    """

    value: float
    low: float
    high: float
    reached: bool
    n: int
    events: int
    level: float


def median(survival: pd.DataFrame, level: float = 0.95) -> Median:
    """The first age with S <= 1/2 of a curve by `survival` or `kaplan_meier`; its interval at `level`.

    SOURCE: Brookmeyer and Crowley (1982), log-log: from the first age with low <= 1/2 to the first with high <= 1/2.
    """
    ends = (survival["survival"], *_survival_limits(survival, level))
    value, low, high = (_first(survival.index[end <= 0.5 + NEAR]) for end in ends)
    n, events = _took_part(survival), int(survival["events"].sum())
    return Median(value, low, high, not math.isnan(value), n, events, level)


@dataclass(frozen=True)
class Maturity:
    """After how many days the share of wins is nearly final: a lead that old is ripe.

    days      the smallest age with F(age) >= share × F(horizon); NaN where not reached
    reached   days can be stated; else status "too_few" (leads at risk, or wins) or "no_events"
    settled   days lies within three quarters of the horizon, or too few are open there to move days. Else wins may
              go on, and days is a least: word it so
    horizon   the last age with enough leads under observation, horizon_at_risk of them
    final     F(horizon), from `events` wins; the share behind the horizon is not known
    missing   leads that would have to be under observation more; missing_events: wins more
    """

    days: float
    reached: bool
    settled: bool
    horizon: float
    horizon_at_risk: int
    final: float
    events: int
    missing: int
    missing_events: int
    status: str


def maturity(
    counts: pd.DataFrame, share: float = 0.95, at_risk: int = 30, min_events: int = 10, cause: int = 1
) -> Maturity:
    """When leads are ripe; `counts`, or a curve by `curve`. The horizon is the last age with `at_risk` leads."""
    table = counts if "survival" in counts else curve(counts)
    seen, won = table[table["at_risk"] >= at_risk], table[f"f_{cause}"]
    last = seen.iloc[-1] if len(seen) else {}
    horizon, final = (float(seen.index[-1]), float(last[won.name])) if len(seen) else (math.nan, math.nan)
    events = int(seen[f"events_{cause}"].sum())
    missing = max(at_risk - int(table["at_risk"].max() if len(table) else 0), 0)
    short = max(min_events - events, 0)
    enough = not missing and not short
    days = _first(table.index[won >= share * final - NEAR]) if enough else math.nan
    status = "ok" if enough else "no_events" if not missing and not events else "too_few"
    known = (horizon, int(last.get("at_risk", 0)), final, events, missing, short, status)
    settled = enough and bool(days <= SETTLED * horizon or final >= share * (final + last["survival"]))
    return Maturity(days, enough, settled, *known)


# --- comparing ---
@dataclass(frozen=True)
class Difference:
    """One share minus another by the same age, its interval, z and two-sided p; NaN where one is "not_observed"."""

    value: float
    low: float
    high: float
    z: float
    p: float
    age: float
    level: float
    status: str


def compare(one: pd.DataFrame, two: pd.DataFrame, age: float, cause: int = 1) -> Difference:
    """Two curves (of one level) of independent groups at one age, which must be set before looking.

    SOURCE: z = (F1 - F2) / sqrt(se1² + se2²), NaN where both errors are 0; interval `intervals.square_and_add`.
    """
    first, second = at(one, age, cause), at(two, age, cause)
    level, status = first.level, max(first.status, second.status, key=["ok", "emptied", "not_observed"].index)
    if status == "not_observed":
        return Difference(*[math.nan] * 5, age, level, status)
    value, error = first.share - second.share, math.hypot(first.se, second.se)
    z = value / error if error > 0 else math.nan
    limits = intervals.square_and_add(*((side.share, side.low, side.high) for side in (first, second)))
    return Difference(value, *limits, z, float(2 * special.ndtr(-abs(z))), age, level, status)


def log_rank(counts: pd.DataFrame, cause: int | None = None) -> intervals.LogRank:
    """Do groups (column `group`, any number) differ in how fast the event comes? (chi2, df, p), NaN for df 0.

    cause None: any end; else the pace of that cause, the others being the end of observation: not the share of it.
    """
    groups = [_clean(rows) for rows in _groups(counts).values()]
    hits = [rows[rows["cause"] > 0 if cause is None else rows["cause"] == cause] for rows in groups]
    ages = np.unique(np.concatenate([[], *(rows["age"] for rows in hits)]))
    ended = [rows.groupby("age")["leads"].sum().reindex(ages, fill_value=0) for rows in hits]
    shape = len(groups), len(ages)
    at_risk = np.reshape([_at_risk(rows, ages) for rows in groups], shape)
    return intervals.log_rank(np.reshape(ended, shape), at_risk)


def equal_age(
    counts: pd.DataFrame, level: float = 0.95, ripe_days: float | None = None, least: int = 7
) -> pd.DataFrame:
    """Cohorts (`group`, such as the month of creation) side by side at one age: nobody is blamed for being young.

    A cohort's full_age is the age of its youngest open lead: up to that age the fate of ALL its leads is known
    (infinite where none is open). common_age is the smallest full_age among cohorts with full_age >= `least` days,
    but not above the oldest lead; NaN where there is no such cohort.

    Returns index `group` (ordered as `by_group`), columns leads, won, closed, open, level, full_age, common_age, and
        naive, naive_low, naive_high    won / leads with Wilson's interval: what punishes young cohorts
        share, low, high, se            share won by common_age (`curve`; DENOMINATOR: leads of the cohort)
        won_by, at_risk                 wins up to common_age; leads still observed at that age
        status                          "ok": every lead's fate by common_age is known; "partly": that of older
                                        leads, the estimate allows for it; "too_young": share is NaN
        ripe                            no lead is open, or full_age >= ripe_days (see `maturity`): naive is final
    """
    groups = {name: _clean(rows) for name, rows in _groups(counts).items()}
    columns = ["leads", "won", "closed", "open"]
    table = pd.DataFrame(map(_totals, groups.values()), pd.Index(list(groups), name="group"), columns)
    youngest = [rows.loc[rows["cause"] == 0, "age"].min() for rows in groups.values()]
    full = pd.Series(youngest, table.index, float).fillna(math.inf)
    age = min(full[full >= least].min(), counts["age"].max()) if (full >= least).any() else math.nan
    low, high = intervals.wilson(table["won"], table["leads"], level)
    shares = {"naive": table["won"] / table["leads"], "naive_low": low, "naive_high": high}
    table = table.assign(**shares, full_age=full, common_age=float(age))
    found = [at(rows, age) for rows in by_group(counts, level).values()]
    for name in ("share", "low", "high", "se", "events", "at_risk"):
        table["won_by" if name == "events" else name] = [getattr(one, name) for one in found]
    known = table["share"].notna()
    table["status"] = np.select([known & (full >= age), known], ["ok", "partly"], "too_young")
    ripe = (full >= (math.nan if ripe_days is None else ripe_days)) | np.isinf(full)
    return table.assign(ripe=ripe, level=level)


def naive(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Three popular shares of wins beside the honest one, read at the oldest age of `counts`.

    Returns rows of_all (won / all leads: open ones count as lost), of_closed (won / all that ended: open ones are
    left out), one_minus_survival (1 - Kaplan-Meier, every lost lead as if it could still be won: too high),
    honest (`curve`); columns hits, trials (the DENOMINATOR), share, low, high, level.
    """
    known = _clean(counts)
    leads, won, closed, _ = _totals(known)
    names = ["of_all", "of_closed", "one_minus_survival", "honest"]
    table = pd.DataFrame({"hits": won, "trials": [leads, closed, leads, leads]}, names)
    low, high = intervals.wilson(table["hits"], table["trials"], level)
    share = table["hits"] / table["trials"].where(table["trials"] > 0)
    table = table.assign(share=share, low=low, high=high, level=level)
    lost_as_open = known.assign(cause=(known["cause"] == 1).astype(int))
    for name, rows in {"one_minus_survival": lost_as_open, "honest": known}.items():
        found = at(curve(rows, level), known["age"].max())
        table.loc[name, ["share", "low", "high"]] = found.share, found.low, found.high
    return table


# --- counting ---
def _counted(duration: ArrayLike, cause: ArrayLike, entry: ArrayLike | None) -> pd.DataFrame:
    born = -math.inf if entry is None else np.asarray(entry, float)
    leads = pd.DataFrame({"age": np.asarray(duration), "cause": np.asarray(cause).astype(int), "entry": born})
    return leads.groupby(["age", "cause", "entry"], dropna=False).size().reset_index(name="leads")


def _clean(counts: pd.DataFrame) -> pd.DataFrame:
    """Columns age, cause, leads, entry of those who were at risk; the input is checked."""
    born = counts["entry"].astype("float64").fillna(-math.inf) if "entry" in counts else -math.inf
    table = counts[["age", "cause", "leads"]].assign(entry=born)
    if not (table.drop(columns="entry") >= 0).all(axis=None):
        raise ValueError("ages, causes and leads must be stated and not negative")
    if (table["entry"] > table["age"]).any():
        raise ValueError("a lead cannot come under observation after its last day")
    return table[(table["entry"] < table["age"]) & (table["leads"] > 0)]


def _totals(table: pd.DataFrame) -> tuple[int, int, int, int]:
    """All leads, won, ended in any way, open."""
    found = [int(table.loc[rows, "leads"].sum()) for rows in (table["cause"] == 1, table["cause"] == 0)]
    leads = int(table["leads"].sum())
    return leads, found[0], leads - found[1], found[1]


def _groups(counts: pd.DataFrame) -> dict[Hashable, pd.DataFrame]:
    return dict(iter(counts.groupby("group", sort=True, dropna=False)))


def _steps(counts: pd.DataFrame) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """Ages at which something ends, leads at risk there, and leads that end there (ages x causes 0, 1, 2, …)."""
    table = _clean(counts)
    ages, place = np.unique(table["age"].to_numpy(), return_inverse=True)
    causes = table["cause"].to_numpy(int)
    ended = np.zeros((len(ages), max(2, causes.max(initial=0)) + 1), "int64")
    np.add.at(ended, (place, causes), table["leads"].to_numpy("int64"))
    return pd.Index(ages, name="age"), _at_risk(table, ages), ended


def _at_risk(table: pd.DataFrame, ages: np.ndarray) -> np.ndarray:
    """Leads with entry < age <= their own, per age: those who came in before it less those who ended before it."""
    sums = [table.groupby(name)["leads"].sum() for name in ("entry", "age")]
    came, ended = (np.append(0, one.cumsum())[np.searchsorted(one.index, ages)] for one in sums)
    return came - ended


def _took_part(table: pd.DataFrame) -> int:
    return int(table.filter(regex="^(events|censored)").to_numpy().sum())


def _first(ages: pd.Index) -> float:
    return float(ages[0]) if len(ages) else math.nan


def _survival_ends(share: np.ndarray, risk: np.ndarray, level: float) -> tuple[np.ndarray, float]:
    """Low of S where it is 1, per age; high of S where it is 0: nothing changes after that age."""
    none, emptied = intervals.wilson(0 * risk, risk, level)[1], int((share > NEAR).sum())
    return 1 - none, float((np.append(1.0, share) * np.append(none, 0))[emptied])


def _survival_limits(table: pd.DataFrame, level: float) -> tuple[np.ndarray, np.ndarray]:
    share, risk, error = (table[name].to_numpy(float) for name in ("survival", "at_risk", "se"))
    low_of_all, high_of_none = _survival_ends(share, risk, level)
    return intervals.log_log(share, error, high_of_none, low_of_all, level)
