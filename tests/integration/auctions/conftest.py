"""An open window with one lot, and two buyers who want it."""

from dataclasses import dataclass

import pytest
from django.db.models import F

from accounts.models import Organization, User
from auctions.models import Lot, Window
from auctions.operations.clearing import clear_window
from auctions.operations.windows import close_window
from marketplace.db import database_now
from tests.factories import BuyerFactory, LotFactory, UserFactory


@dataclass(frozen=True)
class Auction:
    window: Window
    lot: Lot
    buyer: Organization
    rival: Organization
    trader: User


@pytest.fixture
def auction(db: None) -> Auction:
    """Eight units for two hours at a reserve of $1.0000, open for another ten minutes."""
    lot = LotFactory()
    return Auction(lot.window, lot, BuyerFactory(), BuyerFactory(), UserFactory())


@pytest.fixture
def transactional_auction(transactional_db: None) -> Auction:
    """The same, committed, so that other connections see it."""
    lot = LotFactory()
    return Auction(lot.window, lot, BuyerFactory(), BuyerFactory(), UserFactory())


def turn_clock_past_freeze(window: Window) -> None:
    """Shift the window's phases so that, by the database's clock, it has just frozen."""
    _shift(window, "freezes_at")


def turn_clock_past_close(window: Window) -> None:
    """Shift the window's phases so that, by the database's clock, it has just closed."""
    _shift(window, "closes_at")


def close_and_clear(window: Window) -> Window:
    turn_clock_past_close(window)
    assert close_window(window_id=window.pk)
    assert clear_window(window_id=window.pk)
    window.refresh_from_db()
    return window


def _shift(window: Window, phase: str) -> None:
    by = database_now() - getattr(window, phase)
    Window.objects.filter(pk=window.pk).update(
        opens_at=F("opens_at") + by, freezes_at=F("freezes_at") + by, closes_at=F("closes_at") + by
    )
    window.refresh_from_db()
