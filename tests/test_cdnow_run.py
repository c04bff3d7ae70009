"""Real purchases of one quarter's clients, from exports to the published page, against counted cohorts.

The test writes the two exports beside a copy of the audit: the data lies beside the project and is no part of it; the
tests skip where it is absent.
"""

from __future__ import annotations

import csv
import gzip
import shutil
from pathlib import Path

import pytest

import published

MASTER = published.SHARED / "cdnow" / "CDNOW_master.txt.gz"
pytestmark = pytest.mark.skipif(
    not MASTER.is_file(), reason="shared data not found: ../shared/data/cdnow/CDNOW_master.txt.gz"
)
# month of the first row: clients, revenue to the end
COHORTS = {
    "Jan 1997": (7846, 887157.56), "Feb 1997": (8476, 886611.81), "Mar 1997": (7248, 726546.26),
}  # fmt: skip


def exports(folder: Path) -> Path:
    """deals.csv (a client, won on the day of the first purchase) and payments.csv beside a copy of the audit."""
    with gzip.open(MASTER, "rt", encoding="ascii") as lines:
        rows = [line.split() for line in lines][1:]
    bought = [(who, f"{day[:4]}-{day[4:6]}-{day[6:]}", money) for who, day, _, money in rows]
    first: dict[str, str] = {}
    for who, day, _ in bought:
        first[who] = min(first.get(who, day), day)
    deals = [(who, day, day, "Won") for who, day in first.items()]
    written(folder / "deals.csv", ("customer", "created", "closed", "stage"), deals)
    written(folder / "payments.csv", ("customer", "day", "dollars"), bought)
    return Path(shutil.copy(Path(__file__).parent / "cdnow" / "audit.yml", folder))


def written(path: Path, heads: tuple, rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heads, *rows])


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cdnow")
    pages = [option for name in ("09", "11") for option in ("--notebook", name)]
    return published.run(exports(folder), folder / "reports", *pages)


def test_months_of_first_purchase_have_the_clients_and_the_revenue_of_the_reference(shop) -> None:
    table = published.table(shop, "09_unit_economics_months")
    assert {name: tuple(row[["Leads", "Revenue"]]) for name, row in table.iterrows()} == COHORTS
    assert round(table["Revenue"].sum(), 2) == 2_500_315.63


def test_clients_of_january_have_brought_what_they_did_and_free_discs_are_no_purchase(shop) -> None:
    table = published.table(shop, "11_ltv_pitfalls_cohorts")
    clients, value = table.iloc[:, 0], table.iloc[:, 2]
    assert clients["Jan 1997"] == 7846 - 2  # two of them paid nothing before November
    assert value["Jan 1997"] == pytest.approx(887_157.56 / 7846, rel=5e-4)
    assert value["Mar 1997"] == pytest.approx(726_546.26 / 7248, rel=5e-4)


def test_no_client_is_returning_and_half_of_them_bought_again(shop) -> None:
    found = published.findings(shop)
    assert found["unit_returning"]["headline"] == "No deals of returning clients"
    assert found["unit_full_cac"]["status"] == "not_available"
