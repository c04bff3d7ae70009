"""What a YAML file states, and on which line: every scalar as the text that stands there.

Reading turns nothing into a number, a date or a flag; the models in `audit` do that, where the key says what
is wanted. So a stage called 01, no, 12:30 or 2024-01-31 keeps its name, and the 31st of February is a mistake
with a line.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict

from detente.schema import TABLES, fold


class AuditError(Exception):
    """audit.yml, or an argument, is wrong (exit code 2). `lines` holds one message per mistake."""

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = lines


def as_list(value: Any) -> Any:
    """A single value stands for a list of one."""
    return value if isinstance(value, list) else [value]


def as_text(value: Any) -> Any:
    """Numbers as the text they were written with; anything else unchanged."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def as_day(value: Any) -> Any:
    """ISO text as a date; pydantic alone would also take seconds since 1970."""
    if not isinstance(value, str):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day; write one as 2026-03-31") from None


def number(value: Any) -> Any:
    """Text as int or float where it is one; anything else unchanged, for the check that follows to refuse."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return value
    return int(found) if found.is_integer() else found


def once(named: Iterable[tuple[str, str]], what: str) -> None:
    """Raise ValueError where a spelling (as `fold` sees it) of the pairs (spelling, place) has two places."""
    seen: dict[str, str] = {}
    for name, where in named:
        if (first := seen.setdefault(fold(name), where)) != where:
            raise ValueError(f"{what} «{name}» stands in both {first} and {where}; leave it in one")


class Part(BaseModel):
    """Every section of audit.yml: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Listed = BeforeValidator(as_list)
Text = Annotated[str, BeforeValidator(as_text)]
Texts = Annotated[list[Text], Listed]
Day = Annotated[dt.date, BeforeValidator(as_day)]


def read(path: Path) -> tuple[dict[str, Any], Any]:
    """A YAML file as (plain tree of dicts, lists and text, tree of nodes that know their lines).

    A key without a value counts as not stated. Raises AuditError, with a line, for a file that is not there,
    not UTF-8, not YAML, not a set of keys, or that states a key twice.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = _text(path)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        plain = _plain(path, node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = _YAML_SAYS.get(str(error.problem), str(error.problem or "not YAML"))
        raise AuditError(f"{path.name}{f', line {mark.line + 1}' if mark else ''}: {said}") from None
    except (YAMLError, RecursionError) as error:
        raise AuditError(f"{path.name}: this is not YAML that can be read ({type(error).__name__})") from None
    if not isinstance(plain, dict):
        raise AuditError(f"{path.name}: expected keys such as client, sources, funnel; found none")
    return plain, node


_YAML_SAYS = {
    "found character '\\t' that cannot start any token": "a tab stands in the indent; YAML wants spaces",
    "mapping values are not allowed here": "a second «: » on one line; put the text in quotes",
    "but found another document": "a second «---» begins another document; leave one",
    "expected the node content, but found '<stream end>'": "the file ends inside a bracket; close it",
    "found unexpected end of stream": "the file ends inside quotes; close them",
}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AuditError(f"{path}: there is no such file; `detente init DIR` writes a draft") from None
    except IsADirectoryError:
        raise AuditError(f"{path}: this is a folder; name the audit.yml inside it") from None
    except UnicodeDecodeError:
        raise AuditError(f"{path}: this is not UTF-8 text; save it again as UTF-8") from None
    except OSError as error:
        raise AuditError(f"{path}: cannot be read ({type(error).__name__})") from None


def _plain(path: Path, node: Any) -> Any:
    """Dicts, lists and text. In a list «null» is a word; after a key it means that nothing is stated."""
    if node is None or node.id == "scalar":
        return None if node is None or (node.tag.endswith(":null") and not node.value) else node.value
    if node.id == "sequence":
        return [_plain(path, item) for item in node.value]
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        where = f"{path.name}, line {line}"
        if key.id != "scalar":
            raise AuditError(f"{where}: a key must be plain text; put quotes around it")
        if key.value in lines:
            first = lines[key.value]
            raise AuditError(f"{where}: {key.value}: this key also stands in line {first}; leave one")
        lines[key.value] = line
        empty = value.tag.endswith(":null")
        if (
            empty and node.flow_style and not _colon(key, value)
        ):  # {ru: «a», «b»}: half of a text would be lost
            raise AuditError(
                f"{where}: «{key.value}» has no value; a text with a comma inside {{}} needs quotes"
            )
        stated = None if empty else _plain(path, value)
        if stated is not None:
            found[key.value] = stated
    return found


def _colon(key: Any, value: Any) -> bool:
    return ":" in key.end_mark.buffer[key.end_mark.pointer : value.start_mark.pointer]


def _walk(node: Any, location: tuple[Any, ...]) -> Iterator[tuple[str, int | None]]:
    """Each step of `location` as (text, line); no line from the first step that the file does not state.

    A single value may stand where a list is meant: the index of such a list is no step.
    """
    for step in location:
        at = None
        if isinstance(step, int) and node is not None and node.id != "sequence":
            continue
        if isinstance(step, int):
            node = node.value[step] if node is not None and step < len(node.value) else None
            at = node.start_mark.line + 1 if node else None
        else:
            pairs = node.value if node is not None and node.id == "mapping" else []
            key, node = next((pair for pair in pairs if pair[0].value == step), (None, None))
            at = key.start_mark.line + 1 if key else None
        yield (f"[{step + 1}]" if isinstance(step, int) else f".{step}"), at


def line(node: Any, location: tuple[Any, ...]) -> int | None:
    """The line of the deepest part of `location` that the file states; None where it states no part of it."""
    return max((at for _, at in _walk(node, location) if at), default=None)


def place(path: Path, node: Any, location: tuple[Any, ...]) -> str:
    """Where a mistake stands, items counted from one: «audit.yml, line 7: criteria[1].operator»."""
    at = line(node, location)
    dotted = "".join(step for step, _ in _walk(node, location)).lstrip(".")
    return f"{path.name}{f', line {at}' if at else ''}" + (f": {dotted}" if dotted else "")


def explain(path: Path, node: Any, errors: list[Any], model: type[BaseModel]) -> Iterator[str]:
    """Validation errors of `model` as «file, line, key: what is wrong; what to write», in file order."""
    meant = {_meant(error, model) for error in errors if error["type"] == "extra_forbidden"}
    for error in sorted(errors, key=lambda item: line(node, item["loc"]) or 0):
        if error["type"] == "missing" and error["loc"] in meant:
            continue  # the key is there, misspelt: one mistake, one message
        yield f"{place(path, node, error['loc'])}: {_said(error, model)}"


def _meant(error: Any, model: type[BaseModel]) -> tuple[Any, ...]:
    near = nearest(str(error["loc"][-1]), _keys_beside(error["loc"], model))
    return (*error["loc"][:-1], near)


def nearest(word: str, known: list[str]) -> str:
    """The closest of `known`, or "" where none is close."""
    folded = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


_PATTERNS = {
    "^[A-Z]{3}$": "write three capital letters, such as RUB",
    "^[A-Z]{2}$": "write two capital letters, such as RU",
    "^[a-z][a-z0-9_]*$": "use lower-case Latin letters, digits and _, and begin with a letter",
}
_SAID = {
    "missing": "this key is missing; add it",
    "string_type": "expected text",
    "string_too_short": "expected some text",
    "list_type": "expected a list, such as [one, two]",
    "dict_type": "expected keys with values, such as {key: value}",
    "too_short": "expected at least one item",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number, with a point: 0.95",
    "float_type": "expected a number, with a point: 0.95",
}
_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def _said(error: Any, model: type[BaseModel]) -> str:
    """One validation error in words, with what to write instead."""
    kind, context, key = error["type"], error.get("ctx", {}), str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        known = _keys_beside(error["loc"], model)
        near = nearest(key, known)
        return "unknown key; " + (
            f"did you mean «{near}»?" if near else f"known keys here: {', '.join(known)}"
        )
    if kind == "literal_error":
        known = context["expected"].replace("'", "").replace(" or ", ", ")
        near = nearest(str(error["input"]), known.split(", "))
        return f"write one of: {known}" + (f"; did you mean «{near}»?" if near else "")
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], error["msg"])
    if kind in ("model_type", "model_attributes_type"):
        return "expected keys with values: " + ", ".join(_keys_beside((*error["loc"], ""), model))
    if bound := next((name for name in _BOUNDS if name in context), ""):
        hint = "; a share is written as 0.95, not 95" if context[bound] == 1 and bound in ("lt", "le") else ""
        return f"must be {_BOUNDS[bound]} {context[bound]:g}{hint}"
    return _SAID.get(kind, error["msg"].removeprefix("Value error, "))


def _keys_beside(location: tuple[Any, ...], model: type[BaseModel]) -> list[str]:
    """The keys that are legal beside the last step of `location`."""
    found: type[BaseModel] | None = model
    for step in location[:-1]:
        if isinstance(step, int):
            continue
        fields = {info.alias or name: info for name, info in found.model_fields.items()} if found else {}
        found = _model_in(fields[step].annotation) if step in fields else None
    if found is None:
        return []
    return [info.alias or name for name, info in found.model_fields.items() if not info.exclude]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for item in get_args(annotation) if (found := _model_in(item))), None)


# --- what only a look at the files and the schema can tell ---
def no_such_column(path: Path, node: Any, places: Sequence[tuple]) -> Iterator[str]:
    """Canonical names under columns and date_formats that the table does not have.

    places : (location in the file, source) of every source, as `audit.SourceSet.places` gives them.
    """
    for location, source in places:
        name = str(location[1])
        known = [column.name for column in TABLES[name]]
        for key, given in (("columns", source.columns), ("date_formats", source.date_formats)):
            for word in given:
                if word not in known:
                    near = nearest(word, known)
                    hint = f"did you mean «{near}»?" if near else f"it has: {', '.join(known)}"
                    where = place(path, node, (*location, key, word))
                    yield f"{where}: the table {name} has no such column; {hint}"


def missing_files(path: Path, node: Any, places: Sequence[tuple]) -> Iterator[str]:
    """Files that are named and do not lie beside the audit."""
    for location, source in places:
        for order, name in enumerate(source.file):
            file = path.resolve().parent / name
            if not file.is_file():
                near = nearest(file.name, [item.name for item in sorted(file.parent.glob("*"))])
                hint = f"did you mean «{near}»?" if near else "it is looked for beside this file"
                where = place(path, node, (*location, "file", order))
                yield f"{where}: there is no file «{name}»; {hint}"


_LETTERS = dict(
    zip("абвгдеёзийклмнопрстуфыэьъ", [*"abvgdeezijklmnoprstufye", "", ""], strict=True),
    ж="zh", х="h", ц="c", ч="ch", ш="sh", щ="sch", ю="yu", я="ya",
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
