"""The end of a run: the network is well again, every open question is asked once more, time runs out. Then the laws."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis.stateful import invariant

from settlements.models import (
    ChargeAttempt,
    Delivery,
    Dispute,
    Lease,
    Outage,
    PrepaidDispute,
    PrepaidReturn,
    Prepayment,
    Refund,
    RefundAttempt,
    RefundLine,
    Settlement,
    StripeEvent,
    Transfer,
    TransferReversal,
)
from settlements.operations.events import HANDLERS, handle_event
from settlements.operations.prepayments import PrepaymentRejected, cancel_prepayment, resolve_prepayment
from settlements.operations.refunds import cancel_refund
from settlements.stripe_sandbox.resources import disputes as bank
from tests.integration.settlements.steps import stripe_client
from tests.laws.money_machine.banks import Banks
from tests.laws.money_machine.buyers import Buyers
from tests.laws.money_machine.clock import LINE, Clock
from tests.laws.money_machine.deciding import Deciding
from tests.laws.money_machine.market import Market
from tests.laws.money_machine.refunding import Refunding
from tests.laws.money_machine.sellers import Sellers
from tests.laws.money_machine.world import World

ROUNDS_TO_THE_END = 12
DAYS_OF_A_ROUND = 10
STIRS_OF_A_ROUND = 5
ENDED = (*Settlement.ENDED, Settlement.Status.CARRIED)


class MoneyMachine(Market, Buyers, Sellers, Refunding, Deciding, Banks, Clock):
    """All rules together, and what must hold after each step and at the end."""

    n_steps: ClassVar[int] = 0
    n_runs: ClassVar[int] = 0

    @invariant()
    def the_books_are_right(self) -> None:
        type(self).n_steps += 1
        self.books.check_if_anything_was_booked()

    def teardown(self) -> None:
        if sys.exc_info()[0] is not None:
            return  # a law is broken already: nothing more to learn from this run
        type(self).n_runs += 1
        self.sandbox.sandbox.faults.clear()
        self._give_up_what_may_never_come()
        self._have_the_banks_decide()
        for _ in range(ROUNDS_TO_THE_END):
            self._settle_down()
            if not self._open():
                break
            self.pass_time(timedelta(days=DAYS_OF_A_ROUND))
        self.books.check()
        self.books.check_against_stripe(stripe_client())
        self._check_nothing_is_left_open()
        self._check_payments()
        self._check_four_eyes()
        self._check_replay()
        World.is_broken_off = False

    def _give_up_what_may_never_come(self) -> None:
        """Cancel bank transfers that wait: nobody knows whether they come."""
        for prepayment in self.open_prepayments(Prepayment.Method.BANK_TRANSFER):
            self.ask(
                lambda prepayment=prepayment: resolve_prepayment(prepayment_id=prepayment.pk, now=self.now)
            )
            with suppress(PrepaymentRejected):
                cancel_prepayment(organization_id=prepayment.organization_id, prepayment_id=prepayment.pk)

    def _have_the_banks_decide(self) -> None:
        """Win what is under review: banks have no deadline."""
        with self.at_stripe() as call:
            for status in ("under_review", "warning_under_review"):
                for dispute in call.store.select("dispute", equals={"status": status}, created={}, limit=100):
                    bank.win(call, dispute)

    def _settle_down(self) -> None:
        """Let everybody do what they still have to do, until Stripe has nothing more to tell."""
        for _ in range(STIRS_OF_A_ROUND):
            self.charge_all()
            self.do_what_is_due()
            self._decide_everything()
            self.resolve_all()
            self.send_all()
            self.collect_events()
            if not self.events:
                break
            while self.events:
                self.deliver(self.events.pop(0))

    def _decide_everything(self) -> None:
        for outage in self.own(Outage.objects.filter(status__in=Outage.UNDECIDED), LINE):
            # What a second person dropped comes back to be decided, and would for ever.
            dropped = RefundLine.objects.filter(
                line=outage.delivery.line_id, refund__status=Refund.Status.CANCELLED
            )
            self.decide(outage, 0, 0 if dropped.exists() else 50)
        for refund in self.own(Refund.objects.filter(status=Refund.Status.PROPOSED)):
            cancel_refund(refund_id=refund.pk, by=self.people[1])
        for dispute in self.own(Dispute.objects.filter(status=Dispute.Status.LOST)):
            self.bear(dispute, Dispute.Bearer.SELLER)

    def _open(self) -> dict[str, list[Any]]:
        """What time still has to end, by what it is."""
        of_buyers = {"organization__in": self.buyers.values()}
        found = {
            "settlements": self.own(Settlement.objects.exclude(status__in=ENDED), "pk"),
            "deliveries": self.own(Delivery.objects.filter(status__in=Delivery.LIVE), "line__settlement"),
            "disputes": self.own(Dispute.objects.filter(status__in=Dispute.OPEN)),
            "leases": Lease.objects.filter(status=Lease.Status.ACTIVE, **of_buyers),
            "prepaid disputes": PrepaidDispute.objects.filter(
                prepayment__organization__in=self.buyers.values(), status__in=PrepaidDispute.OPEN
            ),
            "prepaid returns": PrepaidReturn.objects.filter(
                prepayment__organization__in=self.buyers.values(), status=PrepaidReturn.Status.SENDING
            ),
            "prepayments": Prepayment.objects.filter(status=Prepayment.Status.OPEN, **of_buyers),
        }
        left = {what: list(rows.values_list("pk", "status")) for what, rows in found.items() if rows.exists()}
        pending = RefundAttempt.objects.filter(outcome__in=RefundAttempt.OPEN)
        at_banks = list(self.own(pending, "refund__settlement").values_list("pk", "outcome"))
        with self.at_stripe() as call:
            sent = call.store.select("payout", equals={"status": "pending"}, created={}, limit=10)
        under_way = {"refunds": at_banks, "payouts": [payout["id"] for payout in sent]}
        return left | {what: ids for what, ids in under_way.items() if ids}

    # The laws of the end

    def _check_nothing_is_left_open(self) -> None:
        """Everything ends: what is not final waits for money or for a person, and for nothing else."""
        left = self._open()
        assert not left, left
        assert not self.unhandled
        open_ones = {
            "attempts": self.own(ChargeAttempt.objects.filter(outcome__in=ChargeAttempt.OPEN)),
            "transfers": self.own(Transfer.objects.filter(status=Transfer.Status.SENDING), LINE),
            "reversals": self.own(
                TransferReversal.objects.filter(status__in=TransferReversal.OPEN), f"transfer__{LINE}"
            ),
        }
        waiting = {what: list(rows) for what, rows in open_ones.items() if rows.exists()}
        assert not waiting, waiting

    def _check_payments(self) -> None:
        """A settlement was paid at most once, and nothing left before delivery."""
        ids = {str(settlement_id) for settlement_id in self.settlements}
        paid: dict[str, int] = {}
        with self.at_stripe() as call:
            for intent in call.store.select(
                "payment_intent", equals={"status": "succeeded"}, created={}, limit=1000
            ):
                name = intent["metadata"].get("settlement")
                if name in ids:
                    paid[name] = paid.get(name, 0) + 1
        assert all(n == 1 for n in paid.values()), paid
        left = self.own(Transfer.objects.filter(status__in=Transfer.LEFT), LINE)
        assert not left.exclude(delivery__status=Delivery.Status.DELIVERED).exists()

    def _check_four_eyes(self) -> None:
        """What needs two people had two."""
        gone = (Transfer.Status.APPROVED, *Transfer.LEFT)
        for transfer in self.own(Transfer.objects.filter(needs_second=True, status__in=gone), LINE):
            assert {transfer.proposed_by_id, transfer.approved_by_id} > {None} or (
                transfer.proposed_by_id != transfer.approved_by_id
            ), transfer
        for refund in self.own(Refund.objects.filter(needs_second=True, status__in=Refund.BOOKED)):
            assert refund.decided_by_id is not None
            assert refund.decided_by_id != refund.proposed_by_id, refund

    def _check_replay(self) -> None:
        """Every webhook once more, newest first, changes nothing.

        A handler reads the object anew, whatever the event told of it: one event for each object and handler is all.
        """
        events = StripeEvent.objects.filter(pk__gt=self.books.first_event).order_by("-id")
        newest = {(HANDLERS[event.type], event.object_id): event.pk for event in reversed(events)}
        before = self.books.fingerprint()
        StripeEvent.objects.filter(pk__in=newest.values()).update(handled_at=None)
        for event_id in sorted(newest.values(), reverse=True):
            handle_event(event_id=event_id)
        assert self.books.fingerprint() == before
