"""One group's share against all others together: which of segments or channels may be named."""

from __future__ import annotations

import math

import pandas as pd

from detente.metrics import intervals


def against_rest(
    table: pd.DataFrame | None, level: float = 0.95, min_group: int = 30, material: float = 0.05
) -> pd.DataFrame | None:
    """Each group's share against all other groups together.

    table : trials, hits per group. Returns groups with a trial in the order of `table`, its columns and
        share, low, high, level            hits / trials with Wilson's interval
        rest_trials, rest_share            of all other stated groups together
        difference, diff_low, diff_high    share - rest_share with Newcombe's interval
        p_adjusted                         Fisher's exact test with Holm's correction over the groups compared
        compared                           how many: stated groups; 0 unless one of them and its rest have min_group
        named    whether the report may name the group: stated; it and its rest have min_group trials; p_adjusted <
                 1 - level; the interval of the difference leaves out 0; |difference| >= material
    """
    if table is None:
        return None
    from scipy import stats

    found = table[table["trials"] > 0].copy()
    stated = pd.Series(found.index.notna(), found.index)
    own = found[["hits", "trials"]].where(stated, 0)
    rest_hits, rest = (own[name].sum() - own[name] for name in ("hits", "trials"))
    low, high = intervals.wilson(found["hits"], found["trials"], level)
    diff_low, diff_high = intervals.newcombe(found["hits"], found["trials"], rest_hits, rest, level)
    share, rest_share = found["hits"] / found["trials"], rest_hits / rest.where(rest > 0)
    tested = stated & (rest > 0)
    p = [
        float(stats.fisher_exact([[x, n - x], [y, m - y]]).pvalue) if known else math.nan
        for x, n, y, m, known in zip(found["hits"], found["trials"], rest_hits, rest, tested, strict=True)
    ]
    enough = tested & (found["trials"] >= min_group) & (rest >= min_group)
    found = found.assign(
        share=share, low=low, high=high, level=level, rest_trials=rest, rest_share=rest_share,
        difference=share - rest_share, diff_low=diff_low, diff_high=diff_high, p_adjusted=intervals.holm(p),
        compared=int(tested.sum()) if enough.any() else 0,
    )  # fmt: skip
    sure = (found["p_adjusted"] < 1 - level) & ((found["diff_low"] > 0) | (found["diff_high"] < 0))
    # 9/30 - 3/30 is below 0.2 in floating point, and is 0.2
    return found.assign(named=enough & sure & (found["difference"].abs() >= material - 1e-12))
