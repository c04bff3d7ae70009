"""Text files: which encoding, which separator, and their rows one at a time.

The encoding is settled by evidence in this order: byte order mark, strict UTF-8, then a choice among the
Cyrillic code pages; nothing is guessed as Latin-1, which would turn Russian into mojibake in silence.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from detente.audit import AuditError, Source
from detente.intake.layout import Grid, Row, Score
from detente.schema import DataError, Loss

SEPARATORS = (";", ",", "\t", "|")
_CODE_PAGES = ["cp1251", "koi8_r", "cp866"]
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BLOCK = 1 << 20


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked where it is gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def grid(path: Path, source: Source, table: str, score: Score) -> Grid:
    """The rows of a delimited text file.

    Raises DataError for an empty, cut, or undecodable file, with the audit.yml key that would help.
    """
    encoding, bad, ends_open = encoding_of(path, source, table)
    separator, declared = separator_of(path, encoding, source, score)
    remarks = [Loss(table, path.name, "flagged", "bad_bytes", bad)] if bad else []
    return Grid(
        rows=_rows(path, encoding, separator, skip=declared),
        encoding=encoding,
        separator=separator,
        ragged=True,
        ends_open=ends_open,
        remarks=tuple(remarks),
    )


def encoding_of(path: Path, source: Source, table: str) -> tuple[str, int, bool]:
    """Encoding, number of bytes that are not in it, and whether the file ends without a line end."""
    with open_bytes(path) as file:
        start = _first(file, path)
        if not start.strip():
            raise DataError("the file is empty.", file=path.name, fix="Export it again.")
        for mark, name in _BOMS:
            if start.startswith(mark):
                return name, 0, not _tail(path).rstrip(b"\x00").endswith((b"\n", b"\r"))
        if start.count(b"\x00") * 50 > len(start):
            raise DataError(
                "every other byte is zero: UTF-16 without a byte order mark, or no text at all.",
                file=path.name, fix="Save it as CSV UTF-8.",
            )  # fmt: skip
    ends_open = not _tail(path).endswith((b"\n", b"\r"))
    if source.encoding:
        return _stated(path, source.encoding, table), 0, ends_open
    good, bad, sample = _try_utf8(path)
    if not bad:
        return "utf-8", 0, ends_open
    if good > 20 * bad:
        return "utf-8", bad, ends_open
    return _code_page(sample), 0, ends_open


def _first(file: IO[bytes], path: Path) -> bytes:
    try:
        return file.read(1 << 16)
    except (EOFError, OSError) as error:
        raise _cut_gzip(path) from error


def _cut_gzip(path: Path) -> DataError:
    return DataError(
        "the file is cut: its gzip packing does not end.", file=path.name, fix="Download it again."
    )


def _tail(path: Path) -> bytes:
    """The last few bytes."""
    with open_bytes(path) as file:
        if isinstance(file, gzip.GzipFile):
            last = b""
            for block in _blocks(file, path):
                last = (last + block)[-8:]
            return last
        file.seek(0, io.SEEK_END)
        file.seek(max(0, file.tell() - 8))
        return file.read()


def _blocks(file: IO[bytes], path: Path) -> Iterator[bytes]:
    try:
        while block := file.read(_BLOCK):
            yield block
    except EOFError as error:
        raise _cut_gzip(path) from error


def _stated(path: Path, encoding: str, table: str) -> str:
    """The encoding of audit.yml, checked against the whole file."""
    key = f"sources.{table}.encoding"
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
    except LookupError:
        raise AuditError(
            f"audit.yml: {key}: there is no encoding «{encoding}»; write one like utf-8 or cp1251"
        ) from None
    row = 1
    with open_bytes(path) as file:
        try:
            for block in _blocks(file, path):
                row += decoder.decode(block).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise DataError(
                f"the file is not in {encoding}, as audit.yml states, somewhere after this row.",
                file=path.name, row=row, fix=f"Correct or remove {key}.",
            ) from None  # fmt: skip
    return encoding


def _try_utf8(path: Path) -> tuple[int, int, bytes]:
    """Non-ASCII characters that are UTF-8, bytes that are not, and a sample of lines with non-ASCII bytes."""
    good = bad = 0
    sample, kept = bytearray(), b""
    with open_bytes(path) as file:
        for block in _blocks(file, path):
            block = kept + block
            cut = block.rfind(b"\n") + 1 or len(block)
            block, kept = block[:cut], block[cut:]
            good, bad = _count(block, good, bad, sample)
            if bad > 1000 and bad > good:  # it is another encoding, the rest would not change that
                return good, bad, bytes(sample)
    return *_count(kept, good, bad, sample), bytes(sample)


def _count(block: bytes, good: int, bad: int, sample: bytearray) -> tuple[int, int]:
    if block.isascii():
        return good, bad
    if len(sample) < 1 << 16:
        sample += b"\n".join([line for line in block.splitlines() if not line.isascii()][:500])
    text = block.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    return good + len(text) - wrong - len(text.encode("ascii", "ignore")), bad + wrong


def _code_page(sample: bytes) -> str:
    """The Cyrillic code page in which the sample reads as text."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample[: 1 << 16], cp_isolation=_CODE_PAGES, preemptive_behaviour=False).best()
    return best.encoding if best else "cp1251"


def _lines(path: Path, encoding: str) -> IO[str]:
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, errors="replace", newline="")


def separator_of(path: Path, encoding: str, source: Source, score: Score) -> tuple[str, bool]:
    """The separator, and whether a first line `sep=;` declares it."""
    with _lines(path, encoding) as file:
        top = list(itertools.islice(file, 400))
    declared = re.fullmatch(r'"?sep=(.)"?', top[0].strip("\r\n")) if top else None
    if source.separator:
        return {"\\t": "\t", "tab": "\t"}.get(source.separator, source.separator), bool(declared)
    if declared:
        return declared[1], True
    return max(SEPARATORS, key=lambda candidate: _fitness(top, candidate, score)), False


def _fitness(top: list[str], separator: str, score: Score) -> tuple[int, float]:
    """Known headings in the best row, then how evenly the rows are divided and into how many fields."""
    rows = list(itertools.islice(csv.reader(top, delimiter=separator), 200))
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0, 0.0
    width, number = widths.most_common(1)[0]
    return max(score(row) for row in rows[:30]), number / len(rows) * min(width, 20)


def _rows(path: Path, encoding: str, separator: str, skip: bool) -> Iterator[Row]:
    """Numbered rows; the number is that of the line on which the row begins."""
    with _lines(path, encoding) as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        begins = 1
        try:
            for cells in reader:
                if not (skip and begins == 1):
                    yield begins, cells
                begins = reader.line_num + 1
        except csv.Error as error:
            raise _broken(path, begins, str(error)) from None
        except EOFError as error:
            raise _cut_gzip(path) from error


def _broken(path: Path, row: int, error: str) -> DataError:
    if "unexpected end of data" in error or "field limit" in error:
        what = "the file is cut, or a quote that opens in this row never closes."
    else:
        what = "the quotes in this row do not match."
    return DataError(
        what, file=path.name, row=row, fix="Export it again, or double the quotes inside a cell."
    )
