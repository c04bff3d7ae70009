"""The day of the export, from audit.yml or told from the data, and the days that the data spans."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from detente import engine
from detente.audit import Audit
from detente.intake import clean, people, spelling
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

    from detente.intake.build import Batch

_FACTS = {"deals": "created_at", "leads": "created_at", "stages": "entered_at", "payments": "paid_at"}
APART = 14  # days without any event before a last few that are taken for typing errors
LONELY = 1000  # one row in so many may stand apart


def told(audit: Audit, batches: dict[str, list[Batch]]) -> dt.date:
    """The day of the export: no fact can be later than the day after it.

    Not stated, it is the last day of what was created, entered or paid, not later than today. Deals may
    close long after the last of them was created: where more than 1 % of closings are later, the last
    closing counts as well; a few are typing errors.
    """
    if audit.as_of:
        return audit.as_of
    today = dt.date.today()
    latest = [
        day
        for name, column in _FACTS.items()
        for batch in batches.get(name, [])
        if (day := last_day(clean.union(batch.paths), column, today))
    ]
    as_of = max(latest, default=today)
    for batch in batches["deals"]:
        if not any(export.headings_of("closed_at") for export in batch.exports):
            continue
        ended = _ended(audit, batch.typed())
        after = ended["closed_at"].date() > _ibis_date(as_of + dt.timedelta(days=1))
        [count] = engine.frame(ended.aggregate(all=ended.count(), late=ended.count(where=after))).itertuples()
        if count.late * 100 > count.all:
            as_of = max(as_of, last_day(ended.filter(after), "closed_at", today) or as_of)
    return as_of


def last_day(table: ibis.Table, column: str, today: dt.date) -> dt.date | None:
    """The last day with events, not later than today, passing over a few that stand alone far behind the rest.

    A mistyped day would otherwise move the day of the export, and stale data would look fresh.
    """
    dated = table.mutate(day=table[column].date())
    dated = dated.filter(dated.day <= _ibis_date(today))
    counted = engine.frame(dated.group_by(day=dated.day.cast("string")).aggregate(rows=dated.count()))
    counted = counted.sort_values("day", ignore_index=True)
    if counted.empty:
        return None
    days, rows = [dt.date.fromisoformat(day) for day in counted["day"]], counted["rows"].tolist()
    last, behind = len(days) - 1, 0
    for place in range(len(days) - 1, 0, -1):
        behind += rows[place]
        if behind * LONELY >= sum(rows):
            break
        if (days[place] - days[place - 1]).days > APART:
            last = place - 1
    return days[last]


def _ended(audit: Audit, deals: ibis.Table) -> ibis.Table:
    """Deals on a won or lost stage that have a date of closing not later than today."""
    places = spelling.stage_places(audit)
    final = [
        name
        for name in people.distinct(deals, "stage")
        if (place := places.get(fold(name))) and place.outcome in ("won", "lost")
    ]
    return deals.filter(
        deals["stage"].isin(final) & (deals["closed_at"].date() <= _ibis_date(dt.date.today()))
    )


def _ibis_date(day: dt.date):
    import ibis

    return ibis.date(str(day))


def span(journeys_table: ibis.Table, spend: ibis.Table | None, as_of: dt.date) -> dict[str, str]:
    """The first day of inquiries or spend, and the last; spend counts up to the day of the export."""
    first, last = _ends(journeys_table, "created_at")
    if spend is not None and last:
        spend = spend.filter(spend["date_from"] <= _ibis_date(as_of))
        from_, to = _ends(spend, "date_from")
        first, last = min(first, from_ or first), max(last, to)
    return {"first": first, "last": last}


def _ends(table: ibis.Table, column: str) -> tuple[str, str]:
    day = table[column].cast("date")
    found = engine.frame(table.aggregate(a=day.min().cast("string"), b=day.max().cast("string"))).iloc[0]
    return tuple(value if isinstance(value, str) else "" for value in found)
