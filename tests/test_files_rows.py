"""Rows of an export: the broken are told by their numbers, a cut file is refused, none is lost or repeated."""

from __future__ import annotations

import pytest
import xlsxwriter

from detente.audit import Source
from detente.intake import files, layout
from detente.schema import DataError
from export_files import AMO, LEAD, lines, only, remarks


def test_every_row_is_kept_quarantined_or_dropped_and_none_is_missing(read):
    content = lines(AMO, LEAD, [*LEAD, "лишнее"], ["" for _ in AMO], LEAD, ["Итого", "", "3000"] + [""] * 4)
    raw, rows = read(content)
    gone = sum(loss.rows for loss in raw.remarks if loss.action in ("dropped", "quarantined"))
    assert (raw.rows, len(rows), gone) == (5, 2, 3)


def test_a_row_with_too_many_fields_is_quarantined_by_its_number(read):
    raw, rows = read(lines(AMO, LEAD, [*LEAD, "лишнее"], LEAD))
    loss = only(raw, "field_count")
    assert (loss.action, loss.rows, loss.places) == ("quarantined", 1, (3,))
    assert [row["row"] for row in rows] == [2, 4]


def test_a_row_torn_by_a_line_break_outside_quotes_is_quarantined_in_both_halves(read):
    raw, rows = read(lines(AMO, LEAD, LEAD[:2], ("хвост названия", *LEAD[2:]), LEAD))
    assert only(raw, "field_count").places == (3, 4)
    assert len(rows) == 2


def test_empty_cells_left_off_at_the_end_of_a_row_are_filled_in_with_a_remark(read):
    raw, rows = read(lines(AMO, LEAD, LEAD[:5], LEAD[:5], LEAD))
    assert len(rows) == 4
    assert rows[1]["Источник"] is None
    assert only(raw, "short_row").rows == 2


def test_a_file_cut_in_its_last_row_is_refused_with_the_row(read):
    with pytest.raises(DataError, match="row 3.*cut"):
        read(lines(AMO, LEAD, LEAD)[:-40])


def test_a_file_cut_inside_quotes_is_refused_with_the_row(read):
    with pytest.raises(DataError, match="row 3.*cut"):
        read(lines(AMO, LEAD) + '18;"Площадка на')


def test_quotes_that_do_not_match_are_refused_with_the_row(read):
    with pytest.raises(DataError, match="row 3.*quotes"):
        read(lines(AMO, LEAD) + lines(["18", '"Двор "Лесной" парк"', *LEAD[2:]]))


def test_line_breaks_inside_quotes_belong_to_the_cell_and_the_next_row_keeps_its_line_number(read):
    raw, rows = read(lines(AMO, ["17", '"две\nстроки"', *LEAD[2:]], LEAD))
    assert rows[0]["Название сделки"] == "две\nстроки"
    assert [row["row"] for row in rows] == [2, 4]
    assert raw.rows == 2


def test_hundreds_of_blank_tail_rows_are_one_remark(read, tmp_path):
    path = tmp_path / "tail.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Deals")
    for place, (heading, cell) in enumerate(zip(AMO, LEAD, strict=True)):
        sheet.write(0, place, heading)
        sheet.write(1, place, cell)
    sheet.write_string(300, 0, " ")
    book.close()
    raw = files.read(path, Source(file="tail.xlsx"), None, tmp_path / "raw", "deals")
    assert (raw.rows, only(raw, "blank_row").rows) == (300, 299)


def test_an_empty_file_and_one_with_headings_only_are_refused_in_plain_words(read):
    with pytest.raises(DataError, match="the file is empty"):
        read("")
    with pytest.raises(DataError, match="the file is empty"):
        read("\n\n  \n")
    with pytest.raises(DataError, match="no rows of data"):
        read(lines(AMO))
    with pytest.raises(DataError, match="the workbook is empty"):
        read({"Sheet1": []}, "empty.xlsx")


@pytest.mark.parametrize("rows", [10_000, 50_000, 100_000])
def test_a_round_number_of_rows_is_remarked_as_a_likely_cap(read, rows):
    raw, _ = read("ID;Этап сделки;Бюджет\n" + "1;Новый;5\n" * rows)
    assert (only(raw, "round_row_count").action, raw.rows) == ("flagged", rows)
    raw, _ = read("ID;Этап сделки;Бюджет\n" + "1;Новый;5\n" * (rows + 1))
    assert not remarks(raw, "round_row_count")


def test_an_export_that_fills_a_sheet_to_its_last_row_is_refused():
    full = layout.Tally("deals", "a.xlsx", read=1_048_570, last=1_048_576)
    with pytest.raises(DataError, match="rest was cut off"):
        layout.check_size(full, sheet_limit=True)
    layout.check_size(layout.Tally("deals", "a.csv", read=1_048_570, last=1_048_576), sheet_limit=False)
    with pytest.raises(DataError, match="rest was cut off"):
        layout.check_size(layout.Tally("deals", "a.csv", read=1_048_575, last=1_048_576), sheet_limit=False)


def test_batches_join_without_losing_or_repeating_a_row(read, monkeypatch):
    monkeypatch.setattr(files, "BATCH", 7)
    raw, rows = read("ID;Этап сделки;Бюджет\n" + "".join(f"{number};Новый;5\n" for number in range(50)))
    assert [row["ID"] for row in rows] == [str(number) for number in range(50)]
    assert [row["row"] for row in rows] == list(range(2, 52))


def test_a_failed_read_leaves_no_file_behind(read, tmp_path):
    with pytest.raises(DataError):
        read(lines(AMO, LEAD) + '18;"Площадка на')
    assert not list((tmp_path / "raw").iterdir())
