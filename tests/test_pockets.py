"""Open deals without a task and without a sound, stage by stage: counted by hand."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd

from detente import engine
from detente.metrics import pockets
from walked import AS_OF, DAY, FUNNEL, START, Deal, history, journeys, tasks

EVENING = dt.datetime(2026, 6, 30, 12)


def called(deal: str):
    """One call the day before the export."""
    at = pd.Series([pd.Timestamp("2026-06-29 10:00")]).astype("datetime64[us]")
    return engine.table(pd.DataFrame({"lead_id": [deal], "started_at": at}))


def silent(days: int, path: str = "A") -> Deal:
    """An open deal whose last move was so many days before the evening of the export."""
    count = len(path.split())
    return Deal(path, times=[EVENING - DAY * (days + count - 1 - place) for place in range(count)])


def standing(made: list[Deal], todo, **keys):
    # forty deals that moved on after four days of silence, once each: the usual silence is 4 days
    walked = [Deal("A W", times=[START + dt.timedelta(minutes=at), START + 4 * DAY + dt.timedelta(minutes=at)])
              for at in range(40)]  # fmt: skip
    every = made + walked
    return pockets.pockets(journeys(every), FUNNEL, AS_OF, moved=history(every), tasks=todo, **keys)


def test_the_usual_silence_is_read_from_moves_onward() -> None:
    found = standing([silent(1)], tasks([("L0", "2026-07-01", None)]))
    assert (found.quiet_days, found.steps) == (4, 40)


def test_an_old_deal_with_a_live_task_is_never_called_quiet() -> None:
    """R10: time in the funnel is not limited."""
    made = [silent(100), silent(100), silent(100), silent(2)]
    found = standing(
        made, tasks([("L0", "2026-07-05", None), ("L1", "2026-06-01", None), ("L3", "2026-07-01", None)])
    )
    assert (found.open, found.live, found.overdue, found.no_task) == (4, 2, 1, 1)
    assert (found.quiet, found.excused) == (
        2,
        1,
    )  # the overdue one and the one without a task; the live one is excused


def test_age_alone_flags_nothing_where_something_happened_lately() -> None:
    old = Deal("A B", times=[dt.datetime(2025, 1, 1), EVENING - DAY])
    assert standing([old], tasks([])).quiet == 0


def test_half_and_twice_the_usual_silence_are_shown_beside_it() -> None:
    found = standing([silent(3), silent(6), silent(20)], tasks([]))
    assert (found.quiet_half, found.quiet, found.quiet_double) == (3, 2, 1)


def test_a_task_due_today_is_live_and_one_without_a_day_too() -> None:
    found = standing([silent(1), silent(1)], tasks([("L0", "2026-06-30", None), ("L1", None, None)]))
    assert found.live == 2


def test_a_finished_task_is_no_next_step_but_a_trace_of_work() -> None:
    found = standing([silent(50)], tasks([("L0", "2026-06-29", "2026-06-29")]))
    assert (found.no_task, found.quiet) == (1, 0)


def test_a_call_breaks_the_silence() -> None:
    assert standing([silent(50)], tasks([]), calls=called("L0")).quiet == 0


def test_an_open_deal_without_a_task_and_a_move_is_idle_even_after_a_call() -> None:
    """R9 asks for moves and tasks; a call moves nothing."""
    assert standing([silent(50)], tasks([]), calls=called("L0")).idle == 1


def test_a_deal_stands_where_it_is_now_and_not_where_it_once_was() -> None:
    found = standing([silent(50, "A B C A")], tasks([])).stages
    assert found[["order", "open", "quiet"]].to_numpy().tolist() == [[1, 1, 1]]


def test_without_tasks_no_deal_is_said_to_lack_one() -> None:
    assert standing([silent(50)], None).status == "no_tasks"


def test_without_a_history_no_silence_is_usual() -> None:
    found = pockets.pockets(journeys([silent(50)]), FUNNEL, AS_OF, tasks=tasks([]))
    assert (found.status, found.quiet, found.no_task) == ("no_quiet", 0, 1)


def test_no_open_deal_is_no_error() -> None:
    found = standing([], tasks([("L0", "2026-06-01", None)]))
    assert (found.open, found.quiet, found.money) == (0, 0, 0)
    assert math.isnan(found.share)
