"""A seller lists step by step without JavaScript: leaves, comes back, mends what is wrong, goes back after the end."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from inventory.models import Block
from tests.browser.conftest import log_in
from tests.factories import MembershipFactory, ResourceTypeFactory, SellerFactory, SiteFactory


def test_leaves_comes_back_and_lists_once(browser, live_server) -> None:
    membership = MembershipFactory(organization=SellerFactory())
    SiteFactory(organization=membership.organization, name="Ashburn 1")
    ResourceTypeFactory(name="Test H100", node_units=8)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.set_default_timeout(30_000)
    log_in(context, membership.user, live_server.url)
    page = context.new_page()
    main = page.get_by_role("main")

    page.goto("/sell/blocks/")
    main.get_by_role("link", name="List a block").first.click()
    main.get_by_label("Type").select_option(label="Test H100")
    main.get_by_label("Units").fill("12")
    main.get_by_role("button", name="Continue").click()
    expect(main.get_by_role("alert")).to_contain_text("list a multiple of 8 units")
    main.get_by_label("Units").fill("16")
    main.get_by_role("button", name="Continue").click()
    main.get_by_label("Site").select_option(label="Ashburn 1 (US East)")
    main.get_by_role("button", name="Keep and leave").click()

    main.get_by_role("link", name="Drafts").click()
    main.get_by_role("link", name="When it is idle").click()
    start = datetime.now(UTC).replace(minute=0) + timedelta(hours=30)
    main.get_by_label("Start (UTC)").fill(f"{start:%Y-%m-%dT%H:00}")
    main.get_by_label("End (UTC)").fill(f"{start + timedelta(hours=8):%Y-%m-%dT%H:00}")
    main.get_by_role("button", name="Continue").click()
    main.get_by_label("Reserve price").fill("1.95")
    main.get_by_role("button", name="Review").click()
    expect(main).to_contain_text("16 GPUs of Test H100")
    review = page.url
    main.get_by_role("button", name="List the block").click()
    expect(main).to_contain_text("is listed")

    page.goto(review)
    expect(main).to_contain_text("It was listed once")
    block = Block.objects.get()
    assert (block.units, block.n_hours, block.reserve_ticks) == (16, 8, 19_500)
    context.close()
