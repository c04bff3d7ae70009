"""What advertising systems and the plan hand over: spend and targets. All text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import world
from cells import money, pick, stamp
from crm import SCRIPT
from world import DAY

SPENT = (
    (0, "poisk_ploshchadki", 7_500),
    (0, "rsya_dacha", 5_200),
    (0, "rsya_dvor", 3_800),
    (0, f"retarget {SCRIPT}", 1_700),
    (0, "media_brend", 1_400),
    (1, "vk_dacha", 4_300),
    (1, "vk_mamy", 3_000),
    (1, "vk_bez_zayavok", 700),
    (2, None, 980),  # Avito charges by the contact, and tells the cost and nothing else
)
SYSTEMS = (0, 1, 2)  # channels whose spend is exported
AVITO, CHEAPER = 2, 0.27  # by this part a contact of Avito gets cheaper within the year


def spend(leads: pd.DataFrame, channel: int) -> pd.DataFrame:
    """Facts of one system's spend: week, campaign, kopecks, clicks, impressions. It follows the flow of leads."""
    rng = np.random.default_rng(world.SEED + 2 + channel)
    weeks, made = np.arange(0, world.DAYS, 7), []
    item, scale = world.CHANNELS[channel], len(leads) / 2_500
    level = world.SEASON[world.month_of(weeks * DAY)]
    level = level * np.where(weeks >= world.CHANGE_DAY, item.after / item.before, 1)
    swing = 0.15
    if channel == AVITO:
        swing = 0.03
        contacts = np.bincount(leads["created"][leads["channel"] == AVITO] // (7 * DAY), minlength=len(weeks))
        level = np.convolve(contacts, np.full(3, 1 / 3 / scale), "same") * (1 - CHEAPER * weeks / world.DAYS)
    for system, campaign, cost in SPENT:
        if system == channel:
            kopecks = (cost * 100 * level * scale * rng.uniform(1 - swing, 1 + swing, len(weeks))).astype(
                "int64"
            )
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


def avito(leads: pd.DataFrame) -> pa.Table:
    made = spend(leads, AVITO)
    return pa.table(
        {
            "Дата": stamp(made["week"] * DAY, form="%d.%m.%Y"),
            "Расходы": money(made["kopecks"].to_numpy()),
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
