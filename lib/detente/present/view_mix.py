"""04: who wins more from like leads, who got other leads, and whether leads were handed out alike."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.findings import Finding
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_league import columns_of, name_of, nouns_of, quoted, without_few

GROUP = "league"
KINDS = 5  # segments in one table


def same_leads(report: Report, same: pd.DataFrame) -> View:
    """Who wins more from like leads, and who got other leads. same : `mix.standardise` over managers."""
    group, ident = f"{GROUP}.same", "managers_same_leads"
    stated = same[same.index.notna()]
    if len(stated) and stated["strata"].max() < 2:
        return View(finding=missing(report, group, ident, "sales"))
    least = report.audit.thresholds.min_group
    rows = same.assign(
        label=[report.words.manager(name) for name in same.index], known=same["trials"],
        enough=(same["trials"] >= least) & same.index.notna(), named=same["verdict"].str.startswith("sells"),
        other=same["adjusted"], other_low=same["adjusted_low"], other_high=same["adjusted_high"],
    )  # fmt: skip
    rows = rows.sort_values(["enough", "trials", "label"], ascending=[False, False, True], kind="stable")
    caption = phrase(report, group, "caption", min_group=least)
    figure = Figure(
        charts.pairs, rows[rows.index.notna()], title=phrase(report, group, "title"), caption=caption
    )
    return View(finding=_same(report, stated, group, ident), figure=figure, table=_same_table(report, rows))


def _same(report: Report, stated: pd.DataFrame, group: str, ident: str) -> Finding:
    if len(stated) and stated["late"].all():
        return state(report, group, ident, "sales", variant="late", status="cannot_tell")
    compared = stated[stated["p"].notna()]
    if compared.empty:
        need = report.audit.thresholds.min_group
        return state(report, group, ident, "sales", variant="few", status="cannot_tell", need=need)
    sells = compared[compared["verdict"].str.startswith("sells")].sort_index(kind="stable")
    sells = sells.sort_values("p_adjusted", kind="stable")
    leads = compared[compared["verdict"].str.startswith("got")].sort_index(kind="stable")
    leads = leads.loc[leads["lead_effect"].abs().sort_values(ascending=False, kind="stable").index]
    if sells.empty and leads.empty:
        variant = "even" if compared["hits"].sum() else "none"
        return state(
            report, group, ident, "sales", variant=variant, status="cannot_tell", compared=len(compared),
            least=compared["adjusted"].min(), most=compared["adjusted"].max(),
        )  # fmt: skip
    first = (sells if len(sells) else leads).iloc[0]
    value, low, high = (first[name] for name in ("adjusted", "adjusted_low", "adjusted_high"))
    return state(
        report, group, ident, "sales", Number(value, low=low, high=high, n=int(first["trials"])),
        variant=first["verdict"], who=report.words.manager(first.name), adjusted=value, interval=(low, high),
        share=first["share"], hits=first["hits"], trials=first["trials"], expected=round(first["expected"]),
        standard=first["standard"], effect=abs(first["lead_effect"]), compared=len(compared),
        others=_like_others(report, sells.iloc[1:] if len(sells) else sells, leads.iloc[int(sells.empty):]),
    )  # fmt: skip


def _like_others(report: Report, sells: pd.DataFrame, leads: pd.DataFrame) -> str:
    """One sentence per kind of verdict, so that worse leads are never heard as worse sales."""
    said = ""
    for verdict in ("sells_better", "sells_worse", "got_better_leads", "got_worse_leads"):
        found = [frame[frame["verdict"] == verdict] for frame in (sells, leads)]
        names = [report.words.manager(name) for frame in found for name in frame.index]
        said += phrase(report, f"{GROUP}.same", f"also_{verdict}", names=", ".join(names)) if names else ""
    return said


def _same_table(report: Report, rows: pd.DataFrame) -> Table:
    frame = rows.assign(
        adjusted_interval=list(zip(rows["adjusted_low"], rows["adjusted_high"], strict=True)),
        adjusted=rows["adjusted"].where(rows["known"] >= charts.FEW),
        expected=rows["expected"].round(1),
        verdict=[phrase(report, f"{GROUP}.columns", name) for name in _like_verdicts(rows)],
    )
    kinds = {"trials": "count", "hits": "count", "expected": "number", "share": "share", "adjusted": "percent",
             "adjusted_interval": "percent_range", "lead_effect": "points", "verdict": "text"}  # fmt: skip
    columns = [Column("label", nouns_of(report, "manager")["one"]), *columns_of(report, kinds)]
    caption = phrase(report, f"{GROUP}.same", "table")
    return Table("same_leads", without_few(frame, "adjusted_interval"), columns, caption, bold=rows["named"])


def _like_verdicts(rows: pd.DataFrame) -> list[str]:
    return [
        "not_stated" if pd.isna(row.Index) else row.verdict if row.enough else "small"
        for row in rows.itertuples()
    ]


def simpson(report: Report, found, by: str = "manager") -> View:
    """Does the mix of leads turn an order round? found : `mix.simpson` of the column `by`, or None."""
    group, ident, nouns = f"{GROUP}.paradox", f"{by}_paradox", nouns_of(report, by)
    if found is None:
        return View(
            finding=state(report, group, ident, "sales", variant="few", status="cannot_tell", **nouns)
        )
    if found.status == "cannot_tell":
        return View(
            finding=state(report, group, ident, "sales", variant="none", status="cannot_tell", **nouns)
        )
    number = Number(abs(found.raw), "points", *sorted((abs(found.raw_low), abs(found.raw_high))),
                    found.first_trials + found.second_trials)  # fmt: skip
    counts = {
        f"{side}_{name}": getattr(found, f"{side}_{name}")
        for side in ("first", "second")
        for name in ("share", "hits", "trials", "standard")
    }
    finding = state(
        report, group, ident, "sales", number, variant=found.status, first=quoted(report, by, found.first),
        second=quoted(report, by, found.second), raw=abs(found.raw), mix=abs(found.mix), rate=abs(found.rate),
        **counts, **nouns,
    )  # fmt: skip
    return View(finding=finding, table=_strata(report, found, by, group))


def _strata(report: Report, found, by: str, group: str) -> Table:
    frame = found.strata.assign(
        label=[stratum(report, name) for name in found.strata["stratum"]],
        first=found.strata["first_share"].where(found.strata["first_trials"] >= charts.FEW),
        second=found.strata["second_share"].where(found.strata["second_trials"] >= charts.FEW),
        interval=list(zip(found.strata["low"], found.strata["high"], strict=True)),
    )
    columns = [Column("label", phrase(report, f"{GROUP}.columns", "stratum"))]
    for side, name in (("first", found.first), ("second", found.second)):
        said = name_of(report, by, name)
        columns += [
            Column(f"{side}_trials", phrase(report, f"{GROUP}.columns", "trials_of", who=said), "count"),
            Column(side, phrase(report, f"{GROUP}.columns", "share_of", who=said), "percent"),
        ]
    return Table(f"{by}_paradox", frame, columns, phrase(report, group, "table"))


def stratum(report: Report, name: object) -> str:
    """A stratum in words: small ones together, or the names of its columns one after another."""
    if name == "other":
        return phrase(report, GROUP, "other")
    return (
        " · ".join(report.words.group(part) for part in name)
        if isinstance(name, tuple)
        else report.words.group(name)
    )


def handed_out(report: Report, ours, segments) -> View:
    """Were leads handed out alike? ours, segments : `balance.balance` of managers by verdict and by segment."""
    group, ident = f"{GROUP}.handed", "leads_handed_out"
    tests = (ours.test, segments.test)
    least = report.audit.thresholds.min_group
    if all(test.method == "none" or test.outcomes < 2 for test in tests):
        return View(
            finding=state(report, group, ident, "sales", variant="few", status="cannot_tell", need=least)
        )
    uneven = ours.uneven or segments.uneven
    finding = state(
        report, group, ident, "sales", variant="uneven" if uneven else "even",
        ours=_handed_ours(report, ours, group), segments=_handed_segments(report, segments, group),
    )  # fmt: skip
    return View(finding=finding, table=_handed_table(report, ours, segments, group))


def _handed_ours(report: Report, ours, group: str) -> str:
    least = report.audit.thresholds.min_group
    found = ours.kinds[(ours.kinds["kind"] == "target") & ours.kinds["group"].notna()]
    found = found[found["known"] >= least]
    if ours.test.method == "none" or found.empty:
        return phrase(report, group, "ours_none")
    variant = "uneven" if ours.uneven else "even"
    values = {"least": found["share"].min(), "most": found["share"].max(), "p": ours.test.p}
    if values["least"] == values["most"]:
        variant = "level"
    return phrase(report, group, f"ours_{variant}", **values)


def _handed_segments(report: Report, segments, group: str) -> str:
    if segments.test.method == "none" or segments.test.outcomes < 2:
        return phrase(report, group, "segments_none")
    stated = segments.groups[segments.groups.index.notna()]
    far = stated.loc[stated["known"] >= report.audit.thresholds.min_group, "distance"].max()
    variant = "uneven" if segments.uneven else "even"
    return phrase(report, group, f"segments_{variant}", p=segments.test.p, distance=far)


def _handed_table(report: Report, ours, segments, group: str) -> Table:
    """One row per manager: leads, the share of target ones, and the mix of segments."""
    every = segments.groups.index
    frame = pd.DataFrame({"label": [report.words.manager(name) for name in every]})
    frame["leads"] = segments.groups["leads"].to_numpy()
    columns = [Column("label", nouns_of(report, "manager")["one"]), *columns_of(report, {"leads": "count"})]
    kinds = (
        segments.kinds.groupby("kind")["leads"]
        .sum()
        .sort_values(ascending=False, kind="stable")
        .index[:KINDS]
    )
    heading = phrase(report, f"{GROUP}.columns", "target")
    parts = [
        ("target", ours, "target", heading),
        *((f"s{at}", segments, kind, kind) for at, kind in enumerate(kinds)),
    ]
    for key, found, kind, said in parts:
        of_kind = found.kinds[found.kinds["kind"] == kind]
        if of_kind.empty:
            continue
        shares = of_kind["share"].where(of_kind["known"] >= charts.FEW)
        named = {
            None if pd.isna(name) else name: share
            for name, share in zip(of_kind["group"], shares, strict=True)
        }
        frame[key] = [named.get(None if pd.isna(name) else name, math.nan) for name in every]
        columns.append(Column(key, said, "percent"))
    return Table("handed_out", frame, columns, phrase(report, group, "table"))
