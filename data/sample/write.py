"""Files from tables: CSV in three encodings and two workbooks for people, Parquet for a million leads."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import crm
import ledger
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from cells import money

TABLES = {
    "deals": crm.deals,
    "stage_history": crm.history,
    "calls": crm.call_log,
    "tasks": crm.tasks,
    "direct": ledger.direct,
    "vk_ads": ledger.vk,
    "payments": ledger.payments,
    "plan": ledger.plan,
}
ENCODINGS = {
    "deals": "cp1251",
    "stage_history": "utf-8-sig",
    "direct": "cp1251",
    "calls": "cp1251",
    "tasks": "utf-8",
    "plan": "utf-8",
}
DIRECT_TOP = ("Мастер отчётов", "Двор и Горка", "01.07.2025 - 30.06.2026", "Группировка: по неделям")


def write_exports(leads: pd.DataFrame, folder: Path) -> None:
    """The files a consultant gets: CSV in three encodings, two workbooks."""
    for name, build in TABLES.items():
        table = build(leads)
        if name in ENCODINGS:
            _write_csv(table, folder / f"{name}.csv", ENCODINGS[name])
        else:
            _write_workbook(table, folder / f"{name}.xlsx", "Объявления" if name == "vk_ads" else "Платежи")


def write_parquet(leads: pd.DataFrame, folder: Path) -> None:
    """The same tables, still all text, in one Parquet file each."""
    for name, build in TABLES.items():
        pq.write_table(build(leads), folder / f"{name}.parquet", compression="zstd")


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
            if name.startswith("Дата"):
                page.write_datetime(row, column, dt.datetime.fromisoformat(cell), day)
            elif (
                name in ("Сумма", "Показы", "Клики", "Результат", "Потрачено всего, ₽")
                or name == "Номер сделки"
                and len(cell) < 16
            ):
                page.write_number(row, column, float(cell))
            else:
                page.write_string(row, column, cell)
    if path.stem == "vk_ads":
        book.add_worksheet("Демография").write_row(0, 0, ["Возраст", "Показы"])
    book.close()
