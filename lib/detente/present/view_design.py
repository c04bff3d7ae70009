"""06: the verdict, the twelve requirements of a funnel, and the names of its stages."""

from __future__ import annotations

import math

import pandas as pd

from detente.present.pieces import Column, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state

GROUP = "design"
SEVERITY = {"ok": 0, "warning": 1, "error": 2}
ORDER = {"met": 0, "warning": 1, "broken": 2, "cannot_tell": 3, "not_available": 4}


def verdict(report: Report, rules: pd.DataFrame, standing) -> View:
    """What is right first, then what to add, the money that stands still, and what cannot be seen."""
    found = rules["status"].value_counts()
    met, seen = int(found.get("met", 0)), int(rules["status"].isin(["met", "warning", "broken"]).sum())
    variant = "none" if not seen else "all" if met == seen else ""
    title = phrase(report, GROUP, "title", variant, met=met, seen=seen)
    points = []
    for status in ("met", "broken", "warning"):
        if said := _listed(report, rules, status):
            points.append(phrase(report, GROUP, f"point_{status}", rules=said))
    if standing.status == "ok" and standing.quiet:
        points.append(
            phrase(
                report,
                GROUP,
                "point_money",
                quiet=standing.quiet,
                money=standing.money,
                days=standing.quiet_days,
            )
        )
    unseen = int(found.get("not_available", 0) + found.get("cannot_tell", 0))
    if unseen:
        points.append(phrase(report, GROUP, "point_unseen", unseen=unseen))
    return View(title, points=points, tone="good" if variant == "all" else "warn")


def _listed(report: Report, rules: pd.DataFrame, status: str) -> str:
    """The rules of one status in plain words, as one line."""
    names = [_rule(report, row) for row in rules[rules["status"] == status].itertuples()]
    return "; ".join(name[:1].lower() + name[1:] for name in names)


def _rule(report: Report, row) -> str:
    return phrase(report, f"{GROUP}.rule", row.rule.lower(), **_values(report, row))


def _values(report: Report, row) -> dict:
    values = {"hits": row.hits, "trials": row.trials, "share": row.share, "interval": (row.low, row.high)}
    return values | {"need": math.nan, "min_group": report.audit.thresholds.min_group} | row.values


def tiles(report: Report, rules: pd.DataFrame, back, standing) -> list[Tile]:
    """Requirements kept, deals moved back, open deals without a next task, money that stands still."""
    words = report.words
    seen = int(rules["status"].isin(["met", "warning", "broken"]).sum())
    met = int((rules["status"] == "met").sum())
    found = [
        Tile(
            label=phrase(report, GROUP, "tile_rules"), value=words.count(met),
            base=phrase(report, GROUP, "tile_rules_base", seen=seen, all=len(rules)),
        )
    ]  # fmt: skip
    shares = [("tile_back", back, "deals", "leads")] if back is not None else []
    shares += [("tile_no_task", standing, "no_task", "open")] if standing.status != "no_tasks" else []
    for key, part, hits, trials in shares:
        if getattr(part, trials):
            found.append(
                Tile(
                    label=phrase(report, GROUP, key), value=words.percent(part.share),
                    interval=phrase(report, GROUP, "tile_interval", interval=(part.low, part.high)),
                    base=phrase(report, GROUP, "tile_of", n=getattr(part, hits), all=getattr(part, trials)),
                )
            )  # fmt: skip
    if standing.status == "ok":
        base = phrase(report, GROUP, "tile_quiet_base", n=standing.quiet, days=standing.quiet_days)
        found.append(
            Tile(label=phrase(report, GROUP, "tile_quiet"), value=words.money(standing.money), base=base)
        )
    return found


def requirements(report: Report, rules: pd.DataFrame) -> View:
    """All twelve in one table: the rule, its state, what the data shows, what to add."""
    group = f"{GROUP}.rules"
    seen = rules[rules["status"].isin(["met", "warning", "broken"])]
    met, broken = int((seen["status"] == "met").sum()), int((seen["status"] == "broken").sum())
    variant = "none" if seen.empty else "all" if met == len(seen) else ""
    finding = state(
        report, group, "design_requirements", "sales",
        Number(met / len(seen) if len(seen) else math.nan, "share", n=len(seen)), variant=variant,
        status="ok" if len(seen) else "cannot_tell", met=met, seen=len(seen), all=len(rules), broken=broken,
        warning=len(seen) - met - broken,
    )  # fmt: skip
    shown = rules.sort_values("status", key=lambda names: names.map(ORDER), kind="stable")
    rows = [
        {"rule": f"{row.rule[1:]}. {_rule(report, row)}", "state": phrase(report, f"{GROUP}.state", row.status),
         "shows": _shows(report, row), "add": _to_add(report, row)}
        for row in shown.itertuples()
    ]  # fmt: skip
    return View(finding=finding, table=table(report, "requirements", pd.DataFrame(rows), {
        "rule": "text", "state": "text", "shows": "text", "add": "text",
    }, group, bold=(shown["status"] == "broken").reset_index(drop=True)))  # fmt: skip


def _shows(report: Report, row) -> str:
    if row.status == "not_available":
        return phrase(report, f"{GROUP}.shows", f"without_{row.code}")
    if row.status == "cannot_tell" and row.code not in ("unseen", "open"):
        return phrase(report, f"{GROUP}.shows", "few", **_values(report, row))
    return phrase(report, f"{GROUP}.shows", f"{row.rule.lower()}_{row.code}", **_values(report, row))


def _to_add(report: Report, row) -> str | None:
    """What would complete the rule; nothing to add where it is kept or cannot be told."""
    if row.status == "met":
        return None
    key = "export" if row.status == "not_available" else row.rule.lower()
    if row.status == "cannot_tell" and row.code != "unseen":
        key = "wait"
    return phrase(report, f"{GROUP}.add", key)


def table(
    report: Report, name: str, frame: pd.DataFrame, kinds: dict[str, str], group: str, bold=None, **values
) -> Table:
    """A table of this page: headings from `design.columns`, the caption from `group`; `values` for both."""
    columns = [
        Column(key, phrase(report, f"{GROUP}.columns", key, **values), kind) for key, kind in kinds.items()
    ]
    caption = phrase(report, group, "table", **values)
    return Table(name=name, frame=frame, columns=columns, caption=caption, bold=bold)


def names(report: Report, names: pd.DataFrame, proven: pd.DataFrame) -> View:
    """What each name says, a name that would say what the manager does now, and how often its fact is noted."""
    group, stages = f"{GROUP}.names", len(proven)
    own = names[(names["order"] > 0) & (names["order"] <= stages)]
    worst = own.assign(rank=own["severity"].map(SEVERITY)).groupby("order")["rank"].max()
    clear, better, wrong = (int((worst == rank).sum()) for rank in range(3))
    first = own[(own["severity"] == "error") & own["suggestion"].notna()]
    variant = "all" if clear == stages else ("zero" if not clear else "one") if len(first) else ""
    example = {"called": first["stage"].iloc[0], "better": first["suggestion"].iloc[0]} if len(first) else {}
    finding = state(
        report, group, "design_names", "sales", Number(clear / stages, "share", n=stages), variant=variant,
        clear=clear, stages=stages, wrong=wrong, some=better, **example,
    )  # fmt: skip
    rows = pd.DataFrame([_named(report, order, part) for order, part in own.groupby("order")])
    rows = rows.assign(
        noted=proven["share"].to_list(), known=proven["passed"].where(proven["recorded"]).to_list()
    )
    kinds = {"stage": "text", "says": "text", "suggestion": "text", "fact": "text"}
    kinds |= {"known": "count", "noted": "share"} if proven["recorded"].any() else {}
    bold = (worst == SEVERITY["error"]).reset_index(drop=True)
    listed = table(report, "names", rows, kinds, group, bold=bold)
    return View(finding=finding, table=listed)


def letters(report: Report, mixed: pd.DataFrame, texts: pd.DataFrame) -> list[View]:
    """Words that mix two alphabets. mixed : `stage_names.homoglyphs` of `texts`, which is `health.texts`."""
    if mixed.empty:
        return []
    rows = texts.merge(mixed, on="text")
    rows = rows.assign(field=[report.column(name) for name in rows["column"]])
    rows = rows.sort_values(["leads", "field", "text"], ascending=[False, True, True], ignore_index=True)
    number = Number(len(rows), "count", n=len(texts))
    finding = state(
        report, f"{GROUP}.letters", "design_letters", "data", number, words=len(rows), all=len(texts),
        word=rows["word"].iloc[0], repaired=rows["repaired"].iloc[0],
    )  # fmt: skip
    kinds = {"field": "text", "text": "text", "word": "text", "repaired": "text", "leads": "count"}
    return [View(finding=finding, table=table(report, "letters", rows, kinds, f"{GROUP}.letters"))]


def _named(report: Report, order: int, part: pd.DataFrame) -> dict:
    """One stage: everything its name and fact gave rise to, in one line."""
    says = [phrase(report, f"{GROUP}.code", code) for code in part["code"]]
    better = part["suggestion"].dropna()
    return {"stage": f"{order}. {part['stage'].iloc[0]}", "says": "; ".join(says),
            "suggestion": better.iloc[0] if len(better) else None, "fact": _fact(report, part.iloc[0])}  # fmt: skip


def _fact(report: Report, row) -> str:
    return row.fact if isinstance(row.fact, str) else phrase(report, f"{GROUP}.columns", "no_fact")
