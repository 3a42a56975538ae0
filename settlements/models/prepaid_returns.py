"""PrepaidReturn: unspent prepaid money on its way back to what it was paid with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.prepayments import Prepayment


@audited(exclude=["form_key", "idempotency_key", "n_calls", "called_at"])
class PrepaidReturn(models.Model):
    """Cents of one prepayment that go back, through a refund at Stripe. The row, and so its key, is there first.

    They leave the balance with the row. What Stripe cannot give back is on the balance again.
    """

    class Status(models.TextChoices):
        SENDING = "sending", "On its way"
        RETURNED = "returned", "Returned"
        FAILED = "failed", "Failed: on the balance again"

    TRANSITIONS: Transitions = {
        Status.SENDING: frozenset({Status.RETURNED, Status.FAILED}),
        Status.RETURNED: frozenset({Status.FAILED}),
        Status.FAILED: frozenset(),
    }

    prepayment = models.ForeignKey(Prepayment, on_delete=models.PROTECT, related_name="returns")
    amount_cents = models.BigIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.SENDING)
    form_key = models.UUIDField(help_text="Comes with the form: sent twice, it asks once.")
    idempotency_key = models.UUIDField(unique=True)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    stripe_refund_id = models.CharField(max_length=80, blank=True)
    paid_transaction_id = models.CharField(
        max_length=80, blank=True, help_text="The balance transaction with which the money left."
    )
    failed_transaction_id = models.CharField(
        max_length=80, blank=True, help_text="The balance transaction with which it came back."
    )
    message = models.CharField(max_length=300, blank=True, help_text="Why it failed, in people's words.")
    n_calls = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="prepaid_return_of_something", condition=Q(amount_cents__gt=0)),
            models.UniqueConstraint(fields=["form_key", "prepayment"], name="prepaid_return_asked_once"),
            models.UniqueConstraint(
                fields=["stripe_refund_id"],
                condition=~Q(stripe_refund_id=""),
                name="prepaid_return_own_stripe_refund",
            ),
        ]
        indexes = [
            models.Index(fields=["called_at"], condition=Q(status="sending"), name="prepaid_return_sending"),
        ]

    def __str__(self) -> str:
        return f"return {self.pk} of prepayment {self.prepayment_id}"
