"""How deals move through the funnel: back, past stages, out of the archive, and with the fact in place or not.

`history` orders the stage log once; everything else counts it. A deal is the unit of every share: one deal that
bounces twenty times is one deal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from detente import engine
from detente.metrics import intervals

if TYPE_CHECKING:
    import ibis

    from detente.audit import Funnel

KINDS = ("created", "forward", "won", "lost", "backward", "returned", "reopened")


def history(stages: ibis.Table | None, journeys: ibis.Table, funnel: Funnel) -> ibis.Table | None:
    """Every entry of a counted deal to another stage, in order; None without a stage log.

    Columns: lead_id, at, manager (who moved it; the deal's manager where the log names nobody at all), order
    (1..K; K + 1 = won or lost), outcome (open, won, lost), before, before_outcome (NULL at the first entry),
    left (the open stage before an archived or won one), and kind:
        created   the first entry
        forward, backward   from one open stage to a later or an earlier one
        won, lost           to the end
        returned, reopened  out of lost, out of won: not a move back within the work
    Same order and same creations as the journeys of intake: backward + returned + reopened of a deal is the
    column `backward` of its journey. Stages that the funnel does not name are passed over.
    """
    if stages is None:
        return None
    import ibis

    events = _entries(stages, journeys, funnel)
    order = [events[name] for name in ("at", "seq", "order", "stage", "row")]
    window = ibis.window(group_by=events["lead_id"], order_by=order)
    events = events.mutate(
        before=events["order"].lag().over(window), left=events["order"].lag(2).over(window),
        before_stage=events["stage"].lag().over(window), before_outcome=events["outcome"].lag().over(window),
    )  # fmt: skip
    events = events.filter(
        ibis.or_(events["before_stage"].isnull(), events["before_stage"] != events["stage"])
    )
    was, now, to_open = events["before_outcome"], events["outcome"], events["outcome"] == "open"
    kind = ibis.cases(
        (was.isnull(), "created"), (~to_open, now), (was == "lost", "returned"), (was == "won", "reopened"),
        (events["order"] < events["before"], "backward"), else_="forward",
    )  # fmt: skip
    return engine.named(events.mutate(kind=kind).drop("seq", "row", "stage", "before_stage"))


def _entries(stages: ibis.Table, journeys: ibis.Table, funnel: Funnel) -> ibis.Table:
    """The rows of the log that the funnel knows, of counted deals, and the stages in which deals were created."""
    import ibis

    last = len(funnel.stages) + 1
    place = {stage.name: order for order, stage in enumerate(funnel.stages, 1)}
    names = place | dict.fromkeys([*funnel.won, *funnel.lost], last)
    outcome = (
        dict.fromkeys(place, "open") | dict.fromkeys(funnel.won, "won") | dict.fromkeys(funnel.lost, "lost")
    )
    deals = journeys.select(_deal="lead_id", created_at="created_at", owner="manager")
    log = stages.inner_join(deals, stages["lead_id"] == deals["_deal"])
    log = log.mutate(
        order=_looked_up(log["stage"], names).cast("int64"), outcome=_looked_up(log["stage"], outcome),
        origin=_looked_up(log["from_stage"], place).cast("int64"), seq=log["seq"].fill_null(0).cast("int64"),
        manager=ibis.coalesce(log["manager"], log["owner"]) if _nobody(stages) else log["manager"],
    ).filter(lambda t: t.order.notnull())  # fmt: skip
    sorting = [log[name] for name in ("entered_at", "seq", "order", "stage", "row")]
    first = log.mutate(number=ibis.row_number().over(ibis.window(group_by=log["lead_id"], order_by=sorting)))
    first = first.filter(
        first["number"] == 0, first["origin"].notnull(), first["origin"] != first["order"],
        first["created_at"] <= first["entered_at"],
    )  # fmt: skip
    born = first.select(
        "lead_id", at=first["created_at"], manager=ibis.null("string"), stage=first["from_stage"],
        order=first["origin"], outcome=ibis.literal("open"), seq=ibis.literal(-1).cast("int64"), row=first["row"],
    )  # fmt: skip
    return log.select(
        "lead_id", "manager", "stage", "order", "outcome", "seq", "row", at=log["entered_at"]
    ).union(born.select("lead_id", "manager", "stage", "order", "outcome", "seq", "row", "at"))


def _nobody(stages: ibis.Table) -> bool:
    """Whether the log never names who moved a deal."""
    return not int(engine.frame(stages.aggregate(named=stages["manager"].count()))["named"].iloc[0])


def _looked_up(column, values: dict):
    import ibis

    return ibis.cases(*((column == name, ibis.literal(value)) for name, value in values.items()))


def against_rest(
    counts: pd.DataFrame | None, hits: str, trials: str, level: float = 0.95, min_group: int = 30,
    material: float = 0.05,
) -> pd.DataFrame | None:  # fmt: skip
    """The share hits / trials of each row with Wilson's interval, and its difference from all other rows together.

    Adds share, low, high, rest_share, difference, diff_low, diff_high (Newcombe), compared (rows of at least
    min_group), enough (trials >= min_group) and named: enough on both sides, |difference| >= material, and the
    interval of the difference excludes 0 at the level 1 - (1 - level) / compared, because so many were looked
    at. Source: Newcombe (1998), method 10; Bonferroni's correction.
    """
    if counts is None:
        return None
    x, n = counts[hits].astype("int64"), counts[trials].astype("int64")
    low, high = intervals.wilson(x, n, level)
    rest_x, rest_n = x.sum() - x, n.sum() - n
    diff_low, diff_high = intervals.newcombe(x, n, rest_x, rest_n, level)
    compared = int((n >= min_group).sum())
    sure_low, sure_high = intervals.newcombe(x, n, rest_x, rest_n, 1 - (1 - level) / max(compared, 1))
    share, rest = x / n.where(n > 0), rest_x / rest_n.where(rest_n > 0)
    table = counts.assign(
        share=share, low=low, high=high, rest_share=rest, difference=share - rest, diff_low=diff_low,
        diff_high=diff_high, compared=compared, enough=n >= min_group,
    )  # fmt: skip
    apart = (pd.Series(sure_low > 0, counts.index)) | (pd.Series(sure_high < 0, counts.index))
    known = pd.Series(counts.index.notna(), counts.index)
    material_ = table["difference"].abs() >= material - 1e-12
    table["named"] = apart & material_ & table["enough"] & (rest_n >= min_group) & known
    return table


@dataclass(frozen=True)
class Backward:
    """Deals moved back from a later open stage to an earlier one.

    leads       : deals with a stage history; DENOMINATOR of share. deals: those moved back at least once.
    moves       : how many times. share = deals / leads with Wilson's low and high at `level`.
    pairs       : before, order, moves, deals; most moves first.
    managers    : index manager (who moved; NULL last): moves, backward, deals (moved by them, the DENOMINATOR),
                  back_deals, and what `against_rest` adds; largest difference first.
    conversion  : per open stage: order, entries (every entry), exits (forward or to won), naive = exits / entries;
                  entered (deals), passed, share = passed / entered; distortion = naive - share.
    """

    leads: int
    deals: int
    moves: int
    share: float
    low: float
    high: float
    level: float
    pairs: pd.DataFrame
    managers: pd.DataFrame
    conversion: pd.DataFrame


def backward(
    moved: ibis.Table | None, journeys: ibis.Table, funnel: Funnel, level: float = 0.95, min_group: int = 30,
    material: float = 0.05,
) -> Backward | None:  # fmt: skip
    """Moves back, between which stages, by whom, and what they do to a conversion that counts every entry.

    moved : as `history` returns; None gives None, here and below.
    """
    if moved is None:
        return None
    back = moved.filter(moved["kind"] == "backward")
    grouped = back.group_by("before", "order")
    pairs = engine.frame(grouped.aggregate(moves=back.count(), deals=back["lead_id"].nunique()))
    pairs = pairs.sort_values(["moves", "before", "order"], ascending=[False, True, True], ignore_index=True)
    totals = engine.frame(
        moved.aggregate(
            leads=moved["lead_id"].nunique(),
            deals=moved["lead_id"].nunique(where=moved["kind"] == "backward"),
            moves=moved.count(where=moved["kind"] == "backward"),
        )
    ).iloc[0]
    leads, deals = int(totals["leads"]), int(totals["deals"])
    low, high = intervals.wilson(deals, leads, level)
    return Backward(
        leads, deals, int(totals["moves"]), deals / leads if leads else math.nan, low, high, level, pairs,
        _movers(moved, level, min_group, material), _naive(moved, journeys, funnel),
    )  # fmt: skip


def _movers(moved: ibis.Table, level: float, min_group: int, material: float) -> pd.DataFrame:
    made = moved.filter(moved["kind"] != "created")
    is_back = made["kind"] == "backward"
    counts = engine.frame(
        made.group_by("manager").aggregate(
            moves=made.count(), backward=made.count(where=is_back), deals=made["lead_id"].nunique(),
            back_deals=made["lead_id"].nunique(where=is_back),
        )
    ).set_index("manager").sort_index(na_position="last")  # fmt: skip
    found = against_rest(counts, "back_deals", "deals", level, min_group, material)
    return found.sort_values("difference", ascending=False, kind="stable", na_position="last")


def _naive(moved: ibis.Table, journeys: ibis.Table, funnel: Funnel) -> pd.DataFrame:
    """Per stage, conversion by every entry beside conversion by deal."""
    steps = len(funnel.stages)
    entries = engine.frame(moved.group_by("order").aggregate(n=moved.count())).set_index("order")["n"]
    away = moved.filter(moved["kind"].isin(["forward", "won"]) & (moved["before_outcome"] == "open"))
    exits = engine.frame(away.group_by("before").aggregate(n=away.count())).set_index("before")["n"]
    cells = {}
    for step in range(1, steps + 1):
        entered = journeys[f"entered_{step}"].notnull()
        passed = journeys["furthest"] > step if step < steps else journeys["outcome"] == "won"
        cells |= {
            f"entered{step}": journeys.count(where=entered),
            f"passed{step}": journeys.count(where=entered & passed),
        }
    counted = engine.frame(journeys.aggregate(**cells)).iloc[0]
    table = pd.DataFrame({"order": range(1, steps + 1)})
    table["entries"] = [int(entries.get(step, 0)) for step in table["order"]]
    table["exits"] = [int(exits.get(step, 0)) for step in table["order"]]
    for name in ("entered", "passed"):
        table[name] = [int(counted[f"{name}{step}"]) for step in table["order"]]
    table["naive"] = table["exits"] / table["entries"].where(table["entries"] > 0)
    table["share"] = table["passed"] / table["entered"].where(table["entered"] > 0)
    return table.assign(distortion=table["naive"] - table["share"])


@dataclass(frozen=True)
class Skipped:
    """Deals that are further in the funnel without ever having been in an earlier stage.

    leads : deals with a history that came further than the first stage; DENOMINATOR of share.
    stages : per stage but the last reached: order, beyond (deals that came further), skipped (of them, never
             in it), share, low, high. managers : as in `Backward`, with beyond and skipped (deals).
    """

    leads: int
    deals: int
    share: float
    low: float
    high: float
    level: float
    stages: pd.DataFrame
    managers: pd.DataFrame


def skipped(
    journeys: ibis.Table, funnel: Funnel, level: float = 0.95, min_group: int = 30, material: float = 0.05
) -> Skipped | None:
    """Which stages are passed over, and by whose deals; None where the journeys have no entered_<k>."""
    if "entered_1" not in journeys.columns:
        return None
    steps = len(funnel.stages)
    known = journeys.filter(journeys["has_history"])
    won = known["outcome"] == "won"
    cells = {}
    for step in range(1, steps + 1):
        beyond = (known["furthest"] > step) | won
        absent = beyond & known[f"entered_{step}"].isnull()
        cells |= {f"beyond{step}": known.count(where=beyond), f"skipped{step}": known.count(where=absent)}
    counted = engine.frame(known.aggregate(**cells)).iloc[0]
    table = pd.DataFrame({"order": range(1, steps + 1)})
    for name in ("beyond", "skipped"):
        table[name] = [int(counted[f"{name}{step}"]) for step in table["order"]]
    table = _with_interval(table, "skipped", "beyond", level)
    further = known.filter((known["furthest"] > 1) | won)
    managers = engine.frame(
        further.group_by("manager").aggregate(
            beyond=further.count(), skipped=further.count(where=further["skipped"] > 0)
        )
    ).set_index("manager").sort_index(na_position="last")  # fmt: skip
    managers = against_rest(managers, "skipped", "beyond", level, min_group, material)
    managers = managers.sort_values("difference", ascending=False, kind="stable", na_position="last")
    deals, leads = int(managers["skipped"].sum()), int(managers["beyond"].sum())
    low, high = intervals.wilson(deals, leads, level)
    return Skipped(deals=deals, leads=leads, share=deals / leads if leads else math.nan, low=low, high=high,
                   level=level, stages=table, managers=managers)  # fmt: skip


def _with_interval(table: pd.DataFrame, hits: str, trials: str, level: float) -> pd.DataFrame:
    low, high = intervals.wilson(table[hits], table[trials], level)
    share = table[hits] / table[trials].where(table[trials] > 0)
    return table.assign(share=share, low=low, high=high, level=level)


def returns(moved: ibis.Table | None, journeys: ibis.Table, funnel: Funnel) -> pd.DataFrame | None:
    """Deals that came back out of lost or won: an event of its own, and no move back within the work.

    Returns one row per kind ("returned" out of lost, "reopened" out of won), always both: moves, deals, and the
    moves of them that are
        legal    to the stage it left or a later one, every earlier stage entered before or its evidence filled
        earlier  to a stage before the one it left: the work is redone, as in a move back
        bare     to the same or a later stage without a trace of the earlier ones
        unclear  the stage it left is not in the log
    legal + earlier + bare + unclear = moves.
    """
    if moved is None:
        return None
    import ibis

    back = moved.filter(moved["kind"].isin(["returned", "reopened"]))
    steps = range(1, len(funnel.stages) + 1)
    columns = {f"_in_{k}": journeys[f"entered_{k}"] for k in steps}
    columns |= {f"_by_{k}": journeys[f"evidence_{k}"] for k in steps if f"evidence_{k}" in journeys.columns}
    deals = journeys.select(_deal=journeys["lead_id"], **columns)
    back = back.inner_join(deals, back["lead_id"] == deals["_deal"])
    whole = ibis.literal(True)
    for k in steps:
        trace = (back[f"_in_{k}"] < back["at"]).fill_null(False)
        if f"_by_{k}" in back.columns:
            trace = trace | back[f"_by_{k}"].notnull()
        whole = whole & (trace | (back["order"] <= k))
    lost_track = back["left"].isnull() | (back["left"] > len(funnel.stages))
    sort = ibis.cases(
        (lost_track, "unclear"), (back["order"] < back["left"], "earlier"),
        (whole, "legal"), else_="bare",
    )  # fmt: skip
    back = back.mutate(sort=sort)
    sorts = {name: back.count(where=back["sort"] == name) for name in ("legal", "earlier", "bare", "unclear")}
    counted = engine.frame(
        back.group_by("kind").aggregate(moves=back.count(), deals=back["lead_id"].nunique(), **sorts)
    )
    return counted.set_index("kind").reindex(["returned", "reopened"]).fillna(0).astype("int64")


def archive(moved: ibis.Table | None, funnel: Funnel, level: float = 0.95) -> pd.DataFrame | None:
    """From which stages deals go to the archive.

    Returns per open stage: order, deals (that were in it; the DENOMINATOR), archived (deals moved to lost
    straight from it), share, low, high. A stage with 0 of many is one from which nobody could, or would, archive.
    """
    if moved is None:
        return None
    to_lost = moved.filter((moved["kind"] == "lost") & (moved["before_outcome"] == "open"))
    lost = engine.frame(to_lost.group_by("before").aggregate(n=to_lost["lead_id"].nunique())).set_index(
        "before"
    )["n"]
    there = moved.filter(moved["outcome"] == "open")
    seen = engine.frame(there.group_by("order").aggregate(n=there["lead_id"].nunique())).set_index("order")[
        "n"
    ]
    table = pd.DataFrame({"order": range(1, len(funnel.stages) + 1)})
    table["deals"] = [int(seen.get(step, 0)) for step in table["order"]]
    table["archived"] = [int(lost.get(step, 0)) for step in table["order"]]
    return _with_interval(table, "archived", "deals", level)


def evidence(journeys: ibis.Table, funnel: Funnel, level: float = 0.95) -> pd.DataFrame:
    """Is the fact of a stage in the export once a deal has left it?

    Returns per open stage: order, fact (the dictionary names one), recorded (evidence_<k> is exported), passed
    (deals that passed the stage; the DENOMINATOR), filled, missing, share = filled / passed, low, high; counts
    are 0 where not recorded.
    """
    steps, cells = len(funnel.stages), {}
    for step in range(1, steps + 1):
        passed = journeys["furthest"] > step if step < steps else journeys["outcome"] == "won"
        there = (
            passed & journeys[f"evidence_{step}"].notnull()
            if f"evidence_{step}" in journeys.columns
            else None
        )
        cells[f"passed{step}"] = journeys.count(where=passed)
        if there is not None:
            cells[f"filled{step}"] = journeys.count(where=there)
    counted = engine.frame(journeys.aggregate(**cells)).iloc[0]
    table = pd.DataFrame({"order": range(1, steps + 1)})
    table["fact"] = [bool(stage.fact) for stage in funnel.stages]
    table["recorded"] = [f"filled{step}" in cells for step in table["order"]]
    table["passed"] = [
        int(counted[f"passed{step}"]) if f"filled{step}" in cells else 0 for step in table["order"]
    ]
    table["filled"] = [int(counted.get(f"filled{step}", 0)) for step in table["order"]]
    return _with_interval(table.assign(missing=table["passed"] - table["filled"]), "filled", "passed", level)
