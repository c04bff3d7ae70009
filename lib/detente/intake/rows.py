"""Rows that stand twice: exact repeats, the same id again, one row per product. Each gets its fate; none
vanishes.

All functions take a table with `row, _order, _hash, _fate, _flags` and give it back with fates and flags
added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from detente import engine
from detente.intake.columns import Export
from detente.schema import DataError

if TYPE_CHECKING:
    import ibis

ProductRule = Literal["sum", "repeat"]


def fated(table: ibis.Table, condition, fate: str) -> ibis.Table:
    """Give a fate to the rows of a condition that have none yet."""
    import ibis

    new = ibis.ifelse(condition.fill_null(False), ibis.literal(fate), ibis.null("string"))
    return table.mutate(_fate=ibis.coalesce(table["_fate"], new))


def flagged(table: ibis.Table, condition, code: str) -> ibis.Table:
    """Add a code to the flags of the rows of a condition."""
    import ibis

    new = ibis.ifelse(condition.fill_null(False), ibis.literal(f"{code} "), ibis.literal(""))
    return table.mutate(_flags=table["_flags"] + new)


def _live(table: ibis.Table, key: str):
    return table["_fate"].isnull() & table[key].notnull()


def repeated(table: ibis.Table, key: str) -> bool:
    """Whether any id of the rows that are still kept stands more than once."""
    live = _live(table, key)
    found = engine.frame(table.aggregate(rows=table.count(where=live), ids=table[key].nunique(where=live)))
    return int(found["rows"][0]) != int(found["ids"][0])


def exact(
    table: ibis.Table, keys: Sequence[str], fate: str | None = "dropped exact_duplicate", only=None
) -> ibis.Table:
    """Rows equal in every column of their file: one stays, of the last file; the others get the fate.

    With `fate` None they are only flagged as repeated_row: where rows have no id, a repeat may be real.
    """
    import ibis

    live = table["_fate"].isnull() & (only if only is not None else ibis.literal(True))
    window = ibis.window(
        group_by=[*(table[key] for key in keys), table["_hash"], live],
        order_by=[table["_order"].desc(), table["row"]],
    )
    table = table.mutate(_copy=ibis.row_number().over(window), _live=live)
    again = table["_live"] & (table["_copy"] > 0)
    table = fated(table, again, fate) if fate else flagged(table, again, "repeated_row")
    return table.drop("_copy", "_live")


def same_id(table: ibis.Table, key: str, modified: str | None = None) -> ibis.Table:
    """Rows of one id that differ: the one modified last stays, else the last row of the last file."""
    import ibis

    live = _live(table, key)
    newest = [table["_order"].desc(), table["row"].desc()]
    if modified:
        newest.insert(0, table[modified].fill_null(ibis.timestamp("1900-01-01")).desc())
    place = ibis.row_number().over(ibis.window(group_by=[table[key], live], order_by=newest))
    table = table.mutate(_place=place, _live=live)
    return fated(table, table["_live"] & (table["_place"] > 0), "dropped same_id").drop("_place", "_live")


# --- one row per product ---
def product_rule(table: ibis.Table, exports: Sequence[Export]) -> ProductRule | None:
    """How rows of one deal that differ only in product and amount are read; None: they do not stand like
    that.

    Stated in audit.yml, else known of the system, else plain from the data: amounts that differ are those
    of the lines. Raises DataError where both readings are possible.
    """
    first = exports[0]
    if first.source.product_rows:
        return first.source.product_rows
    known = {export.raw.profile.row_rule for export in exports if export.raw.profile}
    if rules := known & {"product_rows_sum", "product_rows_repeat"}:
        return "sum" if "product_rows_sum" in rules else "repeat"
    if "one_per_deal" in known:
        return None
    groups = engine.frame(_line_groups(table))
    if groups.empty:
        return None
    differ = int(((groups["amounts"] > 1) & (groups["products"] > 1)).sum())
    constant = int(((groups["amounts"] <= 1) & (groups["products"] > 1)).sum())
    if differ and differ + constant == len(groups):
        return "sum"
    if constant >= 5 and not differ and constant == len(groups):
        return "repeat"
    raise DataError(
        f"{len(groups)} deals stand on several rows that differ only in product or amount.",
        file=first.raw.file,
        column=first.name_of("lead_id"),
        row=int(groups["row"].min()),
        fix="Write in audit.yml: sources.deals.product_rows: sum (each row has the amount of its line) or "
        "repeat (each row repeats the amount of the deal).",
    )


def _rest(table: ibis.Table):
    """One number for everything about a deal but its product and amount."""
    import ibis

    names = [
        "created_at",
        "stage",
        "pipeline",
        "closed_at",
        "modified_at",
        "loss_reason",
        "channel",
        "manager",
        "person",
    ]
    cells = [table[name].cast("string").fill_null("\x1e") for name in names]
    return ibis.literal("\x1f").join(cells).hash()


def _line_groups(table: ibis.Table) -> ibis.Table:
    live = table.filter(_live(table, "lead_id")).mutate(_rest=_rest(table))
    unique = live.distinct(on=["lead_id", "_hash"])
    amount = unique["amount"].cast("string").fill_null("")
    groups = unique.group_by("lead_id").aggregate(
        lines=unique.count(),
        rests=unique["_rest"].nunique(),
        amounts=amount.nunique(),
        products=unique["product"].fill_null("").nunique(),
        row=unique["row"].min(),
    )
    return groups.filter(
        (groups.lines > 1) & (groups.rests == 1) & ((groups.amounts > 1) | (groups.products > 1))
    )


def product_lines(table: ibis.Table, rule: ProductRule) -> ibis.Table:
    """One row per deal: `sum` adds up the lines of the last file that has the deal, `repeat` takes the
    amount once.

    The lines that were added up are dropped with money 0: their money is in the row that stays.
    """
    import ibis

    live = _live(table, "lead_id")
    by_deal = ibis.window(group_by=[table["lead_id"], live])
    table = table.mutate(_live=live, _last=table["_order"].max().over(by_deal), _rest=_rest(table))
    alike = ibis.window(group_by=[table["lead_id"], table["_live"]])
    table = table.mutate(_rests=table["_rest"].nunique().over(alike))
    table = fated(
        table,
        table["_live"] & (table["_order"] != table["_last"]) & (table["_rests"] == 1),
        "dropped same_id",
    )
    lines = table["_live"] & (table["_rests"] == 1) & (table["_order"] == table["_last"])
    group = ibis.window(group_by=[table["lead_id"], lines])
    ordered = ibis.window(group_by=[table["lead_id"], lines], order_by=[table["row"]])
    table = table.mutate(
        _lines=lines,
        _line=ibis.row_number().over(ordered),
        _total=table["amount"].sum().over(group).cast("decimal(18, 2)"),
        _moved=table["_money"].sum().over(group).cast("decimal(18, 2)"),
    )
    first, other = table["_lines"] & (table["_line"] == 0), table["_lines"] & (table["_line"] > 0)
    if rule == "sum":
        zero = ibis.literal(0).cast("decimal(18, 2)")
        table = table.mutate(
            amount=ibis.ifelse(first, table["_total"], table["amount"]),
            _money=ibis.cases((first, table["_moved"]), (other, zero), else_=table["_money"]),
        )
    table = fated(table, table["_lines"] & (table["_line"] > 0), "dropped product_row")
    return table.drop("_live", "_last", "_rest", "_rests", "_lines", "_line", "_total", "_moved")


# --- spend: a total beside its parts ---
def granularity(table: ibis.Table, exports: Sequence[Export]) -> None:
    """Raise DataError where a file holds totals beside their parts: they must never be summed together.

    A total is a row without campaign (group, ad) whose cost is that of the other rows of its channel and
    time within 0.5 %, or a row of several days that costs what the single days inside it cost.
    """
    live = table.filter(table["_fate"].isnull() & (table["cost"] > 0))
    names = {name for export in exports for name in export.mapping.columns}
    for level in [name for name in ("campaign", "ad_group", "ad") if name in names]:
        totals = engine.frame(_level_totals(live, level))
        both, match = len(totals), totals[totals["is_total"]]
        if len(match) and len(match) * 2 >= both:
            _refuse(match["row"].tolist(), exports, level)
    spans = engine.frame(_span_totals(live)) if "date_to" in names else ()
    if len(spans):
        _refuse(spans["row"].tolist(), exports, "date_to")


def _level_totals(live: ibis.Table, level: str) -> ibis.Table:
    """Groups of equal file, channel and time (and higher levels) with rows with and without the level."""
    import ibis

    above = {"campaign": [], "ad_group": ["campaign"], "ad": ["campaign", "ad_group"]}[level]
    keys = ["_order", "channel", "date_from", "date_to", *above]
    empty = live[level].isnull()
    money = live["cost"].cast("float64")
    groups = live.group_by(*keys).aggregate(
        row=live["row"].min(where=empty),
        totals=live.count(where=empty),
        parts=live.count(where=~empty),
        total=money.sum(where=empty),
        sum=money.sum(where=~empty),
    )
    both = groups.filter((groups.totals == 1) & (groups.parts >= 2))
    return both.select("row", is_total=(both.total - both["sum"]).abs() <= both["sum"] * ibis.literal(0.005))


def _span_totals(live: ibis.Table) -> ibis.Table:
    """Rows of several days that cost what the single days inside them cost."""
    spans = live.filter(live["date_to"] > live["date_from"]).select(
        span_order="_order", row="row", channel_="channel", start="date_from", end="date_to",
        total=live["cost"].cast("float64"),
    )  # fmt: skip
    days = live.filter(live["date_to"] == live["date_from"])
    days = days.group_by("_order", "channel", "date_from").aggregate(cost=days["cost"].cast("float64").sum())
    joined = spans.inner_join(
        days,
        [
            spans.span_order == days["_order"],
            spans.channel_.fill_null("") == days.channel.fill_null(""),
            days.date_from >= spans.start,
            days.date_from <= spans.end,
        ],
    )
    found = joined.group_by("row", "total").aggregate(parts=joined.count(), sum=joined.cost.sum())
    return found.filter((found.parts >= 2) & ((found.total - found["sum"]).abs() <= found["sum"] * 0.005))


def _refuse(rows: list[int], exports: Sequence[Export], level: str) -> None:
    shown = ", ".join(str(int(row)) for row in sorted(rows)[:10])
    more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
    raise DataError(
        f"totals stand beside their parts (rows {shown}{more}): the cost would be counted twice.",
        file=exports[0].raw.file,
        column=exports[0].name_of(level),
        fix="Export one level only, or delete the rows with totals.",
    )
