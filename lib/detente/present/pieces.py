"""Results -> pieces of a page: figures, tables, tiles, findings. What comes from data is escaped here."""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pandas as pd

from detente.present import downloads, numbers
from detente.present.findings import Finding
from detente.present.numbers import FEW
from detente.present.wording import Words

if TYPE_CHECKING:
    from detente.present.charts import Draw

MANY = 7  # columns; more are set smaller on paper, so that the page is not shrunk to fit them
ROWS = 60  # a page shows no more rows than this; the download holds them all
Kind = Literal[
    "text",
    "count",
    "number",
    "percent",
    "share",
    "percent_range",
    "points",
    "money",
    "money_range",
    "times",
    "times_range",
    "months",
    "hours",
    "date",
    "month",
]


def escape(value: object) -> str:
    """The one way for a value to enter HTML. Control and direction marks are dropped, numbers kept whole."""
    text = re.sub("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", "", str(value))
    text = re.sub(r"(?<=\d) (?=\d{3}(?!\d)|[%₽€$])", numbers.NBSP, text)
    return html.escape(text, quote=True)


@dataclass(frozen=True)
class Column:
    """One column of a table: where its values stand, its heading, and how they are written."""

    key: str
    heading: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """A finished table. bold: a mask of the rows that the finding names; more: columns of the download alone.

    shown : rows on the page at most; the download holds them all.
    """

    name: str
    frame: pd.DataFrame
    columns: list[Column]
    caption: str
    bold: pd.Series | None = None
    more: list[Column] = field(default_factory=list)
    shown: int = ROWS


@dataclass(frozen=True)
class Figure:
    """A finished table with the function that draws it."""

    draw: Draw
    frame: pd.DataFrame
    title: str
    caption: str = ""

    def alt(self, words: Words) -> str:
        """The title and every drawn value."""
        from detente.present import spoken  # with charts and matplotlib: a page without pictures needs none

        return f"{self.title}. " + "; ".join(spoken.values_of(self.draw, self.frame, words)) + "."


@dataclass(frozen=True)
class Tile:
    """A headline number: label, value, its interval, its base, and the change since the last run."""

    label: str
    value: str
    interval: str = ""
    base: str = ""
    change: str = ""


@dataclass(frozen=True)
class Piece:
    """One output of a notebook: plain text and simple HTML for whoever opens it, page HTML for the report."""

    slot: Literal["verdict", "tiles", "section", "quality", "method"]
    page: str
    simple: str
    plain: str
    heading: str = ""
    png: bytes = b""


def cell(value: object, kind: Kind, words: Words) -> str:
    """One value as a reader writes it."""
    if kind == "share":
        return words.percent(value)
    if kind == "text":
        return numbers.NONE if numbers.undefined(value) else str(value)
    return getattr(words, kind)(value)


def table(spec: Table, words: Words) -> str:
    """A table with its caption outside the scroller and the whole of it as a CSV to download."""
    heads = "".join(_head(item, place == 0) for place, item in enumerate(spec.columns))
    bold = [False] * spec.shown if spec.bold is None else spec.bold.tolist()
    shown = _records(spec.frame.head(spec.shown))
    rows = "".join(_row(row, spec.columns, words, strong) for row, strong in zip(shown, bold, strict=False))
    note = ""
    if len(spec.frame) > spec.shown:
        note = f'<p class="note">{escape(words.t("table.capped", shown=spec.shown, all=len(spec.frame)))}</p>'
    caption = escape(spec.caption)
    look = "table many" if len(spec.columns) > MANY else "table"
    return (
        f'<figure class="{look}"><figcaption>{caption}</figcaption>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        f"{note}{downloads.link(spec, words)}</figure>"
    )


def _head(item: Column, first: bool) -> str:
    place = "" if first or item.kind == "text" else ' class="n"'
    return f'<th scope="col"{place}>{escape(item.heading)}</th>'


def _records(frame: pd.DataFrame) -> list[dict]:
    return frame.reset_index(drop=True).to_dict("records")


def _row(row: dict, columns: list[Column], words: Words, strong: bool) -> str:
    cells = []
    for place, item in enumerate(columns):
        tag = 'th scope="row"' if place == 0 else "td"
        look = "" if item.kind == "text" or place == 0 else ' class="n"'
        cells.append(f"<{tag}{look}>{_written(row, item, words)}</{tag.split()[0]}>")
    mark = ' class="strong"' if strong else ""
    return f"<tr{mark}>{''.join(cells)}</tr>"


def _written(row: dict, item: Column, words: Words) -> str:
    """A cell, escaped. A share of fewer than FEW known leads has no percent: its counts stand beside it."""
    if item.kind == "share" and row.get("known", FEW) < FEW:
        return numbers.NONE
    return escape(cell(row[item.key], item.kind, words))


def simple_table(spec: Table, words: Words, rows: int = 15) -> str:
    """The first rows as bare HTML, for a notebook on a forge."""
    heads = "".join(f"<th>{escape(item.heading)}</th>" for item in spec.columns)
    body = [
        "".join(f"<td>{_written(row, item, words)}</td>" for item in spec.columns)
        for row in _records(spec.frame.head(min(rows, spec.shown)))
    ]
    lines = "".join(f"<tr>{cells}</tr>" for cells in body)
    return f"<table><caption>{escape(spec.caption)}</caption><tr>{heads}</tr>{lines}</table>"


def figure(spec: Figure, words: Words, name: str) -> str:
    """The picture twice, for a desk and for a phone; CSS shows one. `name` keeps the ids of a page apart."""
    from detente.present import charts, drawing

    alt = escape(spec.alt(words))
    pictures = ""
    for side in ("wide", "narrow"):
        canvas = charts.draw(spec.draw, spec.frame, words, side == "narrow")
        pictures += f'<div class="{side}">{drawing.svg(canvas, f"{name}{side[0]}-", alt)}</div>'
    title = f'<p class="title">{escape(spec.title)}</p>'
    caption = f"<figcaption>{escape(spec.caption)}</figcaption>" if spec.caption else ""
    return f'<figure class="chart">{title}<div class="plate">{pictures}</div>{caption}</figure>'


def png(spec: Figure, words: Words) -> bytes:
    """A small picture for the notebook itself."""
    from detente.present import charts, drawing

    return drawing.png(charts.draw(spec.draw, spec.frame, words))


def tiles(items: list[Tile], words: Words) -> Piece:
    """Headline numbers in a row."""
    body = f'<ul class="tiles" aria-label="{escape(words.t("page.tiles"))}">{"".join(map(_tile, items))}</ul>'
    plain = [" · ".join(filter(None, (x.label, x.value, x.interval, x.base, x.change))) for x in items]
    simple = "".join(f"<p>{escape(line)}</p>" for line in plain)
    return Piece("tiles", body, simple, "\n".join(plain))


def _tile(item: Tile) -> str:
    kinds = (("interval", item.interval), ("base", item.base), ("change", item.change))
    lines = "".join(f'<p class="{kind}">{escape(text)}</p>' for kind, text in kinds if text)
    label, value = escape(item.label), escape(item.value)
    return f'<li><p class="label">{label}</p><p class="value">{value}</p><div>{lines}</div></li>'


def verdict(headline: str, points: list[str], tone: str, words: Words, line: str = "") -> Piece:
    """The decision first, then what it rests on. line: client, period and build time, under the headline.

    tone : "good", "warn", "bad" or "plain"; said in a word too, never by colour alone.
    """
    rows = "".join(f"<li>{escape(point)}</li>" for point in points)
    body = f'<p class="meta">{escape(line)}</p>' if line else ""
    said = f'<p class="tone">{escape(words.t(f"page.tone_{tone}"))}</p>' if tone != "plain" else ""
    if points or said:
        body += f'<div class="verdict {escape(tone)}">{said}<ol>{rows}</ol></div>'
    simple = f"<h3>{escape(headline)}</h3><ol>{rows}</ol>"
    return Piece("verdict", body, simple, "\n".join([headline, *points]), heading=headline)


def finding(item: Finding, words: Words) -> str:
    """The fact, and the question it leads to; what is missing is a card of its own, under its heading."""
    if item.status == "not_available":
        needed = escape(words.t("page.needed"))
        how = f"<p>{escape(item.question)}</p>" if item.question else ""
        return f'<div class="card"><p><strong>{needed}:</strong> {escape(item.fact)}</p>{how}</div>'
    who = escape(words.t(f"page.ask_{item.ask}"))
    decides = escape(words.t("page.decides", decision=item.decision))
    ask = f'<p class="ask"><strong>{who}</strong> {escape(item.question)} <span>{decides}</span></p>'
    ask = ask if item.question else ""  # nothing to ask where nothing is amiss
    mark = ""
    if item.status == "cannot_tell":
        mark = f'<strong class="cannot">{escape(words.t("page.cannot_tell"))}</strong> '
    return f'<p class="fact">{mark}{escape(item.fact)}</p>{ask}'


@dataclass(frozen=True)
class Ask:
    """One question of a meeting, the number it rests on, and the decision it serves."""

    question: str
    base: str
    decision: str


def asks(items: list[Ask]) -> str:
    """Questions one below another: a list is read on a phone, a table is not."""
    rows = "".join(
        f'<li><p>{escape(item.question)}</p><p class="note">{escape(item.base)}</p>'
        f'<p class="note">{escape(item.decision)}</p></li>'
        for item in items
    )
    return f'<ol class="asks">{rows}</ol>' if rows else ""


def links(pages: dict[str, str]) -> str:
    """Ways to the other pages of the same run."""
    rows = "".join(f'<li><a href="{escape(page)}">{escape(text)}</a></li>' for page, text in pages.items())
    return f'<ul class="pages">{rows}</ul>' if rows else ""


def digest(*parts: str) -> str:
    """A short stable name for ids."""
    return "f" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
