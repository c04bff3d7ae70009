"""What task titles are said to be, who words them how, and whether deals move after them, counted by hand."""

import datetime as dt
import math
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente import engine
from detente.metrics import intervals, task_words
from detente.metrics.task_words import lint_tasks, progress, task_quality

BAD = {
    "созвон": "call_only",
    "мониторинг": "monitoring",
    "выйти на ЛПР": "no_result",
    "проинформировать о скидке": "inform",
    "получить обратную связь": "feedback",
    "выяснить что решили": "client_ball",
    "Перезвонить по оплате": "call_only",
    "выйти на": "no_result",  # what intake leaves of «выйти на ЛПР»: capitals may be names
    "Ждать ответа клиента": "client_ball",
    "Уточнить, что они решили": "client_ball",
    "Узнать статус": "monitoring",
    "обсудить договор": "no_result",
    "Call": "call_only",
    "Monitor the deal": "monitoring",
    "Reach the decision maker": "no_result",
    "Inform about the discount": "inform",
    "Get feedback": "feedback",
    "Find out what they decided": "client_ball",
    "Follow-up": "no_result",
}
GOOD = {
    "Договориться о встрече": "agree",
    "Договориться о дате договора": "agree",
    "Договориться с директором о показе": "agree",
    "Договорится о цене": "agree",  # a common slip of the pen
    "Позвонить и договориться о встрече": "agree",
    "Agree on the date of the payment": "agree",
    "Call to agree on the date": "agree",
    "Arrange a meeting": "agree",
    "Подписать договор": "result",
    "Согласовать ТЗ": "result",
    "Get the payment": "result",
}
UNSURE = ["Встреча", "выставить счёт", "отправить КП", "Договориться", "не удалось договориться о цене", "лмл",
          "Meeting", "Send proposal", "Angebot", "12", "谈判"]  # fmt: skip
LISTS = {
    code: tomllib.loads(
        (Path(task_words.__file__).parent / "lists" / f"task_words_{code}.toml").read_text("utf-8")
    )
    for code in ("ru", "en")
}


def verdict(title):
    """(verdict, kind, suggestion) of one title."""
    return tuple(lint_tasks([title]).loc[0, ["verdict", "kind", "suggestion"]])


@pytest.mark.parametrize(("title", "kind"), BAD.items())
def test_a_bad_wording_is_found_and_its_better_one_passes(title, kind):
    row = lint_tasks([title]).iloc[0]
    assert (row["verdict"], row["kind"], row["rule"]) == ("wrong", kind, "S-27")
    assert row["evidence"]
    assert row["suggestion"].startswith("Договориться о" if title[0] > "z" else "Agree on")
    assert verdict(row["suggestion"])[:2] == ("correct", "agree")


@pytest.mark.parametrize(("title", "kind"), GOOD.items())
def test_a_task_that_names_its_result_is_correct(title, kind):
    assert verdict(title) == ("correct", kind, None)


@pytest.mark.parametrize("title", UNSURE)
def test_what_shows_neither_is_not_guessed(title):
    assert verdict(title)[0] == "unsure"
    assert verdict(title)[2] is None


def test_the_better_wording_keeps_what_the_title_is_about():
    assert verdict("выйти на ЛПР")[2] == "Договориться о встрече с ЛПР: дата и повестка"
    assert "ЛПР" not in verdict("выйти на")[2]
    assert verdict("созвон по оплате")[2] == "Договориться о дате оплаты"
    assert verdict("проинформировать о скидке")[2] == "Договориться о дате заказа со скидкой"
    assert verdict("Call about the contract")[2] == "Agree on the date of signing the contract"


@pytest.mark.parametrize("code", ["ru", "en"])
def test_every_wording_that_the_lists_can_propose_is_correct(code):
    proposed = [*LISTS[code]["rewrites"].values(), *LISTS[code]["by_kind"].values()]
    assert {title: verdict(title)[:2] for title in proposed} == dict.fromkeys(proposed, ("correct", "agree"))
    assert set(LISTS[code]["by_kind"]) == set(LISTS[code]["wrong"])


def test_titles_are_counted_once_each_most_frequent_first():
    table = lint_tasks(["созвон", "звонок", "созвон ", None, "", "  ", "аудит", "созвон"])
    assert table[["title", "tasks"]].to_numpy().tolist() == [
        ["", 3],
        ["созвон", 3],
        ["аудит", 1],
        ["звонок", 1],
    ]
    assert table["kind"].tolist() == ["empty", "call_only", "other", "call_only"]
    assert lint_tasks({"созвон": 3, None: 3, "аудит": 1, "звонок": 1}).equals(table)
    assert lint_tasks([]).columns.tolist() == table.columns.tolist()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*BAD, *GOOD, *UNSURE]), st.sampled_from([str.upper, str.lower, str.title, str]),
    st.sampled_from(["", "!", " …", "???"]), st.sampled_from([" ", "  ", "\u00a0"]),
)  # fmt: skip
def test_spelling_changes_no_verdict(title, case, after, gap):
    typed = case(title.replace("ё", "е")).replace(" ", gap) + after
    assert verdict(typed) == verdict(title)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=40), st.sampled_from([*BAD, *GOOD])), max_size=8))
def test_whatever_the_titles_are_no_task_is_lost_and_proposals_pass(titles):
    table = lint_tasks(titles)
    assert table["tasks"].sum() == len(titles)
    assert set(table["verdict"]) <= {"correct", "wrong", "unsure"}
    assert (table["suggestion"].notna() == (table["verdict"] == "wrong")).all()
    assert all(verdict(better)[0] == "correct" for better in table["suggestion"].dropna())


def test_a_title_without_end_does_not_stop_the_linter():
    assert verdict("созвон " * 20_000)[0] == "wrong"
    assert verdict("а" * 100_000)[0] == "unsure"


def test_the_share_of_good_wordings_counts_what_can_be_told():
    titles = ["Договориться о встрече"] * 3 + ["созвон"] * 5 + ["выставить счёт"] * 2 + [None]
    frame = pd.DataFrame({"title": [*titles, "аудит", "созвон"], "manager": ["#02"] * 11 + ["#01", None]})
    table = task_quality(engine.table(frame), level=0.9)
    assert table.index[:2].tolist() == ["#01", "#02"]
    assert pd.isna(table.index[2])
    one = table.loc["#02"]
    assert one[["tasks", "correct", "wrong", "unsure", "known"]].tolist() == [11, 3, 5, 3, 8]
    assert (one["share"], one["bound_low"], one["bound_high"], one["level"]) == (3 / 8, 3 / 11, 6 / 11, 0.9)
    assert (one["low"], one["high"]) == intervals.wilson(3, 8, 0.9)
    assert math.isnan(table.loc["#01", "share"])
    assert table.iloc[2][["tasks", "wrong", "share"]].tolist() == [1, 1, 0]
    shuffled = task_quality(engine.table(frame.sample(frac=1, random_state=1)), level=0.9)
    pd.testing.assert_frame_equal(table, shuffled)


AS_OF = dt.date(2024, 3, 31)
GOOD_TITLE, BAD_TITLE = "Договориться о встрече", "созвон"


def tasks(*rows):
    """Rows of (deal, created, title)."""
    frame = pd.DataFrame(rows, columns=["lead_id", "created_at", "title"])
    frame["created_at"] = pd.to_datetime(frame["created_at"], format="ISO8601")
    return engine.table(frame)


def history(*rows):
    """Rows of (deal, time, kind), as `moves.history` names the kinds."""
    frame = pd.DataFrame(rows, columns=["lead_id", "at", "kind"])
    frame["at"] = pd.to_datetime(frame["at"], format="ISO8601")
    return engine.table(frame)


def test_only_a_step_forward_within_the_days_after_a_ripe_task_counts():
    log = history(
        ("a", "2024-03-01 09:00", "created"), ("a", "2024-03-10 09:59", "forward"), ("b", "2024-03-01", "created"),
        ("b", "2024-03-10 10:01", "won"), ("c", "2024-03-02 12:00", "backward"), ("c", "2024-03-02 13:00", "lost"),
        ("d", "2024-03-03 08:00", "forward"), ("e", "2024-03-20", "created"), ("e", "2024-03-27", "forward"),
    )  # fmt: skip
    found = progress(
        tasks(
            ("a", "2024-03-03 10:00", GOOD_TITLE),  # a minute before seven days are over
            ("b", "2024-03-03 10:00", GOOD_TITLE),  # a minute after
            ("c", "2024-03-02 10:00", BAD_TITLE),  # back and lost are no steps forward
            ("d", "2024-03-03 09:00", BAD_TITLE),  # the step came before the task
            ("e", "2024-03-26 10:00", BAD_TITLE),  # not ripe
            ("x", "2024-03-01 10:00", BAD_TITLE),  # no history
            ("a", None, GOOD_TITLE),  # no time
        ),
        log, AS_OF, days=7, level=0.9,
    )  # fmt: skip
    assert found.table.index.tolist() == ["correct", "wrong", "unsure"]
    assert found.table["tasks"].tolist() == [3, 4, 0]
    assert found.table["ripe"].tolist() == [2, 2, 0]
    assert found.table["moved"].tolist() == [1, 0, 0]
    assert found.table["share"].tolist()[:2] == [0.5, 0]
    assert (found.status, found.days, found.level, found.difference) == ("cannot_tell", 7, 0.9, 0.5)
    assert (found.low, found.high) == pytest.approx(intervals.newcombe(1, 2, 0, 2, 0.9))


def test_a_task_without_a_clock_counts_moves_from_the_next_day_on():
    log = history(("a", "2024-03-03 15:00", "forward"), ("b", "2024-03-04 00:00", "forward"))
    found = progress(
        tasks(("a", "2024-03-03", BAD_TITLE), ("b", "2024-03-03", BAD_TITLE)), log, AS_OF, days=7
    )
    assert found.table.loc["wrong", ["ripe", "moved"]].tolist() == [2, 1]


def test_a_task_is_ripe_on_the_evening_its_days_are_over():
    log = history(("a", "2024-03-01", "created"))
    ages = [
        f"2024-03-{day} 10:00" for day in (24, 25)
    ]  # seven days after the 25th 10:00 are over on April 1st
    found = progress(tasks(*(("a", age, BAD_TITLE) for age in ages)), log, AS_OF, days=7)
    assert found.table.loc["wrong", "ripe"] == 1


def test_missing_times_or_history_are_said_and_not_guessed():
    some = tasks(("a", "2024-03-03 10:00", GOOD_TITLE))
    assert progress(some, None, AS_OF).status == "no_history"
    assert progress(some, history(("b", "2024-03-01", "created")), AS_OF).status == "no_history"
    assert (
        progress(tasks(("a", None, GOOD_TITLE)), history(("a", "2024-03-01", "created")), AS_OF).status
        == "no_times"
    )
    bare = progress(some, None, AS_OF)
    assert bare.table["tasks"].tolist() == [1, 0, 0]
    assert math.isnan(bare.difference)
    assert math.isnan(bare.low)
    assert bare.needed is None


def world(seed, deals, good, bad, each=1):
    """`deals` deals with `each` tasks; the deal moves after all of them or after none."""
    draw = np.random.default_rng(seed)
    titles = np.where(draw.random(deals) < 0.5, GOOD_TITLE, BAD_TITLE)
    moves = draw.random(deals) < np.where(titles == GOOD_TITLE, good, bad)
    made = [(str(deal), f"2024-03-01 1{n}:00", titles[deal]) for deal in range(deals) for n in range(each)]
    log = [(str(deal), "2024-02-01", "created") for deal in range(deals)]
    log += [(str(deal), "2024-03-05", "forward") for deal in np.flatnonzero(moves)]
    return tasks(*made), history(*log)


def test_a_clear_difference_is_told_and_a_thin_or_small_one_is_not():
    clear = progress(*world(1, 400, 0.7, 0.3), AS_OF)
    assert clear.status == "ok"
    assert 0 < clear.low < clear.difference < clear.high
    assert clear.needed < 100
    assert progress(*world(1, 400, 0.7, 0.3), AS_OF, min_group=1000).status == "cannot_tell"
    assert progress(*world(1, 400, 0.7, 0.3), AS_OF, material=0.9).status == "cannot_tell"
    assert progress(*world(1, 40, 0.7, 0.3), AS_OF).status == "cannot_tell"


def test_five_tasks_of_one_deal_are_worth_one():
    single, fivefold = (progress(*world(2, 60, 0.6, 0.4, each), AS_OF).table.loc["wrong"] for each in (1, 5))
    assert (fivefold["ripe"], fivefold["moved"]) == (5 * single["ripe"], 5 * single["moved"])
    assert fivefold["share"] == single["share"]
    assert fivefold["deals"] == single["deals"] == single["ripe"]
    assert fivefold["weight"] == pytest.approx(single["ripe"])
    assert single["weight"] == pytest.approx(single["ripe"])
    assert fivefold[["low", "high"]].tolist() == pytest.approx(single[["low", "high"]].tolist())


def test_equal_wordings_are_told_apart_seldom_even_with_many_tasks_a_deal():
    told = sum(progress(*world(seed, 120, 0.5, 0.5, 4), AS_OF).status == "ok" for seed in range(25))
    assert told <= 4  # about one of 25 is expected; tasks counted as independent: ten


def test_the_order_of_rows_changes_nothing():
    some, log = world(3, 80, 0.6, 0.4, 3)
    known = progress(some, log, AS_OF)
    mixed = (engine.table(engine.frame(one).sample(frac=1, random_state=5)) for one in (some, log))
    other = progress(*mixed, AS_OF)
    pd.testing.assert_frame_equal(known.table, other.table)
    assert (known.difference, known.low, known.needed) == (other.difference, other.low, other.needed)
