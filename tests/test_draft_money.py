"""The draft of audit.yml asks for what no export holds about money, and sorts the articles of costs by their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.audit import Audit
from detente.intake import draft, draft_money

DEALS = "ID сделки;Дата создания;Этап сделки;Бюджет\n" + "".join(
    f"{n};{n % 28 + 1:02}.03.2026 10:00:00;{('Успешно реализовано', 'Новая заявка')[n % 2]};1000\n"
    for n in range(1, 31)
)
COSTS = (
    "Период;Статья;Сумма;Номер сделки\n"
    "01.03.2026;Материалы;300,00;2\n31.03.2026;Доставка до объекта;50,00;2\n"
    "31.03.2026;Реклама в интернете;900,00;\n31.03.2026;Прочее «А»;7,00;\n"
)
INVOICES = (
    "Номер счёта;Дата;Срок оплаты;Сумма;Номер сделки\n"
    "1;02.03.2026;20.03.2026;1000,00;2\n2;21.03.2026;30.03.2026;5,00;4\n"
)


@pytest.fixture
def drafted(tmp_path: Path) -> Path:
    for name, content in (("deals.csv", DEALS), ("costs.csv", COSTS), ("invoices.csv", INVOICES)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    return draft.write(tmp_path)


@pytest.mark.parametrize(
    ("article", "kind"),
    [("Материалы", "goods"), ("Доставка", "delivery"), ("Монтаж", "service"), ("Реклама", "advertising"),
     ("Зарплата маркетинга", "marketing"), ("Зарплата отдела продаж", "sales"), ("Аренда", "overhead"),
     ("Office rent", "overhead"), ("Shipping", "delivery"), ("Прочее", "")],
)  # fmt: skip
def test_an_article_is_sorted_by_its_words(article: str, kind: str) -> None:
    assert draft_money.kind(article) == kind


def test_a_draft_with_costs_and_invoices_is_a_valid_audit(drafted: Path) -> None:
    audit = Audit.read(drafted)
    assert [name for name, _ in audit.sources.items()] == ["deals", "invoices", "costs"]
    assert (audit.costs.goods, audit.costs.delivery) == (["Материалы"], ["Доставка до объекта"])
    assert audit.costs.advertising == ["Реклама в интернете"]


def test_an_article_that_says_nothing_is_asked_for(drafted: Path) -> None:
    asked = [line for line in drafted.read_text(encoding="utf-8").splitlines() if "QUESTION: what is" in line]
    assert len(asked) == 1
    assert "Прочее" in asked[0]


def test_the_terms_of_money_are_asked_for_and_stay_unstated(drafted: Path) -> None:
    text = drafted.read_text(encoding="utf-8")
    assert "# economics:  # QUESTION" in text
    assert "margin: 0.3" not in text
    assert Audit.read(drafted).economics.margin is None
