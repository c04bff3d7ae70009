"""A draft of audit.yml for a folder of exports, written for the consultant who will correct it.

Three marks run through it: `# ?` is a guess to check, `# QUESTION:` asks what no export can answer, and a
block behind `# ` is ready to be uncommented. No value of a column that may tell about persons is ever shown.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from detente.audit import AuditError
from detente.intake import draft_money, draft_sources, draft_verdicts, guesses, survey
from detente.intake.draft_sources import count, text
from detente.intake.survey import Export, Survey
from detente.schema import fold

LISTED = 40  # of longer lists of channels, the rest is only counted


def write(folder: Path, paths: Iterable[Path] | None = None) -> Path:
    """Write `folder`/audit.yml for the exports in it (or for `paths`) and return its path.

    Never replaces a file. Raises AuditError where audit.yml is there already or where no exports are.
    """
    folder = Path(folder)
    target = folder / "audit.yml"
    if target.exists():
        raise AuditError(f"{target}: it is there already and stays as it is; rename it to get a new draft")
    with tempfile.TemporaryDirectory() as scratch:
        found = survey.look(paths or survey.exports_in(folder), Path(scratch))
        lines = list(_draft(folder, found))
    try:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(line.rstrip() for line in lines) + "\n")
    except FileExistsError:
        raise AuditError(f"{target}: another run has just written it; it stays as it is") from None
    return target


def _draft(folder: Path, found: Survey) -> Iterator[str]:
    deals = found.one("deals")
    head = list(draft_sources.header(folder.resolve().name, found))
    sections = [
        draft_sources.sources(found),
        _funnel(deals),
        draft_verdicts.criteria(deals),
        draft_verdicts.labels(deals),
        draft_verdicts.reasons(deals),
        _channels(found),
        draft_money.costs(found),
        draft_money.economics(found),
        _rest(deals),
    ]
    body = [line for lines in map(list, sections) if lines for line in ["", *lines]]
    asked = sum("QUESTION:" in line for line in [*head, *body])
    yield f"# A draft, made from the files of this folder. {asked} lines are marked QUESTION: answer them."
    yield "# `# ?` marks a guess to check. Blocks behind `# ` are ready: take the mark away to use them."
    yield "# Then `detente check audit.yml` shows what was read and lost; `detente run audit.yml` reports."
    yield from ["", *head, *body]


def _funnel(deals: Export | None) -> Iterator[str]:
    """Stages with their counts, sorted into open (in order), won, lost, excluded."""
    stages = deals.values(deals.heading("stage")) if deals else {}
    kinds: dict[str, list[str]] = {"open": [], "won": [], "lost": [], "excluded": []}
    for stage in stages:
        kinds[guesses.outcome(stage)].append(stage)
    yield "funnel:"
    if stages and sum(stages[stage] for stage in kinds["won"] + kinds["lost"]) < 0.05 * sum(stages.values()):
        yield "  # QUESTION: hardly a deal is won or lost. Some CRMs export open deals only, unless the"
        yield "  #   filter names the closed stages; then reasons cannot be judged. Export again?"
    yield "  # QUESTION: do deals go through the stages in this order? The order is guessed from their names."
    yield "  stages:"
    yield from _open_stages(
        sorted(kinds["open"], key=lambda stage: (guesses.place(stage), -stages[stage])), stages
    )
    for kind in ("won", "lost", "excluded"):
        yield from _closed_stages(kind, kinds[kind], stages)


def _open_stages(ordered: list[str], stages: dict[str, int]) -> Iterator[str]:
    if not ordered:
        yield "    - name: New  # QUESTION: no open stage was found; name the stages that deals go through"
    for stage in ordered:
        where = "" if guesses.place(stage) < guesses.UNPLACED else "  # ? where does it stand"
        yield f"    - name: {text(stage)}  # {count(stages[stage])}{where}"
        if re.search("квалиф|qualif", fold(stage)):
            yield "      qualified: true  # ? sales found the lead fit before it came here"


def _closed_stages(kind: str, names: list[str], stages: dict[str, int]) -> Iterator[str]:
    if not names:
        ask = "" if kind == "excluded" else f"  # QUESTION: which stage means {kind}?"
        yield f"  {kind}: []{ask}"
        return
    yield f"  {kind}:{'  # ? no deals at all: left out of every count' if kind == 'excluded' else ''}"
    yield from (f"    - {text(name)}  # {count(stages[name])}" for name in names)


def _channels(found: Survey) -> Iterator[str]:
    """Channels of deals and of spend, spellings that are surely one name, and those that may be."""
    ours = _named(found.found.get("deals", []))
    paid = _named(found.found.get("spend", []))
    yield from _listed("Channels of deals", ours)
    yield from _listed("Channels of spend, by rows", paid)
    known = {fold(name) for name in ours}
    if alone := [text(name) for name in paid if fold(name) not in known]:
        listed = ", ".join(alone[:LISTED])
        yield f"# QUESTION: money went to channels that no deal names: {listed}. Other spellings?"
    yield "channels:  # one name: [its other spellings]; case and spaces do not matter"
    together = list({fold(name): name for name in [*paid, *ours]}.values())
    together.sort(key=lambda name: -(ours.get(name, 0) + paid.get(name, 0)))
    for name, *others in guesses.alike(together):
        yield f"  {text(name)}: [{', '.join(text(other, flow=True) for other in others)}]  # ?"
    for one, other in guesses.near(together[:80]):
        yield f"  # {text(one)}: [{text(other, flow=True)}]  # ? nearly the same"


def _named(exports: list[Export]) -> dict[str, int]:
    """Channel -> rows over all exports of a table; a channel that holds a contact is left out."""
    rows: dict[str, int] = {}
    for export in exports:
        for name, number in export.values(export.heading("channel")).items():
            if not guesses.holds_contact(name):
                rows[name] = rows.get(name, 0) + number
    return rows


def _listed(title: str, rows: dict[str, int]) -> Iterator[str]:
    if rows:
        shown = ", ".join(f"{text(name)} {count(number)}" for name, number in list(rows.items())[:LISTED])
        more = f", and {len(rows) - LISTED} rarer" if len(rows) > LISTED else ""
        yield f"# {title}: {shown}{more}"


def _rest(deals: Export | None) -> Iterator[str]:
    """Test leads first, then the sections that have good defaults, commented out."""
    suspects = {
        name: rows for name, rows in _named([deals] if deals else []).items() if guesses.is_test(name)
    }
    for name, rows in suspects.items():
        yield f"# QUESTION: is the channel {text(name)} ({count(rows)} deals) a test, or real traffic?"
    yield "tests:  # leads that are none"
    if suspects:
        yield f"  # channels: [{', '.join(text(name, flow=True) for name in suspects)}]"
    if deals and deals.heading("title"):
        yield "  # words: [тест, test, проверка, asdf]  # whole words of titles; these are the defaults"
    if deals and (deals.heading("phone") or deals.heading("email")):
        yield "  # phones: []  # the company's own"
        yield "  # emails: []"
    yield from _DEFAULTS


_DEFAULTS = [
    "",
    "# QUESTION: may the report name managers? If not, they are Manager 01, Manager 02 ...",
    "managers:",
    "  # show: true",
    "",
    "thresholds:  # these are the defaults",
    "  # min_group: 30  # smaller groups are shown, never named",
    "  # material: 0.05  # a smaller difference of shares is not called one",
    "  # ripe_days: 30  # QUESTION: how long does a deal usually take? Younger leads are told apart",
]
