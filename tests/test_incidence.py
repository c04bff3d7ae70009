"""Time to an event: published curves, statsmodels on tied days, hand-counted late entry, and what may not change."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from ages import DRUG, PLACEBO, RELAPSE, counts, grouped
from detente.metrics import incidence

ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(1, 5), st.sampled_from(["a", "b", None])),
    min_size=1,
    max_size=25,
)


def freireich():
    two = {"6-MP": zip(DRUG, RELAPSE, strict=True), "placebo": ((week, 1) for week in PLACEBO)}
    return grouped([(week, event, 1, name) for name, patients in two.items() for week, event in patients])


def drawn(seed, leads=400, causes=3):
    """Tied whole days and causes of a drawn company."""
    draw = np.random.default_rng(seed)
    return draw.geometric(0.05, leads), draw.integers(0, causes, leads)


# --- published numbers ---
def test_the_published_remission_curve_is_found():
    curve = incidence.kaplan_meier(DRUG, RELAPSE)
    weeks = [6, 7, 10, 13, 16, 22, 23]
    shares = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    errors = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert curve.loc[weeks, "survival"].tolist() == pytest.approx(shares, abs=6e-5)
    assert curve.loc[weeks, "se"].tolist() == pytest.approx(errors, abs=6e-5)
    assert curve.loc[weeks, "at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]


def test_the_published_medians_are_found():
    drug = incidence.median(incidence.kaplan_meier(DRUG, RELAPSE))
    placebo = incidence.median(incidence.kaplan_meier(PLACEBO, np.ones(21)))
    assert (drug.value, drug.reached, drug.n, drug.events) == (23, True, 21, 9)
    assert (placebo.value, placebo.reached, placebo.n) == (8, True, 21)
    assert math.isnan(drug.high)  # the upper limit of S stays above one half


def test_the_published_log_rank_is_found():
    chi2, df, p = incidence.log_rank(freireich())
    assert chi2 == pytest.approx(16.793, abs=6e-4)
    assert df == 1
    assert p == pytest.approx(4.17e-5, abs=1e-7)


def test_two_causes_that_take_turns_share_what_ended():
    curve = incidence.aalen_johansen([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0])
    assert curve.loc[6, ["f_1", "f_2", "survival"]].tolist() == pytest.approx([0.4, 0.4, 0.2], abs=1e-9)


# --- an independent implementation ---
@pytest.mark.parametrize("seed", range(6))
def test_shares_and_errors_are_those_of_statsmodels_on_tied_days(seed):
    days, causes = drawn(seed)
    ours = incidence.aalen_johansen(days, causes)
    with np.errstate(divide="ignore", invalid="ignore"):  # its last error is 0/0 where all at risk ended
        theirs = CumIncidenceRight(days, causes)
    assert ours.index.tolist() == theirs.times.tolist()
    for place, cause in enumerate((1, 2)):
        known = np.isfinite(theirs.cinc_se[place])
        assert known.sum() >= len(known) - 1
        np.testing.assert_allclose(ours[f"f_{cause}"], theirs.cinc[place], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            ours[f"se_{cause}"][known], theirs.cinc_se[place][known], rtol=0, atol=1e-9
        )


@pytest.mark.parametrize("seed", range(3))
def test_survival_and_median_are_those_of_statsmodels(seed):
    days, causes = drawn(seed, causes=2)
    ours, theirs = incidence.kaplan_meier(days, causes), SurvfuncRight(days, causes)
    at = ours.loc[theirs.surv_times]
    np.testing.assert_allclose(at["survival"], theirs.surv_prob, rtol=0, atol=1e-12)
    inside = (at["survival"] > 0).to_numpy()
    np.testing.assert_allclose(at["se"][inside], theirs.surv_prob_se[inside], rtol=0, atol=1e-12)
    median = incidence.median(ours)
    assert median.value == theirs.quantile(0.5)
    assert (median.low, median.high) == theirs.quantile_ci(0.5)


def test_late_entry_is_that_of_statsmodels():
    days, events = drawn(3, causes=2)
    entry = np.random.default_rng(3).integers(-1, days)
    ours = incidence.kaplan_meier(days, events, entry=entry)
    theirs = SurvfuncRight(days, events, entry=entry)
    np.testing.assert_allclose(ours.loc[theirs.surv_times, "survival"], theirs.surv_prob, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.loc[theirs.surv_times, "at_risk"], theirs.n_risk)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_the_log_rank_of_many_groups_is_that_of_statsmodels(groups):
    days, events = drawn(groups, causes=2)
    group = np.random.default_rng(groups).integers(0, groups, len(days))
    chi2, p = survdiff(days, events, group)
    table = grouped(list(zip(days, events, np.ones(len(days), int), group, strict=True)))
    found = incidence.log_rank(table)
    assert found.df == groups - 1
    assert (found.chi2, found.p) == pytest.approx((chi2, p), rel=1e-8)


def test_the_pace_of_one_cause_takes_the_others_as_the_end_of_observation():
    days, causes = drawn(7)
    group = np.arange(len(days)) % 2
    chi2, _ = survdiff(days, (causes == 1).astype(int), group)
    table = grouped(list(zip(days, causes, np.ones(len(days), int), group, strict=True)))
    assert incidence.log_rank(table, cause=1).chi2 == pytest.approx(chi2, rel=1e-8)


# --- counted by hand ---
def test_late_entry_is_counted_by_hand():
    """Four leads: won on day 2 (seen from birth), open at 5 (from birth), lost on 4 (seen after 2), won on 6
    (after 3). At risk: day 2: 2, day 4: 3, day 5: 2, day 6: 1."""
    curve = incidence.aalen_johansen([2, 5, 4, 6], [1, 0, 2, 1], entry=[-1, -1, 2, 3])
    assert curve["at_risk"].tolist() == [2, 3, 2, 1]
    assert curve["f_1"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 1 / 2 + 1 / 3])
    assert curve["f_2"].tolist() == pytest.approx([0, 1 / 2 / 3, 1 / 6, 1 / 6])
    assert curve["survival"].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 3, 0])


def test_a_lead_that_came_in_on_its_last_day_was_never_at_risk():
    table = counts((3, 1, 4, None), (5, 0, 6, 5.0), (7, 0, 2, 4.0), names=("age", "cause", "leads", "entry"))
    curve = incidence.curve(table)
    assert curve.index.tolist() == [3, 7]
    assert curve["at_risk"].tolist() == [4, 2]


def test_late_entry_may_be_a_column_of_whole_numbers_with_gaps():
    table = counts((3, 1, 4), (7, 0, 2)).assign(entry=pd.array([None, 4], dtype="Int64"))
    assert incidence.curve(table)["at_risk"].tolist() == [4, 2]


def test_leads_that_come_in_after_all_others_have_ended_are_told():
    table = counts((2, 1, 3, None), (9, 1, 50, 5), (12, 0, 50, 5), names=("age", "cause", "leads", "entry"))
    assert incidence.at(incidence.curve(table), 10).status == "emptied"


def test_a_lead_won_on_its_first_day_was_at_risk():
    curve = incidence.curve(counts((0, 1, 2), (0, 0, 3), (4, 1, 5)))
    assert curve["at_risk"].tolist() == [10, 5]
    assert curve["f_1"].tolist() == pytest.approx([0.2, 1.0])


def test_on_one_day_events_come_before_the_end_of_observation():
    curve = incidence.curve(counts((5, 1, 1), (5, 0, 3), (9, 0, 1)))
    assert curve.loc[5, "f_1"] == pytest.approx(1 / 5)
    assert (curve.loc[5, "at_risk"], curve.loc[5, "censored"]) == (5, 3)


def test_without_open_leads_the_curve_is_the_plain_share_with_its_plain_error():
    curve = incidence.curve(counts((3, 1, 20), (5, 2, 50), (8, 1, 30)))
    assert curve.loc[8, "f_1"] == pytest.approx(0.5)
    assert curve["se_1"].tolist() == pytest.approx([0.04, 0.04, 0.05])  # sqrt(p(1-p)/n), n = 100


def test_the_interval_is_pintilies():
    row = incidence.curve(counts((3, 1, 20), (5, 2, 50), (8, 0, 30))).loc[3]
    bend = 1.959964 * 0.04 / (0.2 * math.log(0.2))
    assert row["low_1"] == pytest.approx(0.2 ** math.exp(-bend), abs=1e-7)
    assert row["high_1"] == pytest.approx(0.2 ** math.exp(bend), abs=1e-7)
    assert row["low_1"] < 0.2 < row["high_1"]


def test_no_win_yet_is_bounded_and_not_zero_percent():
    curve = incidence.curve(counts((10, 0, 12), (4, 2, 8)))
    assert curve.loc[10, ["f_1", "low_1", "high_1"]].tolist() == pytest.approx([0, 0, 0.1611], abs=6e-5)
    early = incidence.at(curve, 2)
    assert (early.share, early.at_risk, early.status) == (0, 20, "ok")
    assert early.high == pytest.approx(0.1611, abs=6e-5)  # Wilson: 0 of 20


def test_all_won_is_bounded_and_not_a_certainty():
    row = incidence.curve(counts((4, 1, 20))).loc[4]
    assert row[["f_1", "low_1", "high_1"]].tolist() == pytest.approx([1, 1 - 0.1611, 1], abs=6e-5)
    alive = incidence.survival(counts((4, 1, 20))).loc[4]
    assert alive[["survival", "low", "high"]].tolist() == pytest.approx([0, 0, 0.1611], abs=6e-5)


def test_a_third_way_to_end_has_its_own_share():
    curve = incidence.curve(counts((1, 1, 2), (2, 3, 3), (3, 0, 5)))
    assert curve.loc[3, ["f_1", "f_2", "f_3", "survival"]].tolist() == pytest.approx([0.2, 0, 0.3, 0.5])


@pytest.mark.parametrize(
    "table",
    [
        counts((-1, 1, 2)),
        counts((1, -1, 2)),
        counts((1, 1, -2)),
        counts((math.nan, 1, 2)),
        counts((3, 1, 2, 4), names=("age", "cause", "leads", "entry")),
    ],
    ids=["age", "cause", "leads", "no age", "entry"],
)
def test_impossible_counts_are_refused(table):
    with pytest.raises(ValueError, match="negative|under observation"):
        incidence.curve(table)


# --- what may not change anything ---
@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_open_won_and_lost_make_up_all_and_the_order_of_rows_changes_nothing(rows, chance):
    curve = incidence.curve(grouped(rows))
    assert (curve["survival"] + curve["f_1"] + curve["f_2"]).to_numpy() == pytest.approx(1)
    assert curve[["f_1", "f_2"]].apply(lambda share: share.is_monotonic_increasing).all()
    assert ((curve["low_1"] <= curve["f_1"] + 1e-9) & (curve["f_1"] <= curve["high_1"] + 1e-9)).all()
    assert curve[["low_1", "high_1", "low_2", "high_2", "se_1"]].notna().all(axis=None)
    chance.shuffle(rows)
    pd.testing.assert_frame_equal(incidence.curve(grouped(rows)), curve)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_single_leads_and_their_counts_give_one_curve(rows):
    table = grouped(rows)
    single = table.loc[table.index.repeat(table["leads"])]
    of_leads = incidence.aalen_johansen(single["age"], single["cause"])
    pd.testing.assert_frame_equal(of_leads, incidence.curve(table))
    anything = incidence.kaplan_meier(single["age"], single["cause"] > 0)
    pd.testing.assert_frame_equal(anything, incidence.survival(table))


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(2, 9))
def test_k_times_the_leads_keep_the_shares_and_divide_the_errors_by_the_root_of_k(rows, k):
    table = grouped(rows)
    one, many = incidence.curve(table), incidence.curve(table.assign(leads=table["leads"] * k))
    for cause in (1, 2):
        np.testing.assert_allclose(many[f"f_{cause}"], one[f"f_{cause}"], atol=1e-12)
        np.testing.assert_allclose(many[f"se_{cause}"] * math.sqrt(k), one[f"se_{cause}"], atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 500))
def test_open_leads_younger_than_the_first_event_change_no_share(rows, newcomers):
    table = grouped([(age + 3, *rest) for age, *rest in rows])
    more = pd.concat([table, grouped([(0, 0, newcomers, "new"), (2, 0, newcomers, "new")])])
    ours, theirs = incidence.curve(table), incidence.curve(more).loc[lambda curve: curve.index >= 3]
    pd.testing.assert_frame_equal(theirs.astype("float64"), ours.astype("float64"), check_exact=False)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_groups_have_the_curves_of_their_own_leads(rows):
    table = grouped(rows)
    found = incidence.by_group(table)
    assert sum(
        int(curve.filter(regex="events|censored").to_numpy().sum()) for curve in found.values()
    ) == int(table["leads"].sum())
    for name, curve in found.items():
        own = table[table["group"].isna() if pd.isna(name) else table["group"] == name]
        pd.testing.assert_frame_equal(curve, incidence.curve(own))
    [pooled] = incidence.by_group(table.assign(group="all")).values()
    pd.testing.assert_frame_equal(pooled, incidence.curve(table))
