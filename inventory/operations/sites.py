"""Sites: where a seller's capacity stands."""

from django.db import IntegrityError, transaction

from accounts.models import Organization
from inventory.models import Region, Site


class SiteNameTaken(Exception):
    """The seller has a site of this name already."""


def create_site(
    *, seller: Organization, name: str, region: Region, fabric: Site.Fabric, power_kw: int | None = None
) -> Site:
    """Create a site of ``seller``. Raise SiteNameTaken."""
    try:
        with transaction.atomic(durable=True):
            return Site.objects.create(
                organization=seller, name=name, region=region, fabric=fabric, power_kw=power_kw
            )
    except IntegrityError as broken:
        if "site_name_once_per_seller" not in str(broken):
            raise
        raise SiteNameTaken(f"You have a site called “{name}” already.") from broken
