"""05: do channels or segments differ in the reasons for which their deals stop?"""

from __future__ import annotations

import pandas as pd

from detente.present.pieces import Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_reasons import DRAWN, GROUP, REST, columns, heat, name, named_rows


def groups(report: Report, by: str, ripe, split: pd.DataFrame, stand_out: pd.DataFrame) -> View:
    """Where a reason is more frequent than elsewhere. by: "channel" or "segment"."""
    group, ident, least = f"{GROUP}.{by}", f"reason_{by}", report.audit.thresholds.min_group
    ask = "marketing" if by == "channel" else "sales"
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    if split[by].isna().all():
        return View(finding=missing(report, group, ident, "data"))
    named = stand_out[stand_out["named"]]
    if (split.dropna(subset=[by]).drop_duplicates(by)["known"] >= least).sum() < 2:
        finding = state(report, group, ident, ask, variant="few", status="cannot_tell", need=least)
    elif named.empty:
        finding = state(
            report, group, ident, ask, variant="even", status="cannot_tell", compared=len(stand_out)
        )
    else:
        row = next(named.itertuples())
        number = Number(row.share, low=row.low, high=row.high, n=int(row.known))
        finding = state(
            report, group, ident, ask, number, where=report.words.group(getattr(row, by)), reason=name(report, row),
            lost=row.lost, known=row.known, share=row.share, rest=row.rest_share, difference=row.difference,
            interval=(row.diff_low, row.diff_high), compared=row.compared,
        )  # fmt: skip
    rows = named_rows(report, split).assign(group_name=[report.words.group(item) for item in split[by]])
    rows = rows.sort_values("known", ascending=False, kind="stable")
    names = rows["group_name"].unique()
    seen = {"shown": min(len(names), DRAWN), "all": len(names)}
    variant = "all" if len(names) <= DRAWN else ""
    figure = heat(report, group, rows[rows["group_name"].isin(names[:DRAWN])], "group_name", variant, **seen)
    return View(finding=finding, figure=figure, table=_leading(report, by, rows))


def _leading(report: Report, by: str, rows: pd.DataFrame) -> Table:
    """One row per group: its losses and the reason that leads them among those that say something."""
    said = rows[(rows["said"] == "reason") & (rows["reason"] != REST) & (rows["lost"] > 0)]
    best = said.sort_values("lost", ascending=False, kind="stable").drop_duplicates("group_name")
    table = rows.drop_duplicates("group_name")[["group_name", "known"]]
    table = table.merge(
        best[["group_name", "name", "lost", "share", "interval"]], on="group_name", how="left"
    )
    table["interval"] = [
        item if isinstance(item, tuple) else (float("nan"),) * 2 for item in table["interval"]
    ]
    kinds = {"group_name": "text", "known": "count", "leading": "text", "lost": "count", "share": "share",
             "interval": "percent_range"}  # fmt: skip
    caption = phrase(report, f"{GROUP}.{by}", "table")
    return Table(by, table.rename(columns={"name": "leading"}), columns(report, kinds), caption)
