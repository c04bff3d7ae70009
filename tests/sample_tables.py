"""The sample company as intake reads it."""

from __future__ import annotations

from detente import intake
from detente.intake import Tables
from detente.schema import LossLog
from sample_exports import SAMPLE


def loaded() -> tuple[Tables, LossLog]:
    return intake.load(SAMPLE / "audit.yml")


def size(table) -> int:
    return int(table.count().execute())
