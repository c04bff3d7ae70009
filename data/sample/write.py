"""Files from tables: CSV in three encodings and three workbooks for people, Parquet for a million leads."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import activity
import books
import crm
import ledger
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from books import Books
from cells import money

NAMES = (
    *("deals", "stage_history", "calls", "tasks", "direct", "vk_ads", "avito"),
    *("payments", "invoices", "costs", "plan"),
)
PIECE = 250_000  # rows of the world that are turned into text at a time
ENCODINGS = {
    "deals": "cp1251",
    "stage_history": "utf-8-sig",
    "direct": "cp1251",
    "avito": "utf-8",
    "calls": "cp1251",
    "costs": "cp1251",
    "tasks": "utf-8",
    "plan": "utf-8",
}
SHEETS = {"vk_ads": "Объявления", "payments": "Платежи", "invoices": "Счета покупателям"}
NUMBERS = ("Сумма", "Показы", "Клики", "Результат", "Потрачено всего, ₽")
DIRECT_TOP = ("Мастер отчётов", "Двор и Горка", "01.07.2025 - 30.06.2026", "Группировка: по неделям")


def write_exports(leads: pd.DataFrame, kept: Books, folder: Path) -> None:
    """The files a consultant gets: CSV in three encodings, three workbooks."""
    for name in NAMES:
        table = pa.concat_tables(pieces(name, leads, kept))
        if name in ENCODINGS:
            _write_csv(table, folder / f"{name}.csv", ENCODINGS[name])
        else:
            _write_workbook(table, folder / f"{name}.xlsx", SHEETS[name])


def write_parquet(leads: pd.DataFrame, kept: Books, folder: Path) -> None:
    """The same tables, still all text, in one Parquet file each, a piece at a time."""
    for name in NAMES:
        writer = None
        for table in pieces(name, leads, kept):
            writer = writer or pq.ParquetWriter(folder / f"{name}.parquet", table.schema, compression="zstd")
            writer.write_table(table)
        if writer:
            writer.close()


def pieces(name: str, leads: pd.DataFrame, kept: Books) -> Iterator[pa.Table]:
    """One export as text; the large ones a piece at a time, so that five million leads fit into memory."""
    if name == "deals":
        yield from (crm.deals(part) for part in _cut(leads))
    elif name == "stage_history":
        yield from (crm.history(part, last=part.index[-1] == len(leads) - 1) for part in _cut(leads))
    elif name == "calls":
        yield from (activity.call_log(leads, part) for part in _cut(activity.calls(leads)))
    elif name == "tasks":
        yield from (activity.task_list(leads, part) for part in _cut(activity.tasks(leads)))
    elif name in ("payments", "invoices", "costs"):
        listed = {"payments": books.payment_list, "invoices": books.invoice_list, "costs": books.cost_list}
        yield from listed[name](leads, kept)
    else:
        made = {"direct": ledger.direct, "vk_ads": ledger.vk, "avito": ledger.avito, "plan": ledger.plan}
        yield made[name](leads)


def _cut(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (table.iloc[start : start + PIECE] for start in range(0, len(table), PIECE))


def _write_csv(table: pa.Table, path: Path, encoding: str) -> None:
    headings = [name.removesuffix(" (2)") for name in table.column_names]
    with path.open("w", encoding=encoding, newline="") as file:
        out = csv.writer(file, delimiter=";", lineterminator="\r\n")
        if path.stem == "direct":
            out.writerows([line] for line in DIRECT_TOP)
        out.writerow(headings)
        out.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
        if path.stem == "direct":
            total = sum(
                int(cell.replace("\u00a0", "").replace(",", ""))
                for cell in table["Расход (руб.)"].to_pylist()
            )
            out.writerow(["Итого", "", "", "", money(np.array([total]))[0].as_py(), "", ""])


def _write_workbook(table: pa.Table, path: Path, sheet: str) -> None:
    """Numbers and dates as a spreadsheet holds them; a fixed creation date keeps two runs equal."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    book.set_properties({"created": dt.datetime(2026, 6, 30, 19, 0)})
    day, page = book.add_format({"num_format": "dd.mm.yyyy"}), book.add_worksheet(sheet)
    page.write_row(0, 0, table.column_names)
    for column, name in enumerate(table.column_names):
        for row, cell in enumerate(table[name].to_pylist(), start=1):
            if cell is None:
                continue
            if name.startswith(("Дата", "Срок")):
                page.write_datetime(row, column, dt.datetime.fromisoformat(cell), day)
            elif name in NUMBERS or (name == "Номер сделки" and len(cell) < 16):
                page.write_number(row, column, float(cell))
            else:
                page.write_string(row, column, cell)
    if path.stem == "vk_ads":
        book.add_worksheet("Демография").write_row(0, 0, ["Возраст", "Показы"])
    book.close()
