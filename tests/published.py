"""A published run as files: findings by id, tables by name with numbers, the text of a page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

# An undefined value that reached a reader; the English word «none» may begin a sentence.
HOLE = re.compile(r"(?<!\w)(nan|NaN|None(?! [a-z])|NaT|inf|<NA>)(?!\w)")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def run(audit: Path, output: Path, *options: str) -> Path:
    """Run the command as a user does. Returns the published folder."""
    command = [sys.executable, "-m", "detente", "run", str(audit), "--output", str(output), *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=1500)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()).parent


def once(folder: Path, make: Callable[[Path], Path]) -> Path:
    """What `make` published into `folder`, made by the first of several test workers; the others wait for it."""
    place = folder / "made"
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        for _ in range(15000):
            if place.exists():
                return Path(place.read_text(encoding="utf-8"))
            time.sleep(0.1)
        raise AssertionError(f"another worker made nothing in {folder}") from None
    try:
        made = str(make(folder))
    except BaseException:
        made = ""  # whoever waits fails at once
        raise
    finally:
        draft = folder / "draft"
        draft.write_text(made, encoding="utf-8")
        draft.replace(place)
    return Path(made)


def findings(published: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((published / "findings.json").read_text(encoding="utf-8"))
    return {row["id"]: row for row in rows}


def table(published: Path, name: str) -> pd.DataFrame:
    """One table as a Russian or an English Excel reads it, indexed by its first column."""
    path = published / "tables" / f"{name}.csv"
    russian = path.read_text(encoding="utf-8-sig").split("\n")[0].count(";") > 0
    return pd.read_csv(
        path,
        sep=";" if russian else ",",
        decimal="," if russian else ".",
        index_col=0,
        encoding="utf-8-sig",
        keep_default_na=False,
        na_values=[""],
    )


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def text(published: Path, page: str) -> str:
    """What a reader sees, with single spaces."""
    parser = _Text()
    parser.feed((published / page).read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", " ".join(parser.parts))
