"""What finance decides of transfers: proposing and approving those of much money, rejecting, holding, trying again.

Four eyes are two people: the operation refuses the same one, and so does the database. What a decision was made on is
checked again under lock: a form shown before something changed has no effect.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from django.db import transaction

from accounts.models import User
from accounts.stakes import stake_of
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements.jobs import defer_transfers
from settlements.models import Settlement, Transfer, TransferHold
from settlements.operations.transfer_holds import lift_holds, place_hold
from settlements.operations.transfers import lock_transfer, tell_seller

Status = Transfer.Status


class StaleTransfer(Exception):
    """What was shown is no longer so: look again. The text says so, for people."""


class SecondPersonNeeded(Exception):
    """Whoever proposed a transfer cannot be the one who approves it, and a seller's own member neither."""


class NotOfFinance(Exception):
    """Only finance staff decide on transfers."""


def propose_transfers(*, shown_cents: Mapping[int, int], by: User) -> list[Transfer]:
    """Propose transfers, all or none, as the first of two people. Raise StaleTransfer, NotOfFinance."""
    _require_finance(by)
    with transaction.atomic(durable=True):
        transfers = _lock_as_shown(shown_cents, Status.PENDING_APPROVAL)
        for transfer in transfers:
            _require_no_stake(transfer, by)
            if transfer.proposed_by_id is not None:
                raise StaleTransfer(f"Transfer {transfer.pk} was proposed by {transfer.proposed_by} already.")
            _propose(transfer, by)
        return transfers


def approve_transfers(*, shown_cents: Mapping[int, int], by: User) -> list[Transfer]:
    """Approve proposed transfers, all or none, as the second person; they are sent as soon as this commits.

    ``shown_cents`` are the cents per transfer's id that the approver was shown. Raise SecondPersonNeeded,
    StaleTransfer, NotOfFinance.
    """
    _require_finance(by)
    with transaction.atomic(durable=True):
        transfers = _lock_as_shown(shown_cents, Status.PENDING_APPROVAL)
        for transfer in transfers:
            _require_no_stake(transfer, by)
            if transfer.proposed_by_id is None:
                raise StaleTransfer(f"Transfer {transfer.pk} is not proposed yet.")
            if transfer.proposed_by_id == by.pk:
                raise SecondPersonNeeded(
                    f"You proposed transfer {transfer.pk}. Another finance person must approve it."
                )
            _move(transfer, Status.APPROVED)
            transfer.approved_by, transfer.approved_at = by, database_now()
            transfer.save()
        defer_transfers([transfer.pk for transfer in transfers])
        return transfers


def reject_transfer(*, transfer_id: int, reason: str, by: User) -> Transfer:
    """Keep a transfer from being sent, with a reason; what it was for stays owed. Raise StaleTransfer, NotOfFinance."""
    _require_finance(by)
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        _require_state(transfer, Status.PENDING_APPROVAL)
        _move(transfer, Status.REJECTED)
        transfer.rejected_by, transfer.rejected_at, transfer.reason = by, database_now(), reason
        transfer.proposed_by = transfer.proposed_at = None
        transfer.save()
        tell_seller(transfer, "transfer.rejected")
        return transfer


def reopen_transfer(*, transfer_id: int, by: User) -> Transfer:
    """Propose a rejected transfer again, as the first of two people. Raise StaleTransfer, NotOfFinance."""
    _require_finance(by)
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        _require_state(transfer, Status.REJECTED)
        _require_no_stake(transfer, by)
        _move(transfer, Status.PENDING_APPROVAL)
        transfer.rejected_by = transfer.rejected_at = None
        transfer.reason = ""
        _propose(transfer, by)
        return transfer


def retry_transfer(*, transfer_id: int, by: User) -> Transfer:
    """Have a failed transfer tried again, with a new key: Stripe certainly did not make it. Raise StaleTransfer."""
    _require_finance(by)
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        _require_state(transfer, Status.FAILED)
        _move(transfer, Status.APPROVED)
        transfer.idempotency_key = uuid.uuid4()
        transfer.next_try_at = None
        transfer.save()
        defer_transfers([transfer.pk])
        return transfer


def hold_transfer(*, transfer_id: int, reason: str, by: User) -> None:
    """Hold back what was not sent yet of a transfer's delivery, until somebody lifts it. Raise NotOfFinance."""
    _require_finance(by)
    with transaction.atomic(durable=True):
        transfer = lock_transfer(transfer_id)
        if transfer.status not in Transfer.UNSENT:
            raise StaleTransfer(f"Transfer {transfer.pk} is {transfer.get_status_display().lower()} by now.")
        place_hold([transfer.delivery], reference=f"finance:{transfer.pk}", reason=reason, by=by)
        tell_seller(transfer, "transfer.held")


def lift_hold(*, hold_id: int, by: User) -> None:
    """Lift a hold that finance placed. Raise StaleTransfer when it is lifted, or is not finance's to lift."""
    _require_finance(by)
    with transaction.atomic(durable=True):
        hold = TransferHold.objects.select_for_update(no_key=True).get(pk=hold_id)
        if hold.lifted_at is not None:
            raise StaleTransfer("This hold was lifted already.")
        if not hold.reference.startswith("finance:"):
            raise StaleTransfer("This hold ends with what it is about, and not before.")
        lift_holds(reference=hold.reference, by=by)


def _propose(transfer: Transfer, by: User) -> None:
    transfer.proposed_by, transfer.proposed_at = by, database_now()
    transfer.save()


def _lock_as_shown(shown_cents: Mapping[int, int], status: Transfer.Status) -> list[Transfer]:
    """Lock transfers, settlements first and in order, and require that each is still what was shown."""
    ids = sorted(shown_cents)
    _lock_settlements(ids)
    transfers = [lock_transfer(transfer_id) for transfer_id in ids]
    for transfer in transfers:
        _require_state(transfer, status)
        if transfer.amount_cents != shown_cents[transfer.pk]:
            raise StaleTransfer(f"The amount of transfer {transfer.pk} changed. Look at it again.")
    return transfers


def _lock_settlements(transfer_ids: Sequence[int]) -> None:
    of_these = Settlement.objects.filter(lines__delivery__transfers__in=transfer_ids).values("pk")
    list(Settlement.objects.filter(pk__in=of_these).select_for_update(no_key=True).order_by("pk"))


def _require_state(transfer: Transfer, status: Transfer.Status) -> None:
    if transfer.status != status:
        raise StaleTransfer(
            f"Transfer {transfer.pk} is {transfer.get_status_display().lower()} by now. Nothing was changed."
        )


def _require_no_stake(transfer: Transfer, by: User) -> None:
    if stake := stake_of(by, transfer.seller_id):
        raise SecondPersonNeeded(stake)


def _require_finance(by: User) -> None:
    if not (by.is_finance and by.is_active):
        raise NotOfFinance("Only finance staff decide on transfers.")


def _move(transfer: Transfer, target: Transfer.Status) -> None:
    require_transition(Transfer.TRANSITIONS, transfer.status, target)
    transfer.status = target
