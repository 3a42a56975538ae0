"""Is what was awarded possible, worth what it says, paid within its limits, and does everything add up?"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import accumulate

from auctions.engine.verify.claims import Award, Claim
from auctions.engine.verify.findings import Report
from auctions.engine.verify.sheets import Bid, Id, Leg, Lot, Sheet


def check_awards(sheet: Sheet, claim: Claim, report: Report) -> bool:
    """Check every award alone and the awards of each bid and lot together. Return whether all of them are possible."""
    found = len(report.findings)
    by_bid: dict[Id, list[int]] = defaultdict(list)
    for row, award in enumerate(claim.awards):
        if _exists(sheet, award, f"awards[{row}]", report):
            by_bid[award.bid].append(row)
            _check_award(sheet, award, f"awards[{row}]", report)
    if len(report.findings) > found:
        return False
    for bid, rows in by_bid.items():
        _check_bid(sheet.bids[bid], [claim.awards[row] for row in rows], rows, report)
    for lot, sold in sold_by_hour(sheet, claim).items():
        for hour, (units, capacity) in enumerate(zip(sold, sheet.lots[lot].capacity, strict=True)):
            if units > capacity:
                at = sheet.lots[lot].start + hour
                report.find("awards", f"sell {units} units of lot {lot!r} in hour {at}, which has {capacity}")
    return len(report.findings) == found


def _exists(sheet: Sheet, award: Award, path: str, report: Report) -> bool:
    bid = sheet.bids.get(award.bid)
    if bid is None:
        report.find(f"{path}.bid", "is not a bid of the book")
    elif not 0 <= award.option < len(bid.options):
        report.find(f"{path}.option", "is not an option of the bid")
    elif not 0 <= award.leg < len(bid.options[award.option].legs):
        report.find(f"{path}.leg", "is not a leg of the option")
    elif award.lot not in bid.options[award.option].legs[award.leg].lots:
        report.find(f"{path}.lot", "is not a lot the leg names")
    else:
        return True
    return False


def _check_award(sheet: Sheet, award: Award, path: str, report: Report) -> None:
    bid, lot = sheet.bids[award.bid], sheet.lots[award.lot]
    leg = bid.options[award.option].legs[award.leg]
    if lot.seller == bid.bidder:
        report.find(f"{path}.lot", "is the bidder's own")
    if award.units % lot.step:
        report.find(f"{path}.units", f"{award.units} is no multiple of the lot's unit step {lot.step}")
    if not leg.least <= award.units <= leg.units:
        report.find(f"{path}.units", f"{award.units} is not from {leg.least} to {leg.units}")
    if award.end - award.start != leg.hours:
        report.find(f"{path}.end", f"gives {award.end - award.start} hours, not {leg.hours}")
    earliest, latest = max(leg.earliest, lot.start), min(leg.latest, lot.end)
    if award.start < earliest or award.end > latest:
        report.find(f"{path}.start", f"the hours are not inside [{earliest}, {latest})")
        return
    _check_money(bid, award, leg, lot, path, report)


def _check_money(bid: Bid, award: Award, leg: Leg, lot: Lot, path: str, report: Report) -> None:
    option = bid.options[award.option]
    value = award.value  # how several legs share the value of their option is free; its sum is checked
    if len(option.legs) == 1:
        value = (
            option.limit * award.units * leg.hours
            if option.priced
            else option.limit * award.units // leg.units
        )
    elif value < 0:
        report.find(f"{path}.value", "is negative")
    if award.value != value:
        report.find(f"{path}.value", f"is {award.value}, but the award is worth {value}")
    if award.amount > award.value:
        report.find(f"{path}.amount", f"{award.amount} is above the award's value {award.value}")
    cost = lot.cost(award.start, award.end) * award.units
    if award.amount < cost:
        report.find(f"{path}.amount", f"{award.amount} is below the reserve of what is awarded, {cost}")


def _check_bid(bid: Bid, awards: list[Award], rows: list[int], report: Report) -> None:
    path = f"awards[{rows[-1]}]"
    options = {award.option for award in awards}
    if len(options) > 1:
        report.find(f"{path}.option", f"is a second option of bid {bid.id!r}, which may win one")
        return
    option = bid.options[options.pop()]
    if sorted(award.leg for award in awards) != list(range(len(option.legs))):
        report.find(f"{path}.leg", f"the awards of bid {bid.id!r} are not each leg of its option once")
    elif len(option.legs) > 1:
        unit_hours = sum(leg.units * leg.hours for leg in option.legs)
        value = option.limit * (unit_hours if option.priced else 1)
        if sum(award.value for award in awards) != value:
            report.find(f"{path}.value", f"the legs of bid {bid.id!r} are not worth {value} together")


def sold_by_hour(sheet: Sheet, claim: Claim) -> dict[Id, list[int]]:
    """Units sold in each hour of every lot; only for awards that lie inside their lots."""
    change = {lot.id: [0] * (lot.hours + 1) for lot in sheet.lots.values()}
    for award in claim.awards:
        start = sheet.lots[award.lot].start
        change[award.lot][award.start - start] += award.units
        change[award.lot][award.end - start] -= award.units
    return {lot: list(accumulate(steps))[:-1] for lot, steps in change.items()}


def check_sums(sheet: Sheet, claim: Claim, report: Report) -> None:
    """Surplus, revenue and payments from the awards; losers are exactly the bids without one."""
    cost = sum(sheet.lots[award.lot].cost(award.start, award.end) * award.units for award in claim.awards)
    surplus = sum(award.value for award in claim.awards) - cost
    if claim.surplus != surplus:
        report.find("surplus", f"is {claim.surplus}, but the awards' value less their reserve is {surplus}")
    revenue = sum(award.amount for award in claim.awards)
    if claim.revenue != revenue:
        report.find("revenue", f"is {claim.revenue}, but the awards pay {revenue}")
    paid: dict[str, int] = defaultdict(int)
    for award in claim.awards:
        paid[str(sheet.bids[award.bid].bidder)] += award.amount
    for name, by_bidder in (("payments", claim.payments), ("vcg", claim.vcg)):
        named = {str(bidder) for bidder in by_bidder}
        for bidder in sorted(named ^ paid.keys()):
            what = "has no award" if bidder in named else "has an award, and is missing"
            report.find(name, f"bidder {bidder!r} {what}")
    for bidder, ticks in claim.payments.items():
        if ticks != paid.get(str(bidder), ticks):
            report.find("payments", f"bidder {bidder!r} pays {ticks}, but its awards pay {paid[str(bidder)]}")
    _check_losers(sheet, claim, report)


def _check_losers(sheet: Sheet, claim: Claim, report: Report) -> None:
    winners = {award.bid for award in claim.awards}
    seen: set[Id] = set()
    for row, loser in enumerate(claim.losers):
        path = f"losers[{row}].bid"
        if loser.bid not in sheet.bids:
            report.find(path, "is not a bid of the book")
        elif loser.bid in winners:
            report.find(path, f"bid {loser.bid!r} has an award")
        elif loser.bid in seen:
            report.find(path, f"bid {loser.bid!r} is listed twice")
        seen.add(loser.bid)
        if loser.minimum is not None and loser.minimum < 0:
            report.find(f"losers[{row}].minimum_to_win", "is negative")
    for bid in sheet.bids.keys() - winners - seen:
        report.find("losers", f"bid {bid!r} has no award and is not listed")


def check_prices(sheet: Sheet, claim: Claim, report: Report) -> None:
    """One row for every lot and hour, with the units sold and the average they pay, rounded down."""
    sold = sold_by_hour(sheet, claim)
    paid = _paid_by_hour(sheet, claim)
    seen: set[tuple[Id, int]] = set()
    for row, price in enumerate(claim.prices):
        lot = sheet.lots.get(price.lot)
        if lot is None or not lot.start <= price.hour < lot.end:
            report.find(f"prices[{row}].hour", "is not an hour of a lot of the book")
            continue
        if (price.lot, price.hour) in seen:
            report.find(f"prices[{row}]", f"lot {price.lot!r}, hour {price.hour} is listed twice")
        seen.add((price.lot, price.hour))
        hour = price.hour - lot.start
        if price.sold != sold[price.lot][hour]:
            report.find(f"prices[{row}].sold", f"is {price.sold}, but {sold[price.lot][hour]} units are sold")
        average = paid[price.lot][hour] // max(sold[price.lot][hour], 1)
        if price.paid != average:
            report.find(f"prices[{row}].paid", f"is {price.paid}, but the units sold pay {average}")
        if price.marginal < 0:
            report.find(f"prices[{row}].marginal", "is negative")
    missing = sum(lot.hours for lot in sheet.lots.values()) - len(seen)
    if missing:
        report.find("prices", f"{missing} lot-hours of the book are not listed")


def _paid_by_hour(sheet: Sheet, claim: Claim) -> dict[Id, list[int]] | dict[Id, list[Fraction]]:
    """Ticks paid in each hour of every lot, an award's amount spread evenly over its hours."""
    change: dict[Id, list[Fraction]] = {lot.id: [] for lot in sheet.lots.values()}
    whole: dict[Id, int] = defaultdict(int)
    for award in claim.awards:
        lot = sheet.lots[award.lot]
        if (award.start, award.end) == (lot.start, lot.end):
            whole[lot.id] += award.amount
            continue
        steps = change[lot.id] or [Fraction(0)] * (lot.hours + 1)
        change[lot.id] = steps
        each = Fraction(award.amount, award.end - award.start)
        steps[award.start - lot.start] += each
        steps[award.end - lot.start] -= each
    return {
        lot.id: [Fraction(whole[lot.id], lot.hours) + part for part in accumulate(change[lot.id][:-1])]
        if change[lot.id]
        else [Fraction(whole[lot.id], lot.hours)] * lot.hours
        for lot in sheet.lots.values()
    }
