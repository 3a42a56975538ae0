"""Hand over access to what was bought, and read it: sealed in between, and every reading noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import ApiKey, Organization, User
from settlements.models import Delivery, DeliveryNotice, Handover, HandoverRead
from settlements.operations.deliveries import lock_delivery, move
from settlements.operations.delivery_notices import tell
from settlements.operations.outages import end_missed_time
from settlements.vault import open_sealed, reseal, seal

Status = Delivery.Status
MAX_ENDPOINT_CHARACTERS = 300
MAX_TEXT_CHARACTERS = 10_000
WHY_NOT = {
    Status.AWAITING_PAYMENT: "The buyer has not paid yet. You can hand over once it has; we will tell you.",
    Status.CANCELLED: "This delivery is cancelled: nothing is handed over any more.",
    Status.DELIVERED: "This delivery has ended: nothing is handed over any more.",
}


class HandoverRefused(Exception):
    """Nothing was handed over; ``field`` names what is wrong, empty for the whole, the text says why, for people."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NothingHandedOver(Exception):
    """There is nothing to show: the seller has not handed over, or the delivery is cancelled."""


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """What a seller hands over, in the clear. It has no repr: a traceback or a log shows none of it."""

    endpoint: str
    instructions: str = ""
    credentials: str = ""

    def as_said(self) -> Mapping[str, str]:
        return {
            "endpoint": self.endpoint,
            "instructions": self.instructions,
            "credentials": self.credentials,
        }


@dataclass(frozen=True, slots=True)
class OpenedHandover:
    """A hand-over as its buyer reads it."""

    handover: Handover
    access: Access


def hand_over(
    *,
    seller: Organization,
    delivery_id: int,
    given_by: User,
    access: Access,
    version_seen: int,
    now: datetime,
) -> Handover:
    """Hand over access, or change what was handed over; each change is a version of its own and is told to the buyer.

    ``version_seen`` is the version that the form showed, 0 for none: the same form sent twice hands over once. Raise
    Delivery.DoesNotExist for another seller's delivery, HandoverRefused.
    """
    _require_sound(access)
    with transaction.atomic(durable=True):
        delivery = lock_delivery(delivery_id, seller_id=seller.pk)
        latest = delivery.handovers.order_by("-version").first()
        if latest is not None and _is_same_again(latest, access, version_seen):
            return latest
        _require_open(delivery, now)
        _require_latest(latest, version_seen)
        handover = Handover.objects.create(
            delivery=delivery,
            version=version_seen + 1,
            sealed=seal(delivery.pk, access.as_said()),
            given_by=given_by,
            given_at=now,
        )
        _take_as_handed_over(delivery, now)
        tell(
            delivery,
            "delivery.handed_over",
            mail={delivery.buyer_id: DeliveryNotice.Kind.HANDED_OVER},
            version=handover.version,
        )
        return handover


def read_handover(
    *, buyer: Organization, delivery_id: int, read_by: User, now: datetime, api_key: ApiKey | None = None
) -> OpenedHandover:
    """Return what was handed over last, and note who saw it. Raise Delivery.DoesNotExist for another buyer's delivery,
    NothingHandedOver.
    """
    with transaction.atomic(durable=True):
        delivery = Delivery.objects.get(pk=delivery_id, buyer=buyer)
        latest = delivery.handovers.order_by("-version").first()
        if latest is None or delivery.status == Status.CANCELLED:
            raise NothingHandedOver("Nothing is handed over.")
        HandoverRead.objects.create(handover=latest, read_by=read_by, api_key=api_key, read_at=now)
        return OpenedHandover(handover=latest, access=_opened(latest))


def read_own_handover(*, seller: Organization, delivery_id: int) -> Access | None:
    """Return what the seller itself handed over last, for it to change; None when there is nothing.

    Raise Delivery.DoesNotExist for another seller's delivery.
    """
    delivery = Delivery.objects.get(pk=delivery_id, seller=seller)
    latest = delivery.handovers.order_by("-version").first()
    return None if latest is None else _opened(latest)


def reseal_handovers() -> int:
    """Encrypt everything anew with the first key; return how many versions. Raise Unreadable, changing nothing."""
    with transaction.atomic(durable=True):
        n_resealed = 0
        for handover in Handover.objects.select_for_update().order_by("id").iterator(chunk_size=500):
            Handover.objects.filter(pk=handover.pk).update(sealed=reseal(handover.sealed))
            n_resealed += 1
        return n_resealed


def _opened(handover: Handover) -> Access:
    return Access(**open_sealed(handover.delivery_id, handover.sealed))


def _require_sound(access: Access) -> None:
    if not access.endpoint.strip():
        raise HandoverRefused(
            "Say where the buyer connects, such as ssh user@198.51.100.7.", field="endpoint"
        )
    if len(access.endpoint) > MAX_ENDPOINT_CHARACTERS:
        raise HandoverRefused(
            f"An endpoint has at most {MAX_ENDPOINT_CHARACTERS} characters.", field="endpoint"
        )
    for field in ("instructions", "credentials"):
        if len(getattr(access, field)) > MAX_TEXT_CHARACTERS:
            raise HandoverRefused(
                f"{field.capitalize()} have at most {MAX_TEXT_CHARACTERS:,} characters.", field=field
            )


def _is_same_again(latest: Handover, access: Access, version_seen: int) -> bool:
    return latest.version == version_seen + 1 and _opened(latest) == access


def _require_open(delivery: Delivery, now: datetime) -> None:
    if delivery.status in WHY_NOT:
        raise HandoverRefused(WHY_NOT[Status(delivery.status)])
    if now >= delivery.ends_at:
        raise HandoverRefused("The hours of this delivery are over: nothing is handed over any more.")


def _require_latest(latest: Handover | None, version_seen: int) -> None:
    if (latest.version if latest else 0) != version_seen:
        raise HandoverRefused(
            "Somebody of your organization changed it meanwhile. Look at the newest version, then change that."
        )


def _take_as_handed_over(delivery: Delivery, now: datetime) -> None:
    """The first hand-over moves the delivery on: in time to READY, late to RUNNING, which ends the time missed."""
    if delivery.handed_over_at is not None:
        return
    delivery.handed_over_at = now
    if delivery.status == Status.MISSED:
        end_missed_time(delivery, now)
        move(delivery, Status.RUNNING)
    else:
        move(delivery, Status.READY)
