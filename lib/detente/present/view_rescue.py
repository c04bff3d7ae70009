"""05: what it could bring to remove a reason, as an upper bound; one fix, and several at once."""

from __future__ import annotations

import pandas as pd

from detente.present import charts
from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_reasons import GROUP, LEAST, asked, columns, name, stage_name

ROWS = 10  # places drawn
FIXES = 3  # of them reckoned together
RATES = {
    "low_rate": 0.5,
    "middle_rate": 0.75,
    "high_rate": 1.0,
}  # of rescued deals: the columns at_50, at_75, at_100


def ranked(report: Report, worth: pd.DataFrame) -> pd.DataFrame:
    """Places with enough losses to be named, first those where even the cautious end of the interval is highest."""
    enough = (worth["known"] >= report.audit.thresholds.min_group) & (worth["lost"] >= LEAST)
    found = worth[enough & (worth["value"] > 0)]
    keys = found.assign(cautious=found["low"].fillna(0))
    order = keys.sort_values(
        ["cautious", "value", "stage", "reason"], ascending=[False, False, True, True]
    ).index
    return _rounded(found.loc[order].reset_index(drop=True))


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Money of an estimate to three digits: more would look surer than it is."""
    money = [
        item for item in table if item in ("value", "low", "high", "lost_worth") or item.startswith("at_")
    ]
    return table.assign(**{item: [about(value) for value in table[item]] for item in money})


def about(value: float) -> float:
    """To three significant digits; hundredths of small change stay away."""
    return float(f"{value:.3g}")


def fixes(cells: pd.DataFrame, ranked: pd.DataFrame) -> list[pd.DataFrame]:
    """The losses behind the first places, for `rescue.together`."""
    return [
        cells[(cells["stage"] == row.stage) & (cells["reason"] == row.reason)]
        for row in ranked.head(FIXES).itertuples()
    ]


def worth(report: Report, ripe, cells: pd.DataFrame, ranked: pd.DataFrame) -> View:
    """What a fix of one reason at one stage could bring."""
    group, limits = f"{GROUP}.worth", report.audit.thresholds
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    if cells["stage"].isna().all():
        return View(finding=missing(report, group, "rescue_worth", "data"))
    if ranked.empty:
        return View(finding=state(report, group, "rescue_worth", "ceo", variant="none", status="cannot_tell"))
    rows = ranked.assign(
        place=[phrase(report, group, "place", stage=stage_name(report, row.stage), reason=name(report, row))
               for row in ranked.itertuples()],
        owner_words=[phrase(report, f"{GROUP}.owner", item) for item in ranked["owner"]],
        interval=list(zip(ranked["low"], ranked["high"], strict=True)),
    )  # fmt: skip
    row = rows.iloc[0]
    known = row["low"] == row["low"]
    number = Number(row["value"], "money", row["low"], row["high"], int(row["lost"]))
    finding = state(
        report, group, "rescue_worth", asked(row["owner"]), number, variant="" if known else "bare",
        stage=stage_name(report, row["stage"]), reason=name(report, next(ranked.itertuples())), lost=row["lost"],
        fix=limits.fix_share, rescued=limits.rescued, value=row["value"], interval=row["interval"],
        half=row["at_50"], most=row["at_75"], full=row["at_100"], owner=row["owner_words"], **RATES,
    )  # fmt: skip
    near = len(rows) > 1 and rows["high"].iloc[1] >= row["value"]
    note = phrase(report, group, "near", place=rows["place"].iloc[1]) if near else ""
    bars = rows.head(ROWS).rename(columns={"place": "label", "lost": "n"}).assign(named=False)
    bars.loc[bars.index[0], "named"] = True
    ends = {name: bars[name].fillna(bars["value"]) for name in ("low", "high")}
    caption = phrase(
        report, group, "caption", fix=limits.fix_share, rescued=limits.rescued, ripe=limits.ripe_days
    )
    figure = Figure(charts.bars, bars.assign(**ends), phrase(report, group, "title"), caption)
    kinds = {"place": "text", "owner_words": "text", "lost": "count", "at_50": "money", "at_75": "money",
             "at_100": "money", "value": "money", "interval": "money_range"}  # fmt: skip
    if limits.rescued in RATES.values():  # one of the three already
        del kinds["value"]
    heads = columns(report, kinds, **RATES, rescued=limits.rescued)
    table = Table("worth", rows, heads, phrase(report, group, "table", fix=limits.fix_share))
    return View(finding=finding, figure=figure, table=table, note=note)


def together(report: Report, ripe, ranked: pd.DataFrame, several) -> View:
    """Several fixes at once, through one chain. several : `rescue.together` over `fixes`."""
    group, limits = f"{GROUP}.together", report.audit.thresholds
    if len(ranked) < 2:
        few = {"variant": "few", "status": "cannot_tell"}
        return View(finding=state(report, group, "rescue_together", "ceo", **few))
    places = "; ".join(
        phrase(
            report, f"{GROUP}.worth", "place", stage=stage_name(report, row.stage), reason=name(report, row)
        )
        for row in ranked.head(FIXES).itertuples()
    )
    known = several.low == several.low
    value, low, high, singles, base = (
        about(item) for item in (several.value, several.low, several.high, several.singles, several.base)
    )
    number = Number(value, "money", low, high, several.lost)
    finding = state(
        report, group, "rescue_together", "ceo", number, variant="" if known else "bare", value=value,
        interval=(low, high), singles=singles, base=base, fixes=several.fixes,
        share=several.value / several.base, lost=several.lost, places=places, fix=limits.fix_share,
        rescued=limits.rescued,
    )  # fmt: skip
    return View(finding=finding)
