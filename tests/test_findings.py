"""Findings on disk: what is written is read back, and an undefined number is null."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from detente.present import findings
from detente.present.findings import Finding

KNOWN = Finding(
    id="non_target_share", notebook="03_non_target_share", headline="62%", fact="158 of 255", value=0.62, unit="share",
    low=0.56, high=0.68, level=0.9, n=255, ask="marketing", question="Why?", decision="Whom to pay",
)  # fmt: skip
CONTRACT = {
    "id", "notebook", "fact", "value", "unit", "low", "high", "level", "n", "ask", "question", "decision", "status",
}  # fmt: skip


def test_a_finding_has_all_that_was_agreed() -> None:
    assert {field.name for field in fields(Finding)} >= CONTRACT


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    findings.write([KNOWN], tmp_path / "one.json")
    assert findings.read(tmp_path / "one.json") == [KNOWN]


def test_an_undefined_number_is_null_and_the_file_is_json(tmp_path: Path) -> None:
    unknown = replace(KNOWN, value=math.nan, low=math.inf, n=np.int64(3), status="cannot_tell")
    findings.write([unknown], tmp_path / "one.json")
    text = (tmp_path / "one.json").read_text(encoding="utf-8")
    row = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))[0]
    assert (row["value"], row["low"], row["n"]) == (None, None, 3)
    assert math.isnan(findings.read(tmp_path / "one.json")[0].value)


def test_two_findings_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="non_target_share"):
        findings.write([KNOWN, KNOWN], tmp_path / "one.json")


def test_nobody_is_asked_who_is_not_in_the_room() -> None:
    with pytest.raises(ValueError, match="lawyer"):
        replace(KNOWN, ask="lawyer")
