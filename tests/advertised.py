"""Companies that advertise, made by hand: what was asked, paid and spent over a year, for tests of the page on ROMI."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bought
import hand_made
from detente.audit import Audit
from detente.intake import Tables
from detente.schema import LossLog, SourceCount
from view_checks import SCRIPT


def world(leads=160, channels=("Ads", "VK"), touches=1, amount=1000, again=0.3, win=0.4, seed=1) -> tuple:
    """Inquiries over a year and what they paid: purchases within three months, some of them repeated."""
    draw = random.Random(seed)
    inquiries, purchases = [], []
    for number in range(leads):
        day = dt.date(2025, 7, 1) + dt.timedelta(days=number * 360 // leads)
        client = f"c{number}"
        for touch in range(touches):
            asked = day - dt.timedelta(days=9 * (touches - touch - 1))
            inquiries.append({"lead_id": f"{client}-{touch}", "client": client, "created_at": str(asked),
                              "channel": draw.choice(channels)})  # fmt: skip
        own = inquiries[-1]
        for order in range(1 + (draw.random() < again) if draw.random() < win else 0):
            paid = day + dt.timedelta(days=draw.randint(0, 70) + 60 * order)
            if paid <= bought.AS_OF:
                money = round(amount * draw.uniform(0.7, 1.3), 2)
                row = {"client": client, "deal": own["lead_id"], "bought_at": str(paid), "amount": money}
                purchases.append(row | {"channel": own["channel"]})
    return inquiries, purchases


def weekly(costs: dict[str, float], steps: bool = False) -> list[tuple]:
    rows = []
    for week in range(52):
        day = dt.date(2025, 7, 7) + dt.timedelta(weeks=week)
        rows += [
            (str(day), name, cost * (1 + (0.5 if steps and week % 4 < 2 else 0)))
            for name, cost in costs.items()
        ]
    return rows


INQUIRIES, PAID = world()
TOUCHED = world(touches=3, channels=("Ads", "VK", "Blog"), leads=240)
FREE = {"lead_id": "f", "client": "f", "channel": "Friends", "created_at": "2026-01-05", "amount": 5000}
CHEAP, DEAR = weekly({"Ads": 60, "VK": 40}), weekly({"Ads": 400, "VK": 300})


@dataclass
class Made:
    """One company: what was asked, paid and spent, and what the audit states of money."""

    inquiries: list[dict] = field(default_factory=lambda: INQUIRIES)
    paid: list[dict] | None = field(default_factory=lambda: PAID)
    spend: list | None = field(default_factory=lambda: CHEAP)
    margin: float | None = 0.4
    economics: dict[str, Any] = field(default_factory=dict)
    vat: tuple[str, str] = ("unknown", "unknown")

    def tables(self, folder: Path) -> Tables:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        sources = {"deals": {"file": "d.csv"}, "payments": {"file": "p.csv", "vat": self.vat[0]},
                   "spend": {"file": "s.csv", "vat": self.vat[1]}}  # fmt: skip
        keys = {**hand_made.AUDIT, "sources": sources, "economics": self.economics, "path": path}
        rate = self.economics.get("vat", 0)
        taxes = [rate / (1 + rate) if side == "included" else 0 for side in self.vat]
        rows = self.paid and [{"vat": row["amount"] * taxes[0]} | row for row in self.paid]
        paid = None if rows is None else bought.purchases(rows, self.margin)
        inquiries, spend = bought.inquiries(self.inquiries), None
        if self.spend is not None:
            spend = bought.spend(self.spend)
            spend = spend.mutate(vat=(spend.cost.cast("float64") * taxes[1]).cast("decimal(18,2)"))
        return Tables(
            Audit.model_validate(keys), bought.AS_OF, dt.date(2025, 7, 1), bought.AS_OF, inquiries, inquiries,
            LossLog((SourceCount("deals", "deals.csv", "ab" * 32, 1, 1, 0, 0),), ()),
            spend=spend, payments=paid, purchases=paid,
        )  # fmt: skip


def renamed(rows: list[dict], names: dict) -> list[dict]:
    return [row | {"channel": names.get(row["channel"], row["channel"])} for row in rows]


def returned(rows: list[dict]) -> list[dict]:
    """Every third client had bought before."""
    return [row | {"returning": n % 3 == 0} for n, row in enumerate(rows)]


HOSTILE = {"Ads": SCRIPT, "VK": "{bad} %s"}
CASES = {
    "money is left": Made([*INQUIRIES, FREE], [*PAID, FREE | {"deal": "f", "bought_at": "2026-02-01"}],
                          vat=("included", "included"), economics={"vat": 0.2, "claimed": {"romi": 9.0}}),
    "a loss behind a boast": Made(spend=DEAR, margin=0.15, vat=("included", "excluded"), economics={"vat": 0.2}),
    "about zero": Made(spend=weekly({"Ads": 250, "VK": 190})),
    "a test has shown it": Made(economics={"incremental": 0.4, "incremental_from": "a switch-off in May"}),
    "some had bought before": Made(returned(INQUIRIES)),
    "no money at all": Made(paid=None, spend=None),
    "a test shows more than new clients": Made(returned(INQUIRIES),
                                               economics={"incremental": 1.0, "incremental_from": "a guess"}),
    "no costs": Made(margin=None),
    "no costs, dear": Made(margin=None, spend=weekly({"Ads": 4000, "VK": 3000}), vat=("included", "included")),
    "half the costs": Made(paid=[row | ({"margin": 300, "margin_from": "costs", "goods": row["amount"] - 300}
                                        if n % 3 else {}) for n, row in enumerate(PAID)], margin=None),
    "nothing is left of a sale": Made(margin=-0.1),
    "no payments": Made(paid=None),
    "no spend": Made(spend=None),
    "other names": Made(spend=weekly({"Yandex": 70})),
    "three touches": Made(*TOUCHED, spend=weekly({"Ads": 230, "VK": 90, "Blog": 250})),
    "budget steps": Made(spend=weekly({"Ads": 60, "VK": 40}, steps=True), vat=("excluded", "excluded")),
    "one purchase": Made(INQUIRIES[:3], [PAID[0] | {"client": "c0", "deal": "c0-0"}], vat=("excluded", "included"),
                         economics={"vat": 0.2}),
    "hostile names": Made(renamed(INQUIRIES, HOSTILE), renamed(PAID, HOSTILE),
                          weekly(dict.fromkeys(HOSTILE.values(), 50))),
    "nobody came again": Made(*world(again=0)),
}  # fmt: skip
