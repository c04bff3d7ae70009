"""09: money without a pair, margin beside the cost of a client, and all that it costs to win one."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts, charts_money
from detente.present.pieces import Figure
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_unit_tables import ALONE, GROUP, made_of

FEW = 5  # clients: of fewer no average is told
SHOWN = 12  # bars of one picture


def losing(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Groups whose clients have surely left less than they cost, the largest spend first."""
    least = report.audit.thresholds.min_group
    found = table[(table["paid_back"] == "no") & (table["lit"] >= least) & table.index.notna()]
    return found.sort_values("spend", ascending=False, kind="stable")


def unmatched(report: Report, found) -> View:
    """Spend without leads, leads without spend, purchases without an inquiry. found : `economics.unmatched`."""
    group = f"{GROUP}.unmatched"
    if not report.tables.has("spend") and made_of(report) == "won":
        return View()  # the amount of a won deal always has its lead
    if not report.tables.has("spend") and not found.revenue and not found.lines:
        return View(finding=missing(report, group, "unit_unmatched", "data"))
    parts = [
        phrase(
            report, group, line, amount=amount, names=", ".join(report.words.group(name) for name in names)
        )
        for line, (amount, names) in found.lines.items()
    ]
    values = {"spend": found.spend, "revenue": found.revenue, "lost": found.lost, "strange": found.strange,
              "free": found.free, "free_won": found.free_won, "parts": "; ".join(parts)}  # fmt: skip
    spent = report.tables.has("spend")
    sides = [side for side, amount in (("spend", found.lost), ("bought", found.strange)) if amount]
    variant = "" if len(sides) == 2 else sides[0] if sides else "none"
    variant = variant if spent else f"{variant}_no_spend"
    number = Number(float(found.lost or found.strange), "money", n=len(found.lines))
    finding = state(report, group, "unit_unmatched", "data", number, variant=variant, **values)
    return View(finding=finding, note=phrase(report, group, "free", **values) if found.free and spent else "")


def margin(report: Report, table: pd.DataFrame, apart: pd.DataFrame) -> View:
    """A cheap client is worth nothing if little is left of it. table : by channel; apart : `unit_costs.margins`."""
    group, limits = f"{GROUP}.margin", report.audit.thresholds
    if not table["lit"].sum():
        return View(finding=missing(report, group, "unit_margin", "product"))
    lost = losing(report, table)
    low = apart[apart["named"] & (apart["difference"] < 0) & apart.index.notna()]
    paid = low[low["cac_client"].notna()]
    named = lost if len(lost) else paid if len(paid) else low
    variant = "loss" if len(lost) else "low" if len(paid) else "low_free" if len(low) else "even"
    if variant == "even" and (apart["lit"] >= limits.min_group).sum() < 2:
        variant = "few"
    values, number = {"need": limits.min_group, "compared": len(apart)}, None
    if len(named):
        row, other = (part[part.index == named.index[0]].iloc[0] for part in (table, apart))
        interval = (row["margin_client_low"], row["margin_client_high"])
        number = Number(row["margin_client"], "money", *interval, int(row["lit"]))
        values |= {"channel": report.words.group(named.index[0]), "margin": row["margin_client"], "interval": interval,
                   "rest": other["rest_margin"], "clients": row["lit"], "cac": row["cac_net"]}  # fmt: skip
    status = "cannot_tell" if variant in ("few", "even") else "ok"
    finding = state(report, group, "unit_margin", "product", number, variant=variant, status=status, **values)
    rest = values["rest"] if variant == "loss" else math.nan
    note = "" if math.isnan(rest) else phrase(report, group, "rest", rest=rest)
    return View(finding=finding, figure=_margins(report, group, table, named), note=note)


def _margins(report: Report, group: str, table: pd.DataFrame, named: pd.DataFrame) -> Figure:
    rows = table[~table["line"].isin(ALONE) & (table["lit"] >= FEW)]
    rows = rows.sort_values("margin_client", kind="stable").head(SHOWN)
    bars = pd.DataFrame({
        "label": [report.words.group(name) for name in rows.index], "value": rows["margin_client"],
        "low": rows["margin_client_low"], "high": rows["margin_client_high"], "n": rows["lit"],
        "enough": rows["lit"] >= report.audit.thresholds.min_group, "named": rows.index.isin(named.index[:1]),
    })  # fmt: skip
    caption = phrase(report, group, "caption", min_group=report.audit.thresholds.min_group)
    return Figure(charts.bars, bars, phrase(report, group, "title"), caption)


def full(report: Report, found) -> View:
    """Advertising alone, and all that it costs to win a client. found : `unit_costs.full`."""
    group = f"{GROUP}.full"
    if not found.source:
        where = group if report.tables.has("spend") else f"{group}.no_spend"
        return View(finding=missing(report, where, "unit_full_cac", "ceo"))
    variant = "none" if math.isnan(found.cac_full) else "alone" if math.isnan(found.cac) else ""
    number = Number(found.cac_full, "money", found.full_low, found.full_high, found.won)
    finding = state(
        report, group, "unit_full_cac", "ceo", None if variant == "none" else number, variant=variant,
        status="cannot_tell" if variant == "none" else "ok", cac=found.cac, full=found.cac_full,
        interval=(found.full_low, found.full_high), won=found.won, spend=found.advertising, other=found.other,
        all=found.all, months=found.months,
    )  # fmt: skip
    ends = pd.DataFrame({"label": [phrase(report, group, name) for name in ("advertising", "all")],
                         "value": [float(found.advertising), float(found.all)], "total": True})  # fmt: skip
    items = pd.DataFrame(
        {"label": found.items["what"], "value": found.items["amount"].astype(float), "total": False}
    )
    steps = pd.concat(
        [ends.head(1), items.sort_values("value", ascending=False, kind="stable"), ends.tail(1)]
    )
    caption = phrase(report, group, f"source_{found.source}")
    figure = Figure(
        charts_money.ladder, steps.reset_index(drop=True), phrase(report, group, "title"), caption
    )
    return View(finding=finding, figure=figure)
