"""04: from stage to stage: where leads and money are lost, and how much of that is known by now."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from detente.present import charts
from detente.present.findings import Finding
from detente.present.numbers import FEW
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "stages"
HISTORY = (
    0.6  # the share of leads with a history from which stage to stage can be told, as in the ladder of 01
)


# --- the head of the page ---
def verdict(report: Report, steps: pd.DataFrame, total, gaps, mature, honest) -> View:
    """Where most is lost, how far lead to sale is known, and from when on a month may be judged."""
    top, money = _top(steps, "lost"), _top(steps, "amount_lost")
    known = seen(gaps) and top is not None and top["lost"] >= report.audit.thresholds.min_group
    variant = "none" if not total.lost else "unseen" if not known else "both"
    if known and money is not None and money["order"] != top["order"]:
        variant = "apart"
    values = {"stage": _name(top), "money_stage": _name(money), "lost": total.lost, "leads": total.leads}
    points = [*_loss_point(report, top, money, known), _sale_point(report, total, gaps, honest, mature)]
    points += [_ripe_point(report, mature)] if dated(report, total, gaps) else []
    return View(
        phrase(report, GROUP, "title", variant, **values), points=points, tone="warn" if known else "plain"
    )


def _top(steps: pd.DataFrame, by: str) -> pd.Series | None:
    """The stage with the most of something; None where there is none of it."""
    found = steps[steps[by] > 0]
    return None if found.empty else found.sort_values([by, "order"], ascending=[False, True]).iloc[0]


def _name(row: pd.Series | None) -> str:
    return "" if row is None else row["stage"]


def seen(gaps) -> bool:
    """Whether enough leads have a history to speak of stages."""
    return gaps.history > 0 and gaps.history >= HISTORY * gaps.leads


def dated(report: Report, total, gaps) -> bool:
    """Whether nearly all closed leads have a day of closing: else a share by age is off by those that have none."""
    most = report.audit.thresholds.material
    return gaps.undated_won <= most * total.won and gaps.undated_lost <= most * total.lost


def _loss_point(report: Report, top, money, known: bool) -> list[str]:
    if not known:
        return []
    values = {
        "stage": top["stage"], "lost": top["lost"], "share": top["lost_share"],
        "interval": (top["lost_share_low"], top["lost_share_high"]),
    }  # fmt: skip
    if money is None:
        return [phrase(report, GROUP, "point_lost", **values)]
    values |= {"amount": money["amount_lost"], "with_amount": money["with_amount_lost"]}
    if money["order"] == top["order"]:
        return [phrase(report, GROUP, "point_lost", "both", **values)]
    shown = values | {"stage": money["stage"], "lost": money["lost"]}
    return [phrase(report, GROUP, "point_lost", **values), phrase(report, GROUP, "point_money", **shown)]


def _sale_point(report: Report, total, gaps, honest, mature) -> str:
    variant = "few" if honest.status == "not_observed" or not total.won else ""
    variant = variant if dated(report, total, gaps) else "undated"
    return phrase(
        report, GROUP, "point_sale", variant, share=honest.share, interval=(honest.low, honest.high),
        age=mature.horizon, naive=total.naive, closed=total.closed, won=total.won, leads=total.leads,
        undated=gaps.undated_won + gaps.undated_lost,
    )  # fmt: skip


def _ripe_point(report: Report, mature) -> str:
    variant = "few" if not mature.reached else "" if mature.settled else "least"
    return phrase(report, GROUP, "point_ripe", variant, days=mature.days)


def ripening(report: Report, mature) -> str:
    """By which day a lead is ripe, or before which it is not."""
    return phrase(report, GROUP, "tile_days", "" if mature.settled else "least", days=mature.days)


def tiles(report: Report, total, gaps, mature, honest) -> list[Tile]:
    """Honest and plain conversion, the age of maturity, leads still open."""
    words, found = report.words, []
    known = dated(report, total, gaps)
    if known and honest.status != "not_observed":
        found.append(
            Tile(
                label=phrase(report, GROUP, "tile_honest", age=mature.horizon), value=words.percent(honest.share),
                interval=phrase(report, GROUP, "tile_interval", interval=(honest.low, honest.high)),
                base=phrase(report, GROUP, "tile_leads", leads=honest.leads),
            )
        )  # fmt: skip
    of = phrase(report, GROUP, "tile_of", n=total.won, all=total.leads)
    value = words.percent(total.naive) if total.leads >= FEW else words.count(total.won)
    found.append(Tile(label=phrase(report, GROUP, "tile_naive"), value=value, base=of))
    if known and mature.reached:
        base = phrase(report, GROUP, "tile_ripe_base", "" if mature.settled else "least")
        found.append(
            Tile(label=phrase(report, GROUP, "tile_ripe"), value=words.count(mature.days), base=base)
        )
    base = phrase(report, GROUP, "tile_open_money", amount=total.amount_open) if total.amount_open else ""
    return [*found, Tile(label=phrase(report, GROUP, "tile_open"), value=words.count(total.open), base=base)]


# --- how far the export sees ---
def level(report: Report, ladder) -> View:
    """Which level of the ladder of digitisation carries this page, and which column blocks the next."""
    group, words = f"{GROUP}.level", report.words
    need = words.t(f"health.level.need_{ladder.missing}") if ladder.missing else ""
    variant = "top" if not need else "" if ladder.level else "none"
    meaning = words.t(f"health.level.{ladder.level or 'none'}")
    following = words.t(f"health.level.{ladder.blocked_at}") if need else ""
    values = {"reached": ladder.level or "—", "meaning": meaning, "need": need, "following": following}
    return View(finding=state(report, group, "stage_level", "data", variant=variant, **values))


# --- stage to stage ---
def steps(report: Report, steps: pd.DataFrame, gaps, snapshot: pd.DataFrame) -> View:
    """The two numbers of each stage, leads and money; without history, where the open deals stand today."""
    group = f"{GROUP}.steps"
    if not seen(gaps):
        finding = missing(report, group, "stage_losses", "data", history=gaps.history, leads=gaps.leads)
        return View(finding=finding, table=_snapshot(report, snapshot))
    top, money, losses = _top(steps, "lost"), _top(steps, "amount_lost"), int(steps["lost"].sum())
    note = "" if not gaps.unknown_lost else phrase(
        report, group, "note_unknown", unknown=gaps.unknown_lost, lost=gaps.lost, amount=gaps.amount_unknown
    )  # fmt: skip
    finding = _losses(report, group, top, money, losses)
    figure = Figure(
        charts.steps, steps.assign(label=steps["stage"]), title=phrase(report, group, "title"),
        caption=phrase(report, group, "caption"),
    )  # fmt: skip
    return View(finding=finding, figure=figure, table=_steps_table(report, steps), note=note)


def _losses(report: Report, group: str, top, money, losses: int) -> Finding:
    """The stage that loses most leads, and the one that loses most money."""
    least = report.audit.thresholds.min_group
    if top is None or top["lost"] < least:
        variant, status = ("few", "cannot_tell") if losses else ("none", "ok")
        return state(
            report, group, "stage_losses", "ceo", variant=variant, status=status, losses=losses, need=least
        )
    low, high = top["lost_share_low"], top["lost_share_high"]
    variant = "count" if money is None else "" if money["order"] == top["order"] else "apart"
    values = {} if money is None else {
        "money_stage": money["stage"], "amount": money["amount_lost"], "money_lost": money["lost"],
        "with_amount": money["with_amount_lost"],
    }  # fmt: skip
    return state(
        report, group, "stage_losses", "ceo", Number(top["lost_share"], low=low, high=high, n=losses),
        variant=variant, stage=top["stage"], lost=top["lost"], losses=losses, share=top["lost_share"],
        interval=(low, high), **values,
    )  # fmt: skip


def columns_of(report: Report, **kinds: str) -> list[Column]:
    """Columns by key: "heading:kind", the heading by its catalog key."""
    found = []
    for key, spec in kinds.items():
        heading, kind = spec.split(":")
        found.append(Column(key, phrase(report, f"{GROUP}.columns", heading), kind))
    return found


def _steps_table(report: Report, steps: pd.DataFrame) -> Table:
    kinds = {"stage": "stage:text", "entered": "entered:count", "amount_entered": "amount_entered:money",
             "passed": "passed:count", "lost": "lost:count", "amount_lost": "amount_lost:money", "open": "open:count",
             "amount_open": "amount_open:money", "with_amount": "with_amount:count"}  # fmt: skip
    if not steps["with_amount"].sum():
        kinds = {key: kind for key, kind in kinds.items() if "amount" not in key}
    caption = phrase(report, f"{GROUP}.steps", "table")
    return Table(name="steps", frame=steps, columns=columns_of(report, **kinds), caption=caption)


def _snapshot(report: Report, snapshot: pd.DataFrame) -> Table:
    columns = columns_of(report, stage="stage:text", open="open:count", with_amount="with_amount:count",
                       amount="amount_open:money")  # fmt: skip
    caption = phrase(report, f"{GROUP}.steps", "table_snapshot")
    return Table(name="snapshot", frame=snapshot, columns=columns, caption=caption)


def passing(report: Report, steps: pd.DataFrame, shares: Mapping, gaps) -> View:
    """How many pass each stage: the two plain shares beside the one that allows for those still there.

    shares : per order of a stage, `incidence.at` its horizon.
    """
    group, least = f"{GROUP}.passing", report.audit.thresholds.min_group
    if not seen(gaps):
        return View(finding=missing(report, group, "stage_passing", "data"))
    frame = _with_honest(steps, shares, least)
    told = frame[frame["enough"]]
    if told.empty:
        few = state(report, group, "stage_passing", "sales", variant="few", status="cannot_tell", need=least)
        return View(finding=few, table=_passing_table(report, frame))
    gap = (told["naive"] - told["share"]).abs()
    far = told.loc[gap.idxmax()]
    variant = "close" if gap.max() < report.audit.thresholds.material - 1e-12 else ""
    number = Number(far["share"], low=far["low"], high=far["high"], n=int(far["known"]))
    finding = state(
        report, group, "stage_passing", "sales", number, variant=variant, stage=far["stage"], share=far["share"],
        interval=(far["low"], far["high"]), age=far["age"], known=far["known"], naive=far["naive"],
        closed=far["closed"], difference=gap.max(), material=report.audit.thresholds.material,
    )  # fmt: skip
    chart = frame[frame["share"].notna()].assign(label=lambda rows: rows["stage"])
    caption = phrase(report, group, "caption", min_group=least)
    figure = Figure(charts.shares, chart, title=phrase(report, group, "title"), caption=caption)
    return View(finding=finding, figure=figure, table=_passing_table(report, frame))


def _with_honest(steps: pd.DataFrame, shares: Mapping, least: int) -> pd.DataFrame:
    """Steps with the honest share of each stage, its interval, the day it holds for, and its base."""
    rows = [shares.get(order) for order in steps["order"]]
    frame = steps.copy()
    for name in ("share", "low", "high", "age"):
        frame[name] = [math.nan if row is None else getattr(row, name) for row in rows]
    frame["known"] = [0 if row is None else row.leads for row in rows]
    frame["enough"] = (frame["known"] >= least) & frame["share"].notna()
    return frame


def _passing_table(report: Report, frame: pd.DataFrame) -> Table:
    shown = frame.assign(known=frame["entered"], interval=list(zip(frame["low"], frame["high"], strict=True)))
    columns = columns_of(report, stage="stage:text", entered="entered:count", naive="naive:share",
                         closed="closed:share", share="honest:share", interval="interval:percent_range",
                         age="by_day:count")  # fmt: skip
    caption = phrase(report, f"{GROUP}.passing", "table")
    return Table(name="passing", frame=shown, columns=columns, caption=caption)


# --- lead to sale ---
def conversion(
    report: Report, total, curve: pd.DataFrame, mature, honest, single: pd.DataFrame, gaps
) -> View:
    """Lead to sale by age, and what three popular ways of counting would have said.

    single : `incidence.survival` of the same leads where lost ones count as open: the worst of the ways.
    """
    group = f"{GROUP}.conversion"
    note = _conversion_note(report, group, gaps)
    if not dated(report, total, gaps):
        values = {"undated": gaps.undated_won + gaps.undated_lost, "ended": total.won + total.lost,
                  "undated_won": gaps.undated_won, "won": total.won, "leads": total.leads,
                  "open": total.open}  # fmt: skip
        return View(finding=state(report, group, "conversion_honest", "data", variant="undated", status="cannot_tell",
                                  **values))  # fmt: skip
    if honest.status == "not_observed":
        variant = "nothing" if not total.leads - total.open else "few"
        values = {
            "leads": total.leads,
            "won": total.won,
            "open": total.open,
            "missing": max(int(mature.missing), 1),
        }
        few = state(
            report, group, "conversion_honest", "ceo", variant=variant, status="cannot_tell", **values
        )
        return View(finding=few, note=note)
    ways = _ways(report, group, total, mature, honest, single)
    number = Number(honest.share, low=honest.low, high=honest.high, n=honest.leads)
    finding = state(
        report, group, "conversion_honest", "ceo", number, variant="" if honest.share else "zero",
        share=honest.share, interval=(honest.low, honest.high), high=honest.high, age=mature.horizon,
        leads=honest.leads, open=total.open, naive=total.naive, closed=total.closed, single=ways["share"].iloc[2],
    )  # fmt: skip
    told = curve[curve.index <= mature.horizon]
    fates = pd.DataFrame({"won": told["f_1"], "lost": told["f_2"], "open": told["survival"], "low": told["low_1"],
                          "high": told["high_1"], "ripe": mature.days})  # fmt: skip
    figure = Figure(
        charts.fates, fates, title=phrase(report, group, "title"),
        caption=phrase(report, group, "caption", at_risk=mature.horizon_at_risk),
    )  # fmt: skip
    columns = columns_of(report, label="way:text", hits="won:count", trials="of:count", share="share:share",
                       interval="interval:percent_range", note="fault:text")  # fmt: skip
    table = Table(name="conversion", frame=ways, columns=columns, caption=phrase(report, group, "table"),
                  bold=ways["label"] == phrase(report, group, "way_honest"))  # fmt: skip
    note = " ".join(filter(None, (phrase(report, group, "note_ways"), note)))
    return View(finding=finding, figure=figure, table=table, note=note)


def _ways(report: Report, group: str, total, mature, honest, single: pd.DataFrame) -> pd.DataFrame:
    """The same leads counted in four ways, and what is wrong with three of them."""
    last = single[single.index <= mature.horizon].iloc[-1]
    rows = {
        "all": (total.won, total.leads, total.naive, total.naive_low, total.naive_high),
        "closed": (total.won, total.won + total.lost, total.closed, total.closed_low, total.closed_high),
        "single": (math.nan, math.nan, 1 - last["survival"], 1 - last["high"], 1 - last["low"]),
        "honest": (honest.events, honest.leads, honest.share, honest.low, honest.high),
    }
    frame = pd.DataFrame.from_dict(rows, "index", columns=["hits", "trials", "share", "low", "high"])
    return frame.assign(
        label=[phrase(report, group, f"way_{name}") for name in frame.index],
        note=[phrase(report, group, f"fault_{name}") for name in frame.index],
        interval=list(zip(frame["low"], frame["high"], strict=True)), known=frame["trials"].fillna(honest.leads),
    )  # fmt: skip


def _conversion_note(report: Report, group: str, gaps) -> str:
    """What the curve leaves out, and from which day on it can see."""
    lines, undated = [], gaps.undated_won + gaps.undated_lost
    if undated:
        lines.append(phrase(report, group, "note_undated", undated=undated, won=gaps.undated_won))
    if gaps.reversed:
        lines.append(phrase(report, group, "note_reversed", reversed=gaps.reversed))
    if gaps.late:
        lines.append(phrase(report, group, "note_late", day=gaps.first_close, leads=gaps.late_leads))
    return " ".join(lines)
