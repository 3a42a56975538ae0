"""What Stripe tells of transfers, sellers' accounts and payouts: believed if it fits, and once."""

from typing import Any

import pytest

from settlements import ledger
from settlements.models import SellerAccount, StripeEvent, Transaction, Transfer
from settlements.operations.events import handle_event, store_event
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.server import SandboxServer
from tests.integration.settlements.payout_steps import deliver, paid_settlement, set_up, transfer_ready
from tests.integration.settlements.steps import stripe_client
from tests.integration.settlements.transfer_steps import lose_answer, send
from tests.integration.stripe_sandbox.steps import control

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


class TestEvents:
    def event(self, kind: str) -> dict[str, Any]:
        return stripe_client().v1.events.list({"type": kind, "limit": 1}).data[0].to_dict()

    def handle(self, event: dict[str, Any]) -> StripeEvent:
        store_event(event)
        row = StripeEvent.objects.get(stripe_id=event["id"])
        handle_event(event_id=row.pk)
        row.refresh_from_db()
        return row

    def test_transfer_created_brings_the_answer_that_was_lost(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready()
        lose_answer(stripe_sandbox)
        with pytest.raises(OutcomeUnknown):
            send(transfer)

        first = self.handle(self.event("transfer.created"))
        again = self.handle(self.event("transfer.created") | {"id": "evt_again"})

        transfer.refresh_from_db()
        assert transfer.status == Status.PAID
        assert (first.note, again.note) == (f"transfer {transfer.pk}: paid", "nothing new")
        assert Transaction.objects.filter(kind="transfer").count() == 1

    def test_a_transfer_of_somebody_else_changes_nothing(self) -> None:
        transfer = transfer_ready()
        account = SellerAccount.objects.get(pk=transfer.seller_id)
        stripe_client().v1.transfers.create(
            {
                "amount": 100,
                "currency": "usd",
                "destination": account.stripe_id,
                "source_transaction": transfer.source_charge_id,
            }
        )

        assert "names no transfer of ours" in self.handle(self.event("transfer.created")).note

    def test_one_with_another_amount_is_not_believed(self) -> None:
        transfer = transfer_ready()
        account = SellerAccount.objects.get(pk=transfer.seller_id)
        stripe_client().v1.transfers.create(
            {
                "amount": 100,
                "currency": "usd",
                "destination": account.stripe_id,
                "source_transaction": transfer.source_charge_id,
                "metadata": {"transfer": str(transfer.pk), "delivery": str(transfer.delivery_id)},
            }
        )

        note = self.handle(self.event("transfer.created")).note

        assert note.startswith("refused:")
        assert "its amount is 100" in note
        transfer.refresh_from_db()
        assert transfer.status == Status.APPROVED
        assert not Transaction.objects.filter(kind="transfer").exists()

    def test_account_updated_lets_the_seller_be_paid_and_stops_it(
        self, stripe_sandbox: SandboxServer
    ) -> None:
        delivery = deliver(paid_settlement(10_000))
        account = set_up(delivery.seller)
        SellerAccount.objects.update(payouts_enabled=False, transfers_active=False)

        assert "can be paid" in self.handle(self.event("account.updated")).note
        control(stripe_sandbox, f"accounts/{account.stripe_id}/disable")
        stopped = self.handle(self.event("account.updated"))

        account.refresh_from_db()
        assert stopped.note.endswith("cannot be paid")
        assert account.currently_due == ["verification.document"]

    def test_an_account_of_nobody_changes_nothing(self) -> None:
        account = stripe_client().v1.accounts.create({"type": "express"})
        event = {
            "id": "evt_1",
            "type": "account.updated",
            "data": {"object": {"id": account.id, "object": "account"}},
        }

        assert "is no seller's account here" in self.handle(event).note

    def test_payouts_are_booked_when_paid_and_back_when_returned(self, stripe_sandbox: SandboxServer) -> None:
        paid_settlement(10_000)
        control(stripe_sandbox, "clock", {"seconds": 2 * 86_400})
        payout = stripe_client().v1.payouts.create({"amount": 5_000, "currency": "usd"})
        self.handle(self.event("payout.created"))
        assert ledger.balance_cents(ledger.BANK) == 0

        control(stripe_sandbox, "clock", {"seconds": 2 * 86_400})
        self.handle(self.event("payout.paid"))
        self.handle(self.event("payout.paid") | {"id": "evt_again"})
        assert ledger.balance_cents(ledger.BANK) == 5_000

        control(stripe_sandbox, f"payouts/{payout.id}/fail")
        self.handle(self.event("payout.failed"))
        self.handle(self.event("payout.paid") | {"id": "evt_late"})
        assert ledger.balance_cents(ledger.BANK) == 0
