"""The queue of mismatches: each opens once, and ends when both sides tie or somebody says why."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from accounts.models import User
from marketplace.db import database_now
from settlements.models import Mismatch
from settlements.operations.reconciliation import (
    MismatchClosed,
    accept_mismatch,
    assign_mismatch,
    how_far_to_look,
    import_movements,
    look_for_mismatches,
)
from settlements.sweeps import sweep_reconciliation
from tests.factories import WindowFactory
from tests.integration.settlements.reconciliation_steps import (
    charge_of,
    found,
    later,
    movement,
    overrule,
    paid,
)
from tests.integration.settlements.steps import mark_cleared, settlement_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Kind = Mismatch.Kind


class TestTheQueue:
    def test_opens_once_and_ends_by_itself_when_both_sides_tie(self) -> None:
        settlement = paid()
        assert len(found()) == 1
        assert len(found()) == 1
        assert Mismatch.objects.count() == 1

        import_movements(now=database_now())

        assert found() == set()
        assert Mismatch.objects.get().status == Mismatch.Status.TIED
        assert charge_of(settlement)

    def test_stays_away_once_accepted_until_it_differs_otherwise(self, person: User) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_679, fee=320)
        found()
        mismatch = Mismatch.objects.get()

        accept_mismatch(
            mismatch_id=mismatch.pk, by=person, reason="A cent, booked by hand.", now=database_now()
        )

        assert found() == set()
        movement(source=charge_of(settlement), net=-5)
        assert found() == {(Kind.NET_DIFFERS, charge_of(settlement))}

    def test_refuses_what_comes_after_its_end(self, person: User) -> None:
        paid()
        found()
        mismatch = Mismatch.objects.get()
        accept_mismatch(mismatch_id=mismatch.pk, by=person, reason="Seen to.", now=database_now())

        with pytest.raises(MismatchClosed):
            accept_mismatch(mismatch_id=mismatch.pk, by=person, reason="Again.", now=database_now())
        with pytest.raises(MismatchClosed):
            assign_mismatch(mismatch_id=mismatch.pk, owner=person)

    def test_the_database_wants_a_reason_and_a_person(self) -> None:
        paid()
        found()
        with pytest.raises(IntegrityError, match="mismatch_accepted_by_somebody_for_a_reason"):
            Mismatch.objects.update(status=Mismatch.Status.ACCEPTED)

    def test_looks_over_all_of_it_once_an_hour_and_over_what_is_fresh_each_minute(self) -> None:
        settlement_of(1000)
        overrule(
            "UPDATE settlements_settlement SET status = 'paid', paid_at = now(), created_at = now() - interval '9 days'"
        )
        now = database_now()
        assert look_for_mismatches(now=now, back=how_far_to_look(now=now)) == 1

        settlement_of(2000)
        overrule(
            "UPDATE settlements_settlement SET status = 'paid', paid_at = now(), created_at = now() - interval '9 days'"
        )
        soon, in_an_hour = now + timedelta(minutes=9), now + timedelta(minutes=61)
        assert look_for_mismatches(now=soon, back=how_far_to_look(now=soon)) == 1
        assert look_for_mismatches(now=in_an_hour, back=how_far_to_look(now=in_an_hour)) == 2

    def test_a_stripe_that_does_not_answer_keeps_nothing_else_from_being_found(self, settings) -> None:
        window = mark_cleared(WindowFactory())
        settings.STRIPE_SANDBOX_URL = "http://127.0.0.1:9"

        assert sweep_reconciliation(now=later()) == 1
        assert Mismatch.objects.get().subject == f"window:{window.pk}"
