"""Check a clearing against its book, sharing no code with what made it.

`verify(book, clearing)` returns what does not hold, nothing where all of it does; `examine` says also how far it
looked. Both take two JSON documents, as parsed, or a `Book` and a `Clearing`. Only plain whole numbers decide; where a
search is needed and the book is large, what was found wrong is certain, and what was not searched for is stated.

Checked exactly, always: the hash and the form; each award against its bid and lot; capacity in each hour; values,
payments, revenue, surplus and prices paid; individual rationality and reserves; that losers are the other bids.
On lots of divisible bids also the winners, tie rule included, VCG, payments, marginal prices, and each loser's reason
and minimum. Where packages are involved: winners and ties where a search tree is small, surplus, VCG and coalitions by
all combinations, else by an integer program, else by sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auctions.engine.verify.arrays import claim_of_arrays, sheet_of_arrays
from auctions.engine.verify.awards import check_awards, check_prices, check_sums
from auctions.engine.verify.claims import Claim, check_status, read_claim, with_minimums
from auctions.engine.verify.findings import Finding, Report, Unreadable
from auctions.engine.verify.optimum import check_rule
from auctions.engine.verify.sheets import Sheet, load_json, read_book

__all__ = ["Finding", "Report", "Unreadable", "examine", "load_json", "verify"]


def verify(book: Any, clearing: Any) -> list[Finding]:
    """Return what is wrong with the clearing of a book; raise `Unreadable` where the book itself is."""
    return examine(book, clearing).findings


def examine(book: Any, clearing: Any, *, minimums: Mapping[str, int] | None = None) -> Report:
    """As `verify`, with how far the checks went.

    `minimums`: limits of the first options of losing bids that were told later, to be checked as if the clearing did.
    """
    report = Report()
    claim: Claim | None
    if hasattr(book, "lot_hour_offset"):
        sheet, claim = sheet_of_arrays(book), claim_of_arrays(clearing)
        if clearing.book is not book:
            report.find("book", "is not the book this clearing was made of")
    else:
        sheet = read_book(book)
        claim = read_claim(clearing, sheet, report)
    if claim is not None and minimums:
        claim = with_minimums(claim, minimums, report)
    if claim is not None:
        _check(sheet, claim, report)
    return report


def _check(sheet: Sheet, claim: Claim, report: Report) -> None:
    check_status(claim, report)
    if not check_awards(sheet, claim, report):
        return
    check_sums(sheet, claim, report)
    check_prices(sheet, claim, report)
    if not report.findings:
        check_rule(sheet, claim, report)
