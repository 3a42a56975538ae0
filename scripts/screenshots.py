"""make screenshots: a demo market of its own, people who trade in it, and pictures of the pages they see.

Nothing is staged but who does what: the market runs as `make run` runs it, in a throw-away database, and the pictures
are taken once a few windows have cleared. They are WebP, made by the browser itself: docs/images/*.webp.

    python -m scripts.screenshots [ADDRESS]    a demo market that runs at ADDRESS already, and one more window of it
"""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.chromium import chromium_path

CHECKOUT = Path(__file__).resolve().parent.parent
PICTURES = CHECKOUT / "docs" / "images"
DOMAIN, PASSWORD = "demo.sparegrid.example", "sparegrid"
VIEW: ViewportSize = {"width": 1280, "height": 800}
QUIET = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000
N_WINDOWS = 3
"""Windows of the intraday market to trade in: odds and advice are told from eight lots on."""
LONGEST_WINDOW_SECONDS = 150
TO_THE_TOP = """(heading) => {
    heading.style.scrollMarginTop = "1.5rem";
    heading.scrollIntoView();
}"""
TO_WEBP = """async (png) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${png}`;
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL("image/webp", 0.82).split(",")[1];
}"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    running, n_windows = (nullcontext(sys.argv[1]), 1) if sys.argv[1:] else (market(), N_WINDOWS)
    with running as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        camera = Camera(browser)
        buyer = person(browser, address, "buyer")
        add_a_card(buyer)
        won = trade(buyer, n_windows)
        of_a_buyer(camera, buyer, won)
        of_a_seller(camera, person(browser, address, "seller"))
        of_finance(camera, person(browser, address, "finance"))
        of_an_operator(camera, person(browser, address, "operator"))
        browser.close()


@contextmanager
def market() -> Iterator[str]:
    """Run everything on the database that DATABASE_URL names; give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "marketplace.serve"],
            cwd=CHECKOUT,
            env=os.environ
            | {"SPAREGRID_DATA_DIR": folder, "PORT": str(port), "DEMO": "true", "STRIPE_SECRET_KEY": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        heard = []
        for line in process.stdout:
            heard.append(line)
            if "Sparegrid runs at" in line:
                break
        else:
            raise SystemExit("The market ended before it ran:\n" + "".join(heard))
        # Nobody reads what else it says: a full pipe would stop it.
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            drain.wait(10)


class Camera:
    """Takes pictures of pages and keeps them small."""

    def __init__(self, browser: Browser) -> None:
        self._darkroom = browser.new_page()

    def shoot(self, page: Page, name: str, address: str = "") -> None:
        if address:
            page.goto(address)
        page.wait_for_load_state("networkidle")
        png = base64.b64encode(page.screenshot()).decode()
        picture = base64.b64decode(self._darkroom.evaluate(TO_WEBP, png))
        (PICTURES / f"{name}.webp").write_bytes(picture)
        say(f"{name}.webp, {len(picture) // 1024} KiB, {page.url}")


def person(browser: Browser, address: str, role: str) -> Page:
    context = browser.new_context(
        base_url=address, viewport=VIEW, color_scheme="light", reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(f"{role}@{DOMAIN}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1, name="Idle AI compute")).to_be_visible(timeout=PATIENCE_MS)
    return page


def add_a_card(page: Page) -> None:
    page.goto("/payment-methods/")
    if page.get_by_text("Visa ending 4242").count():
        return
    page.get_by_role("button", name="Add a card").click()
    for name, text in (
        ("number", "4242 4242 4242 4242"),
        ("exp_month", "12"),
        ("exp_year", "2034"),
        ("cvc", "123"),
    ):
        page.locator(f"input[name={name}]").fill(text)
    page.locator("button.primary").click()
    expect(page.get_by_text("Visa ending 4242").first).to_be_visible(timeout=PATIENCE_MS)


def trade(page: Page, n_windows: int) -> str:
    """Bid in a few windows, one after the other; return the address of a bid that won against others."""
    bids: list[str] = []
    for n in range(n_windows):
        bids += [address for ticket in tickets(page)[:3] if (address := bid(page, ticket))]
        if not bids:
            raise SystemExit("No bid was taken.")
        say(f"window {n + 1} of {n_windows}: {len(bids)} bids")
        wait_until_cleared(page, bids[-1])
    won = []
    for address in bids:
        page.goto(address)
        text = page.get_by_role("main").inner_text()
        if "Won" in text:
            won.append((len(text), address))
    if not won:
        raise SystemExit("No bid won.")
    return max(won)[1]


def tickets(page: Page) -> list[str]:
    """Wait for a window that has just opened; return the addresses of its tickets, those of H100s first."""
    until = time.monotonic() + 2 * LONGEST_WINDOW_SECONDS
    while time.monotonic() < until:
        page.goto("/markets/intraday/")
        main = page.get_by_role("main")
        rows = main.locator("tbody").filter(has_text="H100")
        if "Freezes in" in main.inner_text() and rows.count():
            links = [*rows.locator("a[href$='/bid/']").all(), *main.locator("a[href$='/bid/']").all()]
            return list(dict.fromkeys(str(link.get_attribute("href")) for link in links))
        page.wait_for_timeout(1000)
    raise SystemExit("No window with lots opened.")


def bid(page: Page, ticket: str) -> str:
    """Bid for one node of a lot at half again its reserve; return the bid's address, or nothing if it was refused."""
    page.goto(ticket)
    fill_ticket(page)
    page.get_by_role("button", name="Review bid").click()
    page.wait_for_timeout(1500)
    place = page.get_by_role("button", name="Place bid")
    if not place.count():
        say(f"refused at {ticket}: {page.get_by_role('main').inner_text()[:300]}")
        return ""
    place.click()
    expect(page.get_by_text("In the book").first).to_be_visible(timeout=PATIENCE_MS)
    page.goto("/bids/")
    return str(page.get_by_role("main").locator("tbody a[href^='/bids/']").first.get_attribute("href"))


def fill_ticket(page: Page) -> None:
    page.wait_for_load_state()
    text = page.get_by_role("main").inner_text()
    prices, nodes = re.findall(r"\$(\d+\.\d{4})", text), re.findall(r"in nodes of (\d+)", text)
    page.get_by_label("Units").fill(nodes[0] if nodes else "1")
    page.get_by_label("Price").fill(f"{float(prices[0]) * 1.5:.2f}")


def wait_until_cleared(page: Page, address: str) -> None:
    until = time.monotonic() + LONGEST_WINDOW_SECONDS
    while time.monotonic() < until:
        page.goto(address)
        if "In the book" not in page.get_by_role("main").inner_text():
            return
        page.wait_for_timeout(1000)
    raise SystemExit("The window did not clear.")


def of_a_buyer(camera: Camera, page: Page, won: str) -> None:
    page.goto(won)
    page.get_by_role("heading", name="What it won").evaluate(TO_THE_TOP)
    camera.shoot(page, "receipt")
    window = page.get_by_role("main").locator("a[href^='/windows/']").first.get_attribute("href")
    camera.shoot(page, "curves", f"{window}curves/")
    page.goto(tickets(page)[0])  # a ticket is there: windows are open
    camera.shoot(page, "board", "/")
    camera.shoot(page, "hours", "/markets/day-ahead/hours/")
    camera.shoot(page, "prices", "/prices/H100-SXM5-80GB/us-west/?span=14d")
    page.goto(tickets(page)[0])
    fill_ticket(page)
    page.keyboard.press("Tab")
    page.wait_for_timeout(1500)
    camera.shoot(page, "ticket")


def of_a_seller(camera: Camera, page: Page) -> None:
    page.goto("/sell/blocks/drafts/new/")
    page.get_by_label("Type").select_option(label="H100 SXM5 80 GB")
    page.get_by_label("Units").fill("64")
    go_on(page)
    page.get_by_label("Site").select_option(label="Mesa One (US West)")
    go_on(page)
    start = datetime.now(UTC).replace(minute=0) + timedelta(hours=30)
    page.get_by_label("Start (UTC)").fill(f"{start:%Y-%m-%dT%H:00}")
    page.get_by_label("End (UTC)").fill(f"{start + timedelta(hours=8):%Y-%m-%dT%H:00}")
    go_on(page)
    page.get_by_label("Reserve price").fill("1.95")
    page.keyboard.press("Tab")
    page.wait_for_timeout(1500)
    camera.shoot(page, "listing")
    camera.shoot(
        page, "advice", "/sell/reserve/?type=H100-SXM5-80GB&region=us-west&market=intraday&reserve=1.95"
    )
    camera.shoot(page, "selling", "/sell/")


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()


def of_finance(camera: Camera, page: Page) -> None:
    camera.shoot(page, "settlements", "/finance/settlements/")
    page.get_by_role("main").locator("tbody a[href^='/finance/settlements/']").first.click()
    camera.shoot(page, "settlement")


def of_an_operator(camera: Camera, page: Page) -> None:
    camera.shoot(page, "operate", "/operate/")
    camera.shoot(page, "markets", "/operate/markets/")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
