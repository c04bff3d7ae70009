"""audit.yml: every mistake gives one message with the file, the line and what to write instead."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import stated_audit
from detente.audit import Audit, AuditError
from detente.stated import slug
from stated_audit import LEAST, message, read

PHONE = "  - {{id: {0}, column: x, operator: valid_phone, ru: а, en: a}}\n"
REASON = "  - {{id: {0}, reasons: [{1}], ru: а, en: a}}\n"
CRITERION = "  - {{id: budget, column: Бюджет, operator: {0}, value: {1}, ru: Бюджет, en: Budget}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stated_audit.folder(tmp_path)


def criterion(folder: Path, operator: str, value: str) -> object:
    return read(folder, LEAST + "criteria:\n" + CRITERION.format(operator, value)).criteria[0].value


def test_four_keys_are_enough_and_the_rest_has_stated_defaults(folder):
    audit = read(folder, LEAST)
    assert audit.funnel.won == ["Успешно реализовано"]
    assert [stage.name for stage in audit.funnel.stages] == ["Новая", "В работе"]
    assert (audit.language, audit.currency, audit.thresholds.level) == ("ru", "RUB", 0.95)
    assert audit.files(audit.sources.deals) == [folder / "deals.csv"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("curency: EUR\n", "audit.yml, line 9: curency: unknown key; did you mean «currency»?"),
        (
            "thresholds: {levle: 0.9}\n",
            "audit.yml, line 9: thresholds.levle: unknown key; did you mean «level»?",
        ),
        (
            "labels:\n  - {id: a, by: sales, colum: x, column: x, target: y, ru: a, en: a}\n",
            "audit.yml, line 10: labels[1].colum: unknown key; did you mean «column»?",
        ),
        (
            "alerts: {xyz: 1}\n",
            "audit.yml, line 9: alerts.xyz: unknown key; known keys here: non_target_share, ",
        ),
        ("path: x\n", "audit.yml, line 9: path: unknown key"),
    ],
)
def test_a_wrong_key_is_named_with_its_line_and_the_nearest_right_one(folder, extra, said):
    assert message(folder, LEAST + extra).startswith(said)


def test_a_misspelt_required_key_is_one_mistake_and_not_also_a_missing_key(folder):
    said = message(folder, LEAST.replace("deals:", "deal:"))
    assert said == "audit.yml, line 3: sources.deal: unknown key; did you mean «deals»?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            LEAST.replace("client: ООО «Детские площадки»\n", ""),
            "audit.yml: client: this key is missing; add it",
        ),
        (
            LEAST.replace("  lost: [Закрыто и не реализовано]\n", "  lost:\n"),
            "audit.yml, line 8: funnel.lost: this key",
        ),
    ],
)
def test_a_missing_key_and_a_key_without_a_value_are_the_same_mistake(folder, text, said):
    assert message(folder, text).startswith(said)


def test_an_optional_section_with_everything_commented_out_is_as_if_not_there(folder):
    audit = read(folder, LEAST + "criteria:\n  # - id: budget\nlabels:\nthresholds:\n")
    assert audit.criteria == []
    assert audit.thresholds.min_group == 30


@pytest.mark.parametrize(
    ("extra", "line", "said"),
    [
        (
            "thresholds: {level: 95}\n",
            9,
            "thresholds.level: must be less than 1; a share is written as 0.95, not 95",
        ),
        ("thresholds: {min_group: много}\n", 9, "thresholds.min_group: expected a whole number"),
        (
            "alerts: {non_target_share: '12,5 %'}\n",
            9,
            "alerts.non_target_share: expected a number, with a point",
        ),
        ("managers: {show: maybe}\n", 9, "managers.show: write true or false"),
        ("language: de\n", 9, "language: write one of: ru, en"),
        ("currency: рубли\n", 9, "currency: write three capital letters, such as RUB"),
        ("timezone: Moscow\n", 9, "timezone: there is no time zone «Moscow»; write one like Europe/Moscow"),
        ("channels: [Яндекс]\n", 9, "channels: expected keys with values"),
        ("criteria: {id: budget}\n", 9, "criteria: expected a list"),
        ("tests: нет\n", 9, "tests: expected keys with values: words, channels, phones, emails"),
        (
            "reasons:\n  - {id: Цена, reasons: [дорого], ru: а, en: a}\n",
            10,
            "reasons[1].id: use lower-case Latin letters",
        ),
        (
            "labels:\n  - {id: a, by: sale, column: x, target: y, ru: a, en: a}\n",
            10,
            "labels[1].by: write one of: marketing, sales, other; did you mean «sales»?",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_what_to_write(folder, extra, line, said):
    assert message(folder, LEAST + extra).startswith(f"audit.yml, line {line}: {said}")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (
            "period: {from: 2026-03-01, to: 2025-01-01}\n",
            "period: it ends (2025-01-01) before it begins (2026-03-01)",
        ),
        ("period: {from: 2026-02-31}\n", "period.from: there is no such day; write one as 2026-03-31"),
        ("period: {to: 31.03.2026}\n", "period.to: there is no such day; write one as 2026-03-31"),
        ("period: {from: 2026}\n", "period.from: there is no such day; write one as 2026-03-31"),
        ("as_of: вчера\n", "as_of: there is no such day; write one as 2026-03-31"),
    ],
)
def test_an_impossible_period_is_refused_with_its_line(folder, extra, said):
    assert message(folder, LEAST + extra).startswith(f"audit.yml, line 9: {said}")


def test_a_period_of_one_day_is_possible(folder):
    period = read(folder, LEAST + "period: {from: 2026-03-31, to: 2026-03-31}\n").period
    assert period.from_ == period.to == dt.date(2026, 3, 31)


def test_a_missing_export_is_told_with_its_line_and_the_nearest_file(folder):
    said = message(folder, LEAST.replace("deals.csv", "deal.csv"))
    assert (
        said
        == "audit.yml, line 4: sources.deals.file: there is no file «deal.csv»; did you mean «deals.csv»?"
    )


def test_of_several_exports_the_line_of_the_missing_one_is_told(folder):
    spend = "  spend:\n    - {file: deals.csv}\n    - {file: [deals.csv, september.csv]}\n"
    said = message(folder, LEAST.replace("funnel:", spend + "funnel:"))
    assert said.startswith("audit.yml, line 7: sources.spend[2].file[2]: there is no file «september.csv»")


def test_a_canonical_column_that_the_table_lacks_is_told_with_the_nearest(folder):
    columns = "    columns: {creatd_at: Дата создания}\n"
    said = message(folder, LEAST.replace("funnel:", columns + "funnel:"))
    assert said.startswith("audit.yml, line 5: sources.deals.columns.creatd_at: ")
    assert said.endswith("did you mean «created_at»?")


def test_two_mistakes_give_two_messages_in_the_order_of_the_file(folder):
    with pytest.raises(AuditError) as caught:
        read(folder, "langage: ru\n" + LEAST + "currency: рубли\n")
    assert [line.split(":")[0] for line in caught.value.lines] == ["audit.yml, line 1", "audit.yml, line 10"]


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [
        ("in", "[Москва, 77]", ["Москва", "77"]),
        ("in", "Москва", ["Москва"]),
        ("not_in", "[no, 12:30, 01]", ["no", "12:30", "01"]),
        ("contains", "[чат]", ["чат"]),
        ("at_least", "300000", 300_000),
        ("at_most", "'0.5'", 0.5),
        ("between", "[7, 90]", [7, 90]),
        ("valid_phone", "", None),
    ],
)
def test_an_operator_gets_the_kind_of_value_it_compares(folder, operator, value, kept):
    assert criterion(folder, operator, value) == kept


@pytest.mark.parametrize(
    ("operator", "value", "need"),
    [
        ("at_least", "много", "a number"),
        ("at_least", "[5]", "a number"),
        ("between", "[5]", "a list of two numbers, the smaller one first: [from, to]"),
        ("between", "[90, 7]", "a list of two numbers, the smaller one first: [from, to]"),
        ("in", "[]", "a list of values"),
        ("contains", "", "a list of values"),
        ("valid_phone", "7", "no value"),
    ],
)
def test_an_operator_with_a_value_it_cannot_compare_says_what_it_needs(folder, operator, value, need):
    said = message(folder, LEAST + "criteria:\n" + CRITERION.format(operator, value))
    assert said == f"audit.yml, line 10: criteria[1]: operator {operator} needs {need}; correct the key value"


def test_an_unknown_operator_is_told_with_those_there_are(folder):
    said = message(folder, LEAST + "criteria:\n" + CRITERION.format("at_last", "5"))
    assert "criteria[1].operator: write one of: in, not_in, at_least, " in said
    assert said.endswith("did you mean «at_least»?")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            LEAST.replace("won: Успешно реализовано", "won: новая"),
            "stage «новая» stands in both stage 1 («Новая») and won",
        ),
        (LEAST.replace("[Новая, В работе]", "[Новая, новая]"), "stage 1 («Новая») and stage 2 («новая»)"),
        (LEAST + "channels: {A: [x], B: [X]}\n", "channels: value «X» stands in both «A» and «B»"),
        (
            LEAST + "reasons:\n" + REASON.format("a", "спам") + REASON.format("b", "спам"),
            "reasons: reason «спам» stands in both «a» and «b»",
        ),
        (
            LEAST + "reasons:\n" + REASON.format("a", "x") + REASON.format("a", "y"),
            "reasons: the id «a» stands twice; rename one",
        ),
        (
            LEAST + "criteria:\n" + "".join(PHONE.format(i) for i in ("a", "a_at")),
            "criteria: the id «a_at» is kept for the time of «a»",
        ),
        (LEAST + "labels:\n  - {id: a, by: sales, column: x, ru: a, en: a}\n", "labels[1]: state at least"),
    ],
)  # fmt: skip
def test_one_spelling_never_has_two_meanings(folder, text, said):
    assert said in message(folder, text)


@pytest.mark.parametrize(
    ("name", "folder_name"),
    [
        ("ООО «Детские площадки»", "ooo-detskie-ploschadki"),
        ("Подъезд №5, Ёлка & Ко", "podezd-5-elka-ko"),
        ("CON", "client-con"),
        ("lpt1", "client-lpt1"),
        ("«»", "client"),
        ("日本", "client"),
        ("../../etc", "etc"),
        ("я" * 100, "ya" * 30),
    ],
)
def test_a_clients_folder_name_is_latin_short_and_never_reserved(name, folder_name):
    assert slug(name) == folder_name


def test_two_criteria_with_the_same_words_are_told_with_both_names(tmp_path: Path) -> None:
    path = tmp_path / "audit.yml"
    path.write_text(
        "client: X\nsources: {deals: {file: a.csv}}\nfunnel: {stages: [A], won: [B], lost: [C]}\ncriteria:\n"
        "  - {id: a, column: A, operator: at_least, value: 1, ru: одно, en: one}\n"
        "  - {id: b, column: B, operator: at_least, value: 1, ru: другое, en: One}\n",
        encoding="utf-8",
    )
    with pytest.raises(
        AuditError, match=r"line 4: criteria: the wording \(en\) «One» stands in both «a» and «b»"
    ):
        Audit.read(path)
