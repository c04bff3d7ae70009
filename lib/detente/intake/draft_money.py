"""The last third of a draft: what the articles of costs are, and the terms of money that no export holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detente.intake.draft_sources import count, text
from detente.intake.survey import Survey
from detente.schema import fold

LISTED = 40
_KINDS = (  # the first that fits; words as `fold` leaves them
    ("advertising", r"реклам|директ|таргет|\bads?\b|advertis|media buy"),
    ("marketing", r"маркетинг|агентств|seo|дизайн|marketing|agency"),
    ("sales", r"отдел\w* продаж|менеджер|комисси|\bsales\b|commission"),
    ("delivery", r"достав|логист|транспорт|перевоз|deliver|shipping|freight"),
    ("service", r"монтаж|установк|сервис|гаранти|ремонт|обслужив|поддержк|install|warranty|support|service"),
    ("goods", r"материал|производств|себестоим|закуп|сырь|товар|комплектующ|cogs|material|goods|purchas"),
    ("overhead", r"аренд|налог|офис|бухгалт|связь|банк|rent|tax|office|bank|overhead"),
)


def kind(article: str) -> str:
    """What an article of costs probably is, "" where its words do not say."""
    folded = fold(article)
    return next((name for name, words in _KINDS if re.search(words, folded)), "")


def costs(found: Survey) -> Iterator[str]:
    """The articles of the costs exports, sorted into kinds, for the consultant to check."""
    articles: dict[str, int] = {}
    for export in found.found.get("costs", []):
        for name, rows in export.values(export.heading("article")).items():
            articles[name] = articles.get(name, 0) + rows
    if not articles:
        return
    yield 'costs:  # articles by what they are; one that is not named stays "other"'
    for name in dict.fromkeys([*(name for name, _ in reversed(_KINDS))]):
        if listed := [text(article, flow=True) for article in articles if kind(article) == name]:
            yield f"  {name}: [{', '.join(listed[:LISTED])}]  # ?"
    for article in [article for article in articles if not kind(article)][:LISTED]:
        yield f"  # QUESTION: what is {text(article)} ({count(articles[article])} rows)?"


def economics(found: Survey) -> Iterator[str]:
    """The terms of money, commented out: only people know them."""
    if not any(found.found.get(name) for name in ("payments", "costs", "spend")):
        return
    yield "# economics:  # QUESTION: ask for these before the pages on money are believed"
    yield "#   model: repeat  # how a client buys: one_off, repeat or subscription"
    if not found.found.get("costs"):
        yield "#   margin: 0.3  # left of revenue after the cost of goods; no export of costs was found"
    yield "#   vat: 0.2  # the rate; write vat: included or excluded beside each source of money"
    yield "#   claimed: {romi: 1.2, ltv: 60000, cac: 4000}  # what the company says itself, to be held against the data"
