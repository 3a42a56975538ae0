"""Reads of deliveries: which step is due, and what each side sees of them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from settlements.models import Delivery, Settlement
from settlements.models.deliveries import HANDOVER_GRACE

Status = Delivery.Status
PAYS_FOR_HANDOVER = (Settlement.Status.PAID, Settlement.Status.CARRIED)
"""A settlement too small for a card is owed, and held against the limit: its hours are handed over all the same."""
BATCH = 200


def due_deliveries(now: datetime) -> list[int]:
    """Return deliveries for which payment or time asks a step, the earliest first."""
    is_due = (
        Q(status=Status.AWAITING_PAYMENT, line__settlement__status__in=PAYS_FOR_HANDOVER)
        | Q(status=Status.HANDOVER_DUE, due_at__lte=now - HANDOVER_GRACE)
        | Q(status=Status.READY, starts_at__lte=now)
        | Q(status=Status.RUNNING, ends_at__lte=now)
    )
    due = Delivery.objects.filter(is_due, status__in=Delivery.LIVE)
    return list(due.order_by("starts_at", "id").values_list("id", flat=True)[:BATCH])
