"""What holds of all that a notebook says, whatever the data are; tests of views assert it of every case they made."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Collection, Iterable

import published
from detente.present.findings import ASK, Finding
from detente.present.wording import Words

SCRIPT = "<script>alert('x')</script>"
STATUSES = {"ok", "cannot_tell", "not_available"}
UNFILLED = re.compile(r"\{\w+[:}]")
GAP = re.compile(r"—\s*[,.;)%]")  # a dash where a number or a name was to stand
NUMBER = re.compile(r"\d[\d\u00a0,]*(?:[.,]\d+)?")
WRITTEN = {
    "share": "percent",
    "money": "money",
    "count": "count",
    "points": "points",
    "days": "count",
    "percent": "percent",
    "times": "times",
    "months": "months",
}


def whole(findings: Iterable[Finding], numbered: Collection[str] = ()) -> None:
    """A legal status, somebody to ask, words, and a number only where it can be told, or in those of `numbered`."""
    for item in findings:
        assert item.status in STATUSES, item.id
        assert item.ask in ASK, item.id
        assert item.headline.strip(), item.id
        assert item.fact.strip(), item.id
        assert item.decision.strip(), item.id
        assert item.status == "ok" or math.isnan(item.value) or item.id in numbered, item.id


def same(one: Iterable[Finding], other: Iterable[Finding]) -> None:
    """Ids that differ, and in both languages the same ones with the same numbers."""
    told = [[_bare(item) for item in findings] for findings in (one, other)]
    assert told[0] == told[1]
    ids = [row[0] for row in told[0]]
    assert len(set(ids)) == len(ids)


def _bare(item: Finding) -> tuple:
    numbers = (repr(float(value)) for value in (item.value, item.low, item.high))
    return (item.id, item.status, item.ask, item.unit, item.n, *numbers)


def filled(plain: str, findings: Iterable[Finding], names: Collection[str] = ()) -> None:
    """No undefined value and no placeholder reached a reader. `names` : texts of the data that look like one."""
    for name in names:
        plain = plain.replace(name, "")
    for pattern in (published.HOLE, UNFILLED):
        found = pattern.search(plain)
        assert found is None, plain[max(0, found.start() - 80) : found.end() + 80]
    for item in findings:
        assert not GAP.search(item.fact), item.fact


def number_said(findings: Iterable[Finding], language: str) -> None:
    """The number of a finding is the one in its sentence; nothing may be said in words."""
    words = Words(language, "RUB")
    for item in findings:
        if item.status == "ok" and item.value and not math.isnan(item.value):
            written = getattr(words, WRITTEN[item.unit])(abs(item.value))
            assert written in item.fact + item.headline, (item.id, written, item.fact)


def base_said(findings: Iterable[Finding]) -> None:
    """The base of a share is said with it."""
    for item in findings:
        if item.status == "ok" and item.unit == "share" and not math.isnan(item.value):
            numbers = [re.sub(r"[\u00a0,]", "", number) for number in NUMBER.findall(item.fact)]
            assert str(item.n) in numbers, (item.id, item.fact)


def escaped(page: str, name: str = SCRIPT) -> None:
    """A name from the data that is markup is on the page as text."""
    assert "<script" not in page
    assert html.escape(name) in page
    assert "\u202e" not in page
