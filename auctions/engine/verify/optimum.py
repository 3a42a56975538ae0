"""Is it what the rule says: the winners, why the others lost, and what each market's prices are?"""

from __future__ import annotations

from collections import defaultdict

from auctions.engine.verify.claims import Award, Claim, Loser
from auctions.engine.verify.core import check_group
from auctions.engine.verify.divisible import (
    DivisibleLot,
    check_divisible_loser,
    check_divisible_lot,
    check_divisible_payments,
    is_divisible,
)
from auctions.engine.verify.findings import Report
from auctions.engine.verify.marginals import check_marginals
from auctions.engine.verify.markets import Group, PackageMarket, components, groups, live_bids, split
from auctions.engine.verify.placements import Placement, Windows, can_fit
from auctions.engine.verify.search import Best
from auctions.engine.verify.sheets import Bid, Id, Sheet


def check_rule(sheet: Sheet, claim: Claim, report: Report) -> None:
    """Check everything that needs more than one award at a time to be looked at. The awards must be possible."""
    windows = Windows(sheet)
    live, unknown = live_bids(sheet, windows)
    divisible, packages = split(sheet, components(sheet, live), windows)
    awards: dict[Id, list[Award]] = defaultdict(list)
    for award in claim.awards:
        awards[award.bid].append(award)
    _check_divisible(divisible, awards, report)
    _check_packages(sheet, claim, packages, awards, report)
    check_marginals(sheet, claim, divisible, [bid for _, bid in live], report)
    alive = {bid.id for _, bid in live}
    _check_losers(sheet, claim, windows, divisible, alive - unknown, unknown, report)
    _check_package_minimums(claim, windows, packages, report)
    if report.findings:
        return
    grouped = groups(divisible, packages, set(awards), sheet)
    with_packages = {id(market) for group in grouped for market in group.divisible}
    for market in divisible:
        if id(market) not in with_packages:
            check_divisible_payments(market, _awards_on(market, awards), report)
    package_winners = {bid.bidder for market in packages for bid in market.bids if bid.id in awards}
    _check_vcg_of_divisible(claim, divisible, package_winners, report)
    if claim.status != "optimal":
        report.note(
            "payments where packages are involved: not checked, since the winners are not proven the best"
        )
        return
    _check_groups(sheet, claim, grouped, report)


def _check_groups(sheet: Sheet, claim: Claim, grouped: list[Group], report: Report) -> None:
    totals = [check_group(sheet, claim, group, report) for group in grouped]
    known = [total for total in totals if total is not None]
    if len(known) < len(totals) or report.findings or not known:
        return
    winners = {str(bidder) for group in grouped for bidder in group.winners}
    paid = sum(ticks for bidder, ticks in claim.payments.items() if str(bidder) in winners)
    exact = sum(known)
    slack = 1e-6 + 1e-9 * exact
    if not exact - slack <= paid < exact + 1 + slack:
        report.find("payments", f"winners pay {paid}; the bidder-optimal core total is {exact:.2f}")


def _awards_on(market: DivisibleLot, awards: dict[Id, list[Award]]) -> list[Award]:
    return [award for row in market.order for award in awards.get(row.bid.id, ())]


def _check_divisible(divisible: list[DivisibleLot], awards: dict[Id, list[Award]], report: Report) -> None:
    for market in divisible:
        check_divisible_lot(market, _awards_on(market, awards), report)
    if divisible:
        report.note(f"divisible lots: winners and prices computed again for all {len(divisible)}")


def _check_vcg_of_divisible(
    claim: Claim, divisible: list[DivisibleLot], package_winners: set[Id], report: Report
) -> None:
    """Bidders that win on divisible lots only: VCG adds up over lots."""
    due: dict[str, int] = defaultdict(int)
    for market in divisible:
        for bidder, ticks in market.vcg.items():
            due[str(bidder)] += int(ticks)
    elsewhere = {str(bidder) for bidder in package_winners}
    for bidder, ticks in claim.vcg.items():
        name = str(bidder)
        if name in due and name not in elsewhere and ticks != due[name]:
            report.find("vcg", f"bidder {name!r}: is {ticks}; the rule gives {due[name]}")


def _check_packages(
    sheet: Sheet,
    claim: Claim,
    packages: list[PackageMarket],
    awards: dict[Id, list[Award]],
    report: Report,
) -> None:
    best_of_all: int | None = 0
    for market in packages:
        surplus = sum(
            award.value - sheet.lots[award.lot].cost(award.start, award.end) * award.units
            for bid in market.bids
            for award in awards.get(bid.id, ())
        )
        best = market.preferred if claim.status == "optimal" else None
        if best is not None:
            _check_choice(market, best, surplus, awards, report)
            report.note("packages: every choice tried, ties included, where the search tree is small")
            continue
        best = market.best()
        if best is None:
            report.note("packages: no better choice searched for in components too large")
            best_of_all = None
        elif claim.status == "optimal" and best.surplus > surplus:
            _find_better(best.surplus, surplus, report)
        elif not best.proven:
            report.note("packages: a better choice searched for, not to the end")
        else:
            report.note("packages: no better choice, by an integer program; ties not checked")
        if best is not None and best_of_all is not None:
            best_of_all += max(best.surplus - surplus, 0)
    if claim.status == "bounded" and best_of_all and claim.gap is not None:
        best_possible = claim.surplus + best_of_all
        if best_of_all > claim.gap * best_possible:
            report.find("gap", f"is {claim.gap}, but a choice worth {best_possible} exists")


def _find_better(best: int, surplus: int, report: Report) -> None:
    report.find("surplus", f"a choice worth {best} exists where the awards are worth {surplus}")


def _check_choice(
    market: PackageMarket, best: Best, surplus: int, awards: dict[Id, list[Award]], report: Report
) -> None:
    if best.surplus > surplus:
        _find_better(best.surplus, surplus, report)
        return
    for bid, way in zip(market.bids, best.chosen, strict=True):
        if not _is_way(awards.get(bid.id, []), way):
            told = "loses" if way is None else f"wins option {way.taste[1]} as {list(way.legs)}"
            report.find(
                "awards", f"of equally good choices the tie rule wants the one where bid {bid.id!r} {told}"
            )
            return


def _is_way(awards: list[Award], way: Placement | None) -> bool:
    if way is None:
        return not awards
    legs = tuple((a.lot, a.units, a.start, a.end) for a in sorted(awards, key=lambda award: award.leg))
    return bool(awards) and awards[0].option == way.taste[1] and legs == way.legs


def _check_losers(
    sheet: Sheet,
    claim: Claim,
    windows: Windows,
    divisible: list[DivisibleLot],
    alive: set[Id],
    unknown: set[Id],
    report: Report,
) -> None:
    market_of = {market.lot.id: market for market in divisible}
    mixed = not all(is_divisible(bid, sheet.lots) for bid in sheet.bids.values())
    rank = {bid: at for at, bid in enumerate(sheet.bids)}
    for row, loser in enumerate(claim.losers):
        bid, path = sheet.bids[loser.bid], f"losers[{row}]"
        if loser.bid in unknown:
            continue
        if loser.bid not in alive:
            _check_dead(windows, bid, loser, path, report)
        elif loser.reason != "outbid":
            report.find(f"{path}.reason", f"is {loser.reason}, but the bid fits and is worth its reserve")
        market = market_of.get(bid.options[0].legs[0].lots[0])
        untold = mixed and loser.minimum is None
        if market is not None and market.takes(bid) and loser.reason != "cannot_fit" and not untold:
            check_divisible_loser(market, rank[bid.id], bid, loser, path, report)


def _check_dead(windows: Windows, bid: Bid, loser: Loser, path: str, report: Report) -> None:
    reason = "below_reserve" if can_fit(windows, bid) else "cannot_fit"
    if loser.reason != reason:
        report.find(f"{path}.reason", f"is {loser.reason}; the bid lost because {reason}")
    if reason == "cannot_fit" and loser.minimum is not None:
        report.find(f"{path}.minimum_to_win", f"is {loser.minimum}, but no limit could win")


def _check_package_minimums(
    claim: Claim, windows: Windows, packages: list[PackageMarket], report: Report
) -> None:
    market_of = {bid.id: (market, bid) for market in packages for bid in market.bids}
    for row, loser in enumerate(claim.losers):
        if loser.minimum is None or loser.bid not in market_of:
            continue
        market, bid = market_of[loser.bid]
        wins = market.would_win(windows, bid, loser.minimum)
        path = f"losers[{row}].minimum_to_win"
        less = market.would_win(windows, bid, loser.minimum - 1) if loser.minimum else False
        if wins is False:
            report.find(path, f"a limit of {loser.minimum} would not win either")
        elif less:
            report.find(path, f"a limit of {loser.minimum - 1} would win as well")
        elif wins is None or less is None:
            report.note(
                "minimums to win where packages are involved: in large components not checked to the end"
            )
