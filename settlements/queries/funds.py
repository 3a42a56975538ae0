"""A buyer's limit: what it is made of, what is held of it and what for, and what was paid in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.urls import reverse

from accounts.models import BiddingLimit, Hold
from auctions.models import Bid
from settlements.models import Dispute, PrepaidDispute, PrepaidReturn, Prepayment, Settlement

N_LATEST = 20
HOLDS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class HeldFor:
    """A hold and what it is for: ``name`` and ``detail`` in words, ``url`` where it is shown (empty: nowhere)."""

    hold: Hold
    purpose: str
    number: int
    name: str
    detail: str
    url: str

    @property
    def until(self) -> datetime | None:
        return self.hold.released_at


@dataclass(frozen=True, slots=True)
class HoldPage:
    """A page of holds, newest first, and the id that the next one starts below."""

    holds: list[HeldFor]
    next_before: int | None


def limit_of(organization_id: int) -> BiddingLimit:
    """Return an organization's limit with what it is made of and what is held."""
    return BiddingLimit.objects.get(pk=organization_id)


def live_holds(organization_id: int) -> QuerySet[Hold]:
    """Return what is held now, newest first."""
    return Hold.objects.filter(organization_id=organization_id, released_at=None).order_by("-id")


def released_holds(organization_id: int, *, before: int | None) -> HoldPage:
    """Return a page of holds that were released, those begun last first."""
    holds = Hold.objects.filter(organization_id=organization_id, released_at__isnull=False).order_by("-id")
    if before is not None:
        holds = holds.filter(pk__lt=before)
    found = list(holds[: HOLDS_PER_PAGE + 1])
    shown = found[:HOLDS_PER_PAGE]
    return HoldPage(held_for(shown), shown[-1].pk if len(found) > HOLDS_PER_PAGE else None)


def held_for(holds: Iterable[Hold]) -> list[HeldFor]:
    """Say what holds are for; references read ``bid:12`` and ``settlement:7``."""
    parsed = [(hold, *hold.reference.partition(":")[::2]) for hold in holds]
    bids = Bid.objects.select_related("window__market").in_bulk(_numbers(parsed, "bid"))
    settlements = Settlement.objects.select_related("window__market").in_bulk(_numbers(parsed, "settlement"))
    return [_held_for(hold, purpose, int(number), bids, settlements) for hold, purpose, number in parsed]


def _numbers(parsed: list[tuple[Hold, str, str]], purpose: str) -> list[int]:
    return [int(number) for _, own, number in parsed if own == purpose]


def _held_for(
    hold: Hold, purpose: str, number: int, bids: dict[int, Bid], settlements: dict[int, Settlement]
) -> HeldFor:
    if (bid := bids.get(number)) and purpose == "bid":
        url = reverse("auctions:bid_detail", args=[number])
        return HeldFor(hold, purpose, number, f"Bid #{number}", str(bid.window.market), url)
    if (settlement := settlements.get(number)) and purpose == "settlement":
        url = reverse("settlements:own_settlement_detail", args=[number])
        return HeldFor(hold, purpose, number, f"Settlement #{number}", str(settlement.window.market), url)
    return HeldFor(hold, purpose, number, f"{purpose.capitalize()} #{number}", "", "")


def prepayments_of(organization_id: int) -> QuerySet[Prepayment]:
    """Return what an organization paid in, or began to, newest first."""
    return Prepayment.objects.filter(organization_id=organization_id).order_by("-id")


@dataclass(frozen=True, slots=True)
class Returnable:
    """What of a prepaid balance can go back now, cents, and why not more (empty: all of it can)."""

    cents: int
    why_not: str


def returnable_of(limit: BiddingLimit) -> Returnable:
    """Return what of a prepaid balance is neither held nor spent and came with a payment that it can go back to."""
    if not limit.prepaid_cents:
        return Returnable(0, "Nothing is prepaid.")
    disputed = Dispute.objects.filter(
        settlement__organization=limit.organization_id, status__in=Dispute.SUSPENDS
    )
    prepaid = PrepaidDispute.objects.filter(
        prepayment__organization=limit.organization_id, status__in=PrepaidDispute.OPEN
    )
    if disputed.exists() or prepaid.exists():
        return Returnable(0, "A payment is disputed at its bank. Nothing is returned until that is settled.")
    cents = min(limit.prepaid_cents, limit.free_cents)
    if not cents:
        return Returnable(0, "All of it is held for bids and settlements.")
    paid_in = sum(left for _, left in left_of_prepayments(limit.organization_id))
    if not paid_in:
        return Returnable(
            0, "What is prepaid came from refunds, which have no payment to go back to. It pays first."
        )
    return Returnable(min(cents, paid_in), "")


def left_of_prepayments(organization_id: int) -> list[tuple[Prepayment, int]]:
    """Return the payments that may still take money back, newest first, each with how much, cents."""
    received = prepayments_of(organization_id).filter(status=Prepayment.Status.RECEIVED)
    gone = Sum("returns__amount_cents", filter=~Q(returns__status=PrepaidReturn.Status.FAILED), default=0)
    # What a bank took back, even if it was won since, is not refunded through the same payment.
    rows = received.exclude(disputes__taken_cents__gt=0).annotate(gone_cents=gone)
    return [(own, own.amount_cents - own.gone_cents) for own in rows if own.amount_cents > own.gone_cents]


def returns_of(organization_id: int) -> QuerySet[PrepaidReturn]:
    """Return what an organization had returned of its prepayments, newest first."""
    own = PrepaidReturn.objects.filter(prepayment__organization_id=organization_id)
    return own.select_related("prepayment", "asked_by").order_by("-id")
