"""Outages: the buyer reports, the seller answers, finance decides; what is upheld is refunded in proportion.

A hand-over that was missed is an outage that nobody needs to report. The settlement is locked first, then the delivery,
then the outage.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum

from accounts.models import DeskEvent, Organization, User
from accounts.stakes import stake_of
from accounts.stream import append_desk_event
from marketplace.states import require_transition
from settlements import ledger
from settlements.models import Delivery, DeliveryNotice, Outage, Refund
from settlements.models.deliveries import REPORT_WITHIN
from settlements.models.outages import MINUTE
from settlements.operations.deliveries import lock_delivery
from settlements.operations.delivery_notices import tell
from settlements.operations.refunds import write_refund
from settlements.operations.reliability import write_reliability
from settlements.operations.transfer_holds import lift_holds, place_hold
from settlements.prorata import refund_of_outage

Status = Outage.Status
Notice = DeliveryNotice.Kind
MAX_TEXT_CHARACTERS = 2000
NOBODY_HANDED_OVER = "Nothing was handed over in time."


class OutageRefused(Exception):
    """Nothing was changed; ``field`` names what is wrong, empty for the whole, the text says why, for people."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@dataclass(frozen=True, slots=True)
class OutageReport:
    """What a buyer says was down: whole minutes ``[starts_at, ends_at)``, UTC."""

    starts_at: datetime
    ends_at: datetime
    what: str


def report_outage(
    *, buyer: Organization, delivery_id: int, reported_by: User, report: OutageReport, now: datetime
) -> Outage:
    """Report an outage of hours that have run, until a day after the last. The same report sent twice is one.

    Raise Delivery.DoesNotExist for another buyer's delivery, OutageRefused.
    """
    with transaction.atomic(durable=True):
        delivery = lock_delivery(delivery_id, buyer_id=buyer.pk)
        _require_reportable(delivery, now)
        _require_within(delivery, report, now)
        _require_text(report.what, field="what", missing="Say what did not work.")
        overlapping = _overlapping(delivery, report)
        if overlapping is not None:
            if _is_same_again(overlapping, report):
                return overlapping
            raise OutageRefused(
                f"Outage {overlapping.pk}, {_span(overlapping)}, covers some of this time. Report only what it leaves.",
                field="starts_at",
            )
        outage = Outage.objects.create(
            delivery=delivery,
            starts_at=report.starts_at,
            ends_at=report.ends_at,
            what=report.what,
            reported_by=reported_by,
            reported_at=now,
        )
        place_hold([delivery], reference=outage.hold_reference, reason="An outage is reported.", by=None)
        tell(
            delivery,
            "outage.reported",
            mail={delivery.seller_id: Notice.OUTAGE_REPORTED},
            outage=outage.pk,
        )
        return outage


def withdraw_outage(*, buyer: Organization, outage_id: int) -> Outage:
    """Take back a report before it is accepted or decided. Raise Outage.DoesNotExist, OutageRefused."""
    with transaction.atomic(durable=True):
        outage = _lock_outage(outage_id, buyer_id=buyer.pk)
        if outage.kind != Outage.Kind.REPORTED:
            raise OutageRefused("Nobody reported this: the hand-over was missed. Our finance staff decides.")
        _move(outage, Status.WITHDRAWN)
        lift_holds(reference=outage.hold_reference, by=None)
        tell(
            outage.delivery,
            "outage.withdrawn",
            mail={outage.delivery.seller_id: Notice.OUTAGE_WITHDRAWN},
            outage=outage.pk,
        )
        return outage


def answer_outage(
    *, seller: Organization, outage_id: int, answered_by: User, accepts: bool, note: str, now: datetime
) -> Outage:
    """Answer a report, once; who disputes it says why. Raise Outage.DoesNotExist, OutageRefused."""
    with transaction.atomic(durable=True):
        outage = _lock_outage(outage_id, seller_id=seller.pk)
        if note or not accepts:
            _require_text(note, field="note", missing="Say why you dispute it.")
        outage.answer, outage.answered_by, outage.answered_at = note, answered_by, now
        _move(outage, Status.ACCEPTED if accepts else Status.DISPUTED)
        tell(
            outage.delivery,
            f"outage.{outage.status}",
            mail={outage.delivery.buyer_id: Notice.OUTAGE_ANSWERED},
            outage=outage.pk,
        )
        _ask_finance(outage)
        return outage


def decide_outage(
    *,
    outage_id: int,
    decided_by: User,
    upheld_minutes: int,
    reason: str,
    fingerprint: str,
    now: datetime,
) -> Outage:
    """Uphold an outage in whole or part, with its refund in the same transaction, or reject it (no minutes).

    ``fingerprint`` is what the page showed: what was answered or decided since is refused. Raise Outage.DoesNotExist,
    OutageRefused, RefundRejected.
    """
    with transaction.atomic(durable=True):
        outage = _lock_outage(outage_id)
        if outage.fingerprint != fingerprint:
            raise OutageRefused("Something changed since this was shown. Look at it again before you decide.")
        _require_decidable(outage, upheld_minutes, now)
        if stake := stake_of(decided_by, outage.delivery.buyer_id, outage.delivery.seller_id):
            raise OutageRefused(stake)
        _require_text(reason, field="reason", missing="Say why: both sides read it.")
        outage.decision, outage.decided_by, outage.decided_at = reason, decided_by, now
        outage.upheld_minutes = upheld_minutes or None
        cents = refund_cents(outage, upheld_minutes)
        target = Status.UPHELD if upheld_minutes else Status.REJECTED
        require_transition(Outage.TRANSITIONS, outage.status, target)
        delivery = outage.delivery
        if cents:
            ledger.lock_sides(buyer_id=delivery.buyer_id, seller_id=delivery.seller_id)
        # Before the refund, which tells the buyer: feeds are locked in key order, after limits and balances.
        tell(
            delivery,
            f"outage.{target}",
            mail={delivery.buyer_id: Notice.OUTAGE_DECIDED, delivery.seller_id: Notice.OUTAGE_DECIDED},
            outage=outage.pk,
            refund_cents=cents,
        )
        if cents:
            outage.refund = write_refund(
                delivery.line.settlement,
                {delivery.line_id: cents},
                _refund_reason(outage),
                decided_by,
                note=reason[:300],
            )
        outage.status = target
        outage.save()
        if outage.refund is None or outage.refund.status != Refund.Status.PROPOSED:
            lift_holds(reference=outage.hold_reference, by=decided_by)
        write_reliability(delivery.seller_id, now)
        return outage


def refund_cents(outage: Outage, upheld_minutes: int) -> int:
    """Return what upholding so many minutes of an outage gives back, cents: never more than is left of its line."""
    delivery = outage.delivery
    before = delivery.outages.filter(status=Status.UPHELD).exclude(pk=outage.pk)
    cents = refund_of_outage(
        delivery.line.amount_cents,
        n_minutes=(delivery.ends_at - delivery.starts_at) // MINUTE,
        refunded_minutes=before.aggregate(total=Sum("upheld_minutes", default=0))["total"],
        upheld_minutes=upheld_minutes,
    )
    return min(cents, delivery.line.refundable_cents)


def propose_missed_time(delivery: Delivery, now: datetime) -> Outage:
    """Claim for the buyer all time to the end; a late hand-over ends it earlier. Assumes a transaction."""
    assert delivery.due_at is not None
    starts_at = floor_minute(delivery.due_at)
    outage = Outage.objects.create(
        delivery=delivery,
        kind=Outage.Kind.MISSED_HANDOVER,
        # Whoever paid only when all was over has missed it all; why is for finance to weigh.
        starts_at=starts_at if starts_at < delivery.ends_at else delivery.starts_at,
        ends_at=delivery.ends_at,
        what=NOBODY_HANDED_OVER,
        reported_at=now,
    )
    _ask_finance(outage)
    return outage


def _ask_finance(outage: Outage) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="outage.to_decide",
        data={
            "outage": outage.pk,
            "delivery": outage.delivery_id,
            "award": outage.delivery.line.award_id,
            "status": outage.status,
        },
    )


def end_missed_time(delivery: Delivery, now: datetime) -> None:
    """End the time missed with a late hand-over, to the minute begun. Assumes a transaction."""
    missed = delivery.outages.filter(kind=Outage.Kind.MISSED_HANDOVER, status__in=Outage.UNDECIDED)
    missed.update(ends_at=min(ceil_minute(now), delivery.ends_at))


def floor_minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def ceil_minute(instant: datetime) -> datetime:
    floor = floor_minute(instant)
    return floor if floor == instant else floor + MINUTE


def _lock_outage(outage_id: int, **whose: int) -> Outage:
    """Return an outage with its delivery, all locked; ``whose`` names one of its sides. Raise Outage.DoesNotExist."""
    sides = {f"delivery__{side}": organization_id for side, organization_id in whose.items()}
    delivery_id = Outage.objects.values_list("delivery_id", flat=True).get(pk=outage_id, **sides)
    delivery = lock_delivery(delivery_id)
    outage = Outage.objects.select_for_update(no_key=True).get(pk=outage_id)
    outage.delivery = delivery
    return outage


def _move(outage: Outage, target: Outage.Status) -> None:
    if target not in Outage.TRANSITIONS[outage.status]:
        raise OutageRefused(
            f"This outage is {outage.get_status_display().lower()} by now. Nothing was changed."
        )
    outage.status = target
    outage.save()


def _require_reportable(delivery: Delivery, now: datetime) -> None:
    if delivery.status == Delivery.Status.MISSED:
        raise OutageRefused("The hand-over was missed: a refund of that time is proposed already.")
    if delivery.status not in (Delivery.Status.RUNNING, Delivery.Status.DELIVERED):
        raise OutageRefused("An outage can be reported once the delivery runs.")
    if now >= delivery.report_until:
        hours = REPORT_WITHIN // timedelta(hours=1)
        raise OutageRefused(
            f"An outage can be reported until {hours} hours after the last hour. That is over."
        )


def _require_within(delivery: Delivery, report: OutageReport, now: datetime) -> None:
    for field, instant in (("starts_at", report.starts_at), ("ends_at", report.ends_at)):
        if instant != floor_minute(instant):
            raise OutageRefused("Write whole minutes.", field=field)
    if report.ends_at <= report.starts_at:
        raise OutageRefused("It ended after it began.", field="ends_at")
    if report.starts_at < delivery.starts_at:
        raise OutageRefused(f"The delivery began at {delivery.starts_at:%d %b %H:%M} UTC.", field="starts_at")
    if report.ends_at > now:
        raise OutageRefused(
            "This is in the future. Report what has happened; if it goes on, report the rest later.",
            field="ends_at",
        )
    if report.ends_at > delivery.ends_at:
        raise OutageRefused(f"The delivery ended at {delivery.ends_at:%d %b %H:%M} UTC.", field="ends_at")


def _require_text(text: str, *, field: str, missing: str) -> None:
    if not text.strip():
        raise OutageRefused(missing, field=field)
    if len(text) > MAX_TEXT_CHARACTERS:
        raise OutageRefused(f"At most {MAX_TEXT_CHARACTERS:,} characters.", field=field)


def _overlapping(delivery: Delivery, report: OutageReport) -> Outage | None:
    claimed = delivery.outages.exclude(status__in=(Status.REJECTED, Status.WITHDRAWN))
    return (
        claimed.filter(starts_at__lt=report.ends_at, ends_at__gt=report.starts_at)
        .order_by("starts_at")
        .first()
    )


def _is_same_again(outage: Outage, report: OutageReport) -> bool:
    return (outage.starts_at, outage.ends_at, outage.what) == (report.starts_at, report.ends_at, report.what)


def _require_decidable(outage: Outage, upheld_minutes: int, now: datetime) -> None:
    if outage.status not in Outage.UNDECIDED:
        raise OutageRefused(f"This outage is {outage.get_status_display().lower()} already.")
    if outage.kind == Outage.Kind.MISSED_HANDOVER and outage.ends_at > now:
        raise OutageRefused(
            "A late hand-over may still end the time missed. Decide once it came, or at the end."
        )
    if not 0 <= upheld_minutes <= outage.n_minutes:
        raise OutageRefused(f"Uphold 1 to {outage.n_minutes} minutes, or reject it.", field="minutes")


def _refund_reason(outage: Outage) -> Refund.Reason:
    if outage.kind == Outage.Kind.MISSED_HANDOVER:
        return Refund.Reason.MISSED_HANDOVER
    return Refund.Reason.OUTAGE


def _span(outage: Outage) -> str:
    return f"{outage.starts_at:%d %b %H:%M} to {outage.ends_at:%H:%M} UTC"
