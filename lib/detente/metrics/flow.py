"""Stage to stage: how many leads enter a stage, pass it, are lost there or still stand there, and for how long.

A lead is counted by the furthest stage it reached: it entered stage k when furthest >= k and passed it when
furthest > k, or when it was won; so entered = passed + lost + open at every stage. The functions here walk the
journeys once and return small tables of counts. `ages` and `sojourns` count leads per whole day of age, which is
what the curves of `incidence` are made of; leads that are still open stay in those counts as open.

Whole days: from a time to a time the floor of the difference; where one of the two is a day without a time, and
for what is open on the evening of `as_of`, the difference of the days. A negative time is 0; `gaps` counts them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Stage

OPEN, PASSED, LOST = 0, 1, 2  # causes in the counts by age: still there; won or passed on; lost
LATE_SHARE = 0.02  # leads older than usual at the export's first closing; fewer do not move a curve
SEEN = 10  # leads still observed at a stage where its curve may end: fewer make it jump
DAY = 86_400


# --- counts and money per stage ---
def steps(journeys: ibis.Table, stages: Sequence[Stage], level: float = 0.95) -> pd.DataFrame:
    """One row per open stage, in order: the two numbers of a stage, leads and money, and plain shares.

    Columns order, stage; entered, passed, lost, open (leads with a known furthest stage) and amount_entered,
    amount_passed, amount_lost, amount_open (Decimal sums of the deals' budget); with_amount = how many of
    `entered` have a budget, with_amount_lost of `lost`;
        naive   passed / entered, low by every lead that has not had its time yet; naive_low, naive_high
        closed  passed / (passed + lost), leads still open left out; closed_low, closed_high
        lost_share   lost / all lost with a known stage; lost_share_low, lost_share_high
    with Wilson intervals at `level`. Identity, asserted: entered = passed + lost + open, for leads and for money.
    """
    cells, last = _cells(journeys), len(stages)
    known = cells[cells["furthest"].notna()]
    rows = [_step(known, order, order == last) for order in range(1, last + 1)]
    table = pd.DataFrame(rows)
    table.insert(1, "stage", [stage.name for stage in stages])
    for name in ("", "amount_"):
        parts = table[f"{name}passed"] + table[f"{name}lost"] + table[f"{name}open"]
        assert (table[f"{name}entered"] == parts).all(), "a lead that enters passes, is lost, or stays"
    ended, losses = table["passed"] + table["lost"], 0 * table["lost"] + table["lost"].sum()
    shares = {
        "naive": ("passed", table["entered"]),
        "closed": ("passed", ended),
        "lost_share": ("lost", losses),
    }
    for name, (hits, trials) in shares.items():
        low, high = intervals.wilson(table[hits], trials, level)
        share = table[hits] / trials.where(trials > 0)
        table = table.assign(**{name: share, f"{name}_low": low, f"{name}_high": high})
    return table.assign(level=level)


def _cells(journeys: ibis.Table) -> pd.DataFrame:
    """Leads and money per furthest stage and outcome: at most three rows a stage."""
    counted = journeys.filter(journeys.outcome.isin(["open", "won", "lost"]))
    money = {"with_amount": counted.amount.count(), "amount": counted.amount.cast("decimal(38, 2)").sum()}
    cells = counted.group_by("furthest", "outcome").aggregate(leads=counted.count(), **money)
    return _exact(engine.frame(cells))


def _exact(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(amount=[Decimal(0) if pd.isna(x) else Decimal(x) for x in cells["amount"]])


def _step(known: pd.DataFrame, order: int, last: bool) -> dict:
    """What became of the leads that entered one stage."""
    here, beyond = known["furthest"] == order, known["furthest"] > order
    won = here & (known["outcome"] == "won") & last
    parts = {
        "entered": here | beyond, "passed": beyond | won, "lost": here & (known["outcome"] == "lost"),
        "open": here & (known["outcome"] == "open"),
    }  # fmt: skip
    found = {"order": order} | {name: int(known["leads"][rows].sum()) for name, rows in parts.items()}
    found |= {f"amount_{name}": sum(known["amount"][rows], Decimal(0)) for name, rows in parts.items()}
    with_amount, lost = known["with_amount"], known["with_amount"][parts["lost"]]
    return found | {"with_amount": int(with_amount[here | beyond].sum()), "with_amount_lost": int(lost.sum())}


@dataclass(frozen=True)
class Total:
    """Lead to sale, all leads together: leads = won + lost + open, with the Decimal sums of the deals' budget.

    naive = won / leads, closed = won / (won + lost), each with its Wilson interval; with_amount: won deals that
    have a budget.
    """

    leads: int
    won: int
    lost: int
    open: int
    amount_won: Decimal
    amount_lost: Decimal
    amount_open: Decimal
    with_amount: int
    naive: float
    naive_low: float
    naive_high: float
    closed: float
    closed_low: float
    closed_high: float
    level: float


def total(journeys: ibis.Table, level: float = 0.95) -> Total:
    """The two popular conversions of lead to sale, and the leads and the money behind them."""
    cells, shares = _cells(journeys), {}
    at = {name: cells["outcome"] == name for name in ("won", "lost", "open")}
    leads = {name: int(cells["leads"][rows].sum()) for name, rows in at.items()}
    money = {f"amount_{name}": sum(cells["amount"][rows], Decimal(0)) for name, rows in at.items()}
    for name, trials in (("naive", sum(leads.values())), ("closed", leads["won"] + leads["lost"])):
        low, high = intervals.wilson(leads["won"], trials, level)
        share = leads["won"] / trials if trials else math.nan
        shares |= {name: share, f"{name}_low": low, f"{name}_high": high}
    with_amount = int(cells["with_amount"][at["won"]].sum())
    return Total(sum(leads.values()), **leads, **money, with_amount=with_amount, **shares, level=level)


@dataclass(frozen=True)
class Gaps:
    """What the counts by stage and by age leave out, and why.

    lost           lost leads; unknown_lost, amount_unknown = those whose furthest stage nobody wrote down
    unknown_open   open leads that stand in no stage of the funnel
    leads, history all leads; those with a stage history
    undated_won, undated_lost   closed leads without a day of closing: they have no age
    reversed       leads closed before they were created (by the day): their time counts as 0
    first_close, late_leads     day of the first closing; leads older by then than half of those that close
    late           late_leads are more than LATE_SHARE of all: the export seems to begin in mid-life, see `ages`
    """

    leads: int
    history: int
    lost: int
    unknown_lost: int
    amount_unknown: Decimal
    unknown_open: int
    undated_won: int
    undated_lost: int
    reversed: int
    first_close: dt.date | None
    late_leads: int
    late: bool


def gaps(journeys: ibis.Table) -> Gaps:
    """What is unknown about these leads; see `Gaps`."""
    table = journeys.filter(journeys.outcome.isin(["open", "won", "lost"]))
    lost, nowhere, undated = table.outcome == "lost", table.furthest.isnull(), table.closed_at.isnull()
    counts = {
        "leads": True, "history": table.has_history, "lost": lost, "unknown_lost": lost & nowhere,
        "unknown_open": (table.outcome == "open") & nowhere, "undated_won": (table.outcome == "won") & undated,
        "undated_lost": lost & undated, "reversed": table.closed_at.date() < table.created_at.date(),
    }  # fmt: skip
    columns = {name: table.count(where=rows) for name, rows in counts.items()}
    columns["amount"] = table.amount.cast("decimal(38, 2)").sum(where=lost & nowhere)
    [row] = _exact(engine.frame(table.aggregate(**columns))).to_dict("records")
    day, before, late = _late(table)
    return Gaps(amount_unknown=row.pop("amount"), **row, first_close=day, late_leads=before, late=late)


def snapshot(journeys: ibis.Table, stages: Sequence[Stage]) -> pd.DataFrame:
    """Where the open deals stand today, needing no history: columns order, stage, open, with_amount, amount.

    By the stage written in the deal itself. A snapshot cannot say where lost deals were lost, how many passed a
    stage, or how long that took.
    """
    waiting = journeys.filter(journeys.outcome == "open")
    money = {"with_amount": waiting.amount.count(), "amount": waiting.amount.cast("decimal(38, 2)").sum()}
    cells = engine.frame(waiting.group_by("stage").aggregate(open=waiting.count(), **money))
    names = [stage.name for stage in stages]
    table = cells.set_index("stage").reindex(names).rename_axis("stage").reset_index()
    table.insert(0, "order", range(1, len(names) + 1))
    table[["open", "with_amount"]] = table[["open", "with_amount"]].fillna(0).astype("int64")
    return _exact(table)


# --- counts by age ---
def ages(journeys: ibis.Table, as_of: dt.date, by: str | None = None) -> pd.DataFrame:
    """Leads per age and outcome, from their creation to their closing or to the evening of `as_of`.

    Columns group (only with `by`: any column of the journeys; NULL stays), entry (only for an export that begins
    in mid-life, see below), age (whole days), cause (0 open, 1 won, 2 lost), leads. DENOMINATOR of every curve:
    all leads with a known end; closed leads without a day of closing are left out, `gaps` counts them.

    Late entry: an export of deals that were alive or closed after some day D holds no closing before D; leads
    created earlier are in it only because they lived that long. Where leads that were older than usual (the median
    life) on D are more than LATE_SHARE of all, leads created before D are at risk at ages > entry = the whole days
    of their life before D, less one. Others have no entry.
    """
    table = journeys.filter(journeys.outcome.isin(["open", "won", "lost"]))
    day, _, late = _late(table)
    clock = table.select(
        start=table.created_at, end=table.closed_at, cause=_cause(table.outcome),
        whole=(table.created_date_only | table.closed_date_only).fill_null(False),
        **({"group": table[by]} if by else {}),
    )  # fmt: skip
    return _tally(clock, as_of, day if late else None, ["group"] if by else [])


def sojourns(
    journeys: ibis.Table, as_of: dt.date, stages: Sequence[Stage], by: str | None = None,
    ripe: Mapping[int, float] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The same counts per stage: whole days in the stage and how they ended.

    Columns order, stage, then as `ages`: cause 0 still there, 1 passed on (first entry to any later stage, or won),
    2 lost there. A skipped stage was entered together with the next one, and passed at once. DENOMINATOR: leads
    with history that entered the stage and whose times there are known. No row where the export has no history.
    ripe : per order of a stage, only leads that entered it at least so many days ago; a stage without such an age
           is left out. By that age the fate of all of them is known: a plain share needs no curve.
    """
    nothing = pd.DataFrame(columns=["order", "stage", *(["group"] if by else []), "age", "cause", "leads"])
    if not has_history(journeys):
        return nothing
    table = journeys.filter(journeys.outcome.isin(["open", "won", "lost"]) & journeys.has_history)
    day, _, late = _late(journeys)
    clocks = dict(enumerate(_clocks(table, len(stages), by), 1))
    if ripe is not None:
        clocks = {
            order: clock.filter(_day(_midnight(as_of)) - _day(clock.start) >= int(ripe[order]))
            for order, clock in clocks.items() if not math.isnan(ripe.get(order, math.nan))
        }  # fmt: skip
    if not clocks:
        return nothing
    clock = reduce(lambda one, two: one.union(two), clocks.values())
    counted = _tally(clock, as_of, day if late else None, ["order", *(["group"] if by else [])])
    counted.insert(1, "stage", counted["order"].map({at: stage.name for at, stage in enumerate(stages, 1)}))
    return counted


def passed(counts: pd.DataFrame, ripe: Mapping[int, float], level: float = 0.95) -> pd.DataFrame:
    """Who passed a stage within its ripe age: order, stage, group, trials, hits, own_low, own_high.

    counts : `sojourns` with `by` and the same `ripe`; trials = leads that entered the stage that long ago,
             DENOMINATOR of hits = those that passed on within that many days: groups of equal age. own_low,
             own_high : Wilson's interval of hits / trials.
    """
    in_time = (counts["cause"] == PASSED) & (counts["age"] <= counts["order"].map(ripe))
    table = counts.assign(hits=counts["leads"].where(in_time, 0)).rename(columns={"leads": "trials"})
    grouped = table.groupby(["order", "stage", "group"], dropna=False)[["trials", "hits"]].sum()
    low, high = intervals.wilson(grouped["hits"], grouped["trials"], level)
    return grouped.astype("int64").assign(own_low=low, own_high=high).reset_index()


def has_history(journeys: ibis.Table) -> bool:
    """Whether the export holds the moves from stage to stage."""
    return "entered_1" in journeys.columns


def _clocks(table: ibis.Table, last: int, by: str | None) -> list[ibis.Table]:
    """Per stage: when each lead that reached it came, when it left and how."""
    import ibis

    won, never, found = table.outcome == "won", ibis.timestamp("9999-12-31 00:00:00"), []
    points = [
        *(table[f"entered_{order}"] for order in range(1, last + 1)),
        ibis.ifelse(won, table.closed_at, None),
    ]
    filled = [
        point.fill_null(never) for point in points
    ]  # LEAST treats NULL differently from engine to engine
    for order in range(1, last + 1):
        start, after = (ibis.least(*filled[place:]).nullif(never) for place in (order - 1, order))
        passed = (table.furthest > order) | (won if order == last else ibis.literal(False))
        cause = ibis.cases((passed, PASSED), (table.outcome == "lost", LOST), else_=OPEN)
        end = ibis.cases((passed, after), (table.outcome == "lost", table.closed_at))
        by_day = table.closed_date_only.fill_null(False) & (end == table.closed_at).fill_null(False)
        columns = {
            "order": ibis.literal(order, "int64"),
            "start": start,
            "end": end,
            "cause": cause,
            "whole": by_day,
        }
        columns |= {"group": table[by]} if by else {}
        found.append(table.filter(table.furthest >= order).select(**columns))
    return found


def _cause(outcome):
    import ibis

    return ibis.cases((outcome == "won", PASSED), (outcome == "lost", LOST), else_=OPEN)


def _tally(clock: ibis.Table, as_of: dt.date, late: dt.date | None, keys: list[str]) -> pd.DataFrame:
    """Count start, end, cause, whole per age in whole days; what closed without a day is left out."""
    import ibis

    seen = clock.filter(clock.start.notnull() & ((clock.cause == OPEN) | clock.end.notnull()))
    end = ibis.ifelse(seen.cause == OPEN, _midnight(as_of), seen.end)
    by_day = seen.whole | (seen.cause == OPEN)
    age = ibis.ifelse(
        by_day, _day(end) - _day(seen.start), (end.epoch_seconds() - seen.start.epoch_seconds()) // DAY
    )
    columns = {"age": ibis.ifelse(age < 0, 0, age).cast("int64"), "cause": seen.cause.cast("int64")}
    if late:
        before = _day(_midnight(late)) - _day(seen.start)
        columns = {"entry": ibis.ifelse(before > 0, before - 1, None).cast("int64"), **columns}
    counted = seen.mutate(**columns).group_by([*keys, *columns]).aggregate(leads=lambda t: t.count())
    if late:  # what ended before the export began is in it by chance
        counted = counted.filter(counted.entry.isnull() | (counted.age >= counted.entry))
    return engine.frame(counted).sort_values([*keys, *columns], ignore_index=True)


def _midnight(day: dt.date):
    import ibis

    return ibis.timestamp(f"{day} 00:00:00")


def _day(moment):
    """The number of a day."""
    return moment.truncate("D").epoch_seconds() // DAY


def _late(table: ibis.Table) -> tuple[dt.date | None, int, bool]:
    """The day of the first closing, leads older than usual by then, and whether they are a material part of all."""
    [first] = engine.frame(table.aggregate(day=table.closed_at.min()))["day"]
    if pd.isna(first):
        return None, 0, False
    day, life = first.date(), _day(table.closed_at) - _day(table.created_at)
    usual = {"after": life.median(where=table.created_at >= _midnight(day)), "ever": life.median()}
    [life] = engine.frame(table.aggregate(**usual)).itertuples()
    days = int(max(life.ever if pd.isna(life.after) else life.after, 0))
    before = table.created_at < _midnight(day - dt.timedelta(days=days))
    [row] = engine.frame(table.aggregate(leads=table.count(), before=table.count(where=before))).itertuples()
    return day, int(row.before), bool(row.before > LATE_SHARE * row.leads)


# --- exact times between two points ---
def durations(journeys: ibis.Table, pairs: Sequence[tuple[int | str, int | str]]) -> pd.DataFrame:
    """Exact days (seconds / 86 400) between two points of a journey, among the leads that have both.

    pairs : (from, to); a point is the order of a stage (first entry), "created", "won" or "lost".
    Returns from, to, n (DENOMINATOR of the mean), median, mean, negative (leads where `to` came first), a row per
    pair. Among those that made it: short of what those still on the way will need; see `sojourns`.
    """
    columns = {}
    for place, (first, then) in enumerate(pairs):
        start, end = (_point(journeys, point).epoch_seconds() for point in (first, then))
        seconds = (end - start).cast("float64")
        columns |= {
            f"n_{place}": seconds.count(), f"median_{place}": seconds.median() / DAY,
            f"mean_{place}": seconds.mean() / DAY, f"negative_{place}": journeys.count(where=seconds < 0),
        }  # fmt: skip
    [row] = engine.frame(journeys.aggregate(**columns)).to_dict("records") if columns else [{}]
    names = ("n", "median", "mean", "negative")
    found = [[*pair, *(row[f"{name}_{place}"] for name in names)] for place, pair in enumerate(pairs)]
    return pd.DataFrame(found, columns=["from", "to", *names])


def _point(journeys: ibis.Table, point: int | str):
    import ibis

    if isinstance(point, int):
        return journeys[f"entered_{point}"]
    if point == "created":
        return journeys.created_at
    if point not in ("won", "lost"):
        raise ValueError(f"no such point of a journey: {point}; use a stage's order, created, won or lost")
    return ibis.ifelse(journeys.outcome == point, journeys.closed_at, None)
