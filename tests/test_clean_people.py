"""People in dirty exports: tests, the same person again, phones and managers."""

from __future__ import annotations

import pandas as pd

from small_audit import HEAD, deals, frame


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


def test_names_of_contacts_are_no_key_to_a_person(company):
    deals(
        company,
        "1,2024-01-01,New,Ivan Petrov",
        "2,2024-01-02,New,Ivan Petrov",
        head=f"{HEAD},Full name",
        columns={"person": "Full name"},
    )
    assert company.journeys()["person"].isna().all()
