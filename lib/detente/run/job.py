"""One run: from audit.yml to a published folder, or to nothing at all."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.audit import Audit
from detente.run import (
    SUMMARY,
    RunError,
    alerts,
    execute,
    gate,
    history,
    lock,
    manifest,
    notebooks,
    publish,
    stop,
)
from detente.run.execute import Result
from detente.run.request import Request, Run, begin, check_period, client_folder, task
from detente.schema import LossLog

Report = Callable[[Result], None]


@dataclass(frozen=True)
class Outcome:
    """A published run: where, how, which limits were crossed, which had no finding to hold them against."""

    folder: Path
    results: tuple[Result, ...]
    crossed: list[dict[str, Any]]
    unchecked: list[str]


def run(request: Request, report: Report = lambda result: None) -> Outcome:
    """Read, check, execute, publish. `report` is called as each notebook ends.

    Raises AuditError (2), schema.DataError (3), lock.Locked (5) before any kernel starts, RunError (1) when
    nothing could be published. The last good report is untouched by all of them.
    """
    audit = Audit.read(request.audit)
    check_period(request.date_from, request.date_to, audit)
    paths = notebooks.choose(request.names)
    notebooks.refuse(paths)
    folder = client_folder(request, audit)
    with lock.held(folder):
        publish.sweep(folder)
        begun = begin(request, audit, tuple(paths), folder)
        from detente import intake

        _, loss = intake.load(audit.path, request.date_from, request.date_to)
        with _temporary(begun):
            return _execute_and_publish(begun, loss, report)


@contextmanager
def _temporary(begun: Run) -> Iterator[None]:
    """The run's own folder; what is left of it at the end was not published."""
    try:
        for part in (begun.work / "tables", begun.work / "notebooks", begun.scratch):
            part.mkdir(parents=True)
        yield
    finally:
        shutil.rmtree(begun.temporary, ignore_errors=True)


def _execute_and_publish(begun: Run, loss: LossLog, report: Report) -> Outcome:
    # The pool's guard lives until the run is published: it cleans up if this process is killed meanwhile.
    with stop.pool(begun.request.jobs, begun.temporary, begun.scratch) as pool:
        results = _execute(begun, pool, report)
        if any(result.status != "ok" for result in results):
            raise RunError(*_keep_partials(begun, results))
        return _publish(begun, loss, results)


def _execute(begun: Run, pool: ThreadPoolExecutor, report: Report) -> tuple[Result, ...]:
    """Run all notebooks but the summary side by side, then the summary over their findings."""
    tasks = [task(begun, path) for path in begun.paths]
    waiting = {pool.submit(execute.run, item): item for item in tasks if item.name != SUMMARY}
    done = {}
    for future in as_completed(waiting):
        result = future.result()
        report(result)
        done[result.notebook] = result
    for item in (item for item in tasks if item.name == SUMMARY):
        if all(result.status == "ok" for result in done.values()):
            done[item.name] = pool.submit(execute.run, item).result()
        else:
            done[item.name] = Result(item.name, "skipped", "it needs the findings of all the others")
        report(done[item.name])
    return tuple(done[item.name] for item in tasks)


def _keep_partials(begun: Run, results: tuple[Result, ...]) -> Iterator[str]:
    """Move what is left of failed notebooks to failed/<run-id>/ and say, a line each, what happened."""
    begun.failed.mkdir(parents=True)
    manifest.write(begun.failed, _facts(begun, results))
    _copy(begun.scratch / stop.LOG, begun.failed)
    for result in results:
        if result.status != "ok":
            yield f"{result.notebook}: {result.status}: {result.message}"
            if _copy(begun.scratch / f"{result.notebook}.ipynb", begun.failed):
                yield f"  what is left of it: {begun.failed / f'{result.notebook}.ipynb'}"
    yield _unpublished(begun)


def _copy(path: Path, folder: Path) -> bool:
    if path.is_file():
        shutil.copyfile(path, folder / path.name)
    return path.is_file()


def _unpublished(begun: Run) -> str:
    good = next(history.runs(begun.folder), None)
    stays = f"the last good report stays: {good / 'index.html'}" if good else "there is no earlier report"
    return f"nothing was published; {stays}"


def _publish(begun: Run, loss: LossLog, results: tuple[Result, ...]) -> Outcome:
    work, client = begun.work, begun.audit.client
    if hits := list(gate.hits(work)):
        raise RunError(*hits, "mend the cells in the export that it comes from", _unpublished(begun))
    findings = publish.merge_findings(work, [path.stem for path in begun.paths])
    if not (work / "index.html").exists():  # a set of notebooks without a summary
        pages = {f"{path.stem}.html": path.stem for path in begun.paths}
        publish.write_pointer(work / "index.html", client, begun.language, pages)
    crossed, unchecked = alerts.held(begun.audit.alerts, findings)
    facts = _facts(begun, results) | {
        "inputs": manifest.inputs(loss),
        "previous": begun.earlier.parent.name if begun.earlier else None,
        "alerts": {"crossed": crossed, "unchecked": unchecked},
    }
    manifest.write(work, facts | {"outputs": manifest.outputs(work)})
    publish.publish(work, begun.target, client, begun.language)
    return Outcome(begun.target, results, crossed, unchecked)


def _facts(begun: Run, results: tuple[Result, ...]) -> dict[str, Any]:
    request, period = begun.request, begun.audit.period
    return {
        "run": begun.id,
        "client": begun.audit.client,
        "started": begun.started.isoformat(timespec="seconds"),
        "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "audit": {"file": begun.audit.path.name, "sha256": begun.audit.sha256()},
        "parameters": {
            "language": begun.language,
            "date_from": request.date_from or period.from_,
            "date_to": request.date_to or period.to,
        },
        "notebooks": manifest.results(results, begun.paths),
        "seed": manifest.SEED,
        "versions": manifest.versions(),
        "git_commit": manifest.git_commit(),
        "comparable": begun.comparable,
    }
