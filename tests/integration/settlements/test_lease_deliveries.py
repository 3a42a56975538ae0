"""A lease's months are deliveries of their own; the seller hands over once."""

import pytest

from accounts.models import Organization
from settlements.models import Delivery
from settlements.operations.handovers import Access, read_own_handover
from settlements.operations.ssh_keys import add_ssh_key, choose_ssh_keys
from settlements.sweeps import sweep_deliveries
from tests.integration.settlements.deliveries import ED25519, OTHER_ED25519, give, member
from tests.integration.settlements.test_leases import buyer, charge_all, draw_up, lease_of

__all__ = ["buyer"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]


def test_the_next_month_goes_on_with_the_access_and_keys_of_the_one_before(buyer: Organization) -> None:
    lease = lease_of(buyer)
    charge_all()
    first = Delivery.objects.get()
    sweep_deliveries(now=first.starts_at)
    key, _ = (
        add_ssh_key(organization=buyer, added_by=member(buyer), text=text)
        for text in (ED25519, OTHER_ED25519)
    )
    choose_ssh_keys(buyer=buyer, delivery_id=first.pk, key_ids=[key.pk], now=first.starts_at)
    give(first, at=first.starts_at)
    draw_up(lease, 2)
    charge_all()
    second = Delivery.objects.exclude(pk=first.pk).get()
    sweep_deliveries(now=first.starts_at)
    newest = Access(endpoint="ssh moved@198.51.100.9")
    give(first, at=first.starts_at, access=newest, version_seen=1)

    for _ in range(3):
        sweep_deliveries(now=second.starts_at)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Delivery.Status.DELIVERED, Delivery.Status.RUNNING)
    assert read_own_handover(seller=second.seller, delivery_id=second.pk) == newest
    assert list(second.ssh_keys.all()) == [key]
    assert second.missed_at is None
