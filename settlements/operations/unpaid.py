"""Open and close the dunning of a settlement, and write its e-mails. Each function assumes a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min

from settlements.dunning import StepKind, plan_dunning
from settlements.jobs import defer_notices
from settlements.models import Dunning, DunningStep, Notice, Settlement, SettlementLine

NOT_NEEDED = "Not needed any more"

NOTICE_OF = {
    Dunning.Reason.NO_CARD: Notice.Kind.NO_CARD,
    Dunning.Reason.DECLINED: Notice.Kind.DECLINED,
    Dunning.Reason.AUTHENTICATION: Notice.Kind.AUTHENTICATION,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a settlement is not paid, whether asking the same card again may help, and whether to write an e-mail."""

    settlement: Settlement
    reason: Dunning.Reason
    may_retry: bool = False
    by_mail: bool = True


def open_dunnings(failures: Sequence[Failure], *, now: datetime) -> None:
    """Open the dunning of settlements that have none, with all its steps and the first e-mail."""
    if not failures:
        return
    deliveries = _first_deliveries([failure.settlement.pk for failure in failures])
    dunnings, steps = [], []
    for failure in failures:
        delivery_at = deliveries[failure.settlement.pk]
        plan = plan_dunning(opened_at=now, delivery_at=delivery_at, may_retry=failure.may_retry)
        dunning = Dunning(
            settlement=failure.settlement,
            reason=failure.reason,
            policy=plan.policy.name,
            opened_at=now,
            delivery_at=delivery_at,
            deadline_at=plan.deadline_at,
        )
        dunnings.append(dunning)
        steps += [DunningStep(dunning=dunning, kind=step.kind, due_at=step.due_at) for step in plan.steps]
    Dunning.objects.bulk_create(dunnings, batch_size=1000)
    DunningStep.objects.bulk_create(steps, batch_size=2000)
    write_notices((failure.settlement, NOTICE_OF[failure.reason]) for failure in failures if failure.by_mail)


def note_failure(failure: Failure, *, now: datetime) -> None:
    """Take a failed payment into the settlement's dunning, opening it with the first; its deadline never moves."""
    dunning = Dunning.objects.select_for_update(no_key=True).filter(pk=failure.settlement.pk).first()
    if dunning is None:
        open_dunnings([failure], now=now)
        return
    if failure.may_retry and not dunning.steps.filter(kind=StepKind.RETRY).exists():
        _add_retries(dunning, now=now)
    dunning.reason = failure.reason
    dunning.save(update_fields=["reason"])
    if failure.by_mail:
        write_notices([(failure.settlement, NOTICE_OF[failure.reason])])


def close_dunning(settlement: Settlement, *, now: datetime) -> None:
    """End a settlement's dunning, if it has one: what was ahead is not needed any more."""
    if Dunning.objects.filter(pk=settlement.pk, closed_at=None).update(closed_at=now):
        ahead = DunningStep.objects.filter(dunning_id=settlement.pk, taken_at=None)
        ahead.update(taken_at=now, result=NOT_NEEDED)


def write_notices(notices: Iterable[tuple[Settlement, Notice.Kind]]) -> None:
    """Write e-mails to the buyers of settlements; jobs send them once this transaction commits."""
    rows = Notice.objects.bulk_create(
        (Notice(settlement=settlement, kind=kind) for settlement, kind in notices), batch_size=2000
    )
    defer_notices([notice.pk for notice in rows])


def _add_retries(dunning: Dunning, *, now: datetime) -> None:
    plan = plan_dunning(opened_at=now, delivery_at=dunning.delivery_at, may_retry=True)
    DunningStep.objects.bulk_create(
        (
            DunningStep(dunning=dunning, kind=step.kind, due_at=step.due_at)
            for step in plan.steps
            if step.kind == StepKind.RETRY and step.due_at < dunning.deadline_at
        ),
        ignore_conflicts=True,
    )


def _first_deliveries(settlement_ids: Sequence[int]) -> dict[int, datetime]:
    rows = SettlementLine.objects.filter(settlement__in=settlement_ids).values_list("settlement_id")
    return dict(rows.annotate(Min("starts_at")))
