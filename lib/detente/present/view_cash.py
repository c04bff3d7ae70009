"""13: won, invoiced, paid, returned: what became of every deal, whose every rouble is, and what to clear up."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from detente.present import charts_money
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "cash"
HUNDRED = 100


def columns(report: Report, kinds: Mapping[str, str], **names: str) -> list[Column]:
    """Columns of a table: key -> kind; `names` gives a key the heading of another."""
    heads = {key: phrase(report, f"{GROUP}.columns", names.get(key, key)) for key in kinds}
    return [Column(key, heads[key], kind) for key, kind in kinds.items()]  # type: ignore[arg-type]


def basis_note(report: Report, matched) -> str:
    """The warning that these are no payments; nothing where they are."""
    if matched is None or matched.basis in ("payments", ""):
        return ""
    return phrase(report, GROUP, f"basis_{matched.basis}")


def is_money(matched) -> bool:
    """Whether somebody but the seller says that money came."""
    return matched is not None and matched.basis in ("payments", "paid_field")


def is_unnamed(matched) -> bool:
    """Whether money came and none of it names a deal: then no deal can be called paid or unpaid."""
    return is_money(matched) and not matched.named and bool(matched.money["purchases"].sum())


def is_bank(matched) -> bool:
    """Whether payments were exported: only they say when money came, whose it is, and what went back."""
    return matched is not None and matched.basis == "payments"


def _field(matched) -> str:
    """The variant of words for money that is a field of the CRM, not of the bank."""
    return "field" if matched.basis == "paid_field" else ""


# --- the head of the page ---
def verdict(report: Report, matched, doubled, owed, back: pd.DataFrame | None) -> View:
    """What became of a hundred roubles of won deals, and what to clear up first."""
    if not is_money(matched):
        name = "won" if matched is not None and matched.basis == "won" else "none"
        lines = [phrase(report, GROUP, f"point_{name}"), phrase(report, f"{GROUP}.match", "missing_how")]
        return View(phrase(report, GROUP, "title", name), points=lines, tone="bad")
    if is_unnamed(matched) or math.isnan(matched.ratio):
        variant = "unnamed" if is_unnamed(matched) else "no_wins"
        points = [_bank_point(report, matched), *_back_points(report, back)]
        return View(phrase(report, GROUP, "title", variant), points=points, tone="warn")
    field = _field(matched)
    headline = phrase(report, GROUP, "title", field, hundred=HUNDRED, got=_of_hundred(matched))
    points = [
        *([phrase(report, GROUP, "basis_paid_field")] if field else []), match(report, matched).finding.fact,
        unpaid(report, matched).finding.headline, *_double_points(report, doubled),
        *([] if field else _owed_points(report, owed)), *([] if field else [_bank_point(report, matched)]),
        *_back_points(report, back),
    ]  # fmt: skip
    amiss = matched.deals.loc["unpaid", "deals"] or (doubled and doubled.rows)
    short = abs(1 - matched.ratio) >= report.audit.thresholds.material
    return View(headline, points=points, tone="warn" if amiss or short else "good")


def _of_hundred(matched) -> int:
    return round(matched.ratio * HUNDRED)


def _bank_point(report: Report, matched) -> str:
    if is_unnamed(matched):
        return phrase(report, GROUP, f"point_unnamed{_whose(matched)}", bank=matched.bank, **_known(matched))
    stray = matched.stray["net"].sum()
    return phrase(report, GROUP, "point_stray", "" if stray else "none", stray=stray, bank=matched.bank)


def _whose(matched) -> str:
    """Where no payment names a deal: the variant of words for money of known clients alone, of unknown ones alone."""
    counts = matched.money["purchases"]
    return "" if counts["client"] and counts["unknown"] else "_known" if counts["client"] else "_nobody"


def _known(matched) -> dict:
    return {"known": matched.money.loc["client", "net"], "nobody": matched.money.loc["unknown", "net"]}


def _double_points(report: Report, doubles) -> list[str]:
    if not doubles or not doubles.rows:
        return []
    return [phrase(report, GROUP, "point_doubles", rows=doubles.rows, amount=doubles.amount)]


def _owed_points(report: Report, owed) -> list[str]:
    if owed is None or not owed.owed:
        return []
    values = {"owed": owed.owed, "deals": owed.deals, "older": owed.ages.loc["older", "owed"], "days": 90}
    return [phrase(report, GROUP, "point_owed", "" if owed.dated else "undated", **values)]


def _back_points(report: Report, back: pd.DataFrame | None) -> list[str]:
    row = None if back is None else longest(report, back)
    if row is None:
        return []
    values = {"days": row["days"], "share": row["share"], "back": row["back"], "watched": row["watched"]}
    return [phrase(report, GROUP, "point_back", interval=(row["low"], row["high"]), **values)]


def longest(report: Report, back: pd.DataFrame) -> pd.Series | None:
    """The longest window for which enough clients were watched; None if there is none, or if nobody is known."""
    enough = back[back["watched"] >= report.audit.thresholds.min_group]
    return None if enough.empty else enough.iloc[-1]


def tiles(report: Report, matched, owed, doubled) -> list[Tile]:
    """Paid of won, deals without money, what is owed, suspected doubles."""
    words = report.words
    if not is_money(matched) or is_unnamed(matched) or math.isnan(matched.ratio):
        value = words.money(matched.bank) if is_money(matched) else phrase(report, GROUP, "tile_nothing")
        return [Tile(phrase(report, GROUP, "tile_bank"), value)]
    row = matched.deals.loc["unpaid"]
    found = [
        Tile(
            phrase(report, GROUP, "tile_ratio", _field(matched)), words.percent(matched.ratio),
            base=phrase(report, GROUP, "tile_of_won", won=matched.won),
        ),
        Tile(
            phrase(report, GROUP, "tile_unpaid", _field(matched)), words.count(row["deals"]),
            base=phrase(report, GROUP, "tile_of_deals", "" if row["priced"] or not row["deals"] else "bare",
                        money=row["won"], deals=matched.deals["deals"].sum()),
        ),
    ]  # fmt: skip
    if owed is not None and is_bank(matched):
        values = {"overdue": owed.overdue, "deals": owed.deals}
        base = phrase(report, GROUP, "tile_overdue", "" if owed.dated else "undated", **values)
        found.append(Tile(phrase(report, GROUP, "tile_owed"), words.money(owed.owed), base=base))
    if doubled is not None and doubled.looked:
        base = phrase(report, GROUP, "tile_money", money=doubled.amount)
        found.append(Tile(phrase(report, GROUP, "tile_doubles"), words.count(doubled.rows), base=base))
    return found


# --- won, invoiced, paid, returned ---
def match(report: Report, matched) -> View:
    """The way from what the CRM calls won to what stayed in the bank; and what became of every deal.

    Where that cannot be told, one card says so for all sections that need the same: they are left out.
    """
    group = f"{GROUP}.match"
    if not is_money(matched):
        note = phrase(report, group, "also", "won" if matched is not None and matched.basis == "won" else "")
        return View(finding=missing(report, group, "cash_match", "data"), note=note)
    if is_unnamed(matched):
        card = missing(report, group, "cash_match", "data", need="need_number", how="how_number")
        return View(finding=card, note=_unnamed_note(report, matched))
    if math.isnan(matched.ratio):
        none = {"variant": "no_wins", "status": "cannot_tell"}
        return View(finding=state(report, group, "cash_match", "data", **none))
    priced = matched.deals.drop(index="no_amount")
    sums = {name: priced[name].sum() for name in ("won", "invoiced", "paid", "returned")}
    billed = matched.invoices is not None
    values = {
        **sums,
        "net": matched.net,
        "hundred": HUNDRED,
        "got": _of_hundred(matched),
        "ratio": matched.ratio,
    }
    finding = state(
        report, group, "cash_match", "ceo", Number(matched.ratio, "percent", n=int(priced["deals"].sum())),
        variant=_field(matched) or ("billed" if billed else ""), **values,
    )  # fmt: skip
    figure = Figure(
        charts_money.ladder, _ladder(report, sums, billed, bank=not _field(matched)), phrase(report, group, "title"),
        phrase(report, group, "caption", "billed" if billed else _field(matched)),
    )  # fmt: skip
    note = basis_note(report, matched)
    aside = matched.deals.loc["no_amount"]
    if aside["deals"]:
        note = f"{note} {phrase(report, group, 'aside', deals=aside['deals'], paid=aside['paid'])}".strip()
    table = _deal_table(report, matched.deals, billed, not _field(matched))
    return View(finding=finding, figure=figure, table=table, note=note)


def _unnamed_note(report: Report, matched) -> str:
    row, won = matched.deals.loc["unpaid"], matched.deals["deals"].sum()
    values = {"deals": won, "hinted": row["hinted"], "hint": row["hint"]}
    lines = [phrase(report, f"{GROUP}.match", "also_number")]
    lines += [phrase(report, f"{GROUP}.match", "hinted", **values)] if row["hinted"] else []
    return " ".join(lines)


def _ladder(report: Report, sums: Mapping, billed: bool, bank: bool) -> pd.DataFrame:
    """Levels, and between them the steps that lead from one to the next. A field of the CRM knows no returns."""
    won, invoiced, paid, returned = (float(sums[name]) for name in ("won", "invoiced", "paid", "returned"))
    rows = [("won", won, True)]
    if billed:
        rows += [("not_invoiced" if invoiced <= won else "over_invoiced", invoiced - won, False)]
        rows += [("invoiced", invoiced, True)]
    before = invoiced if billed else won
    rows += [("not_paid" if paid <= before else "over_paid", paid - before, False), ("paid", paid, True)]
    if bank:
        rows += [("returned", -returned, False), ("net", paid - returned, True)]
    table = pd.DataFrame(rows, columns=["name", "value", "total"])
    labels = [phrase(report, f"{GROUP}.ladder", name, "" if bank else "field") for name in table["name"]]
    return table.assign(label=labels, named=table.index == len(table) - 1)


def _deal_table(report: Report, deals: pd.DataFrame, billed: bool, bank: bool) -> Table:
    frame = deals[deals["deals"] > 0].reset_index()
    field = "" if bank else "field"
    frame["label"] = [phrase(report, f"{GROUP}.deal", name, field) for name in frame["class"]]
    for name in ("won", "difference"):  # an amount that nobody filled in is not 0
        frame[name] = frame[name].astype(object).where(frame["priced"] > 0, None)
    if field:
        frame["paid"] = frame["paid"].astype(object).where(frame["class"] != "unpaid", None)
    kinds = {"label": "text", "deals": "count", "won": "money", "invoiced": "money", "paid": "money",
             "returned": "money", "difference": "money"}  # fmt: skip
    absent = [name for name, there in (("invoiced", billed), ("returned", bank)) if not there]
    kinds = {name: kind for name, kind in kinds.items() if name not in absent}
    caption = phrase(report, f"{GROUP}.match", "table")
    return Table(
        "deals", frame, columns(report, kinds, label="deal"), caption, bold=frame["class"] == "unpaid"
    )


# --- what does not fit ---
def unpaid(report: Report, matched) -> View:
    """Won deals without any money. Left out where no payment names a deal: `match` says so."""
    group = f"{GROUP}.unpaid"
    if not is_money(matched) or is_unnamed(matched):
        return View()
    deals = int(matched.deals["deals"].sum())
    row, part = (matched.deals.loc[name] for name in ("unpaid", "part"))
    if not deals:
        return View(
            finding=state(report, group, "cash_unpaid", "sales", variant="no_wins", status="cannot_tell")
        )
    values = {
        "deals": row["deals"], "won": row["won"], "all": deals, "recent": row["recent"], "hinted": row["hinted"],
        "hint": row["hint"], "part": part["deals"], "short": part["difference"],
        "ripe": report.audit.thresholds.ripe_days,
    }  # fmt: skip
    variant = ("" if row["priced"] else "bare") if row["deals"] else "none"
    finding = state(
        report, group, "cash_unpaid", "sales", Number(float(row["deals"]), "count", n=deals),
        variant="_".join(filter(None, [variant, _field(matched)])), **values,
    )  # fmt: skip
    extra = {"recent": row["recent"], "hinted": row["hinted"], "part": part["deals"]}
    lines = [
        phrase(report, group, f"note_{name}", _field(matched), **values)
        for name, count in extra.items()
        if count
    ]
    return View(finding=finding, note=" ".join(lines))


def doubled(report: Report, matched, payments, invoices) -> View:
    """Payments and invoices that look entered twice. payments, invoices : `doubles.Doubles`, or None."""
    group = f"{GROUP}.doubled"
    if payments is None or not is_bank(matched):
        return View()
    if not payments.looked:
        return View(finding=missing(report, group, "cash_doubled", "data"))
    values = {
        "rows": payments.rows,
        "amount": payments.amount,
        "groups": payments.groups,
        "looked": payments.looked,
    }
    finding = state(
        report, group, "cash_doubled", "data", Number(float(payments.rows), "count", n=payments.groups),
        variant="" if payments.rows else "none", **values,
    )  # fmt: skip
    if invoices is None or not invoices.rows:
        return View(finding=finding)
    return View(
        finding=finding, note=phrase(report, group, "invoices", rows=invoices.rows, amount=invoices.amount)
    )


def unknown(report: Report, matched) -> View:
    """Whose the money in the bank is, and how much of it no won deal explains. A field of the CRM cannot say it, nor
    anything else that only payments say: one card stands for all of that."""
    group = f"{GROUP}.unknown"
    if not is_money(matched):
        return View()
    if not is_bank(matched):
        return View(finding=missing(report, f"{GROUP}.bank", "cash_bank", "data"))
    table = _bank_table(report, group, matched)
    if is_unnamed(matched):
        number = Number(
            float(_known(matched)["nobody"]), "money", n=int(matched.money.loc["unknown", "purchases"])
        )
        variant = f"unnamed{_whose(matched)}"
        known = {"variant": variant, "bank": matched.bank, **_known(matched)}
        return View(finding=state(report, group, "cash_unknown", "data", number, **known), table=table)
    stray, bank = matched.stray["net"].sum(), matched.bank
    top = matched.stray["net"].astype(float).abs().idxmax()
    share = float(stray / bank) if bank > 0 else math.nan
    variant = ("client" if top == "client" else "") if matched.stray["purchases"].sum() else "none"
    variant = "odd" if variant != "none" and not 0 < share <= 1 else variant
    finding = state(
        report, group, "cash_unknown", "data", Number(float(stray), "money", n=int(matched.stray["purchases"].sum())),
        variant=variant, stray=stray, bank=bank, share=share, purchases=matched.stray["purchases"].sum(),
        top=phrase(report, f"{GROUP}.money", top), amount=matched.stray.loc[top, "net"],
    )  # fmt: skip
    return View(finding=finding, table=table)


def _bank_table(report: Report, group: str, matched) -> Table | None:
    frame = matched.money[matched.money["purchases"] > 0].reset_index()
    frame["label"] = [phrase(report, f"{GROUP}.money", name) for name in frame["class"]]
    kinds = {"label": "text", "purchases": "count", "paid": "money", "returned": "money", "net": "money"}
    if not frame["returned"].astype(bool).any():
        del kinds["returned"], kinds["net"]
    if is_unnamed(matched) and len(frame) < 2:
        return None
    heads = columns(report, kinds, label="place")
    return Table("bank", frame, heads, phrase(report, group, "table", bank=matched.bank))


# --- row by row, for whoever clears it up ---
def rows(report: Report, listed: pd.DataFrame | None) -> View:
    """How many rows are to be cleared up, and where they lie: the rows themselves are not for this page."""
    group = f"{GROUP}.rows"
    if listed is None:
        return View()
    if listed.empty:
        return View(phrase(report, group, "heading", "none"), note=phrase(report, group, "none"))
    count = listed.drop_duplicates("list")[["list", "of"]]
    frame = count.assign(label=[_list_name(report, name) for name in count["list"]])
    kinds = columns(report, {"label": "text", "of": "count"}, label="list", of="rows")
    table, every = Table("lists", frame, kinds, phrase(report, group, "table")), count["of"].sum()
    lines = [phrase(report, group, "where", file=report.file_of("rows"))]
    lines += [phrase(report, group, "cut", shown=len(listed))] if len(listed) < every else []
    return View(phrase(report, group, "heading", rows=every), table=table, note=" ".join(lines))


def together(matched, *lists: pd.DataFrame | None) -> pd.DataFrame | None:
    """Lists of rows as one: those of `cash.rows` and `doubles.rows`. None where there is none at all, or where no money
    can be held against a deal. By a field of the CRM a part may be all that was due: such deals are not listed."""
    found = [item.astype(object) for item in lists if item is not None]
    if not found or not is_money(matched) or is_unnamed(matched):
        return None
    rows = pd.concat(found, ignore_index=True)
    if not _field(matched):
        return rows
    rows = rows[rows["list"] != "deal_part"].reset_index(drop=True)
    return rows.assign(list=rows["list"].replace("deal_unpaid", "deal_unpaid_field"))


def rows_table(report: Report, listed: pd.DataFrame | None) -> Table | None:
    """The rows with pseudonymous ids, for `Report.attach`."""
    if listed is None or listed.empty:
        return None
    frame = listed.assign(
        label=[_list_name(report, name) for name in listed["list"]],
        day=[None if pd.isna(day) else pd.Timestamp(day).date() for day in listed["day"]],
    )
    kinds = {"label": "text", "lead_id": "text", "day": "date", "due": "money", "amount": "money", "file": "text",
             "row": "count"}  # fmt: skip
    return Table(
        "rows", frame, columns(report, kinds, label="list"), phrase(report, f"{GROUP}.rows", "table")
    )


def _list_name(report: Report, name: str) -> str:
    kind, _, rest = name.partition("_")
    known = {"deal": f"{GROUP}.deal", "money": f"{GROUP}.money", "invoice": f"{GROUP}.invoice"}
    return phrase(report, known.get(kind, f"{GROUP}.doubles"), rest)
