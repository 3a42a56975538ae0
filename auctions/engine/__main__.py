"""`python -m auctions.engine clear BOOK.json`: write the clearing to standard output.
`python -m auctions.engine verify BOOK.json CLEARING.json`: say whether the clearing holds.
`python -m auctions.engine inclusion PROOF.json [BOOK.json]`: say whether a bid was in a book when its window closed.
`python -m auctions.engine study BOOK.json`: tabulate what vcg, core and uniform prices would bring.

Exit status 0: cleared; holds. 1: does not hold, with the reasons on standard output. 2: the input is refused or cannot
be read, with the reason on standard error.
"""

from __future__ import annotations

import argparse
import os
import sys

from auctions.engine.clear import clear
from auctions.engine.document import book_from_json
from auctions.engine.errors import MAX_BOOK_BYTES, BookRefused
from auctions.engine.inclusion import NoProof, check_bid_in_book, check_book_bytes, check_proof
from auctions.engine.study import study
from auctions.engine.verify import Unreadable, examine, load_json

CLEARED = HOLDS = 0
FAILS, REFUSED = 1, 2
MAX_REASONS = 100
MAX_DIGITS = 16
"""Of a limit; the largest have that many."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except CannotRead as error:
        return _refuse(f"cannot read {error}")
    except (BookRefused, Unreadable) as error:
        return _refuse(str(error))


def _inclusion(options: argparse.Namespace) -> int:
    proof = load_json(_read(options.proof))
    try:
        check_proof(proof)
        _say(f"proven: bid {proof['position'] + 1} of {proof['n_bids']} under root {proof['bids_root']}")
        if "seal" in proof:
            _say(f"proven: root and book {proof['book_sha256']} under seal {proof['seal']}")
        if options.book is not None:
            book = _read(options.book)
            _say(check_bid_in_book(proof, load_json(book)))
            _say(check_book_bytes(proof, book))
    except NoProof as error:
        _say(f"wrong: {error}")
        return FAILS
    return HOLDS


def _clear(options: argparse.Namespace) -> int:
    clearing = clear(book_from_json(_read(options.book)))
    sys.stdout.write(clearing.to_json() + "\n")
    return CLEARED


def _verify(options: argparse.Namespace) -> int:
    told = dict(options.minimum)
    report = examine(load_json(_read(options.book)), load_json(_read(options.clearing)), minimums=told)
    for finding in report.findings[:MAX_REASONS]:
        _say(f"wrong: {finding}")
    if len(report.findings) > MAX_REASONS:
        _say(f"wrong: {len(report.findings) - MAX_REASONS} more")
    for sentence in report.coverage:
        _say(f"checked: {sentence}")
    _say("does not hold" if report.findings else "holds")
    return FAILS if report.findings else HOLDS


def _study(options: argparse.Namespace) -> int:
    for line in study(book_from_json(_read(options.book))).lines():
        _say(line)
    return CLEARED


COMMANDS = {"clear": _clear, "verify": _verify, "study": _study, "inclusion": _inclusion}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m auctions.engine", description="Clear books of sealed bids."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("clear", help="find winners, payments and prices of a book")
    command.add_argument("book", metavar="BOOK.json", help="a book in format 1; - reads standard input")
    command = commands.add_parser(
        "study", help="compare revenue, payments and surplus under three payment rules"
    )
    command.add_argument("book", metavar="BOOK.json", help="a book in format 1; - reads standard input")
    command = commands.add_parser("verify", help="check a clearing against its book")
    command.add_argument("book", metavar="BOOK.json", help="a book in format 1; - reads standard input")
    command.add_argument("clearing", metavar="CLEARING.json", help="its clearing; - reads standard input")
    command.add_argument(
        "--minimum",
        metavar="BID=LIMIT",
        type=_minimum,
        action="append",
        default=[],
        help="check also what a losing bid was told that its first option would have had to offer; may be repeated",
    )
    command = commands.add_parser("inclusion", help="check that a bid was in a book when its window closed")
    command.add_argument("proof", metavar="PROOF.json", help="a bid's proof; - reads standard input")
    command.add_argument("book", metavar="BOOK.json", nargs="?", help="the book to find it in")
    return parser


def _minimum(text: str) -> tuple[str, int]:
    bid, _, limit = text.rpartition("=")
    if not bid or not limit.isascii() or not limit.isdecimal() or len(limit) > MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no BID=LIMIT with a whole number of ticks")
    return bid, int(limit)


class CannotRead(Exception):
    """There is no such file, or it cannot be read; the message names it."""


def _read(path: str) -> bytes:
    """Read at most one byte more than the limit: enough to tell that the book is too long."""
    try:
        if path == "-":
            return _read_standard_input()
        with open(path, "rb") as file:
            return file.read(MAX_BOOK_BYTES + 1)
    except OSError as error:
        raise CannotRead(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a null byte in the name
        raise CannotRead(f"{path!r}: {error}") from error


def _read_standard_input() -> bytes:
    if sys.stdin is None:
        raise CannotRead("standard input: it is closed")
    return sys.stdin.buffer.read(MAX_BOOK_BYTES + 1)


def _say(sentence: str) -> None:
    sys.stdout.write(sentence.encode("ascii", "backslashreplace").decode() + "\n")


def _refuse(reason: str) -> int:
    sys.stderr.write(f"refused: {reason}\n".encode("ascii", "backslashreplace").decode())
    return REFUSED


def keep_stdout_clean() -> None:
    """Keep standard output for what we write: the solver's C code prints there at will, and gets standard error."""
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)


if __name__ == "__main__":
    keep_stdout_clean()
    sys.exit(main())
