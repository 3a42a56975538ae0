"""The availability map: what each hour adds up to, what picked hours offer, and the bid they lead to."""

from datetime import UTC, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership
from auctions.models import Lot, Window
from auctions.operations.windows import open_window
from auctions.queries.hours import DAYS_PER_PAGE, heat_map, span_of
from inventory.models import Block, BlockHour
from marketplace.hours import HOUR
from tests.factories import BlockFactory, BuyerFactory, MembershipFactory, SiteFactory, WindowFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def window() -> Window:
    return WindowFactory()


@pytest.fixture
def blocks(window: Window) -> list[Block]:
    """Two blocks of one product that overlap in hours 2 and 3 of the window's delivery."""
    start = window.delivery_from
    first = BlockFactory(
        units=16, unit_step=8, starts_at=start, ends_at=start + 4 * HOUR, reserve_ticks=20_000
    )
    second = BlockFactory(
        site=SiteFactory(region=first.site.region),
        resource_type=first.resource_type,
        units=8,
        unit_step=8,
        starts_at=start + 2 * HOUR,
        ends_at=start + 6 * HOUR,
        reserve_ticks=15_000,
    )
    for block in (first, second):
        if not block.hours.exists():
            n = (block.ends_at - block.starts_at) // HOUR
            BlockHour.objects.bulk_create(
                BlockHour(block=block, hour=block.starts_at + at * HOUR, offered_units=block.units)
                for at in range(n)
            )
    Window.objects.filter(pk=window.pk).update(status=Window.Status.SCHEDULED)
    open_window(window_id=window.pk)
    window.refresh_from_db()
    return [first, second]


def product_of(block: Block) -> str:
    return f"{block.resource_type.slug}@{block.site.region}"


def url(window: Window, **query: object) -> str:
    return reverse("auctions:hour_map", args=[window.market.slug], query=query or None)


class TestMap:
    def test_adds_up_the_lots_hour_by_hour(self, window: Window, blocks: list[Block]) -> None:
        map_ = heat_map(window, product_of(blocks[0]))

        offers = {offer.hour: offer for day in map_.days for offer in day.hours if offer.units}
        start = window.delivery_from.astimezone(UTC)
        assert [offers[start + n * HOUR].units for n in range(6)] == [16, 16, 24, 24, 8, 8]
        assert [offers[start + n * HOUR].reserve_ticks for n in (0, 2, 5)] == [20_000, 15_000, 15_000]
        assert len(offers) == 6
        assert map_.most_units == 24
        assert offers[start + 2 * HOUR].shade == 6
        assert 1 <= offers[start + 5 * HOUR].shade < offers[start].shade < 6

    def test_takes_off_what_was_sold_in_whole_nodes(self, window: Window, blocks: list[Block]) -> None:
        BlockHour.objects.filter(block=blocks[0], hour=window.delivery_from).update(sold_units=9)

        map_ = heat_map(window, product_of(blocks[0]))

        at = {offer.hour: offer.units for day in map_.days for offer in day.hours}
        assert at[window.delivery_from.astimezone(UTC)] == 0

    def test_goes_on_for_as_many_days_as_the_window_delivers(
        self, window: Window, blocks: list[Block]
    ) -> None:
        Window.objects.filter(pk=window.pk).update(delivery_to=window.delivery_from + timedelta(days=20))
        window.refresh_from_db()

        first = heat_map(window, product_of(blocks[0]))
        assert (len(first.days), first.previous_day) == (DAYS_PER_PAGE, None)
        second = heat_map(window, product_of(blocks[0]), first_day=first.next_day)
        assert second.days[0].day == first.next_day
        assert (second.previous_day, second.next_day) == (first.days[0].day, None)


class TestPicking:
    def test_says_what_one_lot_offers_in_all_of_the_hours(self, window: Window, blocks: list[Block]) -> None:
        start, product = window.delivery_from, product_of(blocks[0])

        both = span_of(window, product, start + 2 * HOUR, start + 4 * HOUR)
        across = span_of(window, product, start, start + 6 * HOUR)

        assert (both.n_hours, both.n_lots, both.most_units) == (2, 2, 16)
        assert (across.n_lots, across.most_units, across.first_lot) == (0, 0, None)

    def test_leads_to_a_bid_for_the_hours_picked_in_either_order(
        self, window: Window, blocks: list[Block]
    ) -> None:
        trader = Client()
        trader.force_login(MembershipFactory(organization=BuyerFactory(), role=Membership.Role.TRADER).user)
        start = window.delivery_from.astimezone(UTC)
        picked = {"from": (start + 3 * HOUR).isoformat(), "to": (start + 2 * HOUR).isoformat()}

        page = trader.get(url(window, product=product_of(blocks[0]), **picked))

        assert "2 lots offer all of it" in page.content.decode()
        lead = page.context["bid_url"]
        typed = parse_qs(urlsplit(lead).query)
        assert typed["option-0-leg-0-earliest"] == [f"{start + 2 * HOUR:%Y-%m-%dT%H:%M}"]
        assert typed["option-0-leg-0-latest"] == [f"{start + 4 * HOUR:%Y-%m-%dT%H:%M}"]
        composer = trader.get(lead).content.decode()
        assert f'value="{start + 2 * HOUR:%Y-%m-%dT%H:%M}"' in composer

    @pytest.mark.parametrize(
        "query",
        [
            {"from": "x"},
            {"from": "2026-02-30T10:00"},
            {"from": "0001-01-01T00:00:00+14:00"},
            {"from": "2026-11-24T10:30"},
            {"from": "1999-01-01T00:00"},
            {"product": "no-such@nowhere"},
            {"day": "yesterday"},
            {"day": "9999-12-31"},
            {"day": "0001-01-01"},
        ],
    )
    def test_takes_an_address_that_makes_no_sense_for_none(
        self, window: Window, blocks: list[Block], query: dict[str, str]
    ) -> None:
        page = Client().get(url(window, **query))

        assert page.status_code == 200
        assert page.context["picked_from"] is None
        assert page.context["map"].days


def test_says_so_where_nothing_is_on_offer(window: Window) -> None:
    assert "Nothing is on offer right now" in Client().get(url(window)).content.decode()


def test_takes_as_many_queries_for_many_lots_as_for_one(
    window: Window, blocks: list[Block], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert Lot.objects.count() == 2
    with django_assert_num_queries(9):
        Client().get(url(window))
