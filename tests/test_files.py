"""Readers of exports: every dirty file is read right, remarked on, or refused with what to do."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from detente.audit import AuditError, Source
from detente.intake import files, layout, sheets
from detente.schema import DataError

REAL = Path(__file__).parents[2] / "shared" / "data"
AMO = ("ID", "Название сделки", "Бюджет", "Дата создания сделки", "Этап сделки", "Воронка", "Источник")
LEAD = ("17", "Площадка во двор", "1500", "01.02.2026 10:00:00", "Первый контакт", "Воронка", "Яндекс")


def lines(*rows, separator=";", end="\r\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


@pytest.fixture
def read(tmp_path):
    """Write bytes, text or a workbook as an export and read it: (raw, its rows as dicts)."""

    def reader(content, name="export.csv", table="deals", **stated):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8", newline="")
        else:
            workbook(path, content)
        raw = files.read(path, Source(file=name, **stated), None, tmp_path / "raw", table)
        return raw, pq.read_table(raw.path).to_pylist()

    return reader


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


# ---- encodings and separators


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "koi8-r", "cp866", "utf-16"])
def test_russian_headings_and_cells_survive_every_usual_encoding(read, encoding):
    raw, rows = read(lines(AMO, LEAD).encode(encoding))
    assert raw.headings == AMO
    assert rows == [{"row": 2, **dict(zip(AMO, LEAD, strict=True))}]


def test_utf16_big_endian_with_tabs_is_read(read):
    raw, rows = read(b"\xfe\xff" + lines(AMO, LEAD, separator="\t").encode("utf-16-be"))
    assert raw.separator == "\t"
    assert rows[0]["Источник"] == "Яндекс"


def test_a_mostly_latin_cp1251_file_is_not_taken_for_a_central_european_one(read):
    plain = [
        (str(number), f"lead {number}", "10", "01.02.2026", "New", "Main", "google") for number in range(300)
    ]
    raw, rows = read(lines(AMO, *plain, LEAD).encode("cp1251"))
    assert raw.encoding == "cp1251"
    assert rows[-1]["Название сделки"] == "Площадка во двор"


def test_zero_bytes_without_a_mark_are_refused_with_a_way_out(read):
    with pytest.raises(DataError, match="Save it as CSV UTF-8"):
        read(lines(("ID", "Stage"), ("1", "New")).encode("utf-16-le"))


def test_the_stated_encoding_wins_and_a_wrong_one_is_named(read):
    raw, _ = read(lines(AMO, LEAD).encode("cp1251"), encoding="cp1251")
    assert raw.encoding == "cp1251"
    with pytest.raises(DataError, match=r"sources\.deals\.encoding"):
        read(lines(AMO, LEAD).encode("cp1251"), encoding="utf-8")


def test_one_broken_byte_does_not_turn_a_utf8_file_into_mojibake(read):
    content = lines(AMO, *[LEAD] * 20).encode() + b"18;\xff;1;01.02.2026;\xd0\x90;\xd0\x91;\xd0\x92\r\n"
    raw, rows = read(content)
    assert rows[0]["Источник"] == "Яндекс"
    assert only(raw, "bad_bytes").rows == 1


def test_cells_of_question_marks_are_refused_because_the_letters_are_gone(read):
    rows = [("1", "?????? ????", "5", "01.02.2026", "????", "????", "????")] * 10
    with pytest.raises(DataError, match="letters were lost.*UTF-8"):
        read(lines(AMO, *rows))


def test_headings_of_question_marks_are_refused(read):
    with pytest.raises(DataError, match="headings are only question marks"):
        read(lines(("ID", "???? ??????", "????? ??????", "??????"), ("1", "a", "b", "c")))


@pytest.mark.parametrize(
    ("was", "taken_for"),
    [("utf-8", "cp1251"), ("utf-8", "latin-1"), ("cp1251", "latin-1"), ("cp1251", "cp1252")],
)
def test_mojibake_is_undone_where_that_makes_the_headings_known(read, was, taken_for):
    spoilt = lines(AMO, LEAD).encode(was)
    if taken_for == "cp1251":  # 0x98 has no letter in cp1251: programs pass it on as a control character
        spoilt = "".join(bytes([byte]).decode("cp1251", "ignore") or chr(byte) for byte in spoilt)
    else:
        spoilt = spoilt.decode(taken_for)
    raw, rows = read(spoilt)
    assert raw.headings == AMO
    assert rows[0]["Название сделки"] == "Площадка во двор"
    assert only(raw, "mojibake").action == "fixed"


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_told_though_cells_hold_the_others(read, separator):
    first = [cell if separator != ";" else cell for cell in LEAD]
    first[1] = '"Горка, качели; песочница | беседка"'
    raw, rows = read(lines(AMO, first, separator=separator))
    assert raw.separator == separator
    assert rows[0]["Название сделки"] == "Горка, качели; песочница | беседка"


def test_a_first_line_that_declares_the_separator_is_obeyed_and_is_no_heading(read):
    raw, rows = read("sep=|\r\n" + lines(AMO, LEAD, separator="|"))
    assert (raw.separator, raw.header_row, rows[0]["row"]) == ("|", 2, 3)


def test_decimal_commas_do_not_pass_for_separators(read):
    raw, _ = read(
        "Дата;Кампания;Расход (руб.)\n01.02.2026;Поиск;10,55\n02.02.2026;Поиск;11,20\n", table="spend"
    )
    assert raw.separator == ";"


def test_a_gzip_file_is_unpacked_and_a_cut_one_refused(read):
    packed = gzip.compress(lines(AMO, *[LEAD] * 5000).encode())
    raw, rows = read(packed, "deals.csv.gz")
    assert (raw.rows, len(rows)) == (5000, 5000)
    with pytest.raises(DataError, match="cut"):
        read(packed[:-200], "deals.csv.gz")


# ---- where the table begins and ends


def test_title_lines_above_the_headings_are_skipped_and_row_numbers_stay_those_of_the_file(read):
    title = "Отчет по кампаниям\nПериод: 01.02.2026 - 28.02.2026\nКлиент: demo\n\n"
    body = "Дата;Кампания;Показы;Клики;Расход (руб.)\n01.02.2026;Поиск;100;5;10,50\nИтого;;100;5;10,50\n"
    raw, rows = read(title + body, table="spend")
    assert raw.header_row == 5
    assert [(row["row"], row["Расход (руб.)"]) for row in rows] == [(6, "10,50")]
    assert (only(raw, "footer").action, only(raw, "footer").places) == ("dropped", (7,))


def test_the_stated_heading_row_is_obeyed(read):
    raw, rows = read("ID;Этап сделки;Бюджет\nкод;этап;сумма\n1;Новый;5\n", header_row=2)
    assert raw.headings == ("код", "этап", "сумма")
    assert rows[0]["row"] == 3
    with pytest.raises(AuditError, match=r"sources\.deals\.header_row: .*no filled row 9"):
        read("ID;Этап сделки\n1;Новый\n", header_row=9)


@pytest.mark.parametrize(
    "footer",
    [
        "Итого;;;30",
        "Всего:;;;30",
        "Total;;;30",
        "Total: Account;--;--;30.00",
        "Total rows: 2",
        "Сальдо на конец;;;30",
    ],
)
def test_total_lines_are_dropped_and_counted(read, footer):
    content = f"Day;Campaign;Clicks;Cost\n2026-02-01;A;1;10\n2026-02-02;B;1;20\n{footer}\n"
    raw, rows = read(content, table="spend")
    assert [row["Cost"] for row in rows] == ["10", "20"]
    assert (raw.rows, only(raw, "footer").rows) == (3, 1)


def test_a_campaign_called_total_is_no_total_line(read):
    _, rows = read(
        "Campaign;Day;Clicks;Cost\nTotal Brand;2026-02-01;1;10\nИтоговая;2026-02-02;1;20\n", table="spend"
    )
    assert [row["Campaign"] for row in rows] == ["Total Brand", "Итоговая"]


def test_the_copyright_block_of_salesforce_is_dropped_with_the_report_name(read):
    data = 'Opportunity ID,Stage,Amount,Created Date\n"0065g00000A1bcD","Closed Won","10","1/2/2026"\n'
    block = (
        '\n"Pipeline 2026"\n"Copyright (c) 2000-2026 salesforce.com, inc."\n'
        '"Confidential Information - Do Not Distribute"\n"Generated By:  A. Person  1/3/2026"\n'
    )
    raw, rows = read(data + block)
    assert [row["Opportunity ID"] for row in rows] == ["0065g00000A1bcD"]
    assert (only(raw, "footer").rows, only(raw, "blank_row").rows, raw.rows) == (4, 1, 6)


def test_the_total_row_of_meta_without_a_campaign_name_is_dropped(read):
    content = (
        "Reporting starts,Reporting ends,Campaign name,Ad delivery,Amount spent (RUB),Impressions,Reach\n"
        "2026-02-01,2026-02-28,,,30.5,300,250\n2026-02-01,2026-02-28,Brand,active,30.5,300,250\n"
    )
    raw, rows = read(content, table="spend")
    assert raw.profile.name == "Meta Ads"
    assert [row["Campaign name"] for row in rows] == ["Brand"]
    assert only(raw, "footer").places == (2,)


def test_the_empty_last_column_of_bitrix_is_no_column(read):
    content = '"ID";"Стадия сделки";"Сумма";"Дата создания";\n"1";"Новая";"5";"01.02.2026";\n'
    raw, rows = read(content)
    assert raw.headings == ("ID", "Стадия сделки", "Сумма", "Дата создания")
    assert len(rows) == 1
    assert not raw.remarks


def test_two_heading_rows_under_merged_cells_become_one(read):
    raw, rows = read(
        {
            "Счет 51": [
                ["Карточка счета 51"],
                ["Период", "Документ", "Дебет", "", "Кредит", "", "Текущее сальдо"],
                ["", "", "Счет", "Сумма", "Счет", "Сумма", ""],
                ["Сальдо на начало", "", "", "", "", "", 0],
                ["01.02.2026", "Поступление 1", "51", 500.5, "62.01", 500.5, 500.5],
                ["Обороты за период", "", "", 500.5, "", "", ""],
            ]
        },
        "card.xlsx",
        table="payments",
    )
    assert "Дебет / Сумма" in raw.headings
    assert [(row["row"], row["Дебет / Сумма"]) for row in rows] == [(5, "500.5")]
    assert only(raw, "footer").rows == 2


# ---- rows that are broken


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


# ---- cells


def test_excel_errors_become_empty_cells_with_a_remark_by_column(read):
    raw, rows = read("ID;Этап сделки;Бюджет\n1;Новый;#N/A\n2;#ДЕЛ/0!;5\n3;Новый;#REF!\n")
    assert [row["Бюджет"] for row in rows] == [None, "5", None]
    assert {(loss.column, loss.rows, loss.places) for loss in remarks(raw, "excel_error")} == {
        ("Бюджет", 2, (2, 4)),
        ("Этап сделки", 1, (3,)),
    }


def test_cells_are_trimmed_of_spaces_and_invisible_marks_and_otherwise_untouched(read):
    _, rows = read("ID;Этап сделки;Бюджет\n\u00a000123 ;\u200bНо\u00advый\ufeff ; NA\n")
    assert rows[0] == {"row": 2, "ID": "00123", "Этап сделки": "Ноvый", "Бюджет": "NA"}


def test_repeated_headings_get_a_number_and_an_unnamed_column_its_place(read):
    raw, rows = read("ID;Этап сделки;Источник;;Источник ;Cтатус;Статус;row\n1;a;b;c;d;e;f;g\n")
    assert raw.headings == (
        "ID", "Этап сделки", "Источник", "(column 4)", "Источник (2)", "Cтатус", "Статус (2)", "row (2)",
    )  # fmt: skip
    assert (rows[0]["row"], rows[0]["row (2)"], rows[0]["(column 4)"]) == (2, "g", "c")


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


# ---- which sheet, which kind of file


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


# ---- limits


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


# ---- Parquet


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


def test_a_failed_read_leaves_no_file_behind(read, tmp_path):
    with pytest.raises(DataError):
        read(lines(AMO, LEAD) + '18;"Площадка на')
    assert not list((tmp_path / "raw").iterdir())


def test_messages_never_show_a_cell(read):
    with pytest.raises(DataError) as caught:
        read(lines(AMO, LEAD) + '18;"Иванов Иван +79001234567')
    assert "Иванов" not in str(caught.value)
    assert "7900" not in str(caught.value)


# ---- real exports


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


def test_blank_lines_near_the_headings_are_counted_too(read):
    raw, rows = read(lines(AMO, [""], LEAD, [""], LEAD))
    assert (raw.rows, len(rows), only(raw, "blank_row").places) == (4, 2, (2, 4))
    assert [row["row"] for row in rows] == [3, 5]


def test_an_unknown_encoding_in_audit_yml_is_an_error_of_audit_yml(read):
    with pytest.raises(AuditError, match=r"sources\.deals\.encoding: there is no encoding «cp1252x»"):
        read(lines(AMO, LEAD), encoding="cp1252x")


@pytest.mark.parametrize("table", ["leads", "stages", "spend", "payments", "calls", "tasks", "plan"])
def test_every_table_finds_its_headings_below_title_lines(read, table):
    headings = {
        "leads": "ID лида;Дата создания;Статус лида", "stages": "ID сделки;Дата перехода;Новый этап",
        "spend": "Дата;Источник;Расход, руб.", "payments": "Дата платежа;Сумма платежа;ID сделки",
        "calls": "Дата звонка;Длительность;Телефон", "tasks": "ID сделки;Срок;Задача",
        "plan": "Месяц;Показатель;План",
    }[table]  # fmt: skip
    raw, rows = read(f"Выгрузка за февраль\nСоздано роботом;;\n{headings}\n1;2;3\n", table=table)
    assert (raw.header_row, rows[0]["row"], raw.headings) == (3, 4, tuple(headings.split(";")))


def test_a_bank_statement_of_1c_is_refused_with_a_way_out(read):
    with pytest.raises(DataError, match="1C bank statement.*XLSX"):
        read("1CClientBankExchange\r\nВерсияФормата=1.03\r\nКонецФайла\r\n".encode("cp1251"), "kl_to_1c.txt")
