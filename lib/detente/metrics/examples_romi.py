"""Worked examples of return on advertising and of cheap leads, reckoned from their inputs.

The cases are those of a popular post on sales analytics; `said` columns hold what it prints. Money in roubles.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pandas as pd

from detente.metrics import intervals

TOLERANCE = 0.02  # of a claimed CAC: it is taken for a CPL within it (our choice)
CASES = {
    "revenue": {"spend": 100_000, "gross": 150_000, "said_romi": 0.5},
    "goods": {"spend": 100_000, "gross": 150_000, "goods": 140_000, "delivery": 20_000, "said": -10_000},
    "delivery": {"spend": 500, "gross": 1_000, "delivery": 600, "said": -100},
    "returns": {"spend": 100_000, "gross": 300_000, "returns": 0.3, "margin": 0.1, "said_romi": 2.0},
    "returning": {"spend": 1_000_000, "gross": 2_200_000, "incremental": 0.3, "said": -300_000},
}
PERIODS = {
    "before": {"spend": 50_000, "leads": 100, "won": 10},
    "after": {"spend": 50_000, "leads": 167, "won": 2},
}
MARGINS, RETURNS = (0.1, 0.2, 0.3, 0.5), (0.0, 0.3)
MOSTLY = 0.5


def romi_cases() -> pd.DataFrame:
    """Five boasted results, taken down the ladder to money.

    Returns index case, columns spend, gross, returns (share of gross), margin (share of net revenue after the cost
    of goods), goods, delivery, incremental (share that advertising brought), said (the profit that the post names),
    said_romi;
        boasted = gross / spend - 1; net = gross x (1 - returns)
        goods   the cost of goods in money: as stated, else net x (1 - margin)
        before = (net - goods - delivery) x incremental: what is left BEFORE the advertising is subtracted
        left = before - spend; romi = left / spend
        twice = (left - (goods + delivery + spend)) / spend: all costs subtracted a second time, which is wrong
    """
    usual = {"returns": 0.0, "margin": None, "goods": None, "delivery": 0.0, "incremental": 1.0}
    table = pd.DataFrame([{**usual, **case} for case in CASES.values()], pd.Index(CASES, name="case"))
    net = table["gross"] * (1 - table["returns"])
    goods = table["goods"].astype(float).fillna(net * (1 - table["margin"].astype(float))).fillna(0)
    before = (net - goods - table["delivery"]) * table["incremental"]
    left = before - table["spend"]
    twice = (left - goods - table["delivery"] - table["spend"]) / table["spend"]
    return table.assign(
        boasted=table["gross"] / table["spend"] - 1, net=net, goods=goods, before=before, left=left,
        romi=left / table["spend"], twice=twice,
    )  # fmt: skip


def break_evens() -> pd.DataFrame:
    """The ROMI on revenue that pays back the advertising, by margin and share of returns: 1 / (m (1 - r)) - 1.

    Returns index margin, columns none and returned (no returns, 30 % of them); shares, 1 is 100 %.
    """
    made = {rate: [1 / (margin * (1 - rate)) - 1 for margin in MARGINS] for rate in RETURNS}
    return pd.DataFrame(made, pd.Index(MARGINS, name="margin")).set_axis(["none", "returned"], axis=1)


def million_readings() -> pd.DataFrame:
    """The case "returning" with the loss that was said: what each unknown alone would have to be, and if it can be.

    Returns index unknown (returning: the share of returning clients; romi: the boasted one; margin: on all sales;
    margin_new: on the sales that advertising brought), columns value, possible, left (the profit in money if only
    the new sales earned the margin on all sales; NaN elsewhere).
    """
    case = CASES["returning"]
    spend, gross, share = case["spend"], case["gross"], case["incremental"]
    target = spend + case["said"]
    values = {
        "returning": 1 - target / gross, "romi": target / share / spend - 1, "margin": target / gross,
        "margin_new": target / (gross * share),
    }  # fmt: skip
    table = pd.DataFrame({"value": pd.Series(values)}).rename_axis("unknown")
    table["possible"] = (table.index == "romi") | table["value"].between(0, 1)
    table["left"] = pd.Series({"margin": gross * share * values["margin"] - spend})
    return table


def cheap_leads(level: float = 0.95) -> pd.DataFrame:
    """Cheaper leads, dearer clients: the same spend before and after.

    Returns index period (before, after), columns spend, leads, won, cpl = spend / leads, conversion = won / leads with
    low, high (Wilson), cac = spend / won with cac_low, cac_high (at those limits), needed (the conversion at which the
    client costs what he cost before, at this period's cpl), p (Fisher's exact test of the two conversions).
    """
    from scipy import stats

    table = pd.DataFrame.from_dict(PERIODS, orient="index").rename_axis("period")
    low, high = intervals.wilson(table["won"], table["leads"], level)
    cpl, cac = table["spend"] / table["leads"], table["spend"] / table["won"]
    counts = [[row.won, row.leads - row.won] for row in table.itertuples()]
    return table.assign(
        cpl=cpl, conversion=table["won"] / table["leads"], low=low, high=high, cac=cac, cac_low=cpl / high,
        cac_high=cpl / low, needed=cpl / cac["before"], p=float(stats.fisher_exact(counts).pvalue),
    )  # fmt: skip


def trap_romi(
    facts: Any, claimed_cac: float | None = None, material: float = 0.05, mostly: float = MOSTLY
) -> list[str]:
    """Which traps of the worked cases a company's totals show too, the one that moves the result most first.

    facts : the company's totals (spend, spend_vat, gross, returned, vat, goods, delivery, new_share, leads, new ..).
    "cheap_leads": the claimed CAC is spend / leads, or target leads, to 2 %. "goods": revenue beats the advertising,
    what is left of it does not. "advertising": the same where the advertising is the larger cost: before it there is
    a profit, after it a loss. "returns": at least
    `material` of the payments went back. "returning": at least `mostly` of what is left is of earlier clients.
    """
    found = ["cheap_leads"] if _taken_for_clients(facts, claimed_cac) else []
    if not _spend(facts) or not _number(facts.gross):
        return found
    own = _company(facts)
    flips = own["costs"] > 0 and own["gross"] > own["net_spend"] > own["before"]
    back, share = own["back"] * own["gross"], facts.new_share
    larger = own["costs"] >= own["net_spend"] or own["before"] <= 0
    money = {
        "goods": own["costs"] if flips and larger else 0.0,
        "advertising": own["net_spend"] if flips and not larger else 0.0,
        "returns": back if own["back"] >= material else 0.0,
        "returning": own["before"] * (1 - share) if share is not None and 1 - share >= mostly else 0.0,
    }
    return found + sorted((name for name in money if money[name] > 0), key=lambda name: -money[name])


def beside(traps: list[str], facts: Any, claimed_cac: float | None = None) -> dict[str, pd.DataFrame]:
    """Per trap the worked case and the company under each other: index example, yours.

    Columns of cheap_leads: spend, leads, won, cpl, cac, target, ads (1: the claim divides by target leads, by those of
    the channels that cost money); of the others spend, gross, boasted = gross / spend - 1, back = returned / gross,
    costs (VAT, goods, delivery, service), taken = returned + costs, share (of earlier clients), before = gross - taken,
    of "returning" x (1 - share); net_spend (spend without its VAT); left = before - net_spend; romi = left / net_spend.
    """
    cases, found = romi_cases(), {}
    for trap in traps:
        if trap == "cheap_leads":
            rows = [
                cheap_leads().loc["after", ["spend", "leads", "won", "cpl", "cac"]].to_dict(),
                _heads(facts, claimed_cac),
            ]
        else:
            case = cases.loc[ALIKE[trap]]
            costs, back = case["goods"] + case["delivery"], case["gross"] * case["returns"]
            example = _taken((case["spend"], case["spend"]), case["gross"], back, costs, case["incremental"])
            rows = [example, _company(facts, trap == "returning")]
        found[trap] = pd.DataFrame(rows, index=pd.Index(["example", "yours"])).astype(float)
    return found


ALIKE = {"goods": "goods", "advertising": "delivery", "returns": "returns", "returning": "returning"}


def _company(facts: Any, apart: bool = False) -> dict[str, float]:
    """apart : whether what earlier clients brought is taken off."""
    gross, back, *costs = (_number(getattr(facts, name)) or 0.0 for name in LADDER)
    share = facts.new_share if apart and facts.new_share is not None else 1.0
    return _taken((_number(facts.spend) or 0.0, _spend(facts)), gross, back, sum(costs), share)


LADDER = ("gross", "returned", "vat", "goods", "delivery")


def _taken(
    spent: tuple[float, float], gross: float, returned: float, costs: float, share: float
) -> dict[str, float]:
    """spent : with its VAT, as boasted, and without."""
    (spend, net), before = spent, (gross - returned - costs) * share
    return {
        "spend": spend, "gross": gross, "boasted": gross / spend - 1, "back": returned / gross, "costs": costs,
        "taken": returned + costs, "share": 1 - share, "before": before, "net_spend": net, "left": before - net,
        "romi": before / net - 1,
    }  # fmt: skip


def _heads(facts: Any, claimed: float | None) -> dict[str, float]:
    """As the claim has it; without one, or where it is none of these, of all leads and new clients."""
    spend, (name, clients) = _number(facts.spend), _taken_for_clients(facts, claimed) or ("leads", "new")
    leads, won = getattr(facts, name), getattr(facts, clients) or math.nan
    made = {"spend": spend, "leads": leads, "won": won, "cpl": spend / leads, "cac": spend / won}
    return made | {"target": float(name.endswith("target")), "ads": float(name.startswith("ad_"))}


def _taken_for_clients(facts: Any, claimed: float | None) -> tuple[str, str] | None:
    """The leads that a claimed CAC divides by, and the clients that it should: of all, or of paid channels."""
    for prefix, name in product(("", "ad_"), ("leads", "target")):
        leads = getattr(facts, f"{prefix}{name}")
        known = [f"{prefix}{head}" for head in ("new", "paying", "won") if getattr(facts, f"{prefix}{head}")]
        if not claimed or not leads or not facts.spend or not known or getattr(facts, known[0]) == leads:
            continue
        if any(
            abs(money / leads / claimed - 1) <= TOLERANCE for money in (float(facts.spend), _spend(facts))
        ):
            return f"{prefix}{name}", known[0]
    return None


def _spend(facts: Any) -> float:
    """Without its VAT, as in the ladder."""
    return (_number(facts.spend) or 0.0) - (_number(facts.spend_vat) or 0.0)


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
