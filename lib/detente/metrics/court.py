"""The court of rejected leads: every lead that a label calls non-target is confronted with facts.

A fact that speaks for the lead (it bought, or meets every criterion) outweighs a fact that speaks against it.
A rejection with no fact on either side is unproven, which is a question and not an accusation.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine, schema
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Label

RULINGS = ("confirmed", "unproven", "contradicted")
REASONS = {
    "won": "contradicted",  # this very lead was won
    "won_again": "contradicted",  # the same person was won by another lead
    "paid": "contradicted",  # the lead or the same person paid
    "meets_criteria": "contradicted",
    "fails_criteria": "confirmed",
    "talked": "confirmed",  # criteria unknown, but somebody talked with the person
    "no_talk": "unproven",
    "no_call_log": "unproven",
}


@dataclass(frozen=True)
class Court:
    """Rulings over all rejected leads: rejected = confirmed + unproven + contradicted.

    share    : contradicted / rejected, with Wilson's low and high at `level`.
    status   : "ok", or "no_call_log": then nobody can be told never to have been spoken to.
    undated  : rejections whose moment is not recorded; the closing time, else the creation, stands in.
    why      : one row per reason of REASONS, in that order: ruling, why, leads.
    managers, channels : one row per manager or channel (NULL last), index the name: rejected, confirmed,
               unproven, contradicted, share (contradicted / rejected), low, high, level; sums are the totals.
    """

    status: str
    rejected: int
    confirmed: int
    unproven: int
    contradicted: int
    share: float
    low: float
    high: float
    level: float
    undated: int
    why: pd.DataFrame
    managers: pd.DataFrame
    channels: pd.DataFrame


@dataclass(frozen=True)
class Facts:
    """What a rejection is confronted with; a missing table is None.

    leads        : journeys in which the person's other wins are looked for: pass the uncounted ones too,
                   a repeated inquiry that was won is a fact. The judged leads alone where None.
    later_days   : a purchase up to this many days after the rejection contradicts it.
    talk_seconds : a shorter call is no conversation.
    """

    calls: ibis.Table | None = None
    payments: ibis.Table | None = None
    leads: ibis.Table | None = None
    later_days: int = 60
    talk_seconds: int = 60


def court(
    judged: ibis.Table,
    label: Label | str,
    calls: ibis.Table | None = None,
    payments: ibis.Table | None = None,
    later_days: int = 60,
    talk_seconds: int = 60,
    *,
    leads: ibis.Table | None = None,
    level: float = 0.95,
) -> Court:
    """Confront every lead that `label` calls non-target with calls, payments, later wins and the criteria.

    judged : as `qualification.judge` returns; needs lead_id, person, outcome, created_at, closed_at, manager,
             channel.
    Other arguments: see `Facts`. DENOMINATOR of all shares: rejected leads.
    Raises schema.DataError if lead_id repeats.
    """
    name = label if isinstance(label, str) else label.id
    facts = Facts(calls, payments, leads, later_days, talk_seconds)
    cases = rulings(judged, name, facts)
    columns = ["manager", "channel", "why", "undated"]
    table = engine.frame(cases.group_by(columns).aggregate(leads=cases.count()))
    table["ruling"] = table["why"].map(REASONS)
    why = table.groupby("why")["leads"].sum().reindex(list(REASONS), fill_value=0)
    totals = {ruling: int(table.loc[table["ruling"] == ruling, "leads"].sum()) for ruling in RULINGS}
    rejected = sum(totals.values())
    low, high = intervals.wilson(totals["contradicted"], rejected, level)
    return Court(
        status="ok" if calls is not None else "no_call_log",
        rejected=rejected,
        **totals,
        share=totals["contradicted"] / rejected if rejected else math.nan,
        low=low,
        high=high,
        level=level,
        undated=int(table.loc[table["undated"].astype(bool), "leads"].sum()),
        why=pd.DataFrame(
            {"ruling": list(REASONS.values()), "why": list(REASONS), "leads": why.to_numpy("int64")}
        ),
        managers=_split(table, "manager", level),
        channels=_split(table, "channel", level),
    )


def rulings(judged: ibis.Table, label: str, facts: Facts) -> ibis.Table:
    """The rejected leads one by one, for the list of rows behind a number. An Ibis table, run by the caller.

    Adds to the columns of `judged`: rejected_at (the label's time, else closed_at, else created_at), undated
    (the label's time is not recorded), why (a key of REASONS) and ruling.
    """
    import ibis

    cases = _rejected(judged, label)
    leads = judged if facts.leads is None else facts.leads
    found = {
        "won": _won_itself(cases, facts),
        "won_again": _in(cases, _won_again(cases, leads, facts)),
        "paid": _in(cases, _paid(cases, leads, facts)),
        "meets_criteria": cases.verdict == "target",
        "fails_criteria": cases.verdict == "non_target",
        "talked": _in(cases, _talked(cases, facts)),
    }
    silent = "no_call_log" if facts.calls is None else "no_talk"
    cases = cases.mutate(why=ibis.cases(*((test, why) for why, test in found.items()), else_=silent))
    verdicts = [
        (cases.why.isin([why for why, to in REASONS.items() if to == ruling]), ruling) for ruling in RULINGS
    ]
    return cases.mutate(ruling=ibis.cases(*verdicts))


def _rejected(judged: ibis.Table, label: str) -> ibis.Table:
    import ibis

    cases = judged.filter(judged[f"says_{label}"] == "non_target")
    count = engine.frame(cases.aggregate(rows=cases.count(), ids=cases.lead_id.nunique())).iloc[0]
    if count["rows"] != count["ids"]:
        raise schema.DataError("an id repeats; one lead must be one row", column="lead_id", file="journeys")
    set_at = cases[f"label_{label}_at"] if f"label_{label}_at" in cases.columns else ibis.null("timestamp")
    return cases.mutate(
        rejected_at=ibis.coalesce(set_at.cast("timestamp"), cases.closed_at, cases.created_at),
        undated=set_at.isnull(),
    )


def _won_itself(cases: ibis.Table, facts: Facts) -> ibis.Column:
    """Won, and not long after the window; a win before the rejection, or without a date, counts."""
    last = cases.rejected_at + dt.timedelta(days=facts.later_days)
    return (cases.outcome == "won") & (cases.closed_at.isnull() | (cases.closed_at.date() <= last.date()))


def _won_again(cases: ibis.Table, leads: ibis.Table, facts: Facts) -> ibis.Table:
    wins = leads.filter(leads.outcome == "won", leads.person.notnull(), leads.closed_at.notnull())
    wins = wins.select(person="person", other_id="lead_id", at="closed_at")
    keys = cases.select("lead_id", "person", "rejected_at")
    pairs = keys.join(wins, "person").filter(lambda pair: pair.lead_id != pair.other_id)
    return _within(pairs, facts.later_days)


def _paid(cases: ibis.Table, leads: ibis.Table, facts: Facts) -> ibis.Table | None:
    """Leads that brought money after all; an instalment of an earlier sale to the same person is none."""
    if facts.payments is None:
        return None
    payments = facts.payments.filter(facts.payments.amount > 0).mutate(at=facts.payments.paid_at)
    if "lead_id" in payments.columns:
        sales = leads.filter(leads.outcome == "won").select(lead_id="lead_id", sold_at="closed_at")
        payments = payments.left_join(sales, "lead_id").drop("lead_id_right")
    else:
        payments = payments.mutate(sold_at=payments["at"])

    def fresh(pairs: ibis.Table) -> ibis.Table:
        earlier = (pairs.sold_at.date() < pairs.rejected_at.date()).coalesce(False)
        return _within(pairs.filter(~earlier), facts.later_days)

    return _by_key(cases, payments, fresh)


def _talked(cases: ibis.Table, facts: Facts) -> ibis.Table | None:
    """Leads with a conversation between the day of the inquiry and, where recorded, the day of the label."""
    if facts.calls is None:
        return None
    calls = facts.calls.filter(facts.calls.duration_s >= facts.talk_seconds).mutate(at=facts.calls.started_at)

    def in_time(pairs: ibis.Table) -> ibis.Table:
        day = pairs["at"].date()
        return pairs.filter(
            day >= pairs.created_at.date(), pairs.undated | (day <= pairs.rejected_at.date())
        ).select("lead_id")

    return _by_key(cases, calls, in_time)


def _by_key(cases: ibis.Table, events: ibis.Table, keep) -> ibis.Table:
    """Ids of the cases that events name, by lead or by person. Ids only: no event multiplies a lead."""
    keys = cases.select("lead_id", "person", "created_at", "rejected_at", "undated")
    extra = [name for name in ("sold_at",) if name in events.columns]
    parts = [
        keep(keys.join(events.filter(events[key].notnull()).select(key, "at", *extra), key))
        for key in ("lead_id", "person")
        if key in events.columns
    ]
    return reduce(lambda one, two: one.union(two), parts, keys.limit(0).select("lead_id"))


def _within(pairs: ibis.Table, days: int) -> ibis.Table:
    """By day, both ends included: many exports give purchases a date without a clock."""
    day, first = pairs["at"].date(), pairs.rejected_at.date()
    last = (pairs.rejected_at + dt.timedelta(days=days)).date()
    return pairs.filter(day >= first, day <= last).select("lead_id")


def _in(cases: ibis.Table, ids: ibis.Table | None) -> ibis.Column:
    import ibis

    return ibis.literal(False) if ids is None else cases.lead_id.isin(ids.lead_id)


def _split(table: pd.DataFrame, by: str, level: float) -> pd.DataFrame:
    counts = table.groupby([by, "ruling"], dropna=False)["leads"].sum().unstack("ruling", fill_value=0)
    counts = counts.reindex(columns=list(RULINGS), fill_value=0).rename_axis(columns=None)
    counts = counts.sort_index(kind="stable", na_position="last")
    counts.insert(0, "rejected", counts.sum(axis=1))
    low, high = intervals.wilson(counts["contradicted"], counts["rejected"], level)
    return counts.assign(share=counts["contradicted"] / counts["rejected"], low=low, high=high, level=level)
