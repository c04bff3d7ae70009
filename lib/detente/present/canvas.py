"""What all pictures share: colours, settings, rows that carry a name and its n, axes that begin at 0."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from detente.present import numbers
from detente.present.numbers import FEW
from detente.present.wording import Words

BLUE, ORANGE, GREY, PALE = "#0072B2", "#D55E00", "#8c959f", "#dfe3e8"  # Okabe-Ito, and greys for marks
INK, MUTED, RULE, WORD = "#1b1f24", "#57606a", "#d0d7de", "#b34700"  # WORD: orange dark enough to be read
STYLE = {
    "axes.axisbelow": True, "axes.edgecolor": MUTED, "axes.labelcolor": MUTED, "axes.linewidth": 0.8,
    "axes.spines.right": False, "axes.spines.top": False, "axes.unicode_minus": True, "figure.dpi": 100,
    "figure.facecolor": "white", "font.family": "DejaVu Sans", "font.size": 9, "hatch.color": GREY,
    "hatch.linewidth": 0.6, "path.simplify": True, "svg.fonttype": "path", "svg.hashsalt": "detente",
    "text.color": INK, "text.parse_math": False, "xtick.color": MUTED, "xtick.labelsize": 8.5,
    "ytick.color": INK, "ytick.labelsize": 9,
}  # fmt: skip
WIDE, NARROW, THICK = 8.0, 4.2, 0.24  # inches: widths of a picture, height of a bar


@contextmanager
def style() -> Iterator[None]:
    """Our settings for drawing and saving, whatever a notebook set; no warning for an unknown letter."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def wrap(name: object, width: int, most: int = 4) -> str:
    """A name on several lines; only one of more than `most` lines loses its end."""
    lines = textwrap.wrap(str(name), width, break_long_words=True) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]
    return "\n".join(lines)


def label_of(name: object, narrow: bool, base: str = "n = 1 000") -> str:
    """A name with its n, which is kept in one piece."""
    name, base = " ".join(str(name).split()), base.replace(" ", numbers.NBSP)
    return wrap(f"{name} ({base})", 36) if narrow else f"{wrap(name, 28)}\n{base}"


def pitches(names: pd.Series, narrow: bool) -> list[float]:
    """The height of each row in inches: one with a long name is taller."""
    lines = [label_of(name, narrow).count("\n") + 1 for name in names]
    return [0.4 + 0.165 * n if narrow else max(0.46, 0.15 * n + 0.14) for n in lines]


def rows(ax: Axes, frame: pd.DataFrame, words: Words, narrow: bool, base: str = "known") -> np.ndarray:
    """Rows from top to bottom, each with its name and n. Returns where marks stand: inches from the top."""
    heights = np.array(pitches(frame["label"], narrow))
    ends = heights.cumsum()
    bases = [f"n = {words.count(n)}" for n in frame[base]]
    labels = [label_of(name, narrow, n) for name, n in zip(frame["label"], bases, strict=True)]
    inks = [INK if enough else MUTED for enough in flags(frame, "enough", True)]
    ax.set_ylim(heights.sum(), 0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, pad=5)
    places = ends - 0.21 if narrow else ends - heights / 2
    ax.set_yticks(places, [""] * len(frame) if narrow else labels)
    for tick, ink in zip(ax.get_yticklabels(), inks, strict=True):
        tick.set_color(ink)
    for top, label, ink in zip(ends - heights, labels if narrow else [], inks, strict=narrow):
        write(ax, 0, top, label, color=ink, linespacing=1.1)
    return places


def write(ax: Axes, side: int, top: float, text: str, **look: Any) -> None:
    """A line above a row: its name at the left (0), its value at the right (1)."""
    ax.annotate(text, (side, top), (0, -3), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                ha="right" if side else "left", va="top", fontsize=10, **look)  # fmt: skip


def flags(frame: pd.DataFrame, name: str, default: bool) -> list[bool]:
    return frame[name].astype(bool).tolist() if name in frame else [default] * len(frame)


def colours_of(frame: pd.DataFrame) -> list[str]:
    """Accent for what the finding names, grey for what is too small to be compared."""
    pairs = zip(flags(frame, "named", False), flags(frame, "enough", True), strict=True)
    return [ORANGE if named else BLUE if enough else GREY for named, enough in pairs]


def say(
    ax: Axes, frame: pd.DataFrame, places: np.ndarray, narrow: bool, texts: list[str], rights: list[float]
) -> None:
    """The value of each row: beside its mark, or on a phone at the end of the line with its name."""
    tops = np.array([0, *pitches(frame["label"], narrow)]).cumsum()
    rows = zip(places, tops[:-1], texts, rights, colours_of(frame), strict=True)
    for place, top, text, right, colour in rows:
        look = {"color": WORD if colour == ORANGE else MUTED if colour == GREY else INK}
        look |= {"fontweight": "bold"} if colour == ORANGE else {}
        if narrow:
            write(ax, 1, top, text, **look)
        else:
            ax.annotate(text, (right, place), (6, 0), textcoords="offset points", va="center", **look)


def scale(
    ax: Axes, low: float, high: float, say: Callable[[float], str], narrow: bool, most: int = 5
) -> None:
    """The axis under rows: few round values; on a phone the first begins where the bars do."""
    ax.set_xlim(low, high)
    ticks = [tick for tick in MaxNLocator(most).tick_values(low, high) if low - 1e-9 <= tick <= high + 1e-9]
    ax.set_xticks(ticks, [say(round(tick, 6)) for tick in ticks])
    if narrow and len(ticks) > 1:
        ax.get_xticklabels()[0].set_horizontalalignment("left" if ticks[0] == low else "center")
        ax.get_xticklabels()[-1].set_horizontalalignment("right" if ticks[-1] == high else "center")


def top_of(values: list[float], least: float) -> float:
    """The largest drawn value, so that the axis holds all of it."""
    return float(np.nanmax([*values, least]))


def percents(frame: pd.DataFrame, words: Words) -> list[str]:
    return [percent(share, n, words) for share, n in zip(frame["share"], frame["known"], strict=True)]


def percent(share: float, n: float, words: Words) -> str:
    return words.percent(share) if n >= FEW else words.t("chart.few")


def rights(frame: pd.DataFrame, *names: str) -> list[float]:
    """The right end of what each row draws."""
    return frame[list(names)].max(axis=1).fillna(0).tolist()


def from_zero(ax: Axes, top: float, say: Callable[[float], str], whole: bool = False) -> None:
    """An upright axis that begins at 0."""
    ax.set_ylim(0, top)
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelcolor=MUTED)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=whole))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: say(round(value, 6))))


def spread(places: list[float], heights: list[float], low: float = 0.0, high: float = 1.0) -> list[float]:
    """Centres of texts of these heights, as near to their places as they can stand without touching.

    places, heights, low, high : one unit, e.g. parts of the axes. What cannot fit begins at `low`.
    """
    order = sorted(range(len(places)), key=lambda at: (places[at], at))
    found, floor = dict.fromkeys(order, 0.0), low
    for at in order:
        found[at] = max(places[at], floor + heights[at] / 2)
        floor = found[at] + heights[at] / 2
    for at in reversed(order):
        found[at] = max(min(found[at], high - heights[at] / 2), low + heights[at] / 2)
        high = found[at] - heights[at] / 2
    return [found[at] for at in range(len(places))]
