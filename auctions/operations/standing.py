"""Standing orders: started, changed, paused, resumed, cancelled; and the steps that bid for them, window after window.

The order's row is locked first, then windows in key order, then bids. An order bids only in open windows, so that what
it bids can be taken back until the freeze. Each step is one transaction: a worker that dies half-way leaves either the
whole of it or nothing, and one open bid per order and window is the database's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.holds import lock_limit
from accounts.models import Organization, User
from accounts.stream import append_event
from auctions.models import Bid, StandingOrder, Window
from auctions.placing import Submission, put_in_book, take_out_of_book
from auctions.policies import BidRejected
from auctions.queries.standing import Tally, tally_of
from auctions.standing.planning import plan_bid, supply_in
from auctions.standing.policy import OrderRejected, check_order
from auctions.standing.terms import OrderTerms, Remaining, order_terms_of, smallest_purchase
from inventory.models import ResourceType
from marketplace.db import LockSpace, database_now, lock_shared
from marketplace.hours import HOUR
from marketplace.jobs import defer_job
from marketplace.money import TICKS_PER_CENT, cents_to_cover, format_cents
from marketplace.states import require_transition

__all__ = ["OrderNotFound", "OrderRejected"]

Status = StandingOrder.Status
MAX_LIVE_ORDERS = 100
"""Standing orders of one organization that are not over."""


class OrderNotFound(Exception):
    """No such standing order of this organization. Whether another's has that number is nobody's business."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order; ``kept`` are bids that could not be taken back, their windows being frozen or closed."""

    order: StandingOrder
    kept: list[Bid]


def start_order(
    *,
    organization: Organization,
    created_by: User | None,
    terms: OrderTerms,
    request_key: UUID | None = None,
) -> StandingOrder:
    """Start a standing order; a worker places its first bids at once. Raise OrderRejected.

    ``request_key`` names the submission: repeated, it starts nothing more and returns the order of the first time.
    """
    if (started := _started_before(organization, request_key)) is not None:
        return started
    try:
        with transaction.atomic(durable=True):
            check_order(terms, now=database_now())
            lock_limit(organization.pk)
            live = StandingOrder.objects.filter(organization=organization, status__in=StandingOrder.LIVE)
            if live.count() >= MAX_LIVE_ORDERS:
                raise OrderRejected(
                    "too_many", "order", f"{MAX_LIVE_ORDERS} standing orders are under way: cancel one first."
                )
            order = StandingOrder(organization=organization, created_by=created_by, request_key=request_key)
            _say(order, terms)
            order.save()
            _look_soon(order)
            _tell(order)
        return order
    except IntegrityError:  # the same submission twice at once: the other one was first
        if (started := _started_before(organization, request_key)) is None:
            raise
        return started


def change_order(
    *, organization: Organization, order_id: int, terms: OrderTerms, revision: int | None = None
) -> Outcome:
    """Replace what an order asks for. Its open bids are taken back where the phase allows, and placed anew.

    ``revision`` is that of the order as it was read: changed by others since, it is left alone. None: whatever it says.
    Raise OrderNotFound, OrderRejected.
    """
    with transaction.atomic(durable=True):
        order = _enter(organization, order_id)
        if revision not in (None, order.revision):
            raise OrderRejected(
                "changed_meanwhile", "revision", "This order was changed meanwhile; look at it again."
            )
        now = database_now()
        check_order(terms, now=now)
        kept = _take_back(order)
        tally = tally_of(order)
        _require_room_for_what_stands(terms, tally)
        if order.status == Status.EXHAUSTED:
            _move(order, Status.ACTIVE)
        _say(order, terms)
        order.revision += 1
        order.told = ""
        order.save()
        _look_soon(order)
        _tell(order)
    return Outcome(order, kept)


def pause_order(*, organization: Organization, order_id: int) -> Outcome:
    """Keep an order from bidding and take its bids back as far as possible. Raise OrderNotFound, OrderRejected."""
    return _stop(organization, order_id, Status.PAUSED)


def cancel_order(*, organization: Organization, order_id: int) -> Outcome:
    """End an order and take its open bids back as far as possible. Raise OrderNotFound, OrderRejected."""
    return _stop(organization, order_id, Status.CANCELLED)


def resume_order(*, organization: Organization, order_id: int, by: User | None = None) -> StandingOrder:
    """Let a paused order bid again, in the name of ``by`` where its own person may not.

    Raise OrderNotFound, OrderRejected.
    """
    with transaction.atomic(durable=True):
        order = _enter(organization, order_id)
        if order.status == Status.ACTIVE:
            return order
        if order.status == Status.EXHAUSTED:
            raise OrderRejected(
                "budget_used", "budget", "Its budget is used: raise it, or lower the price, to bid on."
            )
        _move(order, Status.ACTIVE)
        order.told = ""
        if by is not None and _is_abandoned(order):
            order.created_by = by
        order.save(update_fields=["status", "told", "created_by"])
        _look_soon(order)
        _tell(order)
    return order


def bid_for_order(*, order_id: int) -> bool:
    """Take the next step of a live order: end it where it is over, else place one bid in an open window.

    Return whether a step was taken, so that there may be another. A no-op where another worker is at it.
    """
    with transaction.atomic(durable=True):
        order = (
            StandingOrder.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .select_related("organization", "created_by")
            .filter(pk=order_id, status__in=StandingOrder.LIVE)
            .first()
        )
        if order is None:
            return False
        now = database_now()
        order.looked_at = now
        took_step = (
            _end_if_over(order, tally_of(order), now) or _pause_if_abandoned(order) or _bid(order, now)
        )
        order.save(update_fields=["status", "told", "looked_at", "ended_at"])
        return took_step


def note_look(*, order_id: int) -> None:
    """Note that an order was looked at, though nothing came of it, so that it waits for its turn again."""
    with transaction.atomic(durable=True):
        StandingOrder.objects.filter(pk=order_id).update(looked_at=database_now())


def _started_before(organization: Organization, request_key: UUID | None) -> StandingOrder | None:
    if request_key is None:
        return None
    return StandingOrder.objects.filter(organization=organization, request_key=request_key).first()


def _say(order: StandingOrder, terms: OrderTerms) -> None:
    order.resource_types = list(terms.wanted.resource_type_ids)
    order.regions = list(terms.wanted.regions)
    order.fabrics = list(terms.wanted.fabrics)
    order.min_reliability_bps = terms.wanted.min_reliability_bps
    order.market_id = terms.market_id
    order.goal_unit_hours = terms.goal_unit_hours
    order.min_hours = terms.min_hours
    order.price_ticks = terms.price_ticks
    order.budget_cents = terms.budget_cents
    order.deadline_at = terms.deadline_at


def _enter(organization: Organization, order_id: int) -> StandingOrder:
    order = (
        StandingOrder.objects.select_for_update(no_key=True)
        .filter(pk=order_id, organization=organization)
        .first()
    )
    if order is None:
        raise OrderNotFound(f"no standing order {order_id} of organization {organization.pk}")
    if order.is_over:
        raise OrderRejected("over", "order", f"This order is over: {order.get_status_display().lower()}.")
    return order


def _stop(organization: Organization, order_id: int, target: Status) -> Outcome:
    with transaction.atomic(durable=True):
        order = _enter(organization, order_id)
        kept = _take_back(order)
        if order.status != target:
            _move(order, target)
            order.told = ""
            if target == Status.CANCELLED:
                order.ended_at = database_now()
            order.save(update_fields=["status", "told", "ended_at"])
            _tell(order)
    return Outcome(order, kept)


def _take_back(order: StandingOrder) -> list[Bid]:
    """Cancel the order's bids in open windows; return those that stand. All windows are locked before any bid."""
    standing = Bid.objects.filter(standing_order=order, status=Bid.Status.PLACED)
    for window_id in sorted(standing.values_list("window_id", flat=True)):
        lock_shared(LockSpace.WINDOW, window_id)
    now = database_now()
    kept = []
    bids = standing.select_for_update(no_key=True, of=("self",)).select_related("window").order_by("id")
    for bid in list(bids):
        if bid.window.phase_at(now) == Window.Status.OPEN:
            take_out_of_book(bid, now)
        else:
            kept.append(bid)
    return kept


def _require_room_for_what_stands(terms: OrderTerms, tally: Tally) -> None:
    """Refuse to ask for less than what was won and can still be won."""
    if terms.budget_ticks < tally.used_ticks:
        raise OrderRejected(
            "below_what_stands",
            "budget",
            f"{format_cents(cents_to_cover(tally.used_ticks))} is spent, or at stake in bids that can no longer be "
            "taken back: the budget cannot be less.",
        )
    stands = tally.won_unit_hours + tally.open_unit_hours
    if terms.goal_unit_hours < stands:
        raise OrderRejected(
            "below_what_stands",
            "goal",
            f"{stands:,} unit-hours are won, or can still be won by bids that cannot be taken back: ask for no less.",
        )


def _end_if_over(order: StandingOrder, tally: Tally, now: datetime) -> bool:
    """End an order that has all it wants, or can get no more. Nothing ends while a bid is open."""
    if tally.n_open:
        return False
    if tally.won_unit_hours >= order.goal_unit_hours:
        _end(order, Status.FULFILLED, now)
    elif now >= order.deadline_at - order.min_hours * HOUR:
        _end(order, Status.EXPIRED, now)
    elif order.status == Status.ACTIVE and _is_budget_used(order, tally):
        _move(order, Status.EXHAUSTED)
        _tell(order)
    else:
        return False
    order.told = ""
    return True


def _pause_if_abandoned(order: StandingOrder) -> bool:
    """Pause an order whose person may no longer bid for its organization: it bids in that person's name, as keys do."""
    if order.status != Status.ACTIVE or not _is_abandoned(order):
        return False
    _take_back(order)
    _move(order, Status.PAUSED)
    order.told = f"{order.created_by} may no longer bid for {order.organization}."[:300]
    _tell(order)
    append_event(
        organization_id=order.organization_id,
        kind="standing_order.abandoned",
        data={"standing_order": order.pk, "status": order.status, "message": order.told},
    )
    return True


def _is_abandoned(order: StandingOrder) -> bool:
    person = order.created_by
    return person is not None and not (
        person.is_active and person.has_perm("accounts.buy_for", order.organization)
    )


def _is_budget_used(order: StandingOrder, tally: Tally) -> bool:
    """Say whether what is left does not pay for one more node, for the shortest run, at the order's price."""
    types = ResourceType.objects.filter(pk__in=order.resource_types)
    least_ticks = smallest_purchase(types, order.min_hours) * order.price_ticks
    return order.budget_cents * TICKS_PER_CENT - tally.used_ticks < least_ticks


def _bid(order: StandingOrder, now: datetime) -> bool:
    """Place one bid of an active order in the open window that closes next, of those where it has none."""
    if order.status != Status.ACTIVE:
        return False
    terms = order_terms_of(order)
    tally = tally_of(order)
    remaining = Remaining(
        unit_hours=order.goal_unit_hours - tally.won_unit_hours - tally.open_unit_hours,
        budget_ticks=terms.budget_ticks - tally.used_ticks,
    )
    reasons = []
    for window in _windows_to_bid_in(order, now):
        supply = supply_in(window, terms, organization_id=order.organization_id)
        plan = plan_bid(terms, remaining, supply)
        if plan.terms is None:
            reasons.append(plan.why_not)
            continue
        submission = Submission(order.organization, order.created_by, standing_order=order)
        try:
            with transaction.atomic():  # a refusal gives back its locks, and only those
                put_in_book(submission, window_id=window.pk, terms=plan.terms, phases=(Window.Status.OPEN,))
        except BidRejected as refused:
            reasons.append(refused.message)
            continue
        order.told = ""
        return True
    order.told = "" if tally.n_open else next(iter(reasons), "")[:300]
    return False


def _windows_to_bid_in(order: StandingOrder, now: datetime) -> list[Window]:
    windows = Window.objects.filter(
        status=Window.Status.OPEN,
        opens_at__lte=now,
        freezes_at__gt=now,
        delivery_from__lte=order.deadline_at - order.min_hours * HOUR,
    ).exclude(bids__in=Bid.objects.filter(standing_order=order, status=Bid.Status.PLACED))
    if order.market_id is not None:
        windows = windows.filter(market=order.market_id)
    return list(windows.order_by("closes_at", "id"))


def _end(order: StandingOrder, target: Status, now: datetime) -> None:
    _move(order, target)
    order.ended_at = now
    _tell(order)


def _move(order: StandingOrder, target: Status) -> None:
    require_transition(StandingOrder.TRANSITIONS, order.status, target)
    order.status = target


def _look_soon(order: StandingOrder) -> None:
    """Have a worker look at it as soon as this transaction commits."""
    defer_job("auctions.bid_for_order", key=f"standing-order:{order.pk}", order_id=order.pk)


def _tell(order: StandingOrder) -> None:
    append_event(
        organization_id=order.organization_id,
        kind=f"standing_order.{order.status}",
        data={"standing_order": order.pk, "status": order.status},
    )
