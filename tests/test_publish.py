"""What a published run holds, how it becomes the newest one, and what may not leave in it."""

from __future__ import annotations

import errno
import importlib
import inspect
import json
import os
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import synthetic
from detente import metrics
from detente.audit import Audit
from detente.run import RunError, alerts, gate, history, publish
from detente.terms import Alerts

LIMITS = """alerts: {non_target_share: 0.35, unknown_share: 0.5}
thresholds: {level: 0.9}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a client with three runs, the last in Russian, each with a limit crossed."""
    home = tmp_path_factory.mktemp("published")
    audit, output = synthetic.audit(home, LIMITS), home / "out"
    look = """import pathlib; assert output
_ = pathlib.Path(output, "tables", "x.csv").write_text("a")"""
    show = "display({'application/vnd.detente.piece+json': {'text': 'before: ' + previous}}, raw=True)"
    synthetic.write(
        home / "nb" / "00_summary.ipynb",
        show,
        synthetic.WRITE.format(name="00_summary", value=1, low=1, high=1),
    )
    finding = synthetic.WRITE.format(name="non_target_share", value=0.5, low=0.4, high=0.6)
    finding = finding.replace("'non_target_share' + \".json\"", "'03_non_target_share.json'")
    synthetic.write(
        home / "nb" / "03_non_target_share.ipynb", look, synthetic.SHOW.format(text="<b>"), finding
    )
    for more in (["--fail-on-alert"], [], ["--language", "ru"]):
        done = synthetic.detente(home / "nb", "run", audit, "--output", output, *more)
        assert done.returncode == (4 if more == ["--fail-on-alert"] else 0), done.stderr
        assert "non_target_share is at least 0.4, over the limit 0.35" in done.stderr
        assert "unknown_share could not be checked" in done.stderr
    return output / "ooo-test"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def by_age(client: Path) -> list[Path]:
    return list(history.runs(client))[::-1]


def test_a_run_holds_exactly_what_the_contract_lists(client: Path) -> None:
    run = by_age(client)[0]
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert files == {
        "index.html", "03_non_target_share.html", "findings.json", "manifest.json", "tables/x.csv",
        "notebooks/00_summary.ipynb", "notebooks/03_non_target_share.ipynb",
    }  # fmt: skip


def test_findings_are_merged_in_the_order_of_the_notebooks(client: Path) -> None:
    assert [item["id"] for item in read(by_age(client)[0] / "findings.json")] == [
        "non_target_share",
        "00_summary",
    ]


def test_the_manifest_tells_what_was_run_on_what(client: Path) -> None:
    facts = read(by_age(client)[0] / "manifest.json")
    assert facts["run"] == by_age(client)[0].name
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", facts["ended"])
    assert [item["status"] for item in facts["notebooks"]] == ["ok", "ok"]
    assert facts["inputs"][0]["sha256"] == "ab" * 32
    assert (facts["inputs"][0]["first"], facts["inputs"][0]["read"]) == ("2026-01-31", 1)
    assert facts["alerts"]["crossed"] == [{"id": "non_target_share", "limit": 0.35, "near": 0.4}]
    assert {"python", "pandas", "duckdb"} <= set(facts["versions"])
    assert set(facts["outputs"]) == {
        path.relative_to(by_age(client)[0]).as_posix()
        for path in by_age(client)[0].rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def test_the_seed_of_the_manifest_is_the_one_that_metrics_draw_from(client: Path) -> None:
    stated = read(by_age(client)[0] / "manifest.json")["seed"]
    defaults = {
        parameter.default
        for module in pkgutil.iter_modules(metrics.__path__)
        for _, function in inspect.getmembers(
            importlib.import_module(f"detente.metrics.{module.name}"), inspect.isfunction
        )
        for name, parameter in inspect.signature(function).parameters.items()
        if name == "seed" and parameter.default is not inspect.Parameter.empty
    }
    assert defaults == {stated}


def test_latest_leads_to_the_newest_run_and_to_the_newest_of_each_language(client: Path) -> None:
    runs = by_age(client)
    for name, run in (("latest.html", runs[2]), ("latest.ru.html", runs[2]), ("latest.en.html", runs[1])):
        page = (client / name).read_text(encoding="utf-8")
        assert f'content="0; url={run.name}/index.html"' in page
        assert "<script" not in page
        assert (client / f"{run.name}/index.html").is_file()


def test_the_summary_is_given_the_last_comparable_run_only(client: Path) -> None:
    first, second, russian = by_age(client)
    assert "<p>before: </p>" in (first / "index.html").read_text(encoding="utf-8")
    assert f"{first.name}/findings.json" in (second / "index.html").read_text(encoding="utf-8")
    assert "<p>before: </p>" in (russian / "index.html").read_text(encoding="utf-8")
    assert read(second / "manifest.json")["previous"] == first.name


def test_published_notebooks_hold_no_pieces_and_no_path_of_this_machine(client: Path) -> None:
    text = (by_age(client)[1] / "notebooks" / "00_summary.ipynb").read_text(encoding="utf-8")
    assert all("detente.piece" not in str(cell["outputs"]) for cell in json.loads(text)["cells"])
    assert str(client.parents[1]) not in text
    assert "papermill" not in text
    injected = next(
        cell
        for cell in json.loads(text)["cells"]
        if "injected-parameters" in cell["metadata"].get("tags", [])
    )
    stated = dict(line.rstrip().split(" = ") for line in injected["source"][1:])
    assert (stated["findings"], stated["output"]) == ('".."', '""')
    shown = by_age(client)[1] / "notebooks" / json.loads(stated["audit"])
    assert shown.resolve() == (client.parents[1] / "audit.yml").resolve()


def test_a_full_disk_leaves_the_last_good_report_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / ".tmp-b" / "run"
    work.mkdir(parents=True)
    (work / "index.html").write_text("new", encoding="utf-8")
    (tmp_path / "latest.html").write_text("good", encoding="utf-8")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        publish.publish(work, tmp_path / "b", "client", "en")
    assert not (tmp_path / "b").exists()
    assert (tmp_path / "latest.html").read_text(encoding="utf-8") == "good"


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".tmp-20260101T000000Z-en" / "run").mkdir(parents=True)
    (tmp_path / "20260101T000000Z-en").mkdir()
    publish.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["20260101T000000Z-en"]


def test_two_findings_with_one_id_are_never_published(tmp_path: Path) -> None:
    for name in ("01_a", "02_b"):
        (tmp_path / f"{name}.json").write_text('[{"id": "share"}]', encoding="utf-8")
    with pytest.raises(RunError, match="share"):
        publish.merge_findings(tmp_path, ["01_a", "02_b"])


@pytest.mark.parametrize(
    "text",
    [
        "<p>+7 916 123-45-67</p>",
        "<p>8 (916) 123 45 67</p>",
        "<td>89161234567</td>",
        "<p>звоните:\u00a0+7\u00a0916\u00a0123\u00a045\u00a067</p>",
        "<svg><text>+49 151 234 56 78</text></svg>",
        '<img alt="кампания 8-916-123-45-67">',
    ],
)
def test_a_phone_number_is_seen(text: str) -> None:
    assert gate.personal(text) == {"phone number"}


@pytest.mark.parametrize(
    "text", ["<p>ivan.petrov@example.com</p>", "<a href='mailto:a@b.ru'>x</a>", "иван@почта.рф"]
)
def test_an_email_address_is_seen(text: str) -> None:
    assert gate.personal(text) == {"e-mail address"}


@pytest.mark.parametrize(
    "text",
    [
        "<p>8 123 456 789 ₽</p>",
        "<p>₽8,123,456,789</p>",
        "<td>8</td><td>916</td><td>123</td><td>45</td><td>67</td>",
        "<p>12,3 % · 58–66 % · 2026-01-31 · 20261122T033000Z-ru</p>",
        "<p>+7 123 456 789 ₽, −71 234 567 890 ₽</p>",
        '<img src="data:image/png;base64,89161234567">',
        "<style>a{content:'+7 916 123 45 67'}</style>",
        "<svg><path d='M 89161234567 0'/></svg>",
        "<p>utm_campaign=brand@search, 3 из 10</p>",
    ],
)
def test_numbers_money_and_drawings_are_not_taken_for_contacts(text: str) -> None:
    assert gate.personal(text) == set()


def test_a_page_with_a_contact_fails_the_run_without_repeating_it(tmp_path: Path) -> None:
    synthetic.good(tmp_path / "nb" / "01_leaks.ipynb", text="call 8 916 123-45-67")
    done = synthetic.detente(tmp_path / "nb", "run", synthetic.audit(tmp_path), "--output", tmp_path / "out")
    assert done.returncode == 1
    assert "01_leaks.html: holds a phone number" in done.stderr
    assert "916" not in done.stderr
    assert not (tmp_path / "out" / "ooo-test" / "latest.html").exists()


def test_a_limit_holds_against_the_near_end_of_the_interval() -> None:
    limits = Alerts(non_target_share=0.4, unknown_share=0.4, lost_rows_share=0.01)
    findings = [
        {"id": "non_target_share", "status": "ok", "value": 0.45, "low": 0.39, "high": 0.51},
        {"id": "unknown_share", "status": "ok", "value": 0.45, "low": 0.41, "high": 0.49},
        {"id": "lost_rows_share", "status": "not_available", "value": None, "low": None, "high": None},
    ]
    crossed, unchecked = alerts.held(limits, findings)
    assert [item["id"] for item in crossed] == ["unknown_share"]
    assert unchecked == ["lost_rows_share"]


def test_a_finding_without_an_interval_is_held_by_its_value() -> None:
    findings = [{"id": "lost_rows_share", "status": "ok", "value": 0.02, "low": None, "high": None}]
    crossed, _ = alerts.held(Alerts(lost_rows_share=0.01), findings)
    assert crossed == [{"id": "lost_rows_share", "limit": 0.01, "near": 0.02}]


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ("period: {from: 2026-01-01}\n", True),
        ("as_of: 2026-02-01\n", True),
        ("thresholds: {level: 0.9}\n", False),
        ("criteria: [{id: a, column: A, operator: in, value: [x], ru: я, en: a}]\n", False),
    ],
)
def test_runs_compare_when_only_the_period_differs(tmp_path: Path, more: str, same: bool) -> None:
    first = Audit.read(synthetic.audit(tmp_path / "a"))
    second = Audit.read(synthetic.audit(tmp_path / "b", more))
    assert (history.key(first, "en", ["01"]) == history.key(second, "en", ["01"])) is same


def test_runs_of_another_language_or_other_notebooks_do_not_compare(tmp_path: Path) -> None:
    audit = Audit.read(synthetic.audit(tmp_path))
    keys = {
        history.key(audit, "en", ["01"]),
        history.key(audit, "ru", ["01"]),
        history.key(audit, "en", ["01", "02"]),
    }
    assert len(keys) == 3


def test_the_newest_run_comes_first_also_within_one_second(tmp_path: Path) -> None:
    for name in (
        "20260101T000000Z-ru-10",
        "20260101T000000Z-ru-9",
        "20260101T000000Z-ru",
        "failed",
        "20251231T000000Z-en",
    ):
        (tmp_path / name).mkdir()
    names = [path.name for path in history.runs(tmp_path)]
    assert names == [
        "20260101T000000Z-ru-10",
        "20260101T000000Z-ru-9",
        "20260101T000000Z-ru",
        "20251231T000000Z-en",
    ]
