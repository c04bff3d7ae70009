"""Journeys made by hand for the tests of loss reasons: each lead is written as what differs from a plain loss."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from detente import engine
from detente.audit import ReasonGroup

LOSS: dict[str, Any] = {
    "outcome": "lost", "age_days": 90, "furthest": 1, "loss_reason": None, "reason_group": None, "amount": None,
    "manager": "#01", "channel": "Ads", "segment": "shop", "person": None, "phone_valid": None,
    "created_at": dt.datetime(2026, 3, 2, 10), "closed_at": dt.datetime(2026, 3, 20, 18), "month": "2026-03",
    "created_date_only": False, "closed_date_only": False, "has_history": True, "campaign": None, "product": None,
    "stage": "Lost", "is_test": False, "is_duplicate": False, "counted": True,
}  # fmt: skip
TEXT = {"loss_reason", "reason_group", "manager", "channel", "segment", "person", "campaign", "product"}


def group(ident: str, *texts: str, **differs: Any) -> ReasonGroup:
    return ReasonGroup(id=ident, reasons=list(texts), ru=f"{ident} (ru)", en=f"{ident} (en)", **differs)


def losses(n: int, reason: str | None = None, **differs: Any) -> list[dict[str, Any]]:
    return [LOSS | {"loss_reason": reason} | differs for _ in range(n)]


def won(n: int, amount: float | None = 50_000.0, **differs: Any) -> list[dict[str, Any]]:
    return [LOSS | {"outcome": "won", "furthest": 3, "amount": amount} | differs for _ in range(n)]


def frame(rows: list[dict[str, Any]], groups: list[ReasonGroup] = []) -> pd.DataFrame:  # noqa: B006
    """Rows as pandas, with ids and the groups that intake would have found."""
    table = pd.DataFrame(rows, columns=list(LOSS))
    table.insert(0, "lead_id", [f"L{order}" for order in range(len(table))])
    known = {text.casefold(): item.id for item in groups for text in item.reasons}
    found = [known.get(str(text).strip().casefold()) for text in table["loss_reason"]]
    table["reason_group"] = [
        new if pd.isna(old) else old for old, new in zip(table["reason_group"], found, strict=True)
    ]
    table["furthest"] = table["furthest"].astype("Int64")
    table["amount"] = table["amount"].astype("float64")
    table["phone_valid"] = table["phone_valid"].astype("boolean")
    for name in ("created_at", "closed_at"):
        table[name] = pd.to_datetime(table[name])
    return table.astype({name: "str" for name in TEXT})


def journeys(rows: list[dict[str, Any]], groups: list[ReasonGroup] = []):  # noqa: B006
    return engine.table(frame(rows, groups))


def calls(*rows: tuple[str | None, str | None, dt.datetime, float]):
    """Calls as (lead_id, person, time, seconds)."""
    table = pd.DataFrame(rows, columns=["lead_id", "person", "started_at", "duration_s"])
    table = table.astype({"lead_id": "str", "person": "str", "duration_s": "float64"})
    return engine.table(table.assign(started_at=pd.to_datetime(table["started_at"])))
