r"""Are the payments of a group of markets the rule's? VCG, no blocking coalition, nearest to VCG of the cheapest.

With `w` the best surplus, :math:`v_i` what winner `i` is awarded and `T` any set of winners, the others and the sellers
would do better by themselves unless

.. math:: \sum_{i \in T} p_i \ge w(N \setminus T) - w(N) + \sum_{i \in T} v_i ,

and for `T = {i}` the right-hand side is VCG. Up to `MAX_ENUMERATED` winners all sets are tried; above, one integer
program looks for the best coalition, and then for those that decide which payments are nearest to VCG (`nearest`);
above that a sample, seeded with the book, is tried.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from typing import NamedTuple

from auctions.engine.verify.claims import Claim
from auctions.engine.verify.findings import Report
from auctions.engine.verify.markets import Group
from auctions.engine.verify.nearest import Rows, blocking_rows, cheapest_point
from auctions.engine.verify.placements import Cell, Placement
from auctions.engine.verify.search import search_milp
from auctions.engine.verify.sheets import Id, Sheet

MAX_ENUMERATED = 8
MAX_PIVOTS = 24
SAMPLED_COALITIONS = 60


class Worth(NamedTuple):
    """What a group's winners are awarded and pay, ticks by bidder, and the best surplus of its markets."""

    value: dict[Id, int]
    paid: dict[Id, int]
    vcg: dict[Id, int]
    surplus: int


def check_group(sheet: Sheet, claim: Claim, group: Group, report: Report) -> float | None:
    """Check VCG and payments of a group. Return the exact core total of its winners, None where it is not known.

    Only the total over all groups is rounded up to a tick, so the caller compares that.
    """
    surplus = _surplus_without(group, ())
    if surplus is None:
        surplus = _claimed_surplus(sheet, claim, group)
    worth = _worth(sheet, claim, group, surplus)
    if sheet.rule == "vcg":
        _check_vcg(group, worth, report)
        for bidder in group.winners:
            if worth.paid[bidder] != worth.vcg[bidder]:
                report.find("payments", f"bidder {bidder!r} does not pay its VCG payment {worth.vcg[bidder]}")
        return None
    rows = _all_rows(group, worth)
    if rows is not None:
        _check_vcg(group, worth, report)
        report.note("core: every coalition tried in small groups of markets with packages")
        _check_rows(rows, worth, report)
        return _check_nearest(rows, group, worth, report)
    is_complete = _check_by_program(group, worth, report)
    if not is_complete:
        _check_sampled(sheet, group, worth, report)
    _check_vcg(group, worth, report)
    return _check_nearest_of_many(group, worth, report) if is_complete and not report.findings else None


def _worth(sheet: Sheet, claim: Claim, group: Group, surplus: int) -> Worth:
    value: dict[Id, int] = defaultdict(int)
    paid: dict[Id, int] = defaultdict(int)
    winners = set(group.winners)
    for award in claim.awards:
        bidder = sheet.bids[award.bid].bidder
        if bidder in winners:
            value[bidder] += award.value
            paid[bidder] += award.amount
    vcg = {str(bidder): ticks for bidder, ticks in claim.vcg.items()}
    return Worth(value, paid, {bidder: vcg[str(bidder)] for bidder in group.winners}, surplus)


def _surplus_without(group: Group, without: tuple[Id, ...]) -> int | None:
    """Best surplus of the group's markets without some bidders; None unless proven."""
    total = sum(int(market.surplus(frozenset(without))) for market in group.divisible)
    for market in group.packages:
        best = market.best(without)
        if best is None or not best.proven:
            return None
        total += best.surplus
    return total


def _claimed_surplus(sheet: Sheet, claim: Claim, group: Group) -> int:
    bids = {bid.id for market in group.packages for bid in market.bids}
    bids |= {row.bid.id for market in group.divisible for row in market.order}
    return sum(
        award.value - sheet.lots[award.lot].cost(award.start, award.end) * award.units
        for award in claim.awards
        if award.bid in bids
    )


def _all_rows(group: Group, worth: Worth) -> Rows | None:
    if len(group.winners) > MAX_ENUMERATED or not all(market.is_small for market in group.packages):
        return None
    rows: Rows = []
    for size in range(1, len(group.winners) + 1):
        for payers in itertools.combinations(group.winners, size):
            others = _surplus_without(group, payers)
            if others is None:
                return None
            rows.append((payers, others - worth.surplus + sum(worth.value[who] for who in payers)))
    return rows


def _check_vcg(group: Group, worth: Worth, report: Report) -> None:
    checked = 0
    for bidder in group.winners:
        if worth.vcg[bidder] > worth.paid[bidder]:
            report.find("vcg", f"bidder {bidder!r}: {worth.vcg[bidder]} is more than it pays")
        others = _surplus_without(group, (bidder,)) if checked < MAX_PIVOTS else None
        if others is None:
            continue
        checked += 1
        exact = worth.value[bidder] - (worth.surplus - others)
        if worth.vcg[bidder] != exact:
            report.find("vcg", f"bidder {bidder!r}: is {worth.vcg[bidder]}; the rule gives {exact}")
    if checked < len(group.winners):
        report.note("VCG payments: not all computed again where packages are involved")


def _check_rows(rows: Rows, worth: Worth, report: Report) -> None:
    for payers, least in rows:
        paid = sum(worth.paid[who] for who in payers)
        if paid <= least - len(payers):  # rounding may cost each payer less than a tick
            _find_blocking(payers, paid, least, report)


def _find_blocking(payers: tuple[Id, ...], paid: int, least: int, report: Report) -> None:
    names = ", ".join(repr(who) for who in payers)
    report.find(
        "payments", f"{names} pay {paid} together, but the others and the sellers could do {least} without"
    )


def _check_nearest(rows: Rows, group: Group, worth: Worth, report: Report) -> float | None:
    """Compare with the cheapest core point nearest to VCG, to a tick for each bidder. Return its total."""
    if not rows:
        return 0.0
    found = cheapest_point(rows, group.winners, worth.value)
    if found is None:
        report.find("payments", "no payments within the bids are in the core of these awards")
        return None
    point, total = found
    slack = 1e-6 + 1e-9 * max(worth.value.values())
    for who, ticks in zip(group.winners, point.tolist(), strict=True):
        if abs(worth.paid[who] - ticks) > 1 + slack:
            report.find(
                "payments", f"bidder {who!r} pays {worth.paid[who]}; nearest to VCG would be {ticks:.2f}"
            )
    return total


def _check_nearest_of_many(group: Group, worth: Worth, report: Report) -> float | None:
    """As `_check_nearest`, over the coalitions that a search of its own finds to matter; None where it finds no end."""
    alone: Rows = []
    for who in group.winners[: MAX_PIVOTS + 1]:
        others = _surplus_without(group, (who,))
        if others is None:
            break
        alone.append(((who,), others - worth.surplus + worth.value[who]))
    rows = blocking_rows(group, alone, worth.value, worth.surplus)
    if len(alone) < len(group.winners) or rows is None:
        report.note("core: nearness to VCG of the payments of many winners not computed again")
        return None
    report.note("core: nearest point of many winners computed again over the coalitions that bind")
    return _check_nearest(rows, group, worth, report)


def _check_by_program(group: Group, worth: Worth, report: Report) -> bool:
    """Look for the coalition that would gain most. Return whether the search was complete."""
    ways: list[list[Placement]] = []
    bidders: list[Id] = []
    capacity: dict[Cell, int] = {}
    for market in group.packages:
        if market.ways is None or not market.budget.spend(market.ways):
            return False
        ways += market.ways
        bidders += market.bidders
        capacity |= market.capacity
    if group.divisible:
        return False
    keep = {who: worth.value[who] - worth.paid[who] for who in group.winners}
    best = search_milp(ways, capacity, bidders, keep)
    if best is None:
        return False
    users = {who for who, way in zip(bidders, best.chosen, strict=True) if way is not None}
    payers = tuple(who for who in group.winners if who not in users)
    paid = sum(worth.paid[who] for who in payers)
    least = best.surplus + sum(keep[who] for who in users & keep.keys()) - worth.surplus
    least += sum(worth.value[who] for who in payers)
    if paid <= least - max(len(payers), 1):
        _find_blocking(payers, paid, least, report)
    if best.proven:
        report.note(
            "core: the best coalition searched for by an integer program in larger groups of markets with packages"
        )
    return best.proven


def _check_sampled(sheet: Sheet, group: Group, worth: Worth, report: Report) -> None:
    """Try coalitions drawn at random, the same for the same book, that choose greedily."""
    rng = random.Random(sheet.sha256 or len(sheet.bids))
    for _ in range(SAMPLED_COALITIONS):
        size = min(len(group.winners), 1 + int(rng.expovariate(0.5)))
        payers = tuple(rng.sample(group.winners, size))
        without = frozenset(payers)
        others = sum(int(market.surplus(without)) for market in group.divisible)
        others += sum(market.greedy(without, rng) for market in group.packages)
        least = others - worth.surplus + sum(worth.value[who] for who in payers)
        paid = sum(worth.paid[who] for who in payers)
        if paid <= least - size:
            _find_blocking(payers, paid, least, report)
    report.note(f"core: {SAMPLED_COALITIONS} coalitions sampled in each group of markets too large to search")
