"""Marginal prices: what the next unit of a lot would cost in an hour.

On a lot of divisible bids: the highest rejected limit, else the average reserve, per unit-hour, rounded up. Where
packages meet: the hour's reserve while a unit step is left; else the highest limit of the bids that could have won,
name the lot and hour, and did not get all they asked for, if above the reserve. A lot of divisible bids may be cleared
with packages its winners win elsewhere, so in a book that has any it may be priced either way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from auctions.engine.verify.awards import sold_by_hour
from auctions.engine.verify.claims import Claim
from auctions.engine.verify.divisible import DivisibleLot, is_divisible
from auctions.engine.verify.findings import Report
from auctions.engine.verify.sheets import Bid, Id, Option, Sheet


def check_marginals(
    sheet: Sheet, claim: Claim, divisible: list[DivisibleLot], live: list[Bid], report: Report
) -> None:
    alone = {
        market.lot.id: -(-market.marginal() // (market.lot.step * market.lot.hours)) for market in divisible
    }
    is_mixed = not all(is_divisible(bid, sheet.lots) for bid in sheet.bids.values())
    among = _among_packages(sheet, claim, live) if is_mixed else {}
    for row, price in enumerate(claim.prices):
        rule = [alone[price.lot]] if price.lot in alone else []
        if is_mixed:
            rule.append(among[price.lot][price.hour - sheet.lots[price.lot].start])
        if price.marginal not in rule:
            report.find(f"prices[{row}].marginal", f"is {price.marginal}; the rule gives {rule[0]}")


def _among_packages(sheet: Sheet, claim: Claim, live: list[Bid]) -> dict[Id, list[int]]:
    """Ticks per unit-hour, for each hour of every lot."""
    marginal = {lot.id: list(lot.reserve) for lot in sheet.lots.values()}
    full = {
        lot: [
            capacity - n < sheet.lots[lot].step
            for capacity, n in zip(sheet.lots[lot].capacity, sold, strict=True)
        ]
        for lot, sold in sold_by_hour(sheet, claim).items()
    }
    won: dict[Id, int] = defaultdict(int)
    for award in claim.awards:
        won[award.bid] += award.units * (award.end - award.start)
    for bid in live:
        for option, limit in _refused(bid, won[bid.id]):
            for leg in option.legs:
                for lot_id in leg.lots:
                    lot, prices = sheet.lots[lot_id], marginal[lot_id]
                    for hour in range(max(leg.earliest - lot.start, 0), min(leg.latest, lot.end) - lot.start):
                        if full[lot_id][hour] and prices[hour] < limit:
                            prices[hour] = limit
    return marginal


def _refused(bid: Bid, won: int) -> Iterator[tuple[Option, int]]:
    """Options that were not filled, or not wholly where there is only one of one leg; their limits per unit-hour."""
    is_alone = len(bid.options) == 1 and len(bid.options[0].legs) == 1
    for option in bid.options:
        asked = sum(leg.units * leg.hours for leg in option.legs)
        if won < asked and (not won or is_alone):
            yield option, option.limit if option.priced else -(-option.limit // asked)
