"""`python -m auctions.engine clear BOOK.json`: write the clearing to standard output.

Exit status 0: cleared. 2: the book is refused or cannot be read, with the reason on standard error.
"""

from __future__ import annotations

import argparse
import sys

from auctions.engine.clear import clear
from auctions.engine.document import book_from_json
from auctions.engine.errors import MAX_BOOK_BYTES, BookRefused

CLEARED, REFUSED = 0, 2


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        clearing = clear(book_from_json(_read(options.book)))
    except OSError as error:
        return _refuse(f"cannot read {options.book}: {error.strerror}")
    except BookRefused as error:
        return _refuse(str(error))
    sys.stdout.write(clearing.to_json() + "\n")
    return CLEARED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m auctions.engine", description="Clear books of sealed bids."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("clear", help="find winners, payments and prices of a book")
    command.add_argument("book", metavar="BOOK.json", help="a book in format 1; - reads standard input")
    return parser


def _read(path: str) -> bytes:
    """Read at most one byte more than the limit: enough to tell that the book is too long."""
    if path == "-":
        return sys.stdin.buffer.read(MAX_BOOK_BYTES + 1)
    with open(path, "rb") as file:
        return file.read(MAX_BOOK_BYTES + 1)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"refused: {reason}\n".encode("ascii", "backslashreplace").decode())
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
