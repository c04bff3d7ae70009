"""09: the one table from impression to repeat purchase, as a page has room for it and whole in its download."""

from __future__ import annotations

import pandas as pd

from detente.present.pieces import Column, Table
from detente.present.report import Report
from detente.present.section import phrase

GROUP = "economics"
# Lines of money that no group of leads has.
ALONE = (
    "spend_without_leads", "spend_without_channel", "bought_outside", "bought_uncounted", "bought_unknown"
)  # fmt: skip
COSTS = {
    "label": "text", "spend": "money", "cpl": "money", "cac": "money", "note": "text", "cac_interval": "money_range",
    "margin_client": "money", "times_back": "times", "check": "money", "cost_per_target": "money",
}  # fmt: skip
MONTHS = {
    "label": "text", "spend": "money", "leads": "count", "cpl": "money", "won": "count", "cac": "money",
    "note": "text", "clients": "count", "repeat": "count", "revenue": "money", "margin": "money",
}  # fmt: skip
REST = {
    "known": "count", "non_target": "count", "unknown": "count", "target_share": "percent",
    "target_share_interval": "percent_range", "click_rate": "percent", "click_rate_interval": "percent_range",
    "lead_rate": "percent", "lead_rate_interval": "percent_range", "conversion": "percent",
    "conversion_interval": "percent_range", "paid_leads": "count", "paid_share": "percent",
    "paid_share_interval": "percent_range", "repeat_share": "percent", "repeat_share_interval": "percent_range",
    "new_clients": "count", "purchases": "count", "gross": "money", "returned": "money", "revenue": "money",
    "margin": "money", "margin_interval": "money_range", "lit": "count", "ripe_leads": "count", "ripe_won": "count",
    "cac_ripe": "money", "cac_ripe_interval": "money_range", "cac_client": "money", "cac_new": "money",
    "cac_net": "money", "payback": "number", "no_stage": "count",
}  # fmt: skip
# Columns that say nothing where no spend is exported.
SPENT = (
    "spend", "cpl", "cac", "note", "cac_interval", "cost_per_target", "times_back", "cac_ripe", "cac_ripe_interval",
    "cac_client", "cac_new", "cac_net", "payback", "click_rate", "click_rate_interval", "lead_rate",
    "lead_rate_interval",
)  # fmt: skip
INTERVALS = {
    "cac_interval": "cac", "cac_ripe_interval": "cac_ripe", "margin_interval": "margin_client",
    **{f"{name}_interval": name for name in
       ("target_share", "click_rate", "lead_rate", "conversion", "paid_share", "repeat_share")},
}  # fmt: skip


def path(report: Report, table: pd.DataFrame) -> dict[str, str]:
    """Columns from impression to repeat purchase, then the stages between; what nobody exported has no column."""
    seen = [name for name in ("impressions", "clicks") if table[name].notna().any()]
    dark = table["no_stage"].sum() > report.audit.thresholds.material * table["leads"].sum()
    known = 0 if dark else len(report.audit.funnel.stages)  # else most lost leads would reach no stage at all
    stages = [f"reached_{at}" for at in range(1, known + 1)] if known > 1 else []
    paid = ["clients"] if table["purchases"].any() and made_of(report) != "won" else []
    paid += ["repeat"] if paid and table["named"].any() else []
    target = ["target"] if table["known"].any() else []
    return {"label": "text", **dict.fromkeys([*seen, "leads", *target, "won", *paid, *stages], "count")}


def table_of(
    report: Report,
    table: pd.DataFrame,
    by: str,
    name: str,
    kinds: dict[str, str],
    caption: str,
    named: pd.Index,
) -> Table:
    """One cut as a table of `kinds`, the groups that the finding names bold; all other columns are in its download."""
    spent = report.tables.has("spend")
    every = {
        key: kind
        for key, kind in (kinds | path(report, table) | COSTS | REST).items()
        if spent or key not in SPENT
    }
    if by == "segment":  # impressions and clicks are shared out by leads: a rate of them would say nothing
        every = {key: kind for key, kind in every.items() if not key.startswith(("click_rate", "lead_rate"))}
    rows = list(table.itertuples())
    frame = table.assign(
        label=[_label(report, row, by) for row in rows],
        note=[_note(report, row) for row in rows],
        **{
            key: list(zip(table[f"{of}_low"], table[f"{of}_high"], strict=True))
            for key, of in INTERVALS.items()
        },
    )
    heads = {key: _column(report, key, kind, by) for key, kind in every.items()}
    told = [key for key in heads if key == "label" or not _empty(frame[key])]
    columns = [heads[key] for key in told if key in kinds]
    more = [heads[key] for key in told if key not in kinds]
    bold = pd.Series(table.index.isin(named) & table.index.notna())
    return Table(name, frame, columns, caption, bold, more)


def _empty(values: pd.Series) -> bool:
    """Nothing in any row: such a column would be a column of dashes."""
    return all(
        (isinstance(value, tuple) and pd.isna(value[0]))
        or (not isinstance(value, tuple) and (value == "" or pd.isna(value)))
        for value in values
    )


def _column(report: Report, key: str, kind: str, by: str) -> Column:
    if key.startswith("reached_"):
        return Column(key, report.audit.funnel.stages[int(key.removeprefix("reached_")) - 1].name, kind)
    return Column(key, phrase(report, f"{GROUP}.columns", by if key == "label" else key), kind)


def _label(report: Report, row, by: str) -> str:
    """The group, or the line of money that belongs to none."""
    if row.line in ALONE and not isinstance(row.Index, str):
        return phrase(report, f"{GROUP}.line", row.line)
    return report.words.month(row.Index) if by == "month" else report.words.group(row.Index)


def _note(report: Report, row) -> str:
    """Why there is no cost per client."""
    if row.line in ALONE:
        return phrase(report, f"{GROUP}.line", f"{row.line}_note")
    if row.line == "free":
        return phrase(report, GROUP, "no_spend")
    return "" if row.won else phrase(report, GROUP, "no_wins", value=row.cac_above)


def made_of(report: Report) -> str:
    """What purchases are made of: "payments", "paid_field", "won", or "none" where nothing tells of money."""
    tables = report.tables
    if not tables.has("purchases"):
        return "none"
    return "payments" if tables.has("payments") else "paid_field" if tables.audit.fields.paid else "won"


def basis(report: Report) -> str:
    """The same, said."""
    return phrase(report, GROUP, f"basis_{made_of(report)}")
