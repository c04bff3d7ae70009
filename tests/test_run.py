"""The runner on synthetic notebooks: what may be published, what a failure says, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import synthetic
from detente.run import lock

# What a notebook may do to end without a report -> the status that names it.
FAULTS = {
    "01_raises": ("raise ValueError('no such channel')", "cell_failed"),
    "02_dies": ("import os; os._exit(1)", "kernel_died"),
    "03_exits": ("raise SystemExit(0)", "incomplete"),
    "04_hangs": ("import time; time.sleep(600)", "timeout"),
    "05_no_findings": ("pass", "incomplete"),
    "06_no_piece": (synthetic.WRITE.format(name="06_no_piece", value=1, low=1, high=1), "incomplete"),
    "07_long": ("raise ValueError('x' * 5000)", "cell_failed"),
}
# What a notebook may leave in its process, its environment and its streams; and that the next one meets none of it.
TRACES = """import builtins, decimal, os, pandas
builtins.planted = os.environ["PLANTED"] = "here"
pandas.set_option("display.max_rows", 7)
decimal.getcontext().prec = 3
os.write(1, b"noise"), os.write(2, b"noise")"""
UNTOUCHED = """import builtins, decimal, os, pandas
assert not hasattr(builtins, "planted") and "PLANTED" not in os.environ
assert pandas.get_option("display.max_rows") != 7 and decimal.getcontext().prec == 28"""


@dataclass
class Ended:
    """A good run, then a run of faulty notebooks for the same client."""

    client: Path
    good: subprocess.CompletedProcess[str]
    bad: subprocess.CompletedProcess[str]
    before: dict[str, bytes]

    @property
    def failed(self) -> Path:
        return next((self.client / "failed").iterdir())

    @property
    def statuses(self) -> dict[str, str]:
        facts = json.loads((self.failed / "manifest.json").read_text(encoding="utf-8"))
        return {item["notebook"]: item["status"] for item in facts["notebooks"]}


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    home = tmp_path_factory.mktemp("Папка с пробелом {x}")
    audit, output = synthetic.audit(home / "аудит"), home / "отчёты"
    synthetic.good(home / "good" / "01_fine.ipynb", TRACES)
    synthetic.good(home / "good" / "00_summary.ipynb", UNTOUCHED)
    for name, (source, _) in FAULTS.items():
        show = [] if name == "06_no_piece" else [synthetic.SHOW.format(text="half")]
        synthetic.write(home / "bad" / f"{name}.ipynb", *show, source, "after = 1")
    for name in ("00_summary", "08_fine"):
        synthetic.good(home / "bad" / f"{name}.ipynb")
    good = synthetic.detente(home / "good", "run", audit, "--output", output)
    before = contents(output / "ooo-test")
    bad = synthetic.detente(home / "bad", "run", audit, "--output", output, "--timeout", "4")
    return Ended(output / "ooo-test", good, bad, before)


def test_a_good_run_publishes_and_says_only_where(ended: Ended) -> None:
    assert (ended.good.returncode, ended.good.stderr) == (0, "")
    assert Path(ended.good.stdout.strip()).name == "index.html"
    assert Path(ended.good.stdout.strip()).is_file()


@pytest.mark.parametrize("name", FAULTS)
def test_each_way_to_fail_has_its_name(ended: Ended, name: str) -> None:
    assert ended.statuses[name] == FAULTS[name][1]


def test_one_failed_notebook_fails_the_run_and_skips_the_summary(ended: Ended) -> None:
    assert ended.bad.returncode == 1
    assert ended.statuses["08_fine"] == "ok"
    assert ended.statuses["00_summary"] == "skipped"


def test_a_failed_run_leaves_the_last_good_report_untouched(ended: Ended) -> None:
    now = {name: data for name, data in contents(ended.client).items() if not name.startswith("failed")}
    assert now == ended.before
    assert "the last good report stays" in ended.bad.stderr


def test_a_failed_run_says_what_happened_in_short_lines_and_keeps_the_partial(ended: Ended) -> None:
    lines = ended.bad.stderr.splitlines()
    assert "01_raises: cell_failed: cell 4: ValueError: no such channel" in lines
    assert max(len(line) for line in lines if line.startswith("07_long")) < 400
    assert not any("Traceback" in line or "WARNING" in line for line in lines)
    assert (ended.failed / "01_raises.ipynb").is_file()


def test_no_work_folder_and_no_progress_is_left_by_a_failed_run(ended: Ended) -> None:
    assert not list(ended.client.glob(".tmp-*"))
    assert "08_fine" not in ended.bad.stdout + ended.bad.stderr


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--from", "31.01.2026"], 2, "write it like 2026-01-31"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], 2, "swap the two dates"),
        (["--notebook", "01_fime"], 2, "did you mean «01_fine»"),
        (["--jobs", "0"], 2, "--jobs"),
    ],
)
def test_a_wrong_argument_ends_with_2_and_a_remedy(
    tmp_path: Path, more: list[str], code: int, words: str
) -> None:
    synthetic.good(tmp_path / "nb" / "01_fine.ipynb")
    audit = synthetic.audit(tmp_path)
    done = synthetic.detente(tmp_path / "nb", "run", audit, "--output", tmp_path / "out", *more)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_notebooks_that_papermill_would_run_wrongly_are_refused_together(tmp_path: Path) -> None:
    book = tmp_path / "nb"
    synthetic.write(book / "01_unknown.ipynb", "pass", parameters=synthetic.PARAMETERS[:-1])
    synthetic.write(book / "02_no_tag.ipynb", "pass", tag="")
    synthetic.write(book / "03_no_kernel.ipynb", "pass", kernel="")
    audit = synthetic.audit(tmp_path)
    done = synthetic.detente(book, "run", audit, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert "01_unknown.ipynb: does not know the parameter «output»" in done.stderr
    assert "02_no_tag.ipynb: has 0 cells tagged parameters" in done.stderr
    assert "03_no_kernel.ipynb: has no kernelspec" in done.stderr


def test_bad_data_ends_with_3_before_a_kernel_starts(tmp_path: Path) -> None:
    synthetic.write(tmp_path / "nb" / "01_marks.ipynb", f"open({str(tmp_path / 'started')!r}, 'w').close()")
    audit = synthetic.audit(tmp_path)
    (tmp_path / "broken").touch()
    done = synthetic.detente(tmp_path / "nb", "run", audit, "--output", tmp_path / "out")
    assert done.returncode == 3
    assert done.stderr.strip() == "deals.csv, column «Created»: the column is missing"
    assert not (tmp_path / "started").exists()


@dataclass
class Running:
    """A run whose notebook waits in its kernel, and that kernel's process."""

    process: subprocess.Popen[bytes]
    client: Path
    audit: Path
    notebooks: Path
    kernel: int


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    """One run per signal, started together; each has an earlier good report."""
    started = {}
    for name in ("SIGTERM", "SIGINT", "SIGKILL"):
        home = tmp_path_factory.mktemp(name)
        mark = home / "kernel"
        wait = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
        synthetic.write(home / "nb" / "01_waits.ipynb", wait)
        audit, client = synthetic.audit(home), home / "out" / "ooo-test"
        (client / "20260101T000000Z-en").mkdir(parents=True)
        (client / "latest.html").write_text("good", encoding="utf-8")
        command = synthetic.command("run", audit, "--output", home / "out")
        with (home / "errors").open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                command, env=synthetic.environment(home / "nb"), stderr=errors, preexec_fn=heeds_signals
            )
        started[name] = Running(process, client, audit, home / "nb", 0)
    for run in started.values():
        mark = run.audit.with_name("kernel")
        wait_until(lambda mark=mark: mark.exists() and mark.read_text())
        run.kernel = int(mark.read_text())
    yield started
    for run in started.values():
        run.process.kill()
        run.process.wait()


def heeds_signals() -> None:
    """A background job of a shell is born deaf to Ctrl-C, and so are its tests; `detente` respects that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that must become true; fail when it does not."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.1)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_second_run_of_the_client_ends_with_5_and_names_the_first(running: dict[str, Running]) -> None:
    first = running["SIGTERM"]
    second = synthetic.detente(first.notebooks, "run", first.audit, "--output", first.client.parent)
    assert second.returncode == 5
    assert f"process {first.process.pid}, started 20" in second.stderr
    assert first.process.poll() is None


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGKILL", -signal.SIGKILL)])
def test_a_stopped_run_leaves_no_process_no_folder_and_the_last_report(
    running: dict[str, Running], name: str, code: int
) -> None:
    run = running[name]
    family = [child.pid for child in psutil.Process(run.process.pid).children(recursive=True)]
    assert run.kernel in family
    run.process.send_signal(getattr(signal, name))
    assert run.process.wait(timeout=60) == code
    for pid in family:
        wait_until(lambda pid=pid: gone(pid))
    wait_until(lambda: not list(run.client.glob(".tmp-*")))
    left = sorted(path.name for path in run.client.iterdir())
    assert left == [".lock", "20260101T000000Z-en", "latest.html"]
    assert (run.client / "latest.html").read_text(encoding="utf-8") == "good"
    errors = run.audit.with_name("errors").read_text(encoding="utf-8")
    if name == "SIGKILL":  # only Python's own tracker of semaphores is left to speak
        assert "Traceback" not in errors
    else:
        assert errors == "stopped; nothing was published\n"


def test_the_lock_falls_with_its_holder(tmp_path: Path) -> None:
    with lock.held(tmp_path), pytest.raises(lock.Locked, match=f"process {os.getpid()}"), lock.held(tmp_path):
        pass
    with lock.held(tmp_path):
        pass


def test_without_flock_a_lock_file_of_a_dead_process_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / ".lock").write_text(json.dumps({"pid": ended.pid, "started": "x"}), encoding="utf-8")
    with lock.held(tmp_path), pytest.raises(lock.Locked), lock.held(tmp_path):
        pass
    assert not (tmp_path / ".lock").exists()
