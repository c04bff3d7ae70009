"""Were leads handed out alike: who got which segment, channel, and how many target leads by the criteria."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Balance:
    """Were leads handed out alike?

    test    `intervals.alike` over stated groups with min_group known leads x kinds: method "none" for fewer than two
    groups  one row per group (not stated last): leads, known (leads of a stated kind), distance (half the sum of
            differences between its mix and that of all other stated groups: the part of its leads that is unlike)
    kinds   one row per group and kind: group, kind, leads, known (the DENOMINATOR), share, low, high (Wilson), level
    uneven  test.p < 1 - level and some tested group has a distance >= material
    """

    test: intervals.Alike
    groups: pd.DataFrame
    kinds: pd.DataFrame
    uneven: bool


def balance(
    leads: ibis.Table,
    by: str,
    of: str,
    level: float = 0.95,
    min_group: int = 30,
    material: float = 0.05,
    unknown: str = "unknown",
    seed: int = 0,
) -> Balance:
    """Who got which leads: all leads of each group (`by`) by kind (`of`: a segment, a channel, the verdict).

    leads : journeys, or what `qualification.judge` returns. Leads of the kind `unknown`, or of none, are not known.
    """
    counted = engine.frame(
        leads.group_by(group=leads[by].cast("string"), kind=leads[of].cast("string")).aggregate(
            leads=leads.count()
        )
    )
    counted["group"] = [None if pd.isna(name) else name for name in counted["group"]]
    names = _in_order(list(counted["group"]))
    stated = counted[counted["kind"].notna() & (counted["kind"] != unknown)]
    kinds = _in_order(list(stated["kind"]))
    table = np.zeros((len(names), len(kinds)), "int64")
    place = [names.index(name) for name in stated["group"]], [kinds.index(name) for name in stated["kind"]]
    np.add.at(table, place, stated["leads"].to_numpy("int64"))
    groups = pd.DataFrame({"leads": 0, "known": table.sum(axis=1)}, pd.Index(names, dtype=object, name=by))
    groups["leads"] = [
        int(counted.loc[[one == name for one in counted["group"]], "leads"].sum()) for name in names
    ]
    groups["distance"] = _distance(table, groups.index.notna())
    tested = groups.index.notna() & (groups["known"] >= min_group)
    test = intervals.alike(table[tested], seed)
    far = bool((groups.loc[tested, "distance"] >= material).any())
    return Balance(test, groups, _kinds(names, kinds, table, level), far and test.p < 1 - level)


def _distance(table: np.ndarray, stated: np.ndarray) -> np.ndarray:
    own = table * stated[:, None]
    rest = own.sum(axis=0) - own
    mixes = [
        _rates(part, np.broadcast_to(part.sum(axis=1, keepdims=True), part.shape)) for part in (table, rest)
    ]
    return np.abs(mixes[0] - mixes[1]).sum(axis=1) / 2


def _kinds(names: list, kinds: list, table: np.ndarray, level: float) -> pd.DataFrame:
    found = pd.DataFrame({
        "group": pd.Series([name for name in names for _ in kinds], dtype=object),
        "kind": pd.Series(kinds * len(names), dtype=object),
        "leads": table.ravel(),
        "known": np.repeat(table.sum(axis=1), len(kinds)),
    })  # fmt: skip
    found["share"] = _rates(found["leads"].to_numpy(), found["known"].to_numpy())
    found["low"], found["high"] = intervals.wilson(found["leads"], found["known"], level)
    return found.assign(level=level)


def _in_order(names: list) -> list:
    return sorted(set(names), key=lambda name: (name is None, str(name)))


def _rates(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
