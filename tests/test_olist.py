"""Leads and won deals in two exports, and no criteria at all: counts as published, and pages that say what is missing.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import published
from detente import engine, intake
from detente.present.wording import Words

AUDIT = Path(__file__).parent / "olist_funnel" / "audit.yml"
pytestmark = pytest.mark.skipif(
    not (published.SHARED / "olist_funnel" / "leads.csv").is_file(),
    reason="shared data not found: ../shared/data/olist_funnel/leads.csv",
)
# origin: leads, won, conversion
ORIGINS = {
    "organic_search": (2296, 271, 0.1180), "paid_search": (1586, 195, 0.1230), "social": (1350, 75, 0.0556),
    "unknown": (1099, 179, 0.1629), "direct_traffic": (499, 56, 0.1122), "email": (493, 15, 0.0304),
    "referral": (284, 24, 0.0845), "other": (150, 4, 0.0267), "display": (118, 6, 0.0508),
    "other_publicities": (65, 3, 0.0462), None: (60, 14, 0.2333),
}  # fmt: skip


@pytest.fixture(scope="session")
def journeys() -> pd.DataFrame:
    tables, _ = intake.load(AUDIT)
    return engine.frame(tables.all_journeys)


@pytest.fixture(scope="session")
def olist(tmp_path_factory) -> Path:
    return published.run(AUDIT, tmp_path_factory.mktemp("olist"))


def test_leads_that_became_no_deal_stay_in_the_count(journeys) -> None:
    assert len(journeys) == journeys["lead_id"].nunique() == 8_000
    assert journeys["outcome"].value_counts().to_dict() == {"open": 7_158, "won": 842}
    assert journeys.loc[journeys["outcome"] == "open", "stage"].unique().tolist() == ["Lead"]
    assert journeys["counted"].all()


def test_leads_and_won_deals_per_origin_are_the_reference_figures(journeys) -> None:
    counted = journeys.groupby("channel", dropna=False)["outcome"].agg(["size", lambda x: (x == "won").sum()])
    found = {
        name if isinstance(name, str) else None: (int(leads), int(won), round(won / leads, 4))
        for name, leads, won in counted.itertuples()
    }
    assert found == ORIGINS


def test_the_page_gives_leads_and_won_deals_per_origin_without_any_spend(olist) -> None:
    table = pd.read_csv(olist / "tables" / "03_non_target_share_cost.csv", keep_default_na=False)
    found = {row[0]: (row[1], row[2], round(row[3], 4)) for row in table.itertuples(index=False)}
    stated = {name or Words("en").group(None): figures for name, figures in ORIGINS.items()}
    assert found == stated
    assert table.shape[1] == 6  # channel, leads, clients, conversion and its two ends: no cost is made up


def test_an_inquiry_is_dated_by_its_lead_and_not_by_its_deal(journeys) -> None:
    months = journeys["month"].value_counts()
    won = journeys.loc[journeys["outcome"] == "won", "month"].value_counts()
    cohorts = {"2018-01": (1141, 152), "2018-02": (1028, 149), "2018-03": (1174, 167), "2018-04": (1352, 183),
               "2018-05": (1303, 130)}  # fmt: skip
    assert {month: (int(months[month]), int(won[month])) for month in cohorts} == cohorts
    assert journeys["created_at"].max() == pd.Timestamp("2018-05-31")
    assert journeys["created_date_only"].all()
    assert journeys["closed_at"].max().date().isoformat() == "2018-11-14"


def test_days_to_the_win_are_the_reference_figures(journeys) -> None:
    won = journeys[journeys["outcome"] == "won"]
    days = (won["closed_at"] - won["created_at"]).dt.total_seconds() / 86_400
    assert days.median() == pytest.approx(14.651, abs=5e-4)
    assert days.mean() == pytest.approx(49.101, abs=5e-4)
    assert (days.min(), days.max()) == pytest.approx((-1.181, 427.552), abs=5e-4)


def test_the_one_deal_won_before_the_first_contact_is_flagged_and_kept(journeys) -> None:
    flagged = journeys[journeys["flags"].fillna("").str.contains("closed_before_created")]
    assert len(flagged) == 1
    assert (flagged["closed_at"] < flagged["created_at"]).all()
    assert flagged["outcome"].tolist() == ["won"]


def test_a_deal_brings_its_own_fields_to_the_lead(journeys) -> None:
    won = journeys["outcome"] == "won"
    assert journeys.loc[won, "manager"].notna().all()
    assert journeys.loc[~won, "manager"].isna().all()
    assert journeys.loc[won, "segment"].notna().sum() == 841


def test_an_origin_that_is_not_stated_stands_apart_from_the_word_unknown(olist) -> None:
    leads = published.table(olist, "02_lead_qualification_verdicts")["Leads"]
    assert (leads["not stated"], leads["unknown"], leads["all channels"]) == (60, 1_099, 8_000)


def test_without_criteria_the_headline_says_that_it_cannot_be_told(olist) -> None:
    first = {
        name: re.search(r"<h1[^>]*>(.*?)</h1>", (olist / name).read_text(encoding="utf-8"), re.S)[1]
        for name in ("index.html", "02_lead_qualification.html", "03_non_target_share.html")
    }
    words = Words("en")
    assert first["index.html"] == published.findings(olist)["non_target_share"]["headline"]
    assert first["02_lead_qualification.html"] == words.t("qualification.title_unknown", leads=8_000)
    assert first["03_non_target_share.html"] == words.t("nontarget.title_unknown")


def test_without_criteria_every_section_says_what_is_missing(olist) -> None:
    found = {name: item for name, item in published.findings(olist).items() if item["notebook"] < "04"}
    cannot = {
        "non_target_share",
        "non_target_channels",
        "criterion_top",
        "non_target_campaigns",
        "non_target_trend",
    }
    absent = {"criteria_missing", "definitions_spread", "labels_agreement", "known_early", "label_in_hindsight",
              "court", "wasted_spend"}  # fmt: skip
    assert {name for name in found if found[name]["status"] == "cannot_tell"} - {
        "changes",
        "hypotheses",
    } == cannot
    assert {name for name in found if found[name]["status"] == "not_available"} == absent
    front = published.text(olist, "index.html")
    assert [name for name in cannot | absent if found[name]["fact"] not in front] == []


def test_without_history_or_losses_the_funnel_says_what_is_missing(olist) -> None:
    found = published.findings(olist)
    for name in ("stage_losses", "stage_passing", "stage_time", "reason_filled", "design_history"):
        assert found[name]["status"] == "not_available", name


def test_a_manager_who_is_stated_only_for_won_leads_is_compared_with_nobody(olist) -> None:
    found = published.findings(olist)
    words = Words("en")
    assert found["managers_won"]["headline"] == words.t("league.managers.heading_late")
    assert found["managers_same_leads"]["headline"] == words.t("league.same.heading_late")


def test_origins_are_compared_at_the_age_that_half_of_the_leads_have_reached(olist) -> None:
    assert published.findings(olist)["channel_won"]["status"] == "ok"


def test_without_criteria_the_data_is_not_called_good_for_the_share_by_channel(olist) -> None:
    decisions = published.table(olist, "01_data_health_decisions")
    row = decisions.loc["non-target share by channel"]
    words = Words("en")
    assert row["Verdict"] == words.t("health.decisions.no")
    assert row["Why"] == words.t("health.decisions.why_no_criteria")


def test_the_deal_won_before_its_lead_stands_in_the_losses_by_its_row(olist) -> None:
    losses = published.table(olist, "01_data_health_losses")
    assert losses["Rows"].to_dict() == {"closed before it was created": 1}
    assert losses["File"].tolist() == ["closed_deals.csv"]
