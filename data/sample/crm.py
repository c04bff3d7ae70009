"""What the CRM and the telephone exchange hand over: deals, moves between stages, calls, tasks.

Every table is text, as in a file. Faults of real exports are put in here; the facts stay in the world.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import world
from cells import money, pick, stamp, where
from world import DAY, DEALER, END, PRIVATE

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
REASONS = (  # share among losses of leads that sales did not reject, raw texts
    (0.23, (None,)),
    (0.16, ("Дорого", "дорого ", "Высокая цена", f"Дорого {SCRIPT}")),
    (0.10, ("Выбрали конкурента", "купили у других")),
    (0.14, ("Долго ждать", "Не устроил срок")),
    (0.12, ("Не отвечает", "недозвон")),
    (0.09, ("Думает", "думают")),
    (0.08, ("Другое", "другое", "сам перезвонит")),
    (0.08, ("Не дождались ответа",)),
)
DEALER_REASONS = (0.20, 0.08, 0.10, 0.12, 0.05, 0.05, 0.05, 0.35)  # dealers go to whoever answers first
TEST_TITLES = ("Тест", "тест заявки", "test", "Проверка формы", "Заявка (тест)", "asdf")
TRAPS = ("Тестов, горка", "Цех: тестомес и городок", "Протестантский приход")
OWN_PHONE = "+7 907 000-00-00"
TASKS = (
    "созвон",
    "Договориться о замере",
    "мониторинг",
    "Договориться о дате договора",
    "выйти на ЛПР",
    "Выставить счёт",
)


def phones(leads: pd.DataFrame) -> pa.Array:
    """A number of the code 907, which no operator holds, written in four ways; broken ones cut short."""
    text = []
    for person, broken, blank in zip(
        leads["person"], leads["fails_phone"], leads["blank_phone"], strict=True
    ):
        digits = f"{(person * 7_919 + 1_234_567) % 10_000_000:07d}"
        if blank:
            text.append(None)
        elif broken:
            text.append(f"+7 907 {digits[:2]}_-__-__" if person % 3 else "000000")
        else:
            a, b, c = digits[:3], digits[3:5], digits[5:]
            forms = (f"+7 907 {a}-{b}-{c}", f"8 (907) {a}-{b}-{c}", f"7907{digits}", f"8-907-{a}-{b}-{c}")
            text.append(forms[person % 4])
    return pa.array(text, pa.string())


def reasons(leads: pd.DataFrame) -> pa.Array:
    """The loss reason as typed by hand, for closed and lost leads."""
    usual, dealers = (np.cumsum(shares) for shares in ([share for share, _ in REASONS], DEALER_REASONS))
    draw = leads["reason_draw"].to_numpy()
    group = np.where(leads["segment"] == DEALER, np.searchsorted(dealers, draw), np.searchsorted(usual, draw))
    texts = [text for _, group_texts in REASONS for text in group_texts]
    first = np.cumsum([0] + [len(group_texts) for _, group_texts in REASONS])
    size = np.diff(first)
    person, lost = leads["person"].to_numpy(), shut(leads) & ~leads["won"].to_numpy()
    said = pick(texts, first[group] + person % size[group])
    rejected = where(leads["fails_phone"], pick(WRONG_NUMBER, person % 3), pick(NOT_OURS, person // 3 % 3))
    said = where(leads["rejected"], rejected, said)
    said = where(leads["role"] == "repeat", pa.scalar("Дубль"), said)
    return where(lost & (leads["role"] != "test").to_numpy(), said, pa.scalar(None, pa.string()))


def shut(leads: pd.DataFrame) -> np.ndarray:
    """Whether the lead was closed when the export was taken."""
    return (leads["closed"] < END).to_numpy()


def stage_now(leads: pd.DataFrame) -> np.ndarray:
    """Order (1 to 5) of the furthest open stage reached by the evening of the export."""
    stop = leads["stop"].to_numpy()
    passed = [(leads[f"end_{stage}"].to_numpy() < END) & (stop > stage) for stage in range(1, 5)]
    reached = 1 + np.sum(passed, axis=0)
    return np.where(leads["skips"] & (reached == 2), 1, reached)


def nowhere(leads: pd.DataFrame) -> np.ndarray:
    """Whether the channel's cell is empty: one lead in 71, never where a channel itself is planted."""
    return ((leads["person"] % 71 == 0) & ~leads["channel"].isin([world.QUIZ, world.EXPO])).to_numpy()


def titles(leads: pd.DataFrame) -> pa.Array:
    person, role = leads["person"].to_numpy(), leads["role"].to_numpy()
    text = pc.binary_join_element_wise(
        pick(GOODS, person % 4), pa.array(person).cast(pa.string()), " "
    ).to_pylist()
    tests, plain = np.flatnonzero(role == "test"), np.flatnonzero((role == "lead") & (leads["odd"] == ""))
    for number, row in enumerate(tests[3:]):  # three tests are known by the company's own phone alone
        text[row] = TEST_TITLES[number % len(TEST_TITLES)]
    for row, trap in zip(plain[50::60], (*TRAPS, "=cmd|'/C calc'!A0"), strict=False):
        text[row] = trap
    return pa.array(text, pa.string())


def deals(leads: pd.DataFrame) -> pa.Table:
    """amoCRM's deals, with headings and cells as people leave them."""
    person, closed = leads["person"].to_numpy(), shut(leads)
    columns = _card(leads, person, closed) | _own_fields(leads, person)
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
        "Рабочий email": pa.array([f"k{p}@example.com" if p % 3 == 0 else None for p in person], pa.string()),
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
    campaign = [
        campaigns[int(p) // 5 % len(campaigns)] if p % 13 else campaigns[-1]
        for campaigns, p in zip(map(CAMPAIGNS.__getitem__, channel), person, strict=True)
    ]
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
        "utm_campaign": pa.array(campaign, pa.string()),
        f"Заметка {SCRIPT}": pick([SCRIPT, "перезвонить"], person % 2, person % 90 == 0),
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


def history(leads: pd.DataFrame) -> pa.Table:
    """Every move of every deal, in order of time; a few moves of deals that are in no export."""
    leads = leads[~leads["no_history"]]
    closing = np.where(leads["won"], 6, 7)
    parts = [_moves(leads, leads["created"], -1, 0, None)]
    for stage in range(1, 5):
        before = np.where(leads["skips"] & (stage == 2), 0, stage - 1)
        there = (leads["stop"] > stage) & ~(leads["skips"] & (stage == 1))
        parts.append(_moves(leads, leads[f"end_{stage}"], before, stage, there))
    third = leads["end_3"] - leads["end_2"]
    parts.append(_moves(leads, leads["end_2"] + third // 3, 2, 1, leads["returns"]))
    parts.append(_moves(leads, leads["end_2"] + third * 2 // 3, 1, 2, leads["returns"]))
    parts.append(_moves(leads, leads["closed"], leads["stop"] - 1, closing - 1, None))
    moves = pd.concat(parts).query("time < @END").sort_values(["time", "lead", "to"], kind="stable")
    orphans = pd.DataFrame({"lead": "39999999", "time": np.arange(1, 8) * DAY, "from": 0, "to": 1, "who": 0})
    moves = pd.concat([moves, orphans])
    names = (*world.STAGES, WON, LOST)
    return pa.table(
        {
            "ID сделки": pa.array(moves["lead"], pa.string()),
            "Дата": stamp(moves["time"], form="%d.%m.%Y %H:%M:%S"),
            "Этап «из»": pick(names, moves["from"].clip(lower=0), moves["from"] >= 0),
            "Этап «в»": pick(names, moves["to"]),
            "Кто": pick([name.split()[0] for name in MANAGERS], moves["who"], moves["from"] >= 0),
        }
    )


def _moves(leads: pd.DataFrame, time, before, after, there) -> pd.DataFrame:
    found = pd.DataFrame(
        {"lead": leads["lead_id"], "time": time, "from": before, "to": after, "who": leads["manager"]}
    )
    return found if there is None else found[np.asarray(there, dtype=bool)]


def calls(leads: pd.DataFrame) -> pd.DataFrame:
    """Facts of all calls: row of the lead, time, seconds of talk. Builders are phoned first, dealers last."""
    rng = np.random.default_rng(world.SEED + 1)
    leads = leads[leads["role"].isin(["lead", "second"]) & ~leads["untouched"]]
    segment, first = leads["segment"].to_numpy(), (leads["end_1"] - leads["created"]).to_numpy()
    early = (leads["rejected"] & ~leads["hindsight"]).to_numpy()
    before_label = (leads["labelled"] - leads["created"]).to_numpy() - 120
    latest = np.where(early, np.minimum(0.8 * first, before_label), 0.8 * first)
    delay = rng.exponential(np.array([2.0, 0.05, 0.4])[segment] * DAY).clip(max=latest)
    more = rng.poisson(np.array([0.1, 1.6, 0.15])[segment])
    row = np.repeat(np.arange(len(leads)), 1 + more)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(1 + more) - 1 - more, 1 + more)
    time = (leads["created"].to_numpy() + delay)[row] + nth * rng.uniform(0.5, 3, len(row)) * DAY
    talk = rng.uniform(75, 420, len(row)) * np.array([0.8, 1.6, 1.0])[segment][row]
    sure = leads["rejected"].to_numpy()[row] & (nth == 0)
    talk = np.where(sure | (rng.random(len(row)) < 0.7), talk, rng.integers(0, 40, len(row)))
    dead = leads["fails_phone"].to_numpy()[row]
    made = pd.DataFrame(
        {
            "at": time.astype("int64"),
            "seconds": np.where(dead, 0, talk).astype("int64"),
            "nth": nth,
            "lead": leads.index.to_numpy()[row],
        }
    )
    made = made[(made["at"] < END) & (made["at"] < leads["closed"].to_numpy()[row])]
    return made.sort_values(["at", "lead"], kind="stable", ignore_index=True)


def call_log(leads: pd.DataFrame) -> pa.Table:
    """The telephone exchange's log: one call in five, never the first, knows the number and not the deal."""
    made = calls(leads)
    of = leads.loc[made["lead"]]
    linked = (
        (made["nth"] == 0)
        | (made["lead"] % 5 != 0)
        | of["blank_phone"].to_numpy()
        | of["fails_phone"].to_numpy()
    )
    return pa.table(
        {
            "Дата и время": stamp(made["at"]),
            "Номер сделки": where(linked, pa.array(of["lead_id"], pa.string()), pa.scalar(None, pa.string())),
            "Телефон": where(linked, pa.scalar(None, pa.string()), phones(of)),
            "Длительность, сек": pa.array(made["seconds"]).cast(pa.string()),
            "Сотрудник": pick([name.split()[0] for name in MANAGERS], of["manager"]),
        }
    )


def tasks(leads: pd.DataFrame) -> pa.Table:
    """Tasks of deals that went beyond the first stage."""
    of = leads[(leads["role"] == "lead") & (leads["stop"] >= 3) & (leads["end_2"] < END - 3 * DAY)]
    of = of[of["person"] % 2 == 0]
    person = of["person"].to_numpy()
    done = (person % 4 != 0) & (of["end_2"] + 2 * DAY < END).to_numpy()
    return pa.table(
        {
            "ID задачи": pa.array(np.arange(1, len(of) + 1)).cast(pa.string()),
            "Номер сделки": pa.array(of["lead_id"], pa.string()),
            "Задача": pick(TASKS, person % 6),
            "Ответственный": pick([name.split()[0] for name in MANAGERS], of["manager"]),
            "Дата создания": stamp(of["end_2"], form="%d.%m.%Y"),
            "Срок": stamp(of["end_2"] + 2 * DAY, form="%d.%m.%Y"),
            "Дата завершения": stamp(of["end_2"] + (person % 5) * DAY // 2, done, "%d.%m.%Y"),
        }
    )
