"""Revenue ripened by age: the published triangle, refusals, and months that young ones must not move."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import bought
from detente.metrics import ripening

# Taylor and Ashe (1983), as in Mack (1993), ASTIN Bulletin 23(2), table 1; cumulative payments.
TAYLOR_ASHE = (
    (357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463),
    (352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085),
    (290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315),
    (310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268),
    (443160, 1136350, 2128333, 2897821, 3402672, 3873311),
    (396132, 1333217, 2180715, 2985752, 3691712),
    (440832, 1288463, 2419861, 3483130),
    (359480, 1421128, 2864498),
    (376686, 1363294),
    (344014,),
)


def cells(rows, ripe=True) -> pd.DataFrame:
    """A triangle from cumulative rows, the oldest month first."""
    made = []
    for order, row in enumerate(rows):
        amounts = np.diff(row, prepend=0)
        for age, (amount, total) in enumerate(zip(amounts, row, strict=True)):
            made.append((f"2025-{order + 1:02d}", age, 40, float(amount), float(total), ripe))
    return pd.DataFrame(made, columns=["cohort", "age", "leads", "amount", "total", "ripe"])


@pytest.fixture(autouse=True)
def one_month_is_enough(request, monkeypatch):
    if "published" in request.node.name:
        monkeypatch.setattr(ripening, "LEAST", 1)


def test_the_published_triangle_gives_the_published_factors_reserve_and_error() -> None:
    found = ripening.ripen(cells(TAYLOR_ASHE), ripe_share=0.01)
    published = [3.4906, 1.7473, 1.4574, 1.1739, 1.1038, 1.0863, 1.0539, 1.0766, 1.0177]
    assert found.growth["factor"].iloc[:-1].tolist() == pytest.approx(published, abs=6e-5)
    assert found.ripened - found.total == pytest.approx(18_680_856, abs=1)
    assert (found.high - found.ripened) / 1.959964 == pytest.approx(2_447_095, rel=1e-6)


def test_each_year_of_the_published_triangle_has_its_published_error() -> None:
    found = ripening.ripen(cells(TAYLOR_ASHE), ripe_share=0.01).cohorts
    errors = ((found["high"] - found["ripened"]) / 1.959964).tolist()
    published = [0, 75_535, 121_699, 133_549, 261_406, 411_010, 558_317, 875_328, 971_258, 1_363_155]
    assert errors == pytest.approx(published, abs=1)


def test_half_of_the_money_in_hand_doubles_a_month() -> None:
    found = ripening.ripen(cells([(50, 100), (100, 200), (70, 140), (30,)]))
    assert found.growth["share"].tolist() == pytest.approx([0.5, 1.0])
    assert found.cohorts.loc["2025-04", ["ripened", "status"]].tolist() == [pytest.approx(60), "ripened"]
    assert found.ripened == pytest.approx(100 + 200 + 140 + 60)
    assert found.cohorts.loc["2025-01", "status"] == "final"


def test_money_after_the_last_age_and_of_a_month_that_is_not_over_is_in_hand_too() -> None:
    old = cells([(50, 100, 130), (100, 200), (70,)])
    running = cells([(35, 65)]).assign(cohort="2025-09", ripe=[True, False])
    found = ripening.ripen(pd.concat([old, running])).cohorts
    assert found["total"].tolist() == [130, 200, 70, 65]
    assert found["at"].tolist() == [100, 200, 70, 35]
    assert found["ripened"].tolist() == [130, 200, pytest.approx(140), pytest.approx(70)]


def test_a_month_with_too_little_in_hand_is_refused_and_in_no_total() -> None:
    found = ripening.ripen(cells([(40, 100), (80, 200), (30,)]), ripe_share=0.5)
    assert found.cohorts.loc["2025-03", "status"] == "refused"
    assert np.isnan(found.cohorts.loc["2025-03", "ripened"])
    assert (found.refused, found.total, found.ripened) == (1, 300, pytest.approx(300))
    lower = ripening.ripen(cells([(40, 100), (80, 200), (30,)]), ripe_share=0.4)
    assert lower.ripened == pytest.approx(300 + 75)


def test_a_young_month_moves_no_number_of_older_ones() -> None:
    old = cells([(40, 90, 100), (80, 190, 200), (30, 70)])
    young = pd.concat([old, cells([(5,)] * 5).assign(cohort="2025-09").iloc[:1]])
    before, after = ripening.ripen(old), ripening.ripen(young)
    pd.testing.assert_frame_equal(before.growth, after.growth)
    assert (before.total, before.ripened, before.low) == (after.total, after.ripened, after.low)
    assert after.refused == before.refused + 1


def test_an_age_that_is_not_over_counts_for_nothing() -> None:
    old = cells([(40, 90), (80, 190), (30, 70)])
    running = pd.concat([old, cells([(500,)], ripe=False).assign(cohort="2025-08")])
    pd.testing.assert_frame_equal(ripening.ripen(old).growth, ripening.ripen(running).growth)
    assert ripening.ripen(running).cohorts.loc["2025-08", "status"] == "refused"


@pytest.mark.parametrize("rows", [[(10,)], [(10, 20)], [(0, 0), (0, 0)]])
def test_too_few_months_cannot_tell(rows) -> None:
    found = ripening.ripen(cells(rows))
    assert found.status == "cannot_tell"
    assert set(found.cohorts["status"]) == {"refused"}
    assert found.reach(0.5) is None


def test_an_empty_table_cannot_tell() -> None:
    empty = ripening.triangle(None, None, dt.date(2026, 6, 30))
    assert ripening.ripen(empty).status == "cannot_tell"


def test_the_order_of_rows_changes_nothing() -> None:
    table = cells(TAYLOR_ASHE)
    one, two = ripening.ripen(table), ripening.ripen(table.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(one.cohorts, two.cohorts)
    assert (one.low, one.high) == (two.low, two.high)


def test_the_age_by_which_half_has_come_is_the_first_such_age() -> None:
    found = ripening.ripen(cells([(25, 50, 100), (25, 50, 100)]))
    assert (found.reach(0.25), found.reach(0.5), found.reach(0.51), found.reach(1.0)) == (0, 1, 2, 2)


LEADS = [
    {"lead_id": "a", "created_at": "2026-04-30", "channel": "Ads"},
    {"lead_id": "b", "created_at": "2026-05-02", "channel": "Ads"},
    {"lead_id": "c", "created_at": "2026-05-20", "channel": "Free"},
]
PAID = [
    {"client": "a", "deal": "a", "bought_at": "2026-05-01", "amount": 100, "channel": "Ads"},
    {"client": "a", "deal": "a", "bought_at": "2026-06-15", "amount": -30, "channel": "Ads"},
    {"client": "b", "deal": "b", "bought_at": "2026-05-01", "amount": 200, "channel": "Ads", "vat": 40},
    {"client": "c", "deal": "c", "bought_at": "2026-06-01", "amount": 50, "channel": "Free"},
]


def test_money_stands_at_the_calendar_months_between_inquiry_and_payment() -> None:
    table = ripening.triangle(bought.purchases(PAID), bought.inquiries(LEADS), dt.date(2026, 6, 29), ["Ads"])
    rows = table[["cohort", "age", "amount", "total", "ripe"]].to_numpy().tolist()
    assert rows == [
        ["2026-04", 0, 0.0, 0.0, True], ["2026-04", 1, 100.0, 100.0, True], ["2026-04", 2, -30.0, 70.0, False],
        ["2026-05", 0, 160.0, 160.0, True], ["2026-05", 1, 0.0, 160.0, False],
    ]  # fmt: skip
    every = ripening.triangle(
        bought.purchases(PAID), bought.inquiries(LEADS), dt.date(2026, 6, 30), value="gross"
    )
    assert every["amount"].sum() == 350
    assert every["ripe"].all()


def test_a_purchase_without_a_margin_takes_the_share_that_is_given() -> None:
    rows = [PAID[0] | {"margin": 60}, PAID[2]]
    made = (bought.purchases(rows), bought.inquiries(LEADS), dt.date(2026, 6, 30), None, "margin")
    assert ripening.triangle(*made)["amount"].sum() == 60
    assert ripening.triangle(*made, fill=0.5)["amount"].sum() == 60 + 80


def test_ripened_revenue_covers_the_truth() -> None:
    """200 companies of 12 months whose payments come over six months: the interval holds the final sum in 90-98 %."""
    rng, hits = np.random.default_rng(7), 0
    lag = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    for _ in range(200):
        sizes = rng.poisson(60, 12)[:, None] * lag
        paid = rng.gamma(rng.poisson(sizes) * 1.0 + 1e-9, 1000)
        total = paid.cumsum(axis=1)
        seen = [tuple(row[: min(12 - order, 5)]) for order, row in enumerate(total)]
        found = ripening.ripen(cells(seen), ripe_share=0.5)
        truth = sum(total[order, -1] for order in range(12 - found.refused))
        hits += found.low <= truth <= found.high
    assert 0.9 <= hits / 200 <= 0.98
