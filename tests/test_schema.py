"""Canonical tables, one spelling for comparison, and the law that no row goes missing."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.schema import TABLES, DataError, Loss, LossLog, SourceCount, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cтатус в ЦОП", "Статус в ЦОП"),  # the first letter is Latin
        ("Бюджет ", "бюджет"),
        ("Причина\u00a0отказа:", "причина отказа"),
        ("Причина\nотказа", "Причина отказа"),
        ("Почём*", "почем"),
        ("\ufeffID", "id"),
        ("Кам\u00adпания", "Кампания"),
        ("ＵＴＭ", "utm"),
        ("В1", "B1".replace("B", "В")),
    ],
)
def test_two_spellings_that_a_person_reads_as_one_fold_to_one(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("cpc", "срс"), ("Отказ 2019", "Отказ 2020"), ("Won", "Lost"), ("A-1", "A1"), ("нет", "не т")],
)
def test_two_spellings_that_differ_stay_apart(one, other):
    """«cpc» in Latin letters and «срс» in Cyrillic ones are two words: only a mixed word is folded."""
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def count(**changed) -> SourceCount:
    stated = dict(
        source="deals", file="deals.csv", sha256="", read=10, kept=7, quarantined=2, dropped=1,
        amount_read=Decimal("100.30"), amount_kept=Decimal("90.10"), amount_quarantined=Decimal("10.20"),
        amount_dropped=Decimal("0.00"),
    )  # fmt: skip
    return SourceCount(**{**stated, **changed})


def test_rows_and_money_that_add_up_are_conserved():
    assert count().conserved
    assert count(amount_read=None, amount_kept=None, amount_quarantined=None, amount_dropped=None).conserved
    assert count(
        amount_read=Decimal("100.30"), amount_kept=Decimal("100.30"), amount_quarantined=None
    ).conserved


@pytest.mark.parametrize(
    "changed",
    [
        {"kept": 6},
        {"read": 11},
        {"dropped": 2},
        {"amount_kept": Decimal("90.09")},
        {"amount_read": Decimal("100.31")},
        {"amount_read": None, "kept": 8},
    ],
)
def test_a_lost_row_or_a_lost_kopeck_is_never_called_conserved(changed):
    assert not count(**changed).conserved


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), st.integers(1, 10**6))
def test_the_law_holds_for_any_split_and_breaks_for_any_missing_row(parts, missing):
    kept, quarantined, dropped = parts
    rows = {"kept": kept, "quarantined": quarantined, "dropped": dropped, "amount_read": None}
    assert count(read=sum(parts), **rows).conserved
    assert not count(read=sum(parts) + missing, **rows).conserved


def test_the_loss_log_as_frames_keeps_one_row_per_source_and_reason():
    loss = Loss("deals", "deals.csv", "quarantined", "no_id", 2, Decimal("10.20"), "ID", (3, 9))
    log = LossLog((count(),), (loss,))
    assert log.frame()[["source", "read", "kept", "quarantined", "dropped"]].values.tolist() == [
        ["deals", 10, 7, 2, 1]
    ]
    assert log.reasons()[["reason", "rows"]].values.tolist() == [["no_id", 2]]
    assert list(LossLog((), ()).reasons().columns) == list(log.reasons().columns)


def test_a_data_error_names_file_column_row_and_the_way_out():
    error = DataError("not a date", file="deals.csv", column="Создано", row=7, fix="Set date_format.")
    assert str(error) == "deals.csv, column «Создано», row 7: not a date Set date_format."
    assert str(DataError("nothing to read")) == "nothing to read"


def test_every_table_has_a_key_or_a_time_and_no_column_twice():
    for name, columns in TABLES.items():
        names = [column.name for column in columns]
        assert len(set(names)) == len(names), name
        assert all(re.fullmatch(r"[a-z][a-z_]*", column) for column in names), name
        assert any(column.required for column in columns), name


def test_whatever_identifies_a_person_is_marked_as_personal():
    for name, columns in TABLES.items():
        for column in columns:
            if column.name in ("person", "phone", "email", "lead_id", "deal_id"):
                assert column.personal, f"{name}.{column.name}"
