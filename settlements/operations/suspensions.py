"""Whether an organization may put more at stake: not while a payment that failed is unpaid, nor once its card went."""

from __future__ import annotations

from django.db.models import F

from accounts.holds import lock_limit, suspend_limit
from marketplace.money import format_cents
from settlements.declines import AUTHENTICATION_REQUIRED
from settlements.models import ChargeAttempt, Dispute, PaymentMethod, PrepaidDispute, Settlement

NO_CARD = "There is no card on file to charge. Add one first: new bids wait until then."


def review_limit(organization_id: int) -> None:
    """Suspend the limit, or lift the suspension, as payments and cards stand; assumes a transaction.

    Call it after what changed was written: it locks the limit before it looks, so the last of several callers at once
    sees what all of them wrote.
    """
    lock_limit(organization_id)
    suspend_limit(organization_id=organization_id, reason=_reason(organization_id))


def _reason(organization_id: int) -> str:
    # Judged by the payments tried and not by the state: another try, or one left half-way, pays nothing yet.
    failed = ChargeAttempt.objects.filter(
        settlement__organization_id=organization_id,
        outcome__in=(ChargeAttempt.Outcome.DECLINED, ChargeAttempt.Outcome.CANCELLED),
    ).exclude(settlement__status__in=Settlement.ENDED)
    # A bank that only asked for the cardholder has declined nothing.
    declines = failed.exclude(on_session=False, decline_code=AUTHENTICATION_REQUIRED)
    disputed = Dispute.objects.filter(
        settlement__organization_id=organization_id, status__in=Dispute.SUSPENDS
    )
    first = disputed.order_by("id").first()
    if first is not None:
        return (
            f"A payment of {format_cents(first.amount_cents)} is disputed at your card's bank "
            f"(settlement {first.settlement_id}). New bids wait until that is settled."
        )
    prepaid = PrepaidDispute.objects.filter(
        prepayment__organization_id=organization_id, status=PrepaidDispute.Status.UNDER_REVIEW
    )
    taken_back = prepaid.order_by("id").first()
    if taken_back is not None:
        return (
            f"A prepayment of {format_cents(taken_back.amount_cents)} is disputed at your card's bank "
            f"(prepayment {taken_back.prepayment_id}). New bids wait until that is settled."
        )
    lost = PrepaidDispute.objects.filter(
        prepayment__organization_id=organization_id,
        status=PrepaidDispute.Status.LOST,
        taken_cents__gt=F("frozen_cents"),
        excused_at=None,
    )
    unpaid = lost.order_by("id").first()
    if unpaid is not None:
        return (
            f"Your card's bank took a prepayment back after {format_cents(unpaid.lost_cents)} of it was spent "
            f"(prepayment {unpaid.prepayment_id}). New bids wait until our finance staff has settled that with you."
        )
    declined = declines.select_related("settlement").order_by("settlement_id").first()
    if declined is not None:
        amount = format_cents(declined.settlement.amount_cents)
        return (
            f"A payment of {amount} was declined (settlement {declined.settlement_id}). "
            "Pay it first: new bids wait until then."
        )
    cards = PaymentMethod.objects.filter(organization_id=organization_id)
    # Whoever never had a card bids on a limit that finance gave without one.
    if cards.exists() and not cards.filter(removed_at=None).exists():
        return NO_CARD
    return ""
