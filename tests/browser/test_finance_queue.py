"""Finance works through its queue without a mouse: moves, chooses, hands over after a question, keeps a view."""

import re

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import SavedView
from settlements.models import Settlement
from tests.factories import UserFactory
from tests.integration.settlements.steps import settlement_of
from tests.web import WebProcess

WAIT_MS = 30_000


@pytest.mark.django_db(transaction=True)
def test_by_keyboard_alone(browser: Browser, running_database_url: str) -> None:
    person = UserFactory(is_finance=True, name="Fay Moreau")
    client = Client()
    client.force_login(person)
    small, middle, large = (settlement_of(cents) for cents in (1_000, 2_000, 3_000))
    web = WebProcess(database_url=running_database_url, DEBUG="false")
    web.start()
    try:
        context = browser.new_context(base_url=web.url)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": web.url}])
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        _choose_two(page, large, middle)
        _hand_over(page, person.pk)
        _keep_a_view(page)
        context.close()
    finally:
        web.close()
    looked_after = Settlement.objects.filter(assignee=person).order_by("id")
    assert list(looked_after) == [middle, large]
    assert SavedView.objects.get(owner=person).query == "flag=unpaid&buyer=no-such-buyer"
    assert small.pk


def _choose_two(page: Page, first: Settlement, second: Settlement) -> None:
    page.goto("/finance/settlements/")
    for settlement in (first, second):
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=f"#{settlement.pk}", exact=True)).to_be_focused(timeout=WAIT_MS)
        page.keyboard.press("x")
    page.keyboard.press("k")
    expect(page.get_by_role("link", name=f"#{first.pk}", exact=True)).to_be_focused(timeout=WAIT_MS)
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2, timeout=WAIT_MS)


def _hand_over(page: Page, person_id: int) -> None:
    page.locator("form[action$='/assign/'] select").select_option(str(person_id))
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Hand over 2 settlements"))
    page.get_by_role("button", name=re.compile("Hand over")).click()
    expect(page.get_by_text("2 of 2 changed")).to_be_visible(timeout=WAIT_MS)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/finance/settlements/\d+/$"))


def _keep_a_view(page: Page) -> None:
    page.goto("/finance/settlements/?flag=unpaid")
    page.keyboard.press("/")
    expect(page.locator("#filters")).to_be_visible(timeout=WAIT_MS)
    page.get_by_label("Buyer").fill("no-such-buyer")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("buyer=no-such-buyer"))
    page.locator("details.queue-filter summary").click()
    page.get_by_label("Name").fill("Nothing")
    page.get_by_role("button", name="Keep this view").click()
    expect(page.get_by_role("link", name="Nothing")).to_have_attribute(
        "aria-current", "page", timeout=WAIT_MS
    )
