"""Commands and their cost: CPU seconds of a process and of all that it started, wall seconds, peak memory."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("duckdb", "ibis-framework", "pandas", "pyarrow", "papermill", "nbconvert", "ipykernel")


@dataclass(frozen=True)
class Cost:
    """cpu: user and system seconds, waited-for children included. memory: MB, of the largest process."""

    cpu: float
    wall: float
    memory: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall, max(self.memory, other.memory))


def run(command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end; what it prints goes to `log`. Raises SystemExit where it fails.

    Compiled Python is kept, as on anybody's machine, even where this one is told not to. Processes that the
    command started and left behind are waited for and counted: nothing is cheap by being elsewhere.
    """
    _adopt_orphans()
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    with log.open("ab") as stream:
        child = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env={**around, **(env or {})},
            stdout=stream, stderr=stream, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        sys.exit("\n".join([*said, f"{' '.join(map(str, command))} ended with {child.returncode}"]))
    every = [used, *_orphans()]
    cpu = sum(one.ru_utime + one.ru_stime for one in every)
    return Cost(cpu, wall, max(one.ru_maxrss for one in every) / 1024)


@cache
def _adopt_orphans() -> None:
    """Become the parent of what a command leaves behind (Linux: PR_SET_CHILD_SUBREAPER)."""
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(36, 1, 0, 0, 0):
        sys.exit("only Linux tells the cost of processes that a command leaves behind")


def _orphans() -> Iterator[resource.struct_rusage]:
    while True:
        try:
            yield os.wait4(-1, 0)[2]
        except ChildProcessError:
            return


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median and, in brackets, every repeat."""
    return f"{median(values):{form}} [{' '.join(f'{value:{form}}' for value in values)}]"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def setting() -> str:
    """What the figures hold for: cores, memory, Python and packages."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except ModuleNotFoundError:
            continue
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {python}; {', '.join(found)}"
