"""The worked examples, reckoned from their inputs, and whether a company's own data show the same trap."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from detente.metrics import cheap_leads, claims, examples_ltv, examples_romi, lifetime, romi
from detente.metrics.claims import Facts


@pytest.fixture(scope="module")
def companies():
    return examples_ltv.companies()


@pytest.mark.parametrize(
    ("column", "a", "b"),
    [
        ("end", 230, 800), ("average", 215, 650), ("arpu", 4651.163, 1538.462), ("churn", 0.25, 0.4),
        ("seed", 18_604.65, 3_846.15), ("matched", 20_000, 5_000), ("profit", 1395.35, 461.54),
        ("newcomer", 895.35, 311.54), ("newcomers", 71_627.91, 155_769.23), ("newcomers_posted", 71_600, 155_500),
        ("lost_to_new", 0.625, 0.4), ("growth", 0.15, 0.6), ("spend", 40_000, 75_000),
        ("company_profit", 260_000, 225_000), ("cohort_profit", 406_511.63, 501_923.08), ("ltv_to_cac", 11.163, 7.692),
        ("bias", 0.93023, 0.76923), ("posted", 18_604, 3_845), ("month_return", 1.7907, 2.0769),
        ("life_return", 10.163, 6.692),
    ],
)  # fmt: skip
def test_two_companies_to_the_rouble(companies, column, a, b) -> None:
    assert companies[column].tolist() == pytest.approx([a, b], abs=5e-3)


def test_the_companies_are_those_of_the_period_arithmetic(companies) -> None:
    for name in "AB":
        given = examples_ltv.COMPANIES[name]
        exact = lifetime.snapshot(
            *(given[key] for key in ("start", "lost", "new", "revenue", "margin", "cac"))
        )
        row = companies.loc[name]
        same = (
            "ltv_seed",
            "ltv_matched",
            "bias",
            "newcomers_profit",
            "company_profit",
            "cohort_profit",
            "ltv_to_cac",
        )
        ours = ("seed", "matched", "bias", "newcomers", "company_profit", "cohort_profit", "ltv_to_cac")
        assert [row[key] for key in ours] == pytest.approx([getattr(exact, key) for key in same])


@pytest.mark.parametrize(
    ("reading", "lost", "churn", "seed", "truth"),
    [("first", 30, 0.3, 6_666.67, 10_000), ("same_count", 30, 0.15, 13_333.33, None),
     ("same_on_start", 60, 0.3, 6_666.67, None), ("same_on_average", 50, 0.25, 8_000, 10_000),
     ("falling", 37, 0.185, 10_810.81, 10_000)],
)  # fmt: skip
def test_hundred_clients_and_the_month_after_in_four_readings(reading, lost, churn, seed, truth) -> None:
    row = examples_ltv.hundred_clients().loc[reading]
    assert row[["lost", "churn", "seed"]].tolist() == pytest.approx([lost, churn, seed], abs=5e-3)
    assert row["seed"] == pytest.approx(row["matched"] * row["bias"])
    assert (row["truth"] != row["truth"]) if truth is None else row["truth"] == pytest.approx(truth)


def test_the_first_month_implies_130_newcomers_and_a_bias_of_two_thirds() -> None:
    first = examples_ltv.hundred_clients().loc["first"]
    assert (first["new"], first["average"], first["arpu"]) == (130, 150, 2_000)
    assert first["bias"] == pytest.approx(2 / 3)
    assert first["life"] == pytest.approx(3.333, abs=5e-4)


@pytest.mark.parametrize(
    ("case", "boasted", "left", "net"),
    [("revenue", 0.5, 50_000, 0.5), ("goods", 0.5, -110_000, -1.1), ("delivery", 1.0, -100, -0.2),
     ("returns", 2.0, -79_000, -0.79), ("returning", 1.2, -340_000, -0.34)],
)  # fmt: skip
def test_five_boasts_down_to_money(case, boasted, left, net) -> None:
    row = examples_romi.romi_cases().loc[case]
    assert row[["boasted", "left", "romi"]].tolist() == pytest.approx([boasted, left, net])


def test_the_cases_end_where_the_ladder_of_the_report_ends() -> None:
    for row in examples_romi.romi_cases().itertuples():
        steps = romi.ladder(
            row.gross, row.gross * row.returns, 0, row.goods, row.delivery, incremental=row.incremental,
            spend=row.spend, base="revenue",
        )  # fmt: skip
        assert steps["value"].iloc[-1] == pytest.approx(row.left), row.Index


def test_break_even_romi_per_margin_without_and_with_returns() -> None:
    table = examples_romi.break_evens()
    assert (table["none"] * 100).round(1).tolist() == [900, 400, 233.3, 100]
    assert (table["returned"] * 100).round(1).tolist() == [1328.6, 614.3, 376.2, 185.7]
    assert table.loc[0.3, "returned"] == pytest.approx(romi.break_even(0.3, 0.3))


def test_the_million_with_seventy_percent_returning_clients() -> None:
    table = examples_romi.million_readings()
    assert table["value"].tolist() == pytest.approx([0.6818, 1.3333, 0.3182, 1.0606], abs=5e-5)
    assert table["possible"].tolist() == [True, True, True, False]
    assert table.loc["margin", "left"] == pytest.approx(-790_000)


def test_cheap_leads_make_dear_clients() -> None:
    table = examples_romi.cheap_leads()
    assert table["cpl"].tolist() == pytest.approx([500, 299.40], abs=5e-3)
    assert table["cac"].tolist() == [5_000, 25_000]
    assert table["needed"].tolist() == pytest.approx([0.1, 0.0599], abs=5e-5)
    assert table[["cac_low", "cac_high"]].round(0).to_numpy().tolist() == [[2868, 9053], [7027, 90_991]]
    assert table["p"].iloc[0] == pytest.approx(0.00124, abs=5e-6)
    sides = [cheap_leads.Side(row.spend, row.leads, row.won) for row in table.itertuples()]
    assert cheap_leads.compare(*sides).break_even == pytest.approx(table["needed"]["after"])


# --- the same trap in a company's data ---
def base(start, lost, new):
    return SimpleNamespace(start=start, lost=lost, new=new, revenue=1000.0)


@pytest.mark.parametrize(
    ("counts", "trap"),
    [((100, 30, 130), "growing_base"), ((200, 37, 7), "falling_base"), ((200, 50, 50), ""), ((200, 50, 60), ""),
     ((200, 0, 90), ""), ((0, 5, 90), "")],
)  # fmt: skip
def test_the_trap_of_the_seed_formula_is_a_base_that_moves(counts, trap) -> None:
    assert examples_ltv.trap_ltv(base(*counts)) == trap
    assert (examples_ltv.beside(trap, base(*counts)) is None) is (trap == "")


def test_the_client_stands_beside_the_example_with_the_same_quantities() -> None:
    rows = examples_ltv.beside("growing_base", base(80, 20, 60))
    assert rows.loc["example", ["seed", "matched"]].tolist() == pytest.approx([6666.67, 10_000], abs=5e-3)
    assert rows.loc["yours", "off"] == pytest.approx(80 / 100 - 1)
    assert rows.loc["yours", "matched"] == 50


def own(**known):
    return Facts(**{"spend": 100, "gross": 150, "leads": 50, "new": 5, "new_share": 1.0, **known})


@pytest.mark.parametrize(
    ("facts", "claimed", "traps"),
    [
        (own(), None, []),
        (own(goods=160), None, ["goods"]),
        (own(goods=30, delivery=25), None, ["advertising"]),
        (own(goods=30), None, []),
        (own(goods=110), None, ["goods"]),
        (own(target=20, ad_new=3, ad_leads=25), 5.0, ["cheap_leads"]),
        (own(ad_leads=25, ad_new=3), 4.0, ["cheap_leads"]),
        (own(returned=45), None, ["returns"]),
        (own(returned=7), None, []),
        (own(new_share=0.5), None, ["returning"]),
        (own(new_share=0.51), None, []),
        (own(), 2.0, ["cheap_leads"]),
        (own(spend_vat=20), 1.6, ["cheap_leads"]),
        (own(), 20.0, []),
        (own(new=50), 2.0, []),
        (own(gross=None), None, []),
        (Facts(), 5.0, []),
        (own(goods=130, returned=40, new_share=0.3), 2.0, ["cheap_leads", "goods", "returns"]),
    ],
)  # fmt: skip
def test_a_trap_is_named_only_where_the_totals_fall_into_it(facts, claimed, traps) -> None:
    assert examples_romi.trap_romi(facts, claimed) == traps


def test_the_client_stands_beside_each_case_that_it_repeats() -> None:
    facts = own(goods=30, delivery=25, returned=15, vat=10, new_share=0.4, spend_vat=20)
    rows = examples_romi.beside(["goods", "advertising", "returns", "returning", "cheap_leads"], facts, 2.0)
    assert rows["goods"].loc["yours", ["costs", "left", "romi"]].tolist() == pytest.approx(
        [65, -10, -10 / 80]
    )
    assert rows["returning"].loc["yours", "before"] == pytest.approx(70 * 0.4)
    assert rows["returns"].loc["yours", "back"] == pytest.approx(0.1)
    assert rows["cheap_leads"].loc["yours", ["cpl", "cac"]].tolist() == [2, 20]
    assert rows["returns"].loc["example", "romi"] == pytest.approx(-0.79)
    assert rows["advertising"].loc["example", ["before", "left"]].tolist() == [400, -100]
    assert rows["cheap_leads"].loc["example", "cac"] == 25_000


def test_the_full_definition_of_a_claim_agrees_with_the_row_beside_the_example() -> None:
    facts = own(goods=30, delivery=25, returned=15, vat=10, new_share=0.4, spend_vat=20)
    full = claims.romi(None, facts).set_index("full").loc[True, "value"]
    assert full == pytest.approx(examples_romi.beside(["returning"], facts)["returning"].loc["yours", "romi"])
