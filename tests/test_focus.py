"""Do departments work for the segments that bring the money: distances, sums that agree with their sources, orders."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

import bought
from detente import intake
from detente.metrics import effort, focus, trials
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
