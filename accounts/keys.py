"""API keys: ``sg_<prefix>_<secret>``. The prefix finds the row, the secret proves; only its hash is kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import ApiKey

SCHEME = "sg"
LAST_USED_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A key's parts when it is made: the only moment its text is known."""

    prefix: str
    secret: str

    @property
    def text(self) -> str:
        return f"{SCHEME}_{self.prefix}_{self.secret}"


def new_secret() -> NewSecret:
    """Draw a key: 40 bits of prefix, 256 of secret."""
    return NewSecret(prefix=secrets.token_hex(5), secret=secrets.token_urlsafe(32))


def secret_sha256(secret: str) -> str:
    """Return the hash that is kept. The secret is random and long, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_key(text: str) -> ApiKey | None:
    """Return the live key that ``text`` is, with its organization and maker, or None."""
    scheme, _, rest = text.partition("_")
    prefix, _, secret = rest.partition("_")
    if scheme != SCHEME or not prefix or not secret:
        return None
    key = (
        ApiKey.objects.select_related("organization", "created_by")
        .filter(prefix=prefix, revoked_at=None)
        .first()
    )
    if key is None or not hmac.compare_digest(key.secret_sha256, secret_sha256(secret)):
        return None
    return key


def note_use(key: ApiKey, *, now: datetime) -> None:
    """Write down that ``key`` is in use, at most once a minute."""
    since = now - LAST_USED_RESOLUTION
    if key.last_used_at is None or key.last_used_at <= since:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=since)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
