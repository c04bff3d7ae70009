"""The totals of a company over one period: what a claimed number is held against, equal to the sources."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from detente import engine

if TYPE_CHECKING:
    import ibis

    from detente.audit import Economics

EPOCH = dt.date(1970, 1, 1).toordinal()
YEAR = 365.25
HORIZONS = (3, 6, 12)  # months that cohorts are told at


def gather(
    journeys: ibis.Table, purchases: ibis.Table | None, spend: ibis.Table | None, economics: Economics,
    since: dt.date, until: dt.date, ads: Any = None, costs: ibis.Table | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The totals of the inquiries of a period, named as the fields of `claims.Facts`; sums equal the sources.

    journeys : the counted inquiries of the period, with a verdict where target leads shall be known. spend : of the
    period. ads : the money of the channels that cost money (`ad_money.of`), None: what belongs to them is not known.
    costs : of the company. Money sums are Decimal. What no export holds is None. staff : the costs of kind marketing
    and sales in the months of the period; where none are exported, what the audit states per month, by their days.
    """
    sums = _row(journeys.aggregate(**_of_journeys(journeys)))
    ads = None if getattr(ads, "missing", None) else ads
    if ads is not None:
        own = journeys.filter(journeys.channel.isin(ads.paid))
        sums |= _row(own.aggregate(**_heads(own, "ad_")))
    if purchases is not None:
        sums |= _row(purchases.aggregate(**_of_purchases(purchases, since, until)))
    if spend is not None:
        vat = {"spend_vat": spend["vat"].sum()} if "vat" in spend.columns else {}
        sums |= _row(spend.aggregate(spend=spend["cost"].sum(), **vat))
    staff = None if costs is None else _row(_hired(costs, since, until))["staff"]
    if staff is None and economics.staff:
        staff = sum(economics.staff.values()) * months(since, until)
    return {
        **{name: sums.get(name) for name in DIRECT}, **_clients(sums), **_of_ads(ads), "staff": staff,
        "incremental": economics.incremental, "years": economics.horizon_months / 12,
    }  # fmt: skip


HIRED = ("marketing", "sales")
DIRECT = (
    "spend", "spend_vat", "all_gross", "all_contract", "all_field_paid", "received", "leads", "target", "won", "paying",
    "new", "ad_leads", "ad_target", "ad_won", "ad_paying", "ad_new",
)  # fmt: skip


def _row(table: ibis.Table) -> dict[str, Any]:
    """The one row of a table of sums; what is undefined is None."""
    found = engine.frame(table).iloc[0].to_dict()
    return {name: None if value is None or value != value else value for name, value in found.items()}


def _hired(costs: ibis.Table, since: dt.date, until: dt.date) -> ibis.Table:
    """Costs of the people and tools that win clients, without their VAT. Advertising is told by `spend` already."""
    month = costs.period.cast("string").substr(0, 7)
    own = costs.filter(costs.kind.isin(HIRED) & (month >= f"{since:%Y-%m}") & (month <= f"{until:%Y-%m}"))
    money = own.amount - own.vat.fill_null(0) if "vat" in costs.columns else own.amount
    return own.aggregate(staff=money.sum())


def months(since: dt.date, until: dt.date) -> float:
    """The months from one day to another, both included: each by the part of its days.

    >>> months(dt.date(2026, 1, 1), dt.date(2026, 2, 14))
    1.5
    """
    first, last = since.year * 12 + since.month - 1, until.year * 12 + until.month - 1
    found = 0.0
    for place in range(first, last + 1):
        days = calendar.monthrange(place // 12, place % 12 + 1)[1]
        begin = since.day if place == first else 1
        end = until.day if place == last else days
        found += (end - begin + 1) / days
    return found


def _heads(journeys: ibis.Table, prefix: str = "") -> dict[str, ibis.Value]:
    """Inquiries, target ones, won ones, clients who paid, and those of them who had not bought before."""
    found = {"leads": journeys.count(), "won": journeys.count(where=journeys.outcome == "won")}
    if "verdict" in journeys.columns:
        found["target"] = journeys.count(where=journeys.verdict == "target")
    if "paid" in journeys.columns:
        paid, fresh = journeys.paid > 0, ~journeys.returning.fill_null(False)
        found["paying"] = journeys.client.nunique(where=paid)
        found["new"] = journeys.client.nunique(where=paid & fresh)
    return {f"{prefix}{name}": value for name, value in found.items()}


def _of_journeys(journeys: ibis.Table) -> dict[str, ibis.Value]:
    won, columns = journeys.outcome == "won", set(journeys.columns)
    found = _heads(journeys) | {"all_contract": journeys.amount.sum(where=won)}
    if "field_paid" in columns:
        found["all_field_paid"] = journeys.field_paid.sum(where=won)
    if "paid" not in columns:
        return found
    return found | {"all_gross": journeys.paid.sum()}


def _of_purchases(purchases: ibis.Table, since: dt.date, until: dt.date) -> dict[str, ibis.Value]:
    day = purchases.bought_at.date()
    inside, bought = (day >= since) & (day <= until), (purchases.gross > 0) & purchases.client.notnull()
    age = until.toordinal() + 1 - EPOCH - purchases.first_at.epoch_seconds().cast("float64") / 86400
    first, by_then = bought & (purchases.order_no == 1), bought & (day <= until)
    return {
        "received": purchases.gross.sum(where=inside), "new": purchases.client.nunique(where=first & inside),
        "bought": purchases.amount.sum(where=by_then), "purchased": purchases.count(where=by_then),
        "clients": purchases.client.nunique(where=by_then), "watched": age.sum(where=first & by_then),
        "margin": purchases.margin.sum(where=by_then),
        "priced": purchases.amount.sum(where=by_then & purchases.margin.notnull()),
        "basis": purchases.basis.max(),
    }  # fmt: skip


def _of_ads(ads: Any) -> dict[str, Any]:
    """The ladder of the channels that cost money. Costs reckoned in proportion to the known ones count as goods."""
    if ads is None:
        return {}
    found = {name: ads.total(name) for name in ("gross", "returned", "vat", "contract")}
    found |= {"basis": ads.basis, "new_share": ads.new_share}
    if not ads.costed:
        return found
    return found | {
        "goods": ads.total("goods") + ads.total("assumed"), "delivery": ads.total("delivery") + ads.total("service"),
        "covered": ads.known,
    }  # fmt: skip


def _clients(sums: dict[str, Any]) -> dict[str, Any]:
    """Margin and averages per client. DENOMINATORS: what clients paid for purchases with a known margin, after
    returns, VAT included; purchases; clients; years."""
    priced, margin = sums.get("priced"), sums.get("margin")
    found = {
        "margin": float(margin / priced) if priced and priced > 0 and margin is not None else None,
        "basis": sums.get("basis") or "won",
    }  # fmt: skip
    clients, purchased = sums.get("clients"), sums.get("purchased")
    if not clients:
        return found
    watched = sums["watched"] / YEAR
    return found | {
        "check": float(sums["bought"]) / purchased, "orders": purchased / clients,
        "orders_year": purchased / watched if watched > 0 else None,
    }  # fmt: skip


# --- the clients ---
def with_clients(
    facts: Any, base: Any = None, revenue: pd.DataFrame | None = None, margin: pd.DataFrame | None = None,
    cost: Any = None, life: float | None = None,
) -> Any:  # fmt: skip
    """`claims.Facts` with the client base of one span, what cohorts really paid, and what a new client cost.

    base : an object with start, lost, new, revenue (a snapshot of the base). revenue, margin : per client by age in
    months (index; columns value and, where thin ages are marked, enough): age k holds what came within k + 1 months.
    cost : an object with status, spend (without VAT), staff, new; taken where its status is "ok".
    """
    if base is not None:
        facts = replace(facts, start=base.start, lost=base.lost, came=base.new, revenue=base.revenue)
        facts = facts if facts.margin is not None else replace(facts, margin=getattr(base, "margin", None))
    if cost is not None and cost.status == "ok":
        facts = replace(facts, **_cost(facts, cost.spend), staff=cost.staff or None, new=cost.new)
    known, earned = ({} if ages is None else _by_month(ages) for ages in (revenue, margin))
    cohorts = tuple((months, known[months], earned.get(months)) for months in HORIZONS if months in known)
    return replace(facts, cohorts=cohorts, life=life)


def _cost(facts: Any, net: Any) -> dict[str, Any]:
    """Spend without VAT, with the VAT that the spend of the facts holds per unit of it."""
    vat, exported = float(facts.spend_vat or 0), float(facts.spend or 0)
    if not 0 < vat < exported:
        return {"spend": net, "spend_vat": None}
    tax = float(net) * vat / (exported - vat)
    return {"spend": float(net) + tax, "spend_vat": tax}


def _by_month(ages: pd.DataFrame) -> dict[int, float]:
    kept = ages[ages["enough"].astype(bool)] if "enough" in ages else ages
    return {int(age) + 1: float(value) for age, value in kept["value"].items()}
