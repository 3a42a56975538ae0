"""When an unpaid settlement is tried again, its buyer reminded, and its deadline. Pure: instants in, instants out.

Which retries pay off and which are forbidden: https://docs.stripe.com/declines/codes and card networks' rules against
asking again for a card that is lost, stolen or closed (settlements/declines.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class StepKind(StrEnum):
    """What is done at a step's time."""

    RETRY = "retry"
    REMINDER = "reminder"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class DunningPolicy:
    """A schedule under a name. ``retry_after`` counts from the first failure; ``last_call`` before the deadline."""

    name: str
    retry_after: tuple[timedelta, ...]
    deadline_after: timedelta
    last_call: timedelta


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What is done, and when."""

    kind: StepKind
    due_at: datetime


@dataclass(frozen=True, slots=True)
class DunningPlan:
    """A policy laid out for one settlement: its steps in order of time, the deadline last."""

    policy: DunningPolicy
    deadline_at: datetime
    steps: tuple[PlannedStep, ...]


STANDARD = DunningPolicy(
    name="standard",
    retry_after=(timedelta(hours=4), timedelta(days=1), timedelta(days=2)),
    deadline_after=timedelta(days=3),
    last_call=timedelta(hours=12),
)
SHORT_NOTICE = DunningPolicy(
    name="short_notice",
    retry_after=(timedelta(minutes=10), timedelta(hours=1), timedelta(hours=3)),
    deadline_after=timedelta(days=3),
    last_call=timedelta(minutes=30),
)
SHORT_NOTICE_BELOW = timedelta(hours=18)
"""With less than this until delivery starts, the standard schedule would hardly begin."""


def policy_for(*, opened_at: datetime, delivery_at: datetime) -> DunningPolicy:
    """Return the policy for what fails at ``opened_at`` and is delivered from ``delivery_at`` on."""
    return SHORT_NOTICE if delivery_at - opened_at < SHORT_NOTICE_BELOW else STANDARD


def plan_dunning(*, opened_at: datetime, delivery_at: datetime, may_retry: bool) -> DunningPlan:
    """Lay the schedule out. Nobody uses what is unpaid: the deadline is never after delivery starts.

    Where a retry is of no use (a lost card, a bank that wants the buyer, no card) the buyer is reminded instead.
    Steps that would come at or after the deadline are left out. Once delivery has begun the deadline is now.
    """
    policy = policy_for(opened_at=opened_at, delivery_at=delivery_at)
    deadline_at = max(opened_at, min(opened_at + policy.deadline_after, delivery_at))
    kind = StepKind.RETRY if may_retry else StepKind.REMINDER
    middle = [PlannedStep(kind, opened_at + after) for after in policy.retry_after]
    return DunningPlan(policy, deadline_at, _in_order(middle, policy, opened_at, deadline_at))


def last_call_at(*, policy_name: str, deadline_at: datetime) -> datetime:
    """Return when a buyer under this policy is reminded for the last time."""
    policy = next(policy for policy in (STANDARD, SHORT_NOTICE) if policy.name == policy_name)
    return deadline_at - policy.last_call


def _in_order(
    middle: Sequence[PlannedStep], policy: DunningPolicy, opened_at: datetime, deadline_at: datetime
) -> tuple[PlannedStep, ...]:
    last_call = PlannedStep(StepKind.REMINDER, deadline_at - policy.last_call)
    timely = [step for step in (*middle, last_call) if opened_at < step.due_at < deadline_at]
    timely.sort(key=lambda step: step.due_at)
    return (*timely, PlannedStep(StepKind.DEADLINE, deadline_at))


def limit_after_default(limit_cents: int, *, n_before: int) -> int:
    """Return an organization's limit after a default, cents: half after its first, nothing after any other."""
    return limit_cents // 2 if n_before == 0 else 0
