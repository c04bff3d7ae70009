"""Dates, money, ids and durations: one decision per column, signs kept, nothing guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente import engine
from detente.audit import AuditError
from detente.intake import dates, money, people, shapes, values


def _column(cells: list[str | None]):
    frame = pd.DataFrame({"row": range(2, 2 + len(cells)), "x": pd.Series(cells, dtype="str")})
    return engine.table(frame)


def read_dates(cells: list[str | None], stated: str | None = None, zone: str = "Europe/Moscow", **options):
    table = _column(cells)
    counted = shapes.count(table, "x")
    form = dates.decide(counted, dates.slash_proof(table, "x", counted), stated, **options)
    form = dates.with_years(form, table, "x")
    converted = table.select("row", y=dates.parse(table.x, form, zone))
    found = engine.frame(converted.select("row", y=dates.believable(converted.y)).order_by("row"))
    return [None if pd.isna(value) else value.to_pydatetime() for value in found["y"]]


def read_money(cells: list[str | None], decimal: str | None = None, unit: str | None = None):
    table = _column(cells)
    counted = shapes.count(table, "x")
    form = money.decide(counted, money.leading_zeros(table, "x", counted), decimal)
    value, _ = money.as_money(table.x, form, unit)
    found = engine.frame(table.select("row", y=value).order_by("row"))
    return [None if pd.isna(value) else Decimal(str(value)) for value in found["y"]]


day = dt.datetime


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            ["01.02.2024", "5.11.2024 9:05", "15.11.2024 09:05:07"],
            [day(2024, 2, 1), day(2024, 11, 5, 9, 5), day(2024, 11, 15, 9, 5, 7)],
        ),
        (
            ["2024-02-01", "2024-02-01 10:11", "2024-02-01T10:11:12.5"],
            [day(2024, 2, 1), day(2024, 2, 1, 10, 11), day(2024, 2, 1, 10, 11, 12, 500_000)],
        ),
        (["03-04-2024"], [day(2024, 4, 3)]),
        (["13/04/2024", "01/02/2024"], [day(2024, 4, 13), day(2024, 2, 1)]),
        (["04/13/2024 1:05 PM", "01/02/2024 12:00 AM"], [day(2024, 4, 13, 13, 5), day(2024, 1, 2)]),
        (["46115", "46115.5"], [day(2026, 4, 3), day(2026, 4, 3, 12)]),
        (["19970103"], [day(1997, 1, 3)]),
    ],
)
def test_a_column_is_read_in_the_form_that_all_its_cells_have(cells, expected):
    assert read_dates(cells) == expected


def test_dots_and_dashes_in_one_column_are_told_apart_by_their_shape():
    assert read_dates(["01.02.2024", "2024-02-01", "01-02-2024"]) == [day(2024, 2, 1)] * 3


@pytest.mark.parametrize(
    "cell", ["31.02.2024", "00.00.0000", "01.01.1970", "30.12.1899", "01.01.0206", "01.01.2162"]
)
def test_impossible_days_and_sentinels_are_no_dates(cell):
    assert read_dates([cell, "01.02.2024"]) == [None, day(2024, 2, 1)]


def test_day_and_month_that_cannot_be_told_apart_are_asked_for():
    with pytest.raises(dates.Unclear) as caught:
        read_dates(["01/02/2024", "03/04/2024"])
    assert caught.value.ambiguous


def test_slashes_are_clear_where_day_and_month_are_the_same_number():
    assert read_dates(["05/05/2024", "06/06/2024"]) == [day(2024, 5, 5), day(2024, 6, 6)]


def test_the_stated_form_decides_what_the_data_leave_open():
    assert read_dates(["01/02/2024"], "dd/mm/yyyy") == [day(2024, 2, 1)]
    assert read_dates(["01/02/2024"], "mm/dd/yyyy") == [day(2024, 1, 2)]
    assert read_dates(["01.02.24 10:30"], "%d.%m.%y %H:%M") == [day(2024, 2, 1, 10, 30)]


def test_a_stated_form_that_is_none_is_an_error_of_audit_yml():
    with pytest.raises(AuditError, match="date_format"):
        read_dates(["01/02/2024"], "day first")


def test_text_in_more_than_one_cell_of_two_hundred_is_no_date_column():
    with pytest.raises(dates.Unclear) as caught:
        read_dates(["01.02.2024"] * 8 + ["soon", "later"])
    assert caught.value.row == 10


def test_one_unreadable_cell_is_tolerated():
    assert read_dates(["01.02.2024"] * 5 + ["soon"])[-1] is None


def test_offsets_are_moved_to_the_business_zone_over_the_clock_change():
    cells = [
        "2011-10-01T00:38:44.546+02:00",
        "2011-10-30T00:30:00Z",
        "2011-10-30T01:30:00Z",
        "2011-11-01T10:00:00+03:00",
    ]
    expected = [
        day(2011, 10, 1, 0, 38, 44, 546_000),
        day(2011, 10, 30, 2, 30),
        day(2011, 10, 30, 2, 30),
        day(2011, 11, 1, 8),
    ]
    assert read_dates(cells, zone="Europe/Amsterdam") == expected


def test_unix_seconds_become_local_time():
    assert read_dates(["1700000000"]) == [day(2023, 11, 15, 1, 13, 20)]


def test_a_month_is_its_first_day_only_where_a_period_is_read():
    assert read_dates(["2024-03", "04.2024"], months=True) == [day(2024, 3, 1), day(2024, 4, 1)]
    with pytest.raises(dates.Unclear):
        read_dates(["2024-03", "04.2024", "05.2024"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.datetimes(dt.datetime(1991, 1, 1), dt.datetime(2099, 1, 1)), min_size=1, max_size=6))
def test_every_written_moment_is_read_back(moments):
    moments = [moment.replace(microsecond=0) for moment in moments]
    assert read_dates([f"{moment:%d.%m.%Y %H:%M:%S}" for moment in moments]) == moments
    assert read_dates([moment.isoformat(" ") for moment in moments]) == moments


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1 234,56 ₽", "1234.56"),
        ("1\u00a0234,50 руб.", "1234.50"),
        ("1\u202f234,5", "1234.50"),
        ("500 р.", "500"),
        ("1'234'567,8", "1234567.80"),
        ("RUB 100", "100"),
        ("−500,10", "-500.10"),
        ("(500)", "-500"),
        ("500-", "-500"),
        ("-500", "-500"),
        ("€ 3.500,00", "3500"),
        ("€ 11398,00", "11398"),
        ("7.11", "7.11"),
        ("1,234,567.5", "1234567.50"),
        ("0", "0"),
        ("1e-05", "0"),
        ("12 thousand", None),
        ("1,23,4", None),
        ("--5", None),
    ],
)
def test_a_sum_of_money_keeps_its_sign_and_its_separators_are_understood(cell, expected):
    assert read_money([cell]) == [None if expected is None else Decimal(expected).quantize(Decimal("0.01"))]


def test_texts_and_plain_numbers_mix_in_one_column():
    assert read_money(["€ 3.500,00", "€ 11398,00", "1000", "7.5"]) == [
        Decimal(text) for text in ("3500.00", "11398.00", "1000.00", "7.50")
    ]


@pytest.mark.parametrize(
    ("beside", "expected"),
    [("2,25", "1.50"), ("0,500", "1.50"), ("2.25", "1500.00"), ("1,234,567", "1500.00")],
)
def test_a_comma_before_three_digits_is_read_by_the_evidence_of_its_column(beside, expected):
    assert read_money(["1,500", beside])[0] == Decimal(expected)


@pytest.mark.parametrize("cells", [["1,500", "200"], ["1.500"], ["1,500", "2,25", "2.25"]])
def test_a_comma_or_point_without_evidence_is_asked_for(cells):
    with pytest.raises(dates.Unclear) as caught:
        read_money(cells)
    assert caught.value.ambiguous


def test_the_stated_decimal_mark_decides():
    assert read_money(["1,500"], "comma") == [Decimal("1.50")]
    assert read_money(["1,500"], "point") == [Decimal("1500.00")]
    assert read_money(["1.500"], "comma") == [Decimal("1500.00")]


def test_a_half_cent_goes_to_the_even_cent():
    cells = ["0.125", "0.135", "-0.125", "-0.135", "2.6749"]
    assert read_money(cells) == [Decimal(text) for text in ("0.12", "0.14", "-0.12", "-0.14", "2.67")]


def test_kopecks_and_micros_become_units():
    assert read_money(["12345", "-5", "7"], unit="kopecks") == [
        Decimal("123.45"),
        Decimal("-0.05"),
        Decimal("0.07"),
    ]
    assert read_money(["1500000", "20000"], unit="micros") == [Decimal("1.50"), Decimal("0.02")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=5),
    st.sampled_from(["ru", "en", "de"]),
)
def test_money_written_in_either_locale_is_read_back(amounts, locale):
    marks = {"ru": str.maketrans(",.", "\u00a0,"), "en": {}, "de": str.maketrans(",.", ".,")}[locale]
    assert read_money([f"{amount:,.2f}".translate(marks) for amount in amounts]) == amounts


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Российский рубль", "RUB"),
        ("руб.", "RUB"),
        ("RUR", "RUB"),
        ("usd", "USD"),
        ("Доллар США", "USD"),
        ("€", "EUR"),
        ("Казахстанский тенге", "KZT"),
        ("Белорусский рубль", "BYN"),
        ("у.е.", None),
    ],
)
def test_a_currency_is_known_by_its_sign_code_or_name(text, code):
    assert money.currency_code(text) == code


def test_ids_lose_only_what_exports_put_around_them():
    cells = ["'00123", "[12] Ivanov", "15.0", "zcrm_77", "1.5E+10", "00045", "5.5"]
    table = _column(cells)
    form = values.id_form(table, "x")
    found = engine.frame(table.select("row", y=values.ids(table.x, form)).order_by("row"))["y"]
    assert found.tolist() == ["00123", "12", "15", "77", "15000000000", "00045", "5.5"]
    assert (form.power, form.power_distinct) == (1, 1)


def test_durations_are_seconds_in_every_form():
    table = _column(["125", "2:05", "0:26:43", "2 days, 0:17:26", "1 day, 0:00:01", "30:00:00", "soon"])
    found = engine.frame(
        table.select("row", y=values.seconds(table.x, shapes.count(table, "x"))).order_by("row")
    )["y"]
    assert found.tolist()[:6] == [125, 125, 1603, 173846, 86401, 108000]
    assert pd.isna(found[6])


@pytest.mark.parametrize(
    ("cell", "text", "flag"),
    [
        ("%D1%82%D0%B5%D1%81%D1%82+one", "тест one", ""),
        ("{campaign_id}", None, "unexpanded_macro"),
        ("_{region_name}_", None, "unexpanded_macro"),
        ("{a}|{b}", None, "unexpanded_macro"),
        ("100%", "100%", ""),
        ("it%20career%20hub", "it career hub", ""),
        ("(not set)", None, ""),
        ("a\u202eb\u200bc\x07", "abc", ""),
    ],
)
def test_advertising_marks_are_unescaped_and_unfilled_macros_are_no_values(cell, text, flag):
    found = values.mark(cell, values.headings.NULL_MARKS)
    assert (found.text, found.flag) == (text, flag)


def test_markup_in_text_stays_what_it_is():
    assert values.plain("<script>alert(1)</script>", frozenset()).text == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("+7 916 123-45-67", "+79161234567"),
        ("8 (916) 123 45 67", "+79161234567"),
        ("9161234567", "+79161234567"),
        ("79161234567", "+79161234567"),
        ("моб. 8-916-123-45-67 Анна", "+79161234567"),
        ("8 495 123-45-67, 8 916 123-45-67", "+74951234567"),
        ("+49 30 901820", "+4930901820"),
        ("7.9E+10", None),
        ("123", None),
        ("нет телефона", None),
        ("+7 930 999 99 99", "+79309999999"),
    ],
)
def test_a_phone_has_one_spelling(cell, expected):
    assert people.phone(cell, "RU") == expected


def test_the_short_way_for_mobiles_says_what_the_library_says():
    import phonenumbers

    for start in [*range(900, 930), *range(940, 1000)]:
        number = phonenumbers.parse(f"8{start}1234567", "RU")
        assert phonenumbers.is_valid_number(number)
        assert people.phone(f"8{start}1234567", "RU") == phonenumbers.format_number(number, 0)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (" Anna@Example.COM ", "anna@example.com"),
        ("mailto:a@b.ru", "a@b.ru"),
        ("Anna <a.b+c@d-e.org>", "a.b+c@d-e.org"),
        ("no mail", None),
    ],
)
def test_an_email_has_one_spelling(cell, expected):
    assert people.email(cell) == expected


@pytest.mark.parametrize(
    ("title", "is_test"),
    [
        ("тест", True),
        ("Заявка ТЕСТ", True),
        ("(test)", True),
        ("тест-драйв", True),
        ("тестомес", False),
        ("Тестов", False),
        ("протестантский", False),
        ("контест", False),
        ("Latest", False),
    ],
)
def test_a_test_is_a_whole_word(title, is_test):
    table = _column([title])
    found = engine.frame(table.select(y=people.holds_word(table.x, ["тест", "test"])))["y"][0]
    assert bool(found) is is_test


def test_a_task_title_keeps_no_names_and_no_numbers():
    titles = [f"Перезвонить Иванову {number} по договору +7916123456{number}" for number in range(5)]
    titles += ["Сидоров просил a.b@c.ru"]
    assert people.wording(titles) == ["Перезвонить по договору"] * 5 + ["просил"]


def test_a_pseudonym_depends_on_key_and_kind():
    one = people.pseudonym(b"k" * 32, "phone", "+79161234567")
    assert len(one) == 16
    assert one == people.pseudonym(b"k" * 32, "phone", "+79161234567")
    assert one != people.pseudonym(b"q" * 32, "phone", "+79161234567")
    assert one != people.pseudonym(b"k" * 32, "deal", "+79161234567")
