"""The reverse metric: which definition, and which costs left out, turn a company's totals into the number it claims.

`romi`, `ltv` and `cac` list every definition that the totals allow with its value and its distance to the claim.
Ambiguity is normal: several definitions may give the same number, and the data cannot tell which was meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import pandas as pd

TOLERANCE = 0.02  # of the claim: rounding in talk is coarser than the digits that were said (our choice)
# Revenue -> unusual choices in it: of the channels that cost money, and of everything that was sold.
OWN = {"gross": 0, "net": 1, "contract": 1, "field_paid": 1}
WHOLE = {"all_gross": 1, "all_contract": 2, "all_field_paid": 2, "received": 2}
STEPS = ("vat", "goods", "delivery")  # down the ladder, between the money kept and the advertising
FORMULAS = dict.fromkeys(("arpu", "matched", "life", "orders", "years"), 1)
FORMULAS |= {"seed": 0, "posted": 2, "truncated": 2}
HEADS = {"new": 0, "paying": 0, "won": 1, "target": 2, "leads": 2}
DIVISORS = {f"ad_{name}": choices for name, choices in HEADS.items()} | HEADS
FORMS = {"net": 0, "ratio": 1, "twice": 2}
Money = Decimal | float | None


@dataclass(frozen=True)
class Facts:
    """A company's own totals of one period. Money, unless said otherwise; None: the exports do not hold it.

    spend, spend_vat, staff    advertising as exported, the VAT in it, salaries with agencies and tools
    gross, returned            payments for inquiries of channels that cost money, and what went back of them
    contract                   amounts of the won deals of these channels, as the CRM has them
    vat, goods, delivery       in gross - returned: VAT, cost of goods, delivery and service
    all_gross, all_contract, all_field_paid    payments, won amounts and money noted by the CRM: all channels
    received                   all money in of the period, whoever paid, for inquiries of any time
    new_share                  part of what advertised channels left (contribution; net revenue where no costs are
                               known) that clients brought, by their first purchase and later ones, who had not
                               bought when an inquiry of theirs came by such a channel (0..1)
    incremental                part that a test has shown to come from advertising (0..1)
    leads, target, won, paying, new    counts; paying: clients; new: clients who had not bought before
    ad_leads .. ad_new         the same of the channels that cost money
    start, lost, came, revenue the client base over one span: clients at its start, lost and won in it, revenue
    life                       spans that a client stays on average, as observed
    margin                     what is left after VAT, goods, delivery, service, per unit of what clients paid
                               (after returns, VAT included: as revenue and check are told) (0..1)
    check, orders, orders_year, years    average check, purchases per client so far and per year, years ahead
    cohorts                    (months, revenue per client, margin per client or None) of cohorts by then
    basis                      what gross rests on: payments, or the CRM alone (paid_field, won amounts)
    covered                    part of gross - returned - vat whose costs are known (0..1)
    """

    spend: Money = None
    spend_vat: Money = None
    staff: Money = None
    gross: Money = None
    returned: Money = None
    contract: Money = None
    vat: Money = None
    goods: Money = None
    delivery: Money = None
    all_gross: Money = None
    all_contract: Money = None
    all_field_paid: Money = None
    received: Money = None
    new_share: float | None = None
    incremental: float | None = None
    leads: int | None = None
    target: int | None = None
    won: int | None = None
    paying: int | None = None
    new: int | None = None
    ad_leads: int | None = None
    ad_target: int | None = None
    ad_won: int | None = None
    ad_paying: int | None = None
    ad_new: int | None = None
    start: float | None = None
    lost: float | None = None
    came: float | None = None
    revenue: Money = None
    life: float | None = None
    margin: float | None = None
    check: Money = None
    orders: float | None = None
    orders_year: float | None = None
    years: float | None = None
    cohorts: tuple[tuple[int, float, float | None], ...] = ()
    basis: str = "payments"
    covered: float | None = None


# --- holding definitions against a claim ---
def _held(
    rows: list[dict[str, Any]], claimed: float | None, rounding: float | None, digit: float, sound: Callable
) -> pd.DataFrame:
    """Definitions with their distance to the claim; first those that give it, the simplest of them first.

    digit : the last digit that any claim is taken to be said to. exact: within half of the last digit.
    sound : tells the definitions that may be the full one: of these, the one that leaves out least.
    """
    may = [row for row in rows if sound(row)]
    full = min(may, key=lambda row: (len(row["left_out"]), row["choices"]))["id"] if may else None
    table = pd.DataFrame(rows, columns=[*rows[0]] if rows else ["id", "value", "choices", "left_out"])
    table = table[table["value"].astype(float).map(math.isfinite).astype(bool)]
    said = math.nan if claimed is None else float(claimed)
    half = rounding / 2 if rounding else _half(said, digit)
    away = (table["value"] - said).astype(float)
    exact = away.abs() <= half * (1 + 1e-9)
    matches = exact | (away.abs() <= TOLERANCE * abs(said))
    table = table.assign(
        claimed=said, distance=away, exact=exact, matches=matches, full=table["id"] == full
    )  # fmt: skip
    keys = table.assign(
        band=2 - matches.astype(int) - exact.astype(int),
        first=table["choices"].astype(float).where(matches, 0.0), away=away.abs().round(9),
    ).sort_values(["band", "first", "away", "choices", "id"], kind="stable")  # fmt: skip
    return table.loc[keys.index].reset_index(drop=True)


def _half(said: float, digit: float) -> float:
    """Half of the last digit that is not 0; of a round number no more than 0.5 %, or half of `digit`."""
    if said != said:
        return 0.0
    step = Decimal(1).scaleb(int(Decimal(repr(said)).normalize().as_tuple().exponent)) if said else Decimal(1)
    return min(float(step), max(0.01 * abs(said), digit)) / 2


def _costs(facts: Facts) -> Iterator[tuple[str, int, float]]:
    """What a result is divided by: (name, unusual choices, money)."""
    spend = _number(facts.spend)
    if not spend or spend <= 0:
        return
    yield "ads", 0, spend
    vat = _number(facts.spend_vat) or 0.0
    if 0 < vat < spend:
        yield "ads_net", 1, spend - vat
    if staff := _number(facts.staff):
        yield "full", 1, spend - vat + staff


def _number(value: Money) -> float | None:
    return None if value is None or value != value else float(value)


# --- ROMI ---
def romi(claimed: float | None, facts: Facts, rounding: float | None = None) -> pd.DataFrame:
    """Every definition of ROMI over the totals of a company, held against the claimed one (1.2 is 120 %).

    A definition is one revenue (base), less the costs down to a step of the ladder (less: nothing, vat, goods,
    delivery), of everybody's or only of sales that would not have come anyway (who: all, new, tested), over
    advertising or all marketing costs (cost: ads, ads_net, full), in one form: net (R - S) / S; ratio R / S,
    where the advertising itself is not subtracted; twice, (profit - all costs) / S, where costs go off twice.
    A cost that is not exported is not subtracted. rounding : the step to which the claim was rounded; None: its
    own last digit. claimed None: the definitions by their value alone.

    Returns one row per definition: id, base, less, who, cost, form, value, choices (unusual ones in it), left_out
    (pairs of a cost and its money, None where not known), claimed, distance (value - claimed), exact (within half
    of the last digit), matches (exact, or within 2 % of the claim), full (the one definition that leaves out least);
    taken : the costs subtracted; money : the revenue less them (less all costs again of "twice"); by : what it is
    divided by. Matches come first, the simplest of them first; the others by distance.
    """
    best = _best_cost(facts)  # staff is told beside the ladder that ends at the advertising

    def sound(row: dict) -> bool:
        return row["form"] == "net" and row["cost"] == best

    return _held(list(_romi(facts)), claimed, rounding, 0.01, sound)


def _best_cost(facts: Facts) -> str:
    """Advertising as the ladder counts it: without the VAT in it, where that is known."""
    return "ads_net" if _number(facts.spend_vat) else "ads"


def _romi(facts: Facts) -> Iterator[dict[str, Any]]:
    """SOURCE of the forms: ROMI = (R - S) / S; its ladder and its faults as the methods describe them."""
    levels = [name for name in STEPS if (_number(getattr(facts, name)) or 0) > 0]
    known = {"tested": _number(facts.incremental), "new": _number(facts.new_share)}
    shares = {"all": 1.0} | {name: part for name, part in known.items() if part not in (None, 1)}
    wide = product(["nothing", *levels], shares, _costs(facts))
    for (less, who, (cost, unusual, money)), base in product(list(wide), OWN | WHOLE):
        revenue = _revenue(facts, base)
        if revenue is None or (base in WHOLE and (less, who) != ("nothing", "all")):
            continue
        taken = [name for name in levels if less != "nothing" and STEPS.index(name) <= STEPS.index(less)]
        off = sum(float(getattr(facts, name)) for name in taken)
        kept = (revenue - off) * shares[who]
        last = base in OWN and who == "all" and less == (levels or [""])[-1]
        for form, value, part in _forms(kept, off, money, last):
            yield {
                "id": f"{base}.{less}.{who}.{cost}.{form}", "base": base, "less": less,
                "taken": tuple(taken), "who": who,
                "cost": cost, "form": form, "value": value, "money": part, "by": money,
                "choices": (OWN | WHOLE)[base] + len(taken) + (who != "all") + unusual + FORMS[form],
                "left_out": tuple(_left_out(facts, base, taken, who, cost, form)),
            }  # fmt: skip


def _forms(kept: float, off: float, money: float, last: bool) -> Iterator[tuple[str, float, float]]:
    """(form, value, the money that is held against the advertising: value = it / money - 1, of "ratio" it / money)."""
    yield "net", kept / money - 1, kept
    yield "ratio", kept / money, kept
    if last:
        rest = kept - off - money
        yield "twice", rest / money - 1, rest


def _revenue(facts: Facts, base: str) -> float | None:
    """The revenue of a definition. What the CRM notes is never told a second time as payments."""
    if facts.basis != "payments" and base in ("gross", "net", "all_gross", "received"):
        return None
    if base == "field_paid":
        return _number(facts.gross) if facts.basis == "paid_field" else None
    if base != "net":
        return _number(getattr(facts, base))
    gross, returned = _number(facts.gross), _number(facts.returned)
    return gross - returned if gross is not None and returned else None


def _left_out(facts: Facts, base: str, taken, who: str, cost: str, form: str) -> Iterator:
    """(what a definition leaves out, its money or None where it is not known), down the ladder: the sums add up."""
    yield from _not_ours(facts, base)
    known = {name: _number(getattr(facts, name)) for name in ("returned", *STEPS, "staff")}
    steps = [*([] if base == "net" else ["returned"]), *(name for name in STEPS if name not in taken)]
    yield from ((name, known[name]) for name in steps if known[name] != 0)
    gross, share = _number(facts.gross), facts.new_share if facts.incremental is None else facts.incremental
    rest = None if gross is None else gross - sum(known[name] or 0.0 for name in ("returned", *STEPS))
    if who == "all" and share != 1 and (rest is None or rest > 0):  # of a loss nothing came anyway
        yield "anyway", None if share is None or rest is None else rest * (1 - share)
    if cost != "full" and known["staff"] != 0:
        yield "staff", known["staff"]
    if form == "ratio":
        yield "spend", _number(facts.spend)


def _not_ours(facts: Facts, base: str) -> Iterator:
    """What of a revenue was not paid, or was not for channels that cost money."""
    own, gross, everything = _revenue(facts, base), _number(facts.gross), _number(facts.all_gross)
    paid = (gross if base in OWN else everything) if facts.basis != "won" else None
    noted = base.endswith("contract") or (base.endswith("field_paid") and facts.basis == "payments")
    if noted and (paid is None or own - paid > 0):
        yield "unpaid", None if paid is None else own - paid
    if base in WHOLE:
        sold = own if base == "received" else everything
        yield "others", None if gross is None or sold is None else sold - gross


def needed(claimed: float | None, facts: Facts) -> pd.DataFrame:
    """What one unknown must be for a claimed ROMI after all costs to hold, the other facts as they are.

    claimed : (what advertising left - spend) / spend: -0.3 is a loss of 300 thousand on a million.
    The unknowns: incremental, the part of sales that advertising brought (1 - it: returning clients); revenue, the
    gross payments (romi: as a boasted ROMI on them); margin, on the sales that advertising brought; margin_all, on
    all sales. Values that cannot be (a share above 100 % or below 0) are dropped.
    Returns one row per unknown: unknown, value, stated (what the facts say, NaN where they do not).
    """
    spend, gross = _number(facts.spend), _number(facts.gross)
    if claimed is None or not spend or not gross:
        return pd.DataFrame(columns=["unknown", "value", "stated", "romi"])
    stated = facts.new_share if facts.incremental is None else facts.incremental
    share = 1.0 if stated is None else float(stated)
    vat, goods, delivery = (_number(getattr(facts, name)) or 0.0 for name in STEPS)
    net = gross - (_number(facts.returned) or 0.0) - vat
    left, target = net - goods - delivery, spend * (1 + claimed)
    known = math.nan if facts.goods is None else 1 - goods / net
    found = [
        ("incremental", target / left if left > 0 else math.nan, math.nan if stated is None else share),
        ("revenue", target / (left / gross * share) if left * share > 0 else math.nan, gross),
        ("margin", (target / share + delivery) / net if share > 0 else math.nan, known),
        ("margin_all", (target + delivery) / net, known),
    ]
    if share == 1:
        del found[2]  # the same as on all sales
    rows = [row for row in found if row[1] >= 0 and (row[0] == "revenue" or row[1] <= 1)]
    table = pd.DataFrame(rows, columns=["unknown", "value", "stated"])
    return table.assign(romi=(table["value"] / spend - 1).where(table["unknown"] == "revenue"))


# --- LTV ---
def ltv(claimed: float | None, facts: Facts, rounding: float | None = None) -> pd.DataFrame:
    """Every definition of LTV over the totals of a company, held against the claimed one.

    formula : seed, ARPU over the average base x 1 / (lost / start); posted, the same with ARPU cut to whole money
    first; truncated, its result cut; matched, revenue / lost (equal denominators); arpu, one span's revenue per
    client; life, ARPU x the observed life; orders, average check x purchases per client so far; years, average
    check x purchases a year x years ahead; cohort_N, what a cohort really paid per client within N months.
    basis : revenue (as paid, VAT included) or margin (without it). cac : none, or less the cost of a new client (ads;
    full, with staff), with its VAT on revenue, without it on margin.
    Returns the columns of `romi` with formula, basis, cac instead of its parts; money per client.
    """
    rows = []
    for (formula, unusual, on_revenue, on_margin), cac in product(_ltv_values(facts), _client_costs(facts)):
        for basis, value, price in (("revenue", on_revenue, cac[1]), ("margin", on_margin, cac[2])):
            if value is None:
                continue
            left = [("costs", None if on_margin is None else on_revenue - on_margin)] * (basis == "revenue")
            rows.append({
                "id": f"{formula}.{basis}.{cac[0]}", "formula": formula, "basis": basis, "cac": cac[0],
                "value": value - price, "choices": unusual + (basis == "margin") + (cac[0] != "none"),
                "left_out": tuple(left + cac[3]),
            })  # fmt: skip
    told = [f"cohort_{facts.cohorts[-1][0]}"] if facts.cohorts else ["matched", "orders"]
    costs = [name for name, *_ in _client_costs(facts)][-1]
    return _held(rows, claimed, rounding, 1.0, lambda row: row["formula"] in told and row["cac"] == costs)


def _ltv_values(facts: Facts) -> Iterator[tuple[str, int, float, float | None]]:
    """(formula, unusual choices, value on revenue, value on margin)."""
    margin = _number(facts.margin)
    for formula, value in _formulas(facts).items():
        cut = formula in ("posted", "truncated")  # a way to round, told of the plain formula alone
        yield formula, FORMULAS[formula], value, None if cut or margin is None else value * margin
    for months, revenue, earned in facts.cohorts:
        yield f"cohort_{months}", 1, float(revenue), _number(earned)


def _formulas(facts: Facts) -> dict[str, float]:
    """SOURCE: ARPU x 1 / churn and its variants; closed form of the first: revenue / lost x start / average."""
    found = {}
    start, lost, came, revenue = (_number(getattr(facts, x)) for x in ("start", "lost", "came", "revenue"))
    average = math.nan if None in (start, lost, came, revenue) else start + (came - lost) / 2
    if average > 0:
        arpu = found["arpu"] = revenue / average
        if lost > 0 and start > 0:
            seed, whole = arpu * start / lost, math.floor(arpu) * start / lost
            found |= {"seed": seed, "matched": revenue / lost, "posted": whole, "truncated": math.floor(seed)}
        if (life := _number(facts.life)) is not None:
            found["life"] = arpu * life
    check, orders = _number(facts.check), _number(facts.orders)
    if check is not None and orders is not None:
        found["orders"] = check * orders
    if check is not None and facts.orders_year is not None and facts.years is not None:
        found["years"] = check * facts.orders_year * facts.years
    return found


def _client_costs(facts: Facts) -> Iterator[tuple[str, float, float, list]]:
    """(name, money per new client with the VAT of the spend, without it, what stays left out of it)."""
    costs = {name: money / facts.new for name, _, money in _costs(facts)} if facts.new else {}
    ads = costs.get("ads_net", costs.get("ads"))
    staff = costs["full"] - ads if "full" in costs else None
    yield "none", 0.0, 0.0, [("cac", costs.get("full", ads))]
    if costs:
        yield "ads", costs["ads"], ads, [] if facts.staff == 0 else [("staff", staff)]
    if staff:
        yield "full", costs["ads"] + staff, costs["full"], []


# --- CAC ---
def cac(claimed: float | None, facts: Facts, rounding: float | None = None) -> pd.DataFrame:
    """Every cost per head over the totals of a company, held against the claimed CAC.

    cost : ads, ads_net (without its VAT), full (with staff). per : leads (that is a CPL), target (leads), won
    (deals), paying (clients), new (clients who had not bought before: a CAC); ad_ : of channels that cost money.
    Returns the columns of `romi` with cost, by (its money), per and n (the count divided by) instead of its parts;
    money per head.
    """
    rows = [
        {"id": f"{cost}.{per}", "cost": cost, "per": per, "n": n, "by": money, "value": money / n,
         "choices": unusual + DIVISORS[per],
         "left_out": () if cost == "full" or facts.staff == 0 else (("staff", _number(facts.staff)),)}
        for (cost, unusual, money), per in product(list(_costs(facts)), DIVISORS) if (n := getattr(facts, per))
    ]  # fmt: skip
    # The full one is of advertising alone: staff serves the clients of all channels, and is told beside it.
    heads = next((per for per in DIVISORS if getattr(facts, per)), None)
    return _held(rows, claimed, rounding, 1.0, lambda row: row["per"] == heads and row["cost"] == "ads")
