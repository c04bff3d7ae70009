"""Decisions about the columns of one source: the form of its dates, numbers and ids, over all cells of all
its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente import engine
from detente.audit import Audit
from detente.intake import columns, dates, money, shapes, values
from detente.intake.columns import NUMERIC, Export, Extra, Forms, picked
from detente.intake.dates import DateForm, Unclear
from detente.schema import TABLES, Column, DataError

if TYPE_CHECKING:
    import ibis


def decide(
    exports: Sequence[Export], tables: Sequence[ibis.Table], wanted: Sequence[Column], extras: Sequence[Extra]
) -> list[Forms]:
    """The forms of every export of one source; where one file says too little, its brothers are asked.

    tables : the cells of each export under their canonical names, as `picked` gives them.
    """
    times = [item.name for item in wanted if item.kind in ("time", "date") and item.name != "started_time"]
    times += [extra.name for extra in extras if extra.kind == "time"]
    numbers = [item.name for item in wanted if item.kind in NUMERIC and item.name != "duration_s"]
    numbers += [extra.name for extra in extras if extra.kind == "number"]
    by_date = {name: _dates(name, exports, tables) for name in times}
    by_number = {name: _numbers(name, exports, tables) for name in numbers}
    keys = [item.name for item in wanted if item.kind == "id" and item.name not in ("phone", "email")]
    return [
        Forms(
            {name: found[place] for name, found in by_date.items() if place in found},
            {name: found[place] for name, found in by_number.items() if place in found},
            {name: _ids(name, export, table) for name in keys if export.headings_of(name)},
        )
        for place, (export, table) in enumerate(zip(exports, tables, strict=True))
    ]


def _with(name: str, exports: Sequence[Export]) -> list[int]:
    return [place for place, export in enumerate(exports) if export.headings_of(name)]


def _dates(name: str, exports: Sequence[Export], tables: Sequence[ibis.Table]) -> dict[int, DateForm]:
    places = _with(name, exports)
    counted = {place: shapes.count(tables[place], name) for place in places}
    proofs = {place: dates.slash_proof(tables[place], name, counted[place]) for place in places}
    everything = shapes.together(list(counted.values()))
    proof = sum(proofs.values(), dates.SlashProof())

    def one(place: int, export: Export) -> DateForm:
        source = export.source
        stated = source.date_formats.get(name) or source.date_format
        options = {"months": export.table == "plan"}
        try:
            return dates.decide(counted[place], proofs[place], stated, **options)
        except Unclear as error:
            if error.ambiguous and (hint := _hint(export, name)):
                return dates.decide(counted[place], proofs[place] + dates.SlashProof(**hint), None, **options)
            if not error.ambiguous or len(places) == 1:
                raise
            return dates.decide(everything, proof, stated, **options)

    found = {
        place: _asking(exports[place], name, "date", lambda p=place: one(p, exports[p])) for place in places
    }
    for place, form in found.items():
        _not_from_1904(exports[place], name, form)
    return {place: dates.with_years(form, tables[place], name) for place, form in found.items()}


def _not_from_1904(export: Export, name: str, form: DateForm) -> None:
    """Raise DataError where bare day numbers stand in a workbook that counts them from 1904."""
    if "excel" in form.names and any(loss.reason == "years_from_1904" for loss in export.raw.remarks):
        raise DataError(
            "days are plain numbers, and this workbook counts them from 1904.",
            file=export.raw.file,
            column=export.name_of(name),
            fix="In Excel, format the column as a date and save the file again.",
        )


def _hint(export: Export, name: str) -> dict[str, int]:
    """What the system's profile knows about the order of day and month."""
    profile = export.raw.profile
    forms = (profile.date_formats.get(name) or profile.date_formats.get("*", ())) if profile else ()
    slashed = {form[:5].lower() for form in forms if "/" in form and form[:2].lower() in ("%d", "%m")}
    if slashed == {"%d/%m"}:
        return {"first": 1}
    return {"second": 1} if slashed == {"%m/%d"} else {}


def _numbers(
    name: str, exports: Sequence[Export], tables: Sequence[ibis.Table]
) -> dict[int, money.MoneyForm]:
    places = _with(name, exports)
    counted = {place: shapes.count(tables[place], name) for place in places}
    zeros = {place: money.leading_zeros(tables[place], name, counted[place]) for place in places}
    everything = shapes.together(list(counted.values()))
    all_zeros = (sum(pair[0] for pair in zeros.values()), sum(pair[1] for pair in zeros.values()))

    def one(place: int, export: Export) -> money.MoneyForm:
        try:
            form = money.decide(counted[place], zeros[place], export.source.decimal)
        except Unclear:
            if len(places) == 1:
                raise
            form = money.decide(everything, all_zeros, export.source.decimal)
        cells = sum(item.cells for item in counted[place])
        if cells and form.unread * 2 > cells:
            raise Unclear(f"{form.unread} of {cells} cells are no number", row=counted[place][0].row)
        return form

    return {
        place: _asking(exports[place], name, "number", lambda p=place: one(p, exports[p])) for place in places
    }


def _asking(export: Export, name: str, what: str, decision: Callable[[], Any]) -> Any:
    """Turn "unclear" into a message that names the key of audit.yml to set."""
    try:
        return decision()
    except Unclear as error:
        if what == "date":
            form = "dd/mm/yyyy (or mm/dd/yyyy)" if error.ambiguous else "<form, as dd.mm.yyyy HH:MM>"
            fix = f"Write in audit.yml: {export.key}.date_formats.{name}: {form}"
        elif error.ambiguous:
            fix = f"Write in audit.yml: {export.key}.decimal: comma (or point)"
        else:
            fix = f"Write in audit.yml: {export.key}.columns.{name}: <the heading that holds numbers>"
        where = {"file": export.raw.file, "column": export.name_of(name), "row": error.row}
        raise DataError(f"{error.why}.", **where, fix=fix) from None


def _ids(name: str, export: Export, table: ibis.Table) -> values.IdForm:
    form = values.id_form(table, name)
    is_key = name == "lead_id" and export.table in ("deals", "leads")
    repeated = is_key and form.power != form.power_distinct
    if form.power and (form.power * 100 >= form.cells or repeated):
        raise DataError(
            f"ID lost precision: {form.power} of {form.cells} ids are written as powers of ten.",
            file=export.raw.file,
            column=export.name_of(name),
            fix="Export the ids as text, not through a spreadsheet's numbers.",
        )
    return form


def write(exports: Sequence[Export], extras: Sequence[Extra], audit: Audit, folder: Path) -> Iterator[Path]:
    """Type each export of one source and write it; yields a Parquet file per export."""
    wanted = TABLES[exports[0].table]
    tables = [_settled(export, picked(export, wanted, extras), folder) for export in exports]
    found = decide(exports, tables, wanted, extras)
    for export, table, forms in zip(exports, tables, found, strict=True):
        path = folder / f"typed-{export.table}-{export.order}.parquet"
        engine.write(columns.typed(export, table, forms, extras, audit), path)
        yield path


def _settled(export: Export, table: ibis.Table, folder: Path) -> ibis.Table:
    """The table written down: each column is asked several times, and is then picked only once."""
    path = folder / f"picked-{export.table}-{export.order}.parquet"
    engine.write(table, path)
    return engine.read(path)
