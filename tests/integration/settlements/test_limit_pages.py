"""The buyer's page of limit and holds, paying in from it, and the same through the API."""

from uuid import uuid4

import httpx
import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.holds import set_hold
from accounts.models import BiddingLimit, Membership
from settlements.models import Prepayment
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, MembershipFactory, SellerFactory
from tests.integration.settlements.steps import prepay, settlement_of, stripe_client
from tests.integration.settlements.test_api import client_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
START = "settlements:prepayment_start"


@pytest.fixture
def membership() -> Membership:
    return MembershipFactory(organization=BuyerFactory(limit_cents=100_00), role=Membership.Role.TRADER)


@pytest.fixture
def client(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def form(**changes: str) -> dict[str, str]:
    return {"amount": "250.00", "method": "card", "key": str(uuid4()), **changes}


class TestLimitPage:
    def test_shows_what_the_limit_is_made_of_and_what_each_hold_is_for(
        self, client: Client, membership: Membership
    ) -> None:
        buyer = membership.organization
        settlement = settlement_of(30_00, buyer=buyer)
        prepay(buyer, 50_00)

        page = client.get(reverse("settlements:limit")).content.decode()

        for text in ("$120.00", "$30.00", "$50.00", "$100.00", "$30.00 of $150.00"):
            assert text in page
        assert reverse("settlements:own_settlement_detail", args=[settlement.pk]) in page
        assert settlement.window.market.name in page
        history = client.get(reverse("settlements:hold_history")).content.decode()
        assert f"Bid #{settlement.lines.get().award.bid_id}" in history

    def test_says_when_more_is_held_than_the_limit(self, client: Client, membership: Membership) -> None:
        settlement_of(30_00, buyer=membership.organization)
        BiddingLimit.objects.filter(pk=membership.organization_id).update(credit_cents=10_00)

        assert (
            "More is held than your limit, by $20.00"
            in client.get(reverse("settlements:limit")).content.decode()
        )

    @pytest.mark.parametrize("count", [1, 7])
    def test_takes_the_same_queries_however_many(
        self, client: Client, membership: Membership, count: int, django_assert_num_queries: object
    ) -> None:
        for number in range(count):
            settlement_of(100, buyer=membership.organization)
            with transaction.atomic():
                set_hold(
                    organization_id=membership.organization_id,
                    reference=f"bid:{900 + number}",
                    amount_cents=1,
                )

        # session, user, memberships, permission; limit, holds, bids, settlements; permission; prepayments
        with django_assert_num_queries(11):  # type: ignore[operator]
            client.get(reverse("settlements:limit"))

    def test_a_viewer_sees_it_and_cannot_pay_in(self) -> None:
        viewer = MembershipFactory(organization=BuyerFactory(), role=Membership.Role.VIEWER)
        client = Client()
        client.force_login(viewer.user)

        assert "Pay in" not in client.get(reverse("settlements:limit")).content.decode()
        assert client.post(reverse(START), form()).status_code == 403
        assert not Prepayment.objects.exists()

    def test_is_for_members(self) -> None:
        assert Client().get(reverse("settlements:limit")).status_code == 302


class TestPayingIn:
    def test_by_card_goes_to_stripes_page_and_comes_back(
        self, client: Client, membership: Membership
    ) -> None:
        away = client.post(reverse(START), form())
        assert away.status_code == 302
        back = httpx.post(away["Location"], data={"number": "4242424242424242"}).headers["location"]

        page = client.get(httpx.URL(back).path, follow=True).content.decode()

        assert "Paid in. Thank you" in page
        assert "$350.00" in page
        assert BiddingLimit.objects.get(pk=membership.organization_id).prepaid_cents == 250_00

    def test_by_transfer_shows_where_to_send_it(self, client: Client) -> None:
        page = client.post(reverse(START), form(method="bank_transfer"), follow=True).content.decode()

        prepayment = Prepayment.objects.get()
        assert "Send $250.00 by ACH or wire" in page
        assert prepayment.instructions["account_number"] in page
        gone = client.post(reverse("settlements:prepayment_cancel", args=[prepayment.pk]), follow=True)
        assert "The transfer is cancelled" in gone.content.decode()
        again = client.post(reverse("settlements:prepayment_cancel", args=[prepayment.pk]), follow=True)
        assert "nothing to cancel" in again.content.decode()

    def test_coming_back_without_having_paid_says_so(self, client: Client) -> None:
        client.post(reverse(START), form())
        prepayment = Prepayment.objects.get()

        page = client.get(reverse("settlements:prepayment_return", args=[prepayment.pk]), follow=True)

        assert "Nothing was paid yet" in page.content.decode()
        assert prepayment.page_url in page.content.decode()

    @pytest.mark.parametrize(
        "amount",
        ["", "0", "0.99", "-5", "1.001", "NaN", "Infinity", "1e7", "1000000", "99999999999999999999", "5 EUR", "€5",
         "1,50", "many"],
    )  # fmt: skip
    def test_names_a_bad_amount_and_keeps_the_form(self, client: Client, amount: str) -> None:
        given = form(amount=amount, method="bank_transfer")

        response = client.post(reverse(START), given)

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"amount"}
        assert response.context["form"]["method"].value() == "bank_transfer"
        assert given["key"] in response.content.decode()
        assert not Prepayment.objects.exists()
        assert stripe_client().v1.customers.list({}).data == []

    @pytest.mark.parametrize(("field", "value"), [("method", "cash"), ("key", "none"), ("key", "")])
    def test_refuses_other_nonsense(self, client: Client, field: str, value: str) -> None:
        response = client.post(reverse(START), form(**{field: value}))

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {field}
        assert not Prepayment.objects.exists()

    def test_sent_twice_it_is_one(self, client: Client) -> None:
        given = form()

        first, second = (client.post(reverse(START), given) for _ in range(2))

        assert first["Location"] == second["Location"]
        assert Prepayment.objects.count() == 1

    def test_a_stale_form_with_another_amount_is_refused_in_words(self, client: Client) -> None:
        given = form()
        client.post(reverse(START), given)

        response = client.post(reverse(START), given | {"amount": "9.00"})

        assert response.status_code == 422
        assert "used for another amount already" in response.content.decode()
        assert Prepayment.objects.count() == 1

    def test_stripe_being_away_takes_nothing_and_keeps_the_form(
        self, client: Client, stripe_sandbox: SandboxServer
    ) -> None:
        client.post(reverse(START), form())
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="error", phase="before", method="POST"))

        response = client.post(reverse(START), form(amount="77.00"))

        assert response.status_code == 503
        assert "Nothing was taken" in response.content.decode()
        assert 'value="77.00"' in response.content.decode()

    def test_anothers_prepayment_is_as_good_as_none(self, client: Client) -> None:
        client.post(reverse(START), form())
        stranger = Client()
        stranger.force_login(MembershipFactory(organization=BuyerFactory()).user)
        pk = Prepayment.objects.get().pk

        for name in ("detail", "return"):
            assert stranger.get(reverse(f"settlements:prepayment_{name}", args=[pk])).status_code == 404
        assert stranger.post(reverse("settlements:prepayment_cancel", args=[pk])).status_code == 404

    def test_a_seller_pays_nothing_in(self) -> None:
        seller = Client()
        seller.force_login(MembershipFactory(organization=SellerFactory()).user)

        assert seller.post(reverse(START), form()).status_code == 403


class TestApi:
    def test_tells_the_limit_and_each_hold(self, membership: Membership) -> None:
        settlement = settlement_of(30_00, buyer=membership.organization)
        settlement_of(40_00)
        prepay(membership.organization, 50_00)
        client = client_of(membership.organization)

        limit = client.get("/api/v1/limit/").json()
        live = [hold for hold in client.get("/api/v1/holds/").json()["results"] if not hold["released_at"]]

        assert limit == {
            "limit_cents": 150_00,
            "prepaid_cents": 50_00,
            "credit_cents": 100_00,
            "held_cents": 30_00,
            "free_cents": 120_00,
            "suspended_reason": "",
        }
        assert [(hold["purpose"], hold["number"], hold["amount_cents"]) for hold in live] == [
            ("settlement", settlement.pk, 30_00)
        ]
        assert client.post("/api/v1/limit/", {}).status_code == 405
