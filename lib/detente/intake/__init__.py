"""Exports of any shape become the canonical tables, and a log of every row that did not make it."""

from detente.intake.load import Tables, load

__all__ = ["Tables", "load"]
