"""The systems whose exports are known: headings, date formats, words for nothing, how to recognise them.

Profiles are data (`profiles/*.toml`), not code.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from detente.audit import AuditError
from detente.schema import fold

_CURRENCIES = (
    ("RUB", r"руб\w*\.?|р\.|₽|rub|rur|российский рубль"),
    ("USD", r"usd|us\$|\$|долл\w*\.?|доллар сша"),
    ("EUR", r"eur|€|евро"),
    ("KZT", r"kzt|₸|тенге|тг\.?"),
    ("BYN", r"byn|бел\. ?руб\w*\.?"),
    ("UAH", r"uah|₴|грн\.?"),
    ("UZS", r"uzs|сум"),
    ("GBP", r"gbp|£"),
)


@dataclass(frozen=True)
class Profile:
    """What is known of one system's exports.

    marks : headings that recognise it. columns : table -> canonical -> headings in order of trust.
    date_formats : canonical ("*" for all others) -> strptime formats.
    nulls : canonical ("*" for all others) -> texts that mean empty.
    row_rule : one_per_deal | product_rows_sum | product_rows_repeat.
    outcomes : won | lost | excluded -> stage names.
    footers : first words of total lines. total_when_empty : canonical column whose empty cell marks one.
    """

    id: str
    name: str
    tables: tuple[str, ...]
    marks: tuple[str, ...] = ()
    least_marks: int = 4
    row_rule: str = "one_per_deal"
    date_formats: dict[str, tuple[str, ...]] = field(default_factory=dict)
    nulls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outcomes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    columns: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    footers: tuple[str, ...] = ()
    total_when_empty: str = ""

    def aliases(self, table: str) -> dict[str, tuple[str, ...]]:
        """Canonical column -> this profile's headings for one table."""
        return self.columns.get(table, {})

    def seen(self, headings: Iterable[str]) -> int:
        """How many of the marks are among the headings."""
        found = {bare(heading)[0] for heading in headings} | {fold(heading) for heading in headings}
        return sum(fold(mark) in found for mark in self.marks)


@cache
def profiles() -> tuple[Profile, ...]:
    """All profiles that come with the package, the generic one last."""
    folder = resources.files("detente.intake") / "profiles"
    found = [_profile(item.name.removesuffix(".toml"), tomllib.loads(item.read_text("utf-8")))
             for item in folder.iterdir() if item.name.endswith(".toml")]  # fmt: skip
    return tuple(sorted(found, key=lambda profile: (profile.id == "generic", profile.id)))


def _profile(name: str, stated: dict[str, Any]) -> Profile:
    """A profile from its TOML: lists become tuples, so that nothing changes it later."""
    frozen = {
        key: {inner: _frozen(value) for inner, value in item.items()}
        if isinstance(item, dict)
        else _frozen(item)
        for key, item in stated.items()
    }
    return Profile(id=name, **frozen)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def named(name: str) -> Profile | None:
    """The profile that audit.yml states; None for auto and generic. Raises AuditError for another name."""
    if name in ("auto", "generic"):
        return None
    known = {profile.id: profile for profile in profiles() if profile.id != "generic"}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean «{near[0]}»?" if near else f"known: auto, generic, {', '.join(known)}"
        raise AuditError(f"audit.yml: profile: there is no profile «{name}»; {hint}")
    return known[name]


def recognise(table: str, headings: Sequence[str]) -> Profile | None:
    """The system whose marks the headings show, or None: too few marks, or two systems equally likely."""
    scored = [(profile.seen(headings), profile) for profile in profiles() if table in profile.tables]
    scored = sorted(
        ((seen, profile) for seen, profile in scored if profile.marks and seen >= profile.least_marks),
        key=lambda item: item[0],
        reverse=True,
    )
    if not scored or (len(scored) > 1 and scored[0][0] == scored[1][0]):
        return None
    return scored[0][1]


def bare(heading: str) -> tuple[str, str | None]:
    """A folded heading without the currency at its end, and that currency."""
    text = fold(heading)
    for code, spelling in _CURRENCIES:
        match = re.fullmatch(rf"(.*?\S)(?:\s*,\s*|\s*[\(\[]\s*|\s+)(?:{spelling})\s*[\)\]]?", text)
        if match:
            return match[1], code
    return text, None
