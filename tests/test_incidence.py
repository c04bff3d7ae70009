"""Time to an event: published curves, statsmodels on tied days, hand-counted late entry, and what may not change."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from detente.metrics import incidence, intervals

# Freireich et al. (1963): weeks of remission, 21 and 21 patients
DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSE = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(1, 5), st.sampled_from(["a", "b", None])),
    min_size=1,
    max_size=25,
)


def counts(*rows, names=("age", "cause", "leads")):
    return pd.DataFrame(rows, columns=list(names))


def grouped(rows):
    return counts(*rows, names=("age", "cause", "leads", "group"))


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


# --- reading a curve ---
def test_behind_the_last_age_nothing_is_known_while_a_lead_is_open():
    curve = incidence.curve(counts((4, 1, 10), (9, 0, 30)))
    beyond = incidence.at(curve, 10)
    assert (beyond.status, beyond.at_risk) == ("not_observed", 0)
    assert math.isnan(beyond.share)
    assert math.isnan(beyond.high)
    assert incidence.at(curve, 9).share == pytest.approx(0.25)
    assert incidence.at(curve, 7).at_risk == 30


def test_behind_the_last_age_the_share_stands_where_nobody_is_open():
    found = incidence.at(incidence.curve(counts((4, 1, 10), (9, 2, 30))), 400)
    assert (found.status, found.share, found.events, found.leads) == ("ok", 0.25, 10, 40)


def test_a_median_that_is_not_reached_is_no_number():
    found = incidence.median(incidence.survival(counts((4, 1, 10), (9, 0, 30))))
    assert (found.reached, found.n, found.events) == (False, 40, 10)
    assert math.isnan(found.value)
    assert math.isnan(found.high)


def test_a_median_has_the_interval_of_the_level_that_is_asked_for():
    curve = incidence.kaplan_meier(PLACEBO, np.ones(21))
    wide, narrow = incidence.median(curve, 0.99), incidence.median(curve, 0.5)
    assert wide.low < narrow.low <= narrow.value <= narrow.high < wide.high
    assert wide == incidence.median(incidence.kaplan_meier(PLACEBO, np.ones(21), level=0.99), 0.99)


def test_exactly_one_half_is_the_median():
    assert incidence.median(incidence.survival(counts((3, 1, 5), (9, 0, 5)))).value == 3


def test_maturity_is_the_age_by_which_19_of_20_wins_have_come():
    table = counts((5, 1, 60), (10, 1, 34), (20, 1, 1), (40, 1, 5), (90, 2, 300), (120, 0, 100))
    found = incidence.maturity(table)
    assert (found.days, found.reached, found.settled, found.status) == (20, True, True, "ok")
    assert (found.horizon, found.horizon_at_risk, found.events) == (120, 100, 100)
    assert found.final == pytest.approx(0.2)
    assert incidence.maturity(incidence.curve(table)) == found


def test_a_curve_that_still_rises_at_its_end_does_not_settle_maturity():
    found = incidence.maturity(counts(*((day, 1, 10) for day in range(1, 61)), (60, 0, 100)))
    assert (found.reached, found.settled) == (True, False)
    assert found.days == 57


def test_maturity_is_settled_where_too_few_are_left_open_to_move_it():
    late_wins = [(5, 1, 10), (50, 1, 90), (60, 2, 330)]
    few, many = (
        incidence.maturity(counts(*late_wins, (60, 0, 4))),
        incidence.maturity(counts(*late_wins, (60, 0, 30))),
    )
    assert (few.days, few.settled) == (50, True)
    assert (many.days, many.settled) == (50, False)


def test_too_few_leads_leave_maturity_open_and_say_how_many_are_missing():
    found = incidence.maturity(counts((5, 1, 12), (9, 0, 6)))
    assert (found.reached, found.status, found.missing) == (False, "too_few", 12)
    assert math.isnan(found.days)
    found = incidence.maturity(counts((5, 1, 4), (9, 0, 60)))
    assert (found.reached, found.status, found.missing, found.missing_events) == (False, "too_few", 0, 6)
    assert incidence.maturity(counts((5, 2, 4), (9, 0, 60))).status == "no_events"


def test_wins_behind_the_horizon_do_not_move_maturity():
    table = counts((5, 1, 95), (10, 1, 5), (60, 0, 30))
    late = counts((5, 1, 95), (10, 1, 5), (60, 0, 28), (80, 1, 2))
    assert incidence.maturity(late).days == incidence.maturity(table).days == 5
    assert incidence.maturity(late).horizon == 60


# --- comparing ---
def test_a_difference_has_the_z_of_its_errors():
    one, two = (
        incidence.curve(counts((3, 1, 20), (9, 0, 80))),
        incidence.curve(counts((3, 1, 40), (9, 0, 60))),
    )
    found = incidence.compare(one, two, 7)
    assert found.value == pytest.approx(-0.2)
    assert found.z == pytest.approx(-0.2 / math.sqrt(0.2 * 0.8 / 100 + 0.4 * 0.6 / 100))
    assert found.p == pytest.approx(math.erfc(-found.z / math.sqrt(2)))
    assert found.low < -0.2 < found.high < 0


def test_the_interval_of_a_difference_is_newcombes_where_both_limits_are_wilsons():
    one, two = ((x / n, *intervals.wilson(x, n)) for x, n in ((56, 70), (48, 80)))
    assert intervals.square_and_add(one, two) == pytest.approx((0.0524, 0.3339), abs=6e-5)


def test_two_groups_without_a_win_do_not_differ_for_certain():
    one, two = incidence.curve(counts((9, 0, 20))), incidence.curve(counts((9, 0, 10)))
    found = incidence.compare(one, two, 9)
    assert (found.low, found.value, found.high) == pytest.approx((-0.2775, 0, 0.1611), abs=6e-5)
    assert math.isnan(found.p)


def test_groups_are_not_compared_behind_what_was_seen_of_one():
    one, two = (
        incidence.curve(counts((3, 1, 20), (9, 0, 80))),
        incidence.curve(counts((3, 1, 40), (5, 0, 60))),
    )
    found = incidence.compare(one, two, 7)
    assert found.status == "not_observed"
    assert math.isnan(found.value)
    assert math.isnan(found.p)


def test_one_group_has_nothing_to_be_ranked_against():
    chi2, df, p = incidence.log_rank(grouped([(3, 1, 5, "a"), (4, 0, 5, "a")]))
    assert df == 0
    assert math.isnan(chi2)
    assert math.isnan(p)


def months():
    """Three months seen on the evening of 31 March: born on day 1 of each month, and the last on day 30 of March."""
    return grouped([
        (20, 1, 30, "2026-01"), (70, 1, 10, "2026-01"), (89, 0, 60, "2026-01"),
        (20, 1, 30, "2026-02"), (58, 0, 70, "2026-02"),
        (20, 1, 15, "2026-03"), (30, 0, 35, "2026-03"), (1, 0, 50, "2026-03"),
    ])  # fmt: skip


def test_cohorts_are_compared_at_the_age_that_all_their_leads_have_lived():
    table = incidence.equal_age(months(), ripe_days=60)
    assert table.index.tolist() == ["2026-01", "2026-02", "2026-03"]
    assert table["naive"].tolist() == pytest.approx([0.4, 0.3, 0.15])
    assert table["full_age"].tolist() == [89, 58, 1]
    assert set(table["common_age"]) == {58}
    assert table["won_by"].tolist() == [30, 30, 15]
    assert table["share"].tolist()[:2] == pytest.approx([0.3, 0.3])
    assert table["status"].tolist() == ["ok", "ok", "too_young"]
    assert table["ripe"].tolist() == [True, False, False]


def test_a_young_month_gets_the_share_of_its_older_leads_at_the_common_age():
    table = incidence.equal_age(months()[lambda t: t["group"] != "2026-02"].assign(
        age=lambda t: t["age"].where(t["age"] != 89, 25)
    ))  # fmt: skip
    assert set(table["common_age"]) == {25}
    young = table.loc["2026-03"]
    assert (young["status"], young["share"], young["at_risk"]) == ("partly", pytest.approx(0.3), 35)


def test_a_month_without_an_open_lead_is_ripe_and_holds_nobody_back():
    rows = [(3, 1, 5, "old"), (9, 2, 5, "old"), (3, 1, 5, "new"), (8, 0, 5, "new")]
    table = incidence.equal_age(grouped(rows))
    assert table["full_age"].to_dict() == {"new": 8, "old": math.inf}
    assert table["common_age"].tolist() == [8, 8]
    assert table["ripe"].to_dict() == {"new": False, "old": True}
    assert table["ripe"].equals(incidence.equal_age(grouped(rows), ripe_days=math.nan)["ripe"])


def test_where_all_cohorts_are_too_young_none_is_compared():
    table = incidence.equal_age(grouped([(3, 1, 5, "a"), (4, 0, 5, "a"), (1, 0, 5, "b")]))
    assert table["share"].isna().all()
    assert set(table["status"]) == {"too_young"}
    assert table["naive"].tolist() == [0.5, 0]


def test_the_three_popular_shares_stand_beside_the_honest_one():
    """10 leads: won on day 2; lost on 4 (3 leads); won on 6; open at 8 (5 leads)."""
    table = incidence.naive(counts((2, 1, 1), (4, 2, 3), (6, 1, 1), (8, 0, 5)))
    assert table["share"].to_dict() == pytest.approx({
        "of_all": 0.2, "of_closed": 0.4, "one_minus_survival": 1 - 0.9 * 5 / 6, "honest": 0.2,
    })  # fmt: skip
    assert table["trials"].tolist() == [10, 5, 10, 10]
    assert (table["low"] < table["share"]).all()
    assert (table["share"] < table["high"]).all()


# --- nothing at all ---
def test_no_leads_give_no_numbers_and_no_error():
    nothing = grouped([]).astype({"age": int, "cause": int, "leads": int})
    curve = incidence.curve(nothing)
    assert not len(curve)
    assert incidence.at(curve, 30).status == "not_observed"
    assert not incidence.median(incidence.survival(nothing)).reached
    assert incidence.maturity(nothing).missing == 30
    assert incidence.log_rank(nothing).df == 0
    assert incidence.by_group(nothing) == {}
    assert not len(incidence.equal_age(nothing))
    assert incidence.naive(nothing)["share"].isna().all()


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
