"""04: managers, channels, segments: who wins more of their leads; nobody is named on noise, nobody is blamed."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.findings import Finding
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "league"
ASKED = {
    "channel": "marketing",
    "campaign": "marketing",
    "segment": "ceo",
    "product": "product",
}  # others: sales


def managers(
    report: Report, table: pd.DataFrame, same: pd.DataFrame | None = None, ripe: int | None = None,
    within: bool = False,
) -> View:  # fmt: skip
    """Do managers differ beyond luck? table : `league.guard`; same : `mix.standardise`: do their leads explain it?

    ripe : days of age below which leads did not count; within : only wins of those days did, as for `league.cells`.
    """
    ident, ask = "managers_won", "sales"
    return _league(report, table, "manager", f"{GROUP}.managers", ident, ask, ripe, same, within)


def groups(
    report: Report, name: str, table: pd.DataFrame, ripe: int | None = None, within: bool = False
) -> View:
    """The same for a channel, a segment, a pipeline or any other column `name` of the journeys."""
    ident, ask = f"{name}_won", ASKED.get(name, "sales")
    return _league(report, table, name, f"{GROUP}.groups", ident, ask, ripe, None, within)


def _league(
    report: Report, table: pd.DataFrame, by: str, group: str, ident: str, ask: str, ripe: int | None,
    same: pd.DataFrame | None, within: bool,
) -> View:  # fmt: skip
    nouns = nouns_of(report, by)
    if len(table) and not table.index.notna().any():
        return View(finding=missing(report, group, ident, ask, **nouns))
    days = report.audit.thresholds.ripe_days if ripe is None else ripe
    finding = _compare(report, table, by, group, ident, ask, same, nouns | {"ripe": days})
    rows = _rows(report, table, by)
    drawn = rows[rows.index.notna()]
    figure = Figure(
        charts.plot_funnel, drawn, title=phrase(report, group, "title", **nouns),
        caption=phrase(report, group, "caption", min_group=report.audit.thresholds.min_group, **nouns),
    ) if len(drawn) > 1 else None  # fmt: skip
    young = int(table["young"].sum()) if "young" in table else 0
    notes = [phrase(report, GROUP, "within", ripe=days)] if within else []
    notes += [phrase(report, GROUP, "young", young=young, ripe=days)] if young else []
    note = " ".join(notes)
    return View(
        finding=finding, figure=figure, table=_table(report, rows, by, group, ident, nouns), note=note
    )


def nouns_of(report: Report, by: str) -> dict[str, str]:
    """What the groups are called: {groups} compare, {of} many, {one} is one."""
    known = by if report.words.has(f"{GROUP}.nouns.{by}") else "group"
    return {
        name: phrase(report, f"{GROUP}.nouns", f"{known}{suffix}")
        for name, suffix in (("one", ""), ("groups", "_many"), ("of", "_of"))
    }


def name_of(report: Report, by: str, value: object) -> str:
    """A group as a table shows it."""
    return report.words.manager(value) if by == "manager" else report.words.group(value)


def quoted(report: Report, by: str, value: object) -> str:
    """In a sentence a manager stands as he is, a group of leads in quotes."""
    name = name_of(report, by, value)
    return name if by == "manager" else report.words.t("common.quoted", name=name)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Those whom the report may name, the surest first; of equally sure ones, those who win more."""
    named = table[table["named"]].sort_index(kind="stable")
    return named.sort_values(["p_adjusted", "difference"], ascending=[True, False], kind="stable")


def _compare(
    report: Report, table: pd.DataFrame, by: str, group: str, ident: str, ask: str, same, values: dict
) -> Finding:
    """Name whom the guard lets be named, or say how much more it takes."""
    least = report.audit.thresholds.min_group
    if len(table) and table["late"].all():
        return state(report, group, ident, ask, variant="late", status="cannot_tell", **values)
    compared = table[table["p"].notna()]
    if compared.empty:
        one = "one" if table.index.notna().sum() == 1 else "few"
        return state(report, group, ident, ask, variant=one, status="cannot_tell", need=least, **values)
    values = values | {"compared": len(compared)}
    named = _named(table)
    if named.empty:
        return _nobody(report, group, ident, ask, compared, values)
    first = named.iloc[0]
    why, doubt = _why(report, same, named.index[0], first["difference"])
    side = "better" if first["difference"] > 0 else "worse"
    ends = sorted((abs(first["diff_low"]), abs(first["diff_high"])))
    return state(
        report, group, ident, ask, Number(first["share"], low=first["low"], high=first["high"], n=int(first["trials"])),
        variant=f"{side}{doubt}", who=quoted(report, by, named.index[0]), share=first["share"],
        interval=(first["low"], first["high"]), hits=first["hits"], trials=first["trials"], rest=first["rest_share"],
        difference=abs(first["difference"]), difference_interval=tuple(ends), why=why,
        others=_others(report, by, named), **values,
    )  # fmt: skip


def _nobody(
    report: Report, group: str, ident: str, ask: str, compared: pd.DataFrame, values: dict
) -> Finding:
    """Nobody is named: since all look alike, since nobody alone is sure, or since the difference is small."""
    far = compared.loc[compared["difference"].abs().idxmax()]
    lacking = phrase(report, GROUP, "lacking", needed=int(far["needed"])) if far["needed"] > 0 else ""
    small = abs(far["difference"]) < report.audit.thresholds.material and far["p_adjusted"] < 1 - report.level
    differ = "unclear" if far["p_alike"] < 1 - report.level else "even" if lacking else "same"
    return state(
        report, group, ident, ask, variant="small" if small else differ, status="ok" if small else "cannot_tell",
        p=far["p_alike"], least=compared["share"].min(), most=compared["share"].max(), whole=far["whole"],
        difference=abs(far["difference"]), lacking=lacking, **values,
    )  # fmt: skip


def _others(report: Report, by: str, named: pd.DataFrame) -> str:
    """The others who differ, said apart by the side on which they do."""
    said = ""
    for side, chosen in (("more", named["difference"] > 0), ("less", named["difference"] < 0)):
        names = [quoted(report, by, name) for name in named.index[1:][chosen.iloc[1:].to_numpy(bool)]]
        said += phrase(report, GROUP, f"others_{side}", names=", ".join(names)) if names else ""
    return said


def _why(report: Report, same: pd.DataFrame | None, name: object, difference: float) -> tuple[str, str]:
    """What like leads say about a named manager; "_leads" where his leads set him apart, "_unproven" where they may."""
    if same is None or name not in same.index or same.loc[name, "strata"] < 2:
        return "", ""
    verdict, effect = same.loc[name, ["verdict", "lead_effect"]]
    side, other = ("better", "worse") if difference > 0 else ("worse", "better")
    told = {f"sells_{side}": "sells", f"got_{side}_leads": f"leads_{side}", f"got_{other}_leads": "against"}
    doubt = {"sells": "", "against": "", f"leads_{side}": "_leads"}.get(told.get(verdict, ""), "_unproven")
    if verdict == "cannot_tell" and effect * difference > 0:
        part = min(abs(effect), abs(difference))
        return phrase(report, GROUP, "why_part", part=part, difference=abs(difference)), doubt
    return phrase(report, GROUP, "why_" + told.get(verdict, "unclear")), doubt


def _rows(report: Report, table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Rows ready to be shown. Where nobody may be named they stand by size: an order by share would be a ranking."""
    least = report.audit.thresholds.min_group
    rows = table.assign(
        label=[name_of(report, by, name) for name in table.index], known=table["trials"],
        enough=(table["trials"] >= least) & table.index.notna(),
    )  # fmt: skip
    rows["verdict"] = [phrase(report, f"{GROUP}.columns", _side(row)) for row in rows.itertuples()]
    order = ["enough", "estimate", "trials"] if table["named"].any() else ["enough", "trials"]
    return rows.sort_values([*order, "label"], ascending=[False] * len(order) + [True], kind="stable")


def _side(row) -> str:
    if pd.isna(row.Index):
        return "not_stated"
    if not row.enough:
        return "small"
    return "not_named" if not row.named else "better" if row.difference > 0 else "worse"


def _table(report: Report, rows: pd.DataFrame, by: str, group: str, ident: str, nouns: dict) -> Table:
    frame = rows.assign(
        interval=list(zip(rows["low"], rows["high"], strict=True)),
        shrunk=rows["estimate"].where(rows["separable"]),
        more=rows["needed"].where(~rows["named"] & rows["enough"]),
        rest=rows["difference"].where(rows["enough"]),
    )
    kinds = {"trials": "count", "hits": "count", "share": "share", "interval": "percent_range", "shrunk": "percent",
             "rest": "points", "more": "count", "verdict": "text"}  # fmt: skip
    if not rows["separable"].any():
        del kinds["shrunk"]
    columns = [Column("label", nouns["one"]), *columns_of(report, kinds)]
    caption = phrase(report, group, "table", **nouns)
    return Table(
        name=ident, frame=without_few(frame, "interval"), columns=columns, caption=caption, bold=rows["named"]
    )


def columns_of(report: Report, kinds: dict[str, str]) -> list[Column]:
    """Columns with the headings of the catalog. kinds : key -> how its values are written."""
    return [Column(key, phrase(report, f"{GROUP}.columns", key), kind) for key, kind in kinds.items()]


def without_few(frame: pd.DataFrame, *intervals: str) -> pd.DataFrame:
    """No interval in percent where there are too few leads for a percent."""
    nothing = (math.nan, math.nan)
    shown = {
        name: [
            ends if known >= charts.FEW else nothing
            for ends, known in zip(frame[name], frame["known"], strict=True)
        ]
        for name in intervals
    }
    return frame.assign(**shown)
