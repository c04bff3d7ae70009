"""Which groups differ: the reference's worked example, published tables, and the guards against noise."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from detente import engine
from detente.audit import Criterion
from detente.metrics import nontarget, qualification

CHANNELS = {
    "direct": (126, 420),
    "seo": (62, 310),
    "vk": (99, 180),
    "aggr": (57, 95),
    "email": (4, 22),
    "expo": (5, 7),
}


def group_counts(groups, unknown=0):
    """Counts from {name: (non_target, known)}."""
    table = pd.DataFrame(groups, index=["non_target", "known"]).T
    table.index.name = "channel"
    table = table.assign(target=table["known"] - table["non_target"], unknown=unknown)
    return table.assign(leads=table["known"] + table["unknown"])


GROUPS = st.lists(
    st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=9
).map(lambda rows: group_counts({f"c{order}": row for order, row in enumerate(rows)}))


def judged(*rows, by="channel"):
    """Rows of (group, verdict)."""
    return engine.table(pd.DataFrame(rows, columns=[by, "verdict"]))


def test_counts_keep_the_group_that_is_not_stated_and_put_it_last():
    table = nontarget.counts(
        judged(
            ("vk", "target"),
            (None, "non_target"),
            ("seo", "unknown"),
            ("vk", "non_target"),
            (None, "unknown"),
        ),
        "channel",
    )
    assert table.index[:2].tolist() == ["seo", "vk"]
    assert pd.isna(table.index[2])
    assert table["leads"].tolist() == [1, 2, 2]
    assert table["known"].tolist() == [0, 2, 1]
    assert table["unknown"].tolist() == [1, 0, 1]
    assert table.index.name == "channel"


def test_shares_stand_worst_first_and_unjudged_groups_last():
    counts = group_counts(
        {"b": (1, 4), "a": (1, 4), "none": (0, 0), "c": (10, 40), "worst": (3, 4)}, unknown=1
    )
    table = nontarget.share_by(counts, 0.9)
    assert table.index.tolist() == ["worst", "c", "a", "b", "none"]
    assert table.loc["worst", ["share", "bound_low", "bound_high"]].tolist() == [0.75, 0.6, 0.8]
    assert set(table["level"]) == {0.9}


def test_homogeneity_gives_the_worked_example():
    found = nontarget.homogeneity(group_counts(CHANNELS))
    assert found.statistic == pytest.approx(100.68, abs=0.005)
    assert (found.df, found.groups, found.left_out) == (5, 6, 0)
    assert found.method == "monte_carlo"  # expo expects 2.4 non-target leads
    assert found.p == pytest.approx(1 / 10_000)


def test_large_groups_are_tested_by_chi_square_and_two_small_ones_exactly():
    large = nontarget.homogeneity(group_counts({"a": (30, 100), "b": (50, 100), "nobody": (0, 0)}))
    assert (large.method, large.df, large.left_out) == ("chi2", 1, 1)
    assert large.statistic == pytest.approx(25 / 3)  # 200 x (30 x 50 - 50 x 70)² / (100 x 100 x 80 x 120)
    tea = nontarget.homogeneity(group_counts({"milk": (3, 4), "tea": (1, 4)}))
    assert (tea.method, tea.p) == ("fisher", pytest.approx(34 / 70))  # the lady tasting tea, two-sided


def test_a_drawn_p_agrees_with_the_exact_one():
    counts = group_counts({"a": (2, 3), "b": (0, 3), "c": (0, 2)})
    # 28 ways to place 2 non-target leads among 8; the statistic is as large in 7 of them: both in a
    # (3 ways, X² 40/9), both in b (3 ways, the same), both in c (1 way, X² 8)
    assert nontarget.homogeneity(counts).p == pytest.approx(7 / 28, abs=0.015)


def test_groups_that_are_all_alike_or_alone_are_no_difference():
    assert nontarget.homogeneity(group_counts({"a": (0, 10), "b": (0, 99)})).p == 1
    assert nontarget.homogeneity(group_counts({"a": (7, 7), "b": (9, 9)})).p == 1
    alone = nontarget.homogeneity(group_counts({"a": (3, 10)}))
    assert alone.method == "none"
    assert math.isnan(alone.p)


@pytest.mark.parametrize(
    ("channel", "p", "holm"),
    [
        ("direct", 0.0231, 0.0694),
        ("seo", 0, 0),
        ("vk", 0, 0),
        ("aggr", 0, 0),
        ("email", 0.1706, 0.1706),
        ("expo", 0.0495, 0.0990),
    ],
)
def test_against_the_rest_gives_the_worked_example(channel, p, holm):
    row = nontarget.against_rest(group_counts(CHANNELS)).loc[channel]
    assert (row["p"], row["p_holm"]) == pytest.approx((p, holm), abs=6e-5)
    assert row["compared"] == 6


@settings(max_examples=20, deadline=None)
@given(GROUPS)
def test_holm_agrees_with_statsmodels(counts):
    table = nontarget.against_rest(counts)
    if len(table) > 1:
        expected = multipletests(table["p"], method="holm")[1]
        assert table["p_holm"].to_numpy() == pytest.approx(expected)


def test_only_groups_that_pass_every_guard_are_named():
    table = nontarget.against_rest(group_counts(CHANNELS))
    assert sorted(table.index[table["named"]]) == ["aggr", "seo", "vk"]
    assert table.index.tolist() == ["expo", "aggr", "vk", "direct", "email", "seo"]
    assert table.loc["aggr", "difference"] == pytest.approx(57 / 95 - 296 / 939)
    strict = nontarget.against_rest(group_counts(CHANNELS), material=0.27)
    assert strict.index[strict["named"]].tolist() == ["aggr"]
    big = nontarget.against_rest(group_counts(CHANNELS), min_group=200)
    assert big.index[big["named"]].tolist() == ["seo"]


def test_a_small_rest_names_nobody():
    table = nontarget.against_rest(group_counts({"big": (10, 400), "small": (10, 12)}), min_group=30)
    assert (table["p_holm"] < 0.001).all()
    assert not table["named"].any()


def test_a_difference_at_the_threshold_counts_although_floats_fall_short_of_it():
    assert 9 / 30 - 3 / 30 < 0.2
    table = nontarget.against_rest(group_counts({"a": (900, 3000), "b": (300, 3000)}), material=0.2)
    assert table["named"].all()


def test_one_group_has_no_rest():
    row = nontarget.against_rest(group_counts({"only": (3, 10)})).iloc[0]
    assert row["compared"] == 0
    assert not row["named"]
    assert math.isnan(row["p"])
    assert math.isnan(row["difference"])


def test_identical_groups_are_rarely_accused():
    """Ten managers, true share 20 %, 30 leads each: a league table accuses someone most months."""
    rng, named = np.random.default_rng(1), 0
    for hits in rng.binomial(30, 0.2, size=(120, 10)):
        counts = group_counts({str(order): (int(x), 30) for order, x in enumerate(hits)})
        named += bool(nontarget.against_rest(counts)["named"].any())
    assert named <= 12  # 5 % of 120 is 6; 12 is beyond the 99 % quantile


@pytest.mark.parametrize(
    ("channel", "estimate", "low", "high"),
    [
        ("direct", 30.19, 25.93, 34.62),
        ("seo", 20.49, 16.24, 25.10),
        ("vk", 54.41, 47.26, 61.46),
        ("aggr", 58.54, 48.92, 67.84),
        ("email", 23.94, 10.67, 40.52),
        ("expo", 55.24, 30.35, 78.77),
    ],
)
def test_shrinkage_gives_the_worked_example(channel, estimate, low, high):
    row = nontarget.shrunk(group_counts(CHANNELS)).loc[channel]
    assert (row["estimate"] * 100, row["eb_low"] * 100, row["eb_high"] * 100) == pytest.approx(
        (estimate, low, high), abs=0.006
    )
    assert (row["prior_a"], row["prior_b"]) == pytest.approx((3.1031, 4.5670), abs=2e-4)


def test_five_of_seven_leads_do_not_lead_the_ranking():
    table = nontarget.shrunk(group_counts(CHANNELS))
    assert table.index.tolist() == ["aggr", "expo", "vk", "direct", "email", "seo"]
    assert table.loc["expo", ["rank", "raw_rank"]].tolist() == [2, 1]


@settings(max_examples=25, deadline=None)
@given(GROUPS)
def test_an_estimate_lies_between_the_raw_share_and_the_prior_or_is_the_raw_share(counts):
    table = nontarget.shrunk(counts)
    known = table[table["known"] > 0]
    if not table["separable"].all():
        assert table[["prior_a", "eb_low", "eb_high"]].isna().all(axis=None)
        pd.testing.assert_series_equal(table["estimate"], table["share"], check_names=False)
        return
    middle = known["prior_a"] / (known["prior_a"] + known["prior_b"])
    ends = pd.concat([known["share"], middle], axis=1)
    assert (known["estimate"] >= ends.min(axis=1) - 1e-9).all()
    assert (known["estimate"] <= ends.max(axis=1) + 1e-9).all()


def test_groups_without_a_visible_difference_keep_their_own_intervals():
    alike = nontarget.shrunk(group_counts({str(order): (30, 100) for order in range(6)}))
    assert set(alike["status"]) == {"one_share"}
    assert not alike["separable"].any()
    assert alike["low"].notna().all()
    few = nontarget.shrunk(group_counts({"a": (1, 100), "b": (90, 100)}))
    assert set(few["status"]) == {"few_groups"}


@settings(max_examples=15, deadline=None)
@given(GROUPS, st.randoms())
def test_row_order_changes_no_result(counts, random):
    order = random.sample(range(len(counts)), len(counts))
    shuffled = counts.iloc[order]
    for metric in (nontarget.share_by, nontarget.against_rest, nontarget.shrunk):
        pd.testing.assert_frame_equal(metric(shuffled), metric(counts), check_exact=False, rtol=1e-6)
    one, two = nontarget.homogeneity(shuffled), nontarget.homogeneity(counts)
    assert (one.p, one.method) == pytest.approx((two.p, two.method), nan_ok=True)


def test_cochran_armitage_gives_the_published_trend_of_agresti():
    trials = [17066 + 48, 14464 + 38, 788 + 5, 126 + 1, 37 + 1]
    z, p, _, _ = nontarget.cochran_armitage([48, 38, 5, 1, 1], trials, [0, 0.5, 1.5, 4, 7])
    assert z == pytest.approx(2.563, abs=6e-4)
    assert z**2 == pytest.approx(6.570, abs=6e-4 * 6)
    assert p == pytest.approx(0.0104, abs=6e-5)


def months(*rows):
    table = group_counts({name: counts for name, *counts in rows})
    return table.rename_axis("month")


def test_a_trend_is_a_change_of_share_per_month():
    """10, 20 ... 60 of 100 over six months: the share grows by ten points a month."""
    rows = [(f"2024-{month:02}", 10 * month, 100) for month in range(1, 7)]
    found = nontarget.trend(months(*rows))
    assert (found.status, found.months, found.first, found.last) == ("ok", 6, "2024-01", "2024-06")
    assert found.slope == pytest.approx(0.1)
    # z = sum x(t - 3.5) / sqrt(.35 x .65 x 100 x 17.5) = 175 / sqrt(398.125)
    assert found.z == pytest.approx(175 / math.sqrt(398.125))
    assert found.low < 0.1 < found.high
    assert nontarget.trend(months(*rows[::-1])) == found


def test_a_month_without_leads_keeps_its_place_in_time():
    rows = [(f"2024-{month:02}", 10 * month, 100) for month in (1, 2, 3, 4, 6, 8)]
    assert nontarget.trend(months(*rows, ("2024-05", 0, 0))).slope == pytest.approx(0.1)
    assert nontarget.trend(months(*rows, ("2024-05", 0, 0))).left_out == 1
    over_new_year = [("2023-11", 10, 100), ("2023-12", 20, 100), ("2024-01", 30, 100)]
    assert nontarget.trend(months(*over_new_year), min_months=3).slope == pytest.approx(0.1)


def test_under_six_months_nobody_can_tell():
    rows = [(f"2024-{month:02}", 10 * month, 100) for month in range(1, 6)]
    found = nontarget.trend(months(*rows))
    assert (found.status, found.months, found.needed) == ("cannot_tell", 5, 6)
    assert math.isnan(found.p)


def test_a_share_that_never_varies_has_no_trend():
    found = nontarget.trend(months(*[(f"2024-{month:02}", 0, 50) for month in range(1, 8)]))
    assert (found.status, found.z, found.p, found.slope) == ("ok", 0, 1, 0)


def test_criterion_by_group_counts_only_filled_cells():
    frame = pd.DataFrame({"channel": ["vk", "vk", "seo", None], "attr_a": [0.0, None, 1.0, 0.0]})
    criteria = [Criterion(id="a", column="a", operator="at_least", value=1, ru="a", en="a")]
    table = nontarget.by_criterion_and(
        qualification.judge(engine.table(frame), criteria), "channel", criteria
    )
    assert table["group"].tolist()[:2] == ["seo", "vk"]
    assert pd.isna(table["group"].iloc[2])
    assert table["leads"].tolist() == [1, 2, 1]
    assert table["known"].tolist() == [1, 1, 1]
    assert table["fails"].tolist() == [0, 1, 1]
    assert nontarget.by_criterion_and(engine.table(frame), "channel", []).empty
