"""What people are told: notifications, their letters by e-mail, and who wants which."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, User


class FeedCursor(models.Model):
    """How far an organization's own feed was passed on. Its sequences become visible in order, so none is skipped."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization_id} passed on to {self.sequence}"


class Preference(models.Model):
    """A person's own choice for one kind; without a row the kind's defaults hold (kinds.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notification_preferences")
    kind = models.CharField(max_length=40)
    in_page = models.BooleanField()
    by_email = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="preference_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.kind}"


class Notification(models.Model):
    """What one person is told of one thing. ``key`` names the thing, so that it is told once.

    ``n`` counts what was gathered under the key, such as the bids that a window's clearing lost; ``data`` is what the
    first of them said, with its amounts summed.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=100)
    event = models.CharField(max_length=40, help_text="The kind of the event in the feed, such as bid.won.")
    data = models.JSONField(default=dict)
    n = models.PositiveIntegerField(default=1)
    in_page = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="notification_told_once"),
            models.CheckConstraint(name="notification_of_something", condition=Q(n__gte=1)),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], condition=Q(in_page=True), name="notification_by_person"),
            models.Index(
                fields=["user"], condition=Q(in_page=True, read_at=None), name="notification_unread"
            ),
            models.Index(fields=["created_at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.key} for {self.user_id}"


class Letter(models.Model):
    """A notification's e-mail. The row is there first; a job sends it and tries again until it gives up."""

    notification = models.OneToOneField(Notification, on_delete=models.CASCADE, related_name="letter")
    n_tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(
        null=True, blank=True, help_text="Not wanted any more, or never taken."
    )
    said = models.CharField(max_length=300, blank=True, help_text="Why it was not sent.")

    class Meta:
        constraints = [
            models.CheckConstraint(name="letter_ends_once", condition=Q(sent_at=None) | Q(given_up_at=None)),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(sent_at=None, given_up_at=None), name="letter_unsent"
            ),
        ]

    def __str__(self) -> str:
        return f"letter about notification {self.notification_id}"
