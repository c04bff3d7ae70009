"""A picture in words, for whoever cannot see it: the alternative text repeats every drawn value."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from detente.present.canvas import percent
from detente.present.charts import FATE, PARTS, STEP, Draw, heat_note
from detente.present.charts_time import ENDS
from detente.present.wording import Words

AGES = (7, 30, 90, 180, 365)  # days at which a curve is told, with its last one


def values_of(picture: Draw, frame: pd.DataFrame, words: Words) -> list[str]:
    """Every drawn value in words, for the alternative text; of a curve its values at a few ages."""
    if picture.__name__ == "curves":
        return [_curve_value(name, rows, words) for name, rows in frame.groupby("group", sort=False)]
    if picture.__name__ == "fates":
        frame = frame.dropna(subset=list(ENDS)).sort_index()
        frame = frame.loc[_told(frame.index)]
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


def _told(ages: pd.Index) -> list[float]:
    """The ages that a curve is told at: those of AGES that it holds, and its last one."""
    return sorted({age for age in ages if age in AGES} | set(ages[-1:]))


def _curve_value(name: str, rows: pd.DataFrame, words: Words) -> str:
    rows = rows.dropna(subset=["share"]).set_index("age").sort_index()
    base = f" (n = {words.count(rows['known'].iloc[-1])})" if "known" in rows and len(rows) else ""
    told = [
        f"{words.t('chart.day', age=age)}: {words.percent(row['share'])} "
        f"({words.percent_range((row['low'], row['high']))})"
        for age, row in rows.loc[_told(rows.index)].iterrows()
    ]
    return f"{name}{base}: {', '.join(told) or words.t('chart.few')}"


def _fate_value(row: dict, words: Words) -> str:
    between = f" ({words.percent_range((row['low'], row['high']))})" if "low" in row else ""
    ends = [f"{words.t(f'chart.{name}')} {words.percent(row[name])}" for name in ENDS]
    ends[0] += between
    return f"{words.t('chart.day', age=row['_index'])}: {', '.join(ends)}"


def _pair_value(row: dict, words: Words) -> str:
    raw = f"{percent(row['share'], row['known'], words)} ({words.percent_range((row['low'], row['high']))})"
    other = percent(row["other"], row["known"], words)
    other = f"{other} ({words.percent_range((row['other_low'], row['other_high']))})"
    ends = f"{words.t('chart.raw')} {raw}, {words.t('chart.adjusted')} {other}"
    return f"{row['label']}: {ends}, n = {words.count(row['known'])}"


def _funnel_value(row: dict, words: Words) -> str:
    share = percent(row["share"], row["trials"], words)
    limits = [
        f"{words.t(f'chart.{name}')} {words.percent_range((row[f'{name}_low'], row[f'{name}_high']))}"
        for name in ("limit", "outer")
    ]
    return f"{row['label']}: {share} (n = {words.count(row['trials'])}), {', '.join(limits)}"


_VALUES: dict[str, Callable[[dict, Words], str]] = {
    "shares": _share_value,
    "interval": _interval_value,
    "stacked": _part_value(PARTS, "leads"),
    "waterfall": _part_value(FATE, "read"),
    "bars": _bar_value,
    "trend": lambda row, words: _share_value(row | {"label": words.month(row["_index"])}, words),
    "weeks": lambda row, words: f"{words.date(row['week'])}: {words.count(row['leads'])}",
    "heat": _heat_value,
    "steps": _part_value(STEP, "entered"),
    "fates": _fate_value,
    "pairs": _pair_value,
    "plot_funnel": _funnel_value,
}
