"""Who wins more of their leads, and the guards against naming anybody on noise."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from detente import engine
from detente.metrics import intervals, league

CHANNELS = {
    "direct": (126, 420), "seo": (62, 310), "vk": (99, 180), "aggr": (57, 95), "email": (4, 22), "expo": (5, 7),
}  # fmt: skip
BATS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]  # hits in the first 45 at bats
LATER = [.346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .256, .303, .264, .226, .286, .316,
         .200]  # fmt: skip


def group_counts(groups):
    """Counts from {name: (hits, trials)}."""
    return pd.DataFrame(
        list(groups.values()), columns=["hits", "trials"], index=pd.Index(list(groups), name="by")
    )


GROUPS = st.lists(
    st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=8
).map(lambda rows: group_counts({f"c{order}": row for order, row in enumerate(rows)}))


def journeys(*rows):
    """Rows of (manager, segment, outcome, age_days)."""
    return engine.table(pd.DataFrame(rows, columns=["manager", "segment", "outcome", "age_days"]))


LEADS = journeys(
    ("#02", "shop", "won", 40),
    ("#02", "shop", "lost", 30),
    ("#02", "home", "won", 29),
    ("#01", "shop", "open", 400),
    (None, "shop", "won", 90),
    (None, None, "lost", 5),
)


def test_young_leads_are_in_no_share_and_leads_without_a_group_keep_a_row():
    table = league.cells(LEADS, "manager", ripe_days=30)
    assert table.index[:2].tolist() == ["#01", "#02"]
    assert pd.isna(table.index[2])
    assert table.index.name == "manager"
    assert table["trials"].tolist() == [1, 2, 1]
    assert table["hits"].tolist() == [0, 1, 1]
    assert table["open"].tolist() == [1, 0, 0]
    assert table["young"].tolist() == [0, 1, 1]


def test_cells_of_strata_are_a_row_each_and_sum_to_the_groups():
    cells = league.cells(LEADS, "manager", ["segment"], ripe_days=0)
    assert cells.columns.tolist() == ["manager", "segment", "trials", "hits", "open", "young"]
    rows = [
        tuple(None if pd.isna(x) else x for x in row) for row in cells.iloc[:, :4].itertuples(index=False)
    ]
    assert rows == [
        ("#01", "shop", 1, 0), ("#02", "home", 1, 1), ("#02", "shop", 2, 1), (None, "shop", 1, 1), (None, None, 1, 0),
    ]  # fmt: skip
    assert cells["hits"].sum() == 3


def test_a_column_that_nobody_filled_in_is_one_group_that_is_not_stated():
    empty = journeys((None, None, "won", 9)).mutate(manager=None)
    table = league.guard(league.cells(empty, "manager"))
    assert len(table) == 1
    assert not table["named"].any()


def test_cells_of_only_young_leads_divide_by_nothing():
    table = league.guard(league.cells(LEADS, "manager", ripe_days=10_000))
    assert table.empty
    assert {"named", "share", "estimate", "limit_low"} <= set(table.columns)


@pytest.mark.parametrize(
    ("trials", "lines"),
    [
        (7, (0, 0, 0.714, 0.857)),
        (22, (0.045, 0.136, 0.545, 0.682)),
        (95, (0.200, 0.253, 0.442, 0.495)),
        (420, (0.271, 0.298, 0.388, 0.414)),
    ],
)
def test_the_lines_of_the_funnel_plot_are_the_published_quantiles(trials, lines):
    # a pool of 3414 of 10 000, in which the group itself stands
    table = group_counts({"a": (0, trials), "b": (3414, 10_000 - trials)})
    row = league.limits(table).loc["a"]
    assert row["whole"] == 0.3414
    assert tuple(row[["outer_low", "limit_low", "limit_high", "outer_high"]]) == pytest.approx(
        lines, abs=6e-4
    )


def test_leads_without_a_group_do_not_move_the_lines_nor_the_rest():
    stated = group_counts({"a": (10, 100), "b": (12, 100)})
    table = group_counts({"a": (10, 100), "b": (12, 100), None: (0, 60)})
    found = league.guard(table)
    assert found.loc["a", "whole"] == 22 / 200
    assert found.loc["a", "rest_share"] == 12 / 100
    assert league.guard(stated).loc["a", "p"] == found.loc["a", "p"]
    assert pd.isna(found.index[-1])
    assert not found["named"].any()


@pytest.mark.parametrize(
    ("channel", "estimate", "low", "high", "p", "holm"),
    [
        ("direct", 30.19, 25.93, 34.62, 0.0231, 0.0694),
        ("seo", 20.49, 16.24, 25.10, 0, 0),
        ("vk", 54.41, 47.26, 61.46, 0, 0),
        ("aggr", 58.54, 48.92, 67.84, 0, 0),
        ("email", 23.94, 10.67, 40.52, 0.1706, 0.1706),
        ("expo", 55.24, 30.35, 78.77, 0.0495, 0.0990),
    ],
)
def test_the_worked_example_comes_out_to_its_digits(channel, estimate, low, high, p, holm):
    row = league.guard(group_counts(CHANNELS), min_group=5).loc[channel]
    assert tuple(100 * row[["estimate", "eb_low", "eb_high"]]) == pytest.approx(
        (estimate, low, high), abs=6e-3
    )
    assert (row["p"], row["p_adjusted"]) == pytest.approx((p, holm), abs=6e-5)
    assert row["separable"]
    assert row["compared"] == 6


def test_small_groups_are_shown_and_neither_compared_nor_named():
    found = league.guard(group_counts({"a": (10, 100), "b": (11, 100), "tiny": (29, 29)}))
    assert found.loc["tiny", "share"] == 1
    assert found["compared"].unique().tolist() == [2]
    assert math.isnan(found.loc["tiny", "p"])
    assert not found.loc["tiny", "named"]
    assert league.guard(group_counts({"a": (10, 100), "b": (11, 100), "c": (30, 30)})).loc["c", "named"]


def test_a_sure_difference_that_is_not_material_is_not_named():
    table = group_counts({"a": (5200, 10_000), "b": (4800, 10_000), "c": (5000, 10_000)})
    found = league.guard(table, material=0.05)
    assert found.loc["a", "p_adjusted"] < 0.001
    assert not found["named"].any()
    assert league.guard(table, material=0.02).loc["a", "named"]


def test_a_difference_of_exactly_the_threshold_is_material():
    table = group_counts({"a": (300, 1000), "b": (100, 1000)})
    assert league.guard(table, material=0.2)["named"].tolist() == [True, True]  # 0.3 - 0.1 < 0.2 as floats


def test_one_star_does_not_make_another_look_weak():
    others = {f"c{order}": (30, 150) for order in range(4)}
    table = group_counts(others | {"star": (110, 150), "low": (18, 150)})
    found = league.guard(table)
    assert found.loc["low", "p_adjusted"] < 0.05  # against a rest with the star in it
    assert found["named"].to_dict() == {name: name == "star" for name in found.index}


def test_groups_that_cannot_be_told_apart_get_no_false_precision():
    found = league.guard(group_counts({name: (20, 100) for name in "abcdef"}))
    assert not found["separable"].any()
    assert found["eb_low"].isna().all()
    assert found["estimate"].tolist() == found["share"].tolist()
    assert found["needed"].isna().all()  # equal shares: no number of leads tells them apart


def test_few_groups_do_not_show_how_far_groups_spread():
    assert not league.guard(group_counts({"a": (10, 100), "b": (50, 100), "c": (90, 100)}))["separable"].any()


def test_what_is_lacking_is_told_at_the_level_that_the_correction_asks():
    found = league.guard(group_counts({"a": (12, 100), "b": (6, 100)}))
    # 2 groups: level 1 - 0.05 / 2. The normal approximation of 0.12 against 0.06 by hand: z 2.2414 and 0.8416,
    # mean share 0.09: (2.2414 sqrt(2 x .09 x .91) + .8416 sqrt(.1056 + .0564))² / .0036 = 431.6
    assert found["needed"].tolist() == [432 - 100, 432 - 100]
    assert league.guard(group_counts({"a": (60, 100), "b": (6, 100)}))["needed"].tolist() == [0, 0]


def test_batting_averages_of_a_few_weeks_are_no_ranking():
    table = group_counts({f"player {order}": (hits, 45) for order, hits in enumerate(BATS)})
    found = league.guard(table).loc[table.index]
    assert not found["named"].any()
    assert not found["separable"].any()  # the likelihood is highest where the prior outweighs what was seen
    mean = found["share"].mean()
    factor = 1 - 15 * mean * (1 - mean) / 45 / ((found["share"] - mean) ** 2).sum()
    assert (mean, factor) == pytest.approx(
        (0.265, 0.2117), abs=6e-4
    )  # Efron and Morris keep a fifth of a distance
    raw = ((found["share"] - LATER) ** 2).sum()
    assert raw == pytest.approx(0.0755, abs=6e-4)
    assert raw / ((found["whole"] - LATER) ** 2).sum() > 3  # the common share foretold the season better


def test_no_group_and_no_lead_are_no_error():
    assert league.guard(group_counts({})).empty
    alone = league.guard(group_counts({"a": (3, 100)}))
    assert not alone["named"].any()
    assert alone["compared"].tolist() == [0]
    assert math.isnan(alone["rest_share"].iloc[0])


@settings(max_examples=20, deadline=None)
@given(GROUPS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_move_nothing(table, rng):
    found = league.guard(table)
    order = list(range(len(table)))
    rng.shuffle(order)
    shuffled = league.guard(table.iloc[order])
    pd.testing.assert_frame_equal(shuffled, found)
    renamed = table.rename(lambda name: f"z{9 - int(name[1:])}")
    back = league.guard(renamed).rename(lambda name: f"c{9 - int(name[1:])}")
    pd.testing.assert_frame_equal(back.sort_index(), found.sort_index(), check_names=False)


@settings(max_examples=20, deadline=None)
@given(GROUPS)
def test_nobody_is_named_against_the_rules(table):
    found = league.against_rest(table)
    for row in found[found["named"]].itertuples():
        assert row.trials >= 30
        assert row.p_adjusted < 0.05
        assert row.diff_low > 0 or row.diff_high < 0
        assert abs(row.difference) >= 0.05 - 1e-12


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_agrees_with_statsmodels_and_skips_what_was_not_compared(p):
    assert intervals.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    with_gap = intervals.holm([math.nan, *p])
    assert math.isnan(with_gap[0])
    assert with_gap[1:] == pytest.approx(intervals.holm(p))


def test_alike_agrees_with_scipy_and_counts_by_hand():
    table = np.array([[30, 20, 50], [25, 30, 45], [10, 40, 50]])
    theirs = stats.chi2_contingency(table, correction=False)
    ours = intervals.alike(table)
    assert (ours.statistic, ours.p, ours.df) == pytest.approx((theirs.statistic, theirs.pvalue, 4))
    assert ours.strength == pytest.approx(stats.contingency.association(table, "cramer"))
    tea = intervals.alike([[3, 1], [1, 3]])
    assert (tea.method, tea.p) == ("fisher", pytest.approx(34 / 70))  # the lady tasting tea
    # 28 ways to place 2 wins among 8 leads; 7 of them are as uneven: both in a (3), both in b (3), both in c (1)
    assert intervals.alike([[2, 1], [0, 3], [0, 2]]).p == pytest.approx(7 / 28, abs=0.015)
    assert intervals.alike([[0, 5], [0, 9]]).p == 1
    assert intervals.alike([[4, 5], [0, 0]]).method == "none"
    assert intervals.alike(np.zeros((0, 2))).method == "none"


def test_a_field_that_is_filled_when_a_deal_is_won_compares_nobody() -> None:
    table = pd.DataFrame({"trials": [40, 40, 200], "hits": [40, 30, 0]}, index=["a", "b", None])
    found = league.guard(table)
    assert found["late"].all()
    assert not found["named"].any()
    assert found["p"].isna().all()
    # the same managers where nine of ten other leads name theirs: 60 of 70 wins against 200 of 240 others
    usual = pd.DataFrame({"trials": [140, 120, 50], "hits": [40, 20, 10]}, index=["a", "b", None])
    assert not league.guard(usual)["late"].any()


def test_a_young_company_is_compared_at_the_age_that_half_of_its_leads_have_reached() -> None:
    leads = pd.DataFrame({
        "age_days": [10, 20, 30, 40], "outcome": ["won", "won", "lost", "won"], "manager": ["a", "a", "b", "b"],
        "created_at": pd.to_datetime(["2026-01-31", "2026-01-21", "2026-01-11", "2026-01-01"]),
        "closed_at": pd.to_datetime(["2026-02-05", "2026-01-25", "2026-01-12", "2026-02-09"]),
    })  # fmt: skip
    journeys = engine.table(leads)
    assert league.fair_age(journeys, 200) == 30
    assert league.fair_age(journeys, 15) == 15
    # of the two leads of 30 days or more one was won, on its 39th day: too late to count
    found = league.cells(journeys, "manager", (), 30, within=True)
    assert found.loc["b"].tolist() == [2, 0, 0, 0]
    assert league.cells(journeys, "manager", (), 39, within=True).loc["b"].tolist() == [1, 1, 0, 1]
    assert league.cells(journeys, "manager", (), 30).loc["b", "hits"] == 1
