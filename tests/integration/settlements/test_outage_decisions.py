"""Deciding outages: refunded in proportion, once, out of what the seller is owed; and what is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import DeskEvent, StreamEvent
from settlements import ledger
from settlements.models import Delivery, DeliveryNotice, Outage, Refund, TransferHold
from settlements.operations.outages import OutageRefused, decide_outage
from settlements.operations.refunds import approve_refund, cancel_refund, effect_of_proposed
from settlements.sweeps import sweep_deliveries
from tests.factories import MembershipFactory, UserFactory
from tests.integration.settlements.deliveries import answer, decide, give, paid_delivery, report, running

pytestmark = pytest.mark.django_db(transaction=True)
Status = Outage.Status
MINUTE = timedelta(minutes=1)


class TestDecideOutage:
    def test_refunds_in_proportion_from_what_is_held_for_the_seller(self) -> None:
        delivery = running(cents=10_000)

        outage = decide(report(delivery, minutes=(0, 30)), 30)

        refund = outage.refund
        assert (outage.status, refund.reason, refund.amount_cents) == (
            Status.UPHELD,
            Refund.Reason.OUTAGE,
            2500,
        )
        assert ledger.balance_cents(ledger.seller_reserve(delivery.seller_id)) == -(9500 - 2375)
        assert ledger.balance_cents(ledger.PLATFORM_FEES) == -(500 - 125)
        assert ledger.balance_cents(ledger.REFUNDS_IN_FLIGHT) == -2500

    def test_owes_the_seller_only_what_is_left_and_only_once_decided(self) -> None:
        delivery = running(cents=10_000)
        outage = report(delivery, minutes=(0, 30))
        assert sweep_deliveries(now=delivery.ends_at) == 0

        decide(outage, 30)
        assert sweep_deliveries(now=delivery.ends_at) == 1

        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -7125
        assert ledger.balance_cents(ledger.seller_reserve(delivery.seller_id)) == 0

    def test_takes_back_from_what_is_owed_when_it_was_reported_after_the_end(self) -> None:
        delivery = running(cents=10_000)
        sweep_deliveries(now=delivery.ends_at)
        delivery.refresh_from_db()

        decide(report(delivery, minutes=(0, 120), now=delivery.ends_at), 60)

        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -4750
        assert ledger.balance_cents(ledger.seller_reserve(delivery.seller_id)) == 0

    def test_can_uphold_a_part_or_nothing(self) -> None:
        delivery = running(cents=10_000)
        part, none = report(delivery, minutes=(0, 60)), report(delivery, minutes=(60, 120))

        assert decide(part, 12).refund.amount_cents == 1000
        rejected = decide(none, 0)

        assert (rejected.status, rejected.upheld_minutes, rejected.refund) == (Status.REJECTED, None, None)

    def test_all_minutes_together_come_to_the_whole_line(self) -> None:
        delivery = running(cents=1000)
        outages = [report(delivery, minutes=(start, start + 40)) for start in (0, 40, 80)]

        refunds = [decide(outage, 40).refund.amount_cents for outage in outages]

        assert refunds == [333, 334, 333]
        sweep_deliveries(now=delivery.ends_at)
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == 0

    def test_waits_with_the_seller_for_a_second_person_where_much_is_refunded(self) -> None:
        delivery = running(cents=300_000)
        refund = decide(report(delivery, minutes=(0, 60)), 60).refund

        assert refund.status == Refund.Status.PROPOSED
        assert sweep_deliveries(now=delivery.ends_at) == 0
        approve_refund(
            refund_id=refund.pk,
            by=UserFactory(is_finance=True),
            fingerprint=effect_of_proposed(refund).fingerprint,
        )
        assert sweep_deliveries(now=delivery.ends_at) == 1
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -142_500

    def test_is_decided_again_when_the_second_person_drops_the_refund(self) -> None:
        delivery = running(cents=300_000)
        outage = decide(report(delivery, minutes=(0, 60)), 60)
        DeskEvent.objects.all().delete()
        cancel_refund(refund_id=outage.refund.pk, by=UserFactory(is_finance=True))

        outage.refresh_from_db()
        assert (outage.status, outage.refund, outage.upheld_minutes) == (Status.OPEN, None, None)
        assert DeskEvent.objects.get(kind="outage.to_decide").data["outage"] == outage.pk
        for side in (delivery.buyer_id, delivery.seller_id):
            assert StreamEvent.objects.filter(organization_id=side, kind="outage.reopened").count() == 1
            assert DeliveryNotice.objects.filter(organization_id=side, kind="outage_reopened").exists()
        assert sweep_deliveries(now=delivery.ends_at) == 0, "the seller's share waits"

        decide(outage, 0)
        sweep_deliveries(now=delivery.ends_at)
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -285_000

    @pytest.mark.parametrize("agrees", [True, False])
    def test_holds_a_payout_back_until_the_second_person_has_decided(self, agrees: bool) -> None:
        delivery = running(cents=300_000)
        sweep_deliveries(now=delivery.ends_at)
        delivery.refresh_from_db()
        held = TransferHold.objects.filter(delivery=delivery, lifted_at=None)

        refund = decide(report(delivery, minutes=(0, 60), now=delivery.ends_at), 60).refund
        assert refund.status == Refund.Status.PROPOSED
        assert held.count() == 1

        second = UserFactory(is_finance=True)
        if agrees:
            fingerprint = effect_of_proposed(refund).fingerprint
            approve_refund(refund_id=refund.pk, by=second, fingerprint=fingerprint)
        else:
            cancel_refund(refund_id=refund.pk, by=second)
            assert held.count() == 1
            decide(Outage.objects.get(), 0)
        assert not held.exists()

    def test_is_not_decided_by_a_member_of_either_side(self) -> None:
        outage = report(running(cents=10_000))
        outage.refresh_from_db()
        for side in (outage.delivery.buyer, outage.delivery.seller):
            insider = UserFactory(is_finance=True)
            MembershipFactory(user=insider, organization=side)
            with pytest.raises(OutageRefused, match="You are a member"):
                decide_outage(
                    outage_id=outage.pk,
                    decided_by=insider,
                    upheld_minutes=1,
                    reason="The log shows it.",
                    fingerprint=outage.fingerprint,
                    now=outage.delivery.ends_at,
                )

    def test_a_hand_over_that_never_came_gives_everything_back_and_cancels(self) -> None:
        delivery = paid_delivery(cents=10_000)
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)
        missed = Outage.objects.get()

        decide(missed, missed.n_minutes)
        sweep_deliveries(now=delivery.ends_at)

        delivery.refresh_from_db()
        refund = Refund.objects.get()
        assert (refund.amount_cents, refund.reason) == (10_000, Refund.Reason.MISSED_HANDOVER)
        assert delivery.status == Delivery.Status.CANCELLED
        assert ledger.balance_cents(ledger.seller_reserve(delivery.seller_id)) == 0

    def test_a_late_hand_over_gives_back_what_was_missed(self) -> None:
        delivery = paid_delivery(cents=10_000)
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)
        give(delivery, at=delivery.starts_at + 60 * MINUTE)
        missed = Outage.objects.get()

        decide(missed, missed.n_minutes)
        sweep_deliveries(now=delivery.ends_at)

        assert Refund.objects.get().amount_cents == 5000
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -4750

    def test_a_missed_hand_over_waits_for_its_end(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)
        missed = Outage.objects.get()

        with pytest.raises(OutageRefused, match="may still end the time missed"):
            decide_outage(
                outage_id=missed.pk,
                decided_by=UserFactory(),
                upheld_minutes=missed.n_minutes,
                reason="No.",
                fingerprint=missed.fingerprint,
                now=delivery.ends_at - MINUTE,
            )

    @pytest.mark.parametrize("minutes", [-1, 31])
    def test_refuses_more_than_was_reported(self, minutes: int) -> None:
        outage = report(running())

        with pytest.raises(OutageRefused, match="Uphold 1 to 30 minutes"):
            decide(outage, minutes)

        assert not Refund.objects.exists()

    def test_wants_a_reason(self) -> None:
        with pytest.raises(OutageRefused, match="Say why"):
            decide(report(running()), 30, reason=" ")

    def test_refuses_a_page_that_was_shown_before_the_answer(self) -> None:
        outage = report(running())
        shown = outage.fingerprint
        answer(outage, accepts=False, note="It was up.")

        with pytest.raises(OutageRefused, match="changed since this was shown"):
            decide(outage, 30, fingerprint=shown)

        assert not Refund.objects.exists()

    def test_decides_once_when_two_decide_at_once(self) -> None:
        outage = report(running())
        fingerprint, deciders = outage.fingerprint, [UserFactory(is_finance=True) for _ in range(4)]
        together = threading.Barrier(4)

        def attempt(number: int) -> bool:
            try:
                together.wait()
                decide_outage(
                    outage_id=outage.pk,
                    decided_by=deciders[number],
                    upheld_minutes=30,
                    reason="Seen.",
                    fingerprint=fingerprint,
                    now=outage.ends_at,
                )
                return True
            except OutageRefused:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]
        assert Refund.objects.count() == 1
