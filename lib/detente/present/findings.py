"""A finding: one fact with its number, its interval, its base, a question, and whom to ask. Never blame."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

Status = Literal["ok", "cannot_tell", "not_available"]
ASK = ("ceo", "marketing", "sales", "product", "data")


@dataclass(frozen=True)
class Finding:
    """One line of a report.

    headline  what was found, short; fact: the whole sentence, every number read from the result
    value, unit, low, high, level, n   the number, its interval at that confidence, and its denominator;
              unit is "share" (hits / n, so 0..1: two runs are compared as such), "percent" (any other ratio read
              as a percent: a ROMI, a distance; below 0 or above 1 too), "times" (the same read as 1.5x),
              "points" (difference of shares), "money", "count", "days", "months" or ""
    ask, question, decision            who should answer what, and which decision it serves
    status    "ok", "cannot_tell" (too little data), "not_available" (a table or column is missing)
    """

    id: str
    notebook: str
    headline: str
    fact: str
    value: float
    unit: str
    low: float
    high: float
    level: float
    n: int
    ask: str
    question: str
    decision: str
    status: Status = "ok"

    def __post_init__(self) -> None:
        if self.ask not in ASK:
            raise ValueError(f"{self.id}: nobody called «{self.ask}» can be asked")
        if self.unit == "share" and not (math.isnan(self.value) or 0 <= self.value <= 1):
            raise ValueError(f"{self.id}: {self.value} is no share; its unit is percent")


def write(findings: list[Finding], path: Path) -> None:
    """Write findings as a JSON list; an undefined number is null. Ids must differ."""
    ids = [item.id for item in findings]
    if repeated := {name for name in ids if ids.count(name) > 1}:
        raise ValueError(f"two findings are called {sorted(repeated)}")
    rows = [{name: _plain(value) for name, value in asdict(item).items()} for item in findings]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    """Six decimals of a money or share are more than anybody decides on, and equal on every machine."""
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return None
    return int(number) if number == int(number) else round(number, 6)


def read(path: Path) -> list[Finding]:
    """The findings of one JSON file."""
    names = {item.name for item in fields(Finding)}
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        Finding(
            **{name: math.nan if value is None else value for name, value in row.items() if name in names}
        )
        for row in rows
    ]
