"""Pictures as files: the same bytes in every build, ids that do not clash, and no style for the whole page."""

from __future__ import annotations

import re
import warnings

from detente.present import charts, drawing
from pictures import (
    GROUPS,
    PARTS,
    WORDS,
    Case,
    every,
    widths,
)


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
