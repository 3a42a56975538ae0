"""What becomes of paid hours: the hand-over falls due, they run, and once they have ended their seller is owed.

``move_delivery`` takes the step that payment or time asks for; the sweep looks for such steps once a second, so that
whatever paid a settlement need not know of its deliveries. The settlement is locked before its deliveries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from accounts.stream import Happening, append_events
from marketplace.states import require_transition
from settlements import ledger
from settlements.models import Delivery, Settlement, SettlementLine, Transaction
from settlements.queries.deliveries import PAYS_FOR_HANDOVER

Status = Delivery.Status


def write_deliveries(lines: Iterable[SettlementLine]) -> list[Delivery]:
    """Write the deliveries of new lines. Assumes a transaction."""
    return Delivery.objects.bulk_create((_new_delivery(line) for line in lines), batch_size=2000)


def cancel_deliveries(settlement_ids: Sequence[int]) -> list[Happening]:
    """Cancel what of these settlements is not delivered; return what to tell both sides. Assumes a transaction.

    The settlements are locked already. The caller tells, with whatever else it tells: feeds are locked once.
    """
    undelivered = Delivery.objects.filter(line__settlement_id__in=settlement_ids, status__in=Delivery.LIVE)
    cancelled = list(
        undelivered.select_related("line").order_by("id").select_for_update(no_key=True, of=("self",))
    )
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in cancelled]).update(status=Status.CANCELLED)
    return [
        happening for delivery in cancelled for happening in told_both_sides(delivery, "delivery.cancelled")
    ]


def move_delivery(*, delivery_id: int, now: datetime) -> bool:
    """Take the step that is due for a delivery at ``now``; return False where another worker was first, or none is."""
    with transaction.atomic(durable=True):
        delivery = lock_delivery(delivery_id)
        step = _step(delivery, now)
        if step is None:
            return False
        match step:
            case Status.HANDOVER_DUE:
                delivery.due_at = max(delivery.starts_at, now)
            case Status.MISSED:
                delivery.missed_at = now
            case Status.DELIVERED:
                delivery.delivered_at = now
                _owe_seller(delivery)
        move(delivery, step)
        append_events(told_both_sides(delivery, f"delivery.{step}"))
        return True


def lock_delivery(delivery_id: int) -> Delivery:
    """Return a delivery with its line and settlement, locked, the settlement first. Raise Delivery.DoesNotExist."""
    own = Delivery.objects.filter(pk=delivery_id)
    settlement_id = own.values_list("line__settlement_id", flat=True).get()
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    delivery = own.select_for_update(no_key=True, of=("self",)).select_related("line__award").get()
    delivery.line.settlement = settlement
    return delivery


def move(delivery: Delivery, target: Delivery.Status) -> None:
    """Set a locked delivery's state, with whatever else was set on it. Assumes a transaction."""
    require_transition(Delivery.TRANSITIONS, delivery.status, target)
    delivery.status = target
    delivery.save()


def told_both_sides(delivery: Delivery, kind: str, **facts: int | str) -> list[Happening]:
    """Return what both feeds tell of a delivery: never anything of what was handed over."""
    data = {
        "delivery": delivery.pk,
        "award": delivery.line.award_id,
        "starts_at": delivery.starts_at.isoformat(),
        "ends_at": delivery.ends_at.isoformat(),
        **facts,
    }
    sides = (delivery.buyer_id, delivery.seller_id)
    return [Happening(organization_id=side, kind=kind, data=data) for side in sides]


def _new_delivery(line: SettlementLine) -> Delivery:
    return Delivery(
        line=line,
        buyer_id=line.settlement.organization_id,
        seller_id=line.seller_id,
        starts_at=line.starts_at,
        ends_at=line.ends_at,
    )


def _step(delivery: Delivery, now: datetime) -> Delivery.Status | None:
    """Say which step is due for a delivery, None while time has to pass."""
    match delivery.status:
        case Status.AWAITING_PAYMENT if delivery.line.settlement.status in PAYS_FOR_HANDOVER:
            return Status.HANDOVER_DUE
        case Status.HANDOVER_DUE if delivery.missed_after is not None and now >= delivery.missed_after:
            return Status.MISSED
        case Status.READY if now >= delivery.starts_at:
            return Status.RUNNING
        case Status.RUNNING if now >= delivery.ends_at:
            return Status.DELIVERED
    return None


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
