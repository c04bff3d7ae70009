"""What was asked for, and what a run that has begun works on: its id, its folders, its notebooks' tasks."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

from detente.audit import Audit, AuditError
from detente.run import SUMMARY, history
from detente.run.execute import Task


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    audit: Path
    output: Path = Path("reports")
    language: str | None = None
    date_from: str = ""
    date_to: str = ""
    names: tuple[str, ...] = ()
    jobs: int = 2
    timeout: int = 600  # seconds per cell


@dataclass(frozen=True)
class Run:
    """A run that has begun. Everything is written under `temporary`, beside its target on one file system."""

    id: str
    audit: Audit
    language: str
    request: Request
    paths: tuple[Path, ...]  # of the notebooks, the summary last
    folder: Path  # of the client
    comparable: str
    earlier: Path | None  # findings.json of the last comparable run
    started: dt.datetime

    @property
    def temporary(self) -> Path:
        return self.folder / f".tmp-{self.id}"

    @property
    def work(self) -> Path:
        """What is to be published."""
        return self.temporary / "run"

    @property
    def scratch(self) -> Path:
        """What is not: raw notebooks, kernel connections, the log."""
        return self.temporary / "scratch"

    @property
    def target(self) -> Path:
        return self.folder / self.id

    @property
    def failed(self) -> Path:
        return self.folder / "failed" / self.id


def begin(request: Request, audit: Audit, paths: tuple[Path, ...], folder: Path) -> Run:
    """Name a run and find the earlier one that it can be compared with. Writes nothing."""
    language = request.language or audit.language
    started = dt.datetime.now(dt.UTC)
    comparable = history.key(audit, language, [path.stem for path in paths])
    earlier = history.previous(folder, comparable)
    name = _run_id(folder, f"{started:%Y%m%dT%H%M%SZ}-{language}")
    return Run(name, audit, language, request, paths, folder, comparable, earlier, started)


def _run_id(folder: Path, stem: str) -> str:
    """Unique in the client's folder, so that the final rename never meets an existing one."""
    name, number = stem, 1
    while (folder / name).exists() or (folder / "failed" / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def check_period(date_from: str, date_to: str, audit: Audit) -> None:
    """Raise AuditError unless both are "" or a date, and the period they make with audit.yml runs forward."""
    days: dict[str, dt.date | None] = {"--from": audit.period.from_, "--to": audit.period.to}
    for option, text in (("--from", date_from), ("--to", date_to)):
        try:
            days[option] = dt.date.fromisoformat(text) if text else days[option]
        except ValueError:
            raise AuditError(f"{option}: «{text}» is no date; write it like 2026-01-31") from None
    first, last = days["--from"], days["--to"]
    if first and last and first > last:
        raise AuditError(f"the period ends ({last}) before it begins ({first}); swap the two dates")


def client_folder(request: Request, audit: Audit) -> Path:
    """The folder of all runs of a client, made. Raises AuditError where it cannot be."""
    folder = request.output.resolve() / audit.slug
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{folder} cannot be made ({error.strerror}); choose another folder"
        raise AuditError(f"--output: {reason}") from None
    return folder


def task(begun: Run, path: Path) -> Task:
    """What a worker is told about one notebook."""
    audit = begun.audit.path.resolve()
    real = {
        "audit": audit.as_posix(),
        "language": begun.language,
        "date_from": begun.request.date_from,
        "date_to": begun.request.date_to,
        "output": begun.work.as_posix(),
    }
    inside = begun.target / "notebooks"
    shown = real | {"audit": _relative(audit, inside), "output": ""}
    if path.stem == SUMMARY:
        earlier = begun.earlier
        real |= {"findings": begun.work.as_posix(), "previous": earlier.as_posix() if earlier else ""}
        shown |= {"findings": "..", "previous": _relative(earlier, inside) if earlier else ""}
    return Task(path, begun.work, begun.scratch, real, shown, begun.request.timeout)


def _relative(path: Path, start: Path) -> str:
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # another drive
        return path.name
