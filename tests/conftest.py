"""Fixtures that several test modules share. A cache and a key of their own: tests never touch a user's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import published

ROOT = Path(__file__).resolve().parents[1]

# Tests start some fifty Pythons. Where bytecode may not be kept (containers forbid it to keep their images small),
# each of them would compile all it imports anew: three seconds of four, longer than most of them work.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder that all workers of this session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session", autouse=True)
def _own_cache_and_key(shared_folder: Path) -> None:
    os.environ["DETENTE_CACHE"] = str(shared_folder / "cache")
    os.environ["DETENTE_KEY"] = "a key for tests only"


@pytest.fixture(scope="session")
def runs(root: Path, shared_folder: Path) -> dict[str, Path]:
    """The sample audit, published per language: once in a session, whichever worker asks first."""
    audit = root / "data" / "sample" / "audit.yml"
    return {
        language: published.once(
            shared_folder / f"sample-{language}",
            lambda folder, said=language: published.run(audit, folder.parent / "sample", "--language", said),
        )
        for language in ("ru", "en")
    }
