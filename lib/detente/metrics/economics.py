"""One table from impression to repeat purchase, per segment, channel or month: counts, rates, costs, margin.

Every rouble and every purchase of the sources stands in exactly one row, so that any cut adds up to the source:
spend that no lead answers to, and purchases that no counted inquiry of the period brought, are rows of their own.
Nothing is divided by zero: without wins the cost of a client is not known, only what it lies above.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine, schema

if TYPE_CHECKING:
    import ibis

OWN = ("channel", "campaign")  # what spend itself is grouped by
COUNTS = ("leads", *schema.VERDICTS, "no_stage", "named", "won", "ripe_leads", "ripe_won")
BOUGHT = ("purchases", "paid_leads", "clients", "new_clients", "repeat")
MONEY = ("spend", "spend_net", "ripe_spend", "gross", "returned", "revenue", "margin")


# --- the table ---
def table(
    judged: ibis.Table, spent: pd.DataFrame | None, purchases: ibis.Table | None = None, by: str | None = "channel",
    *, as_of: dt.date, stages: int = 0, ripe_days: int = 30, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """From impression to repeat purchase, one row per group of `by` and per line of money that no group has.

    judged : counted leads of the period with `verdict`. spent : as `ad_days.daily` returns, by channel (by campaign
    for "campaign"); None where no spend is exported.
    purchases : of all times; None where nothing tells of money. by : "segment", "channel", "month", None = all.

    Returns index `by` (NaN: not stated), most leads first (months in order), and the columns
        line        "paid" (leads and spend), "free" (leads, no spend); money without leads of its own:
                    "spend_without_leads", "spend_without_channel", "bought_outside" (its inquiry is counted, but not
                    of this period), "bought_uncounted" (a test, a repeat …), "bought_unknown" (no inquiry known)
        impressions, clicks   as exported (NaN: not). Of a segment, they and spend are shared out: those of a channel
                    by how many of its leads each segment has (largest remainders)
        leads, target, non_target, unknown, reached_1.. (furthest stage, or won), no_stage (no stage known),
        named (of a client who is known: of others no repeat purchase can be seen), won, ripe_leads, ripe_won (of at
                    least ripe_days)
        purchases (with money in), paid_leads (inquiries with one), clients (paying, in the row of their first purchase
                    here), new_clients (had neither bought nor won before that inquiry), repeat (two purchases or
                    more, of all times)
        spend, spend_net (less VAT), ripe_spend, gross, returned, revenue (= gross - returned), margin: Decimal, exact;
                    margin NaN where no purchase has one, and margin_known = how many have
        entries, squares, lit, client_margin, client_squares, starts, start_margin: what averages are made of
    Sums over rows equal the sources to the kopeck. Rates and costs: `unit_costs.costs`.
    """
    ripe_day = as_of - dt.timedelta(days=ripe_days)
    cells = _led(judged, by, stages, ripe_days)
    led = cells.drop(columns="channel").groupby("key", dropna=False, sort=True).sum()
    parts = [led.assign(line="free")]
    if spent is not None:
        parts.append(_spent(spent, cells, led, by, ripe_day))
    if purchases is not None:
        parts += _bought(purchases, judged, by)
    found = _folded(pd.concat(parts), [f"reached_{at}" for at in range(1, stages + 1)])
    return _ordered(found, by).rename_axis(by or "all")


def _led(judged: ibis.Table, by: str | None, stages: int, ripe_days: int) -> pd.DataFrame:
    """Counts of leads per channel and group: a small table, whatever the number of leads."""
    won, ripe = judged.outcome == "won", judged.age_days >= ripe_days
    counts = {name: judged.count(where=judged.verdict == name) for name in schema.VERDICTS}
    counts |= {
        "won": judged.count(where=won),
        "ripe_leads": judged.count(where=ripe),
        "ripe_won": judged.count(where=ripe & won),
    }
    far = judged.furthest.fill_null(0)
    counts |= {f"reached_{at}": judged.count(where=won | (far >= at)) for at in range(1, stages + 1)}
    counts["no_stage"] = judged.count(where=judged.furthest.isnull() & ~won)
    counts["named"] = judged.count(where=judged.person.notnull() | (judged.client != judged.lead_id))
    grouped = judged.group_by(channel=judged.channel.cast("string"), key=_key(judged, by))
    return engine.frame(grouped.aggregate(leads=judged.count(), **counts))


def _key(judged: ibis.Table, by: str | None):
    import ibis

    return judged[by].cast("string") if by else ibis.literal("", "string")


def _spent(
    spent: pd.DataFrame, cells: pd.DataFrame, led: pd.DataFrame, by: str | None, ripe_day: dt.date
) -> pd.DataFrame:
    """Spend per group and per line of its own."""
    ripe = [
        cost if day <= ripe_day else Decimal(0) for cost, day in zip(spent["cost"], spent["day"], strict=True)
    ]
    key = {"month": spent["month"], None: ""}.get(by, spent["group"])
    rows = spent.assign(key=key, ripe_spend=ripe, spend=spent["cost"], spend_net=spent["net"])
    money = ["spend", "spend_net", "ripe_spend"]
    sums = rows.groupby("key", dropna=False, sort=True)
    table = sums[money].agg(lambda part: sum(part, Decimal(0)))
    table = table.join(sums[["impressions", "clicks"]].sum(min_count=1))
    if by not in ("month", None, *OWN):
        return _allocated(table, cells)
    named = table.index.notna()
    has = table.index.isin(led.index[led.index.notna()])
    return table.assign(
        line=np.select([~named, ~has], ["spend_without_channel", "spend_without_leads"], "free")
    )


def share_out(total: Decimal, weights: list[int]) -> list[Decimal]:
    """`total` in proportion to whole weights, to the kopeck: the parts add up to it exactly.

    Source: the method of largest remainders (Hamilton); equal remainders go to the first.
    """
    whole, kopecks = sum(weights), int(total.scaleb(2))
    parts = [divmod(kopecks * weight, whole) for weight in weights]
    left = kopecks - sum(part for part, _ in parts)
    order = sorted(range(len(weights)), key=lambda at: (-parts[at][1], at))
    lucky = set(order[:left])
    return [Decimal(part + (at in lucky)).scaleb(-2) for at, (part, _) in enumerate(parts)]


def _allocated(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Money, impressions and clicks of each channel over the groups of its leads."""
    rows = []
    for channel, whole in table.iterrows():
        own = cells[cells["channel"] == channel].sort_values("key", na_position="last")
        if pd.isna(channel) or own.empty:
            line = "spend_without_channel" if pd.isna(channel) else "spend_without_leads"
            rows.append({**whole, "key": None, "line": line})
            continue
        parts = pd.DataFrame({"key": own["key"].to_numpy(), "line": "free"})
        weights = [int(n) for n in own["leads"]]
        for name, value in whole.items():
            seen = isinstance(value, Decimal) or not math.isnan(value)
            shared = (
                share_out(Decimal(value).scaleb(0 if isinstance(value, Decimal) else -2), weights)
                if seen
                else value
            )
            parts[name] = (
                shared if isinstance(value, Decimal) or not seen else [float(x.scaleb(2)) for x in shared]
            )
        rows += parts.to_dict("records")
    return pd.DataFrame(rows, columns=["key", "line", *table.columns]).set_index("key")


def _bought(purchases: ibis.Table, judged: ibis.Table, by: str | None) -> list[pd.DataFrame]:
    """Purchases and clients per group, and purchases that no lead of the period brought."""
    import ibis

    leads = judged.select(at_lead=judged.lead_id, key=_key(judged, by), was_client=judged.returning)
    joined = purchases.left_join(leads, purchases.lead_id == leads.at_lead)
    line = ibis.cases(
        (joined.at_lead.notnull(), "free"), (joined.lead_id.isnull(), "bought_unknown"),
        (~joined.counted.fill_null(False), "bought_uncounted"), else_="bought_outside",
    )  # fmt: skip
    joined = joined.mutate(line=line, key=ibis.ifelse(joined.at_lead.notnull(), joined.key, None))
    paid = joined.gross > 0
    sums = {name: joined[name].cast("decimal(38,2)").sum() for name in ("gross", "returned", "margin")}
    square = (joined.gross.cast("float64") * joined.gross.cast("float64")).sum()
    found = joined.group_by("key", "line").aggregate(
        purchases=joined.count(where=paid), paid_leads=joined.at_lead.nunique(where=paid), squares=square,
        margin_known=joined.margin.count(), entries=joined.count(), **sums,
    )  # fmt: skip
    money = engine.frame(found).set_index("key")
    clients = engine.frame(_clients(joined.filter(joined.line == "free"), purchases)).set_index("key")
    return [money, clients.assign(line="free")]


def _clients(joined: ibis.Table, purchases: ibis.Table) -> ibis.Table:
    """Paying clients per group of their first purchase here, with their margin to date."""
    import ibis

    order = ibis.row_number().over(group_by=joined.client, order_by=[joined.order_no, joined.lead_id])
    first = joined.filter(joined.order_no.notnull()).select(
        "client", "key", "was_client", earned=joined.margin, at=order
    )
    first = first.filter(first.at == 0)
    margin = joined.group_by("client").aggregate(
        total=joined.margin.sum().cast("float64"), dark=joined.margin.isnull().sum()
    )
    every = purchases.filter(purchases.order_no.notnull())
    orders = every.group_by("client").aggregate(orders=every.count())
    rows = first.join(margin, "client").join(orders, "client")
    lit, start = rows.dark == 0, rows.earned.cast("float64")
    return rows.group_by("key").aggregate(
        clients=rows.count(), new_clients=rows.count(where=~rows.was_client.fill_null(False)),
        repeat=rows.count(where=rows.orders > 1), lit=rows.count(where=lit),
        client_margin=rows.total.sum(where=lit), client_squares=(rows.total * rows.total).sum(where=lit),
        starts=start.count(), start_margin=start.sum(),
    )  # fmt: skip


SUMS = (
    "entries",
    "squares",
    "margin_known",
    "lit",
    "client_margin",
    "client_squares",
    "starts",
    "start_margin",
)


def _folded(rows: pd.DataFrame, reached: list[str]) -> pd.DataFrame:
    """Parts of the three sources as one row per group and line; what a source does not hold is 0, margin NaN."""
    whole = [*COUNTS, *reached, *BOUGHT]
    rows = rows.reindex(columns=["line", "impressions", "clicks", *whole, *SUMS, *MONEY])
    group = [name if isinstance(name, str) else "\x00" for name in rows.index]
    found = []
    for (key, line), part in rows.assign(group=group).groupby(["group", "line"], sort=True):
        one = {"key": None if key == "\x00" else key, "line": line}
        one |= {name: int(part[name].sum()) for name in whole}
        one |= {name: float(part[name].sum()) for name in SUMS}
        one |= {name: part[name].sum(min_count=1) for name in ("impressions", "clicks")}
        one |= {name: sum((x for x in part[name] if isinstance(x, Decimal)), Decimal(0)) for name in MONEY}
        one["revenue"] = one["gross"] - one["returned"]
        found.append(one | {"margin": one["margin"] if one["margin_known"] else None})
    table = pd.DataFrame(found, columns=["key", "line", "impressions", "clicks", *whole, *SUMS, *MONEY])
    spent, leads = np.array([x > 0 for x in table["spend"]], bool), table["leads"] > 0
    table["line"] = table["line"].where(~(leads & spent), "paid")
    return table.set_index("key")


LINES = (
    "paid",
    "free",
    "spend_without_leads",
    "spend_without_channel",
    "bought_outside",
    "bought_uncounted",
    "bought_unknown",
)


def _ordered(table: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Months in time; else the largest groups first. Money without leads of its own comes last."""
    place = {name: max(at - 1, 0) for at, name in enumerate(LINES)}  # paid and free groups stand together
    if by == "month":
        place["spend_without_leads"] = 0
    keys = pd.DataFrame({
        "place": [place[name] for name in table["line"]], "leads": 0 if by == "month" else -table["leads"].to_numpy(),
        "name": table.index.fillna("\uffff"), "line": table["line"].to_numpy(),
    })  # fmt: skip
    return table.iloc[keys.sort_values(["place", "leads", "name", "line"], kind="stable").index]


# --- what has no pair ---
@dataclass(frozen=True)
class Unmatched:
    """Money that no group of leads has, and leads that no money was spent on; with the sums that all rows add up to.

    lines : line -> (amount, names that are known) for lines with money: spend, else revenue. spend, revenue : of the
    whole table, equal to the sources. lost : spend without leads or channel; strange : revenue without an inquiry of
    the period. free, free_won : leads, and wins, of groups without spend.
    """

    lines: dict[str, tuple[Decimal, list[str]]]
    spend: Decimal
    revenue: Decimal
    lost: Decimal
    strange: Decimal
    free: int
    free_won: int


def unmatched(table: pd.DataFrame) -> Unmatched:
    """What stands in lines of its own. table : of `table`, by channel."""
    zero, lines = Decimal(0), {}
    for line in LINES[2:]:
        rows = table[table["line"] == line]
        amount = sum(rows["spend" if line.startswith("spend") else "revenue"], zero)
        if amount:
            lines[line] = (amount, [name for name in rows.index if isinstance(name, str)])
    free = table[table["line"] == "free"]
    lost = sum((amount for line, (amount, _) in lines.items() if line.startswith("spend")), zero)
    strange = sum((amount for line, (amount, _) in lines.items() if line.startswith("bought")), zero)
    sums = (sum(table[name], zero) for name in ("spend", "revenue"))
    return Unmatched(lines, *sums, lost, strange, int(free["leads"].sum()), int(free["won"].sum()))
