"""BankPayout: what Stripe pays out of the platform's balance to the platform's bank."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.states import Transitions
from settlements.models.reconciliation import BalanceMovement


class BankPayout(models.Model):
    """A payout at Stripe as last read. It is booked when it is paid, and booked back when the bank returns it."""

    class Status(models.TextChoices):
        PENDING = "pending", "On its way"
        PAID = "paid", "Paid"
        FAILED = "failed", "Returned by the bank"
        CANCELLED = "canceled", "Cancelled"

    TRANSITIONS: Transitions = {
        Status.PENDING: frozenset({Status.PAID, Status.FAILED, Status.CANCELLED}),
        Status.PAID: frozenset({Status.FAILED}),
        Status.FAILED: frozenset(),
        Status.CANCELLED: frozenset(),
    }

    stripe_id = models.CharField(max_length=80, unique=True)
    amount_cents = models.BigIntegerField(help_text="Negative: Stripe took it from the bank.")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    automatic = models.BooleanField()
    arrival_at = models.DateTimeField()
    balance_transaction_id = models.CharField(max_length=80)
    message = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    tied_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was compared with the movements it holds."
    )
    n_held = models.BigIntegerField(null=True, blank=True, help_text="Movements that Stripe says it holds.")
    held_cents = models.BigIntegerField(null=True, blank=True, help_text="Net of these.")

    class Meta:
        constraints = [
            models.CheckConstraint(name="bank_payout_of_something", condition=~Q(amount_cents=0)),
        ]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def moved_cents(self) -> int:
        """How much went to the bank, or came from it."""
        return abs(self.amount_cents)

    @property
    def difference_cents(self) -> int | None:
        """How much more is paid out than the movements it holds come to; None while nobody has compared them."""
        return None if self.held_cents is None else self.amount_cents - self.held_cents


class PayoutMovement(models.Model):
    """A movement that Stripe says an automatic payout holds, the payout's own left out."""

    payout = models.ForeignKey(BankPayout, on_delete=models.PROTECT, related_name="holds")
    movement = models.ForeignKey(BalanceMovement, on_delete=models.PROTECT, related_name="paid_out_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payout", "movement"], name="payout_holds_a_movement_once"),
        ]

    def __str__(self) -> str:
        return f"{self.movement_id} in {self.payout_id}"
