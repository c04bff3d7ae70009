"""Whether the base sold worse beside a declared experiment."""

from __future__ import annotations

import datetime as dt

import pytest

import bought
from detente.metrics import trials
from detente.terms import Experiment


# --- experiments ---
def test_the_base_is_compared_before_and_since_the_first_lead_of_an_experiment() -> None:
    rows = [{"lead_id": f"{at}", "created_at": "2026-02-01" if at < 60 else "2026-04-01", "age_days": 90,
             "channel": "Ads", "outcome": "won" if at < 30 or at >= 110 else "lost"} for at in range(120)]  # fmt: skip
    rows += [{"lead_id": "x", "created_at": "2026-03-15T12:00", "channel": "Quiz", "age_days": 90, "outcome": "won"},
             {"lead_id": "young", "created_at": "2026-06-20", "channel": "Ads", "age_days": 3}]  # fmt: skip
    quiz = [Experiment(name="Quiz", channels=["Quiz"])]
    found = trials.conversion(bought.inquiries(rows), quiz)
    assert (found.began, found.before, found.before_won, found.since, found.since_won) == (
        dt.date(2026, 3, 15), 60, 30, 60, 10,
    )  # fmt: skip
    assert found.difference == pytest.approx(-1 / 3)
    assert found.differs
    assert trials.conversion(bought.inquiries(rows[-2:]), quiz).status == "cannot_tell"
    assert trials.conversion(bought.inquiries(rows), []).status == "none"
    assert trials.conversion(bought.inquiries(rows), [Experiment(name="Z", channels=["Z"])]).status == "none"
