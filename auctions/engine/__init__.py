"""The clearing engine: a book in, a clearing out. Knows numpy, scipy and the standard library, nothing else."""

from auctions.engine.book import Book
from auctions.engine.clear import clear
from auctions.engine.clearing import ENGINE_VERSION, NO_PRICE, REASONS, Clearing
from auctions.engine.document import (
    book_from_document,
    book_from_json,
    book_sha256,
    book_to_document,
    canonical_json,
)
from auctions.engine.errors import BookNotSupported, BookRefused
from auctions.engine.indicate import Indication, indicate
from auctions.engine.package.counterfactual import NotExplained, PackageAmount, explain_packages
from auctions.engine.package.minimum import Minimum, find_minimum, minimum_to_win
from auctions.engine.reading import clearing_from_json

__version__ = ENGINE_VERSION

__all__ = [
    "NO_PRICE",
    "REASONS",
    "Book",
    "BookNotSupported",
    "BookRefused",
    "Clearing",
    "Indication",
    "Minimum",
    "NotExplained",
    "PackageAmount",
    "book_from_document",
    "book_from_json",
    "book_sha256",
    "book_to_document",
    "canonical_json",
    "clear",
    "clearing_from_json",
    "explain_packages",
    "find_minimum",
    "indicate",
    "minimum_to_win",
]
