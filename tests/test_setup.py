"""Two commands on a fresh machine: the lock, the conda file and the Makefile agree, and name no registry."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# Spelled in halves: this file is one of those that are searched.
HOSTS = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + "hosted",
            r"files\." + "python",
            r"npm" + r"js\.org",
            r"deb\." + "debian",
        ]
    )
)
BINARY = {".png", ".xlsx", ".xls", ".parquet", ".gz", ".jpg", ".pdf", ".zip"}


def stated(root: Path, *extras: str) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [
        line for name in extras for line in project["optional-dependencies"][name]
    ]
    return [Requirement(line) for line in lines]


def locked(root: Path) -> Iterator[tuple[Requirement, int]]:
    """Each pin of the lock and how many hashes it has."""
    text = (root / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            pin, *hashes = line.split("--hash=sha256:")
            yield Requirement(pin.strip()), len(hashes)


def test_every_pin_of_the_lock_has_a_hash(root: Path) -> None:
    pins = list(locked(root))
    assert len(pins) > 50
    assert [str(pin) for pin, hashes in pins if hashes == 0 or len(pin.specifier) != 1] == []


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_the_lock_holds_what_pyproject_asks_for_on_each_python(root: Path, python: str) -> None:
    here = {"python_full_version": python, "python_version": python[:4]}
    pins = {
        canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version)
        for pin, _ in locked(root)
        if pin.marker is None or pin.marker.evaluate(here)
    }
    wanted = [*stated(root, "test"), Requirement("setuptools>=77")]
    missing = [str(item) for item in wanted if pins.get(canonicalize_name(item.name)) not in item.specifier]
    assert missing == []


def test_a_scheduled_machine_gets_no_jupyterlab(root: Path) -> None:
    assert not {"jupyterlab", "ipywidgets"} & {canonicalize_name(pin.name) for pin, _ in locked(root)}


def test_the_conda_file_states_the_same_ranges_as_pyproject(root: Path) -> None:
    lines = re.findall(r'^      - "(.+)"$', (root / "environment.yml").read_text(encoding="utf-8"), re.M)
    assert lines[-1] == "-e ."
    assert {str(Requirement(line)) for line in lines[:-1]} == {
        str(item) for item in stated(root, "lab", "test")
    }


def test_no_file_of_the_repository_names_a_package_registry(root: Path) -> None:
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [root / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    texts = [path for path in paths if path.is_file() and path.suffix not in BINARY]
    assert [
        str(path) for path in texts if HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))
    ] == []


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_a_second_make_sets_nothing_up_and_a_changed_lock_does(root: Path, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(root / name, tmp_path / name)

    def plan() -> str:
        done = subprocess.run(
            ["make", "-n", "demo"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    first = plan()
    assert "--require-hashes -r requirements.lock" in first
    mark = tmp_path / re.findall(r"touch (\S+)", first)[-1]
    mark.parent.mkdir()
    mark.touch()
    assert "install" not in plan()
    with (tmp_path / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    assert "--require-hashes" in plan()


def test_continuous_integration_runs_the_test_command_of_the_readme(root: Path) -> None:
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^make test\b", script.read_text(encoding="utf-8"), re.M)
