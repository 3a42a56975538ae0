"""What sellers do: hand over, in time or late, and answer what buyers report."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import rule

from settlements.models import Delivery, Outage
from settlements.operations.handovers import Access, HandoverRefused, hand_over
from settlements.operations.outages import OutageRefused, answer_outage
from tests.laws.money_machine.world import World, picks

Status = Delivery.Status


class Sellers(World):
    """Hand-overs and answers."""

    @rule(pick=picks)
    def hand_over(self, pick: int) -> None:
        delivery = self.delivery(pick, Status.AWAITING_PAYMENT, Status.HANDOVER_DUE, Status.MISSED)
        if delivery is not None:
            with suppress(HandoverRefused):
                hand_over(
                    seller=delivery.seller,
                    delivery_id=delivery.pk,
                    given_by=self.people[0],
                    access=Access(endpoint="ssh://node"),
                    version_seen=0,
                    now=self.now,
                )

    @rule(pick=picks, accepts=st.booleans())
    def answer_an_outage(self, pick: int, accepts: bool) -> None:
        outage = self.pick(
            Outage.objects.filter(status=Outage.Status.OPEN), pick, "delivery__line__settlement"
        )
        if outage is not None:
            with suppress(OutageRefused):
                answer_outage(
                    seller=outage.delivery.seller,
                    outage_id=outage.pk,
                    answered_by=self.people[0],
                    accepts=accepts,
                    note="" if accepts else "It ran.",
                    now=self.now,
                )
