"""What a distance between departments allows to be said: intervals, borders, one giant client, orders of segments."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from detente.metrics import effort, focus
from focused import Company, Part, played, playground


# --- intervals and verdicts ---
def test_the_interval_holds_the_distance_and_narrows_with_more_clients() -> None:
    def width(times: int) -> float:
        few = Company({
            "a": Part([100.0, 300.0, 150.0, 900.0] * times, leads=2, minutes=1),
            "b": Part([50.0, 60.0, 400.0, 10.0] * times, leads=6, minutes=1),
        }, spend={"Ads": 100.0})  # fmt: skip
        found = focus.apart(few.profile(), "money", "marketing")
        assert found.low <= found.value <= found.high
        return found.high - found.low

    assert width(16) < width(2) / 2


@pytest.mark.parametrize(("q", "truth"), [((0.5, 0.5), 0.25), ((0.75, 0.25), 0.0)], ids=["apart", "aligned"])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(q, truth: float, monkeypatch) -> None:
    monkeypatch.setattr(focus, "DRAWS", 400)
    rng, hits, other = np.random.default_rng(3), 0, dict(zip("ab", q, strict=True))
    for _ in range(80):
        large = rng.random(150) < 0.5  # 75 % of the money comes from half of the clients
        clients = pd.DataFrame({"bucket": range(150), "segment": np.where(large, "a", "b"),
                                "revenue": rng.gamma(2, np.where(large, 300, 100))})  # fmt: skip
        sums = clients.groupby("segment")["revenue"].sum()
        value = focus.dissimilarity((sums / sums.sum()).to_dict(), other)
        low, high = focus._interval(focus._drawn(clients, "revenue", 0), other, value, 0.9)
        assert low <= value <= high
        hits += low <= truth <= high
    assert hits >= 65  # 90 % of 80 is 72, less three standard errors
    assert truth == 0 or hits <= 79


def test_few_clients_and_a_border_within_the_interval_cannot_tell() -> None:
    company = Company({"a": Part([100.0, 300.0, 50.0], leads=5, minutes=1), "b": Part([50.0, 60.0, 40.0], leads=5,
                       minutes=1)}, spend={"Ads": 100.0})  # fmt: skip
    found = focus.apart(company.profile(), "money", "marketing")
    assert found.low < 0.15 < found.high
    assert (found.n, found.status) == (6, "cannot_tell")
    assert focus.apart(company.profile(), "money", "marketing", min_group=5).status == "ok"


def test_fewer_than_five_clients_have_no_interval_and_no_verdict_is_sure() -> None:
    company = Company({"a": Part([100.0, 300.0], leads=5), "b": Part([50.0], leads=5)}, spend={"Ads": 100.0})
    found = focus.apart(company.profile(), "money", "marketing")
    assert math.isnan(found.low)
    assert found.status == "cannot_tell"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.0, "match"),
        (0.149, "match"),
        (0.15, "attention"),
        (0.35, "attention"),
        (0.351, "torn"),
        (math.nan, ""),
    ],
)
def test_a_verdict_changes_at_its_borders(value: float, verdict: str) -> None:
    assert focus.verdict_of(value, 0.15, 0.35) == verdict


def test_departments_are_torn_apart_only_if_the_whole_interval_says_so() -> None:
    company = Company({"a": Part([100.0, 900.0, 50.0] * 12, leads=40, minutes=1), "b": Part([150.0] * 12, leads=60,
                       minutes=1)}, spend={"Ads": 100.0})  # fmt: skip
    found = focus.apart(company.profile(), "money", "marketing", torn=0.45)
    assert found.low < 0.45 < found.value
    assert (found.verdict, found.status, found.n) == ("attention", "ok", 48)
    assert focus.apart(company.profile(), "money", "marketing", torn=0.3).verdict == "torn"


def test_one_giant_client_is_told_when_the_verdict_hangs_on_him() -> None:
    company = Company({"a": Part([90000.0] + [10.0] * 40, leads=5, minutes=1), "b": Part([10.0] * 40, leads=5,
                       minutes=1)}, spend={"Ads": 100.0})  # fmt: skip
    found = focus.apart(company.profile(), "money", "marketing")
    assert (found.verdict, focus.verdict_of(found.value, 0.15, 0.35)) == ("attention", "torn")
    assert found.largest == pytest.approx(90000 / 90800)
    assert found.without == pytest.approx(0.0)
    assert found.flips


def test_where_most_of_the_money_has_no_segment_the_rest_is_not_compared() -> None:
    """20 000 of 20 900 have none; the largest client of all is among them and is nobody's reason for a caution."""
    parts = {"a": Part([10.0] * 40, leads=40, minutes=1), "b": Part([5.0] * 100, leads=50, minutes=1)}
    made = Company(parts | {None: Part([20000.0], leads=1)}, spend={"Ads": 100.0})
    found = focus.apart(made.profile(), "money", "marketing")
    assert found.unknown == pytest.approx(20000 / 20900)
    assert (found.dark, found.status) == (True, "cannot_tell")
    assert focus.order(made.profile(), "money", "sales").status == "cannot_tell"
    assert found.largest == pytest.approx(10 / 900)
    assert (found.n, found.flips) == (140, False)
    assert not focus.apart(Company(parts, spend={"Ads": 100.0}).profile(), "money", "marketing").dark


def test_the_interval_is_the_same_in_every_build_and_in_every_order_of_rows() -> None:
    made = playground()
    turned = playground()
    turned.parts = dict(reversed(made.parts.items()))
    one, two = (focus.apart(each.profile(), "money", "sales") for each in (made, turned))
    assert (one.low, one.high, one.value) == (two.low, two.high, two.value)


def test_many_clients_are_resampled_in_buckets_with_nearly_the_same_interval(monkeypatch) -> None:
    company = Company({"a": Part(list(np.random.default_rng(1).gamma(2, 100, 600).round(2)), leads=1),
                       "b": Part(list(np.random.default_rng(2).gamma(2, 100, 600).round(2)), leads=3)},
                      spend={"Ads": 100.0})  # fmt: skip
    exact = focus.apart(company.profile(), "money", "marketing")
    monkeypatch.setattr(effort, "BUCKETS", 300)
    profile = company.profile()
    assert 250 < profile.clients["bucket"].nunique() <= 300
    found = focus.apart(profile, "money", "marketing")
    assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.2)


# --- order ---
def test_an_order_of_five_segments_is_tested_by_all_orders() -> None:
    names = list("abcde")
    company = Company(
        {name: Part([100.0 * 2**at], leads=2 ** (4 - at), minutes=1) for at, name in enumerate(names)}
    )
    order = focus.order(company.profile(), "money", "sales")
    assert order.rho == -1
    assert order.p == pytest.approx(2 / math.factorial(5))
    assert order.top == "e"


def test_the_correlation_of_ranks_is_that_of_scipy() -> None:
    one, two = pd.Series([0.1, 0.2, 0.2, 0.05, 0.4, 0.05]), pd.Series([0.3, 0.1, 0.1, 0.2, 0.2, 0.1])
    assert focus._spearman(one, two)[0] == pytest.approx(stats.spearmanr(one, two).statistic)


def test_a_segment_barely_ahead_reverses_nothing() -> None:
    company = Company({"a": Part([60.0], leads=49, minutes=1), "b": Part([40.0], leads=51, minutes=1)})
    order = focus.order(company.profile(), "money", "sales")
    assert order.rows.loc["a", "effort_rank"] == 2
    assert order.ahead == ()


# --- average orders ---
def test_average_orders_are_revenue_by_purchases() -> None:
    found = focus.checks(played())
    assert found["check"].to_dict() == {"builders": 325000, "dealers": 500000, "private": 31250}
    assert focus.checks(Company({"a": Part(leads=1)}, paying=False).profile()).empty
