"""A book and a clearing held as arrays, read column by column into the same plain Python as their JSON forms.

Only attributes are used, as the docstrings of `Book` and `Clearing` name them: nothing of the clearing's code runs.
"""

from __future__ import annotations

from typing import Any

from auctions.engine.verify.claims import REASONS, Award, Claim, Loser, Price
from auctions.engine.verify.sheets import Bid, Id, Leg, Lot, Option, Sheet, make_sheet

NO_PRICE = -1
"""How a `Clearing` writes a minimum that does not exist."""


def sheet_of_arrays(book: Any) -> Sheet:
    return make_sheet(book.rule, _lots(book), _bids(book), book.document_sha256)


def _lots(book: Any) -> list[Lot]:
    reserve, capacity = book.lot_reserve.tolist(), book.lot_capacity.tolist()
    first = book.lot_hour_offset.tolist()
    organization = book.organization_id.tolist()
    columns = zip(
        book.lot_id.tolist(),
        book.lot_seller.tolist(),
        book.lot_unit_step.tolist(),
        book.lot_start.tolist(),
        book.lot_end.tolist(),
        first[:-1],
        first[1:],
        strict=True,
    )
    return [
        Lot(lot, organization[seller], step, start, end, tuple(reserve[a:b]), tuple(capacity[a:b]))
        for lot, seller, step, start, end, a, b in columns
    ]


def _bids(book: Any) -> list[Bid]:
    options, organization = _options(book), book.organization_id.tolist()
    first = book.option_offset.tolist()
    columns = zip(
        book.bid_id.tolist(),
        book.bid_bidder.tolist(),
        book.bid_sequence.tolist(),
        first[:-1],
        first[1:],
        strict=True,
    )
    return [
        Bid(bid, organization[bidder], sequence, tuple(options[a:b]))
        for bid, bidder, sequence, a, b in columns
    ]


def _options(book: Any) -> list[Option]:
    legs, first = _legs(book), book.leg_offset.tolist()
    columns = zip(
        book.option_is_priced.tolist(), book.option_limit.tolist(), first[:-1], first[1:], strict=True
    )
    return [Option(priced, limit, tuple(legs[a:b])) for priced, limit, a, b in columns]


def _legs(book: Any) -> list[Leg]:
    lots, first = book.lot_id[book.leg_lot].tolist(), book.leg_lot_offset.tolist()
    columns = zip(
        first[:-1],
        first[1:],
        book.leg_units.tolist(),
        book.leg_min_units.tolist(),
        book.leg_earliest.tolist(),
        book.leg_latest.tolist(),
        book.leg_hours.tolist(),
        strict=True,
    )
    return [Leg(tuple(lots[a:b]), *numbers) for a, b, *numbers in columns]


def claim_of_arrays(clearing: Any) -> Claim:
    book = clearing.book
    bidders = book.organization_id[clearing.payment_bidder].tolist()
    return Claim(
        clearing.status,
        clearing.gap,
        clearing.surplus,
        clearing.revenue,
        _awards(clearing, book),
        dict(zip(bidders, clearing.payment.tolist(), strict=True)),
        dict(zip(bidders, clearing.vcg.tolist(), strict=True)),
        _prices(clearing, book),
        _losers(clearing, book),
    )


def _awards(clearing: Any, book: Any) -> list[Award]:
    columns = (
        book.bid_id[clearing.award_bid],
        clearing.award_option - book.option_offset[clearing.award_bid],
        clearing.award_leg - book.leg_offset[clearing.award_option],
        book.lot_id[clearing.award_lot],
        clearing.award_units,
        clearing.award_start,
        clearing.award_end,
        clearing.award_value,
        clearing.award_amount,
    )
    return [Award(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _prices(clearing: Any, book: Any) -> list[Price]:
    lot_hours: list[tuple[Id, int]] = [
        (lot, hour)
        for lot, start, end in zip(
            book.lot_id.tolist(), book.lot_start.tolist(), book.lot_end.tolist(), strict=True
        )
        for hour in range(start, end)
    ]
    numbers = (clearing.price_paid, clearing.price_marginal, clearing.price_sold)
    rows = zip(lot_hours, *(column.tolist() for column in numbers), strict=True)
    return [Price(lot, hour, *row) for (lot, hour), *row in rows]


def _losers(clearing: Any, book: Any) -> list[Loser]:
    columns = zip(
        book.bid_id[clearing.loser_bid].tolist(),
        clearing.loser_reason.tolist(),
        clearing.loser_minimum.tolist(),
        strict=True,
    )
    return [
        Loser(bid, REASONS[reason], None if least == NO_PRICE else least) for bid, reason, least in columns
    ]
