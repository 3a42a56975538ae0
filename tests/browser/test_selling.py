"""A seller plans: asks what a reserve would bring, lists every weekday night by keyboard, finds it in the calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from auctions.models import ProductPrice, Window
from inventory.models import Block
from marketplace.db import database_now
from tests.browser.conftest import log_in
from tests.factories import (
    AwardFactory,
    BlockFactory,
    LotFactory,
    MarketFactory,
    MembershipFactory,
    ResourceTypeFactory,
    SellerFactory,
    SiteFactory,
    WindowFactory,
)

FIRST = datetime.now(UTC).date() + timedelta(days=3)


@pytest.fixture
def seller(context, live_server):
    """A logged-in trader of a seller with a site, in a market where ten lots of its type have cleared."""
    membership = MembershipFactory(organization=SellerFactory())
    site = SiteFactory(organization=membership.organization, name="Ashburn 1")
    gpu, market = ResourceTypeFactory(name="Test H100", node_units=8), MarketFactory(name="Intraday")
    for hours in range(1, 11):
        at = database_now() - timedelta(hours=hours)
        window = WindowFactory(
            market=market,
            opens_at=at - timedelta(minutes=15),
            closes_at=at,
            status=Window.Status.CLEARED,
            cleared_at=at,
            surplus_ticks=0,
            revenue_ticks=0,
        )
        block = BlockFactory(site=SiteFactory(region=site.region), resource_type=gpu)
        lot = LotFactory(window=window, block=block, on_offer=False, capacity_units=[8, 8])
        AwardFactory(lot=lot, units=8, amount_ticks=16 * 20_000, value_ticks=16 * 30_000)
        ProductPrice.objects.create(
            window=window,
            resource_type=gpu,
            region=site.region,
            paid_ticks=20_000,
            sold_unit_hours=16,
            offered_unit_hours=16,
        )
    log_in(context, membership.user, live_server.url)
    return membership


def test_asks_lists_and_finds_it(page, seller, complaints):
    page.goto("/sell/blocks/new/")
    page.get_by_label("Site", exact=True).select_option(label="Ashburn 1 (US East)")
    page.get_by_label("Type", exact=True).select_option(label="Test H100")
    brief = page.locator("#reserve-brief")
    expect(brief).to_contain_text("Typically paid$2.0000")
    brief.get_by_role("link").click()

    expect(page.get_by_role("heading", name="Test H100, US East")).to_be_visible()
    expect(page.locator(".chart canvas")).to_be_visible()
    for label, typed in (
        ("Purchase price", "30000"),
        ("Life", "5"),
        ("Worth then", "10"),
        ("Power", "1000"),
        ("Electricity", "0.12"),
    ):
        page.get_by_label(label).fill(typed)
    page.get_by_role("button", name="Save costs").press("Enter")
    expect(page.get_by_text("below it, selling loses money")).to_be_visible()
    expect(page.locator("#reserves")).to_contain_text("most left")

    page.goto("/sell/blocks/recurring/")
    page.get_by_label("Site", exact=True).select_option(label="Ashburn 1 (US East)")
    page.get_by_label("Type", exact=True).select_option(label="Test H100")
    page.get_by_label("Units", exact=True).fill("16")
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
        page.get_by_label(day).press("Space")
    page.get_by_label("First day").fill(f"{FIRST}")
    page.get_by_label("Last day").fill(f"{FIRST + timedelta(days=6)}")
    page.get_by_label("Reserve price").fill("1.5")
    page.get_by_label("Reserve price").press("Enter")
    expect(page.get_by_role("heading", name="List 5 blocks?")).to_be_visible()
    assert not Block.objects.filter(site__organization=seller.organization).exists()
    page.get_by_role("button", name="List 5 blocks").press("Enter")
    expect(page.get_by_text("5 blocks are listed.")).to_be_visible()

    first = Block.objects.filter(site__organization=seller.organization).earliest("starts_at")
    day = first.starts_at.astimezone(UTC)
    page.goto(f"/sell/calendar/?day={day:%Y-%m-%d}")
    cell = page.get_by_role("link", name=f"0 of 32 unit-hours on {day:%a} {day.day} {day:%b}")
    cell.press("Enter")
    expect(page.get_by_role("link", name=f"Block {first.pk}")).to_be_visible()
    assert complaints == []


def test_needs_no_javascript(browser, live_server, seller, context):
    without = browser.new_context(
        java_script_enabled=False, base_url=live_server.url, storage_state=context.storage_state()
    )
    plain = without.new_page()
    plain.goto("/sell/blocks/new/")
    plain.get_by_role("link", name="What reserves would have come to on past lots").click()
    plain.get_by_label("Type", exact=True).select_option(label="Test H100")
    plain.get_by_label("Region", exact=True).select_option(label="US East")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator("#reserves")).to_contain_text("typical price")
    expect(plain.locator(".chart")).to_be_hidden()
    plain.goto("/sell/calendar/")
    expect(plain.get_by_role("heading", name="Capacity calendar")).to_be_visible()
    without.close()
