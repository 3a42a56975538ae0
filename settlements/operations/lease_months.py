"""Leases: written down when their window is settled, charged by the month in advance, ended by one nobody pays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, Sum

from accounts.holds import HoldForDebt, release_holds
from accounts.stream import Happening, append_events
from auctions.models import Award
from marketplace.money import TICKS_PER_CENT
from marketplace.states import require_transition
from settlements.leases import DRAWN_UP_BEFORE, split_lease
from settlements.models import Lease, LeaseMonth, Settlement
from settlements.operations.drafts import Draft, DraftLine, HandOver, write_drafts
from settlements.queries.fees import FeeInForce, fee_in_force
from settlements.splitting import split_amount

PAYS_FOR_MONTH = (Settlement.Status.PAID, Settlement.Status.CARRIED, Settlement.Status.WRITTEN_OFF)
"""A month too small for a card is owed, and delivered all the same."""


def first_months(awards: Sequence[Award]) -> list[Draft]:
    """Write the leases of long awards with all their months; return drafts of the first ones. Assumes a transaction.

    The first month is charged at once, however far ahead it starts.
    """
    return [_draft(_write_lease(award)) for award in awards]


def hold_for_rest(month: LeaseMonth) -> HoldForDebt:
    """Return the hold for what comes after ``month``: the buyer has won it and will owe it."""
    later = LeaseMonth.objects.filter(lease_id=month.lease_id, number__gt=month.number)
    return HoldForDebt(
        organization_id=month.lease.organization_id,
        reference=_hold_reference(month.lease),
        amount_cents=later.aggregate(total=Sum("amount_cents", default=0))["total"],
    )


def draw_up_month(*, month_id: int, now: datetime) -> Settlement | None:
    """Draw up and have charged a month that starts within DRAWN_UP_BEFORE; None where that was done, or is not due.

    Months are drawn up in order, none before those before it are paid, and none once the lease has ended.
    """
    with transaction.atomic(durable=True):
        lease_id = LeaseMonth.objects.values_list("lease_id", flat=True).get(pk=month_id)
        lease = Lease.objects.select_for_update(no_key=True).get(pk=lease_id)
        month = LeaseMonth.objects.get(pk=month_id)
        month.lease = lease
        if lease.status != Lease.Status.ACTIVE or now < month.starts_at - DRAWN_UP_BEFORE:
            return None
        if Settlement.objects.filter(lease_month=month).exists():
            return None
        if _unpaid(lease).filter(number__lt=month.number).exists():
            return None
        hand_over = HandOver(released=[_hold_reference(lease)], debts=[hold_for_rest(month)])
        (settlement,) = write_drafts([_draft(month)], hand_over, now=now)
        return settlement


def complete_lease(*, lease_id: int, now: datetime) -> bool:
    """Close a lease whose last hour has passed and whose months are all paid."""
    with transaction.atomic(durable=True):
        lease = Lease.objects.select_for_update(no_key=True).select_related("award").get(pk=lease_id)
        if lease.status != Lease.Status.ACTIVE or now < lease.award.ends_at:
            return False
        if _unpaid(lease).exists():
            return False
        append_events([_end(lease, Lease.Status.COMPLETED, now=now)])
        return True


def end_lease(lease_id: int, *, now: datetime) -> Happening:
    """End a lease before a month that nobody paid; return what to tell. Assumes a transaction that returns its hours.

    The caller tells, with whatever else it tells: feeds are locked once, and last.
    """
    lease = Lease.objects.select_for_update(no_key=True).get(pk=lease_id)
    release_holds(references=[_hold_reference(lease)])
    return _end(lease, Lease.Status.DEFAULTED, now=now)


def _unpaid(lease: Lease) -> QuerySet[LeaseMonth]:
    """Return the months that nobody has paid yet, drawn up or not: one of them may still end the lease."""
    return lease.months.exclude(settlement__status__in=PAYS_FOR_MONTH)


def _end(lease: Lease, status: Lease.Status, *, now: datetime) -> Happening:
    require_transition(Lease.TRANSITIONS, lease.status, status)
    lease.status = status
    lease.ended_at = now
    lease.save(update_fields=["status", "ended_at"])
    return Happening(
        organization_id=lease.organization_id,
        kind=f"lease.{status}",
        data={"lease": lease.pk, "award": lease.award_id},
    )


def _write_lease(award: Award) -> LeaseMonth:
    """Write a lease and its months; return the first. Its ticks are rounded down to the cent once, its fee too."""
    split = split_amount([award.amount_ticks], fee_bps=_fee_of(award).bps)
    fee_cents = sum(split.fees_cents)
    lease = Lease.objects.create(
        award=award,
        organization_id=award.organization_id,
        amount_cents=split.amount_cents,
        fee_cents=fee_cents,
    )
    months = split_lease(award.starts_at, award.ends_at, amount_cents=split.amount_cents, fee_cents=fee_cents)
    written = LeaseMonth.objects.bulk_create(
        LeaseMonth(
            lease=lease,
            number=number,
            starts_at=month.starts_at,
            ends_at=month.ends_at,
            amount_cents=month.amount_cents,
            fee_cents=month.fee_cents,
        )
        for number, month in enumerate(months, start=1)
    )
    return written[0]


def _draft(month: LeaseMonth) -> Draft:
    award = Award.objects.select_related("lot__block__site", "window").get(pk=month.lease.award_id)
    return Draft(
        window_id=award.window_id,
        organization_id=award.organization_id,
        amount_ticks=month.amount_cents * TICKS_PER_CENT,
        lines=[
            DraftLine(
                award, month.starts_at, month.ends_at, month.amount_cents, month.fee_cents, _fee_of(award)
            )
        ],
        lease_month=month,
    )


def _fee_of(award: Award) -> FeeInForce:
    """Return the fee in force when the lease's window closed: all its months have it."""
    return fee_in_force(award.window.market_id, award.window.closes_at)


def _hold_reference(lease: Lease) -> str:
    return f"lease:{lease.pk}"
