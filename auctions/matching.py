"""Which lots the filters of a window's bids accept.

A filter matches the lots of its window that are of one of its types, of one of its regions and fabrics where it
gives any, of a seller that is reliable enough when the window closes where it asks for that, not the bidder's own, and
long enough for the leg inside its hours. Their order, of which the tie rule speaks: lowest reserve first, then the
earlier start, then the lower number; the first MAX_LOTS_PER_LEG count, or fewer where the window's bids together have
more ways to be filled than the engine can write out (operations/windows.py). While bids come in, lots may join, so what
a filter matches is written down only when the window closes. A filter that matches nothing then leaves its option
unable to fit.
"""

from __future__ import annotations

from collections import defaultdict

from django.db import connection
from django.db.models import QuerySet

from auctions.models import Bid, BidLegLot, Lot, Window
from auctions.terms import MAX_LOTS_PER_LEG, LegTerms, LotFilter

_MATCHES = """
    SELECT leg_id, lot_id, position
      FROM (SELECT leg.id AS leg_id, lot.id AS lot_id,
                   row_number() OVER (
                       PARTITION BY leg.id ORDER BY lot.reserve_ticks, lot.starts_at, lot.id) - 1 AS position
              FROM auctions_bid bid
              JOIN auctions_bidoption option ON option.bid_id = bid.id
              JOIN auctions_bidleg leg ON leg.option_id = option.id AND leg.filter_types <> '{}'
              JOIN auctions_lot lot ON lot.window_id = bid.window_id AND lot.on_offer
              JOIN inventory_block block ON block.id = lot.block_id
              JOIN inventory_site site ON site.id = block.site_id
              LEFT JOIN inventory_sellerreliability seller ON seller.organization_id = site.organization_id
             WHERE bid.window_id = %(window)s AND bid.status = 'placed'
               AND block.resource_type_id = ANY(leg.filter_types)
               AND (leg.filter_regions = '{}' OR site.region = ANY(leg.filter_regions))
               AND (leg.filter_fabrics = '{}' OR site.fabric = ANY(leg.filter_fabrics))
               AND (leg.filter_min_reliability_bps IS NULL OR seller.score_bps >= leg.filter_min_reliability_bps)
               AND site.organization_id <> bid.organization_id
               AND least(lot.ends_at, leg.latest_at) - greatest(lot.starts_at, leg.earliest_at)
                   >= leg.hours * interval '1 hour') matched
     WHERE position < %(most)s
"""


def write_matches(window: Window) -> None:
    """Write down what every filter of a closing window matches. Assumes a transaction that holds the window's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO auctions_bidleglot (leg_id, lot_id, position) {_MATCHES}",
            {"window": window.pk, "most": MAX_LOTS_PER_LEG},
        )


def cut_matches(window: Window, *, most: int) -> None:
    """Keep of what each filter of a closed window matched the first ``most`` lots. Assumes a transaction."""
    BidLegLot.objects.filter(
        leg__option__bid__window=window,
        leg__option__bid__status=Bid.Status.PLACED,
        leg__filter_types__len__gt=0,
        position__gte=most,
    ).delete()


def present_matches(window: Window) -> dict[int, list[int]]:
    """Return what the filters of an open window would match if it closed now: leg → lots in order."""
    found: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_MATCHES} ORDER BY leg_id, position", {"window": window.pk, "most": MAX_LOTS_PER_LEG}
        )
        for leg_id, lot_id, _ in cursor.fetchall():
            found[leg_id].append(lot_id)
    return found


def lots_matching(window: Window, wanted: LotFilter, *, organization_id: int) -> QuerySet[Lot]:
    """Return the lots of ``window`` that a filter accepts now, whatever their hours, in no order."""
    lots = Lot.objects.filter(
        window=window, on_offer=True, block__resource_type__in=wanted.resource_type_ids
    ).exclude(block__site__organization=organization_id)
    if wanted.regions:
        lots = lots.filter(block__site__region__in=wanted.regions)
    if wanted.fabrics:
        lots = lots.filter(block__site__fabric__in=wanted.fabrics)
    if wanted.min_reliability_bps is not None:
        lots = lots.filter(block__site__organization__reliability__score_bps__gte=wanted.min_reliability_bps)
    return lots


def count_matches(window: Window, leg: LegTerms, *, organization_id: int) -> int:
    """Return how many lots of ``window`` a filter would match if it closed now: what a ticket tells."""
    assert leg.filter is not None
    lots = lots_matching(window, leg.filter, organization_id=organization_id)
    return sum(
        (min(ends_at, leg.latest_at) - max(starts_at, leg.earliest_at)).total_seconds() >= leg.hours * 3600
        for starts_at, ends_at in lots.values_list("starts_at", "ends_at")
    )
