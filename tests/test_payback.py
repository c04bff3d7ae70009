"""A month of advertising has paid back in the first month that covers it; one that has not has no payback time yet."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from detente.metrics import romi


def aged(*rows, ripe=True) -> pd.DataFrame:
    made = [(cohort, age, total, ripe) for cohort, totals in rows for age, total in enumerate(totals)]
    return pd.DataFrame(made, columns=["cohort", "age", "total", "ripe"])


def test_a_month_is_paid_back_in_the_first_month_that_covers_its_spend() -> None:
    table = romi.payback(
        aged(("2026-01", [40, 99, 100, 180]), ("2026-02", [30, 50, 60]), ("2026-03", [500])),
        pd.Series({"2026-01": Decimal(100), "2026-02": Decimal(100)}),
    )
    assert table["status"].to_dict() == {"2026-01": "paid_back", "2026-02": "not_yet", "2026-03": "no_spend"}
    assert table.loc["2026-01", ["month", "watched", "share"]].tolist() == [3, 4, 1.8]
    assert pd.isna(table.loc["2026-02", "month"])
    assert table.loc["2026-02", "watched"] == 3


def test_a_month_that_is_not_over_pays_nothing_back() -> None:
    table = romi.payback(aged(("2026-06", [500]), ripe=False), pd.Series({"2026-06": Decimal(100)}))
    assert table["status"].tolist() == ["too_young"]


def test_only_the_incremental_part_pays_back() -> None:
    table = romi.payback(aged(("2026-01", [100, 200])), pd.Series({"2026-01": Decimal(100)}), incremental=0.5)
    assert table.loc["2026-01", "month"] == 2
    assert romi.payback(aged(), pd.Series(dtype=object)).empty
