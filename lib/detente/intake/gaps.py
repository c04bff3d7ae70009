"""What a whole export seems to lack, told only by looking at all of it or at another export beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from detente import engine
from detente.intake import people
from detente.intake.columns import Export
from detente.intake.ledger import Ledger
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

Sources = Mapping[str, Sequence[tuple[Sequence[Export], "Callable[[], ibis.Table]"]]]
MANAGERS = 3  # so many managers elsewhere make a single one in the deals doubtful
DEALS = 100  # fewer may well be open one and all


def note(ledger: Ledger, sources: Sources, journeys: ibis.Table) -> None:
    """Remark on deals that hold one manager while others work, and on deals of which none is closed.

    The first is an export made by a user who sees only his own; the second, one without the archive.
    """
    [(exports, _)] = sources["deals"]
    if _one_manager(sources):
        ledger.note(exports[0], "flagged", "one_manager", _rows(exports), "manager")
    if _rows(exports) < DEALS:
        return
    open_ = journeys["outcome"] == "open"
    counts = journeys.aggregate(deals=journeys.count(), open=journeys.count(where=open_))
    [count] = engine.frame(counts).itertuples()
    if count.deals >= DEALS and count.deals == count.open:
        ledger.note(exports[0], "flagged", "no_closed_deals", _rows(exports), "stage")


def _rows(exports: Sequence[Export]) -> int:
    return sum(export.raw.rows for export in exports)


def _one_manager(sources: Sources) -> bool:
    if len(_managers(sources, "deals")) != 1:
        return False
    return any(len(_managers(sources, name)) >= MANAGERS for name in ("leads", "calls", "tasks"))


def _managers(sources: Sources, table: str) -> set[str]:
    """The managers that a table names, in any spelling."""
    return {
        fold(name)
        for exports, typed in sources.get(table, ())
        if any(export.headings_of("manager") for export in exports)
        for name in people.distinct(typed(), "manager")
    }
