"""Amounts too small for a card: carried into the buyer's next settlement, paid with it, or written off by finance.

Each keeps its own lines, ledger and receipt. Helpers assume a transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.holds import release_holds
from accounts.models import User
from accounts.stream import Happening, append_events
from marketplace.states import require_transition
from settlements import ledger
from settlements.models import Account, CollectionDecision, Settlement, Transaction

Status = Settlement.Status
CARRIED_FOR = timedelta(days=90)
"""How long an amount waits for another settlement before finance may write it off."""


class WriteOffRefused(Exception):
    """Nothing was written off; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Which carried settlements finance writes off, to which account (ROUNDING or LOSSES), who decides, and why."""

    settlement_ids: Sequence[int]
    account: Account.Kind
    by: User
    reason: str


def hold_reference(settlement: Settlement) -> str:
    """Return what a settlement's hold is called until it is paid."""
    return f"settlement:{settlement.pk}"


def lock_carried(organization_ids: Sequence[int]) -> dict[int, list[Settlement]]:
    """Return what waits to be carried into another settlement, locked, by organization, oldest first."""
    waiting = Settlement.objects.select_for_update(no_key=True).filter(
        organization_id__in=organization_ids, status=Status.CARRIED, carried_into=None
    )
    found: dict[int, list[Settlement]] = defaultdict(list)
    for settlement in waiting.order_by("id"):
        found[settlement.organization_id].append(settlement)
    return found


def carry_into(settlement: Settlement, carried: Sequence[Settlement]) -> None:
    """Have a new settlement collect the ``carried`` ones."""
    ids = [own.pk for own in carried]
    Settlement.objects.filter(pk__in=ids, status=Status.CARRIED).update(carried_into=settlement)


def pay_carried(settlement: Settlement, *, payment_id: str, now: datetime) -> None:
    """Pay what was carried into a settlement that has just been paid; each is booked by itself."""
    carried = list(
        Settlement.objects.select_for_update(no_key=True).filter(carried_into=settlement).order_by("id")
    )
    if not carried:
        return
    for own in carried:
        require_transition(Settlement.TRANSITIONS, own.status, Status.PAID)
        own.status = Status.PAID
        own.paid_at = now
    Settlement.objects.bulk_update(carried, ["status", "paid_at"])
    ledger.post_transactions(
        [
            ledger.Posting(
                kind=Transaction.Kind.CHARGE,
                reference=f"settlement:{own.pk}:charge:carried",
                description=f"Settlement {own.pk} collected with settlement {settlement.pk} by {payment_id}",
                cents={
                    ledger.STRIPE_PENDING: own.own_cents,
                    ledger.buyer_receivable(own.organization_id): -own.own_cents,
                },
            )
            for own in carried
        ]
    )
    release_holds(references=[hold_reference(own) for own in carried])
    append_events(_news(own, "settlement.paid") for own in carried)


def release_carried(settlement: Settlement) -> None:
    """Let what was carried into a settlement that defaults wait for another one: it is owed, and was delivered."""
    if settlement.carried_in_cents:
        Settlement.objects.filter(carried_into=settlement).update(carried_into=None)
        settlement.carried_in_cents = 0
        settlement.save(update_fields=["carried_in_cents"])


def write_off(write_off: WriteOff, *, now: datetime) -> list[Settlement]:
    """Write off carried amounts that found no other settlement in CARRIED_FOR, all or none. Raise WriteOffRefused."""
    with transaction.atomic(durable=True):
        rows = Settlement.objects.select_for_update(no_key=True).filter(pk__in=write_off.settlement_ids)
        settlements = list(rows.order_by("id"))
        for settlement in settlements:
            _require_ripe(settlement, now=now)
        _write_off(settlements, write_off, now=now)
        return settlements


def _require_ripe(settlement: Settlement, *, now: datetime) -> None:
    if settlement.status != Status.CARRIED:
        state = str(settlement.get_status_display()).lower()
        raise WriteOffRefused(f"Settlement {settlement.pk} is {state}. Nothing was written off.")
    if settlement.carried_into_id is not None:
        raise WriteOffRefused(
            f"Settlement {settlement.pk} is collected with settlement {settlement.carried_into_id}. "
            "Nothing was written off."
        )
    if now < settlement.created_at + CARRIED_FOR:
        ripe_on = settlement.created_at + CARRIED_FOR
        raise WriteOffRefused(
            f"Settlement {settlement.pk} may be written off from {ripe_on:%-d %b %Y} on. Nothing was written off."
        )


def _write_off(settlements: list[Settlement], write_off: WriteOff, *, now: datetime) -> None:
    ids = [settlement.pk for settlement in settlements]
    Settlement.objects.filter(pk__in=ids).update(status=Status.WRITTEN_OFF)
    ledger.post_transactions(
        [
            ledger.Posting(
                kind=Transaction.Kind.ROUNDING,
                reference=f"settlement:{settlement.pk}:written_off",
                description=f"Settlement {settlement.pk}, too small for a card, written off",
                cents={
                    ledger.AccountKey(write_off.account): settlement.own_cents,
                    ledger.buyer_receivable(settlement.organization_id): -settlement.own_cents,
                },
            )
            for settlement in settlements
        ]
    )
    CollectionDecision.objects.bulk_create(
        CollectionDecision(
            settlement=settlement,
            kind=CollectionDecision.Kind.WRITTEN_OFF,
            by=write_off.by,
            reason=write_off.reason,
            detail=f"To {write_off.account.label}",
            decided_at=now,
        )
        for settlement in settlements
    )
    release_holds(references=[hold_reference(settlement) for settlement in settlements])
    append_events(_news(settlement, "settlement.written_off") for settlement in settlements)


def _news(settlement: Settlement, kind: str) -> Happening:
    return Happening(
        organization_id=settlement.organization_id,
        kind=kind,
        data={
            "settlement": settlement.pk,
            "window": settlement.window_id,
            "amount_cents": settlement.amount_cents,
            "message": "",
        },
    )
