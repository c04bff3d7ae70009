"""What the clients of each month have brought since their first purchase, and when they pay back what they cost.

A cohort is the calendar month of a client's first purchase; its age is the number of calendar months since. A young
cohort has not lived long enough to be asked about a high age: its missing months are unknown, not zero. Clients who
stopped buying stay in the denominator as zeros. What a client has brought by age K is therefore a lower bound of what
he will bring, and is always told with its K.

Rows are walked by the engine; what stays is one line per cohort and age, so the statistics do not grow with clients.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from detente import engine

if TYPE_CHECKING:
    import ibis

CELLS = ("cohort", "month", "age", "clients", "active", "revenue", "margin", "unpriced", "complete")
OLD = 2.0  # a first cohort this many times larger than those after it holds clients from before the export


def triangle(purchases: ibis.Table, as_of: dt.date) -> pd.DataFrame:
    """Money and buyers per cohort and age, up to the month of `as_of`; what was bought later is left out.

    purchases : as intake makes them (client, cohort, month, bought_at, gross, amount, margin).
    Returns one row per cohort and age 0, 1, .. (months without a purchase too), in that order:
        cohort, month      YYYY-MM
        age                calendar months since the cohort's month
        clients            of the cohort: the DENOMINATOR of whatever is told per client
        active             of them, clients with a purchase in that month
        revenue, margin    Decimal, exact; margin counts the purchases whose margin is known
        unpriced           revenue of the purchases whose margin is not known
        complete           the month is over: the cohort was observed through this age
    Purchases of unknown clients are in `apart`. Empty where no client is known.
    """
    monthly = _monthly(purchases, as_of)
    sums = monthly.group_by("cohort", "month").aggregate(
        clients=monthly.count(), active=monthly.count(where=monthly.orders > 0),
        **{name: monthly[name].sum() for name in ("revenue", "margin", "unpriced")},
    )  # fmt: skip
    cells = engine.frame(sums)
    births = cells[cells["cohort"] == cells["month"]].set_index("cohort")["clients"].sort_index()
    if births.empty:
        return pd.DataFrame(columns=list(CELLS))
    last = _place(f"{as_of:%Y-%m}")
    grid = [(cohort, _name(place)) for cohort in births.index for place in range(_place(cohort), last + 1)]
    names = ["cohort", "month"]
    table = pd.DataFrame(grid, columns=names, dtype="str").merge(cells.drop(columns="clients"), "left", names)
    for name, none in {"active": 0, "revenue": 0, "margin": 0, "unpriced": 0}.items():
        table[name] = table[name].where(table[name].notna(), none)
    age = table["month"].map(_place) - table["cohort"].map(_place)
    over = table["month"].map(_place) <= _place(_last_month(as_of))
    table = table.assign(age=age, clients=table["cohort"].map(births), complete=over).astype(
        {"active": "int64"}
    )
    return table[list(CELLS)]


def _monthly(purchases: ibis.Table, as_of: dt.date) -> ibis.Table:
    """One row per client and month with a payment: cohort, orders, revenue, margin, unpriced."""
    import ibis

    after = ibis.timestamp(f"{as_of + dt.timedelta(days=1)} 00:00:00")
    known = purchases.filter(purchases.client.notnull() & (purchases.bought_at < after))
    return known.group_by("client", "cohort", "month").aggregate(
        orders=known.count(where=known.gross > 0), revenue=known.amount.sum(), margin=known.margin.sum(),
        unpriced=known.amount.sum(where=known.margin.isnull()),
    )  # fmt: skip


def _place(month: str) -> int:
    """A month YYYY-MM as a number, so that months can be subtracted."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def _name(place: int) -> str:
    return f"{place // 12:04d}-{place % 12 + 1:02d}"


def _last_month(as_of: dt.date) -> str:
    """The last month that is over on the evening of `as_of`."""
    return _name(_place(f"{as_of + dt.timedelta(days=1):%Y-%m}") - 1)


@dataclass(frozen=True)
class Apart:
    """What the triangle leaves out: purchases and their revenue whose client nobody knows, and those after as_of.

    revenue of the triangle + unknown_revenue + later_revenue = revenue of all purchases, to the kopeck.
    """

    unknown: int
    unknown_revenue: float
    later: int
    later_revenue: float


def apart(purchases: ibis.Table, as_of: dt.date) -> Apart:
    """Purchases that stand in no cohort. Money as Decimal."""
    import ibis

    later = purchases.bought_at >= ibis.timestamp(f"{as_of + dt.timedelta(days=1)} 00:00:00")
    unknown = purchases.client.isnull() & ~later
    sums = {
        "unknown": purchases.count(where=unknown), "unknown_revenue": purchases.amount.sum(where=unknown),
        "later": purchases.count(where=later), "later_revenue": purchases.amount.sum(where=later),
    }  # fmt: skip
    row = engine.frame(purchases.aggregate(**sums)).iloc[0]
    return Apart(**{name: 0 if pd.isna(row[name]) else row[name] for name in sums})


def measure(triangle: pd.DataFrame, tolerance: float = 0.05) -> str:
    """ "margin" where the margin of nearly all revenue is known (all but `tolerance` of it), else "revenue"."""
    revenue, unpriced = (float(triangle[name].sum()) for name in ("revenue", "unpriced"))
    return "margin" if revenue > 0 and unpriced <= tolerance * revenue else "revenue"


def margin_share(triangle: pd.DataFrame) -> float:
    """Margin per rouble of the revenue whose margin is known; NaN where there is none."""
    revenue = float(triangle["revenue"].sum()) - float(triangle["unpriced"].sum())
    return float(triangle["margin"].sum()) / revenue if revenue > 0 else math.nan


def per_active(triangle: pd.DataFrame, value: str = "margin") -> float:
    """Money of a client in a month in which he bought; DENOMINATOR: clients times months with a purchase."""
    active = int(triangle["active"].sum())
    return float(triangle[value].sum()) / active if active else math.nan


def per_head(triangle: pd.DataFrame, value: str = "margin") -> float:
    """All money so far over all clients, however young: what a client seems to bring if age is not looked at."""
    clients = triangle.drop_duplicates("cohort")["clients"].sum()
    return float(triangle[value].sum()) / clients if clients else math.nan


def span(triangle: pd.DataFrame, least: int = 30) -> int:
    """Months of arrival that are shown as one row: 1, or 3 where most months have fewer clients than `least`."""
    sizes = triangle.drop_duplicates("cohort")["clients"]
    return 1 if not len(sizes) or (sizes >= least).mean() >= 0.5 else 3


def grid(triangle: pd.DataFrame, value: str = "margin", least: int = 30, span: int = 1) -> pd.DataFrame:
    """The triangle as a picture wants it: money per client from the first purchase up to each age.

    span : calendar months of arrival in one row (1, or 3: quarters); a row of several months is told at the ages that
    all of them have begun. Returns row (first month of arrival), n (clients, the DENOMINATOR), column (age), value,
    enough (n >= least), ripe (the month is over for all of them).
    """
    first = triangle["cohort"].map(lambda month: _name(_place(month) // span * span), na_action="ignore")
    cells = triangle.assign(row=first, money=triangle[value].astype(float))
    lived = cells.groupby("cohort")["age"].transform("max")
    cells = cells[cells["age"] <= lived.groupby(cells["row"]).transform("min")]
    table = cells.groupby(["row", "age"], as_index=False).agg(
        n=("clients", "sum"), money=("money", "sum"), ripe=("complete", "all")
    )
    table["value"] = table.groupby("row")["money"].cumsum() / table["n"].astype(float)
    table = table.rename(columns={"age": "column"}).assign(enough=table["n"] >= least)
    return table[["row", "n", "column", "value", "enough", "ripe"]]


def old_first(triangle: pd.DataFrame) -> bool:
    """Whether the first cohort is so large that it must hold clients who had bought before the export begins."""
    sizes = triangle.drop_duplicates("cohort")["clients"].tolist()
    return len(sizes) > 3 and sizes[0] >= OLD * max(sizes[1:4])


# --- per client ---
def per_client(
    purchases: ibis.Table, triangle: pd.DataFrame, value: str = "margin", least: int = 30,
    discount: float = 0.0, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """What a client has brought by each age: the sum over ages of money at that age / clients observed through it.

    triangle : of the same purchases. value : "margin" or "revenue". discount : yearly; money at age k counts
    1 / (1 + discount)^(k / 12) of itself.
    Returns index age 0, 1, .. (only ages that at least one cohort was observed through), columns
        clients    observed through the age, those who stopped buying included: the DENOMINATOR of `added`
        added      money at this age per client
        value      sum of `added` up to this age: a LOWER BOUND of a client's worth; low, high, level
        own        what the clients observed through this age brought themselves: `value` adds ages of different ones
        enough     clients >= least: higher ages are shown, never told
    Interval: the variance of a sum of ratios over independent clients, linearised; it is what resampling whole
    clients gives, in closed form. Student's t with clients - 1 degrees of freedom; NaN for a single client.
    SOURCE: cumulative margin of cohorts with clients observed through each age; delta method of our own derivation.
    """
    done = triangle[triangle["complete"].astype(bool)]
    if done.empty:
        names = ["clients", "added", "value", "low", "high", "own", "level", "enough"]
        return pd.DataFrame(columns=names, index=pd.Index([], name="age"), dtype=float)
    ages = done.groupby("age")
    clients, worn = ages["clients"].sum(), (1 + discount) ** (-ages["age"].first() / 12)
    money = ages[value].sum().astype(float) * worn
    added = money / clients
    weights = done[["cohort", "month", "age"]].assign(weight=done["age"].map(worn / clients))
    error = _error(_parts(purchases, value, weights), done, added / clients) * np.sqrt(
        clients / (clients - 1)
    )
    reach = special.stdtrit((clients - 1).clip(lower=1), (1 + level) / 2) * error.where(clients > 1)
    total = added.cumsum()
    table = {"clients": clients, "added": added, "value": total, "low": total - reach, "high": total + reach}
    return pd.DataFrame(table).assign(own=_own(done, value, worn), level=level, enough=clients >= least)


def _own(done: pd.DataFrame, value: str, worn: pd.Series) -> pd.Series:
    """Per age: all money so far of the clients observed through it, over these clients."""
    money = (done[value].astype(float) * done["age"].map(worn)).groupby(done["cohort"]).cumsum()
    return money.groupby(done["age"]).sum() / done.groupby("age")["clients"].sum()


def _parts(purchases: ibis.Table, value: str, weights: pd.DataFrame) -> pd.DataFrame:
    """Per cohort and age: sum over clients of their weighted money, and of the growth of its running square.

    A client's running sum z grows only in months with a payment, so the sum of z² over all clients at an age is the
    sum of all growth of z² before it: no row has to be made for a month without one.
    """
    import ibis

    last = pd.Period(weights["month"].max(), "M").end_time.date()
    monthly = _monthly(purchases, last)
    joined = monthly.join(engine.table(weights), ["cohort", "month"])
    joined = joined.mutate(z=joined[value].fill_null(0).cast("float64") * joined.weight)
    run = ibis.window(group_by="client", order_by="age", preceding=None, following=0)
    joined = joined.mutate(after=joined.z.sum().over(run))
    before = joined.after - joined.z
    joined = joined.mutate(grown=joined.after * joined.after - before * before)
    sums = joined.group_by("cohort", "age").aggregate(z=joined.z.sum(), grown=joined.grown.sum())
    return engine.frame(sums)


def _error(parts: pd.DataFrame, done: pd.DataFrame, drift: pd.Series) -> pd.Series:
    """Standard error of the cumulative value by age.

    Each client stands with z - b, b = sum of `drift` over the ages he was observed through: sum of (z - b)² over
    clients = sum z² - 2 b sum z + n b², cohort by cohort. `drift` : per age, money per client / clients.
    """
    grid = done.pivot(index="cohort", columns="age", values="clients")
    sizes = (
        done.drop_duplicates("cohort").set_index("cohort")["clients"].loc[grid.index].to_numpy(float)[:, None]
    )
    names = {"index": "cohort", "columns": "age"}
    z, squares = (
        parts.pivot(**names, values=name)
        .reindex(index=grid.index, columns=grid.columns)
        .fillna(0)
        .cumsum(axis=1)
        for name in ("z", "grown")
    )
    seen = np.where(grid.notna(), drift.reindex(grid.columns).to_numpy(float), 0).cumsum(axis=1)
    squared = squares.to_numpy() - 2 * seen * z.to_numpy() + sizes * seen**2
    return pd.Series(np.sqrt(squared.sum(axis=0).clip(min=0)), grid.columns)


@dataclass(frozen=True)
class Reached:
    """What a client has brought in the first `months` calendar months, that of the first purchase counted: age
    months - 1. A lower bound; DENOMINATOR: `clients` observed through that age.

    status : "ok"; "shorter" (below the horizon: enough clients were observed for these months only); "cannot_tell"
    (not even for one: needed = clients that are missing). left_out : clients too young for the age.
    first : clients of the first month; own : what the `clients` brought themselves, without the ages of younger ones.
    """

    months: int
    horizon: int
    value: float
    low: float
    high: float
    clients: int
    left_out: int
    needed: int
    level: float
    status: str
    first: int = 0
    own: float = math.nan

    @property
    def mixed(self) -> bool:
        """Whether the value is not what those who lived so long have brought: younger clients bring more, or less."""
        return self.own < self.low or self.own > self.high


def at(curve: pd.DataFrame, horizon: int, least: int = 30) -> Reached:
    """The value by the horizon (months), or by the highest age that `least` clients were observed through.

    curve : as `per_client` returns; `left_out` counts clients of complete months only.
    """
    level = float(curve["level"].iloc[0]) if len(curve) else math.nan
    everyone = int(curve["clients"].iloc[0]) if len(curve) else 0
    told = curve[curve["enough"].astype(bool) & (curve.index < horizon)]
    if told.empty:
        needed = max(least - everyone, 1)
        return Reached(0, horizon, *[math.nan] * 3, everyone, 0, needed, level, "cannot_tell")
    row, months = told.iloc[-1], int(told.index[-1]) + 1
    clients, status = int(row["clients"]), "ok" if months == horizon else "shorter"
    ends = (float(row[name]) for name in ("value", "low", "high"))
    left = everyone - clients
    return Reached(months, horizon, *ends, clients, left, 0, level, status, everyone, float(row["own"]))


@dataclass(frozen=True)
class Payback:
    """The first age (months after the month of the first purchase) at which a client has brought what he cost.

    months, and its limits soonest, latest (by the ends of the interval); None: not reached by `observed` months.
    value : what a client has brought by `observed`. status : "paid_back", "not_yet", "no_cac", "cannot_tell".
    """

    status: str
    months: int | None
    soonest: int | None
    latest: int | None
    observed: int
    value: float
    cac: float
    clients: int


def payback(curve: pd.DataFrame, cac: float) -> Payback:
    """When the cumulative value first reaches `cac`. A month is never averaged with those who have not paid back.

    curve : `per_client` of the margin. Only ages with enough clients count.
    """
    told = curve[curve["enough"].astype(bool)] if len(curve) else curve
    if told.empty:
        return Payback("cannot_tell", None, None, None, 0, math.nan, cac, 0)
    observed, row = int(told.index[-1]), told.iloc[-1]
    if not cac > 0:
        return Payback(
            "no_cac", None, None, None, observed, float(row["value"]), math.nan, int(row["clients"])
        )
    months, soonest, latest = (_first(told[name] >= cac) for name in ("value", "high", "low"))
    status = "not_yet" if months is None else "paid_back"
    at = told.loc[observed if months is None else months]
    return Payback(status, months, soonest, latest, observed, float(row["value"]), cac, int(at["clients"]))


def _first(reached: pd.Series) -> int | None:
    return int(reached.idxmax()) if reached.any() else None
