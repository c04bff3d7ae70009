"""What was run, on what, with which result: enough to run it again and to trust it."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from detente import __version__
from detente.run.execute import Result
from detente.run.notebooks import root
from detente.schema import LossLog

PACKAGES = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "ibis-framework",
    "duckdb",
    "papermill",
    "nbconvert",
    "ipykernel",
)


SEED = 0  # every random draw of the metrics starts from it (a test compares with their signatures)


def inputs(log: LossLog) -> list[dict[str, Any]]:
    """Each input file: sha256, rows read and kept, first and last day."""
    wanted = (
        "source",
        "file",
        "sha256",
        "read",
        "kept",
        "quarantined",
        "dropped",
        "first",
        "last",
        "profile",
    )
    return [{name: getattr(source, name) for name in wanted} for source in log.sources]


def results(done: Iterable[Result], paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Each notebook: the hash of its file, how it ended, seconds."""
    hashes = {path.stem: sha256(path) for path in paths}
    return [asdict(result) | {"sha256": hashes[result.notebook]} for result in done]


def outputs(folder: Path) -> dict[str, str]:
    """sha256 of every file of a finished folder, by its path inside."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def versions() -> dict[str, str]:
    """Python and the packages that numbers depend on."""
    found = {"detente": __version__, "python": platform.python_version(), "system": platform.system()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def git_commit() -> str | None:
    """The commit of the checkout, with `-dirty` where files differ from it; None outside a checkout."""
    command = ["git", "-C", str(root()), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return (
            subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
            or None
        )
    except (OSError, subprocess.SubprocessError):
        return None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, items: dict[str, Any]) -> None:
    text = json.dumps(items, ensure_ascii=False, indent=1, allow_nan=False, default=str)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
