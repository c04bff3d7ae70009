"""Which heading is which canonical column, and which system wrote the file.

Order of trust: `columns` of audit.yml, an exact alias of the system's profile, a universal alias. A near
miss is only ever suggested in a message. Profiles are data (`profiles/*.toml`), not code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from detente import schema
from detente.audit import AuditError, Source
from detente.intake.systems import Profile, bare, named, profiles, recognise
from detente.schema import DataError, fold

__all__ = [
    "COALESCED", "MACRO", "NULL_MARKS", "NULL_TOKENS", "Mapping", "Profile", "by_alias", "clean", "find",
    "hits", "match", "named", "profiles", "recognise",
]  # fmt: skip

# Cells that mean "nothing here" in any column; compare after schema.fold.
NULL_TOKENS = frozenset(
    fold(token)
    for token in (
        "NA", "N/A", "#N/A", "None", "null", "nil", "NaN", "<NA>", "-", "--", "---", "—", "–", "(not set)",
        "not set", "(none)", "(пусто)", "(blank)", "не указано", "не указан", "не указана", "не задано",
        "не заполнено", "не выбрано", "[не задано]", "undefined",
    )
)  # fmt: skip

# The same for advertising marks only: «нет» is an answer in a criterion's column, but not the name of a
# campaign.
NULL_MARKS = NULL_TOKENS | frozenset(
    fold(token)
    for token in (
        "нет", "no", "0", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "source",
        "medium", "campaign",
    )
)  # fmt: skip

# A mark that the advertising system was to fill in and did not: {campaign_id}, {{source}}, %%keyword%%,
# _{region}_.
MACRO = r"\{\{?[\w.:\-]*\}?\}|%%\w+%%"

# Several headings may feed one of these: the first filled one counts.
COALESCED = frozenset({"loss_reason", "phone", "email", "person"})

_MONEY = frozenset({"amount", "cost"})


@dataclass(frozen=True)
class Mapping:
    """The answer for one file: canonical column -> headings to read it from, in order of trust.

    currency : code found in the heading of a money column, as in «Amount spent (RUB)».
    by_name : headings of `person` that may hold a person's name: two people may share it, so it is no key
    unless its cells look like ids.
    """

    columns: dict[str, tuple[str, ...]]
    unmapped: tuple[str, ...]
    profile: str
    hits: int
    of: int
    currency: str | None = None
    by_name: tuple[str, ...] = ()


def clean(cells: Iterable[str | None], reserved: Iterable[str] = ("row",)) -> tuple[str, ...]:
    """Headings fit to be column names: one line, no invisible marks, unique also when folded.

    A repeat gets " (2)"; a column without a heading is called "(column 3)".
    """
    taken = {fold(name) for name in reserved}
    found = []
    for place, cell in enumerate(cells, start=1):
        text = re.sub("[\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\x00]", "", cell or "")
        text = re.sub(r"\s+", " ", text).strip() or f"(column {place})"
        name, number = text, 2
        while fold(name) in taken:
            name, number = f"{text} ({number})", number + 1
        taken.add(fold(name))
        found.append(name)
    return tuple(found)


def hits(table: str, cells: Iterable[str | None], stated: Iterable[str] = ()) -> int:
    """How many cells are known headings of a table ("" for any), or headings that audit.yml states."""
    exact, patterns = _known(table)
    exact = exact | {fold(name) for name in stated}
    count = 0
    for cell in cells:
        if cell and len(cell) <= 120:
            words = {fold(cell), bare(cell)[0]}
            count += bool(words & exact) or any(
                pattern.fullmatch(word) for pattern in patterns for word in words
            )
    return count


@cache
def _known(table: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """All aliases and marks for a table, folded, and those with a star as patterns."""
    names: set[str] = set()
    for profile in profiles():
        for served, columns in profile.columns.items():
            if table in ("", served):
                names.update(alias for aliases in columns.values() for alias in aliases)
        if table == "" or table in profile.tables:
            names.update(profile.marks)
    plain = frozenset(fold(name) for name in names if "*" not in name)
    return plain, tuple(_pattern(name) for name in names if "*" in name)


@cache
def _pattern(alias: str) -> re.Pattern[str]:
    """An alias as a pattern over folded headings; a star stands for anything."""
    return re.compile(".*".join(re.escape(fold(part)) for part in alias.split("*")))


def find(stated: str, headings: Sequence[str], key: str) -> str:
    """The heading that audit.yml means: exactly, else by folded spelling.

    Raises AuditError with the key and the nearest heading when there is none.
    """
    if stated in headings:
        return stated
    for heading in headings:
        if fold(heading) == fold(stated):
            return heading
    raise AuditError(f"audit.yml: {key}: the file has no column «{stated}»; {_nearest(stated, headings)}")


def _nearest(stated: str, headings: Sequence[str]) -> str:
    folded = {fold(heading): heading for heading in headings}
    near = difflib.get_close_matches(fold(stated), folded, n=1, cutoff=0.6)
    return f"did you mean «{folded[near[0]]}»?" if near else f"it has: {_listed(headings)}"


def _listed(headings: Sequence[str]) -> str:
    shown = ", ".join(f"«{heading[:60]}»" for heading in headings[:40])
    return shown + (f" and {len(headings) - 40} more" if len(headings) > 40 else "")


def match(table: str, headings: Sequence[str], source: Source, profile: Profile | None) -> Mapping:
    """Which headings feed which columns of `schema.TABLES[table]`; each heading is used once.

    Raises AuditError where audit.yml names a column or heading that is not there, DataError where a required
    column has no heading.
    """
    columns = _stated(table, headings, source)
    used = {heading for found in columns.values() for heading in found}
    wanted = sorted(schema.TABLES[table], key=lambda column: not column.required)
    for trusted in [profile, _generic()] if profile else [_generic()]:
        for column in wanted:
            if column.name in columns and column.name not in COALESCED or column.name in source.columns:
                continue
            found = [
                name for name in by_alias(column.name, trusted.aliases(table), headings) if name not in used
            ]
            several = column.name in COALESCED or (column.name == "closed_at" and trusted is profile)
            found = found if several else found[:1]
            if found:
                columns[column.name] = (*columns.get(column.name, ()), *found)
                used.update(found)
    _require(table, columns, headings, source)
    return _mapping(table, columns, headings, profile)


@cache
def _generic() -> Profile:
    return next(profile for profile in profiles() if profile.id == "generic")


def _stated(table: str, headings: Sequence[str], source: Source) -> dict[str, tuple[str, ...]]:
    """The headings that audit.yml states, as they are spelt in the file."""
    known = [column.name for column in schema.TABLES[table]]
    columns: dict[str, tuple[str, ...]] = {}
    for name, stated in source.columns.items():
        key = f"sources.{table}.columns.{name}"
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"did you mean «{near[0]}»?" if near else f"columns of {table}: {', '.join(known)}"
            raise AuditError(f"audit.yml: {key}: there is no such column; {hint}")
        columns[name] = _stated_headings(stated, headings, key, several_files=len(source.file) > 1)
    return {name: found for name, found in columns.items() if found}


def _stated_headings(
    stated: list[str], headings: Sequence[str], key: str, several_files: bool
) -> tuple[str, ...]:
    """Years rename columns: over several files each must have one of the stated headings, not all of them."""
    found, missing = [], []
    for name in stated:
        try:
            found.append(find(name, headings, key))
        except AuditError as error:
            missing.append(error)
    if missing and not (several_files and found):
        raise missing[0]
    return tuple(dict.fromkeys(found))


def by_alias(name: str, aliases: dict[str, tuple[str, ...]], headings: Sequence[str]) -> list[str]:
    """Headings that are an alias of a column, in the order of the aliases."""
    found = []
    for alias in aliases.get(name, ()):
        for heading in headings:
            words = {fold(heading)}
            if name in _MONEY:
                words.add(bare(heading)[0])
            if name in COALESCED:
                words.add(re.sub(r" \(\d+\)$", "", fold(heading)))
            if (
                fold(alias) in words
                if "*" not in alias
                else any(_pattern(alias).fullmatch(word) for word in words)
            ):
                found.append(heading)
    return list(dict.fromkeys(found))


def _require(
    table: str, columns: dict[str, tuple[str, ...]], headings: Sequence[str], source: Source
) -> None:
    for column in schema.TABLES[table]:
        if column.required and column.name not in columns and not (column.name == "stage" and source.stage):
            free = [name for name in headings if not any(name in found for found in columns.values())]
            key = f"sources.{table}.columns.{column.name}"
            raise DataError(
                f"no column is known to be {column.name} of {table}; found {_listed(headings)}.",
                file=", ".join(source.file),
                fix=f"Write in audit.yml: {key}: {_suggestion(table, column.name, free)}",
            )


def _suggestion(table: str, name: str, free: Sequence[str]) -> str:
    """The free heading nearest to any alias of the column."""
    aliases = [fold(alias) for profile in profiles() for alias in profile.aliases(table).get(name, ())]
    scored = [
        (difflib.SequenceMatcher(None, alias, fold(heading)).ratio(), heading)
        for heading in free for alias in [*aliases, name.replace("_", " ")]
    ]  # fmt: skip
    best = max(scored, default=(0, ""))
    return f"«{best[1]}» (the nearest by spelling)" if best[0] >= 0.6 else "<heading>"


def _mapping(table: str, columns: dict, headings: Sequence[str], profile: Profile | None) -> Mapping:
    used = {heading for found in columns.values() for heading in found}
    money = [heading for name in sorted(_MONEY & set(columns)) for heading in columns[name]]
    return Mapping(
        columns={
            column.name: columns[column.name] for column in schema.TABLES[table] if column.name in columns
        },
        unmapped=tuple(heading for heading in headings if heading not in used),
        profile=profile.name if profile else "generic",
        hits=profile.seen(headings) if profile else len(columns),
        of=len(profile.marks) if profile else len(schema.TABLES[table]),
        currency=next((code for heading in money if (code := bare(heading)[1])), None),
        by_name=tuple(
            name for name in columns.get("person", ()) if re.search("name|имя|контакт$", fold(name))
        ),
    )
