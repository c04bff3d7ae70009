"""Pictures: what is drawn equals the table, everybody can read it, and it is the same in every build."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from detente.present import canvas, charts, drawing, spoken
from detente.present.wording import Words

WORDS = {"ru": Words("ru"), "en": Words("en")}
LONG = "Каталоги и агрегаторы строительных подрядчиков Северо-Западного федерального округа"
GROUPS = pd.DataFrame({
    "label": ["VK", LONG, "$5 & <b>", "Выставка"], "share": [0.86, 0.63, 0.41, 0.5], "low": [0.83, 0.55, 0.34, 0.2],
    "high": [0.88, 0.70, 0.48, 0.8], "known": [731, 140, 188, 4], "named": [True, False, False, False],
    "enough": [True, True, True, False], "bound_low": [0.8, 0.5, 0.3, 0.1], "bound_high": [0.9, 0.75, 0.5, 0.9],
})  # fmt: skip
PARTS = pd.DataFrame({
    "label": ["VK", LONG], "leads": [800, 150], "target": [100, 60], "non_target": [600, 80], "unknown": [100, 10],
})  # fmt: skip
FATE = pd.DataFrame({"label": ["deals.csv"], "read": [100], "kept": [90], "quarantined": [7], "dropped": [3]})
MONEY = pd.DataFrame({
    "label": ["VK", LONG], "value": [2064000.0, -61000.0], "low": [1990000.0, -70000.0],
    "high": [2112000.0, -54000.0], "n": [731, 140],
})  # fmt: skip
MONTHS = pd.DataFrame(
    {"share": [0.3, 0.4, 0.5], "low": [0.2, 0.3, 0.3], "high": [0.4, 0.5, 0.7], "known": [90, 80, 20],
     "ripe": [True, True, False]},
    index=["2026-01", "2026-02", "2026-03"],
)  # fmt: skip
WEEKS = pd.DataFrame({
    "week": pd.date_range("2026-01-05", periods=4, freq="7D"), "leads": [5, 0, 7, 2],
    "whole": [True, True, True, False], "gap": [False, True, False, False],
})  # fmt: skip
CELLS = pd.DataFrame([
    {"row": row, "column": column, "share": 0.25, "fails": 10, "known": 40 if column != "Выставка" else 4,
     "enough": column != "Выставка"}
    for row in ("Бюджет от 300 000 ₽", "Регион") for column in ("VK", LONG, "Карты", "Выставка")
])  # fmt: skip


@dataclass(frozen=True)
class Case:
    draw: charts.Draw
    frame: pd.DataFrame


CASES = [
    Case(charts.shares, GROUPS), Case(charts.interval, GROUPS), Case(charts.stacked, PARTS),
    Case(charts.waterfall, FATE), Case(charts.bars, MONEY), Case(charts.trend, MONTHS), Case(charts.weeks, WEEKS),
    Case(charts.heat, CELLS),
]  # fmt: skip
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.draw.__name__)
widths = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])


def axes(case: Case, narrow: bool = False, language: str = "ru"):
    return charts.draw(case.draw, case.frame, WORDS[language], narrow).axes[0]


def texts(ax) -> list[str]:
    drawn = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]
    return [text.get_text() for text in drawn]


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


def test_an_empty_week_is_marked_with_a_zero() -> None:
    ax = axes(Case(charts.weeks, WEEKS))
    assert [bar.get_height() for bar in ax.containers[0]] == WEEKS["leads"].tolist()
    assert texts(ax).count("0") >= 1


@pytest.mark.parametrize("draw", [charts.shares, charts.interval])
@widths
def test_every_row_says_how_many_it_rests_on(draw, narrow: bool) -> None:
    said = "\n".join(texts(axes(Case(draw, GROUPS), narrow))).replace("\u00a0", " ")
    assert all(f"n = {n}" in said for n in GROUPS["known"])


def test_fewer_than_five_are_never_put_in_percent() -> None:
    assert "50 %" not in "\n".join(texts(axes(Case(charts.shares, GROUPS)))).replace("\u00a0", " ")
    assert "мало данных" in texts(axes(Case(charts.shares, GROUPS)))
    assert "10/4" in texts(axes(Case(charts.heat, CELLS)))


def test_only_the_named_group_has_the_accent_and_a_small_one_is_grey() -> None:
    dots = axes(Case(charts.shares, GROUPS)).patches
    colours = [to_hex(bar.get_facecolor()).upper() for bar in dots]
    assert colours == [charts.ORANGE.upper(), canvas.BLUE.upper(), canvas.BLUE.upper(), canvas.GREY.upper()]


@every
@widths
def test_an_axis_of_shares_begins_at_zero(case: Case, narrow: bool) -> None:
    ax = axes(case, narrow)
    if case.draw in (charts.shares, charts.interval, charts.stacked, charts.waterfall):
        assert ax.get_xlim()[0] == 0
    if case.draw in (charts.trend, charts.weeks):
        assert ax.get_ylim()[0] == 0


def boxes(figure) -> list[tuple[str, object]]:
    """Each drawn word with the box it fills; a tick beyond the axis is not drawn."""
    with canvas.style():
        figure.draw_without_rendering()
        ax = figure.axes[0]
        ticks = [
            text
            for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim())))
            for place, text in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            if low <= place <= high
        ]
        legends = [text for legend in figure.legends for text in legend.get_texts()]
        drawn = [text for text in [*ax.texts, *ticks, *legends] if text.get_text().strip()]
        return [(text.get_text(), text.get_window_extent()) for text in drawn]


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


@every
@widths
def test_two_builds_give_the_same_bytes(case: Case, narrow: bool) -> None:
    first, second = (
        drawing.svg(charts.draw(case.draw, case.frame, WORDS["en"], narrow), "a", "x") for _ in range(2)
    )
    assert first == second
    assert drawing.png(charts.draw(case.draw, case.frame, WORDS["en"])) == drawing.png(
        charts.draw(case.draw, case.frame, WORDS["en"])
    )


def test_ids_of_two_pictures_do_not_clash_and_each_reference_has_its_target() -> None:
    pictures = [
        drawing.svg(charts.draw(charts.stacked, PARTS, WORDS["ru"], narrow), name, "x")
        for narrow, name in ((False, "one-"), (True, "two-"))
    ]
    letters, page = drawing.shared("".join(pictures))
    ids = re.findall(r' id="([^"]+)"', letters + page)
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {a or b for a, b in wanted} == set(ids)


def test_an_svg_carries_no_date_no_size_and_no_style_for_the_whole_page() -> None:
    svg = drawing.svg(charts.draw(charts.shares, GROUPS, WORDS["ru"]), "a", "told")
    head = svg[: svg.index(">")]
    assert 'role="img" aria-label="told"' in head
    assert not re.search(
        r"<style|<metadata|<!--|<script|\b(width|height)=", head + re.sub(r"<path.*?>", "", svg)[:400]
    )


@every
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


def test_a_letter_that_the_font_lacks_warns_nobody() -> None:
    frame = GROUPS.assign(label=["😀", "渠道", "a\nb", "قناة"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawing.png(charts.draw(charts.shares, frame, WORDS["en"]))


@every
def test_settings_of_a_notebook_change_nothing(case: Case) -> None:
    import matplotlib

    plain = drawing.svg(charts.draw(case.draw, case.frame, WORDS["en"]), "a", "x")
    with matplotlib.rc_context(
        {"font.size": 20, "svg.fonttype": "none", "axes.facecolor": "red", "figure.dpi": 72}
    ):
        assert drawing.svg(charts.draw(case.draw, case.frame, WORDS["en"]), "a", "x") == plain
