"""Pictures: what is drawn equals the table, however thin or crowded it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from detente.present import canvas, charts, spoken
from pictures import (
    AGES,
    CURVES,
    FATES,
    GROUPS,
    LEAGUE,
    LONG,
    MONEY,
    MONTHS,
    PAIRS,
    PARTS,
    STEPS,
    WEEKS,
    WORDS,
    Case,
    axes,
    boxes,
    every,
    texts,
    widths,
)


@widths
def test_shares_draw_the_values_of_the_table(narrow: bool) -> None:
    ax = axes(Case(charts.shares, GROUPS), narrow)
    assert [bar.get_width() for bar in ax.patches] == GROUPS["share"].tolist()
    whiskers = next(item for item in ax.collections if hasattr(item, "get_segments"))
    ends = [(segment[0][0], segment[1][0]) for segment in whiskers.get_segments()]
    assert ends == list(zip(GROUPS["low"], GROUPS["high"], strict=True))


def test_an_interval_draws_its_bounds_and_its_interval() -> None:
    ax = axes(Case(charts.interval, GROUPS))
    lines = [item.get_segments() for item in ax.collections if hasattr(item, "get_segments")]
    drawn = [[(s[0][0], s[1][0]) for s in group] for group in lines]
    assert drawn[0] == list(zip(GROUPS["bound_low"], GROUPS["bound_high"], strict=True))
    assert drawn[1] == list(zip(GROUPS["low"], GROUPS["high"], strict=True))


def test_parts_fill_a_row_and_stand_in_order() -> None:
    ax = axes(Case(charts.stacked, PARTS))
    drawn = np.array([[bar.get_width() for bar in part] for part in ax.containers])
    expected = PARTS[["target", "non_target", "unknown"]].to_numpy().T / PARTS["leads"].to_numpy()
    assert np.allclose(drawn, expected)
    assert np.allclose(drawn.sum(axis=0), 1)


def test_bars_draw_money_below_zero_too() -> None:
    ax = axes(Case(charts.bars, MONEY))
    assert [bar.get_width() for bar in ax.patches] == MONEY["value"].tolist()
    assert ax.get_xlim()[0] < -70000


def test_a_trend_draws_each_month_and_tells_unripe_ones_apart() -> None:
    ax = axes(Case(charts.trend, MONTHS))
    unripe, ripe = ax.lines
    assert ripe.get_ydata().tolist() == [0.3, 0.4]
    assert (unripe.get_ydata().tolist(), unripe.get_linestyle()) == ([0.4, 0.5], "--")
    assert "ещё не дозрели" in texts(ax)


@widths
def test_steps_part_those_who_entered_into_passed_lost_and_open(narrow: bool) -> None:
    ax = axes(Case(charts.steps, STEPS), narrow)
    drawn = [[bar.get_width() for bar in part] for part in ax.containers]
    assert np.allclose(drawn, [[0.6, 0.25, 0], [0.3, 0.5, 0], [0.1, 0.25, 0]])
    assert [to_hex(part[0].get_facecolor()).upper() for part in ax.containers][0] == canvas.BLUE.upper()
    assert [bool(part[0].get_hatch()) for part in ax.containers] == [False, False, True]


def edges(band) -> np.ndarray:
    """(age, low, high) of a filled band at each of its corners."""
    corners = pd.DataFrame(band.get_paths()[0].vertices, columns=["age", "share"])
    spans = corners.groupby("age")["share"].agg(["min", "max"]).reset_index()
    return spans.to_numpy()


@widths
def test_fates_fill_everything_with_won_from_below_and_lost_from_above(narrow: bool) -> None:
    ax = axes(Case(charts.fates, FATES), narrow)
    won, still, lost, between = ax.collections
    assert edges(won)[-1].tolist() == pytest.approx([61, 0, 0.24])
    assert edges(still)[-1].tolist() == pytest.approx([61, 0.24, 0.4])
    assert edges(lost)[-1].tolist() == pytest.approx([61, 0.4, 1])
    assert edges(between)[-1].tolist() == pytest.approx([61, 0.18, 0.3])
    line = ax.lines[0]
    assert line.get_xdata().tolist() == [*AGES, 61]
    assert line.get_ydata().tolist() == pytest.approx([*FATES["won"], 0.24])
    assert ax.lines[1].get_xdata() == [45, 45]


def test_fates_name_their_last_shares_and_the_interval_of_those_who_bought() -> None:
    said = [text.replace("\u00a0", " ") for text in texts(axes(Case(charts.fates, FATES)))]
    assert {"24 % купили\n(18–30 %)", "16 % ещё в работе", "60 % потеряны"} <= set(said)
    assert "дозревают к 45-му дню" in said


def test_an_age_of_ripeness_beyond_the_picture_is_not_drawn() -> None:
    assert len(axes(Case(charts.fates, FATES.assign(ripe=90))).lines) == 1


@widths
def test_curves_draw_each_group_to_its_own_age_with_its_band(narrow: bool) -> None:
    ax = axes(Case(charts.curves, CURVES), narrow)
    assert [line.get_xdata()[-1] for line in ax.lines] == [61, 61, 31, 61]
    assert ax.lines[2].get_ydata().tolist() == pytest.approx([*(0.005 * np.arange(31)), 0.15])
    assert [edges(band)[-1].tolist() for band in ax.collections][2] == pytest.approx([31, 0.12, 0.18])


def test_only_the_named_curve_has_the_accent_and_no_two_lines_look_alike() -> None:
    lines = axes(Case(charts.curves, CURVES)).lines
    assert [to_hex(line.get_color()).upper() for line in lines].count(canvas.ORANGE) == 1
    assert to_hex(lines[0].get_color()).upper() == canvas.ORANGE
    assert len({(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in lines}) == 4


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    many = pd.concat([CURVES.assign(group=CURVES["group"] + tail) for tail in "ab"])
    with pytest.raises(ValueError, match="6 lines, not 8"):
        axes(Case(charts.curves, many))


def test_a_curve_without_a_known_share_says_so() -> None:
    nothing = CURVES.assign(share=CURVES["share"].where(CURVES["group"] != LONG))
    assert any(
        "мало данных" in text and "Каталоги" in text for text in texts(axes(Case(charts.curves, nothing)))
    )


@widths
def test_the_funnel_of_chance_draws_dots_and_limits_in_order_of_their_base(narrow: bool) -> None:
    ax = axes(Case(charts.plot_funnel, LEAGUE), narrow)
    dots = next(item for item in ax.collections if len(item.get_offsets()) == 5)
    assert dots.get_offsets().tolist() == LEAGUE[["trials", "share"]].to_numpy().tolist()
    _, outer_low, low, high, outer_high = ax.lines
    assert low.get_xdata().tolist() == [6, 95, 200, 410, 420]
    assert low.get_ydata().tolist() == [0.0, 0.25, 0.275, 0.295, 0.3]
    assert high.get_ydata().tolist() == [0.714, 0.44, 0.41, 0.39, 0.388]
    assert outer_low.get_ydata().tolist() == [0.0, 0.2, 0.24, 0.27, 0.27]
    assert outer_high.get_ydata().tolist() == [0.857, 0.495, 0.45, 0.415, 0.414]


@widths
def test_a_named_group_of_a_crowded_league_carries_its_name(narrow: bool) -> None:
    crowd = [LEAGUE.iloc[[0]].assign(label=f"Менеджер {at}", trials=420 - at) for at in range(40)]
    near = pd.concat([LEAGUE, *crowd])
    seventh = near["label"] == "Менеджер 7"
    near = near.assign(named=seventh, share=near["share"].mask(seventh, 0.6))
    said = texts(axes(Case(charts.plot_funnel, near), narrow))
    assert [text.replace("\u00a0", " ") for text in said if "Менеджер 7" in text] == ["Менеджер 7\n60 %"]


@pytest.mark.parametrize("rows", [1, 2], ids=["one", "one and one that nobody reached"])
def test_a_league_of_one_shows_its_limits_as_marks(rows: int) -> None:
    alone = pd.concat([LEAGUE.iloc[[0]], LEAGUE.iloc[[1]].assign(trials=0, share=np.nan)]).iloc[:rows]
    ax = axes(Case(charts.plot_funnel, alone.assign(limit_low=alone["limit_low"].where(alone["trials"] > 0))))
    assert [line.get_marker() for line in ax.lines[1:]] == ["_"] * 4


@widths
def test_pairs_draw_both_shares_and_join_them(narrow: bool) -> None:
    ax = axes(Case(charts.pairs, PAIRS), narrow)
    raw, adjusted = (item.get_offsets()[:, 0] for item in ax.collections[2:])
    assert raw.tolist() == PAIRS["share"].tolist()
    assert np.ma.filled(adjusted, np.nan).tolist() == pytest.approx(PAIRS["other"].tolist(), nan_ok=True)
    assert [line.get_xdata().tolist() for line in ax.lines][:2] == [[0.41, 0.33], [0.3, 0.31]]
    said = [text.replace("\u00a0", " ") for text in texts(ax)]
    assert {"41 % → 33 %", "30 % → 31 %", "50 %", "мало данных"} <= set(said)


@pytest.mark.parametrize("case", [
    Case(charts.fates, FATES * np.nan), Case(charts.fates, FATES.iloc[[0]]), Case(charts.fates, FATES.iloc[[40]]),
    Case(charts.fates, FATES.assign(won=0.0, lost=0.0, open=1.0, low=0.0, high=0.0)),
    Case(charts.curves, CURVES.assign(share=np.nan, low=np.nan, high=np.nan)), Case(charts.curves, CURVES.iloc[[0]]),
    Case(charts.curves, CURVES.assign(share=0.0, low=0.0, high=0.0)),
    Case(charts.plot_funnel, LEAGUE.assign(trials=0)), Case(charts.plot_funnel, LEAGUE.assign(share=np.nan)),
    Case(charts.plot_funnel, pd.concat([LEAGUE] * 8)), Case(charts.pairs, PAIRS.iloc[[2]]),
    Case(charts.pairs, pd.concat([PAIRS] * 10)), Case(charts.steps, STEPS.iloc[[2]]),
    Case(charts.steps, pd.concat([STEPS] * 13)), Case(charts.pairs, PAIRS.assign(**dict.fromkeys(
        ["share", "low", "high", "other", "other_low", "other_high"], 0.0))),
], ids=lambda case: f"{case.draw.__name__} {len(case.frame)}")  # fmt: skip
@widths
def test_a_thin_or_a_crowded_table_is_drawn_and_told(case: Case, narrow: bool) -> None:
    figure = charts.draw(case.draw, case.frame, WORDS["ru"], narrow)
    for word, box in boxes(figure):
        assert box.x0 >= -1, word
        assert box.x1 <= figure.bbox.x1 + 1, word
    assert "nan" not in " ".join(spoken.values_of(case.draw, case.frame, WORDS["ru"]))
    assert "nan" not in " ".join(texts(figure.axes[0])).lower()


def test_texts_beside_a_picture_move_apart_and_stay_inside() -> None:
    assert canvas.spread([0.5, 0.5], [0.2, 0.2]) == pytest.approx([0.5, 0.7])
    assert canvas.spread([1.0, 0.98], [0.2, 0.2]) == pytest.approx([0.9, 0.7])
    assert canvas.spread([0.0], [0.2]) == [0.1]


def test_an_empty_week_is_marked_with_a_zero() -> None:
    ax = axes(Case(charts.weeks, WEEKS))
    assert [bar.get_height() for bar in ax.containers[0]] == WEEKS["leads"].tolist()
    assert texts(ax).count("0") >= 1


def test_only_the_named_group_has_the_accent_and_a_small_one_is_grey() -> None:
    dots = axes(Case(charts.shares, GROUPS)).patches
    colours = [to_hex(bar.get_facecolor()).upper() for bar in dots]
    assert colours == [charts.ORANGE.upper(), canvas.BLUE.upper(), canvas.BLUE.upper(), canvas.GREY.upper()]


@every
@widths
def test_an_axis_of_shares_begins_at_zero(case: Case, narrow: bool) -> None:
    ax = axes(case, narrow)
    upright = (charts.trend, charts.weeks, charts.fates, charts.curves, charts.plot_funnel)
    if case.draw not in (charts.bars, charts.heat, charts.trend, charts.weeks):
        assert ax.get_xlim()[0] == 0
    if case.draw in upright:
        assert ax.get_ylim()[0] == 0
