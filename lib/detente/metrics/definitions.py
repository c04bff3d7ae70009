"""One client base, several values of a client: each definition reckoned from the same purchases, side by side.

`cost` says what a new client costs, `per_deal` what a client who buys once brings. `side_by_side` sets the results of
all definitions beside each other; the counts of one period, cohorts and models are reckoned elsewhere and handed in. No
value is without end: where a definition speaks of a whole life, the row says so.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

DEFINITIONS = {
    "seed": "revenue", "matched": "revenue", "per_lost": "revenue", "cohort_revenue": "revenue",
    "cohort_profit": "profit", "per_deal": "profit", "sbg": "profit", "bgnbd": "profit",
}  # fmt: skip
MODELS = {
    "one_off": ("per_deal",),
    "subscription": ("seed", "matched", "per_lost", "cohort_revenue", "cohort_profit", "sbg"),
    "repeat": ("seed", "matched", "per_lost", "cohort_revenue", "cohort_profit", "bgnbd"),
}

HIRED = ("marketing", "sales")  # kinds of cost that bring clients, besides the advertising itself


# --- what a new client costs ---
@dataclass(frozen=True)
class Cost:
    """What a new client costs. DENOMINATOR of paid and full: `new`, clients whose first purchase lies in the period.

    paid : advertising / new, with low, high (exact Poisson limits of `new`); full : the same with salaries, agencies
    and tools; None without them. spend : without the VAT in it (vat : what was taken off), `staff` for the period
    `since` to `until`. told : new clients whose channel of origin is known.
    status "ok", "no_spend", "no_clients" (above: the cost lies above spend / the upper limit of new clients).
    """

    status: str
    paid: float = math.nan
    low: float = math.nan
    high: float = math.nan
    full: float | None = None
    spend: float = 0.0
    vat: float = 0.0
    staff: float = 0.0
    new: int = 0
    told: int = 0
    since: dt.date | None = None
    until: dt.date | None = None
    above: float = math.nan
    level: float = 0.95

    @property
    def most(self) -> float | None:
        """The full cost where it is known, else what advertising alone costs; None without either."""
        if self.status != "ok":
            return None
        return self.paid if self.full is None else self.full

    @property
    def limits(self) -> tuple[float, float]:
        """The limits of `most`: they come from the number of new clients alone, so they grow with the cost."""
        times = 1.0 if self.full is None else self.full / self.paid
        return self.low * times, self.high * times


def cost(
    purchases: ibis.Table, spend: ibis.Table | None, staff: float = 0.0, costs: ibis.Table | None = None,
    whole: Cost | None = None, level: float = 0.95,
) -> Cost:  # fmt: skip
    """Advertising over the days it was paid for, against the clients who bought for the first time in these days.

    Of all purchases it is the blended cost: clients whom no advertisement brought count too. costs : of the company;
    those of kind marketing and sales in the months of these days are added; where there are none, `staff`, money per
    month. whole : the cost of all clients, where `purchases` are those of some of them (`advertised`): each new client
    bears the same part of its staff, so that the parts add up.
    """
    if spend is None:
        return Cost("no_spend", level=level)
    money, vat, since, until = _spent(spend)
    if not money > 0 or since is None or until is None:
        return Cost("no_spend", level=level)
    new, told = _new(purchases, since, until)
    people = _hired(costs, since, until) or staff * ((until - since).days + 1) / (365.25 / 12)
    if whole is not None:
        people = whole.staff * new / whole.new if whole.new else 0.0
    known = {
        "spend": money,
        "vat": vat,
        "staff": people,
        "new": new,
        "told": told,
        "since": since,
        "until": until,
    }
    few, many = intervals.poisson(new, level)
    if not new:
        return Cost("no_clients", above=money / many, level=level, **known)
    full = (money + people) / new if people else None
    return Cost("ok", money / new, money / many, money / few, full, level=level, **known)


def _spent(spend: ibis.Table) -> tuple[float, float, dt.date | None, dt.date | None]:
    """Advertising without its VAT, as the revenue is told, the VAT taken off, and the first and the last day."""
    import ibis

    vat = spend.vat.fill_null(0) if "vat" in spend.columns else ibis.literal(0)
    last = spend.date_to.fill_null(spend.date_from) if "date_to" in spend.columns else spend.date_from
    sums = spend.aggregate(
        money=(spend.cost - vat).sum(), vat=vat.sum() if "vat" in spend.columns else vat,
        since=spend.date_from.min(), until=last.max(),
    )  # fmt: skip
    row = engine.frame(sums).iloc[0]
    since, until = (
        None if pd.isna(row[name]) else pd.Timestamp(row[name]).date() for name in ("since", "until")
    )
    return *(0.0 if pd.isna(row[name]) else float(row[name]) for name in ("money", "vat")), since, until


def _hired(costs: ibis.Table | None, since: dt.date, until: dt.date) -> float:
    """Costs of kind marketing and sales in the months of the days, without their VAT; advertising is in the spend."""
    if costs is None:
        return 0.0
    month = costs.period.cast("string").substr(0, 7)
    own = costs.filter(costs.kind.isin(HIRED) & (month >= f"{since:%Y-%m}") & (month <= f"{until:%Y-%m}"))
    money = own.amount - own.vat.fill_null(0) if "vat" in costs.columns else own.amount
    found = engine.frame(own.aggregate(money=money.sum()))["money"][0]
    return 0.0 if pd.isna(found) else float(found)


def _new(purchases: ibis.Table, since: dt.date, until: dt.date) -> tuple[int, int]:
    """Clients whose first purchase lies in the days, and those of them whose origin is known."""
    import ibis

    begin, end = (ibis.timestamp(f"{day} 00:00:00") for day in (since, until + dt.timedelta(days=1)))
    known = purchases.filter(purchases.client.notnull() & (purchases.order_no == 1))
    found = known.filter((known.bought_at >= begin) & (known.bought_at < end))
    counts = found.aggregate(
        n=found.client.nunique(), told=found.client.nunique(where=found.origin.notnull())
    )
    row = engine.frame(counts).iloc[0]
    return int(row["n"]), int(row["told"])


def advertised(purchases: ibis.Table, spend: ibis.Table | None) -> ibis.Table:
    """All purchases of the clients whose first inquiry came by a channel that money was spent on."""
    if spend is None:
        return purchases.filter(False)
    sums = engine.frame(spend.group_by("channel").aggregate(cost=spend.cost.sum()))
    paid = sorted(sums.loc[sums["channel"].notna() & (sums["cost"] > 0), "channel"])
    return purchases.filter(purchases.origin.isin(paid)) if paid else purchases.filter(False)


# --- one-off purchases ---
@dataclass(frozen=True)
class PerDeal:
    """Profit of a client who buys once: margin of all deals of a client, before what he cost. DENOMINATOR: clients.

    value with low, high (Student) at level; deals per client; returning: clients with more than one purchase.
    """

    value: float
    low: float
    high: float
    clients: int
    deals: int
    returning: int
    level: float


def per_deal(purchases: ibis.Table, value: str = "margin", level: float = 0.95) -> PerDeal:
    """Money per known client over the whole export. value : "margin" or "revenue"."""
    known = purchases.filter(purchases.client.notnull())
    money = known["amount" if value == "revenue" else value].cast("float64")
    each = known.group_by("client").aggregate(money=money.sum(), deals=known.count(where=known.gross > 0))
    each = each.filter(each.deals > 0).mutate(money=each.money.fill_null(0.0))
    sums = each.aggregate(
        clients=each.count(), money=each.money.sum(), squares=(each.money * each.money).sum(),
        deals=each.deals.sum(), returning=each.count(where=each.deals > 1),
    )  # fmt: skip
    row = engine.frame(sums).iloc[0].fillna(0)
    n = int(row["clients"])
    if not n:
        return PerDeal(math.nan, math.nan, math.nan, 0, 0, 0, level)
    mean = float(row["money"] / n)
    spread = math.sqrt(max(row["squares"] / n - mean**2, 0) / (n - 1)) if n > 1 else math.nan
    reach = float(special.stdtrit(max(n - 1, 1), (1 + level) / 2)) * spread
    return PerDeal(mean, mean - reach, mean + reach, n, int(row["deals"]), int(row["returning"]), level)


# --- repeat purchases ---
def first_purchase(purchases: ibis.Table) -> float:
    """The mean amount of clients' first purchases, returns taken off; NaN without clients."""
    first = purchases.filter(purchases.client.notnull() & (purchases.order_no == 1))
    return float(engine.frame(first.aggregate(mean=first.amount.cast("float64").mean()))["mean"][0])


def repeat_value(
    first: float, mean: float, expected: Sequence[float], margin: float, discount: float = 0.0
) -> float:
    """Margin of a new client over a horizon: the first purchase, and each one that a model expects after it.

    expected : repeat purchases within 0, 1, .. months of the first, to the horizon; mean : what one of them brings;
    margin : share of revenue; discount : yearly.
    """
    months = np.diff(np.asarray(expected, float))
    worn = (1 + discount) ** (-np.arange(1, len(months) + 1) / 12)
    return float(margin * (first + mean * (months * worn).sum()))


# --- side by side ---
def side_by_side(
    model: str, snapshot: Any = None, base: Any = None, revenue: Any = None, margin: Any = None,
    cost: Cost | None = None, deal: PerDeal | None = None, sbg: tuple | None = None, repeat: tuple | None = None,
    horizon: int = 12, level: float = 0.95, needed: int = 300,
) -> pd.DataFrame:  # fmt: skip
    """The value of a client by each definition. What a new client costs is taken off where the basis is "profit".

    model : economics.model. snapshot : `lifetime.snapshot` of `base`. revenue, margin : `cohorts.at` of either curve
    (None where it is not known). sbg : (its fit, margin of a client over the horizon). repeat : (BG/NBD fit,
    Gamma-Gamma fit, margin of a client over the horizon). needed : clients that a model wants.

    Returns one row per definition, in a fixed order: definition, basis ("revenue"|"profit"; "margin" where the cost of
    a client is not known), value, low, high (NaN where a definition has none), clients (it rests on), months (NaN: the
    whole life), status ("ok", "shorter": fewer months than the horizon, "cannot_tell", "other_model": not for how these
    clients buy, "no_margin", "at_least": nobody was lost, a lower limit), reason (of a fit; "mixed": ages of
    different clients), needed (clients or more).
    """
    known = cost is not None and cost.most is not None
    taken = (cost.most, *cost.limits) if known else None
    rows = {
        **_arithmetic(snapshot, base, level),
        "cohort_revenue": _cohort(revenue, "revenue", None),
        "cohort_profit": _cohort(margin, "profit", taken),
        "per_deal": _deal(deal, taken),
        "sbg": _model(sbg, taken, horizon, needed),
        "bgnbd": _model(repeat, taken, horizon, needed),
    }
    for name in rows:
        if name not in MODELS[model]:
            rows[name] = {"status": "other_model"}
    empty = {"value": math.nan, "low": math.nan, "high": math.nan, "clients": 0, "months": math.nan, "status": "",
             "reason": "", "needed": 0}  # fmt: skip
    full = [{"definition": name, "basis": DEFINITIONS[name], **empty, **row} for name, row in rows.items()]
    return pd.DataFrame(full)


def _arithmetic(snapshot: Any, base: Any, level: float) -> dict[str, dict]:
    """The three values of one period. Limits: those of the number of lost clients, Poisson."""
    if snapshot is None or base is None or base.status != "ok":
        none = {
            "status": "cannot_tell",
            "reason": base.status if base else "",
            "needed": base.needed if base else 0,
        }
        return {"seed": none, "matched": none, "per_lost": none}

    def row(value: float | None, money: float, lost: int, factor: float, clients: int) -> dict:
        few, many = intervals.poisson(lost, level)
        if not lost:
            return {"value": money * factor / many, "clients": clients, "status": "at_least"}
        ends = {"low": money * factor / many, "high": money * factor / few}
        return {"value": value, **ends, "clients": clients, "status": "ok"}

    bias, all_clients = snapshot.bias or math.nan, round(snapshot.start + snapshot.new)
    if not base.start:
        none = {"status": "cannot_tell", "reason": "no_start"}
        return {"seed": none, "matched": none, "per_lost": none}
    stayed = base.stayed_revenue / base.stayed_lost if base.stayed_lost else None
    return {
        "seed": row(snapshot.ltv_seed, base.revenue, base.lost, bias, all_clients),
        "matched": row(stayed, base.stayed_revenue, base.stayed_lost, 1.0, base.start),
        "per_lost": row(snapshot.ltv_matched, base.revenue, base.lost, 1.0, all_clients),
    }


Taken = tuple[float, float, float] | None  # the cost of a client with its limits


def _less(one: Any, taken: Taken) -> dict:
    """A value with its interval less the cost of a client with its own, and what it then counts."""
    ends = {name: float(getattr(one, name)) for name in ("value", "low", "high")}
    if taken is None:
        return {**ends, "basis": "margin"}
    low, high = intervals.square_and_add((ends["value"], ends["low"], ends["high"]), taken)
    return {"value": ends["value"] - taken[0], "low": low, "high": high, "basis": "profit"}


def _cohort(reached: Any, basis: str, taken: Taken) -> dict:
    if reached is None:
        return {"status": "no_margin"}
    if reached.status == "cannot_tell":
        return {"status": "cannot_tell", "needed": reached.needed, "clients": reached.clients}
    known = {"clients": reached.clients, "months": reached.months, "status": reached.status}
    known["reason"] = "mixed" if reached.mixed else ""
    told = _less(reached, taken)
    return {**told, **known, "basis": told["basis"] if basis == "profit" else basis}


def _deal(deal: PerDeal | None, taken: Taken) -> dict:
    if deal is None:
        return {"status": "no_margin"}
    if not deal.clients:
        return {"status": "cannot_tell", "needed": 1}
    return {**_less(deal, taken), "clients": deal.clients, "status": "ok"}


def _model(fitted: tuple | None, taken: Taken, horizon: int, needed: int) -> dict:
    """A model's value, or why there is none. The last element is the margin over the horizon."""
    if fitted is None:
        return {"status": "no_margin"}
    *fits, value = fitted
    n, refused = fits[0].n, next((fit.reason for fit in fits if not fit.converged), "")
    if refused or not np.isfinite(value):
        missing = max(needed - n, 0) if refused == "few_clients" else 0
        return {"status": "cannot_tell", "reason": refused, "clients": n, "needed": missing}
    basis, less = ("margin", 0.0) if taken is None else ("profit", taken[0])
    return {"value": value - less, "basis": basis, "clients": n, "months": horizon, "status": "ok"}


@dataclass(frozen=True)
class Spread:
    """How far the definitions lie apart. answers: definitions with a number; lowest, highest: their names.

    times = highest / lowest, None where the lowest is not above 0.
    """

    answers: int
    lowest: str
    highest: str
    low: float
    high: float
    times: float | None


def spread(rows: pd.DataFrame) -> Spread:
    """The lowest and the highest answer among the rows with a number; equal ones stand in the order of definitions."""
    told = rows[rows["status"].isin(["ok", "shorter"]) & rows["value"].notna()]
    if told.empty:
        return Spread(0, "", "", math.nan, math.nan, None)
    low, high = told.loc[told["value"].idxmin()], told.loc[told["value"].idxmax()]
    times = float(high["value"] / low["value"]) if low["value"] > 0 else None
    return Spread(len(told), low["definition"], high["definition"], low["value"], high["value"], times)
