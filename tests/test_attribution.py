"""Attribution: every rule shares out exactly the money there is, and says where the rules cannot differ."""

from __future__ import annotations

import random
from decimal import Decimal

import pandas as pd
import pytest

import bought
from detente.metrics import attribution


def asked(client, *days_and_channels) -> list[dict]:
    return [
        {"lead_id": f"{client}{order}", "client": client, "created_at": day, "channel": channel}
        for order, (day, channel) in enumerate(days_and_channels)
    ]


def paid(client, day, amount, lead=0, **differs) -> dict:
    return {"client": client, "deal": f"{client}{lead}", "bought_at": day, "amount": amount, **differs}


FOUR = asked(
    "a", ("2026-01-01", "Ads"), ("2026-01-31", "Blog"), ("2026-02-01", "Mail"), ("2026-03-02", "Calls")
)


def credit(purchases, inquiries, **options) -> attribution.Credit:
    return attribution.credit(bought.purchases(purchases), bought.inquiries(inquiries), **options)


def test_four_touches_share_a_purchase_by_each_rule() -> None:
    found = credit([paid("a", "2026-03-02", 1000)], FOUR).table
    money = {name: [float(value) for value in found[name]] for name in attribution.MODELS}
    assert list(found.index) == ["Ads", "Blog", "Calls", "Mail"]
    assert money["first"] == [1000, 0, 0, 0]
    assert money["last"] == [0, 0, 1000, 0]
    assert money["linear"] == [250, 250, 250, 250]
    assert money["u_shape"] == [400, 100, 400, 100]


def test_a_touch_counts_half_after_its_half_life() -> None:
    rows = asked("a", ("2026-01-01", "Ads"), ("2026-01-31", "Blog"))
    found = credit([paid("a", "2026-01-31", 300)], rows, half_life=30).table
    assert [float(value) for value in found["decay"]] == [100, 200]


def test_two_touches_share_a_purchase_by_halves_under_the_rule_of_ends() -> None:
    rows = asked("a", ("2026-01-01", "Ads"), ("2026-01-31", "Blog"))
    found = credit([paid("a", "2026-02-01", 101)], rows).table
    assert [str(value) for value in found["u_shape"]] == ["50.50", "50.50"]


def test_a_touch_after_the_purchase_gets_nothing() -> None:
    found = credit([paid("a", "2026-01-15", 1000)], FOUR).table
    assert {name: float(found.loc["Ads", name]) for name in attribution.MODELS} == dict.fromkeys(
        attribution.MODELS, 1000
    )


def test_a_purchase_before_any_touch_goes_to_its_own_inquiry() -> None:
    found = credit([paid("a", "2025-12-01", 70, channel="Mail")], FOUR).table
    assert found.loc["Mail", "low"] == found.loc["Mail", "high"] == Decimal("70.00")


def world(seed) -> tuple[list[dict], list[dict]]:
    draw = random.Random(seed)
    inquiries, purchases = [], []
    for number in range(120):
        client = f"c{number}"
        touches = [
            (f"2026-0{draw.randint(1, 5)}-{draw.randint(1, 28):02d}", draw.choice(["Ads", "Blog", "Mail", None]))
            for _ in range(draw.randint(1, 6))
        ]  # fmt: skip
        inquiries += asked(client, *sorted(touches, key=str))
        for _ in range(draw.randint(0, 3)):
            day = f"2026-0{draw.randint(1, 6)}-{draw.randint(1, 28):02d}"
            purchases.append(paid(client, day, draw.choice([-1, 1, 1, 1]) * draw.randint(1, 99999999) / 100))
    purchases += [
        paid("nobody", "2026-03-03", 12.34),
        {**paid("x", "2026-03-03", 5.5), "client": None, "deal": None},
    ]
    return purchases, inquiries


@pytest.mark.parametrize("seed", range(6))
def test_totals_over_channels_equal_the_money_under_every_rule(seed) -> None:
    purchases, inquiries = world(seed)
    found = credit(purchases, inquiries)
    every = sum((bought.money(row["amount"]) for row in purchases), Decimal(0))
    for name in attribution.MODELS:
        assert sum(found.table[name], Decimal(0)) == found.fact, name
    assert found.fact + found.outside == every
    assert found.outside == Decimal("17.84")


def test_the_order_of_rows_changes_nothing() -> None:
    purchases, inquiries = world(1)
    one = credit(purchases, inquiries).table
    random.Random(5).shuffle(purchases)
    random.Random(6).shuffle(inquiries)
    pd.testing.assert_frame_equal(one, credit(purchases, inquiries).table)


def test_purchases_that_the_rules_can_differ_on_are_counted() -> None:
    inquiries = (
        FOUR + asked("b", ("2026-01-01", "Ads"), ("2026-02-01", "Ads")) + asked("c", ("2026-01-01", "Ads"))
    )
    rows = [paid(name, "2026-03-05", 10) for name in "abc"] + [paid("c", "2026-03-09", -10)]
    found = credit(rows, inquiries)
    assert (found.purchases, found.several, found.repeated) == (3, 1, 2)
    assert found.share == pytest.approx(1 / 3)


def test_margin_is_shared_where_it_is_asked_for() -> None:
    rows = [paid("a", "2026-03-05", 100, margin=40), paid("a", "2026-03-05", 200, 1)]
    assert credit(rows, FOUR, value="margin").fact == Decimal("40.00")
    assert credit(rows, FOUR, value="margin", fill=0.5).fact == Decimal("140.00")


def test_a_channel_whose_sign_hangs_on_the_rule_is_told_apart() -> None:
    rows = asked("a", ("2026-01-01", "Ads"), ("2026-02-01", "Blog")) + asked("b", ("2026-01-01", "Mail"))
    found = credit([paid("a", "2026-03-01", 100), paid("b", "2026-03-01", 10)], rows)
    spend = pd.Series(
        {"Ads": Decimal(60), "Blog": Decimal(150), "Mail": Decimal(5), "Radio": Decimal(7), None: Decimal(1)}
    )
    table = attribution.worth(found, spend)
    assert table["sign"].to_dict() == {"Ads": "depends", "Blog": "loss", "Mail": "gain", "Radio": "loss"}
    assert table.loc["Ads", ["low", "high"]].tolist() == pytest.approx([-1, 100 / 60 - 1])
    assert len(attribution.marks(table)) == 4 * len(attribution.MODELS)


def test_without_purchases_there_is_nothing_to_share() -> None:
    assert attribution.credit(None, bought.inquiries(FOUR)) is None
