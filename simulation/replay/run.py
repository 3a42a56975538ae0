"""Run a plan through the real operations, window by window: list, open, bid, freeze, close, clear, settle, charge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from auctions.models import Bid, Lot, Market, Window
from auctions.operations.bids import place_bid
from auctions.operations.clearing import clear_window
from auctions.operations.windows import (
    cancel_window,
    close_window,
    freeze_window,
    open_window,
    schedule_windows,
)
from auctions.policies import BidRejected
from auctions.terms import single_lot_terms
from inventory.models import Block
from inventory.operations.blocks import list_block, withdraw_block
from inventory.terms import BlockTerms
from marketplace.db import database_now
from marketplace.hours import HOUR
from settlements.models import Settlement
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from simulation.replay.clock import turn_clock_to
from simulation.replay.participants import Participants
from simulation.replay.plan import Plan, PlannedBid, PlannedBlock, PlannedWindow
from simulation.replay.results import WindowResult, read_result
from simulation.replay.stages import Stage, Stopwatch


class StepNotTaken(Exception):
    """A window did not take the step that was due: something else is at work on this database."""


def run_windows(
    plan: Plan, participants: Participants, tell: Callable[[WindowResult], None]
) -> list[WindowResult]:
    """Run every window of the plan and ``tell`` of each as it ends. What did not sell is withdrawn at the end."""
    windows = _schedule(participants.market, len(plan.windows))
    results = []
    for planned, window in zip(plan.windows, windows, strict=True):
        result = _Replayed(planned, window, participants).run()
        tell(result)
        results.append(result)
    _withdraw_rest(participants)
    return results


def _schedule(market: Market, n_windows: int) -> list[Window]:
    """Schedule one window for each hour to come. The operation makes one too many each time; the last is cancelled."""
    now = database_now()
    Market.objects.filter(pk=market.pk).update(status=Market.Status.ACTIVE)
    for hour in range(n_windows):
        schedule_windows(now=now + hour * HOUR)
    Market.objects.filter(pk=market.pk).update(status=Market.Status.PAUSED)
    windows = list(Window.objects.filter(market=market).order_by("opens_at"))
    for beyond in windows[n_windows:]:
        cancel_window(window_id=beyond.pk, reason="The replay ends before it.")
    return windows[:n_windows]


def _withdraw_rest(participants: Participants) -> None:
    for seller in participants.sellers.values():
        blocks = Block.objects.filter(site=seller.site, status=Block.Status.LISTED).order_by("id")
        for block_id in list(blocks.values_list("id", flat=True)):
            withdraw_block(seller=seller.trader.organization, block_id=block_id)


class _Replayed:
    """One window of the plan on its way through the operations."""

    def __init__(self, planned: PlannedWindow, window: Window, participants: Participants) -> None:
        self.planned = planned
        self.window = window
        self.participants = participants
        self.stopwatch = Stopwatch()
        self.refused: Counter[str] = Counter()

    def run(self) -> WindowResult:
        with self.stopwatch.measure(Stage.LISTING):
            blocks = [self._list(planned) for planned in self.planned.blocks]
        with self.stopwatch.measure(Stage.PHASES):
            turn_clock_to("opens_at", window_id=self.window.pk)
            self._require(open_window(window_id=self.window.pk), "open")
        with self.stopwatch.measure(Stage.BIDDING):
            self._bid_all(blocks)
        with self.stopwatch.measure(Stage.PHASES):
            turn_clock_to("freezes_at", window_id=self.window.pk)
            self._require(freeze_window(window_id=self.window.pk), "freeze")
            turn_clock_to("closes_at", window_id=self.window.pk)
            self._require(close_window(window_id=self.window.pk), "close")
        with self.stopwatch.measure(Stage.CLEARING):
            self._require(clear_window(window_id=self.window.pk), "clear")
        with self.stopwatch.measure(Stage.SETTLING):
            settlements = settle_window(window_id=self.window.pk)
        with self.stopwatch.measure(Stage.CHARGING):
            n_charges = sum(self._charge(settlement) for settlement in settlements)
        return self._result(n_charges)

    def _list(self, planned: PlannedBlock) -> Block:
        seller = self.participants.sellers[planned.cluster]
        terms = BlockTerms(
            site_id=seller.site.pk,
            resource_type_id=self.participants.resource_types[planned.model.slug].pk,
            units=planned.units,
            starts_at=self.window.delivery_from,
            ends_at=self.window.delivery_to,
            reserve_ticks=self._price(planned.model.slug, planned.reserve_share),
        )
        return list_block(seller=seller.trader.organization, listed_by=seller.trader.user, terms=terms)

    def _bid_all(self, blocks: list[Block]) -> None:
        lots = Lot.objects.filter(window=self.window).select_related("block")
        by_block = {lot.block_id: lot for lot in lots}
        for planned in self.planned.bids:
            try:
                self._bid(planned, by_block[blocks[planned.block].pk])
            except BidRejected as refusal:
                self.refused[refusal.code] += 1

    def _bid(self, planned: PlannedBid, lot: Lot) -> Bid:
        buyer = self.participants.buyers[planned.buyer]
        slug = self.planned.blocks[planned.block].model.slug
        terms = single_lot_terms(lot, units=planned.units, price_ticks=self._price(slug, planned.value_share))
        return place_bid(
            organization=buyer.organization, placed_by=buyer.user, window_id=self.window.pk, terms=terms
        )

    def _price(self, slug: str, share: float) -> int:
        return max(1, round(self.participants.anchor_ticks(slug) * share))

    def _charge(self, settlement: Settlement) -> bool:
        """Charge what is due. Say whether there was anything to charge."""
        if settlement.status != Settlement.Status.DUE:
            return False
        charge_settlement(settlement_id=settlement.pk)
        return True

    def _require(self, was_taken: bool, step: str) -> None:
        if not was_taken:
            raise StepNotTaken(
                f"Window {self.window.pk} did not {step} when due. Does something else work on this database?"
            )

    def _result(self, n_charges: int) -> WindowResult:
        return read_result(
            hour=self.planned.hour,
            window_id=self.window.pk,
            n_unmet=self.planned.n_unmet,
            refused=self.refused,
            n_charges=n_charges,
            seconds=self.stopwatch.seconds,
            participants=self.participants,
        )
