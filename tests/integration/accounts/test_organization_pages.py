import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.holds import set_hold
from accounts.keys import find_key
from accounts.models import ApiKey, BiddingLimit, Membership
from accounts.operations import create_api_key
from tests.factories import BuyerFactory, MembershipFactory, SellerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def membership():
    return MembershipFactory(organization=BuyerFactory(limit_cents=500_00), role=Membership.Role.OWNER)


@pytest.fixture
def client(membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


class TestOrganizationPage:
    def test_shows_members_limit_and_what_each_hold_is_for(self, client, membership):
        other = MembershipFactory(organization=membership.organization, role=Membership.Role.VIEWER)
        with transaction.atomic():
            for reference, cents in (("bid:12", 100_00), ("settlement:7", 20_50)):
                set_hold(organization_id=membership.organization.pk, reference=reference, amount_cents=cents)

        response = client.get(reverse("accounts:organization"))

        page = response.content.decode()
        assert other.user.email in page
        assert [(hold.purpose, hold.number, hold.amount_cents) for hold in response.context["holds"]] == [
            ("settlement", 7, 20_50),
            ("bid", 12, 100_00),
        ]
        assert "$379.50" in page
        assert reverse("auctions:bid_detail", args=[12]) in page

    @pytest.mark.parametrize("count", [1, 8])
    def test_takes_the_same_queries_however_many(self, client, membership, count, django_assert_num_queries):
        for number in range(count):
            MembershipFactory(organization=membership.organization)
            create_api_key(organization=membership.organization, created_by=membership.user, name="Desk")
            set_hold(organization_id=membership.organization.pk, reference=f"bid:{number}", amount_cents=1)

        # session, user, memberships, permission; limit, holds, permission to manage; keys, members
        with django_assert_num_queries(9):
            client.get(reverse("accounts:organization"))

    def test_is_for_members(self, membership):
        stranger = Client()
        stranger.force_login(UserFactory())

        assert stranger.get(reverse("accounts:organization")).status_code == 403
        assert Client().get(reverse("accounts:organization")).status_code == 302


class TestKeys:
    def test_are_shown_once(self, client, membership):
        shown = client.post(reverse("accounts:api_key_create"), {"name": "Scheduler"})

        [text] = re.findall(r"sg_[0-9a-f]+_[\w-]{40,}", shown.content.decode())
        key = find_key(text)
        assert key.organization == membership.organization
        assert "no-store" in shown["Cache-Control"]
        assert text not in client.get(reverse("accounts:organization")).content.decode()

    def test_need_a_name(self, client):
        response = client.post(reverse("accounts:api_key_create"), {"name": ""})

        assert response.status_code == 422
        assert not ApiKey.objects.exists()

    def test_are_revoked(self, client, membership):
        key, text = create_api_key(
            organization=membership.organization, created_by=membership.user, name="Desk"
        )

        client.post(reverse("accounts:api_key_revoke", args=[key.pk]))

        assert find_key(text) is None
        assert client.post(reverse("accounts:api_key_revoke", args=[key.pk])).status_code == 404

    def test_of_others_are_not_found(self, client):
        key, text = create_api_key(organization=BuyerFactory(), created_by=UserFactory(), name="Desk")

        assert client.post(reverse("accounts:api_key_revoke", args=[key.pk])).status_code == 404
        assert find_key(text) == key

    def test_are_for_owners_to_make_and_revoke(self, membership):
        key, _ = create_api_key(organization=membership.organization, created_by=membership.user, name="Desk")
        trader = Client()
        trader.force_login(MembershipFactory(organization=membership.organization).user)

        assert trader.post(reverse("accounts:api_key_create"), {"name": "Mine"}).status_code == 403
        assert trader.post(reverse("accounts:api_key_revoke", args=[key.pk])).status_code == 403
        assert "Revoke" not in trader.get(reverse("accounts:organization")).content.decode()
        assert ApiKey.objects.filter(revoked_at=None).count() == 1


class TestSwitching:
    def test_changes_whom_one_acts_for(self, client, membership):
        other = MembershipFactory(user=membership.user, organization=SellerFactory())

        response = client.post(
            reverse("accounts:switch_organization"), {"organization": other.organization.pk}
        )

        assert response.url == reverse("board")
        page = client.get(reverse("accounts:organization"))
        assert page.wsgi_request.organization == other.organization

    @pytest.mark.parametrize("chosen", ["foreign", "", "x", "9" * 30])
    def test_to_one_where_one_is_no_member_is_not_found(self, client, membership, chosen):
        organization = BuyerFactory().pk if chosen == "foreign" else chosen

        response = client.post(reverse("accounts:switch_organization"), {"organization": organization})

        assert response.status_code == 404
        page = client.get(reverse("accounts:organization"))
        assert page.wsgi_request.organization == membership.organization

    def test_needs_a_post(self, client):
        assert client.get(reverse("accounts:switch_organization")).status_code == 405

    def test_a_membership_that_ended_falls_back_to_another(self, client, membership):
        other = MembershipFactory(user=membership.user, organization=SellerFactory())
        client.post(reverse("accounts:switch_organization"), {"organization": other.organization.pk})
        other.delete()

        page = client.get(reverse("accounts:organization"))

        assert page.wsgi_request.organization == membership.organization

    def test_in_another_tab_ends_what_a_page_drawn_before_may_send(self, client, membership):
        other = MembershipFactory(
            user=membership.user, organization=BuyerFactory(), role=Membership.Role.OWNER
        )
        drawn_for = f'"X-Acting-For": "{membership.organization.pk}"'
        assert drawn_for in client.get(reverse("accounts:organization")).content.decode()
        stale = {"X-Acting-For": str(membership.organization.pk)}
        create = reverse("accounts:api_key_create")

        client.post(reverse("accounts:switch_organization"), {"organization": other.organization.pk})

        assert client.post(create, {"name": "Desk"}, headers=stale).status_code == 409
        assert not ApiKey.objects.exists()
        assert client.get(reverse("accounts:organization"), headers=stale).status_code == 200
        fresh = {"X-Acting-For": str(other.organization.pk)}
        assert client.post(create, {"name": "Desk"}, headers=fresh).status_code == 200
        assert ApiKey.objects.get().organization == other.organization

    @pytest.mark.parametrize("headers", [{}, {"X-Acting-For": ""}])
    def test_stops_nobody_who_does_not_say_for_whom_the_page_was_drawn(self, client, headers):
        create = reverse("accounts:api_key_create")

        assert client.post(create, {"name": "Desk"}, headers=headers).status_code == 200


class TestNewOrganization:
    def test_is_for_people_without_one_too(self):
        client = Client()
        client.force_login(UserFactory())

        response = client.post(
            reverse("accounts:organization_create"),
            {"organization_name": "Solo", "trades": "seller"},
            follow=True,
        )

        assert response.redirect_chain[-1][0] == reverse("accounts:organization")
        assert response.wsgi_request.organization.name == "Solo"

    def test_names_what_is_wrong(self, client):
        response = client.post(reverse("accounts:organization_create"), {"organization_name": ""})

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"organization_name", "trades"}


class TestLimits:
    @pytest.fixture
    def finance(self) -> Client:
        client = Client()
        client.force_login(UserFactory(is_finance=True))
        return client

    def test_finance_sees_and_sets_them(self, finance, membership):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])

        assert "$500.00" in finance.get(reverse("accounts:limit_list")).content.decode()
        assert 'value="500.00"' in finance.get(address).content.decode()
        finance.post(address, {"limit": "1234.56"})

        assert BiddingLimit.objects.get().limit_cents == 1_234_56

    @pytest.mark.parametrize("limit", ["", "-1", "1.001", "NaN", "lots", "1e30"])
    def test_names_what_is_wrong(self, finance, membership, limit):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])

        response = finance.post(address, {"limit": limit})

        assert response.status_code == 422
        assert "limit" in response.context["form"].errors
        assert BiddingLimit.objects.get().limit_cents == 500_00

    @pytest.mark.parametrize("count", [1, 6])
    def test_are_listed_in_the_same_queries(self, finance, count, django_assert_num_queries):
        for _ in range(count):
            BuyerFactory()

        # session, user, memberships; count, page
        with django_assert_num_queries(5):
            finance.get(reverse("accounts:limit_list"))

    def test_are_nobody_elses(self, client, membership):
        assert client.get(reverse("accounts:limit_list")).status_code == 403
        assert (
            client.post(
                reverse("accounts:limit_edit", args=[membership.organization.pk]), {"limit": "1"}
            ).status_code
            == 403
        )


class TestDocs:
    def test_stand_open_and_name_every_operation(self, db):
        page = Client().get(reverse("api_docs")).content.decode()

        assert "POST /api/v1/blocks/" in page
        assert "Idempotency-Key" in page
        assert "reserve_ticks" in page

    def test_tell_when_a_key_was_last_used(self, client, membership):
        create_api_key(organization=membership.organization, created_by=membership.user, name="Desk")
        ApiKey.objects.update(last_used_at=timezone.now())

        assert "never" not in client.get(reverse("accounts:organization")).content.decode()
