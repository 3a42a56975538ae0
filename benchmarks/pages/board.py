"""The board with 500 products and 5,000 open lots: server time and queries, beside the bare query for its lots.

    python -m benchmarks.pages.board [--products 500] [--lots 5000] [--rounds 20]

One window; each lot is a block of 24 hours with a row an hour; each product has an indication and 24 cleared prices.
The page is asked for through Django's test client (middleware, view, template, queries; no network), whole and as the
fragment that htmx fetches again. The limits are 100 ms (median) and 12 queries.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.database import describe, durable_database

LIMIT_MS = 100.0
LIMIT_QUERIES = 12
HOURS = 24
PAST_WINDOWS = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--lots", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    os.environ["ALLOWED_HOSTS"] = "testserver"
    with durable_database() as url:
        print(describe(url))
        fill(options.products, options.lots)
        measure(options.rounds)


def fill(n_products: int, n_lots: int) -> None:
    """Write a market with one open window and its past."""
    from django.db import connection

    from auctions.models import Indication, Lot, Market, ProductPrice, Window
    from inventory.models import Block, BlockHour, Region, ResourceType, Site
    from tests.factories import MarketFactory, SellerFactory, SiteFactory, UserFactory

    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    market = MarketFactory(name="Day-ahead", slug="day-ahead", status=Market.Status.PAUSED)
    from_, to = now + timedelta(days=1), now + timedelta(days=1, hours=HOURS)

    def window(status: Window.Status, opens_at: datetime, closes_at: datetime) -> Window:
        is_cleared = status == Window.Status.CLEARED
        return Window(
            market=market,
            status=status,
            opens_at=opens_at,
            freezes_at=closes_at - timedelta(minutes=5),
            closes_at=closes_at,
            delivery_from=from_,
            delivery_to=to,
            cleared_at=closes_at if is_cleared else None,
            surplus_ticks=0 if is_cleared else None,
            revenue_ticks=0 if is_cleared else None,
        )

    open_ = window(Window.Status.OPEN, now, now + timedelta(hours=2))
    open_.save()
    past = Window.objects.bulk_create(
        window(Window.Status.CLEARED, now - timedelta(hours=n + 1), now - timedelta(hours=n))
        for n in range(1, PAST_WINDOWS + 1)
    )
    regions = Region.values
    types = ResourceType.objects.bulk_create(
        ResourceType(slug=f"gpu-{n}", name=f"GPU {n:03}", kind="gpu", maker="Maker", node_units=8)
        for n in range(-(-n_products // len(regions)))
    )
    seller = SellerFactory()
    sites = [SiteFactory(organization=seller, region=region, fabric=Site.Fabric.NONE) for region in regions]
    products = [(kind, site) for kind in types for site in sites][:n_products]
    person = UserFactory()
    blocks = Block.objects.bulk_create(
        Block(
            site=site,
            resource_type=kind,
            units=64,
            unit_step=8,
            starts_at=from_,
            ends_at=to,
            reserve_ticks=20_000 + n,
            listed_by=person,
        )
        for n, (kind, site) in ((n, products[n % n_products]) for n in range(n_lots))
    )
    BlockHour.objects.bulk_create(
        (
            BlockHour(block=block, hour=from_ + timedelta(hours=hour), offered_units=64)
            for block in blocks
            for hour in range(HOURS)
        ),
        batch_size=10_000,
    )
    Lot.objects.bulk_create(
        Lot(window=open_, block=block, starts_at=from_, ends_at=to, reserve_ticks=block.reserve_ticks)
        for block in blocks
    )
    Indication.objects.bulk_create(
        Indication(
            window=open_,
            resource_type=kind,
            region=site.region,
            paid_ticks=21_000 + n,
            entry_ticks=21_500 + n,
            offered_units=64 * n_lots // n_products,
            n_lots=n_lots // n_products,
            revision=n,
        )
        for n, (kind, site) in enumerate(products)
    )
    ProductPrice.objects.bulk_create(
        ProductPrice(
            window=each,
            resource_type=kind,
            region=site.region,
            paid_ticks=20_000 + (n * 37 + each.pk * 101) % 5_000,
            sold_unit_hours=100,
            offered_unit_hours=200,
        )
        for each in past
        for n, (kind, site) in enumerate(products)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def measure(rounds: int) -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.factories import BuyerFactory, MembershipFactory

    buyer = Client()
    buyer.force_login(
        MembershipFactory(organization=BuyerFactory()).user,
        backend="django.contrib.auth.backends.ModelBackend",
    )

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM auctions_lot WHERE on_offer")
            cursor.fetchall()

    def ask(client: Client, query: str = "", **headers: str) -> Callable[[], None]:
        def work() -> None:
            answer = client.get(f"/{query}", headers=headers)
            assert answer.status_code == 200

        return work

    works = {
        "bare query, all lots on offer": bare,
        "board, anyone": ask(Client()),
        "board, a buyer": ask(buyer),
        "fragment, a buyer": ask(buyer, **{"HX-Request": "true"}),
        "one region": ask(buyer, "?region=us-east"),
        "no fabric (of lots)": ask(buyer, "?fabric=none"),
        "search": ask(buyer, "?q=GPU+01"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    queries = {}
    for turn in range(rounds + 2):
        for name, work in works.items():
            if not turn:
                with CaptureQueriesContext(
                    connection,
                ) as captured:
                    work()
                queries[name] = len(captured)
                continue
            started = time.perf_counter()
            work()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - started)
    reference = statistics.median(seconds["bare query, all lots on offer"])
    print(f"{'':<32}{'median ms':>10}{'max ms':>9}{'× bare':>8}{'queries':>9}")
    for name, each in seconds.items():
        median = statistics.median(each)
        late = "  over the limit" if median * 1000 > LIMIT_MS or queries[name] > LIMIT_QUERIES else ""
        row = f"{name:<32}{median * 1000:>10.1f}{max(each) * 1000:>9.1f}{median / reference:>8.1f}"
        print(f"{row}{queries[name]:>9}{late}")


if __name__ == "__main__":
    main()
