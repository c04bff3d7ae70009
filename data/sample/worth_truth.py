"""What is true of clients' worth and of advertising: the traps of LTV, ROMI and CAC. Money is in kopecks.

Days are counted from 1 July 2025; the last full quarter begins on day QUARTER, 1 April 2026.
"""

from __future__ import annotations

import ledger
import numpy as np
import pandas as pd
import sales
import world
from books import Books, net
from money import sold
from purchases import TIED, channel_names
from scipy.stats import binom
from world import CHANNELS, DAY, DAYS

QUARTER = 274
ACTIVE = 90  # days: who has not bought for so long counts as lost, unless by the usual pause
RIPE = 30  # younger leads are in no half
ADVERTISED = [CHANNELS[system].name for system in ledger.SYSTEMS]
CLAIMED = {"romi": 2.97, "ltv": 423_000, "cac": 2_500}  # what audit.yml says the company says, in roubles


def worth_truths(leads: pd.DataFrame, counted: pd.DataFrame, books: Books, made: pd.DataFrame) -> dict:
    """Facts by name; README.md tells what each means. made : as purchases.purchases returns."""
    ltv = _ltv(books, made)
    romi = _romi(leads, made)
    halves = {
        name: _halves(leads, counted, system) for name, system in zip(ADVERTISED, ledger.SYSTEMS, strict=True)
    }
    early = _halves(leads, counted, ledger.AVITO, ripe=0)  # leads still open make it look proven
    return {
        "cheaper": halves
        | {
            "hidden_deterioration": ["Авито"],  # cheaper leads, dearer target leads
            "cheaper_leads_dearer_clients": [],  # too few wins to prove it anywhere
            "too_early": {"Авито": early},
        },
        "clients": {"by_channel": _by_channel(leads, made), "returning": _returning(made)},
        "ltv": ltv,
        "romi": romi,
        "claimed": _claimed(leads, counted, ltv, romi),
        "experiments": ["Квиз на сайте"],
    }


# --- the cost of a lead, of a target lead, of a client ---
def _halves(leads: pd.DataFrame, counted: pd.DataFrame, system: int, ripe: int = RIPE) -> dict:
    """The ripe part of the year cut in two; p: how likely so few wins (target leads) for the money, by chance alone.

    Exact and one-sided: the second half's part of all wins against its part of all spend.
    """
    last = DAYS - ripe
    middle = last // 2
    of = counted[channel_names(counted) == CHANNELS[system].name]
    day, spent = of["created"].to_numpy() // DAY, ledger.spend(leads, system)
    parts: list[tuple[int, int, int, int]] = []
    for start, stop in ((0, middle), (middle, last)):
        part = of[(day >= start) & (day < stop)]
        cost = spent.loc[(spent["week"] >= start) & (spent["week"] < stop), "kopecks"].sum()
        parts.append((int(cost), len(part), int((part["verdict"] == "target").sum()), int(sold(part).sum())))
    (cost0, leads0, target0, won0), (cost1, leads1, target1, won1) = parts
    share = cost1 / (cost0 + cost1)
    return {
        "days": [0, middle, last],
        "spend": [cost0, cost1], "leads": [leads0, leads1], "target": [target0, target1], "won": [won0, won1],
        "cpl_ratio": round(cost1 / leads1 / (cost0 / leads0), 4),
        "target_cost_ratio": round(cost1 / target1 / (cost0 / target0), 4),
        "cac_ratio": round(cost1 / won1 / (cost0 / won0), 4) if won0 and won1 else None,
        "p_target": round(float(binom.cdf(target1, target0 + target1, share)), 4),
        "p_won": round(float(binom.cdf(won1, won0 + won1, share)), 4),
    }  # fmt: skip


# --- clients ---
def _by_channel(leads: pd.DataFrame, made: pd.DataFrame) -> dict:
    """Clients by the channel of the inquiry that won, and those of them that bought again."""
    found = {}
    for name, part in made[made["order"] > 0].groupby("channel"):
        orders = part.groupby("lead").size()
        found[name] = {
            "clients": len(orders),
            "bought_again": int((orders > 1).sum()),
            "amount": int(made.loc[made["channel"] == name, "amount"].sum()),
            "margin": int(made.loc[made["channel"] == name, "margin"].sum()),
        }
    return found


def _returning(made: pd.DataFrame) -> dict:
    """Revenue of the last full quarter by whether the client had bought before: this purchase, or this quarter."""
    last = made[made["day"] >= QUARTER]
    again = (last["order"] > 1) | (last["order"] == 0)
    old = last["first"] < QUARTER
    return {
        "quarter": "2026-04-01 - 2026-06-30",
        "amount": int(last["amount"].sum()),
        "repeat_purchases": int(last.loc[again, "amount"].sum()),
        "clients_of_before": int(last.loc[old, "amount"].sum()),
        "share_of_repeat": round(float(last.loc[again, "amount"].sum() / last["amount"].sum()), 4),
    }


def _pause(made: pd.DataFrame) -> int:
    """The days that nine of ten pauses between two purchases of a client do not exceed."""
    bought = made[made["order"] > 0].sort_values(["lead", "day"])
    pauses = np.sort(bought.groupby("lead")["day"].diff().dropna().to_numpy())
    return int(pauses[int(np.ceil(0.9 * len(pauses))) - 1])


def _base(made: pd.DataFrame, start: int, stop: int, gap: int = ACTIVE) -> dict:
    """The base over [start, stop): a client is there on a day if he bought within `gap` days before it.

    Lost: a silence of more than `gap` days begins to count in the period; who breaks it later came back.
    """
    bought = made.loc[made["order"] > 0, ["lead", "day"]].drop_duplicates().sort_values(["lead", "day"])
    by, day = bought.groupby("lead")["day"], bought["day"]
    earlier, later = by.shift(), by.shift(-1)
    silent = later.isna() | (later > day + gap)
    inside = (day >= start) & (day < stop)

    def there(moment: int) -> int:
        return bought.loc[(day < moment) & (day + gap >= moment), "lead"].nunique()

    lost = int((silent & (day + gap >= start) & (day + gap < stop)).sum())
    before, after = there(start), there(stop)
    amount = int(made.loc[(made["day"] >= start) & (made["day"] < stop), "amount"].sum())
    return {
        "lost_after_days": gap, "start": before, "end": after, "lost": lost,
        "new": int((inside & earlier.isna()).sum()), "came_back": int((inside & (day > earlier + gap)).sum()),
        "amount": amount,
        "seed": round(amount / ((before + after) / 2) / (lost / before)), "matched": round(amount / lost),
    }  # fmt: skip


def _ltv(books: Books, made: pd.DataFrame) -> dict:
    """The seed formula and its parts for the last full quarter and the one before, and what really followed.

    followed : purchases of the last quarter by clients whose first purchase lies before it, by cohort of three
    months; per_client is over all of them, the ones who never came back too.
    """
    last = made[(made["day"] >= QUARTER) & (made["first"] < QUARTER)]
    old = made[(made["first"] < QUARTER) & (made["order"] == 1)]
    third = np.searchsorted(world.MONTH_STARTS, old["first"], side="right") - 1
    cohorts = {}
    for place, name in enumerate(("2025 Q3", "2025 Q4", "2026 Q1")):
        who = old.loc[third // 3 == place, "lead"]
        part = last[last["lead"].isin(who)]
        cohorts[name] = {
            "clients": len(who),
            "amount": int(part["amount"].sum()),
            "margin": int(part["margin"].sum()),
        }
    before = made[(made["day"] >= QUARTER - 91) & (made["day"] < QUARTER)]
    known = before[before["first"] < QUARTER]
    return {
        "last_quarter": _base(made, QUARTER, DAYS),
        "last_quarter_by_usual_pause": _base(made, QUARTER, DAYS, _pause(made)),
        "quarter_before": _base(made, QUARTER - 90, QUARTER),
        "cash_of_the_quarter": int(
            books.payments.loc[books.payments["at"] >= QUARTER * DAY, "kopecks"].sum()
        ),
        "followed": {
            "clients": len(old),
            "who_bought": int(last.loc[last["order"] > 1, "lead"].nunique()),
            "amount": int(last["amount"].sum()),
            "margin": int(last["margin"].sum()),
            "per_client": round(float(last["amount"].sum() / len(old))),
            "cohorts": cohorts,
        },
        "run_rate": int(known.loc[known["order"] != 1, "amount"].sum()),
        "clients_too_few_for_models": int(made["lead"].nunique()),
    }


# --- advertising ---
def _romi(leads: pd.DataFrame, made: pd.DataFrame) -> dict:
    """From the boasted revenue of advertised channels down to money, each step in kopecks.

    The boast is on spend with its VAT; what is left, of all purchases and of first ones alone, on spend without.
    """
    part = made[made["channel"].isin(ADVERTISED)]
    spent = sum(int(ledger.spend(leads, system)["kopecks"].sum()) for system in ledger.SYSTEMS)
    sums = {name: int(part[name].sum()) for name in ("gross", "returned", "vat", *TIED, "margin")}
    again = (part["order"] > 1) | (part["order"] == 0)
    back = int(part.loc[again, "margin"].sum())
    bare = int(net(np.array([spent]))[0])
    return {
        "channels": ADVERTISED,
        **sums,
        "of_it_repeat_purchases_margin": back,
        "of_it_repeat_purchases_gross": int(part.loc[again, "gross"].sum()),
        "spend": spent,
        "spend_without_vat": bare,
        "left": sums["margin"] - bare,
        "left_of_first_purchases": sums["margin"] - back - bare,
        "boasted": round(sums["gross"] / spent - 1, 4),
        "net": round(sums["margin"] / bare - 1, 4),
        "net_of_first_purchases": round((sums["margin"] - back) / bare - 1, 4),
        "by_channel": {name: _of_channel(part[part["channel"] == name]) for name in ADVERTISED},
    }


def _of_channel(part: pd.DataFrame) -> dict:
    return {name: int(part[name].sum()) for name in ("gross", "returned", "vat", *TIED, "margin")}


def _claimed(leads: pd.DataFrame, counted: pd.DataFrame, ltv: dict, romi: dict) -> dict:
    """What the company says of itself, beside what it really computed: each is another number than its name says."""
    part = counted[np.isin(channel_names(counted), ADVERTISED)]
    won = part[part["won"].to_numpy() & sales.shut(part)]
    target, contract = int((part["verdict"] == "target").sum()), int(won["amount"].sum())
    return {
        "stated": CLAIMED,
        "scope_of_romi_and_cac": ADVERTISED,
        "romi": {
            "is": "won deals' amounts / spend - 1",
            "contract": contract,
            "exact": round(contract / romi["spend"] - 1, 4),
        },
        "cac": {
            "is": "spend / target leads",
            "target": target,
            "exact": round(romi["spend"] / target / 100, 2),
            "won": len(won),
            "spend_per_client": round(romi["spend"] / len(won) / 100, 2),
        },
        "ltv": {
            "is": "ARPU of the last quarter / churn, lost by the usual pause",
            "exact": round(ltv["last_quarter_by_usual_pause"]["seed"] / 100, 2),
        },
    }
