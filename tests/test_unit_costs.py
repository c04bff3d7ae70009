"""What a lead and a client cost beyond the sums: ripe months, margins, advertised channels, limits."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

import bought
from detente.metrics import ad_days, economics, intervals, unit_costs
from sold import AS_OF, COMPANY, MONEY, SPEND, UNTIL, built, buys, won


def test_limits_of_a_count_are_the_exact_poisson_ones():
    assert intervals.poisson(0) == pytest.approx((0, 3.6889), abs=5e-5)
    assert intervals.poisson(2) == pytest.approx((0.24221, 7.22469), abs=5e-5)
    assert intervals.poisson(10) == pytest.approx((4.79539, 18.39036), abs=5e-5)


def test_a_month_is_ripe_when_its_youngest_lead_is():
    months = pd.DataFrame(index=["2026-04", "2026-05", "2026-06", None])
    assert unit_costs.mature(months, AS_OF, 30)["ripe"].tolist() == [True, True, False, False]
    assert unit_costs.mature(months, AS_OF, 31)["ripe"].tolist() == [True, False, False, False]


def test_a_channel_with_less_margin_per_client_is_named_beyond_noise_only():
    rows = [
        won(f"{name}{n}", name) for name in ("ads", "quiz", "few") for n in range(40 if name != "few" else 3)
    ]
    paid = {"ads": 100, "quiz": 900, "few": 1}
    money = [
        buys(row["lead_id"], "2026-04-20", paid[row["channel"]] + at % 9, row["lead_id"])
        for at, row in enumerate(rows)
    ]
    found = unit_costs.margins(built(rows, None, money, margin=0.5))
    assert found["named"].to_dict() == {"ads": True, "quiz": True, "few": False}
    assert found.index[0] in ("ads", "few")
    assert found.loc["ads", "high"] < 0 < found.loc["quiz", "low"]
    alike = unit_costs.margins(
        built(rows, None, [item | {"amount": 100 + at % 9} for at, item in enumerate(money)], margin=0.5)
    )
    assert not alike["named"].any()


def test_the_advertised_channels_are_told_apart_from_those_that_cost_nothing():
    raw = economics.table(
        bought.inquiries(COMPANY),
        ad_days.daily(bought.spend(SPEND), UNTIL),
        bought.purchases(MONEY),
        as_of=AS_OF,
    )
    paid = unit_costs.costs(unit_costs.advertised(raw)).iloc[0]
    assert (paid["leads"], paid["won"], paid["spend"], paid["revenue"]) == (
        4,
        2,
        Decimal("100.01"),
        Decimal("1700.00"),
    )
    assert unit_costs.advertised(raw[raw["line"] == "free"]).empty
