"""The papers say only what is there: links, commands, options, notebooks, exit codes; and both READMEs say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from detente import __version__, run
from detente.run.cli import app

ROOT = Path(__file__).resolve().parents[1]
READMES = ["README.md", "README.ru.md"]
PAPERS = [
    *READMES,
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "data/sample/README.md",
    "reports/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Spelled in halves: this file is one of those that must not hold a path of one machine.
MACHINE = re.compile(
    "|".join(["/" + "work/", "/" + "root/", "/" + "tmp/", "/" + r"home/\w", r"C:\\" + "Users"])
)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(text: str) -> list[str]:
    """Each line of a code block and each `span` of a paper, without shell comments."""
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    found = [re.sub(r"(^|\s+)#.*$", "", line).strip() for line in lines]
    return [line for line in [*found, *spans] if line]


def commands(text: str) -> list[str]:
    """What a paper tells a reader to type."""
    return [
        line
        for line in code(text)
        if re.search(r"(^|[\\/ ])(detente|make|papermill|python3?|pip)(\.exe)? ", line)
    ]


def anchor(heading: str) -> str:
    """The address of a heading, as a forge makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("name", PAPERS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    for link in LINK.findall(read(name)):
        if re.match(r"https?:|mailto:", link):
            continue
        target, _, place = link.partition("#")
        path = (ROOT / name).parent / target if target else ROOT / name
        assert path.exists(), link
        if place:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {anchor(heading) for heading in headings}, link


@pytest.mark.parametrize("name", PAPERS)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {match for line in code(read(name)) for match in re.findall(r"^make ([a-z]+)", line)}
    assert named <= targets


# The changelog tells of commands that are yet to come.
@pytest.mark.parametrize("name", [name for name in PAPERS if name != "CHANGELOG.md"])
def test_every_detente_command_and_option_that_is_named_exists(name: str) -> None:
    for line in code(read(name)):
        found = re.search(r"(?:^|[/\\ ])detente(?:\.exe)? ([a-z]\w*)(.*)", line)
        if found is None:
            continue
        command, rest = found.groups()
        assert command in COMMANDS, line
        known = {option for item in COMMANDS[command].params for option in item.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, line


def test_the_table_of_options_holds_all_options_of_run_and_no_other() -> None:
    known = {option for item in COMMANDS["run"].params for option in item.opts if option.startswith("--")}
    for name in READMES:
        rows = re.findall(r"^\| (`--.+?) \|", read(name), re.MULTILINE)
        assert set(re.findall(r"--[a-z-]+", " ".join(rows))) == known, name


def test_both_readmes_name_the_same_commands_and_the_same_words_of_code() -> None:
    english, russian = (read(name) for name in READMES)
    assert commands(english) == commands(russian)
    assert sorted(code(english)) == sorted(code(russian))


def test_both_readmes_lead_to_the_same_places_in_the_same_order() -> None:
    english, russian = (
        [link for link in LINK.findall(read(name)) if link not in READMES] for name in READMES
    )
    assert english == russian


def test_both_readmes_have_the_same_sections_and_limits() -> None:
    shapes = [re.findall(r"^(#+|- |\d+\. |\| |    )", read(name), re.MULTILINE) for name in READMES]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", READMES)
def test_the_map_of_a_readme_holds_every_notebook_and_no_other(name: str) -> None:
    there = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    listed = re.findall(r"^\| \[\w+\]\(notebooks/(\w+\.ipynb)\)", read(name), re.MULTILINE)
    assert listed == there


@pytest.mark.parametrize("name", READMES)
def test_the_exit_codes_of_a_readme_are_those_of_the_program(name: str) -> None:
    listed = [int(number) for number in re.findall(r"^\| (\d) \|", read(name), re.MULTILINE)]
    assert listed == sorted({run.PUBLISHED, run.FAILED, run.WRONG, run.BAD_DATA, run.ALERT, run.LOCKED})


@pytest.mark.parametrize("name", PAPERS)
def test_a_variable_of_the_environment_that_is_named_is_read_by_the_program(name: str) -> None:
    program = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lib" / "detente").rglob("*.py"))
    for variable in set(re.findall(r"DETENTE_[A-Z]+", read(name))):
        assert f'"{variable}"' in program, variable


@pytest.mark.parametrize("name", [*PAPERS, "LICENSE", "docs/audit.example.yml"])
def test_no_paper_holds_a_path_of_one_machine(name: str) -> None:
    assert MACHINE.search(read(name)) is None


def test_the_picture_of_the_readme_is_light() -> None:
    picture = (ROOT / "docs" / "report.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == 1280
    assert len(picture) < 250_000


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    assert re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)[0] == __version__


def test_the_licence_is_the_one_that_the_package_states() -> None:
    assert read("LICENSE").startswith("MIT License")
    assert 'license = "MIT"' in read("pyproject.toml")
