"""People at the auctions' pages: a trader and the lot they look at."""

from dataclasses import dataclass
from datetime import timedelta

from django.test import Client

from accounts.models import Membership, Organization, User
from auctions.models import Bid, Lot, Window
from auctions.operations.bids import place_bid
from auctions.terms import single_lot_terms
from marketplace.db import database_now
from tests.factories import LotFactory, MembershipFactory, WindowFactory


@dataclass(frozen=True)
class Visit:
    """A member of ``organization`` with a browser that is logged in."""

    client: Client
    user: User
    organization: Organization


def visit(organization: Organization, role: str = Membership.Role.TRADER) -> Visit:
    membership = MembershipFactory(organization=organization, role=role)
    client = Client()
    client.force_login(membership.user)
    return Visit(client, membership.user, organization)


def bid_on(lot: Lot, organization: Organization, *, units: int = 4, price_ticks: int = 20_000) -> Bid:
    return place_bid(
        organization=organization,
        placed_by=None,
        window_id=lot.window_id,
        terms=single_lot_terms(lot, units=units, price_ticks=price_ticks),
    )


def set_status(window: Window, status: Window.Status) -> None:
    Window.objects.filter(pk=window.pk).update(status=status)
    window.refresh_from_db()


def offer_again(lot: Lot, **hours: object) -> Lot:
    """Open the market's next window with what is left of the block of ``lot``."""
    Lot.objects.filter(pk=lot.pk).update(on_offer=False)
    window = WindowFactory(market=lot.window.market, opens_at=database_now() - timedelta(minutes=4))
    return LotFactory(window=window, block=lot.block, **hours)
