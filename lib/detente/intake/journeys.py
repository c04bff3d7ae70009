"""The stage log walked once: one row per inquiry with its first entry to each stage, furthest stage, moves,
outcome.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from detente import engine
from detente.audit import Audit
from detente.intake import people
from detente.intake.columns import Extra
from detente.intake.spelling import stage_places
from detente.schema import fold

if TYPE_CHECKING:
    import ibis

_WON = r"(^|[^а-яa-z])(won|выиграна|выигран|успешно|успешна|успех|сделка успешна)"
_LOST = r"lost|проигр|провал|неуспе|не успе"
BURST = 100  # inquiries created within one minute: no advertising does that
FLOOD = 20  # inquiries of one channel within one minute: a robot at a form, or a jam that was cleared
SPAM = ("спам", "spam", "бот", "боты", "bot", "bots")
_PLACEHOLDERS = (1, 9, 99, 123, 1234, 12345, 123456)
FAR, ENOUGH = 5, 20  # robust deviations beyond which an amount is far; won deals needed to say so


def _by_stage(stage, audit: Audit, wanted: str):
    """Per canonical stage name: its outcome, or its order."""
    import ibis

    places = {place.name: place for place in stage_places(audit).values()}
    values = [
        (name, getattr(place, wanted)) for name, place in places.items() if getattr(place, wanted) is not None
    ]
    return ibis.cases(*((stage == name, ibis.literal(value)) for name, value in values))


# --- the walk ---
def walk(stages: ibis.Table, inquiries: ibis.Table, audit: Audit) -> ibis.Table:
    """One row per lead that has history: entered_1 … entered_K, reached, moves, backward, skipped, won_at,
    lost_at.

    Events are in the order of (entered_at, seq); at the same moment without seq, in the order of the
    funnel. Stages that the funnel does not name, or excludes, are passed over. A move is a step between two
    different stages; backward: to a stage of lower order, also out of won or lost; skipped: stages below
    the furthest never entered.
    """
    events = _events(stages, inquiries, audit)
    import ibis

    order = [events["entered_at"], events["seq"], events["rank"], events["stage"], events["row"]]
    window = ibis.window(group_by=events["lead_id"], order_by=order)
    events = events.mutate(
        before=events["stage"].lag().over(window),
        rank_before=events["rank"].lag().over(window),
        outcome_before=events["outcome"].lag().over(window),
    )
    moved = events["before"].notnull() & (events["before"] != events["stage"])
    starts = events["outcome_before"].isnull() | (events["outcome_before"] != events["outcome"])
    steps = range(1, len(audit.funnel.stages) + 1)
    entered = {f"entered_{step}": events["entered_at"].min(where=events["place"] == step) for step in steps}
    return events.group_by("lead_id").aggregate(
        reached=events["place"].max(),
        visited=events["place"].nunique(),
        moves=events.count(where=moved),
        backward=events.count(where=moved & (events["rank"] < events["rank_before"])),
        won_at=events["entered_at"].max(where=starts & (events["outcome"] == "won")),
        lost_at=events["entered_at"].max(where=starts & (events["outcome"] == "lost")),
        **entered,
    )


def _events(stages: ibis.Table, inquiries: ibis.Table, audit: Audit) -> ibis.Table:
    """The stage entries that the funnel knows, each with its place in it."""
    import ibis

    last = len(audit.funnel.stages) + 1
    place = _by_stage(stages["stage"], audit, "order").cast("int64")
    outcome = _by_stage(stages["stage"], audit, "outcome")
    events = stages.select(
        "lead_id", "entered_at", "stage", "from_stage", "row", seq=stages["seq"].fill_null(0), place=place,
        outcome=outcome, rank=ibis.coalesce(place, ibis.literal(last)).cast("int64"),
    )  # fmt: skip
    events = events.filter(events["outcome"].isin(["open", "won", "lost"]))
    return events.drop("from_stage").union(_creations(events, inquiries, audit))


def _creations(events: ibis.Table, inquiries: ibis.Table, audit: Audit) -> ibis.Table:
    """The stage in which a lead was created, where the log begins with the first change and says from which
    stage.
    """
    import ibis

    order = ibis.window(
        group_by=events["lead_id"], order_by=[events["entered_at"], events["seq"], events["rank"]]
    )
    first = events.mutate(number=ibis.row_number().over(order))
    origin = _by_stage(first["from_stage"], audit, "order").cast("int64")
    first = first.mutate(origin=origin).filter(
        lambda t: (t.number == 0) & t.origin.notnull() & (t.origin != t.rank)
    )
    born = inquiries.select(_lead="lead_id", born="created_at")
    first = first.inner_join(born, first["lead_id"] == born["_lead"])
    first = first.filter(first["born"] <= first["entered_at"])
    return first.select(
        "lead_id", entered_at=first["born"], stage=first["from_stage"], row=first["row"],
        seq=ibis.literal(-1).cast("int64"), place=first["origin"], outcome=ibis.literal("open"),
        rank=first["origin"],
    )  # fmt: skip


# --- the journey ---
def outcomes(table: ibis.Table, audit: Audit) -> ibis.Table:
    """Add `outcome` and `_order_now` by the stage of the export; a status such as Pipedrive's refines an
    open stage.
    """
    import ibis

    table = table.mutate(
        outcome=_by_stage(table["stage"], audit, "outcome"),
        _order_now=_by_stage(table["stage"], audit, "order").cast("int64"),
    )
    status = table["status_group"].lower().replace("ё", "е")
    undecided = table["outcome"].isnull() | (table["outcome"] == "open")
    lost = undecided & status.re_search(_LOST).fill_null(False)
    won = undecided & ~lost & status.re_search(_WON).fill_null(False)
    empty, unmapped = table["stage"].isnull(), table["stage"].notnull() & table["outcome"].isnull()
    return table.mutate(
        outcome=ibis.cases((lost, "lost"), (won, "won"), else_=table["outcome"].fill_null("open")),
        _late=table["_late"]
        + ibis.cases((empty, "no_stage:stage "), (unmapped, "unmapped_stage:stage "), else_=""),
    )


def _late(table: ibis.Table, condition, code: str) -> ibis.Table:
    import ibis

    new = ibis.ifelse(condition.fill_null(False), ibis.literal(f"{code} "), ibis.literal(""))
    return table.mutate(_late=table["_late"] + new)


def travelled(table: ibis.Table, walked: ibis.Table | None, audit: Audit) -> ibis.Table:
    """Join the walk: has_history, furthest, entered_i, moves, backward, skipped; and the end of closed
    deals.
    """
    import ibis

    steps = len(audit.funnel.stages)
    if walked is None:
        table = table.mutate(has_history=ibis.literal(False), _from_history=ibis.literal(False))
        nothing = {name: ibis.null("int64") for name in ("moves", "backward", "skipped")}
        table = table.mutate(**nothing, furthest=_furthest(table, table["_order_now"], steps))
        return _closed(table, ibis.null("timestamp(6)"))
    walked = walked.rename(_walker="lead_id")
    found = table.left_join(walked, table["lead_id"] == walked["_walker"])
    found = found.mutate(has_history=found["_walker"].notnull()).drop("_walker")
    reached = ibis.greatest(found["reached"], found["_order_now"])
    found = found.mutate(furthest=_furthest(found, reached, steps))
    found = found.mutate(
        skipped=ibis.ifelse(found["has_history"], found["furthest"] - found["visited"], None)
    )
    ended = ibis.cases(
        (found["outcome"] == "won", found["won_at"]), (found["outcome"] == "lost", found["lost_at"])
    )
    return _closed(found, ended)


def _furthest(table: ibis.Table, reached, steps: int):
    import ibis

    return ibis.ifelse(table["outcome"] == "won", ibis.literal(steps), reached).cast("int64")


def _closed(table: ibis.Table, ended) -> ibis.Table:
    """The end of a deal: as exported, else its entry to won or lost. An open deal's date is a plan and is
    left out.
    """
    import ibis

    is_open = table["outcome"] == "open"
    table = _late(table, is_open & table["closed_at"].notnull(), "open_with_close_date:closed_at")
    return table.mutate(
        _from_history=table["closed_at"].isnull() & ended.notnull(),
        closed_at=ibis.ifelse(is_open, ibis.null("timestamp(6)"), ibis.coalesce(table["closed_at"], ended)),
    )


def remarks(table: ibis.Table, has_amount: bool) -> ibis.Table:
    """Flag what is odd about single inquiries: order of dates, many at once, spam, amounts of won deals."""
    import ibis

    usual = _usual_amounts(table) if has_amount else None
    whole_day = table["closed_date_only"] | table["created_date_only"]
    closed, created = table["closed_at"], table["created_at"]
    before = ibis.ifelse(whole_day, closed.date() < created.date(), closed < created)
    table = _late(table, before, "closed_before_created:closed_at")
    minute = table["created_at"].truncate("m")
    together, in_channel = (ibis.window(group_by=keys) for keys in (minute, [minute, table["channel"]]))
    table = table.mutate(_burst=table.count().over(together), _flood=table.count().over(in_channel))
    timed, burst = ~table["created_date_only"], table["_burst"] >= BURST
    table = _late(table, timed & burst, "mass_import:created_at")
    flood = timed & ~burst & table["channel"].notnull() & (table["_flood"] >= FLOOD)
    table = _late(table, flood, "burst:created_at")
    table = _late(table, people.holds_word(table["loss_reason"], SPAM), "spam:loss_reason")
    table = _amounts(table, usual) if has_amount else table
    return table.drop("_burst", "_flood")


def _amounts(table: ibis.Table, usual: tuple[float, float] | None) -> ibis.Table:
    """Flag won deals whose amount is missing, made up, or far from all others."""
    won, amount = table["outcome"] == "won", table["amount"]
    table = _late(table, won & (amount.fill_null(0) == 0), "no_amount_on_won:amount")
    same_digits = (
        amount.cast("decimal(18, 0)")
        .cast("string")
        .re_search("^(1{4,}|2{4,}|3{4,}|4{4,}|5{4,}|6{4,}|7{4,}|8{4,}|9{4,})$")
    )
    table = _late(table, won & (amount.isin(_PLACEHOLDERS) | same_digits), "placeholder_amount:amount")
    if usual is None:
        return table
    middle, reach = usual
    size = amount.cast("float64").nullif(0).abs().ln()
    return _late(table, won & (amount > 0) & ((size - middle).abs() > reach), "outlier_amount:amount")


def _usual_amounts(table: ibis.Table) -> tuple[float, float] | None:
    """The middle of the logarithm of won amounts, and how far from it an amount is usual; None: any is.

    Far is beyond 5 robust deviations (1.4826 times the median absolute deviation, Hampel 1974). Where more
    than one in a hundred lies so far, the amounts are of several kinds and none is an error.
    """
    paid = table.filter((table["outcome"] == "won") & (table["amount"] > 0))
    size = paid["amount"].cast("float64").ln()
    [middle] = engine.frame(paid.aggregate(deals=paid.count(), at=size.median())).itertuples()
    if middle.deals < ENOUGH:
        return None
    away = (size - middle.at).abs()
    [spread] = engine.frame(paid.aggregate(width=away.median())).itertuples()
    reach = FAR * 1.4826 * spread.width
    [far] = engine.frame(paid.aggregate(deals=paid.count(where=away > reach))).itertuples()
    return (middle.at, reach) if reach and far.deals <= max(1, middle.deals // 100) else None


def grouped_reasons(table: ibis.Table, audit: Audit) -> ibis.Table:
    """Add `reason_group`: the id of the group in audit.yml that names the loss reason."""
    import ibis

    groups = {fold(reason): group.id for group in audit.reasons for reason in group.reasons}
    raw = people.distinct(table, "loss_reason")
    known = {text: groups[fold(text)] for text in raw if fold(text) in groups}
    if not known:
        return table.mutate(reason_group=ibis.null("string"))
    small = people.small_table({"_reason": list(known), "_group": list(known.values())})
    found = table.left_join(small, table["loss_reason"] == small["_reason"])
    return found.select(**{name: found[name] for name in table.columns}, reason_group=found["_group"])


def date_only(table: ibis.Table, column: str) -> list[tuple[str, int]]:
    """The files, as (table, order), whose column has days without any time of day."""
    moment = table[column]
    timed = (moment.hour() != 0) | (moment.minute() != 0) | (moment.second() != 0)
    counted = table.group_by("_table", "_order").aggregate(
        cells=moment.count(), timed=table.count(where=timed)
    )
    found = engine.frame(counted.filter((counted.cells > 0) & (counted.timed == 0)))
    return sorted((name, int(order)) for name, order in zip(found["_table"], found["_order"], strict=True))


def in_files(table: ibis.Table, files: Sequence[tuple[str, int]]):
    """Whether a row comes from one of the files."""
    import ibis

    if not files:
        return ibis.literal(False)
    place = table["_table"] + ibis.literal(" ") + table["_order"].cast("string")
    return place.isin([f"{name} {order}" for name, order in files])


def columns(audit: Audit, extras: Sequence[Extra], with_history: bool) -> list[str]:
    """The columns of journeys.parquet, in their order."""
    names = [
        "lead_id",
        "created_at",
        "created_date_only",
        "month",
        "age_days",
        "pipeline",
        "stage",
        "outcome",
        "closed_at",
        "closed_date_only",
        "amount",
        "currency",
        "channel",
        "campaign",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
        "utm_term",
        "manager",
        "segment",
        "product",
        "person",
        "phone_valid",
        "loss_reason",
        "reason_group",
    ]
    names += [extra.name for extra in extras]
    names += ["is_test", "is_duplicate", "counted", "has_history", "furthest"]
    if with_history:
        names += [f"entered_{step}" for step in range(1, len(audit.funnel.stages) + 1)]
    return [*names, "moves", "backward", "skipped", "flags", "row", "file"]


def finished(table: ibis.Table, audit: Audit, as_of: dt.date) -> ibis.Table:
    """Add month, age in days, whether the inquiry counts, and the flags as one text."""
    import ibis

    created = table["created_at"]
    days = ibis.timestamp(f"{as_of} 00:00:00").epoch_seconds() - created.truncate("D").epoch_seconds()
    table = _late(table, table["_test"], "test_lead")
    table = _late(table, table["is_duplicate"], "duplicate")
    picked: dict[str, Any] = {
        "month": created.strftime("%Y-%m"),
        "age_days": (days // 86400).cast("int64"),
        "is_test": table["_test"],
        "counted": ~table["_test"] & ~table["is_duplicate"] & (table["outcome"] != "excluded"),
        "flags": (table["_flags"] + table["_late"]).strip().nullif(""),
    }
    return table.mutate(**picked)
