"""A transfer whose answer was lost is looked up, sent again only if it never was, or told to finance."""

import pytest

from accounts.models import DeskEvent
from settlements import ledger
from settlements.models import Transfer
from settlements.operations.transfers import TransferMismatch, resolve_transfer
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.server import SandboxServer
from tests.integration.settlements.payout_steps import n_transfers, transfer_ready
from tests.integration.settlements.transfer_steps import in_threads, lose_answer, now, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


class TestStuck:
    def test_what_nobody_learns_is_told_to_finance_once(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready()
        lose_answer(stripe_sandbox)
        with pytest.raises(OutcomeUnknown):
            send(transfer)
        with stripe_sandbox.sandbox.store.transaction():
            told = stripe_sandbox.sandbox.store.select("transfer", equals={}, created={}, limit=1)[0]
            stripe_sandbox.sandbox.store.save({**told, "amount": 9_000})

        for _ in range(8):
            with pytest.raises(TransferMismatch):
                resolve_transfer(transfer_id=transfer.pk, now=now())

        event = DeskEvent.objects.get(kind="transfer.stuck")
        assert (event.data["transfer"], "its amount is 9000" in event.data["message"]) == (transfer.pk, True)


class TestLostAnswers:
    @pytest.mark.parametrize("phase", ["before", "after"])
    def test_are_looked_up_and_asked_for_again_only_if_nothing_is_there(
        self, stripe_sandbox: SandboxServer, phase: str
    ) -> None:
        transfer = transfer_ready()
        lose_answer(stripe_sandbox, phase)
        with pytest.raises(OutcomeUnknown):
            send(transfer)
        transfer.refresh_from_db()
        assert transfer.status == Status.SENDING

        in_threads(4, lambda: resolve_transfer(transfer_id=transfer.pk, now=now()))
        resolve_transfer(transfer_id=transfer.pk, now=now())

        transfer.refresh_from_db()
        assert transfer.status == Status.PAID
        assert n_transfers() == 1
        assert ledger.balance_cents(ledger.seller_payable(transfer.seller_id)) == 0
