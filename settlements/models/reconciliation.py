"""Reconciliation: what Stripe says moved our balance, what does not tie with the books, and months that are closed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from marketplace.audit import audited
from marketplace.states import Transitions


class BalanceMovement(models.Model):
    """A balance transaction as Stripe told it, kept to be tied with the ledger. Cents; ``net`` is amount less fee.

    ``source_id`` is the object that moved the balance (a charge, refund, transfer, payout, dispute …): the
    ``stripe_object_id`` of the ledger transaction that books it.
    """

    stripe_id = models.CharField(max_length=80, unique=True)
    type = models.CharField(max_length=40)
    source_id = models.CharField(max_length=80, blank=True)
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()
    net_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    imported_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="movement_net_is_amount_less_fee",
                condition=Q(net_cents=models.F("amount_cents") - models.F("fee_cents")),
            ),
        ]
        indexes = [
            models.Index(fields=["source_id"], name="movement_by_source"),
            models.Index(fields=["created_at"], name="movement_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_id} ({self.type})"

    @property
    def words(self) -> str:
        """Its type in words: ``Payment failure refund``."""
        return self.type.replace("_", " ").capitalize()


class BalanceDay(models.Model):
    """A day (UTC) of our balance at Stripe: what moved and what was booked, and both balances as last compared.

    The sums are counted anew by each look for the days that may have changed, so that nobody adds up a month of entries
    to show it. ``stripe_*`` are what Stripe said at ``read_at``, ``ledger_*`` what the ledger did.
    """

    day = models.DateField(unique=True)
    n_movements = models.BigIntegerField(default=0)
    moved_cents = models.BigIntegerField(default=0, help_text="Net, as Stripe told it.")
    booked_pending_cents = models.BigIntegerField(default=0)
    booked_available_cents = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    stripe_pending_cents = models.BigIntegerField(null=True, blank=True)
    stripe_available_cents = models.BigIntegerField(null=True, blank=True)
    ledger_pending_cents = models.BigIntegerField(null=True, blank=True)
    ledger_available_cents = models.BigIntegerField(null=True, blank=True)
    pending_untied_since = models.DateTimeField(null=True, blank=True)
    available_untied_since = models.DateTimeField(null=True, blank=True)
    all_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last weeks were looked over for mismatches."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="balance_day_read_whole",
                condition=Q(
                    read_at=None,
                    stripe_pending_cents=None,
                    stripe_available_cents=None,
                    ledger_pending_cents=None,
                    ledger_available_cents=None,
                )
                | Q(
                    read_at__isnull=False,
                    stripe_pending_cents__isnull=False,
                    stripe_available_cents__isnull=False,
                    ledger_pending_cents__isnull=False,
                    ledger_available_cents__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"our balance on {self.day}"

    @property
    def booked_cents(self) -> int:
        return self.booked_pending_cents + self.booked_available_cents


@audited()
class Mismatch(models.Model):
    """Something that does not tie: one row for each kind and subject while it is open, with an owner and an end.

    ``ours_cents`` is what the books say, ``theirs_cents`` what they should tie with; both None where a thing is missing
    and not an amount differs. It ends TIED when a later look finds it in order, or ACCEPTED by a person, with a reason.
    """

    class Status(models.TextChoices):
        OPEN = "open_mismatch", "Open"
        TIED = "tied", "Ties now"
        ACCEPTED = "accepted", "Accepted"

    TRANSITIONS: Transitions = {
        Status.OPEN: frozenset({Status.TIED, Status.ACCEPTED}),
        Status.TIED: frozenset(),
        Status.ACCEPTED: frozenset(),
    }

    class Kind(models.TextChoices):
        WINDOW_NOT_SETTLED = "window_not_settled", "Window cleared, not settled"
        AWARDS_DIFFER = "awards_differ", "Awards and settlements differ"
        LINES_DIFFER = "lines_differ", "Lines do not add up"
        NOT_BOOKED = "not_booked", "Settlement not in the ledger"
        RECEIVABLE_DIFFERS = "receivable_differs", "Owed and state disagree"
        MOVEMENT_NOT_BOOKED = "movement_not_booked", "At Stripe, not in the ledger"
        BOOKED_NOT_MOVED = "booked_not_moved", "In the ledger, not at Stripe"
        NET_DIFFERS = "net_differs", "Amount differs from Stripe’s"
        FEE_DIFFERS = "fee_differs", "Fee differs from Stripe’s"
        CURRENCY_DIFFERS = "currency_differs", "Moved in another currency"
        AVAILABILITY_DIFFERS = "availability_differs", "Pending and available differ"
        PAYOUT_DIFFERS = "payout_differs", "Payout and its movements differ"
        BALANCE_DIFFERS = "balance_differs", "Balance differs from Stripe’s"

    kind = models.CharField(max_length=24, choices=Kind)
    subject = models.CharField(max_length=100, help_text="What it is about, such as window:12 or ch_….")
    detail = models.CharField(max_length=300)
    ours_cents = models.BigIntegerField(null=True, blank=True)
    theirs_cents = models.BigIntegerField(null=True, blank=True)
    happened_at = models.DateTimeField(
        help_text="When what it is about happened: the day it is reconciled under."
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(status="open_mismatch"), name="mismatch_open_once"
            ),
            models.CheckConstraint(
                name="mismatch_accepted_by_somebody_for_a_reason",
                condition=~Q(status="accepted") | (Q(ended_by__isnull=False) & ~Q(reason="")),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "happened_at"], name="mismatch_by_status"),
            models.Index(fields=["happened_at"], name="mismatch_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def difference_cents(self) -> int | None:
        if self.ours_cents is None or self.theirs_cents is None:
            return None
        return self.ours_cents - self.theirs_cents


@audited()
class ClosedPeriod(models.Model):
    """A calendar month (UTC) whose books are closed, named by its first day: no ledger transaction falls into it."""

    first_day = models.DateField(unique=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(db_default=Now())
    n_transactions = models.BigIntegerField()
    n_movements = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="period_begins_a_month", condition=Q(first_day__day=1)),
        ]

    def __str__(self) -> str:
        return f"{self.first_day:%B %Y}"
