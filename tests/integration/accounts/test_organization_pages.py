import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.holds import set_hold
from accounts.keys import find_key
from accounts.models import ApiKey, BiddingLimit, CreditChange, Membership, Organization, User
from accounts.operations import create_api_key, set_credit
from tests.factories import PASSWORD, BuyerFactory, MembershipFactory, SellerFactory, UserFactory

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
    def test_shows_members_and_limit(self, client, membership):
        other = MembershipFactory(organization=membership.organization, role=Membership.Role.VIEWER)
        with transaction.atomic():
            for reference, cents in (("bid:12", 100_00), ("settlement:7", 20_50)):
                set_hold(organization_id=membership.organization.pk, reference=reference, amount_cents=cents)

        response = client.get(reverse("accounts:organization"))

        page = response.content.decode()
        assert other.user.email in page
        assert "$379.50" in page
        assert reverse("settlements:limit") in page

    @pytest.mark.parametrize("count", [1, 8])
    def test_takes_the_same_queries_however_many(self, client, membership, count, django_assert_num_queries):
        for number in range(count):
            MembershipFactory(organization=membership.organization)
            create_api_key(organization=membership.organization, created_by=membership.user, name="Desk")
            set_hold(organization_id=membership.organization.pk, reference=f"bid:{number}", amount_cents=1)

        # session, user, memberships, permission; limit, permission to manage; keys, members
        with django_assert_num_queries(8):
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
        answer = client.get(reverse("accounts:switch_organization"))
        assert answer.headers["Location"] == reverse("accounts:organization")

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

        assert response.redirect_chain[-1][0] == reverse("settlements:start")
        assert response.wsgi_request.organization.name == "Solo"

    def test_names_what_is_wrong(self, client):
        response = client.post(reverse("accounts:organization_create"), {"organization_name": ""})

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"organization_name", "trades"}


def finance_client(person: User | None = None) -> Client:
    """A finance person whose password was just typed."""
    person = person or UserFactory(is_finance=True)
    client = Client()
    client.force_login(person)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


class TestLimits:
    @pytest.fixture
    def finance(self) -> Client:
        return finance_client()

    def test_finance_sees_and_sets_the_credit_and_says_why(self, finance, membership):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])

        assert "$500.00" in finance.get(reverse("accounts:limit_list")).content.decode()
        assert 'value="500.00"' in finance.get(address).content.decode()
        response = finance.post(
            address, {"credit": "1234.56", "reason": "Paid on time for a year", "seen": "50000"}, follow=True
        )

        assert BiddingLimit.objects.get().credit_cents == 1_234_56
        assert "Paid on time for a year" in response.content.decode()
        change = CreditChange.objects.get()
        assert (change.before_cents, change.after_cents, change.status) == (500_00, 1_234_56, "in_force")

    @pytest.mark.parametrize("credit", ["", "-1", "1.001", "NaN", "lots", "1e30", "€5", "5 EUR", "1,5"])
    def test_names_what_is_wrong_and_keeps_what_was_typed(self, finance, membership, credit):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])

        response = finance.post(address, {"credit": credit, "reason": "Because of it", "seen": "50000"})

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"credit"}
        assert "Because of it" in response.content.decode()
        assert BiddingLimit.objects.get().credit_cents == 500_00
        assert not CreditChange.objects.exists()

    def test_wants_a_reason(self, finance, membership):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])

        response = finance.post(address, {"credit": "600", "reason": " ", "seen": "50000"})

        assert set(response.context["form"].errors) == {"reason"}

    def test_a_form_shown_before_somebody_elses_change_changes_nothing(self, finance, membership):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])
        set_credit_line(membership.organization, 700_00)

        response = finance.post(address, {"credit": "600", "reason": "Less", "seen": "50000"})

        assert response.status_code == 422
        assert "$700.00 by now, not $500.00 as shown" in response.content.decode()
        assert BiddingLimit.objects.get().credit_cents == 700_00

    def test_sent_twice_it_is_set_once(self, finance, membership):
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])
        for _ in range(2):
            finance.post(address, {"credit": "600", "reason": "More", "seen": "50000"})

        assert CreditChange.objects.count() == 1

    def test_a_large_raise_waits_for_a_second_person(self, membership, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 1_000_00
        proposer = UserFactory(is_finance=True)
        address = reverse("accounts:limit_edit", args=[membership.organization.pk])
        first = finance_client(proposer)
        first.post(address, {"credit": "1000.01", "reason": "Big", "seen": "50000"})
        change = CreditChange.objects.get()
        assert BiddingLimit.objects.get().credit_cents == 500_00

        own = first.post(reverse("accounts:credit_approve", args=[change.pk]), follow=True)
        assert "Another finance person must approve it" in own.content.decode()
        assert BiddingLimit.objects.get().credit_cents == 500_00

        finance_client().post(reverse("accounts:credit_approve", args=[change.pk]))
        assert BiddingLimit.objects.get().credit_cents == 1_000_01

        again = finance_client().post(reverse("accounts:credit_refuse", args=[change.pk]), follow=True)
        assert "decided already" in again.content.decode()

    def test_approving_asks_for_the_password_again(self, membership, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 1_000_00
        change = set_credit_line(membership.organization, 2_000_00, by=UserFactory(is_finance=True))
        second = Client()
        second.force_login(UserFactory(is_finance=True))

        response = second.post(reverse("accounts:credit_approve", args=[change.pk]))

        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_reauthenticate"))
        assert BiddingLimit.objects.get().credit_cents == 500_00

    @pytest.mark.parametrize("count", [1, 6])
    def test_are_listed_in_the_same_queries(self, finance, count, django_assert_num_queries):
        for _ in range(count):
            BuyerFactory()

        # session, user, memberships; count, page
        with django_assert_num_queries(5):
            finance.get(reverse("accounts:limit_list"))

    def test_are_nobody_elses(self, client, membership):
        addresses = [reverse("accounts:limit_edit", args=[membership.organization.pk])]
        addresses += [reverse(f"accounts:credit_{verb}", args=[1]) for verb in ("approve", "refuse")]

        assert client.get(reverse("accounts:limit_list")).status_code == 403
        for address in addresses:
            assert client.post(address, {"credit": "1", "reason": "Mine"}).status_code == 403


def set_credit_line(organization: Organization, cents: int, *, by: User | None = None) -> CreditChange:
    return set_credit(organization=organization, credit_cents=cents, reason="Set by a test", by=by)


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
