"""The truth behind the sample: one year of an invented playground maker, drawn from one seeded generator.

Nothing here is an export. `draw(n)` returns a world in which every fact is known; `crm.py` and `ledger.py`
then show it the way a CRM, advertising and a bank would. One model serves 2,500 leads and a million.

Time is counted in seconds of work from 1 July 2025, ten hours a day from 09:00 to 19:00, so that sums of
waits always land in a working day; `calendar` turns them into a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SEED = 20260631  # the first one whose chance patterns are mild: what was drawn alike also looks alike
DAY = 36_000  # seconds of work in a day
DAYS = 365
END = DAYS * DAY  # the export is taken on the evening of 30 June 2026
FIRST_DAY = 1_751_328_000  # 1 July 2025, 00:00, as seconds since 1970
CHANGE_DAY = 304  # 1 May 2026: advertising money moves from Direct to VK
MONTH_STARTS = np.array([0, 31, 62, 92, 123, 153, 184, 215, 243, 274, 304, 335])
SEASON = np.array([1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.6, 0.75, 1.05, 1.3, 1.35, 1.2])  # July first

STAGES = ("Новая заявка", "Квалификация", "Замер и эскиз", "Согласовываю ТЗ", "Подписываю договор")
DEALER, BUILDER, PRIVATE = 0, 1, 2
WINS = np.array([0.36, 0.03, 0.11])  # share of TARGET leads that buy in the end, the same in every month
WAIT = np.array([5, 9, 10, 9, 8]) * DAY  # mean time in a stage
LOST_AT = np.array([0.30, 0.25, 0.20, 0.15, 0.10])  # where a lead that is ours stops, if it stops
REJECTED_AT = np.array([0.6, 0.3, 0.1, 0, 0])  # where a lead that is not ours is told so
MANAGERS = np.array([0.22, 0.20, 0.18, 0.16, 0.14, 0.10])  # shares of leads; otherwise the six are identical
CRITERIA = ("phone", "region", "budget", "authority")
USUAL = (0.02, 0.12, 0.12, 0.08)  # how often a lead fails each criterion


@dataclass(frozen=True)
class Channel:
    """A source of leads. `before` and `after`: weight in the flow around CHANGE_DAY. `fails`: as CRITERIA."""

    name: str
    before: float
    after: float
    segments: tuple[float, float, float]
    fails: tuple[float, float, float, float] = USUAL
    trend: float = 0.0  # added to the budget's failure rate, growing evenly from 0 in the first month


CHANNELS = (
    Channel("Яндекс Директ", 0.31, 0.16, (0.04, 0.04, 0.92)),
    Channel("VK Реклама", 0.13, 0.28, (0.02, 0.02, 0.96), (0.02, 0.12, 0.33, 0.18)),
    Channel("Авито", 0.11, 0.11, (0.03, 0.03, 0.94), (0.02, 0.10, 0.02, 0.06), trend=0.55),
    Channel("Поиск", 0.12, 0.12, (0.14, 0.08, 0.78)),
    Channel("Квиз на сайте", 0.08, 0.08, (0.02, 0.03, 0.95), (0.38, 0.12, 0.12, 0.08)),
    Channel("Рекомендации", 0.15, 0.15, (0.86, 0.04, 0.10)),
    Channel("Холодный поиск", 0.10, 0.10, (0.10, 0.88, 0.02)),
    Channel("Выставка", 0.0, 0.0, (0.4, 0.2, 0.4)),
)
QUIZ, EXPO = 4, 7
# The trade fair looks like the worst channel; drawn at the usual rate, this is mere chance.
EXPO_LEADS, EXPO_NON_TARGET = 12, 8


def calendar(work: np.ndarray) -> np.ndarray:
    """Seconds of work -> seconds since 1970 of the clock on the wall."""
    work = np.asarray(work, dtype="int64")
    return FIRST_DAY + (work // DAY) * 86_400 + 9 * 3_600 + work % DAY


def month_of(work: np.ndarray) -> np.ndarray:
    """0 for July 2025 ... 11 for June 2026."""
    return np.searchsorted(MONTH_STARTS, np.asarray(work) // DAY, side="right") - 1


def draw(total: int) -> pd.DataFrame:
    """All inquiries, oldest first: one row each, true attributes, fate, times, planted roles in `role`."""
    rng = np.random.default_rng(SEED)
    tests, repeats, seconds = round(total * 0.0105), round(total * 0.03), max(1, round(total * 0.006))
    leads = _arrivals(rng, total - repeats - seconds)
    leads["role"] = "lead"
    leads.loc[_choose(rng, np.flatnonzero(leads["channel"] < EXPO), tests), "role"] = "test"
    _attributes(rng, leads)
    _blanks(rng, leads)
    _fates(rng, leads)
    _times(rng, leads)
    _labels(rng, leads)
    _unheard(rng, leads, total)
    _hindsight(rng, leads, total)
    leads["person"] = np.arange(len(leads))
    leads = pd.concat([leads, _repeats(rng, leads, repeats), _seconds(rng, leads)], ignore_index=True)
    leads = leads.sort_values(["created", "person"], kind="stable", ignore_index=True)
    _oddities(leads)
    leads["lead_id"] = (31_000_000 + 7 * np.arange(len(leads))).astype("str")
    rows = np.flatnonzero(leads["role"] == "lead")[200:240]  # 19 digits, told apart by the last one only
    leads.loc[rows, "lead_id"] = [str(1_234_567_890_123_456_700 + number) for number in range(len(rows))]
    return leads


def _oddities(leads: pd.DataFrame) -> None:
    """Rows that the CRM got wrong: a date to come, an end before the start, two versions, a twin."""
    leads["odd"] = ""
    plain = (leads["role"] == "lead") & ~leads["rejected"] & ~leads["won"] & ~leads["no_history"]
    plain &= ~leads["person"].duplicated(keep=False)
    shut = np.flatnonzero(plain & (leads["closed"] < END - 40 * DAY))
    still = np.flatnonzero(plain & (leads["closed"] > END))
    leads.loc[still[:1], "odd"] = "future"
    leads.loc[shut[20:220:50], "odd"] = "ends_early"
    leads.loc[shut[30:280:50], "odd"] = "two_versions"
    leads.loc[shut[40:640:50], "odd"] = "twice"


def _choose(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of `rows`, or all of them where there are fewer."""
    return np.sort(rng.choice(rows, min(count, len(rows)), replace=False))


def _arrivals(rng: np.random.Generator, count: int) -> pd.DataFrame:
    weights = SEASON[month_of(np.arange(DAYS) * DAY)]
    day = rng.choice(DAYS, count, p=weights / weights.sum())
    created = day * DAY + rng.integers(0, DAY, count)
    late = day >= CHANGE_DAY
    channel = np.where(
        late,
        rng.choice(len(CHANNELS), count, p=[item.after for item in CHANNELS]),
        rng.choice(len(CHANNELS), count, p=[item.before for item in CHANNELS]),
    )
    expo = rng.choice(count, EXPO_LEADS, replace=False)
    channel[expo] = EXPO
    created[expo] = rng.integers(96 * DAY, 101 * DAY, EXPO_LEADS)  # five days in October
    segments = np.cumsum([item.segments for item in CHANNELS], axis=1)[channel]
    segment = (rng.random(count)[:, None] > segments).sum(axis=1).clip(max=2)
    manager = rng.choice(len(MANAGERS), count, p=MANAGERS)
    return pd.DataFrame({"created": created, "channel": channel, "segment": segment, "manager": manager})


def _attributes(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """Which criteria each lead truly fails, and the cells that say so."""
    count, channel = len(leads), leads["channel"].to_numpy()
    rates = np.array([item.fails for item in CHANNELS])[channel]
    trend = np.array([item.trend for item in CHANNELS])[channel]
    rates[:, 2] += trend * month_of(leads["created"]) / 11
    fails = rng.random((count, 4)) < rates
    expo = np.flatnonzero(channel == EXPO)
    fails[expo] = False
    fails[expo[:EXPO_NON_TARGET], 1 + rng.integers(0, 3, EXPO_NON_TARGET)] = True
    for position, name in enumerate(CRITERIA):
        leads[f"fails_{name}"] = fails[:, position]
    leads["non_target"] = fails.any(axis=1)
    private = leads["segment"].to_numpy() == PRIVATE
    good = np.where(private, rng.integers(30, 51, count), rng.integers(300, 901, count))
    poor = np.where(private, rng.integers(5, 29, count), rng.integers(60, 290, count))
    leads["budget"] = np.where(fails[:, 2], poor, good) * 1_000
    leads["items"] = np.where(private, rng.integers(1, 3, count), rng.integers(10, 13, count))
    project = leads["items"].to_numpy() * rng.integers(4_166_700, 5_000_001, count)
    leads["amount"] = np.where(private, rng.integers(3_000_000, 5_000_001, count), project)  # kopecks
    leads["place"], leads["caller"] = rng.random(count), rng.random(count)


def _blanks(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """Empty cells, whatever they would have said: 10 % of leads nobody asked, some single gaps."""
    count, sure = len(leads), (leads["channel"] != EXPO).to_numpy()
    nobody = (rng.random(count) < 0.10) & sure
    leads["unasked"] = nobody
    for name, share in zip(CRITERIA, (0.01, 0.02, 0.02, 0.02), strict=True):
        gap = (rng.random(count) < share) & sure
        leads[f"blank_{name}"] = gap & ~leads["fails_phone"] if name == "phone" else gap | nobody


def _fates(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """What sales thinks of a lead early on, whether it buys, and the stage at which it stops."""
    count = len(leads)
    away, phone = leads["non_target"].to_numpy(), leads["fails_phone"].to_numpy()
    slip = (rng.random(count) < 0.02) & ~phone  # an honest mistake, both ways
    unseen = leads["unasked"].to_numpy() & ~phone & (rng.random(count) < 0.5)
    leads["judged"] = ~unseen
    leads["rejected"] = (away ^ slip) & ~unseen
    buys = rng.random(count) < WINS[leads["segment"]]
    leads["won"] = ~away & ~leads["rejected"] & buys & (leads["role"] == "lead")
    stop = (
        np.where(leads["rejected"], rng.choice(5, count, p=REJECTED_AT), rng.choice(5, count, p=LOST_AT)) + 1
    )
    stop = np.where(phone, 1, stop)
    stop = np.where(leads["role"] == "test", 1, stop)
    quiz = (leads["channel"] == QUIZ).to_numpy() & (leads["role"] == "lead").to_numpy()
    early = np.flatnonzero(quiz & ~phone & (stop == 1) & ~leads["won"])
    keep = _choose(rng, early, round((quiz & phone).sum() / 4))  # so that 4 of 5 early losses have no phone
    stop[np.setdiff1d(early, keep)] = 2
    leads["stop"] = np.where(leads["won"], 5, stop)


def _times(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """End of each stage and the close, in seconds of work; what lies after END has not happened yet."""
    wait = rng.exponential(WAIT, (len(leads), 5)).clip(min=DAY / 20)
    wait *= np.where(leads["rejected"], 0.6, 1.0)[:, None]
    ends = leads["created"].to_numpy()[:, None] + np.cumsum(wait.astype("int64"), axis=1)
    for stage in range(1, 6):
        leads[f"end_{stage}"] = ends[:, stage - 1]
    leads["closed"] = ends[np.arange(len(leads)), leads["stop"] - 1]
    leads["skips"] = (leads["stop"] >= 3) & (rng.random(len(leads)) < 0.05)
    leads["returns"] = (leads["stop"] >= 3) & (rng.random(len(leads)) < 0.04) & ~leads["skips"]
    leads["no_history"] = rng.random(len(leads)) < 0.015
    leads["reason_draw"] = rng.random(len(leads))


def _labels(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """When the criteria were asked, and when sales set its label: before the end of the same stage."""
    created, first = leads["created"].to_numpy(), leads["end_1"].to_numpy()
    second = leads["end_2"].to_numpy()
    slow = (leads["stop"] >= 2).to_numpy() & (rng.random(len(leads)) < 0.3)
    start, length = np.where(slow, first, created), np.where(slow, second - first, first - created)
    asked = rng.uniform(0.05, 0.6, len(leads))
    leads["asked"] = (start + asked * length).astype("int64")
    leads["labelled"] = (start + (asked + rng.uniform(0.1, 0.3, len(leads))) * length).astype("int64")
    late = (leads["asked"] >= END).to_numpy()
    leads["unasked"] |= late
    for name in CRITERIA[1:]:
        leads[f"blank_{name}"] |= late
    forgot = (rng.random(len(leads)) < 0.06) & ~leads["rejected"]
    leads["judged"] &= (leads["labelled"] < END) & ~forgot & (leads["role"] == "lead")
    blank = leads[[f"blank_{name}" for name in CRITERIA]].any(axis=1)
    seen = np.logical_or.reduce([leads[f"fails_{name}"] & ~leads[f"blank_{name}"] for name in CRITERIA])
    leads["verdict"] = np.select([seen, blank], ["non_target", "unknown"], "target")
    ads = CRITERIA[:3]  # marketing does not look at who decides
    poor = np.logical_or.reduce([leads[f"fails_{name}"] & ~leads[f"blank_{name}"] for name in ads])
    gap = leads[[f"blank_{name}" for name in ads]].any(axis=1)
    leads["marketing"] = np.select([poor, gap], ["non_target", ""], "target")


def _unheard(rng: np.random.Generator, leads: pd.DataFrame, total: int) -> None:
    """Leads that sales calls non-target although nobody asked them anything and nobody phoned."""
    fit = (
        _lost_early_enough(leads)
        & (leads["verdict"] == "unknown")
        & (leads["stop"] == 1)
        & ~leads["fails_phone"]
    )
    leads["untouched"] = False
    chosen = _choose(rng, np.flatnonzero(fit), round(total * 0.02))
    leads.loc[chosen, ["untouched", "rejected", "judged"]] = True


def _hindsight(rng: np.random.Generator, leads: pd.DataFrame, total: int) -> None:
    """Target leads lost first and called non-target afterwards; some of them paid later all the same."""
    lost = _lost_early_enough(leads) & ~leads["rejected"] & (leads["verdict"] == "target")
    quick = lost & (leads["created"] < 285 * DAY) & (leads["closed"] - leads["created"] < 20 * DAY)
    payers = _choose(rng, np.flatnonzero(quick), 2 * max(1, round(total * 0.006)))
    rows = np.flatnonzero(lost)
    chosen = np.concatenate([payers, _choose(rng, np.setdiff1d(rows, payers), round(0.18 * len(rows)))])
    leads["hindsight"] = leads["paid_later"] = leads["came_again"] = False
    leads.loc[chosen, ["hindsight", "rejected", "judged"]] = True
    leads.loc[chosen, "labelled"] = leads.loc[chosen, "closed"] + rng.integers(60, 2 * DAY, len(chosen))
    half = rng.permutation(payers)
    leads.loc[half[::2], "paid_later"] = True
    leads.loc[half[1::2], "came_again"] = True


def _lost_early_enough(leads: pd.DataFrame) -> pd.Series:
    """Lost, with time left for what follows, in no channel where something else is planted."""
    lost = (leads["role"] == "lead") & ~leads["won"] & (leads["closed"] < END - 3 * DAY)
    return lost & ~leads["no_history"] & ~leads["channel"].isin([QUIZ, EXPO])


def _plain(leads: pd.DataFrame, role: str) -> pd.DataFrame:
    """Copies of leads as new inquiries of the same persons, with nothing planted on them yet."""
    leads["role"] = role
    leads[["hindsight", "untouched", "paid_later", "came_again", "rejected", "skips", "returns"]] = False
    leads["no_history"] = False
    return leads


def _repeats(rng: np.random.Generator, leads: pd.DataFrame, count: int) -> pd.DataFrame:
    """The same person asks again within 25 days: one inquiry too many, closed as a double."""
    phone = ~leads["fails_phone"] & ~leads["blank_phone"]
    fit = (
        (leads["role"] == "lead")
        & ~leads["rejected"]
        & ~leads["won"]
        & phone
        & (leads["created"] < 335 * DAY)
    )
    again = _plain(
        leads.loc[_choose(rng, np.flatnonzero(fit & (leads["channel"] != EXPO)), count)].copy(), "repeat"
    )
    again["created"] += rng.integers(DAY, 25 * DAY, len(again))
    again["stop"], again["judged"], again["won"] = 1, False, False
    again["closed"] = again["end_1"] = again["created"] + rng.integers(DAY // 20, DAY, len(again))
    again["asked"] = again["created"] + 600
    return again


def _seconds(rng: np.random.Generator, leads: pd.DataFrame) -> pd.DataFrame:
    """A rejected lead returns after 32 to 35 days as a new inquiry and buys within two weeks."""
    again = _plain(leads.loc[leads["came_again"]].copy(), "second")
    again["created"] += rng.integers(32 * DAY, 35 * DAY, len(again))
    again["stop"], again["won"], again["judged"] = 5, True, True
    for stage in range(1, 6):
        again[f"end_{stage}"] = again["created"] + stage * DAY + rng.integers(0, DAY // 2, len(again))
    again["closed"] = again["end_5"]
    again["asked"] = again["created"] + DAY // 10
    again["labelled"] = again["created"] + DAY // 5
    return again
