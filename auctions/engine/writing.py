"""Format 1: a book written as JSON, and hashed.

Canonical JSON has sorted keys, no spaces, ASCII only; lots sorted by id and bids by (sequence, id), so that the order
in which rows were written changes no hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from auctions.engine.book import Book

FORMAT = 1


def canonical_json(document: object) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def book_sha256(book: Book) -> str:
    """Hash of the canonical JSON the book was read from, or of `book_to_document` when it came from arrays."""
    return book.document_sha256 or document_sha256(book_to_document(book))


def document_sha256(document: dict[str, Any]) -> str:
    in_order = document | {
        "lots": sorted(document["lots"], key=lambda lot: lot["id"]),
        "bids": sorted(document["bids"], key=lambda bid: (bid["sequence"], bid["id"])),
    }
    return hashlib.sha256(canonical_json(in_order).encode()).hexdigest()


def book_to_document(book: Book) -> dict[str, Any]:
    """Write a book as format 1; integer ids become decimal strings, defaults are left out."""
    return {
        "format": FORMAT,
        "rule": book.rule,
        "hours": book.hours,
        "lots": [_lot_document(book, row) for row in range(book.n_lots)],
        "bids": [_bid_document(book, row) for row in range(book.n_bids)],
    }


def _lot_document(book: Book, row: int) -> dict[str, Any]:
    hours = slice(book.lot_hour_offset[row], book.lot_hour_offset[row + 1])
    reserve, capacity = book.lot_reserve[hours].tolist(), book.lot_capacity[hours].tolist()
    document = {
        "id": str(book.lot_id[row]),
        "seller": str(book.organization_id[book.lot_seller[row]]),
        "units": int(book.lot_units[row]),
        "unit_step": int(book.lot_unit_step[row]),
        "start": int(book.lot_start[row]),
        "end": int(book.lot_end[row]),
        "reserve": reserve if len(set(reserve)) > 1 else reserve[0],
    }
    if set(capacity) != {document["units"]}:
        document["capacity"] = capacity
    return document


def _bid_document(book: Book, row: int) -> dict[str, Any]:
    return {
        "id": str(book.bid_id[row]),
        "bidder": str(book.organization_id[book.bid_bidder[row]]),
        "sequence": int(book.bid_sequence[row]),
        "options": _map_rows(book.option_offset, row, lambda option: _option_document(book, option)),
    }


def _option_document(book: Book, option: int) -> dict[str, Any]:
    return {
        "price" if book.option_is_priced[option] else "value": int(book.option_limit[option]),
        "legs": _map_rows(book.leg_offset, option, lambda leg: _leg_document(book, leg)),
    }


def _leg_document(book: Book, leg: int) -> dict[str, Any]:
    document: dict[str, Any] = {
        "lots": _map_rows(book.leg_lot_offset, leg, lambda row: str(book.lot_id[book.leg_lot[row]])),
        "units": int(book.leg_units[leg]),
        "earliest": int(book.leg_earliest[leg]),
        "latest": int(book.leg_latest[leg]),
        "hours": int(book.leg_hours[leg]),
    }
    if book.leg_min_units[leg] != book.leg_units[leg]:
        document["min_units"] = int(book.leg_min_units[leg])
    return document


def _map_rows(offset: Any, parent: int, write: Callable[[int], Any]) -> list[Any]:
    return [write(row) for row in range(offset[parent], offset[parent + 1])]
