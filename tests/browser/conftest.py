"""A real Chromium on a real server; tests/chromium.py finds the program."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from accounts.models import User
from tests.chromium import chromium_path

expect.set_options(timeout=30_000)  # a busy machine is slow and not wrong

QUIET = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# One browser for this folder and no longer: while Playwright runs, its event loop counts as running in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # That loop is why Django would refuse the database in this thread; no request is served by it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        yield browser
        browser.close()
    # With that loop gone the connection from before it is back: of a server that a test may have started anew since.
    connections.close_all()


@pytest.fixture
def tolerated() -> list[str]:
    """Parts of what a browser may complain of: a test that causes a failure adds what it looks like.

    Pages shown again with an error, and live_server, which speaks no WebSocket, are no failures.
    """
    return ["status of 422", "WebSocket"]


@pytest.fixture(autouse=True)
def no_complaints(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tolerated: list[str]
) -> Iterator[None]:
    """Fail every test whose pages made the browser complain, whichever window they were in."""
    if "browser" not in request.fixturenames:
        yield
        return
    browser = request.getfixturevalue("browser")
    heard: list[str] = []
    new_context = browser.new_context

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            heard.append(message.text)

    def listen(**looks: object) -> BrowserContext:
        context = new_context(**looks)
        context.on("console", hear)
        context.on("weberror", lambda failed: heard.append(str(failed.error)))
        return context

    monkeypatch.setattr(browser, "new_context", listen)
    yield
    unforeseen = [text for text in heard if not any(part in text for part in tolerated)]
    assert unforeseen == [], "the browser complained"


@pytest.fixture
def context(browser, live_server) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    yield context
    context.close()
    wait_for_the_server()


def wait_for_the_server() -> None:
    """Wait until nobody asks the database anything: a request under way would meet the TRUNCATE after the test."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
            )
            if cursor.fetchone() == (0,):
                return
            cursor.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("a request is under way and does not end")


@pytest.fixture
def page(context) -> Page:
    return context.new_page()


@pytest.fixture
def complaints(page) -> list[str]:
    """What the browser complained about: errors of scripts, files it could not load, what the CSP dropped."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def log_in(context: BrowserContext, user: User, url: str) -> None:
    """Give ``context`` a session of ``user`` without going through the login page."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}])
