"""An executed notebook -> the page a CEO reads: one file, no code, no script, nothing loaded from elsewhere.

Only page pieces reach the page: prompts, prints, warnings, tracebacks and bare values have no way in. Pieces
come as finished, escaped HTML from `detente.present`; this module orders and numbers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from detente.present import drawing
from detente.present.wording import Words
from detente.run.jupyter import PIECE, lighten

LABELS = ("contents", "skip", "method", "definitions")


def build(notebook: Any, language: str, title: str | None = None) -> str:
    """The page of one executed notebook.

    notebook : an nbformat node whose outputs carry page pieces {slot, heading, html}.
    title : the heading of the page; the verdict's headline where not given.
    Raises ValueError where there is no piece at all: an empty page is never published.
    """
    pieces = list(_pieces(notebook))
    if not pieces:
        raise ValueError("the notebook shows nothing that a page could hold; was it run with `output` set?")
    page = _ordered(pieces)
    page["title"] = title or page["title"] or notebook.metadata.get("title", "")
    words = Words(language)  # type: ignore[arg-type]
    page |= {name: words.t(f"page.{name}") for name in LABELS}
    return _render(page | {"language": language, "css": _text("page.css")})


def _pieces(notebook: Any) -> Iterator[dict[str, str]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if found := output.get("data", {}).get(PIECE):
                yield found


def _ordered(pieces: list[dict[str, str]]) -> dict[str, Any]:
    """The parts of a page in reading order, wherever the notebook showed them."""
    slots: dict[str, list[dict[str, str]]] = {}
    for piece in pieces:
        slots.setdefault(piece["slot"], []).append(piece)
    verdicts = slots.get("verdict", [])
    sections = [*slots.get("section", []), *slots.get("quality", [])]
    return {
        "title": next((piece["heading"] for piece in verdicts), ""),
        "verdict": _joined(verdicts[:1]),
        "tiles": _joined(slots.get("tiles", [])),
        "sections": [{"id": f"s{n}", "number": n, **piece} for n, piece in enumerate(sections, start=1)],
        "folded": _joined(slots.get("method", [])),
    }


def _joined(pieces: list[dict[str, str]]) -> str:
    return "".join(piece["html"] for piece in pieces)


def _text(name: str) -> str:
    return resources.files("detente.run").joinpath("template", name).read_text(encoding="utf-8")


@cache
def _exporter() -> Any:
    lighten()
    from jinja2 import DictLoader
    from nbconvert.exporters import TemplateExporter

    templates = DictLoader({"report.html.j2": _text("report.html.j2")})
    return TemplateExporter(extra_loaders=[templates], template_file="report.html.j2")


def _render(page: dict[str, Any]) -> str:
    import nbformat

    html, _ = _exporter().from_notebook_node(nbformat.v4.new_notebook(), resources={"page": page})
    letters, html = drawing.shared(html)
    return html.replace("</body>", f"{letters}\n</body>", 1)
