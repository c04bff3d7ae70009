"""The stage log walked once: first entries, furthest stage, moves, and the end of each deal."""

from __future__ import annotations

import pandas as pd
import pytest

from detente.schema import DataError
from small_audit import Company, frame

DEALS = """id,created,stage
1,2024-01-01 09:00,Won
2,2024-01-01 09:00,Lost
3,2024-01-01 09:00,Talk
4,2024-01-01 09:00,Offer
5,2024-01-01 09:00,Lost
"""
STAGES = """deal,time,stage
1,2024-01-01 10:00,New
1,2024-01-03 10:00,Offer
1,2024-01-05 10:00,Won
2,2024-01-01 10:00,New
2,2024-01-02 10:00,Talk
2,2024-01-04 10:00,New
2,2024-01-06 10:00,Talk
2,2024-01-07 10:00,Lost
3,2024-01-01 10:00,New
3,2024-01-02 10:00,Lost
3,2024-01-09 10:00,Talk
"""


@pytest.fixture
def company(tmp_path) -> Company:
    return Company(tmp_path).source("deals", DEALS).source("stages", STAGES)


def _numbers(found: pd.DataFrame, column: str) -> list[int | None]:
    return [None if pd.isna(value) else int(value) for value in found[column]]


def test_a_walk_counts_moves_backward_and_skipped_stages(company):
    found = company.journeys()
    assert found["has_history"].tolist() == [True, True, True, False, False]
    # 1: New > Offer > Won. 2: New > Talk > New > Talk > Lost. 3: New > Lost > Talk (reopened).
    assert _numbers(found, "moves") == [2, 4, 2, None, None]
    assert _numbers(found, "backward") == [0, 1, 1, None, None]
    assert _numbers(found, "skipped") == [1, 0, 0, None, None]


def test_the_furthest_stage_is_all_of_them_when_won_and_unknown_when_lost_without_history(company):
    assert _numbers(company.journeys(), "furthest") == [3, 2, 2, 3, None]


def test_the_first_entry_to_a_stage_counts(company):
    found = company.journeys()
    assert str(found["entered_2"][1]) == "2024-01-02 10:00:00"
    assert found["entered_2"].notna().tolist() == [False, True, True, False, False]
    assert str(found["entered_1"][1]) == "2024-01-01 10:00:00"


def test_the_log_closes_deals_that_have_no_day_of_closing(company):
    found = company.journeys()
    assert [str(value)[:10] for value in found["closed_at"]] == [
        "2024-01-05",
        "2024-01-07",
        "NaT",
        "NaT",
        "NaT",
    ]
    assert not found["closed_date_only"].any()


def test_the_days_of_closing_in_the_export_go_before_those_of_the_log(tmp_path):
    company = Company(tmp_path).source(
        "deals", "id,created,stage,end\n1,2024-01-01,Won,2024-01-04\n", {"closed_at": "end"}
    )
    company.source("stages", "deal,time,stage\n1,2024-01-05 10:00,Won\n")
    found = company.journeys()
    assert (str(found["closed_at"][0]), found["closed_date_only"][0]) == ("2024-01-04 00:00:00", True)


def test_at_one_moment_the_sequence_number_decides(tmp_path):
    company = Company(tmp_path).source("deals", "id,created,stage\n1,2024-01-01,Talk\n")
    csv = "deal,time,stage,n\n1,2024-01-02,Talk,1\n1,2024-01-02,New,2\n1,2024-01-02,Offer,10\n"
    company.source("stages", csv, {"seq": "n"})
    assert _numbers(company.journeys(), "backward") == [1]


def test_at_one_moment_without_a_number_nobody_went_backward(tmp_path):
    company = Company(tmp_path).source("deals", "id,created,stage\n1,2024-01-01,Talk\n")
    company.source("stages", "deal,time,stage\n1,2024-01-02,Offer\n1,2024-01-02,New\n1,2024-01-02,Talk\n")
    found = company.journeys()
    assert (_numbers(found, "backward"), _numbers(found, "moves"), _numbers(found, "skipped")) == (
        [0],
        [2],
        [0],
    )


def test_a_log_of_changes_knows_the_first_stage_from_where_it_came(tmp_path):
    company = Company(tmp_path).source("deals", "id,created,stage\n1,2024-01-01 08:00,Offer\n")
    csv = "deal,time,was,stage\n1,2024-01-02 10:00,New,Talk\n1,2024-01-03 10:00,Talk,Offer\n"
    company.source("stages", csv, {"from_stage": "was"})
    found = company.journeys()
    assert str(found["entered_1"][0]) == "2024-01-01 08:00:00"
    assert (_numbers(found, "moves"), _numbers(found, "skipped")) == ([2], [0])


def test_history_of_unknown_deals_is_an_orphan(company):
    company.source("stages", STAGES + "99,2024-01-02 10:00,New\n,2024-01-02 10:00,New\n3,31.02.2024,New\n")
    losses = company.losses()
    assert ("stages", "quarantined", "orphan", 1, (13,)) in losses
    assert ("stages", "dropped", "no_id", 1, (14,)) in losses
    assert ("stages", "quarantined", "bad_date", 1, (15,)) in losses


def test_stages_of_the_log_that_the_funnel_does_not_name_are_refused(company):
    company.source("stages", STAGES + "4,2024-01-02 10:00,Mars\n")
    with pytest.raises(DataError, match="«Mars»"):
        company.load()


def test_without_a_log_the_stage_of_the_export_is_the_furthest_that_is_known(tmp_path):
    found = Company(tmp_path).source("deals", DEALS).journeys()
    assert _numbers(found, "furthest") == [3, None, 2, 3, None]
    assert not found["has_history"].any()
    assert found["moves"].isna().all()
    assert not [name for name in found if name.startswith("entered_")]


def test_excluded_deals_are_no_inquiries_that_count(tmp_path):
    company = Company(tmp_path).source("deals", "id,created,stage\n1,2024-01-01,Internal\n2,2024-01-01,New\n")
    found = company.journeys()
    assert (found["outcome"].tolist(), found["counted"].tolist()) == (["excluded", "open"], [False, True])


def test_age_and_month_are_those_of_the_day_of_creation(tmp_path):
    company = Company(tmp_path).source(
        "deals", "id,created,stage\n1,2024-01-31 23:59,New\n2,2024-02-29 00:01,New\n"
    )
    found = company.state(as_of="2024-03-01").journeys()
    assert (found["month"].tolist(), found["age_days"].tolist()) == (["2024-01", "2024-02"], [30, 1])


def test_the_order_of_rows_changes_nothing_but_the_row(tmp_path):
    extra = {"manager": "who", "phone": "tel", "channel": "from"}
    lines = [
        f"{i},2024-01-{1 + i % 9:02d} 10:00,{['New', 'Talk', 'Won', 'Lost'][i % 4]},M{i % 3},"
        f"+7916000{i % 11:04d},"
        f"{['google', 'Google', 'Mail'][i % 3]}"
        for i in range(40)
    ]
    events = [
        f"{i % 40},2024-01-{10 + i % 3} 10:00,{['New', 'Talk', 'Offer', 'Won', 'Lost'][i % 5]}"
        for i in range(120)
    ]
    results = []
    for turn, name in ((1, "one"), (-1, "two")):
        folder = tmp_path / name
        folder.mkdir()
        company = Company(folder).source(
            "deals", "\n".join(["id,created,stage,who,tel,from", *lines[::turn]]) + "\n", extra
        )
        company.source("stages", "\n".join(["deal,time,stage", *events[::turn]]) + "\n")
        found = frame(company.load()[0].all_journeys).drop(columns="row")
        results.append(found.sort_values("lead_id", ignore_index=True))
    pd.testing.assert_frame_equal(*results)
