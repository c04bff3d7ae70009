"""Predictions of what clients will bring, held against what came: counted by hand, and never fed with the future."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

import bought
from detente.metrics import foretold, ltv

CUT = dt.date(2026, 6, 30)
ROWS = [
    ("anna", "2026-06-02", 100), ("anna", "2026-06-02", 50), ("anna", "2026-06-20", 30), ("anna", "2026-07-03", 40),
    ("boris", "2026-05-30", 200), ("clara", "2026-07-02", 70), ("dina", "2026-06-10", 80),
    ("dina", "2026-06-12", -80), ("egor", "2026-06-11", -10), (None, "2026-06-15", 500), ("anna", "2026-07-20", 9),
]  # fmt: skip


def purchases(rows=ROWS, margin=None):
    return bought.purchases(
        [{"client": client, "bought_at": day, "amount": amount} for client, day, amount in rows], margin
    )


# --- what the engine counts ---
def test_histories_count_days_the_first_purchase_is_no_repeat_and_a_refund_is_none():
    table = foretold.summary(purchases(), CUT, "W")
    rows = {(row.frequency, round(row.age * 7)): row for row in table.itertuples()}
    assert set(rows) == {(1, 28), (0, 31), (0, 20)}  # anna, boris, dina; clara came later, egor never bought
    anna = rows[1, 28]
    assert (anna.clients, anna.repeat_value, round(anna.recency * 7)) == (1, 30, 18)
    assert rows[0, 20].repeat_value == 0
    assert table["recency"].le(table["age"]).all()


def test_clients_with_one_history_share_a_row():
    same = [
        (name, day, money) for name, money in (("a", 10), ("b", 30)) for day in ("2026-06-01", "2026-06-15")
    ]
    table = foretold.summary(purchases(same), CUT)
    assert table[["frequency", "clients", "repeat_value"]].to_numpy().tolist() == [[1, 2, 40]]


def test_moments_of_a_week_are_told_as_its_middle():
    table = foretold.summary(purchases(), CUT, "W", step=7).set_index("frequency")
    assert table.loc[1, ["recency", "age"]].tolist() == pytest.approx([(14 + 3) / 7, (28 + 3) / 7])
    assert (table.loc[[0], "recency"] == 0).all()
    assert table["clients"].sum() == 3


def test_a_large_base_is_told_in_weeks_by_itself(monkeypatch):
    days = foretold.summary(purchases(), CUT, "W")
    monkeypatch.setattr(foretold, "MANY", 2)
    weeks = foretold.summary(purchases(), CUT, "W")
    pd.testing.assert_frame_equal(weeks, foretold.summary(purchases(), CUT, "W", step=7))
    assert not weeks["age"].equals(days["age"])


def test_the_mean_value_of_repeat_days_leaves_the_first_day_out():
    table = foretold.values(purchases([*ROWS, ("anna", "2026-06-25", 50)]), CUT)
    assert table.to_numpy().tolist() == [[2, 40, 1]]


def test_mean_values_share_a_row_within_half_a_percent_only():
    rows = [(f"c{i}", day, 1000 + i) for i in range(50) for day in ("2026-05-01", "2026-06-01")]
    table = foretold.values(purchases(rows), CUT)
    assert table["clients"].sum() == 50
    assert len(table) < 15
    assert (table["mean_value"] * table["clients"]).sum() == pytest.approx(sum(1000 + i for i in range(50)))


def test_active_clients_are_counted_in_two_windows_that_end_at_the_cut():
    found = foretold.activity(purchases(), CUT, "W", width=2)
    # last two weeks: anna (20 June); the two before: dina; so dina has gone quiet
    assert (found.clients, found.start, found.end, found.lost, found.revenue) == (3, 1, 1, 1, 30)
    assert (found.arpu, found.churn, found.ltv) == (30, 1, 30)


def test_without_a_loss_the_seed_formula_has_no_value():
    both = [(name, day, 10) for name in "ab" for day in ("2026-05-01", "2026-06-01")]
    found = foretold.activity(purchases(both), CUT, "M", width=1)
    assert (found.start, found.end, found.lost) == (2, 2, 0)
    assert math.isnan(found.ltv)


def test_weeks_are_counted_back_from_the_cut_and_money_stays_with_its_cohort():
    sums = foretold.cohort_sums(purchases(), "W", CUT, horizon=1)
    rows = sums[["cohort", "period", "age", "clients", "buyers", "revenue"]].to_numpy().tolist()
    assert rows == [[-4, -4, 0, 2, 2, 350], [-4, -1, 3, 2, 1, 30], [-4, 1, 5, 2, 1, 40], [-2, -2, 0, 1, 1, 0]]
    assert sums["first"].tolist() == [350, 0, 0, 80]  # dina's refund came on another day than her purchase


def test_months_are_calendar_months_and_the_cut_is_the_last_day_of_one():
    sums = foretold.cohort_sums(purchases(), "M", CUT, horizon=1)
    rows = sums[["cohort", "period", "clients", "revenue"]].to_numpy().tolist()
    assert rows == [[-1, -1, 1, 200], [0, 0, 2, 180], [0, 1, 2, 49]]
    with pytest.raises(ValueError, match="last day"):
        foretold.cohort_sums(purchases(), "M", dt.date(2026, 6, 29))


def test_money_of_known_clients_is_kept_to_the_kopeck():
    draws = np.random.default_rng(2)
    rows = [
        (f"c{draws.integers(40)}", f"2026-{draws.integers(1, 7):02}-{draws.integers(1, 29):02}", cents / 100)
        for cents in draws.integers(1, 10**6, 400)
    ]
    sums = foretold.cohort_sums(purchases(rows), "M", CUT)
    assert round(sums["revenue"].sum() * 100) == sum(round(money * 100) for *_, money in rows)
    assert sums.drop_duplicates("cohort")["clients"].sum() == len({client for client, *_ in rows})


def test_margin_can_be_foretold_in_place_of_revenue():
    half = foretold.cohort_sums(purchases(margin=0.5), "W", CUT, value="margin")
    whole = foretold.cohort_sums(purchases(margin=0.5), "W", CUT)
    assert half["revenue"].tolist() == (whole["revenue"] / 2).tolist()
    assert foretold.summary(purchases(margin=0.5), CUT, value="margin")["repeat_value"].sum() == 15


def test_no_purchase_at_all_gives_empty_tables_not_an_error():
    nothing = purchases([(None, "2026-06-15", 500)])
    assert len(foretold.summary(nothing, CUT)) == len(foretold.values(nothing, CUT)) == 0
    assert len(foretold.cohort_sums(nothing, "W", CUT)) == 0
    assert foretold.activity(nothing, CUT).clients == 0
    assert foretold.rolling(nothing, CUT, "M", 3).empty


def test_only_repeat_days_of_clients_won_by_the_cut_are_what_a_judge_rests_on():
    # of anna, both days of July; clara is new then, and boris, dina and egor do not come back
    assert foretold.orders(purchases(), CUT, "M", 1) == 2
    assert foretold.orders(purchases(), CUT, "W", 1) == 1
    assert foretold.orders(purchases(), dt.date(2026, 5, 31), "M", 3) == 0


# --- the predictors ---
def cohorts(rates, clients=100) -> pd.DataFrame:
    """Cohorts -12, -11, …, 0 of `clients` each; revenue per client at each age by rates(age)."""
    rows = [
        (cohort, period, period - cohort, clients, 1, clients * rates(period - cohort), 0.0)
        for cohort in range(-12, 1)
        for period in range(cohort, 4)
    ]
    return pd.DataFrame(
        rows, columns=["cohort", "period", "age", "clients", "buyers", "revenue", "first"]
    ).assign(first=lambda table: table["revenue"].where(table["age"] == 0, 0.0))


ACTIVITY = foretold.Activity(clients=1300, start=400, end=500, lost=100, revenue=9000.0, width=3)


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("cohort_power", lambda age: 10.0 * max(age, 0.2) ** -0.7),
        ("cohort_loglinear", lambda age: 10.0 * math.exp(-0.2 * age)),
    ],
)
def test_a_curve_of_its_own_kind_foretells_every_cohort_exactly(name, rates):
    table = foretold.compare(ACTIVITY, cohorts(rates), CUT, 3, unit="M")
    truth = 100 * sum(rates(period - cohort) for cohort in range(-12, 1) for period in (1, 2, 3))
    assert table.loc[name, "actual"] == pytest.approx(truth)
    assert table.loc[name, "predicted"] == pytest.approx(truth)
    assert table.loc[name, "rank"] == 1
    assert table["rank"].max() > 3


def test_the_run_rate_is_the_repeat_revenue_of_the_last_window_stretched_over_the_horizon():
    sums = cohorts(lambda age: 1.0)
    # cohorts -12 … -3 bought again in all of the last three months, -2 in two, -1 in one, 0 in none
    last = 100 * (10 * 3 + 2 + 1)
    assert foretold.run_rate(sums[sums["period"] <= 0], 6, 3) == (2 * last, "ok")


def test_a_wave_of_new_clients_does_not_raise_the_run_rate():
    old = [(f"c{i}", f"2026-0{month}-10", 10) for i in range(5) for month in range(1, 7)]
    wave = [(f"new{i}", "2026-06-20", 1000) for i in range(50)]
    told = [
        foretold.run_rate(foretold.cohort_sums(purchases(rows), "M", CUT), 3, 3)[0]
        for rows in (old, old + wave)
    ]
    assert told == [150, 150]


def test_the_naive_predictors_are_the_seed_formula_times_all_times_active_and_cut_to_the_horizon():
    table = foretold.compare(ACTIVITY, cohorts(lambda age: 1.0), CUT, 6, actual=20_000.0, unit="M")
    # arpu 9000 / 450 = 20, churn 100 / 400 = 1/4, value 80
    predicted = table["predicted"]
    assert predicted["naive_all"] == pytest.approx(80 * 1300)
    assert predicted["naive_active"] == pytest.approx(80 * 500)
    assert predicted["naive_truncated"] == pytest.approx(500 * 20 * (0.75 + 0.75**2))
    assert table.loc["naive_active", "error"] == pytest.approx(1.0)
    assert table.loc["naive_all", "error"] == pytest.approx(4.2)


def test_a_part_of_a_window_counts_as_its_part():
    table = foretold.compare(ACTIVITY, cohorts(lambda age: 1.0), CUT, 4, actual=1.0, unit="M")
    assert table.loc["naive_truncated", "predicted"] == pytest.approx(500 * 20 * (0.75 + 0.75**2 / 3))


def test_what_cannot_be_foretold_says_why_and_has_no_number():
    new = foretold.Activity(clients=10, start=0, end=4, lost=0, revenue=10.0, width=3)
    young = cohorts(lambda age: 1.0, clients=2).query("cohort >= -1")
    table = foretold.compare(new, young, CUT, 3, model=(math.nan, "few_repeats"), unit="M")
    assert table["status"].to_dict() == {
        "run_rate": "short_history", "cohort_power": "short_history", "cohort_loglinear": "short_history",
        "bgnbd_gg": "few_repeats", "naive_active": "no_start", "naive_all": "no_start", "naive_truncated": "no_start",
    }  # fmt: skip
    assert table[["predicted", "error", "rank"]].isna().all(axis=None)


def test_without_a_loss_a_whole_life_is_not_foretold_but_a_horizon_is():
    loyal = foretold.Activity(clients=10, start=4, end=4, lost=0, revenue=10.0, width=3)
    table = foretold.compare(loyal, cohorts(lambda age: 1.0), CUT, 6, unit="M")
    assert table.loc["naive_truncated", "predicted"] == pytest.approx(2 * 10)
    assert table.loc[["naive_active", "naive_all"], "status"].tolist() == ["no_churn", "no_churn"]


def test_nothing_that_came_makes_no_error_and_no_winner():
    table = foretold.compare(ACTIVITY, cohorts(lambda age: 1.0), CUT, 3, actual=0.0, unit="M")
    assert set(table["status"]) == {"no_actual", "no_model"}
    assert table["error"].isna().all()


def drawn_purchases(seed=4, n=1200, months=24):
    """Clients drawn from BG/NBD over two years, as purchases with amounts; deterministic."""
    draws = np.random.default_rng(seed)
    rate, leaves = draws.gamma(0.8, 1 / 4, n), draws.beta(1.0, 4.0, n)
    rows = []
    for client in range(n):
        at = draws.uniform(0, months)
        while at < months:
            day = dt.date(2024, 7, 1) + dt.timedelta(days=int(at * 30.4))
            rows.append((f"c{client}", day.isoformat(), round(float(draws.gamma(6, 20)), 2)))
            if len(rows) > 1 and rows[-2][0] == rows[-1][0] and draws.random() < leaves[client]:
                break
            at += draws.exponential(1 / rate[client])
    return rows


@pytest.fixture(scope="module")
def rolled():
    return foretold.rolling(purchases(drawn_purchases()), CUT, "M", 6, ltv.forecast)


def test_several_cuts_are_judged_and_no_fold_judges_the_money_of_another(rolled):
    assert rolled["cut"].unique().tolist() == [
        dt.date(2025, 12, 31),
        dt.date(2025, 6, 30),
        dt.date(2024, 12, 31),
    ]
    assert rolled.groupby("cut").size().eq(len(foretold.PREDICTORS)).all()
    assert (rolled.loc[rolled["status"] == "ok", "predicted"] > 0).all()
    money = [(dt.date.fromisoformat(day), client, amount) for client, day, amount in drawn_purchases()]
    first = {
        client: min(day for day, who, _ in money if who == client) for client in {who for _, who, _ in money}
    }
    cut, end = dt.date(2025, 6, 30), dt.date(2025, 12, 31)
    came = sum(amount for day, client, amount in money if cut < day <= end and first[client] <= cut)
    assert rolled.loc[rolled["cut"] == cut, "actual"].iloc[0] == pytest.approx(came)


def test_the_models_foretell_clients_drawn_from_the_models(rolled):
    model = rolled[(rolled["predictor"] == "bgnbd_gg") & (rolled["cut"] > dt.date(2025, 1, 1))]
    assert (model["status"] == "ok").all()
    assert model["error"].abs().max() < 0.2
    assert (rolled[rolled["predictor"] == "naive_all"]["error"].dropna() > 0.5).all()


def test_the_future_changes_no_prediction():
    rows = drawn_purchases(n=400)
    cut = dt.date(2025, 12, 31)
    richer = [(client, day, amount * (9 if day > cut.isoformat() else 1)) for client, day, amount in rows]
    told = [
        foretold.compare(
            foretold.activity(table, cut, "M"), foretold.cohort_sums(table, "M", cut, 6), cut, 6, unit="M",
            model=ltv.forecast(foretold.summary(table, cut, "M"), foretold.values(table, cut), 6),
        )
        for table in (purchases(rows), purchases(richer))
    ]  # fmt: skip
    assert told[0]["predicted"].tolist() == pytest.approx(told[1]["predicted"].tolist(), nan_ok=True)
    assert told[1]["actual"].iloc[0] == pytest.approx(9 * told[0]["actual"].iloc[0])


def test_the_order_of_rows_changes_nothing():
    rows = drawn_purchases(n=300)
    tables = [foretold.rolling(purchases(some), CUT, "M", 6, None, folds=1) for some in (rows, rows[::-1])]
    pd.testing.assert_frame_equal(*tables)


def test_a_short_history_allows_no_cut():
    assert foretold.cuts(dt.date(2026, 1, 1), CUT, "M", 6) == []
    assert foretold.cuts(dt.date(2025, 7, 1), CUT, "M", 6) == [dt.date(2025, 12, 31)]
    assert foretold.cuts(dt.date(2025, 7, 2), CUT, "M", 6) == []
    assert foretold.cuts(dt.date(2020, 1, 1), CUT, "W", 13, folds=2) == [
        dt.date(2026, 3, 31),
        dt.date(2025, 12, 30),
    ]


def test_the_last_full_month_ends_before_a_month_that_is_not_over():
    assert foretold.last_full(dt.date(2026, 6, 29), "M") == dt.date(2026, 5, 31)
    assert foretold.last_full(CUT, "M") == CUT
    assert foretold.last_full(dt.date(2026, 6, 29), "W") == dt.date(2026, 6, 29)
