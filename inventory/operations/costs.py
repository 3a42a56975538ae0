"""What a unit costs its owner."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from accounts.models import Organization, User
from inventory.models import ResourceType, UnitCost
from inventory.terms import CostTerms
from marketplace.db import database_now


def save_unit_cost(
    *, seller: Organization, resource_type: ResourceType, saved_by: User, costs: CostTerms
) -> UnitCost:
    """Remember what a unit of a type costs ``seller``, in place of what was said before."""
    said = asdict(costs) | {"saved_by": saved_by, "saved_at": database_now()}
    with transaction.atomic(durable=True):
        cost, _ = UnitCost.objects.update_or_create(
            organization=seller, resource_type=resource_type, defaults=said
        )
    return cost
