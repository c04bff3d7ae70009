"""Parquet exports: every column cast to text by the engine, never through pandas."""

from __future__ import annotations

from pathlib import Path

from detente import engine
from detente.intake import headings
from detente.intake.cells import TRIMMED
from detente.schema import DataError, Loss

_FLOATS = ("FLOAT", "DOUBLE")


def cast(path: Path, target: Path, table: str) -> tuple[tuple[str, ...], int, tuple[Loss, ...]]:
    """Write `target` with `row` (from 1) and all columns as text. Returns headings, rows read, remarks."""
    import duckdb

    con = engine.connection()
    origin = f"read_parquet({_text(path)}, file_row_number = true)"
    try:
        described = con.raw_sql(f"DESCRIBE SELECT * FROM read_parquet({_text(path)})").fetchall()
        read = con.raw_sql(f"SELECT count(*) FROM {origin}").fetchone()[0]
    except duckdb.Error:
        raise DataError(
            "the Parquet file is cut or damaged.", file=path.name, fix="Export it again."
        ) from None
    if not read:
        raise DataError("there are headings and no rows.", file=path.name, fix="Export it again.")
    names = headings.clean(column for column, *_ in described)
    columns = [
        f"{_as_text(column, kind)} AS {_name(name)}"
        for (column, kind, *_), name in zip(described, names, strict=True)
    ]
    filled = " OR ".join(f"{_name(column)} IS NOT NULL" for column, *_ in described)
    query = f"SELECT file_row_number + 1 AS row, {', '.join(columns)} FROM {origin} WHERE {filled}"
    con.raw_sql(f"COPY ({query}) TO {_text(target)} (FORMAT parquet, COMPRESSION zstd)")
    kept = con.raw_sql(f"SELECT count(*) FROM read_parquet({_text(target)})").fetchone()[0]
    blank = (Loss(table, path.name, "dropped", "blank_row", read - kept),) if kept < read else ()
    return names, read, blank


def _as_text(column: str, kind: str) -> str:
    cell = _name(column)
    if kind in _FLOATS:
        digits = f"CAST({cell} AS VARCHAR)"  # 123.0 is the integer 123 that a gap in the column made a float
        return f"CASE WHEN suffix({digits}, '.0') THEN left({digits}, -2) ELSE {digits} END"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({cell} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S+00:00')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime(CAST({cell} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S')"
    if kind != "VARCHAR":
        return f"CAST({cell} AS VARCHAR)"
    plain = f"strlen({cell}) = length({cell})"  # ASCII only: its trim is ten times as fast
    every = _text(TRIMMED.replace("\0", ""))
    return f"NULLIF(CASE WHEN {plain} THEN trim({cell}, ' \t\r\n') ELSE trim({cell}, {every}) END, '')"


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
