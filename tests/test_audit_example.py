"""The example of audit.yml in the docs is valid and names every key and operator there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from detente.audit import Audit
from stated_audit import read

EXAMPLE = Path(__file__).parent.parent / "docs" / "audit.example.yml"


@pytest.fixture
def example(tmp_path: Path) -> Audit:
    text = EXAMPLE.read_text(encoding="utf-8")
    for name in re.findall(r"file: (\S+)", text):
        (tmp_path / name).write_text("", encoding="utf-8")
    return read(tmp_path, text)


def test_the_example_in_the_docs_is_a_valid_audit(example):
    assert [criterion.operator for criterion in example.criteria] == [
        *("valid_phone", "at_least", "between", "in", "not_in")
    ]
    assert example.sources.deals.columns["tags"] == []
    assert len(example.sources.spend) == 2


def test_the_example_states_defaults_of_thresholds_as_they_are(example):
    assert example.thresholds == type(example.thresholds)()


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key that audit.yml may have, in any section."""
    for name, info in model.model_fields.items():
        if not info.exclude:
            yield info.alias or name
        for part in models_in(info.annotation):
            yield from keys(part)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


@pytest.mark.parametrize("key", sorted(set(keys(Audit))))
def test_every_key_stands_in_the_example(key):
    assert re.search(rf"(?m)(^|[\s{{]){key}:", EXAMPLE.read_text(encoding="utf-8"))


def test_every_operator_stands_in_the_example():
    text = EXAMPLE.read_text(encoding="utf-8")
    for operator in ("in", "not_in", "at_least", "at_most", "between", "contains", "valid_phone"):
        assert re.search(rf"\b{operator}\b", text), operator
