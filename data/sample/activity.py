"""What managers do, as the telephone exchange and the CRM note it: calls and tasks. Facts first, then text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import sales
import world
from cells import digits, phones, pick, stamp, where
from crm import MANAGERS
from sales import FEW, HONEST, NEVER, TALKED, TIDY
from world import DAY, END

WHO = [name.split()[0] for name in MANAGERS]
GOOD = (
    "Договориться о замере",
    "Договориться о дате договора",
    "Договориться о встрече с директором",
    "Договориться о составе площадки",
    "Договориться о сроке поставки",
    "Договориться о порядке оплаты",
    "Договориться о показе эскиза",
)
BAD = (
    "созвон",
    "мониторинг",
    "выйти на ЛПР",
    "проинформировать о скидке",
    "получить обратную связь",
    "выяснить что решили",
)
PLAIN = ("выставить счёт", "отправить эскиз")
POCKET = 3  # the stage at which open deals lie without a task
QUIET = 3 * DAY  # nothing moved and nobody phoned for so long


def calls(leads: pd.DataFrame) -> pd.DataFrame:
    """Facts of all calls: row of the lead, time, seconds of talk. Builders are phoned first, dealers last."""
    made = _usual_calls(leads)
    effort = leads["effort"].to_numpy()[made["lead"]]
    first = made[(effort > 0) & (made["nth"] == 0)].set_index("lead")["at"]
    made = pd.concat([made[effort == 0], _attempts(leads, first)])
    return made.sort_values(["at", "lead"], kind="stable", ignore_index=True)


def _usual_calls(leads: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(world.SEED + 1)
    needed = ["segment", "created", "end_1", "closed", "labelled", "rejected", "hindsight", "fails_phone"]
    leads = leads.loc[leads["role"].isin(["lead", "second"]) & ~leads["untouched"], needed]
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
    talk[leads["fails_phone"].to_numpy()[row]] = 0
    made = pd.DataFrame({"at": time.astype("int64"), "seconds": talk.astype("int64"), "nth": nth})
    made["lead"] = leads.index.to_numpy()[row]
    return made[(made["at"] < END) & (made["at"] < leads["closed"].to_numpy()[row])]


def _attempts(leads: pd.DataFrame, first: pd.Series) -> pd.DataFrame:
    """Calls to leads lost as «does not answer»: none, one talk among others, one or two, or three to five."""
    rng = np.random.default_rng(world.SEED + 18)
    rows = np.flatnonzero(leads["effort"] > NEVER)
    effort, created = leads["effort"].to_numpy()[rows], leads["created"].to_numpy()[rows]
    closed = leads["closed"].to_numpy()[rows]
    start = first.reindex(rows, fill_value=-1).to_numpy()
    start = np.where(start >= 0, np.minimum(start, (created + closed) // 2), created + 600)
    number = np.select(
        [effort == FEW, effort == HONEST], [rng.integers(1, 3, len(rows)), rng.integers(3, 6, len(rows))], 2
    )
    at = np.repeat(np.arange(len(rows)), number)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(number) - number, number)
    time = start[at] + (closed - start)[at] * nth // (number[at] + 1)
    talked = (effort == TALKED)[at] & (nth == 1)
    seconds = np.where(talked, rng.integers(75, 300, len(at)), rng.integers(0, 30, len(at)))
    return pd.DataFrame({"at": time, "seconds": seconds, "nth": nth, "lead": rows[at]})


def call_log(leads: pd.DataFrame, made: pd.DataFrame) -> pa.Table:
    """The telephone exchange's log: one call in five, never the first, knows the number and not the deal."""
    needed = ["lead_id", "person", "manager", "blank_phone", "fails_phone"]
    of = leads[needed].take(made["lead"].to_numpy())
    linked = (made["nth"] == 0) | (made["lead"] % 5 != 0)
    linked = linked.to_numpy() | of["blank_phone"].to_numpy() | of["fails_phone"].to_numpy()
    nothing = pa.scalar(None, pa.string())
    return pa.table(
        {
            "Дата и время": stamp(made["at"]),
            "Номер сделки": where(linked, pa.array(of["lead_id"], pa.string()), nothing),
            "Телефон": where(linked, nothing, phones(of)),
            "Длительность, сек": digits(made["seconds"]),
            "Сотрудник": pick(WHO, of["manager"]),
        }
    )


def tasks(leads: pd.DataFrame) -> pd.DataFrame:
    """Facts of all tasks, oldest first: row of the lead, created, due and done (-1: not yet), place of its title.

    Open deals mostly have a next task; at the POCKET stage those that nobody touches have none.
    """
    rng = np.random.default_rng(world.SEED + 19)
    made = pd.concat([_past(leads, rng), _next(leads, rng)], ignore_index=True)
    manager = leads["manager"].to_numpy()[made["lead"]]
    draw, which = rng.random((2, len(made)))
    kinds = np.where(
        (manager == TIDY)[:, None], [0.82, 0.93], [0.30, 0.80]
    )  # good; good or bad; the rest is plain
    kind = (draw[:, None] > kinds).sum(axis=1)
    size = np.array([len(GOOD), len(BAD), len(PLAIN)])
    made["title"] = (np.cumsum(size) - size)[kind] + (which * size[kind]).astype("int64")
    return made.sort_values(["created", "lead"], kind="stable", ignore_index=True)


def _past(leads: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Tasks of the third and fourth stage; on closed deals one in ten was never ticked off."""
    parts = []
    for stage in (3, 4):
        start = leads[f"end_{stage - 1}"].to_numpy()
        fit = (
            (leads["role"] == "lead").to_numpy()
            & (leads["stop"].to_numpy() >= stage)
            & (start < END - 3 * DAY)
        )
        rows = np.flatnonzero(fit & (leads["person"].to_numpy() % 3 != stage % 3))
        done = start[rows] + rng.integers(0, 3 * DAY, len(rows))
        left = sales.shut(leads)[rows] & (rng.random(len(rows)) < 0.1)
        parts.append({"lead": rows, "created": start[rows], "due": start[rows] + 2 * DAY})
        parts[-1]["done"] = np.where(left, -1, np.minimum(done, END - 60))
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)


def _next(leads: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The next task of open deals: live mostly, sometimes overdue. Old deals have one of long ago, due in future."""
    rows = np.flatnonzero(~sales.shut(leads) & sales.counts(leads))
    created = leads["created"].to_numpy()[rows]
    start = sales.start_of(leads, sales.stage_now(leads))[rows]
    old, draw = created < END - 30 * DAY, rng.random(len(rows))
    none = quiet(leads)[rows] | ((draw < 0.08) & ~old)
    late = (draw > 0.9) & ~old & (created < END - 3 * DAY)
    lately = np.maximum(created + 60, END - rng.integers(60, 5 * DAY, len(rows)))
    due = END + rng.integers(1, 9, len(rows)) * DAY + np.where(old, 14 * DAY, 0)
    due = np.where(late, END - rng.integers(DAY + 1, 3 * DAY, len(rows)), due)
    set_up = np.where(late, np.maximum(created + 60, due - DAY), np.where(old, start + 3_600, lately))
    found = {"lead": rows, "created": np.minimum(set_up, END - 60), "due": due, "done": -1}
    return pd.DataFrame(found)[~none]


def quiet(leads: pd.DataFrame) -> np.ndarray:
    """Open deals at the POCKET stage that nobody moved or phoned lately; the oldest ones have a task."""
    still = ~sales.shut(leads) & sales.counts(leads) & (sales.stage_now(leads) == POCKET)
    since = leads[f"end_{POCKET - 1}"].to_numpy()
    still &= (since < END - QUIET) & (leads["created"].to_numpy() > END - 52 * DAY)
    made = calls(leads)
    still[made.loc[made["at"] > END - QUIET, "lead"]] = False
    return still


def task_list(leads: pd.DataFrame, made: pd.DataFrame) -> pa.Table:
    """Tasks as the CRM exports them; the index of `made` numbers them."""
    of = leads[["lead_id", "manager"]].take(made["lead"].to_numpy())
    done = made["done"].to_numpy()
    return pa.table(
        {
            "ID задачи": digits(made.index.to_numpy() + 1),
            "Номер сделки": pa.array(of["lead_id"], pa.string()),
            "Задача": pick((*GOOD, *BAD, *PLAIN), made["title"]),
            "Ответственный": pick(WHO, of["manager"]),
            "Дата создания": stamp(made["created"], form="%d.%m.%Y"),
            "Срок": stamp(made["due"], form="%d.%m.%Y"),
            "Дата завершения": stamp(done, done >= 0, "%d.%m.%Y"),
        }
    )
