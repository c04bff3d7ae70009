"""Fixtures that several test modules share. A cache and a key of their own: tests never touch a user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def _own_cache_and_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["DETENTE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["DETENTE_KEY"] = "a key for tests only"
