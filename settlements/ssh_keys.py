"""SSH public keys as people paste them: read by a real parser, refused with a reason that helps."""

from __future__ import annotations

import base64
import warnings
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_ssh_public_key, ssh_key_fingerprint

MIN_RSA_BITS = 3072
MAX_CHARACTERS = 8000
MAX_COMMENT_CHARACTERS = 100
TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class InvalidSshKey(ValueError):
    """The text is no SSH public key that is taken; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: its type, its base64, the comment behind it, and its SHA-256 fingerprint as ssh-keygen shows it."""

    type: str
    base64: str
    comment: str
    fingerprint: str

    @property
    def line(self) -> str:
        """The key as it stands in an authorized_keys file."""
        return " ".join(part for part in (self.type, self.base64, self.comment) if part)


def parse_public_key(text: str) -> PublicKey:
    """Read one line of a ``.pub`` file. Raise InvalidSshKey."""
    text = text.strip()
    _require_one_public_line(text)
    kind, _, rest = text.partition(" ")
    body, _, comment = rest.strip().partition(" ")
    comment = comment.strip()
    if kind not in TYPES:
        raise InvalidSshKey(_why_not_taken(kind))
    if not body:
        raise InvalidSshKey("The key itself is missing: after its type comes a long word, such as AAAAC3Nz….")
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise InvalidSshKey(f"The comment behind the key has at most {MAX_COMMENT_CHARACTERS} characters.")
    if not comment.isprintable():
        raise InvalidSshKey("The comment behind the key has characters that cannot be shown.")
    key = _load(kind, body)
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise InvalidSshKey(
            f"An RSA key needs {MIN_RSA_BITS} bits or more, this one has {key.key_size}. "
            "Make a new one: ssh-keygen -t ed25519."
        )
    digest = base64.b64encode(ssh_key_fingerprint(key, SHA256())).decode().rstrip("=")
    return PublicKey(type=kind, base64=body, comment=comment, fingerprint=f"SHA256:{digest}")


def _require_one_public_line(text: str) -> None:
    if not text:
        raise InvalidSshKey("Paste a public key: one line that starts with its type, such as ssh-ed25519.")
    if "PRIVATE KEY" in text:
        raise InvalidSshKey(
            "This is a private key: never give it to anybody. Paste the file whose name ends in .pub."
        )
    if "\n" in text or "\r" in text:
        raise InvalidSshKey("Paste one key at a time: a public key is a single line.")
    if len(text) > MAX_CHARACTERS:
        raise InvalidSshKey(f"A public key has at most {MAX_CHARACTERS:,} characters.")


def _why_not_taken(kind: str) -> str:
    if kind == "ssh-dss":
        return "DSA keys are no longer safe. Make a new one: ssh-keygen -t ed25519."
    if kind.startswith("sk-"):
        return "Keys on security tokens (sk-…) are not taken: not every seller’s server knows them."
    if "-cert-" in kind:
        return "This is a certificate. Paste the public key itself."
    return "A public key starts with its type: ssh-ed25519, ecdsa-sha2-nistp… or ssh-rsa. Nothing stands before it."


def _load(kind: str, body: str) -> Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            key = load_ssh_public_key(f"{kind} {body}".encode())
    except (ValueError, UnsupportedAlgorithm) as invalid:
        raise InvalidSshKey("This is not a whole public key: copy the line again, all of it.") from invalid
    assert isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey)  # of TYPES
    return key
