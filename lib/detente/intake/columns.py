"""One export: its text columns become typed canonical columns, each by one decision over all its cells.

Nothing is left out here: what cannot be read is marked in `_fate` or `_flags`, and `rows` and `clean`
decide the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from detente import engine
from detente.audit import Audit, Source
from detente.intake import dates, headings, money, shapes, values
from detente.intake.dates import DateForm
from detente.intake.files import Raw
from detente.intake.headings import Mapping
from detente.schema import TABLES, Column, fold

if TYPE_CHECKING:
    import ibis

DTYPES = {
    "id": "string", "text": "string", "time": "timestamp(6)", "date": "date", "money": "decimal(18, 2)",
    "number": "float64", "count": "int64", "flag": "boolean",
}  # fmt: skip
MONEY = {
    "deals": "amount", "spend": "cost", "payments": "amount", "invoices": "amount", "costs": "amount",
}  # fmt: skip
NUMERIC = ("money", "number", "count")


@dataclass(frozen=True)
class Extra:
    """A column that audit.yml names beside the canonical ones: attr_<criterion>, label_<label>, and their
    times.
    """

    name: str
    stated: str
    key: str
    kind: Literal["text", "number", "phone", "time"]


@dataclass(frozen=True)
class Export:
    """One file of one source, read and matched. `key`: where audit.yml states it. `order`: its place among
    files.
    """

    table: str
    key: str
    source: Source
    raw: Raw
    mapping: Mapping
    order: int
    extras: dict[str, str] = field(default_factory=dict)  # extra column -> heading

    def headings_of(self, column: str) -> tuple[str, ...]:
        if column in self.extras:
            return (self.extras[column],)
        return self.mapping.columns.get(column, ())

    def name_of(self, column: str) -> str:
        """The heading for messages."""
        return next(iter(self.headings_of(column)), column)


@dataclass(frozen=True)
class Forms:
    """The decisions for one export, by column."""

    dates: dict[str, DateForm]
    numbers: dict[str, money.MoneyForm]
    ids: dict[str, values.IdForm]


def nulls(export: Export, column: str) -> frozenset[str]:
    """The folded words that mean "nothing here" in one column."""
    profile = export.raw.profile
    known = (*profile.nulls.get("*", ()), *profile.nulls.get(column, ())) if profile else ()
    base = headings.NULL_MARKS if column in values.MARKS else headings.NULL_TOKENS
    return base | {fold(token) for token in (*known, *export.source.nulls)}


def picked(export: Export, wanted: Sequence[Column], extras: Sequence[Extra]) -> ibis.Table:
    """The canonical columns of one export as text, with row, file, order and a hash of the whole row."""
    import ibis

    raw = engine.read(export.raw.path)
    columns: dict[str, Any] = {"row": raw["row"], "file": ibis.literal(export.raw.file)}
    columns["_order"] = ibis.literal(export.order)
    columns["_hash"] = _row_hash(raw, export.raw.headings)
    for name in [column.name for column in wanted] + [extra.name for extra in extras]:
        found = [values.emptied(raw[heading], nulls(export, name)) for heading in export.headings_of(name)]
        if name == "stage" and export.source.stage:
            found.append(ibis.literal(export.source.stage))
        columns[name] = ibis.coalesce(*found) if found else ibis.null("string")
    return raw.select(**columns)


def _row_hash(raw: ibis.Table, names: Sequence[str]):
    """One number for the whole row, to find exact repeats."""
    import ibis

    cells = [raw[name].fill_null("\x1e") for name in names]
    return ibis.literal("\x1f").join(cells).hash()


# --- conversion ---
def typed(
    export: Export, table: ibis.Table, forms: Forms, extras: Sequence[Extra], audit: Audit
) -> ibis.Table:
    """The export, whose cells `picked` gave, with typed columns.

    Adds `_fate` (NULL, or "quarantined <reason> <column>"), `_flags` and `_fixes` (codes with their
    column), and `_money`: the row's money in the audit's currency, 0 where it has none.
    """
    import ibis

    table = converted(export, table, forms, extras, audit)
    marks = _Marks()
    wanted = [*TABLES[export.table], *(Column(extra.name, _EXTRA_KINDS[extra.kind]) for extra in extras)]
    columns: dict[str, Any] = {name: table[name] for name in ("row", "file", "_order", "_hash")}
    for column in wanted:
        columns[column.name] = _checked(column, table, marks)
    if export.table in MONEY:
        columns["currency"] = table["currency"]
        ours = table["currency"] == audit.currency
        amount = ibis.ifelse(ours, table[MONEY[export.table]], ibis.null("decimal(18, 2)"))
        columns["_money"] = amount.fill_null(0).cast("decimal(18, 2)")
    columns["_fate"] = ibis.coalesce(*marks.fates, ibis.null("string"))
    columns["_flags"] = marks.joined(marks.flags)
    columns["_fixes"] = marks.joined(marks.fixes)
    return table.select(**columns)


_EXTRA_KINDS = {"text": "text", "phone": "text", "number": "number", "time": "time"}


def converted(
    export: Export, table: ibis.Table, forms: Forms, extras: Sequence[Extra], audit: Audit
) -> ibis.Table:
    """Each cell converted, with `_was_<column>` for cells that were filled and `_fixed_<column>` for
    altered ones.

    Given as a view: an expression that is used several times is then computed once.
    """
    columns: dict[str, Any] = {name: table[name] for name in ("row", "file", "_order", "_hash")}
    for column in TABLES[export.table]:
        columns.update(_column(column, export, forms, table, audit))
    for extra in extras:
        columns.update(_extra(extra, forms, table, audit))
    if export.table in MONEY:
        columns["currency"] = _currency(export, forms, table, audit)
    name = f"converted_{export.table}_{export.order}"
    return engine.connection().create_view(name, table.select(**columns), overwrite=True)


def _checked(column: Column, table: ibis.Table, marks: _Marks) -> Any:
    """A converted column, with a mark where a filled cell came to nothing."""
    value, was, fixed = table[column.name], f"_was_{column.name}", f"_fixed_{column.name}"
    if was in table.columns:
        reason = {"time": "bad_date", "date": "bad_date", "money": "bad_money"}.get(column.kind, "bad_number")
        if column.kind in ("time", "date") and column.name != "started_time":
            value = dates.believable(value)
            value = value.date() if column.kind == "date" else value
        marks.unread(column, table[was], value, reason)
    if fixed in table.columns:
        code = {"money": "rounded_money", "id": "id_precision"}.get(column.kind, "mixed_dates")
        marks.fixed(table[fixed] & value.notnull(), f"{code}:{column.name}")
    return value


class _Marks:
    """The remarks on the cells of one export, gathered while its columns are built."""

    def __init__(self) -> None:
        self.fates: list[Any] = []
        self.flags: list[Any] = []
        self.fixes: list[Any] = []

    def unread(self, column: Column, was: Any, value: Any, reason: str) -> None:
        """A cell that could not be read: the row is set aside where the column is required, else flagged."""
        import ibis

        if column.required:
            empty = "no_date" if column.kind in ("time", "date") else "no_amount"
            why = ibis.ifelse(was, ibis.literal(reason), ibis.literal(empty))
            fate = ibis.literal("quarantined ") + why + f" {column.name}"
            self.fates.append(ibis.ifelse(value.isnull(), fate, ibis.null("string")))
        else:
            lost = was & value.isnull()
            self.flags.append(ibis.ifelse(lost, ibis.literal(f"{reason}:{column.name} "), ibis.literal("")))

    def fixed(self, condition: Any, code: str) -> None:
        import ibis

        self.fixes.append(ibis.ifelse(condition.fill_null(False), ibis.literal(f"{code} "), ibis.literal("")))

    @staticmethod
    def joined(parts: list[Any]) -> Any:
        import ibis

        return ibis.literal("").join(parts) if parts else ibis.literal("")


def _column(column: Column, export: Export, forms: Forms, table: ibis.Table, audit: Audit) -> dict[str, Any]:
    """One canonical column, converted by its kind."""
    import ibis

    text, name = table[column.name], column.name
    if not export.headings_of(name) and name != "stage":  # a stage may be stated for the whole file
        return {name: ibis.null(DTYPES[column.kind] if name != "started_time" else "int64")}
    if name in ("phone", "email") or column.kind == "text":
        return {name: text}
    if column.kind == "id":
        form = forms.ids[name]
        fixed = {f"_fixed_{name}": values.lost_precision(text, form)} if form.power else {}
        return {name: values.ids(text, form), **fixed}
    if name == "started_time":
        return {name: values.clock(text)}
    was = {f"_was_{name}": text.notnull()}
    if name == "duration_s":
        return {name: values.seconds(text, shapes.count(table, name)), **was}
    if column.kind in ("time", "date"):
        form = forms.dates[name]
        fixed = {f"_fixed_{name}": shapes.shape(text).isin(form.rarer)} if form.rarer else {}
        return {name: dates.parse(text, form, audit.timezone), **was, **fixed}
    form = forms.numbers[name]
    if column.kind == "money":
        value, fixed = money.as_money(text, form, export.source.unit)
        return {name: value, **was, f"_fixed_{name}": fixed}
    value = money.as_float(text, form)
    return {name: value if column.kind == "number" else value.round().cast("int64"), **was}


def _extra(extra: Extra, forms: Forms, table: ibis.Table, audit: Audit) -> dict[str, Any]:
    """A column of a criterion or a label; what cannot be read becomes unknown."""
    text, name = table[extra.name], extra.name
    if extra.kind == "time":
        form = forms.dates.get(name, DateForm((), 0))
        return {name: dates.parse(text, form, audit.timezone), f"_was_{name}": text.notnull()}
    if extra.kind == "number":
        form = forms.numbers.get(name, money.MoneyForm((), ""))
        return {name: money.as_float(text, form).cast("float64"), f"_was_{name}": text.notnull()}
    return {name: text}


def _currency(export: Export, forms: Forms, table: ibis.Table, audit: Audit) -> Any:
    """Stated for the file, else the currency column, else the sign in the cell, the heading, the audit."""
    import ibis

    if export.source.currency:
        return ibis.literal(export.source.currency.upper())
    column = MONEY[export.table]
    found = []
    if export.headings_of("currency"):
        known = {cell: money.currency_code(cell) or "???" for cell in _distinct(table, "currency")}
        if known:
            text = table["currency"]
            found.append(ibis.cases(*((text == cell, ibis.literal(code)) for cell, code in known.items())))
    if column in forms.numbers:
        found.append(money.sign_in_cell(table[column], forms.numbers[column]))
    return ibis.coalesce(*found, ibis.literal(export.mapping.currency or audit.currency))


def _distinct(table: ibis.Table, column: str) -> list[str]:
    found = engine.frame(table.filter(table[column].notnull()).select(column).distinct().limit(1000))
    return sorted(found[column])
