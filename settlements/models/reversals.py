"""TransferReversal: what a refund takes back of a share that has gone to its seller."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.states import Transitions
from settlements.models.transfers import Transfer


class TransferReversal(models.Model):
    """Cents of a transfer to take back at Stripe. The row, and so its idempotency key, is there before the call.

    It waits while the transfer is still on its way. Where Stripe refuses, the seller owes us: its next payouts are
    set off against that.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for the transfer"
        SENDING = "sending", "On its way back"
        DONE = "done", "Taken back"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Not needed any more"

    TRANSITIONS: Transitions = {
        Status.WAITING: frozenset({Status.SENDING, Status.CANCELLED}),
        Status.SENDING: frozenset({Status.DONE, Status.FAILED}),
        Status.FAILED: frozenset({Status.SENDING}),
        Status.DONE: frozenset(),
        Status.CANCELLED: frozenset(),
    }
    OPEN = (Status.WAITING, Status.SENDING)

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="reversals")
    amount_cents = models.BigIntegerField()
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    idempotency_key = models.UUIDField(unique=True)
    stripe_id = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=300, blank=True, help_text="Why it failed, in people's words.")
    n_calls = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="transfer_reversal_of_something", condition=Q(amount_cents__gt=0)),
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~Q(stripe_id=""), name="transfer_reversal_own_stripe_reversal"
            ),
        ]
        indexes = [
            models.Index(
                fields=["called_at"],
                condition=Q(status__in=["waiting", "sending"]),
                name="transfer_reversal_open",
            ),
        ]

    def __str__(self) -> str:
        return f"reversal {self.pk} of transfer {self.transfer_id}"
