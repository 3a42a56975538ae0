"""Write a delivered line's transfers: what it comes to, from where, and whether two people must agree.

Private helpers: each assumes a transaction that holds the settlement's lock, then the line's, then the transfers'.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F, Sum

from accounts.models import DeskEvent
from accounts.stream import append_desk_event
from settlements.jobs import defer_transfers
from settlements.models import Account, AccountBalance, ChargeAttempt, Delivery, Settlement, Transfer
from settlements.models.transfers import STRIPE_MAX_CENTS

Status = Transfer.Status


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a share: cents, and the card payment it draws on (empty: the available balance)."""

    cents: int
    source_charge_id: str


def write_transfers(delivery: Delivery) -> list[Transfer]:
    """Write the transfers of a line just delivered; below the threshold they are sent as soon as this commits.

    The part that the card paid draws on its charge, what was prepaid (or carried) comes out of the balance.
    """
    share_cents = delivery.line.share_cents
    needs_second = share_cents >= settings.TRANSFER_FOUR_EYES_CENTS
    transfers = Transfer.objects.bulk_create(
        Transfer(
            delivery=delivery,
            number=number,
            seller_id=delivery.seller_id,
            amount_cents=part.cents,
            source_charge_id=part.source_charge_id,
            needs_second=needs_second,
            status=Status.PENDING_APPROVAL if needs_second else Status.APPROVED,
            idempotency_key=uuid.uuid4(),
        )
        for number, part in enumerate(_parts_of(delivery.line.settlement, share_cents), start=1)
    )
    if not needs_second:
        defer_transfers([transfer.pk for transfer in transfers])
    for transfer in transfers if needs_second else []:
        ask_for_approval(transfer)
    return transfers


def ask_for_approval(transfer: Transfer) -> None:
    """Tell finance that a transfer waits for two people."""
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="transfer.pending_approval",
        data={
            "transfer": transfer.pk,
            "delivery": transfer.delivery_id,
            "organization": transfer.seller_id,
            "amount_cents": transfer.amount_cents,
        },
    )


def card_left_cents(settlement: Settlement) -> int:
    """Return what of the settlement's card payment is neither refunded nor in a transfer, cents."""
    drawn = Transfer.objects.filter(delivery__line__settlement=settlement).exclude(source_charge_id="")
    live = drawn.exclude(status=Status.CANCELLED)
    transferred = live.aggregate(cents=Sum(F("amount_cents") - F("reversed_cents"), default=0))["cents"]
    refunded = settlement.refunded_cents - settlement.refunded_prepaid_cents
    return settlement.own_cents - refunded - int(transferred)


def owed_cents(transfer: Transfer) -> int:
    """Return what of its line's share has not left yet, cents: the most that this transfer may move."""
    line = transfer.delivery.line
    left = Transfer.objects.filter(delivery=transfer.delivery_id, status__in=Transfer.LEFT)
    gone = left.exclude(pk=transfer.pk).aggregate(
        cents=Sum(F("amount_cents") - F("reversed_cents"), default=0)
    )
    return line.share_cents - int(gone["cents"])


def payable_cents(seller_id: int) -> int:
    """Return what a seller is owed and nothing is being sent for, cents; locks the balance it is read from."""
    balance = AccountBalance.objects.select_for_update(no_key=True, of=("self",)).filter(
        account__kind=Account.Kind.SELLER_PAYABLE, account__organization_id=seller_id
    )
    owed = -sum(balance.values_list("balance_cents", flat=True))
    sending = Transfer.objects.filter(seller_id=seller_id, status=Status.SENDING)
    return owed - int(sending.aggregate(cents=Sum("amount_cents", default=0))["cents"])


def _parts_of(settlement: Settlement, share_cents: int) -> list[Part]:
    if share_cents <= 0:
        return []
    charge_id = _charge_of(settlement)
    card_cents = 0
    if charge_id:
        pro_rata = share_cents * settlement.own_cents // settlement.amount_cents
        card_cents = max(min(pro_rata, card_left_cents(settlement)), 0)
    whole = [Part(card_cents, charge_id), Part(share_cents - card_cents, "")]
    return [
        Part(cents, part.source_charge_id) for part in whole for cents in _within_stripes_maximum(part.cents)
    ]


def _charge_of(settlement: Settlement) -> str:
    paid = settlement.attempts.filter(outcome=ChargeAttempt.Outcome.SUCCEEDED)
    return paid.values_list("stripe_charge_id", flat=True).first() or ""


def _within_stripes_maximum(cents: int) -> list[int]:
    full, rest = divmod(cents, STRIPE_MAX_CENTS)
    return [STRIPE_MAX_CENTS] * full + ([rest] if rest else [])
