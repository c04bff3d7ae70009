"""When it became known that a lead is not ours, on leads placed by hand."""

import math

import pandas as pd
import pytest

from detente import engine
from detente.metrics import moments


def rejected(*rows):
    """Rows of (check a, its time, entered 1, entered 2, entered 3); non-target where the check fails."""
    columns = ["check_a", "attr_a_at", "entered_1", "entered_2", "entered_3"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[columns[1:]] = frame[columns[1:]].apply(pd.to_datetime, format="ISO8601")
    verdict = frame["check_a"].map({"fail": "non_target", "pass": "target", "unknown": "unknown"})
    return engine.table(frame.assign(verdict=verdict))


def test_the_stage_of_the_verdict_is_the_last_one_entered_by_then():
    table = rejected(
        ("fail", "2024-03-01 09:00", "2024-03-01 10:00", None, None),  # before the first stage
        ("fail", "2024-03-01 10:00", "2024-03-01 10:00", "2024-03-02", None),  # stage 1
        ("fail", "2024-03-03 12:00", "2024-03-01 10:00", "2024-03-02", "2024-03-05"),  # stage 2
        ("fail", "2024-03-09 12:00", "2024-03-01 10:00", None, "2024-03-05"),  # stage 3, stage 2 skipped
        ("fail", None, "2024-03-01 10:00", None, None),  # no moment
        ("fail", "2024-03-01 10:00", None, None, None),  # no history
        ("pass", "2024-03-01 10:00", "2024-03-01 10:00", None, None),  # not rejected
    )
    found = moments.known_stage(table, ["New", "Contacted", "Offer"], 0.9)
    assert (found.status, found.leads, found.recorded, found.unrecorded) == ("ok", 6, 4, 2)
    assert found.table["leads"].tolist() == [1, 1, 1, 1]
    assert found.table["stage"].tolist()[1:] == ["New", "Contacted", "Offer"]
    assert (found.early, found.share, found.level) == (2, 0.5, 0.9)
    assert found.low < 0.5 < found.high
    assert found.table["share"].tolist() == [0.25] * 4
    assert (found.table["low"] < 0.25).all()
    assert (found.table["high"] > 0.25).all()


def test_a_moment_without_a_clock_does_not_fall_before_the_stage_of_the_same_day():
    table = rejected(
        ("fail", "2024-03-01", "2024-03-01 10:00", "2024-03-01 15:00", None),
        ("fail", "2024-02-29", "2024-03-01 10:00", None, None),
    )
    assert moments.known_stage(table, ["New", "Contacted", "Offer"]).table["leads"].tolist() == [1, 1, 0, 0]


def test_of_several_failures_the_earliest_recorded_one_counts_and_passes_do_not():
    checks = {"check_a": "fail", "check_b": "fail", "check_c": "pass", "check_d": "fail"}
    times = {
        "attr_a_at": "2024-03-06",
        "attr_b_at": "2024-03-04",
        "attr_c_at": "2024-03-01",
        "attr_d_at": None,
    }
    times |= {"entered_1": "2024-03-01", "entered_2": "2024-03-03", "entered_3": "2024-03-05"}
    stamps = {name: pd.to_datetime([day]) for name, day in times.items()}
    frame = pd.DataFrame({"verdict": ["non_target"], **checks, **stamps})
    found = moments.known_stage(engine.table(frame), ["New", "Contacted", "Offer"])
    assert found.table["leads"].tolist() == [0, 0, 1, 0]


def test_missing_times_or_history_are_said_and_not_guessed():
    table = rejected(("fail", "2024-03-01", "2024-03-01", None, None))
    no_times = moments.known_stage(table.drop("attr_a_at"), ["New"])
    no_history = moments.known_stage(table.drop("entered_1", "entered_2", "entered_3"), ["New"])
    assert [found.status for found in (no_times, no_history)] == ["no_criteria_times", "no_stage_history"]
    for found in (no_times, no_history):
        assert (found.leads, found.recorded, found.unrecorded) == (1, 0, 1)
        assert math.isnan(found.share)


def labelled(*rows):
    """Rows of (outcome, closed, label set, what the label says)."""
    frame = pd.DataFrame(rows, columns=["outcome", "closed_at", "label_sales_at", "says_sales"])
    for name in ("closed_at", "label_sales_at"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601")
    return engine.table(frame)


HINDSIGHT = [
    *[("lost", "2024-03-10 12:00", "2024-03-01 09:00", "target")] * 3,
    ("lost", "2024-03-10 12:00", "2024-03-10 11:59", "non_target"),  # a minute before the loss
    *[("lost", "2024-03-10 12:00", "2024-03-10 12:00", "non_target")] * 3,
    ("lost", "2024-03-10 12:00", "2024-03-12 09:00", "target"),
    ("lost", "2024-03-10 12:00", None, "non_target"),  # no label time
    ("lost", None, "2024-03-01", "target"),  # no closing time
    ("won", "2024-03-10", "2024-03-12", "target"),
    ("open", None, "2024-03-01", "non_target"),
    ("lost", "2024-03-10", "2024-03-12", "unknown"),
]


def test_labels_set_before_the_loss_are_told_from_those_set_at_the_close():
    found = moments.label_timing(labelled(*HINDSIGHT), "sales", 0.9)
    assert (found.status, found.lost, found.others) == ("ok", 10, 2)
    assert (found.early, found.early_non_target, found.early_share) == (4, 1, 0.25)
    assert (found.at_close, found.at_close_non_target, found.at_close_share) == (4, 3, 0.75)
    assert found.untimed == 2
    assert (found.late_share, found.difference, found.level) == (0.5, 0.5, 0.9)
    assert found.low < 0.5 < found.high


def test_a_label_dated_on_the_day_of_the_loss_without_a_clock_counts_as_set_at_the_loss():
    found = moments.label_timing(labelled(("lost", "2024-03-10 12:00", "2024-03-10", "non_target")), "sales")
    assert (found.early, found.at_close) == (0, 1)


def test_a_label_without_times_gives_counts_and_no_comparison():
    found = moments.label_timing(labelled(*HINDSIGHT).drop("label_sales_at"), "sales")
    assert (found.status, found.lost, found.untimed, found.early, found.at_close) == (
        "no_times",
        10,
        10,
        0,
        0,
    )
    assert math.isnan(found.difference)
    assert math.isnan(found.low)


def test_row_order_changes_nothing():
    forward, backward = (
        moments.label_timing(labelled(*rows), "sales") for rows in (HINDSIGHT, HINDSIGHT[::-1])
    )
    assert forward == backward
    assert forward.difference == pytest.approx(0.5)
