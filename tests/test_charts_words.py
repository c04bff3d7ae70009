"""Words of pictures: each can be read, none lies on another, and the alternative text tells the same numbers."""

from __future__ import annotations

import pytest

from detente.present import charts, spoken
from pictures import (
    CASES,
    CELLS,
    CURVES,
    FATES,
    GROUPS,
    LEAGUE,
    PAIRS,
    WORDS,
    Case,
    axes,
    boxes,
    every,
    texts,
    widths,
)


@pytest.mark.parametrize("draw", [charts.shares, charts.interval])
@widths
def test_every_row_says_how_many_it_rests_on(draw, narrow: bool) -> None:
    said = "\n".join(texts(axes(Case(draw, GROUPS), narrow))).replace("\u00a0", " ")
    assert all(f"n = {n}" in said for n in GROUPS["known"])


def test_fewer_than_five_are_never_put_in_percent() -> None:
    assert "50 %" not in "\n".join(texts(axes(Case(charts.shares, GROUPS)))).replace("\u00a0", " ")
    assert "мало данных" in texts(axes(Case(charts.shares, GROUPS)))
    assert "10/4" in texts(axes(Case(charts.heat, CELLS)))


@every
@widths
def test_no_word_is_cut_by_the_edge_of_the_picture(case: Case, narrow: bool) -> None:
    figure = charts.draw(case.draw, case.frame, WORDS["ru"], narrow)
    for word, box in boxes(figure):
        assert box.x0 >= -1, word
        assert box.x1 <= figure.bbox.x1 + 1, word
        assert box.y0 >= -1, word
        assert box.y1 <= figure.bbox.y1 + 1, word


@every
@widths
def test_no_word_lies_on_another(case: Case, narrow: bool) -> None:
    found = boxes(charts.draw(case.draw, case.frame, WORDS["ru"], narrow))
    for at, (word, box) in enumerate(found):
        on = [other for other, place in found[at + 1 :] if box.padded(-1).overlaps(place)]
        assert not on, (word, on)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.draw not in (charts.fates, charts.curves)],
    ids=lambda case: case.draw.__name__,
)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_alternative_text_tells_every_row(case: Case, language: str) -> None:
    said = spoken.values_of(case.draw, case.frame, WORDS[language])
    assert len(said) == len(case.frame)
    names = [name for name in ("label", "row") if name in case.frame]
    assert all(
        str(row[names[0]]) in text
        for row, text in zip(case.frame.to_dict("records"), said, strict=True)
        if names
    )


def test_the_alternative_text_of_shares_holds_the_drawn_numbers() -> None:
    text = spoken.values_of(charts.shares, GROUPS, WORDS["en"])[0]
    assert text == "VK: 86% (83–88%, n = 731)"


def test_the_alternative_text_of_a_curve_holds_a_few_ages_and_the_last_one() -> None:
    said = spoken.values_of(charts.curves, CURVES, WORDS["en"])
    assert len(said) == 4
    assert said[2] == "2026-06 (n = 90): day 7: 3.5% (2.8–4.2%), day 30: 15% (12–18%)"
    assert said[0].endswith("day 60: 24% (19–29%)")


def test_the_alternative_text_of_fates_holds_every_end_at_a_few_ages() -> None:
    said = spoken.values_of(charts.fates, FATES, WORDS["en"])
    assert [text.split(":")[0] for text in said] == ["day 7", "day 30", "day 60"]
    assert said[1] == "day 30: bought 12% (9–15%), still open 58%, lost 30%"


def test_the_alternative_text_of_pairs_and_of_the_league_holds_the_drawn_numbers() -> None:
    text = spoken.values_of(charts.pairs, PAIRS, WORDS["en"])[0]
    assert text == "Менеджер 01: as it is 41% (36–46%), with equal leads 33% (27–39%), n = 400"
    text = spoken.values_of(charts.plot_funnel, LEAGUE, WORDS["en"])[2]
    assert text.endswith("55% (n = 200), usual spread by chance 28–41%, rare spread by chance 24–45%")
