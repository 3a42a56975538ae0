import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.api.idempotency import purge_expired_keys
from accounts.keys import new_secret, secret_sha256
from accounts.models import ApiIdempotencyKey, ApiKey
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.accounts.api import echo


def say(client: APIClient, text: str, key: str | None = "order-1"):
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/v1/echo/", {"text": text}, headers=headers)


class TestSameKey:
    def test_same_body_gets_the_same_answer_without_doing_the_work_again(self, client):
        first = say(client, "hello")
        second = say(client, "hello")

        assert echo.work.n_done == 1
        assert (second.status_code, second.content) == (201, first.content)
        assert second["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first

    def test_does_not_care_for_the_order_of_fields_or_spaces(self, client):
        for body in ('{"text": "a", "lines": []}', '{"lines":[],"text":"a"}'):
            answer = client.post(
                "/api/v1/echo/", body, content_type="application/json", headers={"Idempotency-Key": "k"}
            )
            assert answer.status_code == 201

        assert echo.work.n_done == 1

    def test_other_body_is_refused(self, client):
        say(client, "hello")

        answer = say(client, "goodbye")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
        assert echo.work.n_done == 1

    def test_after_a_refusal_may_be_used_for_the_mended_body(self, client):
        assert say(client, "").status_code == 422

        assert say(client, "mended").status_code == 201

    def test_of_another_organization_is_another_key(self, client):
        say(client, "hello")
        member = MembershipFactory(organization=BuyerFactory())
        drawn = new_secret()
        ApiKey.objects.create(
            organization=member.organization,
            created_by=member.user,
            prefix=drawn.prefix,
            secret_sha256=secret_sha256(drawn.secret),
        )
        other = APIClient()
        other.credentials(HTTP_AUTHORIZATION=f"Bearer {drawn.text}")

        assert say(other, "hello").json()["n_done"] == 2

    def test_without_a_key_the_work_is_done_each_time(self, client):
        assert [say(client, "hello", key=None).json()["n_done"] for _ in range(2)] == [1, 2]

    def test_is_forgotten_after_a_day(self, client):
        say(client, "hello")
        ApiIdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))

        assert say(client, "goodbye").status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 256])
    def test_of_a_length_out_of_bounds_is_refused(self, client, key):
        assert say(client, "hello", key=key).status_code == 422


class TestCutOff:
    def test_work_that_broke_midway_is_never_done_again(self, client):
        def die() -> None:
            raise RuntimeError("the process dies here, as far as the key can tell")

        echo.work.meanwhile = die
        assert say(client, "hello").status_code == 500
        echo.work.meanwhile = lambda: None

        answer = say(client, "hello")

        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:sparegrid:problem:idempotency_outcome_unknown"
        assert echo.work.n_done == 0


@pytest.mark.django_db(transaction=True)
class TestConcurrentUse:
    def test_is_refused_while_the_first_still_runs(self, client, key_text):
        may_end = threading.Event()

        def wait() -> None:
            echo.work.running.set()
            assert may_end.wait(timeout=30)

        echo.work.meanwhile = wait
        answers = []

        def first() -> None:
            own = APIClient()
            own.credentials(HTTP_AUTHORIZATION=f"Bearer {key_text}")
            answers.append(say(own, "hello"))
            connection.close()

        thread = threading.Thread(target=first)
        thread.start()
        assert echo.work.running.wait(timeout=30)
        during = say(client, "hello")
        may_end.set()
        thread.join(timeout=30)
        after = say(client, "hello")

        assert during.status_code == 409
        assert during.json()["type"] == "urn:sparegrid:problem:idempotency_key_in_use"
        assert (after.status_code, after.content) == (201, answers[0].content)
        assert echo.work.n_done == 1


class TestPurge:
    def test_deletes_what_is_older_than_a_day(self, client):
        say(client, "hello", key="old")
        ApiIdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
        say(client, "hello", key="young")

        assert purge_expired_keys(now=timezone.now()) == 1
        assert ApiIdempotencyKey.objects.get().key == "young"
