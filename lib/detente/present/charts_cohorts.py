"""Money over time: cohorts as a triangle, margin per client against its price, months of revenue and costs.

Money on an axis or in a cell is written in thousands or millions where it would not fit; the unit stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from detente.present import numbers
from detente.present.canvas import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    RULE,
    flags,
    spread,
    wrap,
)
from detente.present.charts_time import COLOURS, DASHES
from detente.present.wording import Words

RISE = LinearSegmentedColormap.from_list(
    "rise", ["#f6f8fa", "#9ecae8", "#4a9fd0"]
)  # black is read on all of it
SINK = LinearSegmentedColormap.from_list("sink", ["#f6f8fa", "#f5c9a6", "#e5874a"])  # below zero
BARE = "#eef0f3"  # a cell that rests on too few
SHOWN = 24  # ages on a desk
SOME = (0, 1, 2, 3, 6, 9, 12, 18, 24, 36)  # months shown where not all can be
LINE = 0.155  # inches of a line of small text
UNITS = ((1, "one"), (1_000, "thousand"), (1_000_000, "million"), (1_000_000_000, "billion"))
CELLS = (
    (1, "one", 0),
    (1_000, "thousand", 1),
    (1_000, "thousand", 0),
    (1_000_000, "million", 1),
    (1_000_000, "million", 0),
)
LEVELS = {"cac": (0, (5, 3)), "cac_full": (0, (1, 2))}
MOST = 4  # groups of a payback picture


def triangle(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """What a client of each cohort brought by each age. A phone shows a few ages, a desk up to 24.

    frame : row (cohort), n (its clients), column (age in months), value (money per client, or a share), kind ("money"
            or "percent", constant), enough (grey if not), ripe (hatched if not: the month is not over). Cells that are
            not in the frame lie in the future and stay empty. Optional axis: what the ages count, in words.
    """
    rows, ages = list(dict.fromkeys(frame["row"])), _ages(frame, narrow)
    shown = frame[frame["column"].isin(ages)]
    top = float(np.nanmax(np.abs(shown["value"].astype(float)), initial=0)) or 1.0
    room = (2.9 if narrow else 6.3) / max(len(ages), 4)  # inches of a cell
    size = 8.0 if room > 0.5 else 7.0
    write, unit = _cell_words(shown, words, int(room * 72 / (0.636 * size)))
    for cell in shown.to_dict("records"):
        _cell(ax, ages.index(cell["column"]), rows.index(cell["row"]), cell, top, write(cell["value"]), size)
    ax.set(xlim=(0, len(ages)), ylim=(len(rows), 0))
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xticks(np.arange(len(ages)) + 0.5, [words.count(age) for age in ages], fontsize=8)
    bases = frame.drop_duplicates("row")["n"]
    names = [_cohort(row, n, words) for row, n in zip(rows, bases, strict=True)]
    ax.set_yticks(np.arange(len(rows)) + 0.5, names, fontsize=8.5 if not narrow else 8)
    ax.tick_params(length=0)
    age = str(frame["axis"].iloc[0]) if "axis" in frame else words.t("chart.age")
    label = f"{age} · {unit}" if unit else age
    ax.set_xlabel(label, fontsize=8.5, loc="right" if narrow else "center")
    _triangle_key(ax, shown, words)
    return ax


def _ages(frame: pd.DataFrame, narrow: bool) -> list[int]:
    """The ages that are shown: all that fit, else some and the last."""
    ages = sorted(int(age) for age in frame["column"].unique())
    most = 6 if narrow else SHOWN
    if len(ages) <= most:
        return ages
    some = [age for age in SOME if age in ages[:-1]]
    while len(some) > most - 1:
        some.pop(1 if len(some) % 2 else -2)
    return [*some, ages[-1]] if narrow else [*ages[: SHOWN - 1], ages[-1]]


def _cell_words(shown: pd.DataFrame, words: Words, letters: int) -> tuple[Callable[[float], str], str]:
    """How a cell is written so that it fits, and the unit of money in words."""
    if shown["kind"].iloc[0] == "percent":
        return lambda share: words.percent(share).replace(numbers.NBSP, ""), ""
    values = shown["value"].astype(float).dropna().tolist()
    size, name, digits = next(
        (unit for unit in CELLS if all(len(_short(value, unit, words)) <= letters for value in values)),
        CELLS[-1],
    )
    symbol = numbers.SYMBOLS.get(words.currency, words.currency)
    return lambda value: _short(value, (size, name, digits), words), words.t(
        f"chart.unit_{name}", symbol=symbol
    )


def _short(value: float, unit: tuple[int, str, int], words: Words) -> str:
    return (
        numbers.NONE
        if numbers.undefined(value)
        else numbers.number(float(value) / unit[0], words.language, unit[2])
    )


def _cell(ax: Axes, x: int, y: int, cell: dict, top: float, text: str, size: float) -> None:
    value = cell["value"]
    known = not numbers.undefined(value)
    paint = (
        (RISE if value >= 0 else SINK)(min(abs(float(value)) / top, 1)) if known and cell["enough"] else BARE
    )
    look = {"facecolor": paint, "edgecolor": "white", "linewidth": 1.2}
    ax.add_patch(Rectangle((x, y), 1, 1, **look))
    if not cell["ripe"]:
        ax.add_patch(
            Rectangle((x, y), 1, 1, fill=False, hatch="////", edgecolor=GREY, linewidth=0, alpha=0.6)
        )
    veil = {"bbox": {"facecolor": paint, "edgecolor": "none", "pad": 0.8}} if not cell["ripe"] else {}
    ax.text(x + 0.5, y + 0.5, text, ha="center", va="center_baseline", fontsize=size,
            color=INK if cell["enough"] else MUTED, **veil)  # fmt: skip


def _cohort(row: object, n: float, words: Words) -> str:
    """A cohort with its clients; a month is written short."""
    return f"{month_or_name(row, words)}  n = {words.count(n)}".replace(" ", numbers.NBSP)


def month_or_name(name: object, words: Words) -> str:
    text = str(name)
    return (
        numbers.month_short(text, words.language) if re.fullmatch(r"\d{4}-\d{2}", text) else wrap(text, 18, 2)
    )


def _triangle_key(ax: Axes, shown: pd.DataFrame, words: Words) -> None:
    """What grey and hatched cells are, where there are any."""
    marks, texts = [], []
    if not all(flags(shown, "enough", True)):
        marks.append(Patch(facecolor=BARE, edgecolor=GREY, linewidth=0.5))
        texts.append(words.t("chart.few"))
    if not all(flags(shown, "ripe", True)):
        marks.append(Patch(facecolor="white", hatch="////", edgecolor=GREY, linewidth=0.5))
        texts.append(words.t("chart.not_over"))
    if marks:
        ax.figure.legend(marks, texts, loc="outside lower left", ncols=2, frameon=False, handlelength=1.2,
                         handleheight=1, fontsize=8.5, borderpad=0.1)  # fmt: skip


def cohort_height(frame: pd.DataFrame, narrow: bool) -> float:
    """Inches of a triangle: a line per cohort, and what stands above and below."""
    return 0.95 + 0.28 * max(frame["row"].nunique(), 1)


@dataclass(frozen=True)
class _Group:
    """One line of a payback picture."""

    name: str
    rows: pd.DataFrame
    colour: str
    dashes: object


def payback(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Cumulative margin per client by age against the price of a client; a mark where the one reaches the other.

    frame : group (1 to 4), age (months), value, low, high (money per client), n (clients), cac (constant in a group);
            optional cac_full, named. ValueError if there are more groups.
    """
    groups = _groups(frame)
    levels = [name for name in ("cac", "cac_full") if name in frame and frame[name].notna().any()]
    shared = (frame.drop_duplicates("group")[levels].nunique(dropna=False) <= 1).all()
    reached = False
    for group in groups:
        ages, look = group.rows["age"].to_numpy(float), {"color": group.colour}
        low, high, value = (group.rows[name].to_numpy(float) for name in ("low", "high", "value"))
        ax.fill_between(ages, low, high, alpha=0.14, linewidth=0, **look)
        mark = {"marker": "o", "markersize": 4} if len(ages) <= SHOWN else {}
        ax.plot(ages, value, linestyle=group.dashes, linewidth=2, **look, **mark)
        drawn = levels if shared or len(groups) <= 2 else levels[:1]  # eight levels cannot be told apart
        reached |= _levels(ax, group, drawn, INK if shared else group.colour)
    _money_axis(ax, frame, words, narrow)
    last = frame["age"].max()
    ax.set_xlim(-0.3, (float(last) if not numbers.undefined(last) else 1.0) + 0.3)
    ax.xaxis.set_major_locator(MaxNLocator(6 if narrow else 12, integer=True, min_n_ticks=1))
    ax.set_xlabel(words.t("chart.age"), fontsize=8.5)
    _names(ax, groups, _level_keys(levels, reached, words), words, narrow)
    return ax


def _groups(frame: pd.DataFrame) -> list[_Group]:
    order = list(dict.fromkeys(frame["group"]))
    if len(order) > MOST:
        raise ValueError(f"a payback picture holds {MOST} groups, not {len(order)}: pick some before drawing")
    found, looks = [], iter(zip(COLOURS, DASHES, strict=True))
    for name in order:
        rows = frame[frame["group"] == name].sort_values("age")
        colour, dashes = next(looks)
        colour = ORANGE if flags(rows, "named", False)[0] else colour
        found.append(_Group(str(name), rows, colour, dashes))
    return found


def _levels(ax: Axes, group: _Group, names: list[str], ink: str) -> bool:
    """The price of a client as a level, and the first age at which margin has paid it back, if it has."""
    reached = False
    for name in names:
        level = float(group.rows[name].iloc[0])
        if np.isnan(level):
            continue
        ax.axhline(level, color=ink, linewidth=1.2, linestyle=LEVELS[name], zorder=1)
        paid = group.rows[group.rows["value"].astype(float) >= level].head(1)
        ax.scatter(paid["age"], paid["value"].astype(float), marker="D", s=48, zorder=4, facecolor="white",
                   edgecolor=group.colour, linewidth=1.5)  # fmt: skip
        reached |= bool(len(paid))
    return reached


def _level_keys(levels: list[str], reached: bool, words: Words) -> dict[str, Line2D]:
    """What the levels and the marks on them mean."""
    keys = {
        words.t(f"chart.{name}"): Line2D([], [], color=INK, linewidth=1.2, linestyle=LEVELS[name])
        for name in levels
    }
    mark = {"linestyle": "", "marker": "D", "markerfacecolor": "white", "color": INK, "markersize": 6}
    return keys | ({words.t("chart.paid_back"): Line2D([], [], **mark)} if reached else {})


def _money_axis(ax: Axes, frame: pd.DataFrame, words: Words, narrow: bool) -> None:
    names = [name for name in ("value", "low", "high", "cac", "cac_full") if name in frame]
    values = frame[names].astype(float).to_numpy().ravel()
    money_upright(ax, values[~np.isnan(values)].tolist(), words, narrow)


def money_upright(ax: Axes, values: list[float], words: Words, narrow: bool) -> None:
    """An upright axis of money that holds 0 and all values, in a unit that keeps its numbers short."""
    low, high = min([0.0, *values]), max([0.0, *values])
    wide = (high - low) or 1.0
    ax.set_ylim(low - (0.06 * wide if low < 0 else 0), high + 0.08 * wide)
    size, name = next(unit for unit in reversed(UNITS) if max(high, -low) >= 2 * unit[0] or unit[0] == 1)
    ax.grid(axis="y", color=RULE, linewidth=0.6)
    ax.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_visible(low >= 0)
    ax.tick_params(axis="y", length=0, labelcolor=MUTED)
    ax.yaxis.set_major_locator(MaxNLocator(4 if narrow else 5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: numbers.number(x / size, words.language, 2)))
    symbol = numbers.SYMBOLS.get(words.currency, words.currency)
    ax.annotate(words.t(f"chart.unit_{name}", symbol=symbol), (0, 1), (0, 3), xycoords="axes fraction",
                textcoords="offset points", ha="left", va="bottom", fontsize=8.5, color=MUTED)  # fmt: skip


def _ending(group: _Group, words: Words, narrow: bool) -> str:
    """The name of a line, what a client brought by the last age, and what a client cost."""
    rows = group.rows.dropna(subset=["value"])
    room = 40 if narrow else 24
    if not len(rows):
        return f"{wrap(group.name, room, 2)}\n{words.t('chart.few')}"
    last = rows.iloc[-1]
    told = [wrap(group.name, room, 2), f"{words.money(last['value'])} (n = {words.count(last['n'])})"]
    for name in ("cac", "cac_full"):
        if name in rows and not numbers.undefined(last[name]):
            told.append(f"{words.t(f'chart.{name}')} {words.money(last[name])}")
    return "\n".join([told[0], "; ".join(told[1:])] if narrow and len(told) < 4 else
                     [told[0], told[1], "; ".join(told[2:])] if narrow else told)  # fmt: skip


def _names(ax: Axes, groups: list[_Group], keys: dict[str, Line2D], words: Words, narrow: bool) -> None:
    """Names of lines at their right ends, on a phone above the picture."""
    marks = [Line2D([], [], color=g.colour, linestyle=g.dashes, linewidth=2) for g in groups]
    texts = [_ending(group, words, narrow) for group in groups]
    known = ([*marks, *keys.values()], [*texts, *keys]) if narrow else (list(keys.values()), list(keys))
    if known[0]:
        ax.figure.legend(*known, loc="outside upper left", ncols=1 if narrow else 3, frameon=False, fontsize=8.5,
                         handlelength=2.4, handletextpad=0.6, borderpad=0.1, labelspacing=0.4)  # fmt: skip
    if narrow:
        return
    (low, high), tall = ax.get_ylim(), ax.figure.get_figheight() - 1.15
    last = [group.rows.dropna(subset=["value"]).tail(1) for group in groups]
    ends = [(float(rows["value"].iloc[0]) - low) / (high - low) if len(rows) else 0.0 for rows in last]
    heights = [LINE * (text.count("\n") + 1.5) / tall for text in texts]
    for group, rows, place, text in zip(groups, last, spread(ends, heights), texts, strict=True):
        arrow = {"arrowprops": {"arrowstyle": "-", "color": group.colour, "linewidth": 1, "shrinkA": 1, "shrinkB": 2,
                                "relpos": (0, 0.5)}} if len(rows) else {}  # fmt: skip
        at = (float(rows["age"].iloc[0]), float(rows["value"].iloc[0])) if len(rows) else (0.0, 0.0)
        ax.annotate(text, at, (1.035, place), textcoords="axes fraction", va="center", fontsize=8.5, color=INK,
                    annotation_clip=False, **arrow)  # fmt: skip


def payback_height(frame: pd.DataFrame, narrow: bool) -> float:
    groups = frame["group"].nunique()
    lines = 2 + ("cac" in frame) + ("cac_full" in frame) + 0.6
    names = sum(-(-len(str(name)) // (40 if narrow else 24)) - 1 for name in frame["group"].unique())
    if narrow:
        return 3.1 + (3.2 * groups + names + 2) * 0.17
    return max(3.6, (lines * groups + names) * LINE + 1.3)


def months(frame: pd.DataFrame, words: Words, ax: Axes, narrow: bool) -> Axes:
    """Revenue and costs of each month side by side, what is left of them as a line that may fall below zero.

    frame : label (YYYY-MM), revenue, costs, result (money; costs positive), ripe (bool: pale and dashed if not).
    """
    places, ripe = np.arange(len(frame)), np.array(flags(frame, "ripe", True))
    for name, shift, colour, hatch in (("revenue", -0.2, BLUE, ""), ("costs", 0.2, GREY, "////")):
        edge = {"edgecolor": "white", "hatch": hatch} if hatch else {}
        bars = ax.bar(
            places + shift, frame[name].astype(float), width=0.38, color=colour, linewidth=0, **edge
        )
        for bar, done in zip(bars, ripe, strict=True):
            bar.set_alpha(0.85 if done else 0.35)
    result = frame["result"].astype(float).to_numpy()
    done = int(np.flatnonzero(ripe)[-1]) + 1 if ripe.any() else 0
    look = {"color": INK, "linewidth": 1.8, "zorder": 3}
    ax.plot(places[:done], result[:done], "-", **look)
    ax.plot(places[max(done - 1, 0) :], result[max(done - 1, 0) :], "--", **(look | {"linewidth": 1.3}))
    paints = [ORANGE if value < 0 else "white" for value in result]
    ax.scatter(places, result, s=30, facecolor=paints, edgecolor=INK, linewidth=1.3, zorder=4)
    values = frame[["revenue", "costs", "result"]].astype(float).to_numpy().ravel()
    money_upright(ax, values[~np.isnan(values)].tolist(), words, narrow)
    step = -(-len(frame) // (5 if narrow else 12))
    labels = [month_or_name(name, words) for name in frame["label"]]
    ax.set_xticks(places[::step], labels[::step], fontsize=8)
    ax.set_xlim(-0.7, len(frame) - 0.3)
    _month_key(ax, bool(ripe.all()), bool((result < 0).any()), words, narrow)
    return ax


def _month_key(ax: Axes, ripe: bool, loss: bool, words: Words, narrow: bool) -> None:
    marks = [
        Patch(facecolor=BLUE), Patch(facecolor=GREY, hatch="////", edgecolor="white", linewidth=0),
        Line2D([], [], color=INK, marker="o", markerfacecolor="white", markersize=5, linewidth=1.8),
    ]  # fmt: skip
    texts = [words.t(f"chart.{name}") for name in ("revenue", "costs", "result")]
    if loss:
        marks.append(
            Line2D([], [], linestyle="", marker="o", color=INK, markerfacecolor=ORANGE, markersize=5)
        )
        texts.append(words.t("chart.loss"))
    if not ripe:
        marks.append(Line2D([], [], color=INK, linestyle="--", linewidth=1.3))
        texts.append(words.t("chart.month_open"))
    ax.figure.legend(marks, texts, loc="outside upper left", ncols=2 if narrow else 5, frameon=False, fontsize=8.5,
                     handlelength=1.4, handleheight=1, columnspacing=1.4, borderpad=0.1, labelspacing=0.3)  # fmt: skip


def months_height(frame: pd.DataFrame, narrow: bool) -> float:
    return 3.5 if narrow else 3.6
