"""11: when clients pay back; those won by advertising apart, since clients who came for free make them look cheap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from detente.present import charts_money
from detente.present.findings import Finding
from detente.present.pieces import Figure, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

PAGE = "ltv"
GROUP = f"{PAGE}.payback"


@dataclass(frozen=True)
class Side:
    """Clients and what they cost. curve : `cohorts.per_client`; cost : `definitions.cost`; paid, full :
    `cohorts.payback` of advertising alone, and with salaries, agencies and tools (the same without them)."""

    curve: pd.DataFrame
    cost: Any
    paid: Any
    full: Any


def net(report: Report, cost: Any) -> str:
    """ " without VAT" where that is so."""
    return phrase(report, PAGE, "net") if cost.vat > 0 or report.audit.vat("spend") == "excluded" else ""


def apart(everyone: Side, ads: Side) -> bool:
    """Whether the clients won by advertising can be told from others, and others are there."""
    return everyone.cost.status == "ok" and everyone.cost.told > 0 and ads.cost.new < everyone.cost.new


def points(report: Report, everyone: Side, ads: Side) -> list[str]:
    """What a client costs and when it pays back, in the head of the page; none where it cannot be told."""
    split = apart(everyone, ads)
    side = ads if split else everyone
    if side.paid.status not in ("paid_back", "not_yet"):
        return []
    paid, late = side.paid, "not_yet" if side.paid.soonest is None else "unsure"
    variant = late if paid.months is None else "at_once" if paid.months == 0 else ""
    told = {"months": paid.months or 0, "cac": paid.cac, "observed": paid.observed + 1, "value": paid.value}
    said = {"who": _who(report, split), "net": net(report, side.cost)}
    text = phrase(report, PAGE, "point_paid", variant, **told, **said)
    return [text + _full(report, side), *([_blended(report, everyone).strip()] if split else [])]


def tiles(report: Report, everyone: Side, ads: Side) -> list[Tile]:
    """What a client costs by advertising alone, and what those won by it have brought."""
    split = apart(everyone, ads)
    side = ads if split else everyone
    if side.cost.status != "ok":
        return []
    variant, words, cost = "ads" if split else "", report.words, side.cost
    interval = phrase(report, PAGE, "tile_interval", interval=(cost.low, cost.high))
    base = phrase(report, PAGE, "tile_new", variant, new=cost.new)
    label = phrase(report, PAGE, "tile_cost", variant, net=net(report, cost))
    found = [Tile(label, words.money(cost.paid), interval, base)]
    kept = side.curve[side.curve["enough"].astype(bool)]
    if split and len(kept) and side.paid.status in ("paid_back", "not_yet"):
        last, months = kept.iloc[-1], int(kept.index[-1]) + 1
        interval = phrase(report, PAGE, "tile_interval", interval=(last["low"], last["high"]))
        base = phrase(report, PAGE, "tile_clients", clients=int(last["clients"]))
        label = phrase(report, PAGE, "tile_ads", months=months)
        found.append(Tile(label, words.money(last["value"]), interval, base))
    return found


def payback(report: Report, value: str, everyone: Side, ads: Side) -> View:
    """When a client has brought what he cost: first of those won by advertising, then of all on average."""
    if everyone.curve.empty:
        return View()  # the first section says what is missing
    ident = "ltv_payback"
    if value != "margin":
        return View(finding=missing(report, GROUP, ident, "data", need="need_margin"))
    if everyone.cost.status == "no_spend":
        return View(finding=missing(report, GROUP, ident, "data", need="need_spend"))
    split = apart(everyone, ads)
    side = ads if split else everyone
    more = (_full(report, side) if side.cost.status == "ok" else "") + (
        _blended(report, everyone) if split else ""
    )
    finding = _finding(report, ident, side, split, more)
    shown = [("line_ads", ads), ("line", everyone)] if split else [("line", everyone)]
    figure = _figure(report, [(phrase(report, GROUP, name), one) for name, one in shown])
    note = _costs(report, side, split) if side.cost.status == "ok" else ""
    if split and (unknown := everyone.cost.new - everyone.cost.told):
        note = f"{note} {phrase(report, GROUP, 'unknown', unknown=unknown)}".strip()
    return View(finding=finding, figure=figure, note=note)


def _who(report: Report, split: bool) -> str:
    return phrase(report, GROUP, "who", "ads" if split else "")


def _full(report: Report, side: Side) -> str:
    """The same with salaries, agencies and tools; "" where they are not known."""
    cost, paid = side.cost, side.full
    if cost.full is None:
        return ""
    late = "not_yet" if paid.soonest is None else "unsure"
    variant = late if paid.months is None else "at_once" if paid.months == 0 else ""
    variant = "few" if paid.status == "cannot_tell" else variant
    told = {"full": cost.full, "months": paid.months or 0, "observed": paid.observed + 1}
    return " " + phrase(report, GROUP, "with_full", variant, net=net(report, cost), **told)


def _blended(report: Report, everyone: Side) -> str:
    """The average over all new clients, called what it is."""
    cost = everyone.cost
    return " " + phrase(report, GROUP, "blended", cac=cost.paid, new=cost.new, net=net(report, cost))


def _finding(report: Report, ident: str, side: Side, split: bool, more: str) -> Finding:
    paid, cost = side.paid, side.cost
    said = {"who": _who(report, split), "more": more, "net": net(report, cost)}
    if cost.status == "no_clients":
        variant = "no_ads" if split else "no_clients"
        return state(report, GROUP, ident, "marketing", variant=variant, status="cannot_tell",
                     spend=cost.spend, above=cost.above, **said)  # fmt: skip
    if paid.status == "cannot_tell":
        return state(report, GROUP, ident, "data", variant="few", status="cannot_tell", cac=paid.cac,
                     enough=report.audit.thresholds.cohort_clients, new=cost.new, **said)  # fmt: skip
    told = {"cac": paid.cac, "value": paid.value, "clients": paid.clients, "observed": paid.observed + 1,
            "share": paid.value / paid.cac, **said}  # fmt: skip
    if paid.months is None and paid.soonest is None:
        number = Number(paid.value / paid.cac, "percent", n=paid.clients)
        return state(report, GROUP, ident, "marketing", number, variant="not_yet", **told)
    if paid.months is None:
        last = side.curve[side.curve["enough"].astype(bool)].iloc[-1]
        ends = {"interval": (last["low"], last["high"])}
        return state(
            report, GROUP, ident, "marketing", variant="unsure", status="cannot_tell", **told, **ends
        )
    return _reached(report, ident, paid, told)


def _reached(report: Report, ident: str, paid: Any, told: dict) -> Finding:
    first = paid.months if paid.soonest is None else paid.soonest
    latest = math.nan if paid.latest is None else paid.latest
    number = Number(paid.months, "months", first, latest, paid.clients)
    place = "at_once" if paid.months == 0 else ""
    sure = "" if paid.latest == paid.months else "by" if paid.latest is not None else "open"
    variant = "_".join(part for part in (place, sure) if part)
    told = {**told, "months": paid.months, "latest": paid.latest or 0}
    return state(report, GROUP, ident, "ceo", number, variant=variant, **told)


def _figure(report: Report, sides: list[tuple[str, Side]]) -> Figure | None:
    """Cumulative margin of each group with the price of its client, and the price with everything."""
    parts, full = [], any(side.cost.full is not None for _, side in sides)
    for label, side in sides:
        told = side.curve[side.curve["enough"].astype(bool)].reset_index()
        part = told[["age", "value", "low", "high"]].assign(
            n=told["clients"], group=label, cac=side.cost.paid
        )
        parts += [part.assign(cac_full=side.cost.full) if full else part] if len(part) else []
    if not parts:
        return None
    caption = phrase(report, GROUP, "caption", "full" if full else "")
    frame = pd.concat(parts, ignore_index=True)
    return Figure(charts_money.payback, frame, phrase(report, GROUP, "title"), caption)


def _costs(report: Report, side: Side, split: bool) -> str:
    """How the cost of a client was reckoned."""
    cost, variant = side.cost, "ads" if split else ""
    told = {"spend": cost.spend, "new": cost.new, "since": cost.since, "until": cost.until, "paid": cost.paid,
            "interval": (cost.low, cost.high), "net": net(report, cost)}  # fmt: skip
    text = phrase(report, GROUP, "cost", variant, **told)
    rest = "" if cost.full is None else "ads" if split else "full"
    more = {"staff": cost.staff, "full": cost.full or 0.0, "net": told["net"]}
    return f"{text} " + phrase(report, GROUP, "rest", rest, **more)
