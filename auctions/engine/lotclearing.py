"""The outcome of the vectorised path as a clearing."""

from __future__ import annotations

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import Clearing
from auctions.engine.losers import explain_losers
from auctions.engine.lotbids import LotBids
from auctions.engine.vectorised import LotResult


def to_clearing(book: Book, bids: LotBids, result: LotResult) -> Clearing:
    lot = bids.lot[result.bid]
    value = bids.rate[result.bid] * result.steps * bids.lot_scale[lot]
    bidder, payment = _by_bidder(book.bid_bidder[result.bid], result.amount, len(book.organization_id))
    paid, marginal = unit_hour_prices(bids, result)
    length = np.diff(book.lot_hour_offset)
    loser_bid, loser_reason, loser_minimum = explain_losers(book, bids, result)
    return Clearing(
        book=book,
        status="optimal",
        gap=None,
        surplus=int(value.sum() - (result.lot_sold * bids.lot_reserve).sum()),
        revenue=int(result.amount.sum()),
        award_bid=result.bid,
        award_option=result.bid,  # the path takes one option, one leg and one lot per bid: their rows coincide
        award_leg=result.bid,
        award_lot=lot,
        award_units=result.steps * book.lot_unit_step[lot],
        award_start=book.lot_start[lot],
        award_end=book.lot_end[lot],
        award_value=value,
        award_amount=result.amount,
        payment_bidder=bidder,
        payment=payment,
        vcg=payment,
        price_paid=np.repeat(paid, length),
        price_marginal=np.repeat(marginal, length),
        price_sold=np.repeat(result.lot_sold * book.lot_unit_step, length),
        loser_bid=loser_bid,
        loser_reason=loser_reason,
        loser_minimum=loser_minimum,
    )


def unit_hour_prices(bids: LotBids, result: LotResult) -> tuple[Ints, Ints]:
    """Average paid, rounded down, and marginal price, rounded up, in ticks per unit-hour of each lot."""
    unit_hours = result.lot_sold * bids.lot_step_hours
    return result.lot_revenue // np.maximum(unit_hours, 1), -(-result.lot_marginal // bids.lot_step_hours)


def _by_bidder(bidder: Ints, amount: Ints, n_organizations: int) -> tuple[Ints, Ints]:
    """Rows of the bidders with an award, and the sum of what each pays. float64 sums below 2**53 are exact."""
    total = np.bincount(bidder, weights=amount, minlength=n_organizations)
    winning = np.flatnonzero(np.bincount(bidder, minlength=n_organizations))
    return winning, total[winning].astype(np.int64)
