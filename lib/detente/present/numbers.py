"""Numbers, money, dates and percents as a Russian or an English reader writes them: the one module for it.

An undefined value (None, NaN) is an em dash, never 0. A group of digits is kept together by a no-break space.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import pandas as pd
from babel import dates, numbers, units

Language = Literal["ru", "en"]
LOCALES = {"ru": "ru_RU", "en": "en_US"}
SYMBOLS = {"RUB": "₽", "EUR": "€", "USD": "$", "GBP": "£", "KZT": "₸", "BRL": "R$"}
NONE, MINUS, NBSP = "—", "\u2212", "\u00a0"
FEW = 5  # a share of fewer is told by its counts, never in percent


def undefined(value: object) -> bool:
    """Whether there is no number to print."""
    return value is None or (not isinstance(value, str) and bool(pd.isna(value)))


def number(value: float, language: Language, digits: int = 2) -> str:
    """A plain number with at most `digits` decimals.

    >>> number(1234.5, "ru")
    '1\\xa0234,5'
    """
    if undefined(value):
        return NONE
    if not math.isfinite(value):
        raise ValueError("an infinite number is never printed; say what it is above")
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    text = numbers.format_decimal(_rounded(value, digits), format=pattern, locale=LOCALES[language])
    text = text.replace("-", MINUS)
    return text.removeprefix(MINUS) if text.strip(f"{MINUS}0,.") == "" else text


def _rounded(value: float | Decimal, digits: int) -> Decimal:
    """Halves go away from zero, as a reader rounds."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _hundredfold(share: float) -> Decimal:
    """A share in percent, exactly: 0.285 is 28.5 and not 28.499999999999996."""
    return Decimal(str(share)) * 100


def count(value: float, language: Language) -> str:
    """A whole number: 1 234 567."""
    return NONE if undefined(value) else number(value, language, 0)


def percent(share: float, language: Language) -> str:
    """A share 0..1 in percent: whole between 10 and 90, one decimal nearer to the ends, never a false 0 or 100.

    >>> percent(0.623, "en"), percent(0.0412, "en"), percent(0.0004, "en")
    ('62%', '4.1%', '<0.1%')
    """
    if undefined(share):
        return NONE
    return _percent_digits(share, language) + _sign(language)


def _percent_digits(share: float, language: Language) -> str:
    if 0 < share < 0.0005:
        return "<" + number(0.1, language, 1)
    if 0.9995 <= share < 1:
        return ">" + number(99.9, language, 1)
    whole = 0.0995 <= abs(share) <= 0.9005 or share in (0, 1)
    return number(_hundredfold(share), language, 0 if whole else 1)


def _sign(language: Language) -> str:
    return f"{NBSP}%" if language == "ru" else "%"


def percent_range(interval: tuple[float, float], language: Language) -> str:
    """An interval of shares with one sign: 58–66 %."""
    low, high = interval
    if undefined(low) or undefined(high):
        return NONE
    digits = _common_digits(low, high)
    ends = [_end(end, language, digits) for end in interval]
    return _joined(ends, low, high, language) + _sign(language)


def _end(share: float, language: Language, digits: int) -> str:
    """One end of an interval; one so near to 0 or 100 that it would read as that is told apart."""
    if 0 < share < 0.0005 or 0.9995 <= share < 1:
        return _percent_digits(share, language)
    return number(_hundredfold(share), language, digits)


def _joined(ends: list[str], low: float, high: float, language: Language) -> str:
    """58–66; where a minus would stand beside the dash, from one end to the other in words."""
    dash = _dash(low, high, language)
    return ("от " if language == "ru" and dash != "–" else "") + dash.join(ends)


def _dash(low: float, high: float, language: Language) -> str:
    """Between two ends: a dash, or a word where a minus would stand beside it."""
    return (" до " if language == "ru" else " to ") if low < 0 or high < 0 else "–"


def _common_digits(low: float, high: float) -> int:
    """Whole percents for both ends, unless the interval is narrower than two or an end would read as 0 or 100."""
    false_end = 0 < abs(low) < 0.005 or 0 < abs(high) < 0.005 or 0.995 < high < 1
    return 1 if high - low < 0.02 or false_end else 0


def points(difference: float, language: Language) -> str:
    """A difference of shares in percentage points: 4 п.п., 4 pp."""
    if undefined(difference):
        return NONE
    return f"{_points_digits(difference, language)}{NBSP}{'п.п.' if language == 'ru' else 'pp'}"


def _points_digits(difference: float, language: Language) -> str:
    return number(_hundredfold(difference), language, 0 if abs(difference) >= 0.0995 else 1)


def points_range(interval: tuple[float, float], language: Language) -> str:
    """An interval of differences: 3–7 п.п."""
    if undefined(interval[0]) or undefined(interval[1]):
        return NONE
    digits = _common_digits(*interval)
    ends = [number(_hundredfold(x), language, digits) for x in interval]
    return f"{_joined(ends, *interval, language)}{NBSP}{'п.п.' if language == 'ru' else 'pp'}"


def money(amount: float | Decimal, currency: str, language: Language) -> str:
    """Money with its sign: 1 234 567 ₽, ₽1,234,567; hundredths only below 100."""
    return NONE if undefined(amount) else _with_symbol(_money_digits(amount, language), currency, language)


def _money_digits(amount: float | Decimal, language: Language) -> str:
    if abs(amount) < 100 and amount != int(amount):
        text = numbers.format_decimal(_rounded(amount, 2), format="#,##0.00", locale=LOCALES[language])
        return text.replace("-", MINUS)
    return number(amount, language, 0)


def _with_symbol(text: str, currency: str, language: Language) -> str:
    symbol = SYMBOLS.get(currency, currency)
    if language == "ru":
        return f"{text}{NBSP}{symbol}"
    gap = NBSP if len(symbol) > 2 else ""
    sign, digits = (MINUS, text[1:]) if text.startswith(MINUS) else ("", text)
    return f"{sign}{symbol}{gap}{digits}"


def money_range(interval: tuple[float, float], currency: str, language: Language) -> str:
    """An interval of money with one sign: 310 000–540 000 ₽."""
    if undefined(interval[0]) or undefined(interval[1]):
        return NONE
    dash = _dash(*interval, language)
    if dash != "–" and language == "en":
        return dash.join(money(end, currency, language) for end in interval)
    ends = [_money_digits(end, language) for end in interval]
    return _with_symbol(_joined(ends, *interval, language), currency, language)


def times(ratio: float, language: Language) -> str:
    """How many times: 5,0×; two decimals below 1, none in the hundreds, never a false 0.

    >>> times(5, "ru"), times(0.06, "en"), times(250.4, "en"), times(0.0004, "en")
    ('5,0×', '0.06×', '250×', '<0.01×')
    """
    return NONE if undefined(ratio) else f"{_times_digits(ratio, language)}×"


def _times_digits(ratio: float, language: Language) -> str:
    if 0 < ratio < 0.005:
        return "<" + number(0.01, language)
    size = abs(ratio)
    digits = 0 if size >= 99.5 or ratio == 0 else 1 if size >= 0.995 else 2
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    text = numbers.format_decimal(_rounded(ratio, digits), format=pattern, locale=LOCALES[language])
    return text.replace("-", MINUS)


def times_range(interval: tuple[float, float], language: Language) -> str:
    """An interval of ratios with one sign: 1,2–3,4×."""
    if undefined(interval[0]) or undefined(interval[1]):
        return NONE
    ends = [_times_digits(end, language) for end in interval]
    return f"{_joined(ends, *interval, language)}×"


def months(amount: float, language: Language) -> str:
    """A span in months with its word: 5 месяцев, 5,5 месяца, 1 month."""
    return _span(amount, "duration-month", language)


def hours(amount: float, language: Language) -> str:
    """A span in hours with its word: 21 час, 1 234 часа; decimals below 10 only."""
    return _span(amount, "duration-hour", language)


def _span(amount: float, unit: str, language: Language) -> str:
    """Babel knows the word that goes with a number, a broken one too."""
    if undefined(amount):
        return NONE
    if not math.isfinite(amount):
        raise ValueError("an infinite span is never printed; say what it is above")
    exact = _rounded(amount, 1 if abs(amount) < 10 else 0).normalize()
    exact = exact.quantize(Decimal(1)) if exact == exact.to_integral() else exact
    text = units.format_unit(exact, unit, length="long", locale=LOCALES[language])
    return text.replace("-", MINUS).replace(" ", NBSP)


def p_value(p: float, language: Language) -> str:
    """A p-value with its letter: p = 0,03 or p < 0,001."""
    if undefined(p):
        return f"p = {NONE}"
    if p < 0.001:
        return f"p < {number(0.001, language, 3)}"
    return f"p = {number(p, language, 3 if p < 0.1 else 2)}"


def date(day: dt.date | str, language: Language) -> str:
    """A day: 30.06.2026, 30 Jun 2026."""
    if undefined(day):
        return NONE
    day = dt.date.fromisoformat(str(day)[:10])
    return dates.format_date(day, "dd.MM.y" if language == "ru" else "d MMM y", locale=LOCALES[language])


def period(since: dt.date | str, until: dt.date | str, language: Language) -> str:
    """Two days with a dash between."""
    return f"{date(since, language)}–{date(until, language)}"


def month(name: str, language: Language) -> str:
    """A month written YYYY-MM: июнь 2026, Jun 2026.

    >>> month("2026-06", "en")
    'Jun 2026'
    """
    if undefined(name):
        return NONE
    day = dt.date(int(name[:4]), int(name[5:7]), 1)
    return dates.format_date(day, "LLLL y" if language == "ru" else "LLL y", locale=LOCALES[language])


def month_short(name: str, language: Language) -> str:
    """A month for an axis: июн 26."""
    day = dt.date(int(name[:4]), int(name[5:7]), 1)
    return dates.format_date(day, "LLL yy", locale=LOCALES[language]).replace(".", "")
