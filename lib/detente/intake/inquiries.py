"""One row per inquiry: deals and separately exported leads joined, people told apart, tests and repeats
marked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from detente import engine
from detente.intake.columns import Extra
from detente.schema import TABLES

if TYPE_CHECKING:
    import ibis

_FROM_LEAD = ("channel", "campaign", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_BOTH = ("loss_reason", "manager", "segment", "person", "phone", "email", "phone_valid")
_OWN = ("_key", "_test", "_flags", "_late", "row", "file", "_order")


def joined(
    deals: ibis.Table, leads: ibis.Table | None, first_stage: str, extras: Sequence[Extra]
) -> ibis.Table:
    """Deals and leads as inquiries. A lead that became no deal stays, and so does a deal that has no lead.

    A deal takes the first lead that names it; an inquiry's time and marks are those of the lead. Adds
    `_table`.
    """
    import ibis

    names = [item.name for item in TABLES["deals"] if item.name not in ("title", "tags", "modified_at")]
    names = [*names, "phone_valid", *(extra.name for extra in extras), *_OWN]
    deals = deals.mutate(_late=ibis.literal(""))  # remarks that only the whole inquiry shows
    if leads is None:
        return deals.select(*names, _table=ibis.literal("deals"))
    leads = _linked(leads)
    matched = leads.filter(leads["_link"].notnull() & (leads["_rank"] == 0))
    other = matched.rename({f"lead_{name}": name for name in matched.columns})
    both = deals.left_join(other, deals["lead_id"] == other["lead__link"])
    picked = {name: both[name] for name in names}
    picked["created_at"] = ibis.coalesce(both["lead_created_at"], both["created_at"])
    for name in _FROM_LEAD:
        picked[name] = ibis.coalesce(both[f"lead_{name}"], both[name])
    for name in (*_BOTH, *(extra.name for extra in extras)):
        picked[name] = ibis.coalesce(both[name], both[f"lead_{name}"])
    picked["_test"] = both["_test"] | both["lead__test"].fill_null(False)
    with_deal = both.select(**picked, _table=ibis.literal("deals"))
    return with_deal.union(_without_deal(leads, deals, names, first_stage))


def _linked(leads: ibis.Table) -> ibis.Table:
    """Leads with the deal they name in `_link`, and their place among the leads that name the same deal."""
    import ibis

    own = leads["deal_id"] if not _empty(leads, "deal_id") else leads["lead_id"]
    leads = leads.mutate(_link=own)
    order = ibis.window(group_by=leads["_link"], order_by=[leads["created_at"], leads["_key"]])
    return leads.mutate(_rank=ibis.row_number().over(order))


def _empty(table: ibis.Table, column: str) -> bool:
    return int(engine.frame(table.aggregate(n=table[column].count()))["n"][0]) == 0


def _without_deal(leads: ibis.Table, deals: ibis.Table, names: Sequence[str], first_stage: str) -> ibis.Table:
    """The leads that no deal took, with the columns of inquiries."""
    import ibis

    known = deals.select(_deal="lead_id")
    alone = leads.left_join(known, leads["_link"] == known["_deal"])
    alone = alone.filter(alone["_deal"].isnull() | (alone["_rank"] > 0))
    unmatched = alone["_deal"].isnull() & alone["deal_id"].notnull()
    late = ibis.cases(
        (alone["_deal"].notnull(), "shared_deal:deal_id "), (unmatched, "unmatched_deal:deal_id "), else_=""
    )
    alone = alone.mutate(_late=late)
    schema = deals.schema()
    picked: dict[str, Any] = {
        name: alone[name] if name in alone.columns else ibis.null(schema[name]) for name in names
    }
    picked["stage"] = ibis.coalesce(alone["_known_stage"], ibis.literal(first_stage))
    return alone.select(**picked, _table=ibis.literal("leads"))


# --- the same inquiry again ---
def repeats(table: ibis.Table, days: int) -> ibis.Table:
    """Set `is_duplicate`: a later inquiry of the same person within `days` of an earlier one that counts.

    Tests and excluded deals neither are duplicates nor make any. Days are counted between the two moments.
    """
    import ibis

    none = table.mutate(is_duplicate=ibis.literal(False))
    if days == 0:
        return none
    picked = table.filter(table["person"].notnull() & ~table["_test"] & (table["outcome"] != "excluded"))
    order = ibis.window(group_by=picked["person"], order_by=[picked["created_at"], picked["_key"]])
    moment = picked["created_at"].epoch_seconds()
    picked = picked.select("person", "created_at", "_key", "lead_id", _gap=moment - moment.lag().over(order))
    near = picked.filter(picked["_gap"] <= days * 86400).select(_person="person").distinct()
    chains = picked.filter(picked["person"].isin(near["_person"]))
    rows_ = engine.connection().to_pyarrow(
        chains.order_by("person", "created_at", "_key").select("person", "created_at", "lead_id")
    )
    later = _later(rows_, days)
    if not later:
        return none
    small = ibis.memtable(pa.table({"_again": pa.array(later, pa.string())}))
    found = table.left_join(small, table["lead_id"] == small["_again"])
    return found.select(
        **{name: found[name] for name in table.columns}, is_duplicate=found["_again"].notnull()
    )


def _later(chains: pa.Table, days: int) -> list[str]:
    """The inquiries that follow a counted one of the same person within the time."""
    found, person, counted = [], None, dt.datetime.min
    columns = (chains[name].to_pylist() for name in ("person", "created_at", "lead_id"))
    for who, when, lead in zip(*columns, strict=True):
        if who == person and (when - counted).total_seconds() <= days * 86400:
            found.append(lead)
        else:
            person, counted = who, when
    return found
