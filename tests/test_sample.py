"""The sample company: committed files are what the script writes, with the faults that are stated.

Nothing of `detente` is used here but the check of audit.yml: the exports are read with the standard library.
"""

import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal

from python_calamine import CalamineWorkbook

from detente.audit import Audit
from sample_exports import AS_OF, SAMPLE, SCRIPT, digits, roubles, rows, when

CSV = [
    "deals.csv",
    "stage_history.csv",
    "calls.csv",
    "tasks.csv",
    "direct.csv",
    "avito.csv",
    "costs.csv",
    "plan.csv",
]
EXPORTS = [*CSV, "vk_ads.xlsx", "payments.xlsx", "invoices.xlsx"]


def test_the_committed_sample_is_what_the_script_writes_byte_for_byte(tmp_path):
    command = [sys.executable, str(SAMPLE / "make_sample.py"), "--output", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for name in [*EXPORTS, "audit.yml", "truth.json"]:
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes(), name


def test_a_larger_company_comes_as_parquet_with_an_audit_that_reads(tmp_path):
    command = [sys.executable, str(SAMPLE / "make_sample.py"), "--leads", "20000", "--output", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    audit = Audit.read(tmp_path / "audit.yml")
    assert audit.sources.deals.file == ["deals.parquet"]
    facts = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert facts["rows"]["different_ids"] == 20_000
    assert facts["court"]["no_talk"] == 400
    dealers = facts["channels"]["Рекомендации"]
    assert (
        0.275 < dealers["truly_non_target"] / dealers["leads"] < 0.33
    )  # three standard errors around 0.3018


def test_the_script_never_overwrites_the_sample_with_another_size():
    command = [sys.executable, str(SAMPLE / "make_sample.py"), "--leads", "5000"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2


def test_the_audit_of_the_sample_reads():
    audit = Audit.read(SAMPLE / "audit.yml")
    assert (audit.slug, str(audit.as_of), len(audit.criteria)) == ("dvor-i-gorka", "2026-06-30", 4)


def test_the_sample_stays_small():
    assert sum((SAMPLE / name).stat().st_size for name in EXPORTS) < 2_000_000
    assert (SAMPLE / "deals.csv").stat().st_size < 1_000_000


def test_people_in_the_sample_are_invented(file_rows):
    for row in file_rows:
        phone = digits(row["Рабочий телефон"])
        assert phone is None or phone.startswith("907")  # a code that no operator holds
        assert row["Рабочий email"] == "" or row["Рабочий email"].endswith("@example.com")


def test_headings_carry_the_faults_of_real_ones():
    headings, _ = rows("deals.csv", "cp1251")
    assert headings.count("Товар") == 2
    assert "Бюджет " in headings
    assert "Этап cделки" in headings  # with a Latin c
    assert "Этап сделки" not in headings
    assert f"Заметка {SCRIPT}" in headings


def test_hostile_text_is_in_use(file_rows):
    assert any(SCRIPT in row["Ответственный"] for row in file_rows)
    assert any(SCRIPT in row["utm_campaign"] for row in file_rows)
    assert any(SCRIPT in row["Причина отказа"] for row in file_rows)
    assert [row["Название сделки"] for row in file_rows].count("=cmd|'/C calc'!A0") == 1


def test_faulty_rows_are_as_many_as_stated(file_rows, deals, truth):
    stated = truth["rows"]
    versions = Counter(tuple(row.items()) for row in file_rows)
    assert len(file_rows) == stated["deals"]
    assert sum(count - 1 for count in versions.values()) == stated["exact_duplicates"]
    assert len(deals) == stated["different_ids"]
    assert len(versions) - len(deals) == stated["older_versions"]
    closed = [row for row in deals if row["Дата закрытия"] != "не закрыта"]
    backwards = [row for row in closed if when(row["Дата закрытия"]) < when(row["Дата создания сделки"])]
    assert len(backwards) == stated["closed_before_created"]
    assert sum(when(row["Дата создания сделки"]) >= AS_OF for row in deals) == stated["created_after_export"]
    assert len({row["ID"] for row in deals if len(row["ID"]) == 19}) == stated["long_ids"]
    assert (
        len({float(row["ID"]) for row in deals if len(row["ID"]) == 19}) < 3
    )  # as numbers they would melt into one


def test_titles_hold_traps_that_are_no_tests(deals):
    titles = [row["Название сделки"] for row in deals]
    for trap in ("Тестов, горка", "Цех: тестомес и городок", "Протестантский приход"):
        assert titles.count(trap) == 1


def test_spend_adds_up_to_the_footer_and_two_campaigns_bring_nobody(file_rows, truth):
    headings, lines = rows("direct.csv", "cp1251", skip=4)
    cost = headings.index("Расход (руб.)")
    assert lines[-1][0] == "Итого"
    assert sum(roubles(line[cost]) for line in lines[:-1]) == roubles(lines[-1][cost])
    assert sum(truth["spend"]["Яндекс Директ"].values()) == roubles(lines[-1][cost]) * 100
    used = {row["utm_campaign"] for row in file_rows}
    assert not used & set(truth["spend"]["without_leads"])


def test_payments_sum_to_the_stated_kopeck(truth):
    sheet = CalamineWorkbook.from_path(SAMPLE / "payments.xlsx").get_sheet_by_index(0).to_python()[1:]
    assert sum(round(Decimal(str(line[2])) * 100) for line in sheet) == truth["payments"]["net_kopecks"]
    refunds = [line for line in sheet if line[4] == "Возврат"]
    assert len(refunds) == truth["payments"]["refunds"] == 11
    assert all(line[2] < 0 for line in refunds)
    assert sum(line[5] == "" for line in sheet) == truth["payments"]["without_deal"]
    assert sum(line[5] == line[6] == "" for line in sheet) == truth["payments"]["of_nobody"] == 4
