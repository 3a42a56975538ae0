"""A row of the board is drawn once for everybody, and anew when anything it says changes."""

import pytest
from django.test import Client

from auctions.models import Lot, Market
from auctions.templatetags.board import _draw
from inventory.models import ResourceType
from tests.factories import LotFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot() -> Lot:
    return LotFactory()


def board(client: Client) -> str:
    return client.get("/").content.decode()


def test_is_drawn_once(client: Client, lot: Lot) -> None:
    first = board(client)
    drawn = _draw.cache_info().misses
    assert board(Client()).count("<tr data-window") == first.count("<tr data-window") == 1
    assert _draw.cache_info().misses == drawn


def test_follows_its_type_market_and_reserve(client: Client, lot: Lot) -> None:
    board(client)
    ResourceType.objects.filter(pk=lot.block.resource_type_id).update(name="Renamed GPU")
    assert "Renamed GPU" in board(client)
    Market.objects.filter(pk=lot.window.market_id).update(slug="elsewhere")
    assert "/markets/elsewhere/?product=" in board(client)
    Lot.objects.filter(pk=lot.pk).update(reserve_ticks=12_345)
    assert "$1.2345" in board(client)
