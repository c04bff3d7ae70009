"""What the report says of a claimed number: where it comes from, what it leaves aside, or that nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detente.metrics import claims
from detente.metrics.claims import Facts
from detente.present import report as page
from detente.present import view_claims as view
from detente.present.report import Report
from detente.terms import Economics
from hand_made import Made, leads

LADDER = Facts(
    spend=100_000, gross=480_000, returned=30_000, vat=0, goods=250_000, delivery=25_000, contract=600_000,
    all_gross=900_000, new_share=0.4, staff=50_000, leads=200, won=20, paying=18, new=15,
    start=100, lost=30, came=130, revenue=300_000, margin=0.5,
)  # fmt: skip


@pytest.fixture(params=["ru", "en"])
def told(request, tmp_path, monkeypatch):
    """A report whose company claims what is stated; shows a view and returns it with the HTML."""
    tables = Made(leads(1)).tables(tmp_path)
    shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle["text/html"]))

    def tell(make, **claimed):
        terms = Economics(claimed=claimed)
        audit = tables.audit.model_copy(update={"economics": terms})
        report = Report("12_romi_pitfalls", replace(tables, audit=audit), tables.loss, request.param)
        made = make(report)
        report.show(made)
        return made, shown[-1] if shown else ""

    tell.ru = request.param == "ru"
    return tell


def tell_romi(told, claimed, facts):
    stated = {} if claimed is None else {"romi": claimed}
    result, needed = claims.romi(claimed, facts), claims.needed(claimed, facts)
    return told(lambda report: view.romi(report, result, needed), **stated)


def clean(text: str) -> bool:
    """No gap of an empty placeholder, and no sentence that begins or ends twice."""
    return not any(bad in text for bad in ("  ", "..", " .", " ,", "{", "nan", "None", ";.", ",,"))


def test_a_boast_is_named_with_what_it_leaves_aside_and_what_remains(told) -> None:
    made, html = tell_romi(told, 3.8, LADDER)
    fact = made.finding.fact
    assert made.finding.status == "ok"
    assert made.finding.value == 3.8
    assert ("возвраты (30\u00a0000\u00a0₽)" if told.ru else "returns (₽30,000)") in fact
    assert "−30" in made.finding.headline, "(480 - 30 - 250 - 25) x 0.4 / 100 - 1"
    assert clean(fact)
    assert made.table.shown == 2
    assert made.table.bold.head(2).tolist() == [True, False]
    assert len(made.table.frame) > 2, "the others are in the download"
    assert "380" in html


def test_a_cost_that_is_not_exported_is_said_to_be_unknown_and_the_rest_no_profit(told) -> None:
    made, _ = tell_romi(told, 3.8, Facts(spend=100, gross=480))
    assert (
        "Нет данных: возвраты, НДС, себестоимость" if told.ru else "No data on: returns, VAT, cost"
    ) in made.finding.fact
    assert ("ещё не прибыль" if told.ru else "no profit yet") in made.finding.fact
    assert clean(made.finding.fact)


def test_many_ways_to_one_number_cannot_tell_which_was_meant(told) -> None:
    same = replace(LADDER, contract=480_000, all_gross=480_000, all_contract=480_000, received=480_000)
    made, _ = tell_romi(told, 3.8, same)
    assert made.finding.status == "cannot_tell"
    assert (
        "не сказать, какой имели в виду" if told.ru else "cannot tell which was meant"
    ) in made.finding.fact
    assert clean(made.finding.fact)


def test_a_number_that_nothing_makes_says_so_and_what_it_would_take(told) -> None:
    made, html = tell_romi(told, 11.0, LADDER)
    assert made.finding.status == "cannot_tell"
    assert ("не получается" if told.ru else "does not come out") in made.finding.headline
    assert clean(made.finding.fact)
    assert clean(made.note)
    assert made.note in html.replace("&#x27;", "'")
    assert not made.table.bold.any()


def test_an_honest_number_is_confirmed(told) -> None:
    full = claims.romi(None, LADDER).set_index("full").loc[True, "value"]
    made, _ = tell_romi(told, round(full, 3), LADDER)
    assert ("подтверждается" if told.ru else "is confirmed") in made.finding.headline
    assert clean(made.finding.fact)


def test_without_a_claim_the_spread_of_definitions_is_told(told) -> None:
    made, _ = tell_romi(told, None, LADDER)
    finding = made.finding
    assert finding.id == "romi_spread"
    assert finding.value == pytest.approx(-0.3)
    assert finding.unit == "percent"
    assert all(one in finding.headline for one in ("800", "−30"))
    assert clean(finding.fact)
    assert made.table.frame["value"].is_monotonic_decreasing
    assert not made.table.bold.any()


def test_one_definition_alone_is_no_spread(told) -> None:
    made, _ = tell_romi(told, None, Facts(spend=100, gross=480))
    assert clean(made.finding.fact)
    assert ("одним способом" if told.ru else "one way") in made.finding.headline


def test_without_spend_the_ladder_alone_says_what_is_missing(told) -> None:
    assert tell_romi(told, 1.2, Facts(gross=100))[0].finding is None
    assert tell_romi(told, None, Facts(gross=100))[0].finding is None
    assert told(lambda report: view.cac(report, claims.cac(1.0, Facts())), cac=1.0)[0].finding is None


def test_staff_is_told_with_its_money_and_why_it_stays_aside_or_that_there_are_no_data(told) -> None:
    for facts, known in ((LADDER, True), (replace(LADDER, staff=None), False)):
        fact = tell_romi(told, 3.8, facts)[0].finding.fact
        assert (("работают на все каналы" if told.ru else "serve all channels") in fact) == known
        assert (("Нет данных: зарплаты" if told.ru else "No data on: salaries") in fact) == (not known)
    sold = replace(LADDER, all_gross=900_000)
    fact = tell_romi(told, 8.0, sold)[0].finding.fact
    assert ("работают на все" if told.ru else "serve all") not in fact, "of all channels they are a cost"


def test_what_a_number_is_divided_by_and_its_tax_stand_in_the_table(told) -> None:
    taxed = replace(LADDER, spend_vat=20_000, ad_target=40)
    made, html = told(lambda report: view.cac(report, claims.cac(2_500, taxed)), cac=2_500)
    row = made.table.frame.iloc[0]
    assert (row["by"], row["n"], row["value"]) == (100_000, 40, 2_500)
    assert ("реклама с НДС ÷ 40 целевых" if told.ru else "advertising with VAT ÷ 40 target") in row[
        "definition"
    ]
    made, _ = tell_romi(told, 3.8, taxed)
    frame = made.table.frame
    assert "НДС" not in frame["definition"].iloc[0].split("против")[0] if told.ru else True
    for row, form in zip(frame.itertuples(), frame["definition"], strict=True):
        ratio = ("не вычтена" if told.ru else "not subtracted") in form
        assert row.value == pytest.approx(row.money / row.by - (not ratio)), form
    assert made.table.shown <= 5


def test_a_cac_that_is_a_cpl_is_called_the_price_of_an_inquiry(told) -> None:
    made, _ = told(lambda report: view.cac(report, claims.cac(500, LADDER)), cac=500)
    assert made.finding.id == "romi_claimed_cac"
    assert (
        "цена заявки, а не клиента" if told.ru else "price of an inquiry, not of a client"
    ) in made.finding.headline
    assert ("6\u00a0667\u00a0₽" if told.ru else "₽6,667") in made.finding.fact, (
        "100 thousand over 15 new clients"
    )
    assert clean(made.finding.fact)


def test_an_ltv_of_the_popular_formula_is_recognised(told) -> None:
    made, _ = told(lambda report: view.ltv(report, claims.ltv(6667, LADDER)), ltv=6667)
    assert made.finding.id == "ltv_claimed"
    assert (
        "делённая на долю ушедших" if told.ru else "divided by the share of clients lost"
    ) in made.finding.fact
    assert clean(made.finding.fact)


def test_no_claim_no_section_for_ltv_and_cac(told) -> None:
    assert told(lambda report: view.ltv(report, claims.ltv(None, LADDER)))[0].finding is None
    assert told(lambda report: view.cac(report, claims.cac(None, LADDER)))[0].finding is None


def test_a_claimed_ltv_without_data_to_hold_it_against_says_what_is_missing(told) -> None:
    made, _ = told(lambda report: view.ltv(report, claims.ltv(1.0, Facts())), ltv=1.0)
    assert made.finding.status == "not_available"


@pytest.mark.parametrize("kind", ["romi", "ltv", "cac"])
def test_every_definition_has_words_that_read_as_one_phrase(told, kind) -> None:
    facts = replace(
        LADDER, vat=9_000, spend_vat=20_000, incremental=0.3, all_contract=10**6, all_field_paid=10**6, received=10**6,
        target=40, check=500, orders=2, orders_year=3, years=1.0, life=4, cohorts=((3, 1.0, 0.5), (6, 2.0, 1.0)),
    )  # fmt: skip
    words = {"romi": view._romi_words, "ltv": view._ltv_words, "cac": view._cac_words}[kind]
    tables = [getattr(claims, kind)(None, known) for known in (facts, replace(facts, basis="paid_field"))]
    made, _ = told(
        lambda report: view.View(
            heading=" | ".join(said for t in tables for said in view._worded(report, t, words)["definition"])
        )
    )
    phrases = made.heading.split(" | ")
    for table in tables:
        said, phrases = phrases[: len(table)], phrases[len(table) :]
        assert len(set(said)) == len(table), "two definitions with the same words"
        assert all(clean(one) for one in said)
