"""What the Jupyter tools must be told, and what they leave in a notebook that nobody should keep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PIECE = "application/vnd.detente.piece+json"


def lighten() -> None:
    """Skip a grammar compiler of three seconds that no notebook needs. Call before any Jupyter import."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def literal(path: Path) -> str:
    """A path as papermill takes it: braces, which it would fill in, doubled."""
    return str(path).replace("{", "{{").replace("}", "}}")


def strip(notebook: Any) -> None:
    """Take out what papermill and this machine added: page pieces, times, paths, the Python version."""
    kept = {"kernelspec", "widgets"}
    notebook.metadata = type(notebook.metadata)({k: v for k, v in notebook.metadata.items() if k in kept})
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill adds an empty list
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.get("data", {}).pop(PIECE, None)
                output.get("metadata", {}).pop(PIECE, None)
            cell.outputs = [output for output in cell.outputs if output.get("data", True)]


def write(notebook: Any, path: Path) -> None:
    """Write a notebook as the Jupyter tools do, so that a later save makes no difference."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
