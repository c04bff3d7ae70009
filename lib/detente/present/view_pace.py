"""04, its second half: when a month may be judged, how long a stage takes, and at which stage groups differ."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from detente.present import charts
from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_stages import GROUP, columns_of, ripening, seen


# --- months ---
def months(report: Report, cohorts: pd.DataFrame, mature, test, known: bool = True) -> View:
    """Months side by side at one age: does the last one sell worse, or is it only younger?

    cohorts : `incidence.equal_age` by month. test : `intervals.alike` of the months known at that age that have
    min_group leads. known : `view_stages.dated`: False where too many closed leads have no day of closing.
    """
    group, least = f"{GROUP}.months", report.audit.thresholds.min_group
    if not known:
        return View(finding=state(report, group, "cohorts", "data", variant="undated", status="cannot_tell"))
    told = cohorts[(cohorts["status"] == "ok") & (cohorts["leads"] >= least)]
    table = _months_table(report, cohorts, mature)
    if not mature.reached or len(told) < 2:
        few = state(
            report, group, "cohorts", "ceo", variant="few", status="cannot_tell", months=len(told), need=2
        )
        return View(finding=few, table=table)
    ripe, unripe, last = cohorts[cohorts["ripe"]], cohorts[~cohorts["ripe"]], cohorts.iloc[-1]
    variant = "differ" if test.p < 1 - report.level else ""
    if unripe.empty:
        variant = "differ_ripe" if variant else "ripe"
    elif not variant and not last["naive"] < ripe["naive"].min():
        variant = "calm"
    finding = state(
        report, group, "cohorts", "ceo", variant=variant, ripening=ripening(report, mature), p=test.p,
        months=test.groups, age=last["common_age"], unripe=_listed(report, unripe.index), last_month=cohorts.index[-1],
        naive=last["naive"], won=last["won"], leads=last["leads"], least=told["share"].min(), most=told["share"].max(),
    )  # fmt: skip
    figure = Figure(
        charts.trend, told.assign(known=told["leads"], ripe=True),
        title=phrase(report, group, "title", age=last["common_age"]),
        caption=phrase(report, group, "caption", min_group=least),
    )  # fmt: skip
    return View(finding=finding, figure=figure, table=table)


def _listed(report: Report, names) -> str:
    """Months in words: all of a few, else the first and the last."""
    if len(names) > 3:
        return phrase(report, f"{GROUP}.months", "span", first=names[0], last=names[-1], months=len(names))
    return ", ".join(report.words.month(name) for name in names)


def _months_table(report: Report, cohorts: pd.DataFrame, mature) -> Table:
    """Plain conversion beside the one at equal age, and whether a month may be judged yet."""
    group = f"{GROUP}.months"
    verdicts = [
        phrase(
            report,
            group,
            "state_ripe" if ripe else "state_young" if status == "too_young" else "state_unripe",
        )
        for ripe, status in zip(cohorts["ripe"], cohorts["status"], strict=True)
    ]
    frame = cohorts.assign(
        month=cohorts.index, known=cohorts["leads"], verdict=verdicts,
        interval=list(zip(cohorts["low"], cohorts["high"], strict=True)),
    )  # fmt: skip
    columns = columns_of(report, month="month:month", leads="leads:count", won="won:count", open="open:count",
                         naive="naive:share", share="equal_age:share", interval="interval:percent_range",
                         verdict="ripeness:text")  # fmt: skip
    age = cohorts["common_age"].iloc[0] if len(cohorts) else math.nan
    caption = phrase(report, group, "table" if age == age else "table_young", age=age)
    return Table(name="months", frame=frame, columns=columns, caption=caption)


# --- time in a stage ---
def time(report: Report, steps: pd.DataFrame, medians: Mapping, passed: pd.DataFrame, gaps) -> View:
    """Half of the leads leave a stage within so many days, those still there counted in.

    medians : per order of a stage, `incidence.median`. passed : `flow.durations` from each stage to the next.
    """
    group, least = f"{GROUP}.time", report.audit.thresholds.min_group
    if not seen(gaps):
        return View(finding=missing(report, group, "stage_time", "data"))
    frame = _times(report, steps, medians, passed)
    told = frame[frame["n"] >= least]
    table = Table(
        name="time", frame=frame, caption=phrase(report, group, "table"),
        columns=columns_of(report, stage="stage:text", n="observed:count", worded="median:text",
                           passed_median="passed_median:number", passed_mean="passed_mean:number"),
    )  # fmt: skip
    if told.empty:
        few = state(report, group, "stage_time", "sales", variant="few", status="cannot_tell", need=least)
        return View(finding=few, table=table)
    slow = told.assign(wait=told["value"].fillna(math.inf)).sort_values(
        ["wait", "order"], ascending=[False, True]
    )
    top = slow.iloc[0]
    variant = (
        "open"
        if not top["reached"]
        else "day"
        if top["value"] == 0
        else ""
        if top["high"] == top["high"]
        else "above"
    )
    number = Number(top["value"], "days" if top["reached"] else "", top["low"], top["high"], int(top["n"]))
    finding = state(
        report, group, "stage_time", "sales", number, variant=variant, status="ok" if top["reached"] else "cannot_tell",
        stage=top["stage"], days=top["value"], low=top["low"], high=top["high"], n=top["n"], left=top["events"],
    )  # fmt: skip
    return View(finding=finding, table=table)


def _times(report: Report, steps: pd.DataFrame, medians: Mapping, passed: pd.DataFrame) -> pd.DataFrame:
    """A row per stage: the median with those still there, in words, and the plain one of those who passed."""
    rows = [medians.get(order) for order in steps["order"]]
    frame = steps[["order", "stage"]].copy()
    for name, nothing in (
        ("value", math.nan),
        ("low", math.nan),
        ("high", math.nan),
        ("n", 0),
        ("events", 0),
    ):
        frame[name] = [nothing if row is None else getattr(row, name) for row in rows]
    frame["reached"] = [row is not None and row.reached for row in rows]
    frame["worded"] = [_median(report, row) for row in rows]
    plain = passed.set_index("from").reindex(frame["order"])
    few = plain["n"].fillna(0).to_numpy() < 5
    for name in ("median", "mean"):
        frame[f"passed_{name}"] = plain[name].mask(few).to_numpy()
    return frame


def _median(report: Report, found) -> str:
    """A median in words: with its interval, open above, or not reached."""
    if found is None or found.n < 5:
        variant = "few"
    elif not found.reached:
        variant = "open"
    else:
        variant = "" if found.high == found.high else "above"
    values = {} if found is None else {"days": found.value, "low": found.low, "high": found.high}
    return phrase(report, f"{GROUP}.time", "median", variant, **values)


# --- groups by stage ---
def groups(report: Report, by: str, guarded: Mapping[int, pd.DataFrame], stages, gaps) -> View:
    """At which stage do groups differ? guarded : per order of a stage, `league.guard` of its ripe leads."""
    group, ident = f"{GROUP}.groups", f"stage_by_{by}"
    words = {"what": phrase(report, group, f"what_{by}")}
    if not seen(gaps):
        return View(finding=missing(report, group, ident, "data", **words))
    cells = _cells(report, by, guarded, stages)
    compared = int((cells.groupby("order")["compared"].max() > 1).sum()) if len(cells) else 0
    if not compared:
        least = report.audit.thresholds.min_group
        few = state(report, group, ident, "data", variant="few", status="cannot_tell", need=least, **words)
        return View(finding=few)
    named = cells[cells["named"]].sort_values(
        ["size", "order", "row"], ascending=[False, True, True], kind="stable"
    )
    caption = phrase(report, group, "caption", min_group=report.audit.thresholds.min_group)
    figure = Figure(charts.heat, cells, title=phrase(report, group, "title", **words), caption=caption)
    if named.empty:
        even = state(
            report, group, ident, "sales", variant="even", status="cannot_tell", compared=compared, **words
        )
        return View(finding=even, figure=figure, table=_groups_table(report, by, cells))
    top = named.iloc[0]
    number = Number(top["passed"], low=top["own_low"], high=top["own_high"], n=int(top["known"]))
    finding = state(
        report, group, ident, "sales", number, variant="better" if top["difference"] > 0 else "worse",
        who=phrase(report, group, f"who_{by}", label=top["row"]), stage=top["column"], share=top["passed"],
        interval=(top["own_low"], top["own_high"]), known=top["known"], hits=top["hits"],
        difference=abs(top["difference"]), compared=compared, others=_others(report, group, named.iloc[1:4]), **words,
    )  # fmt: skip
    return View(finding=finding, figure=figure, table=_groups_table(report, by, cells))


def _others(report: Report, group: str, named: pd.DataFrame) -> str:
    """The next ones that differ, each with its side."""
    if named.empty:
        return ""
    sides = ["better" if above else "worse" for above in named["difference"] > 0]
    places = zip(sides, named["row"], named["column"], strict=True)
    said = [phrase(report, group, f"other_{side}", label=name, stage=stage) for side, name, stage in places]
    return phrase(report, group, "others", listed="; ".join(said))


def _cells(report: Report, by: str, guarded: Mapping[int, pd.DataFrame], stages) -> pd.DataFrame:
    """One row per group and stage, drawn as the share that does not pass: dark is where to look."""
    worded = report.words.manager if by == "manager" else report.words.group
    names, rows = {order: stage.name for order, stage in enumerate(stages, 1)}, []
    for order, table in guarded.items():
        rows += [
            {"order": order, "group": name, **row}
            for name, row in zip(table.index, table.to_dict("records"), strict=True)
        ]
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    size = frame.groupby("group", dropna=False)["trials"].transform("max")
    frame = frame.assign(
        row=[worded(name) for name in frame["group"]], column=frame["order"].map(names), known=frame["trials"],
        passed=frame["share"], share=1 - frame["share"], fails=frame["trials"] - frame["hits"],
        enough=frame["trials"] >= report.audit.thresholds.min_group, size=frame["difference"].abs() * frame["trials"],
    )  # fmt: skip
    return frame.assign(most=size).sort_values(
        ["most", "row", "order"], ascending=[False, True, True], kind="stable"
    )


def _groups_table(report: Report, by: str, cells: pd.DataFrame) -> Table:
    group = f"{GROUP}.groups"
    frame = cells.sort_values(["order", "trials", "row"], ascending=[True, False, True], kind="stable").assign(
        share=lambda rows: rows["passed"],
        verdict=lambda rows: [
            phrase(report, group, f"is_{'better' if row.difference > 0 else 'worse'}" if row.named
                   else "is_even" if row.enough else "is_small")
            for row in rows.itertuples()
        ],
    )  # fmt: skip
    columns = columns_of(report, column="stage:text", row=f"by_{by}:text", trials="ripe:count", hits="passed:count",
                         share="passed_share:share", difference="rest:points", verdict="verdict:text")  # fmt: skip
    caption = phrase(report, group, "table", what=phrase(report, group, f"what_{by}"))
    return Table(name=f"by_{by}", frame=frame, columns=columns, caption=caption, bold=frame["named"])
