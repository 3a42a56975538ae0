"""An organization's standing orders: what each won, spent and could still win, and what its bids came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum

from accounts.models import Organization
from auctions.models import Award, Bid, BidOption, StandingOrder, Window
from auctions.queries.windows import PhaseStep
from marketplace.money import TICKS_PER_CENT, cents_to_cover

Status = StandingOrder.Status
LOOK_AGAIN = timedelta(seconds=30)
"""How often an order is looked at that nothing has happened to: a limit may have been freed, a lot may have joined."""
JUST_OPENED = timedelta(seconds=5)


@dataclass(slots=True)
class Tally:
    """What an order's bids came to, ticks and unit-hours: won, and open at most."""

    won_unit_hours: int = 0
    spent_ticks: int = 0
    open_unit_hours: int = 0
    open_ticks: int = 0
    n_open: int = 0

    @property
    def used_ticks(self) -> int:
        return self.spent_ticks + self.open_ticks

    @property
    def spent_cents(self) -> int:
        return cents_to_cover(self.spent_ticks)

    @property
    def open_cents(self) -> int:
        return cents_to_cover(self.open_ticks)

    def missing_unit_hours(self, order: StandingOrder) -> int:
        """Return what is still to be won, whatever is open."""
        return max(0, order.goal_unit_hours - self.won_unit_hours)

    def left_cents(self, order: StandingOrder) -> int:
        """Return what of the budget is neither spent nor at stake, rounded down."""
        return (order.budget_cents * TICKS_PER_CENT - self.used_ticks) // TICKS_PER_CENT


def tallies_of(orders: Iterable[StandingOrder]) -> dict[int, Tally]:
    """Add up what the bids of ``orders`` won and could win, by order."""
    ids = [order.pk for order in orders]
    tallies: dict[int, Tally] = {order_id: Tally() for order_id in ids}
    awards = Award.objects.filter(bid__standing_order__in=ids).values_list(
        "bid__standing_order", "units", "starts_at", "ends_at", "amount_ticks"
    )
    for order_id, units, starts_at, ends_at, amount_ticks in awards:
        tallies[order_id].won_unit_hours += units * int((ends_at - starts_at) / timedelta(hours=1))
        tallies[order_id].spent_ticks += amount_ticks
    open_bids: dict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    options = (
        BidOption.objects.filter(bid__standing_order__in=ids, bid__status=Bid.Status.PLACED)
        .annotate(unit_hours=Sum(F("legs__units") * F("legs__hours")))
        .values_list("bid__standing_order", "bid", "bid__max_ticks", "unit_hours")
    )
    for order_id, bid_id, max_ticks, unit_hours in options:
        open_bids[order_id, bid_id] = (max_ticks, max(unit_hours, open_bids[order_id, bid_id][1]))
    for (order_id, _), (max_ticks, unit_hours) in open_bids.items():
        tallies[order_id].open_ticks += max_ticks
        tallies[order_id].open_unit_hours += unit_hours
        tallies[order_id].n_open += 1
    return tallies


def tally_of(order: StandingOrder) -> Tally:
    return tallies_of([order])[order.pk]


def orders_of(organization: Organization) -> QuerySet[StandingOrder]:
    """Return an organization's standing orders, newest first."""
    return (
        StandingOrder.objects.filter(organization=organization)
        .select_related("market", "created_by")
        .order_by("-id")
    )


def orders_to_look_at(now: datetime, *, limit: int) -> list[int]:
    """Return the live orders that something happened to, or that were not looked at for a while; those first."""
    opened = Window.objects.filter(
        status=Window.Status.OPEN, opens_at__gt=OuterRef("looked_at") - JUST_OPENED
    )
    settled = Bid.objects.filter(
        Q(window__cleared_at__gt=OuterRef("looked_at")) | Q(window__cancelled_at__gt=OuterRef("looked_at")),
        standing_order=OuterRef("pk"),
    )
    due = (
        Q(looked_at=None)
        | Q(looked_at__lt=now - LOOK_AGAIN)
        | Exists(settled)
        | Q(status=Status.ACTIVE) & Exists(opened.filter(market=OuterRef("market")))
        | Q(status=Status.ACTIVE, market=None) & Exists(opened)
    )
    return list(
        StandingOrder.objects.filter(due, status__in=StandingOrder.LIVE)
        .order_by(F("looked_at").asc(nulls_first=True), "id")
        .values_list("id", flat=True)[:limit]
    )


@dataclass(frozen=True, slots=True)
class OrderBid:
    """A bid of an order: what it asked for at most, and what it won."""

    bid: Bid
    unit_hours: int
    won_unit_hours: int
    amount_ticks: int


def bids_of_order(order: StandingOrder, *, limit: int) -> list[OrderBid]:
    """Return an order's bids, newest first."""
    options = BidOption.objects.annotate(unit_hours=Sum(F("legs__units") * F("legs__hours")))
    bids = (
        Bid.objects.filter(standing_order=order)
        .select_related("window__market")
        .prefetch_related(Prefetch("options", options), "awards")
        .order_by("-id")[:limit]
    )
    return [
        OrderBid(
            bid=bid,
            unit_hours=max(option.unit_hours for option in bid.options.all()),  # type: ignore[attr-defined]
            won_unit_hours=sum(award.unit_hours for award in bid.awards.all()),
            amount_ticks=sum(award.amount_ticks for award in bid.awards.all()),
        )
        for bid in bids
    ]


_STATE_WORDS = {
    Status.ACTIVE: ("Bidding again", "done"),
    Status.PAUSED: ("Paused", "done"),
    Status.FULFILLED: ("Fulfilled", "done"),
    Status.EXHAUSTED: ("Budget used", "failed"),
    Status.EXPIRED: ("Deadline passed", "failed"),
    Status.CANCELLED: ("Cancelled", "done"),
}


def history_of_order(order: StandingOrder, *, limit: int) -> list[PhaseStep]:
    """Return what happened to an order itself, oldest first: started, changed, kept from bidding, ended."""
    events = (
        apps.get_model("auctions", "StandingOrderEvent")
        .objects.filter(pgh_obj_id=order.pk)
        .order_by("pgh_id")
        .values_list("pgh_created_at", "status", "revision", "told")
    )
    steps: list[PhaseStep] = []
    before: tuple[str, int, str] | None = None
    for at, status, revision, told in events:
        if before is None:
            steps.append(PhaseStep("Started", at, "done"))
        elif status != before[0]:
            title, state = _STATE_WORDS[Status(status)]
            steps.append(PhaseStep(title, at, state))
        elif revision != before[1]:
            steps.append(PhaseStep("Changed", at, "done"))
        elif told and told != before[2]:
            steps.append(PhaseStep("Did not bid", at, "failed", told))
        before = (status, revision, told)
    return steps[-limit:]
