"""Two catalogs that say the same: keys, placeholders, alphabets, plurals, and no number in a sentence."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from detente.present.wording import Words, catalog

RU, EN = catalog("ru"), catalog("en")
PACKAGE = Path(__file__).resolve().parents[1] / "lib" / "detente"
# Names and abbreviations that a Russian reader knows in Latin letters; keys of audit.yml are told to consultants.
LATIN = {
    "ac", "audit", "bitrix", "bx", "cac", "cpl", "cpql", "crm", "csv", "excel", "google", "hubspot", "id", "l", "ltv",
    "mac", "pipedrive", "python", "romi", "sql", "utm", "xlsx", "yml", "p", "amocrm", "n", "vk", "ads",
    "at", "by", "criteria", "known", "labels", "sales", "set", "sources", "spend", "stages",
    "amount", "calls", "contacts", "deadline", "evidence", "fact", "fields", "first", "funnel", "hours", "quoted",
    "campaign", "content", "medium", "reasons", "roles", "source", "tasks", "term",
    "columns", "costs", "economics", "margin", "payments", "person", "segment", "staff",
}  # fmt: skip


def placeholders(sentence: str) -> set[tuple[str, str]]:
    """(name, format) of a sentence; a plural may stand in one language only."""
    found = {(name, spec) for _, name, spec, _ in string.Formatter().parse(sentence) if name is not None}
    return {pair for pair in found if not pair[1].startswith("plural")}


def prose(sentence: str) -> str:
    """The words without the placeholders, but with the forms of plurals."""
    return re.sub(r"\{\w+(?::(?!plural)[^}]*|:plural)?\}?", " ", sentence)


def test_both_catalogs_have_the_same_keys() -> None:
    assert set(RU) == set(EN)


@pytest.mark.parametrize("key", sorted(set(RU) & set(EN)))
def test_both_sentences_take_the_same_values(key: str) -> None:
    assert placeholders(RU[key]) == placeholders(EN[key])


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_placeholder_has_a_format_that_exists(language) -> None:
    words = Words(language)
    for key, sentence in catalog(language).items():
        for _, name, spec, turn in string.Formatter().parse(sentence):
            if name is None:
                continue
            assert name.isidentifier(), key
            assert not turn, key
            kind, *forms = spec.split("|")
            assert kind in ("", "plural") or callable(getattr(words, kind)), (key, kind)
            assert kind != "plural" or len(forms) == (3 if language == "ru" else 2), key


def test_english_sentences_have_no_cyrillic_letter() -> None:
    assert {key: text for key, text in EN.items() if re.search("[а-яё]", prose(text), re.I)} == {}


def test_russian_sentences_have_no_latin_word_but_known_names() -> None:
    found = {word.lower() for text in RU.values() for word in re.findall("[A-Za-z]+", prose(text))}
    assert found <= LATIN, found - LATIN


def test_a_sentence_of_a_finding_holds_no_number_of_its_own() -> None:
    said = ("heading", "fact", "title", "point", "question", "decision", "caption", "base")
    held = {
        key: text
        for words in (RU, EN)
        for key, text in words.items()
        if key.rsplit(".", 1)[-1].split("_")[0] in said
        and re.search(r"(?<![LAC])\d", prose(text).replace("100", ""))
    }
    assert held == {}


def test_every_key_that_the_code_names_is_there() -> None:
    files = [*PACKAGE.glob("present/*.py"), *PACKAGE.glob("run/*.py")]
    named = {
        key
        for path in files
        for key in re.findall(r"""\bt\(\s*["']([a-z_0-9.]+)["']""", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= set(EN), named - set(EN)


@pytest.mark.parametrize(
    ("count", "ru", "en"), [(1, "строка", "row"), (2, "строки", "rows"), (5, "строк", "rows"), (11, "строк", "rows"),
                            (21, "строка", "rows"), (0, "строк", "rows")],
)  # fmt: skip
def test_a_word_agrees_with_its_number(count: int, ru: str, en: str) -> None:
    assert Words("ru").format_field(count, "plural|строка|строки|строк") == ru
    assert Words("en").format_field(count, "plural|row|rows") == en


def test_a_number_without_a_format_is_refused() -> None:
    with pytest.raises(TypeError, match="needs a format"):
        Words("en").format_field(0.62, "")


def test_words_that_are_missing_are_named() -> None:
    with pytest.raises(KeyError, match=r"page\.nowhere"):
        Words("ru").t("page.nowhere")
    with pytest.raises(KeyError, match="shown"):
        Words("ru").t("table.capped", all=3)


def test_the_confidence_level_in_a_sentence_is_the_one_of_the_result() -> None:
    words = Words("en")
    assert words.format_field(0.9, "percent") == "90%"
    assert words.format_field(0.95, "percent") == "95%"


@pytest.mark.parametrize("nothing", [None, float("nan"), ""])
def test_a_group_without_a_name_is_said_to_be_not_stated(nothing) -> None:
    assert Words("en").group(nothing) == "not stated"


def test_a_manager_is_a_number_unless_shown_by_name() -> None:
    assert Words("ru").manager("#01") == "Менеджер 01"
    assert Words("en").manager("Anna") == "Anna"


def test_a_reason_without_words_shows_its_code_and_stops_nothing() -> None:
    assert Words("en").reason("a_new_reason") == "a new reason"
