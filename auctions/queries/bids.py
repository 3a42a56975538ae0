"""An organization's own bids and awards, in the words its people read. Nobody else's ever come out of here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, OuterRef, Prefetch, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Concat

from accounts.models import Hold, Organization
from auctions.models import Award, Bid, BidLeg, BidLegLot, BidOption, Lot, Window
from auctions.queries.windows import Clock, PhaseStep, clock_of
from auctions.terms import BidTerms, is_single_lot, terms_of
from auctions.wording import Names, OptionWords, bid_in_words, names_for
from inventory.models import ResourceType
from marketplace.money import cents_to_cover, format_ticks

Status = Bid.Status


@dataclass(frozen=True, slots=True)
class OwnBid:
    """A bid with its terms read out: ``options`` in words.

    ``lot`` is the one lot of a bid for any part of it over its whole period; None for any other bid. ``units`` (of all
    legs together), ``price_ticks`` per unit-hour and ``value_ticks`` in all are None where the options differ in them.
    """

    bid: Bid
    clock: Clock
    terms: BidTerms
    options: list[OptionWords]
    kind: str
    lot: Lot | None
    units: int | None
    price_ticks: int | None
    value_ticks: int | None
    awards: list[Award]

    @property
    def is_in_book(self) -> bool:
        return self.bid.status == Status.PLACED

    @property
    def can_change(self) -> bool:
        return self.is_in_book and self.clock.takes_bids and self.bid.standing_order_id is None

    @property
    def can_cancel(self) -> bool:
        is_own_master = self.bid.standing_order_id is None
        return self.is_in_book and self.clock.phase == Window.Status.OPEN and is_own_master

    @property
    def was_cut(self) -> bool:
        return was_cut(self.bid)

    @property
    def max_cents(self) -> int:
        """The most the bid could cost: what was held for it while it stood in the book."""
        return cents_to_cover(self.bid.max_ticks)

    @property
    def units_won(self) -> int:
        return sum(award.units for award in self.awards)

    @property
    def amount_ticks(self) -> int:
        return sum(award.amount_ticks for award in self.awards)


def was_cut(bid: Bid) -> bool:
    """Say whether a filter of a bid has as many lots as its window left each, where all were too many to clear."""
    most = bid.window.lots_per_filter
    return any(
        leg.is_filtered and len(leg.named_lots.all()) == most
        for option in bid.options.all()
        for leg in option.legs.all()
    )


def bids_of(organization: Organization) -> QuerySet[Bid]:
    """Return an organization's bids, those still in the book first, then the newest.

    ``held_cents`` is what is held for a bid now; for what it won, until settlement takes the hold over.
    """
    holds = Hold.objects.filter(
        organization=organization,
        reference=Concat(Value("bid:"), Cast(OuterRef("pk"), CharField())),
        released_at=None,
    )
    lots = Lot.objects.select_related("block__site", "block__resource_type")
    named = BidLegLot.objects.order_by("position", "id").prefetch_related(Prefetch("lot", lots))
    legs = BidLeg.objects.order_by("number", "id").prefetch_related(Prefetch("named_lots", named))
    options = BidOption.objects.order_by("number", "id").prefetch_related(Prefetch("legs", legs))
    return (
        Bid.objects.filter(organization=organization)
        .annotate(held_cents=Coalesce(Subquery(holds.values("amount_cents")), Value(0)))
        .select_related("window__market", "placed_by")
        .prefetch_related(
            Prefetch("options", options),
            Prefetch("awards", Award.objects.select_related("leg").order_by("id")),
        )
        .order_by(Case(When(status=Status.PLACED, then=Value(0)), default=Value(1)), "-id")
    )


def own_bids(bids: Iterable[Bid], now: datetime) -> list[OwnBid]:
    """Read out bids of ``bids_of``."""
    said = [(bid, terms_of(bid)) for bid in bids]
    lots = [
        named.lot
        for bid, _ in said
        for option in bid.options.all()
        for leg in option.legs.all()
        for named in leg.named_lots.all()
    ]
    names = names_for((terms for _, terms in said), lots=lots)
    return [_own_bid(bid, terms, names, now) for bid, terms in said]


def own_bid(bid: Bid, now: datetime) -> OwnBid:
    """Read out one of ``bids_of``."""
    (own,) = own_bids([bid], now)
    return own


def _own_bid(bid: Bid, terms: BidTerms, names: Names, now: datetime) -> OwnBid:
    units = {sum(leg.units for leg in option.legs) for option in terms.options}
    prices = {option.price_ticks for option in terms.options}
    values = {option.value_ticks for option in terms.options}
    return OwnBid(
        bid=bid,
        clock=clock_of(bid.window, now),
        terms=terms,
        options=bid_in_words(terms, names),
        kind=names.kind_of(terms.options[0].legs[0]),
        lot=_only_lot(terms, names),
        units=units.pop() if len(units) == 1 else None,
        price_ticks=prices.pop() if len(prices) == 1 else None,
        value_ticks=values.pop() if len(values) == 1 else None,
        awards=list(bid.awards.all()),
    )


def _only_lot(terms: BidTerms, names: Names) -> Lot | None:
    lot_ids = terms.options[0].legs[0].lot_ids
    lot = names.lots[lot_ids[0]] if lot_ids else None
    return lot if lot is not None and is_single_lot(terms, lot) else None


def outcome_in_words(own: OwnBid) -> str:
    """Say what became of a bid, and why, so that its owner can do better next time."""
    bid = own.bid
    if bid.status == Status.LOST:
        return _loss_in_words(own)
    if bid.status == Status.WON:
        if len(own.awards) > 1:
            return f"Won in full: the {len(own.awards)} parts that belong together."
        return (
            f"Won all {own.units_won} units it asked for."
            if own.units_won > 1
            else "Won the unit it asked for."
        )
    if bid.status == Status.PART_WON:
        asked = own.awards[0].leg.units
        return f"Won {own.units_won} of {asked} units; other bids offered more for the rest."
    if bid.status == Status.CANCELLED:
        return "Cancelled while its window was open. Nothing is held for it."
    if bid.status == Status.RELEASED:
        return "Its window was cancelled, so the bid was released. Nothing is held for it."
    if own.clock.phase == Window.Status.CLOSED:
        return "Its window has closed and is being cleared."
    return "In the book, sealed: nobody else can read it."


_LOSSES = {
    Bid.LossReason.BELOW_RESERVE: "The seller’s reserve was higher than the bid.",
    Bid.LossReason.OUTBID: "Other bids offered more for the same units.",
    Bid.LossReason.CANNOT_FIT: "What it asked for did not fit into what was on offer, whatever its price.",
    Bid.LossReason.LOST_TO_OWN_OPTION: "Another option of this bid won instead.",
}


def _loss_in_words(own: OwnBid) -> str:
    reason = (
        _LOSSES.get(Bid.LossReason(own.bid.loss_reason), "") if own.bid.loss_reason else "It did not win."
    )
    minimum = own.bid.minimum_to_win_ticks
    if minimum is None:
        return reason
    is_priced = own.terms.options[0].price_ticks is not None
    per = (
        f"per {'GPU' if own.kind == ResourceType.Kind.GPU else '1,000 tokens/s'}-hour"
        if is_priced
        else "for the whole"
    )
    return f"{reason} {format_ticks(minimum)} {per} would have won."


def history_of(own: OwnBid) -> list[PhaseStep]:
    """Return what happened to a bid so far and what comes next, in order."""
    bid = own.bid
    steps = [PhaseStep("Placed", bid.placed_at, "done")]
    if bid.status == Status.CANCELLED:
        return [*steps, PhaseStep("Cancelled", bid.changed_at, "done")]
    if bid.changed_at > bid.placed_at:
        steps.append(PhaseStep("Last changed", bid.changed_at, "done", "It took a new place in time."))
    if bid.status == Status.RELEASED:
        return [
            *steps,
            PhaseStep("Window cancelled", bid.window.cancelled_at, "failed", bid.window.cancelled_reason),
        ]
    closed = own.clock.phase in (Window.Status.CLOSED, Window.Status.CLEARED)
    steps.append(
        PhaseStep(
            "Window closed" if closed else "Window closes",
            bid.window.closes_at,
            "done" if closed else "pending",
        )
    )
    if bid.status == Status.PLACED:
        return [*steps, PhaseStep("Clears", None, "pending")]
    return [*steps, PhaseStep(bid.get_status_display(), bid.window.cleared_at, "done", outcome_in_words(own))]


def awards_of(organization: Organization) -> QuerySet[Award]:
    """Return what an organization won, newest first."""
    return (
        Award.objects.filter(organization=organization)
        .select_related("window__market", "lot__block__site", "lot__block__resource_type", "bid")
        .order_by("-id")
    )


def average_ticks(award: Award) -> int:
    """Return what an award comes to per unit-hour, ticks, rounded down."""
    return award.amount_ticks // award.unit_hours
