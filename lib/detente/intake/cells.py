"""Cells of a batch, column by column: trimmed, empty ones NULL, Excel errors and lost letters counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detente.intake.layout import Tally
from detente.schema import DataError

_SPACES = " \t\r\n\x0b\x0c\x00\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad" + "".join(map(chr, range(0x202A, 0x202F)))
TRIMMED = _SPACES + _INVISIBLE  # what is taken off both ends of a cell
_INSIDE = "[\ufeff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u00ad\\x00]"  # what is taken out of its middle
_ERROR = (
    r"^#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|GETTING_DATA|"
    r"Н/Д|ССЫЛКА!|ДЕЛ/0!|ЗНАЧ!|ИМЯ\?|ПУСТО!|ЧИСЛО!)$"
)
_LOST = r"^[\s.,]*\?\?[?\s.,]*$"  # only question marks: letters that an encoding could not hold


@dataclass
class Sheet:
    """A raw Parquet being written, batch by batch, so that memory does not grow with the file."""

    path: Path
    headings: tuple[str, ...]
    tally: Tally
    filled: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def __post_init__(self):
        self.schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in self.headings)])
        self.filled = [0] * len(self.headings)
        self.lost = [0] * len(self.headings)
        self.writer = pq.ParquetWriter(self.path, self.schema, compression="zstd")

    def add(self, numbers: Sequence[int], columns: Iterable[Sequence[str]]) -> None:
        """Write a batch: row numbers, and for each heading its cells."""
        row = pa.array(numbers, pa.int64())
        cleaned = [
            self._clean(place, pa.array(column, pa.string()), row) for place, column in enumerate(columns)
        ]
        self.writer.write_table(pa.Table.from_arrays([row, *cleaned], schema=self.schema))

    def _clean(self, place: int, cells: pa.Array, row: pa.Array) -> pa.Array:
        cells = trimmed(cells)
        errors = pc.fill_null(pc.match_substring_regex(cells, _ERROR), False)
        if wrong := pc.sum(errors).as_py():
            first, *others = row.filter(errors)[:5].to_pylist()
            self.tally.add("fixed", "excel_error", first, rows=wrong, column=self.headings[place])
            for number in others:
                self.tally.add("fixed", "excel_error", number, rows=0, column=self.headings[place])
            cells = pc.if_else(errors, pa.scalar(None, pa.string()), cells)
        self.filled[place] += len(cells) - cells.null_count
        self.lost[place] += pc.sum(pc.match_substring_regex(cells, _LOST)).as_py() or 0
        return cells

    def close(self) -> None:
        self.writer.close()

    def refuse_lost_letters(self) -> None:
        """Raises DataError where more than 1 % of a column is nothing but question marks."""
        for name, filled, lost in zip(self.headings, self.filled, self.lost, strict=True):
            if lost >= 3 and lost > 0.01 * filled:
                raise DataError(
                    f"letters were lost: {lost:,} of {filled:,} cells are only question marks.",
                    file=self.tally.file, column=name, fix="Export it again in UTF-8.",
                )  # fmt: skip


def trimmed(cells: pa.Array) -> pa.Array:
    """Text without spaces and invisible marks at its ends or invisible marks inside; nothing left is NULL."""
    cells = pc.utf8_trim(cells, characters=TRIMMED)
    if pc.any(pc.match_substring_regex(cells, _INSIDE)).as_py():
        cells = pc.replace_substring_regex(cells, _INSIDE, "")
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
