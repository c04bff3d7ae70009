"""11: one client base, several values of a client; which definition says what, and how far the popular one errs."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts, view_ltv_payback
from detente.present.findings import Finding
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_ltv_payback import Side, net

GROUP = "ltv"


def lacking(report: Report, group: str, ident: str, ask: str = "data") -> Finding:
    """What to export: payments at all, or whose they are."""
    group = group if report.tables.purchases is None else f"{GROUP}.who"
    return missing(report, group, ident, ask)


def stood_in(report: Report) -> str:
    """What stands in for payments: the CRM's paid field, or won amounts; "" where payments are exported."""
    if report.tables.has("payments"):
        return ""
    return "paid_field" if report.audit.fields.paid else "won"


def basis_note(report: Report) -> list[str]:
    """That the money is none that was received."""
    basis = stood_in(report)
    return [phrase(report, f"{GROUP}.cohorts", "basis", basis)] if basis else []


def name(report: Report, definition: str, basis: str = "") -> str:
    """A definition in words. basis "margin": what a client costs is not known, and not taken off."""
    known = f"{definition}_margin" if basis == "margin" else definition
    return phrase(report, f"{GROUP}.name", known, stood_in(report))


def what(report: Report, value: str) -> str:
    """What a client brings: margin or, where it is not known, revenue; in the case of «how much of what»."""
    return phrase(report, GROUP, f"of_{value}", stood_in(report))


def brought(report: Report, value: str, reached) -> dict:
    """What the sentences on a client's money tell of `cohorts.at`: how it is put together, and of how many clients."""
    way = "more" if reached.value > reached.own else "less"
    one = "one" if reached.first == reached.clients else ""
    counts = {"first": reached.first, "clients": reached.clients}
    return {
        "what": what(report, value), "value": reached.value, "months": reached.months, "own": reached.own,
        "interval": (reached.low, reached.high), "needed": reached.needed, **counts,
        "way": phrase(report, GROUP, way), "built": phrase(report, GROUP, "built", one, **counts),
    }  # fmt: skip


# --- the head of the page ---
def verdict(
    report: Report, value: str, rows: pd.DataFrame, apart, reached, everyone: Side, ads: Side, judged: View
) -> View:
    """How far the definitions lie apart, what clients really brought, when they pay back, whom to trust.

    value : "margin" or "revenue", what `reached` counts. apart : `definitions.spread`; reached : `cohorts.at`;
    everyone, ads : all clients and those won by advertising; judged : the view of the judge.
    """
    if reached.clients == 0:
        return View(phrase(report, GROUP, "title", "none"), tone="warn")
    points = [_reached(report, value, reached)]
    points += view_ltv_payback.points(report, everyone, ads) if value == "margin" else []
    if judged.finding and judged.finding.status == "ok":
        told = {"headline": judged.finding.headline, "typical": judged.finding.value}
        points.append(phrase(report, GROUP, "point_judge", judged.finding.unit, **told))
    return View(_title(report, value, rows, apart, reached), points=points, tone="plain")


def _title(report: Report, value: str, rows: pd.DataFrame, apart, reached) -> str:
    """The spread of the answers; of a business of single purchases, the profit per client."""
    if apart.answers > 1 and apart.times:
        return phrase(report, GROUP, "title", answers=apart.answers, times=apart.times)
    if apart.answers > 1 and apart.high > 0:
        return phrase(report, f"{GROUP}.definitions", "heading", "sign", low=apart.low, high=apart.high)
    once = rows[(rows["definition"] == "per_deal") & (rows["status"] == "ok")]
    if len(once):
        return phrase(report, GROUP, "title", "one_off", value=once["value"].iloc[0])
    if reached.status == "cannot_tell":
        return phrase(report, GROUP, "title", "none")
    variant = "mixed" if reached.mixed else "brought"
    return phrase(report, GROUP, "title", variant, **brought(report, value, reached))


def _reached(report: Report, value: str, reached) -> str:
    variant = "few" if reached.status == "cannot_tell" else "mixed" if reached.mixed else ""
    return phrase(report, GROUP, "point_reached", variant, **brought(report, value, reached))


def tiles(report: Report, value: str, reached, everyone: Side, ads: Side, apart) -> list[Tile]:
    """What a client has brought, what one costs, and how far the definitions lie apart."""
    words, found = report.words, []
    if reached.status != "cannot_tell":
        interval = phrase(report, GROUP, "tile_interval", interval=(reached.low, reached.high))
        some = "mixed" if reached.mixed else "all" if reached.first == reached.clients else "built"
        counts = {"clients": reached.clients, "first": reached.first, "own": reached.own}
        base = phrase(report, GROUP, "tile_clients", some, **counts)
        kind = f"{value}_won" if stood_in(report) == "won" else value
        label = phrase(report, GROUP, "tile_reached", kind, months=reached.months)
        found.append(Tile(label, words.money(reached.value), interval, base))
    found += view_ltv_payback.tiles(report, everyone, ads) if value == "margin" else []
    if apart.times and apart.answers > 1:
        base = phrase(report, GROUP, "tile_answers", answers=apart.answers)
        ends = phrase(report, GROUP, "tile_ends", ends=(apart.low, apart.high))
        found.append(Tile(phrase(report, GROUP, "tile_spread"), words.times(apart.times), ends, base))
    return found


# --- the definitions ---
def definitions(report: Report, model: str, rows: pd.DataFrame, apart, deal, cost) -> View:
    """The value of a client by each definition. rows : `definitions.side_by_side`; deal : `definitions.per_deal`."""
    group, ident = f"{GROUP}.definitions", "ltv_definitions"
    if not deal.clients:
        return View(finding=lacking(report, group, ident))
    finding = _once(report, group, ident, rows, deal, cost) if model == "one_off" else None
    finding = finding or _many(report, group, ident, rows, apart)
    known = rows[rows["status"].isin(["ok", "shorter", "at_least"])]
    chart = known.assign(
        label=[name(report, row.definition, row.basis) for row in known.itertuples()], n=known["clients"], named=False,
        low=known["low"].fillna(known["value"]), high=known["high"].fillna(known["value"]),
    )  # fmt: skip
    caption = phrase(report, group, "caption", "" if model != "one_off" else "one_off")
    figure = Figure(charts.bars, chart, phrase(report, group, "title"), caption) if len(known) > 1 else None
    used = rows[rows["status"] != "other_model"]
    others = [name(report, item) for item in rows.loc[rows["status"] == "other_model", "definition"]]
    quoted = ", ".join(report.words.t("common.quoted", name=item) for item in others)
    notes = [phrase(report, group, "others", names=quoted)] if others and model != "one_off" else []
    notes += [*_taken(report, group, used, cost), *basis_note(report)]
    return View(finding=finding, figure=figure, tables=_tables(report, group, used), note=" ".join(notes))


def _taken(report: Report, group: str, used: pd.DataFrame, cost) -> list[str]:
    """Which cost of a client was taken off the margin, or that none is known."""
    if cost.most is None:
        return [phrase(report, group, "no_cost")] if used["basis"].eq("margin").any() else []
    if not (used["basis"].eq("profit") & used["value"].notna()).any():
        return []
    variant = "" if cost.full is None else "full"
    return [phrase(report, group, "taken", variant, cac=cost.most, new=cost.new, net=net(report, cost))]


def _many(report: Report, group: str, ident: str, rows: pd.DataFrame, apart) -> Finding:
    if not apart.answers or not apart.high > 0:
        variant = "empty" if apart.answers else "none"
        return state(report, group, ident, "ceo", variant=variant, status="cannot_tell")
    revenue = rows.loc[rows["value"].notna(), "basis"].eq("revenue").all()
    one = "one_mixed" if rows.loc[rows["value"].notna(), "reason"].eq("mixed").any() else "one"
    variant = one if apart.answers == 1 else "sign" if not apart.times else "revenue" if revenue else ""
    many = apart.times and apart.answers > 1
    number = Number(apart.times, "times", n=apart.answers) if many else Number(apart.low, "money")
    basis = rows.set_index("definition")["basis"]
    lowest, highest = (name(report, item, basis[item]) for item in (apart.lowest, apart.highest))
    return state(
        report, group, ident, "ceo", number, variant=variant, answers=apart.answers, low=apart.low, high=apart.high,
        lowest=lowest, highest=highest, times=apart.times or 0.0,
    )  # fmt: skip


def _once(report: Report, group: str, ident: str, rows: pd.DataFrame, deal, cost) -> Finding:
    """A business of single purchases: profit per client instead of a lifetime value."""
    row = rows[rows["definition"] == "per_deal"].iloc[0]
    if row["status"] != "ok":
        return state(report, group, ident, "ceo", variant="one_off_none", status="cannot_tell")
    number = Number(row["value"], "money", row["low"], row["high"], int(row["clients"]))
    variant = "one_off" if row["basis"] == "profit" else "one_off_margin"
    return state(
        report, group, ident, "ceo", number, variant=variant, value=row["value"], interval=(row["low"], row["high"]),
        clients=int(row["clients"]), deals=deal.deals, returning=deal.returning, cac=cost.most or 0.0,
        net=net(report, cost),
    )  # fmt: skip


def _tables(report: Report, group: str, rows: pd.DataFrame) -> list[Table]:
    """The numbers; and beside every definition, one without a number too, what to know of it."""
    order = rows["status"].isin(["ok", "shorter", "at_least"])
    frame = pd.concat([rows[order], rows[~order]])
    frame = frame.assign(
        label=[name(report, row.definition, row.basis) for row in frame.itertuples()],
        span=[_span(report, group, row) for row in frame.itertuples()],
        interval=list(zip(frame["low"], frame["high"], strict=True)),
        remark=[_remark(report, group, row) for row in frame.itertuples()],
    )
    kinds = {"label": "text", "value": "money", "interval": "money_range", "clients": "count", "span": "text"}
    numbers = Table("definitions", frame[order.loc[frame.index]], _columns(report, group, kinds),
                    phrase(report, group, "table"))  # fmt: skip
    known = Table("definitions_known", frame, _columns(report, group, {"label": "text", "remark": "text"}),
                  phrase(report, group, "table_known"))  # fmt: skip
    return [numbers, known]


def _columns(report: Report, group: str, kinds: dict) -> list[Column]:
    return [Column(key, phrase(report, f"{group}.columns", key), kind) for key, kind in kinds.items()]


def _span(report: Report, group: str, row) -> str | None:
    if row.status not in ("ok", "shorter", "at_least"):
        return None
    known = row.months == row.months
    return report.words.months(row.months) if known else phrase(report, group, "life", row.definition)


def _remark(report: Report, group: str, row) -> str:
    """What the definition leaves out; or why there is no number."""
    if row.status == "ok" and not row.reason:
        return phrase(report, f"{group}.remark", row.definition)
    if row.reason == "mixed":
        return phrase(report, f"{group}.why", "mixed")
    variant = f"{row.status}_{row.reason}" if row.reason else row.status
    variant += "_needed" if row.reason == "few_clients" and row.needed else ""
    return phrase(report, f"{group}.why", variant, needed=int(row.needed), clients=int(row.clients))


# --- the bias of the seed formula ---
def seed_bias(report: Report, model: str, base, snapshot, ageing: pd.DataFrame) -> View:
    """How far «revenue per average client over churn» errs here. base : `client_base.base` with its snapshot; ageing :
    `lifetime.ageing` of it, in months."""
    group, ident = f"{GROUP}.seed", "ltv_seed_bias"
    if model == "one_off":
        return View()  # no lifetime value is reckoned at all
    if base.status == "no_clients":
        return View()  # the first section says what is missing
    if base.status != "ok" or not base.start:
        few = {"variant": base.status if base.status != "ok" else "no_start", "status": "cannot_tell"}
        return View(finding=state(report, group, ident, "data", needed=base.needed, gap=base.gap, **few))
    told = {
        "since": base.since, "until": base.until, "start": base.start, "end": base.end, "lost": base.lost,
        "came": base.new + base.returned, "revenue": base.revenue,
    }  # fmt: skip
    if snapshot.ltv_matched is None:
        lost = {"variant": "no_loss", "status": "cannot_tell", "least": snapshot.ltv_at_least}
        return View(finding=state(report, group, ident, "ceo", **lost, **told))
    if not base.revenue > 0:
        none = {"variant": "no_revenue", "status": "cannot_tell"}
        return View(finding=state(report, group, ident, "data", **none, **told))
    off = snapshot.bias - 1
    near = abs(off) < report.audit.thresholds.material
    variant = "near" if near else "growing" if off < 0 else "shrinking"
    finding = state(
        report, group, ident, "ceo", Number(off, "percent", n=base.start), variant=variant, off=abs(off),
        seed=snapshot.ltv_seed, per_lost=snapshot.ltv_matched, **told,
    )  # fmt: skip
    note = phrase(report, group, "note", "subscription" if model == "subscription" else "", gap=base.gap)
    tables = [_counts(report, group, base, snapshot), *_ageing(report, group, ageing)]
    return View(finding=finding, tables=tables, note=note)


def _ageing(report: Report, group: str, ageing: pd.DataFrame) -> list[Table]:
    """What the second error would be, by how clients leave: three cases, not what is known of these clients."""
    if ageing.empty or not (ageing["ratio"] - 1).abs().max() > report.audit.thresholds.material:
        return []  # in a base that hardly moves, how clients leave changes nothing
    rows = ageing.reset_index()
    frame = rows.assign(
        case=[phrase(report, f"{group}.kinds", kind) for kind in rows["kind"]], off=rows["ratio"] - 1,
        both=rows["seed"] - 1,
    )  # fmt: skip
    kinds = {"case": "text", "off": "percent", "both": "percent"}
    first = rows.iloc[0]
    growth = math.expm1(first["growth"])
    way = "growing" if growth > 0 else "shrinking"
    caption = phrase(report, group, "ageing", way, growth=abs(growth), life=round(first["mean"], 1))
    return [Table("ageing", frame, _columns(report, group, kinds), caption)]


def _counts(report: Report, group: str, base, snapshot) -> Table:
    """What went into the formula, and what came out."""
    words = report.words
    values = {
        "start": words.count(base.start), "new": words.count(base.new), "returned": words.count(base.returned),
        "lost": words.count(base.lost), "end": words.count(base.end), "revenue": words.money(base.revenue),
        "churn": words.percent(snapshot.churn), "arpu": words.money(snapshot.arpu),
        "seed": words.money(snapshot.ltv_seed), "per_lost": words.money(snapshot.ltv_matched),
        "bias": words.times(snapshot.bias),
    }  # fmt: skip
    rows = [(phrase(report, f"{group}.rows", key), text) for key, text in values.items()]
    heads = _columns(report, group, {"label": "text", "value": "text"})
    caption = phrase(report, group, "table", since=base.since, until=base.until)
    return Table("seed", pd.DataFrame(rows, columns=["label", "value"]), heads, caption)
