"""Leads of the sample company: verdicts, labels, channels, segments and managers are as stated, counted by hand.

Nothing of `detente` is used here: the exports are read with the standard library.
"""

from collections import Counter
from decimal import Decimal

import pytest
from python_calamine import CalamineWorkbook
from scipy.stats import chi2_contingency

from sample_exports import (
    SAMPLE,
    digits,
    lost,
    rejected,
    roubles,
    rows,
    said_of,
    short,
    stands_out,
    verdict,
    when,
)


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
