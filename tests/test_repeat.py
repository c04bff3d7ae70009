"""Who comes back, how large a purchase is, what is returned, by which channel: counted by hand, and against chance."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import bought
from detente.metrics import contrast, repeat

AS_OF = dt.date(2026, 6, 30)


def buy(client: str | None, day: str, amount: float = 100, **more) -> dict:
    return {
        "client": client,
        "bought_at": day,
        "amount": amount,
        "matched": "client" if client else None,
        **more,
    }


def returning(rows, windows=(90,)) -> pd.Series:
    return repeat.returning(bought.purchases(rows), AS_OF, windows).iloc[0]


# --- who comes back ---
def test_only_clients_watched_for_the_whole_window_are_counted() -> None:
    rows = [
        buy("watched", "2026-04-01"), buy("young", "2026-04-02"), buy("young and back", "2026-06-01"),
        buy("young and back", "2026-06-05"), buy("back", "2026-01-01"), buy("back", "2026-04-01"),
    ]  # fmt: skip
    found = returning(rows)
    assert (found["clients"], found["watched"], found["back"], found["young"], found["young_back"]) == (
        4,
        2,
        1,
        2,
        1,
    )
    assert found["share"] == 0.5


def test_the_last_day_of_the_window_is_in_and_the_next_is_out() -> None:
    rows = [
        buy("in", "2026-01-01"),
        buy("in", "2026-04-01"),
        buy("out", "2026-01-01"),
        buy("out", "2026-04-02"),
    ]
    assert returning(rows)["back"] == 1  # 2026-04-01 is 90 days after


def test_two_purchases_of_one_day_are_no_return_and_refunds_are_no_purchase() -> None:
    rows = [
        buy("twice a day", "2026-01-01", deal="a"), buy("twice a day", "2026-01-01", deal="b"),
        buy("refund", "2026-01-01"), buy("refund", "2026-02-01", -100),
        buy("all back", "2026-01-01"), buy("all back", "2026-02-01", 0, gross=50, returned=50),
        buy(None, "2026-01-01"),
    ]  # fmt: skip
    found = returning(rows)
    assert (found["clients"], found["back"]) == (3, 0)
    assert found["high"] > 0.5


def test_nobody_watched_has_no_share() -> None:
    found = returning([buy("a", "2026-06-01")])
    assert found["watched"] == 0
    assert math.isnan(found["share"])
    assert math.isnan(found["high"])


def test_a_client_known_by_his_deal_alone_cannot_come_back_and_is_not_counted() -> None:
    rows = [buy("d1", "2026-01-01", deal="d1"), buy("d2", "2026-01-01", deal="d2", origin="Ads"),
            buy("anna", "2026-01-01", deal="d3"), buy("boris", "2026-01-01")]  # fmt: skip
    found = returning(rows)
    assert (found["clients"], found["watched"]) == (2, 2)
    ads = repeat.channels(bought.purchases(rows), AS_OF).loc["Ads"]
    assert (ads["clients"], ads["persons"], ads["trials"]) == (1, 0, 0)


def test_every_window_watches_its_own_clients() -> None:
    rows = [buy("a", "2025-06-01"), buy("a", "2026-05-01"), buy("b", "2026-01-01"), buy("b", "2026-03-01")]
    table = repeat.returning(bought.purchases(rows), AS_OF).set_index("days")
    assert table["watched"].to_dict() == {90: 2, 180: 2, 365: 1}
    assert table["back"].to_dict() == {90: 1, 180: 1, 365: 1}


def test_adding_young_clients_moves_no_share() -> None:
    rows = [buy("a", "2026-01-01"), buy("a", "2026-01-09"), buy("b", "2026-01-01")]
    more = [*rows, *(buy(f"y{n}", "2026-06-20") for n in range(9))]
    assert (
        returning(rows)[["share", "low", "high"]].tolist()
        == returning(more)[["share", "low", "high"]].tolist()
    )


# --- channels ---
CHANNELS = [
    buy("a", "2026-01-01", 100, origin="Ads", margin=40, margin_from="costs"),
    buy("a", "2026-02-01", 50, origin="Ads", channel="Mail"),
    buy("b", "2026-01-01", 30, origin="Ads"), buy("c", "2026-06-20", 7, origin="Search"),
    buy("d", "2026-01-01", 11, origin=None), buy("d", "2026-01-20", -4, origin=None),
    buy(None, "2026-01-01", 1000, origin=None),
    buy("stranger", "2026-01-01", 500, origin=None, matched=None),
]  # fmt: skip


def test_a_client_belongs_to_the_channel_of_his_first_inquiry() -> None:
    table = repeat.channels(bought.purchases(CHANNELS), AS_OF)
    assert table.index[:2].tolist() == ["Ads", "Search"] or table.index[0] == "Ads"
    ads = table.loc["Ads"]
    assert (ads["clients"], ads["trials"], ads["hits"], ads["amount"], ads["purchases"]) == (2, 2, 1, 180, 3)
    assert (ads["per_client"], ads["margin"], ads["with_margin"], ads["margin_per_client"]) == (90, 40, 1, 40)
    assert table.loc["Search", ["trials", "hits"]].tolist() == [0, 0]


def test_money_without_a_known_client_is_the_last_row_and_nothing_is_lost() -> None:
    table = repeat.channels(bought.purchases(CHANNELS), AS_OF)
    last = table.iloc[-1]
    assert (last["nobody"], last["clients"], last["amount"]) == (True, 1, 1500)
    named = table[~table["nobody"] & table.index.isna()].iloc[0]
    assert (named["clients"], named["gross"], named["returned"], named["amount"]) == (1, 11, 4, 7)
    assert table["amount"].sum() == sum(row["amount"] for row in CHANNELS)
    assert math.isnan(named["margin_per_client"])


def test_a_channel_is_named_only_where_its_clients_come_back_more_often_for_sure() -> None:
    def clients(channel: str, n: int, back: int) -> list[dict]:
        rows = [buy(f"{channel}{k}", "2026-01-01", origin=channel) for k in range(n)]
        return rows + [buy(f"{channel}{k}", "2026-02-01", origin=channel) for k in range(back)]

    rows = clients("Good", 60, 40) + clients("Few", 6, 6)
    rows += [row for name in ("One", "Two", "Three", "Four") for row in clients(name, 25, 6)]
    table = repeat.channels(bought.purchases(rows), AS_OF)
    found = contrast.against_rest(table[~table["nobody"]])
    assert found.index[found["named"]].tolist() == ["Good"]
    good = found.loc["Good"]
    assert (good["rest_trials"], good["compared"]) == (106, 6)
    assert good["rest_share"] == pytest.approx(30 / 106)
    even = clients("A", 60, 15) + clients("B", 60, 16) + clients("C", 60, 14)
    table = repeat.channels(bought.purchases(even), AS_OF)
    assert not contrast.against_rest(table[~table["nobody"]])["named"].any()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", None]), st.integers(0, 170), st.integers(-400, 900), st.booleans()
        ),
        min_size=1, max_size=14,
    )
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_channels_returns_and_clients_keep_every_rouble(rows) -> None:
    start, origins = dt.date(2026, 1, 1), {"a": "Ads", "b": None, "c": "Search", None: None}
    made = [
        buy(name, str(start + dt.timedelta(day)), amount, origin=origins[name], segment="x" if flag else None)
        for name, day, amount, flag in rows
    ]
    table, total = bought.purchases(made), sum(amount for _, _, amount, _ in rows)
    by_channel = repeat.channels(table, AS_OF)
    assert by_channel["amount"].sum() == total
    assert (by_channel["gross"] - by_channel["returned"] == by_channel["amount"]).all()
    for by in ("month", "segment", None):
        found = repeat.returns(table, by)
        assert found["gross"].sum() - found["returned"].sum() == total
    whole = repeat.returning(table, AS_OF)
    assert (whole["watched"] + whole["young"] == whole["clients"]).all()
    assert by_channel["clients"].sum() == whole["clients"].iloc[0]


def test_leads_without_a_channel_are_neither_named_nor_a_rest() -> None:
    table = pd.DataFrame({"hits": [30, 5, 40], "trials": [40, 40, 40]}, index=["A", "B", None])
    found = contrast.against_rest(table)
    assert found["rest_trials"].tolist() == [40, 40, 80]
    assert found["named"].tolist() == [True, True, False]
    assert found["compared"].tolist() == [2, 2, 2]


def test_a_small_group_or_a_small_rest_names_nobody() -> None:
    table = pd.DataFrame({"hits": [29, 0], "trials": [29, 300]}, index=["A", "B"])
    found = contrast.against_rest(table)
    assert not found["named"].any()
    assert found["compared"].tolist() == [0, 0]


def test_a_difference_below_the_threshold_is_not_named_however_sure() -> None:
    table = pd.DataFrame({"hits": [1200, 1000], "trials": [20_000, 20_000]}, index=["A", "B"])
    found = contrast.against_rest(table)
    assert found["diff_low"].iloc[0] > 0
    assert not found["named"].any()


# --- the average purchase ---
def month_of(month: str, values, **more) -> list[dict]:
    return [buy(f"{month}{n}", f"{month}-05", value, **more) for n, value in enumerate(values)]


def test_mean_median_and_its_interval_are_those_of_the_values() -> None:
    values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1000]
    rows = [*month_of("2026-01", values), *month_of("2026-02", [3, 5]), *month_of("2026-06", [4])]
    table = repeat.checks(bought.purchases([*rows, buy("x", "2026-01-09", -3)]), AS_OF)
    january = table.loc["2026-01"]
    assert (january["n"], january["amount"], january["mean"], january["median"]) == (10, 1045, 104.5, 5.5)
    assert (january["low"], january["high"]) == (2, 9)  # the second and the ninth: covers 97.9 %
    assert table.loc["2026-02", ["median", "n"]].tolist() == [4, 2]
    assert math.isnan(table.loc["2026-02", "low"])
    assert table["whole"].tolist() == [True, True, True]
    assert repeat.checks(bought.purchases(rows), dt.date(2026, 6, 29))["whole"].tolist() == [
        True,
        True,
        False,
    ]


def test_what_went_back_in_full_is_no_check() -> None:
    rows = [
        buy("a", "2026-01-01", 0, gross=5, returned=5),
        buy("b", "2026-01-01", 60, gross=100, returned=40),
    ]
    assert repeat.checks(bought.purchases(rows), AS_OF)["mean"].tolist() == [60]


def test_no_purchase_has_no_months_and_no_trend() -> None:
    table = repeat.checks(bought.purchases([]), AS_OF)
    assert table.empty
    assert repeat.trend(table).status == "cannot_tell"


def months(values, n: int = 10) -> pd.DataFrame:
    names = [f"{2025 + k // 12}-{k % 12 + 1:02d}" for k in range(len(values))]
    return pd.DataFrame(
        {"n": n, "median": values, "mean": values, "whole": True}, index=pd.Index(names, name="month")
    ).astype({"median": float, "mean": float})


def test_a_steady_growth_is_found_with_its_size() -> None:
    found = repeat.trend(months([100 * 1.1**k for k in range(8)]))
    assert found.slope == pytest.approx(0.1)
    assert found.whole == pytest.approx(1.1**7 - 1)
    assert (found.moves, found.months, found.first, found.last) == (True, 8, "2025-01", "2025-08")
    assert found.p == pytest.approx(2 / math.factorial(8))  # two orders of eight values are as extreme


def test_slopes_are_those_of_theil_and_sen() -> None:
    values = [100, 130, 90, 160, 120, 170, 110]
    found, logs = repeat.trend(months(values)), np.log(values)
    pairs = [(logs[b] - logs[a]) / (b - a) for a in range(7) for b in range(a + 1, 7)]
    assert math.log1p(found.slope) == pytest.approx(np.median(pairs))
    assert not found.moves


def test_a_month_without_a_sale_keeps_its_place() -> None:
    table = months([100 * 1.1**k for k in range(9)]).drop(index="2025-04")
    assert repeat.trend(table).slope == pytest.approx(0.1)


def test_few_months_thin_months_and_the_running_month_are_no_trend() -> None:
    table = months([100, 110, 121, 133, 146, 161, 177])
    table.loc[table.index[5], "n"] = 4
    table.loc[table.index[6], "whole"] = False
    found = repeat.trend(table)
    assert (found.status, found.months, found.left_out, found.needed) == ("cannot_tell", 5, 2, 6)
    assert not found.moves


def test_a_sure_but_tiny_change_does_not_move() -> None:
    found = repeat.trend(months([100 * 1.001**k for k in range(12)]))
    assert found.low > 0
    assert not found.moves
    assert repeat.trend(months([100] * 8)).p == 1.0


def test_a_purchase_that_settled_is_told_from_one_that_never_changed() -> None:
    never, settled = (repeat.trend(months(values)) for values in ([9] * 8, [3, 9, 9, 9, 9, 9, 9, 9]))
    once, back = (repeat.trend(months(values)) for values in ([9, 9, 9, 9, 3, 9, 9], [9, 9, 9, 9, 9, 3]))
    assert (never.usual, never.usual_months, never.since, never.since) == (9, 8, "2025-01", never.first)
    assert math.isnan(never.others_low)
    assert (settled.since, settled.others_low, settled.others_high) == ("2025-02", 3, 3)
    assert (once.since, once.usual_months) == ("2025-06", 6)
    assert (back.since, back.usual, back.usual_months) == ("", 9, 5)


def test_no_trend_is_seldom_called_one() -> None:
    rng, alarms = np.random.default_rng(7), 0
    for _ in range(300):
        alarms += repeat.trend(months(np.exp(rng.normal(10, 0.3, 12)))).moves
    assert alarms / 300 < 0.08  # 5 % wanted; the standard error is 1.3 points


# --- returns ---
def test_returns_are_counted_by_purchase_and_summed_by_money() -> None:
    rows = [
        buy("a", "2026-01-01", 70, gross=100, returned=30, segment="x"), buy("b", "2026-01-01", 100, segment="x"),
        buy("c", "2026-01-01", 0, gross=50, returned=50, segment=None), buy("d", "2026-02-01", -9, segment=None),
    ]  # fmt: skip
    table = repeat.returns(bought.purchases(rows))
    assert table.index[0] == "x"
    assert table.iloc[0][["trials", "hits", "full", "gross", "returned"]].tolist() == [2, 1, 0, 200, 30]
    assert table.iloc[1][["trials", "hits", "full", "gross", "returned"]].tolist() == [1, 1, 1, 50, 59]
    assert table["money_share"].iloc[0] == 0.15
    assert table["alone"].tolist() == [0, 1]
    low, high = stats.binomtest(1, 2).proportion_ci(method="wilson")
    assert table.iloc[0][["low", "high"]].tolist() == pytest.approx([low, high])
    assert repeat.returns(bought.purchases(rows), None).iloc[0]["trials"] == 3
    assert repeat.returns(bought.purchases(rows), "month").index.tolist() == ["2026-01", "2026-02"]


def test_segments_stand_each_on_their_own_clients_and_months() -> None:
    rows = [buy("a", "2026-01-01", 10, segment="x"), buy("a", "2026-02-01", 90, segment="y")]
    rows += [buy("b", "2026-01-01", 30, segment="x"), buy("b", "2026-02-01", 20, segment="x")]
    rows += [buy("c", "2026-01-01", 5, gross=9, returned=4, segment=None)]
    table = repeat.by_segment(bought.purchases(rows), AS_OF)
    assert table.index[:2].tolist() == ["x", "y"]
    assert table.loc["x", ["clients", "trials", "hits", "purchases", "median"]].tolist() == [2, 2, 1, 3, 20]
    assert table.loc["y", ["clients", "hits", "status"]].tolist() == [1, 0, "cannot_tell"]
    last = table.iloc[-1]
    assert (last["clients"], last["bought"], last["returned"], last["return_share"]) == (1, 1, 1, 1.0)
    assert repeat.by_segment(bought.purchases([]), AS_OF).empty


def test_the_order_of_rows_moves_nothing() -> None:
    first, second = (repeat.channels(bought.purchases(rows), AS_OF) for rows in (CHANNELS, CHANNELS[::-1]))
    pd.testing.assert_frame_equal(first, second)
