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
LAST_DAY = dt.date(2026, 6, 30)


def rows(name, encoding, skip=0):
    """A CSV export as (headings, rows of cells)."""
    with (SAMPLE / name).open(encoding=encoding, newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))[skip:]
    return lines[0], lines[1:]


def when(cell):
    return dt.datetime.strptime(cell, "%d.%m.%Y %H:%M:%S" if cell.count(":") == 2 else "%d.%m.%Y %H:%M")


def day(cell):
    return dt.datetime.strptime(cell, "%d.%m.%Y").date()


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
        deal for deal, _, source, to, *_ in moves if source == "Новая заявка" and to.startswith("Закрыто")
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


def test_managers_of_one_skill_with_alike_leads_differ_no_more_than_chance_lets_them(truth):
    fed_worse = truth["habits"]["cheap_leads"]["manager"]
    alike = [part for name, part in truth["managers"].items() if name != fed_worse]
    assert chi2_contingency([(part["won"], part["leads"] - part["won"]) for part in alike]).pvalue > 0.05


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
        for deal, _, source, to, *_ in moves
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


def said_of(truth, habit):
    """The habit's counts by surname, and the surname of the one who has it."""
    stated = truth["habits"][habit]
    counts = {name.split()[0]: part for name, part in stated.items() if name != "manager"}
    return counts, stated["manager"].split()[0]


def stands_out(shares, name, times):
    return shares[name] > times * max(share for other, share in shares.items() if other != name)


def test_one_manager_gets_most_leads_that_seldom_buy_and_wins_fewer(counted, truth):
    stated, name = said_of(truth, "cheap_leads")
    leads = Counter(row["Ответственный"].split()[0] for row in counted)
    won = Counter(row["Ответственный"].split()[0] for row in counted if row["Этап"] == "Успешно реализовано")
    assert {who: (part["leads"], part["won"]) for who, part in short(truth["managers"]).items()} == {
        who: (leads[who], won[who]) for who in leads
    }
    cheap = Counter(
        row["Ответственный"].split()[0]
        for row in counted
        if row["Канал"] in ("VK Реклама", "vk ads")
        or (row["Канал"].casefold(), row["Сегмент клиента"].casefold()) == ("холодный поиск", "застройщик")
    )
    assert {who: cheap[who] for who in leads} == {who: part["hits"] for who, part in stated.items()}
    assert stands_out({who: cheap[who] / leads[who] for who in leads}, name, 5)
    others = (sum(won.values()) - won[name]) / (sum(leads.values()) - leads[name])
    assert won[name] / leads[name] < others - 0.05


def short(managers):
    return {name.split()[0]: part for name, part in managers.items()}


def test_most_moves_back_are_one_managers(truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    names = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
    order = {name: number for number, name in enumerate(names)}
    back = {
        (deal, who)
        for deal, _, source, to, who, _ in moves
        if source in order and to in order and order[to] < order[source]
    }
    counts = Counter(who for _, who in back)
    name = truth["habits"]["moves_back"]["manager"].split()[0]
    assert counts[name] == truth["history"]["of_them_at_one_manager"]
    assert counts[name] * 2 > sum(counts.values())


def test_a_few_leads_came_back_from_the_archive_and_ended_as_they_would_have(deals, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    again = {deal for deal, _, source, *_ in moves if source == "Закрыто и не реализовано"}
    assert len(again) == truth["history"]["leads_back_from_the_archive"] == 12
    last = {deal: to for deal, _, _, to, *_ in moves}
    stages = {row["ID"]: row["Этап"] for row in deals}
    assert all(stages[deal] == last[deal] for deal in again)


def test_no_move_lies_after_the_export_or_before_the_one_that_led_to_it(deals):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    place = {}
    for deal, moment, source, to, *_ in moves:
        assert when(moment) < AS_OF
        assert deal == "39999999" or source == place.get(deal, "")
        place[deal] = to
    closed = {row["ID"]: row["Дата закрытия"] for row in deals if row["Дата закрытия"] != "не закрыта"}
    ends = {deal: moment for deal, moment, _, to, *_ in moves if to[:8] in ("Успешно ", "Закрыто ")}
    assert sum(closed[deal] != moment for deal, moment in ends.items()) == 4  # closed before created


def test_one_manager_notes_moves_on_the_last_evening_of_the_month(truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    made = [
        (when(moment), who)
        for deal, moment, source, to, who, _ in moves
        if source and deal != "39999999" and not {source[:7], to[:7]} & {"Закрыто", "Успешно"}
    ]
    late = Counter(who for moment, who in made if (moment + dt.timedelta(days=3)).month != moment.month)
    stated, name = said_of(truth, "month_end")
    total = Counter(who for _, who in made)
    assert {who: (total[who], late[who]) for who in total} == {
        who: (part["of"], part["hits"]) for who, part in stated.items()
    }
    assert stands_out({who: late[who] / total[who] for who in total}, name, 2)
    evenings = Counter(moment.date() for moment, who in made if who == name and moment.hour == 18)
    [(_, most)] = evenings.most_common(1)
    assert most >= 8  # a whole month noted within a few minutes


def test_one_manager_writes_the_words_that_say_nothing(counted, truth):
    stated, name = said_of(truth, "vague_reasons")
    empty = {"думает", "думают", "другое", "сам перезвонит", "думаетт", "уже есть в срм", "уже есть в сrm"}
    hits = Counter(
        row["Ответственный"].split()[0]
        for row in counted
        if lost(row) and not rejected(row) and row["Причина отказа"].strip().casefold() in empty
    )
    assert dict(hits) == {who: part["hits"] for who, part in stated.items()}
    assert stands_out({who: part["hits"] / part["of"] for who, part in stated.items()}, name, 2)


def test_reasons_stand_on_a_few_won_deals_and_a_few_are_misspelt(counted, truth):
    stated = truth["claims"]
    won = [row for row in counted if row["Этап"] == "Успешно реализовано" and row["Причина отказа"]]
    assert len(won) == stated["reasons_on_won_deals"] == 8
    texts = Counter(row["Причина отказа"] for row in counted if lost(row))
    assert all(0 < texts[typo] == count < 5 for typo, count in stated["typos"].items())
    audit = (SAMPLE / "audit.yml").read_text(encoding="utf-8")
    assert not [typo for typo in stated["typos"] if re.search(rf"[\[ ]{typo}[,\]]", audit)]
    mixed = [text for text in texts if "\u0421RM" in text]  # Cyrillic С, then Latin letters
    assert sum(texts[text] for text in mixed) == stated["cyrillic_crm"]


def test_leads_that_do_not_answer_were_phoned_as_often_as_stated(counted, truth):
    _, log = rows("calls.csv", "cp1251")
    silent = [
        row
        for row in counted
        if lost(row) and row["Причина отказа"].strip().casefold() in ("не отвечает", "недозвон")
    ]
    talks = {}
    for _, deal, phone, seconds, _ in log:
        talks.setdefault(deal or digits(phone), []).append(int(seconds))
    found = Counter()
    for row in silent:
        calls = talks.get(row["ID"], []) + talks.get(digits(row["Рабочий телефон"]), [])
        long = any(seconds >= 60 for seconds in calls)
        kind = "never_called" if not calls else "talked" if long else "one_or_two_attempts"
        found[kind if kind != "one_or_two_attempts" or len(calls) < 3 else "three_attempts_or_more"] += 1
    assert {"leads": len(silent)} | found == truth["claims"]["silent"]


def test_too_expensive_before_anyone_named_a_price_as_often_as_stated(counted, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    seen = {deal for deal, _, _, to, *_ in moves if to in ("Замер и эскиз", "Согласовываю ТЗ")}
    known = {deal for deal, *_ in moves}
    words = ("дорого", "высокая цена", f"дорого {SCRIPT}".casefold())
    price = [row["ID"] for row in counted if lost(row) and row["Причина отказа"].strip().casefold() in words]
    stated = truth["claims"]["price"]
    assert len(price) == stated["leads"]
    assert sum(deal in known and deal not in seen for deal in price) == stated["before_a_price_was_seen"]
    assert sum(deal not in known for deal in price) == stated["stage_unknown"]


BAD_TASKS = {
    "созвон",
    "мониторинг",
    "выйти на ЛПР",
    "проинформировать о скидке",
    "получить обратную связь",
    "выяснить что решили",
}


def test_one_manager_plans_results_and_the_others_mostly_do_not(truth):
    _, lines = rows("tasks.csv", "utf-8")
    total, good, bad = Counter(), Counter(), Counter()
    for _, _, title, who, *_ in lines:
        total[who] += 1
        good[who] += title.startswith("Договориться о ")
        bad[who] += title in BAD_TASKS
    stated = short(truth["tasks"]["wording"])
    assert {who: (total[who], good[who], bad[who]) for who in total} == {
        who: (part["tasks"], part["good"], part["bad"]) for who, part in stated.items()
    }
    tidy = truth["tasks"]["tidy_manager"].split()[0]
    assert stands_out({who: good[who] / total[who] for who in total}, tidy, 1.8)


def test_open_deals_lie_without_a_task_at_one_stage_and_have_one_elsewhere(counted, truth):
    _, lines = rows("tasks.csv", "utf-8")
    live, late = set(), set()
    for _, deal, _, _, _, due, done in lines:
        if not done:
            (live if dt.datetime.strptime(due, "%d.%m.%Y") >= AS_OF - dt.timedelta(days=1) else late).add(
                deal
            )
    found = {name: Counter() for name in truth["tasks"]["open_deals"]}
    for row in counted:
        if row["Дата закрытия"] == "не закрыта":
            kind = "live" if row["ID"] in live else "overdue" if row["ID"] in late else "none"
            found[row["Этап"]].update(["open", kind])
    for name, stated in truth["tasks"]["open_deals"].items():
        assert {key: found[name][key] for key in stated} == stated
    pocket = found.pop(truth["tasks"]["pocket"])
    assert pocket["none"] > 0.5 * pocket["open"]
    assert all(stage["none"] <= 0.1 * stage["open"] for stage in found.values())


def test_the_oldest_open_deals_have_a_live_task_unless_they_lie_in_the_pocket(counted, truth):
    _, lines = rows("tasks.csv", "utf-8")
    live = {deal for _, deal, *_, due, done in lines if not done and day(due) >= LAST_DAY}
    old = [
        row
        for row in counted
        if row["Дата закрытия"] == "не закрыта"
        and when(row["Дата создания сделки"]) <= AS_OF - dt.timedelta(days=30, hours=5)
    ]
    stated = truth["tasks"]["older_than_30_days"]
    assert (len(old), sum(row["ID"] in live for row in old)) == (stated["open"], stated["live"])
    assert all(row["ID"] in live for row in old if row["Этап"] != truth["tasks"]["pocket"])


def test_fields_of_a_head_of_sales_are_filled_as_stated(counted, truth):
    stated = truth["fields"]
    due = [row for row in counted if row["Срок покупки"]]
    passed = [
        row for row in due if row["Дата закрытия"] == "не закрыта" and day(row["Срок покупки"]) < LAST_DAY
    ]
    won = [row for row in counted if row["Этап"] == "Успешно реализовано"]
    with_deadline = sum(bool(row["Срок покупки"]) for row in won)
    assert stated["deadline"] == {
        "filled": len(due),
        "passed_and_open": len(passed),
        "won_with": with_deadline,
        "won_without": len(won) - with_deadline,
    }
    assert 0.3 < len(due) / len(counted) < 0.4
    people = Counter(row["Контактов"] for row in counted if row["Контактов"])
    assert people == stated["contacts"]
    assert all(row["Роли"].count(",") < int(row["Контактов"]) for row in counted if row["Роли"])
    ratios = sorted(
        roubles(row["Первый бюджет"]) / roubles(row["Бюджет"]) for row in won if row["Первый бюджет"]
    )
    middle = (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
    assert float(middle) == pytest.approx(stated["first_budget"]["median_over_the_final"], abs=0.001)
    assert middle > Decimal("1.2")


def test_facts_of_stages_are_noted_as_often_as_stated_and_before_the_move(counted, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    names = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
    order = {name: number for number, name in enumerate([*names, "Успешно реализовано"])}
    left = {
        (deal, source): when(moment)
        for deal, moment, source, to, *_ in moves
        if order.get(to, 0) > order.get(source, 9)
    }
    for place, heading in ((2, "Дата замера"), (3, "ТЗ согласовано"), (4, "Дата договора")):
        stated = truth["fields"]["facts"][names[place]]
        beyond = [*names[place + 1 :], "Успешно реализовано"]
        went = {deal for deal, _, _, to, *_ in moves if to in beyond}
        passed = [row for row in counted if row["ID"] in went or row["Этап"] in beyond]
        noted = [row for row in passed if row[heading]]
        assert (len(passed), len(noted)) == (stated["passed"], stated["filled"])
        assert 0.7 < len(noted) / len(passed) < 0.99
        for row in noted:
            move = left.get((row["ID"], names[place]))
            assert move is None or when(f"{row[heading]} 00:00"[:16]) <= move


def test_budgets_are_noted_ever_more_often_and_come_down_on_the_way(truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    budgets = {}
    for deal, _, _, to, _, budget in moves:
        budgets.setdefault(to, {})[deal] = roubles(budget) if budget else None
    share = {
        stage: sum(cell is not None for cell in cells.values()) / len(cells)
        for stage, cells in budgets.items()
    }
    assert share["Новая заявка"] < 0.5 < 0.7 < share["Квалификация"] < 0.8 < 0.9 < share["Замер и эскиз"]
    first, last = budgets["Новая заявка"], budgets["Успешно реализовано"]
    down = [first[deal] > last[deal] for deal in last if first.get(deal)]
    assert sum(down) > 0.9 * len(down) > 50
