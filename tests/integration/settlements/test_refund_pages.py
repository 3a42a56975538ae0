"""Finance's pages of refunds and disputes, the buyer's, and the API: who may, what is shown, what a stale form does."""

import re
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership, Organization, User
from auctions.models import Bid, StandingOrder
from marketplace.db import database_now
from settlements import ledger
from settlements.models import Dispute, Refund, Transaction
from settlements.queries.refunds import given_back_by_order
from settlements.stripe_sandbox.resources import disputes as at_stripe
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.settlements.refund_steps import (
    paid_settlement,
    refund,
    refund_failed,
    tell_all,
)
from tests.integration.settlements.steps import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def sandbox(stripe_sandbox: SandboxServer) -> SandboxServer:
    return stripe_sandbox


def finance_client() -> tuple[Client, User]:
    """A client whose person of finance typed the password just now."""
    user = UserFactory(is_finance=True)
    client = Client()
    client.force_login(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client, user


@pytest.fixture
def finance() -> Client:
    return finance_client()[0]


def member_of(organization: Organization) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=organization, role=Membership.Role.TRADER).user)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"settlements:{name}", args=args)


def fingerprint_in(page: str) -> str:
    found = re.search(r'name="fingerprint" value="(\w+)"', page)
    assert found is not None, page
    return found.group(1)


class TestWhoMay:
    @pytest.mark.parametrize("page", ["refund_list", "dispute_list"])
    def test_the_pages_are_finances(self, page: str) -> None:
        assert Client().get(url(page)).status_code == 302
        assert member_of(BuyerFactory()).get(url(page)).status_code == 403

    def test_so_are_decisions(self) -> None:
        settlement = paid_settlement(60_00)
        buyer = member_of(settlement.organization)
        made = refund(settlement, 10_00)

        assert buyer.get(url("refund_create", settlement.pk)).status_code == 403
        for name in ("refund_approve", "refund_cancel", "refund_retry", "refund_credit"):
            assert buyer.post(url(name, made.pk)).status_code == 403


class TestNewRefund:
    def test_form_then_preview_then_exactly_that(self, finance: Client) -> None:
        settlement = paid_settlement(60_00, 30_00)
        first, second = settlement.lines.order_by("id")
        typed = {f"line_{first.pk}": "12.34", f"line_{second.pk}": "5", "reason": "outage", "note": "down"}

        shown = finance.post(url("refund_create", settlement.pk), {**typed, "action": "preview"})
        page = shown.content.decode()
        done = finance.post(
            url("refund_create", settlement.pk),
            {**typed, "action": "confirm", "fingerprint": fingerprint_in(page)},
        )

        made = Refund.objects.get()
        assert done.headers["Location"] == url("refund_detail", made.pk)
        booked = Transaction.objects.get(kind="refund").entries.select_related("account__organization")
        shown_rows = re.findall(
            r'<th scope="row">([^<]+)</th><td class="num">([^<]*)</td><td class="num">([^<]*)</td>', page
        )
        assert sorted(shown_rows) == sorted(
            (
                str(entry.account),
                f"${entry.debit_cents / 100:.2f}" if entry.debit_cents else "",
                f"${entry.credit_cents / 100:.2f}" if entry.credit_cents else "",
            )
            for entry in booked
        )
        assert (made.amount_cents, made.note) == (17_34, "down")

    @pytest.mark.parametrize(
        ("amount", "text"),
        [
            ("60.01", "is more than what is left of this line: $60.00."),
            ("0", "A refund is more than $0.00."),
            ("-1", "greater than or equal to 0"),
            ("12 EUR", "Enter a number."),
            ("", "Enter an amount for at least one line."),
            ("99999999999999999999", "less than or equal to"),
        ],
    )
    def test_what_cannot_be_is_said_beside_what_was_typed(
        self, finance: Client, amount: str, text: str
    ) -> None:
        settlement = paid_settlement(60_00)
        line = settlement.lines.get()

        answer = finance.post(
            url("refund_create", settlement.pk),
            {f"line_{line.pk}": amount, "reason": "outage", "note": "typed before", "action": "confirm"},
        )

        page = answer.content.decode()
        assert answer.status_code == 422
        assert text in page
        assert "typed before" in page
        if amount:
            assert f'value="{amount}"' in page
        assert not Refund.objects.exists()

    def test_a_stale_preview_is_shown_anew_and_books_nothing(self, finance: Client) -> None:
        settlement = paid_settlement(60_00)
        typed = {f"line_{settlement.lines.get().pk}": "20.01", "reason": "goodwill"}
        page = finance.post(url("refund_create", settlement.pk), typed).content.decode()
        refund(settlement, 33_33)

        answer = finance.post(
            url("refund_create", settlement.pk),
            {**typed, "action": "confirm", "fingerprint": fingerprint_in(page) + "x"},
        )

        assert answer.status_code == 409
        assert "Something changed since this was shown" in answer.content.decode()
        assert Refund.objects.count() == 1

    def test_much_money_wants_the_password_again(self) -> None:
        settlement = paid_settlement(2_000_00)
        client = Client()
        client.force_login(UserFactory(is_finance=True))
        typed = {f"line_{settlement.lines.get().pk}": "1500", "reason": "outage"}
        page = client.post(url("refund_create", settlement.pk), typed).content.decode()

        answer = client.post(
            url("refund_create", settlement.pk),
            {**typed, "action": "confirm", "fingerprint": fingerprint_in(page)},
        )

        assert "reauthenticate" in answer.headers["Location"]
        assert not Refund.objects.exists()


class TestFourEyes:
    def test_one_proposes_and_another_approves(self) -> None:
        first, _ = finance_client()
        second, _ = finance_client()
        settlement = paid_settlement(2_000_00)
        typed = {f"line_{settlement.lines.get().pk}": "1500", "reason": "outage"}
        page = first.post(url("refund_create", settlement.pk), typed).content.decode()
        first.post(
            url("refund_create", settlement.pk),
            {**typed, "action": "confirm", "fingerprint": fingerprint_in(page)},
        )
        made = Refund.objects.get()
        assert made.status == Refund.Status.PROPOSED

        own = first.get(url("refund_detail", made.pk)).content.decode()
        assert "You proposed it" in own
        shown = second.get(url("refund_detail", made.pk)).content.decode()
        first.post(url("refund_approve", made.pk), {"fingerprint": fingerprint_in(shown)})
        made.refresh_from_db()
        assert made.status == Refund.Status.PROPOSED

        second.post(url("refund_approve", made.pk), {"fingerprint": fingerprint_in(shown)})

        made.refresh_from_db()
        assert made.status == Refund.Status.APPROVED

    def test_a_late_approval_says_so(self) -> None:
        client, _ = finance_client()
        made = refund(paid_settlement(2_000_00), 1_500_00)
        page = client.get(url("refund_detail", made.pk)).content.decode()
        client.post(url("refund_cancel", made.pk))

        answer = client.post(
            url("refund_approve", made.pk), {"fingerprint": fingerprint_in(page)}, follow=True
        )

        assert "not decided by now" in answer.content.decode()


class TestFailedRefund:
    def test_the_page_says_why_and_what_next(self, finance: Client, sandbox: SandboxServer) -> None:
        made = refund_failed(sandbox)

        page = finance.get(url("refund_detail", made.pk)).content.decode()

        assert "The card has expired or was cancelled." in page
        assert "Try again" in page
        finance.post(url("refund_credit", made.pk))
        made.refresh_from_db()
        assert made.status == Refund.Status.CREDITED
        late = finance.post(url("refund_retry", made.pk), follow=True).content.decode()
        assert "no longer waits for a decision" in late


class TestDisputePages:
    def test_bundle_answer_and_decision(self, finance: Client, sandbox: SandboxServer) -> None:
        settlement = paid_settlement(60_00, card="pm_card_createDispute")
        tell_all()
        dispute = Dispute.objects.get()
        page = finance.get(url("dispute_detail", dispute.pk)).content.decode()
        assert "Hand in the evidence" in page
        bundle = finance.get(url("dispute_evidence", dispute.pk))
        assert "attachment" in bundle.headers["Content-Disposition"]
        for part in (
            "Receipt",
            settlement.organization.name,
            dispute.stripe_charge_id,
            "payment 1 of $60.00",
        ):
            assert part in bundle.content.decode()

        assert finance.post(url("dispute_answer", dispute.pk), {"statement": ""}).status_code == 422
        finance.post(url("dispute_answer", dispute.pk), {"statement": "They used it. losing_evidence"})
        page = finance.get(url("dispute_detail", dispute.pk)).content.decode()
        assert "Who bears the $60.00?" in page
        finance.post(
            url("dispute_bear", dispute.pk),
            {"bearer": "seller", "fingerprint": fingerprint_in(page), "note": "fraud"},
        )

        dispute.refresh_from_db()
        assert (dispute.status, dispute.bearer) == (Dispute.Status.BORNE, Dispute.Bearer.SELLER)
        assert dispute.evidence["uncategorized_text"].startswith("They used it.")
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0

    def test_accepting_for_good_wants_the_password_again(self, sandbox: SandboxServer) -> None:
        paid_settlement(60_00, card="pm_card_createDispute")
        tell_all()
        dispute = Dispute.objects.get()
        client = Client()
        client.force_login(UserFactory(is_finance=True))

        answer = client.post(url("dispute_accept", dispute.pk))

        assert "reauthenticate" in answer.headers["Location"]
        dispute.refresh_from_db()
        assert dispute.status == Dispute.Status.NEEDS_RESPONSE

    def test_after_the_bank_decided_a_form_left_open_changes_nothing(
        self, finance: Client, sandbox: SandboxServer
    ) -> None:
        paid_settlement(60_00, card="pm_card_createDispute")
        tell_all()
        dispute = Dispute.objects.get()
        with sandbox.sandbox.serving() as call:
            at_stripe.win(call, call.get("dispute", dispute.stripe_id))
        tell_all()

        answer = finance.post(url("dispute_answer", dispute.pk), {"statement": "late"}, follow=True)

        assert "is won by now" in answer.content.decode()
        dispute.refresh_from_db()
        assert dispute.evidence is None


class TestLists:
    def test_take_the_same_number_of_queries_however_many_rows(
        self, finance: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(3):
            settlement = paid_settlement(60_00, card="pm_card_createDispute")
            refund(settlement, 1_00)
        tell_all()

        for page, n_queries in (("refund_list", N_QUERIES), ("dispute_list", N_QUERIES + 1)):
            finance.get(url(page))
            with django_assert_num_queries(n_queries):
                answer = finance.get(url(page))
            assert answer.content.count(b"#") >= 6

    def test_show_what_waits(self, finance: Client) -> None:
        made = refund(paid_settlement(2_000_00), 1_500_00)

        assert f"#{made.pk}" in finance.get(url("refund_list") + "?show=waiting").content.decode()
        assert "No refunds" in finance.get(url("refund_list") + "?show=done").content.decode()
        assert finance.get(url("refund_list") + "?before=x").status_code == 404


N_QUERIES = 4
"""Session, person, membership, rows; disputes have those of prepayments, too."""


class TestBuyer:
    def test_sees_its_refunds_on_the_page_and_through_the_api(self) -> None:
        settlement = paid_settlement(60_00)
        made = refund(settlement, 10_00)
        run_jobs()
        buyer = member_of(settlement.organization)

        page = buyer.get(url("own_settlement_detail", settlement.pk)).content.decode()
        (listed,) = buyer.get("/api/v1/refunds/").json()["results"]

        assert "Refunded" in page
        assert (listed["id"], listed["status"], listed["card_cents"]) == (made.pk, "succeeded", 10_00)
        assert buyer.get(f"/api/v1/settlements/{settlement.pk}/").json()["refunded_cents"] == 10_00

    def test_sees_nobody_elses_and_no_proposals(self) -> None:
        settlement = paid_settlement(2_000_00)
        refund(settlement, 1_500_00)
        other = refund(paid_settlement(60_00), 1_00)
        buyer = member_of(settlement.organization)

        assert buyer.get("/api/v1/refunds/").json()["results"] == []
        assert buyer.get(f"/api/v1/refunds/{other.pk}/").status_code == 404
        assert buyer.post("/api/v1/refunds/", {}).status_code == 405


class TestStandingOrder:
    def test_tells_won_and_refunded_apart(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        buyer = BuyerFactory()
        settlement = paid_settlement(60_00, 40_00, 20_00, buyer=buyer)
        bids = Bid.objects.filter(organization=buyer).order_by("id")
        order = order_that_placed(bids)
        refund(settlement, 60_00, 10_00)

        (given_back,) = given_back_by_order([order]).values()
        assert (given_back.cents, given_back.by_bid) == (70_00, {bids[0].pk: 60_00, bids[1].pk: 10_00})
        assert given_back.unit_hours_in_full == bids[0].awards.get().unit_hours

        client = member_of(buyer)
        page = client.get(reverse("auctions:order_detail", args=[order.pk])).text
        for said in ("$120.00", "Of it refunded", "$70.00", "$60.00 refunded", "$10.00 refunded"):
            assert said in page
        assert "does not bid for it again" in page
        assert "$70.00 refunded" in client.get(reverse("auctions:order_list")).text
        other = order_that_placed(bids.none())
        with django_assert_num_queries(1):
            assert set(given_back_by_order([order, other])) == {order.pk}

    def test_says_nothing_of_refunds_where_there_are_none(self) -> None:
        buyer = BuyerFactory()
        paid_settlement(60_00, buyer=buyer)
        order = order_that_placed(Bid.objects.filter(organization=buyer))

        page = member_of(buyer).get(reverse("auctions:order_detail", args=[order.pk])).text
        assert "refunded" not in page


def order_that_placed(bids: QuerySet[Bid]) -> StandingOrder:
    """Have a standing order of their buyer stand behind ``bids``."""
    first = bids.first()
    order = StandingOrder.objects.create(
        organization=first.organization if first else BuyerFactory(),
        status=StandingOrder.Status.PAUSED,
        resource_types=[first.awards.get().lot.block.resource_type_id if first else 1],
        goal_unit_hours=100,
        price_ticks=1_000_000,
        budget_cents=1_000_00,
        deadline_at=database_now() + timedelta(days=2),
    )
    bids.update(standing_order=order)
    return order
