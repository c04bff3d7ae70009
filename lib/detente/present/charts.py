"""Finished tables -> pictures. A chart draws what it is given: no grouping, no metric, no global state.

Each drawing function takes (frame, words, ax, narrow) and returns the axes. One accent for what the finding
names; uncertainty is always drawn. Wide pictures carry names at the left; on a phone a name stands above its
row, so that nothing is cut. `spoken` tells the same numbers in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from detente.present import numbers
from detente.present.canvas import (
    BLUE,
    FEW,
    GREY,
    INK,
    MUTED,
    NARROW,
    ORANGE,
    PALE,
    RULE,
    THICK,
    WIDE,
    WORD,
    colours_of,
    from_zero,
    percent,
    percents,
    pitches,
    rights,
    rows,
    say,
    scale,
    style,
    top_of,
    wrap,
)
from detente.present.charts_league import SIZE, plot_funnel
from detente.present.charts_money import HEIGHTS
from detente.present.charts_time import curves, fates, time_height
from detente.present.wording import Words

PARTS = {"target": BLUE, "non_target": ORANGE, "unknown": PALE}
FATE = {"kept": BLUE, "quarantined": ORANGE, "dropped": PALE}
STEP = {"passed": BLUE, "lost": ORANGE, "open": PALE}
HEAT = LinearSegmentedColormap.from_list("heat", ["#f6f8fa", "#f5c9a6", ORANGE])
Draw = Callable[[pd.DataFrame, Words, Axes, bool], Axes]


def draw(picture: Draw, frame: pd.DataFrame, words: Words, narrow: bool = False) -> Canvas:
    """One picture on a canvas of its own: wide for a desk and paper, narrow for a phone."""
    with style():
        size = (NARROW if narrow else WIDE, _height(picture, frame, narrow))
        canvas = Canvas(figsize=size, layout="constrained")
        canvas.get_layout_engine().set(w_pad=0.04, h_pad=0.05)
        picture(frame, words, canvas.add_subplot(), narrow)
    return canvas


def _height(picture: Draw, frame: pd.DataFrame, narrow: bool) -> float:
    if picture in HEIGHTS:
        return HEIGHTS[picture](frame, narrow)
    if picture in (trend, weeks):
        return 2.9 if narrow else 3.1
    if picture in (fates, curves):
        return time_height(frame, narrow)
    if picture is plot_funnel:
        return SIZE[narrow]
    if picture is heat:
        across, down = _sides(frame, narrow)
        names, heads = frame[down].unique(), list(frame[across].unique())
        return _cell(names, narrow) * len(names) + _across(heads, narrow)[2] + 0.15
    legend = 0.3 if picture in (stacked, waterfall, steps, pairs) else 0
    return sum(pitches(frame["label"], narrow)) + 0.4 + legend


def shares(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A pale bar from 0 to the share, a dot and its interval, one row per group.

    frame : label, share, low, high (0..1), known (count); optional named (accent), enough (grey if not),
            estimate with separable (a diamond: the size-adjusted share), whole (a dashed line for all).
    """
    places, colours = rows(ax, frame, words, narrow), colours_of(frame)
    ax.barh(places, frame["share"], color=colours, alpha=0.22, height=THICK)
    ax.hlines(places, frame["low"], frame["high"], color=colours, linewidth=2.4)
    ax.scatter(frame["share"], places, color=colours, s=34, zorder=3, edgecolor="white", linewidth=0.8)
    if "estimate" in frame and frame["separable"].all():
        look = {"marker": "D", "s": 15, "facecolor": "white", "edgecolor": INK, "linewidth": 0.9, "zorder": 4}
        ax.scatter(frame["estimate"], places, **look)
    if "whole" in frame:
        ax.axvline(frame["whole"].iloc[0], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    say(ax, frame, places, narrow, percents(frame, words), rights(frame, "share", "high"))
    top = top_of([*frame["high"], *frame["share"]], 0.05)
    scale(ax, 0, min(top * 1.04, 1.0), words.percent, narrow)
    return ax


def interval(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A dot and its interval per rule, a thin line to bounds. frame: as `shares`, bound_low, bound_high."""
    places, colours = rows(ax, frame, words, narrow), colours_of(frame)
    ax.hlines(places, frame["bound_low"], frame["bound_high"], color=MUTED, linewidth=1)
    ends = np.r_[frame["bound_low"], frame["bound_high"]]
    ax.scatter(ends, np.r_[places, places], marker="|", color=MUTED, s=60, linewidth=1)
    ax.hlines(places, frame["low"], frame["high"], color=colours, linewidth=5, alpha=0.45)
    ax.scatter(frame["share"], places, color=colours, s=42, zorder=3, edgecolor="white", linewidth=0.8)
    ends = rights(frame, "share", "high", "bound_high")
    say(ax, frame, places, narrow, percents(frame, words), ends)
    ax.grid(axis="x", color=RULE, linewidth=0.6)
    scale(ax, 0, 1, words.percent, narrow)
    return ax


def stacked(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Parts of each group as 100 %: target, non-target, unknown. frame: label, leads and the three counts."""
    return _parts(frame, words, ax, narrow, PARTS, "leads")


def waterfall(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """What became of each file's rows. frame: label, read, kept, quarantined, dropped."""
    return _parts(frame, words, ax, narrow, FATE, "read")


def steps(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """What became of those who entered each stage, top to bottom. frame: label, entered, passed, lost, open."""
    return _parts(frame, words, ax, narrow, STEP, "entered")


def pairs(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A share as it is (hollow) and adjusted (full), each with its interval, joined by a line.

    frame : label, known, share, low, high, other, other_low, other_high (0..1); optional named, enough. A row
            without `other` shows what it has.
    """
    places, colours = rows(ax, frame, words, narrow), colours_of(frame)
    above, below = places - 0.06, places + 0.06
    ends = [np.c_[frame[x], y] for x, y in (("share", above), ("other", below))]
    for start, end, colour in zip(*ends, colours, strict=True):
        ax.plot([start[0], end[0]], [start[1], end[1]], color=colour, linewidth=1, zorder=2)
    ax.hlines(above, frame["low"], frame["high"], color=colours, linewidth=1.2)
    ax.hlines(below, frame["other_low"], frame["other_high"], color=colours, linewidth=2.4)
    look = {"s": 30, "zorder": 3, "linewidth": 1.3}
    ax.scatter(frame["share"], above, facecolor="white", edgecolor=colours, **look)
    ax.scatter(frame["other"], below, facecolor=colours, edgecolor=colours, **look)
    said = [_pair(row, words) for row in frame.to_dict("records")]
    reach = ("share", "high", "other", "other_high")
    say(ax, frame, places, narrow, said, rights(frame, *reach))
    ax.grid(axis="x", color=RULE, linewidth=0.6)
    top = top_of(frame[list(reach)].to_numpy(float).ravel().tolist(), 0.05)
    scale(ax, 0, min(top * 1.04, 1.0), words.percent, narrow)
    marks = [
        Line2D([], [], marker="o", linestyle="", color=INK, markerfacecolor=face, markersize=5.5)
        for face in ("white", INK)
    ]
    _key(ax, marks, [words.t("chart.raw"), words.t("chart.adjusted")])
    return ax


def _pair(row: dict, words: Words) -> str:
    before, after = (percent(row[name], row["known"], words) for name in ("share", "other"))
    return before if before == after or numbers.undefined(row["other"]) else f"{before} → {after}"


def _key(ax: Axes, *marks: list) -> None:
    """The legend above a picture."""
    ax.figure.legend(
        *marks, loc="outside upper left", ncols=3, frameon=False, handlelength=1, handleheight=1,
        columnspacing=1.4, handletextpad=0.5, borderpad=0.1,
    )  # fmt: skip


def _parts(
    frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool, parts: dict[str, str], whole: str
) -> Axes:
    places = rows(ax, frame, words, narrow, whole)
    left = np.zeros(len(frame))
    for name, colour in parts.items():
        width = (frame[name] / frame[whole].where(frame[whole] > 0)).fillna(0).to_numpy(float)
        look = {"hatch": "////", "edgecolor": GREY} if colour == PALE else {"edgecolor": "white"}
        label = words.t(f"chart.{name}")
        ax.barh(places, width, left=left, color=colour, height=THICK, label=label, linewidth=0.5, **look)
        look = {
            "ha": "center",
            "va": "center_baseline",
            "fontsize": 8.5,
            "color": "white" if colour == BLUE else "black",
        }
        if colour == PALE:
            look["bbox"] = {"facecolor": PALE, "edgecolor": "none", "pad": 1}
        for place, start, size, n in zip(places, left, width, frame[whole], strict=True):
            if size >= (0.14 if narrow else 0.075) and n >= FEW:
                ax.text(start + size / 2, place, words.percent(size), **look)
        left = left + width
    scale(ax, 0, 1, words.percent, narrow)
    _key(ax)
    return ax


def bars(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Bars of money with whiskers. frame: label, value, low, high, n; optional named, enough."""
    places, colours = rows(ax, frame, words, narrow, "n"), colours_of(frame)
    ax.barh(places, frame["value"], color=colours, alpha=0.85, height=THICK)
    ax.hlines(places, frame["low"], frame["high"], color=INK, linewidth=1.2)
    ends = np.r_[frame["low"], frame["high"]]
    ax.scatter(ends, np.r_[places, places], marker="|", color=INK, s=36, linewidth=1.2)
    ends = [max(right, 0) for right in rights(frame, "value", "high")]
    say(ax, frame, places, narrow, [words.money(x) for x in frame["value"]], ends)
    reach = [*frame["low"], *frame["high"], *frame["value"]]
    bottom = float(np.nanmin([*reach, 0]))
    if bottom < 0:
        ax.axvline(0, color=MUTED, linewidth=0.8)
    scale(ax, bottom * 1.05, top_of(reach, 1) * 1.03, words.money, narrow, 2 if narrow else 4)
    return ax


def trend(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A share by month with its band; months not ripe yet are grey and dashed.

    frame : index YYYY-MM, share, low, high (0..1), known (count), ripe.
    """
    ripe = np.flatnonzero(frame["ripe"].to_numpy(bool))
    done = int(ripe[-1]) + 1 if len(ripe) else 0
    if done < len(frame):
        _line(ax, frame, slice(max(done - 1, 0), None), GREY, "o--")
        look = {"textcoords": "offset points", "ha": "right", "fontsize": 8.5, "color": MUTED}
        ax.annotate(words.t("chart.unripe"), (len(frame) - 1, 0), (0, 5), **look)
    _line(ax, frame, slice(0, done), BLUE, "o-")
    for at in {0, done - 1} if done else ():
        text = percent(frame["share"].iloc[at], frame["known"].iloc[at], words)
        ax.annotate(text, (at, frame["share"].iloc[at]), (0, 7), textcoords="offset points", ha="center",
                    fontweight="bold")  # fmt: skip
    months = [numbers.month_short(name, words.language) for name in frame.index]
    labels = [f"{month}\nn = {words.count(n)}" for month, n in zip(months, frame["known"], strict=True)]
    step = -(-len(frame) // (5 if narrow else 10))
    ax.set_xticks(np.arange(len(frame))[::step], labels[::step], fontsize=8)
    from_zero(ax, min(1.0, top_of([*frame["high"], *frame["share"]], 0.1) * 1.1), words.percent)
    return ax


def _line(ax: Axes, frame: pd.DataFrame, part: slice, colour: str, look: str) -> None:
    places, rows = np.arange(len(frame))[part], frame.iloc[part]
    low, high = rows["low"].to_numpy(float), rows["high"].to_numpy(float)
    ax.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0)
    ax.plot(places, rows["share"].to_numpy(float), look, color=colour, linewidth=2, markersize=4.5)


def weeks(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Leads per week. frame: week (Monday), leads, whole (it lies in the period), gap (no lead at all)."""
    places = np.arange(len(frame))
    colours = np.where(frame["gap"], ORANGE, np.where(frame["whole"], BLUE, GREY))
    ax.bar(places, frame["leads"], color=colours, width=0.78)
    for place in np.flatnonzero(frame["gap"]):
        ax.axvspan(place - 0.5, place + 0.5, color=ORANGE, alpha=0.12, linewidth=0)
        ax.annotate(words.count(0), (place, 0), (0, 3), textcoords="offset points", ha="center", color=WORD,
                    fontweight="bold")  # fmt: skip
    names = frame["week"].dt.strftime("%Y-%m").tolist()
    first = [place for place in places if place == 0 or names[place] != names[place - 1]]
    first = first[:: -(-len(first) // (5 if narrow else 12))]
    ax.set_xticks(first, [numbers.month_short(names[place], words.language) for place in first])
    from_zero(ax, top_of(frame["leads"].tolist(), 1) * 1.05, words.count, whole=True)
    return ax


def heat(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Share per cell with its base; thin cells grey. frame: row, column, share, fails, known, enough."""
    import seaborn as sns  # as long to import as pandas, engine and matplotlib together: only where it draws

    across, down = _sides(frame, narrow)
    order = {side: list(dict.fromkeys(frame[side])) for side in ("row", "column")}

    def grid(name: str) -> pd.DataFrame:
        return frame.pivot(index=down, columns=across, values=name).loc[order[down], order[across]]

    share, enough = grid("share").astype(float), grid("enough").fillna(False).astype(bool)
    top = max(float(np.nanmax(share.where(enough).to_numpy(), initial=0.2)), 0.2)
    ax.set_facecolor("#eef0f3")
    sns.heatmap(share.where(enough), annot=False, cmap=HEAT, vmin=0, vmax=top, cbar=False, linewidths=2,
                linecolor="white", ax=ax)  # fmt: skip
    fails, known = grid("fails"), grid("known")
    for (y, x), value in np.ndenumerate(share.to_numpy()):
        note = heat_note(value, fails.iloc[y, x], known.iloc[y, x], words)
        ax.text(x + 0.5, y + 0.5, note, ha="center", va="center", fontsize=8, linespacing=1.25,
                color="black" if enough.iloc[y, x] else MUTED)  # fmt: skip
    _heat_names(ax, order[across], order[down], narrow)
    return ax


def _sides(frame: pd.DataFrame, narrow: bool) -> tuple[str, str]:
    """Which side goes across and which down: on a phone the shorter one goes across."""
    turned = narrow and frame["column"].nunique() > frame["row"].nunique()
    return ("row", "column") if turned else ("column", "row")


def heat_note(share: float, fails: float, n: float, words: Words, gap: str = "\n") -> str:
    """Percent and counts; counts alone where they are few; a dash where nothing is known."""
    if not n >= 1:
        return numbers.NONE
    counts = f"{words.count(fails)}/{words.count(n)}"
    return f"{words.percent(share)}{gap}{counts}" if n >= FEW else counts


def _cell(names: Iterable[str], narrow: bool) -> float:
    """The height of a heat row in inches: its longest name must fit."""
    return max(0.5, max((0.145 * (_down(name, narrow).count("\n") + 1) + 0.1 for name in names), default=0))


def _down(name: str, narrow: bool) -> str:
    return wrap(name, 17 if narrow else 26)


def _across(names: list[str], narrow: bool) -> tuple[list[str], bool, float]:
    """Names over the columns, whether they stand upright (columns thinner than a word), inches for them."""
    room = int((36 if narrow else 96) / max(len(names), 1))
    upright = any(len(word) > room for name in names for word in str(name).split())
    written = [wrap(name, 20 if upright else room) for name in names]
    if upright:
        return written, True, 0.078 * max(len(line) for name in written for line in name.split("\n")) + 0.15
    return written, False, 0.15 * max(name.count("\n") + 1 for name in written) + 0.1


def _heat_names(ax: Axes, across: list[str], down: list[str], narrow: bool) -> None:
    written, upright, _ = _across(across, narrow)
    ax.xaxis.tick_top()
    ax.set_xticks(
        np.arange(len(across)) + 0.5, written, rotation=90 if upright else 0, fontsize=8.5 if narrow else 8
    )
    ax.set_yticks(
        np.arange(len(down)) + 0.5, [_down(name, narrow) for name in down], rotation=0, fontsize=8.5
    )
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0, labelcolor=INK)
