"""The league without luck: shares against how many they rest on, between limits that chance alone would reach."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from detente.present.canvas import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    RULE,
    WORD,
    flags,
    from_zero,
    scale,
    top_of,
    wrap,
)
from detente.present.wording import Words

LIMITS = ("outer_low", "limit_low", "limit_high", "outer_high")
SIZE = (3.7, 3.5)  # inches: the height on a desk, on a phone
AROUND = [  # where a name may stand beside its dot, in points, nearest first
    (away * x, away * y)
    for away in (7, 13, 20, 30, 42, 56)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.8), (0.8, -0.8), (-0.8, 0.8), (-0.8, -0.8))
]
MANY = (12, 6)  # dots on a desk, on a phone: of more, only those outside the limits are named
VEIL = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.5}  # a name is read over a line
NEAR = 14  # points; a name farther from its dot is joined with it by a line


def plot_funnel(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """A dot per group in the funnel of chance; what lies outside is not luck. Names where there is room.

    frame : label, share (0..1), trials (count, the x axis), limit_low, limit_high, outer_low, outer_high (control
            limits at that count), whole (the share of all, constant); optional named (accent), enough.
    """
    shown = frame.dropna(subset=["share", "trials"]).query("trials > 0")
    top = top_of([*shown["share"], *shown["limit_high"], shown["outer_high"].median(), *frame["whole"]], 0.05)
    scale(ax, 0, top_of(shown["trials"].tolist(), 4) * 1.09, words.count, False, 4 if narrow else 8)
    from_zero(ax, min(1.0, top * 1.08), words.percent)
    ax.set_xlabel(words.t("chart.trials"), fontsize=8.5)
    _limits(ax, frame, words)
    if not len(shown):
        ax.text(0.5, 0.5, words.t("chart.few"), transform=ax.transAxes, ha="center", color=MUTED)
        return ax
    named, enough = flags(shown, "named", False), flags(shown, "enough", True)
    edges = [ORANGE if strong else BLUE if fit else GREY for strong, fit in zip(named, enough, strict=True)]
    faces = [edge if fit else "white" for edge, fit in zip(edges, enough, strict=True)]
    sizes = [52 if strong else 34 for strong in named]
    ax.scatter(shown["trials"], shown["share"], s=sizes, facecolor=faces, edgecolor=edges, linewidth=1.2,
               zorder=4, clip_on=False)  # fmt: skip
    _names(ax, shown, words, narrow)
    return ax


def _limits(ax: Axes, frame: pd.DataFrame, words: Words) -> None:
    """Two bands around the common share. Limits at one single count are drawn as marks."""
    whole = float(frame["whole"].iloc[0])
    ax.axhline(whole, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1,
               label=words.t("chart.whole", share=whole))  # fmt: skip
    known = frame.dropna(subset=["trials", *LIMITS]).drop_duplicates("trials").sort_values("trials")
    trials, at = known["trials"].to_numpy(float), {name: known[name].to_numpy(float) for name in LIMITS}
    band = {"linewidth": 0, "zorder": 0}
    ax.fill_between(
        trials, at["limit_low"], at["limit_high"], color=PALE, label=words.t("chart.limit"), **band
    )
    look = {"facecolor": "#f1f3f5", "label": words.t("chart.outer"), **band}
    ax.fill_between(trials, at["limit_high"], at["outer_high"], **look)
    ax.fill_between(trials, at["outer_low"], at["limit_low"], **(look | {"label": "_"}))
    mark = {"marker": "_", "markersize": 16} if len(known) == 1 else {}
    for name in LIMITS:
        colour, wide = (MUTED, 1) if name.startswith("limit") else (GREY, 0.8)
        ax.plot(trials, at[name], color=colour, linewidth=wide, zorder=1, **mark)
    ax.grid(axis="y", color=RULE, linewidth=0.4)
    ax.figure.legend(loc="outside upper left", ncols=3 if ax.figure.get_figwidth() > 5 else 1, frameon=False,
                     handlelength=1.6, handleheight=0.9, columnspacing=1.6, handletextpad=0.5, borderpad=0.1,
                     labelspacing=0.2, fontsize=8.5)  # fmt: skip


def _names(ax: Axes, shown: pd.DataFrame, words: Words, narrow: bool) -> None:
    """Named dots always carry their name; others, outside the limits first, where it covers nothing."""
    ax.figure.draw_without_rendering()  # the layout is settled here: names added inside change nothing
    dots = ax.transData.transform(shown[["trials", "share"]].to_numpy(float))
    reach = 5 * ax.figure.dpi / 72
    taken = [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in dots]
    frame = shown.assign(
        at=range(len(shown)), strong=flags(shown, "named", False),
        outside=(shown["share"] < shown["limit_low"]) | (shown["share"] > shown["limit_high"]),
    ).sort_values(["strong", "outside", "trials", "label"], ascending=[False, False, False, True])  # fmt: skip
    room = MANY[narrow] >= len(frame)
    for row in frame.to_dict("records"):
        if not (room or row["strong"] or row["outside"]):
            continue
        name = wrap(row["label"], 18 if narrow else 26, 3 if row["strong"] else 2)
        text = f"{name}\n{words.percent(row['share'])}" if row["strong"] else name
        look = {"color": WORD if row["strong"] else INK, "fontweight": "bold" if row["strong"] else "normal"}
        note = ax.annotate(text, (row["trials"], row["share"]), (0, 0), textcoords="offset points", fontsize=8,
                           zorder=5, annotation_clip=False, bbox=VEIL, **look)  # fmt: skip
        others = [box for at, box in enumerate(taken) if at != row["at"]]
        box = _settle(ax, note, others, row["strong"])
        if box is None:
            note.remove()
        else:
            taken.append(box)


def _settle(ax: Axes, note: Annotation, taken: list[Bbox], must: bool) -> Bbox | None:
    """The nearest free place around the dot; without one, a name that must stand takes the least covered place."""
    area, best = ax.get_window_extent(), None
    for x, y in AROUND if must else AROUND[:16]:
        note.set_position((x, y))
        note.set(ha="left" if x > 0 else "right" if x < 0 else "center",
                 va="bottom" if y > 0 else "top" if y < 0 else "center")  # fmt: skip
        box = note.get_window_extent()
        inside = area.x0 <= box.x0 and box.x1 <= area.x1 and area.y0 <= box.y0 and box.y1 <= area.y1
        covered = sum(box.overlaps(other) for other in taken)
        if inside and not covered:
            return _join(note, x, y)
        if inside and (best is None or covered < best[0]):
            best = (covered, x, y, note.get_ha(), note.get_va())
    if not must or best is None:
        return note.get_window_extent() if must else None
    note.set_position(best[1:3])
    note.set(ha=best[3], va=best[4])
    return note.get_window_extent()


def _join(note: Annotation, x: float, y: float) -> Bbox:
    """A name that stands away from its dot is joined with it by a thin line."""
    box = note.get_window_extent()
    if max(abs(x), abs(y)) > NEAR:
        axes = note.axes
        axes.annotate("", note.xy, (x, y), textcoords="offset points", annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.7, "shrinkA": 0,
                                  "shrinkB": 3})  # fmt: skip
    return box
