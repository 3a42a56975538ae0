"""Tell both sides of a delivery: in their feeds, and those who trade for them by e-mail. Nothing that is handed over
ever stands in either.

An e-mail is a row first and then a job; a worker that dies between sending and noting it sends it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import get_connection
from django.urls import reverse

from accounts.stream import Happening, append_events
from marketplace.db import database_now
from notifications.mail import Content, compose
from notifications.queries import addresses
from settlements.jobs import defer_delivery_notices
from settlements.models import Delivery, DeliveryNotice

Kind = DeliveryNotice.Kind


@dataclass(frozen=True, slots=True)
class Words:
    """What an e-mail says, for either side: ``{award}`` and ``{hours}`` are filled in."""

    subject: str
    text: str


WORDS: Mapping[Kind, Words] = {
    Kind.STARTS_SOON: Words(
        "Award {award} starts soon",
        "Award {award} runs {hours}. The page below says how its hand-over stands.",
    ),
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
    Kind.OUTAGE_REOPENED: Words(
        "Award {award}: the outage is decided again",
        "The refund of the outage of award {award}, {hours}, was not agreed to by a second person of our finance "
        "staff. The outage is open again, and is decided anew.",
    ),
}

CHOSEN_BY: Mapping[Kind, tuple[str, str]] = {
    Kind.HANDOVER_DUE: ("handover_due", "handover_due"),
    Kind.HANDED_OVER: ("access", "access"),
    Kind.MISSED: ("handover_missed", "sale_missed"),
    Kind.CANCELLED: ("award_cancelled", "sale_missed"),
    Kind.KEYS_CHANGED: ("handover_due", "handover_due"),
    Kind.OUTAGE_REPORTED: ("outage_reported", "outage_reported"),
    Kind.OUTAGE_ANSWERED: ("outage_answered", "outage_answered"),
    Kind.OUTAGE_WITHDRAWN: ("outage_reported", "outage_reported"),
    Kind.OUTAGE_DECIDED: ("outage_answered", "outage_reported"),
    Kind.OUTAGE_REOPENED: ("outage_answered", "outage_reported"),
    Kind.STARTS_SOON: ("award_starts", "sale_starts"),
}
"""The kind of news by which people choose an e-mail, on the buyer's side and on the seller's."""


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


def tell_of_many(deliveries: Sequence[Delivery], kind: str, *, mail_sellers: Kind) -> None:
    """Tell both feeds of deliveries, all at once and so in key order, and the sellers by e-mail."""
    append_events(happening for delivery in deliveries for happening in told_both_sides(delivery, kind))
    notices = DeliveryNotice.objects.bulk_create(
        DeliveryNotice(delivery=delivery, organization_id=delivery.seller_id, kind=mail_sellers)
        for delivery in deliveries
    )
    defer_delivery_notices([notice.pk for notice in notices])


def told_both_sides(delivery: Delivery, kind: str, **facts: int | str) -> list[Happening]:
    """Return what both feeds tell of a delivery."""
    data = {
        "delivery": delivery.pk,
        "award": delivery.line.award_id,
        "window": delivery.line.award.window_id,
        "starts_at": delivery.starts_at.isoformat(),
        "ends_at": delivery.ends_at.isoformat(),
        **facts,
    }
    sides = {"buyer": delivery.buyer_id, "seller": delivery.seller_id}
    return [
        Happening(organization_id=organization_id, kind=kind, data={**data, "side": side})
        for side, organization_id in sides.items()
    ]


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
    kind_name = CHOSEN_BY[Kind(notice.kind)][notice.organization_id == notice.delivery.seller_id]
    recipients = addresses(notice.organization_id, kind_name)
    message = _message(notice)
    why = f"You receive this as a member of {notice.organization}."
    content = Content(subject=message.subject, text=message.text, why=why)
    with get_connection() as mail:
        mail.send_messages(
            [
                compose(content, user_id=user_id, email=email, kind_name=kind_name)
                for user_id, email in recipients
            ]
        )
    DeliveryNotice.objects.filter(pk=notice_id).update(ended_at=database_now(), n_recipients=len(recipients))
    return True


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
