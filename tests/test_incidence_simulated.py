"""Companies whose truth is known: what the popular shares make of it, and what the honest curve does."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest

from detente.metrics import incidence

SEEDS = range(1000, 1500)


def company(seed, leads, window, truth, lag, loss=None):
    """Counts of leads created evenly over `window` days and seen on one evening, in whole days.

    A lead will be won with probability `truth`, `lag(draw, n)` days after its birth; else it is lost after
    `loss(draw, n)` days, or stays open. Day t of its life is (t - 1, t]: shares by day t are those by time t.
    """
    draw = np.random.default_rng(seed)
    age = draw.integers(0, window + 1, leads)
    won, soon = draw.random(leads) < truth, lag(draw, leads)
    gone = np.full(leads, np.inf) if loss is None else loss(draw, leads)
    ends = np.ceil(np.where(won, soon, gone))
    cause = np.where(ends <= age, np.where(won, 1, 2), 0)
    return tallied(np.minimum(ends, age), cause)


def tallied(age, cause):
    rows, leads = np.unique(np.column_stack([age, cause]).astype(int), axis=0, return_counts=True)
    return pd.DataFrame({"age": rows[:, 0], "cause": rows[:, 1], "leads": leads})


def month_lag(draw, n):
    return draw.exponential(30, n)


def bell_lag(draw, n):
    return 30 * draw.weibull(2, n)


def quick_loss(draw, n):
    return draw.exponential(20, n)


@cache
def lottery():
    """True final share 30 %; by day 45 of life 0.3·(1 - exp(-(45/30)²)). One large company."""
    return company(11, 60_000, 60, 0.3, bell_lag, quick_loss)


# --- a true conversion of 20 %, exponential lag with mean 30 days ---
@pytest.mark.parametrize(("window", "expected"), [(60, 0.1135), (30, 0.0736)])
def test_the_naive_share_of_a_recent_window_falls_short_as_the_integral_says(window, expected):
    months = window / 30
    exact = 0.2 * (1 - (1 - math.exp(-months)) / months)  # mean of 0.2·(1 - exp(-a/30)) over ages 0..window
    assert exact == pytest.approx(expected, abs=6e-5)
    draw = np.random.default_rng(window)
    age = draw.uniform(0, window, 400_000)
    won = (draw.random(len(age)) < 0.2) & (draw.exponential(30, len(age)) <= age)
    table = incidence.naive(tallied(np.ceil(age), won))
    assert table.loc["of_all", "share"] == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(("age", "truth"), [(30, 0.1264), (60, 0.1729)])
def test_the_curve_finds_the_true_share_by_age_where_the_naive_one_does_not(age, truth):
    assert 0.2 * (1 - math.exp(-age / 30)) == pytest.approx(truth, abs=6e-5)
    found = incidence.at(incidence.curve(company(5, 40_000, 60, 0.2, month_lag)), age)
    assert found.low < truth < found.high
    assert found.high - found.low < 0.025


def test_sixty_days_do_not_tell_the_final_share_and_a_year_does():
    short = incidence.maturity(company(5, 40_000, 60, 0.2, month_lag))
    assert short.reached
    assert not short.settled
    assert short.final < 0.19
    long = incidence.maturity(company(5, 40_000, 365, 0.2, month_lag))
    assert long.settled
    assert long.final == pytest.approx(0.2, abs=0.01)
    assert long.days == pytest.approx(30 * math.log(20), abs=8)  # 95 % of the wins have come by then


# --- won 30 %, fast losses ---
def test_each_popular_share_lies_in_its_own_direction():
    """Published draw of 3000 leads: 16.9 %, 25.9 %, 71.6 % and 29.7 %; here the draw is larger."""
    share = incidence.naive(lottery())["share"]
    assert share["of_all"] == pytest.approx(0.169, abs=0.01)
    assert share["of_closed"] == pytest.approx(0.259, abs=0.015)
    assert share["one_minus_survival"] == pytest.approx(0.716, abs=0.05)
    assert share["honest"] == pytest.approx(0.3 * (1 - math.exp(-4)), abs=0.01)


def test_the_popular_shares_miss_what_the_curve_finds_in_every_small_company():
    for seed in range(20):
        share = incidence.naive(company(seed, 3000, 60, 0.3, bell_lag, quick_loss))["share"]
        assert share["of_all"] < 0.2
        assert share["of_closed"] < 0.3
        assert share["one_minus_survival"] > 0.5
        assert share["honest"] == pytest.approx(0.2945, abs=0.08)


@cache
def repeated(truth, lag, loss, ages, leads=600):
    """Per seed and age: share, error, low, high."""
    found = []
    for seed in SEEDS:
        curve = incidence.curve(company(seed, leads, 60, truth, lag, loss))
        at = [incidence.at(curve, age) for age in ages]
        found.append([(one.share, one.se, one.low, one.high) for one in at])
    return np.array(found)


@pytest.mark.parametrize(
    ("truth", "lag", "loss", "ages", "shares"),
    [
        (0.3, bell_lag, quick_loss, (20, 45), [0.3 * (1 - math.exp(-((t / 30) ** 2))) for t in (20, 45)]),
        (0.2, month_lag, None, (30, 55), [0.2 * (1 - math.exp(-t / 30)) for t in (30, 55)]),
    ],
    ids=["fast losses", "losses never closed"],
)
def test_intervals_of_95_percent_hold_the_truth_in_93_to_97_of_100_companies(truth, lag, loss, ages, shares):
    found = repeated(truth, lag, loss, ages)
    held = ((found[..., 2] <= shares) & (shares <= found[..., 3])).mean(axis=0)
    assert ((held >= 0.93) & (held <= 0.97)).all(), held


def test_the_stated_error_is_how_far_estimates_really_spread():
    found = repeated(0.3, bell_lag, quick_loss, (20, 45))
    spread, stated = found[..., 0].std(axis=0), found[..., 1].mean(axis=0)
    assert stated == pytest.approx(spread, rel=0.08)
    assert stated[1] == pytest.approx(0.0239, abs=0.0006)  # published for 600 leads at day 45
    assert found[..., 0].mean(axis=0)[1] == pytest.approx(0.2684, abs=0.003)


def test_two_equal_companies_differ_in_about_one_comparison_of_twenty():
    wrong = missed = 0
    for seed in SEEDS[::2]:
        one, two = (
            incidence.curve(company(seed + side, 600, 60, 0.3, bell_lag, quick_loss)) for side in (0, 1)
        )
        found = incidence.compare(one, two, 40)
        wrong += found.p < 0.05
        missed += not found.low <= 0 <= found.high
    assert 0.02 <= wrong / (len(SEEDS) / 2) <= 0.09
    assert 0.02 <= missed / (len(SEEDS) / 2) <= 0.09


def test_an_export_that_begins_in_mid_life_is_set_right_by_late_entry():
    """Deals that ended before the export began are not in it: of the old ones only slow deals are seen."""
    draw = np.random.default_rng(3)
    born = draw.integers(0, 240, 60_000)  # the export holds what was alive on day 120 or later, up to day 240
    won = draw.random(len(born)) < 0.3
    ends = born + np.ceil(np.where(won, bell_lag(draw, len(born)), quick_loss(draw, len(born))))
    seen = ends >= 120
    born, won, ends = born[seen], won[seen], ends[seen]
    cause = np.where(ends <= 240, np.where(won, 1, 2), 0)
    age = np.minimum(ends, 240) - born
    entry = np.where(born < 120, 119 - born, -1)
    right = incidence.at(incidence.aalen_johansen(age, cause, entry), 20)
    blind = incidence.at(incidence.aalen_johansen(age, cause), 20)
    truth = 0.3 * (1 - math.exp(-((20 / 30) ** 2)))
    assert right.low < truth < right.high
    assert blind.high < truth  # slow deals alone
