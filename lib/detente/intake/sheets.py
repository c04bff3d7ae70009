"""Workbooks (XLSX, XLS, XLSB, ODS) and HTML tables named .xls: the right sheet, its cells as exact text."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from detente.audit import AuditError, Source
from detente.intake import text
from detente.intake.layout import ENOUGH, SEARCHED, Grid, Row, Score, Tally
from detente.schema import DataError, Loss

EXACT = 2**53  # above it a number cell has lost digits
Action = Literal["flagged", "fixed"]
HUGE = 1 << 30
_UNCOMPUTED = re.compile(rb"<c ([^>]*)>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)(?:<v>\s*</v>|<v\s*/>)?</c>")
_WIDEST = 1000  # columns that one HTML cell may span


def workbook(path: Path, source: Source, table: str, score: Score, tally: Tally) -> Grid:
    """The sheet that `sheet` names, else the visible one with the most known headings.

    Raises DataError for a file that is cut, locked, too large unpacked, or whose sheet cannot be told.
    """
    import python_calamine

    unsafe = _inspect(path) if zipfile.is_zipfile(path) else ()
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        sheet, hidden = _choose(book, path, source, table, score)
    except python_calamine.PasswordError:
        raise locked(path) from None
    except python_calamine.CalamineError as error:
        raise DataError(
            f"the workbook cannot be read ({type(error).__name__}): it may be cut or damaged.",
            file=path.name, fix="Open it in Excel and save it again as XLSX.",
        ) from None  # fmt: skip
    remarks = [Loss(table, path.name, action, reason, rows) for action, reason, rows in unsafe if rows]
    if hidden:
        remarks.append(Loss(table, path.name, "flagged", "hidden_sheet", 1))
    return Grid(rows=_cells(sheet, tally), sheet=sheet.name, remarks=tuple(remarks))


def locked(path: Path) -> DataError:
    return DataError(
        "the workbook is protected by a password.",
        file=path.name, fix="In Excel: File, Info, Protect Workbook, Encrypt with Password, clear it, save.",
    )  # fmt: skip


def _inspect(path: Path) -> tuple[tuple[Action, str, int], ...]:
    """Refuse a bomb; count formulas never computed and rows that a filter hides (they are read too)."""
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            size = sum(part.file_size for part in parts)
            ratio = size / max(1, sum(part.compress_size for part in parts))
            if size > HUGE or (ratio > 100 and size > 50 << 20):
                raise DataError(
                    f"unpacked, the workbook takes {size >> 20:,} MB; it is refused as unsafe.",
                    file=path.name, fix="Export it as CSV.",
                )  # fmt: skip
            sheets = [part for part in parts if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part.filename)]
            return (*_scan(packed, sheets), ("flagged", "years_from_1904", _from_1904(packed)))
    except (zipfile.BadZipFile, EOFError, OSError, ValueError):
        return ()


def _from_1904(packed: zipfile.ZipFile) -> int:
    """1 where the workbook counts days from 1904, as old Excel for Mac did."""
    if "xl/workbook.xml" not in packed.namelist():
        return 0
    return len(re.findall(rb"<workbookPr[^>]*date1904=\"(?:1|true)\"", packed.read("xl/workbook.xml")))


def _scan(packed: zipfile.ZipFile, sheets: list[zipfile.ZipInfo]) -> tuple[tuple[Action, str, int], ...]:
    formulas = hidden = errors = 0
    for part in sheets:
        with packed.open(part) as file:
            kept = b""
            while block := file.read(1 << 20):
                block = kept + block
                cut = block.rfind(b"</c>") + 4
                block, kept = (block[:cut], block[cut:]) if cut > 3 else (b"", block)
                formulas += sum(b't="str"' not in kind for kind in _UNCOMPUTED.findall(block))
                errors += len(re.findall(rb'<c [^>]*t="e"', block))
                hidden += len(re.findall(rb"<row [^>]*hidden=\"(?:1|true)\"", block))
    return (
        ("flagged", "formula_without_value", formulas),
        ("flagged", "hidden_rows", hidden),
        ("fixed", "excel_error", errors),  # the reader hands them over as empty cells
    )


def _choose(book, path: Path, source: Source, table: str, score: Score):
    """The sheet to read, and whether it is hidden."""
    import python_calamine

    visible = python_calamine.SheetVisibleEnum.Visible
    kinds = {
        item.name: item
        for item in book.sheets_metadata
        if item.typ == python_calamine.SheetTypeEnum.WorkSheet
    }
    if source.sheet:
        if source.sheet not in kinds:
            names = ", ".join(f"«{name}»" for name in kinds)
            raise AuditError(
                f"audit.yml: sources.{table}.sheet: {path.name} has no sheet «{source.sheet}»; it has {names}"
            )
        return book.get_sheet_by_name(source.sheet), kinds[source.sheet].visible != visible
    scores = {name: _sheet_score(book.get_sheet_by_name(name), score) for name in kinds}
    shown = {name: hits for name, hits in scores.items() if kinds[name].visible == visible and hits >= 0}
    unseen = [name for name in scores if kinds[name].visible != visible and scores[name] >= ENOUGH]
    best = max(shown.values(), default=-1)
    if unseen and best < ENOUGH:
        raise DataError(
            f"the data are on the hidden sheet «{unseen[0]}».",
            file=path.name, fix=f"If that is right, write in audit.yml: sources.{table}.sheet: {unseen[0]}",
        )  # fmt: skip
    first = [name for name, hits in shown.items() if hits == best]
    if len(first) > 1:
        raise DataError(
            f"several sheets look the same: {', '.join(f'«{name}»' for name in first)}.",
            file=path.name, fix=f"Name one in audit.yml: sources.{table}.sheet: {first[0]}",
        )  # fmt: skip
    if not first:
        raise DataError("the workbook is empty.", file=path.name, fix="Export it again.")
    return book.get_sheet_by_name(first[0]), False


def _sheet_score(sheet, score: Score) -> int:
    """The most known headings in one of the first rows; -1 for a sheet without cells."""
    if not sheet.height:
        return -1
    best = 0
    for number, row in enumerate(sheet.iter_rows()):
        if number >= SEARCHED + (sheet.start or (0, 0))[0]:
            break
        best = max(best, score([cell if isinstance(cell, str) else "" for cell in row]))
    return best


def _cells(sheet, tally: Tally) -> Iterator[Row]:
    """Numbered rows of a sheet as text."""
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [cell if type(cell) is str else exact(cell) for cell in row]
        for place, cell in enumerate(row):
            if type(cell) is float and abs(cell) >= EXACT:
                tally.add("flagged", "id_precision", number, column=str(place))
        yield number, cells


def exact(cell: object) -> str:
    """A cell as text without loss: 123, 7.11, 2026-01-31, 2026-01-31 10:00:00, 26:43:00, true."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime):
        return (cell + dt.timedelta(microseconds=500_000)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, dt.time):
        return exact(dt.datetime.combine(dt.date(2000, 1, 1), cell))[-8:]
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return "" if cell is None else str(cell)


def html(path: Path, source: Source, table: str, score: Score) -> Grid:
    """The HTML table with the most known headings (Bitrix24 calls such a file .xls).

    Raises DataError where there is no table or it does not end.
    """
    from lxml import html as parser

    encoding, _, _ = text.encoding_of(path, source, table)
    with text.open_bytes(path) as file:
        page = file.read().decode(encoding, errors="replace")
    if "</table" not in page.casefold():
        raise DataError("the file is cut: its table does not end.", file=path.name, fix="Export it again.")
    page = re.sub(r"^\s*<\?xml[^>]*\?>", "", page)
    tree = parser.document_fromstring(page, parser=parser.HTMLParser(huge_tree=True))
    tables = [list(_html_rows(found)) for found in tree.iter("table")]
    best = max(
        tables, key=lambda rows: (max((score(cells) for _, cells in rows[:SEARCHED]), default=0), len(rows))
    )
    return Grid(rows=best, encoding=encoding, sheet="html")


def _html_rows(table) -> Iterator[Row]:
    """Numbered rows; a cell that spans columns or rows fills its first place, the others are empty."""
    taken: dict[int, int] = {}  # column -> further rows that a cell above covers
    rows = (row for row in table.iter("tr") if next(row.iterancestors("table")) is table)
    for number, row in enumerate(rows, start=1):
        cells: list[str] = []
        for cell in row.iterchildren("td", "th"):
            while taken.get(len(cells), 0):
                taken[len(cells)] -= 1
                cells.append("")
            spans = _span(cell, "colspan")
            if (deep := _span(cell, "rowspan")) > 1:
                taken.update(dict.fromkeys(range(len(cells), len(cells) + spans), deep - 1))
            cells += [_inner(cell), *[""] * (spans - 1)]
        yield number, cells


def _span(cell, name: str) -> int:
    stated = cell.get(name, "1").strip()
    return min(int(stated), _WIDEST) if stated.isdecimal() and int(stated) > 0 else 1


def _inner(cell) -> str:
    for line in cell.iter("br"):
        line.tail = "\n" + (line.tail or "")
    return "".join(cell.itertext())
