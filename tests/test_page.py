"""The page a CEO opens: order, safety, contrast, widths, paper; measured in a real browser where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from detente.present import charts, pieces
from detente.present.pieces import Column, Figure, Table, Tile
from detente.present.wording import Words
from detente.run import page
from detente.run.jupyter import PIECE

TEMPLATE = Path(page.__file__).parent / "template"
CSS = (TEMPLATE / "page.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = (
    "<script>document.documentElement.dataset.ran=1</script>\"'><img src=x "
    'onerror="document.documentElement.dataset.ran=2"><a href="javascript:alert(1)">x</a>'
)
LONG = "Каталоги и агрегаторы строительных подрядчиков Северо-Западного федерального округа"
WORDS = Words("ru")
in_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def piece(slot: str, html: str, heading: str = "") -> dict[str, object]:
    return {
        PIECE: {"slot": slot, "heading": heading, "html": html},
        "text/plain": "plain",
        "text/html": "<p>bare</p>",
    }


def section(text: str) -> str:
    frame = pd.DataFrame({
        "label": [text, LONG], "share": [0.62, 0.5], "low": [0.56, 0.4], "high": [0.68, 0.6], "known": [255, 80],
        "leads": [300, 90], "spend": [1234567.0, 89.5],
    })  # fmt: skip
    kinds = {
        "label": "text",
        "leads": "count",
        "known": "count",
        "share": "share",
        "low": "percent",
        "spend": "money",
    }
    table = Table("t", frame, [Column(key, f"{text} {key}", kind) for key, kind in kinds.items()], text)  # type: ignore[arg-type]
    figure = pieces.figure(Figure(charts.shares, frame, text, text), WORDS, pieces.digest(text))
    return figure + pieces.table(table, WORDS)


def notebook(text: str = "Канал") -> nbformat.NotebookNode:
    """Outputs out of order, and everything that must not reach a page."""
    verdict = pieces.verdict(text, [text, text], "bad", WORDS, text)
    tiles = pieces.tiles([Tile(text, "1\u00a0234\u00a0567\u00a0₽", text, text, text)] * 4, WORDS)
    shown = [
        piece("quality", "<p>quality</p>", "Можно ли верить"), piece("section", section(text), text),
        piece("section", "<p>second</p>", "Второй"), piece("tiles", tiles.page),
        piece("method", "<p>method</p>", "Метод"), piece("verdict", verdict.page, text),
    ]  # fmt: skip
    outputs = [nbformat.v4.new_output("display_data", data) for data in shown]
    outputs += [
        nbformat.v4.new_output("stream", name="stdout", text="PRINTED"),
        nbformat.v4.new_output("stream", name="stderr", text="WARNED"),
        nbformat.v4.new_output("error", ename="ValueError", evalue="RAISED", traceback=["TRACED"]),
        nbformat.v4.new_output(
            "execute_result", {"text/plain": "REPR", "text/html": "<p>FRAME</p>"}, execution_count=1
        ),
        nbformat.v4.new_output("display_data", {"application/javascript": "SCRIPTED"}),
    ]
    cells = [nbformat.v4.new_markdown_cell("# PROSE"), nbformat.v4.new_code_cell("CODE = 1", outputs=outputs)]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture(scope="module")
def html() -> str:
    return page.build(notebook(), "ru")


def test_parts_stand_in_reading_order(html: str) -> None:
    order = ["<h1>Канал", 'class="meta"', 'class="verdict bad"', 'class="tiles"', 'class="folded"', 'id="s1"',
             'id="s2"', 'id="s3"', "quality", 'id="method"']  # fmt: skip
    places = [html.index(part, html.index("<main")) for part in order]
    assert places == sorted(places)


def test_only_our_pieces_reach_the_page(html: str) -> None:
    for stray in (
        "PRINTED",
        "WARNED",
        "RAISED",
        "TRACED",
        "REPR",
        "FRAME",
        "SCRIPTED",
        "PROSE",
        "CODE",
        "bare",
    ):
        assert stray not in html


def test_the_policy_is_the_first_thing_in_the_head(html: str) -> None:
    assert (
        re.search(r"<head>\s*<meta http-equiv=\"Content-Security-Policy\" content=\"([^\"]*)\">", html)[1]
        == POLICY
    )


def test_nothing_runs_and_nothing_is_fetched(html: str) -> None:
    assert not re.search(
        r"<script|<iframe|<object|<embed|<link\b|<form|\son\w+\s*=|javascript:|@import", html
    )
    fetched = re.findall(r'(?:src|href)="([^"#]*)', html) + re.findall(r"url\(([^#)]+)\)", html)
    assert all(address == "" or address.startswith("data:text/csv") for address in fetched)


def test_a_reader_of_screens_finds_its_way(html: str) -> None:
    assert '<html lang="ru">' in html
    assert "<title>Канал</title>" in html
    assert html.count("<h1") == 1
    heads = re.findall(r'<h2 id="(\w+)h">', html)
    assert heads == ["s1", "s2", "s3", "method"]
    linked = re.findall(r'<nav class="aside".*?</nav>', html, re.S)[0]
    assert re.findall(r'href="#(\w+)"', linked) == heads
    assert all(
        re.search(r'<svg role="img" aria-label="[^"]{9,}"', svg)
        for svg in re.findall(r"<svg role[^>]*>", html)
    )
    assert html.count("<main") == html.count("</main>") == 1


def test_ids_are_unique(html: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_two_builds_of_the_same_run_give_the_same_bytes(html: str) -> None:
    assert page.build(notebook(), "ru") == html


def test_a_given_title_stands_in_place_of_the_verdict() -> None:
    assert "<h1>Свой &lt;заголовок&gt;</h1>" in page.build(notebook(), "ru", "Свой <заголовок>")


def test_a_notebook_without_pieces_is_refused() -> None:
    with pytest.raises(ValueError, match="shows nothing"):
        page.build(nbformat.v4.new_notebook(), "ru")


def test_hostile_text_stands_escaped_in_the_page() -> None:
    html = page.build(notebook(HOSTILE), "en")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def schemes() -> dict[str, dict[str, str]]:
    """Colours by name: light, dark, print; a later scheme only changes what it names."""
    blocks = re.findall(r":root \{([^}]*)\}", CSS)
    found = [dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block)) for block in blocks]
    return {"light": found[0], "dark": found[0] | found[1], "print": found[0] | found[2]}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(letter * 2 for letter in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_formula_knows_black_on_white() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize("back", ["bg", "plate"])
def test_every_text_colour_can_be_read(scheme: str, back: str) -> None:
    colours = schemes()[scheme]
    used = set(re.findall(r"(?<![\w-])color: var\(--(\w+)\)", CSS))
    assert used >= {"text", "muted", "link", "bad", "warn", "good"}
    poor = {
        name: contrast(colours[name], colours[back])
        for name in used
        if contrast(colours[name], colours[back]) < 4.5
    }
    assert poor == {}


def test_words_in_pictures_can_be_read_on_white() -> None:
    from detente.present import canvas

    assert all(contrast(colour, "#ffffff") >= 4.5 for colour in (canvas.INK, canvas.MUTED, canvas.WORD))


def test_paper_opens_folds_and_cuts_no_row() -> None:
    paper = CSS[CSS.index("@media print") :]
    assert "details::details-content { content-visibility: visible" in paper
    assert re.search(r"\btr,[^{]*\{ break-inside: avoid", paper)
    assert re.search(r"@page \{\s*size: A4", CSS)


# In a browser ------------------------------------------------------------------------------------------------


def browse(folder: Path, *options: str) -> str:
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=120)
    return done.stdout


def measured(folder: Path, html: str, width: int) -> dict[str, str]:
    """What a script added to a copy of the page without its policy finds at one window width."""
    script = """<script>addEventListener('load', () => {
        const root = document.documentElement, shown = node => node.offsetParent !== null;
        const small = [...document.querySelectorAll('nav a, summary, .download a')].filter(shown)
            .filter(node => node.getBoundingClientRect().height < 44).length;
        const figures = [...document.querySelectorAll('.plate > div')].filter(shown).map(node => node.className);
        root.dataset.over = root.scrollWidth - innerWidth;
        root.dataset.width = innerWidth;
        root.dataset.small = small;
        root.dataset.figures = figures.join(' ');
    })</script>"""
    copy = folder / "copy.html"
    copy.write_text(html.replace(POLICY, "").replace("</body>", script + "</body>"), encoding="utf-8")
    dom = browse(folder, f"--window-size={width},900", "--dump-dom", copy.as_uri())
    return dict(re.findall(r'data-(\w+)="([^"]*)"', dom[: dom.index(">", dom.index("<html"))]))


@in_browser
@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (390, "narrow")])
def test_no_page_is_wider_than_its_window(tmp_path: Path, width: int, shown: str) -> None:
    word = "Сверхдлинноеслово" * 12
    html = page.build(notebook(f"{LONG} {word}"), "ru")
    found = measured(tmp_path, html, width)
    assert int(found["width"]) <= max(width, 500)
    assert int(found["over"]) <= 0
    assert set(found["figures"].split()) == {shown}
    if width == 390:
        assert found["small"] == "0"


@in_browser
@pytest.mark.parametrize("policy", [True, False], ids=["as published", "without its policy"])
def test_hostile_data_runs_nothing(tmp_path: Path, policy: bool) -> None:
    html = page.build(notebook(HOSTILE), "en")
    path = tmp_path / "hostile.html"
    path.write_text(html if policy else html.replace(POLICY, ""), encoding="utf-8")
    dom = browse(tmp_path, "--window-size=1280,900", "--dump-dom", path.as_uri())
    assert "data-ran=" not in dom[: dom.index("<body")]
    assert not re.search(r'<img|<a href="javascript', dom)


@in_browser
def test_a_browser_without_our_policy_would_have_run_it(tmp_path: Path) -> None:
    path = tmp_path / "bare.html"
    path.write_text(f"<html><body>{HOSTILE}</body></html>", encoding="utf-8")
    assert 'data-ran="' in browse(tmp_path, "--dump-dom", path.as_uri())


@in_browser
def test_the_printed_page_is_a4_and_shows_what_was_folded(tmp_path: Path) -> None:
    path, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    path.write_text(page.build(notebook(), "ru"), encoding="utf-8")
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", path.as_uri())
    sizes = re.findall(rb"/MediaBox ?\[ ?0 0 ([\d.]+) ([\d.]+)", pdf.read_bytes())
    assert sizes
    assert all((round(float(w)), round(float(h))) == (595, 842) for w, h in sizes)
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", str(pdf), "-"], capture_output=True, encoding="utf-8", check=True
        ).stdout
        assert "method" in text
        assert re.search(rf"\b1 ?/ ?{len(sizes)}\b", text)
        assert "Содержание" not in text
