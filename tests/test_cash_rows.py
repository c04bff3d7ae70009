"""Rows for the consultant go to a file, escaped, and no id to a page."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal

import pandas as pd

from cash_cases import (
    FULL,
    LOSS,
    Money,
    run,
)
from detente.metrics import repeat
from detente.present import report as page
from detente.present.pieces import Column, Table
from test_cash import won


def test_rows_go_to_a_file_and_no_id_to_the_page(tmp_path) -> None:
    _, _, html = run(FULL.tables(tmp_path), "ru", str(tmp_path / "out"))
    text = (tmp_path / "out" / "tables" / "13_cash_reality_rows.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert rows[0] == [
        "Что проверить",
        "Код сделки",
        "День",
        "Сумма сделки",
        "Деньги",
        "Файл",
        "Номер строки",
    ]
    assert ["не оплачена", "unpaid", "2026-02-01", "500,00", "0,00", "", ""] in rows
    assert ["похоже на двойной платёж", "part", "2026-05-02", "", "50,00", "pay.csv", "43"] in rows
    assert "tables/13_cash_reality_rows.csv" in html
    for name in ("unpaid", "w39", "young", "anna"):
        assert not re.search(rf"[>\s]{name}[<\s,.]", html), name
    assert "rows.csv" not in re.sub("tables/13_cash_reality_rows.csv", "", html)


def test_an_attached_table_is_escaped_as_other_downloads_and_shows_nothing(tmp_path, monkeypatch) -> None:
    shown: list = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    tables = Money([won("a", 1)]).tables(tmp_path)
    made = Table(
        "rows",
        pd.DataFrame({"x": ["=cmd()"], "y": [Decimal("1.5")]}),
        [Column("x", "X"), Column("y", "Y")],
        "c",
    )
    report = page.Report("13_cash_reality", tables, LOSS, "ru", str(tmp_path / "out"))
    report.attach(made)
    report.attach(None)
    assert shown == []
    assert (tmp_path / "out" / report.file_of("rows")).read_text("utf-8-sig") == "X;Y\n'=cmd();1,5\n"
    page.Report("13_cash_reality", tables, LOSS, "ru").attach(made)
    assert shown == []


def test_the_windows_of_the_page_are_those_of_the_metric() -> None:
    assert repeat.WINDOWS == (90, 180, 365)
