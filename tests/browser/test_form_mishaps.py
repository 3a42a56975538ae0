"""What goes wrong around a form: back after confirm, two tabs, a session that is gone, a window closed while typing.

Each time the person learns what happened, keeps what was typed, and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, User
from auctions.models import Bid, Lot
from auctions.operations.standing import start_order
from inventory.models import Site
from settlements.models import Refund
from settlements.stripe_sandbox.server import SandboxServer
from tests.browser.conftest import log_in
from tests.factories import PASSWORD, BuyerFactory, LotFactory, MembershipFactory, SellerFactory
from tests.integration.auctions.conftest import close_and_clear
from tests.integration.auctions.orders import asked_for
from tests.integration.settlements.refund_steps import finance_person, paid_settlement


@pytest.fixture
def lot(live_server: LiveServer) -> Lot:
    return LotFactory()


@pytest.fixture
def trader(lot: Lot) -> User:
    return MembershipFactory(organization=BuyerFactory(), role=Membership.Role.TRADER).user


@pytest.fixture
def without_scripts(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    yield context
    context.close()


def end_session(context: BrowserContext) -> None:
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)


def log_in_by_hand(page: Page, user: User) -> None:
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()


class TestBackAfterConfirm:
    """Without scripts the pages to confirm are pages of their own, which the back button shows again."""

    def test_a_bid_is_placed_once(
        self, without_scripts: BrowserContext, live_server: LiveServer, lot: Lot, trader: User
    ) -> None:
        log_in(without_scripts, trader, live_server.url)
        page = without_scripts.new_page()
        page.goto(f"/lots/{lot.pk}/bid/")
        page.get_by_label("Units").fill("4")
        page.get_by_label("Price").fill("2")
        page.get_by_role("button", name="Review bid").click()
        page.get_by_role("button", name="Place bid").click()
        expect(page).to_have_url(f"{live_server.url}/bids/")
        page.go_back()
        page.get_by_role("button", name="Place bid").click()
        expect(page).to_have_url(f"{live_server.url}/bids/")
        expect(page.get_by_role("main")).to_contain_text(f"Bid {Bid.objects.get().pk} is in the book")

    def test_a_refund_is_made_once(
        self,
        without_scripts: BrowserContext,
        live_server: LiveServer,
        stripe_sandbox: SandboxServer,
        tolerated: list[str],
    ) -> None:
        tolerated.append("status of 409")
        settlement = paid_settlement(100_00)
        log_in(without_scripts, finance_person(), live_server.url)
        page = without_scripts.new_page()
        page.goto(f"/finance/settlements/{settlement.pk}/refund/")
        page.locator("[name^=line_]").first.fill("10.00")
        page.get_by_label("Reason").select_option("goodwill")
        page.get_by_role("button", name="Show what it books").click()
        page.get_by_role("button", name="Refund $10.00").click()
        expect(page.get_by_role("main")).to_contain_text("is decided and booked")
        page.go_back()
        page.get_by_role("button", name="Refund $10.00").click()
        expect(page.get_by_role("main")).to_contain_text("Something changed since this was shown")
        expect(page.locator("[name^=line_]").first).to_have_value("10.00")
        assert Refund.objects.count() == 1


def test_the_second_of_two_tabs_is_told_and_keeps_what_was_typed(
    context: BrowserContext, live_server: LiveServer, lot: Lot, trader: User
) -> None:
    organization = trader.memberships.get().organization
    order = start_order(organization=organization, created_by=trader, terms=asked_for(lot))
    log_in(context, trader, live_server.url)
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(f"/standing-orders/{order.pk}/change/")
    first.get_by_label("Budget").fill("90")
    first.get_by_role("button", name="Change order").click()
    expect(first.get_by_role("main")).to_contain_text("was changed")
    second.get_by_label("Budget").fill("70")
    second.get_by_role("button", name="Change order").click()
    expect(second.get_by_role("alert").first).to_contain_text("changed meanwhile")
    expect(second.get_by_label("Budget")).to_have_value("70")
    order.refresh_from_db()
    assert order.budget_cents == 90_00


class TestASessionThatIsGone:
    def finds_it_again(self, page: Page) -> None:
        main = page.get_by_role("main")
        expect(main).to_contain_text("It was not sent")
        expect(page.get_by_label("Name")).to_have_value("Reykjavík <3>")
        expect(page.get_by_label("Power")).to_have_value("750")
        assert not Site.objects.exists()
        main.locator("form button[type=submit]").click()
        expect(main).to_contain_text("Reykjavík <3> is ready")
        page.goto("/sell/sites/new/")
        expect(page.get_by_label("Name")).to_have_value("")

    @pytest.fixture
    def owner(self, live_server: LiveServer) -> User:
        return MembershipFactory(organization=SellerFactory(), role=Membership.Role.OWNER).user

    def test_leads_through_a_login_back_to_the_form_as_it_was(
        self, context: BrowserContext, live_server: LiveServer, owner: User
    ) -> None:
        log_in(context, owner, live_server.url)
        page = context.new_page()
        page.goto("/sell/sites/new/")
        end_session(context)
        page.get_by_label("Name").fill("Reykjavík <3>")
        page.get_by_label("Power").fill("750")
        page.get_by_role("main").locator("form button[type=submit]").click()
        expect(page.get_by_role("main")).to_contain_text("nothing was done")
        log_in_by_hand(page, owner)
        self.finds_it_again(page)

    def test_a_token_of_an_older_login_is_explained_and_loses_nothing(
        self, context: BrowserContext, live_server: LiveServer, owner: User, tolerated: list[str]
    ) -> None:
        tolerated.append("status of 403")
        log_in(context, owner, live_server.url)
        page = context.new_page()
        page.goto("/sell/sites/new/")
        context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
        page.get_by_label("Name").fill("Reykjavík <3>")
        page.get_by_label("Power").fill("750")
        page.get_by_role("main").locator("form button[type=submit]").click()
        expect(page.get_by_role("main")).to_contain_text("Nothing was changed")
        page.get_by_role("link", name="Open the form again").click()
        self.finds_it_again(page)

    def test_shows_nothing_to_the_next_person(
        self, context: BrowserContext, live_server: LiveServer, owner: User
    ) -> None:
        colleague = MembershipFactory(organization=owner.memberships.get().organization).user
        log_in(context, owner, live_server.url)
        page = context.new_page()
        page.goto("/sell/sites/new/")
        end_session(context)
        page.get_by_label("Name").fill("Reykjavík <3>")
        page.get_by_role("main").locator("form button[type=submit]").click()
        log_in_by_hand(page, colleague)
        expect(page).to_have_url(f"{live_server.url}/sell/sites/new/")
        expect(page.get_by_label("Name")).to_have_value("")

    def test_a_bid_comes_back_in_the_address(
        self, context: BrowserContext, live_server: LiveServer, lot: Lot, trader: User
    ) -> None:
        log_in(context, trader, live_server.url)
        page = context.new_page()
        page.goto(f"/lots/{lot.pk}/bid/")
        end_session(context)
        page.get_by_label("Units").fill("4")
        page.get_by_label("Price").fill("2.25")
        page.get_by_role("button", name="Review bid").click()
        expect(page.get_by_role("main")).to_contain_text("nothing was done")
        log_in_by_hand(page, trader)
        expect(page.get_by_label("Units")).to_have_value("4")
        expect(page.get_by_label("Price")).to_have_value("2.25")
        assert not Bid.objects.exists()


@pytest.mark.parametrize("form", ["bid", "bid/more"])
def test_a_window_closed_while_typing_is_told_and_the_present_one_offered(
    form: str, context: BrowserContext, live_server: LiveServer, lot: Lot, trader: User
) -> None:
    log_in(context, trader, live_server.url)
    page = context.new_page()
    page.goto(f"/lots/{lot.pk}/{form}/")
    page.get_by_label("Units").fill("4")
    page.get_by_label("Price" if form == "bid" else "At most").first.fill("2.25")
    close_and_clear(lot.window)
    page.get_by_role("main").get_by_role("button", name="Review bid").last.click()
    main = page.get_by_role("main")
    expect(main.get_by_role("alert").first).to_contain_text("takes no bids")
    expect(page.get_by_label("Units")).to_have_value("4")
    expect(page.get_by_label("Price" if form == "bid" else "At most").first).to_have_value("2.25")
    main.get_by_role("link", name=f"The current window of {lot.window.market.name}").first.click()
    expect(page).to_have_url(f"{live_server.url}/markets/{lot.window.market.slug}/")
    assert not Bid.objects.exists()
