"""One spelling for each name: stages to the funnel of audit.yml, channels and segments to their stated
names, and anything else to the spelling that is met most often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detente import engine
from detente.audit import Audit
from detente.intake import people
from detente.intake.values import Change
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

LEARNED = ("channel", "segment", "manager", "product", "loss_reason", "pipeline", "campaign", "utm_source",
           "utm_medium", "utm_campaign")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What a stage name means: its canonical spelling, its outcome, and its order 1..K where it is open."""

    name: str
    outcome: str
    order: int | None


def stage_places(audit: Audit) -> dict[str, Place]:
    """Folded stage name -> its place in the funnel; won, lost and excluded names have no order."""
    funnel, found = audit.funnel, {}
    for order, stage in enumerate(funnel.stages, start=1):
        for name in (stage.name, *stage.aliases):
            found.setdefault(fold(name), Place(stage.name, "open", order))
    for outcome in ("won", "lost", "excluded"):
        for name in getattr(funnel, outcome):
            found.setdefault(fold(name), Place(name, outcome, None))
    return found


@dataclass
class Spelling:
    """The chosen spelling of every name of the columns that are compared between tables.

    The tables are taught in the order of sources: deals decide how spend spells its channels.
    """

    stated: dict[str, dict[str, str]]
    learned: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, audit: Audit) -> Spelling:
        def by_alias(names: Mapping[str, list[str]]) -> dict[str, str]:
            return {fold(spelling): name for name, many in names.items() for spelling in (name, *many)}

        managers = {fold(alias): name for alias, name in audit.managers.aliases.items()}
        channels = by_alias(audit.channels)
        return cls({"channel": channels, "segment": by_alias(audit.segments), "manager": managers})

    def learn(self, table: ibis.Table, column: str, clean: Mapping[str, Change]) -> None:
        """Count the spellings of a column; the most frequent of each folded name is chosen, then the first
        by letter.
        """
        known = self.learned.setdefault(column, {})
        picked = table.filter(table[column].notnull())
        counted = engine.frame(picked.group_by(column).aggregate(cells=picked.count()))
        sizes: dict[str, int] = {}
        for raw, cells in counted.itertuples(index=False):
            text = clean[raw].text if raw in clean else raw
            if text is not None:
                sizes[text] = sizes.get(text, 0) + int(cells)
        for text in sorted(sizes, key=lambda name: (-sizes[name], name)):
            known.setdefault(fold(text), text)

    def change(self, column: str, change: Change) -> Change:
        """The chosen spelling of one cleaned cell."""
        if change.text is None:
            return change
        folded = fold(change.text)
        if name := self.stated.get(column, {}).get(folded):
            return Change(name, change.flag, change.fix)
        name = self.learned.get(column, {}).get(folded, change.text)
        fix = change.fix or ("" if name == change.text else f"one_spelling:{column}")
        return Change(name, change.flag, fix)


def changed(table: ibis.Table, changes: Mapping[str, Mapping[str, Change]]) -> ibis.Table:
    """Apply the changes of several text columns: a small table of changed cells is joined for each."""
    import ibis

    joined, made = table, {}
    for number, (column, mapping) in enumerate(changes.items()):
        mapping = {
            raw: change for raw, change in mapping.items() if change.text != raw or change.flag or change.fix
        }
        if not mapping:
            continue
        raw, new, codes = (f"_{number}{word}" for word in ("raw", "new", "codes"))
        small = people.small_table(
            {
                raw: list(mapping),
                new: [change.text for change in mapping.values()],
                codes: [
                    f"{_code(change.flag, column)}|{_code(change.fix, column)}" for change in mapping.values()
                ],
            }
        )
        joined = joined.left_join(small, joined[column] == small[raw])
        made[column] = (raw, new, codes)
    if not made:
        return table
    columns = {name: joined[name] for name in table.columns}
    for column, (raw, new, codes) in made.items():
        columns[column] = ibis.ifelse(joined[raw].notnull(), joined[new], joined[column])
        text = joined[codes].fill_null("|")
        columns["_flags"] = columns["_flags"] + text.split("|")[0]
        columns["_fixes"] = columns["_fixes"] + text.split("|")[1]
    return joined.select(**columns)


def _code(code: str, column: str) -> str:
    return "" if not code else f"{code} " if ":" in code else f"{code}:{column} "
