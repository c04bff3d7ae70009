"""10: do marketing and sales work for the segments that bring the money."""

from __future__ import annotations

import math
from decimal import Decimal

import pandas as pd

from detente.present import charts_money
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "focus"
PICTURE = ("revenue", "margin", "spend", "leads", "minutes", "tasks", "open")
KINDS = {"revenue": "money", "margin": "money", "spend": "money", "orders": "count", "leads": "count",
         "minutes": "count", "tasks": "count", "open": "count"}  # fmt: skip
PARTS = 8  # segments in a picture; the smaller ones stand together
HIDDEN = ("open",)  # drawn, but not held against each other: most deals are closed by then
UNKNOWN = 0.2  # more without a segment is said first
ALIKE = 1.5  # average orders nearer to each other are not held against each other
LEAST = 5  # orders behind an average check that is named


def verdict(report: Report, profile, spend, time, ordered) -> View:
    """Whether the work goes where the money comes from."""
    known = [item for item in (spend, time) if item.verdict]
    if profile.status != "ok" or not known:
        reason = "missing" if profile.status != "ok" else "no_money"
        return View(phrase(report, GROUP, "title", reason), tone="warn")
    sure = [item for item in known if item.status == "ok"]
    if not sure:
        points = list(dict.fromkeys(_fact(report, item) for item in known))
        return View(phrase(report, GROUP, "title", _unsure(known[0])), points=points, tone="plain")
    worst = max(sure, key=lambda item: item.value)
    title = phrase(report, GROUP, "title", worst.verdict, **_values(report, worst))
    points = [_fact(report, item) for item in known]
    if ordered.status == "ok" and ordered.ahead:
        points.append(phrase(report, f"{GROUP}.order", "fact", "reversed", **order_values(report, ordered)))
    return View(title, points=points, tone={"match": "good", "torn": "bad"}.get(worst.verdict, "warn"))


def tiles(report: Report, spend, time, faster) -> list[Tile]:
    """How much of the advertising and of the time lies elsewhere, and how soon the main segment is called."""
    found = [_tile(report, item) for item in (spend, time) if item.verdict and not item.dark]
    if faster.judged >= LEAST:
        values = {"top": quoted(report, faster.segment), "share": faster.share, "n": faster.judged}
        found.append(
            Tile(
                phrase(report, GROUP, "tile_response", **values), report.words.percent(faster.share),
                base=phrase(report, GROUP, "tile_response_base", rest=faster.rest, **values),
            )
        )  # fmt: skip
    return found


def _tile(report: Report, item) -> Tile:
    interval = (
        "" if math.isnan(item.low) else phrase(report, GROUP, "tile_interval", interval=(item.low, item.high))
    )
    label = phrase(report, GROUP, "tile_apart", what=phrase(report, f"{GROUP}.of", item.other))
    return Tile(label, report.words.percent(item.value), interval, _amount(report, item))


# --- sections ---
def money_spend(report: Report, profile, item, checks: pd.DataFrame, pairs: pd.DataFrame) -> View:
    """Marketing against money, with the picture of all departments."""
    if profile.status != "ok":
        return View(
            finding=missing(report, GROUP, "focus_money_spend", "data", need=f"need_{profile.status}")
        )
    found = _money(report, item, "spend", "focus_money_spend", "marketing")
    if item.dark:
        return View(finding=found, table=_amounts(report, profile))
    figure = _picture(report, profile)
    notes = [*_cautions(report, profile, item), *_by_margin(report, item, pairs), *_losses(report, profile)]
    notes += [_check_note(report, item, checks), phrase(report, GROUP, "average")]
    tables = [_amounts(report, profile), *_index(report, item)]
    return View(finding=found, figure=figure, tables=tables, note=" ".join(filter(None, notes)))


def money_time(report: Report, profile, item, pairs: pd.DataFrame) -> View:
    """Sales against money; without money there is nothing that the section before has not said."""
    if profile.status != "ok" or not profile.shares(item.one):
        return View()
    found = _money(report, item, "time", "focus_money_time", "sales")
    if not item.verdict:
        return View(finding=found)
    if item.dark:
        return View(finding=found)
    note = " ".join([*_cautions(report, profile, item), *_by_margin(report, item, pairs)])
    return View(finding=found, tables=_index(report, item), note=note)


def _money(report: Report, item, name: str, ident: str, ask: str):
    group = f"{GROUP}.{name}"
    if not item.verdict:
        lacks = "no_work" if name == "time" else "no_money"
        return missing(report, f"{GROUP}.{lacks}", ident, "data")
    variant = item.verdict if item.status == "ok" else _unsure(item)
    number = Number(item.value, "percent", item.low, item.high, item.n)
    least = report.audit.thresholds.min_group
    values = _values(report, item) | {"fact": _fact(report, item), "least": least}
    return state(report, group, ident, ask, number, variant=variant, status=item.status, **values)


def between(report: Report, profile, item, pairs: pd.DataFrame) -> View:
    """Marketing against sales, whatever brings the money; and every pair of resources."""
    if profile.status != "ok" or not item.verdict or item.dark:
        return View()
    values = _values(report, item)
    number = Number(item.value, "percent")
    found = state(report, f"{GROUP}.between", "focus_between", "ceo", number, variant=item.verdict, **values)
    rows = pairs[~pairs["one"].isin(HIDDEN) & ~pairs["other"].isin(HIDDEN)].reset_index(drop=True)
    rows = rows.assign(
        **{f"{name}_words": [named(report, x) for x in rows[name]] for name in ("one", "other")},
        interval=list(zip(rows["low"], rows["high"], strict=True)),
        said=[phrase(report, f"{GROUP}.verdict", x) for x in rows["verdict"]],
    )
    kinds = {"one_words": "text", "other_words": "text", "value": "percent", "interval": "percent_range",
             "said": "text"}  # fmt: skip
    limits = report.audit.thresholds
    caption = phrase(report, f"{GROUP}.between", "table", match=limits.focus_match, torn=limits.focus_torn)
    return View(finding=found, table=table(report, "pairs", rows, kinds, caption))


# --- pieces of sentences ---
def quoted(report: Report, name: str) -> str:
    return report.words.t("common.quoted", name=report.words.group(name))


def named(report: Report, resource: str) -> str:
    return phrase(report, f"{GROUP}.resource", resource)


def _values(report: Report, item) -> dict:
    """What a sentence about two resources needs: the segment that gets too little, and the one that gets too much."""
    enough = item.rows[item.rows["n"] >= report.audit.thresholds.min_group]
    shown = enough if len(enough) > 1 else item.rows  # small segments are shown and not named
    gap = shown["p"] - shown["q"]
    top, over = gap.idxmax(), gap.idxmin()
    rows = item.rows.loc
    return {
        "top": quoted(report, top), "over": quoted(report, over), "p": rows[top]["p"], "q": rows[top]["q"],
        "op": rows[over]["p"], "oq": rows[over]["q"], "what": phrase(report, f"{GROUP}.of", item.other),
        "from_what": phrase(report, f"{GROUP}.of", item.one), "value": item.value, "n": item.n,
        "unknown": max(item.unknown, item.other_unknown) if item.dark else math.nan,
        "darkest": phrase(report, f"{GROUP}.of", item.one if item.unknown >= item.other_unknown else item.other),
        "between": _ends(report, item.low, item.high),
        "amount": _amount(report, item),
    }  # fmt: skip


def _unsure(item) -> str:
    """Why nothing can be told."""
    return "dark" if item.dark else "cannot"


def _fact(report: Report, item) -> str:
    variant = item.verdict if item.status == "ok" else _unsure(item)
    least = report.audit.thresholds.min_group
    return phrase(report, GROUP, "fact", variant, least=least, **_values(report, item))


def _amount(report: Report, item) -> str:
    """What would have to be moved, in its own unit."""
    size = 60 if item.other == "minutes" else 1
    moved, total = round(item.moved / size, 2), item.total / size
    return phrase(
        report, f"{GROUP}.amount", item.other, moved=moved, total=round(total, 0 if total >= 10 else 1)
    )


def _cautions(report: Report, profile, item) -> list[str]:
    """What to know before the number is believed."""
    if not item.verdict or item.dark:
        return []
    told = []
    if profile.basis != "payments" and item.n:
        told.append(phrase(report, GROUP, "basis", profile.basis))
    for name, unknown in ((item.one, item.unknown), (item.other, item.other_unknown)):
        if unknown > UNKNOWN:
            told.append(
                phrase(report, GROUP, "unknown", share=unknown, what=phrase(report, f"{GROUP}.of", name))
            )
    if item.flips:
        told.append(phrase(report, GROUP, "largest", share=item.largest, without=item.without))
    return told


def _by_margin(report: Report, item, pairs: pd.DataFrame) -> list[str]:
    """The same by what is left of the money."""
    found = pairs[(pairs["one"] == "margin") & (pairs["other"] == item.other)]
    if not item.verdict or item.one == "margin" or found.empty:
        return []
    row = found.iloc[0]
    said = phrase(report, f"{GROUP}.verdict", row["verdict"])
    return [
        phrase(
            report,
            GROUP,
            "by_margin",
            value=row["value"],
            ends=_ends(report, row["low"], row["high"]),
            said=said,
        )
    ]


def _ends(report: Report, low: float, high: float) -> str:
    return "" if math.isnan(low) else phrase(report, GROUP, "between_ends", ends=(low, high))


def _check_note(report: Report, item, checks: pd.DataFrame) -> str:
    """How many orders of one segment make up one of another."""
    known = checks[(checks["orders"] >= LEAST) & (checks["check"] > 0)]
    if not item.verdict or len(known) < 2:
        return ""
    large, small = known["check"].idxmax(), known["check"].idxmin()
    values = {"top": quoted(report, large), "check": known["check"][large], "over": quoted(report, small),
              "other": known["check"][small]}  # fmt: skip
    ratio = round(known["check"][large] / known["check"][small], 1)
    return phrase(report, GROUP, "checks", ratio=ratio, **values) if ratio >= ALIKE else ""


def _losses(report: Report, profile) -> list[str]:
    """Segments that leave less than nothing."""
    if "margin" not in profile.amounts:
        return []
    sums = profile.amounts["margin"]
    found = [(name, value) for name, value in sums.items() if value < 0 and isinstance(name, str)]
    return [phrase(report, GROUP, "loss", segment=quoted(report, name), value=value) for name, value in found]


def order_values(report: Report, ordered) -> dict:
    first, touch = ordered.rows.iloc[0], ordered.rows["touch_rank"].iloc[0]
    ahead = ", ".join(quoted(report, name) for name in ordered.ahead)
    values = {
        "top": quoted(report, ordered.top), "p": first["money"], "q": first["effort"], "ahead": ahead,
        "rank": int(first["effort_rank"]), "of": len(ordered.rows),
        "by": phrase(report, f"{GROUP}.by", ordered.effort), "what": phrase(report, f"{GROUP}.of", ordered.effort),
    }  # fmt: skip
    late = touch == touch and touch > 1
    return values | {"touch": phrase(report, f"{GROUP}.order", "touch", rank=int(touch)) if late else ""}


# --- pictures and tables ---
def _picture(report: Report, profile) -> Figure:
    """Shares of all resources, one row each; small segments together."""
    names = [name for name in PICTURE if profile.shares(name)]
    shares = {name: profile.shares(name) for name in names}
    order = sorted(profile.amounts.index.dropna(), key=lambda x: (-shares[names[0]].get(x, 0.0), x))
    own = order if len(order) <= PARTS else order[: PARTS - 1]
    rows = []
    for name in names:
        row = {report.words.group(part): shares[name].get(part, 0.0) for part in own}
        if len(own) < len(order):
            row[phrase(report, GROUP, "others", n=len(order) - len(own))] = 1 - sum(row.values())
        base = phrase(report, f"{GROUP}.base", name, value=_total(profile, name))
        rows += [
            {"label": named(report, name), "part": part, "share": share, "base": base}
            for part, share in row.items()
        ]
    caption = phrase(report, GROUP, "caption", since=profile.since, until=profile.until)
    return Figure(charts_money.profiles, pd.DataFrame(rows), phrase(report, GROUP, "picture"), caption)


def _total(profile, name: str) -> Decimal | float:
    return _added(profile.amounts[name][profile.amounts.index.notna()])


def _added(sums: pd.Series) -> Decimal | float:
    """Decimals stay exact."""
    return sum(sums.iloc[1:], sums.iloc[0])


def _amounts(report: Report, profile) -> Table:
    """Sums per segment, what has none, the experiments, and the whole: each column sums to its source."""
    columns = [name for name in KINDS if name in profile.amounts]
    trials = profile.trials.rename(index=lambda name: phrase(report, GROUP, "trial", trial=name))
    parts = [profile.amounts.rename(index=lambda name: report.words.group(name)), trials]
    sums = pd.concat([part[columns] for part in parts if len(part)])
    lead = next(name for name in ("revenue", "leads") if name in columns)
    stated = [report.words.group(name) for name in profile.amounts.index.dropna()]
    order = sorted(stated, key=lambda name: (-sums[lead][name], name))
    sums = sums.loc[[*order, *(name for name in sums.index if name not in order)]]
    total = {name: _added(sums[name]) for name in columns}
    sums.loc[phrase(report, GROUP, "total")] = pd.Series(total)
    rows = sums.assign(label=list(sums.index))
    if "margin" in columns:  # what is not known is not 0
        trial = {
            phrase(report, GROUP, "trial", trial=name)
            for name in profile.trials.index
            if name in profile.dark
        }
        dark = trial | {report.words.group(name or math.nan) for name in profile.dark}
        rows["margin"] = rows["margin"].where(~rows["label"].isin(dark), None)
    bold = pd.Series([False] * (len(rows) - 1) + [True])
    kinds = {"label": "text", **{name: KINDS[name] for name in columns}}
    return table(report, "amounts", rows, kinds, phrase(report, GROUP, "table"), bold)


def _index(report: Report, item) -> list[Table]:
    """The share of money against the share of work."""
    if not item.verdict:
        return []
    rows = item.rows.assign(label=[report.words.group(name) for name in item.rows.index])
    kinds = {"label": "text", "p": "percent", "q": "percent", "index": "times"}
    caption = phrase(report, GROUP, "table_index", what=phrase(report, f"{GROUP}.of", item.other))
    return [table(report, f"index_{item.other}", rows, kinds, caption)]


def table(report: Report, name: str, rows: pd.DataFrame, kinds: dict, caption: str, bold=None) -> Table:
    columns = [Column(key, phrase(report, f"{GROUP}.columns", key), kind) for key, kind in kinds.items()]
    return Table(name, rows, columns, caption, bold)
