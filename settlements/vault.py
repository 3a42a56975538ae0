"""What sellers hand over, encrypted at rest: Fernet (AES-128-CBC and HMAC-SHA256), with keys that can be changed.

The first of ``HANDOVER_KEYS`` encrypts, all of them decrypt. To change the key, put a new one in front, run
``manage.py reseal_handovers``, then take the old one away. Source: https://cryptography.io/en/latest/fernet/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.fernet import InvalidToken

from marketplace.ciphers import cipher

PURPOSE = b"sparegrid hand-over"


class Unreadable(Exception):
    """None of the keys opens it, or it was sealed for another delivery: it was tampered with, or a key is missing."""


def seal(delivery_id: int, said: Mapping[str, str]) -> str:
    """Encrypt what is said for one delivery."""
    text = json.dumps({"delivery": delivery_id, "said": dict(said)})
    return cipher(PURPOSE).encrypt(text.encode()).decode()


def open_sealed(delivery_id: int, sealed: str) -> dict[str, str]:
    """Decrypt what was sealed for this delivery. Raise Unreadable."""
    try:
        content = json.loads(cipher(PURPOSE).decrypt(sealed.encode()))
    except InvalidToken as invalid:
        raise Unreadable(f"delivery {delivery_id}: none of the keys opens what was handed over") from invalid
    if content["delivery"] != delivery_id:
        raise Unreadable(f"delivery {delivery_id}: what stands there was sealed for another")
    said: dict[str, str] = content["said"]
    return said


def reseal(sealed: str) -> str:
    """Encrypt anew with the first key. Raise Unreadable."""
    try:
        return cipher(PURPOSE).rotate(sealed.encode()).decode()
    except InvalidToken as invalid:
        raise Unreadable("none of the keys opens it") from invalid
