"""12: from the boasted ROMI down to money: the ladder, its break-even, what advertising really brought, and VAT."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from detente.present import charts, charts_money
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "romi"
ALSO = 2  # findings of the sections that the head of the page repeats
ALWAYS = {"gross", "contribution", "spend"}  # steps of the ladder that are shown at 0 too


def told(money) -> bool:
    """Whether there is anything to tell: spend and purchases, and channels that they share."""
    return not money.missing and money.total("spend") > 0 and money.total("gross") > 0


def columns(report: Report, group: str, kinds: dict[str, str], variant: str = "", **values) -> list[Column]:
    """Columns of a table: key -> kind; headings by key."""
    heads = {key: phrase(report, f"{group}.columns", key, variant, **values) for key in kinds}
    return [Column(key, heads[key], kind) for key, kind in kinds.items()]  # type: ignore[arg-type]


# --- the head of the page ---
def verdict(report: Report, money, earned, *sections: View) -> View:
    """The boasted ROMI beside the honest one; then what the sections found, each in its heading."""
    if not told(money):
        item = ladder(report, money, earned).finding
        point = phrase(report, GROUP, "point_need", money.missing) if money.missing else item.fact
        return View(phrase(report, GROUP, "title_none"), points=[point], tone="warn")
    values = _values(report, money, earned)
    headline = phrase(report, GROUP, "title", earned.end, **values)
    known = ("taxed" if money.total("spend_vat") else "") if money.costed else "bare"
    points = [phrase(report, GROUP, "point_ladder", known, **values)]
    if money.costed:
        points.append(
            phrase(report, GROUP, "point_share", "stated" if earned.stated is not None else "", **values)
            + values["alone"]
        )
    others = {"contract": values["contract_money"] > 0, "all": values["everything"] != values["gross"]}
    if any(others.values()):  # else there is no other number of that name
        alone = "" if all(others.values()) else next(name for name, there in others.items() if there)
        points.append(phrase(report, GROUP, "point_claims", alone, **values))
    told_too = [view.finding.headline for view in sections if view.finding and view.finding.status == "ok"]
    points += [f"{headline}." for headline in told_too[-ALSO:]]
    return View(headline, points=points, tone="bad" if _sure(report, money) and earned.high < 0 else "warn")


def _sure(report: Report, money) -> bool:
    """Whether there are sales enough to speak of a loss."""
    return money.costed and money.channels["purchases"].sum() >= report.audit.thresholds.few_wins


def tiles(report: Report, money, earned) -> list[Tile]:
    """ROMI on revenue, ROMI in money, the ROMI of break-even, and what is left."""
    if not told(money):
        return []
    words, values = report.words, _values(report, money, earned)
    found = [
        Tile(phrase(report, GROUP, "tile_boasted"), words.percent(earned.boasted),
             base=phrase(report, GROUP, "tile_spend", **values)),
    ]  # fmt: skip
    if money.costed:
        interval = phrase(
            report, GROUP, "tile_honest", "stated" if earned.stated is not None else "", **values
        )
        label = phrase(report, GROUP, "tile_romi", earned.end)
        found.append(Tile(label, words.percent(values["romi"]), interval,
                          phrase(report, GROUP, "tile_against", **values)))  # fmt: skip
    zero = earned.needed.romi if money.costed else _upwards(earned.needed.margin)
    if not math.isnan(zero):
        label = phrase(report, GROUP, "tile_zero", "" if money.costed else "bare")
        found.append(Tile(label, words.percent(zero)))
    left = phrase(report, GROUP, "tile_left", earned.end)
    interval = phrase(report, GROUP, "tile_interval", **values)
    return [*found, Tile(left, words.money(values["left"]), interval)]


def _values(report: Report, money, earned) -> dict:
    """What the sentences on the ladder need."""
    left, known = earned.at(earned.end), earned.stated if earned.stated is not None else earned.upper
    scenarios = earned.may
    return {
        "boasted": earned.boasted, "untaxed": earned.untaxed, "contract": earned.contract, "company": money.company(),
        "gross": money.total("gross"), "returned": money.total("returned"), "net": money.total("net"),
        "contribution": money.total("contribution"), "spend": money.total("spend"), "vat": money.total("vat"),
        "spend_vat": money.total("spend_vat"), "left": left, "gap": -left, "interval": (earned.low, earned.high),
        "anyway": -earned.at("anyway"), "brought": earned.at("incremental"), "romi": earned.at(earned.end, "romi"),
        "honest": earned.honest, "share": known, "upper": earned.upper, "known": money.known,
        "assumed": money.total("assumed"), "source": _source(report),
        "basis": phrase(report, f"{GROUP}.basis", money.basis),
        "least_share": scenarios["incremental"].min(), "most_share": scenarios["incremental"].max(),
        "purchases": int(money.channels["purchases"].sum()),
        **tax(report, money), "exported": money.exported, "everything": money.everything(), "plain": earned.plain,
        "contract_money": money.total("contract"), "off": taken_off(report, money),
        "costs": phrase(report, f"{GROUP}.costs", "part" if money.known else "none", known=money.known),
        **_alone(report, earned),
    }  # fmt: skip


def _alone(report: Report, earned) -> dict[str, str]:
    """What if only first purchases counted, and the same by its share: words after a sentence, or none."""
    rows = earned.scenarios[earned.scenarios["source"] == "first"]
    if rows.empty or earned.stated is not None:
        return {"alone": "", "alone_share": ""}
    row = rows.iloc[0]
    values = {"left": row["money"], "romi": row["romi"], "share": row["incremental"]}
    known = {"alone": "alone_money", "alone_share": "alone_share"}
    return {name: f" {phrase(report, GROUP, key, **values)}" for name, key in known.items()}


def _upwards(share: float) -> float:
    """A share that must at least be reached, rounded up as it will be printed."""
    digits = 2 if 0.0995 <= share <= 0.9005 else 3
    return math.ceil(share * 10**digits - 1e-9) / 10**digits if math.isfinite(share) else share


def taken_off(report: Report, money) -> str:
    """What the net revenue is without, in words."""
    return phrase(report, f"{GROUP}.off", "vat" if money.total("vat") else "returns")


def tax(report: Report, money) -> dict[str, str]:
    """Words after a sum on the VAT in it: gross, exported (as they came), spent (as the ladder has it); below: of all
    that stands below the step of VAT, said only where both sides are without it. Empty where nobody knows."""
    audit = report.audit
    spent = money.total("spend_vat") > 0 or audit.vat("spend") == "excluded"
    kept = money.total("vat") > 0 or (money.basis == "payments" and audit.vat("payments") == "excluded")
    told = {"gross": money.total("vat") > 0, "exported": money.total("spend_vat") > 0}
    found = {
        f"{name}_tax": phrase(report, f"{GROUP}.tax", "with" if known else "none")
        for name, known in told.items()
    }
    found["spent_tax"] = phrase(report, f"{GROUP}.tax", "without" if spent else "none")
    return found | {"below_tax": phrase(report, f"{GROUP}.tax", "below" if spent and kept else "none")}


def spans(low: pd.Series, high: pd.Series) -> list[tuple]:
    """Intervals for a table; one without a width says nothing."""
    return list(zip(low.where(low != high), high, strict=True))


def _source(report: Report) -> str:
    return report.audit.economics.incremental_from or ""


# --- the ladder ---
def ladder(report: Report, money, earned) -> View:
    """The waterfall from boasted revenue to money; per channel in a table; and where all payments belong."""
    group = f"{GROUP}.ladder"
    if money.missing:
        return View(finding=missing(report, group, "romi_ladder", "marketing", need=f"need_{money.missing}"))
    values = _values(report, money, earned)
    if not told(money):
        return View(
            finding=state(
                report, group, "romi_ladder", "marketing", variant="untied", status="cannot_tell", **values
            )
        )
    old = earned.end != "at_most" or earned.at("anyway") == earned.at("anyway")
    variant = earned.end if old else "no_old"
    number = Number(float(values["left"]), "money", earned.low, earned.high, values["purchases"])
    finding = state(report, group, "romi_ladder", "ceo", number, variant=variant, **values)
    sign = "loss" if earned.high < 0 else "gain" if earned.low > 0 else "even"
    if values["purchases"] < report.audit.thresholds.few_wins:
        headline = phrase(report, f"{GROUP}.outcome", "few", **values)
        finding = replace(finding, headline=headline, status="cannot_tell")
    else:
        finding = replace(finding, headline=phrase(report, f"{GROUP}.outcome", earned.end, sign, **values))
    rows = _steps(report, money, earned)
    caption = phrase(report, group, "caption", earned.end, **values)
    figure = Figure(charts_money.ladder, rows, title=phrase(report, group, "title"), caption=caption)
    kinds = {"label": "text", "value": "money"} | ({"by": "money", "romi": "percent"} if money.costed else {})
    heads = columns(report, group, kinds)
    told_rows = phrase(report, group, "table", "" if money.costed else "bare")
    table = Table("ladder", rows, heads, told_rows, bold=rows["total"])
    notes = {"note_taxed": values["spend_vat"], "note_assumed": values["assumed"]}
    note = " ".join(phrase(report, group, name, **values) for name, there in notes.items() if there)
    more = [*_channels(report, money, earned), _places(report, money)]
    return View(finding=finding, figure=figure, table=table, tables=more, note=note)


def _steps(report: Report, money, earned) -> pd.DataFrame:
    """Steps in words; what takes nothing off is left out, and a total that only repeats the one above.

    Without known costs they stop at the revenue: less advertising it would look like money that is left.
    """
    steps = earned.steps if money.costed else earned.steps.iloc[:-2]
    zero = steps["value"].map(float) == 0
    shown = steps[~(zero & ~steps["total"] & ~steps["step"].isin(ALWAYS))]
    repeats = shown["total"] & shown["total"].shift(fill_value=False)
    shown = shown[~repeats].reset_index(drop=True)
    stated = "stated" if earned.stated is not None else ""
    off = phrase(report, f"{GROUP}.off", "vat" if "vat" in set(shown["step"]) else "returns")
    words = tax(report, money)
    labels = [phrase(report, f"{GROUP}.steps", name, stated, off=off, **words) for name in shown["step"]]
    last = shown["step"] == earned.end
    ends = {"low": earned.low, "high": earned.high}
    limits = {name: [value if mine else math.nan for mine in last] for name, value in ends.items()}
    return shown.drop(columns="base").assign(
        label=labels, value=shown["value"].map(float), by=shown["by"].map(float, na_action="ignore").astype(float),
        named=last, **limits,
    )  # fmt: skip


def _channels(report: Report, money, earned) -> list[Table]:
    """Per channel: ROMI on revenue as it was exported; and what is left, without VAT. Each beside its two sums.

    Rates of a channel with few purchases are shown with their interval, and named nowhere.
    """
    group, words = f"{GROUP}.ladder", tax(report, money)
    frame = earned.channels.assign(
        channel=[report.words.group(name) for name in earned.channels.index],
        interval=spans(earned.channels["low"], earned.channels["high"]),
    ).sort_values("spend", ascending=False, kind="stable")
    boasted = {"channel": "text", "purchases": "count", "gross": "money", "exported": "money",
               "romi_gross": "percent"}  # fmt: skip
    left = {"channel": "text", "net": "money", "spend": "money", "money": "money", "interval": "money_range"}
    if money.costed:
        left = {"channel": "text", "contribution": "money", "spend": "money", "romi_net": "percent",
                "first": "money", "romi_first": "percent", "money": "money", "interval": "money_range"}  # fmt: skip
    costed = "" if money.costed else "bare"
    heads = [columns(report, group, kinds, costed, **words) for kinds in (boasted, left)]
    captions = [phrase(report, group, name, costed, **words) for name in ("table_channels", "table_left")]
    names = ("romi_channels", "romi_channels_left")
    return [Table(name, frame, *told) for name, *told in zip(names, heads, captions, strict=True)]


def _places(report: Report, money) -> Table:
    """All purchases by where their inquiry came from: their sum is that of the payments."""
    group = f"{GROUP}.ladder"
    frame = money.places.assign(
        place=[phrase(report, f"{GROUP}.places", name) for name in money.places.index]
    )
    frame = frame[(frame["purchases"] > 0) | (frame["amount"].map(float) != 0)]
    kinds = {"place": "text", "purchases": "count", "gross": "money", "returned": "money", "amount": "money"}
    heads = columns(report, group, kinds, **tax(report, money))
    return Table("romi_places", frame, heads, phrase(report, group, "table_places"))


# --- VAT ---
def vat(report: Report, money, earned) -> View:
    """Whether VAT stands on both sides, on one, or nobody knows."""
    if not told(money):
        return View()
    group, audit = f"{GROUP}.vat", report.audit
    paid = audit.vat("payments") if money.basis == "payments" else "unknown"
    variant = _vat(paid, audit.vat("spend"), audit.economics.vat is not None)
    values = _values(report, money, earned)
    sides = {name: phrase(report, f"{GROUP}.sides", side) for name, side in
             (("payments", paid), ("advertising", audit.vat("spend")))}  # fmt: skip
    status = "cannot_tell" if variant in ("unknown", "no_rate") else "ok"
    number = Number(float(values["vat"]), "money", n=values["purchases"]) if status == "ok" else None
    return View(
        finding=state(
            report, group, "romi_vat", "data", number, variant=variant, status=status, **values, **sides
        )
    )


def _vat(payments: str, spend: str, rate: bool) -> str:
    if "unknown" in (payments, spend):
        return "unknown"
    if "included" in (payments, spend) and not rate:
        return "no_rate"
    if payments == spend:
        return "both" if payments == "included" else "neither"
    return "revenue" if payments == "included" else "spend"


# --- break-even ---
def break_even(report: Report, money, earned) -> View:
    """The ROMI on revenue at which advertising leaves nothing, beside the present one; and each factor alone."""
    if not told(money):
        return View()
    group, needed = f"{GROUP}.break_even", earned.needed
    values = _values(report, money, earned) | {
        "needed": needed.romi,
        "margin": _upwards(needed.margin),
        "rate": money.rate,
    }
    if not money.costed:
        variant = "margin" if values["margin"] <= 1 else "over"
        number = Number(needed.margin, "percent", n=values["purchases"])
        return View(finding=state(report, group, "romi_break_even", "ceo", number, variant=variant, **values))
    if math.isnan(needed.romi):
        return View(finding=state(report, group, "romi_break_even", "ceo", variant="none", **values))
    number = Number(needed.romi, "percent", n=values["purchases"])
    variant = "above" if earned.boasted >= needed.romi else "below"
    values["least"] = "" if earned.stated is not None else f" {phrase(report, group, 'least')}"
    finding = state(report, group, "romi_break_even", "ceo", number, variant=variant, **values)
    now = (("romi", earned.boasted, needed.romi), ("margin", money.rate, needed.margin),
           ("incremental", values["share"], needed.incremental))  # fmt: skip
    bound = "" if earned.stated is not None else "bound"
    rows = pd.DataFrame([
        {"label": phrase(report, f"{group}.factor", name, bound), "now": is_, "needed": must,
         "verdict": phrase(report, f"{group}.reach", _reach(name, is_, must))}
        for name, is_, must in now
    ])  # fmt: skip
    kinds = {"label": "text", "now": "percent", "needed": "percent", "verdict": "text"}
    return View(
        finding=finding,
        table=Table("break_even", rows, columns(report, group, kinds), phrase(report, group, "table")),
    )


def _reach(name: str, now: float, needed: float) -> str:
    if math.isnan(needed) or (name != "romi" and needed > 1):
        return "never"
    return "yes" if now >= needed else "no"


# --- what would have come anyway ---
def incremental(report: Report, money, earned) -> View:
    """The share of sales that advertising brought: stated, bounded by new clients, or guessed. Never silently all.

    Beside the bound stands what is left if only the first purchases of these clients count.
    """
    if not told(money):
        return View()
    group = f"{GROUP}.incremental"
    values = _values(report, money, earned) | {"needed": earned.needed.incremental}
    if not money.costed or math.isnan(earned.upper):
        unknown = "none" if money.costed else "bare"
        return View(
            finding=state(
                report,
                group,
                "romi_incremental",
                "marketing",
                variant=unknown,
                status="cannot_tell",
                **values,
            )
        )
    table, may = earned.scenarios, earned.may
    values |= {"least": may["money"].min(), "most": may["money"].max()}
    stated = earned.stated is not None
    above = stated and earned.stated > earned.upper
    variant = "above" if above else "stated" if stated else "never" if values["needed"] > 1 else ""
    number = Number(values["share"], "percent", n=values["purchases"])
    status = "ok" if variant else "cannot_tell"
    finding = state(
        report, group, "romi_incremental", "marketing", number, variant=variant, status=status, **values
    )
    sources = {
        name: phrase(report, f"{group}.source", name) for name in ("scenario", "first", "upper", "stated")
    }
    rows = table.assign(
        label=[phrase(report, group, f"label_{row.source}", share=row.incremental) for row in table.itertuples()],
        value=table["money"].map(float), named=table["source"].isin(["upper", "stated"]), n=values["purchases"],
        interval=spans(table["low"], table["high"]),
        basis=[sources[name] if possible else phrase(report, f"{group}.source", "impossible")
               for name, possible in zip(table["source"], table["possible"], strict=True)],
    )  # fmt: skip
    figure = Figure(
        charts.bars, rows, phrase(report, group, "title"), phrase(report, group, "caption", **values)
    )
    kinds = {"incremental": "percent", "basis": "text", "money": "money", "interval": "money_range",
             "romi": "percent"}  # fmt: skip
    return View(
        finding=finding, figure=figure,
        table=Table("incremental", rows, columns(report, group, kinds), phrase(report, group, "table")),
    )  # fmt: skip
