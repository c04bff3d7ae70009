"""Who sells better, and who got better leads: groups compared inside like leads.

cells : one row per group and stratum as `league.cells(journeys, by, strata, ripe_days)` returns: the group is the first
column, every further column before `trials` is a stratum, `hits` of `trials` leads were won. Strata must be known when
the lead is created (channel, segment), or they explain away what they are to show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from detente.metrics import intervals

OTHER = "other"  # strata too small to stand alone, together


def standardise(
    cells: pd.DataFrame, level: float = 0.95, min_cell: int = 10, min_group: int = 30, material: float = 0.05,
    leave_out: float = 0.2,
) -> pd.DataFrame:  # fmt: skip
    """Each group's wins against what others win from the same leads.

    Strata with fewer than min_cell leads in all are merged, see `merged`. A group with more than `leave_out` of all
    leads is measured by the others alone, since it would be measured by itself; 1 measures all by the whole team.

    Returns one row per group with a lead (not stated last), index the group, most leads first, columns
        trials, hits, share, low, high, level   share of wins as it stands, Wilson
        direct, direct_low, direct_high   the share the group would have with the team's mix: sum of weight x rate,
                    limits combined from Wilson's per stratum; NaN unless the group has min_cell leads in each
        expected    wins that the measure would have had from the same leads, E
        ratio, ratio_low, ratio_high     hits / E with an exact Poisson interval, E taken as known
        measure     "team" or "others"
        standard    the share the measure has with the team's mix: the whole share where the measure is the team
        adjusted, adjusted_low, adjusted_high   ratio x standard, for reading beside `share`; at most 1
        lead_effect   what the group's leads are worth above the team's mix at the rates of the measure, points
        p, p_adjusted   exact test of the group against all others inside the strata (the conditional distribution of
                    `hits`, that of Fisher's test in one stratum), Holm over the groups compared; NaN if not compared
        compared    how many: stated groups with min_group leads; none where `late` (`intervals.filled_by_outcome`)
        alone       trials in strata where the measure has no lead; they are expected to sell as they do
        strata      how many stated strata stood alone; with fewer than 2 the leads are not told apart at all
        verdict     "sells_better", "sells_worse" (compared, p_adjusted < 1 - level, ratio's interval excludes 1 and
                    |adjusted - standard| >= material); else "got_better_leads", "got_worse_leads" (compared and
                    |lead_effect| >= material); else "cannot_tell"
    Leads whose group is not stated are nobody's measure. Ratios compare a group with 1, not with another's ratio.
    Source: Breslow and Day (1987), Statistical Methods in Cancer Research II, ch. 2; Garwood (1936) for Poisson limits.
    """
    cube = _cube(cells, min_cell)
    trials, hits = cube.trials, cube.hits
    table = pd.DataFrame({"trials": trials.sum(axis=1), "hits": hits.sum(axis=1)}, cube.index).astype("int64")
    table["share"] = table["hits"] / table["trials"]
    table["low"], table["high"] = intervals.wilson(table["hits"], table["trials"], level)
    table["level"] = level
    table[["direct", "direct_low", "direct_high"]] = _direct(cube, level, min_cell)
    table = _indirect(table, cube, level, leave_out)
    late = intervals.filled_by_outcome(table["hits"], table["trials"], table.index.notna())
    chosen = (table["trials"] >= min_group) & table.index.notna() & (not late)
    chosen &= chosen.sum() > 1
    table["late"] = late
    table["p"] = [_exact(cube, row) if may else math.nan for row, may in enumerate(chosen)]
    table["p_adjusted"], table["compared"] = intervals.holm(table["p"]), int(chosen.sum())
    table["strata"] = len({name for name in cube.strata if name not in (None, OTHER)})
    table["verdict"] = _verdicts(table, chosen, level, material)
    order = np.lexsort((np.arange(len(table)), -table["trials"].to_numpy(), table.index.isna()))
    return table.iloc[order]


@dataclass(frozen=True)
class _Cube:
    """Counts as groups x strata. index: the groups' names; strata: theirs, a tuple where several columns make one.

    team, wins : leads and wins per stratum of all stated groups; of all where none is stated.
    """

    index: pd.Index
    strata: list
    trials: np.ndarray
    hits: np.ndarray
    team: np.ndarray
    wins: np.ndarray


def _cube(cells: pd.DataFrame, min_cell: int) -> _Cube:
    """Groups and strata by name, not stated (None) last; strata of fewer than min_cell leads in all are one, OTHER."""
    columns = list(cells.columns[: cells.columns.get_loc("trials")])
    if len(columns) < 2:
        raise ValueError("groups are compared inside strata: league.cells(journeys, by, strata=[...])")
    rows = cells[cells["trials"] > 0]
    names = [[None if pd.isna(name) else name for name in rows[column]] for column in columns]
    strata = names[1] if len(names) == 2 else list(zip(*names[1:], strict=True))
    size = dict.fromkeys(strata, 0)
    for name, number in zip(strata, rows["trials"], strict=True):
        size[name] += int(number)
    strata = [name if size[name] >= min_cell else OTHER for name in strata]
    groups, kinds = _in_order(names[0]), _in_order(strata)
    place = [groups.index(name) for name in names[0]], [kinds.index(name) for name in strata]
    counts = np.zeros((2, len(groups), len(kinds)))
    for at, column in enumerate(("trials", "hits")):
        np.add.at(counts[at], place, rows[column].to_numpy(float))
    index = pd.Index(groups, dtype=object, name=columns[0])
    stated = index.notna() if index.notna().any() else index.isna()
    return _Cube(index, kinds, *counts, *(part[stated].sum(axis=0) for part in counts))


def _in_order(names: list) -> list:
    return sorted(set(names), key=lambda name: (name is None, str(name)))


def _rates(hits: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """hits / trials, NaN where there is nothing to divide by."""
    return np.divide(hits, trials, out=np.full(np.shape(trials), np.nan), where=np.asarray(trials) > 0)


def _direct(cube: _Cube, level: float, min_cell: int) -> np.ndarray:
    """Groups x (share, low, high) at the team's mix. Limits: Zou and Donner (2008), squares of distances add up."""
    weight = cube.team / cube.team.sum()
    rate = _rates(cube.hits, cube.trials)
    low, high = intervals.wilson(cube.hits, cube.trials, level)
    share = rate @ weight
    reach = [np.sqrt(((weight * (rate - limit)) ** 2).sum(axis=1)) for limit in (low, high)]
    found = np.column_stack([share, share - reach[0], share + reach[1]])
    enough = (cube.trials >= min_cell).all(axis=1, keepdims=True)
    return np.where(enough, np.clip(found, 0, 1), np.nan)


def _indirect(table: pd.DataFrame, cube: _Cube, level: float, leave_out: float) -> pd.DataFrame:
    """Expected wins, their ratio to the wins there are, and what the leads are worth; see `standardise`."""
    trials, hits = cube.trials, cube.hits
    large = (
        (trials.sum(axis=1) > leave_out * cube.team.sum())
        & cube.index.notna()
        & (cube.index.notna().sum() > 1)
    )
    own = large[:, None]
    rates = _rates(cube.wins - hits * own, cube.team - trials * own)
    alone = np.isnan(rates)  # nobody else has such leads: nothing to hold against them
    rates = np.where(alone, _rates(hits, trials), rates)
    rates = np.where(np.isnan(rates), 0, rates)  # no lead of the group, none of the measure: weighs nothing
    expected = (trials * rates).sum(axis=1)
    standard = rates @ (cube.team / cube.team.sum())
    wins = hits.sum(axis=1)
    ratio, (low, high) = _rates(wins, expected), _poisson(wins, expected, level)
    table = table.assign(expected=expected, ratio=ratio, ratio_low=low, ratio_high=high, standard=standard)
    table["measure"] = np.where(large, "others", "team")
    for name, value in (("adjusted", ratio), ("adjusted_low", low), ("adjusted_high", high)):
        table[name] = np.minimum(value * standard, 1)
    table["lead_effect"] = expected / trials.sum(axis=1) - standard
    table["alone"] = (trials * alone).sum(axis=1).astype("int64")
    return table


def _poisson(wins: np.ndarray, expected: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact limits of wins / expected: chi-square quantiles of 2 x wins and 2 x wins + 2, halved (Garwood 1936)."""
    from scipy import stats

    tail = (1 - level) / 2
    low = np.where(wins > 0, stats.chi2.ppf(tail, 2 * np.maximum(wins, 1)), 0) / 2
    high = stats.chi2.ppf(1 - tail, 2 * wins + 2) / 2
    return _rates(low, expected), _rates(high, expected)


def _exact(cube: _Cube, row: int) -> float:
    """Two-sided p of the group's wins, given how many leads and wins every stratum has: as Fisher's, over strata."""
    first, chances = 0, np.ones(1)
    for own, wins, leads in zip(cube.trials[row], cube.wins, cube.team, strict=True):
        low, part = _hypergeometric(int(own), int(wins), int(leads))
        first, chances = first + low, np.convolve(chances, part)
    at = int(cube.hits[row].sum()) - first
    seen = chances[at] if 0 <= at < len(chances) else 0.0
    return min(float(chances[chances <= seen * (1 + 1e-7)].sum()), 1.0)


def _hypergeometric(own: int, wins: int, leads: int) -> tuple[int, np.ndarray]:
    """The chances that `own` of the leads hold k of the wins: the first k, and the chance of it and of those after."""
    from scipy import special

    mean = own * wins / leads if leads else 0.0
    spread = math.sqrt(mean * (1 - wins / leads) * (leads - own) / (leads - 1)) if leads > 1 else 0.0
    reach = 12 * spread + 12  # beyond it a chance is below any that decides
    low = max(0, own + wins - leads, int(mean - reach))
    k = np.arange(low, min(own, wins, int(mean + reach) + 1) + 1, dtype=float)
    parts = ((wins, k), (leads - wins, own - k))
    ways = sum(special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1) for n, x in parts)
    return low, np.exp(ways - special.logsumexp(ways))


def _verdicts(table: pd.DataFrame, chosen: np.ndarray, level: float, material: float) -> np.ndarray:
    apart = (table["adjusted"] - table["standard"]).abs() >= material - 1e-12
    sure = chosen & (table["p_adjusted"] < 1 - level) & apart
    leads = table["lead_effect"].where(chosen, 0)
    return np.select(
        [
            sure & (table["ratio_low"] > 1),
            sure & (table["ratio_high"] < 1),
            leads >= material - 1e-12,
            leads <= -material + 1e-12,
        ],
        ["sells_better", "sells_worse", "got_better_leads", "got_worse_leads"],
        "cannot_tell",
    )


@dataclass(frozen=True)
class Simpson:
    """Two groups compared as they stand and inside like leads: does the mix of leads turn the order round?

    first, second      the groups; every difference is first - second
    first_trials, first_hits, second_trials, second_hits, first_share, second_share   as they stand
    raw, raw_low, raw_high       difference of shares with Newcombe's interval
    first_standard, second_standard, standard   shares at the mix of both together, and their difference; only strata
                       where both have leads: covered is the part of all leads that they hold
    rate, mix          Kitagawa's split of raw: inside like leads, and by the mix; rate + mix = raw
    odds, odds_low, odds_high    Mantel-Haenszel's pooled odds ratio of first to second
    chi2, p            Cochran-Mantel-Haenszel with continuity correction; chi2_plain, p_plain without
    breslow_day, p_even   are the odds alike in all strata? A small p_even: no single number holds, read the strata
    strata             one row per stratum: stratum, first_trials, first_hits, first_share, second_trials, second_hits,
                       second_share, difference, low, high (Newcombe)
    status  "reversal"  the orders differ, and inside the strata it is no noise
            "vanishes"  the raw difference is no noise, the one inside the strata may be: the mix makes it
            "holds"     both are no noise and point the same way
            "hidden"    only the difference inside the strata is no noise, with the same sign
            "cannot_tell"   none of these, no leads alike, or a group has fewer than min_group leads
    """

    first: str | None
    second: str | None
    first_trials: int
    first_hits: int
    second_trials: int
    second_hits: int
    first_share: float
    second_share: float
    raw: float
    raw_low: float
    raw_high: float
    first_standard: float
    second_standard: float
    standard: float
    covered: float
    rate: float
    mix: float
    odds: float
    odds_low: float
    odds_high: float
    chi2: float
    p: float
    chi2_plain: float
    p_plain: float
    breslow_day: float
    p_even: float
    strata: pd.DataFrame
    level: float
    status: str

    @property
    def turned(self) -> bool:
        """The order inside like leads is not the order as it stands; by noise or not."""
        return self.raw * self.standard < 0


def simpson(
    cells: pd.DataFrame, pair: tuple[str, str] | None = None, level: float = 0.95, min_cell: int = 10,
    min_group: int = 30, material: float = 0.0,
) -> Simpson | None:  # fmt: skip
    """Is there a pair of groups whose order turns round inside like leads? See `Simpson`; None without two groups.

    pair : the two groups. Without it all pairs of stated groups with min_group leads are looked at, the decisions are
    made at level 1 - (1 - level) / pairs, and the pair with the most telling status is returned (reversal, vanishes,
    hidden, holds, cannot_tell), the smaller p first; its first group is the one that seems to sell better.
    Strata of fewer than min_cell leads in all are merged. A difference below `material` is none to talk about: inside
    the strata for a reversal or a hidden one, as it stands for one that vanishes.
    """
    cube = _cube(cells, min_cell)
    leads = cube.trials.sum(axis=1)
    if intervals.filled_by_outcome(cube.hits.sum(axis=1), leads, cube.index.notna()):
        return None
    if pair is not None:
        first, second = (list(cube.index).index(name) for name in pair)
        return _compare(cube, first, second, level, level, min_group, material)
    able = [row for row in range(len(leads)) if leads[row] >= min_group and cube.index[row] is not None]
    able.sort(key=lambda row: (-cube.hits[row].sum() / leads[row], str(cube.index[row])))
    pairs = [(one, two) for place, one in enumerate(able) for two in able[place + 1 :]]
    strict = 1 - (1 - level) / max(len(pairs), 1)
    found = [_compare(cube, one, two, level, strict, min_group, material) for one, two in pairs]
    return min(found, key=lambda item: (STATUSES.index(item.status), item.p, -item.raw), default=None)


STATUSES = ("reversal", "vanishes", "hidden", "holds", "cannot_tell")


def _compare(
    cube: _Cube, one: int, two: int, level: float, strict: float, min_group: int, material: float
) -> Simpson:
    rows = [one, two]
    trials, hits = cube.trials[rows], cube.hits[rows]
    totals, wins = trials.sum(axis=1), hits.sum(axis=1)
    both = (trials > 0).all(axis=0)
    weight = np.where(both, trials.sum(axis=0), 0)
    covered = weight.sum() / trials.sum()
    rates = _rates(hits, trials)
    standard = np.where(both, rates, 0) @ weight / weight.sum() if both.any() else np.full(2, math.nan)
    raw = wins / totals
    effects = _kitagawa(trials[1] / totals[1], rates[1], trials[0] / totals[0], rates[0])
    table = _strata(cube, rows, level)
    tests = _pooled(trials[:, both], hits[:, both], level)
    low, high = intervals.newcombe(wins[0], totals[0], wins[1], totals[1], level)
    sure = intervals.newcombe(wins[0], totals[0], wins[1], totals[1], strict)
    status = _status(raw[0] - raw[1], sure, standard[0] - standard[1], tests, strict, level)
    size = abs(raw[0] - raw[1] if status == "vanishes" else standard[0] - standard[1])
    small = status != "holds" and size < material - 1e-12
    status = "cannot_tell" if small or totals.min() < min_group else status
    return Simpson(
        cube.index[one], cube.index[two], int(totals[0]), int(wins[0]), int(totals[1]), int(wins[1]),
        float(raw[0]), float(raw[1]), float(raw[0] - raw[1]), low, high,
        float(standard[0]), float(standard[1]), float(standard[0] - standard[1]), float(covered), *effects,
        **tests, strata=table, level=level, status=status,
    )  # fmt: skip


def _status(
    raw: float, sure: tuple[float, float], inside: float, tests: dict, strict: float, level: float
) -> str:
    if math.isnan(inside):
        return "cannot_tell"  # no leads alike
    seems, holds, fades = sure[0] > 0 or sure[1] < 0, tests["p"] < 1 - strict, not tests["p"] < 1 - level
    if holds and raw * inside < 0 and (tests["odds"] - 1) * inside > 0:
        return "reversal"
    if seems and fades:
        return "vanishes"
    if not holds or raw * inside < 0:
        return "cannot_tell"
    return "holds" if seems else "hidden"


def _kitagawa(
    weights0: np.ndarray, rates0: np.ndarray, weights1: np.ndarray, rates1: np.ndarray
) -> tuple[float, float]:
    """(rate, mix): the change of a share inside like leads and by the mix; a rate one side lacks is the other's.

    Source: Kitagawa (1955), JASA 50, 1168-1194.
    """
    before, after = np.where(np.isnan(rates0), rates1, rates0), np.where(np.isnan(rates1), rates0, rates1)
    some = (weights0 + weights1) > 0
    w0, w1, r0, r1 = weights0[some], weights1[some], before[some], after[some]
    return float(((w0 + w1) / 2 * (r1 - r0)).sum()), float(((r0 + r1) / 2 * (w1 - w0)).sum())


def _strata(cube: _Cube, rows: list[int], level: float) -> pd.DataFrame:
    found = pd.DataFrame({"stratum": pd.Series(cube.strata, dtype=object)})
    for name, row in zip(("first", "second"), rows, strict=True):
        trials, hits = cube.trials[row].astype("int64"), cube.hits[row].astype("int64")
        found[f"{name}_trials"], found[f"{name}_hits"] = trials, hits
        found[f"{name}_share"] = _rates(hits, trials)
    found["difference"] = found["first_share"] - found["second_share"]
    counts = (found[f"{name}_{part}"] for name in ("first", "second") for part in ("hits", "trials"))
    found["low"], found["high"] = intervals.newcombe(*counts, level)
    return found[(found["first_trials"] + found["second_trials"]) > 0].reset_index(drop=True)


def _pooled(trials: np.ndarray, hits: np.ndarray, level: float) -> dict[str, float]:
    """Mantel-Haenszel, Cochran-Mantel-Haenszel and Breslow-Day over strata that can tell anything (2 x strata)."""
    from statsmodels.stats.contingency_tables import StratifiedTable

    names = ("odds", "odds_low", "odds_high", "chi2", "p", "chi2_plain", "p_plain", "breslow_day", "p_even")
    mixed = (hits.sum(axis=0) > 0) & (hits.sum(axis=0) < trials.sum(axis=0))
    if not mixed.any():
        return dict.fromkeys(names, math.nan)
    won, lost = hits[:, mixed], (trials - hits)[:, mixed]
    table = StratifiedTable(np.stack([won, lost], axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected, plain = table.test_null_odds(correction=True), table.test_null_odds(correction=False)
        even = table.test_equal_odds() if mixed.sum() > 1 else None
        limits = table.oddsratio_pooled_confint(1 - level)
    found = (table.oddsratio_pooled, *limits, corrected.statistic, corrected.pvalue, plain.statistic, plain.pvalue,
             *((even.statistic, even.pvalue) if even else (math.nan, math.nan)))  # fmt: skip
    return {name: float(value) for name, value in zip(names, found, strict=True)}
