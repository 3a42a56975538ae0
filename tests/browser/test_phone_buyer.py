"""The same buyer on a phone: by touch, and nothing wider than the screen."""

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser import buying

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "color_scheme": "dark",
}


def test_loses_learns_why_and_wins_the_next(browser: Browser, live_server: LiveServer) -> None:
    scene = buying.set_scene()
    page = buying.open_page(browser, scene, live_server.url, **PHONE)
    widths = []
    page.on("load", lambda loaded: widths.append(loaded.evaluate("document.documentElement.scrollWidth")))
    buying.lose_learn_and_win(page, scene)
    assert widths
    assert max(widths) <= 390
    page.context.close()
