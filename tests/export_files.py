"""Exports written by hand: the rows of one, a workbook, and what reading it remarked."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import xlsxwriter

from detente.audit import Source
from detente.intake import files

AMO = ("ID", "Название сделки", "Бюджет", "Дата создания сделки", "Этап сделки", "Воронка", "Источник")
LEAD = ("17", "Площадка во двор", "1500", "01.02.2026 10:00:00", "Первый контакт", "Воронка", "Яндекс")


def lines(*rows, separator=";", end="\r\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


def read(folder: Path, content, name="export.csv", table="deals", **stated):
    """Write bytes, text or a workbook as an export and read it: (raw, its rows as dicts)."""
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8", newline="")
    else:
        workbook(path, content)
    raw = files.read(path, Source(file=name, **stated), None, folder / "raw", table)
    return raw, pq.read_table(raw.path).to_pylist()


def workbook(path: Path, sheets_: dict[str, list], hidden: tuple[str, ...] = ()) -> None:
    """A workbook of named sheets; dates and times get a number format."""
    book = xlsxwriter.Workbook(path, {"strings_to_numbers": False, "default_date_format": "dd.mm.yyyy hh:mm"})
    for name, rows in sheets_.items():
        sheet = book.add_worksheet(name.removeprefix("!"))
        if name.startswith("!"):
            sheet.hide()
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, dt.timedelta):
                    sheet.write_datetime(number, place, cell, book.add_format({"num_format": "[h]:mm:ss"}))
                elif isinstance(cell, dt.time):
                    sheet.write_datetime(number, place, cell, book.add_format({"num_format": "hh:mm:ss"}))
                elif cell is not None:
                    sheet.write(number, place, cell)
    book.close()


def remarks(raw, reason: str):
    return [loss for loss in raw.remarks if loss.reason == reason]


def only(raw, reason: str):
    (loss,) = remarks(raw, reason)
    return loss
