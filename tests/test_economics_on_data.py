"""Unit economics of real exports, and of the sample with its planted truths."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from detente import engine, intake
from detente.metrics import ad_days, cheap_leads, economics, qualification, unit_costs
from school_figures import SOURCES
from sold import ZERO

ROOT = Path(__file__).resolve().parents[1]
SCHOOL = ROOT.parent / "shared" / "data" / "school_crm"


def of_audit(path: Path, by: str | None) -> tuple[intake.Tables, pd.DataFrame]:
    tables, _ = intake.load(path)
    judged = qualification.judge(tables.journeys, tables.audit.criteria)
    days = ad_days.daily(tables.spend, tables.until)
    made = economics.table(
        judged, days, tables.purchases, by, as_of=tables.as_of, stages=len(tables.audit.funnel.stages)
    )
    return tables, made


@pytest.mark.skipif(
    not (SCHOOL / "deals.xlsx").is_file(),
    reason="shared data not found: ../shared/data/school_crm/deals.xlsx",
)
def test_costs_of_a_real_school_are_the_reference_to_the_cent():
    _, raw = of_audit(ROOT / "tests" / "school_crm" / "audit.yml", "channel")
    table = unit_costs.costs(raw)
    for name, (deals, paid, spend, cpl, cac) in SOURCES.items():
        row = table.loc[name]
        assert (row["leads"], row["won"], row["spend"]) == (deals, paid, Decimal(spend)), name
        if cpl is None:
            assert math.isnan(row["cpl"]), name  # never 0: nothing was spent
            assert math.isnan(row["cac"]), name
        else:
            assert (round(row["cpl"], 2), round(row["cac"], 2)) == (cpl, cac), name
    radio = table.loc["Radio"]
    assert (radio["line"], radio["spend"], radio["leads"]) == ("spend_without_leads", Decimal("300.00"), 0)
    assert math.isnan(radio["cpl"])
    assert sum(table["spend"], ZERO) == Decimal("149523.45")
    assert table[["leads", "won"]].sum().tolist() == [21_593, 858]


SAMPLE = ROOT / "data" / "sample" / "audit.yml"


@pytest.mark.parametrize("by", ["channel", "segment", "month"])
def test_every_cut_of_the_sample_adds_up_to_its_exports(by):
    tables, table = of_audit(SAMPLE, by)
    spend = engine.frame(tables.spend.aggregate(x=tables.spend.cost.cast("decimal(38,2)").sum()))["x"][0]
    paid = engine.frame(tables.payments.aggregate(x=tables.payments.amount.cast("decimal(38,2)").sum()))["x"][
        0
    ]
    assert sum(table["spend"], ZERO) == spend
    assert sum(table["revenue"], ZERO) == paid
    assert table["leads"].sum() == engine.frame(tables.journeys.aggregate(n=tables.journeys.count()))["n"][0]


def test_the_planted_decay_of_one_channel_and_the_stated_cost_of_a_client_are_found(truth):
    tables, raw = of_audit(SAMPLE, "channel")
    judged = qualification.judge(tables.journeys, tables.audit.criteria)
    age = cheap_leads.judging_age(judged, tables.since, tables.as_of)
    days = ad_days.daily(tables.spend, tables.until)
    halves = cheap_leads.windows(judged, days, tables.since, tables.until, tables.as_of, age)
    flags = cheap_leads.detect(halves)["flag"]
    assert flags[flags == "hidden"].index.tolist() == truth["cheaper"]["hidden_deterioration"]
    assert flags[flags == "swap"].index.tolist() == truth["cheaper"]["cheaper_leads_dearer_clients"]
    paid = unit_costs.costs(unit_costs.advertised(raw))
    made = cheap_leads.denominators(tables.audit.economics.claimed.cac, paid, paid.head(0))
    assert made.loc[made["same"], "name"].tolist() == ["target"]
