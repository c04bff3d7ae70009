"""A real log of stages, to the figures that were counted apart from this code: entries, losses, money, days.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import published
from detente import engine, intake
from detente.metrics import flow, incidence
from detente.present import report as page

EXPORT = published.SHARED / "loan_stages" / "loan_stages.csv.gz"
AUDIT = Path(__file__).parent / "loan_stages" / "audit.yml"
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "04_stage_conversion.ipynb"
pytestmark = pytest.mark.skipif(
    not EXPORT.is_file(), reason="shared data not found: ../shared/data/loan_stages/loan_stages.csv.gz"
)
ENDS = {  # (how it ended, the last stage reached): applications
    ("declined", 2): 5719, ("declined", 3): 1085, ("declined", 4): 29, ("declined", 5): 802,
    ("cancelled", 2): 1, ("cancelled", 3): 1100, ("cancelled", 4): 66, ("cancelled", 5): 1640,
    ("open", 3): 69, ("open", 4): 3, ("open", 5): 327, ("won", 5): 2246,
}  # fmt: skip
DAYS = {  # from, to: applications, median, mean of the days between
    (1, 3): (7367, 0.0005, 0.0867), (3, 4): (5113, 0.1717, 0.7786), (4, 5): (5015, 0.0021, 0.0065),
    (5, "won"): (2246, 13.8266, 15.9977), (1, "won"): (2246, 14.4366, 16.6589),
}  # fmt: skip
LOSSES = {"declined": (7635, 0.0078, 2.0481), "cancelled": (2807, 16.8461, 18.5960)}


@pytest.fixture(scope="module")
def audit(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("loans")
    with gzip.open(EXPORT) as source, (folder / "loan_stages.csv").open("wb") as target:
        shutil.copyfileobj(source, target)
    return Path(shutil.copy(AUDIT, folder))


@pytest.fixture(scope="module")
def tables(audit):
    return intake.load(audit)[0]


@pytest.fixture(scope="module")
def loans(tables) -> pd.DataFrame:
    return engine.frame(tables.journeys)


def stages(tables):
    return tables.audit.funnel.stages


def test_each_stage_is_entered_as_often_as_published(tables, loans) -> None:
    entered = [int(loans[f"entered_{step}"].notna().sum()) for step in range(1, 6)]
    assert entered == [13_087, 13_087, 7_367, 5_113, 5_015]
    steps = flow.steps(tables.journeys, stages(tables))
    assert steps["entered"].tolist() == entered
    assert steps["passed"].tolist() == [13_087, 7_367, 5_113, 5_015, 2_246]
    assert steps["lost"].tolist() == [0, 5_720, 2_185, 95, 2_442]
    assert steps["open"].tolist() == [0, 0, 69, 3, 327]


def test_applications_end_where_the_published_table_says(loans) -> None:
    how = loans["reason_group"].where(loans["outcome"] == "lost", loans["outcome"])
    assert loans.groupby([how, "furthest"]).size().to_dict() == ENDS
    assert (loans["outcome"] == "open").sum() == 399


def test_the_money_is_the_published_one(tables, loans) -> None:
    steps = flow.steps(tables.journeys, stages(tables))
    assert steps["amount_entered"].iloc[0] == Decimal(177_634_511)
    assert steps["amount_passed"].iloc[-1] == flow.total(tables.journeys).amount_won == Decimal(35_290_338)
    assert loans.loc[loans["outcome"] == "won", "amount"].astype(float).median() == 13_000


def test_days_between_stages_are_the_published_ones_to_every_digit(tables) -> None:
    found = flow.durations(tables.journeys, list(DAYS))
    shown = [(int(row.n), round(row.median, 4), round(row.mean, 4)) for row in found.itertuples()]
    assert dict(zip(DAYS, shown, strict=True)) == DAYS
    assert found["negative"].sum() == 0


@pytest.mark.parametrize("reason", LOSSES)
def test_days_until_an_application_is_lost_are_the_published_ones(tables, reason) -> None:
    lost = tables.journeys.filter(tables.journeys.reason_group == reason)
    [row] = flow.durations(lost, [(1, "lost")]).itertuples()
    assert (row.n, round(row.median, 4), round(row.mean, 4)) == LOSSES[reason]


def test_at_one_moment_the_number_in_the_log_decides(audit, loans) -> None:
    """3 712 events share the time of the one before; by their number none of them goes backward."""
    with (audit.parent / "loan_stages.csv").open(encoding="utf-8") as file:
        events = list(csv.DictReader(file))
    same = sum(
        a["case_id"] == b["case_id"] and a["ts"] == b["ts"] for a, b in zip(events, events[1:], strict=False)
    )
    assert same == 3_712
    assert (loans["backward"].sum(), loans["skipped"].sum(), loans["has_history"].all()) == (0, 0, True)


def test_every_application_is_in_the_time_of_each_stage_it_entered(tables) -> None:
    counted = flow.sojourns(tables.journeys, tables.as_of, stages(tables))
    ends = counted.pivot_table(index="order", columns="cause", values="leads", aggfunc="sum", fill_value=0)
    assert ends.sum(axis=1).tolist() == [13_087, 13_087, 7_367, 5_113, 5_015]
    assert ends[flow.OPEN].tolist() == [0, 0, 69, 3, 327]


def test_the_honest_share_lies_between_those_who_won_and_those_who_may_still_win(tables) -> None:
    """2 246 approved of 13 087, 399 open: the share cannot lie outside what they could still make of it."""
    ages = flow.ages(tables.journeys, tables.as_of)
    curve = incidence.curve(ages)
    final = incidence.at(curve, ages["age"].max())
    assert 2_246 / 13_087 <= final.share <= (2_246 + 399) / 13_087
    assert final.low < 2_246 / (13_087 - 399) + 0.01


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_says_the_figures(audit, language, monkeypatch) -> None:
    bundles, names = [], {}
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    monkeypatch.setattr(page.pieces, "png", lambda figure, words: b"")
    for item in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if item["cell_type"] == "code":
            exec(compile("".join(item["source"]), item["id"], "exec"), names)
            if "parameters" in item["metadata"].get("tags", []):
                names |= {"audit": str(audit), "language": language}
    found = {item.id: item for item in names["report"].findings}
    assert "A_PARTLYSUBMITTED" in found["stage_losses"].headline
    assert found["stage_losses"].n == 10_442
    assert found["stage_time"].headline.count("A_FINALIZED") == 1
    assert found["managers_won"].status == found["segment_won"].status == "not_available"
    assert published.HOLE.search("\n".join(bundle["text/plain"] for bundle in bundles)) is None
