"""Leads, sales and purchases of a small company in one line each, and the table that they make."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd

import bought
from detente.metrics import ad_days, economics, unit_costs

AS_OF, UNTIL = bought.AS_OF, dt.date(2026, 6, 30)
ZERO = Decimal(0)


def lead(ident: str, channel: str | None = "ads", segment: str | None = "shops", **differs) -> dict:
    row = {
        "lead_id": ident,
        "created_at": "2026-04-10",
        "channel": channel,
        "segment": segment,
        "verdict": "target",
    }
    return row | differs


def won(ident: str, *args, **differs) -> dict:
    return lead(ident, *args, **{"outcome": "won", "closed_at": "2026-04-20"} | differs)


def buys(client: str | None, day: str, amount: float, deal: str | None = None, **differs) -> dict:
    return {"client": client, "bought_at": day, "amount": amount, "deal": deal} | differs


def built(leads, spend=None, purchases=None, by="channel", **options) -> pd.DataFrame:
    days = None if spend is None else ad_days.daily(bought.spend(spend), UNTIL)
    money = None if purchases is None else bought.purchases(purchases, options.pop("margin", None))
    table = economics.table(bought.inquiries(leads), days, money, by, as_of=AS_OF, **options)
    return unit_costs.costs(table)


COMPANY = [
    won("a1"), won("a2", segment="homes"), lead("a3", verdict="non_target", outcome="lost", furthest=1),
    lead("a4", verdict="unknown", furthest=2), won("o1", "organic"), lead("n1", None, None),
]  # fmt: skip
SPEND = [
    ("2026-04-01", "ads", 100),
    ("2026-05-31", "radio", 40),
    ("2026-04-02", None, 7.77),
    ("2026-04-03", "ads", 0.01),
]
MONEY = [
    buys("a1", "2026-04-20", 1000, "a1"), buys("a1", "2026-06-01", 500, "a1"), buys("a2", "2026-04-21", 300, "a2"),
    buys("a2", "2026-05-01", -100, "a2"), buys("o1", "2026-04-22", 80.5, "o1"),
    buys("x", "2026-04-01", 11, "test", counted=False), buys("y", "2025-01-01", 13, "older"),
    buys(None, "2026-05-05", 17),
]  # fmt: skip
