"""Send what waits for an endpoint: note the attempt, call, note what came of it. Nothing is locked during a call.

A worker that dies during a call leaves an attempt without an outcome; the event is sent again after a minute, with the
same id. One endpoint's events are sent one after another, and after a failure it is left alone for a moment, so that
one that is slow or away costs the others nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.stream import append_event
from marketplace.db import database_now
from marketplace.states import require_transition
from notifications.addresses import LookupBusy
from notifications.calling import Answer, call
from notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.signing import HEADER, open_sealed, signature
from notifications.webhook_events import MAX_ATTEMPTS

logger = logging.getLogger(__name__)

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 7_200, 21_600, 43_200))
"""Between the attempts of one event: 10 s, 1 min, 5 min, 30 min, 2 h, 6 h, 12 h. The eighth is the last, after 21 h."""
assert len(RETRY_AFTER) == MAX_ATTEMPTS - 1
UNKNOWN_AFTER = timedelta(minutes=1)
"""An attempt without an outcome for that long belonged to a worker that died."""
LONGEST_PAUSE = timedelta(minutes=5)
DISABLED_AFTER = timedelta(days=3)
"""An endpoint that took nothing for that long is switched off."""
CALLS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that is about to be made."""

    attempt_id: int
    delivery_id: int
    endpoint_id: int
    event_id: str
    url: str
    body: str
    called_at: datetime
    secrets: tuple[str, ...]


def send_waiting(*, endpoint_id: int, now: datetime | None = None) -> int:
    """Send what is due for an endpoint, oldest first, until something is not taken; return how many calls were made."""
    for n_calls in range(CALLS_AT_ONCE):
        claim = _claim(endpoint_id, now or database_now())
        if claim is None:
            return n_calls
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Sparegrid-Webhooks/1",
            "Sparegrid-Event-Id": claim.event_id,
            HEADER: signature(claim.body, at=claim.called_at, with_secrets=claim.secrets),
        }
        try:
            answer = call(claim.url, body=claim.body, headers=headers)
        except LookupBusy as busy:
            logger.warning("webhook endpoint %s was not called: %s", endpoint_id, busy)
            _give_back(claim)
            return n_calls
        _record(claim, answer)
        if not answer.is_taken:
            return n_calls + 1
    return CALLS_AT_ONCE


def due_endpoints(now: datetime) -> list[int]:
    """Return endpoints for which something is due."""
    due = WebhookDelivery.objects.filter(
        Q(endpoint__paused_until=None) | Q(endpoint__paused_until__lte=now),
        status=WebhookDelivery.Status.WAITING,
        next_try_at__lte=now,
        endpoint__status=WebhookEndpoint.Status.ENABLED,
    )
    return list(due.order_by("endpoint_id").values_list("endpoint_id", flat=True).distinct()[:200])


def _claim(endpoint_id: int, now: datetime) -> Claim | None:
    """Note that the next event is being sent; None when none is due, or somebody else sends it."""
    with transaction.atomic(durable=True):
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
        if endpoint.status != WebhookEndpoint.Status.ENABLED:
            return None
        if endpoint.paused_until is not None and endpoint.paused_until > now:
            return None
        due = WebhookDelivery.objects.select_for_update(no_key=True, skip_locked=True).filter(
            endpoint=endpoint, status=WebhookDelivery.Status.WAITING, next_try_at__lte=now
        )
        delivery = due.order_by("next_try_at", "id").first()
        if delivery is None:
            return None
        if delivery.n_attempts_left == 0:  # its last attempt's worker died
            _end(delivery, WebhookDelivery.Status.FAILED, now)
            delivery.save()
            return None
        delivery.n_attempts += 1
        delivery.n_attempts_left -= 1
        delivery.next_try_at = now + UNKNOWN_AFTER
        delivery.save()
        attempt = WebhookAttempt.objects.create(delivery=delivery, number=delivery.n_attempts, called_at=now)
        return Claim(
            attempt_id=attempt.pk,
            delivery_id=delivery.pk,
            endpoint_id=endpoint_id,
            event_id=delivery.event_id,
            url=endpoint.url,
            body=delivery.body,
            called_at=now,
            secrets=_secrets_of(endpoint, now),
        )


def _secrets_of(endpoint: WebhookEndpoint, now: datetime) -> tuple[str, ...]:
    own: tuple[str, ...] = (open_sealed(endpoint.sealed_secret),)
    if endpoint.secret_before_until is not None and endpoint.secret_before_until > now:
        own += (open_sealed(endpoint.sealed_secret_before),)
    return own


def _give_back(claim: Claim) -> None:
    """Forget an attempt that was never made, and have the event sent a little later: it counts for nothing."""
    with transaction.atomic(durable=True):
        WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=claim.endpoint_id)
        delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=claim.delivery_id)
        WebhookAttempt.objects.filter(pk=claim.attempt_id).delete()
        delivery.n_attempts -= 1
        delivery.n_attempts_left += 1
        if delivery.status == WebhookDelivery.Status.WAITING:
            delivery.next_try_at = claim.called_at + RETRY_AFTER[0]
        delivery.save()


def _record(claim: Claim, answer: Answer) -> None:
    ended_at = claim.called_at + timedelta(seconds=answer.seconds)
    with transaction.atomic(durable=True):
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=claim.endpoint_id)
        delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=claim.delivery_id)
        WebhookAttempt.objects.filter(pk=claim.attempt_id).update(
            ended_at=ended_at, status_code=answer.status_code, said=answer.said
        )
        if answer.is_taken:
            endpoint.n_failed_in_row, endpoint.failing_since, endpoint.paused_until = 0, None, None
            if delivery.status == WebhookDelivery.Status.WAITING:
                _end(delivery, WebhookDelivery.Status.DELIVERED, ended_at)
        else:
            _note_failure(endpoint, delivery, ended_at)
        delivery.save()
        endpoint.save()


def _note_failure(endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime) -> None:
    if delivery.status == WebhookDelivery.Status.WAITING:
        if delivery.n_attempts_left:
            delivery.next_try_at = now + RETRY_AFTER[MAX_ATTEMPTS - delivery.n_attempts_left - 1]
        else:
            _end(delivery, WebhookDelivery.Status.FAILED, now)
    endpoint.n_failed_in_row += 1
    endpoint.failing_since = endpoint.failing_since or now
    pause = timedelta(seconds=2 ** min(endpoint.n_failed_in_row, 20))
    endpoint.paused_until = now + min(pause, LONGEST_PAUSE)
    if endpoint.status == WebhookEndpoint.Status.ENABLED and now - endpoint.failing_since >= DISABLED_AFTER:
        _switch_off(endpoint)


def _switch_off(endpoint: WebhookEndpoint) -> None:
    require_transition(WebhookEndpoint.TRANSITIONS, endpoint.status, WebhookEndpoint.Status.DISABLED)
    endpoint.status = WebhookEndpoint.Status.DISABLED
    endpoint.disabled_reason = f"Switched off: it took nothing for {DISABLED_AFTER.days} days."
    logger.warning(
        "webhook endpoint %s is switched off: it failed since %s", endpoint.pk, endpoint.failing_since
    )
    append_event(
        organization_id=endpoint.organization_id,
        kind="webhook.disabled",
        data={"endpoint": endpoint.pk, "name": str(endpoint), "message": endpoint.disabled_reason},
    )


def _end(delivery: WebhookDelivery, status: WebhookDelivery.Status, now: datetime) -> None:
    require_transition(WebhookDelivery.TRANSITIONS, delivery.status, status)
    delivery.status = status
    delivery.ended_at = now
