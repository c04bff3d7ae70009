"""Who sells better and who got better leads: published tables, the worked example, and what must not move a number."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detente import engine
from detente.metrics import balance, mix

BERKELEY = [  # department: men admitted, rejected, women admitted, rejected
    ("A", 512, 313, 89, 19), ("B", 353, 207, 17, 8), ("C", 120, 205, 202, 391), ("D", 138, 279, 131, 244),
    ("E", 53, 138, 94, 299), ("F", 22, 351, 24, 317),
]  # fmt: skip
CHARIG = [("A", "small", 81, 87), ("A", "large", 192, 263), ("B", "small", 234, 270), ("B", "large", 55, 80)]
MANAGERS = [("A", "hot", 24, 80), ("A", "cold", 1, 20), ("B", "hot", 7, 20), ("B", "cold", 6, 80)]


def cells(rows):
    """(group, stratum, hits, trials) as `league.cells` returns them."""
    frame = pd.DataFrame(rows, columns=["manager", "segment", "hits", "trials"])
    return frame[["manager", "segment", "trials", "hits"]]


def berkeley():
    return cells(
        [
            (who, department, admitted, admitted + rejected)
            for department, men, no_men, women, no_women in BERKELEY
            for who, admitted, rejected in (("men", men, no_men), ("women", women, no_women))
        ]
    )


CELL = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CUBE = st.integers(2, 4).flatmap(
    lambda groups: st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=groups, max_size=groups)
)


def cube_cells(cube):
    return cells(
        [(f"g{at}", f"s{kind}", *cell) for at, row in enumerate(cube) for kind, cell in enumerate(row)]
    )


def test_the_worked_example_of_two_managers_comes_out_to_its_digits():
    found = mix.standardise(cells(MANAGERS), leave_out=1)
    assert found["share"].tolist() == [0.25, 0.13]
    assert found["direct"].tolist() == pytest.approx([0.175, 0.2125])
    assert found["expected"].tolist() == pytest.approx([26.2, 11.8])
    assert found["ratio"].tolist() == pytest.approx([0.9542, 1.1017], abs=6e-5)
    assert found["ratio_low"].tolist() == pytest.approx([0.6175, 0.5866], abs=6e-5)
    assert found["ratio_high"].tolist() == pytest.approx([1.4086, 1.8839], abs=6e-5)
    assert found["standard"].tolist() == pytest.approx([0.19, 0.19])  # the whole team: 38 of 200
    assert found["adjusted"].tolist() == pytest.approx([0.19 * 25 / 26.2, 0.19 * 13 / 11.8])
    assert found["verdict"].tolist() == ["got_better_leads", "got_worse_leads"]


def test_a_manager_with_many_of_the_leads_is_measured_by_the_others():
    found = mix.standardise(cells(MANAGERS))
    # A at B's rates: 80 x 7/20 + 20 x 6/80 = 29.5; B at A's: 20 x 24/80 + 80 x 1/20 = 10
    assert found["expected"].tolist() == pytest.approx([29.5, 10])
    assert found["measure"].tolist() == ["others", "others"]
    # at the team's mix, half hot and half cold: B wins (.35 + .075) / 2, A (.3 + .05) / 2
    assert found["standard"].tolist() == pytest.approx([0.2125, 0.175])
    small = cells([("A", "hot", 5, 20), *[(f"c{at}", "hot", 5, 20) for at in range(4)]])
    assert set(mix.standardise(small)["measure"]) == {"team"}  # a fifth each: not more than a fifth


def test_direct_shares_need_ten_leads_in_every_cell():
    rows = [("A", "hot", 24, 80), ("A", "cold", 1, 10), ("B", "hot", 7, 20), ("B", "cold", 6, 9)]
    found = mix.standardise(cells(rows))
    assert found["direct"].isna().tolist() == [False, True]
    assert found["ratio"].notna().all()


def test_strata_too_small_to_stand_alone_are_one():
    rows = [("A", f"s{at}", 1, 4) for at in range(5)] + [
        ("A", "big", 10, 40),
        ("B", "big", 10, 40),
        ("B", None, 2, 5),
    ]
    found = mix.standardise(cells(rows), leave_out=1)
    # others: A 5 of 20, B 2 of 5 -> 7/25; big 20/80
    assert found.loc["A", "expected"] == pytest.approx(20 * 7 / 25 + 40 / 4)
    assert found["strata"].tolist() == [1, 1]


def test_leads_without_a_manager_are_nobody_s_measure():
    found = mix.standardise(cells([*MANAGERS, (None, "hot", 0, 500)]), leave_out=1)
    assert found["expected"].tolist()[:2] == pytest.approx([26.2, 11.8])
    assert pd.isna(found.index[-1])
    assert math.isnan(found["p"].iloc[-1])
    assert found["verdict"].iloc[-1] == "cannot_tell"


def test_leads_that_nobody_else_has_speak_neither_for_nor_against():
    rows = [("A", "own", 30, 60), ("A", "shared", 10, 50), ("B", "shared", 10, 50), ("C", "shared", 10, 50)]
    row = mix.standardise(cells(rows)).loc["A"]
    assert row["alone"] == 60
    assert row["ratio"] == pytest.approx(1)
    assert row["verdict"] not in ("sells_better", "sells_worse")


def test_in_one_stratum_the_test_is_fisher_s():
    found = mix.standardise(cells([("A", "x", 24, 80), ("B", "x", 13, 100)]))
    expected = stats.fisher_exact([[24, 56], [13, 87]]).pvalue
    assert found["p"].tolist() == pytest.approx([expected, expected])


def test_the_test_over_strata_is_the_sum_over_all_ways_to_win():
    rows = [("A", "x", 4, 6), ("B", "x", 1, 5), ("A", "y", 3, 4), ("B", "y", 2, 7)]
    chances: dict[int, float] = {}
    for x, y in itertools.product(range(7), range(5)):
        chance = stats.hypergeom(11, 5, 6).pmf(x) * stats.hypergeom(11, 5, 4).pmf(y)
        chances[x + y] = chances.get(x + y, 0) + chance
    p = sum(chance for chance in chances.values() if chance <= chances[7] * (1 + 1e-7))
    found = mix.standardise(cells(rows), min_cell=1, min_group=5)
    assert found["p"].tolist() == pytest.approx([p, p])


def test_one_who_sells_better_from_the_same_leads_is_told_from_one_who_got_better_leads():
    rows = [
        *[("star", "hot", 40, 60), ("star", "cold", 20, 60)],
        *[("lucky", "hot", 35, 100), ("lucky", "cold", 1, 20)],
        *[(f"c{at}", kind, wins, 60) for at in range(5) for kind, wins in (("hot", 20), ("cold", 5))],
    ]
    verdicts = mix.standardise(cells(rows))["verdict"]
    assert verdicts["star"] == "sells_better"
    assert verdicts["lucky"] == "got_better_leads"
    assert set(verdicts.drop(["star", "lucky"])) <= {"cannot_tell"}


def test_strata_must_be_named():
    with pytest.raises(ValueError, match="strata"):
        mix.standardise(pd.DataFrame({"manager": ["A"], "trials": [3], "hits": [1]}))


def test_berkeley_admitted_fewer_women_only_as_a_whole():
    found = mix.simpson(berkeley(), ("men", "women"))
    assert (found.first_share, found.second_share) == pytest.approx((0.4452, 0.3035), abs=6e-5)
    assert found.odds == pytest.approx(0.9047, abs=6e-5)
    assert (found.chi2, found.p) == pytest.approx((1.4269, 0.2323), abs=6e-5)
    assert (found.chi2_plain, found.p_plain) == pytest.approx((1.5246, 0.2169), abs=6e-5)
    assert found.breslow_day == pytest.approx(18.83, abs=6e-3)
    assert found.p_even == pytest.approx(0.0021, abs=6e-5)
    assert (found.rate, found.mix, found.raw) == pytest.approx((-0.0360, 0.1777, 0.1416), abs=6e-5)
    assert found.status == "vanishes"
    assert found.turned
    assert found.strata["stratum"].tolist() == list("ABCDEF")


def test_the_treatment_of_kidney_stones_that_looks_worse_is_ahead_in_both_sizes():
    found = mix.simpson(cells(CHARIG), ("A", "B"))
    assert (found.first_share, found.second_share) == pytest.approx((0.780, 0.826), abs=6e-4)
    assert (found.first_standard, found.second_standard) == pytest.approx((0.8326, 0.7789), abs=6e-5)
    assert (found.rate, found.mix, found.raw) == pytest.approx((0.0537, -0.0994, -0.0457), abs=6e-5)
    assert found.turned
    assert found.status == "cannot_tell"  # so few patients: the turn itself may be chance
    tenfold = cells([(who, size, 10 * wins, 10 * all_) for who, size, wins, all_ in CHARIG])
    assert mix.simpson(tenfold, ("A", "B")).status == "reversal"
    # 83.26 against 77.89 % at one mix: 5.4 points apart
    assert mix.simpson(tenfold, ("A", "B"), material=0.053).status == "reversal"
    assert mix.simpson(tenfold, ("A", "B"), material=0.055).status == "cannot_tell"


def test_a_share_that_rose_in_every_segment_can_fall_as_a_whole():
    rows = [("after", "dealers", 55, 100), ("after", "retail", 108, 900),
            ("before", "dealers", 400, 800), ("before", "retail", 20, 200)]  # fmt: skip
    found = mix.simpson(cells(rows), ("after", "before"))
    assert (found.first_share, found.second_share) == (0.163, 0.42)
    assert (found.mix, found.rate) == pytest.approx((-0.2905, 0.0335))
    assert (found.strata["difference"] > 0).all()


def test_all_pairs_are_looked_at_and_paid_for():
    tenfold = [(who, size, 10 * wins, 10 * all_) for who, size, wins, all_ in CHARIG]
    extra = [(f"c{at}", size, 160, 200) for at in range(3) for size in ("small", "large")]
    found = mix.simpson(cells(tenfold + extra))
    assert (found.first, found.second, found.status) == ("B", "A", "reversal")  # B is ahead as it stands
    assert mix.simpson(cells([("A", "x", 1, 40), ("B", "x", 1, 20)])) is None


def test_pairs_of_identical_managers_are_not_told_apart():
    rows = [(f"c{at}", kind, wins, 50) for at in range(4) for kind, wins in (("hot", 20), ("cold", 5))]
    assert mix.simpson(cells(rows)).status == "cannot_tell"


def test_strata_where_only_one_has_leads_say_nothing_of_the_other():
    rows = [("A", "x", 10, 50), ("B", "x", 20, 50), ("A", "only", 45, 50)]
    found = mix.simpson(cells(rows), ("A", "B"))
    assert found.covered == pytest.approx(100 / 150)
    assert (found.first_standard, found.second_standard) == (0.2, 0.4)
    assert found.rate + found.mix == pytest.approx(found.raw)
    apart = mix.simpson(cells([("A", "x", 10, 50), ("B", "y", 20, 50)]), ("A", "B"))
    assert math.isnan(apart.p)
    assert math.isnan(apart.standard)


def same(one, two):
    pd.testing.assert_frame_equal(one, two, check_exact=False, rtol=1e-9, atol=1e-12, check_index_type=False)


@settings(max_examples=15, deadline=None)
@given(CUBE, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_managers_move_nothing(cube, rng):
    table = cube_cells(cube)
    found = mix.standardise(table)
    rows = list(range(len(table)))
    rng.shuffle(rows)
    same(mix.standardise(table.iloc[rows]), found)
    renamed = mix.standardise(table.assign(manager=table["manager"].str.replace("g", "z")))
    same(renamed.rename(lambda name: name.replace("z", "g")), found)


@settings(max_examples=15, deadline=None)
@given(CUBE)
def test_a_stratum_split_into_two_like_halves_changes_no_standardised_share(cube):
    table = cube_cells(cube).assign(trials=lambda t: 2 * t["trials"], hits=lambda t: 2 * t["hits"])
    half = table["segment"] == "s0"
    other = table[half].assign(segment="s0 again")
    split = pd.concat([table, other], ignore_index=True)
    at = split["segment"].str.startswith("s0")
    split.loc[at, ["trials", "hits"]] = split.loc[at, ["trials", "hits"]] // 2
    one, two = (mix.standardise(part, min_cell=0) for part in (table, split))
    for name in ("direct", "expected", "ratio", "lead_effect"):
        assert one[name].tolist() == pytest.approx(two[name].tolist(), nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(CUBE)
def test_no_win_and_no_lead_is_lost_and_the_team_expects_what_it_won(cube):
    table = cube_cells(cube)
    found = mix.standardise(table, leave_out=1)
    assert found["hits"].sum() == table["hits"].sum()
    assert found["trials"].sum() == table["trials"].sum()
    assert found["expected"].sum() == pytest.approx(table["hits"].sum())


@settings(max_examples=15, deadline=None)
@given(CUBE)
def test_swapping_the_two_turns_every_sign(cube):
    table = cube_cells(cube)
    table = table[table["manager"].isin(["g0", "g1"])]
    if (table.groupby("manager")["trials"].sum() == 0).any():
        return
    one, two = mix.simpson(table, ("g0", "g1")), mix.simpson(table, ("g1", "g0"))
    assert one.raw == pytest.approx(one.rate + one.mix)
    assert (one.raw, one.rate, one.mix) == pytest.approx((-two.raw, -two.rate, -two.mix), abs=1e-12)
    assert one.p == pytest.approx(two.p, nan_ok=True)
    assert one.status == two.status


def leads(*rows):
    """Rows of (manager, kind, number)."""
    names = [(who, kind) for who, kind, number in rows for _ in range(number)]
    return engine.table(pd.DataFrame(names, columns=["manager", "verdict"]))


def test_an_uneven_handout_is_seen_and_an_even_one_is_not():
    rows = (("A", "target", 80), ("A", "non_target", 20), ("B", "target", 50), ("B", "non_target", 50))
    found = balance.balance(leads(*rows, ("B", "unknown", 7), (None, "target", 4)), "manager", "verdict")
    assert found.uneven
    assert found.test.statistic == pytest.approx(200 * (80 * 50 - 20 * 50) ** 2 / (100 * 100 * 130 * 70))
    assert found.groups.loc["B", ["leads", "known"]].tolist() == [107, 100]
    assert found.groups["distance"].tolist()[:2] == pytest.approx([0.3, 0.3])
    target = found.kinds[found.kinds["kind"] == "target"]
    assert target["share"].tolist() == [0.8, 0.5, 1]
    even = balance.balance(leads(("A", "target", 80), ("A", "non_target", 20), ("B", "target", 79),
                                 ("B", "non_target", 21)), "manager", "verdict")  # fmt: skip
    assert not even.uneven


def test_too_few_leads_to_judge_the_handout_say_so():
    found = balance.balance(leads(("A", "target", 9), ("B", "non_target", 9)), "manager", "verdict")
    assert found.test.method == "none"
    assert not found.uneven
    nothing = balance.balance(leads(("A", None, 40), ("B", None, 40)), "manager", "verdict")
    assert nothing.kinds.empty
    assert nothing.groups["leads"].tolist() == [40, 40]
    assert np.isnan(nothing.test.p)
