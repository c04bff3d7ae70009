"""12: the number that a company claims, and the definitions of it that the exports reproduce."""

from __future__ import annotations

import math

import pandas as pd

from detente.present.findings import Finding
from detente.present.pieces import Column, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "claims"
FEW = 3  # more definitions than this with the same number: the data cannot tell which was meant
SHOWN = 4  # definitions with the claimed number in the table; the download holds all
ROMI = {"definition": "text", "value": "percent", "money": "money", "by": "money"}
CAC = {"definition": "text", "value": "money", "by": "money", "n": "count"}
LTV = {"definition": "text", "value": "money", "left": "text"}
OWN = ("gross", "net", "contract", "field_paid")  # revenue of the advertised channels alone
CUT = ("posted", "truncated")  # the seed formula with fractions dropped on the way
NEAR = 3  # nearest others where none has it


def romi(report: Report, result: pd.DataFrame, needed: pd.DataFrame | None = None) -> View:
    """The claimed ROMI against its definitions; without a claim, from where to where it could be told.

    result : `claims.romi`. needed : `claims.needed` of the claim.
    """
    claimed, group = report.audit.economics.claimed.romi, f"{GROUP}.romi"
    if result.empty:
        return View()  # the ladder has asked for what is missing
    rows = _worded(report, result, _romi_words)
    if claimed is None:
        return _spread(report, rows)
    finding = _claimed(report, rows, "romi_claimed", group, "marketing", "percent")
    note = "" if result["matches"].any() or needed is None else _needed(report, needed)
    return View(finding=finding, table=_table(report, rows, "claimed_romi", group, ROMI), note=note)


def ltv(report: Report, result: pd.DataFrame) -> View:
    """The claimed LTV against its definitions. result : `claims.ltv`. Nothing without a claim."""
    if report.audit.economics.claimed.ltv is None:
        return View()
    if result.empty:
        return View(finding=missing(report, f"{GROUP}.ltv", "ltv_claimed", "data"))
    rows = _worded(report, result, _ltv_words)
    finding = _claimed(report, rows, "ltv_claimed", f"{GROUP}.ltv", "marketing", "money")
    return View(finding=finding, table=_table(report, rows, "claimed_ltv", f"{GROUP}.ltv", LTV))


def cac(report: Report, result: pd.DataFrame) -> View:
    """The claimed CAC against its definitions. result : `claims.cac`. Nothing without a claim."""
    if report.audit.economics.claimed.cac is None or result.empty:
        return View()
    rows = _worded(report, result, _cac_words)
    finding = _claimed(report, rows, "romi_claimed_cac", f"{GROUP}.cac", "marketing", "money")
    return View(finding=finding, table=_table(report, rows, "claimed_cac", f"{GROUP}.cac", CAC))


# --- the finding ---
def _claimed(report: Report, rows: pd.DataFrame, ident: str, group: str, ask: str, unit: str) -> Finding:
    """What the claimed number is, what it leaves out, and what is left where nothing is left out."""
    found, first, full = _said(rows), rows.iloc[0], rows[rows["full"]].head(1)
    left = _left(report, group, first)
    bare = _bare(full)
    told = {"value", "definition", "tax"} & {*full}
    best = (
        phrase(report, group, "full", bare, most=_most(report), **{key: full.iloc[0][key] for key in told})
        if len(full)
        else ""
    )
    ends = rows["value"].min(), rows["value"].max()
    number = Number(float(first["claimed"]), unit)  # the ends of the definitions are no interval
    return state(
        report, group, ident, ask, number, variant=_variant(found, first, bare),
        status="ok" if 0 < len(found) <= FEW else "cannot_tell", claimed=first["claimed"],
        definition=first["definition"], value=first["value"], ways=len(rows), others=len(found) - 1, low=ends[0],
        high=ends[1], left=_after(left), full=_after(best), honest=full["value"].iloc[0] if len(full) else math.nan,
        most=_most(report),
    )  # fmt: skip


def _most(report: Report) -> str:
    """Words before a ROMI after all costs: without a test of what advertising brought it is an upper bound."""
    known = "bound" if report.audit.economics.incremental is None else "tested"
    return phrase(report, f"{GROUP}.most", known)


def _said(rows: pd.DataFrame) -> pd.DataFrame:
    """The definitions that give the number to the digit that was said; where none does, those near it."""
    return _plain(rows[rows["exact"]] if rows["exact"].any() else rows[rows["matches"]])


def _plain(found: pd.DataFrame) -> pd.DataFrame:
    """Ways to cut a number are told only where the plain formula does not give it more simply."""
    if "formula" not in found or found.empty or found["formula"].iloc[0] in CUT:
        return found
    return found[~found["formula"].isin(CUT)]


def _bare(full: pd.DataFrame) -> str:
    """Whether even the definition that leaves out least knows no cost of goods."""
    known = len(full) and ("goods", None) not in full["left_out"].iloc[0]
    return "" if known else "bare"


def _left(report: Report, group: str, row: pd.Series) -> str:
    """Up to three sentences on what a definition leaves out. Staff serves all channels, and is told apart."""
    known = phrase(report, group, "left", items=row["known"]) if row["known"] else ""
    staff = phrase(report, group, "staff", money=row["staff"]) if row["staff"] else ""
    unknown = phrase(report, GROUP, "unknown", items=row["unknown"]) if row["unknown"] else ""
    return " ".join(filter(None, [known, staff, unknown]))


def _after(sentence: str) -> str:
    """A sentence that follows another one, or nothing."""
    return f" {sentence}" if sentence else ""


def _variant(found: pd.DataFrame, first: pd.Series, bare: str) -> str:
    if found.empty:
        return "none"
    head = str(first.get("per", "")).removeprefix("ad_")
    if head in ("leads", "target"):
        return head
    full = found[found["full"]]
    if len(full) and len(found) <= FEW and set(dict(full["left_out"].iloc[0])) <= {"staff"}:
        return "honest"
    return "_".join(filter(None, ["many" if len(found) > FEW else "", bare]))


def _needed(report: Report, needed: pd.DataFrame) -> str:
    """What would have to be different for the claim to hold."""
    items = []
    tested = report.audit.economics.incremental is not None
    for row in needed.itertuples():
        known = "" if row.stated != row.stated else "known"
        known = "bound" if known and row.unknown == "incremental" and not tested else known
        items.append(
            phrase(
                report,
                f"{GROUP}.needed",
                row.unknown,
                known,
                value=row.value,
                stated=row.stated,
                romi=row.romi,
            )
        )
    return phrase(report, f"{GROUP}.needed", "note", items="; ".join(items)) if items else ""


def _spread(report: Report, rows: pd.DataFrame) -> View:
    """No claim: how far apart the definitions lie that subtract the advertising once."""
    group = f"{GROUP}.spread"
    sound = rows[rows["form"] == "net"].sort_values(["value", "id"], ascending=[False, True], kind="stable")
    top, full = sound.iloc[0], sound[sound["full"]]
    last = full.iloc[0] if len(full) and full.index[0] != top.name else sound.iloc[-1]
    bare = _bare(full)
    number = Number(float(last["value"]), "percent")
    plain = sound[sound["choices"] == sound["choices"].min()].head(1)
    shown = sound.loc[[*dict.fromkeys([top.name, *plain.index, last.name])]]
    finding = state(
        report, group, "romi_spread", "marketing", number, high=_coarse(top["value"]), low=_coarse(last["value"]),
        top=top["definition"], full=last["value"], ways=len(shown), most=_most(report),
        left=_after(_left(report, f"{GROUP}.romi", top)),
        variant="one" if len(sound) == 1 else bare,
    )  # fmt: skip
    table = _table(report, shown.sort_values("value", ascending=False), "romi_spread", group, ROMI)
    return View(finding=finding, table=table)


def _coarse(value: float) -> float:
    """A ROMI far from its digits: whole percents are enough."""
    return round(value, 2) if abs(value) >= 1 else value


# --- definitions in words ---
def _worded(report: Report, result: pd.DataFrame, words) -> pd.DataFrame:
    """The rows with their definition and what it leaves out in words."""
    apart = [_staff(row) for row in result.itertuples()]
    items = [_items(report, [one for one in row.left_out if not (staff and one[0] == "staff")])
             for row, staff in zip(result.itertuples(), apart, strict=True)]  # fmt: skip
    taxed = "by" in result and (result["cost"] == "ads_net").any()
    result = result.assign(tax=[
        phrase(report, f"{GROUP}.tax", name if taxed else "none") for name in result.get("cost", [""] * len(result))
    ])  # fmt: skip
    names = [[phrase(report, f"{GROUP}.left", name) for name, _ in row] for row in result["left_out"]]
    return result.assign(
        definition=[words(report, row) for row in result.itertuples()], left=[", ".join(row) for row in names],
        staff=apart, known=[known for known, _ in items], unknown=[item for _, item in items],
    )  # fmt: skip


def _staff(row) -> float:
    """Salaries and agencies that a number of the advertised channels leaves out; of all channels they are its cost."""
    own = getattr(row, "per", getattr(row, "base", ""))
    return (dict(row.left_out).get("staff") or 0.0) if own in OWN or own.startswith("ad_") else 0.0


def _items(report: Report, left_out) -> tuple[str, str]:
    """What is left out with its money, «returns (12 000 ₽), VAT (8 000 ₽)», and what nobody knows, «salaries»."""
    names = {name: phrase(report, f"{GROUP}.left", name) for name, _ in left_out}
    known = [
        phrase(report, f"{GROUP}.left", "item", what=names[name], money=money)
        for name, money in left_out
        if money is not None
    ]
    return ", ".join(known), ", ".join(names[name] for name, money in left_out if money is None)


def _romi_words(report: Report, row) -> str:
    names = [*(["returned"] if row.base == "net" else []), *row.taken]
    less = ", ".join(phrase(report, f"{GROUP}.less", name) for name in names)
    less = phrase(report, f"{GROUP}.less", "all", items=less) if less else ""
    parts = {"base": row.base, "who": row.who, "against": row.cost, "form": row.form}
    told = {name: phrase(report, f"{GROUP}.{name}", value) for name, value in parts.items()}
    return phrase(report, GROUP, "romi_definition", less=less, tax=row.tax, **told)


def _ltv_words(report: Report, row) -> str:
    name, _, months = row.formula.partition("_")
    formula = phrase(report, f"{GROUP}.formula", name, months=int(months or 0))
    basis, cost = phrase(report, f"{GROUP}.basis", row.basis), phrase(report, f"{GROUP}.client", row.cac)
    return phrase(report, GROUP, "ltv_definition", formula=formula, basis=basis, client=cost)


def _cac_words(report: Report, row) -> str:
    cost, per = phrase(report, f"{GROUP}.cost", row.cost), phrase(report, f"{GROUP}.per", row.per, n=row.n)
    return phrase(report, GROUP, "cac_definition", cost=cost, per=per, tax=row.tax)


def _table(report: Report, rows: pd.DataFrame, name: str, group: str, kinds: dict) -> Table:
    """The definitions with the claimed number, or the nearest ones, and the one that leaves out least; then the rest.

    Beside a value stand the sums that it is reckoned from. The page shows the first, the download all.
    """
    found = _said(rows).head(SHOWN)
    if rows["claimed"].notna().any():
        found = found if len(found) else rows.head(NEAR)
        found = pd.concat([found, rows[rows["full"] & ~rows["id"].isin(found["id"])]])
    else:
        found = rows.head(SHOWN)
    heads = [Column(key, phrase(report, f"{GROUP}.columns", key), kind) for key, kind in kinds.items()]
    left = Column("left", phrase(report, f"{GROUP}.columns", "left"))
    more = [] if "left" in kinds else [left]
    frame = pd.concat([found, rows[~rows["id"].isin(found["id"])]])
    frame = frame[[item.key for item in [*heads, *more]] + ["matches"]].reset_index(drop=True)
    caption = phrase(report, group, "table")
    return Table(name, frame.drop(columns="matches"), heads, caption, frame["matches"], more, len(found))
