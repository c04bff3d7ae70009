"""Purchases, cohorts and unit economics of the sample company in plain pandas.

Reads with `plain_pandas` and shares no code with `detente`; `money.py` asserts that both find the same.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plain_pandas
from plain_pandas import AS_OF

SEGMENTS = {
    "дилер": "Дилеры", "дилеры": "Дилеры", "застройщик": "Застройщики", "застройщики": "Застройщики",
    "частное лицо": "Частные лица", "частные лица": "Частные лица", "частник": "Частные лица",
}  # fmt: skip


def load(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of `plain_pandas` with the segment of each inquiry, and the purchases."""
    tables = plain_pandas.load(folder)
    journeys = tables["journeys"]
    raw = pd.read_parquet(folder / "deals.parquet", columns=["ID", "Сегмент клиента"]).drop_duplicates("ID")
    named = raw.set_index("ID")["Сегмент клиента"].str.strip().str.lower().map(SEGMENTS)
    journeys["segment"] = journeys["lead_id"].map(named)
    tables["purchases"] = _purchases(tables["payments"], journeys)
    return tables


def _purchases(payments: pd.DataFrame, journeys: pd.DataFrame) -> pd.DataFrame:
    """One row per deal, or per client and day, with the inquiry that it belongs to."""
    journeys["client"] = journeys["person"].fillna(journeys["lead_id"])
    payments = payments[payments["at"] < AS_OF + pd.Timedelta(days=2)].copy()
    payments["kopecks"] = (payments["amount"] * 100).round().astype("int64")
    known = payments["lead_id"].isin(journeys["lead_id"])
    payments["deal"] = payments["lead_id"].where(known)
    owner = payments["deal"].map(journeys.set_index("lead_id")["client"])
    payments["client"] = owner.fillna(payments["person"])
    day = payments["client"] + " " + payments["at"].dt.strftime("%Y-%m-%d")
    payments["key"] = (
        payments["deal"].fillna(day).fillna(pd.Series(payments.index.astype("str"), payments.index))
    )
    inward = payments["kopecks"] > 0
    payments["gross"] = payments["kopecks"].where(inward, 0)
    payments["returned"] = (-payments["kopecks"]).where(~inward, 0)
    payments["first"] = payments["at"].where(inward)
    bought = payments.groupby("key").agg(
        deal=("deal", "first"), client=("client", "first"), first=("first", "min"), any=("at", "min"),
        gross=("gross", "sum"), returned=("returned", "sum"),
    )  # fmt: skip
    bought["at"] = bought["first"].fillna(bought["any"])
    order = journeys.assign(late=journeys["outcome"] != "won").sort_values(["late", "created", "lead_id"])
    acquired = order.drop_duplicates("client").set_index("client")["lead_id"]
    bought["lead_id"] = bought["deal"].fillna(bought["client"].map(acquired))
    return bought.reset_index(drop=True)


def cohorts(tables: dict[str, pd.DataFrame]) -> dict[str, dict]:
    """Clients, buyers and revenue per month of the first purchase and age."""
    bought = tables["purchases"].dropna(subset=["client"])
    bought = bought[bought["at"] < AS_OF + pd.Timedelta(days=1)].copy()
    bought["paid_at"] = bought["at"].where(bought["gross"] > 0)
    first = bought.groupby("client")["paid_at"].transform("min")
    bought["cohort"] = first.fillna(bought.groupby("client")["at"].transform("min")).dt.to_period("M")
    bought["age"] = bought["at"].dt.year * 12 + bought["at"].dt.month
    bought["age"] -= bought["cohort"].dt.year * 12 + bought["cohort"].dt.month
    bought["amount"], bought["buyer"] = (
        bought["gross"] - bought["returned"],
        bought["client"].where(bought["gross"] > 0),
    )
    cells = bought.groupby(["cohort", "age"]).agg(active=("buyer", "nunique"), kopecks=("amount", "sum"))
    sizes = bought.groupby("cohort")["client"].nunique()
    rows = {
        f"{cohort} {age}": {"active": int(row.active), "revenue": row.kopecks / 100}
        for (cohort, age), row in zip(cells.index, cells.itertuples(), strict=True)
    }
    return {"cells": rows, "clients": {str(cohort): {"clients": int(n)} for cohort, n in sizes.items()}}


def economics(tables: dict[str, pd.DataFrame]) -> dict[str, dict]:
    """Leads, wins, spend, purchases and money per channel, segment and month of the inquiry."""
    journeys, bought = tables["journeys"], tables["purchases"]
    counted = plain_pandas.judge(journeys[journeys["counted"]])
    sums = (
        bought.assign(purchases=bought["gross"] > 0)
        .groupby("lead_id")[["gross", "returned", "purchases"]]
        .sum()
    )
    leads = counted.join(sums, on="lead_id")
    found = {}
    for by in ("channel", "segment", "month"):
        rows = leads.assign(
            leads=1, won=leads["outcome"] == "won", target=leads["verdict"] == "target",
            paid_leads=leads["purchases"] > 0,
        ).groupby(by)[["leads", "won", "target", "paid_leads", "purchases", "gross", "returned"]].sum()  # fmt: skip
        rows[["gross", "returned"]] /= 100
        found[by] = rows.to_dict("index")
    spent = tables["spend"].groupby("channel")["kopecks"].sum() / 100
    for channel, cost in spent.items():
        found["channel"][channel]["spend"] = cost
    return found
