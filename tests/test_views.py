"""What the notebooks say of thin, one-sided and hostile data: true words, no name too many, and no exception."""

from __future__ import annotations

import datetime as dt

import pytest

import view_checks
from detente.present.wording import Words
from hand_made import LABELS, Made, Told, leads, ours_and_not, tell, tell_both
from view_checks import SCRIPT

NAMES = [
    SCRIPT,
    "{x} %s {0:count}",
    "=cmd()",
    "not stated",
    "не указано",
    "$a_1$ \\frac",
    "x" * 300,
    "\u202egnp.exe",
]
MAY = dt.datetime(2026, 5, 9)


def by_month(*bad: int) -> list[dict]:
    """Fifty leads of each month of 2025, so many of them non-target."""
    return [
        lead
        for at, of_month in enumerate(bad, start=1)
        for lead in ours_and_not(
            50 - of_month, of_month, month=f"2025-{at:02d}", created_at=dt.datetime(2025, at, 5)
        )
    ]


CASES = {
    "three channels": Made(
        ours_and_not(80, 20, channel="A", campaign="a") + ours_and_not(40, 60, channel="B", campaign="b")
        + ours_and_not(80, 20, channel="C"), {"A": 1000, "B": 2000, "C": 50}, calls=True,
    ),
    "a better channel": Made(
        ours_and_not(90, 10, channel="A", campaign="a") + ours_and_not(30, 30, channel="B")
        + ours_and_not(30, 30, channel="C")
    ),
    "only leads without a channel stand out": Made(
        ours_and_not(20, 180, channel=None, campaign=None)
        + [lead for name in "ABCDEF" for lead in ours_and_not(28, 12, channel=name, campaign=name)]
    ),
    "rising from month to month": Made(by_month(10, 15, 20, 25, 30, 35)),
    "level from month to month": Made(by_month(10, 11, 9, 12, 10, 11)),
    "one lead": Made(leads(1)),
    "five leads": Made(ours_and_not(3, 2), {"Ads": 700}),
    "no lead judged": Made(leads(40, attr_need=None, attr_budget=None), {"Ads": 700}),
    "one criterion never filled in": Made(leads(40, attr_budget=None)),
    "no names": Made(ours_and_not(40, 40, channel=None, campaign=None, manager=None, segment=None), {None: 100}),
    "no criteria": Made(leads(40), criteria=[], spend={"Ads": 100}),
    "no criteria, and tests": Made(leads(10) + leads(3, is_test=True, counted=False), criteria=[]),
    "no criteria, no labels": Made(leads(40), criteria=[], labels=[]),
    "no labels": Made(ours_and_not(40, 40), labels=[]),
    "one label": Made(ours_and_not(40, 40), labels=LABELS[1:]),
    "labels never set": Made(leads(40, label_mql=None, label_sql=None)),
    "all won": Made(leads(40, outcome="won", closed_at=MAY, amount=5.0)),
    "all lost in hindsight": Made(ours_and_not(0, 40, label_sql_at=dt.datetime(2026, 5, 20))),
    "tests and repeats": Made(
        ours_and_not(40, 40) + leads(5, is_test=True, counted=False) + leads(9, is_duplicate=True, counted=False)
    ),
    "tests only": Made(leads(10, is_test=True, counted=False), {"Ads": 10}),
    "no money spent": Made(ours_and_not(40, 40), {"Ads": 0}),
    "spend without leads": Made(ours_and_not(40, 40), {"Radio": 300}),
    "hostile names": Made(
        [lead for n in NAMES for lead in ours_and_not(30, 10, channel=n, campaign=n, manager=n, segment=n)]
        + ours_and_not(5, 45, channel="{bad}", campaign="{bad}") + ours_and_not(3, 3, channel=None),
        dict.fromkeys(NAMES, 100),
    ),
}  # fmt: skip
DRAWN = {"one lead", "no lead judged", "no names", "no criteria", "tests only", "hostile names"}


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[tuple[str, str], Told]:
    """(case, language) -> what was said; pictures and page pieces are made of the cases in DRAWN, in English."""
    found = {}
    for case, made in CASES.items():
        with pytest.MonkeyPatch.context() as patch:
            said = tell_both(made, tmp_path_factory.mktemp("told"), patch, drawn=case in DRAWN)
        found |= {(case, language): one for language, one in said.items()}
    return found


@pytest.fixture(scope="module", params=CASES)
def case(request, told) -> dict[str, Told]:
    return {language: told[request.param, language] for language in ("en", "ru")}


def test_every_finding_has_a_legal_status_somebody_to_ask_and_a_sentence(case) -> None:
    view_checks.whole(case["en"].findings + case["ru"].findings, numbered=["non_target_trend"])


def test_ids_differ_and_both_languages_give_the_same_ids_and_numbers(case) -> None:
    view_checks.same(case["en"].findings, case["ru"].findings)


def test_no_hole_and_no_undefined_value_stands_in_a_sentence(case) -> None:
    for said in case.values():
        view_checks.filled(said.plain, said.findings, [*NAMES, "{bad}"])


def test_the_number_of_a_finding_is_the_one_in_its_sentence(case) -> None:
    for language, said in case.items():
        view_checks.number_said(said.findings, language)


def test_the_base_of_a_share_is_said_with_it(case) -> None:
    for said in case.values():
        view_checks.base_said(said.findings)


def test_names_from_the_data_never_become_markup(told) -> None:
    view_checks.escaped(told["hostile names", "en"].html)


def test_a_channel_named_like_the_missing_one_is_told_apart(told) -> None:
    assert "“not stated”" in told["hostile names", "en"].plain
    assert "“не указано”" in told["hostile names", "ru"].plain


def test_names_with_braces_are_no_placeholders(told) -> None:
    fact = told["hostile names", "en"].by_id()["non_target_channels"].fact
    assert "“{bad}”" in fact
    assert "90%" in fact  # 45 of 50


@pytest.mark.parametrize(("size", "named"), [(29, False), (30, True)])
def test_a_group_under_min_group_is_never_named(size, named, tmp_path, monkeypatch) -> None:
    made = Made(
        ours_and_not(0, size, channel="Tiny", campaign="tiny")
        + ours_and_not(100, 20, channel="A", campaign="a") + ours_and_not(100, 20, channel="B", campaign="b"),
        thresholds={"min_group": 30},
    )  # fmt: skip
    found = tell(made, "en", tmp_path, monkeypatch).by_id()
    for name, word in (("non_target_channels", "Tiny"), ("non_target_campaigns", "tiny")):
        item = found[name]
        assert (f"“{word}”" in item.headline + item.fact + item.question) is named


def test_the_stated_level_is_the_one_in_the_words_and_in_the_intervals(tmp_path, monkeypatch) -> None:
    rows = CASES["three channels"].leads
    found = {}
    for level in (0.9, 0.95):
        folder = tmp_path / str(level)
        folder.mkdir()
        with monkeypatch.context() as patch:
            made = Made(rows, {"A": 1000, "B": 2000}, thresholds={"level": level})
            found[level] = tell(made, "en", folder, patch)
    for level, said, other in ((0.9, "90%", "95%"), (0.95, "95%", "90%")):
        for name in (
            "non_target_share",
            "non_target_channels",
            "wasted_spend",
            "unknown_share",
            "labels_agreement",
        ):
            item = found[level].by_id()[name]
            assert item.level == level
            assert f"{said} interval" in item.fact, item.fact
            assert f"{other} interval" not in item.fact, item.fact
    wide, narrow = found[0.95].by_id()["non_target_share"], found[0.9].by_id()["non_target_share"]
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_section_without_its_data_says_what_is_missing(told) -> None:
    found = told["no criteria, no labels", "en"].by_id()
    missing = {name for name, item in found.items() if item.status != "ok"}
    assert missing >= {
        "criteria_missing", "definitions_spread", "labels_agreement", "known_early", "label_in_hindsight", "court",
        "non_target_share", "non_target_channels", "criterion_top", "wasted_spend", "non_target_campaigns",
        "non_target_trend",
    }  # fmt: skip
    assert (
        told["no criteria, no labels", "en"].plain.count("How many leads are not ours cannot be told yet")
        == 1
    )


def test_spend_that_is_there_is_never_said_to_be_missing(told) -> None:
    for case, money in (("no criteria", "₽100"), ("no lead judged", "₽700"), ("spend without leads", "₽300")):
        item = told[case, "en"].by_id()["wasted_spend"]
        assert item.status == "cannot_tell", case
        assert money in item.fact, case
        assert Words("en").t("nontarget.cost.missing_what") not in told[case, "en"].plain, case
    assert told["no labels", "en"].by_id()["wasted_spend"].status == "not_available"


def test_cost_per_lead_is_shown_without_any_criteria(told) -> None:
    assert "<td>₽2.50</td>" in told["no criteria", "en"].html  # 100 over 40 leads


def test_channels_that_differ_are_not_called_alike_where_none_can_be_named(told) -> None:
    item = told["only leads without a channel stand out", "en"].by_id()["non_target_channels"]
    assert "no difference" not in item.fact.lower()
    assert "beyond chance" not in item.fact or "not" not in item.fact.split("beyond chance")[0][-20:]


def test_two_rules_of_one_department_are_not_called_two_departments(tmp_path, monkeypatch) -> None:
    both = [{**label, "by": "sales"} for label in LABELS]
    said = tell(Made(ours_and_not(40, 40), labels=both), "en", tmp_path, monkeypatch).plain
    assert "“Mark” and “Verdict”" in said
    assert "departments" not in said.split("\n")[1]
    assert Words("en").t("qualification.tile_agree") not in said


def test_fields_that_nobody_exported_are_not_asked_to_be_filled_in(told) -> None:
    item = told["three channels", "en"].by_id()["fill_worst"]
    assert "Deal amount" not in item.question
    note = Words("en").t("health.fill.note_empty", columns="Deal amount, Contact")
    assert note in told["three channels", "en"].html
