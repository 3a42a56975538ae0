"""An organization's own feed as the hub keeps it: the newest events, already text, shared by its sockets.

A socket is a number here too. Unlike the board nothing may be skipped: one that has fallen behind what is kept reads
the rest from the database.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

EVENTS_KEPT = 256


class OwnFeed:
    """The tail of one organization's stream. ``last`` is the highest sequence known to exist, 0 until one is known."""

    def __init__(self, organization_id: int) -> None:
        self.organization_id = organization_id
        self.last = 0
        self._tail: deque[str] = deque(maxlen=EVENTS_KEPT)

    def extend(self, events: Iterable[tuple[int, str]]) -> None:
        """Take further events (sequence, frame), in order; what is known already is left out."""
        for sequence, frame in events:
            if sequence <= self.last:
                continue
            if sequence != self.last + 1:
                self._tail.clear()
            self._tail.append(frame)
            self.last = sequence

    def skip_to(self, last: int) -> None:
        """Learn that the stream reaches ``last``, without its events."""
        if last > self.last:
            self._tail.clear()
            self.last = last

    def since(self, sequence: int) -> list[str] | None:
        """Return the frames after ``sequence``; None when they are no longer all kept."""
        missing = self.last - sequence
        if missing > len(self._tail):
            return None
        return list(self._tail)[len(self._tail) - missing :] if missing > 0 else []
