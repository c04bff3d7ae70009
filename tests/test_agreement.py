"""Agreement against published tables; who disputes what, on cases counted by hand."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import engine
from detente.metrics import agreement

PARADOX = [[40, 9], [6, 45]], [[80, 10], [5, 5]]
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
FLEISS = """0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7"""
CELLS = st.lists(st.integers(0, 200), min_size=4, max_size=4).filter(sum)


def criteria(*names):
    return [SimpleNamespace(id=name) for name in names]


def judged(*rows):
    """Rows of (check budget, check region, verdict, what sales say)."""
    frame = pd.DataFrame(rows, columns=["check_budget", "check_region", "verdict", "says_sales"])
    checks = frame[["check_budget", "check_region"]]
    return engine.table(frame.assign(failed=(checks == "fail").sum(axis=1)))


def test_cohen_gives_the_textbook_value():
    assert agreement.cohen_kappa([[20, 5], [10, 15]]) == pytest.approx(0.4, abs=1e-9)


@pytest.mark.parametrize(
    ("table", "kappa", "ac1"), [(PARADOX[0], 0.6995, 0.7007), (PARADOX[1], 0.3182, 0.8080)]
)
def test_a_rare_verdict_lowers_kappa_and_not_ac1_at_the_same_agreement(table, kappa, ac1):
    assert agreement.observed(table) == pytest.approx(0.85, abs=1e-9)
    assert agreement.cohen_kappa(table) == pytest.approx(kappa, abs=6e-5)
    assert agreement.gwet_ac1(table) == pytest.approx(ac1, abs=6e-5)


def test_gwet_gives_the_published_value_for_three_classes():
    assert agreement.observed(ABSTRACTORS) == pytest.approx(0.89, abs=6e-5)
    assert agreement.cohen_kappa(ABSTRACTORS) == pytest.approx(0.7964, abs=6e-5)
    assert agreement.gwet_ac1(ABSTRACTORS) == pytest.approx(0.8493, abs=6e-5)


def test_fleiss_gives_the_published_value():
    counts = np.array([line.split() for line in FLEISS.splitlines()], int)
    assert agreement.fleiss_kappa(counts) == pytest.approx(0.20993, abs=6e-6)


def test_fleiss_refuses_items_with_different_numbers_of_raters():
    with pytest.raises(ValueError, match="same number of raters"):
        agreement.fleiss_kappa([[2, 0], [1, 0]])


@pytest.mark.parametrize(("b", "c", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 2 / 32), (1, 4, 12 / 32)])
def test_mcnemar_is_the_two_sided_binomial_tail(b, c, p):
    assert agreement.mcnemar(b, c) == pytest.approx(p)
    assert agreement.mcnemar(c, b) == pytest.approx(p)


def test_mcnemar_gives_the_reference_value_of_the_toy_dispute():
    assert agreement.mcnemar(68, 23) == pytest.approx(2.5e-6, rel=0.05)


@given(CELLS)
def test_swapping_raters_or_categories_changes_no_coefficient(cells):
    table = np.array(cells).reshape(2, 2)
    for statistic in (agreement.observed, agreement.cohen_kappa, agreement.gwet_ac1):
        value = statistic(table)
        for other in (table.T, table[::-1, ::-1]):
            assert statistic(other) == pytest.approx(value, abs=1e-9, nan_ok=True)
        assert math.isnan(value) or value <= 1 + 1e-12


def test_full_agreement_is_one_and_one_category_only_leaves_kappa_undefined():
    assert agreement.cohen_kappa([[3, 0], [0, 4]]) == agreement.gwet_ac1([[3, 0], [0, 4]]) == 1
    assert math.isnan(agreement.cohen_kappa([[9, 0], [0, 0]]))
    assert agreement.gwet_ac1([[9, 0], [0, 0]]) == 1
    assert math.isnan(agreement.gwet_ac1([[0, 0], [0, 0]]))


def test_resampling_is_repeatable_holds_the_value_and_gives_up_where_most_draws_are_undefined():
    low, high = agreement.resampled(ABSTRACTORS, agreement.cohen_kappa)
    assert (low, high) == agreement.resampled(ABSTRACTORS, agreement.cohen_kappa)
    # published standard error .0589: .7964 - 1.96 x .0589 .. .7964 + 1.96 x .0589
    assert (low, high) == pytest.approx((0.681, 0.912), abs=0.02)
    assert math.isnan(agreement.resampled([[50, 1], [0, 0]], agreement.cohen_kappa)[0])


def test_agreement_counts_only_leads_on_which_both_have_a_verdict():
    table = judged(
        *[("pass", "pass", "target", "target")] * 4,
        *[("pass", "pass", "target", "non_target")] * 3,
        ("fail", "pass", "non_target", "target"),
        *[("fail", "pass", "non_target", "non_target")] * 2,
        ("unknown", "pass", "unknown", "target"),
        ("fail", "pass", "non_target", "unknown"),
    )
    found = agreement.agreement_of(table, "criteria", "sales")
    assert (found.n, found.missing) == (10, 2)
    assert (found.both_target, found.only_first, found.only_second, found.both_non_target) == (4, 3, 1, 2)
    assert found.observed == pytest.approx(0.6)
    # po .6, pe = .7 x .5 + .3 x .5 = .5
    assert found.kappa == pytest.approx(0.2)
    assert (found.first_share, found.second_share) == pytest.approx((0.3, 0.5))
    assert (found.b, found.c, found.direction) == (3, 1, "first")
    assert found.p == pytest.approx(10 / 16)
    assert agreement.agreement_of(table, "sales", "criteria").direction == "second"


def test_agreement_of_rules_that_never_meet_has_no_value():
    found = agreement.agreement_of(judged(("pass", "pass", "target", "unknown")), "criteria", "sales")
    assert (found.n, found.missing, found.p, found.direction) == (0, 1, 1.0, "neither")
    assert math.isnan(found.kappa)
    assert math.isnan(found.ac1_low)


def test_marketing_against_sales_comes_first_and_pairs_that_never_meet_are_left_out():
    rows = [("target", "non_target", "target", "unknown"), ("target", "target", "unknown", "target")]
    frame = pd.DataFrame(rows, columns=["verdict", "says_sales", "says_marketing", "says_other"])
    labels = [SimpleNamespace(id=name, by=name) for name in ("other", "sales", "marketing")]
    found = agreement.all_pairs(engine.table(frame), labels)
    pairs = [(pair.first, pair.second, pair.n) for pair in found]
    assert pairs == [
        ("marketing", "sales", 1),
        ("sales", "other", 1),
        ("marketing", "criteria", 1),
        ("sales", "criteria", 2),
        ("other", "criteria", 1),
    ]


def test_a_label_is_measured_against_the_criteria_on_both_sides():
    table = judged(
        *[("fail", "pass", "non_target", "non_target")] * 3,
        ("fail", "pass", "non_target", "target"),
        *[("pass", "pass", "target", "target")] * 2,
        *[("pass", "pass", "target", "non_target")] * 3,
        ("pass", "pass", "target", "unknown"),
    )
    row = agreement.against_criteria(table, [SimpleNamespace(id="sales", by="sales")], 0.9).iloc[0]
    assert (row["found"], row["non_target"], row["sensitivity"]) == (3, 4, 0.75)
    assert (row["accepted"], row["target"], row["specificity"]) == (2, 5, 0.4)
    assert (row["known"], row["missing"], row["level"]) == (9, 1, 0.9)
    assert row["sensitivity_low"] < 0.75 < row["sensitivity_high"]


def test_the_dispute_is_laid_to_the_criterion_that_the_label_ignores():
    """The toy of the reference, as a full grid: marketing = budget and region, blind to authority."""
    rows = []
    for budget, region, authority in itertools.product(("pass", "fail"), repeat=3):
        checks = (budget, region, authority)
        verdict = "target" if set(checks) == {"pass"} else "non_target"
        says = "target" if (budget, region) == ("pass", "pass") else "non_target"
        rows += [(*checks, checks.count("fail"), verdict, says)] * 5
    columns = ["check_budget", "check_region", "check_authority", "failed", "verdict", "says_marketing"]
    table = engine.table(pd.DataFrame(rows, columns=columns))
    found = agreement.dispute(table, criteria("budget", "region", "authority"), "marketing")
    top = found.iloc[0]
    assert (top["criterion"], top["compared"], top["disputed"]) == ("authority", 40, 5)
    assert (top["fails"], top["sole"], top["reconciled"]) == (5, 5, 5)
    assert (top["failing"], top["failing_disputed"], top["passing_disputed"]) == (20, 5, 0)
    assert (top["rate_failing"], top["rate_passing"], top["difference"]) == pytest.approx((0.25, 0, 0.25))
    assert found["criterion"].tolist() == ["authority", "budget", "region"]
    assert found["reconciled"].tolist() == [5, 0, 0]


def test_a_dispute_is_not_reconciled_by_criteria_that_are_unknown_or_by_having_none():
    table = judged(
        ("fail", "unknown", "non_target", "target"),  # without budget the verdict would be unknown
        ("fail", "fail", "non_target", "target"),
        ("fail", "pass", "non_target", "target"),
    )
    found = agreement.dispute(table, criteria("budget", "region"), "sales").set_index("criterion")
    assert found.loc["budget", ["fails", "sole", "reconciled"]].tolist() == [3, 2, 1]
    assert found.loc["region", ["fails", "sole", "reconciled"]].tolist() == [1, 0, 0]
    assert agreement.dispute(table, criteria("budget"), "sales")["reconciled"].tolist() == [0]
    assert agreement.dispute(table, [], "sales").empty
