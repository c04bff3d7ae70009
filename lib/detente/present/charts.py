"""Finished tables -> pictures. A chart draws what it is given: no grouping, no metric, no global state.

Each drawing function takes (frame, words, ax, narrow) and returns the axes; `values_of` tells the same numbers in
words for the alternative text. Muted first, one accent for what the finding names; uncertainty is always drawn.
Wide pictures carry names at the left; on a phone a name stands above its row, so that nothing is cut.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, MaxNLocator

from detente.present import numbers
from detente.present.wording import Words

BLUE, ORANGE, GREY, PALE = "#0072B2", "#D55E00", "#8c959f", "#dfe3e8"  # Okabe-Ito, and greys for marks
INK, MUTED, RULE, WORD = "#1b1f24", "#57606a", "#d0d7de", "#b34700"  # WORD: orange dark enough to be read
PARTS = {"target": BLUE, "non_target": ORANGE, "unknown": PALE}
FATE = {"kept": BLUE, "quarantined": ORANGE, "dropped": PALE}
HEAT = LinearSegmentedColormap.from_list("heat", ["#f6f8fa", "#f5c9a6", ORANGE])
Draw = Callable[[pd.DataFrame, Words, Axes, bool], Axes]
STYLE = {
    "axes.axisbelow": True, "axes.edgecolor": MUTED, "axes.labelcolor": MUTED, "axes.linewidth": 0.8,
    "axes.spines.right": False, "axes.spines.top": False, "axes.unicode_minus": True, "figure.dpi": 100,
    "figure.facecolor": "white", "font.family": "DejaVu Sans", "font.size": 9, "hatch.color": GREY,
    "hatch.linewidth": 0.6, "path.simplify": True, "svg.fonttype": "path", "svg.hashsalt": "detente",
    "text.color": INK, "text.parse_math": False, "xtick.color": MUTED, "xtick.labelsize": 8.5, "ytick.color": INK,
    "ytick.labelsize": 9,
}  # fmt: skip
WIDE, NARROW, THICK = 8.0, 4.2, 0.24  # inches: widths of a picture, height of a bar


@contextmanager
def style() -> Iterator[None]:
    """Our settings for drawing and saving, whatever a notebook set; a letter no font has is no reason to warn."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def draw(picture: Draw, frame: pd.DataFrame, words: Words, narrow: bool = False) -> Canvas:
    """One picture on a canvas of its own: wide for a desk and paper, narrow for a phone."""
    with style():
        size = (NARROW if narrow else WIDE, _height(picture, frame, narrow))
        canvas = Canvas(figsize=size, layout="constrained")
        canvas.get_layout_engine().set(w_pad=0.04, h_pad=0.05)
        picture(frame, words, canvas.add_subplot(), narrow)
    return canvas


def _height(picture: Draw, frame: pd.DataFrame, narrow: bool) -> float:
    if picture in (trend, weeks):
        return 2.9 if narrow else 3.1
    if picture is heat:
        names = frame["column" if narrow else "row"].unique()
        return _cell(names, narrow) * len(names) + (1.35 if narrow else 0.75)
    legend = 0.3 if picture in (stacked, waterfall) else 0
    return sum(_pitches(frame["label"], narrow)) + 0.4 + legend


# Rows with a name -----------------------------------------------------------------------------------------------------


def _wrap(name: object, width: int, most: int = 4) -> str:
    """A name on several lines; only one longer than `most` lines loses its end (the table has it whole)."""
    lines = textwrap.wrap(str(name), width, break_long_words=True) or [""]
    return "\n".join(lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][: width - 1] + "…"])


def _label(name: object, narrow: bool, base: str = "n = 1 000") -> str:
    """A name with its n, which is kept in one piece."""
    name, base = " ".join(str(name).split()), base.replace(" ", numbers.NBSP)
    return _wrap(f"{name} ({base})", 36) if narrow else f"{_wrap(name, 28)}\n{base}"


def _pitches(names: pd.Series, narrow: bool) -> list[float]:
    """The height of each row in inches: one with a long name is taller."""
    lines = [_label(name, narrow).count("\n") + 1 for name in names]
    return [0.4 + 0.165 * n if narrow else max(0.46, 0.15 * n + 0.14) for n in lines]


def _rows(ax: Axes, frame: pd.DataFrame, words: Words, narrow: bool, base: str = "known") -> np.ndarray:
    """Rows from top to bottom, each with its name and n. Returns where the marks stand, in inches from the top."""
    pitches = np.array(_pitches(frame["label"], narrow))
    ends = pitches.cumsum()
    labels = [
        _label(name, narrow, f"n = {words.count(n)}") for name, n in zip(frame["label"], frame[base], strict=True)
    ]
    inks = [INK if enough else MUTED for enough in _flags(frame, "enough", True)]
    ax.set_ylim(pitches.sum(), 0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, pad=5)
    places = ends - 0.21 if narrow else ends - pitches / 2
    ax.set_yticks(places, [""] * len(frame) if narrow else labels)
    for tick, ink in zip(ax.get_yticklabels(), inks, strict=True):
        tick.set_color(ink)
    for top, label, ink in zip(ends - pitches, labels if narrow else [], inks, strict=narrow):
        _write(ax, 0, top, label, color=ink, linespacing=1.1)
    return places


def _write(ax: Axes, side: int, top: float, text: str, **look: Any) -> None:
    """A line above a row: its name at the left (0), its value at the right (1)."""
    ax.annotate(text, (side, top), (0, -3), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                ha="right" if side else "left", va="top", fontsize=10, **look)  # fmt: skip


def _flags(frame: pd.DataFrame, name: str, default: bool) -> list[bool]:
    return frame[name].astype(bool).tolist() if name in frame else [default] * len(frame)


def _colours(frame: pd.DataFrame) -> list[str]:
    """Accent for what the finding names, grey for what is too small to be compared."""
    pairs = zip(_flags(frame, "named", False), _flags(frame, "enough", True), strict=True)
    return [ORANGE if named else BLUE if enough else GREY for named, enough in pairs]


def _say(ax: Axes, frame: pd.DataFrame, places: np.ndarray, narrow: bool, texts: list[str], rights: list[float]) -> None:
    """The value of each row: beside its mark, or on a phone at the end of the line with its name."""
    tops = np.array([0, *_pitches(frame["label"], narrow)]).cumsum()
    for place, top, text, right, colour in zip(places, tops[:-1], texts, rights, _colours(frame), strict=True):
        look = {"color": WORD if colour == ORANGE else MUTED if colour == GREY else INK}
        look |= {"fontweight": "bold"} if colour == ORANGE else {}
        if narrow:
            _write(ax, 1, top, text, **look)
        else:
            ax.annotate(text, (right, place), (6, 0), textcoords="offset points", va="center", fontsize=9, **look)


def _scale(ax: Axes, low: float, high: float, say: Callable[[float], str], narrow: bool, most: int = 5) -> None:
    """The axis under rows: few round values; on a phone the first begins where the bars do."""
    ax.set_xlim(low, high)
    ticks = [tick for tick in MaxNLocator(most).tick_values(low, high) if low - 1e-9 <= tick <= high + 1e-9]
    ax.set_xticks(ticks, [say(round(tick, 6)) for tick in ticks])
    if narrow and len(ticks) > 1:
        ax.get_xticklabels()[0].set_horizontalalignment("left" if ticks[0] == low else "center")
        ax.get_xticklabels()[-1].set_horizontalalignment("right" if ticks[-1] == high else "center")


def _top(values: list[float], least: float) -> float:
    """The largest drawn value, so that the axis holds all of it."""
    return float(np.nanmax([*values, least]))


def _rights(frame: pd.DataFrame, *names: str) -> list[float]:
    """The right end of what each row draws."""
    return frame[list(names)].max(axis=1).fillna(0).tolist()


# The charts -----------------------------------------------------------------------------------------------------------


def shares(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A pale bar from 0 to the share, a dot and its interval, one row per group.

    frame : label, share, low, high (0..1), known (count); optional named (accent), enough (grey if not),
            estimate with separable (a diamond: the size-adjusted share), whole (a dashed line over all groups).
    """
    places, colours = _rows(ax, frame, words, narrow), _colours(frame)
    ax.barh(places, frame["share"], color=colours, alpha=0.22, height=THICK)
    ax.hlines(places, frame["low"], frame["high"], color=colours, linewidth=2.4)
    ax.scatter(frame["share"], places, color=colours, s=34, zorder=3, edgecolor="white", linewidth=0.8)
    if "estimate" in frame and frame["separable"].all():
        ax.scatter(frame["estimate"], places, marker="D", s=15, facecolor="white", edgecolor=INK, linewidth=0.9, zorder=4)
    if "whole" in frame:
        ax.axvline(frame["whole"].iloc[0], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    _say(ax, frame, places, narrow, [words.percent(x) for x in frame["share"]], _rights(frame, "share", "high"))
    top = _top([*frame["high"], *frame["share"]], 0.05)
    _scale(ax, 0, min(top * 1.04, 1.0), words.percent, narrow)
    return ax


def interval(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """One dot with its interval per rule, and a thin line to the bounds. frame: as `shares`, bound_low, bound_high."""
    places, colours = _rows(ax, frame, words, narrow), _colours(frame)
    ax.hlines(places, frame["bound_low"], frame["bound_high"], color=MUTED, linewidth=1)
    ends = np.r_[frame["bound_low"], frame["bound_high"]]
    ax.scatter(ends, np.r_[places, places], marker="|", color=MUTED, s=60, linewidth=1)
    ax.hlines(places, frame["low"], frame["high"], color=colours, linewidth=5, alpha=0.45)
    ax.scatter(frame["share"], places, color=colours, s=42, zorder=3, edgecolor="white", linewidth=0.8)
    rights = _rights(frame, "share", "high", "bound_high")
    _say(ax, frame, places, narrow, [words.percent(x) for x in frame["share"]], rights)
    ax.grid(axis="x", color=RULE, linewidth=0.6)
    _scale(ax, 0, 1, words.percent, narrow)
    return ax


def stacked(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Parts of each group as 100 %: target, non-target, unknown. frame: label, leads and the three counts."""
    return _parts(frame, words, ax, narrow, PARTS, "leads")


def waterfall(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """What became of each file's rows. frame: label, read, kept, quarantined, dropped."""
    return _parts(frame, words, ax, narrow, FATE, "read")


def _parts(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool, parts: dict[str, str], whole: str) -> Axes:
    places = _rows(ax, frame, words, narrow, whole)
    left = np.zeros(len(frame))
    for name, colour in parts.items():
        width = (frame[name] / frame[whole].where(frame[whole] > 0)).fillna(0).to_numpy(float)
        ax.barh(
            places, width, left=left, color=colour, height=THICK, label=words.t(f"chart.{name}"),
            hatch="////" if colour == PALE else None, edgecolor="white" if colour != PALE else GREY, linewidth=0.5,
        )  # fmt: skip
        for place, start, size in zip(places, left, width, strict=True):
            if size >= (0.14 if narrow else 0.075):
                back = {"bbox": {"facecolor": PALE, "edgecolor": "none", "pad": 1}} if colour == PALE else {}
                ink = "white" if colour == BLUE else "black"
                ax.text(start + size / 2, place, words.percent(size), ha="center", va="center_baseline", fontsize=8.5,
                        color=ink, **back)  # fmt: skip
        left = left + width
    _scale(ax, 0, 1, words.percent, narrow)
    ax.figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9, handlelength=1, handleheight=1,
                     columnspacing=1.4, handletextpad=0.5, borderpad=0.1)  # fmt: skip
    return ax


def bars(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Bars of money with whiskers. frame: label, value, low, high, n; optional named, enough."""
    places, colours = _rows(ax, frame, words, narrow, "n"), _colours(frame)
    ax.barh(places, frame["value"], color=colours, alpha=0.85, height=THICK)
    ax.hlines(places, frame["low"], frame["high"], color=INK, linewidth=1.2)
    ends = np.r_[frame["low"], frame["high"]]
    ax.scatter(ends, np.r_[places, places], marker="|", color=INK, s=36, linewidth=1.2)
    rights = [max(right, 0) for right in _rights(frame, "value", "high")]
    _say(ax, frame, places, narrow, [words.money(x) for x in frame["value"]], rights)
    reach = [*frame["low"], *frame["high"], *frame["value"]]
    bottom = float(np.nanmin([*reach, 0]))
    if bottom < 0:
        ax.axvline(0, color=MUTED, linewidth=0.8)
    _scale(ax, bottom * 1.05, _top(reach, 1) * 1.03, words.money, narrow, 2 if narrow else 4)
    return ax


def trend(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A share by month with its band; unripe months grey and hatched. frame: index YYYY-MM, share, low, high, ripe, known."""
    places, ripe = np.arange(len(frame)), frame["ripe"].to_numpy(bool)
    done = int(np.flatnonzero(ripe)[-1]) + 1 if ripe.any() else 0
    for part, colour, look in ((slice(0, done), BLUE, "o-"), (slice(max(done - 1, 0), None), GREY, "o--")):
        if colour == GREY and done == len(frame):
            continue
        rows = frame.iloc[part]
        ax.fill_between(places[part], rows["low"].to_numpy(float), rows["high"].to_numpy(float), color=colour, alpha=0.16,
                        linewidth=0, hatch="////" if colour == GREY else None)  # fmt: skip
        ax.plot(places[part], rows["share"], look, color=colour, linewidth=2, markersize=4.5, zorder=2 if colour == GREY else 3)
    for at in {0, done - 1} if done else ():
        ax.annotate(words.percent(frame["share"].iloc[at]), (at, frame["share"].iloc[at]), (0, 7), ha="center",
                    textcoords="offset points", fontsize=9, fontweight="bold")  # fmt: skip
    if done < len(frame):
        ax.annotate(words.t("chart.unripe"), (len(frame) - 1, 0), (0, 5), textcoords="offset points", ha="right",
                    fontsize=8.5, color=MUTED)  # fmt: skip
    step = -(-len(frame) // (5 if narrow else 10))
    labels = [f"{numbers.month_short(name, words.language)}\nn = {words.count(n)}" for name, n in frame["known"].items()]
    ax.set_xticks(places[::step], labels[::step], fontsize=8)
    _from_zero(ax, words, min(1.0, _top([*frame["high"], *frame["share"]], 0.1) * 1.1))
    return ax


def _from_zero(ax: Axes, words: Words, top: float) -> None:
    ax.set_ylim(0, top)
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelcolor=MUTED)
    ax.yaxis.set_major_locator(MaxNLocator(5 if top > 0.3 else 4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.percent(round(value, 6))))


def weeks(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Leads per week. frame: week (Monday), leads, whole (the week lies in the period), gap (no lead at all)."""
    places = np.arange(len(frame))
    colours = np.where(frame["gap"], ORANGE, np.where(frame["whole"], BLUE, GREY))
    ax.bar(places, frame["leads"], color=colours, alpha=0.85, width=0.78)
    for place in np.flatnonzero(frame["gap"]):
        ax.axvspan(place - 0.5, place + 0.5, color=ORANGE, alpha=0.12, linewidth=0)
        ax.annotate(words.count(0), (place, 0), (0, 3), textcoords="offset points", ha="center", color=WORD, fontsize=9,
                    fontweight="bold")  # fmt: skip
    names = frame["week"].dt.strftime("%Y-%m").tolist()
    first = [place for place in places if place == 0 or names[place] != names[place - 1]]
    first = first[:: -(-len(first) // (5 if narrow else 12))]
    ax.set_xticks(first, [numbers.month_short(names[place], words.language) for place in first])
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.count(value)))
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelcolor=MUTED)
    return ax


def heat(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Share per cell with its base; thin cells grey. frame: row, column, share, fails, known, enough."""
    across, down = ("row", "column") if narrow else ("column", "row")
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
        n = known.iloc[y, x]
        note = f"{words.percent(value)}\n{words.count(fails.iloc[y, x])}/{words.count(n)}" if n else numbers.NONE
        ax.text(x + 0.5, y + 0.5, note, ha="center", va="center", fontsize=8, linespacing=1.25,
                color="black" if enough.iloc[y, x] else MUTED)  # fmt: skip
    _heat_names(ax, order[across], order[down], narrow)
    return ax


def _cell(names: Iterable[str], narrow: bool) -> float:
    """The height of a heat row in inches: its longest name must fit."""
    return max(0.5, max((0.145 * (_down(name, narrow).count("\n") + 1) + 0.1 for name in names), default=0))


def _down(name: str, narrow: bool) -> str:
    return _wrap(name, 17 if narrow else 26)


def _heat_names(ax: Axes, across: list, down: list, narrow: bool) -> None:
    """Names over the columns, upright where the columns are too thin for their words."""
    room = int((36 if narrow else 82) / max(len(across), 1))
    upright = any(len(word) > room for name in across for word in str(name).split())
    names = [_wrap(name, 20 if upright else room) for name in across]
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(len(across)) + 0.5, names, rotation=90 if upright else 0, fontsize=8.5, color=INK)
    ax.set_yticks(np.arange(len(down)) + 0.5, [_down(name, narrow) for name in down], rotation=0, fontsize=8.5)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)


# The same numbers in words --------------------------------------------------------------------------------------------


def values_of(picture: Draw, frame: pd.DataFrame, words: Words) -> list[str]:
    """Every drawn value in words, for the alternative text."""
    rows = frame.reset_index(names="_index").to_dict("records")
    return [_VALUES[picture.__name__](row, words) for row in rows]


def _share_value(row: dict, words: Words) -> str:
    between = words.percent_range((row["low"], row["high"]))
    return f"{row['label']}: {words.percent(row['share'])} ({between}, n = {words.count(row['known'])})"


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
    base = f"{words.count(row['fails'])}/{words.count(row['known'])}"
    return f"{row['row']}, {row['column']}: {words.percent(row['share'])} ({base})"


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
