"""One notebook: run it in a fresh kernel, prove that it ran to its end, make its page.

Papermill's own word is not enough: it reports success when a cell calls sys.exit(0), and a notebook whose
kernel died says `completed` in every cell. So an exception counts whatever the notebook says; and without one
every code cell must be completed, the findings written, and something be there for the page.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from detente.run import SUMMARY, jupyter

Status = Literal[
    "ok", "cell_failed", "kernel_died", "timeout", "interrupted", "incomplete", "error", "skipped"
]
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Task:
    """What a thread of the pool is told. `shown`: the parameters as the published copy states them, with relative
    paths."""

    notebook: Path
    work: Path
    scratch: Path
    parameters: dict[str, str]
    shown: dict[str, str]
    timeout: int  # seconds per cell

    @property
    def name(self) -> str:
        return self.notebook.stem


@dataclass(frozen=True)
class Result:
    """How one notebook ended. Only `ok` may be published."""

    notebook: str
    status: Status
    message: str = ""
    seconds: float = 0.0


class _Incomplete(Exception):
    """The notebook stopped without an error, but is not whole."""


def page_name(notebook: str) -> str:
    """The page of a notebook: the summary is the front page."""
    return "index.html" if notebook == SUMMARY else f"{notebook}.html"


def run(task: Task) -> Result:
    """Execute one notebook and write its page and its published copy into the work folder. Never raises."""
    began = time.monotonic()
    try:
        notebook = _execute(task)
        _require_whole(notebook, task)
        _write_page(notebook, task)
        _write_copy(notebook, task)
    except BaseException as error:  # an answer is due, also for SystemExit and KeyboardInterrupt
        status, message = _name(error, task)
        return Result(task.name, status, message[:LONGEST_MESSAGE], _seconds(began))
    return Result(task.name, "ok", "", _seconds(began))


def _seconds(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _execute(task: Task) -> Any:
    import papermill

    return papermill.execute_notebook(
        jupyter.literal(task.notebook),
        jupyter.literal(task.scratch / f"{task.name}.ipynb"),
        parameters=task.parameters,
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        start_timeout=120,
        execution_timeout=task.timeout,
        resources={
            "metadata": {"path": str(task.notebook.parent)}
        },  # not `cwd`: that moves the whole process
    )


def _require_whole(notebook: Any, task: Task) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        if cell.metadata.get("papermill", {}).get("status") != "completed":
            raise _Incomplete(f"code cell {number} was never reached; a cell before it ended the notebook")
    outputs = [output for cell in code for output in cell.outputs]
    if notebook.metadata.get("papermill", {}).get("exception") or any(
        o.output_type == "error" for o in outputs
    ):
        raise _Incomplete("a cell ended the notebook")
    if not (task.work / f"{task.name}.json").is_file():
        raise _Incomplete(f"the findings {task.name}.json were not written")
    if not any(jupyter.PIECE in output.get("data", {}) for output in outputs):
        raise _Incomplete("nothing was shown that a page could hold")


def _write_page(notebook: Any, task: Task) -> None:
    from detente.run import page

    html = page.build(notebook, task.parameters["language"])
    (task.work / page_name(task.name)).write_text(html, encoding="utf-8")


def _write_copy(notebook: Any, task: Task) -> None:
    """The executed notebook for a consultant: no page pieces, no paths of this run."""
    from papermill.translators import PythonTranslator

    jupyter.strip(notebook)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = PythonTranslator.codify(task.shown)
    jupyter.write(notebook, task.work / "notebooks" / task.notebook.name)


def _name(error: BaseException, task: Task) -> tuple[Status, str]:
    """The status of an exception, and one line that says what happened."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        if not error.ename:
            return (
                "cell_failed",
                f"cell {error.exec_count}: ended without a message; memory is the usual cause",
            )
        return "cell_failed", f"cell {error.exec_count}: {error.ename}: {_last_line(error.evalue)}"
    if isinstance(error, CellTimeoutError):
        return "timeout", f"a cell ran longer than {task.timeout} s; give it more time with --timeout"
    if isinstance(error, DeadKernelError):
        return "kernel_died", "the kernel stopped without a message; memory is the usual cause, try --jobs 1"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "the run was interrupted"
    if isinstance(error, _Incomplete):
        return "incomplete", str(error)
    return "error", f"{type(error).__name__}: {_last_line(str(error))}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
