"""Which earlier run may be compared with this one: the same question asked again, of newer exports."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from detente.audit import Audit

RUN_ID = re.compile(r"^\d{8}T\d{6}Z-(ru|en)(-\d+)?$")
_MAY_DIFFER = {"period", "as_of", "alerts", "language"}  # the language counts as the run's own


def key(audit: Audit, language: str, notebooks: Iterable[str]) -> str:
    """What two comparable runs share: client, language, notebooks and every setting but the period, the day
    of the export, the limits and the files' names (a weekly export may have a new name each week)."""
    settings = audit.model_dump(mode="json", exclude=_MAY_DIFFER)
    for sources in settings["sources"].values():
        for source in sources if isinstance(sources, list) else [sources]:
            if source:
                source.pop("file")
    basis = json.dumps([settings, language, sorted(notebooks)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(basis.encode()).hexdigest()


def runs(folder: Path) -> Iterator[Path]:
    """The published runs of a client folder, newest first."""
    found = [path for path in folder.iterdir() if RUN_ID.match(path.name)] if folder.is_dir() else []
    yield from sorted(found, key=_age, reverse=True)


def _age(run: Path) -> tuple[str, int]:
    stamp, _, number = (run.name.split("-") + ["", "0"])[:3]
    return stamp, int(number or 0)


def previous(folder: Path, basis: str) -> Path | None:
    """findings.json of the newest published run with the same key, or None."""
    for run in runs(folder):
        findings = run / "findings.json"
        if _manifest(run).get("comparable") == basis and findings.is_file():
            return findings
    return None


def _manifest(run: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((run / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
