"""Results -> pieces of a page: figures, tables, tiles, findings. Everything that comes from data is escaped here."""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from detente.present import charts, downloads, drawing
from detente.present.findings import Finding
from detente.present.wording import Words

ROWS = 60  # a page shows no more rows than this; the download holds them all
Kind = Literal[
    "text", "count", "number", "percent", "share", "percent_range", "points", "money", "money_range", "date", "month"
]


def escape(value: object) -> str:
    """The one way for a value to enter HTML. Control and direction marks, which can disguise text, are dropped."""
    text = re.sub("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", "", str(value))
    return html.escape(text, quote=True)


@dataclass(frozen=True)
class Column:
    """One column of a table: where its values stand, its heading, and how they are written."""

    key: str
    heading: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """A finished table. bold: a mask of the rows that the finding names."""

    name: str
    frame: pd.DataFrame
    columns: list[Column]
    caption: str
    bold: pd.Series | None = None


@dataclass(frozen=True)
class Figure:
    """A finished table with the function that draws it."""

    draw: charts.Draw
    frame: pd.DataFrame
    title: str
    caption: str = ""

    def alt(self, words: Words) -> str:
        """The title and every drawn value."""
        return f"{self.title}. " + "; ".join(charts.values_of(self.draw, self.frame, words)) + "."


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
        return "—" if value is None or (isinstance(value, float) and pd.isna(value)) else str(value)
    return getattr(words, kind)(value)


def table(spec: Table, words: Words) -> str:
    """A table with its caption outside the scroller and the whole of it as a CSV to download."""
    shown = spec.frame.head(ROWS)
    heads = "".join(
        f'<th scope="col"{"" if item.kind == "text" else " class=n"}>{escape(item.heading)}</th>' for item in spec.columns
    )
    bold = [False] * len(shown) if spec.bold is None else spec.bold.head(ROWS).tolist()
    rows = [_row(row, spec.columns, words, strong) for row, strong in zip(_records(shown), bold, strict=True)]
    note = ""
    if len(spec.frame) > ROWS:
        note = f'<p class="note">{escape(words.t("table.capped", shown=ROWS, all=len(spec.frame)))}</p>'
    link = downloads.link(spec, words)
    return (
        f'<figure class="table"><figcaption>{escape(spec.caption)}</figcaption><div class="scroll" tabindex="0" '
        f'role="region" aria-label="{escape(spec.caption)}"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}{link}</figure>"
    )


def _records(frame: pd.DataFrame) -> list[dict]:
    return frame.reset_index(drop=True).to_dict("records")


def _row(row: dict, columns: list[Column], words: Words, strong: bool) -> str:
    cells = []
    for place, item in enumerate(columns):
        text = escape(cell(row[item.key], item.kind, words))
        tag = 'th scope="row"' if place == 0 else "td" if item.kind == "text" else "td class=n"
        cells.append(f"<{tag}>{text}</{tag.split()[0]}>")
    return f"<tr{' class=strong' if strong else ''}>{''.join(cells)}</tr>"


def simple_table(spec: Table, words: Words, rows: int = 15) -> str:
    """The first rows as bare HTML, for a notebook on a forge."""
    heads = "".join(f"<th>{escape(item.heading)}</th>" for item in spec.columns)
    body = [
        "<tr>" + "".join(f"<td>{escape(cell(row[c.key], c.kind, words))}</td>" for c in spec.columns) + "</tr>"
        for row in _records(spec.frame.head(rows))
    ]
    return f"<table><caption>{escape(spec.caption)}</caption><tr>{heads}</tr>{''.join(body)}</table>"


def figure(spec: Figure, words: Words, name: str) -> str:
    """The picture twice, for a desk and for a phone; CSS shows one. `name` keeps the ids of a page apart."""
    alt = escape(spec.alt(words))
    canvases = {side: charts.draw(spec.draw, spec.frame, words, side == "narrow") for side in ("wide", "narrow")}
    pictures = "".join(
        f'<div class="{side}">{drawing.svg(canvas, f"{name}{side[0]}-", alt)}</div>' for side, canvas in canvases.items()
    )
    caption = f"<figcaption>{escape(spec.caption)}</figcaption>" if spec.caption else ""
    return f'<figure class="chart"><p class="title">{escape(spec.title)}</p><div class="plate">{pictures}</div>{caption}</figure>'


def png(spec: Figure, words: Words) -> bytes:
    """A small picture for the notebook itself."""
    return drawing.png(charts.draw(spec.draw, spec.frame, words))


def tiles(items: list[Tile], words: Words) -> Piece:
    """Headline numbers in a row."""
    page, plain = [], []
    for item in items:
        lines = "".join(
            f'<p class="{kind}">{escape(text)}</p>'
            for kind, text in (("interval", item.interval), ("base", item.base), ("change", item.change))
            if text
        )
        page.append(f'<li><p class="label">{escape(item.label)}</p><p class="value">{escape(item.value)}</p>{lines}</li>')
        plain.append(" · ".join(part for part in (item.label, item.value, item.interval, item.base, item.change) if part))
    body = f'<ul class="tiles" aria-label="{escape(words.t("page.tiles"))}">{"".join(page)}</ul>'
    simple = "".join(f"<p>{escape(line)}</p>" for line in plain)
    return Piece("tiles", body, simple, "\n".join(plain))


def verdict(headline: str, points: list[str], tone: str, line: str = "") -> Piece:
    """The decision first, then what it rests on. line: client, period and build time, under the headline."""
    rows = "".join(f"<li>{escape(point)}</li>" for point in points)
    body = f'<p class="meta">{escape(line)}</p>' if line else ""
    body += f'<ol class="verdict {escape(tone)}">{rows}</ol>' if points else ""
    simple = f"<h3>{escape(headline)}</h3><ol>{rows}</ol>"
    return Piece("verdict", body, simple, "\n".join([headline, *points]), heading=headline)


def finding(item: Finding, words: Words) -> str:
    """The fact, and the question it leads to; what is missing is a card of its own."""
    if item.status == "not_available":
        return (
            f'<div class="card"><p><strong>{escape(item.headline)}.</strong> {escape(words.t("page.needed"))}: '
            f"{escape(item.fact)}. {escape(item.question)}</p></div>"
        )
    who = escape(words.t(f"page.ask_{item.ask}"))
    decides = escape(words.t("page.decides", decision=item.decision))
    ask = f'<p class="ask"><strong>{who}</strong> {escape(item.question)} <span>{decides}</span></p>'
    mark = f'<strong class="cannot">{escape(words.t("page.cannot_tell"))}</strong> ' if item.status == "cannot_tell" else ""
    return f'<p class="fact">{mark}{escape(item.fact)}</p>{ask}'


def digest(*parts: str) -> str:
    """A short stable name for ids."""
    return "f" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
