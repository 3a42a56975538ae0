"""The signed address in a letter that ends letters of its kind: it works without a login, and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from notifications.kinds import BY_NAME, Kind

SALT = "notifications.unsubscribe"


class LinkForged(Exception):
    """Nobody here wrote this link, or it was cut off on its way."""


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Whose letters of which kind a link ends."""

    user_id: int
    kind: Kind


def unsubscribe_link(*, user_id: int, kind_name: str) -> str:
    """Return the address that ends a person's letters of a kind. It does not expire: old letters are kept."""
    token = signing.dumps([user_id, kind_name], salt=SALT)
    return settings.SITE_URL + reverse("notifications:unsubscribe", args=[token])


def read_unsubscribe_link(token: str) -> Unsubscription:
    """Return what a link ends. Raise LinkForged."""
    try:
        user_id, name = signing.loads(token, salt=SALT)
        return Unsubscription(int(user_id), BY_NAME[name])
    except (signing.BadSignature, ValueError, TypeError, KeyError) as forged:
        raise LinkForged from forged
