"""Columns that only audit.yml knows: facts of the stages, and the fields behind the rules of a sales head."""

import pytest

from detente.audit import Audit, AuditError
from small_audit import Company, frame

DEALS = (
    "id,created,stage,spec,signed,need by,people,who,hours,first\n"
    "1,2024-01-05 10:00,Talk,yes,,2024-03-01,2,director; buyer,3,150000\n"
    "2,2024-01-20 12:00,Won,,2024-02-01 09:30,,,,,\n"
)
STAGES = [
    {"name": "New"},
    {"name": "Talk", "fact": "needs are written down", "evidence": "spec", "quoted": True},
    {"name": "Offer", "fact": "signed by both", "fact_at": "signed"},
]
FIELDS = {
    "deadline": "need by",
    "contacts": "people",
    "roles": "who",
    "hours": "hours",
    "first_amount": "first",
}


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path).source("deals", DEALS)


def stated(company):
    company.state(funnel={"stages": STAGES, "won": ["Won"], "lost": ["Lost"]}, fields=FIELDS)
    return company.load()


def test_facts_of_stages_and_fields_stand_beside_the_lead_they_belong_to(company):
    tables, _ = stated(company)
    first, second = frame(tables.journeys.order_by("created_at")).to_dict("records")
    assert first["evidence_2"] == "yes"
    assert str(first["field_deadline"]) == "2024-03-01 00:00:00"
    assert (first["field_contacts"], first["field_hours"], first["field_first_amount"]) == (2, 3, 150_000)
    assert first["field_roles"] == "director; buyer"
    assert str(second["fact_at_3"]) == "2024-02-01 09:30:00"


def test_a_company_that_states_no_fields_has_no_columns_for_them(tmp_path):
    tables, _ = Company(tmp_path).load()
    assert not [name for name in tables.journeys.columns if name.startswith(("field_", "evidence_", "fact_"))]


def test_a_heading_that_the_export_does_not_have_names_its_place_in_the_audit(company):
    company.state(fields={"deadline": "need until"})
    with pytest.raises(AuditError, match=r"fields\.deadline.*need by"):
        company.load()


def test_the_budget_of_a_deal_at_each_move_is_read_with_the_move(company):
    moves = "deal,time,stage,Бюджет\n1,2024-01-05 10:00,New,100000\n1,2024-01-08 10:00,Talk,80000\n"
    tables, _ = company.source("stages", moves).load()
    assert [str(amount) for amount in frame(tables.stages.order_by("entered_at"))["amount"]] == [
        "100000.00",
        "80000.00",
    ]


def test_what_a_reason_claims_is_one_of_three_things_that_can_be_checked(tmp_path):
    reasons = [{"id": "a", "reasons": ["no"], "claims": "bad mood", "ru": "а", "en": "a"}]
    path = Company(tmp_path).state(reasons=reasons).audit()
    with pytest.raises(AuditError, match="claims"):
        Audit.read(path)


def test_a_task_keeps_the_abbreviations_of_the_trade_and_no_name_in_capitals(company):
    company.source("tasks", "deal,what\n1,выйти на ЛПР ИВАНОВ и отправить КП\n", {"title": "what"})
    assert frame(company.load()[0].tasks)["title"].tolist() == ["выйти на ЛПР и отправить КП"]
