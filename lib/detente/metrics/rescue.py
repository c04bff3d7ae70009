"""What it could bring to remove a reason for which deals stop: an upper bound, never a promise.

A deal lost at stage k is worth what such deals bring once they pass it: the product of the conversions behind,
times the average sale; not its own budget. Whether a lead saved from one reason stops for the next cannot be tested
(Tsiatis 1975, PNAS 72, 20-22), so every figure is a ceiling. Groups (segments) are reckoned apart and added up:
a private person does not become a dealer by being rescued.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

    from detente.audit import ReasonGroup

RESCUED = (
    0.5,
    0.75,
    1.0,
)  # how often a rescued deal goes on, against one that passed by itself: all three are shown
SALES = 3  # sales with an amount from which a group has an average of its own
DRAWS = 4000
WHOLE = ""  # the group of leads that state none: a cell is NULL, never ""


@dataclass(frozen=True)
class Funnel:
    """The way of one group of leads. passed, lost: leads per stage 1..K that passed it or were lost there.

    check : average amount of its sales, error its standard error, sales how many; own: of this group itself, else
    of all groups together (fewer than SALES sales).
    """

    group: str
    passed: tuple[int, ...]
    lost: tuple[int, ...]
    check: float
    error: float
    sales: int
    own: bool = True

    @property
    def conversions(self) -> np.ndarray:
        """passed / (passed + lost) per stage; NaN where no lead has come so far."""
        passed, lost = np.array(self.passed, float), np.array(self.lost, float)
        with np.errstate(invalid="ignore"):
            return passed / (passed + lost)

    @property
    def base(self) -> float:
        """What the chain brings as it is: leads x conversions x average sale."""
        return float((self.passed[0] + self.lost[0]) * np.nan_to_num(self.conversions).prod() * self.check)


def funnel(
    steps: pd.DataFrame, check: float, error: float = math.nan, sales: int = 0, group: str = ""
) -> Funnel:
    """One way from a table of steps (columns passed, lost, in the order of stages: `flow.steps`)."""
    passed, lost = (tuple(int(value) for value in steps[name]) for name in ("passed", "lost"))
    return Funnel(group or WHOLE, passed, lost, check, error, sales)


def funnels(
    journeys: ibis.Table, stages: int, by: str | None = "segment", ripe_days: int = 0
) -> list[Funnel]:
    """The ways of all groups of `by`, in the order of their name; None: one way for all.

    Leads of at least ripe_days whose furthest stage is known; those still open are left out. Sales: won leads with
    an amount above 0. Empty where no lead has a stage.
    """
    import ibis

    known = journeys.filter(
        journeys.furthest.notnull()
        & (journeys.age_days >= ripe_days)
        & journeys.outcome.isin(["won", "lost"])
    )
    group = known[by].cast("string").fill_null(WHOLE) if by else ibis.literal(WHOLE)
    known = known.mutate(way=group, paid=known.amount.cast("float64"))
    sale = (known.outcome == "won") & (known.paid > 0).fill_null(False)
    counted = known.group_by("way", "furthest", "outcome").aggregate(
        leads=known.count(), sales=known.count(where=sale), money=known.paid.sum(where=sale),
        squares=(known.paid * known.paid).sum(where=sale),
    )  # fmt: skip
    table = engine.frame(counted).fillna({"money": 0.0, "squares": 0.0})
    whole = _check(table)
    return [_funnel(str(name), part, stages, whole) for name, part in table.groupby("way", sort=True)]


def _funnel(name: str, part: pd.DataFrame, stages: int, whole: tuple[float, float, int]) -> Funnel:
    won = part["outcome"] == "won"
    lost = [int(part.loc[~won & (part["furthest"] == k), "leads"].sum()) for k in range(1, stages + 1)]
    beyond = [int(part.loc[won | (part["furthest"] > k), "leads"].sum()) for k in range(1, stages + 1)]
    check = _check(part)
    own = check[2] >= SALES
    return Funnel(name, tuple(beyond), tuple(lost), *(check if own else whole), own=own)


def _check(part: pd.DataFrame) -> tuple[float, float, int]:
    """Average sale, its standard error, sales."""
    sales, money, squares = int(part["sales"].sum()), float(part["money"].sum()), float(part["squares"].sum())
    if not sales:
        return math.nan, math.nan, 0
    mean = money / sales
    spread = max(squares - sales * mean**2, 0) / (sales - 1) if sales > 1 else math.nan
    return mean, math.sqrt(spread / sales), sales


# --- which reasons could be removed ---
def curable(cells: pd.DataFrame, groups: Sequence[ReasonGroup]) -> pd.Series:
    """Whether removing the reason could save the deal: a mask over rows with reason, group, said.

    No: reasons that say nothing, leads that were not ours, and repeats and other faults of data, save a wrong number
    (a form can be mended). A lead whose stage of loss is unknown cannot be followed either.
    """
    phone = {item.id for item in groups if item.claims == "wrong_number"}
    never = {item.id for item in groups if item.non_target or item.owner == "data"} - phone
    mask = (cells["said"] == "reason") & ~cells["group"].isin(never)
    return mask & cells["stage"].notna() if "stage" in cells else mask


# --- one fix ---
def worth(
    cells: pd.DataFrame, funnels: Sequence[Funnel], share: float = 0.5, rescued: float = 0.75,
    level: float = 0.95, seed: int = 0, draws: int = DRAWS,
) -> pd.DataFrame:  # fmt: skip
    """What removing each reason at each stage could bring, dearest first.

    cells : columns stage, reason, lost, and segment where `funnels` are by segment: the losses to be saved.
    share : the part of them that a fix would reach. rescued : how often such a deal goes on against one that passed.

    Returns stage, reason (with group, text, said, owner where `cells` have them), lost, and
        known        lost leads of the whole stage: where they are few, nothing is named
        everywhere   losses for the reason over all stages
        lost_worth   all these losses at the rate of those that passed: lost x conversions behind x average sale
        saved        lost x share x rescued: deals that pass the stage; sales = saved x conversions behind
        value        sales x average sale, low, high, level; at_50, at_75, at_100: the same for each of RESCUED
    Interval: `draws` draws of each conversion and of the reason's part of the losses from Beta (Jeffreys), and of the
    average sale from Student's t around its mean (not below 0); percentiles; NaN where a sale has no spread.
    Source: lost x product of the conversions behind x average sale; statistics by our own derivation.
    """
    ways, table = {way.group: way for way in funnels}, _by_way(cells, funnels)
    rows, luck = [], {name: _luck(way, seed, draws) for name, way in ways.items()}
    for (stage, reason), part in table.groupby(["stage", "reason"], sort=True):
        drawn, found = (
            np.zeros(draws),
            {"stage": int(stage), "reason": reason, "lost": int(part["lost"].sum())},
        )
        found |= dict.fromkeys(("lost_worth", "sales"), 0.0)
        for item in part.itertuples():
            way, order = ways[item.way], int(stage) - 1
            sales = item.lost * np.nan_to_num(way.conversions[order + 1 :]).prod()
            found["sales"] += sales * share * rescued
            found["lost_worth"] += sales * way.check if sales else 0.0
            conversions, check = luck[item.way]
            hit = _part(item.lost, way.lost[order], (item.way, stage, reason), seed, draws)
            lost = (way.passed[order] + way.lost[order]) * (1 - conversions[order]) * hit
            drawn += lost * conversions[order + 1 :].prod(axis=0) * check * share * rescued
        rows.append(found | dict(zip(("low", "high"), _ends(drawn, level), strict=True)))
    names = ["stage", "reason", "lost", "lost_worth", "sales", "low", "high"]
    table = pd.DataFrame(rows, columns=names)
    values = {f"at_{part:.0%}".rstrip("%"): table["lost_worth"] * share * part for part in RESCUED}
    table = table.assign(
        saved=table["lost"] * share * rescued, value=table["lost_worth"] * share * rescued, **values
    )
    stage_lost = {order: sum(way.lost[order - 1] for way in funnels) for order in set(table["stage"])}
    everywhere = table.groupby("reason")["lost"].transform("sum")
    table = table.assign(level=level, known=table["stage"].map(stage_lost), everywhere=everywhere)
    words = [item for item in ("group", "text", "said", "owner") if item in cells]
    table = table.merge(cells.drop_duplicates("reason")[["reason", *words]], on="reason", how="left")
    return table.sort_values(["value", "stage", "reason"], ascending=[False, True, True], ignore_index=True)


def _by_way(cells: pd.DataFrame, funnels: Sequence[Funnel]) -> pd.DataFrame:
    """Losses per way, stage and reason; several groups of `cells` go one way where there is but one."""
    known = cells[cells["stage"].notna()]
    if len(funnels) > 1 and "segment" not in known:
        raise ValueError("the ways are by segment, the losses are not: read them with the column segment")
    if len(funnels) < 2:
        way = funnels[0].group if funnels else WHOLE
    else:
        way = known["segment"].astype(object).where(known["segment"].notna(), WHOLE)
    return known.assign(way=way).groupby(["way", "stage", "reason"], as_index=False)["lost"].sum()


def _luck(way: Funnel, seed: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws of the conversions (stages x draws) and of the average sale."""
    random = _random(seed, way.group)
    passed, lost = np.array(way.passed)[:, None], np.array(way.lost)[:, None]
    conversions = random.beta(passed + 0.5, lost + 0.5, (len(way.passed), draws))
    if way.sales < 2:
        return conversions, np.full(draws, math.nan)
    return conversions, np.maximum(way.check + way.error * random.standard_t(way.sales - 1, draws), 0)


def _part(hits: int, lost: int, name: tuple, seed: int, draws: int) -> np.ndarray:
    """Draws of the part that the named losses have in all losses of the stage."""
    return _random(seed, *name).beta(hits + 0.5, max(lost - hits, 0) + 0.5, draws)


def _random(seed: int, *name: object) -> np.random.Generator:
    """A source of its own for each name: the order of rows, and other rows, move nothing."""
    return np.random.default_rng([seed, *(zlib.crc32(str(item).encode()) for item in name)])


def _ends(drawn: np.ndarray, level: float) -> tuple[float, float]:
    if np.isnan(drawn).any():
        return math.nan, math.nan
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# --- several fixes ---
@dataclass(frozen=True)
class Together:
    """Several fixes at once. value with low, high at level; base: what the chain brings now; singles: the sum of the
    fixes reckoned one by one; sales: more of them; lost: distinct losses that the fixes reach for (not a deal twice).
    """

    fixes: int
    lost: int
    sales: float
    value: float
    low: float
    high: float
    level: float
    singles: float
    base: float


def together(
    fixes: Sequence[pd.DataFrame], funnels: Sequence[Funnel], share: float = 0.5, rescued: float = 0.75,
    level: float = 0.95, seed: int = 0, draws: int = DRAWS,
) -> Together:  # fmt: skip
    """Several fixes through one chain: c'_k = c_k + share x rescued x d_k / n_k, at most 1, d_k of distinct losses.

    fixes : each as `cells` of `worth`. Losses that two of them name count once, so overlapping fixes bring less than
    the sum of the singles; fixes at different stages bring a little more, as a deal saved early meets the next fix.
    """
    keys = ["way", "stage", "reason"]
    each = [_by_way(item, funnels) for item in fixes]
    union = pd.concat(each).drop_duplicates(keys) if each else pd.DataFrame(columns=[*keys, "lost"])
    rate, value, sales, drawn = share * rescued, 0.0, 0.0, np.zeros(draws)
    for way in funnels:
        own = union[union["way"] == way.group].groupby("stage")["lost"].sum()
        hit = np.array([int(own.get(order, 0)) for order in range(1, len(way.passed) + 1)])
        if not hit.any():
            continue
        entered = np.array(way.passed) + np.array(way.lost)
        gain = _gain(np.nan_to_num(way.conversions)[:, None], hit[:, None].astype(float), entered, rate)[0]
        sales, value = sales + float(gain), value + float(gain) * way.check
        conversions, check = _luck(way, seed, draws)
        parts = [_part(n, lost, (way.group, order), seed, draws) if n else np.zeros(draws)
                 for order, (n, lost) in enumerate(zip(hit, way.lost, strict=True))]  # fmt: skip
        drawn += (
            _gain(conversions, entered[:, None] * (1 - conversions) * np.array(parts), entered, rate) * check
        )
    singles = sum(
        float(worth(item, funnels, share, rescued, level, seed, 1)["value"].sum()) for item in fixes
    )
    low, high = _ends(drawn, level)
    base = sum(way.base for way in funnels if not math.isnan(way.check))
    return Together(len(fixes), int(union["lost"].sum()), sales, value, low, high, level, singles, base)


def _gain(conversions: np.ndarray, hit: np.ndarray, entered: np.ndarray, rate: float) -> np.ndarray:
    """More sales: the deals saved at each stage times the improved conversions behind it. (stages x draws) each."""
    more = np.divide(rate * hit, np.maximum(entered, 1)[:, None])
    better = np.minimum(conversions + more, 1)
    saved = (better - conversions) * entered[:, None]
    behind = np.vstack([np.cumprod(better[::-1], axis=0)[::-1][1:], np.ones((1, better.shape[1]))])
    return (saved * behind).sum(axis=0)
