"""The sandbox's only source of time."""

import time


def now() -> float:
    """Seconds since the epoch, UTC."""
    return time.time()


def now_s() -> int:
    """Whole seconds since the epoch, as Stripe's `created` fields carry them."""
    return int(now())
