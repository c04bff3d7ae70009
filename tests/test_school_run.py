"""A real CRM export from audit.yml to the published run, against figures that were counted apart from this code.

The data lies beside the project, is no part of it, and the tests skip where it is absent.
"""

from __future__ import annotations

import pandas as pd
import pytest

import published
from school_figures import SOURCES

SCHOOL = published.SHARED / "school_crm"
pytestmark = pytest.mark.skipif(
    not (SCHOOL / "deals.xlsx").is_file(),
    reason="shared data not found: ../shared/data/school_crm/deals.xlsx",
)


@pytest.fixture(scope="session")
def costs(school) -> pd.DataFrame:
    found = published.table(school, "03_non_target_share_cost")
    return found.rename(columns={"Заявки": "deals", "Клиенты": "paid", "Расход": "spend", "Цена заявки (CPL)": "cpl",
                                 "Цена клиента (CAC)": "cac"})  # fmt: skip


def test_every_deal_and_every_payment_is_counted_once(school, costs) -> None:
    assert costs["deals"].sum() == 21_593
    assert costs["paid"].sum() == 858
    assert published.findings(school)["unknown_share"]["n"] == 21_593


def test_no_row_of_the_three_files_went_missing(school) -> None:
    files = published.table(school, "01_data_health_files")
    assert files["Принято"].to_dict() == {"deals.xlsx": 21_593, "spend.xlsx": 19_862, "calls.xlsx": 91_936}
    assert (files["Прочитано"] == files[["Принято", "Отложено", "Отброшено"]].sum(axis=1)).all()
    assert (
        files.loc["spend.xlsx", "Деньги прочитаны"] == files.loc["spend.xlsx", "Деньги приняты"] == 149_523.45
    )


def test_one_question_has_three_answers_of_all_deals(school) -> None:
    rules = published.table(school, "02_lead_qualification_definitions")
    assert rules.loc["Причина отказа", "Нецелевые"] == 5_189
    assert rules.loc["Качество D", "Нецелевые"] == 6_248
    assert rules.loc["Качество D, E или F", "Нецелевые"] == 13_885
    of_all = (rules["От всех заявок"] * 100).round(2)
    assert of_all[["Причина отказа", "Качество D", "Качество D, E или F"]].tolist() == [24.03, 28.94, 64.30]
    finding = published.findings(school)["definitions_spread"]
    assert round(finding["value"] * 100, 2) == 40.27
    assert "24\u00a0%" in finding["fact"]
    assert "64\u00a0%" in finding["fact"]


@pytest.mark.parametrize("channel", SOURCES)
def test_costs_of_a_source_are_the_reference_to_the_cent(costs, channel) -> None:
    deals, paid, spend, cpl, cac = SOURCES[channel]
    row = costs.loc[channel]
    assert (row["deals"], row["paid"], f"{row['spend']:.2f}") == (deals, paid, f"{float(spend):.2f}")
    if cpl is None:
        assert pd.isna(row["cpl"])  # never 0: nothing was spent, so nothing can be said of a price
        assert pd.isna(row["cac"])
    else:
        assert (round(row["cpl"], 2), round(row["cac"], 2)) == (cpl, cac)


def test_spend_without_leads_is_a_row_of_its_own_and_in_the_total(school, costs) -> None:
    radio = costs.loc["Radio"]
    assert (radio["deals"], radio["paid"], radio["spend"]) == (0, 0, 300.00)
    assert pd.isna(radio["cpl"])
    assert pd.isna(radio["cac"])
    assert round(costs["spend"].sum(), 2) == 149_523.45
    assert len(costs) == len(SOURCES) + 1
    assert "Ещё 300\u00a0€ расходов" in published.text(school, "03_non_target_share.html").replace(
        " €", "\u00a0€"
    )


def test_the_page_says_what_the_export_cannot_tell(school) -> None:
    found = published.findings(school)
    assert found["known_early"]["status"] == found["label_in_hindsight"]["status"] == "not_available"
    decisions = published.table(school, "01_data_health_decisions")
    assert decisions.loc["конверсия по этапам", "Почему"] == "нет истории этапов"
    assert decisions.loc["повторные покупки и LTV", "Почему"] == "нет выгрузки платежей"
    front, page = published.text(school, "index.html"), published.text(school, "02_lead_qualification.html")
    for name in ("known_early", "label_in_hindsight"):
        assert found[name]["fact"] in front
        assert found[name]["fact"] in page
        assert found[name]["question"] in page


def test_two_rules_of_sales_are_not_told_as_two_departments(school) -> None:
    assert "Отделы называют заявку" not in published.text(school, "02_lead_qualification.html")


def test_no_record_id_of_a_person_reaches_the_run(school) -> None:
    contact = pd.read_excel(SCHOOL / "contacts.xlsx", dtype=str, engine="calamine", nrows=50)["Id"].tolist()
    for path in [
        *school.rglob("*.html"),
        *school.rglob("*.csv"),
        *school.rglob("*.json"),
        *school.rglob("*.ipynb"),
    ]:
        held = path.read_text(encoding="utf-8-sig")
        assert not [number for number in contact if number in held], path.name
