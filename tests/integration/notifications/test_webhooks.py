from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import Membership
from notifications import addresses, calling
from notifications.models import Notification, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.operations.calls import RETRY_AFTER, due_endpoints, send_waiting
from notifications.operations.endpoints import (
    EndpointRefused,
    Terms,
    change_endpoint,
    create_endpoint,
    remove_endpoint,
    rotate_secret,
    send_again,
    send_test,
    switch_endpoint,
)
from notifications.operations.spreading import pass_feed_on
from notifications.signing import signature
from notifications.webhook_events import EVENTS
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.notifications.receiver import Receiver, receiver
from tests.integration.notifications.test_spreading import happens, loses

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "webhooks.md"


@pytest.fixture(autouse=True)
def one_machine(settings) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = True


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as told:
        yield told


@pytest.fixture
def owner() -> Membership:
    return MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)


def endpoint_of(owner: Membership, url: str, *events: str) -> tuple[WebhookEndpoint, str]:
    terms = Terms(url=url, events=events or ("bid.won", "bid.lost"))
    return create_endpoint(organization=owner.organization, by=owner.user, terms=terms)


def pass_on(owner: Membership) -> None:
    pass_feed_on(organization_id=owner.organization_id)


def now() -> datetime:
    return datetime.now(UTC)


def documented_check():
    """The function that docs/webhooks.md shows."""
    [code] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    space: dict = {}
    exec(code, space)  # noqa: S102
    return space["is_from_sparegrid"]


class TestSending:
    def test_sends_what_was_chosen_signed_and_once(self, owner, listening):
        endpoint, secret = endpoint_of(owner, listening.url, "bid.lost")
        loses(owner, 91)
        happens(owner, "bid.placed", bid=1, window=2)
        pass_on(owner)
        pass_on(owner)

        assert due_endpoints(now()) == [endpoint.pk]
        send_waiting(endpoint_id=endpoint.pk)
        send_waiting(endpoint_id=endpoint.pk)

        [(headers, body)] = listening.received
        said = json.loads(body)
        assert said["id"] == headers["Sparegrid-Event-Id"] == f"evt_{owner.organization_id}_1"
        assert (said["type"], said["version"], said["organization"]) == ("bid.lost", 1, owner.organization_id)
        assert said["data"] == {"bid": 91, "window": 12, "reason": "price"}
        assert documented_check()(secret, headers["Sparegrid-Signature"], body)
        delivery = WebhookDelivery.objects.get()
        assert delivery.status == "delivered"
        attempt = delivery.attempts.get()
        assert attempt.status_code == 200
        assert attempt.milliseconds >= 0

    def test_tries_again_on_a_schedule_and_gives_up_in_the_end(self, owner, listening):
        listening.answers = [500]
        endpoint, _ = endpoint_of(owner, listening.url)
        loses(owner, 91)
        pass_on(owner)
        at, waits = now(), []

        while WebhookDelivery.objects.filter(status="waiting").exists():
            assert send_waiting(endpoint_id=endpoint.pk, now=at) == 1
            delivery = WebhookDelivery.objects.get()
            ended_at = delivery.attempts.latest("number").ended_at
            waits.append(delivery.next_try_at - ended_at)
            at = delivery.next_try_at

        assert tuple(waits[:-1]) == RETRY_AFTER
        assert delivery.status == "failed"
        assert [attempt.status_code for attempt in delivery.attempts.all()] == [500] * 8
        assert len({headers["Sparegrid-Event-Id"] for headers, _ in listening.received}) == 1

    def test_leaves_a_failing_endpoint_alone_for_a_moment(self, owner, listening):
        listening.answers = [503, 200]
        endpoint, _ = endpoint_of(owner, listening.url)
        loses(owner, 91)
        loses(owner, 92)
        pass_on(owner)
        at = now()

        assert send_waiting(endpoint_id=endpoint.pk, now=at) == 1
        assert due_endpoints(at) == []
        assert send_waiting(endpoint_id=endpoint.pk, now=at) == 0
        assert send_waiting(endpoint_id=endpoint.pk, now=at + HOUR) == 2

        endpoint.refresh_from_db()
        assert (endpoint.n_failed_in_row, endpoint.failing_since, endpoint.paused_until) == (0, None, None)

    def test_forgets_the_failures_of_an_address_that_was_replaced(self, owner, listening):
        endpoint, _ = endpoint_of(owner, listening.url)
        WebhookEndpoint.objects.update(n_failed_in_row=9, failing_since=now() - 60 * HOUR)
        renamed = Terms(url=listening.url, events=("bid.won",), name="The same")
        moved = Terms(url=f"{listening.url}other", events=("bid.won",))

        same = change_endpoint(organization=owner.organization, endpoint_id=endpoint.pk, terms=renamed)
        assert same.failing_since is not None
        other = change_endpoint(organization=owner.organization, endpoint_id=endpoint.pk, terms=moved)

        assert (other.n_failed_in_row, other.failing_since) == (0, None)

    def test_does_not_follow_redirects(self, owner, listening):
        with receiver() as elsewhere:
            listening.answers, listening.headers = [302], {"Location": elsewhere.url}
            endpoint, _ = endpoint_of(owner, listening.url)
            loses(owner, 91)
            pass_on(owner)

            send_waiting(endpoint_id=endpoint.pk)

            attempt = WebhookAttempt.objects.get()
            assert (attempt.status_code, attempt.said) == (302, "Redirects are not followed.")
            assert elsewhere.received == []

    def test_looks_at_the_address_again_for_each_call(self, owner, listening, settings):
        endpoint, _ = endpoint_of(owner, listening.url)
        WebhookEndpoint.objects.update(url=listening.url.replace("http://", "https://"))
        settings.WEBHOOK_PRIVATE_ADDRESSES = False
        loses(owner, 91)
        pass_on(owner)

        send_waiting(endpoint_id=endpoint.pk)

        assert "not on the public internet" in WebhookAttempt.objects.get().said
        assert listening.received == []

    def test_calls_the_address_that_was_looked_at(self, owner, listening, monkeypatch):
        """A name that answers differently a moment later gains nothing."""
        port = listening.url.split(":")[2].split("/")[0]
        looked_up = []

        def resolve_once(host: str, *arguments: object, **more: object) -> list:
            looked_up.append(host)
            return [(2, 1, 6, "", ("127.0.0.1", int(port)))]

        monkeypatch.setattr("notifications.addresses.socket.getaddrinfo", resolve_once)
        answer = calling.call(f"http://hooks.example:{port}/x", body="{}", headers={})

        assert answer.status_code == 200
        assert listening.received[0][0]["Host"] == f"hooks.example:{port}"
        assert looked_up == ["hooks.example", "127.0.0.1"]  # the name once; then what it had answered

    def test_a_look_up_that_never_began_counts_for_nothing(self, owner, listening, monkeypatch):
        """All threads that look up names wait for others' slow name servers."""
        monkeypatch.setattr(addresses, "LOOKUP_SECONDS", 0.2)
        endpoint, _ = endpoint_of(owner, listening.url)
        loses(owner, 91)
        pass_on(owner)
        at, gate = now(), threading.Event()
        slow = [addresses._lookups.submit(gate.wait, 60) for _ in range(addresses._lookups._max_workers)]
        try:
            assert send_waiting(endpoint_id=endpoint.pk, now=at) == 0
        finally:
            gate.set()
        assert all(one.result(60) for one in slow)

        endpoint.refresh_from_db()
        delivery = WebhookDelivery.objects.get()
        assert (endpoint.n_failed_in_row, endpoint.failing_since, endpoint.paused_until) == (0, None, None)
        assert (delivery.n_attempts, delivery.n_attempts_left) == (0, len(RETRY_AFTER) + 1)
        assert not WebhookAttempt.objects.exists()
        monkeypatch.setattr(addresses, "LOOKUP_SECONDS", 30)
        assert send_waiting(endpoint_id=endpoint.pk, now=delivery.next_try_at) == 1
        assert len(listening.received) == 1

    def test_gives_up_on_who_drips_an_answer_byte_by_byte(self, listening, monkeypatch):
        monkeypatch.setattr(calling, "TOTAL_SECONDS", 0.5)
        stop = threading.Event()

        def drip(handler) -> None:
            try:
                while not stop.wait(0.05):
                    handler.wfile.write(b"H")
                    handler.wfile.flush()
            except OSError:
                return

        listening.drips = drip
        answer = calling.call(listening.url, body="{}", headers={})
        stop.set()

        assert answer.said == "No answer within 0.5 s."
        assert answer.seconds < 5

    def test_says_when_nobody_listens(self):
        answer = calling.call("http://127.0.0.1:9/", body="{}", headers={})

        assert answer.status_code is None
        assert "ConnectionRefusedError" in answer.said

    def test_a_slow_endpoint_keeps_no_other_waiting(self, owner, listening):
        with receiver() as slow:
            slow.gate.clear()
            slow_endpoint, _ = endpoint_of(owner, slow.url)
            quick_endpoint, _ = endpoint_of(owner, listening.url)
            loses(owner, 91)
            pass_on(owner)

            def send_slowly() -> None:
                send_waiting(endpoint_id=slow_endpoint.pk)
                connection.close()

            thread = threading.Thread(target=send_slowly)
            thread.start()
            assert slow.arrived.wait(30)
            send_waiting(endpoint_id=quick_endpoint.pk)
            assert len(listening.received) == 1
            assert WebhookDelivery.objects.get(endpoint=slow_endpoint).status == "waiting"
            slow.gate.set()
            thread.join()
            assert WebhookDelivery.objects.get(endpoint=slow_endpoint).status == "delivered"

    def test_sends_again_what_a_dead_worker_had_begun(self, owner, listening, monkeypatch):
        endpoint, _ = endpoint_of(owner, listening.url)
        loses(owner, 91)
        pass_on(owner)
        at = now()

        def dies(*arguments: object, **more: object) -> None:
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr("notifications.operations.calls.call", dies)
            with pytest.raises(SystemExit):
                send_waiting(endpoint_id=endpoint.pk, now=at)
        assert WebhookAttempt.objects.get().ended_at is None
        assert send_waiting(endpoint_id=endpoint.pk, now=at) == 0  # it may be under way

        assert send_waiting(endpoint_id=endpoint.pk, now=at + timedelta(minutes=2)) == 1
        assert [attempt.status_code for attempt in WebhookAttempt.objects.order_by("number")] == [None, 200]

    def test_is_switched_off_after_three_days_and_owners_hear_of_it(self, owner, listening):
        listening.answers = [500]
        endpoint, _ = endpoint_of(owner, listening.url)
        looks_on = MembershipFactory(organization=owner.organization)
        loses(owner, 91)
        pass_on(owner)
        at = now()
        send_waiting(endpoint_id=endpoint.pk, now=at)
        loses(owner, 92)
        pass_on(owner)

        send_waiting(endpoint_id=endpoint.pk, now=at + timedelta(days=3, minutes=1))

        endpoint.refresh_from_db()
        assert (endpoint.status, endpoint.disabled_reason) == (
            "disabled",
            "Switched off: it took nothing for 3 days.",
        )
        pass_on(owner)
        told = Notification.objects.get(kind="webhook_off")
        assert told.user == owner.user
        assert told.letter is not None
        assert not looks_on.user.notifications.filter(kind="webhook_off").exists()
        loses(owner, 93)
        pass_on(owner)
        assert WebhookDelivery.objects.filter(body__contains='"bid":93').count() == 0


class TestSecrets:
    def test_the_old_one_signs_too_for_a_day(self, owner, listening):
        endpoint, old = endpoint_of(owner, listening.url)
        _, new = rotate_secret(organization=owner.organization, endpoint_id=endpoint.pk, now=now())
        assert old != new
        is_ours = documented_check()
        loses(owner, 91)
        loses(owner, 92)
        pass_on(owner)

        send_waiting(endpoint_id=endpoint.pk)
        for headers, body in listening.received:
            assert is_ours(old, headers["Sparegrid-Signature"], body)
            assert is_ours(new, headers["Sparegrid-Signature"], body)

        loses(owner, 93)
        pass_on(owner)
        later = now() + timedelta(hours=25)
        send_waiting(endpoint_id=endpoint.pk, now=later)
        headers, body = listening.received[-1]
        assert not is_ours(old, headers["Sparegrid-Signature"], body, now=later.timestamp())
        assert is_ours(new, headers["Sparegrid-Signature"], body, now=later.timestamp())

    def test_are_kept_sealed_and_forgotten_when_it_is_removed(self, owner, listening):
        endpoint, secret = endpoint_of(owner, listening.url)
        assert secret not in endpoint.sealed_secret

        remove_endpoint(organization=owner.organization, endpoint_id=endpoint.pk)

        endpoint.refresh_from_db()
        assert (endpoint.status, endpoint.sealed_secret) == ("removed", "")

    def test_the_documented_check_refuses_everything_else(self):
        is_ours = documented_check()
        at = datetime(2026, 3, 1, tzinfo=UTC)
        header = signature("{}", at=at, with_secrets=["whsec_a"])
        seconds = at.timestamp()

        assert is_ours("whsec_a", header, b"{}", now=seconds + 299)
        for secret, said, body, when in [
            ("whsec_b", header, b"{}", seconds),
            ("whsec_a", header, b"{ }", seconds),
            ("whsec_a", header, b"{}", seconds + 301),
            ("whsec_a", header, b"{}", seconds - 301),
            ("whsec_a", "", b"{}", seconds),
            ("whsec_a", "t=x,v1=y", b"{}", seconds),
            ("whsec_a", header.replace("t=", "t=1,t="), b"{}", seconds),
            ("whsec_a", header.replace("v1=", "v0="), b"{}", seconds),
        ]:
            assert not is_ours(secret, said, body, now=when)


class TestOwnersDo:
    def test_a_test_is_sent_once_and_never_again_by_itself(self, owner, listening):
        listening.answers = [500]
        endpoint, _ = endpoint_of(owner, listening.url)

        delivery = send_test(organization=owner.organization, endpoint_id=endpoint.pk, now=now())
        send_waiting(endpoint_id=endpoint.pk)

        delivery.refresh_from_db()
        assert (delivery.event, delivery.status, delivery.n_attempts) == ("webhook.test", "failed", 1)

    def test_again_sends_the_same_event_now(self, owner, listening):
        endpoint, _ = endpoint_of(owner, listening.url)
        loses(owner, 91)
        pass_on(owner)
        send_waiting(endpoint_id=endpoint.pk)
        delivery = WebhookDelivery.objects.get()

        send_again(organization=owner.organization, delivery_id=delivery.pk, now=now())
        send_waiting(endpoint_id=endpoint.pk)

        (_, first), (_, second) = listening.received
        assert first == second
        delivery.refresh_from_db()
        assert (delivery.status, delivery.n_attempts) == ("delivered", 2)

    def test_off_keeps_what_waits_until_it_is_on(self, owner, listening):
        endpoint, _ = endpoint_of(owner, listening.url)
        loses(owner, 91)
        pass_on(owner)
        switch_endpoint(organization=owner.organization, endpoint_id=endpoint.pk, on=False)
        assert send_waiting(endpoint_id=endpoint.pk) == 0
        with pytest.raises(EndpointRefused, match="is off"):
            send_test(organization=owner.organization, endpoint_id=endpoint.pk, now=now())

        switch_endpoint(organization=owner.organization, endpoint_id=endpoint.pk, on=True)
        assert send_waiting(endpoint_id=endpoint.pk) == 1

    def test_at_most_ten(self, owner, listening):
        for _ in range(10):
            endpoint_of(owner, listening.url)

        with pytest.raises(EndpointRefused, match="at most 10"):
            endpoint_of(owner, listening.url)


def test_the_docs_list_every_event():
    page = DOCS.read_text()
    for kind, event in EVENTS.items():
        members = ", ".join(f"`{name}`" for name in event.data)
        assert f"| `{kind}` | {event.means} | {members} |" in page
