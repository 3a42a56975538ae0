"""A bidder checks an auction with nothing but what its pages offer: keeps its receipt, downloads, runs, compares."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Membership
from auctions.models import Bid
from tests.browser.conftest import log_in
from tests.factories import BuyerFactory, LotFactory, MembershipFactory
from tests.integration.auctions.conftest import close_and_clear
from tests.integration.auctions.pages import bid_on

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bid(transactional_db: None) -> Bid:
    """A bid of someone who is a member of its organization, in a window with rivals and several lots."""
    lot = LotFactory()
    others = [LotFactory(window=lot.window) for _ in range(2)]
    membership = MembershipFactory(organization=BuyerFactory(), role=Membership.Role.TRADER)
    bid = bid_on(lot, membership.organization, units=6, price_ticks=30_000)
    for price_ticks in (20_000, 15_000):
        for one in (lot, *others):
            bid_on(one, BuyerFactory(), units=4, price_ticks=price_ticks)
    return bid


def download(page: Page, link: str, into: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    path = into / download.value.suggested_filename
    download.value.save_as(path)
    return path


def run_engine(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "auctions.engine", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False)


def test_a_bidder_checks_an_auction(
    page: Page, context: BrowserContext, live_server, bid: Bid, tmp_path: Path, complaints: list[str]
) -> None:
    log_in(context, bid.organization.memberships.get().user, live_server.url)
    page.goto(f"/bids/{bid.pk}/")
    expect(page.get_by_text(bid.receipt_sha256)).to_be_visible()
    page.get_by_role("link", name="Check this auction").click()
    expect(page.get_by_text("Published the moment the window closes")).to_be_visible()

    window = close_and_clear(bid.window)

    page.reload()
    expect(page.get_by_text(window.bids_root)).to_be_visible()
    book = download(page, "Download the book", tmp_path)
    clearing = download(page, "Download the clearing", tmp_path)
    proof = download(page, "Download its proof", tmp_path)
    for published in (book, clearing):
        expect(page.get_by_text(sha256(published.read_bytes()).hexdigest())).to_be_visible()
    assert run_engine("clear", book).stdout == clearing.read_bytes()
    assert run_engine("verify", book, clearing).returncode == 0
    proven = run_engine("inclusion", proof, book)
    assert proven.returncode == 0
    assert window.bids_root in proven.stdout.decode()

    page.goto(f"/bids/{bid.pk}/")
    explained = page.get_by_role("region", name="What your units of lot")
    expect(explained.get_by_role("row", name="Other bids")).to_have_count(2)
    # the server of these tests speaks no WebSocket; the pages' feeds have tests of their own
    assert [complaint for complaint in complaints if "/ws/own/" not in complaint] == []
