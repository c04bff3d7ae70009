"""The twelve requirements of a sales funnel, each held against its dictionary and its history."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from detente.metrics import intervals

RULES = tuple(f"R{number}" for number in range(1, 13))
STATES = {"status", "status_with_goal"}  # codes of the name linter against R8
NOT_WORK = {
    "pocket",
    "client_ball",
    "no_goal",
    "verb_form",
    "not_me",
    "no_object",
    "vague_verb",
    "unclear",
    "no_words",
}
STATUSES = ("met", "warning", "broken", "cannot_tell", "not_available")
LEAST, MOST = 4, 7  # stages of a funnel; source: requirements R3 and R4


@dataclass(frozen=True)
class Seen:
    """What is known of one funnel; None where the export has no such table.

    names : as `stage_names.lint_names`. back, skips, archive, evidence : of `moves`. month, heaps, lag : of
    `rhythm`. pockets : of `pockets`.
    """

    names: pd.DataFrame
    evidence: pd.DataFrame
    pockets: Any
    back: Any = None
    skips: Any = None
    archive: pd.DataFrame | None = None
    month: Any = None
    heaps: Any = None
    lag: pd.DataFrame | None = None


def requirements(
    seen: Seen, stages: int, level: float = 0.95, min_group: int = 30, material: float = 0.05
) -> pd.DataFrame:
    """One row per requirement, R1 to R12, in that order.

    stages : how many open stages the funnel has.

    Returns columns
        rule    "R1" .. "R12"
        status  "met": kept, or broken in no more than `material` of the cases; "warning": broken in more, though
                it may be chance, or put into words that could be better; "broken": the interval lies above
                `material`; "cannot_tell": too few cases; "not_available": the export does not show it
        code    what the row rests on: a stable word for the catalogs, see the functions below; for
                "not_available" the missing export: "stages" or "tasks"
        hits, trials, share, low, high   cases against the rule, of how many (the DENOMINATOR), Wilson's interval;
                NaN where nothing is counted. For R3 and R4 trials is the number of stages.
        values  what else the sentence needs
    """
    judge = _Judge(level, min_group, material)
    rows = [
        _fact(seen, stages, judge), _by_fact(seen, judge),
        _row("R3", "met" if stages >= LEAST else "broken", "count", trials=stages, need=LEAST),
        _row("R4", "met" if stages <= MOST else "broken", "count", trials=stages, need=MOST),
        _no_skips(seen, judge), _no_way_back(seen, judge), _named("R7", seen, stages), _named("R8", seen, stages),
        _moves_deals(seen, judge), _age_is_free(seen), _archive_open(seen, min_group), _intention(seen, judge),
    ]  # fmt: skip
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Judge:
    level: float
    min_group: int
    material: float

    def row(self, rule: str, code: str, hits: int, trials: int, **values: Any) -> dict:
        """A rule counted case by case."""
        low, high = intervals.wilson(hits, trials, self.level)
        share = hits / trials if trials else math.nan
        if trials < self.min_group:
            status = "cannot_tell"
        elif low > self.material:
            status = "broken"
        else:
            status = "warning" if share > self.material else "met"
        return _row(rule, status, code, hits, trials, share, low, high, **values)


def _row(
    rule: str, status: str, code: str, hits: float = math.nan, trials: float = math.nan,
    share: float = math.nan, low: float = math.nan, high: float = math.nan, **values: Any,
) -> dict:  # fmt: skip
    return {"rule": rule, "status": status, "code": code, "hits": hits, "trials": trials, "share": share,
            "low": low, "high": high, "values": values}  # fmt: skip


def _faults(names: pd.DataFrame, rule: str, severity: str) -> int:
    """Stages with such a finding about their name or fact."""
    found = names[(names["rule"] == rule) & (names["severity"] == severity) & (names["order"] > 0)]
    return int(found["order"].nunique())


def _fact(seen: Seen, stages: int, judge: _Judge) -> dict:
    """R1: feeling | no_fact (of the dictionary), evidence (passed deals without it), unseen (facts, no evidence)."""
    if feelings := _faults(seen.names, "R1", "error"):
        return _row("R1", "broken", "feeling", feelings, stages)
    recorded = seen.evidence[seen.evidence["recorded"]]
    if len(recorded):
        missing, passed = int(recorded["missing"].sum()), int(recorded["passed"].sum())
        return judge.row("R1", "evidence", missing, passed, stages=len(recorded), all=stages)
    if unsaid := _faults(seen.names, "R1", "warning"):
        return _row("R1", "warning", "no_fact", unsaid, stages)
    return _row("R1", "cannot_tell", "unseen", 0, stages)


def _by_fact(seen: Seen, judge: _Judge) -> dict:
    """R2: early (moved before the fact), month_end, heaps, steady."""
    if seen.month is None:
        return _row("R2", "not_available", "stages")
    month, found = seen.month, []
    if seen.lag is not None and len(seen.lag):
        found.append(judge.row("R2", "early", int(seen.lag["early"].sum()), int(seen.lag["timed"].sum())))
    heaps = seen.heaps
    if heaps is not None and heaps.heaped:
        found.append(judge.row("R2", "heaps", heaps.heaped, heaps.moves))
    status = "cannot_tell" if month.status != "ok" else "broken" if month.heaped else "met"
    named = int(month.managers["named"].sum()) if status == "met" else 0
    code = "month_end" if month.heaped or status == "cannot_tell" else "manager_end" if named else "steady"
    values = {"expected": month.expected, "days": month.days, "managers": named}
    numbers = (month.last, month.moves, month.share, month.low, month.high)
    found.append(_row("R2", "warning" if named else status, code, *numbers, **values))
    worst = {"broken": 0, "warning": 1, "met": 2, "cannot_tell": 3, "not_available": 4}
    return min(found, key=lambda row: (worst[row["status"]], row["code"] != "month_end"))


def _no_skips(seen: Seen, judge: _Judge) -> dict:
    """R5: skipped."""
    if seen.skips is None:
        return _row("R5", "not_available", "stages")
    return judge.row("R5", "skipped", seen.skips.deals, seen.skips.leads)


def _no_way_back(seen: Seen, judge: _Judge) -> dict:
    """R6: back; a manager who stands out is worth a warning even where the share of all is small."""
    if seen.back is None:
        return _row("R6", "not_available", "stages")
    named = int((seen.back.managers["named"] & (seen.back.managers["difference"] > 0)).sum())
    row = judge.row("R6", "back", seen.back.deals, seen.back.leads, managers=named)
    return row | {"status": "warning"} if named and row["status"] == "met" else row


def _named(rule: str, seen: Seen, stages: int) -> dict:
    """R7, R8: names (against the rule), better (could say more), clear.

    A pocket, a state or a feeling says nothing about what the manager does: it is against R7 too.
    """
    codes = STATES if rule == "R8" else STATES | NOT_WORK
    own = seen.names[(seen.names["order"] > 0) & seen.names["code"].isin(codes)]
    wrong = own.loc[own["severity"] == "error", "order"].nunique()
    better = own.loc[own["severity"] == "warning", "order"].nunique()
    if wrong:
        return _row(rule, "broken", "names", wrong, stages)
    return _row(rule, "warning" if better else "met", "better" if better else "clear", better, stages)


def _moves_deals(seen: Seen, judge: _Judge) -> dict:
    """R9: idle (open deals without a task and without a move for longer than usual)."""
    found = seen.pockets
    if found.status == "no_tasks" or "moves" not in found.activity:
        return _row("R9", "not_available", "tasks" if found.status == "no_tasks" else "stages")
    if found.status == "no_quiet":
        return _row("R9", "cannot_tell", "idle", trials=found.open)
    return judge.row("R9", "idle", found.idle, found.open, days=found.quiet_days)


def _age_is_free(seen: Seen) -> dict:
    """R10: age (old deals with a live task), free. No deal is flagged for its age, so nothing can break it here."""
    found = seen.pockets
    if found.status == "no_tasks":
        return _row("R10", "not_available", "tasks")
    return _row("R10", "met", "age" if found.excused else "free", found.excused, found.open)


def _archive_open(seen: Seen, min_group: int) -> dict:
    """R11: no_archive (no closed stage), closed (stages that nobody leaves for the archive), everywhere; open where
    stages without a closing are too thin to tell."""
    if (seen.names["code"] == "no_archive").any():
        return _row("R11", "broken", "no_archive")
    if seen.archive is None:
        return _row("R11", "not_available", "stages")
    unused = seen.archive[seen.archive["archived"] == 0]
    sure = unused[unused["deals"] >= min_group]
    if len(sure):
        return _row("R11", "warning", "closed", len(sure), len(seen.archive))
    status, code = ("cannot_tell", "open") if len(unused) else ("met", "everywhere")
    archived = int(seen.archive["archived"].sum())
    return _row("R11", status, code, len(unused), len(seen.archive), archived=archived)


def _intention(seen: Seen, judge: _Judge) -> dict:
    """R12: no_task (open deals without any open task)."""
    if seen.pockets.status == "no_tasks":
        return _row("R12", "not_available", "tasks")
    return judge.row("R12", "no_task", seen.pockets.no_task, seen.pockets.open)
