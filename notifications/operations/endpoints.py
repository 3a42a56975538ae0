"""What an owner does with webhook endpoints: make, change, switch, give another secret, try, send again, remove."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Organization, User
from marketplace.db import database_now
from marketplace.states import require_transition
from marketplace.versions import version_of
from notifications.addresses import AddressRefused, read_url, resolve
from notifications.jobs import defer_deliveries
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.signing import new_secret, reseal, seal
from notifications.webhook_events import EVENTS, MAX_ATTEMPTS, TEST, body_of

MAX_ENDPOINTS = 10
OLD_SECRET_LASTS = timedelta(hours=24)
Status = WebhookEndpoint.Status


class EndpointRefused(Exception):
    """The endpoint stays as it is; the text says why, for people, and ``field`` what to mend."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Terms:
    """What an endpoint is to be."""

    url: str
    events: tuple[str, ...]
    name: str = ""

    @property
    def version(self) -> str:
        return version_of(self)


class EndpointChanged(Exception):
    """Somebody changed the endpoint since it was looked at; nothing was done. ``terms`` are the present ones."""

    def __init__(self, terms: Terms) -> None:
        name = f"“{terms.name}”, " if terms.name else ""
        super().__init__(
            f"This endpoint was changed since you opened this page. It is {name}{terms.url} now and hears of "
            f"{', '.join(terms.events)}. Nothing was done: send it again to have it as below."
        )
        self.terms = terms


def terms_of_endpoint(endpoint: WebhookEndpoint) -> Terms:
    """Return what an endpoint is now."""
    return Terms(url=endpoint.url, events=tuple(endpoint.events), name=endpoint.name)


def create_endpoint(*, organization: Organization, by: User, terms: Terms) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint and return it with its secret, which cannot be had again. Raise EndpointRefused."""
    _require_valid(terms)
    secret = new_secret()
    with transaction.atomic(durable=True):
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        live = WebhookEndpoint.objects.filter(organization=organization).exclude(status=Status.REMOVED)
        if live.count() >= MAX_ENDPOINTS:
            raise EndpointRefused(f"An organization has at most {MAX_ENDPOINTS} endpoints. Remove one first.")
        endpoint = WebhookEndpoint.objects.create(
            organization=organization,
            url=terms.url,
            name=terms.name,
            events=_in_order(terms.events),
            sealed_secret=seal(secret),
            created_by=by,
        )
    return endpoint, secret


def change_endpoint(
    *, organization: Organization, endpoint_id: int, terms: Terms, version_seen: str | None = None
) -> WebhookEndpoint:
    """Change where an endpoint is and what it hears of.

    ``version_seen`` is of the terms that a person looked at; programs say none. Raise EndpointRefused,
    EndpointChanged, WebhookEndpoint.DoesNotExist.
    """
    _require_valid(terms)
    terms = replace(terms, events=tuple(_in_order(terms.events)))
    with transaction.atomic(durable=True):
        endpoint = _locked(organization, endpoint_id)
        present = terms_of_endpoint(endpoint)
        if version_seen not in {None, present.version} and present != terms:
            raise EndpointChanged(present)
        if terms.url != endpoint.url:  # what the old one did not take says nothing of the new one
            endpoint.n_failed_in_row, endpoint.failing_since = 0, None
        endpoint.url, endpoint.name, endpoint.events = terms.url, terms.name, list(terms.events)
        endpoint.paused_until = None
        endpoint.save()
    return endpoint


def switch_endpoint(*, organization: Organization, endpoint_id: int, on: bool) -> WebhookEndpoint:
    """Switch an endpoint on or off; what waits for it is sent once it is on. Raise WebhookEndpoint.DoesNotExist."""
    with transaction.atomic(durable=True):
        endpoint = _locked(organization, endpoint_id)
        target = Status.ENABLED if on else Status.DISABLED
        if endpoint.status != target:
            require_transition(WebhookEndpoint.TRANSITIONS, endpoint.status, target)
            endpoint.status = target
            endpoint.disabled_reason = "" if on else "Switched off by an owner."
            endpoint.n_failed_in_row, endpoint.failing_since, endpoint.paused_until = 0, None, None
            endpoint.save()
            if on:
                defer_deliveries([endpoint.pk])
    return endpoint


def rotate_secret(
    *, organization: Organization, endpoint_id: int, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint another secret, and return it; the old one signs too for a day. Raise DoesNotExist."""
    secret = new_secret()
    with transaction.atomic(durable=True):
        endpoint = _locked(organization, endpoint_id)
        endpoint.sealed_secret_before, endpoint.sealed_secret = endpoint.sealed_secret, seal(secret)
        endpoint.secret_before_until = now + OLD_SECRET_LASTS
        endpoint.save()
    return endpoint, secret


def remove_endpoint(*, organization: Organization, endpoint_id: int) -> None:
    """End an endpoint for good: nothing more is sent, its secrets are forgotten, its log stays. Raise DoesNotExist."""
    with transaction.atomic(durable=True):
        endpoint = _locked(organization, endpoint_id)
        require_transition(WebhookEndpoint.TRANSITIONS, endpoint.status, Status.REMOVED)
        endpoint.status = Status.REMOVED
        endpoint.sealed_secret = endpoint.sealed_secret_before = ""
        endpoint.secret_before_until = None
        endpoint.save()
        WebhookDelivery.objects.filter(endpoint=endpoint, status=WebhookDelivery.Status.WAITING).update(
            status=WebhookDelivery.Status.FAILED, ended_at=database_now()
        )


def send_test(*, organization: Organization, endpoint_id: int, now: datetime) -> WebhookDelivery:
    """Have a test event sent to an endpoint that is on. Raise EndpointRefused, WebhookEndpoint.DoesNotExist."""
    with transaction.atomic(durable=True):
        endpoint = _locked(organization, endpoint_id)
        _require_on(endpoint)
        event_id = f"evt_test_{secrets.token_hex(8)}"
        delivery = WebhookDelivery.objects.create(
            endpoint=endpoint,
            event_id=event_id,
            event=TEST,
            body=body_of(
                event_id, TEST, organization_id=organization.pk, at=now, data={"endpoint": endpoint.pk}
            ),
            n_attempts_left=1,
        )
        _at_once(endpoint)
    return delivery


def send_again(*, organization: Organization, delivery_id: int, now: datetime) -> WebhookDelivery:
    """Have an event sent once more, as it was, and now; a receiver knows it by its id.

    Raise EndpointRefused, WebhookDelivery.DoesNotExist.
    """
    with transaction.atomic(durable=True):
        endpoint_id = WebhookDelivery.objects.values_list("endpoint_id", flat=True).get(
            pk=delivery_id, endpoint__organization=organization
        )
        try:
            endpoint = _locked(organization, endpoint_id)
        except WebhookEndpoint.DoesNotExist:
            raise WebhookDelivery.DoesNotExist from None
        delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
        _require_on(endpoint)
        if delivery.status != WebhookDelivery.Status.WAITING:
            require_transition(WebhookDelivery.TRANSITIONS, delivery.status, WebhookDelivery.Status.WAITING)
            delivery.status = WebhookDelivery.Status.WAITING
            delivery.ended_at = None
            delivery.n_attempts_left = 1 if delivery.event == TEST else MAX_ATTEMPTS
        delivery.next_try_at = now
        delivery.save()
        _at_once(endpoint)
    return delivery


def reseal_secrets() -> int:
    """Encrypt all kept secrets anew with the first key, all or none; return how many. Raise InvalidToken."""
    with transaction.atomic(durable=True):
        endpoints = list(WebhookEndpoint.objects.select_for_update(no_key=True).exclude(sealed_secret=""))
        for endpoint in endpoints:
            endpoint.sealed_secret = reseal(endpoint.sealed_secret)
            if endpoint.sealed_secret_before:
                endpoint.sealed_secret_before = reseal(endpoint.sealed_secret_before)
            endpoint.save(update_fields=["sealed_secret", "sealed_secret_before"])
    return len(endpoints)


def _require_valid(terms: Terms) -> None:
    try:
        resolve(read_url(terms.url))
    except AddressRefused as refused:
        raise EndpointRefused(str(refused), field="url") from None
    if not terms.events:
        raise EndpointRefused("Choose at least one event.", field="events")
    for event in terms.events:
        if event not in EVENTS:
            raise EndpointRefused(f"There is no event called {event[:40]}.", field="events")


def _in_order(events: Iterable[str]) -> list[str]:
    chosen = set(events)
    return [event for event in EVENTS if event in chosen]


def _require_on(endpoint: WebhookEndpoint) -> None:
    if endpoint.status != Status.ENABLED:
        raise EndpointRefused("This endpoint is off. Switch it on first.")


def _at_once(endpoint: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(paused_until=None)
    defer_deliveries([endpoint.pk])


def _locked(organization: Organization, endpoint_id: int) -> WebhookEndpoint:
    live = WebhookEndpoint.objects.select_for_update(no_key=True).exclude(status=Status.REMOVED)
    return live.get(pk=endpoint_id, organization=organization)
