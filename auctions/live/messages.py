"""The words on the wire: hints from the publisher to the hubs, and frames from the hubs to browsers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum

CHANNEL = "sparegrid_live"
HINT_BYTES_MAX = 7_900  # Postgres takes payloads under 8,000 bytes

STALE = '{"type":"stale"}'
"""The hub has lost sight of the database: what the page shows may be old."""


class CloseCode(IntEnum):
    """Why a socket was closed, where the page should say so; those below 4000 are the protocol's own."""

    NOT_UNDERSTOOD = 1008
    TOO_BIG = 1009
    FAILED = 1011
    TRY_LATER = 1013
    SIGNED_OUT = 4401
    NO_ORGANIZATION = 4403
    OTHER_ORGANIZATION = 4409
    TOO_MANY_SOCKETS = 4429


@dataclass(frozen=True, slots=True)
class Hint:
    """What one tick of the publisher changed. It says where to look, never what is there.

    ``windows``: which windows are on the board, or their phases. ``organizations``: the first sequence newly told, by
    organization; None where there were too many to name.
    """

    prices: bool
    windows: bool
    organizations: dict[int, int] | None

    def encode(self) -> str:
        """Return the payload of the notification."""
        text = json.dumps(asdict(self), separators=(",", ":"))
        if len(text) > HINT_BYTES_MAX:
            return replace(self, organizations=None).encode()
        return text

    @classmethod
    def decode(cls, payload: str) -> Hint:
        told = json.loads(payload)
        organizations = told["organizations"]
        if organizations is not None:
            organizations = {int(pk): first for pk, first in organizations.items()}
        return cls(prices=told["prices"], windows=told["windows"], organizations=organizations)

    @classmethod
    def merge(cls, hints: Iterable[Hint]) -> Hint:
        """Return one hint that leads to everything that ``hints`` lead to."""
        prices = windows = False
        firsts: dict[int, int] | None = {}
        for hint in hints:
            prices, windows = prices or hint.prices, windows or hint.windows
            if firsts is None or hint.organizations is None:
                firsts = None
                continue
            for pk, first in hint.organizations.items():
                firsts[pk] = min(first, firsts.get(pk, first))
        return cls(prices=prices, windows=windows, organizations=firsts)


def instant(moment: datetime) -> str:
    """Return ``moment`` (aware) as browsers read it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def beat(*, now: datetime, publishing: bool) -> str:
    """Return the frame that says the feed is alive, and whether anyone is computing prices."""
    return f'{{"type":"beat","server_time":"{instant(now)}","publishing":{json.dumps(publishing)}}}'


def own_snapshot(*, organization_id: int, seq: int) -> str:
    """Return the frame that tells a reader of an own feed where it stands; what came before is on the pages."""
    return f'{{"type":"snapshot","seq":{seq},"organization":{organization_id}}}'


def own_event(*, seq: int, kind: str, data_json: str, at: datetime) -> str:
    """Return the frame of one event; ``data_json`` is its data, already JSON."""
    return f'{{"type":"event","seq":{seq},"kind":{json.dumps(kind)},"data":{data_json},"at":"{instant(at)}"}}'
