"""Add a version of the fee. There is no changing one: what was drawn up under it keeps it."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from settlements.models import FeePolicy


class FeeRejected(Exception):
    """The version cannot be added; ``field`` names what is wrong with it, the text says why, for people."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def add_fee_policy(
    *, market_id: int | None, bps: int, valid_from: datetime, note: str, by: User, now: datetime
) -> FeePolicy:
    """Add a version of the fee, of one market or (None) of all without one of their own. Raise FeeRejected."""
    if not 0 <= bps <= 10_000:
        raise FeeRejected("bps", "A fee is between 0 and 10,000 basis points.")
    if valid_from <= now:
        raise FeeRejected("valid_from", "A version begins in the future: the past keeps its fee.")
    try:
        with transaction.atomic(durable=True):
            return FeePolicy.objects.create(
                market_id=market_id, bps=bps, valid_from=valid_from, note=note, added_by=by
            )
    except IntegrityError as refused:
        text = str(refused)
        if "fee_policy_one_at_a_time" in text:
            raise FeeRejected("valid_from", "Another version begins at that very time.") from refused
        if "fee_policy_for_the_future" in text:
            raise FeeRejected("valid_from", "That time has passed. Choose a later one.") from refused
        raise
