"""Dirty exports, one small file each: what stays, what is set aside, and what the loss log says of it."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from detente.audit import AuditError
from detente.schema import DataError
from small_audit import Company, frame

HEAD = "id,created,stage"


@pytest.fixture
def company(tmp_path) -> Company:
    return Company(tmp_path)


def deals(company: Company, *lines: str, head: str = HEAD, **keys) -> Company:
    return company.source("deals", "\n".join([head, *lines]) + "\n", **keys)


# --- ids and repeats ---
def test_what_spreadsheets_put_around_ids_does_not_part_deals_from_their_history(company):
    deals(company, "15.0,2024-01-01,New", "'0007,2024-01-01,New", "[12] Ann,2024-01-01,New")
    company.source(
        "stages", "deal,time,stage\n15,2024-01-02,Talk\n0007,2024-01-02,Talk\n12,2024-01-02,Talk\n"
    )
    assert company.journeys()["furthest"].tolist() == [2, 2, 2]


def test_ids_that_lost_their_digits_are_refused(company):
    deals(company, "1.23E+10,2024-01-01,New", "1.24E+10,2024-01-01,New")
    with pytest.raises(DataError, match="ID lost precision"):
        company.load()


def test_an_exact_repeat_is_dropped_and_counted(company):
    deals(company, "1,2024-01-01,New", "2,2024-01-02,New", "1,2024-01-01,New")
    assert len(company.journeys()) == 2
    assert ("deals", "dropped", "exact_duplicate", 1, (4,)) in company.losses()


def test_of_conflicting_rows_the_one_modified_last_stays(company):
    head = f"{HEAD},changed"
    lines = ("1,2024-01-01,Talk,2024-02-02", "1,2024-01-01,New,2024-01-02")
    deals(company, *lines, head=head, columns={"modified_at": "changed"})
    assert company.journeys()["stage"].tolist() == ["Talk"]
    assert ("deals", "dropped", "same_id", 1, (3,)) in company.losses()


def test_without_a_time_of_change_the_last_row_stays(company):
    deals(company, "1,2024-01-01,Talk", "1,2024-01-01,Offer")
    assert company.journeys()["stage"].tolist() == ["Offer"]


def test_of_overlapping_monthly_files_the_later_one_counts(company):
    deals(company, "1,2024-01-01,New", "2,2024-01-02,New")
    company.also("deals", f"{HEAD}\n2,2024-01-02,Won\n3,2024-02-01,New\n", "february.csv")
    tables, log = company.load()
    found = frame(tables.all_journeys).sort_values("created_at")
    assert found["stage"].tolist() == ["New", "Won", "New"]
    assert [(item.file, item.kept, item.dropped) for item in log.sources] == [
        ("deals.csv", 1, 1),
        ("february.csv", 2, 0),
    ]


def test_a_row_without_an_id_is_dropped(company):
    deals(company, "1,2024-01-01,New", ",2024-01-01,New", "-,2024-01-03,Talk")
    assert len(company.journeys()) == 1
    assert ("deals", "dropped", "no_id", 2, (3, 4)) in company.losses()


PRODUCTS = ("1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,50,Chair", "2,2024-01-02,Won,70,Desk")
PRODUCT_HEAD = f"{HEAD},sum,item"
PRODUCT_COLUMNS = {"amount": "sum", "product": "item"}


@pytest.mark.parametrize(
    ("rule", "amounts", "dropped"), [("sum", ["150.00", "70.00"], "0"), ("repeat", ["100.00", "70.00"], "50")]
)
def test_a_deal_on_several_product_rows_counts_once(company, rule, amounts, dropped):
    deals(company, *PRODUCTS, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS, product_rows=rule)
    assert [str(value) for value in company.journeys()["amount"]] == amounts
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_dropped, count.dropped) == (Decimal(220), Decimal(dropped), 1)


def test_lines_with_amounts_of_their_own_are_summed_unasked(company):
    deals(company, *PRODUCTS, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS)
    assert [str(value) for value in company.journeys()["amount"]] == ["150.00", "70.00"]


def test_two_equal_lines_of_one_deal_are_both_money(company):
    lines = ("1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,50,Chair")
    deals(company, *lines, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS, product_rows="sum")
    assert [str(value) for value in company.journeys()["amount"]] == ["250.00"]


def test_product_rows_with_one_amount_are_asked_about(company):
    lines = ("1,2024-01-01,Won,100,Desk", "1,2024-01-01,Won,100,Chair")
    deals(company, *lines, head=PRODUCT_HEAD, columns=PRODUCT_COLUMNS)
    with pytest.raises(DataError, match="sources.deals.product_rows"):
        company.load()


# --- dates ---
def test_a_deal_with_an_impossible_day_of_creation_is_quarantined(company):
    deals(company, "1,31.02.2024,New", "2,01.02.2024,New", "3,00.00.0000,New", "4,,New")
    assert company.journeys()["row"].tolist() == [3]
    assert ("deals", "quarantined", "bad_date", 2, (2, 4)) in company.losses()
    assert ("deals", "quarantined", "no_date", 1, (5,)) in company.losses()


def test_an_impossible_day_of_closing_is_emptied_and_flagged(company):
    lines = ("1,01.02.2024,Lost,30.12.1899", "2,01.02.2024,Lost,03.02.2024")
    deals(company, *lines, head=f"{HEAD},closed", columns={"closed_at": "closed"})
    found = company.journeys()
    assert found["closed_at"].isna().tolist() == [True, False]
    assert found["flags"][0] == "bad_date:closed_at"


def test_ambiguous_days_ask_for_the_key_of_audit_yml(company):
    deals(company, "1,01/02/2024,New", "2,03/04/2024,New")
    with pytest.raises(DataError, match=r"sources\.deals\.date_formats\.created_at"):
        company.load()
    deals(company, "1,01/02/2024,New", "2,03/04/2024,New", date_formats={"created_at": "dd/mm/yyyy"})
    assert company.journeys()["month"].tolist() == ["2024-02", "2024-04"]


def test_a_file_that_is_ambiguous_alone_is_read_like_its_brothers(company):
    deals(company, "1,01/02/2024,New")
    company.also("deals", f"{HEAD}\n2,25/02/2024,New\n", "more.csv")
    assert frame(company.load()[0].all_journeys)["month"].tolist() == ["2024-02", "2024-02"]


def test_words_in_a_date_column_mean_empty_where_audit_yml_says_so(company):
    lines = ("1,01.02.2024,New,not closed", "2,01.02.2024,New,not closed", "3,01.02.2024,Lost,05.02.2024")
    deals(company, *lines, head=f"{HEAD},closed", columns={"closed_at": "closed"}, nulls=["not closed"])
    assert company.journeys()["closed_at"].notna().tolist() == [False, False, True]
    assert company.losses() == []


def test_a_deal_closed_before_it_was_created_is_flagged(company):
    lines = ("1,05.02.2024 10:00,Lost,04.02.2024", "2,05.02.2024 10:00,Lost,05.02.2024")
    deals(company, *lines, head=f"{HEAD},closed", columns={"closed_at": "closed"})
    found = company.journeys()
    assert found["flags"].fillna("").tolist() == ["closed_before_created:closed_at", ""]
    assert found["closed_date_only"].tolist() == [True, True]
    assert found["created_date_only"].tolist() == [False, False]


def test_the_future_is_no_fact(company):
    company.state(as_of="2024-03-01")
    lines = (
        "1,2024-02-01,Lost,2024-02-03",
        "2,2024-03-02,New,",
        "3,2024-03-03,New,",
        "4,2024-02-01,Lost,2024-04-01",
    )
    deals(company, *lines, head=f"{HEAD},closed", columns={"closed_at": "closed"})
    found = company.journeys()
    assert found["row"].tolist() == [2, 3, 5]
    assert found["flags"].fillna("").tolist() == ["", "", "future_date:closed_at"]
    assert ("deals", "quarantined", "future_date", 1, (4,)) in company.losses()


def test_an_open_deal_has_no_day_of_closing(company):
    deals(company, "1,2024-02-01,Talk,2024-02-09", head=f"{HEAD},closed", columns={"closed_at": "closed"})
    found = company.journeys()
    assert found["closed_at"].isna().all()
    assert found["flags"][0] == "open_with_close_date:closed_at"


def test_a_hundred_deals_of_one_minute_are_an_import(company):
    lines = [f"{number},2024-02-01 10:00:{number % 60:02d},New" for number in range(100)]
    deals(company, *lines, "900,2024-02-01 10:01:00,New")
    assert company.journeys()["flags"].eq("mass_import:created_at").sum() == 100


# --- money ---
def test_money_that_cannot_be_read_is_emptied_flagged_and_counts_as_nothing(company):
    lines = ("1,2024-02-01,New,100", "2,2024-02-01,New,a lot", "3,2024-02-01,New,50")
    deals(company, *lines, head=f"{HEAD},sum", columns={"amount": "sum"})
    found = company.journeys()
    assert found["amount"].isna().tolist() == [False, True, False]
    assert found["flags"][1] == "bad_money:amount"
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_kept) == (Decimal(150), Decimal(150))


def test_thirds_of_a_kopeck_are_rounded_and_told(company):
    deals(
        company,
        "1,2024-02-01,New,0.125",
        "2,2024-02-01,New,1.5",
        head=f"{HEAD},sum",
        columns={"amount": "sum"},
    )
    assert [str(value) for value in company.journeys()["amount"]] == ["0.12", "1.50"]
    assert ("deals", "fixed", "rounded_money", 1, (2,)) in company.losses()


def test_an_unclear_comma_asks_for_the_decimal_mark(company):
    deals(company, '1,2024-02-01,New,"1,500"', head=f"{HEAD},sum", columns={"amount": "sum"})
    with pytest.raises(DataError, match=r"sources\.deals\.decimal"):
        company.load()


def test_other_currencies_are_never_summed(company):
    lines = (
        "1,2024-02-01,New,100,Российский рубль",
        "2,2024-02-01,New,200,USD",
        "3,2024-02-01,New,$ 5,",
        "4,2024-02-01,New,,USD",
    )
    deals(company, *lines, head=f"{HEAD},sum,money", columns={"amount": "sum", "currency": "money"})
    assert company.journeys()["row"].tolist() == [2, 5]
    assert ("deals", "quarantined", "other_currency", 2, (3, 4)) in company.losses()
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_quarantined) == (Decimal(100), Decimal(0))


def test_a_negative_deal_is_quarantined(company):
    lines = ("1,2024-02-01,New,100", "2,2024-02-01,New,−50")
    deals(company, *lines, head=f"{HEAD},sum", columns={"amount": "sum"})
    assert ("deals", "quarantined", "negative_amount", 1, (3,)) in company.losses()
    [count] = company.load()[1].sources
    assert (count.amount_read, count.amount_kept, count.amount_quarantined) == (
        Decimal(50),
        Decimal(100),
        Decimal(-50),
    )


def test_won_deals_without_a_believable_amount_are_flagged(company):
    lines = [
        f"{number},2024-02-01,Won,{amount}" for number, amount in enumerate(["0", "", "1", "111111", "1500"])
    ]
    deals(company, *lines, head=f"{HEAD},sum", columns={"amount": "sum"})
    flags = ["no_amount_on_won:amount"] * 2 + ["placeholder_amount:amount"] * 2 + [""]
    assert company.journeys()["flags"].fillna("").tolist() == flags


# --- content ---
def test_test_leads_are_whole_words_and_the_staff_itself(company):
    company.state(tests={"phones": ["8 916 000-00-00"], "emails": ["boss@firm.ru"]})
    lines = (
        "1,2024-02-01,New,Тест заявки,,",
        "2,2024-02-01,New,Куплю тестомес,,",
        "3,2024-02-01,New,Тестов,,",
        "4,2024-02-01,New,,+7 916 000 00 00,",
        "5,2024-02-01,New,,,Boss@Firm.ru",
        "6,2024-02-01,New,,+79161234567,",
    )
    columns = {"title": "name", "phone": "tel", "email": "mail"}
    deals(company, *lines, head=f"{HEAD},name,tel,mail", columns=columns)
    found = company.journeys()
    assert found["is_test"].tolist() == [True, False, False, True, True, False]
    assert found["counted"].tolist() == [False, True, True, False, False, True]
    assert ("deals", "flagged", "test_lead", 3, (2, 5, 6)) in company.losses()
    tables, _ = company.load()
    assert len(frame(tables.journeys)) == 3


def test_the_same_person_again_within_the_days_is_one_inquiry(company):
    # day 0 counts, 20 repeats it, 45 is 45 days after the one that counts, 60 repeats that; tests never count
    lines = (
        "1,2024-01-01,New,89161234567,",
        "2,2024-01-21,New,+7 916 123-45-67,",
        "3,2024-02-15,New,9161234567,",
        "4,2024-03-01,New,8(916)1234567,",
        "5,2023-12-31,New,89161234567,test",
        "6,2024-01-02,New,,",
    )
    deals(company, *lines, head=f"{HEAD},tel,name", columns={"phone": "tel", "title": "name"})
    assert company.journeys()["is_duplicate"].tolist() == [False, True, False, True, False, False]
    assert ("deals", "flagged", "duplicate", 2, (3, 5)) in company.losses()
    company.state(thresholds={"duplicate_days": 0})
    assert not company.journeys()["is_duplicate"].any()


def test_a_phone_and_an_email_lead_to_the_same_person(company):
    lines = (
        "1,2024-01-01,New,77,89161234567,",
        "2,2024-03-01,New,,8 916 123 45 67,a@b.ru",
        "3,2024-06-01,New,,,A@B.ru",
    )
    columns = {"person": "contact", "phone": "tel", "email": "mail"}
    deals(company, *lines, head=f"{HEAD},contact,tel,mail", columns=columns)
    found = company.journeys()
    assert found["person"].nunique() == 1
    assert found["phone_valid"].astype("object").where(found["phone_valid"].notna(), None).tolist() == [
        True,
        True,
        None,
    ]


def test_phones_that_a_spreadsheet_made_into_powers_are_empty_not_wrong(company):
    deals(
        company,
        "1,2024-01-01,New,7.9E+10",
        "2,2024-01-01,New,123",
        head=f"{HEAD},tel",
        columns={"phone": "tel"},
    )
    found = company.journeys()
    assert pd.isna(found["phone_valid"][0])
    assert not found["phone_valid"][1]
    assert found["flags"][0] == "phone_lost_digits:phone"


def test_channels_get_the_name_of_audit_yml_and_else_the_most_frequent_spelling(company):
    company.state(channels={"Яндекс": ["yandex", "ya.direct"]})
    lines = [
        f"{number},2024-01-01,New,{name}"
        for number, name in enumerate(["YANDEX", "ya.direct", "Google", "google", "google", "(not set)"])
    ]
    deals(company, *lines, head=f"{HEAD},from", columns={"channel": "from"})
    company.source(
        "spend", "day,cost,from\n2024-01-01,5,GOOGLE\n2024-01-01,6,Yandex\n", columns={"channel": "from"}
    )
    assert company.journeys()["channel"].fillna("").tolist() == [
        "Яндекс",
        "Яндекс",
        "google",
        "google",
        "google",
        "",
    ]
    assert sorted(frame(company.load()[0].spend)["channel"]) == ["google", "Яндекс"]


def test_stage_names_are_known_in_any_spelling_and_by_alias(company):
    funnel = {
        "stages": [{"name": "Новая", "aliases": ["Заявка"]}, {"name": "Счёт"}],
        "won": "Оплачено",
        "lost": "Отказ",
    }
    company.state(funnel=funnel)
    deals(company, "1,2024-01-01,новая ", "2,2024-01-01,ЗАЯВКА", "3,2024-01-01,Cчет", "4,2024-01-01,оплачено")
    found = company.journeys()
    assert found["stage"].tolist() == ["Новая", "Новая", "Счёт", "Оплачено"]
    assert found["outcome"].tolist() == ["open", "open", "open", "won"]


def test_many_deals_on_stages_that_the_funnel_does_not_name_are_refused(company):
    deals(
        company,
        *(f"{number},2024-01-01,New" for number in range(98)),
        "98,2024-01-01,Mars",
        "99,2024-01-01,Mars",
    )
    with pytest.raises(DataError, match=r"«Mars» \(2\).*funnel\.stages"):
        company.load()


def test_one_deal_in_a_hundred_on_an_unknown_stage_stays_open_and_flagged(company):
    deals(company, *(f"{number},2024-01-01,New" for number in range(99)), "99,2024-01-01,Mars")
    last = company.journeys().iloc[-1]
    assert (last["stage"], last["outcome"], last["flags"]) == ("Mars", "open", "unmapped_stage:stage")
    assert pd.isna(last["furthest"])


def test_an_empty_stage_is_open_and_flagged(company):
    deals(company, "1,2024-01-01,New", "2,2024-01-01,")
    last = company.journeys().iloc[-1]
    assert (last["outcome"], last["flags"]) == ("open", "no_stage:stage")


def test_a_status_beside_the_stage_refines_its_outcome(company):
    meant = {
        "Lost": "lost",
        "won": "won",
        "open": "open",
        "Сделка успешна": "won",
        "Неуспешно": "lost",
        "Провал": "lost",
        "В работе": "open",
    }
    lines = (f"{number},2024-01-01,Talk,{status}" for number, status in enumerate(meant))
    deals(company, *lines, head=f"{HEAD},status", columns={"status_group": "status"})
    assert dict(zip(meant, company.journeys()["outcome"], strict=True)) == meant


def test_managers_are_numbers_by_their_leads_unless_they_may_be_shown(company):
    company.state(managers={"aliases": {"A. Second": "Second"}})
    lines = (
        "1,2024-01-01,New,First",
        "2,2024-01-01,New,Second",
        "3,2024-01-01,New,A. Second",
        "4,2024-01-01,New,Abel",
    )
    deals(company, *lines, head=f"{HEAD},who", columns={"manager": "who"})
    company.source(
        "calls", "start,who\n2024-01-01 10:00,Second\n2024-01-01 11:00,Zoe\n", columns={"manager": "who"}
    )
    assert company.journeys()["manager"].tolist() == ["#03", "#01", "#01", "#02"]
    assert sorted(frame(company.load()[0].calls)["manager"]) == ["#01", "#04"]
    company.state(managers={"show": True})
    assert company.journeys()["manager"].tolist() == ["First", "Second", "A. Second", "Abel"]


def test_criteria_and_labels_bring_their_columns_in_their_own_types(company):
    criteria = [
        {
            "id": "city",
            "column": "City",
            "operator": "in",
            "value": ["Moscow"],
            "ru": "a",
            "en": "a",
            "known_at": "asked",
        },
        {"id": "size", "column": "size", "operator": "at_least", "value": 5, "ru": "b", "en": "b"},
        {"id": "tel", "column": "tel", "operator": "valid_phone", "ru": "c", "en": "c"},
    ]
    company.state(
        criteria=criteria,
        labels=[{"id": "ours", "by": "sales", "column": "verdict", "target": ["Да"], "ru": "a", "en": "a"}],
    )
    lines = (
        '1,2024-01-01,New,МОСКВА ,"1 000,5",89161234567,ДА,02.01.2024',
        "2,2024-01-01,New,,many,12,нет,",
        "3,2024-01-01,New,-,7,,,",
    )
    deals(company, *lines, head=f"{HEAD},City,size,tel,verdict,asked")
    found = company.journeys().astype("object")
    found = found.where(found.notna(), None)
    assert found["attr_city"].tolist() == ["москва", None, None]
    assert found["attr_size"].tolist() == [1000.5, None, 7.0]
    assert found["attr_tel"].tolist() == [True, False, None]
    assert found["label_ours"].tolist() == ["да", "нет", None]
    assert str(found["attr_city_at"][0]) == "2024-01-02 00:00:00"


def test_a_criterion_on_a_column_that_is_not_there_is_an_error_of_audit_yml(company):
    company.state(
        criteria=[{"id": "city", "column": "Cty", "operator": "in", "value": ["x"], "ru": "a", "en": "a"}]
    )
    deals(company, "1,2024-01-01,New,Moscow", head=f"{HEAD},City")
    with pytest.raises(AuditError, match=r"criteria\[0\]\.column.*City"):
        company.load()


def test_reasons_meet_their_group_in_any_spelling(company):
    company.state(reasons=[{"id": "price", "reasons": ["Дорого"], "ru": "a", "en": "a"}])
    lines = ("1,2024-01-01,Lost,дорого ", "2,2024-01-01,Lost,Другое", "3,2024-01-01,Lost,")
    deals(company, *lines, head=f"{HEAD},why", columns={"loss_reason": "why"})
    assert company.journeys()["reason_group"].fillna("").tolist() == ["price", "", ""]


# --- spend ---
def test_repeated_costs_stay_and_repeated_nothings_go(company):
    company.source(
        "spend", "day,cost\n2024-01-06,10\n2024-01-06,10\n2024-01-06,0\n2024-01-06,0\n2024-01-07,-3\n"
    )
    found = frame(company.load()[0].spend).sort_values("row")
    assert [str(value) for value in found["cost"]] == ["10.00", "10.00", "0.00", "-3.00"]
    assert ("spend", "dropped", "exact_duplicate", 1, (5,)) in company.losses()
    assert ("spend", "flagged", "repeated_row", 1, (3,)) in company.losses()
    assert ("spend", "flagged", "negative_spend", 1, (6,)) in company.losses()


def test_a_day_is_its_own_end_where_no_end_is_given(company):
    company.source("spend", "day,cost\n2024-01-06,10\n")
    found = frame(company.load()[0].spend)
    assert found["date_to"].tolist() == found["date_from"].tolist()


@pytest.mark.parametrize(
    "lines",
    [
        "2024-01-06,2024-01-06,,30\n2024-01-06,2024-01-06,A,10\n2024-01-06,2024-01-06,B,20\n",
        "2024-01-06,2024-01-07,A,30\n2024-01-06,2024-01-06,A,10\n2024-01-07,2024-01-07,A,20\n",
    ],
)
def test_totals_beside_their_parts_are_refused_by_row_number(company, lines):
    company.source("spend", f"day,end,camp,cost\n{lines}", columns={"date_to": "end", "campaign": "camp"})
    with pytest.raises(DataError, match=r"totals stand beside their parts \(rows 2\)"):
        company.load()


def test_a_cost_without_campaign_beside_others_is_no_total(company):
    company.source(
        "spend",
        "day,camp,cost\n2024-01-06,,7\n2024-01-06,A,10\n2024-01-06,B,20\n",
        columns={"campaign": "camp"},
    )
    assert len(frame(company.load()[0].spend)) == 3


@pytest.mark.parametrize(
    ("csv", "columns"),
    [
        ("day,cost\n" + "2024-01-06,12340000\n2024-01-07,990000\n" * 10, {}),
        (
            "day,cost,clicks\n" + "".join(f"2024-01-0{day},1500{day}7000,3\n" for day in range(1, 7)),
            {"clicks": "clicks"},
        ),
    ],
)
def test_costs_that_look_like_millionths_are_asked_about(company, csv, columns):
    company.source("spend", csv, columns)
    with pytest.raises(DataError, match="sources.spend.unit"):
        company.load()
    company.source("spend", csv, columns, unit="micros")
    assert frame(company.load()[0].spend)["cost"].max() < Decimal(200)


def test_the_currency_in_a_heading_counts(company):
    company.state(currency="EUR")
    company.source("spend", "day,Cost (USD)\n2024-01-06,7\n", columns={"cost": "Cost (USD)"})
    assert ("spend", "quarantined", "other_currency", 1, (2,)) in company.losses()


# --- payments ---
def test_a_refund_is_negative_once_however_it_is_written(company):
    csv = "paid,sum,type\n2024-01-06,100,payment\n2024-01-07,-30,\n"
    csv += "2024-01-08,30,Возврат\n2024-01-09,-20,refund\n"
    company.source("payments", csv, columns={"kind": "type"})
    found = frame(company.load()[0].payments).sort_values("row")
    assert [str(value) for value in found["amount"]] == ["100.00", "-30.00", "-30.00", "-20.00"]
    count = company.load()[1].sources[-1]
    assert (count.amount_read, count.amount_kept) == (Decimal(20), Decimal(20))


def test_offsets_of_advances_and_failed_payments_are_no_money(company):
    csv = "paid,sum,type\n2024-01-06,100,payment\n2024-01-07,100,зачет аванса\n2024-01-08,50,Failed\n"
    company.source("payments", csv, columns={"kind": "type"})
    assert len(frame(company.load()[0].payments)) == 1
    assert ("payments", "dropped", "advance_offset", 1, (3,)) in company.losses()
    assert ("payments", "quarantined", "not_paid", 1, (4,)) in company.losses()


def test_payments_of_unknown_deals_stay_flagged(company):
    deals(company, "1,2024-01-01,New,89161234567", head=f"{HEAD},tel", columns={"phone": "tel"})
    csv = "paid,sum,deal,tel\n2024-01-06,100,1,\n2024-01-07,50,99,\n2024-01-08,70,,8 916 123-45-67\n"
    company.source("payments", csv, columns={"lead_id": "deal", "phone": "tel"})
    found = frame(company.load()[0].payments).sort_values("row")
    assert found["flags"].fillna("").tolist() == ["", "unmatched_payment", ""]
    assert found["person"].notna().tolist() == [False, False, True]


def test_a_payment_without_money_is_quarantined(company):
    company.source("payments", "paid,sum\n2024-01-06,100\n2024-01-06,free\n2024-01-06,\n2024-01-07,5\n")
    assert ("payments", "quarantined", "bad_money", 1, (3,)) in company.losses()
    assert ("payments", "quarantined", "no_amount", 1, (4,)) in company.losses()


def test_two_equal_payments_without_ids_are_two_payments(company):
    company.source("payments", "paid,sum\n2024-01-06,100\n2024-01-06,100\n")
    assert len(frame(company.load()[0].payments)) == 2
    company.source(
        "payments", "no,paid,sum\n7,2024-01-06,100\n7,2024-01-06,100\n", columns={"payment_id": "no"}
    )
    assert len(frame(company.load()[0].payments)) == 1


# --- calls, tasks, plan, leads ---
def test_a_call_takes_its_day_and_its_clock_time_from_two_columns(company):
    csv = "start,clock,long\n2024-01-06,2030-10-07 14:32:05,0:02:05\n"
    company.source("calls", csv, columns={"started_time": "clock", "duration_s": "long"})
    found = frame(company.load()[0].calls)
    assert (str(found["started_at"][0]), found["duration_s"][0]) == ("2024-01-06 14:32:05", 125)


def test_a_plan_may_name_months(company):
    company.source("plan", 'month,metric,value\n2024-01,leads,100\n2024-02,leads,"1 200,5"\n')
    found = frame(company.load()[0].plan).sort_values("row")
    assert found["period"].astype(str).tolist() == ["2024-01-01", "2024-02-01"]
    assert found["value"].tolist() == [100, 1200.5]


def test_leads_and_deals_become_one_inquiry_and_neither_is_lost(company):
    deals(company, "5,2024-01-05 10:00,Won", "6,2024-01-06 10:00,Talk", "7,2024-01-07 10:00,New")
    csv = "id,created,became,from\n5,2024-01-01 09:00,6,Ads\n2,2024-01-02 09:00,5,Mail\n"
    csv += "3,2024-01-03 09:00,,Ads\n4,2024-01-04 09:00,5,Late\n8,2024-01-04 09:00,77,\n"
    company.source("leads", csv, columns={"deal_id": "became", "channel": "from"})
    tables, log = company.load()
    found = frame(tables.all_journeys).sort_values(["created_at", "file"]).fillna("")
    rows = list(
        zip(
            found["created_at"].dt.day,
            found["stage"],
            found["channel"],
            found["file"],
            found["flags"],
            strict=True,
        )
    )
    assert rows == [
        (1, "Talk", "Ads", "deals.csv", ""),
        (2, "Won", "Mail", "deals.csv", ""),
        (3, "New", "Ads", "leads.csv", ""),
        (4, "New", "Late", "leads.csv", "shared_deal:deal_id"),
        (4, "New", "", "leads.csv", "unmatched_deal:deal_id"),
        (7, "New", "", "deals.csv", ""),
    ]
    assert all(item.conserved for item in log.sources)


def test_leads_with_the_ids_of_deals_need_no_other_key(company):
    deals(company, "1,2024-01-05,Won")
    company.source(
        "leads", "id,created,stage\n1,2024-01-01,x\n2,2024-01-02,Lost\n", columns={"stage": "stage"}
    )
    found = frame(company.load()[0].all_journeys).sort_values("created_at")
    assert found["outcome"].tolist() == ["won", "lost"]


def test_names_of_contacts_are_no_key_to_a_person(company):
    deals(
        company,
        "1,2024-01-01,New,Ivan Petrov",
        "2,2024-01-02,New,Ivan Petrov",
        head=f"{HEAD},Full name",
        columns={"person": "Full name"},
    )
    assert company.journeys()["person"].isna().all()
