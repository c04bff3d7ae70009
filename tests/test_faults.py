"""What popular claims about sales analytics get wrong: the right number, and the claimed one known for what it is.

E-01 to E-15 are the faults of the posts that the methods were drawn from. Each test gives the right value and shows
that the tool recognises how the claimed one came about, or that it says what the claim keeps silent about.
"""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from detente.metrics import cheap_leads, claims, definitions, examples_ltv, examples_romi, lifetime, romi
from detente.metrics.claims import Facts

A, B = (Facts(start=n, lost=gone, came=came, revenue=1_000_000, margin=0.3, spend=cac * came, new=came)
        for n, gone, came, cac in ((200, 50, 80, 500), (500, 200, 500, 150)))  # fmt: skip
HUNDRED = Facts(start=100, lost=30, came=130, revenue=300_000)
BEFORE = Facts(spend=50_000, leads=100, won=10)
AFTER = Facts(spend=50_000, leads=167, won=2)


def first(table: pd.DataFrame) -> str:
    """The definition that a claim is recognised as; only exact ones, to the last digit that was said."""
    assert table.iloc[0]["exact"]
    return table.iloc[0]["id"]


@pytest.mark.parametrize(("facts", "said", "exact"), [(A, 18_604, 18_604.65), (B, 3_845, 3_846.15)])
def test_e01_the_arpu_was_cut_before_it_was_divided(facts, said, exact) -> None:
    table = claims.ltv(said, facts)
    assert first(table) == "posted.revenue.none"
    assert table.set_index("id").loc["seed.revenue.none", "value"] == pytest.approx(exact, abs=5e-3)


def test_e02_a_number_was_cut_not_rounded() -> None:
    table = claims.ltv(6_666, HUNDRED)
    right = table.set_index("id").loc["seed.revenue.none", "value"]
    assert first(table) == "truncated.revenue.none"
    assert first(claims.ltv(6_667, HUNDRED)) == "seed.revenue.none"
    assert (int(right), round(right)) == (6_666, 6_667)


def test_e03_two_point_two_times_is_one_month_and_right_to_one_decimal_only() -> None:
    table = examples_ltv.companies()
    exact, posted = (
        table.loc["B", name] / table.loc["A", name] for name in ("newcomers", "newcomers_posted")
    )
    assert (round(exact, 4), round(posted, 4)) == (2.1747, 2.1718)
    assert round(exact, 1) == round(posted, 1) == examples_ltv.SAID_TIMES
    life = table.loc["B", "cohort_profit"] / table.loc["A", "cohort_profit"]
    assert life == pytest.approx(1.235, abs=5e-4)


def test_e04_which_company_is_better_turns_with_the_horizon_and_with_what_is_divided() -> None:
    table = examples_ltv.companies()
    better = {name: table[name].idxmax() for name in (
        "company_profit", "cohort_profit", "newcomers", "month_return", "life_return", "ltv_to_cac")}  # fmt: skip
    assert better == {"company_profit": "A", "cohort_profit": "B", "newcomers": "B", "month_return": "B",
                      "life_return": "A", "ltv_to_cac": "A"}  # fmt: skip
    assert table["company_profit"].tolist() == [260_000, 225_000]


def test_e05_a_price_per_lead_used_as_the_price_of_a_client_is_a_cpl() -> None:
    table = claims.cac(500, BEFORE)
    assert first(table) == "ads.leads"
    assert table.set_index("full").loc[True, "value"] == 5_000
    assert examples_romi.trap_romi(BEFORE, 500) == ["cheap_leads"]


def test_e06_revenue_over_the_lost_is_no_absurdity_but_the_matched_definition() -> None:
    table = claims.ltv(10_000, HUNDRED)
    assert first(table) == "matched.revenue.none"
    seed = table.set_index("id").loc["seed.revenue.none", "value"]
    assert seed / 10_000 == pytest.approx(100 / 150), "what the other formula gives of it: start / average"


def test_e07_with_equal_behaviour_a_growing_base_says_too_little_and_a_falling_one_too_much() -> None:
    table = examples_ltv.hundred_clients()
    same = table[table["truth"].notna()]
    assert same["truth"].round(6).unique().tolist() == [10_000]
    assert same["seed"].round(0).tolist() == [6_667, 8_000, 10_811]
    assert table.loc["same_count", "matched"] > 10_000, "where the count stays, clients leave more seldom"
    snapshot = lifetime.snapshot(200, 37, 7, 370_000)
    assert examples_ltv.trap_ltv(snapshot) == "falling_base"
    assert snapshot.ltv_seed == pytest.approx(table.loc["falling", "seed"])


def test_e08_the_error_is_a_closed_form_not_thirty_to_eighty_percent() -> None:
    off = [
        1 - row
        for row in (*examples_ltv.companies()["bias"], examples_ltv.hundred_clients()["bias"]["first"])
    ]
    assert [round(100 * one) for one in off] == [7, 23, 33]


def test_e09_one_month_is_set_beside_a_life_of_more_than_three() -> None:
    table = claims.ltv(2_000, HUNDRED)
    assert first(table) == "arpu.revenue.none"
    row = examples_ltv.hundred_clients().loc["first"]
    assert row["seed"] / row["arpu"] == pytest.approx(row["life"]) == pytest.approx(10 / 3)


def test_e10_a_loss_of_ten_thousand_has_lost_the_advertising() -> None:
    row = examples_romi.romi_cases().loc["goods"]
    assert (row["said"], row["before"], row["left"]) == (-10_000, -10_000, -110_000)
    table = claims.romi(-0.1, Facts(spend=100_000, gross=150_000, goods=140_000, delivery=20_000))
    assert first(table) == "gross.delivery.all.ads.ratio"
    assert ("spend", 100_000) in table.iloc[0]["left_out"]
    assert table.set_index("full").loc[True, "value"] == pytest.approx(-1.1)


def test_e11_margin_roi_is_revenue_less_all_costs_and_costs_go_off_once() -> None:
    facts = Facts(spend=100_000, gross=150_000, goods=20_000, delivery=10_000)
    right, twice = (150 - 20 - 10 - 100) / 100, (20 - 20 - 10 - 100) / 100
    table = claims.romi(twice, facts)
    assert first(table) == "gross.delivery.all.ads.twice"
    assert table.set_index("full").loc[True, "value"] == pytest.approx(right) == pytest.approx(0.2)
    steps = romi.ladder(150_000, goods=20_000, delivery=10_000, incremental=1, spend=100_000, base="revenue")
    assert steps["romi"].iloc[-1] == pytest.approx(right)


def test_e12_a_loss_of_300_thousand_does_not_follow_from_what_was_said() -> None:
    facts = Facts(spend=1_000_000, gross=2_200_000, new_share=0.3)
    assert not claims.romi(-0.3, facts)["matches"].any()
    assert claims.romi(-0.34, facts).iloc[0]["id"] == "gross.nothing.new.ads.net"
    alone = claims.needed(-0.3, facts).set_index("unknown")
    assert 1 - alone.loc["incremental", "value"] == pytest.approx(0.6818, abs=5e-5)
    assert alone.loc["revenue", "romi"] == pytest.approx(1.333, abs=5e-4)
    assert alone.loc["margin_all", "value"] == pytest.approx(0.3182, abs=5e-5)
    assert examples_romi.million_readings().loc["margin", "left"] == pytest.approx(-790_000)


def test_e13_two_baselines_stand_in_one_example() -> None:
    """2 of 167 leads make the table's CAC; 2 of 100 would be 2 %, and neither is the 10 % of before."""
    assert claims.cac(25_000, AFTER).iloc[0]["id"] == "ads.won"
    assert claims.cac(300, AFTER).iloc[0]["id"] == "ads.leads"
    compared = cheap_leads.compare(cheap_leads.Side(50_000, 100, 10), cheap_leads.Side(50_000, 167, 2))
    assert compared.conversion == pytest.approx((0.1, 2 / 167))
    assert compared.break_even == pytest.approx(0.0599, abs=5e-5)
    assert compared.fisher == pytest.approx(0.00124, abs=5e-6)
    other = cheap_leads.compare(cheap_leads.Side(50_000, 100, 10), cheap_leads.Side(50_000, 100, 2))
    assert other.conversion[1] == pytest.approx(0.02)
    assert other.cpl[1] == 500, "with 100 leads nothing got cheaper"


def test_e14_the_despised_methods_stand_beside_the_recommended_ones_and_the_data_choose() -> None:
    """The post scorns LTV and recommends cohort LTV and profit per client: all are definitions of one table."""
    assert {"seed", "matched", "cohort_revenue", "cohort_profit"} <= set(definitions.MODELS["repeat"])
    assert definitions.MODELS["one_off"] == ("per_deal",)
    assert {"leads", "paying", "new"} <= set(claims.DIVISORS)


def test_a_trap_needs_the_data_to_fall_into_it() -> None:
    steady = SimpleNamespace(start=200, lost=50, new=50, revenue=1.0)
    assert examples_ltv.trap_ltv(steady) == ""
    assert (
        examples_romi.trap_romi(Facts(spend=100, gross=500, leads=50, new=5, goods=100, new_share=0.9), 20)
        == []
    )
