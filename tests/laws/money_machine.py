"""A machine that does to a market's money what time, people, banks and bad networks do, in any order.

Rules are added as slices of settlement land: one step each, through the operations that pages and workers use, with
the machine's own clock. Stripe is the sandbox over HTTP; its events wait in ``events`` until a rule delivers them, out
of order, twice, or late. All examples share one database and one sandbox, which only ever grow: every run ends in
agreement (``teardown``), so the next one starts from it. Hypothesis' seed draws everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.models import Organization, User
from marketplace.db import database_now
from settlements.models import (
    ChargeAttempt,
    Delivery,
    Dispute,
    Refund,
    RefundAttempt,
    Settlement,
    StripeEvent,
    Transfer,
    TransferReversal,
)
from settlements.operations.charging import CannotPay, charge_settlement, pay_settlement, resolve_attempt
from settlements.operations.delivery_steps import move_delivery
from settlements.operations.disputes import bear_dispute, bearing_of, refresh_dispute, submit_evidence
from settlements.operations.draw_up import settle_window
from settlements.operations.events import HANDLERS, handle_event, store_event
from settlements.operations.handovers import Access, HandoverRefused, hand_over
from settlements.operations.refund_sending import (
    credit_refund,
    resolve_refund_attempt,
    retry_refund,
    send_refund,
)
from settlements.operations.refunds import (
    RefundDraft,
    SecondPersonNeeded,
    StaleRefund,
    approve_refund,
    cancel_refund,
    effect_of_proposed,
    propose_refund,
)
from settlements.operations.reversals import send_reversal
from settlements.operations.transfers import book_available, resolve_transfer, send_transfer
from settlements.queries.deliveries import due_deliveries
from settlements.queries.transfers import transfers_with_available_funds
from settlements.refunding import RefundRejected, effect_of
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.resources import disputes as bank
from settlements.stripe_sandbox.resources import payouts as stripe_payouts
from settlements.stripe_sandbox.resources import refunds as bank_refunds
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import (
    AwardFactory,
    BlockFactory,
    BuyerFactory,
    LotFactory,
    SiteFactory,
    UserFactory,
    WindowFactory,
)
from tests.integration.settlements.payout_steps import set_up
from tests.integration.settlements.steps import mark_cleared, put_on_file, stripe_client
from tests.laws.books import check_books, check_stripe

CARDS = (
    "pm_card_visa",
    "pm_card_chargeCustomerFail",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
)
FAULTY_PATHS = (
    "/v1/payment_intents",
    "/v1/refunds",
    "/v1/transfers",
    "/v1/disputes/{dispute}",
    "/v1/transfers/{transfer}/reversals",
)
BOOKS_CHECKED_EVERY = 8
picks = st.integers(0, 10_000)


class MoneyMachine(RuleBasedStateMachine):
    """One market's money. ``sandbox`` is set before it runs."""

    sandbox: ClassVar[SandboxServer]
    people: ClassVar[list[User]] = []
    buyers: ClassVar[dict[str, Organization]] = {}
    sellers: ClassVar[list[Organization]] = []
    n_steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = database_now()
        self.settlements: list[Settlement] = []
        self.events: list[dict[str, Any]] = []
        self.last_event = self._newest_event()

    @classmethod
    def prepare(cls, sandbox: SandboxServer) -> None:
        """Make the people, buyers with a card each, and sellers that Stripe lets be paid."""
        cls.sandbox = sandbox
        cls.n_steps = 0
        cls.people = [UserFactory(is_finance=True) for _ in range(3)]
        cls.buyers = {card: BuyerFactory(limit_cents=10**12) for card in CARDS}
        for card, buyer in cls.buyers.items():
            put_on_file(buyer, card)
        sites = [SiteFactory() for _ in range(2)]
        cls.sites = sites
        for site in sites:
            set_up(site.organization)

    # What the market does

    @initialize(card=st.sampled_from(CARDS), cents=st.integers(1_00, 3_000_00))
    def begin(self, card: str, cents: int) -> None:
        self.place_awards(card=card, lines=[cents])

    @rule(card=st.sampled_from(CARDS), lines=st.lists(st.integers(1, 1_500_00), min_size=1, max_size=3))
    def place_awards(self, card: str, lines: list[int]) -> None:
        if len(self.settlements) >= 3:
            return
        window = WindowFactory()
        for number, cents in enumerate(lines):
            lot = LotFactory(window=window, block=BlockFactory(site=self.sites[number % 2]))
            # No hold: whoever is suspended goes on winning here.
            AwardFactory(organization=self.buyers[card], amount_ticks=cents * 100 + number, lot=lot)
        self.settlements += settle_window(window_id=mark_cleared(window).pk)

    @rule(pick=picks)
    def charge(self, pick: int) -> None:
        self._ask(lambda: charge_settlement(settlement_id=self._settlement(pick).pk))

    @rule(pick=picks)
    def pay_with_the_buyer_present(self, pick: int) -> None:
        settlement = self._settlement(pick)
        card = settlement.organization.payment_methods.first()
        with suppress(CannotPay):
            self._ask(
                lambda: pay_settlement(
                    organization_id=settlement.organization_id,
                    settlement_id=settlement.pk,
                    payment_method_id=card.pk,
                )
            )

    @rule()
    def sweep_what_is_not_known(self) -> None:
        self._resolve_all()

    @rule(pick=picks)
    def hand_over(self, pick: int) -> None:
        delivery = self._delivery(pick)
        with suppress(HandoverRefused):
            hand_over(
                seller=delivery.seller,
                delivery_id=delivery.pk,
                given_by=self.people[0],
                access=Access(endpoint="ssh://node"),
                version_seen=0,
                now=self.now,
            )

    @rule(hours=st.integers(0, 30))
    def move_the_clock(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        with self.sandbox.sandbox.serving() as call:
            call.store.set_ahead_s(call.store.ahead_s() + hours * 3600)
            call.now_s += hours * 3600
            stripe_payouts.arrive_due(call)
            bank_refunds.settle_due(call)
            bank.expire_due(call)
        for _ in range(2):
            for delivery_id in due_deliveries(self.now):
                move_delivery(delivery_id=delivery_id, now=self.now)

    @rule()
    def pay_out(self) -> None:
        self._send_transfers()

    # What finance does

    @rule(pick=picks, per_mille=st.integers(-50, 1100), person=st.integers(0, 2))
    def propose_a_refund(self, pick: int, per_mille: int, person: int) -> None:
        settlement = self._settlement(pick)
        lines = list(settlement.lines.select_related("delivery").order_by("id"))
        line = lines[pick % len(lines)]
        wanted = {line.pk: line.amount_cents * per_mille // 1000}
        try:
            shown = effect_of(settlement, lines, wanted)
        except RefundRejected:
            return
        before = settlement.refunded_cents
        refund = propose_refund(
            draft=RefundDraft(settlement.pk, wanted, Refund.Reason.OUTAGE),
            by=self.people[person],
            fingerprint=shown.fingerprint,
        )
        settlement.refresh_from_db()
        booked = refund.status != Refund.Status.PROPOSED
        assert settlement.refunded_cents == before + (refund.amount_cents if booked else 0)

    @rule(pick=picks, person=st.integers(0, 2), drops=st.booleans())
    def decide_a_refund(self, pick: int, person: int, drops: bool) -> None:
        refund = self._pick(Refund.objects.filter(status=Refund.Status.PROPOSED), pick)
        if refund is None:
            return
        if drops:
            cancel_refund(refund_id=refund.pk, by=self.people[person])
            return
        try:
            shown = effect_of_proposed(refund)
        except RefundRejected:
            return
        try:
            approve_refund(refund_id=refund.pk, by=self.people[person], fingerprint=shown.fingerprint)
        except SecondPersonNeeded:
            assert refund.proposed_by == self.people[person]
        else:
            assert refund.proposed_by != self.people[person], "four eyes are four"

    @rule(pick=picks)
    def send_a_refund(self, pick: int) -> None:
        refund = self._pick(Refund.objects.filter(status=Refund.Status.APPROVED), pick)
        if refund is not None:
            self._ask(lambda: send_refund(refund_id=refund.pk))

    @rule(pick=picks, again=st.booleans())
    def look_after_a_failed_refund(self, pick: int, again: bool) -> None:
        refund = self._pick(Refund.objects.filter(status=Refund.Status.FAILED), pick)
        if refund is None:
            return
        with suppress(StaleRefund):
            if again:
                self._ask(lambda: retry_refund(refund_id=refund.pk, by=self.people[0]))
            else:
                credit_refund(refund_id=refund.pk, by=self.people[0])

    @rule(pick=picks, outcome=st.sampled_from(["winning_evidence", "losing_evidence", "more to come"]))
    def answer_a_dispute(self, pick: int, outcome: str) -> None:
        dispute = self._pick(Dispute.objects.filter(status__in=Dispute.ANSWERABLE, evidence=None), pick)
        if dispute is None or (dispute.due_at and dispute.due_at < self.now):
            return
        self._ask(
            lambda: submit_evidence(
                dispute_id=dispute.pk,
                evidence={"uncategorized_text": outcome},
                by=self.people[0],
                now=self.now,
            )
        )

    @rule(pick=picks, bearer=st.sampled_from(Dispute.Bearer))
    def bear_a_lost_dispute(self, pick: int, bearer: Dispute.Bearer) -> None:
        dispute = self._pick(Dispute.objects.filter(status=Dispute.Status.LOST), pick)
        if dispute is not None:
            bear_dispute(
                dispute_id=dispute.pk,
                bearer=bearer,
                note="law",
                by=self.people[0],
                fingerprint=bearing_of(dispute, bearer).fingerprint,
            )

    # What banks and networks do

    @rule(pick=picks, change=st.sampled_from([bank.win, bank.lose]))
    def the_bank_decides(self, pick: int, change: Callable[..., Any]) -> None:
        with self.sandbox.sandbox.serving() as call:
            found = call.store.select("dispute", equals={}, created={}, limit=20)
            under_way = [dispute for dispute in found if dispute["status"] in bank.OPEN]
            if under_way:
                change(call, under_way[pick % len(under_way)])

    @rule(
        path=st.sampled_from(FAULTY_PATHS),
        fault=st.sampled_from([("error", "before"), ("error", "after"), ("rate_limit", "before")]),
    )
    def strike_the_next_call(self, path: str, fault: tuple[Any, Any]) -> None:
        if len(self.sandbox.sandbox.faults.api) < 3:
            self.sandbox.sandbox.faults.arm_api(
                ApiFault(kind=fault[0], phase=fault[1], method="POST", path=path)
            )

    @rule(picked=st.lists(picks, min_size=1, max_size=6), times=st.integers(1, 2))
    def deliver_some_events(self, picked: list[int], times: int) -> None:
        self._collect_events()
        for pick in picked:
            if self.events:
                event = self.events.pop(pick % len(self.events))
                for _ in range(times):
                    self._deliver(event)

    # The laws

    @invariant()
    def the_books_are_right(self) -> None:
        type(self).n_steps += 1
        if self.n_steps % BOOKS_CHECKED_EVERY == 0:
            check_books()

    def teardown(self) -> None:
        """End the run: the network is well again, every event arrives, every open question is asked once more."""
        self.sandbox.sandbox.faults.clear()
        for _ in range(3):
            self._collect_events()
            while self.events:
                self._deliver(self.events.pop(0))
            self._resolve_all()
            for refund in Refund.objects.filter(status=Refund.Status.APPROVED):
                self._ask(lambda refund=refund: send_refund(refund_id=refund.pk))
        check_books()
        check_stripe(stripe_client())
        self._check_payments()
        self._check_replay()

    def _check_payments(self) -> None:
        """A settlement was paid at most once, and nothing left before delivery."""
        ids = {str(settlement.pk) for settlement in self.settlements}
        paid: dict[str, int] = {}
        with self.sandbox.sandbox.serving() as call:
            for intent in call.store.select("payment_intent", equals={}, created={}, limit=100):
                name = intent["metadata"].get("settlement")
                if intent["status"] == "succeeded" and name in ids:
                    paid[name] = paid.get(name, 0) + 1
        assert all(n == 1 for n in paid.values()), paid
        left = Transfer.objects.filter(status__in=Transfer.LEFT)
        assert not left.exclude(delivery__status=Delivery.Status.DELIVERED).exists()

    def _check_replay(self) -> None:
        """Every webhook once more, newest first, changes nothing."""
        own = [f"{settlement.pk}" for settlement in self.settlements]
        objects = set(
            ChargeAttempt.objects.filter(settlement__in=own).values_list(
                "stripe_payment_intent_id", flat=True
            )
        )
        objects |= set(
            RefundAttempt.objects.filter(refund__settlement__in=own).values_list(
                "stripe_refund_id", flat=True
            )
        )
        objects |= set(Dispute.objects.filter(settlement__in=own).values_list("stripe_id", flat=True))
        events = StripeEvent.objects.filter(object_id__in=objects - {""}).order_by("-id")
        before = self._entries()
        ids = list(events.values_list("id", flat=True)[:12])
        StripeEvent.objects.filter(pk__in=ids).update(handled_at=None)
        for event_id in ids:
            handle_event(event_id=event_id)
        assert self._entries() == before

    # Helpers

    def _settlement(self, pick: int) -> Settlement:
        settlement = self.settlements[pick % len(self.settlements)]
        settlement.refresh_from_db()
        return settlement

    def _delivery(self, pick: int) -> Delivery:
        lines = [settlement.pk for settlement in self.settlements]
        deliveries = list(
            Delivery.objects.filter(line__settlement__in=lines).select_related("seller").order_by("id")
        )
        return deliveries[pick % len(deliveries)]

    def _pick(self, rows: Any, pick: int) -> Any:
        own = list(rows.filter(settlement__in=[each.pk for each in self.settlements]).order_by("id"))
        return own[pick % len(own)] if own else None

    def _ask(self, call: Callable[[], Any]) -> None:
        """Do what asks Stripe; an answer that is lost is for later steps to learn."""
        with suppress(OutcomeUnknown, Refused):
            call()

    def _resolve_all(self) -> None:
        for attempt in ChargeAttempt.objects.filter(outcome__in=ChargeAttempt.OPEN).order_by("id"):
            self._ask(lambda attempt=attempt: resolve_attempt(attempt_id=attempt.pk))
        for sent in RefundAttempt.objects.filter(outcome__in=RefundAttempt.OPEN).order_by("id"):
            self._ask(lambda sent=sent: resolve_refund_attempt(attempt_id=sent.pk))
        for dispute in Dispute.objects.filter(status__in=Dispute.ANSWERABLE).exclude(evidence=None):
            self._ask(lambda dispute=dispute: refresh_dispute(dispute_id=dispute.pk))
        for transfer in Transfer.objects.filter(status=Transfer.Status.SENDING).order_by("id"):
            self._ask(lambda transfer=transfer: resolve_transfer(transfer_id=transfer.pk, now=self.now))
        for reversal in TransferReversal.objects.filter(status__in=TransferReversal.OPEN).order_by("id"):
            self._ask(lambda reversal=reversal: send_reversal(reversal_id=reversal.pk))

    def _send_transfers(self) -> None:
        own = [settlement.pk for settlement in self.settlements]
        ready = Transfer.objects.filter(
            status=Transfer.Status.APPROVED, delivery__line__settlement__in=own
        ).order_by("id")
        for transfer in ready:
            self._ask(lambda transfer=transfer: send_transfer(transfer_id=transfer.pk, now=self.now))
        for transfer_id in transfers_with_available_funds(self.now):
            book_available(transfer_id=transfer_id, now=self.now)

    def _newest_event(self) -> int:
        row = self.sandbox.sandbox.store.connection.execute(
            "SELECT coalesce(max(seq), 0) FROM objects"
        ).fetchone()
        return int(row[0])

    def _collect_events(self) -> None:
        with self.sandbox.sandbox.serving() as call:
            rows = call.store.connection.execute(
                "SELECT seq, body FROM objects WHERE kind = 'event' AND seq > ? ORDER BY seq",
                (self.last_event,),
            ).fetchall()
        for row in rows:
            self.last_event = row["seq"]
            event = json.loads(row["body"])
            if event["type"] in HANDLERS:
                self.events.append(event)

    def _deliver(self, event: dict[str, Any]) -> None:
        store_event(event)
        stored = StripeEvent.objects.get(stripe_id=event["id"])
        self._ask(lambda: handle_event(event_id=stored.pk))

    def _entries(self) -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM settlements_entry")
            n, newest = cursor.fetchone()
        return int(n), int(newest)
