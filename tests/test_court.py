"""The court of rejected leads: every ruling follows from a fact, and no fact is counted twice."""

import math

import numpy as np
import pandas as pd
import pytest

from detente import engine, schema
from detente.metrics import court

LEAD = {
    "lead_id": "x",
    "person": None,
    "says_sales": "non_target",
    "verdict": "unknown",
    "outcome": "lost",
    "created_at": "2024-03-01 10:00",
    "closed_at": "2024-03-10 18:00",
    "label_sales_at": None,
    "manager": "#01",
    "channel": "vk",
}
TIMES = ["created_at", "closed_at", "label_sales_at", "paid_at", "started_at"]
TEXTS = ["lead_id", "person", "manager", "channel"]


def as_table(rows):
    frame = pd.DataFrame(rows)
    for name in frame.columns:
        if name in TIMES:
            frame[name] = pd.to_datetime(frame[name], format="ISO8601").astype("datetime64[us]")
        elif name in TEXTS:
            frame[name] = frame[name].astype("str")
    return engine.table(frame)


def leads(*rows):
    return as_table([LEAD | row for row in rows])


def calls(*rows):
    return as_table([{"lead_id": None, "person": None, "started_at": "2024-03-02", **row} for row in rows])


def payments(*rows):
    return as_table([{"lead_id": None, "person": None, "amount": 100.0, **row} for row in rows])


def why(judged, **facts):
    """The reason of the only rejected lead."""
    found = court.court(judged, "sales", **facts).why
    (reason,) = found.loc[found["leads"] == 1, "why"]
    return reason


def month(relabel=lambda manager: manager):
    """200 rejects: 120 spoken to or failing the criteria, 50 with zero minutes, 30 that bought in time."""
    rows, log, money = [], [], []
    for number in range(200):
        lead = {"lead_id": f"L{number}", "person": f"P{number}", "manager": relabel(f"#0{1 + number % 3}")}
        lead["channel"] = "vk" if number % 2 else None
        if number < 60:
            lead["verdict"] = "non_target"
        elif number < 120:
            log += [{"person": f"P{number}", "duration_s": 61.0}] * 3  # several talks are one lead
        elif number < 170:
            log += [{"lead_id": f"L{number}", "duration_s": 0.0}]
        elif number < 185:
            money += [{"person": f"P{number}", "paid_at": "2024-04-20"}] * 2 + [
                {"lead_id": f"L{number}", "paid_at": "2024-05-01"}
            ]
        else:
            again = {
                "lead_id": f"A{number}",
                "person": f"P{number}",
                "says_sales": "target",
                "outcome": "won",
            }
            rows.append(LEAD | again | {"closed_at": "2024-05-09"})
        rows.append(LEAD | lead)
    return as_table(rows), calls(*log), payments(*money)


def test_the_reference_month_is_split_exactly_120_50_30():
    judged, log, money = month()
    found = court.court(judged, "sales", log, money)
    assert (found.rejected, found.confirmed, found.unproven, found.contradicted) == (200, 120, 50, 30)
    assert found.why.set_index("why")["leads"].to_dict() == {
        "won": 0,
        "won_again": 15,
        "paid": 15,
        "meets_criteria": 0,
        "fails_criteria": 60,
        "talked": 60,
        "no_talk": 50,
        "no_call_log": 0,
    }
    assert (found.status, found.share, found.undated) == ("ok", 0.15, 200)
    assert found.low < 0.15 < found.high


def test_managers_and_channels_sum_to_the_totals():
    judged, log, money = month()
    found = court.court(judged, "sales", log, money, level=0.9)
    for table in (found.managers, found.channels):
        assert table[["rejected", *court.RULINGS]].sum().tolist() == [200, 120, 50, 30]
        assert (table["share"] == table["contradicted"] / table["rejected"]).all()
        assert set(table["level"]) == {0.9}
    assert found.managers.index.tolist() == ["#01", "#02", "#03"]
    assert found.managers["rejected"].tolist() == [67, 67, 66]
    assert pd.isna(found.channels.index[-1])


def test_relabelling_managers_changes_no_total():
    one, two = (court.court(judged, "sales", *facts) for judged, *facts in (month(), month(lambda _: "#09")))
    assert two.managers.index.tolist() == ["#09"]
    for name in ("rejected", "confirmed", "unproven", "contradicted", "share", "low", "high"):
        assert getattr(one, name) == getattr(two, name)
    pd.testing.assert_frame_equal(one.why, two.why)


def test_the_order_of_rows_changes_nothing():
    judged, log, money = month()
    rng = np.random.default_rng(0)
    mixed = [
        engine.table(frame.iloc[rng.permutation(len(frame))])
        for frame in (engine.frame(table) for table in (judged, log, money))
    ]
    one, two = court.court(judged, "sales", log, money), court.court(mixed[0], "sales", *mixed[1:])
    pd.testing.assert_frame_equal(one.managers, two.managers)
    pd.testing.assert_frame_equal(one.why, two.why)


def test_clean_data_contradicts_nobody():
    judged = leads(
        {"lead_id": "a", "person": "p", "verdict": "non_target"},
        {"lead_id": "b", "person": "q", "says_sales": "target", "outcome": "won", "verdict": "target"},
    )
    found = court.court(
        judged, "sales", calls({"duration_s": 0.0}), payments({"person": "q", "paid_at": "2024-03-11"})
    )
    assert (found.rejected, found.contradicted, found.confirmed) == (1, 0, 1)


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [("target", "meets_criteria"), ("non_target", "fails_criteria"), ("unknown", "no_talk")],
)
def test_the_criteria_decide_where_no_purchase_does(verdict, reason):
    assert why(leads({"verdict": verdict}), calls=calls({"duration_s": 5.0})) == reason


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2024-03-09", "fails_criteria"),  # before the rejection
        ("2024-03-10", "paid"),  # the same day, without a clock
        ("2024-05-09", "paid"),  # day 60
        ("2024-05-10", "fails_criteria"),  # day 61
    ],
)
def test_a_payment_contradicts_within_the_window_only(day, reason):
    judged = leads({"person": "p", "verdict": "non_target"})
    assert why(judged, payments=payments({"person": "p", "paid_at": day})) == reason


def test_the_window_starts_at_the_label_where_its_time_is_recorded():
    judged = leads({"person": "p", "verdict": "non_target", "label_sales_at": "2024-03-02"})
    money = payments({"person": "p", "paid_at": "2024-05-09"})
    assert why(judged, payments=money) == "fails_criteria"
    assert why(judged, payments=money, later_days=70) == "paid"
    assert court.court(judged, "sales").undated == 0


def test_a_return_of_money_is_no_purchase():
    judged = leads({"person": "p", "verdict": "non_target"})
    money = payments({"person": "p", "paid_at": "2024-03-12", "amount": -100.0})
    assert why(judged, payments=money) == "fails_criteria"


def test_an_instalment_of_an_earlier_sale_is_no_purchase_of_this_inquiry():
    old = {
        "lead_id": "old",
        "person": "p",
        "says_sales": "target",
        "outcome": "won",
        "closed_at": "2024-01-05",
    }
    judged = leads({"person": "p", "verdict": "non_target"}, old)
    assert (
        why(judged, payments=payments({"person": "p", "lead_id": "old", "paid_at": "2024-03-20"}))
        == "fails_criteria"
    )
    assert why(judged, payments=payments({"person": "p", "lead_id": "x", "paid_at": "2024-03-20"})) == "paid"


@pytest.mark.parametrize(
    ("closed", "reason"),
    [("2024-03-01", "won"), (None, "won"), ("2024-05-08", "won"), ("2024-05-09", "fails_criteria")],
)
def test_a_lead_that_was_won_itself_was_no_reject(closed, reason):
    lead = {"outcome": "won", "closed_at": closed, "label_sales_at": "2024-03-09", "verdict": "non_target"}
    assert why(leads(lead)) == reason


def test_a_repeated_inquiry_that_was_won_counts_even_outside_the_counted_leads():
    judged = leads({"person": "p", "verdict": "non_target"})
    every = leads(
        {"person": "p"}, {"lead_id": "again", "person": "p", "outcome": "won", "closed_at": "2024-03-20"}
    )
    assert why(judged) == "fails_criteria"
    assert why(judged, leads=every) == "won_again"


def test_a_short_call_is_no_talk_and_without_a_call_log_nobody_knows():
    judged = leads({"person": "p"})
    assert why(judged, calls=calls({"person": "p", "duration_s": 59.0})) == "no_talk"
    assert why(judged, calls=calls({"person": "p", "duration_s": 60.0})) == "talked"
    assert why(judged, calls=calls({"person": "p", "duration_s": 60.0}), talk_seconds=90) == "no_talk"
    assert why(judged, calls=calls({"person": "other", "duration_s": 600.0})) == "no_talk"
    assert why(judged) == "no_call_log"
    assert court.court(judged, "sales").status == "no_call_log"


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2024-02-28", "no_talk"),
        ("2024-03-01", "talked"),
        ("2024-03-05", "talked"),
        ("2024-03-06", "no_talk"),
    ],
)
def test_only_a_talk_of_this_inquiry_and_before_the_label_supports_it(day, reason):
    judged = leads({"person": "p", "label_sales_at": "2024-03-05 09:00"})
    assert why(judged, calls=calls({"person": "p", "duration_s": 300.0, "started_at": day})) == reason


def test_people_without_an_id_are_never_one_person():
    judged = leads({"lead_id": "a"}, {"lead_id": "b", "says_sales": "target", "outcome": "won"})
    money = payments({"paid_at": "2024-03-12"})
    assert why(judged, calls=calls({"duration_s": 300.0}), payments=money) == "no_talk"


def test_a_repeated_lead_id_is_refused_before_it_multiplies():
    with pytest.raises(schema.DataError, match="one lead must be one row"):
        court.court(leads({}, {}), "sales")


def test_nobody_rejected_gives_zeros_and_no_share():
    found = court.court(leads({"says_sales": "target"}), "sales")
    assert (found.rejected, found.confirmed, found.unproven, found.contradicted) == (0, 0, 0, 0)
    assert math.isnan(found.share)
    assert found.managers.empty
    assert list(found.managers.columns)[:4] == ["rejected", *court.RULINGS]


def test_the_rows_behind_a_number_can_be_listed():
    judged, log, money = month()
    listed = engine.frame(court.rulings(judged, "sales", court.Facts(log, money)))
    assert len(listed) == 200
    assert (listed["ruling"] == "contradicted").sum() == 30
    assert set(listed.loc[listed["why"] == "no_talk", "lead_id"]) == {
        f"L{number}" for number in range(120, 170)
    }


def test_a_log_that_names_only_people_or_only_leads_is_enough():
    judged = leads({"person": "p"})
    by_person = as_table([{"person": "p", "started_at": "2024-03-02", "duration_s": 90.0}])
    by_lead = as_table([{"lead_id": "x", "started_at": "2024-03-02", "duration_s": 90.0}])
    nameless = as_table([{"started_at": "2024-03-02", "duration_s": 90.0}])
    assert [why(judged, calls=log) for log in (by_person, by_lead, nameless)] == [
        "talked",
        "talked",
        "no_talk",
    ]
    money = as_table([{"person": "p", "paid_at": "2024-03-12", "amount": 9.0}])
    assert why(judged, payments=money) == "paid"
