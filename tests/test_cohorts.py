"""What clients have brought by their age: young cohorts are not zeros, the silent are, and no rouble is lost."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bought
from detente import engine
from detente.metrics import cohorts

CDNOW = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdnow" / "CDNOW_master.txt.gz"
MARCH = dt.date(2026, 3, 31)
# Ann buys in January and March, Bob in January only, Cid in February: ages 0 and 2; 0; 0.
FEW = [
    {"client": "ann", "bought_at": "2026-01-10", "amount": 100},
    {"client": "ann", "bought_at": "2026-03-05", "amount": 50},
    {"client": "bob", "bought_at": "2026-01-20", "amount": 200},
    {"client": "cid", "bought_at": "2026-02-01", "amount": 400},
]


def sold(rows, margin=0.5):
    return bought.purchases(rows, margin)


def drawn(clients=150, seed=1) -> list[dict]:
    """Purchases of clients who arrive over half a year and come back at random; kopecks included."""
    random, rows = np.random.default_rng(seed), []
    for order in range(clients):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=int(random.integers(0, 180)))
        for _ in range(1 + random.poisson(1.5)):
            if day <= bought.AS_OF:
                amount = round(float(random.gamma(2, 500)), 2)
                rows.append({"client": f"c{order}", "bought_at": str(day), "amount": amount})
            day += dt.timedelta(days=1 + int(random.exponential(35)))
    return rows


def curve(rows, as_of=bought.AS_OF, value="margin", **options):
    purchases = sold(rows)
    return cohorts.per_client(purchases, cohorts.triangle(purchases, as_of), value, **options)


def test_a_cohort_is_told_at_every_age_it_has_lived_months_without_a_purchase_too() -> None:
    table = cohorts.triangle(sold(FEW), MARCH)
    told = table[["cohort", "age", "clients", "active"]].assign(**table[["revenue", "margin"]].astype(float))
    assert told.to_numpy().tolist() == [
        ["2026-01", 0, 2, 2, 300, 150], ["2026-01", 1, 2, 0, 0, 0], ["2026-01", 2, 2, 1, 50, 25],
        ["2026-02", 0, 1, 1, 400, 200], ["2026-02", 1, 1, 0, 0, 0],
    ]  # fmt: skip
    assert table["complete"].all()


def test_a_month_is_complete_only_on_its_last_evening() -> None:
    table = cohorts.triangle(sold(FEW), MARCH - dt.timedelta(days=1))
    assert table.loc[~table["complete"], "month"].tolist() == ["2026-03", "2026-03"]


def test_cohorts_and_what_stands_apart_add_up_to_all_purchases_to_the_kopeck() -> None:
    rows = [*drawn(), {"client": None, "bought_at": "2026-02-02", "amount": 30.35},
            {"client": "c1", "bought_at": "2026-07-09", "amount": 1000.01},
            {"client": "c2", "bought_at": "2026-06-30 23:59:00", "amount": -17.77}]  # fmt: skip
    purchases = sold(rows)
    table, apart = cohorts.triangle(purchases, bought.AS_OF), cohorts.apart(purchases, bought.AS_OF)
    whole = sum(table["revenue"], Decimal(0)) + apart.unknown_revenue + apart.later_revenue
    assert whole == sum((bought.money(row["amount"]) for row in rows), Decimal(0))
    assert (apart.unknown, apart.unknown_revenue, apart.later) == (1, Decimal("30.35"), 1)


def test_those_who_stopped_buying_stay_in_the_denominator_and_the_young_do_not() -> None:
    table = curve(FEW, MARCH, "revenue", least=2)
    assert table["clients"].tolist() == [3, 3, 2]
    assert table["added"].tolist() == pytest.approx([700 / 3, 0, 50 / 2])
    assert table["value"].tolist() == pytest.approx([700 / 3, 700 / 3, 700 / 3 + 25])
    assert table["enough"].tolist() == [True, True, True]


def test_what_the_old_brought_themselves_is_told_beside_the_sum_over_ages() -> None:
    table = curve(FEW, MARCH, "revenue", least=1)  # Ann and Bob alone have lived to age 2: 100 + 200 + 50
    assert table["own"].tolist() == pytest.approx([700 / 3, 700 / 3, 350 / 2])
    reached = cohorts.at(table, 12, 1)
    assert (reached.first, reached.clients, reached.own) == (3, 2, pytest.approx(175))
    old = [{"client": f"o{n}", "bought_at": "2026-01-05", "amount": 100 + n % 2} for n in range(40)]
    new = [{"client": f"n{n}", "bought_at": "2026-03-05", "amount": 500 + n % 2} for n in range(40)]
    assert cohorts.at(curve([*old, *new], MARCH, "revenue"), 12).mixed
    assert not cohorts.at(curve(old, MARCH, "revenue"), 12).mixed


def test_clients_of_the_running_month_change_no_number() -> None:
    as_of = dt.date(2026, 6, 20)
    old = [row for row in drawn() if row["bought_at"] < "2026-06"]
    young = [{"client": f"new{n}", "bought_at": "2026-06-15", "amount": 9999} for n in range(40)]
    pd.testing.assert_frame_equal(curve(old, as_of), curve([*old, *young], as_of))


def test_the_order_of_rows_changes_nothing() -> None:
    rows = drawn()
    turned = [rows[place] for place in np.random.default_rng(3).permutation(len(rows))]
    pd.testing.assert_frame_equal(curve(rows), curve(turned))


def test_of_one_cohort_the_interval_is_students_over_the_sums_of_its_clients() -> None:
    rows = drawn(200, 4)
    january = pd.DataFrame(rows).groupby("client")["bought_at"].min() < "2026-02"
    rows = [row for row in rows if january[row["client"]]]
    sums = pd.DataFrame(rows).groupby("client")["amount"].sum().to_numpy() / 2
    low, high = stats.t.interval(0.9, len(sums) - 1, sums.mean(), stats.sem(sums))
    last = curve(rows, level=0.9).iloc[-1]
    assert (last["value"], last["low"], last["high"]) == pytest.approx((sums.mean(), low, high), rel=1e-4)


def test_the_interval_is_that_of_resampling_whole_clients() -> None:
    rows = drawn(150, 5)
    frame = pd.DataFrame(rows).assign(month=lambda table: table["bought_at"].str[5:7].astype(int))
    frame["first"] = frame.groupby("client")["month"].transform("min")
    frame["age"] = frame["month"] - frame["first"]
    money = frame.pivot_table(
        index=["client", "first"], columns="age", values="amount", aggfunc="sum", fill_value=0
    )
    paid, first = money.to_numpy() / 2, money.index.get_level_values("first").to_numpy()

    def told(who: np.ndarray) -> np.ndarray:
        seen = [first[who] + age <= 6 for age in range(6)]
        return np.cumsum([paid[who][mask, age].sum() / mask.sum() for age, mask in enumerate(seen)])

    random = np.random.default_rng(6)
    resampled = np.array([told(random.integers(0, len(paid), len(paid))) for _ in range(1500)])
    table = curve(rows)
    assert table["value"].tolist() == pytest.approx(told(np.arange(len(paid))).tolist(), rel=1e-4)
    width = (table["high"] - table["low"]).to_numpy() / 2
    assert width / resampled.std(axis=0) == pytest.approx(np.full(6, stats.t.ppf(0.975, 50)), rel=0.08)


def test_money_a_year_later_counts_half_at_a_discount_of_the_whole() -> None:
    rows = [{"client": "ann", "bought_at": day, "amount": 100} for day in ("2025-01-10", "2026-01-10")]
    table = curve(rows, dt.date(2026, 1, 31), "revenue", discount=1.0)
    assert table["value"].iloc[-1] == pytest.approx(150)
    assert math.isnan(table["low"].iloc[-1]), "one client has no interval"


def test_the_horizon_gives_way_to_the_last_month_that_enough_clients_have_lived() -> None:
    table = curve(FEW, MARCH, "revenue", least=3)
    reached = cohorts.at(table, 12, 3)
    assert (reached.status, reached.months, reached.clients, reached.left_out) == ("shorter", 2, 3, 0)
    assert cohorts.at(table, 2, 3).status == "ok"
    few = cohorts.at(curve(FEW, MARCH, least=30), 12, 30)
    assert (few.status, few.needed) == ("cannot_tell", 27)
    assert math.isnan(few.value)


def test_payback_is_the_first_age_that_reaches_the_cost_and_none_is_invented() -> None:
    table = pd.DataFrame({
        "clients": [90, 60, 40, 9], "value": [10.0, 20, 30, 99], "low": [8.0, 17, 24, 9], "high": [12.0, 23, 36, 200],
        "enough": [True, True, True, False],
    })  # fmt: skip
    paid = cohorts.payback(table, 20)
    assert (paid.status, paid.months, paid.soonest, paid.latest, paid.clients) == ("paid_back", 1, 1, 2, 60)
    assert cohorts.payback(table, 10).months == 0
    never = cohorts.payback(table, 50)
    assert (never.status, never.months, never.soonest, never.observed) == ("not_yet", None, None, 2)
    assert cohorts.payback(table, 35).soonest == 2
    assert cohorts.payback(table, math.nan).status == "no_cac"
    assert cohorts.payback(table.iloc[3:], 5).status == "cannot_tell"


def test_margin_is_not_told_where_too_much_revenue_has_none() -> None:
    rows = [row | {"margin": None} if row["client"] == "bob" else row | {"margin": 10} for row in FEW]
    table = cohorts.triangle(bought.purchases(rows), MARCH)
    assert float(table["unpriced"].sum()) == 200
    assert cohorts.measure(table) == "revenue"
    assert cohorts.measure(table, 200 / 750) == "margin"
    assert cohorts.margin_share(table) == pytest.approx(30 / 550)
    assert cohorts.measure(cohorts.triangle(sold(FEW), MARCH)) == "margin"


def test_quarters_are_told_only_at_ages_that_all_their_months_have_begun() -> None:
    table = cohorts.triangle(sold(FEW), MARCH)
    told = cohorts.grid(table, "revenue", 3, 3)
    assert told["row"].tolist() == ["2026-01", "2026-01"]
    assert told[["n", "column"]].to_numpy().tolist() == [[3, 0], [3, 1]]
    assert told["value"].tolist() == pytest.approx([700 / 3, 700 / 3])
    months = cohorts.grid(table, "revenue", 3)
    assert months["value"].tolist() == [150, 150, 175, 400, 400]
    assert not months["enough"].any()
    assert (cohorts.span(table, 2), cohorts.span(table, 3)) == (1, 3)


def test_all_money_over_all_clients_is_lower_than_what_the_old_have_brought() -> None:
    rows = drawn()
    table = cohorts.triangle(sold(rows), bought.AS_OF)
    assert cohorts.per_head(table) == pytest.approx(sum(row["amount"] for row in rows) / 2 / 150, rel=1e-4)
    assert cohorts.per_head(table) < cohorts.at(curve(rows), 6, 5).value
    assert cohorts.per_active(cohorts.triangle(sold(FEW), MARCH), "revenue") == 750 / 4


def test_a_first_month_full_of_old_clients_is_noticed() -> None:
    sizes = {"2026-01": 9, "2026-02": 4, "2026-03": 3, "2026-04": 4}
    rows = [
        {"client": f"{month}{n}", "bought_at": f"{month}-03", "amount": 1} for month, clients in sizes.items()
        for n in range(clients)
    ]  # fmt: skip
    assert cohorts.old_first(cohorts.triangle(sold(rows), dt.date(2026, 4, 30)))
    assert not cohorts.old_first(cohorts.triangle(sold(rows[2:]), dt.date(2026, 4, 30)))


def test_without_a_known_client_there_is_no_cohort() -> None:
    nobody = sold([{"client": None, "bought_at": "2026-01-01", "amount": 5}])
    table = cohorts.triangle(nobody, MARCH)
    told = cohorts.per_client(nobody, table)
    assert table.empty
    assert told.empty
    assert cohorts.grid(table).empty
    assert (cohorts.at(told, 12).clients, cohorts.payback(told, 5).status) == (0, "cannot_tell")


@pytest.mark.skipif(
    not CDNOW.exists(), reason="shared data not found: ../shared/data/cdnow/CDNOW_master.txt.gz"
)
def test_the_published_cohort_of_january_1997_is_found_to_the_cent() -> None:
    frame = pd.read_csv(
        CDNOW, sep=r"\s+", skiprows=1, names=["client", "day", "cds", "amount"], dtype={"client": str}
    )
    at = pd.to_datetime(frame["day"].astype(str))
    first = at.groupby(frame["client"]).transform("min")
    cents = engine.table(pd.DataFrame({
        "client": frame["client"], "bought_at": at, "month": at.dt.strftime("%Y-%m"),
        "cohort": first.dt.strftime("%Y-%m"), "amount": frame["amount"],
        "gross": frame["amount"] + 1,  # a row of 0 dollars counts as a purchase in the reference
        "margin": frame["amount"] * 0.3,
    }))  # fmt: skip
    table = cohorts.triangle(cents, dt.date(1998, 6, 30))
    sizes = table.drop_duplicates("cohort").set_index("cohort")["clients"]
    assert sizes.to_dict() == {"1997-01": 7846, "1997-02": 8476, "1997-03": 7248}
    sums = table.groupby("cohort")["revenue"].sum().round(2)
    assert sums.to_dict() == {"1997-01": 887157.56, "1997-02": 886611.81, "1997-03": 726546.26}
    january = table[(table["cohort"] == "1997-01") & (table["age"] <= 6)]
    assert january["active"].tolist() == [7846, 1157, 964, 810, 679, 736, 720]
    published = [299060.17, 61041.69, 50683.75, 40655.50, 34973.56, 34397.90, 41009.70]
    assert january["revenue"].round(2).tolist() == published
    told = cohorts.per_client(cents, table, "revenue")
    assert told["value"].iloc[0] == pytest.approx((published[0] + revenue_at(table, 0)) / 23570)
    assert told.index.max() == 17


def revenue_at(table: pd.DataFrame, age: int) -> float:
    """Revenue at an age of the two cohorts whose reference is not published."""
    return float(table[(table["cohort"] != "1997-01") & (table["age"] == age)]["revenue"].sum())
