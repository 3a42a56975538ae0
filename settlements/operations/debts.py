"""Pay what a buyer owes out of its prepaid balance: oldest first, whole ones only. Assumes a transaction.

What a settlement collects of smaller ones is paid with it. One whose payment is under way is left to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from accounts.holds import lock_limit, release_holds
from accounts.stream import Happening, append_events
from marketplace.states import require_transition
from settlements import ledger
from settlements.models import ChargeAttempt, Settlement, Transaction
from settlements.operations.carrying import hold_reference, release_carried
from settlements.operations.suspensions import review_limit
from settlements.operations.unpaid import close_dunning

Status = Settlement.Status


@dataclass(frozen=True, slots=True)
class Debt:
    """A settlement that is not paid, and those carried into it, which are paid together."""

    settlement: Settlement
    carried: Sequence[Settlement]

    @property
    def cents(self) -> int:
        return sum(own.own_cents for own in (self.settlement, *self.carried))


def lock_debts(organization_id: int) -> list[Debt]:
    """Return what an organization owes and nothing may take money for, locked, oldest first.

    What collects others is locked before them, as where they are charged.
    """
    under_way = ChargeAttempt.objects.filter(settlement=OuterRef("pk"), outcome__in=ChargeAttempt.OPEN)
    own = Settlement.objects.select_for_update(no_key=True).filter(organization_id=organization_id)
    due = list(own.filter(~Exists(under_way), status__in=Settlement.COLLECTABLE).order_by("id"))
    small = list(own.filter(status=Status.CARRIED).order_by("id"))
    debts = [Debt(each, [one for one in small if one.carried_into_id == each.pk]) for each in due]
    debts += [Debt(one, []) for one in small if one.carried_into_id is None]
    return sorted(debts, key=lambda debt: debt.settlement.pk)


def pay_debts(debts: Sequence[Debt], *, organization_id: int, now: datetime) -> list[Settlement]:
    """Pay locked debts out of the prepaid balance as far as it goes; return what was paid."""
    left_cents = lock_limit(organization_id).prepaid_cents
    paid: list[Settlement] = []
    for debt in debts:
        if debt.cents <= left_cents:
            left_cents -= debt.cents
            release_carried(debt.settlement)
            paid += [debt.settlement, *debt.carried]
    if not paid:
        return []
    ledger.post_transactions([_spent(settlement) for settlement in paid])
    for settlement in paid:
        _mark_paid(settlement, now)
    release_holds(references=[hold_reference(settlement) for settlement in paid])
    review_limit(organization_id)
    append_events(_news(settlement) for settlement in paid)
    return paid


def _mark_paid(settlement: Settlement, now: datetime) -> None:
    require_transition(Settlement.TRANSITIONS, settlement.status, Status.PAID)
    settlement.status, settlement.paid_at = Status.PAID, now
    settlement.prepaid_cents = settlement.amount_cents
    settlement.save(update_fields=["status", "paid_at", "prepaid_cents"])
    close_dunning(settlement, now=now)


def _spent(settlement: Settlement) -> ledger.Posting:
    return ledger.Posting(
        kind=Transaction.Kind.PREPAID_SPENT,
        reference=f"settlement:{settlement.pk}:prepaid:later",
        description=f"Settlement {settlement.pk} paid from what was paid in since",
        cents={
            ledger.buyer_prepaid(settlement.organization_id): settlement.own_cents,
            ledger.buyer_receivable(settlement.organization_id): -settlement.own_cents,
        },
    )


def _news(settlement: Settlement) -> Happening:
    return Happening(
        organization_id=settlement.organization_id,
        kind="settlement.paid",
        data={
            "settlement": settlement.pk,
            "window": settlement.window_id,
            "amount_cents": settlement.amount_cents,
            "message": "",
        },
    )
