"""What a name probably means: stages, loss reasons, verdicts, spellings. For drafts only, a person decides.

Nothing here ever reaches a number: `draft` writes these guesses into audit.yml with a question mark.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from detente.intake import systems
from detente.schema import fold

_LOST = (
    r"не ?реализован|проигран|провал|потерян|отказ|закрыт[оа]? и не|нецелев|некачествен|брак|отмен|"
    r"\blost\b|lose|unqualified|junk|reject|declin|cancel|failed|disqualif"
)
_WON = (
    r"успешн|реализован|выигран|оплачен|продан[оа]?\b|заключен|\bwon\b|payment done|\bpaid\b|\bsold\b|"
    r"approved|success"
)

# Words of stage names in the order in which deals usually meet them.
_ORDER = (
    r"неразобран|\bнов|входящ|заявк|\bлид\b|\bnew\b|\blead\b|incoming|submitted|первичн",
    r"в работ|взят|контакт|звон|дозв|call|contact|attempt|delayed|in progress",
    r"квалиф|qualif|preaccept",
    r"потребност|консульт|consult|discovery|вебинар|webinar|регистрац|registered|замер|\btest|accepted",
    r"встреч|демо|demo|meeting|презент|показ",
    r"\bкп\b|предложен|offer|proposal|quote|расч|смет",
    r"переговор|negot|соглас|решени|decision|finaliz",
    r"договор|contract|документ",
    r"сч[её]т|invoice|оплат|payment|предоплат|waiting",
)
UNPLACED = len(_ORDER)


@dataclass(frozen=True)
class Group:
    """A usual group of loss reasons, and the words that betray it."""

    id: str
    owner: str
    ru: str
    en: str
    words: str
    non_target: bool = False
    no_reason: bool = False


REASONS = (
    Group("spam", "marketing", "Спам", "Spam", r"спам|spam|\bбот|\bbots?\b|\bтест|\btest\b", True),
    Group("duplicate", "data", "Дубли", "Duplicates", r"дубл|duplicat|повторн|задво", True),
    Group(
        "wrong_contact", "marketing", "Неверный контакт", "Wrong contact",
        r"неверн|некоррект|неправил|ошибоч|несуществ|invalid|wrong (number|phone)",
        True,
    ),
    Group(
        "not_ours", "marketing", "Не наш клиент", "Not our client",
        r"не ?целев|non.?target|not target|не наш|не профил|unqualif|не оставлял|did(n.t| not) leave|"
        r"не ?адекват|inadequat|некачеств|junk|ошиблись",
        True,
    ),
    Group(
        "no_answer", "sales", "Не отвечает", "No answer",
        r"недозвон|не ?дозвон|не отвеча|не бер[её]т|answer|unreach|пропал|нет связи|на связь|ghost",
    ),
    Group(
        "price", "price", "Цена", "Price",
        r"дорог|цен[аыу]|бюджет|нет денег|бесплатн|expensive|pric|budget|money|free\b",
    ),
    Group(
        "competitor", "product", "Ушёл к другим", "Went to others",
        r"конкурент|друг(ую|ой) компан|rival|competitor",
    ),
    Group(
        "no_reason", "sales", "Причина не названа", "No reason given",
        r"дума(ет|ют)|подума|\bthink|^друго|^иное|^other|проч(ее|ие)|без причин|не указан|unknown",
        no_reason=True,
    ),
    Group(
        "later", "client", "Не сейчас", "Not now",
        r"отлож|позже|не сейчас|поток|перенес|later|\bnext\b|not now|timing",
    ),
    Group(
        "conditions", "product", "Условия", "Conditions",
        r"услови|договор|срок|доставк|ассортимент|condition|contract",
    ),
    Group(
        "changed_mind", "client", "Передумал", "Changed mind",
        r"передума|changed|не ?актуальн|не нужн|потерял интерес|no need|not interested|не интерес",
    ),
)  # fmt: skip

_VERDICT = (
    r"quality|качеств|квалиф|qualif|целев|\btarget|lead status|статус лида|температур|scor|оценк|rating"
)
_ALIEN = r"не ?целев|non.?target|not target|не ?качеств|junk|спам|spam|брак|не подход|^нет$|^no$|^f$"
_UNSURE = (
    r"non.?qualif|not qualif|unqualif|не ?квалиф|не провер|не обработ|not (checked|contacted)|^new$|^нов"
)
_PERSONAL = (
    r"name|имя|фио|фамил|отчеств|контакт|contact|клиент|client|customer|phone|телефон|mail|почт|адрес|address|город|"
    r"\bcity|примеч|note|коммент|comment|описан|descri|паспорт|рожд|birth|инн\b|telegram|телеграм|whatsapp|мессендж|"
    r"owner|ответствен|менедж|manager|кем |created by|modified by|user|url|ссылк|\blink|\bip\b|"
    r"gclid|yclid|clientid|_ym"
)
_KINDS = r"тип|type|вид |kind|сегмент|segment|категор|categor|отрасл|industry"
_PHONE_OR_MAIL = re.compile(r"\S+@\S+\.\S+|\+?\d(?:[\s().\-]{0,2}\d){8,}|https?://|t\.me/")
_FULL_NAME = re.compile(r"[A-ZА-ЯЁ][a-zа-яё]+(?: [A-ZА-ЯЁ]\.?[a-zа-яё]*){1,2}")
_MONEY = r"amount|\bpaid|сумм|оплат|бюджет|стоимост|price|revenue|выручк|\bчек|value|платеж|предоплат|total"


def outcome(stage: str) -> str:
    """Where a stage probably belongs: won, lost, excluded or open. Names that profiles know come first."""
    for profile in systems.profiles():
        for kind, names in profile.outcomes.items():
            if fold(stage) in {fold(name) for name in names}:
                return kind
    word = fold(stage)
    if re.search(_LOST, word):
        return "lost"
    return "won" if re.search(_WON, word) and not re.search(r"жд|ожида|wait|частич", word) else "open"


def place(stage: str) -> int:
    """The usual order of an open stage; UNPLACED where its name says nothing."""
    found = [order for order, words in enumerate(_ORDER) if re.search(words, fold(stage))]
    return max(found, default=UNPLACED)


def reason(text: str) -> Group | None:
    """The usual group of a loss reason, None where its words tell none."""
    return next((group for group in REASONS if re.search(group.words, fold(text))), None)


def is_verdict(heading: str) -> bool:
    """Whether a heading sounds like somebody's verdict on leads."""
    return bool(re.search(_VERDICT, fold(heading)))


def is_alien(value: str) -> bool:
    """Whether a value of such a column sounds like "not ours"."""
    return bool(re.search(_ALIEN, fold(value)))


def is_unsure(value: str) -> bool:
    """Whether such a value may say that nobody has looked yet."""
    return bool(re.search(_UNSURE, fold(value)))


def is_money(heading: str) -> bool:
    """Whether a heading sounds like a sum of money."""
    return bool(re.search(_MONEY, fold(heading)))


def is_test(value: str) -> bool:
    """Whether a value has the word «test» or «тест» in it."""
    return bool(re.search(r"\b(test|тест)\b", fold(value)))


def holds_contact(text: str) -> bool:
    """Whether a text holds a phone, an e-mail, a link or another long number."""
    return bool(_PHONE_OR_MAIL.search(text))


def is_personal(heading: str, cells: Sequence[str]) -> bool:
    """Whether a column may tell about persons, by its heading or its cells: such values are never shown."""
    words = fold(heading)
    if re.search(_PERSONAL, words) and not re.search(_KINDS, words):
        return True
    names = sum(bool(_FULL_NAME.fullmatch(cell)) for cell in cells)
    return any(map(holds_contact, cells)) or (len(cells) > 0 and names >= 0.8 * len(cells))


def looks_like_id(cell: str) -> bool:
    """Whether a cell is a record's id: one word with a digit, no letters beyond a code."""
    return bool(re.fullmatch(r"(?=.*\d)[0-9A-Za-z_\-:]{3,40}", cell))


def alike(names: Iterable[str]) -> list[list[str]]:
    """Spellings that are one name but for case, spaces and marks; each group in the order given."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_core(name), []).append(name)
    return [group for core, group in groups.items() if core and len(group) > 1]


def near(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ in a letter or two: perhaps one name, perhaps two."""
    cores = [(name, _core(name)) for name in names]
    return [
        (one, other)
        for place, (one, first) in enumerate(cores)
        for other, second in cores[place + 1 :]
        if first != second and min(len(first), len(second)) > 3
        and difflib.SequenceMatcher(None, first, second).ratio() >= 0.85
    ]  # fmt: skip


def _core(name: str) -> str:
    return re.sub(r"[\W_]+", "", fold(name))
