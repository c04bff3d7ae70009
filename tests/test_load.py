"""`load`: the cache, the period, the key, and what never leaves intake."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from decimal import Decimal

import pandas as pd
import pytest

from detente import engine
from detente.audit import AuditError
from detente.engine import cache_root
from detente.intake import export_day, files, people
from detente.intake import load as load_module  # the function
from small_audit import Company, frame

PHONE, MAIL, NAME, TITLE, ORDER = (
    "9161112233",
    "canary.bird@example.org",
    "Канарейкин",
    "Птицын",
    "DEAL-777-SECRET",
)


@pytest.fixture
def company(tmp_path, monkeypatch) -> Company:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "exports"
    folder.mkdir()
    return Company(folder)


def _folders(company: Company) -> list:
    return sorted(path for path in cache_root().iterdir() if not path.name.startswith("."))


def test_a_second_load_reads_the_cache_and_parses_nothing(company, monkeypatch):
    first, log = company.load()

    def forbidden(*_args, **_kwargs):
        raise AssertionError("parsed again")

    monkeypatch.setattr(files, "read", forbidden)
    again, log_again = company.load()
    assert log_again == log
    pd.testing.assert_frame_equal(frame(again.journeys), frame(first.journeys))


def test_one_changed_byte_builds_anew(company):
    company.load()
    company.source(
        "deals", "id,created,stage\n1,2024-01-05 10:00,New\n2,2024-01-20 12:00,Los\n".replace("Los", "Lost")
    )
    found = company.journeys()
    assert found["outcome"].tolist() == ["open", "lost"]
    assert len(_folders(company)) == 2


def test_another_key_builds_other_pseudonyms(company, monkeypatch):
    one = company.journeys()["lead_id"].tolist()
    monkeypatch.setenv("DETENTE_KEY", "another key for tests only")
    two = company.journeys()["lead_id"].tolist()
    assert not set(one) & set(two)


def test_no_raw_value_is_left_beside_the_tables(company):
    company.load()
    assert [path.name for path in cache_root().iterdir() if path.name.startswith(".")] == []
    assert {path.name for path in _folders(company)[0].iterdir()} == {
        "journeys.parquet",
        "loss.json",
        "about.json",
    }


def test_a_failed_build_leaves_nothing(company):
    company.source("deals", "id,created,stage\n1,2024-01-05,Mars\n")
    with pytest.raises(Exception, match="Mars"):
        company.load()
    assert list(cache_root().iterdir()) == []


def test_people_and_unnamed_columns_never_reach_the_cache(company):
    company.state(
        criteria=[{"id": "city", "column": "city", "operator": "in", "value": ["x"], "ru": "a", "en": "a"}]
    )
    head = "id,created,stage,name,tel,mail,title,mother,city,who"
    columns = {"person": "name", "phone": "tel", "email": "mail", "title": "title", "manager": "who"}
    line = f"{ORDER},2024-01-05,New,{NAME} 12,8{PHONE},{MAIL},{TITLE} {PHONE},{NAME},Paris,{NAME}"
    company.source("deals", f"{head}\n{line}\n", columns)
    company.source("stages", f"deal,time,stage,who\n{ORDER},2024-01-05,New,{NAME}\n", {"manager": "who"})
    csv = f"paid,sum,deal,tel,mail,no\n2024-01-05,10,{ORDER},8{PHONE},{MAIL},{ORDER}\n"
    company.source("payments", csv, {"lead_id": "deal", "phone": "tel", "email": "mail", "payment_id": "no"})
    company.source(
        "calls", f"start,tel,who\n2024-01-05,8{PHONE},{NAME}\n", {"phone": "tel", "manager": "who"}
    )
    company.source("tasks", f"deal,what\n{ORDER},{NAME} ждет звонка на {PHONE}\n", {"title": "what"})
    tables, _ = company.load()
    [folder] = _folders(company)
    planted = [PHONE, MAIL, NAME, TITLE, ORDER, MAIL.split("@")[0]]
    everything = "".join(_text(path) for path in sorted(folder.iterdir()))
    assert [word for word in planted if word.casefold() in everything.casefold()] == []
    assert "paris" in everything
    assert not set(frame(tables.journeys).columns) & {"title", "phone", "email", "mother", "tags"}
    assert frame(tables.tasks)["title"].tolist() == ["ждет звонка на"]


def _text(path) -> str:
    """All that a file says: its bytes, and the decompressed cells and column names of a Parquet file."""
    raw = path.read_bytes().decode("utf-8", errors="ignore")
    return raw + (pd.read_parquet(path).to_csv() if path.suffix == ".parquet" else "")


def test_ids_are_the_same_pseudonym_in_every_table(company):
    company.source("stages", "deal,time,stage\n2.0,2024-01-21,Talk\n")
    company.source("payments", "paid,sum,deal\n2024-01-25,10,2\n", {"lead_id": "deal"})
    tables, _ = company.load()
    won = frame(tables.journeys).query("outcome == 'won'")["lead_id"].tolist()
    assert frame(tables.stages)["lead_id"].tolist() == frame(tables.payments)["lead_id"].tolist() == won
    assert re.fullmatch("[0-9a-f]{16}", won[0])


def test_the_period_comes_from_the_arguments_then_audit_yml_then_the_data(company):
    company.source("spend", "day,cost\n2024-01-04,1\n2024-01-10,2\n2024-01-25,4\n")
    tables, _ = company.load()
    assert (tables.since, tables.until) == (dt.date(2024, 1, 4), dt.date(2024, 1, 20))
    company.state(period={"from": "2024-01-06"})
    tables, _ = company.load()
    assert (tables.since, len(frame(tables.journeys))) == (dt.date(2024, 1, 6), 1)
    assert frame(tables.spend)["cost"].sum() == Decimal(2)  # not the 4 spent after the last day of the deals
    tables, _ = company.load("2024-01-01", "2024-01-10")
    assert (tables.since, tables.until) == (dt.date(2024, 1, 1), dt.date(2024, 1, 10))
    assert frame(tables.journeys)["stage"].tolist() == ["New"]


@pytest.mark.parametrize(
    ("dates", "why"),
    [
        (("2030-01-01", ""), "no inquiry"),
        (("2024-02-01", "2024-01-01"), "before it begins"),
        (("1 May", ""), "no date"),
    ],
)
def test_an_impossible_period_is_an_error_of_the_argument(company, dates, why):
    with pytest.raises(AuditError, match=why):
        company.load(*dates)


def test_the_day_of_the_export_is_the_last_fact_where_it_is_not_stated(company):
    assert company.load()[0].as_of == dt.date(2024, 1, 20)
    company.source("payments", "paid,sum\n2024-02-05,1\n")
    assert company.load()[0].as_of == dt.date(2024, 2, 5)
    assert company.state(as_of="2024-03-01").load()[0].as_of == dt.date(2024, 3, 1)


def test_a_year_to_come_is_a_typing_error_not_the_day_of_the_export(company):
    company.source("deals", "id,created,stage\n1,2024-01-05,New\n2,2062-01-05,New\n")
    tables, log = company.load()
    assert tables.as_of == dt.date(2024, 1, 5)
    assert [(item.reason, item.rows) for item in log.losses] == [("future_date", 1)]


def test_deals_may_close_after_the_last_was_created(company):
    lines = [f"{number},2024-01-0{1 + number % 9},Won,2024-03-{1 + number % 20:02d}" for number in range(40)]
    company.source("deals", "\n".join(["id,created,stage,end", *lines]) + "\n", {"closed_at": "end"})
    tables, log = company.load()
    assert (tables.as_of, log.losses) == (dt.date(2024, 3, 20), ())


def test_only_what_was_stated_is_there(company):
    tables, _ = company.load()
    assert tables.has("journeys")
    assert not tables.has("payments")
    assert tables.payments is None


def test_the_log_survives_its_file_with_its_money(company):
    csv = "id,created,stage,sum\n1,2024-01-05,New,0.10\n2,,New,0.20\n3,2024-01-05,New,0.30\n"
    company.source("deals", csv, {"amount": "sum"})
    for _ in range(2):
        _, log = company.load()
        [count] = log.sources
        assert (count.amount_read, count.amount_kept, count.amount_quarantined) == tuple(
            map(Decimal, ("0.60", "0.40", "0.20"))
        )
        assert count.conserved
        assert count.mapping["amount"] == "sum"
    assert json.loads((_folders(company)[0] / "loss.json").read_text())["losses"][0]["reason"] == "no_date"


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path, monkeypatch):
    monkeypatch.delenv("DETENTE_KEY")
    monkeypatch.setattr(people.platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    first = people.key()
    assert people.key() == first
    assert len(first) == 64
    assert os.stat(tmp_path / "detente" / "key").st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "detente").iterdir()] == ["key"]


def test_a_short_key_is_refused(monkeypatch):
    monkeypatch.setenv("DETENTE_KEY", "short")
    with pytest.raises(AuditError, match="DETENTE_KEY"):
        people.key()


def test_two_builds_at_once_leave_one_folder(company, monkeypatch):
    from detente.intake import build

    real, path = build.build, company.audit()

    def slow(*args):
        monkeypatch.setattr(build, "build", real)
        load_module(path)  # another process finishes first
        return real(*args)

    monkeypatch.setattr(build, "build", slow)
    tables, _ = load_module(path)
    assert len(frame(tables.journeys)) == 2
    assert len(_folders(company)) == 1


def test_tables_are_lazy_and_typed(company):
    schema = company.load()[0].journeys.schema()
    assert {
        name: str(schema[name])
        for name in ("created_at", "amount", "counted", "furthest", "age_days", "person")
    } == {
        "created_at": "timestamp(6)",
        "amount": "decimal(18, 2)",
        "counted": "boolean",
        "furthest": "int64",
        "age_days": "int64",
        "person": "string",
    }
    assert engine.frame(company.load()[0].journeys)["manager"].isna().all()


def test_a_mistyped_day_far_behind_the_rest_does_not_move_the_day_of_the_export():
    rows = {"created_at": pd.to_datetime([*["2026-06-01", "2026-06-02"] * 1000, "2026-09-15"])}
    last = export_day.last_day(engine.table(pd.DataFrame(rows)), "created_at", dt.date(2026, 11, 22))
    assert last == dt.date(2026, 6, 2)


def test_a_quiet_end_of_a_small_export_is_its_end():
    rows = {"created_at": pd.to_datetime(["2026-06-01"] * 100 + ["2026-07-15"])}
    last = export_day.last_day(engine.table(pd.DataFrame(rows)), "created_at", dt.date(2026, 11, 22))
    assert last == dt.date(2026, 7, 15)
