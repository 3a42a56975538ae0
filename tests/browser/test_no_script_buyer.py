"""The same buyer with JavaScript off: every step is a page."""

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser import buying

pytestmark = pytest.mark.django_db(transaction=True)


def test_loses_learns_why_and_wins_the_next(browser: Browser, live_server: LiveServer) -> None:
    scene = buying.set_scene()
    page = buying.open_page(browser, scene, live_server.url, java_script_enabled=False)
    buying.lose_learn_and_win(page, scene)
    page.context.close()
