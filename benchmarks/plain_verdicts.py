"""Who agrees with whom about a lead, and the court of rejected leads, in plain pandas; a part of `plain_pandas`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

REASONS = ("won", "won_again", "paid", "meets_criteria", "fails_criteria", "talked", "no_talk", "no_call_log")
Z = stats.norm.ppf(0.975)


def wilson(hits: pd.Series, total: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The score interval at 95 %; an end that is 0 or 1 by definition is exactly that."""
    base = total.where(total > 0)
    share = hits / base
    middle, reach = share + Z**2 / (2 * base), Z * np.sqrt(share * (1 - share) / base + Z**2 / (4 * base**2))
    low, high = (middle - reach) / (1 + Z**2 / base), (middle + reach) / (1 + Z**2 / base)
    return low.where(hits != 0, low * 0), high.where(hits != total, high * 0 + 1)


# --- agreement ---
def agreements(judged: pd.DataFrame) -> pd.DataFrame:
    """Agreement of marketing, sales and the criteria: observed, kappa, AC1 with intervals, exact McNemar."""
    columns = {"marketing": "says_marketing", "sales": "says_sales", "criteria": "verdict"}
    found = {}
    for one, two in (("marketing", "sales"), ("marketing", "criteria"), ("sales", "criteria")):
        both = judged.groupby([columns[one], columns[two]]).size().unstack(fill_value=0)
        cells = both.reindex(index=["target", "non_target"], columns=["target", "non_target"], fill_value=0)
        found[f"{one} {two}"] = _agreement(cells.to_numpy())
    return pd.DataFrame(found).T


def _agreement(cells: np.ndarray) -> dict[str, float]:
    n = cells.sum()
    drawn = np.random.default_rng(0).multinomial(n, cells.ravel() / n, size=2000).reshape(-1, 2, 2)
    kappas, ac1s = _chance_corrected(drawn)
    kappa, ac1 = (float(value[0]) for value in _chance_corrected(cells[None]))
    low, high = wilson(pd.Series([np.trace(cells)]), pd.Series([n]))
    ends = {
        f"{name}_{end}": np.nanquantile(values, q)
        for name, values in (("kappa", kappas), ("ac1", ac1s))
        for end, q in (("low", 0.025), ("high", 0.975))
    }
    b, c = int(cells[0, 1]), int(cells[1, 0])
    p = stats.binomtest(min(b, c), b + c).pvalue if b + c else 1.0
    seen = {"n": n, "observed": np.trace(cells) / n, "observed_low": low[0], "observed_high": high[0]}
    return {**seen, "kappa": kappa, "ac1": ac1, **ends, "b": b, "c": c, "p": p}


def _chance_corrected(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cohen's kappa and Gwet's AC1 of many two by two tables at once."""
    share = tables / tables.sum(axis=(1, 2), keepdims=True)
    rows, columns = share.sum(axis=2), share.sum(axis=1)
    seen, chance = np.trace(share, axis1=1, axis2=2), (rows * columns).sum(axis=1)
    middle = (rows + columns) / 2
    other = (middle * (1 - middle)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (seen - chance) / (1 - chance), (seen - other) / (1 - other)


# --- the court ---
def rulings(judged: pd.DataFrame, journeys: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Leads that sales rejected, each with the fact that decides about it."""
    cases = judged[judged["says_sales"] == "non_target"].copy()
    cases["rejected"] = cases["sales_at"].fillna(cases["closed"]).fillna(cases["created"])
    cases["day"] = cases["rejected"].dt.normalize()
    cases["last"] = (cases["rejected"] + pd.Timedelta(days=60)).dt.normalize()
    closed = cases["closed"].dt.normalize()
    facts = [
        (cases["outcome"] == "won") & (closed.isna() | (closed <= cases["last"])),
        cases["lead_id"].isin(_won_again(cases, journeys)),
        cases["lead_id"].isin(_paid(cases, journeys, tables["payments"])),
        cases["verdict"] == "target",
        cases["verdict"] == "non_target",
        cases["lead_id"].isin(_talked(cases, tables["calls"])),
    ]
    return cases.assign(why=np.select(facts, REASONS[:6], "no_talk"))


def _won_again(cases: pd.DataFrame, journeys: pd.DataFrame) -> pd.Series:
    wins = journeys.loc[journeys["outcome"] == "won", ["person", "lead_id", "closed"]].dropna()
    pairs = cases.dropna(subset=["person"]).merge(wins, on="person", suffixes=("", "_win"))
    pairs = pairs[pairs["lead_id"] != pairs["lead_id_win"]]
    return pairs.loc[pairs["closed_win"].dt.normalize().between(pairs["day"], pairs["last"]), "lead_id"]


def _paid(cases: pd.DataFrame, journeys: pd.DataFrame, payments: pd.DataFrame) -> pd.Series:
    sold = journeys.loc[journeys["outcome"] == "won"].set_index("lead_id")["closed"].dt.normalize()
    payments = payments[payments["amount"] > 0]
    payments = payments.assign(sold=payments["lead_id"].map(sold))
    found = []
    for key in ("lead_id", "person"):
        pairs = cases[["lead_id", "person", "day", "last"]].dropna(subset=[key]).merge(
            payments[[key, "at", "sold"]].dropna(subset=[key]), on=key
        )  # fmt: skip
        fresh = ~(pairs["sold"] < pairs["day"]) & pairs["at"].dt.normalize().between(
            pairs["day"], pairs["last"]
        )
        found.append(pairs.loc[fresh, "lead_id"])
    return pd.concat(found)


def _talked(cases: pd.DataFrame, calls: pd.DataFrame) -> pd.Series:
    calls, found = calls[calls["seconds"] >= 60], []
    for key in ("lead_id", "person"):
        pairs = cases[["lead_id", "person", "created", "sales_at", "day"]].dropna(subset=[key]).merge(
            calls[[key, "at"]].dropna(subset=[key]), on=key
        )  # fmt: skip
        day = pairs["at"].dt.normalize()
        in_time = (day >= pairs["created"].dt.normalize()) & (
            pairs["sales_at"].isna() | (day <= pairs["day"])
        )
        found.append(pairs.loc[in_time, "lead_id"])
    return pd.concat(found)


def contradicted(court: pd.DataFrame, by: str) -> pd.DataFrame:
    against = court["why"].isin(REASONS[:4])
    table = against.groupby(court[by], dropna=False).agg(rejected="size", contradicted="sum")
    low, high = wilson(table["contradicted"], table["rejected"])
    return table.assign(share=table["contradicted"] / table["rejected"], low=low, high=high)
