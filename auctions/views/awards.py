"""Awards as calendar files, and a bid of a past window put into the next one."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import buyer_needed, member_needed
from accounts.middleware import MemberRequest, active_organization
from auctions.calendars import calendar_of
from auctions.composer import Composer
from auctions.copying import Copy, copy_into
from auctions.forms import typed_price
from auctions.models import Window
from auctions.queries.bids import awards_of, bids_of
from auctions.queries.windows import clock_of, current_window_of
from auctions.terms import is_single_lot, terms_of
from marketplace.db import snapshot

CALENDAR = "text/calendar; charset=utf-8"


@require_safe
@member_needed
@snapshot()
def award_calendar(request: MemberRequest, pk: int) -> HttpResponse:
    """Answer one award as a calendar file."""
    award = get_object_or_404(awards_of(active_organization(request)), pk=pk)
    return _file(calendar_of([award]), f"sparegrid-award-{pk}.ics")


@require_safe
@member_needed
@snapshot()
def award_calendar_all(request: MemberRequest) -> HttpResponse:
    """Answer every award of the organization as one calendar file."""
    return _file(calendar_of(awards_of(active_organization(request)).iterator()), "sparegrid-awards.ics")


@require_safe
@buyer_needed
def bid_copy(request: MemberRequest, pk: int) -> HttpResponse:
    """Open the ticket of the market's present window filled with an own bid, and say what of it is gone."""
    with snapshot():
        bid = get_object_or_404(bids_of(active_organization(request)), pk=pk)
        market = bid.window.market
        window = current_window_of(market, timezone.now())
        copied = copy_into(window, terms_of(bid)) if window and _takes_bids(window) else None
    if window is None or copied is None or copied.lot is None:
        what = "takes no bids now" if copied is None else "offers nothing now"
        messages.info(request, f"{market.name} {what}: copy the bid when its next window is open.")
        return redirect("auctions:market", slug=market.slug)
    _tell(request, copied)
    return redirect(_ticket(window, copied))


def _takes_bids(window: Window) -> bool:
    return clock_of(window, timezone.now()).takes_bids


def _tell(request: MemberRequest, copied: Copy) -> None:
    if copied.gone:
        lots = ", ".join(map(str, copied.gone))
        is_one = len(copied.gone) == 1
        noun = "Lot" if is_one else "Lots"
        left = "" if copied.has_lots else " Choose others, or any lot like them."
        messages.warning(
            request,
            f"{noun} {lots} {'is' if is_one else 'are'} not on offer in this window: left out.{left}",
        )
    if copied.moved_hours:
        messages.warning(request, "Some of its hours are not delivered by this window: look at the hours.")


def _ticket(window: Window, copied: Copy) -> str:
    """Return the address of the ticket filled in: the simple one for a bid on one lot for all its hours."""
    assert copied.lot is not None
    terms, lot = copied.terms, copied.lot
    if copied.has_lots and is_single_lot(terms, lot):
        (option,) = terms.options
        typed = {"units": option.legs[0].units, "price": typed_price(option.price_ticks or 0)}
        return f"{reverse('auctions:bid_ticket', args=[lot.pk])}?{urlencode(typed)}"
    pairs = Composer.for_terms(window, terms).typed_pairs()
    return f"{reverse('auctions:bid_compose', args=[lot.pk])}?{urlencode(pairs)}"


def _file(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=CALENDAR, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
