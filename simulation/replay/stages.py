"""Where a replay's time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Stage(StrEnum):
    """What a window goes through, in order; the value heads its column."""

    LISTING = "list"
    BIDDING = "bid"
    PHASES = "phases"
    CLEARING = "clear"
    SETTLING = "settle"
    CHARGING = "charge"


class Stopwatch:
    """Adds up the seconds spent in each stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(Stage, 0.0)

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - began
