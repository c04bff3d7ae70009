"""The tables beside deals and leads: stage history, spend, money, calls, tasks, plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from detente import engine
from detente.audit import Audit
from detente.intake import clean, people, rows, spelling
from detente.intake.clean import Bench
from detente.intake.columns import MONEY, Export
from detente.intake.values import Change
from detente.schema import DataError, fold

if TYPE_CHECKING:
    import ibis

REFUNDS = ("возврат", "refund", "chargeback", "чарджбэк", "reversal", "сторно", "отмена оплаты")
UNPAID = ("failed", "failure", "canceled", "cancelled", "declined", "pending", "отменен", "отменена",
          "отклонен", "отклонена", "не оплачен", "не оплачено", "ожидает оплаты", "ошибка")  # fmt: skip
VOID = "^(отмен|аннулир|удал|сторно|черновик|cancel|void|draft)"  # an invoice that nobody has to pay
OFFSETS = ("зачет аванса", "advance offset", "advance_offset")


def stages(bench: Bench, exports: Sequence[Export], typed: ibis.Table, known: ibis.Table) -> ibis.Table:
    """One row per stage entry; rows of unknown deals are quarantined as orphans. `known` has the column
    lead_id.
    """
    table = clean.no_id(clean.texts(bench, exports, typed), "lead_id")
    table = rows.fated(table, table["stage"].isnull(), "quarantined no_stage stage")
    table = bench.settled(clean.not_future(bench, table, "entered_at"), "stages")
    if _any_repeat(table):
        table = bench.settled(rows.exact(table, ["lead_id"]), "stages-exact")
    table = clean.hashed(bench, exports, table, {"lead_id": "deal"})
    table = rows.fated(table, ~table["lead_id"].isin(known["lead_id"]), "quarantined orphan lead_id")
    marked = bench.settled(_unmapped(bench, table), "stages")
    clean.known_stages(bench, exports, marked.filter(marked["_fate"].isnull()), "stage")
    return clean.closed(bench, exports, typed, marked)


def _any_repeat(table: ibis.Table) -> bool:
    found = engine.frame(table.aggregate(rows=table.count(), different=table["_hash"].nunique()))
    return int(found["rows"][0]) != int(found["different"][0])


def _unmapped(bench: Bench, table: ibis.Table) -> ibis.Table:
    names = sorted({place.name for place in bench.places.values()})
    return rows.flagged(table, table["stage"].notnull() & ~table["stage"].isin(names), "unmapped_stage:stage")


def spend(bench: Bench, exports: Sequence[Export], typed: ibis.Table) -> ibis.Table:
    """One row per cost. Repeats without cost are dropped; repeats with cost stay and are flagged: they may
    be real.
    """
    import ibis

    table = clean.texts(bench, exports, typed)
    if name := exports[0].source.channel:
        channel = bench.spelling.change("channel", Change(name)).text
        table = table.mutate(channel=ibis.literal(channel))
    else:
        table = rows.flagged(table, table["channel"].isnull(), "no_channel:channel")
    table = table.mutate(date_to=ibis.coalesce(table["date_to"], table["date_from"]))
    table = clean.other_currency(bench, table, "cost")
    table = clean.not_future(bench, table, "date_from", bench.audit.as_of or dt.date.today())
    table = rows.flagged(table, table["cost"] < 0, "negative_spend:cost")
    table = bench.settled(table, "spend")
    if _any_repeat(table):
        table = bench.settled(rows.exact(table, [], only=table["cost"] == 0), "spend-zero")
        table = bench.settled(rows.exact(table, [], fate=None), "spend-exact")
    rows.granularity(table, exports)
    table = _with_vat(table, "cost", bench.audit, exports[0])
    if exports[0].source.unit is None:
        _not_micros(table, exports[0])
    return clean.closed(bench, exports, typed, table)


def _not_micros(table: ibis.Table, export: Export) -> None:
    """Raise DataError where costs look like millionths: a click above 10 000, or nothing but round ten thousands."""
    paid = table.filter(table["_fate"].isnull() & (table["cost"] > 0))
    cost = paid["cost"].cast("float64")
    per_click = cost / paid["clicks"].cast("float64").nullif(0)
    found = engine.frame(
        paid.aggregate(
            rows=paid.count(),
            odd=paid.count(where=(cost / 10_000).floor() * 10_000 != cost),
            clicked=per_click.count(),
            dear=paid.count(where=per_click > 10_000),
        )
    ).iloc[0]
    round_ = found["rows"] >= 20 and found["odd"] == 0
    if round_ or (found["clicked"] >= 5 and found["dear"] * 2 > found["clicked"]):
        raise DataError(
            "the costs look like millionths of the currency (micros).",
            file=export.raw.file,
            column=export.name_of("cost"),
            fix="Write in audit.yml: sources.spend.unit: micros (or units, where they are right as they are).",
        )


def payments(
    bench: Bench, exports: Sequence[Export], typed: ibis.Table, known: ibis.Table, contacts: tuple
) -> ibis.Table:
    """One row per payment; a refund is negative, whether it came as a sign, a kind or a status.

    A payment without a deal or person that is known stays, flagged: the money is real. `known`: the
    inquiries.
    """
    table = clean.without_lost_phones(bench, exports, clean.texts(bench, exports, typed))
    table = clean.other_currency(bench, table, "amount")
    table = clean.not_future(bench, table, "paid_at")
    kind = table["kind"].lower().replace("ё", "е")
    table = rows.fated(table, kind.isin(UNPAID), "quarantined not_paid kind")
    table = rows.fated(table, kind.isin(OFFSETS), "dropped advance_offset kind")
    if any(export.headings_of("payment_id") for export in exports):
        table = bench.settled(
            rows.exact(table, ["payment_id"], only=table["payment_id"].notnull()), "payments-id"
        )
    table = bench.settled(rows.exact(table, [], fate=None), "payments-exact")
    kinds = {
        "payment_id": "payment",
        "lead_id": "deal",
        "person": "person",
        "phone": "phone",
        "email": "email",
    }
    table = bench.settled(
        people.with_person(clean.hashed(bench, exports, table, kinds), contacts), "payments"
    )
    persons = known.filter(known["person"].notnull())
    matched = table["lead_id"].isin(known["lead_id"]).fill_null(False) | table["person"].isin(
        persons["person"]
    ).fill_null(False)
    table = rows.flagged(table, ~matched, "unmatched_payment")
    if any(export.headings_of("lead_id") for export in exports):
        table = _overpaid(table, known)
    marked = bench.settled(_with_vat(table, "amount", bench.audit, exports[0]), "payments")
    return clean.closed(bench, exports, typed, marked)


def _with_vat(table: ibis.Table, column: str, audit: Audit, export: Export) -> ibis.Table:
    """Add `vat`: the VAT inside each amount, 0 unless audit.yml states a rate and that this source includes it."""
    import ibis

    rate = audit.economics.vat
    if rate is None or export.source.vat != "included":
        return table.mutate(vat=ibis.literal(0).cast("decimal(18, 2)"))
    net = (table[column].cast("float64") / ibis.literal(1 + rate)).round(2).cast("decimal(18, 2)")
    return table.mutate(vat=(table[column] - net).cast("decimal(18, 2)"))


def _overpaid(table: ibis.Table, known: ibis.Table) -> ibis.Table:
    """Flag the payments of deals that were paid more than 110 % of their amount, refunds taken off."""
    paid = table.filter(table["_fate"].isnull() & table["lead_id"].notnull())
    paid = paid.group_by(deal=paid["lead_id"]).aggregate(paid=paid["amount"].sum())
    agreed = known.filter(known["amount"] > 0).select("lead_id", agreed="amount")
    both = paid.inner_join(agreed, paid["deal"] == agreed["lead_id"])
    over = both.filter(both["paid"] * 100 > both["agreed"] * 110)
    return rows.flagged(table, table["lead_id"].isin(over["deal"]), "overpaid:amount")


def refunds_negative(typed: ibis.Table) -> ibis.Table:
    """Amounts of refunds made negative once, in the money that is read, before any row is left out."""
    import ibis

    kind = typed["kind"].lower().replace("ё", "е")
    refund = reduce(lambda one, other: one | other, (kind.contains(word) for word in REFUNDS)).fill_null(
        False
    )
    turned = {
        name: ibis.ifelse(refund, -typed[name].abs(), typed[name]).cast("decimal(18, 2)")
        for name in (MONEY["payments"], "_money")
    }
    return typed.mutate(**turned)


def invoices(
    bench: Bench, exports: Sequence[Export], typed: ibis.Table, known: ibis.Table, contacts: tuple
) -> ibis.Table:
    """One row per invoice; a cancelled one is set aside, one whose deal nobody knows stays, flagged.

    `known`: the inquiries.
    """
    table = clean.without_lost_phones(bench, exports, clean.texts(bench, exports, typed))
    table = clean.other_currency(bench, table, "amount")
    table = clean.not_future(bench, table, "issued_at")
    status = table["status"].lower().replace("ё", "е")
    table = rows.fated(table, status.re_search(VOID), "quarantined cancelled status")
    table = bench.settled(table, "invoices")
    if any(export.headings_of("invoice_id") for export in exports):
        table = rows.exact(table, ["invoice_id"], only=table["invoice_id"].notnull())
        table = bench.settled(table, "invoices-id")
    kinds = {
        "invoice_id": "invoice",
        "lead_id": "deal",
        "person": "person",
        "phone": "phone",
        "email": "email",
    }
    table = people.with_person(clean.hashed(bench, exports, table, kinds), contacts)
    table = rows.flagged(
        table, ~table["lead_id"].isin(known["lead_id"]).fill_null(False), "unmatched_invoice"
    )
    return clean.closed(bench, exports, typed, bench.settled(table, "invoices"))


def costs(bench: Bench, exports: Sequence[Export], typed: ibis.Table, known: ibis.Table) -> ibis.Table:
    """One row per cost, with `kind` by audit.yml; an article that it does not name is "other", and flagged."""
    table = clean.texts(bench, exports, typed)
    table = clean.other_currency(bench, table, "amount")
    table = clean.not_future(bench, table, "period")
    table = bench.settled(clean.hashed(bench, exports, table, {"lead_id": "deal"}), "costs")
    stated = {fold(name): kind for kind, names in bench.audit.costs for name in names}
    articles = people.distinct(table, "article")
    kinds = people.small_table({"_article": articles, "_kind": [stated.get(fold(one)) for one in articles]})
    found = table.left_join(kinds, table["article"] == kinds["_article"]).drop("_article")
    found = rows.flagged(found, found["_kind"].isnull(), "unmapped_cost:article")
    found = found.mutate(kind=found["_kind"].fill_null("other")).drop("_kind")
    stray = found["lead_id"].notnull() & ~found["lead_id"].isin(known["lead_id"]).fill_null(False)
    found = rows.flagged(found, stray, "unmatched_cost:lead_id")
    found = _with_vat(found, "amount", bench.audit, exports[0])
    return clean.closed(bench, exports, typed, bench.settled(found, "costs"))


def calls(bench: Bench, exports: Sequence[Export], typed: ibis.Table, contacts: tuple) -> ibis.Table:
    """One row per call. Where date and clock time stand in two columns, they become one time."""
    import ibis

    table = clean.without_lost_phones(bench, exports, clean.texts(bench, exports, typed))
    day = table["started_at"].truncate("D")
    both = ibis.ifelse(
        table["started_time"].notnull(), day + table["started_time"].as_interval("s"), table["started_at"]
    )
    table = table.mutate(started_at=both).drop("started_time")
    table = bench.settled(clean.not_future(bench, table, "started_at"), "calls")
    if _any_repeat(table):
        table = bench.settled(rows.exact(table, []), "calls-exact")
    kinds = {"call_id": "call", "lead_id": "deal", "person": "person", "phone": "phone"}
    marked = people.with_person(clean.hashed(bench, exports, table, kinds), contacts)
    return clean.closed(bench, exports, typed, bench.settled(marked, "calls"))


def tasks(bench: Bench, exports: Sequence[Export], typed: ibis.Table) -> ibis.Table:
    """One row per task; its title keeps only words that cannot be a name or a number."""
    table = clean.no_id(clean.texts(bench, exports, typed), "lead_id")
    raw = people.distinct(table, "title")
    safe = dict(zip(raw, people.wording(raw), strict=True))
    table = spelling.changed(table, {"title": {one: Change(text) for one, text in safe.items()}})
    table = bench.settled(table, "tasks")
    if _any_repeat(table):
        table = bench.settled(rows.exact(table, ["lead_id"]), "tasks-exact")
    marked = clean.hashed(bench, exports, table, {"task_id": "task", "lead_id": "deal"})
    return clean.closed(bench, exports, typed, bench.settled(marked, "tasks"))


def plan(bench: Bench, exports: Sequence[Export], typed: ibis.Table) -> ibis.Table:
    """One row per planned number."""
    table = bench.settled(clean.texts(bench, exports, typed), "plan")
    if _any_repeat(table):
        table = bench.settled(rows.exact(table, []), "plan-exact")
    return clean.closed(bench, exports, typed, table)
