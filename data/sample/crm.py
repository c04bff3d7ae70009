"""What the CRM hands over: deals and the moves between stages.

Every table is text, as in a file. Faults of real exports are put in here; the facts stay in the world.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sales
import world
from cells import digits, join, money, phones, pick, stamp, where
from sales import shut, stage_now
from world import DAY, END, PRIVATE

SCRIPT = "<script>alert('x')</script>"
WON, LOST = "Успешно реализовано", "Закрыто и не реализовано"
MANAGERS = ("Белова Ирина", "Рощин Олег", "Лугова Анна", "Снегов Пётр", "Озерова Мария", f"Ткач {SCRIPT}")
SEGMENTS = (("Дилер", "дилер"), ("Застройщик", "застройщик"), ("Частное лицо", "частник"))
CHANNELS = (
    ("Яндекс Директ", "yandex_direct"),
    ("VK Реклама", "vk ads"),
    ("Авито", "avito"),
    ("Поиск", "seo"),
    ("Квиз на сайте", "quiz"),
    ("Рекомендации", "рекомендация"),
    ("Холодный поиск", "холодный поиск"),
    ("Выставка", "Выставка"),
)
SOURCES = ("yandex", "vk", "avito", None, "site", None, None, None)
CAMPAIGNS = (
    ("poisk_ploshchadki", "rsya_dacha", "rsya_dvor", f"retarget {SCRIPT}"),
    ("vk_dacha", "vk_mamy"),
    ("avito_promo",),
    (None,),
    ("quiz_7_voprosov",),
    (None,),
    (None,),
    (None,),
)
SERVED = ("Москва", "Московская обл.", "Тверская обл.", "Тульская обл.", "Калужская обл.", "Рязанская обл.")
FAR = ("Приморский край", "Иркутская обл.", "Минск")
DECIDES = ("Владелец", "Директор", "Снабжение", "Решает сам")
DECIDES_NOT = ("Помощник", "Студент", "Сосед")
GOODS = ("Горка", "Качели", "Городок", "Песочница")
NAMES = ("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Инна", "Кирилл", "Лада", "Марк")
SURNAMES = (
    "Берёзкин",
    "Вязов",
    "Дубравин",
    "Ельник",
    "Кленов",
    "Липкин",
    "Осинин",
    "Рябинин",
    "Соснин",
    "Тополев",
)
NOT_OURS = ("Нецелевой", "Не наш клиент", "нецелевой клиент")
WRONG_NUMBER = ("Неверный номер", "неправильный телефон", "Номер не существует")
REASONS = (  # as typed, in the order of sales.REASONS
    (None,),
    ("Дорого", "дорого ", "Высокая цена", f"Дорого {SCRIPT}"),
    ("Выбрали конкурента", "купили у других"),
    ("Долго ждать", "Не устроил срок"),
    ("Не отвечает", "недозвон"),
    ("Думает", "думают"),
    ("Другое", "другое", "сам перезвонит"),
    ("Не дождались ответа",),
)
TEST_TITLES = ("Тест", "тест заявки", "test", "Проверка формы", "Заявка (тест)", "asdf")
TRAPS = ("Тестов, горка", "Цех: тестомес и городок", "Протестантский приход")
OWN_PHONE = "+7 907 000-00-00"
ROLES = (  # of projects and of private persons, by how many people are known
    (
        "директор",
        "директор, снабжение",
        "директор, снабжение, прораб",
        "директор, снабжение, прораб, бухгалтер",
    ),
    ("решает один человек", "вся семья"),
)


def reasons(leads: pd.DataFrame) -> pa.Array:
    """The loss reason as typed by hand, for closed and lost leads; on a few won ones it was left behind."""
    texts = [text for group in REASONS for text in group] + [*sales.TYPOS, sales.CRM_WORDS]
    size = np.array([len(group) for group in REASONS])
    first = np.cumsum(size) - size
    group, typo = leads["reason"].to_numpy().astype("int64"), leads["typo"].to_numpy().astype("int64")
    person, lost = leads["person"].to_numpy(), shut(leads) & ~leads["won"].to_numpy()
    said = pick(texts, np.where(typo >= 0, size.sum() + typo, first[group] + person % size[group]))
    rejected = where(leads["fails_phone"], pick(WRONG_NUMBER, person % 3), pick(NOT_OURS, person // 3 % 3))
    said = where(leads["rejected"] & ~leads["won"], rejected, said)
    said = where(leads["role"] == "repeat", pa.scalar("Дубль"), said)
    shown = lost & (leads["role"] != "test").to_numpy() | leads["told"].to_numpy()
    return where(shown, said, pa.scalar(None, pa.string()))


def nowhere(leads: pd.DataFrame) -> np.ndarray:
    """Whether the channel's cell is empty: one lead in 71, never where a channel itself is planted."""
    return ((leads["person"] % 71 == 0) & ~leads["channel"].isin([world.QUIZ, world.EXPO])).to_numpy()


def titles(leads: pd.DataFrame) -> pa.Array:
    person, role = leads["person"].to_numpy(), leads["role"].to_numpy()
    text = join(pick(GOODS, person % 4), digits(person), " ")
    tests, plain = np.flatnonzero(role == "test"), np.flatnonzero((role == "lead") & (leads["odd"] == ""))
    tests = tests[3:]  # three tests are known by the company's own phone alone
    text = _put(text, tests, [TEST_TITLES[number % len(TEST_TITLES)] for number in range(len(tests))])
    traps = (*TRAPS, "=cmd|'/C calc'!A0")
    return _put(text, plain[50::60][: len(traps)], traps[: len(plain[50::60])])


def _put(text: pa.Array, rows: np.ndarray, words) -> pa.Array:
    """The same texts with others at some rows."""
    mask = np.zeros(len(text), bool)
    mask[rows] = True
    return pc.replace_with_mask(text, pa.array(mask), pa.array(list(words), pa.string()))


def deals(leads: pd.DataFrame) -> pa.Table:
    """amoCRM's deals, with headings and cells as people leave them."""
    person, closed = leads["person"].to_numpy(), shut(leads)
    columns = _card(leads, person, closed) | _own_fields(leads, person) | _sales_card(leads)
    return _faults(leads, pa.Table.from_arrays(list(columns.values()), names=list(columns)))


def _card(leads: pd.DataFrame, person: np.ndarray, closed: np.ndarray) -> dict[str, pa.Array]:
    """The fields that every amoCRM has."""
    end = np.where(leads["odd"] == "ends_early", leads["created"] - 2 * DAY, leads["closed"])
    future = pa.scalar("15.09.2026 10:00:00")
    edited = np.where(closed, leads["closed"], np.maximum(leads["created"], END - DAY))
    final = where(leads["won"], pa.scalar(WON), pa.scalar(LOST))
    own = np.zeros(len(leads), bool)
    own[np.flatnonzero(leads["role"] == "test")[:3]] = True
    return {
        "ID": pa.array(leads["lead_id"], pa.string()),
        "Название сделки": titles(leads),
        "Бюджет ": money(leads["amount"].to_numpy(), leads["won"].to_numpy() & closed | (person % 2 == 0)),
        "Ответственный": pick(MANAGERS, leads["manager"]),
        "Дата создания сделки": where(leads["odd"] == "future", future, stamp(leads["created"])),
        "Дата редактирования": stamp(edited, form="%d.%m.%Y %H:%M"),
        "Дата закрытия": where(closed, stamp(end), pa.scalar("не закрыта")),
        "Теги": pick(["импорт 01.09.2025", None], np.where(leads["no_history"], 0, 1)),
        "Этап cделки": where(closed, final, pick(world.STAGES, stage_now(leads) - 1)),
        "Воронка": pick(["Продажи"], person * 0),
        "Полное имя контакта": pc.binary_join_element_wise(
            pick(NAMES, person % 12), pick(SURNAMES, person // 12 % 10), " "
        ),
        "Рабочий телефон": where(own, pa.scalar(OWN_PHONE), phones(leads)),
        "Рабочий email": where(
            person % 3 == 0, join("k", digits(person), "@example.com", ""), pa.scalar(None, pa.string())
        ),
    }


def _own_fields(leads: pd.DataFrame, person: np.ndarray) -> dict[str, pa.Array]:
    """The fields that this company added."""
    segment, channel = leads["segment"].to_numpy(), leads["channel"].to_numpy()
    least = np.where(segment == PRIVATE, 30_000, 300_000)
    budget, asked = leads["budget"].to_numpy() * 100, ~leads["blank_budget"].to_numpy()
    sloppy = np.where(person % 11 == 0, 1, 0)
    region = where(leads["fails_region"], pick(FAR, person % 3), pick(SERVED, person // 2 % 6))
    region = where(person % 17 == 0, pc.utf8_upper(region), region)
    caller = where(leads["fails_authority"], pick(DECIDES_NOT, person % 3), pick(DECIDES, person % 4))
    nothing = pa.scalar(None, pa.string())
    known = leads["judged"].to_numpy()
    label = where(leads["rejected"], pa.scalar("Нецелевой"), pa.scalar("Целевой"))
    marketing = pick(
        ["Целевой", "Нецелевой", None],
        np.select([leads["marketing"] == "target", leads["marketing"] == "non_target"], [0, 1], 2),
    )
    spelled = [name for pair in CHANNELS for name in pair]
    return {
        "Сегмент клиента": pick([name for pair in SEGMENTS for name in pair], segment * 2 + sloppy),
        "Бюджет проекта": money(budget, asked),
        "Запас бюджета": money(budget - least * 100, asked),
        "Регион": where(leads["blank_region"], nothing, region),
        "Кто обратился": where(leads["blank_authority"], nothing, caller),
        "Дата квалификации": stamp(leads["asked"], ~leads["unasked"], "%d.%m.%Y %H:%M"),
        "Метка маркетинга": marketing,
        "Оценка ОП": where(known, label, nothing),
        "Дата оценки ОП": stamp(leads["labelled"], known, "%d.%m.%Y %H:%M"),
        "Канал": pick(spelled, channel * 2 + (person % 9 == 0), ~nowhere(leads)),
        "Причина отказа": reasons(leads),
        "Изделий": pa.array(leads["items"].to_numpy()).cast(pa.string()),
        "Товар": pick(GOODS, person % 4),
        "Товар (2)": pick(GOODS, person % 4, person % 40 == 0),
        "utm_source": pick(SOURCES, channel),
        "utm_campaign": campaigns(channel, person),
        f"Заметка {SCRIPT}": pick([SCRIPT, "перезвонить"], person % 2, person % 90 == 0),
    }


def campaigns(channel: np.ndarray, person: np.ndarray) -> pa.Array:
    """The channel's campaigns in turn; one lead in thirteen comes by the last of them."""
    size = np.array([len(names) for names in CAMPAIGNS])
    first = np.cumsum(size) - size
    nth = np.where(person % 13, person // 5 % size[channel], size[channel] - 1)
    return pick([name for names in CAMPAIGNS for name in names], first[channel] + nth)


def _sales_card(leads: pd.DataFrame) -> dict[str, pa.Array]:
    """What a head of sales asks managers to note down, and the facts behind the stages."""
    contacts, hours = leads["contacts"].to_numpy(), leads["hours"].to_numpy()
    first = sales.first_budget(leads)
    place = np.where(leads["segment"] == PRIVATE, len(ROLES[0]), 0) + contacts.astype("int64") - 1
    roles = pick([text for texts in ROLES for text in texts], place.clip(min=0))
    nothing = pa.scalar(None, pa.string())
    facts = {name: leads[name].to_numpy() for name in ("deadline", "measured", "agreed", "signed")}
    days = {name: stamp(moment, moment >= 0, "%d.%m.%Y") for name, moment in facts.items()}
    return {
        "Срок покупки": days["deadline"],
        "Контактов": where(contacts > 0, digits(contacts), nothing),
        "Роли": where((contacts > 0) & leads["roles_known"].to_numpy(), roles, nothing),
        "Часов": where(hours > 0, digits(hours), nothing),
        "Первый бюджет": money(first, first >= 0),
        "Дата замера": stamp(facts["measured"], facts["measured"] >= 0, "%d.%m.%Y %H:%M"),
        "ТЗ согласовано": days["agreed"],
        "Дата договора": days["signed"],
    }


def _faults(leads: pd.DataFrame, table: pa.Table) -> pa.Table:
    """Rows that stand twice, and older versions of rows that were edited later."""
    twice = table.take(pa.array(np.flatnonzero(leads["odd"] == "twice")))
    rows = np.flatnonzero(leads["odd"] == "two_versions")
    older = table.take(pa.array(rows))
    changes = {
        "Дата редактирования": stamp(leads["created"].to_numpy()[rows], form="%d.%m.%Y %H:%M"),
        "Дата закрытия": pick(["не закрыта"], rows * 0),
        "Этап cделки": pick(world.STAGES, rows * 0 + 1),
        "Причина отказа": pick([None], rows * 0),
    }
    for name, column in changes.items():
        older = older.set_column(older.schema.get_field_index(name), name, column)
    return pa.concat_tables([older, table, twice])


def history(leads: pd.DataFrame, last: bool = True) -> pa.Table:
    """Every move of every deal, in order of time; then, if these are the last deals, moves of deals in no export."""
    made = moves(leads)
    of = leads.take(made["row"].to_numpy())
    kopecks = sales.budget_at(of, made["level"].to_numpy())
    names, who = (*world.STAGES, WON, LOST), [name.split()[0] for name in MANAGERS]
    table = pa.table(
        {
            "ID сделки": pa.array(of["lead_id"], pa.string()),
            "Дата": stamp(made["time"]),
            "Этап «из»": pick(names, made["from"].clip(lower=0), made["from"] >= 0),
            "Этап «в»": pick(names, made["to"]),
            "Кто": pick(who, of["manager"], made["from"] >= 0),
            "Бюджет": money(kopecks, kopecks >= 0),
        }
    )
    orphans = [
        pick(["39999999"], np.zeros(7)),
        stamp(np.arange(1, 8) * DAY),
        *(pick([name], np.zeros(7)) for name in (world.STAGES[0], world.STAGES[1], who[0], None)),
    ]
    return pa.concat_tables([table, pa.table(orphans, names=table.column_names)]) if last else table


def moves(leads: pd.DataFrame) -> pd.DataFrame:
    """Facts of all moves, in order of time: place of the lead, time, stages from and to (-1: none; 5: won; 6: lost).

    level : the stage whose budget the deal shows after the move.
    """
    told, stop, returns = ~leads["no_history"], leads["stop"].to_numpy(), leads["returns"].to_numpy()
    won, skips, again = (leads[name].to_numpy() for name in ("won", "skips", "reopened"))
    closing = np.where(won, 5, 6)
    made = [_moves(leads["created"], told, -1, 0, 0)]
    for stage in range(1, 5):
        there = told & (stop > stage) & ~(skips & (stage == 1))
        made.append(
            _moves(leads[f"end_{stage}"], there, np.where(skips & (stage == 2), 0, stage - 1), stage, stage)
        )
    third = (leads["end_3"] - leads["end_2"]) // 3
    made.append(_moves(leads["end_2"] + third, told & returns, 2, 1, 2))
    made.append(_moves(leads["end_2"] + third * 2, told & returns, 1, 2, 2))
    start = sales.start_of(leads, stop)
    pause = (leads["closed"] - start) // 3
    made.append(_moves(start + pause, told & again, stop - 1, 6, stop - 1))
    made.append(_moves(start + pause * 2, told & again, 6, stop - 1, stop - 1))
    made.append(_moves(leads["closed"], told, stop - 1, closing, np.where(won, 5, stop - 1)))
    found = pd.concat(made, ignore_index=True)
    return found.sort_values(["time", "row", "to"], kind="stable", ignore_index=True)


def _moves(time, there, before, after, level) -> pd.DataFrame:
    """One move of the leads where `there` holds, unless it is still to come."""
    time = np.asarray(time)
    rows = np.flatnonzero(np.asarray(there) & (time < END))
    whole = [
        np.broadcast_to(np.asarray(value, dtype="int8"), len(time))[rows] for value in (before, after, level)
    ]
    return pd.DataFrame(
        {"row": rows.astype("int32"), "time": time[rows]}
        | dict(zip(["from", "to", "level"], whole, strict=True))
    )
