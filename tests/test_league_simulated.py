"""Worlds in which the truth is known: identical managers stay unnamed, and one who differs is found."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from detente.metrics import league, mix

WORLDS = 400


def range_at_least(wins: int, managers: int = 10, leads: int = 30, share: float = 0.2) -> float:
    """Exact chance that best and worst of identical managers lie `wins` wins apart."""
    below = stats.binom(leads, share).cdf(np.arange(-1, leads + wins))  # P(X < m) at place m
    lowest = np.arange(leads + 1)
    inside = below[np.minimum(lowest + wins, leads + 1)] - below[lowest]
    return 1 - float((inside**managers - (inside - np.diff(below)[lowest]) ** managers).sum())


def worlds(leads, shares, seed, count=WORLDS):
    """Tables of wins of each manager, one a world."""
    names = pd.Index([f"#{order:02d}" for order in range(len(leads))], name="manager")
    for hits in np.random.default_rng(seed).binomial(leads, shares, size=(count, len(leads))):
        yield pd.DataFrame({"hits": hits, "trials": leads}, names)


def test_a_naive_table_accuses_in_most_worlds_and_ours_in_almost_none():
    assert range_at_least(6) == pytest.approx(0.737, abs=5e-4)  # 20 points and more
    assert range_at_least(7) == pytest.approx(0.511, abs=5e-4)  # more than 20 points
    leads, naive, named = np.full(10, 30), [], []
    for table in worlds(leads, np.full(10, 0.2), seed=1):
        naive.append(np.ptp(table["hits"].to_numpy()) >= 6)
        named.append(league.against_rest(table)["named"].any())
    assert np.mean(naive) == pytest.approx(range_at_least(6), abs=0.06)
    assert np.mean(named) <= 0.05


@pytest.mark.parametrize("others", [60, 30])
def test_a_manager_who_wins_twice_as_often_is_found_and_no_innocent_is_named_for_it(others):
    leads, shares = np.array([60] + [others] * 9), np.array([0.45] + [0.2] * 9)
    named = np.array(
        [league.against_rest(table)["named"] for table in worlds(leads, shares, seed=2, count=250)]
    )
    assert named[:, 0].mean() >= 0.8
    assert named[:, 1:].any(axis=1).mean() <= 0.05


SHARE = {"dealers": 0.4, "homes": 0.1}


def handed_out(dealers, leads=150, skill=1.0, seed=0, count=WORLDS):
    """Cells of worlds: dealers[m] of manager m's leads are dealers; the first one sells `skill` times as well."""
    rng = np.random.default_rng(seed)
    factors = np.array([skill] + [1.0] * (len(dealers) - 1))
    for _ in range(count):
        first = rng.binomial(leads, dealers)
        parts = []
        for name, trials in (("dealers", first), ("homes", leads - first)):
            hits = rng.binomial(trials, np.minimum(SHARE[name] * factors, 1))
            parts.append(pd.DataFrame({"manager": [f"#{m}" for m in range(len(dealers))], "segment": name,
                                       "trials": trials, "hits": hits}))  # fmt: skip
        yield pd.concat(parts, ignore_index=True)


def totals(cells):
    return cells.groupby("manager")[["trials", "hits"]].sum()


def test_managers_of_one_skill_are_not_said_to_sell_differently_whatever_leads_they_get():
    dealers, raw, sells, leads = [0.9, 0.2, 0.2, 0.2, 0.2, 0.2], [], [], []
    for cells in handed_out(dealers, seed=3, count=100):
        raw.append(league.against_rest(totals(cells)).loc["#0", "named"])
        verdict = mix.standardise(cells)["verdict"]
        sells.append(verdict.str.startswith("sells").any())
        leads.append(verdict["#0"] == "got_better_leads")
    assert np.mean(raw) > 0.9  # a table as it stands praises him for his leads
    assert np.mean(sells) <= 0.05
    assert np.mean(leads) >= 0.95


@pytest.mark.parametrize("managers", [2, 3, 8])
def test_few_large_managers_are_no_more_often_accused_than_many(managers):
    found = [
        mix.standardise(cells, material=0)["verdict"].str.startswith("sells").any()
        for cells in handed_out([0.3] * managers, leads=400, seed=4, count=150)
    ]
    assert np.mean(found) <= 0.05


def test_one_who_sells_better_from_worse_leads_is_found():
    found = [
        mix.standardise(cells).loc["#0", "verdict"]
        for cells in handed_out([0.1, 0.5, 0.5, 0.5, 0.5], leads=300, skill=2.0, seed=5, count=60)
    ]
    assert np.mean([verdict == "sells_better" for verdict in found]) >= 0.8
    raw = [
        league.against_rest(totals(cells)).loc["#0", "difference"] > 0.05
        for cells in handed_out([0.1, 0.5, 0.5, 0.5, 0.5], leads=300, skill=2.0, seed=5, count=60)
    ]
    assert np.mean(raw) < 0.5
