"""Do departments work for the segments that bring the money: distances, sums that agree with their sources, orders."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

import bought
from detente import intake
from detente.metrics import effort, focus, response, trials
from detente.terms import Experiment
from focused import CALL, SINCE, UNTIL, Company, Part, aligned, played, playground

MONEY, SPEND, TIME = (0.82, 0.13, 0.05), (0.05, 0.05, 0.90), (0.15, 0.45, 0.40)


# --- the published case ---
@pytest.mark.parametrize(
    ("p", "q", "expected"), [(MONEY, SPEND, 0.85), (MONEY, TIME, 0.67), (SPEND, TIME, 0.50)]
)
def test_the_playground_maker_lies_as_far_apart_as_published(p, q, expected: float) -> None:
    assert focus.dissimilarity(p, q) == pytest.approx(expected)


@pytest.mark.parametrize(("q", "expected"), [(SPEND, 0.644), (TIME, 0.363)])
def test_the_divergence_in_bits_is_the_published_one(q, expected: float) -> None:
    assert focus.jsd(MONEY, q) == pytest.approx(expected, abs=5e-4)
    assert focus.jsd(MONEY, q) == pytest.approx(jensenshannon(MONEY, q, base=2) ** 2)


def test_money_per_share_of_work_is_the_published_index() -> None:
    profile = played()
    by_spend, by_time = (focus.apart(profile, "revenue", name).rows["index"] for name in ("spend", "minutes"))
    assert by_spend.to_dict() == pytest.approx(
        {"dealers": 16.4, "builders": 2.6, "private": 0.0556}, abs=1e-3
    )
    assert by_time.to_dict() == pytest.approx(
        {"dealers": 5.47, "builders": 0.289, "private": 0.125}, abs=4e-3
    )


def test_a_project_of_ten_to_twelve_items_is_worth_ten_to_seventeen_private_orders() -> None:
    assert focus.parted(500000, (10, 12)) == pytest.approx((41667, 50000), abs=0.5)
    assert focus.parted(500000, (30000, 50000)) == pytest.approx((10, 16.667), abs=1e-3)
    with pytest.raises(ValueError, match="above 0"):
        focus.parted(500000, (0, 12))


def test_the_playground_case_is_torn_apart_and_says_what_would_have_to_move() -> None:
    profile = played()
    spend, time = focus.apart(profile, "money", "marketing"), focus.apart(profile, "money", "sales")
    assert (spend.one, spend.other, time.other) == ("revenue", "spend", "minutes")
    assert spend.value == pytest.approx(0.85)
    assert spend.value >= 0.80
    assert (spend.verdict, spend.status) == ("torn", "ok")
    assert spend.moved == pytest.approx(850000)
    assert time.moved == pytest.approx(0.67 * 6000)
    between = focus.apart(profile, "marketing", "sales")
    assert between.value == pytest.approx(0.50)
    assert math.isnan(between.low)


def test_dealers_are_third_in_effort_and_first_in_money() -> None:
    order = focus.order(played(), "money", "sales", {"dealers": 30, "builders": 0.2, "private": 0.5})
    assert order.rows.loc["dealers", ["money_rank", "effort_rank", "touch_rank"]].tolist() == [1, 3, 3]
    assert (order.top, order.ahead) == ("dealers", ("builders", "private"))
    assert math.isnan(order.p)


# --- distances ---
def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    for bad in ((0.5, 0.4), (1.2, -0.2), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="sum to 1"):
            focus.dissimilarity(bad, (0.5, 0.5))
    with pytest.raises(ValueError, match="same segments"):
        focus.dissimilarity((1.0,), (0.5, 0.5))


def test_mappings_are_compared_by_segment_and_one_that_is_missing_is_zero() -> None:
    assert focus.dissimilarity({"a": 0.5, "b": 0.5}, {"b": 0.5, "c": 0.5}) == 0.5
    assert focus.jsd({"a": 1.0}, {"b": 1.0}) == 1.0


shares = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any).map(lambda x: np.array(x) / sum(x))


@settings(max_examples=60, deadline=None)
@given(shares, shares, shares, st.permutations(range(4)))
def test_a_distance_is_a_distance_and_the_order_of_segments_is_nothing_to_it(p, q, r, order) -> None:
    d = focus.dissimilarity
    assert d(p, p) == 0
    assert d(p, q) == d(q, p)
    assert 0 <= d(p, q) <= 1 + 1e-12
    assert d(p, q) <= d(p, r) + d(r, q) + 1e-12
    assert d(p[order], q[order]) == pytest.approx(d(p, q))
    assert d(p, q) ** 2 / 2 / math.log(2) <= focus.jsd(p, q) + 1e-12
    assert focus.jsd(p, q) <= d(p, q) + 1e-12


# --- counts that agree with their sources ---
def test_an_aligned_company_lies_zero_apart_in_every_pair() -> None:
    pairs = focus.pairs(aligned().profile())
    assert {tuple(pair) for pair in pairs[["one", "other"]].to_numpy()} >= {
        ("revenue", "spend"),
        ("spend", "tasks"),
    }
    assert pairs["value"].max() == pytest.approx(0.0, abs=1e-4)  # 777.77 does not part into kopecks evenly
    assert set(pairs["verdict"]) == {"match"}
    assert focus.apart(aligned().profile(), "money", "sales").value == 0


@pytest.mark.parametrize("names", [("c", "b", "a"), ("Частные", "Дилеры", "Ярмарки"), ("z", "ж ", "<b>")])
def test_other_names_of_segments_change_nothing(names: tuple[str, ...]) -> None:
    made, other = playground(), playground()
    named = dict(zip(made.parts, names, strict=True))
    for name, part in other.parts.items():
        part.who = str(name)
    other.parts = {named[name]: part for name, part in other.parts.items()}
    one, two = (focus.apart(each.profile(), "money", "marketing") for each in (made, other))
    facts = ("value", "low", "high", "divergence", "moved", "largest", "without", "n")
    assert [getattr(one, fact) for fact in facts] == pytest.approx([getattr(two, fact) for fact in facts])
    assert one.rows.rename(index=named)["p"].to_dict() == pytest.approx(two.rows["p"].to_dict())


@settings(max_examples=40, deadline=None)
@given(
    st.decimals(-(10**7), 10**9, places=2), st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any)
)
def test_allotted_money_sums_to_the_kopeck_and_follows_its_weights(
    total: Decimal, weights: list[int]
) -> None:
    parts = effort.allotted(total, weights)
    assert sum(parts) == total
    exact = [total * weight / sum(weights) for weight in weights]
    assert all(abs(part - share) < Decimal("0.01") for part, share in zip(parts, exact, strict=True))


def test_money_is_not_allotted_by_no_weight() -> None:
    with pytest.raises(ValueError, match="above 0"):
        effort.allotted(Decimal(1), [0, 0])


def mixed() -> Company:
    """Two segments and leads, money, calls and spend without one; a declared experiment in a channel of its own."""
    return Company(
        {"a": Part([100.0, 300.0], leads=3, minutes=2, tasks=1), "b": Part([50.5], leads=6, minutes=1),
         None: Part([7.5], leads=1, minutes=5), "try": Part([11.0], leads=4, minutes=3, tasks=2, channel="Quiz")},
        spend={"Ads": 100.01, "Quiz": 40.0, "Radio": 9.99, None: 1.0},
        experiments=[{"name": "Quiz", "channels": ["Quiz"]}],
    )  # fmt: skip


def test_each_column_sums_to_its_source_and_what_has_no_segment_is_a_line() -> None:
    profile = mixed().profile()
    whole = {name: sum(profile.amounts[name]) + sum(profile.trials[name]) for name in profile.amounts}
    assert whole == {"leads": 14, "open": 9, "revenue": Decimal("469.00"), "margin": Decimal("234.50"),
                     "orders": 5, "spend": Decimal("151.00"), "minutes": 29.0, "tasks": 11}  # fmt: skip
    assert [name for name in profile.amounts.index if isinstance(name, str)] == ["a", "b"]
    unknown = profile.amounts[profile.amounts.index.isna()].iloc[0]
    # 100.01 by 3, 6 and 1 leads: 30.00, 60.01 and 10.00; 9.99 and 1.00 belong to no channel with leads
    assert profile.amounts["spend"].tolist()[:2] == [Decimal("30.00"), Decimal("60.01")]
    assert unknown["spend"] == Decimal("20.99")
    assert profile.unknown("spend") == pytest.approx(20.99 / 111)


def test_a_declared_experiment_is_no_part_of_the_profile() -> None:
    profile = mixed().profile()
    assert profile.trials.loc["Quiz"].to_dict() == {
        "leads": 4, "open": 3, "revenue": Decimal("11.00"), "margin": Decimal("5.50"), "orders": 1,
        "spend": Decimal("40.00"), "minutes": 12.0, "tasks": 8,
    }  # fmt: skip
    assert "try" not in profile.shares("revenue")
    taken = trials.taken(profile).loc["Quiz"]
    assert taken["leads_share"] == pytest.approx(4 / 14)
    assert taken["spend_share"] == pytest.approx(40 / 151)


def test_an_experiment_that_is_a_segment_takes_its_part_of_the_channel() -> None:
    company = Company({"old": Part(leads=3), "new": Part(leads=1)}, spend={"Ads": 100.0},
                      experiments=[{"name": "New ones", "segments": ["new"]}])  # fmt: skip
    profile = company.profile()
    assert profile.trials.loc["New ones", "spend"] == Decimal("25.00")
    assert profile.amounts["spend"].to_dict() == {"old": Decimal("75.00")}


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 9), st.integers(0, 10**6)), min_size=1,
                max_size=5), st.integers(0, 10**7))  # fmt: skip
def test_shares_sum_to_one_and_totals_are_conserved(rows, kopecks: int) -> None:
    parts: dict = {}
    for name, leads, paid in rows:
        parts[name] = Part([paid / 100], leads=leads, minutes=1)
    company = Company(parts, spend={"Ads": kopecks / 100})
    profile = company.profile()
    assert sum(profile.amounts["spend"]) == Decimal(kopecks).scaleb(-2)
    assert sum(profile.amounts["revenue"]) == sum(Decimal(str(part.paid[0])) for part in parts.values())
    for name in ("revenue", "spend", "leads", "minutes"):
        found = profile.shares(name)
        assert not found or math.fsum(found.values()) == pytest.approx(1)


def test_money_counts_in_the_period_after_returns_and_without_vat() -> None:
    rows = [
        {"client": "1", "bought_at": "2025-12-31", "amount": 999, "segment": "a"},
        {"client": "2", "bought_at": "2026-01-01", "amount": 120, "vat": 20, "segment": "a"},
        {"client": "2", "bought_at": "2026-06-30T23:59", "amount": -60, "vat": -10, "segment": "a"},
        {"client": "3", "bought_at": "2026-07-01", "amount": 999, "segment": "b"},
    ]  # fmt: skip
    leads = aligned().inquiries()
    found = effort.profile(leads, leads, bought.purchases(rows), None, None, None, since=SINCE, until=UNTIL)
    assert found.amounts["revenue"].to_dict() == {
        "a": Decimal("50.00"),
        "b": Decimal("0.00"),
        "c": Decimal("0.00"),
    }
    assert found.buyers == 1
    assert "margin" not in found.amounts


def test_a_segment_that_makes_a_loss_has_no_share_and_keeps_its_loss() -> None:
    company = Company({"a": Part([100.0], leads=1, margin=0.2), "b": Part([100.0], leads=1, margin=-0.3)})
    profile = company.profile()
    assert profile.amounts["margin"].to_dict() == {"a": Decimal("20.00"), "b": Decimal("-30.00")}
    assert profile.shares("margin") == {"a": 1.0, "b": 0.0}


def test_a_margin_known_for_less_than_most_of_the_money_is_not_compared() -> None:
    company = Company({"a": Part([100.0], leads=1), "b": Part([100.0], leads=1, margin=None)})
    profile = company.profile()
    assert profile.margin_known == 0.5
    assert "margin" not in profile.amounts


def test_a_segment_whose_margin_nobody_knows_is_told_and_is_not_0() -> None:
    company = Company(
        {"a": Part([900.0], leads=1), "b": Part([100.0], leads=1, margin=None), "c": Part([], leads=1)}
    )
    profile = company.profile()
    assert "margin" in profile.amounts
    assert profile.dark == {"b"}


def test_a_call_without_a_deal_belongs_to_the_last_inquiry_of_its_person() -> None:
    rows = [
        {"lead_id": "1", "created_at": "2026-02-01", "person": "p", "segment": "a"},
        {"lead_id": "2", "created_at": "2026-03-01", "person": "p", "segment": "b"},
    ]
    at = dt.datetime(2026, 4, 1)
    calls = bought.table([
        {"started_at": at, "duration_s": 60.0, "person": "p"}, {"started_at": at, "duration_s": 120.0, "lead_id": "1"},
        {"started_at": at, "duration_s": 30.0, "person": "nobody"},
        {"started_at": at, "duration_s": None, "lead_id": "1"},
        {"started_at": dt.datetime(2025, 4, 1), "duration_s": 600.0, "lead_id": "1"},
    ], CALL)  # fmt: skip
    leads = bought.inquiries(rows)
    found = effort.profile(leads, leads, None, None, calls, None, since=SINCE, until=UNTIL).amounts["minutes"]
    assert found.to_dict()["a"] == 2
    assert found.to_dict()["b"] == 1
    assert found[found.index.isna()].tolist() == [0.5]


@pytest.mark.parametrize(("parts", "status"), [
    ({None: Part([1.0], leads=2)}, "no_segments"), ({"a": Part([1.0], leads=2), None: Part(leads=1)}, "one_segment"),
    ({"a": Part(leads=1), "b": Part(leads=1)}, "ok"),
])  # fmt: skip
def test_without_segments_or_with_one_there_is_nothing_to_compare(parts, status: str) -> None:
    assert Company(parts).profile().status == status


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


# --- response ---
def answered(calls: list[tuple[str | None, str | None, str]], inquiries: list[dict]) -> response.Response:
    rows = [{"lead_id": lead, "person": person, "started_at": dt.datetime.fromisoformat(at), "duration_s": 10.0}
            for lead, person, at in calls]  # fmt: skip
    made = [{"segment": "a", "created_at": "2026-03-02T10:00", **row} for row in inquiries]
    leads = bought.inquiries(made).mutate(created_date_only=ibis._.lead_id.startswith("day"))
    return response.response(leads, bought.table(rows, CALL), UNTIL)


def test_first_calls_are_counted_within_the_hour_and_by_the_end_of_the_next_day() -> None:
    found = answered(
        [("soon", None, "2026-03-02T10:59:59"), ("hour", None, "2026-03-02T11:00"), ("next", None, "2026-03-03T23:59"),
         ("late", None, "2026-03-04T00:00"), ("early", None, "2026-03-02T09:59"), (None, "p", "2026-03-02T10:30"),
         ("soon", None, "2026-03-09T10:00")],
        [{"lead_id": "soon"}, {"lead_id": "hour"}, {"lead_id": "next"}, {"lead_id": "late"}, {"lead_id": "early"},
         {"lead_id": "tied", "person": "p"}, {"lead_id": "day1"}, {"lead_id": "never"},
         {"lead_id": "young", "created_at": "2026-06-29T10:00"}],
    ).table.loc["a"]  # fmt: skip
    counts = ["leads", "young", "undated", "judged", "hour", "day", "never"]
    assert found[counts].tolist() == [9, 1, 1, 7, 2, 4, 2]
    assert found["hour_share"] == pytest.approx(2 / 7)
    # minutes 30, 59, 60, 2279 and 2280: half of the five had been called after an hour
    assert found["median"] == 1


def test_only_days_or_no_log_at_all_is_said() -> None:
    leads = aligned().inquiries()
    assert response.response(leads, None, UNTIL).status == "no_calls"
    midnight = bought.table(
        [{"started_at": dt.datetime(2026, 3, 2), "lead_id": "a-1", "duration_s": 5.0}], CALL
    )
    assert response.response(leads, midnight, UNTIL).status == "no_times"
    whole = leads.mutate(created_date_only=True)
    assert response.response(whole, aligned().calls(), UNTIL).status == "no_times"


def test_a_segment_is_called_later_only_if_the_difference_is_sure_and_material() -> None:
    company = Company(
        {"a": Part(leads=60, after=30), "b": Part(leads=60, after=0.5), "c": Part(leads=5, after=40)}
    )
    found = response.response(company.inquiries(), company.calls(), UNTIL)
    later = response.against_rest(found, "a")
    assert (later.hits, later.judged, later.rest_hits, later.rest_judged) == (0, 60, 60, 65)
    assert later.differs
    assert later.difference == pytest.approx(-60 / 65)
    small = response.against_rest(found, "c")
    assert (small.status, small.differs) == ("cannot_tell", False)
    assert response.against_rest(found, "nobody").status == "cannot_tell"


# --- experiments ---
def test_the_base_is_compared_before_and_since_the_first_lead_of_an_experiment() -> None:
    rows = [{"lead_id": f"{at}", "created_at": "2026-02-01" if at < 60 else "2026-04-01", "age_days": 90,
             "channel": "Ads", "outcome": "won" if at < 30 or at >= 110 else "lost"} for at in range(120)]  # fmt: skip
    rows += [{"lead_id": "x", "created_at": "2026-03-15T12:00", "channel": "Quiz", "age_days": 90, "outcome": "won"},
             {"lead_id": "young", "created_at": "2026-06-20", "channel": "Ads", "age_days": 3}]  # fmt: skip
    quiz = [Experiment(name="Quiz", channels=["Quiz"])]
    found = trials.conversion(bought.inquiries(rows), quiz)
    assert (found.began, found.before, found.before_won, found.since, found.since_won) == (
        dt.date(2026, 3, 15), 60, 30, 60, 10,
    )  # fmt: skip
    assert found.difference == pytest.approx(-1 / 3)
    assert found.differs
    assert trials.conversion(bought.inquiries(rows[-2:]), quiz).status == "cannot_tell"
    assert trials.conversion(bought.inquiries(rows), []).status == "none"
    assert trials.conversion(bought.inquiries(rows), [Experiment(name="Z", channels=["Z"])]).status == "none"


# --- the sample ---
def test_the_sample_lies_as_far_apart_as_planted(root) -> None:
    truth = json.loads((root / "data" / "sample" / "truth.json").read_text(encoding="utf-8"))["focus"]
    tables, _ = intake.load(root / "data" / "sample" / "audit.yml")
    work = (tables.purchases, tables.spend, tables.calls, tables.tasks)
    span = {"since": tables.since, "until": tables.until}
    profile = effort.profile(tables.journeys, tables.all_journeys, *work, **span)
    stated = profile.amounts[profile.amounts.index.notna()]
    assert stated["leads"].to_dict() == truth["leads"]
    margin = {name: kopecks / 100 for name, kopecks in truth["margin"].items()}
    assert stated["margin"].astype(float).to_dict() == pytest.approx(margin, abs=1)
    for pair, value in truth["apart"].items():
        one, other = pair.split(" - ")
        assert focus.apart(profile, one, other).value == pytest.approx(value, abs=0.01), pair
    assert focus.apart(profile, "money", "marketing").value >= 0.80
    assert sum(profile.amounts["spend"]) == Decimal(str(tables.spend["cost"].sum().execute()))
