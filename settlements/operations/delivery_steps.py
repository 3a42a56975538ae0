"""The step that payment or time asks of a delivery: due, missed, running, delivered.

The sweep looks for such steps once a second, so that whatever paid a settlement need not know of its deliveries. With
the last hour the seller is owed its share, unless an outage is still to be decided.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from settlements import ledger
from settlements.models import Delivery, DeliveryNotice, Handover, Transaction
from settlements.operations.deliveries import lock_delivery, move
from settlements.operations.delivery_notices import tell
from settlements.operations.outages import propose_missed_time
from settlements.operations.reliability import write_reliability
from settlements.operations.transfer_rows import write_transfers
from settlements.queries.deliveries import PAYS_FOR_HANDOVER, handover_before
from settlements.queries.outages import is_undecided
from settlements.vault import open_sealed, seal

Status = Delivery.Status
Notice = DeliveryNotice.Kind
STARTS = (Status.HANDOVER_DUE, Status.READY)


def move_delivery(*, delivery_id: int, now: datetime) -> bool:
    """Take the step that is due for a delivery at ``now``; return False where another worker was first, or none is."""
    with transaction.atomic(durable=True):
        delivery = lock_delivery(delivery_id)
        step = _step(delivery, now)
        if step is None:
            return False
        mail: dict[int, Notice] = {}
        match step:
            case Status.HANDOVER_DUE:
                delivery.due_at = max(delivery.starts_at, now)
                mail = {delivery.seller_id: Notice.HANDOVER_DUE}
            case Status.READY:
                _carry_over(delivery, now)
            case Status.MISSED:
                delivery.missed_at = now
                propose_missed_time(delivery, now)
                mail = {delivery.buyer_id: Notice.MISSED, delivery.seller_id: Notice.MISSED}
            case Status.DELIVERED:
                delivery.delivered_at = now
                _owe_seller(delivery)
            case Status.CANCELLED:
                mail = {delivery.buyer_id: Notice.CANCELLED, delivery.seller_id: Notice.CANCELLED}
        move(delivery, step)
        if step == Status.DELIVERED:
            write_transfers(delivery)
        tell(delivery, f"delivery.{step}", mail=mail)
        if step in (Status.DELIVERED, Status.CANCELLED):
            write_reliability(delivery.seller_id, now)
        return True


def announce_start(*, delivery_id: int, now: datetime) -> bool:
    """Tell both sides, once, that a delivery starts soon; return False where that was done, or it will not start."""
    with transaction.atomic(durable=True):
        delivery = lock_delivery(delivery_id)
        announced = DeliveryNotice.objects.filter(delivery=delivery, kind=Notice.STARTS_SOON)
        if delivery.status not in STARTS or delivery.starts_at <= now or announced.exists():
            return False
        mail = {delivery.buyer_id: Notice.STARTS_SOON, delivery.seller_id: Notice.STARTS_SOON}
        tell(delivery, "delivery.starts_soon", mail=mail, status=delivery.status)
        return True


def _step(delivery: Delivery, now: datetime) -> Delivery.Status | None:
    """Say which step is due for a delivery, None while time has to pass."""
    match delivery.status:
        case Status.AWAITING_PAYMENT if delivery.line.settlement.status in PAYS_FOR_HANDOVER:
            return Status.HANDOVER_DUE
        case Status.HANDOVER_DUE | Status.READY if delivery.line.is_refunded_in_full:
            return Status.CANCELLED
        case Status.HANDOVER_DUE if now >= delivery.starts_at and handover_before(delivery) is not None:
            return Status.READY
        case Status.HANDOVER_DUE if delivery.missed_after is not None and now >= delivery.missed_after:
            return Status.MISSED
        case Status.READY if now >= delivery.starts_at:
            return Status.RUNNING
        case Status.RUNNING if now >= delivery.ends_at and not is_undecided(delivery):
            return Status.DELIVERED
        case Status.MISSED if now >= delivery.ends_at and not is_undecided(delivery):
            return Status.DELIVERED if delivery.line.share_cents else Status.CANCELLED
    return None


def _carry_over(delivery: Delivery, now: datetime) -> None:
    """A lease's next month goes on with the access and the keys of the month before: nobody hands over twice."""
    before = handover_before(delivery)
    assert before is not None
    said = open_sealed(before.delivery_id, before.sealed)
    Handover.objects.create(
        delivery=delivery,
        version=1,
        sealed=seal(delivery.pk, said),
        given_by_id=before.given_by_id,
        given_at=now,
    )
    delivery.ssh_keys.set(before.delivery.ssh_keys.all())
    delivery.handed_over_at = now


def _owe_seller(delivery: Delivery) -> None:
    """Owe the seller its share, once: the transaction's reference names this delivery."""
    share_cents = delivery.line.share_cents
    if share_cents:
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.DELIVERED,
                reference=f"delivery:{delivery.pk}:delivered",
                description=f"Award {delivery.line.award_id} delivered",
                cents={
                    ledger.seller_reserve(delivery.seller_id): share_cents,
                    ledger.seller_payable(delivery.seller_id): -share_cents,
                },
            )
        )
