"""Facts as the text of cells: dates, money, phones, words from a list. Whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
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
    """520000050 -> «5 200 000,50» with no-break spaces; empty where not shown."""
    kopecks = np.asarray(kopecks, dtype="int64")
    size = np.abs(kopecks)
    roubles, thousands = size // 100, size // 100_000
    units, middle, top = digits(roubles % 1_000, 3), digits(thousands % 1_000, 3), digits(thousands // 1_000)
    text = where(
        thousands >= 1_000,
        join(top, middle, units, "\u00a0"),
        where(thousands > 0, join(digits(thousands), units, "\u00a0"), digits(roubles)),
    )
    text = join(text, digits(size % 100, 2), ",")
    text = where(kopecks < 0, join(pa.scalar("-"), text, ""), text)
    return text if shown is None else where(shown, text, pa.scalar(None, pa.string()))


def digits(numbers: np.ndarray, width: int = 1) -> pa.Array:
    """Whole numbers as text, with zeros before them up to a width."""
    return pc.utf8_lpad(pa.array(np.asarray(numbers)).cast(pa.string()), width, "0")


def join(*parts) -> pa.Array:
    """Texts put together; the last argument stands between them."""
    return pc.binary_join_element_wise(*parts)


def phones(leads: pd.DataFrame) -> pa.Array:
    """A number of the code 907, which no operator holds, written in four ways; broken ones cut short."""
    person = leads["person"].to_numpy()
    number = digits((person * 7_919 + 1_234_567) % 10_000_000, 7)
    a, b, c = (pc.utf8_slice_codeunits(number, *place) for place in ((0, 3), (3, 5), (5, 7)))
    form = person % 4
    text = where(form == 3, join("8-907", a, b, c, "-"), join("7907", number, ""))
    text = where(form == 1, join("8 (907) ", join(a, b, c, "-"), ""), text)
    text = where(form == 0, join("+7 907 ", join(a, b, c, "-"), ""), text)
    short = join("+7 907 ", pc.utf8_slice_codeunits(number, 0, 2), "_-__-__", "")
    broken = where(person % 3 != 0, short, pa.scalar("000000"))
    text = where(leads["fails_phone"], broken, text)
    return where(leads["blank_phone"], pa.scalar(None, pa.string()), text)


def pick(values: Sequence[str | None], which: np.ndarray, shown: np.ndarray | None = None) -> pa.Array:
    """values[which] as text, empty where not shown."""
    hidden = None if shown is None else ~np.asarray(shown, dtype=bool)
    return pa.array(list(values), pa.string()).take(pa.array(np.asarray(which), pa.int64(), mask=hidden))


def where(condition: np.ndarray, yes: pa.Array, no: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(np.asarray(condition, dtype=bool)), yes, no)
