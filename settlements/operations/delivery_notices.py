"""Tell both sides of a delivery: in their feeds, and those who trade for them by e-mail. Nothing that is handed over
ever stands in either.

An e-mail is a row first and then a job; a worker that dies between sending and noting it sends it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse

from accounts.models import Membership, Organization
from accounts.policies import TRADING_ROLES
from accounts.stream import Happening, append_events
from marketplace.db import database_now
from settlements.jobs import defer_delivery_notices
from settlements.models import Delivery, DeliveryNotice

Kind = DeliveryNotice.Kind


@dataclass(frozen=True, slots=True)
class Words:
    """What an e-mail says, for either side: ``{award}`` and ``{hours}`` are filled in."""

    subject: str
    text: str


WORDS: Mapping[Kind, Words] = {
    Kind.HANDOVER_DUE: Words(
        "Hand over award {award}",
        "Award {award} is paid. Hand over access before it starts: {hours}. "
        "Half an hour after the start it counts as missed.",
    ),
    Kind.HANDED_OVER: Words(
        "Access to award {award}",
        "The seller has handed over access to award {award}, {hours}. It is shown on the page below, to members only.",
    ),
    Kind.MISSED: Words(
        "Award {award}: the hand-over was missed",
        "Nothing was handed over for award {award}, {hours}, by half an hour after it was due. "
        "A refund of the time missed is proposed to our finance staff. A late hand-over ends that time.",
    ),
    Kind.CANCELLED: Words("Award {award} is cancelled", "Award {award}, {hours}, is cancelled."),
    Kind.KEYS_CHANGED: Words(
        "Award {award}: other SSH keys",
        "The buyer has chosen other SSH keys for award {award}, {hours}. Please let these in and no others.",
    ),
    Kind.OUTAGE_REPORTED: Words(
        "Award {award}: an outage was reported",
        "The buyer has reported an outage of award {award}, {hours}. Please say on the page below whether you agree.",
    ),
    Kind.OUTAGE_ANSWERED: Words(
        "Award {award}: the seller answered your report",
        "The seller has answered the outage that you reported for award {award}, {hours}. Our finance staff decides.",
    ),
    Kind.OUTAGE_WITHDRAWN: Words(
        "Award {award}: the outage was withdrawn",
        "The buyer has withdrawn the outage it had reported for award {award}, {hours}.",
    ),
    Kind.OUTAGE_DECIDED: Words(
        "Award {award}: the outage was decided",
        "Our finance staff has decided on the outage of award {award}, {hours}. The page below says what and why.",
    ),
}


def tell(
    delivery: Delivery, kind: str, *, mail: Mapping[int, Kind] | None = None, **facts: int | str
) -> None:
    """Tell both feeds of a delivery, and by e-mail the organizations in ``mail``. Assumes a transaction."""
    append_events(told_both_sides(delivery, kind, **facts))
    notices = DeliveryNotice.objects.bulk_create(
        DeliveryNotice(delivery=delivery, organization_id=organization_id, kind=notice)
        for organization_id, notice in (mail or {}).items()
    )
    defer_delivery_notices([notice.pk for notice in notices])


def told_both_sides(delivery: Delivery, kind: str, **facts: int | str) -> list[Happening]:
    """Return what both feeds tell of a delivery."""
    data = {
        "delivery": delivery.pk,
        "award": delivery.line.award_id,
        "starts_at": delivery.starts_at.isoformat(),
        "ends_at": delivery.ends_at.isoformat(),
        **facts,
    }
    sides = (delivery.buyer_id, delivery.seller_id)
    return [Happening(organization_id=side, kind=kind, data=data) for side in sides]


def write_cancelled_notices(deliveries: Iterable[Delivery]) -> None:
    """Write to the sellers of deliveries that they are cancelled. Assumes a transaction."""
    notices = DeliveryNotice.objects.bulk_create(
        DeliveryNotice(delivery=delivery, organization_id=delivery.seller_id, kind=Kind.CANCELLED)
        for delivery in deliveries
    )
    defer_delivery_notices([notice.pk for notice in notices])


def send_delivery_notice(*, notice_id: int) -> bool:
    """Send an e-mail to everybody who trades for its organization; return False if that was done before."""
    notice = DeliveryNotice.objects.select_related("delivery__line", "organization").get(pk=notice_id)
    if notice.ended_at is not None:
        return False
    addresses = _addresses(notice.organization)
    message = _message(notice)
    with get_connection() as mail:
        for address in addresses:
            EmailMessage(message.subject, message.text, to=[address], connection=mail).send()
    DeliveryNotice.objects.filter(pk=notice_id).update(ended_at=database_now(), n_recipients=len(addresses))
    return True


def _addresses(organization: Organization) -> list[str]:
    traders = Membership.objects.filter(
        organization=organization, role__in=TRADING_ROLES, user__is_active=True
    )
    return list(traders.order_by("id").values_list("user__email", flat=True))


def _message(notice: DeliveryNotice) -> Words:
    delivery = notice.delivery
    filled = {
        "award": delivery.line.award_id,
        "hours": f"{delivery.starts_at:%d %b %Y %H:%M} to {delivery.ends_at:%d %b %Y %H:%M} UTC",
    }
    words = WORDS[Kind(notice.kind)]
    page = "sale_delivery" if notice.organization_id == delivery.seller_id else "own_delivery"
    address = f"{settings.SITE_URL}{reverse(f'settlements:{page}', args=[delivery.pk])}"
    return Words(words.subject.format(**filled), f"{words.text.format(**filled)}\n\n{address}\n")
