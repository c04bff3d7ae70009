"""The arithmetic of one period: what "average revenue over churn" says of a client's value, and how far it errs.

The seed formula divides the revenue per AVERAGE client by the clients lost per client at the START. The matched one,
revenue / lost, sets both against the same exposure: with a constant chance to leave it is the maximum-likelihood
estimate of what a client brings until it leaves. They differ by start / average clients, the bias of the seed formula.
Both say nothing of clients whose chance to leave changes with age: for these see cohorts and models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

ROUNDINGS = ("exact", "as_posted")


@dataclass(frozen=True)
class Snapshot:
    """One period of a client base. Counts are clients, money is of the period; None: cannot be said from it.

    start, lost, new, end      clients; end = start - lost + new; average = (start + end) / 2
    revenue, arpu              arpu = revenue / average
    churn                      lost / start
    ltv_seed                   arpu / churn: the formula of the posts, None without a loss
    ltv_matched                revenue / lost, None without a loss
    ltv_at_least               without a loss only: revenue / the upper limit of the lost (Poisson, level)
    bias                       start / average = ltv_seed / ltv_matched
    profit                     margin of one client in the period: arpu × margin
    newcomer_profit            profit - cac, one newcomer in its first period; newcomers_profit: of all new
    lost_to_new                lost / new; net_growth = new - lost; growth = net_growth / start
    spend                      cac × new
    company_profit             revenue × margin - spend
    cohort_profit              (ltv_seed × margin - cac) × new: over the life of the newcomers
    ltv_to_cac                 ltv_seed × margin / cac
    period_return              newcomers_profit / spend; lifetime_return = cohort_profit / spend
    Without margin or cac every quantity that needs it is None. rounding: see `snapshot`.
    """

    start: float
    lost: float
    new: float
    end: float
    average: float
    revenue: float
    margin: float | None
    cac: float | None
    rounding: str
    level: float
    arpu: float | None
    churn: float | None
    ltv_seed: float | None
    ltv_matched: float | None
    ltv_at_least: float | None
    bias: float | None
    profit: float | None
    newcomer_profit: float | None
    newcomers_profit: float | None
    lost_to_new: float | None
    net_growth: float
    growth: float | None
    spend: float | None
    company_profit: float | None
    cohort_profit: float | None
    ltv_to_cac: float | None
    period_return: float | None
    lifetime_return: float | None


def snapshot(
    start: float,
    lost: float,
    new: float,
    revenue: float,
    margin: float | None = None,
    cac: float | None = None,
    rounding: str = "exact",
    level: float = 0.95,
) -> Snapshot:
    """All quantities of one period from its four counts; margin is a share of revenue, cac money per new client.

    rounding "as_posted" repeats the posts: money is cut to whole roubles at every step, ARPU first. It is for
    recognising their numbers, never for a report. Raises ValueError for negative counts, or more clients lost than
    there were.
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding is one of {', '.join(ROUNDINGS)}")
    if min(start, lost, new) < 0 or lost > start + new:
        raise ValueError("counts of clients are not negative, and nobody is lost who was not there")
    cut = _kept if rounding == "exact" else _truncated
    n0, gone, came, money = (Fraction(str(one)) for one in (start, lost, new, revenue))
    share, price = (None if one is None else Fraction(str(one)) for one in (margin, cac))
    average = n0 + (came - gone) / 2
    arpu = cut(_ratio(money, average))
    churn = _ratio(gone, n0)
    seed = cut(_ratio(arpu, churn))
    profit = cut(_times(arpu, share))
    spend = _times(price, came)
    first = cut(_less(profit, price))
    whole = cut(_times(_less(_times(seed, share), price), came))
    newcomers = _times(first, came)
    numbers = {
        "end": n0 - gone + came, "average": average, "arpu": arpu, "churn": churn, "ltv_seed": seed,
        "ltv_matched": cut(_ratio(money, gone)), "bias": _ratio(n0, average), "profit": profit,
        "newcomer_profit": first, "newcomers_profit": newcomers, "lost_to_new": _ratio(gone, came),
        "net_growth": came - gone, "growth": _ratio(came - gone, n0), "spend": spend,
        "company_profit": _less(_times(money, share), spend), "cohort_profit": whole,
        "ltv_to_cac": _ratio(_times(seed, share), price), "period_return": _ratio(newcomers, spend),
        "lifetime_return": _ratio(whole, spend),
    }  # fmt: skip
    at_least = None if gone or not average else float(money) / _most_lost(level)
    return Snapshot(
        start=start, lost=lost, new=new, revenue=revenue, margin=margin, cac=cac, rounding=rounding, level=level,
        ltv_at_least=at_least, **{name: None if one is None else float(one) for name, one in numbers.items()},
    )  # fmt: skip


def _most_lost(level: float) -> float:
    """The upper limit of a Poisson mean of which nothing was seen, two-sided at level."""
    return -math.log((1 - level) / 2)


def _kept(value: Fraction | None) -> Fraction | None:
    return value


def _truncated(value: Fraction | None) -> Fraction | None:
    return None if value is None else Fraction(math.trunc(value))


def _ratio(above: Fraction | None, below: Fraction | None) -> Fraction | None:
    return None if above is None or not below else above / below


def _times(one: Fraction | None, two: Fraction | None) -> Fraction | None:
    return None if one is None or two is None else one * two


def _less(one: Fraction | None, two: Fraction | None) -> Fraction | None:
    return None if one is None or two is None else one - two


# --- the next period, read in three ways ---
def readings(before: Snapshot, end: float) -> pd.DataFrame:
    """The period after `before` at the same ARPU, its base going from before.end to `end`, in three readings.

    Returns index reading, columns start, end, new, lost, churn, ltv_seed, ltv_matched, changed:
        same_count        as many are lost as before: behaviour DID change, clients leave more seldom
        same_on_start     the same share of the clients at the start is lost
        same_on_average   the same share of the average base is lost: truly the same behaviour, ltv_matched stays
    changed: clients leave more, or less, readily than before, whichever base it is measured on. Expected losses are
    not rounded to whole clients.
    Raises ValueError where `before` has no churn (no client at the start), or nobody can come so that `end` is met.
    """
    if before.churn is None or before.arpu is None:
        raise ValueError("the period before needs clients at its start")
    start, average = before.end, (before.end + end) / 2
    losses = {
        "same_count": before.lost,
        "same_on_start": before.churn * start,
        "same_on_average": before.lost / before.average * average,
    }
    rows = {}
    for name, lost in losses.items():
        after = snapshot(start, lost, end - start + lost, before.arpu * average)
        changed = lost not in (losses["same_on_start"], losses["same_on_average"])
        rows[name] = {
            "start": start, "end": end, "new": after.new, "lost": lost, "churn": after.churn,
            "ltv_seed": after.ltv_seed, "ltv_matched": after.ltv_matched, "changed": changed,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading")


# --- growth and the age of clients ---
Transform = Callable[[float], float]


def growth_bias(growth: float, lifetime: Transform) -> float:
    """The mean lifetime that exposure / lost shows in a base that grows at rate `growth` for ever.

    growth : rate per period (e^growth - 1 a period); lifetime : phi(g) = E[e^(-gT)] of the true lifetime T, such as
    `exponential`, `gamma` or `mixture` give; growth 0 gives the true mean. Roughly mean·(1 + g·mean·(1 - CV²)/2):
    clients who leave mostly late (CV < 1) seem to live too long under growth, a mix of short and long lives (CV > 1)
    too short. Raises ValueError where the base would shrink faster than such clients leave (phi has no value).
    SOURCE: (1 - phi(g)) / (g·phi(g)), own derivation from a stable population.
    """
    if abs(growth) < 1e-9:
        step = 1e-6
        return (lifetime(-step) - lifetime(step)) / (2 * step)
    share = lifetime(growth)
    if not (math.isfinite(share) and share > 0):
        raise ValueError("no base shrinks that fast: clients with this lifetime leave more slowly")
    return (1 - share) / (growth * share)


def exponential(mean: float) -> Transform:
    """Lifetime with a constant chance to leave."""
    return lambda rate: 1 / (1 + rate * mean) if rate * mean > -1 else math.nan


def gamma(mean: float, shape: float) -> Transform:
    """Lifetime with CV² = 1/shape: above 1, the chance to leave rises with age, as under contracts."""
    return lambda rate: (1 + rate * mean / shape) ** -shape if rate * mean > -shape else math.nan


def mixture(means: Sequence[float], shares: Sequence[float]) -> Transform:
    """Clients of several kinds, each with a constant chance to leave; shares of NEWCOMERS, summing to 1."""
    kinds = [exponential(mean) for mean in means]
    return lambda rate: sum(share * kind(rate) for share, kind in zip(shares, kinds, strict=True))


CONTRACTS = 4.0  # shape of lifetimes that hardly anybody leaves early: CV = 1/2
KINDS = (0.25, 1.75)  # lives of two halves of the newcomers, in their mean: one leaves seven times sooner


def ageing(snapshot: Snapshot, periods: float = 1.0) -> pd.DataFrame:
    """How far revenue per lost client, and the seed formula with it, would err by how clients leave, in a base that
    has long grown as this one grew in its period.

    periods : length of the snapshot's period, in the periods told here (months). Growth: ln(end / start) / periods; the
    true mean lifetime is set to the one observed, average x periods / lost. Returns index kind, columns
        observed   mean lifetime that exposure / lost would show, in periods
        ratio      of it to the true mean: what this does to revenue per lost client
        seed       ratio x start / average: what both errors do to the seed formula
        growth, mean   as above, the same in every row
    kinds: constant (a chance to leave that age does not change), contracts (CV 1/2), mixed (halves of the newcomers
    with a quarter and seven quarters of the mean). Empty where nobody was lost, or the base was or is empty; without
    a kind of clients with whom no base shrinks that fast. SOURCE: `growth_bias`.
    """
    columns = ["observed", "ratio", "seed", "growth", "mean"]
    empty = pd.DataFrame(columns=columns, index=pd.Index([], name="kind"), dtype=float)
    if not (snapshot.lost > 0 and snapshot.start > 0 and snapshot.end > 0):
        return empty
    growth = math.log(snapshot.end / snapshot.start) / periods
    mean = snapshot.average * periods / snapshot.lost
    lives = {
        "constant": exponential(mean), "contracts": gamma(mean, CONTRACTS),
        "mixed": mixture([part * mean for part in KINDS], [1 / len(KINDS)] * len(KINDS)),
    }  # fmt: skip
    rows = {}
    for kind, life in lives.items():
        try:
            observed = growth_bias(growth, life)
        except ValueError:
            continue
        ratio = observed / mean
        rows[kind] = [observed, ratio, ratio * snapshot.start / snapshot.average, growth, mean]
    return (
        pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("kind") if rows else empty
    )
