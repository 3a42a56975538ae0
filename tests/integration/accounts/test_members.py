"""The organization's page lets owners say who belongs to it, and nobody else does: not members, not staff."""

from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization, User
from tests.factories import PASSWORD, BuyerFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
Role = Membership.Role


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner() -> Membership:
    return MembershipFactory(organization=BuyerFactory(), role=Role.OWNER)


def roles_in(organization: Organization) -> dict[str, str]:
    return dict(Membership.objects.filter(organization=organization).values_list("user__email", "role"))


class TestOwners:
    def test_add_change_and_remove(self, owner: Membership) -> None:
        client, person = client_of(owner.user), UserFactory()
        organization = reverse("accounts:organization")

        client.post(reverse("accounts:member_add"), {"email": person.email, "role": Role.TRADER})
        member = Membership.objects.get(user=person)
        assert member.role == Role.TRADER
        assert person.email in client.get(organization).content.decode()

        client.post(reverse("accounts:member_role", args=[member.pk]), {"role": Role.VIEWER})
        assert roles_in(owner.organization)[person.email] == Role.VIEWER

        remove = reverse("accounts:member_remove", args=[member.pk])
        assert person.email in client.get(remove).content.decode()
        client.post(remove)
        assert roles_in(owner.organization) == {owner.user.email: Role.OWNER}

    def test_are_told_what_is_wrong_with_an_address(self, owner: Membership) -> None:
        answer = client_of(owner.user).post(
            reverse("accounts:member_add"), {"email": "nobody@example.com", "role": Role.VIEWER}
        )

        assert answer.status_code == 422
        assert "Nobody has signed up with this address" in answer.content.decode()

    def test_add_whom_signed_up_only_once_the_address_is_confirmed(self, owner: Membership) -> None:
        answers = {
            "name": "Bob",
            "email": "bob@example.com",
            "organization_name": "Bob's",
            "trades": "buyer",
            "password1": PASSWORD,
            "password2": PASSWORD,
        }
        bob = Client()
        bob.post(reverse("account_signup"), answers)
        added = {"email": "bob@example.com", "role": Role.TRADER}
        client = client_of(owner.user)

        refused = client.post(reverse("accounts:member_add"), added)
        assert refused.status_code == 422
        assert "This address is not confirmed" in refused.content.decode()

        [letter] = mail.outbox
        confirm = next(word for word in letter.body.split() if "confirm" in word and "http" in word)
        bob.post(urlsplit(confirm).path)
        client.post(reverse("accounts:member_add"), added)

        assert roles_in(owner.organization)["bob@example.com"] == Role.TRADER

    def test_cannot_leave_their_organization_without_one(self, owner: Membership) -> None:
        client = client_of(owner.user)
        for name, sent in (("member_remove", {}), ("member_role", {"role": Role.VIEWER})):
            answer = client.post(reverse(f"accounts:{name}", args=[owner.pk]), sent, follow=True)
            assert "is the only owner" in answer.content.decode()

        assert roles_in(owner.organization) == {owner.user.email: Role.OWNER}

    def test_refuse_a_role_there_is_not(self, owner: Membership) -> None:
        client_of(owner.user).post(reverse("accounts:member_role", args=[owner.pk]), {"role": "king"})

        assert roles_in(owner.organization) == {owner.user.email: Role.OWNER}

    def test_find_no_member_of_another_organization(self, owner: Membership) -> None:
        stranger = MembershipFactory(organization=BuyerFactory(), role=Role.VIEWER)
        client = client_of(owner.user)
        role = client.post(reverse("accounts:member_role", args=[stranger.pk]), {"role": Role.OWNER})
        remove = reverse("accounts:member_remove", args=[stranger.pk])

        assert [role.status_code, client.get(remove).status_code, client.post(remove).status_code] == [
            404
        ] * 3


class TestOthers:
    @pytest.mark.parametrize("role", [Role.TRADER, Role.VIEWER])
    def test_may_not(self, owner: Membership, role: str) -> None:
        member = MembershipFactory(organization=owner.organization, role=role)
        client = client_of(member.user)
        posts = {
            reverse("accounts:member_add"): {"email": UserFactory().email, "role": Role.OWNER},
            reverse("accounts:member_role", args=[member.pk]): {"role": Role.OWNER},
            reverse("accounts:member_remove", args=[owner.pk]): {},
        }

        assert [client.post(address, sent).status_code for address, sent in posts.items()] == [403] * 3
        assert "Add a member" not in client.get(reverse("accounts:organization")).content.decode()

    def test_staff_see_members_in_the_back_office_and_add_none(self, owner: Membership) -> None:
        staff = UserFactory(is_staff=True, is_superuser=True)
        address = reverse("admin:accounts_organization_change", args=[owner.organization_id])
        client = client_of(staff)
        assert str(owner.user) in client.get(address).content.decode()

        client.post(
            address,
            {
                "name": "Renamed",
                "is_buyer": "on",
                "memberships-TOTAL_FORMS": "1",
                "memberships-INITIAL_FORMS": "0",
                "memberships-0-user": staff.pk,
                "memberships-0-organization": owner.organization_id,
                "memberships-0-role": Role.OWNER,
            },
        )

        owner.organization.refresh_from_db()
        assert owner.organization.name == "Renamed"
        assert roles_in(owner.organization) == {owner.user.email: Role.OWNER}

    def test_staff_do_not_change_the_address_a_password_reset_goes_to(self, owner: Membership) -> None:
        before = owner.user.email
        staff = client_of(UserFactory(is_staff=True, is_superuser=True))
        address = reverse("admin:accounts_user_change", args=[owner.user_id])

        staff.post(address, {"email": "staff@example.com", "name": "Ada", "is_active": "on"})

        owner.user.refresh_from_db()
        assert (owner.user.email, owner.user.name) == (before, "Ada")
