"""What every page has: the shell, its scripts, and room for both on a phone. The style guide stands in."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import log_in
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.urls("marketplace.styleguide")
THEME = "document.documentElement.dataset.theme"
GROUND = "getComputedStyle(document.documentElement).backgroundColor"
DARK, LIGHT = "rgb(19, 19, 17)", "rgb(246, 245, 241)"


class TestTheme:
    def test_follows_the_system(self, page, complaints):
        page.goto("/")
        assert page.evaluate(GROUND) == LIGHT
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(GROUND) == DARK
        assert complaints == []

    def test_keeps_what_the_reader_chose(self, page):
        page.goto("/")
        page.get_by_role("radio", name="Dark").check()
        assert page.evaluate(GROUND) == DARK
        page.reload()
        assert page.evaluate(GROUND) == DARK
        expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        page.get_by_role("radio", name="System").check()
        assert page.evaluate(THEME) is None

    def test_offers_no_choice_without_javascript(self, browser, live_server):
        context = browser.new_context(
            java_script_enabled=False, color_scheme="dark", base_url=live_server.url
        )
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_role("radio", name="Dark")).to_be_hidden()
        context.close()


class TestRoom:
    @pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280, 1920])
    def test_no_page_scrolls_sideways(self, page, width):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto("/")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


class TestKeyboard:
    def test_reaches_the_content_first(self, page):
        page.goto("/")
        page.evaluate("document.activeElement.blur()")
        page.get_by_role("link", name="Skip to content").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_focused()

    def test_closes_a_menu_with_escape_and_returns_to_it(self, page, context, live_server):
        membership = MembershipFactory(user=UserFactory(name="Dana Okafor"))
        log_in(context, membership.user, live_server.url)
        page.goto("/")
        account = page.locator("summary", has_text="Dana Okafor")
        account.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text(membership.user.email)).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.get_by_text(membership.user.email)).to_be_hidden()
        expect(account).to_be_focused()


class TestCountdown:
    def test_ends_when_the_servers_clock_says_so(self, page):
        page.goto("/")
        countdown = page.locator("time[data-done='closed']").first
        expect(countdown).to_have_text(re.compile(r"^01:\d\d$"))
        page.evaluate(
            """() => {
                document.addEventListener("sparegrid:countdown-done", () => { document.title = "done"; });
                document.dispatchEvent(new CustomEvent("sparegrid:clock", { detail: Date.now() + 3600_000 }));
            }"""
        )
        expect(countdown).to_have_text("closed")
        expect(page).to_have_title("done")


class TestPrice:
    def test_moves_with_a_sign_and_a_word(self, page):
        page.goto("/")
        page.evaluate(
            """async () => {
                const { updatePrice } = await import("/static/js/price.js");
                updatePrice(document.querySelector("[data-price=demo]"), 23_400_100, -1_150);
            }"""
        )
        price = page.locator("[data-price=demo]")
        expect(price.locator("[data-price-value]")).to_have_text("$2,340.0100")
        expect(price.locator("[data-price-change]")).to_have_text("▼down $0.1150")
        expect(price.locator(".change--down")).to_be_visible()


class TestFailedRequest:
    def test_says_so(self, page, tolerated):
        tolerated += ["status of 404", "Response Status Error Code 404"]
        page.goto("/")
        page.evaluate("htmx.ajax('GET', '/nowhere/', { target: '#content', swap: 'none' })")
        expect(page.locator("#toasts")).to_contain_text("This is no longer there")
        page.locator("#toasts").get_by_role("button", name="Dismiss").click()
        expect(page.locator("#toasts .message")).to_have_count(0)
