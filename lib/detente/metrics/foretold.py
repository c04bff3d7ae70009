"""Which way of reckoning a client's value would have foretold the money that really came.

Each predictor sees the purchases up to a `cut` and states the revenue of the next `horizon` periods from the clients
acquired by then; what really followed is the judge. A period is a week ("W", seven days that end on the weekday of
the cut) or a calendar month ("M"; the cut is its last day). Period 0 is the last one before the cut, 1 the first
after it. Row-level work is done by `summary`, `values`, `activity`, `cohort_sums`; their results are small.

A day of a client is a purchase if its net amount is positive (`free`: or nothing was asked for it); the first such
day acquires the client and is no repeat. Money without a known client belongs to nobody and takes no part.
`value` is the column foretold, "amount" or "margin"; whether a day is a purchase is always read from the amount.

    run_rate          repeat revenue of the last `width` periods × horizon / width: no client is looked at
    cohort_power      revenue per client and period falls as a power of age, fitted over the cohorts
    cohort_loglinear  the same, falling by a constant share per period of age
    bgnbd_gg          the models: purchases of each history × the value of a purchase (stated by the caller)
    naive_all         the seed formula's lifetime value × all clients ever acquired
    naive_active      × the clients active in the last `width` periods
    naive_truncated   × the active ones, the lifetime cut to the horizon
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

DAY = 86400
DAYS = {"W": 7.0, "M": 30.4375}  # of a unit, for the time of a history
WIDTH = {"W": 13, "M": 3}  # periods of the window in which a client counts as active: a quarter
SETTLED = {"W": 4, "M": 1}  # age from which curves of cohorts are fitted: the first month is of another kind
OBSERVED = 30  # clients observed at an age, so that it takes part in a curve
MANY = 30_000  # histories, from which their times count in weeks, not days
GRID = 200  # mean values of clients are grouped by half a percent
MONEY = {"revenue": "money", "first": "first"}
PREDICTORS = (
    "run_rate", "cohort_power", "cohort_loglinear", "bgnbd_gg", "naive_active", "naive_all", "naive_truncated",
)  # fmt: skip
Model = Callable[[pd.DataFrame, pd.DataFrame, float], tuple[float, str]]


# --- what the engine counts ---
def summary(
    purchases: ibis.Table, cut: dt.date, unit: str = "W", value: str = "amount", free: bool = False,
    step: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Clients acquired by the cut, grouped by what they did: one row per history, in order.

    Returns frequency (repeat days), recency (first to last purchase), age (first purchase to the cut), both in
    units, clients (how many have exactly this history), repeat_value (`value` of all their repeat days together).
    step : days that count as one moment; None: 1, or 7 where there are more than MANY histories.
    """
    days = _days(_until(purchases, cut), value, free)
    last = _day_number(cut)
    clients = days.group_by("client").aggregate(
        frequency=days.count() - 1, born=days.day.min(), seen=days.day.max(),
        money=days.money.sum(where=days.day > days.first_day),
    )  # fmt: skip
    clients = clients.mutate(recency=clients.seen - clients.born, age=last - clients.born)
    history = ["frequency", "recency", "age"]
    grouped = clients.group_by(history).aggregate(
        clients=clients.count(), repeat_value=clients.money.sum().cast("float64").fill_null(0.0)
    )
    table = engine.frame(grouped).sort_values(history, ignore_index=True)
    step = step or (1 if len(table) <= MANY else 7)
    if step > 1:
        table = table.assign(recency=table["recency"] // step, age=table["age"] // step)
        table = table.groupby(history, as_index=False).sum()
    middle = (step - 1) / 2  # of the days that share a step
    recency = (table["recency"] * step + middle).where(table["frequency"] > 0, 0.0)
    return table.assign(recency=recency / DAYS[unit], age=(table["age"] * step + middle) / DAYS[unit])


def values(purchases: ibis.Table, cut: dt.date, value: str = "amount", free: bool = False) -> pd.DataFrame:
    """Clients with repeat days by their number and mean value: frequency, mean_value (> 0), clients, in order.

    Mean values within half a percent of each other share a row, which states their mean.
    """
    days = _days(_until(purchases, cut), value, free)
    later = days.filter(days.day > days.first_day)
    clients = later.group_by("client").aggregate(frequency=later.count(), money=later.money.sum())
    clients = clients.filter(clients.money > 0)
    mean = clients.money.cast("float64") / clients.frequency
    grouped = clients.group_by(
        ["frequency", (mean.ln() * GRID).round().cast("int64").name("step")]
    ).aggregate(money=clients.money.sum().cast("float64"), clients=clients.count())
    table = engine.frame(grouped).sort_values(["frequency", "step"], ignore_index=True)
    table["mean_value"] = table["money"] / (table["frequency"] * table["clients"])
    return table[["frequency", "mean_value", "clients"]]


@dataclass(frozen=True)
class Activity:
    """The clients of two windows of `width` periods that end at the cut, as the seed formula sees them.

    clients acquired by the cut; start of them active in the window before, end in the last one; lost: active before
    and no longer; revenue of the last window. arpu = revenue / ((start + end) / 2); churn = lost / start;
    ltv = arpu / churn, NaN without a loss. Nobody is "lost" for certain where no contract ends: these are quiet.
    """

    clients: int
    start: int
    end: int
    lost: int
    revenue: float
    width: int

    @property
    def arpu(self) -> float:
        return _over(self.revenue, (self.start + self.end) / 2)

    @property
    def churn(self) -> float:
        return _over(self.lost, self.start)

    @property
    def ltv(self) -> float:
        return _over(self.arpu, self.churn)


def activity(
    purchases: ibis.Table, cut: dt.date, unit: str = "W", width: int | None = None, value: str = "amount",
    free: bool = False,
) -> Activity:  # fmt: skip
    """Who bought in the last `width` periods and in as many before them; a quarter each by default."""
    width = width or WIDTH[unit]
    known = _until(purchases, cut)
    days = _days(known, value, free)
    window = -_period(days.bought_at, cut, unit) // width  # 0 the last, 1 the one before
    seen = days.mutate(now=window == 0, before=window == 1)
    each = seen.group_by("client").aggregate(now=seen.now.any(), before=seen.before.any())
    counts = engine.frame(
        each.aggregate(
            clients=each.count(), start=each.count(where=each.before), end=each.count(where=each.now),
            lost=each.count(where=each.before & ~each.now),
        )
    ).iloc[0]  # fmt: skip
    last = known.filter(_period(known.bought_at, cut, unit) > -width)
    money = engine.frame(last.aggregate(money=last[value].sum().cast("float64"))).iloc[0, 0]
    found = {name: int(counts[name]) for name in ("clients", "start", "end", "lost")}
    return Activity(**found, revenue=0.0 if pd.isna(money) else float(money), width=width)


def cohort_sums(
    purchases: ibis.Table, unit: str, until: dt.date, horizon: int = 0, value: str = "amount", free: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Money per cohort (period of the first purchase) and period, for clients acquired by `until` (the cut).

    Returns cohort (0 = the last before the cut, -1 …), period (up to horizon), age = period - cohort, clients (of
    the cohort, the DENOMINATOR of revenue per client), buyers (any payment or refund), revenue (net), first (the part
    of it from first purchase days). A period without purchases of a cohort has no row. A refund before the first
    purchase day stands at age 0. ValueError: a month's cut is not its last day.
    """
    import ibis

    if unit == "M" and (until + dt.timedelta(days=1)).day != 1:
        raise ValueError("months are cut at the last day of one")
    seen = purchases.mutate(period=_period(purchases.bought_at, until, unit))
    seen = seen.filter(seen.client.notnull() & (seen.period <= horizon))
    days = seen.group_by(["client", _day(seen.bought_at).name("day"), "period"]).aggregate(
        net=seen.amount.sum(), money=seen[value].sum()
    )
    bought, none = days.net >= 0 if free else days.net > 0, ibis.null("int64")
    days = days.mutate(
        cohort=ibis.ifelse(bought, days.period, none).min().over(group_by="client"),
        first_day=ibis.ifelse(bought, days.day, none).min().over(group_by="client"),
    )
    days = days.filter(days.cohort <= 0)
    days = days.mutate(period=ibis.greatest(days.period, days.cohort))
    cells = days.group_by(["client", "cohort", "period"]).aggregate(
        money=days.money.sum(), first=days.money.sum(where=days.day == days.first_day)
    )
    sums = cells.group_by(["cohort", "period"]).aggregate(
        buyers=cells.count(),
        **{name: cells[part].sum().cast("float64").fill_null(0.0) for name, part in MONEY.items()},
    )
    table = engine.frame(sums).sort_values(["cohort", "period"], ignore_index=True)
    table["age"] = table["period"] - table["cohort"]
    sizes = table[table["age"] == 0].set_index("cohort")[
        "buyers"
    ]  # all of a cohort bought in its first period
    table["clients"] = table["cohort"].map(sizes)
    return table[["cohort", "period", "age", "clients", "buyers", *MONEY]]


def orders(purchases: ibis.Table, cut: dt.date, unit: str, horizon: int, free: bool = False) -> int:
    """Purchase days within `horizon` periods after the cut of the clients acquired by it: what a judge rests on."""
    days = _days(purchases, "amount", free)
    later = (days.day > _day_number(cut)) & (_period(days.bought_at, cut, unit) <= horizon)
    days = days.filter(later & (days.first_day <= _day_number(cut)))
    return int(engine.frame(days.aggregate(n=days.count()))["n"][0])


def _until(purchases: ibis.Table, cut: dt.date) -> ibis.Table:
    return purchases.filter(purchases.client.notnull() & (_day(purchases.bought_at) <= _day_number(cut)))


def _days(known: ibis.Table, value: str, free: bool) -> ibis.Table:
    """One row per client and purchase day: client, day (number), first_day, bought_at, money."""
    days = known.group_by(["client", _day(known.bought_at).name("day")]).aggregate(
        net=known.amount.sum(), money=known[value].sum(), bought_at=known.bought_at.min()
    )
    days = days.filter(days.net >= 0 if free else days.net > 0)
    return days.mutate(first_day=days.day.min().over(group_by="client"))


def _day(moment: ibis.Value) -> ibis.Value:
    """Whole days since 1970."""
    return moment.cast("timestamp").truncate("D").epoch_seconds() // DAY


def _day_number(day: dt.date) -> int:
    return dt.date(day.year, day.month, day.day).toordinal() - dt.date(1970, 1, 1).toordinal()


def _period(moment: ibis.Value, cut: dt.date, unit: str) -> ibis.Value:
    """0 = the last period that ends at the cut, 1 the next. Weeks are counted back from the cut."""
    if unit == "M":
        return (moment.year() * 12 + moment.month() - (cut.year * 12 + cut.month)).cast("int64")
    far = 1_000_000  # a whole number of weeks: division is of positive numbers on every engine
    return (_day(moment) - _day_number(cut) + 7 * far + 6) // 7 - far


# --- the predictors ---
def compare(
    clients: Activity,
    sums: pd.DataFrame,
    cut: dt.date,
    horizon: int,
    actual: float | None = None,
    model: tuple[float, str] | None = None,
    unit: str = "W",
) -> pd.DataFrame:
    """Each predictor's revenue for the `horizon` periods after the cut, against what came.

    clients : as `activity` returns; sums : as `cohort_sums` returns with the same cut (rows after it are read for
    `actual` only); actual : None: the sum of those rows; model : (total, reason) of BG/NBD with Gamma-Gamma.
    Returns index predictor in the order of the module, columns
        predicted, actual, error (predicted / actual - 1), rank (1 = smallest |error|), cut, horizon
        status   "ok"; "no_actual" (nothing came); "short_history", "no_churn", "no_start" (nobody was active),
                 "no_model", or the model's reason: predicted, error and rank are NaN then
    """
    past, later = sums[sums["period"] <= 0], sums[sums["period"].between(1, horizon)]
    came = float(later["revenue"].sum()) if actual is None else float(actual)
    width, none = clients.width, "no_churn" if clients.start else "no_start"
    found = {
        "run_rate": run_rate(past, horizon, width),
        "cohort_power": cohort_curve(past, horizon, unit, "power"),
        "cohort_loglinear": cohort_curve(past, horizon, unit, "loglinear"),
        "bgnbd_gg": (math.nan, "no_model") if model is None else (model[0], model[1] or "ok"),
        "naive_active": _stated(clients.ltv * clients.end, none),
        "naive_all": _stated(clients.ltv * clients.clients, none),
        "naive_truncated": _stated(clients.end * _truncated(clients, horizon), none),
    }
    table = pd.DataFrame.from_dict(found, orient="index", columns=["predicted", "status"]).loc[
        list(PREDICTORS)
    ]
    table["predicted"] = table["predicted"].where(table["status"] == "ok")
    if not came > 0:
        table.loc[table["status"] == "ok", "status"] = "no_actual"
    error = table["predicted"] / came - 1 if came > 0 else table["predicted"] * math.nan
    table = table.assign(
        actual=came, error=error, rank=error.abs().round(12).rank(method="min"), cut=cut, horizon=horizon
    )
    columns = ["predicted", "actual", "error", "rank", "status", "cut", "horizon"]
    return table[columns].rename_axis("predictor")


def run_rate(past: pd.DataFrame, horizon: int, width: int) -> tuple[float, str]:
    """Revenue of the last `width` periods × horizon / width, without what clients paid on their first day: that
    comes once, and the new clients to come are not foretold.
    """
    if not len(past) or past["period"].min() > 1 - width:
        return math.nan, "short_history"
    last = past[past["period"] > -width]
    return float((last["revenue"] - last["first"]).sum()) * horizon / width, "ok"


def cohort_curve(past: pd.DataFrame, horizon: int, unit: str, kind: str) -> tuple[float, str]:
    """Σ over cohorts of clients × revenue per client at the ages to come, on a curve of the ages seen.

    rate(age) = revenue at that age / clients of all cohorts that have lived it, ages from SETTLED with OBSERVED
    clients or more. ln rate is a straight line of ln age ("power") or of age ("loglinear"), by least squares weighted
    with those clients. The whole base shares one curve; young cohorts only bring their ages.
    """
    sizes = past.groupby("cohort")["clients"].first()
    ages = np.arange(SETTLED[unit], 1 - sizes.index.min() if len(sizes) else 0)
    observed = np.array([sizes[sizes.index <= -age].sum() for age in ages], float)
    revenue = past.groupby("age")["revenue"].sum().reindex(ages, fill_value=0.0).to_numpy(float)
    used = (observed >= OBSERVED) & (revenue > 0)
    if used.sum() < 3:
        return math.nan, "short_history"
    scale = np.log if kind == "power" else np.asarray
    rate = np.log(revenue[used] / observed[used])
    slope, level = np.polyfit(scale(ages[used].astype(float)), rate, 1, w=np.sqrt(observed[used]))
    ahead = 1 + np.arange(horizon) - sizes.index.to_numpy()[:, None]  # the ages each cohort will live
    curve = np.exp(np.minimum(level + slope * scale(ahead.astype(float)), 700.0))
    return float((sizes.to_numpy()[:, None] * curve).sum()), "ok"


def _truncated(clients: Activity, horizon: int) -> float:
    """What the seed formula gives an active client within the horizon: arpu·Σ (1 - churn)^k, k = 1 … horizon/width."""
    whole, rest = divmod(horizon / clients.width, 1)
    stays = 1 - clients.churn
    shares = [stays**k for k in range(1, int(whole) + 1)] + [rest * stays ** (whole + 1)]
    return clients.arpu * sum(shares)


# --- several cuts ---
def cuts(since: dt.date, until: dt.date, unit: str, horizon: int, folds: int = 3) -> list[dt.date]:
    """Days to cut at, the latest first: `until` less one horizon, then less two, …, so that no fold judges the
    money of another. Each cut has at least two windows of WIDTH, and one horizon, of history behind it.
    """
    found = []
    for fold in range(1, folds + 1):
        cut = _back(until, fold * horizon, unit)
        if since > _back(cut, max(2 * WIDTH[unit], horizon), unit) + dt.timedelta(days=1):
            break
        found.append(cut)
    return found


def last_full(as_of: dt.date, unit: str) -> dt.date:
    """The last day of the last whole period seen at as_of: as_of itself for weeks, the end of a month for months."""
    after = as_of + dt.timedelta(days=1)
    return as_of if unit == "W" or after.day == 1 else as_of.replace(day=1) - dt.timedelta(days=1)


def rolling(
    purchases: ibis.Table, until: dt.date, unit: str, horizon: int, model: Model | None = None, folds: int = 3,
    value: str = "amount", free: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """`compare` at each of `cuts`: its columns, `predictor` and `orders`, a row per cut and predictor, latest first.

    until : last day whose purchases are complete (see `last_full`); model : a function such as `ltv.forecast`, called
    with `summary`, `values` and the horizon in units of `summary`. Empty where the history allows no cut.
    """
    known = _until(purchases, until)
    first = engine.frame(known.aggregate(first=known.bought_at.min())).iloc[0, 0]
    found = [] if pd.isna(first) else cuts(pd.Timestamp(first).date(), until, unit, horizon, folds)
    tables = []
    for cut in found:
        clients, total = activity(known, cut, unit, None, value, free), None
        if model:
            history = summary(known, cut, unit, value, free), values(known, cut, value, free)
            total = model(*history, horizon)
        sums = cohort_sums(known, unit, cut, horizon, value, free)
        table = compare(clients, sums, cut, horizon, None, total, unit).reset_index()
        tables.append(table.assign(orders=orders(known, cut, unit, horizon, free)))
    columns = ["predictor", "predicted", "actual", "error", "rank", "status", "cut", "horizon", "orders"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _back(day: dt.date, periods: int, unit: str) -> dt.date:
    if unit == "W":
        return day - dt.timedelta(weeks=periods)
    return (pd.Period(day, "M") - periods).end_time.date()


def _stated(value: float, otherwise: str) -> tuple[float, str]:
    return (value, "ok") if math.isfinite(value) else (math.nan, otherwise)


def _over(above: float, below: float) -> float:
    return above / below if below else math.nan
