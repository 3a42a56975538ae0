"""Who is asking: a key that acts for an organization, or a person with a session. Both set ``request.organization``."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.keys import find_key, note_use
from accounts.models import ApiKey, Organization, User
from marketplace.acting import also_acting

KEYWORD = b"bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer sg_<prefix>_<secret>``. A key may do what its maker may do for its organization."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD:
            return None
        key = find_key(parts[1].decode("latin-1")) if len(parts) == 2 else None
        if key is None or not key.created_by.is_active:
            raise AuthenticationFailed("This API key is unknown or revoked.")
        note_use(key, now=timezone.now())
        also_acting(user=key.created_by_id, api_key=key.prefix)
        # On Django's request, where the middleware puts it for sessions, so that both are read the same way.
        request._request.organization = key.organization  # type: ignore[attr-defined]
        request._request.memberships = []  # type: ignore[attr-defined]
        return key.created_by, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Sparegrid"'


def organization_of(request: Request) -> Organization:
    """Return the organization that the caller acts for; IsMember and the permissions above it make sure of one."""
    organization: Organization | None = request._request.organization  # type: ignore[attr-defined]
    assert organization is not None
    return organization
