"""Lots as buyers see them: what they are, how much of them is on offer, and what a bid on one would come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import (
    Avg,
    Exists,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce

from accounts.models import BiddingLimit, Organization
from auctions.capacity import capacities
from auctions.models import Bid, Indication, Lot, Window
from auctions.odds import Odds, PastLot, odds_of
from auctions.queries.windows import Clock, clock_of
from auctions.terms import single_lot_terms
from inventory.models import BlockHour, Region
from marketplace.money import cents_to_cover

COMPARED_LOTS = 200
"""How far back the odds of a price are told from."""


@dataclass(frozen=True, slots=True)
class LotOffer:
    """A lot with the units that one bid for its whole period may ask for."""

    lot: Lot
    units: int


@dataclass(frozen=True, slots=True)
class ProductOffer:
    """A product's lots in a window. Prices are ticks per unit-hour, as if the window cleared now.

    ``key`` names the product to live updates.
    """

    key: str
    name: str
    kind: str
    region_label: str
    indicative_ticks: int | None
    entry_ticks: int | None
    is_estimate: bool
    lots: list[LotOffer]


@dataclass(frozen=True, slots=True)
class ProductChoice:
    """A product of a window, for the filter above its lots; ``value`` is ``<type slug>@<region>``."""

    value: str
    label: str


def lots_with_facts() -> QuerySet[Lot]:
    """Return lots with what every screen says of them: window, market, site, type and step."""
    return Lot.objects.select_related(
        "window__market", "block__site__organization__reliability", "block__resource_type"
    )


def units_on_offer(lots: Sequence[Lot]) -> dict[int, int]:
    """Return for each lot the units on offer in all of its hours, in whole nodes."""
    steps = {lot.pk: lot.block.unit_step for lot in lots}
    found = capacities(lots)
    fewest = {lot_id: min(found.get(lot_id, [0])) for lot_id in steps}
    return {lot_id: units - units % steps[lot_id] for lot_id, units in fewest.items()}


def units_in_every_hour() -> Coalesce:
    """Return a lot's units on offer in all of its hours: as the freeze wrote them, else what its block has left."""
    frozen = Func(F("capacity_units"), template="(SELECT min(units) FROM unnest(%(expressions)s) AS units)")
    left = (
        BlockHour.objects.filter(
            block=OuterRef("block"), hour__gte=OuterRef("starts_at"), hour__lt=OuterRef("ends_at")
        )
        .order_by()
        .values("block")
        .annotate(units=Min(F("offered_units") - F("sold_units") - F("frozen_units")))
        .values("units")
    )
    return Coalesce(frozen, Subquery(left), 0, output_field=IntegerField())


def is_anything_left() -> Q:
    """Match lots of which something is on offer, in at least one of their hours."""
    hours_left = BlockHour.objects.filter(
        block=OuterRef("block"),
        hour__gte=OuterRef("starts_at"),
        hour__lt=OuterRef("ends_at"),
        offered_units__gt=F("sold_units") + F("frozen_units"),
    )
    follows_block = Q(capacity_units__isnull=True) & Exists(hours_left)
    return follows_block | Q(capacity_units__isnull=False) & ~Q(capacity_units__contained_by=[0])


def product_choices(window: Window) -> list[ProductChoice]:
    """Return the products that have lots in ``window``, by name."""
    rows = (
        Lot.objects.filter(window=window, on_offer=True)
        .values_list("block__resource_type__slug", "block__resource_type__name", "block__site__region")
        .distinct()
        .order_by("block__resource_type__name", "block__site__region")
    )
    return [
        ProductChoice(f"{slug}@{region}", f"{name}, {Region(region).label}") for slug, name, region in rows
    ]


def lots_on_offer(window: Window, *, product: str = "") -> QuerySet[Lot]:
    """Return the window's lots, cheapest reserve first within each product; ``product`` as in ProductChoice."""
    slug, _, region = product.partition("@")
    matches = Q(block__resource_type__slug=slug, block__site__region=region) if product else Q()
    return (
        lots_with_facts()
        .filter(matches, window=window, on_offer=True)
        .order_by("block__resource_type__name", "block__site__region", "reserve_ticks", "starts_at", "id")
    )


def by_product(window: Window, lots: Iterable[Lot]) -> list[ProductOffer]:
    """Group lots, which come in order of product, with each product's indication."""
    lots = list(lots)
    units = units_on_offer(lots)
    indications = {
        (row.resource_type_id, row.region): row for row in Indication.objects.filter(window=window)
    }
    offers: dict[tuple[int, str], ProductOffer] = {}
    for lot in lots:
        resource_type, region = lot.block.resource_type, lot.block.site.region
        indication = indications.get((resource_type.pk, region))
        offer = offers.setdefault(
            (resource_type.pk, region),
            ProductOffer(
                key=f"{resource_type.pk}:{region}",
                name=resource_type.name,
                kind=resource_type.kind,
                region_label=Region(region).label,
                indicative_ticks=indication.paid_ticks if indication else None,
                entry_ticks=indication.entry_ticks if indication else None,
                is_estimate=indication.is_estimate if indication else False,
                lots=[],
            ),
        )
        offer.lots.append(LotOffer(lot, units[lot.pk]))
    return list(offers.values())


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a buyer sees of a lot before bidding on it."""

    lot: Lot
    clock: Clock
    units: int
    indicative_ticks: int | None
    entry_ticks: int | None
    is_estimate: bool
    free_cents: int | None
    limit_cents: int | None

    @property
    def has_no_limit(self) -> bool:
        """True for an organization that may not have anything at stake yet."""
        return self.limit_cents == 0


def ticket_for(lot: Lot, *, organization: Organization | None, now: datetime) -> Ticket:
    """Return the ticket of ``lot`` (with its facts) for an organization, or for a visitor."""
    block = lot.block
    indication = Indication.objects.filter(
        window=lot.window_id, resource_type=block.resource_type_id, region=block.site.region
    ).first()
    limit = BiddingLimit.objects.filter(organization=organization).first() if organization else None
    return Ticket(
        lot=lot,
        clock=clock_of(lot.window, now),
        units=units_on_offer([lot])[lot.pk] if lot.on_offer else 0,
        indicative_ticks=indication.paid_ticks if indication else None,
        entry_ticks=indication.entry_ticks if indication else None,
        is_estimate=indication.is_estimate if indication else False,
        free_cents=limit.free_cents if limit else None,
        limit_cents=limit.limit_cents if limit else None,
    )


@dataclass(frozen=True, slots=True)
class BidCost:
    """The most that ``units`` at ``price_ticks`` can cost over the lot's hours, and what the limit has left then."""

    units: int
    price_ticks: int
    n_hours: int
    unit_hours: int
    max_cents: int
    left_cents: int
    is_below_reserve: bool
    odds: Odds

    @property
    def is_above_limit(self) -> bool:
        return self.left_cents < 0

    @property
    def likely_cents(self) -> int | None:
        """What the bid would come to at the median of what lots like this one paid, cents, rounded up."""
        ticks = self.odds.likely_ticks
        return None if ticks is None else cents_to_cover(ticks * self.unit_hours)


def past_lots(lot: Lot) -> list[PastLot]:
    """Return what the latest lots of the same product and market came to, at most COMPARED_LOTS of them."""
    rows = (
        Lot.objects.filter(
            window__market=lot.window.market_id,
            window__status=Window.Status.CLEARED,
            block__resource_type=lot.block.resource_type_id,
            block__site__region=lot.block.site.region,
            prices__isnull=False,
        )
        .annotate(
            marginal=Max("prices__marginal_ticks"),
            paid=Avg("prices__paid_ticks"),
            sold=Sum("prices__sold_units"),
        )
        .order_by("-window__closes_at", "-id")
        .values_list("marginal", "paid", "sold")[:COMPARED_LOTS]
    )
    return [PastLot(marginal, int(paid) if sold else None) for marginal, paid, sold in rows]


def cost_of(
    lot: Lot, *, units: int, price_ticks: int, free_cents: int, replacing: Bid | None = None
) -> BidCost:
    """Work out a bid's cost. A bid being replaced gives its hold back first."""
    max_cents = cents_to_cover(single_lot_terms(lot, units=units, price_ticks=price_ticks).max_ticks)
    held = replacing.hold_cents if replacing else 0
    return BidCost(
        units=units,
        price_ticks=price_ticks,
        n_hours=lot.n_hours,
        unit_hours=units * lot.n_hours,
        max_cents=max_cents,
        left_cents=free_cents + held - max_cents,
        is_below_reserve=price_ticks < lot.reserve_ticks,
        odds=odds_of(price_ticks, past_lots(lot)),
    )
