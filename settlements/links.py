"""The signed address in an e-mail that leads to paying a settlement. It asks for a login first."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

SALT = "settlements.pay"
LINK_LASTS = timedelta(days=60)


class LinkForged(Exception):
    """Nobody here wrote this link, or it was cut off on its way."""


class LinkExpired(Exception):
    """The link is older than LINK_LASTS."""


def payment_link(settlement_id: int) -> str:
    """Return the address that leads to paying a settlement."""
    token = signing.dumps(settlement_id, salt=SALT)
    return settings.SITE_URL + reverse("settlements:payment_link", args=[token])


def settlement_of_link(token: str) -> int:
    """Return the id of the settlement that a link is about. Raise LinkForged, LinkExpired."""
    try:
        return int(signing.loads(token, salt=SALT, max_age=LINK_LASTS))
    except signing.SignatureExpired as expired:
        raise LinkExpired from expired
    except (signing.BadSignature, ValueError) as forged:
        raise LinkForged from forged
