"""Send letters: each is locked while it goes out, tried again when the mail server is away, and given up in the end.

A worker that dies between the mail server's answer and the commit may send a letter twice, never not at all; both carry
the same Message-ID, by which mail programs show one.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, transaction

from accounts.models import Membership
from accounts.policies import TRADING_ROLES
from notifications import wording
from notifications.kinds import BY_NAME, FINANCE
from notifications.mail import Content, compose
from notifications.models import Letter, Notification, Preference
from notifications.queries import Recipient

logger = logging.getLogger(__name__)

MAX_TRIES = 8
FIRST_PAUSE = timedelta(minutes=1)
"""Tries come 1, 2, 4, … minutes apart: the last one about two hours after the first."""
NOT_WANTED = "Not wanted any more, or the person has left."


def send_letter(*, letter_id: int, now: datetime) -> bool:
    """Send a letter that is due; return whether it went out now. What it is about may have been read: it is sent all
    the same, unless its person has left or wants no more of its kind."""
    with transaction.atomic(durable=True):
        letter = (
            Letter.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .select_related("notification__user", "notification__organization")
            .filter(pk=letter_id, sent_at=None, given_up_at=None, next_try_at__lte=now)
            .first()
        )
        if letter is None:
            return False
        if not _is_wanted(letter.notification):
            letter.given_up_at, letter.said = now, NOT_WANTED
        else:
            _send(letter, now)
        letter.save()
        return letter.sent_at is not None


def _send(letter: Letter, now: datetime) -> None:
    notification = letter.notification
    letter.n_tries += 1
    try:
        message = compose(
            _content(notification),
            user_id=notification.user_id,
            email=notification.user.email,
            kind_name=notification.kind,
            message_id=f"<notification-{notification.pk}@{urlsplit(settings.SITE_URL).hostname}>",
        )
        message.send()
    except DatabaseError:
        raise  # of the try itself nothing can be noted then
    except (SMTPException, OSError) as error:
        _note_failure(letter, error, now)
        logger.warning("%s was not taken, try %s of %s: %s", letter, letter.n_tries, MAX_TRIES, error)
    except Exception as error:
        _note_failure(letter, error, now)
        logger.exception("%s cannot be sent, try %s of %s", letter, letter.n_tries, MAX_TRIES)
    else:
        letter.sent_at, letter.said = now, ""


def _note_failure(letter: Letter, error: Exception, now: datetime) -> None:
    letter.said = f"{type(error).__name__}: {error}"[:300]
    letter.next_try_at = now + FIRST_PAUSE * 2 ** (letter.n_tries - 1)
    if letter.n_tries >= MAX_TRIES:
        letter.given_up_at = now


def _content(notification: Notification) -> Content:
    said = wording.put(notification.event, notification.data, n=notification.n)
    if notification.organization is not None:
        why = f"You receive this as a member of {notification.organization}."
        heading = f"{notification.organization}: "
    else:
        why, heading = "You receive this as one of Sparegrid’s own staff.", ""
    text = f"{heading}{said.title}.\n\n{said.text}\n\n{settings.SITE_URL}{said.path}"
    return Content(subject=said.title, text=text, why=why)


def _is_wanted(notification: Notification) -> bool:
    """Whether the person is still there and still wants letters of the kind."""
    user = notification.user
    if not user.is_active:
        return False
    if notification.organization_id is None:
        kind = BY_NAME[notification.kind]
        at_desk = user.is_finance if kind.audience == FINANCE else user.is_operator
        return at_desk and _recipient(notification, Membership.Role.TRADER).wants_letter(kind)
    role = (
        Membership.objects.filter(user=user, organization_id=notification.organization_id)
        .values_list("role", flat=True)
        .first()
    )
    return role is not None and _recipient(notification, role).wants_letter(BY_NAME[notification.kind])


def _recipient(notification: Notification, role: str) -> Recipient:
    own = Preference.objects.filter(user=notification.user_id, kind=notification.kind)
    return Recipient(
        notification.user_id,
        notification.user.email,
        is_trader=role in TRADING_ROLES,
        is_owner=role == Membership.Role.OWNER,
        chosen={row.kind: row for row in own},
    )
