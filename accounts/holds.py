"""Holds against a bidding limit. Each function assumes a transaction and locks the organization's limit row first.

Nobody can win what they cannot pay: a bid is placed only after its largest possible charge is held here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import BiddingLimit, CreditChange, Hold
from marketplace.db import database_now


class LimitExceeded(Exception):
    """The hold would take the organization above its limit. All figures are cents."""

    def __init__(self, *, limit_cents: int, held_cents: int, asked_cents: int) -> None:
        super().__init__(
            f"holding {asked_cents} more cents exceeds the limit of {limit_cents}, of which {held_cents} are held"
        )
        self.limit_cents = limit_cents
        self.held_cents = held_cents
        self.asked_cents = asked_cents


class LimitSuspended(Exception):
    """Nothing new may be held for the organization now; the text says why, for people."""


def set_hold(*, organization_id: int, reference: str, amount_cents: int) -> None:
    """Make ``amount_cents`` the live hold for ``reference``; zero releases it.

    Raise LimitSuspended, LimitExceeded. Lowering and releasing always succeed, even when the limit is suspended or was
    cut below what is held.
    """
    limit = lock_limit(organization_id)
    live = Hold.objects.filter(organization_id=organization_id, reference=reference, released_at=None).first()
    change = amount_cents - (live.amount_cents if live else 0)
    if change > 0 and limit.suspended_reason:
        raise LimitSuspended(limit.suspended_reason)
    if change > 0 and limit.held_cents + change > limit.limit_cents:
        raise LimitExceeded(limit_cents=limit.limit_cents, held_cents=limit.held_cents, asked_cents=change)
    if live and amount_cents:
        Hold.objects.filter(pk=live.pk).update(amount_cents=amount_cents)
    elif live:
        Hold.objects.filter(pk=live.pk).update(released_at=Now())
    elif amount_cents:
        Hold.objects.create(organization_id=organization_id, reference=reference, amount_cents=amount_cents)
    if change:
        BiddingLimit.objects.filter(pk=limit.pk).update(held_cents=F("held_cents") + change)


def lower_holds(*, amounts: dict[str, int]) -> None:
    """Lower many live holds at once: ``amounts`` gives the cents to keep per reference, zero to release.

    Locks the limits of all organizations concerned in key order. Raise ValueError if an amount would rise.
    """
    holds = list(Hold.objects.filter(reference__in=amounts, released_at=None))
    lock_limits(hold.organization_id for hold in holds)
    freed: dict[int, int] = defaultdict(int)
    kept: list[Hold] = []
    released: list[int] = []
    for hold in Hold.objects.filter(pk__in=[hold.pk for hold in holds], released_at=None):
        amount_cents = amounts[hold.reference]
        if amount_cents > hold.amount_cents:
            raise ValueError(
                f"{hold.reference} holds {hold.amount_cents} cents; {amount_cents} would raise it"
            )
        freed[hold.organization_id] += hold.amount_cents - amount_cents
        if amount_cents:
            hold.amount_cents = amount_cents
            kept.append(hold)
        else:
            released.append(hold.pk)
    Hold.objects.bulk_update(kept, ["amount_cents"], batch_size=1000)
    Hold.objects.filter(pk__in=released).update(released_at=Now())
    for organization_id, cents in sorted(freed.items()):
        BiddingLimit.objects.filter(pk=organization_id).update(held_cents=F("held_cents") - cents)


def release_holds(*, references: Sequence[str]) -> None:
    """Release every live hold among ``references``."""
    lower_holds(amounts=dict.fromkeys(references, 0))


@dataclass(frozen=True, slots=True)
class HoldForDebt:
    """What an organization owes now, cents, in place of what it had at stake."""

    organization_id: int
    reference: str
    amount_cents: int


def hold_debts(*, released: Sequence[str], debts: Sequence[HoldForDebt]) -> None:
    """Release the ``released`` holds and hold the ``debts`` in their place, all in one step.

    What is owed is held whether or not the limit still allows it, so this never raises LimitExceeded: a limit may
    have been cut since. Locks the limits of all organizations concerned in key order.
    """
    owners = Hold.objects.filter(reference__in=released, released_at=None).values_list(
        "organization_id", flat=True
    )
    organizations = {debt.organization_id for debt in debts} | set(owners)
    lock_limits(organizations)
    release_holds(references=released)
    positive = [debt for debt in debts if debt.amount_cents]
    Hold.objects.bulk_create(
        Hold(organization_id=debt.organization_id, reference=debt.reference, amount_cents=debt.amount_cents)
        for debt in positive
    )
    for debt in positive:
        BiddingLimit.objects.filter(pk=debt.organization_id).update(
            held_cents=F("held_cents") + debt.amount_cents
        )


def lock_limit(organization_id: int) -> BiddingLimit:
    """Return an organization's limit, locked until the caller's transaction ends."""
    return BiddingLimit.objects.select_for_update(no_key=True).get(organization_id=organization_id)


def lock_limits(organization_ids: Iterable[int]) -> dict[int, BiddingLimit]:
    """Return organizations' limits by organization, locked in key order until the caller's transaction ends."""
    limits = BiddingLimit.objects.select_for_update(no_key=True).filter(pk__in=set(organization_ids))
    return {limit.pk: limit for limit in limits.order_by("pk")}


def suspend_limit(*, organization_id: int, reason: str) -> None:
    """Have nothing new held while ``reason`` is not empty; the caller holds the limit's lock (``lock_limit``)."""
    BiddingLimit.objects.filter(organization_id=organization_id).update(suspended_reason=reason)


def has_live_holds(*, organization_id: int) -> bool:
    """Return whether anything is held; the limit's lock keeps it true until the caller's transaction ends."""
    lock_limit(organization_id)
    return Hold.objects.filter(organization_id=organization_id, released_at=None).exists()


def grant_starting_limit(*, organization_id: int) -> bool:
    """Give an organization the credit that comes with its first card, once; return whether it did.

    One that had it before, or whose credit finance has set, to zero too, keeps what it has.
    """
    limit = lock_limit(organization_id)
    if limit.limit_set_at is not None or limit.credit_cents:
        return False
    change_credit(
        limit, credit_cents=settings.STARTING_LIMIT_CENTS, reason="First card on file", now=database_now()
    )
    return True


@dataclass(frozen=True, slots=True)
class LimitCut:
    """What a credit line was and is, cents."""

    before_cents: int
    after_cents: int


def cut_limit(
    *, organization_id: int, new_limit: Callable[[int], int], reason: str, now: datetime
) -> LimitCut:
    """Lower an organization's credit line to what ``new_limit`` makes of it, cents; what is held stays held.

    What it prepaid is its own, and stays.
    """
    limit = lock_limit(organization_id)
    cut = LimitCut(limit.credit_cents, min(limit.credit_cents, new_limit(limit.credit_cents)))
    change_credit(limit, credit_cents=cut.after_cents, reason=reason, now=now)
    return cut


def change_credit(limit: BiddingLimit, *, credit_cents: int, reason: str, now: datetime) -> CreditChange:
    """Set a locked limit's credit because a rule says so, and write down that it did."""
    change = CreditChange.objects.create(
        organization_id=limit.organization_id,
        before_cents=limit.credit_cents,
        after_cents=credit_cents,
        reason=reason,
        status=CreditChange.Status.IN_FORCE,
        proposed_at=now,
        decided_at=now,
    )
    BiddingLimit.objects.filter(pk=limit.pk).update(credit_cents=credit_cents, limit_set_at=now)
    return change
