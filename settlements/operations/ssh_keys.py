"""An organization's SSH keys: add and remove them, and choose which go with a delivery."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from accounts.models import Organization, User
from settlements.models import Delivery, DeliveryNotice, SshKey
from settlements.operations.deliveries import lock_delivery
from settlements.operations.delivery_notices import tell, tell_of_many
from settlements.ssh_keys import InvalidSshKey, parse_public_key

MAX_KEYS = 50
"""How many keys an organization may have."""


class KeysRefused(Exception):
    """The choice of keys stays as it was; the text says why, for people."""


def add_ssh_key(*, organization: Organization, added_by: User, text: str) -> SshKey:
    """Add a public key; it goes with what is won from now on. Raise InvalidSshKey, also for one that is there."""
    key = parse_public_key(text)
    with transaction.atomic(durable=True):
        # Locked, so that two who add the same key at once are told apart.
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        own = SshKey.objects.filter(organization=organization, removed_at=None)
        same = own.select_related("added_by").filter(fingerprint=key.fingerprint).first()
        if same is not None:
            raise InvalidSshKey(f"This key is here already, as “{same}”, added by {same.added_by}.")
        if own.count() >= MAX_KEYS:
            raise InvalidSshKey(f"An organization has at most {MAX_KEYS} keys. Remove one first.")
        return SshKey.objects.create(
            organization=organization,
            line=key.line,
            type=key.type,
            comment=key.comment,
            fingerprint=key.fingerprint,
            added_by=added_by,
        )


def remove_ssh_key(*, organization: Organization, key_id: int, now: datetime) -> SshKey:
    """Remove a key, also from deliveries that are not over; their sellers are told. Raise SshKey.DoesNotExist."""
    with transaction.atomic(durable=True):
        own = SshKey.objects.filter(organization=organization, removed_at=None)
        key_deliveries = Delivery.objects.filter(ssh_keys__in=own.filter(pk=key_id), status__in=Delivery.LIVE)
        ids = list(key_deliveries.order_by("line__settlement_id", "id").values_list("id", flat=True))
        deliveries = [lock_delivery(delivery_id) for delivery_id in ids]
        key = own.select_for_update().get(pk=key_id)
        key.removed_at = now
        key.save(update_fields=["removed_at"])
        for delivery in deliveries:
            delivery.ssh_keys.remove(key)
        tell_of_many(deliveries, "delivery.keys_changed", mail_sellers=DeliveryNotice.Kind.KEYS_CHANGED)
        return key


def choose_ssh_keys(
    *, buyer: Organization, delivery_id: int, key_ids: Collection[int], now: datetime
) -> Delivery:
    """Choose which keys the seller lets in, until the end; the seller is told of a change.

    Raise Delivery.DoesNotExist for another buyer's delivery, KeysRefused.
    """
    with transaction.atomic(durable=True):
        delivery = lock_delivery(delivery_id, buyer_id=buyer.pk)
        if delivery.status not in Delivery.LIVE or now >= delivery.ends_at:
            raise KeysRefused("This delivery is over: its keys stay as they were.")
        chosen = set(
            SshKey.objects.filter(organization=buyer, removed_at=None, pk__in=key_ids).values_list(
                "id", flat=True
            )
        )
        if chosen != set(key_ids):
            raise KeysRefused("A key was removed meanwhile. Look at the list and choose again.")
        if chosen != set(delivery.ssh_keys.values_list("id", flat=True)):
            delivery.ssh_keys.set(chosen)
            tell(
                delivery,
                "delivery.keys_changed",
                mail={delivery.seller_id: DeliveryNotice.Kind.KEYS_CHANGED},
            )
        return delivery
