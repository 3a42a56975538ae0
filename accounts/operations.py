"""What changes who takes part: organizations, their limits, their keys. Each function owns its transaction."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.keys import new_secret, secret_sha256
from accounts.models import ApiKey, BiddingLimit, Membership, Organization, Stream, User
from marketplace.db import database_now

SLUG_CHARACTERS = 100


class ApiKeyNotFound(Exception):
    """The organization has no live key of this id."""


def create_organization(*, name: str, owner: User, is_buyer: bool, is_seller: bool) -> Organization:
    """Create an organization that ``owner`` owns, with a limit of zero and a feed of its own."""
    with transaction.atomic(durable=True):
        organization = _create_under_free_slug(name=name, is_buyer=is_buyer, is_seller=is_seller)
        BiddingLimit.objects.create(organization=organization)
        Stream.objects.create(organization=organization)
        Membership.objects.create(user=owner, organization=organization, role=Membership.Role.OWNER)
    return organization


def set_limit(*, organization: Organization, limit_cents: int) -> None:
    """Set how much an organization may have at stake, cents. A limit below what is held keeps those holds alive."""
    with transaction.atomic(durable=True):
        limit = BiddingLimit.objects.select_for_update(no_key=True).get(organization=organization)
        limit.limit_cents = limit_cents
        limit.limit_set_at = database_now()
        limit.save(update_fields=["limit_cents", "limit_set_at"])


def create_api_key(*, organization: Organization, created_by: User, name: str) -> tuple[ApiKey, str]:
    """Create a key and return it with its text, which cannot be had again."""
    drawn = new_secret()
    with transaction.atomic(durable=True):
        key = ApiKey.objects.create(
            organization=organization,
            created_by=created_by,
            name=name,
            prefix=drawn.prefix,
            secret_sha256=secret_sha256(drawn.secret),
        )
    return key, drawn.text


def revoke_api_key(*, organization: Organization, key_id: int, now: datetime) -> None:
    """End a key at once and for good. Raise ApiKeyNotFound."""
    with transaction.atomic(durable=True):
        live = ApiKey.objects.filter(pk=key_id, organization=organization, revoked_at=None)
        if not live.update(revoked_at=now):
            raise ApiKeyNotFound


def _create_under_free_slug(*, name: str, is_buyer: bool, is_seller: bool) -> Organization:
    """Create with the first free of acme, acme-2, acme-3 …; the unique constraint decides, also in a race."""
    stem = slugify(name)[:SLUG_CHARACTERS] or "organization"
    number, slug = 1, stem
    while True:
        try:
            with transaction.atomic():
                return Organization.objects.create(
                    name=name, slug=slug, is_buyer=is_buyer, is_seller=is_seller
                )
        except IntegrityError:
            if not Organization.objects.filter(slug=slug).exists():
                raise
        number += 1
        slug = f"{stem}-{number}"
