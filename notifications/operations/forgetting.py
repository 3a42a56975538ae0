"""What nobody needs any more is deleted: old notifications with their letters, and old logs of webhooks.

Feeds are passed on by a cursor, so what is deleted here is not told again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from notifications.models import Notification, WebhookDelivery


def forget_notifications(*, now: datetime, at_most: int) -> int:
    """Delete notifications that are old and read, or much older; return how many. One only mailed counts as read."""
    old = now - timedelta(days=settings.NOTIFICATIONS_READ_KEPT_DAYS)
    much_older = now - timedelta(days=settings.NOTIFICATIONS_UNREAD_KEPT_DAYS)
    is_read = Q(read_at__isnull=False) | Q(in_page=False)
    over = Notification.objects.filter(Q(created_at__lt=old) & is_read | Q(created_at__lt=much_older))
    with transaction.atomic(durable=True):
        found = over.select_for_update(skip_locked=True).order_by("created_at", "id")[:at_most]
        ids = list(found.values_list("id", flat=True))
        Notification.objects.filter(pk__in=ids).delete()
    return len(ids)


def forget_deliveries(*, now: datetime, at_most: int) -> int:
    """Delete what was sent to webhooks, or given up, long ago, with its attempts; return how many."""
    old = now - timedelta(days=settings.WEBHOOK_LOG_KEPT_DAYS)
    over = WebhookDelivery.objects.filter(ended_at__lt=old)
    with transaction.atomic(durable=True):
        found = over.select_for_update(skip_locked=True).order_by("ended_at", "id")[:at_most]
        ids = list(found.values_list("id", flat=True))
        WebhookDelivery.objects.filter(pk__in=ids).delete()
    return len(ids)
