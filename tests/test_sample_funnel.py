"""The funnel of the sample company: moves, tasks and fields are as stated, counted by hand.

Nothing of `detente` is used here: the exports are read with the standard library.
"""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest

from sample_exports import (
    AS_OF,
    LAST_DAY,
    day,
    roubles,
    rows,
    said_of,
    short,
    stands_out,
    when,
)


def test_history_holds_orphans_jumps_and_returns(deals, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    known = {row["ID"] for row in deals}
    assert sum(deal not in known for deal, *_ in moves) == truth["rows"]["orphan_moves"]
    assert len(moves) == truth["history"]["rows"]
    names = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
    order = {name: number for number, name in enumerate(names)}
    steps = [
        (deal, order[to] - order[source])
        for deal, _, source, to, *_ in moves
        if source in order and to in order
    ]
    assert len({deal for deal, step in steps if step < 0}) == truth["history"]["leads_that_went_back"]
    assert len({deal for deal, step in steps if step > 1}) == truth["history"]["leads_that_skipped"]


def test_most_moves_back_are_one_managers(truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    names = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
    order = {name: number for number, name in enumerate(names)}
    back = {
        (deal, who)
        for deal, _, source, to, who, _ in moves
        if source in order and to in order and order[to] < order[source]
    }
    counts = Counter(who for _, who in back)
    name = truth["habits"]["moves_back"]["manager"].split()[0]
    assert counts[name] == truth["history"]["of_them_at_one_manager"]
    assert counts[name] * 2 > sum(counts.values())


def test_a_few_leads_came_back_from_the_archive_and_ended_as_they_would_have(deals, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    again = {deal for deal, _, source, *_ in moves if source == "Закрыто и не реализовано"}
    assert len(again) == truth["history"]["leads_back_from_the_archive"] == 12
    last = {deal: to for deal, _, _, to, *_ in moves}
    stages = {row["ID"]: row["Этап"] for row in deals}
    assert all(stages[deal] == last[deal] for deal in again)


def test_no_move_lies_after_the_export_or_before_the_one_that_led_to_it(deals):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    place = {}
    for deal, moment, source, to, *_ in moves:
        assert when(moment) < AS_OF
        assert deal == "39999999" or source == place.get(deal, "")
        place[deal] = to
    closed = {row["ID"]: row["Дата закрытия"] for row in deals if row["Дата закрытия"] != "не закрыта"}
    ends = {deal: moment for deal, moment, _, to, *_ in moves if to[:8] in ("Успешно ", "Закрыто ")}
    assert sum(closed[deal] != moment for deal, moment in ends.items()) == 4  # closed before created


def test_one_manager_notes_moves_on_the_last_evening_of_the_month(truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    made = [
        (when(moment), who)
        for deal, moment, source, to, who, _ in moves
        if source and deal != "39999999" and not {source[:7], to[:7]} & {"Закрыто", "Успешно"}
    ]
    late = Counter(who for moment, who in made if (moment + dt.timedelta(days=3)).month != moment.month)
    stated, name = said_of(truth, "month_end")
    total = Counter(who for _, who in made)
    assert {who: (total[who], late[who]) for who in total} == {
        who: (part["of"], part["hits"]) for who, part in stated.items()
    }
    assert stands_out({who: late[who] / total[who] for who in total}, name, 2)
    evenings = Counter(moment.date() for moment, who in made if who == name and moment.hour == 18)
    [(_, most)] = evenings.most_common(1)
    assert most >= 8  # a whole month noted within a few minutes


BAD_TASKS = {
    "созвон",
    "мониторинг",
    "выйти на ЛПР",
    "проинформировать о скидке",
    "получить обратную связь",
    "выяснить что решили",
}


def test_one_manager_plans_results_and_the_others_mostly_do_not(truth):
    _, lines = rows("tasks.csv", "utf-8")
    total, good, bad = Counter(), Counter(), Counter()
    for _, _, title, who, *_ in lines:
        total[who] += 1
        good[who] += title.startswith("Договориться о ")
        bad[who] += title in BAD_TASKS
    stated = short(truth["tasks"]["wording"])
    assert {who: (total[who], good[who], bad[who]) for who in total} == {
        who: (part["tasks"], part["good"], part["bad"]) for who, part in stated.items()
    }
    tidy = truth["tasks"]["tidy_manager"].split()[0]
    assert stands_out({who: good[who] / total[who] for who in total}, tidy, 1.8)


def test_open_deals_lie_without_a_task_at_one_stage_and_have_one_elsewhere(counted, truth):
    _, lines = rows("tasks.csv", "utf-8")
    live, late = set(), set()
    for _, deal, _, _, _, due, done in lines:
        if not done:
            (live if dt.datetime.strptime(due, "%d.%m.%Y") >= AS_OF - dt.timedelta(days=1) else late).add(
                deal
            )
    found = {name: Counter() for name in truth["tasks"]["open_deals"]}
    for row in counted:
        if row["Дата закрытия"] == "не закрыта":
            kind = "live" if row["ID"] in live else "overdue" if row["ID"] in late else "none"
            found[row["Этап"]].update(["open", kind])
    for name, stated in truth["tasks"]["open_deals"].items():
        assert {key: found[name][key] for key in stated} == stated
    pocket = found.pop(truth["tasks"]["pocket"])
    assert pocket["none"] > 0.5 * pocket["open"]
    assert all(stage["none"] <= 0.1 * stage["open"] for stage in found.values())


def test_the_oldest_open_deals_have_a_live_task_unless_they_lie_in_the_pocket(counted, truth):
    _, lines = rows("tasks.csv", "utf-8")
    live = {deal for _, deal, *_, due, done in lines if not done and day(due) >= LAST_DAY}
    old = [
        row
        for row in counted
        if row["Дата закрытия"] == "не закрыта"
        and when(row["Дата создания сделки"]) <= AS_OF - dt.timedelta(days=30, hours=5)
    ]
    stated = truth["tasks"]["older_than_30_days"]
    assert (len(old), sum(row["ID"] in live for row in old)) == (stated["open"], stated["live"])
    assert all(row["ID"] in live for row in old if row["Этап"] != truth["tasks"]["pocket"])


def test_fields_of_a_head_of_sales_are_filled_as_stated(counted, truth):
    stated = truth["fields"]
    due = [row for row in counted if row["Срок покупки"]]
    passed = [
        row for row in due if row["Дата закрытия"] == "не закрыта" and day(row["Срок покупки"]) < LAST_DAY
    ]
    won = [row for row in counted if row["Этап"] == "Успешно реализовано"]
    with_deadline = sum(bool(row["Срок покупки"]) for row in won)
    assert stated["deadline"] == {
        "filled": len(due),
        "passed_and_open": len(passed),
        "won_with": with_deadline,
        "won_without": len(won) - with_deadline,
    }
    assert 0.3 < len(due) / len(counted) < 0.4
    people = Counter(row["Контактов"] for row in counted if row["Контактов"])
    assert people == stated["contacts"]
    assert all(row["Роли"].count(",") < int(row["Контактов"]) for row in counted if row["Роли"])
    ratios = sorted(
        roubles(row["Первый бюджет"]) / roubles(row["Бюджет"]) for row in won if row["Первый бюджет"]
    )
    middle = (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
    assert float(middle) == pytest.approx(stated["first_budget"]["median_over_the_final"], abs=0.001)
    assert middle > Decimal("1.2")


def test_facts_of_stages_are_noted_as_often_as_stated_and_before_the_move(counted, truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    names = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
    order = {name: number for number, name in enumerate([*names, "Успешно реализовано"])}
    left = {
        (deal, source): when(moment)
        for deal, moment, source, to, *_ in moves
        if order.get(to, 0) > order.get(source, 9)
    }
    for place, heading in ((2, "Дата замера"), (3, "ТЗ согласовано"), (4, "Дата договора")):
        stated = truth["fields"]["facts"][names[place]]
        beyond = [*names[place + 1 :], "Успешно реализовано"]
        went = {deal for deal, _, _, to, *_ in moves if to in beyond}
        passed = [row for row in counted if row["ID"] in went or row["Этап"] in beyond]
        noted = [row for row in passed if row[heading]]
        assert (len(passed), len(noted)) == (stated["passed"], stated["filled"])
        assert 0.7 < len(noted) / len(passed) < 0.99
        for row in noted:
            move = left.get((row["ID"], names[place]))
            assert move is None or when(f"{row[heading]} 00:00"[:16]) <= move


def test_budgets_are_noted_ever_more_often_and_come_down_on_the_way(truth):
    _, moves = rows("stage_history.csv", "utf-8-sig")
    budgets = {}
    for deal, _, _, to, _, budget in moves:
        budgets.setdefault(to, {})[deal] = roubles(budget) if budget else None
    share = {
        stage: sum(cell is not None for cell in cells.values()) / len(cells)
        for stage, cells in budgets.items()
    }
    assert share["Новая заявка"] < 0.5 < 0.7 < share["Квалификация"] < 0.8 < 0.9 < share["Замер и эскиз"]
    first, last = budgets["Новая заявка"], budgets["Успешно реализовано"]
    down = [first[deal] > last[deal] for deal in last if first.get(deal)]
    assert sum(down) > 0.9 * len(down) > 50
