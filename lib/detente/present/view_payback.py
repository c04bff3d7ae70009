"""12: how revenue ripens with the age of inquiries, and in which month each month's advertising has paid back."""

from __future__ import annotations

import pandas as pd

from detente.present import charts_money
from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state
from detente.present.view_romi import GROUP, columns, spans, taken_off, tax, told


def ripe(report: Report, money, ripening, months: pd.DataFrame) -> View:
    """Revenue in hand and ripened, by the month of the inquiry. months : `romi.by_month`."""
    if not told(money):
        return View()
    group, least = f"{GROUP}.ripe", report.audit.thresholds.ripe_share
    young = [report.words.month(name) for name in months.index[months["status"] == "refused"]]
    values = {
        "total": ripening.total, "ripened": ripening.ripened, "interval": (ripening.low, ripening.high),
        "refused": ripening.refused, "all": len(months), "months": ", ".join(young), "least": least,
        "final": ripening.final + 1, "first": ripening.growth["share"].iloc[0],
        "off": taken_off(report, money), **tax(report, money),
    }  # fmt: skip
    reach = (ripening.reach(least) or 0) + 1
    values["later"] = phrase(report, group, "later", least=least, reach=reach) if reach > 1 else ""
    known = ripening.status == "ok" and ripening.refused < len(months)
    variant = ("young" if young else "full") if known else "few"
    number = Number(ripening.ripened, "money", ripening.low, ripening.high, int(months["leads"].sum()))
    finding = state(
        report, group, "romi_ripe", "ceo", number if known else None, variant=variant,
        status="ok" if known else "cannot_tell", **values,
    )  # fmt: skip
    rows = months.assign(
        label=months.index, costs=months["spend"], result=months["left"], ripe=months["status"] != "refused",
        interval=spans(months["low"], months["high"]),
        standing=[phrase(report, f"{group}.standing", name) for name in months["status"]],
    )  # fmt: skip
    caption = phrase(report, group, "caption" if known else "caption_few", **values)
    figure = Figure(charts_money.months, rows, phrase(report, group, "title"), caption)
    kinds = {"label": "month", "standing": "text", "spend": "money", "total": "money", "romi_now": "percent",
             "ripened": "money", "romi_ripened": "percent", "interval": "money_range"}  # fmt: skip
    more = columns(report, group, {"share": "percent"})
    table = Table(
        "ripening", rows, columns(report, group, kinds), phrase(report, group, "table", **values), more=more
    )
    return View(finding=finding, figure=figure, table=table)


def payback(report: Report, money, table: pd.DataFrame, triangle: pd.DataFrame) -> View:
    """The month in which each month's advertising was covered; no average, since some have none yet.

    table : `romi.payback`; triangle : what it was told from, with the share of the spend that has come back.
    """
    if not told(money):
        return View()
    group = f"{GROUP}.payback"
    watched = table[table["status"].isin(["paid_back", "not_yet"])]
    back, not_yet = (watched[watched["status"] == name] for name in ("paid_back", "not_yet"))
    values = {
        "back": len(back), "all": len(watched), "open": len(not_yet), "fastest": back["month"].min(),
        "slowest": back["month"].max(), "watched": not_yet["watched"].max(), "first": _month(report, back),
        "oldest": _month(report, not_yet), "off": taken_off(report, money), **tax(report, money),
    }  # fmt: skip
    variant = _variant(money, back, not_yet, len(watched))
    status = "ok" if variant in ("", "all", "none") else "cannot_tell"
    number = Number(len(back), "count", n=len(watched)) if status == "ok" else None
    finding = state(report, group, "romi_payback", "ceo", number, variant=variant, status=status, **values)
    if not len(watched):
        return View(finding=finding)
    rows = table.assign(
        label=table.index,
        standing=[phrase(report, f"{group}.standing", row.status, month=row.month, watched=row.watched)
                  for row in table.itertuples()],
    )  # fmt: skip
    kinds = {"label": "month", "standing": "text", "spend": "money", "total": "money", "share": "percent"}
    caption = phrase(report, group, "table", money.counts, **values)
    shown = Table("payback", rows, columns(report, group, kinds, money.counts), caption)
    return View(finding=finding, figure=_picture(report, group, money, triangle), table=shown)


def _variant(money, back: pd.DataFrame, not_yet: pd.DataFrame, watched: int) -> str:
    if not watched:
        return "few"
    if not money.costed:
        return "bare"
    return "all" if not_yet.empty else "none" if back.empty else ""


def _month(report: Report, rows: pd.DataFrame) -> str:
    """The month that was fastest, or that has been watched longest."""
    if rows.empty:
        return ""
    fast = rows.sort_values(["month", "watched"], ascending=[True, False], kind="stable")
    return report.words.month(fast.index[0])


def _picture(report: Report, group: str, money, triangle: pd.DataFrame) -> Figure:
    least = report.audit.thresholds.min_group
    cells = triangle[triangle["back"].notna()]
    frame = cells.assign(
        row=cells["cohort"], n=cells["leads"], column=cells["age"] + 1, value=cells["back"], kind="percent",
        axis=phrase(report, group, "axis"),
        enough=cells["leads"] >= least,
    )  # fmt: skip
    caption = phrase(report, group, "caption", money.counts, least=least)
    return Figure(charts_money.triangle, frame, phrase(report, group, "title", money.counts), caption)
