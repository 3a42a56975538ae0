"""Settlement: one buyer's charge for one window, with a line per award. ChargeAttempt is in attempts.py."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from auctions.models import Award, Window
from marketplace.audit import audited
from marketplace.hours import n_hours
from marketplace.states import Transitions
from settlements.models.fees import FeePolicy
from settlements.models.leases import LeaseMonth


class SettledWindow(models.Model):
    """Says that a cleared window's settlements have been drawn up: once, all together."""

    window = models.OneToOneField(
        Window, on_delete=models.PROTECT, primary_key=True, related_name="settled_window"
    )
    settled_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"window {self.window_id} settled"


@audited()
class Settlement(models.Model):
    """One buyer's charge for one window, or for one month of a lease.

    ``amount_cents`` is ``amount_ticks`` rounded down to the cent, once.

    It is drawn up DUE; PAID at once when nothing is left to collect, and CARRIED when that is too small for a card.
    """

    class Status(models.TextChoices):
        DUE = "due", "Due"
        CHARGING = "charging", "Charging"
        ACTION_REQUIRED = "action_required", "Needs authentication"
        DECLINED = "declined", "Declined"
        PAID = "paid", "Paid"
        CARRIED = "carried", "Carried to the next settlement"
        DEFAULTED = "defaulted", "Defaulted"
        WRITTEN_OFF = "written_off", "Written off"

    TRANSITIONS: Transitions = {
        Status.DUE: frozenset({Status.CHARGING, Status.PAID, Status.DEFAULTED}),
        Status.CHARGING: frozenset({Status.PAID, Status.ACTION_REQUIRED, Status.DECLINED}),
        Status.ACTION_REQUIRED: frozenset({Status.CHARGING, Status.PAID, Status.DECLINED, Status.DEFAULTED}),
        Status.DECLINED: frozenset({Status.CHARGING, Status.PAID, Status.DEFAULTED}),
        Status.PAID: frozenset(),
        Status.CARRIED: frozenset({Status.PAID, Status.WRITTEN_OFF}),
        Status.DEFAULTED: frozenset(),
        Status.WRITTEN_OFF: frozenset(),
    }
    ENDED = (Status.PAID, Status.DEFAULTED, Status.WRITTEN_OFF)
    COLLECTABLE = (Status.DUE, Status.DECLINED, Status.ACTION_REQUIRED)
    """What a payment or a default may follow at once."""

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="settlements")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="settlements")
    lease_month = models.OneToOneField(
        LeaseMonth,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="settlement",
        help_text="The month of a lease that it charges; none: what else was won in the window.",
    )
    amount_ticks = models.BigIntegerField()
    amount_cents = models.BigIntegerField()
    prepaid_cents = models.BigIntegerField(default=0, help_text="The part that the prepaid balance paid.")
    carried_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="carried_in",
        help_text="The settlement that collects this one, too small for a card by itself.",
    )
    carried_in_cents = models.BigIntegerField(
        default=0, help_text="What it collects of the settlements carried into it."
    )
    currency = models.CharField(max_length=3, default="usd")
    status = models.CharField(max_length=16, choices=Status, default=Status.DUE)
    refunded_cents = models.BigIntegerField(default=0, help_text="Of the amount, decided to go back.")
    refunded_prepaid_cents = models.BigIntegerField(default=0, help_text="Of that, to the prepaid balance.")
    created_at = models.DateTimeField(db_default=Now())
    paid_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The finance person who looks after it.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["window", "organization"],
                condition=Q(lease_month=None),
                name="settlement_once_per_buyer_and_window",
            ),
            models.CheckConstraint(name="settlement_not_negative", condition=Q(amount_cents__gte=0)),
            models.CheckConstraint(
                name="settlement_prepaid_within_amount",
                condition=Q(prepaid_cents__gte=0, prepaid_cents__lte=models.F("amount_cents")),
            ),
            models.CheckConstraint(
                name="settlement_carried_while_too_small",
                condition=Q(carried_into=None) | Q(status__in=["carried", "paid"], carried_in_cents=0),
            ),
            models.CheckConstraint(
                name="settlement_carried_in_not_negative", condition=Q(carried_in_cents__gte=0)
            ),
            models.CheckConstraint(
                name="settlement_rounded_down_once",
                condition=Q(amount_cents=models.F("amount_ticks") / 100),
            ),
            models.CheckConstraint(
                name="settlement_refunded_within_amount",
                condition=Q(
                    refunded_prepaid_cents__gte=0,
                    refunded_cents__gte=models.F("refunded_prepaid_cents"),
                    refunded_cents__lte=models.F("amount_cents"),
                ),
            ),
            models.CheckConstraint(
                name="settlement_refunded_as_paid",
                condition=Q(
                    refunded_prepaid_cents__lte=models.F("prepaid_cents"),
                    refunded_cents__lte=models.F("amount_cents")
                    - models.F("prepaid_cents")
                    + models.F("refunded_prepaid_cents"),
                ),
            ),
            models.CheckConstraint(
                name="settlement_paid_when",
                condition=Q(status="paid", paid_at__isnull=False) | ~Q(status="paid"),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "id"], name="settlement_by_status"),
            models.Index(fields=["organization", "-id"], name="settlement_by_organization"),
            models.Index(fields=["amount_cents", "id"], name="settlement_by_amount"),
            models.Index(fields=["created_at"], name="settlement_by_age"),
            models.Index(
                fields=["assignee", "id"], condition=Q(assignee__isnull=False), name="settlement_by_assignee"
            ),
            models.Index(fields=["id"], condition=~Q(status="paid"), name="settlement_unpaid"),
        ]

    def __str__(self) -> str:
        return f"settlement {self.pk}"

    @property
    def pay_by(self) -> datetime | None:
        """When an unpaid settlement defaults; None where it has no deadline, or no more."""
        dunning = getattr(self, "dunning", None)
        return dunning.deadline_at if dunning and dunning.closed_at is None else None

    @property
    def to_collect_cents(self) -> int:
        """What is asked of the card: what the prepaid balance did not pay, and what is carried in, cents."""
        return self.own_cents + self.carried_in_cents

    @property
    def own_cents(self) -> int:
        """Its own part of what is asked of the card, cents."""
        return self.amount_cents - self.prepaid_cents


class SettlementLine(models.Model):
    """One award's part of a settlement: the cents the buyer pays for it, less the fee the seller's.

    It pays for the hours ``[starts_at, ends_at)``: all of the award's, or one month's of a lease.
    """

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="lines")
    award = models.ForeignKey(Award, on_delete=models.PROTECT, related_name="settlement_lines")
    starts_at = models.DateTimeField(help_text="First hour that this line pays for.")
    ends_at = models.DateTimeField()
    seller = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sales")
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()
    fee_bps = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The fee in force when its window closed, basis points."
    )
    fee_policy = models.ForeignKey(
        FeePolicy,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="lines",
        db_index=False,
        help_text="The version it came from; empty: the setting.",
    )
    refunded_cents = models.BigIntegerField(default=0, help_text="Of the amount, decided to go back.")
    refunded_fee_cents = models.BigIntegerField(default=0, help_text="Of that, the platform's part.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["award", "starts_at"], name="settlement_line_pays_an_hour_once"),
            models.CheckConstraint(
                name="settlement_line_ends_after_it_starts", condition=Q(ends_at__gt=models.F("starts_at"))
            ),
            models.CheckConstraint(
                name="settlement_line_refunded_within_amount",
                condition=Q(
                    refunded_fee_cents__gte=0,
                    refunded_cents__gte=models.F("refunded_fee_cents"),
                    refunded_fee_cents__lte=models.F("fee_cents"),
                    refunded_cents__lte=models.F("amount_cents")
                    - models.F("fee_cents")
                    + models.F("refunded_fee_cents"),
                ),
            ),
            models.CheckConstraint(
                name="settlement_line_fee_within_amount",
                condition=Q(fee_cents__gte=0, amount_cents__gte=models.F("fee_cents")),
            ),
        ]
        indexes = [models.Index(fields=["seller", "-id"], name="settlement_line_by_seller")]

    def __str__(self) -> str:
        return f"award {self.award_id} in settlement {self.settlement_id}"

    @property
    def unit_hours(self) -> int:
        return self.award.units * n_hours(self.starts_at, self.ends_at)

    @property
    def share_cents(self) -> int:
        """What is still the seller's of the line: its share less what was refunded of it."""
        return self.amount_cents - self.fee_cents - (self.refunded_cents - self.refunded_fee_cents)

    @property
    def refundable_cents(self) -> int:
        """What may still go back to the buyer."""
        return self.amount_cents - self.refunded_cents

    @property
    def is_refunded_in_full(self) -> bool:
        return 0 < self.amount_cents == self.refunded_cents

    @property
    def price_ticks(self) -> int:
        """What a unit-hour of the award came to, ticks, rounded down."""
        return self.award.amount_ticks // self.award.unit_hours
