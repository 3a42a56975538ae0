"""Webhooks are signed: ``Sparegrid-Signature: t=<unix seconds>,v1=<hex>``, HMAC-SHA256 of ``<t>.<body>``.

While a secret is being changed there is a ``v1`` for the new and one for the old. Receivers: docs/webhooks.md.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from marketplace.ciphers import cipher

HEADER = "Sparegrid-Signature"
PREFIX = "whsec_"
PURPOSE = b"sparegrid webhook secret"


def new_secret() -> str:
    """Draw a secret: 256 bits."""
    return PREFIX + secrets.token_urlsafe(32)


def seal(secret: str) -> str:
    """Encrypt a secret to be kept."""
    return cipher(PURPOSE).encrypt(secret.encode()).decode()


def open_sealed(sealed: str) -> str:
    """Decrypt a kept secret."""
    return cipher(PURPOSE).decrypt(sealed.encode()).decode()


def reseal(sealed: str) -> str:
    """Encrypt a kept secret anew with the first key."""
    return cipher(PURPOSE).rotate(sealed.encode()).decode()


def signature(body: str, *, at: datetime, with_secrets: Iterable[str]) -> str:
    """Return the header's value for a body that is sent at ``at``."""
    stamp = str(int(at.timestamp()))
    signed = [
        hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        for secret in with_secrets
    ]
    return ",".join([f"t={stamp}", *(f"v1={each}" for each in signed)])
