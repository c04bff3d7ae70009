"""What advertising, the bank and the plan hand over: spend, payments, refunds, targets. All text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import world
from cells import money, phones, pick, stamp, where
from crm import SCRIPT
from sales import shut
from world import DAY, END, PRIVATE

SPENT = (
    (0, "poisk_ploshchadki", 7_500),
    (0, "rsya_dacha", 5_200),
    (0, "rsya_dvor", 3_800),
    (0, f"retarget {SCRIPT}", 1_700),
    (0, "media_brend", 1_400),
    (1, "vk_dacha", 4_300),
    (1, "vk_mamy", 3_000),
    (1, "vk_bez_zayavok", 700),
)


def paid(leads: pd.DataFrame) -> pd.DataFrame:
    """Facts of all payments: row of the lead (-1: none), time, kopecks, kind."""
    rows = np.arange(len(leads))
    won = (leads["won"] & shut(leads)).to_numpy()
    alone = won & (leads["segment"] == PRIVATE).to_numpy()
    unpaid = rows[alone & (leads["role"] == "lead").to_numpy()][10:80:10]
    alone[unpaid] = False
    amount, closed = leads["amount"].to_numpy(), leads["closed"].to_numpy()
    later = leads["paid_later"].to_numpy()
    project = won & (leads["segment"] != PRIVATE).to_numpy()
    refund = rows[alone][5:65:10]
    wait = 8 * DAY + (rows * 7_919) % (37 * DAY)
    parts = [
        (rows[alone], closed[alone] + DAY // 3, amount[alone], "Оплата"),
        (rows[project], closed[project] + DAY // 2, amount[project] * 6 // 10, "Оплата"),
        (rows[project], closed[project] + 15 * DAY, amount[project] - amount[project] * 6 // 10, "Оплата"),
        (rows[later], closed[later] + wait[later], amount[later], "Оплата"),
        (refund, closed[refund] + 10 * DAY, -amount[refund] // 2, "Возврат"),
        (np.full(4, -1), np.arange(60, 300, 60) * DAY, np.full(4, 1_250_000), "Оплата"),
    ]
    made = pd.concat(
        [pd.DataFrame(dict(zip(["lead", "at", "kopecks", "kind"], part, strict=True))) for part in parts]
    )
    return made[made["at"] < END].sort_values(["at", "lead", "kopecks"], kind="stable", ignore_index=True)


def payments(leads: pd.DataFrame) -> pa.Table:
    made = paid(leads)
    of, known = leads.loc[made["lead"].clip(lower=0)], made["lead"] >= 0
    return pa.table(
        {
            "Номер платежа": pa.array([f"П-{number:06d}" for number in range(1, len(made) + 1)]),
            "Дата оплаты": stamp(made["at"], form="%Y-%m-%d"),
            "Сумма": pa.array([f"{value / 100:.2f}" for value in made["kopecks"]]),
            "Валюта": pick(["RUB"], made["lead"] * 0),
            "Тип операции": pa.array(made["kind"], pa.string()),
            "Номер сделки": where(known, pa.array(of["lead_id"], pa.string()), pa.scalar(None, pa.string())),
            "Телефон плательщика": where(known, phones(of), pa.scalar(None, pa.string())),
        }
    )


def spend(leads: pd.DataFrame, channel: int) -> pd.DataFrame:
    """Facts of one system's spend: week, campaign, kopecks, clicks, impressions. It follows the flow."""
    rng = np.random.default_rng(world.SEED + 2 + channel)
    weeks, made = np.arange(0, world.DAYS, 7), []
    item, scale = world.CHANNELS[channel], len(leads) / 2_500
    level = world.SEASON[world.month_of(weeks * DAY)]
    level = level * np.where(weeks >= world.CHANGE_DAY, item.after / item.before, 1)
    for system, campaign, cost in SPENT:
        if system == channel:
            kopecks = (cost * 100 * level * scale * rng.uniform(0.85, 1.15, len(weeks))).astype("int64")
            clicks = kopecks // 3_400
            shown = clicks * rng.integers(60, 140, len(weeks))
            made.append(
                pd.DataFrame(
                    {
                        "week": weeks,
                        "campaign": campaign,
                        "kopecks": kopecks,
                        "clicks": clicks,
                        "shown": shown,
                    }
                )
            )
    return pd.concat(made, ignore_index=True)


def direct(leads: pd.DataFrame) -> pa.Table:
    made = spend(leads, 0)
    return pa.table(
        {
            "Дата": stamp(made["week"] * DAY, form="%d.%m.%Y"),
            "Кампания": pa.array(made["campaign"], pa.string()),
            "Показы": pa.array(made["shown"]).cast(pa.string()),
            "Клики": pa.array(made["clicks"]).cast(pa.string()),
            "Расход (руб.)": money(made["kopecks"].to_numpy()),
            "Ср. цена клика (руб.)": money((made["kopecks"] // made["clicks"].clip(lower=1)).to_numpy()),
            "Конверсии": pick(["-"], made["week"] * 0),
        }
    )


def vk(leads: pd.DataFrame) -> pa.Table:
    made = spend(leads, 1)
    return pa.table(
        {
            "Дата": stamp(made["week"] * DAY, form="%Y-%m-%d"),
            "Кампания": pa.array(made["campaign"], pa.string()),
            "ID группы": pick(["7001", "7002", "7003"], pd.factorize(made["campaign"])[0]),
            "Показы": pa.array(made["shown"]).cast(pa.string()),
            "Клики": pa.array(made["clicks"]).cast(pa.string()),
            "Результат": pa.array(made["clicks"] // 25).cast(pa.string()),
            "Потрачено всего, ₽": pa.array([f"{value / 100:.2f}" for value in made["kopecks"]]),
        }
    )


PLAN = (
    ("Выручка", "5200000"),
    ("Заявки", "230"),
    ("Доля целевых", "0,70"),
    ("Конверсия", "0,16"),
    ("Средний чек", "210000"),
)


def plan(_: pd.DataFrame) -> pa.Table:
    months = [
        (f"01.{month:02d}.{year}", name, value)
        for year, months in ((2025, range(7, 13)), (2026, range(1, 7)))
        for month in months
        for name, value in PLAN
    ]
    return pa.table(
        {
            "Период": [a for a, _, _ in months],
            "Показатель": [b for _, b, _ in months],
            "План": [c for *_, c in months],
        }
    )
