"""A bid is placed for the organization it was reviewed for, or not at all."""

from uuid import uuid4

from accounts.models import Membership
from auctions.models import Bid
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.auctions.conftest import Auction
from tests.integration.auctions.pages import visit


class TestConfirm:
    def test_places_nothing_once_the_person_acts_for_another_organization(self, auction: Auction) -> None:
        trader = visit(auction.buyer)
        other = MembershipFactory(user=trader.user, organization=BuyerFactory(), role=Membership.Role.TRADER)
        ticket = {"units": "4", "price": "2.00"}
        drawn_for = {"HX-Request": "true", "X-Acting-For": str(auction.buyer.pk)}
        reviewed = trader.client.post(f"/lots/{auction.lot.pk}/bid/review/", ticket, headers=drawn_for)

        trader.client.post("/organization/switch/", {"organization": other.organization.pk})
        answer = trader.client.post(
            f"/lots/{auction.lot.pk}/bid/confirm/",
            ticket | {"request_key": str(uuid4())},
            headers=drawn_for,
        )

        assert (reviewed.status_code, answer.status_code) == (200, 409)
        assert not Bid.objects.exists()
