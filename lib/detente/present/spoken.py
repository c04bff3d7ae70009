"""A picture in words, for whoever cannot see it: the alternative text repeats every drawn value."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from detente.present.canvas import percent
from detente.present.charts import FATE, PARTS, Draw, heat_note
from detente.present.wording import Words


def values_of(picture: Draw, frame: pd.DataFrame, words: Words) -> list[str]:
    """Every drawn value in words, for the alternative text."""
    rows = frame.reset_index(names="_index").to_dict("records")
    return [_VALUES[picture.__name__](row, words) for row in rows]


def _share_value(row: dict, words: Words) -> str:
    between = words.percent_range((row["low"], row["high"]))
    share = percent(row["share"], row["known"], words)
    return f"{row['label']}: {share} ({between}, n = {words.count(row['known'])})"


def _interval_value(row: dict, words: Words) -> str:
    return f"{_share_value(row, words)}, {words.percent_range((row['bound_low'], row['bound_high']))}"


def _part_value(parts: dict[str, str], whole: str) -> Callable[[dict, Words], str]:
    def value(row: dict, words: Words) -> str:
        found = ", ".join(f"{words.t(f'chart.{name}')} {words.count(row[name])}" for name in parts)
        return f"{row['label']}: {found} (n = {words.count(row[whole])})"

    return value


def _bar_value(row: dict, words: Words) -> str:
    between = words.money_range((row["low"], row["high"]))
    return f"{row['label']}: {words.money(row['value'])} ({between}, n = {words.count(row['n'])})"


def _heat_value(row: dict, words: Words) -> str:
    return (
        f"{row['row']}, {row['column']}: {heat_note(row['share'], row['fails'], row['known'], words, ', ')}"
    )


_VALUES: dict[str, Callable[[dict, Words], str]] = {
    "shares": _share_value,
    "interval": _interval_value,
    "stacked": _part_value(PARTS, "leads"),
    "waterfall": _part_value(FATE, "read"),
    "bars": _bar_value,
    "trend": lambda row, words: _share_value(row | {"label": words.month(row["_index"])}, words),
    "weeks": lambda row, words: f"{words.date(row['week'])}: {words.count(row['leads'])}",
    "heat": _heat_value,
}
