"""The board narrowed down: by words, kind, region, fabric and price, in an address that can be kept."""

import pytest
from django.test import Client

from auctions.models import Indication, Lot, Window
from inventory.models import Region, ResourceType, Site
from tests.factories import BlockFactory, LotFactory, ResourceTypeFactory, SiteFactory, WindowFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def window() -> Window:
    return WindowFactory(status=Window.Status.OPEN)


def lot(window: Window, name: str, *, units: int = 8, **site: str) -> Lot:
    resource_type = ResourceType.objects.filter(name=name).first() or ResourceTypeFactory(
        name=name, maker="Maker"
    )
    block = BlockFactory(
        resource_type=resource_type,
        site=SiteFactory(**site),
        units=units,
        unit_step=1,
        starts_at=window.delivery_from,
        reserve_ticks=10_000,
    )
    return LotFactory(window=window, block=block, reserve_ticks=10_000)


def shown(client: Client, **query: str) -> list[tuple[str, str, int, int]]:
    page = client.get("/", query)
    assert page.status_code == 200
    return [
        (row.resource_type.name, row.region, row.n_lots, row.offered_units)
        for section in page.context["sections"]
        for row in section.rows
    ]


class TestNarrowing:
    def test_by_words_region_and_kind(self, window: Window, client: Client) -> None:
        lot(window, "H100 SXM5 80 GB", region=Region.US_EAST)
        lot(window, "H100 SXM5 80 GB", region=Region.EU_NORTH)
        lot(window, "A100 SXM4 80 GB", region=Region.US_EAST)

        def names(**query: str) -> list[tuple[str, str]]:
            return [(name, region) for name, region, *_ in shown(client, **query)]

        assert names(q="h100") == [("H100 SXM5 80 GB", "eu-north"), ("H100 SXM5 80 GB", "us-east")]
        assert names(q="80 a100") == [("A100 SXM4 80 GB", "us-east")]
        assert names(q="h100", region="us-east") == [("H100 SXM5 80 GB", "us-east")]
        assert names(kind="model") == []
        assert len(names(kind="gpu")) == 3

    def test_by_fabric_counts_only_the_lots_that_have_it(self, window: Window, client: Client) -> None:
        lot(window, "H100", region=Region.US_EAST, fabric=Site.Fabric.INFINIBAND, units=8)
        lot(window, "H100", region=Region.US_EAST, fabric=Site.Fabric.NONE, units=24)

        assert shown(client) == [("H100", "us-east", 2, 32)]
        assert shown(client, fabric="infiniband") == [("H100", "us-east", 1, 8)]
        page = client.get("/", {"fabric": "infiniband"}).content.decode()
        assert 'data-field="offered"' not in page  # live updates count all of the product's lots
        assert 'data-field="paid"' in page

    def test_by_the_price_to_win_now_or_the_reserve_before_there_is_one(
        self, window: Window, client: Client
    ) -> None:
        cheap = lot(window, "Cheap", region=Region.US_EAST).block
        lot(window, "Unknown", region=Region.US_EAST)
        Indication.objects.create(
            window=window,
            resource_type=cheap.resource_type,
            region="us-east",
            paid_ticks=12_000,
            entry_ticks=12_500,
            offered_units=8,
            n_lots=1,
            revision=1,
        )

        assert [name for name, *_ in shown(client, price="1.2499")] == ["Unknown"]
        assert [name for name, *_ in shown(client, price="1.25")] == ["Cheap", "Unknown"]

    def test_leads_back_where_nothing_matches(self, window: Window, client: Client) -> None:
        lot(window, "H100", region=Region.US_EAST)

        page = client.get("/", {"q": "no such thing"}).content.decode()

        assert "Nothing on offer matches" in page
        assert 'value="no such thing"' in page

    @pytest.mark.parametrize(
        "query",
        [{"price": "cheap"}, {"region": "atlantis"}, {"kind": "x"}, {"q": "x" * 81}, {"fabric": "silk"}],
    )
    def test_shows_everything_and_names_the_field_that_is_wrong(
        self, window: Window, client: Client, query: dict[str, str]
    ) -> None:
        lot(window, "H100", region=Region.US_EAST)

        page = client.get("/", query)

        assert set(page.context["form"].errors) == set(query)
        assert len(shown(client, **query)) == 1

    def test_a_refreshed_fragment_keeps_the_filter(self, window: Window, client: Client) -> None:
        lot(window, "H100", region=Region.US_EAST)

        page = client.get("/", {"q": "h100"}).content.decode()

        assert 'hx-get="/?q=h100"' in page
