"""The walk into journeys, stage conversion and curves by age on 1 and 5 million leads (4 and 20 million moves).

Each case is a process of its own:

    first load     `detente` on exports that it sees for the first time, then the metrics
    cached load    the same from the tables that it has kept
    walk           the stage log of the kept tables walked once more into one row per lead
    plain pandas   the same exports and the same numbers in pandas and statsmodels, lead by lead
    pm4py          a ready, typed event log (nothing to read, decide or clean): its own answers, question by question

`detente` and pandas must find the same numbers. pm4py answers other questions: how many leads saw a stage (which
must equal ours), how long cases and stages took among what is closed, which stage follows which, and how many
different ways there are. It has no conversion that allows for open leads, so only the time is set beside ours.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import measured
from measured import ROOT, Cost
from metrics import _equal, _flat

SIZES = (1_000_000, 5_000_000)
CASES = ("first load", "cached load", "walk", "plain pandas")
STEPS = ("load", "flow", "incidence")
AGES = (7, 30, 60, 90)
LIMIT = 6 * 1024  # MB that `detente` may take
PM4PY = "pm4py==2.7.23.11"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--leads", type=int, nargs="+", default=SIZES)
    parser.add_argument("--pm4py", type=Path, help="an environment that has pm4py; made where not given")
    parser.add_argument("--no-pm4py", action="store_true", help="leave pm4py out")
    parser.add_argument("--minutes", type=float, default=30, help="for one run of pandas or pm4py")
    parser.add_argument("--memory", type=float, default=16, help="GiB of address space for pandas or pm4py")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # in a child process
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.case:
        print(json.dumps(child(stated.case, stated.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="detente-bench-") as name:
        folder = Path(name)
        other = None if stated.no_pm4py else stated.pm4py or make_pm4py(folder / "pm4py", folder / "log")
        print(report({leads: compare(leads, folder, other, stated) for leads in stated.leads}))


def make_pm4py(target: Path, log: Path) -> Path:
    measured.run([sys.executable, "-m", "venv", target], log)
    measured.run(
        [target / "bin" / "python", "-m", "pip", "install", "-q", "--no-input", PM4PY, "pyarrow"], log
    )
    return target


# --- in a child process ---
def child(case: str, folder: Path) -> dict:
    """CPU and wall seconds of each step, after imports, and every number that was found."""
    if case == "log":
        return _write_log(folder)
    load, *steps = {"plain pandas": _plain, "walk": _walk}.get(case, _ours)()
    marks, found = [(time.process_time(), time.monotonic())], {}
    tables = load(folder)
    marks.append((time.process_time(), time.monotonic()))
    for step in steps:
        found |= step(tables)
        marks.append((time.process_time(), time.monotonic()))
    costs = [
        [after[0] - before[0], after[1] - before[1]] for before, after in zip(marks, marks[1:], strict=False)
    ]
    return {"steps": costs, "found": _flat(found)}


def _plain():
    import plain_funnel

    return plain_funnel.load, plain_funnel.flow, plain_funnel.incidence


def _ours():
    from detente import engine, intake
    from detente.metrics import flow, incidence

    engine.connection()

    def count(tables) -> dict:
        steps = flow.steps(tables.journeys, tables.audit.funnel.stages).set_index("order")
        flow.sojourns(tables.journeys, tables.as_of, tables.audit.funnel.stages)
        return {"steps": steps[["entered", "passed", "lost", "open"]]}

    def curves(tables) -> dict:
        ages = flow.ages(tables.journeys, tables.as_of, "month")
        months = {"all": incidence.curve(ages)} | incidence.by_group(ages)
        incidence.equal_age(ages, ripe_days=incidence.maturity(months["all"]).days)
        return {"won": {month: _shares(incidence, curve) for month, curve in months.items()}}

    return lambda folder: intake.load(folder / "audit.yml")[0], count, curves


def _shares(incidence, curve) -> dict[str, float]:
    found = {}
    for age in AGES:
        one = incidence.at(curve, age)
        if one.status == "ok" and one.at_risk:
            found |= {f"share_{age}": one.share, f"error_{age}": one.se}
    return found


def _walk():
    from detente import engine
    from detente.intake import journeys

    def walk(tables) -> dict:
        walked = journeys.walk(tables.stages, tables.all_journeys, tables.audit)
        names = [name for name in walked.columns if name.startswith("entered_")]
        counts = walked.aggregate(leads=walked.count(), **{name: walked[name].count() for name in names})
        return {"walked": engine.frame(counts)}

    return _ours()[0], walk


def _write_log(folder: Path) -> dict:
    """The moves as a typed event log, for pm4py; a row that is there twice is one move."""
    import duckdb

    rows = f"read_parquet('{folder / 'stage_history.parquet'}')"
    at = "strptime(\"Дата\", '%d.%m.%Y %H:%M:%S')"
    typed = f'select distinct "ID сделки" as lead_id, "Этап «в»" as stage, {at} as at from {rows}'
    done = duckdb.sql(f"copy ({typed}) to '{folder / 'log.parquet'}' (format parquet)")
    per_stage = duckdb.sql(
        f"select stage, count(distinct lead_id) from '{folder / 'log.parquet'}' group by all"
    ).fetchall()
    moves = duckdb.sql(f"select count(*) from '{folder / 'log.parquet'}'").fetchall()[0][0]
    return {"moves": moves, "per_stage": dict(per_stage), "done": done is None}


# --- in the parent ---
@dataclass(frozen=True)
class Run:
    """One run of one case; `answer` is what it printed last, `ended` why it did not finish ("" where it did)."""

    cost: Cost
    answer: list[dict]
    ended: str = ""


def compare(leads: int, folder: Path, other: Path | None, stated) -> dict[str, list[Run]]:
    """Draw a company of this size and run every case in turn. case -> its runs."""
    data, cache = folder / str(leads), folder / "cache"
    made = [sys.executable, ROOT / "data" / "sample" / "make_sample.py"]
    measured.run([*made, "--leads", str(leads), "--output", data], folder / "log")
    env = {"DETENTE_CACHE": str(cache), "DETENTE_KEY": "a key for benchmarks only"}
    cases = {case: [sys.executable, __file__, "--case", case, "--folder", data] for case in CASES}
    log = _limited([sys.executable, __file__, "--case", "log", "--folder", data], env, 3600, None)
    if other:
        cases["pm4py"] = [
            other / "bin" / "python",
            ROOT / "benchmarks" / "pm4py_log.py",
            data / "log.parquet",
        ]
    found: dict[str, list[Run]] = {"log": [log], **{case: [] for case in cases}}
    for _ in range(stated.repeats):
        shutil.rmtree(cache, ignore_errors=True)
        for case, command in cases.items():
            guarded = case in ("plain pandas", "pm4py")
            run = _limited(
                command, env, stated.minutes * 60 if guarded else 7200, stated.memory if guarded else None
            )
            found[case].append(run)
            _tell(leads, case, run)
            if case in ("cached load", "plain pandas") and not run.ended:
                _equal(
                    run.answer[-1]["found"], found[CASES[0]][0].answer[-1]["found"], f"{case}, {leads} leads"
                )
            if case == "pm4py":
                _same_leads(run, log)
    shutil.rmtree(data)
    return found


def _limited(command: list, env: dict, seconds: float, gib: float | None) -> Run:
    """Run to the end, or for so long; with a limit it may fail, without one a failure ends the benchmark."""

    def bound() -> None:
        if gib:
            resource.setrlimit(resource.RLIMIT_AS, (int(gib * 2**30),) * 2)

    began, stopped = time.monotonic(), threading.Event()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        run = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env={**os.environ, **env}, stdout=out, stderr=said,
            stdin=subprocess.DEVNULL, preexec_fn=bound,
        )  # fmt: skip
        timer = threading.Timer(seconds, lambda: (stopped.set(), run.kill()))
        timer.start()
        _, status, used = os.wait4(run.pid, 0)
        timer.cancel()
        run.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        out.seek(0), said.seek(0)
        answer = [json.loads(line) for line in out.read().decode().splitlines() if line.startswith("{")]
        last = (said.read().decode(errors="replace").strip().splitlines() or [""])[-1]
    if run.returncode and gib is None:
        sys.exit(f"{last}\n{' '.join(map(str, command))} ended with {run.returncode}")
    why = (
        f"stopped after {seconds / 60:g} min"
        if stopped.is_set()
        else f"failed: {last[:60] or run.returncode}"
    )
    cost = Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)
    return Run(cost, answer, why if run.returncode else "")


def _same_leads(run: Run, log: Run) -> None:
    """pm4py and the engine must count the same leads per stage of the same log."""
    [found] = [line["found"] for line in run.answer if line["step"] == "leads per stage"] or [None]
    assert found is None or found == log.answer[-1]["per_stage"], "pm4py counts other leads per stage"


def _tell(leads: int, case: str, run: Run) -> None:
    cost = f"cpu {run.cost.cpu:.1f}, wall {run.cost.wall:.1f}, {run.cost.memory:,.0f} MB"
    print(f"{leads} {case}: {cost} {run.ended}", file=sys.stderr, flush=True)


# --- the result ---
def report(found: dict[int, dict[str, list[Run]]]) -> str:
    moves = ", ".join(
        f"{leads:,} leads have {cases['log'][0].answer[-1]['moves']:,} moves"
        for leads, cases in found.items()
    )
    parts = [measured.setting(), moves, _costs(found), _growth(found), _questions(found)]
    return "\n\n".join([*filter(None, parts), _equals(found), _memory(found)])


def _equals(found: dict) -> str:
    """How many numbers of plain pandas were compared, at every size at which it came to its end."""
    compared = [
        f"{len(run.answer[-1]['found'])} at {leads:,} leads"
        for leads, cases in found.items() for run in cases["plain pandas"][:1] if not run.ended
    ]  # fmt: skip
    return f"Equal numbers of plain pandas: {', '.join(compared) or 'none, it did not finish'}."


def _costs(found: dict) -> str:
    rows = []
    for leads, cases in found.items():
        for case, runs in cases.items():
            done = [run for run in runs if not run.ended]
            if case == "log":
                continue
            steps = [[run.answer[-1]["steps"][place][0] for run in done if place < len(run.answer[-1].get("steps", []))]
                     for place in range(len(STEPS))]  # fmt: skip
            rows.append([
                f"{leads:,} {case}", *(f"{measured.median(step):.1f}" if step else "" for step in steps),
                f"{measured.median([run.cost.cpu for run in runs]):.1f}",
                f"{measured.median([run.cost.wall for run in runs]):.1f}",
                f"{max(run.cost.memory for run in runs):,.0f}", "; ".join(sorted({run.ended for run in runs} - {""})),
            ])  # fmt: skip
    heads = (
        "leads, case",
        "load CPU s",
        "flow (or walk) CPU s",
        "incidence CPU s",
        "CPU s",
        "wall s",
        "peak MB",
        "",
    )
    return measured.table(heads, rows)


def _growth(found: dict) -> str:
    """CPU per lead against the smallest size: 1 is linear."""
    if len(found) < 2:
        return ""
    sizes, rows = sorted(found), []
    for case in filter(lambda name: name != "log", found[sizes[0]]):
        cpu = [
            measured.median([run.cost.cpu for run in found[leads][case]]) / leads
            if case in found[leads] and not any(run.ended for run in found[leads][case]) else None
            for leads in sizes
        ]  # fmt: skip
        rows.append([case, *(f"{one / cpu[0]:.2f}" if one and cpu[0] else "-" for one in cpu)])
    return measured.table(("CPU per lead, smallest size = 1", *(f"{leads:,}" for leads in sizes)), rows)


def _questions(found: dict) -> str:
    """Wall seconds of pm4py, question by question, as far as it came."""
    rows = [
        [f"{leads:,} {line['step']}", f"{line['wall']:.1f}"]
        for leads, cases in found.items() for line in (cases["pm4py"][0].answer if "pm4py" in cases else [])
    ]  # fmt: skip
    return measured.table(("leads, question to pm4py", "wall s"), rows) if rows else ""


def _memory(found: dict) -> str:
    peak = max(run.cost.memory for cases in found.values() for case in CASES[:3] for run in cases[case])
    return f"`detente` took {peak:,.0f} MB at most, {'within' if peak <= LIMIT else 'OVER'} {LIMIT:,} MB."


if __name__ == "__main__":
    main()
