"""What every buyer's journey shares: two lots, a rival, and the steps of a bid as a person takes them."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from auctions.models import Bid, Lot
from auctions.operations.bids import place_bid
from tests.browser.conftest import log_in
from tests.factories import BuyerFactory, LotFactory, MembershipFactory
from tests.integration.auctions.conftest import close_and_clear
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option


@dataclass
class Scene:
    """Two lots of eight units in open windows of two markets, at a reserve of $1."""

    first: Lot
    then: Lot
    user: User


def set_scene() -> Scene:
    return Scene(LotFactory(), LotFactory(), MembershipFactory(organization=BuyerFactory()).user)


def rival_bids(lot: Lot, *, price_ticks: int) -> None:
    """Have another organization bid for all of a lot, or any part of it."""
    all_of_it = option(leg_on(lot, units=8), price=price_ticks)
    place_bid(organization=BuyerFactory(), placed_by=None, window_id=lot.window_id, terms=bid_of(all_of_it))


def open_page(browser: Browser, scene: Scene, url: str, **looks: object) -> Page:
    context: BrowserContext = browser.new_context(base_url=url, **looks)
    log_in(context, scene.user, url)
    return context.new_page()


def bid(page: Page, lot: Lot, dollars: str) -> int:
    """Go from the board to the lot, fill the ticket in, review the bid and place it; return its number."""
    page.goto("/")
    page.locator(f"#to-market-{lot.window_id}").click()
    page.locator(f"#bid-on-{lot.pk}").click()
    page.get_by_label("Units").fill("8")
    page.get_by_label("Price").fill(dollars)
    page.get_by_role("button", name="Review bid").click()
    page.get_by_role("button", name="Place bid").click()
    expect(page.get_by_text("In the book").first).to_be_visible()
    return Bid.objects.latest("id").pk


def lose_learn_and_win(page: Page, scene: Scene) -> None:
    """Lose to the rival, read on the bid's page what would have won, and win the next window with it."""
    rival_bids(scene.first, price_ticks=30_000)
    lost = bid(page, scene.first, "2.50")
    close_and_clear(scene.first.window)
    page.goto(f"/bids/{lost}/")
    expect(page.get_by_role("main")).to_contain_text("Lost")
    # As much as the rival, for at least one unit: whoever wins anything is compared before how much.
    expect(page.get_by_role("main")).to_contain_text("$3.0000 per GPU-hour would have won")

    won = bid(page, scene.then, "3")
    close_and_clear(scene.then.window)
    page.goto(f"/bids/{won}/")
    expect(page.get_by_role("main")).to_contain_text("Won")
    page.goto("/awards/")
    expect(page.get_by_role("main")).to_contain_text("$1.0000")  # nobody else wanted it: the seller's reserve
