"""Worked examples of client value: small numbers on which the seed formula goes wrong, reckoned from their inputs.

The cases are those of a popular post on sales analytics; `said` columns hold what it prints. Money in roubles, one
span is a month.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

COMPANIES = {
    "A": {"start": 200, "lost": 50, "new": 80, "revenue": 1_000_000, "margin": 0.3, "cac": 500, "said": 18_604},
    "B": {"start": 500, "lost": 200, "new": 500, "revenue": 1_000_000, "margin": 0.3, "cac": 150, "said": 3_845},
}  # fmt: skip
SAID_TIMES = 2.2  # how many times more B is said to earn on newcomers
HUNDRED = {"start": 100, "lost": 30, "end": 200, "revenue": 300_000, "said": 6_666}


def companies() -> pd.DataFrame:
    """Two companies of equal revenue: which one is better depends on what is divided by what.

    Returns index company, columns start, lost, new, end, average (clients); revenue, margin (share), cac, said;
        arpu = revenue / average; churn = lost / start; bias = start / average
        seed = arpu / churn; posted, with arpu cut to whole roubles first (what the post printed); matched =
        revenue / lost
        profit = arpu x margin; newcomer = profit - cac; newcomers = newcomer x new, one month of them
        newcomers_posted      the same with profit cut to whole roubles
        spend = cac x new; company_profit = revenue x margin - spend
        cohort_profit = (seed x margin - cac) x new, over the life of the newcomers; ltv_to_cac = seed x margin / cac
        month_return, life_return    newcomer / cac; (seed x margin - cac) / cac
    """
    table = pd.DataFrame.from_dict(COMPANIES, orient="index").rename_axis("company")
    table = _base(table.assign(end=table["start"] - table["lost"] + table["new"]))
    profit = table["arpu"] * table["margin"]
    life = table["seed"] * table["margin"]
    return table.assign(
        profit=profit, newcomer=profit - table["cac"], newcomers=(profit - table["cac"]) * table["new"],
        newcomers_posted=(profit.map(math.floor) - table["cac"]) * table["new"],
        lost_to_new=table["lost"] / table["new"], growth=table["end"] / table["start"] - 1,
        spend=table["cac"] * table["new"],
        company_profit=table["revenue"] * table["margin"] - table["cac"] * table["new"],
        cohort_profit=(life - table["cac"]) * table["new"], ltv_to_cac=life / table["cac"],
        month_return=(profit - table["cac"]) / table["cac"], life_return=(life - table["cac"]) / table["cac"],
    )  # fmt: skip


def _base(table: pd.DataFrame) -> pd.DataFrame:
    """Average base, ARPU, churn and client value of rows with start, lost, end and revenue."""
    average = (table["start"] + table["end"]) / 2
    arpu, churn = table["revenue"] / average, table["lost"] / table["start"]
    seed = table["revenue"] * table["start"] / (average * table["lost"])
    return table.assign(
        average=average, arpu=arpu, churn=churn, bias=table["start"] / average, seed=seed,
        posted=[math.floor(one) / part for one, part in zip(arpu, churn, strict=True)],
        truncated=seed.map(math.floor), matched=table["revenue"] / table["lost"],
    )  # fmt: skip


def hundred_clients() -> pd.DataFrame:
    """A base that grows from 100 to 200 clients, then four readings of the month after; what truly changed?

    Returns index reading: first (the month of the post), same_count (30 are lost again: clients leave more seldom),
    same_on_start (30 % of the clients at the start), same_on_average (20 % of the average base: the same behaviour),
    falling (200 to 170, the same behaviour). Columns start, end, new, lost, revenue, average, arpu, churn, bias, seed,
    posted, truncated, matched, life (= 1 / churn, months), truth (matched, where clients
    behave as in `first`; NaN where they changed).
    """
    first = HUNDRED
    arpu = first["revenue"] / ((first["start"] + first["end"]) / 2)
    hazard = first["lost"] / ((first["start"] + first["end"]) / 2)
    rows = {"first": {"start": 100, "end": 200, "lost": 30}}
    rows |= {
        "same_count": {"start": 200, "end": 300, "lost": first["lost"]},
        "same_on_start": {"start": 200, "end": 300, "lost": 200 * first["lost"] / first["start"]},
        "same_on_average": {"start": 200, "end": 300, "lost": 250 * hazard},
        "falling": {"start": 200, "end": 170, "lost": 185 * hazard},
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading").astype(float)
    table["revenue"] = arpu * (table["start"] + table["end"]) / 2
    table = _base(table.assign(new=table["end"] - table["start"] + table["lost"]))
    same = (table["lost"] / table["average"] - hazard).abs() < 1e-12
    return table.assign(life=1 / table["churn"], truth=(table["revenue"] / table["lost"]).where(same))


def trap_ltv(base: Any, material: float = 0.05) -> str:
    """Which trap of the seed formula a client base shows: "growing_base", "falling_base", or "" for none.

    base : an object with start, lost, new (clients of one span). The formula errs by start / average clients: a
    growing base makes a client look worth less than revenue / lost says, a falling one more. Errors of less than
    `material` are no trap; without a loss there is no formula.
    """
    average = base.start + (base.new - base.lost) / 2
    if base.lost <= 0 or base.start <= 0 or average <= 0:
        return ""
    off = base.start / average - 1
    return "" if abs(off) < material else "growing_base" if off < 0 else "falling_base"


def beside(trap: str, base: Any) -> pd.DataFrame | None:
    """The worked case of `trap` and the client base under each other: index example, yours. None without a trap.

    base : an object with start, lost, new, revenue of one span. Columns start, lost, end, revenue, and as in
    `hundred_clients` bias, seed, matched; off = bias - 1, the error of the formula.
    """
    if not trap:
        return None
    example = hundred_clients().loc["first" if trap == "growing_base" else "falling"]
    own = pd.Series({name: float(getattr(base, name)) for name in ("start", "lost", "new", "revenue")})
    rows = pd.DataFrame([example[own.index], own], index=pd.Index(["example", "yours"]))
    rows = _base(rows.assign(end=rows["start"] - rows["lost"] + rows["new"]))
    return rows.assign(off=rows["bias"] - 1)
