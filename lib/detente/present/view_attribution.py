"""12: which channel gets the money of a purchase, by five rules; and what the next rouble of advertising brings."""

from __future__ import annotations

import pandas as pd

from detente.present import charts, charts_money
from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state
from detente.present.view_romi import GROUP, columns, spans, taken_off, tax, told

MODELS = ("first", "last", "linear", "u_shape", "decay")


def attribution(report: Report, money, credit, worth: pd.DataFrame, marks: pd.DataFrame) -> View:
    """What each channel left by every rule, never one number. worth, marks: of `credit`."""
    if not told(money) or credit is None or not credit.purchases:
        return View()
    group, limits = f"{GROUP}.attribution", report.audit.thresholds
    known = worth[worth["purchases"] >= limits.min_group]
    depends = [str(name) for name in known.index[known["sign"] == "depends"]]
    quoted = [report.words.t("common.quoted", name=name) for name in depends]
    variant = "same" if credit.share < limits.material else "depends" if depends else "stable"
    values = {
        "several": credit.several, "purchases": credit.purchases, "share": credit.share, "repeated": credit.repeated,
        "interval": (credit.low, credit.high), "channels": ", ".join(quoted), "least": limits.min_group,
        "half_life": int(credit.half_life), "material": limits.material,
        "base": phrase(report, f"{group}.base", money.counts, off=taken_off(report, money)),
    }  # fmt: skip
    number = Number(credit.share, "share", credit.low, credit.high, credit.purchases)
    finding = state(report, group, "romi_attribution", "marketing", number, variant=variant, **values)
    table = _worth_table(report, group, worth, variant == "same", money)
    if variant == "same":
        return View(finding=finding, table=table)
    rows = marks.assign(
        label=marks["channel"], n=marks["purchases"], value=marks["romi"], kind="percent", line=0.0,
        line_name=phrase(report, group, "line", money.counts), named=marks["channel"].isin(depends),
        mark=[phrase(report, f"{group}.model", name) for name in marks["model"]],
    )  # fmt: skip
    figure = Figure(
        charts_money.ranges, rows, phrase(report, group, "title"), phrase(report, group, "caption", **values)
    )
    return View(finding=finding, figure=figure, table=table)


def _worth_table(report: Report, group: str, worth: pd.DataFrame, same: bool, money) -> Table:
    """Where the rules agree, the money that the ROMI comes from; else its range, and every rule."""
    least, counts, words = report.audit.thresholds.min_group, money.counts, tax(report, money)
    rows = worth.assign(
        label=worth.index, any=worth["last"], interval=spans(worth["low"], worth["high"]),
        verdict=[phrase(report, f"{group}.sign", sign if n >= least else "few", counts)
                 for sign, n in zip(worth["sign"], worth["purchases"], strict=True)],
    )  # fmt: skip
    kinds = {"label": "text", "purchases": "count", "spend": "money"}
    kinds |= {"left": "money", "any": "percent"} if same else {"interval": "percent_range"}
    kinds |= {"verdict": "text"} | ({} if same else dict.fromkeys(MODELS, "percent"))
    heads = columns(report, group, kinds, counts)
    return Table("attribution", rows, heads, phrase(report, group, "table", counts, **words))


def marginal(report: Report, money, whole, each: pd.DataFrame, days: int) -> View:
    """What one rouble more, or less, of budget moved; never the average rouble.

    whole : `marginal.per_rouble` of all channels; each : `marginal.each`; days : the age at which money was counted.
    """
    if not told(money):
        return View()
    group = f"{GROUP}.marginal"
    variant, status = _next(whole, money.costed)
    values = {
        "slope": whole.slope, "interval": (whole.low, whole.high), "average": whole.average,
        "changes": whole.changes, "needed": whole.needed, "missing": whole.missing, "periods": whole.periods,
        "days": days, "one": 1,
    }  # fmt: skip
    number = Number(whole.slope, "money", whole.low, whole.high, whole.periods) if status == "ok" else None
    finding = state(
        report, group, "romi_marginal", "marketing", number, variant=variant, status=status, **values
    )
    notes = [phrase(report, group, "note_seasons" if whole.seasons else "note_season")]
    notes += [] if money.costed else [phrase(report, group, "note_bare", off=taken_off(report, money))]
    rows = _channel_rows(report, group, each, money.costed)
    kinds = {"label": "text", "periods": "count", "changes": "count", "spent": "money", "average": "money",
             "slope": "money", "interval": "money_range", "verdict": "text"}  # fmt: skip
    caption = phrase(report, group, "table", **tax(report, money))
    table = Table("marginal", rows, columns(report, group, kinds), caption)
    bars = rows[rows["status"] == "ok"].rename(columns={"periods": "n", "slope": "value"}).assign(named=False)
    caption = phrase(report, group, "caption")
    figure = (
        Figure(charts.bars, bars, phrase(report, group, "title", **values), caption) if len(bars) else None
    )
    return View(finding=finding, figure=figure, table=table, note=" ".join(notes))


def _next(found, costed: bool) -> tuple[str, str]:
    """What the interval of the next rouble says. Of revenue alone only that nothing, or something, moved."""
    if found.status != "ok":
        return ("few" if found.status == "cannot_tell" else "unstable"), "cannot_tell"
    level = 1 if costed else 0
    if found.low > level:
        return ("gain" if costed else "moved"), "ok"
    if found.high < level:
        return ("loss" if costed else "fell"), "ok"
    return "unclear", "cannot_tell"


def _channel_rows(report: Report, group: str, each: pd.DataFrame, costed: bool) -> pd.DataFrame:
    verdicts = []
    for row in each.itertuples():
        verdict = _next(row, costed)[0]
        verdicts.append(phrase(report, f"{group}.verdict", verdict, missing=row.missing))
    return each.assign(
        label=each["channel"], verdict=verdicts, interval=list(zip(each["low"], each["high"], strict=True))
    )
