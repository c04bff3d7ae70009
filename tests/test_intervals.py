"""Intervals against published tables, and the laws that any interval of a share must obey."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from detente.metrics import intervals

COUNTS = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_limits_of_newcombe_1998a(x, n, low, high):
    assert intervals.wilson(x, n, 0.95) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_clopper_pearson_gives_the_published_limits_of_newcombe_1998a(x, n, low, high):
    assert intervals.clopper_pearson(x, n, 0.95) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("counts", "low", "high"), [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090)]
)
def test_newcombe_gives_the_published_limits_of_method_10(counts, low, high):
    assert intervals.newcombe(*counts, 0.95) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(("n", "high"), [(10, 0.278), (20, 0.161), (30, 0.114), (50, 0.071), (100, 0.037)])
def test_none_of_n_is_not_zero_percent(n, high):
    assert intervals.wilson(0, n, 0.95) == (0.0, pytest.approx(high, abs=6e-4))


@given(COUNTS, LEVELS)
def test_both_intervals_lie_in_0_to_1_and_hold_the_share(counts, level):
    x, n = counts
    for interval in (intervals.wilson, intervals.clopper_pearson):
        low, high = interval(x, n, level)
        assert 0 <= low <= x / n <= high <= 1


@given(COUNTS, LEVELS, st.integers(2, 50))
def test_the_interval_narrows_as_the_same_share_is_seen_in_more_leads(counts, level, times):
    x, n = counts
    for interval in (intervals.wilson, intervals.clopper_pearson):
        few, many = interval(x, n, level), interval(x * times, n * times, level)
        assert many[1] - many[0] < few[1] - few[0]


@given(COUNTS, COUNTS, LEVELS)
def test_swapping_two_groups_mirrors_the_interval_of_their_difference(first, second, level):
    low, high = intervals.newcombe(*first, *second, level)
    mirrored = intervals.newcombe(*second, *first, level)
    assert (low, high) == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-12)
    assert -1 - 1e-12 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1 + 1e-12


@given(COUNTS, COUNTS)
def test_all_three_agree_with_statsmodels(first, second):
    expected = proportion_confint(*first, method="wilson")
    assert intervals.wilson(*first) == pytest.approx(expected, abs=1e-9)
    exact = proportion_confint(*first, method="beta")
    assert intervals.clopper_pearson(*first) == pytest.approx(exact, abs=1e-9)
    difference = confint_proportions_2indep(*first, *second, method="newcomb")
    assert intervals.newcombe(*first, *second) == pytest.approx(difference, abs=1e-9)


def test_no_trials_give_no_interval_beside_groups_that_have_one():
    low, high = intervals.wilson(pd.Series([0, 5]), pd.Series([0, 10]), 0.95)
    assert np.isnan([low[0], high[0]]).all()
    assert 0 < low[1] < 0.5 < high[1] < 1
    assert all(math.isnan(end) for end in intervals.clopper_pearson(0, 0))
    assert all(math.isnan(end) for end in intervals.newcombe(0, 0, 1, 2))


@pytest.mark.parametrize(("x", "n", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0), (1, 5, 95)])
def test_impossible_counts_and_levels_are_refused(x, n, level):
    with pytest.raises(ValueError, match="counts must hold|confidence level"):
        intervals.wilson(x, n, level)


def test_unknown_leads_stay_out_of_the_share_and_widen_the_bounds():
    counts = pd.DataFrame({"leads": [10], "target": [4], "non_target": [2], "unknown": [4]})
    row = intervals.with_share(counts, 0.9).iloc[0]
    assert (row["known"], row["share"], row["level"]) == (6, pytest.approx(2 / 6), 0.9)
    assert (row["bound_low"], row["bound_high"]) == pytest.approx((0.2, 0.6))


def test_a_group_without_verdicts_has_no_share_but_has_bounds():
    counts = pd.DataFrame({"leads": [3, 0], "target": [0, 0], "non_target": [0, 0], "unknown": [3, 0]})
    table = intervals.with_share(counts)
    assert table[["share", "low", "high"]].isna().all(axis=None)
    assert table["bound_low"].tolist()[0] == 0
    assert table["bound_high"].tolist()[0] == 1
    assert table[["bound_low", "bound_high"]].iloc[1].isna().all()


NEEDED = {
    0.02: (80682, 21109, 9798, 3826),
    0.05: (31234, 8158, 3780, 1471),
    0.10: (14751, 3841, 1774, 686),
    0.20: (6510, 1683, 772, 294),
    0.30: (3763, 963, 437, 163),
}


@pytest.mark.parametrize(("p0", "expected"), NEEDED.items())
def test_leads_needed_gives_the_reference_table(p0, expected):
    found = [intervals.leads_needed(p0, p0 * times) for times in (1.1, 1.2, 1.3, 1.5)]
    assert found == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("leads", "share"), [(50, 0.327), (100, 0.250), (200, 0.200), (500, 0.159), (1000, 0.141)]
)
def test_the_smallest_change_that_n_leads_would_show(leads, share):
    assert intervals.detectable(0.1, leads) == pytest.approx(share, abs=6e-4)


@given(st.floats(0.02, 0.6), st.integers(60, 50_000))
def test_detectable_is_the_inverse_of_leads_needed(p0, leads):
    share = intervals.detectable(p0, leads)
    assert abs(intervals.leads_needed(p0, share) - leads) <= 1


def test_a_handful_of_leads_can_show_nothing_and_equal_shares_are_never_told_apart():
    assert math.isnan(intervals.detectable(0.9, 3))
    with pytest.raises(ValueError, match="equal"):
        intervals.leads_needed(0.2, 0.2)
