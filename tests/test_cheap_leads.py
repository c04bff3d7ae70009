"""Cheaper leads and dearer clients: told at equal age, beyond noise, and never of a channel that only looks so."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

import bought
from detente.metrics import ad_days, cheap_leads, returning, unit_costs
from detente.metrics.cheap_leads import Side

AS_OF, SINCE, UNTIL = bought.AS_OF, dt.date(2026, 1, 1), bought.AS_OF
TABLE_4 = cheap_leads.compare(Side(50_000, 100, 10), Side(50_000, 167, 2))
EARLY, LATE = "2026-02-01", "2026-05-01"


def leads(channel: str, day: str, count: int, won: int, **differs) -> list[dict]:
    """Leads of one day, the first `won` of them won ten days later."""
    end = str(dt.date.fromisoformat(day) + dt.timedelta(days=10))
    sold = {"outcome": "won", "closed_at": end}
    return [
        {"lead_id": f"{channel}{day}{at}{len(differs)}", "created_at": day, "channel": channel, "verdict": "target"}
        | (sold if at < won else {}) | differs
        for at in range(count)
    ]  # fmt: skip


def halves(rows, spend, ripe_days=30, as_of=AS_OF):
    days = ad_days.daily(bought.spend(spend), UNTIL)
    return cheap_leads.windows(bought.inquiries(rows), days, SINCE, UNTIL, as_of, ripe_days)


# --- the worked example ---
def test_cpl_falls_to_299_while_cac_rises_fivefold():
    assert TABLE_4.cpl == pytest.approx((500, 299.40), abs=0.005)
    assert TABLE_4.cac == (5_000, 25_000)
    assert TABLE_4.ratio == 5


def test_the_logarithms_of_cac_cpl_and_conversion_add_up():
    assert TABLE_4.ln_cac == pytest.approx(TABLE_4.ln_cpl - TABLE_4.ln_conversion, abs=1e-12)
    assert [round(x, 3) for x in (TABLE_4.ln_cac, TABLE_4.ln_cpl, -TABLE_4.ln_conversion)] == [
        1.609,
        -0.513,
        2.122,
    ]


def test_conversions_and_their_limits_are_the_published_ones():
    assert [round(x, 4) for x in TABLE_4.conversion] == [0.1, 0.0120]
    limits = [round(100 * x, 2) for pair in TABLE_4.conversion_limits for x in pair]
    assert limits == [5.52, 17.44, 0.33, 4.26]


def test_costs_per_client_have_exact_poisson_limits():
    assert [round(x) for pair in TABLE_4.cac_limits for x in pair] == [2_719, 10_427, 6_921, 206_433]


def test_the_rise_is_tested_exactly_and_is_just_beyond_noise():
    assert (round(TABLE_4.low, 2), round(TABLE_4.high, 1)) == (1.07, 46.9)
    assert round(TABLE_4.p, 3) == 0.039
    assert TABLE_4.p_dearer == pytest.approx(TABLE_4.p / 2)


def test_the_fall_of_conversion_is_no_noise():
    assert round(TABLE_4.fisher, 5) == 0.00124
    ends = [round(100 * x, 1) for x in (TABLE_4.difference_low, TABLE_4.difference_high)]
    assert ends == [-16.3, -3.4]


def test_ten_of_167_leads_must_buy_for_the_old_cac():
    assert round(100 * TABLE_4.break_even, 2) == 5.99
    assert TABLE_4.wins_needed == pytest.approx(10)


def test_two_percent_of_a_hundred_and_one_point_two_of_167_are_two_baselines():  # the fault E-13 of the example
    other = cheap_leads.compare(Side(50_000, 100, 10), Side(50_000, 100, 2))
    assert other.cac == TABLE_4.cac
    assert other.cpl == (500, 500)  # the same CAC, and a CPL that has not moved at all
    assert other.fisher != pytest.approx(TABLE_4.fisher, rel=0.5)


def test_without_a_sale_after_there_is_a_bound_and_no_ratio():
    found = cheap_leads.compare(Side(1000, 50, 8), Side(1000, 80, 0))
    assert math.isnan(found.ratio)
    assert math.isnan(found.high)
    assert found.low > 1  # eight sales for a thousand, then none: dearer, whatever the ratio
    assert found.cac_above[1] > 1000 / 3.69
    assert math.isnan(found.cac[1])
    assert math.isnan(found.ln_cac)
    nothing = cheap_leads.compare(Side(0, 0, 0), Side(0, 0, 0))
    assert math.isnan(nothing.break_even)


# --- two halves of a period ---
def test_halves_are_of_equal_length_and_no_lead_is_too_young():
    found = halves(leads("ads", EARLY, 5, 1), [(EARLY, "ads", 10)])
    assert found.after == (dt.date(2026, 3, 18), dt.date(2026, 5, 31))
    assert found.before == (dt.date(2026, 1, 2), dt.date(2026, 3, 17))
    assert found.days == 75
    assert {(end - start).days + 1 for start, end in (found.before, found.after)} == {75}


def test_a_late_sale_of_an_old_lead_counts_in_neither_half():
    late = leads("ads", EARLY, 4, 0) + leads("ads", EARLY, 3, 3, outcome="won", closed_at="2026-03-04")
    found = halves(late, [(EARLY, "ads", 10)]).table.loc["ads"]
    assert (found["leads0"], found["won0"]) == (7, 0)  # 31 days after; the youngest lead has lived 30
    in_time = leads("ads", EARLY, 3, 3, outcome="won", closed_at="2026-03-03")
    assert halves(in_time, [(EARLY, "ads", 10)]).table.loc["ads", "won0"] == 3


def test_a_sale_without_a_day_is_in_no_count_and_is_told():
    both = halves(leads("ads", LATE, 3, 0, outcome="won"), [(LATE, "ads", 10)])
    found = both.table.loc["ads"]
    assert (found["won1"], found["undated1"], both.undated) == (0, 3, 3)


def test_adding_young_open_leads_changes_nothing():
    rows, spend = (
        leads("ads", EARLY, 50, 10) + leads("ads", LATE, 90, 8),
        [(EARLY, "ads", 500), (LATE, "ads", 500)],
    )
    young = leads("ads", "2026-06-25", 400, 0)
    one, two = (cheap_leads.detect(halves(part, spend)) for part in (rows, rows + young))
    pd.testing.assert_frame_equal(one, two)


def test_leads_are_compared_at_an_age_by_which_most_wins_have_come():
    days = [1, 2, 3, 4, 5, 6, 40, 45, 50, 100]
    ends = [str(dt.date(2026, 2, 1) + dt.timedelta(days=day)) for day in days]
    rows = [row | {"closed_at": end} for row, end in zip(leads("ads", EARLY, 10, 10), ends, strict=True)]
    table = bought.inquiries(rows)
    assert cheap_leads.judging_age(table, SINCE, AS_OF) == 45  # eight of ten
    assert cheap_leads.judging_age(table, SINCE, AS_OF, ripe_days=48) == 48
    assert cheap_leads.judging_age(table, dt.date(2026, 3, 1), AS_OF) == 40  # a third of 121 days
    assert cheap_leads.judging_age(bought.inquiries(leads("ads", EARLY, 3, 0)), SINCE, AS_OF) == 30


# --- the detector ---
SWAP = leads("vk", EARLY, 100, 20) + leads("vk", LATE, 200, 6)
SWAP_SPEND = [(EARLY, "vk", 50_000), (LATE, "vk", 50_000)]


def flag(rows, spend, **options) -> str:
    return cheap_leads.detect(halves(rows, spend), **options)["flag"].iloc[0]


def test_cheaper_leads_with_dearer_clients_are_a_swap():
    assert flag(SWAP, SWAP_SPEND) == "swap"


def test_leads_that_are_hardly_cheaper_are_no_swap():
    assert flag(leads("vk", EARLY, 100, 20) + leads("vk", LATE, 105, 6), SWAP_SPEND) == "none"


def test_cheaper_leads_with_cheaper_clients_are_no_swap():
    assert flag(leads("vk", EARLY, 100, 10) + leads("vk", LATE, 200, 25), SWAP_SPEND) == "none"


def test_two_sales_are_too_few_to_accuse_anybody():
    rows = leads("vk", EARLY, 100, 10) + leads("vk", LATE, 167, 2)
    assert flag(rows, SWAP_SPEND) == "too_early"
    assert flag(rows, SWAP_SPEND, few_wins=2) == "swap"


def test_cheaper_leads_with_dearer_target_leads_are_hidden_decay():
    bad = leads("vk", LATE, 180, 0, verdict="non_target", outcome="lost")
    rows = leads("vk", EARLY, 100, 10) + leads("vk", LATE, 20, 10) + bad
    found = cheap_leads.detect(halves(rows, SWAP_SPEND)).iloc[0]
    assert (found["target_cost0"], found["target_cost1"]) == pytest.approx((500, 2500))
    assert found["flag"] == "hidden"


def test_leads_without_a_verdict_do_not_make_target_leads_dearer():
    dark = leads("vk", LATE, 180, 0, verdict="unknown")
    rows = leads("vk", EARLY, 100, 10) + leads("vk", LATE, 20, 10) + dark
    assert flag(rows, SWAP_SPEND) == "none"


def test_sales_without_a_day_cannot_accuse():
    undated = leads("vk", LATE, 14, 0, outcome="won")
    assert flag(SWAP + undated, SWAP_SPEND) == "none"


def test_the_more_channels_are_looked_at_the_harder_one_is_named():
    rows = leads("vk", EARLY, 100, 12) + leads("vk", LATE, 200, 5)
    assert flag(rows, SWAP_SPEND) == "swap"  # p = .07 alone
    others = [f"c{at}" for at in range(9)]
    more = [row for name in others for row in leads(name, EARLY, 40, 8) + leads(name, LATE, 40, 8)]
    spend = [*SWAP_SPEND, *((day, name, 1000) for name in others for day in (EARLY, LATE))]
    found = cheap_leads.detect(halves(rows + more, spend))
    assert found.loc["vk", "flag"] == "none"
    assert found["judged"].unique().tolist() == [10]


def test_a_channel_of_one_half_is_not_compared():
    rows = [*SWAP, *leads("new", LATE, 50, 9), *leads("free", EARLY, 9, 9), *leads("free", LATE, 9, 9)]
    assert cheap_leads.detect(halves(rows, [*SWAP_SPEND, (LATE, "new", 5)])).index.tolist() == ["vk"]


def test_the_detector_rarely_accuses_channels_of_which_nothing_changed():
    random, accused = np.random.default_rng(4), 0
    for _ in range(150):
        table = pd.DataFrame(
            {f"{name}{at}": 0 for name in cheap_leads.NAMES for at in (0, 1)}, index=list("abcd")
        )
        for at in (0, 1):
            table[f"leads{at}"] = random.poisson(100, 4)
            table[f"won{at}"] = random.binomial(table[f"leads{at}"], 0.12)
            table[f"spend{at}"] = [bought.money(1000)] * 4
        table[["known0", "target0", "known1", "target1"]] = 0
        found = cheap_leads.detect(cheap_leads.Windows((SINCE, SINCE), (SINCE, SINCE), 1, 30, table))
        accused += (found["flag"] == "swap").any()
    assert accused / 150 <= 0.10


# --- the base ---
def test_a_channel_whose_clients_had_all_bought_before_is_the_base():
    rows = (
        leads("mail", EARLY, 20, 20, returning=True)
        + leads("ads", EARLY, 20, 20)
        + leads("few", EARLY, 3, 3, returning=True)
    )
    found = returning.of_wins(bought.inquiries(rows))
    assert found["kind"].to_dict() == {"mail": "base", "ads": "new", "few": "unclear"}  # 3 of 3 may be chance
    assert returning.base(found) == ["mail"]
    assert found.loc["mail", ["won", "returning", "new", "share"]].tolist() == [20, 20, 0, 1.0]


MAILED = (
    leads("ads", EARLY, 200, 40) + leads("ads", LATE, 60, 12)
    + leads("mail", EARLY, 10, 5, returning=True) + leads("mail", LATE, 90, 45, returning=True)
)  # fmt: skip
MAILED_SPEND = [(EARLY, "ads", 40_000), (LATE, "ads", 12_000), (EARLY, "mail", 500), (LATE, "mail", 2000)]


def test_a_budget_moved_to_mailing_the_base_is_seen_for_what_it_is():
    found = returning.shift(halves(MAILED, MAILED_SPEND).table, ["mail"])
    assert found.state == "base"
    assert found.cac == pytest.approx((900, 14_000 / 57))  # the whole looks four times cheaper
    assert found.cac_new == pytest.approx((1012.5, 14_000 / 12))  # a new client has become dearer
    assert found.new == (40, 12)
    assert found.returning == pytest.approx((5 / 45, 45 / 57))
    assert found.base_spend == pytest.approx((500 / 40_500, 2 / 14))


def test_a_mailing_that_costs_nothing_still_shows():
    spend = [(EARLY, "ads", 40_000), (LATE, "ads", 12_000)]
    assert returning.shift(halves(MAILED, spend).table, []).state == "base"


def test_a_cost_that_fell_for_new_clients_too_is_good():
    rows = leads("ads", EARLY, 200, 40) + leads("ads", LATE, 300, 60)
    assert (
        returning.shift(halves(rows, [(EARLY, "ads", 40_000), (LATE, "ads", 40_000)]).table, []).state
        == "good"
    )
    assert returning.shift(halves(SWAP, SWAP_SPEND).table, []).state == "dearer"
    few = leads("ads", EARLY, 9, 2) + leads("ads", LATE, 9, 2)
    assert returning.shift(halves(few, SWAP_SPEND).table, []).state == "too_early"
    assert returning.shift(halves(rows, [("2026-06-29", "ads", 1)]).table, []).state == "no_spend"


# --- a stated CAC ---
def test_a_cac_that_is_a_cpl_is_recognised():  # E-05: 500 roubles per lead, used as a cost per client
    found = cheap_leads.really_a_cpl(500, 50_000, 100, 60, 10).set_index("name")
    assert found["same"].to_dict() == {"leads": True, "target": False, "won": False}
    rounded = cheap_leads.really_a_cpl(300, 50_000, 167, 0, 2).set_index("name")  # 299.40 was told as 300
    assert rounded["same"].to_dict() == {"leads": True, "won": False}
    honest = cheap_leads.really_a_cpl(25_000, 50_000, 167, 0, 2).set_index("name")
    assert honest.loc["won", "same"]


@pytest.mark.parametrize("name", ["leads", "target", "won", "clients", "new", "full", "full_new"])
def test_whatever_the_stated_cac_was_made_of_is_listed(name):
    made = {
        "spend": 90_000,
        "leads": 431,
        "target": 207,
        "won": 43,
        "clients": 37,
        "new": 29,
        "full": 290_000,
    }
    value = cheap_leads.really_a_cpl(None, **made).set_index("name").loc[name, "value"]
    found = cheap_leads.really_a_cpl(round(value), **made).set_index("name")
    assert found[found["same"]].index.tolist() == [name]


def test_a_stated_cac_that_fits_nothing_is_said_to_fit_nothing():
    assert not cheap_leads.really_a_cpl(777, 50_000, 100, 60, 10)["same"].any()
    empty = cheap_leads.really_a_cpl(777, 50_000, 0, 0, 0)
    assert empty["value"].isna().all()
    assert not empty["same"].any()


# --- which channel is dearer ---
def costs(**channels: tuple[int, int, int]) -> pd.DataFrame:
    """A table of `economics` from channel = (spend, ripe leads, ripe wins)."""
    from detente.metrics import economics

    rows = [row for name, (_, count, won) in channels.items() for row in leads(name, EARLY, count, won)]
    days = ad_days.daily(
        bought.spend([(EARLY, name, money) for name, (money, *_) in channels.items()]), UNTIL
    )
    return unit_costs.costs(economics.table(bought.inquiries(rows), days, None, as_of=AS_OF))


def test_a_channel_is_dearer_only_beyond_noise():
    table = costs(ads=(10_000, 200, 50), vk=(10_000, 200, 12), quiz=(10_000, 200, 48))
    found = unit_costs.against_rest(table)
    assert found.index[0] == "vk"
    assert found["named"].to_dict() == {"vk": True, "quiz": False, "ads": False} or found.loc["vk", "named"]
    assert found.loc["vk", "ratio"] == pytest.approx((10_000 / 12) / (20_000 / 98))
    assert found.loc["vk", "low"] > 1
    even = unit_costs.against_rest(costs(ads=(10_000, 200, 50), vk=(10_000, 200, 41), quiz=(10_000, 200, 48)))
    assert not even["named"].any()


def test_twenty_leads_are_never_named_dearer():
    assert not unit_costs.against_rest(costs(ads=(10_000, 200, 50), vk=(10_000, 20, 1))).loc["vk", "named"]


def test_one_cost_in_all_channels_is_tested_before_any_is_named():
    assert unit_costs.steady(costs(ads=(10_000, 99, 30), vk=(10_000, 99, 30))) == 1
    assert unit_costs.steady(costs(ads=(10_000, 99, 60), vk=(10_000, 99, 10))) < 1e-6
    assert unit_costs.steady(costs(ads=(10_000, 99, 4), vk=(10_000, 99, 4))) == 1  # drawn: few are expected
    assert math.isnan(unit_costs.steady(costs(ads=(10_000, 99, 4))))
