"""A book as plain Python, read from its JSON form by a reader of this package's own.

Numbers are Python ints, so nothing here can overflow or round. Ids are strings from JSON, ints from arrays.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Set
from typing import Any, NamedTuple

from auctions.engine.verify.findings import Unreadable

Id = str | int
MAX_INPUT_BYTES = 180_000_000
MAX_CONTAINERS = 8_000_000
MAX_COMMAS = 32_000_000
MAX_NUMBER = 2**53
MAX_LOT_HOURS = 2_500_000


class Lot(NamedTuple):
    """`reserve` (ticks per unit-hour) and `capacity` (units) hold one number for each hour from `start`."""

    id: Id
    seller: Id
    step: int
    start: int
    end: int
    reserve: tuple[int, ...]
    capacity: tuple[int, ...]

    @property
    def hours(self) -> int:
        return self.end - self.start

    def cost(self, start: int, end: int) -> int:
        """Reserve of one unit over `[start, end)`, ticks."""
        return sum(self.reserve[start - self.start : end - self.start])


class Leg(NamedTuple):
    lots: tuple[Id, ...]
    units: int
    least: int
    earliest: int
    latest: int
    hours: int


class Option(NamedTuple):
    """`limit`: ticks per unit-hour where `priced`, else ticks for all of the option."""

    priced: bool
    limit: int
    legs: tuple[Leg, ...]


class Bid(NamedTuple):
    id: Id
    bidder: Id
    sequence: int
    options: tuple[Option, ...]


class Sheet(NamedTuple):
    """`bids` in the order of ties. `sha256`: of the canonical document; empty when it came from arrays."""

    rule: str
    lots: dict[Id, Lot]
    bids: dict[Id, Bid]
    sha256: str


def load_json(text: bytes) -> Any:
    """Parse JSON with every key once and no constants JSON does not have; raise `Unreadable`."""
    if len(text) > MAX_INPUT_BYTES:
        raise Unreadable("", f"longer than the limit of {MAX_INPUT_BYTES} bytes")
    if text.startswith(codecs.BOM_UTF8):
        raise Unreadable("", "begins with a byte order mark")
    if text.count(b"{") + text.count(b"[") > MAX_CONTAINERS:
        raise Unreadable("", f"more than the limit of {MAX_CONTAINERS} objects and lists")
    if text.count(b",") > MAX_COMMAS:
        raise Unreadable("", f"more than the limit of {MAX_COMMAS} commas")
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except RecursionError as error:
        raise Unreadable("", "nested too deeply") from error
    except Unreadable:
        raise
    except UnicodeDecodeError as error:
        raise Unreadable("", f"not UTF-8 at byte {error.start}") from error
    except ValueError as error:  # not JSON, or a number of thousands of digits
        raise Unreadable("", f"not JSON: {error}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Unreadable("", f"the key {json.dumps(repeated)} stands twice in one object")
    return members


def _no_constant(name: str) -> None:
    raise Unreadable("", f"{name} is not JSON")


def read_book(document: Any) -> Sheet:
    """Read a book in format 1; raise `Unreadable` naming the path of what is wrong."""
    _members(document, "", {"format", "rule", "hours", "lots", "bids"})
    if document["format"] != 1 or type(document["format"]) is not int:
        raise Unreadable("format", "must be 1")
    if document["rule"] not in ("core", "vcg"):
        raise Unreadable("rule", "must be core or vcg")
    hours = _number(document["hours"], "hours", least=1)
    sum_of_hours = 0
    lots: list[Lot] = []
    for row, lot in enumerate(_list(document["lots"], "lots")):
        lots.append(_read_lot(lot, f"lots[{row}]", hours, MAX_LOT_HOURS - sum_of_hours))
        sum_of_hours += lots[-1].hours
    lot_ids = {lot.id for lot in lots}
    bids = [
        _read_bid(bid, f"bids[{row}]", hours, lot_ids)
        for row, bid in enumerate(_list(document["bids"], "bids"))
    ]
    if len(lot_ids) != len(lots) or len({bid.id for bid in bids}) != len(bids):
        raise Unreadable("lots" if len(lot_ids) != len(lots) else "bids", "an id stands twice")
    return make_sheet(document["rule"], lots, bids, sha256_of_book(document))


def make_sheet(rule: str, lots: list[Lot], bids: list[Bid], sha256: str) -> Sheet:
    in_order = sorted(bids, key=lambda bid: (bid.sequence, bid.id))
    return Sheet(rule, {lot.id: lot for lot in lots}, {bid.id: bid for bid in in_order}, sha256)


def sha256_of_book(document: dict[str, Any]) -> str:
    """Hash of the document as written: lots by id, bids by (sequence, id), sorted keys, no spaces."""
    sorted_rows = dict(document)
    sorted_rows["lots"] = sorted(document["lots"], key=lambda lot: lot["id"])
    sorted_rows["bids"] = sorted(document["bids"], key=lambda bid: (bid["sequence"], bid["id"]))
    text = json.dumps(sorted_rows, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


_LOT = {"id", "seller", "units", "start", "end", "reserve"}
_LEG = {"lots", "units", "earliest", "latest", "hours"}


def _read_lot(lot: Any, path: str, hours: int, hours_left: int) -> Lot:
    _members(lot, path, _LOT, {"unit_step", "capacity"})
    start = _number(lot["start"], f"{path}.start")
    end = _number(lot["end"], f"{path}.end", least=start + 1, most=hours)
    if end - start > hours_left:
        raise Unreadable(path, f"with those before it spans more than {MAX_LOT_HOURS} lot-hours")
    units = _number(lot["units"], f"{path}.units", least=1)
    return Lot(
        _text(lot["id"], f"{path}.id"),
        _text(lot["seller"], f"{path}.seller"),
        _number(lot.get("unit_step", 1), f"{path}.unit_step", least=1),
        start,
        end,
        _hourly(lot["reserve"], f"{path}.reserve", end - start),
        _hourly(lot.get("capacity", units), f"{path}.capacity", end - start),
    )


def _hourly(numbers: Any, path: str, hours: int) -> tuple[int, ...]:
    if type(numbers) is not list:
        return (_number(numbers, path),) * hours
    if len(numbers) != hours:
        raise Unreadable(path, f"{len(numbers)} numbers for {hours} hours")
    return tuple(_number(number, path) for number in numbers)


def _read_bid(bid: Any, path: str, hours: int, lots: set[Id]) -> Bid:
    _members(bid, path, {"id", "bidder", "sequence", "options"})
    options = enumerate(_list(bid["options"], f"{path}.options", least=1))
    return Bid(
        _text(bid["id"], f"{path}.id"),
        _text(bid["bidder"], f"{path}.bidder"),
        _number(bid["sequence"], f"{path}.sequence"),
        tuple(_read_option(option, f"{path}.options[{row}]", hours, lots) for row, option in options),
    )


def _read_option(option: Any, path: str, hours: int, lots: set[Id]) -> Option:
    _members(option, path, {"legs"}, {"price", "value"})
    if ("price" in option) == ("value" in option):
        raise Unreadable(path, "needs either price or value")
    rows = _list(option["legs"], f"{path}.legs", least=1)
    legs = tuple(_read_leg(leg, f"{path}.legs[{row}]", hours, lots) for row, leg in enumerate(rows))
    if len(legs) > 1:
        for row, leg in enumerate(legs):
            if leg.least != leg.units or leg.hours != leg.latest - leg.earliest:
                raise Unreadable(f"{path}.legs[{row}]", "of several legs none may be divisible or flexible")
    limit = "price" if "price" in option else "value"
    return Option(limit == "price", _number(option[limit], f"{path}.{limit}"), legs)


def _read_leg(leg: Any, path: str, hours: int, lots: set[Id]) -> Leg:
    _members(leg, path, _LEG, {"min_units"})
    named = tuple(_text(lot, f"{path}.lots") for lot in _list(leg["lots"], f"{path}.lots", least=1))
    if not lots.issuperset(named) or len(set(named)) != len(named):
        raise Unreadable(f"{path}.lots", "names an unknown lot, or one twice")
    units = _number(leg["units"], f"{path}.units", least=1)
    earliest = _number(leg["earliest"], f"{path}.earliest")
    latest = _number(leg["latest"], f"{path}.latest", least=earliest + 1, most=hours)
    return Leg(
        named,
        units,
        _number(leg.get("min_units", units), f"{path}.min_units", least=1, most=units),
        earliest,
        latest,
        _number(leg["hours"], f"{path}.hours", least=1, most=latest - earliest),
    )


def _members(value: Any, path: str, required: Set[str], optional: Set[str] = frozenset()) -> None:
    if type(value) is not dict:
        raise Unreadable(path, "must be an object")
    if not required <= value.keys():
        raise Unreadable(path, f"lacks {', '.join(sorted(required - value.keys()))}")
    if not value.keys() <= required | optional:
        raise Unreadable(path, f"has the unknown key {json.dumps(min(value.keys() - required - optional))}")


def _number(value: Any, path: str, *, least: int = 0, most: int = MAX_NUMBER) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Unreadable(path, f"must be an integer from {least} to {most}")
    return value


def _text(value: Any, path: str) -> str:
    if type(value) is not str:
        raise Unreadable(path, "must be a string")
    return value


def _list(value: Any, path: str, *, least: int = 0) -> list[Any]:
    if type(value) is not list or len(value) < least:
        raise Unreadable(path, "must be a list" + (" that is not empty" if least else ""))
    return value
