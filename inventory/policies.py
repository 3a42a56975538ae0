"""What a block costs at least, and when."""

from datetime import datetime, timedelta

from inventory.models import Block
from marketplace.hours import HOUR


def effective_reserve_ticks(block: Block, at: datetime) -> int:
    """Return the block's reserve at ``at``, ticks per unit-hour, rounded down.

    Without a floor it is ``reserve_ticks``. With one it falls in a straight line, over the last ``decline_hours``
    before delivery starts, to ``floor_ticks``, and stays there.
    """
    if block.floor_ticks is None or block.decline_hours is None:
        return block.reserve_ticks
    span = block.decline_hours * HOUR
    left = min(max(block.starts_at - at, timedelta(0)), span)
    fall = block.reserve_ticks - block.floor_ticks
    return block.floor_ticks + fall * (left // timedelta(microseconds=1)) // (
        span // timedelta(microseconds=1)
    )
