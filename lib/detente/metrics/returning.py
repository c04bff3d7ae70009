"""Selling to the base once more in place of winning clients: the CAC falls at once, new clients stay away.

A mailing to those who have bought before costs next to nothing, so that wins per rouble rise when a budget moves
there. The share of returning clients in wins tells it, and the cost of a new client stands beside the blended one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis


def of_wins(judged: ibis.Table, by: str = "channel", most: float = 0.5, level: float = 0.95) -> pd.DataFrame:
    """How many won deals are of clients who had bought before: index `by`, most wins first.

    Columns won, named (of a client who is known: of others nothing can be said), returning, new (= won - returning),
    share (returning / won), low, high (Wilson), level, kind: "base" (the whole interval lies above `most`: the channel
    sells to the base), "new" (below) or "unclear".
    """
    won = judged.filter(judged.outcome == "won")
    key = won[by].cast("string")
    grouped = won.group_by(key=key).aggregate(
        won=won.count(),
        returning=won.count(where=won.returning.fill_null(False)),
        named=won.count(where=won.person.notnull() | (won.client != won.lead_id)),
    )
    table = engine.frame(grouped).set_index("key").rename_axis(by).sort_index(na_position="last")
    low, high = intervals.wilson(table["returning"], table["won"], level)
    share = table["returning"] / table["won"]
    table = table.assign(new=table["won"] - table["returning"], share=share, low=low, high=high, level=level)
    table["kind"] = np.select([table["low"] > most, table["high"] < most], ["base", "new"], "unclear")
    return table.sort_values("won", ascending=False, kind="stable")


def base(wins: pd.DataFrame) -> list[str]:
    """The named channels of `of_wins` that sell to the base."""
    return list(wins.index[(wins["kind"] == "base") & wins.index.notna()])


@dataclass(frozen=True)
class Shift:
    """The cost per client of all channels together, before and after, and where it comes from.

    Each pair is (before, after), of equal days and equal age: spend, won, new (wins of new clients), cac
    (spend / won), cac_new (spend / new), returning (share of returning clients in wins), base_spend (share of spend in
    channels of the base). low, high : Wilson limits of returning after. p_fewer : one-sided p that new clients became
    fewer.
    state : "base"   CAC fell while new clients became fewer and returning ones a larger part of wins
            "good"   CAC fell and new clients did not become fewer beyond chance
            "dearer" CAC did not fall
            "too_early" fewer than few_wins in a window; "no_spend" no money in a window
    """

    spend: tuple[float, float]
    won: tuple[int, int]
    new: tuple[int, int]
    cac: tuple[float, float]
    cac_new: tuple[float, float]
    returning: tuple[float, float]
    low: float
    high: float
    base_spend: tuple[float, float]
    p_fewer: float
    state: str


def shift(
    table: pd.DataFrame, base: Sequence[str], few_wins: int = 5, trick_p: float = 0.10, level: float = 0.95
) -> Shift:
    """Did the cost per client fall because the base was sold to once more?

    table : of `cheap_leads.windows`. base : as `base` returns. Wins of channels that cost
    nothing are counted too: a mailing costs next to nothing, and so makes the CAC of the whole company fall.
    """
    own = table[table.index.isin(base)]
    spend, at_base = ([float(sum(part[f"spend{at}"], Decimal(0))) for at in (0, 1)] for part in (table, own))
    won, again = ([int(table[f"{name}{at}"].sum()) for at in (0, 1)] for name in ("won", "returning"))
    new = [won[at] - again[at] for at in (0, 1)]
    cac, cac_new, share, part = (
        tuple(_over(a, b) for a, b in zip(one, two, strict=True))
        for one, two in ((spend, won), (spend, new), (again, won), (at_base, spend))
    )
    p = float(special.bdtr(new[1], sum(new), 0.5)) if sum(new) else math.nan
    fewer = p < trick_p and share[1] > share[0]
    state = "base" if fewer else "good"
    state = state if cac[1] < cac[0] else "dearer"
    state = "too_early" if min(won) < few_wins else "no_spend" if min(spend) <= 0 else state
    limits = intervals.wilson(again[1], won[1], level)
    return Shift(tuple(spend), tuple(won), tuple(new), cac, cac_new, share, *limits, part, p, state)


def _over(one: float, two: float) -> float:
    return one / two if two > 0 else math.nan
