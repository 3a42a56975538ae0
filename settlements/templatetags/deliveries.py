"""What the page of awards, which is the auctions', shows of their delivery: read with one query for the whole page."""

from collections.abc import Iterable, Mapping

from django import template

from auctions.models import Award
from settlements.models import Delivery
from settlements.queries.deliveries import deliveries_by_award

register = template.Library()


@register.simple_tag
def deliveries_of(awards: Iterable[Award]) -> Mapping[int, list[Delivery]]:
    """Return the deliveries of a page of awards, by award."""
    return deliveries_by_award(awards)


@register.filter
def of_award(deliveries: Mapping[int, list[Delivery]], award: Award) -> list[Delivery]:
    """Pick one award's deliveries."""
    return deliveries.get(award.pk, [])
