"""Money in rows: down the ladder, ranges of models, before and after, who works for which segment.

As in `charts`: names at the left on a desk, above their rows on a phone; the accent for what the finding names.
Pictures of months and cohorts are in `charts_cohorts` and can be had from here too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from detente.present.canvas import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    RULE,
    THICK,
    colours_of,
    flags,
    scale,
)
from detente.present.charts_cohorts import (
    cohort_height,
    months,
    months_height,
    payback,
    payback_height,
    triangle,
)
from detente.present.charts_rows import beside, key, key_height, pitches, rows
from detente.present.numbers import undefined
from detente.present.wording import Words

__all__ = ["HEIGHTS", "ladder", "months", "payback", "profiles", "ranges", "triangle", "versus"]

FALL = "#aab2bb"  # a step of a ladder: it takes away or adds, and is not the subject
SPAN, NAMED = "#d5dae0", "#f3b98f"  # how far models lie apart; the same where the finding names the row
MARKS = ("o", "s", "D", "^", "v", "P", "X", "*")
INKS = (BLUE, "#00805d", "#8a4f9e", INK, "#8c6d1f", "#6b7580", "#0b5cad", "#7a3b00")
PARTS = (  # colour and hatch of a segment: neighbours differ in lightness too
    (BLUE, ""), ("#e69f00", ""), ("#00805d", ""), ("#f2c6dc", ""), ("#8a4f9e", ""), ("#8fd0f0", "\\\\\\\\"),
    ("#5b6470", ""), ("#f0e442", "\\\\\\\\"),
)  # fmt: skip
DARK = (BLUE, "#00805d", "#5b6470", "#8a4f9e")  # white is read on these
ROOM = {
    "ladder": 30,
    "ranges": 20,
    "versus": 26,
    "profiles": 42,
}  # letters of a name beside a value, on a phone


def ladder(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Money on its way down, top to bottom; a step hangs where the one before it ended.

    frame : label, value (the level of a total, the signed size of a step), total (bool); optional low, high (of a
            total), named. An unknown step (NaN) is a dash and moves nothing.
    """
    texts = [words.money(value) for value in frame["value"]]
    places = rows(ax, frame, texts, ROOM["ladder"], narrow)
    starts, ends = _levels(frame)
    colours = [
        ORANGE if named else BLUE if total else FALL
        for named, total in zip(flags(frame, "named", False), frame["total"], strict=True)
    ]
    ax.barh(places, ends - starts, left=starts, color=colours, height=THICK)
    for above, below, level in zip(places[:-1], places[1:], ends[:-1], strict=True):
        ax.plot([level, level], [above + THICK / 2, below - THICK / 2], color=MUTED, linewidth=0.8)
    reach = [*starts, *ends, 0.0]
    rights = np.maximum(starts, ends)
    if "low" in frame:
        ax.hlines(places, frame["low"], frame["high"], color=INK, linewidth=1.2)
        edges = np.r_[frame["low"], frame["high"]].astype(float)
        ax.scatter(edges, np.r_[places, places], marker="|", color=INK, s=36, linewidth=1.2)
        reach += edges[~np.isnan(edges)].tolist()
        rights = np.fmax(rights, frame["high"].to_numpy(float))
    beside(ax, frame, places, texts, np.maximum(rights, 0), narrow)
    _money_axis(ax, min(reach), max(reach), words, narrow)
    return ax


def _levels(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Where each bar begins and ends: a total from 0, a step from where the last one ended."""
    starts, ends, level = [], [], 0.0
    for value, total in zip(frame["value"].astype(float), frame["total"].astype(bool), strict=True):
        if np.isnan(value):
            starts.append(level)
        else:
            starts.append(0.0 if total else level)
            level = value if total else level + value
        ends.append(level)
    return np.array(starts), np.array(ends)


def ranges(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """How far models lie apart: a range per row with a mark per model, each model with its own shape and colour.

    frame : one row per label and mark: label, n, low, high (of the models), mark (the model), value; optional
            named, kind ("money", "percent" or "times", constant), line (a level, constant) with line_name, clip
            (bool: this value may lie beyond the picture; it is then written at the edge).
    """
    first = frame.drop_duplicates("label").reset_index(drop=True)
    first["base"] = [f"n = {words.count(n)}" for n in first["n"]]
    said = _writer(frame, words)
    texts = [_between(low, high, frame, words) for low, high in zip(first["low"], first["high"], strict=True)]
    places = rows(ax, first, texts, ROOM["ranges"], narrow)
    low, high = _reach(frame)
    spans = [np.clip(first[name].to_numpy(float), low, high) for name in ("low", "high")]
    colours = [NAMED if named else SPAN for named in flags(first, "named", False)]
    ax.hlines(places, *spans, color=colours, linewidth=9)
    kinds = list(dict.fromkeys(frame["mark"]))
    at = dict(zip(first["label"], places, strict=True))
    beyond: dict[tuple[str, bool], list[float]] = {}
    for order, mark in enumerate(kinds):
        found = frame[frame["mark"] == mark].dropna(subset=["value"])
        level = (order - (len(kinds) - 1) / 2) * min(0.05, 0.2 / len(kinds))
        _marks(ax, found, at, level, (low, high), _look(order), beyond)
    _edge(ax, at, beyond, (low, high), said)
    keys = [Line2D([], [], linestyle="", markersize=6, **_look(order)) for order in range(len(kinds))]
    if "line" in frame and not undefined(frame["line"].iloc[0]):
        ax.axvline(frame["line"].iloc[0], color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        keys.append(Line2D([], [], color=INK, linewidth=1, linestyle=(0, (4, 3))))
        kinds.append(frame["line_name"].iloc[0] if "line_name" in frame else words.t("chart.line"))
    beside(ax, first, places, texts, np.nan_to_num(spans[1], nan=low), narrow)
    ax.grid(axis="x", color=RULE, linewidth=0.6)
    scale(ax, low, high, said, narrow, 2 if narrow and _kind(frame) == "money" else 4)
    key(ax, keys, kinds, narrow)
    return ax


def _look(order: int) -> dict:
    """Shape and colour of a model."""
    return {"marker": MARKS[order % len(MARKS)], "color": INKS[order % len(INKS)]}


def _between(low: float, high: float, frame: pd.DataFrame, words: Words) -> str:
    """A range; where models agree to the last digit, one value."""
    return _writer(frame, words)(low) if low == high else getattr(words, f"{_kind(frame)}_range")((low, high))


def _kind(frame: pd.DataFrame) -> str:
    return str(frame["kind"].iloc[0]) if "kind" in frame else "money"


def _writer(frame: pd.DataFrame, words: Words) -> Callable[[float], str]:
    return getattr(words, _kind(frame))


def _reach(frame: pd.DataFrame) -> tuple[float, float]:
    """What the axis holds: all values but those that may lie beyond; 0 always."""
    loose = np.array(flags(frame, "clip", False))
    values = frame["value"].astype(float)
    held = values[~loose].dropna().tolist() or [3 * float(np.nanmedian([*values.abs(), 0.0]))]
    if "line" in frame:
        held += frame["line"].astype(float).dropna().head(1).tolist()
    if not loose.any():
        held += [*frame["low"].astype(float).dropna(), *frame["high"].astype(float).dropna()]
    low, high = min([0.0, *held]), max([0.0, *held])
    wide = (high - low) or 100.0
    left, right = (0.12 if loose[(values * side > 0)].any() else 0.04 for side in (-1, 1))
    return low - (left * wide if low < 0 or left > 0.1 else 0), high + right * wide


def _marks(
    ax: Axes, rows: pd.DataFrame, at: dict, level: float, ends: tuple, look: dict, beyond: dict
) -> None:
    """The marks of one model; those beyond the picture are kept for its edge."""
    values = rows["value"].to_numpy(float)
    inside = (values >= ends[0]) & (values <= ends[1])
    heights = np.array([at[label] for label in rows["label"]]) + level
    ax.scatter(values[inside], heights[inside], s=34, zorder=3, edgecolor="white", linewidth=0.6,
               marker=look["marker"], facecolor=look["color"])  # fmt: skip
    for label, value in zip(rows["label"][~inside], values[~inside], strict=True):
        beyond.setdefault((label, bool(value > ends[1])), []).append(float(value))
        order = len(beyond[label, bool(value > ends[1])]) - 1
        side = 1 if value > ends[1] else 0
        ax.annotate("▶" if side else "◀", (side, at[label]), (-9 * order if side else 9 * order, 0),
                    xycoords=ax.get_yaxis_transform(), textcoords="offset points", va="center",
                    ha="right" if side else "left", color=look["color"], fontsize=9)  # fmt: skip


def _edge(ax: Axes, at: dict, beyond: dict, ends: tuple, said: Callable[[float], str]) -> None:
    """The values beyond the picture, under their arrows."""
    for (label, right), values in beyond.items():
        ax.annotate("; ".join(said(value) for value in sorted(values)), (int(right), at[label]), (0, -8),
                    xycoords=ax.get_yaxis_transform(), textcoords="offset points", va="top", fontsize=7.5,
                    ha="right" if right else "left", color=MUTED)  # fmt: skip


def versus(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """What a measure became, against what it was: an index with 1 = before, on an axis of equal ratios.

    frame : label, measure, before, after, low, high (the interval of after / before; NaN: none); optional named,
            kind of before and after (constant, "money" if not stated). One that cannot be divided has no mark.
    """
    said = _writer(frame, words)
    frame = frame.assign(base=frame["measure"])
    before, after = (frame[name].astype(float).to_numpy() for name in ("before", "after"))
    index = np.divide(after, before, out=np.full(len(frame), np.nan), where=(before > 0) & (after > 0))
    texts = [f"{said(was)} → {said(now)}" for was, now in zip(frame["before"], frame["after"], strict=True)]
    places, colours = rows(ax, frame, texts, ROOM["versus"], narrow), colours_of(frame)
    lows, highs = (_log(frame[name]) for name in ("low", "high"))
    turned = _log(pd.Series(index))
    held = np.r_[turned, lows, highs]
    low, high = min([-0.5, *held[~np.isnan(held)]]), max([0.5, *held[~np.isnan(held)]])
    ax.axvline(0, color=MUTED, linewidth=0.9)
    ax.hlines(places, np.minimum(turned, 0), np.maximum(turned, 0), color=colours, linewidth=1.4)
    ax.hlines(places, lows, highs, color=colours, linewidth=6, alpha=0.3)
    ax.scatter(np.where(np.isnan(turned), np.nan, 0), places, s=32, zorder=3, linewidth=1.3, facecolor="white",
               edgecolor=colours)  # fmt: skip
    ax.scatter(turned, places, s=42, zorder=4, facecolor=colours, edgecolor="white", linewidth=0.8)
    if not narrow:
        times = ["" if np.isnan(ratio) else f" ({words.times(ratio)})" for ratio in index]
        texts = [text + more for text, more in zip(texts, times, strict=True)]
    beside(ax, frame, places, texts, np.fmax(np.fmax(turned, highs), 0), narrow)
    _ratio_axis(ax, low, high, words, narrow)
    marks = [Line2D([], [], marker="o", linestyle="", color=INK, markerfacecolor=face, markersize=6)
             for face in ("white", INK)]  # fmt: skip
    key(ax, marks, [words.t("chart.before"), words.t("chart.after")], narrow)
    return ax


def _log(values: pd.Series) -> np.ndarray:
    values = values.astype(float).to_numpy()
    return np.log2(values, out=np.full(len(values), np.nan), where=values > 0)


def _ratio_axis(ax: Axes, low: float, high: float, words: Words, narrow: bool) -> None:
    """Ticks at doublings and halvings; on a wide span at every second, fourth .. of them."""
    ax.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    most = 5 if narrow else 8
    span = int(np.floor(high) - np.ceil(low)) + 1
    step = -(-span // most)
    ticks = [tick for tick in range(int(np.ceil(low)), int(np.floor(high)) + 1) if tick % step == 0]
    ticks = ticks if len(ticks) > 1 else [low, 0, high]
    ax.set_xticks(ticks, [words.times(2.0**tick) for tick in ticks])
    ax.grid(axis="x", color=RULE, linewidth=0.6)


def profiles(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Who works for whom: each row is parted to 100 %, a part keeps its colour, hatch and order in all rows.

    frame : label, part (at most 8), share (0..1); optional base (text beside the name), unknown (bool: the part that
            is not known, pale). A row without any share says so. ValueError if there are more parts.
    """
    parts = list(dict.fromkeys(frame["part"]))
    looks = _part_looks(frame, parts)
    first = frame.drop_duplicates("label").reset_index(drop=True)
    places = rows(ax, first, [""] * len(first), ROOM["profiles"], narrow)
    left = np.zeros(len(first))
    for part in parts:
        sizes = frame[frame["part"] == part].set_index("label")["share"]
        width = first["label"].map(sizes).fillna(0).to_numpy(float)
        _part(ax, places, left, width, looks[part], words, narrow)
        left = left + width
    for place in places[left == 0]:
        ax.text(0.01, place, words.t("chart.few"), va="center_baseline", color=MUTED, fontsize=8.5)
    scale(ax, 0, 1, words.percent, narrow)
    key(ax, [Patch(**_face(looks[part])) for part in parts], parts, narrow)
    return ax


def _part(
    ax: Axes, places: np.ndarray, left: np.ndarray, width: np.ndarray, look: tuple, words: Words, narrow: bool
) -> None:
    """One part of all rows, its percent where there is room for it."""
    colour, hatch = look
    ax.barh(places, width, left=left, height=THICK, **_face(look))
    ink = {"color": "white" if colour in DARK else "black", "fontsize": 8.5}
    ink |= {"bbox": {"facecolor": colour, "edgecolor": "none", "pad": 1}} if hatch else {}
    for place, start, size in zip(places, left, width, strict=True):
        if size >= (0.13 if narrow else 0.07):
            ax.text(start + size / 2, place, words.percent(size), ha="center", va="center_baseline", **ink)


def _face(look: tuple[str, str]) -> dict:
    colour, hatch = look
    return {
        "facecolor": colour,
        "hatch": hatch or None,
        "edgecolor": GREY if hatch else "white",
        "linewidth": 0.5,
    }


def _part_looks(frame: pd.DataFrame, parts: list[str]) -> dict[str, tuple[str, str]]:
    unknown = set(frame.loc[np.array(flags(frame, "unknown", False)), "part"])
    known = [part for part in parts if part not in unknown]
    if len(known) > len(PARTS):
        raise ValueError(
            f"a picture holds {len(PARTS)} parts, not {len(known)}: fold the small ones before drawing"
        )
    looks = dict(zip(known, PARTS, strict=False))
    return looks | dict.fromkeys(unknown, (PALE, "////"))


def _money_axis(ax: Axes, low: float, high: float, words: Words, narrow: bool) -> None:
    """Money under rows, 0 with a line of its own where something lies below it."""
    wide = (high - low) or 100.0
    if low < 0:
        ax.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    scale(
        ax, low - (0.03 * wide if low < 0 else 0), high + 0.03 * wide, words.money, narrow, 2 if narrow else 4
    )


def _ladder_height(frame: pd.DataFrame, narrow: bool) -> float:
    return sum(pitches(frame, ROOM["ladder"], narrow)) + 0.4


def _ranges_height(frame: pd.DataFrame, narrow: bool) -> float:
    first = frame.drop_duplicates("label").assign(base="n = 1 000")
    keys = [*dict.fromkeys(frame["mark"])]
    keys += [frame["line_name"].iloc[0] if "line_name" in frame else "-"] if "line" in frame else []
    return sum(pitches(first, ROOM["ranges"], narrow)) + 0.4 + key_height(keys, narrow)


def _versus_height(frame: pd.DataFrame, narrow: bool) -> float:
    return sum(pitches(frame.assign(base=frame["measure"]), ROOM["versus"], narrow)) + 0.7


def _profiles_height(frame: pd.DataFrame, narrow: bool) -> float:
    first, parts = frame.drop_duplicates("label"), list(dict.fromkeys(frame["part"]))
    return sum(pitches(first, ROOM["profiles"], narrow)) + 0.4 + key_height(parts, narrow)


HEIGHTS: dict[Callable, Callable[[pd.DataFrame, bool], float]] = {
    ladder: _ladder_height, ranges: _ranges_height, versus: _versus_height, profiles: _profiles_height,
    triangle: cohort_height, payback: payback_height, months: months_height,
}  # fmt: skip
