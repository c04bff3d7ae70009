"""The notebooks of the sample by `detente run`, against the commands that it replaces.

The naive way is, for each notebook, the command `papermill` and then `jupyter nbconvert --to html`, with the
same parameters. It is measured twice: beside JupyterLab, as a consultant's machine has it, and in the lean
environment of `requirements.lock`. All ways take turns, so that a busy machine hits them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import measured
from measured import ROOT, Cost

AUDIT = ROOT / "data" / "sample" / "audit.yml"
LANGUAGE = "ru"
ORDER = sorted(
    (path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")), key=lambda n: (n == "00_summary", n)
)
TARGET = 0.45


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lab", type=Path, help="an environment with the extra `lab`; made where not given")
    stated = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="detente-bench-") as name:
        folder = Path(name)
        lab = stated.lab or make_lab(folder / "lab", folder / "lab.log")
        print(report(compare(lab, folder, stated.repeats)), flush=True)


# --- the environment with JupyterLab ---
def make_lab(target: Path, log: Path) -> Path:
    """The locked packages and the extra `lab`, by uv where it is on the PATH, else by venv and pip."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = target / "bin" / "python"
    if uv := shutil.which("uv"):
        measured.run([uv, "venv", "--quiet", "--python", sys.executable, target], log)
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    else:
        measured.run([sys.executable, "-m", "venv", target], log)
        install = [python, "-m", "pip", "install", "--quiet", "--no-input"]
    measured.run([*install, "--require-hashes", "-r", ROOT / "requirements.lock"], log)
    measured.run([*install, *project["optional-dependencies"]["lab"]], log)
    measured.run([*install, "--no-deps", "--no-build-isolation", "--no-index", "-e", ROOT], log)
    return target


# --- the ways ---
def compare(lab: Path, folder: Path, repeats: int) -> dict[str, list[Cost]]:
    """Every way, `repeats` times in turn, after one round that only warms up. way -> its costs."""
    lean = Path(sys.prefix)
    ways = {
        "detente run": lambda place: ours(place),
        "commands, lab": lambda place: commands(lab, place),
        "commands, lean": lambda place: commands(lean, place),
    }
    found: dict[str, list[Cost]] = {name: [] for name in [*ways, *(f"{name}, first run" for name in ways)]}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            for cached in (False, True):  # the first run reads the exports, the second finds the tables
                place = folder / "now"
                place.mkdir()
                with _environment(folder / "cache", keep=cached):
                    cost, findings = way(place)
                _equal(name, findings, folder / "findings.json")
                shutil.rmtree(place)
                if turn:
                    found[name if cached else f"{name}, first run"].append(cost)
                print(f"{turn} {name}, {cached=}: CPU {cost.cpu:.1f}, wall {cost.wall:.1f}", file=sys.stderr)
    return found


@contextmanager
def _environment(cache: Path, keep: bool) -> Iterator[None]:
    if not keep:
        shutil.rmtree(cache, ignore_errors=True)
    os.environ |= {
        "DETENTE_CACHE": str(cache),
        "DETENTE_KEY": "a key for benchmarks only",
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    yield


def ours(place: Path) -> tuple[Cost, dict[str, list]]:
    command = [Path(sys.prefix) / "bin" / "detente", "run", AUDIT, "--jobs", "2", "--language", LANGUAGE]
    cost = measured.run([*command, "--output", place], place / "log")
    [findings] = place.glob("*/*/findings.json")
    return cost, _by_id(json.loads(findings.read_text(encoding="utf-8")))


def commands(environment: Path, place: Path) -> tuple[Cost, dict[str, list]]:
    """papermill and nbconvert for each notebook, one after the other."""
    cost, binaries = Cost(0, 0, 0), environment / "bin"
    env = {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    for name in ORDER:
        parameters = {"audit": AUDIT, "language": LANGUAGE, "output": place}
        if name == "00_summary":
            parameters["findings"] = place
        stated = [part for key, value in parameters.items() for part in ("-r", key, value)]
        source, done = ROOT / "notebooks" / f"{name}.ipynb", place / f"{name}.ipynb"
        papermill = [binaries / "papermill", source, done, "--cwd", source.parent, "-k", "python3", *stated]
        cost += measured.run(papermill, place / "log", env)
        cost += measured.run([binaries / "jupyter", "nbconvert", "--to", "html", done], place / "log", env)
    findings = [json.loads((place / f"{name}.json").read_text(encoding="utf-8")) for name in ORDER]
    return cost, _by_id([finding for many in findings for finding in many])


def _by_id(findings: Sequence[dict]) -> dict[str, list]:
    return {item["id"]: [item["value"], item["low"], item["high"], item["n"]] for item in findings}


def _equal(name: str, findings: dict[str, list], known: Path) -> None:
    """Every way must find the same numbers: else it is not the same work."""
    text = json.dumps(findings, sort_keys=True)
    if not known.exists():
        known.write_text(text, encoding="utf-8")
    assert text == known.read_text(encoding="utf-8"), f"{name}: other findings than the first way"


# --- the result ---
def report(found: dict[str, list[Cost]]) -> str:
    rows = []
    for name, costs in found.items():
        base = found["commands, lab" + (", first run" if name.endswith("first run") else "")]
        pairs = list(zip(costs, base, strict=True))
        rows.append(
            [
                name,
                f"{measured.median([cost.cpu for cost in costs]):.1f}",
                measured.spread([cost.cpu / other.cpu for cost, other in pairs]),
                f"{measured.median([cost.wall for cost in costs]):.1f}",
                measured.spread([cost.wall / other.wall for cost, other in pairs]),
            ]
        )
    heads = ("way", "CPU s", "CPU ratio [repeats]", "wall s", "wall ratio [repeats]")
    ratio = measured.median(
        [a.cpu / b.cpu for a, b in zip(found["detente run"], found["commands, lab"], strict=True)]
    )
    verdict = f"detente run / commands with JupyterLab: {ratio:.2f} of the CPU (target: {TARGET} or less)."
    return f"{measured.setting()}\n\n{measured.table(heads, rows)}\n\n{verdict}"


if __name__ == "__main__":
    main()
