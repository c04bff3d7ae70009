"""06: how deals move: back, past stages, at the month's end; and where they stand without a next step."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_design import GROUP, table

FATES = ("legal", "earlier", "bare", "unclear")  # of returns out of the archive
SEEN = 0.005  # a smaller distortion of a conversion would print as nothing
HEAPS_SHOWN = 10  # the largest; the rest is no longer evidence but a log


def history(report: Report, back, skips, returned, month, heaps, lag) -> list[View]:
    """Moves back, stages passed over, the month's end; without a stage history, one card that says what to export."""
    if back is None:
        return [View(finding=missing(report, f"{GROUP}.history", "design_history", "data"))]
    return [backward(report, back, returned), skipped(report, skips), month_end(report, month, heaps, lag)]


def _stage(report: Report, order: int) -> str:
    return report.audit.funnel.stages[int(order) - 1].name


def _standing_out(managers: pd.DataFrame, worse: bool = True) -> pd.DataFrame:
    return (
        managers[managers["named"] & (managers["difference"] > 0)] if worse else managers[managers["named"]]
    )


def backward(report: Report, back, returned: pd.DataFrame) -> View:
    """How often deals go back, between which stages, and what that does to a conversion."""
    group = f"{GROUP}.backward"
    out = _standing_out(back.managers)
    variant = "none" if not back.deals else "named" if len(out) else ""
    values = {"deals": back.deals, "leads": back.leads, "share": back.share, "interval": (back.low, back.high),
              "moves": back.moves}  # fmt: skip
    if len(out):
        values |= _person(report, out, "back_deals", "deals")
    if back.moves:
        top = back.pairs.iloc[0]
        values |= {
            "origin": _stage(report, top["before"]),
            "target": _stage(report, top["order"]),
            "most": top["moves"],
        }
    finding = state(
        report, group, "design_backward", "sales", Number(back.share, "share", back.low, back.high, back.leads),
        variant=variant, **values,
    )  # fmt: skip
    if not back.deals:
        return View(finding=finding, note=_note(report, back, returned))
    figure = Figure(charts.heat, _pairs(report, back), title=phrase(report, group, "title"),
                    caption=phrase(report, group, "caption"))  # fmt: skip
    tables = [
        _managers(report, back.managers, "back_deals", "deals", group, "backward"),
        _conversion(report, back),
    ]
    return View(finding=finding, figure=figure, tables=tables, note=_note(report, back, returned))


def _person(report: Report, out: pd.DataFrame, hits: str, trials: str) -> dict:
    """What a sentence about one named manager needs."""
    own = out.iloc[0]
    return {
        "manager": report.words.manager(out.index[0]), "own": own["share"], "own_hits": own[hits],
        "own_trials": own[trials], "own_interval": (own["low"], own["high"]), "rest": own["rest_share"],
        "difference": own["difference"], "difference_interval": (own["diff_low"], own["diff_high"]),
        "compared": own["compared"],
    }  # fmt: skip


def _pairs(report: Report, back) -> pd.DataFrame:
    """Deals moved from a stage to each earlier one, of those that were in it."""
    stages = report.audit.funnel.stages
    known = back.conversion.set_index("order")["entered"]
    found = back.pairs.set_index(["before", "order"])["deals"]
    rows = []
    for origin in range(2, len(stages) + 1):
        for target in range(1, origin):
            fails, n = int(found.get((origin, target), 0)), int(known[origin])
            rows.append({"row": _stage(report, origin), "column": _stage(report, target), "fails": fails, "known": n,
                         "share": fails / n if n else math.nan,
                         "enough": n >= report.audit.thresholds.min_group})  # fmt: skip
    return pd.DataFrame(rows)


def _managers(report: Report, managers: pd.DataFrame, hits: str, trials: str, group: str, name: str) -> Table:
    """Managers with their deals, the share, and whether the difference is more than luck."""
    frame = managers.assign(
        manager=[report.words.manager(item) for item in managers.index], hits=managers[hits], known=managers[trials],
        interval=list(zip(managers["low"], managers["high"], strict=True)),
        verdict=[_said(report, row) for row in managers.itertuples()],
    )  # fmt: skip
    columns = [
        Column("manager", phrase(report, f"{GROUP}.columns", "manager"), "text"),
        Column("known", phrase(report, group, "known"), "count"),
        Column("hits", phrase(report, group, "hits"), "count"),
        Column("share", phrase(report, f"{GROUP}.columns", "share"), "share"),
        Column("interval", phrase(report, f"{GROUP}.columns", "interval"), "percent_range"),
        Column("verdict", phrase(report, f"{GROUP}.columns", "verdict"), "text"),
    ]
    caption = phrase(report, group, "table_managers")
    return Table(
        name=name,
        frame=frame,
        columns=columns,
        caption=caption,
        bold=managers["named"].reset_index(drop=True),
    )


def _said(report: Report, row) -> str:
    if not row.enough:
        return phrase(report, f"{GROUP}.columns", "small")
    if not row.named:
        return phrase(report, f"{GROUP}.columns", "like_others")
    return phrase(report, f"{GROUP}.columns", "above" if row.difference > 0 else "below")


def _conversion(report: Report, back) -> Table:
    """Conversion counted by entries beside conversion counted by deals."""
    frame = back.conversion.assign(stage=[_stage(report, order) for order in back.conversion["order"]])
    kinds = {"stage": "text", "entered": "count", "entries": "count", "passed": "count", "by_deal": "percent",
             "naive": "percent", "distortion": "points"}  # fmt: skip
    return table(report, "conversion", frame.assign(by_deal=frame["share"]), kinds, f"{GROUP}.conversion")


def _note(report: Report, back, returned: pd.DataFrame) -> str:
    """What every entry does to the worst hit conversion; and deals out of the archive, told apart from moves back."""
    group, row = f"{GROUP}.backward", returned.loc["returned"]
    hit = back.conversion.loc[back.conversion["distortion"].abs().nlargest(1).index]
    said = [
        phrase(report, group, "distortion", "up" if one.distortion > 0 else "", stage=_stage(report, one.order),
               difference=abs(one.distortion), naive=one.naive, share=one.share)
        for one in hit.itertuples() if abs(one.distortion) >= SEEN
    ]  # fmt: skip
    if not row["moves"]:
        return " ".join([*said, phrase(report, group, "returned_none")])
    parts = [phrase(report, group, name, n=int(row[name])) for name in FATES if row[name]]
    counts = {"moves": int(row["moves"]), "deals": int(row["deals"]), "parts": "; ".join(parts)}
    return " ".join([*said, phrase(report, group, "returned", **counts)])


def skipped(report: Report, skips) -> View:
    """Which stages deals pass over."""
    group = f"{GROUP}.skipped"
    out = _standing_out(skips.managers)
    rows = skips.stages[skips.stages["beyond"] > 0]
    variant = "few" if not skips.leads else "none" if not skips.deals else "named" if len(out) else ""
    values = {
        "deals": skips.deals,
        "leads": skips.leads,
        "share": skips.share,
        "interval": (skips.low, skips.high),
    }
    if skips.deals:
        top = rows.sort_values(["skipped", "order"], ascending=[False, True]).iloc[0]
        values |= {"stage": _stage(report, top["order"]), "most": top["skipped"], "beyond": top["beyond"]}
    if len(out):
        values |= _person(report, out, "skipped", "beyond")
    finding = state(
        report, group, "design_skipped", "sales", Number(skips.share, "share", skips.low, skips.high, skips.leads),
        variant=variant, status="ok" if skips.leads else "cannot_tell", **values,
    )  # fmt: skip
    if not skips.deals:
        return View(finding=finding)
    least = report.audit.thresholds.min_group
    frame = rows.assign(label=[_stage(report, order) for order in rows["order"]], known=rows["beyond"],
                        named=rows["order"] == top["order"], enough=rows["beyond"] >= least)  # fmt: skip
    figure = Figure(
        charts.shares, frame, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    return View(finding=finding, figure=figure,
                table=_managers(report, skips.managers, "skipped", "beyond", group, "skipped"))  # fmt: skip


def month_end(report: Report, month, heaps, lag: pd.DataFrame) -> View:
    """Do moves wait for the last days of a month, or happen many within minutes?"""
    group = f"{GROUP}.month_end"
    out = month.managers[month.managers["named"]] if len(month.managers) else month.managers
    variant = "few" if month.status != "ok" else "named" if len(out) else "heaped" if month.heaped else ""
    values = {"days": month.days, "last": month.last, "moves": month.moves, "share": month.share,
              "interval": (month.low, month.high), "expected": month.expected, "months": month.months,
              "above": month.above, "need": report.audit.thresholds.min_group}  # fmt: skip
    if len(out):
        own = out.iloc[0]
        values |= {"manager": report.words.manager(out.index[0]), "own": own["share"], "own_last": own["last"],
                   "own_moves": own["moves"], "own_interval": (own["low"], own["high"]),
                   "own_expected": own["expected"], "own_above": own["above"], "own_months": own["months"]}  # fmt: skip
    finding = state(
        report, group, "design_month_end", "sales", Number(month.share, "share", month.low, month.high, month.moves),
        variant=variant, status="ok" if month.status == "ok" else "cannot_tell", **values,
    )  # fmt: skip
    if not len(month.managers):
        return View(finding=finding)
    frame = month.managers.assign(
        label=[report.words.manager(name) for name in month.managers.index], known=month.managers["moves"],
        whole=month.expected,
    )  # fmt: skip
    figure = Figure(charts.shares, frame, title=phrase(report, group, "title", days=month.days),
                    caption=phrase(report, group, "caption"))  # fmt: skip
    tables = [part for part in (_heaps(report, heaps), _lag(report, lag)) if part is not None]
    return View(finding=finding, figure=figure, tables=tables, note=_heap_note(report, heaps))


def _heap_note(report: Report, heaps) -> str:
    if heaps.status != "ok":
        return phrase(report, f"{GROUP}.heaps", "no_clock")
    key = "some" if heaps.heaped else "none"
    return phrase(
        report, f"{GROUP}.heaps", key, heaped=heaps.heaped, moves=heaps.moves, heaps=len(heaps.heaps)
    )


def _heaps(report: Report, heaps) -> Table | None:
    if not len(heaps.heaps):
        return None
    frame = heaps.heaps.head(HEAPS_SHOWN).assign(
        manager=lambda rows: [report.words.manager(name) for name in rows["manager"]],
        when=lambda rows: [f"{report.words.date(at)} {at:%H:%M}" for at in rows["started"]],
    )
    kinds = {"manager": "text", "when": "text", "minutes": "number", "deals": "count"}
    return table(report, "heaps", frame, kinds, f"{GROUP}.heaps")


def _lag(report: Report, lag: pd.DataFrame) -> Table | None:
    if lag.empty:
        return None
    frame = lag.assign(stage=[_stage(report, order) for order in lag["order"]], known=lag["timed"])
    kinds = {"stage": "text", "timed": "count", "early": "count", "share": "share", "same_day": "count",
             "late": "count", "median": "number"}  # fmt: skip
    return table(report, "lag", frame, kinds, f"{GROUP}.lag")


def standing(report: Report, found, stages: pd.DataFrame) -> list[View]:
    """Open deals with nothing planned, and those that have been silent for longer than usual.

    stages : the stages of `found`, each held against all others by its deals without a task.
    """
    group, days = f"{GROUP}.standing", found.quiet_days
    if found.status == "no_tasks":
        return []  # one line of the list of what cannot be seen
    values = {"open": found.open, "no_task": found.no_task, "overdue": found.overdue, "live": found.live,
              "share": found.share, "interval": (found.low, found.high), "quiet": found.quiet, "money": found.money,
              "half": found.quiet_half, "double": found.quiet_double, "days": days}  # fmt: skip
    variant = "none" if not found.open else "no_quiet" if found.status == "no_quiet" else ""
    store = stages[stages["named"] & (stages["difference"] > 0) & (stages["order"] > 0)]
    if not variant and len(store):
        own = store.sort_values(["difference", "order"], ascending=[False, True], kind="stable").iloc[0]
        variant = "pocket"
        values |= {"stage": _stage(report, own["order"]), "there": own["open"], "bare": own["no_task"],
                   "own": own["share"], "rest": own["rest_share"]}  # fmt: skip
    if not variant and not found.quiet:
        variant = "moving" if found.no_task else "all"
    finding = state(
        report, group, "design_standing", "sales", Number(found.share, "share", found.low, found.high, found.open),
        variant=variant, status="ok" if found.open else "cannot_tell", **values,
    )  # fmt: skip
    if not found.open:
        return [View(finding=finding)]
    rows = found.stages.assign(stage=[
        _stage(report, order) if order else report.words.t("common.not_stated") for order in found.stages["order"]
    ])  # fmt: skip
    kinds = {"stage": "text", "open": "count", "live": "count", "overdue": "count", "no_task": "count"}
    if found.status == "ok":
        kinds |= {"quiet_half": "count", "quiet": "count", "quiet_double": "count", "money": "money"}
    shown = table(report, "standing", rows, kinds, group, days=days, half=days / 2, twice=days * 2)
    return [View(finding=finding, table=shown, note=_beside(report, found, group, variant))]


def _beside(report: Report, found, group: str, variant: str) -> str:
    """Where most deals without a task stand, and the silent ones that are at work all the same."""
    top = found.stages.sort_values(["no_task", "order"], ascending=[False, True], kind="stable").iloc[0]
    said = []
    if top["order"] and top["no_task"] and variant != "pocket":
        most = {"stage": _stage(report, top["order"]), "most": top["no_task"], "there": top["open"]}
        said.append(phrase(report, group, "most", **most))
    if found.excused:
        said.append(phrase(report, group, "excused", excused=found.excused, days=found.quiet_days))
    return " ".join(said)
