"""Four eyes are four: proposed by one of finance, approved by another, refused to anybody else and by the database."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import User
from settlements.jobs import SEND_TRANSFER
from settlements.models import Transfer
from settlements.operations.transfer_decisions import (
    NotOfFinance,
    SecondPersonNeeded,
    StaleTransfer,
    approve_transfers,
    hold_transfer,
    lift_hold,
    propose_transfers,
    reject_transfer,
    reopen_transfer,
    retry_transfer,
)
from settlements.operations.transfer_holds import place_hold
from tests.factories import MembershipFactory, UserFactory
from tests.integration.settlements.payout_steps import deliver, paid_settlement
from tests.integration.settlements.steps import jobs_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


@pytest.fixture
def waiting(settings: Settings) -> Transfer:
    """A transfer of $95.00, from which on two people must agree."""
    settings.TRANSFER_FOUR_EYES_CENTS = 9_500
    return deliver(paid_settlement(10_000)).transfers.get()


@pytest.fixture
def ada() -> User:
    return UserFactory(is_finance=True)


@pytest.fixture
def ben() -> User:
    return UserFactory(is_finance=True)


def shown(*transfers: Transfer) -> dict[int, int]:
    return {transfer.pk: transfer.amount_cents for transfer in transfers}


def test_two_people_and_it_is_sent(waiting: Transfer, ada: User, ben: User) -> None:
    propose_transfers(shown_cents=shown(waiting), by=ada)
    approve_transfers(shown_cents=shown(waiting), by=ben)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.proposed_by, waiting.approved_by) == (Status.APPROVED, ada, ben)
    assert (SEND_TRANSFER, waiting.pk) in jobs_waiting()


def test_the_same_person_is_refused(waiting: Transfer, ada: User) -> None:
    propose_transfers(shown_cents=shown(waiting), by=ada)

    with pytest.raises(SecondPersonNeeded):
        approve_transfers(shown_cents=shown(waiting), by=ada)

    waiting.refresh_from_db()
    assert waiting.status == Status.PENDING_APPROVAL


def test_nobody_decides_for_a_seller_of_their_own(waiting: Transfer, ada: User, ben: User) -> None:
    MembershipFactory(user=ben, organization=waiting.seller)

    with pytest.raises(SecondPersonNeeded, match="You are a member"):
        propose_transfers(shown_cents=shown(waiting), by=ben)
    propose_transfers(shown_cents=shown(waiting), by=ada)
    with pytest.raises(SecondPersonNeeded, match="You are a member"):
        approve_transfers(shown_cents=shown(waiting), by=ben)


def test_the_database_refuses_the_same_person(waiting: Transfer, ada: User) -> None:
    with pytest.raises(IntegrityError, match="transfer_four_eyes"), transaction.atomic():
        Transfer.objects.update(status=Status.APPROVED, proposed_by=ada, approved_by=ada)


def test_the_database_refuses_none_at_all(waiting: Transfer, ada: User) -> None:
    for people in ({}, {"proposed_by": ada}, {"approved_by": ada}):
        with pytest.raises(IntegrityError, match="transfer_four_eyes"), transaction.atomic():
            Transfer.objects.update(status=Status.APPROVED, **people)


def test_the_database_refuses_who_is_not_of_finance(waiting: Transfer, ada: User) -> None:
    for other in (UserFactory(), UserFactory(is_finance=True, is_active=False)):
        with pytest.raises(IntegrityError, match="is not of finance"), transaction.atomic():
            Transfer.objects.update(status=Status.APPROVED, proposed_by=ada, approved_by=other)


@pytest.mark.parametrize(
    "decide",
    [
        lambda transfer, by: propose_transfers(shown_cents=shown(transfer), by=by),
        lambda transfer, by: approve_transfers(shown_cents=shown(transfer), by=by),
        lambda transfer, by: reject_transfer(transfer_id=transfer.pk, reason="No.", by=by),
        lambda transfer, by: reopen_transfer(transfer_id=transfer.pk, by=by),
        lambda transfer, by: retry_transfer(transfer_id=transfer.pk, by=by),
        lambda transfer, by: hold_transfer(transfer_id=transfer.pk, reason="No.", by=by),
    ],
)
def test_nobody_else_decides(waiting: Transfer, decide: Callable[[Transfer, User], object]) -> None:
    with pytest.raises(NotOfFinance):
        decide(waiting, UserFactory())


def test_nothing_unproposed_is_approved(waiting: Transfer, ada: User) -> None:
    with pytest.raises(StaleTransfer, match="not proposed yet"):
        approve_transfers(shown_cents=shown(waiting), by=ada)


def test_an_outdated_amount_is_refused(waiting: Transfer, ada: User, ben: User) -> None:
    propose_transfers(shown_cents=shown(waiting), by=ada)
    outdated = shown(waiting)
    Transfer.objects.update(amount_cents=9_000)

    with pytest.raises(StaleTransfer, match="changed"):
        approve_transfers(shown_cents=outdated, by=ben)


def test_many_are_approved_together_or_not_at_all(
    waiting: Transfer, ada: User, ben: User, settings: Settings
) -> None:
    other = deliver(paid_settlement(20_000)).transfers.get()
    propose_transfers(shown_cents=shown(waiting, other), by=ada)
    reject_transfer(transfer_id=other.pk, reason="Wrong seller?", by=ben)

    with pytest.raises(StaleTransfer, match="rejected by now"):
        approve_transfers(shown_cents=shown(waiting, other), by=ben)

    waiting.refresh_from_db()
    assert waiting.status == Status.PENDING_APPROVAL


def test_a_rejected_one_starts_over_with_two_people(waiting: Transfer, ada: User, ben: User) -> None:
    propose_transfers(shown_cents=shown(waiting), by=ada)
    reject_transfer(transfer_id=waiting.pk, reason="The hours look wrong.", by=ben)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == (Status.REJECTED, "The hours look wrong.")

    reopen_transfer(transfer_id=waiting.pk, by=ben)

    with pytest.raises(SecondPersonNeeded):
        approve_transfers(shown_cents=shown(waiting), by=ben)
    approve_transfers(shown_cents=shown(waiting), by=ada)


def test_only_a_failed_one_is_tried_again(waiting: Transfer, ada: User) -> None:
    with pytest.raises(StaleTransfer, match="waits for approval by now"):
        retry_transfer(transfer_id=waiting.pk, by=ada)


def test_finance_lifts_its_own_hold_once_and_no_other(waiting: Transfer, ada: User) -> None:
    hold_transfer(transfer_id=waiting.pk, reason="Looking into it.", by=ada)
    with transaction.atomic():
        place_hold([waiting.delivery], reference="outage:1", reason="An outage is open.", by=None)
    own, outage = waiting.delivery.transfer_holds.order_by("id")

    lift_hold(hold_id=own.pk, by=ada)

    with pytest.raises(StaleTransfer, match="lifted already"):
        lift_hold(hold_id=own.pk, by=ada)
    with pytest.raises(StaleTransfer, match="ends with what it is about"):
        lift_hold(hold_id=outage.pk, by=ada)
