"""The check-lists of someone new: each step is as done as the rows say, and leads to where it is done."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import BiddingLimit, Membership, Organization
from inventory.models import BlockDraft
from settlements.models import PaymentMethod, SellerAccount
from settlements.queries.first_steps import check_lists_of
from tests.factories import (
    BlockFactory,
    BuyerFactory,
    LotFactory,
    MembershipFactory,
    SellerFactory,
    SiteFactory,
    UserFactory,
    WindowFactory,
)
from tests.integration.auctions.pages import bid_on, visit

pytestmark = pytest.mark.django_db
START = "/start/"


def done(organization: Organization | None, **staff: bool) -> list[bool]:
    (found,) = check_lists_of(organization, UserFactory(**staff))
    return [step.is_done for step in found.steps]


def card_of(buyer: Organization) -> PaymentMethod:
    return PaymentMethod.objects.create(
        organization=buyer,
        stripe_id=f"pm_{buyer.pk}",
        fingerprint="f",
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2031,
        is_default=True,
    )


class TestBuying:
    def test_goes_from_a_card_to_a_limit_to_a_bid(self) -> None:
        buyer = BuyerFactory(limit_cents=0)
        assert done(buyer) == [False, False, False]

        card_of(buyer)
        BiddingLimit.objects.filter(pk=buyer.pk).update(credit_cents=100_000_00)
        assert done(buyer) == [True, True, False]

        bid_on(LotFactory(), buyer)
        assert done(buyer) == [True, True, True]

    def test_says_why_there_is_no_limit_in_spite_of_a_card(self) -> None:
        buyer = BuyerFactory(limit_cents=0)
        card_of(buyer)

        page = visit(buyer).client.get(START).content.decode()

        assert "another organization before" in page
        assert "Needs a look" in page

    def test_says_why_a_limit_is_suspended(self) -> None:
        buyer = BuyerFactory()
        BiddingLimit.objects.filter(pk=buyer.pk).update(suspended_reason="A payment was declined.")

        assert "A payment was declined." in visit(buyer).client.get(START).content.decode()


class TestSelling:
    def test_goes_from_a_site_to_a_block_to_payouts(self) -> None:
        seller = SellerFactory()
        assert done(seller) == [False, False, False]

        site = SiteFactory(organization=seller)
        BlockFactory(site=site)
        assert done(seller) == [True, True, False]

    def test_leads_back_to_a_draft_that_waits(self) -> None:
        visitor = visit(SellerFactory())
        BlockDraft.objects.create(organization=visitor.organization, begun_by=visitor.user)

        page = visitor.client.get(START).content.decode()

        assert "A draft of yours waits." in page
        assert f"{reverse('inventory:block_list')}?show=drafts" in page

    @pytest.mark.parametrize(
        ("fields", "words", "is_done"),
        [
            ({"stripe_id": None}, "You can sell without", False),
            ({"currently_due": ["external_account"]}, "a bank account to pay to", False),
            ({}, "Stripe is checking it", False),
            ({"payouts_enabled": True, "transfers_active": True}, "Stripe has verified you", True),
        ],
    )
    def test_says_how_far_stripe_is(self, fields: dict[str, object], words: str, is_done: bool) -> None:
        seller = SellerFactory()
        key = "00000000-0000-4000-8000-000000000001"
        SellerAccount.objects.create(
            **{"organization": seller, "idempotency_key": key, "stripe_id": "acct_1", "email": "a@b.example"}
            | fields
        )

        assert words in visit(seller).client.get(START).content.decode()
        assert done(seller)[2] is is_done


class TestPage:
    def test_asks_a_person_without_an_organization_to_make_one(self) -> None:
        client = Client()
        client.force_login(UserFactory())

        assert "You act for no organization yet" in client.get(START).content.decode()

    def test_an_operator_is_led_to_a_first_market(self) -> None:
        assert done(None, is_operator=True) == [False, False]
        WindowFactory()
        assert done(None, is_operator=True) == [True, False]

    def test_is_for_people_who_are_logged_in(self, client: Client) -> None:
        assert client.get(START).headers["Location"] == f"{reverse('account_login')}?next={START}"

    def test_marks_the_first_step_that_is_left(self) -> None:
        page = visit(BuyerFactory(limit_cents=0)).client.get(START)

        assert page.context["lists"][0].next_step.title == "Put a card on file"
        assert page.content.decode().count("check-list__step--next") == 1

    def test_takes_a_bounded_number_of_queries(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        both = visit(BuyerFactory(is_seller=True))
        with django_assert_num_queries(
            10
        ):  # session, user, memberships; limit, card, bid; site, draft, block, account
            both.client.get(START)

    def test_whoever_makes_an_organization_lands_here(self, client: Client) -> None:
        user = UserFactory()
        client.force_login(user)

        answer = client.post(
            reverse("accounts:organization_create"), {"organization_name": "Kite Genomics", "trades": "buyer"}
        )

        assert Membership.objects.filter(user=user).exists()
        assert answer.headers["Location"] == START


def test_every_page_leads_there_and_to_the_guides() -> None:
    page = visit(MembershipFactory(organization=BuyerFactory()).organization).client.get("/").content.decode()

    assert f'href="{START}"' in page
    assert f'href="{reverse("guide_list")}"' in page
