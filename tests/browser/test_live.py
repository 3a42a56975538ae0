"""What moves on a page that nobody reloads: prices, new offers, phases, own bids; and what the badge says of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from accounts.stream import append_event
from auctions.models import Lot, Window
from auctions.operations.bids import place_bid
from auctions.publisher import Publisher
from auctions.terms import single_lot_terms
from marketplace.db import database_now
from tests.browser.conftest import log_in
from tests.factories import BuyerFactory, LotFactory, MembershipFactory
from tests.web import WebProcess

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Scene:
    """An open window with a lot, a buyer with a member, and a publisher that tells only when asked."""

    web: WebProcess
    lot: Lot
    buyer: Organization
    person: User
    publisher: Publisher

    @property
    def window(self) -> Window:
        return self.lot.window

    def bid(self, price_ticks: int, organization: Organization | None = None) -> None:
        """Bid for the whole lot, and let everybody hear what changed."""
        terms = single_lot_terms(self.lot, units=8, price_ticks=price_ticks)
        place_bid(
            organization=organization or BuyerFactory(),
            placed_by=self.person,
            window_id=self.window.pk,
            terms=terms,
        )
        self.publisher.tick()


@pytest.fixture
def scene(transactional_db: None, running_database_url: str) -> Iterator[Scene]:
    web = WebProcess(database_url=running_database_url, LIVE_RECHECK_SECONDS="0")
    web.start()
    member = MembershipFactory(organization=BuyerFactory())
    publisher = Publisher(rest_per_work=0)
    scene = Scene(web, LotFactory(), member.organization, member.user, publisher)
    publisher.tick()
    yield scene
    web.close()


@pytest.fixture
def board(page: Page, scene: Scene) -> Page:
    """The board, once it listens."""
    page.goto(scene.web.url)
    page.evaluate("document.body.dataset.same = 'page'")
    scene.bid(10_500)
    expect(page.locator("[data-freshness]")).to_have_attribute("data-state", "live")
    return page


def is_same_page(page: Page) -> bool:
    return page.evaluate("document.body.dataset.same") == "page"


class TestBoard:
    def test_moves_a_price_where_it_stands(self, board: Page, scene: Scene, complaints: list[str]) -> None:
        paid = board.locator("[data-product] [data-field=paid]")
        expect(paid).to_contain_text("$1.0000")  # a bidder alone pays the reserve
        scene.bid(20_000)

        expect(paid).to_contain_text("$1.0500")
        expect(paid.locator("[data-price]")).to_have_attribute("data-moved", "up")
        assert is_same_page(board)
        assert complaints == []

    def test_shows_a_block_that_joins(self, board: Page, scene: Scene) -> None:
        other = LotFactory(window=scene.window)
        Window.objects.filter(pk=scene.window.pk).update(board_revision=1)
        scene.publisher.tick()

        expect(board.get_by_role("link", name=other.block.resource_type.name, exact=True)).to_be_visible()
        assert is_same_page(board)

    def test_shows_a_window_that_freezes(self, board: Page, scene: Scene) -> None:
        Window.objects.filter(pk=scene.window.pk).update(freezes_at=database_now())
        scene.publisher.tick()

        expect(board.locator(f"#offers [data-window='{scene.window.pk}'] .pill").first).to_contain_text(
            "Frozen"
        )
        assert is_same_page(board)

    def test_holds_still_while_paused_and_catches_up_after(self, board: Page, scene: Scene) -> None:
        paid = board.locator("[data-product] [data-field=paid]")
        board.locator("[data-live-pause]").click()
        expect(board.locator("[data-freshness]")).to_have_attribute("data-state", "paused")
        scene.bid(20_000)
        board.wait_for_function("new Promise(requestAnimationFrame)")
        expect(paid).to_contain_text("$1.0000")
        board.locator("[data-live-pause]").click()

        expect(paid).to_contain_text("$1.0500")

    def test_says_that_it_is_not_live_and_recovers_by_itself(self, board: Page, scene: Scene) -> None:
        badge = board.locator("[data-freshness]")
        assert scene.web.stop() in (0, -15)
        expect(badge).to_have_attribute("data-state", "offline")
        scene.bid(20_000)
        scene.web.start()

        expect(board.locator("[data-product] [data-field=paid]")).to_contain_text("$1.0500", timeout=20_000)
        assert is_same_page(board)


class TestOwnBids:
    @pytest.fixture
    def bids(self, page: Page, context, scene: Scene) -> Page:
        log_in(context, scene.person, scene.web.url)
        page.goto(f"{scene.web.url}/bids/")
        page.evaluate("document.body.dataset.same = 'page'")
        return page

    def test_appear_without_reloading(self, bids: Page, scene: Scene, complaints: list[str]) -> None:
        scene.bid(20_000, scene.buyer)

        expect(bids.locator("#bids")).to_contain_text("$2.0000")
        assert is_same_page(bids)
        assert complaints == []

    def test_are_announced_in_one_line_when_many_are_decided(self, bids: Page, scene: Scene) -> None:
        for kind in ("bid.won", "bid.won", "bid.lost"):
            append_event(organization_id=scene.buyer.pk, kind=kind, data={})
        scene.publisher.tick()

        expect(bids.locator("#toasts")).to_contain_text("2 bids won · 1 bid lost")

    def test_end_with_the_session_and_say_so(self, bids: Page, context, scene: Scene) -> None:
        expect(bids.locator("#bids")).to_be_visible()
        scene.person.set_password("another one")
        scene.person.save()
        append_event(organization_id=scene.buyer.pk, kind="bid.won", data={})
        scene.publisher.tick()

        expect(bids.locator("#toasts")).to_contain_text("You are signed out")
        expect(bids.locator("#toasts")).not_to_contain_text("bid won")
