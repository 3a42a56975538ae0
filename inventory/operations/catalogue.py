"""Loading the catalogue of resource types."""

from dataclasses import asdict

from django.db import transaction

from inventory.catalogue import CATALOGUE
from inventory.models import ResourceType

FACTS = ["name", "kind", "maker", "memory_gib", "node_units", "power_watts", "posted_price_ticks"]


def load_catalogue() -> int:
    """Write every type of the catalogue, new or changed, and return how many there are.

    Types that are not in the catalogue, and whether a type is active, stay as they are. Blocks keep the node size
    they were listed with.
    """
    with transaction.atomic(durable=True):
        ResourceType.objects.bulk_create(
            [ResourceType(**asdict(entry)) for entry in CATALOGUE],
            update_conflicts=True,
            unique_fields=["slug"],
            update_fields=FACTS,
        )
    return len(CATALOGUE)
