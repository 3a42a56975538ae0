"""Clearings to check: those of the cases, and one with packages written out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auctions.engine import BookNotSupported, book_from_document, book_sha256, clear

Document = dict[str, Any]
CASES = Path(__file__).parents[1] / "cases"


def case_book(name: str) -> Document:
    return json.loads((CASES / name).read_text())["book"]


def cleared(book: Document) -> Document:
    return clear(book_from_document(book)).to_document()


def cleared_cases() -> dict[str, tuple[Document, Document]]:
    """Book and clearing of every case the engine takes."""
    found = {}
    for path in sorted(CASES.rglob("*.json")):
        name = path.relative_to(CASES).as_posix()
        book = case_book(name)
        try:
            found[name] = book, cleared(book)
        except BookNotSupported:
            continue
    return found


def local_local_global() -> tuple[Document, Document]:
    """L1 wants A for 40, L2 wants B for 60, G both for 90. VCG 30 and 50 leave G 90 > 80: the core adds 5 to each."""
    book = case_book("llg_4_6_9.json")
    award = {"option": 0, "leg": 0, "units": 1, "start": 0, "end": 1}
    price = {"hour": 0, "marginal": 45, "sold": 1}
    clearing = {
        "format": 1,
        "engine": "0.1.0",
        "book_sha256": book_sha256(book_from_document(book)),
        "status": "optimal",
        "surplus": 100,
        "revenue": 90,
        "awards": [
            award | {"bid": "L1.0", "lot": "A", "value": 40, "amount": 35},
            award | {"bid": "L2.1", "lot": "B", "value": 60, "amount": 55},
        ],
        "payments": {"L1": 35, "L2": 55},
        "vcg": {"L1": 30, "L2": 50},
        "prices": [price | {"lot": "A", "paid": 35}, price | {"lot": "B", "paid": 55}],
        "losers": [{"bid": "G.2", "reason": "outbid", "minimum_to_win": 101}],
    }
    return book, clearing
