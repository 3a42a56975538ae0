"""An award that is not paid for: its hours return to sale, once, and to nobody if the seller withdrew them."""

import pytest
from django.db import transaction

from auctions.models import Award
from auctions.returns import AlreadyReturned, return_hours
from inventory.models import Block, BlockHour
from marketplace.db import database_now
from marketplace.hours import HOUR
from tests.factories import AwardFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def award() -> Award:
    """Three of a block's eight units, sold for both of its hours."""
    award = AwardFactory(units=3)
    BlockHour.objects.filter(block=award.lot.block).update(sold_units=5)
    return award


def hours_of(award: Award) -> list[tuple[int, int]]:
    hours = BlockHour.objects.filter(block=award.lot.block).order_by("hour")
    return list(hours.values_list("offered_units", "sold_units"))


class TestReturnHours:
    def test_gives_the_units_back(self, award: Award) -> None:
        return_hours(award, from_hour=award.starts_at, now=database_now())

        award.refresh_from_db()
        assert award.cancelled_from == award.starts_at
        assert hours_of(award) == [(8, 2), (8, 2)]

    def test_leaves_the_hours_before_alone(self, award: Award) -> None:
        return_hours(award, from_hour=award.starts_at + HOUR, now=database_now())

        assert hours_of(award) == [(8, 5), (8, 2)]

    def test_offers_nothing_that_the_seller_withdrew(self, award: Award) -> None:
        Block.objects.filter(pk=award.lot.block_id).update(
            status=Block.Status.WITHDRAWN, withdrawn_at=database_now()
        )
        BlockHour.objects.filter(block=award.lot.block).update(offered_units=5)

        return_hours(award, from_hour=award.starts_at, now=database_now())

        assert hours_of(award) == [(2, 2), (2, 2)]

    def test_does_it_once(self, award: Award) -> None:
        return_hours(award, from_hour=award.starts_at, now=database_now())

        with pytest.raises(AlreadyReturned), transaction.atomic():
            return_hours(award, from_hour=award.starts_at, now=database_now())
        assert hours_of(award) == [(8, 2), (8, 2)]
