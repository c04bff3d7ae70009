"""What clients pay: on time, in parts, twice, never; what goes back; and who buys again.

Laid over the finished world by generators of its own: no lead, no fate and no date of the CRM changes for it.
Facts only, in kopecks; `books.py` adds invoices and costs and shows it all as files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import world
from sales import shut
from world import DAY, DEALER, END, PRIVATE, SEED

NOBODY = 4  # payments of which the bank knows neither a deal nor a phone
SECOND_PART = 15 * DAY  # projects pay 60 % first and the rest so much later
OVERDUE = (12, 24, 38, 52, 66, 81, 112, 170)  # days, of the eight projects whose second part never came
MONTH = 30.4 * DAY
REORDERS = {
    5: 0.62,
    3: 0.30,
    1: 0.0,
}  # orders a month of the mean dealer, by channel; VK's one never comes back
OTHER_DEALERS, ALONE = 0.16, 0.004  # the same for dealers of other channels, and for private persons
SPREAD = 0.8  # shape of the gamma by which dealers differ: some order every week, some never
LEAVES = (1.0, 11.0)  # beta of the chance that a client leaves after a purchase
RETURNED_ORDERS = 3


@dataclass(frozen=True)
class Plants:
    """Rows of the leads where something is planted; no row stands in two of them but `halves` and none."""

    unpaid: np.ndarray  # won, and no money ever came
    halves: np.ndarray  # half of it went back
    returned: np.ndarray  # all of it went back
    short: np.ndarray  # projects whose second part never came
    discount: np.ndarray  # invoiced and paid 5 % below the deal
    late: np.ndarray  # invoiced weeks after the deal was won, and paid after that
    no_invoice: np.ndarray
    two_invoices: np.ndarray  # the same invoice again, under another number
    paid_twice: np.ndarray  # the first payment again, under another number


def sold(leads: pd.DataFrame) -> np.ndarray:
    """Whether the deal was won by the evening of the export."""
    return leads["won"].to_numpy() & shut(leads)


def plants(leads: pd.DataFrame) -> Plants:
    """As many in a company of any size."""
    rows, won = np.arange(len(leads)), sold(leads)
    alone = won & (leads["segment"] == PRIVATE).to_numpy()
    unpaid = rows[alone & (leads["role"] == "lead").to_numpy()][10:80:10]
    alone[unpaid] = False
    dealers = rows[won & (leads["segment"] == DEALER).to_numpy()]
    due = (leads["closed"].to_numpy()[dealers] + SECOND_PART) // DAY
    late = world.DAYS - 1 - due
    short = np.array([dealers[np.abs(late - days).argmin()] for days in OVERDUE])
    free = dealers[(late > 30) & ~np.isin(dealers, short)]
    free = np.random.default_rng(SEED + 601).permutation(free)
    cuts = np.split(free, np.cumsum([4, 5, 4, 3, 2]))
    twice = np.sort(np.append(cuts[4], rows[alone][62:63]))
    return Plants(
        unpaid, rows[alone][5:65:10], rows[alone][70:90:10], np.unique(short), *map(np.sort, cuts[:4]), twice
    )


def lag(leads: pd.DataFrame, planted: Plants) -> np.ndarray:
    """Seconds of work between the deal won and its invoice: none, but for the late ones."""
    found = np.zeros(len(leads), "int64")
    found[planted.late] = (12 + 3 * np.arange(len(planted.late))) * DAY
    return found


def owed(leads: pd.DataFrame, planted: Plants) -> np.ndarray:
    """Kopecks that the client was asked for: the deal's amount, but for discounts."""
    found = leads["amount"].to_numpy().copy()
    found[planted.discount] = found[planted.discount] * 95 // 100
    return found


def payments(leads: pd.DataFrame, planted: Plants, wanted: int | None = None) -> pd.DataFrame:
    """All payments, oldest first: row of the lead (-1: nobody's), time, kopecks, kind, whether the deal is named.

    wanted : number of payments in all, for a company of many more orders; by default as many as come by chance.
    """
    first = pd.concat([_of_deals(leads, planted), _by_others(leads, planted)], ignore_index=True)
    first = first[first["at"] < END].assign(named=lambda made: made["lead"] >= 0)
    again = orders(leads, planted, None if wanted is None else max(wanted - len(first), 0))
    made = pd.concat([first, again], ignore_index=True)
    return made.sort_values(["at", "lead", "kopecks"], kind="stable", ignore_index=True)


def _of_deals(leads: pd.DataFrame, planted: Plants) -> pd.DataFrame:
    """Payments of won deals: private persons at once, projects in two parts."""
    rows, won = np.arange(len(leads)), sold(leads)
    start, asked = leads["closed"].to_numpy() + lag(leads, planted), owed(leads, planted)
    alone = np.setdiff1d(rows[won & (leads["segment"] == PRIVATE).to_numpy()], planted.unpaid)
    project = rows[won & (leads["segment"] != PRIVATE).to_numpy()]
    rest, part = np.setdiff1d(project, planted.short), asked * 6 // 10
    return pd.concat(
        [
            _rows(alone, start[alone] + DAY // 3, asked[alone]),
            _rows(project, start[project] + DAY // 2, part[project]),
            _rows(rest, start[rest] + SECOND_PART, asked[rest] - part[rest]),
        ]
    )


def _by_others(leads: pd.DataFrame, planted: Plants) -> pd.DataFrame:
    """Money of deals that were lost, money that went back, money that came twice, and nobody's money."""
    closed, amount = leads["closed"].to_numpy(), leads["amount"].to_numpy()
    later = np.flatnonzero(leads["paid_later"])
    wait = 8 * DAY + (later * 7_919) % (37 * DAY)
    half, whole, twice = planted.halves, planted.returned, planted.paid_twice
    alone = (leads["segment"] == PRIVATE).to_numpy()[twice]
    again = np.where(alone, amount[twice], amount[twice] * 6 // 10)
    return pd.concat(
        [
            _rows(later, closed[later] + wait, amount[later]),
            _rows(half, closed[half] + 10 * DAY, -amount[half] // 2, "Возврат"),
            _rows(whole, closed[whole] + 11 * DAY, -amount[whole], "Возврат"),
            _rows(twice, closed[twice] + np.where(alone, DAY // 3, DAY // 2), again),
            _rows(np.full(NOBODY, -1), np.arange(60, 300, 60) * DAY, np.full(NOBODY, 1_250_000)),
        ]
    )


def _rows(lead, at, kopecks, kind: str = "Оплата") -> pd.DataFrame:
    return pd.DataFrame({"lead": lead, "at": at, "kopecks": kopecks, "kind": kind})


# --- who buys again ---
def orders(leads: pd.DataFrame, planted: Plants, wanted: int | None) -> pd.DataFrame:
    """Orders by phone of clients that won before, and a few returns of them. The bank knows the phone alone.

    Each client has a rate of his own and leaves after any purchase with a chance of his own, so most dealers
    buy again soon or never. Two orders of one day are one.
    """
    rng = np.random.default_rng(SEED + 602)
    clients, start = _clients(leads, planted)
    rate, leaves = _rates(rng, leads, clients), rng.beta(*LEAVES, len(clients))
    usual = np.exp(rng.normal(np.where(leads["segment"].to_numpy()[clients] == DEALER, 11.95, 10.4), 0.45))
    life, stays = END - DAY - start, rng.geometric(leaves) - 1
    if wanted is None:
        number = rng.poisson(rate * life / MONTH)
    else:
        weight = (rate.clip(max=3 * rate.mean()) + 0.3 * rate.mean()) * life
        number, stays = rng.multinomial(wanted, weight / weight.sum()), np.full(len(clients), wanted)
    who = np.repeat(np.arange(len(clients)), number)
    at = start[who] + (rng.random(len(who)) * life[who]).astype("int64")
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    nth = np.arange(len(who)) - np.repeat(np.cumsum(number) - number, number)
    kopecks = (usual[who] * np.exp(rng.normal(0, 0.35, len(who))) * 100).astype("int64")
    made = _rows(clients[who], at, kopecks).assign(named=False)[nth < stays[who]]
    if wanted is None:
        made = made[~pd.DataFrame({"lead": made["lead"], "day": made["at"] // DAY}).duplicated()]
        early = made[made["at"] < END - 30 * DAY].iloc[20::40][:RETURNED_ORDERS]
        back = _rows(early["lead"], early["at"] + 9 * DAY, -early["kopecks"] * 4 // 10, "Возврат")
        made = pd.concat([made, back.assign(named=False)])
    return made


def _clients(leads: pd.DataFrame, planted: Plants) -> tuple[np.ndarray, np.ndarray]:
    """Rows of clients that may buy again, and since when: they won, paid, and owe nothing."""
    start = leads["closed"].to_numpy() + lag(leads, planted) + SECOND_PART + 5 * DAY
    fit = sold(leads) & (leads["segment"] != world.BUILDER).to_numpy() & (start < END - 2 * DAY)
    fit &= ~(leads["blank_phone"] | leads["fails_phone"]).to_numpy()
    for rows in (planted.unpaid, planted.short, planted.returned, planted.halves):
        fit[rows] = False
    return np.flatnonzero(fit), start[fit]


def _rates(rng: np.random.Generator, leads: pd.DataFrame, clients: np.ndarray) -> np.ndarray:
    """Orders a month of each client: dealers differ, and those who came by recommendation order most."""
    channel = leads["channel"].to_numpy()[clients]
    mean = np.full(len(clients), OTHER_DEALERS)
    for code, orders_a_month in REORDERS.items():
        mean[channel == code] = orders_a_month
    alone = (leads["segment"] == PRIVATE).to_numpy()[clients]
    mean = np.where(alone, np.where(channel == 1, 0, ALONE), mean)
    return mean * np.where(alone, 1, rng.gamma(SPREAD, 1 / SPREAD, len(clients)))
