"""Text that was decoded with the wrong table and saved again: «РЎРґРµР»РєР°» and «Ñäåëêà» for «Сделка».

It is undone only where that makes headings known that were not: a lucky guess would be worse than a refusal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from detente.intake.layout import ENOUGH, SEARCHED, Grid, Row, Score
from detente.schema import DataError, Loss

# (what the text was taken for, what it was)
TRIPS = (
    ("cp1251", "utf-8"),
    ("cp1252", "utf-8"),
    ("latin-1", "utf-8"),
    ("cp1252", "cp1251"),
    ("latin-1", "cp1251"),
    ("cp1251", "mac-cyrillic"),
    ("cp866", "mac-cyrillic"),
    ("koi8-r", "mac-cyrillic"),
)


def repaired(grid: Grid, table: str, file: str, score: Score) -> Grid:
    """The grid as it was meant, with a remark; the same grid where its headings are known already.

    Raises DataError for headings of question marks: those letters are gone; and for a Mac's encoding.
    """
    rows = iter(grid.rows)
    top = list(itertools.islice(rows, SEARCHED))
    grid = replace(grid, rows=itertools.chain(top, rows))
    known = max((score(cells) for _, cells in top), default=0)
    if known >= ENOUGH or not any(_foreign(cell) for _, cells in top for cell in cells):
        _refuse_lost(top, known, file)
        return grid
    scored = [
        (max(score([undone(cell, trip) for cell in cells]) for _, cells in top), -place)
        for place, trip in enumerate(TRIPS)
    ]
    best, place = max(scored)
    if best <= known or best < min(ENOUGH, 1 + known):
        return grid
    trip = TRIPS[-place]
    if trip[1] == "mac-cyrillic":  # some of its letters are already lost: it must be read anew
        raise DataError(
            "the file is in the encoding of old Macs.",
            file=file, fix=f"Write in audit.yml: sources.{table}.encoding: mac-cyrillic",
        )  # fmt: skip
    remark = Loss(table, file, "fixed", "mojibake", 0)
    return replace(grid, rows=_through(grid.rows, trip), remarks=(*grid.remarks, remark))


def _refuse_lost(top: list[Row], known: int, file: str) -> None:
    for number, cells in top:
        filled = [cell for cell in cells if cell]
        lost = sum(1 for cell in filled if "??" in cell and not cell.strip("? .,/()№-"))
        if known < ENOUGH and len(filled) > 1 and lost * 2 >= len(filled):
            raise DataError(
                "letters were lost: the headings are only question marks.",
                file=file, row=number, fix="Export it again in UTF-8.",
            )  # fmt: skip


def _foreign(cell: str) -> bool:
    return not cell.isascii()


def _through(rows, trip: tuple[str, str]) -> Iterator[Row]:
    for number, cells in rows:
        yield number, [undone(cell, trip) for cell in cells]


def undone(cell: str, trip: tuple[str, str]) -> str:
    """A cell decoded as it should have been; unchanged where that is impossible."""
    if cell.isascii():
        return cell
    try:
        return _encoded(cell, trip[0]).decode(trip[1])
    except UnicodeError:
        return cell


def _encoded(cell: str, encoding: str) -> bytes:
    """The bytes behind wrongly decoded text; undefined bytes were passed on as control characters."""
    try:
        return cell.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(
            bytes([ord(letter)]) if "\x80" <= letter <= "\x9f" else letter.encode(encoding) for letter in cell
        )
