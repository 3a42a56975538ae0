"""The way on for a person whose window closed while they typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from auctions.copying import successor
from auctions.forms import TicketForm
from auctions.models import Lot, Window
from auctions.queries.lots import is_anything_left
from auctions.queries.windows import clock_of, current_window_of


@dataclass(frozen=True, slots=True)
class WayOn:
    """Where to go: the ticket of ``lot``, filled in with what was typed; where None, the page of the market."""

    address: str
    lot: Lot | None


def way_on(form: TicketForm, now: datetime) -> WayOn:
    """Return the way to the present window of the market that the form's lot was offered in."""
    market = form.lot.window.market
    window = current_window_of(market, now)
    lot = _counterpart_in(window, form.lot) if window and clock_of(window, now).takes_bids else None
    if lot is None:
        return WayOn(reverse("auctions:market", args=[market.slug]), None)
    return WayOn(ticket_address(lot, form), lot)


def ticket_address(lot: Lot, form: TicketForm) -> str:
    """Return the address of the ticket of ``lot`` with what is filled in."""
    typed = {name: form[name].value() or "" for name in ("units", "price")}
    return f"{reverse('auctions:bid_ticket', args=[lot.pk])}?{urlencode(typed)}"


def _counterpart_in(window: Window, lot: Lot) -> Lot | None:
    """Return the lot of ``window`` that is most like ``lot``: of its block, else of its product. None without one."""
    block = lot.block
    alike = Lot.objects.filter(
        is_anything_left(),
        window=window,
        on_offer=True,
        block__resource_type=block.resource_type_id,
        block__site__region=block.site.region,
    )
    present = list(alike.order_by("starts_at", "id"))
    return successor(lot, present) or next(iter(present), None)
