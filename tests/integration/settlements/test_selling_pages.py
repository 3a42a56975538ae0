"""The seller's overview and calendar: their figures are those of the hours, the lots, the deliveries and the ledger."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from inventory.models import Block, BlockHour, Site
from marketplace.hours import HOUR
from settlements.models import Delivery
from settlements.operations.transfers import send_transfer
from settlements.queries.selling import Hours, blocks_on, calendar_of, earnings_of, span_of, total_of
from settlements.queries.statements import statement_of
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_deliveries
from tests.factories import (
    BlockFactory,
    BuyerFactory,
    LotFactory,
    MembershipFactory,
    ResourceTypeFactory,
    SellerFactory,
    SiteFactory,
    WindowFactory,
)
from tests.integration.settlements.deliveries import paid_delivery, running
from tests.integration.settlements.payout_steps import transfer_ready

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = span_of("week", MONDAY.date())


@pytest.fixture
def site() -> Site:
    return SiteFactory(organization=SellerFactory(), name="Ashburn 1")


def block_at(site: Site, hour: int, n_hours: int, *, sold: int = 0, **fields: object) -> Block:
    """List 8 units from ``hour`` of the week on, of which ``sold`` are sold in each hour."""
    starts_at = MONDAY + hour * HOUR
    block = BlockFactory(site=site, starts_at=starts_at, ends_at=starts_at + n_hours * HOUR, **fields)
    BlockHour.objects.filter(block=block).update(sold_units=sold)
    return block


def delivered(cents: int) -> Delivery:
    """A delivery whose hours are over."""
    delivery = running(cents=cents)
    sweep_deliveries(now=delivery.ends_at)
    delivery.refresh_from_db()
    return delivery


def client_of(seller: Organization) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=seller).user)
    return client


class TestSpan:
    @pytest.mark.parametrize(
        ("kind", "day", "first", "end"),
        [
            ("week", date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 30)),
            ("week", date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 30)),
            ("month", date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
            ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        ],
    )
    def test_holds_its_day(self, kind: str, day: date, first: date, end: date) -> None:
        span = span_of(kind, day)

        assert (span.first_day, span.end_day) == (first, end)
        assert day in span.days


class TestCalendar:
    def test_parts_hours_by_day_site_and_type_and_cuts_at_the_span(self, site: Site) -> None:
        gpu = ResourceTypeFactory()
        block_at(site, -2, 4, sold=2, resource_type=gpu)  # two hours before the week, two in it
        block_at(site, 22, 4, sold=8, resource_type=gpu)  # two hours on Monday, two on Tuesday
        block_at(site, 0, 1, resource_type=ResourceTypeFactory(name="Z"))
        block_at(SiteFactory(), 0, 5)

        one, other = calendar_of(site.organization, WEEK)

        assert other.resource_type.name == "Z"
        monday, tuesday = (hours for _, hours in one.days[:2])
        assert (monday.listed, monday.sold, monday.sold_percent) == (32, 20, 62)
        assert (tuesday.listed, tuesday.sold, tuesday.sold_percent) == (16, 16, 100)
        assert (one.total.listed, total_of([one, other]).listed) == (48, 56)
        assert len(one.days) == 7

    def test_counts_as_on_offer_what_stands_unsold_in_an_uncleared_window(self, site: Site) -> None:
        block = block_at(site, 0, 4, sold=3)
        LotFactory(block=block, starts_at=block.starts_at, ends_at=block.starts_at + 2 * HOUR)
        LotFactory(
            block=block,
            window=WindowFactory(),
            starts_at=block.starts_at + 2 * HOUR,
            ends_at=block.ends_at,
            on_offer=False,
        )

        [row] = calendar_of(site.organization, WEEK)

        assert (row.total.listed, row.total.sold, row.total.on_offer) == (32, 12, 10)

    def test_a_block_with_nothing_left_has_no_share(self) -> None:
        assert (Hours().sold_percent, Hours().shade) == (None, 0)
        assert [Hours(listed=100, sold=sold).shade for sold in (0, 1, 50, 100)] == [0, 1, 3, 6]

    def test_lists_the_blocks_of_a_day_with_that_days_part(self, site: Site) -> None:
        block = block_at(site, 22, 4, sold=8)
        block_at(site, 48, 1)

        [row] = blocks_on(site.organization, date(2026, 11, 24))

        assert (row.block, row.hours.listed, row.hours.sold) == (block, 16, 16)

    def test_takes_as_many_queries_for_many_blocks_as_for_one(
        self, site: Site, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for hour in range(0, 100, 4):
            block_at(site, hour, 3, sold=1)
        client = client_of(site.organization)

        # session, person, memberships, one moment, hours, deliveries, sites, types; blocks of a day: three more
        with django_assert_max_num_queries(13):
            client.get("/sell/calendar/?day=2026-11-24&on=2026-11-24")

    def test_page_says_each_cell_in_words_and_as_table(self, site: Site) -> None:
        block_at(site, 0, 2, sold=4)

        page = client_of(site.organization).get("/sell/calendar/?day=2026-11-24&span=month&on=2026-11-23")

        text = page.content.decode()
        assert "% sold, 8 of 16 unit-hours on Mon 23 Nov, 0 on offer, 0 delivered" in text
        assert "8 (50 %)" in text
        assert [row.hours.listed for row in page.context["blocks"]] == [16]

    @pytest.mark.parametrize("query", ["day=soon&span=year&on=x", "day=0001-01-01", "day=9999-12-31"])
    def test_takes_an_odd_address_for_today(self, site: Site, query: str) -> None:
        response = client_of(site.organization).get(f"/sell/calendar/?{query}")

        assert response.status_code == 200
        assert datetime.now(UTC).date() in response.context["span"].days

    def test_says_what_to_do_where_nothing_is_listed(self, site: Site) -> None:
        assert "Nothing listed" in client_of(site.organization).get("/sell/calendar/").content.decode()


class TestOverview:
    def test_earned_and_paid_are_the_ledgers(self) -> None:
        delivery = delivered(10_000)
        seller = delivery.seller
        span = span_of("month", datetime.now(UTC).date())

        earnings = earnings_of(seller, span)

        statement = statement_of(seller.pk, span.first_day)
        assert earnings.earned_cents == delivery.line.share_cents == statement.closing_cents
        assert earnings.paid_cents == 0
        context = client_of(seller).get("/sell/?span=month").context
        assert context["earnings"] == earnings
        assert context["money"].held_cents + context["money"].owed_cents == earnings.earned_cents

    @pytest.mark.django_db(transaction=True)
    def test_paid_out_is_what_left_and_no_less_was_earned(self, stripe_sandbox: SandboxServer) -> None:
        transfer = transfer_ready(10_000)
        send_transfer(transfer_id=transfer.pk, now=datetime.now(UTC))

        earnings = earnings_of(transfer.seller, span_of("month", datetime.now(UTC).date()))

        share = transfer.delivery.line.share_cents
        assert (earnings.earned_cents, earnings.paid_cents) == (share, share)

    def test_delivered_are_the_hours_of_the_line(self) -> None:
        delivery = delivered(10_000)
        spans = {
            span_of("week", at.astimezone(UTC).date()).first_day: span_of("week", at.astimezone(UTC).date())
            for at in (delivery.starts_at, delivery.ends_at - HOUR)
        }

        found = [total_of(calendar_of(delivery.seller, span)).delivered for span in spans.values()]

        assert sum(found) == delivery.line.unit_hours

    def test_lists_what_is_to_be_handed_over_next(self) -> None:
        delivery = paid_delivery()

        page = client_of(delivery.seller).get("/sell/")

        assert page.context["handovers"] == [delivery]
        assert f"Award {delivery.line.award_id}" in page.content.decode()

    def test_of_a_new_seller_is_all_noughts_and_takes_few_queries(
        self, site: Site, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = client_of(site.organization)

        with django_assert_max_num_queries(17):
            page = client.get("/sell/").content.decode()

        assert "nothing listed" in page
        assert "New seller" in page

    def test_is_not_there_for_who_does_not_sell(self) -> None:
        assert client_of(BuyerFactory()).get("/sell/").status_code == 404
        assert Client().get("/sell/calendar/").status_code == 302
