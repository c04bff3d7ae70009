"""A notebook's page: what its cells show, what lands on disk, and that nothing from data gets in unescaped."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from detente.present import charts, downloads, pieces, report
from detente.present.findings import Finding
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.report import MIME, Report, View
from detente.present.wording import Words
from detente.schema import Loss, LossLog, SourceCount
from detente.terms import Thresholds

HOSTILE = "<script>document.documentElement.dataset.ran=1</script>\"'><img src=x onerror=alert(1)>"
TODAY = dt.date(2026, 11, 22)
LOSS = LossLog(
    (SourceCount("deals", "deals.csv", "", 100, 90, 7, 3), SourceCount("spend", "<b>.csv", "", 10, 10, 0, 0)),
    (
        Loss("deals", "deals.csv", "flagged", "test_lead", 4),
        Loss("deals", "deals.csv", "flagged", "duplicate", 6),
    ),
)


def tables(as_of: dt.date = TODAY, stated: dt.date | None = None) -> SimpleNamespace:
    limits = Thresholds(level=0.9)
    audit = SimpleNamespace(
        client="Дворы & Ко", currency="RUB", language="ru", timezone="Europe/Moscow", thresholds=limits, criteria=[],
        labels=[], as_of=stated, sha256=lambda: "0" * 64,
    )  # fmt: skip
    return SimpleNamespace(audit=audit, as_of=as_of, since=dt.date(2026, 4, 1), until=dt.date(2026, 9, 30))


def finding(text: str = "62%", status: str = "ok", ident: str = "one") -> Finding:
    return Finding(
        id=ident, notebook="03_x", headline=text, fact=text, value=0.62, unit="share", low=0.56, high=0.68, level=0.9,
        n=255, ask="marketing", question=text, decision=text, status=status,
    )  # fmt: skip


def frame(name: str = "VK") -> pd.DataFrame:
    return pd.DataFrame({
        "label": [name, "=1+1"], "share": [0.62, 0.5], "low": [0.56, 0.1], "high": [0.68, 0.9], "known": [255, 4],
        "between": [(0.56, 0.68), (0.1, 0.9)], "spend": [1234.5, math.nan],
    })  # fmt: skip


def table(name: str = "VK", rows: pd.DataFrame | None = None) -> Table:
    columns = [
        Column("label", name, "text"), Column("known", "Judged", "count"), Column("share", "Share", "share"),
        Column("between", "Interval", "percent_range"), Column("spend", "Spend", "money"),
    ]  # fmt: skip
    rows = frame(name) if rows is None else rows
    return Table("channels", rows, columns, name, bold=pd.Series([True, False] * (len(rows) // 2)))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Every bundle that the cells display, in order."""
    bundles: list[dict] = []

    def collect(data: dict, raw: bool = False) -> None:
        assert raw
        bundles.append(data)

    monkeypatch.setattr(report, "display", collect)
    return bundles


def fill(made: Report, text: str = "VK") -> None:
    made.tiles([Tile(text, text, text, text, text)])
    made.show(
        View(
            finding=finding(text),
            figure=Figure(charts.shares, frame(text), text, text),
            table=table(text),
            note=text,
        )
    )
    made.show(View(finding=finding(text, "cannot_tell", "two")))
    made.show(View(finding=finding(text, "not_available", "three")))
    made.verdict(View(text, points=[text], tone="warn"))
    made.close()


def test_without_an_output_folder_nothing_is_written_and_no_page_piece_is_made(
    shown, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(Report("03_x", tables(), LOSS, "en"))
    assert list(tmp_path.iterdir()) == []
    assert not any(MIME in bundle for bundle in shown)
    assert all(bundle["text/plain"] for bundle in shown)
    assert not any(
        re.search(r"2026-11|Python \d|:\d\d\b.*UTC", str(bundle.get("text/html"))) for bundle in shown
    )


def test_a_forge_can_show_each_bundle_as_html_or_as_a_picture(shown) -> None:
    fill(Report("03_x", tables(), LOSS, "en"))
    assert sum("image/png" in bundle for bundle in shown) == 1
    assert all(("text/html" in bundle) != ("image/png" in bundle) for bundle in shown)
    picture = next(bundle for bundle in shown if "image/png" in bundle)
    assert picture["image/png"].startswith(b"\x89PNG")
    assert len(picture["image/png"]) < 40_000
    assert "VK: 62% (56–68%, n = 255)" in picture["text/plain"]


def test_findings_and_tables_are_written(shown, tmp_path: Path) -> None:
    fill(Report("03_x", tables(), LOSS, "en", str(tmp_path), TODAY))
    rows = json.loads((tmp_path / "03_x.json").read_text(encoding="utf-8"))
    assert [(row["id"], row["value"], row["status"]) for row in rows] == [
        ("one", 0.62, "ok"), ("two", 0.62, "cannot_tell"), ("three", 0.62, "not_available"),
    ]  # fmt: skip
    assert (tmp_path / "tables" / "03_x_channels.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_numbers_are_the_same_in_both_languages(shown, tmp_path: Path) -> None:
    for language in ("ru", "en"):
        fill(Report("03_x", tables(), LOSS, language, str(tmp_path / language), TODAY))
    ru, en = ((tmp_path / language / "03_x.json").read_text(encoding="utf-8") for language in ("ru", "en"))
    assert ru == en


def test_the_page_is_told_the_client_the_period_and_the_build_apart(shown, tmp_path: Path) -> None:
    fill(Report("03_x", tables(), LOSS, "en", str(tmp_path), TODAY))
    line = next(b[MIME]["html"] for b in shown if b.get(MIME, {}).get("slot") == "verdict")
    assert "Дворы &amp; Ко" in line
    assert "1 Apr 2026–30 Sep 2026" in line
    assert re.search(r"\d\d:\d\d \(UTC\+03\)", line)


@pytest.mark.parametrize(("age", "stale"), [(14, False), (15, True)])
def test_stale_data_takes_the_place_of_the_headline(shown, tmp_path: Path, age: int, stale: bool) -> None:
    old = TODAY - dt.timedelta(days=age)
    Report("03_x", tables(old), LOSS, "en", str(tmp_path), TODAY).verdict(View("All is well", tone="good"))
    piece = shown[0][MIME]
    assert (piece["heading"] != "All is well") is stale
    assert ("15 days" in piece["heading"]) is stale


def test_a_snapshot_with_a_stated_day_never_goes_stale(shown, tmp_path: Path) -> None:
    old = TODAY - dt.timedelta(days=400)
    Report("03_x", tables(old, old), LOSS, "en", str(tmp_path), TODAY).verdict(View("As it was"))
    assert shown[0][MIME]["heading"] == "As it was"


def test_the_quality_note_accounts_for_every_row_and_what_is_not_counted(shown, tmp_path: Path) -> None:
    fill(Report("03_x", tables(), LOSS, "en", str(tmp_path), TODAY))
    html = next(b[MIME]["html"] for b in shown if b.get(MIME, {}).get("slot") == "quality")
    assert "110 rows read: 100 kept, 7 quarantined, 3 dropped" in html
    assert "4 tests, 6 repeated inquiries" in html
    assert "&lt;b&gt;.csv" in html


@pytest.mark.parametrize("output", ["", "there"])
def test_hostile_text_is_escaped_wherever_it_stands(shown, tmp_path: Path, output: str) -> None:
    fill(
        Report("03_x", tables(), LOSS, "en", str(tmp_path) if output else "", TODAY if output else None),
        HOSTILE,
    )
    for bundle in shown:
        for html in (bundle.get("text/html", ""), bundle.get(MIME, {}).get("html", "")):
            assert "<script" not in html
            assert "<img" not in html
            assert not re.search(r"<[^>]*\bonerror", re.sub(r'"[^"]*"', "", html))


def test_the_one_escape_drops_marks_that_disguise_text() -> None:
    assert pieces.escape("a\u202eb\x00c<'\"&") == "abc&lt;&#x27;&quot;&amp;"


def test_a_long_table_is_cut_on_the_page_and_whole_in_the_file() -> None:
    rows = pd.concat([frame()] * 50, ignore_index=True)
    html = pieces.table(table(rows=rows), Words("en"))
    assert html.count("<tr") == pieces.ROWS + 1
    assert "60 of 100" in html
    link = base64.b64decode(re.search(r'base64,([^"]+)"', html)[1]).decode("utf-8-sig")
    assert link.count("\r\n") == 101


def test_each_head_of_a_table_has_a_scope_and_the_caption_stands_outside_the_scroller() -> None:
    html = pieces.table(table(), Words("en"))
    assert len(re.findall(r"<th\b", html)) == len(re.findall(r'<th scope="(?:col|row)"', html)) == 7
    assert html.index("</figcaption>") < html.index('class="scroll"')


def test_a_share_of_fewer_than_five_is_a_dash_beside_its_count() -> None:
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", pieces.table(table(), Words("en")))
    assert cells == ["255", "62%", "56–68%", "₽1,235", "4", "—", "10–90%", "—"]


def read(language: str) -> list[list[str]]:
    text = downloads.csv_bytes(table(), Words(language)).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=";" if language == "ru" else ","))


def test_a_russian_spreadsheet_gets_semicolons_and_decimal_commas() -> None:
    assert read("ru")[1][1:] == ["255", "0,62", "0,56", "0,68", "1234,5"]


def test_an_english_spreadsheet_gets_commas_and_points() -> None:
    assert read("en")[1][1:] == ["255", "0.62", "0.56", "0.68", "1234.5"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_looks_like_a_formula_is_not_run(start: str) -> None:
    assert downloads.harmless(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert read("en")[2][0] == "'=1+1"


def test_the_tone_of_a_verdict_is_a_word_too() -> None:
    words = Words("en")
    for tone in ("good", "warn", "bad"):
        assert words.t(f"page.tone_{tone}") in pieces.verdict("x", [], tone, words).page


def test_two_builds_show_the_same(shown) -> None:
    fill(Report("03_x", tables(), LOSS, "ru"))
    first = list(shown)
    shown.clear()
    fill(Report("03_x", tables(), LOSS, "ru"))
    assert shown == first
