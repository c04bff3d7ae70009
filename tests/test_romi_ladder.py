"""The ladder from plain numbers: published examples, exact sums, nothing taken off twice or left out silently."""

from __future__ import annotations

import random
from decimal import Decimal

import pandas as pd
import pytest

from detente.metrics import romi

THOUSAND, MILLION = 1_000, 1_000_000


def last(steps: pd.DataFrame) -> tuple[str, float, float]:
    row = steps.iloc[-1]
    return row["step"], float(row["value"]), row["romi"]


def romi_at(steps: pd.DataFrame, step: str) -> float:
    return steps.set_index("step").loc[step, "romi"]


# --- the worked examples (methods, table 3) ---
def test_a_hundred_spent_and_a_hundred_and_fifty_back_is_a_romi_of_a_half_on_revenue() -> None:
    steps = romi.ladder(150 * THOUSAND, spend=100 * THOUSAND, base="revenue")
    assert romi_at(steps, "gross") == 0.5
    assert set(steps["base"]) == {"revenue"}


def test_with_goods_and_logistics_the_same_sale_loses_a_hundred_and_ten_thousand_not_ten() -> None:
    """E-10: the post's loss of 10 thousand is the step before the advertising is paid."""
    steps = romi.ladder(
        150 * THOUSAND, goods=140 * THOUSAND, delivery=20 * THOUSAND, spend=100 * THOUSAND, base="revenue"
    )
    running = steps.set_index("step")["running"]
    assert running["contribution"] == -10 * THOUSAND
    assert last(steps) == ("at_most", -110 * THOUSAND, pytest.approx(-1.1))


def test_a_client_bought_for_half_of_his_purchase_loses_a_hundred() -> None:
    steps = romi.ladder(1000, goods=0, delivery=600, spend=500, base="revenue")
    assert romi_at(steps, "gross") == 1.0
    assert last(steps)[1:] == (-100, pytest.approx(-0.2))


def test_a_romi_of_two_hundred_with_a_tenth_of_margin_and_returns_of_a_third_is_a_loss_of_four_fifths() -> (
    None
):
    steps = romi.ladder(3.0, returned=0.9, goods=2.1 * 0.9, spend=1.0, base="revenue")
    assert last(steps)[2] == pytest.approx(-0.79)
    assert romi.break_even(0.1, 0.3) == pytest.approx(13.286, abs=5e-4)


def test_a_romi_of_a_hundred_and_twenty_with_seventy_percent_returning_loses_340_thousand() -> None:
    """E-12: 300 thousand cannot be had from these numbers."""
    steps = romi.ladder(2.2 * MILLION, goods=0, incremental=0.3, spend=MILLION, base="revenue")
    assert last(steps) == ("money", pytest.approx(-340 * THOUSAND), pytest.approx(-0.34))


def test_a_loss_of_300_thousand_needs_another_share_or_romi_or_margin() -> None:
    found = romi.needed(-300 * THOUSAND, 2.2 * MILLION, MILLION, incremental=0.3)
    assert 1 - found.incremental == pytest.approx(0.6818, abs=5e-5)
    assert found.romi == pytest.approx(1.333, abs=5e-4)
    assert found.margin == pytest.approx(1.06, abs=5e-3)  # above one: it cannot be
    assert romi.needed(-300 * THOUSAND, 2.2 * MILLION, MILLION).margin == pytest.approx(0.3182, abs=5e-5)


def test_that_margin_on_incremental_sales_alone_loses_790_thousand() -> None:
    sales = 2.2 * MILLION
    steps = romi.ladder(sales, goods=sales * (1 - 0.7 / 2.2), incremental=0.3, spend=MILLION, base="revenue")
    assert last(steps)[1] == pytest.approx(-790 * THOUSAND)


GOLD = [(0.1, 0, 9.0), (0.2, 0, 4.0), (0.3, 0, 2.333), (0.5, 0, 1.0),
        (0.1, 0.3, 13.286), (0.2, 0.3, 6.143), (0.3, 0.3, 3.762), (0.5, 0.3, 1.857)]  # fmt: skip


@pytest.mark.parametrize(("margin", "returns", "expected"), GOLD)
def test_the_published_romi_of_break_even(margin, returns, expected) -> None:
    assert romi.break_even(margin, returns) == pytest.approx(expected, abs=5e-4)
    gross = (1 + romi.break_even(margin, returns)) * 100
    steps = romi.ladder(
        gross, gross * returns, goods=gross * (1 - returns) * (1 - margin), spend=100, base="revenue"
    )
    assert last(steps)[1] == pytest.approx(0, abs=1e-9)


def test_delivery_and_what_would_have_come_anyway_raise_the_romi_of_break_even() -> None:
    assert romi.break_even(0.5, incremental=0.5) == pytest.approx(3.0)
    assert romi.break_even(0.5, delivery=0.25) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "nothing", [{"margin": 0}, {"margin": 0.3, "incremental": 0}, {"margin": 0.2, "delivery": 0.2}]
)
def test_no_romi_is_enough_where_nothing_is_left_of_a_sale(nothing) -> None:
    assert pd.isna(romi.break_even(**nothing))


# --- rules of the ladder ---
def test_without_a_stated_incremental_share_the_last_step_is_only_an_upper_bound() -> None:
    assert last(romi.ladder(100, goods=50, spend=10, base="revenue"))[0] == "at_most"
    assert last(romi.ladder(100, goods=50, anyway=20, spend=10, base="revenue"))[:2] == ("at_most", 20)
    assert last(romi.ladder(100, goods=50, incremental=1, spend=10, base="revenue"))[:2] == ("money", 40)


def test_without_known_goods_the_ladder_ends_at_revenue() -> None:
    steps = romi.ladder(100, 10, 15, spend=50, base="revenue")
    assert steps["step"].tolist() == ["gross", "returned", "vat", "net", "spend", "revenue_left"]
    assert last(steps)[1] == 25


def test_the_base_is_asked_for() -> None:
    with pytest.raises(TypeError, match="base"):
        romi.ladder(100, spend=50)
    with pytest.raises(ValueError, match="revenue or margin"):
        romi.ladder(100, spend=50, base="profit")


def test_goods_are_not_taken_off_a_margin_twice() -> None:
    """E-11: profit less all costs subtracts costs twice."""
    with pytest.raises(ValueError, match="taken off already"):
        romi.ladder(100, goods=50, spend=50, base="margin")
    assert last(romi.ladder(100, delivery=10, spend=50, base="margin"))[1:] == (40, pytest.approx(0.8))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_an_impossible_incremental_share_is_refused(share) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        romi.ladder(100, goods=0, incremental=share, spend=1, base="revenue")


def test_without_spend_there_is_no_romi() -> None:
    assert romi.ladder(100, goods=0, spend=0, base="revenue")["romi"].isna().all()


@pytest.mark.parametrize("seed", range(20))
def test_the_steps_add_up_to_the_kopeck(seed) -> None:
    draw = random.Random(seed)
    money = [Decimal(draw.randint(-(10**9), 10**12)) / 100 for _ in range(7)]
    names = ("returned", "vat", "goods", "delivery", "service", "assumed")
    steps = romi.ladder(
        money[0], **dict(zip(names, money[1:], strict=True)), incremental=draw.random(),
        spend=Decimal(draw.randint(1, 10**12)) / 100, base="revenue",
    )  # fmt: skip
    start = steps["value"].iloc[0]
    assert start + sum(steps.loc[~steps["total"], "value"]) == steps["value"].iloc[-1]
    assert (steps.loc[steps["total"], "value"] == steps.loc[steps["total"], "running"]).all()
    assert all(isinstance(value, Decimal) and value.as_tuple().exponent >= -2 for value in steps["value"])
