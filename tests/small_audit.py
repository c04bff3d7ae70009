"""A tiny company for tests of intake: a few lines of CSV and an audit.yml, loaded into an own cache."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from detente import engine
from detente.intake import Tables, load
from detente.schema import LossLog

FUNNEL = {"stages": [{"name": "New"}, {"name": "Talk", "qualified": True}, {"name": "Offer"}],
          "won": ["Won"], "lost": ["Lost"], "excluded": ["Internal"]}  # fmt: skip
DEALS = "id,created,stage\n1,2024-01-05 10:00,New\n2,2024-01-20 12:00,Won\n"
HEAD = "id,created,stage"
COLUMNS = {
    "deals": {"lead_id": "id", "created_at": "created", "stage": "stage"},
    "leads": {"lead_id": "id", "created_at": "created"},
    "stages": {"lead_id": "deal", "entered_at": "time", "stage": "stage"},
    "spend": {"date_from": "day", "cost": "cost"},
    "payments": {"paid_at": "paid", "amount": "sum"},
    "invoices": {"issued_at": "issued", "due_at": "due", "amount": "sum", "lead_id": "deal"},
    "costs": {"period": "month", "article": "article", "amount": "sum", "lead_id": "deal"},
    "calls": {"started_at": "start"},
    "tasks": {"lead_id": "deal"},
    "plan": {"period": "month", "metric": "metric", "value": "value"},
}


class Company:
    """One company's files. `source(table, csv, **keys)` states an export; `load()` runs intake."""

    def __init__(self, folder: Path):
        self.folder, self.sources, self.keys = folder, {}, {"client": "Test", "funnel": FUNNEL}
        self.source("deals", DEALS)

    def source(self, table: str, csv: str, columns: dict | None = None, name: str = "", **keys) -> Company:
        file = name or f"{table}.csv"
        (self.folder / file).write_text(csv, encoding="utf-8")
        head = csv.split("\n")[0].split(";" if ";" in csv.split("\n")[0] else ",")
        stated = {column: heading for column, heading in COLUMNS[table].items() if heading in head}
        self.sources[table] = {"file": file, "columns": {**stated, **(columns or {})}, **keys}
        return self

    def also(self, table: str, csv: str, name: str) -> Company:
        """One more file of the same source."""
        (self.folder / name).write_text(csv, encoding="utf-8")
        known = self.sources[table]["file"]
        self.sources[table]["file"] = [*(known if isinstance(known, list) else [known]), name]
        return self

    def state(self, **keys) -> Company:
        self.keys.update(keys)
        return self

    def audit(self) -> Path:
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump({**self.keys, "sources": self.sources}, text)
        path = self.folder / "audit.yml"
        path.write_text(text.getvalue(), encoding="utf-8")
        return path

    def load(self, date_from: str = "", date_to: str = "") -> tuple[Tables, LossLog]:
        return load(self.audit(), date_from, date_to)

    def journeys(self) -> pd.DataFrame:
        """All journeys, in the order of rows."""
        tables, _ = self.load()
        return engine.frame(tables.all_journeys).sort_values("row", ignore_index=True)

    def losses(self) -> list[tuple]:
        """(source, action, reason, rows, places) of every entry of the log."""
        _, log = self.load()
        return sorted((item.source, item.action, item.reason, item.rows, item.places) for item in log.losses)


def frame(table) -> pd.DataFrame:
    return engine.frame(table)


def deals(company: Company, *lines: str, head: str = HEAD, **keys) -> Company:
    """State the export of deals by its lines."""
    return company.source("deals", "\n".join([head, *lines]) + "\n", **keys)
