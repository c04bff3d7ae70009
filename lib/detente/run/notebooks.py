"""Which notebooks there are, which of them were asked for, and whether papermill can run them honestly.

Papermill only warns about an unknown parameter and lets a notebook without a `parameters` tag overrule what
it was given; both would end in a report on other data than the one asked for. So both are refused before a
kernel starts.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from detente.audit import AuditError
from detente.run import SUMMARY, jupyter

PARAMETERS = ("audit", "language", "date_from", "date_to", "output")
SUMMARY_PARAMETERS = (*PARAMETERS, "findings", "previous")


def root() -> Path:
    """The checkout: the folder that holds lib/, notebooks/ and data/."""
    return Path(__file__).resolve().parents[3]


def folder() -> Path:
    """Where the notebooks lie: the checkout's, or what DETENTE_NOTEBOOKS names."""
    stated = os.environ.get("DETENTE_NOTEBOOKS")
    return Path(stated).resolve() if stated else root() / "notebooks"


def choose(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks to run, in their order, the summary last.

    `names`: none for all; otherwise 03_non_target_share, non_target_share or 03 each. The summary always
    runs, because index.html is the summary. Raises AuditError for a name that no notebook has.
    """
    known = sorted(folder().glob("[0-9][0-9]_*.ipynb"))
    if not known:
        raise AuditError(
            f"there are no notebooks in {folder()}; run from a checkout, or set DETENTE_NOTEBOOKS"
        )
    wanted = {_find(name, known) for name in names} or set(known)
    wanted |= {path for path in known if path.stem == SUMMARY}
    return sorted(wanted, key=lambda path: (path.stem == SUMMARY, path.name))


def _find(name: str, known: Iterable[Path]) -> Path:
    spelled = {key: path for path in known for key in (path.stem, path.stem[3:], path.stem[:2])}
    asked = name.removesuffix(".ipynb")
    if asked in spelled:
        return spelled[asked]
    near = difflib.get_close_matches(asked, spelled, n=1, cutoff=0.5)
    hint = f"did you mean «{spelled[near[0]].stem}»?" if near else ", ".join(path.stem for path in known)
    raise AuditError(f"--notebook: there is no notebook «{name}»; {hint}")


def parameters_of(path: Path) -> tuple[str, ...]:
    """The parameters that a notebook must take."""
    return SUMMARY_PARAMETERS if path.stem == SUMMARY else PARAMETERS


def refuse(paths: Iterable[Path]) -> None:
    """Raise AuditError, one line per fault, for notebooks that papermill would run wrongly without a word."""
    if lines := [f"{path.name}: {fault}" for path in paths for fault in _faults(path)]:
        raise AuditError(*lines)


def _faults(path: Path) -> list[str]:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        return [f"is no notebook ({type(error).__name__})"]
    if not notebook.get("metadata", {}).get("kernelspec", {}).get("name"):
        return ["has no kernelspec; set it to python3"]
    tagged = [cell for cell in code if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        return [f"has {len(tagged)} cells tagged parameters; tag exactly one"]
    taken = _inspect(path)
    missing = [name for name in parameters_of(path) if name not in taken]
    return [f"does not know the parameter «{name}»; add it to the cell tagged parameters" for name in missing]


def _inspect(path: Path) -> dict[str, object]:
    jupyter.lighten()
    import papermill

    return papermill.inspect_notebook(jupyter.literal(path))
