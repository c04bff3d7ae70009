"""Ids, clock times, durations and plain text: small conversions of one column each, as expressions.

Dates and money have modules of their own; both rest on `shapes`.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detente import engine
from detente.intake import headings, shapes
from detente.intake.shapes import Shape
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

_POWER = r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$"
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]"
)
_MACRO_ONLY = re.compile(rf"[\s_\-|.,:;/]*(?:(?:{headings.MACRO})[\s_\-|.,:;/]*)+")
MARKS = frozenset(
    {"channel", "campaign", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"}
)


def emptied(text: ibis.expr.types.StringValue, tokens: Iterable[str]):
    """The cell, or NULL where it is one of the words that mean "nothing here"."""
    import ibis

    folded = text.lower().replace("ё", "е")
    return ibis.ifelse(folded.isin(sorted(tokens)), ibis.null("string"), text)


# --- ids ---
@dataclass(frozen=True)
class IdForm:
    """What stands around the ids of one column, and how many of its cells a spreadsheet wrote as 1.23E+10."""

    cells: int
    quoted: bool
    bracketed: bool
    zero_point: bool
    prefixed: bool
    power: int
    power_distinct: int


def id_form(table: ibis.Table, column: str) -> IdForm:
    """Look over an id column once."""
    text = table[column]
    powered = text.lower().contains("e+") & text.re_search(_POWER)
    found = engine.frame(
        table.aggregate(
            cells=text.count(),
            quoted=table.count(where=text.startswith("'")),
            bracketed=table.count(where=text.startswith("[")),
            zero_point=table.count(where=text.endswith(".0")),
            prefixed=table.count(where=text.startswith("zcrm_")),
            power=table.count(where=powered),
            power_distinct=text.nunique(where=powered),
        )
    ).iloc[0]
    flags = (bool(found[name]) for name in ("quoted", "bracketed", "zero_point", "prefixed"))
    return IdForm(int(found["cells"]), *flags, int(found["power"]), int(found["power_distinct"]))


def ids(text: ibis.expr.types.StringValue, form: IdForm):
    """The ids without what exports put around them: '00123, [12] name, 15.0, zcrm_15, 1.5E+10."""
    import ibis

    if form.quoted:
        text = text.re_replace("^'+", "")
    if form.bracketed:
        text = text.re_replace(r"^\[([0-9]+)\].*$", r"\1")
    if form.prefixed:
        text = text.re_replace("^zcrm_", "")
    if form.zero_point:
        text = text.re_replace(r"^([0-9]+)\.0$", r"\1")
    if form.power:
        whole = text.try_cast("decimal(38, 0)").cast("string")
        text = ibis.ifelse(text.re_search(_POWER), whole, text)
    return text.strip().nullif("")


def lost_precision(text: ibis.expr.types.StringValue, form: IdForm):
    """Whether a cell's id came as a power of ten."""
    import ibis

    return text.re_search(_POWER).fill_null(False) if form.power else ibis.literal(False)


# --- durations and clock times ---
_CLOCK = re.compile(r"(?:(?P<days>0+) days?, ?)?(?:(?P<h>0+):)?(?P<m>0{1,2}):(?P<s>00)(?:\.0+)?")


def seconds(text: ibis.expr.types.StringValue, counted: Iterable[Shape]):
    """Durations as seconds (float64): 125, 2:05, 0:26:43, «2 days, 0:17:26»; NULL where none."""
    import ibis

    shaped, branches = shapes.shape(text), []
    for item in counted:
        if match := _CLOCK.fullmatch(item.text):
            parts = {
                name: text.left(match.end(name)).right(len(found)).try_cast("float64")
                for name, found in match.groupdict().items()
                if found
            }
            scale = {"days": 86400, "h": 3600, "m": 60, "s": 1}
            total = sum((parts[name] * scale[name] for name in parts), ibis.literal(0.0))
            branches.append((shaped == item.text, total))
    plain = text.replace(",", ".").try_cast("float64")
    return ibis.cases(*branches, else_=plain) if branches else plain


def clock(text: ibis.expr.types.StringValue):
    """The time of day in seconds from a cell that holds one, whatever date stands before it; NULL where
    none.
    """
    hour, minute = (text.re_extract(r"([0-9]{1,2}):([0-9]{2})", part).try_cast("int64") for part in (1, 2))
    second = text.re_extract(r"[0-9]{1,2}:[0-9]{2}:([0-9]{2})", 1).try_cast("int64").fill_null(0)
    return hour * 3600 + minute * 60 + second


# --- text ---
@dataclass(frozen=True)
class Change:
    """A cell's new text and, where it is worth a line in the log, why."""

    text: str | None
    flag: str = ""
    fix: str = ""


def plain(cell: str, tokens: frozenset[str]) -> Change:
    """Ordinary text: invisible and control characters off, one space for many, NULL for empty words."""
    text = re.sub(r"\s+", " ", _UNSEEN.sub("", cell)).strip()
    if not text or fold(text) in tokens:
        return Change(None)
    return Change(text)


def mark(cell: str, tokens: frozenset[str]) -> Change:
    """An advertising mark: %D0 escapes read, a macro that was not filled in is no value."""
    text = cell
    if re.search("%[0-9A-Fa-f]{2}", text):
        with_spaces = urllib.parse.unquote_plus(text)
        text = text if "\ufffd" in with_spaces else with_spaces
    found = plain(text, tokens)
    if found.text and _MACRO_ONLY.fullmatch(found.text):
        return Change(None, flag="unexpanded_macro")
    return found
