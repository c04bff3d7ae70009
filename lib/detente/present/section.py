"""One section of a report: a result put into the words of the catalogs, with its number and its question."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from detente.present.findings import Finding
from detente.present.report import Report


@dataclass(frozen=True)
class Number:
    """The number a finding rests on. unit: "share", "money", "count", "days", "points"; n: the denominator."""

    value: float
    unit: str = "share"
    low: float = math.nan
    high: float = math.nan
    n: int = 0


def phrase(report: Report, group: str, name: str, variant: str = "", **values: Any) -> str:
    """The words under `group.name_variant`, or under `group.name` where the variant has none of its own."""
    key = f"{group}.{name}_{variant}"
    words = report.words
    return words.t(key if variant and words.has(key) else f"{group}.{name}", level=report.level, **values)


def state(
    report: Report,
    group: str,
    ident: str,
    ask: str,
    number: Number | None = None,
    *,
    variant: str = "",
    status: str = "ok",
    **values: Any,
) -> Finding:
    """A finding worded by the catalog keys heading, fact, question and decision of `group`.

    `values` fill the placeholders; the numbers of the sentence and of the record come from the same result.
    """
    number = number or Number(math.nan, "")
    headline, fact, question, decision = (
        phrase(report, group, name, variant, **values) for name in ("heading", "fact", "question", "decision")
    )
    return Finding(
        id=ident, notebook=report.notebook, headline=headline, fact=fact, value=number.value, unit=number.unit,
        low=number.low, high=number.high, level=report.level, n=number.n, ask=ask, question=question,
        decision=decision, status=status,
    )  # fmt: skip


def missing(
    report: Report, group: str, ident: str, ask: str, *, need: str = "need", how: str = "how", **values: Any
) -> Finding:
    """A finding for what the exports cannot tell: what is missing, and what would be needed."""
    names = ("what", need, how)
    what, needed, how = (phrase(report, group, f"missing_{name}", **values) for name in names)
    return Finding(
        id=ident, notebook=report.notebook, headline=what, fact=needed, value=math.nan, unit="", low=math.nan,
        high=math.nan, level=report.level, n=0, ask=ask, question=how,
        decision=phrase(report, group, "decision", **values), status="not_available",
    )  # fmt: skip
