"""The sample company: committed files are what the script writes, and its truths can be counted by hand.

Nothing of `detente` is used here but the check of audit.yml: the exports are read with the standard library.
"""

import csv
import datetime as dt
import json
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from scipy.stats import chi2_contingency

from detente.audit import Audit

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SCRIPT = "<script>alert('x')</script>"
CSV = ["deals.csv", "stage_history.csv", "calls.csv", "tasks.csv", "direct.csv", "plan.csv"]
EXPORTS = [*CSV, "vk_ads.xlsx", "payments.xlsx"]
SERVED = {"москва", "московская обл.", "тверская обл.", "тульская обл.", "калужская обл.", "рязанская обл."}
AS_OF = dt.datetime(2026, 7, 1)


def rows(name, encoding, skip=0):
    """A CSV export as (headings, rows of cells)."""
    with (SAMPLE / name).open(encoding=encoding, newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))[skip:]
    return lines[0], lines[1:]


def when(cell):
    return dt.datetime.strptime(cell, "%d.%m.%Y %H:%M:%S" if cell.count(":") == 2 else "%d.%m.%Y %H:%M")


def roubles(cell):
    return Decimal(cell.replace("\u00a0", "").replace(",", "."))


def digits(phone):
    """The last ten digits of a number that has them, else None."""
    found = re.sub(r"\D", "", phone)
    return found[-10:] if len(found) in (10, 11) and len(set(found)) > 1 else None


@pytest.fixture(scope="module")
def truth():
    return json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def file_rows():
    headings, lines = rows("deals.csv", "cp1251")
    names = [heading.strip().replace("Этап cделки", "Этап") for heading in headings]
    return [dict(reversed(list(zip(names, line, strict=True)))) for line in lines]


@pytest.fixture(scope="module")
def deals(file_rows):
    """The latest version of each deal."""
    found = {}
    for row in sorted(file_rows, key=lambda row: when(row["Дата редактирования"])):
        found[row["ID"]] = row
    return list(found.values())


@pytest.fixture(scope="module")
def counted(deals):
    """Without tests, without the same phone again within 30 days, without rows from after the export."""
    kept, last = [], {}
    for row in sorted(deals, key=lambda row: when(row["Дата создания сделки"])):
        phone, created = digits(row["Рабочий телефон"]), when(row["Дата создания сделки"])
        words = re.findall(r"\w+", row["Название сделки"].casefold())
        test = {"тест", "test", "проверка", "asdf"} & set(words) or phone == "9070000000"
        repeat = phone in last and (created - last[phone]).days <= 30
        if test or repeat or created >= AS_OF:
            continue
        kept.append(row)
        if phone:
            last[phone] = created
    return kept


def verdict(row):
    """The four criteria of audit.yml, applied to the cells as they stand; True passes, None is unknown."""
    region, budget, caller, phone = (
        row[name] for name in ("Регион", "Запас бюджета", "Кто обратился", "Рабочий телефон")
    )
    passed = {
        "phone": digits(phone) is not None if phone else None,
        "region": region.casefold() in SERVED if region else None,
        "budget": roubles(budget) >= 0 if budget else None,
        "authority": caller not in ("Помощник", "Студент", "Сосед") if caller else None,
    }
    if False in passed.values():
        return "non_target", passed
    return ("unknown" if None in passed.values() else "target"), passed


def lost(row):
    return row["Этап"] == "Закрыто и не реализовано"


def rejected(row):
    return row["Оценка ОП"] == "Нецелевой"


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
    assert sum((SAMPLE / name).stat().st_size for name in EXPORTS) < 1_700_000


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


def test_leads_that_count_are_as_many_as_stated(counted, deals, truth):
    assert len(counted) == truth["counted"]
    assert len(deals) - len(counted) == 26 + 75 + 1  # tests, repeats, one row from the future


def test_verdicts_and_criteria_are_as_stated(counted, truth):
    verdicts = [verdict(row) for row in counted]
    assert Counter(word for word, _ in verdicts) == {
        name: truth["verdicts"][name] for name in ("target", "non_target", "unknown")
    }
    for name, stated in truth["criteria"].items():
        cells = Counter(passed[name] for _, passed in verdicts)
        assert (cells[False], cells[True], cells[None]) == (stated["fail"], stated["pass"], stated["unknown"])
        alone = [passed for _, passed in verdicts if [k for k, v in passed.items() if v is False] == [name]]
        assert len(alone) == stated["only"]


def test_every_dispute_of_marketing_with_the_criteria_is_about_who_decides(counted, truth):
    said = {"Целевой": "target", "Нецелевой": "non_target", "": "unknown"}
    judged = [(said[row["Метка маркетинга"]], *verdict(row)) for row in counted]
    disputes = [passed for label, word, passed in judged if "unknown" not in (label, word) and label != word]
    assert len(disputes) == truth["labels"]["marketing_disputes"]["all"] > 100
    assert all(
        [name for name, passed in dispute.items() if passed is False] == ["authority"] for dispute in disputes
    )


def test_sales_relabels_lost_target_leads_after_the_loss(counted, truth):
    cases = [row for row in counted if rejected(row) and lost(row)]
    late = [row for row in cases if when(row["Дата оценки ОП"]) >= when(row["Дата закрытия"])]
    assert len(late) == truth["labels"]["set_after_the_loss"]
    assert all(verdict(row)[0] == "target" for row in late)


def test_facts_about_rejected_leads_are_as_stated(counted, truth):
    cases = [row for row in counted if rejected(row)]
    _, calls = rows("calls.csv", "cp1251")
    talked = {deal for _, deal, _, seconds, _ in calls if int(seconds) >= 60}
    called = {deal for _, deal, *_ in calls} | {digits(phone) for _, _, phone, *_ in calls} - {None}
    assert len(cases) == truth["court"]["rejected"]
    unheard = [row for row in cases if not {row["ID"], digits(row["Рабочий телефон"])} & called]
    unheard = [row for row in unheard if verdict(row)[0] == "unknown"]
    assert len(unheard) == truth["court"]["never_called"] == truth["court"]["no_talk"] == 50
    heard = [row for row in cases if row["ID"] in talked and verdict(row)[0] == "unknown"]
    assert len(heard) == truth["court"]["talked"]


def test_thirty_rejected_leads_paid_within_sixty_days(counted):
    sheet = CalamineWorkbook.from_path(SAMPLE / "payments.xlsx").get_sheet_by_index(0).to_python()
    paid = [(digits(line[6]), line[1]) for line in sheet[1:] if line[4] == "Оплата" and line[6]]
    buyers = 0
    for row in counted:
        if rejected(row) and lost(row):
            closed = when(row["Дата закрытия"]).date()
            phone = digits(row["Рабочий телефон"])
            buyers += any(who == phone and 0 <= (day - closed).days <= 60 for who, day in paid)
    assert buyers == 30


def test_four_of_five_early_losses_of_the_quiz_have_no_phone(counted, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    first_stage = {
        deal for deal, _, source, to, _ in moves if source == "Новая заявка" and to.startswith("Закрыто")
    }
    early = [
        row
        for row in counted
        if row["Канал"] in ("Квиз на сайте", "quiz") and lost(row) and row["ID"] in first_stage
    ]
    bad = [row for row in early if digits(row["Рабочий телефон"] or "-") is None and row["Рабочий телефон"]]
    assert truth["quiz_early_losses"]["bad_phone"] / truth["quiz_early_losses"]["lost"] == pytest.approx(
        0.8, abs=0.03
    )
    unseen = truth["quiz_early_losses"]["lost"] - len(
        early
    )  # leads without a history do not show their stage
    assert 0 <= unseen <= 3
    assert abs(len(bad) / len(early) - 0.8) < 0.04


def test_one_loss_in_ten_has_no_reason(counted, truth):
    texts = Counter(row["Причина отказа"].strip().casefold() for row in counted if lost(row))
    assert texts == truth["reasons"]["texts"]
    assert 0.08 < texts[""] / truth["reasons"]["lost"] < 0.12


def test_leads_of_the_last_weeks_are_not_ripe(truth):
    unripe = truth["unripe"]
    assert (
        unripe["won_so_far"][-1] * 5 < unripe["won_in_the_end"][-1]
    )  # one win in five at most has shown itself
    assert unripe["won_so_far"][:9] == unripe["won_in_the_end"][:9]


def test_dealers_bring_more_than_four_fifths_of_the_money_and_one_fifth_of_the_leads(counted, truth):
    won = [row for row in counted if row["Этап"] == "Успешно реализовано"]
    money = Counter()
    for row in won:
        money[row["Сегмент клиента"].casefold()] += roubles(row["Бюджет"])
    assert money["дилер"] / sum(money.values()) > Decimal("0.8")
    assert sum(row["Сегмент клиента"].casefold() == "дилер" for row in counted) / len(counted) < 0.2
    assert money["дилер"] * 100 == truth["segments"]["Дилеры"]["won_kopecks"]
    paid = {name: part["paid_kopecks"] for name, part in truth["segments"].items()}
    assert paid["Дилеры"] / sum(paid.values()) > 0.8


def test_sales_calls_builders_first_and_dealers_last(truth):
    wait = {name: part["median_hours_of_work_to_first_call"] for name, part in truth["segments"].items()}
    assert wait["Застройщики"] < wait["Частные лица"] < wait["Дилеры"]
    talk = {name: part["talk_seconds"] / part["leads"] for name, part in truth["segments"].items()}
    assert talk["Дилеры"] < talk["Частные лица"] < talk["Застройщики"]


def test_managers_of_one_skill_differ_no_more_than_chance_lets_them(truth):
    table = [(part["won"], part["leads"] - part["won"]) for part in truth["managers"].values()]
    assert chi2_contingency(table).pvalue > 0.05


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
    assert len(refunds) == truth["payments"]["refunds"] == 6
    assert all(line[2] < 0 for line in refunds)
    assert sum(line[5] == "" for line in sheet) == truth["payments"]["without_deal"]


def test_history_holds_orphans_jumps_and_returns(deals, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    known = {row["ID"] for row in deals}
    assert sum(deal not in known for deal, *_ in moves) == truth["rows"]["orphan_moves"]
    assert len(moves) == truth["history"]["rows"]
    names = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
    order = {name: number for number, name in enumerate(names)}
    steps = [
        (deal, order[to] - order[source])
        for deal, _, source, to, _ in moves
        if source in order and to in order
    ]
    assert len({deal for deal, step in steps if step < 0}) == truth["history"]["leads_that_went_back"]
    assert len({deal for deal, step in steps if step > 1}) == truth["history"]["leads_that_skipped"]


def test_the_channel_change_moves_the_mix_and_not_the_channels(truth):
    before, after = truth["channel_change"]["before"], truth["channel_change"]["after"]
    assert before["Яндекс Директ"] / before["leads"] > 1.5 * after["Яндекс Директ"] / after["leads"]
    assert after["VK Реклама"] / after["leads"] > 1.5 * before["VK Реклама"] / before["leads"]


def test_the_worst_looking_channel_is_the_smallest(truth):
    parts = {name: part for name, part in truth["channels"].items() if isinstance(part, dict)}
    shares = {
        name: part["non_target"] / (part["non_target"] + part["target"]) for name, part in parts.items()
    }
    assert max(shares, key=shares.get) == "Выставка"
    assert truth["channels"]["Выставка"]["leads"] == 12
    assert truth["channels"]["Выставка"]["drawn_at"] == truth["channels"]["Поиск"]["drawn_at"]
