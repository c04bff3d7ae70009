"""00: the findings of the other notebooks in the order of a meeting. Computes nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from detente.present import findings, numbers
from detente.present.findings import ASK, Finding
from detente.present.pieces import Ask, Column, Table, Tile
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state

GROUP = "summary"
# What a CEO needs first: how many leads are not ours, where from and at what cost; where deals stop and why; who pays
# for himself, what is left of the money; and for what the data is good.
FIRST = (
    "non_target_share", "non_target_channels", "wasted_spend", "stage_losses", "reason_top", "rescue_worth",
    "unit_segments", "romi_ladder", "focus_money_spend", "cash_match", "good_for",
)  # fmt: skip
TILES = (
    "non_target_share", "wasted_spend", "labels_agreement", "conversion_honest", "reason_silence", "design_standing",
    "romi_ladder", "focus_money_spend", "cash_match",
)  # fmt: skip
# The questions that come first at a meeting; others follow in the order of the notebooks.
URGENT = (
    "non_target_channels", "criterion_top", "wasted_spend", "focus_money_spend", "unit_cpl_cac", "court",
    "label_in_hindsight", "focus_money_time", "cash_unpaid", "managers_same_leads", "romi_ladder", "unit_segments",
    "cash_match", "ltv_judge", "reason_channel", "reason_top", "unit_margin", "cash_returns", "design_standing",
    "reason_silence", "stage_passing", "design_requirements", "stage_losses", "conversion_honest", "rescue_together",
    "definitions_spread",
)  # fmt: skip
TOLD = ("share", "percent", "times", "money")  # units whose number says something without its sentence
MOST = 5  # questions to one head: more are not asked at a meeting, they stand on their pages
HYPOTHESES = (
    "non_target_share", "non_target_channels", "criterion_top", "unknown_share", "label_in_hindsight", "court",
    "reason_silence", "design_standing",
)  # fmt: skip


def collect(folder: str) -> list[Finding]:
    """The findings of every notebook that left a file in the folder, in the order of the notebooks."""
    paths = sorted(Path(folder).glob("[0-9][0-9]_*.json"))
    return [item for path in paths for item in findings.read(path)]


def earlier(path: str) -> dict[str, Finding]:
    """The findings of the last comparable run by id; none where there is no such run."""
    return {item.id: item for item in findings.read(Path(path))} if path else {}


def _by_id(found: list[Finding]) -> dict[str, Finding]:
    return {item.id: item for item in found}


def number(report: Report, item: Finding) -> str:
    """The number of a finding as it is read."""
    kinds = {"share": "percent", "money": "money", "count": "count", "points": "points", "days": "count",
             "percent": "percent", "times": "times", "months": "months"}  # fmt: skip
    if math.isnan(item.value) or item.unit not in kinds:
        return "—"
    return getattr(report.words, kinds[item.unit])(item.value)


def spread(report: Report, item: Finding) -> str:
    """The interval of a finding as it is read; empty where it has none."""
    kinds = {
        "share": "percent_range",
        "money": "money_range",
        "points": "points_range",
        "percent": "percent_range",
    }
    if math.isnan(item.low) or math.isnan(item.high) or item.unit not in kinds:
        return ""
    text = getattr(report.words, kinds[item.unit])((item.low, item.high))
    return report.words.t(f"{GROUP}.interval", level=item.level, text=text)


def verdict(report: Report, found: list[Finding]) -> View:
    """The share of leads that are not ours, and the three findings that it leads to."""
    known = _by_id(found)
    chosen = [known[name] for name in FIRST if name in known]
    if not chosen:
        return View(phrase(report, GROUP, "title_none"), tone="warn")
    points = [chosen[0].fact, *(_point(report, item) for item in chosen[1:])]
    headline = phrase(report, GROUP, "title", headline=chosen[0].headline)
    return View(headline, points=points, tone="warn" if chosen[0].status == "ok" else "plain")


def _point(report: Report, item: Finding) -> str:
    """The short statement of a finding with its number, interval and base, each said once."""
    statement, value, interval = item.headline, number(report, item), spread(report, item)
    said = value.lstrip(numbers.MINUS) in statement  # "short of 5 roubles" says -5
    parts = [value] if value != "—" and item.unit in TOLD and not said else []
    parts += [interval] if interval else []
    based = item.unit == "share" and item.n and report.words.count(item.n) not in statement
    parts += [phrase(report, GROUP, "base", n=item.n)] if based else []
    return statement + (f" ({', '.join(parts)})" if parts else "")


def _label(report: Report, ident: str) -> str:
    """A finding's number in two or three words; its id where the catalog has none."""
    return phrase(report, GROUP, f"tile_{ident}") if report.words.has(f"{GROUP}.tile_{ident}") else ident


def tiles(report: Report, found: list[Finding], moves: pd.DataFrame) -> list[Tile]:
    """The headline numbers with what changed since the last run; without one, the tile says so."""
    known, changes = _by_id(found), moves.set_index("id")
    shown = []
    for name in TILES:
        item = known.get(name)
        if item is None or math.isnan(item.value):
            continue
        base = phrase(report, GROUP, "base", n=item.n) if item.unit == "share" else ""
        compared = item.unit == "share" and (len(moves) or not shown)  # "no previous run" is said once
        change = _change(report, changes, name) if compared else ""
        label = phrase(report, GROUP, f"tile_{name}")
        shown.append(Tile(label, number(report, item), spread(report, item), base, change))
    return shown


def _change(report: Report, changes: pd.DataFrame, name: str) -> str:
    if name not in changes.index:
        return phrase(report, GROUP, "no_previous")
    row = changes.loc[name]
    if not row["changed"]:
        return phrase(report, GROUP, "same")
    return phrase(report, GROUP, "up" if row["difference"] > 0 else "down", difference=abs(row["difference"]))


def heads(found: list[Finding]) -> list[str]:
    """Who has a question to answer, in the order of the meeting."""
    order = [*ASK[1:], ASK[0]]  # those who answer for a part first, all together last
    return [head for head in order if any(_asked(item, head) for item in found)]


def _asked(item: Finding, head: str) -> bool:
    return item.ask == head and bool(item.question) and item.status != "not_available"


def questions(report: Report, found: list[Finding], head: str) -> View:
    """The questions to one head, each with the number it rests on."""
    group = f"{GROUP}.questions"
    rank = {name: place for place, name in enumerate(URGENT)}
    asked = sorted(
        (item for item in found if _asked(item, head)), key=lambda item: rank.get(item.id, len(rank))
    )
    chosen, who = asked[:MOST], phrase(report, group, f"head_{head}")
    asks = [
        Ask(item.question, _point(report, item), report.words.t("page.decides", decision=item.decision))
        for item in chosen
    ]
    more = len(asked) - len(chosen)
    note = phrase(report, group, "more", count=more) if more else ""
    return View(heading=phrase(report, group, "heading", who=who), asks=asks, note=note)


def pages(report: Report, found: list[Finding]) -> View:
    """Where each finding is shown in full: the pages of the same run."""
    group = f"{GROUP}.pages"
    notebooks = dict.fromkeys(item.notebook for item in found)
    links = {f"{name}.html": phrase(report, group, name[3:]) for name in notebooks}
    return View(heading=phrase(report, group, "heading"), links=links)


def _columns(report: Report, frame: pd.DataFrame, **kinds: str) -> list[Column]:
    return [Column(key, phrase(report, f"{GROUP}.columns", key), kinds.get(key, "text")) for key in frame]


def changed(report: Report, moves: pd.DataFrame) -> View:
    """What moved since the last comparable run."""
    group = f"{GROUP}.changed"
    if moves.empty:
        return View(finding=state(report, group, "changes", "ceo", variant="none"))
    count = int(moves["changed"].sum())
    finding = state(
        report, group, "changes", "ceo", Number(count, "count", n=len(moves)), count=count, all=len(moves)
    )
    frame = pd.DataFrame({
        "fact": [_label(report, name) for name in moves["id"]],
        "before": moves["before"], "now": moves["now"], "difference": moves["difference"],
        "interval": list(zip(moves["low"], moves["high"], strict=True)),
        "verdict": [phrase(report, group, "moved" if row else "still") for row in moves["changed"]],
    })  # fmt: skip
    kinds = {"before": "percent", "now": "percent", "difference": "points", "interval": "points_range"}
    return View(
        finding=finding,
        table=Table("changes", frame, _columns(report, frame, **kinds), phrase(report, group, "table")),
    )


def open_questions(report: Report, found: list[Finding]) -> View:
    """What the data cannot tell yet, and what to export."""
    group = f"{GROUP}.open"
    chosen = [item for item in found if item.status != "ok"]
    if not chosen:
        return View(finding=state(report, group, "open_questions", "data", variant="none"))
    frame = pd.DataFrame({
        "fact": [item.headline for item in chosen],
        "why": [item.fact for item in chosen],
        "next": [item.question for item in chosen],
    })  # fmt: skip
    number = Number(len(chosen), "count", n=len(found))
    finding = state(report, group, "open_questions", "data", number, count=len(chosen), all=len(found))
    return View(
        finding=finding, table=Table("open", frame, _columns(report, frame), phrase(report, group, "table"))
    )


def hypotheses(report: Report, found: list[Finding], patience: pd.DataFrame) -> View:
    """A form for the review: today's number, and how many leads it takes to see it move."""
    group, known = f"{GROUP}.hypotheses", _by_id(found)
    wanted = patience[patience["id"].isin(HYPOTHESES)]
    if wanted.empty:
        return View(finding=state(report, group, "hypotheses", "ceo", variant="none", status="cannot_tell"))
    material = report.audit.thresholds.material
    finding = state(
        report, group, "hypotheses", "ceo", Number(len(wanted), "count", n=len(found)), material=material
    )
    frame = pd.DataFrame({
        "fact": [known[name].headline for name in wanted["id"]],
        "now": wanted["now"], "aim": wanted["aim"], "needed": wanted["needed"],
        "owner": "", "by_when": "",
    })  # fmt: skip
    kinds = {"now": "percent", "aim": "percent", "needed": "count"}
    return View(
        finding=finding,
        table=Table("hypotheses", frame, _columns(report, frame, **kinds), phrase(report, group, "table")),
    )
