"""Small notebooks and a small audit for tests of the runner, and a command that runs them.

The command is the real one with two rooms replaced: intake (which has tests of its own, and costs seconds)
and the page (which has its own too). Workers are spawned and load this same file, so they get the same page.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PARAMETERS = [
    'audit: str = "../audit.yml"  # the audit',
    'language: str = "en"',
    'date_from: str = ""',
    'date_to: str = ""',
    'output: str = ""',
]
SUMMARY = [*PARAMETERS, 'findings: str = ""', 'previous: str = ""']
SHOW = 'display({{"application/vnd.detente.piece+json": {{"text": {text!r}}}}}, raw=True)'
WRITE = """import json, pathlib
finding = {{"id": {name!r}, "status": "ok", "value": {value}, "low": {low}, "high": {high}}}
_ = pathlib.Path(output, {name!r} + ".json").write_text(json.dumps([finding]))"""

AUDIT = """client: ООО «Тест»
language: en
sources:
  deals: {file: deals.csv}
funnel:
  stages: [{name: New}]
  won: Won
  lost: Lost
"""


def cell(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{abs(hash((source, tags))) % 10**8}",
        "source": source,
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "execution_count": None,
    }


def write(
    path: Path,
    *sources: str,
    parameters: list[str] | None = None,
    tag: str = "parameters",
    kernel: str = "python3",
) -> Path:
    """A notebook with a parameters cell and the given code cells."""
    stated = "\n".join(parameters or (SUMMARY if path.stem == "00_summary" else PARAMETERS))
    notebook = {
        "cells": [cell(stated, *([tag] if tag else [])), *(cell(source) for source in sources)],
        "metadata": {"kernelspec": {"name": kernel, "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    if not kernel:
        notebook["metadata"] = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def good(
    path: Path, *more: str, text: str = "all is well", value: float = 0.5, low: float = 0.4, high: float = 0.6
) -> Path:
    """A notebook that does everything that is asked of one, and `more`."""
    finding = WRITE.format(name=path.stem, value=value, low=low, high=high)
    return write(path, SHOW.format(text=text), finding, *more)


def audit(folder: Path, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deals.csv").write_text("ID,Created,Stage\n1,2026-01-31,New\n", encoding="utf-8")
    (folder / "audit.yml").write_text(AUDIT + more, encoding="utf-8")
    return folder / "audit.yml"


def environment(notebooks: Path) -> dict[str, str]:
    return {**os.environ, "DETENTE_NOTEBOOKS": str(notebooks), "COLUMNS": "200"}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), *map(str, arguments)]


def detente(notebooks: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, its streams not a terminal."""
    return subprocess.run(
        command(*arguments),
        env=environment(notebooks),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def load(path: Path, date_from: str = "", date_to: str = "") -> tuple[Any, Any]:
    """In place of intake.load: one kept row; a file `broken` beside audit.yml stands for a bad export."""
    from detente.schema import DataError, LossLog, SourceCount

    if Path(path).with_name("broken").exists():
        raise DataError("the column is missing", file="deals.csv", column="Created")
    mapping = {"lead_id": "ID", "created_at": "Created"}
    count = SourceCount(
        "deals", "deals.csv", "ab" * 32, 1, 1, 0, 0, first="2026-01-31", last="2026-01-31", profile="generic",
        mapping=mapping, unmapped=("Comment",),
    )  # fmt: skip
    day = dt.date(2026, 1, 31)
    return SimpleNamespace(since=day, until=day), LossLog((count,), ())


def build(notebook: Any, language: str, title: str | None = None) -> str:
    """In place of page.build: the texts of the pieces, escaped."""
    outputs = [output for item in notebook.cells if item.cell_type == "code" for output in item.outputs]
    pieces = [output.get("data", {}).get("application/vnd.detente.piece+json") for output in outputs]
    texts = "".join(f"<p>{html.escape(piece['text'])}</p>" for piece in pieces if piece)
    return f'<!doctype html><html lang="{language}"><title>t</title>{texts}</html>'


def _replace_rooms() -> None:
    for name, attribute in (("detente.intake", load), ("detente.run.page", build)):
        room = types.ModuleType(name)
        setattr(room, attribute.__name__, attribute)
        sys.modules[name] = room
        parent, _, child = name.rpartition(".")
        __import__(parent)
        setattr(sys.modules[parent], child, room)


if __name__ in ("__main__", "__mp_main__"):
    _replace_rooms()
if __name__ == "__main__":
    from detente.run.cli import main

    main()
