"""The page of one notebook: what its cells show, in the order in which they show it, and what they found."""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from IPython.display import display

from detente.present import downloads, findings, pieces
from detente.present.findings import Finding
from detente.present.pieces import Ask, Figure, Piece, Table, Tile, escape
from detente.present.wording import Words
from detente.schema import LossLog

MIME = "application/vnd.detente.piece+json"
VERSIONS = ("detente", "duckdb", "ibis-framework", "pandas", "scipy", "statsmodels", "matplotlib")


METHOD = {  # what a page explains at its end
    "leads": ("share", "interval", "unknown", "named", "shrunk", "privacy"),
    "money": ("purchase", "money", "margin", "cac", "interval", "named", "privacy"),
}


@dataclass(frozen=True)
class View:
    """One question answered: the finding with its picture and tables; or, for the head of the page, its points."""

    heading: str = ""
    finding: Finding | None = None
    figure: Figure | None = None
    table: Table | None = None
    tables: list[Table] = field(default_factory=list)
    note: str = ""
    asks: list[Ask] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)  # page of the same run -> what it answers
    points: list[str] = field(default_factory=list)
    tone: str = "plain"


class Report:
    """One notebook's page. With `output` the cells also carry page pieces, and findings and tables are written.

    tables : what `intake.load` returned. loss : its log. today : the day to hold the data's age against.
    """

    def __init__(
        self,
        notebook: str,
        tables,
        loss: LossLog,
        language: str,
        output: str = "",
        today: dt.date | None = None,
    ):
        self.notebook, self.tables, self.loss = notebook, tables, loss
        self.audit = tables.audit
        self.words = Words(language or self.audit.language, self.audit.currency)
        self.level = self.audit.thresholds.level
        self.output = Path(output) if output else None
        self.findings: list[Finding] = []
        self._today = today or (dt.datetime.now(ZoneInfo(self.audit.timezone)).date() if output else None)

    def verdict(self, view: View) -> None:
        """What stands at the top of the page, wherever the notebook says it. Stale data gives way to a warning."""
        # An audit that states its day is a snapshot by intent; only a running export can go stale unnoticed.
        running = self._today and self.audit.as_of is None
        age = (self._today - self.tables.as_of).days if running else 0
        if age > self.audit.thresholds.stale_days:
            stale = self.words.t("page.stale", days=age, day=self.tables.as_of)
            view = View(stale, points=[view.heading, *view.points], tone="bad")
        line = self._line() if self.output else ""
        self._show(pieces.verdict(view.heading, view.points, view.tone, self.words, line))

    def _line(self) -> str:
        """Client, the period of the data, and when the page was built: two different times."""
        zone = ZoneInfo(self.audit.timezone)
        now = dt.datetime.now(zone)
        built = f"{self.words.date(now.date())} {now:%H:%M} (UTC{now.strftime('%z')[:3]})"
        data = self.words.t("page.data_line", since=self.tables.since, until=self.tables.until)
        return " · ".join([self.audit.client, data, self.words.t("page.built_line", built=built)])

    def tiles(self, items: list[Tile]) -> None:
        """Headline numbers below the verdict."""
        self._show(pieces.tiles(items, self.words))

    def show(self, view: View, *more: Table) -> None:
        """One section: the finding as heading, its sentence and question, the picture, the tables.

        A view without a heading and a finding is no section: what it would be about is not there at all.
        """
        words, item = self.words, view.finding
        if item is None and not view.heading:
            return
        if item is not None:
            self.findings.append(item)
        heading = view.heading or (item.headline if item else "")
        text = pieces.finding(item, words) if item else ""
        note = f'<p class="note">{escape(view.note)}</p>' if view.note else ""
        tables = [spec for spec in (view.table, *view.tables, *more) if spec is not None]
        figure = view.figure if view.figure and len(view.figure.frame) else None
        text += pieces.asks(view.asks)
        page = text + pieces.links(view.links)
        if self.output:
            name = pieces.digest(self.notebook, heading, str(len(self.findings)))
            page += pieces.figure(figure, words, name) if figure else ""
            page += note + "".join(pieces.table(spec, words) for spec in tables)
            self._write(tables)
        simple = f"<h3>{escape(heading)}</h3>{text}{note}" + "".join(
            pieces.simple_table(t, words) for t in tables
        )
        asked = [ask.question for ask in view.asks]
        lines = [heading, item.fact if item else "", item.question if item else "", *asked]
        plain = "\n".join(line for line in lines if line)
        self._show(Piece("section", page, simple, plain, heading))
        if figure:
            picture = pieces.png(figure, words)
            display({"image/png": picture, "text/plain": figure.alt(words)}, raw=True)

    def attach(self, table: Table | None) -> None:
        """Rows for whoever clears something up: a file of the run, `file_of(table.name)`, and nothing on the page."""
        if self.output and table is not None:
            self._write([table])

    def file_of(self, name: str) -> str:
        """Where a table of this notebook lies in the folder of the run."""
        return f"tables/{self.notebook}_{name}.csv"

    def _write(self, tables: list[Table]) -> None:
        (self.output / "tables").mkdir(parents=True, exist_ok=True)
        for spec in tables:
            (self.output / self.file_of(spec.name)).write_bytes(downloads.csv_bytes(spec, self.words))

    def close(self, topic: str = "leads") -> None:
        """Whether the numbers can be trusted, how they were computed; and the findings, written.

        topic : of which definitions and thresholds the reader is told, "leads" or "money".
        """
        self._show(self._quality())
        if self.output:
            self._show(self._method(topic))
            self.output.mkdir(parents=True, exist_ok=True)
            findings.write(self.findings, self.output / f"{self.notebook}.json")

    def _show(self, piece: Piece) -> None:
        bundle = {"text/plain": piece.plain, "text/html": piece.simple}
        if self.output:
            bundle[MIME] = {"slot": piece.slot, "heading": piece.heading, "html": piece.page}
        display(bundle, raw=True)

    def _quality(self) -> Piece:
        words, loss = self.words, self.loss.frame()
        lines = [
            words.t("page.period", since=self.tables.since, until=self.tables.until, as_of=self.tables.as_of),
            words.t(
                "page.rows", read=int(loss["read"].sum()), kept=int(loss["kept"].sum()),
                quarantined=int(loss["quarantined"].sum()), dropped=int(loss["dropped"].sum()),
            ),
        ]  # fmt: skip
        if len(loss) > 1:
            lines += [self._file(row) for row in loss.to_dict("records")]
        lines.append(words.t("page.left_out", **self._left_out()))
        thin = [item.headline for item in self.findings if item.status != "ok"]
        if thin:
            lines.append(words.t("page.cannot", items="; ".join(thin)))
        rows = "".join(f"<li>{escape(line)}</li>" for line in lines)
        heading = words.t("page.trust")
        body = f'<ul class="trust">{rows}</ul>'
        return Piece(
            "quality", body, f"<h3>{escape(heading)}</h3>{body}", "\n".join([heading, *lines]), heading
        )

    def _file(self, row: dict) -> str:
        lost = int(row["quarantined"] + row["dropped"])
        return self.words.t("page.file", file=row["file"], read=row["read"], kept=row["kept"], lost=lost)

    def _left_out(self) -> dict[str, int]:
        """Rows that are in the tables but not counted as leads, as the log of intake marks them."""
        rows = self.loss.reasons().groupby("reason")["rows"].sum()
        return {"tests": int(rows.get("test_lead", 0)), "repeats": int(rows.get("duplicate", 0))}

    def _method(self, topic: str) -> Piece:
        words, limits = self.words, self.audit.thresholds
        facts = [words.t(f"method.{key}") for key in METHOD[topic]]
        name = "method.limits_money" if topic == "money" else "method.limits"
        facts.append(words.t(name, **limits.model_dump()))
        versions = ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS)
        facts.append(words.t("method.run", client=self.audit.client, audit=self.audit.sha256()[:12]))
        facts.append(words.t("method.versions", python=platform.python_version(), versions=versions))
        rows = "".join(f"<li>{escape(line)}</li>" for line in facts)
        return Piece("method", f"<ul>{rows}</ul>", "", "", words.t("page.method"))

    def fields(self) -> list[str]:
        """The journeys' columns behind the criteria and labels of the audit."""
        return [f"attr_{item.id}" for item in self.audit.criteria] + [
            f"label_{item.id}" for item in self.audit.labels
        ]

    def ripe(self, months: pd.DataFrame) -> pd.DataFrame:
        """Months (index YYYY-MM) with a column ripe: every lead of the month is at least `ripe_days` old."""
        last = self.tables.as_of - dt.timedelta(days=self.audit.thresholds.ripe_days)
        ends = [
            pd.Period(name, "M").end_time.date() if isinstance(name, str) else dt.date.max
            for name in months.index
        ]
        return months.assign(ripe=pd.Series([end <= last for end in ends], months.index, dtype=bool))

    def criterion(self, ident: str) -> str:
        """A criterion in the words of the audit."""
        return next(getattr(item, self.words.language) for item in self.audit.criteria if item.id == ident)

    def label(self, ident: str) -> str:
        """A label, or the criteria, in the words of the audit."""
        if ident == "criteria":
            return self.words.t("common.criteria")
        return next(getattr(item, self.words.language) for item in self.audit.labels if item.id == ident)

    def column(self, name: str) -> str:
        """A canonical column, or the field of a criterion or label, in words."""
        for prefix, known in (("attr_", self.criterion), ("label_", self.label)):
            if name.startswith(prefix):
                return known(name.removeprefix(prefix))
        return self.words.t(f"column.{name}")
