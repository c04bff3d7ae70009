"""What accounting hands over: payments of the bank, invoices and costs of 1C. Facts in kopecks, then text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ledger
import money
import numpy as np
import pandas as pd
import pyarrow as pa
import world
from cells import digits, join, phones, pick, stamp, where
from cells import money as roubles
from crm import GOODS
from money import Plants, sold
from world import BUILDER, DAY, DEALER, PRIVATE, SEED

VAT = 0.2  # inside payments, invoices and spend; costs are without it
MARGINS = {DEALER: 0.34, BUILDER: 0.22, PRIVATE: 0.12}  # of revenue without VAT, after goods
ORDERED_DELIVERY = 0.02  # of the orders by phone, of which 1C knows months and no deals
ARTICLES = (
    *("Материалы", "Производство", "Доставка", "Монтаж", "Гарантийный ремонт"),
    *("Зарплата маркетинга", "Агентство", "Сервисы", "Зарплата продаж", "Аренда", "Налоги", "Реклама", "Хозрасходы"),
)  # fmt: skip
MATERIALS, PRODUCTION, DELIVERY, INSTALLING, REPAIR, ADVERTISING = 0, 1, 2, 3, 4, 11
KINDS = ("goods", "goods", "delivery", "service", "service", "marketing", "marketing", "marketing", "sales",
         "overhead", "overhead", "advertising", "other")  # fmt: skip
MONTHLY = {5: 145_000, 6: 60_000, 7: 18_500, 8: 430_000, 9: 185_000, 10: 160_000, 12: 14_200}  # roubles
MONTH_ENDS = np.append(world.MONTH_STARTS[1:], world.DAYS) - 1
PIECE = 250_000  # rows that are turned into text at a time


@dataclass(frozen=True)
class Books:
    """The company's money: `payments` as money.payments gives them, `invoices`, `costs`, and what was planted.

    invoices : row of the lead, day issued, day due, kopecks; in the order of their numbers.
    costs    : row of the lead (-1: of the company), day, place in ARTICLES, kopecks; in order of time.
    """

    planted: Plants
    payments: pd.DataFrame
    invoices: pd.DataFrame
    costs: pd.DataFrame


def kept(leads: pd.DataFrame, payments: int | None = None) -> Books:
    """The books of one company. payments : how many of them, see money.payments."""
    planted = money.plants(leads)
    paid = money.payments(leads, planted, payments)
    return Books(planted, paid, _invoices(leads, planted), _costs(leads, planted, paid))


def net(kopecks: np.ndarray) -> np.ndarray:
    """Without VAT, to the kopeck."""
    kopecks = np.asarray(kopecks, "int64")
    return np.sign(kopecks) * ((np.abs(kopecks) * 10 + 6) // 12)


# --- invoices ---
def _invoices(leads: pd.DataFrame, planted: Plants) -> pd.DataFrame:
    """One per project, and one per third private person; unpaid deals mostly have one, returned ones never."""
    won, person = sold(leads), leads["person"].to_numpy()
    alone = (leads["segment"] == PRIVATE).to_numpy()
    fit = won & (~alone | (person % 3 == 0))
    fit[planted.unpaid] = [True] * len(planted.unpaid[:-2]) + [False] * len(planted.unpaid[-2:])
    for rows in (planted.no_invoice, planted.halves, planted.returned):
        fit[rows] = False
    rows = np.sort(np.append(np.flatnonzero(fit), planted.two_invoices))
    issued = (leads["closed"].to_numpy() + money.lag(leads, planted))[rows] // DAY
    due = issued + np.where(alone[rows], 5, money.SECOND_PART // DAY)
    made = pd.DataFrame(
        {"lead": rows, "issued": issued, "due": due, "kopecks": money.owed(leads, planted)[rows]}
    )
    return made.sort_values(["issued", "lead"], kind="stable", ignore_index=True)


# --- costs ---
def _costs(leads: pd.DataFrame, planted: Plants, paid: pd.DataFrame) -> pd.DataFrame:
    parts = [_of_deals(leads, planted, paid), _of_orders(leads, paid), _of_months(leads)]
    made = pd.concat(parts, ignore_index=True)
    made = made[(made["kopecks"] > 0) & (made["day"] < world.DAYS)]
    return made.sort_values(["day", "article", "lead"], kind="stable", ignore_index=True)


def _of_deals(leads: pd.DataFrame, planted: Plants, paid: pd.DataFrame) -> pd.DataFrame:
    """Goods of every deal that brought money, from the day of the first payment; delivery and service after it.

    For two deals that nobody paid, materials had been bought already.
    """
    rng = np.random.default_rng(SEED + 603)
    first = paid[paid["named"]].groupby("lead")["at"].min()
    rows, day = first.index.to_numpy(), first.to_numpy() // DAY
    segment, worth = leads["segment"].to_numpy()[rows], net(money.owed(leads, planted)[rows])
    left = np.select([segment == code for code in MARGINS], list(MARGINS.values()))
    goods = worth * (1 - left) * rng.uniform(0.97, 1.03, len(rows))
    materials = (goods * rng.uniform(0.55, 0.65, len(rows))).astype("int64")
    bought = planted.unpaid[:2]
    early = net(leads["amount"].to_numpy()[bought]) * 45 // 100
    return pd.concat(
        [
            _rows(rows, day, MATERIALS, materials),
            _rows(rows, day, PRODUCTION, goods.astype("int64") - materials),
            _rows(bought, leads["closed"].to_numpy()[bought] // DAY + 1, MATERIALS, early),
            *_served(rng, rows, day, segment, worth),
        ]
    )


def _served(
    rng: np.random.Generator, rows: np.ndarray, day: np.ndarray, segment: np.ndarray, worth: np.ndarray
):
    """Delivery, installing and repairs under guarantee: little beside a project, a lot beside a slide."""
    alone, dealer = segment == PRIVATE, segment == DEALER
    fixed, some = rng.integers(2_100, 3_900, len(rows)) * 100, rng.random((3, len(rows)))
    carried = np.where(alone, fixed, worth * np.where(dealer, 0.02, 0.03))
    put_up = np.where(alone, rng.integers(3_000, 5_200, len(rows)) * 100, worth * np.where(dealer, 0, 0.04))
    mended = (
        np.where(alone, rng.integers(2_500, 6_000, len(rows)), rng.integers(4_000, 15_000, len(rows))) * 100
    )
    return (
        _rows(rows, day + 6, DELIVERY, np.where(some[0] < 0.9, carried, 0).astype("int64")),
        _rows(rows, day + 8, INSTALLING, np.where((some[1] < 0.65) | ~alone, put_up, 0).astype("int64")),
        _rows(rows, day + 40, REPAIR, np.where(some[2] < np.where(alone, 0.09, 0.04), mended, 0)),
    )


def _of_orders(leads: pd.DataFrame, paid: pd.DataFrame) -> pd.DataFrame:
    """Goods and delivery of the orders by phone, by month: the CRM has no deals for them, so 1C names none."""
    made = paid[~paid["named"] & (paid["lead"] >= 0) & (paid["kopecks"] > 0)]
    segment = leads["segment"].to_numpy()[made["lead"]]
    worth = net(made["kopecks"])
    goods = worth * (1 - np.select([segment == code for code in MARGINS], list(MARGINS.values())))
    month = world.month_of(made["at"])
    goods, worth = (np.bincount(month, weights=part, minlength=12).astype("int64") for part in (goods, worth))
    carried = (worth * ORDERED_DELIVERY).astype("int64")
    of = [(MATERIALS, goods * 6 // 10), (PRODUCTION, goods - goods * 6 // 10), (DELIVERY, carried)]
    return pd.concat([_rows(np.full(12, -1), MONTH_ENDS, article, kopecks) for article, kopecks in of])


def _of_months(leads: pd.DataFrame) -> pd.DataFrame:
    """What the company pays every month whether it sells or not; «Реклама» is the spend again, without VAT."""
    rng, scale = np.random.default_rng(SEED + 604), len(leads) / 2_500
    parts = [
        (article, (each * 100 * scale * rng.uniform(0.97, 1.03, 12)).astype("int64"))
        for article, each in MONTHLY.items()
    ]
    spent = pd.concat([ledger.spend(leads, system) for system in ledger.SYSTEMS])
    by_month = (
        spent.groupby(world.month_of(spent["week"] * DAY))["kopecks"].sum().reindex(range(12), fill_value=0)
    )
    parts.append((ADVERTISING, net(by_month.to_numpy())))
    return pd.concat([_rows(np.full(12, -1), MONTH_ENDS, article, kopecks) for article, kopecks in parts])


def _rows(lead, day, article: int, kopecks) -> pd.DataFrame:
    return pd.DataFrame({"lead": lead, "day": day, "article": article, "kopecks": kopecks})


# --- as files ---
def payment_list(leads: pd.DataFrame, books: Books) -> Iterator[pa.Table]:
    """The bank's list, a piece at a time."""
    needed = leads[["lead_id", "person", "fails_phone", "blank_phone"]]
    for made in _cut(books.payments):
        of, known = needed.take(made["lead"].clip(lower=0)), made["lead"] >= 0
        nothing = pa.scalar(None, pa.string())
        yield pa.table(
            {
                "Номер платежа": join(pa.scalar("П"), digits(made.index.to_numpy() + 1, 6), "-"),
                "Дата оплаты": stamp(made["at"], form="%Y-%m-%d"),
                "Сумма": _plain(made["kopecks"].to_numpy()),
                "Валюта": pick(["RUB"], made["lead"] * 0),
                "Тип операции": pa.array(made["kind"], pa.string()),
                "Номер сделки": where(made["named"], pa.array(of["lead_id"], pa.string()), nothing),
                "Телефон плательщика": where(known, phones(of), nothing),
            }
        )


def invoice_list(leads: pd.DataFrame, books: Books) -> Iterator[pa.Table]:
    """«Счета покупателям» of 1C."""
    for made in _cut(books.invoices):
        of = leads[["lead_id", "person"]].take(made["lead"])
        yield pa.table(
            {
                "Номер счёта": join(pa.scalar("С"), digits(made.index.to_numpy() + 1, 5), "-"),
                "Дата": stamp(made["issued"] * DAY, form="%Y-%m-%d"),
                "Срок оплаты": stamp(made["due"] * DAY, form="%Y-%m-%d"),
                "Сумма": _plain(made["kopecks"].to_numpy()),
                "Номер сделки": pa.array(of["lead_id"], pa.string()),
                "Товар": pick(GOODS, of["person"] % 4),
            }
        )


def cost_list(leads: pd.DataFrame, books: Books) -> Iterator[pa.Table]:
    """Costs of 1C by article, without VAT; a deal's number where a cost belongs to a deal."""
    for made in _cut(books.costs):
        ids = pa.array(leads["lead_id"].take(made["lead"].clip(lower=0)), pa.string())
        yield pa.table(
            {
                "Период": stamp(made["day"] * DAY, form="%d.%m.%Y"),
                "Статья": pick(ARTICLES, made["article"]),
                "Сумма": roubles(made["kopecks"].to_numpy()),
                "Номер сделки": where(made["lead"] >= 0, ids, pa.scalar(None, pa.string())),
            }
        )


def _plain(kopecks: np.ndarray) -> pa.Array:
    """-1250050 -> «-12500.50»."""
    size = np.abs(kopecks)
    text = join(digits(size // 100), digits(size % 100, 2), ".")
    return where(kopecks < 0, join(pa.scalar("-"), text, ""), text)


def _cut(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (table.iloc[start : start + PIECE] for start in range(0, len(table), PIECE))
