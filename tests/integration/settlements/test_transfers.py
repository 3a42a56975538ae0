"""A delivered line is paid to its seller once: after delivery, not while held, out of the charge that paid it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F
from pytest_django import Settings

from accounts.models import StreamEvent, User
from settlements import ledger
from settlements.jobs import REFRESH_ACCOUNT, RESOLVE_TRANSFER, SEND_TRANSFER
from settlements.models import SellerAccount, Settlement, SettlementLine, Transaction, Transfer
from settlements.operations.seller_accounts import refresh_account
from settlements.operations.transfer_decisions import approve_transfers, hold_transfer, propose_transfers
from settlements.operations.transfer_holds import lift_holds, place_hold
from settlements.operations.transfers import NO_ACCOUNT, NO_FUNDS, SET_OFF, send_transfer
from settlements.queries.transfers import accounts_to_refresh, transfers_to_send
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_transfers
from tests.factories import BuyerFactory, UserFactory
from tests.integration.settlements.payout_steps import (
    deliver,
    n_transfers,
    paid_settlement,
    set_up,
    transfer_ready,
)
from tests.integration.settlements.steps import jobs_waiting, settlement_of, stripe_client
from tests.integration.settlements.transfer_steps import in_threads, lose_answer, now, owe, send
from tests.integration.stripe_sandbox.steps import control

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


class TestWriting:
    def test_delivery_writes_one_for_the_share_and_has_it_sent(self) -> None:
        delivery = deliver(paid_settlement(10_000))

        transfer = delivery.transfers.get()

        assert (transfer.amount_cents, transfer.status, transfer.needs_second) == (
            9_500,
            Status.APPROVED,
            False,
        )
        assert transfer.source_charge_id.startswith("ch_")
        assert (SEND_TRANSFER, transfer.pk) in jobs_waiting()

    def test_what_was_prepaid_comes_out_of_the_balance(self) -> None:
        settlement = paid_settlement(10_000)
        Settlement.objects.filter(pk=settlement.pk).update(prepaid_cents=4_000)

        transfers = deliver(settlement).transfers.order_by("number")

        assert [(one.amount_cents, bool(one.source_charge_id)) for one in transfers] == [
            (5_700, True),
            (3_800, False),
        ]

    def test_from_the_threshold_on_it_waits_for_two_people(self, settings: Settings) -> None:
        settings.TRANSFER_FOUR_EYES_CENTS = 9_500

        transfer = deliver(paid_settlement(10_000)).transfers.get()

        assert (transfer.status, transfer.needs_second) == (Status.PENDING_APPROVAL, True)
        assert (SEND_TRANSFER, transfer.pk) not in jobs_waiting()

    def test_more_than_stripe_moves_at_once_leaves_in_parts(self) -> None:
        settlement = settlement_of(150_000_000, buyer=BuyerFactory(limit_cents=10**12))
        Settlement.objects.filter(pk=settlement.pk).update(
            status=Settlement.Status.PAID, paid_at=now(), prepaid_cents=F("amount_cents")
        )

        transfers = deliver(settlement).transfers.order_by("number")

        assert [one.amount_cents for one in transfers] == [99_999_999, 42_500_001]
        assert all(one.needs_second for one in transfers)

    def test_nothing_is_written_for_a_share_of_nothing(self) -> None:
        settlement = paid_settlement(10_000)
        SettlementLine.objects.filter(settlement=settlement).update(
            refunded_cents=10_000, refunded_fee_cents=500
        )

        assert not deliver(settlement).transfers.exists()


class TestSending:
    def test_pays_the_seller_once_and_books_it(self) -> None:
        transfer = transfer_ready()

        assert send(transfer) == Status.PAID
        assert send(transfer) == Status.PAID

        assert n_transfers() == 1
        known = stripe_client().v1.transfers.retrieve(transfer.stripe_transfer_id)
        assert (known.amount, known.to_dict()["source_transaction"]) == (9_500, transfer.source_charge_id)
        assert ledger.balance_cents(ledger.seller_payable(transfer.seller_id)) == 0
        # Drawn on a charge whose funds are pending: so are those that left.
        assert ledger.balance_cents(ledger.STRIPE_PENDING) == 10_000 - 320 - 9_500
        booked = Transaction.objects.get(reference=f"transfer:{transfer.pk}:paid")
        assert transfer.balance_transaction_id in booked.description
        kinds = StreamEvent.objects.filter(organization_id=transfer.seller_id).values_list("kind", flat=True)
        assert "transfer.paid" in kinds

    def test_pending_funds_become_available_with_time(self) -> None:
        transfer = transfer_ready()
        send(transfer)

        sweep_transfers(now=now() + timedelta(days=3))
        sweep_transfers(now=now() + timedelta(days=4))

        assert ledger.balance_cents(ledger.STRIPE_PENDING) == 10_000 - 320
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == -9_500

    def test_waits_until_the_seller_can_be_paid(self) -> None:
        delivery = deliver(paid_settlement(10_000))
        transfer = delivery.transfers.get()
        assert send(transfer) == Status.APPROVED
        assert transfers_to_send(now() + timedelta(minutes=1)) == []

        set_up(delivery.seller)

        assert transfers_to_send(now() + timedelta(minutes=1)) == [transfer.pk]
        assert send(transfer) == Status.PAID

    def test_a_seller_stopped_since_is_waited_for(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready()
        account = SellerAccount.objects.get(pk=transfer.seller_id)
        control(stripe_sandbox, f"accounts/{account.stripe_id}/disable")

        assert send(transfer) == Status.APPROVED

        account.refresh_from_db()
        assert (transfer.message, account.can_be_paid) == (NO_ACCOUNT, False)
        assert n_transfers() == 0

    def test_the_sweep_asks_about_a_seller_that_waits_to_be_paid(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready()
        account = SellerAccount.objects.get(pk=transfer.seller_id)
        SellerAccount.objects.update(transfers_active=False)  # as a refused transfer leaves it
        sweep_transfers(now=now())
        assert (REFRESH_ACCOUNT, account.pk) not in jobs_waiting(), "it was asked about just now"

        SellerAccount.objects.update(checked_at=now() - timedelta(hours=2))
        sweep_transfers(now=now())
        assert (REFRESH_ACCOUNT, account.pk) in jobs_waiting()
        refresh_account(organization_id=account.pk)

        assert send(transfer) == Status.PAID

    def test_a_seller_is_asked_about_once_an_hour_though_stripe_does_not_answer(
        self, stripe_sandbox: SandboxServer
    ) -> None:
        transfer = transfer_ready()
        SellerAccount.objects.update(transfers_active=False, checked_at=now() - timedelta(hours=2))
        path = "/v1/accounts/{account}"
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="error", method="GET", path=path, times=2))

        with pytest.raises(OutcomeUnknown):
            refresh_account(organization_id=transfer.seller_id)

        assert accounts_to_refresh(now()) == []

    def test_insufficient_funds_are_waited_for_and_tried_again(self, stripe_sandbox: SandboxServer) -> None:
        settlement = paid_settlement(10_000)
        Settlement.objects.filter(pk=settlement.pk).update(prepaid_cents=10_000)
        delivery = deliver(settlement)
        set_up(delivery.seller)
        transfer = delivery.transfers.get()

        assert send(transfer) == Status.APPROVED
        assert transfer.message == NO_FUNDS
        assert send(transfer) == Status.APPROVED, "it is not due again yet"
        control(stripe_sandbox, "clock", {"seconds": 2 * 86_400})
        later = now() + timedelta(minutes=6)
        assert send_transfer(transfer_id=transfer.pk, now=later) == Status.PAID

        assert n_transfers() == 1
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == -9_500

    def test_pays_what_a_refund_has_left(self) -> None:
        transfer = transfer_ready()
        SettlementLine.objects.filter(delivery=transfer.delivery_id).update(
            refunded_cents=2_000, refunded_fee_cents=100
        )

        assert send(transfer) == Status.PAID
        assert transfer.amount_cents == 9_500 - 1_900

    def test_nothing_is_sent_of_what_was_refunded_in_full(self) -> None:
        transfer = transfer_ready()
        SettlementLine.objects.filter(delivery=transfer.delivery_id).update(
            refunded_cents=10_000, refunded_fee_cents=500
        )

        assert send(transfer) == Status.CANCELLED
        assert n_transfers() == 0

    def test_a_debt_of_a_cent_holds_back_no_more_than_a_cent(self) -> None:
        transfer = transfer_ready()
        owe(transfer.seller_id, 1)

        assert send(transfer) == Status.PAID

        assert transfer.amount_cents == 9_499
        rest = transfer.delivery.transfers.get(number=2)
        assert (rest.amount_cents, rest.status, rest.message) == (1, Status.APPROVED, SET_OFF)
        assert rest.source_charge_id == transfer.source_charge_id
        later = now() + timedelta(hours=2)
        assert send_transfer(transfer_id=rest.pk, now=later) == Status.APPROVED, (
            "nothing is left to pay it from"
        )
        owe(transfer.seller_id, -1)
        assert send_transfer(transfer_id=rest.pk, now=later + timedelta(hours=2)) == Status.PAID
        assert transfer.delivery.transfers.count() == n_transfers() == 2

    def test_what_waits_keeps_both_approvals(self, settings: Settings) -> None:
        settings.TRANSFER_FOUR_EYES_CENTS = 9_500
        transfer = transfer_ready()
        first, second = UserFactory(is_finance=True), UserFactory(is_finance=True)
        propose_transfers(shown_cents={transfer.pk: 9_500}, by=first)
        approve_transfers(shown_cents={transfer.pk: 9_500}, by=second)
        owe(transfer.seller_id, 2_000)

        assert send(transfer) == Status.PAID

        rest = transfer.delivery.transfers.get(number=2)
        assert (rest.amount_cents, rest.needs_second, rest.status) == (2_000, True, Status.APPROVED)
        assert (rest.proposed_by, rest.approved_by) == (first, second)

    def test_what_waits_is_approved_anew_where_an_approver_left(self, settings: Settings) -> None:
        settings.TRANSFER_FOUR_EYES_CENTS = 9_500
        transfer = transfer_ready()
        first, second = UserFactory(is_finance=True), UserFactory(is_finance=True)
        propose_transfers(shown_cents={transfer.pk: 9_500}, by=first)
        approve_transfers(shown_cents={transfer.pk: 9_500}, by=second)
        User.objects.filter(pk=second.pk).update(is_finance=False)
        owe(transfer.seller_id, 2_000)

        assert send(transfer) == Status.PAID

        rest = transfer.delivery.transfers.get(number=2)
        assert (rest.needs_second, rest.status) == (True, Status.PENDING_APPROVAL)
        assert (rest.proposed_by, rest.approved_by) == (None, None)

    def test_is_held_while_something_is_open(self) -> None:
        transfer = transfer_ready()
        with transaction.atomic():
            place_hold([transfer.delivery], reference="outage:1", reason="An outage is open.", by=None)
            place_hold([transfer.delivery], reference="outage:1", reason="An outage is open.", by=None)

        assert send(transfer) == Status.APPROVED
        assert transfers_to_send(now() + timedelta(minutes=1)) == []
        with transaction.atomic():
            assert lift_holds(reference="outage:1", by=None) == 1

        assert transfers_to_send(now() + timedelta(minutes=1)) == [transfer.pk]
        assert send(transfer) == Status.PAID

    def test_finance_may_hold_it(self) -> None:
        transfer = transfer_ready()
        hold_transfer(transfer_id=transfer.pk, reason="Looking into it.", by=UserFactory(is_finance=True))

        assert send(transfer) == Status.APPROVED

    def test_many_senders_at_once_pay_once(self) -> None:
        transfer = transfer_ready()

        in_threads(6, lambda: send_transfer(transfer_id=transfer.pk, now=now()))

        transfer.refresh_from_db()
        assert transfer.status == Status.PAID
        assert n_transfers() == 1

    def test_the_sweep_sends_and_looks_up(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready()
        later = now() + timedelta(minutes=1)
        sweep_transfers(now=later)
        assert jobs_waiting().count((SEND_TRANSFER, transfer.pk)) == 2, "that of the delivery, and its own"

        lose_answer(stripe_sandbox)
        with pytest.raises(OutcomeUnknown):
            send(transfer)
        sweep_transfers(now=now() + timedelta(minutes=2))

        assert (RESOLVE_TRANSFER, transfer.pk) in jobs_waiting()
