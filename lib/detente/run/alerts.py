"""The limits of audit.yml held against the findings.

A limit counts as crossed only when the near end of the finding's interval lies above it: a share of 41 % with
an interval of 35 to 47 % does not cross a limit of 40 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from detente.terms import Alerts

Crossing = dict[str, Any]


def held(limits: Alerts, findings: Iterable[Mapping[str, Any]]) -> tuple[list[Crossing], list[str]]:
    """(crossed, unchecked): limits crossed as {id, limit, near}, and limits whose finding this run does not
    have."""
    by_id = {finding["id"]: finding for finding in findings if finding.get("status") == "ok"}
    crossed: list[Crossing] = []
    unchecked: list[str] = []
    for name, limit in limits.model_dump(exclude_none=True).items():
        near = _near_end(by_id.get(name, {}))
        if near is None:
            unchecked.append(name)
        elif near > limit:
            crossed.append({"id": name, "limit": limit, "near": near})
    return crossed, unchecked


def _near_end(finding: Mapping[str, Any]) -> float | None:
    """The end of the interval that lies nearer to a limit from above; the value itself where there is no
    interval."""
    low = finding.get("low")
    return low if low is not None else finding.get("value")
