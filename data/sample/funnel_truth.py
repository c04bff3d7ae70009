"""What is true of the sample's funnel and of its managers' habits: the answers for the funnel notebooks."""

from __future__ import annotations

import activity
import crm
import numpy as np
import pandas as pd
import sales
import world
from world import DAY, END, STAGES

BY_DAYS = (30, 60, 90)


def funnel_truths(leads: pd.DataFrame, counted: pd.DataFrame) -> dict:
    """Facts by name; README.md tells what each means. `counted` as in `truth.truths`."""
    return {
        "history": _history(leads),
        "ages": _ages(counted),
        "stages": _stages(counted),
        "habits": _habits(leads, counted),
        "claims": _claims(counted),
        "tasks": _tasks(leads, counted),
        "fields": _fields(counted),
    }


def _pieces(leads: pd.DataFrame):
    return (leads.iloc[start : start + 500_000] for start in range(0, len(leads), 500_000))


def _history(leads: pd.DataFrame) -> dict:
    """The log: its rows, and the leads that went back, came back from the archive, or skipped a stage."""
    told = ~leads["no_history"]
    third = leads["end_2"] + (leads["end_3"] - leads["end_2"]) // 3
    back = told & leads["returns"] & (third < END)
    return {
        "rows": sum(len(crm.moves(part)) for part in _pieces(leads)) + 7,
        "leads_without_history": int((~told).sum()),
        "leads_that_went_back": int(back.sum()),
        "of_them_at_one_manager": int((back & (leads["manager"] == sales.BACK)).sum()),
        "leads_back_from_the_archive": int((told & leads["reopened"]).sum()),
        "leads_that_skipped": int((told & leads["skips"] & (leads["end_2"] < END)).sum()),
    }


def _ages(counted: pd.DataFrame) -> dict:
    """Of all counted leads, whatever has already happened: won and lost by an age, in the end, and so far."""
    age = (world.calendar(counted["closed"]) - world.calendar(counted["created"])) // 86_400
    won, shut = counted["won"].to_numpy(), sales.shut(counted)
    found: dict = {
        str(days): {"won": int((won & (age <= days)).sum()), "lost": int((~won & (age <= days)).sum())}
        for days in BY_DAYS
    }
    return found | {
        "leads": len(counted),
        "in_the_end": {"won": int(won.sum()), "lost": int((~won).sum())},
        "so_far": {"won": int((won & shut).sum()), "lost": int((~won & shut).sum())},
    }


def _stages(counted: pd.DataFrame) -> dict:
    """Per stage: leads that entered, passed, were lost, are there; days there in full, and as the ended ones look.

    Leads lost without a history say nothing of their stage and are left out, as in an export.
    """
    now, stop, won = sales.stage_now(counted), counted["stop"].to_numpy(), counted["won"].to_numpy()
    shut = sales.shut(counted)
    known = ~(counted["no_history"].to_numpy() & shut & ~won)
    furthest = np.where(shut & won, 5, now)
    starts, ends = [counted["created"]], []
    for stage in range(1, 6):
        ends.append(np.where(stop == stage, counted["closed"], counted[f"end_{stage}"]))
    ends[0] = np.where(counted["skips"] & (stop > 2), ends[1], ends[0])
    starts += ends[:4]
    found = {}
    for stage, name in enumerate(STAGES, start=1):
        entered = known & (furthest >= stage)
        passed = known & ((furthest > stage) | ((stage == 5) & shut & won))
        there = entered & ~passed
        days = (world.calendar(ends[stage - 1]) - world.calendar(starts[stage - 1])) / 86_400
        ended = entered & (ends[stage - 1] < END)
        found[name] = {
            "entered": int(entered.sum()),
            "passed": int(passed.sum()),
            "lost": int((there & shut).sum()),
            "open": int((there & ~shut).sum()),
            "mean_days": round(float(days[entered].mean()), 2),
            "median_days": round(float(np.median(days[entered])), 2),
            "mean_days_of_the_ended": round(float(days[ended].mean()), 2),
        }
    return found | {"unknown": int((~known).sum())}


def _habits(leads: pd.DataFrame, counted: pd.DataFrame) -> dict:
    """Who does what: one manager per habit, and per manager the counts in which it shows."""
    cheap = pd.Series(sales.cheap(counted) & ~crm.nowhere(counted), counted.index)
    ours = counted[sales.ours_and_lost(counted)]
    vague = ours["reason"].isin([sales.THINKING, sales.OTHER])
    last, noted = (sum(found) for found in zip(*map(_month_ends, _pieces(leads)), strict=True))
    return {
        "cheap_leads": {"manager": crm.MANAGERS[sales.CHEAP]} | _per_manager(counted, cheap),
        "moves_back": {"manager": crm.MANAGERS[sales.BACK]},
        "vague_reasons": {"manager": crm.MANAGERS[sales.VAGUE]} | _per_manager(ours, vague),
        "month_end": {"manager": crm.MANAGERS[sales.BULK]}
        | {
            name: {"of": int(noted[place]), "hits": int(last[place])}
            for place, name in enumerate(crm.MANAGERS)
        },
    }


def _per_manager(table: pd.DataFrame, hits: pd.Series) -> dict:
    """Per manager: rows (`of`) and those that hit."""
    by = hits.groupby(table["manager"])
    return {crm.MANAGERS[place]: {"of": int(part.size), "hits": int(part.sum())} for place, part in by}


def _month_ends(leads: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Moves between open stages in the last three days of a month, and in all, by manager."""
    made = crm.moves(leads).query("`from` >= 0 and `from` < 5 and to < 5")
    ends = np.append(world.MONTH_STARTS[1:], world.DAYS)[world.month_of(made["time"])]
    manager = leads["manager"].to_numpy()[made["row"]]
    late = (ends - made["time"].to_numpy() // DAY) <= 3
    return np.bincount(manager[late], minlength=6), np.bincount(manager, minlength=6)


def _claims(counted: pd.DataFrame) -> dict:
    """Reasons that other facts can check: «does not answer», and «too expensive» before a price was seen."""
    listed = counted[sales.ours_and_lost(counted) & (counted["typo"] < 0)]
    silent = listed["effort"].value_counts()
    price = listed[listed["reason"] == sales.PRICE]
    known = price[~price["no_history"]]
    told = counted[counted["told"]]
    return {
        "silent": {
            "leads": int((listed["reason"] == sales.SILENT).sum()),
            "never_called": int(silent[sales.NEVER]),
            "talked": int(silent[sales.TALKED]),
            "one_or_two_attempts": int(silent[sales.FEW]),
            "three_attempts_or_more": int(silent[sales.HONEST]),
        },
        "price": {
            "leads": len(price),
            "before_a_price_was_seen": int((known["stop"] < sales.QUOTED).sum()),
            "stage_unknown": int(price["no_history"].sum()),
        },
        "reasons_on_won_deals": len(told),
        "typos": {text: int((counted["typo"] == place).sum()) for place, text in enumerate(sales.TYPOS)},
        "cyrillic_crm": int((counted["typo"] == len(sales.TYPOS)).sum()),
    }


def _tasks(leads: pd.DataFrame, counted: pd.DataFrame) -> dict:
    """The wording of tasks by manager, and the next tasks of open deals by stage."""
    made = activity.tasks(leads)
    manager, title = leads["manager"].to_numpy()[made["lead"]], made["title"].to_numpy()
    good, bad = len(activity.GOOD), len(activity.GOOD) + len(activity.BAD)
    wording = {
        name: {
            "tasks": int((manager == place).sum()),
            "good": int(((manager == place) & (title < good)).sum()),
            "bad": int(((manager == place) & (title >= good) & (title < bad)).sum()),
        }
        for place, name in enumerate(crm.MANAGERS)
    }
    still = counted[~sales.shut(counted)]
    pending = made[made["done"] < 0]
    live = still.index.isin(pending.loc[pending["due"] >= END, "lead"])
    late = still.index.isin(pending["lead"]) & ~live
    now, old = sales.stage_now(still), (still["created"] <= END - 30 * DAY).to_numpy()
    stages = {
        name: {
            "open": int((now == stage).sum()),
            "live": int(((now == stage) & live).sum()),
            "overdue": int(((now == stage) & late).sum()),
            "none": int(((now == stage) & ~live & ~late).sum()),
        }
        for stage, name in enumerate(STAGES, start=1)
    }
    return {
        "rows": len(made),
        "tidy_manager": crm.MANAGERS[sales.TIDY],
        "wording": wording,
        "open_deals": stages,
        "pocket": STAGES[activity.POCKET - 1],
        "quiet_and_without_a_task": int(activity.quiet(leads).sum()),
        "older_than_30_days": {"open": int(old.sum()), "live": int((old & live).sum())},
    }


def _fields(counted: pd.DataFrame) -> dict:
    """Fields of a head of sales: how often filled, and the facts behind the stages."""
    won, shut = counted["won"].to_numpy(), sales.shut(counted)
    sold = won & shut
    first = sales.first_budget(counted)
    ratio = first[sold & (first >= 0)] / counted["amount"].to_numpy()[sold & (first >= 0)]
    due = counted["deadline"].to_numpy()
    contacts = counted["contacts"].to_numpy()
    return {
        "deadline": {
            "filled": int((due >= 0).sum()),
            "passed_and_open": int(((due >= 0) & (due // DAY < world.DAYS - 1) & ~shut).sum()),
            "won_with": int((sold & (due >= 0)).sum()),
            "won_without": int((sold & (due < 0)).sum()),
        },
        "contacts": {str(number): int((contacts == number).sum()) for number in range(1, 5)},
        "first_budget": {
            "filled": int((first >= 0).sum()),
            "won_with": len(ratio),
            "median_over_the_final": round(float(np.median(ratio)), 3),
        },
        "facts": _facts(counted, sold),
    }


def _facts(counted: pd.DataFrame, sold: np.ndarray) -> dict:
    """Per stage with a noted fact: leads that passed it, and those whose cell is filled."""
    told = ~(counted["no_history"].to_numpy() & sales.shut(counted) & ~counted["won"].to_numpy())
    now = np.where(sold, 6, sales.stage_now(counted))
    found = {}
    for stage, name in ((3, "measured"), (4, "agreed"), (5, "signed")):
        passed, filled = told & (now > stage), counted[name].to_numpy() >= 0
        found[STAGES[stage - 1]] = {"passed": int(passed.sum()), "filled": int((passed & filled).sum())}
    return found
