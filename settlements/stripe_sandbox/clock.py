"""The sandbox's only source of the machine's time. Stripe's own time may run ahead of it: see Store.ahead_s."""

import time


def now() -> float:
    """Seconds since the epoch, UTC."""
    return time.time()


def now_s() -> int:
    """Whole seconds since the epoch, as Stripe's `created` fields carry them."""
    return int(now())
