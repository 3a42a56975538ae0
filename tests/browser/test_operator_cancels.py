"""An operator calls a window off with a reason; the buyer in it reads so, and has the hold back."""

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Hold
from auctions.models import Window
from tests.browser import buying
from tests.browser.conftest import log_in
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_cancels_a_window_that_has_a_bid(browser: Browser, live_server: LiveServer) -> None:
    scene = buying.set_scene()
    buyer = buying.open_page(browser, scene, live_server.url)
    number = buying.bid(buyer, scene.first, "2.50")

    context = browser.new_context(base_url=live_server.url)
    log_in(context, UserFactory(is_operator=True), live_server.url)
    operator = context.new_page()
    operator.goto("/operate/")
    operator.get_by_role("link", name=f"Cancel window {scene.first.window_id}").click()
    expect(operator.get_by_role("main")).to_contain_text("Its 1 bid and what they hold are released")

    operator.get_by_role("button", name="Cancel the window").click()  # no reason, no effect
    expect(operator.get_by_text("Say why: buyers and sellers will read it.", exact=True)).to_be_visible()
    assert Window.objects.get(pk=scene.first.window_id).status == Window.Status.OPEN

    operator.get_by_label("Reason").fill("The seller lost a cooling loop")
    operator.get_by_role("button", name="Cancel the window").click()
    expect(operator.get_by_role("main")).to_contain_text(f"Window {scene.first.window_id} is cancelled")
    assert Window.objects.get(pk=scene.first.window_id).status == Window.Status.CANCELLED

    buyer.goto(f"/bids/{number}/")
    expect(buyer.get_by_role("main")).to_contain_text("Released")
    buyer.goto(f"/windows/{scene.first.window_id}/")
    expect(buyer.get_by_role("main")).to_contain_text("The seller lost a cooling loop")
    assert not Hold.objects.filter(released_at=None).exists()
    for page in (buyer, operator):
        page.context.close()
