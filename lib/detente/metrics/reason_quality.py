"""How far written loss reasons can be trusted: what calls, phones and stages say of them, and how they are spelled.

A claim that no fact supports is unproven, which is a question and not an accusation.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine
from detente.metrics import intervals
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

    from detente.audit import ReasonGroup, Stage

SURE, NEAR = 92, 80  # likeness of two texts, 0..100: the same but for a letter; worth a look
TEXTS = 1500  # the most frequent texts are compared with each other; rarer ones are counted
RULINGS = {
    "no_answer": ("contradicted", "unproven", "thin", "fits", "outside"),
    "wrong_number": ("contradicted", "unproven", "fits", "no_phone"),
    "price": ("unproven", "at", "fits", "no_stage"),
}


@cache
def claimed() -> dict[str, frozenset[str]]:
    """Claim -> folded texts that we read as it where audit.yml states no claim: lists/loss_reasons.toml."""
    text = resources.files("detente.metrics").joinpath("lists/loss_reasons.toml").read_text(encoding="utf-8")
    return {claim: frozenset(map(fold, texts)) for claim, texts in tomllib.loads(text)["claims"].items()}


# --- what a reason claims ---
@dataclass(frozen=True)
class Claims:
    """Lost leads whose reason claims something that facts can speak to. claimed = the sum of `why`.

    status   "ok", "no_claims" (no reason claims it), "no_facts" (the table or column that would know is missing)
    ours     of claimed: those whose claim is read off our list, not stated in audit.yml
    why      ruling -> leads, in the order of RULINGS[claim]
    known    claimed leads of which the facts say anything, the DENOMINATOR of both shares
    against  contradicted leads; doubtful: unproven and thin ones
    share, low, high; doubtful_share, doubtful_low, doubtful_high: of known, Wilson at level
    managers one row per manager (NaN last): claimed and one column per ruling
    """

    claim: str
    status: str
    claimed: int
    ours: int
    why: dict[str, int]
    known: int
    against: int
    share: float
    low: float
    high: float
    doubtful: int
    doubtful_share: float
    doubtful_low: float
    doubtful_high: float
    level: float
    managers: pd.DataFrame


def no_answer(
    journeys: ibis.Table, calls: ibis.Table | None, groups: Sequence[ReasonGroup], *, attempts: int = 3,
    talk_seconds: int = 60, any_day: bool = False, level: float = 0.95,
) -> Claims:  # fmt: skip
    """«Does not answer» against the call log: every call of the deal, or of its person, from the day the lead came
    to the day it was lost (`any_day`: on any day). Both directions count as an attempt, which favours the manager.

    contradicted: at least one call of talk_seconds or more; unproven: no call at all; thin: fewer than `attempts`;
    fits; outside: the lead was closed before the log begins, or came after it ends.
    """
    cases = _claiming(journeys, groups, "no_answer")
    if calls is None:
        return _claims(cases, "no_answer", None, level)
    tried = _tried(cases, calls, talk_seconds, any_day)
    found = cases.left_join(tried, "lead_id").drop("lead_id_right")
    talks, tries = found.talks.fill_null(0), found.tries.fill_null(0)
    [log] = engine.frame(
        calls.aggregate(first=calls.started_at.min(), last=calls.started_at.max())
    ).itertuples()
    outside = found.created_at.date() > _day(log.last)
    outside = outside | (found.closed_at.date() < _day(log.first)).fill_null(False)
    rulings = ((talks > 0, "contradicted"), ((tries == 0) & outside, "outside"), (tries == 0, "unproven"),
               (tries < attempts, "thin"))  # fmt: skip
    return _claims(found, "no_answer", rulings, level)


def _day(moment):
    import ibis

    return ibis.date(dt.date.max if pd.isna(moment) else moment.date())


def wrong_number(
    journeys: ibis.Table, calls: ibis.Table | None, groups: Sequence[ReasonGroup], *, talk_seconds: int = 60,
    level: float = 0.95,
) -> Claims:  # fmt: skip
    """«Wrong number» against the number and the call log, in the lead's time as in `no_answer`.

    contradicted: talked to for talk_seconds or more; unproven: the number is a possible one (it may still be
    somebody else's); fits: it is not; no_phone: the cell is empty. Status "no_facts" where no number is exported
    and no call either.
    """
    cases = _claiming(journeys, groups, "wrong_number")
    [row] = engine.frame(journeys.aggregate(phones=journeys.phone_valid.count())).itertuples()
    if calls is None and not row.phones:
        return _claims(cases, "wrong_number", None, level)
    talked = _talked(cases, calls, talk_seconds)
    valid = cases.phone_valid
    rulings = ((talked, "contradicted"), (valid.isnull(), "no_phone"), (valid, "unproven"))
    return _claims(cases, "wrong_number", rulings, level, calls is not None)


def price(
    journeys: ibis.Table, stages: Sequence[Stage], groups: Sequence[ReasonGroup], *, level: float = 0.95
) -> Claims:
    """«Too expensive» against the stage of loss: has the client seen a price of ours?

    unproven: lost before the first stage with `quoted`; at: at that stage, before or after seeing it; fits: later;
    no_stage: nobody wrote down where. Status "no_facts" where no stage is marked `quoted` or no loss has a stage.
    """
    cases = _claiming(journeys, groups, "price")
    quoted = [order for order, stage in enumerate(stages, 1) if stage.quoted]
    [row] = engine.frame(cases.aggregate(all=cases.count(), stages=cases.furthest.count())).itertuples()
    if not quoted or (row.all and not row.stages):
        return _claims(cases, "price", None, level)
    place = cases.furthest
    rulings = ((place.isnull(), "no_stage"), (place < quoted[0], "unproven"), (place == quoted[0], "at"))
    return _claims(cases, "price", rulings, level)


def _claiming(journeys: ibis.Table, groups: Sequence[ReasonGroup], claim: str) -> ibis.Table:
    """The lost leads whose reason makes the claim, with `ours`: the claim is read off our list."""
    import ibis

    lost = journeys.filter(journeys.outcome == "lost", journeys.loss_reason.notnull())
    texts = engine.frame(lost.select("loss_reason", "reason_group").distinct())
    stated = {item.id: item.claims for item in groups if item.claims}
    found = {}
    for text, group in texts[["loss_reason", "reason_group"]].itertuples(index=False):
        if stated.get(group) == claim:
            found[text] = False
        elif group not in stated and fold(text) in claimed()[claim]:
            found[text] = True
    if not found:
        return lost.filter(ibis.literal(False)).mutate(ours=ibis.literal(False))
    ours = [text for text, own in found.items() if own]
    return lost.filter(lost.loss_reason.isin(list(found))).mutate(
        ours=lost.loss_reason.isin(ours) if ours else ibis.literal(False)
    )


def _claims(cases: ibis.Table, claim: str, rulings, level: float, called: bool = True) -> Claims:
    """Count the rulings; `rulings` None: nothing can be said, only how many claim it."""
    import ibis

    ruling = ibis.cases(*rulings, else_="fits") if rulings else ibis.literal("unknown")
    ruled = cases.mutate(ruling=ruling)
    cells = engine.frame(ruled.group_by("manager", "ruling", "ours").aggregate(leads=ruled.count()))
    names = RULINGS[claim]
    table = cells.pivot_table(index="manager", columns="ruling", values="leads", aggfunc="sum", dropna=False)
    managers = cells.groupby("manager", dropna=False)["leads"].sum().rename("claimed").to_frame()
    managers = managers.join(table.reindex(columns=list(names))).fillna(0).astype("int64")
    why = {name: int(cells.loc[cells["ruling"] == name, "leads"].sum()) for name in names}
    every = int(cells["leads"].sum())
    # a talk proves a number right whatever stands in the phone's cell, so with calls no lead is unknown
    names_unknown = ("outside", "no_stage") if called else ("outside", "no_stage", "no_phone")
    unknown = sum(why.get(name, 0) for name in names_unknown)
    known, against = every - unknown if rulings else 0, why.get("contradicted", 0)
    doubtful = why["unproven"] + why.get("thin", 0)
    low, high = intervals.wilson(against, known, level)
    doubt_low, doubt_high = intervals.wilson(doubtful, known, level)
    return Claims(
        claim, "ok" if every and rulings else "no_facts" if every else "no_claims", every,
        int(cells.loc[cells["ours"].astype(bool), "leads"].sum()), why, known, against,
        against / known if known else float("nan"), low, high, doubtful,
        doubtful / known if known else float("nan"), doubt_low, doubt_high, level,
        managers.sort_index(kind="stable", na_position="last"),
    )  # fmt: skip


# --- calls of a lead ---
def _pairs(cases: ibis.Table, calls: ibis.Table, any_day: bool) -> ibis.Table:
    """lead_id and length of every call of the lead itself, or of its person (once each), in the lead's time."""
    keys = cases.select("lead_id", "person", "created_at", "closed_at")
    parts = []
    if "lead_id" in calls.columns:
        own = calls.filter(calls.lead_id.notnull()).select("lead_id", "started_at", "duration_s")
        parts.append(keys.join(own, "lead_id"))
    if "person" in calls.columns:
        lead = calls.lead_id if "lead_id" in calls.columns else None
        theirs = calls.filter(calls.person.notnull()).select(
            "person", "started_at", "duration_s", **({} if lead is None else {"of_lead": lead})
        )
        pairs = keys.filter(keys.person.notnull()).join(theirs, "person")
        if lead is not None:  # such a call is found by its lead already
            pairs = pairs.filter((pairs.of_lead != pairs.lead_id).fill_null(True)).drop("of_lead")
        parts.append(pairs)
    names = ["lead_id", "created_at", "closed_at", "started_at", "duration_s"]
    pairs = parts[0].select(names)
    for part in parts[1:]:
        pairs = pairs.union(part.select(names))
    if any_day:
        return pairs
    day, first, last = pairs.started_at.date(), pairs.created_at.date(), pairs.closed_at.date()
    # an end before the beginning is no end
    return pairs.filter(day >= first, ((day <= last) | (last < first)).fill_null(True))


def _tried(cases: ibis.Table, calls: ibis.Table, talk_seconds: int, any_day: bool) -> ibis.Table:
    pairs = _pairs(cases, calls, any_day)
    long = (pairs.duration_s >= talk_seconds).fill_null(False)
    return pairs.group_by("lead_id").aggregate(tries=pairs.count(), talks=pairs.count(where=long))


def _talked(cases: ibis.Table, calls: ibis.Table | None, talk_seconds: int):
    import ibis

    if calls is None:
        return ibis.literal(False)
    tried = _tried(cases, calls, talk_seconds, any_day=False)
    return cases.lead_id.isin(tried.filter(tried.talks > 0).lead_id)


# --- reasons on deals that are not lost ---
def not_lost(journeys: ibis.Table, level: float = 0.95) -> pd.DataFrame:
    """Leads with a loss reason by outcome: index won, open; leads, with_reason, share (of leads), low, high."""
    counted = journeys.group_by("outcome").aggregate(
        leads=journeys.count(), with_reason=journeys.loss_reason.count()
    )
    table = engine.frame(counted).set_index("outcome").reindex(["won", "open"]).fillna(0).astype("int64")
    low, high = intervals.wilson(table["with_reason"], table["leads"], level)
    share = table["with_reason"] / table["leads"].where(table["leads"] > 0)
    return table.assign(share=share, low=low, high=high, known=table["leads"])


# --- one reason in several spellings ---
@dataclass(frozen=True)
class Spellings:
    """What to put together in audit.yml. Proposals only: no number of the report rests on them.

    texts      different folded texts of lost leads; loose: those that no group names; losses: leads with them
    sure       same words in another order, or one letter apart: text, losses, joins (the more frequent text, or
               one that a group names), group (its id or None), score (0..100)
    unsure     near, for a person to decide: the same columns, most losses first
    left_out   texts beyond the TEXTS most frequent, not compared
    """

    texts: int
    loose: int
    losses: int
    sure: pd.DataFrame
    unsure: pd.DataFrame
    left_out: int


def spellings(cells: pd.DataFrame) -> Spellings:
    """Look for one reason in several spellings among `texts(journeys)`: folded text, group, losses."""
    table = cells.sort_values(["losses", "text"], ascending=[False, True], kind="stable", ignore_index=True)
    loose = table["group"].isna()
    compared, columns = table.head(TEXTS), ["text", "losses", "joins", "group", "score"]
    pairs = pd.DataFrame(_near(compared), columns=[*columns, "sure"])
    found = pairs.sort_values(["sure", "score"], ascending=False, kind="stable").drop_duplicates("text")
    found = found.sort_values(["losses", "text"], ascending=[False, True], kind="stable", ignore_index=True)
    sure = found["sure"].astype(bool)
    parts = [found.loc[rows, columns].reset_index(drop=True) for rows in (sure, ~sure)]
    return Spellings(
        len(table),
        int(loose.sum()),
        int(table.loc[loose, "losses"].sum()),
        *parts,
        len(table) - len(compared),
    )


def texts(journeys: ibis.Table) -> pd.DataFrame:
    """Folded texts of lost leads: text, group (id of audit.yml or None), losses."""
    lost = journeys.filter(journeys.outcome == "lost", journeys.loss_reason.notnull())
    counted = engine.frame(lost.group_by("loss_reason", "reason_group").aggregate(losses=lost.count()))
    counted["text"] = counted["loss_reason"].map(fold)
    counted = counted.rename(columns={"reason_group": "group"})[counted["text"] != ""]
    return counted.groupby(["text", "group"], dropna=False, as_index=False)["losses"].sum()


def _near(table: pd.DataFrame) -> list[tuple]:
    """(text, losses, joins, group, score, sure) of each loose text and each more frequent, or grouped, text near it."""
    import numpy as np
    from rapidfuzz import fuzz, process

    names, words = table["text"].tolist(), [_words(text) for text in table["text"]]
    plain = [" ".join(item) for item in words]
    alike = np.maximum(
        process.cdist(plain, plain, scorer=fuzz.ratio, dtype=np.float32),
        process.cdist(plain, plain, scorer=fuzz.token_sort_ratio, dtype=np.float32),
    )
    groups, found = table["group"].tolist(), []
    for one, other in zip(*np.nonzero(alike >= NEAR), strict=True):
        target = groups[other] if isinstance(groups[other], str) else None
        if one == other or isinstance(groups[one], str) or (target is None and other > one):
            continue
        score = float(alike[one, other])
        found.append((names[one], int(table["losses"].iloc[one]), names[other], target, score,
                      _same(words[one], words[other], score)))  # fmt: skip
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _same(one: list[str], other: list[str], score: float) -> bool:
    """Whether two texts are surely one: the same words, or one word a letter apart; numbers and «not» must agree."""
    from rapidfuzz.distance import Levenshtein

    first, second = Counter(one), Counter(other)
    if first == second:
        return bool(one)
    only, others = [*(first - second).elements()], [*(second - first).elements()]
    if score < SURE or len(only) != 1 or len(others) != 1:
        return False
    left, right = only[0], others[0]
    letters = left.isalpha() and right.isalpha() and min(len(left), len(right)) >= 6
    return letters and left[:2] == right[:2] and Levenshtein.distance(left, right) == 1
