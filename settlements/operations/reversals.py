"""Take back what a seller was paid for a line that was refunded since: commit the row, call Stripe, record."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Now

from accounts.models import User
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.jobs import defer_reversals
from settlements.models import SettlementLine, Transaction, Transfer, TransferReversal
from settlements.operations.funds import account_of, note_pending_move
from settlements.operations.payments import PaymentMismatch
from settlements.operations.transfers import lock_transfer
from settlements.stripe_facts import Refused, StripeReversal

logger = logging.getLogger(__name__)
Status = TransferReversal.Status

FAILURES = {
    "balance_insufficient": "The seller's account at Stripe does not hold it any more.",
    "transfer_already_reversed": "The transfer was already taken back at Stripe.",
}
OVERTAKEN = "What was to be taken back has been taken back, or is not too much any more. Nothing was sent."
SET_OFF = "The seller owes it: its next payouts are set off against it."


class StaleReversal(Exception):
    """What was asked for no longer fits the reversal's state; the text says why, for people."""


def write_reversals(lines: Iterable[SettlementLine]) -> list[TransferReversal]:
    """Write what is to be taken back of lines that were paid out beyond what refunds leave of their shares.

    Assumes a transaction that holds the settlement's lock. The newest transfer gives first.
    """
    written = []
    for line in lines:
        transfers = _lock_left(line)
        left = _left_cents(transfers)
        too_much = sum(left.values()) - line.share_cents
        for each in transfers:
            cents = min(left[each.pk], too_much)
            if cents > 0:
                written.append(
                    TransferReversal.objects.create(
                        transfer=each, amount_cents=cents, idempotency_key=uuid.uuid4()
                    )
                )
                too_much -= cents
    defer_reversals([reversal.pk for reversal in written])
    return written


def send_reversal(*, reversal_id: int) -> TransferReversal.Status:
    """Take a transfer's part back, or learn what became of it; return its state. Raise OutcomeUnknown.

    It waits while its transfer is on its way, and is not needed where that never arrived.
    """
    with transaction.atomic(durable=True):
        reversal = _lock(reversal_id)
        if reversal.status == Status.WAITING:
            _begin(reversal)
        elif reversal.status == Status.SENDING:
            TransferReversal.objects.filter(pk=reversal_id).update(n_calls=F("n_calls") + 1, called_at=Now())
        if reversal.status != Status.SENDING:
            return Status(reversal.status)
    return _send(reversal)


def retry_reversal(*, reversal_id: int, by: User) -> TransferReversal.Status:
    """Take back once more what Stripe refused to, with a new key. Raise StaleReversal, OutcomeUnknown.

    What a later reversal took back in its place, or what the seller is due again, is not taken twice.
    """
    with transaction.atomic(durable=True):
        reversal = _lock(reversal_id)
        if reversal.status != Status.FAILED:
            raise StaleReversal(f"This reversal is {reversal.get_status_display().lower()} by now.")
        line = reversal.transfer.delivery.line
        left = _left_cents(_lock_left(line))
        if reversal.amount_cents > min(
            left.get(reversal.transfer_id, 0), sum(left.values()) - line.share_cents
        ):
            raise StaleReversal(OVERTAKEN)
        _move(reversal, Status.SENDING)
        reversal.idempotency_key = uuid.uuid4()
        reversal.message, reversal.ended_at = "", None
        reversal.n_calls += 1
        reversal.called_at = database_now()
        reversal.save()
    logger.info("%s is tried again by user %s", reversal, by.pk)
    return _send(reversal)


def _send(reversal: TransferReversal) -> TransferReversal.Status:
    """Look a reversal up at Stripe, ask for it where there is none, and record the answer."""
    told = gateway.find_reversal(
        transfer_id=reversal.transfer.stripe_transfer_id, key="reversal", value=str(reversal.pk)
    )
    if told is None:
        told = _call(reversal)
    if told is not None:
        with transaction.atomic(durable=True):
            _apply(_lock(reversal.pk), told)
    return Status(TransferReversal.objects.values_list("status", flat=True).get(pk=reversal.pk))


def _lock_left(line: SettlementLine) -> list[Transfer]:
    """Return the transfers of a line that left, locked, the newest first."""
    left = Transfer.objects.filter(delivery__line=line, status__in=Transfer.LEFT)
    return list(left.select_for_update(no_key=True, of=("self",)).order_by("-number"))


def _left_cents(transfers: list[Transfer]) -> dict[int, int]:
    """Return what of each transfer neither came back nor is on its way back, cents."""
    going_back = _open_cents(transfers)
    return {
        each.pk: each.amount_cents - each.reversed_cents - going_back.get(each.pk, 0) for each in transfers
    }


def _open_cents(transfers: list[Transfer]) -> dict[int, int]:
    rows = TransferReversal.objects.filter(transfer__in=transfers, status__in=TransferReversal.OPEN)
    return dict(rows.values_list("transfer_id").annotate(cents=Sum("amount_cents")))


def _lock(reversal_id: int) -> TransferReversal:
    transfer_id = TransferReversal.objects.values_list("transfer_id", flat=True).get(pk=reversal_id)
    transfer = lock_transfer(transfer_id)
    reversal = TransferReversal.objects.select_for_update(no_key=True).get(pk=reversal_id)
    reversal.transfer = transfer
    return reversal


def _begin(reversal: TransferReversal) -> None:
    match reversal.transfer.status:
        case Transfer.Status.PAID:
            _move(reversal, Status.SENDING)
            reversal.n_calls += 1
        case Transfer.Status.SENDING:
            pass
        case _:
            _move(reversal, Status.CANCELLED)
            reversal.ended_at = database_now()
    reversal.called_at = database_now()
    reversal.save()


def _call(reversal: TransferReversal) -> StripeReversal | None:
    """Ask Stripe; return None where it refused, which is recorded."""
    try:
        return gateway.create_reversal(
            transfer_id=reversal.transfer.stripe_transfer_id,
            amount_cents=reversal.amount_cents,
            metadata={"reversal": str(reversal.pk), "transfer": str(reversal.transfer_id)},
            idempotency_key=str(reversal.idempotency_key),
        )
    except Refused as refusal:
        logger.error("%s: Stripe refuses it: %s %s", reversal, refusal.code, refusal)
        with transaction.atomic(durable=True):
            locked = _lock(reversal.pk)
            if locked.status == Status.SENDING:
                _move(locked, Status.FAILED)
                locked.message = f"{FAILURES.get(refusal.code, str(refusal))} {SET_OFF}"[:300]
                locked.ended_at = database_now()
                locked.save()
        return None


def _apply(reversal: TransferReversal, told: StripeReversal) -> None:
    transfer = reversal.transfer
    if reversal.status != Status.SENDING:
        return
    if (told.amount_cents, told.transfer_id) != (reversal.amount_cents, transfer.stripe_transfer_id):
        raise PaymentMismatch(f"{told.id} is not what {reversal} asked for")
    _move(reversal, Status.DONE)
    reversal.stripe_id, reversal.ended_at = told.id, database_now()
    reversal.save()
    transfer.reversed_cents += reversal.amount_cents
    if transfer.reversed_cents == transfer.amount_cents:
        require_transition(Transfer.TRANSITIONS, transfer.status, Transfer.Status.REVERSED)
        transfer.status = Transfer.Status.REVERSED
    transfer.save()
    posted = ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.TRANSFER_REVERSAL,
            reference=f"transfer:{transfer.pk}:reversal:{reversal.pk}",
            description=f"{told.id} taken back of {transfer.stripe_transfer_id}",
            stripe_object_id=told.id,
            cents={
                account_of(told.move): told.returned_cents,
                ledger.seller_payable(transfer.seller_id): -told.returned_cents,
            },
        )
    )
    note_pending_move(posted, told.move)


def _move(reversal: TransferReversal, target: TransferReversal.Status) -> None:
    require_transition(TransferReversal.TRANSITIONS, reversal.status, target)
    reversal.status = target
