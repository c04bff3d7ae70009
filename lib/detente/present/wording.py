"""The words of reports: two catalogs with the same keys, and placeholders that know how a number is written.

A sentence of a catalog holds no number. `{share:percent}` prints the value `share` of the result as a percent of
the reader's language; see SPECS.
"""

from __future__ import annotations

import string
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from babel.core import Locale
from babel.plural import to_python

from detente.present import numbers
from detente.present.numbers import LOCALES, Language


@cache
def catalog(language: Language) -> dict[str, str]:
    """All sentences of one language, by dotted key."""
    text = (
        resources.files("detente.present").joinpath("words", f"{language}.toml").read_text(encoding="utf-8")
    )
    return dict(_flat(tomllib.loads(text), ""))


def _flat(tree: dict[str, Any], prefix: str):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


class Words(string.Formatter):
    """The words of one language. Formatting a value needs its spec; text goes in as it is, escaped later."""

    def __init__(self, language: Language, currency: str = "RUB"):
        if language not in LOCALES:
            raise ValueError(f"there is no report in «{language}»; choose ru or en")
        self.language: Language = language
        self.currency = currency
        self._plural = to_python(Locale.parse(LOCALES[language]).plural_form)

    def has(self, key: str) -> bool:
        return key in catalog(self.language)

    def t(self, key: str, **values: Any) -> str:
        """The sentence under `key` with its values put in. KeyError names a key or a value that is not there."""
        sentences = catalog(self.language)
        if key not in sentences:
            raise KeyError(f"the {self.language} catalog has no words for «{key}»")
        return self.vformat(sentences[key], (), values)

    def format_field(self, value: Any, format_spec: str) -> str:
        if not format_spec:
            if isinstance(value, float):
                raise TypeError("a number in a sentence needs a format, such as {share:percent}")
            return str(value)
        name, *forms = format_spec.split("|")
        if name == "plural":
            return self._form(int(value), forms)
        return getattr(self, name)(value)

    def _form(self, value: int, forms: list[str]) -> str:
        order = {"one": 0, "few": 1, "many": 2, "other": 1 if self.language == "en" else 2}
        return forms[min(order[self._plural(abs(value))], len(forms) - 1)]

    def count(self, value: float) -> str:
        return numbers.count(value, self.language)

    def number(self, value: float) -> str:
        return numbers.number(value, self.language)

    def percent(self, value: float) -> str:
        return numbers.percent(value, self.language)

    def percent_range(self, interval: tuple[float, float]) -> str:
        return numbers.percent_range(interval, self.language)

    def points(self, value: float) -> str:
        return numbers.points(value, self.language)

    def points_range(self, interval: tuple[float, float]) -> str:
        return numbers.points_range(interval, self.language)

    def money(self, value: float) -> str:
        return numbers.money(value, self.currency, self.language)

    def money_range(self, interval: tuple[float, float]) -> str:
        return numbers.money_range(interval, self.currency, self.language)

    def times(self, value: float) -> str:
        return numbers.times(value, self.language)

    def times_range(self, interval: tuple[float, float]) -> str:
        return numbers.times_range(interval, self.language)

    def months(self, value: float) -> str:
        return numbers.months(value, self.language)

    def hours(self, value: float) -> str:
        return numbers.hours(value, self.language)

    def date(self, value: Any) -> str:
        return numbers.date(value, self.language)

    def month(self, value: str) -> str:
        return numbers.month(value, self.language)

    def p(self, value: float) -> str:
        return numbers.p_value(value, self.language)

    def group(self, value: Any) -> str:
        """The name of a group; a group that is not stated says so, one that is named so stands in quotes."""
        nothing = self.t("common.not_stated")
        if numbers.undefined(value) or value == "":
            return nothing
        return f"“{value}”" if value == nothing else str(value)

    def reason(self, code: str) -> str:
        """Why rows were set aside or marked; a reason that has no words yet shows its code."""
        return self.t(f"loss.{code}") if self.has(f"loss.{code}") else code.replace("_", " ")

    def manager(self, value: Any) -> str:
        """The label of a manager: «Менеджер 01» for the code #01, a shown name as it is."""
        name = self.group(value)
        return f"{self.t('common.manager')} {name[1:]}" if name.startswith("#") else name
