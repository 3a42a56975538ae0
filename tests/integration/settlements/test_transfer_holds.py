"""A transfer is held while an outage or a dispute is open, and sent once it is not."""

from datetime import timedelta

import pytest
from django.db import transaction

from settlements.models import Transfer
from settlements.operations.disputes import apply_dispute
from settlements.operations.outages import OutageReport, report_outage, withdraw_outage
from settlements.stripe_facts import StripeDispute
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import UserFactory
from tests.integration.settlements.payout_steps import transfer_ready
from tests.integration.settlements.transfer_steps import send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


class TestHeldByWhatIsOpen:
    def test_an_outage_reported_after_delivery_holds_until_it_is_withdrawn(self) -> None:
        transfer = transfer_ready()
        delivery = transfer.delivery
        outage = report_outage(
            buyer=delivery.buyer,
            delivery_id=delivery.pk,
            reported_by=UserFactory(),
            report=OutageReport(
                delivery.starts_at, delivery.starts_at + timedelta(minutes=30), "No network."
            ),
            now=delivery.ends_at + timedelta(hours=1),
        )
        assert send(transfer) == Status.APPROVED

        withdraw_outage(buyer=delivery.buyer, outage_id=outage.pk)

        assert send(transfer) == Status.PAID

    def test_a_disputed_payment_holds_until_the_dispute_is_won(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready()
        opened = {
            "id": "du_1",
            "status": "needs_response",
            "amount_cents": 10_000,
            "currency": "usd",
            "charge_id": transfer.source_charge_id,
            "payment_intent_id": "",
            "reason": "general",
            "due_at": None,
            "n_submissions": 0,
            "taken_cents": 0,
            "taken_fee_cents": 0,
            "returned_cents": 0,
            "returned_fee_cents": 0,
        }
        with transaction.atomic():
            apply_dispute(StripeDispute(**opened))
        assert send(transfer) == Status.APPROVED
        assert transfer.delivery.transfer_holds.get().reason == "The buyer’s payment is disputed."

        with transaction.atomic():
            apply_dispute(StripeDispute(**opened | {"status": "won"}))

        assert send(transfer) == Status.PAID
