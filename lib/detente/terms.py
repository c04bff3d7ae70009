"""The terms of an audit: what counts as much, what alarms, and what the company says of its own money."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from detente.stated import Part, Text, Texts, once

Share = Annotated[float, Field(ge=0, le=1)]
EXPENSES = ("goods", "delivery", "service", "marketing", "sales", "overhead", "advertising")


class Thresholds(Part):
    """What counts as much. Each is stated in the report that uses it."""

    level: float = Field(0.95, gt=0.5, lt=1)
    min_group: int = Field(30, ge=5)  # smaller groups are shown but never named
    material: float = Field(0.05, ge=0, le=1)  # a difference of shares below this is not called one
    ripe_days: int = Field(30, ge=0)  # younger leads are told apart
    later_purchase_days: int = Field(60, ge=1)  # a rejected lead that paid within this time was no non-target
    talk_seconds: int = Field(60, ge=1)  # a shorter call is no conversation
    duplicate_days: int = Field(30, ge=0)  # the same person again within this time is the same inquiry
    stale_days: int = Field(14, ge=1)  # older data: the headline gives way to a warning
    reasons_filled: float = Field(
        0.5, ge=0, le=1
    )  # fewer losses with a reason than this: that is the finding
    other_share: float = Field(0.2, ge=0, le=1)  # more empty and empty-worded reasons: shares become bounds
    overuse: float = Field(1.5, ge=1)  # a reason written so many times as often as by colleagues stands out
    fix_share: float = Field(0.5, gt=0, le=1)  # the part of the losses for one reason that a fix would reach
    rescued: float = Field(0.75, gt=0, le=1)  # rescued deals go on so much more seldom than those that passed
    attempts: int = Field(3, ge=1)  # fewer calls than this do not prove that nobody answers
    month_end_days: int = Field(3, ge=1, le=10)  # the last days of a month, in which moves are counted apart
    cheaper: float = Field(
        0.1, gt=0, lt=1
    )  # leads are called cheaper, or dearer, from this part of their cost on
    trick_p: float = Field(0.1, gt=0, lt=1)  # how unlikely a dearer client must be by chance (one-sided)
    few_wins: int = Field(5, ge=1)  # fewer wins in a window say nothing about the cost of a client
    focus_match: float = Field(0.15, ge=0, le=1)  # departments apart by less work for the same segments
    focus_torn: float = Field(0.35, ge=0, le=1)  # apart by more, they do not
    mostly_returning: float = Field(
        0.5, ge=0, le=1
    )  # a channel above this brings back clients, it wins no new ones
    ripe_share: float = Field(
        0.5, gt=0, le=1
    )  # revenue with less of its final amount in hand is not extrapolated
    cohort_clients: int = Field(30, ge=5)  # fewer clients watched through an age say nothing about it
    budget_steps: int = Field(8, ge=4)  # fewer changes of the budget do not tell what the next rouble brings
    model_clients: int = Field(300, ge=30)  # fewer clients do not carry a model of repeat purchases
    repeat_share: float = Field(0.1, gt=0, le=1)  # nor does a smaller share of clients who bought again


class Alerts(Part):
    """Limits that end a run with code 4 under --fail-on-alert, each against the interval's near end."""

    non_target_share: float | None = Field(None, ge=0, le=1)
    unknown_share: float | None = Field(None, ge=0, le=1)
    lost_rows_share: float | None = Field(None, ge=0, le=1)


class Expenses(Part):
    """Articles of the costs export, as accounting names them, by what they are. Any other article is "other"."""

    goods: Texts = []  # materials, production, what is bought to be sold
    delivery: Texts = []
    service: Texts = []  # installing, support, repairs under guarantee
    marketing: Texts = []  # people, agencies and tools of marketing
    sales: Texts = []
    overhead: Texts = []
    advertising: Texts = []  # what the advertising exports already hold: never added to them

    @model_validator(mode="after")
    def _articles_in_one_kind(self) -> Expenses:
        once(((name, f"«{kind}»") for kind in EXPENSES for name in getattr(self, kind)), "article")
        return self


class Claimed(Part):
    """What the company itself says of its money, to be held against the exports."""

    romi: float | None = Field(None, gt=-1)  # 1.2 is 120 %
    ltv: float | None = Field(None, gt=0)
    cac: float | None = Field(None, gt=0)


class Economics(Part):
    """What no export holds. Shares are of revenue after returns and without VAT."""

    model: Literal["one_off", "repeat", "subscription"] = "repeat"  # how a client buys
    margin: Share | None = None  # what is left after the cost of goods, where no costs are tied to deals
    margins: dict[str, Share] = {}  # the same by segment
    delivery: Share | None = None  # delivery and service
    vat: float | None = Field(
        None, gt=0, lt=1
    )  # rate of VAT, taken off where a source says that it is included
    incremental: Share | None = None  # the part of the revenue that advertising brought: a test has shown it
    incremental_from: Text | None = None  # which test
    horizon_months: int = Field(12, ge=1, le=120)  # how far ahead the value of a client is looked at
    discount: float = Field(0.0, ge=0, lt=5)  # by the year
    staff: dict[
        str, Annotated[float, Field(ge=0)]
    ] = {}  # salaries, agencies, tools of marketing, by the month
    claimed: Claimed = Claimed()

    @model_validator(mode="after")
    def _incrementality_rests_on_something(self) -> Economics:
        if self.incremental is not None and not self.incremental_from:
            raise ValueError(
                "incremental needs incremental_from: which test with a control group or a switch-off has shown it"
            )
        return self


class Experiment(Part):
    """A new direction that is declared as a trial: told apart from the base business."""

    name: str = Field(min_length=1)
    channels: Texts = []
    campaigns: Texts = []
    segments: Texts = []

    @model_validator(mode="after")
    def _says_what(self) -> Experiment:
        if not (self.channels or self.campaigns or self.segments):
            raise ValueError("state at least one of channels, campaigns, segments")
        return self
