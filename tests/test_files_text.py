"""The text of an export: its encoding, its separator, its cells; what cannot be read right is refused."""

from __future__ import annotations

import gzip

import pytest

from detente.audit import AuditError
from detente.schema import DataError
from export_files import AMO, LEAD, lines, only, remarks


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


def test_an_unknown_encoding_in_audit_yml_is_an_error_of_audit_yml(read):
    with pytest.raises(AuditError, match=r"sources\.deals\.encoding: there is no encoding «cp1252x»"):
        read(lines(AMO, LEAD), encoding="cp1252x")


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


def test_messages_never_show_a_cell(read):
    with pytest.raises(DataError) as caught:
        read(lines(AMO, LEAD) + '18;"Иванов Иван +79001234567')
    assert "Иванов" not in str(caught.value)
    assert "7900" not in str(caught.value)
