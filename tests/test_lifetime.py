"""The arithmetic of one period: the worked tables of the posts, their faults, and what must always hold."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from detente.metrics import lifetime

A = {"start": 200, "lost": 50, "new": 80, "revenue": 1_000_000, "margin": 0.3, "cac": 500}
B = {"start": 500, "lost": 200, "new": 500, "revenue": 1_000_000, "margin": 0.3, "cac": 150}
C = {"start": 100, "lost": 30, "new": 130, "revenue": 300_000}
COMPANIES = {"A": A, "B": B, "C": C}


def exact(name: str) -> lifetime.Snapshot:
    return lifetime.snapshot(**COMPANIES[name])


def posted(name: str) -> lifetime.Snapshot:
    return lifetime.snapshot(**COMPANIES[name], rounding="as_posted")


# --- tables 1 and 2 ---
@pytest.mark.parametrize(
    ("name", "quantity", "value"),
    [
        ("A", "end", 230), ("B", "end", 800), ("C", "end", 200),
        ("A", "average", 215), ("B", "average", 650), ("C", "average", 150),
        ("A", "arpu", 4651.163), ("B", "arpu", 1538.462), ("C", "arpu", 2000),
        ("A", "churn", 0.25), ("B", "churn", 0.4), ("C", "churn", 0.3),
        ("A", "ltv_seed", 18604.65), ("B", "ltv_seed", 3846.15), ("C", "ltv_seed", 6666.67),
        ("A", "ltv_matched", 20000), ("B", "ltv_matched", 5000), ("C", "ltv_matched", 10000),
        ("A", "bias", 200 / 215), ("B", "bias", 500 / 650), ("C", "bias", 100 / 150),
        ("A", "profit", 1395.35), ("B", "profit", 461.54),
        ("A", "newcomer_profit", 895.35), ("B", "newcomer_profit", 311.54),
        ("A", "newcomers_profit", 71627.91), ("B", "newcomers_profit", 155769.23),
        ("A", "lost_to_new", 0.625), ("B", "lost_to_new", 0.4),
        ("A", "net_growth", 30), ("B", "net_growth", 300), ("A", "growth", 0.15), ("B", "growth", 0.6),
        ("A", "spend", 40000), ("B", "spend", 75000),
        ("A", "company_profit", 260000), ("B", "company_profit", 225000),
        ("A", "cohort_profit", 406511.63), ("B", "cohort_profit", 501923.08),
        ("A", "ltv_to_cac", 11.1628), ("B", "ltv_to_cac", 7.6923),
    ],
)  # fmt: skip
def test_every_quantity_of_the_worked_tables_is_exact(name, quantity, value):
    assert getattr(exact(name), quantity) == pytest.approx(value, abs=0.005)


@pytest.mark.parametrize(
    ("name", "quantity", "value"),
    [
        ("A", "arpu", 4651), ("B", "arpu", 1538), ("A", "ltv_seed", 18604), ("B", "ltv_seed", 3845),
        ("A", "profit", 1395), ("B", "profit", 461), ("A", "newcomer_profit", 895), ("B", "newcomer_profit", 311),
        ("A", "newcomers_profit", 71600), ("B", "newcomers_profit", 155500), ("C", "ltv_seed", 6666),
        ("C", "arpu", 2000),
    ],
)  # fmt: skip
def test_as_posted_repeats_the_posts_to_the_rouble(name, quantity, value):
    assert getattr(posted(name), quantity) == value


def test_half_up_rounding_would_not_give_the_posted_sum():
    """462 instead of the posted 461 makes 156 000: the post cuts, it does not round."""
    assert (round(exact("B").profit) - 150) * 500 == 156_000 != posted("B").newcomers_profit


# --- the faults E-01 to E-09 ---
def test_e01_the_posted_18604_and_3845_come_from_an_arpu_cut_first():
    assert [posted(name).ltv_seed for name in "AB"] == [4651 / 0.25, 1538 / 0.4] == [18604, 3845]
    assert [round(exact(name).ltv_seed, 2) for name in "AB"] == [18604.65, 3846.15]


def test_e02_the_posted_6666_is_the_truncation_of_6666_67():
    value = exact("C").ltv_seed
    assert (math.floor(value), round(value), posted("C").ltv_seed) == (6666, 6667, 6666)
    assert value == pytest.approx(6666.67, abs=0.005)


def test_e03_the_posted_2_2_times_is_2_17_and_compares_one_month():
    month = exact("B").newcomers_profit / exact("A").newcomers_profit
    cut = posted("B").newcomers_profit / posted("A").newcomers_profit
    assert (round(month, 4), round(cut, 4)) == (2.1747, 2.1718)
    assert round(month, 1) == round(cut, 1) == 2.2


def test_e04_company_a_earns_more_in_the_month_and_the_cohort_of_b_only_1_23_times():
    a, b = exact("A"), exact("B")
    assert a.company_profit - b.company_profit == pytest.approx(35_000)
    assert b.cohort_profit / a.cohort_profit == pytest.approx(1.2347, abs=5e-5)


def test_e04_the_better_company_per_rouble_of_cac_flips_with_the_horizon():
    a, b = exact("A"), exact("B")
    assert [round(one.period_return, 2) for one in (a, b)] == [1.79, 2.08]
    assert [round(one.lifetime_return, 1) for one in (a, b)] == [10.2, 6.7]


def test_e05_500_per_lead_is_500_per_client_only_if_every_lead_buys():
    """At one client in ten the same 500 per lead is a CAC of 5 000, and the newcomer of A costs more than he brings."""
    dear = lifetime.snapshot(**{**A, "cac": 500 / 0.1})
    assert exact("A").newcomer_profit == pytest.approx(895.35, abs=0.005)
    assert dear.newcomer_profit == pytest.approx(1395.35 - 5000, abs=0.005)
    assert dear.ltv_to_cac == pytest.approx(1.116, abs=5e-4)


def test_e06_revenue_per_lost_client_is_the_matched_one_and_the_formula_errs_by_start_over_average():
    for name in "ABC":
        one = exact(name)
        assert one.ltv_seed == pytest.approx(one.ltv_matched * one.bias)
        assert one.bias == pytest.approx(one.start / one.average)
    assert [round(exact(name).bias, 3) for name in "ABC"] == [0.930, 0.769, 0.667]


def test_e07_under_one_hazard_a_growing_base_reads_too_low_and_a_falling_one_too_high():
    before = exact("C")  # 20 % of the average base leave; what a client truly brings is 10 000
    growing = lifetime.readings(before, 300).loc["same_on_average"]
    assert growing[["lost", "churn", "ltv_seed", "ltv_matched"]].tolist() == pytest.approx(
        [50, 0.25, 8000, 10000]
    )
    falling = lifetime.readings(lifetime.snapshot(100, 30, 130, 300_000), 170).loc["same_on_average"]
    assert falling[["lost", "new", "churn"]].tolist() == pytest.approx([37, 7, 0.185])
    assert falling["ltv_seed"] == pytest.approx(10811, abs=0.5)
    assert falling["ltv_matched"] == pytest.approx(10000)


def test_e07_the_formula_doubles_only_where_the_lost_count_is_frozen():
    rows = lifetime.readings(exact("C"), 300)
    assert rows["ltv_seed"].round().tolist() == [13333, 6667, 8000]
    assert rows["churn"].tolist() == pytest.approx([0.15, 0.30, 0.25])
    assert rows["lost"].tolist() == pytest.approx([30, 60, 50])
    assert rows["changed"].tolist() == [True, False, False]


def test_e07_with_frozen_revenue_the_readings_are_8000_and_4000():
    assert lifetime.snapshot(200, 30, 130, 300_000).ltv_seed == pytest.approx(8000)
    assert lifetime.snapshot(200, 60, 160, 300_000).ltv_seed == pytest.approx(4000)


def test_e08_the_error_on_the_posts_own_data_is_7_23_and_33_percent_not_30_to_80():
    assert [round(100 * (1 - exact(name).bias)) for name in "ABC"] == [7, 23, 33]


def test_e09_3_33_times_one_month_is_a_life_of_3_33_months():
    one = exact("C")
    assert one.ltv_seed / one.arpu == pytest.approx(1 / one.churn) == pytest.approx(10 / 3)


# --- what must always hold ---
def test_nobody_lost_gives_a_lower_limit_and_never_an_infinite_value():
    one = lifetime.snapshot(100, 0, 10, 100_000, 0.3, 500)
    assert (one.ltv_seed, one.ltv_matched, one.cohort_profit, one.ltv_to_cac) == (None, None, None, None)
    assert one.ltv_at_least == pytest.approx(100_000 / 3.689, rel=1e-3)  # Poisson, 0 seen, two-sided 95 %
    assert exact("A").ltv_at_least is None


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (0, 0, 10, 500), (10, 10, 0, 100), (0, 5, 5, 100)])
def test_an_empty_base_gives_none_where_nothing_can_be_said(counts):
    one = lifetime.snapshot(*counts, margin=0.3, cac=0)
    numbers = [value for value in vars(one).values() if isinstance(value, float)]
    assert all(math.isfinite(value) for value in numbers)
    if not counts[0]:
        assert (one.churn, one.ltv_seed, one.growth) == (None, None, None)
    assert (one.ltv_to_cac, one.period_return) == (None, None)


def test_without_a_margin_or_a_cac_no_profit_is_stated():
    one = lifetime.snapshot(**C)
    assert {one.profit, one.newcomer_profit, one.spend, one.company_profit, one.cohort_profit} == {None}
    assert lifetime.snapshot(**C, margin=0.3).profit == pytest.approx(600)
    assert lifetime.snapshot(**C, margin=0.3).company_profit is None


def test_decimals_and_numpy_counts_are_read_exactly():
    one = lifetime.snapshot(
        np.int64(200), np.int64(50), np.int64(80), Decimal("1000000.00"), 0.3, Decimal(500)
    )
    assert one.newcomers_profit == exact("A").newcomers_profit


@pytest.mark.parametrize("counts", [(100, 111, 10, 5), (-1, 0, 0, 5), (10, -1, 0, 5), (10, 0, -1, 5)])
def test_impossible_counts_are_an_error(counts):
    with pytest.raises(ValueError, match="clients"):
        lifetime.snapshot(*counts)


def test_an_unknown_rounding_is_an_error_and_readings_need_a_base():
    with pytest.raises(ValueError, match="as_posted"):
        lifetime.snapshot(**C, rounding="half_up")
    with pytest.raises(ValueError, match="at its start"):
        lifetime.readings(lifetime.snapshot(0, 0, 10, 100), 20)
    with pytest.raises(ValueError, match="not negative"):
        lifetime.readings(lifetime.snapshot(100, 0, 0, 100), 10)


clients = st.integers(1, 10_000)


@given(start=clients, new=st.integers(0, 10_000), revenue=st.integers(0, 10**9), part=st.floats(0.01, 1))
def test_a_growing_base_is_understated_and_a_falling_one_overstated(start, new, revenue, part):
    lost = max(1, round(part * start))
    one = lifetime.snapshot(start, lost, new, revenue)
    assert one.end == start - lost + new
    assert one.ltv_seed == pytest.approx(one.ltv_matched * start / one.average)
    if new > lost:
        assert one.ltv_seed <= one.ltv_matched
    elif new < lost:
        assert one.ltv_seed >= one.ltv_matched


@given(revenue=st.integers(1, 10**9), times=st.integers(2, 1000))
def test_another_currency_scales_every_value_of_a_client(revenue, times):
    one, more = (lifetime.snapshot(200, 50, 80, money, 0.3) for money in (revenue, revenue * times))
    for name in ("arpu", "ltv_seed", "ltv_matched", "profit"):
        assert getattr(more, name) == pytest.approx(getattr(one, name) * times)
    assert more.churn == one.churn


# --- the closed form of the bias ---
LIFETIMES = {
    "exponential": lifetime.exponential(10),
    "gamma": lifetime.gamma(10, 3),
    "mixture": lifetime.mixture([2, 18], [0.5, 0.5]),
}


@pytest.mark.parametrize(("name", "shown"), [("exponential", 10.00), ("gamma", 11.76), ("mixture", 7.87)])
def test_growth_biases_the_lifetime_unless_the_hazard_is_constant(name, shown):
    assert lifetime.growth_bias(0.05, LIFETIMES[name]) == pytest.approx(shown, abs=0.005)
    assert lifetime.growth_bias(0.0, LIFETIMES[name]) == pytest.approx(10, abs=1e-5)


def test_a_falling_base_turns_the_bias_round():
    assert (
        lifetime.growth_bias(-0.05, LIFETIMES["gamma"])
        < 10
        < lifetime.growth_bias(-0.05, LIFETIMES["mixture"])
    )


def test_a_base_that_falls_faster_than_its_clients_leave_does_not_exist():
    with pytest.raises(ValueError, match="shrinks that fast"):
        lifetime.growth_bias(-0.2, LIFETIMES["exponential"])


def draw(name: str, n: int, draws: np.random.Generator) -> np.ndarray:
    if name == "exponential":
        return draws.exponential(10, n)
    if name == "gamma":
        return draws.gamma(3, 10 / 3, n)
    return draws.exponential(np.where(draws.random(n) < 0.5, 2, 18))


@pytest.mark.parametrize("name", LIFETIMES)
def test_a_simulated_growing_base_shows_the_lifetime_of_the_closed_form(name):
    """Clients come at rate e^(gt) long enough for a stable base; exposure / lost is read over the last 4 periods."""
    growth, span, draws = 0.05, 160.0, np.random.default_rng(11)
    n = 400_000
    born = np.log1p(draws.random(n) * np.expm1(growth * span)) / growth
    died = born + draw(name, n, draws)
    since = span - 4
    exposure = (np.minimum(died, span) - np.maximum(born, since)).clip(0).sum()
    lost = ((died > since) & (died <= span)).sum()
    assert exposure / lost == pytest.approx(lifetime.growth_bias(growth, LIFETIMES[name]), rel=0.02)


# --- how clients leave, and what that does in a growing base ---
def test_a_chance_to_leave_that_age_does_not_change_leaves_only_the_mismatch_of_counts() -> None:
    told = lifetime.ageing(lifetime.snapshot(100, 30, 130, 300), 3)
    assert told.loc["constant", "ratio"] == pytest.approx(1)
    assert told["mean"].tolist() == pytest.approx([15.0] * 3)  # 150 clients for 3 months, 30 lost
    assert told["growth"].iloc[0] == pytest.approx(math.log(2) / 3)
    assert (told["seed"] / told["ratio"]).tolist() == pytest.approx([100 / 150] * 3)


def test_growth_flatters_contracts_and_shames_a_mix_and_decline_does_the_reverse() -> None:
    grown, shrunk = (
        lifetime.ageing(lifetime.snapshot(100, 30, 50, 300)),
        lifetime.ageing(lifetime.snapshot(100, 30, 25, 300)),
    )
    assert grown.loc["contracts", "ratio"] > 1.02
    assert grown.loc["mixed", "ratio"] < 0.98
    assert shrunk.loc["contracts", "ratio"] < 1 < shrunk.loc["mixed", "ratio"]
    still = lifetime.ageing(lifetime.snapshot(100, 30, 30, 300))
    assert still["ratio"].tolist() == pytest.approx([1, 1, 1], abs=1e-6)


def test_clients_of_half_length_contracts_bias_as_a_stable_population_of_them_does() -> None:
    told = lifetime.ageing(lifetime.snapshot(100, 20, 40, 300))
    rate, mean = math.log(1.2), 110 / 20
    ages = np.linspace(0, 400, 400_001)
    alive = special.gammaincc(4, 4 * ages / mean)  # share of newcomers that reach an age
    density = 4 / mean * (4 * ages / mean) ** 3 * np.exp(-4 * ages / mean) / 6
    there, gone = (np.trapezoid(np.exp(-rate * ages) * part, ages) for part in (alive, density))
    assert told.loc["contracts", "observed"] == pytest.approx(there / gone, rel=1e-6)


def test_nobody_lost_or_an_empty_base_has_no_age_to_speak_of() -> None:
    assert lifetime.ageing(lifetime.snapshot(100, 0, 10, 300)).empty
    assert lifetime.ageing(lifetime.snapshot(0, 5, 10, 300)).empty
    assert lifetime.ageing(lifetime.snapshot(10, 10, 0, 300)).empty
    assert "mixed" not in lifetime.ageing(lifetime.snapshot(100, 95, 1, 300)).index
