"""audit.yml as typed models: what a consultant states about one company, and nothing that can be guessed.

`Audit.read(path)` raises `AuditError` (exit code 2) with one line per mistake: the file, the line, the key,
what is wrong and what to write instead. Criteria are data (column, operator, value); nothing in the file is
evaluated. docs/audit.example.yml shows every key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from detente import stated
from detente.stated import AuditError, Day, Listed, Part, Text, Texts, once
from detente.terms import Alerts, Economics, Expenses, Experiment, Thresholds

Who = Literal["marketing", "sales", "product", "price", "client", "data"]
Operator = Literal["in", "not_in", "at_least", "at_most", "between", "contains", "valid_phone"]


class Source(Part):
    """One export: where it lies, and what cannot be read off it."""

    file: Texts = Field(min_length=1)
    sheet: str | None = None
    profile: str = "auto"
    columns: dict[str, Texts] = {}  # canonical name -> heading, or headings in order of trust
    encoding: str | None = None
    separator: str | None = None
    header_row: int | None = Field(None, ge=1)
    date_format: str | None = None
    date_formats: dict[str, str] = {}  # the same per canonical column
    decimal: Literal["comma", "point"] | None = None
    unit: Literal["units", "kopecks", "micros"] | None = None
    currency: str | None = None
    vat: Literal["included", "excluded", "unknown"] = "unknown"
    channel: Text | None = None  # spend only: the channel of the whole file
    stage: Text | None = None  # deals only: the stage of every row, for an export of closed deals alone
    nulls: Texts = []
    product_rows: Literal["sum", "repeat"] | None = None


Sources = Annotated[list[Source], Listed]


class SourceSet(Part):
    deals: Source
    leads: Source | None = None
    stages: Source | None = None
    spend: Sources = []
    payments: Sources = []
    invoices: Sources = []
    costs: Sources = []
    calls: Source | None = None
    tasks: Source | None = None
    plan: Source | None = None

    def items(self) -> Iterator[tuple[str, Source]]:
        """Each stated source as (table name, source), deals first."""
        for location, source in self.places():
            yield str(location[1]), source

    def places(self) -> Iterator[tuple[tuple[str | int, ...], Source]]:
        """Each stated source as (its location in audit.yml, source), deals first."""
        for name in type(self).model_fields:
            found = getattr(self, name)
            for order, source in enumerate(found if isinstance(found, list) else [found]):
                if source is not None:
                    yield ("sources", name, *([order] if isinstance(found, list) else [])), source


class Stage(Part):
    name: Text
    aliases: Texts = []
    qualified: bool = False  # a lead that reached this stage has been qualified by sales
    quoted: bool = False  # by the end of this stage the client has seen a price
    fact: Text | None = None  # what must have happened for a deal to leave this stage forward
    evidence: Text | None = None  # heading in the deals export, filled once the fact holds
    fact_at: Text | None = None  # heading of the time at which it happened

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given


class Funnel(Part):
    stages: list[Stage] = Field(min_length=1)  # open stages, in order
    won: Texts
    lost: Texts
    excluded: Texts = []  # not a deal at all: tests, internal pipelines

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Funnel:
        named = [
            (name, f"stage {order} («{stage.name}»)")
            for order, stage in enumerate(self.stages, 1)
            for name in [stage.name, *stage.aliases]
        ]
        named += [(name, key) for key in ("won", "lost", "excluded") for name in getattr(self, key)]
        once(named, "stage")
        return self


class Criterion(Part):
    """One test that makes a lead target: pass, fail, or unknown. An empty cell never fails."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    column: Text  # heading in the deals export
    operator: Operator
    value: Any = None
    unknown: Texts = []  # values that say nobody looked, such as "not qualified yet"
    empty: Literal["unknown", "pass"] = "unknown"  # "pass": the column is filled only when something is wrong
    concerns: Who = "marketing"
    known_at: str | None = None  # heading of the time at which the cell was filled
    ru: str
    en: str

    @model_validator(mode="before")
    @classmethod
    def _value_by_operator(cls, given: Any) -> Any:
        """Numbers for operators that compare, a list for those that look values up."""
        if not isinstance(given, dict) or (value := given.get("value")) is None:
            return given
        if given.get("operator") in ("in", "not_in", "contains"):
            value = stated.as_list(value)
        elif isinstance(value, list):
            value = [stated.number(item) for item in value]
        else:
            value = stated.number(value)
        return {**given, "value": value}

    @model_validator(mode="after")
    def _value_fits(self) -> Criterion:
        items, listed = stated.as_list(self.value), isinstance(self.value, list) and self.value != []
        numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)
        values = all(isinstance(item, str | int | float) for item in items)
        good, need = {
            "valid_phone": (self.value is None, "no value"),
            "between": (
                listed and numbers and len(items) == 2 and items[0] <= items[1],
                "a list of two numbers, the smaller one first: [from, to]",
            ),
            "at_least": (numbers and not listed, "a number"),
            "at_most": (numbers and not listed, "a number"),
        }.get(self.operator, (listed and values, "a list of values"))
        if not good:
            raise ValueError(f"operator {self.operator} needs {need}; correct the key value")
        return self


class Label(Part):
    """One party's own verdict on a lead, read from a column. It never decides who is right."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    by: Literal["marketing", "sales", "other"]
    column: Text
    target: Texts = []
    non_target: Texts = []
    otherwise: Literal["target", "non_target", "unknown"] = "unknown"  # any other filled value
    empty: Literal["target", "non_target", "unknown"] = "unknown"
    set_at: str | None = None  # heading of the time at which the label was set
    ru: str
    en: str

    @model_validator(mode="after")
    def _has_values(self) -> Label:
        if not self.target and not self.non_target:
            raise ValueError("state at least one value under target or non_target")
        return self


class ReasonGroup(Part):
    """Loss reasons that mean the same. `non_target`: the lead was not ours; `owner`: whose question it is."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    reasons: Texts
    owner: Who = "client"
    non_target: bool = False
    no_reason: bool = False  # "thinking", "other": filled in, says nothing
    claims: Literal["no_answer", "wrong_number", "price"] | None = (
        None  # what calls, phones and stages can check
    )
    ru: str
    en: str


class Fields(Part):
    """Headings of the deals export behind the rules of a head of sales. None is needed for the rest."""

    deadline: Text | None = None  # the day by which the client needs it
    contacts: Text | None = None  # how many people of the client are on the deal
    roles: Text | None = None  # who they are, in words
    hours: Text | None = None  # hours of work put into the deal
    first_amount: Text | None = None  # the budget as it was first noted
    paid: Text | None = None  # the money received so far, as the CRM has it


class Period(Part):
    from_: Day | None = Field(None, alias="from")
    to: Day | None = None

    @model_validator(mode="after")
    def _runs_forward(self) -> Period:
        if self.from_ and self.to and self.from_ > self.to:
            raise ValueError(f"it ends ({self.to}) before it begins ({self.from_}); swap the two dates")
        return self


class Tests(Part):
    """How test leads are told: whole words in the deal's title, a channel, and own phones or e-mails."""

    words: Texts = ["тест", "test", "проверка", "asdf"]
    channels: Texts = []  # every lead of these channels is a test
    phones: Texts = []
    emails: Texts = []


class Managers(Part):
    show: bool = False  # real names instead of «Manager 01»
    aliases: dict[str, Text] = {}


class Audit(Part):
    """One company's audit. `path` is where the file lies; file names inside are relative to it."""

    client: str = Field(min_length=1)
    language: Literal["ru", "en"] = "ru"
    currency: str = Field("RUB", pattern=r"^[A-Z]{3}$")
    timezone: str = "Europe/Moscow"
    phone_region: str = Field("RU", pattern=r"^[A-Z]{2}$")
    as_of: Day | None = None  # day of the export; the last day in the data where not stated
    period: Period = Period()
    sources: SourceSet
    funnel: Funnel
    criteria: list[Criterion] = []
    labels: list[Label] = []
    reasons: list[ReasonGroup] = []
    fields: Fields = Fields()
    costs: Expenses = Expenses()
    economics: Economics = Economics()
    experiments: list[Experiment] = []
    channels: dict[str, Texts] = {}  # one name -> its spellings in the exports
    segments: dict[str, Texts] = {}
    managers: Managers = Managers()
    tests: Tests = Tests()
    thresholds: Thresholds = Thresholds()
    alerts: Alerts = Alerts()
    path: Path = Field(default=Path("audit.yml"), exclude=True)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone «{value}»; write one like Europe/Moscow") from error
        return value

    @field_validator("path", mode="before")
    @classmethod
    def _not_stated(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError("unknown key; audit.yml knows where it lies, remove it")
        return value

    @field_validator("criteria", "labels", "reasons")
    @classmethod
    def _ids_are_unique(cls, items: list[Any]) -> list[Any]:
        ids = [item.id for item in items]
        for item in ids:
            if ids.count(item) > 1:
                raise ValueError(f"the id «{item}» stands twice; rename one")
            if f"{item}_at" in ids:
                raise ValueError(f"the id «{item}_at» is kept for the time of «{item}»; choose another")
        return items

    @field_validator("criteria", "labels")
    @classmethod
    def _words_are_unique(cls, items: list[Any]) -> list[Any]:
        """Pictures and tables know a criterion or a label by its words."""
        for language in ("ru", "en"):
            once(((getattr(item, language), f"«{item.id}»") for item in items), f"the wording ({language})")
        return items

    @field_validator("reasons")
    @classmethod
    def _reasons_in_one_group(cls, groups: list[ReasonGroup]) -> list[ReasonGroup]:
        once(((reason, f"«{group.id}»") for group in groups for reason in group.reasons), "reason")
        return groups

    @field_validator("channels", "segments")
    @classmethod
    def _spellings_in_one_name(cls, names: dict[str, list[str]]) -> dict[str, list[str]]:
        once(((word, f"«{name}»") for name, words in names.items() for word in [name, *words]), "value")
        return names

    def vat(self, table: str) -> str:
        """Whether the money of a source holds VAT: "included", "excluded", or "unknown" where its files differ."""
        stated = {source.vat for name, source in self.sources.items() if name == table}
        return stated.pop() if len(stated) == 1 else "unknown"

    @classmethod
    def read(cls, path: Path | str) -> Audit:
        """The audit of a file, checked: keys, types, periods and that every export is there.

        Raises AuditError with a line per mistake.
        """
        path = Path(path)
        plain, node = stated.read(path)
        try:
            audit = cls.model_validate({**plain, **({} if "path" in plain else {"path": path})})
        except ValidationError as error:
            raise AuditError(*stated.explain(path, node, error.errors(), cls)) from None
        places = list(audit.sources.places())
        if mistakes := [
            *stated.no_such_column(path, node, places),
            *stated.missing_files(path, node, places),
        ]:
            raise AuditError(*mistakes)
        return audit

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent

    @property
    def slug(self) -> str:
        """The client's name as a folder name that every file system takes."""
        return stated.slug(self.client)

    def files(self, source: Source) -> list[Path]:
        """The files of one source, in the order they were stated."""
        return [self.folder / name for name in source.file]

    def sha256(self) -> str:
        """The content of audit.yml, hashed: part of the cache key and of the manifest."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()
