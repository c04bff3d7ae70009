"""Who of the client is on the deals, counted on fingers."""

import doctest
import math

import pandas as pd
import pytest

from detente import engine
from detente.metrics import contact_roles, health


def deals(*rows):
    """(roles, furthest, outcome, age in days)."""
    return engine.table(pd.DataFrame(rows, columns=["field_roles", "furthest", "outcome", "age_days"]))


LEADS = deals(
    ("Director; buyer", 3, "won", 90), ("director", 2, "lost", 90), ("buyer, Director", 2, "open", 5),
    ("Ivan Petrov", 2, "lost", 90), (None, 3, "won", 90), ("director", 1, "lost", 90),
)  # fmt: skip


def test_a_role_counts_once_a_deal_among_deals_that_went_on_and_name_any():
    found = contact_roles.roles(LEADS, ripe_days=30, min_group=2).set_index("role")
    assert found.index.tolist() == ["director", "buyer"]
    assert found.loc["director", ["deals", "known", "ripe", "won"]].tolist() == [3, 4, 2, 1]
    assert found.loc["buyer", ["deals", "known", "ripe", "won"]].tolist() == [2, 4, 1, 1]
    assert found.loc["director", "share"] == 0.75
    assert found.loc["director", "won_share"] == 0.5


def test_an_entry_that_few_deals_have_may_be_a_name_and_is_not_shown():
    assert "ivan petrov" not in contact_roles.roles(LEADS, min_group=2)["role"].tolist()


def test_without_roles_there_is_no_table_and_without_a_ripe_deal_no_share():
    assert contact_roles.roles(LEADS.drop("field_roles")) is None
    young = contact_roles.roles(deals(*[("director", 2, "open", 3)] * 2), min_group=2)
    assert math.isnan(young.loc[0, "won_share"])


def test_the_example_of_a_cell_holds():
    assert doctest.testmod(contact_roles).failed == 0


@pytest.mark.parametrize("names", [["channel", "no_such"], ["channel"]])
def test_texts_are_counted_per_column_and_a_missing_column_is_passed_over(names):
    table = engine.table(pd.DataFrame({"channel": ["a", "b", "a", None]}))
    found = health.texts(table, names)
    assert found.to_dict("records") == [
        {"column": "channel", "text": "a", "leads": 2}, {"column": "channel", "text": "b", "leads": 1},
    ]  # fmt: skip


def test_no_columns_give_no_texts():
    assert health.texts(engine.table(pd.DataFrame({"channel": ["a"]})), []).empty
