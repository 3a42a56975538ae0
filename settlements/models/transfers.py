"""Transfer: money of a delivered line on its way to its seller. TransferHold: why it does not leave yet."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.deliveries import Delivery

STRIPE_MAX_CENTS = 99_999_999
"""The most that one transfer moves, $999,999.99; a larger share leaves in several."""


@audited(exclude=["idempotency_key", "n_calls", "called_at"])
class Transfer(models.Model):
    """One transfer at Stripe of (part of) a delivered line's share. Its row and key are committed before the call.

    ``source_charge_id`` names the card payment it draws on; empty: the available balance, as for what was prepaid. One
    of much money (``needs_second``) is proposed by one finance person and approved by another: the database says so,
    as it says that nothing leaves before delivery, under a hold, or beyond the line's share (migrations).
    """

    class Status(models.TextChoices):
        PENDING_APPROVAL = "pending_approval", "Waits for approval"
        APPROVED = "approved", "Ready to send"
        SENDING = "sending", "Being sent"
        PAID = "paid", "Paid"
        FAILED = "failed", "Failed"
        REJECTED = "rejected", "Rejected"
        REVERSED = "reversed", "Taken back"
        CANCELLED = "cancelled", "Nothing left to pay"

    TRANSITIONS: Transitions = {
        Status.PENDING_APPROVAL: frozenset({Status.APPROVED, Status.REJECTED, Status.CANCELLED}),
        Status.APPROVED: frozenset({Status.SENDING, Status.CANCELLED}),
        Status.SENDING: frozenset({Status.PAID, Status.APPROVED, Status.FAILED}),
        Status.PAID: frozenset({Status.REVERSED}),
        Status.FAILED: frozenset({Status.APPROVED, Status.CANCELLED}),
        Status.REJECTED: frozenset({Status.PENDING_APPROVAL, Status.CANCELLED}),
        Status.REVERSED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
    UNSENT = (Status.PENDING_APPROVAL, Status.APPROVED, Status.FAILED, Status.REJECTED)
    LEFT = (Status.SENDING, Status.PAID, Status.REVERSED)

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="transfers")
    number = models.PositiveSmallIntegerField()
    seller = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="transfers")
    amount_cents = models.BigIntegerField(help_text="Lowered by a refund before it is sent; never raised.")
    reversed_cents = models.BigIntegerField(default=0, help_text="Of the amount, taken back since.")
    currency = models.CharField(max_length=3, default="usd")
    source_charge_id = models.CharField(max_length=80, blank=True, help_text="The card payment it draws on.")
    status = models.CharField(max_length=16, choices=Status, default=Status.APPROVED)
    needs_second = models.BooleanField(default=False, help_text="Two finance people must agree.")
    proposed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    rejected_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    rejected_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was rejected, in a sentence.")
    message = models.CharField(max_length=300, blank=True, help_text="Why it waits or failed, for people.")
    idempotency_key = models.UUIDField(unique=True)
    n_calls = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="Empty: as soon as it may be sent.")
    stripe_transfer_id = models.CharField(max_length=80, blank=True)
    balance_transaction_id = models.CharField(max_length=80, blank=True)
    available_on = models.DateTimeField(
        null=True, blank=True, help_text="Paid out of pending funds that become available then."
    )
    created_at = models.DateTimeField(db_default=Now())
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="transfer_numbered_once"),
            models.CheckConstraint(
                name="transfer_of_something", condition=Q(amount_cents__gt=0, amount_cents__lte=99_999_999)
            ),
            models.CheckConstraint(
                name="transfer_reversed_within_amount",
                condition=Q(reversed_cents__gte=0, reversed_cents__lte=F("amount_cents")),
            ),
            models.CheckConstraint(name="transfer_in_dollars", condition=Q(currency="usd")),
            models.CheckConstraint(
                name="transfer_four_eyes",
                condition=Q(needs_second=False)
                | Q(status__in=["pending_approval", "rejected", "cancelled"])
                | (
                    Q(proposed_by__isnull=False, approved_by__isnull=False) & ~Q(proposed_by=F("approved_by"))
                ),
            ),
            models.CheckConstraint(
                name="transfer_paid_when",
                condition=(
                    Q(status__in=["paid", "reversed"], paid_at__isnull=False)
                    & ~Q(stripe_transfer_id="")
                    & ~Q(balance_transaction_id="")
                )
                | (~Q(status__in=["paid", "reversed"]) & Q(paid_at=None, reversed_cents=0)),
            ),
            models.CheckConstraint(
                name="transfer_rejected_with_a_reason",
                condition=~Q(status="rejected") | (Q(rejected_by__isnull=False) & ~Q(reason="")),
            ),
            models.UniqueConstraint(
                fields=["stripe_transfer_id"],
                condition=~Q(stripe_transfer_id=""),
                name="transfer_own_stripe_transfer",
            ),
        ]
        indexes = [
            models.Index(fields=["seller", "-id"], name="transfer_by_seller"),
            models.Index(fields=["status", "-id"], name="transfer_by_status"),
            models.Index(
                fields=["status", "next_try_at"],
                condition=Q(status__in=["approved", "sending"]),
                name="transfer_to_send",
            ),
            models.Index(
                fields=["available_on"],
                condition=Q(available_on__isnull=False),
                name="transfer_pending_funds",
            ),
        ]

    def __str__(self) -> str:
        return f"transfer {self.pk}"


@audited()
class TransferHold(models.Model):
    """Keeps a delivery's share back while something is open about it: ``reference`` says what, such as ``outage:7``."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="transfer_holds")
    reference = models.CharField(max_length=60)
    reason = models.CharField(max_length=300, help_text="For finance and the seller.")
    placed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "reference"],
                condition=Q(lifted_at=None),
                name="transfer_hold_once_at_a_time",
            ),
            models.CheckConstraint(name="transfer_hold_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.reason}"
