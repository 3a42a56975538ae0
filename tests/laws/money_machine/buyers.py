"""What buyers do: pay, authenticate or not, pay ahead, report what did not work."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accounts.models import BiddingLimit, Organization
from settlements.models import Customer, Delivery, Outage, Prepayment
from settlements.operations.charging import CannotPay, continue_payment, pay_settlement
from settlements.operations.outages import (
    OutageRefused,
    OutageReport,
    floor_minute,
    report_outage,
    withdraw_outage,
)
from settlements.operations.payments import PaymentMismatch
from settlements.operations.prepaid_returns import ReturnDraft, ReturnRefused, return_prepaid
from settlements.operations.prepayments import (
    PrepaymentDraft,
    PrepaymentRejected,
    cancel_prepayment,
    resolve_prepayment,
    start_prepayment,
)
from settlements.stripe_sandbox.errors import StripeError
from settlements.stripe_sandbox.resources import bank_transfers, payments
from tests.laws.money_machine.world import World, picks

Method = Prepayment.Method
PREPAID_AT_MOST_CENTS = 3_000_00
CARD_NUMBERS = (
    "4242424242424242",
    "4000000000000002",
    "4000002760003184",
    "4000000000005126",
    "4000000000000259",
    "4000000000001976",
)
"""Typed on Stripe's page: it pays, is declined, is asked by its bank, its refunds fail, and two that are disputed."""


class Buyers(World):
    """Payments, prepayments and reports."""

    @rule(pick=picks, card=picks)
    def pay_with_the_buyer_present(self, pick: int, card: int) -> None:
        settlement = self.settlement(pick)
        cards = list(settlement.organization.payment_methods.filter(removed_at=None).order_by("id"))
        if cards and settlement.status not in settlement.ENDED:
            with suppress(CannotPay):
                self.ask(
                    lambda: pay_settlement(
                        organization_id=settlement.organization_id,
                        settlement_id=settlement.pk,
                        payment_method_id=cards[card % len(cards)].pk,
                    )
                )

    @rule(pick=picks)
    def put_a_good_card_on_file(self, pick: int) -> None:
        settlement = self.settlement(pick)
        buyer = settlement.organization
        if settlement.status not in settlement.ENDED and buyer.payment_methods.count() < 2:
            self.put_on_file(buyer, "pm_card_visa")

    @rule(pick=picks, passes=st.booleans())
    def answer_the_bank(self, pick: int, passes: bool) -> None:
        """The holder of a card confirms a payment at the bank, or fails to."""
        with self.at_stripe() as call:
            waiting = [
                intent
                for intent in call.store.select(
                    "payment_intent", equals={"status": "requires_action"}, created={}, limit=20
                )
                if intent["payment_method_types"] == ["card"]
            ]
            if not waiting:
                return
            intent = waiting[pick % len(waiting)]
            if passes:
                with suppress(StripeError):
                    payments.take(call, intent)
            else:
                payments.fail_authentication(call, intent)

    @rule(pick=picks)
    def come_back_from_the_bank(self, pick: int) -> None:
        settlement = self.settlement(pick)
        self.ask(
            lambda: continue_payment(organization_id=settlement.organization_id, settlement_id=settlement.pk)
        )

    # Paying ahead

    @rule(
        pick=picks,
        method=st.sampled_from(Method),
        cents=st.integers(1_00, PREPAID_AT_MOST_CENTS),
        times=st.integers(1, 2),
    )
    def begin_to_prepay(self, pick: int, method: Prepayment.Method, cents: int, times: int) -> None:
        draft = PrepaymentDraft(self.buyer_at(pick).pk, method, cents, uuid4())
        for _ in range(times):  # a form sent twice is one prepayment
            self.ask(lambda: start_prepayment(draft=draft, by=self.people[0]))

    @rule(pick=picks, number=st.sampled_from(CARD_NUMBERS))
    def pay_on_stripes_page(self, pick: int, number: str) -> None:
        prepayment = self.prepayment(pick, method=Method.CARD, status=Prepayment.Status.OPEN)
        if prepayment is not None and prepayment.page_url:
            self.browser.post(prepayment.page_url, data={"number": number})

    @rule(pick=picks, per_mille=st.integers(1, 1200))
    def send_a_bank_transfer(self, pick: int, per_mille: int) -> None:
        prepayment = self.prepayment(pick, method=Method.BANK_TRANSFER, status=Prepayment.Status.OPEN)
        if prepayment is None:
            return
        customer = Customer.objects.get(pk=prepayment.organization_id)
        cents = max(prepayment.amount_cents * per_mille // 1000, 1)
        with self.at_stripe() as call:
            bank_transfers.fund(call, str(customer.stripe_id), cents, None)

    @rule(pick=picks)
    def come_back_from_stripes_page(self, pick: int) -> None:
        prepayment = self.prepayment(pick, status=Prepayment.Status.OPEN)
        if prepayment is not None:
            self.ask(lambda: resolve_prepayment(prepayment_id=prepayment.pk, now=self.now))

    @rule(pick=picks)
    def give_up_a_bank_transfer(self, pick: int) -> None:
        prepayment = self.prepayment(pick, method=Method.BANK_TRANSFER)
        if prepayment is not None:
            with suppress(PrepaymentRejected, PaymentMismatch):
                self.ask(
                    lambda: cancel_prepayment(
                        organization_id=prepayment.organization_id, prepayment_id=prepayment.pk
                    )
                )

    @rule(pick=picks, per_mille=st.integers(1, 1100), times=st.integers(1, 2))
    def ask_prepaid_money_back(self, pick: int, per_mille: int, times: int) -> None:
        limit = BiddingLimit.objects.get(pk=self.buyer_at(pick).pk)
        if limit.prepaid_cents:
            cents = max(limit.prepaid_cents * per_mille // 1000, 1)
            draft = ReturnDraft(limit.pk, cents, uuid4())
            with suppress(ReturnRefused):
                for _ in range(times):  # a form sent twice asks once
                    return_prepaid(draft=draft, by=self.people[0])

    # What did not work

    @rule(pick=picks, from_minute=st.integers(0, 119), minutes=st.integers(1, 120))
    def report_an_outage(self, pick: int, from_minute: int, minutes: int) -> None:
        delivery = self.delivery(pick, Delivery.Status.RUNNING, Delivery.Status.DELIVERED)
        if delivery is None:
            return
        starts_at = delivery.starts_at + timedelta(minutes=from_minute)
        ends_at = min(starts_at + timedelta(minutes=minutes), delivery.ends_at, floor_minute(self.now))
        with suppress(OutageRefused):
            report_outage(
                buyer=delivery.buyer,
                delivery_id=delivery.pk,
                reported_by=self.people[0],
                report=OutageReport(starts_at, ends_at, "No answer."),
                now=self.now,
            )

    @rule(pick=picks)
    def withdraw_an_outage(self, pick: int) -> None:
        outage = self.pick(
            Outage.objects.filter(status__in=Outage.UNDECIDED), pick, "delivery__line__settlement"
        )
        if outage is not None:
            with suppress(OutageRefused):
                withdraw_outage(buyer=outage.delivery.buyer, outage_id=outage.pk)

    # Helpers

    def buyer_at(self, pick: int) -> Organization:
        return list(self.buyers.values())[pick % len(self.buyers)]

    def prepayment(self, pick: int, **how: Any) -> Prepayment | None:
        own = Prepayment.objects.filter(organization__in=self.buyers.values(), **how)
        found = list(own.order_by("id"))
        return found[pick % len(found)] if found else None
