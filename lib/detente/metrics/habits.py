"""What a head of sales asks for and the data can show: a budget from the start, a deadline, several contacts, minutes.

A comparison of deals with and without something says that they go together, not that one brings the other: who
came further was asked more.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Funnel

LISTED = 3  # calls per manager on the list to listen to (ours)
CONTACTS = 4  # deals with so many contacts or more are one row


def budget(journeys: ibis.Table, funnel: Funnel, level: float = 0.95) -> pd.DataFrame:
    """How many deals carry an amount, by the stage they reached.

    Returns per open stage: order, deals (whose furthest stage it is; the DENOMINATOR), filled (amount above 0),
    share, low, high; open, open_filled (of them still open).
    """
    known = journeys.filter(journeys["furthest"].notnull())
    filled, still = (known["amount"] > 0).fill_null(False), known["outcome"] == "open"
    counted = engine.frame(
        known.group_by(order="furthest").aggregate(
            deals=known.count(), filled=known.count(where=filled), open=known.count(where=still),
            open_filled=known.count(where=still & filled),
        )
    )  # fmt: skip
    orders = pd.RangeIndex(1, len(funnel.stages) + 1, name="order")
    table = counted.set_index("order").reindex(orders).fillna(0).astype("int64").reset_index()
    low, high = intervals.wilson(table["filled"], table["deals"], level)
    share = table["filled"] / table["deals"].where(table["deals"] > 0)
    return table.assign(share=share, low=low, high=high, level=level)


@dataclass(frozen=True)
class Drift:
    """How the budget first noted compares with the amount of the deal now.

    status : "ok", "few" (fewer than min_group deals), "no_first" (neither a first budget nor amounts per move).
    source : "field" (a column of the deals) or "moves" (the first amount of the stage log).
    deals  : deals with both, above 0; DENOMINATOR of the counts grew + same + fell.
    ratio  : median of amount / first budget with the interval low, high of order statistics (sign test).
    """

    status: str
    source: str
    deals: int
    grew: int
    same: int
    fell: int
    ratio: float
    low: float
    high: float
    level: float


def drift(
    journeys: ibis.Table, stages: ibis.Table | None = None, level: float = 0.95, min_group: int = 30
) -> Drift:
    """Does the budget hold? `field_first_amount` is taken first, then the first amount of the stage log.

    Ratios are counted in steps of a thousandth of their logarithm, so that the cost does not grow with rows.
    """
    pairs, source = _first_amounts(journeys, stages)
    if pairs is None:
        return Drift("no_first", "", 0, 0, 0, 0, math.nan, math.nan, math.nan, level)
    first, amount = pairs["first"].cast("float64"), pairs["amount"].cast("float64")
    pairs = pairs.filter((first > 0) & (amount > 0))
    ratio = (pairs["amount"].cast("float64") / pairs["first"].cast("float64").nullif(0)).ln() * 1000
    pairs = pairs.mutate(step=ratio.round().cast("int64"))
    counted = engine.frame(pairs.group_by("step").aggregate(n=pairs.count())).sort_values("step")
    deals, steps, sizes = int(counted["n"].sum()), counted["step"], counted["n"].astype("int64")
    parts = [int(sizes[mask].sum()) for mask in (steps > 0, steps == 0, steps < 0)]
    if not deals:
        return Drift("few", source, 0, 0, 0, 0, math.nan, math.nan, math.nan, level)
    middle, low, high = (math.exp(step / 1000) for step in _median(steps, sizes, level))
    return Drift("ok" if deals >= min_group else "few", source, deals, *parts, middle, low, high, level)


def _first_amounts(journeys: ibis.Table, stages: ibis.Table | None) -> tuple[ibis.Table | None, str]:
    import ibis

    if "field_first_amount" in journeys.columns:
        return journeys.select(first="field_first_amount", amount="amount"), "field"
    if stages is None or not int(engine.frame(stages.aggregate(n=stages["amount"].count()))["n"].iloc[0]):
        return None, ""
    noted = stages.filter(stages["amount"] > 0)
    order = [noted["entered_at"], noted["seq"], noted["row"]]
    noted = noted.mutate(number=ibis.row_number().over(ibis.window(group_by="lead_id", order_by=order)))
    first = noted.filter(noted["number"] == 0).select(_deal="lead_id", first="amount")
    joined = journeys.inner_join(first, journeys["lead_id"] == first["_deal"])
    return joined.select("first", "amount"), "moves"


def _median(values: pd.Series, sizes: pd.Series, level: float) -> tuple[float, float, float]:
    """Lower median of counted values and its distribution-free interval by order statistics.

    Source: sign test; the k-th and (n + 1 - k)-th value, k the largest with P(Binomial(n, 1/2) < k) <= tail.
    """
    from scipy import stats

    n, ends = int(sizes.sum()), sizes.cumsum().to_numpy()
    k = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
    places = [(n + 1) // 2, max(k, 1), min(n + 1 - k, n)]
    found = [float(values.iloc[int(np.searchsorted(ends, place))]) for place in places]
    return found[0], found[1], found[2]


@dataclass(frozen=True)
class Versus:
    """Two kinds of deals by how many were won.

    status : "ok", "few" (fewer than min_group on a side) or "none" (the export has no such column).
    deals, having : deals that went further than the first stage, and those with the thing asked about; share with
             low, high; DENOMINATOR deals.
    ripe   : of them at least ripe_days old and not of unknown kind. yes_*, no_* : won of n among ripe deals.
    difference = yes_won / yes - no_won / no, with Newcombe's diff_low and diff_high.
    table  : what the question needs beside: see the functions.
    """

    status: str
    deals: int
    having: int
    share: float
    low: float
    high: float
    yes: int
    yes_won: int
    no: int
    no_won: int
    difference: float
    diff_low: float
    diff_high: float
    level: float
    passed: int = 0
    open: int = 0
    table: pd.DataFrame | None = None


def deadline(
    journeys: ibis.Table, as_of: dt.date, ripe_days: int = 30, level: float = 0.95, min_group: int = 30
) -> Versus:
    """Is the day known by which the client needs it, and do such deals end otherwise?

    having: deals with `field_deadline`. open: open deals with one; passed: of them those whose day is before as_of.
    """
    if "field_deadline" not in journeys.columns:
        return _nothing(level)
    import ibis

    day = journeys["field_deadline"]
    open_ = (journeys["outcome"] == "open") & day.notnull()
    late = engine.frame(
        journeys.aggregate(open=journeys.count(where=open_),
                           passed=journeys.count(where=open_ & (day < ibis.timestamp(f"{as_of} 00:00:00"))))
    ).iloc[0]  # fmt: skip
    return _versus(
        journeys, day.notnull(), ripe_days, level, min_group,
        passed=int(late["passed"]), open=int(late["open"]),
    )  # fmt: skip


def contacts(journeys: ibis.Table, ripe_days: int = 30, level: float = 0.95, min_group: int = 30) -> Versus:
    """Is more than one person of the client on the deal? Deals without a number are left out.

    having: deals with two contacts or more. table: per number of contacts (1 .. CONTACTS, the last "or more"):
    contacts, deals (ripe), won, share, low, high.
    """
    if "field_contacts" not in journeys.columns:
        return _nothing(level)
    import ibis

    known = journeys.filter(journeys["field_contacts"] >= 1)
    known = known.mutate(number=ibis.least(known["field_contacts"], float(CONTACTS)).floor().cast("int64"))
    ripe = _further(known).filter(lambda t: t.age_days >= ripe_days)
    counted = engine.frame(
        ripe.group_by(contacts="number").aggregate(
            deals=ripe.count(), won=ripe.count(where=ripe["outcome"] == "won")
        )
    ).sort_values("contacts", ignore_index=True)
    low, high = intervals.wilson(counted["won"], counted["deals"], level)
    table = counted.assign(share=counted["won"] / counted["deals"], low=low, high=high, level=level)
    return _versus(known, known["number"] >= 2, ripe_days, level, min_group, table=table)


def _nothing(level: float) -> Versus:
    return Versus("none", 0, 0, math.nan, math.nan, math.nan, 0, 0, 0, 0, math.nan, math.nan, math.nan, level)


def _further(journeys: ibis.Table) -> ibis.Table:
    """Deals in which there was somebody to ask: further than the first stage, or won."""
    return journeys.filter((journeys["furthest"] > 1) | (journeys["outcome"] == "won"))


def _versus(journeys, has, ripe_days: int, level: float, min_group: int, **more) -> Versus:
    deals = _further(journeys.mutate(_has=has.fill_null(False)))
    ripe, won, has = deals["age_days"] >= ripe_days, deals["outcome"] == "won", deals["_has"]
    row = engine.frame(
        deals.aggregate(
            deals=deals.count(), holding=deals.count(where=has), yes=deals.count(where=ripe & has),
            yes_won=deals.count(where=ripe & has & won), no=deals.count(where=ripe & ~has),
            no_won=deals.count(where=ripe & ~has & won),
        )
    ).iloc[0].astype(int)  # fmt: skip
    low, high = intervals.wilson(row["holding"], row["deals"], level)
    diff_low, diff_high = intervals.newcombe(row["yes_won"], row["yes"], row["no_won"], row["no"], level)
    both = row["yes"] and row["no"]
    difference = row["yes_won"] / row["yes"] - row["no_won"] / row["no"] if both else math.nan
    counts = {name.replace("holding", "having"): int(row[name]) for name in row.index}
    return Versus(
        "ok" if min(row["yes"], row["no"]) >= min_group else "few",
        share=row["holding"] / row["deals"] if row["deals"] else math.nan, low=low, high=high,
        difference=difference, diff_low=diff_low, diff_high=diff_high, level=level, **counts, **more,
    )  # fmt: skip


def effort(journeys: ibis.Table) -> pd.DataFrame:
    """Where the hours go: per outcome (won, lost, open) deals with hours, hours, contacts (sum of noted), amount.

    Empty without `field_hours`. Whether a deal pays for its hours needs the price of an hour, which no export holds.
    """
    if "field_hours" not in journeys.columns:
        return pd.DataFrame(columns=["outcome", "deals", "hours", "amount"])
    known = journeys.filter(journeys["field_hours"] > 0)
    amount = known["amount"].cast("float64").sum()
    counted = engine.frame(
        known.group_by("outcome").aggregate(
            deals=known.count(), hours=known["field_hours"].sum(), amount=amount
        )
    )
    order = {"won": 0, "lost": 1, "open": 2}
    return counted.sort_values("outcome", key=lambda names: names.map(order), ignore_index=True)


def joined(calls: ibis.Table | None, journeys: ibis.Table, steps: int) -> ibis.Table | None:
    """Calls with what is known of their deal at that moment; None without a call log.

    A call that no counted deal is tied to stays: its minutes were spent all the same.

    Columns: at, seconds, manager (of the call; of the deal where the call names none), segment, order (the latest
    stage entered by then; NULL without a history), outcome, lead_id (NULL
    without a counted deal), row. `talk` and `to_listen` of None are None.
    """
    if calls is None:
        return None
    import ibis

    deals = journeys.rename(_deal="lead_id", _owner="manager", _row="row")
    found = calls.left_join(deals, calls["lead_id"] == deals["_deal"])
    order = ibis.null("int64")
    if "entered_1" in journeys.columns:
        reached = [
            (found[f"entered_{k}"] <= found["started_at"]).fill_null(False) for k in range(1, steps + 1)
        ]
        order = ibis.greatest(*(ibis.ifelse(there, k, 0) for k, there in enumerate(reached, 1))).nullif(0)
    return found.select(
        "segment", "outcome", "row", lead_id=found["_deal"], at=found["started_at"], seconds=found["duration_s"],
        manager=ibis.coalesce(found["manager"], found["_owner"]), order=order.cast("int64"),
    )  # fmt: skip


def talk(
    talks: ibis.Table | None, by: str, talk_seconds: int = 60, level: float = 0.95
) -> pd.DataFrame | None:
    """Minutes beside calls, per group (NULL last); most minutes first. talks: as `joined` returns.

    Returns index `by`, columns calls (with a known duration), minutes, per_call, short (calls shorter than
    talk_seconds), calls_rank, minutes_rank (1 = most); and by deal, because calls on one deal are alike: deals
    (called at least once; the DENOMINATOR of share), mute (of them without one call of talk_seconds), share, low, high.
    """
    if talks is None:
        return None
    known = talks.filter(talks["seconds"] >= 0)
    long = known["seconds"] >= talk_seconds
    counted = engine.frame(
        known.group_by(by).aggregate(
            calls=known.count(), minutes=known["seconds"].cast("float64").sum() / 60, short=known.count(where=~long),
            deals=known["lead_id"].nunique(), spoken=known["lead_id"].nunique(where=long),
        )
    ).set_index(by).sort_index(na_position="last")  # fmt: skip
    counted["minutes"] = counted["minutes"].astype("float64")
    counted["mute"] = counted["deals"] - counted.pop("spoken")
    low, high = intervals.wilson(counted["mute"], counted["deals"], level)
    ranks = {f"{name}_rank": counted[name].rank(ascending=False, method="min").astype("int64")
             for name in ("calls", "minutes")}  # fmt: skip
    share = counted["mute"] / counted["deals"].where(counted["deals"] > 0)
    table = counted.assign(share=share, low=low, high=high, level=level,
                           per_call=counted["minutes"] / counted["calls"], **ranks)  # fmt: skip
    return table.sort_values("minutes", ascending=False, kind="stable")


def wordings(tasks: ibis.Table | None) -> dict[str | None, int]:
    """Title -> how many tasks are called so, by title; empty without a task export."""
    if tasks is None:
        return {}
    counted = engine.frame(tasks.group_by("title").aggregate(n=tasks.count())).sort_values("title")
    return {None if pd.isna(title) else title: int(n) for title, n in counted.itertuples(index=False)}


def to_listen(
    talks: ibis.Table | None, talk_seconds: int = 60, seed: int = 0, each: int = LISTED
) -> pd.DataFrame | None:
    """A list of conversations to listen to: up to `each` per manager, drawn at random with a stated seed.

    Returns manager, at, seconds, order, outcome; by manager, then time. The same calls in any order of rows give the
    same list. No id, phone or name is in it: the call log is searched by manager and time.
    """
    if talks is None:
        return None
    import ibis

    long = talks.filter((talks["seconds"] >= talk_seconds) & talks["manager"].notnull())
    sizes = engine.frame(long.group_by("manager").aggregate(n=long.count())).sort_values("manager")
    chance = np.random.default_rng(seed)
    drawn = [
        (manager, int(place))
        for manager, n in sizes.itertuples(index=False)
        for place in chance.choice(int(n), size=min(each, int(n)), replace=False)
    ]
    columns = ["manager", "at", "seconds", "order", "outcome"]
    if not drawn:
        return pd.DataFrame(columns=columns)
    order = [long["at"], long["seconds"], long["lead_id"], long["row"]]
    long = long.mutate(place=ibis.row_number().over(ibis.window(group_by="manager", order_by=order)))
    picked = engine.table(pd.DataFrame(drawn, columns=["_who", "_place"]))
    found = long.inner_join(picked, [long["manager"] == picked["_who"], long["place"] == picked["_place"]])
    return engine.frame(found.select(*columns)).sort_values(["manager", "at", "seconds"], ignore_index=True)


def missing(
    journeys: ibis.Table, stages: ibis.Table | None, tasks: ibis.Table | None, calls: ibis.Table | None
) -> list[str]:
    """What the export would have to hold for every rule to be seen, as stable words, in the order of the report.

    "stages", "tasks", "calls" (tables); "evidence", "fact_at" (of any stage), "amount", "first_amount", "deadline",
    "contacts", "roles", "hours" (columns; an amount that is nowhere above 0 is missing).
    """
    names = journeys.columns
    found = [
        name for name, table in (("stages", stages), ("tasks", tasks), ("calls", calls)) if table is None
    ]
    found += [
        kind for kind in ("evidence", "fact_at") if not any(name.startswith(f"{kind}_") for name in names)
    ]
    paid = engine.frame(journeys.aggregate(n=journeys.count(where=journeys["amount"] > 0)))["n"].iloc[0]
    found += [] if paid else ["amount"]
    fields = ("first_amount", "deadline", "contacts", "roles", "hours")
    noted = stages is not None and drift(journeys, stages).status != "no_first"
    return found + [
        name for name in fields if f"field_{name}" not in names and not (name == "first_amount" and noted)
    ]
