"""What each department did per segment: money that came, advertising, leads, minutes of calls, tasks, open deals.

Rows are counted once by the engine; what comes back is one small table. Declared experiments stand apart, so that a
trial does not look like a lost focus.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

    from detente.terms import Experiment

BUCKETS = 2000  # clients are resampled one by one up to so many, beyond it in as many groups drawn blindly
PRIME = 2**31 - 1
MARGIN_KNOWN = 0.8  # of the revenue; where the margin of less is known, it is not compared
MONEY = "decimal(18,2)"
NONE = Decimal("0.00")


@dataclass(frozen=True)
class Profile:
    """Sums per segment of everything that is known, from `since` to `until`.

    amounts : index segment (by name; NaN last: no segment stated), columns that are known: revenue and margin
              (Decimal; after returns, without VAT), orders (purchases with money), spend (Decimal), leads, minutes
              (float), tasks, open (deals not closed yet). Without experiments; with `trials` each column sums to its
              source.
    trials  : the same per experiment (index its name), in the order in which they are declared.
    clients : revenue and margin (float) per client and segment, clients resampled together have one `bucket`.
    largest : the client that brought most: revenue and margin (float) by segment.
    buyers  : clients behind the revenue. All three leave out money that has no segment.
    basis   : of `tables.purchases`; "" without purchases.
    margin_known : share of the revenue whose margin is known.
    dark    : segments ("": none stated) and experiments with revenue of which no margin is known: theirs is not 0.
    """

    amounts: pd.DataFrame
    trials: pd.DataFrame
    clients: pd.DataFrame
    largest: pd.DataFrame
    buyers: int
    basis: str
    margin_known: float
    since: dt.date
    until: dt.date
    status: str  # "ok", "no_segments", "one_segment"
    dark: frozenset[str] = frozenset()

    def shares(self, resource: str) -> dict[str, float]:
        """Shares over segments (DENOMINATOR: what has a segment); a loss counts as 0. Empty where there is nothing."""
        if resource not in self.amounts:
            return {}
        return _shares(self.amounts[resource])

    def unknown(self, resource: str) -> float:
        """The part of a resource that has no segment; NaN where there is nothing."""
        sums = self.amounts[resource].astype(float).abs()
        return float(sums[sums.index.isna()].sum() / sums.sum()) if sums.sum() else math.nan


def _shares(sums: pd.Series) -> dict[str, float]:
    known = sums[sums.index.notna()].astype(float).clip(lower=0)
    whole = math.fsum(known)
    return {str(name): float(value) / whole for name, value in known.items()} if whole > 0 else {}


def profile(
    journeys: ibis.Table,
    inquiries: ibis.Table,
    purchases: ibis.Table | None,
    spend: ibis.Table | None,
    calls: ibis.Table | None,
    tasks: ibis.Table | None,
    *,
    since: dt.date,
    until: dt.date,
    experiments: Sequence[Experiment] = (),
) -> Profile:
    """What each department did per segment from `since` to `until`, both days included.

    journeys : counted leads of the period; inquiries : all of them, of any time, to which calls and tasks are tied (by
    the deal, a call also by its person). purchases count by the day of the first payment. spend : of the period;
    a channel's money goes to segments by its leads, to the kopeck; without leads it has no segment.
    """
    span, trials = (since, until), list(experiments)
    parts, bought = [_leads(journeys, trials)], None
    if purchases is not None:
        bought = _within(purchases, "bought_at", span)
        parts.append(_money(bought, trials))
    if spend is not None:
        parts.append(_spent(spend, journeys, trials))
    if calls is not None:
        parts.append(_minutes(_within(calls, "started_at", span), inquiries, trials))
    if tasks is not None:
        parts.append(_tasks(_within(tasks, "created_at", span, "due_at"), inquiries, trials))
    table = reduce(lambda one, other: one.merge(other, "outer", on=["segment", "trial"]), parts)
    return _profile(table, bought, trials, span)


def _profile(
    table: pd.DataFrame, bought: ibis.Table | None, trials: list[Experiment], span: tuple[dt.date, dt.date]
) -> Profile:
    priced, dark = _margin_known(table), _dark(table)
    table = table.drop(columns=["priced", *([] if priced >= MARGIN_KNOWN else ["margin"])], errors="ignore")
    for name in table.columns.drop(["segment", "trial"]):
        nothing = NONE if name in ("revenue", "margin", "spend") else 0
        table[name] = pd.Series([nothing if pd.isna(value) else value for value in table[name]], dtype=object)
    amounts = _summed(table[table["trial"] == ""].drop(columns="trial"), "segment")
    apart = _summed(table[table["trial"] != ""].drop(columns="segment"), "trial")
    apart = apart.reindex([item.name for item in trials if item.name in apart.index])
    segments = int(amounts.index.notna().sum())
    status = "ok" if segments > 1 else "one_segment" if segments else "no_segments"
    return Profile(amounts, apart, *_clients(bought, trials), priced, *span, status, dark)


def _summed(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sums per name in order, what has none (\"\") last as NaN; Decimals stay exact."""
    names = table.columns.drop(by)
    parts = sorted(table.groupby(by), key=lambda part: (part[0] == "", part[0]))
    rows = [[sum(part[name].iloc[1:], part[name].iloc[0]) for name in names] for _, part in parts]
    index = pd.Index([name or math.nan for name, _ in parts], name=by, dtype=object)
    frame = pd.DataFrame(rows, index=index, columns=names, dtype=object)
    kinds = {"leads": "int64", "tasks": "int64", "open": "int64", "orders": "int64", "minutes": "float64"}
    return frame.astype({name: kind for name, kind in kinds.items() if name in frame})


def _margin_known(table: pd.DataFrame) -> float:
    if "revenue" not in table:
        return math.nan
    whole, priced = (sum(abs(float(x)) for x in table[name].dropna()) for name in ("revenue", "priced"))
    return priced / whole if whole else math.nan


def _dark(table: pd.DataFrame) -> frozenset[str]:
    """Who has revenue, and no purchase whose margin is known."""
    if "revenue" not in table:
        return frozenset()
    sums = table.assign(name=table["trial"].where(table["trial"] != "", table["segment"]))
    sums = sums[["revenue", "priced"]].astype(float).abs().groupby(sums["name"]).sum()
    return frozenset(sums.index[(sums["revenue"] > 0) & (sums["priced"] == 0)])


# --- rows ---
def _within(table: ibis.Table, at: str, span: tuple[dt.date, dt.date], instead: str = "") -> ibis.Table:
    """Rows of the period; a row without a date stays."""
    day = (table[at].fill_null(table[instead]) if instead else table[at]).date()
    return table.filter((day.between(*span)).fill_null(True))


def _trial(table: ibis.Table, trials: list[Experiment], places: bool = False) -> ibis.Value:
    """The experiment a row belongs to, the first that holds it; NULL for the base. places: not by its segment."""
    import ibis

    cases = []
    for item in trials:
        named = {
            "channel": item.channels,
            "campaign": item.campaigns,
            "segment": () if places else item.segments,
        }
        found = [
            table[name].isin(list(values))
            for name, values in named.items()
            if values and name in table.columns
        ]
        if found:
            cases.append((reduce(or_, found).fill_null(False), ibis.literal(item.name)))
    return ibis.cases(*cases) if cases else ibis.null("string")


def _grouped(table: ibis.Table, trials: list[Experiment], **sums: ibis.Value) -> pd.DataFrame:
    """Sums per segment and experiment; "" where there is none."""
    found = engine.frame(table.group_by(**_keys(table, trials)).aggregate(**sums))
    return found.sort_values(["segment", "trial"], ignore_index=True)


def _keys(table: ibis.Table, trials: list[Experiment]) -> dict[str, ibis.Value]:
    return {
        "segment": table["segment"].cast("string").fill_null(""),
        "trial": _trial(table, trials).fill_null(""),
    }


def _leads(journeys: ibis.Table, trials: list[Experiment]) -> pd.DataFrame:
    still = journeys.count(where=journeys["outcome"] == "open")
    return _grouped(journeys, trials, leads=journeys.count(), open=still)


def _money(bought: ibis.Table, trials: list[Experiment]) -> pd.DataFrame:
    net, priced = bought["amount"] - bought["vat"], bought["margin"].notnull()
    sums = {"revenue": net.sum(), "margin": bought["margin"].sum(), "priced": net.sum(where=priced)}
    money = {name: value.cast(MONEY) for name, value in sums.items()}
    return _grouped(bought, trials, **money, orders=bought.count(where=bought["gross"] > 0))


def _minutes(calls: ibis.Table, inquiries: ibis.Table, trials: list[Experiment]) -> pd.DataFrame:
    """Minutes of calls by the deal they name, else by the last inquiry of their person."""
    import ibis

    facts = inquiries.select("lead_id", "person", "segment", "channel", "campaign", "created_at")
    order = [facts["created_at"].desc(), facts["lead_id"]]
    last = ibis.row_number().over(ibis.window(group_by=facts["person"], order_by=order))
    people = facts.filter(facts["person"].notnull()).mutate(_last=last)
    people = people.filter(people["_last"] == 0)
    people = people.select(_person="person", segment_2="segment", channel_2="channel", campaign_2="campaign")
    deals = facts.select(_deal="lead_id", segment_1="segment", channel_1="channel", campaign_1="campaign")
    found = calls.select("lead_id", "person", "duration_s").left_join(
        deals, calls["lead_id"] == deals["_deal"]
    )
    found = found.left_join(people, found["person"] == people["_person"])
    tied = found["_deal"].notnull()
    found = found.mutate(**{
        name: ibis.ifelse(tied, found[f"{name}_1"], found[f"{name}_2"]) for name in ("segment", "channel", "campaign")
    })  # fmt: skip
    seconds = found["duration_s"].cast("float64").sum(where=found["duration_s"] > 0)
    return _grouped(found, trials, minutes=seconds.fill_null(0.0) / 60)


def _tasks(tasks: ibis.Table, inquiries: ibis.Table, trials: list[Experiment]) -> pd.DataFrame:
    deals = inquiries.select("segment", "channel", "campaign", _deal="lead_id")
    found = tasks.select("lead_id").left_join(deals, tasks["lead_id"] == deals["_deal"])
    return _grouped(found, trials, tasks=found.count())


def _spent(spend: ibis.Table, journeys: ibis.Table, trials: list[Experiment]) -> pd.DataFrame:
    """Spend by segment: that of an experiment's own channels and campaigns, else by the leads of its channel."""
    columns = {
        "channel": spend["channel"].cast("string"),
        "own": _trial(spend, trials, places=True).fill_null(""),
    }
    paid = engine.frame(spend.group_by(**columns).aggregate(spend=spend["cost"].cast(MONEY).sum()))
    kept = journeys.filter(_trial(journeys, trials, places=True).isnull())
    keys = {"channel": kept["channel"].cast("string"), **_keys(kept, trials)}
    leads = engine.frame(kept.group_by(**keys).aggregate(leads=kept.count())).sort_values(list(keys))
    rows: list[tuple[str, str, Decimal]] = []
    for channel, own, money in paid.dropna(subset=["spend"]).itertuples(index=False):
        brought = leads[leads["channel"] == channel]
        if own or brought.empty:
            rows.append(("", own, money))
        else:
            rows += zip(
                brought["segment"], brought["trial"], allotted(money, brought["leads"].tolist()), strict=True
            )
    table = pd.DataFrame(rows, columns=["segment", "trial", "spend"])
    sums = table.groupby(["segment", "trial"])["spend"].agg(lambda money: sum(money, NONE))
    return sums.reset_index()


def allotted(total: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """A sum of money parted by whole weights so that the kopecks add up to it.

    The largest remainders get the kopecks left over, of equal ones the first. ValueError where no weight is above 0.
    Source: the method of Hamilton (largest remainder).
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("money is parted by weights of 0 and above, at least one of them above 0")
    sign, kopecks = (-1 if total < 0 else 1), abs(int(total.scaleb(2)))
    parts = [kopecks * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(kopecks * weights[at] % whole), at))
    for at in order[: kopecks - sum(parts)]:
        parts[at] += 1
    return [Decimal(sign * part).scaleb(-2) for part in parts]


# --- clients ---
def _clients(
    bought: ibis.Table | None, trials: list[Experiment]
) -> tuple[pd.DataFrame, pd.DataFrame, int, str]:
    """Money per client and segment in at most BUCKETS buckets; the largest client; how many clients; the basis."""
    empty = pd.DataFrame(columns=["bucket", "segment", "revenue", "margin"])
    if bought is None:
        return empty, empty.set_index("segment")[["revenue", "margin"]], 0, ""
    import ibis

    base = bought.filter(_trial(bought, trials).isnull() & bought["segment"].notnull())
    who = ibis.coalesce(base["client"], base["deal"], base["bought_at"].cast("string"))
    net = (base["amount"] - base["vat"]).cast("float64")
    keys = {"who": who, "segment": base["segment"].cast("string")}
    cells = base.group_by(**keys).aggregate(
        revenue=net.sum(), margin=base["margin"].cast("float64").sum().fill_null(0.0)
    )
    whole = cells.group_by("who").aggregate(whole=cells["revenue"].sum())
    buyers = int(engine.frame(whole.aggregate(n=whole.count()))["n"].iloc[0])
    place = ibis.dense_rank().over(ibis.window(order_by=cells["who"]))
    bucket = _blind(place) if buyers > BUCKETS else place
    grouped = cells.mutate(bucket=bucket).group_by("bucket", "segment")
    sums = engine.frame(grouped.aggregate(revenue=cells["revenue"].sum(), margin=cells["margin"].sum()))
    first = engine.frame(whole.order_by([whole["whole"].desc(), whole["who"]]).limit(1))
    his = cells.filter(cells["who"] == (first["who"].iloc[0] if len(first) else ""))
    largest = engine.frame(his.select("segment", "revenue", "margin")).set_index("segment")
    bases = engine.frame(bought.select("basis").distinct())["basis"].dropna()
    order = ["bucket", "segment"]
    return (
        sums.sort_values(order, ignore_index=True),
        largest,
        buyers,
        "" if bases.empty else str(bases.iloc[0]),
    )


def _blind(place: ibis.Value) -> ibis.Value:
    """One of BUCKETS for a place in the order of clients: neighbours there may be of one segment, here they are not.

    Whole numbers below 2**63 at every step, so the same on every engine.
    """
    mixed = ((place + 1) * 48271 * 16807) % PRIME
    for shift in (place, 0):
        mixed = (mixed * mixed) % PRIME
        mixed = (mixed * 69621 + shift) % PRIME
    return (mixed.cast("float64") * BUCKETS / PRIME).floor().cast("int64")
