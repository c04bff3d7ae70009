"""What moved since the last run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from detente.metrics import changes


@dataclass
class Number:
    id: str
    value: float
    n: int
    unit: str = "share"
    low: float = math.nan
    high: float = math.nan


def test_the_difference_has_newcombes_published_interval():
    # 56/70 - 48/80: 0.0524 to 0.3339. Newcombe (1998), Stat. Med. 17, 873-890, method 10.
    row = changes.compare([Number("a", 56 / 70, 70)], {"a": Number("a", 48 / 80, 80)}).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert bool(row["changed"])


def test_a_certain_but_immaterial_change_is_not_called_one():
    row = changes.compare([Number("a", 0.52, 100_000)], {"a": Number("a", 0.50, 100_000)}).iloc[0]
    assert row["low"] > 0
    assert not row["changed"]


def test_money_and_numbers_of_one_run_only_are_left_out():
    now = [Number("money", 5.0, 10, "money"), Number("new", 0.5, 10), Number("nothing", math.nan, 0)]
    assert changes.compare(now, {"money": now[0], "nothing": now[2]}).empty


def test_patience_states_the_published_number_of_leads():
    # 20 % down by a tenth of itself needs about 6 036 leads a side; here 10 % -> 5 %: 435 (Fleiss, uncorrected).
    table = changes.patience([Number("a", 0.10, 50)], material=0.05)
    assert table.iloc[0]["needed"] == pytest.approx(435, abs=1)
    assert table.iloc[0]["aim"] == pytest.approx(0.05)


def test_a_share_below_the_step_aims_at_zero_and_zero_is_left_out():
    table = changes.patience([Number("a", 0.02, 50), Number("b", 0.0, 50)])
    assert table["id"].tolist() == ["a"]
    assert table.iloc[0]["aim"] == 0
