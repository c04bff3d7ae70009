"""Each table from typed text to its canonical rows: people become pseudonyms, names get one spelling, and
every row that cannot stand is set aside with its reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

from detente import engine
from detente.audit import Audit
from detente.intake import columns, people, rows, spelling, values
from detente.intake.columns import Export, Extra
from detente.intake.ledger import Ledger
from detente.intake.spelling import Place, Spelling
from detente.intake.values import Change
from detente.schema import TABLES, DataError, fold

if TYPE_CHECKING:
    import ibis

UNMAPPED_SHARE = 100  # more than one deal in a hundred
_MERGED = r"(^|[^\p{L}])(merged?|объедин[её]н\p{L}*|склеен\p{L}*)([^\p{L}]|$)"


@dataclass
class Bench:
    """What all tables share while they are cleaned. `last_day`: no fact can be later. `folder`: for raw
    values.
    """

    audit: Audit
    secret: bytes
    folder: Path
    spelling: Spelling
    ledger: Ledger
    last_day: dt.date
    places: dict[str, Place] = field(default_factory=dict)
    staff: tuple[list[str], list[str]] = ((), ())  # type: ignore[assignment]
    hashes: dict[str, ibis.Table] = field(default_factory=dict)
    step: int = 0

    def settled(self, table: ibis.Table, name: str) -> ibis.Table:
        """Write an intermediate table and read it back: expressions stay short, memory stays flat."""
        self.step += 1
        path = self.folder / f"{self.step:02d}-{name}.parquet"
        engine.write(table, path)
        return engine.read(path)


def union(paths: Iterable[Path]) -> ibis.Table:
    return reduce(lambda one, other: one.union(other), (engine.read(path) for path in paths))


# --- text and people ---
def texts(
    bench: Bench, exports: Sequence[Export], table: ibis.Table, extras: Sequence[Extra] = ()
) -> ibis.Table:
    """Clean the text columns of a table and give each name its one spelling."""
    names = [
        item.name for item in TABLES[exports[0].table] if item.kind == "text" and item.name in table.columns
    ]
    changes: dict[str, Mapping[str, Change]] = {}
    for name in names:
        silent = not any(export.headings_of(name) for export in exports)
        if silent or name in ("title", "tags", "status_group", "currency"):
            continue
        tokens = frozenset().union(*(columns.nulls(export, name) for export in exports))
        clean = values.mark if name in values.MARKS else values.plain
        found = {raw: clean(raw, tokens) for raw in people.distinct(table, name)}
        if name in ("stage", "from_stage"):
            found = {raw: _staged(change, bench.places) for raw, change in found.items()}
        elif name in spelling.LEARNED:
            bench.spelling.learn(table, name, found)
            found = {raw: bench.spelling.change(name, change) for raw, change in found.items()}
        changes[name] = found
    for extra in extras:
        if extra.kind == "text":
            tokens = frozenset().union(*(columns.nulls(export, extra.name) for export in exports))
            found = {raw: values.plain(raw, tokens) for raw in people.distinct(table, extra.name)}
            changes[extra.name] = {
                raw: Change(fold(one.text) if one.text else None) for raw, one in found.items()
            }
    return spelling.changed(table, changes)


def _staged(change: Change, places: Mapping[str, Place]) -> Change:
    """A stage in its canonical spelling; a name that the funnel does not know stays as it is."""
    if change.text and (place := places.get(fold(change.text))):
        return Change(place.name, change.flag, change.fix)
    return change


def hashed(
    bench: Bench, exports: Sequence[Export], table: ibis.Table, kinds: Mapping[str, str]
) -> ibis.Table:
    """Replace personal columns by keyed hashes; a phone also gives `phone_valid` (NULL where there is no
    phone).
    """
    import ibis

    joined, made = table, {}
    for number, (name, kind) in enumerate(kinds.items()):
        if not any(export.headings_of(name) for export in exports):
            continue
        raw, value = f"_{number}raw", f"_{number}hashed"
        small = _hashes(bench, table, name, kind).rename({raw: "raw", value: "hashed"})
        joined = joined.left_join(small, joined[name] == small[raw])
        made[name] = value
    picked = {name: joined[made[name]] if name in made else joined[name] for name in table.columns}
    if "phone" in kinds:
        valid = joined[made["phone"]].notnull() if "phone" in made else ibis.null("boolean")
        picked["phone_valid"] = ibis.ifelse(joined["phone"].isnull(), ibis.null("boolean"), valid)
    return joined.select(**picked)


def _hashes(bench: Bench, table: ibis.Table, name: str, kind: str) -> ibis.Table:
    """raw -> hashed for a column; what an earlier table of the same kind had is not hashed again."""
    normal, known = _normal(kind, bench.audit.phone_region), bench.hashes.get(kind)
    wanted = table.filter(table[name].notnull()).select(raw=name).distinct()
    if known is not None:
        wanted = wanted.anti_join(known, "raw")
    new = people.hashes(people.distinct(wanted, "raw"), bench.secret, kind, normal)
    both = new if known is None else known.union(new)
    bench.hashes[kind] = bench.settled(both, f"hashes-{kind}")
    return bench.hashes[kind]


def _normal(kind: str, region: str) -> Callable[[str], str | None]:
    if kind == "phone":
        return partial(people.phone, region=region)
    return people.email if kind == "email" else people.person_id


def without_lost_phones(bench: Bench, exports: Sequence[Export], table: ibis.Table) -> ibis.Table:
    """Phones that a spreadsheet turned into 7.9E+10 are no phones; they count as empty."""
    import ibis

    if not any(export.headings_of("phone") for export in exports):
        return table
    lost = table["phone"].re_search(r"^\s*[0-9]([.,][0-9]+)?[eEеЕ]\+?[0-9]+\s*$").fill_null(False)
    table = rows.flagged(table, lost, "phone_lost_digits:phone")
    return table.mutate(phone=ibis.ifelse(lost, ibis.null("string"), table["phone"]))


def valid_phones(bench: Bench, table: ibis.Table, extras: Sequence[Extra]) -> ibis.Table:
    """The columns of valid_phone criteria as booleans: NULL where the cell is empty."""
    import ibis

    for extra in extras:
        if extra.kind != "phone":
            continue
        raw = people.distinct(table, extra.name)
        good = ["1" if people.phone(cell, bench.audit.phone_region) else None for cell in raw]
        small = people.small_table({"_raw": raw, "_good": good})
        joined = table.left_join(small, table[extra.name] == small["_raw"])
        value = ibis.ifelse(joined[extra.name].isnull(), ibis.null("boolean"), joined["_good"].notnull())
        table = joined.select(
            **{name: value if name == extra.name else joined[name] for name in table.columns}
        )
    return table


# --- fates that several tables share ---
def no_id(table: ibis.Table, key: str) -> ibis.Table:
    """A row without its key is no record: it is dropped whatever else it holds."""
    import ibis

    empty = table[key].isnull()
    return table.mutate(_fate=ibis.ifelse(empty, ibis.literal(f"dropped no_id {key}"), table["_fate"]))


def not_future(bench: Bench, table: ibis.Table, column: str, last: dt.date | None = None) -> ibis.Table:
    """Facts later than the day of the export are none: the row is quarantined."""
    import ibis

    limit = ibis.date(str((last or bench.last_day) + dt.timedelta(days=1)))
    return rows.fated(table, table[column].cast("date") > limit, f"quarantined future_date {column}")


def future_to_null(bench: Bench, table: ibis.Table, column: str, concerned) -> ibis.Table:
    """The same for a time that the row can do without, among the rows that are concerned."""
    import ibis

    limit = ibis.date(str(bench.last_day + dt.timedelta(days=1)))
    late = concerned & (table[column].cast("date") > limit).fill_null(False)
    table = rows.flagged(table, late, f"future_date:{column}")
    return table.mutate(**{column: ibis.ifelse(late, ibis.null(table[column].type()), table[column])})


def other_currency(bench: Bench, table: ibis.Table, column: str) -> ibis.Table:
    """Money of another currency is never summed: the row is quarantined. A row without money keeps its
    place.
    """
    foreign = (table["currency"] != bench.audit.currency) & table[column].notnull() & (table[column] != 0)
    return rows.fated(table, foreign, "quarantined other_currency currency")


def closed(bench: Bench, exports: Sequence[Export], typed: ibis.Table, marked: ibis.Table) -> ibis.Table:
    """Enter a source in the ledger and keep the rows that have no fate."""
    kept = marked.filter(marked["_fate"].isnull())
    bench.ledger.close(exports, typed, marked, kept)
    return kept


# --- deals and leads ---
def deals(bench: Bench, exports: Sequence[Export], typed: ibis.Table, extras: Sequence[Extra]) -> ibis.Table:
    """One row per deal. Adds `_key` (the raw id, for order only), `_test`, `phone_valid`; drops the title."""
    table = _inquiries(bench, exports, typed, extras)
    if any(export.headings_of("amount") for export in exports):
        table = other_currency(bench, table, "amount")
        table = rows.fated(table, table["amount"] < 0, "quarantined negative_amount amount")
    still_open = [place.name for place in bench.places.values() if place.outcome == "open"]
    ended = ~table["stage"].isin(still_open).fill_null(False)  # an open deal's date is a plan
    table = future_to_null(bench, table, "closed_at", ended)
    table = table.mutate(_key=table["lead_id"])
    if rows.repeated(table, "lead_id"):
        table = _once_each(bench, exports, table)
    kinds = {"lead_id": "deal", "person": "person", "phone": "phone", "email": "email"}
    marked = bench.settled(
        _tested(bench, _told_by_words(exports, hashed(bench, exports, table, kinds))), "deals"
    )
    known_stages(bench, exports, marked.filter(marked["_fate"].isnull()), "stage")
    return closed(bench, exports, typed, marked)


def _inquiries(
    bench: Bench, exports: Sequence[Export], typed: ibis.Table, extras: Sequence[Extra]
) -> ibis.Table:
    table = texts(bench, exports, typed, extras)
    table = without_lost_phones(bench, exports, table)
    table = valid_phones(bench, table, extras)
    table = no_id(table, "lead_id")
    table = not_future(bench, table, "created_at")
    return bench.settled(table, exports[0].table)


def _once_each(bench: Bench, exports: Sequence[Export], table: ibis.Table) -> ibis.Table:
    """Decide on ids that stand more than once."""
    rule = rows.product_rule(table, exports)
    lines = table["product"].notnull() if rule == "sum" else None
    table = rows.exact(table, ["lead_id"], only=~lines if lines is not None else None)
    table = bench.settled(table, "deals-exact")
    if rule:
        table = bench.settled(rows.product_lines(table, rule), "deals-lines")
    return bench.settled(rows.same_id(table, "lead_id", "modified_at"), "deals-once")


def _tested(bench: Bench, table: ibis.Table) -> ibis.Table:
    """Whether an inquiry is a test: a word of its title, its channel, or a phone or e-mail of the company's
    own.
    """
    phones, emails = bench.staff
    test = people.holds_word(table["title"], bench.audit.tests.words)
    for name, own in (("phone", phones), ("email", emails)):
        if own:
            test = test | table[name].isin(own).fill_null(False)
    if stated := bench.audit.tests.channels:
        channels = [bench.spelling.change("channel", Change(name)).text for name in stated]
        test = test | table["channel"].isin(channels).fill_null(False)
    return table.mutate(_test=test).drop("title")


def _told_by_words(exports: Sequence[Export], table: ibis.Table) -> ibis.Table:
    """Flag deals merged by hand, told by a tag or status, and titles with a link as spam.

    Where more than one title in twenty has a link, the company's own form writes it: that is no spam.
    """
    for name in ("tags", "status_group"):
        if any(export.headings_of(name) for export in exports):
            table = rows.flagged(table, table[name].lower().re_search(_MERGED), f"merged:{name}")
    if any(export.headings_of("title") for export in exports):
        link = table["title"].lower().re_search(r"https?://|www\.|\[url")
        [count] = engine.frame(
            table.aggregate(titles=table["title"].count(), links=table.count(where=link))
        ).itertuples()
        if 0 < count.links * 20 <= count.titles:
            table = rows.flagged(table, link, "spam:title")
    return table


def known_stages(bench: Bench, exports: Sequence[Export], kept: ibis.Table, column: str) -> None:
    """Raise DataError where more than 1 % of deals stand on stages that the funnel of audit.yml does not
    name.
    """
    counted = engine.frame(kept.group_by(column).aggregate(deals=kept["lead_id"].nunique()))
    names = [(name, int(n)) for name, n in counted.itertuples(index=False) if isinstance(name, str)]
    unknown = sorted((-n, name) for name, n in names if fold(name) not in bench.places)
    if not unknown:
        return
    total = int(engine.frame(kept.aggregate(n=kept["lead_id"].nunique()))["n"][0])
    if sum(-n for n, _ in unknown) * UNMAPPED_SHARE > total:
        shown = ", ".join(f"«{name[:60]}» ({-n})" for n, name in unknown[:15])
        raise DataError(
            f"stages that the funnel does not name: {shown}.",
            file=exports[0].raw.file,
            column=exports[0].name_of(column),
            fix="Write them in audit.yml: funnel.stages (in order, or as aliases), funnel.won, funnel.lost, "
            "or funnel.excluded.",
        )


def leads(bench: Bench, exports: Sequence[Export], typed: ibis.Table, extras: Sequence[Extra]) -> ibis.Table:
    """One row per lead of a separate export; `deal_id` names its deal, where the export says so.

    Adds `_known_stage`: the lead's own stage where the funnel names it.
    """
    import ibis

    table = _inquiries(bench, exports, typed, extras)
    table = table.mutate(_key=table["lead_id"])
    if rows.repeated(table, "lead_id"):
        table = bench.settled(rows.exact(table, ["lead_id"]), "leads-exact")
        table = bench.settled(rows.same_id(table, "lead_id"), "leads-once")
    own = any(export.headings_of("deal_id") for export in exports)
    kinds = {"lead_id": "lead" if own else "deal", "deal_id": "deal", "person": "person"}
    table = hashed(bench, exports, table, {**kinds, "phone": "phone", "email": "email"})
    names = sorted({place.name for place in bench.places.values()})  # leads have stages of their own, too
    known = ibis.ifelse(table["stage"].isin(names), table["stage"], ibis.null("string"))
    table = table.mutate(_known_stage=known)
    table = _told_by_words(exports, table)
    return closed(bench, exports, typed, bench.settled(_tested(bench, table), "leads"))
