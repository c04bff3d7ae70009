"""The canonical tables: what every export becomes, and how a lost row is accounted for.

Conventions: names in snake_case; ids are text and already pseudonymous; times are naive, in the business's own
zone; money is DECIMAL(18, 2), signed, with its currency beside it; an empty cell is NULL, never "".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import pandas as pd

Kind = Literal["id", "text", "time", "date", "money", "number", "count", "flag"]
Action = Literal["kept", "quarantined", "dropped"]

OUTCOMES = ("open", "won", "lost", "excluded")
VERDICTS = ("target", "non_target", "unknown")
# Why a row was not kept, or kept with a remark: each is worded in the catalogs as loss.<code>.
REASONS = (
    "advance_offset", "bad_bytes", "bad_date", "bad_money", "bad_number", "blank_row", "burst", "cancelled",
    "closed_before_created", "duplicate", "exact_duplicate", "excel_error", "field_count", "footer",
    "formula_without_value", "future_date", "hidden_rows", "hidden_sheet", "id_precision", "mass_import",
    "merged", "mixed_dates", "mojibake", "negative_amount", "negative_spend", "no_amount", "no_amount_on_won",
    "no_channel", "no_closed_deals", "no_date", "no_id", "no_stage", "not_paid", "one_manager",
    "one_spelling", "open_with_close_date", "orphan", "other_currency", "outlier_amount", "overpaid",
    "phone_lost_digits", "placeholder_amount", "product_row", "repeated_row", "round_row_count",
    "rounded_money", "same_id", "shared_deal", "short_row", "spam", "test_lead", "unexpanded_macro",
    "unmapped_cost", "unmapped_stage", "unmatched_cost",
    "unmatched_deal", "unmatched_invoice", "unmatched_payment", "unnamed_column", "years_from_1904",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One canonical column. `required`: without it the table cannot be used. `personal`: hashed or dropped."""

    name: str
    kind: Kind
    required: bool = False
    personal: bool = False


def _columns(spec: str) -> tuple[Column, ...]:
    """Parse 'name:kind' words; '!' marks a required column, '*' a personal one that becomes a keyed hash."""
    found = []
    for word in spec.split():
        name, kind = word.rstrip("!*").split(":")
        found.append(Column(name, kind, "!" in word, "*" in word))  # type: ignore[arg-type]
    return tuple(found)


TABLES: dict[str, tuple[Column, ...]] = {
    # One row per inquiry. A CRM that exports only deals gives leads = deals.
    "deals": _columns(
        "lead_id:id!* created_at:time! stage:text! pipeline:text status_group:text closed_at:time modified_at:time "
        "loss_reason:text amount:money currency:text channel:text campaign:text utm_source:text utm_medium:text "
        "utm_campaign:text utm_content:text utm_term:text manager:text segment:text product:text person:id* "
        "phone:id* email:id* title:text tags:text"
    ),
    # Only where a CRM exports leads apart from deals: `lead_id` here, `lead_key` in deals is not needed when the
    # deal carries the same id; otherwise `deal_id` names the deal that the lead became.
    "leads": _columns(
        "lead_id:id!* created_at:time! deal_id:id* stage:text loss_reason:text channel:text campaign:text "
        "utm_source:text utm_medium:text utm_campaign:text utm_content:text utm_term:text manager:text segment:text "
        "person:id* phone:id* email:id* title:text tags:text"
    ),
    "stages": _columns(
        "lead_id:id!* entered_at:time! stage:text! from_stage:text pipeline:text seq:count manager:text amount:money"
    ),
    "spend": _columns(
        "date_from:date! date_to:date channel:text campaign:text ad_group:text ad:text cost:money! currency:text "
        "impressions:count clicks:count conversions:number"
    ),
    "payments": _columns(
        "payment_id:id* paid_at:time! amount:money! currency:text kind:text lead_id:id* person:id* phone:id* email:id* "
        "product:text"
    ),
    "invoices": _columns(
        "invoice_id:id* issued_at:date! due_at:date amount:money! currency:text lead_id:id* person:id* phone:id* "
        "email:id* product:text status:text"
    ),
    # `kind` is told from the article by audit.yml: one of terms.EXPENSES, or "other".
    "costs": _columns(
        "period:date! article:text! amount:money! currency:text lead_id:id* product:text channel:text segment:text"
    ),
    "calls": _columns(
        "call_id:id* started_at:time! started_time:time duration_s:number direction:text status:text lead_id:id* "
        "person:id* phone:id* manager:text"
    ),
    "tasks": _columns(
        "task_id:id* lead_id:id!* due_at:time created_at:time completed_at:time manager:text title:text"
    ),
    "plan": _columns("period:date! metric:text! value:number! segment:text channel:text"),
}


class DataError(Exception):
    """The data broke the contract (exit code 3): what, in which file, column and row, and what to do."""

    def __init__(
        self, message: str, *, file: str = "", column: str = "", row: int | None = None, fix: str = ""
    ):
        place = ", ".join(
            part
            for part in (file, f"column «{column}»" if column else "", f"row {row}" if row else "")
            if part
        )
        super().__init__(": ".join(part for part in (place, message) if part) + (f" {fix}" if fix else ""))
        self.file, self.column, self.row, self.fix = file, column, row, fix


def fold(text: str) -> str:
    """One spelling for comparison: NFKC, no invisible marks, single spaces, casefold, ё as е, Latin look-alikes
    as Cyrillic in a word that has a Cyrillic letter.

    >>> fold("  Cтатус\u00a0сделки: ") == fold("статус сделки")
    True
    """
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad]", "", text)
    text = re.sub(r"\s+", " ", text).strip().rstrip(":*").rstrip().casefold().replace("ё", "е")
    return " ".join(_one_script(word) for word in text.split(" "))


_LOOKALIKES = str.maketrans("aceopxykmthb", "асеорхукмтнв")


def _one_script(word: str) -> str:
    return word.translate(_LOOKALIKES) if re.search("[а-я]", word) else word


@dataclass(frozen=True)
class Loss:
    """One reason for which rows of one file were not kept, or were kept with a remark.

    action : "dropped" or "quarantined" (the row is in no table), "flagged" or "fixed" (it is).
    reason : a stable code of REASONS, worded in the catalogs as loss.<reason>. Raises ValueError for another.
    amount : money of those rows, None where the source has no money column.
    places : the first few row numbers of the source file; never a value.
    """

    source: str
    file: str
    action: Literal["dropped", "quarantined", "flagged", "fixed"]
    reason: str
    rows: int
    amount: Decimal | None = None
    column: str = ""
    places: tuple[int, ...] = ()

    def __post_init__(self):
        if self.reason not in REASONS:
            raise ValueError(f"no such reason for a loss: {self.reason}")


@dataclass(frozen=True)
class SourceCount:
    """Rows and money of one file: read = kept + quarantined + dropped, for both."""

    source: str
    file: str
    sha256: str
    read: int
    kept: int
    quarantined: int
    dropped: int
    amount_read: Decimal | None = None
    amount_kept: Decimal | None = None
    amount_quarantined: Decimal | None = None
    amount_dropped: Decimal | None = None
    first: str = ""
    last: str = ""
    profile: str = ""
    mapping: dict[str, str] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()

    @property
    def conserved(self) -> bool:
        """Whether no row and no money went missing."""
        rows = self.read == self.kept + self.quarantined + self.dropped
        if self.amount_read is None:
            return rows
        zero = Decimal(0)
        parts = (self.amount_kept or zero) + (self.amount_quarantined or zero) + (self.amount_dropped or zero)
        return rows and self.amount_read == parts


@dataclass(frozen=True)
class LossLog:
    """What happened to every row that was read."""

    sources: tuple[SourceCount, ...]
    losses: tuple[Loss, ...]

    def frame(self) -> pd.DataFrame:
        """One row per source file: source, file, read, kept, quarantined, dropped, and the money columns."""
        return pd.DataFrame([vars(item) for item in self.sources])

    def reasons(self) -> pd.DataFrame:
        """One row per reason: source, file, action, reason, rows, amount, column, places."""
        names = ["source", "file", "action", "reason", "rows", "amount", "column", "places"]
        return pd.DataFrame([vars(item) for item in self.losses], columns=names)
