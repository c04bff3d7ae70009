"""Intake and the metrics of the first notebooks on 10 thousand, 100 thousand and 1 million leads.

Each case is a process of its own: `detente` on exports that it sees for the first time, `detente` on exports
whose tables it has kept, and the same numbers in plain pandas. All three must find the same.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import measured
from measured import ROOT, Cost

SIZES = (10_000, 100_000, 1_000_000)
CASES = ("first load", "cached load", "plain pandas")
TOLERANCE = 1e-9


def main() -> None:
    run(__file__, __doc__, child, SIZES)


def run(script: str, text: str, child, sizes: Sequence[int], more=lambda leads: (), repeats: int = 3) -> None:
    """Parse the options, draw the companies, run every case of `script` in turn and print the report.

    child : (case, folder) -> answer, in a process of its own. more : leads -> further arguments of the generator.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--leads", type=int, nargs="+", default=sizes)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)  # in a child process
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.case:
        print(json.dumps(child(stated.case, stated.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="detente-bench-") as name:
        found = {
            leads: compare(script, leads, Path(name), stated.repeats, more(leads)) for leads in stated.leads
        }
    print(report(found))


# --- in a child process ---
def child(case: str, folder: Path) -> dict:
    """CPU and wall seconds of loading and of the metrics, after imports, and every number that was found."""
    import plain_pandas

    load, metrics = (plain_pandas.load, plain_pandas.metrics) if case == "plain pandas" else _ours()
    return timed(load, metrics, folder)


def timed(load, metrics, folder: Path) -> dict:
    """What loading and the metrics cost, and every number that they found."""
    marks = [(time.process_time(), time.monotonic())]
    tables = load(folder)
    marks.append((time.process_time(), time.monotonic()))
    results = metrics(tables)
    marks.append((time.process_time(), time.monotonic()))
    steps = [
        [after[0] - before[0], after[1] - before[1]] for before, after in zip(marks, marks[1:], strict=False)
    ]
    return {"load": steps[0], "metrics": steps[1], "found": _flat(results)}


def _ours():
    from detente import engine, intake
    from detente.metrics import acquisition, agreement, court, nontarget, qualification

    engine.connection()

    def load(folder: Path):
        return intake.load(folder / "audit.yml")[0]

    def metrics(tables) -> dict:
        audit, limits = tables.audit, tables.audit.thresholds
        judged = qualification.judge(tables.journeys, audit.criteria, audit.labels)
        sales = next(label for label in audit.labels if label.by == "sales")
        ruled = court.court(
            judged, sales, tables.calls, tables.payments, limits.later_purchase_days, limits.talk_seconds,
            leads=tables.all_journeys,
        )  # fmt: skip
        pairs = {f"{one.first} {one.second}": vars(one) for one in agreement.all_pairs(judged, audit.labels)}
        groups = {name: nontarget.counts(judged, name) for name in ("channel", "campaign", "month")}
        return {
            "walks": _walk_totals(engine, tables.all_journeys),
            "total": {"0": vars(qualification.total(judged))},
            "by_criterion": qualification.by_criterion(judged, audit.criteria).set_index("criterion"),
            "definitions": qualification.definitions(judged, audit.labels).set_index("rule"),
            "pairs": pairs,
            "court": ruled.why.set_index("why"),
            "court_managers": ruled.managers,
            "court_channels": ruled.channels,
            **{name: nontarget.share_by(counts) for name, counts in groups.items()},
            "against_rest": nontarget.against_rest(groups["channel"]),
            "acquisition": acquisition.acquisition(tables.spend, judged),
        }

    return load, metrics


def _walk_totals(engine, journeys):
    import ibis

    epoch = ibis.timestamp("2025-01-01 00:00:00").epoch_seconds()
    sums = {name: journeys[name].sum() for name in ("furthest", "moves", "backward", "skipped")}
    entered = [name for name in journeys.columns if name.startswith("entered_")]
    sums |= {name: (journeys[name].epoch_seconds() - epoch).sum() for name in entered}
    return engine.frame(journeys.aggregate(**sums, counted=journeys["counted"].sum()))


def _flat(results: dict) -> dict[str, float]:
    """table/row/column -> number, of everything that was found; what is no number is left out."""
    found = {}
    for table, result in results.items():
        rows = result if isinstance(result, dict) else result.to_dict("index")
        for row, cells in rows.items():
            label = "not stated" if row is None or row != row else row
            for column, value in cells.items():
                if not isinstance(value, str | bool):
                    found[f"{table}/{label}/{column}"] = float(value)
    return found


# --- in the parent ---
def compare(
    script: str, leads: int, folder: Path, repeats: int, more: Sequence[str] = ()
) -> dict[str, list[tuple[Cost, dict]]]:
    """Draw a company of this size and run every case `repeats` times in turn. case -> its costs and answers."""
    data, cache, log = folder / str(leads), folder / "cache", folder / "log"
    made = [sys.executable, ROOT / "data" / "sample" / "make_sample.py"]
    measured.run([*made, "--leads", str(leads), *more, "--output", data], log)
    found: dict[str, list[tuple[Cost, dict]]] = {case: [] for case in CASES}
    for _ in range(repeats):
        shutil.rmtree(cache, ignore_errors=True)
        for case in CASES:
            found[case].append(_case(script, case, data, cache, folder / "answer"))
            cost, answer = found[case][-1]
            print(f"{leads} {case}: cpu {cost.cpu:.1f}, wall {cost.wall:.1f}", file=sys.stderr, flush=True)
            _equal(answer["found"], found[CASES[0]][0][1]["found"], f"{case}, {leads} leads")
    shutil.rmtree(data)
    return found


def _case(script: str, case: str, data: Path, cache: Path, answer: Path) -> tuple[Cost, dict]:
    env = {"DETENTE_CACHE": str(cache), "DETENTE_KEY": "a key for benchmarks only"}
    answer.unlink(missing_ok=True)
    cost = measured.run([sys.executable, script, "--case", case, "--folder", data], answer, env)
    return cost, json.loads(answer.read_text(encoding="utf-8").splitlines()[-1])


def _equal(found: dict[str, float], known: dict[str, float], name: str) -> None:
    """Raise AssertionError where a number that both have differs, or where one has none of a table's."""
    shared = found.keys() & known.keys()
    tables = [{key.split("/")[0] for key in keys} for keys in (found, known, shared)]
    assert tables[0] == tables[1] == tables[2], f"{name}: other tables"
    rows = [{key.rsplit("/", 1)[0] for key in keys} for keys in (found, known)]
    assert rows[0] == rows[1], f"{name}: other rows {sorted(rows[0] ^ rows[1])[:5]}"
    wrong = [key for key in sorted(shared) if not _close(found[key], known[key])]
    assert not wrong, f"{name}: " + "; ".join(f"{key} {found[key]} {known[key]}" for key in wrong[:20])


def _close(one: float, two: float) -> bool:
    both_missing = math.isnan(one) and math.isnan(two)
    return both_missing or math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=1e-12)


# --- the result ---
def report(found: dict[int, dict[str, list[tuple[Cost, dict]]]]) -> str:
    parts = [measured.setting(), _costs(found), _growth(found)]
    numbers = len(found[min(found)]["plain pandas"][0][1]["found"])
    return "\n\n".join([*parts, f"Equal: {numbers} numbers of plain pandas at the smallest size."])


def _costs(found: dict) -> str:
    rows = []
    for leads, cases in found.items():
        base = [cost.cpu for cost, _ in cases["plain pandas"]]
        for case, runs in cases.items():
            load, metrics = (
                measured.median([answer[step][0] for _, answer in runs]) for step in ("load", "metrics")
            )
            rows.append([
                f"{leads:,} {case}", f"{load:.1f}", f"{metrics:.1f}",
                f"{measured.median([cost.cpu for cost, _ in runs]):.1f}",
                f"{measured.median([cost.wall for cost, _ in runs]):.1f}",
                f"{max(cost.memory for cost, _ in runs):,.0f}",
                measured.spread([cost.cpu / other for (cost, _), other in zip(runs, base, strict=True)]),
            ])  # fmt: skip
    heads = ("leads, case", "load CPU s", "metrics CPU s", "CPU s", "wall s", "peak MB", "CPU / pandas")
    return measured.table(heads, rows)


def _growth(found: dict) -> str:
    """How much the CPU of a case grows when the leads grow tenfold: 10 is linear."""
    sizes, rows = sorted(found), []
    for case in CASES:
        cpu = [measured.median([cost.cpu for cost, _ in found[leads][case]]) for leads in sizes]
        rows.append([case, *(f"{after / before:.1f}" for before, after in zip(cpu, cpu[1:], strict=False))])
    heads = ("growth of CPU", *(f"{a:,} to {b:,}" for a, b in zip(sizes, sizes[1:], strict=False)))
    return measured.table(heads, rows)


if __name__ == "__main__":
    main()
