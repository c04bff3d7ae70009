"""Purchases as they happened: a deal with its parts and returns is one, an order by phone is one a day. Facts only."""

from __future__ import annotations

import crm
import numpy as np
import pandas as pd
import world
from books import KINDS, MARGINS, ORDERED_DELIVERY, Books, net
from world import CHANNELS, DAY

NO_CHANNEL = "(empty)"
TIED = ("goods", "delivery", "service")


def channel_names(leads: pd.DataFrame) -> np.ndarray:
    """The channel of each lead as its cell in the CRM shows it."""
    names = np.array([item.name for item in CHANNELS])[leads["channel"]]
    return np.where(crm.nowhere(leads), NO_CHANNEL, names)


def purchases(leads: pd.DataFrame, books: Books) -> pd.DataFrame:
    """One row per purchase, oldest first; nobody's money is in none.

    lead, day, segment, channel : of the inquiry it belongs to, and of the first payment
    gross, returned, amount, vat, goods, delivery, service, margin : kopecks. For orders by phone goods and
               delivery are by the price list (books.MARGINS, books.ORDERED_DELIVERY), since no cost names them.
    named    : whether the bank names a deal
    order    : 1, 2, .. of the client; 0 for a return that stands alone
    first    : day of the client's first purchase
    """
    paid = books.payments[books.payments["lead"] >= 0]
    day = paid["at"] // DAY
    made = pd.DataFrame(
        {
            "lead": paid["lead"],
            "named": paid["named"],
            "key": np.where(paid["named"], -1, day),
            "day": day.where(paid["kopecks"] > 0),
            "any_day": day,
            "gross": paid["kopecks"].clip(lower=0),
            "returned": -paid["kopecks"].clip(upper=0),
            "vat": paid["kopecks"] - net(paid["kopecks"]),
        }
    )
    by = made.groupby(["lead", "named", "key"], as_index=False)
    made = by.agg(
        day=("day", "min"), any_day=("any_day", "min"),
        gross=("gross", "sum"), returned=("returned", "sum"), vat=("vat", "sum"),
    )  # fmt: skip
    made["day"] = made["day"].fillna(made.pop("any_day")).astype("int64")
    made["amount"] = made["gross"] - made["returned"]
    made["segment"] = leads["segment"].to_numpy()[made["lead"]]
    made["channel"] = channel_names(leads[["channel", "person"]].take(made["lead"]))
    return _ordered(_costed(made, books))


def _costed(made: pd.DataFrame, books: Books) -> pd.DataFrame:
    tied = books.costs[books.costs["lead"] >= 0]
    kind = np.array(KINDS)[tied["article"]]
    worth = (made["amount"] - made["vat"]).to_numpy()
    left = np.select([made["segment"] == code for code in MARGINS], list(MARGINS.values()))
    by_list = {"goods": worth * (1 - left), "delivery": worth * ORDERED_DELIVERY, "service": worth * 0}
    for name in TIED:
        spent = tied[kind == name].groupby("lead")["kopecks"].sum().reindex(made["lead"], fill_value=0)
        made[name] = np.where(made["named"], spent.to_numpy(), np.round(by_list[name])).astype("int64")
    made["margin"] = worth - made[list(TIED)].sum(axis=1).to_numpy()
    return made


def _ordered(made: pd.DataFrame) -> pd.DataFrame:
    made = made.sort_values(["day", "named", "lead"], ascending=[True, False, True], ignore_index=True)
    inward = made["gross"] > 0
    made["order"] = np.where(
        inward, made[inward].groupby("lead").cumcount().reindex(made.index) + 1, 0
    ).astype("int64")
    made["first"] = made["lead"].map(made[inward].groupby("lead")["day"].min())
    return made


def quarter(made: pd.DataFrame, start: int, stop: int = world.DAYS) -> pd.DataFrame:
    """The purchases from one day until before another, as days since 1 July 2025."""
    return made[(made["day"] >= start) & (made["day"] < stop)]
