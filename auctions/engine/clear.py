"""Clear a book: send every part of it down the path that can take it."""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor

from auctions.engine.book import Book
from auctions.engine.clearing import Clearing
from auctions.engine.errors import BookNotSupported
from auctions.engine.halves import threads_for
from auctions.engine.lotbids import lot_bids
from auctions.engine.lotclearing import to_clearing
from auctions.engine.package.mixed import clear_mixed
from auctions.engine.vectorised import clear_lots


def clear(book: Book, *, executor: Executor | None = None, _packages_only: bool = False) -> Clearing:
    """Find winners, payments, prices and reasons.

    `executor` runs independent parts of the package path beside each other (threads where it is None); the result does
    not depend on it. Divisible single-lot bids are one pass, whose halves share its arrays: they go beside each other,
    where the book is large, on the executor if it is of threads, and on one of our own if not. `_packages_only` is for
    tests: it sends everything down the package path, which must find the same.
    """
    if not _packages_only:
        threads = threads_for(book.n_bids, executor)
        try:
            bids = lot_bids(book, threads)
        except BookNotSupported:
            pass
        else:
            return to_clearing(book, bids, clear_lots(bids, threads))
    if executor is not None:
        return clear_mixed(book, executor, packages_only=_packages_only)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return clear_mixed(book, threads, packages_only=_packages_only)
