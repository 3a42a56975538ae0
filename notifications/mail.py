"""How every letter looks: plain text and HTML of the same words, why it came, and how to have no more of its kind."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from notifications.kinds import BY_NAME
from notifications.links import unsubscribe_link


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says. ``text`` is paragraphs with an empty line between; addresses in it become links."""

    subject: str
    text: str
    why: str
    """Why the reader gets it, as a sentence."""


def compose(
    content: Content, *, user_id: int, email: str, kind_name: str, message_id: str = ""
) -> EmailMultiAlternatives:
    """Return one person's letter. ``message_id`` lets a mail program see that a letter sent twice is one letter."""
    kind = BY_NAME[kind_name]
    ending = "" if kind.is_always_mailed else unsubscribe_link(user_id=user_id, kind_name=kind_name)
    context = {
        "subject": content.subject,
        "text": content.text.strip(),
        "why": content.why,
        "kind": kind,
        "unsubscribe": ending,
        "preferences": settings.SITE_URL + reverse("notifications:preferences"),
        "site": settings.SITE_URL,
    }
    headers = {"Auto-Submitted": "auto-generated"}
    if ending:
        headers |= {"List-Unsubscribe": f"<{ending}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    if message_id:
        headers["Message-ID"] = message_id
    message = EmailMultiAlternatives(
        subject=" ".join(content.subject.split()),
        body=render_to_string("email/letter.txt", context).strip() + "\n",
        to=[email],
        headers=headers,
    )
    message.attach_alternative(render_to_string("email/letter.html", context), "text/html")
    return message
