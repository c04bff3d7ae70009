"""Fixtures that several test modules share. A cache and a key of their own: tests never touch a user's."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import export_files
import published
import sample_exports
from small_audit import Company

pytest.register_assert_rewrite("stated_audit", "view_checks")  # a failure shows its values
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


@pytest.fixture(scope="session")
def school(root: Path, shared_folder: Path) -> Path:
    """The audit of a real school, published: once in a session, whichever worker asks first."""
    audit = root / "tests" / "school_crm" / "audit.yml"
    return published.once(
        shared_folder / "school-run", lambda folder: published.run(audit, folder.parent / "school")
    )


@pytest.fixture
def read(tmp_path: Path) -> Callable:
    """Write bytes, text or a workbook as an export and read it: (raw, its rows as dicts)."""
    return partial(export_files.read, tmp_path)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company of two deals, to state exports of."""
    return Company(tmp_path)


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """What is stated of the sample company."""
    return sample_exports.truth()


@pytest.fixture(scope="session")
def file_rows() -> list[dict[str, str]]:
    """Every line of its export of deals."""
    return sample_exports.file_rows()


@pytest.fixture(scope="session")
def deals(file_rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The latest version of each of its deals."""
    return sample_exports.deals(file_rows)


@pytest.fixture(scope="session")
def counted(deals: list[dict[str, str]]) -> list[dict[str, str]]:
    """Its deals that count as leads."""
    return sample_exports.counted(deals)
