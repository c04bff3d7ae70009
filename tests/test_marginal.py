"""The marginal rouble: a known slope comes back, few changes are refused, a season is not called advertising."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import bought
from detente.metrics import marginal

MONDAY = dt.date(2025, 1, 6)


def weeks(spend, money, channel="Ads", ripe=True) -> pd.DataFrame:
    starts = [MONDAY + dt.timedelta(weeks=order) for order in range(len(spend))]
    return pd.DataFrame(
        {"channel": channel, "start": starts, "spend": spend, "money": money, "leads": 5, "ripe": ripe}
    )


STEPS = [100.0, 200, 100, 300, 200, 400, 100, 300, 100, 200]


def test_money_that_follows_the_budget_gives_its_slope_and_not_its_average() -> None:
    found = marginal.per_rouble(weeks(STEPS, [5000 + 0.4 * value for value in STEPS]))
    assert (found.slope, found.low, found.high) == pytest.approx((0.4, 0.4, 0.4))
    assert found.average > 20
    assert (found.status, found.changes, found.periods) == ("ok", 9, 10)


def test_too_few_changes_cannot_tell_and_say_how_many_more() -> None:
    flat = [100.0] * 30 + [200.0] * 30 + [100.0] * 10
    found = marginal.per_rouble(weeks(flat, flat))
    assert (found.status, found.changes, found.missing) == ("cannot_tell", 2, 6)
    assert np.isnan(found.slope)


def test_a_budget_that_only_trembles_has_not_changed() -> None:
    spend = [100 + (-1) ** order * 4.0 for order in range(40)]
    assert marginal.per_rouble(weeks(spend, spend)).changes == 0


def test_young_weeks_move_nothing() -> None:
    old = weeks(STEPS, STEPS)
    young = weeks([9e6] * 14, [0.0] * 14, ripe=False).iloc[10:]
    assert marginal.per_rouble(old) == marginal.per_rouble(pd.concat([old, young]))


def test_a_season_drops_out_once_two_years_are_watched() -> None:
    order = np.arange(130)
    season = 1000 + 800 * np.sin(2 * np.pi * order / 52)
    rng = np.random.default_rng(1)
    noise = rng.uniform(-300, 300, 130)
    spend, money = season + noise, 5 * season + 0.5 * noise
    found = marginal.per_rouble(weeks(spend, money))
    assert found.seasons
    assert found.slope == pytest.approx(0.5, abs=0.05)
    short = marginal.per_rouble(weeks(spend[:100], money[:100]))
    assert not short.seasons


def test_the_interval_holds_the_true_slope_as_often_as_it_says() -> None:
    """150 companies of 60 weeks, 0.8 per rouble with noise: 88-99 % of the 95 % intervals hold it."""
    rng, hits = np.random.default_rng(11), 0
    for _ in range(150):
        spend = rng.uniform(50, 250, 60)
        money = 300 + 0.8 * spend + rng.normal(0, 60, 60)
        found = marginal.per_rouble(weeks(spend, money), draws=400)
        hits += found.low <= 0.8 <= found.high
    assert 0.88 <= hits / 150 <= 0.99


def test_channels_are_told_apart_and_sorted_by_spend() -> None:
    both = pd.concat(
        [
            weeks(STEPS, [0.5 * value for value in STEPS]),
            weeks([3 * value for value in STEPS], [6 * value for value in STEPS], "Big"),
        ]
    )
    table = marginal.each(both)
    assert table["channel"].tolist() == ["Big", "Ads"]
    assert table["slope"].tolist() == pytest.approx([2, 0.5])
    assert table["spent"].tolist() == pytest.approx([6000, 2000])


LEADS = [
    {"lead_id": "a", "created_at": "2026-01-05", "channel": "Ads"},
    {"lead_id": "b", "created_at": "2026-01-11", "channel": "Ads"},
    {"lead_id": "c", "created_at": "2026-01-12", "channel": "Ads"},
    {"lead_id": "d", "created_at": "2026-01-06", "channel": "Free"},
]
PAID = [
    {"client": "a", "deal": "a", "bought_at": "2026-01-20", "amount": 120, "vat": 20, "channel": "Ads"},
    {"client": "a", "deal": "a", "bought_at": "2026-03-20", "amount": 999, "channel": "Ads"},
    {"client": "b", "deal": "b", "bought_at": "2026-01-12", "amount": 50, "margin": 30, "channel": "Ads"},
    {"client": "d", "deal": "d", "bought_at": "2026-01-12", "amount": 77, "channel": "Free"},
]
SPEND = [("2026-01-05", "Ads", 10), ("2026-01-11", "Ads", 5), ("2026-01-18", "Ads", 0), ("2026-01-07", "Free", 0),
         ("2026-01-07", None, 4)]  # fmt: skip


def made(**options) -> pd.DataFrame:
    tables = (bought.purchases(PAID), bought.inquiries(LEADS), bought.spend(SPEND))
    return marginal.periods(*tables, as_of=dt.date(2026, 2, 14), days=30, **options)


def test_a_week_holds_its_spend_and_what_its_inquiries_brought_within_the_days() -> None:
    table = made()
    assert table["channel"].unique().tolist() == ["Ads"]
    assert table["start"].tolist() == [dt.date(2026, 1, 5), dt.date(2026, 1, 12)]
    assert table[["spend", "money", "leads", "ripe"]].to_numpy().tolist() == [
        [15, 150, 2, True],
        [0, 0, 1, False],
    ]


def test_margin_takes_the_given_share_where_a_purchase_has_none() -> None:
    assert made(value="margin", fill=0.5)["money"].tolist() == [50 + 30, 0]
    assert made(value="margin")["money"].tolist() == [30, 0]
    assert made(value="gross", period="month")["money"].tolist() == [170]


def test_without_money_or_spend_there_are_no_periods() -> None:
    nothing = marginal.periods(None, bought.inquiries(LEADS), bought.spend(SPEND), dt.date(2026, 2, 9), 30)
    assert marginal.per_rouble(nothing).status == "cannot_tell"
    assert marginal.each(nothing).empty
