"""What the advertising of a period brought, per channel: revenue, costs, and the part of clients it already had.

Cohort by the day of the inquiry, all money to date. Sums are exact: over channels and places they equal the
payments and the spend to the kopeck.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detente import engine, schema

if TYPE_CHECKING:
    import ibis

    from detente.terms import Economics

ENOUGH = 0.5  # with known costs for less of the revenue than this, the costs of the rest are not reckoned
SQUARES = ("net_net", "left_left", "left_bare", "bare_bare")
COSTS = ("goods", "delivery", "service", "assumed")
RECKONED = (*COSTS, "contribution")
OWN = ("new", "first")  # of what counts: contribution, or net where no costs are known
MONEY = ("gross", "returned", "vat", "net", *RECKONED, *OWN, "contract", "spend", "spend_vat")
PLACES = ("ads", "free", "unstated", "earlier", "nobody")
ZERO = Decimal(0)


@dataclass(frozen=True)
class AdMoney:
    """The money of the inquiries of a period.

    channels : one row per channel that cost money (index channel; NaN: spend that names none), columns leads
               (counted), purchases, gross, returned, vat (inside what is left), net = gross - returned - vat, goods,
               delivery, service, assumed (costs not exported, in proportion to the known), contribution = net less
               these; of the contribution (of net where not `costed`) new: all purchases, first and repeated, of
               clients who had not bought when an inquiry of theirs came by a channel that cost money, and first:
               the first purchases among these; contract (amounts of won deals), spend (without its VAT where that
               is known), spend_vat, squares (sum over inquiries of their contribution squared, of net where not
               costed), known (share of gross whose costs are known). Money is Decimal; costs and the contribution
               are 0 unless `costed`.
    places   : where all purchases belong: ads, free (channel without spend), unstated (no channel), earlier (an
               inquiry outside the period), nobody; columns purchases, gross, returned, amount, contract.
    basis    : what the purchases are made of. known : share of the gross revenue of `channels` with known costs.
    costed   : known >= ENOUGH. missing : the table that is not there ("spend", "purchases", "both"), else "".
    """

    basis: str
    channels: pd.DataFrame
    places: pd.DataFrame
    known: float
    costed: bool
    missing: str = ""

    def total(self, name: str) -> Decimal:
        """A column of money summed over the channels that cost money."""
        return _sum(self.channels[name])

    @property
    def paid(self) -> list[str]:
        """The channels that cost money, by name."""
        found = self.channels[[cost > 0 for cost in self.channels["spend"]]]
        return [str(name) for name in found.index.dropna()]

    @property
    def exported(self) -> Decimal:
        """The spend with its VAT, as the advertising systems have it."""
        return self.total("spend") + self.total("spend_vat")

    def everything(self, name: str = "gross") -> Decimal:
        """The money ("gross", or "contract") of the inquiries of all channels, advertised or not."""
        money = _sum(self.places[name])
        return money - _sum(self.places.loc[["earlier", "nobody"], name]) if name == "gross" else money

    def company(self, name: str = "gross") -> float:
        """ROMI with the money of all channels, as is often boasted. DENOMINATOR: spend as exported; NaN without."""
        return float(self.everything(name) / self.exported) - 1 if self.exported > 0 else np.nan

    @property
    def counts(self) -> str:
        """What advertising can be judged by: "margin", or "net" revenue where no costs are known."""
        return "margin" if self.costed else "net"

    @property
    def new_share(self) -> float | None:
        """Part that new clients brought (0..1). DENOMINATOR: contribution; net revenue where no costs are known."""
        whole = self.total("contribution" if self.costed else "net")
        return min(max(float(self.total("new") / whole), 0.0), 1.0) if whole > 0 else None

    @property
    def rate(self) -> float | None:
        """Contribution / net revenue; None where no costs are known. A purchase without costs counts as this."""
        net = self.total("net")
        return float(self.total("contribution") / net) if self.costed and net else None


def of(
    purchases: ibis.Table | None,
    inquiries: ibis.Table,
    spend: ibis.Table | None,
    economics: Economics | None = None,
) -> AdMoney:
    """The money of the advertising of a period; empty, with what is `missing`, without purchases or spend.

    purchases : as intake makes them, of all times. inquiries : all of the period, counted or not: what came by a
    repeated inquiry is money too. spend : of the period. economics : what the audit states of costs.
    """
    if purchases is None or spend is None:
        lacks = "both" if purchases is None and spend is None else "spend" if spend is None else "purchases"
        return AdMoney("", _no_channels(), _no_places(), 0.0, False, lacks)
    spent, leads = _spent(spend), _leads(inquiries)
    costs = zip(spent.index, spent["spend"], strict=True)
    paid = {name for name, cost in costs if isinstance(name, str) and cost > 0}
    cells = _cells(purchases, inquiries, paid)
    cells["place"] = _place(cells, paid)
    ours = cells[cells["place"] == "ads"]
    gross = float(_sum(ours["gross"]))
    known = float(_sum(ours["known_gross"])) / gross if gross else 0.0
    made = _costs(ours, economics) if known >= ENOUGH else _bare(ours)
    channels, places = _channels(made, leads, spent), _places(cells, leads, paid)
    return AdMoney(_basis(purchases), channels, places, known, known >= ENOUGH)


def _no_channels() -> pd.DataFrame:
    columns = ["leads", "purchases", *MONEY, "squares", "known"]
    return pd.DataFrame(columns=columns, index=pd.Index([], name="channel", dtype="str"))


def _no_places() -> pd.DataFrame:
    nothing = dict.fromkeys(("gross", "returned", "amount", "contract"), ZERO)
    return pd.DataFrame([{"purchases": 0} | nothing for _ in PLACES], index=pd.Index(PLACES, name="place"))


def spend_by_month(spend: ibis.Table | None) -> pd.Series:
    """Spend without its VAT by the month in which a row of it begins (index YYYY-MM), Decimal; empty without spend."""
    if spend is None:
        return pd.Series(dtype=object)
    cost, vat = _cost(spend)
    month = spend.date_from.cast("timestamp").strftime("%Y-%m")
    table = engine.frame(spend.group_by(month=month).aggregate(spend=(cost - vat).sum())).dropna()
    return table.set_index("month")["spend"].sort_index()


def _cost(spend: ibis.Table) -> tuple[ibis.Value, ibis.Value]:
    """Cost as exported, and the VAT in it."""
    cost = spend["cost"].cast("decimal(18,2)")
    return cost, spend["vat"].cast("decimal(18,2)").fill_null(0) if "vat" in spend.columns else cost - cost


def _spent(spend: ibis.Table) -> pd.DataFrame:
    """Spend without its VAT, and that VAT, per channel. Raises schema.DataError for several currencies."""
    if "currency" in spend.columns:
        found = engine.frame(spend.filter(spend.currency.notnull()).select("currency").distinct())
        if len(found) > 1:
            names = ", ".join(sorted(found["currency"]))
            raise schema.DataError(
                f"spend is in several currencies ({names})", column="currency", fix="Convert it first."
            )
    cost, vat = _cost(spend)
    grouped = spend.group_by(channel=spend.channel.cast("string"))
    table = engine.frame(grouped.aggregate(spend=(cost - vat).sum(), spend_vat=vat.sum())).set_index(
        "channel"
    )
    return table.sort_index(kind="stable", na_position="last")


def _cells(purchases: ibis.Table, inquiries: ibis.Table, paid: set[str]) -> pd.DataFrame:
    """Money per channel of the inquiry, whether it is of the period, and whose: new or old (which purchase too)."""
    import ibis

    fresh = ~inquiries.returning.fill_null(False)
    known = inquiries.select(owner="lead_id", fresh=fresh, inside=True)
    bought = purchases.left_join(known, purchases.lead_id == known.owner)
    # whom advertising won comes again by whatever inquiry: that one finds him a client already
    ours = inquiries.filter(fresh & inquiries.channel.cast("string").isin(sorted(paid)))
    ours = ours.filter(ours.client.notnull()).select(_won="client").distinct()
    bought = bought.left_join(ours, bought.client == ours._won)
    zero = ibis.literal(0).cast("decimal(18,2)")
    bought = bought.mutate(
        net=bought.amount - bought.vat.fill_null(zero), has=bought.margin.notnull(),
        stated=bought.margin.notnull() & (bought.margin_from == "stated").fill_null(False),
        served=bought.delivery.fill_null(zero) + bought.service.fill_null(zero),
        new=bought.fresh.fill_null(False) | bought._won.notnull(), once=(bought.order_no == 1).fill_null(False),
        place=bought.channel.cast("string"), within=bought.inside.fill_null(False), named=bought.lead_id.notnull(),
    )  # fmt: skip
    squares = _squares(bought, zero)
    grouped = bought.group_by("place", "within", "named", "new", "once")
    table = engine.frame(
        grouped.aggregate(purchases=bought.count(where=bought.gross > 0), **_sums(bought, zero))
    )
    table = table.merge(squares, on=["place", "within", "named"], how="left")
    once = ~table.duplicated(["place", "within", "named"])  # of a channel, in its first row
    table = table.assign(**{name: table[name].where(once, 0.0) for name in SQUARES})
    table = table.rename(columns={"place": "channel", "within": "inside"})
    return table.sort_values(["channel", "inside", "new", "once", "named"], ignore_index=True)


def _squares(bought: ibis.Table, zero: ibis.Value) -> pd.DataFrame:
    """Sums over inquiries of products of what each brought: net x net, its known margin, and net without costs."""
    per_lead = bought.group_by("place", "within", "named", "lead_id").aggregate(
        net=bought.net.sum(), left=bought.margin.sum(where=bought.has).fill_null(zero),
        bare=bought.net.sum(where=~bought.has).fill_null(zero),
    )  # fmt: skip
    one = {name: per_lead[name].cast("float64") for name in ("net", "left", "bare")}
    products = zip(
        SQUARES, (("net", "net"), ("left", "left"), ("left", "bare"), ("bare", "bare")), strict=True
    )
    sums = {name: (one[a] * one[b]).sum() for name, (a, b) in products}
    return engine.frame(per_lead.group_by("place", "within", "named").aggregate(**sums))


def _sums(bought: ibis.Table, zero: ibis.Value) -> dict[str, ibis.Value]:
    """Money of each kind; a stated margin holds delivery of its own only where no cost of delivery is known."""
    plain = bought.stated & bought.delivery.isnull() & bought.service.isnull()
    sums = {name: bought[name].sum() for name in ("gross", "returned", "amount", "vat", "net")}
    sums["goods"] = bought.goods.fill_null(zero).sum(where=bought.has & ~bought.stated)
    sums |= {name: bought[name].fill_null(zero).sum(where=bought.has) for name in ("delivery", "service")}
    sums |= {"margin": bought.margin.sum(where=bought.has), "known_net": bought.net.sum(where=bought.has)}
    sums["known_gross"] = bought.gross.sum(where=bought.has)
    taken = bought.net - bought.margin - bought.served
    sums |= {"stated_taken": taken.sum(where=bought.stated), "plain_net": bought.net.sum(where=plain)}
    return {name: value.fill_null(zero).cast("decimal(38,2)") for name, value in sums.items()}


def _leads(inquiries: ibis.Table) -> pd.DataFrame:
    """Counted inquiries, and the amounts of won deals, per channel."""
    won = inquiries.outcome == "won"
    grouped = inquiries.group_by(channel=inquiries.channel.cast("string"))
    contract = inquiries.amount.cast("decimal(18,2)").sum(where=won)
    counted = inquiries.count(where=inquiries.counted)
    return engine.frame(grouped.aggregate(leads=counted, contract=contract)).set_index("channel")


def _basis(purchases: ibis.Table) -> str:
    found = engine.frame(purchases.select("basis").distinct())["basis"].dropna()
    return str(found.min()) if len(found) else "payments"


def _place(cells: pd.DataFrame, paid: set[str]) -> np.ndarray:
    return np.select(
        [~cells["named"], ~cells["inside"], cells["channel"].isna(), cells["channel"].isin(paid)],
        ["nobody", "earlier", "unstated", "ads"],
        "free",
    )


def _places(cells: pd.DataFrame, leads: pd.DataFrame, paid: set[str]) -> pd.DataFrame:
    named = leads.index.notna()
    where = {"ads": leads.index.isin(paid), "free": named & ~leads.index.isin(paid), "unstated": ~named}
    rows = {}
    for name in PLACES:
        part = cells[cells["place"] == name]
        rows[name] = {"purchases": int(part["purchases"].sum())}
        rows[name] |= {item: _sum(part[item]) for item in ("gross", "returned", "amount")}
        rows[name]["contract"] = _sum(leads.loc[where[name], "contract"]) if name in where else ZERO
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("place")


def _costs(ours: pd.DataFrame, economics: Economics | None) -> pd.DataFrame:
    """Costs per cell so that net - goods - delivery - service - assumed = contribution, to the kopeck.

    A stated margin is split: delivery at its stated share, all else is goods. Revenue without costs of its own
    takes those of the rest, in proportion.
    """
    share = Decimal(str(economics.delivery or 0)) if economics else ZERO
    known, margin = _sum(ours["known_net"]), _sum(ours["margin"])
    rate = (known - margin) / known if known else ZERO
    kept, made = 1 - float(rate), []
    for row in ours.to_dict("records"):
        taken = row["stated_taken"]
        sent = min(_kopecks(row["plain_net"] * share), taken) if taken > 0 else ZERO
        row["goods"] += taken - sent
        row["delivery"] += sent
        row["assumed"] = _kopecks((row["net"] - row["known_net"]) * rate)
        row["contribution"] = row["net"] - sum((row[name] for name in COSTS), ZERO)
        row["squares"] = row["left_left"] + 2 * kept * row["left_bare"] + kept**2 * row["bare_bare"]
        made.append(row)
    return _whose(
        pd.DataFrame(made, columns=[*ours.columns, "assumed", "contribution", "squares"]), "contribution"
    )


def _bare(ours: pd.DataFrame) -> pd.DataFrame:
    """Without known costs: revenue only."""
    return _whose(ours.assign(**dict.fromkeys(RECKONED, ZERO), squares=ours["net_net"]), "net")


def _whose(made: pd.DataFrame, counts: str) -> pd.DataFrame:
    """What new clients brought, and what they did with their first purchase."""
    flags = zip(made[counts], made["new"], made["once"], strict=True)
    new = [(money if mine else ZERO, money if mine and once else ZERO) for money, mine, once in flags]
    return made.assign(**{name: [pair[place] for pair in new] for place, name in enumerate(OWN)})


def _channels(made: pd.DataFrame, leads: pd.DataFrame, spent: pd.DataFrame) -> pd.DataFrame:
    """One row per channel that cost money, by name; spend without a channel last. Nothing is lost of the spend."""
    names = ("gross", "returned", "vat", "net", *RECKONED, *OWN)
    rows = []
    for channel, cost, vat in spent.itertuples():
        if not cost:
            continue  # it is named in the export of spend, and cost nothing
        part = made[made["channel"] == channel]
        gross = _sum(part["gross"])
        rows.append({
            "channel": channel, "leads": int(leads["leads"].get(channel, 0)) if isinstance(channel, str) else 0,
            "purchases": int(part["purchases"].sum()), **{name: _sum(part[name]) for name in names},
            "contract": _sum(leads.loc[leads.index == channel, "contract"]), "spend": cost, "spend_vat": vat,
            "squares": float(part["squares"].sum()),
            "known": float(_sum(part["known_gross"]) / gross) if gross else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("channel") if rows else _no_channels()


def _sum(values: pd.Series) -> Decimal:
    """Exact; what is undefined counts nothing."""
    return sum((value for value in values if isinstance(value, Decimal)), ZERO)


def _kopecks(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)
