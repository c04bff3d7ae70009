"""What notebook 04 says of full, thin and one-sided funnels: true words, no name too many, and no exception."""

from __future__ import annotations

import datetime as dt
import json
import re
from inspect import isfunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import view_checks
from detente.metrics import balance, flow, health, incidence, league, mix, qualification
from detente.present import report as page
from detente.present.wording import Words
from hand_made import Memory
from small_audit import Company

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "04_stage_conversion.ipynb"
START = dt.datetime(2024, 1, 1, 9)
NAMES = ("New", "Talk", "Offer")
EXTRA = {"amount": "sum", "segment": "kind", "channel": "from", "manager": "who", "closed_at": "end"}
HOSTILE = view_checks.SCRIPT + "{bad}"


def funnel(n: int, days: int, seed: int = 2, better: float = 0.0, **fixed: Any) -> tuple[str, str]:
    """Deals and stage history of `n` leads over `days`: at each stage some days, then on, or lost.

    better : added to the chance of passing Offer for the segment shop. The export is of the last day.
    """
    rng, last = np.random.default_rng(seed), START + dt.timedelta(days=days)
    deals, moves = ["id,created,stage,sum,kind,from,who,end"], ["deal,time,stage"]
    for i in range(n):
        at = START + dt.timedelta(days=days * i / n)
        kind = ("shop", "home")[i % 2]
        row = {"sum": 100 * (i % 7 + 1), "kind": kind, "from": f"C{i % 3}", "who": f"M{i // 2 % 2}"} | fixed
        stage, end = _walk(rng, i, at, last, better * (kind == "shop"), moves)
        shown = "" if end is None else f"{end:%Y-%m-%d %H:%M}"
        deals.append(
            f"{i},{at:%Y-%m-%d %H:%M},{stage},{row['sum']},{row['kind']},{row['from']},{row['who']},{shown}"
        )
    return "\n".join(deals) + "\n", "\n".join(moves) + "\n"


def _walk(rng, i: int, at: dt.datetime, last: dt.datetime, better: float, moves: list[str]):
    """One lead from stage to stage until it is won, lost, or the day of the export. Returns its stage and end."""
    for name in NAMES:
        moves.append(f"{i},{at:%Y-%m-%d %H:%M},{name}")
        at += dt.timedelta(days=float(rng.exponential(6)))
        on = rng.random() < (0.6 if name != "Offer" else 0.4 + better)
        if at > last:
            return name, None
        if not on:
            moves.append(f"{i},{at:%Y-%m-%d %H:%M},Lost")
            return "Lost", at
    moves.append(f"{i},{at:%Y-%m-%d %H:%M},Won")
    return "Won", at


def company(folder: Path, deals: str, moves: str | None = None, **keys: Any) -> Company:
    head = deals.split("\n")[0].split(",")
    found = Company(folder).source("deals", deals, {k: v for k, v in EXTRA.items() if v in head})
    if moves is not None:
        found.source("stages", moves)
    return found.state(thresholds={"duplicate_days": 0}, **keys)


def only(deals: str, *stages: str) -> str:
    """The deals that stand in one of these stages now."""
    head, *rows = deals.strip().split("\n")
    return "\n".join([head, *(row for row in rows if row.split(",")[2] in stages)]) + "\n"


FULL = funnel(600, 160, better=0.4)
ONE = {"stages": [{"name": "New"}], "won": ["Won"], "lost": ["Lost"]}
FEW = "id,created,stage\n1,2024-01-01,New\n2,2024-01-02,Won\n3,2024-01-03,Lost\n"
OPEN = "\n".join(["id,created,stage", *(f"{i},2024-01-{1 + i % 20:02},New" for i in range(60))]) + "\n"
CASES: dict[str, tuple] = {
    "full": FULL,
    "no history": (FULL[0],),
    "no losses": (only(FULL[0], "Won", *NAMES), FULL[1]),
    "no wins": (only(FULL[0], "Lost", *NAMES), FULL[1]),
    "all closed": (only(FULL[0], "Lost", "Won"), FULL[1]),
    "all open": (OPEN,),
    "all open, with history": (only(FULL[0], *NAMES), FULL[1]),
    "three leads": (FEW,),
    "three leads, with history": (FEW, "deal,time,stage\n3,2024-01-03 10:00,New\n3,2024-01-09 10:00,Lost\n"),
    "one stage": (FULL[0].replace(",Talk,", ",New,").replace(",Offer,", ",New,"), None, {"funnel": ONE}),
    "young": funnel(80, 12),
    "no amounts and no groups": funnel(300, 120, sum="", kind="", **{"from": "", "who": ""}),
    "half of the sales undated": (re.sub(r"(?m)^(\d*[02468],.*,Won,.*,)[^,\n]+$", r"\1", FULL[0]),),
    "hostile names": funnel(300, 120, kind=HOSTILE, who="{x}", **{"from": "=cmd()"}),
}


def tell(made: Company, language: str, patch) -> SimpleNamespace:
    """Run the cells of the notebook without a kernel: its findings, and what it displayed as text and HTML."""
    bundles, names = [], {}
    patch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    patch.setattr(page.pieces, "png", lambda figure, words: b"")
    audit = str(made.audit())
    for item in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if item["cell_type"] == "code":
            exec(compile("".join(item["source"]), item["id"], "exec"), names)
            if "parameters" in item["metadata"].get("tags", []):
                names |= {"audit": audit, "language": language}
    return SimpleNamespace(
        findings=names["report"].findings, names=names,
        plain="\n".join(bundle["text/plain"] for bundle in bundles),
        html="\n".join(bundle.get("text/html", "") for bundle in bundles),
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[tuple[str, str], SimpleNamespace]:
    found = {}
    for case, (deals, *more) in CASES.items():
        moves, keys = (*more, None)[0], more[1] if len(more) > 1 else {}
        made = company(tmp_path_factory.mktemp("told"), deals, moves, **keys)
        with pytest.MonkeyPatch.context() as patch:
            memory = _remembered(patch)
            found[case, "en"] = tell(made, "en", patch)
            memory.replays = True
            found[case, "ru"] = tell(made, "ru", patch)
    return found


def _remembered(patch) -> Memory:
    """The second time the metrics give what they gave the first: only words may differ between languages."""
    memory = Memory()
    for module in (balance, flow, health, incidence, league, mix, qualification):
        for name, function in list(vars(module).items()):
            if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                patch.setattr(module, name, memory.kept(function))
    return memory


def one(told, case: str, ident: str, language: str = "en"):
    return next(item for item in told[case, language].findings if item.id == ident)


@pytest.fixture(params=CASES)
def case(request, told) -> dict[str, SimpleNamespace]:
    return {language: told[request.param, language] for language in ("en", "ru")}


def test_every_finding_has_a_legal_status_somebody_to_ask_and_words(case) -> None:
    view_checks.whole(case["en"].findings + case["ru"].findings)


def test_both_languages_give_the_same_ids_and_numbers(case) -> None:
    view_checks.same(case["en"].findings, case["ru"].findings)


def test_no_hole_stands_in_a_sentence(case) -> None:
    for said in case.values():
        view_checks.filled(said.plain, said.findings, ["{bad}", "{x}"])


def test_the_number_of_a_finding_is_the_one_in_its_sentence(case) -> None:
    for language, said in case.items():
        view_checks.number_said(said.findings, language)


def test_the_base_of_a_share_is_said_with_it(case) -> None:
    for said in case.values():
        view_checks.base_said(said.findings)


def test_entered_is_passed_and_lost_and_open_in_the_table_of_the_page(told) -> None:
    steps = told["full", "en"].names["steps"]
    assert (steps["entered"] == steps["passed"] + steps["lost"] + steps["open"]).all()
    assert steps["entered"].iloc[0] == 600


def test_the_stage_that_loses_most_is_named_with_its_money(told) -> None:
    steps, item = told["full", "en"].names["steps"], one(told, "full", "stage_losses")
    top = steps.sort_values("lost").iloc[-1]
    assert f"{top['lost']} of the {steps['lost'].sum()} deals" in item.fact
    assert f"“{top['stage']}”" in item.headline
    assert (item.value, item.n) == (top["lost"] / steps["lost"].sum(), steps["lost"].sum())
    assert Words("en").money(steps["amount_lost"].max()) in item.fact


def test_without_amounts_no_money_is_told(told) -> None:
    said = told["no amounts and no groups", "en"]
    assert "₽" not in said.plain.split("Can these numbers be trusted")[0]
    assert "no deal amounts" in one(told, "no amounts and no groups", "stage_losses").fact


def test_a_snapshot_says_what_it_cannot_tell_and_still_gives_lead_to_sale(told) -> None:
    item = one(told, "no history", "stage_losses")
    assert item.status == "not_available"
    assert "stage history" in item.headline
    assert "sources.stages" in item.question
    assert one(told, "no history", "stage_passing").status == "not_available"
    assert one(told, "no history", "stage_time").status == "not_available"
    with_history = one(told, "full", "conversion_honest")
    assert one(told, "no history", "conversion_honest").value == pytest.approx(with_history.value)
    assert "Open deals today" in told["no history", "en"].html


def test_nothing_lost_is_no_stage_to_blame(told) -> None:
    assert one(told, "no losses", "stage_losses").headline == "No losses"
    assert "Not a single lost deal" in told["no losses", "en"].plain


def test_no_sale_yet_is_told_with_its_upper_bound_and_never_as_zero(told) -> None:
    item = one(told, "no wins", "conversion_honest")
    assert (item.value, item.status) == (0, "ok")
    assert Words("en").percent(item.high) in item.fact
    assert "0%" not in item.fact.replace(Words("en").percent(item.high), "")


def test_leads_that_are_all_open_are_judged_by_nobody(told) -> None:
    for case in ("all open", "all open, with history"):
        assert (
            one(told, case, "conversion_honest").status != "ok"
            or one(told, case, "conversion_honest").value == 0
        )
        assert one(told, case, "cohorts").status == "cannot_tell"


def test_sales_without_a_day_of_closing_are_not_left_out_in_silence(told) -> None:
    item = one(told, "half of the sales undated", "conversion_honest")
    total, gaps = (told["half of the sales undated", "en"].names[name] for name in ("total", "gaps"))
    assert 0.3 < gaps.undated_won / total.won < 0.9
    assert item.status == "cannot_tell"
    assert f"{gaps.undated_won} of {total.won} sales" in item.fact
    assert one(told, "half of the sales undated", "cohorts").status == "cannot_tell"


def test_three_leads_get_counts_and_no_percent(told) -> None:
    said = told["three leads", "en"]
    for item in said.findings:
        assert item.status != "ok" or item.id == "stage_level", item.id
        assert "%" not in item.fact.replace("95%", ""), item.fact
    assert "1 of 3" in said.plain


def test_a_young_month_is_not_called_a_bad_one(told) -> None:
    """The last month has few sales by age alone; it is in no comparison, and the page says why."""
    item, months = one(told, "full", "cohorts"), told["full", "en"].names["months"]
    assert item.status == "ok"
    assert "Jun 2024" in item.fact
    assert months["status"].tolist() == ["ok"] * 5 + ["too_young"]
    assert "too early to judge" in told["full", "en"].html
    assert months["naive"].iloc[-1] < months["naive"][months["ripe"]].min()
    assert "below all ripe months" in item.fact


def test_a_segment_that_passes_a_stage_more_often_is_found_at_that_stage(told) -> None:
    item = one(told, "full", "stage_by_segment")
    assert item.status == "ok"
    assert "“Offer”" in item.headline
    assert ("“shop”" in item.headline) is ("more pass" in item.headline)


def test_managers_that_are_alike_are_not_told_apart(told) -> None:
    assert one(told, "full", "stage_by_manager").status == "cannot_tell"


def test_names_from_the_data_never_become_markup(told) -> None:
    view_checks.escaped(told["hostile names", "en"].html, HOSTILE)


def test_a_stated_level_is_the_one_in_words_and_intervals(tmp_path, monkeypatch) -> None:
    found = {}
    for level in (0.9, 0.95):
        folder = tmp_path / str(level)
        folder.mkdir()
        made = company(folder, *FULL).state(thresholds={"level": level, "duplicate_days": 0})
        with monkeypatch.context() as patch:
            found[level] = {item.id: item for item in tell(made, "en", patch).findings}
    for level, said, other in ((0.9, "90%", "95%"), (0.95, "95%", "90%")):
        for ident in ("stage_losses", "conversion_honest", "stage_time"):
            item = found[level][ident]
            assert item.level == level
            assert f"{said} interval" in item.fact, item.fact
            assert f"{other} interval" not in item.fact, item.fact
    wide, narrow = found[0.95]["conversion_honest"], found[0.9]["conversion_honest"]
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_words_of_the_stages_are_in_both_languages_only_where_they_are_used() -> None:
    """Every key of the stages is asked for by name in a view, or made of a variant."""
    source = "".join(
        (NOTEBOOK.parents[1] / "lib" / "detente" / "present" / name).read_text(encoding="utf-8")
        for name in ("view_stages.py", "view_pace.py")
    )
    from detente.present.wording import catalog

    for key in catalog("en"):
        if key.startswith("stages."):
            stem = key.rsplit(".", 1)[1].split("_")[0]
            assert stem in source or stem in ("heading", "fact", "question", "decision", "missing"), key
