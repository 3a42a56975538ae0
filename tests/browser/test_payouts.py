"""A seller sets payouts up on Stripe's page, half-way and then whole; two of finance agree; the seller is paid."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime

import pytest
import pytest_django
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, User
from settlements.models import Transfer
from settlements.operations.transfers import send_transfer
from settlements.stripe_sandbox.server import SandboxServer
from tests.browser.conftest import log_in
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.integration.settlements.payout_steps import deliver, n_transfers, paid_settlement

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def addresses(
    live_server: LiveServer, stripe_sandbox: SandboxServer, settings: pytest_django.Settings
) -> None:
    """Have Stripe's pages lead back here, and our pages to Stripe's."""
    settings.SITE_URL = live_server.url
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"] = ["'self'", stripe_sandbox.base_url]
    settings.CONTENT_SECURITY_POLICY = policy


def page_of(browser: Browser, live_server: LiveServer, user: User) -> Page:
    context: BrowserContext = browser.new_context(base_url=live_server.url)
    log_in(context, user, live_server.url)
    return context.new_page()


class TestSellerIsPaid:
    def test_from_setting_up_to_being_paid(
        self, browser: Browser, live_server: LiveServer, settings: pytest_django.Settings
    ) -> None:
        settings.TRANSFER_FOUR_EYES_CENTS = 9_500
        transfer = deliver(paid_settlement(10_000)).transfers.get()
        owner = MembershipFactory(organization=transfer.seller, role=Membership.Role.OWNER).user
        seller = page_of(browser, live_server, owner)

        seller.goto("/payouts/")
        expect(seller.get_by_text("You cannot be paid yet")).to_be_visible()
        seller.get_by_role("link", name="Set up payouts").click()
        seller.get_by_role("button", name="Set up payouts").click()
        expect(seller.get_by_text("This is not Stripe. No money moves")).to_be_visible()
        seller.get_by_label("Business name").fill("Gridworks")
        seller.get_by_role("button", name="Save and finish later").click()

        expect(seller.get_by_role("heading", name="Stripe needs more")).to_be_visible()
        expect(seller.get_by_text("a bank account to pay to")).to_be_visible()
        seller.get_by_role("button", name="Continue at Stripe").click()
        expect(seller.get_by_label("Business name")).to_have_value("Gridworks")
        seller.get_by_label("Website").fill("https://gridworks.example")
        seller.get_by_label("Representative’s first name").fill("Ada")
        seller.get_by_label("Representative’s last name").fill("L")
        seller.get_by_label("Bank account number").fill("000123456789")
        seller.get_by_label("I accept Stripe’s terms").check()
        seller.get_by_role("button", name="Submit").click()
        expect(seller.get_by_role("heading", name="Payouts are set up")).to_be_visible()

        self.decide(page_of(browser, live_server, UserFactory(is_finance=True)), transfer, "Propose")
        self.decide(page_of(browser, live_server, UserFactory(is_finance=True)), transfer, "Approve")
        send_transfer(transfer_id=transfer.pk, now=datetime.now(UTC))

        seller.goto("/payouts/")
        expect(seller.get_by_role("row", name=re.compile(r"Paid.*\$95\.00"))).to_be_visible()
        seller.get_by_role("link", name="Statements").click()
        expect(seller.get_by_text("Paid to you").first).to_be_visible()
        assert n_transfers() == 1

    def decide(self, finance: Page, transfer: Transfer, what: str) -> None:
        finance.goto("/finance/transfers/")
        finance.get_by_label(f"Choose transfer {transfer.pk}").check()
        finance.get_by_role("button", name=f"{what} the chosen").click()
        finance.get_by_role("button", name=what, exact=True).click()
        if what == "Approve":
            expect(finance.get_by_role("heading", name="Confirm it is you")).to_be_visible()
            finance.get_by_label("Password").fill(PASSWORD)
            finance.get_by_role("button", name="Confirm").click()
        expect(finance.get_by_text(f"{what}d").first).to_be_visible()
