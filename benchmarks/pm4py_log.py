"""What pm4py answers about a ready event log; run by an environment that has it, never by ours.

    python benchmarks/pm4py_log.py LOG.parquet     columns lead_id, stage, at

Prints a line of JSON after each question, so that a run that is stopped still shows how far it came.
"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd


def main() -> None:
    began = time.monotonic()
    import pm4py

    log = pd.read_parquet(sys.argv[1])
    log = pm4py.format_dataframe(log, case_id="lead_id", activity_key="stage", timestamp_key="at")
    _say("read", began, events=len(log))
    for name, ask in _questions(pm4py).items():
        began = time.monotonic()
        _say(name, began, **ask(log))


def _questions(pm4py) -> dict:
    return {
        "leads per stage": lambda log: {
            "found": pm4py.get_event_attribute_values(log, "concept:name", count_once_per_case=True)
        },
        "days of a lead": lambda log: _durations(pm4py.get_all_case_durations(log)),
        "days in a stage": lambda log: {"pairs": len(pm4py.discover_performance_dfg(log)[0])},
        "stage after stage": lambda log: {"pairs": len(pm4py.discover_eventually_follows_graph(log))},
        "ways": lambda log: {"ways": len(pm4py.get_variants(log))},
    }


def _durations(seconds) -> dict:
    return {"leads": len(seconds), "mean": sum(seconds) / len(seconds) / 86_400}


def _say(name: str, began: float, **found) -> None:
    print(
        json.dumps(
            {"step": name, "wall": time.monotonic() - began, **found}, ensure_ascii=False, default=int
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
