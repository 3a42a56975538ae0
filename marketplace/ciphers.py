"""Keys for what is encrypted at rest: one for each purpose, derived from ``HANDOVER_KEYS``.

The first of them encrypts, all of them decrypt: Fernet (AES-128-CBC and HMAC-SHA256). A purpose's key opens nothing
that was sealed for another. Source: https://cryptography.io/en/latest/fernet/.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def cipher(purpose: bytes) -> MultiFernet:
    """Return what seals and opens for a purpose."""
    return MultiFernet([Fernet(_derived(secret, purpose)) for secret in settings.HANDOVER_KEYS])


def _derived(secret: str, purpose: bytes) -> bytes:
    """A secret of any form becomes a key for this purpose alone."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
