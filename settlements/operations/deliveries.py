"""Deliveries as part of what others do: drawn up, locked, moved, cancelled. All of it assumes a transaction.

The settlement is locked before its deliveries. What payment and time ask for is in delivery_steps.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from accounts.stream import Happening
from marketplace.states import require_transition
from settlements.models import Delivery, Settlement, SettlementLine, SshKey
from settlements.operations.delivery_notices import told_both_sides, write_cancelled_notices

Status = Delivery.Status


def write_deliveries(lines: Iterable[SettlementLine]) -> list[Delivery]:
    """Write the deliveries of new lines, each with the SSH keys that its buyer has by now."""
    deliveries = Delivery.objects.bulk_create((_new_delivery(line) for line in lines), batch_size=2000)
    _attach_keys(deliveries)
    return deliveries


def cancel_deliveries(settlement_ids: Sequence[int]) -> list[Happening]:
    """Cancel what of these settlements is not delivered; return what to tell both sides.

    The settlements are locked already. The caller tells, with whatever else it tells: feeds are locked once.
    """
    undelivered = Delivery.objects.filter(line__settlement_id__in=settlement_ids, status__in=Delivery.LIVE)
    cancelled = list(
        undelivered.select_related("line__award").order_by("id").select_for_update(no_key=True, of=("self",))
    )
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in cancelled]).update(status=Status.CANCELLED)
    write_cancelled_notices(cancelled)
    return [
        happening for delivery in cancelled for happening in told_both_sides(delivery, "delivery.cancelled")
    ]


def lock_delivery(delivery_id: int, **whose: int) -> Delivery:
    """Return a delivery with its line and settlement, locked, the settlement first.

    ``whose`` names one of its sides (``buyer_id``, ``seller_id``). Raise Delivery.DoesNotExist, also for another's.
    """
    own = Delivery.objects.filter(pk=delivery_id, **whose)
    settlement_id = own.values_list("line__settlement_id", flat=True).get()
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    delivery = own.select_for_update(no_key=True, of=("self",)).select_related("line__award").get()
    delivery.line.settlement = settlement
    return delivery


def move(delivery: Delivery, target: Delivery.Status) -> None:
    """Set a locked delivery's state, with whatever else was set on it."""
    require_transition(Delivery.TRANSITIONS, delivery.status, target)
    delivery.status = target
    delivery.save()


def _new_delivery(line: SettlementLine) -> Delivery:
    return Delivery(
        line=line,
        buyer_id=line.settlement.organization_id,
        seller_id=line.seller_id,
        starts_at=line.starts_at,
        ends_at=line.ends_at,
    )


def _attach_keys(deliveries: Sequence[Delivery]) -> None:
    keys: dict[int, list[int]] = defaultdict(list)
    buyers = {delivery.buyer_id for delivery in deliveries}
    live = SshKey.objects.filter(organization__in=buyers, removed_at=None)
    for organization_id, key_id in live.values_list("organization_id", "id"):
        keys[organization_id].append(key_id)
    link = SshKey.deliveries.through
    link.objects.bulk_create(
        (
            link(delivery_id=delivery.pk, sshkey_id=key_id)
            for delivery in deliveries
            for key_id in keys[delivery.buyer_id]
        ),
        batch_size=2000,
    )
