"""Deliveries by the clock: when a hand-over is due and when missed, when hours run and end, what is booked then."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from accounts.models import Stream, StreamEvent
from marketplace.states import IllegalTransition
from settlements import ledger
from settlements.backoff import Setbacks
from settlements.models import Delivery, DeliveryNotice, Transaction
from settlements.operations.deliveries import cancel_deliveries, move
from settlements.operations.delivery_steps import move_delivery
from settlements.sweeps import sweep_deliveries, sweep_starts
from tests.integration.settlements.deliveries import (
    delivery_of,
    hand_over_unseen,
    mark_paid,
    paid_delivery,
)
from tests.integration.settlements.steps import settlement_of

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status
SECOND = timedelta(seconds=1)


def kinds(organization_id: int) -> list[str]:
    events = StreamEvent.objects.filter(organization_id=organization_id, kind__startswith="delivery.")
    return list(events.order_by("sequence").values_list("kind", flat=True))


def test_a_line_has_a_delivery_from_the_moment_it_is_drawn_up() -> None:
    settlement = settlement_of(10_000)

    delivery = delivery_of(settlement)

    award = delivery.line.award
    assert (delivery.status, delivery.due_at) == (Status.AWAITING_PAYMENT, None)
    assert (delivery.starts_at, delivery.ends_at) == (award.starts_at, award.ends_at)
    assert (delivery.buyer_id, delivery.seller_id) == (settlement.organization_id, delivery.line.seller_id)


def made_ready(delivery: Delivery) -> None:
    at = delivery.starts_at
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.READY, due_at=at, handed_over_at=at)


class TestAnnouncingTheStart:
    def test_tells_both_sides_once_an_hour_before(self) -> None:
        delivery = delivery_of(settlement_of(10_000))
        hour_before = delivery.starts_at - timedelta(hours=1)
        made_ready(delivery)

        assert sweep_starts(now=hour_before - SECOND) == 0
        assert sweep_starts(now=hour_before) == 1
        assert sweep_starts(now=hour_before + SECOND) == 0

        assert kinds(delivery.buyer_id) == kinds(delivery.seller_id) == ["delivery.starts_soon"]
        assert DeliveryNotice.objects.filter(kind="starts_soon").count() == 2

    def test_says_nothing_of_what_was_drawn_up_within_the_hour(self) -> None:
        delivery = delivery_of(settlement_of(10_000))
        made_ready(delivery)
        Delivery.objects.update(created_at=delivery.starts_at - 60 * SECOND)

        assert sweep_starts(now=delivery.starts_at - 30 * SECOND) == 0


class TestSweep:
    def test_leaves_an_unpaid_delivery_waiting_whatever_the_time(self) -> None:
        delivery = delivery_of(settlement_of(10_000))

        assert sweep_deliveries(now=delivery.ends_at + timedelta(days=2)) == 0

    def test_asks_for_the_hand_over_once_paid(self) -> None:
        delivery = paid_delivery()

        assert (delivery.status, delivery.due_at) == (Status.HANDOVER_DUE, delivery.starts_at)
        assert kinds(delivery.seller_id) == kinds(delivery.buyer_id) == ["delivery.handover_due"]

    @pytest.mark.parametrize("cents", [0, 49])
    def test_asks_at_once_where_nothing_or_too_little_for_a_card_is_owed(self, cents: int) -> None:
        delivery = delivery_of(settlement_of(cents))

        assert sweep_deliveries(now=delivery.starts_at - timedelta(hours=3)) == 1

        assert delivery_of(delivery.line.settlement).status == Status.HANDOVER_DUE

    def test_gives_the_seller_as_long_after_a_late_payment_as_after_the_start(self) -> None:
        delivery = delivery_of(settlement_of(10_000))
        paid_at = delivery.starts_at + timedelta(minutes=50)
        mark_paid(delivery.line.settlement, paid_at)
        sweep_deliveries(now=paid_at)

        assert sweep_deliveries(now=paid_at + timedelta(minutes=30) - SECOND) == 0
        assert sweep_deliveries(now=paid_at + timedelta(minutes=30)) == 1

        assert delivery_of(delivery.line.settlement).status == Status.MISSED

    def test_counts_a_hand_over_as_missed_half_an_hour_after_the_start(self) -> None:
        delivery = paid_delivery()
        deadline = delivery.starts_at + timedelta(minutes=30)

        assert sweep_deliveries(now=deadline - SECOND) == 0
        assert sweep_deliveries(now=deadline) == 1
        assert sweep_deliveries(now=deadline) == 0

        delivery.refresh_from_db()
        assert (delivery.status, delivery.missed_at) == (Status.MISSED, deadline)
        assert kinds(delivery.buyer_id)[-1] == kinds(delivery.seller_id)[-1] == "delivery.missed"

    def test_runs_what_was_handed_over_and_owes_the_seller_at_the_end(self) -> None:
        delivery = paid_delivery(cents=10_000)
        hand_over_unseen(delivery, delivery.starts_at - SECOND)

        assert sweep_deliveries(now=delivery.starts_at - SECOND) == 0
        assert sweep_deliveries(now=delivery.starts_at) == 1
        assert sweep_deliveries(now=delivery.ends_at - SECOND) == 0
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == 0
        assert sweep_deliveries(now=delivery.ends_at) == 1
        assert sweep_deliveries(now=delivery.ends_at) == 0

        delivery.refresh_from_db()
        assert (delivery.status, delivery.delivered_at) == (Status.DELIVERED, delivery.ends_at)
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -9500
        assert ledger.balance_cents(ledger.seller_reserve(delivery.seller_id)) == 0
        assert kinds(delivery.buyer_id)[1:] == ["delivery.running", "delivery.delivered"]

    def test_takes_all_steps_that_a_long_pause_left_one_a_sweep(self) -> None:
        delivery = paid_delivery()
        hand_over_unseen(delivery, delivery.starts_at)
        later = delivery.ends_at + timedelta(days=3)

        assert [sweep_deliveries(now=later) for _ in range(3)] == [1, 1, 0]

    def test_books_nothing_for_a_line_that_cost_nothing(self) -> None:
        delivery = delivery_of(settlement_of(0))
        sweep_deliveries(now=delivery.starts_at)
        hand_over_unseen(delivery, delivery.starts_at)
        for _ in range(2):
            sweep_deliveries(now=delivery.ends_at)

        delivery.refresh_from_db()
        assert delivery.status == Status.DELIVERED
        assert not Transaction.objects.filter(kind=Transaction.Kind.DELIVERED).exists()


class TestMoveDelivery:
    def test_books_once_when_workers_race(self) -> None:
        delivery = paid_delivery()
        hand_over_unseen(delivery, delivery.starts_at)
        sweep_deliveries(now=delivery.starts_at)
        together = threading.Barrier(6)

        def attempt() -> bool:
            try:
                together.wait()
                return move_delivery(delivery_id=delivery.pk, now=delivery.ends_at)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            moved = [future.result() for future in [pool.submit(attempt) for _ in range(6)]]

        assert sorted(moved) == [False] * 5 + [True]
        assert Transaction.objects.filter(reference=f"delivery:{delivery.pk}:delivered").count() == 1

    def test_leaves_nothing_half_done_when_it_is_cut_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        delivery = paid_delivery()
        hand_over_unseen(delivery, delivery.starts_at)
        sweep_deliveries(now=delivery.starts_at)
        feed = Stream.objects.filter(organization=delivery.seller_id)
        last_sequence = feed.get().last_sequence
        feed.delete()  # the last thing that the step writes to

        assert sweep_deliveries(now=delivery.ends_at) == 0

        delivery.refresh_from_db()
        assert delivery.status == Status.RUNNING
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == 0
        Stream.objects.create(organization=delivery.seller, last_sequence=last_sequence)
        monkeypatch.setattr("settlements.sweeps._deliveries", Setbacks())  # as in a process that starts anew
        assert sweep_deliveries(now=delivery.ends_at) == 1
        assert ledger.balance_cents(ledger.seller_payable(delivery.seller_id)) == -9500


class TestCancelDeliveries:
    def test_cancels_what_is_not_delivered_and_says_what_to_tell(self) -> None:
        delivery = paid_delivery()

        with transaction.atomic():
            happenings = cancel_deliveries([delivery.line.settlement_id])

        delivery.refresh_from_db()
        assert delivery.status == Status.CANCELLED
        assert [(told.organization_id, told.kind) for told in happenings] == [
            (delivery.buyer_id, "delivery.cancelled"),
            (delivery.seller_id, "delivery.cancelled"),
        ]
        assert sweep_deliveries(now=delivery.ends_at) == 0

    def test_leaves_what_is_delivered(self) -> None:
        delivery = paid_delivery()
        hand_over_unseen(delivery, delivery.starts_at)
        for _ in range(2):
            sweep_deliveries(now=delivery.ends_at)

        with transaction.atomic():
            assert cancel_deliveries([delivery.line.settlement_id]) == []


class TestDatabase:
    def test_runs_nothing_that_was_not_handed_over(self) -> None:
        delivery = paid_delivery()

        with pytest.raises(IntegrityError, match="delivery_runs_once_handed_over"), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(status=Status.RUNNING)

    def test_moves_only_along_its_table(self) -> None:
        delivery = paid_delivery()

        with pytest.raises(IllegalTransition):
            move(delivery, Status.DELIVERED)
