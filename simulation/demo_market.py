"""The demo market: sellers who keep listing idle blocks, and buyers who bid every few seconds, through the operations.

It is a small generator of its own, independent of any trace, and knows nothing the market would not tell it.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models.functions import Now

from accounts.models import BiddingLimit, Organization
from auctions.bridge import CROWD
from auctions.capacity import whole_period_units
from auctions.models import Bid, BidLeg, Lot, Window
from auctions.operations.bids import change_bid, place_bid
from auctions.policies import BidRejected
from auctions.terms import single_lot_terms
from inventory.models import Block, ResourceType, Site
from inventory.operations.blocks import list_block
from inventory.terms import BlockTerms
from marketplace.hours import HOUR, ceil_hour
from marketplace.money import TICKS_PER_CENT, parse_price
from settlements.models import Delivery
from settlements.operations.handovers import Access, HandoverRefused, hand_over
from simulation.cards import put_card_on_file
from simulation.cast import ANCHOR_DOLLARS, BUYERS, SELLERS
from simulation.seed import trader_of


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead blocks are listed, how long they are, and how many unsold ones each (site, type) keeps; hours."""

    soonest: int
    latest: int
    shortest: int
    longest: int
    n_blocks: int


HORIZONS = (Horizon(1, 14, 1, 8, 2), Horizon(30, 150, 4, 24, 3), Horizon(220, 700, 24, 72, 2))
"""One for each market of the demo: intraday, day-ahead, forward."""
PAUSE_SECONDS = (1.0, 3.5)
"""Between two bids: at least, at most."""
HURRY_SECONDS = 0.2
"""Between two bids while products lack bidders: at the start, and whenever a window has opened."""
FIRST_BIDS_AT_ONCE = 6
MOST_NODES = 4
HANDOVER_AHEAD = timedelta(minutes=30)
HANDOVERS_AT_ONCE = 20

logger = logging.getLogger(__name__)


def run_demo_market(stop: threading.Event, *, seed: int = 2026) -> None:
    """List and bid until told to stop. Buyers first put a test card on file, as a person would."""
    dice = random.Random(seed)
    list_missing_blocks(dice, now=datetime.now(UTC))
    for name in BUYERS:
        put_card_on_file(Organization.objects.get(name=name), stop)
    while not stop.is_set():
        list_missing_blocks(dice, now=datetime.now(UTC))
        hand_over_what_is_due(now=datetime.now(UTC))
        n_first = place_first_bids(dice, at_most=FIRST_BIDS_AT_ONCE)
        bid_once(dice)
        stop.wait(HURRY_SECONDS if n_first else dice.uniform(*PAUSE_SECONDS))


def list_missing_blocks(dice: random.Random, *, now: datetime) -> int:
    """Keep every site's types on offer in every market. Return how many blocks were listed."""
    listed = 0
    for seller, site, resource_type in _offers():
        for horizon in HORIZONS:
            for _ in range(_missing(site, resource_type, horizon, now)):
                _list_block(dice, seller, site, resource_type, horizon, now)
                listed += 1
    return listed


def hand_over_what_is_due(*, now: datetime) -> int:
    """Hand over what the demo’s sellers sold and starts soon; return how much. Until then it is the visitor’s to do."""
    due = Delivery.objects.filter(
        status__in=(Delivery.Status.HANDOVER_DUE, Delivery.Status.MISSED),
        seller__name__in=[seller.name for seller in SELLERS],
        ends_at__gt=now,
        starts_at__lt=now + HANDOVER_AHEAD,
    ).select_related("seller")
    n_handed_over = 0
    for delivery in due.order_by("starts_at", "id")[:HANDOVERS_AT_ONCE]:
        access = Access(
            endpoint=f"ssh tenant-{delivery.line_id}@203.0.113.{1 + delivery.pk % 254}",
            instructions="Log in with your SSH key. Scratch space is under /scratch, and is wiped at the end.",
        )
        try:
            hand_over(
                seller=delivery.seller,
                delivery_id=delivery.pk,
                given_by=trader_of(delivery.seller),
                access=access,
                version_seen=0,
                now=now,
            )
            n_handed_over += 1
        except HandoverRefused as refused:
            logger.info("delivery %s: %s", delivery.pk, refused)
    return n_handed_over


def place_first_bids(dice: random.Random, *, at_most: int) -> int:
    """Bid on products on which too few do for a price to be told, each buyer once. Return how many bids were taken."""
    buyers = _buyers_with_money()
    bidders = _bidders_by_lot()
    products: dict[tuple[int, int, str], list[Lot]] = {}
    for lot in _lots_that_take_bids():
        products.setdefault((lot.window_id, lot.block.resource_type_id, lot.block.site.region), []).append(
            lot
        )
    n_taken = 0
    for lots in products.values():
        there = set().union(*(bidders.get(lot.pk, set()) for lot in lots))
        others = [buyer for buyer in buyers if buyer.pk not in there]
        for buyer in dice.sample(others, min(len(others), max(0, CROWD - len(there)))):
            if n_taken == at_most:
                return n_taken
            n_taken += _try(partial(_bid, dice, buyer, dice.choice(lots), most_nodes=1)) is not None
    return n_taken


def bid_once(dice: random.Random) -> Bid | None:
    """Let one buyer, other than the visitor's, bid on some lot or raise a bid it has. Return the bid, if taken."""
    buyers = _buyers_with_money()
    lot = _any_of(dice, _lots_that_take_bids())
    if lot is None or not buyers:
        return None
    buyer = dice.choice(buyers)
    own = Bid.objects.filter(
        organization=buyer, status=Bid.Status.PLACED, options__legs__named_lots__lot=lot
    ).first()
    return _try(partial(_raise, dice, buyer, own, lot) if own else partial(_bid, dice, buyer, lot))


def _try(bid: Callable[[], Bid | None]) -> Bid | None:
    try:
        return bid()
    except BidRejected as refused:
        logger.info("a bid was refused: %s", refused.message)
        return None


def _buyers_with_money() -> list[Organization]:
    limits = BiddingLimit.objects.filter(organization__name__in=BUYERS[1:]).select_related("organization")
    return [limit.organization for limit in limits.order_by("pk") if limit.free_cents > 0]


def _lots_that_take_bids() -> list[Lot]:
    """Return the lots of open windows, those that close first in front."""
    taking = Window.objects.filter(status__in=[Window.Status.OPEN, Window.Status.FROZEN], closes_at__gt=Now())
    lots = Lot.objects.filter(on_offer=True, window__in=taking)
    return list(
        lots.select_related("window", "block__resource_type", "block__site").order_by(
            "window__closes_at", "id"
        )
    )


def _bidders_by_lot() -> dict[int, set[int]]:
    """Return who bids on each lot in open windows."""
    found: dict[int, set[int]] = {}
    legs = BidLeg.objects.filter(option__bid__status=Bid.Status.PLACED, named_lots__isnull=False)
    for lot_id, organization_id in legs.values_list("named_lots__lot", "option__bid__organization"):
        found.setdefault(lot_id, set()).add(organization_id)
    return found


def _offers() -> Iterator[tuple[Organization, Site, ResourceType]]:
    resource_types = {row.slug: row for row in ResourceType.objects.all()}
    for cast_seller in SELLERS:
        seller = Organization.objects.get(name=cast_seller.name)
        for cast_site in cast_seller.sites:
            site = Site.objects.get(organization=seller, name=cast_site.name)
            for slug in cast_site.resource_types:
                yield seller, site, resource_types[slug]


def _missing(site: Site, resource_type: ResourceType, horizon: Horizon, now: datetime) -> int:
    unsold = Block.objects.filter(
        site=site,
        resource_type=resource_type,
        status=Block.Status.LISTED,
        starts_at__gt=now + (horizon.soonest - 1) * HOUR,
        starts_at__lte=now + (horizon.latest + 1) * HOUR,
        hours__sold_units=0,
    )
    return max(0, horizon.n_blocks - unsold.distinct().count())


def _list_block(
    dice: random.Random,
    seller: Organization,
    site: Site,
    resource_type: ResourceType,
    horizon: Horizon,
    now: datetime,
) -> Block:
    starts_at = ceil_hour(now) + dice.randint(horizon.soonest, horizon.latest) * HOUR
    terms = BlockTerms(
        site_id=site.pk,
        resource_type_id=resource_type.pk,
        units=resource_type.node_units * dice.randint(2, 8),
        starts_at=starts_at,
        ends_at=starts_at + dice.randint(horizon.shortest, horizon.longest) * HOUR,
        reserve_ticks=_whole_cents(_anchor_ticks(resource_type) * dice.uniform(0.25, 0.5)),
    )
    return list_block(seller=seller, listed_by=trader_of(seller), terms=terms)


def _anchor_ticks(resource_type: ResourceType) -> int:
    return resource_type.posted_price_ticks or parse_price(ANCHOR_DOLLARS[resource_type.slug])


def _whole_cents(ticks: float) -> int:
    return max(1, round(ticks / TICKS_PER_CENT)) * TICKS_PER_CENT


def _any_of(dice: random.Random, lots: list[Lot]) -> Lot | None:
    """Choose a lot, those whose window closes soon more often."""
    if not lots:
        return None
    return lots[min(int(dice.expovariate(3 / len(lots))), len(lots) - 1)]


def _bid(dice: random.Random, buyer: Organization, lot: Lot, *, most_nodes: int = MOST_NODES) -> Bid | None:
    step = lot.block.unit_step
    nodes = whole_period_units(lot) // step
    if not nodes:
        return None
    terms = single_lot_terms(
        lot,
        units=step * dice.randint(1, min(nodes, most_nodes)),
        price_ticks=_valuation(dice, lot.reserve_ticks),
    )
    return place_bid(organization=buyer, placed_by=trader_of(buyer), window_id=lot.window_id, terms=terms)


def _raise(dice: random.Random, buyer: Organization, own: Bid, lot: Lot) -> Bid:
    option = own.options.get()
    price_ticks = round((option.price_ticks or 0) * dice.uniform(1.02, 1.1)) + 1
    terms = single_lot_terms(lot, units=option.legs.get().units, price_ticks=price_ticks)
    return change_bid(organization=buyer, changed_by=trader_of(buyer), bid_id=own.pk, terms=terms)


def _valuation(dice: random.Random, reserve_ticks: int) -> int:
    """Draw what a unit-hour is worth to a buyer: around a third above the reserve, at times below it; whole cents."""
    return _whole_cents(reserve_ticks * dice.lognormvariate(0.3, 0.2))
