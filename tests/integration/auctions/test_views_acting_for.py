"""A bid is placed for the organization it was reviewed for, or not at all."""

from uuid import uuid4

from django.test import Client

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

    def test_refuses_a_plain_form_of_a_page_drawn_before(self, auction: Auction) -> None:
        """Most pages post without htmx, and a bid of several ways among them; so does the ticket without scripts."""
        trader = visit(auction.buyer)
        other = MembershipFactory(user=trader.user, organization=BuyerFactory(), role=Membership.Role.TRADER)
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(trader.user)
        page = browser.get(f"/lots/{auction.lot.pk}/bid/")
        token = {"csrfmiddlewaretoken": str(page.context["csrf_token"])}
        ticket = {"units": "4", "price": "2.00", "request_key": str(uuid4())}

        browser.post("/organization/switch/", {"organization": other.organization.pk} | token)
        answer = browser.post(f"/lots/{auction.lot.pk}/bid/confirm/", ticket | token)

        assert answer.status_code == 403
        assert not Bid.objects.exists()
        fresh = {"csrfmiddlewaretoken": str(browser.get("/bids/").context["csrf_token"])}
        assert browser.post(f"/lots/{auction.lot.pk}/bid/confirm/", ticket | fresh).status_code == 302
        assert Bid.objects.get().organization == other.organization
