"""The rule of the market, word for word, by trying every division: for small books of divisible single-lot bids.

Shares nothing with the engine. Works on the JSON form; values are fractions, so nothing is rounded.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

Document = dict[str, Any]


class ExhaustiveClearing:
    def __init__(self, book: Document) -> None:
        self.book = book
        self.lots = {lot["id"]: lot for lot in book["lots"]}
        self.bids = sorted(book["bids"], key=lambda bid: (bid["sequence"], bid["id"]))
        self.units = self._best(self.bids)
        self.surplus = self._surplus(self.bids, self.units)

    @property
    def awards(self) -> dict[str, int]:
        return {bid["id"]: won for bid, won in zip(self.bids, self.units, strict=True) if won}

    def vcg(self, bidder: str) -> Fraction:
        """What the others lose through the bidder's presence."""
        own = sum(
            self._value(bid, won)
            for bid, won in zip(self.bids, self.units, strict=True)
            if bid["bidder"] == bidder
        )
        return own - (self.surplus - self.coalition_surplus({b["bidder"] for b in self.bids} - {bidder}))

    def coalition_surplus(self, bidders: set[str]) -> Fraction:
        bids = [bid for bid in self.bids if bid["bidder"] in bidders]
        return self._surplus(bids, self._best(bids))

    def _best(self, bids: list[Document]) -> tuple[int, ...]:
        divisions = (
            units for units in itertools.product(*map(self._sizes, bids)) if self._feasible(bids, units)
        )
        return max(
            divisions, key=lambda units: (self._surplus(bids, units), tuple(won > 0 for won in units), units)
        )

    def _sizes(self, bid: Document) -> list[int]:
        (leg,) = bid["options"][0]["legs"]
        lot = self.lots[leg["lots"][0]]
        if lot["seller"] == bid["bidder"]:
            return [0]
        step = lot.get("unit_step", 1)
        least = leg.get("min_units", leg["units"])
        return [0, *(units for units in range(step, leg["units"] + 1, step) if units >= least)]

    def _feasible(self, bids: list[Document], units: tuple[int, ...]) -> bool:
        sold: dict[str, int] = {}
        for bid, won in zip(bids, units, strict=True):
            lot = bid["options"][0]["legs"][0]["lots"][0]
            sold[lot] = sold.get(lot, 0) + won
        return all(won <= min(self._capacity(self.lots[lot])) for lot, won in sold.items())

    def _surplus(self, bids: list[Document], units: tuple[int, ...]) -> Fraction:
        return sum(
            (self._value(bid, won) - won * self._reserve(bid) for bid, won in zip(bids, units, strict=True)),
            Fraction(0),
        )

    def _value(self, bid: Document, units: int) -> Fraction:
        (option,) = bid["options"]
        (leg,) = option["legs"]
        if "price" in option:
            return Fraction(option["price"] * units * leg["hours"])
        return Fraction(option["value"] * units, leg["units"])

    def _reserve(self, bid: Document) -> int:
        """Ticks per unit over the lot's whole period."""
        lot = self.lots[bid["options"][0]["legs"][0]["lots"][0]]
        reserve = lot["reserve"]
        return sum(reserve) if isinstance(reserve, list) else reserve * (lot["end"] - lot["start"])

    @staticmethod
    def _capacity(lot: Document) -> list[int]:
        return lot.get("capacity", [lot["units"]])
