"""05: whether written reasons agree with calls, phones and stages; who overuses one; how they are spelled."""

from __future__ import annotations

import pandas as pd

from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_reasons import DRAWN, GROUP, columns, group_words, heat, name, named_rows

FIRST = {"no_answer": "reason_no_answer", "wrong_number": "reason_wrong_number", "price": "reason_price"}


def claim(report: Report, ripe, found) -> View:
    """One kind of claim against the facts. found : `reason_quality.Claims`."""
    group, ident, limits = f"{GROUP}.{found.claim}", FIRST[found.claim], report.audit.thresholds
    ask = "marketing" if found.claim == "wrong_number" else "sales"  # a form lets a bad number through
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    if found.status == "no_claims":
        return View(finding=state(report, group, ident, ask, variant="none", status="not_available"))
    if found.status == "no_facts":
        return View(finding=missing(report, group, ident, "data", claimed=found.claimed))
    # For a price only "before anybody could see one" is doubtful; elsewhere a fact may say the opposite.
    hits, share, low, high = (
        (found.doubtful, found.doubtful_share, found.doubtful_low, found.doubtful_high)
        if found.claim == "price"
        else (found.against, found.share, found.low, found.high)
    )
    values = {
        "claimed": found.claimed, "known": found.known, "hits": hits, "share": share, "interval": (low, high),
        "talk": limits.talk_seconds, "attempts": limits.attempts, "none": found.why["unproven"],
        "thin": found.why.get("thin", 0), "at": found.why.get("at", 0), "fits": found.why["fits"],
    }  # fmt: skip
    note = phrase(report, f"{GROUP}.facts", "ours", ours=found.ours) if found.ours else ""
    if found.known < limits.min_group:
        finding = state(
            report,
            group,
            ident,
            ask,
            variant="few",
            status="cannot_tell",
            need=limits.min_group,
            **values,
        )
        return View(finding=finding, note=note)
    number = Number(share, low=low, high=high, n=found.known)
    doubt = hits or found.doubtful
    variant = "calls" if found.why.get("no_phone", 0) + found.against == found.claimed else ""
    finding = state(report, group, ident, ask, number, variant=variant if doubt else "clear", **values)
    return View(finding=finding, table=_by_manager(report, group, found), note=note)


def _by_manager(report: Report, group: str, found) -> Table:
    """Rulings per manager, most claims first; no ranking of small ones: counts only."""
    rows = found.managers.sort_values("claimed", ascending=False, kind="stable")
    rows = rows.assign(name=[report.words.manager(item) for item in rows.index])
    kinds = {"name": "text", "claimed": "count"} | {item: "count" for item in found.why if rows[item].any()}
    heads = columns(report, {"manager": "text", "claimed": "count"})
    heads += [
        type(heads[0])(item, phrase(report, group, f"column_{item}"), "count") for item in list(kinds)[2:]
    ]
    heads[0] = type(heads[0])("name", heads[0].heading)
    return Table(found.claim, rows, heads, phrase(report, group, "table"))


def not_lost(report: Report, table: pd.DataFrame) -> View:
    """Loss reasons on deals that were won, or are still open. table : `reason_quality.not_lost`."""
    group, least = f"{GROUP}.won", report.audit.thresholds.min_group
    won, still = table.loc["won"], table.loc["open"]
    values = {
        "hits": int(won["with_reason"]), "known": int(won["leads"]), "share": won["share"],
        "interval": (won["low"], won["high"]), "open_hits": int(still["with_reason"]), "open": int(still["leads"]),
        "both": int(won["with_reason"] + still["with_reason"]), "need": least,
    }  # fmt: skip
    if values["known"] < least:
        status = "cannot_tell"
        return View(
            finding=state(report, group, "reason_on_won", "sales", variant="few", status=status, **values)
        )
    number = Number(won["share"], low=won["low"], high=won["high"], n=values["known"])
    variant = "" if values["hits"] else "clear"
    return View(finding=state(report, group, "reason_on_won", "sales", number, variant=variant, **values))


def overuse(report: Report, ripe, table: pd.DataFrame, adjusted: bool, split: pd.DataFrame) -> View:
    """Who writes a reason more often than colleagues. adjusted: stage or segment of the losses is known.

    split : `reasons.split` by manager, for the picture.
    """
    group, limits = f"{GROUP}.overuse", report.audit.thresholds
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    compared = table.drop_duplicates("manager") if len(table) else table
    if (compared["losses"] >= limits.min_group).sum() < 2 if len(table) else True:
        few = {"variant": "few", "status": "cannot_tell", "need": limits.min_group}
        return View(finding=state(report, group, "reason_overuse", "sales", **few))
    named = table[table["named"]]
    values = {
        "compared": int(table["compared"].iloc[0]),
        "limit": _times(report, limits.overuse),
        "pairs": len(named),
    }
    note = "" if adjusted else phrase(report, group, "plain")
    if named.empty:
        finding = state(
            report, group, "reason_overuse", "sales", variant="even", status="cannot_tell", **values
        )
    else:
        row = next(named.itertuples())
        variant = "alone" if not row.expected > 0 else "" if adjusted else "plain"
        finding = state(
            report, group, "reason_overuse", "sales",
            Number(row.observed, "count", row.low * row.expected, row.high * row.expected, int(row.losses)),
            variant=variant, manager=report.words.manager(row.manager),
            reason=name(report, row), observed=row.observed, expected=round(row.expected, 1),
            times=_times(report, row.ratio), least=round(row.low, 1),
            most=round(row.high, 1), losses=row.losses, **values,
        )  # fmt: skip
    shown = named if len(named) else table.head(10)
    rows = shown.assign(
        name=[name(report, row) for row in shown.itertuples()],
        manager_words=[report.words.manager(item) for item in shown["manager"]],
        ratio_range=[_range(report, row) for row in shown.itertuples()],
    )
    kinds = {"manager_words": "text", "name": "text", "losses": "count", "observed": "count", "expected": "number",
             "ratio": "number", "ratio_range": "text"}  # fmt: skip
    bold = pd.Series(range(len(rows)), rows.index) < (1 if len(named) else 0)
    caption = phrase(report, group, "table", "even" if named.empty else "" if adjusted else "plain")
    table = Table("overuse", rows.round({"expected": 1, "ratio": 1}), columns(report, kinds), caption, bold)
    return View(finding=finding, figure=_by_reason(report, group, split), table=table, note=note)


def _by_reason(report: Report, group: str, split: pd.DataFrame) -> Figure:
    """What the managers with most losses write, as it is."""
    rows = named_rows(report, split).sort_values("known", ascending=False, kind="stable")
    rows = rows.assign(words=[report.words.manager(item) for item in rows["manager"]])
    names = rows["words"].unique()
    shown = rows[rows["words"].isin(names[:DRAWN])]
    return heat(report, group, shown, "words", shown=min(len(names), DRAWN), all=len(names))


def _times(report: Report, ratio: float) -> str:
    """How many times, in the form that the number asks for; a manager whom nobody follows has no ratio."""
    if pd.isna(ratio):
        return ""
    ratio = round(ratio, 1)
    variant = "" if ratio == int(ratio) else "part"
    return phrase(report, f"{GROUP}.overuse", "times", variant, ratio=ratio, whole=int(ratio))


def _range(report: Report, row) -> str | None:
    if not row.expected > 0:
        return None
    return "–".join(report.words.number(round(end, 1)) for end in (row.low, row.high))


def spellings(report: Report, ripe, found) -> View:
    """What to put together in audit.yml: proposals, and near texts for a person to decide."""
    group = f"{GROUP}.spelling"
    if not ripe.filled:
        return View()  # no reasons to count: the first section says so
    variant = "clear" if not found.loose else "none" if found.sure.empty and found.unsure.empty else ""
    values = {
        "texts": found.texts, "loose": found.loose, "losses": found.losses, "sure": len(found.sure),
        "unsure": len(found.unsure),
    }  # fmt: skip
    number = Number(found.loose, "count", n=found.texts)
    finding = state(report, group, "reason_spelling", "data", number, variant=variant, **values)
    note = phrase(report, group, "left_out", left=found.left_out) if found.left_out else ""
    tables = []
    for title, rows in (("sure", found.sure), ("unsure", found.unsure)):
        if len(rows):
            words = [group_words(report, item) if isinstance(item, str) else None for item in rows["group"]]
            kinds = {
                "typed": "text",
                "lost": "count",
                "joins": "text",
                "group_words": "text",
                "score": "count",
            }
            frame = rows.rename(columns={"text": "typed", "losses": "lost"}).assign(group_words=words)
            tables.append(
                Table(
                    f"spelling_{title}",
                    frame,
                    columns(report, kinds),
                    phrase(report, group, f"table_{title}"),
                )
            )
    return View(finding=finding, tables=tables, note=note)
