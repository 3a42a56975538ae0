"""A window's way from schedule to close. Each step re-reads the row under the window's exclusive lock, asks the
database's clock whether the step is due, and is a no-op when it is not or was already taken."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery

from accounts.holds import release_holds
from accounts.models import DeskEvent
from accounts.stream import Happening, append_desk_event, append_events
from auctions.bridge import WindowBook, window_book
from auctions.engine import BookRefused
from auctions.engine.inclusion import window_seal
from auctions.engine.package.limits import fits
from auctions.matching import cut_matches, write_matches
from auctions.models import Bid, Indication, Lot, Market, Window
from auctions.publication import write_book
from auctions.sealing import SealBroken, root_of, sealed_bids
from auctions.supply import Offer, anything_uncovered, uncovered_offers
from auctions.terms import MAX_LOTS_PER_LEG
from inventory.models import Block
from inventory.policies import effective_reserve_ticks
from marketplace.db import LockSpace, database_now, lock_exclusive
from marketplace.hours import HOUR, floor_hour
from marketplace.jobs import defer_job
from marketplace.states import require_transition

logger = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FREEZE_SHARE = 10
"""The freeze takes the last 1/FREEZE_SHARE of a window, at most MAX_FREEZE."""
MAX_FREEZE = timedelta(minutes=10)
TOO_LATE = "Sparegrid was not there to clear it before delivery began, so nothing was sold and every hold is released."


class NotSealed(Exception):
    """A held window cannot be cleared any more, as it has no seal; the text says so, for people."""


def schedule_windows(*, now: datetime) -> int:
    """Make sure that each active market has its present window and the next one. Return how many were added.

    Windows of a market never overlap: after a change of cadence the first new one opens once the last old one closed.
    A market is read again under its lock before any is added: it may be changed or paused at the moment.
    """
    lacking = {window.market_id for window in _missing_windows(_active_markets(), now)}
    if not lacking:
        return 0
    with transaction.atomic(durable=True):
        locked = _active_markets().filter(pk__in=lacking).select_for_update(no_key=True, of=("self",))
        missing = _missing_windows(locked, now)
        Window.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def open_window(*, window_id: int) -> bool:
    """Open a scheduled window that is due, offer its lots, and schedule its freeze and its closing."""
    with transaction.atomic(durable=True):
        window, now = _enter(window_id)
        if window.status != Window.Status.SCHEDULED or now < window.opens_at:
            return False
        _move(window, Window.Status.OPEN)
        window.save(update_fields=["status"])
        _join_lots(window)
        defer_job(
            "auctions.freeze_window", key=f"freeze:{window_id}", at=window.freezes_at, window_id=window_id
        )
        defer_job("auctions.close_window", key=f"close:{window_id}", at=window.closes_at, window_id=window_id)
    return True


def join_lots(*, window_id: int) -> int:
    """Offer blocks listed since the window opened. Return how many lots joined."""
    if not anything_uncovered(Window.objects.get(pk=window_id)):
        return 0
    with transaction.atomic(durable=True):
        window, now = _enter(window_id)
        if window.phase_at(now) != Window.Status.OPEN:
            return 0
        return _join_lots(window)


def freeze_window(*, window_id: int) -> bool:
    """Freeze an open window that is due: from here lots and reserves stand still."""
    with transaction.atomic(durable=True):
        window, now = _enter(window_id)
        if window.status != Window.Status.OPEN or now < window.freezes_at:
            return False
        _freeze(window)
        window.save(update_fields=["status"])
    return True


def close_window(*, window_id: int) -> bool:
    """Close a window that is due: settle what its filters match, publish the seal over its book, defer its clearing.

    From here its book is final. A window that comes to its close only after delivery has begun is called off instead.
    """
    with transaction.atomic(durable=True):
        window, now = _enter(window_id)
        if window.status not in (Window.Status.OPEN, Window.Status.FROZEN) or now < window.closes_at:
            return False
        if now >= window.delivery_from:
            call_off(window, now=now, reason=TOO_LATE)
            return True
        if window.status == Window.Status.OPEN:
            _freeze(window)
        _move(window, Window.Status.CLOSED)
        write_matches(window)
        window.closed_at = now
        _seal(window)
        window.save(
            update_fields=[
                "status",
                "closed_at",
                "lots_per_filter",
                "bids_root",
                "book_sha256",
                "seal",
                "held_reason",
            ]
        )
        defer_job("auctions.clear_window", key=f"clear:{window_id}", window_id=window_id)
    return True


def cancel_window(*, window_id: int, reason: str) -> bool:
    """Cancel a window that has not cleared: every bid and hold is released, every unit returns to sale.

    Raise IllegalTransition if it has cleared or was cancelled before.
    """
    with transaction.atomic(durable=True):
        window, now = _enter(window_id)
        call_off(window, now=now, reason=reason)
    return True


def retry_held_window(*, window_id: int) -> bool:
    """Let the next sweep try to clear a held window again, once a person has seen to the reason. Raise NotSealed."""
    with transaction.atomic(durable=True):
        window, _ = _enter(window_id)
        if not window.held_reason:
            return False
        if not window.can_be_retried:
            raise NotSealed(
                f"Window {window_id} was not sealed at close, so its book could have been changed since: it cannot be "
                "tried again, only cancelled."
            )
        window.held_reason = ""
        window.save(update_fields=["held_reason"])
    return True


def call_off(window: Window, *, now: datetime, reason: str) -> None:
    """Cancel a window and give back all it held. Assumes a transaction that has locked it. Raise IllegalTransition."""
    _move(window, Window.Status.CANCELLED)
    window.cancelled_at = now
    window.cancelled_reason = reason
    window.save(update_fields=["status", "cancelled_at", "cancelled_reason"])
    release_lots(window)
    take_withdrawn_off_offer(window)
    _release_bids(window)
    Indication.objects.filter(window=window).delete()


def release_lots(window: Window) -> None:
    """Take the window's lots off offer and unfreeze what they held. Assumes a transaction."""
    _lock_blocks(window)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE inventory_blockhour h SET frozen_units = 0
              FROM auctions_lot lot
             WHERE lot.window_id = %s AND lot.on_offer AND h.block_id = lot.block_id
               AND h.hour >= lot.starts_at AND h.hour < lot.ends_at AND h.frozen_units > 0
            """,
            [window.pk],
        )
    Lot.objects.filter(window=window, on_offer=True).update(on_offer=False)


def take_withdrawn_off_offer(window: Window) -> None:
    """Take what the window did not sell of blocks withdrawn meanwhile off offer for good. Assumes a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE inventory_blockhour h SET offered_units = h.sold_units
              FROM auctions_lot lot
              JOIN inventory_block block ON block.id = lot.block_id AND block.status = 'withdrawn'
             WHERE lot.window_id = %s AND h.block_id = lot.block_id
               AND h.hour >= lot.starts_at AND h.hour < lot.ends_at
            """,
            [window.pk],
        )


def _active_markets() -> QuerySet[Market]:
    latest = Window.objects.filter(market=OuterRef("pk")).order_by("-closes_at").values("closes_at")[:1]
    markets = Market.objects.filter(status=Market.Status.ACTIVE)
    return markets.annotate(busy_until=Subquery(latest)).order_by("position", "id")


def _missing_windows(markets: Iterable[Any], now: datetime) -> list[Window]:
    """Return the present and the next windows of ``markets``, which know their ``busy_until``, that are not there."""
    due = [
        _window(market, opens_at)
        for market in markets
        for opens_at in _openings(market, now)
        if market.busy_until is None or opens_at >= market.busy_until
    ]
    known = set(
        Window.objects.filter(
            market__in={window.market_id for window in due}, opens_at__in={window.opens_at for window in due}
        ).values_list("market_id", "opens_at")
    )
    return [window for window in due if (window.market_id, window.opens_at) not in known]


def _openings(market: Market, now: datetime) -> list[datetime]:
    """Return when the market's present and next window open: whole cadences since the epoch."""
    present = EPOCH + (now - EPOCH) // market.cadence * market.cadence
    return [present, present + market.cadence]


def _window(market: Market, opens_at: datetime) -> Window:
    closes_at = opens_at + market.cadence
    delivery_from = floor_hour(closes_at + market.lead_from) + HOUR  # never the hour that begins as it closes
    return Window(
        market=market,
        opens_at=opens_at,
        freezes_at=closes_at - min(market.cadence / FREEZE_SHARE, MAX_FREEZE),
        closes_at=closes_at,
        delivery_from=delivery_from,
        delivery_to=delivery_from + (market.lead_to - market.lead_from),
    )


def _enter(window_id: int) -> tuple[Window, datetime]:
    lock_exclusive(LockSpace.WINDOW, window_id)
    now = database_now()
    return Window.objects.select_for_update(no_key=True).get(pk=window_id), now


def _move(window: Window, target: Window.Status) -> None:
    require_transition(Window.TRANSITIONS, window.status, target)
    window.status = target


def _join_lots(window: Window) -> int:
    offers = uncovered_offers(window)
    blocks = Block.objects.in_bulk({offer.block_id for offer in offers})
    Lot.objects.bulk_create(_lot(window, offer, blocks[offer.block_id]) for offer in offers)
    if offers:
        window.board_revision += 1
        window.save(update_fields=["board_revision"])
    return len(offers)


def _lot(window: Window, offer: Offer, block: Block) -> Lot:
    return Lot(
        window=window,
        block_id=offer.block_id,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        reserve_ticks=effective_reserve_ticks(block, window.freezes_at),
    )


def _freeze(window: Window) -> None:
    """Write down each lot's capacity, and commit those units to this window so that nobody disposes of them."""
    _move(window, Window.Status.FROZEN)
    _lock_blocks(window)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE inventory_blockhour h SET frozen_units = h.offered_units - h.sold_units
              FROM auctions_lot lot
             WHERE lot.window_id = %s AND lot.on_offer AND h.block_id = lot.block_id
               AND h.hour >= lot.starts_at AND h.hour < lot.ends_at
            """,
            [window.pk],
        )
        cursor.execute(
            """
            UPDATE auctions_lot lot SET capacity_units = hours.units
              FROM (SELECT l.id, array_agg(h.frozen_units ORDER BY h.hour) AS units
                      FROM auctions_lot l
                      JOIN inventory_blockhour h
                        ON h.block_id = l.block_id AND h.hour >= l.starts_at AND h.hour < l.ends_at
                     WHERE l.window_id = %s
                     GROUP BY l.id) hours
             WHERE lot.id = hours.id
            """,
            [window.pk],
        )


def _seal(window: Window) -> None:
    """Fix a closing window's bids, lots and matches by their hashes. One whose book cannot be written is held."""
    window.bids_root = root_of(sealed_bids(window))
    try:
        book = write_book(window, _book_that_fits(window).book)
    except (BookRefused, SealBroken) as error:
        logger.critical("window %s cannot be sealed and is held: %s", window.pk, error)
        window.held_reason = f"not sealed at close: {error}"[:500]
        append_desk_event(
            desk=DeskEvent.Desk.OPERATOR,
            kind="window.held",
            data={"window": window.pk, "message": window.held_reason},
        )
        return
    window.book_sha256 = sha256(book).hexdigest()
    window.seal = window_seal(window.bids_root, window.book_sha256)


def _book_that_fits(window: Window) -> WindowBook:
    """Read a closing window's book; one too large to clear loses lots of its filters, half of them at a time.

    A filter counts by the lots it matches when it is placed: many that join later must not keep a window from clearing.
    """
    source = window_book(window)
    most = MAX_LOTS_PER_LEG
    while most > 1 and not fits(source.book):
        most //= 2
        cut_matches(window, most=most)
        window.lots_per_filter = most
        source = window_book(window)
    if window.lots_per_filter is not None:
        logger.warning("window %s: each filter keeps its first %s lots, all are too many", window.pk, most)
    return source


def _lock_blocks(window: Window) -> None:
    """Lock the blocks behind the window's lots, in key order: a seller who withdraws one locks it before its hours."""
    blocks = Block.objects.filter(lots__window=window, lots__on_offer=True)
    list(
        Block.objects.select_for_update(no_key=True)
        .filter(pk__in=blocks.values("pk"))
        .order_by("pk")
        .values_list("pk")
    )


def _release_bids(window: Window) -> None:
    bids = list(Bid.objects.filter(window=window, status=Bid.Status.PLACED).order_by("id"))
    Bid.objects.filter(pk__in=[bid.pk for bid in bids]).update(status=Bid.Status.RELEASED)
    release_holds(references=[f"bid:{bid.pk}" for bid in bids])
    append_events(
        Happening(
            bid.organization_id,
            "bid.released",
            {"bid": bid.pk, "window": window.pk, "message": window.cancelled_reason},
        )
        for bid in bids
    )
