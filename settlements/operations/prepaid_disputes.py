"""Take disputes of prepayments in as Stripe tells them: what the bank takes is off the balance until it decides."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import F

from accounts.holds import lock_limit
from accounts.models import User
from accounts.stakes import stake_of
from accounts.stream import append_event
from marketplace.db import database_now
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import PrepaidDispute, Prepayment, Transaction
from settlements.operations.payments import PaymentMismatch
from settlements.operations.suspensions import review_limit
from settlements.stripe_facts import StripeDispute

logger = logging.getLogger(__name__)


class NotExcused(Exception):
    """The buyer bids no more than before; the text says why, for people."""


Status = PrepaidDispute.Status

STATUSES = {
    "warning_needs_response": Status.INQUIRY,
    "warning_under_review": Status.INQUIRY,
    "warning_closed": Status.CLOSED,
    "prevented": Status.CLOSED,
    "needs_response": Status.UNDER_REVIEW,
    "under_review": Status.UNDER_REVIEW,
    "won": Status.WON,
    "lost": Status.LOST,
}


def disputed_prepayment_id(told: StripeDispute) -> int | None:
    """Return the prepayment that a disputed charge brought, None where it brought none."""
    brought = Prepayment.objects.filter(stripe_charge_id=told.charge_id, status=Prepayment.Status.RECEIVED)
    return brought.values_list("id", flat=True).first()


def apply_prepaid_dispute(prepayment_id: int, told: StripeDispute) -> bool:
    """Take in how the dispute of a prepayment stands: its row, the ledger, who may bid. Return whether it was news.

    Assumes a transaction. Raise PaymentMismatch where currency or amount are not the prepayment's.
    """
    prepayment = Prepayment.objects.select_for_update(no_key=True).get(pk=prepayment_id)
    if told.currency != prepayment.currency or told.amount_cents > prepayment.amount_cents:
        raise PaymentMismatch(
            f"{told.id} disputes {told.amount_cents} {told.currency} of a prepayment of "
            f"{prepayment.amount_cents} {prepayment.currency}"
        )
    status = STATUSES.get(told.status)
    dispute, is_new = PrepaidDispute.objects.select_for_update(no_key=True).get_or_create(
        stripe_id=told.id,
        defaults={
            "prepayment": prepayment,
            "amount_cents": told.amount_cents,
            "reason": told.reason,
            "status": Status.INQUIRY if told.status.startswith("warning") else Status.UNDER_REVIEW,
        },
    )
    dispute.prepayment = prepayment
    changed = _book_taken(dispute, told) | _book_returned(dispute, told) | is_new
    if status is not None and status in PrepaidDispute.TRANSITIONS[dispute.status]:
        dispute.status = status
        dispute.closed_at = None if status in PrepaidDispute.OPEN else database_now()
        changed = True
        if status == Status.LOST:
            _book_loss(dispute)
    dispute.due_at, dispute.checked_at = told.due_at, database_now()
    dispute.save()
    if is_new:
        logger.error("%s: a bank takes back %s cents that were paid in ahead", dispute, dispute.amount_cents)
    if changed:
        review_limit(prepayment.organization_id)
        _tell(dispute)
    return changed


def freeze_again(prepayment: Prepayment, *, reference: str) -> None:
    """Take off the balance what came back to it although a bank had taken it; assumes a transaction.

    A return that was under way when the dispute came is refused, and its cents are on the balance again.
    """
    taken = PrepaidDispute.objects.select_for_update(no_key=True).filter(
        prepayment=prepayment, taken_cents__gt=F("frozen_cents"), returned_cents=0
    )
    dispute = taken.order_by("id").first()
    if dispute is None:
        return
    limit = lock_limit(prepayment.organization_id)
    cents = min(limit.prepaid_cents, dispute.taken_cents - dispute.frozen_cents)
    if not cents:
        return
    dispute.frozen_cents += cents
    dispute.save(update_fields=["frozen_cents"])
    is_lost = dispute.status == Status.LOST
    ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.DISPUTE_LOST if is_lost else Transaction.Kind.DISPUTE_OPENED,
            reference=f"{dispute_reference(dispute)}:{reference}",
            description=f"Dispute {dispute.stripe_id}: off the balance, where it had come back to",
            cents={
                ledger.buyer_prepaid(prepayment.organization_id): cents,
                ledger.LOSSES if is_lost else ledger.DISPUTES_IN_FLIGHT: -cents,
            },
        )
    )


def refresh_prepaid_dispute(*, dispute_id: int) -> PrepaidDispute.Status:
    """Ask Stripe how the dispute of a prepayment stands. Raise OutcomeUnknown, Refused."""
    dispute = PrepaidDispute.objects.get(pk=dispute_id)
    told = gateway.retrieve_dispute(dispute.stripe_id)
    with transaction.atomic(durable=True):
        apply_prepaid_dispute(dispute.prepayment_id, told)
    return Status(PrepaidDispute.objects.values_list("status", flat=True).get(pk=dispute_id))


def excuse_prepaid_dispute(*, dispute_id: int, by: User, note: str) -> PrepaidDispute:
    """Let a buyer bid again after a dispute that cost us what it had spent. Raise NotExcused."""
    prepayment_id = PrepaidDispute.objects.values_list("prepayment_id", flat=True).get(pk=dispute_id)
    with transaction.atomic(durable=True):
        prepayment = Prepayment.objects.select_for_update(no_key=True).get(pk=prepayment_id)
        dispute = PrepaidDispute.objects.select_for_update(no_key=True).get(pk=dispute_id)
        if not dispute.keeps_from_bidding:
            raise NotExcused("This dispute keeps nobody from bidding by now. Nothing was changed.")
        if stake := stake_of(by, prepayment.organization_id):
            raise NotExcused(stake)
        dispute.excused_by, dispute.excused_at, dispute.excused_note = by, database_now(), note
        dispute.save(update_fields=["excused_by", "excused_at", "excused_note"])
        review_limit(prepayment.organization_id)
        return dispute


def _book_taken(dispute: PrepaidDispute, told: StripeDispute) -> bool:
    """Book what the bank took: as far as it is still there, off the buyer's balance, so that nobody spends it."""
    if dispute.taken_cents or not told.taken_cents:
        return False
    limit = lock_limit(dispute.prepayment.organization_id)
    dispute.taken_cents, dispute.taken_fee_cents = told.taken_cents, told.taken_fee_cents
    dispute.frozen_cents = min(limit.prepaid_cents, told.taken_cents)
    _post(
        dispute,
        Transaction.Kind.DISPUTE_OPENED,
        "taken",
        cents=told.taken_cents,
        fee_cents=told.taken_fee_cents,
    )
    return True


def _book_returned(dispute: PrepaidDispute, told: StripeDispute) -> bool:
    if dispute.returned_cents or not told.returned_cents:
        return False
    dispute.returned_cents, dispute.returned_fee_cents = told.returned_cents, told.returned_fee_cents
    _post(
        dispute,
        Transaction.Kind.DISPUTE_WON,
        "returned",
        cents=-told.returned_cents,
        fee_cents=-told.returned_fee_cents,
    )
    return True


def _post(dispute: PrepaidDispute, kind: Transaction.Kind, what: str, *, cents: int, fee_cents: int) -> None:
    frozen_cents = dispute.frozen_cents if cents > 0 else -dispute.frozen_cents
    ledger.post_transaction(
        ledger.Posting(
            kind=kind,
            reference=f"{dispute_reference(dispute)}:{what}",
            description=f"Dispute {dispute.stripe_id}: {what}",
            stripe_object_id=dispute.stripe_id,
            cents={
                ledger.buyer_prepaid(dispute.prepayment.organization_id): frozen_cents,
                ledger.DISPUTES_IN_FLIGHT: cents - frozen_cents,
                ledger.STRIPE_FEES: fee_cents,
                ledger.STRIPE_AVAILABLE: -cents - fee_cents,
            },
        )
    )


def _book_loss(dispute: PrepaidDispute) -> None:
    """What was spent before the bank took it is our loss."""
    lost_cents = dispute.taken_cents - dispute.frozen_cents
    if lost_cents:
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.DISPUTE_LOST,
                reference=f"{dispute_reference(dispute)}:lost",
                description=f"Dispute {dispute.stripe_id} lost: spent before it was taken",
                cents={ledger.LOSSES: lost_cents, ledger.DISPUTES_IN_FLIGHT: -lost_cents},
            )
        )


def dispute_reference(dispute: PrepaidDispute) -> str:
    """Return what a prepayment's dispute is called in the ledger."""
    return f"prepayment:{dispute.prepayment_id}:dispute:{dispute.pk}"


def _tell(dispute: PrepaidDispute) -> None:
    append_event(
        organization_id=dispute.prepayment.organization_id,
        kind=f"prepaid_dispute.{dispute.status}",
        data={
            "prepayment": dispute.prepayment_id,
            "dispute": dispute.pk,
            "amount_cents": dispute.amount_cents,
            "frozen_cents": dispute.frozen_cents,
        },
    )
