"""What a person does with notifications: read one, read all, choose which to have and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Organization, User
from notifications.kinds import BY_NAME
from notifications.models import Notification, Preference
from notifications.queries import notifications_of


class ChoiceRefused(Exception):
    """The choices stay as they are; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How a person wants to hear of a kind."""

    in_page: bool
    by_email: bool


def read_notification(*, user: User, notification_id: int, now: datetime) -> Notification:
    """Note that a person has read a notification. Raise Notification.DoesNotExist."""
    with transaction.atomic(durable=True):
        notification = Notification.objects.select_for_update().get(
            pk=notification_id, user=user, in_page=True
        )
        if notification.read_at is None:
            notification.read_at = now
            notification.save(update_fields=["read_at"])
        return notification


def read_all(*, user: User, organization: Organization | None, up_to: int, now: datetime) -> int:
    """Note that a person has read all that their page showed, and what is older; return how many were unread."""
    with transaction.atomic(durable=True):
        unread = notifications_of(user, organization).filter(read_at=None, pk__lte=up_to)
        return unread.update(read_at=now)


def choose(*, user: User, choices: Mapping[str, Choice]) -> None:
    """Keep how a person wants to hear of kinds; other kinds stay as they are. Raise ChoiceRefused."""
    for name, choice in choices.items():
        if name not in BY_NAME:
            raise ChoiceRefused(f"There is no kind of news called {name}.")
        if BY_NAME[name].is_always_mailed and not choice.by_email:
            raise ChoiceRefused(f"“{BY_NAME[name].label}” is always sent by e-mail to those who trade.")
    with transaction.atomic(durable=True):
        Preference.objects.bulk_create(
            [
                Preference(user=user, kind=name, in_page=choice.in_page, by_email=choice.by_email)
                for name, choice in choices.items()
            ],
            update_conflicts=True,
            unique_fields=["user", "kind"],
            update_fields=["in_page", "by_email"],
        )


def end_letters(*, user_id: int, kind_name: str) -> None:
    """End a person's letters of a kind; on pages it goes on as before."""
    kind = BY_NAME[kind_name]
    if kind.is_always_mailed:
        raise ChoiceRefused(f"“{kind.label}” is always sent by e-mail to those who trade.")
    with transaction.atomic(durable=True):
        Preference.objects.update_or_create(
            user_id=user_id,
            kind=kind_name,
            defaults={"by_email": False},
            create_defaults={"by_email": False, "in_page": True},
        )
