"""A picture in words, for whoever cannot see it: the alternative text repeats every drawn value."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from detente.present.canvas import percent
from detente.present.charts import FATE, PARTS, STEP, Draw, heat_note
from detente.present.charts_cohorts import month_or_name
from detente.present.charts_time import ENDS
from detente.present.numbers import NONE, undefined
from detente.present.wording import Words

AGES = (7, 30, 90, 180, 365)  # days at which a curve is told, with its last one


def values_of(picture: Draw, frame: pd.DataFrame, words: Words) -> list[str]:
    """Every drawn value in words, for the alternative text; of a curve its values at a few ages."""
    if picture.__name__ == "curves":
        return [_curve_value(name, rows, words) for name, rows in frame.groupby("group", sort=False)]
    if picture.__name__ in _TOLD_TOGETHER:
        by, tell = _TOLD_TOGETHER[picture.__name__]
        return [tell(name, rows, words) for name, rows in frame.groupby(by, sort=False)]
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


def _money_step(row: dict, words: Words) -> str:
    between = words.money_range((row.get("low"), row.get("high")))
    return f"{row['label']}: {words.money(row['value'])}" + (f" ({between})" if between != NONE else "")


def _versus_value(row: dict, words: Words) -> str:
    said = getattr(words, row.get("kind", "money"))
    text = f"{row['label']}: {row['measure']} {said(row['before'])} → {said(row['after'])}"
    between = words.times_range((row["low"], row["high"]))
    if not (row["before"] > 0 and row["after"] > 0):
        return text
    found = words.times(float(row["after"]) / float(row["before"]))
    return f"{text}, {found}" + (f" ({between})" if between != NONE else "")


def _month_value(row: dict, words: Words) -> str:
    ends = [f"{words.t(f'chart.{name}')} {words.money(row[name])}" for name in ("revenue", "costs", "result")]
    open_end = "" if row.get("ripe", True) else f" ({words.t('chart.month_open')})"
    return f"{month_or_name(row['label'], words)}: {', '.join(ends)}{open_end}"


def _triangle_row(name: str, rows: pd.DataFrame, words: Words) -> str:
    said = getattr(words, rows["kind"].iloc[0])
    told = [f"{words.t('chart.at_age', age=cell['column'])} {said(cell['value'])}" for cell in _rows(rows)]
    return f"{month_or_name(name, words)} (n = {words.count(rows['n'].iloc[0])}): {', '.join(told)}"


def _payback_group(name: str, rows: pd.DataFrame, words: Words) -> str:
    told = [
        f"{words.t('chart.at_age', age=row['age'])} {words.money(row['value'])}"
        f" ({words.money_range((row['low'], row['high']))})"
        for row in _rows(rows.dropna(subset=["value"]).sort_values("age"))
    ]
    levels = [
        f"{words.t(f'chart.{level}')} {words.money(rows[level].iloc[0])}"
        for level in ("cac", "cac_full")
        if level in rows and not undefined(rows[level].iloc[0])
    ]
    base = f"n = {words.count(rows['n'].iloc[-1])}"
    return f"{name} ({', '.join([base, *levels])}): {', '.join(told) or words.t('chart.few')}"


def _profile_row(name: str, rows: pd.DataFrame, words: Words) -> str:
    told = [f"{cell['part']} {words.percent(cell['share'])}" for cell in _rows(rows)]
    base = rows["base"].iloc[0] if "base" in rows else None
    return f"{name}{'' if undefined(base) or base == '' else f' ({base})'}: {', '.join(told)}"


def _range_row(name: str, rows: pd.DataFrame, words: Words) -> str:
    first = rows.iloc[0]
    kind = first["kind"] if "kind" in rows else "money"
    told = [f"{cell['mark']} {getattr(words, kind)(cell['value'])}" for cell in _rows(rows)]
    between = getattr(words, f"{kind}_range")((first["low"], first["high"]))
    return f"{name} (n = {words.count(first['n'])}): {between}; {', '.join(told)}"


def _rows(frame: pd.DataFrame) -> list[dict]:
    return frame.to_dict("records")


_TOLD_TOGETHER: dict[str, tuple[str, Callable[[str, pd.DataFrame, Words], str]]] = {
    "triangle": ("row", _triangle_row),
    "payback": ("group", _payback_group),
    "profiles": ("label", _profile_row),
    "ranges": ("label", _range_row),
}
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
    "ladder": _money_step,
    "versus": _versus_value,
    "months": _month_value,
}
