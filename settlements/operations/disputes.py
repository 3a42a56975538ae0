"""Take disputes in as Stripe tells them, answer them with evidence, and decide who bears a lost one."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import DeskEvent, User
from accounts.stream import Happening, append_desk_event, append_events
from marketplace.db import database_now
from marketplace.money import split_cents
from marketplace.states import require_transition
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import ChargeAttempt, Delivery, Dispute, Notice, Settlement, Transaction
from settlements.operations.keys import another_key_after_failure
from settlements.operations.payments import PaymentMismatch
from settlements.operations.refunds import lock_settlement, write_lost_dispute
from settlements.operations.suspensions import review_limit
from settlements.operations.transfer_holds import lift_holds, place_hold
from settlements.operations.unpaid import write_notices
from settlements.refunding import RefundEffect, effect_of_lost
from settlements.stripe_facts import StripeDispute

logger = logging.getLogger(__name__)
Status = Dispute.Status
HELD_FOR_DISPUTE = "The buyer’s payment is disputed."

STATUSES = {
    "warning_needs_response": Status.INQUIRY,
    "warning_under_review": Status.UNDER_REVIEW,
    "warning_closed": Status.CLOSED,
    "prevented": Status.CLOSED,
    "needs_response": Status.NEEDS_RESPONSE,
    "under_review": Status.UNDER_REVIEW,
    "won": Status.WON,
    "lost": Status.LOST,
}


class StaleDispute(Exception):
    """What was asked for no longer fits the dispute's state; the text says why, for people."""


def lock_disputed_settlement(told: StripeDispute) -> Settlement:
    """Return the settlement that the disputed charge paid, locked. Assumes a transaction.

    Raise PaymentMismatch for a charge that is none of ours.
    """
    paid = ChargeAttempt.objects.filter(
        stripe_charge_id=told.charge_id, outcome=ChargeAttempt.Outcome.SUCCEEDED
    ).first()
    if paid is None:
        raise PaymentMismatch(f"{told.id} disputes {told.charge_id}, which paid no settlement of ours")
    settlement, _ = lock_settlement(paid.settlement_id)
    if told.currency != settlement.currency or told.amount_cents > paid.amount_cents:
        raise PaymentMismatch(
            f"{told.id} disputes {told.amount_cents} {told.currency} of a charge of {paid.amount_cents} "
            f"{settlement.currency}"
        )
    return settlement


def apply_dispute(told: StripeDispute) -> bool:
    """Take in how a dispute stands: its row, the ledger, what is held and who may bid. Return whether it was news.

    Assumes a transaction. Raise PaymentMismatch when it is about no charge of ours.
    """
    settlement = lock_disputed_settlement(told)
    status = STATUSES.get(told.status)
    dispute, is_new = Dispute.objects.select_for_update(no_key=True).get_or_create(
        stripe_id=told.id,
        defaults={
            "settlement": settlement,
            "stripe_charge_id": told.charge_id,
            "amount_cents": told.amount_cents,
            "reason": told.reason,
            "status": Status.INQUIRY if told.status.startswith("warning") else Status.NEEDS_RESPONSE,
        },
    )
    dispute.settlement = settlement
    changed = _book_taken(dispute, told) | _book_returned(dispute, told) | is_new
    if status is not None and status in Dispute.TRANSITIONS[dispute.status]:
        dispute.status = status
        dispute.closed_at = database_now() if status in (Status.WON, Status.CLOSED, Status.LOST) else None
        changed = True
    if is_new:
        write_notices([(settlement, Notice.Kind.DISPUTED)])
    dispute.due_at, dispute.checked_at = told.due_at, database_now()
    dispute.save()
    _hold_sellers_back(dispute)
    if changed:
        review_limit(settlement.organization_id)
        append_events([_news(dispute), *(_news_of_hold(dispute) if is_new else [])])
    if is_new:
        _tell_finance(dispute)
    return changed


def refresh_dispute(*, dispute_id: int) -> Dispute.Status:
    """Ask Stripe how a dispute stands; hand in evidence whose hand-in is not known to have arrived.

    Raise OutcomeUnknown, Refused.
    """
    dispute = Dispute.objects.get(pk=dispute_id)
    told = gateway.retrieve_dispute(dispute.stripe_id)
    if dispute.evidence and told.n_submissions == 0 and STATUSES.get(told.status) in Dispute.ANSWERABLE:
        told = _hand_in(dispute)
    _record(told)
    return _status(dispute_id)


def submit_evidence(
    *, dispute_id: int, evidence: Mapping[str, str], by: User, now: datetime
) -> Dispute.Status:
    """Hand evidence to the bank, once and for good. Raise StaleDispute, OutcomeUnknown, Refused.

    A lost answer is looked up by the sweep; the same evidence is handed in again only where none has arrived.
    """
    with transaction.atomic(durable=True):
        dispute = _lock(dispute_id)
        _require_answerable(dispute, now)
        dispute.evidence = dict(evidence)
        dispute.evidence_key = uuid.uuid4()
        dispute.evidence_by, dispute.evidence_at = by, now
        dispute.save()
    _record(_hand_in(dispute))
    return _status(dispute_id)


def accept_dispute(*, dispute_id: int, by: User) -> Dispute.Status:
    """Accept a dispute as lost. Raise StaleDispute, OutcomeUnknown, Refused."""
    with transaction.atomic(durable=True):
        dispute = _lock(dispute_id)
        if dispute.status not in Dispute.ANSWERABLE or dispute.evidence:
            raise StaleDispute(f"This dispute is {dispute.get_status_display().lower()} by now.")
        dispute.evidence_key = dispute.evidence_key or uuid.uuid4()
        dispute.evidence_by = by
        dispute.save()
    with another_key_after_failure(_with_its_key(dispute), "evidence_key"):
        told = gateway.accept_dispute(dispute.stripe_id, idempotency_key=f"accept-{dispute.evidence_key}")
    _record(told)
    return _status(dispute_id)


def bear_dispute(
    *, dispute_id: int, bearer: Dispute.Bearer, note: str, by: User, fingerprint: str
) -> Dispute:
    """Decide who bears a lost dispute, as previewed by ``bearing_of``. Raise StaleDispute."""
    with transaction.atomic(durable=True):
        dispute = _lock(dispute_id)
        if dispute.status != Status.LOST:
            raise StaleDispute(f"This dispute is {dispute.get_status_display().lower()} by now.")
        effect = bearing_of(dispute, bearer)
        if effect.fingerprint != fingerprint:
            raise StaleDispute(
                "Something changed since this was shown. Check the new figures and confirm again."
            )
        require_transition(Dispute.TRANSITIONS, dispute.status, Status.BORNE)
        dispute.status = Status.BORNE
        dispute.bearer, dispute.borne_by, dispute.borne_note = bearer, by, note
        dispute.save()
        _hold_sellers_back(dispute)
        # Limits, then balances, then feeds: whatever is told comes last.
        review_limit(dispute.settlement.organization_id)
        if effect.entries:
            ledger.post_transaction(
                ledger.Posting(
                    kind=Transaction.Kind.DISPUTE_LOST,
                    reference=f"{dispute_reference(dispute)}:lost",
                    description=f"Dispute {dispute.stripe_id} lost, borne by the {bearer}",
                    cents=effect.entries,
                )
            )
        if effect.lines:
            write_lost_dispute(effect, by=by, note=f"Dispute {dispute.stripe_id} lost")
        append_events([_news(dispute)])
        return dispute


def _hold_sellers_back(dispute: Dispute) -> None:
    """Keep what was not paid out of a disputed settlement back until it is clear who bears it."""
    reference = f"dispute:{dispute.pk}"
    if dispute.status in (Status.WON, Status.CLOSED) or dispute.bearer:
        lift_holds(reference=reference, by=dispute.borne_by)
    else:
        deliveries = Delivery.objects.filter(line__settlement_id=dispute.settlement_id).order_by("id")
        place_hold(deliveries, reference=reference, reason=HELD_FOR_DISPUTE, by=None)


def bearing_of(dispute: Dispute, bearer: Dispute.Bearer) -> RefundEffect:
    """Return what it would book if ``bearer`` bore a lost dispute: the lines' parts, and the rest as our loss.

    The lines of a default are nobody's any more: what was paid for it too late never was the sellers'.
    """
    settlement = dispute.settlement
    from_sellers = bearer == Dispute.Bearer.SELLER and settlement.status == Settlement.Status.PAID
    lines = list(settlement.lines.select_related("delivery").order_by("id"))
    left = [line.refundable_cents for line in lines]
    card_left = (
        settlement.amount_cents
        - settlement.prepaid_cents
        - (settlement.refunded_cents - settlement.refunded_prepaid_cents)
    )
    borne = min(dispute.lost_cents, sum(left), card_left) if from_sellers else 0
    parts = split_cents(borne, left) if borne else []
    wanted = {line.pk: cents for line, cents in zip(lines, parts, strict=False) if cents}
    return effect_of_lost(settlement, lines, wanted, lost_cents=dispute.lost_cents)


def dispute_reference(dispute: Dispute) -> str:
    """Return what a dispute is called in the ledger."""
    return f"settlement:{dispute.settlement_id}:dispute:{dispute.pk}"


def _lock(dispute_id: int) -> Dispute:
    settlement_id = Dispute.objects.values_list("settlement_id", flat=True).get(pk=dispute_id)
    settlement, _ = lock_settlement(settlement_id)
    dispute = Dispute.objects.select_for_update(no_key=True).get(pk=dispute_id)
    dispute.settlement = settlement
    return dispute


def _require_answerable(dispute: Dispute, now: datetime) -> None:
    if dispute.due_at is not None and now > dispute.due_at:
        raise StaleDispute("The deadline for evidence has passed. Stripe takes none any more.")
    if dispute.evidence:
        raise StaleDispute("Evidence was handed in before. The bank takes it once.")
    if dispute.status not in Dispute.ANSWERABLE:
        raise StaleDispute(f"This dispute is {dispute.get_status_display().lower()} by now.")


def _hand_in(dispute: Dispute) -> StripeDispute:
    assert dispute.evidence is not None, "what is handed in was stored before"
    with another_key_after_failure(_with_its_key(dispute), "evidence_key"):
        return gateway.submit_evidence(
            dispute.stripe_id, evidence=dispute.evidence, idempotency_key=str(dispute.evidence_key)
        )


def _with_its_key(dispute: Dispute) -> QuerySet[Dispute]:
    return Dispute.objects.filter(pk=dispute.pk, evidence_key=dispute.evidence_key)


def _record(told: StripeDispute) -> None:
    with transaction.atomic(durable=True):
        apply_dispute(told)


def _book_taken(dispute: Dispute, told: StripeDispute) -> bool:
    if dispute.taken_cents or not told.taken_cents:
        return False
    dispute.taken_cents, dispute.taken_fee_cents = told.taken_cents, told.taken_fee_cents
    _post(
        dispute,
        Transaction.Kind.DISPUTE_OPENED,
        "taken",
        in_flight_cents=told.taken_cents,
        fee_cents=told.taken_fee_cents,
    )
    return True


def _book_returned(dispute: Dispute, told: StripeDispute) -> bool:
    if dispute.returned_cents or not told.returned_cents:
        return False
    dispute.returned_cents, dispute.returned_fee_cents = told.returned_cents, told.returned_fee_cents
    _post(
        dispute,
        Transaction.Kind.DISPUTE_WON,
        "returned",
        in_flight_cents=-told.returned_cents,
        fee_cents=-told.returned_fee_cents,
    )
    return True


def _post(
    dispute: Dispute, kind: Transaction.Kind, what: str, *, in_flight_cents: int, fee_cents: int
) -> None:
    ledger.post_transaction(
        ledger.Posting(
            kind=kind,
            reference=f"{dispute_reference(dispute)}:{what}",
            description=f"Dispute {dispute.stripe_id}: {what}",
            stripe_object_id=dispute.stripe_id,
            cents={
                ledger.DISPUTES_IN_FLIGHT: in_flight_cents,
                ledger.STRIPE_FEES: fee_cents,
                ledger.STRIPE_AVAILABLE: -in_flight_cents - fee_cents,
            },
        )
    )


def _news(dispute: Dispute) -> Happening:
    return Happening(
        organization_id=dispute.settlement.organization_id,
        kind=f"dispute.{dispute.status}",
        data={
            "dispute": dispute.pk,
            "settlement": dispute.settlement_id,
            "amount_cents": dispute.amount_cents,
            "status": dispute.status,
        },
    )


def _news_of_hold(dispute: Dispute) -> list[Happening]:
    """Return what tells the sellers that their shares wait until it is clear who bears the dispute."""
    if dispute.status in (Status.WON, Status.CLOSED):
        return []
    deliveries = Delivery.objects.filter(line__settlement_id=dispute.settlement_id).order_by("id")
    return [
        Happening(
            organization_id=delivery.seller_id,
            kind="transfer.held",
            data={"delivery": delivery.pk, "message": HELD_FOR_DISPUTE},
        )
        for delivery in deliveries
    ]


def _tell_finance(dispute: Dispute) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="dispute.opened",
        data={
            "dispute": dispute.pk,
            "settlement": dispute.settlement_id,
            "amount_cents": dispute.amount_cents,
            "answer_by": dispute.due_at.isoformat() if dispute.due_at else None,
        },
    )


def _status(dispute_id: int) -> Dispute.Status:
    return Status(Dispute.objects.values_list("status", flat=True).get(pk=dispute_id))
