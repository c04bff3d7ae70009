"""How soon the first call comes, per segment: over all leads that could have been called."""

from __future__ import annotations

import datetime as dt

import ibis
import pytest

import bought
from detente.metrics import response
from focused import CALL, UNTIL, Company, Part, aligned


# --- response ---
def answered(calls: list[tuple[str | None, str | None, str]], inquiries: list[dict]) -> response.Response:
    rows = [{"lead_id": lead, "person": person, "started_at": dt.datetime.fromisoformat(at), "duration_s": 10.0}
            for lead, person, at in calls]  # fmt: skip
    made = [{"segment": "a", "created_at": "2026-03-02T10:00", **row} for row in inquiries]
    leads = bought.inquiries(made).mutate(created_date_only=ibis._.lead_id.startswith("day"))
    return response.response(leads, bought.table(rows, CALL), UNTIL)


def test_first_calls_are_counted_within_the_hour_and_by_the_end_of_the_next_day() -> None:
    found = answered(
        [("soon", None, "2026-03-02T10:59:59"), ("hour", None, "2026-03-02T11:00"), ("next", None, "2026-03-03T23:59"),
         ("late", None, "2026-03-04T00:00"), ("early", None, "2026-03-02T09:59"), (None, "p", "2026-03-02T10:30"),
         ("soon", None, "2026-03-09T10:00")],
        [{"lead_id": "soon"}, {"lead_id": "hour"}, {"lead_id": "next"}, {"lead_id": "late"}, {"lead_id": "early"},
         {"lead_id": "tied", "person": "p"}, {"lead_id": "day1"}, {"lead_id": "never"},
         {"lead_id": "young", "created_at": "2026-06-29T10:00"}],
    ).table.loc["a"]  # fmt: skip
    counts = ["leads", "young", "undated", "judged", "hour", "day", "never"]
    assert found[counts].tolist() == [9, 1, 1, 7, 2, 4, 2]
    assert found["hour_share"] == pytest.approx(2 / 7)
    # minutes 30, 59, 60, 2279 and 2280: half of the five had been called after an hour
    assert found["median"] == 1


def test_only_days_or_no_log_at_all_is_said() -> None:
    leads = aligned().inquiries()
    assert response.response(leads, None, UNTIL).status == "no_calls"
    midnight = bought.table(
        [{"started_at": dt.datetime(2026, 3, 2), "lead_id": "a-1", "duration_s": 5.0}], CALL
    )
    assert response.response(leads, midnight, UNTIL).status == "no_times"
    whole = leads.mutate(created_date_only=True)
    assert response.response(whole, aligned().calls(), UNTIL).status == "no_times"


def test_a_segment_is_called_later_only_if_the_difference_is_sure_and_material() -> None:
    company = Company(
        {"a": Part(leads=60, after=30), "b": Part(leads=60, after=0.5), "c": Part(leads=5, after=40)}
    )
    found = response.response(company.inquiries(), company.calls(), UNTIL)
    later = response.against_rest(found, "a")
    assert (later.hits, later.judged, later.rest_hits, later.rest_judged) == (0, 60, 60, 65)
    assert later.differs
    assert later.difference == pytest.approx(-60 / 65)
    small = response.against_rest(found, "c")
    assert (small.status, small.differs) == ("cannot_tell", False)
    assert response.against_rest(found, "nobody").status == "cannot_tell"
