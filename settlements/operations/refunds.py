"""Decide refunds: propose one, have a second person agree where much money is at stake, book it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from accounts.models import DeskEvent, User
from accounts.stakes import stake_of
from accounts.stream import append_desk_event, append_event, append_events
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import ledger
from settlements.jobs import defer_refund
from settlements.models import (
    Delivery,
    DeliveryNotice,
    Notice,
    Outage,
    Refund,
    RefundLine,
    Settlement,
    SettlementLine,
    Transaction,
)
from settlements.operations.deliveries import lock_delivery, move, told_both_sides
from settlements.operations.delivery_notices import tell as tell_both_sides
from settlements.operations.reliability import write_reliability
from settlements.operations.reversals import write_reversals
from settlements.operations.transfer_holds import lift_holds
from settlements.operations.unpaid import write_notices
from settlements.refunding import RefundEffect, RefundRejected, effect_of, refund_reference

Status = Refund.Status


class StaleRefund(Exception):
    """What was shown is no longer what would happen: look again. The text says so, for people."""


class SecondPersonNeeded(Exception):
    """Whoever proposed a refund cannot be the one who approves it."""


@dataclass(frozen=True, slots=True)
class RefundDraft:
    """What finance asks for: cents per settlement line's id, and why."""

    settlement_id: int
    line_cents: Mapping[int, int]
    reason: Refund.Reason
    note: str = ""


def propose_refund(*, draft: RefundDraft, by: User, fingerprint: str) -> Refund:
    """Write a refund as previewed; it is decided and booked at once unless it needs a second person.

    ``fingerprint`` is the preview's. Raise RefundRejected, StaleRefund.
    """
    with transaction.atomic(durable=True):
        settlement, lines = lock_settlement(draft.settlement_id)
        effect = effect_of(settlement, lines, draft.line_cents)
        _require_as_shown(effect, fingerprint)
        _require_no_stake(settlement, by)
        return _write(effect, reason=draft.reason, note=draft.note, by=by)


def approve_refund(*, refund_id: int, by: User, fingerprint: str) -> Refund:
    """Decide a proposed refund, as a second person and as previewed.

    Raise SecondPersonNeeded, RefundRejected, StaleRefund.
    """
    with transaction.atomic(durable=True):
        refund, effect = _lock_proposed(refund_id)
        _require_as_shown(effect, fingerprint)
        if refund.proposed_by_id == by.pk:
            raise SecondPersonNeeded("You proposed this refund. Another finance person must approve it.")
        _require_no_stake(refund.settlement, by)
        _decide(refund, effect, by=by)
        _lift_outage_hold(refund, by=by)
        return refund


def cancel_refund(*, refund_id: int, by: User) -> Refund:
    """Drop a proposed refund; nothing was booked. Raise StaleRefund once it is decided.

    The outage that it was of is to be decided again, with the seller's share held back until then.
    """
    with transaction.atomic(durable=True):
        refund = lock_refund(refund_id)
        if refund.status != Status.PROPOSED:
            raise StaleRefund(f"This refund is {refund.get_status_display().lower()} by now.")
        refund.status = Status.CANCELLED
        refund.decided_by = by
        refund.ended_at = database_now()
        refund.save(update_fields=["status", "decided_by", "ended_at"])
        _reopen_outage(refund)
        return refund


def write_refund(
    settlement: Settlement,
    line_cents: Mapping[int, int],
    reason: Refund.Reason,
    by: User | None,
    *,
    note: str = "",
) -> Refund:
    """Write a refund that another decision brings with it; assumes a transaction. Raise RefundRejected.

    Locks the settlement and its lines. Below the threshold it is decided and booked at once; above it waits, PROPOSED,
    for a person other than ``by``.
    """
    locked, lines = lock_settlement(settlement.pk)
    return _write(effect_of(locked, lines, line_cents), reason=reason, note=note, by=by)


def write_lost_dispute(effect: RefundEffect, *, by: User, note: str) -> Refund:
    """Write down as a refund what a lost dispute took of a settlement's lines. Assumes their locks.

    Its money has gone at Stripe, and the caller books it.
    """
    now = database_now()
    refund = Refund.objects.create(
        settlement=effect.settlement,
        amount_cents=effect.amount_cents,
        card_cents=effect.card_cents,
        reason=Refund.Reason.DISPUTE,
        note=note,
        status=Status.SUCCEEDED,
        proposed_by=by,
        decided_by=by,
        decided_at=now,
        ended_at=now,
    )
    _write_lines(refund, effect)
    _count_against_lines(refund, effect)
    return refund


def effect_of_proposed(refund: Refund) -> RefundEffect:
    """Return what approving a proposed refund would do now. Raise RefundRejected when it no longer can be."""
    lines = list(refund.settlement.lines.select_related("delivery").order_by("id"))
    return effect_of(refund.settlement, lines, dict(refund.lines.values_list("line_id", "amount_cents")))


def lock_settlement(settlement_id: int) -> tuple[Settlement, list[SettlementLine]]:
    """Return a settlement and its lines, locked. Assumes a transaction."""
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    lines = settlement.lines.select_for_update(no_key=True, of=("self",)).select_related("delivery")
    return settlement, list(lines.order_by("id"))


def lock_refund(refund_id: int) -> Refund:
    """Return a refund with its settlement and lines, locked, the settlement first. Assumes a transaction."""
    settlement_id = Refund.objects.values_list("settlement_id", flat=True).get(pk=refund_id)
    settlement, _ = lock_settlement(settlement_id)
    refund = Refund.objects.select_for_update(no_key=True).get(pk=refund_id)
    refund.settlement = settlement
    return refund


def _lock_proposed(refund_id: int) -> tuple[Refund, RefundEffect]:
    refund = lock_refund(refund_id)
    if refund.status != Status.PROPOSED:
        raise StaleRefund(
            f"This refund is {refund.get_status_display().lower()} by now. Nothing was changed."
        )
    return refund, effect_of_proposed(refund)


def _require_no_stake(settlement: Settlement, by: User) -> None:
    if stake := stake_of(by, settlement.organization_id):
        raise RefundRejected("settlement", stake)


def _require_as_shown(effect: RefundEffect, fingerprint: str) -> None:
    if effect.fingerprint != fingerprint:
        raise StaleRefund(
            "Something changed since this was shown, such as a refund made meanwhile. "
            "Check the new figures and confirm again."
        )


def _write(effect: RefundEffect, *, reason: Refund.Reason, note: str, by: User | None) -> Refund:
    refund = Refund.objects.create(
        settlement=effect.settlement,
        amount_cents=effect.amount_cents,
        reason=reason,
        note=note,
        needs_second=effect.needs_second,
        proposed_by=by,
    )
    _write_lines(refund, effect)
    if not effect.needs_second:
        _decide(refund, effect, by=by)
    else:
        _ask_for_a_second_person(refund)
    return refund


def _ask_for_a_second_person(refund: Refund) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="refund.proposed",
        data={
            "refund": refund.pk,
            "settlement": refund.settlement_id,
            "amount_cents": refund.amount_cents,
            "by": refund.proposed_by_id,
        },
    )


def _write_lines(refund: Refund, effect: RefundEffect) -> None:
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund, line=each.line, amount_cents=each.part.amount_cents, fee_cents=each.part.fee_cents
        )
        for each in effect.lines
    )


def _decide(refund: Refund, effect: RefundEffect, *, by: User | None) -> None:
    """Book a refund and count it against its lines; assumes their locks. The database holds each line's bound."""
    require_transition(Refund.TRANSITIONS, refund.status, Status.APPROVED)
    refund.status = Status.APPROVED
    refund.needs_second |= effect.needs_second
    refund.card_cents, refund.prepaid_cents = effect.card_cents, effect.prepaid_cents
    refund.decided_by, refund.decided_at = by, database_now()
    ledger.post_transaction(posting_of(refund, effect))  # limits and balances are locked before feeds
    _count_against_lines(refund, effect)
    if refund.card_cents == 0:  # all of it was paid from the prepaid balance, and is back there
        require_transition(Refund.TRANSITIONS, refund.status, Status.SUCCEEDED)
        refund.status, refund.ended_at = Status.SUCCEEDED, refund.decided_at
    refund.save()
    if refund.card_cents:
        defer_refund(refund.pk)
    write_notices([(refund.settlement, Notice.Kind.REFUNDED)])
    tell(refund)


def _lift_outage_hold(refund: Refund, *, by: User) -> None:
    """Hold the seller's share back no longer where the refund of an outage was what it waited for."""
    outage = Outage.objects.filter(refund=refund).first()
    if outage is not None:
        lift_holds(reference=outage.hold_reference, by=by)


def _reopen_outage(refund: Refund) -> None:
    """Have an outage decided again whose refund was dropped: both sides were told that it would be refunded."""
    found = Outage.objects.filter(refund=refund).first()
    if found is None:
        return
    delivery = lock_delivery(found.delivery_id)
    outage = Outage.objects.select_for_update(no_key=True).get(pk=found.pk)
    require_transition(Outage.TRANSITIONS, outage.status, Outage.Status.OPEN)
    outage.status = Outage.Status.OPEN
    outage.refund = outage.upheld_minutes = outage.decided_by = outage.decided_at = None
    outage.decision = ""
    outage.save()
    sides = (delivery.buyer_id, delivery.seller_id)
    mail = dict.fromkeys(sides, DeliveryNotice.Kind.OUTAGE_REOPENED)
    tell_both_sides(delivery, "outage.reopened", mail=mail, outage=outage.pk)
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="outage.to_decide",
        data={
            "outage": outage.pk,
            "delivery": delivery.pk,
            "award": delivery.line.award_id,
            "status": outage.status,
        },
    )
    write_reliability(delivery.seller_id, database_now())


def _count_against_lines(refund: Refund, effect: RefundEffect) -> None:
    for each in effect.lines:
        line, part = each.line, each.part
        line.refunded_cents += part.amount_cents
        line.refunded_fee_cents += part.fee_cents
        line.save(update_fields=["refunded_cents", "refunded_fee_cents"])
        # What was left of the fee may have changed since it was proposed.
        RefundLine.objects.filter(refund=refund, line=line).update(fee_cents=part.fee_cents)
    settlement = effect.settlement
    settlement.refunded_cents += effect.amount_cents
    settlement.refunded_prepaid_cents += effect.prepaid_cents
    settlement.save(update_fields=["refunded_cents", "refunded_prepaid_cents"])
    write_reversals(each.line for each in effect.lines)
    _call_off(line for line in (each.line for each in effect.lines) if line.refundable_cents == 0)


def _call_off(lines: Iterable[SettlementLine]) -> None:
    """What is refunded in full is not delivered any more."""
    live = Delivery.objects.filter(line__in=list(lines), status__in=Delivery.LIVE)
    happenings = []
    for delivery in (
        live.select_related("line__award").order_by("id").select_for_update(no_key=True, of=("self",))
    ):
        move(delivery, Delivery.Status.CANCELLED)
        happenings += told_both_sides(delivery, "delivery.cancelled")
    append_events(happenings)


def posting_of(refund: Refund, effect: RefundEffect) -> ledger.Posting:
    """Return what deciding a refund posts."""
    return ledger.Posting(
        kind=Transaction.Kind.REFUND,
        reference=refund_reference(refund),
        description=f"Refund {refund.pk} of settlement {refund.settlement_id}: {refund.get_reason_display()}",
        cents=effect.entries,
    )


def tell(refund: Refund) -> None:
    """Tell the buyer where its refund stands."""
    append_event(
        organization_id=refund.settlement.organization_id,
        kind=f"refund.{refund.status}",
        data={
            "refund": refund.pk,
            "settlement": refund.settlement_id,
            "amount_cents": refund.amount_cents,
            "status": refund.status,
        },
    )
