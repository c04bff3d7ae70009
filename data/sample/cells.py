"""Facts as the text of cells: dates, money, words from a list. Whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import world


def stamp(
    work: Sequence[int] | np.ndarray, shown: np.ndarray | None = None, form: str = "%d.%m.%Y %H:%M:%S"
) -> pa.Array:
    """Seconds of work as the text of a date; empty where not shown."""
    hidden = None if shown is None else ~np.asarray(shown, dtype=bool)
    return pc.strftime(pa.array(world.calendar(work), mask=hidden).cast(pa.timestamp("s")), format=form)


def money(kopecks: np.ndarray, shown: np.ndarray | None = None) -> pa.Array:
    """520000050 -> «5 200 000,50» with no-break spaces."""
    shown = np.ones(len(kopecks), bool) if shown is None else np.asarray(shown)
    text = [
        f"{int(value) / 100:,.2f}".replace(",", "\u00a0").replace(".", ",") if seen else None
        for value, seen in zip(kopecks, shown, strict=True)
    ]
    return pa.array(text, pa.string())


def pick(values: Sequence[str | None], which: np.ndarray, shown: np.ndarray | None = None) -> pa.Array:
    """values[which] as text, empty where not shown."""
    hidden = None if shown is None else ~np.asarray(shown, dtype=bool)
    return pa.array(list(values), pa.string()).take(pa.array(np.asarray(which), pa.int64(), mask=hidden))


def where(condition: np.ndarray, yes: pa.Array, no: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(np.asarray(condition, dtype=bool)), yes, no)
