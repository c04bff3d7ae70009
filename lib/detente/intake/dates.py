"""Dates and times: one decision per column, from the shapes of all its cells.

Nothing guesses day or month: a form with slashes is read only where some day above 12 tells which comes
first. Times with an offset are moved once to the business's zone; all others already are in it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from detente import engine
from detente.audit import AuditError
from detente.intake import shapes
from detente.intake.shapes import Shape

if TYPE_CHECKING:
    import ibis

FIRST_YEAR, LAST_YEAR = 1990, 2100
_TIME = (
    r"(?:(?:[T,]|\s)+(?P<H>0{1,2}):(?P<M>00)(?::(?P<S>00)(?:[.,](?P<f>0{1,9}))?)?"
    r"(?:\s?(?P<p>[AaPp])\.?[Mm]\.?)?(?P<z>\s?(?:Z|UTC|[+-]00:?(?:00)?))?)?"
)
_LAYOUTS = {
    "dd.mm.yyyy": r"(?P<d>0{1,2})\.(?P<m>0{1,2})\.(?P<y>0000)" + _TIME,
    "yyyy-mm-dd": r"(?P<y>0000)(?P<_>[-/.])(?P<m>0{1,2})(?P=_)(?P<d>0{1,2})" + _TIME,
    "dd-mm-yyyy": r"(?P<d>0{1,2})-(?P<m>0{1,2})-(?P<y>0000)" + _TIME,
    "dd/mm/yyyy": r"(?P<d>0{1,2})/(?P<m>0{1,2})/(?P<y>0000)" + _TIME,
    "mm/dd/yyyy": r"(?P<m>0{1,2})/(?P<d>0{1,2})/(?P<y>0000)" + _TIME,
    "yyyymmdd": r"(?P<y>0000)(?P<m>00)(?P<d>00)",
    "yyyy-mm": r"(?P<y>0000)[-/.](?P<m>00)",
    "mm.yyyy": r"(?P<m>0{1,2})[./](?P<y>0000)",
    "excel": r"00000(?:\.0+)?",
    "unix": r"0{10}(?:\.0+)?",
}  # fmt: skip
_SLASHED = ("dd/mm/yyyy", "mm/dd/yyyy")
_MONTHS = ("yyyy-mm", "mm.yyyy")  # the first day of a month: only where a period is asked for


class Unclear(Exception):
    """A column whose form cannot be told. `ambiguous`: two forms fit and disagree; else cells fit none."""

    def __init__(self, why: str, *, ambiguous: bool = False, row: int | None = None):
        super().__init__(why)
        self.why, self.ambiguous, self.row = why, ambiguous, row


@dataclass(frozen=True)
class DateForm:
    """How the cells of one column are read: shape -> layout. `unread` cells fit none."""

    layouts: tuple[tuple[str, str], ...]
    cells: int
    unread: int = 0
    rarer: tuple[str, ...] = ()  # shapes of another layout than most cells have
    years: tuple[int, int] = (FIRST_YEAR, 2040)  # for which the zone's changes are needed

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for _, name in self.layouts))


@dataclass(frozen=True)
class SlashProof:
    """How many slashed cells have a first, or second, part above 12, and how many two different parts."""

    first: int = 0
    second: int = 0
    differ: int = 0

    def __add__(self, other: SlashProof) -> SlashProof:
        return SlashProof(self.first + other.first, self.second + other.second, self.differ + other.differ)


def slash_proof(table: ibis.Table, column: str, counted: Sequence[Shape]) -> SlashProof:
    """Count the days that can be no months among the slashed cells of a column."""
    if not any(_fits("dd/mm/yyyy", item.text) for item in counted):
        return SlashProof()
    text = table[column].split(" ")[0]
    first, second = (text.split("/")[place].try_cast("int64") for place in (0, 1))
    slashed = table[column].contains("/")
    found = engine.frame(
        table.aggregate(
            first=table.count(where=slashed & (first > 12)),
            second=table.count(where=slashed & (second > 12)),
            differ=table.count(where=slashed & (first != second)),
        )
    )
    return SlashProof(*(int(found[name][0]) for name in ("first", "second", "differ")))


def decide(
    counted: Sequence[Shape], proof: SlashProof, stated: str | None = None, months: bool = False
) -> DateForm:
    """The form of a column. Raises Unclear: two forms fit, or more than 0.5 % of the cells fit none."""
    without = _SLASHED if months else _SLASHED + _MONTHS
    layouts = [_custom(stated)] if stated else [name for name in _LAYOUTS if name not in without]
    if not stated and any(_fits("dd/mm/yyyy", item.text) for item in counted):
        layouts.append(_slashed(proof))
    found, cells = {}, sum(item.cells for item in counted)
    for item in counted:
        if name := next((name for name in layouts if _fits(name, item.text)), None):
            found[item.text] = name
    unread = [item for item in counted if item.text not in found]
    missed = sum(item.cells for item in unread)
    if missed > shapes.tolerated(cells):
        raise Unclear(
            f"{missed} of {cells} cells are no date in a known form", row=min(item.row for item in unread)
        )
    sizes: dict[str, int] = {}
    for item in counted:
        if item.text in found:
            sizes[found[item.text]] = sizes.get(found[item.text], 0) + item.cells
    usual = max(sizes, key=sizes.__getitem__, default="")
    rarer = tuple(shape for shape, name in found.items() if name != usual)
    return DateForm(tuple(found.items()), cells, missed, rarer)


def _slashed(proof: SlashProof) -> str:
    """Which part of a slashed date is the day."""
    if proof.first and not proof.second or not proof.differ:
        return "dd/mm/yyyy"
    if proof.second and not proof.first:
        return "mm/dd/yyyy"
    if proof.first and proof.second:
        more, less = max(proof.first, proof.second), min(proof.first, proof.second)
        if less <= shapes.tolerated(more + less):
            return "dd/mm/yyyy" if proof.first > proof.second else "mm/dd/yyyy"
        raise Unclear("days and months change places within the column", ambiguous=True)
    raise Unclear("dd/mm/yyyy and mm/dd/yyyy both fit and disagree", ambiguous=True)


@cache
def _compiled(layout: str) -> re.Pattern[str]:
    return re.compile(_LAYOUTS.get(layout, layout))


@cache
def _fits(layout: str, shape: str) -> re.Match[str] | None:
    return _compiled(layout).fullmatch(shape)


_TOKENS = (
    ("%Y", "(?P<y>0000)"), ("%y", "(?P<y2>00)"), ("%m", "(?P<m>0{1,2})"), ("%d", "(?P<d>0{1,2})"),
    ("%H", "(?P<H>0{1,2})"), ("%I", "(?P<H>0{1,2})"), ("%M", "(?P<M>00)"), ("%S", "(?P<S>00)"),
    ("%f", "(?P<f>0{1,9})"), ("%p", r"(?P<p>[AaPp])\.?[Mm]\.?"), ("%z", "(?P<z>Z|[+-]00:?(?:00)?)"),
)  # fmt: skip


def _custom(stated: str) -> str:
    """The layout of a form written in audit.yml: dd.mm.yyyy HH:MM, %d.%m.%Y, excel, unix."""
    if stated in _LAYOUTS:
        return stated
    text = stated
    if "%" not in text:
        date, _, time = text.partition("HH")
        for word, token in (("yyyy", "%Y"), ("yy", "%y"), ("mm", "%m"), ("dd", "%d")):
            date = re.sub(word, token, date, count=1, flags=re.IGNORECASE)
        time = re.sub("ss", "%S", re.sub("mm", "%M", time, count=1, flags=re.IGNORECASE), flags=re.IGNORECASE)
        text = date + ("%H" + time if "HH" in stated else "")
    pattern = re.escape(text)
    for token, part in _TOKENS:
        pattern = pattern.replace(re.escape(token), part, 1)
    if "%" in pattern or not all(f"<{part}" in pattern for part in "ymd"):
        raise AuditError(
            f"audit.yml: date_format: «{stated}» is no form of a date; write one like dd.mm.yyyy HH:MM"
        )
    return pattern if "<H>" in pattern else pattern + _TIME


def is_form(stated: str) -> bool:
    """Whether a profile's hint can be used as a form."""
    try:
        return bool(_custom(stated))
    except AuditError:
        return False


def parse(text: ibis.expr.types.StringValue, form: DateForm, zone: str) -> ibis.expr.types.TimestampValue:
    """The cells as naive times in the business's zone; NULL where impossible or of another shape."""
    import ibis

    if not form.layouts:
        return ibis.null("timestamp(6)")
    shaped = shapes.shape(text)
    branches = [
        (shaped == shape, _moment(text, shape, layout, (zone, form.years))) for shape, layout in form.layouts
    ]
    return ibis.cases(*branches)


def believable(parsed: ibis.expr.types.TimestampValue):
    """The time, or NULL outside 1990 to 2100: 30.12.1899, 01.01.1970 and 0206 are no dates of a business."""
    import ibis

    first, last = f"{FIRST_YEAR}-01-01 00:00:00", f"{LAST_YEAR}-12-31 23:59:59.999999"
    return ibis.ifelse(
        parsed.between(ibis.timestamp(first), ibis.timestamp(last)), parsed, ibis.null("timestamp(6)")
    )


def _moment(text, shape: str, layout: str, zone: tuple[str, tuple[int, int]]):
    """One shape's cells as times: the parts stand at the same places in all of them."""
    import ibis

    if layout == "excel":
        days = text.try_cast("float64")
        start = ibis.timestamp("1899-12-30 00:00:00").cast("timestamp(6)")
        moment = start + (days * 86400).round().cast("int64").as_interval("s")
        return ibis.ifelse((days >= 20000) & (days < 60001), moment, ibis.null("timestamp(6)"))
    if layout == "unix":
        start = ibis.timestamp("1970-01-01 00:00:00").cast("timestamp(6)")
        return _local(start + text.try_cast("float64").floor().cast("int64").as_interval("s"), zone)
    found = _fits(layout, shape)
    if re.fullmatch(r"0000-00-00(?:[T ]00:00(?::00(?:\.0{1,6})?)?)?", shape) and layout == "yyyy-mm-dd":
        return text.try_cast("timestamp(6)")
    parts = {
        name: text.left(found.end(name)).right(found.end(name) - found.start(name))  # substr is long in SQL
        for name in found.groupdict()
        if name != "_" and found.group(name)
    }
    moment = _iso(parts, {name: len(found.group(name)) for name in parts}).try_cast("timestamp(6)")
    if "z" not in parts:
        return moment
    return _local(moment - _offset(parts["z"], found.group("z").strip()), zone)


def _iso(parts: dict, lengths: dict[str, int]):
    """The parts of a date written as ISO text."""
    import ibis

    def two(name: str):
        return ibis.literal("0") + parts[name] if lengths[name] == 1 else parts[name]

    year = parts["y"] if "y" in parts else ibis.literal("20") + parts["y2"]
    written = year + "-" + two("m") + "-" + (two("d") if "d" in parts else "01")
    if "H" not in parts:
        return written
    hour = two("H")
    if "p" in parts:
        after_noon = parts["p"].lower() == "p"
        hour = (hour.try_cast("int64") % 12 + ibis.ifelse(after_noon, 12, 0)).cast("string").lpad(2, "0")
    written = written + " " + hour + ":" + two("M") + ":" + parts.get("S", "00")
    return written + "." + parts["f"].left(6) if "f" in parts else written


def _offset(text, shape: str):
    """The interval to take off a time with an offset so that it becomes UTC."""
    import ibis

    if shape in ("Z", "UTC"):
        return ibis.interval(minutes=0)
    digits = text.strip().replace(":", "")
    minutes = digits.right(2).try_cast("int64") if len(shape) > 3 else ibis.literal(0)
    total = digits.left(3).right(2).try_cast("int64") * 60 + minutes
    return (total * ibis.ifelse(digits.startswith("-"), -1, 1)).as_interval("m")


def _local(utc, zone: tuple[str, tuple[int, int]]):
    """UTC moved to a zone without asking the engine for its zone tables."""
    import ibis

    changes = _changes(*zone)
    branches = [
        (utc >= ibis.timestamp(str(start)), ibis.literal(seconds)) for start, seconds in reversed(changes[1:])
    ]
    seconds = (
        ibis.cases(*branches, else_=ibis.literal(changes[0][1])) if branches else ibis.literal(changes[0][1])
    )
    return utc + seconds.as_interval("s")


@cache
def _changes(zone: str, years: tuple[int, int]) -> tuple[tuple[dt.datetime, int], ...]:
    """The zone's offsets in seconds and the UTC times from which they hold, from the first year to the
    last.
    """
    info, moment = ZoneInfo(zone), dt.datetime(years[0], 1, 1) - dt.timedelta(days=1)

    def seconds(at: dt.datetime) -> int:
        return int(info.utcoffset(at.replace(tzinfo=dt.UTC).astimezone(info)).total_seconds())

    found = [(moment, seconds(moment))]
    while moment.year <= years[1]:
        later = moment + dt.timedelta(days=1)
        if seconds(later) != found[-1][1]:
            minutes = (moment + dt.timedelta(minutes=step) for step in range(1, 1441))
            minute = next(at for at in minutes if seconds(at) != found[-1][1])
            found.append((minute, seconds(minute)))
        moment = later
    return tuple(found)


def with_years(form: DateForm, table: ibis.Table, column: str) -> DateForm:
    """The form with the years of a column that has offsets, so that few changes of the zone are written
    down.
    """
    moved = [name for name, shape in ((name, shape) for shape, name in form.layouts) if _moves(name, shape)]
    if not moved or set(moved) != {"yyyy-mm-dd"}:
        return form
    year = table[column].left(4).try_cast("int64")
    inside = year.between(FIRST_YEAR, 2040)
    found = engine.frame(table.aggregate(first=year.min(where=inside), last=year.max(where=inside))).iloc[0]
    return form if found.isna().any() else replace(form, years=(int(found["first"]), int(found["last"])))


def _moves(layout: str, shape: str) -> bool:
    """Whether cells of a shape are moved to the zone."""
    found = None if layout in ("excel", "unix") else _fits(layout, shape)
    return layout == "unix" or bool(found and found.groupdict().get("z"))
