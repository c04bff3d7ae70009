"""The payments walked once into purchases: one row per purchase, with its client, its inquiry and what it cost.

A deal with all its part payments and returns is one purchase; payments that name no known deal are one per client
and day. Nothing is left out: over all rows `amount` sums to the payments. Where no payments are exported, the money
that the CRM notes on won deals stands in for them, and `basis` says so.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from detente.audit import Audit

if TYPE_CHECKING:
    import ibis

COSTS = ("goods", "delivery", "service")
COLUMNS = (
    "client", "deal", "lead_id", "matched", "bought_at", "month", "gross", "returned", "amount", "vat", *COSTS,
    "margin", "margin_from", "order_no", "first_at", "cohort", "channel", "campaign", "segment", "product",
    "manager", "origin", "counted", "basis",
)  # fmt: skip
ON_JOURNEYS = (
    "client", "paid", "returned", "vat", "margin", *COSTS, "purchases", "first_paid_at", "invoiced", "returning",
)  # fmt: skip
MONEY = "decimal(18, 2)"


def with_client(journeys: ibis.Table, payments: ibis.Table | None) -> ibis.Table:
    """The inquiries with `client`: the person, else who paid for the deal, else the inquiry itself."""
    import ibis

    if payments is None:
        return journeys.mutate(client=ibis.coalesce(journeys["person"], journeys["lead_id"]))
    named = payments.filter(payments["lead_id"].notnull() & payments["person"].notnull())
    payer = named.group_by(_of="lead_id").aggregate(_payer=named["person"].min())
    found = journeys.left_join(payer, journeys["lead_id"] == payer["_of"])
    client = ibis.coalesce(found["person"], found["_payer"], found["lead_id"])
    return found.mutate(client=client).drop("_of", "_payer")


def purchases(
    journeys: ibis.Table, payments: ibis.Table | None, costs: ibis.Table | None, audit: Audit
) -> ibis.Table:
    """One row per purchase, COLUMNS.

    journeys : all inquiries, with `client`; payments : signed, with `vat`; costs : with `kind` and `vat`.
    """
    received = _noted(journeys, audit) if payments is None else _received(payments, journeys)
    table = _costed(_bought(received), costs)
    table = _placed(table, journeys)
    table = _margins(table, audit)
    return _ordered(table).select(*COLUMNS)


# --- money as it came ---
def _received(payments: ibis.Table, journeys: ibis.Table) -> ibis.Table:
    """Each payment with the known deal that it names, and whose money it is."""
    import ibis

    deals = journeys.select(_deal="lead_id", _owner="client")
    found = payments.left_join(deals, payments["lead_id"] == deals["_deal"])
    return found.select(
        deal=found["_deal"],
        client=ibis.coalesce(found["_owner"], found["person"]),
        at=found["paid_at"],
        amount=found["amount"],
        vat=found["vat"],
        product=found["product"],
        place=found["file"] + ibis.literal(" ") + found["row"].cast("string"),
        basis=ibis.literal("payments"),
    )


def _noted(journeys: ibis.Table, audit: Audit) -> ibis.Table:
    """Money that the CRM notes on won deals: what was paid, where a field says it, else the deal's amount."""
    import ibis

    basis = "paid_field" if audit.fields.paid else "won"
    amount = journeys["field_paid"].cast(MONEY) if audit.fields.paid else journeys["amount"]
    won = journeys.mutate(_amount=amount).filter(journeys["outcome"] == "won")
    won = won.filter(won["_amount"] > 0)
    return won.select(
        deal="lead_id",
        client="client",
        at=ibis.coalesce(won["closed_at"], won["created_at"]),
        amount="_amount",
        vat=ibis.literal(0).cast(MONEY),
        product=ibis.null("string"),
        place=ibis.null("string"),
        basis=ibis.literal(basis),
    )


def _bought(received: ibis.Table) -> ibis.Table:
    """Part payments and returns put together: by deal, else by client and day; unknown money row by row."""
    import ibis

    day = received["at"].date().cast("string")
    key = ibis.coalesce(received["deal"], received["client"] + ibis.literal(" ") + day, received["place"])
    table = received.mutate(_key=key)
    inward = table["amount"] > 0
    grouped = table.group_by("_key", "deal", "client", "basis").aggregate(
        bought_at=ibis.coalesce(table["at"].min(where=inward), table["at"].min()),
        gross=table["amount"].sum(where=inward).fill_null(0),
        returned=(-table["amount"]).sum(where=table["amount"] < 0).fill_null(0),
        amount=table["amount"].sum(),
        vat=table["vat"].sum(),
        product=table["product"].min(),
    )
    return grouped.mutate(
        **{name: grouped[name].cast(MONEY) for name in ("gross", "returned", "amount", "vat")}
    )


# --- costs and places ---
def _costed(table: ibis.Table, costs: ibis.Table | None) -> ibis.Table:
    """Costs that name the deal, without VAT; NULL where none does."""
    import ibis

    if costs is None:
        return table.mutate(**{name: ibis.null(MONEY) for name in COSTS})
    tied = costs.filter(costs["lead_id"].notnull())
    net = tied["amount"] - tied["vat"]
    sums = {name: net.sum(where=tied["kind"] == name).cast(MONEY) for name in COSTS}
    tied = tied.group_by(_of="lead_id").aggregate(**sums)
    found = table.left_join(tied, table["deal"] == tied["_of"])
    return found.select(*table.columns, *COSTS)


def _placed(table: ibis.Table, journeys: ibis.Table) -> ibis.Table:
    """The inquiry of each purchase and what is known of it, and the channel that the client came by first."""
    import ibis

    known = journeys.mutate(_client=journeys["client"])
    won = known["outcome"] == "won"
    order = [won.ifelse(0, 1), known["created_at"], known["lead_id"]]
    first = ibis.row_number().over(ibis.window(group_by=known["_client"], order_by=order))
    came = ibis.row_number().over(ibis.window(group_by=known["_client"], order_by=order[1:]))
    known = known.mutate(_first=first, _came=came)
    acquired = known.filter(known["_first"] == 0).select(_of="_client", _acquired="lead_id")
    origin = known.filter(known["_came"] == 0).select(_of="_client", origin="channel")
    table = table.left_join(acquired, table["client"] == acquired["_of"]).drop("_of")
    table = table.left_join(origin, table["client"] == origin["_of"]).drop("_of")
    table = table.mutate(lead_id=ibis.coalesce(table["deal"], table["_acquired"]))
    matched = ibis.cases((table["deal"].notnull(), "deal"), (table["lead_id"].notnull(), "client"))
    facts = journeys.select(
        "channel", "campaign", "segment", "manager", "counted", _lead="lead_id", _product="product"
    )
    found = table.mutate(matched=matched)
    found = found.left_join(facts, found["lead_id"] == facts["_lead"])
    return found.mutate(
        product=ibis.coalesce(found["product"], found["_product"]), counted=found["counted"].fill_null(False)
    )


def _margins(table: ibis.Table, audit: Audit) -> ibis.Table:
    """What is left of each purchase: by its own costs, else by the margin that audit.yml states."""
    import ibis

    terms = audit.economics
    net = table["amount"] - table["vat"]
    own = net - reduce(add, (table[name].fill_null(0) for name in COSTS))
    rates = [(table["segment"] == name, ibis.literal(rate)) for name, rate in terms.margins.items()]
    usual = ibis.literal(terms.margin) if terms.margin is not None else ibis.null("float64")
    rate = ibis.cases(*rates, else_=usual) if rates else usual
    served = table["delivery"].notnull() | table["service"].notnull()
    share = net.cast("float64") * ibis.literal(terms.delivery or 0.0)
    paid = (table["delivery"].fill_null(0) + table["service"].fill_null(0)).cast("float64")
    stated = (net.cast("float64") * rate - ibis.ifelse(served, paid, share)).round(2).cast(MONEY)
    costed = table["goods"].notnull()
    source = ibis.cases((costed, "costs"), (stated.notnull(), "stated"))
    return table.mutate(margin=ibis.ifelse(costed, own, stated).cast(MONEY), margin_from=source)


def _ordered(table: ibis.Table) -> ibis.Table:
    """The client's first purchase, and which of his purchases in time each one is."""
    import ibis

    counts = (table["gross"] > 0) & table["client"].notnull()
    table = table.mutate(month=table["bought_at"].strftime("%Y-%m"), _counts=counts)
    known = table["client"].notnull()
    whole = ibis.window(group_by=table["client"])
    first = table["bought_at"].min(where=table["_counts"]).over(whole)
    running = ibis.window(
        group_by=[table["client"], table["_counts"]], order_by=[table["bought_at"], table["_key"]]
    )
    table = table.mutate(
        first_at=ibis.ifelse(
            known, ibis.coalesce(first, table["bought_at"].min().over(whole)), ibis.null("timestamp(6)")
        ),
        order_no=ibis.ifelse(table["_counts"], ibis.row_number().over(running) + 1, ibis.null("int64")),
    )
    return table.mutate(cohort=table["first_at"].strftime("%Y-%m"))


# --- back on the inquiries ---
def on_journeys(journeys: ibis.Table, bought: ibis.Table, invoices: ibis.Table | None) -> ibis.Table:
    """The inquiries, which have `client`, with the rest of ON_JOURNEYS: their money, and who had bought before."""

    of = bought.filter(bought["lead_id"].notnull())
    sums: dict[str, Any] = {name: of[name].sum() for name in ("returned", "vat", "margin", *COSTS)}
    paid = of.group_by(_of="lead_id").aggregate(
        paid=of["gross"].sum(), purchases=of.count(where=of["gross"] > 0),
        first_paid_at=of["bought_at"].min(where=of["gross"] > 0), **sums,
    )  # fmt: skip
    columns = list(journeys.columns)
    table = journeys.left_join(paid, journeys["lead_id"] == paid["_of"]).drop("_of")
    table = _invoiced(table, invoices)
    table = _returning(table, bought)
    nothing = {name: table[name].fill_null(0).cast(MONEY) for name in ("paid", "returned", "vat")}
    costs = {name: table[name].cast(MONEY) for name in ("margin", *COSTS)}
    table = table.mutate(**nothing, **costs, purchases=table["purchases"].fill_null(0))
    return table.select(*columns, *(name for name in ON_JOURNEYS if name not in columns))


def _invoiced(table: ibis.Table, invoices: ibis.Table | None) -> ibis.Table:
    import ibis

    if invoices is None:
        return table.mutate(invoiced=ibis.null(MONEY))
    named = invoices.filter(invoices["lead_id"].notnull())
    sums = named.group_by(_of="lead_id").aggregate(invoiced=named["amount"].sum())
    found = table.left_join(sums, table["lead_id"] == sums["_of"]).drop("_of")
    return found.mutate(invoiced=found["invoiced"].fill_null(0).cast(MONEY))


def _returning(table: ibis.Table, bought: ibis.Table) -> ibis.Table:
    """Whether the client had paid, or won a deal, before this inquiry came.

    Exports know many a closing by its day alone, or earlier than the inquiry: its own deal is never an earlier one.
    """
    born = table.select(_deal="lead_id", _born="created_at")
    inward = bought.filter((bought["gross"] > 0) & bought["client"].notnull())
    inward = inward.left_join(born, inward["deal"] == born["_deal"])
    paid = inward.group_by(_of="client").aggregate(
        _paid=_not_before(inward["bought_at"], inward["_born"]).min()
    )
    won = table.filter((table["outcome"] == "won") & table["closed_at"].notnull())
    won = won.group_by(_of="client").aggregate(_won=_not_before(won["closed_at"], won["created_at"]).min())
    table = table.left_join(paid, table["client"] == paid["_of"]).drop("_of")
    table = table.left_join(won, table["client"] == won["_of"]).drop("_of")
    before = [(table[name] < table["created_at"]).fill_null(False) for name in ("_paid", "_won")]
    return table.mutate(returning=before[0] | before[1])


def _not_before(at: ibis.Value, born: ibis.Value) -> ibis.Value:
    """The moment, but not before the inquiry was created."""
    return (at < born).fill_null(False).ifelse(born, at)
