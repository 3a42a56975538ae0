"""Refund: money of a settlement that goes back to its buyer, by line. RefundAttempt: one try to send it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.settlements import Settlement, SettlementLine


@audited()
class Refund(models.Model):
    """Part of a settlement, or all of it, going back: ``card_cents`` to the card, ``prepaid_cents`` to the balance.

    It is booked when it is decided (APPROVED) and counts against its lines from then on. One of much money needs a
    second finance person: the database refuses the first one's approval.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waits for a second person"
        APPROVED = "approved", "Decided"
        SENDING = "sending", "On its way"
        SUCCEEDED = "succeeded", "Refunded"
        FAILED = "failed", "Failed"
        CREDITED = "credited", "Credited to the balance"
        CANCELLED = "cancelled", "Not decided"

    class Reason(models.TextChoices):
        OUTAGE = "outage", "Outage"
        MISSED_HANDOVER = "missed_handover", "No hand-over"
        DEFAULT_OF_LEASE = "default_of_lease", "Lease ended by default"
        GOODWILL = "goodwill", "Goodwill"
        DUPLICATE = "duplicate", "Charged twice"
        DISPUTE = "dispute", "Dispute lost"

    TRANSITIONS: Transitions = {
        Status.PROPOSED: frozenset({Status.APPROVED, Status.CANCELLED}),
        Status.APPROVED: frozenset({Status.SENDING, Status.SUCCEEDED}),
        Status.SENDING: frozenset({Status.SUCCEEDED, Status.FAILED}),
        Status.SUCCEEDED: frozenset({Status.FAILED}),
        Status.FAILED: frozenset({Status.SENDING, Status.CREDITED}),
        Status.CREDITED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
    BOOKED = (Status.APPROVED, Status.SENDING, Status.SUCCEEDED, Status.FAILED, Status.CREDITED)

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.BigIntegerField()
    card_cents = models.BigIntegerField(default=0)
    prepaid_cents = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=20, choices=Reason)
    note = models.CharField(max_length=300, blank=True, help_text="For finance: why, in a sentence.")
    status = models.CharField(max_length=16, choices=Status, default=Status.PROPOSED)
    needs_second = models.BooleanField(default=False, help_text="Two finance people must agree.")
    proposed_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the rules did.",
    )
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    credited_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(max_length=300, blank=True, help_text="Why it failed, in people's words.")
    created_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="refund_of_something", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(
                name="refund_to_card_and_balance",
                condition=Q(card_cents__gte=0, prepaid_cents__gte=0)
                & (
                    Q(status="proposed")
                    | Q(status="cancelled")
                    | Q(amount_cents=F("card_cents") + F("prepaid_cents"))
                ),
            ),
            models.CheckConstraint(
                name="refund_four_eyes",
                condition=Q(status__in=["proposed", "cancelled"])
                | Q(needs_second=False)
                | (Q(decided_by__isnull=False) & (Q(proposed_by=None) | ~Q(decided_by=F("proposed_by")))),
            ),
            models.CheckConstraint(
                name="refund_decided_when",
                condition=Q(status__in=["proposed", "cancelled"]) | Q(decided_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="refund_by_status"),
            models.Index(fields=["settlement", "id"], name="refund_by_settlement"),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"


class RefundLine(models.Model):
    """What a refund gives back of one line: ``amount_cents``, of which ``fee_cents`` were the platform's."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(SettlementLine, on_delete=models.PROTECT, related_name="refund_lines")
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "line"], name="refund_line_once"),
            models.CheckConstraint(
                name="refund_line_fee_within_amount",
                condition=Q(amount_cents__gt=0, fee_cents__gte=0, amount_cents__gte=F("fee_cents")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} cents of line {self.line_id}"

    @property
    def seller_cents(self) -> int:
        """What the seller bears."""
        return self.amount_cents - self.fee_cents


class RefundAttempt(models.Model):
    """One try to send a refund's card part. Its row, and so its idempotency key, is committed before Stripe is called.

    At most one attempt of a refund may take money; a later one needs the earlier to have failed for good.
    """

    class Outcome(models.TextChoices):
        UNKNOWN = "unknown", "Not known yet"
        PENDING = "pending", "Pending at the bank"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    TRANSITIONS: Transitions = {
        Outcome.UNKNOWN: frozenset({Outcome.PENDING, Outcome.SUCCEEDED, Outcome.FAILED}),
        Outcome.PENDING: frozenset({Outcome.SUCCEEDED, Outcome.FAILED}),
        Outcome.SUCCEEDED: frozenset({Outcome.FAILED}),
        Outcome.FAILED: frozenset(),
    }
    OPEN = (Outcome.UNKNOWN, Outcome.PENDING)

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    idempotency_key = models.UUIDField(unique=True)
    stripe_charge_id = models.CharField(max_length=80, help_text="The charge it gives back from.")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.UNKNOWN)
    stripe_refund_id = models.CharField(max_length=80, blank=True)
    paid_transaction_id = models.CharField(
        max_length=80, blank=True, help_text="The balance transaction with which the money left."
    )
    failed_transaction_id = models.CharField(
        max_length=80, blank=True, help_text="The balance transaction with which it came back."
    )
    failure_code = models.CharField(max_length=60, blank=True)
    n_calls = models.PositiveSmallIntegerField(default=1)
    called_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "number"], name="refund_attempt_numbered_once"),
            models.UniqueConstraint(
                fields=["refund"],
                condition=Q(outcome__in=["unknown", "pending", "succeeded"]),
                name="refund_attempt_one_that_may_take_money",
            ),
            models.UniqueConstraint(
                fields=["stripe_refund_id"],
                condition=~Q(stripe_refund_id=""),
                name="refund_attempt_own_stripe_refund",
            ),
        ]
        indexes = [
            models.Index(
                fields=["called_at"],
                condition=Q(outcome__in=["unknown", "pending"]),
                name="refund_attempt_open",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of refund {self.refund_id}"
