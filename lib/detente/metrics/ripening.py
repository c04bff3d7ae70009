"""How revenue ripens: the money of a month's inquiries keeps coming, so a young month looks poor.

The triangle of months by age says which part of the final revenue is in hand at each age; young months are scaled by
it, or refused where too little of it has come. Source: T. Mack (1993), Distribution-free calculation of the standard
error of chain ladder reserve estimates, ASTIN Bulletin 23(2), 213-225.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

KINDS = {
    "cohort": "str", "age": "int64", "leads": "int64", "amount": "float64", "total": "float64", "ripe": "bool",
}  # fmt: skip
LEAST = 2  # months that must have been watched through an age before it says how money grows


def triangle(
    purchases: ibis.Table | None, inquiries: ibis.Table, as_of: dt.date, channels: Sequence[str] | None = None,
    value: str = "net", fill: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Money by the month of the inquiry and the age at which it came, in calendar months (0: the same month).

    value : "gross", "net" (amount less VAT) or "margin"; a purchase without a margin counts as fill x net.
    channels : inquiries of these only. Purchases before their inquiry count to age 0.

    Returns cohort (YYYY-MM), age, leads, amount (came at that age), total (to date), ripe (the month of that age is
    over by as_of). Every cohort with inquiries has each age from 0 to today's. Empty without purchases.
    """
    if purchases is None:
        return pd.DataFrame({name: pd.Series(dtype=KINDS[name]) for name in KINDS})
    if channels is not None:
        inquiries = inquiries.filter(inquiries.channel.isin(list(channels)))
    leads = engine.frame(inquiries.group_by("month").aggregate(leads=inquiries.count()))
    came = _came(purchases, inquiries, value, fill)
    now = as_of.year * 12 + as_of.month
    over = (as_of + dt.timedelta(days=1)).month != as_of.month  # today is the last day of its month
    rows = []
    for cohort, count in leads.dropna().sort_values("month").itertuples(index=False):
        oldest = now - _order(cohort)
        mine = came[came["month"] == cohort]
        by_age = mine.groupby(mine["age"].clip(0, max(oldest, 0)))["amount"].sum()
        amounts = [float(by_age.get(age, 0.0)) for age in range(oldest + 1)]
        for age, (amount, total) in enumerate(zip(amounts, np.cumsum(amounts), strict=True)):
            rows.append((cohort, age, int(count), amount, float(total), age < oldest or over))
    return pd.DataFrame(rows, columns=list(KINDS)).astype(KINDS)


def _order(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])


def _came(purchases: ibis.Table, inquiries: ibis.Table, value: str, fill: float | None) -> pd.DataFrame:
    """Money per month of the inquiry and age in calendar months."""
    known = inquiries.select(owner="lead_id", asked_in="month", begun="created_at")
    bought = purchases.inner_join(known, purchases.lead_id == known.owner)
    net = bought.amount.cast("float64") - bought.vat.cast("float64").fill_null(0.0)
    money = net
    if value == "gross":
        money = bought.gross.cast("float64")
    elif value == "margin":
        money = bought.margin.cast("float64")
        money = money.fill_null(net * fill) if fill is not None else money.fill_null(0.0)
    paid, begun = bought.bought_at, bought.begun
    age = (paid.year() - begun.year()) * 12 + paid.month() - begun.month()
    picked = bought.select(month=bought.asked_in, age=age, money=money)
    came = engine.frame(picked.group_by("month", "age").aggregate(amount=picked.money.sum()))
    return came.sort_values(["month", "age"], ignore_index=True)


@dataclass(frozen=True)
class Ripening:
    """How money grows with age.

    status   : "ok", or "cannot_tell" (fewer than LEAST months watched through the first step).
    growth   : index age: factor (from this age to the next), cohorts (behind it), share (part of the final revenue in
               hand at this age; 1 at the last), spread (Mack's sigma squared).
    final    : the age taken as final (the last one with LEAST months behind it); money that comes later is unseen.
    cohorts  : index cohort: leads, age (last age that is over and not beyond the final one; -1: none), at (in hand
               at it), total (in hand to date), share (of the final revenue, at that age), ripened (at / share, never
               below total; NaN where refused), low, high (of ripened, never below total), status ("final",
               "ripened", "refused").
    total, ripened, low, high : over the cohorts that are not refused. refused: how many. The totals of all cohorts
    sum to the money of the triangle.
    """

    status: str
    final: int
    growth: pd.DataFrame
    cohorts: pd.DataFrame
    total: float
    ripened: float
    low: float
    high: float
    refused: int
    least_share: float
    level: float

    def reach(self, share: float) -> int | None:
        """The first age at which this part of the final revenue is in hand; None where the growth is unknown."""
        ages = self.growth.index[self.growth["share"] >= share - 1e-12]
        return int(ages[0]) if self.status == "ok" and len(ages) else None

    def days(self, share: float, usual: int = 30) -> int:
        """The age in days by which this part is in hand for every inquiry of a month; `usual` where unknown."""
        age = self.reach(share)
        return usual if age is None else (age + 1) * usual


def ripen(
    triangle: pd.DataFrame, ripe_share: float = 0.5, level: float = 0.95, horizon: int = 12
) -> Ripening:
    """Revenue of young months scaled by what older months did: in hand / share in hand at that age.

    triangle : as `triangle` returns. ripe_share : a month with less of its final revenue in hand is refused and
    stands in no total. horizon : ages beyond are not looked at.
    """
    ripe = triangle[triangle["ripe"].astype(bool)]
    cells = ripe.pivot_table(index="cohort", columns="age", values="total", aggfunc="sum").astype(float)
    cells = cells.reindex(sorted(triangle["cohort"].unique())).loc[:, lambda frame: frame.columns <= horizon]
    growth = _growth(cells)
    known = len(growth) > 1
    final = int(growth.index[-1]) if known else 0
    leads = triangle.groupby("cohort")["leads"].first()
    cohorts = _cohorts(cells, growth, final, leads, ripe_share, level) if known else _unknown(cells, leads)
    latest = triangle.sort_values("age").groupby("cohort")["total"].last()
    cohorts["total"] = latest.reindex(cohorts.index)
    for name in ("ripened", "low"):
        cohorts[name] = cohorts[name].where(~(cohorts[name] < cohorts["total"]), cohorts["total"])
    cohorts["high"] = cohorts["high"].where(~(cohorts["high"] < cohorts["ripened"]), cohorts["ripened"])
    kept = cohorts[cohorts["status"] != "refused"]
    total, ripened = (float(kept[name].sum()) if len(kept) else math.nan for name in ("total", "ripened"))
    reach = _reach(cells, growth, final, kept, level) if known and len(kept) else math.nan
    return Ripening(
        "ok" if known else "cannot_tell", final, growth, cohorts, total, ripened, max(ripened - reach, total),
        ripened + reach, int((cohorts["status"] == "refused").sum()), ripe_share, level,
    )  # fmt: skip


def _growth(cells: pd.DataFrame) -> pd.DataFrame:
    """Development factors f = sum C(age + 1) / sum C(age) over the months watched through both ages."""
    rows, ages = [], list(cells.columns)
    for age in ages[:-1]:
        both = cells[cells[age].notna() & cells[age + 1].notna()] if age + 1 in cells else cells.iloc[:0]
        before, after = both.get(age, pd.Series(dtype=float)), both.get(age + 1, pd.Series(dtype=float))
        if len(both) < LEAST or before.sum() <= 0 or after.sum() <= 0:
            break
        factor = float(after.sum() / before.sum())
        used = before[before > 0]
        spread = (
            float((used * (after[used.index] / used - factor) ** 2).sum() / (len(used) - 1))
            if len(used) > 1
            else math.nan
        )
        rows.append({"age": age, "factor": factor, "cohorts": len(both), "spread": spread})
    table = pd.DataFrame(rows, columns=["age", "factor", "cohorts", "spread"])
    last = {
        "age": int(table["age"].max()) + 1 if len(table) else 0,
        "factor": 1.0,
        "cohorts": 0,
        "spread": 0.0,
    }
    table = (
        pd.concat([table, pd.DataFrame([last])], ignore_index=True) if len(table) else pd.DataFrame([last])
    )
    share = 1 / table["factor"].iloc[::-1].cumprod().iloc[::-1]
    return table.assign(share=share).astype({"age": "int64"}).set_index("age")


def _age(row: pd.Series, final: int) -> int:
    """The last age of a month that is over, not beyond the final one; -1: none."""
    seen = row.dropna().index
    return min(int(seen.max()), final) if len(seen) else -1


def _cohorts(
    cells: pd.DataFrame, growth: pd.DataFrame, final: int, leads: pd.Series, least: float, level: float
) -> pd.DataFrame:
    z = NormalDist().inv_cdf((1 + level) / 2)
    rows = {}
    for cohort, row in cells.iterrows():
        age = _age(row, final)
        total = float(row.dropna().loc[: max(age, 0)].iloc[-1]) if age >= 0 else 0.0
        share = float(growth.loc[age, "share"]) if age >= 0 else 0.0
        refused = share < least - 1e-12
        ripened = math.nan if refused else total / share
        error = 0.0 if refused else math.sqrt(_squared_error(cells, growth, age, final, total))
        rows[cohort] = {
            "leads": int(leads[cohort]), "age": age, "at": total, "total": total,
            "share": share if age >= 0 else math.nan, "ripened": ripened,
            "low": ripened - z * error if not refused else math.nan,
            "high": ripened + z * error if not refused else math.nan,
            "status": "refused" if refused else "final" if age == final else "ripened",
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("cohort")


def _unknown(cells: pd.DataFrame, leads: pd.Series) -> pd.DataFrame:
    """No growth known: every month is refused."""
    rows = {}
    for cohort, row in cells.iterrows():
        seen = row.dropna()
        rows[cohort] = {
            "leads": int(leads[cohort]), "age": int(seen.index.max()) if len(seen) else -1,
            "at": float(seen.iloc[-1]) if len(seen) else 0.0, "total": math.nan, "share": math.nan, "ripened": math.nan,
            "low": math.nan, "high": math.nan, "status": "refused",
        }  # fmt: skip
    columns = ["leads", "age", "at", "total", "share", "ripened", "low", "high", "status"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("cohort")


def _spreads(growth: pd.DataFrame) -> pd.Series:
    """Sigma squared per age; a step seen once takes min(s1²/s2, s1, s2) of the two before (Mack 1993, p. 217)."""
    spread = growth["spread"].iloc[:-1].copy()
    for place, value in enumerate(spread):
        if not math.isnan(value):
            continue
        if place >= 2:
            second, first = spread.iloc[place - 2], spread.iloc[place - 1]
            spread.iloc[place] = min(first**2 / second, first, second) if second > 0 else 0.0
        else:
            spread.iloc[place] = 0.0
    return spread


def _sizes(cells: pd.DataFrame, age: int) -> float:
    """What stood behind the factor of an age: the money at it of the months watched through the next one."""
    both = cells[age].notna() & cells[age + 1].notna()
    return float(cells.loc[both, age].sum())


def _squared_error(cells: pd.DataFrame, growth: pd.DataFrame, age: int, final: int, total: float) -> float:
    """Mack's mean squared error of one month's final revenue (process and estimation)."""
    spread, at, summed = _spreads(growth), total, 0.0
    for step in range(age, final):
        behind = _sizes(cells, step)
        factor = float(growth.loc[step, "factor"])
        if at > 0:
            summed += float(spread.loc[step]) / factor**2 * (1 / at + 1 / behind)
        at *= factor
    return at**2 * summed


def _reach(cells: pd.DataFrame, growth: pd.DataFrame, final: int, kept: pd.DataFrame, level: float) -> float:
    """Half the interval of the total: months share the same factors, so errors go together (Mack 1993, p. 220)."""
    spread, total = _spreads(growth), 0.0
    young = kept.sort_values("age", ascending=False, kind="stable")
    for place, (_, row) in enumerate(young.iterrows()):
        age = int(row["age"])
        total += _squared_error(cells, growth, age, final, row["at"])
        later = float(young["ripened"].iloc[place + 1 :].sum())
        shared = sum(
            2 * float(spread.loc[step]) / float(growth.loc[step, "factor"]) ** 2 / _sizes(cells, step)
            for step in range(age, final)
        )
        total += row["ripened"] * later * shared
    return NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(total)
