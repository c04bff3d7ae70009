"""Workbooks and whatever else goes by their names: which sheet is read, and which file is refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from detente.audit import AuditError, Source
from detente.intake import files, sheets
from detente.schema import DataError
from export_files import AMO, LEAD, lines, only, workbook


def test_workbook_cells_become_text_without_loss(read):
    headings = ("ID", "Бюджет", "Дата создания сделки", "Время", "SLA", "Этап сделки")
    cells = (
        "4611686018427387904",
        7.11,
        dt.datetime(2026, 2, 1, 9, 5),
        dt.time(9, 5, 7),
        dt.timedelta(hours=50),
        True,
    )
    raw, rows = read(
        {"Сделки": [headings, cells, ("007", 123, dt.datetime(2026, 2, 1), None, None, "Новый")]}, "a.xlsx"
    )
    assert list(rows[0].values()) == [
        2,
        "4611686018427387904",
        "7.11",
        "2026-02-01 09:05:00",
        "09:05:07",
        "50:00:00",
        "true",
    ]
    assert list(rows[1].values()) == [3, "007", "123", "2026-02-01", None, None, "Новый"]
    assert (raw.sheet, raw.header_row) == ("Сделки", 1)


def test_a_number_too_long_for_a_number_cell_is_flagged_as_having_lost_digits(read):
    raw, rows = read(
        {"Deals": [("Этап сделки", "ID", "Бюджет"), ("Новый", 5805028000030850048.0, 9007199254740991)]},
        "a.xlsx",
    )
    assert rows[0]["ID"] == "5805028000030850048"
    assert rows[0]["Бюджет"] == "9007199254740991"
    loss = only(raw, "id_precision")
    assert (loss.action, loss.column, loss.places) == ("flagged", "ID", (2,))


def test_the_sheet_with_the_known_headings_is_read(read):
    raw, _ = read(
        {"Обложка": [["Выгрузка"]], "Данные": [AMO, LEAD], "Справка": [["Этап сделки", "Смысл"]]}, "a.xlsx"
    )
    assert raw.sheet == "Данные"


def test_two_sheets_alike_are_refused_and_the_key_is_named(read):
    with pytest.raises(DataError, match=r"«Январь», «Февраль».*sources\.deals\.sheet"):
        read({"Январь": [AMO, LEAD], "Февраль": [AMO, LEAD]}, "a.xlsx")


def test_the_stated_sheet_is_read_and_a_missing_one_refused(read):
    raw, _ = read({"Январь": [AMO, LEAD], "Февраль": [AMO, LEAD]}, "a.xlsx", sheet="Февраль")
    assert raw.sheet == "Февраль"
    with pytest.raises(AuditError, match=r"sources\.deals\.sheet: .*no sheet «Март»; it has «Январь»"):
        read({"Январь": [AMO, LEAD]}, "a.xlsx", sheet="Март")


def test_data_on_a_hidden_sheet_are_not_read_unless_stated(read):
    content = {"Вид": [["Отчет"]], "!Скрытый": [AMO, LEAD]}
    with pytest.raises(DataError, match=r"hidden sheet «Скрытый».*sources\.deals\.sheet"):
        read(content, "a.xlsx")
    raw, rows = read(content, "a.xlsx", sheet="Скрытый")
    assert len(rows) == 1
    assert only(raw, "hidden_sheet")


def test_a_workbook_named_csv_and_a_tsv_named_xls_are_read_by_what_they_are(read):
    raw, _ = read({"Deals": [AMO, LEAD]}, "deals.xlsx")
    content = raw.path.parent.parent.joinpath("deals.xlsx").read_bytes()
    assert read(content, "deals.csv")[0].sheet == "Deals"
    assert read(lines(AMO, LEAD, separator="\t").encode("utf-16"), "deals.xls")[0].separator == "\t"


def test_an_html_table_named_xls_keeps_leading_zeros_plus_signs_and_the_word_na(read):
    table = "".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
        for row in [
            AMO,
            ("0017", "NA", "1,500", "01.02.2026", "Новая<br>сделка", "+7 900 000-00-00", "&lt;b&gt; &amp;"),
        ]
    )
    raw, rows = read(
        f'<meta http-equiv="Content-type" content="text/html" /><table border="1">{table}</table>',
        "deals.xls",
    )
    assert raw.headings == AMO
    assert list(rows[0].values()) == [
        2, "0017", "NA", "1,500", "01.02.2026", "Новая\nсделка", "+7 900 000-00-00", "<b> &",
    ]  # fmt: skip


def test_an_html_table_in_cp1251_with_spans_stays_in_its_columns(read):
    page = (
        "<html><head></head><body><table><tr><td colspan=3>Выгрузка сделок</td></tr>"
        "<tr><th>ID</th><th>Этап сделки</th><th>Бюджет</th></tr>"
        "<tr><td>1</td><td colspan=2>Новый</td></tr><tr><td rowspan=2>2</td><td>Новый</td><td>5</td></tr>"
        "<tr><td>Старый</td><td>6</td></tr></table></body></html>"
    )
    raw, rows = read(page.encode("cp1251"), "deals.xls")
    assert raw.header_row == 2
    assert [list(row.values()) for row in rows] == [
        [3, "1", "Новый", None], [4, "2", "Новый", "5"], [5, None, "Старый", "6"],
    ]  # fmt: skip


def test_an_html_table_that_does_not_end_is_refused(read):
    with pytest.raises(DataError, match="cut"):
        read("<table><tr><td>ID</td><td>Этап сделки</td></tr><tr><td>1</td>", "deals.xls")


def test_a_locked_workbook_is_refused_with_how_to_unlock_it(read):
    content = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(1000)
        + "EncryptedPackage".encode("utf-16-le")
        + bytes(100)
    )
    with pytest.raises(DataError, match="password.*Encrypt with Password"):
        read(content, "locked.xlsx")


def test_a_cut_workbook_is_refused(read, tmp_path):
    workbook(tmp_path / "whole.xlsx", {"Deals": [AMO, *[LEAD] * 500]})
    content = (tmp_path / "whole.xlsx").read_bytes()
    with pytest.raises(DataError, match="cut"):
        read(content[: len(content) // 2], "cut.xlsx")


def test_a_damaged_workbook_is_refused_without_a_traceback(read):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(DataError, match="cannot be read"):
        read(packed.getvalue(), "bad.xlsx")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(read):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(60 << 20))
    with pytest.raises(DataError, match="refused as unsafe"):
        read(packed.getvalue(), "bomb.xlsx")


def test_an_archive_json_and_xml_are_refused_by_name_of_what_to_do(read):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("deals.csv", "ID;Stage\n1;New\n")
    with pytest.raises(DataError, match="Unpack it"):
        read(packed.getvalue(), "deals.zip")
    with pytest.raises(DataError, match="Export it as CSV or XLSX"):
        read('{"deals": []}', "deals.json")


def test_formulas_that_were_never_computed_and_hidden_rows_are_remarked(read, tmp_path):
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Deals")
    for place, (heading, cell) in enumerate(zip(AMO, LEAD, strict=True)):
        sheet.write(0, place, heading)
        sheet.write(1, place, cell)
        sheet.write(2, place, cell)
    sheet.write_formula(1, 2, "=1+1", None, "")
    sheet.write_formula(2, 2, "=NA()", None, "#N/A")
    sheet.set_row(2, None, None, {"hidden": True})
    book.close()
    stripped = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(stripped, "w") as out:
        for name in whole.namelist():
            out.writestr(name, whole.read(name).replace(b' t="str"><f>1+1</f><v></v>', b"><f>1+1</f><v></v>"))
    raw = files.read(stripped, Source(file="b.xlsx"), None, tmp_path / "raw", "deals")
    assert only(raw, "formula_without_value").rows == 1
    assert only(raw, "hidden_rows").rows == 1
    assert only(raw, "excel_error").rows == 1
    assert raw.rows == 2


def test_a_note_beside_the_table_of_a_sheet_costs_no_row(read):
    raw, rows = read({"Deals": [AMO, [*LEAD, None, "позвонить!"], LEAD]}, "a.xlsx")
    assert len(rows) == 2
    assert only(raw, "unnamed_column").places == (2,)


def test_parquet_columns_become_exact_text_with_row_numbers_from_one(read):
    table = pa.table(
        {
            "Id": pa.array([4611686018427387905, 2, None], pa.int64()),
            "Stage": ["  New ", "", None],
            "Amount": [123.0, 7.11, None],
            "Created Time": pa.array([dt.datetime(2026, 2, 1, 9, 5), None, None], pa.timestamp("us")),
            "row": ["x", None, None],
        }
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    raw, rows = read(target.getvalue(), "deals.parquet")
    assert raw.headings == ("Id", "Stage", "Amount", "Created Time", "row (2)")
    assert [list(row.values()) for row in rows] == [
        [1, "4611686018427387905", "New", "123", "2026-02-01 09:05:00", "x"],
        [2, "2", None, "7.11", None, None],
    ]
    assert (raw.rows, only(raw, "blank_row").rows) == (3, 1)


def test_numbers_of_workbooks_are_written_as_a_person_reads_them():
    assert sheets.exact(123.0) == "123"
    assert sheets.exact(-7.1) == "-7.1"
    assert sheets.exact(1e22) == "10000000000000000000000"
    assert sheets.exact(dt.datetime(2026, 2, 1, 9, 59, 59, 999_999)) == "2026-02-01 10:00:00"
    assert sheets.exact(dt.timedelta(days=2, minutes=17, seconds=26)) == "48:17:26"
    assert sheets.exact(dt.timedelta(seconds=-90)) == "-0:01:30"


def test_an_open_document_sheet_is_read(read):
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row>{''.join(cell.format(text) for text in row)}</table:table-row>"
        for row in (AMO, LEAD)
    )
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {names}><office:body><office:spreadsheet>'
        f'<table:table table:name="Deals">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    raw, found = read(packed.getvalue(), "deals.ods")
    assert (raw.sheet, raw.headings) == ("Deals", AMO)
    assert found[0]["Название сделки"] == "Площадка во двор"


def test_a_bank_statement_of_1c_is_refused_with_a_way_out(read):
    with pytest.raises(DataError, match="1C bank statement.*XLSX"):
        read("1CClientBankExchange\r\nВерсияФормата=1.03\r\nКонецФайла\r\n".encode("cp1251"), "kl_to_1c.txt")
