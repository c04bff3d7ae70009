"""A drawn canvas -> inline SVG or a small PNG: the same bytes in every build, and small enough for one page.

Text is drawn as outlines, so that a picture looks the same on every machine. The outline of a letter is the
same in all pictures; `shared` keeps one copy of each for a page.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `shared` serves processes that draw nothing
    from matplotlib.figure import Figure as Canvas

GLYPH = re.compile(r'<path id="(DejaVu[\w-]+)"([^>]*)/>\s*')


def svg(canvas: Canvas, name: str, alt: str) -> str:
    """One inline SVG: no date, no comment, no fixed size. name: keeps ids apart; alt: already escaped."""
    from detente.present.canvas import style

    file = io.StringIO()
    with style():
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = file.getvalue()
    head, body = re.match(r"<svg([^>]*)>(.*)</svg>", text[text.index("<svg") :], re.S).groups()
    box = re.search(r'viewBox="[^"]*"', head).group()
    attributes = f'role="img" aria-label="{alt}" {box} stroke-linejoin="round" stroke-linecap="butt"'
    return f"<svg {attributes}>{_lean(_named(body, name))}</svg>"


def _named(body: str, name: str) -> str:
    """Drop ids that nothing points to; prefix the others, save those of letters, which are shared."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))

    def own(match: re.Match) -> str:
        ident = match[1]
        return "" if ident not in used else f' id="{ident if ident.startswith("DejaVu") else name + ident}"'

    body = re.sub(r' id="([^"]*)"', own, body)
    return re.sub(r'(href="#|url\(#)(?!DejaVu)', rf"\g<1>{name}", body).replace("xlink:href", "href")


def _lean(body: str) -> str:
    """Without comments, metadata, the style that would reach the whole page, and digits that nobody sees."""
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.S)
    body = re.sub(r"(scale\([^)]*\))|(\d\.\d\d)\d+", lambda found: found[1] or found[2], body)
    body = re.sub(r"\s*\n\s*", " ", body)
    body = re.sub(r">\s+<", "><", body)
    while (thinner := re.sub(r"<(g|defs)></\1>", "", body)) != body:
        body = thinner
    return re.sub(r' d="([^"]*)"', lambda found: f' d="{_path(found[1])}"', body).strip()


def _path(steps: str) -> str:
    return re.sub(r"\s*([MLQCZz])\s*", r"\1", steps).strip()


def png(canvas: Canvas, dpi: int = 80) -> bytes:
    """A small picture for the notebook itself."""
    from detente.present.canvas import style

    file = io.BytesIO()
    with style():
        look = {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}}
        canvas.savefig(file, format="png", dpi=dpi, **look)
    return file.getvalue()


def shared(html: str) -> tuple[str, str]:
    """(outlines, html): one copy of each letter as an SVG of its own, and the page without them."""
    letters = dict(GLYPH.findall(html))
    if not letters:
        return "", html
    outlines = "".join(f'<path id="{name}"{rest}/>' for name, rest in sorted(letters.items()))
    attributes = 'width="0" height="0" class="letters" aria-hidden="true" focusable="false"'
    return f"<svg {attributes}><defs>{outlines}</defs></svg>", GLYPH.sub("", html)
