"""Headings become canonical columns by audit.yml, a system's profile or universal aliases, never by guess."""

from __future__ import annotations

import pytest

from detente import schema
from detente.audit import AuditError, Source
from detente.intake import headings
from detente.schema import DataError, fold

AMO = (
    "ID", "Название сделки", "Бюджет", "Ответственный", "Дата создания сделки", "Кем создана сделка",
    "Дата редактирования", "Кем редактирована", "Дата закрытия", "Теги", "Примечание", "Примечание 2",
    "Этап сделки", "Воронка", "Полное имя контакта", "Компания контакта", "Рабочий телефон",
    "Мобильный телефон", "Рабочий email", "Причина отказа", "utm_source", "utm_medium",
)  # fmt: skip
BITRIX = (
    "ID", "Стадия сделки", "Группа стадий", "Сумма", "Валюта", "Дата создания",
    "Предполагаемая дата закрытия", "Дата завершения", "Дата изменения стадии",
    "Дополнительно об источнике", "Источник", "Рекламная система", "Товар",
)  # fmt: skip
HUBSPOT = (
    "Record ID", "Deal Name", "Deal Stage", "Pipeline", "Amount", "Close Date", "Create Date",
    "Deal owner", "Closed Lost Reason", "Original Source", "Associated Contact IDs",
)  # fmt: skip
PIPEDRIVE = (
    "Deal - ID", "Deal - Title", "Deal - Value", "Deal - Currency of Value", "Deal - Stage",
    "Deal - Status", "Deal - Status (2)", "Deal - Deal created", "Deal - Won time", "Deal - Lost time",
    "Deal - Lost reason", "Person - Phone - Work", "Person - Phone - Mobile",
)  # fmt: skip
DIRECT = (
    "Дата",
    "Кампания",
    "№ Кампании",
    "Группа",
    "Показы",
    "Клики",
    "CTR (%)",
    "Расход (руб.)",
    "Конверсии",
)
GOOGLE = ("Day", "Campaign", "Campaign ID", "Currency code", "Cost", "Clicks", "Impr.", "Conversions")
META = (
    "Reporting starts",
    "Reporting ends",
    "Day",
    "Campaign name",
    "Ad set name",
    "Amount spent (RUB)",
    "Reach",
)
VK = ("Дата", "ID объявления", "ID группы", "Показы", "Клики", "Результат", "Потрачено всего, ₽")
SCHOOL = (
    "Id", "Deal Owner Name", "Closing Date", "Quality", "Stage", "Lost Reason", "Page", "Campaign", "SLA",
    "Content", "Term", "Source", "Payment Type", "Product", "Education Type", "Created Time",
    "Course duration", "Months of study", "Initial Amount Paid", "Offer Total Amount", "Contact Name",
    "City", "Level of Deutsch",
)  # fmt: skip


def source(**stated) -> Source:
    return Source(file="export.csv", **stated)


def match(table: str, found, **stated) -> headings.Mapping:
    return headings.match(table, found, source(**stated), headings.recognise(table, found))


@pytest.mark.parametrize(
    ("table", "found", "name"),
    [
        ("deals", AMO, "amoCRM"), ("deals", BITRIX, "Bitrix24"), ("deals", HUBSPOT, "HubSpot"),
        ("deals", PIPEDRIVE, "Pipedrive"), ("spend", DIRECT, "Yandex Direct"),
        ("spend", GOOGLE, "Google Ads"),
        ("spend", META, "Meta Ads"), ("spend", VK, "VK Ads"),
    ],
)  # fmt: skip
def test_each_system_is_recognised_by_its_headings(table, found, name):
    assert headings.recognise(table, found).name == name
    assert headings.recognise(table, [heading.upper() for heading in found]).name == name


def test_plain_headings_are_taken_for_no_system():
    assert headings.recognise("deals", SCHOOL) is None
    assert (
        headings.recognise("spend", ("Date", "Source", "Campaign", "Impressions", "Spend", "Clicks")) is None
    )


def test_the_strength_of_recognition_can_be_printed():
    found = match("deals", AMO)
    assert (found.profile, found.hits, found.of) == ("amoCRM", 14, 16)


def test_an_amocrm_export_is_mapped_whole():
    columns = match("deals", AMO).columns
    assert columns["lead_id"] == ("ID",)
    assert columns["created_at"] == ("Дата создания сделки",)
    assert columns["closed_at"] == ("Дата закрытия",)
    assert columns["stage"] == ("Этап сделки",)
    assert columns["manager"] == ("Ответственный",)
    assert columns["phone"] == ("Мобильный телефон", "Рабочий телефон")
    assert "person" not in columns  # a name is no key: two people share it


def test_the_planned_end_of_a_bitrix_deal_is_never_its_end():
    columns = match("deals", BITRIX).columns
    assert columns["closed_at"] == ("Дата изменения стадии",)
    used = {heading for names in columns.values() for heading in names}
    assert not used & {"Предполагаемая дата закрытия", "Дата завершения"}
    assert headings.named("bitrix24").row_rule == "product_rows_sum"


def test_the_end_of_a_pipedrive_deal_is_read_from_won_and_lost_times():
    columns = match("deals", PIPEDRIVE).columns
    assert columns["closed_at"] == ("Deal - Won time", "Deal - Lost time")
    assert columns["status_group"] == ("Deal - Status",)


def test_hubspot_is_mapped_with_its_contact_ids():
    columns = match("deals", HUBSPOT).columns
    assert (columns["person"], columns["channel"]) == (("Associated Contact IDs",), ("Original Source",))


@pytest.mark.parametrize(
    ("found", "cost", "currency"),
    [
        (DIRECT, "Расход (руб.)", "RUB"), (META, "Amount spent (RUB)", "RUB"),
        (VK, "Потрачено всего, ₽", "RUB"),
        (("Date", "Cost (USD)", "Campaign"), "Cost (USD)", "USD"), (GOOGLE, "Cost", None),
        (("Дата", "Расход, тенге"), "Расход, тенге", "KZT"),
        (("День", "Сумма затрат (EUR)"), "Сумма затрат (EUR)", "EUR"),
    ],
)  # fmt: skip
def test_the_currency_is_read_off_the_heading_of_the_cost(found, cost, currency):
    mapping = match("spend", found)
    assert mapping.columns["cost"] == (cost,)
    assert mapping.currency == currency


def test_a_budget_in_roubles_is_an_amount_with_a_currency():
    mapping = match("deals", ("ID", "Дата создания", "Этап", "Бюджет, руб."))
    assert (mapping.columns["amount"], mapping.currency) == (("Бюджет, руб.",), "RUB")


def test_the_school_export_is_mapped_by_universal_aliases():
    mapping = match("deals", SCHOOL)
    assert mapping.profile == "generic"
    assert {name: found[0] for name, found in mapping.columns.items()} == {
        "lead_id": "Id", "created_at": "Created Time", "stage": "Stage", "closed_at": "Closing Date",
        "loss_reason": "Lost Reason", "amount": "Offer Total Amount", "channel": "Source", "campaign":
        "Campaign", "utm_content": "Content", "utm_term": "Term", "manager": "Deal Owner Name", "product":
        "Product", "person": "Contact Name",
    }  # fmt: skip
    assert mapping.by_name == ("Contact Name",)
    assert "Quality" in mapping.unmapped


def test_calls_and_spend_of_the_school_are_mapped():
    calls = match(
        "calls",
        (
            "Id",
            "Call Start Date",
            "Call Start Time",
            "CONTACT ID",
            "Call Type",
            "Call Duration (in seconds)",
            "Call Status",
        ),
    )
    assert calls.columns["started_time"] == ("Call Start Time",)
    assert calls.columns["duration_s"] == ("Call Duration (in seconds)",)
    assert (calls.columns["person"], calls.by_name) == (("CONTACT ID",), ())
    assert not calls.unmapped
    assert not match(
        "spend", ("Date", "Source", "Campaign", "Impressions", "Spend", "Clicks", "AdGroup", "Ad")
    ).unmapped


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("stages", ("ID сделки", "Дата перехода", "Новый этап", "Предыдущий этап")),
        ("stages", ("OWNER_ID", "CREATED_TIME", "STAGE_ID", "CATEGORY_ID")),
        (
            "payments",
            ("Идентификатор платежа", "Время платежа", "Сумма платежа", "Валюта платежа", "Тип платежа"),
        ),
        ("tasks", ("ID задачи", "ID сделки", "Крайний срок", "Ответственный", "Текст задачи")),
        ("plan", ("Месяц", "Показатель", "План", "Сегмент")),
        ("leads", ("ID лида", "Дата создания", "Статус лида", "Источник", "Телефон")),
    ],
)
def test_every_table_has_aliases_that_leave_no_heading_over(table, found):
    assert not match(table, found).unmapped


def test_look_alike_letters_double_spaces_and_case_do_not_hide_a_heading():
    columns = match("deals", ("id ", "ДАТА\u00a0 создания:", "Cтатус", "Бюджет ")).columns  # a Latin C
    assert columns["stage"] == ("Cтатус",)
    assert columns["amount"] == ("Бюджет ",)
    assert columns["created_at"] == ("ДАТА\u00a0 создания:",)


def test_loss_reasons_renamed_year_by_year_are_read_in_order_of_trust():
    found = ("ID", "Дата создания", "Этап", "Отказ 2019", "Отказ2021/2022", "Причина отказа", "Отказ 2020")
    assert match("deals", found).columns["loss_reason"] == (
        "Причина отказа",
        "Отказ 2019",
        "Отказ 2020",
        "Отказ2021/2022",
    )


def test_a_heading_feeds_one_column_only():
    found = ("ID", "Дата создания", "Этап", "utm_source", "Источник")
    mapping = match("deals", found, columns={"channel": "utm_source"})
    assert mapping.columns["channel"] == ("utm_source",)
    assert "utm_source" not in mapping.columns
    assert mapping.unmapped == ("Источник",)


def test_audit_yml_goes_before_every_alias_and_may_name_several_headings():
    found = ("ID", "Код", "Дата создания", "Этап", "Причина 1", "Причина 2", "Причина отказа")
    mapping = match("deals", found, columns={"lead_id": "код", "loss_reason": ["Причина 2", "Причина 1"]})
    assert mapping.columns["lead_id"] == ("Код",)
    assert mapping.columns["loss_reason"] == ("Причина 2", "Причина 1")


def test_a_heading_of_audit_yml_that_is_not_there_is_an_error_with_the_nearest():
    with pytest.raises(
        AuditError, match=r"sources\.deals\.columns\.amount: .*«Сума сделки».*did you mean «Сумма сделки»"
    ):
        match("deals", ("ID", "Дата создания", "Этап", "Сумма сделки"), columns={"amount": "Сума сделки"})


def test_a_column_that_does_not_exist_is_an_error_with_the_nearest():
    with pytest.raises(AuditError, match=r"sources\.deals\.columns\.ammount: .*«amount»"):
        match("deals", AMO, columns={"ammount": "Бюджет"})


def test_of_headings_renamed_between_files_each_file_needs_one():
    several = Source(file=["2025.csv", "2026.csv"], columns={"loss_reason": ["Отказ A", "Отказ B"]})
    mapping = headings.match("deals", ("ID", "Дата создания", "Этап", "Отказ B"), several, None)
    assert mapping.columns["loss_reason"] == ("Отказ B",)


def test_a_missing_required_column_lists_what_was_found_and_names_the_key():
    with pytest.raises(DataError) as caught:
        match("deals", ("ID", "Дата созданья", "Этап", "Бюджет"))
    message = str(caught.value)
    assert "«Дата созданья»" in message
    assert "sources.deals.columns.created_at: «Дата созданья»" in message
    assert "export.csv" in message


def test_a_near_miss_is_never_applied():
    assert "amount" not in match("deals", ("ID", "Дата создания", "Этап", "Бюджеты")).columns


def test_a_profile_stated_by_name_is_used_and_an_unknown_one_refused():
    assert headings.named("amocrm").nulls["closed_at"] == ("не закрыта", "not closed")
    assert headings.named("auto") is None
    with pytest.raises(AuditError, match="did you mean «hubspot»"):
        headings.named("hubspt")


def test_profiles_name_canonical_columns_only_and_every_alias_once_a_table():
    for profile in headings.profiles():
        for table, columns in profile.columns.items():
            assert set(columns) <= {column.name for column in schema.TABLES[table]}, (profile.id, table)
            if profile.id != "generic":
                aliases = [fold(alias) for names in columns.values() for alias in names]
                assert len(aliases) == len(set(aliases)), (profile.id, table)


def test_cleaned_headings_are_unique_even_where_they_only_look_alike():
    assert headings.clean(["Статус", "Cтатус ", "статус:", "", "Дата\nсоздания", "\ufeffID"]) == (
        "Статус", "Cтатус (2)", "статус: (2)", "(column 4)", "Дата создания", "ID",
    )  # fmt: skip


def test_no_answer_that_means_something_is_among_the_empty_tokens():
    assert {"na", "n/a", "-", "(not set)", fold("не указано")} <= headings.NULL_TOKENS
    assert not {"нет", "no", "0"} & headings.NULL_TOKENS


@pytest.mark.parametrize("stated", ["auto", "generic"])
def test_generic_can_be_forced(stated):
    found = headings.match("deals", AMO, source(profile=stated), headings.named(stated))
    assert found.profile == "generic"
    assert found.columns["lead_id"] == ("ID",)
