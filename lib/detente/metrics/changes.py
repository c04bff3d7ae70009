"""What moved since the last run, and how many leads it takes to see a number move."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import pandas as pd

from detente.metrics import intervals


class Numbered(Protocol):
    """What a finding carries: id, value with its unit and interval, and n, the denominator."""

    id: str
    value: float
    unit: str
    low: float
    high: float
    n: int


def compare(
    now: Sequence[Numbered], before: Mapping[str, Numbered], level: float = 0.95, material: float = 0.05
) -> pd.DataFrame:
    """Shares of two runs side by side, one row per share that both have, in the order of `now`.

    Returns id, before, now, difference (now - before), low, high (Newcombe), level, changed: the interval excludes
    zero and |difference| >= material. Where the periods overlap, the same leads stand on both sides; the interval is
    then wider than it need be. Source: Newcombe (1998), method 10, on whole counts value x n.
    """
    columns = ["id", "before", "now", "difference", "low", "high", "level", "changed"]
    rows = []
    for item in now:
        old = before.get(item.id)
        if old is None or item.unit != "share" or old.unit != "share" or not _known(item, old):
            continue
        hits, earlier = round(item.value * item.n), round(old.value * old.n)
        low, high = intervals.newcombe(hits, item.n, earlier, old.n, level)
        difference = item.value - old.value
        changed = (low > 0 or high < 0) and abs(difference) >= material
        rows.append([item.id, old.value, item.value, difference, low, high, level, changed])
    return pd.DataFrame(rows, columns=columns)


def _known(*items: Numbered) -> bool:
    return all(item.n > 0 and not math.isnan(item.value) for item in items)


def patience(now: Sequence[Numbered], material: float = 0.05, level: float = 0.95) -> pd.DataFrame:
    """How many leads before and after a change it takes to see each share fall by `material` with a power of 80 %.

    Returns id, now, aim (now - material, at least 0), needed (leads per side), for shares above zero.
    Source: `intervals.leads_needed`.
    """
    rows = []
    for item in now:
        if item.unit == "share" and _known(item) and item.value > 0:
            aim = max(item.value - material, 0.0)
            rows.append([item.id, item.value, aim, intervals.leads_needed(item.value, aim, level)])
    return pd.DataFrame(rows, columns=["id", "now", "aim", "needed"])
