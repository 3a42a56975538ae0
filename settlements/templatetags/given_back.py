"""What the pages of standing orders, which are the auctions', show of refunds: one query for the whole page."""

from collections.abc import Iterable, Mapping

from django import template

from auctions.models import StandingOrder
from settlements.queries.refunds import GivenBack, given_back_by_order

register = template.Library()


@register.simple_tag
def given_back_of(orders: StandingOrder | Iterable[StandingOrder]) -> Mapping[int, GivenBack]:
    """Return what was refunded of what an order won, or of each on a page, by order; those without are left out."""
    return given_back_by_order([orders] if isinstance(orders, StandingOrder) else orders)


@register.filter
def of_order(given_back: Mapping[int, GivenBack], order: StandingOrder) -> GivenBack | None:
    """Pick one order's."""
    return given_back.get(order.pk)


@register.filter
def of_bid(given_back: GivenBack | None, bid_id: int) -> int:
    """Return the cents refunded of what one bid of the order won."""
    return given_back.by_bid.get(bid_id, 0) if given_back else 0
