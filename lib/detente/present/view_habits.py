"""06: what a head of sales asks of every deal, and what the data shows of it."""

from __future__ import annotations

import math

import pandas as pd

from detente.present import charts
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state

GROUP = "habits"
PEOPLE = 2  # managers or more: fewer are no comparison


def deals(
    report: Report, budget: pd.DataFrame, drift, deadline, contacts, roles, effort: pd.DataFrame
) -> list[View]:
    """A budget, a deadline, several contacts and their roles, hours: a view for each that the export holds."""
    found = [_budget(report, budget)] if budget["filled"].sum() else []
    found += [_drift(report, drift)] if drift.status != "no_first" else []
    found += [_versus(report, "deadline", deadline)] if deadline.status != "none" else []
    found += [_contacts(report, contacts, roles)] if contacts.status != "none" else []
    return found + ([_effort(report, effort)] if len(effort) else [])


def _budget(report: Report, budget: pd.DataFrame) -> View:
    group = f"{GROUP}.budget"
    rows = budget[budget["deals"] > 0]
    first = budget.iloc[0]
    filled, all_deals = int(budget["filled"].sum()), int(budget["deals"].sum())
    still, known = int(budget["open"].sum()), int(budget["open_filled"].sum())
    low, high = float(first["low"]), float(first["high"])
    least = report.audit.thresholds.min_group
    variant = "none" if first["deals"] < least else ""
    number = Number(float(first["share"]), "share", low, high, int(first["deals"]))
    if variant:  # too few deals at the first stage: the sentence speaks of all
        number = Number(filled / all_deals, "share", n=all_deals)
    finding = state(
        report, group, "habits_budget", "sales", number,
        variant=variant, filled=filled, deals=all_deals, stage=_stage(report, 1), share=float(first["share"]),
        interval=(low, high), first_filled=first["filled"], first_deals=first["deals"],
    )  # fmt: skip
    frame = rows.assign(label=[_stage(report, order) for order in rows["order"]], known=rows["deals"],
                        enough=rows["deals"] >= least)  # fmt: skip
    figure = Figure(
        charts.shares, frame, title=phrase(report, group, "title"), caption=phrase(report, group, "caption")
    )
    note = phrase(report, group, "open", open=still, open_filled=known) if still else ""
    return View(finding=finding, figure=figure, note=note)


def _drift(report: Report, drift) -> View:
    """The amount now against the budget first noted."""
    material = report.audit.thresholds.material
    apart = (drift.low > 1 or drift.high < 1) and abs(drift.ratio - 1) >= material
    variant = (
        "few" if drift.status == "few" else "same" if not apart else "more" if drift.ratio > 1 else "less"
    )
    finding = state(
        report, f"{GROUP}.drift", "habits_drift", "sales",
        Number(drift.ratio, "share", drift.low, drift.high, drift.deals), variant=variant,
        status="cannot_tell" if variant == "few" else "ok", deals=drift.deals, grew=drift.grew, same=drift.same,
        fell=drift.fell, ratio=drift.ratio, interval=(drift.low, drift.high), gap=abs(1 - drift.ratio),
        need=report.audit.thresholds.min_group,
    )  # fmt: skip
    return View(finding=finding)


def _stage(report: Report, order: float) -> str:
    """The name of a stage; before the first one, or without a history, it is not stated."""
    known = not pd.isna(order) and order >= 1
    return report.audit.funnel.stages[int(order) - 1].name if known else report.words.t("common.not_stated")


def _versus(report: Report, name: str, found) -> View:
    """Deals with and without something: how many have it, and how many of either kind were won."""
    group, material = f"{GROUP}.{name}", report.audit.thresholds.material
    differ = (found.diff_low > 0 or found.diff_high < 0) and abs(found.difference) >= material - 1e-12
    variant = (
        "few"
        if found.status == "few"
        else "same"
        if not differ
        else "more"
        if found.difference > 0
        else "less"
    )
    finding = state(
        report, group, f"habits_{name}", "sales", Number(found.share, "share", found.low, found.high, found.deals),
        variant=variant, status="ok" if found.deals else "cannot_tell", having=found.having, deals=found.deals,
        share=found.share, interval=(found.low, found.high), yes=found.yes, yes_won=found.yes_won, no=found.no,
        no_won=found.no_won, yes_share=_of(found.yes_won, found.yes), no_share=_of(found.no_won, found.no),
        difference=abs(found.difference), difference_interval=tuple(sorted((found.diff_low, found.diff_high))),
        passed=found.passed, open=found.open, single=found.deals - found.having,
        need=report.audit.thresholds.min_group, ripe=report.audit.thresholds.ripe_days,
    )  # fmt: skip
    return View(finding=finding)


def _of(hits: int, trials: int) -> float:
    return hits / trials if trials else math.nan


def _contacts(report: Report, found, roles: pd.DataFrame | None) -> View:
    group, least = f"{GROUP}.contacts", report.audit.thresholds.min_group
    view = _versus(report, "contacts", found)
    most = found.table["contacts"].max()
    labels = [
        phrase(report, group, "label", "most" if n == most else "", n=n) for n in found.table["contacts"]
    ]
    frame = found.table.assign(label=labels, known=found.table["deals"], enough=found.table["deals"] >= least)
    caption = phrase(report, group, "caption", ripe=report.audit.thresholds.ripe_days)
    figure = Figure(charts.shares, frame, title=phrase(report, group, "title"), caption=caption)
    return View(finding=view.finding, figure=figure, tables=_roles(report, roles))


def _effort(report: Report, effort: pd.DataFrame) -> View:
    group = f"{GROUP}.effort"
    hours = effort.set_index("outcome")["hours"]
    whole, lost = float(hours.sum()), float(hours.get("lost", 0.0))
    finding = state(
        report, group, "habits_effort", "sales", Number(lost / whole, "share", n=int(effort["deals"].sum())),
        hours=whole, lost=lost, share=lost / whole, deals=int(effort["deals"].sum()),
    )  # fmt: skip
    per_hour = (effort["amount"] / effort["hours"]).where(
        effort["outcome"] == "won"
    )  # only those brought it in
    rows = effort.assign(
        outcome=[phrase(report, f"{GROUP}.outcome", name) for name in effort["outcome"]],
        per_deal=effort["hours"] / effort["deals"], per_hour=per_hour,
    )  # fmt: skip
    kinds = {
        "outcome": "text",
        "deals": "count",
        "hours": "number",
        "per_deal": "number",
        "per_hour": "money",
    }
    return View(finding=finding, table=_table(report, "effort", rows, kinds, group))


def _table(
    report: Report, name: str, frame: pd.DataFrame, kinds: dict[str, str], group: str, bold=None
) -> Table:
    columns = [Column(key, phrase(report, f"{GROUP}.columns", key), kind) for key, kind in kinds.items()]
    return Table(name=name, frame=frame, columns=columns, caption=phrase(report, group, "table"), bold=bold)


def minutes(report: Report, managers: pd.DataFrame | None, segments=None, stages=None) -> list[View]:
    """Minutes beside calls, by manager, segment and stage; nothing without a call log."""
    if managers is None or managers.empty:
        return []
    group = f"{GROUP}.minutes"
    calls, short, total = (managers[name].sum() for name in ("calls", "short", "minutes"))
    people, out = managers[managers.index.notna()], managers[managers["named"] & (managers["difference"] > 0)]
    variant = "few" if len(people) < PEOPLE else "short" if len(out) else ""
    values = {"calls": int(calls), "minutes": round(float(total)), "short": int(short), "share": short / calls,
              "seconds": report.audit.thresholds.talk_seconds, "people": len(people)}  # fmt: skip
    if len(out):
        own = out.sort_values("difference", ascending=False, kind="stable").iloc[0]
        values |= {"manager": report.words.manager(own.name), "own": own["share"], "own_mute": own["mute"],
                   "own_deals": own["deals"], "rest": own["rest_share"], "by_calls": own["calls_rank"],
                   "by_minutes": own["minutes_rank"], "compared": own["compared"]}  # fmt: skip
    finding = state(report, group, "habits_minutes", "sales", Number(short / calls, "share", n=int(calls)),
                    variant=variant, **values)  # fmt: skip
    tables = [_talk(report, managers, "manager", report.words.manager)] if len(people) else []
    if segments is not None and segments.index.notna().any():
        tables.append(_talk(report, segments, "segment", report.words.group))
    if stages is not None and stages.index.notna().any():
        tables.append(_talk(report, stages.sort_index(), "stage", lambda order: _stage(report, order)))
    return [View(finding=finding, tables=tables)]


def _talk(report: Report, talk: pd.DataFrame, by: str, named) -> Table:
    rows = talk.assign(group=[named(name) for name in talk.index], known=talk["deals"])
    kinds = {"group": "text", "minutes": "count", "calls": "count", "per_call": "number", "short": "count",
             "known": "count", "mute": "count", "share": "share"}  # fmt: skip
    names = {"group": by, "known": "called"}
    columns = [Column(key, phrase(report, f"{GROUP}.columns", names.get(key, key)), kind)
               for key, kind in kinds.items()]  # fmt: skip
    return Table(f"minutes_{by}", rows, columns, phrase(report, f"{GROUP}.minutes", f"table_{by}"))


def _roles(report: Report, roles: pd.DataFrame | None) -> list[Table]:
    """Who is on the deals, as a table beside the number of contacts."""
    if roles is None or roles.empty:
        return []
    rows = roles.assign(interval=list(zip(roles["low"], roles["high"], strict=True)),
                        won_interval=list(zip(roles["won_low"], roles["won_high"], strict=True)))  # fmt: skip
    kinds = {"role": "text", "deals": "count", "share": "share", "interval": "percent_range", "ripe": "count",
             "won": "count", "won_interval": "percent_range"}  # fmt: skip
    return [_table(report, "roles", rows, kinds, f"{GROUP}.roles")]


def _progress(report: Report, progress) -> str:
    """Whether deals move on more often after a task that names a result; nothing where the export cannot show it."""
    if progress is None or progress.status not in ("ok", "cannot_tell"):
        return ""
    good, poor = (progress.table.loc[name] for name in ("correct", "wrong"))
    if not (good["ripe"] and poor["ripe"]):
        return ""
    variant = progress.status if progress.status != "ok" else "more" if progress.difference > 0 else "less"
    return phrase(
        report, f"{GROUP}.tasks", "progress", variant, days=progress.days, good=good["moved"], of_good=good["ripe"],
        good_share=good["share"], poor=poor["moved"], of_poor=poor["ripe"], poor_share=poor["share"],
        interval=(progress.low, progress.high),
    )  # fmt: skip


def tasks(report: Report, wording: pd.DataFrame, quality: pd.DataFrame | None, progress=None) -> list[View]:
    """Do tasks name a result; the wordings that do not, each with one that would.

    progress : `task_words.progress`: do deals move on more often after tasks that do?
    """
    if quality is None or wording.empty:
        return []
    group = f"{GROUP}.tasks"
    sizes = wording.groupby("verdict")["tasks"].sum()
    good, wrong, unsure = (int(sizes.get(name, 0)) for name in ("correct", "wrong", "unsure"))
    known = good + wrong
    poor = wording[wording["verdict"] == "wrong"]
    best = quality[quality["named"] & (quality["difference"] > 0)]
    variant = "none" if not known else "all" if not wrong else "best" if len(best) else ""
    values = {"good": good, "wrong": wrong, "unsure": unsure, "known": known, "all": known + unsure,
              "share": _of(good, known)}  # fmt: skip
    if wrong:
        values |= {
            "title": poor["title"].iloc[0],
            "better": poor["suggestion"].iloc[0],
            "most": poor["tasks"].iloc[0],
        }
    if len(best):
        own = best.sort_values("difference", ascending=False, kind="stable").iloc[0]
        values |= {"manager": report.words.manager(own.name), "own": own["share"], "own_good": own["correct"],
                   "own_known": own["known"], "rest": own["rest_share"]}  # fmt: skip
    finding = state(report, group, "habits_tasks", "sales", Number(_of(good, known), "share", n=known),
                    variant=variant, status="ok" if known else "cannot_tell", **values)  # fmt: skip
    rows = poor.assign(why=[phrase(report, f"{GROUP}.kind", kind) for kind in poor["kind"]])
    people = quality.assign(manager=[report.words.manager(name) for name in quality.index],
                            interval=list(zip(quality["low"], quality["high"], strict=True)))  # fmt: skip
    kinds = {"manager": "text", "tasks": "count", "known": "count", "correct": "count", "share": "share",
             "interval": "percent_range"}  # fmt: skip
    tables = [_table(report, "tasks_managers", people, kinds, f"{GROUP}.task_managers")]
    if wrong:
        kinds = {"title": "text", "tasks": "count", "why": "text", "suggestion": "text"}
        tables.insert(0, _table(report, "tasks", rows, kinds, group))
    return [View(finding=finding, tables=tables, note=_progress(report, progress))]


def to_listen(report: Report, calls: pd.DataFrame | None, seed: int) -> list[View]:
    """A random list of conversations, found in the call log by manager and time."""
    if calls is None or calls.empty:
        return []
    group = f"{GROUP}.listen"
    rows = calls.assign(
        manager=[report.words.manager(name) for name in calls["manager"]],
        when=[f"{report.words.date(at)} {at:%H:%M}" for at in calls["at"]], minutes=calls["seconds"] / 60,
        stage=[_stage(report, order) for order in calls["order"]],
        outcome=[None if pd.isna(x) else phrase(report, f"{GROUP}.outcome", x) for x in calls["outcome"]],
    )  # fmt: skip
    kinds = {"manager": "text", "when": "text", "minutes": "number", "stage": "text", "outcome": "text"}
    note = phrase(report, group, "note", seed=seed, seconds=report.audit.thresholds.talk_seconds)
    return [
        View(phrase(report, group, "heading"), table=_table(report, "listen", rows, kinds, group), note=note)
    ]


def unseen(report: Report, missing: list[str]) -> View:
    """Every rule that the export cannot show, in one list: what to export for it.

    missing : as `habits.missing` returns.
    """
    group = f"{GROUP}.unseen"
    if not missing:
        return View(phrase(report, group, "heading_none"))
    rows = pd.DataFrame(
        [
            {"rule": phrase(report, f"{group}.rule", name), "export": phrase(report, f"{group}.export", name)}
            for name in missing
        ]
    )
    return View(
        phrase(report, group, "heading"),
        table=_table(report, "unseen", rows, {"rule": "text", "export": "text"}, group),
    )
