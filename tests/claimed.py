"""What a table of definitions says: the value of one, and those that meet the claim."""

from __future__ import annotations

import pandas as pd


def value(table: pd.DataFrame, ident: str) -> float:
    return table.set_index("id").loc[ident, "value"]


def found(table: pd.DataFrame) -> list[str]:
    return table.loc[table["matches"], "id"].tolist()
