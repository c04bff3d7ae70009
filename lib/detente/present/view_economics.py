"""09: from impression to repeat purchase, what a lead and a client cost, and what a client leaves."""

from __future__ import annotations

import math

import pandas as pd

from detente.audit import Audit
from detente.present import charts
from detente.present.pieces import Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_unit_money import FEW, SHOWN, losing
from detente.present.view_unit_tables import COSTS, GROUP, MONTHS, basis, made_of, path, table_of


# --- the head of the page ---
def verdict(
    report: Report, whole: pd.DataFrame, paid: pd.DataFrame, segments: pd.DataFrame, trick: View, again: View
) -> View:
    """What a lead and a client cost, how far leads go, what a client leaves, and whether a cheap lead is one.

    whole, paid : one row of costs each, of all leads and of the channels with spend. trick, again : what `cheap` and
    `base` of the view of cheap leads say.
    """
    row, lost = whole.iloc[0], losing(report, segments)
    told = [item.finding.fact for item in (trick, again if again.tone == "bad" else View()) if item.finding]
    points = [_way(report, row), _price(report, row, paid), _left(report, paid), *told]
    loud = [item.finding.headline for item in (trick, again) if item.tone == "bad"]
    variant = (
        "told" if loud else "loss" if len(lost) else "told" if trick.tone == "warn" else _known(paid, report)
    )
    headline = phrase(
        report, GROUP, "title", variant, told=loud[0] if loud else trick.finding.headline if trick.finding else "",
        segment=report.words.group(lost.index[0]) if len(lost) else "",
        **{name: _one(paid, name) for name in ("cac", "cpl", "cac_above")},
    )  # fmt: skip
    tone = "warn" if variant in ("told", "loss", "loss_anyway") else "plain"
    return View(headline, points=[point for point in points if point], tone=tone)


def _loss(lost: pd.DataFrame) -> str:
    """Does a client leave less than its advertising, or surely less than nothing?"""
    return "loss" if lost["margin_client_high"].iloc[0] >= 0 else "loss_anyway"


def _one(table: pd.DataFrame, name: str) -> float:
    return float(table[name].iloc[0]) if len(table) else math.nan


def _known(paid: pd.DataFrame, report: Report) -> str:
    """How the cost of a client stands: known, only bounded, or not to be had."""
    if not report.tables.has("spend"):
        return "no_spend"
    if paid.empty:
        return "untied"
    return "" if paid["won"].iloc[0] else "none"


def _way(report: Report, row: pd.Series) -> str:
    again = (row["repeat_share_low"], row["repeat_share_high"])
    few = "few" if row["clients"] < FEW else ""
    few = "unnamed" if not row["named"] else few
    few = "unpaid" if not row["purchases"] or made_of(report) == "won" else few
    text = phrase(
        report, GROUP, "point_way", few, leads=row["leads"], won=row["won"], clients=row["clients"],
        repeat=row["repeat"], share=row["repeat_share"], interval=again,
    )  # fmt: skip
    target = (
        phrase(report, GROUP, "point_target", target=row["target"], known=row["known"])
        if row["known"]
        else ""
    )
    many = few != "unpaid" and row["clients"] > row["won"]
    more = phrase(report, GROUP, "point_more") if many else ""
    return " ".join(part for part in (text, target, more) if part)


def _price(report: Report, row: pd.Series, paid: pd.DataFrame) -> str:
    known = _known(paid, report)
    if known in ("no_spend", "untied"):
        return phrase(report, GROUP, "point_price", known, spend=row["spend"])
    one = paid.iloc[0]
    values = {"spend": one["spend"], "cpl": one["cpl"], "cac": one["cac"], "won": one["won"], "blended": row["cac"],
              "above": one["cac_above"], "interval": (one["cac_low"], one["cac_high"])}  # fmt: skip
    text = phrase(report, GROUP, "point_price", known, **values)
    free = row["won"] > one["won"] > 0
    return f"{text} {phrase(report, GROUP, 'point_blended', **values)}" if free else text


def _left(report: Report, paid: pd.DataFrame) -> str:
    """What a client of the advertising has left by now, against what it cost."""
    if paid.empty or not paid["clients"].iloc[0]:
        return ""
    row = paid.iloc[0]
    if row["lit"] < FEW:
        return phrase(report, GROUP, "point_margin", "unknown")
    interval = (row["margin_client_low"], row["margin_client_high"])
    return phrase(
        report, GROUP, "point_margin", row["paid_back"] or "unclear", margin=row["margin_client"],
        interval=interval, cac=row["cac_net"], clients=row["lit"],
    )  # fmt: skip


def tiles(report: Report, whole: pd.DataFrame, paid: pd.DataFrame) -> list[Tile]:
    """Cost of a lead and of a client of the advertising, margin per client, and who buys again."""
    words, row = report.words, whole.iloc[0]
    shown = paid.iloc[0] if len(paid) else row

    def tile(name: str, value: str, interval: str = "", **values) -> Tile:
        return Tile(
            phrase(report, GROUP, f"tile_{name}"),
            value,
            interval,
            phrase(report, GROUP, f"base_{name}", **values),
        )

    def between(low: str, high: str, kind: str = "money") -> str:
        if math.isnan(shown[low]) or math.isnan(shown[high]):
            return ""
        return phrase(report, GROUP, f"tile_{kind}", interval=(shown[low], shown[high]))

    few = shown["lit"] < FEW
    margin = phrase(report, GROUP, "unknown") if few else words.money(shown["margin_client"])
    spread = "" if few else between("margin_client_low", "margin_client_high")
    left = tile("margin", margin, spread, clients=shown["lit"])
    left = Tile(left.label, margin, base=phrase(report, GROUP, "base_margin", "unknown")) if few else left
    if report.tables.has("spend"):
        bound = shown["cac_above"]
        cac = phrase(report, GROUP, "above", value=bound) if bound > 0 else words.money(shown["cac"])
        found = [tile("cpl", words.money(shown["cpl"]), leads=shown["leads"]),
                 tile("cac", cac, between("cac_low", "cac_high"), won=shown["won"]), left]  # fmt: skip
    else:
        share = between("conversion_low", "conversion_high", "share")
        found = [
            tile("conversion", words.percent(row["conversion"]), share, won=row["won"], leads=row["leads"]),
            left,
        ]
    if row["clients"] < FEW or not row["named"] or made_of(report) == "won":
        return found
    again = phrase(report, GROUP, "tile_share", interval=(row["repeat_share_low"], row["repeat_share_high"]))
    base = phrase(report, GROUP, "base_repeat", repeat=row["repeat"], clients=row["clients"])
    return [
        *found,
        Tile(phrase(report, GROUP, "tile_repeat"), words.percent(row["repeat_share"]), again, base),
    ]


# --- one cut of the table ---
def segments(report: Report, table: pd.DataFrame, rest: pd.DataFrame, steady: float) -> View:
    """The whole way per segment; who costs more than they leave. Their spend is shared out by leads."""
    group = f"{GROUP}.segments"
    lost = losing(report, table)
    if len(lost):
        row = lost.iloc[0]
        values = {"segment": report.words.group(lost.index[0]), "cac": row["cac_net"], "margin": row["margin_client"],
                  "interval": (row["margin_client_low"], row["margin_client_high"]), "clients": row["lit"]}  # fmt: skip
        number = Number(row["margin_client"], "money", *values["interval"], int(row["lit"]))
        finding = state(report, group, "unit_segments", "ceo", number, variant=_loss(lost), **values)
    else:
        finding = _compared(report, group, "unit_segments", "ceo", table, rest, steady)
    if not _stated(table):
        return View(finding=finding)
    tables = _tables(report, table, "segment", lost.index)
    shared = [phrase(report, group, "note")] if report.tables.has("spend") else []
    note = " ".join([*shared, basis(report)])
    return View(finding=finding, figure=_bars(report, group, table, lost.index), tables=tables, note=note)


def channels(report: Report, table: pd.DataFrame, rest: pd.DataFrame, steady: float) -> View:
    """The same per channel: exactly as spend was exported, so that a channel may be compared with the others."""
    group = f"{GROUP}.channels"
    if not report.tables.has("spend"):
        if not _stated(table):
            return View()
        tables = _tables(report, table, "channel", rest.index[:0])
        return View(phrase(report, group, "heading_alone"), tables=tables)
    finding = _compared(report, group, "unit_channels", "marketing", table, rest, steady)
    side = rest["ratio"] > 1 if (rest["named"] & (rest["ratio"] > 1)).any() else rest["ratio"] < 1
    named = rest.index[rest["named"] & side & rest.index.notna()]
    tables = _tables(report, table, "channel", named)
    note = phrase(report, group, "mixed_vat") if _mixed_vat(report.audit) else ""
    return View(finding=finding, figure=_bars(report, group, table, named), tables=tables, note=note)


def _mixed_vat(audit: Audit) -> bool:
    """Do some exports of spend hold VAT and others not? Costs of channels then differ by the tax alone."""
    return len({source.vat for name, source in audit.sources.items() if name == "spend"}) > 1


def _stated(table: pd.DataFrame) -> bool:
    """Is the group of any lead known? One row of what is not stated compares nothing."""
    return bool(table.index[table["leads"] > 0].notna().any())


def _tables(report: Report, table: pd.DataFrame, by: str, named: pd.Index) -> list[Table]:
    """The way from impression to repeat purchase, and what it costs; what would hold labels alone is left out."""
    kinds = {f"{by}s": path(report, table), f"{by}_costs": COSTS}
    free = "" if report.tables.has("spend") else "alone"
    captions = [phrase(report, f"{GROUP}.{by}s", name, free) for name in ("table_way", "table_costs")]
    found = [
        table_of(report, table, by, name, columns, caption, named)
        for (name, columns), caption in zip(kinds.items(), captions, strict=True)
    ]
    return [item for item in found if len(item.columns) > 1]


def _compared(
    report: Report, group: str, ident: str, ask: str, table: pd.DataFrame, rest: pd.DataFrame, steady: float
):
    """Whose client is dearer than those of all others together, or that nobody can be named."""
    if not report.tables.has("spend"):
        return missing(report, group, ident, "marketing")
    if not _stated(table) and ident == "unit_segments":
        return missing(report, f"{GROUP}.no_segments", ident, "data")
    least = report.audit.thresholds.min_group
    values = {"compared": len(rest), "need": least, "p": steady, "ripe": report.audit.thresholds.ripe_days}
    named = rest[rest["named"] & rest.index.notna()]
    if (rest["ripe_leads"] >= least).sum() < 2 or math.isnan(steady):
        return state(report, group, ident, ask, variant="few", status="cannot_tell", **values)
    if named.empty:
        variant = "unclear" if steady < 1 - report.level else "even"
        return state(report, group, ident, ask, variant=variant, status="cannot_tell", **values)
    row = named.iloc[0] if named["ratio"].iloc[0] > 1 else named.iloc[-1]
    values |= {"who": report.words.group(row.name), "cac": row["cac_ripe"], "rest": row["rest_cac"],
               "ratio": row["ratio"], "interval": (row["low"], row["high"]), "won": row["ripe_won"],
               "rest_won": row["rest_won"]}  # fmt: skip
    number = Number(row["ratio"], "times", row["low"], row["high"], int(row["ripe_won"] + row["rest_won"]))
    variant = "dearer" if row["ratio"] > 1 else "cheaper"
    return state(report, group, ident, ask, number, variant=variant, **values)


def _bars(report: Report, group: str, table: pd.DataFrame, named: pd.Index) -> Figure:
    rows = table[table["cac"].notna()].sort_values("cac", ascending=False, kind="stable").head(SHOWN)
    rows = rows if len(rows) > 1 else rows.head(0)  # one bar compares nothing
    least = report.audit.thresholds.min_group
    bars = pd.DataFrame({
        "label": [report.words.group(name) for name in rows.index], "value": rows["cac"], "low": rows["cac_low"],
        "high": rows["cac_high"], "n": rows["won"], "named": rows.index.isin(named), "enough": rows["leads"] >= least,
    })  # fmt: skip
    return Figure(charts.bars, bars, phrase(report, group, "title"), phrase(report, GROUP, "caption_cac"))


# --- months ---
def _months(report: Report) -> dict[str, str]:
    """Columns of a month; amounts of won deals are neither revenue nor a proof that anybody paid."""
    unpaid = ("clients", "repeat", "revenue") if made_of(report) == "won" else ()
    return {key: kind for key, kind in MONTHS.items() if key not in unpaid}


def months(report: Report, table: pd.DataFrame, age: int, steady: float) -> View:
    """Month by month: when a lead and a client were dear; young months are shown and not judged.

    table : of `unit_costs.mature` at `age`. steady : of its ripe months.
    """
    group = f"{GROUP}.months"
    none = pd.Index([])
    free = "" if report.tables.has("spend") else "alone"
    shown = table_of(
        report, table, "month", "months", _months(report), phrase(report, group, "table", free), none
    )
    if not report.tables.has("spend"):
        return View(phrase(report, group, "heading_alone"), table=shown)
    ripe = table[table["ripe"] & (table["line"] == "paid")]
    won = ripe[ripe["won"] > 0]
    values = {"months": len(ripe), "age": age, "p": steady}
    if len(ripe) < 2 or math.isnan(steady):
        finding = state(
            report, group, "unit_months", "marketing", variant="few", status="cannot_tell", **values
        )
        return View(finding=finding, table=shown)
    values |= {"cpl_low": ripe["cpl"].min(), "cpl_high": ripe["cpl"].max(), "cac_low": won["cac"].min(),
               "cac_high": won["cac"].max(), "dear": won["cac"].idxmax(), "cheap": won["cac"].idxmin()}  # fmt: skip
    differ = "" if steady < 1 - report.level else "even"
    number = Number(float(won["cac"].max()), "money", n=int(ripe["won"].sum()))
    finding = state(report, group, "unit_months", "marketing", number, variant=differ, **values)
    bars = pd.DataFrame({
        "label": [report.words.month(name) for name in won.index], "value": won["cac"], "low": won["cac_low"],
        "high": won["cac_high"], "n": won["won"],
    })  # fmt: skip
    figure = Figure(
        charts.bars,
        bars.tail(SHOWN),
        phrase(report, group, "title"),
        phrase(report, group, "caption", age=age),
    )
    return View(finding=finding, figure=figure, table=shown)
