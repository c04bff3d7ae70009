"""For developers (`make notebooks`): execute the committed notebooks anew, in place, with their defaults.

The summary reads the findings that the others leave in reports/sample; so those are written first, by a pass
with that folder as output, and only then does each notebook run as JupyterLab would run it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from detente.run import FAILED, SUMMARY, jupyter, notebooks, stop


def main() -> None:
    """Refresh all notebooks and lessons, or those named on the command line. Exit code 1 if one fails."""
    stop.on_signals()
    numbered = notebooks.choose(sys.argv[1:])
    lessons = [] if sys.argv[1:] else sorted((notebooks.folder() / "lessons").glob("*.ipynb"))
    sample = notebooks.root() / "reports" / "sample"
    temporary = Path(tempfile.mkdtemp(prefix="detente-"))
    try:
        with stop.pool(min(2, os.cpu_count() or 1), temporary, temporary) as pool:
            others = [path for path in numbered if path.stem != SUMMARY]
            failed = _all(pool, others, {"output": sample.as_posix()})
            failed += [] if failed else _all(pool, [*numbered, *lessons], None)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sys.exit(FAILED if failed else 0)


def _all(pool: ThreadPoolExecutor, paths: list[Path], parameters: dict[str, Any] | None) -> list[str]:
    """Execute side by side; the names of those that failed."""
    waiting = {pool.submit(execute, path, parameters): path.stem for path in paths}
    failed = []
    for future in as_completed(waiting):
        if error := future.exception():
            failed.append(waiting[future])
            print(f"{waiting[future]}: {error}", file=sys.stderr)
        elif parameters is None:
            print(waiting[future])
    return failed


def execute(path: Path, parameters: dict[str, Any] | None) -> None:
    """With parameters, execute and keep nothing of the notebook; without, replace it by its executed self."""
    import papermill

    notebook = papermill.execute_notebook(
        jupyter.literal(path), None, parameters=parameters, kernel_name="python3", progress_bar=False,
        execution_timeout=600, start_timeout=120,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    if parameters is None:
        jupyter.strip(notebook)
        jupyter.write(notebook, path)


if __name__ == "__main__":
    main()
