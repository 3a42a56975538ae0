"""What finance does with money that goes back: refunds, alone or by two, and disputes."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import rule

from settlements.models import Dispute, Refund, TransferReversal
from settlements.operations.disputes import (
    StaleDispute,
    accept_dispute,
    bear_dispute,
    bearing_of,
    submit_evidence,
)
from settlements.operations.refund_sending import credit_refund, retry_refund, send_refund
from settlements.operations.refunds import (
    RefundDraft,
    SecondPersonNeeded,
    StaleRefund,
    approve_refund,
    cancel_refund,
    effect_of_proposed,
    propose_refund,
)
from settlements.operations.reversals import StaleReversal, retry_reversal
from settlements.refunding import RefundRejected, effect_of
from tests.laws.money_machine.world import World, picks

persons = st.integers(0, 2)


class Refunding(World):
    """Refunds and disputes."""

    @rule(pick=picks, per_mille=st.integers(-50, 1100), person=persons)
    def propose_a_refund(self, pick: int, per_mille: int, person: int) -> None:
        settlement = self.settlement(pick)
        if settlement.status != settlement.Status.PAID:
            return
        lines = list(settlement.lines.select_related("delivery").order_by("id"))
        line = lines[pick % len(lines)]
        wanted = {line.pk: line.amount_cents * per_mille // 1000}
        try:
            shown = effect_of(settlement, lines, wanted)
        except RefundRejected:
            return
        before = settlement.refunded_cents
        refund = propose_refund(
            draft=RefundDraft(settlement.pk, wanted, Refund.Reason.GOODWILL),
            by=self.people[person],
            fingerprint=shown.fingerprint,
        )
        settlement.refresh_from_db()
        booked = refund.status != Refund.Status.PROPOSED
        assert settlement.refunded_cents == before + (refund.amount_cents if booked else 0)

    @rule(pick=picks, person=persons, drops=st.booleans())
    def decide_a_refund(self, pick: int, person: int, drops: bool) -> None:
        refund = self.pick(Refund.objects.filter(status=Refund.Status.PROPOSED), pick)
        if refund is None:
            return
        if drops:
            cancel_refund(refund_id=refund.pk, by=self.people[person])
            return
        with suppress(RefundRejected):
            shown = effect_of_proposed(refund)
            try:
                approve_refund(refund_id=refund.pk, by=self.people[person], fingerprint=shown.fingerprint)
            except SecondPersonNeeded:
                assert refund.proposed_by == self.people[person]
            else:
                assert refund.proposed_by != self.people[person], "four eyes are four"

    @rule(pick=picks)
    def send_a_refund(self, pick: int) -> None:
        refund = self.pick(Refund.objects.filter(status=Refund.Status.APPROVED), pick)
        if refund is not None:
            self.ask(lambda: send_refund(refund_id=refund.pk))

    @rule(pick=picks, again=st.booleans())
    def look_after_a_failed_refund(self, pick: int, again: bool) -> None:
        refund = self.pick(Refund.objects.filter(status=Refund.Status.FAILED), pick)
        if refund is None:
            return
        with suppress(StaleRefund):
            if again:
                self.ask(lambda: retry_refund(refund_id=refund.pk, by=self.people[0]))
            else:
                credit_refund(refund_id=refund.pk, by=self.people[0])

    @rule(pick=picks)
    def take_back_again(self, pick: int) -> None:
        failed = TransferReversal.objects.filter(status=TransferReversal.Status.FAILED)
        reversal = self.pick(failed, pick, "transfer__delivery__line__settlement")
        if reversal is not None:
            with suppress(StaleReversal):
                self.ask(lambda: retry_reversal(reversal_id=reversal.pk, by=self.people[0]))

    @rule(
        pick=picks,
        outcome=st.sampled_from(
            ["winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "more", ""]
        ),
    )
    def answer_a_dispute(self, pick: int, outcome: str) -> None:
        """Hand evidence in; with none, accept."""
        dispute = self.pick(Dispute.objects.filter(status__in=Dispute.ANSWERABLE), pick)
        if dispute is None:
            return
        with suppress(StaleDispute):
            if outcome:
                self.ask(
                    lambda: submit_evidence(
                        dispute_id=dispute.pk,
                        evidence={"uncategorized_text": outcome},
                        by=self.people[0],
                        now=self.now,
                    )
                )
            else:
                self.ask(lambda: accept_dispute(dispute_id=dispute.pk, by=self.people[0]))

    @rule(pick=picks, bearer=st.sampled_from(Dispute.Bearer))
    def bear_a_lost_dispute(self, pick: int, bearer: Dispute.Bearer) -> None:
        dispute = self.pick(Dispute.objects.filter(status=Dispute.Status.LOST), pick)
        if dispute is not None:
            self.bear(dispute, bearer)

    def bear(self, dispute: Dispute, bearer: Dispute.Bearer) -> None:
        bear_dispute(
            dispute_id=dispute.pk,
            bearer=bearer,
            note="law",
            by=self.people[0],
            fingerprint=bearing_of(dispute, bearer).fingerprint,
        )
