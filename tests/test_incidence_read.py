"""Curves as they are read: a share at an age, a median, maturity, a difference, cohorts at one age."""

import math

import numpy as np
import pytest

from ages import PLACEBO, counts, grouped
from detente.metrics import incidence, intervals


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
