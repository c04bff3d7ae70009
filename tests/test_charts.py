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
STEPS = pd.DataFrame({
    "label": ["Новая заявка", LONG, "Договор"], "entered": [200, 120, 0], "passed": [120, 30, 0],
    "lost": [60, 60, 0], "open": [20, 30, 0],
})  # fmt: skip
AGES = np.arange(61)
FATES = pd.DataFrame({
    "won": 0.004 * AGES, "lost": 0.01 * AGES, "open": 1 - 0.014 * AGES, "low": 0.003 * AGES, "high": 0.005 * AGES,
    "ripe": 45,
}, index=AGES)  # fmt: skip
CURVES = pd.concat([
    pd.DataFrame({"group": name, "age": AGES[:until], "share": rate * AGES[:until], "low": rate * AGES[:until] * 0.8,
                  "high": rate * AGES[:until] * 1.2, "named": name == "VK", "known": 90})
    for name, rate, until in (("VK", 0.004, 61), (LONG, 0.0041, 61), ("2026-06", 0.005, 31), ("$5 & <b>", 0.0005, 61))
], ignore_index=True)  # fmt: skip
LEAGUE = pd.DataFrame({
    "label": ["Менеджер 01", "Менеджер 02", LONG, "Менеджер 04", "$5 & <b>"], "share": [0.3, 0.31, 0.55, 0.5, 0.28],
    "trials": [420, 410, 200, 6, 95], "named": [False, False, True, False, False],
    "enough": [True, True, True, False, True], "limit_low": [0.3, 0.295, 0.275, 0.0, 0.25],
    "limit_high": [0.388, 0.39, 0.41, 0.714, 0.44], "outer_low": [0.27, 0.27, 0.24, 0.0, 0.2],
    "outer_high": [0.414, 0.415, 0.45, 0.857, 0.495], "whole": 0.34,
})  # fmt: skip
PAIRS = pd.DataFrame({
    "label": ["Менеджер 01", LONG, "Менеджер 03", "Выставка"], "known": [400, 120, 40, 4],
    "share": [0.41, 0.3, 0.5, 0.5], "low": [0.36, 0.22, 0.35, 0.1], "high": [0.46, 0.38, 0.65, 0.9],
    "other": [0.33, 0.31, np.nan, 0.4], "other_low": [0.27, 0.25, np.nan, 0.2],
    "other_high": [0.39, 0.37, np.nan, 0.7], "named": [True, False, False, False], "enough": [True, True, True, False],
})  # fmt: skip


@dataclass(frozen=True)
class Case:
    draw: charts.Draw
    frame: pd.DataFrame


CASES = [
    Case(charts.shares, GROUPS), Case(charts.interval, GROUPS), Case(charts.stacked, PARTS),
    Case(charts.waterfall, FATE), Case(charts.bars, MONEY), Case(charts.trend, MONTHS), Case(charts.weeks, WEEKS),
    Case(charts.heat, CELLS), Case(charts.steps, STEPS), Case(charts.fates, FATES), Case(charts.curves, CURVES),
    Case(charts.plot_funnel, LEAGUE), Case(charts.pairs, PAIRS),
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
    upright = (charts.trend, charts.weeks, charts.fates, charts.curves, charts.plot_funnel)
    if case.draw not in (charts.bars, charts.heat, charts.trend, charts.weeks):
        assert ax.get_xlim()[0] == 0
    if case.draw in upright:
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
