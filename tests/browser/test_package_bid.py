"""A bid with two ways to be filled, put together in a real browser, by pointer and by keyboard."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from auctions.models import Bid, Lot
from auctions.terms import LotFilter, terms_of
from tests.browser.conftest import log_in
from tests.factories import BuyerFactory, LotFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lot() -> Lot:
    return LotFactory()


@pytest.fixture
def trader(context: BrowserContext, live_server) -> User:
    user = MembershipFactory(organization=BuyerFactory()).user
    log_in(context, user, live_server.url)
    return user


def test_puts_a_bid_together_and_places_it(page: Page, lot: Lot, trader: User, complaints: list[str]) -> None:
    page.goto(f"/lots/{lot.pk}/bid/")
    page.get_by_role("link", name="More ways to fill this bid").click()
    first = page.locator("#option-0")
    first.get_by_label("Units").fill("8")
    first.get_by_label("Or fewer?").select_option("All or nothing")
    first.get_by_label("Hours in a row").fill("1")
    first.get_by_label("At most").fill("2.5")
    expect(page.locator("#cost")).to_contain_text("$20.00")  # worked out while typing

    page.get_by_role("button", name="Or: add an option").click()
    second = page.locator("#option-1")
    expect(second.get_by_label("Units")).to_have_value("8")
    expect(second.get_by_text("None ticked: any region")).to_be_hidden()
    second.get_by_label("On any lot like this").check()
    expect(second.get_by_text("None ticked: any region")).to_be_visible()
    second.get_by_label("At most").fill("1.5")
    second.get_by_label("At most").press("Enter")  # reviews, and takes nothing away

    expect(page.get_by_role("heading", level=1)).to_have_text("Review your bid")
    assert not Bid.objects.exists()
    page.get_by_role("button", name="Place bid").click()
    page.wait_for_url("**/bids/")

    cheap, matching = terms_of(Bid.objects.get()).options
    assert (cheap.price_ticks, cheap.legs[0].hours, cheap.legs[0].min_units) == (25_000, 1, 8)
    assert matching.legs[0].filter == LotFilter((lot.block.resource_type_id,), (lot.block.site.region,))
    assert [words for words in complaints if "WebSocket" not in words] == []
