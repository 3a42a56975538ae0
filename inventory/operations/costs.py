"""What a unit costs its owner."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from accounts.models import Organization, User
from inventory.models import ResourceType, UnitCost
from inventory.terms import CostTerms
from marketplace.db import database_now
from marketplace.money import format_cents, format_ticks

NEVER_SAVED = "never saved"
"""The version of costs that nobody has said yet."""


class CostsChanged(Exception):
    """Somebody saved other costs since these were looked at; nothing was saved. ``version`` is of the present ones."""

    def __init__(self, terms: CostTerms) -> None:
        super().__init__(
            f"These costs were changed since you opened this page. They are {format_cents(terms.purchase_cents)} "
            f"a unit, {terms.life_years} years, {terms.residual_percent} % left then, {terms.power_watts:,} W and "
            f"{format_ticks(terms.energy_ticks)} per kWh now. Nothing was saved: send it again to have them as below."
        )
        self.version = terms.version


def cost_terms_of(cost: UnitCost) -> CostTerms:
    """Return what was said of a unit's costs."""
    return CostTerms(
        purchase_cents=cost.purchase_cents,
        life_years=cost.life_years,
        residual_percent=cost.residual_percent,
        power_watts=cost.power_watts,
        energy_ticks=cost.energy_ticks,
    )


def version_of_costs(cost: UnitCost | None) -> str:
    """Return the version of what was saved, or of nothing."""
    return NEVER_SAVED if cost is None else cost_terms_of(cost).version


def save_unit_cost(
    *, seller: Organization, resource_type: ResourceType, saved_by: User, costs: CostTerms, version_seen: str
) -> UnitCost:
    """Remember what a unit of a type costs ``seller``, in place of what was said before.

    ``version_seen`` is of the costs that were looked at. Raise CostsChanged.
    """
    said = asdict(costs) | {"saved_by": saved_by, "saved_at": database_now()}
    with transaction.atomic(durable=True):
        Organization.objects.select_for_update(no_key=True).get(pk=seller.pk)
        before = UnitCost.objects.filter(organization=seller, resource_type=resource_type).first()
        if before is not None and version_of_costs(before) not in {version_seen, costs.version}:
            raise CostsChanged(cost_terms_of(before))
        cost, _ = UnitCost.objects.update_or_create(
            organization=seller, resource_type=resource_type, defaults=said
        )
    return cost
