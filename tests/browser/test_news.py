"""News that comes while a fragment is being fetched, or whose fetch fails, is fetched all the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from notifications.models import Notification
from tests.browser.conftest import log_in
from tests.factories import BuyerFactory, MembershipFactory

NEWS = "document.body.dispatchEvent(new CustomEvent('sparegrid:own', {detail: {}, bubbles: true}))"


class Fetches:
    """The page's fetches of its fragment, each held back until the test lets it go."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: list[Route] = []
        page.route("**/bids/", self._hold)

    def _hold(self, route: Route) -> None:
        if "hx-request" in route.request.headers:
            self.held.append(route)
        else:
            route.continue_()

    def let_go(self) -> None:
        """Let the fetch that is to come through, and wait until it is answered: no test ends in the middle of one."""
        route = self.next()
        with self.page.expect_response(lambda answer: "hx-request" in answer.request.headers) as answered:
            route.continue_()
        answered.value.finished()

    def next(self) -> Route:
        """Wait for the fetch that is to come."""
        for _ in range(600):
            if self.held:
                return self.held.pop()
            self.page.wait_for_timeout(50)
        raise AssertionError("the fragment was not fetched")


@pytest.fixture
def bids(context: BrowserContext, live_server) -> Page:
    membership = MembershipFactory(organization=BuyerFactory())
    log_in(context, membership.user, live_server.url)
    page = context.new_page()
    page.clock.install()
    page.goto("/bids/")
    expect(page.locator("#bids")).to_be_visible()
    return page


def test_news_during_a_fetch_is_fetched_after_it(bids: Page) -> None:
    fetches = Fetches(bids)
    bids.evaluate(NEWS)
    first = fetches.next()
    bids.evaluate(NEWS)
    with bids.expect_response(lambda answer: "hx-request" in answer.request.headers) as answered:
        first.continue_()
    answered.value.finished()
    fetches.let_go()


def test_one_fetch_is_enough_for_news_that_came_before_it(bids: Page) -> None:
    fetches = Fetches(bids)
    bids.evaluate(NEWS)
    fetches.let_go()
    bids.wait_for_load_state("networkidle")
    bids.clock.run_for(10_000)
    assert fetches.held == []


def test_a_fetch_that_failed_is_tried_again(bids: Page, tolerated: list[str]) -> None:
    tolerated += ["ERR_FAILED", "htmx:"]  # the fetch that is made to fail
    fetches = Fetches(bids)
    bids.evaluate(NEWS)
    fetches.next().abort()
    for _ in range(20):
        bids.clock.run_for(5_000)
        if fetches.held:
            break
    fetches.let_go()


def test_the_bell_counts_on_a_page_that_follows_no_stream(context: BrowserContext, live_server) -> None:
    membership = MembershipFactory(organization=BuyerFactory())
    log_in(context, membership.user, live_server.url)
    page = context.new_page()
    page.clock.install()
    page.goto("/organization/")
    expect(page.locator("#bell")).to_have_text("Notifications: none unread")

    Notification.objects.create(
        user=membership.user,
        organization=membership.organization,
        kind="payment_made",
        key="one",
        event="settlement.paid",
        data={"settlement": 1, "amount_cents": 100},
    )
    page.clock.run_for(61_000)
    expect(page.locator("#bell")).to_contain_text("1 unread")
