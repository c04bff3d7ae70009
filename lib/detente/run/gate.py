"""The last look before publishing: no e-mail address and no phone number leaves in a page.

Names and contacts are hashed at intake; this catches what came in through a free text (a campaign, a reason,
a stage) that intake had no reason to suspect. The kind is reported, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*\.[^\W\d_]{2,}")
_GAP = r"[\s().-]{0,3}"  # \s takes the no-break spaces too
_PHONE = re.compile(
    rf"(?<![\w.,-])(?:\+\d{{1,3}}|[78]){_GAP}\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{2}}{_GAP}\d{{2}}(?![\d.,]*\d)(?!\s*[₽$€£%])"
)
_SPOKEN = ("alt", "title", "aria-label", "aria-description", "content", "href", "download")
_SILENT = ("style", "script")


class _Texts(HTMLParser):
    """Each text of a page by itself, so that numbers of two cells never join into one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in _SILENT
        self.texts += [value for name, value in attrs if name in _SPOKEN and value and value[:5] != "data:"]

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def personal(html: str) -> set[str]:
    """The kinds of personal data that a reader of the page would see: 'e-mail address', 'phone number'."""
    page = _Texts()
    page.feed(html)
    page.close()
    kinds = {"e-mail address": _EMAIL, "phone number": _PHONE}
    return {kind for kind, pattern in kinds.items() if any(pattern.search(text) for text in page.texts)}


def hits(folder: Path) -> Iterator[str]:
    """One message per page of a folder that holds personal data."""
    for path in sorted(folder.glob("*.html")):
        for kind in sorted(personal(path.read_text(encoding="utf-8"))):
            yield f"{path.name}: holds an {kind}" if kind[0] == "e" else f"{path.name}: holds a {kind}"
