"""audit.yml as typed models: what a consultant states about one company, and nothing that can be guessed.

`Audit.read(path)` raises `AuditError` (exit code 2) with one line per mistake: the file, the line, the key, what
is wrong and what to write instead. Criteria are data (column, operator, value); nothing in the file is evaluated.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

Who = Literal["marketing", "sales", "product", "price", "client", "data"]
Operator = Literal["in", "not_in", "at_least", "at_most", "between", "contains", "valid_phone"]


class AuditError(Exception):
    """audit.yml, or an argument, is wrong (exit code 2). `lines` holds one message per mistake."""

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = lines


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_as_text)]
Texts = Annotated[list[Text], BeforeValidator(_as_list)]


class Part(BaseModel):
    """Every section of audit.yml: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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
    channel: str | None = None  # spend only: the channel of the whole file
    nulls: Texts = []
    product_rows: Literal["sum", "repeat"] | None = None


Sources = Annotated[list[Source], BeforeValidator(_as_list)]


class SourceSet(Part):
    deals: Source
    leads: Source | None = None
    stages: Source | None = None
    spend: Sources = []
    payments: Sources = []
    calls: Source | None = None
    tasks: Source | None = None
    plan: Source | None = None

    def items(self) -> Iterator[tuple[str, Source]]:
        """Each stated source as (table name, source), deals first."""
        for name in type(self).model_fields:
            stated = getattr(self, name)
            for source in stated if isinstance(stated, list) else [stated]:
                if source is not None:
                    yield name, source


class Stage(Part):
    name: Text
    aliases: Texts = []
    qualified: bool = False  # a lead that reached this stage has been qualified by sales


class Funnel(Part):
    stages: list[Stage] = Field(min_length=1)  # open stages, in order
    won: Texts
    lost: Texts
    excluded: Texts = []  # not a deal at all: tests, internal pipelines

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Funnel:
        seen: dict[str, str] = {}
        named = [(name, "stages") for stage in self.stages for name in [stage.name, *stage.aliases]]
        named += [(name, key) for key in ("won", "lost", "excluded") for name in getattr(self, key)]
        for name, key in named:
            if name in seen:
                raise ValueError(f"stage «{name}» stands in both {seen[name]} and {key}; leave it in one")
            seen[name] = key
        return self


class Criterion(Part):
    """One test that makes a lead target: pass, fail, or unknown where the cell is empty."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    column: Text  # heading in the deals export
    operator: Operator
    value: Any = None
    concerns: Who = "marketing"
    known_at: str | None = None  # heading of the time at which the cell was filled
    ru: str
    en: str

    @model_validator(mode="after")
    def _value_fits(self) -> Criterion:
        want = {
            "in": list, "not_in": list, "contains": list, "between": list,
            "at_least": (int, float), "at_most": (int, float), "valid_phone": type(None),
        }[self.operator]  # fmt: skip
        good = isinstance(self.value, want) and not isinstance(self.value, bool)
        if self.operator == "between":
            good = good and len(self.value) == 2 and all(isinstance(item, int | float) for item in self.value)
        if not good:
            need = {
                "between": "a list of two numbers [from, to]", "at_least": "a number", "at_most": "a number",
                "valid_phone": "no value",
            }.get(self.operator, "a list of values")  # fmt: skip
            raise ValueError(f"operator {self.operator} needs {need}")
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
    ru: str
    en: str


class Period(Part):
    from_: dt.date | None = Field(None, alias="from")
    to: dt.date | None = None

    @model_validator(mode="after")
    def _runs_forward(self) -> Period:
        if self.from_ and self.to and self.from_ > self.to:
            raise ValueError(f"the period ends ({self.to}) before it begins ({self.from_}); swap the two dates")
        return self


class Tests(Part):
    """How test leads are told: whole words in the deal's title, and own phones or e-mails."""

    words: Texts = ["тест", "test", "проверка", "asdf"]
    phones: Texts = []
    emails: Texts = []


class Thresholds(Part):
    """What counts as much. Each is stated in the report that uses it."""

    level: float = Field(0.95, gt=0.5, lt=1)
    min_group: int = Field(30, ge=5)  # smaller groups are shown but never named
    material: float = Field(0.05, ge=0, le=1)  # a difference of shares below this is not called one
    ripe_days: int = Field(30, ge=0)  # younger leads are told apart
    later_purchase_days: int = Field(60, ge=1)  # a rejected lead that paid within this time was no non-target
    talk_seconds: int = Field(60, ge=1)  # a shorter call is no conversation
    duplicate_days: int = Field(30, ge=0)  # the same person again within this time is the same inquiry
    stale_days: int = Field(14, ge=1)  # older data: the headline gives way to a warning


class Alerts(Part):
    """Limits that end a run with code 4 under --fail-on-alert. A limit holds against the interval's near end."""

    non_target_share: float | None = Field(None, ge=0, le=1)
    unknown_share: float | None = Field(None, ge=0, le=1)
    lost_rows_share: float | None = Field(None, ge=0, le=1)


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
    as_of: dt.date | None = None  # day of the export; the last day in the data where not stated
    period: Period = Period()
    sources: SourceSet
    funnel: Funnel
    criteria: list[Criterion] = []
    labels: list[Label] = []
    reasons: list[ReasonGroup] = []
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

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Audit:
        for name in ("criteria", "labels", "reasons"):
            ids = [item.id for item in getattr(self, name)]
            if repeated := {item for item in ids if ids.count(item) > 1}:
                raise ValueError(f"{name}: the id «{min(repeated)}» stands twice")
        return self

    @classmethod
    def read(cls, path: Path | str) -> Audit:
        """The audit of a file, checked: keys, types, periods and that every export is there.

        Raises AuditError with a line per mistake.
        """
        path = Path(path)
        stated, place = _load(path)
        stated["path"] = path
        try:
            audit = cls.model_validate(stated)
        except ValidationError as error:
            raise AuditError(*(_explain(path, place, item) for item in error.errors())) from None
        if missing := list(_missing_files(audit, place)):
            raise AuditError(*missing)
        return audit

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent

    @property
    def slug(self) -> str:
        """The client's name as a folder name that every file system takes."""
        return slug(self.client)

    def files(self, source: Source) -> list[Path]:
        """The files of one source, in the order they were stated."""
        return [self.folder / name for name in source.file]

    def sha256(self) -> str:
        """The content of audit.yml, hashed: part of the cache key and of the manifest."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


_LETTERS = dict(
    zip("абвгдеёзийклмнопрстуфхцыэ", "a b v g d e e z i y k l m n o p r s t u f h c y e".split(), strict=True),
    ж="zh", ч="ch", ш="sh", щ="sch", ю="yu", я="ya", ь="", ъ="",
)  # fmt: skip


def slug(name: str) -> str:
    """A folder name of lower-case Latin letters, digits and hyphens.

    >>> slug("ООО «Детские площадки»")
    'ooo-detskie-ploschadki'
    """
    latin = "".join(_LETTERS.get(letter, letter) for letter in name.casefold())
    word = re.sub(r"[^a-z0-9]+", "-", latin).strip("-")[:60].strip("-") or "client"
    reserved = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
    return f"client-{word}" if word in reserved else word


def _load(path: Path) -> tuple[dict[str, Any], Any]:
    """The file as plain values, and the same tree with line numbers."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AuditError(f"{path}: there is no such file; `detente init DIR` writes a draft") from None
    except (UnicodeDecodeError, OSError) as error:
        raise AuditError(f"{path}: cannot be read as UTF-8 text ({type(error).__name__}); save it as UTF-8") from None
    try:
        tree = YAML(typ="rt").load(text)
        plain = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise AuditError(f"{path.name}{line}: {error.problem or 'not YAML'}") from None
    if not isinstance(plain, dict):
        raise AuditError(f"{path.name}: expected keys such as client, sources, funnel; found none")
    return plain, tree


def _line(tree: Any, location: tuple[Any, ...]) -> int | None:
    """The line of the deepest part of `location` that the file states."""
    line = None
    for step in location:
        try:
            mark = tree.lc.key(step) if isinstance(tree, dict) else tree.lc.item(step)
            line, tree = mark[0] + 1, tree[step]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _fields_at(location: tuple[Any, ...]) -> list[str]:
    """The keys that are legal beside the last step of `location`."""
    model: Any = Audit
    for step in location[:-1]:
        if isinstance(step, int):
            continue
        known = {info.alias or name: info for name, info in model.model_fields.items()}
        if step not in known:
            return []
        model = _model_in(known[step].annotation)
        if model is None:
            return []
    return [info.alias or name for name, info in model.model_fields.items() if name != "path"]


def _model_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((found for item in get_args(annotation) if (found := _model_in(item))), None)


def _explain(path: Path, tree: Any, error: Any) -> str:
    """One validation error as: file, line, key: what is wrong; what to write."""
    location = tuple(step for step in error["loc"] if not (isinstance(step, str) and "[" in step))
    line = _line(tree, location)
    place = f"{path.name}{f', line {line}' if line else ''}: {'.'.join(map(str, location))}"
    key = str(location[-1]) if location else ""
    if error["type"] == "extra_forbidden":
        known = _fields_at(location)
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean «{close[0]}»?" if close else f"known keys here: {', '.join(known)}"
        return f"{place}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{place}: this key is missing; add it"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


def _missing_files(audit: Audit, tree: Any) -> Iterator[str]:
    for name, source in audit.sources.items():
        for file in audit.files(source):
            if not file.is_file():
                near = difflib.get_close_matches(file.name, [p.name for p in audit.folder.glob("*")], n=1, cutoff=0.5)
                hint = f"; did you mean «{near[0]}»?" if near else f"; it is looked for in {audit.folder.name}/"
                line = _line(tree, ("sources", name, "file")) or _line(tree, ("sources", name))
                where = f", line {line}" if line else ""
                yield f"{audit.path.name}{where}: sources.{name}.file: there is no file «{file.name}»{hint}"
