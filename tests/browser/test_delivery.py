"""From hand-over to refund, as people do it: seller, buyer and finance on one delivery, in real browsers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from settlements.models import Delivery, Refund
from settlements.sweeps import sweep_deliveries
from tests.browser.conftest import log_in
from tests.factories import UserFactory
from tests.integration.settlements.deliveries import ED25519, member, paid_delivery, set_back

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "token 7431-blue"


@pytest.fixture
def open_as(browser: Browser, live_server: LiveServer) -> Iterator[object]:
    """Give each person a browser of their own."""
    contexts = []

    def open_page(user: User, path: str) -> Page:
        context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
        contexts.append(context)
        log_in(context, user, live_server.url)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


class TestDelivery:
    def test_is_handed_over_read_interrupted_and_refunded(self, open_as: object) -> None:
        delivery = paid_delivery(cents=10_000)
        award = delivery.line.award_id

        # The buyer adds a key and chooses it for the award.
        buyer = open_as(member(delivery.buyer), "/organization/ssh-keys/")
        buyer.get_by_label("Public key").fill(ED25519)
        buyer.get_by_role("button", name="Add the key").click()
        expect(buyer.get_by_role("row").filter(has_text="ada@laptop")).to_contain_text("SHA256:")
        buyer.goto("/awards/")
        buyer.get_by_role("row").filter(has_text="Hand-over due").get_by_role("link", name="Delivery").click()
        expect(buyer.get_by_role("main")).to_contain_text("Nothing is handed over yet")
        buyer.get_by_label("ada@laptop").check()
        buyer.get_by_role("button", name="Choose these keys").click()

        # The seller sees what is due, and hands over.
        seller = open_as(member(delivery.seller), "/sell/deliveries/")
        seller.get_by_role("link", name=f"Award {award}").click()
        expect(seller.get_by_role("main")).to_contain_text("ada@laptop")
        seller.get_by_role("button", name="Hand over", exact=True).click()
        expect(seller.get_by_role("alert")).to_contain_text("Say where the buyer connects.")
        seller.get_by_label("Endpoint").fill("ssh research@198.51.100.7")
        seller.get_by_label("Instructions").fill("Mount /scratch first.")
        seller.get_by_label("Credentials").fill(SECRET)
        seller.get_by_role("button", name="Hand over", exact=True).click()
        expect(seller.get_by_role("main")).to_contain_text("Handed over. The buyer is told")

        # Three hours later it has run for a while; the buyer reads the access and reports what did not work.
        set_back(delivery)
        sweep_deliveries(now=datetime.now(UTC))
        buyer.reload()
        expect(buyer.get_by_role("main")).not_to_contain_text(SECRET)
        buyer.get_by_role("button", name="Show access").click()
        expect(buyer.get_by_role("main")).to_contain_text(SECRET)
        expect(buyer.get_by_text("Who looked")).to_be_visible()
        delivery = Delivery.objects.get(pk=delivery.pk)
        buyer.get_by_label("From (UTC)").fill(f"{delivery.starts_at:%Y-%m-%dT%H:%M}")
        buyer.get_by_label("Until (UTC)").fill(f"{delivery.starts_at + timedelta(minutes=30):%Y-%m-%dT%H:%M}")
        buyer.get_by_label("What did not work").fill("No answer on port 22.")
        buyer.get_by_role("button", name="Report the outage").click()
        expect(buyer.get_by_role("main")).to_contain_text("The seller is asked, then we decide.")

        # Finance upholds all of it.
        finance = open_as(UserFactory(is_finance=True), "/finance/outages/")
        finance.get_by_role("row").filter(has_text="Outage").get_by_role("link").click()
        expect(finance.get_by_role("main")).to_contain_text("All 30 minutes are worth $25.00")
        finance.get_by_label("Uphold all of it").check()
        finance.get_by_label("Reason").fill("The port was closed.")
        finance.get_by_role("button", name="Decide").click()
        expect(finance.get_by_role("main")).to_contain_text("Both sides are told.")
        assert Refund.objects.get().amount_cents == 2500

        # The refund stands on the buyer's page.
        buyer.goto(f"/deliveries/{delivery.pk}/")
        for shown in ("Upheld", "The port was closed.", "$25.00"):
            expect(buyer.get_by_role("main")).to_contain_text(shown)
