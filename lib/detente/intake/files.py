"""Any export becomes a raw Parquet: every cell as text, every row with its number in the source file.

What a file is, is read off its first bytes, never off its name. Nothing is changed here but what is certain:
blank, total and torn rows are counted as losses, Excel errors become empty cells.
"""

from __future__ import annotations

import hashlib
import itertools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from detente.audit import Source
from detente.intake import headings, layout, mojibake, sheets, text
from detente.intake.headings import Profile
from detente.schema import DataError, Loss

BATCH = 10_000  # rows held in memory at once


@dataclass(frozen=True)
class Raw:
    """One file as text. `path`: Parquet of `row` (int64, as a person sees it) and a text column a heading.

    rows : data rows read, those dropped or quarantined here included; `remarks` account for them.
    header_row : 0 for Parquet. profile : the one given, or the one its headings show.
    """

    path: Path
    file: str
    headings: tuple[str, ...]
    rows: int
    header_row: int
    encoding: str
    separator: str
    sheet: str
    remarks: tuple[Loss, ...]
    sha256: str
    profile: Profile | None = None


def read(path: Path, source: Source, profile: Profile | None, folder: Path, table: str = "") -> Raw:
    """Read one export of a table of `schema.TABLES` into `folder`.

    Raises DataError for a file that is empty, cut, locked, has lost letters or cannot be told apart, with
    what to do.
    """
    path = Path(path)
    digest = sha256(path)
    kind = sniff(path)
    folder.mkdir(parents=True, exist_ok=True)
    stated = hashlib.sha256(f"{path.name} {source.model_dump_json()}".encode()).hexdigest()[:8]
    target = folder / f"raw-{table or 'any'}-{digest[:12]}-{stated}.parquet"
    part = target.with_suffix(".part")
    try:
        raw = (_columnar if kind == "parquet" else _cellwise)(path, source, profile, part, table)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return replace(raw, path=target, sha256=digest)


def sha256(path: Path) -> str:
    """The content of a file, hashed block by block."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sniff(path: Path) -> str:
    """What the first bytes say: parquet, workbook, html or text.

    Raises DataError for what is none of these: locked workbooks, other archives, JSON, XML, PDF.
    """
    with text.open_bytes(path) as file:
        try:
            start = file.read(4096)
        except (EOFError, OSError):
            raise DataError("the file is cut or damaged.", file=path.name, fix="Download it again.") from None
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK"):
        return _packed(path)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise sheets.locked(path)
        return "workbook"
    plain = start.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if plain.startswith(b"<") and any(tag in plain for tag in (b"<table", b"<html", b"<meta", b"<head")):
        return "html"
    if plain.startswith((b"<?xml", b"{", b"[{", b"%pdf")):
        raise DataError(
            "this is not a table of rows and columns.", file=path.name, fix="Export it as CSV or XLSX."
        )
    if start.startswith(b"1CClientBankExchange"):
        raise DataError(
            "this is a 1C bank statement, not a table.",
            file=path.name,
            fix="Export the payments from 1C or the bank as XLSX.",
        )
    return "text"


def _packed(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except zipfile.BadZipFile:
        raise DataError(
            "the file is cut: its end is missing.", file=path.name, fix="Download it again."
        ) from None
    if any(name.startswith("xl/") for name in names) or "content.xml" in names:
        return "workbook"
    raise DataError("this is a ZIP archive.", file=path.name, fix="Unpack it and state the file inside.")


def _columnar(path: Path, source: Source, profile: Profile | None, target: Path, table: str) -> Raw:
    from detente.intake import columnar

    names, rows, remarks = columnar.cast(path, target, table)
    profile = _profile(profile, source, table, names)
    return Raw(target, path.name, names, rows, 0, "parquet", "", "", remarks, "", profile)


def _cellwise(path: Path, source: Source, profile: Profile | None, target: Path, table: str) -> Raw:
    """Read a text file, a workbook or an HTML table row by row."""
    tally = layout.Tally(table, path.name)
    grid = _grid(path, source, table, tally)
    head = layout.find_head(
        grid, _score(source, table), source.header_row, path.name, f"sources.{table or 'deals'}"
    )
    cells = list(head.cells)
    while cells and not cells[-1].strip():
        cells.pop()
    names = headings.clean(cells)
    profile = _profile(profile, source, table, names)
    rows = _data(head, grid, tally, names, profile, table)
    _fill(target, names, rows, tally)
    layout.check_size(tally, sheet_limit=bool(grid.sheet))
    remarks = (*grid.remarks, *(_named(loss, names) for loss in tally.losses()))
    return Raw(
        target,
        path.name,
        names,
        tally.read,
        head.row,
        grid.encoding,
        grid.separator,
        grid.sheet,
        remarks,
        "",
        profile,
    )


def _score(source: Source, table: str) -> layout.Score:
    stated = [name for names in source.columns.values() for name in names]
    return lambda cells: headings.hits(table, cells, stated)


def _grid(path: Path, source: Source, table: str, tally: layout.Tally) -> layout.Grid:
    kind, score = sniff(path), _score(source, table)
    if kind == "workbook":
        grid = sheets.workbook(path, source, table, score, tally)
    elif kind == "html":
        grid = sheets.html(path, source, table, score)
    else:
        grid = text.grid(path, source, table, score)
    return mojibake.repaired(grid, table, path.name, score)


def _profile(given: Profile | None, source: Source, table: str, names: tuple[str, ...]) -> Profile | None:
    if given or source.profile != "auto":
        return given or headings.named(source.profile)
    return headings.recognise(table, names)


def _data(head, grid, tally, names, profile, table) -> Iterator[layout.Row]:
    """The data rows without the totals that only this system writes."""
    rows = layout.data_rows(head, len(names), grid, tally, profile.footers if profile else ())
    if not profile or not profile.total_when_empty:
        return rows
    key = headings.by_alias(profile.total_when_empty, profile.aliases(table), names)
    return layout.without_totals(rows, [names.index(name) for name in key], tally)


def _fill(target: Path, names: tuple[str, ...], rows: Iterator[layout.Row], tally: layout.Tally) -> None:
    """Write the rows in batches. Raises DataError for a file with headings only or with lost letters."""
    from detente.intake.cells import Sheet

    sheet = Sheet(target, names, tally)
    try:
        while batch := list(itertools.islice(rows, BATCH)):
            numbers, cells = zip(*batch, strict=True)
            sheet.add(numbers, zip(*cells, strict=True))
    finally:
        sheet.close()
    if not any(sheet.filled):
        raise DataError(
            "there are headings and no rows of data.",
            file=tally.file,
            fix="Check the filter and export it again.",
        )
    sheet.refuse_lost_letters()


def _named(loss: Loss, names: tuple[str, ...]) -> Loss:
    """A loss whose column is still a position gets its heading."""
    if loss.reason != "id_precision":
        return loss
    place = int(loss.column)
    return replace(loss, column=names[place] if place < len(names) else f"(column {place + 1})")
