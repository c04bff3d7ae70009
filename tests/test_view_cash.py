"""What page 13 says of full, thin, one-sided and hostile money: true words in both languages, and no exception."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from inspect import isfunction
from typing import Any

import pandas as pd
import pytest

import bought
import published
import view_checks
from detente import engine, intake
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import cash, cash_months, cash_products, doubles, receivables, repeat
from detente.present import report as page
from detente.present.findings import ASK
from detente.present.pieces import Column, Table
from detente.schema import LossLog, SourceCount
from hand_made import AUDIT, NOTEBOOKS, Memory
from test_cash import buy, invoices, payments, won
from test_cash_months import costs

AS_OF, SINCE = dt.date(2026, 6, 30), dt.date(2026, 1, 1)
IDS = {
    "cash_match", "cash_unpaid", "cash_doubled", "cash_unknown", "cash_months", "cash_shift", "cash_products",
    "cash_receivables", "cash_repeat", "cash_check", "cash_returns", "cash_channels",
}  # fmt: skip
NO_PAYMENTS = {"cash_doubled", "cash_unknown", "cash_months", "cash_shift", "cash_returns"}
NO_MONEY = NO_PAYMENTS | {"cash_unpaid", "cash_products", "cash_receivables"}
NO_NUMBER = {"cash_unpaid", "cash_shift", "cash_receivables"}
NO_CLIENTS = {"cash_channels"}
ABSENT = {  # what one card says for all of them
    "no money": NO_MONEY | NO_CLIENTS | {"cash_repeat", "cash_check"},
    "nothing came": NO_MONEY | NO_CLIENTS | {"cash_repeat", "cash_check"},
    "amounts only": NO_MONEY | NO_CLIENTS,
    "a field of the CRM": NO_PAYMENTS | NO_CLIENTS,
    "a deal without an amount": NO_PAYMENTS | NO_CLIENTS,
    "payments name no deal": NO_NUMBER,
    "payments without numbers of two clients": NO_NUMBER,
    "channels alike": NO_NUMBER,
    **dict.fromkeys(
        ["nothing was won", "no amounts in the CRM", "all is well", "payments without a day of payment"],
        NO_CLIENTS,
    ),
}
HOSTILE = "<script>alert('x')</script>{x} %s =cmd()"
LOSS = LossLog((SourceCount("deals", "deals.csv", "ab" * 32, 10, 10, 0, 0),), ())


@dataclass
class Money:
    """One company's money. None: the source is not exported."""

    deals: list[dict]
    bank: list[dict] | None = None
    billed: list[dict] | None = None
    booked: list[dict] | None = None
    rows: list[dict] | None = None
    spent: list[tuple] | None = None
    basis: str = "payments"
    margin: float | None = None
    thresholds: dict[str, float] = field(default_factory=dict)

    def tables(self, folder) -> Tables:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        audit = Audit.model_validate({**AUDIT, "thresholds": self.thresholds, "path": path})
        every = stored(bought.inquiries(self.deals), folder / "journeys.parquet")
        bank = None if self.bank is None else [{"basis": self.basis, **row} for row in self.bank]
        money = {
            "purchases": None
            if bank is None
            else stored(bought.purchases(bank, self.margin), folder / "purchases.parquet"),
            "payments": None if self.rows is None else payments(*self.rows),
            "invoices": None if self.billed is None else invoices(*self.billed),
            "costs": None if self.booked is None else costs(*self.booked),
            "spend": None if self.spent is None else bought.spend(self.spent),
        }
        return Tables(audit, AS_OF, SINCE, AS_OF, every.filter(every.counted), every, LOSS, **money)


def stored(table, path):
    """A table that lies in a file, as those of intake do: the engine then compiles less."""
    engine.write(table, path)
    return engine.read(path)


METRICS = (cash, cash_months, cash_products, doubles, receivables, repeat)


def run(tables: Tables, language: str, output: str = "") -> tuple[dict, str, str]:
    """Findings by id, what was said as text, and as HTML."""
    bundles, names = [], {}
    notebook = json.loads((NOTEBOOKS / "13_cash_reality.ipynb").read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "load", lambda *arguments: (tables, LOSS))
        patch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
        if not output:
            patch.setattr(page.pieces, "png", lambda figure, words: b"")
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), "13_cash_reality", "exec"), names)
                if "parameters" in cell["metadata"].get("tags", []):
                    names |= {"language": language, "output": output}
    said = "\n".join(bundle.get("text/plain", "") for bundle in bundles)
    html = "\n".join(
        bundle.get("text/html", "") + bundle.get(page.MIME, {}).get("html", "") for bundle in bundles
    )
    return {item.id: item for item in names["report"].findings}, said, html


def run_both(money: Money, folder) -> dict[str, tuple]:
    """The same in both languages; the second time the metrics give what they gave the first."""
    tables, memory = money.tables(folder), Memory()
    with pytest.MonkeyPatch.context() as patch:
        for module in METRICS:
            for name, function in list(vars(module).items()):
                if isfunction(function) and function.__module__ == module.__name__ and name[0] != "_":
                    patch.setattr(module, name, memory.kept(function))
        told = {"en": run(tables, "en")}
        memory.replays = True
        return told | {"ru": run(tables, "ru")}


def seller(
    n: int, name: str, back: int = 0, day: str = "2026-01-10", amount: float = 100, **more: Any
) -> list[dict]:
    """Purchases of `n` clients of one channel; the first `back` of them buy again a month later."""
    known = {"bought_at": day, "origin": name, **more}
    rows = [buy(None, amount, f"{name}{k}", lead_id=f"{name}{k}", **known) for k in range(n)]
    again = str(dt.date.fromisoformat(day) + dt.timedelta(30))
    return rows + [{**row, "bought_at": again} for row in rows[:back]]


FULL = Money(
    deals=[won(f"w{n}", 1000, "2026-03-01") for n in range(40)]
    + [won("unpaid", 500, "2026-02-01"), won("young", 70, "2026-06-25"), won("part", 300, "2026-04-01"),
       won("blank", None, "2026-04-01"), {"lead_id": "open", "created_at": "2026-04-01"}],
    bank=[buy(f"w{n}", 1000, segment="shop", product="Swing", origin="Ads", bought_at="2026-03-05") for n in range(36)]
    + [buy(f"w{n}", 0, gross=1000, returned=1000, product="Slide", bought_at="2026-03-05") for n in range(36, 40)]
    + [buy("part", 100), buy("blank", 50), buy("open", 20)]
    + [buy(None, 33, "anna", lead_id="unpaid"), buy(None, 5, None)],
    billed=[{"lead_id": f"w{n}", "amount": 1000} for n in range(40)]
    + [{"lead_id": "part", "amount": 300, "due_at": "2026-05-15"}, {"lead_id": "w0", "amount": 1000},
       {"lead_id": None, "amount": 9}],
    booked=[{"period": "2026-03-31", "amount": 9000, "product": "Swing"},
            {"period": "2026-03-31", "kind": "overhead", "amount": 5000},
            {"period": "2026-05-31", "kind": "overhead", "amount": 5000}, {"period": "2026-03-31", "amount": 44},
            {"period": "2026-03-31", "kind": "advertising", "amount": 700}],
    rows=[{"lead_id": f"w{n}", "amount": 1000, "paid_at": "2026-03-05"} for n in range(40)]
    + [{"lead_id": "w39", "amount": -1000, "paid_at": "2026-04-05"}, {"lead_id": "part", "amount": 50},
       {"lead_id": "part", "amount": 50}, {"lead_id": "open", "amount": 20}, {"person": "anna", "amount": 33},
       {"amount": 5}],
    spent=[("2026-03-10", "Ads", 600)],
)  # fmt: skip
MONTHS = [f"2026-0{n}-05" for n in range(1, 7)]


def growing(by: float, **more: Any) -> list[dict]:
    """Nine purchases a month, each month so many times as large as those of the one before."""
    return [row for n, day in enumerate(MONTHS) for row in seller(9, f"m{n}", 0, day, 500 * by**n, **more)]


COSTED = {"margin_from": "costs"}
CASES = {  # one story of deals and payments, or one of clients, or one of each
    "full": FULL,
    "no money": Money([won("a", 100)]),
    "amounts only": Money([won("a", 100), won("b", 50)], [buy("a", 100), buy("b", 50)], basis="won"),
    "a field of the CRM": Money([won("a", 100), won("b", 50)], [buy("a", 100)], basis="paid_field", margin=0.3),
    "nothing came": Money([won("a", 100)], [], rows=[]),
    "nothing was won": Money([{"lead_id": "o", "created_at": "2026-04-01"}], [buy("o", 7)], rows=[]),
    "payments name no deal": Money(
        [won("a", 100)], [buy(None, 9, "anna", lead_id="a")], rows=[{"person": "anna", "amount": 9}]),
    "no amounts in the CRM": Money(
        [won("a", None), won("b", None)], [buy("b", 9)], rows=[{"lead_id": "b", "amount": 9}]),
    "all is well": Money(
        [won("a", 100)], [buy("a", 100, bought_at="2026-05-01")], [{"lead_id": "a", "amount": 100}],
        rows=[{"lead_id": "a", "amount": 100, "paid_at": "2026-05-01"}]),
    "all went back; nobody comes back": Money(
        [won("a", 100)], [buy("a", 0, gross=100, returned=100), *seller(40, "A")],
        rows=[{"lead_id": "a", "amount": 100}]),
    "a refund alone; one segment returns": Money(
        [won("a", 100)], [buy("a", -40), *seller(60, "a", segment="x", returned=50, gross=150),
                          *seller(60, "b", segment="y"), *seller(9, "c", segment=None)],
        rows=[{"lead_id": "a", "amount": -40}]),
    "not due yet; one channel is worse": Money(
        [won("a", 100)], [buy("a", 10), *seller(60, "Worse", 2)] + [x for name in "ABCD" for x in seller(60, name, 30)],
        [{"lead_id": "a", "amount": 100, "due_at": "2026-08-01"}]),
    "more came than was won; a product below its cost": Money(
        [won("a", 100)], [buy("a", 250), *seller(9, "a", product="Loss", goods=120, margin=-20, **COSTED),
                          *seller(9, "b", product="Gain", goods=20, margin=80, **COSTED)],
        rows=[{"lead_id": "a", "amount": 250}]),
    "paid late; the purchase grows": Money(
        [won("a", 100, "2026-01-31")], [buy("a", 100), *growing(1.2, segment="x")],
        rows=[{"lead_id": "a", "amount": 100, "paid_at": "2026-03-01"}]),
    "paid ahead; the purchase falls": Money(
        [won("a", 100, "2026-05-31")], [buy("a", 100), *growing(0.8)],
        rows=[{"lead_id": "a", "amount": 100, "paid_at": "2026-03-01"}]),
    "a loss; the purchase is steady": Money(
        [won("a", 9)], [buy("a", 9), *growing(1)], booked=[{"period": "2026-05-31", "amount": 100, "kind": "sales"}],
        rows=[{"lead_id": "a", "amount": 9}]),
    "payments without a day of payment": Money(
        [won("a", 100, "2026-01-05"), won("b", 9)], [buy("a", 40), buy("b", 9)], rows=[{"lead_id": "a", "amount": 40}]),
    "a deal without an amount": Money([won("a", 100), won("b", None)], [buy("a", 60)], basis="paid_field"),
    "payments without numbers of two clients": Money(
        [won("a", 100)], [buy(None, 9, "anna", lead_id="a"), buy(None, 7, "stranger"),
                          *({**x, "origin": None} for x in seller(40, "", 9))],
        rows=[{"person": "anna", "amount": 9, "payment_id": None}] * 2),
    "the purchase settled": Money([won("a", 9)], [buy("a", 9), *(
        x for n in range(12) for x in seller(9, f"m{n}", 0, f"2025-{n + 1:02d}-05", 500 if n else 350))]),
    "a wild segment": Money([won("a", 9)], [buy("a", 9), *(
        x for n, day in enumerate(MONTHS) for x in seller(9, f"m{n}", 0, day, 50 + 900 * (n % 2), segment="wild"))]),
    "channels alike": Money([], seller(60, "A", 20) + seller(60, "B", 21)),
    "hostile names; channels differ": Money(
        [won(HOSTILE, 100)], [*seller(60, HOSTILE, 40, segment=HOSTILE, product=HOSTILE, goods=9, margin=90, **COSTED),
                              *seller(40, "Bad", 2, product="{bad}", goods=99, margin=1, **COSTED),
                              *seller(40, "Poor", 2), *seller(3, "Few", 3), buy(HOSTILE, 3)],
        rows=[{"lead_id": HOSTILE, "amount": 3}, {"lead_id": HOSTILE, "amount": 3}]),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[tuple[str, str], tuple]:
    return {
        (name, language): said
        for name, case in CASES.items()
        for language, said in run_both(case, tmp_path_factory.mktemp("told")).items()
    }


@pytest.fixture(scope="module", params=CASES)
def case(request, told) -> dict[str, tuple]:
    return {language: told[request.param, language] for language in ("en", "ru")}


@pytest.mark.parametrize("name", CASES)
def test_every_question_is_answered_or_belongs_to_the_one_card_that_says_what_is_missing(told, name) -> None:
    money = CASES[name]
    absent = ABSENT.get(name, set()) | (set() if money.rows is not None else {"cash_doubled", "cash_shift"})
    bank = {"cash_bank"} if money.basis == "paid_field" else set()
    for language in ("en", "ru"):
        assert set(told[name, language][0]) == IDS - absent | bank


def test_every_finding_has_words_and_a_number_only_where_it_can_be_told(case) -> None:
    for found, _, _ in case.values():
        for item in found.values():
            assert item.ask in ASK
            assert item.status in {"ok", "cannot_tell", "not_available"}
            assert item.status == "ok" or math.isnan(item.value)
            assert item.headline.strip(), item.id
            assert item.fact.strip(), item.id
            assert item.decision.strip(), item.id


def test_both_languages_tell_the_same_numbers(case) -> None:
    def bare(found: dict) -> list[tuple]:
        return [(item.id, item.status, item.unit, item.n, repr(float(item.value))) for item in found.values()]

    assert bare(case["en"][0]) == bare(case["ru"][0])


def test_no_hole_stands_in_a_sentence(case) -> None:
    for found, said, _ in case.values():
        hole = published.HOLE.search(said)
        assert hole is None, said[max(0, hole.start() - 80) : hole.end() + 80]
        for item in found.values():
            assert item.status != "ok" or "—" not in re.sub(r" — |\(—, ", "", item.fact), (item.id, item.fact)


def test_the_number_of_a_finding_is_the_one_in_its_sentence(case) -> None:
    for language, (found, _, _) in case.items():
        view_checks.number_said(found.values(), language)


def test_names_from_data_reach_the_page_escaped(told) -> None:
    _, _, html = told["hostile names; channels differ", "en"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- what is said ---
def fact(told, case: str, ident: str, language: str = "en") -> str:
    return told[case, language][0][ident].fact


def test_the_head_says_what_a_hundred_became(told) -> None:
    said = told["full", "en"][1]
    assert said.startswith("Every ₽100 of won deals is ₽88 in the bank")  # 36 100 of 40 870
    ru = told["full", "ru"][1]
    assert ru.startswith("Каждые 100\u00a0₽ выигранных сделок — это 88\u00a0₽ в банке")


def test_amounts_of_the_crm_are_loudly_called_no_money(told) -> None:
    found, said, html = told["amounts only", "ru"]
    assert said.startswith("Денег в данных нет: суммы сделок в CRM — это ещё не деньги")
    assert {name for name, item in found.items() if item.status == "not_available"} == {
        "cash_match",
        "cash_repeat",
    }
    assert html.count("Поступления из банка или 1С") == 1
    assert "здесь суммы выигранных сделок, а не деньги" in html
    assert "нашли свою пару" not in html
    assert "Поступило" not in html


def test_a_field_of_the_crm_is_no_bank(told) -> None:
    found, said, html = told["a field of the CRM", "ru"]
    assert "а не по банку" in said.split("\n")[0]
    assert found["cash_match"].value == pytest.approx(2 / 3)
    assert found["cash_bank"].status == "not_available"
    assert "В банке" not in said
    assert html.count("Поступления из банка или 1С") == 1


def test_what_a_field_of_the_crm_leaves_open_is_called_no_debt_and_ages_nowhere(told) -> None:
    found, _, html = told["a field of the CRM", "ru"]
    item = found["cash_receivables"]
    assert (item.status, item.ask) == ("cannot_tell", "data")
    assert "не видно" in item.headline
    for words in ("Должны клиенты", "росрочено 5", "Долги по сроку", "должны 50"):
        assert words not in html, words


def test_nothing_is_overdue_where_no_day_of_payment_is_stated(told) -> None:
    undated = told["payments without a day of payment", "ru"]
    assert "Если платить надо было сразу" in undated[0]["cash_receivables"].fact
    assert "росрочено" not in undated[2]
    assert "Просрочено" in told["full", "ru"][0]["cash_receivables"].fact


def test_an_amount_that_nobody_filled_in_is_not_zero(told) -> None:
    _, _, html = told["a deal without an amount", "ru"]
    row = re.search(r"<tr[^>]*>(?:(?!</tr>).)*отметки об оплате нет.*?</tr>", html, re.S).group()
    assert "0\u00a0₽" not in row
    assert row.count("—") == 3
    assert "сумма не указана" in html


def test_payments_that_name_no_deal_call_none_unpaid(told) -> None:
    found, said, html = told["payments name no deal", "ru"]
    assert said.startswith("Платежи не называют сделок")
    assert found["cash_match"].status == "not_available"
    assert "У 1 из них клиент платил" in html
    assert "клиент известен у всех денег" in found["cash_unknown"].headline
    assert "Что разобрать построчно" not in html


def test_doubles_that_cannot_be_looked_for_are_not_called_absent(told) -> None:
    found, _, html = told["payments without numbers of two clients", "ru"]
    assert found["cash_doubled"].status == "not_available"
    assert "Двойных платежей не видно" not in html
    assert found["cash_unknown"].value == 7
    assert "неизвестно от кого" in found["cash_unknown"].fact


def test_a_deal_is_no_client_who_could_come_back(told) -> None:
    found, _, html = told["amounts only", "ru"]
    assert "кто клиент, в данных не указано" in found["cash_repeat"].headline
    assert "купил снова" not in html


def test_one_group_that_is_not_stated_is_no_table(told) -> None:
    _, _, html = told["payments without numbers of two clients", "ru"]
    assert "не указано" not in html
    assert "не отличается" not in html


def test_returns_that_may_not_be_exported_are_asked_for(told) -> None:
    item = told["channels alike", "ru"][0]["cash_returns"]
    assert (item.status, item.ask) == ("cannot_tell", "data")
    assert "не выгрузили?" in item.question


def test_a_purchase_that_settled_is_not_called_unchanged(told) -> None:
    item = told["the purchase settled", "ru"][0]["cash_check"]
    assert item.fact.startswith("Период февраль 2025 — декабрь 2025: типичный чек один и тот же, 500")
    assert re.search(r"До этого он был другим: 350\s₽\.", item.fact)


def test_a_range_that_says_nothing_is_not_printed(told) -> None:
    found, _, html = told["a wild segment", "ru"]
    assert "куда он движется, за этим не видно" in found["cash_check"].fact
    assert ">неясно<" in re.sub(r"\s+<", "<", re.sub(r">\s+", ">", html))
    assert not re.search(r"неясно: от [^<]*\d,\d", html)


def test_deals_without_an_amount_owe_nothing_that_can_be_told(told) -> None:
    found, _, _ = told["no amounts in the CRM", "en"]
    assert found["cash_receivables"].status == "not_available"
    assert found["cash_match"].status == "cannot_tell"
    assert "no amount" in found["cash_unpaid"].fact


def test_each_finding_of_the_full_case_is_the_one_counted_by_hand(told) -> None:
    found, _, said = told["full", "en"]
    assert found["cash_match"].value == pytest.approx(36_100 / 40_870)
    assert found["cash_unpaid"].value == 2
    assert (found["cash_doubled"].value, found["cash_doubled"].n) == (1, 1)
    assert found["cash_unknown"].value == 20 + 33 + 5
    assert found["cash_receivables"].value == 200 + 500 + 70  # of part, unpaid, young
    assert found["cash_months"].value == 40_000 - 9_044 - 5_000 - 600 + (50 + 50 + 20 + 33 + 5) - 5_000
    assert found["cash_returns"].value == pytest.approx(4 / 45)
    assert "Invoices look so too: 1 too many" in said
    assert "The books put advertising at ₽700" in said


def test_money_that_lags_and_money_that_runs_ahead_are_told(told) -> None:
    assert told["paid late; the purchase grows", "en"][0]["cash_shift"].value == 1
    assert told["paid ahead; the purchase falls", "en"][0]["cash_shift"].value == 0


def test_channels_are_named_only_where_they_differ(told) -> None:
    item = told["hostile names; channels differ", "en"][0]["cash_channels"]
    assert HOSTILE in item.headline
    assert item.value == pytest.approx(40 / 60)
    assert "Worse" in told["not due yet; one channel is worse", "ru"][0]["cash_channels"].headline
    assert told["channels alike", "en"][0]["cash_channels"].status == "cannot_tell"


def test_the_purchase_is_called_growing_falling_or_steady(told) -> None:
    cases = (
        "paid late; the purchase grows",
        "paid ahead; the purchase falls",
        "a loss; the purchase is steady",
    )
    grows, falls, steady = (told[name, "en"][0]["cash_check"] for name in cases)
    assert grows.value == pytest.approx(1.2**5 - 1, abs=0.001)
    assert falls.value == pytest.approx(0.8**5 - 1, abs=0.001)
    assert "grew" in grows.headline
    assert "fell" in falls.headline
    assert (steady.status, steady.value) == ("ok", 0)
    assert told["full", "en"][0]["cash_check"].status == "cannot_tell"


def test_no_return_is_not_called_zero_percent(told) -> None:
    assert "hardly above" in fact(told, "all went back; nobody comes back", "cash_repeat")
    assert "hardly above" in fact(told, "channels alike", "cash_returns")
    assert "If returns are exported" in fact(told, "channels alike", "cash_returns")
    assert "x" in told["a refund alone; one segment returns", "en"][0]["cash_returns"].headline


def test_a_product_below_its_cost_is_named_with_a_question(told) -> None:
    item = told["more came than was won; a product below its cost", "ru"][0]["cash_products"]
    assert "Loss" in item.fact
    assert item.question.endswith("?")


# --- the rows ---
def test_rows_go_to_a_file_and_no_id_to_the_page(tmp_path) -> None:
    _, _, html = run(FULL.tables(tmp_path), "ru", str(tmp_path / "out"))
    text = (tmp_path / "out" / "tables" / "13_cash_reality_rows.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert rows[0] == [
        "Что проверить",
        "Код сделки",
        "День",
        "Сумма сделки",
        "Деньги",
        "Файл",
        "Номер строки",
    ]
    assert ["не оплачена", "unpaid", "2026-02-01", "500,00", "0,00", "", ""] in rows
    assert ["похоже на двойной платёж", "part", "2026-05-02", "", "50,00", "pay.csv", "43"] in rows
    assert "tables/13_cash_reality_rows.csv" in html
    for name in ("unpaid", "w39", "young", "anna"):
        assert not re.search(rf"[>\s]{name}[<\s,.]", html), name
    assert "rows.csv" not in re.sub("tables/13_cash_reality_rows.csv", "", html)


def test_an_attached_table_is_escaped_as_other_downloads_and_shows_nothing(tmp_path, monkeypatch) -> None:
    shown: list = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    tables = Money([won("a", 1)]).tables(tmp_path)
    made = Table(
        "rows",
        pd.DataFrame({"x": ["=cmd()"], "y": [Decimal("1.5")]}),
        [Column("x", "X"), Column("y", "Y")],
        "c",
    )
    report = page.Report("13_cash_reality", tables, LOSS, "ru", str(tmp_path / "out"))
    report.attach(made)
    report.attach(None)
    assert shown == []
    assert (tmp_path / "out" / report.file_of("rows")).read_text("utf-8-sig") == "X;Y\n'=cmd();1,5\n"
    page.Report("13_cash_reality", tables, LOSS, "ru").attach(made)
    assert shown == []


def test_the_windows_of_the_page_are_those_of_the_metric() -> None:
    assert repeat.WINDOWS == (90, 180, 365)
