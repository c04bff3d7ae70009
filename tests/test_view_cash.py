"""What page 13 says of full, thin, one-sided and hostile money: true words in both languages, and no exception."""

from __future__ import annotations

import math
import re

import pytest

import published
import view_checks
from cash_cases import (
    ABSENT,
    CASES,
    HOSTILE,
    IDS,
    run_both,
)
from detente.present.findings import ASK


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[tuple[str, str], tuple]:
    return {
        (name, language): said
        for name, case in CASES.items()
        for language, said in run_both(case, tmp_path_factory.mktemp("told")).items()
    }


@pytest.fixture(scope="module", params=CASES)
def case(request, told) -> dict[str, tuple]:
    return {language: told[request.param, language] for language in ("en", "ru")}


@pytest.mark.parametrize("name", CASES)
def test_every_question_is_answered_or_belongs_to_the_one_card_that_says_what_is_missing(told, name) -> None:
    money = CASES[name]
    absent = ABSENT.get(name, set()) | (set() if money.rows is not None else {"cash_doubled", "cash_shift"})
    bank = {"cash_bank"} if money.basis == "paid_field" else set()
    for language in ("en", "ru"):
        assert set(told[name, language][0]) == IDS - absent | bank


def test_every_finding_has_words_and_a_number_only_where_it_can_be_told(case) -> None:
    for found, _, _ in case.values():
        for item in found.values():
            assert item.ask in ASK
            assert item.status in {"ok", "cannot_tell", "not_available"}
            assert item.status == "ok" or math.isnan(item.value)
            assert item.headline.strip(), item.id
            assert item.fact.strip(), item.id
            assert item.decision.strip(), item.id


def test_both_languages_tell_the_same_numbers(case) -> None:
    def bare(found: dict) -> list[tuple]:
        return [(item.id, item.status, item.unit, item.n, repr(float(item.value))) for item in found.values()]

    assert bare(case["en"][0]) == bare(case["ru"][0])


def test_no_hole_stands_in_a_sentence(case) -> None:
    for found, said, _ in case.values():
        hole = published.HOLE.search(said)
        assert hole is None, said[max(0, hole.start() - 80) : hole.end() + 80]
        for item in found.values():
            assert item.status != "ok" or "—" not in re.sub(r" — |\(—, ", "", item.fact), (item.id, item.fact)


def test_the_number_of_a_finding_is_the_one_in_its_sentence(case) -> None:
    for language, (found, _, _) in case.items():
        view_checks.number_said(found.values(), language)


def test_names_from_data_reach_the_page_escaped(told) -> None:
    _, _, html = told["hostile names; channels differ", "en"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- what is said ---
def fact(told, case: str, ident: str, language: str = "en") -> str:
    return told[case, language][0][ident].fact


def test_the_head_says_what_a_hundred_became(told) -> None:
    said = told["full", "en"][1]
    assert said.startswith("Every ₽100 of won deals is ₽88 in the bank")  # 36 100 of 40 870
    ru = told["full", "ru"][1]
    assert ru.startswith("Каждые 100\u00a0₽ выигранных сделок — это 88\u00a0₽ в банке")


def test_amounts_of_the_crm_are_loudly_called_no_money(told) -> None:
    found, said, html = told["amounts only", "ru"]
    assert said.startswith("Денег в данных нет: суммы сделок в CRM — это ещё не деньги")
    assert {name for name, item in found.items() if item.status == "not_available"} == {
        "cash_match",
        "cash_repeat",
    }
    assert html.count("Поступления из банка или 1С") == 1
    assert "здесь суммы выигранных сделок, а не деньги" in html
    assert "нашли свою пару" not in html
    assert "Поступило" not in html


def test_a_field_of_the_crm_is_no_bank(told) -> None:
    found, said, html = told["a field of the CRM", "ru"]
    assert "а не по банку" in said.split("\n")[0]
    assert found["cash_match"].value == pytest.approx(2 / 3)
    assert found["cash_bank"].status == "not_available"
    assert "В банке" not in said
    assert html.count("Поступления из банка или 1С") == 1


def test_what_a_field_of_the_crm_leaves_open_is_called_no_debt_and_ages_nowhere(told) -> None:
    found, _, html = told["a field of the CRM", "ru"]
    item = found["cash_receivables"]
    assert (item.status, item.ask) == ("cannot_tell", "data")
    assert "не видно" in item.headline
    for words in ("Должны клиенты", "росрочено 5", "Долги по сроку", "должны 50"):
        assert words not in html, words


def test_nothing_is_overdue_where_no_day_of_payment_is_stated(told) -> None:
    undated = told["payments without a day of payment", "ru"]
    assert "Если платить надо было сразу" in undated[0]["cash_receivables"].fact
    assert "росрочено" not in undated[2]
    assert "Просрочено" in told["full", "ru"][0]["cash_receivables"].fact


def test_an_amount_that_nobody_filled_in_is_not_zero(told) -> None:
    _, _, html = told["a deal without an amount", "ru"]
    row = re.search(r"<tr[^>]*>(?:(?!</tr>).)*отметки об оплате нет.*?</tr>", html, re.S).group()
    assert "0\u00a0₽" not in row
    assert row.count("—") == 3
    assert "сумма не указана" in html


def test_payments_that_name_no_deal_call_none_unpaid(told) -> None:
    found, said, html = told["payments name no deal", "ru"]
    assert said.startswith("Платежи не называют сделок")
    assert found["cash_match"].status == "not_available"
    assert "У 1 из них клиент платил" in html
    assert "клиент известен у всех денег" in found["cash_unknown"].headline
    assert "Что разобрать построчно" not in html


def test_doubles_that_cannot_be_looked_for_are_not_called_absent(told) -> None:
    found, _, html = told["payments without numbers of two clients", "ru"]
    assert found["cash_doubled"].status == "not_available"
    assert "Двойных платежей не видно" not in html
    assert found["cash_unknown"].value == 7
    assert "неизвестно от кого" in found["cash_unknown"].fact


def test_a_deal_is_no_client_who_could_come_back(told) -> None:
    found, _, html = told["amounts only", "ru"]
    assert "кто клиент, в данных не указано" in found["cash_repeat"].headline
    assert "купил снова" not in html


def test_one_group_that_is_not_stated_is_no_table(told) -> None:
    _, _, html = told["payments without numbers of two clients", "ru"]
    assert "не указано" not in html
    assert "не отличается" not in html


def test_returns_that_may_not_be_exported_are_asked_for(told) -> None:
    item = told["channels alike", "ru"][0]["cash_returns"]
    assert (item.status, item.ask) == ("cannot_tell", "data")
    assert "не выгрузили?" in item.question


def test_a_purchase_that_settled_is_not_called_unchanged(told) -> None:
    item = told["the purchase settled", "ru"][0]["cash_check"]
    assert item.fact.startswith("Период февраль 2025 — декабрь 2025: типичный чек один и тот же, 500")
    assert re.search(r"До этого он был другим: 350\s₽\.", item.fact)


def test_a_range_that_says_nothing_is_not_printed(told) -> None:
    found, _, html = told["a wild segment", "ru"]
    assert "куда он движется, за этим не видно" in found["cash_check"].fact
    assert ">неясно<" in re.sub(r"\s+<", "<", re.sub(r">\s+", ">", html))
    assert not re.search(r"неясно: от [^<]*\d,\d", html)


def test_deals_without_an_amount_owe_nothing_that_can_be_told(told) -> None:
    found, _, _ = told["no amounts in the CRM", "en"]
    assert found["cash_receivables"].status == "not_available"
    assert found["cash_match"].status == "cannot_tell"
    assert "no amount" in found["cash_unpaid"].fact


def test_each_finding_of_the_full_case_is_the_one_counted_by_hand(told) -> None:
    found, _, said = told["full", "en"]
    assert found["cash_match"].value == pytest.approx(36_100 / 40_870)
    assert found["cash_unpaid"].value == 2
    assert (found["cash_doubled"].value, found["cash_doubled"].n) == (1, 1)
    assert found["cash_unknown"].value == 20 + 33 + 5
    assert found["cash_receivables"].value == 200 + 500 + 70  # of part, unpaid, young
    assert found["cash_months"].value == 40_000 - 9_044 - 5_000 - 600 + (50 + 50 + 20 + 33 + 5) - 5_000
    assert found["cash_returns"].value == pytest.approx(4 / 45)
    assert "Invoices look so too: 1 too many" in said
    assert "The books put advertising at ₽700" in said


def test_money_that_lags_and_money_that_runs_ahead_are_told(told) -> None:
    assert told["paid late; the purchase grows", "en"][0]["cash_shift"].value == 1
    assert told["paid ahead; the purchase falls", "en"][0]["cash_shift"].value == 0


def test_channels_are_named_only_where_they_differ(told) -> None:
    item = told["hostile names; channels differ", "en"][0]["cash_channels"]
    assert HOSTILE in item.headline
    assert item.value == pytest.approx(40 / 60)
    assert "Worse" in told["not due yet; one channel is worse", "ru"][0]["cash_channels"].headline
    assert told["channels alike", "en"][0]["cash_channels"].status == "cannot_tell"


def test_the_purchase_is_called_growing_falling_or_steady(told) -> None:
    cases = (
        "paid late; the purchase grows",
        "paid ahead; the purchase falls",
        "a loss; the purchase is steady",
    )
    grows, falls, steady = (told[name, "en"][0]["cash_check"] for name in cases)
    assert grows.value == pytest.approx(1.2**5 - 1, abs=0.001)
    assert falls.value == pytest.approx(0.8**5 - 1, abs=0.001)
    assert "grew" in grows.headline
    assert "fell" in falls.headline
    assert (steady.status, steady.value) == ("ok", 0)
    assert told["full", "en"][0]["cash_check"].status == "cannot_tell"


def test_no_return_is_not_called_zero_percent(told) -> None:
    assert "hardly above" in fact(told, "all went back; nobody comes back", "cash_repeat")
    assert "hardly above" in fact(told, "channels alike", "cash_returns")
    assert "If returns are exported" in fact(told, "channels alike", "cash_returns")
    assert "x" in told["a refund alone; one segment returns", "en"][0]["cash_returns"].headline


def test_a_product_below_its_cost_is_named_with_a_question(told) -> None:
    item = told["more came than was won; a product below its cost", "ru"][0]["cash_products"]
    assert "Loss" in item.fact
    assert item.question.endswith("?")
