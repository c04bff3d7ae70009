"""Leads made by hand, and the cells of the committed notebooks run over them in this process, without a kernel.

A notebook is only calls, so that running its cells is running the views as the user gets them.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from inspect import isfunction
from pathlib import Path
from typing import Any

import pandas as pd

from detente import engine, intake
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import acquisition, agreement, court, health, moments, nontarget, qualification
from detente.present import report as page
from detente.present.findings import Finding
from detente.schema import LossLog, SourceCount

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SECTIONS = ("01_data_health", "02_lead_qualification", "03_non_target_share")
AS_OF = dt.date(2026, 6, 30)
CRITERIA = [
    {"id": "need", "column": "Need", "operator": "in", "value": ["yes"], "ru": "Есть нужда", "en": "Has the need"},
    {"id": "budget", "column": "Budget", "operator": "at_least", "value": 100, "concerns": "price",
     "ru": "Есть деньги", "en": "Has the money"},
]  # fmt: skip
LABELS = [
    {"id": "mql", "by": "marketing", "column": "M", "target": ["t"], "non_target": ["n"], "ru": "Метка", "en": "Mark"},
    {"id": "sql", "by": "sales", "column": "S", "target": ["t"], "non_target": ["n"], "set_at": "S at",
     "ru": "Оценка", "en": "Verdict"},
]  # fmt: skip
AUDIT = {
    "client": "Hand Made",
    "sources": {"deals": {"file": "deals.csv"}},
    "funnel": {"stages": ["New", "Talk"], "won": "Won", "lost": "Lost"},
    "as_of": AS_OF,
}
TIMES = ("created_at", "closed_at", "label_sql_at", "entered_1", "entered_2", "attr_need_at")
LEAD: dict[str, Any] = {
    "created_at": dt.datetime(2026, 5, 4, 10), "month": "2026-05", "outcome": "open", "closed_at": None,
    "amount": None, "channel": "Ads", "campaign": "spring", "manager": "#01", "segment": "shop", "person": None,
    "loss_reason": None, "attr_need": "yes", "attr_budget": 200.0, "label_mql": "t", "label_sql": "t",
    "label_sql_at": None, "is_test": False, "is_duplicate": False, "counted": True, "has_history": False,
}  # fmt: skip
TEXTS = {name for name, value in LEAD.items() if isinstance(value, str)} | {"person", "loss_reason"}


def leads(n: int, **differs: Any) -> list[dict[str, Any]]:
    """`n` target leads of one channel, each with what differs."""
    return [LEAD | differs for _ in range(n)]


def ours_and_not(target: int, non_target: int, **differs: Any) -> list[dict[str, Any]]:
    """Leads of one group that pass the criteria, and leads that miss the first of them and were lost."""
    lost = {"outcome": "lost", "closed_at": dt.datetime(2026, 5, 20), "attr_need": "no", "label_sql": "n"}
    return leads(target, **differs) + leads(non_target, **lost | differs)


@dataclass
class Made:
    """One case: leads, what else there is, and what the audit states beside AUDIT."""

    leads: list[dict[str, Any]]
    spend: dict[str | None, float] | None = None
    calls: bool = False
    criteria: list[dict] = field(default_factory=lambda: CRITERIA)
    labels: list[dict] = field(default_factory=lambda: LABELS)
    thresholds: dict[str, float] = field(default_factory=dict)

    def audit(self, folder: Path) -> Audit:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        keys = {"criteria": self.criteria, "labels": self.labels, "thresholds": self.thresholds}
        return Audit.model_validate({**AUDIT, **keys, "path": path})

    def tables(self, folder: Path) -> Tables:
        audit, every = self.audit(folder), _stored(self._frame(), folder / "journeys.parquet")
        loss = LossLog(
            (SourceCount("deals", "deals.csv", "ab" * 32, len(self.leads), len(self.leads), 0, 0),), ()
        )
        days = [lead["created_at"].date() for lead in self.leads]
        return Tables(
            audit, AS_OF, min(days), max(days), every.filter(every.counted), every, loss,
            spend=self._spend(), calls=self._calls(),
        )  # fmt: skip

    def _frame(self) -> pd.DataFrame:
        frame = pd.DataFrame(self.leads)
        stated = {f"label_{item['id']}" for item in self.labels} | {
            f"attr_{item['id']}" for item in self.criteria
        }
        frame = frame[
            [
                name
                for name in frame
                if not name.startswith(("attr_", "label_")) or name.removesuffix("_at") in stated
            ]
        ]
        frame.insert(0, "lead_id", [f"L{order}" for order in range(len(frame))])
        for name in frame:
            if name in TIMES:
                frame[name] = pd.to_datetime(frame[name])
            elif name in ("amount", "attr_budget"):
                frame[name] = frame[name].astype("float64")
            elif name in TEXTS:
                frame[name] = frame[name].astype("str")
        return frame

    def _spend(self):
        if self.spend is None:
            return None
        frame = pd.DataFrame({
            "channel": pd.Series(list(self.spend), dtype="str"), "cost": list(self.spend.values()),
            "date_from": pd.Timestamp("2026-05-01"), "currency": "RUB",
        })  # fmt: skip
        return engine.table(frame)

    def _calls(self):
        if not self.calls:
            return None
        frame = pd.DataFrame({"lead_id": ["L0"], "started_at": [pd.Timestamp("2026-05-04 12:00")],
                              "duration_s": [90.0]})  # fmt: skip
        return engine.table(frame)


def _stored(frame: pd.DataFrame, path: Path):
    """A frame as a table of the engine that lies in a file, as those of intake do: the engine then compiles less."""
    engine.write(engine.table(frame), path)
    return engine.read(path)


@dataclass
class Told:
    """What the notebooks said: the findings, and everything they displayed, as text and as simple HTML."""

    findings: list[Finding]
    plain: str
    html: str

    def by_id(self) -> dict[str, Finding]:
        return {item.id: item for item in self.findings}


def tell(made: Made, language: str, folder: Path, monkeypatch, *, drawn: bool = False) -> Told:
    """Run the cells of the three notebooks over hand-made leads. `drawn`: with pictures and page pieces."""
    return _told(made.tables(folder), language, folder if drawn else None, monkeypatch)


def tell_both(made: Made, folder: Path, monkeypatch, *, drawn: bool = False) -> dict[str, Told]:
    """The same in both languages; the second time the metrics give what they gave the first."""
    tables, memory = made.tables(folder), Memory()
    for module in (acquisition, agreement, court, health, moments, nontarget, qualification):
        for name, function in list(vars(module).items()):
            if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                monkeypatch.setattr(module, name, memory.kept(function))
    told = {"en": _told(tables, "en", folder if drawn else None, monkeypatch)}
    memory.replays = True
    return told | {"ru": _told(tables, "ru", None, monkeypatch)}


class Memory:
    """What functions returned, in the order of their calls; calls that they make themselves are not kept."""

    def __init__(self) -> None:
        self.results: dict[str, list[Any]] = {}
        self.replays = self.inside = False

    def kept(self, function):
        key = f"{function.__module__}.{function.__name__}"

        def call(*arguments, **options):
            if self.inside:
                return function(*arguments, **options)
            if self.replays:
                return self.results[key].pop(0)
            self.inside = True
            try:
                result = function(*arguments, **options)
            finally:
                self.inside = False
            self.results.setdefault(key, []).append(result)
            return result

        return call


def _told(tables: Tables, language: str, output: Path | None, monkeypatch) -> Told:
    told, bundles = Told([], "", ""), []
    monkeypatch.setattr(intake, "load", lambda *arguments: (tables, tables.loss))
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    if output is None:
        monkeypatch.setattr(page.pieces, "png", lambda figure, words: b"")
    for name in SECTIONS:
        names = _run(name, {"language": language, "output": str(output) if output else ""})
        told.findings += names["report"].findings
    told.plain = "\n".join(bundle.get("text/plain", "") for bundle in bundles)
    told.html = "\n".join(
        bundle.get("text/html", "") + bundle.get(page.MIME, {}).get("html", "") for bundle in bundles
    )
    return told


def _run(name: str, parameters: dict[str, str]) -> dict[str, Any]:
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    for item in notebook["cells"]:
        if item["cell_type"] == "code":
            exec(compile("".join(item["source"]), f"{name}.ipynb", "exec"), names)
            if "parameters" in item["metadata"].get("tags", []):
                names |= parameters
    return names
