"""What can be wrong with a book, and how large one may be."""

MAX_EXACT = 2**53
"""Largest sum of values, in ticks, that a book may reach: below it float64 sums are exact as well."""

MAX_UNITS = 2**31 - 1
"""Largest number of units in one lot or leg: products of two such numbers still fit int64."""

MAX_HOURS = 100_000
"""Largest horizon of a book, in hours (a little over eleven years)."""

MAX_LOT_HOURS = 20_000_000
"""Largest number of (lot, hour) pairs in one book; each becomes a row of the price table."""

MAX_BOOK_BYTES = 180_000_000
"""Largest JSON document the parser reads, in bytes: a million bids."""

MAX_CONTAINERS = 8_000_000
"""Largest number of objects and lists in a document: parsed, each takes some hundred bytes."""

MAX_COMMAS = 32_000_000
"""Largest number of commas in a document, which bounds its values."""

MAX_DOCUMENT_LOT_HOURS = 2_500_000
"""Largest number of (lot, hour) pairs in a book read from a document, since its clearing names each."""


class BookRefused(ValueError):
    """The book breaks format 1. `path` names the place (`bids[3].options[0].legs[1].units`)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class BookNotSupported(BookRefused):
    """The book is valid, but holds a bid that no clearing path of this version can take exactly."""
