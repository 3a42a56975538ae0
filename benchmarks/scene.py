"""A market to measure: a seller with blocks, buyers with limits, windows to bid in. Needs Django set up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Organization, User
from accounts.operations import create_organization, set_credit
from auctions.models import Market, Window
from inventory.models import Block, Region, ResourceType, Site
from inventory.operations.blocks import list_block
from inventory.operations.catalogue import load_catalogue
from inventory.operations.sites import create_site
from inventory.terms import BlockTerms
from marketplace.hours import HOUR

LIMIT_CENTS = 10_000_000_00
PASSWORD = "correct horse battery staple"  # noqa: S105 - of accounts in a throw-away database
RESERVE_TICKS = 5_000


@dataclass(frozen=True, slots=True)
class Trader:
    organization: Organization
    user: User


class Scene:
    """A seller of A10 nodes of one unit each, and ``n_buyers`` buyers."""

    def __init__(self, n_buyers: int) -> None:
        load_catalogue()
        self.resource_type = ResourceType.objects.get(slug="A10-24GB")
        self.seller = _trader("Seller", is_seller=True)
        self.site = create_site(
            seller=self.seller.organization,
            name="Site",
            region=Region.US_EAST,
            fabric=Site.Fabric.NONE,
        )
        self.buyers = [_trader(f"Buyer {number}", is_seller=False) for number in range(n_buyers)]
        for buyer in self.buyers:
            set_credit(organization=buyer.organization, credit_cents=LIMIT_CENTS, reason="Benchmark")
        # Paused, so that no worker adds windows of its own.
        self.market = Market.objects.create(
            slug="benchmark",
            name="Benchmark",
            cadence=HOUR,
            lead_from=timedelta(0),
            lead_to=HOUR,
            status=Market.Status.PAUSED,
        )

    def list_hour(self, hour: datetime, *, units: int) -> Block:
        """List ``units`` for one hour."""
        terms = BlockTerms(
            self.site.pk, self.resource_type.pk, units, hour, hour + HOUR, reserve_ticks=RESERVE_TICKS
        )
        return list_block(seller=self.seller.organization, listed_by=self.seller.user, terms=terms)

    def schedule_window(self, *, opens_at: datetime, closes_at: datetime, delivery_from: datetime) -> Window:
        """Schedule a window for one delivery hour; as in any market, its last tenth is frozen."""
        return Window.objects.create(
            market=self.market,
            opens_at=opens_at,
            freezes_at=closes_at - (closes_at - opens_at) / 10,
            closes_at=closes_at,
            delivery_from=delivery_from,
            delivery_to=delivery_from + HOUR,
        )


def _trader(name: str, *, is_seller: bool) -> Trader:
    user = User.objects.create_user(f"{name.replace(' ', '-')}@example.com", PASSWORD, name=name)
    organization = create_organization(name=name, owner=user, is_buyer=not is_seller, is_seller=is_seller)
    return Trader(organization, user)
