"""The main job, as people do it: a seller lists, a buyer adds a card, bids, wins and is charged, finance sees it paid.

Three people, three browsers, one market that is really running: web, worker, Stripe sandbox, Postgres.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_django
from django.conf import global_settings
from playwright.sync_api import Browser, Page, expect

from accounts.models import Organization
from auctions.models import Award, Market
from marketplace.hours import HOUR, ceil_hour
from settlements.models import Settlement
from simulation.cast import BUYERS, DOMAIN, PASSWORD, SELLERS
from simulation.seed import seed_demo
from tests.browser.market import running_market

pytestmark = pytest.mark.django_db(transaction=True)
CADENCE = timedelta(seconds=40)
UNTIL_CLEARED_MS = 1.5 * CADENCE.total_seconds() * 1000


@pytest.fixture
def market(
    transactional_db: None, running_database_url: str, tmp_path: Path, settings: pytest_django.Settings
) -> Iterator[str]:
    settings.PASSWORD_HASHERS = (
        global_settings.PASSWORD_HASHERS
    )  # the web process checks passwords as in earnest
    seed_demo()
    Market.objects.exclude(slug="intraday").delete()
    Market.objects.update(cadence=CADENCE)
    with running_market(running_database_url, tmp_path) as address:
        yield address


def person(browser: Browser, address: str, role: str) -> Page:
    """Log somebody in through the login page and return their browser's page."""
    page = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}).new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(f"{role}@{DOMAIN}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1, name="Idle AI compute")).to_be_visible()
    return page


def list_a_block(page: Page) -> None:
    starts_at = ceil_hour(datetime.now(UTC)) + 3 * HOUR
    page.goto("/sell/blocks/new/")
    page.get_by_label("Site").select_option(label="Mesa One (US West)")
    page.get_by_label("Type").select_option(label="H100 SXM5 80 GB")
    page.get_by_label("Units").fill("16")
    page.get_by_label("Start (UTC)").fill(f"{starts_at:%Y-%m-%dT%H:00}")
    page.get_by_label("End (UTC)").fill(f"{starts_at + 4 * HOUR:%Y-%m-%dT%H:00}")
    page.get_by_label("Reserve price").fill("2.10")
    page.get_by_role("button", name="List").click()


def add_a_card(page: Page) -> None:
    page.goto("/payment-methods/")
    page.get_by_role("button", name="Add a card").click()
    page.locator("input[name=number]").fill("4242 4242 4242 4242")
    page.locator("input[name=exp_month]").fill("12")
    page.locator("input[name=exp_year]").fill("2034")
    page.locator("input[name=cvc]").fill("123")
    page.locator("button.primary").click()
    expect(page.get_by_text("Visa ending 4242").first).to_be_visible()


class TestFirstMarket:
    def test_a_block_is_listed_won_charged_and_seen_paid(self, browser: Browser, market: str) -> None:
        buyer = person(browser, market, "buyer")
        add_a_card(buyer)
        buyer.goto("/")
        expect(buyer.locator("[data-freshness]")).to_have_attribute("data-state", "live")
        expect(buyer.get_by_role("main")).not_to_contain_text("H100")

        seller = person(browser, market, "seller")
        list_a_block(seller)

        # The buyer's board shows it without a reload, at the seller's reserve.
        row = buyer.get_by_role("row").filter(has_text="H100 SXM5 80 GB")
        expect(row).to_be_visible(timeout=UNTIL_CLEARED_MS)
        expect(row.locator("[data-field=entry]")).to_contain_text("$2.1000")
        expect(row.locator("[data-field=paid]")).not_to_contain_text("$")

        ticket = buyer.context.new_page()
        ticket.goto("/markets/intraday/")
        ticket.get_by_role("main").get_by_role("link", name=re.compile("^Bid")).first.click()
        ticket.get_by_label("Units").fill("8")
        ticket.get_by_label("Price").fill("3.25")
        expect(ticket.get_by_text("$104.00")).to_be_visible()  # 8 GPUs × 4 h × $3.25, at most
        ticket.get_by_role("button", name="Review bid").click()
        ticket.get_by_role("button", name="Place bid").click()
        expect(ticket.get_by_text("In the book").first).to_be_visible()

        # The indicative price moves on the board: one bid alone would pay the reserve.
        expect(row.locator("[data-field=paid]")).to_contain_text("$2.1000")

        # The window freezes, closes and clears by itself, and the award appears.
        award = Award.objects
        ticket.goto("/awards/")
        expect(ticket.get_by_role("main")).to_contain_text("H100 SXM5 80 GB", timeout=UNTIL_CLEARED_MS)
        assert award.get().amount_ticks == 8 * 4 * 21_000

        # Charged by Stripe: $67.20, below the $104.00 that was held.
        ticket.goto("/settlements/")
        expect(ticket.get_by_role("main")).to_contain_text("$67.20")
        expect(ticket.get_by_role("main")).to_contain_text("Paid")
        settlement = Settlement.objects.get(organization=Organization.objects.get(name=BUYERS[0]))
        assert (settlement.status, settlement.amount_cents) == (Settlement.Status.PAID, 6720)

        finance = person(browser, market, "finance")
        finance.goto("/finance/settlements/")
        finance.get_by_role("row").filter(has_text=BUYERS[0]).get_by_role("link").first.click()
        main = finance.get_by_role("main")
        for shown in ("Paid", "$67.20", SELLERS[0].name, "Charge collected", "payment_intent.succeeded"):
            expect(main).to_contain_text(shown)
