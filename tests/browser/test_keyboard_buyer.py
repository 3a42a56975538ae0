"""A buyer with nothing but a keyboard: from the login page to a bid in the book, changed and cancelled again."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from auctions.models import Bid
from tests.browser import buying
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
MOST_TABS = 80
FOCUSED = """() => {
    const at = document.activeElement;
    return (at.labels?.[0]?.innerText ?? at.getAttribute("aria-label") ?? at.innerText ?? "").trim();
}"""
FOCUS_IS_SEEN = """() => {
    const look = getComputedStyle(document.activeElement);
    return look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0 || look.boxShadow !== "none";
}"""


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what is focused is called ``words``, as somebody does who cannot point."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).split("\n")[0] == words:
            assert page.evaluate(FOCUS_IS_SEEN), f"nothing shows that {words} has the focus"
            return
    raise AssertionError(f"{MOST_TABS} tabs do not lead to {words}")


def test_logs_in_bids_changes_and_cancels(browser: Browser, live_server: LiveServer) -> None:
    scene = buying.set_scene()
    page = browser.new_context(base_url=live_server.url).new_page()
    page.goto("/accounts/login/")
    tab_to(page, "Email")
    page.keyboard.type(scene.user.email)
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Idle AI compute, by the hour")

    tab_to(page, scene.first.window.market.name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(scene.first.window.market.name)
    tab_to(page, f"Bid on lot {scene.first.pk}")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-title")).to_be_visible()
    tab_to(page, "Units")
    page.keyboard.type("8")
    tab_to(page, "Price")
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-title")).to_have_text("Review your bid")
    tab_to(page, "Place bid")
    page.keyboard.press("Enter")
    expect(page.get_by_text("In the book").first).to_be_visible()
    bid = Bid.objects.get()

    page.goto("/bids/")
    tab_to(page, "Change")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")
    tab_to(page, "Price")
    page.keyboard.press("Control+A")
    page.keyboard.type("2.75")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Change bid")).to_be_visible()
    tab_to(page, "Change bid")
    page.keyboard.press("Enter")
    expect(page.get_by_text("was changed and took a new place in time")).to_be_visible()

    page.goto(f"/bids/{bid.pk}/cancel/")
    tab_to(page, "Cancel bid")
    page.keyboard.press("Enter")
    expect(page.get_by_text("was cancelled. What was held for it is free again")).to_be_visible()
    page.context.close()
