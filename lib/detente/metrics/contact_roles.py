"""Which people of the client are on the deals: who is usually there, and with whom deals are won."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis


def roles(
    journeys: ibis.Table, ripe_days: int = 30, level: float = 0.95, min_group: int = 30
) -> pd.DataFrame | None:
    """One row per role that is noted on at least min_group deals, most frequent first; None without such a column.

    A cell holds roles separated by comma, semicolon, slash or plus. A rarer entry may be a person's name and is not
    shown. Deals: further than the first stage, or won, with any role noted.

    Columns role, deals (of `known`, the DENOMINATOR of share), known, share, low, high (Wilson); ripe (deals of at
    least ripe_days) and won of them, won_share, won_low, won_high; level. Who came further was asked more: with whom a
    deal is won says nothing of why.
    """
    if "field_roles" not in journeys.columns:
        return None
    asked = journeys.filter((journeys.furthest > 1) | (journeys.outcome == "won"))
    asked = asked.filter(asked.field_roles.notnull())
    ripe = asked.age_days >= ripe_days
    cells = engine.frame(
        asked.group_by(text="field_roles").aggregate(
            deals=asked.count(), ripe=asked.count(where=ripe),
            won=asked.count(where=ripe & (asked.outcome == "won")),
        )
    )  # fmt: skip
    known = int(cells["deals"].sum())
    each = cells.assign(role=[sorted(_split(text)) for text in cells["text"]]).explode("role")
    table = each.groupby("role", as_index=False)[["deals", "ripe", "won"]].sum()
    table = table[table["deals"] >= min_group].astype({"deals": "int64", "ripe": "int64", "won": "int64"})
    table = table.sort_values(["deals", "role"], ascending=[False, True], ignore_index=True).assign(
        known=known
    )
    low, high = intervals.wilson(table["deals"], table["known"], level)
    won_low, won_high = intervals.wilson(table["won"], table["ripe"], level)
    return table.assign(
        share=table["deals"] / known if known else table["deals"] * float("nan"), low=low, high=high,
        won_share=table["won"] / table["ripe"].where(table["ripe"] > 0), won_low=won_low, won_high=won_high,
        level=level,
    )  # fmt: skip


def _split(text: str) -> set[str]:
    """The roles of one cell, in small letters.

    >>> sorted(_split("Директор, снабжение; директор"))
    ['директор', 'снабжение']
    """
    return {part for piece in re.split(r"[,;/+\n]", text) if (part := piece.strip().casefold())}
