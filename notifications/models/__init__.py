"""What people and their programs are told."""

from notifications.models.people import FeedCursor, Letter, Notification, Preference

__all__ = ["FeedCursor", "Letter", "Notification", "Preference"]
