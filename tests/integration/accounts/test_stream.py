import pytest
from django.db import IntegrityError, transaction

from accounts.models import Stream, StreamEvent
from accounts.stream import Happening, append_event, append_events
from tests.factories import BuyerFactory
from tests.integration.accounts.test_holds import run_together

pytestmark = pytest.mark.django_db


def sequences(organization) -> list[int]:
    own = StreamEvent.objects.filter(organization=organization).order_by("sequence")
    return list(own.values_list("sequence", flat=True))


class TestAppendEvents:
    def test_number_each_feed_on_its_own_in_the_order_given(self):
        one, two = BuyerFactory(), BuyerFactory()
        append_event(organization_id=one.pk, kind="bid.placed", data={"bid": 1})

        append_events(
            [
                Happening(one.pk, "bid.won", {"bid": 1}),
                Happening(two.pk, "bid.lost", {"bid": 2}),
                Happening(one.pk, "settlement.due", {"settlement": 1}),
            ]
        )

        own = StreamEvent.objects.filter(organization=one).order_by("sequence")
        assert list(own.values_list("sequence", "kind")) == [
            (1, "bid.placed"),
            (2, "bid.won"),
            (3, "settlement.due"),
        ]
        assert sequences(two) == [1]
        assert Stream.objects.get(pk=one.pk).last_sequence == 3

    def test_are_not_yet_published(self):
        append_event(organization_id=BuyerFactory().pk, kind="bid.placed", data={})

        assert not StreamEvent.objects.get().published

    def test_nothing_to_tell_asks_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            append_events([])

    def test_a_number_is_given_once(self):
        buyer = BuyerFactory()
        append_event(organization_id=buyer.pk, kind="bid.placed", data={})

        with pytest.raises(IntegrityError, match="stream_event_numbered_once"):
            StreamEvent.objects.create(organization=buyer, sequence=1, kind="bid.placed")


class Undo(Exception):
    """Raised to roll back."""


@pytest.mark.django_db(transaction=True)
class TestConcurrentFeeds:
    def test_have_no_gap_and_no_number_twice_whoever_rolls_back(self):
        buyers = [BuyerFactory(), BuyerFactory()]

        def tell(order: int) -> None:
            for number in range(25):
                try:
                    with transaction.atomic():
                        append_events(
                            Happening(buyer.pk, "bid.placed", {"number": number}) for buyer in buyers[::order]
                        )
                        if number % 5 == 0:
                            raise Undo
                except Undo:
                    continue

        run_together(lambda: tell(1), lambda: tell(-1), lambda: tell(1))

        for buyer in buyers:
            assert sequences(buyer) == list(range(1, 3 * 20 + 1))
            assert Stream.objects.get(pk=buyer.pk).last_sequence == 60
