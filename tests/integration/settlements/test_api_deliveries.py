"""What programs do with deliveries: sellers hand over and answer, buyers read access, choose keys, report outages."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiIdempotencyKey, Organization
from accounts.operations import create_api_key
from settlements.models import Delivery, HandoverRead, Outage
from tests.factories import BuyerFactory, MembershipFactory, SellerFactory
from tests.integration.settlements.deliveries import (
    ACCESS,
    ED25519,
    SECRET,
    handed_over,
    paid_delivery,
    running,
    set_back,
)

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1"


def client_of(organization: Organization) -> APIClient:
    member = MembershipFactory(organization=organization)
    _, text = create_api_key(organization=organization, created_by=member.user, name="Scheduler")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


class TestHandOver:
    def test_hands_over_and_repeats_none_of_it(self) -> None:
        delivery = paid_delivery()
        client = client_of(delivery.seller)

        answer = client.post(
            f"{API}/sold-deliveries/{delivery.pk}/handover/",
            {**ACCESS.as_said(), "version": 0},
            HTTP_IDEMPOTENCY_KEY="first",
        )

        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["version"]) == ("ready", 1)
        assert SECRET not in answer.content.decode()
        assert SECRET not in ApiIdempotencyKey.objects.get().body
        assert client.get(f"{API}/sold-deliveries/").json()["results"][0]["id"] == delivery.pk

    def test_names_the_field_that_is_missing_and_repeats_no_secret(self) -> None:
        delivery = paid_delivery()

        answer = client_of(delivery.seller).post(
            f"{API}/sold-deliveries/{delivery.pk}/handover/", {"endpoint": " ", "credentials": SECRET}
        )

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "endpoint"
        assert SECRET not in answer.content.decode()

    def test_knows_nothing_of_anothers_award(self) -> None:
        delivery = paid_delivery()
        address = f"{API}/sold-deliveries/{delivery.pk}/handover/"

        assert client_of(SellerFactory()).post(address, {"endpoint": "x"}).status_code == 404
        assert client_of(delivery.buyer).post(address, {"endpoint": "x"}).status_code == 403


class TestAccess:
    def test_is_the_buyers_alone_and_notes_the_key(self) -> None:
        delivery = handed_over()
        address = f"{API}/deliveries/{delivery.pk}/access/"

        assert client_of(BuyerFactory()).get(address).status_code == 404
        assert client_of(delivery.seller).get(address).status_code == 404
        assert APIClient().get(address).status_code == 401
        answer = client_of(delivery.buyer).get(address)

        assert answer.json()["credentials"] == SECRET
        assert "no-store" in answer["Cache-Control"]
        assert HandoverRead.objects.get().api_key is not None

    def test_is_in_no_other_answer(self) -> None:
        delivery = handed_over()

        for address in ("deliveries/", f"deliveries/{delivery.pk}/", "settlements/", "awards/"):
            assert SECRET not in client_of(delivery.buyer).get(f"{API}/{address}").content.decode()
        assert client_of(paid_delivery().buyer).get(f"{API}/deliveries/{delivery.pk}/").status_code == 404


class TestKeysAndOutages:
    def test_keys_are_added_chosen_and_removed(self) -> None:
        delivery = paid_delivery()
        client = client_of(delivery.buyer)

        key = client.post(f"{API}/ssh-keys/", {"key": ED25519}).json()
        chosen = client.put(f"{API}/deliveries/{delivery.pk}/keys/", {"keys": [key["id"]]})
        refused = client.post(f"{API}/ssh-keys/", {"key": "ssh-ed25519 AAAA"})

        assert [own["fingerprint"] for own in chosen.json()["ssh_keys"]] == [key["fingerprint"]]
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "key")
        assert client.delete(f"{API}/ssh-keys/{key['id']}/").status_code == 204
        assert client.get(f"{API}/ssh-keys/").json()["results"] == []

    def test_an_outage_is_reported_and_answered(self) -> None:
        delivery = set_back(running())
        said = {
            "starts_at": delivery.starts_at.isoformat(),
            "ends_at": (delivery.starts_at + timedelta(minutes=9)).isoformat(),
            "what": "Down.",
        }

        told = client_of(delivery.buyer).post(f"{API}/deliveries/{delivery.pk}/outages/", said)
        address = f"{API}/sold-outages/{told.json()['id']}/answer/"
        disputed = client_of(delivery.seller).post(address, {"accepts": False})
        accepted = client_of(delivery.seller).post(address, {"accepts": True})

        assert told.status_code == 201
        assert (disputed.status_code, disputed.json()["errors"][0]["field"]) == (422, "note")
        assert accepted.json()["status"] == Outage.Status.ACCEPTED
        assert client_of(SellerFactory()).post(address, {"accepts": True}).status_code == 404

    def test_a_list_takes_the_same_queries_however_long(self, django_assert_max_num_queries) -> None:
        first = running()
        for _ in range(2):
            other = running()
            Delivery.objects.filter(pk=other.pk).update(buyer=first.buyer)
        client = client_of(first.buyer)

        with django_assert_max_num_queries(12):
            assert len(client.get(f"{API}/deliveries/").json()["results"]) == 3
