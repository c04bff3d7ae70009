"""The finished folder becomes the newest report by one rename; nothing half-written is ever published."""

from __future__ import annotations

import html
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from detente.run import RunError

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_POINTER = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0; url={target}">
<title>{title}</title>
<ul>
{links}
</ul>
</html>
"""


def write_pointer(path: Path, title: str, language: str, pages: dict[str, str]) -> None:
    """A page without scripts that leads on to the first of `pages` (address -> text) and links them all."""
    addresses = [html.escape(page) for page in pages]
    texts = [html.escape(text) for text in pages.values()]
    links = [f'<li><a href="{page}">{text}</a></li>' for page, text in zip(addresses, texts, strict=True)]
    shown = {"target": addresses[0], "title": html.escape(title), "links": "\n".join(links)}
    path.write_text(_POINTER.format(language=language, policy=_POLICY, **shown), encoding="utf-8")


def merge_findings(work: Path, notebooks: Iterable[str]) -> list[dict[str, Any]]:
    """One findings.json in place of a file per notebook. Raises RunError for an id that two findings
    share."""
    merged: list[dict[str, Any]] = []
    for name in notebooks:
        path = work / f"{name}.json"
        merged += json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
    ids = [finding["id"] for finding in merged]
    if repeated := sorted({item for item in ids if ids.count(item) > 1}):
        raise RunError(f"two findings share the id {', '.join(repeated)}")
    text = json.dumps(merged, ensure_ascii=False, indent=1, allow_nan=False)
    (work / "findings.json").write_text(text + "\n", encoding="utf-8")
    return merged


def publish(work: Path, target: Path, client: str, language: str) -> None:
    """Make `work` the published folder and latest.html, latest.<language>.html lead to it.

    Everything is on disk before the first rename: a full disk ends the run while nothing has changed.
    """
    pointers = [work.parent / name for name in ("latest.html", f"latest.{language}.html")]
    for path in pointers:
        write_pointer(path, client, language, {f"{target.name}/index.html": f"{client} · {target.name}"})
    for path in work.parent.rglob("*"):
        _sync_folder(path) if path.is_dir() else _sync(path)
    os.replace(work, target)
    for path in pointers:
        os.replace(path, target.parent / path.name)
    _sync_folder(target.parent)


def sweep(folder: Path) -> None:
    """Remove what a killed run left. Only under the client's lock, so nothing found can be in use."""
    for path in folder.glob(".tmp-*"):
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    with suppress(OSError):  # Windows cannot open a folder
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
