"""Moves onward and back, stages passed over, returns from the archive and evidence: counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from detente import engine
from detente.metrics import moves, rhythm
from small_audit import Company
from walked import AS_OF, FUNNEL, Deal, deals, history, journeys, log


def kinds(made: list[Deal]) -> list[str]:
    frame = engine.frame(history(made)).sort_values(["lead_id", "at", "order"])
    return frame["kind"].tolist()


# --- moves ---
def test_every_entry_to_another_stage_is_one_of_seven_kinds() -> None:
    assert kinds([Deal("A B A C L B W A")]) == [
        "created", "forward", "backward", "forward", "lost", "returned", "won", "reopened",
    ]  # fmt: skip


def test_a_repeated_entry_to_the_same_stage_is_no_move() -> None:
    assert kinds([Deal("A A B B W")]) == ["created", "forward", "won"]


def test_a_stage_that_the_funnel_does_not_name_is_passed_over() -> None:
    assert kinds([Deal("A X B")]) == ["created", "forward"]


def test_without_a_stage_log_there_is_nothing_to_say_and_no_error() -> None:
    table = journeys(deals(3, "A B")).drop("entered_1", "entered_2", "entered_3")
    assert moves.history(None, table, FUNNEL) is None
    assert moves.backward(None, table, FUNNEL) is None
    assert moves.skipped(table, FUNNEL) is None
    assert moves.returns(None, table, FUNNEL) is None
    assert moves.archive(None, FUNNEL) is None
    assert rhythm.month_end(None, AS_OF) is None
    assert rhythm.heaps(None) is None


def test_moves_back_and_returns_add_up_to_what_intake_counted(tmp_path) -> None:
    company = Company(tmp_path).source(
        "deals",
        "id,created,stage\n1,2024-01-01 09:00,Won\n2,2024-01-01 09:00,Talk\n3,2024-01-01 09:00,Lost\n",
    )
    company.source(
        "stages",
        "deal,time,stage,before\n"
        "1,2024-01-02 10:00,Talk,New\n1,2024-01-03 10:00,New,Talk\n1,2024-01-04 10:00,Won,New\n"
        "2,2024-01-02 10:00,Offer,New\n2,2024-01-03 10:00,Lost,Offer\n2,2024-01-04 10:00,Talk,Lost\n"
        "3,2024-01-02 10:00,Lost,New\n",
        {"from_stage": "before"},
    )
    tables, _ = company.load()
    found = engine.frame(moves.history(tables.stages, tables.journeys, tables.audit.funnel))
    ours = found["kind"].isin(["backward", "returned", "reopened"]).sum()
    assert ours == engine.frame(tables.journeys)["backward"].sum() == 2
    assert (found["kind"] != "created").sum() == engine.frame(tables.journeys)["moves"].sum() == 7
    assert (found["kind"] == "created").sum() == 3  # each deal was born in New, which the log only mentions


def test_the_unit_of_a_move_back_is_the_deal() -> None:
    made = [Deal("A B A B A B W"), *deals(9, "A B W")]
    found = moves.backward(history(made), journeys(made), FUNNEL)
    assert (found.moves, found.deals, found.leads) == (2, 1, 10)
    assert found.share == 0.1
    assert found.pairs.to_dict("records") == [{"before": 2, "order": 1, "moves": 2, "deals": 1}]


def test_counting_every_entry_distorts_the_conversion_that_counting_deals_keeps() -> None:
    made = [*deals(6, "A B A B C L"), *deals(4, "A B L")]
    found = moves.backward(history(made), journeys(made), FUNNEL).conversion.set_index("order")
    assert found.loc[2, ["entries", "exits", "entered", "passed"]].tolist() == [16, 6, 10, 6]
    assert found.loc[2, "naive"] == 6 / 16
    assert found.loc[2, "share"] == 0.6


def test_without_a_second_entry_both_conversions_are_the_same() -> None:
    made = [*deals(5, "A B C W"), *deals(3, "A C L"), *deals(2, "A B")]
    found = moves.backward(history(made), journeys(made), FUNNEL).conversion
    assert found["naive"].tolist() == found["share"].tolist()
    assert found["distortion"].abs().max() == 0


def managers(back: dict[str, int], of: int = 40):
    made = []
    for name, hits in back.items():
        made += deals(hits, "A B A B L", name) + deals(of - hits, "A B L", name)
    return moves.backward(history(made), journeys(made), FUNNEL).managers


def test_a_manager_who_moves_back_far_more_deals_is_named_and_the_others_are_not() -> None:
    found = managers({"#01": 16, "#02": 2, "#03": 2})
    assert found.index[found["named"] & (found["difference"] > 0)].tolist() == ["#01"]
    row = found.loc["#01"]
    assert (row["back_deals"], row["deals"], row["share"], row["rest_share"]) == (16, 40, 0.4, 4 / 80)


def test_nobody_is_named_on_few_deals_however_many_went_back() -> None:
    assert not managers({"#01": 10, "#02": 0, "#03": 0}, of=12)["named"].any()


def test_nobody_is_named_for_a_difference_too_small_to_talk_about() -> None:
    assert not managers({"#01": 40, "#02": 20}, of=1000)["named"].any()  # 4 against 2 percent


def test_equal_managers_are_named_in_few_worlds() -> None:
    """Ten managers of 40 deals with one common share: at most one world in ten may point at anybody."""
    chance, pointed = np.random.default_rng(7), 0
    for _ in range(400):
        counts = pd.DataFrame({"hits": chance.binomial(40, 0.2, 10), "deals": 40})
        pointed += moves.against_rest(counts, "hits", "deals")["named"].any()
    assert pointed <= 40


def test_a_manager_who_is_not_stated_is_never_named() -> None:
    made = deals(20, "A B A B L", None) + deals(20, "A B L", None) + deals(60, "A B L", "#01")
    stages = log(made)
    found = moves.backward(moves.history(stages, journeys(made), FUNNEL), journeys(made), FUNNEL).managers
    assert not found.loc[found.index.isna(), "named"].any()


def test_a_log_that_names_nobody_takes_the_manager_of_the_deal() -> None:
    made = deals(2, "A B", None)
    owned = journeys([Deal(deal.path, "#07", deal.start) for deal in made])
    found = engine.frame(moves.history(log(made), owned, FUNNEL))
    assert found.loc[found["kind"] == "forward", "manager"].tolist() == ["#07", "#07"]


def test_skipped_stages_are_counted_among_deals_that_went_beyond_them() -> None:
    made = [*deals(3, "A C L"), *deals(5, "A B C L"), *deals(2, "A B L"), *deals(1, "A W"), *deals(4, "A L")]
    found = moves.skipped(journeys(made), FUNNEL)
    assert found.stages["beyond"].tolist() == [11, 9, 1]
    assert found.stages["skipped"].tolist() == [0, 4, 1]
    assert (found.deals, found.leads) == (4, 11)


def test_a_return_from_the_archive_is_legal_only_to_the_same_or_a_later_stage_with_the_earlier_ones_done() -> (
    None
):
    made = [
        Deal("A B L B W"),  # legal: the stage it left
        Deal("A B L C W"),  # legal: the next one
        Deal("A B L A"),  # earlier
        Deal("A L C"),  # bare: B was never entered
        Deal("A L C", more={"evidence_2": "done"}),  # legal: B has evidence
        Deal("L B"),  # unclear: the stage it left is not in the log
    ]
    made = [Deal(deal.path, more={"evidence_2": None} | deal.more) for deal in made]
    found = moves.returns(history(made), journeys(made), FUNNEL).loc["returned"]
    assert found.to_dict() == {"moves": 6, "deals": 6, "legal": 3, "earlier": 1, "bare": 1, "unclear": 1}


def test_coming_back_out_of_won_is_told_apart() -> None:
    made = [Deal("A B C W C W")]
    found = moves.returns(history(made), journeys(made), FUNNEL)
    assert found["moves"].to_dict() == {"returned": 0, "reopened": 1}


def test_the_archive_is_counted_from_the_stage_that_a_deal_left() -> None:
    made = [Deal("A B C A L"), *deals(2, "A B L"), *deals(1, "A B C W")]
    found = moves.archive(history(made), FUNNEL).set_index("order")
    assert found["deals"].tolist() == [4, 4, 2]
    assert found["archived"].tolist() == [1, 2, 0]


def test_evidence_is_asked_only_of_deals_that_passed_the_stage() -> None:
    made = [
        *deals(3, "A B C", evidence_1="x", evidence_3=None), *deals(2, "A B", evidence_1=None, evidence_3=None),
        *deals(4, "A", evidence_1=None, evidence_3=None), Deal("A B C W", more={"evidence_1": "x", "evidence_3": "x"}),
    ]  # fmt: skip
    found = moves.evidence(journeys(made), FUNNEL)
    assert found["recorded"].tolist() == [True, False, True]
    assert found["passed"].tolist() == [6, 0, 1]
    assert found["filled"].tolist() == [4, 0, 1]
    assert found["missing"].tolist() == [2, 0, 0]


def test_the_order_of_rows_changes_nothing() -> None:
    made = [*deals(4, "A B A B L", "#01"), *deals(5, "A C W", "#02"), *deals(3, "A B C", "#03")]
    stages, table = engine.frame(log(made)), engine.frame(journeys(made))
    told = []
    for seed in (1, 2):
        shuffled = [engine.table(part.sample(frac=1, random_state=seed)) for part in (stages, table)]
        moved = moves.history(*shuffled, FUNNEL)
        back = moves.backward(moved, shuffled[1], FUNNEL)
        told.append([back.pairs, back.managers, back.conversion, moves.archive(moved, FUNNEL)])
    for one, other in zip(*told, strict=True):
        pd.testing.assert_frame_equal(one, other)
