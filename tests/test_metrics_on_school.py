"""The metrics on a real CRM export against figures that were counted apart from this code.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from detente import engine, schema
from detente.audit import Label
from detente.metrics import acquisition, agreement, court, nontarget, qualification

SCHOOL = Path(__file__).resolve().parents[2] / "shared" / "data" / "school_crm"
pytestmark = pytest.mark.skipif(
    not (SCHOOL / "deals.xlsx").is_file(),
    reason="shared data not found: ../shared/data/school_crm/deals.xlsx",
)


def rule(name, **values):
    return Label(
        id=name, by="sales", column=name, otherwise="target", empty="target", ru=name, en=name, **values
    )


LABELS = [
    rule("reason", non_target=["Non target", "Invalid number", "Duplicate", "Inadequate"]),
    rule("quality", non_target=["D - Non Target"]),
    rule("broad", non_target=["D - Non Target", "E - Non Qualified", "F"]),
]


@pytest.fixture(scope="module")
def judged():
    deals = pd.read_excel(SCHOOL / "deals.xlsx", dtype=str, engine="calamine")
    deals = deals[deals["Id"].notna()]
    quality, reason = (
        deals[name].map(schema.fold, na_action="ignore") for name in ("Quality", "Lost Reason")
    )
    frame = pd.DataFrame({
        "lead_id": [f"L{order}" for order in range(len(deals))],
        "person": deals["Contact Name"],
        "channel": deals["Source"],
        "manager": deals["Deal Owner Name"],
        "outcome": deals["Stage"].map({"Payment Done": "won", "Lost": "lost"}).fillna("open"),
        "created_at": pd.to_datetime(deals["Created Time"], format="%d.%m.%Y %H:%M"),
        "closed_at": pd.to_datetime(deals["Closing Date"], format="%d.%m.%Y"),
        "label_reason": reason,
        "label_quality": quality,
        "label_broad": quality,
    })  # fmt: skip
    return qualification.judge(engine.table(frame), [], LABELS)


def test_three_rules_give_three_answers_to_one_question(judged):
    table = qualification.definitions(judged, LABELS).set_index("rule")
    assert table["leads"].iloc[0] == 21_593
    assert table.loc[["reason", "quality", "broad"], "non_target"].tolist() == [5_189, 6_248, 13_885]
    shares = table.loc[["reason", "quality", "broad"], "bound_low"].tolist()
    assert shares == pytest.approx([0.2403, 0.2894, 0.6430], abs=6e-5)


def test_two_rules_meet_on_a_fifth_of_what_either_rejects(judged):
    found = agreement.agreement_of(judged, "reason", "quality")
    assert (found.n, found.both_non_target) == (21_593, 1_696)
    assert found.only_first + found.only_second + found.both_non_target == 9_741
    assert found.kappa < 0.1


def test_costs_per_source_are_the_reference_figures(judged):
    spend = pd.read_excel(SCHOOL / "spend.xlsx", engine="calamine").dropna(subset=["Spend"])
    cents = [Decimal(str(cost)).quantize(Decimal("0.01")) for cost in spend["Spend"]]
    money = engine.table(pd.DataFrame({"channel": spend["Source"], "cost": cents}))
    by_quality = judged.mutate(verdict=judged.says_quality)
    table = acquisition.acquisition(money, by_quality)
    assert sum(table["spend"]) == Decimal("149523.45")
    assert table["leads"].sum() == 21_593
    facebook = table.loc["Facebook Ads"]
    assert facebook[["leads", "won", "non_target", "spend"]].tolist() == [
        4_850,
        202,
        1_402,
        Decimal("33754.72"),
    ]
    assert (facebook["cpl"], facebook["cac"]) == pytest.approx((6.96, 167.10), abs=0.005)
    assert table.loc["Google Ads", ["cpl", "cac"]].tolist() == pytest.approx([13.68, 334.10], abs=0.005)
    assert table.loc["Organic", "spend_state"] == "no_spend"
    assert table.loc["Radio", ["leads", "spend_state"]].tolist() == [0, "spend_without_leads"]
    assert acquisition.wasted(table).unassigned == Decimal("300.00")


def test_sources_differ_beyond_noise(judged):
    counts = nontarget.counts(judged.mutate(verdict=judged.says_quality), "channel")
    assert nontarget.homogeneity(counts).p < 1e-3
    table = nontarget.against_rest(counts)
    assert table.loc["Youtube Ads", "named"]
    assert not table.loc["Offline", "named"]  # 1 of 2 leads
    assert nontarget.shrunk(counts)["separable"].all()


def test_leads_called_non_target_that_paid_are_brought_to_court(judged):
    found = court.court(judged, "quality")
    assert found.rejected == 6_248
    assert found.why.set_index("why").loc["won", "leads"] == 31
    assert found.contradicted >= 31
    assert found.managers["rejected"].sum() == found.channels["rejected"].sum() == 6_248
