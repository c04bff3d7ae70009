"""Loss reasons of the sample company are as stated, counted by hand.

Nothing of `detente` is used here: the exports are read with the standard library.
"""

import re
from collections import Counter

from sample_exports import SAMPLE, SCRIPT, digits, lost, rejected, rows, said_of, stands_out


def test_one_loss_in_ten_has_no_reason(counted, truth):
    texts = Counter(row["Причина отказа"].strip().casefold() for row in counted if lost(row))
    assert texts == truth["reasons"]["texts"]
    assert 0.08 < texts[""] / truth["reasons"]["lost"] < 0.12


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
