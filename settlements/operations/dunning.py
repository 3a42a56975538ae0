"""Take the steps of an unpaid settlement when they are due: try the card again, remind the buyer, at last default.

A step is taken once: its row is marked in the transaction that acts on it. A worker that dies before leaves it to the
sweep; one that dies after it has begun an attempt leaves the attempt to be looked up.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.stream import append_event
from settlements.declines import may_retry
from settlements.models import ChargeAttempt, DunningStep, Notice, PaymentMethod, Settlement
from settlements.operations.charging import (
    begin_attempt,
    call_and_record,
    default_card,
    give_up_waiting_attempt,
)
from settlements.operations.defaults import write_default
from settlements.operations.unpaid import NOT_NEEDED, write_notices

Kind = DunningStep.Kind
Status = Settlement.Status
OVERTAKEN = "Overtaken by the next try"
"""After a standstill a card is asked once, and not once for every try that was due meanwhile."""
NOT_PAID_IN_TIME = "The deadline passed without a payment."


def take_step(*, step_id: int, now: datetime) -> bool:
    """Take a step that is due, once; return whether it was taken now.

    Raise OutcomeUnknown when Stripe's answer was lost: a retry's attempt is then looked up by the sweep, and a deadline
    comes again.
    """
    step = DunningStep.objects.get(pk=step_id)
    if step.taken_at is not None or now < step.due_at:
        return False
    match step.kind:
        case Kind.RETRY:
            return _retry(step_id, now)
        case Kind.REMINDER:
            return _remind(step_id, now)
        case _:
            return _end(step, now)


def card_may_be_asked(settlement: Settlement, card: PaymentMethod) -> bool:
    """Say whether a card may be asked again by itself: not once it was declined for good for this settlement."""
    declined = settlement.attempts.filter(payment_method=card, outcome=ChargeAttempt.Outcome.DECLINED)
    return all(may_retry(code) for code in declined.values_list("decline_code", flat=True))


def _retry(step_id: int, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        step, settlement = _lock(step_id)
        if step.taken_at is not None:
            return False
        if settlement.status == Status.CHARGING:
            return False
        if settlement.status not in (Status.DUE, Status.DECLINED):
            return _take(step, now, NOT_NEEDED)
        if step.dunning.steps.filter(
            kind=Kind.RETRY, taken_at=None, due_at__gt=step.due_at, due_at__lte=now
        ).exists():
            return _take(step, now, OVERTAKEN)
        card = default_card(settlement.organization_id)
        if card is None or not card_may_be_asked(settlement, card):
            _send_reminder(settlement)
            return _take(step, now, "No card that may be asked again: reminded instead")
        attempt = begin_attempt(settlement, card, on_session=False)
        _take(step, now, f"Tried {card}")
    call_and_record(attempt)
    return True


def _remind(step_id: int, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        step, settlement = _lock(step_id)
        if step.taken_at is not None:
            return False
        if settlement.status not in Settlement.COLLECTABLE:
            return _take(step, now, NOT_NEEDED)
        _send_reminder(settlement)
        return _take(step, now, "Reminded")


def _end(step: DunningStep, now: datetime) -> bool:
    """Give up a payment that waits for the buyer, then default. One whose outcome is not known is waited for."""
    organization_id = Settlement.objects.values_list("organization_id", flat=True).get(pk=step.dunning_id)
    give_up_waiting_attempt(organization_id, step.dunning_id)
    with transaction.atomic(durable=True):
        step, settlement = _lock(step.pk)
        if step.taken_at is not None or settlement.status not in Settlement.COLLECTABLE:
            return False
        _take(step, now, "Defaulted")
        write_default(settlement, now=now, by=None, reason=NOT_PAID_IN_TIME)
        return True


def _lock(step_id: int) -> tuple[DunningStep, Settlement]:
    """Return a step and its settlement, both locked, the settlement first."""
    settlement_id = DunningStep.objects.values_list("dunning_id", flat=True).get(pk=step_id)
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    step = DunningStep.objects.select_for_update(no_key=True).get(pk=step_id)
    step.dunning.settlement = settlement
    return step, settlement


def _take(step: DunningStep, now: datetime, result: str) -> bool:
    step.taken_at = now
    step.result = result
    step.save(update_fields=["taken_at", "result"])
    return True


def _send_reminder(settlement: Settlement) -> None:
    write_notices([(settlement, Notice.Kind.REMINDER)])
    append_event(
        organization_id=settlement.organization_id,
        kind="settlement.reminder",
        data={
            "settlement": settlement.pk,
            "window": settlement.window_id,
            "amount_cents": settlement.amount_cents,
            "pay_by": settlement.dunning.deadline_at.isoformat(),
        },
    )
