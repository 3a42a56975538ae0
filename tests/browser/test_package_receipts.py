"""A package that wins and one that loses, on a running market: both ask why, and read what adds up.

`SHOTS=/tmp/shots pytest tests/browser/test_package_receipts.py` keeps pictures of what they see.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_django
from django.conf import global_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Organization
from auctions.models import Bid, Lot, Market, Window
from auctions.operations.bids import place_bid
from tests.browser.market import running_market
from tests.factories import PASSWORD, BuyerFactory, LotFactory, MembershipFactory
from tests.integration.auctions.conftest import turn_clock_past_close
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_MS = 60_000
VIEWS = {"light": ("light", 1280), "dark": ("dark", 390), "phone": ("light", 390)}


@pytest.fixture
def market(
    transactional_db: None, running_database_url: str, tmp_path: Path, settings: pytest_django.Settings
) -> Iterator[str]:
    settings.PASSWORD_HASHERS = (
        global_settings.PASSWORD_HASHERS
    )  # the web process checks passwords as in earnest
    with running_market(running_database_url, tmp_path) as address:
        yield address


@pytest.fixture
def lots(market: str) -> list[Lot]:
    """Two lots of one window of a market that opens no other meanwhile."""
    first = LotFactory(window__market__cadence=timedelta(days=1))
    Market.objects.filter(pk=first.window.market_id).update(status=Market.Status.PAUSED)
    return [first, LotFactory(window=first.window)]


def trader(browser: Browser, address: str) -> tuple[BrowserContext, Organization]:
    membership = MembershipFactory(organization=BuyerFactory())
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(membership.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1, name="Idle AI compute")).to_be_visible()
    return context, membership.organization


def place_package(page: Page, lots: list[Lot], dollars: str) -> None:
    """Put a bid for all units of all lots together through the pages, at a value for the whole."""
    page.goto(f"/lots/{lots[0].pk}/bid/more/")
    for _ in lots[1:]:
        page.get_by_role("button", name=re.compile("^And")).click()
    for row, lot in enumerate(lots):
        leg = page.locator(f"#option-0-leg-{row}" if len(lots) > 1 else "#option-0")
        leg.get_by_role("textbox", name="Lots").fill(str(lot.pk))
        leg.get_by_label("Units").fill("8")
        if len(lots) == 1:
            leg.get_by_label("Or fewer?").select_option("All or nothing")
    page.locator("#option-0").get_by_label("You would pay").select_option("value")
    page.locator("#option-0").get_by_label("At most").fill(dollars)
    page.get_by_role("button", name="Review bid").click()
    page.get_by_role("button", name="Place bid").click()
    page.wait_for_url("**/bids/")


def picture(page: Page, name: str) -> None:
    if "SHOTS" not in os.environ:
        return
    for view, (scheme, width) in VIEWS.items():
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}-{view}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_both_read_why(browser: Browser, market: str, lots: list[Lot]) -> None:
    (losing, loser), (winning, winner) = trader(browser, market), trader(browser, market)
    page = losing.new_page()
    place_package(page, lots, "150")
    place_package(winning.new_page(), lots[:1], "100")
    place_bid(
        organization=BuyerFactory(),
        placed_by=None,
        window_id=lots[0].window_id,
        terms=bid_of(option(leg_on(lots[1], units=8, min_units=8), value=1_000_000)),
    )
    turn_clock_past_close(lots[0].window)

    lost = Bid.objects.get(organization=loser)
    page.goto(f"/bids/{lost.pk}/")
    expect(page.get_by_role("heading", name="What would have won")).to_be_visible(timeout=PATIENCE_MS)
    assert Window.objects.get(pk=lots[0].window_id).status == Window.Status.CLEARED
    picture(page, "lost-before")
    page.get_by_role("button", name="Work it out").click()
    # The answer comes by itself, without a reload: the worker finds it and the stream tells.
    # What the two others offer would do: it came first, and ties go to the earlier.
    expect(page.get_by_text("$200.0000 for the whole", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    picture(page, "lost-after")

    # And without JavaScript, by loading the page again.
    won = Bid.objects.get(organization=winner)
    plain = browser.new_context(
        base_url=market, java_script_enabled=False, storage_state=winning.storage_state()
    )
    page = plain.new_page()
    page.goto(f"/bids/{won.pk}/")
    page.get_by_role("button", name="Work it out").click()
    for _ in range(100):
        if page.get_by_role("table", name="Your second price").is_visible():
            break
        page.wait_for_timeout(200)
        page.goto(f"/bids/{won.pk}/")
    expect(page.get_by_role("table", name="Your second price")).to_contain_text("Other bid 2")
    expect(page.get_by_role("table", name="The group without you")).to_contain_text("Group bid 1")
    expect(page.get_by_role("main")).to_contain_text("$75.0000")
    picture(page, "won-after")
    page.goto(f"/windows/{won.window_id}/check/")
    picture(page, "check")
    page.goto(f"/windows/{won.window_id}/")
    picture(page, "window")
