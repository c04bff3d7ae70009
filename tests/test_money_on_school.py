"""Money on a real CRM export, as published: costs, cash and contract against figures that were counted apart.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

import re

import pandas as pd
import pytest

import published

pytestmark = pytest.mark.skipif(
    not (published.SHARED / "school_crm" / "deals.xlsx").is_file(),
    reason="shared data not found: ../shared/data/school_crm/deals.xlsx",
)
# channel: spend, CPL, CAC (None: nothing was spent), first payments of its won deals
CHANNELS = {
    "Facebook Ads": (33754.72, 6.96, 167.10, 236150), "Google Ads": (57798.60, 13.68, 334.10, 174850),
    "Organic": (0, None, None, 183451), "Tiktok Ads": (11985.67, 5.84, 214.03, 66650),
    "SMM": (7269.52, 4.20, 79.88, 99750), "Youtube Ads": (14633.33, 8.83, 276.10, 62950),
    "CRM": (0, None, None, 15600), "Bloggers": (13439.00, 12.34, 344.59, 33100),
    "Telegram posts": (6860.36, 6.85, 171.51, 45450), "Webinar": (2874.04, 7.58, 110.54, 55150),
    "Partnership": (0, None, None, 3350), "Test": (608.21, 3.83, 202.74, 2200), "Offline": (0, None, None, 0),
    "Radio": (300.00, None, None, 0),
}  # fmt: skip
MONTHS = {  # spend, deals won of the leads created in it
    "июль 2023": (6062.32, 10), "август 2023": (9033.73, 49), "сентябрь 2023": (8711.16, 53),
    "октябрь 2023": (11807.78, 86), "ноябрь 2023": (10890.74, 104), "декабрь 2023": (12186.03, 105),
    "январь 2024": (12583.57, 114), "февраль 2024": (12476.83, 72), "март 2024": (16223.38, 100),
    "апрель 2024": (20964.65, 76), "май 2024": (17212.31, 64), "июнь 2024": (11370.95, 25),
}  # fmt: skip
SPEND, CASH, CONTRACT = 149_523.45, 978_651, 6_327_301


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_costs_and_brings_what_the_reference_says_to_the_cent(school, channel) -> None:
    spend, cpl, cac, paid = CHANNELS[channel]
    row = published.table(school, "09_unit_economics_channel_costs").loc[channel]
    assert (row["Расход"], row["Выручка"]) == (spend, paid)
    costs = [None if pd.isna(row[name]) else round(row[name], 2) for name in ("Заявка (CPL)", "Клиент (CAC)")]
    assert costs == [cpl, cac]  # where nothing was spent, or nobody came, there is no price


def test_channels_and_months_add_up_to_all_spend_and_all_cash(school) -> None:
    for name in ("channel_costs", "months"):
        table = published.table(school, f"09_unit_economics_{name}")
        assert round(table["Расход"].sum(), 2) == SPEND
        assert table["Выручка"].sum() == CASH


def test_months_have_the_spend_and_the_deals_of_the_reference(school) -> None:
    table = published.table(school, "09_unit_economics_months")
    assert {name: (row["Расход"], row["Сделки"]) for name, row in table.iterrows()} == MONTHS


def test_cash_and_contract_are_told_apart(school) -> None:
    deals = published.table(school, "13_cash_reality_deals")
    assert deals["Сделок"].sum() == 858
    assert (deals["Сумма в CRM"].sum(), deals["Оплачено"].sum()) == (CONTRACT, CASH)
    assert deals.loc["оплачено больше суммы сделки", "Сделок"] == 21
    found = published.findings(school)["cash_match"]
    assert found["value"] == pytest.approx(CASH / CONTRACT, abs=1e-6)


def test_the_same_return_on_advertising_is_554_and_4131_percent(school) -> None:
    spread = published.table(school, "12_romi_pitfalls_romi_spread").select_dtypes("number").iloc[:, 0]
    assert spread.max() == pytest.approx((CONTRACT - SPEND) / SPEND, abs=1e-4)
    page = published.text(school, "12_romi_pitfalls.html").replace("\u00a0", " ")
    assert re.search(r"55(4,5|5) %", page)
    places = published.table(school, "12_romi_pitfalls_romi_places")
    assert places["Итого"].sum() == CASH


def test_a_deal_closed_before_it_was_entered_is_no_returning_client(school) -> None:
    table = published.table(school, "09_unit_economics_returning")
    assert table["Сделки"].sum() == 858
    assert table["Вернувшиеся"].sum() <= 858 - 844  # so many clients have two won deals at all


def test_stages_that_most_lost_leads_are_not_known_to_have_reached_are_no_columns(school) -> None:
    table = published.table(school, "09_unit_economics_channels")
    assert not {"New Lead", "Qualificated"} & {*table.columns}
    assert published.findings(school)["unit_segments"]["status"] == "not_available"
    assert not (
        school / "tables" / "09_unit_economics_segments.csv"
    ).exists()  # one row of what is not stated
