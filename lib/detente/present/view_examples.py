"""11, 12: a worked example beside the client's own data, where both show the same trap."""

from __future__ import annotations

import pandas as pd

from detente.present.pieces import Column, Table
from detente.present.report import Report, View
from detente.present.section import phrase

GROUP = "examples"
MOST = 3  # traps shown: a lesson, no list of sins
KINDS = {
    "start": "count", "end": "count", "lost": "count", "leads": "count", "won": "count", "revenue": "money",
    "seed": "money", "matched": "money", "spend": "money", "gross": "money", "costs": "money", "before": "money",
    "taken": "money", "net_spend": "money", "left": "money", "cpl": "money", "cac": "money", "off": "percent",
    "boasted": "percent", "romi": "percent", "back": "percent", "share": "percent",
}  # fmt: skip
COLUMNS = {
    "growing_base": ("start", "end", "lost", "revenue", "seed", "matched", "off"),
    "falling_base": ("start", "end", "lost", "revenue", "seed", "matched", "off"),
    "goods": ("gross", "spend", "boasted", "taken", "net_spend", "left", "romi"),
    "advertising": ("gross", "taken", "before", "spend", "net_spend", "left"),
    "returns": ("gross", "spend", "boasted", "back", "net_spend", "left", "romi"),
    "returning": ("gross", "spend", "boasted", "share", "before", "net_spend", "left", "romi"),
    "cheap_leads": ("spend", "leads", "won", "cpl", "cac"),
}


def ltv(report: Report, trap: str, rows: pd.DataFrame | None) -> View:
    """The seed formula on a base that grows or falls. Nothing where the data show no such trap.

    trap : `examples_ltv.trap_ltv` of the client base. rows : `examples_ltv.beside` of both.
    """
    if not trap or rows is None:
        return View()
    own = rows.loc["yours"]
    values = {"off": abs(own["off"]), "seed": own["seed"], "matched": own["matched"]}
    note = phrase(report, f"{GROUP}.{trap}", "text", example=abs(rows.loc["example", "off"]), **values)
    return View(heading=phrase(report, GROUP, "heading"), note=note, table=_table(report, trap, rows))


def romi(report: Report, beside: dict[str, pd.DataFrame]) -> View:
    """Up to three traps of the worked cases that the client's totals show too. Nothing where they show none.

    beside : `examples_romi.beside` of the traps that `examples_romi.trap_romi` found.
    """
    shown = dict(list(beside.items())[:MOST])
    if not shown:
        return View()
    note = " ".join(phrase(report, f"{GROUP}.{name}", "text", _variant(rows)) for name, rows in shown.items())
    tables = [_table(report, name, rows) for name, rows in shown.items()]
    return View(heading=phrase(report, GROUP, "heading"), note=note, tables=tables)


def _variant(rows: pd.DataFrame) -> str:
    return "target" if _own(rows, "target") else ""


def _own(rows: pd.DataFrame, name: str) -> bool:
    return name in rows and bool(rows.loc["yours", name])


def _table(report: Report, trap: str, rows: pd.DataFrame) -> Table:
    """Two rows: the example, and your data. Spend without its VAT is a column of its own only where it differs."""
    taxed = "net_spend" in rows and rows.loc["yours", "net_spend"] != rows.loc["yours", "spend"]
    shown = [key for key in COLUMNS[trap] if taxed or key != "net_spend"]
    frame = rows[shown].reset_index(drop=True)
    whose = "ads" if _own(rows, "ads") else ""
    frame.insert(0, "who", [phrase(report, f"{GROUP}.who", name, whose) for name in rows.index])
    head = "taxed" if taxed else _variant(rows)
    heads = {key: phrase(report, f"{GROUP}.columns", key, head) for key in ["who", *shown]}
    columns = [Column("who", heads["who"]), *(Column(key, heads[key], KINDS[key]) for key in shown)]
    caption, bold = phrase(report, f"{GROUP}.{trap}", "table"), pd.Series([False, True])
    return Table(f"example_{trap}", frame, columns, caption, bold)
