"""`load`: one audit.yml becomes the tables that notebooks read, from the cache where nothing has changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from detente import engine
from detente.audit import Audit, AuditError
from detente.intake import build, files, people
from detente.schema import Loss, LossLog, SourceCount

if TYPE_CHECKING:
    import ibis

OTHERS = ("stages", "spend", "payments", "invoices", "costs", "purchases", "calls", "tasks", "plan")
_STALE_SECONDS = 24 * 3600
_MONEY = ("amount", "amount_read", "amount_kept", "amount_quarantined", "amount_dropped")


@dataclass(frozen=True)
class Tables:
    """The canonical tables of one audit and period, lazy until a metric reads them.

    journeys : the inquiries of the period that count. all_journeys : also tests, duplicates and excluded
    deals. spend : of the period. stages, payments, invoices, costs, purchases, calls, tasks, plan : whole. None
    where the audit states no such source; purchases only where no money is exported at all.
    """

    audit: Audit
    as_of: dt.date
    since: dt.date
    until: dt.date
    journeys: ibis.Table
    all_journeys: ibis.Table
    loss: LossLog
    stages: ibis.Table | None = None
    spend: ibis.Table | None = None
    payments: ibis.Table | None = None
    invoices: ibis.Table | None = None
    costs: ibis.Table | None = None
    purchases: ibis.Table | None = None
    calls: ibis.Table | None = None
    tasks: ibis.Table | None = None
    plan: ibis.Table | None = None

    @property
    def present(self) -> set[str]:
        """The names of the tables beside the journeys that the audit has."""
        return {name for name in OTHERS if name != "purchases" and self.has(name)}

    def has(self, name: str) -> bool:
        """Whether the audit has a table of this name."""
        return getattr(self, name, None) is not None


def load(audit_path: Path | str, date_from: str = "", date_to: str = "") -> tuple[Tables, LossLog]:
    """The tables of an audit and the account of every row that was read.

    date_from, date_to : first and last day (YYYY-MM-DD) of the inquiries; empty: as audit.yml states, else
    all. Raises AuditError (audit.yml or an argument is wrong) and DataError (an export broke the contract).
    """
    audit = Audit.read(audit_path)
    stated = _days(date_from, date_to)
    folder = _cached(audit)
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    log = read_log(folder / "loss.json")
    return _tables(audit, folder, about, log, stated), log


# --- period ---
def _days(date_from: str, date_to: str) -> tuple[dt.date | None, dt.date | None]:
    """The two arguments as days. Raises AuditError."""
    found = []
    for name, text in (("date_from", date_from), ("date_to", date_to)):
        try:
            found.append(dt.date.fromisoformat(text) if text else None)
        except ValueError:
            raise AuditError(f"{name}: «{text}» is no date; write it as YYYY-MM-DD") from None
    if found[0] and found[1] and found[0] > found[1]:
        raise AuditError(f"the period ends ({date_to}) before it begins ({date_from}); swap the two dates")
    return found[0], found[1]


def _tables(audit: Audit, folder: Path, about: dict, log: LossLog, stated: tuple) -> Tables:
    if not about["first"]:
        raise AuditError("no inquiry was left after cleaning; see the loss log: detente check audit.yml")
    since = stated[0] or audit.period.from_ or dt.date.fromisoformat(about["first"])
    until = stated[1] or audit.period.to or dt.date.fromisoformat(about["last"])
    every = engine.read(folder / "journeys.parquet")
    every = _within(every, "created_at", since, until)
    if since > until or not int(engine.frame(every.aggregate(n=every.count()))["n"][0]):
        raise AuditError(
            f"there is no inquiry from {since} to {until}; "
            f"the data runs from {about['first']} to {about['last']}"
        )
    others = {}
    for name in OTHERS:
        if (path := folder / f"{name}.parquet").exists():
            others[name] = engine.read(path)
    if "spend" in others:
        others["spend"] = _within(others["spend"], "date_from", since, until)
    as_of = dt.date.fromisoformat(about["as_of"])
    return Tables(audit, as_of, since, until, every.filter(every["counted"]), every, log, **others)


def _within(table: ibis.Table, column: str, since: dt.date, until: dt.date) -> ibis.Table:
    import ibis

    day = table[column].cast("date")
    return table.filter((day >= ibis.date(str(since))) & (day <= ibis.date(str(until))))


# --- cache ---
def content_key(audit: Audit, secret: bytes) -> str:
    """Changes with any byte of the exports or of audit.yml, with our code, the engine, and the key."""
    parts = [audit.sha256(), people.fingerprint(secret), _code_hash()]
    parts += [importlib.metadata.version(name) for name in ("detente", "duckdb", "pandas", "phonenumbers")]
    if audit.as_of is None:
        parts.append("as_of from data")
    for table, source in audit.sources.items():
        parts += [f"{table} {path.name} {files.sha256(path)}" for path in audit.files(source)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _code_hash() -> str:
    """The code that makes the tables: a cache of other code is no cache."""
    digest = hashlib.sha256()
    room = Path(__file__).parent
    for path in sorted([*room.rglob("*.py"), *room.rglob("*.toml"), *room.parent.glob("*.py")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _cached(audit: Audit) -> Path:
    """The folder with the tables, built first where it is not there. Two processes at once do no harm."""
    secret, root = people.key(), engine.cache_root()
    target = root / content_key(audit, secret)
    if (target / "about.json").exists():
        return target
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(root)
    work = Path(
        tempfile.mkdtemp(prefix=".work-", dir=root)
    )  # raw values: only for its owner, gone at the end
    try:
        made = work / "made"
        made.mkdir()
        build.build(audit, secret, work, made)
        _publish(made, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _publish(made: Path, target: Path) -> None:
    """Put a finished folder in its place by one rename; where another process was first, its folder stays."""
    try:
        made.rename(target)
    except OSError:
        if not (target / "about.json").exists():
            raise


def _sweep(root: Path) -> None:
    """Remove what killed runs left behind."""
    for path in root.glob(".work-*"):
        if time.time() - path.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def read_log(path: Path) -> LossLog:
    """The loss log as it was written beside the tables."""
    stated = json.loads(path.read_text(encoding="utf-8"))

    def item(kind, values: dict):
        for name in _MONEY:
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        for name in ("places", "unmapped"):
            if name in values:
                values[name] = tuple(values[name])
        return kind(**values)

    return LossLog(
        tuple(item(SourceCount, one) for one in stated["sources"]),
        tuple(item(Loss, one) for one in stated["losses"]),
    )
