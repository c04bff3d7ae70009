"""Every truth about the funnel and its managers in the sample is found: exports in, the stated number out.

The expected numbers come from data/sample/truth.json, which the generator counts in its own world.
"""

import pytest

import sample_tables
from detente import engine
from detente.metrics import (
    flow,
    habits,
    incidence,
    league,
    mix,
    moves,
    overuse,
    pockets,
    reason_quality,
    reasons,
    rhythm,
    stage_names,
    task_words,
)
from sample_tables import size


@pytest.fixture(scope="module")
def tables():
    return sample_tables.loaded()[0]


@pytest.fixture(scope="module")
def moved(tables):
    return moves.history(tables.stages, tables.journeys, tables.audit.funnel)


@pytest.fixture(scope="module")
def numbers(tables, truth):
    """Name of truth.json -> the manager's number in the tables, told by how many leads each has."""
    found = engine.frame(tables.journeys.group_by("manager").aggregate(leads=tables.journeys.count()))
    by_leads = {int(row.leads): row.manager for row in found.itertuples()}
    assert len(by_leads) == len(found) == 6
    return {name: by_leads[part["leads"]] for name, part in truth["managers"].items()}


def test_logs_that_know_surnames_only_speak_of_the_same_six_managers(tables, numbers):
    for table in (tables.stages, tables.calls, tables.tasks):
        found = engine.frame(table.filter(table.manager.notnull()).select("manager").distinct())
        assert set(found["manager"]) == set(numbers.values())


def test_stages_hold_what_was_drawn(tables, truth):
    steps = flow.steps(tables.journeys, tables.audit.funnel.stages).set_index("stage")
    stated = {name: part for name, part in truth["stages"].items() if isinstance(part, dict)}
    for name, part in stated.items():
        keys = ("entered", "passed", "lost", "open")
        assert {key: int(steps.loc[name, key]) for key in keys} == {key: part[key] for key in keys}, name
    assert flow.gaps(tables.journeys).unknown_lost == truth["stages"]["unknown"]


def test_shares_by_age_cover_what_the_leads_come_to_in_the_end(tables, truth):
    """The export has a tenth of the leads still open; the world knows how each of them ended."""
    curve = incidence.curve(flow.ages(tables.journeys, tables.as_of))
    stated = truth["ages"]
    for age in (30, 60, 90):
        for cause, outcome in ((1, "won"), (2, "lost")):
            found = incidence.at(curve, age, cause)
            assert found.low < stated[str(age)][outcome] / stated["leads"] < found.high, (age, outcome)
    in_the_end = stated["in_the_end"]["won"] / stated["leads"]
    last = incidence.at(curve, 90)
    naive = stated["so_far"]["won"] / stated["leads"]
    assert abs(last.share - in_the_end) < abs(naive - in_the_end)


def test_time_in_a_stage_is_longer_than_ended_stays_say(tables, truth):
    counts = flow.sojourns(tables.journeys, tables.as_of, tables.audit.funnel.stages)
    for name, part in truth["stages"].items():
        if isinstance(part, dict):
            stays = incidence.survival(counts[counts["stage"] == name])
            found = incidence.median(stays)
            assert found.low - 1 <= part["median_days"] <= found.high + 1, name
            assert part["mean_days"] >= part["mean_days_of_the_ended"]


def test_one_manager_wins_less_and_only_because_of_the_leads(tables, truth, numbers):
    name = numbers[truth["habits"]["cheap_leads"]["manager"]]
    raw = league.against_rest(league.cells(tables.journeys, "manager", ripe_days=30))
    assert raw.index[raw["named"]].tolist() == [name]
    assert raw.loc[name, "difference"] < -0.05
    fair = mix.standardise(league.cells(tables.journeys, "manager", ("channel", "segment"), ripe_days=30))
    assert fair.loc[name, "verdict"] == "got_worse_leads"
    assert set(fair["verdict"].drop(name)) == {"cannot_tell"}
    assert ((fair["ratio_low"] < 1) & (fair["ratio_high"] > 1)).all()
    assert fair["ratio"].between(0.85, 1.15).all()


def test_moves_back_are_named_at_one_manager(tables, truth, moved, numbers):
    found = moves.backward(moved, tables.journeys, tables.audit.funnel)
    name = numbers[truth["habits"]["moves_back"]["manager"]]
    assert found.deals == truth["history"]["leads_that_went_back"]
    assert found.managers.index[found.managers["named"]].tolist() == [name]
    assert found.managers.loc[name, "back_deals"] == truth["history"]["of_them_at_one_manager"]


def test_returns_from_the_archive_are_told_apart_from_moves_back(tables, truth, moved):
    found = moves.returns(moved, tables.journeys, tables.audit.funnel).loc["returned"]
    assert found["deals"] == truth["history"]["leads_back_from_the_archive"]
    assert found["earlier"] == 0


def test_moves_noted_at_the_end_of_the_month_are_named_at_one_manager(tables, truth, moved, numbers):
    name = numbers[truth["habits"]["month_end"]["manager"]]
    found = rhythm.month_end(moved, tables.as_of)
    assert found.managers.index[found.managers["named"]].tolist() == [name]
    heaps = rhythm.heaps(moved)
    assert set(heaps.heaps["manager"]) == {name}
    assert len(heaps.heaps) >= 6


def test_evidence_is_filled_as_often_as_noted(tables, truth):
    found = moves.evidence(tables.journeys, tables.audit.funnel)
    for order, stated in enumerate(truth["fields"]["facts"].values(), start=3):
        row = found[found["order"] == order].iloc[0]
        assert (row["passed"], row["filled"]) == (stated["passed"], stated["filled"])


def test_vague_reasons_are_named_at_one_manager(tables, truth, numbers):
    cells = reasons.cells(tables.journeys, tables.audit.reasons, by=("manager", "segment"))
    named = overuse.overuse(cells).query("named")
    assert set(named["manager"]) == {numbers[truth["habits"]["vague_reasons"]["manager"]]}
    assert named.iloc[0]["reason"] == "group:thinking"


def test_reasons_are_confronted_with_calls_and_prices_as_drawn(tables, truth):
    groups, stages = tables.audit.reasons, tables.audit.funnel.stages
    silent, stated = (
        reason_quality.no_answer(tables.journeys, tables.calls, groups),
        truth["claims"]["silent"],
    )
    assert (silent.claimed, silent.why["contradicted"], silent.why["unproven"], silent.why["thin"]) == (
        stated["leads"],
        stated["talked"],
        stated["never_called"],
        stated["one_or_two_attempts"],
    )
    price = reason_quality.price(tables.journeys, stages, groups)
    assert price.claimed == truth["claims"]["price"]["leads"]
    assert price.why["unproven"] == truth["claims"]["price"]["before_a_price_was_seen"]
    numbers = reason_quality.wrong_number(tables.journeys, tables.calls, groups)
    assert numbers.why["fits"] == numbers.claimed  # here every number called wrong is wrong


def test_reasons_on_won_deals_and_misspelt_ones_are_found(tables, truth):
    stated = truth["claims"]
    assert (
        reason_quality.not_lost(tables.journeys).loc["won", "with_reason"] == stated["reasons_on_won_deals"]
    )
    found = reason_quality.spellings(reason_quality.texts(tables.journeys))
    proposed = {*found.sure["text"], *found.unsure["text"]}
    assert {typo.lower() for typo in stated["typos"]} <= proposed


def test_a_cyrillic_letter_in_crm_is_seen(tables):
    texts = engine.frame(tables.journeys.select("loss_reason").distinct())["loss_reason"].dropna()
    assert any("\u0421RM" in word for word in stage_names.homoglyphs(texts)["word"])


def test_the_pocket_is_found_and_old_deals_with_a_task_are_left_alone(tables, truth, moved):
    found = pockets.pockets(
        tables.journeys,
        tables.audit.funnel,
        tables.as_of,
        moved=moved,
        tasks=tables.tasks,
        calls=tables.calls,
    )
    for order, part in enumerate(truth["tasks"]["open_deals"].values(), start=1):
        row = found.stages[found.stages["order"] == order].iloc[0]
        assert (row["open"], row["live"], row["overdue"], row["no_task"]) == tuple(part.values())
    pocket = list(truth["tasks"]["open_deals"]).index(truth["tasks"]["pocket"]) + 1
    quiet = found.stages.set_index("order")["quiet"]
    assert quiet[pocket] == quiet.sum() >= 10
    assert found.excused >= 1


def test_wording_of_tasks_is_as_drawn(tables, truth, numbers):
    found = task_words.task_quality(tables.tasks)
    for name, stated in truth["tasks"]["wording"].items():
        row = found.loc[numbers[name]]
        assert (row["tasks"], row["correct"], row["wrong"]) == (
            stated["tasks"],
            stated["good"],
            stated["bad"],
        )
    assert found["share"].idxmax() == numbers[truth["tasks"]["tidy_manager"]]


def test_deadlines_and_budgets_are_as_drawn(tables, truth):
    stated = truth["fields"]
    found = habits.deadline(tables.journeys, tables.as_of)
    assert found.passed == stated["deadline"]["passed_and_open"]
    assert found.diff_low < 0 < found.diff_high  # a deadline is noted by chance alone
    drift = habits.drift(tables.journeys)
    assert drift.high < 0.85  # the first budget is well above the last one
    assert (
        size(tables.journeys.filter(tables.journeys.field_deadline.notnull())) == stated["deadline"]["filled"]
    )
    filled = tables.journeys.filter(tables.journeys.field_first_amount.notnull())
    assert size(filled) == stated["first_budget"]["filled"]
