"""Exports that look whole and are not: spam, merged deals, a narrow user's export, mixed dates, old Macs."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest
import xlsxwriter

from detente.audit import Source
from detente.intake import files
from detente.present.wording import Words
from detente.schema import REASONS, DataError, Loss
from small_audit import Company, frame

# --- one company with every oddity of a single inquiry ---
HEAD = "id,created,stage,from,why,name,tags,sum"


def _inquiries() -> list[str]:
    """Rows 2 to 61: a flood of 20 in one minute, 19 in another, and 21 won deals of which one is enormous."""
    flood = [f"{n},2024-03-01 10:00:{n:02d},New,Form,,Request,," for n in range(20)]
    crowd = [f"{n},2024-03-01 11:00:{n:02d},New,Form,,Request,," for n in range(20, 39)]
    sums = [*range(1000, 1200, 10), 90_000_000]
    won = [f"{n},2024-03-02 10:{n - 39:02d}:00,Won,Fair,,Request,,{cost}" for n, cost in enumerate(sums, 39)]
    return [*flood, *crowd, *won]


ODD = [
    "90,2024-03-03 10:00:00,Lost,Ads,Спам-бот,Request,,",
    "91,2024-03-03 10:05:00,Lost,Ads,Робота не устроила,Request,,",
    "92,2024-03-03 10:10:00,New,Ads,,Win here: https://win.example,,",
    "93,2024-03-03 10:15:00,Lost,Ads,,Request,vip; Объединена,",
    "94,2024-03-03 10:20:00,Lost,Ads,,Request,не объединять,",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> tuple[pd.DataFrame, dict]:
    """The journeys by their row, and (reason, column) of the log -> rows."""
    company = Company(tmp_path_factory.mktemp("odd"))
    columns = {"channel": "from", "loss_reason": "why", "title": "name", "tags": "tags", "amount": "sum"}
    company.source("deals", "\n".join([HEAD, *_inquiries(), *ODD]) + "\n", columns)
    tables, log = company.load()
    return frame(tables.all_journeys).set_index("row"), {(x.reason, x.column): x.rows for x in log.losses}


def _flagged(odd, code: str) -> list[int]:
    flags = odd[0]["flags"].fillna("").str.split()
    return sorted(odd[0].index[[code in codes for codes in flags]])


def test_twenty_inquiries_of_one_channel_in_one_minute_are_a_burst_and_nineteen_are_not(odd):
    assert _flagged(odd, "burst:created_at") == list(range(2, 22))


def test_a_reason_that_says_spam_is_spam_and_a_robot_in_another_word_is_not(odd):
    assert _flagged(odd, "spam:loss_reason") == [62]


def test_a_rare_link_in_a_title_is_spam(odd):
    assert _flagged(odd, "spam:title") == [64]


def test_spam_stays_among_the_inquiries_that_count_because_it_cost_money(odd):
    assert odd[0].loc[[62, 64], "counted"].all()
    assert {name: rows for (code, name), rows in odd[1].items() if code == "spam"} == {"why": 1, "name": 1}


def test_a_deal_with_a_tag_of_merging_is_flagged_and_one_not_to_be_merged_is_not(odd):
    assert _flagged(odd, "merged:tags") == [65]


def test_an_amount_far_from_all_others_is_flagged_and_stays(odd):
    assert _flagged(odd, "outlier_amount:amount") == [61]
    assert str(odd[0].loc[61, "amount"]) == "90000000.00"


def test_two_price_lists_are_no_outliers(tmp_path):
    company = Company(tmp_path)
    rows = "".join(f"{n},2024-01-01,Won,{90_000_000 + n if n % 5 == 0 else 1000 + n}\n" for n in range(30))
    company.source("deals", f"id,created,stage,sum\n{rows}", {"amount": "sum"})
    assert company.losses() == []


def test_a_link_in_every_title_is_the_habit_of_a_form_and_no_spam(tmp_path):
    company = Company(tmp_path)
    rows = "".join(f"{n},2024-01-01,New,Request https://ours.example/{n}\n" for n in range(30))
    company.source("deals", f"id,created,stage,name\n{rows}", {"title": "name"})
    assert company.losses() == []


# --- exports that lack something ---
def _partial(company: Company, second: str = "Ann", last: str = "New") -> list[tuple]:
    rows = "".join(f"{n},2024-01-01,New,ann\n" for n in range(98))
    rows += f"98,2024-01-01,New,{second}\n99,2024-01-01,{last},Ann\n"
    company.source("deals", f"id,created,stage,who\n{rows}", {"manager": "who"})
    calls = "start,who\n2024-01-01 10:00,Ann\n2024-01-01 11:00,Bob\n2024-01-01 12:00,Cy\n"
    company.source("calls", calls, {"manager": "who"})
    return [loss[1:4] for loss in company.losses() if loss[2] in ("one_manager", "no_closed_deals")]


def test_deals_of_one_manager_beside_calls_of_three_and_deals_never_closed_are_flagged(tmp_path):
    assert _partial(Company(tmp_path)) == [
        ("flagged", "no_closed_deals", 100),
        ("flagged", "one_manager", 100),
    ]


def test_a_second_manager_and_one_closed_deal_are_enough(tmp_path):
    assert _partial(Company(tmp_path), second="Bob", last="Lost") == []


# --- payments and leads ---
def test_deals_paid_above_a_hundred_and_ten_percent_are_flagged_and_refunds_count_against_it(tmp_path):
    company = Company(tmp_path)
    company.source("deals", "id,created,stage,sum\n" + "".join(f"{n},2024-01-05,Won,1000\n" for n in (1, 2, 3)),
                   {"amount": "sum"})  # fmt: skip
    paid = [(1, 600), (1, 501), (2, 1100), (3, 1500), (3, -500)]
    csv = "".join(f"2024-01-{day:02d},{money},{deal}\n" for day, (deal, money) in enumerate(paid, 6))
    company.source("payments", f"paid,sum,deal\n2024-01-06,1,1\n{csv}", {"lead_id": "deal"})
    assert ("payments", "flagged", "overpaid", 3, (2, 3, 4)) in company.losses()


def test_leads_whose_deal_is_unknown_or_taken_stand_in_the_log(tmp_path):
    company = Company(tmp_path)
    company.source("leads", "id,created,became\n7,2024-01-01,1\n8,2024-01-02,1\n9,2024-01-03,55\n",
                   {"deal_id": "became"})  # fmt: skip
    found = company.losses()
    assert ("leads", "flagged", "shared_deal", 1, (3,)) in found
    assert ("leads", "flagged", "unmatched_deal", 1, (4,)) in found


# --- dates ---
def test_dates_of_a_rarer_form_are_read_and_counted_as_mended(tmp_path):
    company = Company(tmp_path)
    rows = "1,05.01.2024 10:00,New\n2,2024-02-06,New\n3,07.01.2024,New\n4,2024-02-31,New\n5,08.01.2024,New\n"
    company.source("deals", f"id,created,stage\n{rows}")
    assert company.journeys()["created_at"].dt.strftime("%m-%d").tolist() == [
        "01-05",
        "02-06",
        "01-07",
        "01-08",
    ]
    assert ("deals", "fixed", "mixed_dates", 1, (3,)) in company.losses()


def _from_1904(company: Company, cells: list, form: str | None) -> Company:
    company.source("deals", "id,created,stage\n", name="deals.xlsx")
    book = xlsxwriter.Workbook(company.folder / "deals.xlsx", {"date_1904": True})
    sheet, date = book.add_worksheet(), book.add_format({"num_format": form}) if form else None
    sheet.write_row(0, 0, ["id", "created", "stage"])
    for number, cell in enumerate(cells, 1):
        sheet.write_row(number, 0, [str(number), None, "New"])
        sheet.write(number, 1, cell, date)
    book.close()
    return company


def test_dates_of_a_workbook_that_counts_from_1904_are_the_days_it_shows(tmp_path):
    company = _from_1904(Company(tmp_path), [43834, 43835], "dd.mm.yyyy")  # 1904-01-01 and so many days
    assert company.journeys()["created_at"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-05", "2024-01-06"]
    assert ("deals", "flagged", "years_from_1904", 1, ()) in company.losses()


def test_bare_numbers_of_days_in_such_a_workbook_are_refused(tmp_path):
    with pytest.raises(DataError, match="from 1904.*format the column as a date"):
        _from_1904(Company(tmp_path), [43834, 43835], None).load()


# --- files ---
def test_the_encoding_of_old_macs_is_asked_for_and_read_when_stated(tmp_path):
    path = tmp_path / "deals.csv"
    text = "ID;Этап сделки;Бюджет;Дата создания сделки\n" + "1;Новый Шаг;5;01.02.2026\n" * 9
    path.write_bytes(text.encode("mac-cyrillic"))
    with pytest.raises(DataError, match=r"sources\.deals\.encoding: mac-cyrillic"):
        files.read(path, Source(file=path.name), None, tmp_path, "deals")
    raw = files.read(path, Source(file=path.name, encoding="mac-cyrillic"), None, tmp_path, "deals")
    assert pd.read_parquet(raw.path)["Этап сделки"].unique().tolist() == ["Новый Шаг"]


def test_an_entity_in_a_workbook_never_brings_in_another_file(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    plain, path = tmp_path / "plain.xlsx", tmp_path / "deals.xlsx"
    with xlsxwriter.Workbook(plain) as book:
        book.add_worksheet().write_row(0, 0, ["ID", "Stage", "Amount"])
        book.worksheets()[0].write_row(1, 0, ["1", "WORD", "5"])
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.infolist():
            xml = old.read(item)
            if item.filename.endswith("sharedStrings.xml"):
                entity = f'<!DOCTYPE sst [<!ENTITY x SYSTEM "file://{secret}">]><sst'.encode()
                xml = xml.replace(b"<sst", entity, 1).replace(b"WORD", b"a&x;b")
            new.writestr(item, xml)
    try:
        raw = files.read(path, Source(file=path.name), None, tmp_path, "deals")
    except DataError:
        return  # refused is as good
    assert "hunter2" not in pd.read_parquet(raw.path).to_string()


# --- the codes ---
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_reason_for_a_loss_has_its_words(language):
    words = Words(language, "RUB")
    assert [code for code in REASONS if not words.has(f"loss.{code}")] == []


def test_every_reason_for_a_loss_is_explained_in_the_documentation(root):
    text = (root / "docs" / "dirty-data.md").read_text(encoding="utf-8")
    assert [code for code in REASONS if code not in text] == []


def test_a_reason_that_nobody_worded_cannot_be_given():
    with pytest.raises(ValueError, match="no such reason"):
        Loss("deals", "deals.csv", "dropped", "bad_luck", 1)
