"""The house: imports point downwards, each module stays small, and no name says nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "lib" / "detente"
FLOOR = {"schema", "stated", "terms", "audit", "engine"}  # known to all
ROOMS = {"intake", "metrics", "present", "run"}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
JUPYTER = {"papermill", "nbconvert", "nbclient", "nbformat"}


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, also inside functions."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the whole name of what is imported"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[tuple[str, str]]:
    """(room or floor module, module inside) of each import of this package."""
    names = (name.split(".") for name in imported(path) if name.split(".")[0] == "detente")
    return {(parts[1], parts[2] if len(parts) > 2 else "") for parts in names if len(parts) > 1}


def room_of(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else "floor"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_downwards(path: Path) -> None:
    may = {"floor": FLOOR, "run": FLOOR | ROOMS}.get(room_of(path), FLOOR | {room_of(path)}) | {"__version__"}
    if path.name == "__main__.py":
        may = {"run"}
    assert {room for room, _ in ours(path)} <= may


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) == "metrics"], ids=str)
def test_no_metric_imports_another_save_intervals(path: Path) -> None:
    assert {module for room, module in ours(path) if room == "metrics"} <= {"intervals"}


def test_the_ground_floor_holds_only_what_the_design_names() -> None:
    assert {path.stem for path in MODULES if len(path.parts) == 1} == FLOOR | {"__init__", "__main__"}
    rooms = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert rooms == ROOMS


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) != "run"], ids=str)
def test_only_the_run_room_knows_notebooks(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & JUPYTER


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_is_small_and_its_name_says_what_it_answers(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) <= 380
