"""What a fix could bring: the worked example, the chain recomputed, overlaps, and intervals that cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.audit import Stage
from detente.metrics import flow, reasons, rescue
from lost_deals import group, journeys, losses, won

STEPS = pd.DataFrame({"passed": [100, 50, 20], "lost": [100, 50, 30]})  # 200 leads, conversions .5, .5, .4
EXAMPLE = rescue.funnel(STEPS, 50_000, error=1_000, sales=20)


def place(stage, reason, lost, segment=None):
    return pd.DataFrame({"stage": [float(stage)], "reason": [reason], "lost": [lost], "segment": [segment]})


def revenue(leads, conversions, check):
    return leads * np.prod(conversions) * check


# --- one fix ---
def test_the_worked_example_brings_two_hundred_thousand():
    assert EXAMPLE.base == 1_000_000
    [row] = rescue.worth(place(1, "x", 40), [EXAMPLE], share=0.5, rescued=1.0).itertuples()
    assert row.value == 200_000
    assert (row.lost_worth, row.saved, row.sales) == (400_000, 20, 4)
    assert (row.at_50, row.at_75, row.at_100) == (100_000, 150_000, 200_000)
    assert row.low < row.value < row.high


def test_a_loss_is_worth_what_is_still_to_pass_not_its_budget():
    late = rescue.worth(place(3, "x", 10), [EXAMPLE], 1.0, 1.0).iloc[0]
    early = rescue.worth(place(1, "x", 10), [EXAMPLE], 1.0, 1.0).iloc[0]
    assert (late["value"], early["value"]) == (500_000, 100_000)


def test_one_fix_is_what_the_recomputed_chain_gains():
    for stage, lost in ((1, 40), (2, 50), (3, 7)):
        conversions = EXAMPLE.conversions.copy()
        conversions[stage - 1] += 0.5 * 0.75 * lost / (STEPS["passed"] + STEPS["lost"])[stage - 1]
        gain = revenue(200, conversions, 50_000) - 1_000_000
        assert rescue.worth(place(stage, "x", lost), [EXAMPLE]).iloc[0]["value"] == pytest.approx(gain)


def test_a_private_person_does_not_become_a_dealer_by_being_rescued():
    """Ten losses of each kind at the first stage; sales of 1 000 and of 100 000, one in two and one in ten."""
    private = rescue.funnel(pd.DataFrame({"passed": [50, 5], "lost": [50, 45]}), 1_000, group="private")
    dealer = rescue.funnel(pd.DataFrame({"passed": [50, 25], "lost": [50, 25]}), 100_000, group="dealer")
    cells = pd.concat([place(1, "x", 10, "private"), place(1, "x", 10, "dealer")])
    [row] = rescue.worth(cells, [dealer, private], 1.0, 1.0).itertuples()
    assert row.value == pytest.approx(10 * 0.1 * 1_000 + 10 * 0.5 * 100_000)
    assert (row.lost, row.known) == (20, 100)


def test_places_stand_dearest_first_and_ties_by_stage_and_reason():
    cells = pd.concat([place(1, "b", 10), place(1, "a", 10), place(3, "c", 10)])
    table = rescue.worth(cells, [EXAMPLE])
    assert table[["stage", "reason"]].to_numpy().tolist() == [[3, "c"], [1, "a"], [1, "b"]]
    pd.testing.assert_frame_equal(table, rescue.worth(cells.iloc[::-1], [EXAMPLE]))


def test_a_loss_without_a_stage_is_worth_nothing_that_can_be_said():
    assert rescue.worth(place(math.nan, "x", 40), [EXAMPLE]).empty
    assert rescue.worth(place(1, "x", 0).iloc[:0], [EXAMPLE]).empty
    assert rescue.worth(place(math.nan, "x", 40), []).empty


def test_no_sale_with_an_amount_gives_no_interval_instead_of_a_false_one():
    nobody = rescue.funnel(STEPS, 50_000)
    row = rescue.worth(place(1, "x", 40), [nobody]).iloc[0]
    assert math.isnan(row["low"])
    assert math.isnan(row["high"])


def test_the_interval_covers_the_truth():
    """250 companies of known conversions and checks: 95 % intervals of lost x conversions behind x check hold it."""
    rng, hits = np.random.default_rng(3), 0
    truth = 1_000 * 0.2 * 0.4 * 0.3 * 10_000 * 0.5 * 0.75
    for _ in range(250):
        first, lost = rng.multinomial(1_000, [0.5, 0.2, 0.3])[:2]
        second = rng.binomial(first, 0.4)
        third = rng.binomial(second, 0.3)
        sales = rng.normal(10_000, 4_000, third)
        steps = pd.DataFrame(
            {"passed": [first, second, third], "lost": [1_000 - first, first - second, second - third]}
        )
        way = rescue.funnel(steps, sales.mean(), sales.std(ddof=1) / math.sqrt(third), third)
        row = rescue.worth(place(1, "x", lost), [way], draws=400).iloc[0]
        hits += row["low"] <= truth <= row["high"]
    assert 0.92 <= hits / 250 <= 0.98


def test_the_seed_fixes_the_interval_and_other_rows_do_not_move_it():
    one = rescue.worth(place(1, "x", 40), [EXAMPLE], seed=7).iloc[0]
    both = rescue.worth(pd.concat([place(2, "y", 9), place(1, "x", 40)]), [EXAMPLE], seed=7).set_index(
        "reason"
    )
    assert one[["low", "high"]].tolist() == both.loc["x", ["low", "high"]].tolist()
    other = rescue.worth(place(1, "x", 40), [EXAMPLE], seed=8).iloc[0]
    assert one["low"] != other["low"]


# --- several fixes ---
def test_several_fixes_are_the_chain_with_all_conversions_changed():
    fixes = [place(1, "x", 40), place(2, "y", 20), place(3, "z", 10)]
    found = rescue.together(fixes, [EXAMPLE], share=0.5, rescued=0.75)
    rate = 0.375
    conversions = [0.5 + rate * 40 / 200, 0.5 + rate * 20 / 100, 0.4 + rate * 10 / 50]
    assert found.value == pytest.approx(revenue(200, conversions, 50_000) - 1_000_000)
    assert (found.fixes, found.lost, found.base) == (3, 70, 1_000_000)
    assert found.low < found.value < found.high
    assert found.singles == pytest.approx(1_000_000 * rate * (40 / 100 + 20 / 50 + 10 / 20))


def test_a_deal_that_two_fixes_reach_is_counted_once():
    everywhere = pd.concat([place(1, "x", 40), place(2, "x", 20)])
    found = rescue.together([everywhere, place(1, "x", 40)], [EXAMPLE])
    alone = rescue.together([everywhere], [EXAMPLE])
    assert (found.value, found.lost) == (alone.value, 60)
    assert found.value < found.singles


def test_two_reasons_of_one_stage_add_up_and_two_stages_bring_a_little_more():
    same = rescue.together([place(1, "x", 40), place(1, "y", 20)], [EXAMPLE])
    assert same.value == pytest.approx(same.singles)
    apart = rescue.together([place(1, "x", 40), place(2, "y", 20)], [EXAMPLE])
    assert apart.value > apart.singles


def test_one_fix_together_is_that_fix():
    one, alone = rescue.together([place(2, "y", 20)], [EXAMPLE]), rescue.worth(place(2, "y", 20), [EXAMPLE])
    assert one.value == pytest.approx(alone.iloc[0]["value"]) == pytest.approx(one.singles)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("xyz"), st.integers(1, 10)), min_size=1, max_size=6),
    st.floats(0.1, 1), st.floats(0.1, 1),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_no_fixes_bring_more_than_every_loss_passing(chosen, share, rescued):
    """Whatever is fixed, no more can be won than all leads sold; and more losses reached never bring less."""
    fixes = [place(*item) for item in {item[:2]: item for item in chosen}.values()]
    found = rescue.together(fixes, [EXAMPLE], share, rescued, draws=10)
    assert 0 < found.value <= 200 * 50_000 - 1_000_000
    assert rescue.together(fixes[:1], [EXAMPLE], share, rescued, draws=10).value <= found.value * (1 + 1e-12)


def test_nothing_to_fix_brings_nothing():
    assert rescue.together([], [EXAMPLE]).value == 0


# --- the way of a group ---
def rows():
    ours = {"segment": "shop"}
    return [
        *losses(6, "Дорого", **ours), *losses(3, "Далеко", furthest=2, **ours), *losses(1, furthest=3, **ours),
        *won(4, 100.0, **ours), *won(1, None, **ours), *losses(5, furthest=2, segment="home"),
        *won(2, 10.0, segment="home"),
        *losses(2, furthest=None), *losses(9, outcome="open", furthest=2), *losses(8, "Дорого", age_days=3),
    ]  # fmt: skip


def test_a_way_is_counted_like_the_steps_of_the_funnel():
    table = journeys(rows())
    [whole] = rescue.funnels(table, 3, by=None, ripe_days=30)
    ripe = table.filter(table.age_days >= 30)
    steps = flow.steps(ripe, [Stage(name=name) for name in ("New", "Talk", "Offer")])
    assert list(whole.lost) == steps["lost"].tolist()
    assert list(whole.passed) == (steps["passed"] - [9, 0, 0]).tolist()  # open leads are left out of both


def test_each_segment_has_its_own_way_and_borrows_an_average_it_does_not_have():
    home, shop = rescue.funnels(journeys(rows()), 3, "segment", 30)
    assert (home.group, home.passed, home.lost) == ("home", (7, 2, 2), (0, 5, 0))
    assert (shop.passed, shop.lost, shop.check, shop.own) == ((9, 6, 5), (6, 3, 1), 100.0, True)
    assert (home.check, home.own, home.sales) == (pytest.approx(420 / 6), False, 6)


def test_leads_without_a_segment_go_their_own_way():
    table = journeys([*won(5, 10.0, segment=None), *losses(5, "Дорого", segment=None), *won(5, 20.0)])
    nobody, shop = rescue.funnels(table, 3, "segment")
    assert (nobody.check, shop.check) == (10.0, 20.0)
    cells = reasons.cells(table, [], ["segment"])
    assert rescue.worth(cells, [nobody, shop], 1.0, 1.0).iloc[0]["value"] == pytest.approx(50)


def test_no_lead_with_a_stage_has_no_way():
    assert rescue.funnels(journeys(losses(5, furthest=None)), 3) == []


def test_what_was_never_ours_and_what_says_nothing_is_not_to_be_rescued_but_a_wrong_number_is():
    groups = [
        group("not_ours", "Не наш", owner="marketing", non_target=True), group("double", "Дубль", owner="data"),
        group("phone", "Номер", owner="data", non_target=True, claims="wrong_number"),
        group("price", "Дорого", owner="price"),
        group("thinking", "Думает", no_reason=True),
    ]  # fmt: skip
    texts = ["Не наш", "Дубль", "Номер", "Дорого", "Думает", "другое", "Далеко", None]
    cells = reasons.cells(journeys([row for text in texts for row in losses(1, text)], groups), groups)
    kept = set(cells.loc[rescue.curable(cells, groups), "reason"])
    assert kept == {"group:phone", "group:price", "text:далеко"}
