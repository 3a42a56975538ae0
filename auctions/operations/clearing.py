"""Clearing a closed window: the engine's result becomes awards, sold hours, prices and news, all in one transaction.

A worker that dies in the middle leaves nothing behind: the transaction is gone with it, the row still says CLOSED, and
the next sweep hands it to another.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

from django.db import OperationalError, connection, transaction

from accounts.holds import lower_holds
from accounts.models import DeskEvent
from accounts.stream import Happening, append_desk_event, append_events
from auctions.bridge import WindowBook, window_book
from auctions.engine import ENGINE_VERSION, NO_PRICE, REASONS, Book, Clearing, clear
from auctions.engine.verify import load_json, verify
from auctions.models import Award, Bid, Indication, LotPrice, ProductPrice, Window, WindowRecord
from auctions.operations.receipts import write_receipts
from auctions.operations.windows import TOO_LATE, call_off, release_lots, take_withdrawn_off_offer
from auctions.publication import in_rows_of, publish_book
from marketplace.db import database_now
from marketplace.hours import HOUR
from marketplace.money import cents_to_cover
from marketplace.states import require_transition

logger = logging.getLogger(__name__)

FINDINGS_TOLD = 3
"""Findings of a failed verification that the window's row and the log name."""


Engine = Callable[[Book], Clearing]
"""What clears a book; its word is not taken for it."""


class ClearingHeld(Exception):
    """The book is not the sealed one, the engine refused it, or the result does not hold. Nothing of it is written.

    The window stays CLOSED, with the reason on its row, and nobody is charged.
    """


class ClearingNotVerified(ValueError):
    """The clearing breaks the rule of the market, or its own arithmetic; the message names the findings."""


def clear_window(*, window_id: int, engine: Engine = clear) -> bool:
    """Clear a closed window. Return False if it is not closed or another worker is at it. Raise ClearingHeld.

    Once delivery has begun there is nothing left to sell as promised: the window is called off.
    """
    try:
        with transaction.atomic(durable=True):
            window = (
                Window.objects.select_for_update(skip_locked=True, no_key=True)
                .filter(pk=window_id, status=Window.Status.CLOSED, held_reason="")
                .first()
            )
            if window is None:
                return False
            now = database_now()
            if now >= window.delivery_from:
                call_off(window, now=now, reason=TOO_LATE)
            else:
                _clear(window, engine)
        return True
    except OperationalError:
        raise  # the database is away or broke a deadlock: nothing is wrong with the window, and the sweep comes again
    except Exception as error:
        _hold_window(window_id, error)
        raise ClearingHeld(f"window {window_id}: {error}") from error


def _clear(window: Window, engine: Engine) -> None:
    source = window_book(window)
    published = publish_book(window, source.book)
    public_clearing = engine(published.book)
    record = WindowRecord.of(window, book=published.text, clearing=f"{public_clearing.to_json()}\n".encode())
    _require_verified(record)
    clearing = in_rows_of(source.book, window, public_clearing)
    awards = _write_awards(window, source, clearing)
    _mark_bids(clearing)
    _mark_left_out(source)
    release_lots(window)
    _sell_hours(window, awards)
    _write_prices(window, source, clearing)
    write_receipts(window, source.lots, clearing)
    _lower_holds(source, clearing, awards)
    _tell(window, source, clearing, awards)
    Indication.objects.filter(window=window).delete()
    require_transition(Window.TRANSITIONS, window.status, Window.Status.CLEARED)
    window.status = Window.Status.CLEARED
    window.cleared_at = database_now()
    window.engine_version = ENGINE_VERSION
    window.clearing_status = clearing.status
    window.clearing_gap = clearing.gap
    window.surplus_ticks = clearing.surplus
    window.revenue_ticks = clearing.revenue
    window.save()
    record.save(force_insert=True)


def _require_verified(record: WindowRecord) -> None:
    """Check the very bytes that will be published, by code that shares nothing with what made them."""
    findings = verify(load_json(record.book), load_json(record.clearing))
    if findings:
        told = "; ".join(str(finding) for finding in findings[:FINDINGS_TOLD])
        raise ClearingNotVerified(f"verification found {len(findings)}: {told}")


def _write_awards(window: Window, source: WindowBook, clearing: Clearing) -> list[Award]:
    book = clearing.book
    columns = zip(
        book.bid_id[clearing.award_bid].tolist(),
        book.organization_id[book.bid_bidder[clearing.award_bid]].tolist(),
        clearing.award_leg.tolist(),
        book.lot_id[clearing.award_lot].tolist(),
        clearing.award_units.tolist(),
        clearing.award_start.tolist(),
        clearing.award_end.tolist(),
        clearing.award_value.tolist(),
        clearing.award_amount.tolist(),
        strict=True,
    )
    awards = []
    for bid_id, organization_id, leg, lot_id, units, start, end, value, amount in columns:
        lot = source.lots[lot_id]
        award = Award(
            window=window,
            organization_id=organization_id,
            bid_id=bid_id,
            leg_id=source.leg_ids[leg],
            lot=lot,
            units=units,
            starts_at=window.delivery_from + start * HOUR,
            ends_at=window.delivery_from + end * HOUR,
            value_ticks=value,
            reserve_cost_ticks=lot.reserve_ticks * units * (end - start),
            amount_ticks=amount,
        )
        awards.append(award)
    return Award.objects.bulk_create(awards, batch_size=2000)


def _mark_bids(clearing: Clearing) -> None:
    """Write each bid's result: won in full, won in part, or lost with the reason and the least that would have won."""
    book = clearing.book
    in_full = clearing.award_units == book.leg_units[clearing.award_leg]
    won = book.bid_id[clearing.award_bid]
    _set_status(Bid.Status.WON, won[in_full].tolist())
    _set_status(Bid.Status.PART_WON, won[~in_full].tolist())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE auctions_bid bid
               SET status = 'lost', loss_reason = result.reason, minimum_to_win_ticks = result.minimum
              FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS result (id, reason, minimum)
             WHERE bid.id = result.id
            """,
            [
                book.bid_id[clearing.loser_bid].tolist(),
                [REASONS[reason] for reason in clearing.loser_reason.tolist()],
                [None if least == NO_PRICE else least for least in clearing.loser_minimum.tolist()],
            ],
        )


def _mark_left_out(source: WindowBook) -> None:
    Bid.objects.filter(pk__in=source.left_out).update(
        status=Bid.Status.LOST, loss_reason=Bid.LossReason.CANNOT_FIT
    )


def _set_status(status: Bid.Status, bid_ids: list[int]) -> None:
    Bid.objects.filter(pk__in=bid_ids).update(status=status)


def _sell_hours(window: Window, awards: list[Award]) -> None:
    """Book the awarded units as sold. Of blocks withdrawn meanwhile, what was not sold is off offer for good."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE inventory_blockhour h SET sold_units = h.sold_units + sold.units
              FROM (SELECT lot.block_id, hour, sum(award.units) AS units
                      FROM auctions_award award
                      JOIN auctions_lot lot ON lot.id = award.lot_id
                     CROSS JOIN generate_series(award.starts_at, award.ends_at - interval '1 hour', '1 hour') AS hour
                     WHERE award.window_id = %s
                     GROUP BY lot.block_id, hour) sold
             WHERE h.block_id = sold.block_id AND h.hour = sold.hour
            """,
            [window.pk],
        )
    take_withdrawn_off_offer(window)


def _write_prices(window: Window, source: WindowBook, clearing: Clearing) -> None:
    book = clearing.book
    rows = []
    offered: dict[tuple[int, str], int] = defaultdict(int)
    sold: dict[tuple[int, str], int] = defaultdict(int)
    for index, lot_id in enumerate(book.lot_id.tolist()):
        lot = source.lots[lot_id]
        product = (lot.block.resource_type_id, lot.block.site.region)
        first, last = int(book.lot_hour_offset[index]), int(book.lot_hour_offset[index + 1])
        offered[product] += int(book.lot_capacity[first:last].sum())
        sold[product] += int(clearing.price_sold[first:last].sum())
        rows += [
            LotPrice(
                lot=lot,
                hour=lot.starts_at + (row - first) * HOUR,
                paid_ticks=int(clearing.price_paid[row]),
                marginal_ticks=int(clearing.price_marginal[row]),
                sold_units=int(clearing.price_sold[row]),
            )
            for row in range(first, last)
        ]
    LotPrice.objects.bulk_create(rows, batch_size=2000)
    revenue = _revenue_by_product(source, clearing)
    ProductPrice.objects.bulk_create(
        ProductPrice(
            window=window,
            resource_type_id=resource_type_id,
            region=region,
            paid_ticks=revenue[resource_type_id, region] // unit_hours if unit_hours else None,
            sold_unit_hours=unit_hours,
            offered_unit_hours=offered[resource_type_id, region],
        )
        for (resource_type_id, region), unit_hours in sorted(sold.items())
    )


def _revenue_by_product(source: WindowBook, clearing: Clearing) -> dict[tuple[int, str], int]:
    revenue: dict[tuple[int, str], int] = defaultdict(int)
    lot_ids = clearing.book.lot_id[clearing.award_lot].tolist()
    for lot_id, amount in zip(lot_ids, clearing.award_amount.tolist(), strict=True):
        block = source.lots[lot_id].block
        revenue[block.resource_type_id, block.site.region] += amount
    return revenue


def _lower_holds(source: WindowBook, clearing: Clearing, awards: list[Award]) -> None:
    """Keep for each bid what it won, and release the rest. Settlement takes the kept holds over."""
    owed_ticks = dict.fromkeys([*clearing.book.bid_id.tolist(), *source.left_out], 0)
    for award in awards:
        owed_ticks[award.bid_id] += award.amount_ticks
    lower_holds(amounts={f"bid:{bid_id}": cents_to_cover(ticks) for bid_id, ticks in owed_ticks.items()})


def _tell(window: Window, source: WindowBook, clearing: Clearing, awards: list[Award]) -> None:
    """Tell every bidder how its bid ended and every seller what it sold."""
    book = clearing.book
    happenings = [
        Happening(
            award.organization_id,
            "bid.won",
            {
                "bid": award.bid_id,
                "window": window.pk,
                "award": award.pk,
                "units": award.units,
                "amount_ticks": award.amount_ticks,
            },
        )
        for award in awards
    ]
    losers = [
        *zip(
            book.bid_id[clearing.loser_bid].tolist(),
            book.organization_id[book.bid_bidder[clearing.loser_bid]].tolist(),
            [REASONS[reason] for reason in clearing.loser_reason.tolist()],
            strict=True,
        ),
        *((bid_id, organization_id, "cannot_fit") for bid_id, organization_id in source.left_out.items()),
    ]
    happenings += [
        Happening(organization_id, "bid.lost", {"bid": bid_id, "window": window.pk, "reason": reason})
        for bid_id, organization_id, reason in losers
    ]
    happenings += [
        Happening(
            award.lot.block.site.organization_id,
            "block.sold",
            {
                "block": award.lot.block_id,
                "window": window.pk,
                "units": award.units,
                "amount_ticks": award.amount_ticks,
            },
        )
        for award in awards
    ]
    append_events(happenings)


def _hold_window(window_id: int, error: Exception) -> None:
    logger.critical("window %s cannot be cleared and is held: %s", window_id, error, exc_info=error)
    with transaction.atomic(durable=True):
        held = Window.objects.filter(pk=window_id, status=Window.Status.CLOSED)
        if held.update(held_reason=str(error)[:500]):
            append_desk_event(
                desk=DeskEvent.Desk.OPERATOR,
                kind="window.held",
                data={"window": window_id, "message": str(error)[:500]},
            )
