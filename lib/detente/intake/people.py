"""People without names: phones and e-mails in one spelling, then keyed hashes; the key; test leads.

A pseudonym is hex(HMAC_SHA256(key, kind + ":" + value))[:16]. Values are read once per distinct cell. The
key comes from the environment variable DETENTE_KEY or from a file that only its owner can read; it is never
logged.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import phonenumbers
import platformdirs
import pyarrow as pa

from detente import engine
from detente.audit import Audit, AuditError
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

_EMAIL = re.compile(r"[a-z0-9._%+\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.[a-z]{2,}")
_RUSSIAN_MOBILE = re.compile(r"(?:\+?7|8)?(9[0-24-9]\d{8})")
_PHONE_NOISE = str.maketrans("", "", " \u00a0()-.\u2011–")
_POWER = re.compile(r"\d(?:[.,]\d+)?[eEеЕ]\+?\d+")


def key() -> bytes:
    """The pseudonymisation key: DETENTE_KEY, else a file made at first need with mode 0600."""
    if stated := os.environ.get("DETENTE_KEY"):
        if len(stated.encode()) < 16:
            raise AuditError("DETENTE_KEY is shorter than 16 bytes; take a long random text")
        return stated.encode()
    path = Path(platformdirs.user_config_dir("detente")) / "key"
    if not path.exists():
        _make_key(path)
    return path.read_bytes()


def _make_key(path: Path) -> None:
    """Write 32 random bytes; where two processes start at once, the first one's key holds."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"key.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:
        draft.replace(path)
        return
    draft.unlink()


def fingerprint(secret: bytes) -> str:
    """A mark that changes with the key and tells nothing about it."""
    return hmac.digest(secret, b"fingerprint", "sha256").hex()[:16]


def pseudonym(secret: bytes, kind: str, value: str) -> str:
    """The keyed hash of one normalised value; `kind` keeps a phone from meeting an id of the same digits."""
    return hmac.digest(secret, f"{kind}:{value}".encode(), "sha256").hex()[:16]


def phone(cell: str, region: str) -> str | None:
    """The first valid phone of a cell in international form, None where there is none.

    Takes 8/7/+7, brackets, extensions, names beside the number and several numbers in a cell.
    """
    bare = cell.translate(_PHONE_NOISE)
    if region == "RU" and (match := _RUSSIAN_MOBILE.fullmatch(bare)):
        return f"+7{match[1]}"
    if _POWER.fullmatch(cell.strip()):
        return None
    try:
        number = phonenumbers.parse(cell, region)
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    for match in phonenumbers.PhoneNumberMatcher(cell, region):
        return phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    return None


def lost_digits(cell: str) -> bool:
    """Whether a spreadsheet turned a phone into 7.9E+10."""
    return bool(_POWER.fullmatch(cell.strip()))


def email(cell: str) -> str | None:
    """The first e-mail address of a cell in lower case, None where there is none."""
    match = _EMAIL.search(cell.strip().casefold().removeprefix("mailto:"))
    return match[0] if match else None


def person_id(cell: str) -> str | None:
    """A contact's own id as it is."""
    return cell.strip() or None


def hashes(cells: list[str], secret: bytes, kind: str, normal: Callable[[str], str | None]) -> ibis.Table:
    """A small table raw -> hashed, one row per cell; hashed is NULL where the cell holds no such thing."""
    digest, start = hmac.digest, f"{kind}:".encode()  # `pseudonym`, unrolled: there may be millions
    normalised = [normal(cell) for cell in cells]
    hashed = [value and digest(secret, start + value.encode(), "sha256").hex()[:16] for value in normalised]
    return small_table({"raw": cells, "hashed": [value or None for value in hashed]})


def distinct(table: ibis.Table, column: str) -> list[str]:
    """The different filled cells of a text column."""
    picked = table.filter(table[column].notnull()).select(column).distinct()
    return engine.connection().to_pyarrow(picked)[column].to_pylist()


def small_table(columns: dict[str, Iterable[str | None]]) -> ibis.Table:
    """Text columns made in Python as a table to join."""
    import ibis

    engine.connection()
    return ibis.memtable(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))


def holds_word(title: ibis.expr.types.StringValue, words: Iterable[str]):
    """Whether a title holds one of the words as a whole word: «тест», never «тестомес» or «Тестов»."""
    import ibis

    forms = sorted({re.escape(fold(word)) for word in words if fold(word)})
    if not forms:
        return ibis.literal(False)
    pattern = rf"(^|[^\p{{L}}\p{{N}}_])({'|'.join(forms)})([^\p{{L}}\p{{N}}_]|$)"
    return title.lower().replace("ё", "е").re_search(pattern).fill_null(False)


def staff(audit: Audit, secret: bytes) -> tuple[list[str], list[str]]:
    """The pseudonyms of the company's own phones and e-mails."""
    phones = [phone(cell, audit.phone_region) for cell in audit.tests.phones]
    emails = [email(cell) for cell in audit.tests.emails]
    return (
        [pseudonym(secret, "phone", value) for value in phones if value],
        [pseudonym(secret, "email", value) for value in emails if value],
    )


def source_hash(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


TRADE = frozenset({"ЛПР", "ЛВР", "ТЗ", "КП", "ДС", "ЭДО", "НДС", "CRM", "NDA", "RFP", "VAT"})  # nobody's name


def wording(titles: list[str]) -> list[str | None]:
    """Task titles reduced to what says nothing about a person, in the same order.

    A word stays when it is written in small letters without digits, is an abbreviation of the trade, or opens
    at least five different titles («Перезвонить»); names, numbers and addresses go.
    """
    openings: dict[str, int] = {}
    for title in titles:
        opening = fold(title).split(" ")[0]
        openings[opening] = openings.get(opening, 0) + 1

    def safe(place: int, word: str) -> bool:
        bare = word.strip(".,:;!?()«»\"'")
        if not bare or re.search(r"[\d@/\\]|\.\w", word):
            return False
        return bare.islower() or bare in TRADE or (place == 0 and openings.get(fold(bare), 0) >= 5)

    kept = (
        " ".join(word for place, word in enumerate(title.split()) if safe(place, word)) for title in titles
    )
    return [text or None for text in kept]


def contacts(table: ibis.Table) -> tuple[ibis.Table, ibis.Table]:
    """Which person a phone belongs to, and an e-mail: phone -> person, email -> person, each once."""
    import ibis

    known = table.filter(table["phone"].notnull())
    by_phone = known.group_by("phone").aggregate(
        owner=ibis.coalesce(known["person"].min(), known["phone"].min())
    )
    by_phone = by_phone.rename(_phone="phone", _phone_owner="owner")
    linked = table.left_join(by_phone, table["phone"] == by_phone["_phone"])
    owner = ibis.coalesce(linked["person"], linked["_phone_owner"])
    linked = linked.select("email", owner=owner).filter(lambda t: t.email.notnull() & t.owner.notnull())
    by_email = linked.group_by("email").aggregate(_email_owner=linked["owner"].min()).rename(_email="email")
    return by_phone, by_email


def with_person(table: ibis.Table, known: tuple[ibis.Table, ibis.Table]) -> ibis.Table:
    """Fill `person`: the contact's own id, else whose phone it is, else whose e-mail."""
    import ibis

    by_phone, by_email = known
    email = "email" in table.columns
    found = table.left_join(by_phone, table["phone"] == by_phone["_phone"])
    if email:
        found = found.left_join(by_email, found["email"] == by_email["_email"])
    person = [found["person"], found["_phone_owner"], found["phone"]]
    person += [found["_email_owner"], found["email"]] if email else []
    picked = {name: found[name] for name in table.columns}
    return found.select(**{**picked, "person": ibis.coalesce(*person)})
