"""When are deals moved: as the fact happens, or in heaps, at the month's end and many within minutes?"""

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

PAUSE = 120  # seconds; moves of one manager with no longer pause between them are one heap (ours)
MANY = 5  # deals in a heap that nobody works through one by one in so little time (ours)
ONWARD = ("forward", "won")


@dataclass(frozen=True)
class MonthEnd:
    """How many moves onward (to a later stage or to won) fall into the last `days` days of a month.

    status   : "ok", "few" (fewer than min_group moves or two whole months), or "none" (no move).
    share    = last / moves with the exact interval low, high at `level`; DENOMINATOR moves.
    expected : the share if moves kept to the weekdays they fall on and to no day of the month.
    excess   = last - expected x moves. months, above: months with moves, and those above their expected share.
    heaped   : low > expected, share - expected >= material, and so it stays without the month that adds most: a habit.
    managers : index manager (NULL last): moves, last, share, low, high, expected, months, above, enough, named;
               the interval that decides `named` is corrected for the number of managers compared.
    calendar : index to_end (1 = the last day of the month .. 31): moves, expected (moves).
    """

    status: str
    days: int
    moves: int
    last: int
    share: float
    low: float
    high: float
    level: float
    expected: float
    excess: float
    months: int
    above: int
    heaped: bool
    managers: pd.DataFrame
    calendar: pd.DataFrame


def month_end(
    moved: ibis.Table | None, as_of: dt.date, days: int = 3, level: float = 0.95, min_group: int = 30,
    material: float = 0.05,
) -> MonthEnd | None:  # fmt: skip
    """Do moves onward wait for the month's end? moved: as `moves.history` returns; None gives None.

    The expected share keeps the weekdays: of the moves made on Fridays, as many are expected at the month's end
    as there are Fridays among the last days. Interval: Clopper and Pearson (1934).
    """
    if moved is None:
        return None
    onward = moved.filter(moved["kind"].isin(ONWARD))
    daily = engine.frame(
        onward.group_by("manager", day=onward["at"].date().cast("string")).aggregate(moves=onward.count())
    )
    daily = daily.assign(day=pd.to_datetime(daily["day"]), month=daily["day"].str[:7])
    if daily.empty:
        nothing = {name: math.nan for name in ("share", "low", "high", "expected", "excess")}
        return MonthEnd("none", days, 0, 0, level=level, months=0, above=0, heaped=False, managers=daily,
                        calendar=daily, **nothing)  # fmt: skip
    dates = pd.DataFrame({"day": pd.date_range(daily["day"].min(), pd.Timestamp(as_of))})
    for table in (daily, dates):
        table["weekday"] = table["day"].dt.day_of_week
        table["to_end"] = table["day"].dt.days_in_month - table["day"].dt.day + 1
    late = (dates["to_end"] <= days).groupby(dates["weekday"]).mean()
    daily["due"] = daily["moves"] * daily["weekday"].map(late)
    daily["last"] = daily["moves"].where(daily["to_end"] <= days, 0)
    managers = _of_managers(daily, level, min_group, material)
    moves, last, expected = (int(daily["moves"].sum()), int(daily["last"].sum()), float(daily["due"].sum()))
    months = daily.groupby("month")[["moves", "last", "due"]].sum()
    above = int((months["last"] > months["due"]).sum())
    low, high = intervals.clopper_pearson(last, moves, level)
    share, expected = last / moves, expected / moves
    few = moves < min_group or len(months) < 2
    heaped = not few and _habit(months, level, material)
    return MonthEnd(
        "few" if few else "ok", days, moves, last, share, low, high, level, expected, last - expected * moves,
        len(months), above, heaped, managers, _calendar(daily, dates),
    )  # fmt: skip


def _of_managers(daily: pd.DataFrame, level: float, min_group: int, material: float) -> pd.DataFrame:
    by_month = daily.groupby(["manager", "month"], dropna=False)[["moves", "last", "due"]].sum()
    table = by_month.groupby(level=0, dropna=False).sum()
    over = (by_month["last"] > by_month["due"]).groupby(level=0, dropna=False)
    table = table.assign(months=over.size(), above=over.sum(), expected=table["due"] / table["moves"])
    table["share"] = table["last"] / table["moves"]
    table["low"], table["high"] = intervals.clopper_pearson(table["last"], table["moves"], level)
    table["enough"] = table["moves"] >= min_group
    strict = 1 - (1 - level) / max(int(table["enough"].sum()), 1)
    habits = [_habit(part, strict, material) for _, part in by_month.groupby(level=0, dropna=False)]
    table["named"] = pd.Series(habits, table.index, dtype=bool) & table["enough"] & table.index.notna()
    table = table.drop(columns="due").sort_index(na_position="last")
    return table.sort_values("share", ascending=False, kind="stable")


def _habit(months: pd.DataFrame, level: float, material: float) -> bool:
    """Whether too many moves fall on the last days, with all months and without the one that adds most."""
    most = (months["last"] - months["due"]).argmax()
    rest = months.iloc[[place for place in range(len(months)) if place != most]]
    return all(_beyond(part.sum(), level, material) for part in (months, rest))


def _beyond(whole: pd.Series, level: float, material: float) -> bool:
    if not whole["moves"]:
        return False
    low, _ = intervals.clopper_pearson(int(whole["last"]), int(whole["moves"]), level)
    expected = whole["due"] / whole["moves"]
    return bool(low > expected and whole["last"] / whole["moves"] - expected >= material)


def _calendar(daily: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    """Moves per day before the month's end, beside what the weekdays alone would give."""
    usual = daily.groupby("weekday")["moves"].sum() / dates.groupby("weekday").size()
    expected = dates.assign(expected=dates["weekday"].map(usual).fillna(0.0))
    table = expected.groupby("to_end")[["expected"]].sum()
    table["moves"] = daily.groupby("to_end")["moves"].sum().reindex(table.index).fillna(0).astype("int64")
    return table[["moves", "expected"]]


@dataclass(frozen=True)
class Heaps:
    """Many deals moved onward by one manager within minutes.

    status : "ok", or "no_clock": the log holds days without a time of day.
    moves  : moves onward whose author is known; DENOMINATOR of share. heaped : those in a heap.
    heaps  : manager, started, minutes, moves, deals; the largest first.
    managers : index manager: moves, heaped, heaps (how many); most heaped first.
    """

    status: str
    moves: int
    heaped: int
    share: float
    low: float
    high: float
    level: float
    heaps: pd.DataFrame
    managers: pd.DataFrame


def heaps(
    moved: ibis.Table | None, level: float = 0.95, pause: int = PAUSE, many: int = MANY
) -> Heaps | None:
    """Runs of moves onward with at most `pause` seconds between neighbours, over at least `many` deals."""
    if moved is None:
        return None
    import ibis

    made = moved.filter(moved["kind"].isin(ONWARD) & moved["manager"].notnull())
    second = made["at"].epoch_seconds()
    clock = engine.frame(
        made.aggregate(moves=made.count(), timed=made.count(where=second % 86400 != 0))
    ).iloc[0]
    if not clock["timed"]:
        columns = ["manager", "started", "minutes", "moves", "deals"]
        nothing = pd.DataFrame(columns=columns), pd.DataFrame(columns=["moves", "heaped", "heaps"])
        return Heaps("no_clock", int(clock["moves"]), 0, math.nan, math.nan, math.nan, level, *nothing)
    made = made.mutate(second=second)
    order = [made["second"], made["lead_id"], made["order"]]
    made = made.mutate(
        gap=made["second"] - made["second"].lag().over(ibis.window(group_by="manager", order_by=order))
    )
    made = made.mutate(starts=ibis.ifelse(made["gap"].isnull() | (made["gap"] > pause), 1, 0))
    order = [made["second"], made["lead_id"], made["order"]]
    run = made["starts"].sum().over(ibis.cumulative_window(group_by="manager", order_by=order))
    made = made.mutate(run=run)
    runs = made.group_by("manager", "run").aggregate(
        started=made["at"].min(), ended=made["at"].max(), moves=made.count(), deals=made["lead_id"].nunique()
    )
    found = engine.frame(runs.filter(runs["deals"] >= many))
    found["minutes"] = (found["ended"] - found["started"]).dt.total_seconds() / 60
    found = found.sort_values(
        ["deals", "started", "manager"], ascending=[False, True, True], ignore_index=True
    )
    total = engine.frame(made.group_by("manager").aggregate(moves=made.count())).set_index("manager")
    grouped = found.groupby("manager")["moves"]
    total = total.sort_index().assign(heaped=grouped.sum(), heaps=grouped.size()).fillna(0).astype("int64")
    total = total.sort_values("heaped", ascending=False, kind="stable")
    moves, heaped = int(total["moves"].sum()), int(total["heaped"].sum())
    low, high = intervals.wilson(heaped, moves, level)
    columns = ["manager", "started", "minutes", "moves", "deals"]
    return Heaps("ok", moves, heaped, heaped / moves, low, high, level, found[columns], total)


def lag(journeys: ibis.Table, funnel: Funnel, level: float = 0.95) -> pd.DataFrame:
    """Was a deal moved on the day of the fact, before it or after it?

    Returns per stage with fact_at_<k>: order, passed (deals that passed it), timed (of them with both moments;
    the DENOMINATOR), early (moved on an earlier day than the fact), same_day, late, share = early / timed, low,
    high, median (days from the fact to the move, lower median). Moving on: the first entry to any later stage, or
    the closing of a won deal. Empty without such columns.
    """
    steps, rows = len(funnel.stages), []
    for step in range(1, steps + 1):
        if f"fact_at_{step}" not in journeys.columns or "entered_1" not in journeys.columns:
            continue
        days = _days_after(journeys, step, steps)
        counted = engine.frame(days.group_by("days").aggregate(deals=days.count())).sort_values("days")
        known = counted[counted["days"].notna()]
        sizes = known["deals"].astype("int64")
        timed = int(sizes.sum())
        middle = known["days"][sizes.cumsum() * 2 >= timed]
        row = {"order": step, "passed": int(counted["deals"].sum()), "timed": timed,
               "early": int(sizes[known["days"] < 0].sum()), "same_day": int(sizes[known["days"] == 0].sum()),
               "late": int(sizes[known["days"] > 0].sum())}  # fmt: skip
        rows.append(row | {"median": float(middle.iloc[0]) if timed else math.nan})
    names = ["order", "passed", "timed", "early", "same_day", "late", "median"]
    table = pd.DataFrame(rows, columns=names)
    if table.empty:
        return table.assign(share=math.nan, low=math.nan, high=math.nan, level=level)
    low, high = intervals.wilson(table["early"], table["timed"], level)
    return table.assign(
        share=table["early"] / table["timed"].where(table["timed"] > 0), low=low, high=high, level=level
    )


def _days_after(journeys: ibis.Table, step: int, steps: int) -> ibis.Table:
    """Whole days from the fact of a stage to the move out of it, per deal that passed the stage."""
    import ibis

    far = ibis.timestamp("9999-12-31 00:00:00")
    won = journeys["outcome"] == "won"
    passed = journeys.filter(won if step == steps else (journeys["furthest"] > step))
    won = passed["outcome"] == "won"
    later = [passed[f"entered_{k}"].fill_null(far) for k in range(step + 1, steps + 1)]
    moment = ibis.least(far, ibis.ifelse(won, passed["closed_at"], far).fill_null(far), *later)
    day = (
        moment.nullif(far).truncate("D").epoch_seconds()
        - passed[f"fact_at_{step}"].truncate("D").epoch_seconds()
    )
    return passed.select(days=(day // 86400).cast("int64"))
