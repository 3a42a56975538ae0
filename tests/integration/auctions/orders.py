"""Standing orders for tests: what they ask for, and the steps that a worker takes for them."""

from __future__ import annotations

from dataclasses import replace

from accounts.models import Membership
from auctions.models import Bid, Lot, StandingOrder
from auctions.operations.standing import bid_for_order, start_order
from auctions.queries.standing import Tally, tally_of
from auctions.standing.terms import OrderTerms
from auctions.terms import LotFilter
from marketplace.hours import HOUR, floor_hour
from tests.integration.auctions.conftest import Auction


def asked_for(lot: Lot, **changes: object) -> OrderTerms:
    """Forty unit-hours of the lot's type within a day, at most $2.0000 each and $80.00 in all."""
    terms = OrderTerms(
        wanted=LotFilter((lot.block.resource_type_id,)),
        goal_unit_hours=40,
        min_hours=1,
        price_ticks=20_000,
        budget_cents=80_00,
        deadline_at=floor_hour(lot.starts_at) + 24 * HOUR,
    )
    return replace(terms, **changes)  # type: ignore[arg-type]


def start(auction: Auction, **changes: object) -> StandingOrder:
    Membership.objects.get_or_create(
        user=auction.trader, organization=auction.buyer, defaults={"role": Membership.Role.TRADER}
    )
    return start_order(
        organization=auction.buyer, created_by=auction.trader, terms=asked_for(auction.lot, **changes)
    )


def step(order: StandingOrder) -> Tally:
    """Take every step that is due for an order, and return what its bids come to."""
    while bid_for_order(order_id=order.pk):
        pass
    order.refresh_from_db()
    return tally_of(order)


def open_bid(order: StandingOrder) -> Bid:
    return Bid.objects.get(standing_order=order, status=Bid.Status.PLACED)


def shapes(bid: Bid) -> list[tuple[int, int]]:
    """Units × hours that a bid asks for, in the order of its options."""
    return [
        (leg.units, leg.hours)
        for option in bid.options.order_by("number")
        for leg in option.legs.order_by("number")
    ]
