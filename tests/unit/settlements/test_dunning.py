"""The schedule of dunning as laws: in order, never after delivery starts, the deadline last."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from settlements.declines import may_retry
from settlements.dunning import (
    SHORT_NOTICE,
    STANDARD,
    StepKind,
    last_call_at,
    limit_after_default,
    plan_dunning,
)

OPENED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
seconds_to_delivery = st.integers(min_value=-86_400, max_value=40 * 86_400)


@given(seconds=seconds_to_delivery, retries=st.booleans())
def test_every_plan_keeps_the_law(seconds: int, retries: bool) -> None:
    delivery_at = OPENED_AT + timedelta(seconds=seconds)

    plan = plan_dunning(opened_at=OPENED_AT, delivery_at=delivery_at, may_retry=retries)

    times = [step.due_at for step in plan.steps]
    assert times == sorted(times)
    assert plan.steps[-1].kind == StepKind.DEADLINE
    assert plan.steps[-1].due_at == plan.deadline_at
    assert plan.deadline_at == OPENED_AT or plan.deadline_at <= delivery_at
    assert all(OPENED_AT < at < plan.deadline_at for at in times[:-1])
    assert [step.kind for step in plan.steps].count(StepKind.DEADLINE) == 1
    if not retries:
        assert StepKind.RETRY not in {step.kind for step in plan.steps}


def test_the_standard_schedule_to_the_hour() -> None:
    plan = plan_dunning(opened_at=OPENED_AT, delivery_at=OPENED_AT + timedelta(days=30), may_retry=True)

    hours = [(step.kind.value, (step.due_at - OPENED_AT) // timedelta(hours=1)) for step in plan.steps]
    assert plan.policy is STANDARD
    assert hours == [("retry", 4), ("retry", 24), ("retry", 48), ("reminder", 60), ("deadline", 72)]


def test_short_notice_below_eighteen_hours() -> None:
    plan = plan_dunning(opened_at=OPENED_AT, delivery_at=OPENED_AT + timedelta(hours=17), may_retry=True)

    assert plan.policy is SHORT_NOTICE
    assert last_call_at(policy_name="short_notice", deadline_at=plan.deadline_at) == (
        plan.deadline_at - timedelta(minutes=30)
    )


def test_what_starts_already_has_its_deadline_now() -> None:
    plan = plan_dunning(opened_at=OPENED_AT, delivery_at=OPENED_AT - timedelta(hours=1), may_retry=True)

    assert [step.kind for step in plan.steps] == [StepKind.DEADLINE]
    assert plan.deadline_at == OPENED_AT


@given(limit=st.integers(min_value=0, max_value=10**12), n_before=st.integers(min_value=0, max_value=9))
def test_a_default_never_raises_a_limit(limit: int, n_before: int) -> None:
    after = limit_after_default(limit, n_before=n_before)

    assert 0 <= after <= limit
    assert n_before == 0 or after == 0


def test_which_declines_may_be_asked_again() -> None:
    for soft in (
        "insufficient_funds",
        "generic_decline",
        "do_not_honor",
        "processing_error",
        "",
        "of_tomorrow",
    ):
        assert may_retry(soft)
    for final in (
        "lost_card",
        "stolen_card",
        "pickup_card",
        "fraudulent",
        "expired_card",
        "authentication_required",
    ):
        assert not may_retry(final)
