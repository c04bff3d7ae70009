"""The least that audit.yml may state, and the one message that a mistake in it gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.audit import Audit, AuditError

LEAST = """\
client: ООО «Детские площадки»
sources:
  deals:
    file: deals.csv
funnel:
  stages: [Новая, В работе]
  won: Успешно реализовано
  lost: [Закрыто и не реализовано]
"""


def folder(path: Path) -> Path:
    """A folder with the one export that LEAST names."""
    (path / "deals.csv").write_text("ID;Бюджет\n1;2\n", encoding="utf-8")
    return path


def read(folder: Path, text: str) -> Audit:
    path = folder / "audit.yml"
    path.write_text(text, encoding="utf-8")
    return Audit.read(path)


def message(folder: Path, text: str) -> str:
    """The one message that the text gives; more or fewer than one is a failure."""
    with pytest.raises(AuditError) as caught:
        read(folder, text)
    assert len(caught.value.lines) == 1, caught.value.lines
    return caught.value.lines[0]
