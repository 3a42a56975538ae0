"""What the market does: windows clear, and their awards become settlements, at once or by the month."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from inventory.models import BlockHour
from marketplace.hours import HOUR, ceil_hour
from settlements.operations.draw_up import settle_window
from tests.factories import AwardFactory, BlockFactory, LotFactory, WindowFactory
from tests.integration.settlements.steps import mark_cleared
from tests.laws.money_machine.world import SETTLEMENTS_OF_A_RUN, World

CARDS = (
    "pm_card_visa",
    "pm_card_chargeCustomerFail",
    "pm_card_authenticationRequired",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
    "",
)
"""Stripe's test cards, each with a fate of its own; and no card."""
SMALL, USUAL, LARGE = st.integers(1, 60), st.integers(50, 1_500_00), st.integers(5_000_00, 9_000_00)
amounts = st.one_of(USUAL, SMALL, LARGE)


class Market(World):
    """Wins, short and long."""

    @initialize(card=st.sampled_from(CARDS), cents=USUAL)
    def begin(self, card: str, cents: int) -> None:
        self._win(card, [cents], in_hours=2, hours=2)

    @precondition(lambda self: len(self.settlements) < SETTLEMENTS_OF_A_RUN)
    @rule(
        card=st.sampled_from(CARDS),
        lines=st.lists(amounts, min_size=1, max_size=3),
        in_hours=st.sampled_from([1, 30, 100]),
    )
    def place_awards(self, card: str, lines: list[int], in_hours: int) -> None:
        self._win(card, lines, in_hours=in_hours, hours=2)

    @precondition(lambda self: len(self.settlements) < SETTLEMENTS_OF_A_RUN)
    @rule(card=st.sampled_from(CARDS), cents=st.integers(100, 9_000_00), days=st.integers(32, 64))
    def place_a_lease(self, card: str, cents: int, days: int) -> None:
        self._win(card, [cents], in_hours=30, hours=24 * days)

    def _win(self, card: str, lines: list[int], *, in_hours: int, hours: int) -> None:
        """Have a buyer win a unit of a lot for each line. No bid held anything: whoever is suspended wins here, too."""
        buyer, window = self.buyer(card), WindowFactory()
        starts_at = ceil_hour(self.now) + in_hours * HOUR
        for number, cents in enumerate(lines):
            block = BlockFactory(
                site=self.site(number),
                resource_type=self.resource_type,
                listed_by=self.people[0],
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=hours),
                units=1,
            )
            BlockHour.objects.filter(block=block).update(sold_units=F("offered_units"))
            lot = LotFactory(window=window, block=block)
            AwardFactory(organization=buyer, amount_ticks=cents * 100 + number, lot=lot)
        self.settlements += [own.pk for own in settle_window(window_id=mark_cleared(window).pk)]
