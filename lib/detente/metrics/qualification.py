"""Is the lead ours? Each criterion gives pass, fail or unknown; the verdict follows from the criteria alone.

An empty cell is "unknown", never "fail". The labels of marketing and sales are read beside the verdict and
never decide it: a label set by an interested party moves the blame without moving a single lead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine, schema
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Criterion, Label

TEXT_OPERATORS = ("in", "not_in", "contains")


@dataclass(frozen=True)
class Share:
    """The headline: `share` = non_target / known, known = target + non_target; see `intervals.with_share`.

    unknown_share = unknown / leads, with Wilson's unknown_low and unknown_high.
    """

    leads: int
    target: int
    non_target: int
    unknown: int
    known: int
    share: float
    low: float
    high: float
    level: float
    bound_low: float
    bound_high: float
    unknown_share: float
    unknown_low: float
    unknown_high: float


def judge(journeys: ibis.Table, criteria: Sequence[Criterion], labels: Sequence[Label] = ()) -> ibis.Table:
    """Every lead with its verdict. The one metric that returns an Ibis table: the others count over it.

    journeys : one row per lead; attr_<criterion id> folded text, float64 or boolean; label_<label id> folded.

    Adds, in this order:
        check_<id>   "pass", "fail" or "unknown" per criterion; an empty cell is unknown (or passes, where the
                     audit says so), never a failure
        failed       number of criteria that fail
        verdict      "non_target" if any fails, "target" if all pass, else "unknown"; no criteria: "unknown"
        says_<id>    "target", "non_target" or "unknown" per label, by the values stated in the audit
    Raises schema.DataError where the column of a criterion or label is missing.
    """
    import ibis

    _require(journeys, [f"attr_{item.id}" for item in criteria] + [f"label_{item.id}" for item in labels])
    judged = journeys.mutate(**{f"check_{item.id}": _check(journeys, item) for item in criteria})
    checks = [judged[f"check_{item.id}"] for item in criteria]
    failed = sum((ibis.ifelse(check == "fail", 1, 0) for check in checks), ibis.literal(0, "int64"))
    passed = reduce(and_, (check == "pass" for check in checks), ibis.literal(bool(checks)))
    judged = judged.mutate(failed=failed.cast("int64"))
    verdict = ibis.cases((judged.failed > 0, "non_target"), (passed, "target"), else_="unknown")
    says = {f"says_{item.id}": _says(judged, item) for item in labels}
    return engine.named(judged.mutate(verdict=verdict, **says))


def total(judged: ibis.Table, level: float = 0.95) -> Share:
    """The share of non-target leads among all leads of the table. DENOMINATOR: leads with a known verdict."""
    row = intervals.with_share(_rules(judged, {"criteria": "verdict"}), level).iloc[0]
    whole = ("leads", "target", "non_target", "unknown", "known")
    leads, unknown = int(row["leads"]), int(row["unknown"])
    row["unknown_share"] = unknown / leads if leads else math.nan
    row["unknown_low"], row["unknown_high"] = intervals.wilson(unknown, leads, level)
    return Share(**{name: (int if name in whole else float)(row[name]) for name in Share.__annotations__})


def by_criterion(judged: ibis.Table, criteria: Sequence[Criterion], level: float = 0.95) -> pd.DataFrame:
    """Which criterion do leads fail? One row per criterion, in the stated order.

    Columns: criterion, leads (all), passes, fails, unknown,
        known (= passes + fails, the DENOMINATOR of share),
        share (= fails / known, NaN if nothing is known), low, high (Wilson), level,
        share_of_leads (= fails / leads),
        only   leads that fail this criterion and no other (others pass or are unknown)
        rescue leads that fail this one and pass all others: what mending it alone would make target
        first  leads whose first failed criterion in the stated order is this one
    A lead may fail several: `fails` sum to more than the non-target leads, `first` sum to exactly those.
    """
    if not criteria:
        return pd.DataFrame(columns=_CRITERION_COLUMNS)
    row = engine.frame(judged.aggregate(leads=judged.count(), **_criterion_counts(judged, criteria))).iloc[0]
    names = ("passes", "fails", "unknown", "only", "rescue", "first")
    table = pd.DataFrame(
        [
            {"criterion": item.id, **{name: int(row[f"{name}_{item.id}"]) for name in names}}
            for item in criteria
        ]
    ).assign(leads=int(row["leads"]), level=level)
    known = table["passes"] + table["fails"]
    low, high = intervals.wilson(table["fails"], known, level)
    share, share_of_leads = (table["fails"] / base.where(base > 0) for base in (known, table["leads"]))
    return table.assign(known=known, share=share, low=low, high=high, share_of_leads=share_of_leads)[
        _CRITERION_COLUMNS
    ]


_CRITERION_COLUMNS = [
    *("criterion", "leads", "passes", "fails", "unknown", "known", "share", "low", "high", "level"),
    *("share_of_leads", "only", "rescue", "first"),
]


def definitions(judged: ibis.Table, labels: Sequence[Label], level: float = 0.95) -> pd.DataFrame:
    """The same question under each rule: the criteria, and what every label says.

    Returns one row per rule, criteria first: rule ("criteria" or a label id), leads, target, non_target,
    unknown, and the columns of `intervals.with_share`. DENOMINATOR of share: leads with a verdict by it.
    """
    rules = {"criteria": "verdict"} | {item.id: f"says_{item.id}" for item in labels}
    return intervals.with_share(_rules(judged, rules), level)


def _require(table: ibis.Table, names: list[str]) -> None:
    if missing := [name for name in names if name not in table.columns]:
        raise schema.DataError(
            f"journeys have no column {', '.join(missing)}", fix="Check the criteria and labels of audit.yml."
        )


def _check(journeys: ibis.Table, criterion: Criterion) -> ibis.Column:
    import ibis

    cell = journeys[f"attr_{criterion.id}"]
    filled, unsure = cell.notnull(), ibis.literal(False)
    if criterion.operator in TEXT_OPERATORS:
        unsure = cell.isin([schema.fold(word) for word in criterion.unknown])
    elif criterion.operator != "valid_phone":
        filled &= ~cell.cast("float64").isnan()  # the engine ranks NaN above every number
        unsure = cell.cast("float64").isin([float(word) for word in criterion.unknown if _is_number(word)])
    return ibis.cases(
        (~filled, criterion.empty), (unsure, "unknown"), (_passes(cell, criterion), "pass"), else_="fail"
    )


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _passes(cell: ibis.Column, criterion: Criterion) -> ibis.Column:
    import ibis

    value, operator = criterion.value, criterion.operator
    if operator == "valid_phone":
        return cell
    if operator in TEXT_OPERATORS:
        words = [schema.fold(str(word)) for word in value]
        if operator == "contains":
            return reduce(lambda found, word: found | cell.contains(word), words, ibis.literal(False))
        return cell.isin(words) if operator == "in" else ~cell.isin(words)
    number = cell.cast("float64")
    low, high = {"at_least": (value, None), "at_most": (None, value)}.get(operator) or value
    inside = [number >= float(low)] if low is not None else []
    inside += [number <= float(high)] if high is not None else []
    return reduce(and_, inside)


def _says(judged: ibis.Table, label: Label) -> ibis.Column:
    import ibis

    cell = judged[f"label_{label.id}"]
    target, non_target = ([schema.fold(word) for word in words] for words in (label.target, label.non_target))
    return ibis.cases(
        (cell.isnull(), label.empty),
        (cell.isin(target), "target"),
        (cell.isin(non_target), "non_target"),
        else_=label.otherwise,
    )


def _rules(judged: ibis.Table, rules: dict[str, str]) -> pd.DataFrame:
    """Counts of the three verdicts under each rule, in one pass."""
    counts = {
        f"{rule}.{verdict}": judged.count(where=judged[column] == verdict)
        for rule, column in rules.items()
        for verdict in schema.VERDICTS
    }
    row = engine.frame(judged.aggregate(leads=judged.count(), **counts)).iloc[0]
    table = [
        {"rule": rule, "leads": int(row["leads"])}
        | {word: int(row[f"{rule}.{word}"]) for word in schema.VERDICTS}
        for rule in rules
    ]
    return pd.DataFrame(table)


def _criterion_counts(judged: ibis.Table, criteria: Sequence[Criterion]) -> dict[str, ibis.Scalar]:
    counts = {}
    checks = {item.id: judged[f"check_{item.id}"] for item in criteria}
    none_before = judged.failed > 0
    for name, check in checks.items():
        others = [other == "pass" for key, other in checks.items() if key != name]
        fails = check == "fail"
        counts[f"passes_{name}"] = judged.count(where=check == "pass")
        counts[f"fails_{name}"] = judged.count(where=fails)
        counts[f"unknown_{name}"] = judged.count(where=check == "unknown")
        counts[f"only_{name}"] = judged.count(where=fails & (judged.failed == 1))
        counts[f"rescue_{name}"] = judged.count(where=reduce(and_, others, fails))
        counts[f"first_{name}"] = judged.count(where=none_before & fails)
        none_before &= ~fails
    return counts
