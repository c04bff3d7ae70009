"""Do the names of the stages say what the manager does now, and is there a fact to move on by?

The words by which names are judged are data: lists/stage_names_ru.toml and stage_names_en.toml.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from detente.schema import fold

FEWEST, MOST = 4, 7  # open stages
LONGEST = 300  # letters of a name that are looked at
RULES = {  # code: (requirement, which of the four mistakes, severity), and what it means
    "pocket": ("R7", "pocket", "error"),  # a store, no task for the manager: «Думают», "On hold"
    "client_ball": ("R7", "client_ball", "error"),  # waiting: «Что вы решили?», "Awaiting decision"
    "no_goal": ("R1", "no_goal", "error"),  # a feeling instead of a goal: «тёплые», "Hot"
    "status": ("R8", "status", "error"),  # a state without a goal: «Переговоры», "Qualified", "Proposal sent"
    "status_with_goal": ("R8", "status", "warning"),  # «Встреча назначена»: works, could say more
    "verb_form": ("R7", "", "warning"),  # not the 1st person singular present: «Согласовать ТЗ»
    "not_me": ("R7", "", "error"),  # somebody else acts: «Склад собирает заказ»
    "no_object": ("R7", "", "error"),  # an action on nothing: «Звоню»
    "vague_verb": ("R7", "", "warning"),  # an action without an end: «Работаю с клиентом»
    "unclear": ("R7", "", "warning"),  # cannot tell: another language, or no word is known
    "no_words": ("R7", "", "error"),  # no letters at all
    "default": ("", "", "warning"),  # a faulty name that came with the CRM; evidence names the systems
    "homoglyph": ("", "", "warning"),  # Cyrillic and Latin letters in one word
    "no_fact": ("R1", "", "warning"),  # no fact is stated, and the name holds none
    "feeling": ("R1", "no_goal", "error"),  # the stated fact is a feeling: «клиент заинтересован»
    "unclear_fact": ("R1", "", "warning"),  # the stated fact is not put as something that has happened
    "too_few": ("R3", "", "error"),
    "too_many": ("R4", "", "error"),
    "no_archive": ("R11", "", "warning"),  # no closed stage for lost deals is stated: lost = []
    "ok": ("", "", "ok"),  # nothing found about this stage
}
COLUMNS = ["order", "stage", "code", "rule", "mistake", "severity", "evidence", "suggestion", "fact",
           "fact_state"]  # fmt: skip


def lint_names(
    stages: Sequence[object], won: Iterable[str] | None = None, lost: Iterable[str] | None = None
) -> pd.DataFrame:
    """What is wrong with the names and the facts of the open stages; a stage without a fault has one row "ok".

    stages    : the open stages in order, as audit.Stage (name, fact) or plain names (no fact stated).
    won, lost : names of the closed stages; None = not stated, not checked.

    Returns one row per finding, by order, then error, warning, then code; columns
        order      1..K; 0 for a finding about the whole funnel
        stage      the name as stated; None for order 0 (for a closed stage: its name)
        code       stable code of the finding: a key of RULES, explained there
        rule       number of the requirement, "R1", "R3", "R4", "R7", "R8", "R11", or ""
        mistake    which of the four frequent mistakes: "pocket", "no_goal", "status", "client_ball", or ""
        severity   "error", "warning" or "ok"
        evidence   the words that gave it away, in small letters; "" where there is none (for R3, R4: the count)
        suggestion a name in the same language that passes this linter, or None where none is honest
        fact       the stated fact, None where none is stated
        fact_state "stated" (checkable), "feeling", "unclear", "implied" (none stated, but the name holds one),
                   "none"; None for order 0

    A stage has at most one of the codes pocket … no_words, which judge the wording, and any of the others.
    A status names its goal when it holds a checkable result (договор, оплата, встреча: lists/stage_names_*.toml)
    together with what is to happen to it: a noun of action («согласование», «на подписании»), a participle of
    an agreed result («назначена»; not of one's own dispatch: «отправлено»), or an aim («на предоплату»).
    Case, spaces, punctuation and ё change no verdict; the order of stages matters for `order` only.
    Source: the 12 requirements and 4 mistakes of a sales funnel, verb form instead of case in R7.
    """
    rows = [
        {"order": order, **finding}
        for order, stage in enumerate(stages, 1)
        for finding in _stage_findings(getattr(stage, "name", stage), getattr(stage, "fact", None))
    ]
    closed = sorted({*(won or ()), *(lost or ())})
    rows += [
        {"stage": name, "code": "homoglyph", "evidence": word} for name in closed for word in _mixed(name)
    ]
    rows += [{"code": code, "evidence": evidence} for code, evidence in _funnel(len(stages), lost)]
    marks = ("rule", "mistake", "severity")
    rows = [{"order": 0, **row, **dict(zip(marks, RULES[row["code"]], strict=True))} for row in rows]
    grade = ("error", "warning", "ok").index
    rows.sort(key=lambda row: (row["order"], grade(row["severity"]), row["code"], row.get("stage", "")))
    cells = [[row.get(name) for name in COLUMNS] for row in rows]
    return pd.DataFrame(cells, columns=COLUMNS, dtype=object).astype({"order": "int64"})


def _funnel(stages: int, lost: Iterable[str] | None) -> Iterator[tuple[str, str]]:
    """Findings about the whole funnel: code and evidence."""
    if stages < FEWEST:
        yield "too_few", str(stages)
    if stages > MOST:
        yield "too_many", str(stages)
    if lost is not None and not list(lost):
        yield "no_archive", ""


def _stage_findings(name: str, fact: str | None) -> Iterator[dict[str, Any]]:
    """Everything found about one stage, "ok" where that is nothing."""
    plain = _plain(name)
    code, evidence = _judge(plain)
    state, feeling = _fact_state(fact, implied=code in ("ok", "status_with_goal", "verb_form"))
    found = [] if code == "ok" else [(code, evidence, _suggest(name, plain, code))]
    if code != "ok" and (systems := _came_with(plain)):
        found.append(("default", systems, None))
    found += [("homoglyph", word, None) for word in _mixed(name)]
    about = {"none": "no_fact", "feeling": "feeling", "unclear": "unclear_fact"}.get(state)
    if about and not (
        about == "no_fact" and code == "no_goal"
    ):  # both say it: there is nothing to move on by
        found.append((about, feeling, None))
    stated = {"stage": name, "fact": fact if fact and fact.strip() else None, "fact_state": state}
    for code, evidence, better in found or [("ok", "", None)]:
        yield {**stated, "code": code, "evidence": evidence, "suggestion": better}


def _judge(plain: str) -> tuple[str, str]:
    """The one code about the wording of a plain name, and the words that decided."""
    if not plain or not any(letter.isalpha() for letter in plain):
        return "no_words", ""
    language = _language(plain)
    return {"ru": _judge_russian, "en": _judge_english}.get(language, lambda text: ("unclear", ""))(plain)


def _judge_russian(plain: str) -> tuple[str, str]:
    lists, words = _lists("ru"), plain.split()
    if found := _matched(lists["waiting"], plain):
        return "client_ball", found
    opening = next((place for place, word in enumerate(words) if word not in lists["skipped"]), 0)
    verb = words[opening]
    if own := [one for one in _parses(verb) if {"VERB", "1per", "sing", "pres"} in one.tag]:
        if not any(_can_be_object(word) for word in words[opening + 1 :]):
            return "no_object", verb
        return ("vague_verb", verb) if _plain(own[0].normal_form) in lists["vague"] else ("ok", "")
    for code in ("pocket", "client_ball", "no_goal"):
        if found := _matched(lists[code], plain):
            return code, found
    first = _parses(verb)[0].tag
    if "INFN" in first or "impr" in first or ("VERB" in first and "1per" in first):
        return "verb_form", verb
    for word in words:
        if "3per" in (tag := _parses(word)[0].tag) and "past" not in tag and not word.endswith("ся"):
            return "not_me", word
    if not any(_parses(word)[0].is_known for word in words):
        return "unclear", ""
    return _status(plain, _russian_goal(words, lists))


def _russian_goal(words: Sequence[str], lists: dict[str, Any]) -> list[str]:
    """The words that name a checkable result and what is to happen to it; none where there is no goal."""
    lemmas = [_lemmas(word) for word in words]
    results = [place for place, found in enumerate(lemmas) if found & lists["results"].keys()]
    actions = [place for place, found in enumerate(lemmas) if found & lists["actions"].keys()]
    done = [place for place, word in enumerate(words) if _agreed(word, lists)]
    for result in results:
        if happens := [place for place in (*actions, *done) if place != result][:1]:
            return [words[place] for place in sorted([result, *happens])]
        aim = {"на", "для", "до"} & set(words[max(result - 2, 0) : result])
        if aim and any("loct" not in one.tag for one in _parses(words[result])):
            return words[: result + 1]
    return []


def _agreed(word: str, lists: dict[str, Any]) -> bool:
    """«назначена», «подписанный», «поступила», but no dispatch of one's own: «отправлено»."""
    if word.isascii() or _lemmas(word) & {*lists["dispatch"], *lists["results"]}:
        return word in lists.get("agreed", ())
    return _has_ended(word) or {"PRTF", "past", "pssv"} in _parses(word)[0].tag


def _judge_english(plain: str) -> tuple[str, str]:
    lists = _lists("en")
    plain = re.sub(r"^(i am|i m|i|to) (?=[a-z])", "", plain)
    words = plain.split()
    first, rest = words[0], [word for word in words[1:] if word not in lists["small"]]
    if found := _matched(lists["waiting"], plain):
        return "client_ball", found
    ends = {*lists["agreed"], *lists["dispatch"], "delayed"}
    gerund = len(first) > 4 and first.endswith("ing") and first not in lists["things"]
    action = bool(rest) and (gerund or not ends & set(rest))  # "Contact made" is no action
    listed = action and bool(_bases(first) & set(lists["verbs"]))
    for code in ("pocket", "client_ball", "no_goal"):
        if not listed and (found := _matched(lists[code], plain)):
            return code, found
    if gerund and not rest:
        return "no_object", first
    if listed or (action and (gerund or first in lists["vague"])):
        return ("vague_verb", first) if first in lists["vague"] else ("ok", "")
    if not set(words) & _english_words():
        return "unclear", ""
    results = [word for word in words if word in lists["results"]]
    others = [word for word in words if word in lists["actions"] or _agreed(word, lists)]
    return _status(plain, [*results[:1], *others[:1]] if results and others else [])


def _status(plain: str, goal: list[str]) -> tuple[str, str]:
    return ("status_with_goal", " ".join(goal)) if goal else ("status", " ".join(plain.split()[:6]))


def _suggest(name: str, plain: str, code: str) -> str | None:
    """A better name in the same language that the linter passes, or None where none is honest."""
    if not (lists := _lists(_language(plain))):
        return None
    better = [new for pattern, new in lists["rewrites"].items() if re.search(pattern, plain)]
    if code == "verb_form":
        better.append(_first_person(name))
    over = any(_agreed(word, lists) for word in plain.split())  # «ТЗ согласовано» is not what he does now
    if code in ("status", "status_with_goal", "client_ball", "vague_verb") and not over:
        better += _composed(plain, lists)
    return next((new for new in better if new and _judge(_plain(new))[0] == "ok"), None)


def _composed(plain: str, lists: dict[str, Any]) -> Iterator[str]:
    """«Согласование договора», «Договор на согласовании» -> «Согласовываю договор»; «Оплата» -> «Получаю оплату»."""
    lemmas = [_lemmas(word) for word in plain.split()]
    things = [lists["results"][word] for found in lemmas for word in sorted(found & lists["results"].keys())]
    found = (word for words in lemmas for word in sorted(words & lists["actions"].keys()))
    for verb in map(lists["actions"].get, found):
        if " " in verb or things:
            yield verb if " " in verb else f"{verb} {things[0][1]}"
    yield from (name for name, _ in reversed(things))


def _first_person(name: str) -> str | None:
    """«Согласовать ТЗ», «Согласовываем ТЗ» -> «Согласовываю ТЗ»."""
    first, _, rest = " ".join(_clean(name).split()).partition(" ")
    top = _parses(_plain(first))[0]
    form = None if "perf" in top.tag else top.inflect({"1per", "sing", "pres"})
    verb = _lists("ru")["aspect"].get(_plain(top.normal_form)) or (form and form.word.capitalize())
    return f"{verb} {rest}" if verb and rest else None


def _fact_state(fact: str | None, implied: bool) -> tuple[str, str]:
    """State of a stated fact, and the words that make it a feeling."""
    plain = _plain(fact or "")
    if not plain:
        return ("implied" if implied else "none"), ""
    language = _language(plain)
    if language not in ("ru", "en"):
        return "unclear", ""
    lists = _lists(language)["facts"]
    if found := _matched(lists["feelings"], plain):
        return "feeling", found
    has_ended = _has_ended if language == "ru" else (lambda word: word.endswith("ed") and len(word) > 4)
    happened = any(word in lists["happened"] or has_ended(word) for word in plain.split())
    return ("stated" if happened else "unclear"), ""


def _has_ended(word: str) -> bool:
    tag = _parses(word)[0].tag
    return "PRTS" in tag or {"VERB", "past"} in tag


def homoglyphs(texts: Iterable[str | None]) -> pd.DataFrame:
    """Words that mix Cyrillic and Latin letters that look alike: «СRM» with a Cyrillic С.

    texts : names, tags, anything typed; None and repeated texts are taken once.

    Returns one row per word, by text, then position; columns
        text      as given
        word      the word with both alphabets
        position  of the first letter that does not belong, in `text`, from 0
        letter    that letter
        script    its alphabet: "cyrillic" or "latin"; where both would do, that of fewer letters, then Latin
        repaired  the word in the other alphabet
    A word in which neither alphabet consists of look-alikes alone («PRодвижение») is meant so and is no finding.
    """
    rows = [(text, *found) for text in sorted({text for text in texts if text}) for found in _foreign(text)]
    return pd.DataFrame(rows, columns=["text", "word", "position", "letter", "script", "repaired"])


_LATIN, _CYRILLIC = "ABEKMHOPCTYXaeopcyxisj", "АВЕКМНОРСТУХаеорсухіѕј"
_OTHER = {"latin": str.maketrans(_LATIN, _CYRILLIC), "cyrillic": str.maketrans(_CYRILLIC, _LATIN)}


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0].lower()


def _foreign(text: str) -> Iterator[tuple[str, int, str, str, str]]:
    """word, position, letter, script, repaired: of every word with letters of the other alphabet by mistake."""
    for match in re.finditer(r"[^\W\d_]+", text):
        word, scripts = match.group(), [_script(letter) for letter in match.group()]
        for script in sorted(_OTHER, key=scripts.count) if set(scripts) == set(_OTHER) else ():
            letters = {letter for letter, its in zip(word, scripts, strict=True) if its == script}
            if all(ord(letter) in _OTHER[script] for letter in letters):
                place = scripts.index(script)
                yield word, match.start() + place, word[place], script, word.translate(_OTHER[script])
                break


def _mixed(text: str) -> list[str]:
    return list(dict.fromkeys(word for word, *_ in _foreign(text)))


def _clean(text: str) -> str:
    """A name without its number («1.», «Этап 2:») and invisible marks, words of two alphabets repaired."""
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    for word, *_, repaired in list(_foreign(text)):
        text = text.replace(word, repaired)
    return re.sub(r"^\W*((этап|стадия|шаг|stage|step)\W+)?\d+\W+(?=[^\W\d])", "", text, flags=re.IGNORECASE)


def _plain(text: str) -> str:
    """Small letters, е for ё, single spaces, nothing but words."""
    return fold(re.sub(r"[\W_]+", " ", _clean(text)))


def _language(plain: str) -> str:
    """ "ru", "en", or "" for a name in other letters."""
    letters = [letter for letter in plain if letter.isalpha()]
    russian, english = (len(re.findall(alphabet, plain)) for alphabet in ("[а-я]", "[a-z]"))
    if russian + english < len(letters):
        return ""
    return "ru" if russian >= english else "en"


def _came_with(plain: str) -> str:
    """The CRM systems that bring this stage name along, joined by a comma."""
    known = [(name, stages) for code in ("ru", "en") for name, stages in _lists(code)["defaults"].items()]
    return ", ".join(sorted(name for name, stages in known if plain in stages))


def _matched(patterns: Iterable[str], plain: str) -> str:
    """The words that the first matching pattern touches, "" where none matches."""
    for match in filter(None, (re.search(pattern, plain) for pattern in patterns)):
        start, rest = plain.rfind(" ", 0, match.start() + 1) + 1, plain[match.end() :]
        return plain[start : match.end()] + rest.partition(" ")[0]
    return ""


def _can_be_object(word: str) -> bool:
    return not word.isdigit() and (word.isascii() or any("NOUN" in one.tag for one in _parses(word)))


def _lemmas(word: str) -> set[str]:
    if word.isascii():
        return {word}
    return {word, *(one.normal_form.replace("ё", "е") for one in _parses(word) if one.score >= 0.05)}


def _bases(word: str) -> set[str]:
    """An English word and what it may be a form in -ing of."""
    stem = word.removesuffix("ing")
    return {word} if stem == word else {stem, f"{stem}e", stem[:-1]}


@cache
def _english_words() -> frozenset[str]:
    lists = _lists("en")
    named = ("known", "verbs", "vague", "things", "agreed", "dispatch", "results", "actions")
    return frozenset(word for name in named for word in lists[name])


@cache
def _lists(language: str) -> dict[str, Any]:
    """The word lists of one language; none for a language without lists."""
    file = resources.files("detente") / "metrics" / "lists" / f"stage_names_{language}.toml"
    return tomllib.loads(file.read_text("utf-8")) if language else {}


@cache
def _parses(word: str) -> list[Any]:
    return _analyser().parse(word)


@cache
def _analyser() -> Any:
    import pymorphy3  # a tenth of a second and forty megabytes: only where a Russian name is judged

    return pymorphy3.MorphAnalyzer()
