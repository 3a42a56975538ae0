from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import ApiIdempotencyKey, Membership
from accounts.operations import create_api_key
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.operations.calls import send_waiting
from notifications.operations.endpoints import terms_of_endpoint
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.notifications.receiver import receiver
from tests.integration.notifications.test_webhooks import endpoint_of

pytestmark = pytest.mark.django_db(transaction=True)
LIST = reverse("notifications:webhook_list")
API = "/api/v1/webhook-endpoints/"
GOOD = {"url": "http://127.0.0.1:9/hook", "events": ["bid.won"], "name": "Scheduler"}


@pytest.fixture(autouse=True)
def one_machine(settings) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = True


@pytest.fixture
def owner() -> Membership:
    return MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)


@pytest.fixture
def client(owner) -> Client:
    client = Client()
    client.force_login(owner.user)
    return client


@pytest.fixture
def api(owner) -> APIClient:
    _, text = create_api_key(organization=owner.organization, created_by=owner.user, name="t")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def detail(endpoint: WebhookEndpoint) -> str:
    return reverse("notifications:webhook_detail", args=[endpoint.pk])


def typed(endpoint: WebhookEndpoint, **said: object) -> dict[str, object]:
    """What the form of an endpoint sends, drawn as it is now, with some of it typed anew."""
    terms = terms_of_endpoint(endpoint)
    return {
        "url": terms.url,
        "events": list(terms.events),
        "name": terms.name,
        "version": terms.version,
    } | said


BAD = [
    ("url", "", "required"),
    ("url", "ftp://example.com", "must begin with https://"),
    ("url", "http://nobody.invalid/", "No host is known by the name nobody.invalid"),
    ("url", "http://user:word@127.0.0.1/", "user and password"),
    ("url", "http://127.0.0.1/" + "a" * 600, "500"),
    ("events", [], "required"),
    ("events", ["bid.unheard_of"], "bid.unheard_of"),
    ("name", "x" * 81, "80"),
]


class TestPages:
    def test_the_secret_is_shown_once(self, client):
        page = client.post(LIST, GOOD).text

        secret = re.search(r"whsec_[\w-]{43}", page)[0]
        endpoint = WebhookEndpoint.objects.get()
        assert secret not in client.get(detail(endpoint)).text
        assert "Scheduler" in client.get(LIST).text
        rotated = client.post(reverse("notifications:webhook_rotate", args=[endpoint.pk])).text
        assert re.search(r"whsec_[\w-]{43}", rotated)[0] != secret

    @pytest.mark.parametrize(("name", "value", "why"), BAD)
    def test_each_field_that_is_wrong_is_said_and_nothing_typed_is_lost(self, client, name, value, why):
        answer = client.post(LIST, GOOD | {name: value})

        assert answer.status_code == 422
        field = re.search(rf'id="id_{name}_error".*?</div>', answer.text, re.DOTALL)[0]
        assert why in field
        assert not WebhookEndpoint.objects.exists()
        if name != "url":
            assert GOOD["url"] in answer.text
        if name != "name":
            assert GOOD["name"] in answer.text

    def test_private_addresses_are_refused_in_production(self, client, settings):
        settings.WEBHOOK_PRIVATE_ADDRESSES = False

        assert "must begin with https://" in client.post(LIST, GOOD).text
        answer = client.post(LIST, GOOD | {"url": "https://127.0.0.1/"})
        assert "127.0.0.1 is not on the public internet." in answer.text

    def test_log_test_again_change_switch_and_remove(self, client, owner, django_assert_max_num_queries):
        with receiver() as listening:
            endpoint, _ = endpoint_of(owner, listening.url)
            client.post(reverse("notifications:webhook_test", args=[endpoint.pk]))
            send_waiting(endpoint_id=endpoint.pk)
            with django_assert_max_num_queries(8):
                page = client.get(detail(endpoint)).text
            assert "webhook.test" in page
            assert re.search(r"1\. 200, \d+ ms", page)

            delivery = WebhookDelivery.objects.get()
            again = client.post(reverse("notifications:webhook_again", args=[delivery.pk]), follow=True)
            assert "on its way again" in again.text
            client.post(detail(endpoint), typed(endpoint, url=listening.url, events=["bid.lost"], name="Two"))
            endpoint.refresh_from_db()
            assert (endpoint.events, endpoint.name) == (["bid.lost"], "Two")
            switch = reverse("notifications:webhook_switch", args=[endpoint.pk])
            assert "Switched off by an owner." in client.post(switch, {"on": "false"}, follow=True).text
            refused = client.post(reverse("notifications:webhook_test", args=[endpoint.pk]), follow=True)
            assert "Switch it on first." in refused.text
            remove = reverse("notifications:webhook_remove", args=[endpoint.pk])
            assert "Remove this endpoint?" in client.get(remove).text
            client.post(remove)
            assert client.get(detail(endpoint)).status_code == 404

    def test_in_two_tabs_the_second_is_told_and_keeps_what_was_typed(self, client, owner):
        endpoint, _ = endpoint_of(owner, "http://127.0.0.1:9/one")
        first = typed(endpoint, name="First")
        second = typed(endpoint, name="Second", url="http://127.0.0.1:9/two")
        client.post(detail(endpoint), first)
        answer = client.post(detail(endpoint), second)
        assert answer.status_code == 422
        assert "It is “First”, http://127.0.0.1:9/one now" in answer.text
        assert 'value="Second"' in answer.text
        assert 'value="http://127.0.0.1:9/two"' in answer.text

        fresh = {"version": answer.context["form"]["version"].value()}
        assert client.post(detail(endpoint), second | fresh).status_code == 302
        endpoint.refresh_from_db()
        assert (endpoint.name, endpoint.url) == ("Second", "http://127.0.0.1:9/two")

    def test_the_same_sent_twice_is_no_other_change(self, client, owner):
        endpoint, _ = endpoint_of(owner, "http://127.0.0.1:9/one")
        twice = typed(endpoint, name="Two")
        assert [client.post(detail(endpoint), twice).status_code for _ in range(2)] == [302, 302]

    def test_are_the_owners_alone(self, owner):
        endpoint, _ = endpoint_of(owner, GOOD["url"])
        trader = Client()
        trader.force_login(MembershipFactory(organization=owner.organization).user)
        stranger = Client()
        stranger.force_login(MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER).user)

        assert trader.get(LIST).status_code == 403
        assert stranger.get(detail(endpoint)).status_code == 404
        for name in ("webhook_test", "webhook_switch", "webhook_rotate", "webhook_remove"):
            assert stranger.post(reverse(f"notifications:{name}", args=[endpoint.pk])).status_code == 404


class TestApi:
    def test_makes_reads_changes_tests_and_ends(self, api, owner):
        made = api.post(API, GOOD, headers={"Idempotency-Key": "one"})
        assert made.status_code == 201
        assert made.json()["secret"].startswith("whsec_")
        address = f"{API}{made.json()['id']}/"

        assert api.get(API).json()["results"][0] | {"secret": None} == made.json() | {"secret": None}
        assert api.get(address).json()["secret"] is None
        changed = api.patch(address, {"events": ["bid.lost", "bid.won"], "enabled": False}).json()
        assert changed["events"] == ["bid.won", "bid.lost"]
        assert (changed["enabled"], changed["url"]) == (False, GOOD["url"])
        assert api.post(f"{address}test/").json()["errors"][0]["field"] == "enabled"
        api.patch(address, {"enabled": True})
        tested = api.post(f"{address}test/")
        assert (tested.status_code, tested.json()["event"]) == (201, "webhook.test")
        send_waiting(endpoint_id=made.json()["id"])
        [delivery] = api.get("/api/v1/webhook-deliveries/").json()["results"]
        assert delivery["status"] == "failed"
        assert "ConnectionRefused" in delivery["attempts"][0]["said"]
        assert api.post(f"/api/v1/webhook-deliveries/{delivery['id']}/again/").json()["status"] == "waiting"
        rotated = api.post(f"{address}rotate-secret/").json()["secret"]
        assert rotated != made.json()["secret"]
        assert api.delete(address).status_code == 204
        assert api.get(address).status_code == 404

    def test_keeps_no_secret_for_a_repeated_request(self, api):
        made = api.post(API, GOOD, headers={"Idempotency-Key": "one"}).json()
        repeated = api.post(API, GOOD, headers={"Idempotency-Key": "one"}).json()

        assert repeated == made | {"secret": None}
        assert "whsec_" not in ApiIdempotencyKey.objects.get().body

    @pytest.mark.parametrize(("name", "value", "why"), BAD)
    def test_names_the_field_that_is_wrong(self, api, name, value, why):
        answer = api.post(API, GOOD | {name: value})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].split(".")[0] == name
        assert not WebhookEndpoint.objects.exists()

    def test_is_the_owners_alone(self, owner):
        _, text = create_api_key(
            organization=owner.organization,
            created_by=MembershipFactory(organization=owner.organization).user,
            name="t",
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")

        assert client.get(API).status_code == 403

    def test_another_organizations_do_not_exist(self, api):
        other = MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)
        endpoint, _ = endpoint_of(other, GOOD["url"])

        assert api.get(f"{API}{endpoint.pk}/").status_code == 404
        assert api.patch(f"{API}{endpoint.pk}/", {"name": "x"}).status_code == 404
        assert api.delete(f"{API}{endpoint.pk}/").status_code == 404
        assert api.post(f"{API}{endpoint.pk}/rotate-secret/").status_code == 404
