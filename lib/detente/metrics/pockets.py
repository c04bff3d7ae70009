"""Where do open deals stand that nobody works on? Age alone says nothing: an old deal with a live task is at work."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Funnel

QUANTILE = 0.95  # of moves onward came within this many days of the last activity before them
STATES = ("live", "overdue", "no_task")


@dataclass(frozen=True)
class Pockets:
    """Open deals by what is planned for them and by how long they have been silent.

    status  : "ok", "no_tasks" (no task export: `live` cannot be known and nothing is excused), or "no_quiet" (too
              few moves onward to say how long a silence is usual).
    quiet_days : D, the QUANTILE of days between a move onward and the activity before it; measured over `steps`
              moves. activity : what counted as activity, of "moves", "calls", "tasks".
    open, live, overdue, no_task : deals; open = live + overdue + no_task (all are `no_task` in status no_tasks).
    share   = no_task / open with Wilson's low and high at `level`; no_task: no open task at all.
    quiet   : deals silent for more than D days and without a live task; quiet_half, quiet_double: for D/2, 2D.
    excused : deals silent for more than D days that have a live task; they are not counted as quiet.
    idle    : deals without any open task and with no move for more than D days.
    money   : amounts of the quiet deals. stages : the same counts per open stage, column order (0 = not named).
    """

    status: str
    quiet_days: float
    steps: int
    activity: tuple[str, ...]
    open: int
    live: int
    overdue: int
    no_task: int
    share: float
    low: float
    high: float
    level: float
    quiet_half: int
    quiet: int
    quiet_double: int
    excused: int
    idle: int
    money: float
    stages: pd.DataFrame


def pockets(
    journeys: ibis.Table, funnel: Funnel, as_of: dt.date, *, moved: ibis.Table | None = None,
    tasks: ibis.Table | None = None, calls: ibis.Table | None = None, level: float = 0.95, min_group: int = 30,
) -> Pockets:  # fmt: skip
    """Open deals on `as_of` (its evening) per stage where they stand now, with their tasks and their silence.

    A task is live while it is not done and not due before `as_of`; without a due day it is live. A silence is
    counted in whole days since the last move, call or task written or done.
    """
    acts = _activity(journeys, moved, tasks, calls)
    limit, steps = _usual_silence(acts, min_group) if moved is not None else (math.nan, 0)
    deals = _open_deals(journeys, funnel, as_of, acts, moved, tasks)
    table = _per_stage(deals, limit, tasks is not None)
    whole = table.drop(columns="order").sum()
    status = "no_tasks" if tasks is None else "no_quiet" if math.isnan(limit) else "ok"
    counts = {name: int(whole[name]) for name in whole.index if name != "money"}
    low, high = intervals.wilson(counts["no_task"], counts["open"], level)
    used = (("moves", moved), ("calls", calls), ("tasks", tasks))
    return Pockets(
        status, limit, steps, tuple(name for name, found in used if found is not None),
        share=counts["no_task"] / counts["open"] if counts["open"] else math.nan, low=low, high=high, level=level,
        money=float(whole["money"]), stages=table, **counts,
    )  # fmt: skip


def _activity(journeys: ibis.Table, *tables: ibis.Table | None) -> ibis.Table:
    """Every trace of work on a deal: lead_id, at, step (a move onward), move."""
    import ibis

    moved, tasks, calls = tables

    def traces(table: ibis.Table, at: str, step=False, move: bool = False) -> ibis.Table:
        known = table.filter(table[at].notnull() & table["lead_id"].notnull())
        is_step = known["kind"].isin(["forward", "won"]) if step else ibis.literal(False)
        return known.select("lead_id", at=known[at], step=is_step, move=ibis.literal(move))

    found = traces(journeys, "created_at", move=True)
    if moved is not None:
        found = found.union(traces(moved, "at", True, True))
    if tasks is not None:
        found = found.union(traces(tasks, "created_at")).union(traces(tasks, "completed_at"))
    if calls is not None:
        found = found.union(traces(calls, "started_at"))
    return found


def _usual_silence(acts: ibis.Table, min_group: int) -> tuple[float, int]:
    """The QUANTILE of whole days from the last activity to a move onward, at least 1; and how many moves."""
    import ibis

    order = [acts["at"], acts["step"]]
    second = acts["at"].epoch_seconds()
    before = second.lag().over(ibis.window(group_by="lead_id", order_by=order))
    acts = acts.mutate(gap=(second - before) // 86400)
    steps = acts.filter(acts["step"] & acts["gap"].notnull())
    counted = engine.frame(steps.group_by("gap").aggregate(n=steps.count())).sort_values("gap")
    total = int(counted["n"].sum())
    if total < min_group:
        return math.nan, total
    within = counted["gap"][counted["n"].cumsum() >= QUANTILE * total]
    return max(float(within.iloc[0]), 1.0), total


def _open_deals(journeys, funnel: Funnel, as_of: dt.date, acts, moved, tasks) -> ibis.Table:
    """One row per open deal: order of its stage now, amount, planned (live, overdue, no_task), silent, unmoved."""
    import ibis

    evening = ibis.timestamp(f"{as_of + dt.timedelta(days=1)} 00:00:00").epoch_seconds()
    deals = journeys.filter(journeys["outcome"] == "open")
    now = ibis.cases(
        *((deals["stage"] == stage.name, k) for k, stage in enumerate(funnel.stages, 1)), else_=0
    )
    deals = deals.select(_deal="lead_id", order=now.cast("int64"), amount="amount")
    last = acts.group_by("lead_id").aggregate(
        at=acts["at"].max(), moved_at=acts["at"].max(where=acts["move"])
    )
    deals = deals.left_join(last, deals["_deal"] == last["lead_id"]).drop("lead_id")
    deals = deals.mutate(
        silent=(evening - deals["at"].epoch_seconds()) // 86400,
        unmoved=(evening - deals["moved_at"].epoch_seconds()) // 86400,
    )
    if tasks is None:
        return deals.mutate(planned=ibis.literal("no_task"))
    undone = tasks.filter(tasks["completed_at"].isnull())
    live = undone["due_at"].isnull() | (undone["due_at"] >= ibis.timestamp(f"{as_of} 00:00:00"))
    plans = undone.group_by("lead_id").aggregate(undone=undone.count(), live=undone.count(where=live))
    deals = deals.left_join(plans, deals["_deal"] == plans["lead_id"])
    planned = ibis.cases((deals["live"] > 0, "live"), (deals["undone"] > 0, "overdue"), else_="no_task")
    return deals.mutate(planned=planned)


def _per_stage(deals: ibis.Table, limit: float, with_tasks: bool) -> pd.DataFrame:
    """The counts of `Pockets` per stage, in the order of the funnel."""
    import ibis

    free = deals["planned"] != "live" if with_tasks else ibis.literal(True)
    far = limit if not math.isnan(limit) else 10**6  # nothing is silent for so long
    cells = {name: deals.count(where=deals["planned"] == name) for name in STATES}
    for name, times in (("quiet_half", 0.5), ("quiet", 1.0), ("quiet_double", 2.0)):
        cells[name] = deals.count(where=free & (deals["silent"] > far * times))
    cells["excused"] = deals.count(where=~free & (deals["silent"] > far))
    cells["idle"] = deals.count(where=(deals["planned"] == "no_task") & (deals["unmoved"] > far))
    money = deals["amount"].cast("float64").sum(where=free & (deals["silent"] > far))
    grouped = deals.group_by("order").aggregate(open=deals.count(), **cells, money=money)
    table = engine.frame(grouped).sort_values("order", ignore_index=True)
    return table.assign(money=table["money"].fillna(0.0).astype("float64"))
