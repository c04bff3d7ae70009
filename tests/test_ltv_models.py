"""sBG, BG/NBD and Gamma-Gamma: published numbers, truths drawn at random, and fits that must refuse."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

import client_bases
from detente.metrics import ltv

CDNOW = ltv.BGNBD(0.243, 4.414, 0.793, 2.426, -9582.4, True, 2357, 946)  # as published, weeks
BASKETS = ltv.GammaGamma(6.25, 3.74, 15.45, -4055.92, True, 946)
LEARNT = client_bases.HIGH_END[:8]


def numbers_of(fit) -> list[float]:
    return [value for value in astuple(fit) if isinstance(value, float)]


def assert_refused(fit, reason: str) -> None:
    """Not converged, with its reason, and nothing in it that could be printed."""
    assert (fit.converged, fit.reason) == (False, reason)
    names = [name for name in fit.__dataclass_fields__ if name != "correlation"]
    floats = [getattr(fit, name) for name in names if isinstance(getattr(fit, name), float)]
    assert len(floats) >= 3
    assert all(math.isnan(value) for value in floats)


# --- sBG ---
def test_sbg_finds_the_published_high_end_segment():
    fit = ltv.fit_sbg(LEARNT)
    assert fit.converged
    assert (fit.alpha, fit.beta) == pytest.approx((0.668, 3.806), abs=1e-3)
    assert fit.log_likelihood == pytest.approx(-1611.2, abs=0.05)
    assert (fit.n, fit.periods) == (1000, 7)
    later = 100 * ltv.sbg_survival(fit, range(8, 13))
    assert later == pytest.approx([46.0, 43.6, 41.4, 39.5, 37.8], abs=0.06)


def test_two_cohorts_of_one_length_weigh_as_one():
    halves = [[500, 435, 372, 327], [500, 434, 371, 326]]
    whole = ltv.fit_sbg([1000, 869, 743, 653])
    fit = ltv.fit_sbg(halves)
    assert (fit.alpha, fit.beta) == pytest.approx((whole.alpha, whole.beta), rel=1e-4)
    assert fit.n == 1000


def test_a_cohort_that_has_met_no_renewal_yet_changes_nothing_but_the_count():
    fit, more = ltv.fit_sbg(LEARNT), ltv.fit_sbg([LEARNT, [400]])
    assert (more.alpha, more.beta) == pytest.approx((fit.alpha, fit.beta), rel=1e-4)
    assert more.n == fit.n + 400


def test_young_cohorts_are_open_not_lost():
    """The truth is found although most cohorts were seen for a part of the time only."""
    cohorts = [client_bases.subscribers(4000, 0.9, 4.0, periods, seed=periods) for periods in (2, 4, 6, 10)]
    fit = ltv.fit_sbg(cohorts)
    assert (fit.alpha, fit.beta) == pytest.approx((0.9, 4.0), rel=0.12)
    truth = special.beta(0.9, 4.0 + 20) / special.beta(0.9, 4.0)
    assert float(ltv.sbg_survival(fit, 20)) == pytest.approx(truth, rel=0.06)
    assert ltv.fit_sbg(cohorts[::-1]).alpha == pytest.approx(fit.alpha, rel=1e-6)


def test_a_value_without_end_is_refused_and_the_reason_given():
    fit = ltv.fit_sbg(LEARNT)
    with pytest.raises(ValueError, match=r"grows without bound \(alpha 0\.668"):
        ltv.sbg_value(fit, 100, None, 0.0)
    with pytest.raises(ValueError, match="state a horizon or a discount"):
        ltv.sbg_value(replace(fit, alpha=2.0), 100, None, 0.0)
    with pytest.raises(ValueError, match="at least one period"):
        ltv.sbg_value(fit, 100, 0)


def test_the_undiscounted_value_of_the_high_end_segment_grows_with_every_horizon():
    """alpha .668: each tenfold horizon still adds more than a third. That is why none is assumed."""
    fit = ltv.fit_sbg(LEARNT)
    short, long, longer = (ltv.sbg_value(fit, 1, horizon) for horizon in (100, 1000, 10000))
    assert long > 1.5 * short
    assert longer > 1.5 * long


def test_a_value_counts_the_first_payment_at_once_and_takes_off_the_cost_of_the_client():
    fit = replace(ltv.fit_sbg(LEARNT), alpha=1.0, beta=3.0)  # S(1) = 3/4, S(2) = 3/5
    assert ltv.sbg_value(fit, 100, 1, 0.1, cac=30) == pytest.approx(70)
    assert ltv.sbg_value(fit, 100, 3, 0.25) == pytest.approx(100 * (1 + 0.75 / 1.25 + 0.6 / 1.25**2))


def test_a_discounted_value_without_end_is_the_limit_of_long_horizons():
    fit = ltv.fit_sbg(LEARNT)
    assert ltv.sbg_value(fit, 50, None, 0.05) == pytest.approx(ltv.sbg_value(fit, 50, 3000, 0.05), rel=1e-9)


@pytest.mark.parametrize(
    ("survivors", "reason"),
    [
        ([200, 150, 120, 100], "few_clients"),
        ([], "few_clients"),
        ([1000, 1000, 1000], "few_repeats"),  # nobody left
        ([1000, 400, 0], "few_repeats"),  # nobody stayed
        ([1000, 900], "flat"),  # one renewal cannot tell who stays from who leaves later
    ],
)
def test_sbg_refuses_what_it_cannot_know_and_leaves_no_number(survivors, reason):
    fit = ltv.fit_sbg(survivors)
    assert_refused(fit, reason)
    assert np.isnan(ltv.sbg_survival(fit, [1, 2])).all()
    assert math.isnan(ltv.sbg_value(fit, 100, 12))


@pytest.mark.parametrize("n", [1000, 100_000, 10_000_000])
def test_one_and_the_same_churn_for_all_leaves_nothing_to_tell_clients_apart(n):
    fit = ltv.fit_sbg([n, 0.9 * n, 0.81 * n, 0.729 * n, 0.6561 * n])
    assert fit.reason in {"flat", "border"}
    assert_refused(fit, fit.reason)


@pytest.mark.parametrize("survivors", [[1000, 900, 950], [1000, -1], [[1000, 900], [500, 600]]])
def test_survivors_never_rise(survivors):
    with pytest.raises(ValueError, match="never rise"):
        ltv.fit_sbg(survivors)


# --- BG/NBD ---
def test_bgnbd_foretells_the_published_client():
    """Two repeat purchases, the last in week 30.43 of 38.86: 1.226 more within 39 weeks (Fader, Hardie, Lee 2005)."""
    assert float(ltv.bgnbd_conditional(CDNOW, 2, 30.43, 38.86, 39)) == pytest.approx(1.226, abs=5e-4)


def integral(r: float, alpha: float, a: float, b: float, t: float) -> float:
    """E[X(t)] from its definition: the mean of (1 - (alpha/(alpha + pt))^r) / p over the chance p to leave."""
    power = max(1 / a, 1.0)  # p = u^power takes the pole of the beta at 0 away

    def inside(u: float) -> float:
        p = u**power
        bought = -np.expm1(-r * np.log1p(p * t / alpha)) / p
        logs = (
            (a - 1) * np.log(p)
            + (b - 1) * np.log1p(-p)
            - special.betaln(a, b)
            + np.log(power * u ** (power - 1))
        )
        return bought * np.exp(logs)

    return integrate.quad(inside, 0, 1, limit=500, epsabs=1e-10, epsrel=1e-9)[0]


@pytest.mark.parametrize(
    ("r", "alpha", "a", "b", "t"),
    [
        (0.243, 4.414, 0.793, 2.426, 39), (0.243, 4.414, 0.793, 2.426, 5000), (0.5, 10, 1.0, 3.0, 52),
        (0.5, 10, 1.00001, 3.0, 52), (2.0, 5, 0.3, 6.0, 104), (1.5, 8, 3.0, 2.5, 26), (60.0, 100, 0.8, 62.0, 365),
        (300.0, 900, 1.4, 310.0, 1000), (0.2, 2, 12.0, 40.0, 10), (0.25, 4, 0.8, 1.0, 1e-3),
    ],
)  # fmt: skip
def test_expected_purchases_agree_with_numerical_integration(r, alpha, a, b, t):
    fit = replace(CDNOW, r=r, alpha=alpha, a=a, b=b)
    assert float(ltv.bgnbd_expected(fit, t)) == pytest.approx(integral(r, alpha, a, b, t), rel=2e-5)


def test_expected_purchases_are_finite_for_the_busiest_client_and_the_longest_wait():
    x = np.array([0, 1, 5, 50, 500, 5000.0])
    seen = np.array([1.0, 10, 100, 400, 4000, 40000])
    for fit in (
        CDNOW,
        replace(CDNOW, a=1.0),
        replace(CDNOW, a=150.0, b=9000.0),
        replace(CDNOW, a=0.01, b=0.02),
    ):
        later = ltv.bgnbd_conditional(fit, x, np.where(x > 0, 0.9 * seen, 0), seen, 10_000)
        assert np.isfinite(later).all()
        assert (later >= 0).all()
        assert (later <= (fit.r + x) * 10_000 / (fit.alpha + seen) * (1 + 1e-6)).all()


def test_no_wait_brings_no_purchase_and_more_wait_never_brings_fewer():
    waits = ltv.bgnbd_conditional(CDNOW, 3, 20, 30, [0, 1, 10, 100, 1000])
    assert waits[0] == 0
    assert (np.diff(waits) > 0).all()


def test_nobody_leaves_before_a_repeat_purchase_and_long_silence_after_many_is_suspicious():
    alive = ltv.p_alive(CDNOW, [0, 0, 1, 10, 2000], [0, 0, 10, 10, 10], [5, 500, 50, 50, 5000])
    assert alive[:2] == pytest.approx([1, 1])
    assert alive[2] > alive[3] > alive[4] >= 0
    assert float(ltv.p_alive(CDNOW, 10, 50, 50)) > 0.9


@pytest.fixture(scope="module")
def drawn():
    return client_bases.buyers(4000, 0.6, 5.0, 0.8, 2.4, 52, 26, seed=3)


@pytest.fixture(scope="module")
def fitted(drawn):
    return ltv.fit_bgnbd(*drawn[:3])


def test_bgnbd_finds_the_truth_it_was_drawn_from(drawn, fitted):
    assert fitted.converged
    assert (fitted.r, fitted.alpha) == pytest.approx((0.6, 5.0), rel=0.12)
    frequency, recency, age, after = drawn
    later = ltv.bgnbd_conditional(fitted, frequency, recency, age, 26)
    assert later.sum() == pytest.approx(after.sum(), rel=0.05)
    often = frequency >= np.quantile(frequency, 0.9)
    assert later[often].sum() == pytest.approx(after[often].sum(), rel=0.08)


def test_weights_stand_for_clients_with_one_history(drawn, fitted):
    """Days instead of moments, so that clients share histories; then each history once with its count."""
    table = pd.DataFrame(np.ceil(np.array(drawn[:3]).T), columns=["x", "last", "age"])
    grouped = table.groupby(["x", "last", "age"]).size().reset_index(name="n")
    assert len(grouped) < 0.6 * len(table)
    one, two = ltv.fit_bgnbd(*table.to_numpy().T), ltv.fit_bgnbd(*grouped.to_numpy().T)
    assert numbers_of(two) == pytest.approx(numbers_of(one), rel=1e-4)
    assert (two.n, two.repeaters) == (one.n, one.repeaters)


def test_the_order_of_clients_changes_nothing(drawn, fitted):
    backwards = ltv.fit_bgnbd(*(part[::-1] for part in drawn[:3]))
    assert numbers_of(backwards) == pytest.approx(numbers_of(fitted), rel=1e-5)


def test_another_unit_of_time_rescales_alpha_and_nothing_else(drawn, fitted):
    frequency, recency, age, _ = drawn
    days = ltv.fit_bgnbd(frequency, 7 * recency, 7 * age)
    assert (days.r, days.alpha / 7, days.a, days.b) == pytest.approx(astuple(fitted)[:4], rel=1e-3)
    shift = frequency.sum() * math.log(7)
    assert days.log_likelihood == pytest.approx(fitted.log_likelihood - shift, abs=0.01)


def test_clients_who_never_leave_put_the_model_at_its_border():
    x, last, age, _ = client_bases.buyers(1500, 0.8, 5.0, 0, 1, 52, 1, seed=1)
    fit = ltv.fit_bgnbd(x, last, age)
    assert_refused(fit, "border")
    assert np.isnan(ltv.bgnbd_conditional(fit, x, last, age, 10)).all()
    assert np.isnan(ltv.bgnbd_expected(fit, [1, 2])).all()


def test_bgnbd_refuses_few_clients_and_few_repeats(drawn):
    parts = [part[:299] for part in drawn[:3]]
    assert_refused(ltv.fit_bgnbd(*parts), "few_clients")
    once = [np.append(part, [fill] * 60_000) for part, fill in zip(drawn[:3], (0, 0, 40), strict=True)]
    assert_refused(ltv.fit_bgnbd(*once), "few_repeats")
    assert_refused(ltv.fit_bgnbd([], [], [], min_clients=0), "few_clients")
    assert ltv.fit_bgnbd(*parts, min_clients=200).reason != "few_clients"


@pytest.mark.parametrize("history", [(1, 5, 4), (0, 2, 4), (-1, 0, 4), (1, -1, 4), (1, math.nan, 4)])
def test_an_impossible_history_is_an_error(history):
    with pytest.raises(ValueError, match="0 <= recency <= age"):
        ltv.fit_bgnbd(*[[value] for value in history])


# --- Gamma-Gamma ---
def test_gamma_gamma_finds_the_truth_it_was_drawn_from():
    fit = ltv.fit_gamma_gamma(*client_bases.baskets(4000, 6.0, 4.0, 16.0, seed=5))
    assert fit.converged
    assert (fit.p, fit.q) == pytest.approx((6.0, 4.0), rel=0.15)
    assert fit.mean == pytest.approx(6 * 16 / 3, rel=0.03)
    assert fit.remark == ""


def test_the_published_mean_of_the_population_is_35():
    assert BASKETS.mean == pytest.approx(35.2, abs=0.1)
    assert float(ltv.expected_value(BASKETS, 0, math.nan)) == pytest.approx(BASKETS.mean)


def test_an_expected_value_lies_between_the_client_and_all_clients_and_nears_the_client():
    values = ltv.expected_value(BASKETS, [1, 5, 50], [100, 100, 100])
    assert (np.diff(values) > 0).all()
    assert (BASKETS.mean < values).all()
    assert (values < 100).all()
    assert float(ltv.expected_value(BASKETS, 2, 10)) < BASKETS.mean


def test_money_in_kopecks_gives_the_same_model():
    x, m = client_bases.baskets(800, 6.0, 4.0, 16.0, seed=6)
    one, two = ltv.fit_gamma_gamma(x, m), ltv.fit_gamma_gamma(x, 100 * m)
    assert (two.p, two.q, two.v / 100) == pytest.approx((one.p, one.q, one.v), rel=1e-4)
    assert two.log_likelihood == pytest.approx(one.log_likelihood - 800 * math.log(100), abs=0.01)


def test_rows_without_a_repeat_or_without_money_take_no_part():
    x, m = client_bases.baskets(500, 6.0, 4.0, 16.0, seed=7)
    fit = ltv.fit_gamma_gamma(x, m)
    more = ltv.fit_gamma_gamma([*x, 0, 0, 3, 2], [*m, 0, 50, 0, -20])
    assert numbers_of(more) == pytest.approx(numbers_of(fit), rel=1e-6)
    assert more.n == 500
    twice = ltv.fit_gamma_gamma(x, m, weights=[2] * 500)
    assert (twice.p, twice.n) == (pytest.approx(fit.p, rel=1e-4), 1000)


def test_values_that_rise_with_frequency_carry_a_remark():
    x, m = client_bases.baskets(500, 6.0, 4.0, 16.0, seed=8)
    fit = ltv.fit_gamma_gamma(x, m * x)
    assert fit.remark == "correlated"
    assert fit.correlation > 0.3


def test_gamma_gamma_refuses_few_clients_and_a_population_without_a_mean():
    x, m = client_bases.baskets(2000, 6.0, 0.7, 16.0, seed=9)
    assert_refused(ltv.fit_gamma_gamma(x, m), "border")
    assert_refused(ltv.fit_gamma_gamma(x[:29], m[:29]), "few_clients")
    assert_refused(ltv.fit_gamma_gamma([], []), "few_clients")


def test_equal_values_of_all_clients_cannot_be_modelled():
    fit = ltv.fit_gamma_gamma(np.arange(1, 101), np.full(100, 30.0))
    assert not fit.converged
    assert math.isnan(fit.mean)


# --- both together ---
def test_a_forecast_of_groups_is_the_sum_over_their_clients(drawn, fitted):
    x, last, age = np.ceil(np.array(drawn[:3]))
    _, mean = client_bases.baskets(len(x), 6.0, 4.0, 16.0, seed=10)
    mean = np.where(x > 0, mean, 0)
    table = pd.DataFrame(
        {"frequency": x, "recency": last, "age": age, "repeat_value": x * mean, "clients": 1}
    )
    grouped = table.groupby(["frequency", "recency", "age"], as_index=False).sum()
    values = pd.DataFrame({"frequency": x, "mean_value": mean, "clients": 1})[x > 0]
    total, reason = ltv.forecast(grouped, values, 26)
    buys, worth = ltv.fit_bgnbd(x, last, age), ltv.fit_gamma_gamma(x[x > 0], mean[x > 0])
    each = ltv.bgnbd_conditional(buys, x, last, age, 26) * ltv.expected_value(worth, x, mean)
    assert (total, reason) == (pytest.approx(each.sum(), rel=1e-4), "")


def test_a_forecast_without_a_fit_is_no_number():
    few = pd.DataFrame(
        {"frequency": [1], "recency": [3.0], "age": [9.0], "clients": [50], "repeat_value": [90.0]}
    )
    total, reason = ltv.forecast(
        few, pd.DataFrame({"frequency": [1], "mean_value": [9.0], "clients": [50]}), 12
    )
    assert math.isnan(total)
    assert reason == "few_clients"
