"""The published pages of the sample in a real browser: nothing runs, nothing sticks out sideways, paper is A4.

A page carries no script of its own; to measure it, a copy without its policy gets one that writes into the DOM.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

import published

CHROMIUM = next(
    filter(
        None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
    ),
    "",
)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]  # fmt: skip
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>', re.I)
PLANTED = "<script>alert('x')</script>"
# Takes the place of the window that would wait for a click.
WATCH = "<script>window.alert = () => document.documentElement.setAttribute('data-ran', 'yes')</script>"
MEASURE = """<script>addEventListener('load', () => {
  const root = document.documentElement
  const seen = name => [...document.querySelectorAll(name)].filter(x => x.offsetWidth).length
  const over = root.scrollWidth - innerWidth
  parent.postMessage([innerWidth, over, seen('.wide'), seen('.narrow'), seen('figure.chart')], '*')
})</script>"""
# A window is never narrower than 500 pixels; a frame is.
FRAMES = """<!doctype html><html><body><script>addEventListener('message', event => {
  const at = [...document.querySelectorAll('iframe')].findIndex(frame => frame.contentWindow === event.source)
  document.documentElement.setAttribute('data-' + at, event.data.join(' '))
})</script>%s</body></html>"""
RAN = "<script>document.documentElement.setAttribute('data-ran', 'yes')</script>"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browse(tmp_path_factory):
    """Open a page and return what Chromium prints; --dump-dom prints the page as it became."""
    profile = tmp_path_factory.mktemp("profile")

    def call(page: Path, *options: str) -> str:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=180)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return call


@pytest.fixture
def copy(tmp_path):
    """A page with a script put into its head: after its policy, or without the policy and watched from the start."""

    def write(page: Path, extra: str = "", *, policy: bool = False) -> Path:
        html = page.read_text(encoding="utf-8")
        assert POLICY.search(html), page.name
        html = html if policy else POLICY.sub("", html)
        place = html.index("</head>") if policy else html.index("<head>") + len("<head>")
        target = tmp_path / page.name
        extra = extra if policy else WATCH + extra
        target.write_text(html[:place] + extra + html[place:], encoding="utf-8")
        return target

    return write


def pages(run: Path) -> list[Path]:
    return sorted(run.glob("*.html"))


def root(dom: str) -> str:
    """The tag of the document, with what scripts wrote into it."""
    return re.search(r"<html[^>]*>", dom)[0]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["ru", "en"])
def test_no_page_is_wider_than_its_window(runs, browse, copy, language, width) -> None:
    copies = [copy(page, MEASURE) for page in pages(runs[language])]
    frames = "".join(
        f'<iframe src="{page.name}" width="{width}" height="900" frameborder="0"></iframe>' for page in copies
    )
    outer = copies[0].with_name("frames.htm")
    outer.write_text(FRAMES % frames, encoding="utf-8")
    found = dict(
        re.findall(r'data-(\d+)="([^"]*)"', root(browse(outer, "--dump-dom", "--virtual-time-budget=10000")))
    )
    assert len(found) == len(copies)
    for at, page in enumerate(copies):
        inner, over, wide, narrow, charts = map(int, found[str(at)].split())
        assert inner == width, page.name
        assert over <= 0, page.name
        assert (wide, narrow) == ((charts, 0) if width == 1280 else (0, charts)), page.name


def test_a_script_planted_in_the_data_is_text_even_without_the_policy(runs, browse, copy) -> None:
    shown = 0
    for page in pages(runs["ru"]):
        dom = browse(copy(page), "--dump-dom")
        assert "data-ran" not in root(dom), page.name
        assert len(re.findall(r"<script", dom)) == 1, page.name  # the one that watches
        shown += PLANTED in unescape(re.sub(r"<script.*?</script>", "", dom, flags=re.S))
    assert shown >= 1, "the sample plants a script in its names; no page shows it any more"


def test_the_policy_of_a_page_stops_a_script_that_got_in(runs, browse, copy) -> None:
    page = runs["ru"] / "index.html"
    assert "data-ran" not in root(browse(copy(page, RAN, policy=True), "--dump-dom"))
    assert "data-ran" in root(browse(copy(page, RAN), "--dump-dom"))  # without the policy it would have run


def test_a_printed_page_is_a4_with_text_that_can_be_read(runs, browse, tmp_path) -> None:
    if not (shutil.which("pdfinfo") and shutil.which("pdftotext")):
        pytest.skip("pdfinfo and pdftotext are not on this machine")
    page, paper = runs["ru"] / "03_non_target_share.html", tmp_path / "page.pdf"
    browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    facts = dict(line.split(":", 1) for line in _said("pdfinfo", paper).splitlines() if ":" in line)
    size = [float(part) for part in re.findall(r"\d+\.?\d*", facts["Page size"])[:2]]
    assert size == pytest.approx([595.28, 841.89], abs=1)
    assert 2 <= int(facts["Pages"]) <= 30
    text = re.sub(r"\s+", " ", _said("pdftotext", paper, "-"))
    for name in ("non_target_share", "criterion_top"):
        fact = published.findings(runs["ru"])[name]["fact"]
        assert re.sub(r"\s+", " ", fact)[:60] in text, name


def _said(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60).stdout
