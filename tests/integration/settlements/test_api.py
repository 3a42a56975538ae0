"""What a program reads of its organization's settlements."""

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Organization
from accounts.operations import create_api_key
from settlements.operations.draw_up import settle_window
from tests.factories import BuyerFactory, MembershipFactory, WindowFactory
from tests.integration.settlements.steps import mark_cleared, settlement_of, win

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/settlements/"


def client_of(organization: Organization) -> APIClient:
    member = MembershipFactory(organization=organization)
    _, text = create_api_key(organization=organization, created_by=member.user, name="Scheduler")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


class TestSettlements:
    def test_lists_the_organizations_own_newest_first(self) -> None:
        buyer = BuyerFactory()
        first, second = settlement_of(1000, buyer=buyer), settlement_of(2000, buyer=buyer)
        settlement_of(3000)

        rows = client_of(buyer).get(ADDRESS).json()["results"]

        assert [row["id"] for row in rows] == [second.pk, first.pk]

    def test_tells_amounts_lines_and_why_it_is_unpaid(self) -> None:
        buyer = BuyerFactory()
        settlement = settlement_of(1000, buyer=buyer)

        row = client_of(buyer).get(f"{ADDRESS}{settlement.pk}/").json()

        (line,) = row["lines"]
        award = settlement.lines.get().award
        assert (row["amount_cents"], row["currency"], row["status"]) == (1000, "usd", "due")
        assert row["reason"] == "No card is on file. It is charged as soon as one is added."
        assert (line["award"], line["unit_hours"], line["price_ticks"]) == (award.pk, 2, 50_000)
        assert line["amount_cents"] == 1000

    def test_anothers_is_as_good_as_none(self) -> None:
        settlement = settlement_of(1000)
        stranger = client_of(BuyerFactory())

        assert stranger.get(f"{ADDRESS}{settlement.pk}/").status_code == 404
        assert stranger.get(f"{ADDRESS}999999/").status_code == 404

    def test_needs_a_key(self) -> None:
        assert APIClient().get(ADDRESS).status_code == 401

    def test_is_read_only(self) -> None:
        settlement = settlement_of(1000)
        own = client_of(settlement.organization)

        assert own.post(ADDRESS, {"amount_cents": 0}).status_code == 405
        assert own.delete(f"{ADDRESS}{settlement.pk}/").status_code == 405

    def test_takes_as_many_queries_for_many_as_for_one(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        buyer = BuyerFactory()
        window = WindowFactory()
        for _ in range(5):
            win(buyer, 100_000, window=window)
        settle_window(window_id=mark_cleared(window).pk)
        for _ in range(5):
            settlement_of(1000, buyer=buyer)
        client = client_of(buyer)

        # key and its use (with who does it, for the audit trail), membership, settlements, dunning, lines, attempts
        with django_assert_max_num_queries(8):
            client.get(ADDRESS)
