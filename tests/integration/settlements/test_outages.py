"""Outages: reported, answered, withdrawn; and what is refused with nothing changed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from accounts.models import StreamEvent
from settlements.models import Delivery, DeliveryNotice, Outage
from settlements.operations.outages import (
    OutageRefused,
    OutageReport,
    answer_outage,
    report_outage,
    withdraw_outage,
)
from settlements.sweeps import sweep_deliveries
from tests.factories import BuyerFactory, SellerFactory, UserFactory
from tests.integration.settlements.deliveries import (
    answer,
    handed_over,
    member,
    paid_delivery,
    report,
    running,
)

pytestmark = pytest.mark.django_db(transaction=True)
Status = Outage.Status
MINUTE = timedelta(minutes=1)


class TestReportOutage:
    def test_tells_both_sides_and_asks_the_seller(self) -> None:
        delivery = running()

        outage = report(delivery)

        assert (outage.status, outage.n_minutes) == (Status.OPEN, 30)
        for side in (delivery.buyer_id, delivery.seller_id):
            assert StreamEvent.objects.filter(organization=side).latest("sequence").kind == "outage.reported"
        notice = DeliveryNotice.objects.get(kind=DeliveryNotice.Kind.OUTAGE_REPORTED)
        assert notice.organization_id == delivery.seller_id

    def test_takes_the_same_report_once(self) -> None:
        delivery = running()

        assert report(delivery) == report(delivery)

        assert Outage.objects.count() == 1

    def test_takes_one_report_of_many_at_once(self) -> None:
        delivery, reporter = running(), UserFactory()
        together = threading.Barrier(4)

        def attempt(start: int) -> bool:
            try:
                together.wait()
                report(delivery, minutes=(start, 60), by=reporter)
                return True
            except OutageRefused:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            taken = list(pool.map(attempt, range(4)))

        assert sorted(taken) == [False, False, False, True]

    @pytest.mark.parametrize(
        ("minutes", "field", "why"),
        [
            ((40, 40), "ends_at", "ended after it began"),
            ((40, 10), "ends_at", "ended after it began"),
            ((-5, 10), "starts_at", "The delivery began at"),
            ((100, 121), "ends_at", "The delivery ended at"),
        ],
    )
    def test_refuses_times_that_cannot_be(self, minutes: tuple[int, int], field: str, why: str) -> None:
        delivery = running()

        with pytest.raises(OutageRefused, match=why) as refused:
            report(delivery, minutes=minutes, now=delivery.ends_at + timedelta(hours=2))

        assert refused.value.field == field
        assert not Outage.objects.exists()

    def test_refuses_the_future(self) -> None:
        delivery = running()

        with pytest.raises(OutageRefused, match="in the future"):
            report(delivery, minutes=(0, 30), now=delivery.starts_at + 29 * MINUTE)

    def test_refuses_parts_of_a_minute(self) -> None:
        delivery = running()
        said = OutageReport(delivery.starts_at + timedelta(seconds=1), delivery.ends_at, "Down.")

        with pytest.raises(OutageRefused, match="whole minutes"):
            report_outage(
                buyer=delivery.buyer,
                delivery_id=delivery.pk,
                reported_by=member(delivery.buyer),
                report=said,
                now=delivery.ends_at,
            )

    @pytest.mark.parametrize("what", ["", "  \n", "x" * 2001])
    def test_wants_to_know_what_in_words(self, what: str) -> None:
        with pytest.raises(OutageRefused) as refused:
            report(running(), what=what)

        assert refused.value.field == "what"

    def test_refuses_what_overlaps_another_and_takes_what_it_leaves(self) -> None:
        delivery = running()
        report(delivery, minutes=(10, 40))

        with pytest.raises(OutageRefused, match="covers some of this time"):
            report(delivery, minutes=(39, 50))

        assert report(delivery, minutes=(40, 50)).n_minutes == 10

    def test_the_database_refuses_an_overlap_too(self) -> None:
        outage = report(running())

        with pytest.raises(IntegrityError, match="outage_minute_claimed_once"), transaction.atomic():
            Outage.objects.create(
                delivery=outage.delivery, starts_at=outage.starts_at, ends_at=outage.ends_at, what="Again."
            )

    def test_can_be_made_until_a_day_after_the_end(self) -> None:
        delivery = running()
        sweep_deliveries(now=delivery.ends_at)
        last = delivery.ends_at + timedelta(hours=24)

        assert report(delivery, now=last - MINUTE).status == Status.OPEN
        with pytest.raises(OutageRefused, match="until 24 hours after"):
            report(delivery, minutes=(50, 60), now=last)

    def test_refuses_what_does_not_run_yet(self) -> None:
        delivery = handed_over()

        with pytest.raises(OutageRefused, match="once the delivery runs"):
            report(delivery)

    def test_refuses_what_is_proposed_by_itself(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)

        with pytest.raises(OutageRefused, match="proposed already"):
            report(delivery)

    def test_knows_nothing_of_another_buyers_delivery(self) -> None:
        delivery = running()
        delivery.buyer = BuyerFactory()

        with pytest.raises(Delivery.DoesNotExist):
            report(delivery)


class TestAnswerOutage:
    def test_accepts_without_a_note_and_disputes_with_one(self) -> None:
        delivery = running()
        first, second = report(delivery, minutes=(0, 10)), report(delivery, minutes=(10, 20))
        by = member(delivery.seller)

        answer(first, accepts=True, by=by)
        answer(second, accepts=False, note="Our probes saw it up.", by=by)

        assert [outage.status for outage in Outage.objects.order_by("id")] == [
            Status.ACCEPTED,
            Status.DISPUTED,
        ]

    def test_wants_a_reason_to_dispute(self) -> None:
        outage = report(running())

        with pytest.raises(OutageRefused) as refused:
            answer(outage, accepts=False, note=" ")

        assert refused.value.field == "note"

    def test_is_given_once(self) -> None:
        outage = report(running())
        by = UserFactory()
        answer(outage, accepts=True, by=by)

        with pytest.raises(OutageRefused, match="accepted by the seller by now"):
            answer(outage, accepts=False, note="No.", by=by)

    def test_knows_nothing_of_another_sellers_outage(self) -> None:
        outage = report(running())

        with pytest.raises(Outage.DoesNotExist):
            answer_outage(
                seller=SellerFactory(),
                outage_id=outage.pk,
                answered_by=UserFactory(),
                accepts=True,
                note="",
                now=outage.ends_at,
            )


class TestWithdrawOutage:
    def test_frees_its_time_for_another_report(self) -> None:
        delivery = running()
        outage = report(delivery)

        withdraw_outage(buyer=delivery.buyer, outage_id=outage.pk)

        assert report(delivery, minutes=(10, 50)).status == Status.OPEN

    def test_cannot_take_back_what_nobody_reported(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)

        with pytest.raises(OutageRefused, match="Nobody reported"):
            withdraw_outage(buyer=delivery.buyer, outage_id=Outage.objects.get().pk)
