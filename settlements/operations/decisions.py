"""What finance decides about a settlement that is not paid: more time, another try, default. Each is on record.

``version`` is what the page showed (``version_of``): when the settlement has moved on since, nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.stream import append_event
from settlements.dunning import StepKind, last_call_at
from settlements.models import CollectionDecision, Dunning, DunningStep, Notice, Settlement
from settlements.operations.charging import (
    begin_attempt,
    call_and_record,
    default_card,
    give_up_waiting_attempt,
)
from settlements.operations.defaults import write_default
from settlements.operations.dunning import card_may_be_asked
from settlements.operations.unpaid import write_notices
from settlements.queries.collecting import version_of

Status = Settlement.Status
MOVED = "Moved by finance"


class DecisionRefused(Exception):
    """Nothing was done; the text says why, for people. ``field`` names what was wrong on the form, if anything was."""

    def __init__(self, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides about which settlement, seen in which version, and why."""

    settlement_id: int
    version: str
    by: User
    reason: str


def extend_deadline(decision: Decision, *, deadline_at: datetime, now: datetime) -> Dunning:
    """Give the buyer until ``deadline_at``, later than now and than before, and never after delivery starts.

    Raise DecisionRefused.
    """
    with transaction.atomic(durable=True):
        settlement = _lock(decision)
        dunning = _open_dunning(settlement)
        if deadline_at <= now:
            raise DecisionRefused("This is in the past. Choose a later time.", field="deadline")
        if deadline_at <= dunning.deadline_at:
            raise DecisionRefused(
                f"The deadline is {_words(dunning.deadline_at)} already. Choose a later time.",
                field="deadline",
            )
        if deadline_at > dunning.delivery_at:
            raise DecisionRefused(
                f"Delivery starts {_words(dunning.delivery_at)}, and nobody uses what is unpaid. "
                "The deadline cannot be later.",
                field="deadline",
            )
        before = dunning.deadline_at
        _move_deadline(dunning, deadline_at, now=now)
        _record(
            decision,
            CollectionDecision.Kind.EXTENDED,
            now=now,
            detail=f"From {_words(before)} to {_words(deadline_at)}",
        )
        write_notices([(settlement, Notice.Kind.EXTENDED)])
        append_event(
            organization_id=settlement.organization_id,
            kind="settlement.extended",
            data={"settlement": settlement.pk, "pay_by": deadline_at.isoformat()},
        )
        return dunning


def retry_now(decision: Decision, *, now: datetime) -> Settlement.Status:
    """Ask the default card again at once; return the settlement's state afterwards.

    Raise DecisionRefused, OutcomeUnknown.
    """
    with transaction.atomic(durable=True):
        settlement = _lock(decision)
        if settlement.status not in (Status.DUE, Status.DECLINED):
            raise DecisionRefused(
                f"Only a declined or due settlement can be tried again. This one is {_state(settlement)}."
            )
        card = default_card(settlement.organization_id)
        if card is None:
            raise DecisionRefused("The buyer has no card on file.")
        if not card_may_be_asked(settlement, card):
            raise DecisionRefused(
                f"{card} was declined for good. The card networks forbid asking it again; the buyer must pay "
                "with another."
            )
        _record(decision, CollectionDecision.Kind.RETRIED, now=now, detail=str(card))
        attempt = begin_attempt(settlement, card, on_session=False)
    call_and_record(attempt)
    return Status(Settlement.objects.values_list("status", flat=True).get(pk=settlement.pk))


def call_default(decision: Decision, *, now: datetime) -> None:
    """Have a settlement default before its deadline. Raise DecisionRefused, OutcomeUnknown."""
    with transaction.atomic(durable=True):
        settlement = _lock(decision)
        _require_collectable(settlement)
    give_up_waiting_attempt(settlement.organization_id, settlement.pk)
    with transaction.atomic(durable=True):
        settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement.pk)
        _require_collectable(settlement)
        _record(decision, CollectionDecision.Kind.DEFAULTED, now=now)
        write_default(settlement, now=now, by=decision.by, reason=decision.reason)


def _lock(decision: Decision) -> Settlement:
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=decision.settlement_id)
    if version_of(settlement) != decision.version:
        raise DecisionRefused(
            f"This settlement has changed since you opened the page: it is {_state(settlement)} now. "
            "Nothing was done. Look at it again and decide."
        )
    return settlement


def _require_collectable(settlement: Settlement) -> None:
    if settlement.status not in Settlement.COLLECTABLE:
        raise DecisionRefused(f"This settlement is {_state(settlement)}, so it cannot default.")


def _open_dunning(settlement: Settlement) -> Dunning:
    dunning = Dunning.objects.select_for_update(no_key=True).filter(pk=settlement.pk, closed_at=None).first()
    if dunning is None:
        raise DecisionRefused(f"This settlement has no deadline: it is {_state(settlement)}.")
    return dunning


def _move_deadline(dunning: Dunning, deadline_at: datetime, *, now: datetime) -> None:
    """Put the deadline, and the last reminder before it, at their new times."""
    dunning.deadline_at = deadline_at
    dunning.save(update_fields=["deadline_at"])
    dunning.steps.filter(kind=StepKind.DEADLINE, taken_at=None).update(taken_at=now, result=MOVED)
    steps = [DunningStep(dunning=dunning, kind=StepKind.DEADLINE, due_at=deadline_at)]
    last_call = last_call_at(policy_name=dunning.policy, deadline_at=deadline_at)
    if last_call > now:
        steps.append(DunningStep(dunning=dunning, kind=StepKind.REMINDER, due_at=last_call))
    DunningStep.objects.bulk_create(steps, ignore_conflicts=True)


def _record(
    decision: Decision, kind: CollectionDecision.Kind, *, now: datetime, detail: str = ""
) -> CollectionDecision:
    return CollectionDecision.objects.create(
        settlement_id=decision.settlement_id,
        kind=kind,
        by=decision.by,
        reason=decision.reason,
        detail=detail,
        decided_at=now,
    )


def _words(instant: datetime) -> str:
    return f"{instant:%-d %b %Y %H:%M} UTC"


def _state(settlement: Settlement) -> str:
    return str(settlement.get_status_display()).lower()
