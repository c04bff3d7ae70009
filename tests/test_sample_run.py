"""The sample audit, run by the command in both languages: what a CEO would open, checked through its HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import published

ROOT = Path(__file__).resolve().parents[1]
AUDIT = ROOT / "data" / "sample" / "audit.yml"
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
NUMBERS = {"id", "notebook", "value", "unit", "low", "high", "level", "n", "ask", "status"}
WORDS = {"headline", "fact", "question", "decision"}

pytestmark = pytest.mark.skipif(
    not (AUDIT.is_file() and NOTEBOOKS), reason="the sample audit or the notebooks are not here yet"
)


class Page(HTMLParser):
    """Tags with their attributes, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.texts.append(data)

    def values(self, *names: str) -> list[str]:
        return [value for _, attributes in self.tags for name, value in attributes.items() if name in names]


@pytest.fixture(scope="session")
def pages(runs: dict[str, Path]) -> dict[tuple[str, str], str]:
    """(language, file name) -> HTML."""
    return {
        (language, path.name): path.read_text(encoding="utf-8")
        for language, run in runs.items()
        for path in sorted(run.glob("*.html"))
    }


def findings(run: Path) -> list[dict[str, Any]]:
    return json.loads((run / "findings.json").read_text(encoding="utf-8"))


def test_there_is_a_page_and_an_executed_notebook_for_each_notebook(runs: dict[str, Path]) -> None:
    wanted = {"index.html" if name == "00_summary" else f"{name}.html" for name in NOTEBOOKS} | {"index.html"}
    for run in runs.values():
        assert {path.name for path in run.glob("*.html")} == wanted
        assert sorted(path.stem for path in (run / "notebooks").iterdir()) == NOTEBOOKS
        assert {"findings.json", "manifest.json"} <= {path.name for path in run.iterdir()}


def test_latest_leads_to_the_last_run(runs: dict[str, Path]) -> None:
    latest = runs["en"].parent / "latest.html"
    assert f"url={runs['en'].name}/index.html" in latest.read_text(encoding="utf-8")


def test_findings_have_the_same_ids_and_numbers_in_both_languages(runs: dict[str, Path]) -> None:
    bare = {
        language: [{name: item[name] for name in NUMBERS} for item in findings(run)]
        for language, run in runs.items()
    }
    assert bare["ru"] == bare["en"]
    assert len(bare["ru"]) >= len([name for name in NOTEBOOKS if name != "00_summary"])


def test_every_finding_has_the_fields_and_the_values_of_the_contract(runs: dict[str, Path]) -> None:
    for item in findings(runs["ru"]) + findings(runs["en"]):
        assert set(item) == NUMBERS | WORDS, item["id"]
        assert item["status"] in {"ok", "cannot_tell", "not_available"}, item["id"]
        assert item["ask"] in {"ceo", "marketing", "sales", "product", "data"}, item["id"]
        assert item["unit"] in {
            "share",
            "percent",
            "times",
            "money",
            "count",
            "days",
            "months",
            "points",
            "",
        }, item["id"]
        assert item["fact"].strip(), item["id"]
        if item["low"] is not None and item["value"] is not None:
            assert item["low"] <= item["value"] <= item["high"], item["id"]


def test_facts_are_told_in_the_language_of_the_report(runs: dict[str, Path]) -> None:
    for ru, en in zip(findings(runs["ru"]), findings(runs["en"]), strict=True):
        assert re.search("[а-яё]", ru["fact"]), ru["id"]
        assert len(re.findall("[а-яё]", en["fact"])) < len(re.findall("[a-z]", en["fact"])), en["id"]


def test_pages_fetch_nothing_and_run_nothing(pages: dict[tuple[str, str], str]) -> None:
    for name, html in pages.items():
        page = Page(html)
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "iframe", "object", "embed", "link", "base", "form"}, name
        assert not [
            attribute for _, found in page.tags for attribute in found if attribute.startswith("on")
        ], name
        outward = [
            value
            for value in page.values("src", "href", "xlink:href", "srcset")
            if re.match(r"(https?:)?//", value)
        ]
        assert outward == [], name
        assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", html), name


def test_the_policy_stands_in_the_head_of_every_page(pages: dict[tuple[str, str], str]) -> None:
    for name, html in pages.items():
        policies = [
            found["content"]
            for tag, found in Page(html).tags
            if tag == "meta" and found.get("http-equiv", "").lower() == "content-security-policy"
        ]
        assert len(policies) == 1, name
        assert "default-src 'none'" in policies[0], name
        assert "script-src" not in policies[0], name


def test_pages_state_their_language_title_and_width(pages: dict[tuple[str, str], str]) -> None:
    for (language, name), html in pages.items():
        page = Page(html)
        assert dict(page.tags)["html"].get("lang") == language, name
        assert re.search(r"<title>[^<]+</title>", html), name
        assert any(found.get("name") == "viewport" for tag, found in page.tags if tag == "meta"), name


def test_pages_show_no_code_no_error_and_no_hole(pages: dict[tuple[str, str], str]) -> None:
    for name, html in pages.items():
        text = "\n".join(Page(html).texts)
        assert not re.search(r"Traceback|In \[|Out\[|import detente|Warning:", text), name
        hole = published.HOLE.search(text)
        assert hole is None, (name, text[max(0, hole.start() - 60) : hole.end() + 60])
        assert not re.search(r"\{[a-z_]+(:[a-z_|]+)?\}", text), name


def test_every_picture_is_told_in_words(pages: dict[tuple[str, str], str]) -> None:
    for name, html in pages.items():
        silent = [
            found for tag, found in Page(html).tags if tag == "img" and not found.get("alt", "").strip()
        ]
        assert not silent, name


def test_every_link_leads_to_a_file_or_a_place_that_exists(
    runs: dict[str, Path], pages: dict[tuple[str, str], str]
) -> None:
    for (language, name), html in pages.items():
        page = Page(html)
        places = set(page.values("id"))
        for target in page.values("href"):
            file, _, place = target.partition("#")
            if target.startswith(("data:", "mailto:")) or (not file and place in places):
                continue
            assert (runs[language] / file).is_file(), (name, target)


def test_no_row_of_the_sample_went_missing(runs: dict[str, Path]) -> None:
    for run in runs.values():
        for source in json.loads((run / "manifest.json").read_text(encoding="utf-8"))["inputs"]:
            assert source["read"] == source["kept"] + source["quarantined"] + source["dropped"] > 0, source[
                "file"
            ]


def test_executed_notebooks_hold_no_path_of_this_machine(runs: dict[str, Path]) -> None:
    for run in runs.values():
        for path in (run / "notebooks").iterdir():
            assert str(run.parent) not in path.read_text(encoding="utf-8"), path.name


def test_tables_are_published_beside_the_pages(runs: dict[str, Path]) -> None:
    names = {
        language: sorted(path.name for path in (run / "tables").iterdir()) for language, run in runs.items()
    }
    assert names["ru"] == names["en"]
    assert names["ru"]
