"""Send a transfer in three steps: commit that it leaves, call Stripe outside any transaction, record the outcome.

A process may die between any two of them. The row and its key are there before Stripe is, so whoever comes next looks
the transfer up by the row it names, and only when Stripe has none asks again, with the same key.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import DeskEvent, User
from accounts.stream import append_desk_event, append_event
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.backoff import TOLD_AFTER_CALLS
from settlements.models import SellerAccount, Settlement, SettlementLine, Transaction, Transfer, TransferHold
from settlements.operations.transfer_rows import (
    ask_for_approval,
    card_left_cents,
    owed_cents,
    payable_cents,
)
from settlements.stripe_facts import OutcomeUnknown, PaidTransfer, Refused, TransferOrder

logger = logging.getLogger(__name__)
Status = Transfer.Status

CLOCK_SKEW = timedelta(minutes=10)
FIRST_WAIT_FOR_FUNDS = timedelta(minutes=5)
MAX_DOUBLINGS = 6
NO_FUNDS = "Our balance at Stripe does not cover it yet. It is sent as soon as it does."
SET_OFF = (
    "Less is owed to this seller in all, because what was paid before was refunded since. It waits for that."
)
WAIT_FOR_SET_OFF = timedelta(hours=1)
NO_ACCOUNT = "Stripe does not let this seller be paid yet."
CANNOT_BE_PAID = {"insufficient_capabilities_for_transfer", "account_invalid", "transfers_not_allowed"}


class TransferMismatch(Exception):
    """Stripe tells of a transfer that is not the one we asked for; nothing is booked and a person must look."""


def send_transfer(*, transfer_id: int, now: datetime) -> Transfer.Status:
    """Send a transfer that may leave; return its state afterwards.

    Does nothing unless it is APPROVED, not held, due, and its seller can be paid. Raise OutcomeUnknown when Stripe's
    answer was lost: it stays SENDING and the sweep resolves it.
    """
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        account = SellerAccount.objects.filter(organization_id=transfer.seller_id).first()
        if not _may_leave(transfer, account, now) or not _begin(transfer, now):
            return Status(transfer.status)
        order = _order(transfer, account)
    _call_and_record(transfer_id, order, now)
    return _status(transfer_id)


def resolve_transfer(*, transfer_id: int, now: datetime) -> Transfer.Status:
    """Learn what became of a transfer being sent: look it up, and only if Stripe has none, ask again with its key.

    Raise OutcomeUnknown when it still cannot be known, TransferMismatch, Refused.
    """
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        if transfer.status != Status.SENDING:
            return Status(transfer.status)
        account = SellerAccount.objects.get(organization_id=transfer.seller_id)
        transfer.n_calls += 1
        transfer.called_at = now
        transfer.save(update_fields=["n_calls", "called_at"])
        order = _order(transfer, account)
    problem = ""
    try:
        found = gateway.find_transfer(
            account_id=order.account_id,
            since=transfer.created_at - CLOCK_SKEW,
            key="transfer",
            value=str(transfer_id),
        )
        if found is None:
            _call_and_record(transfer_id, order, now)
        else:
            _record(transfer_id, found)
    except (OutcomeUnknown, TransferMismatch, Refused) as error:
        problem = str(error)
        raise
    finally:
        if transfer.n_calls == TOLD_AFTER_CALLS:
            _tell_if_stuck(transfer_id, problem)
    return _status(transfer_id)


def book_available(*, transfer_id: int, now: datetime) -> bool:
    """Book that the pending funds a transfer drew on have become available. False if not due."""
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        if transfer.available_on is None or transfer.available_on > now:
            return False
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.FUNDS_AVAILABLE,
                reference=f"transfer:{transfer.pk}:available",
                description=f"Funds that transfer {transfer.pk} drew on became available",
                stripe_object_id=transfer.balance_transaction_id,
                cents={
                    ledger.STRIPE_PENDING: transfer.amount_cents,
                    ledger.STRIPE_AVAILABLE: -transfer.amount_cents,
                },
            )
        )
        transfer.available_on = None
        transfer.save(update_fields=["available_on"])
        return True


def lock_transfer(transfer_id: int) -> Transfer:
    """Return a transfer with its delivery, line and settlement, locked in the order settlement, line, transfer."""
    delivery_of = Transfer.objects.select_related("delivery__line").get(pk=transfer_id).delivery
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=delivery_of.line.settlement_id)
    line = SettlementLine.objects.select_for_update(no_key=True).get(pk=delivery_of.line_id)
    transfer = Transfer.objects.select_for_update(no_key=True).get(pk=transfer_id)
    line.settlement = settlement
    transfer.delivery.line = line
    return transfer


def apply_transfer(transfer: Transfer, paid: PaidTransfer) -> bool:
    """Take a transfer that Stripe made into its locked row. Return whether anything changed.

    Raise TransferMismatch when amount, currency, destination or identity differ from what was asked.
    """
    _require_match(transfer, paid)
    if transfer.status in (Status.PAID, Status.REVERSED):
        return False
    if transfer.status != Status.SENDING:
        raise TransferMismatch(f"{paid.id} was made although {transfer} is {transfer.status}")
    _move(transfer, Status.PAID)
    transfer.stripe_transfer_id = paid.id
    transfer.balance_transaction_id = paid.balance_transaction_id
    transfer.available_on = None if paid.is_available else paid.available_on
    transfer.paid_at = database_now()
    transfer.message, transfer.next_try_at = "", None
    transfer.save()
    ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.TRANSFER,
            reference=f"transfer:{transfer.pk}:paid",
            description=f"{paid.id} to {transfer.seller}, {paid.balance_transaction_id}"[:200],
            stripe_object_id=paid.id,
            cents={
                ledger.seller_payable(transfer.seller_id): transfer.amount_cents,
                ledger.STRIPE_AVAILABLE if paid.is_available else ledger.STRIPE_PENDING: -paid.moved_cents,
            },
        )
    )
    tell_seller(transfer, "transfer.paid")
    return True


def tell_seller(transfer: Transfer, kind: str) -> None:
    append_event(
        organization_id=transfer.seller_id,
        kind=kind,
        data={
            "transfer": transfer.pk,
            "delivery": transfer.delivery_id,
            "amount_cents": transfer.amount_cents,
            "status": transfer.status,
        },
    )


def _may_leave(transfer: Transfer, account: SellerAccount | None, now: datetime) -> bool:
    return (
        transfer.status == Status.APPROVED
        and (transfer.next_try_at is None or transfer.next_try_at <= now)
        and account is not None
        and account.can_be_paid
        and not TransferHold.objects.filter(delivery_id=transfer.delivery_id, lifted_at=None).exists()
    )


def _begin(transfer: Transfer, now: datetime) -> bool:
    """Mark a transfer as being sent, for what refunds since have left of it. False if that is nothing.

    Where the seller owes us part of it, the rest leaves now, and that part waits in a transfer of its own.
    """
    owed = min(owed_cents(transfer), transfer.amount_cents)
    if owed <= 0:
        _move(transfer, Status.CANCELLED)
        transfer.message = "What it was for has been refunded."
        transfer.save()
        return False
    payable = payable_cents(transfer.seller_id)
    if payable <= 0:
        transfer.message, transfer.next_try_at = SET_OFF, now + WAIT_FOR_SET_OFF
        transfer.save(update_fields=["message", "next_try_at"])
        return False
    # A refund to the card took from the charge that this one draws on: then it comes out of the balance.
    if transfer.source_charge_id and card_left_cents(transfer.delivery.line.settlement) < 0:
        transfer.source_charge_id = ""
    transfer.amount_cents = min(owed, payable)
    transfer.save(update_fields=["amount_cents", "source_charge_id"])
    if owed > payable:
        _wait_with_the_rest(transfer, owed - payable, now)
    _move(transfer, Status.SENDING)
    transfer.n_calls += 1
    transfer.called_at = now
    transfer.message = ""
    transfer.save()
    return True


def _wait_with_the_rest(transfer: Transfer, cents: int, now: datetime) -> None:
    """Write what a debt takes of a lowered transfer as one that waits, agreed to by the same two, if both may still."""
    people = [pk for pk in (transfer.proposed_by_id, transfer.approved_by_id) if pk is not None]
    may_agree = User.objects.filter(pk__in=people, is_finance=True, is_active=True).count() == 2
    is_agreed = not transfer.needs_second or may_agree
    rest = Transfer.objects.create(
        delivery=transfer.delivery,
        number=transfer.delivery.transfers.count() + 1,
        seller_id=transfer.seller_id,
        amount_cents=cents,
        currency=transfer.currency,
        source_charge_id=transfer.source_charge_id,
        needs_second=transfer.needs_second,
        status=Status.APPROVED if is_agreed else Status.PENDING_APPROVAL,
        proposed_by_id=transfer.proposed_by_id if may_agree else None,
        proposed_at=transfer.proposed_at if may_agree else None,
        approved_by_id=transfer.approved_by_id if may_agree else None,
        approved_at=transfer.approved_at if may_agree else None,
        idempotency_key=uuid.uuid4(),
        message=SET_OFF,
        next_try_at=now + WAIT_FOR_SET_OFF,
    )
    if not is_agreed:
        ask_for_approval(rest)


def _order(transfer: Transfer, account: SellerAccount | None) -> TransferOrder:
    assert account is not None
    assert account.stripe_id is not None, "a constraint: only accounts at Stripe can be paid"
    return TransferOrder(
        idempotency_key=str(transfer.idempotency_key),
        amount_cents=transfer.amount_cents,
        currency=transfer.currency,
        account_id=account.stripe_id,
        source_charge_id=transfer.source_charge_id,
        description=f"Sparegrid delivery {transfer.delivery_id}",
        metadata={"transfer": str(transfer.pk), "delivery": str(transfer.delivery_id)},
    )


def _call_and_record(transfer_id: int, order: TransferOrder, now: datetime) -> None:
    try:
        paid = gateway.create_transfer(order)
    except Refused as refusal:
        logger.warning("transfer %s refused: %s %s", transfer_id, refusal.code, refusal)
        _record_refusal(transfer_id, order, refusal, now)
    else:
        _record(transfer_id, paid)


def _record(transfer_id: int, paid: PaidTransfer) -> None:
    with transaction.atomic(durable=True):
        apply_transfer(lock_transfer(transfer_id), paid)


def _record_refusal(transfer_id: int, order: TransferOrder, refusal: Refused, now: datetime) -> None:
    """Certainly not made. Funds and accounts are waited for, anything else is for finance. The next try has a new key:
    Stripe repeats its refusal to the old one for a day."""
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        if transfer.status != Status.SENDING or str(transfer.idempotency_key) != order.idempotency_key:
            return
        transfer.idempotency_key = uuid.uuid4()
        if refusal.code == "balance_insufficient":
            _wait(transfer, NO_FUNDS, now)
        elif refusal.code in CANNOT_BE_PAID:
            SellerAccount.objects.filter(organization_id=transfer.seller_id).update(transfers_active=False)
            _wait(transfer, NO_ACCOUNT, now)
        else:
            _move(transfer, Status.FAILED)
            transfer.message = f"Stripe refused it: {refusal}"[:300]
            _tell_finance(transfer, "transfer.failed", transfer.message)
        transfer.save()


def _tell_if_stuck(transfer_id: int, problem: str) -> None:
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        if transfer.status == Status.SENDING:
            found = problem or "Stripe is not done with it"
            message = f"Its outcome is not known after {transfer.n_calls} calls: {found}."
            _tell_finance(transfer, "transfer.stuck", message[:300])


def _tell_finance(transfer: Transfer, kind: str, message: str) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind=kind,
        data={
            "transfer": transfer.pk,
            "organization": transfer.seller_id,
            "amount_cents": transfer.amount_cents,
            "message": message,
        },
    )


def _wait(transfer: Transfer, why: str, now: datetime) -> None:
    _move(transfer, Status.APPROVED)
    transfer.message = why
    transfer.next_try_at = now + FIRST_WAIT_FOR_FUNDS * 2 ** min(transfer.n_calls - 1, MAX_DOUBLINGS)


def _require_match(transfer: Transfer, paid: PaidTransfer) -> None:
    account = SellerAccount.objects.get(organization_id=transfer.seller_id)
    expected = {
        "amount": (transfer.amount_cents, paid.amount_cents),
        "currency": (transfer.currency, paid.currency),
        "destination": (account.stripe_id, paid.account_id),
        "transfer": (str(transfer.pk), paid.metadata.get("transfer")),
        "delivery": (str(transfer.delivery_id), paid.metadata.get("delivery")),
        "id": (transfer.stripe_transfer_id or paid.id, paid.id),
        "movement of the balance": (transfer.amount_cents, paid.moved_cents),
    }
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise TransferMismatch(f"{paid.id}: its {what} is {theirs!r}, {transfer} expects {ours!r}")


def _move(transfer: Transfer, target: Transfer.Status) -> None:
    require_transition(Transfer.TRANSITIONS, transfer.status, target)
    transfer.status = target


def _status(transfer_id: int) -> Transfer.Status:
    return Status(Transfer.objects.values_list("status", flat=True).get(pk=transfer_id))
