"""01: can this export be trusted, what did not make it, and for which decisions is it good."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state
from detente.schema import LossLog

GROUP = "health"


def verdict(report: Report, lost, effect: pd.DataFrame, decisions: dict) -> View:
    """For which decisions the export is good, how much of it was lost, how many leads are left out and why."""
    good = [name for name, item in decisions.items() if item.good]
    variant = "none" if not good else "partly" if len(good) < len(decisions) else "good"
    headline = phrase(report, GROUP, "title", variant, good=len(good), all=len(decisions), lost=lost.share)
    points = [
        phrase(
            report, GROUP, "point_lost", read=lost.read, lost=lost.lost, share=lost.share, files=lost.files
        ),
        phrase(report, GROUP, "point_counted", **_left_out(effect)),
    ]
    for name, chosen in (("good", True), ("bad", False)):
        names = _names(report, decisions, chosen)
        points += [phrase(report, GROUP, f"point_{name}", decisions=names)] if names else []
    return View(headline, points=points, tone={"none": "bad", "partly": "warn", "good": "good"}[variant])


def _names(report: Report, decisions: dict, good: bool) -> str:
    chosen = [name for name, item in decisions.items() if item.good is good]
    return ", ".join(phrase(report, f"{GROUP}.decisions", name) for name in chosen)


def _left_out(effect: pd.DataFrame) -> dict[str, int]:
    """Leads in the report, and how many tests and repeats are left out of it."""
    rows = effect.set_index("base")
    return {
        "counted": int(rows.loc["counted", "leads"]),
        "tests": int(rows.loc["with_tests", "added"]),
        "repeats": int(rows.loc["with_duplicates", "added"]),
    }


def tiles(report: Report, lost, effect: pd.DataFrame, ladder) -> list[Tile]:
    """Rows read, rows left out, leads in the report, level of digitisation."""
    words, left = report.words, _left_out(effect)
    every = int(effect.set_index("base").loc["all", "leads"])
    need = phrase(report, f"{GROUP}.level", f"need_{ladder.missing}") if ladder.missing else ""

    def of(part: int, whole: int) -> str:
        return phrase(report, GROUP, "tile_of", n=part, all=whole)

    labels = {name: phrase(report, GROUP, f"tile_{name}") for name in ("rows", "lost", "leads", "level")}
    return [
        Tile(labels["rows"], words.count(lost.read), base=phrase(report, GROUP, "tile_files", n=lost.files)),
        Tile(labels["lost"], words.percent(lost.share), base=of(lost.lost, lost.read)),
        Tile(labels["leads"], words.count(left["counted"]), base=phrase(report, GROUP, "tile_of_all", all=every)),
        Tile(
            labels["level"], ladder.level or "—",
            base=phrase(report, GROUP, "tile_next", need=need) if need else phrase(report, GROUP, "tile_top"),
        ),
    ]  # fmt: skip


def rows(report: Report, loss: LossLog, lost) -> View:
    """Rows and money of each file: read = kept + quarantined + dropped."""
    group = f"{GROUP}.rows"
    number = Number(lost.share, low=lost.low, high=lost.high, n=lost.read)
    finding = state(
        report, group, "lost_rows_share", "data", number, variant="" if lost.lost else "all", read=lost.read,
        kept=lost.kept, lost=lost.lost, quarantined=lost.quarantined, dropped=lost.dropped, share=lost.share,
    )  # fmt: skip
    frame = loss.frame()
    chart = frame.assign(label=frame["file"])
    figure = Figure(
        charts.waterfall,
        chart,
        title=phrase(report, group, "title"),
        caption=phrase(report, group, "caption"),
    )
    columns = _columns(
        report, file="file:text", read="read:count", kept="kept:count", quarantined="quarantined:count",
        dropped="dropped:count", amount_read="amount_read:money", amount_kept="amount_kept:money",
    )  # fmt: skip
    return View(
        finding=finding, figure=figure, table=Table("files", frame, columns, phrase(report, group, "table"))
    )


def _columns(report: Report, **spec: str) -> list[Column]:
    parts = ((key, *value.split(":")) for key, value in spec.items())
    return [Column(key, phrase(report, f"{GROUP}.columns", heading), kind) for key, heading, kind in parts]


def losses(report: Report, loss: LossLog) -> View:
    """Why rows were dropped, set aside, mended or marked, with their places in the files."""
    group, words = f"{GROUP}.losses", report.words
    frame = loss.reasons()
    if frame.empty:
        return View(finding=state(report, group, "loss_reasons", "data", variant="none"))
    frame = frame.sort_values(["rows"], ascending=False, kind="stable")
    frame = frame.assign(
        label=[_reason(report, code) for code in frame["reason"]],
        done=[words.t(f"loss.action_{code}") for code in frame["action"]],
        where=[", ".join(map(str, places)) for places in frame["places"]],
    )
    top = frame.iloc[0]
    number = Number(int(top["rows"]), "count", n=int(frame["rows"].sum()))
    finding = state(
        report, group, "loss_reasons", "data", number, reasons=frame["reason"].nunique(), top=top["label"],
        rows=top["rows"],
    )  # fmt: skip
    columns = _columns(report, label="reason:text", done="action:text", file="file:text", column="column:text",
                       rows="rows:count", amount="amount_read:money", where="places:text")  # fmt: skip
    return View(finding=finding, table=Table("losses", frame, columns, phrase(report, group, "table")))


def _reason(report: Report, code: str) -> str:
    """A reason in words; a code that the catalog does not know yet is shown, it must not stop a report."""
    return report.words.t(f"loss.{code}") if report.words.has(f"loss.{code}") else code


def effect(report: Report, bases: pd.DataFrame) -> View:
    """What the headline would be with tests and repeats left in."""
    group, left = f"{GROUP}.effect", _left_out(bases)
    rows = bases.set_index("base")
    counted, every = rows.loc["counted"], rows.loc["all"]
    variant = "none" if not left["tests"] + left["repeats"] else "" if counted["known"] else "unknown"
    change = float(every["change"]) if counted["known"] else math.nan
    finding = state(
        report, group, "counted_effect", "data", Number(change, "points", n=int(every["known"])), variant=variant,
        with_all=every["share"], known_all=every["known"], counted=counted["share"], known=counted["known"],
        tests=left["tests"], repeats=left["repeats"], days=report.audit.thresholds.duplicate_days,
        difference=abs(change),
    )  # fmt: skip
    chosen = rows.loc[["counted", "all"]]
    chosen = chosen.assign(
        label=[phrase(report, group, name) for name in chosen.index],
        interval=list(zip(chosen["low"], chosen["high"], strict=True)),
    )
    columns = _columns(report, label="set:text", leads="leads:count", known="known:count",
                       non_target="non_target:count", share="share:share",
                       interval="interval:percent_range")  # fmt: skip
    return View(finding=finding, table=Table("effect", chosen, columns, phrase(report, group, "table")))


def fill(report: Report, filled: pd.DataFrame) -> View:
    """How well the columns are filled in."""
    group = f"{GROUP}.fill"
    if not filled["leads"].any():
        return View(
            finding=state(
                report, f"{GROUP}.weeks", "fill_worst", "sales", variant="none", status="cannot_tell"
            )
        )
    frame = filled.assign(label=[report.column(name) for name in filled["column"]])
    some = frame[frame["filled"] > 0]
    worst = (some if len(some) else frame).iloc[0]
    number = Number(worst["share"], low=worst["low"], high=worst["high"], n=int(worst["leads"]))
    finding = state(
        report, group, "fill_worst", "sales", number, variant="" if worst["share"] < 1 else "full",
        column=worst["label"], filled=worst["filled"], leads=worst["leads"], share=worst["share"],
    )  # fmt: skip
    empty = ", ".join(frame.loc[frame["filled"] == 0, "label"])
    note = phrase(report, group, "note_empty", columns=empty) if empty and len(some) else ""
    chart = frame.assign(known=frame["leads"], named=frame.index == worst.name, enough=True)
    figure = Figure(
        charts.shares, chart, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    columns = _columns(
        report, label="column:text", filled="filled:count", leads="leads:count", share="share:percent"
    )
    return View(
        finding=finding,
        figure=figure,
        table=Table("fill", frame, columns, phrase(report, group, "table")),
        note=note,
    )


def weeks(report: Report, counted: pd.DataFrame) -> View:
    """Leads per week: a gap in the export shows as an empty week."""
    group, gaps = f"{GROUP}.weeks", int(counted["gap"].sum())
    if counted.empty:
        return View(finding=state(report, group, "empty_weeks", "data", variant="none", status="cannot_tell"))
    inner = counted[counted["whole"]] if counted["whole"].any() else counted
    number = Number(gaps, "count", n=len(counted))
    finding = state(
        report, group, "empty_weeks", "data", number, variant="gap" if gaps else "", gaps=gaps, weeks=len(counted),
        mean=inner["leads"].mean(), least=inner["leads"].min(), most=inner["leads"].max(),
    )  # fmt: skip
    figure = Figure(
        charts.weeks, counted, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    return View(finding=finding, figure=figure)


def level(report: Report, ladder) -> View:
    """Which level of digitisation is reached, and what the next one lacks."""
    group = f"{GROUP}.level"
    reached = ladder.level or "none"
    need = phrase(report, group, f"need_{ladder.missing}") if ladder.missing else ""
    number = Number(int(ladder.level[1:]) if ladder.level else math.nan, "count", n=len(ladder.steps))
    variant = "top" if not need else "" if ladder.level else "none"
    finding = state(
        report, group, "digitisation", "ceo", number, variant=variant, level_reached=ladder.level or "—",
        meaning=phrase(report, group, reached), need=need,
    )  # fmt: skip
    steps = ladder.steps
    frame = steps.assign(
        meaning=[phrase(report, group, name) for name in steps["level"]],
        need=[phrase(report, group, f"need_{name}") for name in steps["need"]],
        state=[phrase(report, group, "reached" if met else "not_reached") for met in steps["met"]],
    )
    columns = _columns(report, level="level:text", meaning="meaning:text", need="need:text", have="have:percent",
                       state="state:text")  # fmt: skip
    return View(finding=finding, table=Table("level", frame, columns, phrase(report, group, "table")))


def decisions(report: Report, found: dict) -> View:
    """For which decisions the data is good, and what the others lack."""
    group = f"{GROUP}.decisions"
    good = [name for name, item in found.items() if item.good]
    lists = {
        name: _names(report, found, chosen) for name, chosen in (("good_list", True), ("bad_list", False))
    }
    none = phrase(report, group, "empty")
    finding = state(
        report, group, "good_for", "ceo", Number(len(good), "count", n=len(found)), good=len(good), all=len(found),
        variant="all" if len(good) == len(found) else "",
        **{name: text or none for name, text in lists.items()},
    )  # fmt: skip
    frame = pd.DataFrame({
        "label": [phrase(report, group, name) for name in found],
        "verdict": [phrase(report, group, "yes" if item.good else "no") for item in found.values()],
        "why": [phrase(report, group, f"why_{item.reason}") for item in found.values()],
        "have": [item.have for item in found.values()],
        "need": [item.need for item in found.values()],
    })  # fmt: skip
    columns = _columns(report, label="decision:text", verdict="verdict:text", why="why:text", have="have:percent",
                       need="want:percent")  # fmt: skip
    return View(finding=finding, table=Table("decisions", frame, columns, phrase(report, group, "table")))
