"""Deals made by hand from the stages they went through: the stage log, journeys worked out apart from intake, tasks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from detente import engine
from detente.audit import Funnel
from detente.metrics import moves

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 3, 2, 10, 7)  # a Monday
AS_OF = dt.date(2026, 6, 30)
FUNNEL = Funnel(stages=["A", "B", "C"], won="W", lost="L")
PLACE = {"A": 1, "B": 2, "C": 3}
TIMES = ("created_at", "closed_at", "entered_1", "entered_2", "entered_3", "field_deadline")


@dataclass
class Deal:
    """One deal: the stages it went through, one day apart; by whom; and what else its journey holds."""

    path: str
    manager: str | None = "#01"
    start: dt.datetime = START
    step: dt.timedelta = dt.timedelta(days=1)
    times: list[dt.datetime] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def moments(self) -> list[dt.datetime]:
        return self.times or [self.start + self.step * number for number in range(len(self.path.split()))]


def deals(n: int, path: str, manager: str | None = "#01", **more: Any) -> list[Deal]:
    """`n` deals of one path; deals lie hours apart, so that none looks like a heap."""
    start = more.pop("start", START)
    return [Deal(path, manager, start + dt.timedelta(minutes=7 * at), more=more) for at in range(n)]


def log(made: list[Deal]):
    """The canonical stage log."""
    rows = [
        {"lead_id": f"L{number}", "entered_at": at, "stage": stage, "from_stage": None, "seq": None,
         "manager": deal.manager, "row": place, "amount": None}
        for number, deal in enumerate(made)
        for place, (stage, at) in enumerate(zip(deal.path.split(), deal.moments(), strict=True))
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    for name, kind in (("from_stage", "str"), ("manager", "str"), ("seq", "Int64"), ("amount", "float64")):
        frame[name] = frame[name].astype(kind)
    return engine.table(frame)


def journeys(made: list[Deal]):
    """What intake would make of the log: worked out here in plain Python."""
    frame = pd.DataFrame([_journey(f"L{number}", deal) for number, deal in enumerate(made)])
    for name in frame:
        if name in TIMES or name.startswith("fact_at"):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
        elif name in ("manager", "segment") or name.startswith("evidence"):
            frame[name] = frame[name].astype("str")
        elif name == "amount" or name.startswith("field_"):
            frame[name] = frame[name].astype("float64")
    return engine.table(frame)


def _journey(name: str, deal: Deal) -> dict[str, Any]:
    path, moments = deal.path.split(), deal.moments()
    outcome = {"W": "won", "L": "lost"}.get(path[-1], "open")
    known = [PLACE[stage] for stage in path if stage in PLACE]
    furthest = 3 if outcome == "won" else max(known)
    visits = [(PLACE.get(stage), at) for stage, at in zip(path, moments, strict=True)]
    entered = {f"entered_{k}": next((at for place, at in visits if place == k), None) for k in (1, 2, 3)}
    return {
        "lead_id": name, "created_at": moments[0], "manager": deal.manager, "segment": "shop", "stage": path[-1],
        "outcome": outcome, "closed_at": None if outcome == "open" else moments[-1], "amount": 100.0,
        "age_days": (AS_OF - moments[0].date()).days, "has_history": True, "row": 0,
        "furthest": furthest, "skipped": furthest - len(set(known)),
    } | entered | deal.more  # fmt: skip


def history(made: list[Deal]):
    return moves.history(log(made), journeys(made), FUNNEL)


def tasks(rows: list[tuple[str, str | None, str | None]]):
    """(deal, due, completed); every task was written in January, so that it is no activity of late."""
    frame = pd.DataFrame(rows, columns=["lead_id", "due_at", "completed_at"])
    frame["lead_id"] = frame["lead_id"].astype("str")
    frame["created_at"] = "2026-01-05"
    for name in ("due_at", "completed_at", "created_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return engine.table(frame)
