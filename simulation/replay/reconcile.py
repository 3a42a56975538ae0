"""Tie a replay up: what its table counted against awards, hours, settlements, the ledger, holds, and Stripe itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum

from accounts.models import Hold
from auctions.models import Award, Window
from inventory.models import BlockHour
from settlements import stripe_gateway as gateway
from settlements.models import Account, ChargeAttempt, Entry, Settlement, SettlementLine
from simulation.replay.participants import Participants
from simulation.replay.results import WindowResult

OWED_TO_OTHERS = (Account.Kind.SELLER_RESERVE, Account.Kind.PLATFORM_FEES)
COLLECTED = (Account.Kind.STRIPE_PENDING, Account.Kind.STRIPE_FEES)


class DoesNotTie(Exception):
    """Figures that must be equal are not; the message lists them."""


@dataclass(frozen=True, slots=True)
class Tie:
    """Two ways to arrive at the same figure."""

    what: str
    left: int
    right: int


def reconcile(results: Sequence[WindowResult], participants: Participants) -> list[Tie]:
    """Check every figure of ``results`` along each way to it and return the checks made. Raise DoesNotTie."""
    window_ids = [result.window_id for result in results]
    ties = [*_capacity_ties(results, window_ids, participants), *_money_ties(results, window_ids)]
    broken = [tie for tie in ties if tie.left != tie.right]
    if broken:
        raise DoesNotTie("; ".join(f"{tie.what}: {tie.left} and {tie.right}" for tie in broken))
    return ties


def _capacity_ties(
    results: Sequence[WindowResult], window_ids: list[int], participants: Participants
) -> Iterator[Tie]:
    awards = list(Award.objects.filter(window__in=window_ids))
    awarded = sum(award.unit_hours for award in awards)
    sites = [seller.site for seller in participants.sellers.values()]
    hours = BlockHour.objects.filter(block__site__in=sites)
    yield Tie("unit-hours awarded and told", awarded, sum(result.sales.sold_unit_hours for result in results))
    yield Tie("unit-hours awarded and marked sold", awarded, _sum(hours, "sold_units"))
    awarded_ticks = sum(award.amount_ticks for award in awards)
    windows = Window.objects.filter(pk__in=window_ids)
    yield Tie("ticks awarded and told", awarded_ticks, sum(result.sales.revenue_ticks for result in results))
    yield Tie("ticks awarded and cleared", awarded_ticks, _sum(windows, "revenue_ticks"))
    settlements = Settlement.objects.filter(window__in=window_ids)
    yield Tie("ticks awarded and settled", awarded_ticks, _sum(settlements, "amount_ticks"))


def _money_ties(results: Sequence[WindowResult], window_ids: list[int]) -> Iterator[Tie]:
    settlements = Settlement.objects.filter(window__in=window_ids)
    settled = _sum(settlements, "amount_cents")
    paid = _sum(settlements.filter(status=Settlement.Status.PAID), "amount_cents")
    lines = SettlementLine.objects.filter(settlement__window__in=window_ids)
    yield Tie("cents settled and in lines", settled, _sum(lines, "amount_cents"))
    yield Tie("cents settled and told", settled, sum(result.settled_cents for result in results))
    yield Tie("cents paid and told as charged", paid, sum(result.charged_cents for result in results))
    due = [f"settlement:{pk}:due" for pk in settlements.values_list("pk", flat=True)]
    yield Tie(
        "cents settled and owed by buyers in the ledger", settled, _booked(due, Account.Kind.BUYER_RECEIVABLE)
    )
    yield Tie(
        "cents settled and owed to sellers and for fees in the ledger",
        settled,
        -_booked(due, *OWED_TO_OTHERS),
    )
    attempts = ChargeAttempt.objects.filter(
        settlement__window__in=window_ids, outcome=ChargeAttempt.Outcome.SUCCEEDED
    )
    charges = [f"settlement:{attempt.settlement_id}:charge:{attempt.number}" for attempt in attempts]
    carried = settlements.exclude(carried_into=None).values_list("pk", flat=True)
    charges += [f"settlement:{pk}:charge:carried" for pk in carried]
    yield Tie(
        "cents paid and no longer owed in the ledger", paid, -_booked(charges, Account.Kind.BUYER_RECEIVABLE)
    )
    yield Tie("cents paid and collected in the ledger", paid, _booked(charges, *COLLECTED))
    payments = [gateway.retrieve_payment(attempt.stripe_payment_intent_id) for attempt in attempts]
    yield Tie("cents paid and received by Stripe", paid, sum(payment.received_cents for payment in payments))
    buyers = settlements.values_list("organization_id", flat=True)
    held = Hold.objects.filter(organization__in=buyers, released_at=None)
    yield Tie("cents unpaid and held", settled - paid, _sum(held, "amount_cents"))


def _booked(references: Sequence[str], *kinds: Account.Kind) -> int:
    return _sum(
        Entry.objects.filter(transaction__reference__in=references, account__kind__in=kinds), "amount_cents"
    )


def _sum(rows: QuerySet[Any], column: str) -> int:
    return int(rows.aggregate(total=Sum(column, default=0))["total"])
