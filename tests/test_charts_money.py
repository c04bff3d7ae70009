"""Pictures of money: what is drawn equals the table, losses and gaps too, and every name can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from detente.present import canvas, charts, charts_money, charts_rows, drawing, spoken
from detente.present.wording import Words
from test_charts import LONG, Case, axes, boxes, texts, widths

WORDS = {"ru": Words("ru"), "en": Words("en")}
NAN = np.nan
LADDER = pd.DataFrame({
    "label": ["Выручка по кабинету", "Возвраты", "Пришли бы и так", "Реклама", LONG],
    "value": [1000000.0, -200000.0, NAN, -900000.0, -100000.0], "total": [True, False, False, False, True],
    "low": [NAN, NAN, NAN, NAN, -300000.0], "high": [NAN, NAN, NAN, NAN, 50000.0], "named": [False] * 4 + [True],
})  # fmt: skip


def cohorts(count: int, kind: str = "money") -> pd.DataFrame:
    """Each younger cohort has one month less; the last month of each is not over."""
    names = pd.period_range("2025-01", periods=count, freq="M").astype(str)
    return pd.DataFrame([
        {"row": name, "n": 10 if at == 1 else 40, "column": age, "kind": kind, "enough": at != 1,
         "value": 0.9**age if kind == "percent" else 1500.0 * (age + 1) - 4000, "ripe": age < count - at - 1}
        for at, name in enumerate(names) for age in range(count - at)
    ])  # fmt: skip


def paying(*groups: tuple[str, float], months: int = 13) -> pd.DataFrame:
    """A client of a group brings the same each month and costs 5 000."""
    ages = np.arange(months)
    return pd.concat([
        pd.DataFrame({"group": name, "age": ages, "value": a_month * (ages + 1), "low": a_month * ages,
                      "high": a_month * (ages + 2), "n": 40, "cac": 5000.0, "cac_full": 9000.0})
        for name, a_month in groups
    ], ignore_index=True)  # fmt: skip


PAYBACK = paying(("Дилеры", 1000.0), (LONG, 500.0), ("Убыток", -100.0))
SHARES = pd.DataFrame([
    {"label": label, "part": part, "share": share, "base": "12 345 678 ₽", "unknown": part == "не указан"}
    for label, shares in (("Выручка", (0.82, 0.13, 0.05, 0)), (LONG, (0.05, 0.05, 0.7, 0.2)), ("Задачи", (NAN,) * 4))
    for part, share in zip(("Дилеры", LONG, "Частные лица", "не указан"), shares, strict=True)
])  # fmt: skip
RANGES = pd.DataFrame([
    {"label": label, "n": 40, "low": min(values), "high": max(values), "mark": mark, "value": value, "kind": "times",
     "named": label == "VK", "line": 1.0, "line_name": "окупаемость рекламы", "clip": value > 9}
    for label, values in (("VK", (0.5, 0.8, 0.7)), (LONG, (1.2, 2.0, 40.0)), ("Карты", (NAN,) * 3))
    for mark, value in zip(("первое касание", "последнее касание", "поровну между всеми"), values, strict=True)
])  # fmt: skip
MONTHS = pd.DataFrame({
    "label": ["2026-01", "2026-02", "2026-03", "2026-04"], "revenue": [900000.0, 400000.0, NAN, 300000.0],
    "costs": [500000.0, 700000.0, 600000.0, 200000.0], "result": [400000.0, -300000.0, NAN, 100000.0],
    "ripe": [True, True, True, False],
})  # fmt: skip
VERSUS = pd.DataFrame({
    "label": ["Яндекс Директ", "Яндекс Директ", LONG, "Рассылка"],
    "measure": ["цена заявки", "цена клиента", "цена клиента", "цена клиента"], "before": [500.0, 5000, 800, 700],
    "after": [299.4, 25000, 0, NAN], "low": [0.5, 2.0, NAN, NAN], "high": [0.7, 9.0, NAN, NAN],
    "named": [False, True, False, False],
})  # fmt: skip
CASES = [
    Case(charts_money.ladder, LADDER), Case(charts_money.ladder, LADDER.iloc[[0]].assign(value=0.0)),
    Case(charts_money.triangle, cohorts(18)), Case(charts_money.triangle, cohorts(30)),
    Case(charts_money.triangle, cohorts(1)), Case(charts_money.triangle, cohorts(7, "percent")),
    Case(charts_money.payback, PAYBACK), Case(charts_money.payback, paying(("Все", 900.0), months=1)),
    Case(charts_money.payback, PAYBACK.assign(value=NAN, low=NAN, high=NAN, cac=NAN)),
    Case(charts_money.payback, paying(("Дилеры", 1000.0), (LONG, 500.0), ("В", 200.0), ("Г", -250.0), months=25)),
    Case(charts_money.profiles, SHARES), Case(charts_money.ranges, RANGES),
    Case(charts_money.ranges, RANGES.assign(kind="money", value=RANGES["value"] * -1e6, low=-4e7, high=-5e5)),
    Case(charts_money.ranges, RANGES.drop(columns=["line", "line_name", "clip"]).assign(value=0.0, low=0.0, high=0.0)),
    Case(charts_money.months, MONTHS), Case(charts_money.months, MONTHS.iloc[[1]]),
    Case(charts_money.months, pd.concat([MONTHS] * 6)), Case(charts_money.versus, VERSUS),
    Case(charts_money.versus, VERSUS.iloc[[2]]), Case(charts_money.versus, pd.concat([VERSUS] * 4)),
]  # fmt: skip
every = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.draw.__name__} {len(case.frame)}")


@every
@widths
def test_no_word_is_cut_or_lies_on_another(case: Case, narrow: bool) -> None:
    figure = charts.draw(case.draw, case.frame, WORDS["ru"], narrow)
    boxes(figure)  # saving lays a picture out twice
    found = boxes(figure)
    for at, (word, box) in enumerate(found):
        assert box.x0 >= -1, word
        assert box.x1 <= figure.bbox.x1 + 1, word
        assert box.y0 >= -1, word
        assert box.y1 <= figure.bbox.y1 + 1, word
        on = [other for other, place in found[at + 1 :] if box.padded(-1).overlaps(place)]
        assert not on, (word, on)


@every
@pytest.mark.parametrize("language", ["ru", "en"])
def test_nothing_unknown_is_drawn_or_told_as_a_number(case: Case, language: str) -> None:
    told = [*spoken.values_of(case.draw, case.frame, WORDS[language]), *texts(axes(case, language=language))]
    assert "nan" not in " ".join(told).lower()


@every
def test_two_builds_give_the_same_bytes(case: Case) -> None:
    first, second = (drawing.svg(charts.draw(case.draw, case.frame, WORDS["en"]), "a", "x") for _ in range(2))
    assert first == second


@widths
def test_a_step_of_the_ladder_hangs_where_the_last_one_ended(narrow: bool) -> None:
    bars = axes(Case(charts_money.ladder, LADDER), narrow).patches
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    assert ends == [(0, 1e6), (1e6, 8e5), (8e5, 8e5), (8e5, -1e5), (0, -1e5)]
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars].count(canvas.ORANGE) == 1


def test_the_ladder_draws_the_uncertainty_of_its_end() -> None:
    whiskers = axes(Case(charts_money.ladder, LADDER)).collections[0].get_segments()
    assert [(s[0][0], s[1][0]) for s in whiskers if len(s) and not np.isnan(s[0][0])] == [(-3e5, 5e4)]


def test_a_triangle_says_every_cell_of_a_desk_and_few_ages_on_a_phone() -> None:
    wide, phone = (axes(Case(charts_money.triangle, cohorts(18)), narrow) for narrow in (False, True))
    assert [tick.get_text() for tick in wide.get_xticklabels()] == [str(age) for age in range(18)]
    assert [tick.get_text() for tick in phone.get_xticklabels()] == ["0", "2", "3", "6", "12", "17"]
    assert len([text for text in texts(wide) if text]) == 18 * 19 / 2 + 18 + 18
    assert "тыс. ₽" in wide.get_xlabel()


def test_a_triangle_marks_what_is_thin_and_what_is_not_over() -> None:
    figure = charts.draw(charts_money.triangle, cohorts(4), WORDS["ru"])
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == 4
    greys = [patch for patch in figure.axes[0].patches if to_hex(patch.get_facecolor()) == "#eef0f3"]
    assert len(greys) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "мало данных",
        "месяц ещё не закончился",
    ]


@widths
def test_payback_is_marked_at_the_first_month_that_reaches_the_price(narrow: bool) -> None:
    ax = axes(Case(charts_money.payback, paying(("Дилеры", 1000.0))), narrow)
    marks = [
        offset.tolist()
        for item in ax.collections
        for offset in item.get_offsets()
        if len(item.get_offsets()) == 1
    ]
    assert [mark for mark in marks if mark != [0, 0]] == [[4, 5000], [8, 9000]]
    levels = [line.get_ydata()[0] for line in ax.lines if len(line.get_xdata()) == 2]
    assert {5000, 9000} <= set(levels)


def test_a_client_who_never_pays_back_has_no_mark() -> None:
    figure = charts.draw(charts_money.payback, paying(("Убыток", -100.0)), WORDS["ru"])
    assert figure.axes[0].get_ylim()[0] < -1300
    assert "окупился" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_more_groups_or_parts_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="4 groups, not 5"):
        axes(Case(charts_money.payback, paying(*((name, 1.0) for name in "абвгд"))))
    many = pd.DataFrame({"label": "Выручка", "part": list("абвгдежзи"), "share": 1 / 9})
    with pytest.raises(ValueError, match="8 parts, not 9"):
        axes(Case(charts_money.profiles, many))


@widths
def test_parts_fill_a_row_and_keep_their_colour(narrow: bool) -> None:
    ax = axes(Case(charts_money.profiles, SHARES), narrow)
    drawn = np.array([[bar.get_width() for bar in part] for part in ax.containers])
    assert np.allclose(drawn[:, :2].sum(axis=0), 1)
    assert drawn[:, 2].tolist() == [0] * 4
    looks = [{to_hex(bar.get_facecolor()) for bar in part} for part in ax.containers]
    assert [len(look) for look in looks] == [1] * 4
    assert len(set().union(*looks)) == 4
    assert "мало данных" in texts(ax)


@widths
def test_a_value_beyond_the_picture_is_written_at_its_edge(narrow: bool) -> None:
    ax = axes(Case(charts_money.ranges, RANGES), narrow)
    assert 2.0 < ax.get_xlim()[1] < 3.0
    assert {"▶", "40,0×"} <= set(texts(ax))
    marks = [
        point for item in ax.collections for point in np.ma.filled(item.get_offsets(), NAN)[:, 0].tolist()
    ]
    assert {0.5, 0.7, 0.8, 1.2, 2.0} <= set(marks)
    assert 40.0 not in marks


def test_models_differ_in_shape_and_colour_and_the_level_has_its_name() -> None:
    figure = charts.draw(charts_money.ranges, RANGES, WORDS["ru"])
    keys = figure.legends[0].legend_handles
    assert len({(key.get_marker(), to_hex(key.get_color())) for key in keys[:3]}) == 3
    assert figure.legends[0].get_texts()[-1].get_text() == "окупаемость рекламы"


@widths
def test_months_draw_revenue_costs_and_a_result_below_zero(narrow: bool) -> None:
    ax = axes(Case(charts_money.months, MONTHS), narrow)
    revenue, costs = ([bar.get_height() for bar in part] for part in ax.containers)
    assert np.nan_to_num(revenue).tolist() == [900000, 400000, 0, 300000]
    assert costs == [500000, 700000, 600000, 200000]
    assert ax.lines[0].get_ydata()[:2].tolist() == [400000, -300000]
    assert ax.get_ylim()[0] < -300000


def test_a_measure_that_doubled_stands_as_far_as_one_that_halved() -> None:
    pair = VERSUS.iloc[:2].assign(before=100.0, after=[50.0, 200.0], low=NAN, high=NAN)
    dots = axes(Case(charts_money.versus, pair)).collections[-1].get_offsets()[:, 0]
    assert dots.tolist() == [-1, 1]


def test_what_cannot_be_divided_has_no_mark_but_keeps_its_values() -> None:
    ax = axes(Case(charts_money.versus, VERSUS))
    said = [text.replace("\u00a0", " ") for text in texts(ax)]
    assert {"800 ₽ → 0 ₽", "700 ₽ → —", "5 000 ₽ → 25 000 ₽ (5,0×)"} <= set(said)
    assert np.isnan(np.ma.filled(ax.collections[-1].get_offsets(), NAN)[2:, 0]).all()


def test_a_long_name_keeps_what_it_rests_on() -> None:
    named = charts_rows._name(LONG * 3, "n = 40", 25, True)
    assert named.endswith("\nn = 40".replace(" ", "\u00a0"))


@pytest.mark.parametrize(("case", "told"), [
    (Case(charts_money.ladder, LADDER.iloc[[-1]].assign(label="Left")), "Left: −₽100,000 (−₽300,000 to ₽50,000)"),
    (Case(charts_money.versus, VERSUS.iloc[[1]].assign(label="VK", measure="CAC")),
     "VK: CAC ₽5,000 → ₽25,000, 5.0× (2.0–9.0×)"),
    (Case(charts_money.months, MONTHS.iloc[[3]]),
     "Apr 26: revenue ₽300,000, costs ₽200,000, what is left ₽100,000 (the month is not complete yet)"),
    (Case(charts_money.triangle, cohorts(2).iloc[:2]), "Jan 25 (n = 40): month 0 −₽2,500, month 1 −₽1,000"),
    (Case(charts_money.payback, paying(("VK", 10.0), months=2)),
     "VK (n = 40, price of a client ₽5,000, full price of a client ₽9,000): month 0 ₽10 (₽0–20), month 1 ₽20 (₽10–30)"),
    (Case(charts_money.profiles, SHARES.iloc[:4].assign(part=list("abcd"), label="Revenue")),
     "Revenue (12 345 678 ₽): a 82%, b 13%, c 5%, d 0%"),
    (Case(charts_money.ranges, RANGES.iloc[:3].assign(mark=["first", "last", "even"])),
     "VK (n = 40): 0.50–0.80×; first 0.50×, last 0.80×, even 0.70×"),
], ids=lambda item: getattr(item, "draw", item).__name__ if isinstance(item, Case) else "told")  # fmt: skip
def test_the_alternative_text_holds_the_drawn_numbers(case: Case, told: str) -> None:
    assert spoken.values_of(case.draw, case.frame, WORDS["en"]) == [told]
