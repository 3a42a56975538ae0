"""What people and their programs are told."""

from notifications.models.people import FeedCursor, Letter, Notification, Preference
from notifications.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "FeedCursor",
    "Letter",
    "Notification",
    "Preference",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
