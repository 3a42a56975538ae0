"""Deciding refunds: what is previewed is what is booked, never more than was paid, four eyes are four."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import StreamEvent
from settlements import ledger
from settlements.models import Refund, RefundLine, Settlement, SettlementLine, Transaction
from settlements.operations.refunds import (
    RefundDraft,
    SecondPersonNeeded,
    StaleRefund,
    approve_refund,
    cancel_refund,
    effect_of_proposed,
    propose_refund,
    write_refund,
)
from settlements.refunding import RefundRejected, effect_of
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import MembershipFactory
from tests.integration.settlements.refund_steps import effect, finance_person, paid_settlement, refund
from tests.integration.settlements.steps import settlement_of

pytestmark = pytest.mark.django_db(transaction=True)
Status = Refund.Status


@pytest.fixture(autouse=True)
def _sandbox(stripe_sandbox: SandboxServer) -> None:
    """Every test pays through the sandbox."""


def booked(refund: Refund) -> dict[ledger.AccountKey, int]:
    transaction_ = Transaction.objects.get(reference=f"settlement:{refund.settlement_id}:refund:{refund.pk}")
    return {
        ledger.AccountKey(entry.account.kind, entry.account.organization_id): entry.amount_cents
        for entry in transaction_.entries.select_related("account")
    }


class TestProposeRefund:
    @pytest.mark.parametrize("cents", [(10_00, 0), (0, 33), (10_01, 7_77), (60_00, 30_00)])
    def test_books_exactly_what_was_previewed(self, cents: tuple[int, int]) -> None:
        settlement = paid_settlement(60_00, 30_00)
        shown = effect(settlement, *cents)

        refunded = refund(settlement, *cents)

        assert booked(refunded) == shown.entries
        assert sum(shown.entries.values()) == 0
        assert -shown.entries[ledger.REFUNDS_IN_FLIGHT] == sum(cents) == refunded.card_cents

    def test_counts_against_its_lines_and_the_settlement(self) -> None:
        settlement = paid_settlement(60_00, 30_00)

        refund(settlement, 10_00, 5_00)

        settlement.refresh_from_db()
        lines = list(settlement.lines.order_by("id"))
        assert settlement.refunded_cents == 15_00
        assert [line.refunded_cents for line in lines] == [10_00, 5_00]
        assert [line.share_cents for line in lines] == [57_00 - 9_50, 28_50 - 4_75]

    def test_a_full_refund_in_odd_parts_leaves_no_cent_anywhere(self) -> None:
        settlement = paid_settlement(9_99)

        for cents in (1, 1, 3_33, 7, 6_57):
            refund(settlement, cents)

        line = settlement.lines.get()
        assert (line.refundable_cents, line.share_cents) == (0, 0)
        assert ledger.balance_cents(ledger.seller_reserve(line.seller_id)) == 0
        assert ledger.balance_cents(ledger.PLATFORM_FEES) == 0
        assert ledger.balance_cents(ledger.REFUNDS_IN_FLIGHT) == -9_99

    def test_tells_the_buyer(self) -> None:
        settlement = paid_settlement(60_00)

        refund(settlement, 10_00)

        told = StreamEvent.objects.filter(organization=settlement.organization).order_by("sequence").last()
        assert (told.kind, told.data["amount_cents"]) == ("refund.approved", 10_00)

    @pytest.mark.parametrize(
        ("cents", "text"),
        [(0, "more than \\$0.00"), (-5, "more than \\$0.00"), (60_01, "more than what is left of this line")],
    )
    def test_refuses_an_amount_that_cannot_be_and_names_the_line(self, cents: int, text: str) -> None:
        settlement = paid_settlement(60_00)
        line = settlement.lines.get()

        with pytest.raises(RefundRejected, match=text) as refused:
            effect_of(settlement, [line], {line.pk: cents})

        assert refused.value.field == f"line_{line.pk}"

    def test_refuses_nothing_at_all_and_anothers_line(self) -> None:
        settlement, other = paid_settlement(60_00), paid_settlement(20_00)

        with pytest.raises(RefundRejected, match="at least one line"):
            effect(settlement)
        with pytest.raises(RefundRejected, match="not of this settlement"):
            effect_of(settlement, list(settlement.lines.all()), {other.lines.get().pk: 1})

    def test_refuses_what_was_never_paid(self) -> None:
        settlement = settlement_of(60_00)

        with pytest.raises(RefundRejected, match="is not paid"):
            effect(settlement, 1)

    def test_a_preview_that_something_overtook_changes_nothing(self) -> None:
        settlement = paid_settlement(60_00)
        shown = effect(settlement, 10_00)
        refund(settlement, 20_00)

        with pytest.raises(StaleRefund):
            propose_refund(
                draft=RefundDraft(settlement.pk, {shown.lines[0].line.pk: 10_01}, Refund.Reason.OUTAGE),
                by=finance_person(),
                fingerprint=shown.fingerprint,
            )

        assert Refund.objects.count() == 1

    def test_of_two_at_once_that_exceed_the_line_together_one_is_refused(self) -> None:
        settlement = paid_settlement(60_00)
        shown = effect(settlement, 40_00)
        draft = RefundDraft(settlement.pk, {shown.lines[0].line.pk: 40_00}, Refund.Reason.OUTAGE)
        people = [finance_person(), finance_person()]

        def propose(by: Any) -> bool:
            try:
                propose_refund(draft=draft, by=by, fingerprint=shown.fingerprint)
            except RefundRejected:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(2) as threads:
            done = list(threads.map(propose, people))

        assert sorted(done) == [False, True]
        assert settlement.lines.get().refunded_cents == 40_00


class TestFourEyes:
    def test_much_money_waits_and_books_nothing(self) -> None:
        settlement = paid_settlement(2_000_00)

        proposed = refund(settlement, 1_000_00)

        assert proposed.status == Status.PROPOSED
        assert settlement.lines.get().refunded_cents == 0
        assert not Transaction.objects.filter(kind="refund").exists()

    def test_many_small_ones_are_no_way_around(self) -> None:
        settlement = paid_settlement(2_000_00)

        statuses = [refund(settlement, 400_00).status for _ in range(3)]

        assert statuses == [Status.APPROVED, Status.APPROVED, Status.PROPOSED]

    def test_the_proposer_cannot_approve(self) -> None:
        by = finance_person()
        proposed = refund(paid_settlement(2_000_00), 1_000_00, by=by)
        shown = effect_of_proposed(proposed)

        with pytest.raises(SecondPersonNeeded):
            approve_refund(refund_id=proposed.pk, by=by, fingerprint=shown.fingerprint)

        proposed.refresh_from_db()
        assert proposed.status == Status.PROPOSED

    def test_the_database_refuses_it_too(self) -> None:
        proposed = refund(paid_settlement(2_000_00), 1_000_00)

        with pytest.raises(IntegrityError, match="refund_four_eyes"):
            Refund.objects.filter(pk=proposed.pk).update(
                status="approved",
                decided_by=proposed.proposed_by,
                decided_at=proposed.created_at,
                card_cents=1_000_00,
            )

    def test_another_person_approves_what_is_shown(self) -> None:
        proposed = refund(paid_settlement(2_000_00), 1_000_00)
        shown = effect_of_proposed(proposed)

        approved = approve_refund(refund_id=proposed.pk, by=finance_person(), fingerprint=shown.fingerprint)

        assert approved.status == Status.APPROVED
        assert booked(approved) == shown.entries

    def test_a_stale_approval_changes_nothing(self) -> None:
        settlement = paid_settlement(2_000_00)
        proposed = refund(settlement, 1_500_00)
        shown = effect_of_proposed(proposed)
        refund(settlement, 1)

        with pytest.raises(StaleRefund):
            approve_refund(refund_id=proposed.pk, by=finance_person(), fingerprint=shown.fingerprint + "0")

    def test_cannot_be_approved_once_less_is_left(self) -> None:
        settlement = paid_settlement(2_000_00)
        proposed = refund(settlement, 1_500_00)
        shown = effect_of_proposed(proposed)
        refund(settlement, 900_00)

        with pytest.raises(RefundRejected, match="more than what is left"):
            approve_refund(refund_id=proposed.pk, by=finance_person(), fingerprint=shown.fingerprint)

    def test_nobody_refunds_an_organization_of_their_own(self) -> None:
        settlement = paid_settlement(2_000_00)
        insider = finance_person()
        MembershipFactory(user=insider, organization=settlement.organization)

        with pytest.raises(RefundRejected, match="You are a member"):
            refund(settlement, 1, by=insider)
        proposed = refund(settlement, 1_500_00)
        shown = effect_of_proposed(proposed).fingerprint
        with pytest.raises(RefundRejected, match="You are a member"):
            approve_refund(refund_id=proposed.pk, by=insider, fingerprint=shown)

        proposed.refresh_from_db()
        assert proposed.status == Status.PROPOSED

    def test_a_proposal_can_be_dropped_once(self) -> None:
        proposed = refund(paid_settlement(2_000_00), 1_000_00)

        cancelled = cancel_refund(refund_id=proposed.pk, by=finance_person())

        assert cancelled.status == Status.CANCELLED
        with pytest.raises(StaleRefund, match="not decided by now"):
            cancel_refund(refund_id=proposed.pk, by=finance_person())


class TestWriteRefund:
    def test_joins_the_transaction_of_the_decision_that_brings_it(self) -> None:
        settlement = paid_settlement(60_00)
        line = settlement.lines.get()

        with transaction.atomic():
            write_refund(settlement, {line.pk: 30_00}, Refund.Reason.OUTAGE, None)
            transaction.set_rollback(True)  # whatever else the decision does fails

        assert not Refund.objects.exists()

    def test_is_decided_by_the_rules_below_the_threshold(self) -> None:
        settlement = paid_settlement(60_00)

        with transaction.atomic():
            written = write_refund(
                settlement, {settlement.lines.get().pk: 30_00}, Refund.Reason.MISSED_HANDOVER, None
            )

        assert (written.status, written.proposed_by, written.decided_by) == (Status.APPROVED, None, None)


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize("change", [{"refunded_cents": 60_01}, {"refunded_cents": -1}])
    def test_a_line_refunded_beyond_its_amount(self, change: dict[str, int]) -> None:
        settlement = paid_settlement(60_00)

        with pytest.raises(IntegrityError, match="settlement_line_refunded_within_amount"):
            SettlementLine.objects.filter(settlement=settlement).update(**change)

    def test_a_settlement_refunded_beyond_its_amount(self) -> None:
        settlement = paid_settlement(60_00)

        with pytest.raises(IntegrityError, match=r"settlement_refunded_(within_amount|as_paid)"):
            Settlement.objects.filter(pk=settlement.pk).update(refunded_cents=60_01)

    def test_a_refund_whose_parts_do_not_sum(self) -> None:
        refunded = refund(paid_settlement(60_00), 10_00)

        with pytest.raises(IntegrityError, match="refund_to_card_and_balance"):
            Refund.objects.filter(pk=refunded.pk).update(card_cents=9_99)

    def test_a_line_twice_in_a_refund(self) -> None:
        refunded = refund(paid_settlement(60_00), 10_00)

        with pytest.raises(IntegrityError, match="refund_line_once"):
            RefundLine.objects.create(refund=refunded, line=refunded.lines.get().line, amount_cents=1)
