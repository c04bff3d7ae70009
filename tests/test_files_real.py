"""Real exports that lie beside the project are read whole; the tests skip where they are absent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from detente.audit import Source
from detente.intake import files
from export_files import only

REAL = Path(__file__).parents[2] / "shared" / "data"


def real(name: str) -> Path:
    if not (REAL / name).is_file():
        pytest.skip(f"shared data not found: ../shared/data/{name}")
    return REAL / name


def test_the_school_deals_keep_all_21593_ids_apart(tmp_path):
    path = real("school_crm/deals.xlsx")
    raw = files.read(path, Source(file="deals.xlsx"), None, tmp_path, "deals")
    table = pq.read_table(raw.path)
    ids = [item for item in table["Id"].to_pylist() if item]
    assert (len(ids), len(set(ids))) == (21_593, 21_593)
    assert len({item for item in table["Contact Name"].to_pylist() if item}) == 18_089
    assert raw.rows == 22_129 == table.num_rows + only(raw, "blank_row").rows
    assert (only(raw, "id_precision").column, only(raw, "id_precision").places) == ("Id", (5110, 10361))
    assert only(raw, "excel_error").column == "Education Type"


def test_the_school_spend_sums_exactly_as_text(tmp_path):
    raw = files.read(real("school_crm/spend.xlsx"), Source(file="spend.xlsx"), None, tmp_path, "spend")
    table = pq.read_table(raw.path)
    assert sum(map(Decimal, table["Spend"].to_pylist())) == Decimal("149523.45")
    assert (raw.rows, table.num_rows, only(raw, "blank_row").rows) == (20_781, 20_779, 2)
    assert table["Date"][0].as_py() == "2023-07-03"


def test_the_school_calls_keep_dates_apart_from_times(tmp_path):
    raw = files.read(real("school_crm/calls.xlsx"), Source(file="calls.xlsx"), None, tmp_path, "calls")
    table = pq.read_table(raw.path)
    assert table.num_rows == 91_936
    assert {len(item) for item in table["Call Start Date"].to_pylist()} == {10}


def test_the_olist_files_are_read_whole(tmp_path):
    rows = {"leads.csv": 8000, "closed_deals.csv": 842}
    for name, number in rows.items():
        raw = files.read(real(f"olist_funnel/{name}"), Source(file=name), None, tmp_path, "leads")
        assert (raw.rows, raw.remarks) == (number, ())
