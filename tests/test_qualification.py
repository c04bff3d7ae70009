"""The verdict, counted by hand: what passes, fails and stays unknown, under each rule."""

import math

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente import engine, schema
from detente.audit import Criterion, Label
from detente.metrics import qualification

CHECKS = ("pass", "fail", "unknown")


def criterion(name, operator, value=None, **more):
    return Criterion(id=name, column=name, operator=operator, value=value, ru=name, en=name, **more)


def label(name="sales", **more):
    stated = {"by": "sales", "column": name, "target": ["Наш", "Ours"], "non_target": ["Не наш"]}
    return Label(id=name, ru=name, en=name, **(stated | more))


def verdicts(frame, criteria, labels=()):
    return engine.frame(qualification.judge(engine.table(pd.DataFrame(frame)), criteria, labels))


def checks(operator, value, cells, **more):
    """What one criterion makes of each cell."""
    return verdicts({"attr_a": cells}, [criterion("a", operator, value, **more)])["check_a"].tolist()


def by_checks(*rows, names="abc"):
    """A judged table made from the outcome of each check: 1.0 passes, 0.0 fails, NaN is unknown."""
    cells = {"pass": 1.0, "fail": 0.0, "unknown": math.nan}
    frame = pd.DataFrame([[cells[check] for check in row] for row in rows], dtype=float)
    frame.columns = [f"attr_{name}" for name in names]
    criteria = [criterion(name, "at_least", 1) for name in names]
    return qualification.judge(engine.table(frame), criteria), criteria


@pytest.mark.parametrize(
    ("operator", "value", "cells", "expected"),
    [
        ("in", ["Москва", "Тверь"], ["москва", "казань"], ["pass", "fail"]),
        ("not_in", ["Студент"], ["студент", "директор"], ["fail", "pass"]),
        ("contains", ["директор", "собственник"], ["ген. директор", "менеджер"], ["pass", "fail"]),
        ("at_least", 100, [100.0, 99.99], ["pass", "fail"]),
        ("at_most", 50, [50.0, 50.01], ["pass", "fail"]),
        ("between", [10, 20], [10.0, 20.0, 9.99, 20.01], ["pass", "pass", "fail", "fail"]),
        ("valid_phone", None, [True, False], ["pass", "fail"]),
    ],
)
def test_every_operator_passes_and_fails_at_its_border(operator, value, cells, expected):
    assert checks(operator, value, cells) == expected


@pytest.mark.parametrize(
    ("operator", "value", "filled"),
    [
        ("in", ["x"], "y"),
        ("not_in", ["x"], "x"),
        ("contains", ["x"], "y"),
        ("at_least", 1, 0.0),
        ("at_most", 1, 2.0),
        ("between", [1, 2], 3.0),
        ("valid_phone", None, False),
    ],
)
def test_an_empty_cell_is_unknown_and_never_a_failure(operator, value, filled):
    assert checks(operator, value, [filled, None]) == ["fail", "unknown"]


def test_values_of_the_audit_are_compared_in_one_spelling():
    stored = [schema.fold("ЁЛКИ  и палки"), schema.fold("B2B"), "2024"]
    assert checks("in", [" елки и палки ", "b2b", 2024], stored) == ["pass"] * 3


def test_a_value_that_says_nobody_looked_is_unknown():
    assert checks("in", ["да"], ["да", "нет", "не уточнили"], unknown=["Не уточнили"]) == [
        "pass",
        "fail",
        "unknown",
    ]
    assert checks("at_least", 5, [9.0, 1.0, 0.0], unknown=["0", "нет"]) == ["pass", "fail", "unknown"]


def test_an_empty_cell_passes_where_the_audit_says_that_only_faults_are_written_down():
    assert checks("not_in", ["спам"], ["спам", None], empty="pass") == ["fail", "pass"]


def test_nan_never_counts_as_a_large_number():
    table = engine.table(pd.DataFrame({"n": [1]})).mutate(attr_a=ibis.literal(math.nan, "float64"))
    judged = engine.frame(qualification.judge(table, [criterion("a", "at_least", 5)]))
    assert judged["check_a"].tolist() == ["unknown"]


@pytest.mark.parametrize(
    ("row", "verdict", "failed"),
    [
        (("pass", "pass", "pass"), "target", 0),
        (("pass", "unknown", "pass"), "unknown", 0),
        (("unknown", "fail", "unknown"), "non_target", 1),
        (("fail", "fail", "pass"), "non_target", 2),
        (("unknown", "unknown", "unknown"), "unknown", 0),
    ],
)
def test_one_failure_decides_and_target_needs_every_pass(row, verdict, failed):
    judged = engine.frame(by_checks(row)[0]).iloc[0]
    assert (judged["verdict"], judged["failed"]) == (verdict, failed)


def test_without_criteria_nothing_is_known():
    judged = qualification.judge(engine.table(pd.DataFrame({"lead_id": ["a", "b"]})), [])
    found = qualification.total(judged)
    assert (found.leads, found.unknown, found.known) == (2, 2, 0)
    assert (found.bound_low, found.bound_high) == (0, 1)
    assert math.isnan(found.share)


def test_a_missing_column_is_named():
    with pytest.raises(schema.DataError, match="attr_budget, label_sales"):
        verdicts({"lead_id": ["a"]}, [criterion("budget", "at_least", 1)], [label()])


def test_a_label_says_what_the_audit_states_for_each_value():
    cells = ["наш", "ours", "не наш", "перезвонить", None]
    says = verdicts({"label_sales": cells}, [], [label(otherwise="target", empty="non_target")])["says_sales"]
    assert says.tolist() == ["target", "target", "non_target", "target", "non_target"]
    assert verdicts({"label_sales": cells}, [], [label()])["says_sales"].tolist()[3:] == [
        "unknown",
        "unknown",
    ]


def test_labels_never_move_the_verdict():
    frame = {"attr_a": [1.0, 0.0, None], "label_sales": ["не наш", "наш", "не наш"]}
    with_label = verdicts(frame, [criterion("a", "at_least", 1)], [label()])
    assert with_label["verdict"].tolist() == ["target", "non_target", "unknown"]


def test_the_headline_counts_known_leads_and_prints_the_bounds_beside():
    judged, _ = by_checks(*[("pass",)] * 5, *[("fail",)] * 3, *[("unknown",)] * 2, names="a")
    found = qualification.total(judged, 0.9)
    assert (found.leads, found.target, found.non_target, found.unknown, found.known) == (10, 5, 3, 2, 8)
    assert (found.share, found.bound_low, found.bound_high) == (0.375, 0.3, 0.5)
    assert found.level == 0.9
    assert found.low < 0.375 < found.high
    assert found.unknown_share == 0.2
    assert found.unknown_low < 0.2 < found.unknown_high


def test_by_criterion_tells_any_only_rescue_and_first_apart():
    judged, criteria = by_checks(
        ("fail", "pass", "pass"),
        ("fail", "fail", "pass"),
        ("unknown", "fail", "fail"),
        ("pass", "fail", "unknown"),
        ("pass", "pass", "pass"),
        ("unknown", "unknown", "unknown"),
    )
    table = qualification.by_criterion(judged, criteria).set_index("criterion")
    assert table["fails"].to_dict() == {"a": 2, "b": 3, "c": 1}
    assert table["known"].to_dict() == {"a": 4, "b": 5, "c": 4}
    assert table["unknown"].to_dict() == {"a": 2, "b": 1, "c": 2}
    assert table["only"].to_dict() == {"a": 1, "b": 1, "c": 0}
    assert table["rescue"].to_dict() == {"a": 1, "b": 0, "c": 0}  # of (pass, fail, unknown) nobody knows
    assert table["first"].to_dict() == {"a": 2, "b": 2, "c": 0}
    assert table["share"].to_dict() == {"a": 0.5, "b": 0.6, "c": 0.25}
    assert table["share_of_leads"].tolist() == pytest.approx([2 / 6, 3 / 6, 1 / 6])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(CHECKS)] * 3), min_size=1, max_size=40), st.randoms())
def test_first_failures_sum_to_the_non_target_leads_and_row_order_changes_nothing(rows, random):
    judged, criteria = by_checks(*rows)
    table, headline = qualification.by_criterion(judged, criteria), qualification.total(judged)
    assert table["first"].sum() == headline.non_target == sum("fail" in row for row in rows)
    assert (table["rescue"] <= table["only"]).all()
    assert (table["only"] <= table["fails"]).all()
    assert (table["passes"] + table["fails"] + table["unknown"] == len(rows)).all()
    shuffled, _ = by_checks(*random.sample(rows, len(rows)))
    pd.testing.assert_frame_equal(qualification.by_criterion(shuffled, criteria), table)


def test_no_criteria_give_an_empty_table_with_the_same_columns():
    judged, criteria = by_checks(("pass", "pass", "pass"))
    empty = qualification.by_criterion(judged, [])
    assert empty.empty
    assert list(empty.columns) == list(qualification.by_criterion(judged, criteria).columns)


def test_the_same_leads_give_another_answer_under_each_rule():
    frame = {"attr_a": [1.0, 1.0, 0.0, None], "label_sales": ["не наш", "не наш", "не наш", "наш"]}
    judged = qualification.judge(
        engine.table(pd.DataFrame(frame)), [criterion("a", "at_least", 1)], [label()]
    )
    table = qualification.definitions(judged, [label()], 0.9).set_index("rule")
    assert table.index.tolist() == ["criteria", "sales"]
    assert table["bound_low"].tolist() == [0.25, 0.75]
    assert table["known"].tolist() == [3, 4]
    assert table["share"].tolist() == pytest.approx([1 / 3, 3 / 4])
    assert set(table["level"]) == {0.9}


def test_an_empty_table_has_counts_of_zero_and_no_share():
    judged, criteria = by_checks(("pass", "pass", "pass"))
    none = judged.filter(judged.verdict == "nothing")
    assert qualification.total(none).leads == 0
    assert math.isnan(qualification.total(none).bound_high)
    assert qualification.by_criterion(none, criteria)["share"].isna().all()
