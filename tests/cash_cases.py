"""Stories of deals and payments for the page on cash, and what notebook 13 says of each."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from inspect import isfunction
from typing import Any

import pytest

import bought
from detente import engine, intake
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import cash, cash_months, cash_products, doubles, receivables, repeat
from detente.present import report as page
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
