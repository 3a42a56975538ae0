import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.models import Block, BlockHour, ResourceType, Site
from inventory.operations import (
    BlockNotFound,
    BlockRefused,
    ImportRefused,
    Withdrawal,
    import_blocks,
    list_block,
    load_catalogue,
    withdraw_block,
)
from inventory.terms import BlockTerms
from marketplace.hours import HOUR, hours_in
from marketplace.states import IllegalTransition, require_transition
from tests.factories import BlockFactory, ResourceTypeFactory, SiteFactory, UserFactory, next_hour

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return SiteFactory()


@pytest.fixture
def terms(site: Site) -> BlockTerms:
    return BlockTerms(
        site_id=site.pk,
        resource_type_id=ResourceTypeFactory(node_units=8).pk,
        units=16,
        starts_at=next_hour(),
        ends_at=next_hour() + 30 * HOUR,
        reserve_ticks=20_000,
        floor_ticks=10_000,
        decline_hours=6,
    )


class TestListBlock:
    def test_writes_the_block_and_every_hour_of_it(self, site, terms):
        block = list_block(seller=site.organization, listed_by=UserFactory(), terms=terms)

        block.refresh_from_db()
        assert (block.units, block.unit_step, block.status) == (16, 8, Block.Status.LISTED)
        assert (block.reserve_ticks, block.floor_ticks, block.decline_hours) == (20_000, 10_000, 6)
        hours = list(block.hours.order_by("hour").values_list("hour", "offered_units", "sold_units"))
        assert hours == [(hour, 16, 0) for hour in hours_in(terms.starts_at, terms.ends_at)]

    def test_refuses_bad_terms_and_writes_nothing(self, site, terms):
        with pytest.raises(BlockRefused) as refused:
            list_block(seller=site.organization, listed_by=UserFactory(), terms=replace(terms, units=12))

        assert [error.field for error in refused.value.errors] == ["units"]
        assert not Block.objects.exists()

    def test_refuses_the_site_of_another_seller(self, site, terms):
        with pytest.raises(BlockRefused) as refused:
            list_block(seller=SiteFactory().organization, listed_by=UserFactory(), terms=terms)

        assert refused.value.errors[0].field == "site"

    def test_refuses_a_type_that_is_off_sale(self, site, terms):
        ResourceType.objects.update(is_active=False)

        with pytest.raises(BlockRefused) as refused:
            list_block(seller=site.organization, listed_by=UserFactory(), terms=terms)

        assert refused.value.errors[0].field == "resource_type"


class TestImportBlocks:
    def test_lists_every_row(self, site, terms):
        rows = [terms, replace(terms, units=8)]

        blocks = import_blocks(seller=site.organization, listed_by=UserFactory(), rows=rows)

        assert [block.units for block in blocks] == [16, 8]
        assert BlockHour.objects.count() == 60

    def test_lists_none_when_a_row_in_the_middle_is_bad(self, site, terms):
        rows = [terms, replace(terms, units=3), replace(terms, units=8)]

        with pytest.raises(ImportRefused) as refused:
            import_blocks(seller=site.organization, listed_by=UserFactory(), rows=rows)

        assert list(refused.value.errors) == [1]
        assert not Block.objects.exists()
        assert not BlockHour.objects.exists()

    def test_refuses_rows_that_repeat_each_other_or_a_listed_block(self, site, terms):
        list_block(seller=site.organization, listed_by=UserFactory(), terms=terms)
        other = replace(terms, units=8)

        with pytest.raises(ImportRefused) as refused:
            import_blocks(seller=site.organization, listed_by=UserFactory(), rows=[terms, other, other])

        assert {index: errors[0].code for index, errors in refused.value.errors.items()} == {
            0: "already_listed",
            2: "repeated",
        }

    def test_reads_sites_and_types_once_for_all_rows(self, site, terms, django_assert_num_queries):
        seller, person = site.organization, UserFactory()
        rows = [replace(terms, units=8 * n) for n in range(1, 21)]

        # savepoint of the test, sites, types, listed terms, nodes, blocks, hours, release
        with django_assert_num_queries(8):
            import_blocks(seller=seller, listed_by=person, rows=rows, now=next_hour() - 2 * HOUR)


class TestWithdrawBlock:
    def test_takes_back_what_is_unsold_and_leaves_sold_and_frozen_units(self):
        block = BlockFactory(units=8)
        first = block.hours.order_by("hour").first()
        BlockHour.objects.filter(pk=first.pk).update(sold_units=3, frozen_units=4)

        withdrawal = withdraw_block(seller=block.site.organization, block_id=block.pk)

        assert withdrawal == Withdrawal(withdrawn_unit_hours=9, sold_unit_hours=3, frozen_unit_hours=4)
        assert list(block.hours.order_by("hour").values_list("offered_units", flat=True)) == [7, 0]
        block.refresh_from_db()
        assert block.status == Block.Status.WITHDRAWN
        assert block.withdrawn_at is not None

    def test_leaves_the_record_of_hours_that_have_begun(self):
        block = BlockFactory(units=8)

        withdraw_block(
            seller=block.site.organization, block_id=block.pk, now=block.starts_at + timedelta(minutes=1)
        )

        assert list(block.hours.order_by("hour").values_list("offered_units", flat=True)) == [8, 0]

    def test_is_refused_a_second_time(self):
        block = BlockFactory()
        withdraw_block(seller=block.site.organization, block_id=block.pk)

        with pytest.raises(IllegalTransition):
            withdraw_block(seller=block.site.organization, block_id=block.pk)

    def test_of_another_seller_is_not_found(self):
        block = BlockFactory()

        with pytest.raises(BlockNotFound):
            withdraw_block(seller=SiteFactory().organization, block_id=block.pk)

        assert set(block.hours.values_list("offered_units", flat=True)) == {8}


@pytest.mark.django_db(transaction=True)
class TestWithdrawalAgainstSale:
    def test_whichever_comes_first_no_unit_is_lost_or_sold_twice(self):
        block = BlockFactory(units=8)
        hour = block.hours.order_by("hour").first()
        both_ready = threading.Barrier(2, timeout=30)
        outcomes = []

        def sell() -> None:
            both_ready.wait()
            try:
                with transaction.atomic():
                    BlockHour.objects.filter(pk=hour.pk).update(sold_units=8)
                outcomes.append("sold")
            except IntegrityError:
                outcomes.append("refused")
            finally:
                connection.close()

        thread = threading.Thread(target=sell)
        thread.start()
        both_ready.wait()
        withdrawal = withdraw_block(seller=block.site.organization, block_id=block.pk)
        thread.join(timeout=30)

        hour.refresh_from_db()
        sold = 8 if outcomes == ["sold"] else 0
        assert (hour.offered_units, hour.sold_units) == (sold, sold)
        assert withdrawal.sold_unit_hours == sold
        assert withdrawal.withdrawn_unit_hours == 16 - sold


class TestInvariants:
    """What the database refuses, whoever asks."""

    @pytest.mark.parametrize(
        ("hour", "constraint"),
        [
            ({"sold_units": 9}, "block_hour_never_oversold"),
            ({"frozen_units": 9}, "block_hour_never_oversold"),
            ({"sold_units": 5, "frozen_units": 4}, "block_hour_never_oversold"),
            ({"offered_units": -1}, "block_hour_never_oversold|offered_units_check"),
            ({"sold_units": -1}, "sold_units_check"),
        ],
    )
    def test_an_hour_is_never_oversold(self, hour, constraint):
        block = BlockFactory(units=8)

        with pytest.raises(IntegrityError, match=constraint):
            block.hours.update(**hour)

    def test_an_hour_is_there_once(self):
        hour = BlockFactory().hours.first()

        with pytest.raises(IntegrityError, match="block_hour_once"):
            BlockHour.objects.create(block=hour.block, hour=hour.hour, offered_units=1)

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"units": 0}, "block_units_positive"),
            ({"unit_step": 0}, "block_step_positive"),
            ({"reserve_ticks": -1}, "block_reserve_not_negative"),
            ({"floor_ticks": 10_001, "decline_hours": 1}, "block_floor_within_reserve"),
            ({"floor_ticks": 1}, "block_floor_within_reserve"),
            ({"decline_hours": 1}, "block_floor_within_reserve"),
            ({"floor_ticks": 1, "decline_hours": 0}, "block_floor_within_reserve"),
        ],
    )
    def test_a_block_stays_within_its_terms(self, changes, constraint):
        block = BlockFactory(reserve_ticks=10_000)

        with pytest.raises(IntegrityError, match=constraint):
            Block.objects.filter(pk=block.pk).update(**changes)

    def test_a_block_ends_after_it_starts(self):
        block = BlockFactory()

        with pytest.raises(IntegrityError, match="block_ends_after_it_starts"):
            Block.objects.filter(pk=block.pk).update(ends_at=block.starts_at)


class TestTransitions:
    @pytest.mark.parametrize("source", Block.Status)
    @pytest.mark.parametrize("target", Block.Status)
    def test_lead_from_listed_to_withdrawn_and_nowhere_else(self, source, target):
        if (source, target) == (Block.Status.LISTED, Block.Status.WITHDRAWN):
            require_transition(Block.TRANSITIONS, source, target)
        else:
            with pytest.raises(IllegalTransition):
                require_transition(Block.TRANSITIONS, source, target)

    def test_name_every_state(self):
        assert set(Block.TRANSITIONS) == set(Block.Status)


class TestLoadCatalogue:
    def test_may_be_repeated_and_brings_facts_up_to_date(self):
        load_catalogue()
        ResourceType.objects.filter(slug="H100-SXM5-80GB").update(power_watts=1, is_active=False)
        count = ResourceType.objects.count()

        load_catalogue()

        h100 = ResourceType.objects.get(slug="H100-SXM5-80GB")
        assert (h100.power_watts, h100.is_active) == (700, False)
        assert ResourceType.objects.count() == count
