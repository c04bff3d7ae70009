"""The shapes of a text column: how its cells look when every digit becomes 0.

A column of a million dates has a handful of shapes («00.00.0000 00:00»). Counting them is one query;
deciding what they mean is a few lines of Python over the handful; converting the cells is one CASE over the
shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detente import engine

if TYPE_CHECKING:
    import ibis

MOST = 2000  # more different shapes than this is no column of dates or money


@dataclass(frozen=True)
class Shape:
    """One shape, the number of cells that have it, and the first row where it stands."""

    text: str
    cells: int
    row: int


def shape(text: ibis.expr.types.StringValue) -> ibis.expr.types.StringValue:
    """The cell with every digit written as 0."""
    return text.translate("123456789", "000000000")


def count(table: ibis.Table, column: str) -> tuple[Shape, ...]:
    """The shapes of one column, the most frequent first. `table` needs a column `row`."""
    picked = table.filter(table[column].notnull()).select("row", shape=shape(table[column]))
    grouped = picked.group_by("shape").aggregate(cells=picked.count(), row=picked.row.min())
    ordered = grouped.order_by(grouped.cells.desc(), grouped["shape"]).limit(MOST)
    found = engine.frame(ordered)
    return tuple(
        Shape(text, int(cells), int(row))
        for text, cells, row in zip(found["shape"], found["cells"], found["row"], strict=True)
    )


def together(counts: Sequence[tuple[Shape, ...]]) -> tuple[Shape, ...]:
    """The shapes of several files as those of one column."""
    merged: dict[str, Shape] = {}
    for item in (shape for counted in counts for shape in counted):
        known = merged.get(item.text)
        merged[item.text] = Shape(item.text, item.cells + known.cells, known.row) if known else item
    return tuple(merged.values())


def tolerated(cells: int) -> int:
    """How many cells of a column may be unreadable: 0.5 %, or a single one in a small file."""
    return max(cells // 200, 1 if cells >= 3 else 0)
