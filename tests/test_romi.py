"""From the boasted ROMI to money: the published examples, exact sums, and nothing silently taken as brought by ads."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import bought
from detente.audit import Audit
from detente.metrics import ad_money, romi
from detente.terms import Economics

# --- a client's own money ---
LEADS = [
    {"lead_id": "a", "created_at": "2026-03-02", "channel": "Ads", "outcome": "won", "amount": 5000},
    {"lead_id": "b", "created_at": "2026-03-09", "channel": "Ads", "returning": True},
    {"lead_id": "c", "created_at": "2026-03-09", "channel": "Blog", "outcome": "won", "amount": 700},
    {"lead_id": "d", "created_at": "2026-03-10", "channel": None},
    {"lead_id": "e", "created_at": "2026-03-10", "channel": "VK", "counted": False},
]
PAID = [
    {"client": "a", "deal": "a", "bought_at": "2026-03-20", "amount": 1000, "gross": 1200, "returned": 200, "vat": 100,
     "goods": 300, "delivery": 50, "margin": 550, "margin_from": "costs", "channel": "Ads"},
    {"client": "b", "deal": "b", "bought_at": "2026-03-21", "amount": 600, "goods": 200, "service": 40, "margin": 360,
     "margin_from": "costs", "channel": "Ads"},
    {"client": "b", "deal": "b", "bought_at": "2026-04-21", "amount": 400, "channel": "Ads"},
    {"client": "c", "deal": "c", "bought_at": "2026-03-22", "amount": 90, "channel": "Blog"},
    {"client": "d", "deal": "d", "bought_at": "2026-03-22", "amount": 8.5, "channel": None},
    {"client": "e", "deal": "e", "bought_at": "2026-03-22", "amount": 30, "margin": 10, "margin_from": "stated",
     "channel": "VK"},
    {"client": "z", "deal": "z", "bought_at": "2025-03-22", "amount": 44, "channel": "Ads"},
    {"client": None, "deal": None, "bought_at": "2026-03-22", "amount": 5.25, "channel": None},
]  # fmt: skip
SPEND = [("2026-03-01", "Ads", 300), ("2026-03-02", "VK", 50), ("2026-03-01", "Radio", 7), ("2026-03-01", None, 3),
         ("2026-03-01", "Blog", 0)]  # fmt: skip


def money(economics=None, paid=None, spend=None, leads=None) -> ad_money.AdMoney:
    return ad_money.of(
        bought.purchases(PAID if paid is None else paid), bought.inquiries(leads or LEADS),
        bought.spend(spend or SPEND), economics,
    )  # fmt: skip


def test_each_step_of_a_channel_is_its_own_money() -> None:
    found = money().channels
    ads = found.loc["Ads"]
    assert ads[["leads", "purchases"]].tolist() == [2, 3]
    names = ["gross", "returned", "vat", "net", "goods", "delivery", "service"]
    assert [float(ads[name]) for name in names] == [2200, 200, 100, 1900, 500, 50, 40]
    assert float(ads["contract"]) == 5000
    # 400 of the 1930 have no costs: they take 620 / 1530 of themselves, as the rest does
    assert float(ads["assumed"]) == pytest.approx(400 * 610 / 1530, abs=0.01)
    assert (
        ads["contribution"] == ads["net"] - ads["goods"] - ads["delivery"] - ads["service"] - ads["assumed"]
    )
    assert float(ads["first"]) == 550
    assert found.index.tolist()[:3] == ["Ads", "Radio", "VK"]
    assert found.loc["VK", "leads"] == 0  # its only inquiry is a repeated one; its money counts
    assert float(found.loc["VK", "gross"]) == 30


def test_a_stated_margin_is_split_into_goods_and_delivery() -> None:
    rows = [{"client": "a", "deal": "a", "bought_at": "2026-03-20", "amount": 1000, "margin": 250,
             "margin_from": "stated", "channel": "Ads"}]  # fmt: skip
    ads = money(Economics(margin=0.4, delivery=0.15), rows).channels.loc["Ads"]
    assert [float(ads[name]) for name in ("goods", "delivery", "contribution")] == [600, 150, 250]


def test_all_payments_have_a_place_and_all_spend_a_row() -> None:
    found = money()
    assert found.places["purchases"].to_dict() == {
        "ads": 4,
        "free": 1,
        "unstated": 1,
        "earlier": 1,
        "nobody": 1,
    }
    assert sum(found.places["amount"]) == sum(bought.money(row["amount"]) for row in PAID)
    assert sum(found.channels["spend"]) == Decimal("360.00")
    assert found.channels.index.isna().sum() == 1
    assert found.paid == ["Ads", "Radio", "VK"]


@pytest.mark.parametrize("seed", range(5))
def test_totals_over_channels_and_places_equal_the_sources(seed) -> None:
    draw = random.Random(seed)
    names = ["Ads", "Blog", "VK", None]
    leads = [{"lead_id": f"l{n}", "created_at": "2026-03-02", "channel": draw.choice(names),
              "returning": draw.random() < 0.3} for n in range(80)]  # fmt: skip
    own = {row["lead_id"]: row["channel"] for row in leads}
    paid = []
    for n in range(200):
        deal = draw.choice([*own, "elsewhere", None])
        amount = draw.randint(-(10**7), 10**9) / 100
        known = {"margin": round(amount * draw.random(), 2), "margin_from": draw.choice(["costs", "stated"])}
        paid.append({"client": f"c{n}", "deal": deal, "bought_at": f"2026-04-{1 + n % 28:02d}", "amount": amount,
                     "channel": own.get(deal), "vat": 0, **(known if draw.random() < 0.8 else {})})  # fmt: skip
        if known["margin_from"] == "costs" and "margin" in paid[-1]:
            paid[-1]["goods"] = round(amount - known["margin"], 2)
    spend = [("2026-03-01", draw.choice(names), draw.randint(1, 10**8) / 100) for _ in range(30)]
    found = money(None, paid, spend, leads)
    assert sum(found.places["amount"]) == sum(bought.money(row["amount"]) for row in paid)
    assert found.total("gross") == found.places.loc["ads", "gross"]
    assert found.total("spend") == sum(bought.money(cost) for _, _, cost in spend)
    earned = romi.earned(found.channels, found.costed)
    assert earned.at("contribution") == sum(found.channels["contribution"])
    assert earned.at("spend") == -found.total("spend")


def test_the_bound_of_what_advertising_brought_is_the_part_of_new_clients() -> None:
    found = money()
    earned = romi.earned(found.channels, found.costed)
    new, every = 550 + 10, float(sum(found.channels["contribution"]))
    assert earned.upper == pytest.approx(new / every)
    assert earned.end == "at_most"
    assert float(earned.at("at_most")) == pytest.approx(560 - 360)
    table = earned.scenarios.set_index(["source", "incremental"])
    assert float(table.loc[("scenario", 0.5), "money"]) == pytest.approx(every / 2 - 360, abs=0.01)
    assert not table.loc[("scenario", 0.7), "possible"]
    assert "first" not in earned.scenarios["source"].tolist(), "nobody new bought twice"


WON = [
    {"lead_id": "n", "client": "n", "created_at": "2026-03-02", "channel": "Ads"},
    {"lead_id": "n2", "client": "n", "created_at": "2026-04-02", "channel": "Ads", "returning": True},
    {"lead_id": "o", "client": "o", "created_at": "2026-03-03", "channel": "Ads", "returning": True},
    {"lead_id": "f", "client": "g", "created_at": "2026-03-03", "channel": "Blog"},
    {"lead_id": "g", "client": "g", "created_at": "2026-04-03", "channel": "Ads", "returning": True},
]
BOUGHT = [  # client, deal, inquiry, day, what is left of it
    ("n", "n", "n", "2026-03-05", 100), ("n", "n2", "n2", "2026-04-05", 60), ("n", None, "n", "2026-05-05", 15),
    ("o", "o", "o", "2026-03-06", 40), ("g", "f", "f", "2026-03-06", 30), ("g", "g", "g", "2026-04-06", 25),
]  # fmt: skip


def won() -> romi.Earned:
    places = {row["lead_id"]: row["channel"] for row in WON}
    rows = [{"client": who, "deal": deal, "lead_id": asked, "bought_at": day, "amount": 2 * left, "margin": left,
             "goods": left, "margin_from": "costs", "channel": places[asked]}
            for who, deal, asked, day, left in BOUGHT]  # fmt: skip
    found = money(None, rows, [("2026-03-01", "Ads", 90)], WON)
    assert found.new_share == pytest.approx(175 / 240)
    return romi.earned(found.channels, found.costed)


def test_a_repeat_purchase_of_a_client_won_by_advertising_is_its_doing_and_that_of_an_old_client_is_not() -> (
    None
):
    earned = won()
    assert float(earned.at("anyway")) == -(40 + 25)  # o was a client before; g was won by the blog
    assert float(earned.at("incremental")) == 100 + 60 + 15
    assert float(earned.at("at_most")) == 175 - 90
    assert earned.upper == pytest.approx(175 / 240)


def test_first_purchases_alone_stand_beside_the_bound_and_are_not_the_bound() -> None:
    earned = won()
    first, upper = (earned.scenarios.set_index("source").loc[name] for name in ("first", "upper"))
    assert (float(first["money"]), float(upper["money"])) == (100 - 90, 175 - 90)
    assert first["incremental"] == pytest.approx(100 / 240)
    assert earned.channels.loc["Ads", "romi_first"] == pytest.approx(100 / 90 - 1)
    assert earned.honest == pytest.approx((0.3 * 240 / 90 - 1, 175 / 90 - 1))


def test_a_stated_share_ends_the_ladder_in_money() -> None:
    found = money()
    earned = romi.earned(found.channels, found.costed, incremental=0.25)
    assert earned.end == "money"
    assert float(earned.at("money")) == pytest.approx(float(found.total("contribution")) / 4 - 360, abs=0.01)


def test_with_no_costs_the_ladder_ends_at_revenue_and_names_the_margin_it_needs() -> None:
    rows = [{**row, "margin": None, "margin_from": None} for row in PAID]
    found = money(None, rows)
    earned = romi.earned(found.channels, found.costed)
    assert (found.costed, found.known, earned.end) == (False, 0.0, "revenue_left")
    assert pd.isna(earned.upper)
    assert earned.scenarios.empty
    assert earned.needed.margin == pytest.approx(360 / (1900 + 30))


def test_spend_and_revenue_are_both_without_their_tax() -> None:
    rows = [{"channel": channel, "cost": cost, "vat": 0.5} for _, channel, cost in SPEND]
    taxed = bought.table(rows, KINDS)
    found = ad_money.of(bought.purchases(PAID), bought.inquiries(LEADS), taxed)
    assert found.total("spend") == Decimal("357.50")
    assert found.total("spend_vat") == Decimal("2.50")
    earned = romi.earned(found.channels, found.costed)
    assert earned.boasted == pytest.approx(2230 / 360 - 1)  # as the advertising system and the bank have it
    plain = 2230 - 100 * 2230 / 2030  # 100 is the tax of the 2030 that were kept; what went back held it too
    assert earned.plain == pytest.approx(plain)
    assert earned.untaxed == pytest.approx(plain / 357.5 - 1)


def test_a_tax_of_one_rate_on_both_sides_does_not_move_the_romi_on_revenue() -> None:
    paid = [{"client": "a", "deal": "1", "channel": "Ads", "bought_at": "2026-02-01", "amount": 1200, "vat": 200},
            {"client": "a", "deal": "1", "channel": "Ads", "bought_at": "2026-03-01", "amount": -240, "vat": -40},
            ]  # fmt: skip
    asked = [{"lead_id": "1", "client": "a", "created_at": "2026-01-09", "channel": "Ads"}]
    spent = bought.table([{"channel": "Ads", "cost": 300, "vat": 50}], KINDS)
    found = ad_money.of(bought.purchases(paid), bought.inquiries(asked), spent)
    earned = romi.earned(found.channels, found.costed)
    assert earned.boasted == earned.untaxed == pytest.approx(3.0)
    assert earned.plain == pytest.approx(1000)
    by = earned.steps.set_index("step")["by"]
    assert (float(by["gross"]), float(by["net"])) == (300, 250)
    assert earned.channels.loc["Ads", "exported"] == Decimal(300)
    assert (found.exported, found.everything()) == (Decimal(300), Decimal(1200))


KINDS = {
    "date_from": bought.pa.date32(),
    "channel": bought.pa.string(),
    "cost": bought.MONEY,
    "vat": bought.MONEY,
}


def test_without_purchases_or_spend_there_is_no_ladder() -> None:
    for tables in ((None, bought.spend(SPEND)), (bought.purchases(PAID), None)):
        found = ad_money.of(tables[0], bought.inquiries(LEADS), tables[1])
        assert found.missing == ("purchases" if tables[0] is None else "spend")
        assert pd.isna(romi.earned(found.channels, found.costed).boasted)


def test_the_order_of_rows_changes_nothing() -> None:
    one = money()
    two = money(None, PAID[::-1], SPEND[::-1], LEADS[::-1])
    pd.testing.assert_frame_equal(one.channels, two.channels)
    pd.testing.assert_frame_equal(one.places, two.places)


def test_the_interval_of_a_total_is_that_of_a_compound_poisson_sum() -> None:
    found = money()
    earned = romi.earned(found.channels, found.costed)
    bare = 400 * (1 - 610 / 1530)  # the purchase without costs, at the rate of the others
    squares = 550**2 + (360 + bare) ** 2 + 10**2
    reach = 1.959964 * squares**0.5 * earned.upper
    assert (earned.high - earned.low) / 2 == pytest.approx(reach, rel=1e-6)


def test_the_interval_of_what_is_left_holds_the_truth() -> None:
    """400 companies with a Poisson number of sales of uneven size: 92-97 % of the 95 % intervals hold the mean."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(400):
        sales = rng.gamma(2, 500, rng.poisson(60))
        left = Decimal(f"{sales.sum():.2f}")
        whole = dict.fromkeys(("gross", "net", "contribution", "new", "first", "contract"), left)
        nothing = dict.fromkeys(
            ("returned", "vat", "goods", "delivery", "service", "assumed", "spend_vat"), Decimal(0)
        )
        row = {"leads": 9, "purchases": len(sales), **whole, **nothing, "spend": Decimal(40000),
               "squares": float((sales**2).sum()), "known": 1.0}  # fmt: skip
        earned = romi.earned(pd.DataFrame([row], index=["Ads"]), True)
        hits += earned.low <= 60 * 1000 - 40000 <= earned.high
    assert 0.92 <= hits / 400 <= 0.97


def test_a_channel_with_few_sales_has_no_interval() -> None:
    found = money()
    rates = romi.earned(found.channels, found.costed).channels
    assert rates["low"].isna().all()
    assert rates.loc["Ads", "money"] == found.channels.loc["Ads", "contribution"] - Decimal(300)


def test_an_incremental_share_needs_its_source() -> None:
    with pytest.raises(ValueError, match="incremental_from"):
        Economics(incremental=0.4)
    assert "economics" in Audit.model_fields
