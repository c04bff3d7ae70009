"""The commands: fast to ask for help, plain in what they print, silent about nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import synthetic


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, encoding="utf-8", check=False, timeout=120
    )


def test_asking_for_help_loads_no_heavy_package() -> None:
    heavy = "{'pandas', 'numpy', 'papermill', 'ibis', 'matplotlib', 'pydantic'}"
    done = python("-c", f"import sys, detente.run.cli; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr


def test_python_m_detente_is_the_command_and_lists_the_exit_codes() -> None:
    done = python("-m", "detente", "--help")
    assert done.returncode == 0
    for word in ("run", "check", "demo", "init", "5 another run works on this client"):
        assert word in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "arguments", [["fly"], ["run"], ["run", "absent.yml"], ["check", "absent.yml"], ["init", "absent"]]
)
def test_what_cannot_be_understood_ends_with_2(arguments: list[str]) -> None:
    done = python("-m", "detente", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_check_shows_profile_columns_rows_and_what_is_not_used(tmp_path: Path) -> None:
    done = synthetic.detente(tmp_path, "check", synthetic.audit(tmp_path))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "ООО «Тест»: 2026-01-31 to 2026-01-31"
    assert "deals: deals.csv (generic)" in lines
    assert "  rows: 1 read = 1 kept + 0 quarantined + 0 dropped" in lines
    assert "  created_at <- Created" in lines
    assert "  not used: Comment" in lines


def test_a_terminal_of_another_encoding_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp866")
    monkeypatch.setenv("PYTHONUTF8", "0")
    done = synthetic.detente(tmp_path, "check", synthetic.audit(tmp_path))
    assert (done.returncode, "ООО «Тест»" in done.stdout) == (0, True)
