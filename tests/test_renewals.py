"""Subscribers foretold from their first renewals: the published cohort, and what cannot be told."""

from __future__ import annotations

import pytest

import client_bases
from detente.metrics import ltv, renewals


@pytest.fixture(scope="module")
def high_end():
    fit = ltv.fit_sbg(client_bases.HIGH_END[:8])
    return renewals.compare(client_bases.HIGH_END, 7, lambda t: ltv.sbg_survival(fit, t))


@pytest.mark.parametrize(
    ("name", "predicted", "error"),
    [
        ("first_churn", 1252, -0.42), ("pooled_churn", 1700, -0.21), ("pooled_from_last", 1791, -0.16),
        ("last_churn", 2109, -0.02), ("power", 2249, 0.05), ("sbg", 2092, -0.02),
    ],
)  # fmt: skip
def test_the_high_end_segment_is_foretold_as_published(high_end, name, predicted, error):
    assert high_end.loc[name, "actual"] == 2143
    assert high_end.loc[name, "predicted"] == pytest.approx(predicted, abs=0.5)
    assert high_end.loc[name, "error"] == pytest.approx(error, abs=0.005)


def test_the_churn_of_the_last_year_beats_the_model_here_and_the_first_years_is_worst(high_end):
    assert high_end.sort_values("rank").index[[0, 1, -1]].tolist() == ["last_churn", "sbg", "first_churn"]
    assert (high_end["cut"].iloc[0], high_end["horizon"].iloc[0]) == (7, 5)


def test_the_future_of_a_cohort_changes_no_prediction(high_end):
    other = renewals.compare([*client_bases.HIGH_END[:8], 400, 300, 200, 100, 50], 7)
    kept = other.index.drop("sbg")
    assert other.loc[kept, "predicted"].tolist() == high_end.loc[kept, "predicted"].tolist()


def test_a_cohort_twice_the_size_has_the_same_errors(high_end):
    twice = renewals.compare([2 * alive for alive in client_bases.HIGH_END], 7)
    assert twice["error"].drop("sbg").tolist() == pytest.approx(high_end["error"].drop("sbg").tolist())


def test_a_cohort_without_a_model_or_with_one_renewal_still_tells_what_it_can():
    table = renewals.compare([100, 80, 64, 50], 1)
    assert table.loc["first_churn", "predicted"] == pytest.approx(64 + 51.2)
    assert table["status"].to_dict() == {
        "first_churn": "ok", "pooled_churn": "ok", "pooled_from_last": "ok", "last_churn": "ok",
        "power": "short_history", "sbg": "no_model",
    }  # fmt: skip
    assert set(renewals.compare([100, 80, 0, 0], 1)["status"]) == {"no_actual", "no_model", "short_history"}
    for alive, train in (([100, 80], 1), ([100, 80, 60], 0), ([100, 0, 0, 0], 2)):
        with pytest.raises(ValueError, match="a cohort needs"):
            renewals.compare(alive, train)


def test_only_cohorts_old_enough_for_all_ages_are_summed() -> None:
    cohorts = [[50, 40, 30, 20, 10, 5], [70, 60, 50, 40, 30], [9, 8, 7, 6], [5, 4]]
    assert renewals.pooled(cohorts, 2) == ([120, 100, 80, 60, 40], 2)
    assert renewals.pooled(cohorts, 3) == ([], 0)
    assert renewals.pooled(cohorts, 0) == ([], 0)


def test_where_churn_falls_with_age_the_first_months_churn_promises_too_little_and_the_model_is_near() -> (
    None
):
    alive, train = renewals.pooled([client_bases.subscribers(900, 0.6, 1.6, 12, seed) for seed in (1, 2)], 6)
    told = renewals.follow(alive, train, ltv.fit_sbg, ltv.sbg_survival).set_index("predictor")
    assert told.loc["first_churn", "error"] < -0.3
    assert told.loc["pooled_churn", "error"] < -0.1
    assert told.loc["sbg", "rank"] <= 2
    assert abs(told.loc["sbg", "error"]) < 0.05
    assert told["actual"].iloc[0] == sum(alive[7:])


def test_a_model_that_refuses_says_why_and_the_rules_still_speak() -> None:
    told = renewals.follow([40, 30, 25, 21, 19], 2, ltv.fit_sbg, ltv.sbg_survival).set_index("predictor")
    assert told.loc["sbg", "status"] == "few_clients"
    assert (told["status"].drop("sbg") == "ok").all()
    for nothing in ([], [10], [10, 0, 0, 0]):
        assert renewals.follow(nothing, 2, ltv.fit_sbg, ltv.sbg_survival).empty
