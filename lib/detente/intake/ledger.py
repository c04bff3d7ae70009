"""The account of every row and every rouble: read = kept + quarantined + dropped, file by file.

A row's fate is text: NULL (kept) or "quarantined <reason> <column>" or "dropped <reason> <column>". Flags
and fixes are space-separated codes, with their column after a colon where one is concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from detente import engine
from detente.intake.columns import MONEY, Export
from detente.schema import TABLES, Loss, LossLog, SourceCount

if TYPE_CHECKING:
    import ibis

PLACES = 5
DATES = {"deals": "created_at", "leads": "created_at", "stages": "entered_at", "spend": "date_from",
         "payments": "paid_at", "invoices": "issued_at", "costs": "period", "calls": "started_at",
         "tasks": "created_at", "plan": "period"}  # fmt: skip


@dataclass
class Tally:
    """Rows of one file that share a code: how many, their money, the first row numbers."""

    rows: int = 0
    money: Decimal = Decimal(0)
    places: tuple[int, ...] = ()

    def add(self, rows: int, money: Decimal, places: Sequence[int]) -> None:
        self.rows += rows
        self.money += money
        self.places = tuple(sorted({*self.places, *places})[:PLACES])


@dataclass
class Ledger:
    """Gathers the counts and losses of all sources while they are cleaned."""

    sources: list[SourceCount] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def log(self) -> LossLog:
        return LossLog(tuple(self.sources), tuple(self.losses))

    def note(self, export: Export, action: str, reason: str, rows: int, column: str = "") -> None:
        """A remark on a whole file."""
        heading = export.name_of(column) if column else ""
        self.losses.append(Loss(export.table, export.raw.file, action, reason, rows, None, heading))  # type: ignore[arg-type]

    def close(
        self, exports: Sequence[Export], typed: ibis.Table, marked: ibis.Table, kept: ibis.Table
    ) -> None:
        """Enter one source: its rows as typed, as marked, and as they were written.

        Raises AssertionError where a row or money went missing: that is a mistake in this package, not in
        the data.
        """
        table = exports[0].table
        fates, flags, fixes = _tallies(marked, "_fate", "_flags", "_fixes")
        read, written = _read(typed), _kept(kept, table)
        for export in exports:
            self._close_file(export, read, written, fates)
            self._enter(export, fates, "", with_money=table in MONEY)
            self._enter(export, flags, "flagged", with_money=table in MONEY)
            self._enter(export, fixes, "fixed", with_money=table in MONEY)

    def _close_file(self, export: Export, read: dict, written: dict, fates: dict) -> None:
        raw, table = export.raw, export.table
        place = export.order
        rows_read, money_read = read.get(place, (0, Decimal(0)))
        rows_kept, money_kept, first, last = written.get(place, (0, Decimal(0), "", ""))
        out = {"quarantined": Tally(), "dropped": Tally()}
        for (order, code), tally in fates.items():
            if order == place:
                out[code.split(" ")[0]].add(tally.rows, tally.money, tally.places)
        refused = {action: sum(loss.rows for loss in raw.remarks if loss.action == action) for action in out}
        money = table in MONEY
        count = SourceCount(
            source=table,
            file=raw.file,
            sha256=raw.sha256,
            read=raw.rows,
            kept=rows_kept,
            quarantined=out["quarantined"].rows + refused["quarantined"],
            dropped=out["dropped"].rows + refused["dropped"],
            amount_read=money_read if money else None,
            amount_kept=money_kept if money else None,
            amount_quarantined=out["quarantined"].money if money else None,
            amount_dropped=out["dropped"].money if money else None,
            first=first,
            last=last,
            profile=export.mapping.profile,
            mapping={name: " | ".join(found) for name, found in export.mapping.columns.items()},
            unmapped=export.mapping.unmapped,
        )
        if raw.rows != rows_read + sum(refused.values()) or not count.conserved:
            raise AssertionError(f"{raw.file}: rows or money went missing: {count}")
        self.sources.append(count)
        self.losses.extend(_owned(loss, export) for loss in raw.remarks)

    def _enter(self, export: Export, tallies: dict, action: str, *, with_money: bool) -> None:
        for (order, code), tally in sorted(tallies.items()):
            if order != export.order:
                continue
            words = code.replace(":", " ").split(" ") if action else code.split(" ")[1:]
            done = action or code.split(" ")[0]
            column = export.name_of(words[1]) if len(words) > 1 else ""
            amount = tally.money if with_money else None
            self.losses.append(
                Loss(export.table, export.raw.file, done, words[0], tally.rows, amount, column, tally.places)  # type: ignore[arg-type]
            )

    def late(self, exports: Sequence[Export], journeys: ibis.Table) -> None:
        """Enter the remarks that only the whole journey shows: tests, duplicates, stages without a place."""
        [late] = _tallies(journeys, "_late")
        for export in exports:
            self._enter(export, late, "flagged", with_money=False)


def _owned(loss: Loss, export: Export) -> Loss:
    return Loss(**{**vars(loss), "source": export.table, "file": export.raw.file})


def _tallies(marked: ibis.Table, *columns: str) -> list[dict[tuple[int, str], Tally]]:
    """For each column of codes: rows, money and first places for each (file, code). One pass over them all."""
    import ibis

    money = marked["_money"] if "_money" in marked.columns else _zero()
    codes = {name: marked[name].strip().fill_null("") for name in columns}
    picked = marked.select("row", order="_order", money=money, **codes)
    picked = picked.filter(reduce(or_, (picked[name] != "" for name in columns)))
    keys = ["order", *columns]
    sums = engine.frame(picked.group_by(keys).aggregate(rows=picked.count(), money=picked.money.sum()))
    places: dict[tuple, list[int]] = {}
    if len(sums):
        numbered = picked.mutate(place=ibis.row_number().over(group_by=keys, order_by="row"))
        first = engine.frame(numbered.filter(numbered.place < PLACES).select(*keys, "row"))
        for *group, row in first.itertuples(index=False):
            places.setdefault(tuple(group), []).append(int(row))
    found: list[dict[tuple[int, str], Tally]] = [{} for _ in columns]
    for *group, rows, amount in sums.itertuples(index=False):
        order, *texts = group
        for name, text, tallies in zip(columns, texts, found, strict=True):
            for code in [text] if name == "_fate" and text else text.split():
                tally = tallies.setdefault((int(order), code), Tally())
                tally.add(int(rows), amount or Decimal(0), places[tuple(group)])
    return found


def _zero():
    import ibis

    return ibis.literal(Decimal(0), type="decimal(18, 2)")


def _money(table: ibis.Table):
    """The sum of a table's money, 0 where it has none."""
    money = table["_money"] if "_money" in table.columns else table["row"].cast("decimal(18, 2)") * 0
    return money.sum()


def _read(typed: ibis.Table) -> dict[int, tuple[int, Decimal]]:
    money = _money(typed)
    found = engine.frame(typed.group_by("_order").aggregate(rows=typed.count(), money=money))
    return {
        int(order): (int(rows), amount or Decimal(0)) for order, rows, amount in found.itertuples(index=False)
    }


def _kept(kept: ibis.Table, table: str) -> dict[int, tuple[int, Decimal, str, str]]:
    money = _money(kept)
    day = kept[DATES[table]].cast("date")
    found = engine.frame(
        kept.group_by("_order").aggregate(
            rows=kept.count(), money=money, first=day.min().cast("string"), last=day.max().cast("string")
        )
    )
    return {
        int(order): (int(rows), amount or Decimal(0), _text(first), _text(last))
        for order, rows, amount, first, last in found.itertuples(index=False)
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


assert set(DATES) == set(TABLES)
