"""The exports of the sample company, read with the standard library alone, and what can be counted in them."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SCRIPT = "<script>alert('x')</script>"
SERVED = {"москва", "московская обл.", "тверская обл.", "тульская обл.", "калужская обл.", "рязанская обл."}
AS_OF = dt.datetime(2026, 7, 1)
LAST_DAY = dt.date(2026, 6, 30)


def rows(name, encoding, skip=0):
    """A CSV export as (headings, rows of cells)."""
    with (SAMPLE / name).open(encoding=encoding, newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))[skip:]
    return lines[0], lines[1:]


def when(cell):
    return dt.datetime.strptime(cell, "%d.%m.%Y %H:%M:%S" if cell.count(":") == 2 else "%d.%m.%Y %H:%M")


def day(cell):
    return dt.datetime.strptime(cell, "%d.%m.%Y").date()


def roubles(cell):
    return Decimal(cell.replace("\u00a0", "").replace(",", "."))


def digits(phone):
    """The last ten digits of a number that has them, else None."""
    found = re.sub(r"\D", "", phone)
    return found[-10:] if len(found) in (10, 11) and len(set(found)) > 1 else None


def truth() -> dict:
    """What the generator counted in its own world."""
    return json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


def file_rows() -> list[dict]:
    """The lines of the export of deals, headings mended; of two columns of one name the first counts."""
    headings, lines = rows("deals.csv", "cp1251")
    names = [heading.strip().replace("Этап cделки", "Этап") for heading in headings]
    return [dict(reversed(list(zip(names, line, strict=True)))) for line in lines]


def deals(lines: list[dict]) -> list[dict]:
    """The latest version of each deal."""
    found = {}
    for row in sorted(lines, key=lambda row: when(row["Дата редактирования"])):
        found[row["ID"]] = row
    return list(found.values())


def counted(versions: list[dict]) -> list[dict]:
    """Without tests, without the same phone again within 30 days, without rows from after the export."""
    kept, last = [], {}
    for row in sorted(versions, key=lambda row: when(row["Дата создания сделки"])):
        phone, created = digits(row["Рабочий телефон"]), when(row["Дата создания сделки"])
        words = re.findall(r"\w+", row["Название сделки"].casefold())
        test = {"тест", "test", "проверка", "asdf"} & set(words) or phone == "9070000000"
        repeat = phone in last and (created - last[phone]).days <= 30
        if test or repeat or created >= AS_OF:
            continue
        kept.append(row)
        if phone:
            last[phone] = created
    return kept


def verdict(row):
    """The four criteria of audit.yml, applied to the cells as they stand; True passes, None is unknown."""
    region, budget, caller, phone = (
        row[name] for name in ("Регион", "Запас бюджета", "Кто обратился", "Рабочий телефон")
    )
    passed = {
        "phone": digits(phone) is not None if phone else None,
        "region": region.casefold() in SERVED if region else None,
        "budget": roubles(budget) >= 0 if budget else None,
        "authority": caller not in ("Помощник", "Студент", "Сосед") if caller else None,
    }
    if False in passed.values():
        return "non_target", passed
    return ("unknown" if None in passed.values() else "target"), passed


def lost(row):
    return row["Этап"] == "Закрыто и не реализовано"


def rejected(row):
    return row["Оценка ОП"] == "Нецелевой"


def said_of(truth, habit):
    """The habit's counts by surname, and the surname of the one who has it."""
    stated = truth["habits"][habit]
    counts = {name.split()[0]: part for name, part in stated.items() if name != "manager"}
    return counts, stated["manager"].split()[0]


def stands_out(shares, name, times):
    return shares[name] > times * max(share for other, share in shares.items() if other != name)


def short(managers):
    return {name.split()[0]: part for name, part in managers.items()}
