"""Loss reasons of a real CRM export against figures that were counted apart from this code.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ibis
import pytest

from detente import intake
from detente.metrics import overuse, reason_quality, reasons, rescue

AUDIT = Path(__file__).resolve().parent / "school_crm" / "audit.yml"
SCHOOL = Path(__file__).resolve().parents[2] / "shared" / "data" / "school_crm"
pytestmark = pytest.mark.skipif(
    not (SCHOOL / "deals.xlsx").is_file(),
    reason="shared data not found: ../shared/data/school_crm/deals.xlsx",
)
LOST = {
    "Doesn't Answer": 4074, "Changed Decision": 2122, "Duplicate": 1746, "Non target": 1736, "Stopped Answering": 1556,
    "Invalid number": 1460, "Expensive": 614, "needs time to think": 606, "Conditions are not suitable": 524,
    "Inadequate": 174, "Gutstein refusal": 163, "Considering a different direction in IT": 148, "Not for myself": 145,
    "Does not speak English": 138, "Didn't leave an application": 131, "Next stream": 131, "Thought for free": 110,
    "Does not know how to use a computer": 49, "": 47, "Went to Rivals": 47, "The contract did not fit": 21,
    "Refugee": 1,
}  # fmt: skip
ALL = {
    "Doesn't Answer": 4135, "Changed Decision": 2146, "Duplicate": 1771, "Non target": 1761, "Stopped Answering": 1588,
    "Invalid number": 1481, "needs time to think": 655, "Expensive": 626, "Conditions are not suitable": 531,
    "Next stream": 288, "Inadequate": 176, "Gutstein refusal": 172, "Considering a different direction in IT": 148,
    "Not for myself": 145, "Does not speak English": 138, "Didn't leave an application": 133, "Thought for free": 110,
    "Does not know how to use a computer": 50, "Went to Rivals": 48, "The contract did not fit": 21, "Refugee": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return intake.load(AUDIT)[0]


@pytest.fixture(scope="module")
def cells(tables):
    return reasons.cells(tables.journeys, tables.audit.reasons, ["manager", "channel", "segment"])


def by_text(journeys):
    """Losses per text as typed, no group stated."""
    table = reasons.cells(journeys, [])
    return table.assign(text=table["text"].fillna("")).groupby("text")["lost"].sum().to_dict()


def test_reasons_of_lost_deals_are_the_reference_figures(tables):
    assert by_text(tables.journeys.mutate(reason_group=None)) == LOST
    assert sum(LOST.values()) == 15_743


def test_reasons_over_all_deals_are_the_reference_figures(tables):
    every = tables.journeys.mutate(outcome=ibis.literal("lost"), reason_group=None)
    assert {text: n for text, n in by_text(every).items() if text} == ALL


def test_forty_seven_losses_have_no_reason(cells):
    found = reasons.filled(cells)
    assert (found.lost, found.filled, found.empty) == (15_743, 15_696, 47)
    assert found.filled_share == pytest.approx(0.99701, abs=5e-6)


def test_groups_hold_the_sum_of_their_reasons(cells):
    table = reasons.pareto(cells).set_index("reason")["lost"]
    assert table["group:silent"] == 4074 + 1556
    assert table["group:not_ours"] == 1736 + 174
    assert reasons.filled(cells).ours == 606  # "needs time to think": the audit is silent, our list is not


def test_four_hundred_twenty_eight_deals_that_were_not_lost_carry_a_reason(tables):
    table = reason_quality.not_lost(tables.journeys)
    assert table["with_reason"].to_dict() == {"won": 115, "open": 428 - 115}
    assert table["leads"].to_dict() == {"won": 858, "open": 4992}


def test_does_not_answer_against_all_calls_of_the_contact_is_the_reference_figure(tables):
    """4,135 deals of any outcome: 330 without a call, 1,309 with a call of a minute or more, on any day."""
    every = tables.journeys.mutate(outcome=ibis.literal("lost"))
    found = reason_quality.no_answer(every, tables.calls, tables.audit.reasons, any_day=True)
    assert (found.claimed, found.why["unproven"] + found.why["outside"], found.against) == (4135, 330, 1309)


def test_talks_in_the_time_of_the_deal_are_fewer_than_talks_on_any_day(tables):
    groups = tables.audit.reasons
    ever, then = (reason_quality.no_answer(tables.journeys, tables.calls, groups, any_day=any_day)
                  for any_day in (True, False))  # fmt: skip
    assert 0 < then.against < ever.against
    assert then.claimed == ever.claimed == 4074
    assert sum(then.why.values()) == 4074


def test_no_stage_history_means_no_stage_of_loss_and_no_price_of_a_fix(tables, cells):
    assert cells["stage"].isna().all()
    ways = rescue.funnels(tables.journeys, len(tables.audit.funnel.stages))
    assert rescue.worth(cells[rescue.curable(cells, tables.audit.reasons)], ways).empty


def test_repeats_lead_in_the_organic_channel(tables, cells):
    """1,086 of 2,038 losses of Organic are repeats: own people coming back, not bad traffic."""
    table = reasons.split(cells, "channel").set_index(["channel", "reason"])
    assert table.loc[("Organic", "group:duplicate"), ["lost", "known"]].tolist() == [1086, 2038]
    out = reasons.stand_out(reasons.split(cells, "channel"), "channel")
    assert out.loc[out["named"], ["channel", "reason"]].iloc[0].tolist() == ["Organic", "group:duplicate"]


def test_without_stage_and_segment_the_comparison_of_managers_is_said_to_be_unadjusted(cells):
    assert not overuse.adjusted(cells)
    table = overuse.overuse(cells)
    totals = table.groupby("reason")["observed"].sum()
    assert totals["group:duplicate"] == 1746


def test_young_losses_are_left_out_by_their_age(tables):
    ripe = reasons.filled(reasons.cells(tables.journeys, tables.audit.reasons, ripe_days=30))
    young = (
        tables.journeys.filter(tables.journeys.outcome == "lost", tables.journeys.age_days < 30)
        .count()
        .execute()
    )
    assert ripe.lost + young == 15_743
    assert tables.as_of == dt.date(2024, 6, 21)
