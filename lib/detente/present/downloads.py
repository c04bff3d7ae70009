"""Tables as CSV files that a Russian or an English Excel opens right, and that run nothing when opened."""

from __future__ import annotations

import base64
import csv
import html
import io
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from detente.present.wording import Words

if TYPE_CHECKING:
    from detente.present.pieces import Table


def csv_bytes(table: Table, words: Words) -> bytes:
    """The whole table: a BOM, `;` and a decimal comma in Russian, `,` and a point in English; full precision."""
    russian, columns = words.language == "ru", [*table.columns, *table.more]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";" if russian else ",", lineterminator="\r\n")
    writer.writerow([harmless(text) for item in columns for text in _headings(item)])
    for row in table.frame.reset_index(drop=True).to_dict("records"):
        cells = [value for item in columns for value in _cells(row[item.key], item.kind)]
        writer.writerow([_written(value, russian) for value in cells])
    return b"\xef\xbb\xbf" + file.getvalue().encode("utf-8")


def _headings(item) -> list[str]:
    return (
        [f"{item.heading}: {end}" for end in ("min", "max")]
        if item.kind.endswith("_range")
        else [item.heading]
    )


def _cells(value: object, kind: str) -> list[object]:
    return list(value) if kind.endswith("_range") else [value]


def _written(value: object, russian: bool) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, bool | str):
        return harmless(str(value))
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return text.replace(".", ",") if russian and isinstance(value, float | Decimal) else text


def harmless(text: str) -> str:
    """A cell that starts like a formula gets an apostrophe, so that a spreadsheet shows it and does not run it.

    Source: OWASP, CSV injection (CWE-1236).
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def link(table: Table, words: Words) -> str:
    """A download link that holds the file itself: the page stays one file."""
    data = base64.b64encode(csv_bytes(table, words)).decode()
    return (
        f'<p class="download"><a download="{html.escape(table.name)}.csv" href="data:text/csv;base64,{data}">'
        f"{html.escape(words.t('table.download'))}</a></p>"
    )
