"""Format 1: a book read from JSON, strictly.

Shape and types are checked here; the columns go to `Book.from_arrays`, which checks what they mean.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Set
from typing import Any

from auctions.engine.book import Book
from auctions.engine.checks import first_duplicate, quote
from auctions.engine.errors import (
    MAX_BOOK_BYTES,
    MAX_COMMAS,
    MAX_CONTAINERS,
    MAX_DOCUMENT_LOT_HOURS,
    MAX_EXACT,
    MAX_HOURS,
    BookRefused,
)
from auctions.engine.writing import FORMAT, book_sha256, book_to_document, canonical_json, document_sha256

__all__ = [
    "FORMAT",
    "book_from_document",
    "book_from_json",
    "book_sha256",
    "book_to_document",
    "canonical_json",
    "load_document",
]

_BOOK_KEYS = {"format", "rule", "hours", "lots", "bids"}
_LOT_KEYS = {"id", "seller", "units", "start", "end", "reserve"}
_LOT_OPTIONAL = {"unit_step", "capacity"}
_BID_KEYS = {"id", "bidder", "sequence", "options"}
_LEG_KEYS = {"lots", "units", "earliest", "latest", "hours"}


def book_from_json(text: bytes) -> Book:
    """Read a book from the bytes of a JSON document; raise `BookRefused` naming the path of what is wrong."""
    return book_from_document(load_document(text))


def load_document(text: bytes) -> Any:
    """Parse UTF-8 JSON of at most `MAX_BOOK_BYTES`; what its numbers and keys may be is for the reader to say."""
    if len(text) > MAX_BOOK_BYTES:
        raise BookRefused("", f"longer than the limit of {MAX_BOOK_BYTES} bytes")
    if text.startswith(codecs.BOM_UTF8):
        raise BookRefused("", "begins with a byte order mark")
    if text.count(b"{") + text.count(b"[") > MAX_CONTAINERS:
        raise BookRefused("", f"more than the limit of {MAX_CONTAINERS} objects and lists")
    if text.count(b",") > MAX_COMMAS:
        raise BookRefused("", f"more than the limit of {MAX_COMMAS} commas")
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise BookRefused("", f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise BookRefused("", "nested too deeply") from error
    except json.JSONDecodeError as error:
        raise BookRefused("", f"not JSON: {error}") from error


class _Repeats(dict[str, Any]):
    """An object that names one of its keys twice; refused where it stands, which only the reader knows."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repeats(key=first_duplicate(key for key, _ in pairs))


def _integer(text: str) -> int:
    return int(text[:20])  # enough digits to be refused for its size; all of them could take hours to convert


def book_from_document(document: Any) -> Book:
    """Turn a parsed document into a `Book`; raise `BookRefused` naming the path of what is wrong."""
    _keys(document, "", _BOOK_KEYS)
    if type(document["format"]) is not int or document["format"] != FORMAT:
        raise BookRefused("format", f"must be {FORMAT}")
    hours = _number(document["hours"], "hours")
    if not 1 <= hours <= MAX_HOURS:
        raise BookRefused("hours", f"must be between 1 and {MAX_HOURS}")
    lots = _Columns("id", "seller", "units", "unit_step", "start", "end", "reserve", "capacity")
    for row, lot in enumerate(_list(document["lots"], "lots")):
        _read_lot(lot, f"lots[{row}]", hours, lots)
    bids = _Columns(
        *("id", "bidder", "sequence", "option_offset", "price", "value", "leg_offset"),
        *("units", "min_units", "earliest", "latest", "hours", "lot_offset", "lot"),
    )
    for row, bid in enumerate(_list(document["bids"], "bids")):
        _read_bid(bid, f"bids[{row}]", bids)
    return Book.from_arrays(
        rule=_text(document["rule"], "rule"),
        hours=hours,
        lot_id=lots["id"],
        lot_seller=lots["seller"],
        lot_units=lots["units"],
        lot_unit_step=lots["unit_step"],
        lot_start=lots["start"],
        lot_end=lots["end"],
        lot_reserve=lots["reserve"],
        lot_capacity=lots["capacity"],
        bid_id=bids["id"],
        bid_bidder=bids["bidder"],
        bid_sequence=bids["sequence"],
        option_offset=[0, *bids["option_offset"]],
        option_price=bids["price"],
        option_value=bids["value"],
        leg_offset=[0, *bids["leg_offset"]],
        leg_units=bids["units"],
        leg_min_units=bids["min_units"],
        leg_earliest=bids["earliest"],
        leg_latest=bids["latest"],
        leg_hours=bids["hours"],
        leg_lot_offset=[0, *bids["lot_offset"]],
        leg_lot=bids["lot"],
        document_sha256=document_sha256(document),
    )


class _Columns(dict[str, list[Any]]):
    def __init__(self, *names: str) -> None:
        super().__init__((name, []) for name in names)


def _read_lot(lot: Any, path: str, hours: int, columns: _Columns) -> None:
    _keys(lot, path, _LOT_KEYS, _LOT_OPTIONAL)
    for name in ("id", "seller"):
        columns[name].append(_text(lot[name], f"{path}.{name}"))
    for name in ("units", "start", "end"):
        columns[name].append(_number(lot[name], f"{path}.{name}"))
    columns["unit_step"].append(_number(lot.get("unit_step", 1), f"{path}.unit_step"))
    length = lot["end"] - lot["start"]
    if length < 1 or lot["end"] > hours:
        raise BookRefused(f"{path}.end", f"must be after start and at most {hours}")
    if len(columns["reserve"]) + length > MAX_DOCUMENT_LOT_HOURS:
        raise BookRefused(path, f"with those before it spans more than {MAX_DOCUMENT_LOT_HOURS} lot-hours")
    if isinstance(lot["reserve"], list):
        columns["reserve"] += _hourly(lot["reserve"], f"{path}.reserve", length)
    else:
        columns["reserve"] += [_number(lot["reserve"], f"{path}.reserve")] * length
    if "capacity" in lot:
        columns["capacity"] += _hourly(_list(lot["capacity"], f"{path}.capacity"), f"{path}.capacity", length)
    else:
        columns["capacity"] += [lot["units"]] * length


def _hourly(numbers: list[Any], path: str, length: int) -> list[int]:
    if len(numbers) != length:
        raise BookRefused(path, f"{len(numbers)} numbers for {length} hours")
    return [_number(number, f"{path}[{hour}]") for hour, number in enumerate(numbers)]


def _read_bid(bid: Any, path: str, columns: _Columns) -> None:
    _keys(bid, path, _BID_KEYS)
    columns["id"].append(_text(bid["id"], f"{path}.id"))
    columns["bidder"].append(_text(bid["bidder"], f"{path}.bidder"))
    columns["sequence"].append(_number(bid["sequence"], f"{path}.sequence"))
    for row, option in enumerate(_filled(bid["options"], f"{path}.options")):
        _read_option(option, f"{path}.options[{row}]", columns)
    columns["option_offset"].append(len(columns["price"]))


def _read_option(option: Any, path: str, columns: _Columns) -> None:
    _keys(option, path, {"legs"}, {"price", "value"})
    if ("price" in option) == ("value" in option):
        raise BookRefused(path, "needs either price or value")
    for name in ("price", "value"):
        columns[name].append(_number(option[name], f"{path}.{name}") if name in option else -1)
    legs = _filled(option["legs"], f"{path}.legs")
    for row, leg in enumerate(legs):
        _read_leg(leg, f"{path}.legs[{row}]", columns, alone=len(legs) == 1)
    columns["leg_offset"].append(len(columns["units"]))


def _read_leg(leg: Any, path: str, columns: _Columns, *, alone: bool) -> None:
    _keys(leg, path, _LEG_KEYS, {"min_units"})
    if "min_units" in leg and not alone:
        raise BookRefused(f"{path}.min_units", "allowed only in an option with one leg")
    for name in ("units", "earliest", "latest", "hours"):
        columns[name].append(_number(leg[name], f"{path}.{name}"))
    columns["min_units"].append(_number(leg.get("min_units", leg["units"]), f"{path}.min_units"))
    columns["lot"] += [
        _text(lot, f"{path}.lots[{row}]") for row, lot in enumerate(_filled(leg["lots"], f"{path}.lots"))
    ]
    columns["lot_offset"].append(len(columns["lot"]))


def _keys(value: Any, path: str, required: Set[str], optional: Set[str] = frozenset()) -> None:
    if type(value) is _Repeats:
        raise BookRefused(_join(path, value["key"]), "duplicate key")
    if type(value) is not dict:
        raise BookRefused(path or "book", f"must be an object, not {_kind(value)}")
    for key in sorted(value.keys() - required - optional):
        raise BookRefused(_join(path, key), "unknown key")
    for key in sorted(required - value.keys()):
        raise BookRefused(_join(path, key), "missing")


def _join(path: str, key: str) -> str:
    name = key if key.isidentifier() and key.isascii() else quote(key)
    return f"{path}.{name}" if path else name


def _number(value: Any, path: str) -> int:
    if type(value) is not int:
        raise BookRefused(path, f"must be an integer, not {_kind(value)}")
    if not 0 <= value <= MAX_EXACT:
        raise BookRefused(path, "must not be negative" if value < 0 else "must not exceed 2**53")
    return value


def _text(value: Any, path: str) -> str:
    if type(value) is not str:
        raise BookRefused(path, f"must be a string, not {_kind(value)}")
    return value


def _list(value: Any, path: str) -> list[Any]:
    if type(value) is not list:
        raise BookRefused(path, f"must be a list, not {_kind(value)}")
    return value


def _filled(value: Any, path: str) -> list[Any]:
    if not _list(value, path):
        raise BookRefused(path, "must not be empty")
    return list(value)


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        float: "a float",
        type(None): "null",
    }
    return names.get(type(value), "a number")
