"""Rows of a money picture: a name and a value each, and a legend whose names are not cut short.

On a desk the name stands at the left and the value beside its mark; on a phone both stand above the mark.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from detente.present.canvas import INK, WORD, flags, wrap, write
from detente.present.numbers import NBSP, undefined

SIDE = 28  # letters of a name at the left of a row, on a desk
VEIL = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.5}  # a name is read over a line


def rows(ax: Axes, frame: pd.DataFrame, texts: list[str], room: int, narrow: bool) -> np.ndarray:
    """Names of rows; on a phone with their values at the right. Returns where marks stand: inches from the top.

    frame : label; optional base (what the row rests on, a text), named (accent). room : letters of a name beside a
            value, on a phone.
    """
    heights = np.array(pitches(frame, room, narrow))
    ends, names = heights.cumsum(), _names(frame, room, narrow)
    ax.set_ylim(heights.sum(), 0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, pad=5)
    places = ends - 0.21 if narrow else ends - heights / 2
    ax.set_yticks(places, [""] * len(frame) if narrow else names)
    for top, name, text, look in zip(ends - heights, names, texts, _looks(frame), strict=True):
        if narrow:
            write(ax, 0, top, name, color=INK, linespacing=1.1, bbox=VEIL)
            write(ax, 1, top, text, bbox=VEIL, **look)
    return places


def pitches(frame: pd.DataFrame, room: int, narrow: bool) -> list[float]:
    """The height of each row in inches: one with a long name is taller."""
    lines = [name.count("\n") + 1 for name in _names(frame, room, narrow)]
    return [0.4 + 0.165 * n if narrow else max(0.42, 0.15 * n + 0.14) for n in lines]


def _names(frame: pd.DataFrame, room: int, narrow: bool) -> list[str]:
    bases = frame["base"] if "base" in frame else [""] * len(frame)
    return [_name(*row, room, narrow) for row in zip(frame["label"], bases, strict=True)]


def _name(label: object, base: object, room: int, narrow: bool) -> str:
    """A name with what it rests on, which is kept in one piece and never lost."""
    label = " ".join(str(label).split())
    base = "" if undefined(base) else str(base).replace(" ", NBSP)
    if not base:
        return wrap(label, room if narrow else SIDE)
    short = f"{label} ({base})"
    if narrow and len(short) <= room:
        return short
    return f"{wrap(label, room if narrow else SIDE)}\n{base}"


def _looks(frame: pd.DataFrame) -> list[dict]:
    strong = {"color": WORD, "fontweight": "bold"}
    return [strong if named else {"color": INK} for named in flags(frame, "named", False)]


def beside(
    ax: Axes, frame: pd.DataFrame, places: np.ndarray, texts: list[str], rights: np.ndarray, narrow: bool
) -> None:
    """On a desk the value of a row stands beside its mark."""
    for place, text, right, look in zip(places, texts, rights, _looks(frame), strict=True):
        if not narrow:
            ax.annotate(text, (right, place), (6, 0), textcoords="offset points", va="center", **look)


def key(ax: Axes, marks: list[Line2D | Patch], names: list[str], narrow: bool) -> None:
    """The legend above a picture, in as many columns as its longest name leaves room for."""
    ax.figure.legend(
        marks, [_keyed(name, narrow) for name in names], loc="outside upper left", ncols=_columns(names, narrow),
        frameon=False, handlelength=1.2, handleheight=1, columnspacing=1.4, handletextpad=0.5, borderpad=0.1,
        labelspacing=0.3, fontsize=8.5,
    )  # fmt: skip


def _keyed(name: object, narrow: bool) -> str:
    return wrap(name, 44 if narrow else 40, 2)


def _columns(names: list[str], narrow: bool) -> int:
    longest = max((len(line) for name in names for line in _keyed(name, narrow).split("\n")), default=1)
    return max(1, min(len(names), int((46 if narrow else 96) / (longest + 5))))


def key_height(names: list[str], narrow: bool) -> float:
    """Inches of the legend."""
    lines = [_keyed(name, narrow).count("\n") + 1 for name in names]
    deep = -(-len(lines) // _columns(names, narrow))
    return 0.12 + 0.18 * max((sum(lines[at : at + deep]) for at in range(0, len(lines), deep)), default=0)
