"""Who gets the money of a purchase that several channels led to: five rules, and the range between them.

No rule is the truth: none of them knows what would have happened without a channel. Where they agree the answer does
not hang on the rule; where they do not, there is no answer. Totals over channels equal the money under each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

MODELS = ("first", "last", "linear", "u_shape", "decay")
ENDS = (
    0.4  # of a purchase to the first and to the last touch by the U rule; the rest is shared by those between
)
HALF_LIFE = 30.0  # days after which a touch counts half by the rule of decay
DAY = 24 * 3600
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Credit:
    """Money of purchases per channel by each rule.

    table     : index channel (NaN last: no inquiry is known), columns of MODELS (Decimal; each adds up to `fact`), low,
                high (over the rules), purchases (with this channel among their touches), spread = high - low.
    fact      : the money shared out. outside: money of purchases whose inquiry is not among those given.
    purchases : with money in; several: of them led to by two or more channels, the only ones that rules can differ
                on, low and high: Wilson interval of their share; repeated: by two or more inquiries.
    """

    table: pd.DataFrame
    fact: Decimal
    outside: Decimal
    purchases: int
    several: int
    repeated: int
    half_life: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """Purchases that rules can differ on. DENOMINATOR: purchases."""
        return self.several / self.purchases if self.purchases else float("nan")


def credit(
    purchases: ibis.Table | None, inquiries: ibis.Table, value: str = "amount", fill: float | None = None,
    half_life: float = HALF_LIFE, level: float = 0.95,
) -> Credit | None:  # fmt: skip
    """Money of purchases by channel of the inquiries that came before them; None without purchases.

    inquiries : all of the period, repeated ones too: each is a touch of its client. The purchases whose inquiry is
    among them are shared out; a purchase of nobody known is outside.
    value : "amount" (after returns), "gross", "net" (without VAT) or "margin"; fill : a purchase without a margin
    counts as this share of its net.
    Rules: first; last; linear; u_shape (ENDS to each end, both halves of two); decay (weight halves in half_life days
    before the purchase). A purchase that no touch came before goes to the channel of its own inquiry.
    """
    if purchases is None:
        return None
    bought = _bought(purchases, inquiries, value, fill)
    weighed = _weighed(_touches(bought, inquiries), half_life)
    table, fact = _shared(weighed), _facts(bought)
    ours = fact[fact["inside"]]
    money, outside = (_decimal(fact.loc[fact["inside"] == side, "money"].sum()) for side in (True, False))
    shared = pd.DataFrame({name: _exact(table[name], money) for name in MODELS}, index=table.index)
    low, high = (
        pd.Series([rule(row) for row in shared.to_numpy()], shared.index, dtype=object) for rule in (min, max)
    )
    spread = pd.Series([b - a for a, b in zip(low, high, strict=True)], shared.index, dtype=object)
    found = shared.assign(low=low, high=high, spread=spread, purchases=table["purchases"])
    (several, repeated), count = _paths(weighed), int(ours["purchases"].sum())
    ends = intervals.wilson(several, count, level)
    return Credit(found, money, outside, count, several, repeated, half_life, *ends)


def _bought(purchases: ibis.Table, inquiries: ibis.Table, value: str, fill: float | None) -> ibis.Table:
    """One row per purchase: id, who, its own channel, when, money, whether its inquiry is of the period."""
    import ibis

    zero = ibis.literal(0).cast("decimal(18,2)")
    net = purchases.amount - purchases.vat.fill_null(zero)
    money = {"amount": purchases.amount, "gross": purchases.gross, "net": net}.get(value)
    if money is None:
        rest = (net.cast("float64") * fill).cast("decimal(18,2)") if fill is not None else zero
        money = purchases.margin.fill_null(rest)
    order = ibis.row_number().over(
        order_by=[purchases.bought_at, purchases.client, purchases.deal, purchases.lead_id, purchases.amount]
    )
    picked = purchases.select(
        "lead_id", "bought_at", id=order, own=purchases.channel.cast("string"), money=money.cast("decimal(18,2)"),
        buys=purchases.gross > 0, buyer=purchases.client,
    )  # fmt: skip
    known = inquiries.select(owner="lead_id", asker="client", inside=True)
    joined = picked.left_join(known, picked.lead_id == known.owner)
    who = ibis.coalesce(joined.buyer, joined.asker, joined.lead_id)
    return joined.select(
        "id", "own", "bought_at", "money", "buys", inside=joined.inside.fill_null(False), who=who
    )


def _touches(bought: ibis.Table, inquiries: ibis.Table) -> ibis.Table:
    """One row per purchase and touch before it; a purchase without one has its own inquiry as its only touch."""
    import ibis

    asked = inquiries.select(
        asker=ibis.coalesce(inquiries.client, inquiries.lead_id), asked_at="created_at",
        channel=inquiries.channel.cast("string"), touch="lead_id",
    )  # fmt: skip
    ours = bought.filter(bought.inside)
    joined = ours.left_join(asked, (ours.who == asked.asker) & (asked.asked_at <= ours.bought_at))
    known = joined.touch.notnull()
    return joined.select(
        "id", "money", "buys", touch=joined.touch, asked_at=joined.asked_at,
        channel=ibis.ifelse(known, joined.channel, joined.own),
        days=ibis.ifelse(
            known,
            (joined.bought_at.epoch_seconds() - joined.asked_at.epoch_seconds()).cast("float64") / DAY,
            0.0,
        ),
    )  # fmt: skip


def _weighed(touches: ibis.Table, half_life: float) -> ibis.Table:
    """Each touch with its weight by every rule; the weights of a purchase add up to 1."""
    import ibis

    ordered = ibis.window(group_by="id", order_by=[touches.asked_at, touches.touch])
    counted = touches.mutate(
        place=ibis.row_number().over(ordered) + 1, n=touches.count().over(ibis.window(group_by="id"))
    )
    first, last = counted.place == 1, counted.place == counted.n
    n = counted.n.cast("float64")
    end = ibis.ifelse(counted.n == 1, 1.0, ibis.ifelse(counted.n == 2, 0.5, ENDS))
    between = ibis.ifelse(counted.n > 2, (1 - 2 * ENDS) / (n - 2).nullif(0), 0.0)
    fade = (counted.days * (-np.log(2) / half_life)).exp()
    faded = counted.mutate(fade=fade)
    whole = faded.fade.sum().over(ibis.window(group_by="id"))
    return faded.mutate(
        first=first.ifelse(1.0, 0.0), last=last.ifelse(1.0, 0.0), linear=1 / n,
        u_shape=(first | last).ifelse(end, between), decay=faded.fade / whole.nullif(0),
    )  # fmt: skip


def _shared(weighed: ibis.Table) -> pd.DataFrame:
    """Kopecks per channel and rule, as floats."""
    money = weighed.money.cast("float64")
    sums = {name: (money * weighed[name]).sum() for name in MODELS}
    buys = weighed.id.nunique(where=weighed.buys)
    table = engine.frame(weighed.group_by("channel").aggregate(purchases=buys, **sums))
    return table.set_index("channel").sort_index(kind="stable", na_position="last")


def _facts(bought: ibis.Table) -> pd.DataFrame:
    return engine.frame(
        bought.group_by("inside").aggregate(
            money=bought.money.sum(), purchases=bought.count(where=bought.buys)
        )
    )


def _paths(weighed: ibis.Table) -> tuple[int, int]:
    """Purchases that two or more channels, and two or more inquiries, led to."""
    bought = weighed.filter(weighed.buys)
    named = bought.channel.fill_null("")
    each = bought.group_by("id").aggregate(channels=named.nunique(), touches=bought.count())
    row = engine.frame(
        each.aggregate(
            several=each.count(where=each.channels > 1), repeated=each.count(where=each.touches > 1)
        )
    )
    return int(row["several"].iloc[0]), int(row["repeated"].iloc[0])


def _decimal(value) -> Decimal:
    return Decimal(value or 0).quantize(CENT)


def _exact(shares: pd.Series, whole: Decimal) -> list[Decimal]:
    """Money in kopecks that adds up to `whole`: rounded down, the missing kopecks to the largest remainders."""
    kopecks = shares.to_numpy(float) * 100
    down = np.floor(kopecks + 1e-6)
    missing = int(whole * 100) - int(down.sum())
    order = np.argsort(-(kopecks - down), kind="stable")
    for place in range(abs(missing)):
        down[order[place % len(order)]] += 1 if missing > 0 else -1
    return [Decimal(int(value)) * CENT for value in down]


def worth(credit: Credit | None, spend: pd.Series) -> pd.DataFrame:
    """What each channel leaves after its spend by every rule: does its sign hang on the rule? Empty without credit.

    spend : Decimal per channel. Channels with spend only, dearest first.
    Returns index channel, columns spend, of each of MODELS the ROMI (DENOMINATOR: spend), low, high (over the rules),
    left (the money of the rule "last"), purchases, sign ("gain", "loss" or "depends").
    """
    table = credit.table if credit else pd.DataFrame()
    rows = {}
    for channel, cost in spend.items() if credit else ():
        if not isinstance(channel, str) or cost <= 0:
            continue
        known = channel in table.index
        money = [float(table.loc[channel, name]) if known else 0.0 for name in MODELS]
        romi = [value / float(cost) - 1 for value in money]
        low, high = min(romi), max(romi)
        sign = "gain" if low > 0 else "loss" if high <= 0 else "depends"
        count = int(table.loc[channel, "purchases"]) if known else 0
        rows[channel] = {"spend": cost, **dict(zip(MODELS, romi, strict=True)), "low": low, "high": high,
                         "left": money[MODELS.index("last")], "purchases": count, "sign": sign}  # fmt: skip
    columns = ["spend", *MODELS, "low", "high", "left", "purchases", "sign"]
    made = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("channel")
    return made.sort_index(kind="stable").sort_values("spend", ascending=False, kind="stable")


def marks(worth: pd.DataFrame, models: Sequence[str] = MODELS) -> pd.DataFrame:
    """The same, one row per channel and rule: channel, model, romi, low, high, purchases, sign."""
    long = worth.reset_index().melt(
        id_vars=["channel", "low", "high", "purchases", "sign"], value_vars=list(models), var_name="model",
        value_name="romi",
    )  # fmt: skip
    order = {name: place for place, name in enumerate(worth.index)}
    return long.assign(order=long["channel"].map(order)).sort_values(["order", "model"], ignore_index=True)
