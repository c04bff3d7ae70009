"""02: target, non-target, unknown: by which criterion, how early, and who disagrees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from detente.present import charts
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

if TYPE_CHECKING:
    from detente.audit import Label

GROUP = "qualification"


def verdict(report: Report, share, pairs: list, timing, court) -> View:
    """How many leads are ours, whether the departments agree, and what the facts say of rejected leads."""
    values = {name: getattr(share, name) for name in ("leads", "target", "non_target", "unknown")}
    headline = phrase(report, GROUP, "title", "" if share.known else "unknown", **values)
    points = [
        phrase(
            report, GROUP, "point_labels", _rules(report, pair), observed=pair.observed, n=pair.n,
            interval=(pair.observed_low, pair.observed_high), first=report.label(pair.first),
            second=report.label(pair.second),
        )
        for pair in pairs[:1] if pair.n
    ]  # fmt: skip
    if court is not None and court.rejected:
        counted = {"rejected": court.rejected, "contradicted": court.contradicted, "unproven": court.unproven}
        points.append(phrase(report, GROUP, "point_court", **counted))
    if timing is not None and timing.status == "ok" and timing.early + timing.at_close:
        known = timing.early + timing.at_close
        points.append(phrase(report, GROUP, "point_late", late=timing.late_share, n=known))
    return View(headline, points=points, tone="warn" if share.unknown > share.known else "plain")


def _rules(report: Report, pair) -> str:
    """The variant of words for a pair of rules that are not one of marketing and one of sales."""
    by = {label.id: label.by for label in report.audit.labels}
    return "" if {by.get(pair.first), by.get(pair.second)} == {"marketing", "sales"} else "rules"


def tiles(report: Report, share, pairs: list) -> list[Tile]:
    """Target, non-target, not judged, and how often the departments agree."""
    words = report.words
    found = [
        Tile(
            label=phrase(report, GROUP, f"tile_{name}"),
            value=words.percent(getattr(share, name) / share.leads if share.leads else None),
            base=phrase(report, GROUP, "tile_of", n=getattr(share, name), all=share.leads),
        )
        for name in ("target", "non_target", "unknown")
    ]  # fmt: skip
    for pair in pairs[:1]:
        interval = (pair.observed_low, pair.observed_high)
        found.append(
            Tile(
                label=phrase(report, GROUP, "tile_agree", _rules(report, pair)), value=words.percent(pair.observed),
                interval=phrase(report, GROUP, "tile_interval", interval=interval),
                base=phrase(report, GROUP, "tile_of", n=pair.both_target + pair.both_non_target, all=pair.n),
            )
        )  # fmt: skip
    return found


def total(report: Report, share, counts: pd.DataFrame) -> View:
    """How many leads could be judged at all; per channel as a picture."""
    group = f"{GROUP}.total"
    if not share.leads:
        none = {"variant": "none", "status": "cannot_tell"}
        return View(finding=state(report, "health.weeks", "unknown_share", "sales", **none))
    interval = (share.unknown_low, share.unknown_high)
    number = Number(share.unknown_share, low=share.unknown_low, high=share.unknown_high, n=share.leads)
    finding = state(
        report, group, "unknown_share", "sales", number, variant="" if report.audit.criteria else "unstated",
        share=share.unknown_share, interval=interval,
        target=share.target, non_target=share.non_target, unknown=share.unknown, known=share.known, leads=share.leads,
    )  # fmt: skip
    names = ["target", "non_target", "unknown"]
    rows = counts[["leads", *names]].sort_values("leads", ascending=False, kind="stable")
    rows = rows.assign(label=[report.words.group(name) for name in rows.index])
    whole = {"label": phrase(report, group, "all"), "leads": share.leads} | {
        n: getattr(share, n) for n in names
    }
    rows = pd.concat([rows, pd.DataFrame([whole])])
    figure = Figure(
        charts.stacked, rows, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    columns = _columns(report, label="channel:text", leads="leads:count", **{n: f"{n}:count" for n in names})
    table = Table(name="verdicts", frame=rows, columns=columns, caption=phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table)


def _columns(report: Report, **spec: str) -> list[Column]:
    """Columns from `key="heading:kind"`, the heading worded by the catalog."""
    parts = ((key, *value.split(":")) for key, value in spec.items())
    return [Column(key, phrase(report, f"{GROUP}.columns", heading), kind) for key, heading, kind in parts]


def criteria(report: Report, by_criterion: pd.DataFrame) -> View:
    """Which criterion rules out the most leads."""
    group = f"{GROUP}.criteria"
    if by_criterion.empty:
        finding = state(
            report, group, "criteria_missing", "ceo", variant="none", status="not_available", criterion=""
        )
        return View(finding=finding)
    rows = by_criterion.sort_values(["fails", "known"], ascending=False, kind="stable")
    rows = rows.assign(label=[report.criterion(name) for name in rows["criterion"]])
    top = rows.iloc[0]
    number = Number(top["share"], low=top["low"], high=top["high"], n=int(top["known"]))
    values = {name: top[name] for name in ("fails", "known", "share", "unknown", "only")}
    variant = "unknown" if not top["known"] else "" if top["fails"] else "clear"
    status = "ok" if top["known"] else "cannot_tell"
    finding = state(
        report, group, "criterion_first", "sales", number, variant=variant, status=status, criterion=top["label"],
        interval=(top["low"], top["high"]), **values,
    )  # fmt: skip
    least = report.audit.thresholds.min_group
    chart = rows.assign(named=rows.index == rows.index[0], enough=rows["known"] >= least)
    figure = Figure(
        charts.shares, chart, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    rows = rows.assign(interval=list(zip(rows["low"], rows["high"], strict=True)))
    columns = _columns(
        report, label="criterion:text", known="known:count", fails="fails:count", share="share:share",
        interval="interval:percent_range", unknown="unknown:count", only="only:count", first="first:count",
    )  # fmt: skip
    table = Table(name="criteria", frame=rows, columns=columns, caption=phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table)


def definitions(report: Report, rules: pd.DataFrame) -> View:
    """The same question under every rule the company uses."""
    group = f"{GROUP}.definitions"
    rows = rules[rules["known"] > 0].copy()
    if len(rows) < 2:
        return View(finding=missing(report, group, "definitions_spread", "ceo"))
    rows["label"] = [report.label(name) for name in rows["rule"]]
    least, most = rows.loc[rows["bound_low"].idxmin()], rows.loc[rows["bound_low"].idxmax()]
    spread = float(most["bound_low"] - least["bound_low"])
    same = spread < report.audit.thresholds.material
    finding = state(
        report, group, "definitions_spread", "ceo", Number(spread, "points", n=int(least["leads"])),
        variant="same" if same else "", least=least["bound_low"], most=most["bound_low"], leads=least["leads"],
        least_rule=least["label"], most_rule=most["label"], spread=spread,
    )  # fmt: skip
    chart = rows.assign(share=rows["bound_low"], low=math.nan, high=math.nan, known=rows["leads"])
    figure = Figure(
        charts.interval, chart, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    rows["bounds"] = list(zip(rows["bound_low"], rows["bound_high"], strict=True))
    rows["interval"] = list(zip(rows["low"], rows["high"], strict=True))
    columns = _columns(
        report, label="rule:text", leads="leads:count", known="known:count", non_target="non_target:count",
        bound_low="share_all:share", bounds="bounds:percent_range", share="share:share",
        interval="interval:percent_range",
    )  # fmt: skip
    table = Table(name="definitions", frame=rows, columns=columns, caption=phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table)


def agreement(report: Report, pairs: list) -> View:
    """Do two verdicts on the same leads agree, and which way do they lean?"""
    group = f"{GROUP}.agreement"
    known = [pair for pair in pairs if pair.n]
    if not known:
        return View(finding=missing(report, f"{GROUP}.definitions", "labels_agreement", "ceo"))
    pair = known[0]
    low, high = pair.observed_low, pair.observed_high
    first, second = report.label(pair.first), report.label(pair.second)
    leans = pair.direction if pair.p < 1 - report.level and pair.direction != "neither" else "none"
    direction = phrase(report, group, f"direction_{leans}", first=first, second=second, p=pair.p)
    finding = state(
        report, group, "labels_agreement", "ceo", Number(pair.observed, low=low, high=high, n=pair.n),
        variant=_rules(report, pair),
        first=first, second=second, observed=pair.observed, interval=(low, high), n=pair.n, kappa=pair.kappa,
        ac1=pair.ac1, b=pair.b, c=pair.c, direction=direction,
    )  # fmt: skip
    rows = pd.DataFrame([vars(item) for item in known])
    names = list(zip(rows["first"], rows["second"], strict=True))
    rows["label"] = [f"{report.label(one)} — {report.label(two)}" for one, two in names]
    columns = _columns(report, label="pair:text", n="n:count", observed="observed:percent", kappa="kappa:number",
                       ac1="ac1:number", b="only_first:count", c="only_second:count",
                       missing="missing:count")  # fmt: skip
    table = Table(name="agreement", frame=rows, columns=columns, caption=phrase(report, group, "table"))
    return View(finding=finding, table=table)


def accuracy(report: Report, labels: pd.DataFrame) -> list[Table]:
    """Each label with the criteria as the measure; nothing where there is no label."""
    if labels.empty:
        return []
    rows = labels.assign(
        label=[report.label(name) for name in labels["label"]],
        interval_hit=list(zip(labels["sensitivity_low"], labels["sensitivity_high"], strict=True)),
        interval_keep=list(zip(labels["specificity_low"], labels["specificity_high"], strict=True)),
    )
    columns = _columns(
        report, label="accuracy_of:text", sensitivity="sensitivity:percent", interval_hit="interval:percent_range",
        non_target="of_non_target:count", specificity="specificity:percent",
        interval_keep="interval:percent_range", target="of_target:count",
    )  # fmt: skip
    caption = phrase(report, f"{GROUP}.agreement", "table_accuracy")
    return [Table(name="accuracy", frame=rows, columns=columns, caption=caption)]


def dispute(report: Report, causes: pd.DataFrame, label: Label | None) -> View:
    """Which criterion stands behind the disagreement of one label with the criteria."""
    group = f"{GROUP}.dispute"
    if label is None or causes.empty:
        if label is None:
            return View(finding=missing(report, f"{GROUP}.definitions", "dispute_cause", "ceo"))
        none = {"variant": "none", "status": "not_available", "criterion": ""}
        return View(finding=state(report, f"{GROUP}.criteria", f"dispute_{label.id}", "ceo", **none))
    name, top = report.label(label.id), causes.iloc[0]
    disputed, clear = int(top["disputed"]), int(top["clear"])
    variant = "none" if not disputed else "clear" if clear > disputed / 2 else ""
    number = Number(clear if variant == "clear" else int(top["sole"]), "count", n=disputed)
    finding = state(
        report, group, f"dispute_{label.id}", "ceo", number, variant=variant, label=name, disputed=disputed,
        criterion=report.criterion(top["criterion"]), sole=top["sole"], clear=clear,
    )  # fmt: skip
    rows = causes.assign(label=[report.criterion(item) for item in causes["criterion"]])
    columns = _columns(report, label="criterion:text", fails="disputed_fails:count", sole="sole:count",
                       reconciled="reconciled:count")  # fmt: skip
    caption = phrase(report, group, "table", label=name)
    return View(
        finding=finding, table=Table(name=f"dispute_{label.id}", frame=rows, columns=columns, caption=caption)
    )


def moment(report: Report, known) -> View:
    """At which stage it becomes known that a lead is not ours."""
    group = f"{GROUP}.moment"
    if known.status != "ok" or not known.recorded:
        need = "history" if known.status == "no_stage_history" else "times"
        return View(finding=missing(report, group, "known_early", "sales", need=need))
    number = Number(known.share, low=known.low, high=known.high, n=known.recorded)
    values = {name: getattr(known, name) for name in ("recorded", "early", "unrecorded", "share")}
    finding = state(report, group, "known_early", "sales", number, interval=(known.low, known.high), **values)
    before = phrase(report, group, "before")
    rows = known.table.assign(
        label=[name if isinstance(name, str) else before for name in known.table["stage"]]
    )
    chart = rows.assign(known=known.recorded, named=False, enough=True)
    figure = Figure(
        charts.shares, chart, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    columns = _columns(report, label="stage:text", leads="leads:count", share="share:share")
    table = Table(name="known_stage", frame=rows, columns=columns, caption=phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table)


def timing(report: Report, when, label: Label | None) -> View:
    """Is the label set before the loss, or in hindsight?"""
    group = f"{GROUP}.timing"
    name = report.label(label.id) if label else phrase(report, f"{GROUP}.columns", "sales")
    if when is None or when.status != "ok" or not when.early + when.at_close:
        return View(finding=missing(report, group, "label_in_hindsight", "sales", label=name))
    known = when.early + when.at_close
    number = Number(when.late_share, low=when.late_low, high=when.late_high, n=known)
    variant = "late" if when.late_low > report.audit.thresholds.material else ""
    if not (when.early and when.at_close):
        variant = "only_late" if when.at_close else "only_early"
    finding = state(
        report, group, "label_in_hindsight", "sales", number, variant=variant, label=name, n=known,
        late=when.at_close, late_share=when.late_share, interval=(when.late_low, when.late_high),
        early_share=when.early_share, close_share=when.at_close_share, difference=when.difference,
        difference_interval=(when.low, when.high),
    )  # fmt: skip
    rows = pd.DataFrame({
        "label": [phrase(report, group, key) for key in ("early", "at_close", "untimed")],
        "leads": [when.early, when.at_close, when.untimed],
        "non_target": [when.early_non_target, when.at_close_non_target, None],
        "share": [when.early_share, when.at_close_share, None],
    })  # fmt: skip
    columns = _columns(
        report, label="when:text", leads="leads:count", non_target="non_target:count", share="share:share"
    )
    caption = phrase(report, group, "table", label=name)
    return View(
        finding=finding, table=Table(name="label_timing", frame=rows, columns=columns, caption=caption)
    )


def court(report: Report, rulings) -> View:
    """Rejected leads before the facts."""
    group = f"{GROUP}.court"
    if rulings is None:
        return View(finding=missing(report, group, "court", "sales"))
    if not rulings.rejected:
        return View(finding=state(report, group, "court", "sales", variant="none"))
    number = Number(rulings.share, low=rulings.low, high=rulings.high, n=rulings.rejected)
    names = ("rejected", "confirmed", "unproven", "contradicted", "share")
    values = {name: getattr(rulings, name) for name in names}
    finding = state(report, group, "court", "sales", number, interval=(rulings.low, rulings.high), **values)
    found = rulings.why[rulings.why["leads"] > 0]
    rows = found.assign(
        label=[phrase(report, group, f"why_{name}") for name in found["why"]],
        ruling=[phrase(report, group, name) for name in found["ruling"]],
    )
    limits = report.audit.thresholds
    caption = phrase(report, group, "caption", days=limits.later_purchase_days, seconds=limits.talk_seconds)
    columns = _columns(report, label="why:text", ruling="ruling:text", leads="leads:count")
    table = Table(name="court", frame=rows, columns=columns, caption=phrase(report, group, "table_why"))
    return View(finding=finding, table=table, note=caption)


def court_tables(report: Report, rulings) -> list[Table]:
    """The rulings by channel and by manager."""
    if rulings is None or not rulings.rejected:
        return []
    return [_court_by(report, rulings.channels, "channel"), _court_by(report, rulings.managers, "manager")]


def _court_by(report: Report, split: pd.DataFrame, by: str) -> Table:
    """The rulings per channel or per manager, as a table of counts: no one is ranked."""
    group = f"{GROUP}.court"
    name = report.words.manager if by == "manager" else report.words.group
    rows = split.sort_values("rejected", ascending=False, kind="stable")
    rows = rows.assign(label=[name(item) for item in rows.index])
    counts = {key: f"{key}:count" for key in ("rejected", "confirmed", "unproven", "contradicted")}
    columns = _columns(report, label=f"{by}:text", **counts)
    return Table(
        name=f"court_{by}", frame=rows, columns=columns, caption=phrase(report, group, f"table_{by}")
    )
