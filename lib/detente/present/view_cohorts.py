"""11: what clients really brought by their age, and whether a model can look further."""

from __future__ import annotations

import pandas as pd

from detente.present import charts_money
from detente.present.findings import Finding
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state
from detente.present.view_ltv import GROUP, basis_note, brought, what


def cohorts(
    report: Report, value: str, grid: pd.DataFrame, span: int, reached, head: float, apart, old_first: bool
) -> View:
    """What a client has brought by each age; young cohorts are not asked what they cannot know.

    grid : `cohorts.grid` with its span; reached : `cohorts.at`; head : `cohorts.per_head`; apart : `cohorts.apart`.
    """
    group, ident = f"{GROUP}.cohorts", "ltv_cohorts"
    if grid.empty:
        return View()  # the first section says what is missing
    finding = _brought(report, group, ident, value, reached, head)
    kept = grid.assign(kind="money", row=[_arrived(report, group, month, span) for month in grid["row"]])
    caption = phrase(
        report,
        group,
        "caption",
        "" if span == 1 else "quarters",
        clients=report.audit.thresholds.cohort_clients,
    )
    title = phrase(report, group, "title", what=what(report, value))
    figure = Figure(charts_money.triangle, kept, title, caption)
    notes = [phrase(report, group, "old_first")] if old_first else []
    notes += [_apart(report, group, apart)] if apart.unknown else []
    notes += basis_note(report)
    return View(finding=finding, figure=figure, table=_table(report, group, grid, span), note=" ".join(notes))


def _brought(report: Report, group: str, ident: str, value: str, reached, head: float) -> Finding:
    enough = report.audit.thresholds.cohort_clients
    told = {**brought(report, value, reached), "horizon": reached.horizon, "enough": enough}
    if reached.status == "cannot_tell":
        return state(report, group, ident, "data", variant="few", status="cannot_tell", **told)
    number = Number(reached.value, "money", reached.low, reached.high, reached.clients)
    gap = report.audit.thresholds.material
    variant = "hidden" if head < reached.value * (1 - gap) else "" if reached.status == "ok" else "shorter"
    variant = "mixed" if reached.mixed else variant
    off = 1 - head / reached.value if reached.value > 0 else 0.0
    less = {"head": head, "left_out": reached.left_out, "off": off}
    return state(report, group, ident, "ceo", number, variant=variant, **less, **told)


def _apart(report: Report, group: str, apart) -> str:
    return phrase(report, group, "apart", unknown=apart.unknown, revenue=float(apart.unknown_revenue))


def _arrived(report: Report, group: str, month: str, span: int) -> str:
    """The month of the first purchase, or its quarter."""
    if span == 1:
        return month
    return phrase(report, group, "quarter", quarter=(int(month[5:7]) + 2) // 3, year=month[:4])


def _table(report: Report, group: str, grid: pd.DataFrame, span: int) -> Table:
    """Each cohort at its last full month: clients, months seen, money per client."""
    last = grid[grid["ripe"]].drop_duplicates("row", keep="last")
    names = [
        report.words.month(row) if span == 1 else _arrived(report, group, row, span) for row in last["row"]
    ]
    frame = last.assign(months=last["column"] + 1, row=names)
    kinds = {"row": "text", "n": "count", "months": "months", "value": "money"}
    columns = [Column(key, phrase(report, f"{group}.columns", key), kind) for key, kind in kinds.items()]
    return Table("cohorts", frame, columns, phrase(report, group, "table"))


# --- models ---
def models(report: Report, model: str, rows: pd.DataFrame, fits: list, reached) -> View:
    """Whether a model may look further than the observed months, and what it says. rows : `definitions.side_by_side`;
    fits : what was fitted: sBG, or BG/NBD and Gamma-Gamma."""
    group, ident = f"{GROUP}.models", "ltv_models"
    if model == "one_off" or reached.clients == 0:
        return View()
    row = rows[rows["definition"] == {"subscription": "sbg", "repeat": "bgnbd"}[model]].iloc[0]
    told = {
        "clients": int(row["clients"]), "returning": getattr(fits[0], "repeaters", 0), "needed": int(row["needed"]),
        "repeat": report.audit.thresholds.repeat_share, "horizon": report.audit.economics.horizon_months,
    }  # fmt: skip
    if row["status"] != "ok":
        variant = ("sbg_" if model == "subscription" and row["reason"] else "") + (
            row["reason"] or row["status"]
        )
        return View(
            finding=state(report, group, ident, "data", variant=variant, status="cannot_tell", **told)
        )
    variant = model if row["basis"] == "profit" else f"{model}_margin"
    number = Number(row["value"], "money", n=int(row["clients"]))
    finding = state(report, group, ident, "ceo", number, variant=variant, value=row["value"], **told)
    tied = any(getattr(fit, "remark", "") for fit in fits)
    return View(finding=finding, note=phrase(report, group, "tied") if tied else "")
