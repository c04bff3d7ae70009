"""13: revenue and costs by month, the wait for money, what each product leaves, who owes."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from detente.present import charts, charts_money
from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_cash import GROUP, basis_note, columns, is_bank, is_money, is_unnamed

DRAWN = 24  # months in a picture
PRODUCTS = 12  # products in a picture
COSTS = ("goods", "delivery", "service", "marketing", "sales", "overhead", "other", "advertising")


# --- months ---
def months(report: Report, matched, table: pd.DataFrame | None, sums) -> View:
    """Revenue against costs by month. table, sums : `cash_months.by_month` and `.sums`. Without payments nobody knows
    when money came."""
    group = f"{GROUP}.months"
    if not is_bank(matched):
        return View()
    if table is None or not sums.months:
        return View(finding=missing(report, group, "cash_months", "data", need="need_money"))
    inside = table[table["inside"]]
    note = " ".join(_month_notes(report, sums))
    shown = _month_table(report, inside)
    if not sums.booked:
        card = missing(report, group, "cash_months", "data", revenue=sums.revenue, months=sums.months)
        return View(finding=card, figure=_revenue_bars(report, inside), table=shown, note=note)
    values = {
        "revenue": sums.revenue_booked, "costs": sums.costs, "result": sums.result, "margin": sums.margin,
        "months": sums.booked, "below": sums.below, "worst": sums.worst, "loss": abs(sums.result),
    }  # fmt: skip
    variant = "loss" if sums.result < 0 else "below" if sums.below else ""
    number = Number(float(sums.result), "money", n=sums.booked)
    finding = state(report, group, "cash_months", "ceo", number, variant=variant, **values)
    drawn = inside.tail(DRAWN)
    frame = pd.DataFrame({
        "label": drawn.index, "revenue": drawn["revenue"].astype(float), "costs": drawn["costs"].astype(float),
        "result": drawn["result"].astype(float), "ripe": (drawn["whole"] & drawn["result"].notna()).to_numpy(),
    })  # fmt: skip
    figure = Figure(
        charts_money.months, frame, phrase(report, group, "title"), phrase(report, group, "caption")
    )
    return View(finding=finding, figure=figure, table=shown, note=note)


def _month_notes(report: Report, sums) -> list[str]:
    """What the picture leaves out: advertising told twice, money outside the period."""
    group, found = f"{GROUP}.months", []
    gap = abs(sums.advertising - sums.books)
    if sums.books and gap > abs(sums.books) * Decimal("0.01"):
        found.append(phrase(report, group, "books", books=sums.books, advertising=sums.advertising))
    if sums.outside:
        found.append(phrase(report, group, "outside", outside=sums.outside))
    return found


def _revenue_bars(report: Report, inside: pd.DataFrame) -> Figure:
    drawn = inside.tail(DRAWN)
    frame = pd.DataFrame({
        "label": [report.words.month(name) for name in drawn.index], "value": drawn["revenue"].astype(float),
        "low": float("nan"), "high": float("nan"), "n": drawn["payments"], "enough": drawn["whole"],
    })  # fmt: skip
    group = f"{GROUP}.months"
    return Figure(
        charts.bars, frame, phrase(report, group, "title", "bare"), phrase(report, group, "caption", "bare")
    )


def _month_table(report: Report, inside: pd.DataFrame) -> Table:
    """What a reader looks for first, then what it is made of: only the costs that there are."""
    whole = {"costs": "money", "result": "money"} if inside["costs"].notna().any() else {}
    taken = any(inside["returned"]) or any(inside["vat"])  # else what came in is the revenue
    names = ("gross", "returned", "vat", *COSTS) if taken else COSTS
    kinds = {"month": "month", "revenue": "money", **whole}
    kinds |= {name: "money" for name in names if any(value for value in inside[name].dropna())}
    frame = inside.reset_index()
    return Table("months", frame, columns(report, kinds), phrase(report, f"{GROUP}.months", "table"))


def shift(report: Report, matched, found) -> View:
    """How long money follows the win. found : `cash_months.shift`, or None. Payments that name no deal do not tell."""
    group = f"{GROUP}.shift"
    if found is None or not is_bank(matched) or is_unnamed(matched):
        return View()
    if not found.gross:
        return View(finding=state(report, group, "cash_shift", "sales", variant="none", status="cannot_tell"))
    finding = state(
        report, group, "cash_shift", "ceo", Number(found.later_share, "percent", n=found.deals),
        variant="" if found.later else "same", share=found.later_share, later=found.later, gross=found.gross,
        days=found.days, deals=found.deals, earlier=found.earlier,
    )  # fmt: skip
    wait = "wait" if found.days >= 1 else "wait_ahead" if found.days <= -1 else "wait_same"
    note = phrase(report, group, wait, days=abs(found.days))
    frame = found.months.reset_index().rename(columns={"won": "month"})
    kinds = {"month": "month", "gross": "money", "earlier": "money", "same": "money", "later": "money",
             "later_share": "percent", "returned": "money"}  # fmt: skip
    heads = columns(report, kinds, month="won_month", gross="paid")
    table = Table("shift", frame, heads, phrase(report, group, "table"))
    return View(finding=finding, table=table, note=note)


# --- products ---
def products(report: Report, matched, table: pd.DataFrame | None, whole, loose: Decimal) -> View:
    """What each product leaves. whole : `cash_products.all_products`; loose : its `unassigned`."""
    group = f"{GROUP}.products"
    if not is_money(matched):
        return View()
    if table is None or not whole.purchases:
        return View(finding=missing(report, group, "cash_products", "data", need="need_money"))
    shown = _product_table(report, table, whole.source) if table.index.notna().any() else None
    note = " ".join(filter(None, [
        basis_note(report, matched), phrase(report, group, "stated") if whole.source == "stated" else "",
        phrase(report, group, "loose", loose=loose) if loose else "",
    ]))  # fmt: skip
    if not whole.source:
        return View(finding=missing(report, group, "cash_products", "data"), table=shown, note=note)
    told = table[(table["source"] == whole.source) & ~table["few"]]
    told = told.sort_values("margin", kind="stable", na_position="last")
    values = {
        "margin": whole.margin, "profit": whole.profit, "covered": whole.covered, "coverage": whole.coverage,
        "losing": whole.losing, "purchases": whole.purchases,
    }  # fmt: skip
    variant = "whole" if told["margin"].notna().sum() < 2 else "losing" if whole.losing else ""
    if variant != "whole":
        known = told[told["margin"].notna()]
        low, high = known.iloc[0], known.iloc[-1]
        alike = high["margin"] - low["margin"] < report.audit.thresholds.material
        variant = "alike" if alike and not whole.losing else variant
        names = [report.words.group(name) for name in (known.index[0], known.index[-1])]
        values |= {"worst": names[0], "best": names[1], "low": low["margin"], "high": high["margin"]}
    finding = state(
        report, group, "cash_products", "product", Number(whole.margin, "percent", n=whole.purchases), variant=variant,
        **values,
    )  # fmt: skip
    return View(finding=finding, figure=_product_bars(report, told), table=shown, note=note)


def _product_bars(report: Report, told: pd.DataFrame) -> Figure:
    drawn = told.sort_values("revenue", ascending=False, kind="stable").head(PRODUCTS)
    frame = pd.DataFrame({
        "label": [report.words.group(name) for name in drawn.index], "value": drawn["profit"].astype(float).to_numpy(),
        "low": float("nan"), "high": float("nan"), "n": drawn["purchases"].to_numpy(),
    })  # fmt: skip
    frame["named"] = frame["value"] < 0
    group = f"{GROUP}.products"
    return Figure(charts.bars, frame, phrase(report, group, "title"), phrase(report, group, "caption"))


def _product_table(report: Report, table: pd.DataFrame, source: str) -> Table:
    frame = table.assign(
        label=[report.words.group(name) for name in table.index], known=table["purchases"],
        spent=[tied + own for tied, own in zip(table["tied"], table["own"], strict=True)],
        profit=[None if few else value for few, value in zip(table["few"], table["profit"], strict=True)],
    )  # fmt: skip
    kinds = {"label": "text", "purchases": "count", "revenue": "money"}
    if source == "costs":
        kinds |= {"coverage": "percent", "covered": "money", "spent": "money"}
    if source:
        kinds |= {"profit": "money", "margin": "share"}
    heads = columns(report, kinds, label="product")
    return Table("products", frame, heads, phrase(report, f"{GROUP}.products", "table"))


# --- receivables ---
def receivables(report: Report, matched, owed) -> View:
    """What won deals still owe, by age. owed : `receivables.receivables`. A field of the CRM may hold a first payment
    of many: what is not paid by it is no debt yet."""
    group = f"{GROUP}.receivables"
    if owed is None or not is_money(matched) or is_unnamed(matched):
        return View()
    if not owed.due:
        return View(finding=missing(report, group, "cash_receivables", "data", need="need_amount"))
    older = owed.ages.loc["older"]
    values = {
        "owed": owed.owed, "deals": owed.deals, "overdue": owed.overdue, "overdue_deals": owed.overdue_deals,
        "older": older["owed"], "days": 90, "oldest": owed.oldest, "over": owed.over, "over_deals": owed.over_deals,
        "hint": owed.hint, "day": report.tables.as_of, "undated": owed.owed - owed.dated,
    }  # fmt: skip
    if not is_bank(matched) and owed.owed:
        field = {"variant": "field", "status": "cannot_tell", **values}
        return View(finding=state(report, group, "cash_receivables", "data", **field))
    told = "" if owed.dated else "undated"
    variant = "none" if not owed.owed else told if owed.overdue else "ahead"
    finding = state(
        report, group, "cash_receivables", "sales", Number(float(owed.owed), "money", n=owed.deals), variant=variant,
        **values,
    )  # fmt: skip
    lines = [phrase(report, group, "by_invoices" if owed.invoiced else "by_deals", **values)]
    names = ("undated", "hint", "over") if owed.dated else ("hint", "over")
    lines += [phrase(report, group, f"note_{name}", **values) for name in names if values[name]]
    if variant == "none":
        return View(finding=finding, note=" ".join(lines))
    frame = owed.ages.reset_index()
    frame["label"] = [
        phrase(report, f"{GROUP}.age", name, first=30, second=60, third=90) for name in frame["bucket"]
    ]
    if not frame.loc[0, "deals"]:
        frame = frame.iloc[1:]
    bars = frame.assign(
        value=frame["owed"].astype(float), low=float("nan"), high=float("nan"), n=frame["deals"],
        named=(frame["bucket"] == "older") & (frame["deals"] > 0),
    )  # fmt: skip
    figure = Figure(
        charts.bars, bars, phrase(report, group, "title", told), phrase(report, group, "caption", told)
    )
    kinds = {"label": "text", "deals": "count", "owed": "money", "share": "percent"}
    heads = columns(report, kinds, label="age", share="owed_share")
    table = Table("receivables", frame, heads, phrase(report, group, "table", told))
    return View(finding=finding, figure=figure, table=table, note=" ".join(lines))
