"""Numbers as a Russian and an English reader write them; expected values come from the style sheet, not the code."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from babel.numbers import format_decimal

from detente.present import numbers

S, M = "\u00a0", "\u2212"  # no-break space, minus


@pytest.mark.parametrize(
    ("written", "ru", "en"),
    [
        (lambda lang: numbers.number(1234.5, lang), f"1{S}234,5", "1,234.5"),
        (lambda lang: numbers.number(-6, lang), f"{M}6", f"{M}6"),
        (lambda lang: numbers.count(1234567, lang), f"1{S}234{S}567", "1,234,567"),
        (lambda lang: numbers.money(48700, "RUB", lang), f"48{S}700{S}₽", "₽48,700"),
        (lambda lang: numbers.money(-1500, "RUB", lang), f"{M}1{S}500{S}₽", f"{M}₽1,500"),
        (lambda lang: numbers.money(Decimal("12.4"), "EUR", lang), f"12,40{S}€", "€12.40"),
        (lambda lang: numbers.money(1200, "CHF", lang), f"1{S}200{S}CHF", f"CHF{S}1,200"),
        (lambda lang: numbers.percent(0.62, lang), f"62{S}%", "62%"),
        (lambda lang: numbers.percent(0.0412, lang), f"4,1{S}%", "4.1%"),
        (lambda lang: numbers.percent_range((0.58, 0.66), lang), f"58–66{S}%", "58–66%"),
        (lambda lang: numbers.percent_range((0.616, 0.624), lang), f"61,6–62,4{S}%", "61.6–62.4%"),
        (
            lambda lang: numbers.money_range((310000, 540000), "RUB", lang),
            f"310{S}000–540{S}000{S}₽",
            "₽310,000–540,000",
        ),
        (lambda lang: numbers.points(0.04, lang), f"4{S}п.п.", f"4{S}pp"),
        (lambda lang: numbers.points_range((-0.02, 0.06), lang), f"от {M}2 до 6{S}п.п.", f"{M}2 to 6{S}pp"),
        (lambda lang: numbers.times(5, lang), "5,0×", "5.0×"),
        (lambda lang: numbers.times(0.06, lang), "0,06×", "0.06×"),
        (lambda lang: numbers.times(0.0004, lang), "<0,01×", "<0.01×"),
        (lambda lang: numbers.times(1234.4, lang), f"1{S}234×", "1,234×"),
        (lambda lang: numbers.times_range((0.5, 12), lang), "0,50–12,0×", "0.50–12.0×"),
        (lambda lang: numbers.times_range((-0.5, 2), lang), f"от {M}0,50 до 2,0×", f"{M}0.50 to 2.0×"),
        (lambda lang: numbers.months(5, lang), f"5{S}месяцев", f"5{S}months"),
        (lambda lang: numbers.months(5.54, lang), f"5,5{S}месяца", f"5.5{S}months"),
        (lambda lang: numbers.hours(1, lang), f"1{S}час", f"1{S}hour"),
        (lambda lang: numbers.hours(1234.4, lang), f"1{S}234{S}часа", f"1,234{S}hours"),
        (lambda lang: numbers.date(dt.date(2026, 6, 30), lang), "30.06.2026", "30 Jun 2026"),
        (lambda lang: numbers.month("2026-06", lang), "июнь 2026", "Jun 2026"),
        (lambda lang: numbers.month_short("2026-01", lang), "янв 26", "Jan 26"),
    ],
)
def test_a_value_is_written_as_its_reader_writes_it(written, ru: str, en: str) -> None:
    assert (written("ru"), written("en")) == (ru, en)


@pytest.mark.parametrize("value", [0, 7, 999, 1000, 12345, 987654321, -4321])
@pytest.mark.parametrize("language", ["ru", "en"])
def test_digits_are_grouped_as_babel_groups_them(value: int, language) -> None:
    expected = format_decimal(value, locale=numbers.LOCALES[language]).replace("-", M)
    assert numbers.count(value, language) == expected


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_is_not_known_is_a_dash_and_never_a_zero(nothing) -> None:
    said = [
        numbers.number(nothing, "ru"),
        numbers.count(nothing, "ru"),
        numbers.times(nothing, "ru"),
        numbers.times_range((nothing, 1), "ru"),
        numbers.months(nothing, "ru"),
        numbers.hours(nothing, "ru"),
        numbers.percent(nothing, "ru"),
        numbers.points(nothing, "ru"),
        numbers.money(nothing, "RUB", "ru"),
        numbers.percent_range((0.1, nothing), "ru"),
        numbers.money_range((nothing, 1), "RUB", "ru"),
        numbers.date(nothing, "ru"),
    ]
    assert said == ["—"] * len(said)


@pytest.mark.parametrize(
    ("share", "text"), [(0.0004, "<0.1%"), (0.9996, ">99.9%"), (0.0, "0%"), (1.0, "100%")]
)
def test_none_and_all_are_said_only_of_none_and_all(share: float, text: str) -> None:
    assert numbers.percent(share, "en") == text


@pytest.mark.parametrize(("share", "text"), [(0.125, "13%"), (0.285, "29%"), (0.845, "85%")])
def test_a_half_is_rounded_up_as_readers_do(share: float, text: str) -> None:
    assert numbers.percent(share, "en") == text


def test_a_range_with_a_negative_end_has_a_word_between() -> None:
    assert numbers.money_range((-5, 10), "RUB", "en") == f"{M}₽5 to ₽10"
    assert numbers.money_range((-5, 10), "RUB", "ru") == f"от {M}5 до 10{S}₽"


def test_a_rounded_zero_has_no_minus() -> None:
    assert numbers.number(-0.001, "ru") == "0"


def test_an_infinite_number_is_refused() -> None:
    with pytest.raises(ValueError, match="infinite"):
        numbers.number(math.inf, "en")
