"""Time, and what workers do as it passes: each asks the database what is due, as the sweeps do."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import rule

from settlements.models import (
    ChargeAttempt,
    Delivery,
    Dispute,
    DunningStep,
    Lease,
    LeaseMonth,
    PendingFunds,
    PrepaidReturn,
    Prepayment,
    Refund,
    RefundAttempt,
    Settlement,
    Transfer,
    TransferReversal,
)
from settlements.operations import funds
from settlements.operations.charging import charge_settlement, resolve_attempt
from settlements.operations.delivery_steps import move_delivery
from settlements.operations.disputes import refresh_dispute
from settlements.operations.dunning import take_step
from settlements.operations.lease_months import complete_lease, draw_up_month
from settlements.operations.prepaid_returns import send_return
from settlements.operations.prepayments import resolve_prepayment
from settlements.operations.refund_sending import resolve_refund_attempt, send_refund
from settlements.operations.reversals import send_reversal
from settlements.operations.transfers import book_available, resolve_transfer, send_transfer
from settlements.queries.deliveries import due_deliveries
from settlements.queries.due import due_months, due_steps
from settlements.stripe_sandbox.resources import checkout, payouts, refunds
from settlements.stripe_sandbox.resources import disputes as bank
from tests.laws.money_machine.world import World

LINE = "delivery__line__settlement"


class Clock(World):
    """Hours that pass, and jobs that run or do not."""

    @rule(hours=st.sampled_from([0, 1, 2, 3, 12, 30, 80]), sweeps=st.booleans())
    def move_the_clock(self, hours: int, sweeps: bool) -> None:
        """Let hours pass; at a standstill no worker sees them."""
        self.pass_time(timedelta(hours=hours))
        if sweeps:
            self.do_what_is_due()

    @rule()
    def let_days_of_a_lease_pass(self) -> None:
        if Lease.objects.filter(organization__in=self.buyers.values(), status=Lease.Status.ACTIVE).exists():
            self.pass_time(timedelta(days=12))
            self.do_what_is_due()

    @rule()
    def charge_what_is_due(self) -> None:
        self.charge_all()

    @rule()
    def sweep_what_is_not_known(self) -> None:
        self.resolve_all()

    @rule()
    def send_what_waits(self) -> None:
        self.send_all()

    def pass_time(self, ahead: timedelta) -> None:
        self.now += ahead
        self.move_stripes_clock(ahead)
        with self.at_stripe() as call:
            payouts.arrive_due(call)
            refunds.settle_due(call)
            bank.expire_due(call)
            checkout.expire_due(call)

    def charge_all(self) -> None:
        for settlement in self.own(Settlement.objects.filter(status=Settlement.Status.DUE), "pk"):
            self.ask(lambda settlement=settlement: charge_settlement(settlement_id=settlement.pk))

    def do_what_is_due(self) -> None:
        """Take each step of dunning, deliveries, leases and funds that is due by the machine's clock."""
        self._draw_up_months()
        of_run = DunningStep.objects.filter(
            pk__in=due_steps(self.now), dunning__settlement__in=self.settlements
        )
        for step_id in of_run.order_by("due_at", "id").values_list("id", flat=True):
            self.ask(lambda step_id=step_id: take_step(step_id=step_id, now=self.now))
        for _ in range(2):  # what was missed meanwhile may be over already
            due = Delivery.objects.filter(pk__in=due_deliveries(self.now))
            for delivery_id in self.own(due, "line__settlement").values_list("id", flat=True):
                move_delivery(delivery_id=delivery_id, now=self.now)
        self._book_funds()

    def resolve_all(self) -> None:
        """Look up whatever was asked and not answered, and handle events that could not be."""
        for event_id in list(self.unhandled):
            self.handle(event_id)
        for attempt in self.own(ChargeAttempt.objects.filter(outcome__in=ChargeAttempt.OPEN)):
            self.ask(lambda attempt=attempt: resolve_attempt(attempt_id=attempt.pk))
        for sent in self.own(
            RefundAttempt.objects.filter(outcome__in=RefundAttempt.OPEN), "refund__settlement"
        ):
            self.ask(lambda sent=sent: resolve_refund_attempt(attempt_id=sent.pk))
        for dispute in self.own(Dispute.objects.filter(status__in=Dispute.ANSWERABLE).exclude(evidence=None)):
            self.ask(lambda dispute=dispute: refresh_dispute(dispute_id=dispute.pk))
        for transfer in self.own(Transfer.objects.filter(status=Transfer.Status.SENDING), LINE):
            self.ask(lambda transfer=transfer: resolve_transfer(transfer_id=transfer.pk, now=self.now))
        for prepayment in self.open_prepayments():
            self.ask(
                lambda prepayment=prepayment: resolve_prepayment(prepayment_id=prepayment.pk, now=self.now)
            )

    def open_prepayments(self, *methods: Prepayment.Method) -> QuerySet[Prepayment]:
        return Prepayment.objects.filter(
            organization__in=self.buyers.values(),
            status=Prepayment.Status.OPEN,
            method__in=methods or Prepayment.Method,
        ).order_by("id")

    def send_all(self) -> None:
        """Send what was decided: refunds, transfers, and what is taken back of them."""
        for refund in self.own(Refund.objects.filter(status=Refund.Status.APPROVED)):
            self.ask(lambda refund=refund: send_refund(refund_id=refund.pk))
        for transfer in self.own(Transfer.objects.filter(status=Transfer.Status.APPROVED), LINE):
            self.ask(lambda transfer=transfer: send_transfer(transfer_id=transfer.pk, now=self.now))
        reversals = TransferReversal.objects.filter(status__in=TransferReversal.OPEN)
        for reversal in self.own(reversals, f"transfer__{LINE}"):
            self.ask(lambda reversal=reversal: send_reversal(reversal_id=reversal.pk))
        for own in PrepaidReturn.objects.filter(
            prepayment__organization__in=self.buyers.values(), status=PrepaidReturn.Status.SENDING
        ):
            self.ask(lambda own=own: send_return(return_id=own.pk))

    def _draw_up_months(self) -> None:
        months = LeaseMonth.objects.filter(
            pk__in=due_months(self.now), lease__organization__in=self.buyers.values()
        )
        for month in months.order_by("starts_at", "id"):
            drawn_up = draw_up_month(month_id=month.pk, now=self.now)
            self.settlements += [drawn_up.pk] if drawn_up else []
        ended = Lease.objects.filter(
            organization__in=self.buyers.values(), status=Lease.Status.ACTIVE, award__ends_at__lte=self.now
        )
        for lease in ended:
            complete_lease(lease_id=lease.pk, now=self.now)

    def _book_funds(self) -> None:
        pending = PendingFunds.objects.filter(
            booked_at=None, available_at__lte=self.now, posted_id__gt=self.books.first_transaction
        )
        for funds_id in pending.values_list("id", flat=True):
            with suppress(funds.FundsMismatch):
                self.ask(lambda funds_id=funds_id: funds.book_available(funds_id=funds_id))
        for transfer in self.own(Transfer.objects.filter(available_on__lte=self.now), LINE):
            book_available(transfer_id=transfer.pk, now=self.now)
