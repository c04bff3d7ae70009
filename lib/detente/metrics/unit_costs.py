"""Rates, costs and margins over the table of `economics`, and which group's client is dearer beyond chance.

Wins are few, so the limits of a cost per client come from the exact Poisson limits of the wins; without wins there
is no cost, only a value that it lies above.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

MONTH = 365.25 / 12  # days
MONEY = ("spend", "spend_net", "ripe_spend", "gross", "returned", "revenue", "margin")  # Decimal
HIRED = ("marketing", "sales")  # kinds of cost that bring clients, besides the advertising itself
RATES = {
    "click_rate": ("clicks", "impressions"), "lead_rate": ("leads", "clicks"), "target_share": ("target", "known"),
    "conversion": ("won", "leads"), "paid_share": ("paid_leads", "leads"), "repeat_share": ("repeat", "clients"),
}  # fmt: skip


def costs(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """`economics.table` with its rates, costs and margins.

    Adds, each with _low and _high (Wilson),
        click_rate clicks / impressions, lead_rate leads / clicks, target_share target / known (known = target +
        non_target), conversion won / leads, paid_share paid_leads / leads, repeat_share repeat / clients;
        a rate whose parts do not fit (more clicks than impressions) is NaN
    and, where line is "paid" (else NaN: a cost of 0 would say that leads are free),
        cpl                 spend / leads
        cost_per_target     cpl / target_share: unknown leads are taken as the known ones; _low, _high by its limits
        cac                 spend / won; cac_low, cac_high by exact Poisson limits of won
        cac_above           without wins: spend / (leads x upper Clopper-Pearson limit of won / leads)
        cac_ripe, _low, _high, cac_ripe_above   the same of ripe_spend and ripe_won: too young leads left out
        cac_client          spend / clients; cac_new spend / new_clients, each with _low, _high, _above
    and, wherever there were purchases,
        check               gross / purchases; margin_client = margin to date per client whose purchases all have one
                            (their number: lit); first_margin per first purchase; _low, _high by Student's t
        cac_net             spend_net / clients: without VAT, as margins are
        payback             first purchases that pay for a client: cac_net / first_margin; NaN if none do
        times_back          margin_client / cac_net
        paid_back           "yes", "no", "unclear" (the interval of margin_client - cac_net holds 0) or ""
    """
    table = table.assign(known=table["target"] + table["non_target"], level=level)
    table = table.assign(**{key: value for name in RATES for key, value in _rate(table, name, level).items()})
    paid = table["line"] == "paid"
    spend = table["spend"].astype(float).where(paid)
    leads = table["leads"].where(table["leads"] > 0)
    cpl = spend / leads
    share = table["target_share"].where(table["target"] > 0)
    table = table.assign(
        cpl=cpl,
        cost_per_target=cpl / share,
        cost_per_target_low=cpl / table["target_share_high"].where(share.notna()),
        cost_per_target_high=cpl / table["target_share_low"].where(share.notna()),
        **_per("cac", spend, table["won"], leads, level),
        **_per(
            "cac_ripe", _positive(table["ripe_spend"], paid), table["ripe_won"], table["ripe_leads"], level
        ),
        **_per("cac_client", spend, table["clients"], leads, level),
        **_per("cac_new", spend, table["new_clients"], leads, level),
        **_mean("check", table["gross"].astype(float), table["squares"], table["purchases"], level),
        **_mean("margin_client", table["client_margin"], table["client_squares"], table["lit"], level),
        first_margin=table["start_margin"] / table["starts"].where(table["starts"] > 0),
    )
    return _payback(table, paid)


def _positive(money: pd.Series, where: pd.Series) -> pd.Series:
    value = money.astype(float).where(where)
    return value.where(value > 0)


def _rate(table: pd.DataFrame, name: str, level: float) -> dict[str, pd.Series]:
    hits, trials = (table[part].astype(float) for part in RATES[name])
    fits = (trials > 0) & (hits <= trials)  # False where one of them is not exported
    low, high = intervals.wilson(hits.where(fits, 0), trials.where(fits, 0), level)
    share = (hits / trials.where(trials > 0)).where(fits)
    return {
        name: share,
        f"{name}_low": pd.Series(low, table.index),
        f"{name}_high": pd.Series(high, table.index),
    }


def _per(
    name: str, spend: pd.Series, wins: pd.Series, leads: pd.Series, level: float
) -> dict[str, pd.Series]:
    """Money per win, its limits, and without wins the value that it lies above."""
    fewest, most = (pd.Series(limit, wins.index) for limit in intervals.poisson(wins, level))
    leads = leads.fillna(0)
    _, ceiling = intervals.clopper_pearson(0, leads.where(leads > 0, 1), level)
    some = wins > 0
    return {
        name: spend / wins.where(some),
        f"{name}_low": (spend / most).where(some),
        f"{name}_high": spend / fewest.where(some),
        f"{name}_above": (spend / (leads * ceiling)).where(~some & (leads > 0)),
    }


def _mean(
    name: str, total: pd.Series, squares: pd.Series, count: pd.Series, level: float
) -> dict[str, pd.Series]:
    """Total / count with Student's interval from the sum of squares; one alone has no interval."""
    n = count.where(count > 0).astype(float)
    mean = total / n
    spread = (squares - n * mean**2).clip(lower=0) / (n - 1).where(n > 1)
    reach = special.stdtrit((n - 1).where(n > 1), (1 + level) / 2) * np.sqrt(spread / n)
    return {name: mean, f"{name}_low": mean - reach, f"{name}_high": mean + reach}


def _payback(table: pd.DataFrame, paid: pd.Series) -> pd.DataFrame:
    """Has a client paid for itself? Both sides without VAT."""
    net = table["spend_net"].astype(float).where(paid)
    scale = net / table["spend"].astype(float).where(paid)
    price = net / table["clients"].where(table["clients"] > 0)
    found = []
    for at in range(len(table)):
        row = table.iloc[at]
        margin = (row["margin_client"], row["margin_client_low"], row["margin_client_high"])
        cost = (
            price.iloc[at],
            row["cac_client_low"] * scale.iloc[at],
            row["cac_client_high"] * scale.iloc[at],
        )
        if any(map(math.isnan, (*margin, *cost))):
            found.append("" if math.isnan(margin[0]) or math.isnan(cost[0]) else "unclear")
            continue
        low, high = intervals.square_and_add(margin, cost)
        found.append("yes" if low > 0 else "no" if high < 0 else "unclear")
    first = table["first_margin"].where(table["first_margin"] > 0)
    return table.assign(
        cac_net=price, payback=price / first, times_back=table["margin_client"] / price, paid_back=found
    )


def advertised(table: pd.DataFrame) -> pd.DataFrame:
    """The groups with spend as one row (line "paid"): leads that came by themselves do not make its clients cheap.

    table : of `economics.table` by channel, before `costs`. Empty where no channel has spend and leads.
    """
    rows = table[table["line"] == "paid"]
    if rows.empty:
        return rows
    whole = {name: rows[name].sum(min_count=1) for name in rows.columns.difference([*MONEY, "line"])}
    for name in MONEY:
        known = [value for value in rows[name] if isinstance(value, Decimal)]
        whole[name] = sum(known, Decimal(0)) if known else None
    return pd.DataFrame([whole | {"line": "paid"}], columns=rows.columns, index=pd.Index([""], name="all"))


def mature(months: pd.DataFrame, as_of: dt.date, age: int) -> pd.DataFrame:
    """Months (index YYYY-MM) with a column ripe: every lead of the month has lived at least `age` days."""
    last = pd.Timestamp(as_of) - pd.Timedelta(days=age)
    ends = [
        pd.Period(name, "M").end_time if isinstance(name, str) else pd.Timestamp.max for name in months.index
    ]
    return months.assign(ripe=pd.Series([end.normalize() <= last for end in ends], months.index, dtype=bool))


# --- do groups differ ---
def steady(table: pd.DataFrame, seed: int = 0, draws: int = 9999) -> float:
    """p of one common cost per client over the groups with spend: do they differ at all? NaN for fewer than two.

    Ripe wins against what they would be at equal cost (in proportion to ripe spend): Pearson's chi-square; where
    one is expected below 5, `draws` multinomial draws. Source: Poisson dispersion test, conditional on the sum.
    """
    rows = _compared(table)
    wins, spend = rows["ripe_won"].to_numpy(float), rows["ripe_spend"].astype(float).to_numpy()
    if len(rows) < 2 or not wins.sum():
        return math.nan
    expected = wins.sum() * spend / spend.sum()
    statistic = float(((wins - expected) ** 2 / expected).sum())
    if expected.min() >= 5:
        return float(special.chdtrc(len(rows) - 1, statistic))
    order = np.lexsort((wins, spend))  # the order of rows must not move the draws
    drawn = np.random.default_rng(seed).multinomial(int(wins.sum()), (spend / spend.sum())[order], size=draws)
    reached = (((drawn - expected[order]) ** 2) / expected[order]).sum(axis=1) >= statistic * (1 - 1e-9)
    return (1 + int(reached.sum())) / (1 + draws)


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["line"] == "paid") & (table["ripe_spend"].astype(float) > 0)]


def against_rest(
    table: pd.DataFrame, level: float = 0.95, min_group: int = 30, material: float = 0.10
) -> pd.DataFrame:
    """Each group's cost per client against all other groups with spend together, dearest first. Ripe leads only.

    Returns index as `table`, groups with spend, and
        ripe_leads, ripe_won, cac_ripe, rest_won, rest_cac
        ratio, low, high    cac_ripe / rest_cac with exact limits; NaN where a side has no wins
        p, p_holm           exact binomial test of the group's wins given all wins and the spend; Holm over all
        compared            how many groups
        named               the groups differ at all (`steady`), Holm p < 1 - level, |ratio - 1| >= material, and
                            both sides have min_group ripe leads
    Source: conditional binomial test of two Poisson rates (Przyborowski and Wilenski 1940).
    """
    rows, trusted = _compared(table), steady(table)
    wins, spend = rows["ripe_won"], rows["ripe_spend"].astype(float)
    rest = wins.sum() - wins
    found = [
        cheaper(a, b, x, y, level) for a, b, x, y in zip(wins, rest, spend, spend.sum() - spend, strict=True)
    ]
    found = pd.DataFrame(found, index=rows.index, columns=["ratio", "low", "high", "p"])
    holm = intervals.holm(found["p"])
    sure = (holm < 1 - level) & ((found["ratio"] - 1).abs() >= material) & (trusted < 1 - level)
    enough = (rows["ripe_leads"] >= min_group) & (rows["ripe_leads"].sum() - rows["ripe_leads"] >= min_group)
    return rows[["ripe_leads", "ripe_won", "cac_ripe"]].assign(
        rest_won=rest, rest_cac=(spend.sum() - spend) / rest.where(rest > 0), **found, level=level, p_holm=holm,
        compared=len(rows) if len(rows) > 1 else 0, named=sure & enough,
    ).sort_values("ratio", ascending=False, kind="stable", na_position="last")  # fmt: skip


def cheaper(
    won: int, other_won: int, spend: float, other_spend: float, level: float = 0.95
) -> tuple[float, float, float, float]:
    """Cost per win of one side over that of the other: (ratio, low, high, two-sided p); NaN where undefined."""
    both = int(won + other_won)
    if not both or spend <= 0 or other_spend <= 0:
        return (math.nan,) * 4
    from scipy import stats

    p = float(stats.binomtest(int(won), both, spend / (spend + other_spend)).pvalue)
    least, most = intervals.clopper_pearson(won, both, level)
    scale = spend / other_spend
    ends = [scale * (1 - share) / share if share > 0 else math.nan for share in (won / both, most, least)]
    return ends[0] if won and other_won else math.nan, ends[1], ends[2], p


def margins(
    table: pd.DataFrame, level: float = 0.95, min_group: int = 30, material: float = 0.10
) -> pd.DataFrame:
    """Margin per client of each group against that of all others together, lowest first.

    Returns index as `table`, groups where clients have a margin: lit (their number), margin_client, rest_lit,
    rest_margin, difference, low, high (Student's intervals, squared and added), named: the interval excludes 0, the
    difference is at least material x |rest_margin|, and both sides have min_group clients with a margin.
    """
    rows = table[table["lit"] > 0]
    sums = rows[["client_margin", "client_squares", "lit"]]
    rest = sums.sum() - sums
    other = _mean("rest", rest["client_margin"], rest["client_squares"], rest["lit"], level)
    ends = [
        intervals.square_and_add(one, two)
        for one, two in zip(
            rows[["margin_client", "margin_client_low", "margin_client_high"]].to_numpy(),
            pd.DataFrame(other).to_numpy(),
            strict=True,
        )
    ]
    low, high = (np.array([end[at] for end in ends], float) for at in (0, 1))
    gap = rows["margin_client"] - other["rest"]
    sure = ((low > 0) | (high < 0)) & (gap.abs() >= material * other["rest"].abs())
    enough = (rows["lit"] >= min_group) & (rest["lit"] >= min_group)
    return rows[["lit", "margin_client", "cac_client"]].assign(
        rest_lit=rest["lit"], rest_margin=other["rest"], difference=gap, low=low, high=high, level=level,
        named=sure & enough,
    ).sort_values("difference", kind="stable")  # fmt: skip


# --- all that it costs to win clients ---
@dataclass(frozen=True)
class Full:
    """Advertising alone, and all that it costs to win clients. months : of the period.

    items : what, amount (Decimal), of the costs besides advertising; source : "costs" (the export of costs), "staff"
    (stated per month in the audit) or "" (nothing is known of them). cac, cac_full : per won deal, NaN without any;
    with Poisson limits.
    """

    advertising: Decimal
    other: Decimal
    all: Decimal
    items: pd.DataFrame
    source: str
    months: float
    won: int
    cac: float
    cac_low: float
    cac_high: float
    cac_full: float
    full_low: float
    full_high: float


def full(
    table: pd.DataFrame, staff: Mapping[str, float], spent_costs: ibis.Table | None, since: dt.date, until: dt.date,
    level: float = 0.95,
) -> Full:  # fmt: skip
    """What a client costs with salaries, agency and tools, beside advertising alone.

    table : of `economics`, any cut: its sums are taken. staff : money per month. spent_costs : the costs of the
    company; those of kind marketing and sales in the months of the period are taken, and never advertising, which
    is in `table` already. Where there are any, `staff` is not added: it would be counted twice.
    """
    months = ((until - since).days + 1) / MONTH
    items = _hired(spent_costs, since, until)
    source = "costs" if len(items) else "staff" if staff else ""
    if source == "staff":
        amounts = [Decimal(str(round(value * months, 2))) for value in staff.values()]
        items = pd.DataFrame({"what": list(staff), "amount": pd.Series(amounts, dtype=object)})
    other = sum(items["amount"], Decimal(0))
    spend, won = sum(table["spend"], Decimal(0)), int(table["won"].sum())
    fewest, most = intervals.poisson(won, level)

    def per(money: Decimal) -> list[float]:
        if not won or money <= 0:
            return [math.nan] * 3
        return [float(money) / wins for wins in (won, most, fewest)]

    return Full(spend, other, spend + other, items, source, months, won, *per(spend), *per(spend + other))


def _hired(spent_costs: ibis.Table | None, since: dt.date, until: dt.date) -> pd.DataFrame:
    if spent_costs is None:
        return pd.DataFrame({"what": pd.Series(dtype="str"), "amount": pd.Series(dtype=object)})
    month = spent_costs.period.cast("string").substr(0, 7)
    own = spent_costs.kind.isin(HIRED) & (month >= f"{since:%Y-%m}") & (month <= f"{until:%Y-%m}")
    rows = spent_costs.filter(own).group_by(what=spent_costs.article)
    return engine.frame(rows.aggregate(amount=spent_costs.amount.cast("decimal(38,2)").sum())).sort_values(
        "what", ignore_index=True
    )
