"""Days and times of dirty exports: what is read, asked about, emptied or set aside."""

from __future__ import annotations

import pytest

from detente.schema import DataError
from small_audit import HEAD, deals, frame


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
