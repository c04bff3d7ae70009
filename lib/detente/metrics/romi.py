"""From the boasted ROMI down to money: what advertising leaves once everything it needs is paid.

Boasted revenue - returns - VAT - goods - delivery - service - what would have come anyway - advertising = money.
ROMI on revenue and ROMI on margin are two numbers of one name: every function asks for, or says, its base.
The incremental part is stated, bounded or given as scenarios; it is never silently 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import NormalDist
from typing import Literal

import numpy as np
import pandas as pd

FEW = 5  # sales from which a channel has an interval
SCENARIOS = (0.3, 0.5, 0.7)  # of the contribution, brought by advertising: shown where no test says it
Money = Decimal | float | int
Base = Literal["revenue", "margin"]


# --- one ladder, from plain numbers ---
def ladder(
    gross: Money, returned: Money = 0, vat: Money = 0, goods: Money | None = None, delivery: Money = 0,
    service: Money = 0, incremental: float | None = None, *, spend: Money, base: Base, assumed: Money = 0,
    anyway: Money | None = None, spend_vat: Money = 0,
) -> pd.DataFrame:  # fmt: skip
    """The way from what advertising is said to have brought to what it leaves, one row per step.

    gross : what the boasted ROMI counts. base : whether that is "revenue" or already "margin" (then goods must not
    be stated: they would be taken off twice). goods : None where nobody knows them: the ladder then ends at revenue
    less returns, and that is no ROMI. assumed : costs not exported, reckoned. incremental : share of the
    contribution that would not have come without advertising; None where nobody knows it: anyway, money that came
    from clients who had bought before, is taken off if given, and the last step is an upper bound.

    spend : without VAT where vat is taken off the revenue; spend_vat : that VAT, which the boasted ROMI holds.

    Returns step, value (signed; of a total its level), total, running (sum so far), romi (ROMI of who stops here;
    NaN without spend), by (its DENOMINATOR: spend, of the first row with spend_vat; None of a step), base.
    The last step is "money", "at_most" (no incremental) or "revenue_left" (no goods).
    Sums are exact in the type given. Raises ValueError.
    """
    _check(goods, incremental, base)
    rows = _Rows(spend)
    rows.total("gross", gross, spend + spend_vat)
    for name, value in (("returned", returned), ("vat", vat)):
        rows.step(name, -value)
    if base == "revenue":
        rows.total("net")
    end = "revenue_left"
    if goods is not None or base == "margin":
        for name, value in (("goods", goods or 0), ("delivery", delivery), ("service", service)):
            rows.step(name, -value)
        rows.step("assumed", -assumed)
        rows.total("contribution")
        end = "at_most" if incremental is None else "money"
        if incremental is not None:
            anyway = _part(rows.running, 1 - Decimal(str(incremental)))
        if anyway is not None:
            rows.step("anyway", -anyway)
            rows.total("incremental")
    rows.step("spend", -spend)
    rows.total(end)
    return pd.DataFrame(rows.made).assign(base=base)


def _check(goods: Money | None, incremental: float | None, base: str) -> None:
    if base not in ("revenue", "margin"):
        raise ValueError(f"base is «{base}»; say whether the ROMI counts revenue or margin")
    if base == "margin" and goods is not None:
        raise ValueError("a ROMI on margin has the cost of goods taken off already; state goods=None")
    if incremental is not None and not 0 <= incremental <= 1:
        raise ValueError(f"incremental is {incremental}; it is a share between 0 and 1")


class _Rows:
    """Steps with their running sum."""

    def __init__(self, spend: Money):
        self.made: list[dict] = []
        self.running: Money = 0
        self.spend = spend

    def step(self, name: str, value: Money) -> None:
        self.running = self.running + value
        self._add(name, value, False, math.nan, None)

    def total(self, name: str, level: Money | None = None, by: Money | None = None) -> None:
        self.running = self.running if level is None else level
        by = self.spend if by is None else by
        left = self.running if self.made and self.made[-1]["step"] == "spend" else self.running - by
        self._add(name, self.running, True, float(left) / float(by) if by else math.nan, by)

    def _add(self, name: str, value: Money, total: bool, romi: float, by: Money | None) -> None:
        self.made.append(
            {"step": name, "value": value, "total": total, "running": self.running, "romi": romi, "by": by}
        )


def _part(whole: Money, share: Decimal) -> Money:
    """A share of money, to the kopeck where money is exact."""
    if isinstance(whole, Decimal):
        return (whole * share).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return whole * float(share)


def break_even(margin: float, returns: float = 0, incremental: float = 1, delivery: float = 0) -> float:
    """The ROMI on revenue at which advertising leaves exactly nothing: 1 / (i (1 - r) (m - v)) - 1.

    margin m : share of net revenue left after goods; delivery v : delivery and service, the same DENOMINATOR;
    returns r : share of gross revenue; incremental i : share of the sales that advertising brought.
    NaN where no ROMI is enough (nothing is left of a sale). 3.761905 is 376.2 %.
    """
    left = incremental * (1 - returns) * (margin - delivery)
    return 1 / left - 1 if left > 0 else math.nan


@dataclass(frozen=True)
class Needed:
    """What one factor alone would have to be, the others as they are. margin above 1 cannot be."""

    romi: float
    margin: float
    incremental: float


def needed(
    profit: float, gross: float, spend: float, returns: float = 0, margin: float = 1, incremental: float = 1
) -> Needed:
    """Which ROMI on revenue, or margin, or incremental share would make advertising leave `profit`.

    Solves profit = gross (1 - returns) margin incremental - spend for each. profit 0 is break-even.
    NaN where a factor cannot do it.
    """
    net = gross * (1 - returns)

    def over(value: float) -> float:
        return (profit + spend) / value if value > 0 else math.nan

    revenue = over((1 - returns) * margin * incremental)
    return Needed(revenue / spend - 1 if spend > 0 else math.nan, over(net * incremental), over(net * margin))


# --- the client's own ladder ---
@dataclass(frozen=True)
class Earned:
    """The ladder of the advertising of a period.

    steps     : `ladder`. Its last step is "money", "at_most" (nobody stated the incremental share: only what
                clients brought who had bought before is taken off, so it is an upper bound) or "revenue_left" (no
                costs known).
    channels  : index as given, with exported (spend and its VAT); romi_gross, romi_contract, DENOMINATOR: exported;
                romi_net (contribution; of "revenue_left" net revenue), romi_first (the same of the first purchases
                of new clients alone), DENOMINATOR: spend (NaN without any); money = contribution less spend, of
                "revenue_left" net revenue less spend; low, high of money (NaN below FEW purchases).
    scenarios : incremental, source (scenario, upper, stated; first: the first purchases of new clients alone, where
                they brought another sum than all purchases of these), money with low and high, romi, possible (not
                above upper).
    upper     : new / contribution: advertising can hardly have brought more than all purchases, first and repeated,
                of clients who had not bought before it; NaN where nothing is left. stated: what a test has shown.
    low, high : interval of the last step: the sales of inquiries as a compound Poisson total, whose variance is the
                sum of squares per inquiry; costs and the incremental share taken as they are.
    needed    : what alone would bring the last step to 0, the others as they are; its romi, as romi_gross, DENOMINATOR:
                spend as exported, with its VAT.
    boasted, contract : ROMI on the gross revenue of these channels, and on the amounts of their won deals, less
                nothing, by the spend as exported. plain: the gross revenue without its VAT (that of returns in
                proportion); untaxed: ROMI on it, by the spend without VAT.
    """

    steps: pd.DataFrame
    channels: pd.DataFrame
    scenarios: pd.DataFrame
    upper: float
    stated: float | None
    low: float
    high: float
    level: float
    needed: Needed
    boasted: float
    contract: float
    plain: float
    untaxed: float

    @property
    def honest(self) -> tuple[float, float]:
        """ROMI from the lowest to the highest share that may be true: of the guesses, not above the bound; where a
        test has stated the share, the interval of the last step. NaN where no costs are known."""
        if self.stated is not None and len(self.scenarios):
            spend = -float(self.at("spend"))
            return (self.low / spend, self.high / spend) if spend > 0 else (math.nan, math.nan)
        may = self.may["romi"]
        return (float(may.min()), float(may.max())) if len(may) else (math.nan, math.nan)

    @property
    def may(self) -> pd.DataFrame:
        """The shares that may be true: guesses not above the bound, the bound, and what a test has shown if not
        above it either."""
        kept = self.scenarios["possible"].astype(bool) & (self.scenarios["source"] != "first")
        return self.scenarios[kept]

    @property
    def end(self) -> str:
        return str(self.steps["step"].iloc[-1])

    def at(self, step: str, column: str = "value"):
        """One number of the ladder; NaN where it has no such step."""
        row = self.steps.loc[self.steps["step"] == step, column]
        return row.iloc[0] if len(row) else math.nan


def earned(
    channels: pd.DataFrame, costed: bool, incremental: float | None = None, level: float = 0.95
) -> Earned:
    """The ladder of all channels that cost money.

    channels : index channel, columns leads, purchases and the money columns gross, returned, vat, net, goods, delivery,
    service, assumed, contribution, new, first, contract, spend, spend_vat, and squares (sum over inquiries of what
    counts, squared).
    costed : whether the costs are known. incremental : what a test has shown, None where there was none.
    """
    whole = {name: sum(channels[name], Decimal(0)) for name in channels if name not in ("squares", "known")}
    sums = {name: whole[name] for name in ("gross", "returned", "vat", "spend", "spend_vat")}
    if costed:
        sums |= {name: whole[name] for name in ("goods", "delivery", "service", "assumed")}
        old = whole["contribution"] - whole["new"]
        sums |= {"incremental": incremental, "anyway": old if old > 0 else None}
    steps = ladder(**sums, base="revenue")
    left = float(whole["contribution"])
    upper = min(max(float(whole["new"]) / left, 0.0), 1.0) if costed and left > 0 else math.nan
    share = incremental if costed and incremental is not None else 1.0 if math.isnan(upper) else upper
    last = float(steps["value"].iloc[-1])
    whole_reach = _reach(channels["squares"].sum(), level)
    reach = whole_reach * share
    table = _channel_rates(channels, "contribution" if costed else "net", level)
    cost, exported, kept = (
        whole["spend"],
        whole["spend"] + whole["spend_vat"],
        whole["gross"] - whole["returned"],
    )
    plain = float(whole["gross"]) * (1 - float(whole["vat"] / kept) if kept > 0 else 1.0)
    return Earned(
        steps, table, _scenarios(whole, upper, incremental, costed, whole_reach),
        upper, incremental, last - reach, last + reach, level, _to_zero(whole, costed, share),
        _romi(whole["gross"], exported), _romi(whole["contract"], exported), plain, _romi(plain, cost),
    )  # fmt: skip


def _romi(revenue: Money, spend: Money) -> float:
    return float(revenue) / float(spend) - 1 if spend > 0 else math.nan


def _reach(squares: float, level: float) -> float:
    """Half the interval of a total of independent sales."""
    return NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(squares)


def _channel_rates(channels: pd.DataFrame, counted: str, level: float) -> pd.DataFrame:
    spend = channels["spend"].astype(float)
    by, exported = spend.where(spend > 0), (spend + channels["spend_vat"].astype(float)).where(spend > 0)
    table = channels.assign(
        romi_gross=channels["gross"].astype(float) / exported - 1,
        romi_contract=channels["contract"].astype(float) / exported - 1,
        romi_net=channels[counted].astype(float) / by - 1,
        romi_first=channels["first"].astype(float) / by - 1,
    )
    money = channels[counted].astype(float) - spend
    few = channels["purchases"] < FEW  # so few sales have no spread of their own
    reach = np.where(few, math.nan, [_reach(squares, level) for squares in channels["squares"]])
    exact = [a - b for a, b in zip(channels[counted], channels["spend"], strict=True)]
    return table.assign(
        money=pd.Series(exact, channels.index, dtype=object), low=money - reach, high=money + reach,
        exported=pd.Series([a + b for a, b in zip(channels["spend"], channels["spend_vat"], strict=True)],
                           channels.index, dtype=object),
    )  # fmt: skip


def _scenarios(whole: dict, upper: float, stated: float | None, costed: bool, reach: float) -> pd.DataFrame:
    """What is left if advertising brought this share of the contribution: guesses, first purchases alone, the bound,
    and the test. The two that are sums of purchases are told to the kopeck."""
    contribution, spend, rows = whole["contribution"], whole["spend"], []
    sums = {"upper": min(whole["new"], contribution), "first": whole["first"]}
    shares = [(share, "scenario") for share in SCENARIOS] if costed else []
    shares += [(upper, "upper")] if costed and not math.isnan(upper) else []
    if costed and contribution > 0 and sums["first"] != sums["upper"]:
        shares.append((float(sums["first"] / contribution), "first"))
    shares += [(stated, "stated")] if costed and stated is not None else []
    for share, source in sorted(shares):
        brought = sums[source] if source in sums else _part(contribution, Decimal(str(share)))
        money = brought - spend
        romi = float(money) / float(spend) if spend > 0 else math.nan
        possible = math.isnan(upper) or share <= upper + 1e-9
        ends = {"low": float(money) - reach * share, "high": float(money) + reach * share}
        rows.append({"incremental": share, "source": source, "money": money, "romi": romi, **ends,
                     "possible": possible})  # fmt: skip
    return pd.DataFrame(rows, columns=["incremental", "source", "money", "romi", "low", "high", "possible"])


def _to_zero(whole: dict, costed: bool, share: float) -> Needed:
    """Break-even on the client's own returns, VAT, costs and incremental share, one factor at a time."""
    gross, net, spend = (float(whole[name]) for name in ("gross", "net", "spend"))
    gone = 1 - net / gross if gross > 0 else 0.0
    margin = float(whole["contribution"]) / net if costed and net > 0 else 1.0
    found = needed(0, gross, spend, gone, margin, share)
    exported = spend + float(whole["spend_vat"])
    turned = (found.romi + 1) * spend / exported - 1 if exported > 0 else math.nan
    return Needed(turned, found.margin, found.incremental)


# --- months ---
def by_month(cohorts: pd.DataFrame, spend: pd.Series) -> pd.DataFrame:
    """The months of a ripening revenue beside their spend.

    cohorts : index cohort, columns total (in hand), ripened, low, high, status and others. spend : per month.
    Adds spend, romi_now (in hand), romi_ripened (NaN where refused); DENOMINATOR: spend, NaN without any; revenue
    (ripened, in hand where refused), left = revenue less spend.
    """
    cost = pd.Series([float(spend.get(name, 0)) for name in cohorts.index], cohorts.index, dtype=float)
    by = cost.where(cost > 0)
    rates = {"romi_now": cohorts["total"] / by - 1, "romi_ripened": cohorts["ripened"] / by - 1}
    revenue = cohorts["ripened"].fillna(cohorts["total"])
    return cohorts.assign(spend=cost, revenue=revenue, left=revenue - cost, **rates)


def payback(triangle: pd.DataFrame, spend: pd.Series, incremental: float | None = None) -> pd.DataFrame:
    """The first month in which the inquiries of a month have paid for their advertising; never averaged.

    triangle : cohort (YYYY-MM), age (months, 0 = its own month), total (contribution to date), ripe (the age is
    over). spend : per cohort. incremental : share of the contribution that counts; None: all, so that no cohort can
    pay back earlier than said.
    Returns index cohort: spend, total (at the last ripe age), share (total / spend, NaN without spend), watched (last
    ripe age; NaN if none), month (first ripe age with total >= spend, counted from 1; NaN if not so far), status
    ("paid_back", "not_yet", "too_young", "no_spend").
    """
    rows = {}
    part = 1.0 if incremental is None else incremental
    for cohort, ages in triangle.sort_values("age").groupby("cohort", sort=True):
        cost = float(spend.get(cohort, 0))
        seen = ages[ages["ripe"]]
        total = seen["total"].astype(float) * part
        over = seen.loc[(total >= cost).to_numpy(), "age"] if cost > 0 else seen["age"].iloc[:0]
        last = float(total.iloc[-1]) if len(seen) else math.nan
        status = (
            "no_spend"
            if cost <= 0
            else "too_young"
            if seen.empty
            else "paid_back"
            if len(over)
            else "not_yet"
        )
        rows[cohort] = {
            "spend": cost, "total": last, "share": last / cost if cost > 0 else math.nan,
            "watched": float(seen["age"].max()) + 1 if len(seen) else math.nan,
            "month": float(over.iloc[0]) + 1 if len(over) else math.nan, "status": status,
        }  # fmt: skip
    columns = ["spend", "total", "share", "watched", "month", "status"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("cohort")


def back(triangle: pd.DataFrame, spend: pd.Series, incremental: float | None = None) -> pd.DataFrame:
    """The same triangle with back: the part of its month's spend that has come back by each age.

    Arguments as in `payback`. DENOMINATOR: spend of the cohort; NaN without any.
    """
    part = 1.0 if incremental is None else incremental
    cost = triangle["cohort"].map(lambda name: float(spend.get(name, 0))).astype(float)
    return triangle.assign(back=triangle["total"].astype(float) * part / cost.where(cost > 0))
