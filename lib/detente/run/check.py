"""What intake made of the exports, as plain text for the person who writes audit.yml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detente.audit import Audit
from detente.run.request import check_period
from detente.schema import Loss, LossLog, SourceCount


def check(path: Path, date_from: str = "", date_to: str = "") -> Iterator[str]:
    """Read an audit's exports as a run would. Raises AuditError and schema.DataError as a run does."""
    from detente import intake

    audit = Audit.read(path)
    check_period(date_from, date_to, audit)
    tables, log = intake.load(path, date_from, date_to)
    return lines(audit.client, tables.since, tables.until, log)


def lines(client: str, since: dt.date, until: dt.date, log: LossLog) -> Iterator[str]:
    """Client and period, then each source: profile, rows, which heading became which column; then all
    losses."""
    yield f"{client}: {since} to {until}"
    for source in log.sources:
        yield ""
        yield from _source(source)
    yield ""
    yield from _losses(log.losses)


def _source(source: SourceCount) -> Iterator[str]:
    profile = source.profile or "no profile recognised"
    yield f"{source.source}: {source.file} ({profile})"
    lost = f"{source.quarantined} quarantined + {source.dropped} dropped"
    yield f"  rows: {source.read} read = {source.kept} kept + {lost}"
    if not source.conserved:
        yield "  THE COUNT DOES NOT ADD UP: rows or money went missing; please report this"
    if source.first:
        yield f"  from {source.first} to {source.last}"
    width = max(map(len, source.mapping), default=0)
    yield from (f"  {column:<{width}} <- {heading}" for column, heading in source.mapping.items())
    if source.unmapped:
        yield f"  not used: {', '.join(source.unmapped)}"


def _losses(losses: tuple[Loss, ...]) -> Iterator[str]:
    if not losses:
        yield "no row was lost, none needed a remark"
        return
    heads = ("source", "file", "what", "reason", "column", "rows", "amount", "first rows")
    yield from _table([heads, *(_cells(loss) for loss in losses)])


def _cells(loss: Loss) -> tuple[Any, ...]:
    amount = "" if loss.amount is None else loss.amount
    places = ", ".join(map(str, loss.places))
    return (loss.source, loss.file, loss.action, loss.reason, loss.column, loss.rows, amount, places)


def _table(rows: list[tuple[Any, ...]]) -> Iterator[str]:
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
