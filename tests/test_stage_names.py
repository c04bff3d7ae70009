"""What stage names and facts are said to be, against the lists of good and bad ones that the method gives."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.audit import Stage
from detente.metrics import stage_names
from detente.metrics.stage_names import homoglyphs, lint_names

GOOD = {
    "Договариваюсь о первой встрече": "встреча проведена",
    "Согласовываю ТЗ": "ТЗ согласовано",
    "Подписываю договор": "договор подписан",
    "Получаю оплату": "оплата получена",
    "Передаю в работу": "производство приняло заказ в работу",
}
GOOD_ENGLISH = [
    "Arranging the first meeting", "Arrange the first meeting", "Agreeing the specification", "Agree the specification",
    "Signing the contract", "Sign the contract", "Getting the payment", "Handing over to production",
    "Hand over to production", "I am signing the contract",
]  # fmt: skip
BAD = {
    "pocket": ["Думают", "Пока не нужно", "Ждут своего часа", "Неразобранные", "Неразобранное", "Thinking", "On hold",
               "Backlog", "Unsorted", "Later", "Недозвон", "Архив"],
    "no_goal": ["холодные", "тёплые", "горячие", "Тёплые клиенты", "Cold", "Warm", "Hot leads",
                "Decision maker bought-in"],
    "status": ["Переговоры", "Переговоры в процессе", "Уточнение информации", "Мытые", "Чищенные", "Первичный контакт",
               "Новая", "В работе", "Финальный счёт", "Negotiations", "In negotiation", "Qualified", "Proposal sent",
               "Qualified to buy", "Contact Made", "Contract sent", "КП отправлено"],
    "client_ball": ["Что вы решили?", "выяснить что решили", "Ждём решения клиента", "Принимают решение",
                    "Ожидание оплаты", "Awaiting client decision", "What did you decide?", "Waiting For Payment",
                    "Жду оплату"],
    "status_with_goal": ["Встреча назначена", "Договор на подписании", "Согласование ТЗ", "Согласование договора",
                         "Подготовка документов", "Счёт на предоплату", "Demo Scheduled", "Appointment scheduled",
                         "Contract signing", "Payment Done"],
    "verb_form": ["Согласовать ТЗ", "Согласовываем ТЗ", "Получу оплату", "Подпиши договор"],
    "not_me": ["Склад собирает заказ"],
    "no_object": ["Звоню", "Договариваюсь", "Calling"],
    "vague_verb": ["Работаю с клиентом", "Веду переговоры", "Calling the client", "Уточняю информацию"],
    "unclear": ["Angebot gesendet", "Підписую договір", "谈判", "<script>alert(1)</script>"],
    "no_words": ["", "  ", "🔥", "12", "—", "1.2.3"],
}  # fmt: skip
EACH_BAD = [(name, code) for code, names in BAD.items() for name in names]
SEVERITY = {
    "status_with_goal": "warning",
    "verb_form": "warning",
    "vague_verb": "warning",
    "unclear": "warning",
}
MISTAKES = {"pocket", "no_goal", "status", "client_ball"}
DEFAULTS = {
    "amoCRM": ["Неразобранное", "Первичный контакт", "Переговоры", "Принимают решение", "Согласование договора"],
    "Bitrix24": ["Новая", "Подготовка документов", "Счёт на предоплату", "В работе", "Финальный счёт"],
    "HubSpot": ["Appointment scheduled", "Qualified to buy", "Presentation scheduled", "Decision maker bought-in",
                "Contract sent"],
    "Pipedrive": ["Lead In", "Contact Made", "Demo Scheduled", "Proposal Made", "Negotiations Started"],
}  # fmt: skip
SCHOOL = ["New Lead", "Need To Call", "Need to Call - Sales", "Need a consultation", "Call Delayed", "Qualificated",
          "Registered on Webinar", "Registered on Offline Day", "Test Sent", "Free Education", "Waiting For Payment",
          "Payment Done"]  # fmt: skip
ALL = [
    *GOOD,
    *GOOD_ENGLISH,
    *(name for name, _ in EACH_BAD),
    *(name for names in DEFAULTS.values() for name in names),
    *SCHOOL,
]
WORDING = {"pocket", "client_ball", "no_goal", "status", "status_with_goal", "verb_form", "not_me", "no_object",
           "vague_verb", "unclear", "no_words"}  # fmt: skip
LISTS = {
    code: tomllib.loads(
        (Path(stage_names.__file__).parent / "lists" / f"stage_names_{code}.toml").read_text("utf-8")
    )
    for code in ("ru", "en")
}


def of_one(name, fact=None):
    """The findings about one stage, without those about the length of the funnel."""
    table = lint_names([Stage.model_construct(name=name, fact=fact)])
    return table[table["order"] == 1]


def wording(name):
    """(code, rule, mistake, severity, suggestion) of the wording of a name; code "ok" where nothing is found."""
    table = of_one(name, "договор подписан")
    picked = table[table["code"].isin(WORDING)]
    assert len(picked) <= 1, "one verdict a name"
    row = picked.iloc[0] if len(picked) else None
    return (
        ("ok", "", "", "ok", None)
        if row is None
        else tuple(row[["code", "rule", "mistake", "severity", "suggestion"]])
    )


def test_the_example_funnel_passes_with_its_facts():
    table = lint_names([Stage(name=name, fact=fact) for name, fact in GOOD.items()], ["Успешно"], ["Закрыто"])
    assert table["code"].tolist() == ["ok"] * 5
    assert table["order"].tolist() == [1, 2, 3, 4, 5]
    assert table["fact_state"].tolist() == ["stated"] * 5
    assert table["fact"].tolist() == list(GOOD.values())


@pytest.mark.parametrize("name", [*GOOD, *GOOD_ENGLISH, "Сейчас подписываю договор", "Я получаю оплату"])
def test_a_good_name_alone_passes_and_holds_its_fact(name):
    table = of_one(name)
    assert table["code"].tolist() == ["ok"]
    assert table["fact_state"].tolist() == ["implied"]


@pytest.mark.parametrize(("name", "code"), EACH_BAD)
def test_a_bad_name_fails_with_the_expected_code(name, code):
    found, rule, mistake, severity, _ = wording(name)
    assert found == code
    assert severity == SEVERITY.get(code, "error")
    assert rule == {"no_goal": "R1", "status": "R8", "status_with_goal": "R8"}.get(code, "R7")
    assert mistake == (code if code in MISTAKES else "status" if code == "status_with_goal" else "")


def test_the_verb_form_decides_and_not_the_case():
    assert wording("Подписание договора")[0] == "status_with_goal"
    assert wording("Подписываю договор")[0] == "ok"
    assert wording("Подпишу договор")[0] == "verb_form"


def test_a_status_is_excused_only_by_a_result_and_what_happens_to_it():
    assert wording("Договор")[0] == "status"
    assert wording("Согласование")[0] == "status"
    assert wording("Согласование деталей")[0] == "status"
    assert wording("Договор отправлен")[0] == "status"  # one's own dispatch binds nobody
    assert wording("Договор согласован")[0] == "status_with_goal"
    assert wording("Замер и эскиз")[0] == "status"  # «замер» is no verb here


@pytest.mark.parametrize(
    ("fact", "state"),
    [
        *((fact, "stated") for fact in GOOD.values()),
        ("получили подписанный договор", "stated"),
        ("документы готовы", "stated"),
        ("known: region and budget", "stated"),
        ("contract signed", "stated"),
        ("the production has accepted the order", "stated"),
        ("клиент заинтересован", "feeling"),
        ("готов купить", "feeling"),
        ("клиент готов", "feeling"),
        ("чувствую, что созрел", "feeling"),
        ("the client is interested", "feeling"),
        ("ready to buy", "feeling"),
        ("встреча", "unclear"),
        ("payment", "unclear"),
        ("合同", "unclear"),
    ],
)
def test_a_fact_is_something_that_has_happened_and_not_a_feeling(fact, state):
    table = of_one("Подписываю договор", fact)
    assert set(table["fact_state"]) == {state}
    code, severity = {
        "stated": ("ok", "ok"),
        "feeling": ("feeling", "error"),
        "unclear": ("unclear_fact", "warning"),
    }[state]
    assert table[["code", "severity"]].to_numpy().tolist() == [[code, severity]]
    assert (table["rule"].iloc[0], table["mistake"].iloc[0]) == (
        ("", "") if state == "stated" else ("R1", "no_goal" if state == "feeling" else "")
    )


def test_a_missing_fact_is_said_where_the_name_holds_none_and_once():
    assert set(of_one("Переговоры")["code"]) == {"status", "default", "no_fact"}
    assert set(of_one("Переговоры", "договор подписан")["code"]) == {"status", "default"}
    assert set(of_one("тёплые")["code"]) == {"no_goal"}  # it says so already
    assert set(of_one("Подписываю договор", "  ")["fact_state"]) == {"implied"}


@pytest.mark.parametrize(("stages", "codes"), [(3, ["too_few"]), (4, []), (7, []), (8, ["too_many"])])
def test_four_to_seven_stages_are_enough(stages, codes):
    table = lint_names(list(GOOD)[:1] * stages)
    whole = table[table["order"] == 0]
    assert whole["code"].tolist() == codes
    assert whole["evidence"].tolist() == [str(stages)] * len(codes)
    assert whole["stage"].tolist() == [None] * len(codes)
    assert whole["rule"].tolist() == [{"too_few": "R3", "too_many": "R4"}[code] for code in codes]


def test_a_funnel_without_an_archive_is_told_and_an_unstated_one_is_not():
    assert "no_archive" in set(lint_names(list(GOOD), ["Won"], [])["code"])
    assert "no_archive" not in set(lint_names(list(GOOD), ["Won"], ["Lost"])["code"])
    assert "no_archive" not in set(lint_names(list(GOOD))["code"])


def test_no_stages_at_all_is_a_funnel_too_short_and_no_crash():
    assert lint_names([])["code"].tolist() == ["too_few"]
    assert lint_names([]).columns.tolist() == stage_names.COLUMNS


@pytest.mark.parametrize(("system", "names"), DEFAULTS.items())
def test_no_name_that_came_with_a_crm_passes_and_the_faulty_ones_are_known_as_such(system, names):
    table = lint_names(names)
    for order in range(1, len(names) + 1):
        own = table[table["order"] == order]
        assert set(own["code"]) & (WORDING - {"unclear", "no_words"})
        assert system in own.loc[own["code"] == "default", "evidence"].iloc[0].split(", ")


def test_statuses_of_a_real_school_get_a_verdict_each():
    table = lint_names(SCHOOL)
    own = table[table["code"].isin(WORDING)].set_index("stage")["code"]
    assert own.to_dict() == {
        **dict.fromkeys(SCHOOL, "status"), "Call Delayed": "pocket", "Waiting For Payment": "client_ball",
        "Registered on Webinar": "status_with_goal", "Payment Done": "status_with_goal",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Согласование договора", "Согласовываю договор"),
        ("Договор на подписании", "Подписываю договор"),
        ("Согласовать ТЗ", "Согласовываю ТЗ"),
        ("Счёт на предоплату", "Получаю предоплату"),
        ("Встреча назначена", "Провожу встречу"),
        ("ТЗ согласовано", "Подписываю договор"),  # what has happened is not done again
        ("Презентация проведена", None),
        ("Предоплата получена", "Передаю в работу"),
        ("Что вы решили?", "Договариваюсь о дне решения"),
        ("Пока не нужно", None),  # it belongs into the archive: no name makes a stage of it
        ("тёплые", None),
        ("Contract signing", "Signing the contract"),
        ("Waiting For Payment", "Getting the payment"),
        ("Proposal sent", "Agreeing the proposal"),
        ("On hold", None),
        ("Angebot gesendet", None),
    ],
)
def test_a_better_name_is_proposed_where_the_name_allows_one(name, better):
    assert wording(name)[4] == better


@pytest.mark.parametrize("code", ["ru", "en"])
def test_every_name_that_the_lists_can_propose_passes_the_linter(code):
    proposed = [*LISTS[code]["rewrites"].values(), *(name for name, _ in LISTS[code]["results"].values())]
    assert len(proposed) > 40
    assert {name: wording(name)[0] for name in proposed if wording(name)[0] != "ok"} == {}


def as_typed(name):
    """The same name as people type it: other case, spaces, marks, е for ё."""
    case = st.sampled_from([str.upper, str.lower, str.title, str])
    before = st.sampled_from(["", " ", "\u00a0", "\u200b", "2. ", "Этап 1: "])
    after, gap, dots = (
        st.sampled_from(["", "!", " …", "?", " -"]),
        st.sampled_from([" ", "  "]),
        st.booleans(),
    )
    return st.builds(
        lambda case, before, after, gap, dots: (
            before + case((name if dots else name.replace("ё", "е")).replace(" ", gap)) + after
        ),
        case, before, after, gap, dots,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([name for name in ALL if name not in BAD["no_words"]]).flatmap(
        lambda name: st.tuples(st.just(name), as_typed(name))
    )
)
@example(("Договариваюсь о первой встрече", "1. ДОГОВАРИВАЮСЬ  О ПЕРВОЙ ВСТРЕЧЕ!"))
@example(("Неразобранное", "Этап 1: неразобранное"))
def test_spelling_changes_no_verdict(names):
    name, typed = names
    verdict, other = wording(name), wording(typed)
    assert other[:4] == verdict[:4]
    assert (other[4] or "").casefold().rstrip("!.?… -") == (verdict[4] or "").casefold()


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.sampled_from(ALL),
        st.text(max_size=60),
        st.lists(st.sampled_from(" ".join(ALL).split()), max_size=5).map(" ".join),
    )
)
def test_whatever_the_name_is_there_is_a_verdict_and_a_proposal_passes(name):
    table = of_one(name)
    assert len(table) >= 1
    assert set(table["severity"]) <= {"error", "warning", "ok"}
    assert set(table["code"]) <= set(stage_names.RULES)
    for better in table["suggestion"].dropna():
        assert wording(better)[0] == "ok"


@settings(max_examples=25, deadline=None)
@given(st.permutations([*GOOD, "Думают", "Переговоры"]))
def test_the_order_of_stages_changes_only_their_numbers(names):
    table = lint_names(names).drop(columns="order")
    known = lint_names([*GOOD, "Думают", "Переговоры"]).drop(columns="order")
    by = ["stage", "code"]
    assert table.sort_values(by, ignore_index=True).equals(known.sort_values(by, ignore_index=True))
    assert lint_names(names)["order"].is_monotonic_increasing


def test_a_name_without_end_does_not_stop_the_linter():
    assert wording("Переговоры " * 5000)[0] == "status"
    assert wording("а" * 100_000)[0] in WORDING
    assert len(of_one("x" * 100_000)) >= 1


def test_a_cyrillic_letter_in_a_latin_word_is_found_and_repaired():
    found = homoglyphs(
        ["СRM", "CRM", None, "СRM", "utm yandeх_direct", "Cчёт", "IT-отдел", "PRодвижение", "счёт", "ТZ"]
    )
    assert found.to_numpy().tolist() == [
        ["Cчёт", "Cчёт", 0, "C", "latin", "Счёт"],
        ["utm yandeх_direct", "yandeх", 9, "х", "cyrillic", "yandex"],
        ["СRM", "СRM", 0, "С", "cyrillic", "CRM"],
        ["ТZ", "ТZ", 0, "Т", "cyrillic", "TZ"],
    ]
    assert found["repaired"].map(str.isascii).tolist() == [False, True, True, True]


def test_a_word_that_reads_in_both_alphabets_is_found_with_fewer_letters_foreign():
    assert homoglyphs(["СОT"]).iloc[0].tolist() == ["СОT", "СОT", 2, "T", "latin", "СОТ"]


def test_nothing_to_find_keeps_the_columns():
    columns = ["text", "word", "position", "letter", "script", "repaired"]
    assert homoglyphs([]).columns.tolist() == columns
    assert homoglyphs(["счёт", "CRM", "", None]).empty


def test_a_homoglyph_is_told_beside_the_verdict_and_does_not_change_it():
    table = lint_names(
        ["Пoлучаю оплату", "Передаю в СRM"], won=["Успешнo"], lost=["Закрыто"]
    )  # Latin o twice
    told = table[table["code"] == "homoglyph"]
    assert told[["order", "stage", "evidence"]].to_numpy().tolist() == [
        [0, "Успешнo", "Успешнo"], [1, "Пoлучаю оплату", "Пoлучаю"], [2, "Передаю в СRM", "СRM"],
    ]  # fmt: skip
    assert not set(table["code"]) & WORDING
