"""Real purchases of one cohort of clients over 18 months: published models, and who foretold the second half.

The data lies beside the project, is no part of it, and the tests skip where it is absent. Weeks count from each
client's first purchase; the models learn until 30 September 1997. 8 purchase days of the sample and 80 of the whole
file cost nothing: the published figures count them as purchases.
"""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import published
from detente import engine
from detente.metrics import foretold, ltv

SAMPLE = published.SHARED / "cdnow" / "CDNOW_sample.txt"
MASTER = published.SHARED / "cdnow" / "CDNOW_master.txt.gz"
CUT = dt.date(1997, 9, 30)
END = dt.date(1998, 6, 30)
ACTUAL = 776_961.13
needs_sample = pytest.mark.skipif(
    not SAMPLE.is_file(), reason="shared data not found: ../shared/data/cdnow/CDNOW_sample.txt"
)
needs_master = pytest.mark.skipif(
    not MASTER.is_file(), reason="shared data not found: ../shared/data/cdnow/CDNOW_master.txt.gz"
)


def purchases(path: Path, folder: Path, skip: int, client: int):
    """A lazy table of client, bought_at, amount; `client` is the column of the client's number."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="ascii") as lines:
        rows = [line.split() for line in lines][skip:]
    table = {
        "client": pa.array([row[client] for row in rows]),
        "bought_at": pa.array([dt.datetime.strptime(row[-3], "%Y%m%d") for row in rows], pa.timestamp("us")),
        "amount": pa.array([Decimal(row[-1]) for row in rows], pa.decimal128(18, 2)),
    }
    place = folder / "purchases.parquet"
    pa.parquet.write_table(pa.table(table), place)
    return engine.read(place)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return purchases(SAMPLE, tmp_path_factory.mktemp("sample"), 0, 1)


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return purchases(MASTER, tmp_path_factory.mktemp("master"), 1, 0)


# --- the sample: published parameters ---
@pytest.fixture(scope="module")
def history(sample) -> pd.DataFrame:
    return foretold.summary(sample, CUT, "W", free=True)


@pytest.fixture(scope="module")
def model(history) -> ltv.BGNBD:
    return ltv.fit_bgnbd(history["frequency"], history["recency"], history["age"], history["clients"])


@needs_sample
def test_the_sample_has_2357_clients_and_2457_repeat_purchases(history):
    assert history["clients"].sum() == 2357
    assert (history["clients"] * history["frequency"]).sum() == 2457
    assert history.loc[history["frequency"] > 0, "clients"].sum() == 946
    assert history["age"].max() <= 39


@needs_sample
def test_bgnbd_has_the_published_parameters(model):
    assert model.converged
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(
        (0.2426, 4.4135, 0.7929, 2.4258), abs=1e-3
    )
    assert model.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert (model.n, model.repeaters) == (2357, 946)


@needs_sample
def test_gamma_gamma_has_the_published_parameters(sample):
    days = engine.frame(sample.filter(sample.bought_at < pd.Timestamp(CUT) + pd.Timedelta(days=1)))
    days = days.astype({"amount": float}).groupby(["client", "bought_at"], as_index=False)["amount"].sum()
    later = days[days["bought_at"] > days.groupby("client")["bought_at"].transform("min")]
    each = later.groupby("client")["amount"].agg(["count", "mean"])
    fit = ltv.fit_gamma_gamma(each["count"], each["mean"])
    assert fit.converged
    assert (fit.p, fit.q) == pytest.approx((6.25, 3.74), abs=0.01)
    assert fit.v == pytest.approx(15.45, abs=0.02)
    assert fit.log_likelihood == pytest.approx(-4055.92, abs=0.01)
    assert (fit.n, fit.remark) == (946, "")
    assert fit.correlation == pytest.approx(0.114, abs=5e-4)
    assert (fit.mean, each["mean"].mean()) == pytest.approx((35.17, 35.08), abs=0.006)


@needs_sample
def test_grouped_mean_values_give_the_same_gamma_gamma(sample):
    table = foretold.values(sample, CUT, free=True)
    fit = ltv.fit_gamma_gamma(table["frequency"], table["mean_value"], table["clients"])
    assert len(table) < 946
    assert (fit.p, fit.q, fit.v, fit.n) == pytest.approx((6.25, 3.74, 15.45, 946), rel=2e-3)


# --- the whole file: totals, cohorts, and the second half ---
@pytest.fixture(scope="module")
def sums(master) -> pd.DataFrame:
    return foretold.cohort_sums(master, "M", END, free=True)


@needs_master
def test_cohort_revenue_is_the_counted_one_to_the_cent(sums):
    cohorts = sums.groupby("cohort").agg(clients=("clients", "first"), revenue=("revenue", "sum"))
    assert cohorts.index.tolist() == [-17, -16, -15]
    assert cohorts["clients"].tolist() == [7846, 8476, 7248]
    assert cohorts["revenue"].round(2).tolist() == [887_157.56, 886_611.81, 726_546.26]
    assert round(sums["revenue"].sum(), 2) == 2_500_315.63


@needs_master
def test_revenue_and_buyers_of_january_by_age_are_the_counted_ones(sums):
    january = sums[sums["cohort"] == -17].set_index("age").loc[:6]
    money = [299_060.17, 61_041.69, 50_683.75, 40_655.50, 34_973.56, 34_397.90, 41_009.70]
    assert january["revenue"].round(2).tolist() == money
    assert january["buyers"].tolist() == [7846, 1157, 964, 810, 679, 736, 720]


@pytest.fixture(scope="module")
def told(master) -> pd.DataFrame:
    model = ltv.forecast(
        foretold.summary(master, CUT, free=True), foretold.values(master, CUT, free=True), 39
    )
    clients = foretold.activity(master, CUT, "W", free=True)
    sums = foretold.cohort_sums(master, "W", CUT, 39, free=True)
    return foretold.compare(clients, sums, CUT, 39, None, model, "W")


@needs_master
@pytest.mark.parametrize(
    ("name", "predicted", "within", "error"),
    [
        ("run_rate", 865_940, 1e-6, 0.11), ("bgnbd_gg", 642_346, 5e-5, -0.17), ("naive_active", 441_450, 1e-6, -0.43),
        ("naive_truncated", 172_690, 2e-6, -0.78), ("naive_all", 2_461_549, 1e-6, 2.17),
        ("cohort_power", 676_802, 2e-3, -0.13), ("cohort_loglinear", 508_122, 2e-3, -0.35),
    ],
)  # fmt: skip
def test_the_second_half_is_foretold_as_in_the_reference(told, name, predicted, within, error):
    row = told.loc[name]
    assert row["actual"] == pytest.approx(ACTUAL)
    assert row["predicted"] == pytest.approx(predicted, rel=within)
    assert row["error"] == pytest.approx(error, abs=0.0055)
    assert row["status"] == "ok"


@needs_master
def test_a_run_rate_is_nearest_and_the_seed_formula_for_all_clients_farthest(told):
    order = told.sort_values("rank").index.tolist()
    assert (order[0], order[-1]) == ("run_rate", "naive_all")
    assert order.index("cohort_power") < order.index("bgnbd_gg") < order.index("naive_active")


@needs_master
def test_days_of_a_week_taken_together_change_the_forecast_by_little(master, told):
    coarse = foretold.summary(master, CUT, free=True, step=7)
    total, _ = ltv.forecast(coarse, foretold.values(master, CUT, free=True), 39)
    assert len(coarse) < 2500
    assert total == pytest.approx(told.loc["bgnbd_gg", "predicted"], rel=0.02)


@needs_master
def test_three_cuts_of_13_weeks_show_how_much_a_winner_is_luck(master):
    rolled = foretold.rolling(master, END, "W", 13, ltv.forecast)
    assert rolled["cut"].nunique() == 3
    assert set(rolled["status"]) == {"ok"}
    errors = rolled.pivot(index="cut", columns="predictor", values="error").abs()
    assert errors.idxmin(axis=1).nunique() > 1
    assert errors.mean().idxmax() == "naive_all"
