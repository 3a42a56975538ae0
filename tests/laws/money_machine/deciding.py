"""What else finance decides: transfers by two people, holds, outages, and settlements that nobody pays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from settlements.models import Account, Dunning, Outage, Settlement, Transfer, TransferHold
from settlements.operations.carrying import WriteOff, WriteOffRefused, write_off
from settlements.operations.decisions import (
    Decision,
    DecisionRefused,
    call_default,
    extend_deadline,
    retry_now,
)
from settlements.operations.outages import OutageRefused, decide_outage
from settlements.operations.transfer_decisions import (
    SecondPersonNeeded,
    StaleTransfer,
    approve_transfers,
    hold_transfer,
    lift_hold,
    propose_transfers,
    reject_transfer,
    reopen_transfer,
    retry_transfer,
)
from settlements.queries.collecting import version_of
from settlements.refunding import RefundRejected
from tests.laws.money_machine.refunding import persons
from tests.laws.money_machine.world import World, picks

Status = Transfer.Status
LINE = "delivery__line__settlement"


class Deciding(World):
    """Decisions with and without a second person."""

    @rule(pick=picks, person=persons, again=st.booleans())
    def propose_a_transfer(self, pick: int, person: int, again: bool) -> None:
        waiting = (Status.REJECTED, Status.FAILED) if again else (Status.PENDING_APPROVAL,)
        transfer = self.pick(Transfer.objects.filter(status__in=waiting, proposed_by=None), pick, LINE)
        if transfer is None:
            return
        by = self.people[person]
        match transfer.status:
            case Status.REJECTED:
                reopen_transfer(transfer_id=transfer.pk, by=by)
            case Status.FAILED:
                retry_transfer(transfer_id=transfer.pk, by=by)
            case _:
                propose_transfers(shown_cents={transfer.pk: transfer.amount_cents}, by=by)

    @rule(pick=picks, person=persons, stale=st.booleans())
    def approve_a_transfer(self, pick: int, person: int, stale: bool) -> None:
        pending = Transfer.objects.filter(status=Status.PENDING_APPROVAL, proposed_by__isnull=False)
        transfer = self.pick(pending, pick, LINE)
        if transfer is None:
            return
        by = self.people[person]
        try:
            approve_transfers(shown_cents={transfer.pk: transfer.amount_cents + stale}, by=by)
        except SecondPersonNeeded:
            assert transfer.proposed_by == by
        except StaleTransfer:
            assert stale
        else:
            assert transfer.proposed_by != by, "four eyes are four"
            assert not stale

    @rule(pick=picks, person=persons)
    def reject_a_transfer(self, pick: int, person: int) -> None:
        transfer = self.pick(Transfer.objects.filter(status=Status.PENDING_APPROVAL), pick, LINE)
        if transfer is not None:
            reject_transfer(transfer_id=transfer.pk, reason="law", by=self.people[person])

    @rule(pick=picks, lifts=st.booleans())
    def hold_or_lift(self, pick: int, lifts: bool) -> None:
        if lifts:
            hold = self.pick(TransferHold.objects.filter(lifted_at=None), pick, LINE)
            if hold is not None:
                with suppress(StaleTransfer):
                    lift_hold(hold_id=hold.pk, by=self.people[0])
            return
        transfer = self.pick(Transfer.objects.filter(status__in=Transfer.UNSENT), pick, LINE)
        if transfer is not None:
            hold_transfer(transfer_id=transfer.pk, reason="law", by=self.people[0])

    @rule(pick=picks, person=persons, per_cent=st.integers(0, 100))
    def decide_an_outage(self, pick: int, person: int, per_cent: int) -> None:
        outage = self.pick(Outage.objects.filter(status__in=Outage.UNDECIDED), pick, LINE)
        if outage is not None:
            self.decide(outage, person, per_cent)

    def decide(self, outage: Outage, person: int, per_cent: int) -> None:
        """Uphold part of an outage, or where nothing can be refunded any more reject it."""
        for minutes in (-(-outage.n_minutes * per_cent // 100), 0):
            try:
                decide_outage(
                    outage_id=outage.pk,
                    decided_by=self.people[person],
                    upheld_minutes=minutes,
                    reason="law",
                    fingerprint=outage.fingerprint,
                    now=self.now,
                )
            except RefundRejected:
                continue
            except OutageRefused:
                pass
            return

    # Settlements that nobody pays

    @rule(pick=picks, hours=st.integers(-1, 80))
    def extend_a_deadline(self, pick: int, hours: int) -> None:
        dunning = Dunning.objects.filter(pk=self.settlement(pick).pk, closed_at=None).first()
        if dunning is not None:
            later = dunning.deadline_at + timedelta(hours=hours)
            self._decide(pick, lambda decision: extend_deadline(decision, deadline_at=later, now=self.now))

    @rule(pick=picks)
    def try_the_card_again(self, pick: int) -> None:
        if self.settlement(pick).status == Settlement.Status.DECLINED:
            self._decide(pick, lambda decision: retry_now(decision, now=self.now))

    @rule(pick=picks)
    def call_a_default(self, pick: int) -> None:
        if self.settlement(pick).status in Settlement.COLLECTABLE:
            self._decide(pick, lambda decision: call_default(decision, now=self.now))

    @rule(pick=picks, account=st.sampled_from([Account.Kind.LOSSES, Account.Kind.ROUNDING]))
    def write_off_a_small_amount(self, pick: int, account: Account.Kind) -> None:
        settlement = self.settlement(pick)
        if settlement.status == Settlement.Status.CARRIED:
            with suppress(WriteOffRefused):
                write_off(WriteOff([settlement.pk], account, self.people[0], "law"), now=self.now)

    def _decide(self, pick: int, decide: Callable[[Decision], object]) -> None:
        settlement = self.settlement(pick)
        decision = Decision(settlement.pk, version_of(settlement), self.people[0], "law")
        with suppress(DecisionRefused):
            self.ask(lambda: decide(decision))
