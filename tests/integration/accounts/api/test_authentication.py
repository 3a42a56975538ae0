from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.keys import note_use
from accounts.models import ApiKey, Membership
from tests.factories import BuyerFactory, MembershipFactory


def bearer(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=text)
    return client


class TestKeys:
    def test_act_for_their_organization(self, client, membership):
        answer = client.get("/api/v1/echo/")

        assert answer.json() == {
            "organization": membership.organization.slug,
            "user": membership.user.email,
            "by_key": True,
        }

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: f"Bearer {text}x",
            lambda text: f"Bearer {text[:-1]}",
            lambda text: f"Bearer {text} {text}",
            lambda text: "Bearer",
            lambda text: "Bearer sg__",
            lambda text: "Bearer \xff\xfe",
            lambda text: f"Bearer {text.replace('sg_', 'xx_')}",
            lambda text: "Bearer " + text.rpartition("_")[0],
        ],
    )
    def test_refuse_anything_else(self, key_text, spoil):
        answer = bearer(spoil(key_text)).get("/api/v1/echo/")

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer realm="Sparegrid"'
        assert answer.json()["type"] == "urn:sparegrid:problem:authentication_failed"

    def test_end_when_revoked(self, client):
        ApiKey.objects.update(revoked_at=timezone.now())

        assert client.get("/api/v1/echo/").status_code == 401

    def test_end_with_their_maker(self, client, membership):
        membership.user.is_active = False
        membership.user.save()

        assert client.get("/api/v1/echo/").status_code == 401

    def test_lose_their_rights_when_the_maker_leaves_the_organization(self, client):
        Membership.objects.all().delete()

        assert client.get("/api/v1/echo/").status_code == 403

    def test_win_over_a_session(self, client, membership):
        client.force_login(MembershipFactory(organization=BuyerFactory()).user)

        assert client.get("/api/v1/echo/").json()["organization"] == membership.organization.slug

    def test_need_no_csrf_token(self, key_text):
        client = APIClient(enforce_csrf_checks=True)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_text}")

        assert client.post("/api/v1/echo/", {"text": "hello"}).status_code == 201

    def test_write_down_their_use_once_a_minute(self, key_text):
        key = ApiKey.objects.get()
        first = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

        seen = []
        for seconds in (0, 59, 60):
            note_use(key, now=first + timedelta(seconds=seconds))
            key.refresh_from_db()
            seen.append(key.last_used_at)

        assert seen == [first, first, first + timedelta(seconds=60)]


class TestSessions:
    def test_act_for_the_active_organization(self, membership):
        client = APIClient()
        client.force_login(membership.user)

        answer = client.get("/api/v1/echo/").json()

        assert answer["organization"] == membership.organization.slug
        assert not answer["by_key"]

    def test_need_a_csrf_token_to_write(self, membership):
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(membership.user)

        answer = client.post("/api/v1/echo/", {"text": "hello"})

        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/problem+json"

    def test_strangers_are_asked_who_they_are(self, db):
        assert APIClient().get("/api/v1/echo/").status_code == 401

    def test_a_person_without_an_organization_may_not_call(self, membership):
        membership.delete()
        client = APIClient()
        client.force_login(membership.user)

        assert client.get("/api/v1/echo/").json()["detail"] == "You are not a member of an organization yet."
