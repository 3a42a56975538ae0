"""What finance and buyers see, may do, and how many queries a page takes however much is on it."""

import csv
import io

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Membership, Organization
from settlements.models import PaymentMethod, Settlement
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from tests.factories import BuyerFactory, MembershipFactory, UserFactory, WindowFactory
from tests.integration.settlements.steps import (
    jobs_waiting,
    mark_cleared,
    n_payments,
    put_on_file,
    settlement_of,
    win,
)

pytestmark = pytest.mark.django_db(transaction=True)
Status = Settlement.Status


@pytest.fixture
def finance() -> Client:
    client = Client()
    client.force_login(UserFactory(is_finance=True))
    return client


def member_of(organization: Organization, role: str = Membership.Role.TRADER) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=organization, role=role).user)
    return client


async def content_of(answer: StreamingHttpResponse) -> bytes:
    return b"".join([part async for part in answer])


def url(name: str, *args: object, **query: object) -> str:
    return reverse(f"settlements:{name}", args=args, query=query or None)


class TestWhoMaySee:
    @pytest.mark.parametrize("page", ["settlement_list", "settlement_export"])
    def test_finance_pages_are_finances(self, page: str) -> None:
        assert Client().get(url(page)).status_code == 302
        assert member_of(BuyerFactory()).get(url(page)).status_code == 403

    def test_a_member_sees_its_own_and_nobody_elses(self) -> None:
        settlement = settlement_of(1000)
        address = url("own_settlement_detail", settlement.pk)

        assert member_of(settlement.organization, Membership.Role.VIEWER).get(address).status_code == 200
        assert member_of(BuyerFactory()).get(address).status_code == 404
        assert member_of(BuyerFactory()).get(url("own_settlement_return", settlement.pk)).status_code == 404
        assert member_of(BuyerFactory()).get(url("settlement_detail", settlement.pk)).status_code == 403
        assert "Nothing to pay" in member_of(BuyerFactory()).get(url("own_settlement_list")).content.decode()

    def test_a_viewer_may_look_but_not_pay(self) -> None:
        settlement = settlement_of(1000)
        viewer = member_of(settlement.organization, Membership.Role.VIEWER)

        assert b"Pay now" not in viewer.get(url("own_settlement_detail", settlement.pk)).content
        assert viewer.post(url("own_settlement_pay", settlement.pk)).status_code == 403
        assert viewer.get(url("payment_methods")).status_code == 403


class TestFinanceList:
    def test_filters_by_state_buyer_and_window(self, finance: Client) -> None:
        northwind = BuyerFactory(name="Northwind Research")
        due, carried, other = (
            settlement_of(1000, buyer=northwind),
            settlement_of(7, buyer=northwind),
            settlement_of(8),
        )

        def shown(**query: object) -> set[int]:
            page = finance.get(url("settlement_list", **query)).context["page"]
            return {settlement.pk for settlement in page.settlements}

        assert shown() == {due.pk, carried.pk, other.pk}
        assert shown(status="carried") == {carried.pk, other.pk}
        assert shown(buyer="northwind") == {due.pk, carried.pk}
        assert shown(status="carried", buyer="northwind") == {carried.pk}
        assert shown(window=due.window_id) == {due.pk}

    @pytest.mark.parametrize("query", [{"status": "no-such"}, {"window": "x"}])
    def test_shows_nothing_while_the_filter_is_wrong(self, finance: Client, query: dict[str, str]) -> None:
        settlement_of(1000)

        answer = finance.get(url("settlement_list", **query))

        assert answer.context["page"].settlements == []
        assert answer.context["filter"].form.errors

    @pytest.mark.parametrize("before", ["x", "-1", "1e3", "9" * 30])
    def test_refuses_a_page_that_cannot_be(self, finance: Client, before: str) -> None:
        assert finance.get(url("settlement_list", before=before)).status_code == 404

    def test_exports_what_the_filter_finds(self, finance: Client) -> None:
        harmful = BuyerFactory(name="=cmd()")
        settlement, _ = settlement_of(123_456, buyer=harmful), settlement_of(1000)

        answer = finance.get(url("settlement_export", buyer="cmd"))

        rows = list(csv.DictReader(io.StringIO(async_to_sync(content_of)(answer).decode())))
        assert answer["Content-Type"].startswith("text/csv")
        assert [row["settlement"] for row in rows] == [str(settlement.pk)]
        assert (rows[0]["buyer"], rows[0]["amount_usd"], rows[0]["state"]) == ("'=cmd()", "1234.56", "due")


@pytest.mark.usefixtures("stripe_sandbox")
class TestFinanceDetail:
    def test_shows_lines_ledger_payments_and_timeline(self, finance: Client) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)

        page = finance.get(url("settlement_detail", settlement.pk)).content.decode()

        attempt = settlement.attempts.get()
        for words in (
            attempt.stripe_payment_intent_id,
            attempt.stripe_charge_id,
            "$100.00",
            "$3.20",
            "Charge collected",
        ):
            assert words in page

    def test_takes_as_many_queries_for_many_lines_as_for_one(
        self, finance: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        window, buyer = WindowFactory(), BuyerFactory()
        for _ in range(10):
            win(buyer, 100_000, window=window)
        (settlement,) = settle_window(window_id=mark_cleared(window).pk)

        # session, user, settlement, lines, attempts, transactions, entries, notes, people, memberships, collection,
        # transfers, history, names
        with django_assert_num_queries(20):
            finance.get(url("settlement_detail", settlement.pk))


@pytest.mark.usefixtures("stripe_sandbox")
class TestPaying:
    def test_says_that_no_card_is_on_file_and_offers_to_add_one(self) -> None:
        settlement = settlement_of(1000)

        page = (
            member_of(settlement.organization)
            .get(url("own_settlement_detail", settlement.pk))
            .content.decode()
        )

        assert "No card is on file" in page
        assert url("card_add") in page

    def test_pays_with_another_card(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, "pm_card_chargeCustomerFail")
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)
        other = put_on_file(buyer)
        client = member_of(buyer)
        assert "Call the bank" in client.get(url("own_settlement_detail", settlement.pk)).content.decode()

        client.post(url("own_settlement_pay", settlement.pk), {"card": other.pk})

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID

    def test_goes_to_the_bank_and_comes_back(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, "pm_card_authenticationRequired")
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)
        client = member_of(buyer)

        to_bank = client.post(url("own_settlement_pay", settlement.pk), {"card": card.pk})
        assert to_bank["Location"].startswith(settings.STRIPE_SANDBOX_URL)
        back = httpx.post(to_bank["Location"], data={"outcome": "complete"})
        client.get(back.headers["location"].removeprefix(settings.SITE_URL))

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID

    def test_refuses_anothers_settlement(self) -> None:
        stranger = BuyerFactory()
        card = put_on_file(stranger)
        settlement = settlement_of(10_000)

        answer = member_of(stranger).post(url("own_settlement_pay", settlement.pk), {"card": card.pk})

        assert answer.status_code == 404
        assert n_payments() == 0

    def test_refuses_anothers_card(self) -> None:
        settlement = settlement_of(10_000)
        put_on_file(settlement.organization)
        strange = put_on_file(BuyerFactory())

        member_of(settlement.organization).post(
            url("own_settlement_pay", settlement.pk), {"card": strange.pk}
        )

        assert n_payments() == 0


@pytest.mark.usefixtures("stripe_sandbox")
class TestCards:
    def test_adds_a_card_on_stripes_page(self) -> None:
        buyer = BuyerFactory(limit_cents=0)
        client = member_of(buyer)

        to_stripe = client.post(url("card_add"))
        assert to_stripe["Location"].startswith(f"{settings.STRIPE_SANDBOX_URL}/c/pay/cs_")
        form = {
            "number": "4242424242424242",
            "exp_month": "12",
            "exp_year": "2040",
            "cvc": "123",
            "name": "Ada",
        }
        back = httpx.post(to_stripe["Location"], data=form | {"expiry": "12/40"})
        assert back.has_redirect_location, back.text
        client.get(back.headers["location"].removeprefix(settings.SITE_URL))

        card = PaymentMethod.objects.get(organization=buyer)
        assert (card.last4, card.is_default) == ("4242", True)
        assert "Visa ending 4242" in client.get(url("payment_methods")).content.decode()
        buyer.bidding_limit.refresh_from_db()
        assert buyer.bidding_limit.limit_cents == settings.STARTING_LIMIT_CENTS

    def test_the_page_may_lead_to_stripe_and_nowhere_else(self) -> None:
        policy = member_of(BuyerFactory()).get(url("payment_methods"))["Content-Security-Policy"]

        (form_action,) = [part.strip() for part in policy.split(";") if "form-action" in part]
        assert form_action == "form-action 'self' http://127.0.0.1:12111"

    def test_does_not_take_another_organizations_session(self) -> None:
        owner, thief = BuyerFactory(), BuyerFactory()
        to_stripe = member_of(owner).post(url("card_add"))["Location"]
        session_id = to_stripe.rsplit("/", 1)[1]
        put_on_file(thief)

        answer = member_of(thief).get(url("card_return", session_id=session_id), follow=True)

        assert "belongs to another organization" in answer.content.decode()

    def test_says_when_no_card_was_added(self) -> None:
        client = member_of(BuyerFactory())
        session_id = client.post(url("card_add"))["Location"].rsplit("/", 1)[1]

        answer = client.get(url("card_return", session_id=session_id), follow=True)

        assert "No card was added" in answer.content.decode()

    @pytest.mark.parametrize("session_id", ["", "cs_test_no_such"])
    def test_says_when_stripe_does_not_know_the_session(self, session_id: str) -> None:
        answer = member_of(BuyerFactory()).get(url("card_return", session_id=session_id), follow=True)

        assert "No card was added" in answer.content.decode()
        assert not PaymentMethod.objects.exists()

    def test_chooses_the_default_and_removes(self) -> None:
        buyer = BuyerFactory()
        first, second = put_on_file(buyer), put_on_file(buyer, "pm_card_mastercard")
        client = member_of(buyer)

        client.post(url("card_default", second.pk))
        second.refresh_from_db()
        assert second.is_default

        assert "Mastercard ending 4444" in client.get(url("card_remove", second.pk)).content.decode()
        client.post(url("card_remove", second.pk))
        first.refresh_from_db()
        assert first.is_default
        assert list(PaymentMethod.objects.filter(organization=buyer, removed_at=None)) == [first]

    def test_keeps_the_only_card_while_a_bid_or_a_debt_relies_on_it(self) -> None:
        settlement = settlement_of(1000)
        buyer, client = settlement.organization, member_of(settlement.organization)
        only = put_on_file(buyer)

        answer = client.post(url("card_remove", only.pk), follow=True)

        assert "This is your only card" in answer.content.decode()
        only.refresh_from_db()
        assert (only.removed_at, only.is_default) == (None, True)
        assert ("settlements.detach_payment_method", only.pk) not in jobs_waiting()

        other = put_on_file(buyer, "pm_card_mastercard")
        client.post(url("card_remove", only.pk))
        assert list(PaymentMethod.objects.filter(organization=buyer, removed_at=None)) == [other]

    def test_removes_the_only_card_once_nothing_is_held(self) -> None:
        settlement = settlement_of(1000)
        card = put_on_file(settlement.organization)
        charge_settlement(settlement_id=settlement.pk)

        member_of(settlement.organization).post(url("card_remove", card.pk))

        card.refresh_from_db()
        assert card.removed_at is not None

    def test_leaves_anothers_card_alone(self) -> None:
        card = put_on_file(BuyerFactory())
        stranger = member_of(BuyerFactory())

        assert stranger.post(url("card_remove", card.pk)).status_code == 404
        assert stranger.post(url("card_default", card.pk)).status_code == 404
        card.refresh_from_db()
        assert card.removed_at is None

    def test_says_when_stripe_is_down(self, settings: Settings) -> None:
        settings.STRIPE_SANDBOX_URL = "http://127.0.0.1:9"

        answer = member_of(BuyerFactory()).post(url("card_add"), follow=True)

        assert "cannot be reached" in answer.content.decode()
