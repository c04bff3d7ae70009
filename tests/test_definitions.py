"""The client base, the cost of a client and the definitions side by side: nothing infinite, nothing invented."""

from __future__ import annotations

import datetime as dt
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import bought
from detente.metrics import client_base, cohorts, definitions, lifetime, trust

JUNE = bought.AS_OF
BEGIN, OVER = dt.date(2026, 4, 1), dt.date(2026, 7, 1)


def sold(rows, margin=0.5):
    return bought.purchases(rows, margin)


def on(client: str, *days: str, amount: float = 100) -> list[dict]:
    return [{"client": client, "bought_at": day, "amount": amount} for day in days]


def drawn(seed: int, clients: int = 80) -> list[dict]:
    """A year of clients who come back after a pause of their own, some for ever silent."""
    random, rows = np.random.default_rng(seed), []
    for order in range(clients):
        day, pause = (
            dt.date(2025, 7, 1) + dt.timedelta(days=int(random.integers(0, 340))),
            random.exponential(50),
        )
        while day <= JUNE and random.random() < 0.9:
            rows += on(f"c{order}", str(day), amount=float(random.integers(1, 900)))
            day += dt.timedelta(days=1 + int(random.exponential(pause)))
    return rows


# --- who has left ---
def test_a_client_may_be_silent_for_as_long_as_nine_of_ten_pauses_last() -> None:
    rows = []
    for order in range(36):  # 27 + 9 pauses; the 90th percentile of 36 is the 33rd: one of the long ones
        rows += on(f"c{order}", "2026-01-01", "2026-02-10" if order < 27 else "2026-04-11")
    told = client_base.patience(sold(rows))
    assert (told.status, told.days, told.pauses) == ("ok", 100, 36)
    assert client_base.patience(sold(rows[:60])).days == 40, "30 pauses, 27 of them of 40 days"


def test_purchases_of_one_day_are_no_pause_and_nobody_is_lost_within_a_month() -> None:
    rows = [
        row for order in range(30) for row in on(f"c{order}", "2026-01-01", "2026-01-01 15:00", "2026-01-08")
    ]
    told = client_base.patience(sold(rows))
    assert (told.days, told.pauses) == (30, 30)


def test_few_pauses_do_not_tell_who_has_left() -> None:
    told = client_base.base(sold(on("ann", "2026-01-01", "2026-03-01")), JUNE)
    assert (told.status, told.needed) == ("few_pauses", 29)


@pytest.mark.parametrize("seed", range(3))
def test_the_base_is_what_a_walk_through_every_day_counts(seed) -> None:
    rows = drawn(seed)
    told = client_base.base(sold(rows), JUNE)
    days: dict[str, list[int]] = {}
    for row in rows:
        days.setdefault(row["client"], []).append(dt.date.fromisoformat(row["bought_at"]).toordinal())
    days = {client: sorted(set(found)) for client, found in days.items()}
    begin, over, gap = BEGIN.toordinal(), OVER.toordinal(), told.gap
    there = lambda moment: {c for c, found in days.items() if any(day < moment <= day + gap for day in found)}  # noqa: E731
    lost = back = stayed = 0
    for client, found in days.items():
        for day, later in zip(found, [*found[1:], 10**9], strict=True):
            gone = later > day + gap
            lost += gone and begin <= day + gap < over
            back += gone and begin <= later < over
        stayed += client in there(begin) and any(
            later > day + gap and begin <= day + gap < over
            for day, later in zip(found, [*found[1:], 10**9], strict=True)
        )
    new = sum(begin <= found[0] < over for found in days.values())
    money = [row for row in rows if str(BEGIN) <= row["bought_at"] < str(OVER)]
    assert (told.since, told.until) == (BEGIN, JUNE)
    assert (told.start, told.end) == (len(there(begin)), len(there(over)))
    assert (told.lost, told.new, told.returned, told.stayed_lost) == (lost, new, back, stayed)
    assert told.end == told.start - told.lost + told.new + told.returned
    assert told.revenue == pytest.approx(sum(row["amount"] for row in money))
    kept = sum(row["amount"] for row in money if row["client"] in there(begin))
    assert told.stayed_revenue == pytest.approx(kept)
    assert told.margin_share == pytest.approx(0.5, abs=0.001)


def test_of_a_subscription_whoever_skips_a_month_has_left_and_may_come_back() -> None:
    rows = [
        *on("ann", "2026-03-01", "2026-04-03", "2026-05-03", "2026-06-03"), *on("bob", "2026-03-01", "2026-04-09"),
        *on("cid", "2026-03-02", "2026-05-20"), *on("dan", "2026-05-05", "2026-06-05"),
    ]  # fmt: skip
    told = client_base.base(sold(rows), JUNE, "subscription")
    assert (told.start, told.lost, told.new, told.returned, told.end) == (3, 3, 1, 1, 2)
    assert told.revenue == 700
    assert client_base.survivors(sold(rows), JUNE) == [[3, 2, 1, 1], [1, 1]]


def test_a_base_is_not_counted_before_the_export_could_know_it() -> None:
    told = client_base.base(sold(on("ann", "2026-06-10", "2026-06-20")), JUNE, "subscription")
    assert (told.status, told.needed) == ("short", 31 + 9)
    month = client_base.base(sold(on("ann", "2026-04-20", "2026-05-20", "2026-06-20")), JUNE, "subscription")
    assert (month.status, month.since, month.start) == ("ok", dt.date(2026, 6, 1), 1)


def test_history_is_counted_in_full_months_and_a_third_of_it_is_held_back() -> None:
    told = client_base.history(sold(on("ann", "2025-07-01")), JUNE, 12)
    assert (told.months, told.ahead, told.needed, told.until) == (12, 4, 0, JUNE)
    short = client_base.history(sold(on("ann", "2025-12-02")), JUNE - dt.timedelta(days=1), 12)
    assert (short.months, short.ahead, short.needed, short.until) == (5, 0, 4, dt.date(2026, 5, 31))


def test_deals_that_stand_for_their_clients_are_nobodys_purchases() -> None:
    alone = [
        {**row, "deal": f"d{n}", "client": f"d{n}"}
        for n, row in enumerate(on("", "2026-01-05", "2026-02-05"))
    ]

    def count(rows: list[dict]) -> int:
        return len(bought.frame(client_base.named(sold(rows))))

    assert count(alone) == 0
    assert count([*alone, {**alone[0], "client": "ann"}]) == 3, (
        "where a person is known, deals may be of others"
    )
    assert count(on("ann", "2026-01-05")) == 1, "a client who named no deal"


def test_nobody_is_a_base_of_nobody() -> None:
    nobody = client_base.nobody()
    assert client_base.base(nobody, JUNE).status == "no_clients"
    assert client_base.survivors(nobody, JUNE) == []
    assert cohorts.triangle(nobody, JUNE).empty
    assert definitions.per_deal(nobody).clients == 0
    assert math.isnan(definitions.first_purchase(nobody))
    assert client_base.history(nobody, JUNE, 12).months == 0


# --- what a client costs ---
def test_a_client_costs_the_advertising_of_the_days_in_which_he_first_bought() -> None:
    spend = bought.spend([("2026-05-01", "ads", 1000), ("2026-06-30", "ads", 2600)])
    rows = [*on("old", "2026-04-30", "2026-05-02"), *on("ann", "2026-05-01"), *on("bob", "2026-06-30 22:00")]
    told = definitions.cost(sold([*rows, *on(None, "2026-06-01")]), spend)
    assert (told.status, told.new, told.paid, told.full) == ("ok", 2, 1800, None)
    assert (told.low, told.high) == pytest.approx(
        (3600 / 7.2247, 3600 / 0.2422), rel=1e-3
    )  # Poisson limits of 2
    assert told.most == 1800


def test_salaries_make_the_full_cost_and_vat_makes_none() -> None:
    spend = bought.spend([("2026-05-01", "ads", 1200), ("2026-05-31", "ads", 0)])
    spend = spend.mutate(vat=spend.cost / 6)
    told = definitions.cost(sold(on("ann", "2026-05-10")), spend, staff=365.25 / 12 * 100)
    assert told.paid == pytest.approx(1000)
    assert told.full == pytest.approx(1000 + 31 * 100)
    assert told.most == told.full
    assert told.limits == pytest.approx((told.low * 4.1, told.high * 4.1))


def expenses(*rows: tuple[str, str, float, float]):
    """Costs of the company from (day, kind, amount with VAT, the VAT in it)."""
    kinds = {"period": pa.date32(), "article": pa.string(), "kind": pa.string(), "amount": bought.MONEY,
             "vat": bought.MONEY}  # fmt: skip
    made = [
        {"period": dt.date.fromisoformat(day), "article": kind, "kind": kind, "amount": amount, "vat": vat}
        for day, kind, amount, vat in rows
    ]
    return bought.table(made, kinds)


def test_exported_salaries_stand_in_for_stated_ones_and_advertising_is_never_added_twice() -> None:
    spend = bought.spend([("2026-05-01", "ads", 1000), ("2026-05-31", "ads", 0)])
    paid = expenses(
        ("2026-05-31", "sales", 600, 0), ("2026-05-01", "marketing", 480, 80), ("2026-05-01", "advertising", 1000, 0),
        ("2026-05-01", "overhead", 7000, 0), ("2026-04-30", "sales", 9000, 0),
    )  # fmt: skip
    told = definitions.cost(sold(on("ann", "2026-05-10")), spend, 5000, paid)
    assert (told.staff, told.full) == (1000, 2000)
    none = expenses(("2026-05-01", "overhead", 7000, 0))
    assert definitions.cost(sold(on("ann", "2026-05-10")), spend, 0, none).full is None


def test_clients_won_by_advertising_bear_all_of_it_and_their_part_of_salaries() -> None:
    spend = bought.spend([("2026-05-01", "ads", 1200), ("2026-05-31", "ads", 0), ("2026-05-02", "free", 0)])
    came = {"ann": "ads", "bob": "free", "cid": "free", "dan": None}
    rows = [{**row, "origin": came[who]} for who in came for row in on(who, "2026-05-10")]
    rows += [{**row, "origin": "ads", "channel": "free"} for row in on("ann", "2026-05-20")]
    purchases = sold(rows)
    whole = definitions.cost(purchases, spend, costs=expenses(("2026-05-01", "sales", 400, 0)))
    won = definitions.advertised(purchases, spend)
    ads = definitions.cost(won, spend, whole=whole)
    assert (whole.new, whole.told, whole.paid, whole.full) == (4, 3, 300, 400)
    assert won.count().execute() == 2
    assert (ads.new, ads.paid, ads.staff, ads.full) == (1, 1200, 100, 1300)
    assert definitions.advertised(purchases, None).count().execute() == 0


def test_a_cost_without_new_clients_is_a_limit_and_never_infinite() -> None:
    told = definitions.cost(sold(on("old", "2026-01-01")), bought.spend([("2026-05-01", "ads", 1000)]))
    assert (told.status, told.most) == ("no_clients", None)
    assert told.above == pytest.approx(1000 / 3.6889, rel=1e-4)
    assert definitions.cost(sold(on("ann", "2026-05-01")), None).status == "no_spend"
    assert (
        definitions.cost(sold(on("ann", "2026-05-01")), bought.spend([("2026-05-01", "ads", 0)])).status
        == "no_spend"
    )


def test_a_client_who_buys_once_is_worth_the_margin_of_all_his_deals() -> None:
    rows = [
        *on("ann", "2026-01-01", "2026-02-01"),
        *on("bob", "2026-01-05", amount=400),
        *on(None, "2026-01-06"),
    ]
    told = definitions.per_deal(sold(rows))
    assert (told.value, told.clients, told.deals, told.returning) == (150, 2, 3, 1)
    assert (told.low, told.high) == pytest.approx(
        (150 - 12.7062 * 50, 150 + 12.7062 * 50), rel=1e-4
    )  # t, 1 degree


# --- side by side ---
def company_a(**differs):
    """Table 1: 200 clients, 50 lost, 80 new, a million of revenue."""
    base = client_base.Base("ok", BEGIN, JUNE, 90, 200, 50, 80, 0, 230, 1e6, 3e5, 1.0, 6e5, 40)
    base = client_base.Base(**{**vars(base), **differs})
    return base, lifetime.snapshot(base.start, base.lost, base.new + base.returned, base.revenue)


def reached(value, months=12, status="ok"):
    return cohorts.Reached(months, 12, value, value - 10, value + 10, 99, 5, 0, 0.95, status)


def cost(paid=500.0):
    return definitions.Cost("ok", paid, paid - 50, paid + 50, spend=4e4, new=80)


def rows_of(model="repeat", base_and=None, **more):
    base, snapshot = base_and or company_a()
    table = definitions.side_by_side(model, snapshot, base, **more)
    return table.set_index("definition")


def test_one_period_gives_the_worked_values_of_company_a() -> None:
    rows = rows_of(revenue=reached(7000), margin=reached(2100), cost=cost())
    assert rows.loc["seed", "value"] == pytest.approx(18604.65, abs=0.01)
    assert rows.loc["per_lost", "value"] == 20000
    assert rows.loc["matched", "value"] == 6e5 / 40
    assert rows.loc["seed", "value"] / rows.loc["per_lost", "value"] == pytest.approx(200 / 215)
    assert rows.loc["seed", "low"] < rows.loc["seed", "value"] < rows.loc["seed", "high"]
    assert rows["months"].isna()[["seed", "matched", "per_lost"]].all(), "a whole life is said to be one"


def test_the_cost_of_a_client_is_taken_off_margin_and_never_off_revenue() -> None:
    rows = rows_of(revenue=reached(7000), margin=reached(2100), cost=cost())
    assert (rows.loc["cohort_revenue", "value"], rows.loc["cohort_profit", "value"]) == (7000, 1600)
    reach = math.hypot(10, 50)  # of the margin and of the cost
    assert rows.loc["cohort_profit", ["low", "high"]].tolist() == pytest.approx([1600 - reach, 1600 + reach])
    bare = rows_of(revenue=reached(7000), margin=reached(2100))
    assert (bare.loc["cohort_profit", "value"], bare.loc["cohort_profit", "basis"]) == (2100, "margin")
    assert rows_of(revenue=reached(7000), cost=cost()).loc["cohort_profit", "status"] == "no_margin"


def test_full_cost_goes_before_the_cost_of_advertising_alone() -> None:
    dear = definitions.Cost("ok", 500, 450, 550, full=1900.0)
    assert rows_of(margin=reached(2100), cost=dear).loc["cohort_profit", "value"] == 200


def test_one_off_purchases_have_no_lifetime_value_at_all() -> None:
    deal = definitions.PerDeal(900, 800, 1000, 50, 55, 5, 0.95)
    rows = rows_of("one_off", revenue=reached(7000), margin=reached(2100), cost=cost(), deal=deal)
    assert rows.index[rows["status"] == "ok"].tolist() == ["per_deal"]
    reach = math.hypot(100, 50)
    assert rows.loc["per_deal", ["value", "low", "high"]].tolist() == pytest.approx(
        [400, 400 - reach, 400 + reach]
    )
    assert (rows["status"].drop("per_deal") == "other_model").all()


def test_where_nobody_is_lost_there_is_a_lower_limit_and_no_infinity() -> None:
    rows = rows_of(base_and=company_a(lost=0, end=280, stayed_lost=0))
    assert rows.loc["per_lost", "status"] == "at_least"
    assert rows.loc["per_lost", "value"] == pytest.approx(1e6 / 3.6889, rel=1e-4)
    assert np.isfinite(rows["value"].dropna()).all()
    assert definitions.spread(rows.reset_index()).answers == 0


def test_a_base_that_cannot_be_counted_says_why_and_what_is_missing() -> None:
    rows = rows_of(base_and=(client_base.Base("few_pauses", needed=12), lifetime.snapshot(0, 0, 0, 0)))
    assert rows.loc["seed", ["status", "reason", "needed"]].tolist() == ["cannot_tell", "few_pauses", 12]
    empty = rows_of(base_and=company_a(start=0, lost=0, end=80))
    assert empty.loc["seed", "reason"] == "no_start"


def fit(reason="", n=400):
    return SimpleNamespace(reason=reason, converged=not reason, n=n)


def test_a_refused_model_gives_its_reason_and_no_number() -> None:
    rows = rows_of(margin=reached(2100), cost=cost(), repeat=(fit("few_clients", 205), fit(), 900.0))
    assert rows.loc["bgnbd", ["status", "reason", "needed"]].tolist() == ["cannot_tell", "few_clients", 95]
    assert math.isnan(rows.loc["bgnbd", "value"])
    late = rows_of(margin=reached(2100), cost=cost(), repeat=(fit(), fit("border"), 900.0))
    assert late.loc["bgnbd", "reason"] == "border"
    good = rows_of(margin=reached(2100), cost=cost(), repeat=(fit(), fit(), 900.0), horizon=24)
    assert good.loc["bgnbd", ["value", "months", "clients"]].tolist() == [400, 24, 400]
    paid = rows_of("subscription", margin=reached(2100), cost=cost(), sbg=(fit(), 700.0))
    assert (paid.loc["sbg", "value"], paid.loc["bgnbd", "status"]) == (200, "other_model")


def test_how_far_answers_lie_apart_is_not_told_in_times_when_one_is_a_loss() -> None:
    rows = rows_of(revenue=reached(7000), margin=reached(2100), cost=cost()).reset_index()
    apart = definitions.spread(rows)
    assert (apart.answers, apart.lowest, apart.highest) == (5, "cohort_profit", "per_lost")
    assert apart.times == pytest.approx(20000 / 1600)
    loss = definitions.spread(rows_of(margin=reached(100), cost=cost()).reset_index())
    assert (loss.lowest, loss.low, loss.times) == ("cohort_profit", -400, None)


def test_a_repeat_model_adds_its_purchases_to_the_first_and_discounts_them_by_month() -> None:
    assert definitions.repeat_value(100, 50, [0, 1, 1.5], 0.4) == pytest.approx(0.4 * (100 + 75))
    later = definitions.repeat_value(100, 50, [0] * 12 + [1], 0.4, discount=1.0)
    assert later == pytest.approx(0.4 * (100 + 25))
    rows = [*on("ann", "2026-01-01", "2026-02-01"), *on("bob", "2026-01-05", amount=400)]
    assert definitions.first_purchase(sold(rows)) == 250


# --- whom to trust ---
def rolled(**errors: list[float]) -> pd.DataFrame:
    """Errors of each way at the cuts of June, March, …"""
    days = [dt.date(2026, 6, 30), dt.date(2026, 3, 31), dt.date(2025, 12, 31)]
    return pd.DataFrame([
        {"predictor": name, "predicted": 100 * (1 + error), "actual": 100.0, "error": error, "rank": 1.0,
         "status": "few_clients" if math.isnan(error) else "ok", "cut": day, "horizon": 3}
        for name, many in errors.items() for error, day in zip(many, days, strict=False)
    ])  # fmt: skip


def test_the_smallest_error_over_all_cuts_wins_and_a_run_rate_may() -> None:
    told = trust.trust(rolled(run_rate=[0.2, -0.1], cohort_power=[0.01, 0.4], bgnbd_gg=[-0.17, -0.19]))
    assert (told.status, told.best, told.typical) == ("ok", "run_rate", pytest.approx(0.15))
    assert told.near == ("bgnbd_gg",)
    assert told.rows["predictor"].tolist() == ["run_rate", "bgnbd_gg", "cohort_power"]
    assert told.rows.set_index("predictor").loc["cohort_power", "worst"] == 0.4
    assert (told.folds, told.horizon, told.cut) == (2, 3, dt.date(2026, 6, 30))


def test_a_way_that_could_not_answer_at_a_cut_does_not_win() -> None:
    told = trust.trust(rolled(run_rate=[0.2, 0.2], bgnbd_gg=[0.01, math.nan]))
    assert told.best == "run_rate"
    assert told.rows["predictor"].tolist() == ["run_rate", "bgnbd_gg"], (
        "judged at every cut before judged at some"
    )
    assert told.rows["folds"].tolist() == [2, 1]


def test_a_cut_with_a_handful_of_purchases_after_it_judges_nobody() -> None:
    table = rolled(run_rate=[9000.0, 0.2, 0.1], cohort_power=[0.1, 0.4, 0.5])
    table["orders"] = table["cut"].map(dict(zip(table["cut"].unique(), (2, 30, 40), strict=True)))
    told = trust.trust(table, least=30)
    assert (told.status, told.best, told.typical) == ("ok", "run_rate", pytest.approx(0.15))
    assert (told.folds, told.skipped, told.cut) == (2, 1, dt.date(2026, 3, 31))
    assert told.kept == (dt.date(2026, 3, 31), dt.date(2025, 12, 31))
    few = trust.trust(table, least=41)
    assert (few.status, few.skipped, few.orders, few.cut) == ("few_orders", 3, 40, dt.date(2025, 12, 31))
    assert trust.trust(table).best == "cohort_power", "unless asked for, every cut counts"


def test_nobody_is_trusted_who_misses_by_a_third() -> None:
    assert trust.trust(rolled(run_rate=[0.5], cohort_power=[-0.33])).status == "none"
    assert trust.trust(rolled(run_rate=[math.nan])).status == "no_forecast"
    assert trust.trust(rolled(run_rate=[0.1]).iloc[:0]).status == "short"
    nothing = rolled(run_rate=[math.nan]).assign(actual=0.0)
    assert trust.trust(nothing).status == "no_money"
