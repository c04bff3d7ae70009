"""A company made by hand that earns, advertises and works per segment as a test states it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

import bought
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import effort
from detente.schema import LossLog, SourceCount
from detente.terms import Experiment

SINCE, UNTIL = dt.date(2026, 1, 1), dt.date(2026, 6, 30)
CALL = {
    "started_at": pa.timestamp("us"),
    "duration_s": pa.float64(),
    "lead_id": pa.string(),
    "person": pa.string(),
}
TASK = {"lead_id": pa.string(), "due_at": pa.timestamp("us"), "created_at": pa.timestamp("us")}
AUDIT = {
    "client": "Hand Made", "sources": {"deals": {"file": "deals.csv"}}, "as_of": UNTIL,
    "funnel": {"stages": ["New", "Talk"], "won": "Won", "lost": "Lost"},
}  # fmt: skip


@dataclass
class Part:
    """One segment: what each of its clients paid, its advertised leads, minutes of calls per lead, tasks per lead."""

    paid: list[float] = field(default_factory=list)
    leads: int = 0
    minutes: float = 0.0
    tasks: int = 0
    margin: float | None = 0.5
    channel: str = "Ads"
    after: float | None = None  # hours from the inquiry to the first call
    who: str = ""  # begins the names of its clients; the name of the segment where not stated


@dataclass
class Company:
    """Parts by segment name (None: not stated) and the spend of channels."""

    parts: dict[str | None, Part]
    spend: dict[str | None, float] = field(default_factory=dict)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    basis: str = "payments"
    paying: bool = True
    calling: bool = True
    created: str = "2026-03-02T10:00"

    def inquiries(self) -> ibis.Table:
        rows = [
            {"lead_id": f"{name}-{at}", "created_at": self.created, "segment": name, "channel": part.channel,
             "outcome": "won" if at % 4 == 0 else "open", "age_days": 100}
            for name, part in self.parts.items() for at in range(part.leads)
        ]  # fmt: skip
        return bought.inquiries(rows).mutate(created_date_only=False)

    def purchases(self) -> ibis.Table | None:
        rows = [
            {"client": f"{part.who or name}:{at:04}", "bought_at": "2026-03-10", "amount": amount, "segment": name,
             "deal": None, "channel": part.channel, "basis": self.basis,
             "margin": None if part.margin is None else amount * part.margin}
            for name, part in self.parts.items() for at, amount in enumerate(part.paid)
        ]  # fmt: skip
        return bought.purchases(rows) if self.paying else None

    def money_out(self) -> ibis.Table | None:
        rows = [("2026-03-01", channel, cost) for channel, cost in self.spend.items()]
        return bought.spend(rows) if rows else None

    def calls(self) -> ibis.Table | None:
        made = dt.datetime.fromisoformat(self.created)
        rows = [
            {"started_at": made + dt.timedelta(hours=part.after or 1), "duration_s": part.minutes * 60,
             "lead_id": f"{name}-{at}"}
            for name, part in self.parts.items() for at in range(part.leads) if part.minutes or part.after is not None
        ]  # fmt: skip
        return bought.table(rows, CALL) if self.calling else None

    def tasks(self) -> ibis.Table | None:
        made = dt.datetime.fromisoformat(self.created)
        rows = [
            {"lead_id": f"{name}-{at}", "created_at": made, "due_at": made}
            for name, part in self.parts.items() for at in range(part.leads) for _ in range(part.tasks)
        ]  # fmt: skip
        return bought.table(rows, TASK) if rows else None

    def profile(self) -> effort.Profile:
        leads = self.inquiries()
        trials = [Experiment.model_validate(item) for item in self.experiments]
        work = (self.purchases(), self.money_out(), self.calls(), self.tasks())
        return effort.profile(leads, leads, *work, since=SINCE, until=UNTIL, experiments=trials)

    def tables(self, folder: Path, **thresholds: float) -> Tables:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        stated = {"experiments": self.experiments, "thresholds": thresholds, "path": path}
        audit = Audit.model_validate({**AUDIT, **stated})
        loss = LossLog((SourceCount("deals", "deals.csv", "ab" * 32, 1, 1, 0, 0),), ())
        leads = self.inquiries()
        return Tables(audit, UNTIL, SINCE, UNTIL, leads, leads, loss, spend=self.money_out(), calls=self.calls(),
                      purchases=self.purchases(), tasks=self.tasks())  # fmt: skip


def playground() -> Company:
    """Dealers bring 82 % of the money in orders of 500 000; advertising brings private persons (S-09).

    Shares of money .82 / .13 / .05, of advertising .05 / .05 / .90, of minutes .15 / .45 / .40: the first is told by
    the source ("more than 80 %"), the others are our assumption.
    """
    return Company({
        "dealers": Part([500000.0] * 41, leads=50, minutes=15 * 60 / 50, after=30),
        "builders": Part([325000.0] * 10, leads=50, minutes=45 * 60 / 50, after=0.2),
        "private": Part([31250.0] * 40, leads=900, minutes=40 * 60 / 900, after=0.5),
    }, spend={"Ads": 1000000.0})  # fmt: skip


@cache
def played() -> effort.Profile:
    return playground().profile()


def aligned() -> Company:
    """Every segment gets the part that it brings."""
    return Company({
        "a": Part([1000.0] * 50, leads=100, minutes=2, tasks=1), "b": Part([1000.0] * 30, leads=60, minutes=2, tasks=1),
        "c": Part([1000.0] * 20, leads=40, minutes=2, tasks=1),
    }, spend={"Ads": 777.77})  # fmt: skip
