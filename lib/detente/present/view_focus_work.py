"""10, continued: whom the work is done for first, who is called first, and what the declared experiments take."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.pieces import Figure
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_focus import GROUP, KINDS, LEAST, order_values, quoted, table


def order(report: Report, profile, ordered) -> View:
    """Whom the work is done for first, and who brings most."""
    if profile.status != "ok" or ordered.status != "ok":
        return View()
    values = order_values(report, ordered)
    first = int(ordered.rows["effort_rank"].iloc[0]) == 1
    variant = "reversed" if ordered.ahead else "same" if first else "near"
    if variant != "reversed" and ordered.rho < 0 and ordered.p < 1 - report.level:
        variant = "turned"
    number = Number(float(ordered.rows["effort_rank"].iloc[0]), "count", n=len(ordered.rows))
    found = state(report, f"{GROUP}.order", "focus_order", "sales", number, variant=variant, **values)
    rows = ordered.rows.assign(label=[report.words.group(name) for name in ordered.rows.index])
    kinds = {
        "label": "text",
        "money": "percent",
        "money_rank": "count",
        "effort": "percent",
        "effort_rank": "count",
    }
    kinds |= {"touch_rank": "count"} if rows["touch_rank"].notna().any() else {}
    note = ""
    if not math.isnan(ordered.rho):
        note = phrase(report, f"{GROUP}.order", "note", rho=ordered.rho, p=ordered.p, n=len(rows))
    caption = phrase(report, f"{GROUP}.order", "table", by=phrase(report, f"{GROUP}.by", ordered.effort))
    return View(finding=found, table=table(report, "order", rows, kinds, caption), note=note)


def response(report: Report, profile, found, hour, day) -> View:
    """How soon each segment is called, the one that brings most against the others."""
    group = f"{GROUP}.response"
    if profile.status != "ok":
        return View()
    if found.status != "ok":
        return View(finding=missing(report, group, "focus_response", "data", need=f"need_{found.status}"))
    least = report.audit.thresholds.min_group
    rows = found.table.assign(
        label=[report.words.group(name) for name in found.table.index],
        interval=list(zip(found.table["hour_low"], found.table["hour_high"], strict=True)),
    )
    return View(
        finding=_response(report, group, found, hour, day), figure=_hours(report, group, rows, hour),
        table=_calls(report, group, rows, least),
    )  # fmt: skip


def _hours(report: Report, group: str, rows: pd.DataFrame, hour) -> Figure:
    """The share called within an hour, the soonest first."""
    names = {"hour_share": "share", "hour_low": "low", "hour_high": "high", "judged": "known"}
    bars = rows[rows["judged"] > 0].rename(columns=names)
    named = (bars.index == hour.segment) & hour.differs
    bars = bars.assign(named=named, enough=bars["known"] >= report.audit.thresholds.min_group)
    bars = bars.sort_values("share", ascending=False, kind="stable")
    return Figure(charts.shares, bars, phrase(report, group, "title"), phrase(report, group, "caption"))


def _calls(report: Report, group: str, rows: pd.DataFrame, least: int):
    """Of fewer than LEAST leads only counts are told."""
    few = rows["judged"] < LEAST
    rows = rows.assign(
        interval=rows["interval"].mask(few, (math.nan, math.nan)) if few.any() else rows["interval"]
    )
    rows[["hour_share", "day_share"]] = rows[["hour_share", "day_share"]].mask(few)
    kinds = {"label": "text", "judged": "count", "hour_share": "percent", "interval": "percent_range",
             "day_share": "percent", "median": "hours", "never": "count"}  # fmt: skip
    kinds |= {name: "count" for name in ("young", "undated") if rows[name].sum()}
    return table(report, "response", rows, kinds, phrase(report, group, "table", least=least))


def _response(report: Report, group: str, found, hour, day):
    variant = "cannot" if hour.status != "ok" else "same"
    if hour.differs or day.differs:
        worse = (hour.difference if hour.differs else day.difference) < 0
        variant = "slower" if worse else "faster"
        if hour.differs and day.differs and (hour.difference < 0) != (day.difference < 0):
            variant = "mixed"
    median = found.medians.get(hour.segment, math.nan)
    values = {
        "top": quoted(report, hour.segment), "share": hour.share, "rest": hour.rest, "hits": hour.hits,
        "judged": hour.judged, "interval": found_interval(found, hour.segment), "difference": abs(hour.difference),
        "day": day.share, "rest_day": day.rest, "median": median, "others": hour.rest_judged,
        "between": tuple(sorted((abs(hour.low), abs(hour.high)))), "least": report.audit.thresholds.min_group,
    }  # fmt: skip
    number = Number(hour.difference, "points", hour.low, hour.high, hour.judged)
    status = "ok" if hour.status == "ok" else "cannot_tell"
    return state(report, group, "focus_response", "sales", number, variant=variant, status=status, **values)


def found_interval(found, segment: str) -> tuple[float, float]:
    """The interval of the share of this segment that is called within an hour."""
    if segment not in found.table.index:
        return math.nan, math.nan
    row = found.table.loc[segment]
    return float(row["hour_low"]), float(row["hour_high"])


def experiments(report: Report, taken: pd.DataFrame, conversion) -> View:
    """What the declared experiments took and brought, and whether the base sold worse beside them."""
    group = f"{GROUP}.experiments"
    if taken.empty:
        return View()
    names = "; ".join(_experiment(report, group, name, row) for name, row in taken.iterrows())
    variant = {"ok": "same", "cannot_tell": "cannot", "none": "cannot"}[conversion.status]
    if conversion.differs:
        variant = "worse" if conversion.difference < 0 else "better"
    values = {
        "names": names, "began": conversion.began, "before": conversion.before, "since": conversion.since,
        "before_share": conversion.before_won / max(conversion.before, 1),
        "since_share": conversion.since_won / max(conversion.since, 1),
        "difference": abs(conversion.difference), "least": report.audit.thresholds.min_group,
        "leads": float(taken["leads_share"].sum()),
    }  # fmt: skip
    base = phrase(report, group, "base", variant, **values)
    leads = int(taken["leads"].sum())
    number = Number(values["leads"], "share", n=round(leads / values["leads"]) if leads else 0)
    found = state(report, group, "focus_experiments", "ceo", number, variant=variant, base=base, **values)
    rows = taken.assign(trial=[str(name) for name in taken.index])
    kinds = {"trial": "text", "leads": "count", "leads_share": "percent", "minutes_share": "percent"}
    kinds |= {"tasks_share": "percent", **{name: KINDS[name] for name in ("spend", "revenue", "margin")}}
    kinds = {name: kind for name, kind in kinds.items() if name in rows}
    return View(
        finding=found, table=table(report, "experiments", rows, kinds, phrase(report, group, "table"))
    )


def _experiment(report: Report, group: str, name: str, row: pd.Series) -> str:
    told = [phrase(report, group, "took_leads", n=int(row["leads"]), share=row["leads_share"])]
    for key in ("spend", "minutes", "revenue"):
        if key in row and row[f"{key}_share"] == row[f"{key}_share"]:
            variant = "" if row[key] else "none"
            told.append(
                phrase(report, group, f"took_{key}", variant, value=row[key], share=row[f"{key}_share"])
            )
    return f"{report.words.t('common.quoted', name=name)} — {', '.join(told)}"
