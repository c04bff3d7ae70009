"""Where and why deals stop: published intervals, hand-counted tables, bounds, and the guard against chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import multinomial_proportions_confint

from detente.metrics import overuse, reasons
from lost_deals import frame, group, journeys, losses, won

GROUPS = [
    group("price", "Дорого", "Высокая цена", owner="price"),
    group("phone", "Неверный номер", owner="marketing", claims="wrong_number"),
    group("thinking", "Думает", owner="sales", no_reason=True),
]


def read(*parts, by=(), ripe=0, groups=GROUPS):
    rows = [row for part in parts for row in part]
    return reasons.cells(journeys(rows, groups), groups, by, ripe)


def lost_by(cells):
    return cells.groupby("reason")["lost"].sum().to_dict()


# --- reading ---
def test_a_reason_is_its_group_else_its_folded_text_else_empty():
    cells = read(losses(2, "Дорого"), losses(1, "Высокая цена"), losses(3, " Далеко  ехать"), losses(1, "далеко ехать"),
                 losses(2))  # fmt: skip
    assert lost_by(cells) == {"group:price": 3, "text:далеко ехать": 4, "": 2}
    far = cells[cells["reason"] == "text:далеко ехать"].iloc[0]
    assert (far["text"], far["said"], far["owner"]) == (" Далеко  ехать", "reason", "not_assigned")


def test_near_spellings_are_never_merged_in_the_numbers():
    cells = read(losses(2, "не устроили сроки"), losses(1, "не устроили срок"))
    assert lost_by(cells) == {"text:не устроили сроки": 2, "text:не устроили срок": 1}


def test_a_reason_that_is_none_is_told_apart_by_the_audit_and_by_our_own_list():
    cells = read(losses(2, "Думает"), losses(3, "Другое"), losses(4, "n/a"), losses(5, "Дорого"), losses(6))
    found = reasons.filled(cells)
    assert (found.lost, found.nothing, found.ours, found.empty, found.said) == (20, 2, 7, 6, 5)
    assert (found.filled, found.silent, found.silent_share) == (14, 15, 0.75)


def test_what_the_audit_calls_a_reason_is_one_whatever_our_list_says():
    other = [group("other", "Другое", owner="product")]
    assert reasons.filled(read(losses(3, "Другое"), groups=other)).said == 3


def test_won_open_and_young_leads_are_no_losses():
    cells = read(losses(3, "Дорого"), losses(2, "Дорого", age_days=29), losses(1, "Дорого", age_days=30),
                 losses(4, "Дорого", outcome="open"), won(5), ripe=30)  # fmt: skip
    assert cells["lost"].sum() == 4


def test_money_is_the_amounts_of_the_losses_with_how_many_have_one():
    cells = read(losses(2, "Дорого", amount=100.10), losses(3, "Дорого"), losses(1, "Далеко", amount=7.0))
    table = reasons.pareto(cells).set_index("reason")
    assert table.loc["group:price", ["lost", "with_amount", "money"]].tolist() == [5, 2, 200.2]


def test_a_reason_named_like_a_group_is_not_taken_for_it():
    assert lost_by(read(losses(1, "Дорого"), losses(1, "price"), losses(1, "rest"))) == {
        "group:price": 1, "text:price": 1, "text:rest": 1,
    }  # fmt: skip


# --- shares ---
def test_goodman_intervals_are_the_published_example():
    low, high = reasons.simultaneous([40, 25, 15, 12, 8])
    assert np.round(low * 100, 1).tolist() == [28.4, 15.6, 8.0, 5.9, 3.4]
    assert np.round(high * 100, 1).tolist() == [52.9, 37.5, 26.3, 22.8, 17.9]


@given(st.lists(st.integers(5, 500), min_size=2, max_size=12))
@settings(max_examples=30, deadline=None)
def test_simultaneous_intervals_agree_with_statsmodels(counts):
    ours = np.column_stack(reasons.simultaneous(counts, 0.9))
    assert ours == pytest.approx(multinomial_proportions_confint(counts, 0.1, "goodman"), abs=1e-9)


def test_counts_below_five_are_one_category_and_have_no_interval_of_their_own():
    low, high = reasons.simultaneous([40, 25, 3, 2, 0])
    merged = multinomial_proportions_confint([40, 25, 5], 0.05, "goodman")
    assert np.isnan(low[2:]).all()
    assert np.column_stack((low, high))[:2] == pytest.approx(merged[:2])


def test_a_silent_loss_may_be_any_reason_so_shares_become_bounds():
    table = reasons.pareto(read(losses(60, "Дорого"), losses(10, "Далеко"), losses(20), losses(10, "Думает")))
    table = table.set_index("reason")
    assert table.loc["group:price", ["share", "bound_low", "bound_high"]].tolist() == [0.6, 0.6, 0.9]
    assert table.loc["text:далеко", ["bound_low", "bound_high"]].tolist() == [0.1, 0.4]
    assert table.loc["", ["bound_low", "bound_high"]].tolist() == [0.2, 0.2]


def test_the_rest_is_counted_and_the_empty_is_always_a_row_of_its_own():
    many = [losses(n, f"причина {n}") for n in range(3, 15)]
    table = reasons.pareto(read(*many, losses(1)), keep=10)
    assert table["reason"].tolist()[-2:] == ["rest", ""]
    assert table["lost"].sum() == sum(range(3, 15)) + 1
    rest = table.set_index("reason").loc["rest"]
    assert (rest["lost"], rest["kinds"]) == (3 + 4, 2)
    assert table["lost"].tolist()[:10] == list(range(14, 4, -1))


def test_a_rest_of_a_single_reason_is_named():
    table = reasons.pareto(read(*[losses(n, f"причина {n}") for n in range(1, 12)]), keep=10)
    assert "rest" not in set(table["reason"])


def test_shares_of_a_stage_have_the_losses_of_that_stage_as_base():
    cells = read(losses(80, "Неверный номер"), losses(20, "Дорого"), losses(30, "Дорого", furthest=2),
                 losses(4, "Далеко", furthest=None))  # fmt: skip
    table = reasons.split(cells, "stage").set_index(["stage", "reason"])
    assert table.loc[(1, "group:phone"), ["lost", "known", "share"]].tolist() == [80, 100, 0.8]
    assert table.loc[(2, "group:price"), ["lost", "known", "share"]].tolist() == [30, 30, 1.0]
    assert table.loc[(2, "group:phone"), "lost"] == 0
    unknown = table[table.index.get_level_values("stage").isna()]
    assert (unknown["known"] == 4).all()


def test_four_of_five_early_losses_by_bad_phones_are_a_question_for_marketing_not_for_sales():
    cells = read(losses(80, "Неверный номер"), losses(12, "Дорого"), losses(8, "Думает"))
    top = reasons.split(cells, "stage").sort_values("lost").iloc[-1]
    assert (top["stage"], top["reason"], top["share"], top["owner"]) == (1, "group:phone", 0.8, "marketing")
    owners = reasons.owners(cells).set_index("owner")
    assert owners.loc["marketing", "share"] == 0.8
    assert "sales" not in owners.index  # «Думает» says nothing: it is nobody's before it is sales'
    assert owners.loc["not_said", "lost"] == 8


def test_losses_that_nobody_owns_widen_the_bounds_of_every_owner():
    owners = reasons.owners(read(losses(50, "Дорого"), losses(30, "Далеко"), losses(20))).set_index("owner")
    assert owners.index.tolist() == ["price", "not_assigned", "not_said"]
    assert owners.loc["price", ["bound_low", "bound_high"]].tolist() == [0.5, 1.0]


def test_every_table_holds_every_loss_once():
    rng = np.random.default_rng(5)
    rows = [
        row for n in range(200)
        for row in losses(1, [None, "Дорого", "Думает", "Далеко", "Долго"][rng.integers(5)],
                          furthest=[1, 2, 3, None][rng.integers(4)], channel=["A", "B", None][rng.integers(3)])
    ]  # fmt: skip
    cells = read(rows, by=["channel"])
    assert reasons.pareto(cells)["lost"].sum() == 200
    assert reasons.owners(cells)["lost"].sum() == 200
    for by in ("stage", "channel"):
        split = reasons.split(cells, by)
        assert split["lost"].sum() == 200
        assert split.drop_duplicates(by)["known"].sum() == 200


def test_the_order_of_rows_changes_nothing():
    rows = [
        *losses(7, "Дорого"),
        *losses(7, "Далеко", manager="#02"),
        *losses(7, "долго", furthest=2),
        *losses(3),
    ]
    tables = [reasons.cells(journeys(part, GROUPS), GROUPS, ["manager"]) for part in (rows, rows[::-1])]
    for make in (
        reasons.pareto,
        lambda cells: reasons.split(cells, "stage"),
        reasons.owners,
        overuse.overuse,
    ):
        pd.testing.assert_frame_equal(*[make(cells) for cells in tables])


def test_no_losses_give_empty_tables_and_no_share():
    cells = read(won(5))
    found = reasons.filled(cells)
    assert found.lost == 0
    assert np.isnan(found.filled_share)
    assert reasons.pareto(cells).empty
    assert reasons.split(cells, "stage").empty
    assert reasons.owners(cells).empty
    assert overuse.overuse(read(won(5), by=["manager", "segment"])).empty


def test_silence_per_manager_is_shaped_for_the_comparison_with_the_rest():
    cells = read(
        losses(6, "Дорого"),
        losses(3),
        losses(1, "Думает"),
        losses(5, "Дорого", manager="#02"),
        by=["manager"],
    )
    table = reasons.silence(cells, "manager")
    assert table.loc["#01", ["known", "non_target", "empty", "target"]].tolist() == [10, 4, 3, 6]
    assert table.loc["#02", ["known", "non_target"]].tolist() == [5, 0]


# --- groups ---
def test_a_group_is_named_only_where_its_reason_stands_out_from_all_others():
    cells = read(losses(60, "Неверный номер", channel="Quiz"), losses(40, "Дорого", channel="Quiz"),
                 losses(50, "Неверный номер"), losses(450, "Дорого"),
                 losses(8, "Неверный номер", channel="Tiny"), by=["channel"])  # fmt: skip
    table = reasons.stand_out(reasons.split(cells, "channel"), "channel")
    named = table[table["named"]].set_index(["channel", "reason"])
    assert set(named.index) == {("Quiz", "group:phone"), ("Ads", "group:price")}
    quiz = named.loc[("Quiz", "group:phone")]
    assert (quiz["share"], quiz["rest_known"]) == (0.6, 508)
    assert quiz["difference"] == pytest.approx(0.6 - 58 / 508)
    assert not table.loc[table["channel"] == "Tiny", "named"].any()


# --- overuse ---
def by_manager(*rows):
    """Rows of (manager, stage, reason, losses)."""
    parts = [losses(n, reason, manager=manager, furthest=stage) for manager, stage, reason, n in rows]
    return read(*parts, by=["manager", "segment"])


def test_expected_is_what_colleagues_write_on_losses_of_the_same_stage():
    cells = by_manager(
        ("#01", 1, "Дорого", 30), ("#01", 1, "Далеко", 10), ("#01", 2, "Дорого", 10),
        ("#02", 1, "Дорого", 20), ("#02", 1, "Далеко", 60), ("#02", 2, "Дорого", 5), ("#02", 2, "Далеко", 15),
    )  # fmt: skip
    row = overuse.overuse(cells).set_index(["manager", "reason"]).loc[("#01", "group:price")]
    assert row["observed"] == 40
    assert row["expected"] == pytest.approx(40 * 20 / 80 + 10 * 5 / 20)
    assert row["ratio"] == pytest.approx(40 / 12.5)
    assert row["named"]


def test_a_manager_with_other_leads_is_not_flagged_for_them():
    """Everybody writes «Дорого» late and «Далеко» early; the first manager only has late losses."""
    cells = by_manager(
        ("#01", 3, "Дорого", 50), ("#01", 3, "Далеко", 50), ("#02", 3, "Дорого", 50), ("#02", 3, "Далеко", 50),
        ("#02", 1, "Далеко", 400),
    )  # fmt: skip
    table = overuse.overuse(cells).set_index(["manager", "reason"])
    assert table.loc[("#01", "group:price"), "ratio"] == 1
    assert not table["named"].any()


def test_losses_where_no_colleague_has_any_are_left_out_and_counted():
    cells = by_manager(("#01", 1, "Дорого", 40), ("#01", 2, "Дорого", 9), ("#02", 1, "Далеко", 40))
    row = overuse.overuse(cells).set_index(["manager", "reason"]).loc[("#01", "group:price")]
    assert row[["observed", "losses", "left_out"]].tolist() == [40, 40, 9]


def test_four_times_is_not_named_however_large_the_ratio():
    cells = by_manager(("#01", 1, "Дорого", 4), ("#01", 1, "Далеко", 96), ("#02", 1, "Далеко", 1000))
    assert not overuse.overuse(cells)["named"].any()


def test_a_small_manager_is_shown_and_not_named():
    cells = by_manager(("#01", 1, "Дорого", 20), ("#02", 1, "Далеко", 500), ("#02", 1, "Дорого", 50))
    table = overuse.overuse(cells, min_group=30)
    assert (table["manager"] == "#01").any()
    assert not table.loc[table["manager"] == "#01", "named"].any()


def test_q_values_are_those_of_benjamini_and_hochberg():
    p = np.array([0.001, 0.2, 0.03, 0.03, 0.9, 0.0004])
    assert overuse.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_mid_p_of_a_poisson_is_half_of_the_tie():
    # P(X > 2) + P(X = 2) / 2 at mean 1: 1 - e^-1 (1 + 1 + 1/4)
    assert overuse.mid_p(np.array([2.0]), np.array([1.0]))[0] == pytest.approx(1 - np.exp(-1) * 2.25)


def test_six_equal_managers_are_seldom_flagged():
    """300 companies without any difference: some flag in at most a tenth of them (measured 3 %)."""
    rng, alarms = np.random.default_rng(11), 0
    names, weights = ["a", "b", "c", "d", "e", "f"], [0.35, 0.25, 0.2, 0.1, 0.07, 0.03]
    for _ in range(300):
        drawn = rng.multinomial(120, weights, size=(6, 2))
        rows = [
            {"manager": f"#{m}", "stage": float(k), "reason": f"text:{name}", "group": None, "text": name,
             "said": "reason", "owner": "not_assigned", "lost": int(drawn[m, k, r])}
            for m in range(6) for k in range(2) for r, name in enumerate(names)
        ]  # fmt: skip
        alarms += bool(overuse.overuse(pd.DataFrame(rows))["named"].any())
    assert alarms / 300 <= 0.1


def test_the_sample_of_the_text_column_keeps_its_type():
    assert frame(losses(1))["loss_reason"].isna().all()
