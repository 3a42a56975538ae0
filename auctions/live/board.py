"""The price board as every socket of this process sees it: one latest text per product and window.

Each change takes the next number. A socket is only a number, the last one it was sent, and what it lacks is every text
that is newer; so a slow reader skips steps, costs no memory, and readers at the same number share one frame.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from auctions.live.messages import instant

Key = TypeVar("Key")

ENDED_WINDOWS_KEPT = 100


@dataclass(frozen=True, slots=True)
class WindowState:
    """A window on the board, or one that has just left it (``phase`` cleared or cancelled)."""

    id: int
    market: str
    phase: str
    opens_at: datetime
    freezes_at: datetime
    closes_at: datetime

    def as_json(self) -> str:
        return json.dumps(
            {
                "id": self.id,
                "market": self.market,
                "phase": self.phase,
                "opens_at": instant(self.opens_at),
                "freezes_at": instant(self.freezes_at),
                "closes_at": instant(self.closes_at),
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class ProductRow:
    """The indicative price of a product in a window; prices are ticks per unit-hour."""

    window_id: int
    resource_type_id: int
    region: str
    paid_ticks: int | None
    entry_ticks: int | None
    offered_units: int
    n_lots: int
    is_estimate: bool

    @property
    def key(self) -> tuple[int, int, str]:
        return self.window_id, self.resource_type_id, self.region

    def as_json(self) -> str:
        return json.dumps(
            {
                "window": self.window_id,
                "product": f"{self.resource_type_id}:{self.region}",
                "paid": self.paid_ticks,
                "entry": self.entry_ticks,
                "offered": self.offered_units,
                "lots": self.n_lots,
                "estimate": self.is_estimate,
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class _Text:
    seq: int
    json: str


class Board:
    """The latest of everything, numbered; ``seq`` is the number of the last change."""

    def __init__(self) -> None:
        self.seq = 0
        self._windows: dict[int, _Text] = {}
        self._ended: dict[int, _Text] = {}
        self._rows: dict[tuple[int, int, str], _Text] = {}
        self._complete_since = 0
        self._deltas: dict[int, str] = {}
        self._snapshot_body: str | None = None

    @property
    def window_ids(self) -> Collection[int]:
        return self._windows.keys()

    def replace(self, *, on_board: Collection[WindowState], rows: Collection[ProductRow]) -> None:
        """Forget everything and take these; every socket will get a snapshot."""
        self._windows, self._ended, self._rows = {}, {}, {}
        self._step()
        self._complete_since = self.seq
        self._take(self._windows, {window.id: window.as_json() for window in on_board})
        self._take_rows(rows)

    def update(
        self,
        *,
        on_board: Collection[WindowState],
        ended: Collection[WindowState],
        rows: Collection[ProductRow],
    ) -> bool:
        """Take new or changed windows, those that left the board, and changed rows. Say whether anything is new."""
        self._step()
        new = [
            self._take(self._windows, {window.id: window.as_json() for window in on_board}),
            self._end({window.id: window.as_json() for window in ended}),
            self._take_rows(rows),
        ]
        if not any(new):
            self.seq -= 1  # nobody was told of it
        return any(new)

    def delta_since(self, seq: int) -> str | None:
        """Return what brings a socket at ``seq`` to the present; None when that cannot be told from there."""
        if not self._complete_since <= seq <= self.seq:
            return None
        if seq not in self._deltas:
            self._deltas[seq] = self._delta(seq)
        return self._deltas[seq]

    def snapshot(self, *, now: datetime) -> str:
        """Return everything, with the database's time."""
        if self._snapshot_body is None:
            rows = ",".join(text.json for text in self._rows.values())
            windows = ",".join(text.json for text in self._windows.values())
            self._snapshot_body = f'"rows":[{rows}],"windows":[{windows}]}}'
        head = f'{{"type":"snapshot","seq":{self.seq},"server_time":"{instant(now)}",'
        return head + self._snapshot_body

    def _step(self) -> None:
        self.seq += 1
        self._deltas = {}
        self._snapshot_body = None

    def _take_rows(self, rows: Collection[ProductRow]) -> bool:
        return self._take(
            self._rows, {row.key: row.as_json() for row in rows if row.window_id in self._windows}
        )

    def _take(self, texts: dict[Key, _Text], news: Mapping[Key, str]) -> bool:
        changed = {
            key: _Text(self.seq, text)
            for key, text in news.items()
            if key not in texts or texts[key].json != text
        }
        texts.update(changed)
        return bool(changed)

    def _end(self, ended: Mapping[int, str]) -> bool:
        for window_id, text in ended.items():
            self._windows.pop(window_id, None)
            self._ended[window_id] = _Text(self.seq, text)
        self._rows = {key: text for key, text in self._rows.items() if key[0] not in ended}
        while len(self._ended) > ENDED_WINDOWS_KEPT:
            oldest = self._ended.pop(next(iter(self._ended)))
            self._complete_since = oldest.seq
        return bool(ended)

    def _delta(self, seq: int) -> str:
        rows = ",".join(text.json for text in self._rows.values() if text.seq > seq)
        windows = ",".join(
            text.json for texts in (self._windows, self._ended) for text in texts.values() if text.seq > seq
        )
        return f'{{"type":"delta","seq":{self.seq},"prev":{seq},"rows":[{rows}],"windows":[{windows}]}}'
