"""Can this export be trusted, how far is the company digitised, and for which decisions is the data good?"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine, schema
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

LEVELS = ("L0", "L1", "L2", "L3", "L4")


def fill(journeys: ibis.Table, columns: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """How often is a column filled? One row per column, emptiest first, equal ones as stated.

    Returns column, present (the journeys have it), leads, filled, share (= filled / leads, NaN if no lead),
    low, high (Wilson), level. A column that is not there has nothing filled.
    """
    counts = {
        f"filled_{order}": journeys[name].count() if name in journeys.columns else journeys.count(where=False)
        for order, name in enumerate(columns)
    }
    row = engine.frame(journeys.aggregate(leads=journeys.count(), **counts)).iloc[0]
    leads = int(row["leads"])
    table = pd.DataFrame({
        "column": list(columns),
        "present": [name in journeys.columns for name in columns],
        "leads": leads,
        "filled": [int(row[name]) for name in counts],
    })  # fmt: skip
    low, high = intervals.wilson(table["filled"], table["leads"], level)
    share = table["filled"] / table["leads"].where(table["leads"] > 0)
    table = table.assign(share=share, low=low, high=high, level=level)
    return table.sort_values("share", kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Lost:
    """Rows over all files: read = kept + quarantined + dropped; lost = quarantined + dropped.

    share : lost / read, with Wilson's low and high at `level`. files : how many were read.
    Blank rows and footers count as read and dropped: the file holds them, a report does not.
    """

    files: int
    read: int
    kept: int
    quarantined: int
    dropped: int
    lost: int
    share: float
    low: float
    high: float
    level: float


def lost(loss: schema.LossLog, level: float = 0.95) -> Lost:
    """How much of what was read is in no table. DENOMINATOR of share: all rows read."""
    names = ("read", "kept", "quarantined", "dropped")
    read, kept, quarantined, dropped = (sum(getattr(item, name) for item in loss.sources) for name in names)
    gone = quarantined + dropped
    low, high = intervals.wilson(gone, read, level)
    share = gone / read if read else math.nan
    return Lost(len(loss.sources), read, kept, quarantined, dropped, gone, share, low, high, level)


def texts(journeys: ibis.Table, columns: Sequence[str]) -> pd.DataFrame:
    """What is written in text columns: column, text, leads; one row per different text, by column, then text."""
    parts = []
    for name in columns:
        if name in journeys.columns:
            text = journeys[name].cast("string")
            rows = journeys.filter(text.notnull()).group_by(text=text).aggregate(leads=lambda t: t.count())
            parts.append(engine.frame(rows).assign(column=name))
    found = pd.concat(parts) if parts else pd.DataFrame(columns=["column", "text", "leads"])
    found = found.sort_values(["column", "text"], kind="stable", ignore_index=True)
    return found[["column", "text", "leads"]]


@dataclass(frozen=True)
class Freshness:
    """How old the data is on the day of the export, in whole days; None and NaN where there is no such event.

    first_lead, last_lead, last_close : days of the first and last inquiry and of the last closing.
    lead_age, close_age : days from them to as_of. future : leads created after as_of (a wrong clock or day).
    """

    as_of: dt.date
    first_lead: dt.date | None
    last_lead: dt.date | None
    last_close: dt.date | None
    lead_age: float
    close_age: float
    future: int


def freshness(journeys: ibis.Table, as_of: dt.date) -> Freshness:
    """When did the last lead come in and the last deal close? Later inquiries count as future."""
    tomorrow = dt.datetime.combine(as_of + dt.timedelta(days=1), dt.time())
    created, closed = journeys.created_at, journeys.closed_at
    row = engine.frame(
        journeys.aggregate(
            first=created.min(where=created < tomorrow),
            last=created.max(where=created < tomorrow),
            closed=closed.max(where=closed < tomorrow),
            future=journeys.count(where=created >= tomorrow),
        )
    ).iloc[0]
    first, last, close = (None if pd.isna(row[n]) else row[n].date() for n in ("first", "last", "closed"))
    ages = (math.nan if day is None else float((as_of - day).days) for day in (last, close))
    return Freshness(as_of, first, last, close, *ages, int(row["future"]))


def weeks(journeys: ibis.Table) -> pd.DataFrame:
    """Leads per week from the first to the last, empty weeks included: a gap in the export shows as one.

    Returns week (the Monday), leads, whole (False for the first and the last week, which may be cut), gap (an
    empty week between weeks with leads).
    """
    # days first: engines disagree on the first day of a week
    days = journeys.filter(journeys.created_at.notnull()).mutate(day=journeys.created_at.truncate("D"))
    counted = engine.frame(days.group_by("day").aggregate(leads=days.count()))
    if counted.empty:
        return pd.DataFrame({"week": pd.to_datetime([]), "leads": [], "whole": [], "gap": []})
    day = pd.to_datetime(counted["day"])
    monday = (day - pd.to_timedelta(day.dt.day_of_week, unit="D")).rename("week")
    found = counted.groupby(monday)["leads"].sum()
    every = pd.date_range(found.index.min(), found.index.max(), freq="7D", name="week")
    table = found.reindex(every, fill_value=0).reset_index()
    edge = table.index.isin([0, len(table) - 1])
    return table.assign(whole=~edge, gap=table["leads"] == 0)


def counted_effect(judged_all: ibis.Table, level: float = 0.95) -> pd.DataFrame:
    """What would the headline be with test leads, and with duplicates, left in?

    judged_all : every lead of the period, counted or not, as `qualification.judge` returns.
    Returns four rows: base "counted" (the headline), "with_tests", "with_duplicates", "all" (also what the
    funnel excludes); columns base, added (leads more than counted), leads, target, non_target, unknown, the
    columns of `intervals.with_share` (DENOMINATOR of share: known), and change (share - share of "counted").
    """
    import ibis

    keep, test, double = (judged_all[name] for name in ("counted", "is_test", "is_duplicate"))
    excluded = judged_all.outcome == "excluded"
    bases = {
        "counted": keep,
        "with_tests": keep | (test & ~double & ~excluded),
        "with_duplicates": keep | (double & ~test & ~excluded),
        "all": ibis.literal(True),
    }
    counts = {}
    for base, rows in bases.items():
        counts[f"{base}.leads"] = judged_all.count(where=rows)
        for verdict in schema.VERDICTS:
            counts[f"{base}.{verdict}"] = judged_all.count(where=rows & (judged_all.verdict == verdict))
    row = engine.frame(judged_all.aggregate(**counts)).iloc[0]
    names = ("leads", *schema.VERDICTS)
    table = pd.DataFrame(
        [{"base": base} | {name: int(row[f"{base}.{name}"]) for name in names} for base in bases]
    )
    table.insert(1, "added", table["leads"] - table["leads"].iloc[0])
    table = intervals.with_share(table, level)
    return table.assign(change=table["share"] - table["share"].iloc[0])


@dataclass(frozen=True)
class Ladder:
    """How far the funnel is digitised. level: the highest of LEVELS with all below it reached, "" if none.

    blocked_at : the next level, "" at the top; missing : what it lacks (a code of `steps`), "" at the top.
    steps      : one row per level: level, need (code), have (0..1), want, met; a level is reached when its
                 need and those of all lower levels are met.
                 Codes: revenue, outcomes, managers, stage_history, segments.
    """

    level: str
    blocked_at: str
    missing: str
    steps: pd.DataFrame


def digitisation(tables_present: Collection[str], journeys: ibis.Table, filled: float = 0.6) -> Ladder:
    """Which level of the ladder does this export reach, and what blocks the next?

    L0 revenue per month: payments, or an amount on won leads. L1 lead to sale for the department: won leads
    and others. L2 lead to sale per manager: manager filled. L3 stage to stage: a stages table and leads with
    history. L4 stage to stage per manager and segment: segment filled.
    filled : the share from which a column counts as kept; DENOMINATOR: all leads, for L0 won leads.
    """
    row = _facts(journeys)
    history = row["history"] if "stages" in tables_present else 0.0
    needs = [
        ("L0", "revenue", 1.0 if "payments" in tables_present else row["amounts"]),
        ("L1", "outcomes", 1.0 if row["won"] and row["won"] < row["leads"] else 0.0),
        ("L2", "managers", row["managers"]),
        ("L3", "stage_history", history),
        ("L4", "segments", row["segments"]),
    ]
    steps = pd.DataFrame(needs, columns=["level", "need", "have"]).assign(want=filled)
    steps["met"] = steps["have"] >= filled
    unmet = steps[~steps["met"]]
    if unmet.empty:
        return Ladder(LEVELS[-1], "", "", steps)
    place = int(unmet.index[0])
    return Ladder(LEVELS[place - 1] if place else "", LEVELS[place], str(unmet["need"].iloc[0]), steps)


@dataclass(frozen=True)
class Decision:
    """Is the data good for one decision? reason: "ok", or a code; have against need, both 0..1."""

    good: bool
    reason: str
    have: float
    need: float


def decisions(
    journeys: ibis.Table,
    tables_present: Collection[str],
    spend: ibis.Table | None = None,
    *,
    source_share: float = 0.6,
    reason_share: float = 0.5,
    history_share: float = 0.6,
    joined_share: float = 0.6,
    person_share: float = 0.6,
) -> dict[str, Decision]:
    """For which decisions is this data good, in this order, and if not, why?

        non_target_by_channel  leads with a channel / leads >= source_share; "few_channels", "no_criteria" (the
                               journeys have no attr_ column)
        drop_off_reasons       lost leads with a reason / lost >= reason_share; "few_reasons", "no_losses"
        stage_conversion       leads with history / leads >= history_share; "little_history", "no_stages"
        cost                   money on channels with leads / money >= joined_share; "spend_without_leads",
                               "no_spend"
        ltv                    leads with a person / leads >= person_share; "few_persons", "no_payments"
    Without any lead every reason is "no_leads".
    """
    row = _facts(journeys)
    joined = _joined(spend, journeys) if spend is not None else math.nan
    criteria = any(name.startswith("attr_") for name in journeys.columns)
    found = {
        "non_target_by_channel": _decide(
            row["channels"], source_share, "few_channels", "" if criteria else "no_criteria"
        ),
        "drop_off_reasons": _decide(
            row["reasons"], reason_share, "few_reasons", "" if row["lost"] else "no_losses"
        ),
        "stage_conversion": _decide(
            row["history"], history_share, "little_history", "" if "stages" in tables_present else "no_stages"
        ),
        "cost": _decide(
            joined, joined_share, "spend_without_leads", "no_spend" if math.isnan(joined) else ""
        ),
        "ltv": _decide(
            row["persons"], person_share, "few_persons", "" if "payments" in tables_present else "no_payments"
        ),
    }
    if row["leads"]:
        return found
    return {name: Decision(False, "no_leads", 0.0, item.need) for name, item in found.items()}


def _decide(have: float, need: float, short: str, absent: str = "") -> Decision:
    """`absent`: the table or the rows are not there at all; `short`: they are, but too thin."""
    have = 0.0 if absent or math.isnan(have) else have
    return Decision(not absent and have >= need, absent or ("ok" if have >= need else short), have, need)


def _facts(journeys: ibis.Table) -> dict[str, float]:
    """Counts of leads, won and lost, and the shares that ladders and decisions ask for."""
    won, lost = journeys.outcome == "won", journeys.outcome == "lost"
    row = engine.frame(
        journeys.aggregate(
            leads=journeys.count(),
            won=journeys.count(where=won),
            lost=journeys.count(where=lost),
            amounts=journeys.count(where=won & (journeys.amount > 0)),
            managers=journeys.manager.count(),
            segments=journeys.segment.count(),
            channels=journeys.channel.count(),
            persons=journeys.person.count(),
            history=journeys.count(where=journeys.has_history),
            reasons=journeys.count(where=lost & journeys.loss_reason.notnull()),
        )
    ).iloc[0]
    bases = {"amounts": row["won"], "reasons": row["lost"]}
    return {
        name: float(
            value if name in ("leads", "won", "lost") else value / max(bases.get(name, row["leads"]), 1)
        )
        for name, value in row.items()
    }


def _joined(spend: ibis.Table, journeys: ibis.Table) -> float:
    """Money on channels that brought leads / all money; NaN where no money was spent."""
    known = journeys.filter(journeys.channel.notnull()).channel
    money = spend.cost.cast("float64")
    row = engine.frame(
        spend.aggregate(total=money.sum(), joined=money.sum(where=spend.channel.isin(known)))
    ).iloc[0]
    total, joined = (0.0 if pd.isna(value) else float(value) for value in row)
    return joined / total if total > 0 else math.nan
