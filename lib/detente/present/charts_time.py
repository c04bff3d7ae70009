"""What becomes of leads as they grow older: how they end, and how groups differ at equal age.

Age runs in whole days from 0. A share holds from its day to the next one, so lines are steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from detente.present.canvas import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    WORD,
    flags,
    from_zero,
    percent,
    spread,
    top_of,
    wrap,
)
from detente.present.numbers import FEW, undefined
from detente.present.wording import Words

ENDS = {"won": BLUE, "open": PALE, "lost": ORANGE}  # from the bottom up: both ends read against a border
MOST = 6  # lines in one picture; more cannot be told apart
LINE, SIDE = 0.155, 3.3  # inches: a line of small text, the height of a picture without names
GAPS = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1825)  # days between two ticks
# Told apart by colour and by dashes, each 3 : 1 or better on white.
COLOURS = (BLUE, "#00805d", "#8a4f9e", INK, "#6b7580", "#8c6d1f")
DASHES = ("-", (0, (6, 2)), (0, (1.2, 1.4)), (0, (6, 2, 1.2, 2)), (0, (3, 1.5)), (0, (9, 2, 3, 2)))


def time_height(frame: pd.DataFrame, narrow: bool) -> float:
    """Inches. Names of lines stand at their right ends, on a phone above the picture."""
    if "group" not in frame:
        return SIDE
    names = [_name(name, narrow) for name in frame["group"].drop_duplicates()]
    lines = sum(name.count("\n") + (1 if narrow else 2.4) for name in names) * (0.17 if narrow else LINE)
    return 2.9 + lines if narrow else max(SIDE, lines + 0.7)


def fates(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """How leads end by age: won from below, lost from above, still open between; the interval of won on its edge.

    frame : index age in days; won, lost, open (0..1, each row sums to 1); optional low, high (the interval of
            won), ripe (age in days, constant: a vertical line).
    """
    frame = frame.dropna(subset=list(ENDS)).sort_index()
    _ages(ax, float(frame.index.max()) + 1 if len(frame) else 1, words, narrow)
    from_zero(ax, 1, words.percent)
    if not len(frame):
        return _nothing(ax, words)
    ages, floor, tops = _held_ages(frame), np.zeros(len(frame)), []
    for name, colour in ENDS.items():
        top = floor + frame[name].to_numpy(float)
        look = {"hatch": "////", "edgecolor": GREY, "linewidth": 0} if colour == PALE else {"linewidth": 0}
        ax.fill_between(ages, _held(floor), _held(top), step="post", facecolor=colour, **look)
        tops.append(float(floor[-1] + top[-1]) / 2)
        floor = top
    won = frame["won"].to_numpy(float)
    if "low" in frame:
        low, high = (frame[name].to_numpy(float) for name in ("low", "high"))
        ax.fill_between(ages, _held(low), _held(high), step="post", color=INK, alpha=0.3, linewidth=0)
    ax.step(ages, _held(won), where="post", color=INK, linewidth=1.6, solid_capstyle="butt")
    texts = [_ending(name, frame.iloc[-1], words, narrow) for name in ENDS]
    _beside(ax, tops, texts, [BLUE, MUTED, WORD], narrow)
    if "ripe" in frame:
        _ripe_line(ax, frame["ripe"].iloc[0], words)
    return ax


def _ending(name: str, row: pd.Series, words: Words, narrow: bool) -> str:
    """How many ended so by the last age, with the interval where there is one."""
    share = words.percent(float(row[name]))
    known = name == "won" and "low" in row and not undefined(row["low"])
    between = f"({words.percent_range((float(row['low']), float(row['high'])))})" if known else ""
    word = words.t(f"chart.{name}")
    return "\n".join(filter(None, (share, between, word) if narrow else (f"{share} {word}", between)))


def _beside(ax: Axes, places: list[float], texts: list[str], inks: list[str], narrow: bool) -> None:
    """Words at the right edge, each at its part, moved apart where parts are thin."""
    tall = ax.figure.get_figheight() - 0.9
    heights = [LINE * (text.count("\n") + 1) / tall for text in texts]
    for place, text, ink in zip(spread(places, heights), texts, inks, strict=True):
        ax.annotate(text, (1, place), (6, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                    va="center", color=ink, fontsize=8.5 if narrow else 9,
                    annotation_clip=False)  # fmt: skip


def _ripe_line(ax: Axes, ripe: float, words: Words) -> None:
    """From which age on leads have said what they had to say."""
    left, right = ax.get_xlim()
    if undefined(ripe) or not left <= ripe <= right:
        return
    ax.axvline(ripe, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    side = "left" if ripe < (left + right) / 2 else "right"
    ax.annotate(words.t("chart.ripe", age=int(ripe)), (ripe, 1), (0, 3), xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", ha=side, va="bottom", fontsize=8.5, color=MUTED,
                annotation_clip=False)  # fmt: skip


@dataclass(frozen=True)
class _Curve:
    """One group: its rows by age, and how its line looks."""

    name: str
    rows: pd.DataFrame
    colour: str
    dashes: object
    strong: bool


def curves(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A share by age per group, at most 6 groups, each with its band; the named one has the accent.

    frame : group, age (days), share, low, high (0..1), named; optional known (count, constant in a group),
            enough (grey if not). ValueError if there are more groups than can be told apart.
    """
    lines = _lines(frame)
    last = frame["age"].max()
    _ages(ax, float(last) + 1 if not undefined(last) else 1, words, narrow)
    from_zero(ax, min(1.0, top_of([*frame["high"], *frame["share"]], 0.05) * 1.06), words.percent)
    for line in lines:
        ages, wide = _held_ages(line.rows.set_index("age")), 2.6 if line.strong else 1.7
        low, high, share = (_held(line.rows[name]) for name in ("low", "high", "share"))
        look = {"color": line.colour, "zorder": 3 if line.strong else 2}
        ax.fill_between(ages, low, high, step="post", alpha=0.2 if line.strong else 0.1, linewidth=0, **look)
        ax.step(ages, share, where="post", linestyle=line.dashes, linewidth=wide, **look)
    if not any(len(line.rows) for line in lines):
        return _nothing(ax, words)
    (_legend if narrow else _at_ends)(ax, lines, words)
    return ax


def _lines(frame: pd.DataFrame) -> list[_Curve]:
    """Groups in the order of the frame, each told apart by colour and dashes."""
    order = list(frame["group"].drop_duplicates())
    if len(order) > MOST:
        raise ValueError(f"a picture holds {MOST} lines, not {len(order)}: pick groups before drawing")
    found, looks = [], {strong: iter(zip(COLOURS, DASHES, strict=True)) for strong in (True, False)}
    for name in order:
        rows = frame[frame["group"] == name]
        strong, enough = flags(rows, "named", False)[0], flags(rows, "enough", True)[0]
        colour, dashes = next(looks[strong])
        colour = ORANGE if strong else colour if enough else GREY
        rows = rows.dropna(subset=["share"]).sort_values("age")
        found.append(_Curve(str(name), rows, colour, dashes, strong))
    return found


def _name(name: object, narrow: bool) -> str:
    return wrap(name, 34 if narrow else 26, 2)


def _said(line: _Curve, words: Words, narrow: bool) -> str:
    """The name of a line, its last share and what it rests on."""
    if not len(line.rows):
        return f"{_name(line.name, narrow)}{': ' if narrow else chr(10)}{words.t('chart.few')}"
    last = line.rows.iloc[-1]
    share = percent(float(last["share"]), last.get("known", FEW), words)
    base = f" (n = {words.count(last['known'])})" if "known" in last and not narrow else ""
    return f"{_name(line.name, narrow)}{': ' if narrow else chr(10)}{share}{base}"


def _at_ends(ax: Axes, lines: list[_Curve], words: Words) -> None:
    """Names at the right, joined with the ends of their lines."""
    texts = [_said(line, words, False) for line in lines]
    top, tall = ax.get_ylim()[1], ax.figure.get_figheight() - 0.7
    ends = [float(line.rows["share"].iloc[-1]) / top if len(line.rows) else 0.0 for line in lines]
    heights = [LINE * (text.count("\n") + 1.4) / tall for text in texts]
    for line, end, place, text in zip(lines, ends, spread(ends, heights), texts, strict=True):
        last = float(line.rows["age"].iloc[-1]) + 1 if len(line.rows) else 0.0
        look = {"color": WORD if line.strong else INK, "fontweight": "bold" if line.strong else "normal"}
        arrow = {"arrowstyle": "-", "color": line.colour, "linewidth": 1, "shrinkA": 1, "shrinkB": 0}
        arrow = {"arrowprops": arrow | {"relpos": (0, 0.5)}} if len(line.rows) else {}
        ax.annotate(text, (last, end * top), (1.035, place * top), textcoords=ax.get_yaxis_transform(), va="center",
                    fontsize=8.5, annotation_clip=False, **look, **arrow)  # fmt: skip


def _legend(ax: Axes, lines: list[_Curve], words: Words) -> None:
    """On a phone: names above the picture, the highest end first."""
    from matplotlib.lines import Line2D

    ordered = sorted(lines, key=lambda line: -line.rows["share"].iloc[-1] if len(line.rows) else 1)
    marks = [
        Line2D([], [], color=line.colour, linestyle=line.dashes, linewidth=2.6 if line.strong else 1.7)
        for line in ordered
    ]
    legend = ax.figure.legend(
        marks, [_said(line, words, True) for line in ordered], loc="outside upper left", frameon=False, ncols=1,
        fontsize=8.5, handlelength=2.6, handletextpad=0.6, borderpad=0.1, labelspacing=0.25,
    )  # fmt: skip
    for line, text in zip(ordered, legend.get_texts(), strict=True):
        text.set(color=WORD if line.strong else INK, fontweight="bold" if line.strong else "normal")


def _held(values: np.ndarray | pd.Series) -> np.ndarray:
    """The last value holds to the end of its day."""
    values = np.asarray(values, float)
    return np.r_[values, values[-1:]]


def _held_ages(frame: pd.DataFrame) -> np.ndarray:
    ages = frame.index.to_numpy(float)
    return np.r_[ages, ages[-1:] + 1]


def _ages(ax: Axes, last: float, words: Words, narrow: bool) -> None:
    """The axis of days: few round steps from 0."""
    ax.set_xlim(0, last)
    gap = next((gap for gap in GAPS if last / gap <= (5 if narrow else 9)), GAPS[-1])
    ticks = np.arange(0, last, gap)
    ax.set_xticks(ticks, [words.count(tick) for tick in ticks])
    ax.set_xlabel(words.t("chart.days"), fontsize=8.5)


def _nothing(ax: Axes, words: Words) -> Axes:
    ax.text(0.5, 0.5, words.t("chart.few"), transform=ax.transAxes, ha="center", color=MUTED)
    return ax
