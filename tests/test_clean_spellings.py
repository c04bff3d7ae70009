"""Channels, stages, statuses, criteria and reasons of dirty exports are known however they are spelt."""

from __future__ import annotations

import pandas as pd
import pytest

from detente.audit import AuditError
from detente.schema import DataError
from small_audit import HEAD, deals, frame


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
