"""All sources of one audit, from files to the canonical Parquet tables and the loss log."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente import engine
from detente.audit import Audit, AuditError
from detente.intake import (
    clean,
    export_day,
    facts,
    files,
    forms,
    gaps,
    headings,
    inquiries,
    journeys,
    people,
    purchases,
    spelling,
)
from detente.intake.clean import Bench
from detente.intake.columns import Export, Extra
from detente.intake.ledger import Ledger
from detente.intake.spelling import Spelling
from detente.schema import TABLES, LossLog

if TYPE_CHECKING:
    import ibis

DERIVED = {
    "spend": ("vat",),
    "payments": ("vat",),
    "costs": ("kind", "vat"),
}  # beside the columns of the schema
_ID_LIKE = r"^[^\s]*[0-9][^\s]*$"


@dataclass(frozen=True)
class Batch:
    """One source: its files, and the Parquet of each with typed columns."""

    exports: tuple[Export, ...]
    paths: tuple[Path, ...]

    def typed(self) -> ibis.Table:
        table = clean.union(self.paths)
        return facts.refunds_negative(table) if self.exports[0].table == "payments" else table


def build(audit: Audit, secret: bytes, work: Path, target: Path) -> None:
    """Write the canonical tables, loss.json and about.json into `target`; raw values only ever lie in `work`.

    Raises DataError and AuditError.
    """
    extras = wanted_extras(audit)
    sources = read_sources(audit, work, extras)
    batches = {
        name: [
            Batch(tuple(found), tuple(forms.write(found, _served(name, extras), audit, work)))
            for found in many
        ]
        for name, many in sources.items()
    }
    as_of = export_day.told(audit, batches)
    ledger = Ledger()
    bench = Bench(
        audit,
        secret,
        work,
        Spelling.of(audit),
        ledger,
        as_of,
        spelling.stage_places(audit),
        people.staff(audit, secret),
    )
    tables = _tables(bench, batches, extras, as_of)
    _write_tables(bench, tables, target)
    write_log(ledger.log(), target / "loss.json")
    about = {
        "as_of": str(as_of),
        **export_day.span(engine.read(target / "journeys.parquet"), tables.get("spend"), as_of),
    }
    (target / "about.json").write_text(json.dumps(about), encoding="utf-8")


# --- reading ---
def read_sources(audit: Audit, work: Path, extras: Sequence[Extra]) -> dict[str, list[list[Export]]]:
    """Every file of every source, read and matched: table -> its sources -> their files."""
    found: dict[str, list[list[Export]]] = {}
    for table, source in audit.sources.items():
        many = found.setdefault(table, [])
        order = sum(len(exports) for exports in many)
        profile = headings.named(source.profile)
        exports = []
        for place, path in enumerate(audit.files(source)):
            raw = files.read(path, source, profile, work, table)
            mapping = headings.match(table, raw.headings, source, raw.profile)
            exports.append(Export(table, f"sources.{table}", source, raw, mapping, order + place))
        many.append([_without_names(export) for export in exports])
    _attach(found, extras)
    return found


def _without_names(export: Export) -> Export:
    """Leave out headings of `person` that hold names: two people may share one, so a name is no key."""
    names = [name for name in export.mapping.by_name if not _ids_only(export, name)]
    if not names:
        return export
    kept = {
        column: tuple(heading for heading in found if column != "person" or heading not in names)
        for column, found in export.mapping.columns.items()
    }
    kept = {column: found for column, found in kept.items() if found}
    mapping = replace(export.mapping, columns=kept, unmapped=(*export.mapping.unmapped, *names))
    return replace(export, mapping=mapping)


def _ids_only(export: Export, heading: str) -> bool:
    raw = engine.read(export.raw.path)
    cells = raw[heading]
    found = engine.frame(raw.aggregate(cells=cells.count(), ids=raw.count(where=cells.re_search(_ID_LIKE))))
    return int(found["ids"][0]) >= 0.95 * int(found["cells"][0])


def wanted_extras(audit: Audit) -> list[Extra]:
    """The columns that criteria, labels, stages and fields name."""
    kinds = {"at_least": "number", "at_most": "number", "between": "number", "valid_phone": "phone"}
    found = []
    for place, item in enumerate(audit.criteria):
        key = f"criteria[{place}]"
        found.append(Extra(f"attr_{item.id}", item.column, f"{key}.column", kinds.get(item.operator, "text")))  # type: ignore[arg-type]
        if item.known_at:
            found.append(Extra(f"attr_{item.id}_at", item.known_at, f"{key}.known_at", "time"))
    for place, label in enumerate(audit.labels):
        key = f"labels[{place}]"
        found.append(Extra(f"label_{label.id}", label.column, f"{key}.column", "text"))
        if label.set_at:
            found.append(Extra(f"label_{label.id}_at", label.set_at, f"{key}.set_at", "time"))
    return [*found, *_stage_extras(audit), *_field_extras(audit)]


def _stage_extras(audit: Audit) -> Iterator[Extra]:
    """evidence_<k> and fact_at_<k> of the stages that state where their fact can be seen."""
    for order, stage in enumerate(audit.funnel.stages, start=1):
        key = f"funnel.stages[{order - 1}]"
        if stage.evidence:
            yield Extra(f"evidence_{order}", stage.evidence, f"{key}.evidence", "text")
        if stage.fact_at:
            yield Extra(f"fact_at_{order}", stage.fact_at, f"{key}.fact_at", "time")


def _field_extras(audit: Audit) -> Iterator[Extra]:
    kinds = {"deadline": "time", "roles": "text"}  # the rest are numbers
    for name, heading in audit.fields:
        if heading:
            yield Extra(f"field_{name}", heading, f"fields.{name}", kinds.get(name, "number"))  # type: ignore[arg-type]


def _served(table: str, extras: Sequence[Extra]) -> Sequence[Extra]:
    return extras if table in ("deals", "leads") else ()


def _attach(found: dict[str, list[list[Export]]], extras: Sequence[Extra]) -> None:
    """Find the headings of the extra columns: in the deals, else in the leads; a canonical name serves as
    well.

    Raises AuditError for a column that no file has.
    """
    serving = [
        export for table in ("deals", "leads") for exports in found.get(table, []) for export in exports
    ]
    for extra in extras:
        missed = None
        for export in serving:
            mapped = export.mapping.columns.get(extra.stated)
            try:
                export.extras[extra.name] = (
                    mapped[0] if mapped else headings.find(extra.stated, export.raw.headings, extra.key)
                )
            except AuditError as error:
                missed = missed or error
        if missed and not any(extra.name in export.extras for export in serving):
            raise missed


# --- the tables ---
def _tables(
    bench: Bench, batches: dict[str, list[Batch]], extras: list[Extra], as_of: dt.date
) -> dict[str, Any]:
    """Every canonical table, cleaned and settled."""
    [deal_batch] = batches["deals"]
    deals = clean.deals(bench, deal_batch.exports, deal_batch.typed(), extras)
    leads = None
    for batch in batches.get("leads", []):
        leads = clean.leads(bench, batch.exports, batch.typed(), extras)
    base = inquiries.joined(deals, leads, bench.audit.funnel.stages[0].name, extras)
    base = bench.settled(base, "inquiries")
    contacts = people.contacts(base)
    exports = [one for name in ("deals", "leads") for batch in batches.get(name, []) for one in batch.exports]
    if any(export.headings_of(name) for export in exports for name in ("phone", "email")):
        contacts = tuple(bench.settled(table, "contacts") for table in contacts)
        base = bench.settled(people.with_person(base, contacts), "inquiries")
    tables: dict[str, Any] = {}
    for batch in batches.get("stages", []):
        tables["stages"] = facts.stages(bench, batch.exports, batch.typed(), base)
    tables["journeys"] = _journeys(bench, base, tables.get("stages"), extras, as_of)
    has_amount = any(export.headings_of("amount") for export in deal_batch.exports)
    tables["journeys"] = _remarked(bench, batches, tables["journeys"], as_of, has_amount)
    _one_each(base, tables["journeys"])
    gaps.note(
        bench.ledger,
        {name: [(b.exports, b.typed) for b in many] for name, many in batches.items()},
        tables["journeys"],
    )
    many = {
        "spend": (), "payments": (base, contacts), "invoices": (base, contacts), "costs": (base,),
        "calls": (contacts,), "tasks": (), "plan": (),
    }  # fmt: skip
    for name, more in many.items():
        parts = [
            getattr(facts, name)(bench, batch.exports, batch.typed(), *more)
            for batch in batches.get(name, [])
        ]
        if parts:
            tables[name] = bench.settled(_stacked(name, parts), name)
    return _with_purchases(bench, tables, has_amount)


def _with_purchases(bench: Bench, tables: dict[str, Any], has_amount: bool) -> dict[str, Any]:
    """The tables with `purchases`, and with what was paid on each inquiry, where any money is exported."""
    import ibis

    if "payments" not in tables and not has_amount and not bench.audit.fields.paid:
        dtypes = {
            "client": "string",
            "purchases": "int64",
            "first_paid_at": "timestamp(6)",
            "returning": "boolean",
        }
        none = {name: ibis.null(dtypes.get(name, purchases.MONEY)) for name in purchases.ON_JOURNEYS}
        table = tables["journeys"]
        del none["client"]
        return {**tables, "journeys": purchases.with_client(table, None).mutate(**none)}
    payments, costs = tables.get("payments"), tables.get("costs")
    known = bench.settled(purchases.with_client(tables["journeys"], payments), "clients")
    bought = bench.settled(purchases.purchases(known, payments, costs, bench.audit), "purchases")
    journeys_ = purchases.on_journeys(known, bought, tables.get("invoices"))
    return {**tables, "purchases": bought, "journeys": bench.settled(journeys_, "journeys-paid")}


def _stacked(name: str, parts: list[ibis.Table]) -> ibis.Table:
    """The parts of several sources with the columns of the schema, one under the other."""
    wanted = [item.name for item in TABLES[name] if item.name != "started_time"]
    wanted += [*DERIVED.get(name, ()), "row", "file", "_flags"]
    stacked = parts[0].select(*wanted)
    for part in parts[1:]:
        stacked = stacked.union(part.select(*wanted))
    return stacked


def _journeys(
    bench: Bench, base: ibis.Table, stages: ibis.Table | None, extras: list[Extra], as_of: dt.date
) -> ibis.Table:
    audit = bench.audit
    day_files = {name: journeys.date_only(base, name) for name in ("created_at", "closed_at")}
    base = journeys.grouped_reasons(base, audit)
    base = base.mutate(created_date_only=journeys.in_files(base, day_files["created_at"]))
    table = journeys.outcomes(base, audit)
    walked = None
    if stages is not None:
        walked = bench.settled(journeys.walk(stages, base, audit), "walk")
    table = bench.settled(journeys.travelled(table, walked, audit), "travelled")
    by_day = journeys.in_files(table, day_files["closed_at"])
    table = table.mutate(closed_date_only=by_day & ~table["_from_history"] & table["closed_at"].notnull())
    return bench.settled(inquiries.repeats(table, audit.thresholds.duplicate_days), "repeats")


def _one_each(base: ibis.Table, table: ibis.Table) -> None:
    """Raise AssertionError where a join made more or fewer inquiries than went into it: a mistake of ours."""
    [before] = engine.frame(base.aggregate(rows=base.count())).itertuples()
    [after] = engine.frame(table.aggregate(rows=table.count(), ids=table["lead_id"].nunique())).itertuples()
    if len({before.rows, after.rows, after.ids}) != 1:
        raise AssertionError(f"{before.rows} inquiries became {after.rows} journeys of {after.ids} ids")


def _remarked(bench: Bench, batches: dict, table: ibis.Table, as_of: dt.date, has_amount: bool) -> ibis.Table:
    table = journeys.remarks(table, has_amount)
    table = bench.settled(journeys.finished(table, bench.audit, as_of), "journeys")
    for name in ("deals", "leads"):
        for batch in batches.get(name, []):
            bench.ledger.late(batch.exports, table.filter(table["_table"] == name))
    return table


# --- writing ---
def _write_tables(bench: Bench, tables: dict[str, Any], target: Path) -> None:
    """Write what notebooks may see: canonical and named columns only, managers as numbers."""
    import ibis

    extras = wanted_extras(bench.audit)
    codes = _manager_codes(bench.audit, tables)
    for name, table in tables.items():
        if "manager" in table.columns and codes is not None:
            table = _coded(table, codes)
        if name == "journeys":
            table = table.order_by("created_at", "_key", "_table")
            names = journeys.columns(bench.audit, extras, "stages" in tables)
            table = table.select(*names, *purchases.ON_JOURNEYS)
        elif name == "purchases":
            table = table.order_by("bought_at", "client", "deal", "amount")
        else:
            flags = table["_flags"].strip().nullif("")
            wanted = [*(item.name for item in TABLES[name]), *DERIVED.get(name, ())]
            picked = {column: table[column] for column in wanted if column in table.columns}
            if name == "calls":
                picked["started_time"] = ibis.null("timestamp(6)")
            table = table.select(**picked, flags=flags, row=table["row"], file=table["file"])
        engine.write(table, target / f"{name}.parquet")


def _manager_codes(audit: Audit, tables: dict[str, Any]) -> dict[str, str] | None:
    """Manager -> "#01", by number of inquiries and then by name; those met elsewhere only come after."""
    if audit.managers.show:
        return None
    table = tables["journeys"]
    picked = table.filter(table["manager"].notnull())
    counted = engine.frame(picked.group_by("manager").aggregate(leads=picked.count()))
    sizes = {name: int(leads) for name, leads in counted.itertuples(index=False)}
    for name, other in tables.items():
        if name != "journeys" and "manager" in other.columns:
            for manager in people.distinct(other, "manager"):
                sizes.setdefault(manager, 0)
    ordered = sorted(sizes, key=lambda manager: (-sizes[manager], manager))
    width = max(2, len(str(len(ordered))))
    return {manager: f"#{place:0{width}d}" for place, manager in enumerate(ordered, start=1)}


def _coded(table: ibis.Table, codes: dict[str, str]) -> ibis.Table:
    small = people.small_table({"_manager": list(codes), "_code": list(codes.values())})
    found = table.left_join(small, table["manager"] == small["_manager"])
    return found.select(
        **{name: found["_code"] if name == "manager" else found[name] for name in table.columns}
    )


def write_log(log: LossLog, path: Path) -> None:
    """The loss log as JSON; money as text, so that no kopeck is lost."""
    stated = {"sources": [vars(item) for item in log.sources], "losses": [vars(item) for item in log.losses]}
    path.write_text(json.dumps(stated, ensure_ascii=False, default=_plain, indent=1), encoding="utf-8")


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
