"""The client base over its last full months: who was there, who left, who came, and what they paid in between.

What the seed formula of a client's value is fed with. Who has left is not written anywhere in a business without
contracts: a client is called lost after a silence that nine of ten pauses between purchases do not reach.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

MONTHS = 3  # the window of the seed formula, in full months
LEAST_GAP = 30  # days; nobody is called lost sooner
WAIT = 0.9  # of the pauses between purchases are over by then
JUDGED = 9  # full months: six to look back on, and three to be foretold
PAUSES = 30  # fewer pauses do not tell how long clients wait


def nobody() -> ibis.Table:
    """Purchases of a company that exports none: no row, the columns that metrics of clients read."""
    texts = ("client", "deal", "cohort", "month", "origin", "margin_from", "basis")
    money = ("gross", "returned", "amount", "vat", "margin")
    kinds = dict.fromkeys(texts, "str") | dict.fromkeys(money, "float64")
    kinds |= {"bought_at": "datetime64[us]", "first_at": "datetime64[us]", "order_no": "int64"}
    return engine.table(pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()}))


def named(purchases: ibis.Table) -> ibis.Table:
    """The purchases; none of them where no client is known but by his deal.

    Without a person in any export each deal stands as a client of its own: whoever buys twice is two of them, and
    nothing that is counted per client holds.
    """
    known = purchases.filter(purchases.client.notnull())
    known = known.filter((known.client != known.deal).fill_null(True))
    return purchases if engine.frame(known.aggregate(n=known.count()))["n"][0] else purchases.filter(False)


# --- how long history is ---
@dataclass(frozen=True)
class History:
    """Full months from the first purchase of a known client (None: there is none) to `until`, the end of the last.

    ahead : months that can be held back to judge a forecast made before them, a third of the history; 0 where it is
    too short for that, needed: months that are missing then. earlier : clients known before the months held back.
    """

    first: dt.date | None
    until: dt.date
    months: int
    ahead: int
    needed: int
    earlier: int


def history(purchases: ibis.Table, as_of: dt.date, horizon: int) -> History:
    """How much of the past there is. horizon : more months ahead are not asked for."""
    until, first = _until(as_of), _first(purchases)
    months = 0 if first is None else max(_number(until, True) - _number(first, True) + (first.day == 1), 0)
    ahead = min(months // 3, horizon) if months >= JUDGED else 0
    before = _number(until, True) - ahead
    clients = _months(purchases).group_by("client").aggregate(first=lambda table: table["at"].min())
    earlier = engine.frame(clients.aggregate(n=clients.count(where=clients["first"] <= before)))["n"][0]
    return History(first, until, months, ahead, max(JUDGED - months, 0), int(earlier))


# --- how long a client may be silent ---
@dataclass(frozen=True)
class Patience:
    """After how many days of silence a client is called lost. status "few": pauses are too few to tell.

    pauses : intervals between a client's purchases on different days; days : their 90th percentile, at least 30.
    Clients who have not come back have no pause yet, so `days` leans to the short side; needed: pauses missing.
    """

    status: str
    days: int
    pauses: int
    needed: int


def patience(purchases: ibis.Table) -> Patience:
    """The pause that nine of ten pauses between purchases do not exceed; DENOMINATOR: all pauses that have ended."""
    import ibis

    days = _days(purchases).distinct()
    before = days.day.lag().over(ibis.window(group_by="client", order_by="day"))
    pauses = days.mutate(pause=days.day - before)
    pauses = pauses.filter(pauses.pause.notnull())
    counts = engine.frame(pauses.group_by("pause").aggregate(n=pauses.count()))
    counts = counts.sort_values("pause", ignore_index=True)
    n = int(counts["n"].sum())
    if n < PAUSES:
        return Patience("few", 0, n, PAUSES - n)
    reached = counts["n"].cumsum() >= WAIT * n
    return Patience("ok", max(int(counts.loc[reached.idxmax(), "pause"]), LEAST_GAP), n, 0)


def _days(purchases: ibis.Table) -> ibis.Table:
    """client, day (whole days since 1970) of every purchase of a known client; pure refunds are no purchase."""
    bought = purchases.filter(purchases.client.notnull() & (purchases.gross > 0))
    return bought.select(client=bought.client, day=(bought.bought_at.epoch_seconds() // 86400).cast("int64"))


# --- the period of the seed formula ---
@dataclass(frozen=True)
class Base:
    """A client base over its last full months, `since` to `until` (days, both included).

    A client is there on a day when his last purchase lies at most `gap` days back (subscription: he paid in the month
    before). start, end : clients there at either end; lost : how often one stopped being there; new : first purchase;
    returned : a purchase after having been lost; end = start - lost + new + returned.
    revenue, margin : of known clients in the period (margin of the purchases that have one; priced: their share of
    revenue). stayed_revenue, stayed_lost : of the clients who were there at the start alone.
    status "ok", "no_clients", "few_pauses" (needed: pauses missing), "short" (needed: days of history missing).
    """

    status: str
    since: dt.date | None = None
    until: dt.date | None = None
    gap: int = 0
    start: int = 0
    lost: int = 0
    new: int = 0
    returned: int = 0
    end: int = 0
    revenue: float = 0.0
    margin: float = 0.0
    priced: float = 0.0
    stayed_revenue: float = 0.0
    stayed_lost: int = 0
    needed: int = 0

    @property
    def margin_share(self) -> float | None:
        """Margin per rouble of revenue; None where less than nine tenths of the revenue has a margin."""
        return self.margin / (self.revenue * self.priced) if self.revenue > 0 and self.priced > 0.9 else None


def base(purchases: ibis.Table, as_of: dt.date, model: str = "repeat", months: int = MONTHS) -> Base:
    """The client base over the last `months` full months; over the last one alone where history is too short.

    Every loss counted is known by the end of the period: whoever fell silent too late to be judged is still there.
    """
    first = _first(purchases)
    if first is None:
        return Base("no_clients")
    until = (pd.Timestamp(as_of) + pd.Timedelta(days=1)).to_period("M").start_time.date() - dt.timedelta(
        days=1
    )
    wait = patience(purchases) if model != "subscription" else None
    if wait and wait.status != "ok":
        return Base("few_pauses", until=until, needed=wait.needed)
    gap = wait.days if wait else 31
    for span in (months, 1):
        since = (pd.Period(until, "M") - (span - 1)).start_time.date()
        missing = gap - (since - first).days
        if missing <= 0:
            return _counted(purchases, since, until, gap, model)
    return Base("short", until=until, gap=gap, needed=missing)


def length(base: Base) -> float:
    """The months of the period of a base; 1 where it has none."""
    if base.since is None or base.until is None:
        return 1.0
    return float(_number(base.until, True) - _number(base.since, True) + 1)


def _until(as_of: dt.date) -> dt.date:
    """The last day of the last month that is over on the evening of `as_of`."""
    return (as_of + dt.timedelta(days=1)).replace(day=1) - dt.timedelta(days=1)


def _first(purchases: ibis.Table) -> dt.date | None:
    known = purchases.filter(purchases.client.notnull() & (purchases.gross > 0))
    first = engine.frame(known.aggregate(first=known.bought_at.min()))["first"][0]
    return None if pd.isna(first) else pd.Timestamp(first).date()


def _counted(purchases: ibis.Table, since: dt.date, until: dt.date, gap: int, model: str) -> Base:
    """Counts over the days, or for a subscription the months, of the period."""
    import ibis

    monthly = model == "subscription"
    begin, over = (_number(day, monthly) for day in (since, until + dt.timedelta(days=1)))
    events = _months(purchases) if monthly else _days(purchases).rename(at="day")
    events = events.distinct()
    turn = ibis.window(group_by="client", order_by="at")
    events = events.mutate(before=events.at.lag().over(turn), after=events.at.lead().over(turn))
    wait, none = 1 if monthly else gap, ibis.literal(False)
    ends = events.at + wait
    left = (events.after.isnull() | (events.after > ends)).fill_null(True)

    def there(day: int) -> Any:
        return (events.at < day) & (events.after.isnull() | (events.after >= day)) & (ends >= day)

    inside = (events.at >= begin) & (events.at < over)
    lost = left & (ends >= begin) & (ends < over)
    clients = events.group_by("client").aggregate(
        start=there(begin).fill_null(none).any(), end=there(over).fill_null(none).any(), lost=lost.sum(),
        new=(inside & events.before.isnull()).any(),
        returned=(inside & (events.at > events.before + wait)).fill_null(none).sum(),
    )  # fmt: skip
    money = _money(purchases, since, until)
    joined = clients.left_join(money, "client")
    sums = joined.aggregate(
        start=joined.start.sum(), end=joined.end.sum(), lost=joined.lost.sum(), new=joined.new.sum(),
        returned=joined.returned.sum(), stayed_lost=joined.count(where=joined.start & (joined.lost > 0)),
        stayed_revenue=joined.revenue.sum(where=joined.start),
        **{name: joined[name].sum() for name in ("revenue", "margin", "unpriced")},
    )  # fmt: skip
    row = engine.frame(sums).iloc[0].astype(float).fillna(0.0)
    counts = {name: int(row[name]) for name in ("start", "lost", "new", "returned", "end", "stayed_lost")}
    sums = {name: float(row[name]) for name in ("revenue", "margin", "stayed_revenue")}
    priced = 1 - row["unpriced"] / row["revenue"] if row["revenue"] > 0 else 0.0
    return Base("ok", since, until, gap, **counts, **sums, priced=float(priced))


def _number(day: dt.date, monthly: bool) -> int:
    return day.year * 12 + day.month if monthly else (day - dt.date(1970, 1, 1)).days


def _months(purchases: ibis.Table) -> ibis.Table:
    """client, at (number of the month) of every month with a purchase of a known client."""
    bought = purchases.filter(purchases.client.notnull() & (purchases.gross > 0))
    place = bought.month.substr(0, 4).cast("int64") * 12 + bought.month.substr(5, 2).cast("int64")
    return bought.select(client=bought.client, at=place)


def _money(purchases: ibis.Table, since: dt.date, until: dt.date) -> ibis.Table:
    """Per client what was paid in the period, returns taken off."""
    import ibis

    over = until + dt.timedelta(days=1)
    begin, end = (ibis.timestamp(f"{day} 00:00:00") for day in (since, over))
    paid = purchases.filter(purchases.client.notnull() & (purchases.bought_at >= begin))
    paid = paid.filter(paid.bought_at < end)
    return paid.group_by("client").aggregate(
        revenue=paid.amount.sum(),
        margin=paid.margin.sum(),
        unpriced=paid.amount.sum(where=paid.margin.isnull()),
    )


# --- subscriptions ---
def survivors(purchases: ibis.Table, as_of: dt.date) -> list[list[int]]:
    """Per month of first payment: clients who paid then, who paid in the month after too, and so on, unbroken.

    Oldest cohort first; each list runs to the last full month. A client who skips a month has left, even if he comes
    back. Empty where no client is known.
    """
    import ibis

    last = _number(_until(as_of), True)
    events = _months(purchases).distinct()
    events = events.filter(events["at"] <= last)
    each = events.mutate(
        first=events["at"].min().over(ibis.window(group_by="client")),
        order=ibis.row_number().over(ibis.window(group_by="client", order_by="at")),
    )
    unbroken = each.filter(each["at"] - each["first"] == each["order"])
    tenure = unbroken.group_by("client", "first").aggregate(months=unbroken.count())
    counts = engine.frame(tenure.group_by("first", "months").aggregate(n=tenure.count()))
    table = counts.pivot_table(index="first", columns="months", values="n", aggfunc="sum", fill_value=0)
    return [
        [int(row[row.index > age].sum()) for age in range(last - int(first) + 1)]
        for first, row in table.iterrows()
    ]
