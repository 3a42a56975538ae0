"""Clear one book under three payment rules and set revenue, payments and surplus side by side.

The winners are the same under all three: those of the greatest surplus.

- **vcg**: everyone pays what its presence costs the others.
- **core**: the market's rule, the bidder-optimal core point nearest to VCG.
- **uniform**: every unit-hour of a lot is sold at that hour's highest losing bid: the highest limit per unit-hour
  among bids that were refused all or part of it, or the reserve where none was (`Clearing.price_marginal`). Where
  packages are involved such a price need not exist, one lot's price may be above what a winner of several offered for
  it: an award then pays its value and no more. `capped` counts those.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.clear import clear
from auctions.engine.clearing import Clearing
from auctions.engine.package.parts import lots_of_packages
from auctions.engine.ranges import running_total

RULES = ("vcg", "core", "uniform")
MAX_BIDDERS_SHOWN = 50


@dataclass(frozen=True, eq=False, slots=True)
class Study:
    """R bidders with an award, ascending by organization row; the three columns are those of `RULES`.

    book : Book
    status : of the clearing under core
    surplus, value, reserve_cost : ticks, the same under every rule
    bidder : int64 (R,) organization rows
    payments : int64 (R, 3) ticks
    capped : awards that would pay above their value at uniform prices
    package_lots : lots where packages meet, for which no uniform price need exist
    """

    book: Book
    status: str
    surplus: int
    value: int
    reserve_cost: int
    bidder: Ints
    payments: Ints
    capped: int
    package_lots: int

    @property
    def revenue(self) -> list[int]:
        """Ticks, by rule."""
        return [int(ticks) for ticks in self.payments.sum(axis=0)]

    def lines(self) -> Iterator[str]:
        """Write the study as a table of text, the bidders that pay most first."""
        yield _row("ticks", *RULES)
        revenue = self.revenue
        yield _row("revenue", *revenue)
        yield _row("above reserve", *(ticks - self.reserve_cost for ticks in revenue))
        yield _row("kept by buyers", *(self.value - ticks for ticks in revenue))
        yield _row("surplus", *[self.surplus] * len(RULES))
        yield _row("capped awards", 0, 0, self.capped)
        if self.package_lots:
            yield (
                f"uniform is not defined on {self.package_lots} of {self.book.n_lots} lots, where packages meet: "
                "shown is the highest refused limit, and an award that is worth less pays its value"
            )
        if self.status != "optimal":
            yield f"status {self.status}: no one has proven these winners to be the best"
        yield ""
        yield _row("payments", *RULES)
        order = np.argsort(-self.payments[:, RULES.index("core")], kind="stable")
        for row in order[:MAX_BIDDERS_SHOWN].tolist():
            yield _row(str(self.book.organization_id[self.bidder[row]]), *self.payments[row].tolist())
        if len(order) > MAX_BIDDERS_SHOWN:
            rest = self.payments[order[MAX_BIDDERS_SHOWN:]].sum(axis=0)
            yield _row(f"{len(order) - MAX_BIDDERS_SHOWN} more", *rest.tolist())


def study(book: Book, *, executor: Executor | None = None) -> Study:
    """Clear `book` under `RULES`, whatever its own rule is; raise what `clear` raises."""
    core = clear(replace(book, rule="core"), executor=executor)
    uniform = uniform_amounts(core)
    amounts = np.minimum(uniform, core.award_value)
    paid = np.zeros(len(book.organization_id), dtype=np.int64)
    np.add.at(paid, book.bid_bidder[core.award_bid], amounts)
    return Study(
        book=book,
        status=core.status,
        surplus=core.surplus,
        value=int(core.award_value.sum()),
        reserve_cost=int(core.award_value.sum()) - core.surplus,
        bidder=core.payment_bidder,
        payments=np.stack([core.vcg, core.payment, paid[core.payment_bidder]], axis=1),
        capped=int((uniform > core.award_value).sum()),
        package_lots=int(lots_of_packages(book).sum()),
    )


def uniform_amounts(clearing: Clearing) -> Ints:
    """What each award would pay at its hours' marginal prices, before any cap. int64 (A,) ticks"""
    book = clearing.book
    until = running_total(clearing.price_marginal)
    first = book.lot_hour_offset[clearing.award_lot] - book.lot_start[clearing.award_lot]
    per_unit = until[first + clearing.award_end] - until[first + clearing.award_start]
    return np.asarray(per_unit * clearing.award_units)


def _row(name: str, *cells: object) -> str:
    texts = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]
    return f"{name[:28]:<28}" + "".join(f"{text:>22}" for text in texts)
