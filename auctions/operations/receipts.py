"""Writing down at clearing why each winner pays what it pays."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from auctions.engine import Clearing
from auctions.engine.displaced import LotAmount, explain_amounts
from auctions.engine.package.parts import divisible_bids
from auctions.models import Lot, LotReceipt, Receipt, Window

logger = logging.getLogger(__name__)


def write_receipts(window: Window, lots: Mapping[int, Lot], clearing: Clearing) -> None:
    """Write each winner's receipt; ``clearing`` is in the rows of the window's own book. Assumes a transaction."""
    book = clearing.book
    payers = book.organization_id[clearing.payment_bidder].tolist()
    columns = zip(payers, clearing.payment.tolist(), clearing.vcg.tolist(), strict=True)
    receipts = Receipt.objects.bulk_create(
        Receipt(window=window, organization_id=payer, payment_ticks=payment, vcg_ticks=vcg)
        for payer, payment, vcg in columns
    )
    has_packages = not divisible_bids(book).all()
    receipt_of = {receipt.organization_id: receipt for receipt in receipts}
    LotReceipt.objects.bulk_create(
        (
            LotReceipt(
                receipt=receipt_of[book.organization_id[one.bidder]],
                lot=lots[book.lot_id[one.lot]],
                units=one.units,
                amount_ticks=one.amount,
                displaced=[
                    {"units": level.units, "ticks": level.amount, "is_reserve": level.is_reserve}
                    for level in one.displaced
                ],
            )
            for one in explain_amounts(clearing)
            if _adds_up(window, one, is_shared=has_packages)
        ),
        batch_size=2000,
    )


def _adds_up(window: Window, one: LotAmount, *, is_shared: bool) -> bool:
    """Say whether an explanation explains. Of a lot priced together with packages it need not, and is left out.

    Of any other it must; where it does not, whoever runs this is told.
    """
    explained = sum(level.amount for level in one.displaced)
    if explained != one.amount and not is_shared:
        logger.error(
            "window %s, lot row %s: %s ticks are paid, %s explained",
            window.pk,
            one.lot,
            one.amount,
            explained,
        )
    return explained == one.amount
