"""Rows whose work raises, in one process: each waits longer and longer, so that they keep no others waiting.

A sweep takes the first rows that are due. Without this, as many as it takes, each of which raises every time, would be
all that it ever looks at. Kept in memory: a process that starts anew tries all of them at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

TOLD_AFTER_CALLS = 6
"""Half an hour of calls and look-ups of one payment or transfer: an outcome not known then is told to finance, once."""

FIRST_PAUSE_S = 2.0
MAX_DOUBLINGS = 11
"""At last a row is tried every 68 minutes."""


@dataclass
class Setbacks:
    """How often each row raised, and from when on it may be tried again; instants are seconds of any one clock.

    >>> setbacks = Setbacks()
    >>> setbacks.note(7, at=100.0)
    >>> setbacks.waiting(at=101.0), setbacks.waiting(at=102.0)
    ([7], [])
    """

    _by_row: dict[int, tuple[int, float]] = field(default_factory=dict)

    def note(self, row_id: int, *, at: float) -> None:
        """Note that a row's work raised."""
        n_before, _ = self._by_row.get(row_id, (0, 0.0))
        pause_s = FIRST_PAUSE_S * 2 ** min(n_before, MAX_DOUBLINGS)
        self._by_row[row_id] = (n_before + 1, at + pause_s)

    def forget(self, row_id: int) -> None:
        """Note that a row's work was done."""
        self._by_row.pop(row_id, None)

    def waiting(self, *, at: float) -> Collection[int]:
        """Return the rows that are not tried yet."""
        return [row_id for row_id, (_, until) in self._by_row.items() if at < until]
