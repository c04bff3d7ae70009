"""What is true of the sample, counted in the world and never in the exports: the answers to come to.

`counted` leads are what an audit should count: no tests, no repeats within 30 days, no row from the future.
Money is in kopecks.
"""

from __future__ import annotations

import activity
import crm
import ledger
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import sales
import world
from books import Books
from funnel_truth import funnel_truths
from money_truth import SEGMENTS, money_truths
from purchases import channel_names, purchases
from world import CHANNELS, CRITERIA, DAY
from worth_truth import worth_truths


def truths(leads: pd.DataFrame, books: Books) -> dict:
    """All planted facts by name; see README.md for what each means."""
    counted = leads[sales.counts(leads)]
    counted = counted.assign(
        shown_channel=channel_names(counted),
        lost=sales.shut(counted) & ~counted["won"],
    )
    made = purchases(leads, books)
    return {
        "counted": len(counted),
        "rows": _rows(leads),
        "verdicts": _verdicts(counted),
        "channels": _channels(counted),
        "criteria": _criteria(counted),
        "trend": _trend(counted),
        "channel_change": _change(counted),
        "labels": _labels(counted),
        "court": _court(leads, counted, books.payments),
        "reasons": _reasons(counted),
        "quiz_early_losses": _quiz(counted),
        "outcomes": _outcomes(counted),
        "unripe": _unripe(counted),
        "segments": _segments(leads, counted, books.payments),
        "managers": _managers(counted),
        "payments": _payments(leads, books.payments),
        "spend": _spend(leads),
        **funnel_truths(leads, counted),
        **money_truths(leads, counted, books, made),
        **worth_truths(leads, counted, books, made),
    }


def _rows(leads: pd.DataFrame) -> dict:
    """Rows of the deals export by what is wrong with them, and of the other exports."""
    odd = leads["odd"].value_counts()
    return {
        "deals": int(len(leads) + odd["twice"] + odd["two_versions"]),
        "different_ids": len(leads),
        "exact_duplicates": int(odd["twice"]),
        "older_versions": int(odd["two_versions"]),
        "created_after_export": int(odd["future"]),
        "closed_before_created": int(odd["ends_early"]),
        "tests": int((leads["role"] == "test").sum()),
        "repeats": int((leads["role"] == "repeat").sum()),
        "long_ids": int((leads["lead_id"].str.len() == 19).sum()),
        "orphan_moves": 7,
    }


def _verdicts(counted: pd.DataFrame) -> dict:
    known = counted["verdict"].value_counts()
    return {name: int(known[name]) for name in ("target", "non_target", "unknown")} | {
        "truly_non_target": int(counted["non_target"].sum())
    }


def _channels(counted: pd.DataFrame) -> dict:
    """By channel of the export: what the cells show, what is true, and the rate it was drawn at."""
    found = {}
    for name, part in counted.groupby("shown_channel"):
        found[name] = {"leads": len(part)} | _verdicts_of(part)
        drawn = next((item for item in CHANNELS if item.name == name), None)
        if drawn and not drawn.trend:
            found[name]["drawn_at"] = round(1 - float(np.prod(1 - np.array(drawn.fails))), 4)
    return found | {
        "really_differ": ["VK Реклама", "Квиз на сайте", "Авито"],
        "only_looks_extreme": ["Выставка"],
    }


def _verdicts_of(part: pd.DataFrame) -> dict:
    counts = {name: int((part["verdict"] == name).sum()) for name in ("target", "non_target", "unknown")}
    return counts | {"truly_non_target": int(part["non_target"].sum())}


def _criteria(counted: pd.DataFrame) -> dict:
    """Per criterion: cells that fail, pass, are empty; leads that fail it and nothing else."""
    fails = pd.DataFrame({name: counted[f"fails_{name}"] & ~counted[f"blank_{name}"] for name in CRITERIA})
    return {
        name: {
            "fail": int(fails[name].sum()),
            "unknown": int(counted[f"blank_{name}"].sum()),
            "pass": int((~fails[name] & ~counted[f"blank_{name}"]).sum()),
            "only": int((fails[name] & (fails.sum(axis=1) == 1)).sum()),
        }
        for name in CRITERIA
    }


def _trend(counted: pd.DataFrame) -> dict:
    """The channel whose share grew: leads with a known verdict by month, and the non-target ones."""
    part = counted[(counted["shown_channel"] == "Авито") & (counted["verdict"] != "unknown")]
    by = part.groupby(world.month_of(part["created"]))["verdict"]
    return {
        "channel": "Авито",
        "known": by.size().tolist(),
        "non_target": by.agg(lambda v: (v == "non_target").sum()).tolist(),
    }


def _change(counted: pd.DataFrame) -> dict:
    """1 May 2026: money moved from Direct to VK; the mix changed, the two channels did not."""
    late = counted["created"] >= world.CHANGE_DAY * DAY
    found = {"day": "2026-05-01"}
    for name, part in (("before", counted[~late]), ("after", counted[late])):
        found[name] = {"leads": len(part)} | part["shown_channel"].value_counts().to_dict()
    return found


def _labels(counted: pd.DataFrame) -> dict:
    """Each label against the verdict of the criteria, and when sales set its label."""
    label = {
        "marketing": counted["marketing"].replace("", "none"),
        "sales": pd.Series(
            np.select([~counted["judged"], counted["rejected"]], ["none", "non_target"], "target"),
            counted.index,
        ),
    }
    found: dict = {by: _cross(words, counted["verdict"]) for by, words in label.items()}
    dispute = (label["marketing"] == "target") & (counted["verdict"] == "non_target")
    other = counted[["fails_phone", "fails_region", "fails_budget"]].any(axis=1)
    found["marketing_disputes"] = {
        "all": int(dispute.sum()),
        "authority_alone": int((dispute & ~other).sum()),
    }
    found["set_after_the_loss"] = int((counted["hindsight"] & counted["lost"]).sum())
    return found


def _cross(label: pd.Series, verdict: pd.Series) -> dict:
    return {
        f"{said}/{fact}": int(((label == said) & (verdict == fact)).sum())
        for said in ("target", "non_target", "none")
        for fact in ("target", "non_target", "unknown")
    }


def _court(leads: pd.DataFrame, counted: pd.DataFrame, paid: pd.DataFrame) -> dict:
    """Leads that sales calls non-target, against the facts: money first, then the criteria, then the calls.

    Each lead falls under the first fact that holds for it; what is left has no fact on either side.
    """
    rejected = counted[counted["rejected"] & counted["judged"]]
    made = activity.calls(leads)
    talked = rejected.index.isin(made.loc[made["seconds"] >= 60, "lead"])
    again = leads.loc[leads["role"] == "second", "person"]
    facts = [
        rejected["person"].isin(again),
        rejected.index.isin(_paid_soon(leads, rejected, paid)),
        rejected["verdict"] == "target",
        rejected["verdict"] == "non_target",
        talked,
    ]
    names = ["won_as_a_new_inquiry", "paid", "meets_criteria", "fails_criteria", "talked"]
    first = pd.Series(np.select(facts, names, "no_talk")).value_counts()
    return (
        {"rejected": len(rejected), "of_them_lost": int(rejected["lost"].sum())}
        | {name: int(first[name]) for name in (*names, "no_talk")}
        | {"never_called": int((~rejected.index.isin(made["lead"]))[rejected["untouched"]].sum())}
    )


def _paid_soon(leads: pd.DataFrame, rejected: pd.DataFrame, paid: pd.DataFrame) -> np.ndarray:
    """Rejected leads whose person paid after the close and within 60 days of it."""
    paid = paid[(paid["kind"] == "Оплата") & (paid["lead"] >= 0)]
    paid = pd.DataFrame({"person": leads.loc[paid["lead"], "person"].to_numpy(), "at": paid["at"].to_numpy()})
    both = rejected[["person", "closed"]].reset_index().merge(paid, on="person")
    soon = (both["at"] > both["closed"]) & (both["at"] <= both["closed"] + 60 * DAY)
    return both.loc[soon, "index"].unique()


def _reasons(counted: pd.DataFrame) -> dict:
    """Lost leads by the text of the reason, lower case; "" is an empty cell."""
    said = pc.fill_null(crm.reasons(counted[counted["lost"]]), "")
    said = pc.utf8_lower(pc.utf8_trim_whitespace(said)).value_counts().to_pylist()
    texts = {item["values"]: item["counts"] for item in said}
    return {"lost": int(counted["lost"].sum()), "texts": dict(sorted(texts.items()))}


def _quiz(counted: pd.DataFrame) -> dict:
    """The broken form: losses at the first stage of one channel, how many with no phone to call."""
    early = counted[(counted["shown_channel"] == "Квиз на сайте") & counted["lost"] & (counted["stop"] == 1)]
    return {
        "channel": "Квиз на сайте",
        "lost": len(early),
        "bad_phone": int((early["fails_phone"] & ~early["blank_phone"]).sum()),
    }


def _outcomes(counted: pd.DataFrame) -> dict:
    closed = pd.Series(sales.shut(counted), counted.index)
    return {
        "open": int((~closed).sum()),
        "won": int((closed & counted["won"]).sum()),
        "lost": int(counted["lost"].sum()),
    }


def _unripe(counted: pd.DataFrame) -> dict:
    """By month of creation: leads, how many are still open, have been won, will have been won."""
    by = counted.assign(closed=sales.shut(counted)).groupby(world.month_of(counted["created"]))
    return {
        "leads": by.size().tolist(),
        "open": by["closed"].agg(lambda v: (~v).sum()).tolist(),
        "won_so_far": by.apply(lambda part: int((part["won"] & part["closed"]).sum())).tolist(),
        "won_in_the_end": by["won"].sum().tolist(),
    }


def _segments(leads: pd.DataFrame, counted: pd.DataFrame, paid: pd.DataFrame) -> dict:
    """Leads, revenue and work by segment: what each department lives on and lives for."""
    made = activity.calls(leads)
    made = made[made["lead"].isin(counted.index)]
    first = made[made["nth"] == 0]
    wait = (
        pd.Series(first["at"].to_numpy() - leads.loc[first["lead"], "created"].to_numpy(), first["lead"])
        / 3_600
    )
    paid = paid[paid["lead"].isin(counted.index)]
    money, talk = (
        paid.groupby(leads.loc[paid["lead"], "segment"].to_numpy())["kopecks"].sum(),
        made.groupby(leads.loc[made["lead"], "segment"].to_numpy())["seconds"].sum(),
    )
    won = counted[counted["won"] & sales.shut(counted)]
    return {
        name: {
            "leads": int((counted["segment"] == code).sum()),
            "won": int((won["segment"] == code).sum()),
            "won_kopecks": int(won.loc[won["segment"] == code, "amount"].sum()),
            "paid_kopecks": int(money[code]),
            "talk_seconds": int(talk[code]),
            "drawn_conversion_of_target": float(world.WINS[code]),
            "median_hours_of_work_to_first_call": round(
                float(wait[counted["segment"].reindex(wait.index) == code].median()), 2
            ),
        }
        for code, name in SEGMENTS.items()
    }


def _managers(counted: pd.DataFrame) -> dict:
    """Six managers of one skill: whatever differs between them is chance."""
    by = counted.assign(sold=counted["won"] & sales.shut(counted)).groupby("manager")
    return {crm.MANAGERS[code]: {"leads": len(part), "won": int(part["sold"].sum())} for code, part in by}


def _payments(leads: pd.DataFrame, made: pd.DataFrame) -> dict:
    """The bank's rows; the clients of those without a deal's number are known by phone, but for nobody's money."""
    back = made["kind"] == "Возврат"
    won = leads[leads["won"] & sales.shut(leads)]
    return {
        "rows": len(made),
        "net_kopecks": int(made["kopecks"].sum()),
        "refunds": int(back.sum()),
        "refunded_kopecks": int(-made.loc[back, "kopecks"].sum()),
        "without_deal": int((~made["named"]).sum()),
        "of_nobody": int((made["lead"] < 0).sum()),
        "won_and_never_paid": int((~won.index.isin(made["lead"])).sum()),
        "deals_paid_in_parts": int((made[~back & made["named"]].groupby("lead").size() > 1).sum()),
    }


def _spend(leads: pd.DataFrame) -> dict:
    """Kopecks per campaign of the three systems («»: none is told); two campaigns have brought no lead."""
    tables = {CHANNELS[system].name: ledger.spend(leads, system).fillna("") for system in ledger.SYSTEMS}
    found: dict = {name: made.groupby("campaign")["kopecks"].sum().to_dict() for name, made in tables.items()}
    return found | {"without_leads": ["media_brend", "vk_bez_zayavok"]}
