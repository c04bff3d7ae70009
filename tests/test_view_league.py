"""What the league says in both languages: nobody named on noise, worse leads never called worse sales, no blame."""

from __future__ import annotations

import re

import pytest

import view_checks
from detente.metrics import balance, league, mix, qualification
from detente.present import report as page
from detente.present import view_league, view_mix
from detente.present.report import Report
from hand_made import LEAD, Made
from view_checks import SCRIPT

WON, LOST = {"outcome": "won"}, {"outcome": "lost"}
BLAME = re.compile(r"вин[ао]|плох|слаб|лентя|обвин|fault|blame|bad |poor|weak|lazy", re.I)


def of(manager, wins, trials, segment="shop", **differs) -> list[dict]:
    """A manager's ripe leads, the first `wins` of them won."""
    lead = LEAD | {"manager": manager, "segment": segment, "age_days": 100, "pipeline": "Sales"} | differs
    return [lead | (WON if order < wins else LOST) for order in range(trials)]


def both(manager, hot, cold, hot_leads=60, cold_leads=60) -> list[dict]:
    return of(manager, hot, hot_leads, "hot") + of(manager, cold, cold_leads, "cold")


CASES = {
    "all alike": [lead for at in range(4) for lead in both(f"#0{at}", 20, 5)],
    "a star": both("#01", 45, 20) + [lead for at in range(2, 7) for lead in both(f"#0{at}", 20, 5)],
    "one who wins less": both("#01", 4, 0) + [lead for at in range(2, 7) for lead in both(f"#0{at}", 25, 8)],
    "one with better leads": both("#01", 60, 1, 180, 20)
    + [lead for at in range(2, 7) for lead in both(f"#0{at}", 20, 7, 60, 140)],
    "one whose leads may explain it": of("#01", 6, 200, "cold")
    + [lead for at in range(2, 6) for lead in both(f"#0{at}", 24, 4, 200, 100)],
    "the order turns": of("#01", 192, 263, "large") + of("#01", 81, 87, "small") * 2
    + of("#02", 55, 80, "large") * 2 + of("#02", 234, 270, "small") * 3,
    "reversal": (of("#01", 192, 263, "large") + of("#01", 81, 87, "small")) * 6
    + (of("#02", 234, 270, "small") + of("#02", 55, 80, "large")) * 6,
    "few leads": both("#01", 1, 0, 3, 3) + both("#02", 0, 1, 3, 3) + of("#02", 0, 1, age_days=3),
    "one manager": both("#01", 20, 5),
    "no manager": both(None, 20, 5),
    "no segment": of("#01", 20, 60, None) + of("#02", 22, 60, None),
    "one young lead": of("#01", 1, 1, age_days=3),
    "nobody won": both("#01", 0, 0) + both("#02", 0, 0),
    "all won": both("#01", 60, 60) + both("#02", 60, 60),
    "some without a manager": both("#01", 20, 5) + both("#02", 22, 4) + both(None, 0, 0, 300, 300),
    "hostile names": of(SCRIPT, 50, 60, SCRIPT, channel="{bad}") + of("{who} %s", 5, 60, "{0}", channel="=cmd()")
    + of("other", 5, 60, "other", channel=None) + of("#09", 5, 60, SCRIPT, channel=""),
}  # fmt: skip


def shown(rows, language, folder, monkeypatch, drawn=False):
    """Findings by id, and all that was displayed."""
    bundles = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    if not drawn:
        monkeypatch.setattr(page.pieces, "png", lambda figure, words: b"")
    tables = Made(rows).tables(folder)
    report = Report(
        "04_stage_conversion", tables, tables.loss, language, str(folder / "out") if drawn else ""
    )
    ripe, limits = 30, tables.audit.thresholds
    leads = tables.journeys
    cells = league.cells(leads, "manager", ["segment"], ripe)
    same = mix.standardise(cells)
    report.show(
        view_league.managers(report, league.guard(league.cells(leads, "manager", ripe_days=ripe)), same, ripe)
    )
    report.show(view_mix.same_leads(report, same))
    report.show(view_mix.simpson(report, mix.simpson(cells, min_group=limits.min_group)))
    judged = qualification.judge(leads, tables.audit.criteria)
    parts = [balance.balance(judged, "manager", name) for name in ("verdict", "segment")]
    report.show(view_mix.handed_out(report, *parts))
    for name in ("channel", "segment", "pipeline", "campaign"):
        table = league.guard(league.cells(leads, name, ripe_days=ripe))
        report.show(view_league.groups(report, name, table, ripe))
    texts = [bundle.get("text/plain", "") + bundle.get("text/html", "") for bundle in bundles]
    texts += [bundle.get(page.MIME, {}).get("html", "") for bundle in bundles]
    return {item.id: item for item in report.findings}, "\n".join(texts)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """(case, language) -> findings by id, and the text."""
    found = {}
    for case, rows in CASES.items():
        for language in ("en", "ru"):
            with pytest.MonkeyPatch.context() as patch:
                drawn = language == "en" and case in {
                    "a star",
                    "hostile names",
                    "few leads",
                    "one young lead",
                }
                folder = tmp_path_factory.mktemp("told")
                found[case, language] = shown(rows, language, folder, patch, drawn)
    return found


@pytest.fixture(scope="module", params=CASES)
def case(request, told):
    return {language: told[request.param, language] for language in ("en", "ru")}


def test_every_finding_is_said_in_both_languages_with_the_same_numbers(case) -> None:
    (english, _), (russian, _) = case["en"], case["ru"]
    assert len(english) == 8
    view_checks.whole(english.values())
    view_checks.same(english.values(), russian.values())


def test_no_sentence_has_a_hole_a_blame_or_two_full_stops(case) -> None:
    for findings, _ in case.values():
        for item in findings.values():
            said = "\n".join([item.headline, item.fact, item.question, item.decision])
            view_checks.filled(said, [item], ["{bad}", "{who}", "{0}"])
            assert BLAME.search(said.replace(SCRIPT, "").replace("{bad}", "")) is None, said
            assert ".." not in said, said
            assert "  " not in said, said


def test_a_share_of_a_finding_stands_in_its_sentence_with_its_base(case) -> None:
    for language, (findings, _) in case.items():
        view_checks.base_said(findings.values())
        view_checks.number_said(findings.values(), language)


@pytest.mark.parametrize(
    "name", ["all alike", "few leads", "nobody won", "all won", "some without a manager"]
)
def test_where_differences_are_noise_no_manager_is_in_any_sentence(told, name) -> None:
    for language, word in (("en", "Manager 0"), ("ru", "Менеджер 0")):
        findings, _ = told[name, language]
        for item in findings.values():
            assert word not in item.headline + item.fact + item.question, item
        assert findings["managers_won"].status == "cannot_tell"


def test_where_nobody_is_named_the_table_is_no_ranking(told) -> None:
    _, text = told["all alike", "en"]
    rows = re.findall(r"Manager 0\d", text[: text.index("same kind of leads")])
    assert rows[:4] == sorted(rows[:4])


def test_one_who_wins_more_from_like_leads_is_named_and_asked_what_he_does(told) -> None:
    findings, _ = told["a star", "en"]
    item = findings["managers_won"]
    assert item.headline == "Manager 01 wins more often than the others"
    assert (item.value, item.n) == (65 / 120, 120)
    assert "65 of 120 leads" in item.fact
    assert "stays with the same kind of leads" in item.fact
    assert item.question.startswith("What does Manager 01 do differently?")
    assert (
        findings["managers_same_leads"].headline == "Manager 01 wins more often from the same kind of leads"
    )


def test_one_who_wins_less_is_asked_what_works_first(told) -> None:
    findings, _ = told["one who wins less", "ru"]
    item = findings["managers_won"]
    assert item.headline == "Менеджер 01 выигрывает реже остальных"
    assert item.question.startswith("Менеджер 01: что уже получается и что добавить")


def test_one_who_wins_less_is_not_accused_where_like_leads_do_not_confirm_it(told) -> None:
    item = told["one whose leads may explain it", "en"][0]["managers_won"]
    assert item.headline == "Manager 01 wins less often, which like leads do not confirm"
    assert (item.value, item.n) == (0.03, 200)
    assert item.question == "By which rule do managers get their leads, and is it meant so?"


def test_better_leads_are_not_called_better_sales(told) -> None:
    findings, _ = told["one with better leads", "en"]
    item = findings["managers_won"]
    assert item.headline == "Manager 01 wins more often, and gets better leads too"
    assert "not confirmed" in item.fact
    assert item.question.startswith("By which rule")
    assert findings["managers_same_leads"].headline == "Manager 01: better leads than the team has on average"
    assert findings["leads_handed_out"].headline == "Leads were handed out unevenly"


def test_an_order_that_turns_round_is_told_with_both_orders(told) -> None:
    item = told["reversal", "en"][0]["manager_paradox"]
    assert item.headline == "With the same kind of leads the order turns round: Manager 01 is ahead"
    assert "Manager 02 has" not in item.fact.split(".")[0] or "Overall Manager 02 is ahead" in item.fact
    assert "83% (1,734 of 2,100)" in item.fact
    assert (item.value, item.unit) == (pytest.approx(0.0457, abs=6e-5), "points")


def test_what_is_missing_is_asked_for(told) -> None:
    assert told["no manager", "en"][0]["managers_won"].status == "not_available"
    assert told["no segment", "en"][0]["managers_same_leads"].status == "not_available"
    assert told["no segment", "en"][0]["segment_won"].status == "not_available"
    assert told["one manager", "en"][0]["managers_won"].headline == "One manager only: nobody to compare with"


def test_too_few_leads_have_no_percent_and_young_ones_are_told(told) -> None:
    assert told["one young lead", "en"][0]["managers_won"].headline == "Managers cannot be compared yet"
    _, text = told["few leads", "en"]
    assert "Another 1 lead is younger than 30 days" in text
    rows = {row.split("</td>")[0]: row for row in text.split("<tr>") if row.startswith("<td>Manager")}
    assert rows["<td>Manager 01"].startswith("<td>Manager 01</td><td>6</td><td>1</td><td>17%</td>")
    tiny = told["hostile names", "en"][1]
    assert "cannot tell" in tiny


def test_names_from_the_data_never_become_markup(told) -> None:
    text = told["hostile names", "en"][1]
    html = text[text.index("<h3>") :]
    assert "<script>" not in re.sub(r"(?m)^[^<\n]*" + re.escape(SCRIPT) + r".*$", "", html)
    assert "&lt;script&gt;" in html


def test_a_group_named_like_the_merged_ones_keeps_its_leads(told) -> None:
    assert "other" in told["hostile names", "en"][1]
