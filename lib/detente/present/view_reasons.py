"""05: where and why deals stop, whose question that is, and which reasons are no reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from detente.present import charts
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "reasons"
EMPTY, REST = "", "rest"
ASKED = {"price": "product", "client": "sales", "not_assigned": "ceo", "not_said": "sales"}
LEAST = 5
DRAWN = 5  # groups across a picture: a phone has no room for the counts of more


# --- names ---
def name(report: Report, row) -> str:
    """A reason in the words of the audit, or as it was typed."""
    if row.reason == EMPTY:
        return phrase(report, GROUP, "empty")
    if row.reason == REST:
        return phrase(report, GROUP, "rest", kinds=int(getattr(row, "kinds", 0)))
    words = group_words(report, row.group) if isinstance(row.group, str) else str(row.text)
    return words[1:-1] if re.fullmatch("«[^«»]*»|“[^“”]*”", words) else words  # sentences quote it themselves


def _apart(report: Report, table: pd.DataFrame) -> list[str]:
    """The names of rows, told apart where two reasons share one: a raw text in quotes, a group with its id."""
    names = {row.reason: name(report, row) for row in table.itertuples()}
    met = list(names.values())
    for row in table.itertuples():
        if met.count(name(report, row)) > 1:
            own = name(report, row)
            quoted = report.words.t("common.quoted", name=own)
            names[row.reason] = f"{own} ({row.group})" if isinstance(row.group, str) else quoted
    return [names[key] for key in table["reason"]]


def group_words(report: Report, ident: str) -> str:
    return next(getattr(item, report.words.language) for item in report.audit.reasons if item.id == ident)


def stage_name(report: Report, stage: float) -> str:
    """A stage of loss by its place in the funnel; NaN: nobody wrote down where."""
    if pd.isna(stage):
        return phrase(report, GROUP, "no_stage")
    known = report.audit.funnel.stages[int(stage) - 1].name
    nowhere = phrase(report, GROUP, "no_stage")
    return report.words.t("common.quoted", name=known) if known == nowhere else known


def asked(owner: str) -> str:
    return ASKED.get(owner, owner)


def named_rows(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Add name, owner_words, said_words and enough to rows of reasons."""
    says = table["said"] == "reason"  # a row that says nothing has no bounds
    return table.assign(
        name=_apart(report, table),
        owner_words=["" if row.reason == REST else phrase(report, f"{GROUP}.owner", row.owner)
                     for row in table.itertuples()],
        said_words=["" if row.reason == REST else phrase(report, f"{GROUP}.said", row.said)
                    for row in table.itertuples()],
        enough=table["known"] >= report.audit.thresholds.min_group,
        interval=list(zip(table["low"], table["high"], strict=True)),
        bounds=list(zip(table["bound_low"].where(says), table["bound_high"], strict=True)),
        money=table["money"].where(table["with_amount"] > 0),
    )  # fmt: skip


def columns(report: Report, kinds: Mapping[str, str], **values: float) -> list[Column]:
    """Columns of a table: key -> kind; headings by key, with `values` in them."""
    return [
        Column(key, phrase(report, f"{GROUP}.columns", key, **values), kind) for key, kind in kinds.items()
    ]  # type: ignore[arg-type]


# --- how many say why ---
def filled(report: Report, every, ripe) -> View:
    """How many losses have a reason. every, ripe: `reasons.filled` of all losses, and of those counted below."""
    group, limits = f"{GROUP}.filled", report.audit.thresholds
    if every.lost and not every.filled:
        return View(finding=missing(report, group, "reason_filled", "sales", lost=every.lost))
    if not every.lost:
        return View(
            finding=state(report, group, "reason_filled", "sales", variant="none", status="not_available")
        )
    variant = "thin" if every.filled_share < limits.reasons_filled else "full" if not every.empty else ""
    number = Number(every.filled_share, low=every.low, high=every.high, n=every.lost)
    finding = state(
        report, group, "reason_filled", "sales", number, variant=variant, lost=every.lost, filled=every.filled,
        share=every.filled_share, interval=(every.low, every.high), empty=every.empty, need=limits.reasons_filled,
    )  # fmt: skip
    young = phrase(
        report, group, "young", ripe=limits.ripe_days, young=every.lost - ripe.lost, counted=ripe.lost
    )
    return View(finding=finding, note=young)


def silence(report: Report, ripe, shares: pd.DataFrame, rest: pd.DataFrame) -> View:
    """Who leaves the reason empty or writes one that says nothing. shares, rest: `nontarget` over `reasons.silence`."""
    group, limits = f"{GROUP}.silence", report.audit.thresholds
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    values = {
        "silent": ripe.silent, "lost": ripe.lost, "share": ripe.silent_share, "empty": ripe.empty,
        "interval": (ripe.silent_low, ripe.silent_high), "nothing": ripe.nothing, "ours": ripe.ours,
        "limit": limits.other_share,
    }  # fmt: skip
    worst = rest[rest["named"] & (rest["difference"] > 0) & rest.index.notna()]
    variant = "over" if ripe.silent_share > limits.other_share else "under"
    number = Number(ripe.silent_share, low=ripe.silent_low, high=ripe.silent_high, n=ripe.lost)
    finding = state(report, group, "reason_silence", "sales", number, variant=variant, **values)
    note = ""
    if len(worst):
        row = worst.iloc[0]
        note = phrase(
            report, group, "manager", manager=report.words.manager(worst.index[0]), share=row["share"],
            hits=row["non_target"], known=row["known"], difference=row["difference"],
            interval=(row["low"], row["high"]), compared=int(row["compared"]),
        )  # fmt: skip
    note = " ".join(filter(None, [note, phrase(report, group, "ours") if ripe.ours else ""]))
    shares = shares.assign(
        enough=shares["known"] >= limits.min_group
    )  # small ones are shown last, not ranked
    shares = shares.sort_values("enough", ascending=False, kind="stable")
    rows = shares.assign(
        name=[report.words.manager(item) for item in shares.index], lost=shares["known"],
        silent=shares["non_target"], interval=list(zip(shares["low"], shares["high"], strict=True)),
    )  # fmt: skip
    kinds = {"name": "text", "lost": "count", "silent": "count", "empty": "count", "share": "share",
             "interval": "percent_range"}  # fmt: skip
    heads = columns(report, kinds)
    heads[0] = Column("name", phrase(report, f"{GROUP}.columns", "manager"))
    table = Table("silence", rows, heads, phrase(report, group, "table"), rows.index.isin(worst.index))
    return View(finding=finding, table=_bold(table, worst.index, rows), note=note)


def _bold(table: Table, names: pd.Index, rows: pd.DataFrame) -> Table:
    mask = pd.Series(rows.index.isin(names), rows.index)
    return Table(table.name, table.frame, table.columns, table.caption, mask)


# --- which reasons ---
def top(pareto: pd.DataFrame) -> pd.Series | None:
    """The most frequent reason that says something."""
    found = pareto[(pareto["said"] == "reason") & (pareto["reason"] != REST)]
    return None if found.empty else found.iloc[0]


def bounded(report: Report, ripe) -> bool:
    """Whether so many losses do not say why that shares of reasons are only bounds."""
    return bool(ripe.silent_share > report.audit.thresholds.other_share)


def pareto(report: Report, ripe, pareto: pd.DataFrame) -> View:
    """Reasons of all losses, most frequent first."""
    group = f"{GROUP}.pareto"
    best = top(pareto) if ripe.filled else None
    if best is None:
        return View()  # no reasons to count: the first section says so
    rows = named_rows(report, pareto)
    row, loose = rows.loc[best.name], bounded(report, ripe)
    few = row["lost"] < LEAST or row["known"] < report.audit.thresholds.min_group
    number = Number(row["share"], low=row["low"], high=row["high"], n=int(row["known"]))
    variant = "few" if few else "bounds" if loose else ""
    finding = state(
        report, group, "reason_top", asked(row["owner"]), None if few else number, variant=variant,
        status="cannot_tell" if few else "ok", reason=row["name"], lost=row["lost"], known=row["known"],
        share=row["share"], interval=row["interval"], bounds=row["bounds"], silent=ripe.silent,
        owner=row["owner_words"], need=report.audit.thresholds.min_group,
    )  # fmt: skip
    chart = rows.rename(columns={"name": "label"}).assign(named=rows.index == best.name)
    chart = chart[["label", "share", "low", "high", "known", "bound_low", "bound_high", "named", "enough"]]
    kinds = {"name": "text", "owner_words": "text", "said_words": "text", "lost": "count", "share": "share",
             "interval": "percent_range", **({"bounds": "percent_range"} if loose else {}),
             "with_amount": "count", "money": "money"}  # fmt: skip
    caption = phrase(
        report, group, "caption", "bounds" if loose else "", limit=report.audit.thresholds.other_share
    )
    figure = Figure(
        charts.interval if loose else charts.shares, chart, phrase(report, group, "title"), caption
    )
    table = Table("reasons", rows, columns(report, kinds), phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table)


def stages(report: Report, ripe, split: pd.DataFrame) -> View:
    """Stage x reason, in losses and money."""
    group = f"{GROUP}.stages"
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    if split["stage"].isna().all():
        return View(finding=missing(report, group, "reason_stage", "data"))
    rows = named_rows(report, split).assign(stage_name=[stage_name(report, item) for item in split["stage"]])
    least = report.audit.thresholds.min_group
    seen = rows[
        (rows["said"] == "reason") & (rows["reason"] != REST) & rows["stage"].notna() & rows["enough"]
    ]
    if seen.empty or seen["lost"].max() < LEAST:
        finding = state(
            report, group, "reason_stage", "sales", variant="few", status="cannot_tell", need=least
        )
    else:
        row = seen.sort_values(["lost", "stage", "reason"], ascending=[False, True, True]).iloc[0]
        number = Number(row["share"], low=row["low"], high=row["high"], n=int(row["known"]))
        finding = state(
            report, group, "reason_stage", asked(row["owner"]), number, stage=row["stage_name"], reason=row["name"],
            lost=row["lost"], known=row["known"], share=row["share"], interval=row["interval"],
            owner=row["owner_words"],
        )  # fmt: skip
    unknown = rows.loc[rows["stage"].isna(), "known"]
    note = phrase(report, group, "unknown", lost=int(unknown.iloc[0])) if len(unknown) else ""
    table = _budget(report, rows, phrase(report, group, "table"))
    return View(finding=finding, figure=heat(report, group, rows, "stage_name"), table=table, note=note)


def _budget(report: Report, rows: pd.DataFrame, caption: str) -> Table:
    """One row per reason: the budget of lost deals at each stage, in all, and how many of them have one."""
    places = list(dict.fromkeys(rows["stage_name"]))
    money = rows.pivot(index="name", columns="stage_name", values="money")
    total = rows.groupby("name", sort=False)[["lost", "with_amount", "money"]].sum()
    frame = total.rename(columns={"money": "total"}).join(
        money.reindex(columns=places).set_axis(range(len(places)), axis=1)
    )
    frame["total"] = frame["total"].where(frame["with_amount"] > 0)
    heads = columns(report, {"name": "text", "lost": "count", "with_amount": "count", "total": "money"})
    heads += [Column(order, place, "money") for order, place in enumerate(places)]  # type: ignore[arg-type]
    return Table("stages", frame.reset_index(), heads, caption)


def heat(
    report: Report, group: str, rows: pd.DataFrame, column: str, variant: str = "", **values: int
) -> Figure:
    """Reasons down, `column` across; a cell is the share of a reason among the losses of its column."""
    cells = rows.assign(row=rows["name"], column=rows[column], fails=rows["lost"])
    caption = phrase(report, group, "caption", variant, min_group=report.audit.thresholds.min_group, **values)
    return Figure(charts.heat, cells, phrase(report, group, "title"), caption)


# --- whose question ---
def owners(report: Report, ripe, owners: pd.DataFrame) -> View:
    """Losses by the department whose question the reason is."""
    group = f"{GROUP}.owners"
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    nobody = owners["owner"].isin(["not_assigned", "not_said"])
    rows = owners.assign(
        label=[phrase(report, f"{GROUP}.owner", item) for item in owners["owner"]],
        interval=list(zip(owners["low"], owners["high"], strict=True)),
        bounds=list(zip(owners["bound_low"].where(~nobody), owners["bound_high"], strict=True)),
        enough=owners["known"] >= report.audit.thresholds.min_group,
    )  # fmt: skip
    known = rows[~nobody]
    best = None if known.empty else known.sort_values("lost", ascending=False, kind="stable").iloc[0]
    few = best is None or best["lost"] < LEAST or ripe.lost < report.audit.thresholds.min_group
    unsaid = int(rows.loc[nobody, "lost"].sum())
    values = {"known": ripe.lost, "unsaid": unsaid, "unsaid_share": unsaid / ripe.lost}
    if few:
        finding = state(report, group, "reason_owner", "ceo", variant="few", status="cannot_tell", **values)
    else:
        number = Number(best["share"], low=best["low"], high=best["high"], n=int(best["known"]))
        variant = "full" if not unsaid else "nobody" if unsaid > best["lost"] else ""
        finding = state(
            report, group, "reason_owner", asked(best["owner"]), number, variant=variant,
            owner=best["label"], lost=best["lost"], share=best["share"], interval=best["interval"], **values,
        )  # fmt: skip
    kinds = {"label": "text", "lost": "count", "share": "share", "interval": "percent_range",
             "bounds": "percent_range", "with_amount": "count", "money": "money"}  # fmt: skip
    rows = rows.assign(money=rows["money"].where(rows["with_amount"] > 0), named=False)
    figure = Figure(charts.interval, rows, phrase(report, group, "title"), phrase(report, group, "caption"))
    table = Table("owners", rows, columns(report, kinds), phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table)


# --- the head of the page ---
def verdict(report: Report, every, ripe, pareto: pd.DataFrame, worth: pd.DataFrame, no_answer) -> View:
    """The one place to look at, whose question it is, what a fix could bring, how far reasons can be trusted.

    worth : `rescue.worth` joined with the names of reasons, best first (`view_rescue.ranked`); may be empty.
    """
    best = top(pareto) if ripe.filled else None
    thin = every.lost and every.filled_share < report.audit.thresholds.reasons_filled
    if best is None or thin:
        variant = "thin" if thin else "none" if not every.lost else "silent"
        words = {"share": 1 - every.filled_share if every.lost else 0.0}
        points = [filled(report, every, ripe).finding.fact] if every.lost else []
        return View(phrase(report, GROUP, "title", variant, **words), points=points, tone="warn")
    frequent = name(report, best)
    points = [phrase(
        report, GROUP, "point_top", "bounds" if bounded(report, ripe) else "", reason=frequent, lost=best["lost"],
        known=best["known"], share=best["share"], interval=(best["low"], best["high"]),
        bounds=(best["bound_low"], best["bound_high"]), owner=phrase(report, f"{GROUP}.owner", best["owner"]),
    )]  # fmt: skip
    unsaid = bounded(report, ripe) and ripe.silent > best["lost"]
    title = phrase(
        report, GROUP, "title", "unsaid" if unsaid else "reason", reason=frequent, share=best["share"],
        silent=ripe.silent_share,
    )  # fmt: skip
    if len(worth):
        row = next(worth.itertuples())
        words = {"stage": stage_name(report, row.stage), "reason": name(report, row), "value": row.value}
        title = phrase(report, GROUP, "title", "place", **words)
        points.insert(0, phrase(
            report, GROUP, "point_place", "" if row.low == row.low else "bare", lost=row.lost,
            everywhere=row.everywhere, interval=(row.low, row.high), owner=phrase(report, f"{GROUP}.owner", row.owner),
            fix=report.audit.thresholds.fix_share, **words,
        ))  # fmt: skip
    else:
        points.append(phrase(report, GROUP, "point_no_place"))
    points.append(phrase(report, GROUP, "point_trust", filled=every.filled_share, share=ripe.silent_share,
                         silent=ripe.silent, known=ripe.lost))  # fmt: skip
    if no_answer.status == "ok" and no_answer.against:
        points.append(phrase(report, GROUP, "point_talked", against=no_answer.against, known=no_answer.known))
    return View(title, points=points, tone="warn")


def tiles(report: Report, every, ripe, worth: pd.DataFrame) -> list[Tile]:
    """Losses with a reason, reasons that say nothing, what the first fix could bring."""
    if not every.lost:
        return []
    words = report.words

    def tile(label: str, value: float, interval: tuple, hits: int, base: int) -> Tile:
        return Tile(
            label=phrase(report, GROUP, label), value=words.percent(value),
            interval=phrase(report, GROUP, "tile_interval", interval=interval),
            base=phrase(report, GROUP, "tile_of", n=hits, all=base),
        )  # fmt: skip

    found = [tile("tile_filled", every.filled_share, (every.low, every.high), every.filled, every.lost)]
    if ripe.lost:
        ends = (ripe.silent_low, ripe.silent_high)
        found.append(tile("tile_silent", ripe.silent_share, ends, ripe.silent, ripe.lost))
    if len(worth):
        row = next(worth.itertuples())
        ends = phrase(report, GROUP, "tile_money", interval=(row.low, row.high)) if row.low == row.low else ""
        base = phrase(
            report, GROUP, "tile_place", stage=stage_name(report, row.stage), reason=name(report, row)
        )
        found.append(Tile(phrase(report, GROUP, "tile_worth"), words.money(row.value), ends, base))
    return found
