"""What is true of the sample's money: the bank, invoices, costs, segments. Money is in kopecks.

`worth_truth.py` goes on with clients' worth and advertising. Nothing here reads an export.
"""

from __future__ import annotations

import activity
import ledger
import numpy as np
import pandas as pd
import world
from books import ARTICLES, KINDS, MARGINS, MONTH_ENDS, VAT, Books, net
from money import sold
from purchases import TIED, channel_names
from world import BUILDER, CHANNELS, DAY, DEALER, PRIVATE

SEGMENTS = {DEALER: "Дилеры", BUILDER: "Застройщики", PRIVATE: "Частные лица"}
AGES = ((0, 30), (31, 60), (61, 90), (91, 9_999))  # days overdue
MONTHS = [f"{2025 + (6 + month) // 12}-{(6 + month) % 12 + 1:02d}" for month in range(12)]


def money_truths(leads: pd.DataFrame, counted: pd.DataFrame, books: Books, made: pd.DataFrame) -> dict:
    """Facts by name; README.md tells what each means. made : as purchases.purchases returns."""
    return {
        "money": {
            "vat_rate": VAT,
            "reconciled": _reconciled(leads, books),
            "invoices": _invoices(leads, books),
            "receivables": _receivables(leads, books),
            "costs": _costs(books),
            "months": _months(leads, books),
            "purchases": _purchases(made),
            "by_segment": _by_segment(made),
        },
        "focus": _focus(leads, counted, made),
    }


def _total(part: pd.Series) -> int:
    return int(part.sum())


# --- won, invoiced, paid, returned ---
def _reconciled(leads: pd.DataFrame, books: Books) -> dict:
    """Won deals against the bank; part-paid and paid above the deal are told by the deal's amount."""
    won, amount = np.flatnonzero(sold(leads)), leads["amount"].to_numpy()
    named = books.payments[books.payments["named"]]
    inward = named[named["kopecks"] > 0].groupby("lead")["kopecks"].sum()
    gross = inward.reindex(won, fill_value=0).to_numpy()
    back = -named[named["kopecks"] < 0].groupby("lead")["kopecks"].sum()
    returned = back.reindex(won, fill_value=0).to_numpy()
    owed, planted = amount[won], books.planted
    twice = named[named["lead"].isin(planted.paid_twice)].groupby("lead")["kopecks"].max()
    return {
        "won": len(won),
        "won_kopecks": int(owed.sum()),
        "never_paid": int((gross == 0).sum()),
        "never_paid_kopecks": int(owed[gross == 0].sum()),
        "planted_unpaid": len(planted.unpaid),
        "won_on_the_last_day": int((gross == 0).sum()) - len(planted.unpaid),
        "paid_in_full": int((gross == owed).sum()),
        "paid_less": int(((gross > 0) & (gross < owed)).sum()),
        "of_them_by_discount": len(planted.discount),
        "of_them_second_part_overdue": len(planted.short),
        "paid_more": int((gross > owed).sum()),
        "doubled_payments": len(planted.paid_twice),
        "doubled_kopecks": int(twice.sum()),
        "returned_in_full": int(((returned == gross) & (gross > 0)).sum()),
        "returned_in_part": int(((returned > 0) & (returned < gross)).sum()),
        "paid_without_a_win": int(leads["paid_later"].sum()),
        "paid_without_a_win_kopecks": _total(inward[~inward.index.isin(won)]),
        "of_nobody": int((books.payments["lead"] < 0).sum()),
        "of_nobody_kopecks": _total(books.payments.loc[books.payments["lead"] < 0, "kopecks"]),
    }


def _invoices(leads: pd.DataFrame, books: Books) -> dict:
    """Invoices by what is wrong with them. Late: ten days after the deal was won, or more."""
    made, planted = books.invoices, books.planted
    lag = made["issued"].to_numpy() - leads["closed"].to_numpy()[made["lead"]] // DAY
    amount = leads["amount"].to_numpy()
    once = made.drop_duplicates("lead")
    less = amount[once["lead"]] - once["kopecks"].to_numpy()
    projects = np.flatnonzero(sold(leads) & (leads["segment"] != PRIVATE).to_numpy())
    return {
        "rows": len(made),
        "kopecks": _total(made["kopecks"]),
        "deals": len(once),
        "kopecks_of_different_ones": _total(once["kopecks"]),
        "doubled": len(made) - len(once),
        "late": int((lag >= 10).sum()),
        "below_the_deal": int((less > 0).sum()),
        "discounts_kopecks": int(less.sum()),
        "won_projects_without": len(np.setdiff1d(projects, made["lead"])),
        "planted_without": len(planted.no_invoice),
        "unpaid_deals_with": int(once["lead"].isin(planted.unpaid).sum()),
    }


def _receivables(leads: pd.DataFrame, books: Books) -> dict:
    """Invoiced and not paid, each deal's invoice once; returns do not bring a debt back. Ages: days overdue."""
    named = books.payments[books.payments["named"] & (books.payments["kopecks"] > 0)]
    once = books.invoices.drop_duplicates("lead")
    paid = named.groupby("lead")["kopecks"].sum().reindex(once["lead"], fill_value=0).to_numpy()
    left, late = once["kopecks"].to_numpy() - paid, world.DAYS - 1 - once["due"].to_numpy()
    open_ = left > 0
    found = {"deals": int(open_.sum()), "kopecks": int(left[open_].sum())}
    parts = {"not_due": open_ & (late < 0)} | {
        f"{low}-{high}" if high < 9_999 else "90+": open_ & (late >= low) & (late <= high)
        for low, high in AGES
    }
    ages = {
        name: {"deals": int(part.sum()), "kopecks": int(left[part].sum())} for name, part in parts.items()
    }
    every = _every_invoice(leads, books)
    return found | {
        "ages": ages,
        "overpaid_kopecks": int(-left[left < 0].sum()),
        "if_doubled_were_due": every,
    }


def _every_invoice(leads: pd.DataFrame, books: Books) -> dict:
    """The same of all won deals, doubled invoices counted twice and deals without any by their amount."""
    won = np.flatnonzero(sold(leads))
    asked = books.invoices.groupby("lead")["kopecks"].sum().reindex(won)
    due = asked.fillna(pd.Series(leads["amount"].to_numpy()[won], won)).to_numpy()
    named = books.payments[books.payments["named"] & (books.payments["kopecks"] > 0)]
    left = due - named.groupby("lead")["kopecks"].sum().reindex(won, fill_value=0).to_numpy()
    return {"deals": int((left > 0).sum()), "kopecks": int(left[left > 0].sum())}


# --- costs and months ---
def _costs(books: Books) -> dict:
    """By article and by kind, all of them and those that name a deal."""
    made = books.costs
    article, kind = np.array(ARTICLES)[made["article"]], np.array(KINDS)[made["article"]]
    tied = made["lead"] >= 0
    unsold = tied & ~made["lead"].isin(books.payments.loc[books.payments["named"], "lead"])
    return {
        "rows": len(made),
        "kopecks": _total(made["kopecks"]),
        "articles": made.groupby(article)["kopecks"].sum().to_dict(),
        "kinds": made.groupby(kind)["kopecks"].sum().to_dict(),
        "tied": made[tied].groupby(kind[tied])["kopecks"].sum().to_dict(),
        "of_deals_that_nobody_paid": {
            "deals": int(made[unsold]["lead"].nunique()),
            "kopecks": _total(made[unsold]["kopecks"]),
        },
        "unmapped": ["Хозрасходы"],
    }


def _months(leads: pd.DataFrame, books: Books) -> dict:
    """Per month of the bank, of 1C and of the advertising systems; nobody's payments are in `received`."""
    paid, made = books.payments, books.costs
    month = world.month_of(paid["at"])
    booked = np.searchsorted(MONTH_ENDS, made["day"])
    kind = np.array(KINDS)[made["article"]]
    spent = pd.concat([ledger.spend(leads, system) for system in ledger.SYSTEMS])

    def by(month: np.ndarray, kopecks: pd.Series, where: np.ndarray | bool = True) -> list[int]:
        sums = np.zeros(12, "int64")
        np.add.at(sums, month, np.where(where, kopecks, 0))
        return sums.tolist()

    return {
        "month": MONTHS,
        "received": by(month, paid["kopecks"].clip(lower=0)),
        "returned": by(month, -paid["kopecks"].clip(upper=0)),
        "vat": by(month, paid["kopecks"] - net(paid["kopecks"])),
        "costs_without_advertising": by(booked, made["kopecks"], kind != "advertising"),
        "spend": by(world.month_of(spent["week"] * DAY), spent["kopecks"]),
    }


# --- purchases ---
def _purchases(made: pd.DataFrame) -> dict:
    sums = {name: _total(made[name]) for name in ("gross", "returned", "amount", "vat", *TIED, "margin")}
    clients = made[made["order"] > 0].groupby("lead").size()
    return {
        "rows": len(made),
        "by_deal": _total(made["named"]),
        "returns_alone": int((made["order"] == 0).sum()),
        "clients": len(clients),
        "clients_who_bought_again": int((clients > 1).sum()),
        "repeat_purchases": int((made["order"] > 1).sum()),
        "most_of_one_client": int(clients.max()),
        **sums,
    }


def _by_segment(made: pd.DataFrame) -> dict:
    """Purchases of each segment. margin_of_deals: after goods, of revenue without VAT, where costs name the deal."""
    found = {}
    for code, name in SEGMENTS.items():
        part = made[made["segment"] == code]
        deals = part[part["named"]]
        worth = _total(deals["amount"] - deals["vat"])
        sums = {key: _total(part[key]) for key in ("gross", "returned", "amount", "vat", *TIED, "margin")}
        found[name] = {
            "purchases": int((part["order"] > 0).sum()),
            "clients": int(part["lead"].nunique()),
            "returning_clients": int((part[part["order"] > 1]["lead"]).nunique()),
            **sums,
            "drawn_margin": MARGINS[code],
            "margin_of_deals": round(1 - _total(deals["goods"]) / worth, 4) if worth else None,
            "left_of_deals": round(_total(deals["margin"]) / worth, 4) if worth else None,
        }
    return found


# --- who works for which segment ---
def _focus(leads: pd.DataFrame, counted: pd.DataFrame, made: pd.DataFrame) -> dict:
    """Shares of segments, and half the sum of absolute differences. Spend follows the leads of its channel."""
    of = counted["segment"].to_numpy()
    calls, tasks = activity.calls(leads), activity.tasks(leads)
    calls, tasks = (part[part["lead"].isin(counted.index)] for part in (calls, tasks))
    segment = leads["segment"].to_numpy()
    seconds = np.bincount(segment[calls["lead"]], calls["seconds"], 3)
    sums = {
        "leads": np.bincount(of, minlength=3),
        "revenue": np.bincount(made["segment"], made["amount"], 3),
        "margin": np.bincount(made["segment"], made["margin"], 3),
        "spend": _spend_by_segment(leads, counted),
        "minutes": seconds / 60,
        "tasks": np.bincount(segment[tasks["lead"]], minlength=3),
    }
    found: dict = {
        name: {word: round(float(part[code]), 2) for code, word in SEGMENTS.items()}
        for name, part in sums.items()
    }
    pairs = [("revenue", name) for name in ("spend", "minutes", "tasks", "leads")] + [("spend", "minutes")]
    apart = {f"{one} - {other}": round(_apart(sums[one], sums[other]), 4) for one, other in pairs}
    return found | {"apart": apart, "without_experiment": _base(counted)}


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


def _spend_by_segment(leads: pd.DataFrame, counted: pd.DataFrame) -> np.ndarray:
    names, sums = channel_names(counted), np.zeros(3)
    for system in ledger.SYSTEMS:
        of = counted["segment"].to_numpy()[names == CHANNELS[system].name]
        share = np.bincount(of, minlength=3) / max(len(of), 1)
        sums += share * ledger.spend(leads, system)["kopecks"].sum()
    return sums


def _base(counted: pd.DataFrame) -> dict:
    """Leads by segment without the declared experiment, the quiz, which costs nothing in these exports."""
    rest = counted[channel_names(counted) != CHANNELS[world.QUIZ].name]
    return {"leads": {name: int((rest["segment"] == code).sum()) for code, name in SEGMENTS.items()}}
