"""The stages and the curves of the sample company in plain pandas and statsmodels, lead by lead.

Reads with `plain_pandas` and shares no code with `detente`; `journeys.py` asserts that both find the same.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from plain_pandas import AS_OF, STAGES, load  # noqa: F401  (`load` is one of the two steps)
from statsmodels.duration.survfunc import CumIncidenceRight

AGES = (7, 30, 60, 90)


def flow(tables: dict[str, pd.DataFrame]) -> dict[str, dict]:
    """Entered, passed, lost and open per stage."""
    leads = _counted(tables)
    rows = {}
    for order in range(1, len(STAGES) + 1):
        here, beyond = leads["furthest"] == order, leads["furthest"] > order
        won = here & (leads["outcome"] == "won")
        lost, still = here & (leads["outcome"] == "lost"), here & (leads["outcome"] == "open")
        parts = {"entered": here | beyond, "passed": beyond | won, "lost": lost, "open": still}
        rows[order] = {name: int(part.sum()) for name, part in parts.items()}
    return {"steps": rows}


def incidence(tables: dict[str, pd.DataFrame]) -> dict[str, dict]:
    """Share won and its error at a few ages, all leads and per month."""
    leads = _counted(tables)
    end = leads["closed"].where(leads["outcome"] != "open", AS_OF)
    exact = (end - leads["created"]).dt.days
    by_day = (AS_OF - leads["created"].dt.normalize()).dt.days
    age = exact.where(leads["outcome"] != "open", by_day).clip(lower=0)
    known = age.notna()
    age, cause = age[known].astype(int), leads.loc[known, "outcome"].map({"open": 0, "won": 1, "lost": 2})
    rows = {"all": _shares(age, cause)}
    for month, part in age.groupby(leads.loc[known, "month"]):
        rows[month] = _shares(part, cause[part.index])
    return {"won": rows}


def _counted(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    journeys = tables["journeys"]
    return journeys[journeys["counted"]]


def _shares(age: pd.Series, cause: pd.Series) -> dict[str, float]:
    with np.errstate(divide="ignore", invalid="ignore"):
        curve = CumIncidenceRight(age.to_numpy(), cause.to_numpy())
    found = {}
    for day in AGES:
        place = np.searchsorted(curve.times, day, side="right") - 1
        if place >= 0 and day <= curve.times[-1]:
            found |= {f"share_{day}": curve.cinc[0][place], f"error_{day}": curve.cinc_se[0][place]}
    return found
