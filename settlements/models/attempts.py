"""ChargeAttempt: one try to collect a settlement through Stripe."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.states import Transitions
from settlements.models.customers import PaymentMethod
from settlements.models.settlements import Settlement


class ChargeAttempt(models.Model):
    """One try to collect a settlement. Its row, and so its idempotency key, is committed before Stripe is called.

    ``on_session``: the buyer is present and can authenticate. ``n_calls`` counts the calls made to learn the outcome,
    ``called_at`` is when the last one began.
    """

    class Outcome(models.TextChoices):
        UNKNOWN = "unknown", "Not known yet"
        SUCCEEDED = "succeeded", "Succeeded"
        ACTION_REQUIRED = "action_required", "Waiting for authentication"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Given up for another card"

    TRANSITIONS: Transitions = {
        Outcome.UNKNOWN: frozenset(
            {Outcome.SUCCEEDED, Outcome.ACTION_REQUIRED, Outcome.DECLINED, Outcome.CANCELLED}
        ),
        Outcome.ACTION_REQUIRED: frozenset(
            {Outcome.SUCCEEDED, Outcome.DECLINED, Outcome.CANCELLED, Outcome.UNKNOWN}
        ),
        Outcome.DECLINED: frozenset({Outcome.SUCCEEDED}),
        Outcome.SUCCEEDED: frozenset(),
        Outcome.CANCELLED: frozenset(),
    }
    OPEN = (Outcome.UNKNOWN, Outcome.ACTION_REQUIRED)
    MAY_TAKE_MONEY = (Outcome.UNKNOWN, Outcome.ACTION_REQUIRED, Outcome.SUCCEEDED)

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    idempotency_key = models.UUIDField(unique=True)
    amount_cents = models.BigIntegerField(help_text="What it asks of the card.")
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="+")
    on_session = models.BooleanField(default=False)
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.UNKNOWN)
    stripe_payment_intent_id = models.CharField(max_length=80, blank=True)
    stripe_charge_id = models.CharField(max_length=80, blank=True)
    decline_code = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=300, blank=True, help_text="Why it failed, in people's words.")
    n_calls = models.PositiveSmallIntegerField(default=1)
    called_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="charge_attempt_positive", condition=Q(amount_cents__gt=0)),
            models.UniqueConstraint(fields=["settlement", "number"], name="charge_attempt_numbered_once"),
            models.UniqueConstraint(
                fields=["settlement"],
                condition=Q(outcome__in=["unknown", "action_required", "succeeded"]),
                name="charge_attempt_one_that_may_take_money",
            ),
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="charge_attempt_own_payment_intent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["called_at"],
                condition=Q(outcome__in=["unknown", "action_required"]),
                name="charge_attempt_open",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of settlement {self.settlement_id}"
