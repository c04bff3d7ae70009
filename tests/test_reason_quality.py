"""Reasons against calls, phones and stages, counted by hand; and proposals of spelling that change no number."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from detente.audit import Stage
from detente.metrics import reason_quality as quality
from lost_deals import calls, group, journeys, losses, won

CAME, CLOSED = dt.datetime(2026, 3, 2, 10), dt.datetime(2026, 3, 20, 18)
GROUPS = [
    group("silent", "Не отвечает", claims="no_answer", no_reason=True),
    group("phone", "Неверный номер", claims="wrong_number"),
    group("price", "Дорого", claims="price"),
    group("other", "Недозвон по вине клиента", "без ответа"),
]


def day(number: int, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, number, 12)


def silent(rows, log, **options):
    return quality.no_answer(journeys(rows, GROUPS), log, GROUPS, **options)


# --- does not answer ---
def test_silence_is_ruled_by_the_calls_of_the_deal_and_of_its_person():
    rows = [*losses(4, "Не отвечает"), *losses(1, "Не отвечает", person="P")]
    log = calls(
        ("L0", None, day(3), 90), ("L0", None, day(4), 0),  # talked to
        ("L1", None, day(3), 0), ("L1", None, day(4), 5), ("L1", None, day(5), 59),  # three attempts
        ("L2", None, day(3), 0), ("L2", None, day(3), 0),  # two attempts; L3: none
        (None, "P", day(3), 61),  # the person of L4 was talked to
    )  # fmt: skip
    found = silent(rows, log)
    assert found.why == {"contradicted": 2, "unproven": 1, "thin": 1, "fits": 1, "outside": 0}
    assert (found.claimed, found.known, found.against, found.doubtful) == (5, 5, 2, 2)
    assert found.share == 0.4


def test_a_call_of_the_deal_is_not_counted_again_for_its_person():
    rows = losses(1, "Не отвечает", person="P")
    log = calls(("L0", "P", day(3), 0), ("L0", "P", day(4), 0))
    assert silent(rows, log, attempts=3).why["thin"] == 1
    assert silent(rows, log, attempts=2).why["fits"] == 1


def test_a_talk_after_the_loss_or_before_the_lead_is_not_the_talk_of_this_deal():
    rows = losses(2, "Не отвечает")
    log = calls(("L0", None, day(21), 300), ("L1", None, day(1), 300))
    assert silent(rows, log).why["unproven"] == 2
    assert silent(rows, log, any_day=True).why["contradicted"] == 2


def test_calls_of_the_first_and_of_the_last_day_count_by_day():
    rows = losses(2, "Не отвечает")
    log = calls(
        ("L0", None, CAME - dt.timedelta(hours=2), 300), ("L1", None, CLOSED + dt.timedelta(hours=3), 300)
    )
    assert silent(rows, log).why["contradicted"] == 2


def test_an_end_before_the_beginning_or_no_end_bounds_nothing():
    rows = [*losses(1, "Не отвечает", closed_at=None), *losses(1, "Не отвечает", closed_at=day(1, 2))]
    log = calls(("L0", None, day(9, 6), 300), ("L1", None, day(9, 6), 300))
    assert silent(rows, log).why["contradicted"] == 2


def test_a_lead_from_before_the_log_is_not_called_untried():
    rows = losses(1, "Не отвечает", created_at=day(1, 1), closed_at=day(5, 1))
    found = silent(
        [*rows, *losses(1, "Не отвечает")], calls(("LX", None, day(1, 2), 300), ("LY", None, day(1, 4), 3))
    )
    assert (found.why["outside"], found.why["unproven"], found.known) == (1, 1, 1)


def test_without_a_call_log_nothing_is_ruled():
    found = silent(losses(7, "Не отвечает"), None)
    assert (found.status, found.claimed, found.known) == ("no_facts", 7, 0)


def test_an_unstated_claim_is_read_off_our_list_and_counted_as_ours():
    rows = [
        *losses(2, "НЕ ОТВЕЧАЕТ "),
        *losses(3, "нет ответа"),
        *losses(4, "без ответа"),
        *losses(5, "Далеко"),
    ]
    plain = [group("silent", "не отвечает", no_reason=True), group("other", "без ответа", claims="price")]
    log = calls(("LX", None, day(2), 1), ("LX", None, day(30), 1))
    found = quality.no_answer(journeys(rows, plain), log, plain)
    assert (found.claimed, found.ours) == (5, 5)  # «без ответа» is stated to claim something else
    assert silent(losses(2, "Не отвечает"), log).ours == 0


def test_rulings_per_manager_add_up_to_the_whole():
    rows = [
        *losses(3, "Не отвечает"),
        *losses(2, "Не отвечает", manager="#02"),
        *losses(1, "Не отвечает", manager=None),
    ]
    found = silent(rows, calls(("L0", None, day(3), 90), ("L3", None, day(3), 0)))
    assert found.managers["claimed"].tolist() == [3, 2, 1]
    assert found.managers.index.isna().tolist() == [False, False, True]
    for ruling, leads in found.why.items():
        assert found.managers[ruling].sum() == leads


def test_no_claims_are_told_from_no_facts():
    assert silent(losses(3, "Далеко"), None).status == "no_claims"
    assert silent(won(3), calls(("L0", None, day(3), 90))).status == "no_claims"


# --- wrong number ---
def test_a_wrong_number_that_was_talked_to_speaks_against_the_reason():
    rows = [*losses(2, "Неверный номер", phone_valid=True), *losses(3, "Неверный номер", phone_valid=False),
            *losses(1, "Неверный номер")]  # fmt: skip
    log = calls(("L0", None, day(3), 60), ("L2", None, day(3), 59))
    found = quality.wrong_number(journeys(rows, GROUPS), log, GROUPS)
    assert found.why == {"contradicted": 1, "unproven": 1, "fits": 3, "no_phone": 1}
    assert (found.known, found.share) == (6, pytest.approx(1 / 6))


def test_without_calls_an_empty_phone_is_unknown_and_without_phones_nothing_can_be_said():
    rows = [*losses(2, "Неверный номер", phone_valid=False), *losses(1, "Неверный номер")]
    assert quality.wrong_number(journeys(rows, GROUPS), None, GROUPS).known == 2
    assert (
        quality.wrong_number(journeys(losses(3, "Неверный номер"), GROUPS), None, GROUPS).status == "no_facts"
    )


# --- price ---
STAGES = [Stage(name="New"), Stage(name="Offer", quoted=True), Stage(name="Contract")]


def test_too_expensive_before_a_price_was_named_is_unproven_and_at_that_stage_is_open():
    rows = [*losses(4, "Дорого"), *losses(3, "Дорого", furthest=2), *losses(2, "Дорого", furthest=3),
            *losses(1, "Дорого", furthest=None)]  # fmt: skip
    found = quality.price(journeys(rows, GROUPS), STAGES, GROUPS)
    assert found.why == {"unproven": 4, "at": 3, "fits": 2, "no_stage": 1}
    assert (found.known, found.doubtful, found.doubtful_share) == (9, 4, pytest.approx(4 / 9))


def test_a_funnel_without_a_stage_of_the_price_says_so():
    plain = [Stage(name="New"), Stage(name="Offer")]
    assert quality.price(journeys(losses(3, "Дорого"), GROUPS), plain, GROUPS).status == "no_facts"
    unknown = journeys(losses(3, "Дорого", furthest=None), GROUPS)
    assert quality.price(unknown, STAGES, GROUPS).status == "no_facts"


# --- not lost ---
def test_reasons_on_won_and_open_deals_are_counted_apart():
    rows = [
        *won(8),
        *won(2, loss_reason="Дорого"),
        *losses(3, "Дорого", outcome="open"),
        *losses(5, "Дорого"),
    ]
    table = quality.not_lost(journeys(rows, GROUPS))
    assert table["leads"].tolist() == [10, 3]
    assert table["with_reason"].tolist() == [2, 3]
    assert table.loc["won", "share"] == 0.2


# --- spelling ---
def proposed(*texts, groups=()):
    """Texts as (text, losses); groups: text -> id."""
    table = pd.DataFrame(
        [(text, n, dict(groups).get(text)) for text, n in texts], columns=["text", "losses", "group"]
    )
    return quality.spellings(table.astype({"group": object}))


def pairs(frame):
    return set(frame[["text", "joins"]].itertuples(index=False, name=None))


def test_the_same_words_in_another_order_and_one_letter_apart_are_surely_one():
    found = proposed(("слишком высокая цена", 9), ("цена слишком высокая", 2), ("слишком высокая цена!", 1),
                     ("не устроили условия доставки", 8), ("не устроили условие доставки", 1))  # fmt: skip
    assert pairs(found.sure) == {
        ("цена слишком высокая", "слишком высокая цена"), ("слишком высокая цена!", "слишком высокая цена"),
        ("не устроили условие доставки", "не устроили условия доставки"),
    }  # fmt: skip
    assert found.unsure.empty


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("устроила цена доставки", "не устроила цена доставки"),
        ("бюджет до 100 тысяч рублей", "бюджет до 900 тысяч рублей"),
        ("цена выше чем у конкурента", "цена ниже чем у конкурента"),
        ("нет бюджета в этом году", "нет бюджета в том году"),
    ],
)
def test_texts_that_say_the_opposite_are_never_surely_one(one, other):
    found = proposed((one, 9), (other, 2))
    assert found.sure.empty
    assert pairs(found.unsure) <= {(other, one)}


def test_a_loose_text_is_proposed_to_the_group_that_names_its_like():
    found = proposed(("не подошли условия договора", 3), ("не подошли условия договора.", 9),
                     groups=[("не подошли условия договора", "terms")])  # fmt: skip
    row = found.sure.iloc[0]
    assert (row["text"], row["joins"], row["group"]) == (
        "не подошли условия договора.",
        "не подошли условия договора",
        "terms",
    )
    assert (found.texts, found.loose, found.losses) == (2, 1, 9)


def test_texts_that_groups_name_are_never_proposed():
    found = proposed(("дорого", 5), ("дорого!", 4), groups=[("дорого", "price"), ("дорого!", "other")])
    assert found.sure.empty
    assert found.unsure.empty


def test_doubtful_texts_are_left_to_a_person_with_their_likeness():
    found = proposed(("думает", 9), ("думают", 2))
    assert found.sure.empty
    assert found.unsure.iloc[0]["text"] == "думают"
    assert 80 <= found.unsure.iloc[0]["score"] < 100


def test_no_texts_and_marks_without_words_are_no_spellings():
    assert proposed().sure.empty
    assert proposed(("-", 3), ("?", 2)).sure.empty


def test_texts_are_folded_and_counted_over_losses_alone():
    rows = [*losses(2, " ДАЛЕКО "), *losses(1, "далеко"), *losses(4, "Дорого"), *won(3, loss_reason="далеко")]
    table = quality.texts(journeys(rows, GROUPS)).sort_values("text", ignore_index=True)
    assert table["text"].tolist() == ["далеко", "дорого"]
    assert table["losses"].tolist() == [3, 4]
    assert table["group"].tolist()[1] == "price"
