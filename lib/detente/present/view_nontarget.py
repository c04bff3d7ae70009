"""03: which channels bring leads that are not ours, by which criterion, and what they cost."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.findings import Finding
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "nontarget"


def verdict(
    report: Report, share, shares: pd.DataFrame, rest: pd.DataFrame, criteria: pd.DataFrame, money
) -> View:
    """The first thing a CEO reads: the share, the channel that stands out, the criterion, the money."""
    worst = _named(rest, worse=True)
    name = report.words.group(worst.index[0]) if len(worst) else ""
    variant = "unknown" if not share.known else "named" if name else "even"
    headline = phrase(report, GROUP, "title", variant, share=share.share, channel=name)
    if not share.known:
        return View(headline, points=[total(report, share).finding.fact], tone="warn")
    channel = _channel_point(report, shares, rest, worst)
    criterion = _criterion_point(report, criteria)
    points = [_total_point(report, share), channel, *criterion, _cost_point(report, money)]
    return View(headline, points=points, tone="warn" if name else "plain")


def _named(rest: pd.DataFrame, worse: bool) -> pd.DataFrame:
    """Groups the report may name on one side; first the one whose difference is the most leads, not the loudest."""
    side = rest["difference"] > 0 if worse else rest["difference"] < 0
    found = rest[rest["named"] & side & rest.index.notna()]
    return found.sort_values("excess", ascending=not worse, kind="stable")


def _compared(rest: pd.DataFrame) -> int:
    return 0 if rest.empty else int(rest["compared"].max())


def _total_point(report: Report, share) -> str:
    return phrase(
        report, GROUP, "point_total", "" if share.unknown else "full", share=share.share,
        non_target=share.non_target, known=share.known,
        unknown=share.unknown, interval=(share.low, share.high), bounds=(share.bound_low, share.bound_high),
    )  # fmt: skip


def _channel_point(report: Report, shares: pd.DataFrame, rest: pd.DataFrame, worst: pd.DataFrame) -> str:
    if worst.empty:
        compared = _compared(rest)
        return phrase(report, GROUP, "point_even", "" if compared else "few", compared=compared)
    return phrase(report, GROUP, "point_channel", **_group_values(report, shares, rest, worst.index[0]))


def _group_values(report: Report, shares: pd.DataFrame, rest: pd.DataFrame, name: str) -> dict:
    """What a sentence about one named group needs: its own share with interval, and the rest."""
    own, other = shares.loc[name], rest.loc[name]
    worse = [
        report.words.t("common.quoted", name=report.words.group(item))
        for item in _named(rest, worse=True).index
    ]
    return {
        "channel": report.words.group(name), "campaign": report.words.group(name), "share": own["share"],
        "interval": (own["low"], own["high"]), "non_target": own["non_target"], "known": own["known"],
        "difference": abs(other["difference"]), "compared": _compared(rest),
        "difference_interval": tuple(sorted((abs(other["low"]), abs(other["high"])))),
        "channels": ", ".join(worse), "others": ", ".join(worse[1:]),
    }  # fmt: skip


def _criterion_point(report: Report, criteria: pd.DataFrame) -> list[str]:
    top = _top_criterion(criteria)
    if top is None:
        return []
    name = report.criterion(top["criterion"])
    return [phrase(report, GROUP, "point_criterion", criterion=name, fails=top["fails"], known=top["known"])]


def _top_criterion(criteria: pd.DataFrame) -> pd.Series | None:
    found = criteria[criteria["fails"] > 0]
    return None if found.empty else found.sort_values("fails", ascending=False, kind="stable").iloc[0]


def _cost_point(report: Report, money) -> str:
    if money is None:
        return phrase(report, GROUP, "point_no_cost")
    if math.isnan(money.total):
        return phrase(report, GROUP, "point_no_cost", "untied", spend=money.spend)
    values = {"wasted": money.total, "spend": money.assigned, "interval": (money.low, money.high)}
    return phrase(report, GROUP, "point_cost", **values)


def tiles(report: Report, share, money) -> list[Tile]:
    """Share of non-target leads, unjudged leads, money on non-target leads."""
    words = report.words
    found = [
        Tile(
            label=phrase(report, GROUP, "tile_share"), value=words.percent(share.share),
            interval=phrase(report, GROUP, "tile_interval", interval=(share.low, share.high)) if share.known else "",
            base=phrase(report, GROUP, "tile_leads", known=share.known, leads=share.leads),
        ),
        Tile(
            label=phrase(report, GROUP, "tile_unknown"), value=words.percent(share.unknown_share),
            base=phrase(report, GROUP, "tile_of", n=share.unknown, all=share.leads),
        ),
    ]  # fmt: skip
    if money is None or math.isnan(money.total):
        return found
    interval = phrase(report, GROUP, "tile_money_interval", interval=(money.low, money.high))
    base = phrase(report, GROUP, "tile_of_money", spend=money.assigned)
    label = phrase(report, GROUP, "tile_wasted")
    return [*found, Tile(label=label, value=words.money(money.total), interval=interval, base=base)]


def total(report: Report, share) -> View:
    """How many leads are not ours, with the unjudged ones counted both ways."""
    group = f"{GROUP}.total"
    number = Number(share.share, low=share.low, high=share.high, n=share.known)
    variant = "none" if not share.known else "" if share.unknown else "full"
    finding = state(
        report, group, "non_target_share", "marketing", number, variant=variant,
        status="ok" if share.known else "cannot_tell", share=share.share, interval=(share.low, share.high),
        non_target=share.non_target, known=share.known, unknown=share.unknown, leads=share.leads,
        low_bound=share.bound_low, high_bound=share.bound_high,
    )  # fmt: skip
    if not share.known:
        return View(finding=finding)
    label = phrase(report, group, "known")
    row = {"label": label, "share": share.share, "low": share.low, "high": share.high, "known": share.known,
           "bound_low": share.bound_low, "bound_high": share.bound_high}  # fmt: skip
    caption = phrase(report, group, "caption")
    figure = Figure(
        charts.interval, pd.DataFrame([row]), title=phrase(report, group, "title"), caption=caption
    )
    return View(finding=finding, figure=figure)


def channels(report: Report, shares: pd.DataFrame, rest: pd.DataFrame, test) -> View:
    """Which channels differ from all others together; none is named before the homogeneity test says they differ."""
    group, least = f"{GROUP}.channels", report.audit.thresholds.min_group
    worst, best = _named(rest, worse=True), _named(rest, worse=False)
    finding = _compare(report, group, "non_target_channels", shares, rest, test)
    if not shares["known"].sum():
        return View(finding=finding)
    rows = _rows(report, shares, rest)
    accent = worst.index if len(worst) else best.index[:1]
    chart = rows.assign(named=rows.index.isin(accent))
    figure = Figure(
        charts.shares, chart, title=phrase(report, group, "title"),
        caption=phrase(report, group, "caption", min_group=least),
    )  # fmt: skip
    return View(finding=finding, figure=figure, table=_table(report, rows, "channel", "channels", group))


def campaigns(report: Report, shares: pd.DataFrame, rest: pd.DataFrame, test) -> View:
    """The same for campaigns: a table only, there are many."""
    group = f"{GROUP}.campaigns"
    finding = _compare(report, group, "non_target_campaigns", shares, rest, test)
    if not shares["known"].sum():
        return View(finding=finding)
    rows = _rows(report, shares, rest)
    return View(finding=finding, table=_table(report, rows, "campaign", "campaigns", group))


def _compare(
    report: Report, group: str, ident: str, shares: pd.DataFrame, rest: pd.DataFrame, test
) -> Finding:
    """Name the group that differs from the rest, or say that none can be named."""
    least = report.audit.thresholds.min_group
    worst, best = _named(rest, worse=True), _named(rest, worse=False)
    if (rest["known"] >= least).sum() < 2:
        return state(report, group, ident, "marketing", variant="few", status="cannot_tell", need=least)
    if worst.empty and best.empty:
        compared = {"compared": _compared(rest), "p": test.p}
        differ = "unclear" if test.p < 1 - report.level else "even"
        return state(report, group, ident, "marketing", variant=differ, status="cannot_tell", **compared)
    name = (worst if len(worst) else best).index[0]
    variant = "several" if len(worst) > 1 else "named" if len(worst) else "better"
    own = shares.loc[name]
    number = Number(own["share"], low=own["low"], high=own["high"], n=int(own["known"]))
    return state(
        report,
        group,
        ident,
        "marketing",
        number,
        variant=variant,
        **_group_values(report, shares, rest, name),
    )


def _rows(report: Report, shares: pd.DataFrame, rest: pd.DataFrame) -> pd.DataFrame:
    """Shares with the comparison to the rest beside them and a worded verdict per group."""
    rows = shares.join(rest[["difference", "named"]].rename(columns={"named": "may_name"}))
    least = report.audit.thresholds.min_group
    rows = rows.assign(enough=rows["known"] >= least)
    rows = rows.sort_values(["enough", "share", "known"], ascending=False, kind="stable", na_position="last")
    verdicts = [phrase(report, f"{GROUP}.columns", _side(row, least)) for row in rows.itertuples()]
    return rows.assign(label=[report.words.group(name) for name in rows.index], verdict=verdicts)


def _side(row, least: int) -> str:
    """The verdict on one group. Leads whose group is not stated are no group to praise or to blame."""
    if row.known < least:
        return "small"
    if not row.may_name or pd.isna(row.may_name) or pd.isna(row.Index):
        return "not_named"
    return "named_worse" if row.difference > 0 else "named_better"


def _table(report: Report, rows: pd.DataFrame, by: str, name: str, group: str) -> Table:
    def column(key: str, kind: str) -> Column:
        return Column(key, phrase(report, f"{GROUP}.columns", by if key == "label" else key), kind)

    columns = [
        column("label", "text"), column("leads", "count"), column("known", "count"), column("non_target", "count"),
        column("share", "share"), column("interval", "percent_range"), column("shrunk", "percent"),
        column("rest", "points"), column("verdict", "text"),
    ]  # fmt: skip
    frame = rows.assign(
        interval=list(zip(rows["low"], rows["high"], strict=True)),
        shrunk=rows["estimate"].where(rows["separable"]), rest=rows["difference"],
    )  # fmt: skip
    bold = rows["verdict"] == phrase(report, f"{GROUP}.columns", "named_worse")
    return Table(name=name, frame=frame, columns=columns, caption=phrase(report, group, "table"), bold=bold)


def criteria(report: Report, by_criterion: pd.DataFrame, matrix: pd.DataFrame) -> View:
    """Which criterion leads of each channel miss."""
    group, least = f"{GROUP}.criteria", report.audit.thresholds.min_group
    top = _top_criterion(by_criterion)
    if top is None:
        judged = by_criterion["known"].sum() > 0
        variant, status = ("none", "ok") if judged else ("unknown", "cannot_tell")
        return View(
            finding=state(
                report, group, "criterion_top", "marketing", variant=variant, status=status, criterion=""
            )
        )
    number = Number(top["share"], low=top["low"], high=top["high"], n=int(top["known"]))
    finding = state(
        report, group, "criterion_top", _asked(report, top["criterion"]), number,
        criterion=report.criterion(top["criterion"]), fails=top["fails"], known=top["known"], share=top["share"],
        interval=(top["low"], top["high"]), only=top["only"],
    )  # fmt: skip
    cells = matrix.sort_values(["leads", "group"], ascending=[False, True], kind="stable").assign(
        row=lambda frame: [report.words.group(name) for name in frame["group"]],
        column=lambda frame: [report.criterion(name) for name in frame["criterion"]],
        enough=lambda frame: frame["known"] >= least,
    )
    figure = Figure(
        charts.heat, cells, title=phrase(report, group, "title"),
        caption=phrase(report, group, "caption", min_group=least),
    )  # fmt: skip
    return View(finding=finding, figure=figure, table=_criteria_table(report, cells))


def _criteria_table(report: Report, cells: pd.DataFrame) -> Table:
    """One row per channel; per criterion the share that misses it and the leads where it is known."""
    frame = cells.drop_duplicates("row")[["row", "leads"]].set_index("row")
    columns = [Column(key, phrase(report, f"{GROUP}.columns", name), kind)
               for key, name, kind in (("row", "channel", "text"), ("leads", "leads", "count"))]  # fmt: skip
    for place, name in enumerate(dict.fromkeys(cells["criterion"])):
        one = cells[cells["criterion"] == name].set_index("row")
        frame[f"known{place}"], frame[f"share{place}"] = one["known"], one["share"]
        known = phrase(report, f"{GROUP}.columns", "known_of", criterion=report.criterion(name))
        columns += [
            Column(f"share{place}", report.criterion(name), "share"),
            Column(f"known{place}", known, "count"),
        ]
    caption = phrase(report, f"{GROUP}.criteria", "table")
    return Table(name="criteria", frame=frame.reset_index(), columns=columns, caption=caption)


def _asked(report: Report, criterion: str) -> str:
    """Whom a criterion concerns, as a head who can be asked."""
    concerns = {item.id: item.concerns for item in report.audit.criteria}.get(criterion, "marketing")
    return {"price": "product", "client": "marketing"}.get(concerns, concerns)


def trend(report: Report, months: pd.DataFrame, drift) -> View:
    """Does the share move from month to month? Months not yet ripe are drawn grey and not judged.

    months : `share_by` per month with a boolean column ripe.
    """
    group = f"{GROUP}.trend"
    ripe = months[months["ripe"] & (months["known"] > 0)].sort_index()
    values = {"months": drift.months, "need": drift.needed, "p": drift.p, "slope": drift.slope}
    variant = "few" if drift.status != "ok" else "flat"
    if drift.status == "ok":
        first, last = ripe.iloc[0], ripe.iloc[-1]
        values |= {
            "first": first["share"], "last": last["share"], "first_month": drift.first, "last_month": drift.last,
            "least": ripe["share"].min(), "most": ripe["share"].max(),
        }  # fmt: skip
        if drift.p < 1 - report.level:
            variant = "up" if drift.slope > 0 else "down"
            values["slope"] = abs(drift.slope)
    number = Number(drift.slope, "points", drift.low, drift.high, int(ripe["known"].sum()))
    status = "cannot_tell" if variant == "few" else "ok"
    finding = state(
        report, group, "non_target_trend", "marketing", number, variant=variant, status=status, **values
    )
    figure = Figure(
        charts.trend, months.sort_index(), title=phrase(report, group, "title"),
        caption=phrase(report, group, "caption", ripe=report.audit.thresholds.ripe_days),
    )  # fmt: skip
    return View(finding=finding, figure=figure)


def cost(report: Report, costs: pd.DataFrame, money) -> View:
    """What non-target leads cost, and what a lead, a target lead and a client cost per channel.

    money : None where no spend is exported: then only the way from lead to client is shown.
    """
    group = f"{GROUP}.cost"
    table = _cost_table(report, costs, group, money is not None)
    if money is None:
        return View(finding=missing(report, group, "wasted_spend", "marketing"), table=table)
    if math.isnan(money.total):
        untied = {"variant": "none", "status": "cannot_tell", "spend": money.spend}
        return View(finding=state(report, group, "wasted_spend", "marketing", **untied), table=table)
    number = Number(money.total, "money", money.low, money.high, money.channels)
    finding = state(
        report, group, "wasted_spend", "marketing", number, wasted=money.total, spend=money.assigned,
        interval=(money.low, money.high), low_bound=money.bound_low, high_bound=money.bound_high,
    )  # fmt: skip
    paid = costs[(costs["spend_state"] == "spend") & (costs["known"] > 0)].sort_values(
        "wasted", ascending=False
    )
    bars = pd.DataFrame({
        "label": [report.words.group(name) for name in paid.index], "value": paid["wasted"].astype(float),
        "low": paid["wasted_low"], "high": paid["wasted_high"], "n": paid["known"],
    })  # fmt: skip
    figure = Figure(
        charts.bars, bars, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    note = phrase(report, group, "fact_unassigned", unassigned=money.unassigned) if money.unassigned else ""
    return View(finding=finding, figure=figure, table=table, note=note)


WITHOUT_SPEND = ("label", "leads", "won", "conversion", "conversion_interval")


def _cost_table(report: Report, costs: pd.DataFrame, group: str, spent: bool) -> Table:
    words = report.words

    def note(row) -> str | None:
        """Why a channel has no cost per client."""
        if row.spend_state != "spend":
            return phrase(report, group, "no_spend" if row.spend_state == "no_spend" else "no_leads")
        return None if row.won else phrase(report, group, "above", value=row.cac_above)

    frame = costs.assign(
        label=[words.group(name) for name in costs.index],
        note=[note(row) for row in costs.itertuples()],
        conversion_interval=list(zip(costs["conversion_low"], costs["conversion_high"], strict=True)),
    )
    kinds = {
        "label": "text", "leads": "count", "share": "share", "spend": "money", "cpl": "money",
        "cost_per_target": "money",
        "won": "count", "conversion": "percent", "conversion_interval": "percent_range", "cac": "money", "note": "text",
        "wasted": "money",
    }  # fmt: skip
    names = {"label": "channel", "conversion_interval": "interval"}
    columns = [
        Column(key, phrase(report, f"{GROUP}.columns", names.get(key, key)), kind)
        for key, kind in kinds.items()
        if spent or key in WITHOUT_SPEND
    ]
    caption = phrase(report, group, "table" if spent else "table_without")
    return Table(name="cost", frame=frame, columns=columns, caption=caption)
