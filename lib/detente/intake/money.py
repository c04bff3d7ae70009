"""Money and numbers: a strict reader that never loses a sign, and one decision per column about commas and
points.

Cells such as «1 234,56 ₽», «(500)», «500-» or «€ 3.500,00» say by their form what is decimal. «1,500» does
not: it is read by the evidence of its column, or asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Literal

from detente import engine
from detente.intake import shapes
from detente.intake.dates import Unclear
from detente.intake.shapes import Shape
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

Reading = Literal["integer", "comma", "point", "power", "maybe_comma", "maybe_point", "bad"]

_SIGNS = (
    ("RUB", r"₽|российск(?:ий|их|ие)? ?рубл\w*|рубл\w*|руб\.?|р\.|р(?=\s|$)|rub\b|rur\b"),
    ("USD", r"us\$|\$|usd\b|доллар\w*(?: сша)?"),
    ("EUR", r"€|eur\b|евро"),
    ("GBP", r"£|gbp\b"),
    ("KZT", r"₸|kzt\b|тенге|казахстанский тенге"),
    ("BYN", r"byn\b|бел\. ?руб\.?|белорусск(?:ий|их) рубл\w*"),
    ("UAH", r"₴|uah\b|грн\.?|гривн\w*|украинская гривна"),
    ("UZS", r"uzs\b|сум\b|узбекский сум"),
    ("TRY", r"₺|try\b"),
    ("CNY", r"¥|cny\b|юан\w*"),
)
_DOTTED = r"(руб|бел|грн|тг|р)\."
_MINUS = str.maketrans("−–—‒﹣－", "------")
_BLANKS = re.compile("[\\s\u00a0\u202f\u2009\u2007\u2008'’`]")


def currency_code(text: str) -> str | None:
    """The ISO code of a currency written as a code, a sign or a Russian name; None if it is none that is
    known.
    """
    word = fold(text)
    if re.fullmatch(r"[a-z]{3}", word) and word != "rur":
        return word.upper()
    return next((code for code, form in reversed(_SIGNS) if re.fullmatch(form, word)), None)


@dataclass(frozen=True)
class Cell:
    """What one shape says: how to read it, its sign, and the currency that stands in it."""

    reading: Reading
    negative: bool = False
    currency: str | None = None


@cache
def cell(shape: str) -> Cell:
    """Read one shape: strip the currency and the sign, then look at its separators."""
    text, currency = shape.translate(_MINUS).casefold(), None
    for code, form in reversed(_SIGNS):
        text, found = re.subn(form, " ", text)
        currency = currency or (code if found else None)
    text = _BLANKS.sub("", text)
    negative = False
    if match := re.fullmatch(r"\((.+)\)", text):
        text, negative = match[1], True
    if match := re.fullmatch(r"-(.+)|(.+)-", text):
        text, negative = match[1] or match[2], True
    return Cell(_reading(text.removeprefix("+")), negative, currency)


def _reading(text: str) -> Reading:
    if re.fullmatch(r"0+", text):
        return "integer"
    if re.fullmatch(r"0+(\.0+)?e[+-]?0+", text):
        return "power"
    if re.fullmatch(r"0{1,3}(\.000)*,0+|0+,0+", text) and not re.fullmatch(r"0{1,3},000", text):
        return "comma"
    if re.fullmatch(r"0{1,3}(,000)*\.0+|0+\.0+", text) and not re.fullmatch(r"0{1,3}\.000", text):
        return "point"
    if re.fullmatch(r"0{1,3},000", text):
        return "maybe_comma"
    if re.fullmatch(r"0{1,3}\.000", text):
        return "maybe_point"
    return "integer" if re.fullmatch(r"0{1,3}(,000){2,}|0{1,3}(\.000){2,}", text) else "bad"


@dataclass(frozen=True)
class MoneyForm:
    """How the cells of one column are read: shape -> final reading, sign, currency. `junk` is what to
    delete.
    """

    cells: tuple[tuple[str, Cell], ...]
    junk: str
    unread: int = 0
    fine: bool = False  # some cell may have more than two decimals
    currencies: tuple[str, ...] = ()


def leading_zeros(table: ibis.Table, column: str, counted: Sequence[Shape]) -> tuple[int, int]:
    """Cells such as «0,500» and «0.500» among those of unclear form: a leading zero is no group of
    thousands.
    """
    if not any(cell(item.text).reading.startswith("maybe") for item in counted):
        return 0, 0
    found = engine.frame(
        table.aggregate(
            comma=table.count(where=table[column].re_search(r"(^|[^0-9.,])0,[0-9]{3}($|[^0-9.,])")),
            point=table.count(where=table[column].re_search(r"(^|[^0-9.,])0\.[0-9]{3}($|[^0-9.,])")),
        )
    )
    return int(found["comma"][0]), int(found["point"][0])


def decide(
    counted: Sequence[Shape], zeros: tuple[int, int] = (0, 0), decimal: str | None = None
) -> MoneyForm:
    """The form of a column. Raises Unclear where «1,500» or «1.500» stand alone and nothing says what they
    mean.
    """
    read = {item.text: cell(item.text) for item in counted}
    comma = zeros[0] + sum(_speaks(item.text, "comma") * item.cells for item in counted)
    point = zeros[1] + sum(_speaks(item.text, "point") * item.cells for item in counted)
    found = []
    for item in counted:
        known = read[item.text]
        if known.reading.startswith("maybe"):
            says = decimal or ("comma" if comma and not point else "point" if point and not comma else None)
            if says is None:
                raise Unclear(
                    f"{_example(known.reading)} can be read in two ways", ambiguous=True, row=item.row
                )
            reading = says if known.reading == f"maybe_{says}" else "integer"
            known = Cell(reading, known.negative, known.currency)
        found.append((item.text, known))
    unread = sum(item.cells for item in counted if read[item.text].reading == "bad")
    junk = "".join(sorted({letter for item in counted for letter in item.text} - set("0,.")))
    currencies = tuple(sorted({known.currency for _, known in found if known.currency}))
    return MoneyForm(tuple(found), junk, unread, any(map(_is_fine, found)), currencies)


def _is_fine(item: tuple[str, Cell]) -> bool:
    shape, known = item
    return known.reading == "power" or (
        known.reading in ("comma", "point") and bool(re.search("[.,]0{3,}$|[.,]0{3,}[^0.,]", shape))
    )


def _example(reading: str) -> str:
    return "a form like 1,500" if reading == "maybe_comma" else "a form like 1.500"


def _speaks(shape: str, mark: Literal["comma", "point"]) -> bool:
    """Whether a shape proves that the decimal mark is this one: by itself, or by the other mark in groups
    of three.
    """
    reading = cell(shape).reading
    if reading == "integer":
        return ("." if mark == "comma" else ",") in re.sub(_DOTTED, "", shape.casefold())
    return reading == mark


def as_float(text: ibis.expr.types.StringValue, form: MoneyForm):
    """The cells as float64, NULL where no number."""
    return _plain(text, form).try_cast("float64")


def as_money(text: ibis.expr.types.StringValue, form: MoneyForm, unit: str | None = None):
    """The cells as DECIMAL(18, 2), NULL where no number, and whether a cell had to be rounded.

    In units, also where the file has kopecks or micros. Decimals of more than 18 digits are slow: only a
    column that has more than two places, or another unit, takes that way.
    """
    import ibis

    plain = _plain(text, form)
    moved = {"kopecks": 2, "micros": 6}.get(unit or "units", 0)
    if moved:
        plain = _shifted(plain, moved)
    elif not form.fine:
        return plain.try_cast("decimal(18, 2)"), ibis.literal(False)
    exact = plain.try_cast("decimal(18, 6)")
    # a million millions and more have no room for six places
    value = ibis.coalesce(rounded(exact), plain.try_cast("decimal(18, 2)"))
    return value, (value != exact).fill_null(False)


def _shifted(plain, places: int):
    """Numerals with the decimal point moved to the left."""
    import ibis

    bare = plain.replace("-", "")
    whole = ibis.literal("0" * places) + bare.split(".")[0]
    written = (
        whole.left(whole.length() - places) + "." + whole.right(places) + bare.split(".")[1].fill_null("")
    )
    return ibis.ifelse(plain.startswith("-"), ibis.literal("-") + written, written)


def _plain(text: ibis.expr.types.StringValue, form: MoneyForm):
    """The cells as plain numerals, NULL where a shape is no number."""
    import ibis

    shaped, minus = shapes.shape(text), ibis.literal("-")
    if any(re.search(_DOTTED, shape.casefold()) for shape, _ in form.cells):
        text = text.lower().re_replace(_DOTTED, "")  # the dot of «руб.» is no decimal point
    readings = sorted({(known.reading, known.negative) for _, known in form.cells if known.reading != "bad"})
    branches = []
    for reading, negative in readings:
        wanted = [
            shape for shape, known in form.cells if (known.reading, known.negative) == (reading, negative)
        ]
        digits = _digits(text, reading, form.junk)
        branches.append((shaped.isin(wanted), minus + digits if negative else digits))
    return ibis.cases(*branches) if branches else ibis.null("string")


def _digits(text, reading: Reading, junk: str):
    """Delete what is no digit; leave one decimal point, or the power of ten."""
    if reading == "power":
        return text.re_replace(r"^[^0-9]+|[^0-9]+$", "").lower()
    if reading == "comma":
        return text.translate(",." + junk, ".")
    if reading == "point":
        return text.translate(".," + junk, ".")
    return text.translate(",." + junk, "")


def sign_in_cell(text: ibis.expr.types.StringValue, form: MoneyForm):
    """The currency that stands in each cell beside the number, NULL where none does."""
    import ibis

    if not form.currencies:
        return ibis.null("string")
    shaped = shapes.shape(text)
    return ibis.cases(
        *(
            (
                shaped.isin([shape for shape, known in form.cells if known.currency == code]),
                ibis.literal(code),
            )
            for code in form.currencies
        )
    )


def rounded(exact):
    """A decimal of more places as money of two, a half cent to the even cent."""
    import ibis

    near = exact.cast("decimal(18, 2)")  # half away from zero
    half = ibis.literal(Decimal("0.005"), type="decimal(3, 3)")
    cent = ibis.literal(Decimal("0.01"), type="decimal(2, 2)")
    odd = near.cast("string").right(1).isin(["1", "3", "5", "7", "9"])
    tie = (near - exact).abs() == half
    toward_zero = near - ibis.ifelse(near < 0, -cent, cent)
    return ibis.ifelse(tie & odd, toward_zero, near).try_cast("decimal(18, 2)")
