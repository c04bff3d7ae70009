"""Every truth about leads and money that was planted in the sample is found: exports in, the stated number out.

The expected numbers come from data/sample/truth.json, which the generator counts in its own world.
"""

from decimal import Decimal

import pytest

import sample_tables
from detente import engine
from detente.metrics import (
    acquisition,
    agreement,
    court,
    health,
    moments,
    nontarget,
    qualification,
)
from sample_exports import SAMPLE
from sample_tables import size

VERDICTS = ("target", "non_target", "unknown")


@pytest.fixture(scope="module")
def loaded():
    return sample_tables.loaded()


@pytest.fixture(scope="module")
def tables(loaded):
    return loaded[0]


@pytest.fixture(scope="module")
def judged(tables):
    return qualification.judge(tables.journeys, tables.audit.criteria, tables.audit.labels)


@pytest.fixture(scope="module")
def by_channel(judged):
    return nontarget.counts(judged, "channel")


def label(tables, name):
    return next(item for item in tables.audit.labels if item.id == name)


def test_no_row_and_no_rouble_of_any_export_goes_missing(loaded):
    assert all(source.conserved for source in loaded[1].sources)
    exports = {path.name for path in SAMPLE.glob("*.csv")} | {path.name for path in SAMPLE.glob("*.xlsx")}
    assert {source.file for source in loaded[1].sources} == exports


def test_every_faulty_row_of_the_deals_is_told_by_its_fault(loaded, truth):
    deals = next(source for source in loaded[1].sources if source.file == "deals.csv")
    stated = truth["rows"]
    gone = stated["exact_duplicates"] + stated["older_versions"] + stated["created_after_export"]
    assert (deals.read, deals.kept) == (stated["deals"], stated["deals"] - gone)
    lost = {loss.reason: loss.rows for loss in loaded[1].losses if loss.file == "deals.csv"}
    assert stated["exact_duplicates"] in lost.values()
    assert stated["older_versions"] in lost.values()
    assert lost["closed_before_created"] == stated["closed_before_created"]


def test_long_ids_stay_apart(tables, truth):
    leads = tables.all_journeys
    assert int(leads.lead_id.nunique().execute()) == size(leads) == truth["rows"]["different_ids"] - 1


def test_leads_are_counted_without_tests_repeats_and_the_future(tables, truth):
    leads = tables.all_journeys
    assert size(tables.journeys) == truth["counted"]
    assert size(leads.filter(leads.is_test)) == truth["rows"]["tests"]
    assert size(leads.filter(leads.is_duplicate & ~leads.is_test)) == truth["rows"]["repeats"]


def test_outcomes_are_as_drawn(tables, truth):
    found = engine.frame(tables.journeys.group_by("outcome").aggregate(leads=tables.journeys.count()))
    assert dict(zip(found["outcome"], found["leads"], strict=True)) == truth["outcomes"]


def test_verdicts_are_as_drawn(judged, truth):
    total = qualification.total(judged)
    assert {name: getattr(total, name) for name in VERDICTS} == {
        name: truth["verdicts"][name] for name in VERDICTS
    }
    true_share = truth["verdicts"]["truly_non_target"] / truth["counted"]
    assert total.bound_low < true_share < total.bound_high
    assert total.low < true_share < total.high


def test_every_criterion_fails_as_often_as_drawn(judged, tables, truth):
    found = qualification.by_criterion(judged, tables.audit.criteria).set_index("criterion")
    for name, stated in truth["criteria"].items():
        row = found.loc[name]
        assert (row["fails"], row["passes"], row["unknown"], row["only"]) == tuple(
            stated[key] for key in ("fail", "pass", "unknown", "only")
        )


def test_channels_hold_what_was_drawn(by_channel, truth):
    stated = {name: part for name, part in truth["channels"].items() if isinstance(part, dict)}
    found = {"(empty)" if name is None or name != name else name: row for name, row in by_channel.iterrows()}
    assert set(found) == set(stated)
    for name, part in stated.items():
        assert {key: int(found[name][key]) for key in ("leads", *VERDICTS)} == {
            key: part[key] for key in ("leads", *VERDICTS)
        }, name


def test_intervals_of_channels_cover_the_share_they_were_drawn_at(by_channel, truth):
    shares = nontarget.share_by(by_channel, level=0.999)
    for name, part in truth["channels"].items():
        if isinstance(part, dict) and "drawn_at" in part:
            assert shares.loc[name, "low"] <= part["drawn_at"] <= shares.loc[name, "high"], name


def test_the_audit_names_the_channels_that_differ_and_not_the_one_that_only_looks_so(by_channel):
    assert nontarget.homogeneity(by_channel).p < 0.001
    found = nontarget.against_rest(by_channel)
    assert found.loc["VK Реклама", "named"]
    assert found.loc["Квиз на сайте", "named"]
    assert not found.loc["Выставка", "named"]
    worse = found[found["named"] & (found["difference"] > 0)]
    assert set(worse.index) == {"VK Реклама", "Квиз на сайте"}


def test_the_trade_fair_looks_worst_until_its_size_is_taken_into_account(by_channel):
    ranks = nontarget.shrunk(by_channel)
    assert ranks.loc["Выставка", "raw_rank"] == 1
    assert ranks.loc["Выставка", "estimate"] < ranks.loc["Выставка", "share"]
    assert ranks.loc["VK Реклама", "rank"] < ranks.loc["Выставка", "rank"]


def test_channels_drawn_at_one_rate_do_not_differ(by_channel):
    alike = by_channel.loc[["Яндекс Директ", "Поиск", "Рекомендации", "Холодный поиск"]]
    assert nontarget.homogeneity(alike).p > 0.05


def test_one_channel_gets_worse_month_by_month_and_the_usual_ones_do_not(judged, truth):
    one = nontarget.counts(judged.filter(judged.channel == truth["trend"]["channel"]), "month")
    assert one["known"].tolist() == truth["trend"]["known"]
    assert one["non_target"].tolist() == truth["trend"]["non_target"]
    drift = nontarget.trend(one)
    assert drift.p < 0.001
    assert drift.slope > 0
    usual = judged.filter(judged.channel.isin(["Яндекс Директ", "Поиск", "Рекомендации", "Холодный поиск"]))
    assert nontarget.trend(nontarget.counts(usual, "month")).p > 0.05


def test_labels_stand_against_the_criteria_as_drawn(judged, truth):
    for name in ("marketing", "sales"):
        found = judged.group_by(said=judged[f"says_{name}"], fact=judged["verdict"]).aggregate(
            leads=judged.count()
        )
        table = {(row.said, row.fact): row.leads for row in engine.frame(found).itertuples()}
        for pair, leads in truth["labels"][name].items():
            said, fact = pair.split("/")
            assert table.get(("unknown" if said == "none" else said, fact), 0) == leads, (name, pair)


def test_marketing_disputes_the_criteria_for_one_reason_only(judged, tables, truth):
    found = agreement.dispute(judged, tables.audit.criteria, "marketing").set_index("criterion")
    assert found.loc["authority", "disputed"] == truth["labels"]["marketing_disputes"]["all"]
    alone = truth["labels"]["marketing_disputes"]["authority_alone"]
    assert found["sole"].to_dict() == {"authority": alone, "phone": 0, "region": 0, "budget": 0}
    assert found.index[0] == "authority"


def test_marketing_calls_more_leads_target_than_sales_does(judged):
    both = agreement.agreement_of(judged, "marketing", "sales")
    assert both.direction == "first"
    assert both.p < 0.001


def test_sales_sets_its_label_by_hindsight_as_often_as_drawn(judged, tables, truth):
    timing = moments.label_timing(judged, label(tables, "sales"))
    assert timing.at_close_non_target == truth["labels"]["set_after_the_loss"]
    assert timing.at_close - timing.at_close_non_target <= truth["rows"]["closed_before_created"]
    assert timing.low > 0  # labels set at the close say "non-target" more often than early ones


def test_the_court_of_rejected_leads_rules_as_drawn(judged, tables, truth):
    stated = truth["court"]
    ruling = court.court(judged, "sales", tables.calls, tables.payments, leads=tables.all_journeys)
    why = ruling.why.set_index("why")["leads"]
    assert ruling.rejected == stated["rejected"]
    assert why["won_again"] == stated["won_as_a_new_inquiry"] == 15
    assert why["paid"] == stated["paid"] == 15
    assert why["meets_criteria"] == stated["meets_criteria"]
    assert ruling.unproven == why["no_talk"] == stated["no_talk"] == 50
    assert ruling.confirmed == stated["fails_criteria"] + stated["talked"]


def test_spend_equals_the_exports_to_the_kopeck(judged, tables, truth):
    found = acquisition.acquisition(tables.spend, judged)
    for name in ("Яндекс Директ", "VK Реклама", "Авито"):
        assert found.loc[name, "spend"] * 100 == sum(truth["spend"][name].values())
        assert found.loc[name, "spend_state"] == "spend"
    assert found.loc["Поиск", "spend_state"] == "no_spend"
    campaigns = engine.frame(tables.spend.group_by("campaign").aggregate(cost=tables.spend.cost.sum()))
    cost = dict(zip(campaigns["campaign"], campaigns["cost"], strict=True))
    assert {name: cost[name] * 100 for name in truth["spend"]["Яндекс Директ"]} == truth["spend"][
        "Яндекс Директ"
    ]


def test_payments_and_refunds_sum_to_the_stated_kopeck(tables, truth):
    total = tables.payments.amount.sum().execute()
    assert Decimal(str(total)) * 100 == truth["payments"]["net_kopecks"]
    assert size(tables.payments.filter(tables.payments.amount < 0)) == truth["payments"]["refunds"]


def test_dealers_bring_the_money_and_marketing_brings_private_persons(tables, truth):
    won = tables.journeys.filter(tables.journeys.outcome == "won")
    money = engine.frame(won.group_by("segment").aggregate(amount=won.amount.sum())).set_index("segment")[
        "amount"
    ]
    assert {name: int(amount * 100) for name, amount in money.items()} == {
        name: part["won_kopecks"] for name, part in truth["segments"].items()
    }
    assert money["Дилеры"] / sum(money) > Decimal("0.8")
    leads = engine.frame(tables.journeys.group_by("segment").aggregate(leads=tables.journeys.count()))
    assert leads.set_index("segment")["leads"]["Частные лица"] / leads["leads"].sum() > 0.6


def test_moves_back_and_jumps_are_found_in_the_history(tables, truth):
    leads = tables.all_journeys
    stated = truth["history"]
    future = 1  # the row dated after the export is in no table, and neither is its history
    without = size(leads.filter(~leads.has_history))
    assert without in (stated["leads_without_history"], stated["leads_without_history"] - future)
    back = stated["leads_that_went_back"] + stated["leads_back_from_the_archive"]
    assert size(leads.filter(leads.backward > 0)) == back
    assert size(leads.filter(leads.skipped > 0)) == stated["leads_that_skipped"]


def test_losses_fall_into_the_stated_groups(tables, truth):
    lost = tables.journeys.filter(tables.journeys.outcome == "lost")
    found = engine.frame(lost.group_by("reason_group").aggregate(leads=lost.count()))
    groups = found.set_index(found["reason_group"].fillna("unsorted"))["leads"]
    texts = truth["reasons"]["texts"]
    assert (
        groups["price"]
        == texts["дорого"] + texts["высокая цена"] + texts["дорого <script>alert('x')</script>"]
    )
    assert groups["number"] == sum(
        texts[name] for name in ("неверный номер", "неправильный телефон", "номер не существует")
    )
    assert groups["thinking"] == texts["думает"] + texts["думают"] + texts["другое"]
    unlisted = ["сам перезвонит", "уже есть в сrm", *map(str.lower, truth["claims"]["typos"])]
    assert groups["unsorted"] == texts[""] + sum(texts[name] for name in unlisted)
    assert size(lost.filter(lost.loss_reason.isnull())) == texts[""]


def test_the_broken_form_shows_in_the_first_stage_of_one_channel(tables, truth):
    leads = tables.journeys
    early = leads.filter(
        (leads.channel == "Квиз на сайте") & (leads.outcome == "lost") & (leads.furthest == 1)
    )
    bad = early.filter(early.phone_valid == False)  # noqa: E712
    assert 0.76 < size(bad) / size(early) < 0.84
    assert size(early) <= truth["quiz_early_losses"]["lost"]


def test_recent_leads_are_mostly_open_and_old_ones_are_not(tables, truth):
    leads = tables.journeys
    still = leads.count(where=leads.outcome == "open")
    found = engine.frame(leads.group_by("month").aggregate(leads=leads.count(), open=still)).sort_values(
        "month"
    )
    assert found["leads"].tolist() == truth["unripe"]["leads"]
    assert found["open"].tolist() == truth["unripe"]["open"]


def test_the_export_reaches_the_top_of_the_ladder(tables):
    names = [name for name in ("stages", "spend", "payments", "calls", "tasks", "plan") if tables.has(name)]
    assert health.digitisation(["deals", *names], tables.journeys).level == "L4"


def test_nothing_personal_is_left_in_the_tables(tables):
    frame = engine.frame(tables.all_journeys)
    text = frame.select_dtypes("str").to_csv(index=False)
    assert "907 " not in text
    assert "@example.com" not in text
    assert "Берёзкин" not in text
    assert "Белова" not in text
