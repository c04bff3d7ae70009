"""The draft of audit.yml: complete enough to run, honest about its guesses, silent about persons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detente.audit import Audit, AuditError
from detente.intake import draft, guesses
from detente.intake.draft_sources import text
from detente.stated import read

SCHOOL = Path(__file__).parent.parent / ".." / "shared" / "data" / "school_crm"

DEALS = """\
ID;Название сделки;Бюджет;Ответственный;Дата создания сделки;Дата закрытия;Этап сделки;Воронка;\
Мобильный телефон;Рабочий email;Примечание;Источник;Причина отказа;Тип клиента;Рекомендатель;Оценка лида
"""
ROW = "{n};Иванов Пётр {n};{n}00 ₽;Мария Кузнецова;{d:02}.03.2026 10:00:00;{closed};{stage};\
Продажи;+7916{n:07};ivan{n}@example.com;Звонил муж клиентки {n};\
{channel};{reason};{kind};{who};{verdict}\n"  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty deals as amoCRM exports them, and a report of spend under two title lines."""
    cases = [
        ("Новая заявка", "", "yandex"), ("Квалификация", "", "Яндекс.Директ"),
        ("Договор", "", "Яндекс Директ"),
        ("Успешно реализовано", "", "VK"), ("Закрыто и не реализовано", "Нецелевой", "VK"),
        ("Закрыто и не реализовано", "Дорого", "Сарафан"),
        ("Закрыто и не реализовано", "Сменил веру", "test"),
        ("Закрыто и не реализовано", "перезвонить +7 916 123-45-67", "VK"),
    ]  # fmt: skip
    rows = [DEALS]
    for n in range(40):
        stage, reason, channel = cases[n % len(cases)]
        closed = "01.04.2026 12:00:00" if "реализовано" in stage else "не закрыта"
        kind, who = ("юрлицо", "физлицо")[n % 2], ("Олег Орлов", "Анна Белова", "Иван Чернов")[n % 3]
        rows.append(
            ROW.format(
                n=n + 1,
                d=n % 28 + 1,
                stage=stage,
                reason=reason,
                channel=channel,
                closed=closed,
                kind=kind,
                who=who,
                verdict=("целевой", "нецелевой")[n % 2],
            )  # fmt: skip
        )
    (tmp_path / "сделки.csv").write_text("".join(rows), encoding="utf-8")
    spend = "Отчёт\nза март\nДата;Кампания;Показы;Клики;Расход (руб.)\n" + "".join(
        f"{day:02}.03.2026;Бренд;100;{day};1 000,50\n" for day in range(1, 29)
    )
    (tmp_path / "direct.csv").write_text(spend, encoding="cp1251")
    (tmp_path / "contacts.csv").write_text(
        "Имя,Дата рождения\nПётр,01.01.1990\nАнна,02.02.1991\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def drafted(folder: Path) -> str:
    return draft.write(folder).read_text(encoding="utf-8")


def uncommented(written: str) -> str:
    """The draft after every ready block was taken from behind its comment mark."""
    return "\n".join(
        re.sub(r"^( +)# (?!QUESTION|NOT )(?=  |- id|\w+: )", r"\1", line) for line in written.split("\n")
    )


def test_a_draft_is_valid_as_it_is(folder, drafted):
    audit = Audit.read(folder / "audit.yml")
    assert (audit.language, audit.currency, audit.timezone) == ("ru", "RUB", "Europe/Moscow")
    assert [name for name, _ in audit.sources.items()] == ["deals", "spend"]
    assert audit.sources.deals.columns["created_at"] == ["Дата создания сделки"]
    assert audit.sources.spend[0].columns["cost"] == ["Расход (руб.)"]


def test_stages_are_sorted_by_the_names_that_systems_give_them(folder, drafted):
    funnel = Audit.read(folder / "audit.yml").funnel
    assert [stage.name for stage in funnel.stages] == ["Новая заявка", "Квалификация", "Договор"]
    assert [stage.qualified for stage in funnel.stages] == [False, True, False]
    assert (funnel.won, funnel.lost) == (["Успешно реализовано"], ["Закрыто и не реализовано"])
    assert "- name: Новая заявка  # 5" in drafted


def test_reasons_are_grouped_by_their_words_and_the_rest_is_asked(folder, drafted):
    reasons = {group.id: group for group in Audit.read(folder / "audit.yml").reasons}
    assert reasons["not_ours"].reasons == ["Нецелевой"]
    assert reasons["not_ours"].non_target
    assert reasons["price"].owner == "price"
    assert re.search(r"QUESTION: where do these belong\?(.*\n)*? +# +- Сменил веру  # 5", drafted)


def test_every_guess_that_decides_a_number_carries_a_mark(drafted):
    for key in ("owner:", "non_target: true", "qualified: true", "closed_at:", "currency:"):
        lines = [line for line in drafted.split("\n") if line.strip().startswith(key)]
        assert lines, key
        assert all("# ?" in line for line in lines), key


def test_no_value_of_a_personal_column_is_in_the_draft(drafted):
    for canary in (
        "Иванов",
        "Кузнецова",
        "916",
        "ivan1",
        "@example",
        "муж клиентки",
        "Орлов",
        "Белова",
        "Пётр",
        "1990",
    ):
        assert canary not in drafted, canary


def test_columns_with_few_values_are_offered_as_criteria_and_verdicts_as_labels(folder, drafted):
    (folder / "audit.yml").write_text(uncommented(drafted), encoding="utf-8")
    audit = Audit.read(folder / "audit.yml")
    by_column = {item.column: item for item in audit.criteria}
    assert by_column["Тип клиента"].value == ["физлицо", "юрлицо"]
    assert by_column["Мобильный телефон"].operator == "valid_phone"
    assert by_column["Причина отказа"].empty == "pass"
    assert "Рекомендатель" not in by_column
    assert [(label.column, label.target, label.non_target) for label in audit.labels] == [
        ("Оценка лида", ["целевой"], ["нецелевой"])
    ]


def test_spellings_of_one_channel_are_joined_and_a_test_channel_is_asked_for(folder, drafted):
    assert Audit.read(folder / "audit.yml").channels in (
        {"Яндекс.Директ": ["Яндекс Директ"]}, {"Яндекс Директ": ["Яндекс.Директ"]},
    )  # fmt: skip
    assert "QUESTION: is the channel test (5 deals) a test, or real traffic?" in drafted


def test_a_file_that_is_no_known_table_is_listed_by_its_headings_alone(drafted):
    assert "NOT RECOGNISED contacts.csv (2 rows): Имя, Дата рождения" in drafted


def test_a_file_that_cannot_be_read_says_why_and_stops_nothing(folder):
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 nothing")
    written = draft.write(folder).read_text(encoding="utf-8")
    assert "# NOT READ broken.xlsx: " in written
    assert Audit.read(folder / "audit.yml").sources.deals.file == ["сделки.csv"]


def test_monthly_files_with_the_same_headings_are_one_source(folder):
    (folder / "april.csv").write_text((folder / "сделки.csv").read_text("utf-8"), encoding="utf-8")
    draft.write(folder)
    assert Audit.read(folder / "audit.yml").sources.deals.file == ["april.csv", "сделки.csv"]


def test_an_audit_that_is_there_is_never_replaced(folder):
    (folder / "audit.yml").write_text("client: mine\n", encoding="utf-8")
    with pytest.raises(AuditError, match="it is there already and stays as it is"):
        draft.write(folder)
    assert (folder / "audit.yml").read_text(encoding="utf-8") == "client: mine\n"


def test_a_folder_without_exports_says_what_to_put_into_it(tmp_path):
    (tmp_path / "notes.docx").write_bytes(b"PK")
    with pytest.raises(
        AuditError, match="there are no exports here; put CSV, XLSX, ODS or Parquet files into it"
    ):
        draft.write(tmp_path)


def test_an_export_without_closed_deals_is_questioned(tmp_path):
    rows = "".join(f"{n},2026-03-0{n % 9 + 1},New\n" for n in range(50))
    (tmp_path / "deals.csv").write_text("ID,Created,Stage\n" + rows, encoding="utf-8")
    written = draft.write(tmp_path).read_text(encoding="utf-8")
    assert "QUESTION: hardly a deal is won or lost." in written
    assert "won: []  # QUESTION: which stage means won?" in written


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        ("Успешно реализовано", "won"), ("Закрыто и не реализовано", "lost"), ("Payment Done", "won"),
        ("Lost", "lost"), ("Отказ", "lost"), ("Сделка провалена", "lost"), ("Ожидает оплаты", "open"),
        ("Waiting For Payment", "open"),
        ("Test Sent", "open"), ("Договор", "open"), ("Некачественный лид", "lost"), ("Closed Won", "won"),
    ],
)  # fmt: skip
def test_a_stage_name_tells_its_outcome(stage, kind):
    assert guesses.outcome(stage) == kind


@pytest.mark.parametrize(
    "value",
    ["plain", "a: b", "a #b", "- x", "[x]", '"q"', "it's", "50%", "", " x ", "null", "да, нет", "№ 5",
     "@x", "*x", "&x", "!x", "x\ty", "x\x85y", "x\u2028y", "😀", "01", "yes:", "a\\b", "| x", "{a}", "?",
     "> 5", "100 000 ₽"],
)  # fmt: skip
def test_any_text_survives_the_way_through_yaml(tmp_path, value):
    path = tmp_path / "x.yml"
    path.write_text(
        f"plain: {text(value)}  # note\nlisted: [{text(value, flow=True)}, z]\n", encoding="utf-8"
    )
    plain, _ = read(path)
    assert plain == {"plain": value, "listed": [value, "z"]}


@pytest.fixture(scope="module")
def school(tmp_path_factory) -> tuple[Audit, str]:
    if not (SCHOOL / "deals.xlsx").is_file():
        pytest.skip("shared data not found: ../shared/data/school_crm/deals.xlsx")
    folder = tmp_path_factory.mktemp("school")
    for path in SCHOOL.resolve().glob("*.xlsx"):
        (folder / path.name).symlink_to(path)
    written = draft.write(folder).read_text(encoding="utf-8")
    return Audit.read(folder / "audit.yml"), written


def test_the_school_s_exports_are_recognised_and_mapped(school):
    audit, written = school
    assert [name for name, _ in audit.sources.items()] == ["deals", "spend", "calls"]
    columns = {name: headings[0] for name, headings in audit.sources.deals.columns.items()}
    expected = {
        "lead_id": "Id", "created_at": "Created Time", "stage": "Stage", "loss_reason": "Lost Reason",
        "channel": "Source", "campaign": "Campaign", "person": "Contact Name", "manager": "Deal Owner Name",
        "closed_at": "Closing Date",
    }  # fmt: skip
    assert {name: columns[name] for name in expected} == expected
    assert (audit.language, audit.currency) == ("en", "EUR")
    assert "NOT RECOGNISED contacts.xlsx (18 548 rows)" in written


def test_the_school_s_questions_are_asked(school):
    _, written = school
    asked = "\n".join(line for line in written.split("\n") if "QUESTION" in line)
    assert "«Offer Total Amount» on 843, «Initial Amount Paid» on 843" in asked
    assert "is the channel Test (159 deals) a test" in asked
    assert "no deal names: Radio" in asked
    assert "whose verdict is Quality" in asked


def test_the_school_s_funnel_and_reasons_hold_their_counts(school):
    audit, written = school
    assert (audit.funnel.won, audit.funnel.lost) == (["Payment Done"], ["Lost"])
    assert {stage.name for stage in audit.funnel.stages} == {
        "Call Delayed", "Registered on Webinar", "Waiting For Payment",
        "Qualificated", "Registered on Offline Day", "Need to Call - Sales", "Need To Call", "Test Sent",
        "Need a consultation", "New Lead", "Free Education",
    }  # fmt: skip
    assert audit.funnel.stages[0].name == "New Lead"
    assert audit.funnel.stages[-2].name == "Waiting For Payment"
    for line in (
        "- Lost  # 15 743",
        "- Payment Done  # 858",
        "- Non target  # 1 761",
        "- Doesn't Answer  # 4 135",
    ):
        assert line in written
    alien = {reason for group in audit.reasons if group.non_target for reason in group.reasons}
    assert alien >= {"Non target", "Invalid number", "Duplicate", "Inadequate"}


def test_the_school_s_draft_holds_no_id_and_no_manager(school):
    _, written = school
    assert not re.search(r"\d{9,}", written)
    assert not re.search("Alice|Johnson|Charlie|Jane Smith|Beispielstr", written)


def test_a_draft_runs_as_it_is(folder, drafted, monkeypatch, tmp_path_factory):
    """From `init` to the tables of a report with no edit between: forty deals, one of each in the funnel."""
    from detente import intake

    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("DETENTE_KEY", "0123456789abcdef")
    tables, log = intake.load(folder / "audit.yml")
    assert tables.all_journeys.count().execute() == 40
    assert {name for name in ("spend", "calls", "payments") if tables.has(name)} == {"spend"}
    assert all(source.conserved for source in log.sources)


def test_an_export_of_won_deals_alone_needs_no_column_of_stages(tmp_path, monkeypatch):
    from detente import intake

    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DETENTE_KEY", "0123456789abcdef")
    (tmp_path / "won.csv").write_text(
        "Deal ID,Created,Close Date\n1,2026-01-02,2026-02-03\n2,2026-01-05,2026-02-04\n"
    )
    (tmp_path / "audit.yml").write_text(
        "client: x\nsources: {deals: {file: won.csv, stage: Won}}\n"
        "funnel: {stages: [New], won: Won, lost: Lost}\n"
    )
    tables, _ = intake.load(tmp_path / "audit.yml")
    assert tables.journeys.filter(tables.journeys.outcome == "won").count().execute() == 2


def test_a_draft_runs_with_every_block_in_use(folder, drafted, monkeypatch, tmp_path_factory):
    from detente import intake

    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("DETENTE_KEY", "0123456789abcdef")
    (folder / "audit.yml").write_text(uncommented(drafted), encoding="utf-8")
    tables, _ = intake.load(folder / "audit.yml")
    leads = tables.all_journeys
    assert tables.audit.tests.channels == ["test"]
    assert leads.filter(leads.is_test).count().execute() == 5
    assert leads.filter(leads.label_ocenka_lida == "целевой").count().execute() == 20
