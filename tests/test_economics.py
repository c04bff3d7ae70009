"""One table from impression to repeat purchase: no rouble and no purchase missing or twice, no cost out of nothing."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bought
from detente import engine, schema
from detente.metrics import ad_days, economics, intervals, unit_costs
from sold import AS_OF, COMPANY, MONEY, SPEND, UNTIL, ZERO, built, buys, lead, won


def test_a_channel_goes_from_lead_to_repeat_purchase_in_one_row():
    ads = built(COMPANY, SPEND, MONEY, stages=2).loc["ads"]
    assert ads[["leads", "target", "non_target", "unknown", "won", "paid_leads", "clients", "repeat"]].tolist() == [
        4, 2, 1, 1, 2, 2, 2, 1,
    ]  # fmt: skip
    assert ads[["reached_1", "reached_2", "no_stage"]].tolist() == [4, 3, 0]
    assert (ads["spend"], ads["gross"], ads["returned"], ads["revenue"]) == tuple(
        map(Decimal, ("100.01", "1800.00", "100.00", "1700.00"))
    )
    assert ads["cpl"] == pytest.approx(100.01 / 4)
    assert ads["cost_per_target"] == pytest.approx(100.01 / 4 / (2 / 3))
    assert ads["cac"] == ads["cac_client"] == pytest.approx(50.005)
    assert ads["check"] == pytest.approx(600)  # three purchases; the refund of one is no purchase
    assert (ads["repeat_share"], ads["target_share"]) == pytest.approx((0.5, 2 / 3))


@pytest.mark.parametrize("by", ["channel", "segment", "month", None])
def test_every_cut_adds_up_to_the_sources_to_the_kopeck(by):
    table = built(COMPANY, SPEND, MONEY, by)
    assert sum(table["spend"], ZERO) == Decimal("147.78")
    assert sum(table["gross"], ZERO) == Decimal("1921.50")
    assert sum(table["returned"], ZERO) == Decimal("100.00")
    assert sum(table["revenue"], ZERO) == Decimal("1821.50")
    assert table[["leads", "won", "paid_leads", "clients"]].sum().tolist() == [6, 3, 3, 3]


def test_money_without_leads_stands_in_lines_of_its_own():
    table = built(COMPANY, SPEND, MONEY)
    lines = table.set_index("line", append=True)
    assert lines.loc[("radio", "spend_without_leads"), "spend"] == Decimal("40.00")
    own = table.set_index("line")
    assert own.loc["spend_without_channel", "spend"] == Decimal("7.77")
    assert own.loc[["bought_uncounted", "bought_outside", "bought_unknown"], "revenue"].tolist() == [
        11,
        13,
        17,
    ]
    assert own.loc["bought_unknown", "leads"] == 0
    assert table.loc["organic", "line"] == "free"


def test_leads_without_spend_have_no_cost_instead_of_a_cost_of_zero():
    table = built(COMPANY, SPEND, MONEY)
    costs = ["cpl", "cac", "cac_client", "cac_above", "cost_per_target", "payback"]
    assert table.loc["organic", costs].isna().all()
    assert table.loc["radio", costs].isna().all()
    assert table.loc["organic", "check"] == 80.5


def test_without_a_sale_the_cost_of_a_client_is_only_bounded_from_below():
    row = built([lead(str(n)) for n in range(50)], [("2026-04-01", "ads", 1000)]).loc["ads"]
    assert math.isnan(row["cac"])
    assert math.isnan(row["cac_high"])
    assert row["cac_above"] == pytest.approx(1000 / (50 * intervals.clopper_pearson(0, 50)[1]))
    assert row["cac_above"] > 1000 / 3.69  # at most 3.69 sales were to be expected


def test_limits_of_a_cost_per_client_are_those_of_the_worked_example():
    leads = [lead(f"b{n}") for n in range(165)] + [won("b165"), won("b166")]
    row = built(leads, [("2026-04-01", "ads", 50_000)]).loc["ads"]
    assert [round(row[name]) for name in ("cac", "cac_low", "cac_high")] == [25_000, 6_921, 206_433]
    assert row["cpl"] == pytest.approx(299.40, abs=0.005)
    leads = [lead(f"a{n}") for n in range(90)] + [won(f"a9{n}") for n in range(10)]
    row = built(leads, [("2026-04-01", "ads", 50_000)]).loc["ads"]
    assert [round(row[name]) for name in ("cpl", "cac", "cac_low", "cac_high")] == [500, 5_000, 2_719, 10_427]


def test_a_month_with_spend_and_no_lead_is_a_line_in_its_place():
    leads = [lead("1", created_at="2026-04-10"), won("2", created_at="2026-06-01", closed_at="2026-06-10")]
    table = built(
        leads, [("2026-04-01", "ads", 10), ("2026-05-01", None, 20), ("2026-06-01", "radio", 30)], by="month"
    )
    assert table.index.tolist() == ["2026-04", "2026-05", "2026-06"]
    assert table["line"].tolist() == ["paid", "spend_without_leads", "paid"]
    assert table["spend"].tolist() == [10, 20, 30]  # of a month all spend counts, whatever its channel


def test_a_week_over_the_end_of_a_month_is_split_by_days():
    week = bought.table(
        [{"date_from": dt.date(2026, 4, 27), "date_to": dt.date(2026, 5, 3), "channel": "ads", "cost": "100",
          "vat": "20", "clicks": 15}],
        {"date_from": bought.pa.date32(), "date_to": bought.pa.date32(), "channel": bought.pa.string(),
         "cost": bought.MONEY, "vat": bought.MONEY, "clicks": bought.pa.int64()},
    )  # fmt: skip
    days = ad_days.daily(week, UNTIL)
    assert len(days) == 7
    assert sum(days["cost"], ZERO) == Decimal("100.00")
    assert sum(days["net"], ZERO) == Decimal("80.00")
    assert days["clicks"].sum() == 15
    assert days["impressions"].isna().all()
    assert {abs(cost - Decimal("14.285")) < Decimal("0.01") for cost in days["cost"]} == {True}
    months = days.groupby("month")["cost"].agg(lambda part: sum(part, ZERO))
    assert months["2026-04"] == Decimal("57.16")  # four days, and the four kopecks that are left over
    short = ad_days.daily(week, dt.date(2026, 4, 30))
    assert (len(short), sum(short["cost"], ZERO)) == (4, Decimal("100.00"))


def test_spend_of_a_segment_is_that_of_its_channels_by_their_leads():
    leads = [lead(f"s{n}", "ads", "shops") for n in range(2)] + [
        lead("h", "ads", "homes"),
        lead("q", "quiz", "homes"),
    ]
    table = built(
        leads,
        [("2026-04-01", "ads", 100), ("2026-04-01", "quiz", 5), ("2026-04-01", "radio", 3)],
        by="segment",
    )
    assert table.loc["shops", "spend"] == Decimal("66.67")
    assert table.loc["homes", "spend"] == Decimal("38.33")
    assert table.set_index("line").loc["spend_without_leads", "spend"] == 3


def test_shared_out_money_adds_up_and_the_largest_remainder_gets_the_kopeck():
    assert economics.share_out(Decimal("1.00"), [1, 1, 1]) == [
        Decimal("0.34"),
        Decimal("0.33"),
        Decimal("0.33"),
    ]
    assert economics.share_out(Decimal("-0.05"), [1, 2]) == [Decimal("-0.02"), Decimal("-0.03")]
    assert economics.share_out(Decimal("0.01"), [1, 5]) == [0, Decimal("0.01")]


def test_young_leads_and_their_spend_are_told_apart():
    leads = [won(f"r{n}") for n in range(2)] + [lead(f"y{n}", created_at="2026-06-20") for n in range(8)]
    row = built(leads, [("2026-04-10", "ads", 100), ("2026-06-20", "ads", 900)]).loc["ads"]
    assert (row["ripe_leads"], row["ripe_won"], row["ripe_spend"]) == (2, 2, 100)
    assert (row["cac"], row["cac_ripe"]) == pytest.approx((500, 50))


def test_a_client_is_counted_once_where_it_first_bought():
    leads = [won("1", "ads"), won("2", "quiz", returning=True)]
    money = [
        buys("ann", "2026-04-20", 100, "1"),
        buys("ann", "2026-05-20", 50, "2"),
        buys("bob", "2026-05-21", 70, "2"),
    ]
    table = built(leads, [("2026-04-01", "ads", 10), ("2026-04-01", "quiz", 10)], money)
    assert table[["clients", "repeat", "new_clients", "paid_leads"]].to_dict("index") == {
        "ads": {"clients": 1, "repeat": 1, "new_clients": 1, "paid_leads": 1},
        "quiz": {"clients": 1, "repeat": 0, "new_clients": 0, "paid_leads": 1},
    }
    assert math.isnan(table.loc["quiz", "cac_new"])


def test_margin_per_client_counts_all_purchases_of_the_client_and_payback_its_first():
    money = [
        buys("a1", "2026-04-20", 1000, "a1"),
        buys("a1", "2026-06-01", 500, "a1"),
        buys("a2", "2026-04-21", 200, "a2"),
    ]
    row = built([won("a1"), won("a2")], [("2026-04-01", "ads", 600)], money, margin=0.4).loc["ads"]
    assert row["margin"] == Decimal("680.00")
    assert row["margin_client"] == pytest.approx(340)
    assert row["first_margin"] == pytest.approx(240)
    assert row["payback"] == pytest.approx(300 / 240)
    assert row["paid_back"] == "unclear"  # two clients: the interval is wide
    assert row["margin_client_low"] < 0 < row["margin_client_high"]


def test_a_margin_that_is_not_known_is_unknown_and_not_zero():
    row = built([won("a1")], [("2026-04-01", "ads", 600)], [buys("a1", "2026-04-20", 1000, "a1")]).loc["ads"]
    assert row["margin"] is None or math.isnan(row["margin"])
    assert math.isnan(row["margin_client"])
    assert row["paid_back"] == ""


def test_many_clients_pay_for_themselves_or_do_not():
    leads = [won(str(n)) for n in range(60)]
    money = [buys(str(n), "2026-04-20", 100 + n % 7, str(n)) for n in range(60)]
    assert built(leads, [("2026-04-01", "ads", 1200)], money, margin=0.5).loc["ads", "paid_back"] == "yes"
    assert built(leads, [("2026-04-01", "ads", 9000)], money, margin=0.5).loc["ads", "paid_back"] == "no"


def test_without_any_money_source_there_is_still_the_way_to_the_sale():
    row = built(COMPANY, SPEND, None).loc["ads"]
    assert (row["won"], row["purchases"], row["clients"]) == (2, 0, 0)
    assert math.isnan(row["check"])
    assert row["cac"] == pytest.approx(50.005)
    free = built(COMPANY, None, None)
    assert (free["line"] == "free").all()


def test_impressions_and_clicks_are_counted_where_exported_and_unfit_rates_are_left_out():
    kinds = {"date_from": bought.pa.date32(), "date_to": bought.pa.date32(), "channel": bought.pa.string(),
             "cost": bought.MONEY, "impressions": bought.pa.int64(), "clicks": bought.pa.int64()}  # fmt: skip
    day = {"date_from": dt.date(2026, 4, 1), "date_to": None}
    spend = bought.table([day | {"channel": "ads", "cost": 1, "impressions": 1000, "clicks": 20},
                          day | {"channel": "quiz", "cost": 1, "clicks": 5},
                          day | {"channel": "mail", "cost": 1, "impressions": 3, "clicks": 9}], kinds)  # fmt: skip
    leads = bought.inquiries([lead("1"), lead("2", "quiz"), lead("3", "mail")])
    table = unit_costs.costs(economics.table(leads, ad_days.daily(spend, UNTIL), None, as_of=AS_OF))
    assert table.loc["ads", "click_rate"] == 0.02
    assert 0 < table.loc["ads", "click_rate_low"] < 0.02
    assert table.loc[["quiz", "mail"], "click_rate"].isna().all()
    assert table.loc["ads", "lead_rate"] == 0.05
    whole = economics.table(leads, ad_days.daily(spend, UNTIL), None, "segment", as_of=AS_OF)
    assert whole["clicks"].sum() == 34
    assert whole["impressions"].sum() == 1003


def test_spend_in_two_currencies_is_not_added():
    frame = pd.DataFrame({"channel": ["a", "a"], "cost": [Decimal("1.00")] * 2, "currency": ["RUB", "EUR"],
                          "date_from": [dt.date(2026, 4, 1)] * 2, "date_to": [dt.date(2026, 4, 1)] * 2})  # fmt: skip
    with pytest.raises(schema.DataError, match="EUR, RUB"):
        ad_days.daily(engine.table(frame), UNTIL)


def test_a_period_without_a_line_of_spend_has_leads_and_no_cost():
    none = bought.spend([])
    days = ad_days.daily(none, UNTIL)
    assert days.empty
    table = unit_costs.costs(economics.table(bought.inquiries(COMPANY), days, None, as_of=AS_OF))
    assert table["cpl"].isna().all()
    assert table["leads"].sum() == 6


def test_campaigns_are_told_from_their_own_spend():
    kinds = {"date_from": bought.pa.date32(), "date_to": bought.pa.date32(), "channel": bought.pa.string(),
             "campaign": bought.pa.string(), "cost": bought.MONEY}  # fmt: skip
    day = {"date_from": dt.date(2026, 4, 1), "channel": "ads"}
    spend = bought.table(
        [day | {"campaign": "spring", "cost": 30}, day | {"campaign": None, "cost": 4}], kinds
    )
    leads = bought.inquiries([lead("1", campaign="spring"), lead("2", campaign="spring"), lead("3")])
    days = ad_days.daily(spend, UNTIL, "campaign")
    table = unit_costs.costs(economics.table(leads, days, None, "campaign", as_of=AS_OF))
    assert table.loc["spring", "cpl"] == 15
    assert table.set_index("line").loc["spend_without_channel", "spend"] == 4


# --- any small company ---
CHANNELS = st.sampled_from(["ads", "quiz", "mail", None])
SEGMENTS = st.sampled_from(["shops", "homes", None])
KOPECKS = st.integers(-500, 100_000).map(lambda value: Decimal(value).scaleb(-2))
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 6, 30)).map(str)
LEADS = st.lists(
    st.tuples(CHANNELS, SEGMENTS, DAYS, st.sampled_from(["open", "won", "lost"])), min_size=1, max_size=8
)
PAID = st.tuples(
    st.sampled_from([*"pqr", None]), DAYS, KOPECKS, st.sampled_from(["0", "1", "2", "test", "older", None])
)
SPENT = st.tuples(DAYS, st.sampled_from(["ads", "quiz", "radio", None]), KOPECKS)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    LEADS,
    st.lists(SPENT, min_size=1, max_size=6),
    st.lists(PAID, max_size=8),
    st.randoms(use_true_random=False),
)
def test_whatever_the_company_totals_are_those_of_the_sources_and_order_moves_nothing(
    leads, spend, paid, random
):
    rows = [lead(str(at), channel, segment, created_at=day, outcome=end, closed_at=day)
            for at, (channel, segment, day, end) in enumerate(leads)]  # fmt: skip
    money = [buys(client, day, amount, deal, counted=deal != "test") for client, day, amount, deal in paid]
    tables = {by: built(rows, spend, money, by) for by in ("channel", "segment", "month", None)}
    for table in tables.values():
        assert sum(table["spend"], ZERO) == sum((cost for *_, cost in spend), ZERO)
        assert sum(table["revenue"], ZERO) == sum((amount for _, _, amount, _ in paid), ZERO)
        assert table["leads"].sum() == len(leads)
        assert table["clients"].sum() == tables[None]["clients"].sum()
        numbers = table.select_dtypes("number").replace([math.inf, -math.inf], "infinite")
        assert not (numbers == "infinite").any().any()
    for part in (rows, spend, money):
        random.shuffle(part)
    again = built(rows, spend, money, "channel")
    shown = ["line", "leads", "won", "spend", "revenue", "clients", "cpl", "cac", "cac_above", "check"]
    pd.testing.assert_frame_equal(again[shown], tables["channel"][shown])
