"""Market: a recurring auction. Window: one auction of it. Lot: a block's unsold capacity as offered in one window."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from inventory.models import Block
from marketplace.audit import audited
from marketplace.hours import n_hours
from marketplace.states import Transitions


def new_pseudonym_key() -> str:
    """Draw the secret that names organizations and bids in one window's book."""
    return secrets.token_hex(32)


@audited()
class Market(models.Model):
    """A recurring auction: every ``cadence`` a window, for delivery ``lead_from`` to ``lead_to`` after it closes."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"

    TRANSITIONS: Transitions = {
        Status.ACTIVE: frozenset({Status.PAUSED}),
        Status.PAUSED: frozenset({Status.ACTIVE}),
    }

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Order on the board; the nearest delivery first."
    )
    cadence = models.DurationField(help_text="From one window's opening to the next one's.")
    lead_from = models.DurationField(help_text="From closing to the earliest delivery hour.")
    lead_to = models.DurationField(help_text="From closing to the end of the last delivery hour.")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)

    class Meta:
        constraints = [
            models.CheckConstraint(name="market_leads_in_order", condition=Q(lead_to__gt=F("lead_from"))),
        ]

    def __str__(self) -> str:
        return self.name


@audited(exclude=["board_revision", "pseudonym_key"])
class Window(models.Model):
    """One auction: opens, freezes, closes, clears. Everything in it clears together.

    The clock decides before the row does: a bid that reads ``clock_timestamp() >= closes_at`` is refused even while
    ``status`` still says FROZEN. ``held_reason`` is set when a clearing failed and the window waits for a person.
    Surplus and revenue are ticks.
    """

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        OPEN = "open", "Open"
        FROZEN = "frozen", "Frozen"
        CLOSED = "closed", "Closed"
        CLEARED = "cleared", "Cleared"
        CANCELLED = "cancelled", "Cancelled"

    TRANSITIONS: Transitions = {
        Status.SCHEDULED: frozenset({Status.OPEN, Status.CANCELLED}),
        Status.OPEN: frozenset({Status.FROZEN, Status.CANCELLED}),
        Status.FROZEN: frozenset({Status.CLOSED, Status.CANCELLED}),
        Status.CLOSED: frozenset({Status.CLEARED, Status.CANCELLED}),
        Status.CLEARED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
    UNCLEARED = (Status.SCHEDULED, Status.OPEN, Status.FROZEN, Status.CLOSED)

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="windows")
    opens_at = models.DateTimeField()
    freezes_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    delivery_from = models.DateTimeField()
    delivery_to = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.SCHEDULED)
    board_revision = models.BigIntegerField(default=0, help_text="Grows whenever lots join.")
    closed_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_reason = models.CharField(max_length=200, blank=True)
    held_reason = models.CharField(max_length=500, blank=True)
    pseudonym_key = models.CharField(max_length=64, default=new_pseudonym_key, editable=False)
    bids_root = models.CharField(
        max_length=64, blank=True, help_text="Merkle root over the bids' receipts, published at close."
    )
    book_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the book, published at close.")
    seal = models.CharField(
        max_length=64, blank=True, help_text="One hash over root and book, published at close."
    )
    lots_per_filter = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="To how many lots each filter was cut at close, where all would have been too many to clear.",
    )
    engine_version = models.CharField(max_length=20, blank=True)
    clearing_status = models.CharField(max_length=10, blank=True, help_text="optimal, or bounded with a gap")
    clearing_gap = models.FloatField(
        null=True, blank=True, help_text="Proven relative distance to the best surplus, where bounded."
    )
    surplus_ticks = models.BigIntegerField(null=True, blank=True)
    revenue_ticks = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "opens_at"], name="window_once_per_market_and_opening"),
            models.CheckConstraint(
                name="window_phases_in_order",
                condition=Q(freezes_at__gt=F("opens_at"), closes_at__gt=F("freezes_at")),
            ),
            models.CheckConstraint(
                name="window_delivery_after_close",
                condition=Q(delivery_from__gte=F("closes_at"), delivery_to__gt=F("delivery_from")),
            ),
            models.CheckConstraint(
                name="window_cleared_with_its_figures",
                condition=~Q(status="cleared")
                | Q(cleared_at__isnull=False, surplus_ticks__isnull=False, revenue_ticks__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["closes_at", "id"],
                condition=Q(status__in=["scheduled", "open", "frozen", "closed"]),
                name="window_uncleared_by_close",
            ),
            models.Index(fields=["market", "-closes_at"], name="window_by_market_and_close"),
        ]

    def __str__(self) -> str:
        return f"{self.market} {self.opens_at:%Y-%m-%d %H:%M} UTC"

    @property
    def can_be_retried(self) -> bool:
        """Whether a held clearing can be tried again: not of a window that was not sealed at close.

        Nothing would tell its book from one that was changed since; only cancelling it is left.
        """
        return bool(self.held_reason and self.book_sha256)

    def phase_at(self, now: datetime) -> Window.Status:
        """Return the phase that the clock says, ahead of the jobs that write it down."""
        status = self.Status(self.status)
        if status in (self.Status.OPEN, self.Status.FROZEN):
            if now >= self.closes_at:
                return self.Status.CLOSED
            if now >= self.freezes_at:
                return self.Status.FROZEN
        return status


class Lot(models.Model):
    """A block's unsold capacity for ``[starts_at, ends_at)`` as offered in one window.

    While the window is open, units and reserve follow the block; the freeze writes both down and from then on they
    stand still. ``capacity_units`` is int (hours,): units on offer in each hour, known from the freeze on.
    ``on_offer`` is true until the window clears or is cancelled.
    """

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="lots")
    block = models.ForeignKey(Block, on_delete=models.PROTECT, related_name="lots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reserve_ticks = models.BigIntegerField(help_text="Ticks per unit-hour.")
    capacity_units = ArrayField(models.PositiveIntegerField(), null=True, blank=True)
    on_offer = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(name="lot_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="lot_reserve_not_negative", condition=Q(reserve_ticks__gte=0)),
            models.UniqueConstraint(fields=["window", "block", "starts_at"], name="lot_once_per_window"),
            ExclusionConstraint(
                name="lot_hour_on_offer_once",
                expressions=[
                    (
                        Func(F("block_id"), F("block_id"), models.Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(on_offer=True),
            ),
        ]

    def __str__(self) -> str:
        return f"lot {self.pk} of {self.block}"

    @property
    def n_hours(self) -> int:
        return n_hours(self.starts_at, self.ends_at)
