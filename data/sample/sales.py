"""How the six managers work: who gets which leads, when a move is noted, which reason is written, what is asked.

All of it is laid over a world that is already drawn, by generators of its own: no lead buys more or less for it,
and nothing that the world holds is drawn again. Everything is a column of `leads`; `crm.py` and `activity.py`
show it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import world
from world import BUILDER, DAY, DEALER, END, PRIVATE, SEED

TIDY, BACK, CHEAP, VAGUE, BULK = 0, 1, 2, 3, 4  # places of managers with a habit; the sixth has none
VK, COLD = 1, 6  # places of channels
LOTS = SEED + 502  # one whose chance patterns among managers are mild in every respect
OF_VK, OF_BUILDERS, OF_OTHERS = 0.75, 0.65, 0.004  # her part of VK, of cold-called builders, of the rest
LAST_WORKDAYS = np.array([30, 59, 91, 122, 150, 183, 213, 241, 273, 303, 332, 364])  # as days since 1 July
EVENING = 34_800  # 18:40, as seconds of a working day
NO_REASON, PRICE, RIVAL, WAIT, SILENT, THINKING, OTHER, LATE = range(8)
REASONS = (  # share among losses of leads that sales did not reject
    (0.23, NO_REASON),
    (0.16, PRICE),
    (0.10, RIVAL),
    (0.14, WAIT),
    (0.12, SILENT),
    (0.09, THINKING),
    (0.08, OTHER),
    (0.08, LATE),
)
DEALER_REASONS = (0.20, 0.08, 0.10, 0.12, 0.05, 0.05, 0.05, 0.35)  # dealers go to whoever answers first
QUOTED = 3  # the stage by whose end the client has seen a price
TYPOS = ("дорогго", "Выбрали конкурентов", "купили у другх", "Долго ждат", "не устроил сроки", "думаетт")
TYPO_OF = np.array([PRICE, RIVAL, RIVAL, WAIT, WAIT, THINKING])
CRM_WORDS = "уже есть в СRM"  # with a Cyrillic С
NEVER, TALKED, FEW, HONEST = 1, 2, 3, 4  # what the call log knows of a lead that «does not answer»
PRICED = np.array([0.45, 0.75, 0.96, 0.96, 0.96])  # of the leads at each stage, with a budget in the deal


def planted(leads: pd.DataFrame) -> pd.DataFrame:
    """The world with everything that managers add to it."""
    _lots(leads)
    _halfway(leads)
    _facts(leads)
    _month_end(leads)
    _ways_back(leads)
    _reasons(leads)
    _efforts(leads)
    _card(leads)
    return leads


def shut(leads: pd.DataFrame) -> np.ndarray:
    """Whether the lead was closed when the export was taken."""
    return (leads["closed"] < END).to_numpy()


def counts(leads: pd.DataFrame) -> np.ndarray:
    """Whether an audit counts the lead: no test, no repeat, no row from the future."""
    return (leads["role"].isin(["lead", "second"]) & (leads["odd"] != "future")).to_numpy()


def stage_now(leads: pd.DataFrame) -> np.ndarray:
    """Order (1 to 5) of the furthest open stage reached by the evening of the export."""
    stop = leads["stop"].to_numpy()
    reached = np.ones(len(leads), "int64")
    for stage in range(1, 5):
        reached += (leads[f"end_{stage}"].to_numpy() < END) & (stop > stage)
    return np.where(leads["skips"] & (reached == 2), 1, reached)


def _some(rng: np.random.Generator, fit: np.ndarray, share: float) -> np.ndarray:
    """Rows of `share` of all leads (at least one), out of those that fit."""
    rows = np.flatnonzero(fit)
    return np.sort(rng.choice(rows, min(max(1, round(share * len(fit))), len(rows)), replace=False))


def cheap(leads: pd.DataFrame) -> np.ndarray:
    """Leads that seldom buy, whoever sells: VK's, and builders found by cold search."""
    return (
        (leads["channel"] == VK) | ((leads["channel"] == COLD) & (leads["segment"] == BUILDER))
    ).to_numpy()


def _lots(leads: pd.DataFrame) -> None:
    """Six managers of one skill; one of them gets mostly leads that seldom buy. A person keeps the manager."""
    rng = np.random.default_rng(LOTS)
    draw, which = rng.random((2, int(leads["person"].max()) + 1))
    person = leads["person"].to_numpy()
    share = np.where(leads["channel"] == VK, OF_VK, np.where(cheap(leads), OF_BUILDERS, OF_OTHERS))
    others = np.delete(np.arange(len(world.MANAGERS)), CHEAP)
    bounds = np.cumsum(world.MANAGERS[others]) / world.MANAGERS[others].sum()
    rest = others[np.searchsorted(bounds, which[person]).clip(max=len(others) - 1)]
    leads["manager"] = np.where(draw[person] < share, CHEAP, rest)


def _halfway(leads: pd.DataFrame) -> None:
    """More open leads lie at the third stage: some of the second got there, some of the fifth never left it."""
    now, plain = stage_now(leads), counts(leads) & ~shut(leads)
    plain &= (
        ~(leads["skips"] | leads["returns"] | leads["no_history"]).to_numpy()
        & (leads["odd"] == "").to_numpy()
    )
    since = np.maximum(leads["end_1"], np.where(leads["judged"], leads["labelled"], leads["asked"])) + 3_600
    forward = np.flatnonzero(plain & (now == 2) & (leads["stop"] >= 3).to_numpy() & (since < END - 2 * DAY))
    forward = forward[np.argsort(since.to_numpy()[forward], kind="stable")][: len(forward) * 2 // 3]
    leads.loc[forward, "end_2"] = since[forward] + (END - since[forward]) // 50
    back = np.flatnonzero(plain & (now == 5) & (leads["end_2"] < END - 20 * DAY).to_numpy())
    left = leads.loc[back, "closed"] - END
    leads.loc[back, "end_3"], leads.loc[back, "end_4"] = END + left // 3, END + left * 2 // 3


def _facts(leads: pd.DataFrame) -> None:
    """When the measuring was done, the specification agreed, the contract signed; -1: the cell is empty."""
    rng = np.random.default_rng(SEED + 12)
    for name, stage, sure, unsure in (("measured", 3, 0.93, 0.3), ("agreed", 4, 0.78, 0.1)):
        start, end = leads[f"end_{stage - 1}"].to_numpy(), leads[f"end_{stage}"].to_numpy()
        passed = (leads["stop"].to_numpy() > stage) & (end < END)
        there = (leads["stop"].to_numpy() >= stage) & (start < END - DAY) & ~passed
        moment = np.where(
            passed, end - rng.integers(300, DAY, len(leads)), (start + np.minimum(end, END)) // 2
        )
        filled = np.where(passed, rng.random(len(leads)) < sure, there & (rng.random(len(leads)) < unsure))
        leads[name] = np.where(filled, np.maximum(moment, start), -1)
    signed = (leads["won"].to_numpy() & shut(leads)) & (rng.random(len(leads)) < 0.97)
    day_before = leads["closed"].to_numpy() - rng.integers(300, DAY, len(leads))
    leads["signed"] = np.where(signed, np.maximum(day_before, leads["end_4"]), -1)


def _month_end(leads: pd.DataFrame) -> None:
    """One manager notes the later moves in bulk, on the last working evening of the month, within two minutes.

    The order of a deal's moves is kept, none lies after the export, after the close or after the next move.
    """
    rng = np.random.default_rng(SEED + 13)
    jitter = rng.integers(60, 180, len(leads))
    stop, later = leads["stop"].to_numpy(), leads["closed"].to_numpy().copy()
    for stage in (4, 3, 2):
        moment = leads[f"end_{stage}"].to_numpy()
        month = world.month_of(moment.clip(max=END - 1))
        evening = LAST_WORKDAYS[month] * DAY + EVENING + jitter - 20 * (4 - stage)
        fit = (leads["manager"].to_numpy() == BULK) & (stop > stage) & (moment < evening)
        noted = np.where(fit & (evening < np.minimum(later, END)), evening, moment)
        leads[f"end_{stage}"] = noted
        later = np.where(stop > stage, noted, later)


def _ways_back(leads: pd.DataFrame) -> None:
    """Moves back, mostly of one manager; a handful of leads came back from the archive. Fates stay the same."""
    rng = np.random.default_rng(SEED + 14)
    third = (leads["end_3"] - leads["end_2"]) // 3
    fit = (leads["role"] == "lead") & (leads["stop"] >= 3) & ~leads["skips"] & ~leads["returns"]
    fit &= ~leads["no_history"] & (leads["odd"] == "")
    back = fit & (leads["manager"] == BACK) & (leads["end_2"] + 2 * third < END) & (third > 3_600)
    chosen = _some(rng, back.to_numpy(), 0.011)
    leads.loc[chosen, "returns"] = True
    fit &= ~leads["returns"] & shut(leads)
    start = start_of(leads, leads["stop"].to_numpy())
    fit &= (leads["closed"] - start > DAY) & (leads["manager"] != BACK)
    leads["reopened"] = False
    leads.loc[_some(rng, fit.to_numpy(), 0.005), "reopened"] = True


def start_of(leads: pd.DataFrame, stage: np.ndarray) -> np.ndarray:
    """When each lead's stage of that order began."""
    ends = [leads["created"], *(leads[f"end_{before}"] for before in range(1, 5))]
    return np.select([stage == order for order in range(1, 6)], ends)


def _reasons(leads: pd.DataFrame) -> None:
    """`reason`: a place in REASONS; `typo`: a place in TYPOS or -1; `told`: whether a won lead has a reason."""
    rng = np.random.default_rng(SEED + 15)
    usual, dealers = (np.cumsum(shares) for shares in ([share for share, _ in REASONS], DEALER_REASONS))
    draw = leads["reason_draw"].to_numpy()
    of_dealer = (leads["segment"] == DEALER).to_numpy()
    reason = np.where(of_dealer, np.searchsorted(dealers, draw), np.searchsorted(usual, draw)).clip(max=LATE)
    early = (leads["stop"] < QUOTED).to_numpy()
    reason = np.where(
        (leads["manager"] == VAGUE) & (rng.random(len(leads)) < 0.42), rng.integers(5, 7, len(leads)), reason
    )
    reason = np.where(
        ~early & ~of_dealer & np.isin(reason, (RIVAL, WAIT)) & (rng.random(len(leads)) < 0.35), PRICE, reason
    )
    ours = ours_and_lost(leads)
    too_early = ours & early & (reason == PRICE)
    kept = _some(rng, too_early, 0.01)
    instead = np.where(early & (reason == PRICE), rng.integers(2, 4, len(leads)), reason)
    instead[kept] = PRICE
    leads["reason"] = instead.astype("int8")
    _slips(rng, leads, ours & ~early)


def _slips(rng: np.random.Generator, leads: pd.DataFrame, fit: np.ndarray) -> None:
    """Words that no list holds: slips of the pen, and a «СRM» with a Cyrillic letter; reasons on won leads."""
    typo = np.full(len(leads), -1, "int8")
    for place, of in enumerate(TYPO_OF):
        typo[_some(rng, fit & (leads["reason"] == of).to_numpy() & (typo < 0), 0.001)] = place
    typo[_some(rng, fit & (leads["reason"] == OTHER).to_numpy(), 0.001)] = len(TYPOS)
    leads["typo"] = typo
    leads["told"] = False
    won = leads["won"].to_numpy() & shut(leads) & (leads["role"] == "lead").to_numpy()
    leads.loc[_some(rng, won & ~leads["reason"].isin([NO_REASON, SILENT]).to_numpy(), 0.0032), "told"] = True


def ours_and_lost(leads: pd.DataFrame) -> np.ndarray:
    """Lost leads that sales did not call non-target: their reason is drawn from REASONS."""
    lost = shut(leads) & ~(leads["won"] | leads["rejected"]).to_numpy()
    return lost & counts(leads)


def _efforts(leads: pd.DataFrame) -> None:
    """What the call log knows of leads lost as «does not answer»: nothing, a talk, too few attempts, enough."""
    rng = np.random.default_rng(SEED + 16)
    rows = rng.permutation(np.flatnonzero(ours_and_lost(leads) & (leads["reason"] == SILENT).to_numpy()))
    shares = np.searchsorted(np.cumsum([0.25, 0.18, 0.15]), (np.arange(len(rows)) + 0.5) / len(rows))
    leads["effort"] = np.zeros(len(leads), "int8")
    leads.loc[rows, "effort"] = (shares + NEVER).astype("int8")


def _card(leads: pd.DataFrame) -> None:
    """Fields that a head of sales asks for. Whether they are filled depends on chance alone."""
    rng = np.random.default_rng(SEED + 17)
    count, segment = len(leads), leads["segment"].to_numpy()
    needed = leads["created"].to_numpy() // DAY + rng.integers(10, 120, count)
    leads["deadline"] = np.where(rng.random(count) < 0.34, needed * DAY, -1)
    more = np.where(segment == PRIVATE, rng.binomial(1, 0.25, count), rng.binomial(3, 0.45, count))
    leads["contacts"] = np.where(rng.random(count) < 0.85, 1 + more, 0).astype("int8")
    leads["roles_known"] = rng.random(count) < 0.7
    leads["drop"] = np.exp(rng.normal(np.log(1.3), 0.12, count)).astype(
        "float32"
    )  # first budget over the last
    leads["pricing"] = rng.random(count).astype("float32")
    effort = np.where(segment == PRIVATE, rng.integers(1, 5, count), rng.integers(8, 41, count))
    leads["hours"] = np.where(rng.random(count) < 0.8, effort, 0).astype("int8")


def budget_at(leads: pd.DataFrame, level: np.ndarray | int) -> np.ndarray:
    """Kopecks in the deal at a stage (0 to 4; 5: won): down from the first budget to the last; -1: empty."""
    amount, level = leads["amount"].to_numpy(), np.asarray(level)
    above = (leads["drop"].to_numpy().astype("float64") - 1) * (4 - level.clip(0, 4)) / 4
    told = leads["pricing"].to_numpy() < PRICED[level.clip(0, 4)]
    rounded = np.round(amount * (1 + above) / 100_000).astype("int64") * 100_000
    return np.where(level == 5, amount, np.where(told, rounded, -1))


def first_budget(leads: pd.DataFrame) -> np.ndarray:
    """The budget as it was first noted, at the first stage or the second; -1: nobody asked."""
    first = budget_at(leads, 0)
    second = np.where(stage_now(leads) >= 2, budget_at(leads, 1), -1)
    return np.where(first >= 0, first, second)
