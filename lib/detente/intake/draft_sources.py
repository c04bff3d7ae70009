"""The first half of a draft: the company, its currency and language, and a mapping per export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from detente import schema
from detente.intake import guesses
from detente.intake.survey import Export, Survey

_ONE_FILE = ("deals", "leads", "stages", "calls", "tasks", "plan")
_ASKED = {  # columns whose heading rarely says all, and what to check
    "closed_at": "the day it was closed, not the day it was planned to",
    "segment": "known when the lead came, not set by sales",
    "product": "asked for, not bought",
}
_HOMES = {  # where a business with this currency probably is
    "RUB": ("RU", "Europe/Moscow"),
    "EUR": ("DE", "Europe/Berlin"),
    "USD": ("US", "America/New_York"),
    "GBP": ("GB", "Europe/London"),
    "KZT": ("KZ", "Asia/Almaty"),
    "BYN": ("BY", "Europe/Minsk"),
    "UZS": ("UZ", "Asia/Tashkent"),
}
_USEFUL = ("loss_reason", "closed_at", "amount", "channel", "manager", "person", "segment")


def count(number: int) -> str:
    """A whole number with spaces between thousands."""
    return f"{number:,}".replace(",", " ")


def text(value: str, flow: bool = False) -> str:
    """A YAML scalar: plain where that is safe, else in double quotes. `flow`: inside [brackets]."""
    plain = re.fullmatch(r"[^\W_](?:[\w.()/'«»+%№₽€$;]|-|(?<!:) (?!#)| |,)*", value) and not value.endswith(
        " "
    )
    if plain and value.casefold() not in ("null", "true", "false") and not (flow and "," in value):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", quoted
    )


def header(name: str, found: Survey) -> Iterator[str]:
    """Client, language, currency, zone: guessed from headings and cells."""
    russian = _is_russian(found)
    currency, why = _currency(found, russian)
    region, zone = _HOMES.get(currency, _HOMES["EUR"])
    yield f"client: {text(name)}  # QUESTION: the company's name as the report shall show it"
    yield f"language: {'ru' if russian else 'en'}  # ? of the report: ru or en"
    yield f"currency: {currency}  # ? {why}"
    yield f"timezone: {zone}  # QUESTION: the zone of the times in the exports"
    yield f"phone_region: {region}  # ? the country of phones written without a country code"
    yield from _period(found)


def _is_russian(found: Survey) -> bool:
    words = "".join(heading for export in found.exports if export.raw for heading in export.raw.headings)
    for export in found.found.get("deals", []):
        words += "".join(export.values(export.heading("stage")))
    cyrillic, latin = len(re.findall("[а-яё]", words, re.I)), len(re.findall("[a-z]", words, re.I))
    return cyrillic > latin


def _currency(found: Survey, russian: bool) -> tuple[str, str]:
    for table, column in (("deals", "amount"), ("payments", "amount"), ("spend", "cost")):
        for export in found.found.get(table, []):
            if export.mapping and export.mapping.currency:
                return export.mapping.currency, f"as in a heading of {export.file}"
            for heading in _money_headings(export, column):
                if signs := export.currencies(heading):
                    more = f"; also {', '.join(signs[1:])}" if len(signs) > 1 else ""
                    return signs[0], f"as in cells of «{heading}», {export.file}{more}"
    return ("RUB" if russian else "EUR"), "QUESTION: no heading and no cell names a currency"


def _money_headings(export: Export, column: str) -> list[str]:
    assert export.mapping is not None
    stated = list(export.mapping.columns.get(column, ()))
    return stated + [name for name in export.mapping.unmapped if guesses.is_money(name)]


def _period(found: Survey) -> Iterator[str]:
    deals = found.one("deals")
    days = (
        deals.days(deals.heading("created_at"), "created_at")
        if deals and deals.heading("created_at")
        else None
    )
    if days and days.first and days.last:
        yield f"# as_of: {days.last}  # QUESTION: the day of the export, if later than the last lead"
        yield f"# period: {{from: {days.first}, to: {days.last}}}  # all leads; narrow it if you like"


def sources(found: Survey) -> Iterator[str]:
    """Every recognised file with its mapping, then the files that are no use yet."""
    yield "sources:"
    if not found.found.get("deals"):
        yield "  # QUESTION: no file looks like deals (an id, a day of creation, a stage). Which one is it?"
        yield "  deals:"
        yield "    file: deals.csv"
    for table in schema.TABLES:
        exports = sorted(found.found.get(table, []), key=lambda export: -export.rows)
        if not exports:
            continue
        yield f"  {table}:"
        if table in _ONE_FILE:
            yield from _joined(exports)
        else:
            for export in exports:
                yield from _listed(export)
    yield from _unused(found)


def _joined(exports: list[Export]) -> Iterator[str]:
    """Files with the same headings are one export in parts; of others the largest is taken."""
    first = exports[0]
    same = [export for export in exports if export.raw.headings == first.raw.headings]
    yield from (f"    {line}" for line in _source(first, sorted(export.file for export in same)))
    for export in exports:
        if export not in same:
            yield f"    # QUESTION: {export.file} looks like {export.table} too, under other headings"


def _listed(export: Export) -> Iterator[str]:
    for place, line in enumerate(_source(export, [export.file])):
        yield f"    {'- ' if place == 0 else '  '}{line}"


def _source(export: Export, names: list[str]) -> Iterator[str]:
    mapping, raw = export.mapping, export.raw
    known = f"recognised as {mapping.profile}" if export.profile else "no system recognised"
    sheet = f", sheet {raw.sheet}" if raw.sheet else ""
    listed = text(names[0]) if len(names) == 1 else f"[{', '.join(text(name, flow=True) for name in names)}]"
    yield f"file: {listed}  # {count(export.rows)} rows{sheet}; {known}"
    yield "columns:"
    for column in schema.TABLES[export.table]:
        if headings := mapping.columns.get(column.name):
            yield from (f"  {line}" for line in _column(export, column, headings))
        elif column.name in export.missing:
            yield f"  # {column.name}:  # QUESTION: it is needed, and no heading is like it; which one is it?"
    yield from (f"  {line}" for line in _absent(export))
    if mapping.unmapped:
        yield f"# not used: {', '.join(mapping.unmapped)}"
    if export.table == "spend" and not mapping.columns.get("channel"):
        yield "# channel: Яндекс Директ  # QUESTION: of which channel is this spend? Write it here"
    if export.table in ("spend", "payments", "costs"):
        yield "# vat: included  # QUESTION: does this money hold VAT? included or excluded"


def _column(export: Export, column: schema.Column, headings: tuple[str, ...]) -> Iterator[str]:
    name = column.name
    stated = (
        text(headings[0])
        if len(headings) == 1
        else f"[{', '.join(text(item, flow=True) for item in headings)}]"
    )
    if name == "person" and not _are_ids(export, headings[0]):
        yield f"# person: {stated}  # QUESTION: these are names; two people may share one; is there an id?"
        return
    yield f"{name}: {stated}{_remark(export, column, headings[0])}"
    if name == "amount" and export.table == "deals":
        yield from _amounts(export, headings[0])


def _remark(export: Export, column: schema.Column, heading: str) -> str:
    if column.kind in ("time", "date"):
        return _dates(export, column.name, heading)
    if column.name == "person":
        return "  # its cells are ids"
    if column.name == "amount" and export.table == "deals":
        return "  # ? money received, or only promised"
    filled = export.counted[heading].filled
    part = f"filled in {filled / max(export.rows, 1):.0%}"
    if column.name in _ASKED and export.table in ("deals", "leads"):
        return f"  # ? {part}; {_ASKED[column.name]}"
    return "" if filled > 0.995 * export.rows else f"  # {part}"


def _dates(export: Export, name: str, heading: str) -> str:
    if name == "started_time":
        return ""
    days, filled = export.days(heading, name), export.counted[heading].filled / max(export.rows, 1)
    if days.trouble:
        words = "" if days.ambiguous else ", or under nulls the words that mean empty"
        return (
            f"  # QUESTION: {days.trouble}; state beside columns date_formats: {{{name}: dd/mm/yyyy}}{words}"
        )
    span = f", {days.first} to {days.last}" if days.first else ""
    check = f"? {_ASKED[name]}; " if name in _ASKED and export.table == "deals" else ""
    part = "" if filled > 0.995 else f"filled in {filled:.0%}, "
    return f"  # {check}{part}{' and '.join(days.forms)}{span}"


def _are_ids(export: Export, heading: str) -> bool:
    cells = list(export.values(heading))
    return bool(cells) and sum(map(guesses.looks_like_id, cells)) >= 0.95 * len(cells)


def _amounts(export: Export, chosen: str) -> Iterator[str]:
    """Columns that may be the money of a deal, and how often each is filled on won deals."""
    stage = export.heading("stage")
    won = [name for name in export.values(stage) if guesses.outcome(name) == "won"] if stage else []
    others = [
        name for name in export.mapping.unmapped if guesses.is_money(name) and export.counted[name].filled
    ]
    numeric = [name for name in [chosen, *others] if _is_numeric(export, name)]
    if len(numeric) > 1 or chosen not in numeric:
        rows = sum(export.values(stage)[name] for name in won) if won else 0
        parts = (
            [f"«{name}» on {count(export.filled_among(name, stage, won))}" for name in numeric]
            if won
            else numeric
        )
        listed = ", ".join(parts)
        yield f"# QUESTION: which column is the paid amount? Of {count(rows)} won deals filled: {listed}."


def _is_numeric(export: Export, name: str) -> bool:
    cells = list(export.values(name))
    return bool(cells) and sum(bool(re.search(r"\d", cell)) for cell in cells) >= 0.9 * len(cells)


def _absent(export: Export) -> Iterator[str]:
    if export.table != "deals":
        return
    for name in _USEFUL:
        if name not in export.mapping.columns:
            yield f"# {name}:  # no heading is like it; sections that need it will say so"


def _unused(found: Survey) -> Iterator[str]:
    for export in found.exports:
        if export.trouble:
            yield f"  # NOT READ {export.file}: {' '.join(export.trouble.split())}"
        elif not export.table:
            headings = ", ".join(export.raw.headings[:12])
            yield f"  # NOT RECOGNISED {export.file} ({count(export.rows)} rows): {headings}"
