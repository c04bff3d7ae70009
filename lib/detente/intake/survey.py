"""What lies in a folder of exports: which file is which table, which heading which column, what is in them.

Reads every file once, as a run would, and counts; it decides nothing. `draft` makes audit.yml of the answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from detente import engine, schema
from detente.audit import AuditError, Source
from detente.intake import dates, files, guesses, headings, money, shapes, systems, values
from detente.intake.headings import Mapping
from detente.intake.systems import Profile
from detente.schema import DataError, fold

if TYPE_CHECKING:
    import ibis

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".parquet", ".gz")
FEW = 30  # a column with more different values is no list
FILLED = 0.05  # a column with fewer filled cells tells about too few leads
_MISSING = "\x00"

# Without one of these a file is not the table that its required columns suggest: a list of contacts has an id
# and a day of creation as leads do.
_PROOF = {
    "deals": ("stage", "status_group", "closed_at"),
    "leads": ("stage", "channel", "utm_source", "loss_reason", "deal_id"),
    "spend": ("campaign", "channel", "impressions", "clicks"),
    "invoices": ("due_at", "invoice_id"),
    "calls": ("duration_s", "direction", "status", "started_time"),
    "tasks": ("due_at", "completed_at"),
}


@dataclass(frozen=True)
class Export:
    """One file: the table it is ("" where not recognised), its mapping, and what is missing of it."""

    file: str
    table: str
    raw: files.Raw | None = None
    mapping: Mapping | None = None
    profile: Profile | None = None
    missing: tuple[str, ...] = ()
    trouble: str = ""

    @cached_property
    def cells(self) -> ibis.Table:
        assert self.raw is not None
        return engine.read(self.raw.path)

    @cached_property
    def counted(self) -> dict[str, Count]:
        """Filled cells and different values per heading, in the order of the file."""
        assert self.raw is not None
        names = self.raw.headings
        filled = {f"filled_{place}": self.cells[name].count() for place, name in enumerate(names)}
        different = {f"different_{place}": self.cells[name].nunique() for place, name in enumerate(names)}
        row = engine.frame(self.cells.aggregate(rows=self.cells.count(), **filled, **different)).iloc[0]
        return {
            name: Count(int(row["rows"]), int(row[f"filled_{place}"]), int(row[f"different_{place}"]))
            for place, name in enumerate(names)
        }

    @property
    def rows(self) -> int:
        return next(iter(self.counted.values())).rows if self.raw else 0

    def heading(self, column: str) -> str:
        """The first heading of a canonical column, "" where there is none."""
        return next(iter(self.mapping.columns.get(column, ())), "") if self.mapping else ""

    def values(self, name: str, most: int = 200) -> dict[str, int]:
        """Cells of one heading -> rows, the most frequent first; cells that mean "empty" left out."""
        if not name:
            return {}
        filled = self.cells.filter(self.cells[name].notnull())
        grouped = filled.group_by(value=filled[name]).aggregate(rows=filled.count())
        found = engine.frame(grouped.order_by(grouped.rows.desc(), grouped["value"]).limit(most))
        pairs = zip(found["value"], found["rows"], strict=True)
        return {value: int(rows) for value, rows in pairs if fold(value) not in headings.NULL_TOKENS}

    def filled_among(self, name: str, column: str, among: Iterable[str]) -> int:
        """Rows where a heading is filled, of those whose `column` is one of `among`."""
        picked = self.cells.filter(self.cells[column].isin(list(among)) & self.cells[name].notnull())
        return int(engine.frame(picked.aggregate(rows=picked.count()))["rows"][0])

    def days(self, name: str, column: str, zone: str = "UTC") -> Days:
        """How the dates of a heading, mapped to `column`, are written, and between which days they lie."""
        cells = self.cells.select("row", **{name: values.emptied(self.cells[name], self._nulls(column))})
        counted = shapes.count(cells, name)
        try:
            form = dates.decide(counted, dates.slash_proof(cells, name, counted))
        except dates.Unclear as error:
            return Days(trouble=error.why, ambiguous=error.ambiguous)
        moments = cells.select(moment=dates.parse(cells[name], form, zone))
        row = engine.frame(moments.aggregate(first=moments.moment.min(), last=moments.moment.max())).iloc[0]
        if row.isna().any():
            return Days(form.names)
        return Days(form.names, row["first"].date(), row["last"].date())

    def _nulls(self, column: str) -> frozenset[str]:
        own = self.profile.nulls if self.profile else {}
        return headings.NULL_TOKENS | {fold(word) for word in (*own.get("*", ()), *own.get(column, ()))}

    def currencies(self, name: str) -> tuple[str, ...]:
        """Currency signs found in the cells of a money heading."""
        try:
            return money.decide(shapes.count(self.cells, name)).currencies
        except dates.Unclear:
            return ()


@dataclass(frozen=True)
class Count:
    """Rows of the file, filled cells of a heading, and how many different values they hold."""

    rows: int
    filled: int
    different: int


@dataclass(frozen=True)
class Days:
    """The forms of a column of dates, its first and last day; `trouble` where they cannot be told."""

    forms: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    trouble: str = ""
    ambiguous: bool = False


@dataclass(frozen=True)
class Survey:
    """All files of a folder."""

    exports: tuple[Export, ...]
    found: dict[str, list[Export]] = field(default_factory=dict)

    def one(self, table: str) -> Export | None:
        """The largest export of a table."""
        return max(self.found.get(table, []), key=lambda export: export.rows, default=None)


def exports_in(folder: Path) -> list[Path]:
    """The files of a folder that may be exports, by name. Raises AuditError where there is none."""
    found = sorted(
        path for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~$"))
    )  # fmt: skip
    if not found:
        raise AuditError(f"{folder}: there are no exports here; put CSV, XLSX, ODS or Parquet files into it")
    return found


def look(paths: Iterable[Path], scratch: Path) -> Survey:
    """Read and recognise each file; `scratch` takes the raw copies."""
    exports = tuple(_recognised(path, scratch) for path in paths)
    found: dict[str, list[Export]] = {}
    for export in exports:
        if export.table:
            found.setdefault(export.table, []).append(export)
    return Survey(exports, found)


def _recognised(path: Path, scratch: Path) -> Export:
    source = Source(file=[path.name])
    try:
        raw = files.read(path, source, None, scratch)
    except (DataError, AuditError) as error:
        return Export(path.name, "", trouble=str(error))
    options = [found for table in schema.TABLES if (found := _as_table(table, raw, source))]
    return max(options, key=_trust, default=Export(path.name, "", raw))


def _trust(export: Export) -> tuple[int, int]:
    """Whole tables before those that lack a required column, then by the number of columns found."""
    assert export.mapping is not None
    return -len(export.missing), len(export.mapping.columns)


def _as_table(table: str, raw: files.Raw, source: Source) -> Export | None:
    """The file read as one table, None where it cannot be that; deals may lack their stage or first day."""
    profile = systems.recognise(table, raw.headings)
    aliases = [
        known.aliases(table) for known in systems.profiles() if known in (profile, systems.profiles()[-1])
    ]
    missing = tuple(
        column.name for column in schema.TABLES[table]
        if column.required
        and not any(headings.by_alias(column.name, known, raw.headings) for known in aliases)
    )  # fmt: skip
    stand_ins = {name: [_MISSING + name] for name in missing}
    try:
        mapping = headings.match(
            table, (*raw.headings, *(_MISSING + name for name in missing)),
            source.model_copy(update={"columns": stand_ins}), profile,
        )  # fmt: skip
    except (DataError, AuditError):
        return None
    columns = {name: found for name, found in mapping.columns.items() if name not in missing}
    proof = _PROOF.get(table)
    if (proof and not set(proof) & set(columns)) or len(columns) < 2:
        return None
    if missing and (table != "deals" or not {"created_at", "stage"} >= set(missing) or len(columns) < 3):
        return None
    whole = Mapping(
        columns,
        mapping.unmapped,
        mapping.profile,
        mapping.hits,
        mapping.of,
        mapping.currency,
        mapping.by_name,
    )
    return Export(raw.file, table, raw, whole, profile, missing)


def lists(export: Export) -> dict[str, dict[str, int]]:
    """Columns with 2 to FEW different values, neither money nor personal: heading -> value -> rows.

    Unused columns and that of the segment; the fullest comes first.
    """
    assert export.mapping is not None
    found = {}
    for name in (*export.mapping.columns.get("segment", ()), *export.mapping.unmapped):
        count = export.counted.get(name)
        if (
            count
            and 2 <= count.different <= FEW
            and count.filled >= FILLED * count.rows
            and not guesses.is_money(name)
        ):
            cells = export.values(name)
            if len(cells) >= 2 and not guesses.is_personal(name, list(cells)):
                found[name] = cells
    return dict(sorted(found.items(), key=lambda item: -sum(item[1].values())))
