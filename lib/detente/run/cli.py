"""The commands: arguments in, a line or a path out, and an exit code that tells how it went."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from detente.run import ALERT, BAD_DATA, FAILED, LOCKED, WRONG, RunError

if TYPE_CHECKING:
    from detente.run.execute import Result
    from detente.run.job import Outcome
    from detente.run.request import Request

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="One honest answer to marketing and sales, from the exports a company already has.\n\n"
    "Exit codes: 0 published, 1 a notebook failed, 2 bad arguments or audit.yml, 3 the data broke the "
    "contract, 4 a limit was crossed (with --fail-on-alert), 5 another run works on this client.",
)


class Language(StrEnum):
    ru = "ru"
    en = "en"


AuditFile = Annotated[Path, typer.Argument(metavar="AUDIT", help="the company's audit.yml")]
Output = Annotated[Path, typer.Option(help="where reports go")]
Jobs = Annotated[int, typer.Option(min=1, max=64, help="notebooks at a time; each takes a core and memory")]
Timeout = Annotated[int, typer.Option(min=1, help="seconds that one cell may take")]
From = Annotated[str, typer.Option("--from", metavar="DATE", help="first day, like 2026-01-31")]
To = Annotated[str, typer.Option("--to", metavar="DATE", help="last day")]
Spoken = Annotated[Language | None, typer.Option(help="of the report; as in audit.yml where not given")]
Names = Annotated[list[str] | None, typer.Option(metavar="NAME", help="only this one; repeatable")]
Strict = Annotated[bool, typer.Option("--fail-on-alert", help="end with code 4 over a limit of audit.yml")]


@app.command()
def run(
    audit: AuditFile,
    output: Output = Path("reports"),
    language: Spoken = None,
    date_from: From = "",
    date_to: To = "",
    notebook: Names = None,
    jobs: Jobs = 2,
    timeout: Timeout = 600,
    fail_on_alert: Strict = False,
) -> None:
    """Run the notebooks over a company's exports and publish the report."""
    from detente.run.request import Request

    names = tuple(notebook or ())
    spoken = language.value if language else None
    outcome = _run(Request(audit, output, spoken, date_from, date_to, names, jobs, timeout))
    if outcome.crossed and fail_on_alert:
        raise typer.Exit(ALERT)


@app.command()
def check(audit: AuditFile, date_from: From = "", date_to: To = "") -> None:
    """Read the exports and show what was recognised, and which rows were lost. Runs no notebook."""
    from detente.run.check import check as read

    for line in read(audit, date_from, date_to):
        print(line)


@app.command()
def demo(output: Output = Path("reports"), jobs: Jobs = 2, timeout: Timeout = 600) -> None:
    """Run the sample audit that comes with the checkout, in Russian and in English."""
    from detente.run.notebooks import root
    from detente.run.request import Request

    audit = root() / "data" / "sample" / "audit.yml"
    for language in Language:
        _run(Request(audit, output, language.value, jobs=jobs, timeout=timeout))


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="a folder that holds exports")]) -> None:
    """Write a draft audit.yml for the exports of a folder."""
    from detente.audit import AuditError
    from detente.intake import draft

    if not folder.is_dir():
        raise AuditError(f"{folder}: there is no such folder; make it and put the exports into it")
    print(_short(draft.write(folder)))


def _run(request: Request) -> Outcome:
    from detente.run import job

    outcome = job.run(request, _progress if sys.stderr.isatty() else lambda result: None)
    for alert in outcome.crossed:
        _say(f"alert: {alert['id']} is at least {alert['near']:.3g}, over the limit {alert['limit']:.3g}")
    for name in outcome.unchecked:
        _say(f"alert: {name} could not be checked, this run has no such finding")
    print(_short(outcome.folder / "index.html"))
    return outcome


def _progress(result: Result) -> None:
    _say(f"{result.notebook}: {result.status}, {result.seconds:.0f} s")


def _short(path: Path) -> Path:
    """Relative where that is shorter to read."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _end(code: int, *lines: str) -> NoReturn:
    _say(*lines)
    sys.exit(code)


def main() -> None:
    """The command `detente`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    from detente.run.stop import Stopped, on_signals

    on_signals()
    try:
        app()
    except Stopped as stopped:
        _end(128 + stopped.signum, "stopped; nothing was published")
    except RunError as error:
        _end(FAILED, *error.lines)
    except Exception as error:
        _end(*_explained(error))


def _explained(error: Exception) -> tuple[int, str]:
    """The exit code and the message of an error that a user can mend; any other keeps its traceback."""
    from detente.audit import AuditError
    from detente.run.lock import Locked
    from detente.schema import DataError

    if isinstance(error, OSError):  # a full disk, a folder that may not be written
        return FAILED, f"{error}; nothing was published"
    for kind, code in ((AuditError, WRONG), (DataError, BAD_DATA), (Locked, LOCKED)):
        if isinstance(error, kind):
            return code, str(error)
    raise error
