"""Pages left open heal by themselves: the web process or Postgres goes and comes back, the socket never opens at all.

Web, worker and Postgres are real processes. The badge says meanwhile that nothing is live; figures that changed in the
meantime arrive without a reload.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection, connections
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from auctions.models import Lot
from marketplace.postgres import EmbeddedCluster
from tests.browser import buying
from tests.browser.conftest import log_in
from tests.web import WebProcess
from tests.workers import worker

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST_SECONDS = 30
AT_RESERVE = "$1.0000"  # what one bidder alone would pay; before anybody bids there is no price
LOADED = "window.loadedOnce = true"


@pytest.fixture
def web(transactional_db: None, running_database_url: str) -> Iterator[WebProcess]:
    web = WebProcess(database_url=running_database_url)
    with worker(running_database_url) as process:
        web.start()
        yield web
        web.close()
        assert process.poll() is None
        process.terminate()
        assert process.wait(LONGEST_SECONDS) == 0


@pytest.fixture
def scene(transactional_db: None) -> buying.Scene:
    return buying.set_scene()


@pytest.fixture
def buyer(
    browser: Browser, web: WebProcess, scene: buying.Scene, tolerated: list[str]
) -> Iterator[BrowserContext]:
    # What cannot be answered meanwhile is what these tests are about.
    tolerated += ["Failed to load resource", "Response Status Error", "htmx:", "ERR_"]
    context = browser.new_context(base_url=web.url)
    context.set_default_timeout(LONGEST_SECONDS * 1000)
    log_in(context, scene.user, web.url)
    yield context
    context.close()


def badge(page: Page) -> Locator:
    return page.locator("[data-freshness]")


def expect_live(page: Page) -> None:
    expect(badge(page)).to_have_attribute("data-state", "live")
    expect(badge(page)).to_have_text("Live", use_inner_text=True)


def expect_not_live(page: Page) -> None:
    expect(badge(page)).to_have_attribute("data-state", "offline")
    expect(badge(page)).to_have_text(re.compile(r"^Not live, as of \d\d:\d\d:\d\d UTC$"), use_inner_text=True)


def price(page: Page, lot: Lot) -> Locator:
    """What winners of the lot's window would pay now."""
    return page.locator(f"[data-window='{lot.window_id}'] [data-field=paid]").first


def open_pages(buyer: BrowserContext, lot: Lot) -> list[Page]:
    """Open the board and the page of the lot's market, and let both be live and remember that they were loaded."""
    pages = [buyer.new_page(), buyer.new_page()]
    for page, address in zip(pages, ("/", f"/markets/{lot.window.market.slug}/"), strict=True):
        page.goto(address)
        expect_live(page)
        page.evaluate(LOADED)
    return pages


def test_a_web_process_that_comes_back(buyer: BrowserContext, web: WebProcess, scene: buying.Scene) -> None:
    lot = scene.first
    pages = open_pages(buyer, lot)

    web.stop()
    for page in pages:
        expect_not_live(page)
    buying.rival_bids(lot, price_ticks=20_000)
    web.start()

    for page in pages:
        expect(price(page, lot)).to_contain_text(AT_RESERVE)
        expect_live(page)
        assert page.evaluate("window.loadedOnce")


def test_a_postgres_that_comes_back(
    buyer: BrowserContext, own_database_server: EmbeddedCluster, scene: buying.Scene
) -> None:
    lot = scene.first
    pages = open_pages(buyer, lot)

    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # a throw-away server ends like one that crashed
    connections.close_all()
    own_database_server.stop()
    for page in pages:
        expect_not_live(page)
    own_database_server.start(die_with_us=True)
    buying.rival_bids(lot, price_ticks=20_000)

    for page in pages:
        expect(price(page, lot)).to_contain_text(AT_RESERVE)
        expect_live(page)
        assert page.evaluate("window.loadedOnce")


def test_a_socket_that_is_blocked(buyer: BrowserContext, scene: buying.Scene) -> None:
    lot = scene.first
    page = buyer.new_page()
    page.route_web_socket("**/ws/**", lambda socket: socket.close())
    page.clock.install()
    page.goto("/")
    page.evaluate(LOADED)
    expect_not_live(page)

    buying.rival_bids(lot, price_ticks=20_000)
    for _ in range(LONGEST_SECONDS):
        page.clock.run_for(31_000)  # the page asks every 30 s
        if AT_RESERVE in price(page, lot).inner_text():
            break
        page.wait_for_timeout(200)

    expect(price(page, lot)).to_contain_text(AT_RESERVE)
    expect_not_live(page)
    assert page.evaluate("window.loadedOnce")
