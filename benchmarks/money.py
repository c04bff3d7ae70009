"""Purchases, cohorts and unit economics on up to 1 million leads and 3 million payments, against plain pandas.

Each case is a process of its own: `detente` on exports that it sees for the first time, `detente` on exports whose
tables it has kept, and the same numbers in plain pandas. All three must find the same.
"""

from __future__ import annotations

from pathlib import Path

import metrics

SIZES = (100_000, 300_000, 1_000_000)


def main() -> None:
    metrics.run(__file__, __doc__, child, SIZES, lambda leads: ("--payments", str(3 * leads)), repeats=1)


def child(case: str, folder: Path) -> dict:
    """CPU and wall seconds of loading and of the metrics, after imports, and every number that was found."""
    import plain_money

    def plain(tables) -> dict:
        return {**plain_money.cohorts(tables), **plain_money.economics(tables)}

    return metrics.timed(*((plain_money.load, plain) if case == "plain pandas" else _ours()), folder)


def _ours():
    from detente import engine, intake
    from detente.metrics import ad_days, cohorts, economics, qualification

    engine.connection()

    def load(folder: Path):
        return intake.load(folder / "audit.yml")[0]

    def money(tables) -> dict:
        cells = cohorts.triangle(tables.purchases, tables.as_of)
        judged = qualification.judge(tables.journeys, tables.audit.criteria)
        spent = ad_days.daily(tables.spend, tables.as_of, "channel")
        stages = len(tables.audit.funnel.stages)
        cuts = {
            by: economics.table(judged, spent, tables.purchases, by, as_of=tables.as_of, stages=stages)
            for by in ("channel", "segment", "month")
        }
        return {**_triangle(cells), **{by: _cut(table) for by, table in cuts.items()}}

    return load, money


def _triangle(cells) -> dict:
    """The cells with a purchase, and the clients of each cohort."""
    lit = cells[(cells["active"] > 0) | (cells["revenue"] != 0)]
    rows = {
        f"{row.cohort} {row.age}": {"active": row.active, "revenue": float(row.revenue)}
        for row in lit.itertuples()
    }
    first = cells[cells["age"] == 0].set_index("cohort")
    return {"cells": rows, "clients": {name: {"clients": int(n)} for name, n in first["clients"].items()}}


def _cut(table) -> dict:
    names = ["leads", "won", "target", "paid_leads", "purchases", "gross", "returned", "spend"]
    named = table[table["line"].isin(["paid", "free"]) & table.index.notna()]
    return named[names].astype(float).to_dict("index")


if __name__ == "__main__":
    main()
