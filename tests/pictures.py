"""A table for every kind of picture, and what was drawn of it: its axes, its words and the boxes they fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from detente.present import canvas, charts
from detente.present.wording import Words

WORDS = {"ru": Words("ru"), "en": Words("en")}
LONG = "Каталоги и агрегаторы строительных подрядчиков Северо-Западного федерального округа"
GROUPS = pd.DataFrame({
    "label": ["VK", LONG, "$5 & <b>", "Выставка"], "share": [0.86, 0.63, 0.41, 0.5], "low": [0.83, 0.55, 0.34, 0.2],
    "high": [0.88, 0.70, 0.48, 0.8], "known": [731, 140, 188, 4], "named": [True, False, False, False],
    "enough": [True, True, True, False], "bound_low": [0.8, 0.5, 0.3, 0.1], "bound_high": [0.9, 0.75, 0.5, 0.9],
})  # fmt: skip
PARTS = pd.DataFrame({
    "label": ["VK", LONG], "leads": [800, 150], "target": [100, 60], "non_target": [600, 80], "unknown": [100, 10],
})  # fmt: skip
FATE = pd.DataFrame({"label": ["deals.csv"], "read": [100], "kept": [90], "quarantined": [7], "dropped": [3]})
MONEY = pd.DataFrame({
    "label": ["VK", LONG], "value": [2064000.0, -61000.0], "low": [1990000.0, -70000.0],
    "high": [2112000.0, -54000.0], "n": [731, 140],
})  # fmt: skip
MONTHS = pd.DataFrame(
    {"share": [0.3, 0.4, 0.5], "low": [0.2, 0.3, 0.3], "high": [0.4, 0.5, 0.7], "known": [90, 80, 20],
     "ripe": [True, True, False]},
    index=["2026-01", "2026-02", "2026-03"],
)  # fmt: skip
WEEKS = pd.DataFrame({
    "week": pd.date_range("2026-01-05", periods=4, freq="7D"), "leads": [5, 0, 7, 2],
    "whole": [True, True, True, False], "gap": [False, True, False, False],
})  # fmt: skip
CELLS = pd.DataFrame([
    {"row": row, "column": column, "share": 0.25, "fails": 10, "known": 40 if column != "Выставка" else 4,
     "enough": column != "Выставка"}
    for row in ("Бюджет от 300 000 ₽", "Регион") for column in ("VK", LONG, "Карты", "Выставка")
])  # fmt: skip
STEPS = pd.DataFrame({
    "label": ["Новая заявка", LONG, "Договор"], "entered": [200, 120, 0], "passed": [120, 30, 0],
    "lost": [60, 60, 0], "open": [20, 30, 0],
})  # fmt: skip
AGES = np.arange(61)
FATES = pd.DataFrame({
    "won": 0.004 * AGES, "lost": 0.01 * AGES, "open": 1 - 0.014 * AGES, "low": 0.003 * AGES, "high": 0.005 * AGES,
    "ripe": 45,
}, index=AGES)  # fmt: skip
CURVES = pd.concat([
    pd.DataFrame({"group": name, "age": AGES[:until], "share": rate * AGES[:until], "low": rate * AGES[:until] * 0.8,
                  "high": rate * AGES[:until] * 1.2, "named": name == "VK", "known": 90})
    for name, rate, until in (("VK", 0.004, 61), (LONG, 0.0041, 61), ("2026-06", 0.005, 31), ("$5 & <b>", 0.0005, 61))
], ignore_index=True)  # fmt: skip
LEAGUE = pd.DataFrame({
    "label": ["Менеджер 01", "Менеджер 02", LONG, "Менеджер 04", "$5 & <b>"], "share": [0.3, 0.31, 0.55, 0.5, 0.28],
    "trials": [420, 410, 200, 6, 95], "named": [False, False, True, False, False],
    "enough": [True, True, True, False, True], "limit_low": [0.3, 0.295, 0.275, 0.0, 0.25],
    "limit_high": [0.388, 0.39, 0.41, 0.714, 0.44], "outer_low": [0.27, 0.27, 0.24, 0.0, 0.2],
    "outer_high": [0.414, 0.415, 0.45, 0.857, 0.495], "whole": 0.34,
})  # fmt: skip
PAIRS = pd.DataFrame({
    "label": ["Менеджер 01", LONG, "Менеджер 03", "Выставка"], "known": [400, 120, 40, 4],
    "share": [0.41, 0.3, 0.5, 0.5], "low": [0.36, 0.22, 0.35, 0.1], "high": [0.46, 0.38, 0.65, 0.9],
    "other": [0.33, 0.31, np.nan, 0.4], "other_low": [0.27, 0.25, np.nan, 0.2],
    "other_high": [0.39, 0.37, np.nan, 0.7], "named": [True, False, False, False], "enough": [True, True, True, False],
})  # fmt: skip


@dataclass(frozen=True)
class Case:
    draw: charts.Draw
    frame: pd.DataFrame


CASES = [
    Case(charts.shares, GROUPS), Case(charts.interval, GROUPS), Case(charts.stacked, PARTS),
    Case(charts.waterfall, FATE), Case(charts.bars, MONEY), Case(charts.trend, MONTHS), Case(charts.weeks, WEEKS),
    Case(charts.heat, CELLS), Case(charts.steps, STEPS), Case(charts.fates, FATES), Case(charts.curves, CURVES),
    Case(charts.plot_funnel, LEAGUE), Case(charts.pairs, PAIRS),
]  # fmt: skip
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.draw.__name__)
widths = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])


def axes(case: Case, narrow: bool = False, language: str = "ru"):
    return charts.draw(case.draw, case.frame, WORDS[language], narrow).axes[0]


def texts(ax) -> list[str]:
    drawn = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]
    return [text.get_text() for text in drawn]


def boxes(figure) -> list[tuple[str, object]]:
    """Each drawn word with the box it fills; a tick beyond the axis is not drawn."""
    with canvas.style():
        figure.draw_without_rendering()
        ax = figure.axes[0]
        ticks = [
            text
            for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim())))
            for place, text in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            if low <= place <= high
        ]
        legends = [text for legend in figure.legends for text in legend.get_texts()]
        drawn = [text for text in [*ax.texts, *ticks, *legends] if text.get_text().strip()]
        return [(text.get_text(), text.get_window_extent()) for text in drawn]
