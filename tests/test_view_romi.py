"""What the notebook on ROMI says: a bound is called a bound, a guess a guess; nothing is blamed, broken or infinite."""

from __future__ import annotations

import html
import json
import math
import re
from dataclasses import dataclass
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest

import hand_made
import view_checks
from advertised import CASES
from detente import intake
from detente.intake import Tables
from detente.metrics import (
    ad_money,
    attribution,
    claims,
    examples_romi,
    marginal,
    qualification,
    ripening,
    romi,
    totals,
)  # fmt: skip
from detente.present import report as page
from detente.present.findings import Finding
from view_checks import SCRIPT

NOTEBOOK = hand_made.NOTEBOOKS / "12_romi_pitfalls.ipynb"
METRICS = (
    ad_money, attribution, claims, examples_romi, marginal, qualification, ripening, romi, totals,
)  # fmt: skip
SECTIONS = {
    "romi_ladder", "romi_vat", "romi_break_even", "romi_incremental", "romi_attribution", "romi_ripe", "romi_payback",
    "romi_marginal",
}  # fmt: skip
BLAME = re.compile(r"вин[ао]ват|плох|слаб|обвин|fault|blame|bad |poor|weak", re.I)
BROKEN = re.compile(r"\bnan\b|\binf\b|infinit|бесконечн|None\b(?! of)|NaT|\{\w*\}|—\s*₽|₽—|− ?0 ₽|  \.", re.I)
NUMBERED = {
    "romi_ladder",
    "romi_incremental",
    "romi_claimed",
}  # a number is known, what it means cannot be told


WHOLE = {"money is left", "a loss behind a boast", "no costs", "three touches", "hostile names"}
LIGHT = {
    (attribution, "credit"): lambda *_, **__: None,
    (totals, "gather"): lambda *_, **__: {},
}  # in the others


@dataclass
class Told:
    findings: dict[str, Finding]
    text: str
    names: dict[str, Any]


def _run(language: str, output: str) -> dict[str, Any]:
    """The notebook's cells, run in this process."""
    names: dict[str, Any] = {}
    for item in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if item["cell_type"] == "code":
            exec(compile("".join(item["source"]), NOTEBOOK.name, "exec"), names)
            if "parameters" in item["metadata"].get("tags", []):
                names |= {"language": language, "output": output}
    return names


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, dict[str, Told]]:
    """Every case in both languages; the second time the metrics give what they gave the first."""
    found: dict[str, dict[str, Told]] = {}
    with pytest.MonkeyPatch.context() as patch:
        memory = hand_made.Memory()
        for module in METRICS:
            for name, function in list(vars(module).items()):
                own = isfunction(function) and function.__module__ == module.__name__
                if own and not name.startswith("_"):
                    patch.setattr(module, name, memory.kept(function))
        heavy = {(module, name): getattr(module, name) for module, name in LIGHT}
        for case, made in CASES.items():
            folder = tmp_path_factory.mktemp("romi")
            tables = made.tables(folder)
            memory.results, memory.replays, found[case] = {}, False, {}
            for (module, name), function in heavy.items():
                patch.setattr(module, name, function if case in WHOLE else LIGHT[module, name])
            for language in ("en", "ru"):
                found[case][language] = _told(tables, language, case, folder, patch)
                memory.replays = True
    return found


def _told(tables: Tables, language: str, case: str, folder: Path, patch) -> Told:
    bundles: list[dict] = []
    patch.setattr(intake, "load", lambda *_: (tables, tables.loss))
    patch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    patch.setattr(page.pieces, "png", lambda figure, words: b"")
    drawing = language == "ru" and case in ("three touches", "hostile names")
    names = _run(language, str(folder / "out") if drawing else "")
    text = [b.get("text/html", "") + b.get(page.MIME, {}).get("html", "") for b in bundles]
    return Told({item.id: item for item in names["report"].findings}, "\n".join(text), names)


@pytest.mark.parametrize("case", CASES)
def test_nothing_infinite_undefined_or_broken_is_printed(told, case) -> None:
    for one in told[case].values():
        found = BROKEN.search(re.sub("<[^>]*>", " | ", one.text))
        assert found is None or case == "hostile names", found
        assert BLAME.search(one.text) is None


@pytest.mark.parametrize("case", CASES)
def test_findings_are_whole_and_both_languages_tell_the_same_numbers(told, case) -> None:
    found = [list(one.findings.values()) for one in told[case].values()]
    view_checks.same(*found)
    for findings, one in zip(found, told[case].values(), strict=True):
        view_checks.whole(findings, numbered=NUMBERED)
        view_checks.base_said(findings)
        view_checks.filled(re.sub("<[^>]*>", " ", one.text), findings, ["{bad} %s"])


def grids(text: str) -> dict[str, list[list[str]]]:
    """Tables of a page by caption: rows of cells as a reader sees them, the headings first."""
    found = {}
    for caption, table in re.findall(r"<table><caption>([^<]*)</caption>(.*?)</table>", text, re.S):
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in table.split("<tr>")[1:]]
        plain = [[html.unescape(re.sub("<[^>]*>", "", cell)) for cell in row] for row in rows]
        found[html.unescape(caption)] = plain
    return found


def number(cell: str) -> float:
    """What a cell of the English page says: ₽1,234, −12.5% (0.125 less), NaN for a dash."""
    plain = re.sub("[^0-9.]", "", cell)
    sign = -1 if cell.strip()[:1] == "−" else 1
    return sign * float(plain) / (100 if "%" in cell else 1) if plain else math.nan


def reckoned(grid: list[list[str]], rate: str, money: str, by: str = "Advertising", less: float = 1) -> int:
    """Rows whose ROMI follows from the money printed beside it. Heads are told by how they begin."""
    places = [
        next(n for n, head in enumerate(grid[0]) if head.startswith(name)) for name in (rate, money, by)
    ]
    seen = 0
    for row in grid[1:]:
        said, top, down = (number(row[place]) for place in places)
        if not math.isnan(said):
            whole = 0 if row[0].startswith("Money left") else less  # the advertising is off already
            rounding = 0.006 + 0.5 * (1 + abs(top / down)) / down  # the sums are printed in whole roubles
            assert said == pytest.approx(top / down - whole, abs=rounding), (grid[0], row)
            seen += 1
    return seen


ROMI = (  # caption, the rate, the money it is of
    ("The steps", "ROMI", "Money", "Against"), ("ROMI of channels on", "ROMI on revenue", "Revenue", "Advertising"),
    ("What a channel left", "ROMI", "Left of", "Advertising"),
    ("What a channel left", "ROMI on first", "Of it first", "Advertising"),
    ("ROMI of channels by rule", "ROMI", "Left of", "Advertising"),
    ("Months of inquiries", "ROMI on what", "In hand", "Advertising"),
    ("Months of inquiries", "ROMI on the", "Will ripen", "Advertising"),
)  # fmt: skip


@pytest.mark.parametrize(
    "case", ["money is left", "a loss behind a boast", "one purchase", "a test has shown it"]
)
def test_every_printed_romi_follows_from_the_money_printed_beside_it(told, case) -> None:
    tables = grids(told[case]["en"].text)
    for caption, *heads in ROMI:
        grid = next((table for name, table in tables.items() if name.startswith(caption)), None)
        assert grid is not None or case not in WHOLE, caption
        assert grid is None or reckoned(grid, *heads) or case == "one purchase", caption


@pytest.mark.parametrize("case", ["money is left", "a loss behind a boast", "a test has shown it"])
def test_verdict_and_tiles_hold_the_sums_that_their_romi_comes_from(told, case) -> None:
    text = re.sub("<[^>]*>", " ", told[case]["en"].text)
    money, rate = r"(−?₽[\d,.]+)", r"(−?[\d,.]+%)"
    spent, got, said = re.search(
        f"{money} of advertising.*? {money} of revenue.*?ROMI of {rate}", text
    ).groups()
    assert number(said) == pytest.approx(number(got) / number(spent) - 1, abs=0.01)
    other = re.search(f"{rate} on the revenue of all channels.*?{money}", text)
    assert (other is not None) == (case == "money is left"), (
        "where no other channel sold, it is the same number"
    )
    for said, sold in [other.groups()] if other else []:
        assert number(said) == pytest.approx(number(sold) / number(spent) - 1, abs=0.01)
    left, below = re.search(f"{money} on {money} of advertising", text).groups()
    assert number(left) / number(below) == pytest.approx(
        told[case]["en"].names["earned"].steps["romi"].iloc[-1], abs=0.01
    )
    assert (number(spent) != number(below)) == (case == "money is left"), "there alone the spend holds VAT"


def test_where_tax_was_taken_off_it_is_said(told) -> None:
    text = told["money is left"]["en"].text
    assert text.count("without VAT") > 5
    assert "Advertising without VAT" in text
    assert "Revenue of advertised channels with VAT" in text
    for case in ("about zero", "no costs, dear"):
        assert "without VAT" not in told[case]["en"].text, "nobody has said so"


def status(told, case: str) -> dict[str, str]:
    return {name: item.status for name, item in told[case]["en"].findings.items()}


def said(told, case: str, name: str, language: str = "en") -> str:
    item = told[case][language].findings[name]
    return f"{item.headline} {item.fact}"


@pytest.mark.parametrize("case", ["money is left", "a loss behind a boast", "a test has shown it", "no costs",
                                  "three touches", "nobody came again", "nothing is left of a sale"])  # fmt: skip
def test_each_section_has_its_finding_and_names_its_decision(told, case) -> None:
    found = told[case]["ru"].findings
    assert set(found) >= (SECTIONS if case in WHOLE else SECTIONS - {"romi_attribution"})
    assert all(item.decision for item in found.values())


@pytest.mark.parametrize(
    ("case", "need"),
    [
        ("no payments", "Payments of clients"),
        ("no spend", "spend by day"),
        ("no money at all", "Two exports"),
    ],
)
def test_a_missing_export_is_named_and_nothing_else_is_said(told, case, need) -> None:
    assert {name for name in status(told, case) if name.startswith("romi")} == {"romi_ladder"}
    item = told[case]["en"].findings["romi_ladder"]
    assert item.status == "not_available"
    assert need in item.fact


def test_channels_that_do_not_meet_the_spend_are_said_to_have_other_names(told) -> None:
    assert status(told, "other names")["romi_ladder"] == "cannot_tell"
    assert "other names" in said(told, "other names", "romi_ladder")


def test_spend_that_meets_no_inquiry_is_asked_about_and_nothing_is_reckoned(told) -> None:
    assert {name for name in status(told, "other names") if name in SECTIONS} == {"romi_ladder"}
    assert told["other names"]["ru"].findings["romi_ladder"].question


def test_without_a_test_what_is_left_is_called_an_upper_bound(told) -> None:
    assert "at most" in said(told, "money is left", "romi_ladder")
    assert status(told, "money is left")["romi_incremental"] == "cannot_tell"
    assert "not been tested" in said(told, "money is left", "romi_incremental")
    assert "at most" in told["money is left"]["en"].text


def test_old_clients_alone_are_taken_off_and_first_purchases_are_told_beside_the_bound(told) -> None:
    one = told["some had bought before"]["en"]
    earned, fact = one.names["earned"], one.findings["romi_ladder"].fact
    sums = earned.scenarios.set_index("source")["money"]
    assert 0 < earned.upper < 1
    assert float(earned.at("at_most")) == float(sums["upper"]) > float(sums["first"])
    assert "had bought before" in fact
    assert "first purchases" in fact
    assert "earlier clients to take off" in said(told, "a loss behind a boast", "romi_ladder")
    rows = grids(one.text)["What is left at different shares of advertising"]
    assert sum("first purchases" in row[1] for row in rows) == 1


def test_money_of_all_months_is_that_of_the_ladder(told) -> None:
    names = told["money is left"]["en"].names
    assert names["months"]["total"].sum() == pytest.approx(float(names["money"].total("net")))


def test_the_head_of_the_page_repeats_two_findings_at_most_and_no_card(told) -> None:
    text = told["no money at all"]["en"].text
    assert text.count("Two exports") == 1, "the card alone says what to export"


def test_a_stated_share_is_told_with_its_source_and_is_no_bound(told) -> None:
    fact = said(told, "a test has shown it", "romi_ladder")
    assert "a switch-off in May" in fact
    assert "at most" not in fact
    assert told["a test has shown it"]["en"].findings["romi_incremental"].value == 0.4


def test_a_stated_share_above_that_of_new_clients_is_questioned(told) -> None:
    assert "only" in told["a test shows more than new clients"]["en"].findings["romi_incremental"].headline


def test_a_boast_that_loses_money_says_both_numbers(told) -> None:
    one = told["a loss behind a boast"]["en"]
    earned = one.names["earned"]
    item = one.findings["romi_ladder"]
    assert item.value == pytest.approx(float(earned.at("at_most")))
    assert item.value < 0 < earned.boasted
    assert "falls short" in item.headline
    assert one.findings["romi_break_even"].value > earned.boasted
    assert (
        "broken even at no share" in said(told, "a loss behind a boast", "romi_incremental")
        or earned.needed.incremental <= 1
    )


def test_money_near_zero_is_not_called_gain_or_loss(told) -> None:
    item = told["about zero"]["en"].findings["romi_ladder"]
    assert item.low < 0 < item.high
    assert "cannot be told from zero" in item.headline


def test_without_costs_revenue_is_not_called_a_return(told) -> None:
    one = told["no costs"]["en"]
    assert "is no ROMI" in one.findings["romi_ladder"].fact
    steps = grids(one.text)["The steps that are known"]
    assert steps[-1][0].startswith("Revenue"), "less advertising it would look like money that is left"
    assert one.findings["romi_break_even"].value == pytest.approx(one.names["earned"].needed.margin)
    assert status(told, "no costs")["romi_incremental"] == "cannot_tell"
    assert status(told, "no costs")["romi_payback"] == "cannot_tell"
    assert "More went into advertising" in said(told, "no costs, dear", "romi_break_even")


def test_costs_reckoned_for_a_part_are_told(told) -> None:
    assert "was given the same part of costs" in told["half the costs"]["en"].text


def test_tax_on_one_side_is_asked_about(told) -> None:
    heads = {
        case: told[case]["en"].findings["romi_vat"].headline
        for case in CASES
        if "romi_vat" in status(told, case)
    }
    assert heads["money is left"] == "VAT is taken off both sides"
    assert heads["a loss behind a boast"] == "VAT stands in revenue only: that raises ROMI"
    assert heads["one purchase"] == "VAT stands in advertising only: that lowers ROMI"
    assert heads["budget steps"] == "There is no VAT on either side"
    assert heads["no costs, dear"] == "There is VAT, and its rate is not stated"
    assert heads["no costs"] == "Nobody has said whether revenue and spend hold VAT"


def test_attribution_is_a_range_and_says_where_rules_cannot_differ(told) -> None:
    one = told["three touches"]["en"]
    assert one.findings["romi_attribution"].value == pytest.approx(one.names["credit"].share)
    assert "depends on the rule" in one.text or "keep their sign" in one.findings["romi_attribution"].headline
    assert "hardly anything" in told["money is left"]["en"].findings["romi_attribution"].headline


def test_a_budget_that_hardly_changed_cannot_tell_of_the_next_rouble(told) -> None:
    item = told["money is left"]["en"].findings["romi_marginal"]
    assert item.status == "cannot_tell"
    assert "it takes 8" in item.fact
    steps = told["budget steps"]["en"]
    assert steps.names["edge"].changes >= 8
    assert "Demand moves by itself" in steps.text


def test_young_months_are_named_and_not_reckoned(told) -> None:
    one = told["money is left"]["ru"]
    young = one.names["months"].index[one.names["months"]["status"] == "refused"]
    assert len(young)
    assert one.names["report"].words.month(young[-1]) in one.findings["romi_ripe"].fact


def test_payback_is_a_month_or_none_and_never_an_average(told) -> None:
    item = told["money is left"]["en"].findings["romi_payback"]
    assert item.unit == "count"
    assert item.value <= item.n
    assert "no average" in item.fact or item.value == item.n
    assert "None of" in told["nothing is left of a sale"]["en"].findings["romi_payback"].headline


def test_names_from_the_data_are_escaped(told) -> None:
    view_checks.escaped(told["hostile names"]["ru"].text)
    for one in told["hostile names"].values():
        assert SCRIPT not in one.text
        assert "{bad} %s" in one.text


def test_pictures_are_drawn(told) -> None:
    assert told["hostile names"]["ru"].text.count("<svg") >= 2 * 4
    assert told["three touches"]["ru"].text.count("<svg") >= 2 * 5
