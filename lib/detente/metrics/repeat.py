"""What clients do, seen in their money: who comes back, how large a purchase is, what is returned, by which channel.

A client is who pays; a purchase counts where money stayed (more came in than went back). Coming back is a purchase on
a later day. Shares of those who came back are told over clients who were watched for the whole window: the others
have not had their time, and counted they would only look unfaithful.
Where no money is exported (None), there is nothing to tell: None.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

WINDOWS = (90, 180, 365)  # days
MONTHS = 6  # fewer do not show a trend
FEW = 5  # purchases; a month with fewer has no typical purchase
DAY = 86_400
EXACT = "decimal(38, 2)"


def _kept(purchases: ibis.Table) -> ibis.Table:
    """Purchases where money stayed."""
    return purchases.filter((purchases["gross"] > 0) & (purchases["amount"] > 0))


def _clients(purchases: ibis.Table) -> ibis.Table:
    """One row per paying client: first and second day of buying as whole days since 1970, origin, and `person`: whether
    he is known by more than the number of one deal. Where he is not, a client is a deal, and no deal comes back."""
    import ibis

    kept = _kept(purchases)
    kept = kept.filter(kept["client"].notnull())
    kept = kept.mutate(_day=kept["bought_at"].truncate("D").epoch_seconds() // DAY)
    kept = kept.mutate(_first=kept["_day"].min().over(ibis.window(group_by=kept["client"])))
    later = kept["_day"] > kept["_first"]
    return kept.group_by("client").aggregate(
        first=kept["_day"].min(), second=kept["_day"].min(where=later), origin=kept["origin"].min(),
        known=kept["matched"].notnull().any(),
        person=(kept["deal"].isnull() | (kept["client"] != kept["deal"])).any(),
    )  # fmt: skip


def _today(as_of: dt.date) -> int:
    return (as_of - dt.date(1970, 1, 1)).days


# --- who comes back ---
def returning(
    purchases: ibis.Table | None, as_of: dt.date, windows: Sequence[int] = WINDOWS, level: float = 0.95
) -> pd.DataFrame | None:
    """The share of paying clients who bought again within so many days of their first purchase.

    Only clients who are known as persons: see `_clients`.

    Returns a row per window: days, clients (all who paid), watched (their first purchase is at least `days` days before
    as_of; DENOMINATOR), back (of them, bought again within `days`), share with Wilson's low, high, level; young = the
    clients not yet watched for so long, young_back = those of them who came back already (told, never added).
    """
    if purchases is None:
        return None
    clients, today = _clients(purchases), _today(as_of)
    clients = clients.filter(clients["person"])
    cells = {}
    for days in windows:
        watched = clients["first"] + days <= today
        back = (clients["second"] - clients["first"] <= days).fill_null(False)
        cells |= {
            f"watched{days}": clients.count(where=watched), f"back{days}": clients.count(where=watched & back),
            f"young_back{days}": clients.count(where=~watched & back),
        }  # fmt: skip
    row = engine.frame(clients.aggregate(clients=clients.count(), **cells)).iloc[0]
    table = pd.DataFrame({
        "days": list(windows), "clients": int(row["clients"]),
        **{name: [int(row[f"{name}{days}"]) for days in windows] for name in ("watched", "back", "young_back")},
    })  # fmt: skip
    low, high = intervals.wilson(table["back"], table["watched"], level)
    return table.assign(
        young=table["clients"] - table["watched"], share=table["back"] / table["watched"].where(table["watched"] > 0),
        low=low, high=high, level=level,
    )  # fmt: skip


def channels(purchases: ibis.Table | None, as_of: dt.date, days: int = 90) -> pd.DataFrame | None:
    """Which channel brought clients who pay and come back, by the channel of each client's first inquiry.

    Returns one row per origin (index; NULL: known clients whose channel is not stated) and a last one, with `nobody`,
    for money that no client of the CRM explains; columns
        clients       who paid, of all times; persons = those of them known by more than a deal; purchases
        gross, returned, amount   Decimal; summed over all rows the source's totals
        trials, hits  clients known as persons and watched for `days` days; of them, those who bought again within them
        margin        Decimal, of purchases that have one; with_margin = the clients behind it
        per_client, margin_per_client   amount / clients, margin / with_margin; NaN without any
    By most clients. `contrast.against_rest` over the rows that are not `nobody` says which share differs from the rest.
    """
    if purchases is None:
        return None
    clients, money = _origins(purchases, as_of, days), _by_origin(purchases)
    table = money.join(clients, how="left")
    counts = ["clients", "persons", "trials", "hits", "purchases", "with_margin"]
    table[counts] = table[counts].fillna(0).astype("int64")
    for name in ("gross", "returned", "amount", "margin"):
        cells = [Decimal(0) if pd.isna(value) else Decimal(value) for value in table[name]]
        table[name] = pd.Series(cells, table.index, dtype=object)
    table = table.assign(
        per_client=table["amount"].astype(float) / table["clients"].where(table["clients"] > 0),
        margin_per_client=table["margin"].astype(float) / table["with_margin"].where(table["with_margin"] > 0),
    ).reset_index("nobody")  # fmt: skip
    table = table.sort_index(kind="stable", na_position="last")
    order = table["clients"].where(~table["nobody"], -1)
    return table.iloc[np.argsort(-order.to_numpy(), kind="stable")]


def _origins(purchases: ibis.Table, as_of: dt.date, days: int) -> pd.DataFrame:
    clients = _clients(purchases)
    watched = clients["person"] & (clients["first"] + days <= _today(as_of))
    back = watched & (clients["second"] - clients["first"] <= days).fill_null(False)
    grouped = clients.group_by(origin=clients["origin"].cast("string"), nobody=~clients["known"])
    counted = grouped.aggregate(
        persons=clients.count(where=clients["person"]),
        clients=clients.count(),
        trials=clients.count(where=watched),
        hits=clients.count(where=back),
    )
    return engine.frame(counted).set_index(["origin", "nobody"])


def _by_origin(purchases: ibis.Table) -> pd.DataFrame:
    table = purchases.mutate(_nobody=purchases["matched"].isnull())
    sums = {name: table[name].cast(EXACT).sum() for name in ("gross", "returned", "amount", "margin")}
    grouped = table.group_by(origin=table["origin"].cast("string"), nobody=table["_nobody"]).aggregate(
        purchases=table.count(where=table["gross"] > 0),
        with_margin=table["client"].nunique(where=table["margin"].notnull() & (table["gross"] > 0)), **sums,
    )  # fmt: skip
    return engine.frame(grouped).set_index(["origin", "nobody"])


# --- how large a purchase is ---
def checks(purchases: ibis.Table | None, as_of: dt.date, level: float = 0.95) -> pd.DataFrame | None:
    """The average purchase by month of its first payment, over purchases where money stayed.

    Returns index month, columns n, amount (Decimal sum of money less returns), mean, median; low, high = interval of
    the median by order statistics at `level` (NaN where n is too small for one); whole = the month was over on as_of.
    Source of the interval: Hahn and Meeker (1991), order statistics by the binomial of 1/2.
    """
    if purchases is None:
        return None
    import ibis

    kept = _kept(purchases)
    kept = kept.select(month="month", amount=kept["amount"].cast(EXACT))
    table = engine.frame(kept.group_by("month").aggregate(n=kept.count(), amount=kept["amount"].sum()))
    table = table.sort_values("month").set_index("month")
    ranks = _ranks(table["n"], level)
    order = ibis.window(group_by=kept["month"], order_by=kept["amount"])
    ranked = kept.mutate(_rank=ibis.row_number().over(order) + 1)
    if len(ranks):
        wanted = engine.table(ranks).rename(_month="month", _at="rank")
        found = ranked.inner_join(
            wanted, [ranked["month"] == wanted["_month"], ranked["_rank"] == wanted["_at"]]
        )
        values = engine.frame(found.select("month", "what", "amount"))
        values = values.assign(amount=values["amount"].astype(float)).pivot(
            index="month", columns="what", values="amount"
        )
        table = table.join(values)
    parts = table.reindex(columns=["lower", "upper", "low", "high"]).astype(float)
    table["amount"] = pd.Series([Decimal(value) for value in table["amount"]], table.index, dtype=object)
    whole = [pd.Period(name, "M").end_time.date() <= as_of for name in table.index]
    return table[["n", "amount"]].assign(
        mean=table["amount"].astype(float) / table["n"], median=(parts["lower"] + parts["upper"]) / 2,
        low=parts["low"], high=parts["high"], level=level, whole=pd.Series(whole, table.index, dtype=bool),
    )  # fmt: skip


def _ranks(sizes: pd.Series, level: float) -> pd.DataFrame:
    """The places (from 1) of the two middle values and of the ends of the median's interval, per month."""
    from scipy import stats

    rows = []
    for month, n in sizes.items():
        rows += [(month, (n + 1) // 2, "lower"), (month, n // 2 + 1, "upper")]
        place = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
        if place >= 1 and 2 * stats.binom.cdf(place - 1, n, 0.5) <= 1 - level:
            rows += [(month, place, "low"), (month, n + 1 - place, "high")]
    return pd.DataFrame(rows, columns=["month", "rank", "what"])


@dataclass(frozen=True)
class Trend:
    """Does the purchase grow? status: "ok" or "cannot_tell" (fewer than `needed` months).

    slope, low, high : change per month as a part of the value (0.02 = two percent), by Theil and Sen over logarithms;
    p                : Kendall's test of a trend, two-sided, exact without ties
    whole            : the change from the first month to the last along that slope, with whole_low, whole_high
    moves            : the interval leaves out 0, p < 1 - level, and |whole| >= material
    first, last, months, left_out (months not over, or with fewer than FEW purchases), n (purchases)
    usual            : the value of the most months (the later one of equally many); usual_months: how many those are;
                       since: the month from which on it never changed ("" if it did not stay); others_low, others_high:
                       the least and the largest of the other months (NaN without any)
    """

    status: str
    measure: str
    months: int
    needed: int
    left_out: int
    n: int
    slope: float
    low: float
    high: float
    p: float
    whole: float
    whole_low: float
    whole_high: float
    moves: bool
    first: str
    last: str
    level: float
    usual: float
    usual_months: int
    since: str
    others_low: float
    others_high: float


def trend(
    checks: pd.DataFrame, measure: str = "median", level: float = 0.95, material: float = 0.05
) -> Trend:
    """The drift of the typical (median) or the average (mean) purchase over whole months; `checks` as above.

    Source: Theil (1950), Sen (1968), slopes of all pairs of months; Kendall (1938).
    """
    if checks is None:
        return None
    from scipy import stats

    told = checks[checks["whole"] & (checks["n"] >= FEW)].sort_index()
    names = [str(name) for name in told.index]
    fixed = {
        "measure": measure, "months": len(told), "needed": MONTHS, "left_out": len(checks) - len(told),
        "n": int(told["n"].sum()), "first": names[0] if names else "", "last": names[-1] if names else "",
        "level": level, **_usual(told[measure]),
    }  # fmt: skip
    if len(told) < MONTHS:
        none = dict.fromkeys(("slope", "low", "high", "p", "whole", "whole_low", "whole_high"), math.nan)
        return Trend(status="cannot_tell", moves=False, **none, **fixed)
    at = np.array([int(name[:4]) * 12 + int(name[5:7]) for name in names], float)
    logs = np.log(told[measure].to_numpy(float))
    slope, _, low, high = stats.theilslopes(logs, at, alpha=level)
    p = float(stats.kendalltau(at, logs).pvalue) if len(set(logs)) > 1 else 1.0
    span = at[-1] - at[0]
    whole = math.expm1(slope * span)
    ends = {"whole": whole, "whole_low": math.expm1(low * span), "whole_high": math.expm1(high * span)}
    moves = bool((low > 0 or high < 0) and p < 1 - level and abs(whole) >= material - 1e-12)
    slopes = {name: math.expm1(x) for name, x in (("slope", slope), ("low", low), ("high", high))}
    return Trend(status="ok", p=p, moves=moves, **slopes, **ends, **fixed)


def _usual(values: pd.Series) -> dict[str, object]:
    """The value of the most months, and since when it holds."""
    if values.empty:
        return {
            "usual": math.nan,
            "usual_months": 0,
            "since": "",
            "others_low": math.nan,
            "others_high": math.nan,
        }
    counts = values[::-1].value_counts(sort=False)
    usual = counts.idxmax()
    others = values[values != usual]
    after = values if others.empty else values[values.index > others.index[-1]]
    return {
        "usual": float(usual), "usual_months": int(counts.max()), "since": str(after.index[0]) if len(after) else "",
        "others_low": float(others.min()), "others_high": float(others.max()),
    }  # fmt: skip


# --- what is returned ---
def returns(
    purchases: ibis.Table | None, by: str | None = "segment", level: float = 0.95
) -> pd.DataFrame | None:
    """Purchases of which money went back, by month of the purchase, segment, product ...; None: one row for all.

    Returns index `by` (sorted, NULL last), columns trials (purchases with money in; DENOMINATOR), hits (some of it went
    back), share with Wilson's low, high, level; full (all of it went back); alone (refunds that name no purchase: rows
    without money in, in no share); gross, returned (Decimal, refunds of
    purchases without money in too: they add up to the source's) and money_share = returned / gross.
    Young purchases have had less time to be returned: the last month flatters.
    """
    if purchases is None:
        return None
    import ibis

    key = purchases[by].cast("string") if by else ibis.literal("")
    table = purchases.mutate(_in=purchases["gross"] > 0, _back=purchases["returned"] > 0)
    some, full = table["_in"] & table["_back"], table["_in"] & (table["returned"] >= table["gross"])
    counted = table.group_by(**{by or "all": key}).aggregate(
        trials=table.count(where=table["_in"]), hits=table.count(where=some), full=table.count(where=full),
        alone=table.count(where=~table["_in"] & table["_back"]),
        gross=table["gross"].cast(EXACT).sum(), returned=table["returned"].cast(EXACT).sum(),
    )  # fmt: skip
    found = engine.frame(counted).set_index(by or "all").sort_index(kind="stable", na_position="last")
    for name in ("gross", "returned"):
        found[name] = pd.Series([Decimal(value) for value in found[name]], found.index, dtype=object)
    low, high = intervals.wilson(found["hits"], found["trials"], level)
    gross = found["gross"].astype(float)
    return found.assign(
        share=found["hits"] / found["trials"].where(found["trials"] > 0), low=low, high=high, level=level,
        money_share=found["returned"].astype(float) / gross.where(gross > 0),
    )  # fmt: skip


# --- the three by segment ---
def by_segment(
    purchases: ibis.Table | None, as_of: dt.date, days: int = 90, level: float = 0.95, material: float = 0.05,
    by: str = "segment", most: int = 12,
) -> pd.DataFrame | None:  # fmt: skip
    """Who comes back, the purchase and its trend, and returns, for each of the `most` segments of most purchases.

    A client belongs to every segment in which he bought, and comes back where he buys there again. Returns index `by`
    (NULL last), columns
        clients, trials, hits, share, low, high    as `returning` at `days`, within the segment
        purchases, mean, median                    over purchases where money stayed
        change, change_low, change_high, moves, status   `trend` of the median
        bought, returned, return_share, return_high   purchases with money in, those with money back (`returns`)
    """
    if purchases is None:
        return None
    import ibis

    sizes = returns(purchases, by, level)
    chosen = sizes.sort_values("trials", ascending=False, kind="stable").head(most).index
    rows = []
    for name in sizes.index[sizes.index.isin(chosen)]:
        part = purchases.filter(
            purchases[by].isnull() if pd.isna(name) else purchases[by] == ibis.literal(name)
        )
        back, months = returning(part, as_of, (days,), level).iloc[0], checks(part, as_of, level)
        whole, drift = _whole(part), trend(months, "median", level, material)
        rows.append({
            by: name, "clients": back["clients"], "trials": back["watched"], "hits": back["back"],
            "share": back["share"], "low": back["low"], "high": back["high"], **whole, "change": drift.whole,
            "change_low": drift.whole_low, "change_high": drift.whole_high, "moves": drift.moves,
            "status": drift.status, "bought": sizes.loc[[name], "trials"].iloc[0],
            "returned": sizes.loc[[name], "hits"].iloc[0], "return_share": sizes.loc[[name], "share"].iloc[0],
            "return_high": sizes.loc[[name], "high"].iloc[0],
        })  # fmt: skip
    return pd.DataFrame(rows).set_index(by) if rows else pd.DataFrame()


def _whole(purchases: ibis.Table) -> dict[str, float]:
    kept = _kept(purchases)
    amount = kept["amount"].cast("float64")
    row = engine.frame(
        kept.aggregate(purchases=kept.count(), mean=amount.mean(), median=amount.median())
    ).iloc[0]
    return {"purchases": int(row["purchases"]), "mean": row["mean"], "median": row["median"]}
