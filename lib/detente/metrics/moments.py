"""When did somebody say that the lead is not ours: at the door, or after it was lost?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Label

FAR = "9999-12-31"


@dataclass(frozen=True)
class Moment:
    """At which stage it became known that a lead is not ours.

    status   : "ok", "no_criteria_times" (no attr_<id>_at column), "no_stage_history" (no entered_<k> column).
    leads    : leads with the verdict non_target = recorded + unrecorded.
    recorded : those with both a moment and a stage history; DENOMINATOR of share.
    early    : recorded leads whose moment fell before or in stage 1.
    share    : early / recorded, with Wilson's low and high at `level`.
    table    : order (0 = before the first stage), stage (None for 0), leads, share (of recorded), low, high.
    """

    status: str
    leads: int
    recorded: int
    unrecorded: int
    early: int
    share: float
    low: float
    high: float
    level: float
    table: pd.DataFrame


def known_stage(judged: ibis.Table, stages: Sequence[object], level: float = 0.95) -> Moment:
    """At which stage did the non-target verdict become known?

    stages : the open stages in order, as audit.Stage or names; judged needs attr_<id>_at and entered_<k>.

    The moment of a lead is the earliest recorded time among its failed criteria; its stage is the last one
    entered by then. A moment without a clock (midnight) on the day of entry counts as after the entry.
    Criteria without times may have been known earlier: the stage is an upper bound.
    """
    timed = [
        name[6:]
        for name in judged.columns
        if name.startswith("check_") and f"attr_{name[6:]}_at" in judged.columns
    ]
    entered = [
        f"entered_{order}" for order in range(1, len(stages) + 1) if f"entered_{order}" in judged.columns
    ]
    rejected = judged.filter(judged.verdict == "non_target")
    leads = int(engine.frame(rejected.aggregate(leads=rejected.count()))["leads"].iloc[0])
    status = "ok" if timed and entered else "no_stage_history" if timed else "no_criteria_times"
    counted = _stage_counts(rejected, timed, entered) if status == "ok" else {}
    names = [None] + [getattr(stage, "name", stage) for stage in stages]
    table = pd.DataFrame({"order": range(len(names)), "stage": names})
    table["leads"] = [counted.get(order, 0) for order in table["order"]]
    recorded, early = int(table["leads"].sum()), int(table["leads"].iloc[:2].sum())
    table["share"] = table["leads"] / recorded if recorded else math.nan
    table["low"], table["high"] = intervals.wilson(table["leads"], recorded, level)
    share = early / recorded if recorded else math.nan
    low, high = intervals.wilson(early, recorded, level)
    return Moment(status, leads, recorded, leads - recorded, early, share, low, high, level, table)


@dataclass(frozen=True)
class Timing:
    """When a label was set, for lost leads that it calls target or non-target.

    status  : "ok" or "no_times" (the audit states no time for this label).
    lost    : lost leads with a known label = early + at_close + untimed.
    early   : label set before the loss; early_share = early_non_target / early.
    at_close: label set at or after the loss; at_close_share = at_close_non_target / at_close.
    untimed : label time or closing time not recorded.
    others  : leads with a known label that are not lost; not compared, their outcome speaks for itself.
    late_share : at_close / (early + at_close), with Wilson's late_low and late_high.
    difference : at_close_share - early_share, with Newcombe's low and high.
    """

    status: str
    lost: int
    early: int
    early_non_target: int
    early_share: float
    at_close: int
    at_close_non_target: int
    at_close_share: float
    untimed: int
    others: int
    late_share: float
    late_low: float
    late_high: float
    difference: float
    low: float
    high: float
    level: float


def label_timing(judged: ibis.Table, label: Label | str, level: float = 0.95) -> Timing:
    """Was the label set before the loss, or by hindsight ("did not buy, so was not ours")?

    A label time without a clock (midnight) on the day of the loss counts as set at the loss.
    Fields and DENOMINATORS: see `Timing`.
    """
    name = label if isinstance(label, str) else label.id
    row = engine.frame(_timing_counts(judged, name)).iloc[0]
    early, at_close = int(row["early"]), int(row["at_close"])
    early_hits, close_hits = int(row["early_hits"]), int(row["close_hits"])
    early_share = early_hits / early if early else math.nan
    close_share = close_hits / at_close if at_close else math.nan
    late_low, late_high = intervals.wilson(at_close, early + at_close, level)
    low, high = intervals.newcombe(close_hits, at_close, early_hits, early, level)
    return Timing(
        status="ok" if f"label_{name}_at" in judged.columns else "no_times",
        lost=int(row["lost"]),
        early=early,
        early_non_target=early_hits,
        early_share=early_share,
        at_close=at_close,
        at_close_non_target=close_hits,
        at_close_share=close_share,
        untimed=int(row["lost"]) - early - at_close,
        others=int(row["others"]),
        late_share=at_close / (early + at_close) if early + at_close else math.nan,
        late_low=late_low,
        late_high=late_high,
        difference=close_share - early_share,
        low=low,
        high=high,
        level=level,
    )


def _stage_counts(rejected: ibis.Table, timed: list[str], entered: list[str]) -> dict[int, int]:
    """Recorded leads per order of the stage in which the moment fell."""
    import ibis

    far = ibis.literal(FAR).cast("timestamp")
    # COALESCE to a far day first: engines disagree on whether LEAST skips NULL
    moments = [
        ibis.ifelse(rejected[f"check_{name}"] == "fail", rejected[f"attr_{name}_at"], far).coalesce(far)
        for name in timed
    ]
    rejected = rejected.mutate(_moment=ibis.least(far, *moments))
    recorded = rejected.filter(
        rejected._moment < far, ibis.coalesce(*(rejected[name] for name in entered)).notnull()
    )
    first, moment = recorded[entered[0]], recorded._moment
    no_clock = (moment == moment.truncate("D")) & (moment.date() == first.date())
    recorded = recorded.mutate(_moment=ibis.ifelse(no_clock & first.notnull(), first, moment))
    orders = [
        ibis.ifelse((recorded[name] <= recorded._moment).coalesce(False), int(name.rpartition("_")[2]), 0)
        for name in entered
    ]
    recorded = recorded.mutate(_order=ibis.greatest(ibis.literal(0), *orders))
    counted = engine.frame(recorded.group_by("_order").aggregate(leads=recorded.count()))
    return {int(order): int(leads) for order, leads in zip(counted["_order"], counted["leads"], strict=True)}


def _timing_counts(judged: ibis.Table, name: str) -> ibis.Table:
    import ibis

    says, lost = judged[f"says_{name}"], judged.outcome == "lost"
    known, hit = says != "unknown", says == "non_target"
    if f"label_{name}_at" in judged.columns:
        set_at, closed = judged[f"label_{name}_at"], judged.closed_at
        no_clock = set_at == set_at.truncate("D")
        after = ibis.ifelse(no_clock, set_at.date() >= closed.date(), set_at >= closed)
    else:
        after = ibis.null("boolean")
    early, late = (~after).coalesce(False) & known & lost, after.coalesce(False) & known & lost
    return judged.aggregate(
        lost=judged.count(where=known & lost),
        others=judged.count(where=known & ~lost),
        early=judged.count(where=early),
        early_hits=judged.count(where=early & hit),
        at_close=judged.count(where=late),
        close_hits=judged.count(where=late & hit),
    )
