"""The metrics of the sample company in plain, vectorised pandas: what a careful analyst would write for it.

It knows this one company: its headings, forms of dates and money, phones, channels. It shares no code with
`detente`, sniffs nothing, and keeps no account of lost rows. `metrics.py` asserts that both find the same numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import plain_verdicts
from plain_verdicts import wilson
from scipy import stats

AS_OF = pd.Timestamp("2026-06-30")
STAGES = ["Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор"]
WON, LOST = "Успешно реализовано", "Закрыто и не реализовано"
REGIONS = ["москва", "московская обл.", "тверская обл.", "тульская обл.", "калужская обл.", "рязанская обл."]
CHANNELS = {
    "yandex_direct": "Яндекс Директ", "яндекс директ": "Яндекс Директ", "vk ads": "VK Реклама",
    "vk реклама": "VK Реклама", "avito": "Авито", "авито": "Авито", "seo": "Поиск", "поиск": "Поиск",
    "quiz": "Квиз на сайте", "квиз на сайте": "Квиз на сайте", "рекомендация": "Рекомендации",
    "рекомендации": "Рекомендации", "холодный поиск": "Холодный поиск", "выставка": "Выставка",
}  # fmt: skip
CRITERIA, LABELS = ("phone", "region", "budget", "authority"), ("marketing", "sales")
COLUMNS = {
    "ID": "lead_id", "Название сделки": "title", "Ответственный": "manager", "Дата создания сделки": "created",
    "Дата редактирования": "modified", "Дата закрытия": "closed", "Этап cделки": "stage",
    "Рабочий телефон": "phone", "Рабочий email": "email", "Запас бюджета": "budget", "Регион": "region",
    "Кто обратился": "authority", "Метка маркетинга": "marketing", "Оценка ОП": "sales",
    "Дата оценки ОП": "sales_at", "Канал": "channel", "utm_campaign": "campaign",
}  # fmt: skip


# --- reading and cleaning ---
def load(folder: Path) -> dict[str, pd.DataFrame]:
    """The exports as typed tables: journeys (with `counted`), payments, calls, spend."""
    deals = _deals(folder)
    journeys = deals.merge(_walks(folder, deals["lead_id"]), how="left", on="lead_id")
    ended = journeys["won_at"].where(journeys["outcome"] == "won", journeys["lost_at"])
    journeys["closed"] = journeys["closed"].fillna(ended).where(journeys["outcome"] != "open")
    order = journeys["stage"].map({name: place for place, name in enumerate(STAGES, 1)})
    furthest = journeys["reached"].combine(order, np.fmax).where(journeys["outcome"] != "won", len(STAGES))
    journeys["furthest"], journeys["skipped"] = furthest, furthest - journeys["visited"]
    journeys = journeys.sort_values(["created", "lead_id"], ignore_index=True)
    journeys["counted"] = ~journeys["test"] & ~_duplicates(journeys)
    sizes = journeys["manager"].value_counts()
    order = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    journeys["manager"] = journeys["manager"].map({name: f"#{n:02d}" for n, name in enumerate(order, 1)})
    return {
        "journeys": journeys,
        "payments": _payments(folder),
        "calls": _calls(folder),
        "spend": _spend(folder),
    }


def _deals(folder: Path) -> pd.DataFrame:
    raw = pd.read_parquet(folder / "deals.parquet").drop_duplicates()
    table = raw[list(COLUMNS)].rename(columns=COLUMNS)
    table["created"] = _time(table["created"])
    table["modified"] = _time(table["modified"], "%d.%m.%Y %H:%M")
    table = table[table["created"] < AS_OF + pd.Timedelta(days=2)]
    table = table.sort_values("modified", kind="stable").drop_duplicates("lead_id", keep="last")
    table["closed"] = _time(table["closed"].where(table["closed"] != "не закрыта"))
    table.loc[table["closed"] >= AS_OF + pd.Timedelta(days=2), "closed"] = pd.NaT
    table["sales_at"] = _time(table["sales_at"], "%d.%m.%Y %H:%M")
    table["outcome"] = table["stage"].map({WON: "won", LOST: "lost"}).fillna("open")
    table["month"] = table["created"].dt.strftime("%Y-%m")
    folded = table["channel"].str.strip().str.lower()
    table["channel"] = folded.map(CHANNELS)
    table["filled_phone"], table["phone"] = table["phone"].notna(), _phone(table["phone"])
    title = table["title"].str.lower().str.replace("ё", "е", regex=False)
    words = r"(?:^|[^\w])(?:тест|test|проверка|asdf)(?:[^\w]|$)"
    table["test"] = title.str.contains(words, na=False) | (table["phone"] == "9070000000")
    owner = table.dropna(subset=["email", "phone"]).groupby("email")["phone"].min()
    table["person"] = table["phone"].fillna(table["email"].map(owner)).fillna(table["email"])
    return table.drop(columns=["title", "modified", "email"])


def _time(text: pd.Series, form: str = "%d.%m.%Y %H:%M:%S") -> pd.Series:
    return pd.to_datetime(text, format=form, errors="coerce")


def _phone(text: pd.Series) -> pd.Series:
    """The ten digits of a Russian mobile, missing where there is none."""
    bare = text.str.replace(r"[ \u00a0().+-]", "", regex=True)
    return bare.str.extract(r"^[78]?(9\d{9})$", expand=False)


def _money(text: pd.Series) -> pd.Series:
    """«1 234,56» as whole kopecks, missing where empty."""
    plain = text.str.replace("\u00a0", "", regex=False).str.replace(",", ".", regex=False)
    return (pd.to_numeric(plain, errors="coerce") * 100).round()


def _walks(folder: Path, known: pd.Series) -> pd.DataFrame:
    """One row per deal with history: first entry to each stage, moves, moves back, stages reached and visited."""
    names = {"ID сделки": "lead_id", "Дата": "at", "Этап «в»": "stage"}
    moves = (
        pd.read_parquet(folder / "stage_history.parquet").drop_duplicates()[list(names)].rename(columns=names)
    )
    moves["at"] = _time(moves["at"])
    moves = moves[moves["lead_id"].isin(known) & (moves["at"] < AS_OF + pd.Timedelta(days=2))]
    place = moves["stage"].map({name: place for place, name in enumerate(STAGES, 1)})
    moves = moves.assign(place=place, rank=place.fillna(len(STAGES) + 1))
    moves = moves.sort_values(["lead_id", "at", "rank"], kind="stable", ignore_index=True)
    same = moves["lead_id"] == moves["lead_id"].shift()
    moved = same & (moves["stage"] != moves["stage"].shift())
    moves["moved"], moves["back"] = moved, moved & (moves["rank"] < moves["rank"].shift())
    by_lead = moves.groupby("lead_id")
    walks = by_lead.agg(reached=("place", "max"), moves=("moved", "sum"), backward=("back", "sum"))
    first = moves[place_known := moves["place"].notna()].groupby(["lead_id", "place"])["at"].min().unstack()
    first = first.reindex(columns=range(1, len(STAGES) + 1))
    walks["visited"] = first.notna().sum(axis=1)
    for step in first:
        walks[f"entered_{step}"] = first[step]
    final = moves[~place_known]
    for name, stage in (("won_at", WON), ("lost_at", LOST)):
        walks[name] = final[final["stage"] == stage].groupby("lead_id")["at"].max()
    return walks.reset_index()


def _duplicates(journeys: pd.DataFrame) -> pd.Series:
    """A later inquiry of one person within 30 days of an earlier one that counts; rows are in order of time."""
    alive = journeys.loc[journeys["person"].notna() & ~journeys["test"], ["person", "created"]]
    alive = alive[alive["person"].duplicated(keep=False)]
    found = pd.Series(False, journeys.index)
    place, counted = alive.groupby("person").cumcount(), None
    for number in range(int(place.max() + 1) if len(place) else 0):
        now = alive[place == number].set_index("person", append=True)["created"].reset_index("person")
        if counted is None:
            counted = now.set_index("person")["created"]
            continue
        gap = now["created"] - now["person"].map(counted)
        again = gap <= pd.Timedelta(days=30)
        found.loc[again[again].index] = True
        fresh = now[~again].set_index("person")["created"]
        counted.loc[fresh.index] = fresh
    return found


def _payments(folder: Path) -> pd.DataFrame:
    raw = pd.read_parquet(folder / "payments.parquet").drop_duplicates()
    amount = pd.to_numeric(raw["Сумма"])
    amount = amount.where(raw["Тип операции"] != "Возврат", -amount.abs())
    table = pd.DataFrame({"lead_id": raw["Номер сделки"], "at": _time(raw["Дата оплаты"], "%Y-%m-%d")})
    return table.assign(amount=amount, person=_phone(raw["Телефон плательщика"]))


def _calls(folder: Path) -> pd.DataFrame:
    raw = pd.read_parquet(folder / "calls.parquet").drop_duplicates()
    table = pd.DataFrame({"lead_id": raw["Номер сделки"], "at": _time(raw["Дата и время"])})
    return table.assign(seconds=pd.to_numeric(raw["Длительность, сек"]), person=_phone(raw["Телефон"]))


def _spend(folder: Path) -> pd.DataFrame:
    direct = pd.read_parquet(folder / "direct.parquet", columns=["Расход (руб.)"]).iloc[:, 0]
    vk = pd.read_parquet(folder / "vk_ads.parquet", columns=["Потрачено всего, ₽"]).iloc[:, 0]
    avito = pd.read_parquet(folder / "avito.parquet", columns=["Расходы"]).iloc[:, 0]
    parts = {
        "Яндекс Директ": _money(direct), "VK Реклама": (pd.to_numeric(vk) * 100).round(), "Авито": _money(avito),
    }  # fmt: skip
    return pd.concat([pd.DataFrame({"channel": name, "kopecks": cost}) for name, cost in parts.items()])


# --- the metrics ---
def metrics(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Every result as a table; the names are those of `metrics.ours`."""
    journeys = tables["journeys"]
    judged = judge(journeys[journeys["counted"]])
    court = plain_verdicts.rulings(judged, journeys, tables)
    return {
        "walks": _walk_totals(journeys),
        "total": _shares(_verdicts(judged, pd.Series(0, judged.index))),
        "by_criterion": _by_criterion(judged),
        "definitions": _definitions(judged),
        "pairs": plain_verdicts.agreements(judged),
        "court": court.groupby("why").size().reindex(plain_verdicts.REASONS, fill_value=0).to_frame("leads"),
        "court_managers": plain_verdicts.contradicted(court, "manager"),
        "court_channels": plain_verdicts.contradicted(court, "channel"),
        **{name: _shares(_verdicts(judged, judged[name])) for name in ("channel", "campaign", "month")},
        "against_rest": _against_rest(_shares(_verdicts(judged, judged["channel"]))),
        "acquisition": _acquisition(judged, tables["spend"]),
    }


def judge(journeys: pd.DataFrame) -> pd.DataFrame:
    """Add check_<criterion>, failed, verdict and says_<label>."""
    region, caller = (journeys[name].str.strip().str.lower() for name in ("region", "authority"))
    budget = _money(journeys["budget"])
    passes = {
        "phone": (journeys["filled_phone"], journeys["phone"].notna()),
        "region": (region.notna(), region.isin(REGIONS)),
        "budget": (budget.notna(), budget >= 0),
        "authority": (caller.notna(), ~caller.isin(["помощник", "студент", "сосед"])),
    }
    made = {
        f"check_{name}": np.select([~filled, good], ["unknown", "pass"], "fail")
        for name, (filled, good) in passes.items()
    }
    checks = pd.DataFrame(made, journeys.index)
    failed = (checks == "fail").sum(axis=1)
    verdict = np.select([failed > 0, (checks == "pass").all(axis=1)], ["non_target", "target"], "unknown")
    says = {
        f"says_{name}": np.select(
            [journeys[name] == "Целевой", journeys[name] == "Нецелевой"], ["target", "non_target"], "unknown"
        )
        for name in LABELS
    }
    return pd.concat([journeys, checks], axis=1).assign(failed=failed, verdict=verdict, **says)


def _walk_totals(journeys: pd.DataFrame) -> pd.DataFrame:
    """Sums over all journeys: they agree only where every walk does."""
    entered = {f"entered_{step}": journeys[f"entered_{step}"] for step in range(1, len(STAGES) + 1)}
    sums = {name: [int(journeys[name].sum())] for name in ("furthest", "moves", "backward", "skipped")}
    epoch = pd.Timestamp("2025-01-01")
    sums |= {name: [int((at - epoch).dt.total_seconds().sum())] for name, at in entered.items()}
    return pd.DataFrame(sums | {"counted": [int(journeys["counted"].sum())]})


def _verdicts(judged: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    counts = judged.groupby([by, "verdict"], dropna=False).size().unstack("verdict", fill_value=0)
    return counts.reindex(columns=["target", "non_target", "unknown"], fill_value=0)


def _shares(counts: pd.DataFrame) -> pd.DataFrame:
    known = counts["target"] + counts["non_target"]
    low, high = wilson(counts["non_target"], known)
    leads = known + counts["unknown"]
    share = counts["non_target"] / known.where(known > 0)
    bounds = {"bound_low": counts["non_target"] / leads, "bound_high": 1 - counts["target"] / leads}
    return counts.assign(leads=leads, known=known, share=share, low=low, high=high, **bounds)


def _by_criterion(judged: pd.DataFrame) -> pd.DataFrame:
    checks = judged[[f"check_{name}" for name in CRITERIA]]
    fails, passes, rows = checks == "fail", checks == "pass", []
    first = fails.to_numpy().argmax(axis=1)
    for place, name in enumerate(CRITERIA):
        column = f"check_{name}"
        row = {"passes": passes[column].sum(), "fails": fails[column].sum()}
        row |= {"only": (fails[column] & (judged["failed"] == 1)).sum()}
        row |= {"rescue": (fails[column] & passes.drop(columns=column).all(axis=1)).sum()}
        row |= {"first": (fails[column] & (first == place)).sum()}
        rows.append(row)
    table = pd.DataFrame(rows, index=list(CRITERIA))
    known = table["passes"] + table["fails"]
    low, high = wilson(table["fails"], known)
    return table.assign(
        known=known, unknown=len(judged) - known, share=table["fails"] / known, low=low, high=high
    )


def _definitions(judged: pd.DataFrame) -> pd.DataFrame:
    rules = {"criteria": "verdict", **{name: f"says_{name}" for name in LABELS}}
    counts = pd.DataFrame({rule: judged[column].value_counts() for rule, column in rules.items()}).T.fillna(0)
    return _shares(counts.reindex(columns=["target", "non_target", "unknown"], fill_value=0).astype("int64"))


# --- groups and money ---
def _against_rest(shares: pd.DataFrame) -> pd.DataFrame:
    """Fisher's exact test of each channel against all others, with Holm's correction."""
    hits, known = shares["non_target"], shares["known"]
    other_hits, other_known = hits.sum() - hits, known.sum() - known
    p = np.array([
        stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
        for a, n, b, m in zip(hits, known, other_hits, other_known, strict=True)
    ])  # fmt: skip
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    holm = pd.Series(steps[np.argsort(order)], shares.index)
    return pd.DataFrame({"difference": shares["share"] - other_hits / other_known, "p": p, "p_holm": holm})


def _acquisition(judged: pd.DataFrame, spend: pd.DataFrame) -> pd.DataFrame:
    table = _shares(_verdicts(judged, judged["channel"]))
    table["won"] = (judged["outcome"] == "won").groupby(judged["channel"], dropna=False).sum()
    table["spend"] = (spend.groupby("channel")["kopecks"].sum() / 100).reindex(table.index).fillna(0)
    paid = table["spend"].where(table["spend"] > 0)
    low, high = wilson(table["won"], table["leads"])
    cpl = paid / table["leads"]
    return table.assign(
        cpl=cpl,
        cost_per_target=cpl / (1 - table["share"]),
        cac=paid / table["won"],
        cac_low=cpl / high,
        cac_high=cpl / low,
        wasted=paid * table["share"],
    )
