import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import BiddingLimit, Membership, Organization, User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

ANSWERS = {
    "name": "Ada Byron",
    "email": "Ada@Example.com",
    "organization_name": "Northwind Research",
    "trades": "both",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture(autouse=True)
def fresh_rate_limits():
    cache.clear()


class TestSignUp:
    def test_makes_a_person_and_an_organization_and_logs_in(self, client):
        response = client.post(reverse("account_signup"), ANSWERS)

        assert (response.status_code, response.url) == (302, reverse("board"))
        user = User.objects.get()
        assert (user.email, user.name) == ("ada@example.com", "Ada Byron")
        membership = Membership.objects.get()
        assert (membership.user, membership.role) == (user, Membership.Role.OWNER)
        organization = membership.organization
        assert (organization.slug, organization.is_buyer, organization.is_seller) == (
            "northwind-research",
            True,
            True,
        )
        assert BiddingLimit.objects.get().limit_cents == 0
        assert client.get(reverse("accounts:organization")).status_code == 200

    @pytest.mark.parametrize(("trades", "sides"), [("buyer", (True, False)), ("seller", (False, True))])
    def test_asks_which_sides_one_takes(self, client, trades, sides):
        client.post(reverse("account_signup"), ANSWERS | {"trades": trades})

        organization = Organization.objects.get()
        assert (organization.is_buyer, organization.is_seller) == sides

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
            ("email", ""),
            ("name", ""),
            ("organization_name", ""),
            ("organization_name", "x" * 121),
            ("trades", "steal"),
            ("password1", "12345678"),
            ("password2", "something else entirely"),
        ],
    )
    def test_names_the_field_that_is_wrong_and_makes_nothing(self, client, field, value):
        response = client.post(reverse("account_signup"), ANSWERS | {field: value})

        assert field in response.context["form"].errors
        assert not User.objects.exists()
        assert not Organization.objects.exists()

    def test_refuses_an_address_that_is_taken_whatever_its_case(self, client):
        UserFactory(email="ada@example.com")

        client.post(reverse("account_signup"), ANSWERS)

        assert User.objects.count() == 1
        assert not Organization.objects.exists()


def log_in(client: Client, user: User, password: str, address: str = "192.0.2.1"):
    return client.post(
        reverse("account_login"), {"login": user.email, "password": password}, REMOTE_ADDR=address
    )


class TestLogIn:
    def test_takes_the_address_in_any_case(self, client):
        user = UserFactory(email="ada@example.com")
        user.email = "ADA@example.com"

        assert log_in(client, user, PASSWORD).url == reverse("board")

    def test_locks_after_five_failures_even_for_the_right_password(self, client):
        user = UserFactory()

        statuses = [log_in(client, user, "wrong").status_code for _ in range(5)]
        locked = log_in(client, user, PASSWORD)

        assert statuses == [200, 200, 200, 200, 429]
        assert (locked.status_code, locked["Retry-After"]) == (429, "900")
        assert "Too many failed logins" in locked.content.decode()
        assert "_auth_user_id" not in client.session

    def test_lock_holds_for_one_person_from_one_address(self, client):
        user, other = UserFactory(), UserFactory()
        for _ in range(5):
            log_in(client, user, "wrong")

        assert log_in(Client(), other, PASSWORD).status_code == 302
        assert log_in(Client(), user, PASSWORD, address="192.0.2.2").status_code == 302
        assert log_in(Client(), user, PASSWORD).status_code == 429

    def test_lock_does_not_care_for_the_case_of_the_address(self, client):
        user = UserFactory(email="ada@example.com")
        for spelling in ("ada@example.com", "ADA@example.com", "Ada@Example.com") * 2:
            user.email = spelling
            answer = log_in(client, user, "wrong")

        assert answer.status_code == 429

    def test_success_forgets_the_failures_before_it(self, client):
        user = UserFactory()
        for _ in range(4):
            log_in(client, user, "wrong")
        log_in(client, user, PASSWORD)
        client.logout()

        assert log_in(client, user, "wrong").status_code == 200

    def test_one_address_cannot_try_many_people(self, client):
        for _ in range(10):
            log_in(client, UserFactory(), "wrong")

        answer = log_in(client, UserFactory(), PASSWORD)

        assert "Too many failed login attempts" in answer.content.decode()

    def test_the_back_office_has_no_login_of_its_own(self, client):
        response = client.get("/admin/login/?next=/admin/")

        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))
