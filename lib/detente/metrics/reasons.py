"""Where deals stop and why: losses by stage, reason and group, and whose question a reason is.

`cells` walks the journeys once; everything else works on its small table of counts. Nothing is merged beyond what
audit.yml puts together and the fold of case and spaces: no number rests on a guess about spelling.

A reason is known by a key: "group:<id>" of audit.yml, "text:<folded>" where no group names the text, EMPTY where
nothing is written, REST for what a table has no row for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

    from detente.audit import ReasonGroup

EMPTY, REST = "", "rest"
KEYS = ["reason", "group", "text", "said", "owner"]
COUNTS = ["lost", "with_amount", "money"]
OWNERS = ("marketing", "sales", "product", "price", "client", "data", "not_assigned", "not_said")
LEAST = 5  # Goodman's intervals hold for counts from here on; smaller ones are put together


@cache
def nothing_said() -> frozenset[str]:
    """Folded texts that we read as no reason where audit.yml says nothing about them: lists/loss_reasons.toml."""
    text = resources.files("detente.metrics").joinpath("lists/loss_reasons.toml").read_text(encoding="utf-8")
    return frozenset(fold(item) for item in tomllib.loads(text)["nothing"])


def cells(
    journeys: ibis.Table, groups: Sequence[ReasonGroup], by: Sequence[str] = (), ripe_days: int = 0
) -> pd.DataFrame:
    """Lost leads and their money per stage of loss, reason and the columns `by`, walked once.

    ripe_days : leads younger than this are left out. What is lost so soon is what is lost fast, and the reasons
                of fast losses would lead the list.

    Columns: `by`; stage (1..K, NaN = nobody wrote down where); reason (key), group (id or None), text (the
    spelling met most often), owner (of OWNERS); said: "reason", "nothing" (audit.yml calls it no reason), "ours"
    (we call it so, see `nothing_said`), "empty"; lost, with_amount (lost leads that have an amount), money (sum of
    those amounts, in the audit's currency).
    """
    lost = journeys.filter((journeys.outcome == "lost") & (journeys.age_days >= ripe_days))
    keys = [*by, "furthest", "loss_reason", "reason_group"]
    counted = lost.group_by(keys).aggregate(
        lost=lost.count(), with_amount=lost.amount.count(), money=lost.amount.cast("decimal(38, 2)").sum()
    )
    table = engine.frame(counted).rename(columns={"furthest": "stage"})
    table["money"] = [0.0 if pd.isna(value) else float(value) for value in table["money"]]
    table["stage"] = table["stage"].astype("float64")
    read = pd.DataFrame(_read(table, groups), columns=["reason", "group", "said", "owner"], index=table.index)
    table = table.drop(columns="reason_group").assign(**{name: read[name] for name in read})
    table["text"] = table["reason"].map(_spellings(table))
    table = table.groupby([*by, "stage", *KEYS], dropna=False, as_index=False)[COUNTS].sum()
    return table.sort_values([*by, "stage", "reason"], kind="stable", na_position="last", ignore_index=True)


def _read(table: pd.DataFrame, groups: Sequence[ReasonGroup]) -> list[tuple]:
    known = {item.id: item for item in groups}
    seen: dict[tuple, tuple] = {}  # one text stands in many cells
    found = []
    for pair in zip(table["loss_reason"], table["reason_group"], strict=True):
        if pair not in seen:
            seen[pair] = _key(pair[0], known.get(pair[1]))
        found.append(seen[pair])
    return found


def _key(text: object, group: ReasonGroup | None) -> tuple:
    """(key, group id, what it says, whose question it is) of one text as typed."""
    if group is not None:
        silent = group.no_reason
        said, owner = ("nothing", "not_said") if silent else ("reason", group.owner)
        return f"group:{group.id}", group.id, said, owner
    folded = "" if pd.isna(text) else fold(str(text))
    if not folded:
        return EMPTY, None, "empty", "not_said"
    if folded in nothing_said():
        return f"text:{folded}", None, "ours", "not_said"
    return f"text:{folded}", None, "reason", "not_assigned"


def _spellings(table: pd.DataFrame) -> dict[str, str]:
    """Key -> the spelling that most losses have."""
    met = table.groupby(["reason", "loss_reason"], as_index=False)["lost"].sum()
    met = met.sort_values(["lost", "loss_reason"], ascending=[False, True], kind="stable")
    return dict(met.drop_duplicates("reason")[["reason", "loss_reason"]].itertuples(index=False))


# --- how many losses say why ---
@dataclass(frozen=True)
class Filled:
    """How many losses have a reason, and how many reasons say nothing. DENOMINATOR of all shares: lost.

    lost = said + nothing + ours + empty: a reason that says why; one that audit.yml, or only our list, calls no
    reason; an empty field. filled = lost - empty; silent = nothing + ours + empty. low, high of filled_share and
    silent_low, silent_high of silent_share: Wilson at `level`.
    """

    lost: int
    said: int
    nothing: int
    ours: int
    empty: int
    filled: int
    filled_share: float
    low: float
    high: float
    silent: int
    silent_share: float
    silent_low: float
    silent_high: float
    level: float


def filled(cells: pd.DataFrame, level: float = 0.95) -> Filled:
    """Count the losses that say why."""
    found = cells.groupby("said")["lost"].sum()
    said, nothing, ours, empty = (int(found.get(name, 0)) for name in ("reason", "nothing", "ours", "empty"))
    lost, silent = said + nothing + ours + empty, nothing + ours + empty
    low, high = intervals.wilson(lost - empty, lost, level)
    silent_low, silent_high = intervals.wilson(silent, lost, level)
    shares = [part / lost if lost else float("nan") for part in (lost - empty, silent)]
    return Filled(
        lost, said, nothing, ours, empty, lost - empty, shares[0], low, high, silent, shares[1], silent_low,
        silent_high, level,
    )  # fmt: skip


def silence(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """Losses without a substantive reason per group, shaped for `nontarget.share_by` and `.against_rest`.

    Index `by` (NaN last); leads = known = lost; non_target = those that say nothing (the hits); target = the
    rest; unknown = 0; and empty = those with nothing written at all.
    """
    silent = cells["lost"].where(cells["said"] != "reason", 0)
    empty = cells["lost"].where(cells["said"] == "empty", 0)
    table = (
        cells.assign(non_target=silent, empty=empty)
        .groupby(by, dropna=False)[["lost", "non_target", "empty"]]
        .sum()
    )
    table = table.rename(columns={"lost": "leads"}).sort_index(kind="stable", na_position="last")
    return table.assign(known=table["leads"], target=table["leads"] - table["non_target"], unknown=0)


# --- which reasons ---
def simultaneous(counts: Sequence[int], level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of all shares of one whole that hold together, not each for itself.

    counts : of the categories; DENOMINATOR: their sum. Categories below LEAST count as one; their own ends are NaN.
    Source: Goodman (1965), Technometrics 7, 247-254: Wilson's interval at the level 1 - (1 - level) / categories.
    """
    found = np.asarray(counts, "int64")
    enough = found >= LEAST
    categories = int(enough.sum()) + bool((found[~enough] > 0).any())
    total, apart = found.sum(), 1 - (1 - level) / max(categories, 1)
    low, high = (np.asarray(end, float) for end in intervals.wilson(found, np.full(len(found), total), apart))
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def pareto(cells: pd.DataFrame, level: float = 0.95, keep: int = 10) -> pd.DataFrame:
    """Reasons of all losses, most frequent first; beyond `keep` rows they are one row REST, before EMPTY.

    Returns KEYS, COUNTS and
        kinds        how many different reasons the row holds (1, but for REST)
        known        all lost leads, the DENOMINATOR of share; share = lost / known
        low, high    Goodman's simultaneous intervals; NaN for a count below LEAST
        bound_low, bound_high   share, and (lost + u) / known with u = the losses that say nothing: any of them may
                     have had this reason. For a row that itself says nothing both are share.
    """
    table = _kept(cells, _leading(cells, keep))
    return _with_shares(table, level)


def _leading(cells: pd.DataFrame, keep: int) -> list[str]:
    """Keys of the `keep` most frequent reasons; EMPTY is always a row of its own."""
    found = cells[cells["reason"] != EMPTY].groupby("reason")["lost"].sum().reset_index()
    found = found.sort_values(["lost", "reason"], ascending=[False, True], kind="stable")["reason"].tolist()
    return found if len(found) == keep + 1 else found[:keep]  # a rest of one is better named


def _kept(cells: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """One row per reason in the order of `names`, then REST, then EMPTY; rows without a loss are left out."""
    rest = ~cells["reason"].isin([*names, EMPTY])
    table = cells.assign(kinds=1, silent=cells["lost"].where(cells["said"] != "reason", 0))
    kinds = int(cells.loc[rest, "reason"].nunique())
    table.loc[rest, KEYS] = [REST, None, None, "reason", "not_assigned"]
    table = table.groupby(KEYS, dropna=False, as_index=False)[[*COUNTS, "silent"]].sum()
    table["kinds"] = np.where(table["reason"] == REST, kinds, 1)
    place = {name: order for order, name in enumerate([*names, REST, EMPTY])}
    table = table.sort_values("reason", key=lambda keys: keys.map(place), kind="stable", ignore_index=True)
    return table.astype({"group": object, "text": object})


def _with_shares(table: pd.DataFrame, level: float) -> pd.DataFrame:
    known = int(table["lost"].sum())
    low, high = simultaneous(table["lost"].tolist(), level)
    share = table["lost"] / known if known else table["lost"] * np.nan
    unsaid = table["silent"].sum() - table["silent"]
    above = ((table["lost"] + unsaid) / max(known, 1)).where(table["said"] == "reason", share)
    return table.assign(
        known=known, share=share, low=low, high=high, bound_low=share, bound_high=above, level=level
    )


def split(cells: pd.DataFrame, by: str, level: float = 0.95, keep: int = 8) -> pd.DataFrame:
    """The reasons within each group of `by`, "stage" among them: one row per group and leading reason.

    DENOMINATOR of share: the lost leads of the group (known). Columns `by`, then as `pareto`, whose intervals hold
    together within one group. The same reasons for all groups, those of `keep` with most losses over all; a
    reason that a group never has is a row with 0. Groups in the order of their name, NaN last.
    """
    names = _leading(cells, keep)
    every = _kept(cells, names)
    parts = []
    for group, part in cells.groupby(by, dropna=False, sort=True):
        found = _kept(part, names)[["reason", *COUNTS, "silent"]]
        table = every[[*KEYS, "kinds"]].merge(found, on="reason", how="left")
        table = table.fillna(dict.fromkeys([*COUNTS, "silent"], 0))
        table = table.astype({"lost": "int64", "with_amount": "int64", "silent": "int64"})
        parts.append(_with_shares(table, level).assign(**{by: group}))
    if not parts:
        return _with_shares(every, level).assign(**{by: pd.Series(dtype=object)})
    return pd.concat(parts, ignore_index=True)


def stand_out(
    split: pd.DataFrame, by: str, level: float = 0.95, min_group: int = 30, material: float = 0.05
) -> pd.DataFrame:
    """Where a reason is more frequent in one group than in all others together; most leads above first.

    split : as the function `split` returns. Rows: every group and reason with a stated group and a named reason
    that says something. Adds rest_known, rest_share, difference (share - rest_share) with Newcombe's diff_low,
    diff_high; excess = difference x known; p (Fisher, two-sided), p_holm over all rows, compared (their number);
    named: Holm p < 1 - level, the interval above 0, difference >= material, min_group losses on both sides.
    """
    total = split.drop_duplicates([by])["known"].sum()
    hits = split.groupby("reason")["lost"].transform("sum") - split["lost"]
    table = split.assign(rest_known=total - split["known"], rest_lost=hits)
    seen = (
        table[by].notna()
        & (table["said"] == "reason")
        & (table["reason"] != REST)
        & (table["rest_known"] > 0)
    )
    table = table[seen].copy()
    columns = [table[name] for name in ("lost", "known", "rest_lost", "rest_known")]
    low, high = intervals.newcombe(*columns, level)
    table["rest_share"] = table["rest_lost"] / table["rest_known"]
    table = table.assign(difference=table["share"] - table["rest_share"], diff_low=low, diff_high=high)
    table["excess"] = table["difference"] * table["known"]
    table["p"] = [_fisher(*row) for row in zip(*columns, strict=True)]
    table["p_holm"] = intervals.holm(table["p"])
    enough = (table[["known", "rest_known"]] >= min_group).all(axis=1) & (table["lost"] >= LEAST)
    sure = (table["p_holm"] < 1 - level) & (table["diff_low"] > 0)
    table["named"] = sure & enough & (table["difference"] >= material - 1e-12)
    table["compared"] = len(table)
    return table.sort_values(["excess", by, "reason"], ascending=[False, True, True], ignore_index=True)


def _fisher(hits: int, known: int, rest_hits: int, rest_known: int) -> float:
    from scipy import stats

    return float(stats.fisher_exact([[hits, known - hits], [rest_hits, rest_known - rest_hits]]).pvalue)


# --- whose question ---
def owners(cells: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Lost leads by the owner of their reason, in the order of OWNERS; owners without a loss are left out.

    not_assigned: a reason that no group of audit.yml names; not_said: empty, or a reason that is none.
    Columns owner, COUNTS, known, share, low, high (Goodman), bound_low, bound_high as in `pareto`: any loss that
    does not say why, or whose reason nobody owns, may be anybody's.
    """
    table = cells.groupby("owner", as_index=False)[COUNTS].sum()
    place = {name: order for order, name in enumerate(OWNERS)}
    table = table.sort_values("owner", key=lambda names: names.map(place), ignore_index=True)
    nobody = table["owner"].isin(["not_assigned", "not_said"])
    table["silent"], table["said"] = table["lost"].where(nobody, 0), np.where(nobody, "empty", "reason")
    return _with_shares(table, level).drop(columns=["said", "silent"])
