"""Do the tasks name a result, or only an activity? And does the deal move after them?

The words by which titles are judged are data: lists/task_words_ru.toml and task_words_en.toml.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

VERDICTS = ("correct", "wrong", "unsure")
COLUMNS = ["title", "tasks", "verdict", "rule", "kind", "evidence", "suggestion"]
LONGEST = 300  # letters of a title that are looked at


def lint_tasks(titles: Iterable[str | None] | Mapping[str | None, int]) -> pd.DataFrame:
    """The wording of task titles, most frequent first, then by title.

    titles : one per task (repeats are counted), or a mapping title -> tasks. None and blank titles: one row "".

    Returns one row per distinct title (as typed, edges trimmed); columns
        title       the title
        tasks       how many tasks have it
        verdict     "correct" (a result is named), "wrong" (S-27), "unsure" (neither is shown)
        rule        "S-27" where wrong, else ""
        kind        "agree" («Договориться о …») or "result" («Подписать договор») where correct; where wrong
                    "call_only" («созвон»), "monitoring", "no_result" («выйти на ЛПР»), "inform"
                    («проинформировать о скидке»), "feedback" («получить обратную связь»), "client_ball"
                    («выяснить что решили»); "other" or "empty" where unsure
        evidence    the words that decided, in small letters; "" where unsure
        suggestion  a wording in the same language that passes this linter; None where correct or unsure
    Case, spaces, punctuation and ё change no verdict.
    Source: tasks plan a result; nearly all good ones begin with «Договориться…».
    """
    counted: Counter[str] = Counter()
    for title, tasks in titles.items() if isinstance(titles, Mapping) else ((title, 1) for title in titles):
        counted[title.strip() if isinstance(title, str) else ""] += int(tasks)
    rows = [
        (title, tasks, *_judge(_plain(title)))
        for title, tasks in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
    table = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    return table.astype({"tasks": "int64"})


def task_quality(tasks: ibis.Table, by: str = "manager", level: float = 0.95) -> pd.DataFrame:
    """How many tasks are worded as a result, per group, by the group's name (NULL last).

    tasks : canonical tasks (title and `by`).

    Returns index `by`, columns
        tasks             all = correct + wrong + unsure
        correct, wrong, unsure   counts of `lint_tasks` verdicts
        known             correct + wrong, the DENOMINATOR of share
        share, low, high, level  correct / known with its Wilson interval; NaN where nothing is known
        bound_low, bound_high    correct / tasks, (correct + unsure) / tasks: unsure counted both ways
    The bounds matter where titles are short or in words the lists do not know.
    """
    named = tasks.mutate(title=tasks.title.cast("string").fill_null(""))
    counts = engine.frame(named.group_by([by, "title"]).aggregate(tasks=named.count()))
    verdicts = _verdicts(counts["title"])
    counts = counts.assign(**{name: counts["tasks"] * (verdicts == name) for name in VERDICTS})
    table = counts.groupby(by, dropna=False)[["tasks", *VERDICTS]].sum().sort_index(na_position="last")
    known, whole = table["correct"] + table["wrong"], table["tasks"].where(table["tasks"] > 0)
    low, high = intervals.wilson(table["correct"], known, level)
    return table.assign(
        known=known,
        share=table["correct"] / known.where(known > 0),
        low=low,
        high=high,
        level=level,
        bound_low=table["correct"] / whole,
        bound_high=(table["correct"] + table["unsure"]) / whole,
    )


@dataclass(frozen=True)
class Progress:
    """Does the deal move on more often after a task that names a result? A relation, not a cause.

    status : "ok" (the interval of the difference excludes 0 and the difference is material), "cannot_tell"
             (it does not, or a side has fewer than min_group ripe tasks), "no_history" (no log of moves, or no
             task of a deal in it), "no_times" (no task has a time of creation).
    days   : a move counts within so many days after the task was created.
    table  : one row per verdict, in the order correct, wrong, unsure (index verdict); columns
                 tasks  all tasks with that wording
                 ripe   those of deals with history, created at least `days` before as_of: DENOMINATOR of share
                 deals  how many deals the ripe tasks belong to
                 moved  ripe tasks after which the deal moved forward or was won within `days`
                 share  moved / ripe, NaN without ripe tasks
                 weight ripe / design effect: so many independent tasks the ripe ones are worth
                 low, high   Wilson interval of share at `weight` trials
    difference, low, high : share of correct - share of wrong, with Newcombe's interval at the weights; NaN
             where a side has no ripe tasks.
    needed : independent tasks per side that would show this difference; None where the shares are equal.
    """

    status: str
    days: int
    table: pd.DataFrame
    difference: float
    low: float
    high: float
    needed: int | None
    level: float


def progress(
    tasks: ibis.Table,
    history: ibis.Table | None,
    as_of: dt.date,
    days: int = 14,
    level: float = 0.95,
    min_group: int = 30,
    material: float = 0.05,
) -> Progress:
    """Share of tasks after which the deal moved forward within `days`, by the wording of the task.

    tasks   : canonical tasks (lead_id, created_at, title).
    history : `moves.history(...)` (lead_id, at, kind), None without a log of moves.
    as_of   : the day of the export; tasks younger than `days` on its evening are not ripe and stay out.

    A task without a clock (midnight) counts moves from the next day on: a move often makes the task of the same
    day. Tasks of one deal are alike, so intervals rest on `weight` of them: share (1 - share) / variance of the
    share over deals as clusters, + 1 (so that one task a deal is worth one), at most ripe; the number of deals
    where the variance is 0.
    Source: ratio estimator over clusters, Cochran, Sampling Techniques (3rd ed., 1977), section 9A.
    Managers who word tasks well may differ in other ways: the difference is no effect of the wording.
    """
    titles = tasks.title.cast("string").fill_null("")
    counts = engine.frame(
        tasks.group_by(title=titles).aggregate(tasks=tasks.count(), timed=tasks.created_at.count())
    )
    verdicts = pd.Series(_verdicts(counts["title"]), counts.index, dtype=object)
    total = counts["tasks"].groupby(verdicts).sum().reindex(VERDICTS, fill_value=0).astype("int64")
    sums = pd.DataFrame(0.0, index=pd.Index(VERDICTS), columns=_SUMS)
    if history is not None and counts["timed"].sum():
        named = pd.DataFrame({"_title": counts["title"], "verdict": verdicts})
        found = engine.frame(_by_deal(tasks.mutate(title=titles), history, named, as_of, days)).set_index(
            "verdict"
        )
        sums = sums.add(found.astype(float), fill_value=0).reindex(VERDICTS)
    table = _shares(total, sums, level)
    table.index.name = "verdict"
    good, bad = table.loc["correct"], table.loc["wrong"]
    low, high = intervals.newcombe(*(row[name] for row in (good, bad) for name in ("_hits", "weight")), level)
    difference = float(good["share"] - bad["share"])
    sure = (low > 0 or high < 0) and abs(difference) >= material - 1e-12
    enough = min(good["ripe"], bad["ripe"]) >= min_group
    status = "ok" if sure and enough else "cannot_tell"
    if history is None or not table["ripe"].sum():
        status = "no_times" if len(counts) and not counts["timed"].sum() else "no_history"
    apart = math.isfinite(difference) and difference != 0
    needed = intervals.leads_needed(bad["share"], good["share"], level) if apart else None
    return Progress(status, days, table.drop(columns="_hits"), difference, low, high, needed, level)


_SUMS = ["deals", "ripe", "moved", "ripe_ripe", "moved_moved", "ripe_moved"]


def _by_deal(
    tasks: ibis.Table, history: ibis.Table, named: pd.DataFrame, as_of: dt.date, days: int
) -> ibis.Table:
    """Per verdict: deals, ripe and moved tasks, and sums of their squares and products over deals."""
    import ibis

    evening = ibis.timestamp(f"{as_of + dt.timedelta(days=1)} 00:00:00").epoch_seconds()
    day = 86400
    second, midnight = tasks.created_at.epoch_seconds(), tasks.created_at == tasks.created_at.truncate("D")
    made = tasks.mutate(start=second + ibis.ifelse(midnight, day, 0)).filter(tasks.created_at.notnull())
    made = made.filter(made.start + days * day <= evening, made.lead_id.isin(history.lead_id))
    words = engine.table(named)
    made = made.inner_join(words, made.title == words["_title"])
    cells = made.group_by(["lead_id", "start", "verdict"]).aggregate(tasks=made.count())
    moves = history.filter(history.kind.isin(("forward", "won")))
    moves = moves.select(deal="lead_id", second=moves["at"].epoch_seconds())
    joined = cells.left_join(moves, (cells.lead_id == moves.deal) & (moves.second >= cells.start))
    seen = joined.group_by(["lead_id", "start", "verdict", "tasks"]).aggregate(next=joined.second.min())
    moved = ibis.ifelse((seen.next < seen.start + days * day).fill_null(False), seen.tasks, 0)
    seen = seen.mutate(moved=moved)
    deals = seen.group_by(["lead_id", "verdict"]).aggregate(n=seen.tasks.sum(), x=seen.moved.sum())
    return deals.group_by("verdict").aggregate(
        deals=deals.count(), ripe=deals.n.sum(), moved=deals.x.sum(), ripe_ripe=(deals.n * deals.n).sum(),
        moved_moved=(deals.x * deals.x).sum(), ripe_moved=(deals.n * deals.x).sum(),
    )  # fmt: skip


def _shares(total: pd.Series, sums: pd.DataFrame, level: float) -> pd.DataFrame:
    """The table of `Progress`, and `_hits` = share x weight."""
    ripe, deals = sums["ripe"], sums["deals"]
    share = sums["moved"] / ripe.where(ripe > 0)
    spread = sums["moved_moved"] - 2 * share * sums["ripe_moved"] + share**2 * sums["ripe_ripe"]
    variance = spread / ripe**2 * deals / (deals - 1).where(deals > 1)
    weight = (share * (1 - share) / variance.where(variance > 1e-12) + 1).fillna(deals).clip(upper=ripe)
    hits = (share * weight).fillna(0)
    low, high = intervals.wilson(hits, weight, level)
    table = sums[["ripe", "deals", "moved"]].astype("int64")
    table.insert(0, "tasks", total)
    return table.assign(share=share, weight=weight, low=low, high=high, _hits=hits)


@cache
def _judge(plain: str) -> tuple[str, str, str, str, str | None]:
    """verdict, rule, kind, evidence, suggestion of a plain title."""
    if not plain:
        return "unsure", "", "empty", "", None
    lists = _lists("ru" if len(re.findall("[а-я]", plain)) * 2 >= len(plain.replace(" ", "")) else "en")
    for kind, patterns in lists["right"].items():
        if found := _matched(patterns, plain):
            return "correct", "", kind, found, None
    for kind, patterns in lists["wrong"].items():
        if found := _matched(patterns, plain):
            fitting = (new for pattern, new in lists["rewrites"].items() if re.search(pattern, plain))
            return "wrong", "S-27", kind, found, next(fitting, lists["by_kind"][kind])
    return "unsure", "", "other", "", None


def _verdicts(titles: Iterable[str]) -> np.ndarray:
    return np.array([_judge(_plain(title))[0] for title in titles], dtype=object)


def _plain(title: str) -> str:
    """Small letters, е for ё, single spaces, nothing but words."""
    return fold(re.sub(r"[\W_]+", " ", fold(title[:LONGEST])))


def _matched(patterns: Iterable[str], plain: str) -> str:
    """The words that the first matching pattern touches, "" where none matches."""
    for match in filter(None, (re.search(pattern, plain) for pattern in patterns)):
        start, rest = plain.rfind(" ", 0, match.start() + 1) + 1, plain[match.end() :]
        return plain[start : match.end()] + rest.partition(" ")[0]
    return ""


@cache
def _lists(language: str) -> dict[str, Any]:
    """The word lists of one language."""
    file = resources.files("detente") / "metrics" / "lists" / f"task_words_{language}.toml"
    return tomllib.loads(file.read_text("utf-8"))
